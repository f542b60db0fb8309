/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only 32-bit programs can ask: the i386 calls, frames and segments.
 * Compiled for x86-64 it does int $0x80 from 64-bit code instead.
 *
 * C library: glibc
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tap.h"

/* int $0x80 with up to six arguments; the raw result. */
static int
call32(int nr, unsigned int a, unsigned int b, unsigned int c, unsigned int d,
    unsigned int e)
{
	int ret;

#ifdef __i386__
	__asm__ volatile("int $0x80" : "=a"(ret) : "0"(nr), "b"(a), "c"(b),
	    "d"(c), "S"(d), "D"(e) : "memory");
#else
	__asm__ volatile("int $0x80" : "=a"(ret) : "0"(nr), "b"(a), "c"(b),
	    "d"(c), "S"(d), "D"(e) : "memory", "r8", "r9", "r10", "r11");
#endif
	return ret;
}

TEST(unknown_numbers)
{
	CHECK_EQ(call32(9999, 0, 0, 0, 0, 0), -ENOSYS);
	CHECK_EQ(call32(17, 0, 0, 0, 0, 0), -ENOSYS);
	CHECK_EQ(call32(20, 0, 0, 0, 0, 0), getpid());
	CHECK_EQ(call32(-1, 0, 0, 0, 0, 0), -ENOSYS);
}

#ifdef __x86_64__

/* Registers but eax stay; pointers are cut to 32 bits. */
TEST(from_64_bit_code)
{
	uint64_t in[4] = { 0x1111222233334444, 0x5555666677778888,
		0x9999aaaabbbbcccc, 0xddddeeeeffff0000 }, out[4];
	int *low, ret;

	__asm__ volatile(
	    "movq (%2), %%r8; movq 8(%2), %%r9\n"
	    "movq 16(%2), %%r12; movq 24(%2), %%r13\n"
	    "int $0x80\n"
	    "movq %%r8, (%3); movq %%r9, 8(%3)\n"
	    "movq %%r12, 16(%3); movq %%r13, 24(%3)\n"
	    : "=a"(ret) : "0"(20), "r"(in), "r"(out)
	    : "memory", "r8", "r9", "r10", "r11", "r12", "r13");
	CHECK_EQ(ret, getpid());
	CHECK(memcmp(&in[2], &out[2], 16) == 0);
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	CHECK(low != MAP_FAILED);
	/* pipe(2), and a timespec of 32-bit members. */
	CHECK_EQ(call32(42, (unsigned int)(uintptr_t)low, 0, 0, 0, 0), 0);
	CHECK(low[0] > 2 && low[1] > 2);
	CHECK_EQ(close(low[0]) + close(low[1]), 0);
	low[2] = -1;
	CHECK_EQ(call32(265, 1, (unsigned int)(uintptr_t)low, 0, 0, 0), 0);
	CHECK(low[0] >= 0 && low[1] >= 0 && low[1] < 1000000000);
	CHECK_EQ(low[2], -1);
}

#else

struct user_desc32 {
	unsigned int	entry, base, limit, flags;
};

/* -- segments -- */

TEST(thread_areas)
{
	static unsigned int word = 0x12345678;
	struct user_desc32 ud = { -1U, (unsigned int)&word, 0xfffff, 0x51 };
	struct user_desc32 got;
	unsigned int seen;

	CHECK_EQ(call32(243, (unsigned int)&ud, 0, 0, 0, 0), 0);
	CHECK(ud.entry >= 12 && ud.entry <= 14);
	memset(&got, 0, sizeof(got));
	got.entry = ud.entry;
	CHECK_EQ(call32(244, (unsigned int)&got, 0, 0, 0, 0), 0);
	CHECK(got.base == ud.base && got.limit == ud.limit &&
	    got.flags == ud.flags);
	__asm__ volatile("movw %w1, %%fs; movl %%fs:0, %0" : "=r"(seen)
	    : "r"(ud.entry * 8 + 3));
	CHECK_EQ(seen, 0x12345678);
	sleep_ms(30);			/* others run meanwhile */
	__asm__ volatile("movl %%fs:0, %0" : "=r"(seen));
	CHECK_EQ(seen, 0x12345678);
	word = 99;
	__asm__ volatile("movl %%fs:0, %0" : "=r"(seen));
	CHECK_EQ(seen, 99);
	ud.entry = 3;
	CHECK_EQ(call32(243, (unsigned int)&ud, 0, 0, 0, 0), -EINVAL);
	ud.entry = 12;
	ud.flags = 0x50;		/* 16 bits */
	CHECK_EQ(call32(243, (unsigned int)&ud, 0, 0, 0, 0), -EINVAL);
	CHECK_EQ(call32(243, 4, 0, 0, 0, 0), -EFAULT);
	CHECK_EQ(call32(244, (unsigned int)&word, 0, 0, 0, 0), -EINVAL);
}

static __thread int mine;
static volatile int wrong;

static void *
own_tls(void *arg)
{
	for (int i = 0; i < 300; i++) {
		mine = (int)(long)arg;
		if (i % 30 == 0)
			sleep_ms(1);
		else
			sched_yield();
		if (mine != (int)(long)arg)
			wrong = 1;
	}
	return NULL;
}

TEST(threads_have_their_own)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, own_tls, (void *)i), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(wrong, 0);
}

/* -- memory -- */

TEST(mapping_calls)
{
	unsigned int old[6] = { 0, 4096, 3, 0x22, -1U, 0 };
	int p, fd;
	char c;

	p = call32(90, (unsigned int)old, 0, 0, 0, 0);
	CHECK((unsigned int)p < 0xfffff000U && (p & 4095) == 0);
	*(volatile int *)p = 7;
	CHECK_EQ(call32(91, (unsigned int)p, 4096, 0, 0, 0), 0);
	fd = memfd_create("x", 0);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 3 * 4096), 0);
	CHECK_EQ(pwrite(fd, "Q", 1, 8192), 1);
	/* mmap2: the position is counted in pages. */
	p = (int)(long)mmap64(NULL, 4096, PROT_READ, MAP_SHARED, fd, 8192);
	c = *(volatile char *)p;
	CHECK_EQ(c, 'Q');
}

TEST(below_four_gib)
{
	unsigned long from, to, last = 0;
	char line[256];
	FILE *fp = fopen("/proc/self/maps", "r");

	CHECK(fp != NULL);
	while (fgets(line, sizeof(line), fp) != NULL) {
		unsigned long long a, b;

		CHECK_EQ(sscanf(line, "%llx-%llx", &a, &b), 2);
		CHECK(b <= 1ULL << 32);
		from = (unsigned long)a;
		to = (unsigned long)b;
		CHECK(to > from);
		last = to;
	}
	CHECK(last > 0xc0000000UL || last == 0);
	CHECK_ERR((long)mmap((void *)0xfffff000UL, 4096, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
}

/* -- structures -- */

TEST(positions)
{
	int fd = memfd_create("x", 0);
	long long pos = 0;

	CHECK_EQ(call32(140, fd, 1, 5, (unsigned int)&pos, SEEK_SET), 0);
	CHECK(pos == 0x100000005LL);
	CHECK_EQ(call32(19, fd, 0, SEEK_CUR, 0, 0), 5);	/* cut off */
	CHECK_EQ(call32(19, fd, 100, SEEK_SET, 0, 0), 100);
	CHECK_EQ(call32(19, fd, (unsigned int)-50, SEEK_CUR, 0, 0), 50);
	CHECK_EQ(call32(19, fd, (unsigned int)-51, SEEK_CUR, 0, 0), -EINVAL);
	CHECK_EQ(call32(194, fd, 0, 1, 0, 0), 0);
	CHECK_EQ(call32(140, fd, 0, 0, (unsigned int)&pos, SEEK_END), 0);
	CHECK(pos == 0x100000000LL);
	CHECK_EQ(call32(93, fd, (unsigned int)-1, 0, 0, 0), -EINVAL);
	CHECK_EQ(call32(93, fd, 10, 0, 0, 0), 0);
	CHECK_EQ(call32(19, fd, 0, SEEK_END, 0, 0), 10);
}

TEST(stat_forms)
{
	unsigned int old[16], new[24];
	struct statx sx;
	char path[] = "/tmp/t_i386.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, "12345", 5) == 5);
	CHECK_EQ(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &sx), 0);
	CHECK_EQ(call32(195, (unsigned int)path, (unsigned int)new, 0, 0, 0),
	    0);
	CHECK_EQ(new[4], sx.stx_mode);
	CHECK_EQ(new[5], 1);
	CHECK_EQ(new[11], 5);			/* low half of the size */
	CHECK_EQ(new[22], (unsigned int)sx.stx_ino);
	CHECK_EQ(new[18], (unsigned int)sx.stx_mtime.tv_sec);
	memset(old, 0, sizeof(old));
	int ret = call32(108, fd, (unsigned int)old, 0, 0, 0);
	CHECK(ret == 0 || ret == -EOVERFLOW);
	if (ret == 0) {
		CHECK_EQ(old[5], 5);
		CHECK_EQ(old[1], (unsigned int)sx.stx_ino);
	}
	CHECK_EQ(unlink(path), 0);
	struct statfs64 f64;
	CHECK_EQ(statfs64("/tmp", &f64), 0);
	CHECK(f64.f_bsize >= 512 && f64.f_namelen >= 14);
	CHECK_EQ(call32(268, (unsigned int)"/", 10, (unsigned int)&f64, 0, 0),
	    -EINVAL);
}

TEST(times_of_both_widths)
{
	int ts32[3] = { 0, 0, -7 };
	long long ts64[3] = { 0, 0, -7 };

	CHECK_EQ(call32(265, 0, (unsigned int)ts32, 0, 0, 0), 0);
	CHECK_EQ(call32(403, 0, (unsigned int)ts64, 0, 0, 0), 0);
	CHECK(ts32[2] == -7 && ts64[2] == -7);
	CHECK(ts64[0] - ts32[0] <= 1 && ts64[0] >= ts32[0]);
	CHECK(ts64[1] >= 0 && ts64[1] < 1000000000);
	/* The upper half of the nanoseconds is padding. */
	ts64[0] = 0;
	ts64[1] = 0x7700000000000000LL + 1000000;
	CHECK_EQ(call32(407, 1, 0, (unsigned int)ts64, 0, 0), 0);
	ts32[0] = 0;
	ts32[1] = 1000000000;
	CHECK_EQ(call32(162, (unsigned int)ts32, 0, 0, 0, 0), -EINVAL);
	ts32[1] = 1000000;
	CHECK_EQ(call32(162, (unsigned int)ts32, 0, 0, 0, 0), 0);
}

TEST(ids_of_16_bits)
{
	unsigned short r = 1, e = 2, s = 3;

	CHECK_EQ(call32(24, 0, 0, 0, 0, 0),
	    getuid() > 65535 ? 65534 : getuid());
	CHECK_EQ(call32(165, (unsigned int)&r, (unsigned int)&e,
	    (unsigned int)&s, 0, 0), 0);
	if (getuid() <= 65535)
		CHECK(r == getuid() && e == geteuid());
	/* -1 leaves an id as it is. */
	CHECK_EQ(call32(70, 0xffff, 0xffff, 0, 0, 0), 0);
	CHECK_EQ(call32(199, 0, 0, 0, 0, 0), getuid());
}

TEST(limits)
{
	unsigned int lim[2];

	CHECK_EQ(call32(191, 7, (unsigned int)lim, 0, 0, 0), 0);
	CHECK(lim[0] > 2 && lim[0] <= lim[1]);
	CHECK_EQ(call32(191, 99, (unsigned int)lim, 0, 0, 0), -EINVAL);
}

/* -- signals -- */

static volatile int caught;
static volatile unsigned int seen_esp, seen_eax, seen_addr;

static void
plain(int signo)
{
	CHECK_EQ(signo, SIGUSR1);
	caught++;
}

/* A frame of the old form; what the FPU held survives. */
TEST(old_frame)
{
	double x = 1.5, y;
	struct { void (*h)(int); unsigned int mask, flags; void *r; } osa, got;
	struct sigaction sa;

	CHECK_EQ(sigaction(SIGUSR1, NULL, &sa), 0);
	sa.sa_handler = plain;
	sa.sa_flags = 0;
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	__asm__ volatile("fldl %1\n"
	    "movl $37, %%eax; int $0x80\n"
	    "fstpl %0" : "=m"(y) : "m"(x), "b"(getpid()), "c"(SIGUSR1)
	    : "eax", "memory");
	CHECK_EQ(caught, 1);
	CHECK(y == 1.5);
	/* The old call sees what the new one has set. */
	CHECK_EQ(call32(67, SIGUSR1, 0, (unsigned int)&got, 0, 0), 0);
	CHECK(got.h == plain);
	memset(&osa, 0, sizeof(osa));
	osa.h = SIG_IGN;
	CHECK_EQ(call32(67, SIGUSR1, (unsigned int)&osa, 0, 0, 0), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(caught, 1);
}

static void
with_info(int signo, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	CHECK_EQ(signo, SIGSEGV);
	CHECK_EQ(si->si_code, SEGV_MAPERR);
	seen_addr = (unsigned int)si->si_addr;
	seen_eax = (unsigned int)uc->uc_mcontext.gregs[REG_EAX];
	CHECK_EQ(uc->uc_mcontext.gregs[REG_TRAPNO], 14);
	CHECK_EQ(uc->uc_mcontext.cr2, 0x10);
	CHECK_EQ(uc->uc_mcontext.gregs[REG_CS] & 0xffff, 0x23);
	CHECK_EQ(uc->uc_mcontext.gregs[REG_SS] & 0xffff, 0x2b);
	CHECK(((uintptr_t)__builtin_frame_address(0) & 15) == 8);
	uc->uc_mcontext.gregs[REG_EIP] += 2;	/* beyond the instruction */
	uc->uc_mcontext.gregs[REG_EDX] = 0x55;
	caught++;
}

TEST(rt_frame)
{
	struct sigaction sa = { .sa_sigaction = with_info,
		.sa_flags = SA_SIGINFO };
	unsigned int edx = 1;

	CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	__asm__ volatile("movl (%1), %%eax" : "+d"(edx)
	    : "c"(0x10), "a"(0x1234) : "memory");
	CHECK_EQ(caught, 1);
	CHECK_EQ(seen_addr, 0x10);
	CHECK_EQ(seen_eax, 0x1234);
	CHECK_EQ(edx, 0x55);
}

TEST(alternate_stack)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;
	struct sigaction sa = { .sa_sigaction = with_info,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };

	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK(old.ss_sp == stack && old.ss_size == sizeof(stack));
	CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	__asm__ volatile("movl (%0), %%eax" : : "c"(0x10), "a"(0) : "edx",
	    "memory");
	CHECK_EQ(caught, 1);
}

TEST(mask_of_32_bits)
{
	unsigned int set = 1U << (SIGUSR1 - 1), old = 0, pend = 0;
	unsigned long long all = 1ULL << 40;

	CHECK_EQ(call32(175, 0, (unsigned int)&all, 0, 8, 0), 0);
	CHECK_EQ(call32(126, 0, (unsigned int)&set, (unsigned int)&old, 0, 0),
	    0);
	CHECK_EQ(old & set, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(call32(73, (unsigned int)&pend, 0, 0, 0, 0), 0);
	CHECK_EQ(pend, set);
	all = 0;
	CHECK_EQ(call32(175, 0, 0, (unsigned int)&all, 8, 0), 0);
	/* The upper half has stayed. */
	CHECK(all == (1ULL << 40 | set));
}

/* A sleep that a handler interrupts goes on with its own structures. */
TEST(restarted_sleep)
{
	struct timespec req = { 0, 200000000 };
	long long before = now_ns(CLOCK_MONOTONIC);
	pid_t pid = getpid(), child;
	int status;

	if ((child = fork()) == 0) {
		sleep_ms(50);
		kill(pid, SIGSTOP);
		sleep_ms(50);
		kill(pid, SIGCONT);
		_exit(0);
	}
	CHECK_EQ(nanosleep(&req, NULL), 0);
	CHECK(now_ns(CLOCK_MONOTONIC) - before >= 200000000);
	CHECK_EQ(call32(7, child, (unsigned int)&status, 0, 0, 0), child);
	CHECK_EQ(status, 0);
}

TEST(sockets_in_one_call)
{
	unsigned int args[3] = { 1, 77, 0 };

	CHECK_EQ(call32(102, 0, (unsigned int)args, 0, 0, 0), -EINVAL);
	CHECK_EQ(call32(102, 40, (unsigned int)args, 0, 0, 0), -EINVAL);
	CHECK_EQ(call32(102, 1, 4, 0, 0, 0), -EFAULT);
	CHECK(call32(102, 1, (unsigned int)args, 0, 0, 0) < 0);
}
#endif
