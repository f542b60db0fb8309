/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfds: files that stand for a process.
 */
#ifndef _SYS_PIDFD_H_
#define	_SYS_PIDFD_H_

#include <sys/signal.h>
#include <sys/types.h>

struct file;
struct lwp;
struct proc;

/* O_NONBLOCK is the one flag.  EINVAL, ESRCH; a thread is no process. */
int	do_pidfd_open(struct lwp *, pid_t, unsigned int flags, int *fd);
int	do_pidfd_send_signal(struct lwp *, int pidfd, const ksiginfo_t *);
/*
 * A descriptor of ours for one of that process: EBADF, EMFILE, EPERM, ESRCH.
 */
int	do_pidfd_getfd(struct lwp *, int pidfd, int theirs, int *fd);
/* For waitid: which process, 0 if it is gone; and is it O_NONBLOCK? */
int	pidfd_pid(struct lwp *, int pidfd, pid_t *, bool *nonblock);

/* CLONE_PIDFD: a descriptor and its file first, the process later. */
int	pidfd_prepare(struct lwp *, int *fd, struct file **);
void	pidfd_commit(struct lwp *, int fd, struct file *, struct proc *);
void	pidfd_abort(struct lwp *, int fd, struct file *);

/* The process has become a zombie; it is reaped.  [T] written. */
void	pidfd_wake(struct proc *);
void	pidfd_forget(struct proc *);

#endif /* !_SYS_PIDFD_H_ */
