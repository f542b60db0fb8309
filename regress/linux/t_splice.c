/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice, tee, vmsplice; sendfile and copy_file_range.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tap.h"

static char big[300000], back[300000];

static int
file(void)
{
	char name[] = "/tmp/t_spliceXXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	CHECK_EQ(unlink(name), 0);
	return fd;
}

static void
fill(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
}

TEST(file_to_pipe_to_file)
{
	int in = file(), out = file(), p[2];
	ssize_t n, total = 0, k;
	off_t off = 0;

	fill();
	CHECK_EQ(write(in, big, sizeof(big)), sizeof(big));
	CHECK_EQ(pipe(p), 0);
	while ((n = splice(in, &off, p[1], NULL, 65536, SPLICE_F_MOVE)) > 0) {
		while (n > 0) {
			k = splice(p[0], NULL, out, NULL, (size_t)n, 0);
			CHECK(k > 0);
			n -= k;
			total += k;
		}
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(total, sizeof(big));
	CHECK_EQ(off, sizeof(big));
	CHECK_EQ(lseek(in, 0, SEEK_CUR), sizeof(big));	/* from writing */
	CHECK_EQ(pread(out, back, sizeof(back), 0), sizeof(back));
	CHECK(memcmp(big, back, sizeof(big)) == 0);
}

TEST(offsets)
{
	int f = file(), p[2];
	loff_t off = 3;
	char buf[16];

	CHECK_EQ(write(f, "0123456789", 10), 10);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(splice(f, &off, p[1], NULL, 4, 0), 4);
	CHECK_EQ(off, 7);
	CHECK_EQ(lseek(f, 0, SEEK_SET), 0);
	CHECK_EQ(splice(f, NULL, p[1], NULL, 2, 0), 2);
	CHECK_EQ(lseek(f, 0, SEEK_CUR), 2);
	CHECK_EQ(read(p[0], buf, 16), 6);
	CHECK(memcmp(buf, "345601", 6) == 0);
	CHECK_EQ(write(p[1], "AB", 2), 2);
	off = 5;
	CHECK_EQ(splice(p[0], NULL, f, &off, 2, 0), 2);
	CHECK_EQ(pread(f, buf, 10, 0), 10);
	CHECK(memcmp(buf, "01234AB789", 10) == 0);
}

TEST(pipe_to_pipe_and_tee)
{
	int a[2], b[2], n;
	char buf[16];

	CHECK_EQ(pipe(a), 0);
	CHECK_EQ(pipe(b), 0);
	CHECK_EQ(write(a[1], "hello", 5), 5);
	CHECK_EQ(tee(a[0], b[1], 100, 0), 5);
	CHECK_EQ(ioctl(a[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(read(b[0], buf, 16), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(splice(a[0], NULL, b[1], NULL, 3, 0), 3);
	CHECK_EQ(read(a[0], buf, 16), 2);
	CHECK(memcmp(buf, "lo", 2) == 0);
	CHECK_EQ(read(b[0], buf, 16), 3);
	CHECK_ERR(splice(a[0], NULL, b[1], NULL, 3, SPLICE_F_NONBLOCK),
	    EAGAIN);
	CHECK_ERR(tee(a[0], b[1], 3, SPLICE_F_NONBLOCK), EAGAIN);
	close(a[1]);
	CHECK_EQ(splice(a[0], NULL, b[1], NULL, 3, 0), 0);
	CHECK_EQ(tee(a[0], b[1], 3, 0), 0);
}

TEST(with_sockets)
{
	int sv[2], p[2], n;
	char buf[16];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(sv[0], "to the pipe", 11), 11);
	CHECK_EQ(splice(sv[1], NULL, p[1], NULL, 4096, 0), 11);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 11);
	CHECK_EQ(splice(p[0], NULL, sv[1], NULL, 4096, 0), 11);
	CHECK_EQ(read(sv[0], buf, 16), 11);
	CHECK(memcmp(buf, "to the pipe", 11) == 0);
}

/* What the other side does not take stays in the pipe. */
TEST(nothing_is_lost_by_a_short_write)
{
	int sv[2], p[2], n, before;
	ssize_t k;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	while (write(sv[0], big, 4096) > 0)
		continue;
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], big, 1000), 1000);
	CHECK_EQ(ioctl(p[0], FIONREAD, &before), 0);
	k = splice(p[0], NULL, sv[0], NULL, 1000, SPLICE_F_NONBLOCK);
	CHECK(k == -1 && errno == EAGAIN);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, before);
}

TEST(from_memory)
{
	struct iovec iov[2] = { { "one ", 4 }, { "two", 3 } };
	char buf[16];
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(vmsplice(p[1], iov, 2, 0), 7);
	CHECK_EQ(read(p[0], buf, 16), 7);
	CHECK(memcmp(buf, "one two", 7) == 0);
	CHECK_EQ(write(p[1], "back", 4), 4);
	iov[0].iov_base = buf;
	CHECK_EQ(vmsplice(p[0], iov, 1, 0), 4);
	CHECK(memcmp(buf, "back", 4) == 0);
	CHECK_ERR(vmsplice(file(), iov, 1, 0), EBADF);
	CHECK_ERR(vmsplice(p[1], iov, 1, 0x100), EINVAL);
}

TEST(errors)
{
	int f = file(), g = file(), p[2];
	loff_t off = 0;

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(splice(f, NULL, g, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], &off, f, NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(f, NULL, p[1], &off, 1, 0), ESPIPE);
	CHECK_ERR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(f, NULL, p[0], NULL, 1, 0), EBADF);
	CHECK_ERR(splice(f, NULL, p[1], NULL, 1, 0x100), EINVAL);
	CHECK_ERR(splice(99, NULL, p[1], NULL, 1, 0), EBADF);
	CHECK_ERR(tee(p[0], f, 1, 0), EINVAL);
	CHECK_EQ(splice(f, NULL, p[1], NULL, 0, 0), 0);
}

TEST(sendfile_and_copy_file_range)
{
	int f = file(), g = file(), sv[2];
	off_t off = 2;
	loff_t a = 1, b = 0;
	char buf[16];

	CHECK_EQ(write(f, "0123456789", 10), 10);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	CHECK_EQ(sendfile(sv[0], f, &off, 5), 5);
	CHECK_EQ(off, 7);
	CHECK_EQ(read(sv[1], buf, 16), 5);
	CHECK(memcmp(buf, "23456", 5) == 0);
	CHECK_EQ(copy_file_range(f, &a, g, &b, 100, 0), 9);
	CHECK_EQ(b, 9);
	CHECK_EQ(pread(g, buf, 16, 0), 9);
	CHECK_ERR(copy_file_range(f, &a, sv[0], NULL, 1, 0), EINVAL);
	CHECK_ERR(copy_file_range(f, NULL, g, NULL, 1, 1), EINVAL);
	CHECK_ERR(sendfile(f, sv[0], NULL, 1), EINVAL);
}
