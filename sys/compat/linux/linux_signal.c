/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on signals.
 *
 * Untrusted input: sets come with their size, which must be that of sigset_t;
 * a siginfo given by a program may not pretend to come from the kernel.
 */
#include <sys/errno.h>
#include <sys/pidfd.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	SIG_BLOCK	0
#define	SIG_UNBLOCK	1
#define	SIG_SETMASK	2

int
linux_sigset_in(const void *uaddr, size_t size, sigset_t *set)
{
	if (size != sizeof(*set))
		return EINVAL;
	return copyin(uaddr, set, sizeof(*set));
}

/* How si_code says what the rest of it is. */
void
linux_siginfo_from(struct linux_siginfo *lsi, const ksiginfo_t *ksi)
{
	memset(lsi, 0, sizeof(*lsi));
	lsi->lsi_signo = ksi->ksi_signo;
	lsi->lsi_errno = ksi->ksi_errno;
	lsi->lsi_code = ksi->ksi_code;
	if (ksi->ksi_code == SI_TIMER) {
		lsi->lsi.timer.id = ksi->ksi_timerid;
		lsi->lsi.timer.overrun = ksi->ksi_overrun;
		lsi->lsi.timer.value = ksi->ksi_value;
		return;
	}
	if (ksi->ksi_code <= 0 || ksi->ksi_code == SI_KERNEL) {
		lsi->lsi.rt.pid = ksi->ksi_pid;
		lsi->lsi.rt.uid = ksi->ksi_uid;
		lsi->lsi.rt.value = ksi->ksi_value;
		return;
	}
	switch (ksi->ksi_signo) {
	case SIGCHLD:
		lsi->lsi.chld.pid = ksi->ksi_pid;
		lsi->lsi.chld.uid = ksi->ksi_uid;
		lsi->lsi.chld.status = ksi->ksi_status;
		lsi->lsi.chld.utime = ksi->ksi_utime / LINUX_CLOCK_TICK;
		lsi->lsi.chld.stime = ksi->ksi_stime / LINUX_CLOCK_TICK;
		break;
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		lsi->lsi.fault.addr = ksi->ksi_addr;
		break;
	case SIGSYS:
		lsi->lsi.sys.addr = ksi->ksi_addr;
		lsi->lsi.sys.nr = ksi->ksi_status;
		lsi->lsi.sys.arch = (uint32_t)ksi->ksi_value;
		break;
	case SIGIO:
		lsi->lsi.poll.band = (int64_t)ksi->ksi_value;
		lsi->lsi.poll.fd = ksi->ksi_status;
		break;
	default:
		lsi->lsi.rt.pid = ksi->ksi_pid;
		lsi->lsi.rt.uid = ksi->ksi_uid;
		lsi->lsi.rt.value = ksi->ksi_value;
		break;
	}
}

/* The other way round; the value of a SIGCHLD's times is lost. */
void
linux_siginfo_to(ksiginfo_t *ksi, const struct linux_siginfo *lsi)
{
	bool sent = lsi->lsi_code <= 0 || lsi->lsi_code == SI_KERNEL;

	memset(ksi, 0, sizeof(*ksi));
	ksi->ksi_signo = lsi->lsi_signo;
	ksi->ksi_errno = lsi->lsi_errno;
	ksi->ksi_code = lsi->lsi_code;
	if (sent || lsi->lsi_signo != SIGCHLD)
		ksi->ksi_value = lsi->lsi.rt.value;
	if (!sent && lsi->lsi_signo > 0 && lsi->lsi_signo <= NSIG &&
	    (sigmask(lsi->lsi_signo) & (sigmask(SIGILL) |
	    sigmask(SIGFPE) | sigmask(SIGSEGV) | sigmask(SIGBUS) |
	    sigmask(SIGTRAP))) != 0) {
		ksi->ksi_addr = (uintptr_t)lsi->lsi.fault.addr;
		return;
	}
	if (!sent && lsi->lsi_signo == SIGSYS) {
		ksi->ksi_addr = (uintptr_t)lsi->lsi.sys.addr;
		ksi->ksi_status = lsi->lsi.sys.nr;
		ksi->ksi_value = lsi->lsi.sys.arch;
		return;
	}
	ksi->ksi_pid = lsi->lsi.rt.pid;
	ksi->ksi_uid = lsi->lsi.rt.uid;
	if (!sent && lsi->lsi_signo == SIGCHLD)
		ksi->ksi_status = lsi->lsi.chld.status;
}

int
linux_sys_rt_sigaction(struct lwp *l,
    const struct linux_rt_sigaction_args *uap, register_t *retval __unused)
{
	struct linux_sigaction lsa;
	struct sigaction new, old;
	int error;

	if (uap->setsize != sizeof(sigset_t))
		return EINVAL;
	if (uap->act != NULL) {
		if ((error = linux_sigaction_in(uap->act, &lsa)) != 0)
			return error;
		new.sa_handler = lsa.lsa_handler;
		new.sa_restorer = lsa.lsa_restorer;
		/* Unknown flags are dropped: programs probe for them so. */
		new.sa_flags = lsa.lsa_flags & LINUX_SA_FLAGS;
		new.sa_mask = lsa.lsa_mask;
	}
	error = do_sigaction(l, uap->sig, uap->act != NULL ? &new : NULL,
	    &old);
	if (error != 0 || uap->oact == NULL)
		return error;
	lsa.lsa_handler = old.sa_handler;
	lsa.lsa_flags = old.sa_flags;
	lsa.lsa_restorer = old.sa_restorer;
	lsa.lsa_mask = old.sa_mask;
	return linux_sigaction_out(&lsa, uap->oact);
}

int
linux_sys_rt_sigprocmask(struct lwp *l,
    const struct linux_rt_sigprocmask_args *uap, register_t *retval __unused)
{
	sigset_t set, old = l->l_sigmask;
	int error;

	if (uap->setsize != sizeof(sigset_t))
		return EINVAL;
	if (uap->set != NULL) {
		if ((error = copyin(uap->set, &set, sizeof(set))) != 0)
			return error;
		switch (uap->how) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return EINVAL;
		}
		sig_setmask(l, set);
	}
	if (uap->oset == NULL)
		return 0;
	return copyout(&old, uap->oset, sizeof(old));
}

int
linux_sys_rt_sigpending(struct lwp *l,
    const struct linux_rt_sigpending_args *uap, register_t *retval __unused)
{
	sigset_t set = sig_pending_set(l);

	if (uap->setsize > sizeof(set))
		return EINVAL;
	return copyout(&set, uap->set, uap->setsize);
}

int
linux_sys_rt_sigsuspend(struct lwp *l,
    const struct linux_rt_sigsuspend_args *uap, register_t *retval __unused)
{
	sigset_t set;
	int error;

	error = linux_sigset_in(uap->set, uap->setsize, &set);
	if (error != 0)
		return error;
	sig_mask_temp(l, set);
	while (!sig_pending(l))
		(void)kpause("sigsuspend", true, 0);
	return ERESTARTNOHAND;
}

int
linux_sys_pause(struct lwp *l, const struct linux_pause_args *uap __unused,
    register_t *retval __unused)
{
	while (!sig_pending(l))
		(void)kpause("pause", true, 0);
	return ERESTARTNOHAND;
}

int
linux_sys_rt_sigtimedwait(struct lwp *l,
    const struct linux_rt_sigtimedwait_args *uap, register_t *retval)
{
	struct linux_siginfo lsi;
	ksiginfo_t ksi;
	nsec_t deadline = 0;
	sigset_t set;
	int error;

	error = linux_sigset_in(uap->set, uap->setsize, &set);
	if (error != 0)
		return error;
	if (uap->timeout != NULL) {
		error = linux_timespec_in(uap->timeout, &deadline);
		if (error != 0)
			return error;
		if (deadline == 0)
			deadline = -1;
		else if (linux_clock_deadline(-1, deadline, &deadline) != 0)
			return EINVAL;
	}
	if ((error = do_sigtimedwait(l, set, deadline, &ksi)) != 0)
		return error;
	if (uap->info != NULL) {
		linux_siginfo_from(&lsi, &ksi);
		if ((error = linux_siginfo_out(&lsi, uap->info)) != 0)
			return error;
	}
	*retval = ksi.ksi_signo;
	return 0;
}

static void
sender_info(struct lwp *l, int signo, int code, ksiginfo_t *ksi)
{
	memset(ksi, 0, sizeof(*ksi));
	ksi->ksi_signo = signo;
	ksi->ksi_code = code;
	ksi->ksi_pid = l->l_proc->p_pid;
	ksi->ksi_uid = l->l_cred->cr_ruid;
}

int
linux_sys_kill(struct lwp *l, const struct linux_kill_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi;

	sender_info(l, uap->sig, SI_USER, &ksi);
	return do_kill(l, uap->pid, &ksi);
}

int
linux_sys_tkill(struct lwp *l, const struct linux_tkill_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi;

	if (uap->tid <= 0)
		return EINVAL;
	sender_info(l, uap->sig, SI_TKILL, &ksi);
	return do_tgkill(l, -1, uap->tid, &ksi);
}

int
linux_sys_tgkill(struct lwp *l, const struct linux_tgkill_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi;

	if (uap->tid <= 0 || uap->tgid <= 0)
		return EINVAL;
	sender_info(l, uap->sig, SI_TKILL, &ksi);
	return do_tgkill(l, uap->tgid, uap->tid, &ksi);
}

/* The siginfo of sigqueue(3): to others only as what sigqueue makes. */
static int
queue_info(struct lwp *l, pid_t pid, int signo, const void *uinfo,
    ksiginfo_t *ksi)
{
	struct linux_siginfo lsi;
	int error;

	if ((error = linux_siginfo_in(uinfo, &lsi)) != 0)
		return error;
	if ((lsi.lsi_code >= 0 || lsi.lsi_code == SI_TKILL) &&
	    l->l_proc->p_pid != pid)
		return EPERM;
	lsi.lsi_signo = signo;
	linux_siginfo_to(ksi, &lsi);
	return 0;
}

int
linux_sys_rt_sigqueueinfo(struct lwp *l,
    const struct linux_rt_sigqueueinfo_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi;
	int error;

	error = queue_info(l, uap->pid, uap->sig, uap->info, &ksi);
	if (error != 0)
		return error;
	return uap->pid > 0 ? do_kill(l, uap->pid, &ksi) : ESRCH;
}

int
linux_sys_rt_tgsigqueueinfo(struct lwp *l,
    const struct linux_rt_tgsigqueueinfo_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi;
	int error;

	if (uap->tid <= 0 || uap->tgid <= 0)
		return EINVAL;
	error = queue_info(l, uap->tgid, uap->sig, uap->info, &ksi);
	if (error != 0)
		return error;
	return do_tgkill(l, uap->tgid, uap->tid, &ksi);
}

int
linux_sys_pidfd_send_signal(struct lwp *l,
    const struct linux_pidfd_send_signal_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi;
	bool nonblock;
	pid_t pid;
	int error;

	if (uap->flags != 0)
		return EINVAL;
	error = pidfd_pid(l, uap->pidfd, &pid, &nonblock);
	if (error != 0)
		return error;
	if (uap->info != NULL) {
		error = queue_info(l, pid, uap->sig, uap->info, &ksi);
		if (error != 0)
			return error;
	} else {
		sender_info(l, uap->sig, SI_USER, &ksi);
	}
	return do_pidfd_send_signal(l, uap->pidfd, &ksi);
}

int
linux_sys_sigaltstack(struct lwp *l, const struct linux_sigaltstack_args *uap,
    register_t *retval __unused)
{
	struct linux_stack lss;
	stack_t new, old;
	int error;

	if (uap->ss != NULL) {
		if ((error = linux_stack_in(uap->ss, &lss)) != 0)
			return error;
		new.ss_sp = lss.lss_sp;
		new.ss_flags = lss.lss_flags;
		new.ss_size = lss.lss_size;
	}
	error = do_sigaltstack(l, uap->ss != NULL ? &new : NULL, &old,
	    l->l_tf->tf_rsp, MINSIGSTKSZ);
	if (error != 0 || uap->oss == NULL)
		return error;
	memset(&lss, 0, sizeof(lss));
	lss.lss_sp = old.ss_sp;
	lss.lss_flags = old.ss_flags;
	lss.lss_size = old.ss_size;
	return linux_stack_out(&lss, uap->oss);
}

int
linux_sys_restart_syscall(struct lwp *l,
    const struct linux_restart_syscall_args *uap __unused, register_t *retval)
{
	if (l->l_restart.rb_func == NULL)
		return EINTR;
	/* With the structures of the call that was interrupted. */
	if (linux_is32())
		l->l_callabi = l->l_restart.rb_callabi;
	return l->l_restart.rb_func(l, retval);
}

static int
signalfd_common(struct lwp *l, int oldfd, const uint64_t *umask, size_t size,
    int flags, register_t *retval)
{
	sigset_t mask;
	int fd = -1, error;

	error = linux_sigset_in(umask, size, &mask);
	if (error == 0)
		error = do_signalfd(l, oldfd, mask, flags, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_signalfd(struct lwp *l, const struct linux_signalfd_args *uap,
    register_t *retval)
{
	return signalfd_common(l, uap->fd, uap->mask, uap->setsize, 0, retval);
}

int
linux_sys_signalfd4(struct lwp *l, const struct linux_signalfd4_args *uap,
    register_t *retval)
{
	return signalfd_common(l, uap->fd, uap->mask, uap->setsize, uap->flags,
	    retval);
}
