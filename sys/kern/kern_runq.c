/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: who runs next on a CPU.
 *
 * Overview: real-time threads (SCHED_FIFO, SCHED_RR) come before all others,
 * in priority order, first come first served, but for so long in a period only
 * while others wait (rt_spent()): one that never sleeps must not lock out who
 * could end it.  The others share the CPU by weight: each has a virtual run
 * time that grows the slower the larger its weight; the one with the smallest
 * runs next, of equal ones who came first.  rq_minv follows the smallest one.
 * A thread that slept comes back at most half a latency period behind it:
 * sleepers get the CPU quickly, but cannot save time up.  Virtual times are
 * relative to a queue; a thread that moves keeps its distance to rq_minv.
 *
 * Who was handed a lock of the kernel comes before the other ordinary threads:
 * all that want the lock wait for its turn, too, and behind hundreds of threads
 * that would be long.  Its virtual time counts all the same: who is far ahead
 * of the others has to wait.
 *
 * Nothing here switches, sends or waits: data structure and arithmetic only.
 *
 * Locking: rq_lock, taken by the callers (kern_sched.c).
 */
#include <sys/atomic.h>
#include <sys/bitops.h>
#include <sys/errno.h>
#include <sys/systm.h>

#include "sched_impl.h"

/* 1024 * 1.25^-nice: one step of nice is a tenth of the CPU between two. */
static const unsigned int nice_weight[40] = {
	88818, 71054, 56843, 45475, 36380,
	29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906,
	3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419,
	336, 268, 215, 172, 137,
	110, 88, 70, 56, 45,
	36, 29, 23, 18, 15,
};
#define	IDLE_WEIGHT	3

int sched_rt_period = 1000000;
int sched_rt_runtime = 950000;

static int
fair_cmp(const struct lwp *a, const struct lwp *b)
{
	nsec_t d = a->l_sched.se_vruntime - b->l_sched.se_vruntime;

	if (d == 0)		/* threads made one after the other, say */
		d = a->l_sched.se_queued - b->l_sched.se_queued;
	if (d != 0)
		return d < 0 ? -1 : 1;
	return (uintptr_t)a < (uintptr_t)b ? -1 : a != b;
}

RB_PROTOTYPE_STATIC(fair_tree, lwp, l_sched.se_node, fair_cmp)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
RB_GENERATE_STATIC(fair_tree, lwp, l_sched.se_node, fair_cmp)
#pragma GCC diagnostic pop

static inline bool
is_rt(const struct lwp *l)
{
	return l->l_pri < PRI_RT_LEVELS;
}

static inline bool
is_fair(const struct lwp *l)
{
	return l->l_pri >= PRI_FAIR && l->l_pri != PRI_NONE;
}

void
runq_init(struct runqueue *rq, struct cpu_info *ci)
{
	unsigned int i;

	memset(rq, 0, sizeof(*rq));
	spin_init(&rq->rq_lock, "runq");
	rq->rq_cpu = ci;
	for (i = 0; i < PRI_RT_LEVELS; i++)
		TAILQ_INIT(&rq->rq_rt[i]);
	RB_INIT(&rq->rq_fair);
	TAILQ_INIT(&rq->rq_owners);
}

void
sched_setclass(struct lwp *l)
{
	struct sched_entity *se = &l->l_sched;
	int nice = l->l_proc != NULL ? l->l_proc->p_nice : 0;
	int boost;

	nice = MAX(-20, MIN(nice, 19));
	se->se_weight = nice_weight[nice + 20];
	l->l_pri = PRI_FAIR + 20 + nice;
	switch (se->se_policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		l->l_pri = PRI_RT_LEVELS - 1 - MAX(0, MIN(se->se_rtprio, 99));
		break;
	case SCHED_IDLE:
		se->se_weight = IDLE_WEIGHT;
		l->l_pri = PRI_BATCH_IDLE;
		break;
	}
	boost = atomic_load_relaxed(&se->se_boost);
	if (boost > 0)
		l->l_pri = MIN(l->l_pri, PRI_RT_LEVELS - boost);
}

bool
sched_allowed(const struct lwp *l, const struct cpu_info *ci)
{
	return (l->l_affinity[ci->ci_index / 64] >> ci->ci_index % 64 & 1)
	    != 0;
}

/* Where in virtual time a thread comes in. */
static void
fair_place(struct runqueue *rq, struct sched_entity *se, enum rq_how how)
{
	nsec_t low;

	switch (how) {
	case RQ_NEW:
		/* A full slice behind: forking wins nothing. */
		low = rq->rq_minv + SCHED_MINSLICE;
		break;
	case RQ_WAKE:
	case RQ_OWNER:
		low = rq->rq_minv - SCHED_LATENCY / 2;
		break;
	default:
		return;
	}
	if (se->se_vruntime < low)
		se->se_vruntime = low;
}

void
runq_add(struct runqueue *rq, struct lwp *l, enum rq_how how, nsec_t now)
{
	struct sched_entity *se = &l->l_sched;

	KASSERT(!se->se_onq && l->l_pri != PRI_NONE);
	se->se_queued = now;
	if (is_rt(l)) {
		if (how == RQ_HEAD)
			TAILQ_INSERT_HEAD(&rq->rq_rt[l->l_pri], l, l_runq);
		else
			TAILQ_INSERT_TAIL(&rq->rq_rt[l->l_pri], l, l_runq);
		rq->rq_rtmap[l->l_pri / 64] |= 1ULL << l->l_pri % 64;
	} else {
		fair_place(rq, se, how);
		RB_INSERT(fair_tree, &rq->rq_fair, l);
		rq->rq_weight += se->se_weight;
		/* Two that hand a lock to and fro do not lock out others. */
		se->se_owner = how == RQ_OWNER &&
		    se->se_vruntime < rq->rq_minv + SCHED_LATENCY;
		if (se->se_owner)
			TAILQ_INSERT_TAIL(&rq->rq_owners, l, l_runq);
	}
	se->se_onq = true;
	atomic_store_relaxed(&rq->rq_nqueued, rq->rq_nqueued + 1);
}

void
runq_remove(struct runqueue *rq, struct lwp *l)
{
	struct sched_entity *se = &l->l_sched;

	KASSERT(se->se_onq);
	if (is_rt(l)) {
		TAILQ_REMOVE(&rq->rq_rt[l->l_pri], l, l_runq);
		if (TAILQ_EMPTY(&rq->rq_rt[l->l_pri]))
			rq->rq_rtmap[l->l_pri / 64] &=
			    ~(1ULL << l->l_pri % 64);
	} else {
		RB_REMOVE(fair_tree, &rq->rq_fair, l);
		rq->rq_weight -= se->se_weight;
		if (se->se_owner)
			TAILQ_REMOVE(&rq->rq_owners, l, l_runq);
	}
	se->se_onq = false;
	atomic_store_relaxed(&rq->rq_nqueued, rq->rq_nqueued - 1);
}

/* Have real-time threads had their part of this period? */
static bool
rt_spent(const struct runqueue *rq)
{
	int us = atomic_load_relaxed(&sched_rt_runtime);

	return us >= 0 && rq->rq_rt_used >= us * NSEC_PER_USEC;
}

int
sched_rt_limit(int64_t period, int64_t runtime)
{
	if (period <= 0 || period > INT32_MAX || runtime < -1 ||
	    runtime > period)
		return EINVAL;
	atomic_store_relaxed(&sched_rt_period, (int)period);
	atomic_store_relaxed(&sched_rt_runtime, (int)runtime);
	return 0;
}

static void
rt_charge(struct runqueue *rq, nsec_t ran, nsec_t now)
{
	if (now - rq->rq_rt_since >=
	    atomic_load_relaxed(&sched_rt_period) * NSEC_PER_USEC) {
		rq->rq_rt_since = now;
		rq->rq_rt_used = 0;
	}
	rq->rq_rt_used += ran;
}

struct lwp *
runq_first(struct runqueue *rq)
{
	struct lwp *l = TAILQ_FIRST(&rq->rq_owners);
	unsigned int i;

	if (l == NULL)
		l = RB_MIN(fair_tree, &rq->rq_fair);
	if (l != NULL && rt_spent(rq))
		return l;
	for (i = 0; i < 2; i++)
		if (rq->rq_rtmap[i] != 0)
			return TAILQ_FIRST(&rq->rq_rt[i * 64 +
			    ffs64(rq->rq_rtmap[i]) - 1]);
	return l;
}

static bool
may_move(const struct lwp *l, const struct cpu_info *ci, bool hot, nsec_t now)
{
	return sched_allowed(l, ci) && !l->l_sched.se_oncpu &&
	    (hot || now - l->l_sched.se_queued >= SCHED_HOT);
}

struct lwp *
runq_stealable(struct runqueue *rq, const struct cpu_info *ci, bool hot,
    nsec_t now)
{
	struct lwp *l;
	unsigned int pri;

	for (pri = 0; pri < PRI_RT_LEVELS; pri++) {
		if ((rq->rq_rtmap[pri / 64] >> pri % 64 & 1) == 0)
			continue;
		TAILQ_FOREACH(l, &rq->rq_rt[pri], l_runq)
			if (may_move(l, ci, true, now))
				return l;
	}
	RB_FOREACH(l, fair_tree, &rq->rq_fair)
		if (may_move(l, ci, hot, now))
			return l;
	return NULL;
}

/* rq_minv follows the smallest virtual time, running or waiting. */
static void
minv_update(struct runqueue *rq, const struct lwp *cur)
{
	const struct lwp *first = RB_MIN(fair_tree, &rq->rq_fair);
	nsec_t v;

	if (cur != NULL && is_fair(cur)) {
		v = cur->l_sched.se_vruntime;
		if (first != NULL)
			v = MIN(v, first->l_sched.se_vruntime);
	} else if (first != NULL) {
		v = first->l_sched.se_vruntime;
	} else {
		return;
	}
	if (v > rq->rq_minv)
		rq->rq_minv = v;
}

nsec_t
runq_charge(struct runqueue *rq, struct lwp *l, nsec_t now)
{
	struct sched_entity *se = &l->l_sched;
	nsec_t ran = now - se->se_start;

	if (ran < 0)
		ran = 0;
	se->se_start = now;
	l->l_cputime += ran;
	rt_charge(rq, is_rt(l) ? ran : 0, now);
	if (is_fair(l)) {
		KASSERT(!se->se_onq);
		se->se_vruntime += ran * NICE_0_WEIGHT / se->se_weight;
		minv_update(rq, l);
	}
	return ran;
}

nsec_t
runq_slice(const struct runqueue *rq, const struct lwp *l)
{
	nsec_t slice;

	if (is_rt(l))
		return l->l_sched.se_policy == SCHED_RR ? SCHED_RR_SLICE :
		    SCHED_SAMPLE;
	slice = SCHED_LATENCY * l->l_sched.se_weight /
	    (nsec_t)(rq->rq_weight + l->l_sched.se_weight);
	return MAX(slice, SCHED_MINSLICE);
}

bool
runq_preempts(const struct lwp *cur, const struct lwp *l)
{
	const struct sched_entity *ce = &cur->l_sched, *se = &l->l_sched;

	if (cur->l_pri == PRI_NONE)
		return true;
	if (is_rt(cur) || is_rt(l))
		return l->l_pri < cur->l_pri;
	if (ce->se_policy == SCHED_IDLE || se->se_policy == SCHED_IDLE)
		return se->se_policy != SCHED_IDLE;
	if (se->se_policy == SCHED_BATCH)
		return false;
	return ce->se_vruntime - se->se_vruntime >
	    SCHED_WAKEGRAN * NICE_0_WEIGHT / se->se_weight;
}

void
runq_yield(struct runqueue *rq, struct lwp *l)
{
	struct lwp *last;

	if (!is_fair(l))
		return;		/* the caller queues it at the tail */
	last = RB_MAX(fair_tree, &rq->rq_fair);
	if (last != NULL &&
	    l->l_sched.se_vruntime <= last->l_sched.se_vruntime)
		l->l_sched.se_vruntime = last->l_sched.se_vruntime + 1;
}
