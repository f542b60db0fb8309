/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers.
 *
 * Overview: each CPU has a queue ordered by deadline and programs its one-shot
 * timer for the first one.  The timer interrupt (callout_intr) schedules a soft
 * interrupt, which runs what is due.  A timer that was programmed for a callout
 * since disarmed is left to fire: that is cheaper than programming it again.
 *
 * A callout always belongs to a queue, the one it is or was last in, and is
 * guarded by that queue's lock.  The queue changes only when the callout is
 * armed on another CPU.
 *
 * Locking: [q] cq_lock of c_queue; c_queue itself changes with the old queue's
 * lock held, so queue_lock() looks again.  Functions run without it.
 *
 * Suspend: each CPU programs its timer anew before anything else runs there
 * (kern_cpu.c); deadlines are on the monotonic clock, which continues.  What
 * fell due fires once.
 */
#include <sys/atomic.h>
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/softint.h>
#include <sys/spinlock.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>
#include <machine/intr.h>

RB_HEAD(callout_tree, callout);

struct callout_queue {
	struct spinlock	cq_lock;
	struct callout_tree cq_tree;	/* [l] */
	struct cpu_info	*cq_cpu;	/* [I] */
	nsec_t		cq_programmed;	/* [l] deadline of the timer, or 0 */
	struct callout	*volatile cq_running;	/* [a] its function runs */
};

static struct callout_queue queue_primary = {
	.cq_lock = SPINLOCK_INITIALIZER("callout"),
	.cq_tree = RB_INITIALIZER(&queue_primary.cq_tree),
	.cq_cpu = &cpu_info_primary,
};
static struct softint *callout_softint;

static int
callout_cmp(const struct callout *a, const struct callout *b)
{
	if (a->c_deadline != b->c_deadline)
		return a->c_deadline < b->c_deadline ? -1 : 1;
	return (uintptr_t)a < (uintptr_t)b ? -1 : a != b;
}

RB_PROTOTYPE_STATIC(callout_tree, callout, c_link, callout_cmp)
RB_GENERATE_STATIC(callout_tree, callout, c_link, callout_cmp)

/* The queue of this CPU; before there are CPUs to speak of, the first. */
static inline struct callout_queue *
queue_here(void)
{
	struct callout_queue *q = curcpu()->ci_callouts;

	return q != NULL ? q : &queue_primary;
}

static struct callout_queue *
queue_lock(const struct callout *c)
{
	struct callout_queue *q;

	for (;;) {
		q = atomic_load_relaxed(&c->c_queue);
		spin_enter(&q->cq_lock);
		if (q == c->c_queue)
			return q;
		spin_exit(&q->cq_lock);
	}
}

/* Program the timer if the first deadline is earlier.  On q's CPU, locked. */
static void
program(struct callout_queue *q)
{
	struct callout *first = RB_MIN(callout_tree, &q->cq_tree);
	nsec_t deadline;

	if (first == NULL || callout_softint == NULL)
		return;
	deadline = MAX(first->c_deadline, 1);
	if (q->cq_programmed != 0 && q->cq_programmed <= deadline)
		return;
	q->cq_programmed = deadline;
	clock_set_timer(time_to_raw(deadline));
}

static void
disarm(struct callout_queue *q, struct callout *c)
{
	RB_REMOVE(callout_tree, &q->cq_tree, c);
	c->c_armed = false;
}

void
callout_init(struct callout *c, void (*func)(void *), void *arg)
{
	memset(c, 0, sizeof(*c));
	c->c_queue = &queue_primary;
	c->c_func = func;
	c->c_arg = arg;
}

void
callout_schedule(struct callout *c, nsec_t deadline)
{
	struct callout_queue *q, *here;

	KASSERT(c->c_func != NULL);
	for (;;) {
		q = queue_lock(c);
		if (c->c_armed)
			disarm(q, c);
		here = queue_here();	/* with a lock held it stays so */
		if (q == here)
			break;
		c->c_queue = here;
		spin_exit(&q->cq_lock);
		/* Who arms it now, elsewhere, came first: once more. */
	}
	c->c_deadline = deadline;
	c->c_armed = true;
	RB_INSERT(callout_tree, &q->cq_tree, c);
	program(q);
	spin_exit(&q->cq_lock);
}

bool
callout_stop(struct callout *c)
{
	struct callout_queue *q = queue_lock(c);
	bool armed = c->c_armed;

	if (armed)
		disarm(q, c);
	spin_exit(&q->cq_lock);
	return armed;
}

static bool
callout_running(const struct callout *c)
{
	struct cpu_info *ci;

	CPU_FOREACH(ci)
		if (ci->ci_callouts != NULL &&
		    atomic_load(&ci->ci_callouts->cq_running) == c)
			return true;
	return atomic_load(&queue_primary.cq_running) == c;
}

bool
callout_halt(struct callout *c)
{
	bool armed = callout_stop(c);

	KASSERT(!curcpu()->ci_in_softint && curcpu()->ci_spin_depth == 0);
	/* A function that runs may have armed it again. */
	while (callout_running(c)) {
		cpu_spin_yield();
		if (!callout_running(c))
			armed |= callout_stop(c);
	}
	return armed;
}

bool
callout_pending(const struct callout *c)
{
	struct callout_queue *q = queue_lock(c);
	bool armed = c->c_armed;

	spin_exit(&q->cq_lock);
	return armed;
}

void
callout_intr(void)
{
	/* Interrupts are off; the soft interrupt will program it again. */
	queue_here()->cq_programmed = 0;
	if (callout_softint != NULL)
		softint_schedule(callout_softint);
}

/* Run what is due here.  Soft interrupt. */
static void
callout_run(void *arg __unused)
{
	struct callout_queue *q = queue_here();
	struct callout *c;
	void (*func)(void *);
	void *farg;

	spin_enter(&q->cq_lock);
	while ((c = RB_MIN(callout_tree, &q->cq_tree)) != NULL &&
	    c->c_deadline <= nanouptime()) {
		disarm(q, c);
		func = c->c_func;
		farg = c->c_arg;
		atomic_store(&q->cq_running, c);
		spin_exit(&q->cq_lock);
		func(farg);		/* may free c */
		spin_enter(&q->cq_lock);
		atomic_store(&q->cq_running, NULL);
	}
	program(q);
	spin_exit(&q->cq_lock);
}

void
callout_rearm(void)
{
	struct callout_queue *q = queue_here();

	spin_enter(&q->cq_lock);
	q->cq_programmed = 0;
	program(q);
	spin_exit(&q->cq_lock);
}

void
callout_show(void)
{
	struct cpu_info *ci;
	struct callout_queue *q;
	struct callout *c;

	printf("now %lld\n", (long long)nanouptime());
	CPU_FOREACH(ci) {
		q = ci->ci_callouts;
		if (q == NULL)
			continue;
		spin_enter(&q->cq_lock);
		printf("cpu%u: timer set for %lld\n", ci->ci_index,
		    (long long)q->cq_programmed);
		RB_FOREACH(c, callout_tree, &q->cq_tree)
			printf("  %lld %p(%p)\n", (long long)c->c_deadline,
			    (void *)(uintptr_t)c->c_func, c->c_arg);
		spin_exit(&q->cq_lock);
	}
}

void
callout_cpu_migrate(struct cpu_info *ci)
{
	struct callout_queue *q = ci->ci_callouts;
	struct callout *c;
	nsec_t deadline;

	for (;;) {
		spin_enter(&q->cq_lock);
		c = RB_MIN(callout_tree, &q->cq_tree);
		if (c == NULL)
			break;
		/*
		 * Once it is unlocked its owner may disarm and free it; so it
		 * is moved with both locks held, this CPU's got by trying.
		 */
		if (queue_here() != q &&
		    spin_tryenter(&queue_here()->cq_lock)) {
			struct callout_queue *here = queue_here();

			disarm(q, c);
			deadline = c->c_deadline;
			c->c_queue = here;
			c->c_deadline = deadline;
			c->c_armed = true;
			RB_INSERT(callout_tree, &here->cq_tree, c);
			program(here);
			spin_exit(&here->cq_lock);
		}
		spin_exit(&q->cq_lock);
	}
	q->cq_programmed = 0;
	spin_exit(&q->cq_lock);
}

/*
 * The boot CPU's queue takes callouts from the start, but nothing fires before
 * this.
 */
int
callout_init_cpu(struct cpu_info *ci)
{
	struct callout_queue *q;

	if (ci->ci_callouts != NULL)
		return 0;
	if (ci == &cpu_info_primary) {
		ci->ci_callouts = &queue_primary;
		callout_softint = softint_establish(SOFTINT_CLOCK,
		    callout_run, NULL);
		if (callout_softint == NULL)
			return ENOMEM;
		callout_rearm();
		return 0;
	}
	q = kmem_zalloc(sizeof(*q), KM_SLEEP);
	if (q == NULL)
		return ENOMEM;
	spin_init(&q->cq_lock, "callout");
	RB_INIT(&q->cq_tree);
	q->cq_cpu = ci;
	ci->ci_callouts = q;
	return 0;
}
