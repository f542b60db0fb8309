/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: queues, who takes one, and what taking it means.
 *
 * Overview: a signal goes to a thread's own queue or to its process' shared
 * one.  Whoever raises it also chooses a thread that will take it, sets
 * L_AST_SIGNAL there and ends its interruptible sleep; the thread finds the
 * signal in sig_deliver() on its way to user mode.  A signal that kills does so
 * when it is raised: the process is marked P_EXITING and all its threads
 * L_AST_DIE, so nothing can delay it.
 *
 * States of a process under job control (p_flags):
 *	none			runs
 *	STOPPING		threads stop as they get here
 *	STOPPING | STOPPED	all have; the parent has been told
 * SIGCONT and SIGKILL clear both and wake the threads on p_stopcv; p_contcode
 * then says what one of them is to tell the parent.
 *
 * Locking: queues, masks as others see them and these states are under p_lock;
 * the table of actions under sa_lock, taken inside.  Order: pg_lock, p_lock,
 * sa_lock.  The parent is found under proctree_lock, never with p_lock held.
 */
#include <sys/bitops.h>
#include <sys/condvar.h>
#include <sys/core.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/ptimer.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/time.h>

struct sigqueue {
	TAILQ_ENTRY(sigqueue) sq_link;
	ksiginfo_t	sq_info;
	struct uidinfo	*sq_uidinfo;	/* who pays, referenced */
};

#define	SIG_STOPS	(sigmask(SIGSTOP) | sigmask(SIGTSTP) |		\
    sigmask(SIGTTIN) | sigmask(SIGTTOU))
/* Default action: nothing. */
#define	SIG_DEFIGN	(sigmask(SIGCONT) | sigmask(SIGCHLD) |		\
    sigmask(SIGWINCH) | sigmask(SIGURG))
/* A fault of the thread itself: taken before all others. */
#define	SIG_SYNC	(sigmask(SIGSEGV) | sigmask(SIGBUS) |		\
    sigmask(SIGILL) | sigmask(SIGTRAP) | sigmask(SIGFPE) | sigmask(SIGSYS))

static struct kmem_cache *sigqueue_cache;

void
sig_init(void)
{
	sigqueue_cache = kmem_cache_create("sigqueue",
	    sizeof(struct sigqueue), 0);
	if (sigqueue_cache == NULL)
		panic("signal: no memory at boot");
}

/* -- the table of actions -- */

struct sigacts *
sigacts_alloc(const struct sigacts *from)
{
	struct sigacts *sa;

	if ((sa = kmem_zalloc(sizeof(*sa), KM_SLEEP)) == NULL)
		return NULL;
	sa->sa_ref = 1;
	spin_init(&sa->sa_lock, "sigacts");
	if (from != NULL) {
		struct sigacts *f = (struct sigacts *)(uintptr_t)from;

		spin_enter(&f->sa_lock);
		memcpy(sa->sa_act, f->sa_act, sizeof(sa->sa_act));
		spin_exit(&f->sa_lock);
	}
	return sa;
}

void
sigacts_put(struct sigacts *sa)
{
	if (refcount_put(&sa->sa_ref))
		kmem_free(sa, sizeof(*sa));
}

/* exec: what was caught has its default again; what is ignored stays so. */
void
sigacts_exec(struct sigacts *sa)
{
	spin_enter(&sa->sa_lock);
	for (unsigned int i = 0; i < NSIG; i++) {
		struct sigaction *act = &sa->sa_act[i];
		uintptr_t handler = act->sa_handler;

		memset(act, 0, sizeof(*act));
		if (handler == SIG_IGN)
			act->sa_handler = SIG_IGN;
	}
	spin_exit(&sa->sa_lock);
}

static struct sigaction
sigaction_of(struct proc *p, int signo)
{
	struct sigaction act;

	spin_enter(&p->p_sigacts->sa_lock);
	act = p->p_sigacts->sa_act[signo - 1];
	spin_exit(&p->p_sigacts->sa_lock);
	return act;
}

/* -- queues -- */

void
sigpend_init(struct sigpend *sp)
{
	sp->sp_set = 0;
	TAILQ_INIT(&sp->sp_queue);
}

static void
sigqueue_free(struct sigqueue *sq)
{
	(void)atomic_sub(&sq->sq_uidinfo->ui_nsigqueue, 1);
	uidinfo_put(sq->sq_uidinfo);
	kmem_cache_free(sigqueue_cache, sq);
}

/*
 * A queue element, charged to the receiver's user.  NULL when the limit is
 * reached (unless it is to be exceeded) or memory is short.
 */
static struct sigqueue *
sigqueue_alloc(struct proc *p, struct uidinfo *ui, bool override)
{
	struct sigqueue *sq;

	if (atomic_add(&ui->ui_nsigqueue, 1) >
	    rlimit_cur(p, RLIMIT_SIGPENDING) && !override)
		goto fail;
	if ((sq = kmem_cache_alloc(sigqueue_cache, KM_NOSLEEP)) == NULL)
		goto fail;
	uidinfo_ref(ui);
	sq->sq_uidinfo = ui;
	return sq;
fail:
	(void)atomic_sub(&ui->ui_nsigqueue, 1);
	return NULL;
}

/* Drop the signals of the set from a queue; p_lock held. */
static void
sigpend_remove(struct sigpend *sp, sigset_t set)
{
	struct sigqueue *sq, *next;

	if ((sp->sp_set & set) == 0)
		return;
	sp->sp_set &= ~set;
	for (sq = TAILQ_FIRST(&sp->sp_queue); sq != NULL; sq = next) {
		next = TAILQ_NEXT(sq, sq_link);
		if ((sigmask(sq->sq_info.ksi_signo) & set) != 0) {
			TAILQ_REMOVE(&sp->sp_queue, sq, sq_link);
			sigqueue_free(sq);
		}
	}
}

void
sigpend_flush(struct sigpend *sp)
{
	sigpend_remove(sp, ~(sigset_t)0);
}

/* From every queue of the process; p_lock held. */
static void
sig_remove_all(struct proc *p, sigset_t set)
{
	struct lwp *l;

	sigpend_remove(&p->p_sigpend, set);
	LIST_FOREACH(l, &p->p_lwps, l_sibling)
		sigpend_remove(&l->l_sigpend, set);
}

/* Take signal signo, which is pending there, off the queue; p_lock held. */
static void
sigpend_take(struct proc *p, struct sigpend *sp, int signo, ksiginfo_t *ksi)
{
	struct sigqueue *sq, *found = NULL;
	bool more = false;

	TAILQ_FOREACH(sq, &sp->sp_queue, sq_link) {
		if (sq->sq_info.ksi_signo != signo)
			continue;
		if (found != NULL) {
			more = true;
			break;
		}
		found = sq;
	}
	if (!more)
		sp->sp_set &= ~sigmask(signo);
	if (found != NULL) {
		*ksi = found->sq_info;
		TAILQ_REMOVE(&sp->sp_queue, found, sq_link);
		sigqueue_free(found);
		/* setitimer's have negative numbers. */
		if (ksi->ksi_code == SI_TIMER || ksi->ksi_timerid < 0)
			ptimer_taken(p, ksi);
	} else {
		memset(ksi, 0, sizeof(*ksi));
		ksi->ksi_signo = signo;
		ksi->ksi_code = SI_USER;
	}
}

/* The signal of a set that is taken first: faults, then the lowest. */
static int
sig_first(sigset_t set)
{
	if ((set & SIG_SYNC) != 0)
		set &= SIG_SYNC;
	return set != 0 ? __builtin_ctzll(set) + 1 : 0;
}

/* Take the first signal of the set for the thread; 0: none. p_lock held. */
static int
sig_dequeue_locked(struct lwp *l, sigset_t set, ksiginfo_t *ksi)
{
	struct sigpend *sp = &l->l_sigpend;
	int signo;

	if ((signo = sig_first(sp->sp_set & set)) == 0) {
		sp = &l->l_proc->p_sigpend;
		if ((signo = sig_first(sp->sp_set & set)) == 0)
			return 0;
	}
	sigpend_take(l->l_proc, sp, signo, ksi);
	if ((sigmask(signo) & SIG_STOPS) != 0)
		l->l_proc->p_flags |= P_STOPDEQ;
	return signo;
}

int
sig_take_pending(struct lwp *l, sigset_t set, ksiginfo_t *ksi)
{
	int signo;

	signo = sig_dequeue_locked(l, set & ~SIGSET_CANTMASK, ksi);
	sig_recalc(l);
	return signo;
}

sigset_t
sig_queued_set(struct lwp *l)
{
	struct proc *p = l->l_proc;
	sigset_t set;

	spin_enter(&p->p_lock);
	set = l->l_sigpend.sp_set | p->p_sigpend.sp_set;
	spin_exit(&p->p_lock);
	return set;
}

/* -- pending or not -- */

/* What the thread does not take now. */
static sigset_t
sig_blocked(const struct lwp *l)
{
	return l->l_sigmask & ~l->l_sigwait;
}

bool
sig_pending(struct lwp *l)
{
	unsigned int want = L_AST_DIE;

	if ((l->l_flags & LF_KILLONLY) == 0)
		want |= L_AST_SIGNAL;
	return (atomic_load(&l->l_ast) & want) != 0;
}

/* Is the thread to stop, with its process or for its tracer? p_lock held. */
static bool
stop_wanted(const struct lwp *l)
{
	if ((l->l_proc->p_flags & P_STOPPING) != 0 && !ptrace_job_told(l))
		return true;
	return l->l_ptrace != NULL && l->l_ptrace->pt_trap;
}

void
sig_recalc(struct lwp *l)
{
	struct proc *p = l->l_proc;

	if (((l->l_sigpend.sp_set | p->p_sigpend.sp_set) &
	    ~sig_blocked(l)) != 0 || stop_wanted(l) || p->p_contcode != 0)
		(void)atomic_or(&l->l_ast, L_AST_SIGNAL);
	else if (l == curlwp)
		(void)atomic_and(&l->l_ast, ~L_AST_SIGNAL);
}

sigset_t
sig_pending_set(struct lwp *l)
{
	struct proc *p = l->l_proc;
	sigset_t set;

	spin_enter(&p->p_lock);
	set = (l->l_sigpend.sp_set | p->p_sigpend.sp_set) & l->l_sigmask;
	spin_exit(&p->p_lock);
	return set;
}

/* Set AST bits and bring the thread to the point where it sees them. */
static void
lwp_poke(struct lwp *l, unsigned int ast)
{
	(void)atomic_or(&l->l_ast, ast);
	if (l != curlwp)
		sleepq_signal(l);
}

void
sig_poke(struct lwp *l)
{
	lwp_poke(l, L_AST_SIGNAL);
}

/* -- raising -- */

/* Would the thread, or with l == NULL the process, just drop it? */
static bool
sig_ignored(struct proc *p, struct lwp *l, int signo)
{
	uintptr_t handler;

	if (l == NULL)
		l = p->p_leader;
	if (l != NULL && (l->l_sigmask & sigmask(signo)) != 0)
		return false;
	if (l != NULL && l->l_ptrace != NULL && signo != SIGKILL)
		return false;		/* the tracer sees all */
	handler = sigaction_of(p, signo).sa_handler;
	if ((p->p_flags & P_UNKILLABLE) != 0 && handler == SIG_DFL)
		return true;
	return handler == SIG_IGN || (handler == SIG_DFL &&
	    (sigmask(signo) & SIG_DEFIGN) != 0);
}

/* Does the default action end the process, at once? */
static bool
sig_default_kills(struct proc *p, int signo)
{
	if ((sigmask(signo) & (SIG_DEFIGN | SIG_STOPS)) != 0)
		return false;
	/* A thread of it has to write a core file. */
	if ((sigmask(signo) & SIG_CORE) != 0 && core_wanted(p->p_leader))
		return false;
	if ((p->p_flags & P_UNKILLABLE) != 0)
		return false;
	return sigaction_of(p, signo).sa_handler == SIG_DFL;
}

void
proc_kill_threads(struct proc *p, struct lwp *except)
{
	struct lwp *l;

	p->p_flags &= ~(P_STOPPING | P_STOPPED | P_STOPDEQ);
	LIST_FOREACH(l, &p->p_lwps, l_sibling)
		if (l != except)
			lwp_poke(l, L_AST_DIE);
	cv_broadcast(&p->p_stopcv);
}

/* End the whole process by a signal, now; p_lock held. */
static void
proc_kill(struct proc *p, int signo)
{
	if ((p->p_flags & P_EXITING) != 0)
		return;
	p->p_flags |= P_EXITING;
	p->p_xstat = signo;
	proc_kill_threads(p, NULL);
}

/* SIGCONT has been raised: stopped threads go on; p_lock held. */
static void
proc_continue(struct proc *p)
{
	struct lwp *l;

	p->p_flags &= ~P_STOPDEQ;
	if ((p->p_flags & P_STOPPING) == 0)
		return;
	if ((p->p_flags & P_STOPPED) != 0) {
		p->p_flags |= P_CONTINUED;
		p->p_contcode = CLD_CONTINUED;
	} else if (p->p_nstopped != 0)
		p->p_contcode = CLD_STOPPED;
	p->p_flags &= ~(P_STOPPING | P_STOPPED | P_STOPREPORT);
	p->p_nstopped = 0;
	LIST_FOREACH(l, &p->p_lwps, l_sibling) {
		l->l_stopped = false;
		ptrace_continued(l);
	}
	if (p->p_contcode != 0 && (l = LIST_FIRST(&p->p_lwps)) != NULL)
		lwp_poke(l, L_AST_SIGNAL);
	cv_broadcast(&p->p_stopcv);
}

/*
 * What raising a signal does even if nobody takes it.  False: drop it.
 * p_lock held.
 */
static bool
sig_prepare(struct proc *p, struct lwp *l, int signo)
{
	if ((p->p_flags & P_EXITING) != 0)
		return false;
	if ((sigmask(signo) & SIG_STOPS) != 0)
		sig_remove_all(p, sigmask(SIGCONT));
	else if (signo == SIGCONT) {
		sig_remove_all(p, SIG_STOPS);
		proc_continue(p);
	}
	return !sig_ignored(p, l, signo);
}

static bool
sig_wanted_by(const struct lwp *l, int signo)
{
	return (sig_blocked(l) & sigmask(signo)) == 0;
}

/* The thread to take a signal of the shared queue; NULL: none would. */
static struct lwp *
sig_choose(struct proc *p, int signo)
{
	struct lwp *l, *busy = NULL;

	if (p->p_leader != NULL && sig_wanted_by(p->p_leader, signo)) {
		if ((p->p_leader->l_ast & L_AST_SIGNAL) == 0)
			return p->p_leader;
		busy = p->p_leader;
	}
	LIST_FOREACH(l, &p->p_lwps, l_sibling) {
		if (!sig_wanted_by(l, signo))
			continue;
		if ((l->l_ast & L_AST_SIGNAL) == 0)
			return l;
		if (busy == NULL)
			busy = l;
	}
	return busy;
}

/* It is queued: find its thread, or end the process at once. p_lock held. */
static void
sig_dispatch(struct proc *p, struct lwp *l, int signo)
{
	if (l == NULL)
		l = sig_choose(p, signo);
	else if (!sig_wanted_by(l, signo))
		l = NULL;
	if (l == NULL)
		return;
	if ((l->l_sigmask & sigmask(signo)) == 0 && (signo == SIGKILL ||
	    (l->l_ptrace == NULL && sig_default_kills(p, signo)))) {
		proc_kill(p, signo);
		return;
	}
	lwp_poke(l, L_AST_SIGNAL);
}

int
psignal_locked(struct proc *p, struct lwp *l, const ksiginfo_t *ksi,
    bool *queued)
{
	struct sigpend *sp = l != NULL ? &l->l_sigpend : &p->p_sigpend;
	int signo = ksi->ksi_signo;
	struct sigqueue *sq;
	struct lwp *payer;

	KASSERT(spin_owned(&p->p_lock));
	KASSERT(signo > 0 && signo <= NSIG);
	if (LIST_EMPTY(&p->p_lwps) || (p->p_flags & P_SYSTEM) != 0 ||
	    !sig_prepare(p, l, signo))
		return 0;
	if (signo < SIGRTMIN && (sp->sp_set & sigmask(signo)) != 0)
		return 0;
	if (signo == SIGKILL) {
		sig_dispatch(p, l, signo);
		return 0;
	}
	payer = l != NULL ? l : LIST_FIRST(&p->p_lwps);
	sq = sigqueue_alloc(p, payer->l_cred->cr_uidinfo,
	    signo < SIGRTMIN && ksi->ksi_code >= 0);
	if (sq != NULL) {
		sq->sq_info = *ksi;
		TAILQ_INSERT_TAIL(&sp->sp_queue, sq, sq_link);
		if (queued != NULL)
			*queued = true;
	} else if (signo >= SIGRTMIN && ksi->ksi_code != SI_USER)
		return EAGAIN;
	sp->sp_set |= sigmask(signo);
	if (atomic_load_relaxed(&nsignalfds) != 0)
		signalfd_wake();
	sig_dispatch(p, l, signo);
	return 0;
}

int
psignal_queue(struct proc *p, const ksiginfo_t *ksi)
{
	int error;

	spin_enter(&p->p_lock);
	error = psignal_locked(p, NULL, ksi, NULL);
	spin_exit(&p->p_lock);
	return error;
}

int
lwp_signal_queue(struct lwp *l, const ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;
	int error;

	spin_enter(&p->p_lock);
	error = psignal_locked(p, l, ksi, NULL);
	spin_exit(&p->p_lock);
	return error;
}

void
psignal_info(struct proc *p, const ksiginfo_t *ksi)
{
	(void)psignal_queue(p, ksi);
}

void
lwp_signal(struct lwp *l, const ksiginfo_t *ksi)
{
	(void)lwp_signal_queue(l, ksi);
}

void
psignal(struct proc *p, int signo)
{
	ksiginfo_t ksi = { .ksi_signo = signo, .ksi_code = SI_KERNEL };

	psignal_info(p, &ksi);
}

void
pgsignal(struct pgrp *pg, int signo)
{
	struct proc *p;

	spin_enter(&pg->pg_lock);
	LIST_FOREACH(p, &pg->pg_members, p_pgrp_link)
		psignal(p, signo);
	spin_exit(&pg->pg_lock);
}

/*
 * A fault of the thread itself.  If it blocks or ignores the signal it could
 * only fault again for ever: the default action takes its place then.
 */
void
trapsignal(struct lwp *l, const ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;
	sigset_t bit = sigmask(ksi->ksi_signo);
	struct sigaction *act;
	bool fatal;

	KASSERT(l == curlwp);
	spin_enter(&p->p_lock);
	spin_enter(&p->p_sigacts->sa_lock);
	act = &p->p_sigacts->sa_act[ksi->ksi_signo - 1];
	if (act->sa_handler == SIG_IGN || (l->l_sigmask & bit) != 0) {
		act->sa_handler = SIG_DFL;
		l->l_sigmask &= ~bit;
	}
	fatal = act->sa_handler == SIG_DFL;
	spin_exit(&p->p_sigacts->sa_lock);
	if (fatal)
		p->p_flags &= ~P_UNKILLABLE;
	if (fatal && l->l_ptrace == NULL && !core_wanted(l))
		proc_kill(p, ksi->ksi_signo);
	else
		(void)psignal_locked(p, l, ksi, NULL);
	sig_recalc(l);
	spin_exit(&p->p_lock);
}

/* -- masks and actions -- */

/*
 * The thread stops taking signals of `set`: others of the process that are
 * free to must look at what is in the shared queue.  p_lock held.
 */
static void
sig_retarget(struct lwp *l, sigset_t set)
{
	struct proc *p = l->l_proc;
	sigset_t left = p->p_sigpend.sp_set & set;
	struct lwp *other;

	if (left == 0)
		return;
	LIST_FOREACH(other, &p->p_lwps, l_sibling) {
		if (other == l || (left & ~sig_blocked(other)) == 0)
			continue;
		lwp_poke(other, L_AST_SIGNAL);
		left &= sig_blocked(other);
		if (left == 0)
			break;
	}
}

static void
sig_setmask_locked(struct lwp *l, sigset_t mask)
{
	mask &= ~SIGSET_CANTMASK;
	if ((mask & ~l->l_sigmask) != 0 && l->l_proc->p_nlwps > 1)
		sig_retarget(l, mask & ~l->l_sigmask);
	l->l_sigmask = mask;
	sig_recalc(l);
}

void
sig_setmask(struct lwp *l, sigset_t mask)
{
	spin_enter(&l->l_proc->p_lock);
	sig_setmask_locked(l, mask);
	spin_exit(&l->l_proc->p_lock);
}

void
sig_mask_temp(struct lwp *l, sigset_t mask)
{
	l->l_oldmask = l->l_sigmask;
	l->l_flags |= LF_RESTOREMASK;
	sig_setmask(l, mask);
}

void
sig_mask_restore(struct lwp *l)
{
	if ((l->l_flags & LF_RESTOREMASK) == 0)
		return;
	l->l_flags &= ~LF_RESTOREMASK;
	sig_setmask(l, l->l_oldmask);
}

int
do_sigaction(struct lwp *l, int signo, const struct sigaction *new,
    struct sigaction *old)
{
	struct proc *p = l->l_proc;
	struct sigaction *act;

	if (signo < 1 || signo > NSIG)
		return EINVAL;
	if (new != NULL && (sigmask(signo) & SIGSET_CANTMASK) != 0)
		return EINVAL;
	spin_enter(&p->p_lock);
	spin_enter(&p->p_sigacts->sa_lock);
	act = &p->p_sigacts->sa_act[signo - 1];
	if (old != NULL)
		*old = *act;
	if (new != NULL) {
		*act = *new;
		act->sa_mask &= ~SIGSET_CANTMASK;
	}
	spin_exit(&p->p_sigacts->sa_lock);
	/* POSIX: what becomes ignored is no longer pending either. */
	if (new != NULL && (new->sa_handler == SIG_IGN ||
	    (new->sa_handler == SIG_DFL &&
	    (sigmask(signo) & SIG_DEFIGN) != 0))) {
		sig_remove_all(p, sigmask(signo));
		sig_recalc(l);
	}
	spin_exit(&p->p_lock);
	return 0;
}

static bool
on_sigstack(const stack_t *ss, uintptr_t sp)
{
	if ((ss->ss_flags & (int)SS_AUTODISARM) != 0)
		return false;
	return sp > ss->ss_sp && sp - ss->ss_sp <= ss->ss_size;
}

int
do_sigaltstack(struct lwp *l, const stack_t *new, stack_t *old, uintptr_t sp,
    size_t minsize)
{
	stack_t *cur = &l->l_sigstk;
	int mode;

	if (old != NULL) {
		*old = *cur;
		old->ss_flags &= (int)SS_AUTODISARM;
		if (cur->ss_size == 0)
			old->ss_flags |= SS_DISABLE;
		else if (on_sigstack(cur, sp))
			old->ss_flags |= SS_ONSTACK;
	}
	if (new == NULL)
		return 0;
	if (cur->ss_size != 0 && on_sigstack(cur, sp))
		return EPERM;
	mode = new->ss_flags & ~(int)SS_AUTODISARM;
	if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
		return EINVAL;
	if (mode == SS_DISABLE) {
		memset(cur, 0, sizeof(*cur));
		cur->ss_flags = new->ss_flags & (int)SS_AUTODISARM;
		return 0;
	}
	if (new->ss_size < minsize)
		return ENOMEM;
	*cur = *new;
	cur->ss_flags &= (int)SS_AUTODISARM;
	return 0;
}

int
do_sigtimedwait(struct lwp *l, sigset_t set, nsec_t deadline, ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;
	int signo, error = 0;

	set &= ~SIGSET_CANTMASK;
	spin_enter(&p->p_lock);
	l->l_sigwait = set;
	for (;;) {
		if ((signo = sig_dequeue_locked(l, set, ksi)) != 0)
			break;
		sig_recalc(l);
		if (deadline < 0) {
			error = EAGAIN;
			break;
		}
		if (error != 0)
			break;
		/* What ends the sleep is looked for once more, above. */
		error = cv_timedwait_spin_sig(&p->p_stopcv, &p->p_lock,
		    deadline);
		if (error == ERESTARTSYS)
			error = EINTR;
		else if (error == ETIMEDOUT)
			error = EAGAIN;
	}
	l->l_sigwait = 0;
	sig_recalc(l);
	spin_exit(&p->p_lock);
	return signo != 0 ? 0 : error;
}

/* -- kill(2) -- */

int
sig_permitted(struct lwp *l, struct proc *p, int signo)
{
	const struct cred *cr = l->l_cred;
	struct cred *target;
	bool same;

	if (p == l->l_proc)
		return 0;
	target = proc_cred_ref(p);
	same = cr->cr_euid == target->cr_suid ||
	    cr->cr_euid == target->cr_ruid ||
	    cr->cr_ruid == target->cr_suid || cr->cr_ruid == target->cr_ruid;
	cred_put(target);
	if (same || cred_capable(cr, CAP_KILL) == 0)
		return 0;
	if (signo == SIGCONT && proc_session(p) == proc_session(l->l_proc))
		return 0;
	return EPERM;
}

static int
kill_one(struct lwp *l, struct proc *p, const ksiginfo_t *ksi)
{
	int error = sig_permitted(l, p, ksi->ksi_signo);

	if (error == 0 && ksi->ksi_signo != 0)
		error = psignal_queue(p, ksi);
	return error;
}

/* Success if any of the group got it; else the last error, or ESRCH. */
static int
kill_pgrp(struct lwp *l, struct pgrp *pg, const ksiginfo_t *ksi)
{
	struct proc *p;
	int error, result = ESRCH;
	bool sent = false;

	if (pg == NULL)
		return ESRCH;
	LIST_FOREACH(p, &pg->pg_members, p_pgrp_link) {
		error = kill_one(l, p, ksi);
		sent = sent || error == 0;
		result = error;
	}
	return sent ? 0 : result;
}

/* Everybody but init and the caller. */
static int
kill_all(struct lwp *l, const ksiginfo_t *ksi)
{
	struct proc *p;
	int error, result = 0;
	bool any = false;

	LIST_FOREACH(p, &allproc, p_all) {
		if (p == initproc || p == l->l_proc ||
		    (p->p_flags & P_SYSTEM) != 0)
			continue;
		any = true;
		if ((error = kill_one(l, p, ksi)) != EPERM)
			result = error;
	}
	return any ? result : ESRCH;
}

int
do_kill(struct lwp *l, pid_t pid, const ksiginfo_t *ksi)
{
	struct proc *p;
	struct lwp *l2;
	int error;

	if (ksi->ksi_signo < 0 || ksi->ksi_signo > NSIG)
		return EINVAL;
	if (pid == INT32_MIN)
		return ESRCH;
	rw_enter(&proctree_lock, RW_READER);
	if (pid > 0) {
		if ((p = proc_find(pid)) == NULL &&
		    (l2 = lwp_find(pid)) != NULL)
			p = l2->l_proc;
		error = p != NULL ? kill_one(l, p, ksi) : ESRCH;
	} else if (pid == 0)
		error = kill_pgrp(l, l->l_proc->p_pgrp, ksi);
	else if (pid == -1)
		error = kill_all(l, ksi);
	else
		error = kill_pgrp(l, pgrp_find(-pid), ksi);
	rw_exit(&proctree_lock);
	return error;
}

/* tgid < 0: any process (tkill). */
int
do_tgkill(struct lwp *l, pid_t tgid, pid_t tid, const ksiginfo_t *ksi)
{
	struct proc *p;
	struct lwp *l2;
	int error = ESRCH;

	if (ksi->ksi_signo < 0 || ksi->ksi_signo > NSIG)
		return EINVAL;
	rw_enter(&proctree_lock, RW_READER);
	p = proc_of_tid(tid);
	if (p != NULL && (tgid < 0 || p->p_pid == tgid)) {
		l2 = lwp_find(tid);	/* NULL: has ended */
		error = sig_permitted(l, p, ksi->ksi_signo);
		if (error == 0 && ksi->ksi_signo != 0 && l2 != NULL)
			error = lwp_signal_queue(l2, ksi);
	}
	rw_exit(&proctree_lock);
	return error;
}

/* -- taking -- */

/* Wake a parent that waits for children. [T] held: it cannot go away. */
void
proc_wake_parent(struct proc *parent)
{
	spin_enter(&parent->p_lock);
	parent->p_waitgen++;
	spin_exit(&parent->p_lock);
	cv_broadcast(&parent->p_waitcv);
}

void
sig_child(struct proc *parent, const ksiginfo_t *ksi, bool stop)
{
	struct sigaction act;

	spin_enter(&parent->p_lock);
	act = sigaction_of(parent, SIGCHLD);
	if (act.sa_handler != SIG_IGN &&
	    (!stop || (act.sa_flags & SA_NOCLDSTOP) == 0))
		(void)psignal_locked(parent, NULL, ksi, NULL);
	spin_exit(&parent->p_lock);
}

/*
 * Tell the parent that a child has stopped or goes on (code CLD_STOPPED,
 * CLD_CONTINUED).  [T] held; may not be called with p_lock held.
 */
void
proc_notify_parent(struct proc *p, int code)
{
	struct proc *parent = p->p_parent;
	struct cred *cr = proc_cred_ref(p);
	struct rusage_ns ru;
	ksiginfo_t ksi;

	proc_rusage(p, &ru);
	memset(&ksi, 0, sizeof(ksi));
	ksi.ksi_signo = SIGCHLD;
	ksi.ksi_code = code;
	ksi.ksi_pid = p->p_pid;
	ksi.ksi_uid = cr->cr_ruid;
	ksi.ksi_status = code == CLD_CONTINUED ? SIGCONT : p->p_stopsig;
	ksi.ksi_utime = ru.ru_utime;
	ksi.ksi_stime = ru.ru_stime;
	cred_put(cr);
	sig_child(parent, &ksi, true);
	proc_wake_parent(parent);
}

static void
notify_unlocked(struct proc *p, int code)
{
	spin_exit(&p->p_lock);
	rw_enter(&proctree_lock, RW_READER);
	proc_notify_parent(p, code);
	rw_exit(&proctree_lock);
	spin_enter(&p->p_lock);
}

/*
 * One thread less is expected to stop, or has: if that makes the stop
 * complete, true, and the caller tells the parent.  p_lock held.
 */
bool
proc_stop_complete(struct proc *p)
{
	if ((p->p_flags & (P_STOPPING | P_STOPPED)) != P_STOPPING ||
	    p->p_nstopped < p->p_nlwps)
		return false;
	p->p_flags |= P_STOPPED | P_STOPREPORT;
	p->p_flags &= ~P_CONTINUED;
	return true;
}

/* The process is to stop: this thread does, until it may go on. */
static void
sig_stop(struct lwp *l)
{
	struct proc *p = l->l_proc;

	if (!l->l_stopped) {
		l->l_stopped = true;
		p->p_nstopped++;
	}
	if (proc_stop_complete(p))
		notify_unlocked(p, CLD_STOPPED);
	while (l->l_stopped && (p->p_flags & P_STOPPING) != 0 &&
	    l->l_ptrace == NULL)
		cv_wait_spin(&p->p_stopcv, &p->p_lock);
	l->l_stopped = false;
}

/* A stop signal with its default action has been taken; p_lock held. */
static void
sig_stop_begin(struct lwp *l, int signo)
{
	struct proc *p = l->l_proc;
	struct lwp *other;
	bool orphaned = false;

	if (signo != SIGSTOP) {
		spin_exit(&p->p_lock);
		rw_enter(&proctree_lock, RW_READER);
		orphaned = pgrp_orphaned(p->p_pgrp);
		rw_exit(&proctree_lock);
		spin_enter(&p->p_lock);
	}
	/* Meanwhile SIGCONT or SIGKILL may have come. */
	if (orphaned || (p->p_flags & P_STOPDEQ) == 0 ||
	    (p->p_flags & (P_EXITING | P_EXECING | P_STOPPING)) != 0)
		return;
	p->p_flags &= ~P_STOPDEQ;
	p->p_flags |= P_STOPPING;
	p->p_stopsig = signo;
	p->p_nstopped = 0;
	p->p_contcode = 0;
	LIST_FOREACH(other, &p->p_lwps, l_sibling) {
		other->l_stopped = false;
		if (other->l_ptrace != NULL)
			other->l_ptrace->pt_jobstop = false;
		if (other != l)
			lwp_poke(other, L_AST_SIGNAL);
	}
}

/*
 * The default action of a signal: true if the thread goes on with the next
 * one, false if the process ends.  p_lock held.
 */
static bool
sig_default(struct lwp *l, const ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;
	int signo = ksi->ksi_signo;

	if ((sigmask(signo) & SIG_DEFIGN) != 0 ||
	    (p->p_flags & P_UNKILLABLE) != 0)
		return true;
	if ((sigmask(signo) & SIG_STOPS) != 0) {
		sig_stop_begin(l, signo);
		return true;
	}
	if (ptrace_wants_locked(l, PTRACE_EVENT_EXIT)) {
		spin_exit(&p->p_lock);
		ptrace_event(l, PTRACE_EVENT_EXIT, (unsigned long)signo);
		spin_enter(&p->p_lock);
	}
	if ((sigmask(signo) & SIG_CORE) != 0 && core_wanted(l) &&
	    (p->p_flags & (P_EXITING | P_EXECING)) == 0) {
		(void)core_dump(l, ksi);
		proc_kill_threads(p, NULL);
	} else
		proc_kill(p, signo);
	return false;
}

/*
 * The tracer is asked what to do about a signal that was taken: the signal to
 * deliver, 0: none.  p_lock held.
 */
static int
sig_traced(struct lwp *l, int signo, ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;

	if (l->l_ptrace == NULL)
		return signo;
	signo = ptrace_signal(l, signo, ksi);
	if (signo != 0 && (l->l_sigmask & sigmask(signo)) != 0) {
		(void)psignal_locked(p, l, ksi, NULL);
		return 0;
	}
	if (signo != 0 && (sigmask(signo) & SIG_STOPS) != 0 &&
	    signo != ksi->ksi_signo)
		p->p_flags |= P_STOPDEQ;
	return signo;
}

/* p_lock held. */
static void
sig_stop_here(struct lwp *l)
{
	struct ptrace *pt = l->l_ptrace;

	if (pt == NULL)
		sig_stop(l);
	else if ((l->l_proc->p_flags & P_STOPPING) != 0 && !pt->pt_jobstop)
		ptrace_jobctl(l);
	else
		ptrace_trap(l);
}

/*
 * The next signal with a handler, and its action; 0: none, or the process
 * ends.  Stops in here while the process is stopped.
 */
static int
sig_take(struct lwp *l, ksiginfo_t *ksi, struct sigaction *act)
{
	struct proc *p = l->l_proc;
	int signo = 0, code;

	spin_enter(&p->p_lock);
	while ((atomic_load(&l->l_ast) & L_AST_DIE) == 0) {
		if ((code = p->p_contcode) != 0) {
			p->p_contcode = 0;
			notify_unlocked(p, code);
			continue;
		}
		if (stop_wanted(l)) {
			sig_stop_here(l);
			continue;
		}
		if ((signo = sig_dequeue_locked(l, ~l->l_sigmask, ksi)) == 0)
			break;
		if ((signo = sig_traced(l, signo, ksi)) == 0)
			continue;
		*act = sigaction_of(p, signo);
		if (act->sa_handler == SIG_IGN)
			continue;
		if (act->sa_handler != SIG_DFL)
			break;
		if (!sig_default(l, ksi))
			break;
	}
	if ((atomic_load(&l->l_ast) & L_AST_DIE) != 0)
		signo = 0;
	if (signo != 0 && (act->sa_flags & SA_RESETHAND) != 0) {
		spin_enter(&p->p_sigacts->sa_lock);
		p->p_sigacts->sa_act[signo - 1].sa_handler = SIG_DFL;
		spin_exit(&p->p_sigacts->sa_lock);
	}
	sig_recalc(l);
	spin_exit(&p->p_lock);
	return signo;
}

/* The handler's frame could not be built: SIGSEGV, fatal if it was one. */
static void
sig_frame_failed(struct lwp *l, int signo)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSEGV, .ksi_code = SI_KERNEL };

	if (signo == SIGSEGV) {
		spin_enter(&l->l_proc->p_sigacts->sa_lock);
		l->l_proc->p_sigacts->sa_act[SIGSEGV - 1].sa_handler = SIG_DFL;
		spin_exit(&l->l_proc->p_sigacts->sa_lock);
	}
	trapsignal(l, &ksi);
}

void
sig_deliver(struct lwp *l, struct trapframe *tf)
{
	const struct emul *emul = l->l_proc->p_emul;
	struct sigaction act;
	ksiginfo_t ksi;
	sigset_t returnmask, mask;
	int signo;

	KASSERT(l == curlwp);
	if ((signo = sig_take(l, &ksi, &act)) == 0) {
		if ((atomic_load(&l->l_ast) & L_AST_DIE) != 0)
			return;
		emul->e_restart(l, tf, false, NULL);
		sig_mask_restore(l);
		return;
	}
	emul->e_restart(l, tf, true, &act);
	returnmask = l->l_sigmask;
	if ((l->l_flags & LF_RESTOREMASK) != 0) {
		l->l_flags &= ~LF_RESTOREMASK;
		returnmask = l->l_oldmask;
	}
	mask = l->l_sigmask | act.sa_mask;
	if ((act.sa_flags & SA_NODEFER) == 0)
		mask |= sigmask(signo);
	if (l->l_ptrace != NULL)
		cpu_trace_nostep(l);
	if (emul->e_sendsig(l, tf, &ksi, &act, returnmask) != 0) {
		sig_setmask(l, returnmask);
		sig_frame_failed(l, signo);
		return;
	}
	sig_setmask(l, mask);
	if (l->l_ptrace != NULL)
		ptrace_handler(l);
}

void
userret(struct lwp *l, struct trapframe *tf)
{
	unsigned int ast = atomic_load(&l->l_ast);
	struct proc *p = l->l_proc;

	if ((ast & L_AST_DIE) != 0) {
		core_wait(l);
		lwp_exit(l, (p->p_flags & P_EXITING) != 0 ? p->p_xstat : 0);
	}
	if ((ast & L_AST_RESCHED) != 0) {
		(void)atomic_and(&l->l_ast, ~L_AST_RESCHED);
		preempt_disable();
		preempt_enable();
	}
	if ((ast & L_AST_NOTIFY) != 0) {
		(void)atomic_and(&l->l_ast, ~L_AST_NOTIFY);
		p->p_emul->e_notify(l, tf);
	}
	if ((ast & L_AST_SIGNAL) != 0)
		sig_deliver(l, tf);
}
