/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping on a queue: what mutexes, rwlocks and condition variables share.
 *
 * A sleep has three steps, so that no wake-up and no signal gets lost:
 *	sleepq_enter()	with the queue's spin lock held
 *	(the lock released, whatever else has to be let go)
 *	sleepq_block()	until somebody has made the thread runnable
 * From the first step on a wake-up counts, and preemption is off; a thread
 * that was woken before it got to the last does not sleep at all.
 */
#ifndef _KERN_SLEEPQ_H_
#define	_KERN_SLEEPQ_H_

#include <sys/mutex.h>

struct lwp;

/* curlwp joins the queue; sig: signals end the sleep. Queue's lock held. */
void	sleepq_enter(struct sleepq *, const char *wchan, bool sig);
/* Sleep; deadline 0: none.  Preemption is on again afterwards. */
void	sleepq_block(nsec_t deadline);
/* The same without deadline, until a waker has taken curlwp off the queue. */
void	sleepq_wait(const char *wchan);
/* Take l off the queue and make it runnable.  Queue's lock held. */
void	sleepq_wake(struct sleepq *, struct lwp *);
/* The same, for who owns from now on what it waited for: it runs soon. */
void	sleepq_handover(struct sleepq *, struct lwp *);
/*
 * After the sleep: 0 if a wake-up took curlwp off the queue; otherwise it
 * leaves by itself: ERESTARTSYS, ETIMEDOUT, or 0 when there was no reason.
 */
int	sleepq_leave(struct sleepq *, struct spinlock *, bool sig,
	    nsec_t deadline);

#endif /* !_KERN_SLEEPQ_H_ */
