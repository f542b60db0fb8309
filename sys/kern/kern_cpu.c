/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs: the table, preemption, calls from one CPU to others, stopping them.
 *
 * Overview: work for another CPU is left in its pending bits, then the machine
 * interrupts it (cpu_ipi_send) and its handler comes to cpu_ipi_dispatch().
 * A cross call has one slot: who wants it waits, with its own pending work
 * done meanwhile, so that two CPUs can call each other with interrupts off.
 *
 * Stopped CPUs turn in stop_here() with interrupts off, at a place where they
 * hold no spin lock; they leave it with their timers programmed anew.
 *
 * Machine hooks used here: cpu_ipi_send, cpu_spin_yield, cpu_halt, cpu_dead,
 * cpu_online, cpu_offline.
 *
 * States of a CPU, cpu 0 being online for ever:
 *	absent		cpu_infos[] has it, the machine does not offer it
 *	offline		ci_present; somebody has taken it out of use
 *	online		ci_online, too: threads, timers and cross calls go there
 * cpu_set_present() goes between the first and the last, cpu_set_online()
 * between the last two.
 *
 * Locking: xcall_busy, an atomic word, belongs to who has the slot or has the
 * other CPUs stopped.  hotplug_lock is held while a CPU comes or goes.
 *
 * Suspend: cpu_stop_others() and cpu_start_others() are the table's "cpus",
 * cpu_hotplug_hold() and cpu_hotplug_release() its "hotplug".
 */
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/softint.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>
#include <machine/pmap.h>
#include <uvm/uvm.h>

#include "sched_impl.h"

#define	IPI_XCALL	0x1		/* run the cross call */
#define	IPI_STOP	0x2		/* go to stop_here() */

#define	PANIC_STOP_LOOKS 20000000	/* how long a panic waits for others */
#define	HOTPLUG_WAIT	(5 * NSEC_PER_SEC)	/* a suspend for a CPU */

struct cpu_info cpu_info_primary = {
	.ci_self = &cpu_info_primary,
	.ci_curlwp = &lwp0,
	.ci_online = true,
	.ci_present = true,
};
struct cpu_info *cpu_infos[MAXCPUS] = { &cpu_info_primary };
unsigned int ncpu_possible = 1;
unsigned int ncpu = 1;
volatile bool cpu_others_stopped;

static volatile uint32_t xcall_busy;	/* 1 + index of the CPU that has it */
static void (*volatile xcall_func)(void *);
static void *volatile xcall_arg;
static volatile unsigned int xcall_pending;	/* [a] CPUs still to do it */
static bool stop_intr;		/* were on before cpu_stop_others() */
static struct mutex hotplug_lock;

BOOT_OPTION(opt_maxcpus, "maxcpus", "use no more than this many vCPUs");
BOOT_OPTION(opt_nosmp, "nosmp", "use one vCPU");

/* ---- preemption and interrupts ---- */

void
preempt_disable(void)
{
	cpu_inc(ci_preempt_off);
}

void
preempt_enable(void)
{
	struct cpu_info *ci;
	bool intr;

	KASSERT(curcpu()->ci_preempt_off > 0);
	cpu_dec(ci_preempt_off);
	/* From here on this may be another CPU; then nothing is wanted. */
	ci = curcpu();
	if (ci->ci_preempt_off != 0 ||
	    (!ci->ci_resched && ci->ci_softints == 0))
		return;
	intr = intr_disable();
	if (intr)
		sched_preempt();
	intr_restore(intr);
}

void
cpu_intr_enter(bool user)
{
	struct cpu_info *ci = curcpu();

	if (ci->ci_intr_depth++ == 0 && !ci->ci_in_softint)
		ci->ci_intr_user = user;
}

void
cpu_intr_exit(void)
{
	curcpu()->ci_intr_depth--;
}

/* ---- one CPU to another ---- */

void
cpu_kick(struct cpu_info *ci)
{
	if (ci == curcpu()) {
		(void)atomic_or(&curlwp->l_ast, L_AST_RESCHED);
		ci->ci_resched = true;
	} else if (!atomic_swap(&ci->ci_resched, true)) {
		cpu_ipi_send(ci);
	}
}

static void
ipi_post(struct cpu_info *ci, uint32_t bits)
{
	(void)atomic_or(&ci->ci_md.md_ipi_pending, bits);
	cpu_ipi_send(ci);
}

static void
stop_here(struct cpu_info *ci)
{
	unsigned int looks = 0;

	cpu_lwp_park(ci->ci_curlwp);
	atomic_store(&ci->ci_md.md_stopped, true);
	while (atomic_load(&ci->ci_md.md_stop)) {
		if (panicstr != NULL)
			cpu_halt();
		cpu_relax();
		if (++looks % 1024 == 0)
			cpu_spin_yield();
	}
	atomic_store(&ci->ci_md.md_stopped, false);
	callout_rearm();
}

void
cpu_ipi_dispatch(struct cpu_info *ci)
{
	void (*fn)(void *);
	uint32_t bits;

	bits = atomic_swap(&ci->ci_md.md_ipi_pending, 0);
	if ((bits & IPI_XCALL) != 0) {
		fn = xcall_func;
		fn(xcall_arg);
		(void)atomic_sub(&xcall_pending, 1);
	}
	if ((bits & IPI_STOP) != 0)
		stop_here(ci);
	if (ci->ci_resched)
		(void)atomic_or(&ci->ci_curlwp->l_ast, L_AST_RESCHED);
}

/*
 * Get the slot.  On the way out preemption is off.  With interrupts off nobody
 * else would do this CPU's part of the call that occupies it.
 */
static void
xcall_enter(void)
{
	struct cpu_info *ci;
	unsigned int looks = 0;
	bool intr;

	KASSERT(curcpu()->ci_spin_depth == 0);
	preempt_disable();
	ci = curcpu();
	while (!atomic_cas(&xcall_busy, 0, ci->ci_index + 1)) {
		intr = intr_disable();
		if (ci->ci_md.md_ipi_pending != 0)
			cpu_ipi_dispatch(ci);
		intr_restore(intr);
		cpu_relax();
		if (++looks % 256 == 0)
			cpu_spin_yield();
	}
}

static void
xcall_exit(void)
{
	atomic_store(&xcall_busy, 0);
	preempt_enable();
}

void
cpu_cross_call(void (*fn)(void *), void *arg)
{
	struct cpu_info *ci, *self;
	unsigned int looks = 0;

	KASSERT(!cpu_others_stopped);
	xcall_enter();
	self = curcpu();
	xcall_func = fn;
	xcall_arg = arg;
	CPU_FOREACH(ci) {
		if (ci == self || !atomic_load(&ci->ci_online))
			continue;
		(void)atomic_add(&xcall_pending, 1);
		ipi_post(ci, IPI_XCALL);
	}
	while (atomic_load(&xcall_pending) != 0) {
		cpu_relax();
		if (++looks % 256 == 0)
			cpu_spin_yield();
	}
	xcall_exit();
}

void
cpu_stop_others(void)
{
	struct cpu_info *ci, *self;
	unsigned int looks = 0;

	xcall_enter();
	self = curcpu();
	CPU_FOREACH(ci) {
		if (ci == self || !atomic_load(&ci->ci_online))
			continue;
		atomic_store(&ci->ci_md.md_stop, true);
		ipi_post(ci, IPI_STOP);
	}
	CPU_FOREACH(ci) {
		if (ci == self || !atomic_load(&ci->ci_online))
			continue;
		while (!atomic_load(&ci->ci_md.md_stopped)) {
			cpu_relax();
			if (++looks % 256 == 0)
				cpu_spin_yield();
		}
	}
	stop_intr = intr_disable();	/* so that no soft interrupt comes */
	cpu_others_stopped = true;
}

void
cpu_start_others(void)
{
	struct cpu_info *ci, *self = curcpu();

	KASSERT(cpu_others_stopped);
	cpu_others_stopped = false;
	/* One that is lost stays where it is, should it run after all. */
	CPU_FOREACH(ci)
		if (ci != self && ci->ci_online)
			atomic_store(&ci->ci_md.md_stop, false);
	/* A quick second stop must not find a flag of this one. */
	CPU_FOREACH(ci)
		while (ci != self && ci->ci_online &&
		    atomic_load(&ci->ci_md.md_stopped))
			cpu_spin_yield();
	/* Before this thread can lose the CPU: without a timer, for ever. */
	callout_rearm();
	intr_restore(stop_intr);
	xcall_exit();
}

/*
 * For a panic: stop the others for good, but do not wait for long; they may
 * have interrupts off for ever.
 */
void
cpu_stop_for_panic(void)
{
	struct cpu_info *ci, *self = curcpu();
	unsigned int looks;

	CPU_FOREACH(ci) {
		if (ci == self || !ci->ci_online)
			continue;
		atomic_store(&ci->ci_md.md_stop, true);
		ipi_post(ci, IPI_STOP);
	}
	CPU_FOREACH(ci) {
		if (ci == self || !ci->ci_online)
			continue;
		for (looks = 0; !ci->ci_md.md_stopped &&
		    looks < PANIC_STOP_LOOKS; looks++)
			cpu_relax();
	}
}

/* ---- CPUs come and go ---- */

int
cpu_attach(struct cpu_info *ci)
{
	int error;

	error = callout_init_cpu(ci);
	if (error == 0)
		error = sched_cpu_attach(ci);
	return error;
}

/* What is left on a CPU that runs nothing any more. */
static void
leftovers_move(struct cpu_info *ci)
{
	callout_cpu_migrate(ci);
	kmem_cpu_drain(ci->ci_index);
	uvm_page_cpu_drain(ci->ci_index);
}

int
cpu_detach(struct cpu_info *ci)
{
	int error;

	error = sched_cpu_detach(ci);
	if (error == 0)
		leftovers_move(ci);
	return error;
}

bool
cpu_mark_offline(struct cpu_info *ci)
{
	unsigned int looks = 0;
	bool done;

	while (!atomic_cas(&xcall_busy, 0, ci->ci_index + 1)) {
		if (ci->ci_md.md_ipi_pending != 0)
			cpu_ipi_dispatch(ci);
		cpu_relax();
		if (++looks % 256 == 0)
			cpu_spin_yield();
	}
	/* A call may have left work here. */
	done = ci->ci_softints == 0;
	if (done) {
		ci->ci_online = false;
		(void)atomic_sub(&ncpu, 1);
	}
	atomic_store(&xcall_busy, 0);
	return done;
}

void
cpu_lost(struct cpu_info *ci)
{
	KASSERT(cpu_others_stopped && ci != curcpu() && ci->ci_online);
	ci->ci_online = false;
	(void)atomic_sub(&ncpu, 1);
	sched_cpu_lost(ci);
	pmap_cpu_lost(ci);
}

void
cpu_evacuate(struct cpu_info *ci)
{
	KASSERT(!ci->ci_online && !cpu_others_stopped);
	if (ci->ci_in_softint || ci->ci_spin_depth != 0)
		panic("cpu%u: lost in the middle of an interrupt",
		    ci->ci_index);
	/* stop_here() was called in an interrupt. */
	sched_cpu_evacuate(ci, ci->ci_intr_depth == 1 && ci->ci_intr_user);
	softint_cpu_migrate(ci);
	leftovers_move(ci);
}

static int
set_online_locked(struct cpu_info *ci, bool on)
{
	if (ci->ci_online == on)
		return 0;
	if (ci == &cpu_info_primary)
		return EBUSY;
	if (!ci->ci_present)
		return ENODEV;
	return on ? cpu_online(ci) : cpu_offline(ci);
}

int
cpu_set_online(struct cpu_info *ci, bool on)
{
	int error;

	mutex_enter(&hotplug_lock);
	error = set_online_locked(ci, on);
	mutex_exit(&hotplug_lock);
	return error;
}

int
cpu_set_present(struct cpu_info *ci, bool present)
{
	int error = 0;

	mutex_enter(&hotplug_lock);
	if (ci->ci_present != present) {
		/* It is there before it is used, and the other way round. */
		if (present)
			ci->ci_present = true;
		error = set_online_locked(ci, present);
		if (error == 0)
			ci->ci_present = present;
	}
	mutex_exit(&hotplug_lock);
	return error;
}

int
cpu_hotplug_hold(void)
{
	nsec_t deadline = nanouptime() + HOTPLUG_WAIT;

	while (!mutex_tryenter(&hotplug_lock)) {
		if (nanouptime() >= deadline)
			return EBUSY;
		(void)kpause("hotplug", false, nanouptime() + NSEC_PER_MSEC);
	}
	return 0;
}

void
cpu_hotplug_release(void)
{
	mutex_exit(&hotplug_lock);
}

/* Make the cpu_infos of the vCPUs that could be used.  Thread context. */
void
cpu_create_secondaries(void)
{
	struct kmem_cache *kc;
	struct cpu_info *ci;
	unsigned int i, max = ncpu_possible;
	char value[8];

	mutex_init(&hotplug_lock, "hotplug");
	if (boot_option("nosmp", NULL, 0))
		max = 1;
	if (boot_option("maxcpus", value, sizeof(value)) &&
	    kstrtou32(value, 10, &max) != 0)
		printf("boot: maxcpus=%s is no number\n", value);
	max = MIN(MIN(max, ncpu_possible), MAXCPUS);
	if (max <= 1)
		return;
	kc = kmem_cache_create("cpu_info", sizeof(*ci),
	    _Alignof(struct cpu_info));
	for (i = 1; i < max && kc != NULL; i++) {
		ci = kmem_cache_alloc(kc, KM_SLEEP);
		if (ci == NULL)
			break;
		memset(ci, 0, sizeof(*ci));
		ci->ci_self = ci;
		ci->ci_index = i;
		if (cpu_attach(ci) != 0)
			break;		/* a little memory is lost */
		cpu_infos[i] = ci;
	}
	if (i < max)
		printf("cpu: no memory for more than %u vCPUs\n", i);
}

void
cpu_hatch(struct cpu_info *ci)
{
	KASSERT(ci == curcpu() && !intr_enabled());
	ci->ci_spin_depth = ci->ci_preempt_off = ci->ci_intr_depth = 0;
	ci->ci_md.md_ipi_pending = 0;
	callout_rearm();
	(void)atomic_add(&ncpu, 1);
	sched_cpu_up(ci);
	atomic_store(&ci->ci_online, true);
	sched_idle();
}
