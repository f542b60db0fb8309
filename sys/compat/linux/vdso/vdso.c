/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: code of the kernel that runs in user mode, to tell the time and the
 * CPU without entering the kernel.
 *
 * Overview: the kernel maps this small shared object into every program, with
 * the two pages of <sys/vdso.h> right below it.  A clock is the hypervisor's
 * time word of the CPU we run on, scaled by the TSC, and the offsets of
 * kern_time.c.  Moving to another CPU half-way does no harm: the words are only
 * used while the hypervisor says that the TSC is the same everywhere, and then
 * they all give the same time.  Otherwise, and for every clock not known here,
 * the system call is made.
 *
 * Suspend: vt_seq changes when a domain wakes as a new one, and Xen's version
 * when it writes the words: then all is read again.
 *
 * Compiled for 64- and for 32-bit programs; nothing here may need relocation.
 */
#include <sys/vdso.h>

#include "vdso_syscall.h"

#define	CLOCK_REALTIME		0
#define	CLOCK_MONOTONIC		1
#define	CLOCK_MONOTONIC_RAW	4
#define	CLOCK_REALTIME_COARSE	5
#define	CLOCK_MONOTONIC_COARSE	6
#define	CLOCK_BOOTTIME		7
#define	CLOCK_TAI		11
#define	NSEC_PER_SEC		1000000000

#define	EXPORT	__attribute__((__visibility__("default")))
#define	ALIAS(name, of)	extern __typeof__(of) name			\
	    __attribute__((__weak__, __alias__(#of),			\
	    __visibility__("default")))

/* Where this object is mapped; the linker's. */
extern const char __ehdr_start[] __attribute__((__visibility__("hidden")));

struct timeval_native {
	long		tv_sec, tv_usec;
};

static inline const void *
data_page(int below)
{
	uintptr_t base = (uintptr_t)__ehdr_start;

	/* The compiler must not reason from the object we step out of. */
	__asm__("" : "+r"(base));
	return (const void *)(base - (uintptr_t)below * VDSO_PAGE_SIZE);
}

static inline unsigned int
cpu_number(void)
{
	unsigned int n;

	__asm__ volatile("lsl %1, %0" : "=r"(n) : "r"(VDSO_CPU_SEL) : "cc");
	return n;
}

static inline uint64_t
rdtsc_ordered(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline bool
add_offsets(const struct vdso_time *vt, int clock, int64_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ns += vt->vt_real_offset + vt->vt_real_user +
		    vdso_adjusted(vt, *ns);
		return true;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		return true;
	case CLOCK_BOOTTIME:
		*ns += vt->vt_gap_total;
		return true;
	default:
		return false;
	}
}

/* Time of a clock; false: ask the kernel. */
static bool
clock_nsec(int clock, int64_t *ns)
{
	const struct vdso_time *vt = data_page(VDSO_TIME_PAGE);
	const struct vdso_tsc *vc = data_page(VDSO_TSC_PAGE);
	uint32_t seq, version;

	vc += cpu_number() % VDSO_CPUS;
	do {
		seq = __atomic_load_n(&vt->vt_seq, __ATOMIC_ACQUIRE);
		version = __atomic_load_n(&vc->vc_version, __ATOMIC_ACQUIRE);
		if ((vc->vc_flags & VDSO_TSC_STABLE) == 0)
			return false;
		*ns = (int64_t)vdso_tsc_nsec(vc, rdtsc_ordered()) +
		    *(const volatile int64_t *)&vt->vt_mono_offset;
		if (!add_offsets(vt, clock, ns))
			return false;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (((seq | version) & 1) != 0 || vt->vt_seq != seq ||
	    vc->vc_version != version);
	return true;
}

/* ns, not negative, as seconds; the rest to *rest. */
static inline int64_t
seconds(int64_t ns, uint32_t *rest)
{
#ifdef __x86_64__
	*rest = (uint32_t)(ns % NSEC_PER_SEC);
	return ns / NSEC_PER_SEC;
#else
	/* There is no library here that divides 64 bits. */
	uint32_t hi = (uint32_t)((uint64_t)ns >> 32), lo = (uint32_t)ns, q;

	__asm__("divl %4" : "=a"(q), "=d"(*rest) : "0"(lo),
	    "1"(hi % NSEC_PER_SEC), "rm"((uint32_t)NSEC_PER_SEC) : "cc");
	return (int64_t)((uint64_t)(hi / NSEC_PER_SEC) << 32 | q);
#endif
}

/* -- what programs call -- */

EXPORT int	__vdso_clock_gettime(int, struct timespec_native *);
EXPORT int	__vdso_clock_getres(int, struct timespec_native *);
EXPORT int	__vdso_gettimeofday(struct timeval_native *, void *);
EXPORT long	__vdso_time(long *);
EXPORT int	__vdso_getcpu(unsigned int *, unsigned int *, void *);

int
__vdso_clock_gettime(int clock, struct timespec_native *ts)
{
	int64_t ns;
	uint32_t rest;

	if (!clock_nsec(clock, &ns))
		return (int)vdso_syscall2(VDSO_SYS_clock_gettime, clock, ts);
	ts->tv_sec = (long)seconds(ns, &rest);
	ts->tv_nsec = (long)rest;
	return 0;
}

int
__vdso_clock_getres(int clock, struct timespec_native *ts)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		if (ts != 0) {
			ts->tv_sec = 0;
			ts->tv_nsec = 1;
		}
		return 0;
	default:
		return (int)vdso_syscall2(VDSO_SYS_clock_getres, clock, ts);
	}
}

int
__vdso_gettimeofday(struct timeval_native *tv, void *tz)
{
	int64_t ns;
	uint32_t rest;

	if (tz != 0 || tv == 0 || !clock_nsec(CLOCK_REALTIME, &ns))
		return (int)vdso_syscall2(VDSO_SYS_gettimeofday, (long)tv, tz);
	tv->tv_sec = (long)seconds(ns, &rest);
	tv->tv_usec = (long)(rest / 1000);
	return 0;
}

long
__vdso_time(long *t)
{
	int64_t ns;
	uint32_t rest;
	long now;

	if (!clock_nsec(CLOCK_REALTIME, &ns))
		return vdso_syscall2(VDSO_SYS_time, (long)t, 0);
	now = (long)seconds(ns, &rest);
	if (t != 0)
		*t = now;
	return now;
}

int
__vdso_getcpu(unsigned int *cpu, unsigned int *node, void *cache)
{
	(void)cache;
	if (cpu != 0)
		*cpu = cpu_number();
	if (node != 0)
		*node = 0;
	return 0;
}

ALIAS(clock_gettime, __vdso_clock_gettime);
ALIAS(clock_getres, __vdso_clock_getres);
ALIAS(gettimeofday, __vdso_gettimeofday);
ALIAS(time, __vdso_time);
ALIAS(getcpu, __vdso_getcpu);

#ifndef __x86_64__
struct timespec_64 {
	int64_t		tv_sec, tv_nsec;
};
EXPORT int	__vdso_clock_gettime64(int, struct timespec_64 *);

int
__vdso_clock_gettime64(int clock, struct timespec_64 *ts)
{
	int64_t ns;
	uint32_t rest;

	if (!clock_nsec(clock, &ns))
		return (int)vdso_syscall2(VDSO_SYS_clock_gettime64, clock,
		    ts);
	ts->tv_sec = seconds(ns, &rest);
	ts->tv_nsec = (int64_t)rest;
	return 0;
}
ALIAS(clock_gettime64, __vdso_clock_gettime64);
#endif
