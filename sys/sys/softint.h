/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Soft interrupts: work a hard interrupt puts off until it has returned.
 *
 * A handler runs on the CPU that scheduled it, interrupts on, preemption off,
 * at the exit of the interrupt or at the outermost
 * spin_exit()/preempt_enable().  It may take spin locks; it may not sleep.
 */
#ifndef _SYS_SOFTINT_H_
#define	_SYS_SOFTINT_H_

#include <sys/types.h>

enum softint_level {
	SOFTINT_CLOCK, SOFTINT_SERIAL, SOFTINT_NET, SOFTINT_BIO, SOFTINT_LEVELS
};

struct softint;

/* Thread context.  NULL when out of memory. */
struct softint *softint_establish(enum softint_level, void (*)(void *), void *);
/*
 * Thread context, no locks.  Nobody may schedule it any more; on return its
 * handler runs nowhere.
 */
void	softint_disestablish(struct softint *);
/* Any context. Idempotent until the handler starts. */
void	softint_schedule(struct softint *);
/* Run what is pending here; called by the interrupt exit path. */
void	softint_dispatch(void);
struct cpu_info;
/* Take over what is pending on a CPU that runs no more. */
void	softint_cpu_migrate(struct cpu_info *);

#endif /* !_SYS_SOFTINT_H_ */
