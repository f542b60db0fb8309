/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What main() asks of a Xen guest: interrupts, vCPUs, and, once threads and
 * memory work, the Xen side in the order in which one thing stands on another.
 */
#include <sys/systm.h>
#include <xen/evtchn.h>
#include <xen/gnttab.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
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
	{ "vCPU hot plug",	xen_cpus_init,		false },
	{ "balloon",		balloon_init,		true },
	{ "suspend",		xen_suspend_init,	true },
	{ "shutdown",		xen_shutdown_init,	true },
	{ "devices",		xenbus_init,		true },
};

void
cpu_intr_init(void)
{
	int error;

	evtchn_init();
	error = xen_cpu_attach(&cpu_info_primary);
	if (error != 0)
		panic("xen: no timer for the boot CPU: error %d", error);
}

/* vCPUs that the domain has, running or not, are numbered from 0. */
unsigned int
cpu_possible(void)
{
	unsigned int n = 1;
	bool up;

	while (n < MAXCPUS && hypercall_vcpu_is_up(n, &up) == 0)
		n++;
	return n;
}

const char *
machine_name(void)
{
	static char name[16];

	scnprintf(name, sizeof(name), "Xen %s", xen_guest->g_name);
	return name;
}

void
machine_init(void)
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
