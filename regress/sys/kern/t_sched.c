/* SPDX-License-Identifier: BSD-2-Clause */
/* Run queues, and the scheduler on a simulated machine with several CPUs. */
/* sources: sys/kern/kern_sched.c sys/kern/kern_runq.c sys/kern/sched_acct.c
 * sys/kern/kern_sleepq.c sys/kern/kern_condvar.c sys/kern/kern_mutex.c
 * sys/kern/kern_rwlock.c sys/kern/kern_spinlock.c sys/kern/kern_cpu.c
 * sys/kern/kern_callout.c sys/kern/kern_softint.c regress/sys/kern/sim.c */
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

#include <host.h>
#include <ktest.h>

#include "../../../sys/kern/sched_impl.h"
#include "sim.h"

#define	MS	NSEC_PER_MSEC
#define	SEC	NSEC_PER_SEC

/* ---- run queues ---- */

static struct runqueue rq;
static struct lwp t[8];

static void
queues_init(void)
{
	unsigned int i;

	runq_init(&rq, &cpu_info_primary);
	cpu_info_primary.ci_runqueue = &rq;
	memset(t, 0, sizeof(t));
	for (i = 0; i < __arraycount(t); i++) {
		memset(t[i].l_affinity, 0xff, sizeof(t[i].l_affinity));
		t[i].l_cpu = &cpu_info_primary;
		sched_setclass(&t[i]);
	}
}

static void
class(struct lwp *l, int policy, int prio)
{
	l->l_sched.se_policy = policy;
	l->l_sched.se_rtprio = prio;
	sched_setclass(l);
}

static struct lwp *
take(void)
{
	struct lwp *l = runq_first(&rq);

	if (l != NULL)
		runq_remove(&rq, l);
	return l;
}

TEST(realtime_order)
{
	queues_init();
	class(&t[0], SCHED_FIFO, 10);
	class(&t[1], SCHED_FIFO, 50);
	class(&t[2], SCHED_RR, 50);
	class(&t[3], SCHED_RR, 99);
	CHECK_EQ(t[3].l_pri, 0);
	for (unsigned int i = 0; i < 5; i++)
		runq_add(&rq, &t[i], RQ_WAKE, 0);
	CHECK_EQ(rq.rq_nqueued, 5);
	CHECK(take() == &t[3]);
	CHECK(take() == &t[1]);
	runq_add(&rq, &t[1], RQ_HEAD, 0);	/* preempted: goes on first */
	CHECK(take() == &t[1]);
	runq_add(&rq, &t[1], RQ_SAME, 0);	/* slice over: last */
	CHECK(take() == &t[2]);
	CHECK(take() == &t[1]);
	CHECK(take() == &t[0]);
	CHECK(take() == &t[4]);
	CHECK(take() == NULL);
	CHECK_EQ(rq.rq_nqueued, 0);
}

TEST(realtime_has_its_part_of_a_period)
{
	const nsec_t usec = NSEC_PER_USEC;

	queues_init();
	class(&t[0], SCHED_FIFO, 10);
	runq_add(&rq, &t[0], RQ_WAKE, 0);
	runq_add(&rq, &t[1], RQ_WAKE, 0);
	(void)runq_charge(&rq, &t[2], SEC);	/* a period begins */
	t[3].l_sched.se_start = SEC;
	class(&t[3], SCHED_RR, 1);
	(void)runq_charge(&rq, &t[3], SEC + 950000 * usec - 1);
	CHECK(runq_first(&rq) == &t[0]);
	(void)runq_charge(&rq, &t[3], SEC + 950000 * usec);
	CHECK(runq_first(&rq) == &t[1]);
	runq_remove(&rq, &t[1]);
	CHECK(runq_first(&rq) == &t[0]);	/* nobody else wants it */
	runq_add(&rq, &t[1], RQ_WAKE, 0);
	CHECK_EQ(sched_rt_limit(1000000, -1), 0);
	CHECK(runq_first(&rq) == &t[0]);
	CHECK_EQ(sched_rt_limit(1000000, 0), 0);
	CHECK(runq_first(&rq) == &t[1]);
	CHECK_EQ(sched_rt_limit(1000, 1001), EINVAL);
	CHECK_EQ(sched_rt_limit(0, -1), EINVAL);
	CHECK_EQ(sched_rt_limit(1000000, -2), EINVAL);
	CHECK_EQ(sched_rt_limit(1LL << 32, 1), EINVAL);
	CHECK_EQ(sched_rt_runtime, 0);
	CHECK_EQ(sched_rt_limit(1000000, 950000), 0);
	t[2].l_sched.se_start = SEC + 950000 * usec;
	(void)runq_charge(&rq, &t[2], 2 * SEC - 1);
	CHECK(runq_first(&rq) == &t[1]);
	(void)runq_charge(&rq, &t[2], 2 * SEC);
	CHECK(runq_first(&rq) == &t[0]);
}

TEST(fair_by_weight)
{
	struct proc nice5 = { .p_nice = 5 }, idle = { .p_nice = 0 };
	nsec_t ran[3] = { 0 }, now = 0, slice;
	struct lwp *l;

	queues_init();
	t[1].l_proc = &nice5;
	sched_setclass(&t[1]);
	t[2].l_proc = &idle;
	class(&t[2], SCHED_IDLE, 0);
	for (unsigned int i = 0; i < 3; i++)
		runq_add(&rq, &t[i], RQ_NEW, now);
	while (now < 100 * SEC) {
		l = take();
		l->l_sched.se_start = now;
		slice = runq_slice(&rq, l);
		now += slice;
		CHECK_EQ(runq_charge(&rq, l, now), slice);
		ran[l - t] += slice;
		runq_add(&rq, l, RQ_SAME, now);
	}
	/* 1024 : 336 : 3, within 2 %. */
	CHECK(ran[0] * 336 > ran[1] * 1024 * 98 / 100);
	CHECK(ran[0] * 336 < ran[1] * 1024 * 102 / 100);
	CHECK(ran[2] < ran[0] / 200 && ran[2] > 0);
	CHECK_EQ(t[0].l_cputime, ran[0]);
}

/*
 * A little ahead of its time, too, and in turn; a real-time thread comes first
 * all the same, and far ahead there is no favour.
 */
TEST(who_was_handed_a_lock_is_next)
{
	queues_init();
	t[0].l_sched.se_vruntime = SCHED_LATENCY - 1;
	for (unsigned int i = 1; i < 4; i++)
		runq_add(&rq, &t[i], RQ_NEW, 0);
	runq_add(&rq, &t[0], RQ_OWNER, 0);
	runq_add(&rq, &t[5], RQ_OWNER, 0);
	runq_add(&rq, &t[6], RQ_OWNER, 0);
	runq_remove(&rq, &t[6]);
	class(&t[4], SCHED_FIFO, 1);
	runq_add(&rq, &t[4], RQ_WAKE, 0);
	CHECK(take() == &t[4]);
	CHECK(take() == &t[0]);
	CHECK(take() == &t[5]);
	CHECK(take() == &t[1]);
	/* Once: afterwards it is one of all. */
	runq_add(&rq, &t[0], RQ_SAME, 0);
	CHECK(take() == &t[2]);
	CHECK(take() == &t[3]);
	CHECK(take() == &t[0]);
	t[0].l_sched.se_vruntime = rq.rq_minv + SCHED_LATENCY;
	runq_add(&rq, &t[1], RQ_WAKE, 0);
	runq_add(&rq, &t[0], RQ_OWNER, 0);
	CHECK(take() == &t[1]);
	CHECK(take() == &t[0]);
	CHECK(take() == NULL);
}

TEST(sleepers_cannot_save_time_up)
{
	nsec_t now = 0;
	struct lwp *l;

	queues_init();
	runq_add(&rq, &t[0], RQ_NEW, now);
	for (unsigned int i = 0; i < 1000; i++) {
		l = take();
		CHECK(l == &t[0]);
		l->l_sched.se_start = now;
		now += 10 * MS;
		(void)runq_charge(&rq, l, now);
		runq_add(&rq, l, RQ_SAME, now);
	}
	/* t[1] slept for 10 s; it is half a latency period ahead. */
	runq_add(&rq, &t[1], RQ_WAKE, now);
	CHECK_EQ(t[0].l_sched.se_vruntime - t[1].l_sched.se_vruntime,
	    SCHED_LATENCY / 2);
	CHECK(runq_preempts(&t[0], &t[1]));
	/* A new thread comes after those that are there. */
	runq_add(&rq, &t[2], RQ_NEW, now);
	CHECK(take() == &t[1]);
	CHECK(take() == &t[0]);
	CHECK(take() == &t[2]);
}

TEST(who_came_first_goes_first)
{
	queues_init();
	runq_add(&rq, &t[3], RQ_NEW, 1);
	runq_add(&rq, &t[1], RQ_NEW, 2);
	runq_add(&rq, &t[5], RQ_NEW, 3);
	CHECK(take() == &t[3]);
	CHECK(take() == &t[1]);
	CHECK(take() == &t[5]);
}

TEST(preemption_rules)
{
	queues_init();
	class(&t[0], SCHED_FIFO, 1);
	class(&t[1], SCHED_FIFO, 2);
	class(&t[2], SCHED_BATCH, 0);
	class(&t[3], SCHED_IDLE, 0);
	CHECK(runq_preempts(&t[0], &t[1]));
	CHECK(!runq_preempts(&t[1], &t[0]));
	CHECK(!runq_preempts(&t[0], &t[0]));
	CHECK(runq_preempts(&t[4], &t[0]));
	CHECK(!runq_preempts(&t[0], &t[4]));
	CHECK(runq_preempts(&t[3], &t[4]));
	CHECK(!runq_preempts(&t[4], &t[3]));
	t[5].l_sched.se_vruntime = SCHED_WAKEGRAN;
	CHECK(!runq_preempts(&t[5], &t[4]));
	t[5].l_sched.se_vruntime++;
	CHECK(runq_preempts(&t[5], &t[4]));
	CHECK(!runq_preempts(&t[5], &t[2]));	/* batch work waits */
	t[6].l_pri = PRI_NONE;
	CHECK(runq_preempts(&t[6], &t[3]));
}

TEST(what_may_be_stolen)
{
	struct cpu_info *other = host_alloc(64, sizeof(*other));

	memset(other, 0, sizeof(*other));
	other->ci_index = 5;
	queues_init();
	t[0].l_affinity[0] = 1;
	t[1].l_sched.se_vruntime = 1;
	runq_add(&rq, &t[0], RQ_SAME, 0);
	CHECK(runq_stealable(&rq, other, true, 0) == NULL);
	runq_add(&rq, &t[1], RQ_SAME, 1000);
	CHECK(runq_stealable(&rq, other, true, 1000) == &t[1]);
	CHECK(runq_stealable(&rq, other, false, 1000) == NULL);
	CHECK(runq_stealable(&rq, other, false, 1000 + SCHED_HOT) == &t[1]);
	class(&t[2], SCHED_FIFO, 1);
	runq_add(&rq, &t[2], RQ_SAME, 1000);
	CHECK(runq_stealable(&rq, other, false, 1000) == &t[2]);
	host_free(other);
}

TEST(yielding)
{
	queues_init();
	runq_add(&rq, &t[1], RQ_SAME, 0);
	t[2].l_sched.se_vruntime = 77;
	runq_add(&rq, &t[2], RQ_SAME, 0);
	runq_yield(&rq, &t[0]);
	CHECK_EQ(t[0].l_sched.se_vruntime, 78);
	runq_add(&rq, &t[0], RQ_SAME, 0);
	CHECK(take() == &t[1]);
	CHECK(take() == &t[2]);
	CHECK(take() == &t[0]);
}

/* ---- on the simulated machine ---- */

static volatile unsigned int finished;
static struct lwp *threads[64];

static void
brief_nap(void *arg)
{
	(void)arg;
	(void)kpause("nap", false, nanouptime() + 20 * MS);
	(void)atomic_add(&finished, 1);
}

static void
wait_for(unsigned int n)
{
	while (finished < n)
		(void)kpause("test", false, nanouptime() + MS);
}

static void
hog(void *arg)
{
	(void)arg;
	for (;;)
		sim_work(SEC);
}

static nsec_t
cputime(struct lwp *l)
{
	nsec_t u, s;

	sched_times(l, &u, &s);
	return u + s;
}

static void
nap(nsec_t span)
{
	(void)kpause("nap", false, nanouptime() + span);
}

static void
fairness(void *arg)
{
	static struct proc nice5 = { .p_nice = 5 };
	nsec_t start, c[3];

	(void)arg;
	for (unsigned int i = 0; i < 3; i++) {
		threads[i] = sim_thread_new(hog, NULL);
		if (i == 2)
			threads[i]->l_proc = &nice5;
		sched_enqueue(threads[i]);
	}
	start = nanouptime();
	nap(3 * SEC);
	for (unsigned int i = 0; i < 3; i++)
		c[i] = cputime(threads[i]);
	CHECK(c[0] + c[1] + c[2] > (nanouptime() - start) * 98 / 100);
	CHECK(c[0] > c[1] * 95 / 100 && c[0] < c[1] * 105 / 100);
	/* 1024 : 336 */
	CHECK(c[2] * 1024 > c[0] * 336 * 9 / 10);
	CHECK(c[2] * 1024 < c[0] * 336 * 11 / 10);
}

TEST(one_cpu_is_shared_by_weight)
{
	sim_run(1, 1, fairness, NULL);
}

static bool rt_unlimited;

/* A real-time thread that never sleeps leaves the others a twentieth. */
static void
rt_hog(void *arg)
{
	nsec_t start, c[3], span;

	(void)arg;
	class(curlwp, SCHED_FIFO, 99);
	for (unsigned int i = 0; i < 3; i++) {
		threads[i] = sim_thread_new(hog, NULL);
		if (i == 0)
			class(threads[i], SCHED_FIFO, 50);
		sched_enqueue(threads[i]);
	}
	if (rt_unlimited)
		CHECK_EQ(sched_rt_limit(1000000, -1), 0);
	start = nanouptime();
	nap(20 * SEC);
	span = nanouptime() - start;
	for (unsigned int i = 0; i < 3; i++)
		c[i] = cputime(threads[i]);
	CHECK_EQ(sched_rt_limit(1000000, 950000), 0);
	CHECK(c[0] + c[1] + c[2] > span * 98 / 100);
	if (rt_unlimited) {
		CHECK_EQ(c[1] + c[2], 0);
		return;
	}
	CHECK(c[0] > span * 94 / 100 && c[0] < span * 965 / 1000);
	CHECK(c[1] > c[2] * 8 / 10 && c[1] < c[2] * 12 / 10);
}

TEST(real_time_leaves_others_a_twentieth)
{
	rt_unlimited = false;
	sim_run(1, 21, rt_hog, NULL);
}

TEST(real_time_unlimited)
{
	rt_unlimited = true;
	sim_run(1, 22, rt_hog, NULL);
}

static void
all_cpus(void *arg)
{
	unsigned int n = *(unsigned int *)arg, i;
	nsec_t start = nanouptime(), sum = 0, c, span;

	for (i = 0; i < n; i++)
		threads[i] = sim_thread(hog, NULL);
	nap(2 * SEC);
	span = nanouptime() - start;
	for (i = 0; i < n; i++) {
		c = cputime(threads[i]);
		CHECK(c > span * 4 / n * 7 / 10);
		sum += c;
	}
	CHECK(sum > 4 * span * 97 / 100);
}

TEST(work_spreads_over_the_cpus)
{
	unsigned int n = 4;

	sim_run(4, 2, all_cpus, &n);
}

TEST(twice_as_many_threads_as_cpus)
{
	unsigned int n = 8;

	sim_run(4, 3, all_cpus, &n);
}

/* A thread that sleeps most of the time gets the CPU soon. */
static void
latency(void *arg)
{
	nsec_t due, late, worst = 0;
	unsigned int i;

	(void)arg;
	for (i = 0; i < 3; i++)
		sim_thread(hog, NULL);
	for (i = 0; i < 200; i++) {
		due = nanouptime() + 10 * MS;
		(void)kpause("test", false, due);
		late = nanouptime() - due;
		worst = MAX(worst, late);
		sim_work(100000);
	}
	CHECK(worst < 4 * MS);
}

TEST(sleepers_get_the_cpu_soon)
{
	sim_run(1, 4, latency, NULL);
}

static unsigned int order[8], norder;

static void
rt_thread(void *arg)
{
	sim_work(50 * MS);
	order[norder++] = (unsigned int)(uintptr_t)arg;
	finished++;
}

static void
realtime(void *arg)
{
	struct lwp *l;
	unsigned int i;

	(void)arg;
	class(curlwp, SCHED_FIFO, 99);
	sched_setpriority_lwp(curlwp);
	sim_thread(hog, NULL);
	for (i = 0; i < 4; i++) {
		l = sim_thread_new(rt_thread, (void *)(uintptr_t)i);
		class(l, SCHED_FIFO, (int)(i % 2 * 10 + 1));
		sched_enqueue(l);
	}
	wait_for(4);
	CHECK_EQ(order[0], 1);
	CHECK_EQ(order[1], 3);
	CHECK_EQ(order[2], 0);
	CHECK_EQ(order[3], 2);
}

TEST(fifo_runs_in_order)
{
	sim_run(1, 5, realtime, NULL);
}

static void
round_robin(void *arg)
{
	struct lwp *l[3];
	nsec_t c[3];
	unsigned int i;

	(void)arg;
	class(curlwp, SCHED_FIFO, 99);
	sched_setpriority_lwp(curlwp);
	for (i = 0; i < 3; i++) {
		l[i] = sim_thread_new(hog, NULL);
		class(l[i], i < 2 ? SCHED_RR : SCHED_OTHER, i < 2 ? 5 : 0);
		sched_enqueue(l[i]);
	}
	nap(2 * SEC);
	for (i = 0; i < 3; i++)
		c[i] = cputime(l[i]);
	CHECK(c[0] > 850 * MS && c[1] > 850 * MS);
	CHECK(c[2] > 60 * MS && c[2] < 120 * MS);	/* sched_rt_runtime */
}

TEST(round_robin_shares)
{
	sim_run(1, 6, round_robin, NULL);
}

static void
pinned(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;

	for (unsigned int i = 0; i < 200; i++) {
		CHECK_EQ(curcpu()->ci_index, cpu);
		sim_work(MS / 2);
		CHECK_EQ(curcpu()->ci_index, cpu);
		nap(MS / 4);
	}
	finished++;
}

static void
affinity(void *arg)
{
	uint64_t mask[1];
	struct lwp *l;
	unsigned int i;

	(void)arg;
	for (i = 0; i < 6; i++) {
		l = sim_thread_new(pinned, (void *)(uintptr_t)(i % 3));
		l->l_affinity[0] = 1ULL << i % 3;
		sched_enqueue(l);
	}
	wait_for(6);
	/* One that runs, and we ourselves, are moved. */
	l = sim_thread(hog, NULL);
	for (i = 0; i < 20; i++) {
		mask[0] = 1ULL << i % 3;
		sched_setaffinity_lwp(l, mask);
		nap(3 * MS);
		CHECK_EQ(l->l_cpu->ci_index, i % 3);
		sched_setaffinity_lwp(curlwp, mask);
		CHECK_EQ(curcpu()->ci_index, i % 3);
	}
}

TEST(affinity_is_kept)
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		finished = 0;
		sim_run(3, seed, affinity, NULL);
		break;
	}
}

static void
yielder(void *arg)
{
	for (unsigned int i = 0; i < 1000; i++) {
		order[(uintptr_t)arg]++;
		CHECK(order[0] - order[1] + 2 <= 4);
		sched_yield_cpu();
	}
	finished++;
}

static void
yields(void *arg)
{
	(void)arg;
	sim_thread(yielder, (void *)0);
	sim_thread(yielder, (void *)1);
	wait_for(2);
}

TEST(yield_alternates)
{
	sim_run(1, 8, yields, NULL);
}

/* No timer fires on an idle machine, and few while one thread runs. */
static void
tickless(void *arg)
{
	unsigned int before;

	(void)arg;
	nap(SEC);
	before = sim_timer_sets;
	nap(100 * SEC);
	CHECK(sim_timer_sets - before <= 4);
	before = sim_timer_sets;
	sim_work(SEC);
	CHECK(sim_timer_sets - before <= 110);
}

TEST(idle_without_ticks)
{
	sim_run(4, 9, tickless, NULL);
}

/* ---- CPU time ---- */

static void
accounting(void *arg)
{
	struct cpu_times ct;
	struct cpu_info *ci;
	nsec_t user, sys, sum = 0, all;
	struct lwp *l = sim_thread(hog, NULL);

	(void)arg;
	nap(2 * SEC);
	sched_times(l, &user, &sys);
	CHECK(user + sys > 1950 * MS && user + sys <= nanouptime());
	CHECK(user > (user + sys) * 9 / 10);
	CPU_FOREACH(ci) {
		sched_cpu_times(ci, &ct);
		sum += ct.ct_user + ct.ct_nice + ct.ct_sys + ct.ct_idle;
		if (ci == l->l_cpu)
			CHECK(ct.ct_user > 1800 * MS);
	}
	all = nanouptime() * ncpu;
	CHECK(sum > all * 99 / 100 && sum <= all);
}

TEST(time_is_accounted)
{
	sim_run(2, 10, accounting, NULL);
}

static void
load(void *arg)
{
	unsigned long avg[3];

	(void)arg;
	sim_thread(hog, NULL);
	sim_thread(hog, NULL);
	nap(300 * SEC);
	sched_loadavg(avg);
	/* 2 * (1 - e^-5): 1.98 */
	CHECK(avg[0] > (195 << FSHIFT) / 100 && avg[0] < (210 << FSHIFT) / 100);
	CHECK(avg[0] > avg[1] && avg[1] > avg[2]);
}

TEST(load_average)
{
	sim_work_step = 2 * MS;
	sim_run(2, 11, load, NULL);
}

static void
load_decays(void *arg)
{
	unsigned long avg[3];

	(void)arg;
	sim_work(100 * SEC);
	nap(602 * SEC);
	sched_loadavg(avg);
	CHECK(avg[0] < (1 << FSHIFT) / 1000);
	CHECK(avg[2] > (1 << FSHIFT) / 100);
	nap(100001 * SEC);
	sched_loadavg(avg);
	CHECK(avg[2] < (1 << FSHIFT) / 1000);
}

TEST(load_average_decays_in_sleep)
{
	sim_work_step = 2 * MS;
	sim_run(1, 12, load_decays, NULL);
}

/* ---- CPUs come and go ---- */

static void
hotplug(void *arg)
{
	nsec_t before[8], at;
	unsigned int i, round;

	(void)arg;
	for (i = 0; i < 6; i++)
		threads[i] = sim_thread(hog, NULL);
	for (round = 0; round < 4; round++) {
		nap(20 * MS);
		CHECK_EQ(cpu_detach(cpu_infos[2]), 0);
		CHECK(!cpu_infos[2]->ci_online);
		CHECK_EQ(ncpu, 2);
		CHECK_EQ(cpu_detach(cpu_infos[2]), EBUSY);
		for (i = 0; i < 6; i++)
			before[i] = cputime(threads[i]);
		at = nanouptime();
		nap(100 * MS);
		for (i = 0; i < 6; i++) {
			CHECK(threads[i]->l_cpu != cpu_infos[2]);
			CHECK(cputime(threads[i]) - before[i] >
			    (nanouptime() - at) / 6);
		}
		CHECK_EQ(cpu_attach(cpu_infos[2]), 0);
		sim_cpu_start(cpu_infos[2]);
		CHECK_EQ(ncpu, 3);
	}
	nap(100 * MS);
	CHECK(cpu_infos[2]->ci_runqueue->rq_cur != cpu_infos[2]->ci_idlelwp);
}

TEST(cpus_leave_and_return)
{
	sim_run(3, 13, hotplug, NULL);
}

/* Other threads sleep, wake and exit meanwhile; nothing gets lost. */
static void
sleeper(void *arg)
{
	nsec_t due;
	unsigned int i;

	(void)arg;
	for (i = 0; i < 150; i++) {
		due = nanouptime() + (nsec_t)sim_random(3 * MS);
		(void)kpause("test", false, due);
		CHECK(nanouptime() - due < 60 * MS);
		sim_work((nsec_t)sim_random(MS));
	}
	(void)atomic_add(&finished, 1);
}

static void
flood(void *arg)
{
	struct cpu_info *ci;
	bool on;

	(void)arg;
	for (unsigned int i = 0; i < 8; i++)
		sim_thread(sleeper, NULL);
	while (finished < 8) {
		ci = cpu_infos[1 + sim_random(3)];
		on = sim_random(2) != 0;
		CHECK_EQ(cpu_set_online(ci, on), 0);
		CHECK_EQ(ci->ci_online, on);
		CHECK_EQ((sched_cpu_set() >> ci->ci_index & 1) != 0, on);
		nap((nsec_t)sim_random(2 * MS));
	}
	CHECK(sim_unloads > 5);
}

TEST(cpus_come_and_go_under_load)
{
	sim_run(4, 20, flood, NULL);
}

TEST(cpus_come_and_go_under_load_again)
{
	sim_run(4, 31, flood, NULL);
}

/* Who may change what. */
static void
rules(void *arg)
{
	struct cpu_info *c1 = cpu_infos[1], *c2 = cpu_infos[2];

	(void)arg;
	CHECK_EQ(cpu_set_online(&cpu_info_primary, true), 0);
	CHECK_EQ(cpu_set_online(&cpu_info_primary, false), EBUSY);
	CHECK_EQ(cpu_set_present(&cpu_info_primary, false), EBUSY);
	CHECK(cpu_info_primary.ci_present && cpu_info_primary.ci_online);
	/* Taken offline by hand: present, and left so. */
	CHECK_EQ(cpu_set_online(c1, false), 0);
	CHECK(c1->ci_present && !c1->ci_online);
	CHECK_EQ(cpu_set_present(c1, true), 0);
	CHECK(!c1->ci_online);
	CHECK_EQ(cpu_set_online(c1, true), 0);
	CHECK(c1->ci_online);
	/* Not there: not to be had. */
	CHECK_EQ(cpu_set_present(c2, false), 0);
	CHECK(!c2->ci_present && !c2->ci_online);
	CHECK_EQ(cpu_set_online(c2, true), ENODEV);
	CHECK_EQ(cpu_set_online(c2, false), 0);
	sim_online_error = EIO;
	CHECK_EQ(cpu_set_present(c2, true), EIO);
	CHECK(!c2->ci_online);
	sim_online_error = 0;
	CHECK_EQ(cpu_set_online(c2, true), 0);
	CHECK(c2->ci_present && c2->ci_online);
	CHECK_EQ(ncpu, 3);
	/* A suspend keeps it all as it is, or is told to come later. */
	CHECK_EQ(cpu_hotplug_hold(), 0);
	CHECK_EQ(cpu_hotplug_hold(), EBUSY);
	cpu_hotplug_release();
	CHECK_EQ(cpu_set_online(c2, false), 0);
	CHECK_EQ(ncpu, 2);
}

TEST(present_and_online)
{
	sim_run(3, 16, rules, NULL);
}

/* The one CPU a thread may run on goes: it may run on all. */
static void
widened(void *arg)
{
	uint64_t mask[1] = { 4 };
	struct lwp *l = sim_thread(hog, NULL);
	nsec_t before;

	(void)arg;
	CHECK_EQ(sched_setaffinity_lwp(l, mask), 0);
	nap(5 * MS);
	CHECK_EQ(l->l_cpu->ci_index, 2);
	CHECK_EQ(cpu_set_online(cpu_infos[2], false), 0);
	before = cputime(l);
	nap(50 * MS);
	CHECK(cputime(l) - before > 45 * MS);
	CHECK_EQ(l->l_affinity[0], UINT64_MAX);
	CHECK_EQ(sched_setaffinity_lwp(l, mask), EINVAL);
	/* It is not bound again when the CPU returns. */
	CHECK_EQ(cpu_set_online(cpu_infos[2], true), 0);
	CHECK_EQ(l->l_affinity[0], UINT64_MAX);
	CHECK_EQ(sched_setaffinity_lwp(l, mask), 0);
}

TEST(bound_threads_are_set_free)
{
	sim_run(3, 17, widened, NULL);
}

/* A lone thread on a CPU that was away is preempted like any other. */
static void
ticks(void *arg)
{
	uint64_t mask[1] = { 2 };
	struct lwp *l[2];
	nsec_t c[2];

	(void)arg;
	for (unsigned int i = 0; i < 20; i++) {
		CHECK_EQ(cpu_set_online(cpu_infos[1], false), 0);
		CHECK_EQ(cpu_set_online(cpu_infos[1], true), 0);
		if (i == 0) {
			l[0] = sim_thread(hog, NULL);
			l[1] = sim_thread(hog, NULL);
		}
		CHECK_EQ(sched_setaffinity_lwp(l[0], mask), 0);
		CHECK_EQ(sched_setaffinity_lwp(l[1], mask), 0);
		nap(2 * MS);
		c[0] = cputime(l[0]);
		c[1] = cputime(l[1]);
		nap(60 * MS);
		CHECK(cputime(l[0]) - c[0] > 20 * MS);
		CHECK(cputime(l[1]) - c[1] > 20 * MS);
	}
}

TEST(slices_end_on_a_cpu_that_returned)
{
	sim_run(2, 18, ticks, NULL);
}

/* A CPU that does not come back from a suspend: what it had is done here. */
static unsigned int soft_runs;

static void
soft_run(void *arg)
{
	(void)arg;
	soft_runs++;
}

static void
lost(void *arg)
{
	struct cpu_info *ci = cpu_infos[2];
	uint64_t mask[1] = { 4 };
	struct callout late;
	struct lwp *l;

	(void)arg;
	l = sim_thread_new(brief_nap, NULL);
	l->l_affinity[0] = 4;
	sched_enqueue(l);
	callout_init(&late, soft_run, NULL);
	CHECK_EQ(sched_setaffinity_lwp(curlwp, mask), 0);
	callout_schedule(&late, nanouptime() + 30 * MS);
	mask[0] = 3;
	CHECK_EQ(sched_setaffinity_lwp(curlwp, mask), 0);
	nap(MS);
	cpu_stop_others();
	cpu_lost(ci);
	cpu_start_others();
	CHECK(!ci->ci_online);
	CHECK_EQ(ncpu, 2);
	cpu_evacuate(ci);
	CHECK_EQ(l->l_affinity[0], UINT64_MAX);
	nap(100 * MS);
	CHECK_EQ(soft_runs, 1);
	wait_for(1);
	/* The others take calls as before. */
	cpu_cross_call(soft_run, NULL);
	CHECK_EQ(soft_runs, 2);
	cpu_stop_others();
	cpu_start_others();
}

TEST(a_lost_cpu_is_evacuated)
{
	sim_run(3, 19, lost, NULL);
}

static void
lose_busy(struct lwp *l)
{
	l->l_affinity[0] = 4;
	sched_enqueue(l);
	nap(MS);
	cpu_stop_others();
	CHECK(cpu_infos[2]->ci_curlwp == l);
	cpu_lost(cpu_infos[2]);
	cpu_start_others();
}

/* Interrupted in user mode: it goes on. */
static void
lost_user(void *arg)
{
	struct lwp *l = sim_thread_new(hog, NULL);
	nsec_t before;

	(void)arg;
	lose_busy(l);
	CHECK(sim_parks > 0);
	cpu_evacuate(cpu_infos[2]);
	before = cputime(l);
	nap(50 * MS);
	CHECK(cputime(l) - before > 40 * MS);
	CHECK(l->l_cpu != cpu_infos[2]);
	CHECK_EQ(cpu_set_online(cpu_infos[2], true), 0);
	nap(10 * MS);
}

TEST(the_thread_of_a_lost_cpu_goes_on)
{
	sim_run(3, 19, lost_user, NULL);
}

/* Interrupted in the kernel: nobody knows where. */
static void
kernel_hog(void *arg)
{
	(void)arg;
	for (;;)
		cpu_spin_yield();
}

static void
lost_kernel(void *arg)
{
	(void)arg;
	lose_busy(sim_thread_new(kernel_hog, NULL));
	CHECK_PANIC(cpu_evacuate(cpu_infos[2]));
}

TEST(a_lost_cpu_takes_a_kernel_thread_along)
{
	sim_run(3, 19, lost_kernel, NULL);
}

/* Threads that may only wait for one CPU leave the idle ones alone. */
static void
pinned_hogs(void *arg)
{
	unsigned int ipis, timers;
	uint64_t mask[1] = { 8 };

	(void)arg;
	for (unsigned int i = 0; i < 2; i++) {
		threads[i] = sim_thread_new(hog, NULL);
		threads[i]->l_affinity[0] = 1;
		sched_enqueue(threads[i]);
	}
	sched_setaffinity_lwp(curlwp, mask);
	nap(100 * MS);
	ipis = sim_ipis;
	timers = sim_timer_sets;
	nap(SEC);
	CHECK(sim_ipis - ipis < 5);
	CHECK(sim_timer_sets - timers < 400);
	CHECK(cputime(threads[0]) > 500 * MS);
	CHECK(cputime(threads[1]) > 500 * MS);
}

TEST(pinned_threads_wake_no_idle_cpu)
{
	sim_run(4, 14, pinned_hogs, NULL);
}

/* What ended is freed, in time. */
static void
brief(void *arg)
{
	(void)arg;
	sim_work(MS / 10);
	(void)atomic_add(&finished, 1);
}

static void
exits(void *arg)
{
	size_t before;

	(void)arg;
	nap(50 * MS);
	before = kmem_outstanding();
	for (unsigned int i = 1; i <= 101; i++) {
		sim_thread(brief, NULL);
		if (i % 3 == 0)
			wait_for(i);
	}
	wait_for(101);
	nap(50 * MS);
	CHECK_EQ(kmem_outstanding(), before);
}

TEST(ended_threads_are_freed)
{
	sim_run(3, 15, exits, NULL);
}
