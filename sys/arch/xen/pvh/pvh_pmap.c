/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of a PVH guest: plain stores, hardware walks them.
 *
 * Overview: Xen translates guest-physical addresses below us, so a frame
 * number is what it says.  The direct map uses 2 MiB pages wherever one has
 * the same rights throughout and is all RAM.  Kernel entries are global.
 *
 * Other CPUs' TLBs are flushed by a hypercall that makes Xen flush those of all
 * vCPUs; it needs no cooperation from them and works with interrupts off.  A
 * vCPU that does not run costs nothing.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/physmem.h>
#include <uvm/uvm.h>

#include "pvh_impl.h"

#define	INVLPG_MAX	32		/* more pages: flush everything */
#define	CR4_PGE		0x80UL
#define	WINDOW_SIZE	(1UL << 30)	/* what the entry code maps */
#define	TABLE_BITS	(PTE_P | PTE_W | PTE_A)
#define	LEAF_BITS	(PTE_P | PTE_A | PTE_D | PTE_G)

static uint64_t *boot_l4;		/* in the window */

/* -- TLB -- */

static inline void
cr3_load(paddr_t pa)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(pa) : "memory");
}

static void
flush_local_all(bool global)
{
	unsigned long r;

	if (!global) {
		__asm__ volatile("movq %%cr3, %0; movq %0, %%cr3"
		    : "=r"(r) : : "memory");
		return;
	}
	/* Global entries go when the feature is turned off. */
	__asm__ volatile("movq %%cr4, %0" : "=r"(r));
	__asm__ volatile("movq %0, %%cr4" : : "r"(r & ~CR4_PGE) : "memory");
	__asm__ volatile("movq %0, %%cr4" : : "r"(r) : "memory");
}

static void
flush_all_cpus(void)
{
	int error;

	do {
		error = hypercall_hvm_op(HVMOP_flush_tlbs, NULL);
	} while (error == ERESTART);
	if (error != 0)
		panic("pvh: no TLB flush: error %d", error);
}

/* The entries are written; pm_cpus is looked at after that. */
static void
flush(struct pmap *pm, const struct pte_flush *pf)
{
	uint64_t self = (uint64_t)1 << curcpu()->ci_index;
	bool kernel = pm == pmap_kernel();
	uint64_t cpus;
	unsigned int i;

	membar_full();
	cpus = atomic_load(&pm->pm_cpus);
	if (kernel && ncpu_possible <= 1)
		cpus = self;
	if ((cpus & ~self) != 0 && !pf->pf_local) {
		flush_all_cpus();
		return;
	}
	if ((cpus & self) == 0)
		return;
	if (pf->pf_npages == 0 || pf->pf_npages > INVLPG_MAX) {
		flush_local_all(kernel);
		return;
	}
	for (i = 0; i < pf->pf_npages; i++)
		__asm__ volatile("invlpg (%0)" : :
		    "r"(pf->pf_va + i * PAGE_SIZE) : "memory");
}

/* -- entries -- */

static void
keep_ad(volatile uint64_t *slot, uint64_t val)
{
	uint64_t old;

	do {
		old = *slot;
	} while (!atomic_cas(slot, old, val | (old & (PTE_A | PTE_D))));
}

static void
pvh_update(struct pmap *pm, enum pte_op op, struct pte_update *pu,
    unsigned int n, const struct pte_flush *pf)
{
	volatile uint64_t *slot;
	unsigned int i;

	for (i = 0; i < n; i++) {
		slot = pu[i].pu_slot;
		if (op == PTE_OP_SWAP)
			pu[i].pu_val = atomic_swap(slot, pu[i].pu_val);
		else if (op == PTE_OP_KEEPAD)
			keep_ad(slot, pu[i].pu_val);
		else
			atomic_store_release(slot, pu[i].pu_val);
	}
	if (pf != NULL)
		flush(pm, pf);
}

static uint64_t
pvh_read(const uint64_t *slot)
{
	return *(const volatile uint64_t *)slot;
}

/* -- tables -- */

static struct vm_page *
pvh_table_get(void)
{
	struct vm_page *pg;

	if (pmap_booting)
		return VM_PAGE(boot_alloc_frame());
	pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO |
	    UVM_PGA_USERESERVE);
	if (pg != NULL) {
		(void)atomic_or(&pg->pg_flags, PG_KMEM);
		memset(&pg->pg_md, 0, sizeof(pg->pg_md));
	}
	return pg;
}

static void
pvh_table_put(struct vm_page **pg, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		(void)atomic_and(&pg[i]->pg_flags, ~(uint32_t)PG_KMEM);
		uvm_pagefree(pg[i]);
	}
}

static void
pvh_pin(struct pmap *pm __unused)
{
}

static void
pvh_load(struct pmap *pm)
{
	cr3_load(PMAP_DIRECT_UNMAP(pm->pm_l4));
}

/* -- boot -- */

/* The slot for va in a table of the given level; tables made as needed. */
static uint64_t *
boot_slot(vaddr_t va, int level)
{
	uint64_t *table = boot_l4, *slot;
	int l;

	for (l = 4; ; l--) {
		slot = &table[PT_INDEX(va, l)];
		if (l == level)
			return slot;
		if ((*slot & PTE_P) == 0)
			*slot = ptoa(boot_alloc_frame()) | TABLE_BITS;
		table = boot_frame_ptr((*slot & PTE_FRAME) >> PAGE_SHIFT);
	}
}

static paddr_t
image_pa(const void *va)
{
	return (vaddr_t)va - KERNBASE;
}

static void
boot_dmap(paddr_t start, paddr_t end)
{
	const paddr_t ro_start = image_pa(__kernel_start);
	const paddr_t ro_end = image_pa(__data_start);
	paddr_t pa, next;

	for (pa = start; pa < end; pa = next) {
		next = pa + PT_SPAN(1);
		if ((pa & (PT_SPAN(1) - 1)) == 0 && next <= end &&
		    (pa >= ro_end || next <= ro_start)) {
			*boot_slot(PMAP_DIRECT_MAP(pa), 2) = pa | LEAF_BITS |
			    PTE_W | PTE_NX | PTE_PS;
			continue;
		}
		next = pa + PAGE_SIZE;
		*boot_slot(PMAP_DIRECT_MAP(pa), 1) = pa | LEAF_BITS | PTE_NX |
		    (pa >= ro_start && pa < ro_end ? 0 : PTE_W);
	}
}

static void
boot_image(void)
{
	char *va;
	uint64_t bits;

	for (va = __kernel_start; va < __kernel_end; va += PAGE_SIZE) {
		bits = va < __text_end ? 0 :
		    va < __data_start ? PTE_NX : PTE_NX | PTE_W;
		*boot_slot((vaddr_t)va, 1) = image_pa(va) | LEAF_BITS | bits;
	}
}

static void
pvh_bootstrap(void)
{
	struct pmap *pm = pmap_kernel();
	uintptr_t top;
	unsigned int i;

	boot_window_end = WINDOW_SIZE;
	top = boot_alloc_frame();
	boot_l4 = boot_frame_ptr(top);
	for (i = 0; i < physmem.pm_nram; i++)
		boot_dmap(ptoa(physmem.pm_ram[i].pr_start),
		    ptoa(physmem.pm_ram[i].pr_end));
	boot_image();
	cr3_load(ptoa(top));
	flush_local_all(true);

	boot_dmap_end = physmem.pm_ram[physmem.pm_nram - 1].pr_end;
	boot_window_end = 0;
	pm->pm_l4 = (uint64_t *)PMAP_DIRECT_MAP(ptoa(top));
	curcpu()->ci_md.md_pmap = pm;
	/* Each region's top-level slot, which all pmaps copy, for good. */
	if (pmap_pte_create(pm, KVA_BASE) == NULL ||
	    pmap_pte_create(pm, XENMAP_BASE) == NULL)
		panic("pvh: no memory for the kernel's tables");
}

const struct pmap_backend pvh_pmap_backend = {
	.pb_split = false,
	.pb_global = true,
	.pb_bootstrap = pvh_bootstrap,
	.pb_grow = pvh_grow,
	.pb_update = pvh_update,
	.pb_read = pvh_read,
	.pb_table_get = pvh_table_get,
	.pb_table_put = pvh_table_put,
	.pb_pin = pvh_pin,
	.pb_unpin = pvh_pin,
	.pb_load = pvh_load,
};
