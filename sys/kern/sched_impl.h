/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's own interface: run queues (kern_runq.c), switching
 * (kern_sched.c) and time accounting (sched_acct.c).
 *
 * Lock letter [s] is rq_lock of the run queue of l_cpu.  A thread in no queue
 * that neither runs nor sleeps (between two queues) belongs to who took it off.
 */
#ifndef _KERN_SCHED_IMPL_H_
#define	_KERN_SCHED_IMPL_H_

#include <sys/proc.h>

#define	PRI_RT_LEVELS	100	/* l_pri 0..99: 99 - se_rtprio */
#define	PRI_FAIR	100	/* l_pri 100..139 by nice */
#define	PRI_BATCH_IDLE	140	/* SCHED_IDLE */
#define	PRI_NONE	255	/* idle threads */

#define	SCHED_LATENCY	(12 * NSEC_PER_MSEC)	/* everybody's turn once */
#define	SCHED_MINSLICE	(3 * NSEC_PER_MSEC)
#define	SCHED_WAKEGRAN	(2 * NSEC_PER_MSEC)	/* to preempt a running one */
#define	SCHED_SAMPLE	(10 * NSEC_PER_MSEC)	/* tick while not idle */
#define	SCHED_SPREAD	(1 * NSEC_PER_MSEC)	/* then idle CPUs are told */
#define	SCHED_HOT	(300 * NSEC_PER_USEC)	/* not stolen before */
#define	NICE_0_WEIGHT	1024

RB_HEAD(fair_tree, lwp);
TAILQ_HEAD(rt_queue, lwp);

struct runqueue {
	struct spinlock	rq_lock;
	struct cpu_info	*rq_cpu;	/* [I] */
	/* All below: [l]. */
	struct lwp	*rq_cur;	/* who runs, from the switch on */
	volatile int	rq_curpri;	/* its l_pri; [a] to peek */
	struct lwp	*rq_prev;	/* who ran, during a switch */
	struct rt_queue	rq_rt[PRI_RT_LEVELS];
	uint64_t	rq_rtmap[2];	/* non-empty ones */
	struct fair_tree rq_fair;
	struct rt_queue	rq_owners;	/* of rq_fair who got a lock: first */
	nsec_t		rq_minv;	/* vruntime, never back */
	nsec_t		rq_rt_since;	/* the real-time period's begin */
	nsec_t		rq_rt_used;	/* of its real-time share */
	uint64_t	rq_weight;	/* of the queued fair ones */
	volatile unsigned int rq_nqueued; /* waiting; [a] to peek */
	struct callout	rq_tick;
	nsec_t		rq_tick_at;	/* 0: not armed */
	nsec_t		rq_unsplit;	/* run time not yet user or system */
	nsec_t		rq_steal;	/* clock_steal() at the last tick */
	unsigned int	rq_nuser, rq_nsys; /* ticks in user and kernel mode */
	bool		rq_spread;	/* an idle CPU may want who waits */
	bool		rq_dying;	/* cpu_detach() */
	volatile bool	rq_dead;	/* [a] the CPU is in cpu_dead() */
};

/* How a thread comes into a queue. */
enum rq_how {
	RQ_NEW,			/* never ran */
	RQ_WAKE,		/* slept */
	RQ_OWNER,		/* slept, and owns the lock it waited for */
	RQ_SAME,		/* used up its slice, or was moved */
	RQ_HEAD,		/* was preempted: goes on first in its class */
};

/* kern_runq.c: data structure only; rq_lock held by the caller. */
void	runq_init(struct runqueue *, struct cpu_info *);
void	runq_add(struct runqueue *, struct lwp *, enum rq_how, nsec_t now);
void	runq_remove(struct runqueue *, struct lwp *);
struct lwp *runq_first(struct runqueue *);
/* A thread that may move to the CPU; NULL: none.  hot: even one just queued. */
struct lwp *runq_stealable(struct runqueue *, const struct cpu_info *,
	    bool hot, nsec_t now);
/* Charge the running thread up to now; returns how long it was. */
nsec_t	runq_charge(struct runqueue *, struct lwp *, nsec_t now);
/* How long may it run while others wait? */
nsec_t	runq_slice(const struct runqueue *, const struct lwp *);
/* Shall l, which woke up, run instead of cur? */
bool	runq_preempts(const struct lwp *cur, const struct lwp *l);
/* Let everybody else of its class come first. */
void	runq_yield(struct runqueue *, struct lwp *);
/* l_pri and weight from policy, priority and nice. */
void	sched_setclass(struct lwp *);
bool	sched_allowed(const struct lwp *, const struct cpu_info *);

/* kern_sched.c */
extern volatile uint64_t sched_idle_cpus;	/* [a] bit per idle CPU */
void	sched_sleep_prepare(struct lwp *, const char *wchan, bool sig);
void	sched_sleep_commit(void);
void	sched_wakeup_sig(struct lwp *);
int	sched_cpu_attach(struct cpu_info *);
int	sched_cpu_detach(struct cpu_info *);
/*
 * The two halves of the same for a CPU that is lost: see cpu_lost().  user:
 * what it ran was in user mode, and goes on elsewhere.
 */
void	sched_cpu_lost(struct cpu_info *);
void	sched_cpu_evacuate(struct cpu_info *, bool user);
void	sched_cpu_up(struct cpu_info *);
/* The idle thread of a CPU that has just come up; interrupts off. */
void	sched_idle(void) __dead;
/* Free ended threads: the rest of the boot thread's life. */
void	sched_reaper(void) __dead;

/*
 * kern_cpu.c: no cross call waits for this CPU from now on; false: not yet,
 * there is work left.  Interrupts off.
 */
bool	cpu_mark_offline(struct cpu_info *);

/* sched_acct.c */
/* The running thread ran for so long; rq_lock held. */
void	acct_charge(struct runqueue *, struct lwp *, nsec_t);
/* A tick found it in user or kernel mode; rq_lock held. */
void	acct_sample(struct runqueue *, struct lwp *, bool user);
void	loadavg_update(nsec_t now);

static inline struct runqueue *
lwp_runq(const struct lwp *l)
{
	return l->l_cpu->ci_runqueue;
}

#endif /* !_KERN_SCHED_IMPL_H_ */
