/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping mutual exclusion.  Thread context only; the holder may sleep.
 * Not recursive.  Spins a little while the owner runs on another vCPU.
 */
#ifndef _SYS_MUTEX_H_
#define	_SYS_MUTEX_H_

#include <sys/queue.h>
#include <sys/spinlock.h>

struct lwp;

TAILQ_HEAD(sleepq, lwp);

struct mutex {
	volatile uintptr_t mtx_owner;	/* [a] lwp, and MTX_WAITERS */
	struct spinlock	mtx_lock;	/* guards the queue */
	struct sleepq	mtx_queue;	/* [l] */
	const char	*mtx_name;
};

/* Of the static variable var, in place of mutex_init(). */
#define	MUTEX_INITIALIZER(var, name)	{ .mtx_owner = 0,		\
	.mtx_lock = SPINLOCK_INITIALIZER("mutex"),			\
	.mtx_queue = TAILQ_HEAD_INITIALIZER((var).mtx_queue),		\
	.mtx_name = (name) }

void	mutex_init(struct mutex *, const char *name);
void	mutex_destroy(struct mutex *);
void	mutex_enter(struct mutex *);
bool	mutex_tryenter(struct mutex *);
void	mutex_exit(struct mutex *);
bool	mutex_owned(const struct mutex *);

#endif /* !_SYS_MUTEX_H_ */
