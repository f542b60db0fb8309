/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paravirtual clock: Xen's per-vCPU time words scaled by the TSC, the wall
 * clock of the shared info page, and the one-shot timer of each vCPU.
 *
 * Overview: vcpu_time_info gives (tsc_timestamp, system_time, scale); Xen
 * updates it at its leisure and counts version, which is odd during an update.
 * Time is then system_time + (TSC - tsc_timestamp) * scale.  vCPUs may
 * disagree by a little unless XEN_PVCLOCK_TSC_STABLE_BIT is set: then one
 * atomic maximum keeps clock_raw() from going back between CPUs.
 *
 * Suspend: a new domain counts from its own creation; xen_clock_resume() drops
 * the maximum, kern_time.c continues CLOCK_MONOTONIC from what it saved.
 * The words are re-registered with vcpu_info by the guest type.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vdso.h>
#include <machine/clock.h>
#include <machine/intr.h>
#include <xen/evtchn.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>

/* The words as programs see them: Xen keeps a second copy here. [B] */
struct vdso_tsc vdso_tsc[VDSO_CPUS] __aligned(VDSO_PAGE_SIZE)
    __section(".bss.page_aligned");
CTASSERT(VDSO_CPUS == MAXCPUS && sizeof(vdso_tsc) <= VDSO_PAGE_SIZE);
CTASSERT(sizeof(struct vdso_tsc) == sizeof(struct vcpu_time_info));
#define	ASSERT_WORD(mine, xens)						\
	CTASSERT(__offsetof(struct vdso_tsc, mine) ==			\
	    __offsetof(struct vcpu_time_info, xens))
ASSERT_WORD(vc_version, version);
ASSERT_WORD(vc_stamp, tsc_timestamp);
ASSERT_WORD(vc_nsec, system_time);
ASSERT_WORD(vc_mul, tsc_to_system_mul);
ASSERT_WORD(vc_shift, tsc_shift);
ASSERT_WORD(vc_flags, flags);
CTASSERT(VDSO_TSC_STABLE == XEN_PVCLOCK_TSC_STABLE_BIT);

/* [a] The latest time any CPU has told; only used when TSCs may disagree. */
static volatile nsec_t clock_last;

static inline uint64_t
rdtsc_ordered(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* One coherent reading of this CPU's time words. */
static nsec_t
pvclock_read(const struct vdso_tsc *t, uint8_t *flags)
{
	uint64_t now;
	uint32_t version;

	do {
		version = atomic_load_acquire(&t->vc_version);
		*flags = t->vc_flags;
		now = vdso_tsc_nsec(t, rdtsc_ordered());
		membar_acquire();
	} while ((version & 1) != 0 ||
	    atomic_load_relaxed(&t->vc_version) != version);
	return (nsec_t)now;
}

/* This CPU's time words; interrupts off. */
static inline const struct vdso_tsc *
pvclock_words(void)
{
	return (const void *)&curcpu()->ci_md.md_vcpu->time;
}

nsec_t
clock_raw(void)
{
	nsec_t now, last;
	uint8_t flags;
	bool on;

	on = intr_disable();
	now = pvclock_read(pvclock_words(), &flags);
	intr_restore(on);
	if ((flags & XEN_PVCLOCK_TSC_STABLE_BIT) != 0)
		return now;
	do {
		last = atomic_load_relaxed(&clock_last);
		if (now <= last)
			return last;
	} while (!atomic_cas(&clock_last, last, now));
	return now;
}

unsigned int
clock_tsc_khz(void)
{
	const struct vcpu_time_info *t = &curcpu()->ci_md.md_vcpu->time;
	uint64_t khz;

	/* mul is 2^32 * ns per shifted tick. */
	if (t->tsc_to_system_mul == 0)
		return 0;
	khz = (1000000ULL << 32) / t->tsc_to_system_mul;
	if (t->tsc_shift < 0)
		khz <<= -t->tsc_shift;
	else
		khz >>= t->tsc_shift;
	return (unsigned int)khz;
}

nsec_t
clock_wall_base(void)
{
	const struct shared_info *s = xen_shared_info;
	uint64_t sec;
	uint32_t version, nsec;

	do {
		version = atomic_load_acquire(&s->wc_version);
		sec = atomic_load_relaxed(&s->wc_sec);
		sec |= (uint64_t)atomic_load_relaxed(&s->xen_wc_sec_hi) << 32;
		nsec = atomic_load_relaxed(&s->wc_nsec);
		membar_acquire();
	} while ((version & 1) != 0 ||
	    atomic_load_relaxed(&s->wc_version) != version);
	return (nsec_t)sec * NSEC_PER_SEC + nsec;
}

void
clock_set_timer(nsec_t raw)
{
	struct vcpu_set_singleshot_timer t = {
		.timeout_abs_ns = (uint64_t)MAX(raw, 1)
	};
	unsigned int cpu = curcpu()->ci_index;
	struct xen_cpu *xc = curcpu()->ci_md.md_xen;

	KASSERT(xc->xc_timer != NULL);
	/* Without VCPU_SSHOTTMR_future a time gone by fires at once. */
	(void)hypercall_vcpu_op(VCPUOP_set_singleshot_timer, cpu, &t);
}

void
clock_stop_timer(void)
{
	(void)hypercall_vcpu_op(VCPUOP_stop_singleshot_timer,
	    curcpu()->ci_index, NULL);
}

/* -- steal time: the runstate area Xen keeps for each vCPU -- */

static struct vcpu_runstate_info runstate[MAXCPUS];	/* [B] */
static nsec_t steal_base[MAXCPUS];	/* [s] of earlier domains */

static nsec_t
steal_now(unsigned int cpu)
{
	const struct vcpu_runstate_info *r = &runstate[cpu];

	return (nsec_t)atomic_load_relaxed(&r->time[RUNSTATE_runnable]) +
	    (nsec_t)atomic_load_relaxed(&r->time[RUNSTATE_offline]);
}

nsec_t
clock_steal(void)
{
	unsigned int cpu = curcpu()->ci_index;

	return steal_base[cpu] + steal_now(cpu);
}

static void
runstate_register(struct cpu_info *ci)
{
	struct vcpu_register_runstate_memory_area area;

	area.addr.v = &runstate[ci->ci_index];
	(void)hypercall_vcpu_op(VCPUOP_register_runstate_memory_area,
	    ci->ci_index, &area);
}

/*
 * Have Xen keep the copy for programs.  A hypervisor that does not gives zeros,
 * which say that the TSC is not stable: the vDSO makes system calls then.
 */
static void
vdso_tsc_register(struct cpu_info *ci)
{
	struct vcpu_register_time_memory_area area;

	area.addr.p = (uint64_t)(uintptr_t)&vdso_tsc[ci->ci_index];
	(void)hypercall_vcpu_op(VCPUOP_register_vcpu_time_memory_area,
	    ci->ci_index, &area);
}

/* -- set-up -- */

static void
timer_event(void *arg __unused)
{
	callout_intr();
}

int
xen_clock_cpu_init(struct cpu_info *ci)
{
	struct xen_cpu *xc = ci->ci_md.md_xen;

	(void)hypercall_vcpu_op(VCPUOP_stop_periodic_timer, ci->ci_index,
	    NULL);
	runstate_register(ci);
	vdso_tsc_register(ci);
	if (xc->xc_timer != NULL)
		return evtchn_reopen(xc->xc_timer);	/* was up before */
	return evtchn_bind_virq(VIRQ_TIMER, ci, timer_event, NULL, "timer",
	    &xc->xc_timer);
}

void
xen_clock_suspend(void)
{
	unsigned int i;

	for (i = 0; i < MAXCPUS; i++)
		steal_base[i] += steal_now(i);
}

void
xen_clock_resume(bool newdomain)
{
	struct cpu_info *ci;
	unsigned int i;

	if (!newdomain) {
		for (i = 0; i < MAXCPUS; i++)
			steal_base[i] -= steal_now(i);
		return;
	}
	atomic_store(&clock_last, 0);
	memset(runstate, 0, sizeof(runstate));
	memset(vdso_tsc, 0, sizeof(vdso_tsc));
	CPU_FOREACH(ci) {
		if (!ci->ci_online)
			continue;
		(void)hypercall_vcpu_op(VCPUOP_stop_periodic_timer,
		    ci->ci_index, NULL);
		runstate_register(ci);
		vdso_tsc_register(ci);
	}
}
