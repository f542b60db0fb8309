/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: run a function at a time.  Nanosecond deadlines on the monotonic
 * clock, one ordered queue per CPU, no periodic tick.
 *
 * The function runs in soft interrupt context (interrupts on, no sleeping) on
 * the CPU that scheduled it.  It may reschedule its own callout.  After a
 * suspend a callout that fell due meanwhile fires once.
 */
#ifndef _SYS_CALLOUT_H_
#define	_SYS_CALLOUT_H_

#include <sys/tree.h>
#include <sys/types.h>

struct callout {
	RB_ENTRY(callout) c_link;	/* [q] */
	nsec_t		c_deadline;	/* [q] nanouptime() */
	struct callout_queue *volatile c_queue;	/* [q] where it is or was */
	bool		c_armed;	/* [q] */
	void		(*c_func)(void *);	/* [I] */
	void		*c_arg;		/* [I] */
};

void	callout_init(struct callout *, void (*)(void *), void *);
/* (Re)arm for an absolute nanouptime().  Any context. */
void	callout_schedule(struct callout *, nsec_t deadline);
/* Disarm; true if it was armed.  Any context; the function may be running. */
bool	callout_stop(struct callout *);
/* Disarm and wait until the function is not running.  Thread context. */
bool	callout_halt(struct callout *);
bool	callout_pending(const struct callout *);

struct cpu_info;

/* Give a CPU its queue: ENOMEM.  Before it goes online; again: no effect. */
int	callout_init_cpu(struct cpu_info *);
/* Move what is queued on a CPU that has gone offline to this one. */
void	callout_cpu_migrate(struct cpu_info *);
/* Print every CPU's queue.  Thread context. */
void	callout_show(void);
/* Program this CPU's timer anew, after a suspend.  Interrupts off. */
void	callout_rearm(void);

#endif /* !_SYS_CALLOUT_H_ */
