/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PV guest type: its table of functions, interrupt flag, start_info and
 * its part of suspend.
 *
 * Overview: a PV kernel has no interrupt flag of its own; the byte
 * evtchn_upcall_mask in the vcpu_info is it.  vcpu_info lies in cpu_info, so
 * each access is one instruction relative to %gs: a thread that is preempted
 * and moved between two of them never touches another CPU's (<machine/intr.h>).
 *
 * Suspend: the tools translate frame numbers only where they know of them.
 * start_info's store and console frames go down as pfns and come up as machine
 * frames of the new domain, or are put back when it was cancelled.  The shared
 * info page is not the domain's own memory and is replaced by a dummy
 * meanwhile, so that whoever reads it early finds an idle page instead of a
 * fault.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/intr.h>
#include <machine/pmap.h>
#include <x86/pmap_backend.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>
#include <xen/pv.h>

#include "pv_private.h"

static char pv_dummy_shared[PAGE_SIZE] __aligned(PAGE_SIZE)
    __section(".bss.page_aligned");

/* ---- interrupts ---- */

static void
pv_idle(void)
{
	/* Unmasks, and does not block if something is pending. */
	(void)hypercall_sched_op(SCHEDOP_block, NULL);
	(void)intr_disable();
}

static uintptr_t
pv_fault_addr(void)
{
	return curcpu()->ci_md.md_vcpu->arch.cr2;
}

/* ---- CPU features ---- */

static void
pv_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	/* The prefix asks Xen to emulate the instruction. */
	__asm__ volatile("ud2; .ascii \"xen\"; cpuid" : "=a"(r[0]),
	    "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(subleaf));
}

#define	CR4_OSXSAVE	(1UL << 18)

static void
pv_xsave_enable(uint64_t xcr0)
{
	unsigned long cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4 | CR4_OSXSAVE));
	__asm__ volatile("xsetbv" : : "a"((uint32_t)xcr0),
	    "d"((uint32_t)(xcr0 >> 32)), "c"(0));
}

static void
pv_fpu_ts(bool set)
{
	(void)hypercall_fpu_taskswitch(set);
}

/* ---- start-of-day pages ---- */

static struct shared_info *
pv_map_shared_info(void)
{
	return (struct shared_info *)pv_map_special(
	    MKMFN(atop(pv_start_info->shared_info)), PROT_READ | PROT_WRITE);
}

static int
ring_of(unsigned long frame, uint32_t port, evtchn_t *portp, void **ring)
{
	pfn_t pfn = pv_mfn_to_pfn(MKMFN(frame));

	if (port == 0 || pfn.pfn == ~(uintptr_t)0)
		return ENXIO;
	*portp = MKEVTCHN(port);
	*ring = (void *)PMAP_DIRECT_MAP(ptoa(pfn.pfn));
	return 0;
}

static int
pv_store(evtchn_t *port, void **ring)
{
	return ring_of(pv_start_info->store_mfn, pv_start_info->store_evtchn,
	    port, ring);
}

static int
pv_console(evtchn_t *port, void **ring)
{
	return ring_of(pv_start_info->console.domU.mfn,
	    pv_start_info->console.domU.evtchn, port, ring);
}

static bool
pv_is_initial_domain(void)
{
	return (pv_start_info->flags & SIF_INITDOMAIN) != 0;
}

static void
pv_unmap_grant_frames(vaddr_t va, unsigned int n)
{
	pmap_kremove(va, ptoa(n));
}

/* ---- suspend ---- */

static mfn_t
kernel_mfn(const void *va)
{
	return pv_pfn_to_mfn(MKPFN(((uintptr_t)va - KERNBASE) >> PAGE_SHIFT));
}

static int
pv_suspend(void)
{
	struct start_info *si = pv_start_info;

	si->store_mfn = pv_mfn_to_pfn(MKMFN(si->store_mfn)).pfn;
	si->console.domU.mfn =
	    pv_mfn_to_pfn(MKMFN(si->console.domU.mfn)).pfn;
	pv_p2m_suspend();
	pv_remap_special((vaddr_t)xen_shared_info,
	    kernel_mfn(pv_dummy_shared), PROT_READ | PROT_WRITE);
	return 0;
}

static unsigned long
pv_suspend_arg(void)
{
	paddr_t pa = PMAP_DIRECT_UNMAP(pv_start_info);

	return pv_pfn_to_mfn(MKPFN(atop(pa))).mfn;
}

static void
pv_resume(bool newdomain)
{
	struct start_info *si = pv_start_info;

	if (!newdomain) {
		si->store_mfn = pv_pfn_to_mfn(MKPFN(si->store_mfn)).mfn;
		si->console.domU.mfn =
		    pv_pfn_to_mfn(MKPFN(si->console.domU.mfn)).mfn;
	}
	pv_remap_special((vaddr_t)xen_shared_info,
	    MKMFN(atop(si->shared_info)), PROT_READ | PROT_WRITE);
	pv_p2m_resume(newdomain);
	if (newdomain)
		xen_cpus_resume();
}

const struct xen_guest pv_guest = {
	.g_name = "PV",
	.g_pmap = &pv_pmap_backend,
	.g_idle = pv_idle,
	.g_fault_addr = pv_fault_addr,
	.g_debug_status = pv_debug_status,
	.g_debug_load = pv_debug_load,
	.g_cpuid = pv_cpuid,
	.g_xsave_enable = pv_xsave_enable,
	.g_auto_translated = false,
	.g_pfn_to_mfn = pv_pfn_to_mfn,
	.g_mfn_to_pfn = pv_mfn_to_pfn,
	.g_map_shared_info = pv_map_shared_info,
	.g_store = pv_store,
	.g_console = pv_console,
	.g_is_initial_domain = pv_is_initial_domain,
	.g_cpu_init = pv_cpu_init,
	.g_cpu_initialise = pv_cpu_initialise,
	.g_balloon_out = pv_balloon_out,
	.g_balloon_in = pv_balloon_in,
	.g_grow_from = { 0 },
	.g_suspend = pv_suspend,
	.g_resume = pv_resume,
	.g_suspend_arg = pv_suspend_arg,
	.g_switch = pv_switch,
	.g_fpu_ts = pv_fpu_ts,
	.g_map_grant_frames = pv_map_grant_frames,
	.g_unmap_grant_frames = pv_unmap_grant_frames,
};
