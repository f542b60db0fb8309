/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks.
 *
 * Overview: one word, set by an atomic exchange.  Interrupts are off while a
 * lock is held, but not while waiting for one, unless they were off before:
 * a waiter still answers cross calls and may be preempted.  vCPUs are
 * preempted by the hypervisor too, so that waiting can last; after
 * SPIN_PATIENCE looks at the word a waiter gives its vCPU away.
 *
 * The nesting depth and the interrupt state before the outermost lock are kept
 * in the cpu_info, not in the lock: locks need not be released in the reverse
 * order.  The scheduler holds its lock across a switch, and hands depth and
 * interrupt state over (kern_sched.c).
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/spinlock.h>
#include <sys/systm.h>
#include <machine/intr.h>

#include "lock_order.h"

#define	SPIN_PATIENCE	256

void
spin_init(struct spinlock *sl, const char *name)
{
	sl->sl_held = 0;
	sl->sl_name = name;
	sl->sl_owner = NULL;
}

static inline bool
spin_grab(struct spinlock *sl)
{
	return __atomic_exchange_n(&sl->sl_held, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void
spin_note(struct spinlock *sl, struct cpu_info *ci, bool intr)
{
	sl->sl_owner = ci;
	if (ci->ci_spin_depth++ == 0)
		ci->ci_spin_intr = intr;
}

/* Until the lock looks free. */
static __noinline void
spin_wait(struct spinlock *sl)
{
	unsigned int looks = 0;

	while (atomic_load_relaxed(&sl->sl_held) != 0) {
		cpu_relax();
		if (++looks % SPIN_PATIENCE == 0)
			cpu_spin_yield();
	}
}

void
spin_enter(struct spinlock *sl)
{
	struct cpu_info *ci;
	bool intr;

	for (;;) {
		intr = intr_disable();
		ci = curcpu();
		if (__predict_true(spin_grab(sl)))
			break;
		if (sl->sl_owner == ci)
			panic("spin lock %s: entered twice", sl->sl_name);
		intr_restore(intr);
		spin_wait(sl);
	}
	spin_note(sl, ci, intr);
	lockorder_enter(sl, sl->sl_name, LOCK_SPIN, false, lockorder_caller());
}

bool
spin_tryenter(struct spinlock *sl)
{
	bool intr = intr_disable();

	if (!spin_grab(sl)) {
		intr_restore(intr);
		return false;
	}
	spin_note(sl, curcpu(), intr);
	lockorder_enter(sl, sl->sl_name, LOCK_SPIN, true, lockorder_caller());
	return true;
}

void
spin_exit(struct spinlock *sl)
{
	struct cpu_info *ci = curcpu();

	KASSERT(sl->sl_held != 0 && sl->sl_owner == ci);
	lockorder_exit(sl);
	sl->sl_owner = NULL;
	/* From here on the lock's memory may be gone. */
	atomic_store_release(&sl->sl_held, 0);
	if (--ci->ci_spin_depth != 0 || !ci->ci_spin_intr)
		return;
	if (__predict_false(ci->ci_resched || ci->ci_softints != 0))
		sched_preempt();
	intr_enable();
}

bool
spin_owned(const struct spinlock *sl)
{
	return sl->sl_held != 0 && sl->sl_owner == curcpu();
}
