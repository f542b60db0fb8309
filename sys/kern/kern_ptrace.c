/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing: who traces whom, stops, and their ends.
 *
 * Overview: a traced thread stops itself, in ptrace_stop(), when a signal is
 * to be delivered, at system calls, at events the tracer asked for and when
 * its process stops.  It tells the tracer, as a child tells its parent, and
 * sleeps on p_stopcv until the tracer resumes it or it must die.  Requests
 * that look at it or change it hold it there (pt_busy).
 *
 * States (pt_state):
 *	RUNNING -> STOPPED	the thread
 *	STOPPED -> RUNNING, LISTENING		the tracer
 *	LISTENING -> RUNNING	SIGCONT, PTRACE_INTERRUPT
 *	STOPPED -> DETACHED	the tracer; the thread then frees the record
 *	any -> ENDED		the thread is gone, the tracer has not waited
 *	any -> LEADERGONE	the same for a process' first thread while there
 *				are others; ENDED follows
 *
 * Locking: records are linked and unlinked with proctree_lock written; the
 * state is under p_lock of the thread's process.
 */
#include <sys/clone.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <machine/cpu.h>

/* -- who may, and the record -- */

int
ptrace_may_access(struct lwp *l, struct proc *p)
{
	const struct cred *cr = l->l_cred, *other;
	int error = EPERM;

	KASSERT(rw_lock_held(&proctree_lock));
	if (p == l->l_proc || cred_capable(cr, CAP_SYS_PTRACE) == 0)
		return 0;
	spin_enter(&p->p_lock);
	other = p->p_leader != NULL ? p->p_leader->l_cred : p->p_zcred;
	if (other != NULL && p->p_dumpable == 1 &&
	    cr->cr_ruid == other->cr_euid && cr->cr_ruid == other->cr_ruid &&
	    cr->cr_ruid == other->cr_suid && cr->cr_rgid == other->cr_egid &&
	    cr->cr_rgid == other->cr_rgid && cr->cr_rgid == other->cr_sgid &&
	    (other->cr_cap_permitted & ~cr->cr_cap_permitted) == 0)
		error = 0;
	spin_exit(&p->p_lock);
	return error;
}

/* The record is the thread's from now on.  [T] written. */
static void
pt_link(struct ptrace *pt, struct proc *tracer, struct lwp *l)
{
	pt->pt_tracer = tracer;
	pt->pt_lwp = l;
	pt->pt_tid = l->l_tid;
	pt->pt_state = PTS_RUNNING;
	LIST_INSERT_HEAD(&tracer->p_tracees, pt, pt_link);
	spin_enter(&l->l_proc->p_lock);
	l->l_ptrace = pt;
	l->l_proc->p_ntraced++;
	spin_exit(&l->l_proc->p_lock);
}

/* The thread is traced no more; [T] written, p_lock held.  True: free it. */
static bool
pt_unlink(struct ptrace *pt)
{
	struct lwp *l = pt->pt_lwp;

	LIST_REMOVE(pt, pt_link);
	l->l_ptrace = NULL;
	l->l_proc->p_ntraced--;
	pt->pt_state = PTS_DETACHED;
	pt->pt_step = false;
	/* It may have to stop with its process, as any other. */
	sig_poke(l);
	cv_broadcast(&l->l_proc->p_stopcv);
	return !pt->pt_inside;
}

/* -- beginning -- */

int
do_ptrace_traceme(struct lwp *l)
{
	struct ptrace *pt;
	struct proc *parent;
	int error = EPERM;

	if ((pt = kmem_zalloc(sizeof(*pt), KM_SLEEP)) == NULL)
		return ENOMEM;
	rw_enter(&proctree_lock, RW_WRITER);
	parent = l->l_proc->p_parent;
	if (l->l_ptrace == NULL && parent->p_state == PS_ACTIVE &&
	    (parent->p_flags & P_SYSTEM) == 0) {
		pt_link(pt, parent, l);
		error = 0;
	}
	rw_exit(&proctree_lock);
	if (error != 0)
		ptrace_free(pt);
	return error;
}

static int
attach_check(struct lwp *l, struct lwp *l2)
{
	struct proc *p;
	int error;

	if (l2 == NULL)
		return ESRCH;
	p = l2->l_proc;
	if (p == l->l_proc || (p->p_flags & P_SYSTEM) != 0 ||
	    l2->l_ptrace != NULL)
		return EPERM;
	if ((error = ptrace_may_access(l, p)) != 0)
		return error;
	return (p->p_flags & P_EXITING) != 0 ||
	    (l2->l_flags & LF_EXITING) != 0 ? EPERM : 0;
}

int
do_ptrace_attach(struct lwp *l, pid_t tid, bool seize, unsigned int options)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSTOP, .ksi_code = SI_USER };
	struct ptrace *pt;
	struct lwp *l2;
	int error;

	if ((pt = kmem_zalloc(sizeof(*pt), KM_SLEEP)) == NULL)
		return ENOMEM;
	pt->pt_options = options;
	pt->pt_seized = seize;
	ksi.ksi_pid = l->l_proc->p_pid;
	ksi.ksi_uid = l->l_cred->cr_ruid;
	rw_enter(&proctree_lock, RW_WRITER);
	l2 = lwp_find(tid);
	if ((error = attach_check(l, l2)) == 0) {
		pt_link(pt, l->l_proc, l2);
		spin_enter(&l2->l_proc->p_lock);
		if (!seize)
			(void)psignal_locked(l2->l_proc, l2, &ksi, NULL);
		/* Stopped with its process already: now as a traced one. */
		if ((l2->l_proc->p_flags & P_STOPPING) != 0) {
			sig_poke(l2);
			cv_broadcast(&l2->l_proc->p_stopcv);
		}
		spin_exit(&l2->l_proc->p_lock);
	}
	rw_exit(&proctree_lock);
	if (error != 0)
		ptrace_free(pt);
	return error;
}

bool
ptrace_wants_locked(const struct lwp *l, int event)
{
	const struct ptrace *pt = l->l_ptrace;

	return pt != NULL && (pt->pt_options & (1U << event)) != 0;
}

bool
ptrace_wants(const struct lwp *l, int event)
{
	bool wants;

	if (l->l_ptrace == NULL)
		return false;
	/* The tracer may just be letting go. */
	spin_enter(&l->l_proc->p_lock);
	wants = ptrace_wants_locked(l, event);
	spin_exit(&l->l_proc->p_lock);
	return wants;
}

int
ptrace_alloc(struct ptrace **ptp)
{
	*ptp = kmem_zalloc(sizeof(**ptp), KM_SLEEP);
	return *ptp != NULL ? 0 : ENOMEM;
}

void
ptrace_free(struct ptrace *pt)
{
	if (pt != NULL)
		kmem_free(pt, sizeof(*pt));
}

int
ptrace_fork_event(const struct lwp *l, uint64_t flags, int exitsig)
{
	int event = PTRACE_EVENT_CLONE;

	if ((flags & CLONE_UNTRACED) != 0)
		return 0;
	if ((flags & CLONE_VFORK) != 0)
		event = PTRACE_EVENT_VFORK;
	else if (exitsig == SIGCHLD && (flags & CLONE_THREAD) == 0)
		event = PTRACE_EVENT_FORK;
	return ptrace_wants(l, event) ? event : 0;
}

void
ptrace_inherit(struct lwp *l, struct lwp *child, struct ptrace *pt)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSTOP, .ksi_code = SI_USER };
	struct ptrace *from = l->l_ptrace;

	KASSERT(rw_write_held(&proctree_lock));
	if (from == NULL) {
		ptrace_free(pt);
		return;
	}
	pt->pt_options = from->pt_options;
	pt->pt_seized = from->pt_seized;
	pt_link(pt, from->pt_tracer, child);
	spin_enter(&child->l_proc->p_lock);
	if (pt->pt_seized) {
		pt->pt_trap = true;
		(void)atomic_or(&child->l_ast, L_AST_SIGNAL);
	} else
		(void)psignal_locked(child->l_proc, child, &ksi, NULL);
	spin_exit(&child->l_proc->p_lock);
}

/* -- stops -- */

/* Tell the tracer: SIGCHLD and whoever waits.  [T] held, no p_lock. */
static void
pt_notify(const struct ptrace *pt, int code, int sigstatus, uid_t uid)
{
	ksiginfo_t ksi = { .ksi_signo = SIGCHLD, .ksi_code = code };

	ksi.ksi_pid = pt->pt_tid;
	ksi.ksi_uid = uid;
	ksi.ksi_status = sigstatus;
	sig_child(pt->pt_tracer, &ksi, code == CLD_TRAPPED);
	proc_wake_parent(pt->pt_tracer);
}

static void
notify_stop(struct lwp *l, const struct ptrace *pt)
{
	struct proc *p = l->l_proc;
	int code = pt->pt_code & 0x7f;

	spin_exit(&p->p_lock);
	rw_enter(&proctree_lock, RW_READER);
	if (l->l_ptrace == pt)
		pt_notify(pt, CLD_TRAPPED, code, l->l_cred->cr_ruid);
	rw_exit(&proctree_lock);
	spin_enter(&p->p_lock);
}

/*
 * Stop with this code until the tracer has had enough; p_lock held.  The
 * signal the tracer sends along; *ksi as it left it.
 */
static int
ptrace_stop(struct lwp *l, int code, unsigned long msg, ksiginfo_t *ksi,
    unsigned int at)
{
	struct ptrace *pt = l->l_ptrace;
	struct proc *p = l->l_proc;
	int signo = 0;

	if (pt == NULL || (atomic_load(&l->l_ast) & L_AST_DIE) != 0)
		return 0;
	pt->pt_code = code;
	pt->pt_msg = msg;
	pt->pt_at = at;
	pt->pt_signo = 0;
	pt->pt_told = pt->pt_trap = false;
	if ((pt->pt_hasinfo = ksi != NULL))
		pt->pt_info = *ksi;
	cpu_trace_stop(l);
	pt->pt_state = PTS_STOPPED;
	pt->pt_inside = true;
	notify_stop(l, pt);
	while (pt->pt_busy != 0 || ((pt->pt_state == PTS_STOPPED ||
	    pt->pt_state == PTS_LISTENING) &&
	    (atomic_load(&l->l_ast) & L_AST_DIE) == 0))
		cv_wait_spin(&p->p_stopcv, &p->p_lock);
	if ((atomic_load(&l->l_ast) & L_AST_DIE) == 0) {
		signo = pt->pt_signo;
		if (ksi != NULL)
			*ksi = pt->pt_info;
	}
	cpu_trace_go(l, pt->pt_step);
	pt->pt_inside = false;
	if (pt->pt_state == PTS_DETACHED)
		ptrace_free(pt);
	else
		pt->pt_state = PTS_RUNNING;
	return signo;
}

int
ptrace_signal(struct lwp *l, int signo, ksiginfo_t *ksi)
{
	int new = ptrace_stop(l, signo, 0, ksi, PTRACE_AT_OTHER);

	if (new != 0 && new != ksi->ksi_signo) {
		memset(ksi, 0, sizeof(*ksi));
		ksi->ksi_signo = new;
		ksi->ksi_code = SI_USER;
	}
	return new;
}

static void
self_info(struct lwp *l, int signo, int code, ksiginfo_t *ksi)
{
	memset(ksi, 0, sizeof(*ksi));
	ksi->ksi_signo = signo;
	ksi->ksi_code = code;
	ksi->ksi_pid = l->l_tid;
	ksi->ksi_uid = l->l_cred->cr_ruid;
}

bool
ptrace_job_told(const struct lwp *l)
{
	return l->l_ptrace != NULL && l->l_ptrace->pt_jobstop;
}

/* PTRACE_INTERRUPT, or the end of a stop that was listened to. */
void
ptrace_trap(struct lwp *l)
{
	struct proc *p = l->l_proc;
	int signo = (p->p_flags & P_STOPPING) != 0 ? p->p_stopsig : SIGTRAP;
	int code = PTRACE_EVENT_STOP << 8 | signo;
	ksiginfo_t ksi;

	if ((p->p_flags & P_STOPPING) != 0)
		l->l_ptrace->pt_jobstop = true;
	self_info(l, SIGTRAP, code, &ksi);
	(void)ptrace_stop(l, code, 0, &ksi, PTRACE_AT_OTHER);
}

/* The process stops, and with it the thread: the tracer is told. */
void
ptrace_jobctl(struct lwp *l)
{
	struct ptrace *pt = l->l_ptrace;
	struct proc *p = l->l_proc;

	pt->pt_jobstop = true;
	if (!l->l_stopped) {
		l->l_stopped = true;
		p->p_nstopped++;
	}
	if (proc_stop_complete(p)) {
		spin_exit(&p->p_lock);
		rw_enter(&proctree_lock, RW_READER);
		if (!ptrace_is_tracer(p->p_parent, p))
			proc_notify_parent(p, CLD_STOPPED);
		rw_exit(&proctree_lock);
		spin_enter(&p->p_lock);
	}
	if (l->l_ptrace == NULL || (p->p_flags & P_STOPPING) == 0)
		return;
	if (l->l_ptrace->pt_seized)
		ptrace_trap(l);
	else
		(void)ptrace_stop(l, p->p_stopsig, 0, NULL, PTRACE_AT_OTHER);
}

/* SIGCONT: who listens is to hear of it; p_lock held. */
void
ptrace_continued(struct lwp *l)
{
	struct ptrace *pt = l->l_ptrace;

	if (pt == NULL)
		return;
	pt->pt_jobstop = false;
	if (!pt->pt_seized)
		return;
	pt->pt_trap = true;
	if (pt->pt_state == PTS_LISTENING)
		pt->pt_state = PTS_RUNNING;
	sig_poke(l);
}

static void
stop_at(struct lwp *l, int code, unsigned long msg, unsigned int at)
{
	struct proc *p = l->l_proc;
	ksiginfo_t ksi;
	int signo;

	self_info(l, SIGTRAP, code, &ksi);
	spin_enter(&p->p_lock);
	signo = ptrace_stop(l, code, msg, &ksi, at);
	/* At a system call what the tracer sends is a signal of its own. */
	if (signo != 0 && at != PTRACE_AT_OTHER) {
		self_info(l, signo, SI_USER, &ksi);
		(void)psignal_locked(p, l, &ksi, NULL);
	}
	sig_recalc(l);
	spin_exit(&p->p_lock);
}

void
ptrace_event(struct lwp *l, int event, unsigned long msg)
{
	if (ptrace_wants(l, event))
		stop_at(l, PTRACE_EVENT_CODE(event), msg, PTRACE_AT_OTHER);
}

/* A new program: as an event, or in the old way as a SIGTRAP. */
void
ptrace_exec(struct lwp *l, pid_t oldtid)
{
	ksiginfo_t ksi = { .ksi_signo = SIGTRAP, .ksi_code = SI_USER };
	struct proc *p = l->l_proc;
	bool old;

	if (ptrace_wants(l, PTRACE_EVENT_EXEC)) {
		ptrace_event(l, PTRACE_EVENT_EXEC, (unsigned long)oldtid);
		return;
	}
	spin_enter(&p->p_lock);
	old = l->l_ptrace != NULL && !l->l_ptrace->pt_seized;
	ksi.ksi_pid = l->l_tid;
	if (old)
		(void)psignal_locked(p, l, &ksi, NULL);
	spin_exit(&p->p_lock);
}

bool
ptrace_syscall(struct lwp *l, unsigned int at)
{
	struct proc *p = l->l_proc;
	struct ptrace *pt;
	ksiginfo_t ksi = { .ksi_signo = SIGTRAP, .ksi_code = TRAP_BRKPT };
	bool syscalls = false, step = false, emu = false;
	int code = SIGTRAP;

	spin_enter(&p->p_lock);
	if ((pt = l->l_ptrace) != NULL) {
		emu = pt->pt_sysemu && at == PTRACE_AT_ENTRY;
		syscalls = pt->pt_syscalls || emu;
		step = pt->pt_step;
		if ((pt->pt_options & PTRACE_O_TRACESYSGOOD) != 0)
			code |= 0x80;
	}
	spin_exit(&p->p_lock);
	if (syscalls)
		stop_at(l, code, at, at);
	else if (step && at == PTRACE_AT_EXIT) {
		/* The step ends here and not an instruction later. */
		ksi.ksi_addr = cpu_trace_pc(l);
		lwp_signal(l, &ksi);
	}
	return !emu;
}

void
ptrace_handler(struct lwp *l)
{
	bool step;

	spin_enter(&l->l_proc->p_lock);
	step = l->l_ptrace != NULL && l->l_ptrace->pt_step;
	spin_exit(&l->l_proc->p_lock);
	if (step)
		stop_at(l, SIGTRAP, 0, PTRACE_AT_OTHER);
}

/* -- requests -- */

int
ptrace_hold(struct lwp *l, pid_t tid, bool stopped, struct ptrace **ptp)
{
	struct ptrace *pt = NULL;
	struct lwp *l2;
	int error = ESRCH;

	rw_enter(&proctree_lock, RW_READER);
	if ((l2 = lwp_find(tid)) != NULL && (pt = l2->l_ptrace) != NULL &&
	    pt->pt_tracer == l->l_proc) {
		spin_enter(&l2->l_proc->p_lock);
		if (!stopped || pt->pt_state == PTS_STOPPED) {
			pt->pt_busy++;
			error = 0;
		}
		spin_exit(&l2->l_proc->p_lock);
	}
	rw_exit(&proctree_lock);
	*ptp = pt;
	return error;
}

void
ptrace_release(struct ptrace *pt)
{
	struct proc *p = pt->pt_lwp->l_proc;

	/* The thread may be gone as soon as the lock is. */
	spin_enter(&p->p_lock);
	if (--pt->pt_busy == 0)
		cv_broadcast(&p->p_stopcv);
	spin_exit(&p->p_lock);
}

int
ptrace_resume(struct ptrace *pt, enum ptrace_go how, int signo)
{
	struct proc *p = pt->pt_lwp->l_proc;

	if (signo < 0 || signo > NSIG)
		return EIO;
	spin_enter(&p->p_lock);
	pt->pt_syscalls = how == PTG_SYSCALL;
	pt->pt_sysemu = how == PTG_SYSEMU || how == PTG_SYSEMU_STEP;
	pt->pt_step = how == PTG_STEP || how == PTG_SYSEMU_STEP;
	pt->pt_signo = signo;
	pt->pt_state = PTS_RUNNING;
	spin_exit(&p->p_lock);
	return 0;
}

int
ptrace_interrupt(struct ptrace *pt)
{
	struct proc *p = pt->pt_lwp->l_proc;

	if (!pt->pt_seized)
		return EIO;
	spin_enter(&p->p_lock);
	pt->pt_trap = true;
	if (pt->pt_state == PTS_LISTENING)
		pt->pt_state = PTS_RUNNING;
	if (pt->pt_state == PTS_RUNNING)
		sig_poke(pt->pt_lwp);
	spin_exit(&p->p_lock);
	return 0;
}

/* Only while the process is stopped, and seized threads. */
int
ptrace_listen(struct ptrace *pt)
{
	struct proc *p = pt->pt_lwp->l_proc;
	int error = EIO;

	spin_enter(&p->p_lock);
	if (pt->pt_seized && pt->pt_state == PTS_STOPPED &&
	    pt->pt_code >> 8 == PTRACE_EVENT_STOP) {
		/* What came since the stop is to be told at once. */
		pt->pt_state = pt->pt_trap ? PTS_RUNNING : PTS_LISTENING;
		error = 0;
	}
	spin_exit(&p->p_lock);
	return error;
}

int
do_ptrace_detach(struct lwp *l, pid_t tid, int signo)
{
	struct ptrace *pt;
	struct lwp *l2;
	struct proc *p;
	bool dead = false;
	int error = ESRCH;

	if (signo < 0 || signo > NSIG)
		return EIO;
	rw_enter(&proctree_lock, RW_WRITER);
	if ((l2 = lwp_find(tid)) != NULL && (pt = l2->l_ptrace) != NULL &&
	    pt->pt_tracer == l->l_proc) {
		p = l2->l_proc;
		spin_enter(&p->p_lock);
		if (pt->pt_state == PTS_STOPPED) {
			pt->pt_signo = signo;
			dead = pt_unlink(pt);
			error = 0;
		}
		spin_exit(&p->p_lock);
		if (dead)
			ptrace_free(pt);
	}
	rw_exit(&proctree_lock);
	return error;
}

/* -- ends -- */

/* A thread leaves its process. */
void
ptrace_lwp_exit(struct lwp *l)
{
	struct proc *p = l->l_proc;
	struct ptrace *pt = l->l_ptrace;
	bool leader = l->l_tid == p->p_pid;

	KASSERT(rw_write_held(&proctree_lock));
	if (pt == NULL)
		return;
	spin_enter(&p->p_lock);
	/* A request that did not need it to be stopped is soon done. */
	while (pt->pt_busy != 0)
		cv_wait_spin(&p->p_stopcv, &p->p_lock);
	l->l_ptrace = NULL;
	p->p_ntraced--;
	pt->pt_lwp = NULL;
	pt->pt_pgid = p->p_pgrp->pg_id;
	pt->pt_told = false;
	pt->pt_code = l->l_xstat;
	pt->pt_state = leader ? PTS_LEADERGONE : PTS_ENDED;
	spin_exit(&p->p_lock);
	if (leader)
		p->p_ptleader = pt;
	else
		pt_notify(pt, CLD_EXITED, pt->pt_code >> 8 & 0xff,
		    l->l_cred->cr_ruid);
}

void
ptrace_proc_exit(struct proc *p)
{
	struct ptrace *pt = p->p_ptleader;

	if (pt == NULL)
		return;
	p->p_ptleader = NULL;
	/* To its parent the process itself tells all. */
	if (pt->pt_tracer == p->p_parent || pt->pt_tracer == NULL) {
		if (pt->pt_tracer != NULL)
			LIST_REMOVE(pt, pt_link);
		ptrace_free(pt);
		return;
	}
	pt->pt_code = p->p_xstat;
	pt->pt_state = PTS_ENDED;
	pt_notify(pt, (p->p_xstat & 0x7f) == 0 ? CLD_EXITED : CLD_KILLED,
	    (p->p_xstat & 0x7f) == 0 ? p->p_xstat >> 8 & 0xff :
	    p->p_xstat & 0x7f, p->p_zcred->cr_ruid);
}

/* Those who were traced go on alone, or die if that was asked for. */
void
ptrace_tracer_exit(struct proc *tracer)
{
	struct ptrace *pt;
	struct proc *p;
	bool dead, kill;

	while ((pt = LIST_FIRST(&tracer->p_tracees)) != NULL) {
		if (pt->pt_lwp == NULL) {
			LIST_REMOVE(pt, pt_link);
			if (pt->pt_state == PTS_LEADERGONE)
				pt->pt_tracer = NULL;
			else
				ptrace_free(pt);
			continue;
		}
		p = pt->pt_lwp->l_proc;
		spin_enter(&p->p_lock);
		kill = (pt->pt_options & PTRACE_O_EXITKILL) != 0;
		pt->pt_signo = 0;
		dead = pt_unlink(pt);
		spin_exit(&p->p_lock);
		if (dead)
			ptrace_free(pt);
		if (kill)
			psignal(p, SIGKILL);
	}
}

void
ptrace_renumber(struct lwp *l)
{
	struct proc *p = l->l_proc;
	struct ptrace *gone = p->p_ptleader;

	/* The old first thread vanishes without a word, as on Linux. */
	if (gone != NULL) {
		p->p_ptleader = NULL;
		if (gone->pt_tracer != NULL)
			LIST_REMOVE(gone, pt_link);
		ptrace_free(gone);
	}
	if (l->l_ptrace != NULL)
		l->l_ptrace->pt_tid = l->l_tid;
}

pid_t
ptrace_tracer_pid(const struct lwp *l)
{
	return l->l_ptrace != NULL ? l->l_ptrace->pt_tracer->p_pid : 0;
}

bool
ptrace_is_tracer(const struct proc *tracer, const struct proc *p)
{
	return p->p_leader != NULL && p->p_leader->l_ptrace != NULL &&
	    p->p_leader->l_ptrace->pt_tracer == tracer;
}

/* -- wait -- */

static void
look_stopped(struct ptrace *pt, struct ptrace_report *pr)
{
	struct lwp *l = pt->pt_lwp;
	struct cred *cr = lwp_cred_ref(l);

	pr->pr_uid = cr->cr_ruid;
	cred_put(cr);
	pr->pr_status = pt->pt_code << 8 | 0x7f;
	pr->pr_code = CLD_TRAPPED;
	pr->pr_sigstatus = pt->pt_code;
	pr->pr_ru = l->l_ru;
}

static void
look_ended(struct ptrace *pt, bool keep, struct ptrace_report *pr)
{
	int sig = pt->pt_code & 0x7f;

	pr->pr_uid = 0;
	pr->pr_status = pt->pt_code;
	pr->pr_code = sig == 0 ? CLD_EXITED :
	    (pt->pt_code & 0x80) != 0 ? CLD_DUMPED : CLD_KILLED;
	pr->pr_sigstatus = sig == 0 ? pt->pt_code >> 8 & 0xff : sig;
	pr->pr_ended = true;
	memset(&pr->pr_ru, 0, sizeof(pr->pr_ru));
	if (keep)
		return;
	LIST_REMOVE(pt, pt_link);
	ptrace_free(pt);
}

bool
ptrace_look(struct ptrace *pt, bool ends, bool keep, struct ptrace_report *pr)
{
	struct proc *p;
	bool news;

	KASSERT(rw_write_held(&proctree_lock));
	pr->pr_tid = pt->pt_tid;
	pr->pr_ended = false;
	if (pt->pt_lwp == NULL) {
		if (pt->pt_state != PTS_ENDED || !ends)
			return false;
		look_ended(pt, keep, pr);
		return true;
	}
	p = pt->pt_lwp->l_proc;
	spin_enter(&p->p_lock);
	news = (pt->pt_state == PTS_STOPPED ||
	    pt->pt_state == PTS_LISTENING) && !pt->pt_told;
	if (news && !keep)
		pt->pt_told = true;
	spin_exit(&p->p_lock);
	if (news)
		look_stopped(pt, pr);
	return news;
}
