/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/stat.h>

#include "tap.h"

static char name[40];

static mqd_t
fresh(int flags, long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	mqd_t q;

	snprintf(name, sizeof(name), "/t_mqueue.%d", (int)getpid());
	q = mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr);
	CHECK(q != -1);
	return q;
}

static struct timespec
from_now(long ms)
{
	long long t = now_ns(CLOCK_REALTIME) + ms * 1000000LL;

	return (struct timespec){ t / 1000000000, t % 1000000000 };
}

TEST(order)
{
	mqd_t q = fresh(0, 5, 16);
	char buf[16];
	unsigned int prio;
	static const char *const msgs[] = { "a1", "b5", "c1", "d9", "e5" };
	static const char want[] = "dbeac";

	for (int i = 0; i < 5; i++)
		CHECK_EQ(mq_send(q, msgs[i], 2, (unsigned int)(msgs[i][1] -
		    '0')), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), &prio), 2);
		CHECK_EQ(buf[0], want[i]);
		CHECK_EQ(prio, buf[1] - '0');
	}
	CHECK_EQ(mq_send(q, NULL, 0, 0), 0);
	CHECK_EQ(mq_receive(q, buf, sizeof(buf), NULL), 0);
	CHECK_EQ(mq_close(q), 0);
	CHECK_EQ(mq_unlink(name), 0);
}

TEST(names_and_rights)
{
	mqd_t q = fresh(0, 2, 8), r;
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 8 };
	char longname[300] = "/";

	CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL),
	    EEXIST);
	CHECK_ERR(mq_open("/t_mqueue.none", O_RDWR), ENOENT);
	CHECK_ERR(mq_open("/t_mqueue.bad", O_CREAT | O_RDWR, 0600, &bad),
	    EINVAL);
	memset(longname + 1, 'x', sizeof(longname) - 2);
	CHECK_ERR(mq_open(longname, O_CREAT | O_RDWR, 0600, NULL),
	    ENAMETOOLONG);
	CHECK_ERR(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL),
	    EACCES);
	r = mq_open(name, O_RDONLY);
	CHECK(r != -1);
	CHECK_ERR(mq_send(r, "x", 1, 0), EBADF);
	mq_close(r);
	r = mq_open(name, O_WRONLY);
	CHECK_ERR(mq_receive(r, longname, sizeof(longname), NULL), EBADF);
	mq_close(r);
	CHECK_EQ(mq_unlink(name), 0);
	CHECK_ERR(mq_unlink(name), ENOENT);
	CHECK_EQ(mq_send(q, "x", 1, 0), 0);	/* it is still there */
	CHECK_ERR(mq_send(0, "x", 1, 0), EBADF);
}

TEST(limits_and_time)
{
	mqd_t q = fresh(O_NONBLOCK, 2, 8);
	struct mq_attr attr, old;
	struct timespec ts, bad = { 0, 1000000000 };
	char buf[8];
	long long t;

	CHECK_EQ(mq_getattr(q, &attr), 0);
	CHECK(attr.mq_flags == O_NONBLOCK && attr.mq_maxmsg == 2 &&
	    attr.mq_msgsize == 8 && attr.mq_curmsgs == 0);
	CHECK_ERR(mq_receive(q, buf, 8, NULL), EAGAIN);
	CHECK_ERR(mq_receive(q, buf, 7, NULL), EMSGSIZE);
	CHECK_ERR(mq_send(q, "123456789", 9, 0), EMSGSIZE);
	CHECK_ERR(mq_send(q, "1", 1, 32768), EINVAL);
	CHECK_EQ(mq_send(q, "1", 1, 32767), 0);
	CHECK_EQ(mq_send(q, "2", 1, 0), 0);
	CHECK_ERR(mq_send(q, "3", 1, 0), EAGAIN);
	attr.mq_flags = 0;
	CHECK_EQ(mq_setattr(q, &attr, &old), 0);
	CHECK(old.mq_flags == O_NONBLOCK && old.mq_curmsgs == 2);
	ts = from_now(50);
	t = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(mq_timedsend(q, "3", 1, 0, &ts), ETIMEDOUT);
	CHECK(now_ns(CLOCK_MONOTONIC) - t >= 45000000);
	CHECK_ERR(mq_timedsend(q, "3", 1, 0, &bad), EINVAL);
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
	ts = from_now(-1000);
	CHECK_ERR(mq_timedreceive(q, buf, 8, NULL, &ts), ETIMEDOUT);
	attr.mq_flags = O_APPEND;
	CHECK_ERR(mq_setattr(q, &attr, NULL), EINVAL);
	mq_unlink(name);
}

TEST(between_processes)
{
	mqd_t q = fresh(0, 1, 8);
	struct pollfd pfd = { .fd = q, .events = POLLIN | POLLOUT };
	char buf[8];
	pid_t pid;

	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(pfd.revents, POLLOUT);
	if ((pid = fork()) == 0) {
		for (int i = 0; i < 20; i++) {
			buf[0] = (char)i;
			CHECK_EQ(mq_send(q, buf, 1, 0), 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
		CHECK_EQ(buf[0], i);
	}
	reap(pid, 0);
	CHECK_EQ(mq_send(q, "x", 1, 0), 0);
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(pfd.revents, POLLIN);
	mq_unlink(name);
}

static volatile int got, got_value, got_code;

static void
on_message(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	got = signo;
	got_value = si->si_value.sival_int;
	got_code = si->si_code;
}

TEST(notice)
{
	mqd_t q = fresh(0, 4, 8);
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1 };
	struct sigaction sa = { .sa_sigaction = on_message,
		.sa_flags = SA_SIGINFO };
	char buf[8];
	pid_t pid;

	ev.sigev_value.sival_int = 4711;
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(mq_notify(q, &ev), 0);
	CHECK_ERR(mq_notify(q, &ev), EBUSY);
	CHECK_EQ(mq_send(q, "1", 1, 0), 0);
	CHECK(got == SIGUSR1 && got_value == 4711 && got_code == SI_MESGQ);
	/* Once only, and only when the queue was empty. */
	got = 0;
	CHECK_EQ(mq_notify(q, &ev), 0);
	CHECK_EQ(mq_send(q, "2", 1, 0), 0);
	CHECK_EQ(got, 0);
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
	CHECK_EQ(mq_notify(q, NULL), 0);
	ev.sigev_signo = 0;	/* not told, but nobody else is */
	CHECK_EQ(mq_notify(q, &ev), 0);
	ev.sigev_signo = SIGUSR1;
	CHECK_ERR(mq_notify(q, &ev), EBUSY);
	CHECK_EQ(mq_notify(q, NULL), 0);
	CHECK_EQ(mq_send(q, "3", 1, 0), 0);
	CHECK_EQ(got, 0);
	/* One that is gone is in nobody's way. */
	if ((pid = fork()) == 0) {
		CHECK_EQ(mq_notify(q, &ev), 0);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(mq_notify(q, &ev), 0);
	mq_unlink(name);
}

/* Another process has the queue too, so it stays open. */
TEST(notice_ends_with_the_descriptor)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGUSR1 };
	mqd_t q = fresh(0, 2, 8), again;
	pid_t pid;

	if ((pid = fork()) == 0)
		for (;;)
			pause();
	CHECK((again = mq_open(name, O_RDWR)) != -1);
	CHECK_EQ(mq_notify(q, &ev), 0);
	CHECK_ERR(mq_notify(again, &ev), EBUSY);
	CHECK_EQ(mq_close(q), 0);
	CHECK_EQ(mq_notify(again, &ev), 0);
	CHECK_EQ(mq_close(again), 0);
	CHECK_EQ(mq_unlink(name), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}
