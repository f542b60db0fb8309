/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest type: what differs between PV and PVH, as one table of functions.
 *
 * The entry code of each type (sys/arch/xen/pv, sys/arch/xen/pvh) stores its
 * table in xen_guest before any other C code runs; nobody else asks which type
 * it is.  Everything else of sys/arch/xen is the same for both.
 */
#ifndef _XEN_GUEST_H_
#define	_XEN_GUEST_H_

#include <xen/types.h>

struct cpu_info;
struct shared_info;
struct lwp;
struct pmap_backend;

struct xen_guest {
	const char *g_name;			/* "PV" or "PVH" */
	const struct pmap_backend *g_pmap;	/* <x86/pmap_backend.h> */

	/* Wait for an event; entered and left with interrupts off. */
	void	(*g_idle)(void);
	/* The address of the page fault just taken; before interrupts go on. */
	uintptr_t (*g_fault_addr)(void);
	/* Debug registers: why there was a debug trap (and clears that). */
	uintptr_t (*g_debug_status)(void);
	/* This CPU's; 0..3 and 7, the last one last. */
	void	(*g_debug_load)(const uintptr_t dr[8]);
	/* CPUID as the hypervisor wants the kernel to see it: eax..edx. */
	void	(*g_cpuid)(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
	/* Turn XSAVE on on this CPU with these state components. */
	void	(*g_xsave_enable)(uint64_t xcr0);

	/* Xen translates: a frame number is its own machine frame. */
	bool	g_auto_translated;
	/* Frames: guest-physical to what Xen calls a frame, and back. */
	mfn_t	(*g_pfn_to_mfn)(pfn_t);
	pfn_t	(*g_mfn_to_pfn)(mfn_t);

	/* Shared info page and the store/console rings of start-of-day. */
	struct shared_info *(*g_map_shared_info)(void);
	int	(*g_store)(evtchn_t *, void **ring);	/* ENXIO: none */
	int	(*g_console)(evtchn_t *, void **ring);
	bool	(*g_is_initial_domain)(void);

	/*
	 * This CPU's descriptor tables, entry points and upcalls; thread
	 * context (boot) or hatch.
	 */
	void	(*g_cpu_init)(struct cpu_info *);
	/*
	 * VCPUOP_initialise: a secondary vCPU, whose idle thread exists, will
	 * begin at cpu_hatch_entry() when it goes up.  Thread context.
	 */
	int	(*g_cpu_initialise)(struct cpu_info *);

	/*
	 * Balloon: give n frames to Xen / take up to n; *done is what was
	 * achieved, from the first on.  What goes has no content that matters
	 * and nobody looks at it; where the guest has page tables that Xen
	 * checks, it is unmapped from the direct map.
	 */
	int	(*g_balloon_out)(pfn_t *, unsigned int n, unsigned int *done);
	int	(*g_balloon_in)(pfn_t *, unsigned int n, unsigned int *done);
	/* No memory above that of the boot-time map goes below this frame. */
	pfn_t	g_grow_from;

	/*
	 * The type's own part of suspend, on CPU 0 with all others stopped and
	 * interrupts off, right around the hypercall (contract, section 4):
	 * PV: MFNs in start_info to PFNs, shared info replaced by a dummy
	 * page, ... and back.
	 */
	int	(*g_suspend)(void);
	void	(*g_resume)(bool newdomain);
	/* argument of the suspend hypercall */
	unsigned long (*g_suspend_arg)(void);

	/*
	 * Context switch: kernel stack for the next entry, TLS, FS and GS.  To
	 * the current thread: load again what was changed in its pcb.
	 */
	void	(*g_switch)(struct cpu_info *, struct lwp *);
	/* CR0.TS, for lazy or eager FPU: set / clear. */
	void	(*g_fpu_ts)(bool);
	/* Map grant-table frames [first, first+n) at va. */
	int	(*g_map_grant_frames)(vaddr_t, unsigned int first,
		    unsigned int n, bool status);
	/* Take n grant frames mapped at va out of the page tables. */
	void	(*g_unmap_grant_frames)(vaddr_t, unsigned int n);
};

extern const struct xen_guest *xen_guest;

#endif /* !_XEN_GUEST_H_ */
