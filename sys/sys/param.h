/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits of the system and the rounding macros.
 */
#ifndef _SYS_PARAM_H_
#define	_SYS_PARAM_H_

#include <sys/types.h>

#define	PAGE_SHIFT	12
#define	PAGE_SIZE	(1UL << PAGE_SHIFT)
#define	PAGE_MASK	(PAGE_SIZE - 1)

#define	MAXCPUS		64
#define	MAXPATHLEN	4096		/* PATH_MAX, with the NUL */
#define	MAXNAMLEN	255		/* NAME_MAX */
#define	MAXSYMLINKS	40
#define	MAXCOMLEN	16		/* TASK_COMM_LEN, with the NUL */
#define	NGROUPS_MAX	65536
#define	PIPE_BUF	4096
#define	PID_MAX		32768
#define	UPAGES		4		/* pages of a kernel stack */
#define	USPACE		(UPAGES * PAGE_SIZE)

#define	NSEC_PER_SEC	1000000000LL
#define	NSEC_PER_MSEC	1000000LL
#define	NSEC_PER_USEC	1000LL

#define	MIN(a, b)	((a) < (b) ? (a) : (b))
#define	MAX(a, b)	((a) > (b) ? (a) : (b))
#define	howmany(x, y)	(((x) + ((y) - 1)) / (y))
#define	roundup2(x, m)	(((x) + ((m) - 1)) & ~((__typeof__(x))(m) - 1))
#define	rounddown2(x, m) ((x) & ~((__typeof__(x))(m) - 1))
#define	round_page(x)	roundup2((x), PAGE_SIZE)
#define	trunc_page(x)	rounddown2((x), PAGE_SIZE)
#define	atop(x)		((x) >> PAGE_SHIFT)
#define	ptoa(x)		((paddr_t)(x) << PAGE_SHIFT)

#endif /* !_SYS_PARAM_H_ */
