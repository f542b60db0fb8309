/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs over a fake Xen: coming up, going down, and what becomes of them in a
 * new domain.
 */
/* sources: sys/arch/xen/xen/cpu.c sys/arch/xen/xen/evtchn.c
 * sys/arch/xen/xen/hypercall.c regress/sys/arch/xen/xen/fake_xen.c */
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <xen/evtchn.h>
#include <xen/guest.h>
#include <xen/machdep.h>

#include <ktest.h>

#include "fake_xen.h"

/* ---- the machine: shim/cpu.c's, but interrupts are cpu.c's here ---- */

struct cpu_info cpu_info_primary = { .ci_self = &cpu_info_primary,
    .ci_online = true, .ci_present = true };
static struct cpu_info others[FAKE_VCPUS];
struct cpu_info *cpu_infos[MAXCPUS] = { &cpu_info_primary };
struct cpu_info *shim_curcpu = &cpu_info_primary;
unsigned int ncpu = 1, ncpu_possible = FAKE_VCPUS;
volatile bool cpu_others_stopped;
struct pmap pmap_kernel_store;

static bool intr_on = true;

struct lwp *
shim_curlwp(void)
{
	return NULL;
}

void
preempt_disable(void)
{
}

void
preempt_enable(void)
{
}

static unsigned int cross_calls;

void
cpu_cross_call(void (*fn)(void *), void *arg)
{
	KASSERT(fn != NULL);
	(void)arg;
	cross_calls++;
}

bool
intr_disable(void)
{
	bool was = intr_on;

	intr_on = false;
	return was;
}

void
intr_enable(void)
{
	intr_on = true;
}

bool
intr_enabled(void)
{
	return intr_on;
}

/* ---- what cpu.c calls ---- */

static unsigned int attached, detached, prepared, initialised, lost_count;
static unsigned int evacuated;
static int attach_error, detach_error, initialise_error, clock_error;
static bool starts_late;

int
cpu_attach(struct cpu_info *ci)
{
	KASSERT(!ci->ci_online);
	attached++;
	return attach_error;
}

int
cpu_detach(struct cpu_info *ci)
{
	if (detach_error != 0)
		return detach_error;
	detached++;
	ci->ci_online = false;
	/* cpu_dead() */
	ci->ci_md.md_wanted = false;
	CHECK_EQ(hypercall_vcpu_op(VCPUOP_down, ci->ci_index, NULL), 0);
	return 0;
}

void
cpu_hatch_prepare(struct cpu_info *ci)
{
	KASSERT(!ci->ci_online);
	prepared++;
	ci->ci_md.md_vcpu = (struct vcpu_info *)ci->ci_md.md_shared;
}

/* It comes to cpu_hatch() - if it has been told that it may. */
static void
hatch(struct cpu_info *ci)
{
	CHECK(ci->ci_md.md_wanted);
	ci->ci_online = true;
}

void
fake_vcpu_started(unsigned int n)
{
	if (!starts_late && !cpu_others_stopped)
		hatch(cpu_infos[n]);
}

static bool
at_last(const char *wchan)
{
	static unsigned int sleeps;

	CHECK_STR(wchan, "vcpu");
	if (++sleeps == 20000)		/* ms */
		hatch(cpu_infos[2]);
	return false;
}

bool
pmap_extract(struct pmap *pm, vaddr_t va, paddr_t *pa, vm_prot_t *prot)
{
	KASSERT(pm == pmap_kernel() && prot == NULL);
	*pa = va;
	return true;
}

static void
timer(void *arg)
{
	KASSERT(arg == NULL);
}

int
xen_clock_cpu_init(struct cpu_info *ci)
{
	struct xen_cpu *xc = ci->ci_md.md_xen;

	if (clock_error != 0)
		return clock_error;
	if (xc->xc_timer != NULL)
		return evtchn_reopen(xc->xc_timer);
	return evtchn_bind_virq(VIRQ_TIMER, ci, timer, NULL,
	    "timer", &xc->xc_timer);
}

void
cpu_lost(struct cpu_info *ci)
{
	KASSERT(cpu_others_stopped);
	ci->ci_online = false;
	lost_count++;
}

void
cpu_evacuate(struct cpu_info *ci)
{
	KASSERT(!cpu_others_stopped && !ci->ci_online);
	evacuated++;
}

static int
fake_initialise(struct cpu_info *ci)
{
	if (initialise_error != 0)
		return initialise_error;
	initialised++;
	return hypercall_vcpu_op(VCPUOP_initialise, ci->ci_index, &initialised);
}

static mfn_t
same_frame(pfn_t pfn)
{
	return MKMFN(pfn.pfn);
}

static const struct xen_guest guest = {
	.g_name = "test",
	.g_pfn_to_mfn = same_frame,
	.g_cpu_initialise = fake_initialise,
};
const struct xen_guest *xen_guest = &guest;

/* ---- tests ---- */

static void
setup(void)
{
	for (unsigned int i = 1; i < FAKE_VCPUS; i++) {
		others[i].ci_self = &others[i];
		others[i].ci_index = i;
		others[i].ci_present = true;
		cpu_infos[i] = &others[i];
	}
	fake_xen_new_domain();
	cpu_info_primary.ci_md.md_vcpu =
	    (struct vcpu_info *)cpu_info_primary.ci_md.md_shared;
	CHECK_EQ(xen_cpu_info(&cpu_info_primary), 0);
	evtchn_init();
	CHECK_EQ(xen_cpu_attach(&cpu_info_primary), 0);
}

/* Ports of VIRQs and IPIs that are open. */
static unsigned int
ports(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_PORTS; i++)
		n += fake_ports[i] == FP_VIRQ || fake_ports[i] == FP_IPI;
	return n;
}

TEST(up_down_and_up)
{
	struct cpu_info *ci = &others[2];
	struct xen_cpu *xc;

	setup();
	CHECK_EQ(ports(), 2);
	CHECK_EQ(cpu_online(ci), 0);
	CHECK(ci->ci_online && fake_vcpus[2] == FV_UP && fake_vcpu_info[2]);
	CHECK_EQ(attached, 1);
	CHECK_EQ(prepared, 1);
	CHECK_EQ(ports(), 4);
	xc = ci->ci_md.md_xen;
	cpu_ipi_send(ci);
	CHECK_EQ(fake_sends[evtchn_port(xc->xc_ipi).port], 1);

	CHECK_EQ(cpu_offline(ci), 0);
	CHECK(!ci->ci_online && fake_vcpus[2] == FV_DOWN);
	CHECK_EQ(detached, 1);
	CHECK_EQ(ports(), 2);
	cpu_ipi_send(ci);		/* somebody is late: no harm */

	/* It waits in cpu_dead(): no new context. */
	CHECK_EQ(cpu_online(ci), 0);
	CHECK(ci->ci_online && fake_vcpus[2] == FV_UP);
	CHECK_EQ(initialised, 1);
	CHECK_EQ(ports(), 4);
}

TEST(who_does_not_want_to_go_stays)
{
	setup();
	CHECK_EQ(cpu_online(&others[1]), 0);
	detach_error = EBUSY;
	CHECK_EQ(cpu_offline(&others[1]), EBUSY);
	CHECK(others[1].ci_online && fake_vcpus[1] == FV_UP);
	CHECK_EQ(ports(), 4);
}

TEST(failures_leave_nothing)
{
	static const int ops[] = {
		VCPUOP_initialise, VCPUOP_up, VCPUOP_register_vcpu_info
	};
	struct cpu_info *ci = &others[3];
	unsigned int i;

	setup();
	attach_error = ENOMEM;
	CHECK_EQ(cpu_online(ci), ENOMEM);
	attach_error = 0;
	clock_error = ENOSPC;
	CHECK_EQ(cpu_online(ci), ENOSPC);
	clock_error = 0;
	CHECK_EQ(ports(), 2);
	initialise_error = ENOMEM;
	CHECK_EQ(cpu_online(ci), ENOMEM);
	initialise_error = 0;
	CHECK_EQ(ports(), 2);
	for (i = 0; i < __arraycount(ops); i++) {
		fake_vcpu_fail = (struct fake_vcpu_fail){ ops[i], 3, EPERM };
		fake_vcpus[3] = FV_NONE;
		fake_vcpu_info[3] = false;
		ci->ci_md.md_started = false;
		((struct xen_cpu *)ci->ci_md.md_xen)->xc_info = false;
		CHECK_EQ(cpu_online(ci), EPERM);
		CHECK(!ci->ci_online);
		CHECK_EQ(ports(), 2);
		/* The next time it works. */
		fake_vcpu_fail.error = 0;
		CHECK_EQ(cpu_online(ci), 0);
		CHECK_EQ(cpu_offline(ci), 0);
	}
}

TEST(a_slow_hypervisor_is_waited_for)
{
	nsec_t start = nanouptime();

	setup();
	starts_late = true;
	shim_sleep_hook = at_last;
	CHECK_EQ(cpu_online(&others[2]), 0);
	CHECK(others[2].ci_online);
	CHECK(nanouptime() - start >= 19 * NSEC_PER_SEC);
}

/* ---- new domains ---- */

static void
new_domain(void)
{
	evtchn_suspend();
	cpu_others_stopped = true;
	fake_xen_new_domain();
	cpu_info_primary.ci_md.md_vcpu =
	    (struct vcpu_info *)cpu_info_primary.ci_md.md_shared;
	xen_cpus_resume();
	evtchn_resume(true);
	cpu_others_stopped = false;
	xen_cpus_resume_late();
}

TEST(a_new_domain_has_the_same_ones)
{
	setup();
	CHECK_EQ(cpu_online(&others[1]), 0);
	CHECK_EQ(cpu_online(&others[2]), 0);
	CHECK_EQ(cpu_offline(&others[2]), 0);
	new_domain();
	CHECK(fake_vcpu_info[0] && fake_vcpu_info[1]);
	CHECK(others[1].ci_online && fake_vcpus[1] == FV_UP);
	CHECK(!others[2].ci_online && fake_vcpus[2] == FV_NONE);
	CHECK(!fake_vcpu_info[2]);
	CHECK_EQ(ports(), 4);
	CHECK_EQ(lost_count + evacuated, 0);
	/* The offline one begins with a context of its own there. */
	CHECK_EQ(initialised, 2);
	CHECK_EQ(cpu_online(&others[2]), 0);
	CHECK_EQ(initialised, 3);
	CHECK(others[2].ci_online && fake_vcpus[2] == FV_UP);
	new_domain();
	CHECK_EQ(ports(), 6);
}

TEST(one_that_does_not_come_back)
{
	static const int ops[] = {
		VCPUOP_down, VCPUOP_register_vcpu_info, VCPUOP_up
	};
	unsigned int i;

	setup();
	CHECK_EQ(cpu_online(&others[1]), 0);
	for (i = 0; i < __arraycount(ops); i++) {
		CHECK_EQ(cpu_online(&others[3]), 0);
		CHECK_EQ(ports(), 6);
		fake_vcpu_fail = (struct fake_vcpu_fail){ ops[i], 3, EINVAL };
		new_domain();
		fake_vcpu_fail.error = 0;
		CHECK_EQ(lost_count, i + 1);
		CHECK_EQ(evacuated, i + 1);
		CHECK(!others[3].ci_online);
		CHECK(others[1].ci_online && fake_vcpus[1] == FV_UP);
		CHECK_EQ(ports(), 4);
		/* It is told of once. */
		new_domain();
		CHECK_EQ(lost_count, i + 1);
		CHECK_EQ(evacuated, i + 1);
		fake_vcpus[3] = FV_NONE;
		fake_vcpu_info[3] = false;
	}
}

TEST(the_boot_cpu_has_to_come_back)
{
	setup();
	fake_vcpu_fail = (struct fake_vcpu_fail){
	    VCPUOP_register_vcpu_info, 0, EINVAL };
	CHECK_PANIC(new_domain());
}
