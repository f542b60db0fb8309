/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfd_open, pidfd_send_signal, CLONE_PIDFD, waitid with P_PIDFD.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>

#include "tap.h"

#ifndef P_PIDFD
#define	P_PIDFD	3
#endif

static int
pidfd_open_(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int
pidfd_kill(int fd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

static int
ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, ms) >= 0);
	return p.revents;
}

TEST(poll_and_signal)
{
	siginfo_t si;
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		for (;;)
			pause();
	fd = pidfd_open_(pid, 0);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_EQ(pidfd_kill(fd, 0), 0);
	CHECK_EQ(pidfd_kill(fd, SIGKILL), 0);
	CHECK_EQ(ready(fd, 5000), POLLIN);
	memset(&si, 0, sizeof(si));
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), 0);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_code, CLD_KILLED);
	CHECK_EQ(si.si_status, SIGKILL);
	CHECK_EQ(ready(fd, 0) & POLLIN, POLLIN);
	CHECK_ERR(pidfd_kill(fd, 0), ESRCH);
	CHECK_ERR(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), ECHILD);
}

TEST(from_clone)
{
	siginfo_t si;
	int fd = -1, p[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd,
	    NULL, 0);
	CHECK(pid >= 0);
	if (pid == 0) {
		close(p[1]);
		(void)!read(p[0], &c, 1);
		_exit(9);
	}
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ready(fd, 0), 0);
	memset(&si, 0, sizeof(si));
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG), 0);
	CHECK_EQ(si.si_pid, 0);
	close(p[1]);
	CHECK_EQ(ready(fd, 5000), POLLIN);
	reap(pid, 9);
	CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID |
	    SIGCHLD, NULL, &fd, NULL, 0), EINVAL);
}

TEST(nonblocking)
{
	siginfo_t si;
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		for (;;)
			pause();
	fd = pidfd_open_(pid, O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_ERR(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), EAGAIN);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(ready(fd, 5000), POLLIN);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), 0);
}

TEST(errors)
{
	siginfo_t si;
	int p[2];

	CHECK_ERR(pidfd_open_(0, 0), EINVAL);
	CHECK_ERR(pidfd_open_(-1, 0), EINVAL);
	CHECK_ERR(pidfd_open_(getpid(), 1), EINVAL);
	CHECK_ERR(pidfd_open_(4000000, 0), ESRCH);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(pidfd_kill(p[0], 0), EBADF);
	CHECK_ERR(pidfd_kill(99, 0), EBADF);
	CHECK_ERR(waitid(P_PIDFD, 99, &si, WEXITED), EBADF);
	CHECK_ERR(waitid(P_PIDFD, (id_t)p[0], &si, WEXITED), EBADF);
}

TEST(getfd)
{
	int p[2], q[2], fd, got, flags;
	char c = 0;
	pid_t pid;

	CHECK_EQ(pipe(q), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(pipe(p), 0);
		CHECK_EQ(dup2(p[1], 77), 77);
		CHECK_EQ(write(q[1], "x", 1), 1);
		CHECK_EQ(read(p[0], &c, 1), 1);
		_exit(c);
	}
	CHECK_EQ(read(q[0], &c, 1), 1);
	CHECK((fd = pidfd_open_(pid, 0)) >= 0);
	CHECK_ERR(syscall(SYS_pidfd_getfd, fd, 77, 1), EINVAL);
	CHECK_ERR(syscall(SYS_pidfd_getfd, fd, 78, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_getfd, q[0], 77, 0), EBADF);
	got = (int)syscall(SYS_pidfd_getfd, fd, 77, 0);
	CHECK(got >= 0);
	flags = fcntl(got, F_GETFD);
	CHECK_EQ(flags, FD_CLOEXEC);
	CHECK_EQ(write(got, "\7", 1), 1);
	reap(pid, 7);
	CHECK_ERR(syscall(SYS_pidfd_getfd, fd, 77, 0), ESRCH);
}

static long
kcmp(pid_t a, pid_t b, int type, long x, long y)
{
	return syscall(SYS_kcmp, a, b, type, x, y);
}

TEST(compare)
{
	pid_t me = getpid(), pid;
	int fd = dup(1), p[2];

	CHECK_EQ(pipe(p), 0);
	if ((pid = fork()) == 0)
		for (;;)
			pause();
	CHECK_EQ(kcmp(me, me, 0, 1, fd), 0);
	CHECK_EQ(kcmp(me, pid, 0, fd, 1), 0);
	CHECK_EQ(kcmp(me, me, 0, p[0], p[1]) +
	    kcmp(me, me, 0, p[1], p[0]), 3);
	CHECK_EQ(kcmp(me, me, 1, 0, 0), 0);
	CHECK(kcmp(me, pid, 1, 0, 0) > 0);
	CHECK(kcmp(me, pid, 2, 0, 0) > 0);
	CHECK_ERR(kcmp(me, me, 0, 1, 999), EBADF);
	CHECK_ERR(kcmp(me, 4000000, 1, 0, 0), ESRCH);
	CHECK_ERR(kcmp(me, me, 99, 0, 0), EINVAL);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}
