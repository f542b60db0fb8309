/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes.
 *
 * Overview: mtx_owner is the owner's lwp, with bit MTX_WAITERS set while
 * threads may be queued.  Taking a free mutex and releasing one without
 * waiters is one compare-and-swap.  A thread that finds it taken watches for a
 * while as long as the owner runs on another CPU, then it queues and sleeps.
 * The releaser wakes the first in the queue, which competes again: whoever
 * comes first gets the mutex.
 *
 * The store that gives the mutex free is the releaser's last access to it.  So
 * the next owner may free the memory it is part of.
 *
 * Locking: mtx_lock guards the queue; MTX_WAITERS is set with it held.
 */
#include <sys/atomic.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include "lock_order.h"
#include "sleepq.h"

#define	MTX_WAITERS	1UL
#define	MTX_PATIENCE	2000		/* looks at a running owner */

void
mutex_init(struct mutex *m, const char *name)
{
	m->mtx_owner = 0;
	spin_init(&m->mtx_lock, "mutex");
	TAILQ_INIT(&m->mtx_queue);
	m->mtx_name = name;
}

void
mutex_destroy(struct mutex *m __unused)
{
	KASSERT(m->mtx_owner == 0 && TAILQ_EMPTY(&m->mtx_queue));
}

/* Take it if it is free.  The waiters' bit stays. */
static inline bool
mutex_grab(struct mutex *m, struct lwp *l)
{
	uintptr_t own = atomic_load_relaxed(&m->mtx_owner);

	return (own & ~MTX_WAITERS) == 0 &&
	    atomic_cas(&m->mtx_owner, own, (uintptr_t)l | own);
}

/*
 * The CPU that runs the owner, NULL if none does.  The owner may be gone by
 * now, so only its address is looked at.
 */
static struct cpu_info *
owner_cpu(uintptr_t owner)
{
	struct cpu_info *ci;

	CPU_FOREACH(ci)
		if ((uintptr_t)atomic_load_relaxed(&ci->ci_curlwp) == owner)
			return ci;
	return NULL;
}

/* Watch a running owner for a while; true: got the mutex. */
static bool
mutex_spin(struct mutex *m, struct lwp *l)
{
	struct cpu_info *ci = NULL;
	uintptr_t own, watched = 0;
	unsigned int looks;

	for (looks = 0; looks < MTX_PATIENCE; looks++) {
		own = atomic_load_relaxed(&m->mtx_owner) & ~MTX_WAITERS;
		if (own == 0) {
			if (mutex_grab(m, l))
				return true;
			continue;
		}
		if (own != watched) {
			watched = own;
			ci = owner_cpu(own);
		}
		if (ci == NULL ||
		    (uintptr_t)atomic_load_relaxed(&ci->ci_curlwp) != own)
			return false;
		cpu_relax();
	}
	return false;
}

static __noinline void
mutex_enter_slow(struct mutex *m, struct lwp *l)
{
	for (;;) {
		if (ncpu > 1 && mutex_spin(m, l))
			return;
		spin_enter(&m->mtx_lock);
		(void)atomic_or(&m->mtx_owner, MTX_WAITERS);
		if (mutex_grab(m, l)) {
			if (TAILQ_EMPTY(&m->mtx_queue))
				(void)atomic_and(&m->mtx_owner, ~MTX_WAITERS);
			spin_exit(&m->mtx_lock);
			return;
		}
		sleepq_enter(&m->mtx_queue, m->mtx_name, false);
		spin_exit(&m->mtx_lock);
		sleepq_wait(m->mtx_name);
	}
}

void
mutex_enter(struct mutex *m)
{
	struct lwp *l = curlwp;

	KASSERT(!mutex_owned(m));
	lockorder_enter(m, m->mtx_name, LOCK_SLEEP, false, lockorder_caller());
	if (!atomic_cas(&m->mtx_owner, 0, (uintptr_t)l))
		mutex_enter_slow(m, l);
}

bool
mutex_tryenter(struct mutex *m)
{
	if (!mutex_grab(m, curlwp))
		return false;
	lockorder_enter(m, m->mtx_name, LOCK_SLEEP, true, lockorder_caller());
	return true;
}

static __noinline void
mutex_exit_slow(struct mutex *m)
{
	struct lwp *next;

	spin_enter(&m->mtx_lock);
	next = TAILQ_FIRST(&m->mtx_queue);
	if (next != NULL) {
		TAILQ_REMOVE(&m->mtx_queue, next, l_sleepq);
		next->l_onsleepq = false;
	}
	if (TAILQ_EMPTY(&m->mtx_queue))
		(void)atomic_and(&m->mtx_owner, ~MTX_WAITERS);
	spin_exit(&m->mtx_lock);
	/* `next` still has to get the mutex, so that it cannot go away yet. */
	(void)atomic_and(&m->mtx_owner, MTX_WAITERS);
	if (next != NULL)
		sched_wakeup(next);
}

void
mutex_exit(struct mutex *m)
{
	KASSERT(mutex_owned(m));
	lockorder_exit(m);
	if (!atomic_cas(&m->mtx_owner, (uintptr_t)curlwp, 0))
		mutex_exit_slow(m);
}

bool
mutex_owned(const struct mutex *m)
{
	return (atomic_load_relaxed(&m->mtx_owner) & ~MTX_WAITERS) ==
	    (uintptr_t)curlwp;
}
