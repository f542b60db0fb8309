/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for files: poll, ppoll, select, pselect, epoll, eventfd.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>

#include "tap.h"

static void
on_signal(int sig)
{
	(void)sig;
}

static void
catch(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

TEST(poll_says_what_is_ready)
{
	struct pollfd f[4];
	char c;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	f[0] = (struct pollfd){ p[0], POLLIN, 99 };
	f[1] = (struct pollfd){ p[1], POLLOUT, 99 };
	f[2] = (struct pollfd){ -1, POLLIN, 99 };
	f[3] = (struct pollfd){ 77, POLLIN, 99 };
	CHECK_EQ(poll(f, 4, 0), 2);
	CHECK_EQ(f[0].revents, 0);
	CHECK_EQ(f[1].revents, POLLOUT);
	CHECK_EQ(f[2].revents, 0);
	CHECK_EQ(f[3].revents, POLLNVAL);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(poll(f, 1, -1), 1);
	CHECK_EQ(f[0].revents, POLLIN);
	close(p[1]);
	CHECK_EQ(poll(f, 1, -1), 1);
	CHECK_EQ(f[0].revents, POLLIN | POLLHUP);
	CHECK_EQ(read(p[0], &c, 1), 1);
	f[0].events = 0;
	CHECK_EQ(poll(f, 1, -1), 1);
	CHECK_EQ(f[0].revents, POLLHUP);
	CHECK_EQ(pipe(p), 0);
	close(p[0]);
	f[0] = (struct pollfd){ p[1], POLLOUT, 0 };
	CHECK_EQ(poll(f, 1, -1), 1);
	CHECK_EQ(f[0].revents, POLLOUT | POLLERR);
	CHECK_EQ(poll(NULL, 0, 0), 0);
	CHECK_ERR(poll((void *)1, 1, 0), EFAULT);
	{
		struct rlimit rl;

		CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rl), 0);
		CHECK_ERR(poll(f, (nfds_t)rl.rlim_cur + 1, 0), EINVAL);
	}
}

TEST(poll_keeps_time)
{
	struct timespec ts = { 0, 50000000 };
	long long t = now_ns(CLOCK_MONOTONIC), d;

	CHECK_EQ(poll(NULL, 0, 100), 0);
	d = now_ns(CLOCK_MONOTONIC) - t;
	CHECK(d >= 100000000LL);
	t = now_ns(CLOCK_MONOTONIC);
	CHECK_EQ(ppoll(NULL, 0, &ts, NULL), 0);
	d = now_ns(CLOCK_MONOTONIC) - t;
	CHECK(d >= 50000000LL);
	ts.tv_nsec = 1000000000;
	CHECK_ERR(ppoll(NULL, 0, &ts, NULL), EINVAL);
	ts.tv_nsec = -1;
	CHECK_ERR(ppoll(NULL, 0, &ts, NULL), EINVAL);
}

TEST(poll_is_woken)
{
	struct pollfd f;
	pid_t pid;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(50);
		CHECK_EQ(write(p[1], "x", 1), 1);
		_exit(0);
	}
	f = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, 10000), 1);
	reap(pid, 0);
	/* By the other end going away. */
	{
		char c;

		CHECK_EQ(read(p[0], &c, 1), 1);
	}
	if ((pid = fork()) == 0) {
		sleep_ms(50);
		_exit(0);
	}
	close(p[1]);
	CHECK_EQ(poll(&f, 1, 10000), 1);
	CHECK_EQ(f.revents, POLLHUP);
	reap(pid, 0);
}

TEST(signals_end_poll)
{
	struct pollfd f;
	sigset_t none, usr;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	f = (struct pollfd){ p[0], POLLIN, 0 };
	catch(SIGALRM, SA_RESTART);		/* poll is never restarted */
	alarm(1);
	CHECK_ERR(poll(&f, 1, 10000), EINTR);
	/* ppoll opens the mask for the wait only. */
	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	catch(SIGUSR1, 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(poll(&f, 1, 10), 0);
	CHECK_ERR(ppoll(&f, 1, NULL, &none), EINTR);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(poll(&f, 1, 10), 0);		/* blocked again */
}

TEST(select_sets)
{
	struct timeval tv = { 5, 0 };
	fd_set r, w, e;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &e);
	CHECK_EQ(syscall(SYS_select, p[1] + 1, &r, &w, &e, &tv), 1);
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) &&
	    !FD_ISSET(p[0], &e));
	CHECK(tv.tv_sec == 4 || tv.tv_sec == 5);
	CHECK_EQ(write(p[1], "x", 1), 1);
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[1] + 1, &r, &w, NULL, NULL), 2);
	FD_ZERO(&r);
	FD_SET(200, &r);
	tv.tv_sec = 0;
	/* Beyond the highest descriptor the set is not looked at... */
	CHECK_EQ(select(100, &r, NULL, NULL, &tv), 0);
	FD_ZERO(&r);
	FD_SET(p[1] + 1, &r);
	CHECK_ERR(select(p[1] + 2, &r, NULL, NULL, &tv), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, &tv), EINVAL);
	tv.tv_sec = -1;
	CHECK_ERR(select(0, NULL, NULL, NULL, &tv), EINVAL);
	tv.tv_sec = 0;
	tv.tv_usec = 50000;
	CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), 0);
	CHECK(tv.tv_sec == 0 && tv.tv_usec == 0);
}

TEST(pselect_with_mask)
{
	struct timespec ts = { 10, 0 };
	sigset_t none, usr;

	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	catch(SIGUSR1, 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_ERR(pselect(0, NULL, NULL, NULL, &ts, &none), EINTR);
}

TEST(event_counters)
{
	uint64_t v = 7;
	struct pollfd f;
	int e = eventfd(3, EFD_NONBLOCK);

	CHECK_EQ(write(e, &v, 8), 8);
	CHECK_EQ(read(e, &v, 8), 8);
	CHECK_EQ(v, 10);
	CHECK_ERR(read(e, &v, 8), EAGAIN);
	CHECK_ERR(read(e, &v, 7), EINVAL);
	v = ~0ULL;
	CHECK_ERR(write(e, &v, 8), EINVAL);
	f = (struct pollfd){ e, POLLIN | POLLOUT, 0 };
	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents, POLLOUT);
	v = ~0ULL - 1;
	CHECK_EQ(write(e, &v, 8), 8);
	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents, POLLIN);
	e = eventfd(2, EFD_SEMAPHORE);
	CHECK_EQ(read(e, &v, 8), 8);
	CHECK_EQ(v, 1);
	CHECK_ERR(eventfd(0, 4), EINVAL);
}

static int
wait_one(int ep, int ms, unsigned int *events)
{
	struct epoll_event ev;
	int n = epoll_wait(ep, &ev, 1, ms);

	*events = n == 1 ? ev.events : 0;
	return n;
}

TEST(epoll_level_edge_oneshot)
{
	struct epoll_event ev = { .events = EPOLLIN };
	unsigned int got;
	char c;
	int p[2], ep = epoll_create1(EPOLL_CLOEXEC);

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	CHECK_EQ(wait_one(ep, 0, &got), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait_one(ep, 0, &got), 1);
	CHECK_EQ(got, EPOLLIN);
	CHECK_EQ(wait_one(ep, 0, &got), 1);
	ev.events = EPOLLIN | EPOLLET;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	CHECK_EQ(wait_one(ep, 0, &got), 1);
	CHECK_EQ(wait_one(ep, 0, &got), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait_one(ep, 0, &got), 1);
	ev.events = EPOLLIN | EPOLLONESHOT;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	CHECK_EQ(wait_one(ep, 0, &got), 1);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait_one(ep, 0, &got), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	CHECK_EQ(wait_one(ep, 0, &got), 1);
	ev.events = EPOLLIN;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	while (read(p[0], &c, 1) == 1 && wait_one(ep, 0, &got) == 1)
		continue;
	close(p[1]);
	CHECK_EQ(wait_one(ep, -1, &got), 1);
	CHECK_EQ(got, EPOLLHUP);
	close(p[0]);				/* leaves the set by itself */
	CHECK_EQ(wait_one(ep, 0, &got), 0);
}

TEST(epoll_errors)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int p[2], fd, ep = epoll_create1(0), ep2 = epoll_create1(0);

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &ev), EBADF);
	CHECK_ERR(epoll_ctl(99, EPOLL_CTL_ADD, p[0], &ev), EBADF);
	CHECK_ERR(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), ENOENT);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], &ev), ENOENT);
	CHECK_ERR(epoll_ctl(ep, 9, p[0], &ev), EINVAL);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	fd = open("/tmp", O_RDONLY);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), EPERM);
	CHECK_ERR(epoll_wait(ep, &ev, 0, 0), EINVAL);
	CHECK_ERR(epoll_wait(p[0], &ev, 1, 0), EINVAL);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &ev), 0);
	CHECK_ERR(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &ev), ELOOP);
}

TEST(epoll_many)
{
	enum { N = 100 };
	struct epoll_event ev, got[N];
	int fds[N], i, n, ep = epoll_create1(0);
	long long sum = 0;
	uint64_t one = 1;

	for (i = 0; i < N; i++) {
		fds[i] = eventfd(0, 0);
		ev.events = EPOLLIN;
		ev.data.u64 = (uint64_t)i * 0x100000001ULL;
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev), 0);
	}
	for (i = 0; i < N; i += 3)
		CHECK_EQ(write(fds[i], &one, 8), 8);
	n = epoll_wait(ep, got, N, 1000);
	CHECK_EQ(n, (N + 2) / 3);
	for (i = 0; i < n; i++) {
		CHECK_EQ(got[i].data.u64 >> 32, got[i].data.u64 & 0xffffffff);
		sum += (long long)(got[i].data.u64 & 0xffffffff);
	}
	CHECK_EQ(sum, 3 * 33 * 34 / 2);
}

/* All that are ready come at once, if there is room for them. */
TEST(epoll_hundreds_at_once)
{
	static struct epoll_event got[300];
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[200], n = (int)(sizeof(fd) / sizeof(fd[0]));
	int ep = epoll_create1(0);

	for (int i = 0; i < n; i++) {
		fd[i] = eventfd(1, 0);
		ev.data.u32 = (uint32_t)i;
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev), 0);
	}
	for (int turn = 0; turn < 2; turn++) {
		char seen[200] = { 0 };

		CHECK_EQ(epoll_wait(ep, got, 300, 0), n);
		for (int i = 0; i < n; i++)
			seen[got[i].data.u32]++;
		for (int i = 0; i < n; i++)
			CHECK_EQ(seen[i], 1);
	}
	CHECK_EQ(epoll_wait(ep, got, 150, 0), 150);
	for (int i = 0; i < n; i++)
		(void)close(fd[i]);
	CHECK_EQ(epoll_wait(ep, got, 300, 0), 0);
}

TEST(epoll_in_poll_and_signals)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd f;
	unsigned int got;
	pid_t pid;
	int p[2], ep = epoll_create1(0);

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	f = (struct pollfd){ ep, POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, 0), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(50);
		CHECK_EQ(write(p[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(poll(&f, 1, 10000), 1);
	reap(pid, 0);
	{
		char c;

		CHECK_EQ(read(p[0], &c, 1), 1);
	}
	catch(SIGALRM, 0);
	alarm(1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 10000), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(wait_one(ep, 20, &got), 0);
}
