/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time accounting: run time, its split into user and system time, and the load
 * averages.
 *
 * Overview: how long a thread and a CPU ran is measured exactly, at every
 * switch.  How much of it was in user mode is estimated: system calls are too
 * frequent to read a clock at each.  Time is first "not split"; a tick
 * (every 10 ms of a busy CPU) gives all of it to the mode it finds.  Who
 * asks between two ticks gets the rest split in proportion of the ticks so
 * far.  What was given once is never taken back, so the sums only grow.
 *
 * Load averages are taken every five seconds while some CPU is not idle.
 * Missed turns, in which all slept, count as no load when the next one is due.
 *
 * Locking: [s] the run queue locks.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>

#include "sched_impl.h"

#define	LOAD_PERIOD	(5 * NSEC_PER_SEC)
#define	FSCALE		(1UL << FSHIFT)

static unsigned long loadavg[3];	/* [l] */
static nsec_t load_due = LOAD_PERIOD;	/* [l] */
static struct spinlock load_lock = SPINLOCK_INITIALIZER("loadavg");
/* e^(-5/60), e^(-5/300), e^(-5/900) */
static const unsigned long load_decay[3] = { 60296, 64453, 65173 };

void
acct_charge(struct runqueue *rq, struct lwp *l, nsec_t ran)
{
	struct cpu_info *ci = rq->rq_cpu;

	if (l->l_pri == PRI_NONE) {
		ci->ci_time_idle += ran;
		return;
	}
	l->l_sched.se_unsplit += ran;
	rq->rq_unsplit += ran;
}

/* Give all that is open to one mode. */
static void
split_lwp(struct lwp *l, nsec_t user)
{
	struct sched_entity *se = &l->l_sched;

	l->l_ru.ru_utime += user;
	l->l_ru.ru_stime += se->se_unsplit - user;
	se->se_unsplit = 0;
}

static void
split_cpu(struct runqueue *rq, nsec_t user, bool nice)
{
	struct cpu_info *ci = rq->rq_cpu;

	if (nice)
		ci->ci_time_nice += user;
	else
		ci->ci_time_user += user;
	ci->ci_time_sys += rq->rq_unsplit - user;
	rq->rq_unsplit = 0;
}

/* n * a / (a + b); half of it when nothing is known. */
static nsec_t
share(nsec_t n, unsigned int a, unsigned int b)
{
	if (a + b == 0)
		return n / 2;
	return (nsec_t)muldiv64((uint64_t)n, a, (uint64_t)a + b);
}

/* What the hypervisor took is nobody's run time. */
static void
acct_steal(struct runqueue *rq)
{
	nsec_t now = clock_steal(), stolen = now - rq->rq_steal;

	rq->rq_steal = now;
	if (stolen <= 0)
		return;
	rq->rq_cpu->ci_time_steal += stolen;
	rq->rq_unsplit -= MIN(stolen, rq->rq_unsplit);
}

void
acct_sample(struct runqueue *rq, struct lwp *l, bool user)
{
	struct sched_entity *se = &l->l_sched;
	bool nice = l->l_proc != NULL && l->l_proc->p_nice > 0;

	acct_steal(rq);
	if (l->l_pri == PRI_NONE) {
		split_cpu(rq, share(rq->rq_unsplit, rq->rq_nuser, rq->rq_nsys),
		    false);
		return;
	}
	if (user) {
		rq->rq_nuser++;
		se->se_nuser++;
	} else {
		rq->rq_nsys++;
		se->se_nsys++;
	}
	split_cpu(rq, user ? rq->rq_unsplit : 0, nice);
	split_lwp(l, user ? se->se_unsplit : 0);
}

void
sched_times(struct lwp *l, nsec_t *user, nsec_t *sys)
{
	struct sched_entity *se = &l->l_sched;
	struct runqueue *rq;
	nsec_t part;

	for (;;) {
		rq = lwp_runq(l);
		spin_enter(&rq->rq_lock);
		if (rq == lwp_runq(l))
			break;
		spin_exit(&rq->rq_lock);
	}
	if (rq->rq_cur == l)
		acct_charge(rq, l, runq_charge(rq, l, nanouptime()));
	if ((l->l_flags & LF_SYSTEM) != 0)
		part = 0;
	else if (l == curlwp && se->se_nuser + se->se_nsys == 0)
		part = se->se_unsplit;	/* it has just entered the kernel */
	else
		part = share(se->se_unsplit, se->se_nuser, se->se_nsys);
	split_lwp(l, part);
	*user = l->l_ru.ru_utime;
	*sys = l->l_ru.ru_stime;
	spin_exit(&rq->rq_lock);
}

void
sched_cpu_times(struct cpu_info *ci, struct cpu_times *ct)
{
	struct runqueue *rq = ci->ci_runqueue;

	spin_enter(&rq->rq_lock);
	if (rq->rq_cur != NULL && ci->ci_online)
		acct_charge(rq, rq->rq_cur,
		    runq_charge(rq, rq->rq_cur, nanouptime()));
	split_cpu(rq, share(rq->rq_unsplit, rq->rq_nuser, rq->rq_nsys),
	    false);
	ct->ct_user = ci->ci_time_user;
	ct->ct_nice = ci->ci_time_nice;
	ct->ct_sys = ci->ci_time_sys;
	ct->ct_idle = ci->ci_time_idle;
	ct->ct_intr = ci->ci_time_intr;
	ct->ct_steal = ci->ci_time_steal;
	spin_exit(&rq->rq_lock);
}

unsigned int
sched_nrunnable(void)
{
	struct cpu_info *ci;
	unsigned int n = 0;

	CPU_FOREACH(ci) {
		if (!ci->ci_online || ci->ci_runqueue == NULL)
			continue;
		n += atomic_load_relaxed(&ci->ci_runqueue->rq_nqueued);
		if (ci->ci_runqueue->rq_cur != ci->ci_idlelwp)
			n++;
	}
	return n;
}

static void
load_turn(unsigned long n)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		loadavg[i] = (unsigned long)(((uint64_t)loadavg[i] *
		    load_decay[i] + (uint64_t)n * FSCALE *
		    (FSCALE - load_decay[i])) >> FSHIFT);
}

/* Take the turns that are due; load_lock held. */
static void
load_catch_up(nsec_t now, unsigned int n)
{
	unsigned int turns = 0;

	while (load_due <= now) {
		/* A tick comes within one sample while a CPU is busy. */
		load_turn(now - load_due <= 2 * SCHED_SAMPLE ? n : 0);
		load_due += LOAD_PERIOD;
		if (++turns < 1024)
			continue;
		/* Hours of sleep: nothing is left. */
		memset(loadavg, 0, sizeof(loadavg));
		load_due = now + LOAD_PERIOD;
	}
}

void
loadavg_update(nsec_t now)
{
	if (now < load_due || !spin_tryenter(&load_lock))
		return;
	load_catch_up(now, sched_nrunnable());
	spin_exit(&load_lock);
}

void
sched_loadavg(unsigned long avg[3])
{
	spin_enter(&load_lock);
	load_catch_up(nanouptime(), sched_nrunnable());
	memcpy(avg, loadavg, sizeof(loadavg));
	spin_exit(&load_lock);
}
