/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: queues, the choice of a thread, default actions, job control.
 *
 * The threads here never run: the test plays each as curlwp in turn and looks
 * at what sig_deliver() would do.
 */
/* sources: sys/kern/kern_sig.c */
#include <sys/core.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/ptimer.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/cpu.h>

#include <host.h>
#include <ktest.h>

/* -- the rest of the kernel -- */

struct rwlock proctree_lock = { .rw_name = "proctree" };
struct proclist allproc = LIST_HEAD_INITIALIZER(allproc);
struct proc proc0, *initproc;
struct lwp lwp0;

static struct uidinfo user = { .ui_ref = 1 };
static struct cred cred = { .cr_ref = 1000, .cr_cap_effective = CAP_ALL,
	.cr_uidinfo = &user };
static struct session session = { .s_ref = 1 };
static struct pgrp pgrp = { .pg_ref = 1, .pg_session = &session };
static bool orphaned;
static unsigned int pokes;

static struct proc *parent, *p;
static struct lwp *l1, *l2;

/* What the personality was asked for. */
static int frames, frame_signo, restarts;
static ksiginfo_t frame_info;
static sigset_t frame_mask;

unsigned int nsignalfds;

void
signalfd_wake(void)
{
	CHECK(nsignalfds != 0);
}

void
cred_put(struct cred *cr)
{
	cr->cr_ref--;
}

struct cred *
proc_cred_ref(struct proc *q)
{
	CHECK(q != NULL);
	cred.cr_ref++;
	return &cred;
}

int
cred_capable(const struct cred *cr, int cap)
{
	return (cr->cr_cap_effective >> cap & 1) != 0 ? 0 : EPERM;
}

void
uidinfo_ref(struct uidinfo *ui)
{
	ui->ui_ref++;
}

void
uidinfo_put(struct uidinfo *ui)
{
	ui->ui_ref--;
}

void
sleepq_signal(struct lwp *l)
{
	CHECK(l != NULL);
	pokes++;
}

struct proc *
proc_find(pid_t pid)
{
	return pid == p->p_pid ? p : pid == parent->p_pid ? parent : NULL;
}

struct lwp *
lwp_find(pid_t tid)
{
	return l1 != NULL && tid == l1->l_tid ? l1 :
	    l2 != NULL && tid == l2->l_tid ? l2 : NULL;
}

struct proc *
proc_of_tid(pid_t tid)
{
	struct lwp *l = lwp_find(tid);

	return l != NULL ? l->l_proc : proc_find(tid);
}

struct pgrp *
pgrp_find(pid_t pgid)
{
	return pgid == pgrp.pg_id ? &pgrp : NULL;
}

bool
pgrp_orphaned(struct pgrp *pg)
{
	CHECK(pg == &pgrp);
	return orphaned;
}

struct session *
proc_session(const struct proc *q)
{
	return q->p_pgrp->pg_session;
}

void
proc_rusage(struct proc *q, struct rusage_ns *ru)
{
	CHECK(q != NULL);
	memset(ru, 0, sizeof(*ru));
}

void
ptimer_taken(struct proc *q, ksiginfo_t *ksi)
{
	CHECK(q != NULL);
	ksi->ksi_overrun = 7;
}

/* -- nothing is traced here, and nothing leaves a core file -- */

bool
ptrace_job_told(const struct lwp *l)
{
	return l->l_ptrace != NULL;
}

void
ptrace_continued(struct lwp *l)
{
	CHECK(l->l_ptrace == NULL);
}

void
ptrace_jobctl(struct lwp *l)
{
	panic("thread %d is traced", l->l_tid);
}

void
ptrace_trap(struct lwp *l)
{
	panic("thread %d is traced", l->l_tid);
}

int
ptrace_signal(struct lwp *l, int signo, ksiginfo_t *ksi)
{
	panic("thread %d is traced: %d %d", l->l_tid, signo, ksi->ksi_signo);
}

bool
ptrace_wants_locked(const struct lwp *l, int event)
{
	return l->l_ptrace != NULL && event != 0;
}

void
ptrace_event(struct lwp *l, int event, unsigned long msg)
{
	panic("thread %d is traced: %d %lu", l->l_tid, event, msg);
}

void
ptrace_handler(struct lwp *l)
{
	panic("thread %d is traced", l->l_tid);
}

void
cpu_trace_nostep(struct lwp *l)
{
	panic("thread %d is traced", l->l_tid);
}

bool
core_wanted(struct lwp *l)
{
	return l == NULL;
}

bool
core_dump(struct lwp *l, const ksiginfo_t *ksi)
{
	panic("thread %d dumps core: %d", l->l_tid, ksi->ksi_signo);
}

void
core_wait(struct lwp *l)
{
	CHECK((l->l_proc->p_flags & P_COREDUMP) == 0);
}

void
lwp_exit(struct lwp *l, int status)
{
	panic("thread %d exits with %d", l->l_tid, status);
}

static int
sendsig(struct lwp *l, struct trapframe *tf, const ksiginfo_t *ksi,
    const struct sigaction *act, sigset_t mask)
{
	CHECK(l == curlwp && tf == NULL && act->sa_handler > SIG_IGN);
	if (act->sa_handler == 0xbad)
		return EFAULT;
	frames++;
	frame_signo = ksi->ksi_signo;
	frame_info = *ksi;
	frame_mask = mask;
	return 0;
}

static void
restart(struct lwp *l, struct trapframe *tf, bool handled,
    const struct sigaction *act)
{
	CHECK(l == curlwp && tf == NULL && handled == (act != NULL));
	restarts++;
}

static const struct emul emul = { .e_name = "test", .e_sendsig = sendsig,
	.e_restart = restart };

/* -- a small process -- */

static struct lwp *
make_lwp(struct proc *q, pid_t tid)
{
	struct lwp *l = kmem_zalloc(sizeof(*l), KM_SLEEP);

	l->l_proc = q;
	l->l_tid = tid;
	l->l_cred = &cred;
	sigpend_init(&l->l_sigpend);
	LIST_INSERT_HEAD(&q->p_lwps, l, l_sibling);
	q->p_nlwps++;
	if (q->p_leader == NULL)
		q->p_leader = l;
	return l;
}

static struct proc *
make_proc(pid_t pid, struct proc *up)
{
	struct proc *q = kmem_zalloc(sizeof(*q), KM_SLEEP);

	q->p_pid = pid;
	q->p_parent = up;
	q->p_pgrp = &pgrp;
	q->p_emul = &emul;
	q->p_state = PS_ACTIVE;
	spin_init(&q->p_lock, "proc");
	cv_init(&q->p_waitcv, "wait");
	cv_init(&q->p_stopcv, "stop");
	sigpend_init(&q->p_sigpend);
	q->p_sigacts = sigacts_alloc(NULL);
	q->p_rlimit[RLIMIT_SIGPENDING].rlim_cur = 100;
	LIST_INSERT_HEAD(&pgrp.pg_members, q, p_pgrp_link);
	LIST_INSERT_HEAD(&allproc, q, p_all);
	return q;
}

static void
setup(void)
{
	sig_init();
	pgrp.pg_id = 10;
	spin_init(&pgrp.pg_lock, "pgrp");
	parent = make_proc(9, &proc0);
	(void)make_lwp(parent, 9);
	p = make_proc(10, parent);
	l1 = make_lwp(p, 10);
	l2 = make_lwp(p, 11);
	shim_set_curlwp(l1);
}

static void
catch(int signo, uint64_t flags, sigset_t mask)
{
	struct sigaction act = { .sa_handler = 0x1000, .sa_flags = flags,
		.sa_mask = mask };

	CHECK_EQ(do_sigaction(l1, signo, &act, NULL), 0);
}

static void
ignore(struct proc *q, int signo)
{
	q->p_sigacts->sa_act[signo - 1].sa_handler = SIG_IGN;
}

static void
queue(int signo, uint64_t value)
{
	ksiginfo_t ksi = { .ksi_signo = signo, .ksi_code = SI_QUEUE,
		.ksi_value = value };

	CHECK_EQ(psignal_queue(p, &ksi), 0);
}

/* Everything the thread takes now, one frame a time; how many frames. */
static int
deliver(struct lwp *l)
{
	int before = frames;

	shim_set_curlwp(l);
	while ((l->l_ast & L_AST_SIGNAL) != 0 && (l->l_ast & L_AST_DIE) == 0)
		sig_deliver(l, NULL);
	shim_set_curlwp(l1);
	return frames - before;
}

/* -- tests -- */

TEST(standard_signals_merge)
{
	setup();
	catch(SIGUSR1, 0, 0);
	sig_setmask(l1, sigmask(SIGUSR1));
	sig_setmask(l2, ~(sigset_t)0);
	psignal(p, SIGUSR1);
	psignal(p, SIGUSR1);
	psignal(p, SIGUSR1);
	CHECK_EQ(sig_pending_set(l1), sigmask(SIGUSR1));
	CHECK(!sig_pending(l1));
	sig_setmask(l1, 0);
	CHECK(sig_pending(l1));
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(frame_signo, SIGUSR1);
	CHECK(!sig_pending(l1));
	CHECK_EQ(user.ui_nsigqueue, 0);
}

TEST(realtime_signals_queue_in_order)
{
	setup();
	sig_setmask(l1, ~(sigset_t)0);
	sig_setmask(l2, ~(sigset_t)0);
	for (int s = SIGRTMIN; s < SIGRTMIN + 2; s++)
		catch(s, 0, 0);
	queue(SIGRTMIN + 1, 10);
	queue(SIGRTMIN, 1);
	queue(SIGRTMIN, 2);
	queue(SIGRTMIN, 3);
	CHECK_EQ(user.ui_nsigqueue, 4);
	/* Taking one at a time: the lowest number, then first in first out. */
	for (uint64_t i = 1; i <= 3; i++) {
		ksiginfo_t ksi;

		spin_enter(&l1->l_proc->p_lock);
		CHECK_EQ(sig_take_pending(l1, ~(sigset_t)0, &ksi), SIGRTMIN);
		spin_exit(&l1->l_proc->p_lock);
		CHECK_EQ(ksi.ksi_value, i);
	}
	sig_setmask(l1, 0);
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(frame_info.ksi_value, 10);
	CHECK_EQ(user.ui_nsigqueue, 0);
	CHECK_EQ(user.ui_ref, 1);
}

TEST(queue_limit)
{
	ksiginfo_t ksi = { .ksi_signo = SIGRTMIN, .ksi_code = SI_QUEUE };

	setup();
	p->p_rlimit[RLIMIT_SIGPENDING].rlim_cur = 2;
	sig_setmask(l1, ~(sigset_t)0);
	sig_setmask(l2, ~(sigset_t)0);
	queue(SIGRTMIN, 1);
	queue(SIGRTMIN, 2);
	CHECK_EQ(psignal_queue(p, &ksi), EAGAIN);
	/* kill(2) never fails for that, and standard signals get through. */
	ksi.ksi_code = SI_USER;
	CHECK_EQ(psignal_queue(p, &ksi), 0);
	psignal(p, SIGUSR1);
	CHECK_EQ(sig_pending_set(l1), sigmask(SIGUSR1) | sigmask(SIGRTMIN));
	CHECK_EQ(user.ui_nsigqueue, 3);	/* the kernel's own goes beyond */
}

TEST(ignored_signals_are_dropped)
{
	setup();
	psignal(p, SIGCHLD);		/* default: nothing */
	psignal(p, SIGWINCH);
	ignore(p, SIGUSR1);
	psignal(p, SIGUSR1);
	CHECK_EQ(p->p_sigpend.sp_set, 0);
	CHECK(!sig_pending(l1) && !sig_pending(l2));
	/* While blocked they stay: the action may change meanwhile. */
	sig_setmask(l1, sigmask(SIGUSR1));
	sig_setmask(l2, sigmask(SIGUSR1));
	psignal(p, SIGUSR1);
	CHECK_EQ(sig_pending_set(l1), sigmask(SIGUSR1));
	/* Becoming ignored discards what is pending. */
	struct sigaction act = { .sa_handler = SIG_IGN };
	CHECK_EQ(do_sigaction(l1, SIGUSR1, &act, NULL), 0);
	CHECK_EQ(sig_pending_set(l1), 0);
}

TEST(fatal_signal_ends_all_threads_at_once)
{
	setup();
	psignal(p, SIGTERM);
	CHECK((p->p_flags & P_EXITING) != 0);
	CHECK_EQ(p->p_xstat, SIGTERM);
	CHECK((l1->l_ast & L_AST_DIE) != 0);
	CHECK((l2->l_ast & L_AST_DIE) != 0);
	CHECK(sig_pending(l2));
	/* The first one counts. */
	psignal(p, SIGKILL);
	CHECK_EQ(p->p_xstat, SIGTERM);
	CHECK_PANIC(userret(l1, NULL));
}

TEST(fatal_signal_blocked_by_one_thread)
{
	setup();
	sig_setmask(l1, sigmask(SIGTERM));
	sig_setmask(l2, sigmask(SIGTERM));
	psignal(p, SIGTERM);
	CHECK_EQ(p->p_flags & P_EXITING, 0);
	shim_set_curlwp(l2);
	sig_setmask(l2, 0);
	CHECK(sig_pending(l2));
	sig_deliver(l2, NULL);
	CHECK_EQ(p->p_xstat, SIGTERM);
}

TEST(sigkill_cannot_be_blocked)
{
	setup();
	sig_setmask(l1, ~(sigset_t)0);
	sig_setmask(l2, ~(sigset_t)0);
	CHECK_EQ(l1->l_sigmask & SIGSET_CANTMASK, 0);
	struct sigaction act = { .sa_handler = SIG_IGN };
	CHECK_EQ(do_sigaction(l1, SIGKILL, &act, NULL), EINVAL);
	CHECK_EQ(do_sigaction(l1, SIGSTOP, &act, NULL), EINVAL);
	CHECK_EQ(do_sigaction(l1, SIGKILL, NULL, &act), 0);
	CHECK_EQ(do_sigaction(l1, 65, NULL, &act), EINVAL);
	CHECK_EQ(do_sigaction(l1, 0, NULL, &act), EINVAL);
	psignal(p, SIGKILL);
	CHECK_EQ(p->p_xstat, SIGKILL);
}

TEST(init_is_spared)
{
	setup();
	p->p_flags |= P_UNKILLABLE;
	psignal(p, SIGKILL);
	psignal(p, SIGTERM);
	psignal(p, SIGSTOP);
	CHECK_EQ(p->p_flags & (P_EXITING | P_STOPPING), 0);
	CHECK_EQ(p->p_sigpend.sp_set, 0);
	catch(SIGTERM, 0, 0);		/* what it catches it gets */
	psignal(p, SIGTERM);
	CHECK_EQ(deliver(l1), 1);
	/* A fault of its own is the end all the same. */
	ksiginfo_t ksi = { .ksi_signo = SIGSEGV, .ksi_code = SEGV_MAPERR };
	trapsignal(l1, &ksi);
	CHECK_EQ(p->p_xstat, SIGSEGV);
}

TEST(the_free_thread_takes_it)
{
	setup();
	catch(SIGUSR1, 0, 0);
	sig_setmask(l1, sigmask(SIGUSR1));
	psignal(p, SIGUSR1);
	CHECK(!sig_pending(l1));
	CHECK(sig_pending(l2));
	CHECK_EQ(deliver(l2), 1);
	/* The first thread is asked first if it may. */
	sig_setmask(l1, 0);
	sig_setmask(l2, 0);
	psignal(p, SIGUSR1);
	CHECK(sig_pending(l1) && !sig_pending(l2));
	/* It blocks the signal before it takes it: the other one shall. */
	sig_setmask(l1, sigmask(SIGUSR1));
	CHECK(!sig_pending(l1) && sig_pending(l2));
	CHECK_EQ(deliver(l2), 1);
}

TEST(to_one_thread)
{
	ksiginfo_t ksi = { .ksi_signo = SIGUSR1, .ksi_code = SI_TKILL };

	setup();
	catch(SIGUSR1, 0, 0);
	lwp_signal(l2, &ksi);
	CHECK(!sig_pending(l1) && sig_pending(l2));
	CHECK_EQ(deliver(l1), 0);
	CHECK_EQ(deliver(l2), 1);
	CHECK_EQ(frame_info.ksi_code, SI_TKILL);
	CHECK_EQ(do_tgkill(l1, 10, 11, &ksi), 0);
	CHECK_EQ(do_tgkill(l1, 9, 11, &ksi), ESRCH);
	CHECK_EQ(do_tgkill(l1, 10, 12, &ksi), ESRCH);
	ksi.ksi_signo = 65;
	CHECK_EQ(do_tgkill(l1, 10, 11, &ksi), EINVAL);
}

TEST(masks_of_handlers)
{
	setup();
	catch(SIGUSR1, 0, sigmask(SIGUSR2) | sigmask(SIGKILL));
	sig_setmask(l1, sigmask(SIGHUP));
	psignal(p, SIGUSR1);
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(frame_mask, sigmask(SIGHUP));
	CHECK_EQ(l1->l_sigmask,
	    sigmask(SIGHUP) | sigmask(SIGUSR1) | sigmask(SIGUSR2));
	sig_setmask(l1, 0);
	catch(SIGUSR2, SA_NODEFER | SA_RESETHAND, 0);
	psignal(p, SIGUSR2);
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(l1->l_sigmask, 0);
	struct sigaction act;
	CHECK_EQ(do_sigaction(l1, SIGUSR2, NULL, &act), 0);
	CHECK_EQ(act.sa_handler, SIG_DFL);
}

TEST(faults_come_first)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSEGV, .ksi_code = SEGV_MAPERR,
		.ksi_addr = 0x123 };

	setup();
	catch(SIGHUP, 0, 0);
	catch(SIGSEGV, 0, 0);
	psignal(p, SIGHUP);
	trapsignal(l1, &ksi);
	sig_deliver(l1, NULL);
	CHECK_EQ(frame_signo, SIGSEGV);
	CHECK_EQ(frame_info.ksi_addr, 0x123);
	sig_deliver(l1, NULL);
	CHECK_EQ(frame_signo, SIGHUP);
}

TEST(blocked_fault_is_fatal)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSEGV, .ksi_code = SEGV_MAPERR };

	setup();
	catch(SIGSEGV, 0, 0);
	sig_setmask(l1, sigmask(SIGSEGV));
	trapsignal(l1, &ksi);
	CHECK_EQ(p->p_xstat, SIGSEGV);
}

TEST(frame_that_cannot_be_built)
{
	struct sigaction act = { .sa_handler = 0xbad };

	setup();
	catch(SIGSEGV, 0, 0);
	CHECK_EQ(do_sigaction(l1, SIGUSR1, &act, NULL), 0);
	psignal(p, SIGUSR1);
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(frame_signo, SIGSEGV);
	/* And when that one fails it is over. */
	sig_setmask(l1, 0);
	CHECK_EQ(do_sigaction(l1, SIGSEGV, &act, NULL), 0);
	psignal(p, SIGUSR1);
	CHECK_EQ(deliver(l1), 0);
	CHECK_EQ(p->p_xstat, SIGSEGV);
}

TEST(sigsuspend_mask)
{
	setup();
	catch(SIGUSR1, 0, 0);
	sig_setmask(l1, sigmask(SIGUSR1) | sigmask(SIGHUP));
	sig_mask_temp(l1, sigmask(SIGHUP));
	psignal(p, SIGUSR1);
	CHECK_EQ(deliver(l1), 1);
	/* The frame goes back to the mask from before sigsuspend. */
	CHECK_EQ(frame_mask, sigmask(SIGUSR1) | sigmask(SIGHUP));
	CHECK_EQ(l1->l_flags & LF_RESTOREMASK, 0);
	/* Without a signal it is put back by hand, or on the way out. */
	sig_setmask(l1, sigmask(SIGHUP));
	sig_mask_temp(l1, 0);
	sig_mask_restore(l1);
	CHECK_EQ(l1->l_sigmask, sigmask(SIGHUP));
	sig_mask_temp(l1, 0);
	sig_deliver(l1, NULL);
	CHECK_EQ(l1->l_sigmask, sigmask(SIGHUP));
}

TEST(sigtimedwait)
{
	ksiginfo_t ksi;

	setup();
	shim_signal_pending = false;
	sig_setmask(l1, sigmask(SIGUSR1) | sigmask(SIGUSR2));
	sig_setmask(l2, sigmask(SIGUSR1) | sigmask(SIGUSR2));
	CHECK_EQ(do_sigtimedwait(l1, sigmask(SIGUSR1), -1, &ksi), EAGAIN);
	CHECK_EQ(do_sigtimedwait(l1, sigmask(SIGUSR1),
	    nanouptime() + 1000, &ksi), EAGAIN);
	CHECK_EQ(l1->l_sigwait, 0);
	psignal(p, SIGUSR1);
	CHECK_EQ(do_sigtimedwait(l1, sigmask(SIGUSR1), 0, &ksi), 0);
	CHECK_EQ(ksi.ksi_signo, SIGUSR1);
	CHECK_EQ(sig_pending_set(l1), 0);
	/* A fatal default does not act while it is waited for. */
	CHECK_EQ(p->p_flags & P_EXITING, 0);
}

static bool
continue_it(const char *wchan)
{
	CHECK_STR(wchan, "stop");
	psignal(p, SIGCONT);
	return true;
}

static bool
kill_it(const char *wchan)
{
	CHECK_STR(wchan, "stop");
	psignal(p, SIGKILL);
	return true;
}

static bool stop_was_complete;

static bool
look_and_continue(const char *wchan)
{
	stop_was_complete = (p->p_flags & P_STOPPED) != 0;
	return continue_it(wchan);
}

TEST(stop_and_continue)
{
	setup();
	parent->p_sigacts->sa_act[SIGCHLD - 1].sa_handler = 0x2000;
	LIST_REMOVE(l2, l_sibling);
	p->p_nlwps = 1;
	kmem_free(l2, sizeof(*l2));
	l2 = NULL;
	psignal(p, SIGTSTP);
	shim_sleep_hook = look_and_continue;
	CHECK_EQ(deliver(l1), 0);
	CHECK(stop_was_complete);
	CHECK_EQ(p->p_stopsig, SIGTSTP);
	CHECK_EQ(p->p_flags & (P_STOPPING | P_STOPPED), 0);
	CHECK((p->p_flags & P_CONTINUED) != 0);
	CHECK_EQ(parent->p_waitgen, 2);
	CHECK((parent->p_sigpend.sp_set & sigmask(SIGCHLD)) != 0);
	CHECK_EQ(restarts, 1);
}

TEST(all_threads_stop)
{
	setup();
	psignal(p, SIGSTOP);
	/* The first one stops; the stop is complete with the second. */
	shim_sleep_hook = look_and_continue;
	CHECK_EQ(deliver(l1), 0);
	CHECK(!stop_was_complete);
	CHECK_EQ(p->p_contcode, 0);
	psignal(p, SIGSTOP);
	shim_set_curlwp(l1);
	shim_sleep_hook = NULL;
	/* l1 has stopped (as far as a thread that does not run can). */
	spin_enter(&p->p_lock);
	p->p_flags |= P_STOPPING;
	sigpend_flush(&p->p_sigpend);
	l1->l_stopped = true;
	p->p_nstopped = 1;
	spin_exit(&p->p_lock);
	l2->l_ast = L_AST_SIGNAL;
	shim_sleep_hook = look_and_continue;
	CHECK_EQ(deliver(l2), 0);
	CHECK(stop_was_complete);
	CHECK_EQ(p->p_nstopped, 0);
}

TEST(continue_takes_stops_away)
{
	setup();
	sig_setmask(l1, sigmask(SIGTSTP) | sigmask(SIGCONT));
	sig_setmask(l2, sigmask(SIGTSTP) | sigmask(SIGCONT));
	psignal(p, SIGTSTP);
	CHECK_EQ(sig_pending_set(l1), sigmask(SIGTSTP));
	psignal(p, SIGCONT);
	CHECK_EQ(sig_pending_set(l1), sigmask(SIGCONT));
	psignal(p, SIGTSTP);
	CHECK_EQ(sig_pending_set(l1), sigmask(SIGTSTP));
}

TEST(orphans_do_not_stop)
{
	setup();
	orphaned = true;
	psignal(p, SIGTSTP);
	CHECK_EQ(deliver(l1), 0);
	CHECK_EQ(p->p_flags & P_STOPPING, 0);
	psignal(p, SIGSTOP);		/* but that is not asked for */
	shim_sleep_hook = continue_it;
	CHECK_EQ(deliver(l1), 0);
	CHECK_EQ(p->p_stopsig, SIGSTOP);
}

TEST(kill_ends_a_stop)
{
	setup();
	psignal(p, SIGSTOP);
	shim_sleep_hook = kill_it;
	CHECK_EQ(deliver(l1), 0);
	CHECK_EQ(p->p_xstat, SIGKILL);
	CHECK_EQ(p->p_flags & (P_STOPPING | P_STOPPED), 0);
	CHECK((l1->l_ast & L_AST_DIE) != 0);
}

TEST(kill_and_who_may)
{
	ksiginfo_t ksi = { .ksi_signo = 0 };
	struct cred other = { .cr_ref = 1, .cr_ruid = 5, .cr_euid = 5,
		.cr_uidinfo = &user };

	setup();
	CHECK_EQ(do_kill(l1, 9, &ksi), 0);
	CHECK_EQ(do_kill(l1, 1234, &ksi), ESRCH);
	CHECK_EQ(do_kill(l1, -10, &ksi), 0);
	CHECK_EQ(do_kill(l1, -11, &ksi), ESRCH);
	CHECK_EQ(do_kill(l1, 0, &ksi), 0);
	CHECK_EQ(do_kill(l1, INT32_MIN, &ksi), ESRCH);
	CHECK_EQ(do_kill(l1, 11, &ksi), 0);	/* by a thread's number */
	l1->l_cred = &other;
	CHECK_EQ(do_kill(l1, 9, &ksi), EPERM);
	CHECK_EQ(do_kill(l1, 10, &ksi), 0);	/* itself, always */
	CHECK_EQ(do_kill(l1, -10, &ksi), 0);	/* some of the group */
	CHECK_EQ(do_kill(l1, -1, &ksi), 0);
	ksi.ksi_signo = SIGCONT;		/* in the same session */
	CHECK_EQ(do_kill(l1, 9, &ksi), 0);
	ksi.ksi_signo = 65;
	CHECK_EQ(do_kill(l1, 9, &ksi), EINVAL);
	CHECK_EQ(cred.cr_ref, 1000);
}

TEST(group_signal)
{
	setup();
	pgsignal(&pgrp, SIGINT);
	CHECK_EQ(p->p_xstat, SIGINT);
	CHECK_EQ(parent->p_xstat, SIGINT);
}

TEST(timer_signal_tells_overruns)
{
	ksiginfo_t ksi = { .ksi_signo = SIGALRM, .ksi_code = SI_TIMER };

	setup();
	catch(SIGALRM, 0, 0);
	psignal_info(p, &ksi);
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(frame_info.ksi_overrun, 7);
}

/* A timer waits for its signal to be taken: only if it is in the queue. */
TEST(timer_signal_that_is_not_queued)
{
	ksiginfo_t ksi = { .ksi_signo = SIGRTMIN, .ksi_code = SI_TIMER };
	bool queued = false;

	setup();
	catch(SIGRTMIN, 0, 0);
	catch(SIGUSR1, 0, 0);
	p->p_rlimit[RLIMIT_SIGPENDING].rlim_cur = 0;
	spin_enter(&p->p_lock);
	CHECK_EQ(psignal_locked(p, NULL, &ksi, &queued), EAGAIN);
	CHECK(!queued);
	ksi.ksi_signo = SIGUSR1;
	kmem_fail_after(0);
	CHECK_EQ(psignal_locked(p, NULL, &ksi, &queued), 0);
	kmem_fail_after(-1);
	CHECK(!queued);
	p->p_rlimit[RLIMIT_SIGPENDING].rlim_cur = 10;
	ksi.ksi_signo = SIGRTMIN;
	CHECK_EQ(psignal_locked(p, NULL, &ksi, &queued), 0);
	CHECK(queued);
	spin_exit(&p->p_lock);
}

TEST(altstack)
{
	stack_t ss = { 0x10000, 0, 8192 }, old;

	setup();
	CHECK_EQ(do_sigaltstack(l1, &ss, &old, 0x900000, 2048), 0);
	CHECK_EQ(old.ss_flags, SS_DISABLE);
	CHECK_EQ(do_sigaltstack(l1, NULL, &old, 0x11000, 2048), 0);
	CHECK_EQ(old.ss_flags, SS_ONSTACK);
	CHECK_EQ(do_sigaltstack(l1, &ss, NULL, 0x11000, 2048), EPERM);
	ss.ss_size = 2047;
	CHECK_EQ(do_sigaltstack(l1, &ss, NULL, 0x900000, 2048), ENOMEM);
	ss.ss_flags = 4;
	CHECK_EQ(do_sigaltstack(l1, &ss, NULL, 0x900000, 2048), EINVAL);
	ss.ss_flags = SS_DISABLE;
	CHECK_EQ(do_sigaltstack(l1, &ss, NULL, 0x900000, 2048), 0);
	CHECK_EQ(do_sigaltstack(l1, NULL, &old, 0x11000, 2048), 0);
	CHECK_EQ(old.ss_flags, SS_DISABLE);
}

TEST(no_memory_for_the_queue)
{
	setup();
	catch(SIGUSR1, 0, 0);
	sig_setmask(l1, ~(sigset_t)0);
	sig_setmask(l2, ~(sigset_t)0);
	kmem_fail_after(0);
	psignal(p, SIGUSR1);		/* arrives without its details */
	kmem_fail_after(-1);
	sig_setmask(l1, 0);
	CHECK_EQ(deliver(l1), 1);
	CHECK_EQ(frame_info.ksi_code, SI_USER);
	CHECK_EQ(frame_info.ksi_pid, 0);
	CHECK_EQ(user.ui_nsigqueue, 0);
}
