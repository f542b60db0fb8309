/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first C code of a PV guest: from start_info to main().
 *
 * Overview: everything the builder has put into the first frames of the domain
 * is entered as reserved: the kernel image, its page tables, start_info, the
 * store and console rings, the p2m list and the initramfs.
 *
 * Untrusted input: start_info comes from the tools of the host, which own the
 * domain; still, frame numbers are checked before they are used as addresses.
 */
#include <sys/boot.h>
#include <sys/cpu.h>
#include <sys/physmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <x86/pmap_backend.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>
#include <xen/pv.h>
#include <xen/xencons_early.h>

#include "pv_private.h"

void	main(void);
void	hypercall_syscall(void);

struct start_info *pv_start_info;

/* Before there is a p2m: the builder's list. */
static unsigned long
boot_mfn(uintptr_t pfn)
{
	return ((const unsigned long *)pv_start_info->mfn_list)[pfn];
}

static uintptr_t
image_pfn(uintptr_t va)
{
	return (va - KERNBASE) >> PAGE_SHIFT;
}

/* The frame behind a machine frame of the start-of-day pages; 0: none. */
static uintptr_t
boot_pfn(unsigned long mfn)
{
	uintptr_t pfn;

	if (mfn == 0 || mfn >= MACH2PHYS_NR_ENTRIES)
		return 0;
	pfn = machine_to_phys_mapping[mfn];
	if (pfn >= pv_start_info->nr_pages || boot_mfn(pfn) != mfn)
		return 0;
	return pfn;
}

/* The console in the builder's mapping. */
static void
early_console(void)
{
	const struct start_info *si = pv_start_info;
	uintptr_t pfn = boot_pfn(si->console.domU.mfn);

	xencons_early_attach(pfn != 0 ? (void *)(KERNBASE + ptoa(pfn)) : NULL,
	    MKEVTCHN(si->console.domU.evtchn));
}

static void
reserve_one(uintptr_t pfn)
{
	if (pfn != 0)
		physmem_reserve(pfn, pfn + 1);
}

static void
memory_init(void)
{
	const struct start_info *si = pv_start_info;
	uintptr_t first;

	physmem_add_ram(0, si->nr_pages);
	physmem_reserve(image_pfn((uintptr_t)__kernel_start),
	    image_pfn(round_page((uintptr_t)__kernel_end)));
	reserve_one(image_pfn((uintptr_t)si));
	reserve_one(boot_pfn(si->store_mfn));
	reserve_one(boot_pfn(si->console.domU.mfn));
	first = image_pfn(si->pt_base);
	physmem_reserve(first, first + si->nr_pt_frames);
	/* An old builder puts the list where the other things are. */
	first = si->nr_p2m_frames != 0 ? si->first_p2m_pfn :
	    image_pfn(si->mfn_list);
	physmem_reserve(first, first + (si->nr_p2m_frames != 0 ?
	    si->nr_p2m_frames : howmany(si->nr_pages * 8, PAGE_SIZE)));
}

static void
module_init(void)
{
	const struct start_info *si = pv_start_info;
	uintptr_t first;

	strlcpy(bootinfo.bi_cmdline, (const char *)si->cmd_line,
	    MIN(sizeof(bootinfo.bi_cmdline), sizeof(si->cmd_line)));
	bootinfo.bi_cmdline_max = sizeof(si->cmd_line);
	if (si->mod_len == 0)
		return;
	first = (si->flags & SIF_MOD_START_PFN) != 0 ? si->mod_start :
	    image_pfn(si->mod_start);
	if (first >= si->nr_pages ||
	    si->mod_len > ptoa(si->nr_pages - first)) {
		printf("boot: module outside memory ignored\n");
		return;
	}
	bootinfo.bi_module = ptoa(first);
	bootinfo.bi_module_len = si->mod_len;
	physmem_reserve(first, first + howmany(si->mod_len, PAGE_SIZE));
}

void
pv_boot(struct start_info *si)
{
	struct cpu_info *ci = &cpu_info_primary;
	evtchn_t port;
	void *ring;

	xen_guest = &pv_guest;
	xen_hypercall_entry = hypercall_syscall;
	cpu_user_return = pv_user_return;
	(void)hypercall_set_segment_base(SEGBASE_GS_KERNEL, (uintptr_t)ci);
	ci->ci_self = ci;
	ci->ci_curlwp = &lwp0;
	cpu_md_early();
	pv_start_info = si;
	if (xen_cpu_info_at(ci, MKMFN(
	    boot_mfn(image_pfn((uintptr_t)ci->ci_md.md_shared)))) != 0)
		cpu_reboot(RB_CRASH);
	early_console();
	pv_trap_init();
	pv_setup_upcall();
	memory_init();
	module_init();
	pmap_bootstrap();
	if (xen_guest->g_console(&port, &ring) == 0)
		xencons_early_attach(ring, port);
	xen_shared_info = xen_guest->g_map_shared_info();
	pv_p2m_publish();
	main();
	panic("main returned");
}
