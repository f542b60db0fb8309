/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices as programs use them, on a loop device over a file: sizes,
 * transfers, flushes, partitions, claims.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tap.h"

#define	SIZE	(4 << 20)

static char path[64] = "/tmp/t_loop.XXXXXX", dev[32];
static int file = -1, fd = -1;

/* A loop device over a file of SIZE bytes, each of which tells its block. */
static void
setup(int flags)
{
	static char buf[4096];
	struct loop_info64 info;
	int ctl, n, i;

	ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	n = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	if (n < 0)
		SKIP("no loop devices here: errno %d", errno);
	close(ctl);
	snprintf(dev, sizeof(dev), "/dev/loop%d", n);
	file = mkstemp(path);
	CHECK(file >= 0);
	for (i = 0; i < SIZE / 4096; i++) {
		memset(buf, i, sizeof(buf));
		CHECK_EQ(write(file, buf, sizeof(buf)), sizeof(buf));
	}
	CHECK_EQ(fsync(file), 0);
	(void)unlink(path);
	fd = open(dev, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		SKIP("%s cannot be opened: errno %d", dev, errno);
	if (ioctl(fd, LOOP_SET_FD, file) != 0)
		SKIP("%s cannot be bound: errno %d", dev, errno);
	memset(&info, 0, sizeof(info));
	snprintf((char *)info.lo_file_name, LO_NAME_SIZE, "%s", path);
	/* It is free again with our end, whatever that is. */
	info.lo_flags = (unsigned int)flags | LO_FLAGS_AUTOCLEAR;
	CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
}

static void
finish(void)
{
	CHECK_EQ(ioctl(fd, LOOP_CLR_FD, 0), 0);
	CHECK_EQ(close(fd), 0);
}

TEST(what_it_is)
{
	struct loop_info64 info;
	unsigned long sectors = 0;
	struct stat st, fst;
	uint64_t bytes = 0;
	int v = 0;

	setup(0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(S_ISBLK(st.st_mode));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(ioctl(fd, BLKGETSIZE64, &bytes), 0);
	CHECK_EQ(bytes, SIZE);
	CHECK_EQ(ioctl(fd, BLKGETSIZE, &sectors), 0);
	CHECK_EQ(sectors, SIZE / 512);
	CHECK_EQ(ioctl(fd, BLKSSZGET, &v), 0);
	CHECK_EQ(v, 512);
	CHECK_EQ(ioctl(fd, BLKROGET, &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), SIZE);
	CHECK_EQ(fstat(file, &fst), 0);
	CHECK_EQ(ioctl(fd, LOOP_GET_STATUS64, &info), 0);
	CHECK_EQ(info.lo_inode, fst.st_ino);
	CHECK_EQ(info.lo_offset, 0);
	CHECK(strcmp((char *)info.lo_file_name, path) == 0);
	CHECK_ERR(ioctl(fd, LOOP_SET_FD, file), EBUSY);
	CHECK_ERR(ioctl(fd, 0x12ff, 0), EINVAL);
	finish();
}

TEST(transfers_of_any_size)
{
	static char buf[20000], got[20000];
	size_t i;

	setup(0);
	CHECK_EQ(pread(fd, got, 1, 5 * 4096 - 1), 1);
	CHECK_EQ(got[0], 4);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7);
	CHECK_EQ(pwrite(fd, buf, 10001, 12345), 10001);
	CHECK_EQ(pread(fd, got, sizeof(got), 12000), sizeof(got));
	CHECK(memcmp(got + 345, buf, 10001) == 0);
	CHECK_EQ(got[344], 12344 / 4096);
	CHECK_EQ(got[345 + 10001], (12345 + 10001) / 4096);
	/* The end. */
	CHECK_EQ(pread(fd, got, 100, SIZE - 10), 10);
	CHECK_EQ(pread(fd, got, 100, SIZE), 0);
	CHECK_EQ(pwrite(fd, buf, 100, SIZE - 10), 10);
	CHECK_ERR(pwrite(fd, buf, 100, SIZE), ENOSPC);
	/* After fsync it is in the file. */
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(pread(file, got, 10001, 12345), 10001);
	CHECK(memcmp(got, buf, 10001) == 0);
	finish();
}

TEST(a_mapping_shows_the_same)
{
	char *p, c = 0;

	setup(0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[4096], 2);
	p[10] = 'x';
	CHECK_EQ(pread(fd, &c, 1, 4096 + 10), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(pwrite(fd, "y", 1, 4096 + 11), 1);
	CHECK_EQ(p[11], 'y');
	CHECK_EQ(msync(p, 8192, MS_SYNC), 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(pread(file, &c, 1, 4096 + 10), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(munmap(p, 8192), 0);
	finish();
}

TEST(direct_transfers)
{
	char *p;
	int d;

	setup(0);
	d = open(dev, O_RDWR | O_DIRECT | O_CLOEXEC);
	CHECK(d >= 0);
	p = aligned_alloc(4096, 8192);
	CHECK(p != NULL);
	CHECK_EQ(pread(d, p, 4096, 3 * 4096), 4096);
	CHECK_EQ(p[0], 3);
	/* What is in the cache is seen, and the other way round. */
	CHECK_EQ(pwrite(fd, "z", 1, 4096), 1);
	CHECK_EQ(pread(d, p, 4096, 4096), 4096);
	CHECK_EQ(p[0], 'z');
	CHECK_EQ(p[1], 1);
	memset(p, 'w', 8192);
	CHECK_EQ(pwrite(d, p, 8192, 4096), 8192);
	CHECK_EQ(pread(fd, p, 1, 8192), 1);
	CHECK_EQ(p[0], 'w');
	CHECK_ERR(pread(d, p, 100, 4096), EINVAL);
	CHECK_ERR(pread(d, p, 512, 100), EINVAL);
	close(d);
	finish();
}

TEST(a_part_of_the_file)
{
	struct loop_info64 info;
	uint64_t bytes = 0;
	char c = 0;

	setup(0);
	memset(&info, 0, sizeof(info));
	info.lo_offset = 8192;
	info.lo_sizelimit = 65536;
	CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
	CHECK_EQ(ioctl(fd, BLKGETSIZE64, &bytes), 0);
	CHECK_EQ(bytes, 65536);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 2);
	CHECK_EQ(ftruncate(file, 2 * SIZE), 0);
	info.lo_sizelimit = 0;
	CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
	CHECK_EQ(ioctl(fd, LOOP_SET_CAPACITY, 0), 0);
	CHECK_EQ(ioctl(fd, BLKGETSIZE64, &bytes), 0);
	CHECK_EQ(bytes, 2 * SIZE - 8192);
	finish();
}

static int
blkpg(int op, int pno, long long start, long long length)
{
	struct blkpg_partition p;
	struct blkpg_ioctl_arg a;

	memset(&p, 0, sizeof(p));
	memset(&a, 0, sizeof(a));
	p.pno = pno;
	p.start = start;
	p.length = length;
	a.op = op;
	a.datalen = sizeof(p);
	a.data = &p;
	return ioctl(fd, BLKPG, &a);
}

TEST(claims)
{
	int a, b;

	setup(0);
	a = open(dev, O_RDONLY | O_EXCL | O_CLOEXEC);
	CHECK(a >= 0);
	CHECK_ERR(open(dev, O_RDONLY | O_EXCL | O_CLOEXEC), EBUSY);
	b = open(dev, O_RDONLY | O_CLOEXEC);
	CHECK(b >= 0);
	close(b);
	close(a);
	b = open(dev, O_RDONLY | O_EXCL | O_CLOEXEC);
	CHECK(b >= 0);
	close(b);
	finish();
}

TEST(partitions_by_hand)
{
	setup(LO_FLAGS_PARTSCAN);
	CHECK_EQ(blkpg(BLKPG_ADD_PARTITION, 1, 1 << 20, 1 << 20), 0);
	CHECK_ERR(blkpg(BLKPG_ADD_PARTITION, 1, 1 << 20, 1 << 20), EBUSY);
	CHECK_ERR(blkpg(BLKPG_ADD_PARTITION, 2, 3 << 19, 1 << 20), EBUSY);
	CHECK_EQ(blkpg(BLKPG_DEL_PARTITION, 1, 0, 0), 0);
	CHECK_ERR(blkpg(BLKPG_DEL_PARTITION, 1, 0, 0), ENXIO);
	finish();
}

TEST(zeros_and_holes)
{
	uint64_t range[2] = { 8192, 8192 };
	char buf[2] = { 1, 1 };

	setup(0);
	CHECK_EQ(ioctl(fd, BLKZEROOUT, range), 0);
	CHECK_EQ(pread(fd, buf, 1, 8192), 1);
	CHECK_EQ(buf[0], 0);
	CHECK_EQ(pread(fd, buf, 1, 16384), 1);
	CHECK_EQ(buf[0], 4);
	range[0] = 100;
	CHECK_ERR(ioctl(fd, BLKZEROOUT, range), EINVAL);
	range[0] = SIZE - 4096;
	CHECK_ERR(ioctl(fd, BLKZEROOUT, range), EINVAL);
	finish();
}
