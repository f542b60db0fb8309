/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes with priority inheritance: locks whose word names the owner.
 *
 * Overview: the word is 0 or the owner's thread id, with FUTEX_WAITERS while
 * somebody sleeps for it; without waiters user mode does all alone.  For a
 * lock with waiters there is a state here, found by its key and from its
 * owner; waiters stand in it by priority.  A lock is not released but handed
 * to the first waiter, whose id the unlocker writes into the word.  An owner
 * runs with the best real-time priority of those who wait for it, and so do
 * those it waits for itself.
 *
 * States: when an owner ends, the state gets the first waiter as its owner
 * too, but the word may be mapped in that one's memory only: the new owner
 * writes it, with FUTEX_OWNER_DIED, when it runs (ps_fixing).  Until then the
 * state stays, so that nobody takes the word at its value.
 *
 * Locking: pi_lock (spin) guards all states, the waiters, l_piheld, l_piwait
 * and l_pidead.  Words are looked at and changed under it; a page that is not
 * there is brought in without it, and then all is tried again.  proctree_lock
 * is held around it where a word is followed to a thread.
 *
 * Untrusted input: the word may name anybody, or change at any time.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include "futex_impl.h"
#include "sched_impl.h"

#define	CHAIN_MAX	1024		/* locks one behind the other */

struct pi_waiter {
	TAILQ_ENTRY(pi_waiter) pw_link;
	struct pi_state	*pw_state;
	struct lwp	*pw_lwp;
	struct condvar	pw_cv;
	bool		pw_granted;
};

struct pi_state {
	LIST_ENTRY(pi_state) ps_hash, ps_held;
	/* Waiters hold the object; so does a new owner that is fixing. */
	struct futex_key ps_key;
	struct lwp	*ps_owner;
	bool		ps_fixing;
	TAILQ_HEAD(, pi_waiter) ps_waiters;	/* the best first */
};

LIST_HEAD(pi_states, pi_state);

static struct spinlock pi_lock;
static struct pi_states pi_table[FUTEX_BUCKETS];

void
futex_pi_init(void)
{
	spin_init(&pi_lock, "futex_pi");
	for (unsigned int i = 0; i < FUTEX_BUCKETS; i++)
		LIST_INIT(&pi_table[i]);
}

/* -- states; pi_lock held -- */

static struct pi_state *
state_find(const struct futex_key *key)
{
	struct pi_state *ps;

	LIST_FOREACH(ps, &pi_table[futex_key_hash(key)], ps_hash)
		if (futex_key_equal(&ps->ps_key, key))
			return ps;
	return NULL;
}

static void
state_enter(struct pi_state *ps, const struct futex_key *key,
    struct lwp *owner)
{
	ps->ps_key = *key;
	ps->ps_owner = owner;
	ps->ps_fixing = false;
	TAILQ_INIT(&ps->ps_waiters);
	LIST_INSERT_HEAD(&pi_table[futex_key_hash(key)], ps, ps_hash);
	LIST_INSERT_HEAD(&owner->l_piheld, ps, ps_held);
}

/* If nobody needs it: out of the lists, for the caller to free; else NULL. */
static struct pi_state *
state_leave(struct pi_state *ps)
{
	if (!TAILQ_EMPTY(&ps->ps_waiters) || ps->ps_fixing)
		return NULL;
	LIST_REMOVE(ps, ps_hash);
	LIST_REMOVE(ps, ps_held);
	return ps;
}

static void
state_free(struct pi_state *ps)
{
	if (ps != NULL)
		kmem_free(ps, sizeof(*ps));
}

static void
waiter_insert(struct pi_state *ps, struct pi_waiter *pw)
{
	struct pi_waiter *at;

	TAILQ_FOREACH(at, &ps->ps_waiters, pw_link)
		if (at->pw_lwp->l_pri > pw->pw_lwp->l_pri)
			break;
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, pw, pw_link);
	else
		TAILQ_INSERT_TAIL(&ps->ps_waiters, pw, pw_link);
}

/* The priority that those waiting lend the thread; 0: none. */
static int
boost_of(const struct lwp *l)
{
	int best = 0;
	struct pi_waiter *pw;
	struct pi_state *ps;

	LIST_FOREACH(ps, &l->l_piheld, ps_held)
		if ((pw = TAILQ_FIRST(&ps->ps_waiters)) != NULL)
			best = MAX(best, PRI_RT_LEVELS - pw->pw_lwp->l_pri);
	return best;
}

/* What the thread holds is wanted by others than before: so for its owner. */
static void
boost_chain(struct lwp *l)
{
	struct pi_waiter *pw;

	for (unsigned int i = 0; i < CHAIN_MAX && l != NULL; i++) {
		if (!sched_boost(l, boost_of(l)) ||
		    (pw = l->l_piwait) == NULL)
			return;
		TAILQ_REMOVE(&pw->pw_state->ps_waiters, pw, pw_link);
		waiter_insert(pw->pw_state, pw);
		l = pw->pw_state->ps_owner;
	}
}

/* Would waiting for the owner be waiting for oneself? */
static bool
is_deadlock(const struct lwp *l, const struct lwp *owner)
{
	for (unsigned int i = 0; i < CHAIN_MAX; i++) {
		if (owner == l)
			return true;
		if (owner->l_piwait == NULL)
			return false;
		owner = owner->l_piwait->pw_state->ps_owner;
	}
	return true;
}

/* The first waiter becomes the owner; it is not woken yet. */
static struct pi_waiter *
state_hand_over(struct pi_state *ps)
{
	struct pi_waiter *pw = TAILQ_FIRST(&ps->ps_waiters);

	TAILQ_REMOVE(&ps->ps_waiters, pw, pw_link);
	LIST_REMOVE(ps, ps_held);
	ps->ps_owner = pw->pw_lwp;
	LIST_INSERT_HEAD(&pw->pw_lwp->l_piheld, ps, ps_held);
	pw->pw_lwp->l_piwait = NULL;
	return pw;
}

static void
waiter_grant(struct pi_waiter *pw)
{
	boost_chain(pw->pw_lwp);
	pw->pw_granted = true;
	cv_signal(&pw->pw_cv);
}

/* -- lock -- */

/* Change the word if it is `old': EFAULT, EAGAIN. */
static int
word_change(uintptr_t uaddr, uint32_t old, uint32_t new)
{
	uint32_t seen;
	int error = ucas_32((uint32_t *)uaddr, old, new, &seen);

	return error != 0 ? error : seen == old ? 0 : EAGAIN;
}

/*
 * Nobody waits: take the lock if the word says it is free, else make a state
 * for its owner.  EFAULT, EAGAIN: the word has changed; EBUSY: it is taken,
 * and *psp is there.  [T] and pi_lock held.
 */
static int
lock_first(struct lwp *l, const struct futex_key *key, uintptr_t uaddr,
    uint32_t word, struct pi_state **spare, struct pi_state **psp)
{
	uint32_t tid = word & FUTEX_TID_MASK, now;
	struct lwp *owner;
	int error;

	if (tid == 0)
		return word_change(uaddr, word, (word & FUTEX_OWNER_DIED) |
		    (uint32_t)l->l_tid);
	if (spare == NULL)
		return EBUSY;
	if ((word & FUTEX_WAITERS) == 0 && (error = word_change(uaddr, word,
	    word | FUTEX_WAITERS)) != 0)
		return error;
	owner = lwp_find((pid_t)tid);
	if (owner == NULL || owner->l_pidead) {
		/* Has it ended, and said so meanwhile? */
		error = ufetch_32((const uint32_t *)uaddr, &now);
		return error != 0 ? error :
		    now != (word | FUTEX_WAITERS) ? EAGAIN : ESRCH;
	}
	if ((owner->l_flags & LF_SYSTEM) != 0)
		return EPERM;
	if (is_deadlock(l, owner))
		return EDEADLK;
	state_enter(*spare, key, owner);
	*psp = *spare;
	*spare = NULL;
	return EBUSY;
}

/* The same, when there may be waiters.  spare NULL: only try. */
static int
lock_step(struct lwp *l, const struct futex_key *key, uintptr_t uaddr,
    struct pi_state **spare, struct pi_state **psp)
{
	struct pi_state *ps = state_find(key);
	uint32_t word, tid;
	int error;

	if ((error = ufetch_32((const uint32_t *)uaddr, &word)) != 0)
		return error;
	tid = word & FUTEX_TID_MASK;
	if (tid == (uint32_t)l->l_tid)
		return EDEADLK;
	if (ps == NULL)
		return lock_first(l, key, uaddr, word, spare, psp);
	/* An owner that has died may be in the word still, or 0. */
	if (!ps->ps_fixing && tid != (uint32_t)ps->ps_owner->l_tid &&
	    (word & FUTEX_OWNER_DIED) == 0)
		return EINVAL;
	if (is_deadlock(l, ps->ps_owner))
		return EDEADLK;
	*psp = ps;
	return EBUSY;
}

/* The dead owner's word becomes ours. */
static int
word_fix(struct lwp *l, uintptr_t uaddr, struct pi_state *ps)
{
	struct pi_state *gone;
	uint32_t word, new;
	int error;

	for (;;) {
		spin_enter(&pi_lock);
		new = (uint32_t)l->l_tid | FUTEX_OWNER_DIED |
		    (TAILQ_EMPTY(&ps->ps_waiters) ? 0 : FUTEX_WAITERS);
		error = ufetch_32((const uint32_t *)uaddr, &word);
		if (error == 0)
			error = word_change(uaddr, word, new);
		if (error == 0)
			break;
		spin_exit(&pi_lock);
		if (error == EFAULT && (error = futex_fault_in(uaddr)) != 0) {
			spin_enter(&pi_lock);
			break;
		}
	}
	ps->ps_fixing = false;
	gone = state_leave(ps);
	spin_exit(&pi_lock);
	state_free(gone);
	return error;
}

/* Sleep until the lock is ours.  pi_lock held; it is not on return. */
static int
lock_wait(struct lwp *l, uintptr_t uaddr, struct pi_waiter *pw,
    nsec_t deadline)
{
	struct pi_state *ps = pw->pw_state, *gone;
	bool fixing;
	int error = 0;

	while (!pw->pw_granted && error == 0)
		error = cv_timedwait_spin_sig(&pw->pw_cv, &pi_lock, deadline);
	if (pw->pw_granted) {
		/* Then the state is ours and stays; else it may be gone. */
		fixing = pw->pw_state != NULL;
		spin_exit(&pi_lock);
		return fixing ? word_fix(l, uaddr, ps) : 0;
	}
	TAILQ_REMOVE(&ps->ps_waiters, pw, pw_link);
	l->l_piwait = NULL;
	boost_chain(ps->ps_owner);
	gone = state_leave(ps);
	spin_exit(&pi_lock);
	state_free(gone);
	return error == ERESTARTSYS ? ERESTARTNOINTR : error;
}

/* One try; with the lock taken by another: wait. EFAULT, EAGAIN: again. */
static int
lock_round(struct lwp *l, const struct futex_key *key, uintptr_t uaddr,
    struct pi_state **spare, nsec_t deadline)
{
	struct pi_waiter pw = { .pw_lwp = l };
	int error;

	/* A word is followed to its owner; that stays as long as pi_lock. */
	rw_enter(&proctree_lock, RW_READER);
	spin_enter(&pi_lock);
	error = lock_step(l, key, uaddr, spare, &pw.pw_state);
	if (error != EBUSY || spare == NULL) {
		spin_exit(&pi_lock);
		rw_exit(&proctree_lock);
		return error;
	}
	cv_init(&pw.pw_cv, "futex_pi");
	waiter_insert(pw.pw_state, &pw);
	l->l_piwait = &pw;
	boost_chain(pw.pw_state->ps_owner);
	spin_exit(&pi_lock);
	rw_exit(&proctree_lock);
	spin_enter(&pi_lock);
	error = lock_wait(l, uaddr, &pw, deadline);
	cv_destroy(&pw.pw_cv);
	return error;
}

int
do_futex_lock_pi(struct lwp *l, uintptr_t uaddr, bool shared, bool try,
    nsec_t deadline)
{
	struct pi_state *spare = NULL;
	struct futex_key key;
	int error;

	if ((error = futex_key_get(l, uaddr, shared, &key)) != 0)
		return error;
	do {
		if (!try && spare == NULL &&
		    (spare = kmem_alloc(sizeof(*spare), KM_SLEEP)) == NULL) {
			error = ENOMEM;
			break;
		}
		error = lock_round(l, &key, uaddr, try ? NULL : &spare,
		    deadline);
		if (error == EFAULT && (error = futex_fault_in(uaddr)) == 0)
			error = EAGAIN;
	} while (error == EAGAIN);
	state_free(spare);
	futex_key_put(&key);
	return error == EBUSY ? EAGAIN : error;
}

/* -- unlock -- */

/* pi_lock held; *gone is for the caller to free. */
static int
unlock_step(struct lwp *l, const struct futex_key *key, uintptr_t uaddr,
    struct pi_state **gone)
{
	struct pi_state *ps = state_find(key);
	struct pi_waiter *pw;
	uint32_t word, new;
	int error;

	if ((error = ufetch_32((const uint32_t *)uaddr, &word)) != 0)
		return error;
	if ((word & FUTEX_TID_MASK) != (uint32_t)l->l_tid)
		return EPERM;
	if (ps == NULL)
		return word_change(uaddr, word, 0);
	if (ps->ps_owner != l || ps->ps_fixing)
		return EINVAL;
	pw = TAILQ_FIRST(&ps->ps_waiters);
	new = (uint32_t)pw->pw_lwp->l_tid |
	    (TAILQ_NEXT(pw, pw_link) != NULL ? FUTEX_WAITERS : 0);
	if ((error = word_change(uaddr, word, new)) != 0)
		return error;
	(void)state_hand_over(ps);
	*gone = state_leave(ps);
	pw->pw_state = NULL;
	waiter_grant(pw);
	boost_chain(l);
	return 0;
}

int
do_futex_unlock_pi(struct lwp *l, uintptr_t uaddr, bool shared)
{
	struct pi_state *gone = NULL;
	struct futex_key key;
	int error;

	if ((error = futex_key_get(l, uaddr, shared, &key)) != 0)
		return error;
	do {
		spin_enter(&pi_lock);
		error = unlock_step(l, &key, uaddr, &gone);
		spin_exit(&pi_lock);
		if (error == EFAULT && (error = futex_fault_in(uaddr)) == 0)
			error = EAGAIN;
	} while (error == EAGAIN);
	state_free(gone);
	futex_key_put(&key);
	return error;
}

/* -- the end of an owner -- */

void
futex_pi_exit(struct lwp *l)
{
	struct pi_state *ps;

	spin_enter(&pi_lock);
	l->l_pidead = (l->l_flags & LF_EXITING) != 0;
	while ((ps = LIST_FIRST(&l->l_piheld)) != NULL) {
		ps->ps_fixing = true;
		waiter_grant(state_hand_over(ps));
	}
	(void)sched_boost(l, 0);
	spin_exit(&pi_lock);
}
