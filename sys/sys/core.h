/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core dumps: what is left of a process that a signal ends.
 */
#ifndef _SYS_CORE_H_
#define	_SYS_CORE_H_

#include <sys/signal.h>

#define	CORE_PATTERN_LEN	128
/* Signals whose default action leaves one. */
#define	SIG_CORE	(sigmask(SIGQUIT) | sigmask(SIGILL) |		\
    sigmask(SIGTRAP) | sigmask(SIGABRT) | sigmask(SIGBUS) |		\
    sigmask(SIGFPE) | sigmask(SIGSEGV) | sigmask(SIGXCPU) |		\
    sigmask(SIGXFSZ) | sigmask(SIGSYS))

struct lwp;

/* Is there to be one of the process?  Any context. */
bool	core_wanted(struct lwp *);
/*
 * The current thread's process is ended by this signal: its other threads
 * stop, a core file is written; true if it is there.  P_EXITING is set after
 * it.  p_lock held, and let go meanwhile.
 */
bool	core_dump(struct lwp *, const ksiginfo_t *);
/* Another thread of that process, about to end: wait for the dump. */
void	core_wait(struct lwp *);
/* kernel.core_pattern: EINVAL for one that is too long or names a program. */
void	core_pattern_get(char *);		/* CORE_PATTERN_LEN */
int	core_pattern_set(const char *);

#endif /* !_SYS_CORE_H_ */
