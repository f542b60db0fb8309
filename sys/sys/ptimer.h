/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of processes: setitimer(2), timer_create(2).
 */
#ifndef _SYS_PTIMER_H_
#define	_SYS_PTIMER_H_

#include <sys/signal.h>

struct proc;
struct lwp;

#define	ITIMER_REAL	0
#define	ITIMER_VIRTUAL	1
#define	ITIMER_PROF	2

/* The process ends or execs: its timers go away (exec keeps ITIMER_REAL). */
void	ptimer_exit(struct proc *);
void	ptimer_exec(struct proc *);

/* A signal of a timer has been taken: go on with it.  p_lock held. */
void	ptimer_taken(struct proc *, ksiginfo_t *);

/* Times are spans to the next expiry (0: off) and between expiries. */
int	do_setitimer(struct lwp *, int which, nsec_t value, nsec_t interval,
	    nsec_t *oldvalue, nsec_t *oldinterval);
int	do_getitimer(struct lwp *, int which, nsec_t *value, nsec_t *interval);

/*
 * clocktid: the thread whose CPU time counts, if that is the clock.  tid: the
 * thread to signal, or 0: the process.  signo 0: no signal.
 */
int	do_timer_create(struct lwp *, int clock, pid_t clocktid, int signo,
	    uint64_t value, bool has_value, pid_t tid, int *id);
int	do_timer_settime(struct lwp *, int id, bool absolute, nsec_t value,
	    nsec_t interval, nsec_t *oldvalue, nsec_t *oldinterval);
int	do_timer_gettime(struct lwp *, int id, nsec_t *value,
	    nsec_t *interval);
int	do_timer_getoverrun(struct lwp *, int id, int *overrun);
int	do_timer_delete(struct lwp *, int id);

#endif /* !_SYS_PTIMER_H_ */
