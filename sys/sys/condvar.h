/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Condition variables: the one way a thread waits for an event.
 *
 * Waiting needs thread context.  cv_signal() and cv_broadcast() work in any
 * context, interrupts included.  Spurious wake-ups happen: test the condition
 * in a loop.  A deadline is an absolute nanouptime(); 0 means none.
 *
 * The *_sig variants end with ERESTARTSYS when a signal is to be taken, the
 * ones with a deadline with ETIMEDOUT when it has passed.
 */
#ifndef _SYS_CONDVAR_H_
#define	_SYS_CONDVAR_H_

#include <sys/mutex.h>

struct condvar {
	struct spinlock	cv_lock;	/* guards the queue */
	struct sleepq	cv_queue;
	const char	*cv_name;	/* shown as the wait channel (wchan) */
};

void	cv_init(struct condvar *, const char *name);
void	cv_destroy(struct condvar *);
void	cv_wait(struct condvar *, struct mutex *);
int	cv_wait_sig(struct condvar *, struct mutex *) __must_check;
int	cv_timedwait(struct condvar *, struct mutex *, nsec_t deadline);
int	cv_timedwait_sig(struct condvar *, struct mutex *, nsec_t deadline)
	    __must_check;
/* The same with a spin lock as interlock. */
void	cv_wait_spin(struct condvar *, struct spinlock *);
int	cv_wait_spin_sig(struct condvar *, struct spinlock *) __must_check;
int	cv_timedwait_spin(struct condvar *, struct spinlock *, nsec_t deadline);
int	cv_timedwait_spin_sig(struct condvar *, struct spinlock *,
	    nsec_t deadline) __must_check;
void	cv_signal(struct condvar *);
void	cv_broadcast(struct condvar *);
bool	cv_has_waiters(struct condvar *);

/* Sleep until the deadline or, with sig, a signal (ERESTARTSYS). */
int	kpause(const char *wchan, bool sig, nsec_t deadline);

#endif /* !_SYS_CONDVAR_H_ */
