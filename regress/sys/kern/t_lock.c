/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks, condition variables and calls between CPUs under random
 * interleavings on a simulated machine. */
/* sources: sys/kern/kern_sched.c sys/kern/kern_runq.c sys/kern/sched_acct.c
 * sys/kern/kern_sleepq.c sys/kern/kern_condvar.c sys/kern/kern_mutex.c
 * sys/kern/kern_rwlock.c sys/kern/kern_spinlock.c sys/kern/kern_cpu.c
 * sys/kern/kern_callout.c sys/kern/kern_softint.c regress/sys/kern/sim.c */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/softint.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>

#include <host.h>
#include <ktest.h>

#include "../../../sys/kern/sched_impl.h"
#include "sim.h"

#define	US	NSEC_PER_USEC
#define	MS	NSEC_PER_MSEC
#define	SEC	NSEC_PER_SEC

static unsigned int finished;

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

/* There is one machine in a test. */
static void
with_cpus(unsigned int ncpus, uint64_t seed, void (*fn)(void *))
{
	finished = 0;
	sim_run(ncpus, seed, fn, NULL);
}

/* ---- mutexes ---- */

static struct mutex mtx[2];
static unsigned int inside[2], entered[2];

static void
mutex_thread(void *arg)
{
	unsigned int m, i;

	(void)arg;
	for (i = 0; i < 300; i++) {
		m = (unsigned int)sim_random(2);
		if (sim_random(4) == 0) {
			if (!mutex_tryenter(&mtx[m]))
				continue;
		} else {
			mutex_enter(&mtx[m]);
		}
		CHECK(mutex_owned(&mtx[m]));
		CHECK_EQ(inside[m]++, 0);
		if (sim_random(3) == 0)
			sim_work((nsec_t)sim_random(30 * US));
		if (sim_random(20) == 0)
			(void)kpause("hold", false, nanouptime() + 50 * US);
		CHECK_EQ(--inside[m], 0);
		entered[m]++;
		mutex_exit(&mtx[m]);
	}
	done();
}

static void
mutex_main(void *arg)
{
	unsigned int i;

	(void)arg;
	mutex_init(&mtx[0], "a");
	mutex_init(&mtx[1], "b");
	for (i = 0; i < 10; i++)
		sim_thread(mutex_thread, NULL);
	wait_for(10);
	CHECK(entered[0] + entered[1] > 2000);
	mutex_destroy(&mtx[0]);
	mutex_destroy(&mtx[1]);
}

TEST(mutex_one_cpu)
{
	with_cpus(1, 1, mutex_main);
}

TEST(mutex_two_cpus)
{
	with_cpus(2, 2, mutex_main);
}

TEST(mutex_four_cpus)
{
	with_cpus(4, 3, mutex_main);
}

TEST(mutex_eight_cpus)
{
	with_cpus(8, 4, mutex_main);
}

/* The object is freed by whoever leaves last, right after leaving. */
struct object {
	struct mutex	o_lock;
	unsigned int	o_refs;
};

static void
object_thread(void *arg)
{
	struct object *o = arg;
	bool last;

	mutex_enter(&o->o_lock);
	last = --o->o_refs == 0;
	mutex_exit(&o->o_lock);
	if (last) {
		memset(o, 0xdb, sizeof(*o));
		host_free(o);
	}
	done();
}

static void
object_main(void *arg)
{
	struct object *o;
	unsigned int i, j;

	(void)arg;
	for (i = 0; i < 100; i++) {
		o = host_alloc(64, sizeof(*o));
		mutex_init(&o->o_lock, "object");
		o->o_refs = 4;
		for (j = 0; j < 4; j++)
			sim_thread(object_thread, o);
		wait_for(4 * (i + 1));
	}
}

TEST(mutex_in_an_object_that_goes)
{
	with_cpus(4, 5, object_main);
}

/* ---- condition variables ---- */

#define	ITEMS	1500
static struct mutex qlock;
static struct spinlock qspin;
static struct condvar notempty, notfull;
static unsigned int queued, produced, consumed;
static bool use_spin;

static void
q_enter(void)
{
	if (use_spin)
		spin_enter(&qspin);
	else
		mutex_enter(&qlock);
}

static void
q_exit(void)
{
	if (use_spin)
		spin_exit(&qspin);
	else
		mutex_exit(&qlock);
}

static void
q_wait(struct condvar *cv)
{
	nsec_t deadline = nanouptime() + 1 + (nsec_t)sim_random(200 * US);

	switch (sim_random(3)) {
	case 0:
		if (use_spin)
			(void)cv_timedwait_spin(cv, &qspin, deadline);
		else
			(void)cv_timedwait(cv, &qlock, deadline);
		break;
	default:
		if (use_spin)
			cv_wait_spin(cv, &qspin);
		else
			cv_wait(cv, &qlock);
	}
}

static void
producer(void *arg)
{
	(void)arg;
	for (;;) {
		q_enter();
		while (queued == 4 && produced < ITEMS)
			q_wait(&notfull);
		if (produced == ITEMS)
			break;
		produced++;
		queued++;
		cv_signal(&notempty);
		q_exit();
		if (sim_random(2) == 0)
			sim_work((nsec_t)sim_random(20 * US));
	}
	cv_broadcast(&notempty);
	cv_broadcast(&notfull);
	q_exit();
	done();
}

static void
consumer(void *arg)
{
	(void)arg;
	for (;;) {
		q_enter();
		while (queued == 0 && consumed < ITEMS)
			q_wait(&notempty);
		if (consumed == ITEMS)
			break;
		queued--;
		if (++consumed == ITEMS) {
			cv_broadcast(&notempty);
			cv_broadcast(&notfull);
		}
		cv_signal(&notfull);
		q_exit();
		if (sim_random(2) == 0)
			sim_work((nsec_t)sim_random(20 * US));
	}
	q_exit();
	done();
}

static void
queue_main(void *arg)
{
	unsigned int i;

	(void)arg;
	mutex_init(&qlock, "queue");
	spin_init(&qspin, "queue");
	cv_init(&notempty, "notempty");
	cv_init(&notfull, "notfull");
	for (i = 0; i < 3; i++) {
		sim_thread(producer, NULL);
		sim_thread(consumer, NULL);
	}
	wait_for(6);
	CHECK_EQ(consumed, ITEMS);
	CHECK_EQ(queued, 0);
	CHECK(!cv_has_waiters(&notempty) && !cv_has_waiters(&notfull));
}

TEST(queue_with_mutex_one_cpu)
{
	with_cpus(1, 6, queue_main);
}

TEST(queue_with_mutex)
{
	with_cpus(4, 7, queue_main);
}

TEST(queue_with_spin_lock)
{
	use_spin = true;
	with_cpus(3, 8, queue_main);
}

/* How a wait ends. */
static void
outcomes(void *arg)
{
	struct condvar cv;
	nsec_t t;

	(void)arg;
	cv_init(&cv, "cv");
	mutex_init(&qlock, "lock");
	mutex_enter(&qlock);
	t = nanouptime();
	CHECK_EQ(cv_timedwait(&cv, &qlock, t + 5 * MS), ETIMEDOUT);
	CHECK(nanouptime() >= t + 5 * MS && nanouptime() < t + 6 * MS);
	CHECK_EQ(cv_timedwait(&cv, &qlock, t), ETIMEDOUT);
	curlwp->l_ast |= L_AST_SIGNAL;
	CHECK_EQ(cv_wait_sig(&cv, &qlock), ERESTARTSYS);
	CHECK_EQ(cv_timedwait(&cv, &qlock, nanouptime() + MS), ETIMEDOUT);
	CHECK_EQ(kpause("x", true, nanouptime() + SEC), ERESTARTSYS);
	curlwp->l_ast = 0;
	CHECK_EQ(kpause("x", true, nanouptime() + MS), 0);
	CHECK(mutex_owned(&qlock));
	mutex_exit(&qlock);
	cv_destroy(&cv);
}

TEST(how_a_wait_ends)
{
	with_cpus(2, 9, outcomes);
}

/* A timeout puts it into a queue of threads that run; the other stays. */
static void
realtime_outcomes(void *arg)
{
	struct lwp *l = curlwp;

	l->l_sched.se_policy = SCHED_FIFO;
	l->l_sched.se_rtprio = 10;
	sched_setclass(l);
	sched_setpriority_lwp(l);
	outcomes(arg);
}

TEST(how_a_real_time_wait_ends)
{
	with_cpus(1, 9, realtime_outcomes);
	with_cpus(2, 9, realtime_outcomes);
}

/* Signals that come at any moment of the way to sleep end the sleep. */
static struct condvar never;
static unsigned int waits;

static void
sleeper(void *arg)
{
	struct lwp *l = curlwp;
	int error;

	(void)arg;
	for (; waits < 500; waits++) {
		mutex_enter(&qlock);
		error = cv_wait_sig(&never, &qlock);
		mutex_exit(&qlock);
		CHECK_EQ(error, ERESTARTSYS);
		(void)atomic_and(&l->l_ast, ~L_AST_SIGNAL);
		sim_work((nsec_t)sim_random(3 * US));
	}
	done();
}

static void
signals(void *arg)
{
	struct lwp *l;

	(void)arg;
	mutex_init(&qlock, "lock");
	cv_init(&never, "never");
	l = sim_thread(sleeper, NULL);
	while (atomic_load(&finished) == 0) {
		if ((atomic_load(&l->l_ast) & L_AST_SIGNAL) == 0) {
			(void)atomic_or(&l->l_ast, L_AST_SIGNAL);
			sleepq_signal(l);
		}
		sim_work(1 + (nsec_t)sim_random(3 * US));
		if (ncpu == 1)
			sched_yield_cpu();
	}
	CHECK(!cv_has_waiters(&never));
}

TEST(signals_are_not_lost)
{
	with_cpus(2, 10, signals);
}

TEST(signals_are_not_lost_one_cpu)
{
	with_cpus(1, 11, signals);
}

/* ---- reader/writer locks ---- */

static struct rwlock rw;
static unsigned int readers, writers, maxreaders, writes, reads;

static void
rw_thread(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 200; i++) {
		if (sim_random(4) == 0) {
			rw_enter(&rw, RW_WRITER);
			CHECK(rw_write_held(&rw));
			CHECK_EQ(writers++, 0);
			CHECK_EQ(readers, 0);
			sim_work((nsec_t)sim_random(10 * US));
			CHECK_EQ(--writers, 0);
			writes++;
			if (sim_random(2) == 0) {
				rw_downgrade(&rw);
				readers++;
				sim_work((nsec_t)sim_random(5 * US));
				CHECK_EQ(writers, 0);
				readers--;
			}
		} else {
			rw_enter(&rw, RW_READER);
			readers++;
			maxreaders = MAX(maxreaders, readers);
			CHECK_EQ(writers, 0);
			sim_work((nsec_t)sim_random(20 * US));
			CHECK_EQ(writers, 0);
			readers--;
			reads++;
		}
		rw_exit(&rw);
	}
	done();
}

static void
rw_main(void *arg)
{
	unsigned int i;

	(void)arg;
	rw_init(&rw, "rw");
	for (i = 0; i < 8; i++)
		sim_thread(rw_thread, NULL);
	wait_for(8);
	CHECK_EQ(reads + writes, 1600);
	CHECK(maxreaders > 1);
	CHECK(!rw_lock_held(&rw));
	rw_destroy(&rw);
}

TEST(rwlock_four_cpus)
{
	with_cpus(4, 12, rw_main);
}

TEST(rwlock_one_cpu)
{
	with_cpus(1, 13, rw_main);
}

/* Neither side starves. */
static bool stop;

static void
eager(void *arg)
{
	enum rw_mode mode = arg != NULL ? RW_WRITER : RW_READER;

	while (!stop) {
		rw_enter(&rw, mode);
		sim_work(20 * US);
		if (mode == RW_WRITER)
			writes++;
		else
			reads++;
		rw_exit(&rw);
	}
}

static void
starve(void *arg)
{
	unsigned int i;

	(void)arg;
	rw_init(&rw, "rw");
	for (i = 0; i < 6; i++)
		sim_thread(eager, i < 3 ? &rw : NULL);
	(void)kpause("test", false, nanouptime() + 50 * MS);
	stop = true;
	CHECK(writes > 100 && reads > 100);
}

TEST(rwlock_is_fair)
{
	with_cpus(4, 14, starve);
}

/* ---- spin locks, soft interrupts, calls between CPUs ---- */

static struct spinlock sl;
static unsigned int count, called, softs;
static bool stopped;

static void
called_there(void *arg)
{
	CHECK(!intr_enabled());
	CHECK(arg == &called);
	(void)atomic_add(&called, 1);
}

static void
soft(void *arg)
{
	(void)arg;
	CHECK(curcpu()->ci_in_softint);
	spin_enter(&sl);
	softs++;
	spin_exit(&sl);
}

static void
mixed(void *arg)
{
	struct softint *si = arg;
	unsigned int i;
	bool intr;

	for (i = 0; i < 100; i++) {
		spin_enter(&sl);
		CHECK_EQ(curcpu()->ci_spin_depth, 1);
		count++;
		softint_schedule(si);
		spin_exit(&sl);
		CHECK_EQ(curcpu()->ci_softints, 0);
		CHECK(!stopped);
		if (sim_random(5) == 0)
			cpu_cross_call(called_there, &called);
		if (sim_random(5) == 0) {
			intr = intr_disable();
			cpu_cross_call(called_there, &called);
			CHECK(!intr_enabled());
			intr_restore(intr);
		}
		if (sim_random(20) == 0) {
			cpu_stop_others();
			stopped = true;
			for (unsigned int j = 0; j < 10; j++)
				cpu_spin_yield();
			stopped = false;
			cpu_start_others();
		}
		preempt_disable();
		sim_work((nsec_t)sim_random(3 * US));
		preempt_enable();
	}
	done();
}

static void
cross_main(void *arg)
{
	struct softint *si = softint_establish(SOFTINT_NET, soft, NULL);
	unsigned int i;

	(void)arg;
	spin_init(&sl, "test");
	for (i = 0; i < 6; i++)
		sim_thread(mixed, si);
	wait_for(6);
	CHECK_EQ(count, 600);
	CHECK(softs > 0 && softs <= 600);
	CHECK(called > 50);
	CHECK_EQ(curcpu()->ci_preempt_off, 0);
}

TEST(calls_and_stops)
{
	with_cpus(4, 15, cross_main);
}

TEST(calls_and_stops_two_cpus)
{
	with_cpus(2, 16, cross_main);
}

/* ---- a soft interrupt that goes away ---- */

static struct softint *gone;
static unsigned int gone_scheduled, gone_runs;
static bool gone_alive;

static void
gone_soft(void *arg)
{
	unsigned int i;

	(void)arg;
	CHECK(gone_alive);
	for (i = (unsigned int)sim_random(4); i > 0; i--)
		cpu_spin_yield();
	CHECK(gone_alive);
	(void)atomic_add(&gone_runs, 1);
}

/* Schedules it with interrupts off: it waits on this CPU for a while. */
static void
gone_user(void *arg)
{
	unsigned int i;
	bool intr;

	(void)arg;
	intr = intr_disable();
	softint_schedule(gone);
	(void)atomic_add(&gone_scheduled, 1);
	for (i = (unsigned int)sim_random(6); i > 0; i--)
		cpu_spin_yield();
	intr_restore(intr);
	done();
}

static void
gone_main(void *arg)
{
	struct softint *other = softint_establish(SOFTINT_NET, soft, NULL);
	unsigned int i, j;

	(void)arg;
	spin_init(&sl, "test");
	for (i = 1; i <= 100; i++) {
		gone = softint_establish(SOFTINT_NET, gone_soft, NULL);
		gone_alive = true;
		gone_scheduled = 0;
		for (j = 0; j < 3; j++)
			sim_thread(gone_user, NULL);
		while (atomic_load(&gone_scheduled) < 3)
			cpu_spin_yield();
		softint_schedule(other);
		softint_disestablish(gone);
		gone_alive = false;
		wait_for(3 * i);
	}
	/* Both ways were taken, and the others' entries stayed. */
	CHECK(gone_runs > 10 && gone_runs < 290);
	CHECK_EQ(softs, 100);
}

TEST(a_soft_interrupt_goes_away)
{
	with_cpus(4, 18, gone_main);
}

static void
lock_twice(void *arg)
{
	(void)arg;
	spin_init(&sl, "twice");
	spin_enter(&sl);
	CHECK_PANIC(spin_enter(&sl));
	CHECK(!spin_tryenter(&sl));
	CHECK(spin_owned(&sl));
	spin_exit(&sl);
	CHECK(!spin_owned(&sl));
	CHECK(spin_tryenter(&sl));
	spin_exit(&sl);
}

TEST(spin_lock_entered_twice)
{
	with_cpus(1, 17, lock_twice);
}
