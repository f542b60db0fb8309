/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures of the Linux ABI for x86-64 programs, as they are in user memory,
 * and what the files of this folder share.
 */
#ifndef _COMPAT_LINUX_LINUX_ABI_H_
#define	_COMPAT_LINUX_LINUX_ABI_H_

#include <sys/assert.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

struct exec_package;

struct linux_sigaction {
	uint64_t	lsa_handler;
	uint64_t	lsa_flags;
	uint64_t	lsa_restorer;
	uint64_t	lsa_mask;
};
CTASSERT(sizeof(struct linux_sigaction) == 32);

/* Others are dropped: programs find out so what there is. */
#define	LINUX_SA_FLAGS	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO |	\
    SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND)

struct linux_stack {
	uint64_t	lss_sp;
	int32_t		lss_flags;
	uint32_t	lss_pad;
	uint64_t	lss_size;
};
CTASSERT(sizeof(struct linux_stack) == 24);

struct linux_siginfo {
	int32_t		lsi_signo, lsi_errno, lsi_code, lsi_pad;
	union {
		struct { int32_t pid; uint32_t uid; uint64_t value; } rt;
		struct { int32_t id, overrun; uint64_t value; } timer;
		struct { int32_t pid; uint32_t uid; int32_t status, pad;
		    int64_t utime, stime; } chld;
		struct { uint64_t addr; } fault;
		struct { uint64_t addr; int32_t nr; uint32_t arch; } sys;
		struct { int64_t band; int32_t fd; } poll;
		uint8_t	raw[112];
	} lsi;
};
CTASSERT(sizeof(struct linux_siginfo) == 128);

struct linux_sigevent {
	uint64_t	sigev_value;
	int32_t		sigev_signo, sigev_notify, sigev_tid;
	int32_t		sigev_pad[11];
};
CTASSERT(sizeof(struct linux_sigevent) == 64);

struct linux_timeval {
	int64_t		tv_sec, tv_usec;
};
struct linux_itimerval {
	struct linux_timeval it_interval, it_value;
};
CTASSERT(sizeof(struct timespec) == 16);

struct linux_rusage {
	struct linux_timeval lru_utime, lru_stime;
	int64_t		lru_maxrss, lru_ixrss, lru_idrss, lru_isrss,
			lru_minflt, lru_majflt, lru_nswap, lru_inblock,
			lru_oublock, lru_msgsnd, lru_msgrcv, lru_nsignals,
			lru_nvcsw, lru_nivcsw;
};
CTASSERT(sizeof(struct linux_rusage) == 144);

struct linux_tms {
	int64_t		tms_utime, tms_stime, tms_cutime, tms_cstime;
};

struct linux_rlimit {
	uint64_t	rlim_cur, rlim_max;
};

struct linux_utsname {
	char		sysname[65], nodename[65], release[65], version[65],
			machine[65], domainname[65];
};
CTASSERT(sizeof(struct linux_utsname) == 390);

struct linux_sysinfo {
	int64_t		uptime;
	uint64_t	loads[3], totalram, freeram, sharedram, bufferram,
			totalswap, freeswap;
	uint16_t	procs, pad;
	uint32_t	pad2;
	uint64_t	totalhigh, freehigh;
	uint32_t	mem_unit, pad3;
};
CTASSERT(sizeof(struct linux_sysinfo) == 112);

struct linux_clone3 {
	uint64_t	flags, pidfd, child_tid, parent_tid, exit_signal,
			stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
CTASSERT(sizeof(struct linux_clone3) == 88);

struct linux_robust_list_head {
	uint64_t	list;		/* struct robust_list *next */
	int64_t		futex_offset;
	uint64_t	pending;
};
CTASSERT(sizeof(struct linux_robust_list_head) == 24);

#define	LINUX_USER_HZ		100
#define	LINUX_CLOCK_TICK	(NSEC_PER_SEC / LINUX_USER_HZ)

/*
 * l_callabi: 0 in calls of the x86-64 table, else this bit and the flags of
 * the i386 table's entry (SY_WIDE).
 */
#define	LINUX_ABI_I386		0x1

/* Is the call one of the i386 table? */
static inline bool
linux_is32(void)
{
	return curlwp->l_callabi != 0;
}

/* And not in the variant with 64-bit times, offsets, structures? */
static inline bool
linux_narrow(void)
{
	return curlwp->l_callabi == LINUX_ABI_I386;
}

/* linux_abi32.c: 0 or EFAULT */
struct linux32_siginfo;
int	linux_ptr_in(const void *uvec, size_t n, unsigned long *ptr);
int	linux_long_out(uint64_t val, void *uaddr);
int	linux_timespecs_in(const void *uaddr, struct timespec *,
	    unsigned int n);
int	linux_timespecs_out(const struct timespec *, void *uaddr,
	    unsigned int n);
int	linux_timevals_in(const void *uaddr, struct linux_timeval *,
	    unsigned int n);
int	linux_timevals_out(const struct linux_timeval *, void *uaddr,
	    unsigned int n);
int	linux_siginfo_in(const void *uaddr, struct linux_siginfo *);
int	linux_siginfo_out(const struct linux_siginfo *, void *uaddr);
void	linux32_siginfo_from(struct linux32_siginfo *,
	    const struct linux_siginfo *);
int	linux_stack_in(const void *uaddr, struct linux_stack *);
int	linux_stack_out(const struct linux_stack *, void *uaddr);
int	linux_sigaction_in(const void *uaddr, struct linux_sigaction *);
int	linux_sigaction_out(const struct linux_sigaction *, void *uaddr);
/* linux_time.c */
int	linux_sigevent_in(const void *uaddr, struct linux_sigevent *);
/* linux_core.c */
int	linux_coredump(struct lwp *, struct file *, const ksiginfo_t *,
	    uint64_t limit);
/* linux_emul.c */
void	linux_syscall(struct lwp *, struct trapframe *);
/* linux_seccomp.c; a call that may not be made has its result then */
int	linux_prctl_seccomp(struct lwp *, unsigned long mode,
	    unsigned long arg, register_t *retval);
bool	linux_seccomp_allows(struct lwp *, struct trapframe *, uint32_t nr,
	    const register_t *args);
/* linux_signal.c */
void	linux_siginfo_from(struct linux_siginfo *, const ksiginfo_t *);
void	linux_siginfo_to(ksiginfo_t *, const struct linux_siginfo *);
/* linux_sigframe.c */
int	linux_sendsig(struct lwp *, struct trapframe *, const ksiginfo_t *,
	    const struct sigaction *, sigset_t returnmask);
void	linux_restart(struct lwp *, struct trapframe *, bool handled,
	    const struct sigaction *);
size_t	linux_sigframe_size(void);
/* linux32_signal.c */
int	linux32_sendsig(struct lwp *, struct trapframe *, const ksiginfo_t *,
	    const struct sigaction *, sigset_t returnmask);
/* linux32.c */
struct cpu_tls;
int	linux32_clone_tls(uintptr_t uaddr, struct cpu_tls *);
/* linux_exec.c */
int	linux_copyargs(struct lwp *, struct exec_package *, vaddr_t *sp);
void	linux_setregs(struct lwp *, struct exec_package *, vaddr_t sp);
/* linux_rseq.c */
void	linux_rseq_notify(struct lwp *, struct trapframe *);
int	linux_rseq_signal(struct lwp *, struct trapframe *);
/* linux_vdso.c */
int	linux_vdso_map(struct vmspace *, struct exec_package *);
/* linux_futex.c */
void	linux_lwp_exit(struct lwp *);
/* linux_process.c */
/*
 * A structure that has its size with it: what is not there is zero, and what we
 * do not know must be, else E2BIG.  EFAULT.
 */
int	linux_struct_in(const void *uaddr, size_t usize, void *buf,
	    size_t size);
void	linux_notify(struct lwp *, struct trapframe *);
/* linux_resource.c */
int	linux_rusage_out(const struct rusage_ns *, void *uaddr);
/* linux_time.c */
/* A user timespec: EFAULT, EINVAL. */
int	linux_timespec_in(const void *uaddr, nsec_t *);
/* linux_poll.c: the end of a span from now on; 0: none, -1: do not wait. */
int	linux_deadline_in(const void *uts, nsec_t *deadline);
/*
 * The mask for the time of a call (NULL: none), and afterwards the old one
 * again: not yet if its error is ERESTARTNOHAND.
 */
int	linux_mask_in(struct lwp *, const void *umask, size_t size);
/* The same with address and size in user memory, as two words (or NULL). */
int	linux_mask_pair_in(struct lwp *, const void *upair);
void	linux_mask_done(struct lwp *, int error);
int	linux_timespec_out(nsec_t, void *uaddr);
/* When nanouptime() will be, as of now, that time of a clock. EINVAL. */
int	linux_clock_deadline(int clock, nsec_t when, nsec_t *deadline);
/* A signal set argument with its size: EINVAL, EFAULT. */
int	linux_sigset_in(const void *uaddr, size_t size, sigset_t *);

#endif /* !_COMPAT_LINUX_LINUX_ABI_H_ */
