/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Soft interrupts.
 *
 * Overview: scheduling a handler puts it in the list of its level on this CPU
 * and sets the level's bit in ci_softints; two CPUs may run the same handler
 * at the same time.  sched_preempt() - at the end of an
 * interrupt, and where the last spin lock is released - calls
 * softint_dispatch() while bits are set.  Handlers of a lower-numbered level
 * go first.
 *
 * ci_softint_list[2 * level] is a list's first entry, the next one its end.
 *
 * Locking: a CPU's lists are its own, touched with interrupts off, or, when it
 * has been lost, by who evacuates it; for softint_disestablish() each CPU
 * clears its own by a cross call.
 */
#include <sys/atomic.h>
#include <sys/bitops.h>
#include <sys/cpu.h>
#include <sys/kmem.h>
#include <sys/softint.h>
#include <sys/systm.h>
#include <machine/intr.h>

CTASSERT(2 * SOFTINT_LEVELS <=
    __arraycount(((struct cpu_info *)0)->ci_softint_list));

struct softint_entry {			/* of one CPU */
	struct softint_entry *se_next;
	struct softint	*se_softint;
	bool		se_pending;
};

struct softint {
	enum softint_level s_level;	/* [I] */
	void		(*s_func)(void *);	/* [I] */
	void		*s_arg;		/* [I] */
	volatile unsigned int s_running; /* [a] CPUs in the handler */
	struct softint_entry s_entry[MAXCPUS];
};

struct softint *
softint_establish(enum softint_level level, void (*func)(void *), void *arg)
{
	struct softint *s;
	unsigned int i;

	s = kmem_zalloc(sizeof(*s), KM_SLEEP);
	if (s == NULL)
		return NULL;
	s->s_level = level;
	s->s_func = func;
	s->s_arg = arg;
	for (i = 0; i < MAXCPUS; i++)
		s->s_entry[i].se_softint = s;
	return s;
}

/* Take the handler off this CPU's list. */
static void
forget_here(void *arg)
{
	struct softint *s = arg;
	bool intr = intr_disable();
	struct cpu_info *ci = curcpu();
	struct softint_entry *se = &s->s_entry[ci->ci_index], *prev = NULL, *e;
	void **list = &ci->ci_softint_list[2 * s->s_level];

	for (e = list[0]; e != NULL && e != se; e = e->se_next)
		prev = e;
	if (e != NULL) {
		if (prev != NULL)
			prev->se_next = e->se_next;
		else
			list[0] = e->se_next;
		if (e->se_next == NULL)
			list[1] = prev;
		if (list[0] == NULL)
			ci->ci_softints &= ~(1U << s->s_level);
	}
	intr_restore(intr);
}

void
softint_disestablish(struct softint *s)
{
	preempt_disable();
	forget_here(s);
	cpu_cross_call(forget_here, s);
	preempt_enable();
	while (atomic_load(&s->s_running) != 0)
		cpu_spin_yield();
	kmem_free(s, sizeof(*s));
}

void
softint_schedule(struct softint *s)
{
	bool intr = intr_disable();
	struct cpu_info *ci = curcpu();
	struct softint_entry *se = &s->s_entry[ci->ci_index];
	void **list = &ci->ci_softint_list[2 * s->s_level];

	if (!se->se_pending) {
		se->se_pending = true;
		se->se_next = NULL;
		if (list[0] == NULL)
			list[0] = se;
		else
			((struct softint_entry *)list[1])->se_next = se;
		list[1] = se;
		ci->ci_softints |= 1U << s->s_level;
	}
	if (intr)
		sched_preempt();	/* from a thread: at once if it may */
	intr_restore(intr);
}

/* Take the first entry of the first level that has one. */
static struct softint_entry *
take(struct cpu_info *ci)
{
	unsigned int level = ffs32(ci->ci_softints) - 1;
	void **list = &ci->ci_softint_list[2 * level];
	struct softint_entry *se = list[0];

	list[0] = se->se_next;
	if (list[0] == NULL)
		ci->ci_softints &= ~(1U << level);
	se->se_pending = false;
	return se;
}

/* Interrupts off, and on while a handler runs. */
void
softint_dispatch(void)
{
	struct cpu_info *ci = curcpu();
	struct softint *s;

	KASSERT(!ci->ci_in_softint && ci->ci_spin_depth == 0);
	ci->ci_in_softint = true;
	while (ci->ci_softints != 0) {
		s = take(ci)->se_softint;
		/* Before interrupts go on: forget_here() comes by one. */
		(void)atomic_add(&s->s_running, 1);
		intr_enable();
		s->s_func(s->s_arg);
		(void)intr_disable();
		(void)atomic_sub(&s->s_running, 1);
		KASSERT(ci == curcpu() && ci->ci_spin_depth == 0);
	}
	ci->ci_in_softint = false;
}

void
softint_cpu_migrate(struct cpu_info *ci)
{
	KASSERT(ci != curcpu() && !ci->ci_online);
	while (ci->ci_softints != 0)
		softint_schedule(take(ci)->se_softint);
}
