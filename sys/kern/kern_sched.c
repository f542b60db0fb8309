/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: switching threads, waking them, and on which CPU.
 *
 * Overview: each CPU has a run queue (kern_runq.c) with its own lock.  A
 * running thread is in no queue.  When it goes on waiting for a CPU it is
 * queued on one; the one that runs next is taken off.  mi_switch() holds the
 * queue's lock across the switch: it is entered by the old thread and left by
 * the new one, in switch_finish().  So whoever finds a thread asleep under
 * that lock finds it off its CPU, too - or about to sleep, on this CPU still.
 *
 * Wake-ups go to the CPU where the thread ran last if that is idle; to the
 * waker's CPU if the thread ran there too and nobody waits there (the waker
 * often sleeps soon); else to an idle CPU.  Idle CPUs take waiting threads from
 * others.  A thread that waits a while behind another on one CPU is offered to
 * idle CPUs at that CPU's next tick.
 *
 * A CPU has a tick only while it runs a thread: for slices when others wait,
 * and to sample whether it is in user or kernel mode.  An idle CPU has none.
 *
 * States (l_state):
 *	LS_EMBRYO	being made (kern_fork.c)
 *	LS_RUN		in a run queue, or on its way from one to another
 *	LS_ONCPU	runs
 *	LS_SLEEP	waits (kern_sleepq.c); with se_oncpu: is about to
 *	LS_ZOMBIE	has ended; the reaper frees it
 *
 * Locking: [s] is the lock of l_cpu's run queue; l_cpu changes under it, so
 * lwp_lock() looks again after it has got the lock.  Two queues' locks are held
 * together only by trying for the second.
 *
 * Suspend: nothing to do.  Other CPUs stop in interrupts, where no queue is
 * locked by them.
 */
#include <sys/atomic.h>
#include <sys/bitops.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/softint.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>
#include <machine/intr.h>
#include <machine/pmap.h>

#include "lock_order.h"
#include "sched_impl.h"

CTASSERT(MAXCPUS == 64);		/* CPU sets are one word here */

volatile uint64_t sched_idle_cpus;
static volatile uint64_t sched_cpus;	/* [a] that take threads */

static struct runqueue runq_primary;	/* there before the allocator */

/* Ended threads, until the reaper has freed them. */
static struct spinlock zombie_lock = SPINLOCK_INITIALIZER("zombies");
static struct sleepq zombies = TAILQ_HEAD_INITIALIZER(zombies); /* [l] */
static unsigned int nzombies;		/* [l] */
static struct condvar zombie_cv;
static struct callout zombie_callout;
#define	ZOMBIE_BATCH	8		/* the reaper comes for so many, */
#define	ZOMBIE_DELAY	(10 * NSEC_PER_MSEC)	/* or after so long */

static inline uint64_t
cpu_bit(const struct cpu_info *ci)
{
	return 1ULL << ci->ci_index;
}

static inline bool
is_idle(const struct lwp *l)
{
	return l->l_pri == PRI_NONE;
}

static struct runqueue *
lwp_lock(struct lwp *l)
{
	struct runqueue *rq;

	for (;;) {
		rq = lwp_runq(l);
		spin_enter(&rq->rq_lock);
		if (rq == lwp_runq(l))
			return rq;
		spin_exit(&rq->rq_lock);
	}
}

/* ---- the tick ---- */

/* rq_lock held, on its own CPU. */
static void
tick_arm(struct runqueue *rq, nsec_t want)
{
	if (rq->rq_tick_at != 0 && rq->rq_tick_at <= want)
		return;
	rq->rq_tick_at = want;
	callout_schedule(&rq->rq_tick, want);
}

/* A tick for what runs now: sooner when others wait. */
static void
tick_arm_cur(struct runqueue *rq, nsec_t now)
{
	nsec_t want = now + SCHED_SAMPLE, end;

	if (rq->rq_nqueued > 0) {
		end = rq->rq_cur->l_sched.se_slice_end;
		if (rq->rq_spread && sched_idle_cpus != 0)
			want = now + SCHED_SPREAD;
		/* A slice that is over has been told of: no tick for it. */
		if (end > now)
			want = MIN(want, end);
	}
	tick_arm(rq, want);
}

/* Ask a CPU to switch.  rq_lock held. */
static void
resched(struct runqueue *rq)
{
	struct cpu_info *ci = rq->rq_cpu;

	if (ci == curcpu()) {
		(void)atomic_or(&rq->rq_cur->l_ast, L_AST_RESCHED);
		ci->ci_resched = true;
	} else {
		cpu_kick(ci);
	}
}

/* Has somebody who waits a claim on the CPU after cur's slice? */
static bool
slice_over(struct runqueue *rq, nsec_t now)
{
	struct lwp *cur = rq->rq_cur, *first = runq_first(rq);

	if (first == NULL)
		return false;
	/* The real-time threads' part of the period is over, or begins. */
	if ((cur->l_pri < PRI_RT_LEVELS) != (first->l_pri < PRI_RT_LEVELS))
		return true;
	if (now < cur->l_sched.se_slice_end)
		return false;
	if (cur->l_pri >= PRI_RT_LEVELS)
		return true;
	return cur->l_sched.se_policy == SCHED_RR ?
	    first->l_pri <= cur->l_pri : first->l_pri < cur->l_pri;
}

/* An idle CPU that may run one of those who wait here.  rq_lock held. */
static struct cpu_info *
idle_helper(struct runqueue *rq, nsec_t now)
{
	uint64_t idle = atomic_load(&sched_idle_cpus) &
	    atomic_load(&sched_cpus) & ~cpu_bit(rq->rq_cpu);
	struct cpu_info *ci;

	for (; idle != 0; idle &= idle - 1) {
		ci = cpu_infos[ffs64(idle) - 1];
		if (runq_stealable(rq, ci, true, now) != NULL)
			return ci;
	}
	return NULL;
}

static bool	steal_from(struct runqueue *, struct runqueue *, bool, nsec_t);

/* All CPUs are busy: take a thread from one with two more than here. */
static void
balance(struct runqueue *rq, nsec_t now)
{
	struct cpu_info *ci;
	struct runqueue *busiest = NULL;
	unsigned int most = rq->rq_nqueued + 1;

	CPU_FOREACH(ci) {
		if (ci->ci_runqueue == NULL || ci->ci_runqueue == rq)
			continue;
		if (ci->ci_runqueue->rq_nqueued > most) {
			most = ci->ci_runqueue->rq_nqueued;
			busiest = ci->ci_runqueue;
		}
	}
	if (busiest != NULL)
		(void)steal_from(rq, busiest, true, now);
}

/* Soft interrupt, on the CPU whose tick it is. */
void
sched_tick(void)
{
	struct cpu_info *ci = curcpu(), *helper = NULL;
	struct runqueue *rq = ci->ci_runqueue;
	struct lwp *cur;
	nsec_t now = nanouptime();

	spin_enter(&rq->rq_lock);
	rq->rq_tick_at = 0;
	cur = rq->rq_cur;
	acct_charge(rq, cur, runq_charge(rq, cur, now));
	acct_sample(rq, cur, ci->ci_intr_user);
	if (rq->rq_nqueued > 0) {
		helper = idle_helper(rq, now);
		rq->rq_spread = helper != NULL;
	}
	if (!is_idle(cur)) {
		if (slice_over(rq, now))
			resched(rq);
		tick_arm_cur(rq, now);
	}
	spin_exit(&rq->rq_lock);
	loadavg_update(now);
	if (helper != NULL)
		cpu_kick(helper);	/* it will look for work (idle_steal) */
	else if (!is_idle(cur) && ncpu > 1)
		balance(rq, now);
}

static void
tick_callout(void *arg)
{
	const struct runqueue *rq = arg;

	KASSERT(rq->rq_cpu == curcpu());
	sched_tick();
}

/* ---- switching ---- */

static void
zombie_add(struct lwp *l)
{
	spin_enter(&zombie_lock);
	TAILQ_INSERT_TAIL(&zombies, l, l_runq);
	if (++nzombies == ZOMBIE_BATCH)
		cv_signal(&zombie_cv);
	else if (nzombies == 1)
		callout_schedule(&zombie_callout,
		    nanouptime() + ZOMBIE_DELAY);
	spin_exit(&zombie_lock);
}

static void
zombie_timeout(void *arg __unused)
{
	cv_signal(&zombie_cv);
}

static void	sched_place(struct lwp *, enum rq_how);

/* The new thread's half of a switch: let the old one go. */
static void
switch_finish(void)
{
	struct runqueue *rq = curcpu()->ci_runqueue;
	struct lwp *prev = rq->rq_prev;
	enum lwp_state state = prev->l_state;
	bool moves;

	rq->rq_prev = NULL;
	moves = state == LS_RUN && !prev->l_sched.se_onq && !is_idle(prev);
	prev->l_sched.se_oncpu = false;
	spin_exit(&rq->rq_lock);
	if (state == LS_ZOMBIE)
		zombie_add(prev);
	else if (moves)
		sched_place(prev, RQ_SAME);
}

void
lwp_startup(struct lwp *prev __unused, struct lwp *new __unused)
{
	struct cpu_info *ci = curcpu();

	KASSERT(new == curlwp && prev == ci->ci_runqueue->rq_prev);
	ci->ci_spin_intr = true;
	switch_finish();
}

/* The running thread wants to run on: queue it, here or (later) elsewhere. */
static void
requeue(struct runqueue *rq, struct lwp *l, nsec_t now)
{
	enum rq_how how = RQ_HEAD;

	l->l_state = LS_RUN;
	if (is_idle(l))
		return;
	if (l->l_sched.se_policy == SCHED_RR &&
	    now >= l->l_sched.se_slice_end)
		how = RQ_SAME;
	if (sched_allowed(l, rq->rq_cpu) && !rq->rq_dying)
		runq_add(rq, l, how, now);
}

/* Take the next thread off the queue. */
static struct lwp *
pick(struct runqueue *rq, nsec_t now)
{
	struct lwp *l = runq_first(rq);

	if (l == NULL) {
		l = rq->rq_cpu->ci_idlelwp;
		KASSERT(l != NULL);
	} else {
		runq_remove(rq, l);
		l->l_sched.se_slice_end = now + runq_slice(rq, l);
	}
	KASSERT(l->l_state == LS_RUN && l->l_cpu == rq->rq_cpu);
	l->l_state = LS_ONCPU;
	l->l_sched.se_start = now;
	return l;
}

/*
 * Run the next thread.  Interrupts off, this CPU's rq_lock the only spin lock
 * held; l_state says what becomes of the caller.  Returns on its next turn,
 * rq_lock released.
 */
void
mi_switch(void)
{
	struct cpu_info *ci = curcpu();
	struct runqueue *rq = ci->ci_runqueue;
	struct lwp *prev = curlwp, *next;
	nsec_t now = nanouptime();
	bool intr = ci->ci_spin_intr;

	KASSERT(spin_owned(&rq->rq_lock) && ci->ci_spin_depth == 1);
	KASSERT(ci->ci_preempt_off == 0 && ci->ci_intr_depth == 0);
	KASSERT(!ci->ci_in_softint && !cpu_others_stopped);
	acct_charge(rq, prev, runq_charge(rq, prev, now));
	if (prev->l_state == LS_ONCPU)
		requeue(rq, prev, now);
	ci->ci_resched = false;
	(void)atomic_and(&prev->l_ast, ~L_AST_RESCHED);
	next = pick(rq, now);
	rq->rq_cur = next;
	atomic_store_relaxed(&rq->rq_curpri, next->l_pri);
	if (!is_idle(next)) {
		if (is_idle(prev))
			(void)atomic_and(&sched_idle_cpus, ~cpu_bit(ci));
		tick_arm_cur(rq, now);
	}
	if (next == prev) {
		spin_exit(&rq->rq_lock);
		return;
	}
	ci->ci_nswitch++;
	rq->rq_prev = prev;
	next->l_sched.se_oncpu = true;
	if (next->l_rseq != 0)
		(void)atomic_or(&next->l_ast, L_AST_NOTIFY);
	if (next->l_proc != prev->l_proc) {
		pmap_deactivate(prev);
		pmap_activate(next);
	}
	lockorder_exit(&rq->rq_lock);
	cpu_switchto(prev, next);
	/* Perhaps on another CPU. */
	curcpu()->ci_spin_intr = intr;
	switch_finish();
}

void
sched_preempt(void)
{
	struct cpu_info *ci;

	for (;;) {
		ci = curcpu();
		if (ci->ci_spin_depth != 0 || ci->ci_intr_depth != 0 ||
		    ci->ci_in_softint)
			return;
		if (ci->ci_softints != 0) {
			softint_dispatch();
			continue;
		}
		if (!ci->ci_resched || ci->ci_preempt_off != 0 ||
		    ci->ci_runqueue == NULL || panicstr != NULL)
			return;
		if (!is_idle(curlwp))
			curlwp->l_ru.ru_nivcsw++;
		spin_enter(&ci->ci_runqueue->rq_lock);
		mi_switch();
	}
}

/* Lock this CPU's queue; the thread stays here until it is released. */
static struct runqueue *
runq_lock_here(void)
{
	struct runqueue *rq;

	preempt_disable();
	rq = curcpu()->ci_runqueue;
	spin_enter(&rq->rq_lock);
	cpu_dec(ci_preempt_off);
	return rq;
}

void
sched_yield_cpu(void)
{
	struct runqueue *rq = runq_lock_here();
	struct lwp *l = curlwp;
	nsec_t now = nanouptime();

	acct_charge(rq, l, runq_charge(rq, l, now));
	if (rq->rq_nqueued == 0) {
		spin_exit(&rq->rq_lock);
		return;
	}
	runq_yield(rq, l);
	if (l->l_pri < PRI_RT_LEVELS) {
		/* To the tail of its priority. */
		l->l_state = LS_RUN;
		runq_add(rq, l, RQ_SAME, now);
	}
	mi_switch();
}

void
sched_exit(void)
{
	struct lwp *l = curlwp;

	if (l->l_timeout.c_func != NULL)
		(void)callout_halt(&l->l_timeout);
	(void)runq_lock_here();
	l->l_state = LS_ZOMBIE;
	mi_switch();
	panic("a dead thread runs");
}

void
sched_reaper(void)
{
	struct sleepq dead = TAILQ_HEAD_INITIALIZER(dead);
	struct lwp *l;

	for (;;) {
		spin_enter(&zombie_lock);
		while (TAILQ_EMPTY(&zombies))
			cv_wait_spin(&zombie_cv, &zombie_lock);
		TAILQ_CONCAT(&dead, &zombies, l_runq);
		nzombies = 0;
		spin_exit(&zombie_lock);
		while ((l = TAILQ_FIRST(&dead)) != NULL) {
			TAILQ_REMOVE(&dead, l, l_runq);
			lwp_free(l);
		}
	}
}

/* ---- sleeping: the scheduler's part of kern_sleepq.c ---- */

/* curlwp is about to sleep; from now on it can be woken.  Preemption off. */
void
sched_sleep_prepare(struct lwp *l, const char *wchan, bool sig)
{
	struct runqueue *rq = curcpu()->ci_runqueue;

	KASSERT(!is_idle(l) && curcpu()->ci_preempt_off > 0);
	spin_enter(&rq->rq_lock);
	l->l_state = LS_SLEEP;
	l->l_wchan = wchan;
	l->l_sigwake = sig;
	spin_exit(&rq->rq_lock);
}

/* Sleep, unless woken meanwhile.  Preemption is on afterwards. */
void
sched_sleep_commit(void)
{
	struct cpu_info *ci = curcpu();
	struct runqueue *rq = ci->ci_runqueue;
	struct lwp *l = curlwp;

	KASSERT(ci->ci_preempt_off == 1);
	spin_enter(&rq->rq_lock);
	cpu_dec(ci_preempt_off);
	if (l->l_state == LS_SLEEP) {
		l->l_ru.ru_nvcsw++;
		mi_switch();
	} else {
		spin_exit(&rq->rq_lock);
	}
	l->l_wchan = NULL;
}

/* ---- waking ---- */

/* The CPU of `may` whose thread matters least. */
static struct cpu_info *
least_pri_cpu(uint64_t may, struct cpu_info *prev)
{
	struct cpu_info *ci, *best = prev;
	int pri, worst = -1;

	if ((may & cpu_bit(prev)) != 0)
		worst = prev->ci_runqueue->rq_curpri;
	CPU_FOREACH(ci) {
		if ((may & cpu_bit(ci)) == 0)
			continue;
		pri = ci->ci_runqueue->rq_curpri;
		if (pri > worst) {
			worst = pri;
			best = ci;
		}
	}
	return best;
}

static struct cpu_info *
shortest_cpu(uint64_t may)
{
	struct cpu_info *ci, *best = NULL;

	CPU_FOREACH(ci) {
		if ((may & cpu_bit(ci)) == 0)
			continue;
		if (best == NULL || ci->ci_runqueue->rq_nqueued <
		    best->ci_runqueue->rq_nqueued)
			best = ci;
	}
	return best;
}

/* Where shall a thread that becomes runnable wait?  Looks without locks. */
static struct cpu_info *
choose_cpu(const struct lwp *l, enum rq_how how)
{
	struct cpu_info *prev = l->l_cpu, *self = curcpu();
	uint64_t may, idle;

	may = l->l_affinity[0] & atomic_load_relaxed(&sched_cpus);
	if (may == 0)			/* its CPUs are gone */
		may = atomic_load_relaxed(&sched_cpus);
	idle = may & atomic_load_relaxed(&sched_idle_cpus);
	if ((idle & cpu_bit(prev)) != 0)
		return prev;
	if ((idle & cpu_bit(self)) != 0)
		return self;
	if (l->l_pri < PRI_RT_LEVELS && idle == 0)
		return least_pri_cpu(may, prev);
	if ((may & cpu_bit(self)) != 0 && self->ci_intr_depth == 0 &&
	    !self->ci_in_softint && l->l_pri >= PRI_RT_LEVELS &&
	    self->ci_runqueue->rq_nqueued == 0 &&
	    (how == RQ_NEW || self == prev))
		return self;
	if (idle != 0) {
		may = idle & ~(cpu_bit(prev) - 1);	/* the next one up */
		return cpu_infos[ffs64(may != 0 ? may : idle) - 1];
	}
	if ((may & cpu_bit(prev)) != 0 && how != RQ_NEW)
		return prev;
	return shortest_cpu(may);
}

/* rq_lock of its new queue held; l is in none. */
static void
enqueue(struct runqueue *rq, struct lwp *l, enum rq_how how)
{
	nsec_t now = nanouptime();
	struct lwp *cur = rq->rq_cur;

	acct_charge(rq, cur, runq_charge(rq, cur, now));
	runq_add(rq, l, how, now);
	rq->rq_spread = true;
	/* So that the next one looks for another idle CPU. */
	if (is_idle(cur))
		(void)atomic_and(&sched_idle_cpus, ~cpu_bit(rq->rq_cpu));
	if (runq_preempts(cur, l))
		resched(rq);
	else if (rq->rq_cpu == curcpu())
		tick_arm_cur(rq, now);
}

/* A virtual time means something in one queue only. */
static void
move_to(struct lwp *l, struct runqueue *rq)
{
	if (lwp_runq(l) == rq)
		return;
	l->l_sched.se_vruntime += rq->rq_minv - lwp_runq(l)->rq_minv;
	l->l_cpu = rq->rq_cpu;
}

/* Queue a runnable thread that is in no queue and belongs to the caller. */
static void
sched_place(struct lwp *l, enum rq_how how)
{
	struct runqueue *rq;

	KASSERT(l->l_state == LS_RUN && !l->l_sched.se_onq);
	for (;;) {
		rq = choose_cpu(l, how)->ci_runqueue;
		spin_enter(&rq->rq_lock);
		if (!rq->rq_dying)
			break;
		spin_exit(&rq->rq_lock);
	}
	move_to(l, rq);
	enqueue(rq, l, how);
	spin_exit(&rq->rq_lock);
}

static void
wakeup(struct lwp *l, bool sigonly, enum rq_how how)
{
	struct runqueue *rq = lwp_lock(l);

	if (l->l_state != LS_SLEEP || (sigonly && !l->l_sigwake)) {
		spin_exit(&rq->rq_lock);
		return;
	}
	if (l->l_sched.se_oncpu) {	/* has not left its CPU yet */
		l->l_state = LS_ONCPU;
		spin_exit(&rq->rq_lock);
		return;
	}
	l->l_state = LS_RUN;		/* and ours, as it is in no queue */
	if (!rq->rq_dying && choose_cpu(l, how) == rq->rq_cpu) {
		enqueue(rq, l, how);
		spin_exit(&rq->rq_lock);
		return;
	}
	spin_exit(&rq->rq_lock);
	sched_place(l, how);
}

void
sched_wakeup(struct lwp *l)
{
	wakeup(l, false, RQ_WAKE);
}

void
sched_wakeup_owner(struct lwp *l)
{
	wakeup(l, false, RQ_OWNER);
}

void
sched_wakeup_sig(struct lwp *l)
{
	wakeup(l, true, RQ_WAKE);
}

void
sched_lwp_init(struct lwp *l, const struct lwp *from)
{
	struct sched_entity *se = &l->l_sched;

	memset(se, 0, sizeof(*se));
	l->l_state = LS_EMBRYO;
	if (from != NULL && !from->l_sched.se_bound) {
		if (!from->l_sched.se_reset ||
		    from->l_sched.se_rtprio == 0) {
			se->se_policy = from->l_sched.se_policy;
			se->se_rtprio = from->l_sched.se_rtprio;
		}
		memcpy(l->l_affinity, from->l_affinity,
		    sizeof(l->l_affinity));
	} else {
		memset(l->l_affinity, 0xff, sizeof(l->l_affinity));
	}
	l->l_cpu = from != NULL ? from->l_cpu : &cpu_info_primary;
	if (l->l_cpu != NULL && l->l_cpu->ci_runqueue != NULL)
		se->se_vruntime = lwp_runq(l)->rq_minv;
	sched_setclass(l);
}

void
sched_getinfo(const struct lwp *l, struct sched_info *si)
{
	si->si_policy = l->l_sched.se_policy;
	si->si_rtprio = l->l_sched.se_rtprio;
	si->si_reset = l->l_sched.se_reset;
	memcpy(si->si_affinity, l->l_affinity, sizeof(si->si_affinity));
}

void
sched_enqueue(struct lwp *l)
{
	KASSERT(l->l_state == LS_EMBRYO);
	sched_setclass(l);
	l->l_state = LS_RUN;
	sched_place(l, RQ_NEW);
}

/* ---- changes of a thread's class and CPUs ---- */

void
sched_setpriority_lwp(struct lwp *l)
{
	struct runqueue *rq = lwp_lock(l);
	nsec_t now = nanouptime();
	bool queued = l->l_sched.se_onq;
	bool wasrt = l->l_pri < PRI_RT_LEVELS;
	enum rq_how how = RQ_SAME;

	if (is_idle(l)) {
		spin_exit(&rq->rq_lock);
		return;
	}
	if (queued)
		runq_remove(rq, l);
	if (rq->rq_cur == l)
		acct_charge(rq, l, runq_charge(rq, l, now));
	sched_setclass(l);
	if (rq->rq_cur == l)
		atomic_store_relaxed(&rq->rq_curpri, l->l_pri);
	if (wasrt && l->l_pri >= PRI_RT_LEVELS) {
		/* Its virtual time has stood still. */
		l->l_sched.se_vruntime = rq->rq_minv;
		how = RQ_WAKE;
	}
	if (queued) {
		runq_add(rq, l, how, now);
		if (runq_preempts(rq->rq_cur, l))
			resched(rq);
	} else if (rq->rq_cur == l && runq_first(rq) != NULL) {
		resched(rq);
	}
	spin_exit(&rq->rq_lock);
}

bool
sched_boost(struct lwp *l, int pri)
{
	if (atomic_load_relaxed(&l->l_sched.se_boost) == pri)
		return false;
	atomic_store_relaxed(&l->l_sched.se_boost, pri);
	sched_setpriority_lwp(l);
	return true;
}

uint64_t
sched_cpu_set(void)
{
	return atomic_load(&sched_cpus);
}

int
sched_setaffinity_lwp(struct lwp *l, const uint64_t *mask)
{
	struct runqueue *rq = lwp_lock(l);

	if ((mask[0] & atomic_load(&sched_cpus)) == 0) {
		spin_exit(&rq->rq_lock);
		return EINVAL;
	}
	memcpy(l->l_affinity, mask, sizeof(l->l_affinity));
	if (sched_allowed(l, rq->rq_cpu)) {
		spin_exit(&rq->rq_lock);
		return 0;
	}
	if (l->l_sched.se_onq) {
		runq_remove(rq, l);
		spin_exit(&rq->rq_lock);
		sched_place(l, RQ_SAME);
		return 0;
	}
	if (rq->rq_cur == l)
		resched(rq);		/* requeue() sends it elsewhere */
	spin_exit(&rq->rq_lock);
	return 0;
}

/* ---- idle CPUs ---- */

/* Move one waiting thread; true if it did. */
static bool
steal_from(struct runqueue *to, struct runqueue *from, bool hot, nsec_t now)
{
	struct lwp *l = NULL;

	spin_enter(&to->rq_lock);
	if (!to->rq_dying && spin_tryenter(&from->rq_lock)) {
		hot = hot || from->rq_nqueued > 1;
		l = runq_stealable(from, to->rq_cpu, hot, now);
		if (l != NULL) {
			runq_remove(from, l);
			move_to(l, to);
			runq_add(to, l, RQ_SAME, now);
		}
		spin_exit(&from->rq_lock);
	}
	spin_exit(&to->rq_lock);
	return l != NULL;
}

/* Look for work on the other CPUs, beginning with the next one. */
static bool
idle_steal(struct runqueue *rq)
{
	struct cpu_info *ci;
	unsigned int i, self = rq->rq_cpu->ci_index;
	nsec_t now = 0;

	for (i = 1; i < MAXCPUS; i++) {
		ci = cpu_infos[(self + i) % MAXCPUS];
		if (ci == NULL || ci->ci_runqueue == NULL ||
		    atomic_load_relaxed(&ci->ci_runqueue->rq_nqueued) == 0)
			continue;
		if (now == 0)
			now = nanouptime();
		if (steal_from(rq, ci->ci_runqueue, false, now))
			return true;
	}
	return false;
}

void
sched_idle(void)
{
	struct cpu_info *ci = curcpu();
	struct runqueue *rq = ci->ci_runqueue;

	for (;;) {
		(void)intr_disable();
		(void)atomic_or(&sched_idle_cpus, cpu_bit(ci));
		if (ci->ci_resched ||
		    atomic_load(&rq->rq_nqueued) != 0 || idle_steal(rq)) {
			spin_enter(&rq->rq_lock);
			mi_switch();
		} else if (ci->ci_softints != 0) {
			sched_preempt();
		} else if (rq->rq_dying) {
			(void)atomic_and(&sched_idle_cpus, ~cpu_bit(ci));
			/* First: nobody's page tables are in use here. */
			pmap_unload();
			if (!cpu_mark_offline(ci))
				continue;
			atomic_store(&rq->rq_dead, true);
			cpu_dead();
		} else {
			cpu_idle();
		}
	}
}

static void
idle_start(void *arg __unused)
{
	sched_idle();
}

/* ---- CPUs come and go ---- */

static int
idle_create(struct cpu_info *ci)
{
	struct lwp *l;
	int error;

	error = lwp_alloc(&proc0, NULL, &l);
	if (error != 0)
		return error;
	error = cpu_lwp_fork(&lwp0, l, 0, false, 0, idle_start, NULL);
	if (error != 0) {
		lwp_free(l);
		return error;
	}
	l->l_flags |= LF_SYSTEM;
	(void)scnprintf(l->l_name, sizeof(l->l_name), "idle/%u",
	    ci->ci_index);
	sched_lwp_init(l, NULL);
	memset(l->l_affinity, 0, sizeof(l->l_affinity));
	l->l_affinity[0] = cpu_bit(ci);
	l->l_sched.se_bound = true;
	l->l_pri = PRI_NONE;
	l->l_cpu = ci;
	l->l_state = LS_RUN;
	ci->ci_idlelwp = l;
	return 0;
}

static void
runq_setup(struct runqueue *rq, struct cpu_info *ci)
{
	runq_init(rq, ci);
	callout_init(&rq->rq_tick, tick_callout, rq);
	ci->ci_runqueue = rq;
}

int
sched_cpu_attach(struct cpu_info *ci)
{
	struct runqueue *rq = ci->ci_runqueue;
	int error;

	if (rq == NULL) {
		rq = kmem_alloc(sizeof(*rq), KM_SLEEP);
		if (rq == NULL)
			return ENOMEM;
		runq_setup(rq, ci);
	}
	if (ci->ci_idlelwp == NULL) {
		error = idle_create(ci);
		if (error != 0)
			return error;
	}
	if (ci != &cpu_info_primary) {
		/* It hatches as its idle thread. */
		ci->ci_idlelwp->l_state = LS_ONCPU;
		ci->ci_idlelwp->l_sched.se_oncpu = true;
		ci->ci_idlelwp->l_sched.se_start = nanouptime();
		ci->ci_curlwp = rq->rq_cur = ci->ci_idlelwp;
		rq->rq_curpri = PRI_NONE;
	}
	rq->rq_dying = rq->rq_dead = false;
	return 0;
}

/* The CPU runs: give it threads.  On that CPU, interrupts off. */
void
sched_cpu_up(struct cpu_info *ci)
{
	/* That it has not run until now is nobody's loss. */
	ci->ci_runqueue->rq_steal = clock_steal();
	(void)atomic_or(&sched_cpus, cpu_bit(ci));
}

/* Find other CPUs for those who wait here.  rq_lock held, dropped between. */
static void
runq_drain(struct runqueue *rq)
{
	struct lwp *l;

	while ((l = runq_first(rq)) != NULL) {
		runq_remove(rq, l);
		spin_exit(&rq->rq_lock);
		sched_place(l, RQ_SAME);
		spin_enter(&rq->rq_lock);
	}
}

/*
 * Threads that may run only on CPUs that are gone may run anywhere from now
 * on, as on Linux.  With the lock held no thread gets such a set anew.
 */
static void
affinity_widen(const struct cpu_info *ci)
{
	unsigned int n = 0;
	struct runqueue *rq;
	struct proc *p;
	struct lwp *l;

	rw_enter(&proctree_lock, RW_WRITER);
	LIST_FOREACH(p, &allproc, p_all) {
		spin_enter(&p->p_lock);
		LIST_FOREACH(l, &p->p_lwps, l_sibling) {
			rq = lwp_lock(l);
			if (!l->l_sched.se_bound &&
			    (l->l_affinity[0] & sched_cpu_set()) == 0) {
				memset(l->l_affinity, 0xff,
				    sizeof(l->l_affinity));
				n++;
			}
			spin_exit(&rq->rq_lock);
		}
		spin_exit(&p->p_lock);
	}
	rw_exit(&proctree_lock);
	if (n > 0)
		printf("cpu%u: %u thread%s bound to it may run anywhere now\n",
		    ci->ci_index, n, n == 1 ? "" : "s");
}

/* The CPU runs no thread any more: nor does it tick. */
static void
tick_stop(struct runqueue *rq)
{
	(void)callout_halt(&rq->rq_tick);
	rq->rq_tick_at = 0;
}

int
sched_cpu_detach(struct cpu_info *ci)
{
	struct runqueue *rq = ci->ci_runqueue;

	spin_enter(&rq->rq_lock);
	if ((atomic_load(&sched_cpus) & ~cpu_bit(ci)) == 0 || rq->rq_dying) {
		spin_exit(&rq->rq_lock);
		return EBUSY;
	}
	(void)atomic_and(&sched_cpus, ~cpu_bit(ci));
	rq->rq_dying = true;
	runq_drain(rq);
	resched(rq);
	spin_exit(&rq->rq_lock);
	affinity_widen(ci);
	while (!atomic_load(&rq->rq_dead))
		(void)kpause("cpudown", false, nanouptime() + NSEC_PER_MSEC);
	tick_stop(rq);
	return 0;
}

void
sched_cpu_lost(struct cpu_info *ci)
{
	(void)atomic_and(&sched_cpus, ~cpu_bit(ci));
	(void)atomic_and(&sched_idle_cpus, ~cpu_bit(ci));
	ci->ci_runqueue->rq_dying = true;
}

void
sched_cpu_evacuate(struct cpu_info *ci, bool user)
{
	struct runqueue *rq = ci->ci_runqueue;
	struct lwp *cur = rq->rq_cur;

	if (!is_idle(cur) && !user)
		panic("cpu%u: lost, and thread %d (%s) in the kernel with it",
		    ci->ci_index, cur->l_tid, cur->l_name);
	spin_enter(&rq->rq_lock);
	if (!is_idle(cur)) {
		KASSERT(cur->l_state == LS_ONCPU);
		cpu_lwp_restart(cur);
		cur->l_sched.se_oncpu = false;
		cur->l_state = LS_RUN;
		rq->rq_cur = ci->ci_idlelwp;
	}
	runq_drain(rq);
	rq->rq_dead = true;
	spin_exit(&rq->rq_lock);
	if (!is_idle(cur))
		sched_place(cur, RQ_SAME);
	affinity_widen(ci);
	tick_stop(rq);
}

/* The boot thread becomes a thread like any other.  Boot CPU, once. */
void
sched_init(void)
{
	struct cpu_info *ci = &cpu_info_primary;

	cv_init(&zombie_cv, "zombies");
	callout_init(&zombie_callout, zombie_timeout, NULL);
	runq_setup(&runq_primary, ci);
	sched_lwp_init(&lwp0, NULL);
	lwp0.l_flags |= LF_SYSTEM;
	lwp0.l_cpu = ci;
	lwp0.l_state = LS_ONCPU;
	lwp0.l_sched.se_oncpu = true;
	lwp0.l_sched.se_start = nanouptime();
	runq_primary.rq_cur = &lwp0;
	sched_cpu_up(ci);
}
