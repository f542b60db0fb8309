/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree and the state machine over the real store client, with tools
 * and backends that do as they like.
 */
/* sources: sys/arch/xen/xen/xenbus.c sys/arch/xen/xen/xenstore.c
 * sys/arch/xen/xen/xs_wire.c sys/arch/xen/xen/evtchn.c
 * sys/arch/xen/xen/hypercall.c
 * sys/kern/kern_sched.c sys/kern/kern_runq.c sys/kern/sched_acct.c
 * sys/kern/kern_sleepq.c sys/kern/kern_condvar.c sys/kern/kern_mutex.c
 * sys/kern/kern_rwlock.c sys/kern/kern_spinlock.c sys/kern/kern_cpu.c
 * sys/kern/kern_callout.c sys/kern/kern_softint.c sys/kern/kern_kthread.c
 * regress/sys/kern/sim.c regress/sys/arch/xen/xen/fake_xen.c
 * regress/sys/arch/xen/xen/fake_store.c */
#include <sys/condvar.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/guest.h>
#include <xen/machdep.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

#include <ktest.h>

#include "../../../kern/sim.h"
#include "fake_store.h"
#include "fake_xen.h"

#define	MS	NSEC_PER_MSEC
#define	BACK	"/local/domain/0/backend/toy/7/"

/* The first scan counts as looking for disks. */
static int settling;

void
disk_settle_begin(void)
{
	settling++;
}

void
disk_settle_end(void)
{
	settling--;
	CHECK_EQ(settling, 0);
}

/* ---- a driver that counts ---- */

static struct count {
	unsigned int probes, connects, disconnects, removes, suspends, resumes;
	unsigned int otherends;
	enum xenbus_state state;
	bool	connected;
	struct xenbus_device *xb;
} counts[8];

static int probe_error, connect_error, suspend_error;
static unsigned int suspend_refuser;
static void (*probe_hook)(struct xenbus_device *);

static struct count *
of(const struct xenbus_device *xb)
{
	KASSERT(xb->xb_id < __arraycount(counts));
	return &counts[xb->xb_id];
}

static int
toy_probe(struct xenbus_device *xb)
{
	struct count *c = of(xb);

	c->probes++;
	if (probe_hook != NULL)
		probe_hook(xb);
	if (probe_error == 0) {
		CHECK(c->xb == NULL);	/* one at a time */
		c->xb = xb;
	}
	return probe_error;
}

static int
toy_connect(struct xenbus_device *xb)
{
	struct count *c = of(xb);
	int error = connect_error;

	CHECK(c->xb == xb && !c->connected);
	c->connects++;
	if (error == 0)
		error = xenbus_switch_state(xb, XenbusStateConnected);
	c->connected = error == 0;
	return error;
}

static void
toy_disconnect(struct xenbus_device *xb)
{
	struct count *c = of(xb);

	CHECK(c->xb == xb && c->connected);
	c->disconnects++;
	c->connected = false;
}

static void
toy_otherend(struct xenbus_device *xb, enum xenbus_state state)
{
	struct count *c = of(xb);

	CHECK(c->xb == xb && state <= XenbusStateReconfigured);
	c->otherends++;
	c->state = state;
}

static int
toy_suspend(struct xenbus_device *xb)
{
	of(xb)->suspends++;
	return xb->xb_id == suspend_refuser ? suspend_error : 0;
}

static void
toy_resume(struct xenbus_device *xb, bool newdomain)
{
	(void)newdomain;
	of(xb)->resumes++;
}

static void
toy_remove(struct xenbus_device *xb)
{
	struct count *c = of(xb);

	CHECK(c->xb == xb && !c->connected);
	c->removes++;
	c->xb = NULL;
}

static const struct xenbus_driver toy = {
	.xd_type = "toy",
	.xd_probe = toy_probe,
	.xd_connect = toy_connect,
	.xd_otherend = toy_otherend,
	.xd_disconnect = toy_disconnect,
	.xd_suspend = toy_suspend,
	.xd_resume = toy_resume,
	.xd_remove = toy_remove,
};
XENBUS_DRIVER(toy);

/* One that leaves all it can to xenbus, like the console's. */
static const struct xenbus_driver plain = {
	.xd_type = "plain",
	.xd_probe = toy_probe,
	.xd_connect = toy_connect,
	.xd_disconnect = toy_disconnect,
	.xd_remove = toy_remove,
};
XENBUS_DRIVER(plain);

int
gnttab_grant_page(xdomid_t dom, struct vm_page *pg, bool readonly, gref_t *ref)
{
	(void)dom;
	(void)pg;
	(void)readonly;
	(void)ref;
	return ENOSPC;
}

/* ---- the machine ---- */

static int
g_store(evtchn_t *port, void **ring)
{
	*port = MKEVTCHN(fake_store_port);
	*ring = fake_store_ring;
	return 0;
}

static const struct xen_guest guest = { .g_store = g_store };
const struct xen_guest *xen_guest = &guest;

static void
booted(void *arg)
{
	void (*test)(void) = (void (*)(void))arg;

	kthread_init();
	fake_xen_new_domain();
	evtchn_init();
	fake_store_start();
	CHECK_EQ(xs_init(), 0);
	fake_store_settle();
	test();
}

static void
run(unsigned int ncpus, uint64_t seed, void (*test)(void))
{
	sim_run(ncpus, seed, booted, (void *)test);
}

/* ---- the tools ---- */

/* Make device/TYPE/N with its backend in this state. */
static void
plug(const char *type, const char *id, const char *state)
{
	char path[96], back[96];

	snprintf(back, sizeof(back), BACK "%s/state", id);
	fake_store_set(back, state);
	snprintf(back, sizeof(back), BACK "%s", id);
	snprintf(path, sizeof(path), "device/%s/%s/backend-id", type, id);
	fake_store_set(path, "0");
	snprintf(path, sizeof(path), "device/%s/%s/state", type, id);
	fake_store_set(path, "1");
	snprintf(path, sizeof(path), "device/%s/%s/backend", type, id);
	fake_store_set(path, back);
}

static void
unplug(const char *type, const char *id)
{
	char path[96];

	snprintf(path, sizeof(path), "device/%s/%s", type, id);
	fake_store_rm(path);
	snprintf(path, sizeof(path), BACK "%s", id);
	fake_store_rm(path);
}

static void
backend(const char *id, const char *state)
{
	char path[96];

	snprintf(path, sizeof(path), BACK "%s/state", id);
	fake_store_set(path, state);
	fake_store_settle();
}

static const char *
our_state(const char *type, const char *id)
{
	char path[96];

	snprintf(path, sizeof(path), "device/%s/%s/state", type, id);
	return fake_store_get(path);
}

/* ---- the tree ---- */

static void
tree(void)
{
	plug("toy", "1", "2");
	plug("toy", "2", "1");
	plug("nodriver", "1", "2");
	plug("toy", "abc", "2");
	plug("toy", "99999999999", "2");
	plug("toy", "3", "2");
	fake_store_set("device/toy/3/backend-id", "70000");
	plug("toy", "4", "2");
	fake_store_set("device/toy/4/backend-id", "none");
	plug("toy", "5", "2");
	fake_store_rm("device/toy/5/backend");
	fake_store_set("device/file", "no directory");
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	CHECK_EQ(counts[1].probes, 1);
	CHECK(counts[1].connected);
	CHECK_STR(our_state("toy", "1"), "4");
	CHECK_EQ(counts[2].probes, 1);
	CHECK(!counts[2].connected);
	backend("2", "2");
	CHECK(counts[2].connected);
	CHECK_EQ(counts[3].probes + counts[4].probes + counts[5].probes, 0);
	/* What was not complete is found when it is. */
	fake_store_set("device/toy/5/backend", BACK "5");
	fake_store_settle();
	CHECK(counts[5].connected);
	/* Looking again finds nothing new. */
	fake_store_set("device/toy", "");
	fake_store_settle();
	CHECK_EQ(counts[1].probes + counts[2].probes + counts[5].probes, 3);
}

TEST(the_tree_at_start)
{
	run(2, 1, tree);
}

/* ---- one device ---- */

static void
states(void)
{
	struct count *c = &counts[1];

	plug("toy", "1", "1");
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	CHECK_EQ(c->probes, 1);
	CHECK_EQ(c->connects, 0);
	backend("1", "2");
	CHECK_EQ(c->connects, 1);
	CHECK_STR(our_state("toy", "1"), "4");
	backend("1", "4");
	CHECK_EQ(c->connects, 1);
	CHECK_EQ(c->state, XenbusStateConnected);
	/* It starts over without a word. */
	backend("1", "2");
	CHECK_EQ(c->disconnects, 1);
	CHECK_EQ(c->connects, 2);
	backend("1", "4");
	backend("1", "5");
	CHECK_EQ(c->state, XenbusStateClosing);
	CHECK_EQ(c->disconnects, 1);		/* the driver's business */
	backend("1", "6");
	CHECK_EQ(c->disconnects, 2);
	CHECK_STR(our_state("toy", "1"), "6");
	/* Another backend takes over. */
	backend("1", "1");
	backend("1", "2");
	CHECK_EQ(c->connects, 3);
	CHECK_STR(our_state("toy", "1"), "4");
	unplug("toy", "1");
	fake_store_settle();
	CHECK_EQ(c->disconnects, 3);
	CHECK_EQ(c->removes, 1);
	CHECK_EQ(fake_store_watches(), 1);
}

TEST(the_states)
{
	run(2, 2, states);
}

static void
simple(void)
{
	struct count *c = &counts[1];

	plug("plain", "1", "2");
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	CHECK(c->connected);
	backend("1", "5");
	CHECK(!c->connected);
	CHECK_STR(our_state("plain", "1"), "6");
	backend("1", "6");
	CHECK_EQ(c->disconnects, 1);
}

TEST(closing_without_the_driver)
{
	run(2, 3, simple);
}

static void
garbage(void)
{
	static const char *const bad[] = {
		"", "9", "99999999999999999999", "-1", "4x", " 4", "four", "0"
	};
	struct count *c = &counts[1];
	unsigned int i, n;

	plug("toy", "1", "garbage");
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	CHECK_EQ(c->connects, 0);
	backend("1", "2");
	CHECK(c->connected);
	n = c->otherends;
	for (i = 0; i < __arraycount(bad); i++)
		backend("1", bad[i]);
	CHECK_EQ(c->otherends, n);
	CHECK(c->connected);
	/* Any order of good ones: connected or not, never twice. */
	for (i = 0; i < 60; i++) {
		char s[2] = { (char)('0' + sim_random(9)), '\0' };

		backend("1", s);
	}
	CHECK_EQ(c->connects - c->disconnects, c->connected);
	CHECK_EQ(c->removes, 0);
}

TEST(garbage_states)
{
	run(2, 4, garbage);
}

static void
vanishes(void)
{
	struct count *c = &counts[1];
	unsigned int i;

	plug("toy", "1", "2");
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	for (i = 1; i < 5; i++) {
		CHECK(c->connected);
		fake_store_rm(BACK "1");	/* without its device */
		fake_store_settle();
		CHECK(c->connected);
		fake_store_rm("device/toy/1");
		fake_store_settle();
		CHECK_EQ(c->removes, i);
		CHECK_EQ(c->connects, i);
		CHECK_EQ(fake_store_watches(), 1);
		plug("toy", "1", "2");
		fake_store_settle();
	}
}

TEST(a_backend_vanishes)
{
	run(3, 5, vanishes);
}

/* ---- what fails ---- */

static void
fails(void)
{
	struct count *c = &counts[1];

	plug("toy", "1", "2");
	connect_error = ENOMEM;
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	CHECK_EQ(c->connects, 1);
	CHECK_STR(fake_store_get("error/device/toy/1"), "12 connect");
	connect_error = 0;
	backend("1", "2");
	CHECK(c->connected);
	CHECK_EQ(c->connects, 2);
	/* A store in trouble takes no device away. */
	fake_store_fail = "EIO";
	fake_store_fail_type = XS_READ;
	fake_store_set("device/toy", "");
	fake_store_settle();
	CHECK_EQ(c->removes, 0);
	fake_store_fail = NULL;
	/* No watch on the backend: the device comes and goes all the same. */
	fake_store_fail = "E2BIG";
	fake_store_fail_type = XS_WATCH;
	plug("toy", "2", "2");
	fake_store_settle();
	CHECK_EQ(counts[2].probes, 1);
	unplug("toy", "2");
	fake_store_settle();
	CHECK_EQ(counts[2].removes, 1);
	fake_store_fail = NULL;
	plug("toy", "2", "2");
	fake_store_settle();
	CHECK(counts[2].connected);
	/* A driver that does not want it. */
	probe_error = ENODEV;
	plug("toy", "3", "2");
	fake_store_settle();
	CHECK_EQ(counts[3].probes, 1);
	CHECK_EQ(fake_store_watches(), 3);
}

TEST(what_fails)
{
	run(2, 6, fails);
}

static void
no_memory(void)
{
	size_t before;
	unsigned int i;

	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	plug("toy", "1", "2");
	fake_store_settle();
	unplug("toy", "1");
	fake_store_settle();
	before = kmem_outstanding();
	for (i = 0; i < 60; i++) {
		kmem_fail_after((int)i);
		plug("toy", "1", "2");
		fake_store_settle();
		unplug("toy", "1");
		fake_store_settle();
		kmem_fail_after(-1);
		/* An event that was lost: the next one tells. */
		fake_store_set("device/toy", "");
		fake_store_settle();
		CHECK(counts[1].xb == NULL);
		CHECK_EQ(kmem_outstanding(), before);
	}
	plug("toy", "1", "2");
	fake_store_settle();
	CHECK(counts[1].connected);
}

TEST(no_memory)
{
	run(2, 7, no_memory);
}

/* ---- things at the same time ---- */

static void
during_probe(struct xenbus_device *xb)
{
	probe_hook = NULL;
	CHECK_EQ(xb->xb_id, 1);
	plug("toy", "2", "2");
	unplug("toy", "1");
	(void)kpause("probe", false, nanouptime() + 5 * MS);
	plug("toy", "3", "2");
}

static void
hotplug(void)
{
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	probe_hook = during_probe;
	plug("toy", "1", "2");
	fake_store_settle();
	(void)kpause("test", false, nanouptime() + 20 * MS);
	fake_store_settle();
	CHECK_EQ(counts[1].probes, 1);
	CHECK_EQ(counts[1].removes, 1);
	CHECK_EQ(counts[2].probes, 1);
	CHECK(counts[2].connected);
	CHECK_EQ(counts[3].probes, 1);
	CHECK(counts[3].connected);
	CHECK_EQ(fake_store_watches(), 3);
}

TEST(hotplug_while_probing)
{
	run(2, 8, hotplug);
}

static volatile bool stop;

/* Somebody in dom0 who cannot make up his mind. */
static void
fidget(void *arg)
{
	const char *id = arg;
	bool in = false;

	while (!stop) {
		if (!in)
			plug("toy", id, "2");
		else if (sim_random(2) == 0)
			unplug("toy", id);
		else
			fake_store_rm("device/toy");
		in = !in;
		(void)kpause("fidget", false, nanouptime() +
		    (nsec_t)sim_random(2 * MS));
	}
	sim_exit();
}

static void
fidgets(void)
{
	static char names[3][2] = { "", "1", "2" };
	unsigned int i;
	size_t before;

	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	before = kmem_outstanding();
	sim_thread(fidget, names[1]);
	sim_thread(fidget, names[2]);
	for (i = 0; i < 40; i++) {
		(void)kpause("test", false, nanouptime() + MS);
		if (i % 4 != 0)
			continue;
		CHECK_EQ(xenbus_suspend_devices(), 0);
		(void)kpause("test", false, nanouptime() + MS);
		xenbus_resume_devices(i % 8 == 0);
	}
	stop = true;
	(void)kpause("test", false, nanouptime() + 5 * MS);
	fake_store_rm("device/toy");
	fake_store_settle();
	(void)kpause("test", false, nanouptime() + 100 * MS);
	CHECK(counts[1].xb == NULL && counts[2].xb == NULL);
	CHECK_EQ(counts[1].probes, counts[1].removes);
	CHECK(counts[1].connects >= counts[1].disconnects);
	CHECK(counts[1].probes > 2 && counts[1].disconnects > 2);
	CHECK_EQ(fake_store_watches(), 1);
	CHECK_EQ(kmem_outstanding(), before);
}

TEST(coming_and_going)
{
	run(4, 9, fidgets);
}

static void
quarantine(void)
{
	struct count *c = &counts[1];
	unsigned int i;

	CHECK_EQ(xenbus_init(), 0);
	for (i = 1; i < 20; i++) {
		plug("toy", "1", "2");
		fake_store_settle();
		CHECK(c->connected);
		xenbus_quarantine(c->xb, "test %d", 1);
		xenbus_quarantine(c->xb, "test %d", 2);
		if (i % 2 == 0) {
			fake_store_settle();
			CHECK(!c->connected);
			CHECK_STR(our_state("toy", "1"), "6");
			backend("1", "2");
			backend("1", "4");
			CHECK(!c->connected);
		}
		unplug("toy", "1");
		fake_store_settle();
		CHECK_EQ(c->removes, i);
		CHECK_EQ(c->connects, i);
		/* Nobody writes to a device that is gone. */
		CHECK(fake_store_get("device/toy/1") == NULL);
	}
}

TEST(quarantine)
{
	run(3, 10, quarantine);
}

/* ---- suspend ---- */

static void
suspend(void)
{
	unsigned int i;

	plug("toy", "1", "2");
	plug("toy", "2", "2");
	plug("plain", "3", "2");
	CHECK_EQ(xenbus_init(), 0);
	fake_store_settle();
	/* One refuses: whoever went down comes up. */
	for (suspend_refuser = 1; suspend_refuser <= 2; suspend_refuser++) {
		suspend_error = EBUSY;
		counts[1].suspends = counts[1].resumes = 0;
		counts[2].suspends = counts[2].resumes = 0;
		CHECK_EQ(xenbus_suspend_devices(), EBUSY);
		CHECK_EQ(counts[1].suspends + counts[2].suspends,
		    counts[1].resumes + counts[2].resumes + 1);
		CHECK_EQ(counts[suspend_refuser].resumes, 0);
	}
	suspend_error = 0;
	/* Cancelled: nothing happens. */
	CHECK_EQ(xenbus_suspend_devices(), 0);
	xenbus_resume_devices(false);
	fake_store_settle();
	for (i = 1; i <= 3; i++)
		CHECK(counts[i].connects == 1 && counts[i].connected);
	/* A new domain: a backend elsewhere, in its first state. */
	CHECK_EQ(xenbus_suspend_devices(), 0);
	CHECK_EQ(xs_suspend(), 0);
	cpu_stop_others();
	evtchn_suspend();
	fake_xen_new_domain();
	evtchn_resume(true);
	fake_store_new_domain();
	fake_store_rm("/local");
	fake_store_set("/local/domain/5/backend/toy/9/1/state", "2");
	fake_store_set("device/toy/1/backend",
	    "/local/domain/5/backend/toy/9/1");
	fake_store_set("device/toy/1/backend-id", "5");
	fake_store_rm("device/toy/2");
	cpu_start_others();
	xs_resume(true);
	xenbus_resume_devices(true);
	fake_store_settle();
	CHECK_EQ(counts[1].connects, 2);
	CHECK_EQ(counts[1].disconnects, 1);
	CHECK(counts[1].connected);
	CHECK_EQ(counts[1].xb->xb_otherend_id.domid, 5);
	CHECK_STR(our_state("toy", "1"), "4");
	/* One that did not come along, one whose backend is not there yet. */
	CHECK_EQ(counts[2].removes, 1);
	CHECK_EQ(counts[3].removes, 0);
	CHECK(!counts[3].connected);
	backend("3", "2");
	CHECK(counts[3].connected);
}

TEST(suspend_and_resume)
{
	run(2, 11, suspend);
}
