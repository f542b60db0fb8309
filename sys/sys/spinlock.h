/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks.  The only lock an interrupt or soft interrupt may take.
 *
 * While one is held, interrupts are off and the CPU is not preempted; nesting
 * is counted per CPU, the outermost spin_exit() restores what was before.
 * The holder may not sleep, fault on user memory or allocate with KM_SLEEP.
 * After some spinning a waiter yields its vCPU to the hypervisor.
 *
 * `name` is the lock's class in the lock-order list of kern/lock_order.c; a
 * DEBUG kernel reports an acquisition against that order with both places.
 */
#ifndef _SYS_SPINLOCK_H_
#define	_SYS_SPINLOCK_H_

#include <sys/types.h>

struct spinlock {
	volatile uint32_t sl_held;
	const char	*sl_name;
	struct cpu_info	*sl_owner;
};
#define	SPINLOCK_INITIALIZER(name)	{ 0, (name), NULL }

void	spin_init(struct spinlock *, const char *name);
void	spin_enter(struct spinlock *);
void	spin_exit(struct spinlock *);
bool	spin_tryenter(struct spinlock *);
bool	spin_owned(const struct spinlock *);

#endif /* !_SYS_SPINLOCK_H_ */
