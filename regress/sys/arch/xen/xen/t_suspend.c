/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The suspend table over a fake Xen: every level goes down once and comes up
 * once, in mirrored order, however it ends.
 */
/* sources: sys/arch/xen/xen/suspend.c sys/arch/xen/xen/hypercall.c
 * regress/sys/arch/xen/xen/fake_xen.c */
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/evtchn.h>
#include <xen/gnttab.h>
#include <xen/guest.h>
#include <xen/machdep.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

#include <ktest.h>

#include "fake_xen.h"

/* A letter for each step: going down upper case, coming up lower case. */
static char trace[64];
static unsigned int ntrace;
static char refuses;			/* this level does, going down */
static bool expect_new;
static unsigned int clock_changes;

static void
note(char c)
{
	KASSERT(ntrace < sizeof(trace) - 1);
	trace[ntrace++] = c;
}

static int
down(char c)
{
	/* Levels below "cpus" run alone. */
	CHECK_EQ(cpu_others_stopped, strchr("EGTX", c) != NULL);
	note(c);
	return c == refuses ? EBUSY : 0;
}

static void
up(char c, bool newdomain)
{
	CHECK_EQ(cpu_others_stopped, strchr("egtx", c) != NULL);
	CHECK_EQ(newdomain, expect_new);
	note(c);
}

#define	LEVEL(name, letter)						\
int	name##_suspend(void) { return down(letter); }			\
void	name##_resume(bool n) { up((letter) + 'a' - 'A', n); }

LEVEL(balloon, 'B')
LEVEL(xs, 'S')
LEVEL(xencons, 'C')

int	xenbus_suspend_devices(void) { return down('D'); }
void	xenbus_resume_devices(bool n) { up('d', n); }
int	cpu_hotplug_hold(void) { return down('H'); }
void	cpu_hotplug_release(void) { up('h', expect_new); }
void	evtchn_suspend(void) { (void)down('E'); }
void	evtchn_resume(bool n) { up('e', n); }
void	gnttab_suspend(void) { (void)down('G'); }
int	gnttab_resume(bool n) { up('g', n); return 0; }
void	time_suspend(void) { (void)down('T'); }
void	time_resume(bool n) { up('t', n); }
void	xen_clock_suspend(void) { KASSERT(cpu_others_stopped); }
void	xen_clock_resume(bool n) { CHECK_EQ(n, expect_new); }
void	xen_cpus_resume_late(void) { up('v', expect_new); }
void	gnttab_resume_late(bool n) { up('n', n); }
void	random_resume(bool n) { up('r', n); }

void
clock_was_set(void)
{
	CHECK(expect_new);
	clock_changes++;
}

static int guest_suspend(void) { return down('X'); }
static void guest_resume(bool n) { up('x', n); }
static unsigned long guest_arg(void) { return 0; }

static const struct xen_guest guest = {
	.g_name = "test", .g_suspend = guest_suspend,
	.g_resume = guest_resume, .g_suspend_arg = guest_arg,
};
const struct xen_guest *xen_guest = &guest;

/* The thread, its event channel and its nodes. */
static void (*thread)(void *);
static unsigned int offers, rebinds, announces, written_port;
static evtchn_t port;

int
kthread_create(const char *name, struct cpu_info *ci, void (*fn)(void *),
    void *arg, struct lwp **lp)
{
	CHECK_STR(name, "suspend");
	CHECK(ci == &cpu_info_primary && arg == NULL && lp == NULL);
	thread = fn;
	return 0;
}

int
evtchn_alloc_unbound(xdomid_t remote, void (*fn)(void *), void *arg,
    const char *name, struct evt_source **esp)
{
	CHECK_EQ(remote.domid, 0);
	CHECK(fn != NULL && arg == NULL && name != NULL);
	offers++;
	port = MKEVTCHN(5);
	*esp = (struct evt_source *)&port;
	return 0;
}

int
evtchn_rebind_unbound(struct evt_source *es, xdomid_t remote)
{
	CHECK(es == (struct evt_source *)&port && remote.domid == 0);
	rebinds++;
	port = MKEVTCHN(9);
	return 0;
}

evtchn_t
evtchn_port(const struct evt_source *es)
{
	CHECK(es == (const struct evt_source *)&port);
	return port;
}

int
xs_printf(xs_transaction_t tx, const char *dir, const char *node,
    const char *fmt, ...)
{
	CHECK_EQ(tx, XST_NIL);
	CHECK_STR(dir, "device/suspend");
	CHECK_STR(node, "event-channel");
	CHECK_STR(fmt, "%u");
	written_port = port.port;
	return 0;
}

void	xen_shutdown_announce(void) { announces++; }
void	evtchn_upcall(void) { }

/* ---- the table ---- */

static bool newdomain;

static int
run(void)
{
	int error;

	memset(trace, 0, sizeof(trace));
	ntrace = 0;
	newdomain = !expect_new;
	error = xen_suspend(&newdomain);
	CHECK_EQ(newdomain, expect_new);
	CHECK(!cpu_others_stopped);
	return error;
}

#define	ALL_DOWN	"DBHSCEGTX"
#define	ALL_UP		"xtgevnrcshbd"

TEST(new_domain)
{
	expect_new = true;
	fake_suspend_result = 0;
	CHECK_EQ(run(), 0);
	CHECK_EQ(fake_suspends, 1);
	CHECK_STR(trace, ALL_DOWN ALL_UP);
	CHECK_EQ(clock_changes, 1);
	CHECK_EQ(run(), 0);		/* and again */
	CHECK_EQ(fake_suspends, 2);
	CHECK_STR(trace, ALL_DOWN ALL_UP);
}

TEST(cancelled)
{
	fake_suspend_result = 1;
	CHECK_EQ(run(), 0);
	CHECK_EQ(fake_suspends, 1);
	CHECK_STR(trace, ALL_DOWN ALL_UP);
}

TEST(refused_by_xen)
{
	fake_suspend_result = -EPERM;
	CHECK_EQ(run(), EPERM);
	CHECK_STR(trace, ALL_DOWN ALL_UP);
}

TEST(every_level_refuses_once)
{
	static const struct {
		char		level;
		const char	*want;
	} cases[] = {
		{ 'D', "D" },
		{ 'B', "DB" "d" },
		{ 'H', "DBH" "bd" },
		{ 'S', "DBHS" "hbd" },
		{ 'C', "DBHSC" "shbd" },
		{ 'X', "DBHSCEGTX" "tgevnrcshbd" },
	};

	for (unsigned int i = 0; i < __arraycount(cases); i++) {
		refuses = cases[i].level;
		CHECK_EQ(run(), EBUSY);
		CHECK_STR(trace, cases[i].want);
		/* The next one works. */
		refuses = 0;
		fake_suspend_result = 1;
		CHECK_EQ(run(), 0);
		CHECK_STR(trace, ALL_DOWN ALL_UP);
	}
	CHECK_EQ(fake_suspends, __arraycount(cases));
}

/* ---- the thread ---- */

static unsigned int turns;

/* It waits: ask for another suspend, new domain and cancelled in turn. */
static bool
ask(const char *wchan)
{
	CHECK_STR(wchan, "suspend");
	if (turns == 4)
		return false;		/* the test ends in a panic */
	CHECK_EQ(offers, 1);
	CHECK_EQ(rebinds, turns / 2);
	CHECK_EQ(announces, turns / 2);
	CHECK_EQ(written_port, turns < 2 ? 5 : 9);
	expect_new = turns++ % 2 != 0;
	fake_suspend_result = expect_new ? 0 : 1;
	ntrace = 0;
	xen_suspend_request();
	return true;
}

TEST(the_channel_is_offered_again_in_a_new_domain)
{
	static struct lwp self;

	shim_set_curlwp(&self);
	CHECK_EQ(xen_suspend_init(), 0);
	CHECK(thread != NULL);
	shim_sleep_hook = ask;
	CHECK_PANIC(thread(NULL));
	CHECK_EQ(fake_suspends, 4);
	CHECK_EQ(rebinds, 2);
	CHECK_EQ(announces, 2);
	CHECK((self.l_flags & LF_MEMRESERVE) != 0);
}
