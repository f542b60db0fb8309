/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapon and swapoff: what they refuse, what /proc tells, and that memory comes
 * back from there as it went.  The area is a loop device over a small file.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>

#include "tap.h"

#ifndef MADV_PAGEOUT
#define	MADV_PAGEOUT	21
#endif
#define	PAGE	4096UL
#define	NPAGES	512			/* of the area */

static char path[64] = "/tmp/t_swap.XXXXXX", dev[32];
static int file = -1, fd = -1;

static void
need_right(void)
{
	if (swapoff("/nowhere") == -1 && errno == EPERM)
		SKIP("no right to do it");
}

/* What mkswap writes, with so many bad pages: 3, 4, ... */
static void
write_header(int to, uint32_t version, uint32_t last, uint32_t nbad)
{
	static unsigned char page[PAGE];
	uint32_t *w = (uint32_t *)page;

	memset(page, 0, sizeof(page));
	w[256] = version;
	w[257] = last;
	w[258] = nbad;
	for (uint32_t i = 0; i < nbad && i < 600; i++)
		w[384 + i] = 3 + i;
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	CHECK_EQ(pwrite(to, page, PAGE, 0), PAGE);
	CHECK_EQ(fsync(to), 0);
}

/* A loop device over a file of NPAGES. */
static void
setup(void)
{
	struct loop_info64 info;
	int ctl, n;

	need_right();
	ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	n = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	if (n < 0)
		SKIP("no loop devices here: errno %d", errno);
	close(ctl);
	snprintf(dev, sizeof(dev), "/dev/loop%d", n);
	file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, NPAGES * PAGE), 0);
	(void)unlink(path);
	fd = open(dev, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		SKIP("%s cannot be opened: errno %d", dev, errno);
	if (ioctl(fd, LOOP_SET_FD, file) != 0)
		SKIP("%s cannot be bound: errno %d", dev, errno);
	memset(&info, 0, sizeof(info));
	info.lo_flags = LO_FLAGS_AUTOCLEAR;
	CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
}

/* The numbers of the area in /proc/swaps. */
static bool
proc_swaps(unsigned long *size, unsigned long *used, int *prio)
{
	char line[512], name[128], kind[32];
	FILE *f = fopen("/proc/swaps", "r");
	bool found = false;

	CHECK(f != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK(strncmp(line, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\t"
	    "Priority\n", 60) == 0);
	while (fgets(line, sizeof(line), f) != NULL) {
		CHECK_EQ(sscanf(line, "%127s %31s %lu %lu %d", name, kind,
		    size, used, prio), 5);
		if (strcmp(name, dev) == 0) {
			CHECK(strcmp(kind, "partition") == 0);
			found = true;
			break;
		}
	}
	fclose(f);
	return found;
}

TEST(who_may_not_and_what_is_none)
{
	char name[64];
	int f;

	need_right();
	CHECK_ERR(swapon("/nowhere", 0), ENOENT);
	CHECK_ERR(swapoff("/nowhere"), ENOENT);
	CHECK_ERR(swapon("/nowhere", 1 << 20), EINVAL);
	CHECK_ERR(swapon("", 0), ENOENT);
	CHECK_ERR(swapon((const char *)1, 0), EFAULT);
	CHECK_ERR(swapoff((const char *)1), EFAULT);
	CHECK_ERR(swapon("/", 0), EISDIR);
	CHECK_ERR(swapon("/dev/null", 0), EINVAL);
	CHECK_ERR(swapoff("/dev/null"), EINVAL);
	/* A file without a header. */
	snprintf(name, sizeof(name), "/tmp/t_swapfile.%d", (int)getpid());
	f = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(f >= 0);
	CHECK_EQ(ftruncate(f, 64 * PAGE), 0);
	CHECK_EQ(close(f), 0);
	CHECK_ERR(swapon(name, 0), EINVAL);
	CHECK_ERR(swapoff(name), EINVAL);
	CHECK_EQ(unlink(name), 0);
	CHECK_EQ(setuid(1234), 0);
	CHECK_ERR(swapon("/nowhere", 0), EPERM);
	CHECK_ERR(swapoff("/nowhere"), EPERM);
}

TEST(bad_headers_are_refused)
{
	setup();
	CHECK_ERR(swapon(dev, 0), EINVAL);		/* zeros */
	write_header(fd, 2, NPAGES - 1, 0);
	CHECK_ERR(swapon(dev, 0), EINVAL);
	write_header(fd, 1, 0, 0);
	CHECK_ERR(swapon(dev, 0), EINVAL);
	write_header(fd, 1, NPAGES, 0);			/* longer than it is */
	CHECK_ERR(swapon(dev, 0), EINVAL);
	write_header(fd, 1, NPAGES - 1, 638);		/* more than fit */
	CHECK_ERR(swapon(dev, 0), EINVAL);
	write_header(fd, 1, 5, 4);			/* page 6 is beyond */
	CHECK_ERR(swapon(dev, 0), EINVAL);
	CHECK_ERR(swapoff(dev), EINVAL);
}

TEST(it_is_used_once_and_shown)
{
	unsigned long size, used;
	struct sysinfo before, si;
	int prio;

	setup();
	write_header(fd, 1, NPAGES - 1, 2);
	CHECK_EQ(sysinfo(&before), 0);
	CHECK_EQ(swapon(dev, SWAP_FLAG_PREFER | 77), 0);
	CHECK_ERR(swapon(dev, 0), EBUSY);
	CHECK(open(dev, O_RDONLY | O_EXCL) == -1 && errno == EBUSY);
	CHECK(proc_swaps(&size, &used, &prio));
	CHECK_EQ(size, (NPAGES - 1 - 2) * 4);
	CHECK_EQ(prio, 77);
	CHECK_EQ(sysinfo(&si), 0);
	CHECK_EQ(si.totalswap - before.totalswap, (NPAGES - 3) * PAGE /
	    si.mem_unit);
	CHECK_EQ(swapoff(dev), 0);
	CHECK(!proc_swaps(&size, &used, &prio));
	CHECK_ERR(swapoff(dev), EINVAL);
	/* Priorities that were not chosen are negative. */
	CHECK_EQ(swapon(dev, 0), 0);
	CHECK(proc_swaps(&size, &used, &prio));
	CHECK(prio < 0);
	CHECK_EQ(swapoff(dev), 0);
}

static long
vm_swap(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "VmSwap: %ld", &kb);
	fclose(f);
	return kb;
}

TEST(memory_goes_there_and_comes_back)
{
	enum { N = 64 };
	unsigned char vec[N], *p;
	unsigned int out = 0, i;
	pid_t pid;

	setup();
	write_header(fd, 1, NPAGES - 1, 0);
	CHECK_EQ(swapon(dev, SWAP_FLAG_PREFER | 32000), 0);
	p = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (i = 0; i < N * PAGE; i++)
		p[i] = (unsigned char)(i * 7 + i / PAGE);
	CHECK_EQ(madvise(p, N * PAGE, MADV_PAGEOUT), 0);
	CHECK_EQ(mincore(p, N * PAGE, vec), 0);
	for (i = 0; i < N; i++)
		out += (vec[i] & 1) == 0;
	if (out == 0) {
		CHECK_EQ(swapoff(dev), 0);
		SKIP("nothing was written to swap");
	}
	CHECK(vm_swap() > 0);
	/* A child has its own, from the same place. */
	if ((pid = fork()) == 0) {
		for (i = 0; i < N / 2 * PAGE; i++)
			CHECK_EQ(p[i], (unsigned char)(i * 7 + i / PAGE));
		memset(p, 1, N * PAGE);
		_exit(3);
	}
	reap(pid, 3);
	/* What is thrown away there is gone. */
	CHECK_EQ(madvise(p + 60 * PAGE, 4 * PAGE, MADV_DONTNEED), 0);
	for (i = 20 * PAGE; i < 60 * PAGE; i++)
		CHECK_EQ(p[i], (unsigned char)(i * 7 + i / PAGE));
	for (i = 60 * PAGE; i < N * PAGE; i++)
		CHECK_EQ(p[i], 0);
	CHECK_EQ(swapoff(dev), 0);
	CHECK_EQ(vm_swap(), 0);
	for (i = 0; i < 60 * PAGE; i++)
		CHECK_EQ(p[i], (unsigned char)(i * 7 + i / PAGE));
}
