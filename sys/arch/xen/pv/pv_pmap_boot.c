/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the page tables of the domain builder to the kernel's own.
 *
 * Overview: the builder maps the first few MiB of the domain at KERNBASE (the
 * window) and the p2m list at P2M_BASE.  Its top-level table stays the kernel's
 * for good.  The direct map is added to it table by table: a table is filled
 * while it is an ordinary page, made read-only in all mappings it has by then,
 * and referred to.  Frames for tables come from the window first; long before
 * it is used up the direct map reaches further than the frames taken.
 *
 * In the direct map all that Xen has typed as tables or descriptors is
 * read-only, and so is the kernel's text and constant data.  Finally the window
 * is reduced to the kernel image with one right per page (and the console
 * page, so that a panic is heard until the console has moved).
 */
#include <sys/cpu.h>
#include <sys/physmem.h>

#include "pv_impl.h"

#define	TABLE_BITS	(PTE_P | PTE_W | PTE_A)

static uintptr_t top_pfn, dmap_l3, dmap_l2;

static uintptr_t
image_pfn(const void *va)
{
	return ((vaddr_t)va - KERNBASE) >> PAGE_SHIFT;
}

static uint64_t
pte_make(uintptr_t pfn, uint64_t bits)
{
	return (uint64_t)p2m_get(pfn) << PAGE_SHIFT | bits;
}

/* One entry of a table, of which Xen knows already. */
static void
entry_set(uintptr_t table, unsigned int i, uint64_t pte)
{
	struct mmu_update req;

	req.ptr = pte_make(table, i * sizeof(uint64_t)) | MMU_NORMAL_PT_UPDATE;
	req.val = pte;
	pv_must(hypercall_mmu_update(&req, 1, NULL, DOMID_SELF),
	    "a boot table's entry");
}

/* The frame of the table that a builder's entry refers to. */
static uintptr_t
entry_pfn(uint64_t pte)
{
	pfn_t pfn = pv_mfn_to_pfn(MKMFN((pte & PTE_FRAME) >> PAGE_SHIFT));

	if ((pte & PTE_P) == 0 || pfn.pfn == ~(uintptr_t)0)
		panic("pv: the builder's page tables have a hole");
	return pfn.pfn;
}

/* -- the window -- */

/* The builder's tables lie in the window itself. */
static uint64_t *
window_table(uintptr_t pfn)
{
	return (uint64_t *)(KERNBASE + ptoa(pfn));
}

static uintptr_t
window_l2(void)
{
	uint64_t *l4 = window_table(top_pfn), *l3;

	l3 = window_table(entry_pfn(l4[PT_INDEX(KERNBASE, 4)]));
	return entry_pfn(l3[PT_INDEX(KERNBASE, 3)]);
}

/* The window's lowest table for a physical address; ~0: there is none. */
static uintptr_t
window_l1(paddr_t pa)
{
	uint64_t pte = window_table(window_l2())[PT_INDEX(pa, 2)];

	return (pte & PTE_P) == 0 ? ~(uintptr_t)0 : entry_pfn(pte);
}

static uint64_t
window_pte(uintptr_t pfn)
{
	uintptr_t l1 = window_l1(ptoa(pfn));

	return l1 == ~(uintptr_t)0 ? 0 :
	    window_table(l1)[PT_INDEX(ptoa(pfn), 1)];
}

static void
window_measure(void)
{
	paddr_t pa = 0;

	while (pa < PT_SPAN(2) && (window_pte(atop(pa)) & PTE_P) != 0)
		pa += PAGE_SIZE;
	boot_window_end = pa;
	if (pa < ptoa(image_pfn(__kernel_end)))
		panic("pv: the kernel is not mapped whole");
}

/* -- the direct map -- */

static bool
dmap_readonly(uintptr_t pfn)
{
	const struct start_info *si = pv_start_info;
	uintptr_t first = image_pfn((void *)si->pt_base);

	if (boot_frame_taken(pfn))
		return true;
	if (pfn >= first && pfn < first + si->nr_pt_frames)
		return true;
	/* The list's own tables follow the list. */
	first = si->first_p2m_pfn + howmany(si->nr_pages, P2M_PERPAGE);
	if (pfn >= first && pfn < si->first_p2m_pfn + si->nr_p2m_frames)
		return true;
	if (pfn >= image_pfn(__kernel_start) && pfn < image_pfn(__data_start))
		return true;
	return ptoa(pfn) < boot_window_end &&
	    (window_pte(pfn) & (PTE_P | PTE_W)) == PTE_P;
}

static uintptr_t
dmap_table(uintptr_t parent, unsigned int i)
{
	uintptr_t pfn = boot_alloc_frame();

	pv_boot_protect(pfn);
	entry_set(parent, i, pte_make(pfn, TABLE_BITS));
	return pfn;
}

/* One lowest table: 512 frames from `base` on, as far as there are any. */
static void
dmap_chunk(uintptr_t base, uintptr_t end)
{
	vaddr_t va = PMAP_DIRECT_MAP(ptoa(base));
	uintptr_t l1, pfn;
	uint64_t *pte;

	if (dmap_l3 == 0)
		dmap_l3 = dmap_table(top_pfn, PT_INDEX(va, 4));
	if (dmap_l2 == 0 || PT_INDEX(va, 2) == 0)
		dmap_l2 = dmap_table(dmap_l3, PT_INDEX(va, 3));
	l1 = boot_alloc_frame();
	pte = boot_frame_ptr(l1);
	for (pfn = base; pfn < end; pfn++)
		*pte++ = pte_make(pfn, PTE_P | PTE_A | PTE_D | PTE_NX |
		    (dmap_readonly(pfn) ? 0 : PTE_W));
	pv_boot_protect(l1);
	entry_set(dmap_l2, PT_INDEX(va, 2), pte_make(l1, TABLE_BITS));
	boot_dmap_end = end;
}

/* A PV domain's memory is one piece from 0 on. */
static void
dmap_build(void)
{
	uintptr_t base, end = pv_start_info->nr_pages;

	if (end > DMAP_FRAMES)
		panic("pv: too much memory");
	for (base = 0; base < end; base += PT_ENTRIES)
		dmap_chunk(base, MIN(base + PT_ENTRIES, end));
}

/* -- the kernel image -- */

static uint64_t
image_bits(uintptr_t pfn, uint64_t old)
{
	if (pfn < image_pfn(__text_end))
		return PTE_P | PTE_A;
	if (pfn < image_pfn(__data_start))
		return PTE_P | PTE_A | PTE_NX;
	/* Descriptor pages in data are read-only already. */
	return PTE_P | PTE_A | PTE_NX | (old & PTE_W) |
	    ((old & PTE_W) != 0 ? PTE_D : 0);
}

/* What the window's entry for a frame is to be. */
static uint64_t
window_final(uintptr_t pfn, uint64_t old, uintptr_t console)
{
	if (pfn >= image_pfn(__kernel_start) && pfn < image_pfn(__kernel_end))
		return (old & PTE_FRAME) | image_bits(pfn, old);
	if (pfn == console)
		return (old & PTE_FRAME) | PTE_P | PTE_W | PTE_A | PTE_D |
		    PTE_NX;
	return 0;
}

/* One lowest table of the window; true if nothing is left in it. */
static bool
window_reduce(uintptr_t l1, uintptr_t base, uintptr_t console)
{
	const uint64_t *old = (const uint64_t *)PMAP_DIRECT_MAP(ptoa(l1));
	struct mmu_update req[32];
	unsigned int i, n = 0;
	bool empty = true;
	uint64_t pte;

	for (i = 0; i < PT_ENTRIES; i++) {
		if ((old[i] & PTE_P) != 0) {
			pte = window_final(base + i, old[i], console);
			empty &= pte == 0;
			req[n].ptr = pte_make(l1, i * sizeof(uint64_t)) |
			    MMU_NORMAL_PT_UPDATE;
			req[n++].val = pte;
		}
		if (n == __arraycount(req) || (n > 0 && i == PT_ENTRIES - 1)) {
			pv_must(hypercall_mmu_update(req, n, NULL, DOMID_SELF),
			    "the kernel's rights");
			n = 0;
		}
	}
	return empty;
}

/* A table that was the builder's is an ordinary page again. */
static void
table_release(uintptr_t l2, unsigned int i, uintptr_t l1)
{
	entry_set(l2, i, 0);
	pv_must(hypercall_update_va_mapping(PMAP_DIRECT_MAP(ptoa(l1)),
	    pte_make(l1, PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX),
	    UVMF_INVLPG | UVMF_LOCAL), "a released table");
	boot_release_frame(l1);
}

static void
window_close(void)
{
	const struct start_info *si = pv_start_info;
	uintptr_t console = pv_mfn_to_pfn(MKMFN(si->console.domU.mfn)).pfn;
	uintptr_t l2 = window_l2();
	const uint64_t *pte = (const uint64_t *)PMAP_DIRECT_MAP(ptoa(l2));
	struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
	unsigned int i;
	uintptr_t l1;

	pv_start_info = (struct start_info *)PMAP_DIRECT_MAP((vaddr_t)si -
	    KERNBASE);
	for (i = 0; ptoa((uintptr_t)i * PT_ENTRIES) < boot_window_end; i++) {
		l1 = entry_pfn(pte[i]);
		if (window_reduce(l1, (uintptr_t)i * PT_ENTRIES, console))
			table_release(l2, i, l1);
	}
	boot_window_end = 0;
	pv_must(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), "a flush");
}

void
pv_bootstrap(void)
{
	struct start_info *si = pv_start_info;
	struct pmap *pm = pmap_kernel();
	const uint64_t *l4;

	pv_p2m_init();
	if (si->mfn_list != P2M_BASE)
		panic("pv: the frame list is at %#lx, not where it was asked "
		    "for", si->mfn_list);
	top_pfn = image_pfn((void *)si->pt_base);
	window_measure();
	dmap_build();
	pm->pm_l4 = (uint64_t *)PMAP_DIRECT_MAP(ptoa(top_pfn));
	curcpu()->ci_md.md_pmap = pm;
	window_close();

	/* The list is data. */
	l4 = pm->pm_l4;
	entry_set(top_pfn, PT_INDEX(P2M_BASE, 4),
	    l4[PT_INDEX(P2M_BASE, 4)] | PTE_NX);
	/* Each region's top-level slot, which all pmaps copy, for good. */
	if (pmap_pte_create(pm, KVA_BASE) == NULL ||
	    pmap_pte_create(pm, XENMAP_BASE) == NULL)
		panic("pv: no memory for the kernel's tables");
}
