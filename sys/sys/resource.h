/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits (Linux numbers) and usage, counted in nanoseconds.
 */
#ifndef _SYS_RESOURCE_H_
#define	_SYS_RESOURCE_H_

#include <sys/types.h>

#define	RLIMIT_CPU		0
#define	RLIMIT_FSIZE		1
#define	RLIMIT_DATA		2
#define	RLIMIT_STACK		3
#define	RLIMIT_CORE		4
#define	RLIMIT_RSS		5
#define	RLIMIT_NPROC		6
#define	RLIMIT_NOFILE		7
#define	RLIMIT_MEMLOCK		8
#define	RLIMIT_AS		9
#define	RLIMIT_LOCKS		10
#define	RLIMIT_SIGPENDING	11
#define	RLIMIT_MSGQUEUE		12
#define	RLIMIT_NICE		13
#define	RLIMIT_RTPRIO		14
#define	RLIMIT_RTTIME		15
#define	RLIM_NLIMITS		16
#define	RLIM_INFINITY		(~(uint64_t)0)

struct rlimit {			/* read without a lock, in one piece */
	uint64_t	rlim_cur __aligned(8);
	uint64_t	rlim_max __aligned(8);
};

struct rusage_ns {
	nsec_t		ru_utime, ru_stime;
	uint64_t	ru_maxrss;	/* KiB */
	uint64_t	ru_minflt, ru_majflt, ru_inblock, ru_oublock,
			ru_nvcsw, ru_nivcsw;
};

#endif /* !_SYS_RESOURCE_H_ */
