/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers on a simulated machine with several CPUs. */
/* sources: sys/kern/kern_sched.c sys/kern/kern_runq.c sys/kern/sched_acct.c
 * sys/kern/kern_sleepq.c sys/kern/kern_condvar.c sys/kern/kern_mutex.c
 * sys/kern/kern_rwlock.c sys/kern/kern_spinlock.c sys/kern/kern_cpu.c
 * sys/kern/kern_callout.c sys/kern/kern_softint.c regress/sys/kern/sim.c */
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>
#include <machine/intr.h>

#include <host.h>
#include <ktest.h>

#include "../../../sys/kern/sched_impl.h"
#include "sim.h"

#define	US	NSEC_PER_USEC
#define	MS	NSEC_PER_MSEC
#define	SEC	NSEC_PER_SEC

static void
nap(nsec_t span)
{
	(void)kpause("nap", false, nanouptime() + span);
}

/* ---- one at a time ---- */

static struct callout c[100];
static unsigned int fired[100], nfired;
static nsec_t when[100], last;

static void
note(void *arg)
{
	unsigned int i = (unsigned int)(uintptr_t)arg;

	CHECK(curcpu()->ci_in_softint && intr_enabled());
	CHECK_EQ(curcpu()->ci_spin_depth, 0);
	fired[i]++;
	nfired++;
	CHECK(nanouptime() >= when[i]);
	CHECK(nanouptime() - when[i] < 50 * US);
	CHECK(when[i] >= last);		/* in order of deadlines */
	last = when[i];
}

static void
in_order(void *arg)
{
	nsec_t now = nanouptime() + MS;
	unsigned int i;

	(void)arg;
	for (i = 0; i < 100; i++) {
		callout_init(&c[i], note, (void *)(uintptr_t)i);
		when[i] = now + (nsec_t)sim_random(50) * MS;
		CHECK(!callout_pending(&c[i]));
		callout_schedule(&c[i], when[i]);
		CHECK(callout_pending(&c[i]));
	}
	/* Some are disarmed, some put off. */
	for (i = 0; i < 100; i += 10) {
		CHECK(callout_stop(&c[i]));
		CHECK(!callout_stop(&c[i]));
		when[i + 1] += 20 * MS;
		callout_schedule(&c[i + 1], when[i + 1]);
	}
	nap(100 * MS);
	CHECK_EQ(nfired, 90);
	for (i = 0; i < 100; i++) {
		CHECK_EQ(fired[i], i % 10 != 0);
		CHECK(!callout_pending(&c[i]));
		CHECK(!callout_halt(&c[i]));
	}
}

TEST(in_order_of_deadlines)
{
	sim_run(1, 1, in_order, NULL);
}

/* A deadline that has passed, or that never comes. */
static void
edges(void *arg)
{
	(void)arg;
	callout_init(&c[0], note, NULL);
	nap(MS);
	when[0] = nanouptime() - 20 * US;
	callout_schedule(&c[0], when[0]);
	nap(MS);
	CHECK_EQ(fired[0], 1);
	last = 0;
	callout_init(&c[1], note, (void *)1);
	callout_schedule(&c[1], INT64_MAX);
	nap(1000 * SEC);
	CHECK_EQ(fired[1], 0);
	CHECK(callout_stop(&c[1]));
}

TEST(past_and_far_deadlines)
{
	sim_run(1, 2, edges, NULL);
}

static void
periodic(void *arg)
{
	struct callout *self = arg;

	if (++nfired < 100)
		callout_schedule(self, nanouptime() + 100 * US);
}

static void
reschedules(void *arg)
{
	(void)arg;
	callout_init(&c[0], periodic, &c[0]);
	callout_schedule(&c[0], nanouptime() + 100 * US);
	nap(20 * MS);
	CHECK_EQ(nfired, 100);
	/* Halted while it goes on and on. */
	nfired = 0;
	callout_schedule(&c[0], nanouptime() + 100 * US);
	nap(2 * MS);
	(void)callout_halt(&c[0]);
	CHECK(nfired > 10 && nfired < 30);
	nfired = 0;
	nap(5 * MS);
	CHECK_EQ(nfired, 0);
}

TEST(arms_itself_again)
{
	sim_run(2, 3, reschedules, NULL);
}

/* ---- several CPUs arm, disarm and halt the same callouts ---- */

static unsigned int finished;
static volatile bool halted[4];

static void
shared_fired(void *arg)
{
	unsigned int i = (unsigned int)(uintptr_t)arg;

	CHECK(!halted[i]);
	(void)atomic_add(&nfired, 1);
	for (unsigned int k = (unsigned int)sim_random(10); k > 0; k--)
		cpu_spin_yield();
	CHECK(!halted[i]);
	if (sim_random(4) == 0)
		callout_schedule(&c[i], nanouptime() +
		    (nsec_t)sim_random(50 * US));
}

static void
rough(void *arg)
{
	(void)arg;
	for (unsigned int k = 0; k < 500; k++) {
		unsigned int i = (unsigned int)sim_random(4);

		switch (sim_random(3)) {
		case 0:
			(void)callout_stop(&c[i]);
			break;
		default:
			callout_schedule(&c[i], nanouptime() +
			    (nsec_t)sim_random(100 * US));
		}
		if (sim_random(3) == 0)
			sim_work((nsec_t)sim_random(50 * US));
	}
	(void)atomic_add(&finished, 1);
}

static void
shared(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 4; i++)
		callout_init(&c[i], shared_fired, (void *)(uintptr_t)i);
	for (i = 0; i < 4; i++)
		sim_thread(rough, NULL);
	while (finished < 4)
		nap(MS);
	for (i = 0; i < 4; i++) {
		(void)callout_halt(&c[i]);
		halted[i] = true;
		CHECK(!callout_pending(&c[i]));
	}
	nap(5 * MS);
	CHECK(nfired > 100);
}

TEST(shared_by_four_cpus)
{
	sim_run(4, 4, shared, NULL);
}

/* What a callout belongs to goes while the function may be running. */
struct object {
	struct callout	o_callout;
	unsigned int	o_alive;
};

static void
object_fired(void *arg)
{
	struct object *o = arg;

	CHECK_EQ(o->o_alive, 1);
	cpu_spin_yield();
	CHECK_EQ(o->o_alive, 1);
}

static void
self_freed(void *arg)
{
	host_free(arg);		/* one shot, and gone */
	nfired++;
}

/* One CPU arms it and runs it, the other halts it and frees the object. */
static void
objects(void *arg)
{
	uint64_t mask[1];
	struct object *o;
	unsigned int i;

	(void)arg;
	for (i = 0; i < 300; i++) {
		mask[0] = 1;
		sched_setaffinity_lwp(curlwp, mask);
		o = host_alloc(64, sizeof(*o));
		o->o_alive = 1;
		callout_init(&o->o_callout, object_fired, o);
		callout_schedule(&o->o_callout, nanouptime() +
		    (nsec_t)sim_random(30 * US));
		mask[0] = 2;
		sched_setaffinity_lwp(curlwp, mask);
		CHECK_EQ(curcpu()->ci_index, 1);
		sim_work((nsec_t)sim_random(20 * US) + 1);
		(void)callout_halt(&o->o_callout);
		o->o_alive = 0;
		host_free(o);
		o = host_alloc(64, sizeof(*o));
		callout_init(&o->o_callout, self_freed, o);
		callout_schedule(&o->o_callout, nanouptime() + US);
	}
	nap(MS);
	CHECK_EQ(nfired, 300);
}

TEST(objects_that_go)
{
	sim_run(2, 5, objects, NULL);
}

/* ---- suspend: the timers are gone, the deadlines stay ---- */

static void
resumed(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 3; i++) {
		callout_init(&c[i], note, (void *)(uintptr_t)i);
		when[i] = nanouptime() + (nsec_t)(i + 1) * 10 * MS;
		callout_schedule(&c[i], when[i]);
	}
	cpu_stop_others();
	sim_lose_timers();
	cpu_start_others();
	while (nanouptime() < when[2] + MS)
		sim_work(MS);
	for (i = 0; i < 3; i++)
		CHECK_EQ(fired[i], 1);
}

TEST(timers_after_a_resume)
{
	sim_run(3, 6, resumed, NULL);
}

static volatile bool hog_stop;

static void
hog(void *arg)
{
	(void)arg;
	while (!hog_stop)
		sim_work(100 * US);
	sim_exit();
}

/* The thread that resumes loses its CPU at once; it must get it back. */
static void
resumed_and_preempted(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 4; i++)
		sim_thread(hog, NULL);
	for (i = 0; i < 20; i++) {
		(void)kpause("test", false, nanouptime() + 5 * MS);
		cpu_stop_others();
		sim_lose_timers();
		curcpu()->ci_resched = true;
		cpu_start_others();
	}
	hog_stop = true;
}

TEST(preempted_after_a_resume)
{
	sim_run(2, 7, resumed_and_preempted, NULL);
}

/* ---- a CPU goes ---- */

static volatile bool armed;

static void
arm_there(void *arg)
{
	(void)arg;
	CHECK_EQ(curcpu()->ci_index, 1);
	for (unsigned int i = 0; i < 10; i++)
		callout_schedule(&c[i], when[i]);
	armed = true;
}

static void
leaves(void *arg)
{
	struct lwp *l = sim_thread_new(arm_there, NULL);
	unsigned int i;

	(void)arg;
	for (i = 0; i < 10; i++) {
		callout_init(&c[i], note, (void *)(uintptr_t)i);
		when[i] = nanouptime() + (nsec_t)(i + 5) * MS;
	}
	l->l_affinity[0] = 2;
	sched_enqueue(l);
	while (!armed)
		nap(MS / 10);
	CHECK_EQ(cpu_detach(cpu_infos[1]), 0);
	nap(30 * MS);
	for (i = 0; i < 10; i++)
		CHECK_EQ(fired[i], 1);
}

TEST(callouts_of_a_cpu_that_goes)
{
	sim_run(2, 7, leaves, NULL);
}
