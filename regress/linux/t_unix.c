/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of AF_UNIX.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "tap.h"

static char big[1 << 20];

static int
ready(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void
pair(int type, int sv[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type, 0, sv), 0);
}

/* An abstract name that only this test has. */
static socklen_t
abstract(struct sockaddr_un *sun, const char *name)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1, "domus-%d-%s",
	    (int)getpid(), name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    strlen(sun->sun_path + 1));
}

static int
listener(int type, struct sockaddr_un *sun, socklen_t len, int backlog)
{
	int s = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	CHECK(s >= 0);
	CHECK_EQ(bind(s, (struct sockaddr *)sun, len), 0);
	CHECK_EQ(listen(s, backlog), 0);
	return s;
}

TEST(a_pair_of_streams)
{
	struct stat st;
	char buf[64], link[64];
	int sv[2], n;

	pair(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, sv);
	CHECK_EQ(fcntl(sv[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(sv[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fstat(sv[0], &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_ERR(lseek(sv[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(read(sv[0], buf, 1), EAGAIN);
	CHECK_EQ(ready(sv[0], POLLIN | POLLOUT), POLLOUT);
	CHECK_EQ(write(sv[0], "hello ", 6), 6);
	CHECK_EQ(send(sv[0], "world", 5, 0), 5);
	CHECK_EQ(ready(sv[1], POLLIN | POLLOUT), POLLIN | POLLOUT);
	CHECK_EQ(ioctl(sv[1], FIONREAD, &n), 0);
	CHECK_EQ(n, 11);
	CHECK_EQ(recv(sv[1], buf, 4, MSG_PEEK), 4);
	CHECK_EQ(recv(sv[1], buf, sizeof(buf), MSG_PEEK), 11);
	CHECK(memcmp(buf, "hello world", 11) == 0);
	CHECK_EQ(read(sv[1], buf, 3), 3);
	CHECK_EQ(read(sv[1], buf, sizeof(buf)), 8);
	CHECK(memcmp(buf, "lo world", 8) == 0);
	CHECK_EQ(write(sv[1], "back", 4), 4);
	CHECK_EQ(read(sv[0], buf, sizeof(buf)), 4);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sv[0]);
	n = (int)readlink(link, buf, sizeof(buf) - 1);
	CHECK(n > 0);
	CHECK(memcmp(buf, "socket:[", 8) == 0);
	CHECK_ERR(open(link, O_RDWR), ENXIO);
}

TEST(ends_of_a_stream)
{
	char buf[8];
	int sv[2];

	signal(SIGPIPE, SIG_IGN);
	pair(SOCK_STREAM, sv);
	CHECK_EQ(write(sv[0], "last", 4), 4);
	close(sv[0]);
	CHECK_EQ(ready(sv[1], POLLIN | POLLRDHUP),
	    POLLIN | POLLRDHUP | POLLHUP);
	CHECK_EQ(read(sv[1], buf, 8), 4);
	CHECK_EQ(read(sv[1], buf, 8), 0);
	CHECK_EQ(read(sv[1], buf, 8), 0);
	CHECK_ERR(write(sv[1], "x", 1), EPIPE);
	CHECK_ERR(send(sv[1], "x", 1, MSG_NOSIGNAL), EPIPE);

	pair(SOCK_STREAM, sv);
	CHECK_EQ(shutdown(sv[0], SHUT_WR), 0);
	CHECK_EQ(read(sv[1], buf, 8), 0);
	CHECK_ERR(write(sv[0], "x", 1), EPIPE);
	CHECK_EQ(write(sv[1], "still", 5), 5);
	CHECK_EQ(read(sv[0], buf, 8), 5);
	CHECK_EQ(ready(sv[0], POLLIN | POLLRDHUP), 0);
	CHECK_EQ(ready(sv[1], POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	CHECK_EQ(shutdown(sv[0], SHUT_RD), 0);
	CHECK_ERR(write(sv[1], "x", 1), EPIPE);
	CHECK_EQ(read(sv[0], buf, 8), 0);
	CHECK_ERR(shutdown(sv[0], 3), EINVAL);

	/* What nobody read is lost, and the other side learns of it. */
	pair(SOCK_STREAM, sv);
	CHECK_EQ(write(sv[0], "lost", 4), 4);
	close(sv[1]);
	CHECK_ERR(read(sv[0], buf, 8), ECONNRESET);
	CHECK_EQ(read(sv[0], buf, 8), 0);
}

static volatile sig_atomic_t pipes;

static void
on_pipe(int signo)
{
	(void)signo;
	pipes++;
}

TEST(sigpipe)
{
	int sv[2];

	signal(SIGPIPE, on_pipe);
	pair(SOCK_STREAM, sv);
	close(sv[1]);
	CHECK_ERR(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(pipes, 0);
	CHECK_ERR(write(sv[0], "x", 1), EPIPE);
	CHECK_EQ(pipes, 1);
}

TEST(flow_control)
{
	int sv[2], sum, want;
	ssize_t n, total = 0, got = 0;
	pid_t pid;

	pair(SOCK_STREAM | SOCK_NONBLOCK, sv);
	while ((n = write(sv[0], big, sizeof(big))) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK(total >= 65536 && total < 1000000);
	CHECK_EQ(ready(sv[0], POLLOUT), 0);
	while ((n = read(sv[1], big, sizeof(big))) > 0)
		got += n;
	CHECK_EQ(got, total);
	CHECK_EQ(ready(sv[0], POLLOUT), POLLOUT);

	/* A writer that waits, and a reader. */
	pair(SOCK_STREAM, sv);
	if ((pid = fork()) == 0) {
		close(sv[1]);
		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = (char)(i * 11 + i / 7);
		CHECK_EQ(write(sv[0], big, sizeof(big)), sizeof(big));
		_exit(0);
	}
	close(sv[0]);
	for (got = 0, sum = want = 0;; got += n) {
		static char part[5000];

		n = read(sv[1], part, sizeof(part));
		CHECK(n >= 0);
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			size_t k = (size_t)(got + i);

			sum += part[i];
			want += (char)(k * 11 + k / 7);
		}
	}
	CHECK_EQ(got, sizeof(big));
	CHECK_EQ(sum, want);
	reap(pid, 0);
}

TEST(datagrams_keep_their_bounds)
{
	char buf[16];
	int sv[2], n;
	struct msghdr mh = { 0 };
	struct iovec iov = { buf, 2 };

	pair(SOCK_DGRAM, sv);
	CHECK_EQ(write(sv[0], "one", 3), 3);
	CHECK_EQ(write(sv[0], "", 0), 0);
	CHECK_EQ(write(sv[0], "three", 5), 5);
	CHECK_EQ(ioctl(sv[1], FIONREAD, &n), 0);
	CHECK_EQ(n, 3);
	CHECK_EQ(read(sv[1], buf, 16), 3);
	CHECK_EQ(recv(sv[1], buf, 16, 0), 0);
	CHECK_EQ(recv(sv[1], buf, 2, MSG_PEEK | MSG_TRUNC), 5);
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	CHECK_EQ(recvmsg(sv[1], &mh, 0), 2);
	CHECK_EQ(mh.msg_flags & MSG_TRUNC, MSG_TRUNC);
	CHECK_ERR(recv(sv[1], buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_ERR(send(sv[0], big, sizeof(big), 0), EMSGSIZE);
	close(sv[1]);
	CHECK_ERR(write(sv[0], "x", 1), ECONNREFUSED);
}

TEST(packets_in_sequence)
{
	char buf[16];
	int sv[2];

	signal(SIGPIPE, SIG_IGN);
	pair(SOCK_SEQPACKET, sv);
	CHECK_EQ(write(sv[0], "one", 3), 3);
	CHECK_EQ(write(sv[0], "two2", 4), 4);
	CHECK_EQ(read(sv[1], buf, 16), 3);
	CHECK_EQ(read(sv[1], buf, 2), 2);
	CHECK_ERR(recv(sv[1], buf, 16, MSG_DONTWAIT), EAGAIN);
	close(sv[0]);
	CHECK_EQ(read(sv[1], buf, 16), 0);
	CHECK_ERR(write(sv[1], "x", 1), EPIPE);
}

TEST(connect_and_accept_by_path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX }, from;
	socklen_t len = sizeof(sun);
	struct stat st;
	char buf[8];
	int ls, c, a, on;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/t_unix.%d",
	    (int)getpid());
	umask(022);
	ls = listener(SOCK_STREAM, &sun, sizeof(sun), 5);
	CHECK_EQ(stat(sun.sun_path, &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_EQ(st.st_mode & 0777, 0755);
	CHECK_ERR(open(sun.sun_path, O_RDWR), ENXIO);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(ready(c, POLLIN | POLLOUT), POLLOUT | POLLHUP);
	CHECK_ERR(bind(c, (struct sockaddr *)&sun, sizeof(sun)), EADDRINUSE);
	a = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERR(connect(a, (struct sockaddr *)&sun, sizeof(sun)),
	    EPROTOTYPE);
	close(a);
	CHECK_ERR(accept(c, NULL, NULL), EINVAL);
	CHECK_ERR(send(c, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	CHECK_ERR(getpeername(c, (struct sockaddr *)&from, &len), ENOTCONN);
	CHECK_EQ(ready(ls, POLLIN), 0);
	CHECK_EQ(connect(c, (struct sockaddr *)&sun, sizeof(sun)), 0);
	CHECK_ERR(connect(c, (struct sockaddr *)&sun, sizeof(sun)), EISCONN);
	CHECK_EQ(ready(ls, POLLIN), POLLIN);
	CHECK_EQ(write(c, "early", 5), 5);
	len = sizeof(from);
	a = accept4(ls, (struct sockaddr *)&from, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(a >= 0);
	CHECK_EQ(len, 2);			/* it has no name */
	CHECK_EQ(from.sun_family, AF_UNIX);
	CHECK_EQ(read(a, buf, 8), 5);
	len = sizeof(from);
	CHECK_EQ(getpeername(c, (struct sockaddr *)&from, &len), 0);
	CHECK(strcmp(from.sun_path, sun.sun_path) == 0);
	CHECK_EQ(len, offsetof(struct sockaddr_un, sun_path) +
	    strlen(sun.sun_path) + 1);
	len = sizeof(from);
	CHECK_EQ(getsockname(a, (struct sockaddr *)&from, &len), 0);
	CHECK(strcmp(from.sun_path, sun.sun_path) == 0);
	len = sizeof(on);
	CHECK_EQ(getsockopt(ls, SOL_SOCKET, SO_ACCEPTCONN, &on, &len), 0);
	CHECK_EQ(on, 1);
	CHECK_ERR(syscall(SYS_accept4, ls, NULL, NULL, 0x80), EINVAL);
	CHECK_EQ(fcntl(ls, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_ERR(accept(ls, NULL, NULL), EAGAIN);
	close(ls);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERR(connect(c, (struct sockaddr *)&sun, sizeof(sun)),
	    ECONNREFUSED);
	CHECK_EQ(unlink(sun.sun_path), 0);
	CHECK_ERR(connect(c, (struct sockaddr *)&sun, sizeof(sun)), ENOENT);
}

TEST(abstract_names)
{
	struct sockaddr_un sun, got;
	socklen_t len = abstract(&sun, "a"), glen = sizeof(got);
	int ls = listener(SOCK_STREAM, &sun, len, 1), c, d, e;

	CHECK_EQ(getsockname(ls, (struct sockaddr *)&got, &glen), 0);
	CHECK_EQ(glen, len);
	CHECK(memcmp(&got, &sun, len) == 0);
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERR(connect(c, (struct sockaddr *)&sun, len), ECONNREFUSED);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERR(connect(c, (struct sockaddr *)&sun, len - 1), ECONNREFUSED);
	CHECK_EQ(connect(c, (struct sockaddr *)&sun, len), 0);
	d = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQ(connect(d, (struct sockaddr *)&sun, len), 0);
	e = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERR(connect(e, (struct sockaddr *)&sun, len), EAGAIN);
	close(ls);
	CHECK_ERR(read(c, &got, 1), ECONNRESET);
	CHECK_ERR(connect(e, (struct sockaddr *)&sun, len), ECONNREFUSED);
	/* A family alone: a name is chosen. */
	sun.sun_family = AF_UNIX;
	CHECK_EQ(bind(e, (struct sockaddr *)&sun, 2), 0);
	glen = sizeof(got);
	CHECK_EQ(getsockname(e, (struct sockaddr *)&got, &glen), 0);
	CHECK_EQ(glen, 8);
	CHECK_EQ(got.sun_path[0], 0);
	/* Again: as it is. */
	CHECK_EQ(bind(e, (struct sockaddr *)&sun, 2), 0);
}

TEST(a_connect_waits_for_the_backlog)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, "b");
	int ls = listener(SOCK_STREAM, &sun, len, 0), c[2];
	pid_t pid;

	for (int i = 0; i < 2; i++)
		CHECK((c[i] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	CHECK_EQ(connect(c[0], (struct sockaddr *)&sun, len), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(50);
		CHECK(accept(ls, NULL, NULL) >= 0);
		CHECK(accept(ls, NULL, NULL) >= 0);
		_exit(0);
	}
	CHECK_EQ(connect(c[1], (struct sockaddr *)&sun, len), 0);
	reap(pid, 0);
}

TEST(datagrams_by_name)
{
	struct sockaddr_un a, b, from;
	socklen_t alen = abstract(&a, "da"), blen = abstract(&b, "db");
	socklen_t len = sizeof(from);
	char buf[16];
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	int t = socket(AF_UNIX, SOCK_DGRAM, 0), u, n;

	CHECK_EQ(bind(s, (struct sockaddr *)&a, alen), 0);
	CHECK_ERR(bind(t, (struct sockaddr *)&a, alen), EADDRINUSE);
	CHECK_EQ(bind(t, (struct sockaddr *)&b, blen), 0);
	CHECK_ERR(send(t, "x", 1, 0), ENOTCONN);
	CHECK_EQ(sendto(t, "hi", 2, 0, (struct sockaddr *)&a, alen), 2);
	CHECK_EQ(recvfrom(s, buf, 16, 0, (struct sockaddr *)&from, &len), 2);
	CHECK_EQ(len, blen);
	CHECK(memcmp(&from, &b, blen) == 0);
	CHECK_ERR(listen(s, 1), EOPNOTSUPP);
	CHECK_EQ(connect(t, (struct sockaddr *)&a, alen), 0);
	CHECK_EQ(send(t, "yo", 2, 0), 2);
	CHECK_EQ(recv(s, buf, 16, 0), 2);
	/* Connected to another: only that one may send. */
	CHECK_EQ(connect(s, (struct sockaddr *)&b, blen), 0);
	u = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERR(sendto(u, "no", 2, 0, (struct sockaddr *)&a, alen), EPERM);
	a.sun_family = AF_UNSPEC;
	CHECK_EQ(connect(s, (struct sockaddr *)&a, 2), 0);
	a.sun_family = AF_UNIX;
	/* A queue holds only so many. */
	CHECK_EQ(fcntl(u, F_SETFL, O_NONBLOCK), 0);
	for (n = 0; n < 1000; n++)
		if (sendto(u, "x", 1, 0, (struct sockaddr *)&a, alen) < 0)
			break;
	CHECK_EQ(errno, EAGAIN);
	CHECK(n > 5);
	len = sizeof(from);
	CHECK_EQ(recvfrom(s, buf, 16, 0, (struct sockaddr *)&from, &len), 1);
	CHECK_EQ(len, 0);
	close(s);
	CHECK_ERR(send(t, "x", 1, 0), ECONNREFUSED);
}

/* Send n descriptors with a byte. */
static void
send_fds(int s, const int *fds, int n, int flags)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} c;
	struct iovec iov = { (char[]){ 'f' }, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &c, .msg_controllen = CMSG_SPACE((size_t)n * 4) };

	memset(&c, 0, sizeof(c));
	c.h.cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&c.h), fds, (size_t)n * sizeof(int));
	CHECK_EQ(sendmsg(s, &mh, flags), 1);
}

/* How many came. */
static int
recv_fds(int s, int *fds, size_t room, int flags, int *outflags)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} c;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &c, .msg_controllen = room };
	int n;

	CHECK_EQ(recvmsg(s, &mh, flags), 1);
	*outflags = mh.msg_flags;
	if (CMSG_FIRSTHDR(&mh) == NULL)
		return 0;
	CHECK_EQ(c.h.cmsg_level, SOL_SOCKET);
	CHECK_EQ(c.h.cmsg_type, SCM_RIGHTS);
	n = (int)((c.h.cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(&c.h), (size_t)n * sizeof(int));
	return n;
}

TEST(descriptors_are_passed)
{
	int sv[2], p[2], got[8], flags, fds[3];
	struct pollfd pf;
	char buf[8];

	pair(SOCK_STREAM, sv);
	CHECK_EQ(pipe(p), 0);
	send_fds(sv[0], p, 2, 0);
	CHECK_EQ(write(sv[0], "more", 4), 4);
	close(p[1]);
	CHECK_EQ(recv_fds(sv[1], got, CMSG_SPACE(2 * sizeof(int)), 0, &flags),
	    2);
	CHECK_EQ(flags, 0);
	CHECK_EQ(fcntl(got[0], F_GETFD), 0);
	CHECK_EQ(write(got[1], "through", 7), 7);
	CHECK_EQ(read(p[0], buf, 8), 7);
	CHECK_EQ(read(sv[1], buf, 8), 4);
	close(got[1]);
	CHECK_EQ(read(p[0], buf, 8), 0);
	/* Close on exec; too little room. */
	fds[0] = fds[1] = fds[2] = got[0];
	send_fds(sv[0], fds, 3, 0);
	CHECK_EQ(recv_fds(sv[1], got, CMSG_LEN(2 * sizeof(int)),
	    MSG_CMSG_CLOEXEC, &flags), 2);
	CHECK_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
	CHECK_EQ(fcntl(got[1], F_GETFD), FD_CLOEXEC);
	/* A plain read drops them: the pipe's last writer goes. */
	CHECK_EQ(pipe(p), 0);
	send_fds(sv[0], &p[1], 1, 0);
	close(p[1]);
	pf.fd = p[0];
	pf.events = POLLIN;
	CHECK_EQ(poll(&pf, 1, 0), 0);
	CHECK_EQ(read(sv[1], buf, 1), 1);
	CHECK_EQ(poll(&pf, 1, 5000), 1);
	CHECK_EQ(pf.revents, POLLHUP);
	/* So does closing the socket. */
	CHECK_EQ(pipe(p), 0);
	send_fds(sv[0], &p[1], 1, 0);
	close(p[1]);
	close(sv[1]);
	pf.fd = p[0];
	CHECK_EQ(poll(&pf, 1, 5000), 1);
	CHECK_EQ(pf.revents, POLLHUP);
}

TEST(bad_control_data)
{
	union {
		struct cmsghdr h;
		char buf[64];
	} c;
	struct iovec iov = { (char[]){ 'f' }, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &c, .msg_controllen = sizeof(c) };
	int sv[2];

	pair(SOCK_DGRAM, sv);
	memset(&c, 0, sizeof(c));
	CHECK_ERR(sendmsg(sv[0], &mh, 0), EINVAL);	/* length 0 */
	c.h.cmsg_len = 4000;
	CHECK_ERR(sendmsg(sv[0], &mh, 0), EINVAL);
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = 77;
	CHECK_ERR(sendmsg(sv[0], &mh, 0), EINVAL);
	c.h.cmsg_type = SCM_RIGHTS;
	*(int *)(void *)CMSG_DATA(&c.h) = 999;
	CHECK_ERR(sendmsg(sv[0], &mh, 0), EBADF);
	/* By number: a C library may look at these itself. */
	mh.msg_control = (void *)1;
	CHECK_ERR(syscall(SYS_sendmsg, sv[0], &mh, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sendmsg, sv[0], 1L, 0), EFAULT);
	mh.msg_control = NULL;
	mh.msg_controllen = 0;
	mh.msg_iovlen = 5000;
	CHECK_ERR(syscall(SYS_sendmsg, sv[0], &mh, 0), EMSGSIZE);
}

/* Sockets that refer to one another and to nobody else. */
TEST(unreachable_sockets_are_collected)
{
	int sv[2], p[2], fds[2];
	struct pollfd pf;

	CHECK_EQ(pipe(p), 0);
	pair(SOCK_DGRAM, sv);
	fds[0] = sv[1];
	fds[1] = p[1];
	send_fds(sv[0], fds, 2, 0);
	fds[0] = sv[0];
	send_fds(sv[1], fds, 1, 0);
	close(p[1]);
	close(sv[0]);
	close(sv[1]);
	/* Any other socket that is closed has them looked for. */
	pair(SOCK_DGRAM, sv);
	close(sv[0]);
	close(sv[1]);
	pf.fd = p[0];
	pf.events = POLLIN;
	CHECK_EQ(poll(&pf, 1, 5000), 1);
	CHECK_EQ(pf.revents, POLLHUP);
}

TEST(sockets_in_sockets)
{
	int outer[2], inner[2], got[8], flags, prev, next[2];
	char c;

	pair(SOCK_STREAM, outer);
	pair(SOCK_STREAM, inner);
	send_fds(outer[0], &inner[1], 1, 0);
	close(inner[1]);
	CHECK_EQ(write(inner[0], "q", 1), 1);
	CHECK_EQ(recv_fds(outer[1], got, CMSG_SPACE(4), 0, &flags), 1);
	CHECK_EQ(read(got[0], &c, 1), 1);
	CHECK_EQ(c, 'q');
	/* A long chain, each in the queue of the next; then all go. */
	prev = got[0];
	for (int i = 0; i < 200; i++) {
		pair(SOCK_STREAM, next);
		send_fds(next[0], &prev, 1, 0);
		close(prev);
		close(next[0]);
		prev = next[1];
	}
	close(prev);
	pair(SOCK_STREAM, next);
	for (int i = 0; i < 500 && ready(inner[0], POLLRDHUP) == 0; i++)
		sleep_ms(10);
	CHECK((ready(inner[0], POLLRDHUP) & POLLRDHUP) != 0);
}

TEST(credentials)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(sizeof(struct ucred))];
	} c;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &c, .msg_controllen = sizeof(c) };
	struct ucred uc;
	socklen_t len = sizeof(uc);
	int sv[2], on = 1;
	pid_t pid;

	pair(SOCK_STREAM, sv);
	CHECK_EQ(getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &uc, &len), 0);
	CHECK_EQ(len, sizeof(uc));
	CHECK_EQ(uc.pid, getpid());
	CHECK_EQ(uc.uid, geteuid());
	CHECK_EQ(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)),
	    0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(write(sv[0], "c", 1), 1);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(recvmsg(sv[1], &mh, 0), 1);
	CHECK_EQ(c.h.cmsg_type, SCM_CREDENTIALS);
	memcpy(&uc, CMSG_DATA(&c.h), sizeof(uc));
	CHECK_EQ(uc.pid, pid);
	CHECK_EQ(uc.uid, getuid());
	CHECK_EQ(uc.gid, getgid());
	/* Said by the sender, who may only tell the truth. */
	uc.pid = getpid();
	memcpy(CMSG_DATA(&c.h), &uc, sizeof(uc));
	mh.msg_controllen = CMSG_SPACE(sizeof(uc));
	CHECK_EQ(sendmsg(sv[0], &mh, 0), 1);
	CHECK_EQ(recvmsg(sv[1], &mh, 0), 1);
	memcpy(&uc, CMSG_DATA(&c.h), sizeof(uc));
	CHECK_EQ(uc.pid, getpid());
	if (geteuid() == 0 && fork() == 0) {
		CHECK_EQ(setresuid(1000, 1000, 1000), 0);
		uc.pid = getpid();
		uc.uid = 0;
		memcpy(CMSG_DATA(&c.h), &uc, sizeof(uc));
		CHECK_ERR(sendmsg(sv[0], &mh, 0), EPERM);
		_exit(0);
	} else if (geteuid() == 0) {
		int st;

		CHECK(wait(&st) > 0);
		CHECK_EQ(st, 0);
	}
}

TEST(the_peer_of_a_connection)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, "p"), ulen = sizeof(struct ucred);
	int ls = listener(SOCK_STREAM, &sun, len, 1), c, a, fd[2];
	struct ucred uc;
	pid_t pid;

	CHECK_EQ(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK_EQ(connect(c, (struct sockaddr *)&sun, len), 0);
		CHECK_EQ(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &ulen),
		    0);
		CHECK_EQ(uc.pid, getppid());
		CHECK_EQ(read(fd[0], &c, 1), 1);
		_exit(0);
	}
	a = accept(ls, NULL, NULL);
	CHECK(a >= 0);
	CHECK_EQ(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &uc, &ulen), 0);
	CHECK_EQ(uc.pid, pid);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	reap(pid, 0);
}

TEST(options)
{
	struct timeval tv = { 0, 50000 };
	struct linger lin = { 1, 5 };
	socklen_t len = sizeof(int);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), v, sv[2], p[2];
	long long t0;
	char c;

	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len), 0);
	CHECK_EQ(v, SOCK_STREAM);
	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_DOMAIN, &v, &len), 0);
	CHECK_EQ(v, AF_UNIX);
	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_ERROR, &v, &len), 0);
	CHECK_EQ(v, 0);
	v = 10000;
	CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)), 0);
	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, &len), 0);
	CHECK_EQ(v, 20000);
	v = 1;
	CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)), 0);
	v = 0;
	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, &len), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin)), 0);
	CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, 2), EINVAL);
	CHECK_ERR(setsockopt(s, SOL_SOCKET, 9999, &v, sizeof(v)), ENOPROTOOPT);
	CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (void *)1,
	    sizeof(v)), EFAULT);
	CHECK_ERR(getsockopt(s, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	pair(SOCK_STREAM, sv);
	CHECK_EQ(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)),
	    0);
	t0 = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(read(sv[0], &c, 1), EAGAIN);
	CHECK(now_ns(CLOCK_MONOTONIC) - t0 >= 50000000);
	CHECK_EQ(setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)),
	    0);
	CHECK(write(sv[0], big, sizeof(big)) > 0);
	CHECK_ERR(write(sv[0], big, sizeof(big)), EAGAIN);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &len), ENOTSOCK);
	CHECK_ERR(getsockopt(99, SOL_SOCKET, SO_TYPE, &v, &len), EBADF);
}

TEST(what_there_is_not)
{
	int sv[2];

	CHECK_ERR(socket(AF_UNIX, 9, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, 77, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
	CHECK_ERR(socket(45, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0), EINVAL);
	CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 1L),
	    EFAULT);
	pair(SOCK_STREAM, sv);
	CHECK_ERR(sendto(sv[0], "x", 1, 0, (struct sockaddr *)big, 2),
	    EISCONN);
	CHECK_ERR(listen(sv[0], 1), EINVAL);
	CHECK_ERR(bind(sv[0], (struct sockaddr *)big, 200), EINVAL);
	CHECK_ERR(bind(sv[0], (struct sockaddr *)1, 20), EFAULT);
}

TEST(epoll_sees_them)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int sv[2], ep = epoll_create1(0);
	char buf[8];

	pair(SOCK_STREAM | SOCK_NONBLOCK, sv);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(ev.events, EPOLLOUT);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	CHECK_EQ(write(sv[1], "x", 1), 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(ev.events, EPOLLIN | EPOLLOUT);
	CHECK_EQ(read(sv[0], buf, 8), 1);
	while (write(sv[0], big, sizeof(big)) > 0)
		continue;
	while (epoll_wait(ep, &ev, 1, 0) > 0)
		continue;
	while (read(sv[1], big, sizeof(big)) > 0)
		continue;
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK((ev.events & EPOLLOUT) != 0);
	close(sv[1]);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK((ev.events & (EPOLLHUP | EPOLLIN)) == (EPOLLHUP | EPOLLIN));
}

TEST(several_messages_at_once)
{
	struct mmsghdr mm[3];
	struct iovec iov[3];
	struct timespec ts = { 0, 20000000 };
	char buf[3][8];
	int sv[2];

	pair(SOCK_DGRAM, sv);
	memset(mm, 0, sizeof(mm));
	for (int i = 0; i < 3; i++) {
		iov[i].iov_base = memset(buf[i], 'a' + i, 8);
		iov[i].iov_len = (size_t)i + 1;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	CHECK_EQ(sendmmsg(sv[0], mm, 3, 0), 3);
	CHECK_EQ(mm[2].msg_len, 3);
	for (int i = 0; i < 3; i++)
		iov[i].iov_len = 8;
	CHECK_EQ(recvmmsg(sv[1], mm, 2, 0, NULL), 2);
	CHECK_EQ(mm[1].msg_len, 2);
	CHECK_EQ(buf[1][0], 'b');
	CHECK_EQ(recvmmsg(sv[1], mm, 3, MSG_WAITFORONE, &ts), 1);
	CHECK_EQ(mm[0].msg_len, 3);
	CHECK_ERR(recvmmsg(sv[1], mm, 3, MSG_DONTWAIT, NULL), EAGAIN);
}

TEST(all_of_it)
{
	int sv[2];
	pid_t pid;
	char buf[10];

	pair(SOCK_STREAM, sv);
	if ((pid = fork()) == 0) {
		for (int i = 0; i < 10; i++) {
			sleep_ms(5);
			CHECK_EQ(write(sv[0], "z", 1), 1);
		}
		_exit(0);
	}
	CHECK_EQ(recv(sv[1], buf, 10, MSG_WAITALL), 10);
	reap(pid, 0);
}
