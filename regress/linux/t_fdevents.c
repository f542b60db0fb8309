/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd, timerfd, memfd_create and its seals.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "tap.h"

static int
ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, ms) >= 0);
	return p.revents;
}

static sigset_t
block(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b != 0)
		sigaddset(&set, b);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	return set;
}

TEST(signalfd_reads_what_is_pending)
{
	sigset_t set = block(SIGUSR1, SIGRTMIN), pending;
	struct signalfd_siginfo si[4];
	union sigval v = { .sival_int = 42 };
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(read(fd, si, sizeof(si)), EAGAIN);
	CHECK_ERR(read(fd, si, 100), EINVAL);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, v), 0);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(read(fd, si, sizeof(si)), 2 * sizeof(si[0]));
	CHECK_EQ(si[0].ssi_signo, SIGUSR1);
	CHECK_EQ(si[0].ssi_pid, getpid());
	CHECK_EQ(si[0].ssi_code, SI_USER);
	CHECK_EQ(si[1].ssi_signo, SIGRTMIN);
	CHECK_EQ(si[1].ssi_int, 42);
	CHECK_EQ(si[1].ssi_code, SI_QUEUE);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
	CHECK_ERR(read(fd, si, sizeof(si)), EAGAIN);
	/* The mask may be changed. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_ERR(signalfd(-1, &set, 1), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 4L, 0), EINVAL);
	CHECK_ERR(signalfd(0, &set, 0), EINVAL);
	CHECK_ERR(signalfd(99, &set, 0), EBADF);
}

TEST(signalfd_wakes_reader_and_epoll)
{
	sigset_t set = block(SIGCHLD, SIGUSR2);
	struct epoll_event ev = { .events = EPOLLIN };
	struct signalfd_siginfo si;
	int fd = signalfd(-1, &set, 0), ep = epoll_create1(0);
	pid_t pid;

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(50);
		_exit(3);
	}
	CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	CHECK_EQ(si.ssi_signo, SIGCHLD);
	CHECK_EQ(si.ssi_pid, pid);
	CHECK_EQ(si.ssi_status, 3);
	CHECK_EQ(si.ssi_code, CLD_EXITED);
	reap(pid, 3);
	if ((pid = fork()) == 0) {
		sleep_ms(50);
		kill(getppid(), SIGUSR2);
		_exit(0);
	}
	CHECK_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	CHECK_EQ(si.ssi_signo, SIGUSR2);
	reap(pid, 0);
}

TEST(timerfd_once_and_periodic)
{
	struct itimerspec its = { .it_value = { 0, 30000000 } }, old;
	uint64_t n = 0;
	long long t0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(timerfd_gettime(fd, &old), 0);
	CHECK_EQ(old.it_value.tv_nsec, 0);
	CHECK_EQ(ready(fd, 0), 0);
	t0 = now_ns(CLOCK_MONOTONIC);
	CHECK_EQ(timerfd_settime(fd, 0, &its, NULL), 0);
	CHECK_ERR(read(fd, &n, 4), EINVAL);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK_EQ(n, 1);
	CHECK(now_ns(CLOCK_MONOTONIC) - t0 >= 30000000);
	CHECK_EQ(timerfd_gettime(fd, &old), 0);
	CHECK_EQ(old.it_value.tv_nsec, 0);
	its.it_interval.tv_nsec = 10000000;
	CHECK_EQ(timerfd_settime(fd, 0, &its, NULL), 0);
	sleep_ms(105);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK(n >= 7);
	CHECK_EQ(ready(fd, 5000), POLLIN);
	CHECK_EQ(timerfd_gettime(fd, &old), 0);
	CHECK_EQ(old.it_interval.tv_nsec, 10000000);
	CHECK(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 10000000);
	its.it_value.tv_nsec = 0;
	CHECK_EQ(timerfd_settime(fd, 0, &its, &old), 0);
	CHECK_EQ(old.it_interval.tv_nsec, 10000000);
	CHECK_EQ(ready(fd, 50), 0);
	CHECK_ERR(write(fd, &n, 8), EINVAL);
}

TEST(timerfd_absolute_and_errors)
{
	struct itimerspec its = { .it_value = { 1, 0 } };
	uint64_t n;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), p[2];

	CHECK(fd >= 0);
	CHECK_ERR(read(fd, &n, 8), EAGAIN);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME |
	    TFD_TIMER_CANCEL_ON_SET, &its, NULL), 0);	/* long ago */
	CHECK_EQ(ready(fd, 1000), POLLIN);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK_EQ(n, 1);
	clock_gettime(CLOCK_REALTIME, &its.it_value);
	its.it_value.tv_sec += 3600;
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
	CHECK_EQ(timerfd_gettime(fd, &its), 0);
	CHECK(its.it_value.tv_sec >= 3590 && its.it_value.tv_sec <= 3600);
	its.it_value.tv_nsec = 1000000000;
	CHECK_ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL);
	its.it_value.tv_nsec = 0;
	CHECK_ERR(timerfd_settime(fd, 0x80, &its, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 0, (void *)1, NULL), EFAULT);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(timerfd_settime(p[0], 0, &its, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(99, 0, &its, NULL), EBADF);
	CHECK_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	fd = timerfd_create(CLOCK_BOOTTIME, 0);
	CHECK(fd >= 0);
	its.it_value.tv_sec = 0;
	its.it_value.tv_nsec = 1;
	its.it_interval.tv_sec = 0;
	its.it_interval.tv_nsec = 1;		/* nobody is drowned */
	CHECK_EQ(timerfd_settime(fd, 0, &its, NULL), 0);
	sleep_ms(5);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK(n > 1000);
}

TEST(memfd)
{
	struct stat st;
	char link[80], to[80], buf[8];
	int fd = memfd_create("name", MFD_CLOEXEC), fd2;
	ssize_t n;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fd, "text", 4), 4);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_size, 4);
	CHECK_EQ(st.st_nlink, 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	fd2 = open(link, O_RDONLY);
	CHECK(fd2 >= 0);
	CHECK_EQ(read(fd2, buf, 8), 4);
	n = readlink(link, to, sizeof(to));
	CHECK(n > 0 && memcmp(to, "/memfd:name", 11) == 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_ERR(memfd_create("x", 0x1000), EINVAL);
	CHECK_ERR(memfd_create((char *)1, 0), EFAULT);
	CHECK_ERR(fcntl(0, F_GET_SEALS), EINVAL);
}

TEST(seals)
{
	int fd = memfd_create("s", MFD_ALLOW_SEALING);
	char *p;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_ERR(ftruncate(fd, 4096), EPERM);
	CHECK_EQ(ftruncate(fd, 12288), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_ERR(ftruncate(fd, 16384), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 12288), EPERM);
	CHECK_ERR(fallocate(fd, 0, 0, 16384), EPERM);
	CHECK_EQ(pwrite(fd, "x", 1, 12287), 1);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	p[0] = 'y';
	CHECK_EQ(munmap(p, 4096), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS),
	    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    4096), EPERM);
	CHECK_EQ((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0), -1);
	CHECK_EQ(errno, EPERM);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(p[0], 'y');
	p[0] = 'z';
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), EPERM);
}

TEST(no_future_writes)
{
	int fd = memfd_create("f", MFD_ALLOW_SEALING);
	char *p;

	CHECK_EQ(ftruncate(fd, 4096), 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	p[5] = 'q';
	CHECK_ERR(write(fd, "x", 1), EPERM);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(p[5], 'q');
	CHECK_ERR(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
}
