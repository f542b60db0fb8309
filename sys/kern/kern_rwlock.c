/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader/writer locks.
 *
 * Overview: the counts are plain members under rw_lock.  A lock is handed
 * over: who is taken off a queue owns the lock already.  A waiting writer
 * keeps new readers out; a writer that leaves lets in all the readers that
 * came meanwhile, then the next writer's turn comes: neither side starves.
 *
 * Locking: rw_lock guards everything.  spin_exit() is the last access of the
 * thread that releases, so that the next owner may free the lock.
 */
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/systm.h>

#include "lock_order.h"
#include "sleepq.h"

void
rw_init(struct rwlock *rw, const char *name)
{
	spin_init(&rw->rw_lock, "rwlock");
	rw->rw_writer = NULL;
	rw->rw_readers = 0;
	rw->rw_wwaiting = 0;
	TAILQ_INIT(&rw->rw_rqueue);
	TAILQ_INIT(&rw->rw_wqueue);
	rw->rw_name = name;
}

void
rw_destroy(struct rwlock *rw __unused)
{
	KASSERT(rw->rw_writer == NULL && rw->rw_readers == 0);
	KASSERT(TAILQ_EMPTY(&rw->rw_rqueue) && TAILQ_EMPTY(&rw->rw_wqueue));
}

/* rw_lock is held. */
static bool
rw_grab(struct rwlock *rw, enum rw_mode mode)
{
	if (rw->rw_writer != NULL)
		return false;
	if (mode == RW_READER) {
		if (rw->rw_wwaiting != 0)
			return false;
		rw->rw_readers++;
		return true;
	}
	if (rw->rw_readers != 0)
		return false;
	rw->rw_writer = curlwp;
	return true;
}

void
rw_enter(struct rwlock *rw, enum rw_mode mode)
{
	KASSERT(!rw_write_held(rw));
	lockorder_enter(rw, rw->rw_name, LOCK_SLEEP, false, lockorder_caller());
	spin_enter(&rw->rw_lock);
	if (rw_grab(rw, mode)) {
		spin_exit(&rw->rw_lock);
		return;
	}
	if (mode == RW_WRITER) {
		rw->rw_wwaiting++;
		sleepq_enter(&rw->rw_wqueue, rw->rw_name, false);
	} else {
		sleepq_enter(&rw->rw_rqueue, rw->rw_name, false);
	}
	spin_exit(&rw->rw_lock);
	sleepq_wait(rw->rw_name);
}

bool
rw_tryenter(struct rwlock *rw, enum rw_mode mode)
{
	bool got;

	spin_enter(&rw->rw_lock);
	got = rw_grab(rw, mode);
	spin_exit(&rw->rw_lock);
	if (got)
		lockorder_enter(rw, rw->rw_name, LOCK_SLEEP, true,
		    lockorder_caller());
	return got;
}

/* The lock is free of writers: let all waiting readers in. */
static void
rw_admit_readers(struct rwlock *rw)
{
	struct lwp *l;

	while ((l = TAILQ_FIRST(&rw->rw_rqueue)) != NULL) {
		rw->rw_readers++;
		sleepq_handover(&rw->rw_rqueue, l);
	}
}

/* The lock is free: hand it to the first waiting writer, if there is one. */
static bool
rw_admit_writer(struct rwlock *rw)
{
	struct lwp *l = TAILQ_FIRST(&rw->rw_wqueue);

	if (l == NULL)
		return false;
	rw->rw_wwaiting--;
	rw->rw_writer = l;
	sleepq_handover(&rw->rw_wqueue, l);
	return true;
}

void
rw_exit(struct rwlock *rw)
{
	lockorder_exit(rw);
	spin_enter(&rw->rw_lock);
	if (rw->rw_writer != NULL) {
		KASSERT(rw->rw_writer == curlwp);
		rw->rw_writer = NULL;
		if (!TAILQ_EMPTY(&rw->rw_rqueue))
			rw_admit_readers(rw);
		else
			(void)rw_admit_writer(rw);
	} else {
		KASSERT(rw->rw_readers > 0);
		if (--rw->rw_readers == 0)
			(void)rw_admit_writer(rw);
	}
	spin_exit(&rw->rw_lock);
}

void
rw_downgrade(struct rwlock *rw)
{
	spin_enter(&rw->rw_lock);
	KASSERT(rw->rw_writer == curlwp);
	rw->rw_writer = NULL;
	rw->rw_readers = 1;
	rw_admit_readers(rw);
	spin_exit(&rw->rw_lock);
}

bool
rw_write_held(const struct rwlock *rw)
{
	return atomic_load_relaxed(&rw->rw_writer) == curlwp;
}

/* For assertions: readers are not known by name. */
bool
rw_lock_held(const struct rwlock *rw)
{
	return rw_write_held(rw) || atomic_load_relaxed(&rw->rw_readers) != 0;
}
