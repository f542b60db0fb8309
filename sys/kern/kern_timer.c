/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of processes: setitimer(2), alarm(2), timer_create(2).
 *
 * Overview: each has a callout.  When it fires it raises its signal and does
 * not go on by itself: a periodic timer is armed again when the signal is
 * taken (ptimer_taken), and what went by meanwhile are its overruns.  So a
 * process cannot keep the kernel busy with a short period.  A signal that is
 * ignored, or already pending, is taken at once.
 * Timers on CPU time count that of all threads: the callout fires at the
 * earliest time at which it could be reached, looks, and waits for the rest.
 *
 * When the wall clock is set, times of day are looked at again; spans do not
 * depend on it.
 *
 * Locking: everything under p_lock.  A timer is freed after callout_halt().
 * all_lock comes before it, for the list of all timers.
 *
 * Suspend: callouts that fell due meanwhile fire once.
 */
#include <sys/callout.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/ptimer.h>
#include <sys/queue.h>
#include <sys/systm.h>
#include <sys/time.h>

struct ptimer {
	struct ptimer	*pt_next;	/* [p] in p_ptimers */
	struct proc	*pt_proc;	/* [I] */
	LIST_ENTRY(ptimer) pt_all;	/* all_lock */
	struct callout	pt_callout;
	int		pt_base;	/* [p] pt_expiry is on this clock */
	int		pt_id;		/* [I] >= 0; -1-which: setitimer's */
	int		pt_clock;	/* [I] CLOCK_*, PTIMER_USERTIME */
	int		pt_signo;	/* [I] 0: none */
	pid_t		pt_tid;		/* [I] 0: to the process */
	pid_t		pt_clocktid;	/* [I] whose CPU time, of a thread */
	uint64_t	pt_value;	/* [I] sigval */
	nsec_t		pt_expiry;	/* [p] 0: off */
	nsec_t		pt_interval;	/* [p] */
	bool		pt_queued;	/* [p] its signal is pending */
	int		pt_overrun;	/* [p] of the last signal taken */
};

static LIST_HEAD(, ptimer) all_timers = LIST_HEAD_INITIALIZER(all_timers);
static struct spinlock all_lock = SPINLOCK_INITIALIZER("ptimers");

#define	PTIMER_USERTIME	(-1)		/* of the process, ITIMER_VIRTUAL's */
#define	PTIMER_MAX	4096		/* of one process */
#define	PTIMER_MINPOLL	NSEC_PER_MSEC	/* between looks at CPU time */

/* -- clocks; p_lock held -- */

static struct lwp *
ptimer_thread(struct proc *p, pid_t tid)
{
	struct lwp *l;

	LIST_FOREACH(l, &p->p_lwps, l_sibling)
		if (l->l_tid == tid)
			return l;
	return NULL;
}

static bool
ptimer_is_cpu(const struct ptimer *pt)
{
	return pt->pt_clock == PTIMER_USERTIME ||
	    pt->pt_clock == CLOCK_PROCESS_CPUTIME_ID ||
	    pt->pt_clock == CLOCK_THREAD_CPUTIME_ID;
}

static nsec_t
ptimer_now(struct ptimer *pt)
{
	struct proc *p = pt->pt_proc;
	struct lwp *l;

	switch (pt->pt_base) {
	case PTIMER_USERTIME:
		return proc_usertime_locked(p);
	case CLOCK_PROCESS_CPUTIME_ID:
		return proc_cputime_locked(p);
	case CLOCK_THREAD_CPUTIME_ID:
		l = ptimer_thread(p, pt->pt_clocktid);
		return l != NULL ? lwp_cputime(l) : 0;
	case CLOCK_REALTIME:
		return nanotime();
	case CLOCK_BOOTTIME:
		return nanoboottime();
	default:
		return nanouptime();
	}
}

static void
ptimer_arm(struct ptimer *pt)
{
	nsec_t left = MAX(pt->pt_expiry - ptimer_now(pt), 0);

	if (ptimer_is_cpu(pt))
		left = MAX(left / (nsec_t)MAX(pt->pt_proc->p_nlwps, 1U),
		    PTIMER_MINPOLL);
	callout_schedule(&pt->pt_callout, nsec_after(nanouptime(), left));
}

/* A period is over: the next, and how many were missed. */
static void
ptimer_advance(struct ptimer *pt)
{
	nsec_t late = ptimer_now(pt) - pt->pt_expiry;
	nsec_t missed = 0;

	if (pt->pt_interval == 0) {
		pt->pt_expiry = 0;
		pt->pt_overrun = 0;
		return;
	}
	if (late >= pt->pt_interval)
		missed = late / pt->pt_interval;
	pt->pt_overrun = (int)MIN(missed, INT32_MAX);
	pt->pt_expiry += (missed + 1) * pt->pt_interval;
	ptimer_arm(pt);
}

static void
ptimer_fire(void *arg)
{
	struct ptimer *pt = arg;
	struct proc *p = pt->pt_proc;
	struct lwp *l = NULL;
	ksiginfo_t ksi;

	spin_enter(&p->p_lock);
	if (pt->pt_expiry == 0)
		goto out;
	if (ptimer_now(pt) < pt->pt_expiry) {
		ptimer_arm(pt);
		goto out;
	}
	if (pt->pt_signo != 0) {
		memset(&ksi, 0, sizeof(ksi));
		ksi.ksi_signo = pt->pt_signo;
		ksi.ksi_code = pt->pt_id >= 0 ? SI_TIMER : SI_KERNEL;
		ksi.ksi_timerid = pt->pt_id;
		ksi.ksi_value = pt->pt_value;
		if (pt->pt_tid != 0)
			l = ptimer_thread(p, pt->pt_tid);
		if (pt->pt_tid == 0 || l != NULL)
			(void)psignal_locked(p, l, &ksi, &pt->pt_queued);
	}
	if (!pt->pt_queued) {
		/* Ignored: go on, but do not let it keep the CPU busy. */
		if (pt->pt_interval != 0 && pt->pt_interval < PTIMER_MINPOLL)
			pt->pt_expiry = ptimer_now(pt) + PTIMER_MINPOLL;
		ptimer_advance(pt);
	}
out:
	spin_exit(&p->p_lock);
}

static struct ptimer *
ptimer_find(struct proc *p, int id)
{
	struct ptimer *pt;

	if (id < 0)
		return id >= -3 ? p->p_itimers[-1 - id] : NULL;
	for (pt = p->p_ptimers; pt != NULL; pt = pt->pt_next)
		if (pt->pt_id == id)
			break;
	return pt;
}

void
ptimer_taken(struct proc *p, ksiginfo_t *ksi)
{
	struct ptimer *pt = ptimer_find(p, ksi->ksi_timerid);

	/* The timer of an old signal may be gone, or have been set anew. */
	if (pt == NULL || !pt->pt_queued || pt->pt_signo != ksi->ksi_signo)
		return;
	pt->pt_queued = false;
	if (pt->pt_expiry != 0)
		ptimer_advance(pt);
	ksi->ksi_overrun = pt->pt_overrun;
}

/* Time to the next expiry; 0: off. p_lock held. */
static nsec_t
ptimer_left(struct ptimer *pt)
{
	nsec_t next = pt->pt_expiry, now;

	if (next == 0)
		return 0;
	now = ptimer_now(pt);
	if (next <= now && pt->pt_interval != 0)
		next += ((now - next) / pt->pt_interval + 1) *
		    pt->pt_interval;
	return MAX(next - now, 1);
}

void
clock_was_set(void)
{
	struct ptimer *pt;

	timerfd_clock_changed();
	spin_enter(&all_lock);
	LIST_FOREACH(pt, &all_timers, pt_all) {
		spin_enter(&pt->pt_proc->p_lock);
		/* One that fired waits for its signal to be taken. */
		if (pt->pt_expiry != 0 && !pt->pt_queued &&
		    (pt->pt_base == CLOCK_REALTIME ||
		    pt->pt_base == CLOCK_BOOTTIME))
			ptimer_arm(pt);
		spin_exit(&pt->pt_proc->p_lock);
	}
	spin_exit(&all_lock);
}

/* p_lock held. */
static void
ptimer_set(struct ptimer *pt, bool absolute, nsec_t value, nsec_t interval)
{
	nsec_t now;

	(void)callout_stop(&pt->pt_callout);
	pt->pt_base = !absolute && pt->pt_clock == CLOCK_REALTIME ?
	    CLOCK_MONOTONIC : pt->pt_clock;
	now = ptimer_now(pt);
	pt->pt_queued = false;
	pt->pt_overrun = 0;
	pt->pt_interval = interval;
	pt->pt_expiry = 0;
	if (value == 0)
		return;
	if (!absolute)
		value = nsec_after(now, value);
	pt->pt_expiry = MAX(value, 1);
	ptimer_arm(pt);
}

static struct ptimer *
ptimer_alloc(struct proc *p, int clock, int signo)
{
	struct ptimer *pt;

	if ((pt = kmem_zalloc(sizeof(*pt), KM_SLEEP)) == NULL)
		return NULL;
	pt->pt_proc = p;
	pt->pt_clock = pt->pt_base = clock;
	pt->pt_signo = signo;
	callout_init(&pt->pt_callout, ptimer_fire, pt);
	spin_enter(&all_lock);
	LIST_INSERT_HEAD(&all_timers, pt, pt_all);
	spin_exit(&all_lock);
	return pt;
}

/* Not in any list any more. */
static void
ptimer_free(struct ptimer *pt)
{
	spin_enter(&all_lock);
	LIST_REMOVE(pt, pt_all);
	spin_exit(&all_lock);
	spin_enter(&pt->pt_proc->p_lock);
	pt->pt_expiry = 0;
	spin_exit(&pt->pt_proc->p_lock);
	(void)callout_halt(&pt->pt_callout);
	kmem_free(pt, sizeof(*pt));
}

void
ptimer_exec(struct proc *p)
{
	struct ptimer *pt, *next;

	spin_enter(&p->p_lock);
	pt = p->p_ptimers;
	p->p_ptimers = NULL;
	p->p_ptimer_next = 0;
	spin_exit(&p->p_lock);
	for (; pt != NULL; pt = next) {
		next = pt->pt_next;
		ptimer_free(pt);
	}
}

void
ptimer_exit(struct proc *p)
{
	struct ptimer *pt;

	ptimer_exec(p);
	for (unsigned int i = 0; i < __arraycount(p->p_itimers); i++) {
		spin_enter(&p->p_lock);
		pt = p->p_itimers[i];
		p->p_itimers[i] = NULL;
		spin_exit(&p->p_lock);
		if (pt != NULL)
			ptimer_free(pt);
	}
}

/* -- setitimer(2) -- */

int
do_getitimer(struct lwp *l, int which, nsec_t *value, nsec_t *interval)
{
	struct proc *p = l->l_proc;
	struct ptimer *pt;

	*value = *interval = 0;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return EINVAL;
	spin_enter(&p->p_lock);
	if ((pt = p->p_itimers[which]) != NULL) {
		*value = ptimer_left(pt);
		*interval = pt->pt_interval;
	}
	spin_exit(&p->p_lock);
	return 0;
}

int
do_setitimer(struct lwp *l, int which, nsec_t value, nsec_t interval,
    nsec_t *oldvalue, nsec_t *oldinterval)
{
	static const struct {
		int	clock, signo;
	} kinds[] = {
		{ CLOCK_MONOTONIC, SIGALRM },
		{ PTIMER_USERTIME, SIGVTALRM },
		{ CLOCK_PROCESS_CPUTIME_ID, SIGPROF },
	};
	struct proc *p = l->l_proc;
	struct ptimer *pt, *new = NULL;

	*oldvalue = *oldinterval = 0;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return EINVAL;
	if (p->p_itimers[which] == NULL && value != 0) {
		new = ptimer_alloc(p, kinds[which].clock, kinds[which].signo);
		if (new == NULL)
			return ENOMEM;
		new->pt_id = -1 - which;
	}
	spin_enter(&p->p_lock);
	if (p->p_itimers[which] == NULL) {
		p->p_itimers[which] = new;
		new = NULL;
	}
	if ((pt = p->p_itimers[which]) != NULL) {
		*oldvalue = ptimer_left(pt);
		*oldinterval = pt->pt_interval;
		ptimer_set(pt, false, value, interval);
	}
	spin_exit(&p->p_lock);
	if (new != NULL)
		ptimer_free(new);
	return 0;
}

/* -- timer_create(2) -- */

int
do_timer_create(struct lwp *l, int clock, pid_t clocktid, int signo,
    uint64_t value, bool has_value, pid_t tid, int *id)
{
	struct proc *p = l->l_proc;
	struct ptimer *pt, *other;
	unsigned int n = 0;

	if (signo < 0 || signo > NSIG)
		return EINVAL;
	if ((pt = ptimer_alloc(p, clock, signo)) == NULL)
		return EAGAIN;
	pt->pt_tid = tid;
	pt->pt_clocktid = clocktid;
	spin_enter(&p->p_lock);
	if ((tid != 0 && ptimer_thread(p, tid) == NULL) ||
	    (clock == CLOCK_THREAD_CPUTIME_ID &&
	    ptimer_thread(p, clocktid) == NULL)) {
		spin_exit(&p->p_lock);
		ptimer_free(pt);
		return EINVAL;
	}
	for (other = p->p_ptimers; other != NULL; other = other->pt_next)
		n++;
	if (n >= PTIMER_MAX) {
		spin_exit(&p->p_lock);
		ptimer_free(pt);
		return EAGAIN;
	}
	do {
		pt->pt_id = p->p_ptimer_next;
		p->p_ptimer_next = (p->p_ptimer_next + 1) & INT32_MAX;
	} while (ptimer_find(p, pt->pt_id) != NULL);
	pt->pt_value = has_value ? value : (uint64_t)pt->pt_id;
	pt->pt_next = p->p_ptimers;
	p->p_ptimers = pt;
	*id = pt->pt_id;
	spin_exit(&p->p_lock);
	return 0;
}

int
do_timer_settime(struct lwp *l, int id, bool absolute, nsec_t value,
    nsec_t interval, nsec_t *oldvalue, nsec_t *oldinterval)
{
	struct proc *p = l->l_proc;
	struct ptimer *pt;

	spin_enter(&p->p_lock);
	if (id >= 0 && (pt = ptimer_find(p, id)) != NULL) {
		*oldvalue = ptimer_left(pt);
		*oldinterval = pt->pt_interval;
		ptimer_set(pt, absolute, value, interval);
	} else
		pt = NULL;
	spin_exit(&p->p_lock);
	return pt != NULL ? 0 : EINVAL;
}

int
do_timer_gettime(struct lwp *l, int id, nsec_t *value, nsec_t *interval)
{
	struct proc *p = l->l_proc;
	struct ptimer *pt = NULL;

	spin_enter(&p->p_lock);
	if (id >= 0 && (pt = ptimer_find(p, id)) != NULL) {
		*value = ptimer_left(pt);
		*interval = pt->pt_interval;
	}
	spin_exit(&p->p_lock);
	return pt != NULL ? 0 : EINVAL;
}

int
do_timer_getoverrun(struct lwp *l, int id, int *overrun)
{
	struct proc *p = l->l_proc;
	struct ptimer *pt = NULL;

	spin_enter(&p->p_lock);
	if (id >= 0 && (pt = ptimer_find(p, id)) != NULL)
		*overrun = pt->pt_overrun;
	spin_exit(&p->p_lock);
	return pt != NULL ? 0 : EINVAL;
}

int
do_timer_delete(struct lwp *l, int id)
{
	struct proc *p = l->l_proc;
	struct ptimer **pp, *pt = NULL;

	spin_enter(&p->p_lock);
	for (pp = &p->p_ptimers; *pp != NULL; pp = &(*pp)->pt_next) {
		if ((*pp)->pt_id == id) {
			pt = *pp;
			*pp = pt->pt_next;
			break;
		}
	}
	spin_exit(&p->p_lock);
	if (pt == NULL)
		return EINVAL;
	ptimer_free(pt);
	return 0;
}
