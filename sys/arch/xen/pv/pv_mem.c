/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PV: mappings of Xen's own frames, and memory that comes and goes.
 *
 * Overview: the shared info page and the grant table are not in the p2m list;
 * entries for them carry the machine frame and are marked (PTE_SW1).
 * Ballooning takes a page out of the direct map and the p2m list before Xen
 * gets it, and puts it back in the reverse order.
 *
 * Suspend: no marked entry may exist when the domain is saved: the suspend
 * table unmaps them.  Each batch of the balloon runs with interrupts off, so
 * that the list, the page tables and Xen agree whenever the domain can stop.
 */
#include <sys/errno.h>
#include <machine/intr.h>
#include <sys/mman.h>

#include "pv_impl.h"

#define	BALLOON_BATCH	32
#define	GRANT_FRAMES_MAX 256

/* -- Xen's frames -- */

static uint64_t
special_bits(vm_prot_t prot)
{
	return PTE_SW1 | PTE_NX | ((prot & PROT_WRITE) != 0 ? PTE_W : 0);
}

vaddr_t
pv_map_special(mfn_t mfn, vm_prot_t prot)
{
	vaddr_t va = pmap_xenmap_alloc();

	if (va == 0)
		return 0;
	if (pmap_kset(va, NULL, ptoa(mfn.mfn), 1, special_bits(prot)) != 0) {
		pmap_xenmap_free(va);
		return 0;
	}
	return va;
}

void
pv_unmap_special(vaddr_t va)
{
	pmap_kremove(va, PAGE_SIZE);
	pmap_xenmap_free(va);
}

void
pv_remap_special(vaddr_t va, mfn_t mfn, vm_prot_t prot)
{
	uint64_t bits = special_bits(prot) | PTE_P | PTE_A | PTE_D;

	/* A page of ours is nothing special. */
	if (pv_mfn_to_pfn(mfn).pfn != ~(uintptr_t)0)
		bits &= ~PTE_SW1;
	pv_must(hypercall_update_va_mapping(va, ptoa(mfn.mfn) | bits,
	    UVMF_INVLPG | UVMF_ALL), "a special mapping");
}

static int
grant_frames(unsigned long *frames, unsigned int n, bool status)
{
	struct gnttab_get_status_frames sf = {
		.nr_frames = n, .dom = DOMID_SELF
	};
	struct gnttab_setup_table st = { .dom = DOMID_SELF, .nr_frames = n };
	int error;

	if (status) {
		set_xen_guest_handle(sf.frame_list, frames);
		error = hypercall_grant_table_op(GNTTABOP_get_status_frames,
		    &sf, 1);
		st.status = sf.status;
	} else {
		set_xen_guest_handle(st.frame_list, frames);
		error = hypercall_grant_table_op(GNTTABOP_setup_table, &st, 1);
	}
	if (error != 0)
		return error;
	return st.status == GNTST_okay ? 0 :
	    st.status == GNTST_no_space ? ENOSPC : EINVAL;
}

/* One caller at a time (the grant table's owner). */
int
pv_map_grant_frames(vaddr_t va, unsigned int first, unsigned int n,
    bool status)
{
	static unsigned long frames[GRANT_FRAMES_MAX];
	unsigned int i;
	int error;

	if (first + n > GRANT_FRAMES_MAX)
		return ENOSPC;
	error = grant_frames(frames, first + n, status);
	if (error != 0)
		return error;
	for (i = 0; i < n; i++) {
		error = pmap_kset(va + i * PAGE_SIZE, NULL,
		    ptoa(frames[first + i]), 1,
		    special_bits(PROT_READ | PROT_WRITE));
		if (error != 0) {
			pmap_kremove(va, i * PAGE_SIZE);
			return error;
		}
	}
	return 0;
}

/* -- the balloon -- */

/* Direct-map entries of n pages: memory, or none. */
static void
dmap_set(const pfn_t *pfns, unsigned int n, bool mem)
{
	const struct pte_flush all = { .pf_npages = 0 };
	struct pte_update pu[BALLOON_BATCH];
	unsigned int i;

	for (i = 0; i < n; i++) {
		pu[i].pu_slot = pmap_pte(pmap_kernel(),
		    PMAP_DIRECT_MAP(ptoa(pfns[i].pfn)));
		KASSERT(pu[i].pu_slot != NULL);
		pu[i].pu_val = !mem ? 0 : ptoa(pfns[i].pfn) | PTE_P | PTE_W |
		    PTE_A | PTE_D | PTE_NX;
	}
	spin_enter(&pmap_kernel()->pm_lock);
	pv_update(pmap_kernel(), PTE_OP_SET, pu, n, mem ? NULL : &all);
	spin_exit(&pmap_kernel()->pm_lock);
}

/* One reservation call: how many extents it did. */
static unsigned int
reservation(unsigned int cmd, unsigned long *frames, unsigned int n)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .domid = DOMID_SELF
	};
	long done;

	set_xen_guest_handle(r.extent_start, frames);
	if (hypercall_memory_op(cmd, &r, &done) != 0)
		return 0;
	return (unsigned int)done;
}

/* Up to BALLOON_BATCH pages; interrupts off. */
static unsigned int
out_batch(const pfn_t *pfns, unsigned int n)
{
	unsigned long old[BALLOON_BATCH], mfns[BALLOON_BATCH];
	unsigned int i, done;

	dmap_set(pfns, n, false);
	for (i = 0; i < n; i++) {
		old[i] = mfns[i] = p2m_get(pfns[i].pfn);
		KASSERT(old[i] != P2M_NONE);
		p2m_set(pfns[i].pfn, P2M_NONE);
	}
	done = reservation(XENMEM_decrease_reservation, mfns, n);
	for (i = done; i < n; i++)
		p2m_set(pfns[i].pfn, old[i]);
	if (done < n)
		dmap_set(pfns + done, n - done, true);
	return done;
}

static unsigned int
in_batch(const pfn_t *pfns, unsigned int n)
{
	unsigned long frames[BALLOON_BATCH];
	unsigned int i, done;

	for (i = 0; i < n; i++) {
		KASSERT(p2m_get(pfns[i].pfn) == P2M_NONE);
		frames[i] = pfns[i].pfn;
	}
	done = reservation(XENMEM_populate_physmap, frames, n);
	for (i = 0; i < done; i++)
		p2m_set(pfns[i].pfn, frames[i]);
	if (done > 0)
		dmap_set(pfns, done, true);
	return done;
}

/*
 * Give pages to Xen / take some.  *done of them, from the first on, were moved;
 * ENOMEM when it was not all.  Thread context.
 */
int
pv_balloon_out(pfn_t *pfns, unsigned int n, unsigned int *done)
{
	unsigned int m, k;
	bool on;

	for (*done = 0; *done < n; *done += k) {
		m = MIN(n - *done, BALLOON_BATCH);
		on = intr_disable();
		k = out_batch(pfns + *done, m);
		intr_restore(on);
		if (k < m) {
			*done += k;
			return ENOMEM;
		}
	}
	return 0;
}

int
pv_balloon_in(pfn_t *pfns, unsigned int n, unsigned int *done)
{
	unsigned int m, k;
	bool on;

	for (*done = 0; *done < n; *done += k) {
		m = MIN(n - *done, BALLOON_BATCH);
		on = intr_disable();
		k = in_batch(pfns + *done, m);
		intr_restore(on);
		if (k < m) {
			*done += k;
			return ENOMEM;
		}
	}
	return 0;
}

/* Tables of the direct map and the p2m list for frames to come. */
int
pv_grow(uintptr_t start, uintptr_t end)
{
	struct pmap *pm = pmap_kernel();
	uintptr_t pfn;
	uint64_t *slot;

	for (pfn = start; pfn < end; pfn = rounddown2(pfn, PT_ENTRIES) +
	    PT_ENTRIES) {
		spin_enter(&pm->pm_lock);
		slot = pmap_pte_create(pm, PMAP_DIRECT_MAP(ptoa(pfn)));
		spin_exit(&pm->pm_lock);
		if (slot == NULL)
			return ENOMEM;
	}
	return pv_p2m_grow(end);
}
