/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Suspend: one ordered table down, the hypercall, the same table up.
 *
 * Overview: save, live migration and checkpoint are the same thing to a guest:
 * it is asked to suspend, makes the hypercall, and finds itself either in a new
 * domain (0) or still in the old one (1, cancelled).  Both are ordinary.  Each
 * level of the table knows how to go down and how to come up for either case.
 * When a level refuses, those above it come up as if cancelled and the guest
 * runs on.
 *
 * Nothing waits for user processes: page tables only change with interrupts
 * off, so a CPU stopped at any other point leaves them whole.
 *
 * Between "stop vCPUs" and its mirror nothing sleeps, allocates or prints:
 * who sleeps, switches or prints asserts !cpu_others_stopped.
 *
 * Two ways ask for it: `control/shutdown` in the store (shutdown.c), and the
 * suspend event channel, whose port is offered under device/suspend.  Either
 * wakes the suspend thread, which is bound to CPU 0: the tools look for the
 * frame number of start_info in that vCPU's registers.
 */
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/evtchn.h>
#include <xen/gnttab.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

struct suspend_level {
	const char *sl_name;
	int	(*sl_down)(void);
	void	(*sl_up)(bool newdomain);
};

/* How long the guest stood still by its own doing: not what Xen took. */
static nsec_t stop_start, stop_time;

static int
cpus_down(void)
{
	stop_start = nanouptime();
	cpu_stop_others();		/* and interrupts off here */
	return 0;
}

static void
cpus_up(bool newdomain __unused)
{
	cpu_start_others();
}

static void
hotplug_up(bool newdomain __unused)
{
	cpu_hotplug_release();
}

static int
evtchn_down(void)
{
	evtchn_suspend();
	return 0;
}

static int
grants_down(void)
{
	gnttab_suspend();
	return 0;
}

static void
grants_up(bool newdomain)
{
	int error;

	error = gnttab_resume(newdomain);
	if (error != 0)
		panic("gnttab: no table after resume: error %d", error);
}

static int
time_down(void)
{
	time_suspend();
	xen_clock_suspend();
	return 0;
}

static void
time_up(bool newdomain)
{
	xen_clock_resume(newdomain);
	time_resume(newdomain);
}

static int
guest_down(void)
{
	return xen_guest->g_suspend();
}

static void
guest_up(bool newdomain)
{
	xen_guest->g_resume(newdomain);
}

static void
late_up(bool newdomain)
{
	/* The clock stands still from time_down() to time_up(). */
	stop_time = nanouptime() - stop_start;
	xen_cpus_resume_late();
	gnttab_resume_late(newdomain);
	if (newdomain)
		clock_was_set();
	random_resume(newdomain);
}

static const struct suspend_level suspend_table[] = {
	{ "devices",	xenbus_suspend_devices,	xenbus_resume_devices },
	{ "balloon",	balloon_suspend,	balloon_resume },
	{ "hotplug",	cpu_hotplug_hold,	hotplug_up },
	{ "store",	xs_suspend,		xs_resume },
	{ "console",	xencons_suspend,	xencons_resume },
	{ "late",	NULL,			late_up },
	{ "cpus",	cpus_down,		cpus_up },
	{ "events",	evtchn_down,		evtchn_resume },
	{ "grants",	grants_down,		grants_up },
	{ "time",	time_down,		time_up },
	{ "guest",	guest_down,		guest_up },
};

int
xen_suspend(bool *newdomain)
{
	const unsigned int n = __arraycount(suspend_table);
	const char *refused = "hypercall";
	nsec_t start = nanouptime();
	unsigned int i;
	int error = 0;
	long rc;

	KASSERT(curcpu() == &cpu_info_primary);
	*newdomain = false;
	for (i = 0; i < n && error == 0; i++)
		if (suspend_table[i].sl_down != NULL)
			error = suspend_table[i].sl_down();
	if (error == 0) {
		rc = hypercall_suspend(xen_guest->g_suspend_arg());
		*newdomain = rc == 0;
		error = xen_errno(rc);
	} else {
		refused = suspend_table[--i].sl_name;
	}
	while (i-- > 0)
		if (suspend_table[i].sl_up != NULL)
			suspend_table[i].sl_up(*newdomain);
	if (error != 0)
		printf("suspend: not done: %s: error %d\n", refused, error);
	else
		printf("suspend: %s, stopped for %lld us of %lld us\n",
		    *newdomain ? "resumed as a new domain" : "cancelled",
		    (long long)(stop_time / NSEC_PER_USEC),
		    (long long)((nanouptime() - start) / NSEC_PER_USEC));
	return error;
}

/* ---- the thread that does it, and who wakes it ---- */

static struct spinlock suspend_lock = SPINLOCK_INITIALIZER("suspend");
static struct condvar suspend_cv;
static bool suspend_wanted;			/* [l] */
static struct evt_source *suspend_evt;

void
xen_suspend_request(void)
{
	spin_enter(&suspend_lock);
	suspend_wanted = true;
	cv_signal(&suspend_cv);
	spin_exit(&suspend_lock);
}

static void
suspend_event(void *arg __unused)
{
	xen_suspend_request();
}

/*
 * Offer the event channel; the tools then need not go through the store.  A new
 * domain has closed all our ports.
 */
static void
suspend_offer_channel(void)
{
	int error;

	if (suspend_evt == NULL)
		error = evtchn_alloc_unbound(MKDOMID(0), suspend_event, NULL,
		    "suspend", &suspend_evt);
	else
		error = evtchn_rebind_unbound(suspend_evt, MKDOMID(0));
	if (error == 0)
		error = xs_printf(XST_NIL, "device/suspend", "event-channel",
		    "%u", evtchn_port(suspend_evt).port);
	if (error != 0)
		printf("suspend: no event channel: error %d\n", error);
}

static void
suspend_thread(void *arg __unused)
{
	bool newdomain;

	curlwp->l_flags |= LF_MEMRESERVE;
	suspend_offer_channel();
	for (;;) {
		spin_enter(&suspend_lock);
		while (!suspend_wanted)
			cv_wait_spin(&suspend_cv, &suspend_lock);
		suspend_wanted = false;
		spin_exit(&suspend_lock);
		(void)xen_suspend(&newdomain);
		if (newdomain) {
			suspend_offer_channel();
			xen_shutdown_announce();
		}
	}
}

int
xen_suspend_init(void)
{
	cv_init(&suspend_cv, "suspend");
	return kthread_create("suspend", &cpu_info_primary, suspend_thread,
	    NULL, NULL);
}
