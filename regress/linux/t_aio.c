/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_DIRECT and asynchronous I/O: io_setup(2) and its companions.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/loop.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tap.h"

#define	SIZE	(1 << 20)
#define	BLK	4096

static unsigned char *mem;		/* aligned */
static char name[64];

static long
io_setup(unsigned int nr, aio_context_t *ctx)
{
	return syscall(SYS_io_setup, nr, ctx);
}

static long
io_destroy(aio_context_t ctx)
{
	return syscall(SYS_io_destroy, ctx);
}

static long
io_submit(aio_context_t ctx, long n, struct iocb **cbs)
{
	return syscall(SYS_io_submit, ctx, n, cbs);
}

static long
io_getevents(aio_context_t ctx, long min, long nr, struct io_event *ev,
    long ms)
{
	/* What the kernel of a 32-bit program has, not what musl has. */
	struct { long sec, nsec; } ts = { ms / 1000, ms % 1000 * 1000000 };

	return syscall(SYS_io_getevents, ctx, min, nr, ev,
	    ms < 0 ? NULL : &ts);
}

/* musl has none. */
static ssize_t
write_at(int fd, const struct iovec *iov, long off, int flags)
{
	return syscall(SYS_pwritev2, fd, iov, 1L, off, 0L, flags);
}

static struct iocb
request(int op, int fd, void *buf, size_t len, long long off)
{
	struct iocb cb;

	memset(&cb, 0, sizeof(cb));
	cb.aio_lio_opcode = (uint16_t)op;
	cb.aio_fildes = (uint32_t)fd;
	cb.aio_buf = (uintptr_t)buf;
	cb.aio_nbytes = len;
	cb.aio_offset = off;
	return cb;
}

/* Submit one and wait for it: its result. */
static long long
one(aio_context_t ctx, struct iocb *cb)
{
	struct io_event ev;

	cb->aio_data = 77;
	CHECK_EQ(io_submit(ctx, 1, &cb), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &ev, -1), 1);
	CHECK_EQ(ev.data, 77);
	CHECK_EQ(ev.obj, (uintptr_t)cb);
	return ev.res;
}

/* Where the directory's file system has no O_DIRECT: a loop device. */
static int
loop_over(int file)
{
	struct loop_info64 info;
	char dev[32];
	int ctl, n, fd;

	ctl = open("/dev/loop-control", O_RDWR);
	n = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	if (n < 0) {
		printf("# skipped: neither O_DIRECT nor loop devices here\n");
		fflush(stdout);
		_exit(0);
	}
	close(ctl);
	snprintf(dev, sizeof(dev), "/dev/loop%d", n);
	fd = open(dev, O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, LOOP_SET_FD, file), 0);
	memset(&info, 0, sizeof(info));
	info.lo_flags = LO_FLAGS_AUTOCLEAR;
	CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
	snprintf(name, sizeof(name), "%s", dev);
	n = open(dev, O_RDWR | O_DIRECT);
	CHECK(n >= 0);
	close(fd);
	return n;
}

/* SIZE bytes, open with O_DIRECT; `name' is its name until the end. */
static int
store(void)
{
	int file, fd, i;

	if (posix_memalign((void **)&mem, BLK, SIZE) != 0)
		FAIL("no memory");
	memset(mem, 0, SIZE);
	snprintf(name, sizeof(name), "t_aio.XXXXXX");
	file = mkstemp(name);
	CHECK(file >= 0);
	for (i = 0; i < SIZE / BLK; i++)
		CHECK_EQ(write(file, mem, BLK), BLK);
	CHECK_EQ(fsync(file), 0);
	fd = open(name, O_RDWR | O_DIRECT);
	if (fd >= 0) {
		close(file);
		return fd;
	}
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(unlink(name), 0);
	fd = loop_over(file);
	close(file);
	return fd;
}

static void
finish(int fd)
{
	close(fd);
	if (strncmp(name, "/dev", 4) != 0)
		CHECK_EQ(unlink(name), 0);
}

TEST(direct_transfers_are_aligned)
{
	int fd = store();

	CHECK_EQ(pwrite(fd, mem, BLK, 0), BLK);
	CHECK_ERR(pwrite(fd, mem, 100, 0), EINVAL);
	CHECK_ERR(pwrite(fd, mem, BLK, 100), EINVAL);
	CHECK_ERR(pread(fd, mem, BLK, 3), EINVAL);
	CHECK_ERR(pread(fd, mem, 511, 0), EINVAL);
	CHECK_EQ(pread(fd, mem, BLK, 0), BLK);
	CHECK_EQ(pread(fd, mem, BLK, SIZE), 0);
	CHECK_EQ(pread(fd, mem, 2 * BLK, SIZE - BLK), BLK);
	finish(fd);
}

TEST(direct_and_cached_see_the_same)
{
	int fd = store(), b = open(name, O_RDWR);
	unsigned char *map;

	CHECK(b >= 0);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, b, 0);
	CHECK(map != MAP_FAILED);
	CHECK_EQ(map[5 * BLK], 0);
	memset(mem, 'a', BLK);
	CHECK_EQ(pwrite(fd, mem, BLK, 5 * BLK), BLK);
	CHECK_EQ(map[5 * BLK], 'a');
	CHECK_EQ(pread(b, mem, 100, 5 * BLK + 3), 100);
	CHECK_EQ(mem[99], 'a');
	CHECK_EQ(pwrite(b, "bcd", 3, 6 * BLK), 3);
	CHECK_EQ(pread(fd, mem, BLK, 6 * BLK), BLK);
	CHECK(memcmp(mem, "bcd", 4) == 0);
	memcpy(map + 7 * BLK, "mapped", 6);
	CHECK_EQ(pread(fd, mem, BLK, 7 * BLK), BLK);
	CHECK(memcmp(mem, "mapped", 7) == 0);
	CHECK_EQ(munmap(map, SIZE), 0);
	close(b);
	finish(fd);
}

TEST(a_direct_file_grows)
{
	struct stat st;
	int fd = store();

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		memset(mem, 'x', 3 * BLK);
		CHECK_EQ(pwrite(fd, mem, 3 * BLK, SIZE - BLK), 3 * BLK);
		CHECK_EQ(fstat(fd, &st), 0);
		CHECK_EQ(st.st_size, SIZE + 2 * BLK);
		/* A hole, and the end that is no block's. */
		CHECK_EQ(pwrite(fd, mem, BLK, SIZE + 9 * BLK), BLK);
		CHECK_EQ(pread(fd, mem, 2 * BLK, SIZE + BLK), 2 * BLK);
		CHECK_EQ(mem[BLK - 1], 'x');
		CHECK_EQ(mem[BLK], 0);
		CHECK_EQ(ftruncate(fd, SIZE + 100), 0);
		CHECK_EQ(pread(fd, mem, BLK, SIZE), 100);
	}
	finish(fd);
}

TEST(contexts)
{
	aio_context_t ctx = 0, odd = 1;
	struct io_event ev;

	CHECK_ERR(io_setup(0, &ctx), EINVAL);
	CHECK_ERR(io_setup(1, &odd), EINVAL);
	CHECK_ERR(io_setup(1, NULL), EFAULT);
	CHECK_EQ(io_setup(8, &ctx), 0);
	CHECK(ctx != 0);
	CHECK_EQ(io_getevents(ctx, 0, 1, &ev, -1), 0);
	CHECK_EQ(io_getevents(ctx, 1, 1, &ev, 20), 0);
	CHECK_ERR(io_getevents(ctx, 2, 1, &ev, 0), EINVAL);
	CHECK_ERR(io_getevents(ctx + 1, 0, 1, &ev, 0), EINVAL);
	CHECK_EQ(io_submit(ctx, 0, NULL), 0);
	CHECK_ERR(io_submit(ctx, -1, NULL), EINVAL);
	CHECK_ERR(io_submit(ctx + 1, 0, NULL), EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_ERR(io_destroy(ctx), EINVAL);
	CHECK_ERR(io_submit(ctx, 0, NULL), EINVAL);
}

TEST(many_at_once)
{
	struct iocb cb[16], *p[16];
	struct io_event ev[16];
	aio_context_t ctx = 0;
	int fd = store(), i, seen = 0;

	CHECK_EQ(io_setup(16, &ctx), 0);
	for (i = 0; i < 16; i++) {
		memset(mem + i * BLK, i + 1, BLK);
		cb[i] = request(IOCB_CMD_PWRITE, fd, mem + i * BLK, BLK,
		    (15 - i) * 2 * BLK);
		cb[i].aio_data = (uint64_t)i << 40;
		p[i] = &cb[i];
	}
	CHECK_EQ(io_submit(ctx, 16, p), 16);
	CHECK_EQ(io_getevents(ctx, 16, 16, ev, -1), 16);
	for (i = 0; i < 16; i++) {
		CHECK_EQ(ev[i].res, BLK);
		CHECK_EQ(ev[i].res2, 0);
		seen |= 1 << (ev[i].data >> 40);
		CHECK_EQ(ev[i].obj, (uintptr_t)&cb[ev[i].data >> 40]);
	}
	CHECK_EQ(seen, 0xffff);
	memset(mem, 0, SIZE);
	for (i = 0; i < 16; i++)
		cb[i].aio_lio_opcode = IOCB_CMD_PREAD;
	CHECK_EQ(io_submit(ctx, 16, p), 16);
	for (i = 0; i < 16; i++)
		CHECK_EQ(io_getevents(ctx, 1, 1, ev, -1), 1);
	for (i = 0; i < 16; i++)
		CHECK(mem[i * BLK] == i + 1 && mem[i * BLK + BLK - 1] == i + 1);
	CHECK_EQ(io_destroy(ctx), 0);
	finish(fd);
}

TEST(large_and_vectors)
{
	struct iovec iov[3];
	aio_context_t ctx = 0;
	struct iocb cb;
	int fd = store(), i;

	CHECK_EQ(io_setup(4, &ctx), 0);
	for (i = 0; i < SIZE; i++)
		mem[i] = (unsigned char)(i / 512 * 7);
	cb = request(IOCB_CMD_PWRITE, fd, mem, SIZE, 0);
	CHECK_EQ(one(ctx, &cb), SIZE);
	memset(mem, 0, SIZE);
	cb = request(IOCB_CMD_PREAD, fd, mem, SIZE, BLK);
	CHECK_EQ(one(ctx, &cb), SIZE - BLK);
	for (i = 0; i < SIZE - BLK; i++)
		CHECK(mem[i] == (unsigned char)((i + BLK) / 512 * 7));
	iov[0] = (struct iovec){ mem + 8 * BLK, BLK };
	iov[1] = (struct iovec){ mem, 0 };
	iov[2] = (struct iovec){ mem + 2 * BLK, 2 * BLK };
	cb = request(IOCB_CMD_PREADV, fd, iov, 3, 0);
	CHECK_EQ(one(ctx, &cb), 3 * BLK);
	CHECK_EQ(mem[8 * BLK + 512], 7);
	CHECK_EQ(mem[2 * BLK], (unsigned char)(BLK / 512 * 7));
	cb = request(IOCB_CMD_PWRITEV, fd, iov, 3, 64 * BLK);
	CHECK_EQ(one(ctx, &cb), 3 * BLK);
	CHECK_EQ(pread(fd, mem, BLK, 65 * BLK), BLK);
	CHECK_EQ(mem[0], (unsigned char)(BLK / 512 * 7));
	CHECK_EQ(io_destroy(ctx), 0);
	finish(fd);
}

TEST(errors_of_a_transfer_are_in_its_event)
{
	aio_context_t ctx = 0;
	struct iocb cb;
	int fd = store();

	CHECK_EQ(io_setup(4, &ctx), 0);
	cb = request(IOCB_CMD_PREAD, fd, mem, BLK, 1);
	CHECK_EQ(one(ctx, &cb), -EINVAL);
	cb = request(IOCB_CMD_PWRITE, fd, mem, 100, 0);
	CHECK_EQ(one(ctx, &cb), -EINVAL);
	cb = request(IOCB_CMD_PREAD, fd, (void *)(uintptr_t)BLK, BLK, 0);
	CHECK_EQ(one(ctx, &cb), -EFAULT);
	cb = request(IOCB_CMD_PREAD, fd, mem, BLK, SIZE);
	CHECK_EQ(one(ctx, &cb), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	finish(fd);
}

TEST(what_is_not_begun)
{
	aio_context_t ctx = 0;
	struct iocb cb, *p = &cb, bad, *two[2] = { &cb, &bad };
	struct io_event ev;
	int fd = store();
	int ro = open(name, O_RDONLY | O_DIRECT);

	CHECK_EQ(io_setup(4, &ctx), 0);
	cb = request(IOCB_CMD_PREAD, -1, mem, BLK, 0);
	CHECK_ERR(io_submit(ctx, 1, &p), EBADF);
	cb = request(99, fd, mem, BLK, 0);
	CHECK_ERR(io_submit(ctx, 1, &p), EINVAL);
	cb = request(IOCB_CMD_PREAD, fd, mem, BLK, 0);
	cb.aio_reserved2 = 1;
	CHECK_ERR(io_submit(ctx, 1, &p), EINVAL);
	cb = request(IOCB_CMD_PWRITE, ro, mem, BLK, 0);
	CHECK_ERR(io_submit(ctx, 1, &p), EBADF);
	cb = request(IOCB_CMD_FSYNC, fd, mem, 0, 0);
	CHECK_ERR(io_submit(ctx, 1, &p), EINVAL);
	cb = request(IOCB_CMD_PREAD, fd, mem, BLK, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = (uint32_t)fd;
	CHECK_ERR(io_submit(ctx, 1, &p), EINVAL);
	p = (struct iocb *)(uintptr_t)BLK;
	CHECK_ERR(io_submit(ctx, 1, &p), EFAULT);
	/* The first of two is done. */
	cb.aio_flags = 0;
	bad = request(99, fd, mem, BLK, 0);
	CHECK_EQ(io_submit(ctx, 2, two), 1);
	CHECK_EQ(io_getevents(ctx, 1, 4, &ev, -1), 1);
	CHECK_EQ(ev.res, BLK);
	CHECK_ERR(syscall(SYS_io_cancel, ctx, &cb, &ev), EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
	close(ro);
	finish(fd);
}

TEST(there_is_an_end_of_room)
{
	aio_context_t ctx = 0;
	struct iocb cb, *p = &cb;
	struct io_event ev;
	int fd = store(), n = 0;

	CHECK_EQ(io_setup(1, &ctx), 0);
	cb = request(IOCB_CMD_PREAD, fd, mem, BLK, 0);
	while (n < 100000 && io_submit(ctx, 1, &p) == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
	/* Linux keeps room per CPU: what is freed may not be for this. */
	do {
		CHECK(n-- > 0);
		CHECK_EQ(io_getevents(ctx, 1, 1, &ev, -1), 1);
	} while (io_submit(ctx, 1, &p) != 1);
	CHECK_EQ(io_destroy(ctx), 0);
	finish(fd);
}

TEST(syncing_and_an_eventfd)
{
	int fd = store(), efd = eventfd(0, EFD_NONBLOCK), i;
	aio_context_t ctx = 0;
	struct iocb cb;
	uint64_t v = 0;

	CHECK_EQ(io_setup(4, &ctx), 0);
	cb = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
	if (one(ctx, &cb) != 0)
		FAIL("fsync");
	cb = request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
	CHECK_EQ(one(ctx, &cb), 0);
	cb = request(IOCB_CMD_PWRITE, fd, mem, BLK, 0);
	cb.aio_rw_flags = RWF_DSYNC;
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = (uint32_t)efd;
	CHECK_EQ(one(ctx, &cb), BLK);
	/* The event may be there a moment before. */
	for (i = 0; i < 100 && read(efd, &v, 8) != 8; i++)
		usleep(10000);
	CHECK_EQ(v, 1);
	CHECK_EQ(io_destroy(ctx), 0);
	finish(fd);
}

TEST(other_files_are_done_at_once)
{
	aio_context_t ctx = 0;
	struct iocb cb;
	char buf[16];
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(io_setup(4, &ctx), 0);
	cb = request(IOCB_CMD_PWRITE, fds[1], (void *)(uintptr_t)"hello", 5,
	    0);
	CHECK_EQ(one(ctx, &cb), 5);
	cb = request(IOCB_CMD_PREAD, fds[0], buf, sizeof(buf), 0);
	CHECK_EQ(one(ctx, &cb), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void
nothing(int sig)
{
	(void)sig;
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct { const void *set; size_t size; } sm;
	struct { long sec, nsec; } ts = { 0, 300000000 };
	aio_context_t ctx = 0;
	struct io_event ev;
	uint64_t set = 1ULL << (SIGALRM - 1);

	CHECK_EQ(io_setup(4, &ctx), 0);
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	ualarm(100000, 0);
	CHECK_ERR(io_getevents(ctx, 1, 1, &ev, -1), EINTR);
	sm.set = &set;
	sm.size = 8;
	ualarm(100000, 0);
	CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &ev, &ts, &sm), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

TEST(a_child_has_none_and_exit_waits_for_all)
{
	struct iocb cb[8], *p[8];
	aio_context_t ctx = 0;
	struct io_event ev;
	int fd = store(), i, st;
	pid_t pid;

	CHECK_EQ(io_setup(8, &ctx), 0);
	pid = fork();
	if (pid == 0) {
		if (io_getevents(ctx, 0, 1, &ev, 0) != -1 || errno != EINVAL)
			_exit(1);
		ctx = 0;
		if (io_setup(8, &ctx) != 0)
			_exit(2);
		for (i = 0; i < 8; i++) {
			memset(mem + i * BLK, 0x40 + i, BLK);
			cb[i] = request(IOCB_CMD_PWRITE, fd, mem + i * BLK,
			    BLK, i * BLK);
			p[i] = &cb[i];
		}
		_exit(io_submit(ctx, 8, p) == 8 ? 0 : 3);
	}
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	CHECK_EQ(io_getevents(ctx, 0, 1, &ev, 0), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	finish(fd);
}

TEST(flags_of_a_single_write)
{
	struct iovec iov = { (void *)(uintptr_t)"xyz", 3 };
	char file[] = "t_aio.XXXXXX", buf[8];
	int fd = mkstemp(file);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(write_at(fd, &iov, 0, RWF_APPEND), 3);
	CHECK_EQ(write_at(fd, &iov, 1, RWF_SYNC), 3);
	CHECK_EQ(write_at(fd, &iov, 1, RWF_DSYNC | RWF_HIPRI), 3);
	CHECK_EQ(pread(fd, buf, 8, 0), 6);
	CHECK(memcmp(buf, "axyzyz", 6) == 0);
	CHECK_ERR(write_at(fd, &iov, 1, 0x4000), EOPNOTSUPP);
	CHECK_EQ(unlink(file), 0);
}
