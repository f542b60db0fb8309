/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's page tables at boot, and physical memory as it comes and goes.
 *
 * Overview: until the page allocator works frames are taken one after the other
 * from the lowest free RAM, and never given back.  They are reached through
 * what the entry code has mapped at KERNBASE (the window) or, once that part of
 * it exists, through the direct map: the guest type's part of the bootstrap
 * makes that, and the kernel image's final protections.  Then the array of page
 * descriptors is mapped, only where there is RAM, and the free frames go to the
 * page allocator.
 *
 * What was free when the kernel started is fresh (PG_FRESH): it is not touched
 * before somebody takes it.
 *
 * Memory that the domain did not boot with is prepared by pmap_grow_physmem():
 * descriptors first, and what the guest type needs; the balloon then fills it.
 */
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/physmem.h>
#include <sys/systm.h>
#include <uvm/uvm.h>
#include <x86/pmap_backend.h>
#include <xen/guest.h>

#define	KSET_BATCH	32
#define	RELEASED_MAX	16

bool pmap_booting = true;
paddr_t boot_window_end;
uintptr_t boot_dmap_end;

static uintptr_t boot_next = 1;		/* frame 0 is left alone */
static struct phys_range released[RELEASED_MAX];
static unsigned int nreleased;

/* -- frames before the page allocator -- */

/* The first free range at or above a frame: [*startp, *endp), or false. */
static bool
free_range(uintptr_t from, uintptr_t *startp, uintptr_t *endp)
{
	const struct phys_range *ram, *res;
	uintptr_t start, end;
	unsigned int i, j;

	for (i = 0; i < physmem.pm_nram; i++) {
		ram = &physmem.pm_ram[i];
		start = MAX(from, ram->pr_start);
		end = ram->pr_end;
		for (j = 0; j < physmem.pm_nreserved && start < end; j++) {
			res = &physmem.pm_reserved[j];
			if (res->pr_end <= start)
				continue;
			if (res->pr_start > start) {
				end = MIN(end, res->pr_start);
				break;
			}
			start = res->pr_end;
		}
		if (start < end) {
			*startp = start;
			*endp = end;
			return true;
		}
	}
	return false;
}

void *
boot_frame_ptr(uintptr_t pfn)
{
	if (pfn < boot_dmap_end)
		return (void *)PMAP_DIRECT_MAP(ptoa(pfn));
	if (ptoa(pfn + 1) > boot_window_end)
		panic("pmap: frame %#lx is out of reach at boot",
		    (unsigned long)pfn);
	return (void *)(KERNBASE + ptoa(pfn));
}

uintptr_t
boot_alloc_frame(void)
{
	uintptr_t start, end;

	if (!free_range(boot_next, &start, &end))
		panic("pmap: not enough memory to boot");
	boot_next = start + 1;
	memset(boot_frame_ptr(start), 0, PAGE_SIZE);
	return start;
}

bool
boot_frame_taken(uintptr_t pfn)
{
	uintptr_t start, end;

	if (pfn == 0 || pfn >= boot_next)
		return false;
	return free_range(pfn, &start, &end) && start == pfn;
}

void
boot_release_frame(uintptr_t pfn)
{
	struct phys_range *r = &released[nreleased];

	if (nreleased > 0 && r[-1].pr_end == pfn) {
		r[-1].pr_end++;
		return;
	}
	if (nreleased == RELEASED_MAX)
		return;
	r->pr_start = pfn;
	r->pr_end = pfn + 1;
	nreleased++;
}

/* -- page descriptors -- */

/* Memory for up to n pages; how many there is.  More will come by it. */
static unsigned int
backing_alloc(paddr_t *pas, unsigned int n)
{
	struct vm_page *pg;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (pmap_booting) {
			pas[i] = ptoa(boot_alloc_frame());
			continue;
		}
		pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO |
		    UVM_PGA_USERESERVE);
		if (pg == NULL)
			break;
		(void)atomic_or(&pg->pg_flags, PG_KMEM);
		pas[i] = VM_PAGE_TO_PHYS(pg);
	}
	return i;
}

static void
backing_free(const paddr_t *pas, unsigned int n)
{
	struct vm_page *pg;

	while (n-- > 0) {
		pg = PHYS_TO_VM_PAGE(pas[n]);
		(void)atomic_and(&pg->pg_flags, ~(uint32_t)PG_KMEM);
		uvm_pagefree(pg);
	}
}

/* Make the descriptors of [start, end) exist, zero.  Ends are shared. */
static int
descriptors_map(uintptr_t start, uintptr_t end)
{
	vaddr_t va = trunc_page((vaddr_t)VM_PAGE(start));
	vaddr_t last = round_page((vaddr_t)VM_PAGE(end));
	paddr_t pas[KSET_BATCH];
	unsigned int n, want;

	while (va < last) {
		if (pmap_extract(pmap_kernel(), va, NULL, NULL)) {
			va += PAGE_SIZE;
			continue;
		}
		for (want = 1; want < KSET_BATCH &&
		    va + want * PAGE_SIZE < last &&
		    !pmap_extract(pmap_kernel(), va + want * PAGE_SIZE, NULL,
		    NULL); want++)
			continue;
		n = backing_alloc(pas, want);
		if (n == 0 || pmap_kset(va, pas, 0, n, PTE_W | PTE_NX) != 0) {
			backing_free(pas, n);
			return ENOMEM;
		}
		va += n * PAGE_SIZE;
	}
	return 0;
}

/* Mark what never was free; hand the rest to the page allocator. */
static void
frames_hand_over(void)
{
	const struct phys_range *r;
	uintptr_t pfn, start, end;
	unsigned int i;

	for (i = 0; i < physmem.pm_nram; i++) {
		r = &physmem.pm_ram[i];
		for (pfn = r->pr_start; pfn < r->pr_end; pfn = end) {
			if (!free_range(MAX(pfn, boot_next), &start, &end) ||
			    start >= r->pr_end)
				start = end = r->pr_end;
			for (; pfn < start; pfn++)
				VM_PAGE(pfn)->pg_flags = PG_RESERVED;
		}
	}
	pfn = boot_next;
	while (free_range(pfn, &start, &end)) {
		for (pfn = start; pfn < end; pfn++)
			VM_PAGE(pfn)->pg_flags = PG_FRESH;
		uvm_page_addrange(start, end);
	}
	for (i = 0; i < nreleased; i++)
		uvm_page_addrange(released[i].pr_start, released[i].pr_end);
}

void
pmap_bootstrap(void)
{
	unsigned int i;

	pmap_backend = xen_guest->g_pmap;
	pv_init();
	pmap_backend->pb_bootstrap();
	for (i = 0; i < physmem.pm_nram; i++)
		if (descriptors_map(physmem.pm_ram[i].pr_start,
		    physmem.pm_ram[i].pr_end) != 0)
			panic("pmap: no memory for page descriptors");
	pmap_booting = false;
	frames_hand_over();
}

/* -- the boot module -- */

const void *
boot_module_map(void)
{
	if (bootinfo.bi_module_len == 0)
		return NULL;
	return (const void *)PMAP_DIRECT_MAP(bootinfo.bi_module);
}

void
boot_module_free_head(size_t n)
{
	paddr_t start = trunc_page(bootinfo.bi_module);
	paddr_t end = trunc_page(bootinfo.bi_module + n);

	KASSERT(n <= bootinfo.bi_module_len);
	bootinfo.bi_module += n;
	bootinfo.bi_module_len -= n;
	if (start < end)
		uvm_page_addrange(atop(start), atop(end));
}

void
boot_module_free(void)
{
	paddr_t start = trunc_page(bootinfo.bi_module);
	paddr_t end = round_page(bootinfo.bi_module + bootinfo.bi_module_len);

	if (bootinfo.bi_module_len == 0)
		return;
	bootinfo.bi_module_len = 0;
	uvm_page_addrange(atop(start), atop(end));
}

/* -- growth -- */

/*
 * Thread context, one at a time.  After ENOMEM a part may be prepared; asking
 * for it again is no error.
 */
int
pmap_grow_physmem(uintptr_t start, uintptr_t end)
{
	uintptr_t pfn;
	unsigned int i;
	int error;

	for (i = 0; i < physmem.pm_nram; i++)
		KASSERT(end <= physmem.pm_ram[i].pr_start ||
		    start >= physmem.pm_ram[i].pr_end);
	error = descriptors_map(start, end);
	if (error == 0)
		error = pmap_backend->pb_grow(start, end);
	if (error != 0)
		return error;
	for (pfn = start; pfn < end; pfn++)
		if (VM_PAGE(pfn)->pg_flags == 0)
			VM_PAGE(pfn)->pg_flags = PG_ABSENT;
	return 0;
}
