/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PVH: Xen's frames in our guest-physical space, and memory that comes and
 * goes.
 *
 * Overview: pages of Xen's appear where we ask for them; the place is a hole
 * between the local APIC and the pages the builder uses at the end of the 4 GiB
 * space, so that the highest frame number of the domain stays what it is (the
 * tools look at each frame up to it).  Ballooned pages leave a hole behind
 * their direct-map entry, which nobody touches.  Memory beyond the boot-time
 * map goes above 4 GiB, where nothing else is.
 */
#include <sys/errno.h>
#include <sys/mman.h>
#include <sys/physmem.h>
#include <sys/spinlock.h>

#include "pvh_impl.h"

#define	HOLE_START	0xfef00UL	/* frames */
#define	HOLE_END	0xfefe0UL
#define	GRANT_FRAMES	64U
#define	GRANT_STATUS	16U
#define	BLOCK_ORDER	9U		/* 2 MiB, the most Xen takes at once */
#define	DISOWN_BATCH	128U
/*
 * What Xen counts as the domain's own beside its RAM: rings, tables.  A dozen
 * pages; the domain may have 1 MiB more than was asked for.
 */
#define	SPECIAL_PAGES	128

static struct spinlock hole_lock = SPINLOCK_INITIALIZER("pvh_hole");
static uintptr_t hole_next = HOLE_START;	/* [l] */

pfn_t
pvh_reserve_gpfns(unsigned int n)
{
	uintptr_t pfn = ~(uintptr_t)0;
	unsigned int i;

	for (i = 0; i < physmem.pm_nram; i++)
		KASSERT(physmem.pm_ram[i].pr_end <= HOLE_START ||
		    physmem.pm_ram[i].pr_start >= HOLE_END);
	spin_enter(&hole_lock);
	if (HOLE_END - hole_next >= n) {
		pfn = hole_next;
		hole_next += n;
	}
	spin_exit(&hole_lock);
	return MKPFN(pfn);
}

int
pvh_map_gpfns(vaddr_t va, pfn_t pfn, unsigned int n, vm_prot_t prot)
{
	return pmap_kset(va, NULL, ptoa(pfn.pfn), n, PTE_NX |
	    ((prot & PROT_WRITE) != 0 ? PTE_W : 0));
}

vaddr_t
pvh_map_special(pfn_t pfn, vm_prot_t prot)
{
	vaddr_t va = pmap_xenmap_alloc();

	if (va != 0 && pvh_map_gpfns(va, pfn, 1, prot) != 0) {
		pmap_xenmap_free(va);
		va = 0;
	}
	return va;
}

/* One caller at a time (the grant table's owner). */
int
pvh_map_grant_frames(vaddr_t va, unsigned int first, unsigned int n,
    bool status)
{
	static pfn_t base[2];		/* table, status */
	const unsigned int max = status ? GRANT_STATUS : GRANT_FRAMES;
	struct xen_add_to_physmap atp = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table
	};
	unsigned int i;
	int error;

	if (first + n > max)
		return ENOSPC;
	if (base[status].pfn == 0)
		base[status] = pvh_reserve_gpfns(max);
	if (base[status].pfn == ~(uintptr_t)0)
		return ENOSPC;
	for (i = first; i < first + n; i++) {
		atp.idx = i | (status ? XENMAPIDX_grant_table_status : 0);
		atp.gpfn = base[status].pfn + i;
		error = hypercall_memory_op(XENMEM_add_to_physmap, &atp, NULL);
		if (error != 0)
			return error;
	}
	return pvh_map_gpfns(va, MKPFN(base[status].pfn + first), n,
	    PROT_READ | PROT_WRITE);
}

/* -- the balloon -- */

/* n blocks of 2^order pages. */
static int
reservation(unsigned int cmd, const pfn_t *pfns, unsigned int n,
    unsigned int order, unsigned int *done)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .domid = DOMID_SELF
	};
	long moved;
	int error;

	/* A pfn_t is its number: the array is what Xen wants. */
	CTASSERT(sizeof(pfn_t) == sizeof(xen_pfn_t));
	set_xen_guest_handle(r.extent_start,
	    (xen_pfn_t *)(uintptr_t)pfns);
	error = hypercall_memory_op(cmd, &r, &moved);
	*done = error != 0 ? 0 : (unsigned int)moved;
	return *done == n ? 0 : ENOMEM;
}

/* Blocks of 2^order frames from start on, as many as fit before end. */
static void
disown(uintptr_t start, uintptr_t end, unsigned int order)
{
	static pfn_t pfns[DISOWN_BATCH];
	const uintptr_t size = (uintptr_t)1 << order;
	unsigned int n, done;

	while (end - start >= size) {
		for (n = 0; n < DISOWN_BATCH && end - start >= (n + 1) * size;
		    n++)
			pfns[n] = MKPFN(start + n * size);
		if (reservation(XENMEM_decrease_reservation, pfns, n, order,
		    &done) == 0) {
			start += n * size;
			continue;
		}
		/* This one not as a whole: what can be, or leave it. */
		start += done * size;
		if (order > 0)
			disown(start, start + size, 0);
		start += size;
	}
}

/*
 * Of a domain that has been started with less memory than it may have, the map
 * shows the latter, and Xen finds memory for a page when it is first touched -
 * until there is no more; then the domain dies.  So what is too much comes
 * later (the balloon will ask for it), and Xen is told that it is not wanted
 * now: as long as it is, a save touches it.
 */
void
pvh_surplus_init(void)
{
	domid_t self = DOMID_SELF;
	const struct phys_range *r;
	uintptr_t start, end;
	size_t left, ram = physmem_ram_pages();
	unsigned int i;
	long owned;

	if (hypercall_memory_op(XENMEM_current_reservation, &self, &owned) !=
	    0 || owned <= SPECIAL_PAGES || (size_t)owned >= ram)
		return;
	left = physmem_defer(ram - (size_t)(owned - SPECIAL_PAGES));
	if (left != 0)
		printf("boot: %zu pages of the memory map may be missing\n",
		    left);
	for (i = 0; i < physmem.pm_nlater; i++) {
		r = &physmem.pm_later[i];
		start = MIN(roundup2(r->pr_start, PT_ENTRIES), r->pr_end);
		end = MAX(rounddown2(r->pr_end, PT_ENTRIES), start);
		disown(r->pr_start, start, 0);
		disown(start, end, BLOCK_ORDER);
		disown(end, r->pr_end, 0);
	}
}

/*
 * Give pages to Xen / take some.  *done of them, from the first on, were moved;
 * ENOMEM when it was not all.  Thread context.
 */
int
pvh_balloon_out(pfn_t *pfns, unsigned int n, unsigned int *done)
{
	return reservation(XENMEM_decrease_reservation, pfns, n, 0, done);
}

int
pvh_balloon_in(pfn_t *pfns, unsigned int n, unsigned int *done)
{
	return reservation(XENMEM_populate_physmap, pfns, n, 0, done);
}

/* Direct-map entries for frames to come; what is there stays. */
int
pvh_grow(uintptr_t start, uintptr_t end)
{
	vaddr_t va;
	uintptr_t pfn;
	int error;

	for (pfn = start; pfn < end; pfn++) {
		va = PMAP_DIRECT_MAP(ptoa(pfn));
		if (pmap_extract(pmap_kernel(), va, NULL, NULL))
			continue;
		error = pmap_kset(va, NULL, ptoa(pfn), 1, PTE_W | PTE_NX);
		if (error != 0)
			return error;
	}
	return 0;
}
