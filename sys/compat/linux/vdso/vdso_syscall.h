/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the vDSO enters the kernel, for programs of either width.
 */
#ifndef _VDSO_SYSCALL_H_
#define	_VDSO_SYSCALL_H_

struct timespec_native {
	long		tv_sec, tv_nsec;
};

#ifdef __x86_64__
#define	VDSO_SYS_gettimeofday	96
#define	VDSO_SYS_time		201
#define	VDSO_SYS_clock_gettime	228
#define	VDSO_SYS_clock_getres	229

static inline long
vdso_syscall2(int nr, long a, const void *b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret)
	    : "0"((long)nr), "D"(a), "S"(b) : "rcx", "r11", "memory", "cc");
	return ret;
}
#else
#define	VDSO_SYS_time		13
#define	VDSO_SYS_gettimeofday	78
#define	VDSO_SYS_clock_gettime	265
#define	VDSO_SYS_clock_getres	266
#define	VDSO_SYS_clock_gettime64 403

static inline long
vdso_syscall2(int nr, long a, const void *b)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret)
	    : "0"(nr), "b"(a), "c"(b) : "memory", "cc");
	return ret;
}
#endif

#endif /* !_VDSO_SYSCALL_H_ */
