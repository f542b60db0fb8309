/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PVH: Xen's frames in our guest-physical space, and memory that comes and
 * goes.
 *
 * Overview: pages of Xen's appear where we ask for them; the place is a hole
 * between the local APIC and the pages the builder uses at the end of the 4 GiB
 * space, so that the highest frame number of the domain stays what it is (the
 * tools look at each frame up to it).  Ballooned pages leave a hole behind
 * their direct-map entry, which nobody touches.
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

static int
reservation(unsigned int cmd, const pfn_t *pfns, unsigned int n,
    unsigned int *done)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .domid = DOMID_SELF
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

/*
 * Give pages to Xen / take some.  *done of them, from the first on, were moved;
 * ENOMEM when it was not all.  Thread context.
 */
int
pvh_balloon_out(pfn_t *pfns, unsigned int n, unsigned int *done)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		memset((void *)PMAP_DIRECT_MAP(ptoa(pfns[i].pfn)), 0,
		    PAGE_SIZE);
	return reservation(XENMEM_decrease_reservation, pfns, n, done);
}

int
pvh_balloon_in(pfn_t *pfns, unsigned int n, unsigned int *done)
{
	return reservation(XENMEM_populate_physmap, pfns, n, done);
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
