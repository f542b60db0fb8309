/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping on a queue.
 *
 * Overview: a waker takes a thread off its queue, under the queue's spin lock,
 * and makes it runnable.  A signal or a deadline only makes it runnable: the
 * thread finds itself still queued and leaves on its own, so that nobody but a
 * waker and the thread itself ever needs the queue, whose memory may go as
 * soon as they are through with it.
 *
 * States (l_state, under the lock of l_cpu's run queue):
 *	LS_ONCPU -> LS_SLEEP	sleepq_enter(); it still runs
 *	LS_SLEEP -> LS_ONCPU	woken before it has left the CPU
 *	LS_SLEEP -> LS_RUN	woken afterwards
 *
 * Locking: queue lock before run queue lock.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

#include "lock_order.h"
#include "sched_impl.h"
#include "sleepq.h"

static void
sleep_timeout(void *arg)
{
	sched_wakeup(arg);
}

void
sleepq_enter(struct sleepq *sq, const char *wchan, bool sig)
{
	struct lwp *l = curlwp;

	KASSERT(!cpu_others_stopped);
	KASSERT(!l->l_onsleepq);
	preempt_disable();
	TAILQ_INSERT_TAIL(sq, l, l_sleepq);
	l->l_onsleepq = true;
	sched_sleep_prepare(l, wchan, sig);
}

void
sleepq_block(nsec_t deadline)
{
	struct lwp *l = curlwp;

	/* Signals raised before sched_sleep_prepare() have woken nobody. */
	if (l->l_sigwake && sig_pending(l))
		sched_wakeup(l);
	if (deadline != 0) {
		if (l->l_timeout.c_func == NULL)
			callout_init(&l->l_timeout, sleep_timeout, l);
		callout_schedule(&l->l_timeout, deadline);
	}
	sched_sleep_commit();
	if (deadline != 0)
		(void)callout_stop(&l->l_timeout);
}

/*
 * A timeout of an earlier sleep may be under way still on another CPU; its
 * wake-up is not meant for this one.
 */
void
sleepq_wait(const char *wchan)
{
	struct lwp *l = curlwp;

	sleepq_block(0);
	while (l->l_onsleepq) {
		preempt_disable();
		sched_sleep_prepare(l, wchan, false);
		if (!l->l_onsleepq)
			sched_wakeup(l);
		sched_sleep_commit();
	}
}

void
sleepq_wake(struct sleepq *sq, struct lwp *l)
{
	TAILQ_REMOVE(sq, l, l_sleepq);
	l->l_onsleepq = false;
	sched_wakeup(l);
}

void
sleepq_handover(struct sleepq *sq, struct lwp *l)
{
	TAILQ_REMOVE(sq, l, l_sleepq);
	l->l_onsleepq = false;
	sched_wakeup_owner(l);
}

int
sleepq_leave(struct sleepq *sq, struct spinlock *lock, bool sig,
    nsec_t deadline)
{
	struct lwp *l = curlwp;
	bool queued;

	if (!l->l_onsleepq)
		return 0;
	spin_enter(lock);
	queued = l->l_onsleepq;
	if (queued) {
		TAILQ_REMOVE(sq, l, l_sleepq);
		l->l_onsleepq = false;
	}
	spin_exit(lock);
	if (!queued)
		return 0;
	if (sig && sig_pending(l))
		return ERESTARTSYS;
	if (deadline != 0 && nanouptime() >= deadline)
		return ETIMEDOUT;
	return 0;
}

/* Wake a sleeping thread because of a signal.  Its p_lock may be held. */
void
sleepq_signal(struct lwp *l)
{
	sched_wakeup_sig(l);
}
