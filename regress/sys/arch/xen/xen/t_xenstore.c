/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store client on a machine with several CPUs, with an honest server and
 * with evil ones.
 */
/* sources: sys/arch/xen/xen/xenstore.c sys/arch/xen/xen/xs_wire.c
 * sys/arch/xen/xen/evtchn.c sys/arch/xen/xen/hypercall.c
 * sys/kern/kern_sched.c sys/kern/kern_runq.c sys/kern/sched_acct.c
 * sys/kern/kern_sleepq.c sys/kern/kern_condvar.c sys/kern/kern_mutex.c
 * sys/kern/kern_rwlock.c sys/kern/kern_spinlock.c sys/kern/kern_cpu.c
 * sys/kern/kern_callout.c sys/kern/kern_softint.c sys/kern/kern_kthread.c
 * regress/sys/kern/sim.c regress/sys/arch/xen/xen/fake_xen.c
 * regress/sys/arch/xen/xen/fake_store.c */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/guest.h>
#include <xen/machdep.h>
#include <xen/xenbus.h>

#include <ktest.h>

#include "../../../kern/sim.h"
#include "fake_store.h"
#include "fake_xen.h"

#define	US	NSEC_PER_USEC
#define	MS	NSEC_PER_MSEC
#define	SEC	NSEC_PER_SEC

static unsigned int finished;

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

static void
done(void)
{
	(void)atomic_add(&finished, 1);
}

static void
wait_for(unsigned int n)
{
	while (atomic_load(&finished) < n)
		(void)kpause("test", false, nanouptime() + MS);
}

static void
expect(const char *path, const char *val)
{
	char *s;

	CHECK_EQ(xs_read(XST_NIL, path, NULL, &s), 0);
	CHECK_STR(s, val);
	kmem_strfree(s);
}

/* ---- requests ---- */

static void
plain(void)
{
	char **names, *s;
	unsigned int n;
	uint64_t v;

	CHECK_EQ(xs_write(XST_NIL, "a", "b", "hello"), 0);
	expect("a/b", "hello");
	CHECK_EQ(xs_printf(XST_NIL, "a", "n", "%d", 42), 0);
	CHECK_EQ(xs_read_u64(XST_NIL, "a", "n", &v), 0);
	CHECK_EQ(v, 42);
	CHECK_EQ(xs_read_u64(XST_NIL, "a", "b", &v), EINVAL);
	CHECK_EQ(xs_read(XST_NIL, "a", "none", &s), ENOENT);
	CHECK_EQ(xs_read(XST_NIL, "b", "", &s), ENOENT);
	CHECK_EQ(xs_directory(XST_NIL, "a", NULL, &names, &n), 0);
	CHECK_EQ(n, 2);
	CHECK_STR(names[0], "b");
	CHECK_STR(names[1], "n");
	xs_directory_free(names, n);
	CHECK_EQ(xs_mkdir(XST_NIL, "a", "d"), 0);
	CHECK_EQ(xs_directory(XST_NIL, "a/d", NULL, &names, &n), 0);
	CHECK_EQ(n, 0);
	xs_directory_free(names, n);
	CHECK_EQ(xs_rm(XST_NIL, "a", NULL), 0);
	CHECK_EQ(xs_read(XST_NIL, "a", "n", &s), ENOENT);
}

TEST(read_write_list)
{
	run(2, 1, plain);
}

static void
worker(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, i;
	char path[32], val[200];

	snprintf(path, sizeof(path), "worker/%u", me);
	for (i = 0; i < 40; i++) {
		snprintf(val, sizeof(val), "%u %u %*u", me, i,
		    (int)sim_random(180), me);
		CHECK_EQ(xs_write(XST_NIL, path, NULL, val), 0);
		expect(path, val);
	}
	done();
}

static void
many(void)
{
	uintptr_t i;

	for (i = 0; i < 6; i++)
		sim_thread(worker, (void *)i);
	wait_for(6);
	CHECK_EQ(fake_store_requests, 6 * 80);
}

TEST(many_at_once)
{
	run(4, 2, many);
}

static void
large(void)
{
	static char val[XENSTORE_PAYLOAD_MAX + 1];

	memset(val, 'x', XENSTORE_PAYLOAD_MAX);
	CHECK_EQ(xs_write(XST_NIL, "a", NULL, val), E2BIG);
	CHECK_EQ(fake_store_requests, 0);
	/* More than the ring holds. */
	val[XENSTORE_PAYLOAD_MAX - 2] = '\0';
	CHECK_EQ(xs_write(XST_NIL, "a", NULL, val), 0);
	val[100] = '\0';
	CHECK_EQ(xs_write(XST_NIL, "a", NULL, val), 0);
	expect("a", val);
}

TEST(large_requests)
{
	run(2, 3, large);
}

static void
out_of_memory(void)
{
	size_t before;
	char *s;
	int error;

	CHECK_EQ(xs_write(XST_NIL, "a", NULL, "v"), 0);
	before = kmem_outstanding();
	KTEST_NTH_FAIL({
		error = xs_read(XST_NIL, "a", NULL, &s);
		CHECK(error == 0 || error == ENOMEM);
		CHECK(error != 0 || !kmem_failed());
		if (error == 0)
			kmem_strfree(s);
	});
	CHECK_EQ(kmem_outstanding(), before);
}

TEST(no_memory)
{
	run(2, 4, out_of_memory);
}

/* ---- transactions ---- */

static void
add_one(unsigned int *tries)
{
	xs_transaction_t tx;
	uint64_t v;
	int error;

	do {
		(*tries)++;
		CHECK_EQ(xs_transaction_start(&tx), 0);
		CHECK_EQ(xs_read_u64(tx, "sum", NULL, &v), 0);
		CHECK_EQ(xs_printf(tx, "sum", NULL, "%u", (unsigned int)v + 1),
		    0);
		error = xs_transaction_end(tx, false);
	} while (error == EAGAIN);
	CHECK_EQ(error, 0);
}

static void
adder(void *arg)
{
	unsigned int i, *tries = arg;

	for (i = 0; i < 10; i++)
		add_one(tries);
	done();
}

static void
adders(void)
{
	unsigned int i, tries = 0;
	xs_transaction_t tx;

	fake_store_set("sum", "0");
	fake_store_conflicts = 3;
	add_one(&tries);
	CHECK_EQ(tries, 4);
	for (i = 0; i < 4; i++)
		sim_thread(adder, &tries);
	wait_for(4);
	CHECK_STR(fake_store_get("sum"), "41");
	CHECK(tries > 44);		/* they came between each other */
	/* Nothing of what is given up is seen. */
	CHECK_EQ(xs_transaction_start(&tx), 0);
	CHECK_EQ(xs_write(tx, "sum", NULL, "lost"), 0);
	CHECK_EQ(xs_transaction_end(tx, true), 0);
	CHECK_STR(fake_store_get("sum"), "41");
	CHECK_EQ(fake_store_transactions(), 0);
}

TEST(transactions_are_tried_again)
{
	run(4, 5, adders);
}

/* ---- watches ---- */

static char dir_name[] = "dir", other_name[] = "other";
static struct xs_watch watch;
static unsigned int fired;
static char fired_path[64];
static nsec_t watch_takes;

static void
on_watch(struct xs_watch *xw, const char *path, const char *token)
{
	char *val;

	CHECK(xw == &watch && *token != '\0');
	strlcpy(fired_path, path, sizeof(fired_path));
	(void)atomic_add(&fired, 1);
	if (watch_takes > 0)
		(void)kpause("watchfn", false, nanouptime() + watch_takes);
	/* May use the store. */
	if (xs_read(XST_NIL, path, NULL, &val) == 0)
		kmem_strfree(val);
}

static void
watch_start(void)
{
	watch.xw_node = dir_name;
	watch.xw_func = on_watch;
	CHECK_EQ(xs_watch(&watch), 0);
	fake_store_settle();
	CHECK_EQ(fired, 1);
	CHECK_STR(fired_path, "dir");
}

static void
watches(void)
{
	watch_start();
	fake_store_set("dir/a", "1");
	fake_store_set("elsewhere", "1");
	fake_store_settle();
	CHECK_EQ(fired, 2);
	CHECK_STR(fired_path, "dir/a");
	fake_store_rm("dir");
	fake_store_settle();
	CHECK_EQ(fired, 3);
	/* What was queued does not run after it. */
	watch_takes = 10 * MS;
	fake_store_set("dir/a", "1");
	fake_store_set("dir/b", "1");
	fake_store_set("dir/c", "1");
	fake_store_settle();
	xs_unwatch(&watch);
	CHECK_EQ(fired, 4);
	CHECK_EQ(fake_store_watches(), 0);
	fake_store_set("dir/a", "1");
	fake_store_settle();
	CHECK_EQ(fired, 4);
}

TEST(watches_fire)
{
	run(2, 6, watches);
}

static void
refused(void)
{
	size_t before = kmem_outstanding();

	watch.xw_node = dir_name;
	watch.xw_func = on_watch;
	fake_store_fail = "E2BIG";
	fake_store_fail_type = XS_WATCH;
	CHECK_EQ(xs_watch(&watch), E2BIG);
	CHECK_EQ(kmem_outstanding(), before);
	fake_store_fail = NULL;
	watch_start();
}

TEST(a_watch_is_refused)
{
	run(2, 7, refused);
}

static void
bad_events(void)
{
	static const char one[] = "dir", not_ended[] = "dir\0001";
	char token[16], path[64];
	size_t before;
	unsigned int i;

	watch_start();
	before = kmem_outstanding();
	fake_store_reply(XS_WATCH_EVENT, 0, "", 0);
	fake_store_reply(XS_WATCH_EVENT, 0, one, sizeof(one));
	fake_store_reply(XS_WATCH_EVENT, 0, not_ended, sizeof(not_ended) - 1);
	fake_store_event("dir", "");
	fake_store_event("dir", "xyz");
	fake_store_event("dir", "ffffffff");
	fake_store_event("dir", "10000000000000001");
	fake_store_settle();
	CHECK_EQ(fired, 1);
	CHECK_EQ(kmem_outstanding(), before);
	/* A flood, all different, while the function is slow. */
	watch_takes = 5 * SEC;
	snprintf(token, sizeof(token), "%x", watch.xw_id);
	for (i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "dir/%u", i);
		fake_store_event(path, token);
	}
	fake_store_settle();
	CHECK_EQ(fired, 2);
	CHECK(kmem_outstanding() < before + 300000);
	watch_takes = 0;
	fake_store_settle();
	/* The last word is not lost: the watch's own node stands for it. */
	while (kmem_outstanding() > before)
		fake_store_settle();
	CHECK_STR(fired_path, "dir");
	CHECK(fired > 1000 && fired < 2000);
}

TEST(bad_events)
{
	run(2, 8, bad_events);
}

/* ---- evil servers ---- */

static unsigned int evil_calls;

/* Replies for others come first. */
static bool
wrong_ids(const struct xsd_sockmsg *h, const char *body)
{
	uint32_t i;

	(void)body;
	evil_calls++;
	for (i = 1; i < 40; i++)
		fake_store_reply(h->type, h->req_id + i, "evil", 5);
	fake_store_reply(h->type, h->req_id - 1, "evil", 5);
	fake_store_reply(h->type, 0, "evil", 5);
	return false;
}

static void
ids(void)
{
	size_t before;
	unsigned int i;

	fake_store_set("a", "good");
	expect("a", "good");
	before = kmem_outstanding();
	fake_store_evil = wrong_ids;
	for (i = 0; i < 10; i++) {
		expect("a", "good");
		fake_store_settle();
	}
	CHECK_EQ(evil_calls, 10);
	CHECK_EQ(kmem_outstanding(), before);
}

TEST(replies_with_wrong_ids)
{
	run(2, 9, ids);
}

static unsigned int evil_kind;

/* One reply of each bad kind in turn. */
static bool
bad_reply(const struct xsd_sockmsg *h, const char *body)
{
	static const char list[] = "a\0b";	/* its last NUL is not sent */

	(void)body;
	switch (evil_kind) {
	case 0:
		fake_store_reply(XS_WRITE + 100, h->req_id, "v", 2);
		break;
	case 1:
		fake_store_reply(XS_ERROR, h->req_id, "", 0);
		break;
	case 2:
		fake_store_reply(XS_ERROR, h->req_id, "ENOSUCHERROR", 13);
		break;
	case 3:
		fake_store_reply(h->type, h->req_id, list, 3);
		break;
	case 4:
		fake_store_reply(h->type, h->req_id, "99999999999", 12);
		break;
	case 5:
		fake_store_reply(h->type, h->req_id, "0", 2);
		break;
	default:
		fake_store_reply(h->type, h->req_id, "", 0);
		break;
	}
	return true;
}

static void
replies(void)
{
	xs_transaction_t tx = 7;
	unsigned int n;
	size_t before;
	uint64_t v;
	char **names, *s;
	int error;

	before = kmem_outstanding();
	fake_store_evil = bad_reply;
	for (evil_kind = 0; evil_kind < 7; evil_kind++) {
		CHECK(xs_transaction_start(&tx) != 0);
		CHECK_EQ(tx, 7);
		error = xs_directory(XST_NIL, "a", NULL, &names, &n);
		if (error == 0)
			xs_directory_free(names, n);
		CHECK(error == 0 || error == EIO);
		error = xs_read(XST_NIL, "a", NULL, &s);
		if (error == 0)
			kmem_strfree(s);
		error = xs_read_u64(XST_NIL, "a", NULL, &v);
		CHECK(error == 0 || error == EINVAL || error == EIO);
		if (evil_kind < 3)
			CHECK_EQ(xs_write(XST_NIL, "a", NULL, "v"), EIO);
	}
	CHECK_EQ(kmem_outstanding(), before);
	/* The gate was left by every transaction that did not start. */
	CHECK_EQ(xs_suspend(), 0);
	xs_resume(false);
}

TEST(bad_replies)
{
	run(2, 10, replies);
}

/* ---- a broken stream ---- */

static bool
too_long(const struct xsd_sockmsg *h, const char *body)
{
	struct xsd_sockmsg bad = *h;

	(void)body;
	if (evil_calls++ > 0)
		return false;
	bad.len = XENSTORE_PAYLOAD_MAX + 1;
	fake_store_put(&bad, sizeof(bad));
	return true;
}

static void
asker(void *arg)
{
	char *s;

	(void)arg;
	CHECK_EQ(xs_read(XST_NIL, "a", NULL, &s), EIO);
	done();
}

static void
broken(void)
{
	char *s;

	fake_store_set("a", "good");
	watch_start();
	fake_store_evil = too_long;
	sim_thread(asker, NULL);
	sim_thread(asker, NULL);
	/* All who wait are told, and then it works again. */
	while (evil_calls == 0)
		(void)kpause("test", false, nanouptime() + 10 * US);
	wait_for(1);
	fake_store_settle();
	CHECK_EQ(xs_read(XST_NIL, "a", NULL, &s), 0);
	kmem_strfree(s);
	/* A reader may be served before the watch is there again. */
	while (fake_store_watches() == 0)
		(void)kpause("test", false, nanouptime() + 10 * US);
	fake_store_set("dir/x", "1");
	(void)kpause("test", false, nanouptime() + 2 * SEC);
	CHECK_STR(fired_path, "dir/x");
	CHECK_EQ(fake_store_watches(), 1);
}

static void
broken_plain(void)
{
	char *s;

	fake_store_set("a", "good");
	fake_store_evil = too_long;
	CHECK_EQ(xs_read(XST_NIL, "a", NULL, &s), EIO);
	CHECK_EQ(xs_read(XST_NIL, "a", NULL, &s), 0);
	CHECK_STR(s, "good");
	kmem_strfree(s);
}

TEST(a_broken_stream_starts_over)
{
	run(2, 11, broken_plain);
}

static void
broken_reconnect(void)
{
	fake_store_ring->server_features =
	    XENSTORE_SERVER_FEATURE_RECONNECTION;
	broken();
}

/* The server forgets all watches: they must be made anew. */
TEST(reconnection_keeps_the_watches)
{
	run(2, 12, broken_reconnect);
}

static void
jumping(void)
{
	struct xenstore_domain_interface *r = fake_store_ring;
	unsigned int i;
	char *s;

	fake_store_set("a", "good");
	for (i = 0; i < 5; i++) {
		fake_store_stopped = true;
		r->rsp_prod += XENSTORE_RING_SIZE + 1 + i;
		fake_raise(fake_store_port);
		(void)kpause("test", false, nanouptime() + 5 * SEC);
		fake_store_stopped = false;
		expect("a", "good");
	}
	/* The other direction: an error for the one who sends. */
	fake_store_stopped = true;
	r->req_cons -= 1;
	r->req_prod += XENSTORE_RING_SIZE;
	CHECK_EQ(xs_read(XST_NIL, "a", NULL, &s), EIO);
	r->req_prod = ++r->req_cons;
	fake_store_stopped = false;
	fake_store_settle();
	expect("a", "good");
}

TEST(producers_that_jump)
{
	run(2, 13, jumping);
}

/* ---- no answer ---- */

static void
patient(void *arg)
{
	(void)arg;
	expect("a", "good");
	done();
}

static void
silent(void)
{
	static char val[3000];
	nsec_t start;
	unsigned int i;

	fake_store_set("a", "good");
	fake_store_stopped = true;
	for (i = 0; i < 3; i++)
		sim_thread(patient, NULL);
	(void)kpause("test", false, nanouptime() + 20 * SEC);
	CHECK_EQ(finished, 0);
	start = nanouptime();
	CHECK_EQ(xs_suspend(), EBUSY);
	CHECK(nanouptime() - start < 6 * SEC);
	fake_store_stopped = false;
	wait_for(3);
	/* Works again, also the next suspend, and with a full ring. */
	memset(val, 'x', sizeof(val) - 1);
	CHECK_EQ(xs_write(XST_NIL, "b", NULL, val), 0);
	CHECK_EQ(xs_suspend(), 0);
	xs_resume(false);
	expect("a", "good");
}

TEST(a_store_that_does_not_answer)
{
	run(2, 14, silent);
}

/* ---- suspend ---- */

static void
new_domain(void)
{
	fake_xen_new_domain();
	evtchn_resume(true);
	fake_store_new_domain();
}

static volatile bool stop;

static void
busy(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, i;
	char path[32], val[32];

	snprintf(path, sizeof(path), "busy/%u", me);
	for (i = 0; !stop; i++) {
		snprintf(val, sizeof(val), "%u", i);
		CHECK_EQ(xs_write(XST_NIL, path, NULL, val), 0);
		expect(path, val);
	}
	done();
}

static void
cycles(void)
{
	unsigned int i, before;
	uintptr_t t;

	watch_start();
	for (t = 0; t < 4; t++)
		sim_thread(busy, (void *)t);
	for (i = 0; i < 30; i++) {
		(void)kpause("test", false, nanouptime() +
		    (nsec_t)sim_random(2 * MS));
		CHECK_EQ(xs_suspend(), 0);
		cpu_stop_others();
		evtchn_suspend();
		if (i % 3 == 2)
			evtchn_resume(false);
		else
			new_domain();
		cpu_start_others();
		xs_resume(i % 3 != 2);
		CHECK_EQ(fake_store_watches(), 1);
		fake_store_settle();
		before = fired;
		fake_store_set("dir/x", "1");
		fake_store_settle();
		CHECK_EQ(fired, before + 1);
	}
	stop = true;
	wait_for(4);
}

TEST(suspend_and_resume)
{
	run(4, 15, cycles);
}

TEST(suspend_and_resume_other_seeds)
{
	run(2, 16, cycles);
}

static void
half_a_message(void)
{
	struct xsd_sockmsg h = { .type = XS_READ, .req_id = 1, .len = 100 };

	watch_start();
	fake_store_put(&h, sizeof(h));
	fake_store_put("half", 4);
	fake_store_settle();
	CHECK_EQ(xs_suspend(), 0);
	cpu_stop_others();
	evtchn_suspend();
	new_domain();
	cpu_start_others();
	xs_resume(true);
	fake_store_set("a", "good");
	expect("a", "good");
}

TEST(half_a_message_of_the_old_server)
{
	run(2, 17, half_a_message);
}

static void
watcher(void *arg)
{
	struct xs_watch *xw = arg;

	CHECK_EQ(xs_watch(xw), 0);
	done();
}

static void
other_func(struct xs_watch *xw, const char *path, const char *token)
{
	CHECK(xw != &watch && *path != '\0' && *token != '\0');
}

/* One that waits at the gate is registered once, with the new server. */
static void
gate_main(void)
{
	static struct xs_watch other = {
		.xw_func = other_func
	};

	watch_start();
	other.xw_node = other_name;
	CHECK_EQ(xs_suspend(), 0);
	sim_thread(watcher, &other);
	sim_thread(patient, NULL);
	(void)kpause("test", false, nanouptime() + MS);
	CHECK_EQ(finished, 0);
	cpu_stop_others();
	evtchn_suspend();
	new_domain();
	fake_store_set("a", "good");
	cpu_start_others();
	xs_resume(true);
	wait_for(2);
	CHECK_EQ(fake_store_watches(), 2);
}

TEST(who_waits_at_the_gate)
{
	run(3, 18, gate_main);
}
