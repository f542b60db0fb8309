/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing the Xen side up, once threads and memory work, in the order in
 * which one stands on the other.
 */
#include <sys/systm.h>
#include <xen/gnttab.h>
#include <xen/machdep.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>
#include <xen/xencons.h>

static const struct {
	const char	*what;
	int		(*init)(void);
	bool		needs_store;
} xen_inits[] = {
	{ "grant table",	gnttab_init,		false },
	{ "console",		xencons_init,		false },
	{ "store",		xs_init,		false },
	{ "balloon",		balloon_init,		true },
	{ "suspend",		xen_suspend_init,	true },
	{ "shutdown",		xen_shutdown_init,	true },
	{ "devices",		xenbus_init,		true },
};

void
xen_init(void)
{
	bool store = true;
	unsigned int i;
	int error;

	for (i = 0; i < __arraycount(xen_inits); i++) {
		if (xen_inits[i].needs_store && !store)
			continue;
		error = xen_inits[i].init();
		if (error == 0)
			continue;
		/* A guest without one of these still runs. */
		printf("xen: no %s: error %d\n", xen_inits[i].what, error);
		if (xen_inits[i].init == xs_init)
			store = false;
	}
}
