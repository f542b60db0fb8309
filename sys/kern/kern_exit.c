/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of threads and processes, and wait.
 *
 * Overview: a thread that ends leaves its process under p_lock.  The last one
 * gives back what the process holds, hands its children to a new parent,
 * becomes a zombie and tells the parent, who frees the struct proc in
 * do_wait().  Every thread ends as a thread of the kernel's process, in
 * sched_exit(): from then on nothing of its old process is touched.
 *
 * States: PS_ACTIVE -> PS_ZOMBIE -> freed.  p_nlwps goes to 0 first (who takes
 * it there is the last thread), p_lwps empties as the threads are unlinked.
 *
 * Locking: [T] for writing around unlinking, reparenting and reaping.
 */
#include <sys/clone.h>
#include <sys/aio.h>
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/proc.h>
#include <sys/ptimer.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/sysvsem.h>
#include <sys/tty.h>
#include <sys/vnode.h>
#include <machine/pmap.h>
#include <uvm/uvm.h>

/* The thread lets go of its process' address space for the kernel's. */
static void
lwp_leave_proc(struct lwp *l)
{
	preempt_disable();
	pmap_deactivate(l);
	l->l_proc = &proc0;
	l->l_flags |= LF_SYSTEM;
	pmap_activate(l);
	preempt_enable();
}

/*
 * Take the thread out of its process; first of all off its memory, which the
 * last thread, or an exec, may tear down from then on.  [T] written.
 */
static void
lwp_unlink(struct lwp *l)
{
	struct proc *p = l->l_proc;

	ptrace_lwp_exit(l);
	pid_enter_lwp(l->l_tid, NULL);
	if (l->l_tid == p->p_pid)	/* until it is waited for */
		sched_getinfo(l, &p->p_zsched);
	(void)lwp_cputime(l);		/* brings l_ru up to date */
	lwp_leave_proc(l);
	spin_enter(&p->p_lock);
	LIST_REMOVE(l, l_sibling);
	rusage_add(&p->p_ru, &l->l_ru);
	if (p->p_leader == l)
		p->p_leader = LIST_FIRST(&p->p_lwps);
	sigpend_flush(&l->l_sigpend);
	cv_broadcast(&p->p_threadcv);
	spin_exit(&p->p_lock);
}

/* A thread that is not the last of its process. */
static void __dead
lwp_exit_thread(struct lwp *l)
{
	rw_enter(&proctree_lock, RW_WRITER);
	lwp_unlink(l);
	rw_exit(&proctree_lock);
	sched_exit();
}

/* -- the process -- */

/* Who adopts the children: the nearest living subreaper, or init. */
static struct proc *
exit_reaper(struct proc *p)
{
	struct proc *q;

	for (q = p->p_parent; q != NULL && q != &proc0; q = q->p_parent)
		if (q->p_subreaper && q->p_state == PS_ACTIVE &&
		    (atomic_load_relaxed(&q->p_flags) & P_EXITING) == 0)
			return q;
	return initproc;
}

/*
 * Zombie p's parent is told.  True if the parent does not want to know of its
 * children: then nobody will wait for it.  [T] written.
 */
static bool
exit_notify(struct proc *p)
{
	struct proc *parent = p->p_parent;
	struct sigaction act = { .sa_handler = SIG_DFL };
	ksiginfo_t ksi;
	bool autoreap = false;

	memset(&ksi, 0, sizeof(ksi));
	ksi.ksi_signo = p->p_exitsig;
	ksi.ksi_pid = p->p_pid;
	ksi.ksi_uid = p->p_zcred->cr_ruid;
	ksi.ksi_utime = p->p_ru.ru_utime;
	ksi.ksi_stime = p->p_ru.ru_stime;
	if ((p->p_xstat & 0x7f) == 0) {
		ksi.ksi_code = CLD_EXITED;
		ksi.ksi_status = p->p_xstat >> 8 & 0xff;
	} else {
		ksi.ksi_code = (p->p_xstat & 0x80) != 0 ? CLD_DUMPED :
		    CLD_KILLED;
		ksi.ksi_status = p->p_xstat & 0x7f;
	}
	if (p->p_exitsig == SIGCHLD) {
		spin_enter(&parent->p_lock);
		if (parent->p_sigacts != NULL) {
			spin_enter(&parent->p_sigacts->sa_lock);
			act = parent->p_sigacts->sa_act[SIGCHLD - 1];
			spin_exit(&parent->p_sigacts->sa_lock);
		}
		spin_exit(&parent->p_lock);
		autoreap = act.sa_handler == SIG_IGN ||
		    (act.sa_flags & SA_NOCLDWAIT) != 0;
	}
	if (p->p_exitsig > 0 && p->p_exitsig <= NSIG &&
	    act.sa_handler != SIG_IGN)
		psignal_info(parent, &ksi);
	proc_wake_parent(parent);
	return autoreap;
}

/*
 * Take a zombie out of the tree; proc_free() follows, without the lock.
 * [T] written.
 */
static void
proc_reap(struct proc *p)
{
	KASSERT(p->p_state == PS_ZOMBIE);
	LIST_REMOVE(p, p_sibling);
	LIST_REMOVE(p, p_all);
	pgrp_leave(p);
	pid_enter_proc(p->p_pid, NULL);
	pidfd_forget(p);
	(void)atomic_sub(&nprocs, 1);
}

/*
 * Give the children a new parent.  Zombies it does not want to know of are
 * put on the list, for the caller to free.  [T] written.
 */
static void
exit_reparent(struct proc *p, struct proclist *dead)
{
	struct proc *reaper = exit_reaper(p), *child;

	while ((child = LIST_FIRST(&p->p_children)) != NULL) {
		LIST_REMOVE(child, p_sibling);
		LIST_INSERT_HEAD(&reaper->p_children, child, p_sibling);
		child->p_parent = reaper;
		atomic_store(&child->p_ppid, reaper->p_pid);
		child->p_exitsig = SIGCHLD;
		if (child->p_state != PS_ZOMBIE) {
			if (child->p_pdeathsig != 0)
				psignal(child, child->p_pdeathsig);
			pgrp_fix_orphans(child, p);
		} else if (exit_notify(child)) {
			proc_reap(child);
			LIST_INSERT_HEAD(dead, child, p_sibling);
		}
	}
}

/* What the process holds of the rest of the kernel; it still has its memory. */
static void
exit_release(struct lwp *l)
{
	struct proc *p = l->l_proc;
	struct filedesc *fd;
	struct cwdinfo *cwdi;
	struct session *s;
	bool leader;

	ptimer_exit(p);
	cpulimit_exit(p);
	sem_exit(p);
	aio_exit(p);
	rw_enter(&proctree_lock, RW_READER);
	s = session_get(proc_session(p));
	leader = s->s_leader == p;
	rw_exit(&proctree_lock);
	if (leader)
		tty_session_exit(s);
	session_put(s);
	/* /proc follows these with the lock as reader. */
	rw_enter(&proctree_lock, RW_WRITER);
	fd = p->p_fd;
	cwdi = p->p_cwdi;
	p->p_fd = NULL;
	p->p_cwdi = NULL;
	rw_exit(&proctree_lock);
	fd_table_put(fd);
	cwd_put(cwdi);
}

/* Give the memory back, with its last use as the process' high mark. */
static void
exit_memory(struct lwp *l)
{
	struct proc *p = l->l_proc;

	p->p_ru.ru_maxrss = MAX(p->p_ru.ru_maxrss,
	    p->p_vmspace->vm_rss_max * (PAGE_SIZE / 1024));
	vmspace_switch(l, NULL);
	vfork_done(p);
}

/* The last thread: the process becomes a zombie. */
static void __dead
lwp_exit_last(struct lwp *l)
{
	struct proc *p = l->l_proc, *dead;
	struct proclist deadlist = LIST_HEAD_INITIALIZER(deadlist);
	struct sigacts *sa;
	bool autoreap;

	if (p == initproc)
		panic("init died: %s %d", (p->p_xstat & 0x7f) != 0 ?
		    "signal" : "exit code", (p->p_xstat & 0x7f) != 0 ?
		    p->p_xstat & 0x7f : p->p_xstat >> 8);
	/* Threads that have begun to end must be through with the process. */
	spin_enter(&p->p_lock);
	while (LIST_FIRST(&p->p_lwps) != l || LIST_NEXT(l, l_sibling) != NULL)
		cv_wait_spin(&p->p_threadcv, &p->p_lock);
	spin_exit(&p->p_lock);
	exit_release(l);
	exit_memory(l);

	rw_enter(&proctree_lock, RW_WRITER);
	lwp_unlink(l);
	ptrace_tracer_exit(p);
	exit_reparent(p, &deadlist);
	pgrp_fix_orphans(p, NULL);
	if (proc_session(p)->s_leader == p)
		proc_session(p)->s_leader = NULL;
	spin_enter(&p->p_lock);
	sigpend_flush(&p->p_sigpend);
	sa = p->p_sigacts;
	p->p_sigacts = NULL;
	p->p_zcred = cred_get(l->l_cred);
	p->p_state = PS_ZOMBIE;
	spin_exit(&p->p_lock);
	pidfd_wake(p);
	ptrace_proc_exit(p);
	if ((autoreap = exit_notify(p))) {
		proc_reap(p);
		LIST_INSERT_HEAD(&deadlist, p, p_sibling);
	}
	rw_exit(&proctree_lock);
	/* Unless it was for us to reap, p may be gone now. */
	sigacts_put(sa);
	while ((dead = LIST_FIRST(&deadlist)) != NULL) {
		LIST_REMOVE(dead, p_sibling);
		proc_free(dead);
	}
	sched_exit();
}

/* The thread ends; status is a wait status. */
void
lwp_exit(struct lwp *l, int status)
{
	struct proc *p = l->l_proc;
	struct lwp *other;
	bool last, stopped;

	KASSERT(l == curlwp);
	if (l->l_ptrace != NULL)
		ptrace_event(l, PTRACE_EVENT_EXIT, (unsigned long)status);
	l->l_flags |= LF_EXITING;
	l->l_xstat = status;
	if ((p->p_flags & P_SYSTEM) == 0)
		p->p_emul->e_lwp_exit(l);
	spin_enter(&p->p_lock);
	if (l->l_tid == p->p_pid && (p->p_flags & P_EXITING) == 0)
		p->p_xstat = status;
	last = --p->p_nlwps == 0;
	/* It takes no more signals: others look for what was sent to all. */
	l->l_sigmask = ~(sigset_t)0;
	l->l_sigwait = 0;
	if (p->p_sigpend.sp_set != 0)
		LIST_FOREACH(other, &p->p_lwps, l_sibling)
			if (other != l && (p->p_sigpend.sp_set &
			    ~other->l_sigmask) != 0) {
				(void)atomic_or(&other->l_ast, L_AST_SIGNAL);
				sleepq_signal(other);
			}
	stopped = !last && proc_stop_complete(p);
	spin_exit(&p->p_lock);
	if (stopped) {
		rw_enter(&proctree_lock, RW_READER);
		proc_notify_parent(p, CLD_STOPPED);
		rw_exit(&proctree_lock);
	}
	if (last)
		lwp_exit_last(l);
	else
		lwp_exit_thread(l);
}

/* All threads end; the first to say so gives the status. */
void
do_exit_group(struct lwp *l, int status)
{
	struct proc *p = l->l_proc;

	spin_enter(&p->p_lock);
	if ((p->p_flags & P_EXITING) == 0) {
		p->p_flags |= P_EXITING;
		p->p_xstat = status;
		proc_kill_threads(p, l);
	}
	status = p->p_xstat;
	spin_exit(&p->p_lock);
	lwp_exit(l, status);
}

/* -- wait -- */

struct waitargs {
	struct proc	*wa_parent;
	int		wa_idtype;
	pid_t		wa_id;
	int		wa_options;
	/* result */
	pid_t		wa_pid;
	int		wa_status;
	struct rusage_ns wa_ru;
	ksiginfo_t	wa_ksi;
	struct proc	*wa_dead;	/* reaped, to be freed */
};

static bool
wait_matches(const struct waitargs *wa, const struct proc *p)
{
	if (wa->wa_idtype == P_PID && p->p_pid != wa->wa_id)
		return false;
	if (wa->wa_idtype == P_PGID && p->p_pgrp->pg_id != wa->wa_id)
		return false;
	if ((wa->wa_options & __WALL) != 0)
		return true;
	return (p->p_exitsig != SIGCHLD) ==
	    ((wa->wa_options & (int)__WCLONE) != 0);
}

static void
wait_report(struct waitargs *wa, struct proc *p, int status, int code,
    int sigstatus)
{
	struct cred *cr = proc_cred_ref(p);

	wa->wa_pid = p->p_pid;
	wa->wa_status = status;
	wa->wa_ksi.ksi_signo = SIGCHLD;
	wa->wa_ksi.ksi_code = code;
	wa->wa_ksi.ksi_pid = p->p_pid;
	wa->wa_ksi.ksi_uid = cr->cr_ruid;
	wa->wa_ksi.ksi_status = sigstatus;
	cred_put(cr);
}

static void
wait_zombie(struct waitargs *wa, struct proc *p)
{
	struct proc *parent = wa->wa_parent;
	int status = p->p_xstat, sig = status & 0x7f;

	wait_report(wa, p, status, sig == 0 ? CLD_EXITED :
	    (status & 0x80) != 0 ? CLD_DUMPED : CLD_KILLED,
	    sig == 0 ? status >> 8 & 0xff : sig);
	wa->wa_ru = p->p_ru;
	rusage_add(&wa->wa_ru, &p->p_cru);
	if ((wa->wa_options & WNOWAIT) != 0)
		return;
	spin_enter(&parent->p_lock);
	rusage_add(&parent->p_cru, &wa->wa_ru);
	spin_exit(&parent->p_lock);
	proc_reap(p);
	wa->wa_dead = p;
}

/* Has this living child stopped or been continued? */
static bool
wait_jobctl(struct waitargs *wa, struct proc *p)
{
	unsigned int report = 0;

	spin_enter(&p->p_lock);
	if ((wa->wa_options & WUNTRACED) != 0)
		report = p->p_flags & P_STOPREPORT;
	if (report == 0 && (wa->wa_options & WCONTINUED) != 0)
		report = p->p_flags & P_CONTINUED;
	if ((wa->wa_options & WNOWAIT) == 0)
		p->p_flags &= ~report;
	spin_exit(&p->p_lock);
	if (report == 0)
		return false;
	if (report == P_STOPREPORT)
		wait_report(wa, p, W_STOPCODE(p->p_stopsig), CLD_STOPPED,
		    p->p_stopsig);
	else
		wait_report(wa, p, W_CONTINUED, CLD_CONTINUED, SIGCONT);
	proc_rusage(p, &wa->wa_ru);
	return true;
}

static pid_t
tracee_pgid(const struct ptrace *pt)
{
	return pt->pt_lwp != NULL ? pt->pt_lwp->l_proc->p_pgrp->pg_id :
	    pt->pt_pgid;
}

/* The same for threads the process traces; `error' is the children's. */
static int
wait_tracees(struct waitargs *wa, int error)
{
	bool keep = (wa->wa_options & WNOWAIT) != 0;
	struct ptrace *pt, *next;
	struct ptrace_report pr;

	for (pt = LIST_FIRST(&wa->wa_parent->p_tracees); pt != NULL;
	    pt = next) {
		next = LIST_NEXT(pt, pt_link);
		if ((wa->wa_idtype == P_PID && pt->pt_tid != wa->wa_id) ||
		    (wa->wa_idtype == P_PGID && tracee_pgid(pt) != wa->wa_id))
			continue;
		error = EAGAIN;
		if (!ptrace_look(pt, (wa->wa_options & WEXITED) != 0, keep,
		    &pr))
			continue;
		wa->wa_pid = pr.pr_tid;
		wa->wa_status = pr.pr_status;
		wa->wa_ksi.ksi_signo = SIGCHLD;
		wa->wa_ksi.ksi_code = pr.pr_code;
		wa->wa_ksi.ksi_pid = pr.pr_tid;
		wa->wa_ksi.ksi_uid = pr.pr_uid;
		wa->wa_ksi.ksi_status = pr.pr_sigstatus;
		wa->wa_ru = pr.pr_ru;
		return 0;
	}
	return error;
}

/* One look at the children: ECHILD, EAGAIN (none yet) or 0. [T] written. */
static int
wait_scan(struct waitargs *wa)
{
	struct proc *p;
	int error = ECHILD;

	LIST_FOREACH(p, &wa->wa_parent->p_children, p_sibling) {
		if (!wait_matches(wa, p))
			continue;
		if (p->p_state == PS_ZOMBIE) {
			if ((wa->wa_options & WEXITED) != 0) {
				wait_zombie(wa, p);
				return 0;
			}
			continue;
		}
		error = EAGAIN;
		/* A traced one stops for its tracer. */
		if (!ptrace_is_tracer(wa->wa_parent, p) && wait_jobctl(wa, p))
			return 0;
	}
	return wait_tracees(wa, error);
}

/*
 * wait4(2), waitid(2).  *pid is 0 when WNOHANG found nothing; ru and ksi may be
 * NULL.  ECHILD, ERESTARTSYS.
 */
int
do_wait(struct lwp *l, int idtype, pid_t id, int options, pid_t *pid,
    int *status, struct rusage_ns *ru, ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;
	struct waitargs wa = {
		.wa_parent = p, .wa_idtype = idtype, .wa_id = id,
		.wa_options = options
	};
	unsigned int gen;
	int error, intr = 0;

	for (;;) {
		spin_enter(&p->p_lock);
		gen = p->p_waitgen;
		spin_exit(&p->p_lock);
		rw_enter(&proctree_lock, RW_WRITER);
		error = wait_scan(&wa);
		rw_exit(&proctree_lock);
		if (error != EAGAIN)
			break;
		if ((options & WNOHANG) != 0) {
			*pid = 0;
			return 0;
		}
		/* The signal may be a child's: they were looked at again. */
		if ((error = intr) != 0)
			break;
		spin_enter(&p->p_lock);
		while (gen == p->p_waitgen && intr == 0)
			intr = cv_wait_spin_sig(&p->p_waitcv, &p->p_lock);
		spin_exit(&p->p_lock);
	}
	if (wa.wa_dead != NULL)
		proc_free(wa.wa_dead);
	if (error != 0)
		return error;
	*pid = wa.wa_pid;
	*status = wa.wa_status;
	if (ru != NULL)
		*ru = wa.wa_ru;
	if (ksi != NULL)
		*ksi = wa.wa_ksi;
	return 0;
}
