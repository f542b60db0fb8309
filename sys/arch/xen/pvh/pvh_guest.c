/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH guest type: its table of functions and its part of suspend.
 *
 * Overview: frames are guest-physical everywhere; the rings of the store and
 * the console and the shared info page lie at frames outside RAM, known by HVM
 * parameters or chosen by us, and are mapped once.
 *
 * Suspend: a new domain gets a new shared info page, which is put at the same
 * frame; nothing is unmapped before.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/frame.h>
#include <machine/pmap.h>
#include <x86/cpuid.h>
#include <x86/pmap_backend.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>
#include <xen/pvh.h>

#include "pvh_private.h"

uint32_t pvh_start_flags;
static pfn_t pvh_shared_gpfn = { ~(uintptr_t)0 };

/* ---- interrupts ---- */

static void
pvh_idle(void)
{
	/* STI takes effect after the next instruction: no event is missed. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

static uintptr_t
pvh_fault_addr(void)
{
	uintptr_t cr2;

	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	return cr2;
}

/* ---- CPU features ---- */

static void
pvh_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	x86_cpuid(leaf, subleaf, r);
}

static void
pvh_xsave_enable(uint64_t xcr0)
{
	/* Boot CPU: the others start with it. */
	pvh_cr4 |= CR4_OSXSAVE;
	__asm__ volatile("movq %0, %%cr4" : : "r"(pvh_cr4));
	__asm__ volatile("xsetbv" : : "a"((uint32_t)xcr0),
	    "d"((uint32_t)(xcr0 >> 32)), "c"(0));
}

static void
pvh_fpu_ts(bool set)
{
	unsigned long cr0;

	if (!set) {
		__asm__ volatile("clts");
		return;
	}
	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | 8));
}

/* ---- frames and start-of-day pages ---- */

static mfn_t
pvh_pfn_to_mfn(pfn_t pfn)
{
	return MKMFN(pfn.pfn);
}

static pfn_t
pvh_mfn_to_pfn(mfn_t mfn)
{
	return MKPFN(mfn.mfn);
}

static int
shared_info_place(void)
{
	struct xen_add_to_physmap op = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info,
		.idx = 0, .gpfn = pvh_shared_gpfn.pfn
	};

	return hypercall_memory_op(XENMEM_add_to_physmap, &op, NULL);
}

static struct shared_info *
pvh_map_shared_info(void)
{
	int error;

	pvh_shared_gpfn = pvh_reserve_gpfns(1);
	error = shared_info_place();
	if (error != 0)
		panic("pvh: no shared info page: error %d", error);
	return (struct shared_info *)pvh_map_special(pvh_shared_gpfn,
	    PROT_READ | PROT_WRITE);
}

/* A ring by its HVM parameters, mapped at its first use. */
struct pvh_ring {
	uint64_t	pr_pfn;		/* 0: not mapped */
	vaddr_t		pr_va;
};

static int
ring_get(struct pvh_ring *r, unsigned int pfn_param, unsigned int port_param,
    evtchn_t *portp, void **ring)
{
	uint64_t pfn, port;

	if (hypercall_hvm_get_param(pfn_param, &pfn) != 0 || pfn == 0 ||
	    hypercall_hvm_get_param(port_param, &port) != 0 || port == 0)
		return ENXIO;
	if (r->pr_pfn != pfn) {
		r->pr_va = pvh_map_special(MKPFN(pfn),
		    PROT_READ | PROT_WRITE);
		if (r->pr_va == 0)
			return ENXIO;
		r->pr_pfn = pfn;
	}
	*portp = MKEVTCHN((uint32_t)port);
	*ring = (void *)r->pr_va;
	return 0;
}

static int
pvh_store(evtchn_t *port, void **ring)
{
	static struct pvh_ring r;

	return ring_get(&r, HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN,
	    port, ring);
}

static int
pvh_console(evtchn_t *port, void **ring)
{
	static struct pvh_ring r;

	return ring_get(&r, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN,
	    port, ring);
}

static bool
pvh_is_initial_domain(void)
{
	return (pvh_start_flags & SIF_INITDOMAIN) != 0;
}

static void
pvh_unmap_grant_frames(vaddr_t va, unsigned int n)
{
	pmap_kremove(va, ptoa(n));
}

/* ---- suspend ---- */

static int
pvh_suspend(void)
{
	return 0;
}

static unsigned long
pvh_suspend_arg(void)
{
	return 0;
}

static void
pvh_resume(bool newdomain)
{
	int error;

	if (newdomain) {
		error = shared_info_place();
		if (error != 0)
			panic("pvh: no shared info page after resume: "
			    "error %d", error);
		xen_cpus_resume();
	}
	error = pvh_callback_register();
	if (error != 0)
		panic("pvh: no event upcalls after resume: error %d", error);
}

const struct xen_guest pvh_guest = {
	.g_name = "PVH",
	.g_pmap = &pvh_pmap_backend,
	.g_idle = pvh_idle,
	.g_fault_addr = pvh_fault_addr,
	.g_debug_status = pvh_debug_status,
	.g_debug_load = pvh_debug_load,
	.g_cpuid = pvh_cpuid,
	.g_xsave_enable = pvh_xsave_enable,
	.g_auto_translated = true,
	.g_pfn_to_mfn = pvh_pfn_to_mfn,
	.g_mfn_to_pfn = pvh_mfn_to_pfn,
	.g_map_shared_info = pvh_map_shared_info,
	.g_store = pvh_store,
	.g_console = pvh_console,
	.g_is_initial_domain = pvh_is_initial_domain,
	.g_cpu_init = pvh_cpu_init,
	.g_cpu_initialise = pvh_cpu_initialise,
	.g_balloon_out = pvh_balloon_out,
	.g_balloon_in = pvh_balloon_in,
	.g_grow_from = { 1UL << (32 - PAGE_SHIFT) },
	.g_suspend = pvh_suspend,
	.g_resume = pvh_resume,
	.g_suspend_arg = pvh_suspend_arg,
	.g_switch = pvh_switch,
	.g_fpu_ts = pvh_fpu_ts,
	.g_map_grant_frames = pvh_map_grant_frames,
	.g_unmap_grant_frames = pvh_unmap_grant_frames,
};
