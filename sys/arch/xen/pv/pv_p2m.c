/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list from guest-physical to machine frames, and back.
 *
 * Overview: Xen's domain builder leaves the list at P2M_BASE and it stays
 * there, one word per frame.  The way back is Xen's own machine-to-physical
 * list, which covers the whole machine: what it says is believed only if our
 * list agrees.  The list grows page by page when the domain gets more memory
 * than it booted with.
 *
 * Whoever saves or dumps the domain finds the list in two ways: by its address
 * in the address space of p2m_cr3, and through a tree of frames (one page of
 * frame numbers of pages of frame numbers of the list's pages).  Both are kept
 * valid at all times.
 *
 * Locking: the list grows in the balloon thread only.  An element belongs to
 * who owns the page.
 *
 * Suspend: the restoring tools write the new machine frames into the list and
 * the page tables.  All that remains is to tell the new domain's tools where
 * list and tree are now.
 */
#include <sys/errno.h>
#include <uvm/uvm.h>
#include <xen/machdep.h>

#include "pv_impl.h"

#define	TREE_MAX	128		/* GiB of memory; one page each */
#define	GROW_MIN	(8 * P2M_PERPAGE)

uintptr_t p2m_size, m2p_size;

static unsigned long *tree_top;		/* NULL: not published yet */
static unsigned long *tree_mid[TREE_MAX];

static void
m2p_init(void)
{
	struct xen_machphys_mapping map;

	m2p_size = MACH2PHYS_NR_ENTRIES;
	if (hypercall_memory_op(XENMEM_machphys_mapping, &map, NULL) == 0)
		m2p_size = MIN(map.max_mfn + 1, m2p_size);
}

/* First of all: from here on frames can be translated. */
void
pv_p2m_init(void)
{
	p2m_size = pv_start_info->nr_pages;
	m2p_init();
}

mfn_t
pv_pfn_to_mfn(pfn_t pfn)
{
	unsigned long mfn;

	if (p2m_size == 0)
		pv_p2m_init();
	mfn = p2m_get(pfn.pfn);
	return mfn == P2M_NONE ? MFN_INVALID : MKMFN(mfn);
}

pfn_t
pv_mfn_to_pfn(mfn_t mfn)
{
	uintptr_t pfn;

	if (p2m_size == 0)
		pv_p2m_init();
	if (mfn.mfn >= m2p_size)
		return MKPFN(~(uintptr_t)0);
	pfn = ((const volatile unsigned long *)machine_to_phys_mapping)
	    [mfn.mfn];
	return MKPFN(p2m_get(pfn) == mfn.mfn ? pfn : ~(uintptr_t)0);
}

/* -- what the tools look at -- */

/* The machine frame of the list's page i. */
static unsigned long
leaf_mfn(uintptr_t i)
{
	uint64_t *slot = pmap_pte(pmap_kernel(), P2M_BASE + i * PAGE_SIZE);

	KASSERT(slot != NULL && (*slot & PTE_P) != 0);
	return (*slot & PTE_FRAME) >> PAGE_SHIFT;
}

/* Pages of the tree for the list's pages [0, leaves). ENOMEM. */
static int
tree_alloc(uintptr_t leaves)
{
	struct vm_page *pg;
	uintptr_t i, n = howmany(leaves, P2M_PERPAGE);

	if (n > TREE_MAX)
		return 0;		/* the list is enough */
	for (i = 0; i < n; i++) {
		if (tree_mid[i] != NULL)
			continue;
		pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO |
		    UVM_PGA_USERESERVE);
		if (pg == NULL)
			return ENOMEM;
		(void)atomic_or(&pg->pg_flags, PG_KMEM);
		tree_mid[i] = VM_PAGE_TO_KVA(pg);
	}
	return 0;
}

static void
tree_fill(void)
{
	uintptr_t i, leaves = howmany(p2m_size, P2M_PERPAGE);

	if (howmany(leaves, P2M_PERPAGE) > TREE_MAX)
		return;
	for (i = 0; i < leaves; i++) {
		tree_mid[i / P2M_PERPAGE][i % P2M_PERPAGE] = leaf_mfn(i);
		tree_top[i / P2M_PERPAGE] =
		    pv_maddr(tree_mid[i / P2M_PERPAGE]) >> PAGE_SHIFT;
	}
}

static void
publish(void)
{
	struct arch_shared_info *arch = &xen_shared_info->arch;

	tree_fill();
	arch->max_pfn = p2m_size;
	arch->pfn_to_mfn_frame_list_list =
	    howmany(p2m_size, P2M_PERPAGE * P2M_PERPAGE) > TREE_MAX ?
	    P2M_NONE : pv_maddr(tree_top) >> PAGE_SHIFT;
	arch->p2m_vaddr = P2M_BASE;
	atomic_store(&arch->p2m_cr3, pv_maddr(pmap_kernel()->pm_l4));
}

void
pv_p2m_publish(void)
{
	struct vm_page *pg;

	pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO);
	if (pg == NULL || tree_alloc(howmany(p2m_size, P2M_PERPAGE)) != 0)
		panic("pv: no memory for the frame list");
	(void)atomic_or(&pg->pg_flags, PG_KMEM);
	tree_top = VM_PAGE_TO_KVA(pg);
	publish();
}

void
pv_p2m_suspend(void)
{
	KASSERT(tree_top != NULL);
	KASSERT((xen_shared_info->arch.p2m_generation & 1) == 0);
}

void
pv_p2m_resume(bool newdomain)
{
	if (newdomain)
		m2p_init();
	publish();
}

/* -- growth -- */

/* Map the list's pages up to entry `end`.  What is mapped stays, harmless. */
static int
list_extend(uintptr_t end)
{
	uintptr_t i, leaf = howmany(p2m_size, P2M_PERPAGE);
	struct vm_page *pg;
	unsigned long *w;
	paddr_t pa;
	int error;

	for (i = p2m_size; i < leaf * P2M_PERPAGE; i++)
		((volatile unsigned long *)P2M_BASE)[i] = P2M_NONE;
	for (; leaf < howmany(end, P2M_PERPAGE); leaf++) {
		pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_USERESERVE);
		if (pg == NULL)
			return ENOMEM;
		w = VM_PAGE_TO_KVA(pg);
		for (i = 0; i < P2M_PERPAGE; i++)
			w[i] = P2M_NONE;
		pa = VM_PAGE_TO_PHYS(pg);
		error = pmap_kset(P2M_BASE + leaf * PAGE_SIZE, &pa, 0, 1,
		    PTE_W | PTE_NX);
		if (error != 0) {
			uvm_pagefree(pg);
			return error;
		}
		(void)atomic_or(&pg->pg_flags, PG_KMEM);
		p2m_size = MIN((leaf + 1) * P2M_PERPAGE, end);
	}
	p2m_size = MAX(p2m_size, end);
	return 0;
}

/*
 * Balloon thread.  Growth ends a live migration that is under way, and all of
 * the list is looked at each time: so more is made than is asked for.
 */
int
pv_p2m_grow(uintptr_t end)
{
	volatile unsigned long *generation =
	    &xen_shared_info->arch.p2m_generation;
	uintptr_t more = roundup2(MAX(end, p2m_size + p2m_size / 8), GROW_MIN);
	int error;

	if (end <= p2m_size)
		return 0;
	KASSERT(tree_top != NULL);
	error = tree_alloc(howmany(more, P2M_PERPAGE));
	if (error != 0)
		return error;
	(void)atomic_add(generation, 1);
	error = list_extend(more);
	publish();
	(void)atomic_add(generation, 1);
	return end <= p2m_size ? 0 : error;
}
