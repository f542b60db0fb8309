/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The raw clock from the time words of vCPUs that do not agree.
 */
/* sources: sys/arch/xen/xen/clock.c sys/arch/xen/xen/evtchn.c
 * sys/arch/xen/xen/hypercall.c regress/sys/arch/xen/xen/fake_xen.c */
/* variants: gcc64 clang64 */
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/systm.h>
#include <machine/clock.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>

#include <ktest.h>

#include "fake_xen.h"

void
callout_intr(void)
{
}

/* We run on this vCPU, whose words tell this time, whatever the TSC is. */
static nsec_t
on_cpu(unsigned int n, uint64_t time, bool stable)
{
	struct vcpu_info *v = &xen_shared_info->vcpu_info[n];

	curcpu()->ci_md.md_vcpu = v;
	v->time.tsc_to_system_mul = 0;
	v->time.system_time = time;
	v->time.flags = stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
	return clock_raw();
}

TEST(never_back_from_cpu_to_cpu)
{
	fake_xen_new_domain();
	CHECK_EQ(on_cpu(0, 1000, false), 1000);
	CHECK_EQ(on_cpu(1, 990, false), 1000);
	CHECK_EQ(on_cpu(1, 999, false), 1000);
	CHECK_EQ(on_cpu(1, 1001, false), 1001);
	CHECK_EQ(on_cpu(0, 1000, false), 1001);
}

/* No word is shared where the hypervisor says that they agree. */
TEST(stable_words_are_believed)
{
	fake_xen_new_domain();
	CHECK_EQ(on_cpu(0, 1000, true), 1000);
	CHECK_EQ(on_cpu(1, 990, true), 990);
}

TEST(a_new_domain_counts_anew)
{
	fake_xen_new_domain();
	CHECK_EQ(on_cpu(0, 1000000, false), 1000000);
	xen_clock_suspend();
	xen_clock_resume(false);
	CHECK_EQ(on_cpu(0, 999999, false), 1000000);
	xen_clock_suspend();
	fake_xen_new_domain();
	xen_clock_resume(true);
	CHECK_EQ(on_cpu(0, 50, false), 50);
}
