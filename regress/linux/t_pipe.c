/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and named pipes.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <poll.h>

#include "tap.h"

static char big[1 << 20];

TEST(bytes_and_end_of_file)
{
	struct stat st;
	char buf[16];
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "hello", 5), 5);
	CHECK_EQ(read(p[0], buf, 3), 3);
	CHECK_EQ(read(p[0], buf, 16), 2);
	CHECK_EQ(fstat(p[0], &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERR(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(pread(p[0], buf, 1, 0), ESPIPE);
	CHECK_ERR(read(p[1], buf, 1), EBADF);
	CHECK_ERR(write(p[0], buf, 1), EBADF);
	CHECK_ERR(ftruncate(p[1], 0), EINVAL);
	CHECK_ERR(fsync(p[1]), EINVAL);
	CHECK_EQ(write(p[1], "", 0), 0);
	close(p[1]);
	CHECK_EQ(read(p[0], buf, 16), 0);
	close(p[0]);
	CHECK_ERR(syscall(SYS_pipe, 1L), EFAULT);
	CHECK_ERR(pipe2(p, 0x1), EINVAL);
}

TEST(capacity_and_nonblocking)
{
	int p[2], n;

	CHECK_EQ(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(p[0], F_GETFL), O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(p[1], F_GETFL), O_WRONLY | O_NONBLOCK);
	CHECK_ERR(read(p[0], big, 1), EAGAIN);
	CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	CHECK_EQ(write(p[1], big, sizeof(big)), 65536);
	CHECK_ERR(write(p[1], big, 1), EAGAIN);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 65536);
	CHECK_EQ(read(p[0], big, 4096), 4096);
	CHECK_EQ(write(p[1], big, 8192), 4096);
	CHECK_ERR(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY);
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 100000), 131072);
	CHECK_EQ(write(p[1], big, sizeof(big)), 65536);
	CHECK_EQ(read(p[0], big, sizeof(big)), 131072);
	/* Up to PIPE_BUF: all or nothing. */
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 4096), 4096);
	CHECK_EQ(write(p[1], big, 100), 100);
	CHECK_ERR(write(p[1], big, 4096), EAGAIN);
	close(p[0]);
	close(p[1]);
}

TEST(broken_pipe)
{
	pid_t pid;
	int p[2], status;

	CHECK_EQ(pipe(p), 0);
	close(p[0]);
	if ((pid = fork()) == 0) {
		(void)!write(p[1], "x", 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
}

TEST(a_megabyte_in_pieces)
{
	unsigned long sum = 0, want = 0;
	ssize_t n;
	pid_t pid;
	size_t i;
	int p[2];

	for (i = 0; i < sizeof(big); i++) {
		big[i] = (char)(i * 7 + i / 255);
		want += (unsigned char)big[i] * (i % 13 + 1);
	}
	CHECK_EQ(pipe(p), 0);
	if ((pid = fork()) == 0) {
		close(p[0]);
		for (i = 0; i < sizeof(big); i += (size_t)n) {
			n = write(p[1], big + i, i % 5000 + 1 >
			    sizeof(big) - i ? sizeof(big) - i : i % 5000 + 1);
			CHECK(n > 0);
		}
		_exit(0);
	}
	close(p[1]);
	memset(big, 0, sizeof(big));
	for (i = 0; (n = read(p[0], big + i, 3000)) > 0; i += (size_t)n)
		continue;
	CHECK_EQ(n, 0);
	CHECK_EQ(i, sizeof(big));
	for (i = 0; i < sizeof(big); i++)
		sum += (unsigned char)big[i] * (i % 13 + 1);
	CHECK_EQ(sum, want);
	reap(pid, 0);
}

TEST(short_writes_do_not_mix)
{
	enum { WRITERS = 4, LINES = 200 };
	char line[600], buf[600];
	int p[2], w, i, seen[WRITERS] = { 0 };
	size_t got;
	ssize_t n;

	CHECK_EQ(pipe(p), 0);
	for (w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			memset(line, 'a' + w, sizeof(line));
			for (i = 0; i < LINES; i++)
				CHECK_EQ(write(p[1], line, sizeof(line)),
				    sizeof(line));
			_exit(0);
		}
	close(p[1]);
	for (;;) {
		for (got = 0; got < sizeof(buf); got += (size_t)n) {
			n = read(p[0], buf + got, sizeof(buf) - got);
			if (n <= 0)
				break;
		}
		if (got == 0)
			break;
		CHECK_EQ(got, sizeof(buf));
		for (got = 1; got < sizeof(buf); got++)
			CHECK_EQ(buf[got], buf[0]);
		seen[buf[0] - 'a']++;
	}
	for (w = 0; w < WRITERS; w++) {
		CHECK_EQ(seen[w], LINES);
		CHECK(wait(NULL) > 0);
	}
}

TEST(ping_pong)
{
	int a[2], b[2], i;
	pid_t pid;
	char c;

	CHECK_EQ(pipe(a), 0);
	CHECK_EQ(pipe(b), 0);
	if ((pid = fork()) == 0) {
		close(a[1]);
		while (read(a[0], &c, 1) == 1)
			CHECK_EQ(write(b[1], &c, 1), 1);
		_exit(0);
	}
	close(a[0]);
	for (i = 0; i < 1000; i++) {
		c = (char)i;
		CHECK_EQ(write(a[1], &c, 1), 1);
		c = 0;
		CHECK_EQ(read(b[0], &c, 1), 1);
		CHECK_EQ(c, (char)i);
	}
	close(a[1]);
	reap(pid, 0);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

TEST(signals_end_waits)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int p[2];
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	alarm(1);
	CHECK_ERR(read(p[0], &c, 1), EINTR);
	alarm(1);
	CHECK_EQ(write(p[1], big, sizeof(big)), 65536);	/* what fit */
}

TEST(named_pipes)
{
	char name[] = "/tmp/t_pipe.XXXXXX", buf[8];
	int fd, w;
	pid_t pid;

	fd = mkstemp(name);
	close(fd);
	unlink(name);
	CHECK_EQ(mkfifo(name, 0600), 0);
	CHECK_ERR(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
	fd = open(name, O_RDONLY | O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, buf, 8), 0);		/* no writer: end of file */
	w = open(name, O_WRONLY | O_NONBLOCK);
	CHECK(w >= 0);
	CHECK_ERR(read(fd, buf, 8), EAGAIN);
	CHECK_EQ(write(w, "abc", 3), 3);
	CHECK_EQ(read(fd, buf, 8), 3);
	close(w);
	CHECK_EQ(read(fd, buf, 8), 0);
	close(fd);
	/* Two that wait for each other. */
	if ((pid = fork()) == 0) {
		w = open(name, O_WRONLY);
		CHECK_EQ(write(w, "rendezvous", 10), 10);
		_exit(0);
	}
	fd = open(name, O_RDONLY);
	CHECK_EQ(read(fd, buf, 8), 8);
	reap(pid, 0);
	CHECK_EQ(unlink(name), 0);
}

/* Nothing waits for a peer that has gone: bash's <(command) needs it. */
TEST(opened_again_when_the_peer_has_gone)
{
	char name[64], c;
	int p[2], fd;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	close(p[1]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	alarm(5);
	fd = open(name, O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(read(fd, &c, 1), 0);
	close(fd);
	close(p[0]);

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(pipe(p), 0);
	close(p[0]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[1]);
	fd = open(name, O_WRONLY);
	CHECK(fd >= 0);
	CHECK_ERR(write(fd, "x", 1), EPIPE);
	close(fd);
	fd = open(name, O_WRONLY | O_NONBLOCK);
	CHECK(fd >= 0);
	close(fd);
	close(p[1]);
	alarm(0);
}

TEST(opened_again_through_proc)
{
	char name[64], c;
	int p[2], fd;

	CHECK_EQ(pipe(p), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[1]);
	fd = open(name, O_WRONLY);
	CHECK(fd >= 0);
	close(p[1]);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	close(fd);
	CHECK_EQ(read(p[0], &c, 1), 0);
	CHECK(readlink("/proc/self/fd/0", name, sizeof(name)) > 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	{
		char link[64];
		ssize_t n = readlink(name, link, sizeof(link));

		CHECK(n > 6 && memcmp(link, "pipe:[", 6) == 0);
	}
}

/* Writers that are gone again before the reader has seen that they came. */
TEST(writers_that_come_and_go_while_a_reader_opens)
{
	char name[32];
	pid_t pid;
	int i, fd;
	char c;

	snprintf(name, sizeof(name), "hasty%d", getpid());
	CHECK_EQ(mkfifo(name, 0600), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 1000; i++) {
			fd = open(name, O_WRONLY);
			if (fd < 0)
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	/* Each open of ours lets one of the writer's go on, or more. */
	while (waitpid(pid, &i, WNOHANG) == 0) {
		fd = open(name, O_RDONLY | O_NONBLOCK);
		CHECK(fd >= 0);
		CHECK(read(fd, &c, 1) <= 0);
		close(fd);
	}
	CHECK_EQ(i, 0);
	for (i = 0; i < 200; i++) {
		pid = fork();
		if (pid == 0) {
			fd = open(name, O_WRONLY);
			_exit(fd < 0 || write(fd, "v", 1) != 1);
		}
		fd = open(name, O_RDONLY);
		CHECK(fd >= 0);
		CHECK_EQ(read(fd, &c, 1), 1);
		close(fd);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	unlink(name);
}
