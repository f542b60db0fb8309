/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Condition variables.
 *
 * Overview: a waiter joins the queue before it lets the interlock go, so a
 * signal that is given with the interlock held, or after it, is not lost.
 * The outcome of a wait: a waker that took the thread off the queue wins over
 * a signal or a deadline that came at the same time; no wake-up is swallowed.
 *
 * Locking: cv_lock guards the queue.  Order: interlock, cv_lock, run queue.
 */
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

#include "lock_order.h"
#include "sleepq.h"

void
cv_init(struct condvar *cv, const char *name)
{
	spin_init(&cv->cv_lock, "condvar");
	TAILQ_INIT(&cv->cv_queue);
	cv->cv_name = name;
}

void
cv_destroy(struct condvar *cv __unused)
{
	KASSERT(TAILQ_EMPTY(&cv->cv_queue));
}

/* Reasons not to begin to sleep. */
static int
sleep_refuse(bool sig, nsec_t deadline)
{
	if (sig && sig_pending(curlwp))
		return ERESTARTSYS;
	if (deadline != 0 && nanouptime() >= deadline)
		return ETIMEDOUT;
	return 0;
}

static void
cv_join(struct condvar *cv, bool sig)
{
	spin_enter(&cv->cv_lock);
	sleepq_enter(&cv->cv_queue, cv->cv_name, sig);
	spin_exit(&cv->cv_lock);
}

static int
cv_sleep(struct condvar *cv, struct mutex *m, bool sig, nsec_t deadline)
{
	int error;

	KASSERT(mutex_owned(m));
	error = sleep_refuse(sig, deadline);
	if (error != 0)
		return error;
	cv_join(cv, sig);
	mutex_exit(m);
	lockorder_sleep(cv->cv_name);
	sleepq_block(deadline);
	error = sleepq_leave(&cv->cv_queue, &cv->cv_lock, sig, deadline);
	mutex_enter(m);
	return error;
}

static int
cv_sleep_spin(struct condvar *cv, struct spinlock *lock, bool sig,
    nsec_t deadline)
{
	int error;

	KASSERT(spin_owned(lock));
	error = sleep_refuse(sig, deadline);
	if (error != 0)
		return error;
	cv_join(cv, sig);
	spin_exit(lock);
	lockorder_sleep(cv->cv_name);
	sleepq_block(deadline);
	error = sleepq_leave(&cv->cv_queue, &cv->cv_lock, sig, deadline);
	spin_enter(lock);
	return error;
}

void
cv_wait(struct condvar *cv, struct mutex *m)
{
	(void)cv_sleep(cv, m, false, 0);
}

int
cv_wait_sig(struct condvar *cv, struct mutex *m)
{
	return cv_sleep(cv, m, true, 0);
}

int
cv_timedwait(struct condvar *cv, struct mutex *m, nsec_t deadline)
{
	return cv_sleep(cv, m, false, deadline);
}

int
cv_timedwait_sig(struct condvar *cv, struct mutex *m, nsec_t deadline)
{
	return cv_sleep(cv, m, true, deadline);
}

void
cv_wait_spin(struct condvar *cv, struct spinlock *lock)
{
	(void)cv_sleep_spin(cv, lock, false, 0);
}

int
cv_wait_spin_sig(struct condvar *cv, struct spinlock *lock)
{
	return cv_sleep_spin(cv, lock, true, 0);
}

int
cv_timedwait_spin(struct condvar *cv, struct spinlock *lock, nsec_t deadline)
{
	return cv_sleep_spin(cv, lock, false, deadline);
}

int
cv_timedwait_spin_sig(struct condvar *cv, struct spinlock *lock,
    nsec_t deadline)
{
	return cv_sleep_spin(cv, lock, true, deadline);
}

/*
 * Nobody waits: the common case, without the lock.  Whoever should see the
 * change that is signalled has joined before he let the interlock go, and the
 * caller has held it since.
 */
static inline bool
nobody(const struct condvar *cv)
{
	return atomic_load_relaxed(&TAILQ_FIRST(&cv->cv_queue)) == NULL;
}

void
cv_signal(struct condvar *cv)
{
	struct lwp *l;

	if (nobody(cv))
		return;
	spin_enter(&cv->cv_lock);
	l = TAILQ_FIRST(&cv->cv_queue);
	if (l != NULL)
		sleepq_wake(&cv->cv_queue, l);
	spin_exit(&cv->cv_lock);
}

void
cv_broadcast(struct condvar *cv)
{
	struct lwp *l;

	if (nobody(cv))
		return;
	spin_enter(&cv->cv_lock);
	while ((l = TAILQ_FIRST(&cv->cv_queue)) != NULL)
		sleepq_wake(&cv->cv_queue, l);
	spin_exit(&cv->cv_lock);
}

bool
cv_has_waiters(struct condvar *cv)
{
	bool any;

	spin_enter(&cv->cv_lock);
	any = !TAILQ_EMPTY(&cv->cv_queue);
	spin_exit(&cv->cv_lock);
	return any;
}

/*
 * Nobody signals this sleep: it ends by its deadline or a signal.  0 when the
 * deadline has come.
 */
int
kpause(const char *wchan, bool sig, nsec_t deadline)
{
	struct condvar cv;
	int error;

	cv_init(&cv, wchan);
	do {
		error = sleep_refuse(sig, deadline);
		if (error != 0)
			break;
		cv_join(&cv, sig);
		sleepq_block(deadline);
		error = sleepq_leave(&cv.cv_queue, &cv.cv_lock, sig, deadline);
	} while (error == 0);
	return error == ETIMEDOUT ? 0 : error;
}
