/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls that make, end and wait for processes and threads, and
 * name them.
 *
 * Untrusted input: structures with a size (clone3) may be longer than ours if
 * the rest is zero.
 */
#include <sys/clone.h>
#include <sys/errno.h>
#include <sys/pidfd.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	CLONE3_SIZE_VER0	64
#define	WAITID_OPTIONS		(WNOHANG | WUNTRACED | WEXITED |	\
    WCONTINUED | WNOWAIT | __WNOTHREAD | __WALL | (int)__WCLONE)
#define	WAIT4_OPTIONS		(WNOHANG | WUNTRACED | WCONTINUED |	\
    __WNOTHREAD | __WALL | (int)__WCLONE)

/* -- clone -- */

static int
clone_common(struct lwp *l, const struct clone_args_k *ca, register_t *retval)
{
	struct clone_args_k ca32 = *ca;
	struct cpu_tls ct;
	pid_t tid;
	int error;

	if ((ca->flags & CLONE_SETTLS) != 0 && cpu_is_compat32(l)) {
		error = linux32_clone_tls(ca->tls, &ct);
		if (error != 0)
			return error;
		ca32.tls = (uintptr_t)&ct;
	}
	error = do_clone(l, &ca32, &tid);
	if (error == 0)
		*retval = tid;
	return error;
}

int
linux_sys_fork(struct lwp *l, const struct linux_fork_args *uap __unused,
    register_t *retval)
{
	struct clone_args_k ca = { .exit_signal = SIGCHLD };

	return clone_common(l, &ca, retval);
}

int
linux_sys_vfork(struct lwp *l, const struct linux_vfork_args *uap __unused,
    register_t *retval)
{
	struct clone_args_k ca = {
		.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD
	};

	return clone_common(l, &ca, retval);
}

int
linux_sys_clone(struct lwp *l, const struct linux_clone_args *uap,
    register_t *retval)
{
	struct clone_args_k ca = {
		.flags = (uint32_t)uap->flags & ~CSIGNAL,
		.exit_signal = (int)(uap->flags & CSIGNAL),
		.stack = uap->stack,
		.tls = uap->tls,
		.parent_tid = (uintptr_t)uap->parent_tid,
		.child_tid = (uintptr_t)uap->child_tid,
		.pidfd = (uintptr_t)uap->parent_tid,
	};

	if ((ca.flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) ==
	    (CLONE_PIDFD | CLONE_PARENT_SETTID))
		return EINVAL;

	return clone_common(l, &ca, retval);
}

int
linux_struct_in(const void *uaddr, size_t usize, void *buf, size_t size)
{
	uint8_t extra[64];
	size_t at = size, n;
	int error;

	if (usize > PAGE_SIZE)
		return E2BIG;
	memset(buf, 0, size);
	error = copyin(uaddr, buf, MIN(usize, size));
	for (; error == 0 && at < usize; at += n) {
		n = MIN(usize - at, sizeof(extra));
		error = copyin((const char *)uaddr + at, extra, n);
		for (size_t i = 0; error == 0 && i < n; i++)
			if (extra[i] != 0)
				error = E2BIG;
	}
	return error;
}

int
linux_sys_clone3(struct lwp *l, const struct linux_clone3_args *uap,
    register_t *retval)
{
	struct linux_clone3 a;
	struct clone_args_k ca;
	int error;

	if (uap->size < CLONE3_SIZE_VER0)
		return EINVAL;
	error = linux_struct_in(uap->args, uap->size, &a, sizeof(a));
	if (error != 0)
		return error;
	if ((a.flags & (CSIGNAL | CLONE_DETACHED)) != 0 ||
	    (a.flags & ~(0xffffffffULL | CLONE_CLEAR_SIGHAND |
	    CLONE_INTO_CGROUP)) != 0)
		return EINVAL;
	if (a.set_tid_size != 0 || a.set_tid != 0)
		return EINVAL;		/* numbers are not for choosing */
	if (a.exit_signal > NSIG)
		return EINVAL;
	if ((a.flags & (CLONE_THREAD | CLONE_PARENT)) != 0 &&
	    a.exit_signal != 0)
		return EINVAL;
	if ((a.stack == 0) != (a.stack_size == 0) ||
	    a.stack + a.stack_size < a.stack)
		return EINVAL;
	memset(&ca, 0, sizeof(ca));
	ca.flags = a.flags;
	ca.exit_signal = (int)a.exit_signal;
	ca.stack = a.stack + a.stack_size;
	ca.tls = a.tls;
	ca.parent_tid = a.parent_tid;
	ca.child_tid = a.child_tid;
	ca.pidfd = a.pidfd;
	return clone_common(l, &ca, retval);
}

int
linux_sys_unshare(struct lwp *l, const struct linux_unshare_args *uap,
    register_t *retval __unused)
{
	return do_unshare(l, uap->flags);
}

/* The first thing a new thread does, and after a switch. */
void
linux_notify(struct lwp *l, struct trapframe *tf)
{
	if (l->l_set_child_tid != 0) {
		(void)!ustore_32((uint32_t *)l->l_set_child_tid,
		    (uint32_t)l->l_tid);
		l->l_set_child_tid = 0;
	}
	linux_rseq_notify(l, tf);
}

/* -- the end -- */

int
linux_sys_exit(struct lwp *l, const struct linux_exit_args *uap,
    register_t *retval __unused)
{
	lwp_exit(l, W_EXITCODE(uap->status));
}

int
linux_sys_exit_group(struct lwp *l, const struct linux_exit_group_args *uap,
    register_t *retval __unused)
{
	do_exit_group(l, W_EXITCODE(uap->status));
}

static pid_t
own_pgid(struct lwp *l)
{
	pid_t id;

	rw_enter(&proctree_lock, RW_READER);
	id = l->l_proc->p_pgrp->pg_id;
	rw_exit(&proctree_lock);
	return id;
}

int
linux_sys_wait4(struct lwp *l, const struct linux_wait4_args *uap,
    register_t *retval)
{
	struct rusage_ns ru;
	ksiginfo_t ksi;
	pid_t id = uap->pid, pid;
	int idtype = P_PID, status, error;

	if ((uap->options & ~WAIT4_OPTIONS) != 0)
		return EINVAL;
	if (id == INT32_MIN)
		return ESRCH;
	if (id == -1)
		idtype = P_ALL;
	else if (id < 0) {
		idtype = P_PGID;
		id = -id;
	} else if (id == 0) {
		idtype = P_PGID;
		id = own_pgid(l);
	}
	error = do_wait(l, idtype, id, uap->options | WEXITED, &pid, &status,
	    &ru, &ksi);
	if (error != 0)
		return error;
	*retval = pid;
	if (pid == 0)
		return 0;
	if (uap->status != NULL &&
	    (error = copyout(&status, uap->status, sizeof(status))) != 0)
		return error;
	return uap->ru != NULL ? linux_rusage_out(&ru, uap->ru) : 0;
}

int
linux_sys_waitid(struct lwp *l, const struct linux_waitid_args *uap,
    register_t *retval __unused)
{
	struct linux_siginfo lsi;
	struct rusage_ns ru;
	ksiginfo_t ksi;
	pid_t id = uap->pid, pid;
	int which = uap->which, options = uap->options, status, error;
	bool nonblock = false;

	if ((uap->options & ~WAITID_OPTIONS) != 0 ||
	    (uap->options & (WEXITED | WUNTRACED | WCONTINUED)) == 0)
		return EINVAL;
	switch (uap->which) {
	case P_ALL:
		break;
	case P_PID:
		if (id <= 0)
			return EINVAL;
		break;
	case P_PGID:
		if (id < 0)
			return EINVAL;
		if (id == 0)
			id = own_pgid(l);
		break;
	case P_PIDFD:
		if (id < 0)
			return EINVAL;
		error = pidfd_pid(l, id, &id, &nonblock);
		if (error != 0)
			return error;
		if (id == 0)
			return ECHILD;
		which = P_PID;
		nonblock = nonblock && (options & WNOHANG) == 0;
		if (nonblock)
			options |= WNOHANG;
		break;
	default:
		return EINVAL;
	}
	error = do_wait(l, which, id, options, &pid, &status, &ru, &ksi);
	if (error == 0 && pid == 0 && nonblock)
		error = EAGAIN;
	if (error != 0)
		return error;
	if (pid != 0 && uap->ru != NULL &&
	    (error = linux_rusage_out(&ru, uap->ru)) != 0)
		return error;
	if (uap->info == NULL)
		return 0;
	memset(&lsi, 0, sizeof(lsi));
	if (pid != 0) {
		/* Without the times, which only the signal has. */
		ksi.ksi_utime = ksi.ksi_stime = 0;
		linux_siginfo_from(&lsi, &ksi);
	}
	return linux_siginfo_out(&lsi, uap->info);
}

/* -- names -- */

int
linux_sys_getpid(struct lwp *l, const struct linux_getpid_args *uap __unused,
    register_t *retval)
{
	*retval = l->l_proc->p_pid;
	return 0;
}

int
linux_sys_gettid(struct lwp *l, const struct linux_gettid_args *uap __unused,
    register_t *retval)
{
	*retval = l->l_tid;
	return 0;
}

int
linux_sys_getppid(struct lwp *l,
    const struct linux_getppid_args *uap __unused, register_t *retval)
{
	*retval = atomic_load(&l->l_proc->p_ppid);
	return 0;
}

int
linux_sys_getpgrp(struct lwp *l,
    const struct linux_getpgrp_args *uap __unused, register_t *retval)
{
	rw_enter(&proctree_lock, RW_READER);
	*retval = l->l_proc->p_pgrp->pg_id;
	rw_exit(&proctree_lock);
	return 0;
}

/* Group or session of a process, 0: the caller. */
static int
get_group(struct lwp *l, pid_t pid, bool session, register_t *retval)
{
	struct proc *p;
	int error = 0;

	rw_enter(&proctree_lock, RW_READER);
	p = pid == 0 ? l->l_proc : proc_find(pid);
	if (p == NULL)
		error = ESRCH;
	else
		*retval = session ? proc_session(p)->s_sid : p->p_pgrp->pg_id;
	rw_exit(&proctree_lock);
	return error;
}

int
linux_sys_getpgid(struct lwp *l, const struct linux_getpgid_args *uap,
    register_t *retval)
{
	return get_group(l, uap->pid, false, retval);
}

int
linux_sys_getsid(struct lwp *l, const struct linux_getsid_args *uap,
    register_t *retval)
{
	return get_group(l, uap->pid, true, retval);
}

int
linux_sys_setpgid(struct lwp *l, const struct linux_setpgid_args *uap,
    register_t *retval __unused)
{
	if (uap->pid < 0)
		return ESRCH;
	return proc_setpgid(l->l_proc, uap->pid, uap->pgid);
}

int
linux_sys_setsid(struct lwp *l, const struct linux_setsid_args *uap __unused,
    register_t *retval)
{
	pid_t sid;
	int error = proc_setsid(l->l_proc, &sid);

	if (error == 0)
		*retval = sid;
	return error;
}

/* -- pidfds -- */

int
linux_sys_pidfd_getfd(struct lwp *l, const struct linux_pidfd_getfd_args *uap,
    register_t *retval)
{
	int fd = -1, error;

	if (uap->flags != 0)
		return EINVAL;
	error = do_pidfd_getfd(l, uap->pidfd, uap->fd, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_pidfd_open(struct lwp *l, const struct linux_pidfd_open_args *uap,
    register_t *retval)
{
	int fd = -1, error;

	error = do_pidfd_open(l, uap->pid, uap->flags, &fd);
	*retval = fd;
	return error;
}
