/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of user address spaces and of the kernel, for all guest types.
 *
 * Overview: four-level tables, always mapped in the direct map, walked from the
 * top; there is no linear map of them.  This file decides what the entries
 * should be and keeps account: how many entries a table has, who maps a managed
 * page (pmap_pv.c), what was referenced and modified.  Entries are written,
 * and TLBs flushed, by the guest type's backend (<x86/pmap_backend.h>), in
 * batches.  All top-level slots of the kernel are filled at boot, so that the
 * tables of the pmaps never differ in them.
 *
 * A table that lost its last entry is kept for a while (PT_EMPTY_MAX of them
 * in a pmap), as programs map again where they have just unmapped; one that a
 * pmap_remove() covers whole is cut off at once with everything in it.
 * pmap_remove_all() cuts off all by unpinning: what is left is the accounts.
 *
 * Modified and referenced bits are collected when an entry goes away; those
 * of entries that are in place are looked up when somebody asks.
 *
 * Locking: pm_lock (class "pmap", the kernel's "pmap_kernel") guards tables and
 * accounts; a page's lock (pmap_pv.c) comes after it.  Who comes from a page
 * takes the page's lock first and tries the pmap's.  If that fails, both are
 * taken in the right order and the mapping is looked up again; the pmap may be
 * gone by then, but the memory of a struct pmap is never anything else.
 * Reading an entry needs only the page's lock: a table is freed after all its
 * entries have been taken out of their pages' lists.
 *
 * Suspend: tables change only with interrupts off and are complete when the
 * lock is released, so that a domain can be saved between any two instructions
 * that run with interrupts on.  No frame number of the machine is kept here.
 */
#include <sys/atomic.h>
#include <sys/bitops.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/intr.h>
#include <uvm/uvm.h>
#include <x86/pmap_backend.h>

#define	PMAP_BATCH	32		/* entries in one backend call */
#define	CUT_BATCH	8		/* tables cut off in one call */
#define	PT_EMPTY_MAX	8		/* empty tables kept in a pmap */
#define	DESTROY_MAX	4096		/* pages accounted for in one go */
#define	KERNEL_SLOT	272		/* first top-level slot of ours */

const struct pmap_backend *pmap_backend;
struct pmap pmap_kernel_store = {
	.pm_lock = SPINLOCK_INITIALIZER("pmap_kernel"),
	.pm_cpus = ~(uint64_t)0,
	.pm_alive = true,
};

static unsigned long xenmap_used[PT_ENTRIES / BITMAP_WORD_BITS];
static struct spinlock xenmap_lock = SPINLOCK_INITIALIZER("xenmap");

static inline bool
is_kernel(const struct pmap *pm)
{
	return pm == pmap_kernel();
}

static inline uint64_t *
pte_table(uint64_t pte)
{
	return (uint64_t *)PMAP_DIRECT_MAP(pte & PTE_FRAME);
}

/* The page of the table that a slot is in. */
static inline struct vm_page *
slot_table(const uint64_t *slot)
{
	return PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(slot) &
	    ~(paddr_t)PAGE_MASK);
}

static uint64_t
prot_bits(vm_prot_t prot)
{
	return ((prot & PROT_WRITE) != 0 ? PTE_W : 0) |
	    ((prot & PROT_EXEC) != 0 ? 0 : PTE_NX);
}

/* -- walking and making tables -- */

/* The slot of the given level for va, or NULL: a table is missing. */
static uint64_t *
walk(struct pmap *pm, vaddr_t va, int level)
{
	uint64_t *table = pm->pm_l4, *slot;
	int l;

	for (l = 4; ; l--) {
		slot = &table[PT_INDEX(va, l)];
		if (l == level)
			return slot;
		if ((*(volatile uint64_t *)slot & PTE_P) == 0)
			return NULL;
		table = pte_table(pmap_backend->pb_read(slot));
	}
}

uint64_t *
pmap_pte(struct pmap *pm, vaddr_t va)
{
	return walk(pm, va, 1);
}

/* Refer to a table, or with 0 to none, from a slot. */
static void
table_set(struct pmap *pm, uint64_t *slot, int level, uint64_t val,
    const struct pte_flush *pf)
{
	struct pte_update pu[2] = { { slot, val } };
	unsigned int n = 1;

	if (level == 4 && pm->pm_l4user != NULL) {
		pu[1].pu_slot = pm->pm_l4user + (slot - pm->pm_l4);
		pu[1].pu_val = val;
		n = 2;
	}
	pmap_backend->pb_update(pm, PTE_OP_TABLE, pu, n, pf);
}

/* A table of the given level behind an empty slot of the next one. */
static bool
table_add(struct pmap *pm, uint64_t *slot, int level)
{
	struct vm_page *pg = pmap_backend->pb_table_get();

	if (pg == NULL)
		return false;
	if (!is_kernel(pm)) {
		pg->pg_md.pp_ptcount = 0;
		pg->pg_md.pp_ptlevel = (uint32_t)level;
		slot_table(slot)->pg_md.pp_ptcount++;
		if (level == 1)
			pm->pm_ptempty++;
	}
	pm->pm_ptpages++;
	(void)atomic_add(&uvmexp.pagetables, 1);
	table_set(pm, slot, level + 1, VM_PAGE_TO_PHYS(pg) | PTE_P | PTE_W |
	    PTE_A | (is_kernel(pm) ? 0 : PTE_U), NULL);
	return true;
}

uint64_t *
pmap_pte_create(struct pmap *pm, vaddr_t va)
{
	uint64_t *table = pm->pm_l4, *slot;
	int l;

	for (l = 4; l > 1; l--) {
		slot = &table[PT_INDEX(va, l)];
		if ((*slot & PTE_P) == 0 && !table_add(pm, slot, l - 1))
			return NULL;
		table = pte_table(pmap_backend->pb_read(slot));
	}
	return &table[PT_INDEX(va, 1)];
}

/* The lowest table's account, when entries are added or taken away. */
static void
count_entries(struct pmap *pm, const uint64_t *slot, int change)
{
	struct pmap_page *md;

	if (is_kernel(pm))
		return;
	md = &slot_table(slot)->pg_md;
	KASSERT(md->pp_ptlevel == 1);
	if (md->pp_ptcount == 0)
		pm->pm_ptempty--;
	md->pp_ptcount += (uint32_t)change;
	KASSERT(md->pp_ptcount <= PT_ENTRIES);
	if (md->pp_ptcount == 0)
		pm->pm_ptempty++;
	pm->pm_resident += (size_t)(ssize_t)change;
}

/* Tables nothing refers to any more; TLBs are clean. */
static void
tables_free(struct pmap *pm, struct vm_page **pg, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		memset(&pg[i]->pg_md, 0, sizeof(pg[i]->pg_md));
	pm->pm_ptpages -= n;
	(void)atomic_sub(&uvmexp.pagetables, n);
	pmap_backend->pb_table_put(pg, n);
}

/* -- batches of new entries -- */

struct batch {
	struct pmap	*ba_pmap;
	unsigned int	ba_n;
	struct pte_update ba_pu[PMAP_BATCH];
};

static void
batch_flush(struct batch *ba)
{
	if (ba->ba_n != 0)
		pmap_backend->pb_update(ba->ba_pmap, PTE_OP_SET, ba->ba_pu,
		    ba->ba_n, NULL);
	ba->ba_n = 0;
}

static void
batch_add(struct batch *ba, uint64_t *slot, uint64_t val)
{
	ba->ba_pu[ba->ba_n].pu_slot = slot;
	ba->ba_pu[ba->ba_n].pu_val = val;
	if (++ba->ba_n == PMAP_BATCH)
		batch_flush(ba);
}

/* -- user mappings -- */

/*
 * Put a new entry where there is one already.  Rights added for the same page
 * concern only this CPU's TLB: others fault once more and find them.
 */
static int
enter_replace(struct pmap *pm, vaddr_t va, uint64_t *slot, struct vm_page *pg,
    uint64_t val)
{
	uint64_t old = pmap_backend->pb_read(slot);
	struct pte_flush pf = { .pf_va = va, .pf_npages = 1 };
	struct pte_update pu = { slot, val };
	bool same = (old & PTE_FRAME) == (val & PTE_FRAME) &&
	    (old & PTE_SW0) == (val & PTE_SW0);
	int error;

	if (same) {
		pu.pu_val = (*slot & ~(PTE_W | PTE_NX)) |
		    (val & (PTE_W | PTE_NX));
		pf.pf_local = (old & PTE_W) <= (val & PTE_W) &&
		    (old & PTE_NX) >= (val & PTE_NX);
		pmap_backend->pb_update(pm, PTE_OP_KEEPAD, &pu, 1, &pf);
		if (pg != NULL && (val & ~old & PTE_D) != 0) {
			pv_lock(pg);
			pg->pg_md.pp_va |= PPA_MODIFIED;
			pv_unlock(pg);
		}
		return 0;
	}
	if (pg != NULL) {
		error = pv_enter(pg, pm, va);
		if (error != 0)
			return error;
	}
	pmap_backend->pb_update(pm, PTE_OP_SWAP, &pu, 1, &pf);
	if ((old & PTE_SW0) != 0 && !pv_remove(PHYS_TO_VM_PAGE(old &
	    PTE_FRAME), pm, va, pu.pu_val))
		panic("pmap: lost mapping at %#lx", (unsigned long)va);
	return 0;
}

/* The slot for va; from the one before it if that was in the same table. */
static inline uint64_t *
slot_next(struct pmap *pm, vaddr_t va, uint64_t *prev)
{
	if (prev != NULL && PT_INDEX(va, 1) != 0)
		return prev + 1;
	return pmap_pte_create(pm, va);
}

int
pmap_enter_pages(struct pmap *pm, vaddr_t va, struct vm_page *const *pages,
    unsigned int n, vm_prot_t prot, int flags)
{
	struct batch ba = { .ba_pmap = pm };
	uint64_t *slot = NULL, bits, val;
	unsigned int i;
	int error = 0;

	KASSERT(!is_kernel(pm) && va < VM_MAX_ADDRESS &&
	    (va & PAGE_MASK) == 0);
	bits = PTE_P | PTE_U | PTE_A | PTE_SW0 | prot_bits(prot);
	if ((flags & PMAP_DIRTY) != 0 && (prot & PROT_WRITE) != 0)
		bits |= PTE_D;
	spin_enter(&pm->pm_lock);
	for (i = 0; i < n && error == 0; i++, va += PAGE_SIZE) {
		if (pages[i] == NULL) {
			slot = NULL;
			continue;
		}
		slot = slot_next(pm, va, slot);
		if (slot == NULL) {
			error = ENOMEM;
			break;
		}
		val = VM_PAGE_TO_PHYS(pages[i]) | bits;
		if ((*slot & PTE_P) != 0) {
			if ((flags & PMAP_IFEMPTY) == 0)
				error = enter_replace(pm, va, slot, pages[i],
				    val);
			continue;
		}
		error = pv_enter(pages[i], pm, va);
		if (error == 0) {
			batch_add(&ba, slot, val);
			count_entries(pm, slot, 1);
		}
	}
	batch_flush(&ba);
	spin_exit(&pm->pm_lock);
	return error;
}

int
pmap_enter(struct pmap *pm, vaddr_t va, struct vm_page *pg, vm_prot_t prot,
    int flags)
{
	return pmap_enter_pages(pm, va, &pg, 1, prot, flags);
}

int
pmap_enter_special(struct pmap *pm, vaddr_t va, paddr_t pa, vm_prot_t prot)
{
	struct pte_update pu;
	uint64_t *slot;
	int error = 0;

	KASSERT(!is_kernel(pm) && va < VM_MAX_ADDRESS);
	spin_enter(&pm->pm_lock);
	slot = pmap_pte_create(pm, va);
	if (slot == NULL) {
		error = ENOMEM;
		goto out;
	}
	pu.pu_slot = slot;
	pu.pu_val = pa | PTE_P | PTE_U | PTE_A | prot_bits(prot);
	if ((*slot & PTE_P) != 0) {
		error = enter_replace(pm, va, slot, NULL, pu.pu_val);
		goto out;
	}
	pmap_backend->pb_update(pm, PTE_OP_SET, &pu, 1, NULL);
	count_entries(pm, slot, 1);
out:
	spin_exit(&pm->pm_lock);
	return error;
}

/* -- taking entries away -- */

/* Account for the entries of a lowest table that is out of use already. */
static void
forget_entries(struct pmap *pm, struct vm_page *pg, vaddr_t va)
{
	uint64_t *pte = VM_PAGE_TO_KVA(pg), old;
	unsigned int i, left = pg->pg_md.pp_ptcount;

	if (left == 0)
		pm->pm_ptempty--;
	pm->pm_resident -= left;
	for (i = 0; left > 0; i++) {
		KASSERT(i < PT_ENTRIES);
		if ((pte[i] & PTE_P) == 0)
			continue;
		left--;
		old = pmap_backend->pb_read(&pte[i]);
		if ((old & PTE_SW0) != 0 && !pv_remove(PHYS_TO_VM_PAGE(old &
		    PTE_FRAME), pm, va + i * PAGE_SIZE, old))
			panic("pmap: lost mapping at %#lx",
			    (unsigned long)(va + i * PAGE_SIZE));
	}
	pg->pg_md.pp_ptcount = 0;
}

/* Free the tables above va that have no entries left, from level 2 up. */
static void
prune(struct pmap *pm, vaddr_t va)
{
	const struct pte_flush all = { .pf_npages = 0 };
	struct vm_page *pg;
	uint64_t *slot;
	int level;

	for (level = 2; level <= 3; level++) {
		slot = walk(pm, va, level + 1);
		if (slot == NULL || (*slot & PTE_P) == 0)
			continue;
		pg = PHYS_TO_VM_PAGE(pmap_backend->pb_read(slot) & PTE_FRAME);
		if (pg->pg_md.pp_ptcount != 0)
			return;
		slot_table(slot)->pg_md.pp_ptcount--;
		table_set(pm, slot, level + 1, 0, &all);
		tables_free(pm, &pg, 1);
	}
}

/*
 * Cut off the lowest tables behind up to CUT_BATCH slots of one table, from
 * the one for va on and below end, which are covered whole.  The next va.
 */
static vaddr_t
cut_tables(struct pmap *pm, uint64_t *slot, vaddr_t va, vaddr_t end)
{
	const struct pte_flush all = { .pf_npages = 0 };
	struct pte_update pu[CUT_BATCH];
	struct vm_page *pg[CUT_BATCH];
	vaddr_t at[CUT_BATCH], first = va;
	unsigned int i, n = 0;

	do {
		if ((*slot & PTE_P) != 0) {
			at[n] = va;
			pg[n] = PHYS_TO_VM_PAGE(pmap_backend->pb_read(slot) &
			    PTE_FRAME);
			pu[n].pu_slot = slot;
			pu[n++].pu_val = 0;
		}
		slot++;
		va += PT_SPAN(1);
	} while (n < CUT_BATCH && PT_INDEX(va, 2) != 0 &&
	    va + PT_SPAN(1) <= end);
	if (n == 0)
		return va;
	pmap_backend->pb_update(pm, PTE_OP_TABLE, pu, n, &all);
	slot_table(pu[0].pu_slot)->pg_md.pp_ptcount -= n;
	for (i = 0; i < n; i++)
		forget_entries(pm, pg[i], at[i]);
	tables_free(pm, pg, n);
	prune(pm, first);
	return va;
}

/* Remove what is mapped in [va, end), inside one table.  The next va. */
static vaddr_t
remove_entries(struct pmap *pm, uint64_t *slot, vaddr_t va, vaddr_t end)
{
	struct pte_update pu[PMAP_BATCH];
	struct pte_flush pf = { .pf_va = va };
	vaddr_t at[PMAP_BATCH];
	unsigned int i, n = 0, left = slot_table(slot)->pg_md.pp_ptcount;
	struct vm_page *page[PMAP_BATCH];
	uint64_t old;

	for (; va < end && n < PMAP_BATCH && n < left; va += PAGE_SIZE,
	    slot++) {
		if ((*slot & PTE_P) == 0)
			continue;
		old = pmap_backend->pb_read(slot);
		page[n] = (old & PTE_SW0) == 0 ? NULL :
		    PHYS_TO_VM_PAGE(old & PTE_FRAME);
		at[n] = va;
		pu[n].pu_slot = slot;
		pu[n++].pu_val = 0;
	}
	if (n == left)
		va = end;		/* the rest of the table is empty */
	if (n == 0)
		return va;
	pf.pf_va = at[0];
	pf.pf_npages = (unsigned int)((at[n - 1] - at[0]) >> PAGE_SHIFT) + 1;
	pmap_backend->pb_update(pm, PTE_OP_SWAP, pu, n, &pf);
	for (i = 0; i < n; i++)
		if (page[i] != NULL &&
		    !pv_remove(page[i], pm, at[i], pu[i].pu_val))
			panic("pmap: lost mapping at %#lx",
			    (unsigned long)at[i]);
	count_entries(pm, pu[0].pu_slot, -(int)n);
	return va;
}

/*
 * The first address from va on that has a lowest table, and that table's slot;
 * end if there is none below it.  Address spaces are mostly holes: those of a
 * table are passed over in place.
 */
static vaddr_t
next_table(struct pmap *pm, vaddr_t va, vaddr_t end, uint64_t **slotp)
{
	uint64_t *table = pm->pm_l4, *slot;
	int level = 4;

	while (va < end) {
		slot = &table[PT_INDEX(va, level)];
		if ((*slot & PTE_P) == 0) {
			va = (va | (PT_SPAN(level - 1) - 1)) + 1;
			if (PT_INDEX(va, level) == 0) {
				table = pm->pm_l4;
				level = 4;
			}
		} else if (level == 2) {
			*slotp = slot;
			return va;
		} else {
			table = pte_table(pmap_backend->pb_read(slot));
			level--;
		}
	}
	return end;
}

/* A bounded part of pmap_remove(); the address it came to. */
static vaddr_t
remove_some(struct pmap *pm, vaddr_t va, vaddr_t end)
{
	struct vm_page *pg;
	vaddr_t first, next;
	uint64_t *slot;

	va = next_table(pm, va, end, &slot);
	if (va == end)
		return end;
	if ((va & (PT_SPAN(1) - 1)) == 0 && end - va >= PT_SPAN(1))
		return cut_tables(pm, slot, va, end);
	next = MIN((va | (PT_SPAN(1) - 1)) + 1, end);
	pg = PHYS_TO_VM_PAGE(pmap_backend->pb_read(slot) & PTE_FRAME);
	first = va & ~(PT_SPAN(1) - 1);
	va = remove_entries(pm, (uint64_t *)VM_PAGE_TO_KVA(pg) +
	    PT_INDEX(va, 1), va, next);
	if (pg->pg_md.pp_ptcount == 0 && pm->pm_ptempty > PT_EMPTY_MAX)
		(void)cut_tables(pm, slot, first, first + PT_SPAN(1));
	return va;
}

void
pmap_remove(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	vaddr_t va = start;

	KASSERT(!is_kernel(pm) && end <= VM_MAX_ADDRESS);
	KASSERT(((start | end) & PAGE_MASK) == 0);
	spin_enter(&pm->pm_lock);
	while (va < end && pm->pm_resident != 0) {
		va = remove_some(pm, va, end);
		if (va < end) {
			/* Let others, and interrupts, have their turn. */
			spin_exit(&pm->pm_lock);
			spin_enter(&pm->pm_lock);
		}
	}
	spin_exit(&pm->pm_lock);
}

/* -- rights -- */

bool
pmap_upgrade(struct pmap *pm, vaddr_t va, struct vm_page *const *pages,
    unsigned int n, vm_prot_t prot, unsigned int which)
{
	struct pte_update pu[PMAP_BATCH];
	struct pte_flush pf = { .pf_va = va, .pf_local = true };
	uint64_t bits = prot_bits(prot), *slot = NULL, old, new;
	unsigned int i, todo = 0;
	bool done = false;

	KASSERT(!is_kernel(pm) && n <= PMAP_BATCH);
	spin_enter(&pm->pm_lock);
	for (i = 0; i < n; i++, va += PAGE_SIZE) {
		slot = slot != NULL && PT_INDEX(va, 1) != 0 ? slot + 1 :
		    walk(pm, va, 1);
		if (slot == NULL || pages[i] == NULL || (*slot & PTE_P) == 0 ||
		    (*slot & PTE_SW0) == 0 || (pmap_backend->pb_read(slot) &
		    PTE_FRAME) != VM_PAGE_TO_PHYS(pages[i]))
			continue;
		done |= i == which;
		old = *slot;
		new = (old | (bits & PTE_W)) & ~(~bits & PTE_NX);
		if (new == old)
			continue;
		pu[todo].pu_slot = slot;
		pu[todo++].pu_val = new;
		pf.pf_npages = i + 1;
	}
	if (todo != 0)
		pmap_backend->pb_update(pm, PTE_OP_KEEPAD, pu, todo, &pf);
	spin_exit(&pm->pm_lock);
	return done;
}

/* Take rights away inside one table.  The next va. */
static vaddr_t
protect_entries(struct pmap *pm, uint64_t *slot, vaddr_t va, vaddr_t end,
    uint64_t bits)
{
	struct pte_update pu[PMAP_BATCH];
	struct pte_flush pf = { .pf_va = 0 };
	vaddr_t last = 0;
	unsigned int n = 0;
	uint64_t old, new;

	for (; va < end && n < PMAP_BATCH; va += PAGE_SIZE, slot++) {
		if ((*slot & PTE_P) == 0)
			continue;
		old = *slot;
		new = (old & ~(~bits & PTE_W)) | (bits & PTE_NX);
		if (new == old)
			continue;
		if (n == 0)
			pf.pf_va = va;
		last = va;
		pu[n].pu_slot = slot;
		pu[n++].pu_val = new;
	}
	if (n != 0) {
		pf.pf_npages = (unsigned int)((last - pf.pf_va) >>
		    PAGE_SHIFT) + 1;
		pmap_backend->pb_update(pm, PTE_OP_KEEPAD, pu, n, &pf);
	}
	return va;
}

void
pmap_protect(struct pmap *pm, vaddr_t start, vaddr_t end, vm_prot_t prot)
{
	uint64_t bits = prot_bits(prot), *slot;
	vaddr_t va = start, next;

	if ((prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) == 0) {
		pmap_remove(pm, start, end);
		return;
	}
	KASSERT(!is_kernel(pm) && end <= VM_MAX_ADDRESS);
	spin_enter(&pm->pm_lock);
	while (pm->pm_resident != 0) {
		va = next_table(pm, va, end, &slot);
		if (va == end)
			break;
		next = MIN((va | (PT_SPAN(1) - 1)) + 1, end);
		slot = pte_table(pmap_backend->pb_read(slot));
		va = protect_entries(pm, &slot[PT_INDEX(va, 1)], va, next,
		    bits);
		if (va < end) {
			spin_exit(&pm->pm_lock);
			spin_enter(&pm->pm_lock);
		}
	}
	spin_exit(&pm->pm_lock);
}

/* Also where the kernel's direct map has large pages. */
bool
pmap_extract(struct pmap *pm, vaddr_t va, paddr_t *pa, vm_prot_t *prot)
{
	uint64_t *slot, pte = 0, mask = PAGE_MASK;
	int level;

	spin_enter(&pm->pm_lock);
	for (level = pm->pm_alive ? 4 : 0; level >= 1; level--) {
		slot = walk(pm, va, level);
		pte = pmap_backend->pb_read(slot);
		if ((pte & PTE_P) == 0)
			break;
		mask = ((uint64_t)1 << PT_SHIFT(level)) - 1;
		if ((pte & PTE_PS) != 0)
			break;
	}
	spin_exit(&pm->pm_lock);
	if ((pte & PTE_P) == 0)
		return false;
	if (pa != NULL)
		*pa = (pte & PTE_FRAME & ~mask) | (va & mask);
	if (prot != NULL)
		*prot = PROT_READ | ((pte & PTE_W) != 0 ? PROT_WRITE : 0) |
		    ((pte & PTE_NX) != 0 ? 0 : PROT_EXEC);
	return true;
}

size_t
pmap_resident_count(struct pmap *pm)
{
	return atomic_load_relaxed(&pm->pm_resident);
}

/* -- from a page to its mappings -- */

/*
 * The page is locked and is mapped at va in pm.  Lock the pmap too.  False:
 * that took letting go of the page, and the mapping is gone; nothing is locked.
 */
static bool
lock_mapping(struct vm_page *pg, struct pmap *pm, vaddr_t va)
{
	if (spin_tryenter(&pm->pm_lock))
		return true;
	pv_unlock(pg);
	spin_enter(&pm->pm_lock);
	pv_lock(pg);
	if (pv_find_locked(pg, pm, va))
		return true;
	pv_unlock(pg);
	spin_exit(&pm->pm_lock);
	return false;
}

/* Unmap one mapping of a page; all is locked, and is unlocked after. */
static void
unmap_locked(struct vm_page *pg, struct pmap *pm, vaddr_t va)
{
	struct pte_flush pf = { .pf_va = va, .pf_npages = 1 };
	struct pte_update pu = { walk(pm, va, 1), 0 };
	struct pv_entry *tofree;

	KASSERT(pu.pu_slot != NULL && (*pu.pu_slot & PTE_P) != 0);
	pmap_backend->pb_update(pm, PTE_OP_SWAP, &pu, 1, &pf);
	(void)pv_remove_locked(pg, pm, va, pu.pu_val, &tofree);
	count_entries(pm, pu.pu_slot, -1);
	pv_unlock(pg);
	spin_exit(&pm->pm_lock);
	pv_free(tofree);
}

static void
page_unmap(struct vm_page *pg)
{
	struct pmap *pm;
	vaddr_t va;

	for (;;) {
		pv_lock(pg);
		pm = pg->pg_md.pp_pmap;
		if (pm == NULL)
			break;
		va = trunc_page(pg->pg_md.pp_va);
		if (lock_mapping(pg, pm, va))
			unmap_locked(pg, pm, va);
	}
	pv_unlock(pg);
}

/* Take bits (W, D, A) from one entry, of a locked pmap; which it had. */
static uint64_t
entry_take_bits(struct pmap *pm, vaddr_t va, uint64_t bits)
{
	struct pte_flush pf = { .pf_va = va, .pf_npages = 1 };
	struct pte_update pu = { walk(pm, va, 1), 0 };
	uint64_t old;

	KASSERT(pu.pu_slot != NULL);
	old = *pu.pu_slot;
	if ((old & bits) == 0)
		return 0;
	if (bits == PTE_W) {
		pu.pu_val = old & ~PTE_W;
		pmap_backend->pb_update(pm, PTE_OP_KEEPAD, &pu, 1, &pf);
		return old;
	}
	/* A stale "referenced" in a TLB is not worth a flush. */
	pu.pu_val = pmap_backend->pb_read(pu.pu_slot) & ~bits;
	pmap_backend->pb_update(pm, PTE_OP_SWAP, &pu, 1,
	    (bits & PTE_D) != 0 ? &pf : NULL);
	return pu.pu_val;
}

/*
 * Take bits from all entries for a page; true: one had them.  After a wait for
 * a pmap the list is gone through anew: what has been done is done.
 */
static bool
page_take_bits(struct vm_page *pg, uint64_t bits)
{
	struct pv_cursor pc = { .pc_next = NULL };
	struct pmap *pm;
	uint64_t *slot, old;
	bool had = false;
	vaddr_t va;

	pv_lock(pg);
	while (pv_iterate(pg, &pc, &pm, &va)) {
		slot = walk(pm, va, 1);
		if (slot == NULL || (*slot & bits) == 0)
			continue;
		if (!spin_tryenter(&pm->pm_lock)) {
			pv_unlock(pg);
			spin_enter(&pm->pm_lock);
			pv_lock(pg);
			pc.pc_started = false;
			if (!pv_find_locked(pg, pm, va)) {
				spin_exit(&pm->pm_lock);
				continue;
			}
		}
		old = entry_take_bits(pm, va, bits);
		had |= (old & bits) != 0;
		if ((bits & (PTE_A | PTE_D)) != 0)
			pg->pg_md.pp_va |=
			    ((old & ~bits & PTE_A) != 0 ? PPA_REFERENCED : 0) |
			    ((old & ~bits & PTE_D) != 0 ? PPA_MODIFIED : 0);
		spin_exit(&pm->pm_lock);
	}
	pv_unlock(pg);
	return had;
}

void
pmap_page_protect(struct vm_page *pg, vm_prot_t prot)
{
	if ((prot & PROT_WRITE) != 0)
		return;
	if ((prot & (PROT_READ | PROT_EXEC)) == 0)
		page_unmap(pg);
	else
		(void)page_take_bits(pg, PTE_W);
}

bool
pmap_page_mapped(struct vm_page *pg)
{
	return pg->pg_md.pp_pmap != NULL;
}

bool
pmap_is_modified(struct vm_page *pg)
{
	struct pv_cursor pc = { .pc_next = NULL };
	struct pmap *pm;
	uint64_t *slot;
	bool modified;
	vaddr_t va;

	pv_lock(pg);
	modified = (pg->pg_md.pp_va & PPA_MODIFIED) != 0;
	while (!modified && pv_iterate(pg, &pc, &pm, &va)) {
		slot = walk(pm, va, 1);
		modified = slot != NULL && (*slot & PTE_D) != 0;
	}
	pv_unlock(pg);
	return modified;
}

static bool
page_clear(struct vm_page *pg, uint64_t bit, uintptr_t attr)
{
	bool had = page_take_bits(pg, bit);

	pv_lock(pg);
	had |= (pg->pg_md.pp_va & attr) != 0;
	pg->pg_md.pp_va &= ~attr;
	pv_unlock(pg);
	return had;
}

bool
pmap_clear_modify(struct vm_page *pg)
{
	return page_clear(pg, PTE_D, PPA_MODIFIED);
}

bool
pmap_clear_reference(struct vm_page *pg)
{
	return page_clear(pg, PTE_A, PPA_REFERENCED);
}

/* -- address spaces -- */

/* A top-level table with the kernel's slots, or without (user mode's). */
static struct vm_page *
top_alloc(struct pmap *pm, bool kernel)
{
	struct vm_page *pg = pmap_backend->pb_table_get();
	struct pte_update pu[PMAP_BATCH];
	unsigned int i, n = 0;
	uint64_t *table, pte;

	if (pg == NULL)
		return NULL;
	pg->pg_md.pp_ptcount = 0;
	pg->pg_md.pp_ptlevel = 4;
	table = VM_PAGE_TO_KVA(pg);
	for (i = KERNEL_SLOT; kernel && i < PT_ENTRIES; i++) {
		pte = pmap_backend->pb_read(&pmap_kernel()->pm_l4[i]);
		if ((pte & PTE_P) == 0)
			continue;
		KASSERT(n < PMAP_BATCH);
		pu[n].pu_slot = &table[i];
		pu[n++].pu_val = pte;
	}
	if (n != 0)
		pmap_backend->pb_update(pm, PTE_OP_TABLE, pu, n, NULL);
	(void)atomic_add(&uvmexp.pagetables, 1);
	pm->pm_ptpages++;
	return pg;
}

int
pmap_create(struct pmap **pmp)
{
	struct vm_page *top = NULL, *user = NULL;
	struct pmap *pm = pmap_store_get();

	if (pm == NULL)
		return ENOMEM;
	spin_enter(&pm->pm_lock);
	pm->pm_cpus = 0;
	pm->pm_resident = pm->pm_ptpages = 0;
	pm->pm_ptempty = 0;
	pm->pm_l4user = NULL;
	top = top_alloc(pm, true);
	if (top == NULL)
		goto fail;
	if (pmap_backend->pb_split) {
		user = top_alloc(pm, false);
		if (user == NULL)
			goto fail;
		pm->pm_l4user = VM_PAGE_TO_KVA(user);
	}
	pm->pm_l4 = VM_PAGE_TO_KVA(top);
	pm->pm_alive = true;
	pmap_backend->pb_pin(pm);
	spin_exit(&pm->pm_lock);
	*pmp = pm;
	return 0;
fail:
	if (top != NULL)
		tables_free(pm, &top, 1);
	spin_exit(&pm->pm_lock);
	pmap_store_put(pm);
	return ENOMEM;
}

/* Gather the tables below a slot and account for their entries. */
static void
gather(struct pmap *pm, uint64_t *slot, int level, vaddr_t va,
    struct vm_page **list)
{
	struct vm_page *pg;
	uint64_t *table;
	unsigned int i, left;

	pg = PHYS_TO_VM_PAGE(pmap_backend->pb_read(slot) & PTE_FRAME);
	table = VM_PAGE_TO_KVA(pg);
	left = pg->pg_md.pp_ptcount;
	if (level == 1)
		forget_entries(pm, pg, va);
	else
		for (i = 0; left > 0; i++) {
			KASSERT(i < PT_ENTRIES);
			if ((table[i] & PTE_P) == 0)
				continue;
			left--;
			gather(pm, &table[i], level - 1,
			    va + ((vaddr_t)i << PT_SHIFT(level)), list);
		}
	pg->pg_md.pp_ptnext = *list;
	*list = pg;
}

static void
free_list(struct pmap *pm, struct vm_page *list)
{
	struct vm_page *pg[PMAP_BATCH];
	unsigned int n = 0;

	while (list != NULL) {
		pg[n++] = list;
		list = list->pg_md.pp_ptnext;
		if (n == PMAP_BATCH || list == NULL) {
			tables_free(pm, pg, n);
			n = 0;
		}
	}
}

static void
unload_call(void *arg)
{
	if (curcpu()->ci_md.md_pmap == arg)
		pmap_unload();
}

/* Make CPUs let go of a pmap they have loaded but do not use. */
static void
unload_all(struct pmap *pm)
{
	bool on = intr_disable();

	unload_call(pm);
	intr_restore(on);
	if (atomic_load(&pm->pm_cpus) != 0)
		cpu_cross_call(unload_call, pm);
	KASSERT(atomic_load(&pm->pm_cpus) == 0);
}

/*
 * Unpinning takes all tables out of use at once, with every entry in them; from
 * then until they are free nothing may stop us, because what is in them is no
 * concern of anybody who saves the domain.
 */
void
pmap_remove_all(struct pmap *pm)
{
	struct vm_page *list = NULL, *top, *user;
	unsigned int i;

	KASSERT(!is_kernel(pm) && pm->pm_alive);
	unload_all(pm);
	if (pm->pm_resident > DESTROY_MAX)
		pmap_remove(pm, 0, VM_MAX_ADDRESS);
	spin_enter(&pm->pm_lock);
	pmap_backend->pb_unpin(pm);
	for (i = 0; i < PT_ENTRIES / 2; i++)
		if ((pm->pm_l4[i] & PTE_P) != 0)
			gather(pm, &pm->pm_l4[i], 3,
			    (vaddr_t)i << PT_SHIFT(4), &list);
	KASSERT(pm->pm_resident == 0 && pm->pm_ptempty == 0);
	top = PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(pm->pm_l4));
	top->pg_md.pp_ptnext = list;
	list = top;
	if (pm->pm_l4user != NULL) {
		user = PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(pm->pm_l4user));
		user->pg_md.pp_ptnext = list;
		list = user;
	}
	pm->pm_l4 = pm->pm_l4user = NULL;
	pm->pm_alive = false;
	free_list(pm, list);
	KASSERT(pm->pm_ptpages == 0);
	spin_exit(&pm->pm_lock);
}

void
pmap_destroy(struct pmap *pm)
{
	if (pm->pm_alive)
		pmap_remove_all(pm);
	pmap_store_put(pm);
}

/* Interrupts off.  A CPU is in pm_cpus before it can have stale entries. */
static void
load(struct pmap *pm)
{
	struct cpu_info *ci = curcpu();
	struct pmap *old = ci->ci_md.md_pmap;
	uint64_t bit = (uint64_t)1 << ci->ci_index;

	if (pm == old)
		return;
	if (!is_kernel(pm)) {
		(void)atomic_or(&pm->pm_cpus, bit);
		(void)atomic_add(&pm->pm_loads, 1);
	}
	pmap_backend->pb_load(pm);
	ci->ci_md.md_pmap = pm;
	if (old != NULL && !is_kernel(old))
		(void)atomic_and(&old->pm_cpus, ~bit);
}

void
pmap_unload(void)
{
	bool on = intr_disable();

	load(pmap_kernel());
	intr_restore(on);
}

void
pmap_cpu_lost(struct cpu_info *ci)
{
	struct pmap *pm = ci->ci_md.md_pmap;

	if (pm != NULL && !is_kernel(pm))
		(void)atomic_and(&pm->pm_cpus,
		    ~((uint64_t)1 << ci->ci_index));
	ci->ci_md.md_pmap = pmap_kernel();
}

/*
 * A kernel thread runs on whatever is loaded: the threads of one process often
 * alternate with it.
 */
void
pmap_activate(struct lwp *l)
{
	struct vmspace *vm = l->l_proc == NULL ? NULL : l->l_proc->p_vmspace;
	bool on;

	if (vm == NULL)
		return;
	on = intr_disable();
	load(vm->vm_map.m_pmap);
	intr_restore(on);
}

void
pmap_deactivate(struct lwp *l __unused)
{
}

/* -- the kernel's own -- */

int
pmap_kset(vaddr_t va, const paddr_t *pas, paddr_t pa, unsigned int n,
    uint64_t flags)
{
	struct pmap *pm = pmap_kernel();
	struct batch ba = { .ba_pmap = pm };
	uint64_t *slot = NULL;
	unsigned int i;
	int error = 0;

	flags |= PTE_P | PTE_A | PTE_D |
	    (pmap_backend->pb_global ? PTE_G : 0);
	spin_enter(&pm->pm_lock);
	/* All tables first: what can fail. */
	for (i = 0; i < n; i++) {
		slot = slot_next(pm, va + i * PAGE_SIZE, slot);
		if (slot == NULL) {
			error = ENOMEM;
			goto out;
		}
	}
	slot = NULL;
	for (i = 0; i < n; i++) {
		slot = slot_next(pm, va + i * PAGE_SIZE, slot);
		KASSERT((*slot & PTE_P) == 0);
		batch_add(&ba, slot, (pas != NULL ? pas[i] :
		    pa + i * PAGE_SIZE) | flags);
	}
	batch_flush(&ba);
out:
	spin_exit(&pm->pm_lock);
	return error;
}

int
pmap_kenter_pages(vaddr_t va, struct vm_page *const *pages, unsigned int n,
    vm_prot_t prot)
{
	paddr_t pas[PMAP_BATCH];
	unsigned int done = 0, i, m;
	int error;

	while (done < n) {
		m = MIN(n - done, PMAP_BATCH);
		for (i = 0; i < m; i++)
			pas[i] = VM_PAGE_TO_PHYS(pages[done + i]);
		error = pmap_kset(va + done * PAGE_SIZE, pas, 0, m,
		    prot_bits(prot));
		if (error != 0) {
			pmap_kremove(va, done * PAGE_SIZE);
			return error;
		}
		done += m;
	}
	return 0;
}

void
pmap_kremove(vaddr_t va, vsize_t size)
{
	struct pmap *pm = pmap_kernel();
	struct pte_update pu[PMAP_BATCH];
	struct pte_flush pf = { .pf_va = va };
	vaddr_t end = va + size;
	uint64_t *slot;
	unsigned int n;

	while (va < end) {
		n = 0;
		pf.pf_va = va;
		spin_enter(&pm->pm_lock);
		for (; va < end && n < PMAP_BATCH; va += PAGE_SIZE) {
			slot = walk(pm, va, 1);
			if (slot == NULL || (*slot & PTE_P) == 0)
				continue;
			pu[n].pu_slot = slot;
			pu[n++].pu_val = 0;
		}
		pf.pf_npages = (unsigned int)((va - pf.pf_va) >> PAGE_SHIFT);
		if (n != 0)
			pmap_backend->pb_update(pm, PTE_OP_SET, pu, n, &pf);
		spin_exit(&pm->pm_lock);
	}
}

vaddr_t
pmap_xenmap_alloc(void)
{
	size_t i;

	spin_enter(&xenmap_lock);
	i = bit_find_clear(xenmap_used, PT_ENTRIES, 0);
	if (i < PT_ENTRIES)
		bit_set(xenmap_used, i);
	spin_exit(&xenmap_lock);
	return i < PT_ENTRIES ? XENMAP_BASE + i * PAGE_SIZE : 0;
}

void
pmap_xenmap_free(vaddr_t va)
{
	KASSERT(va >= XENMAP_BASE && va < XENMAP_BASE + PT_SPAN(1));
	spin_enter(&xenmap_lock);
	bit_clear(xenmap_used, (va - XENMAP_BASE) / PAGE_SIZE);
	spin_exit(&xenmap_lock);
}

void
pmap_zero_page(struct vm_page *pg)
{
	memset(VM_PAGE_TO_KVA(pg), 0, PAGE_SIZE);
}

void
pmap_copy_page(struct vm_page *from, struct vm_page *to)
{
	memcpy(VM_PAGE_TO_KVA(to), VM_PAGE_TO_KVA(from), PAGE_SIZE);
}

#ifdef DEBUG
/* -- checking -- */

struct check {
	struct pmap	*ck_pmap;
	size_t		ck_resident, ck_tables;
	unsigned int	ck_empty;
};

static void
check_table(struct check *ck, uint64_t *table, int level, vaddr_t base)
{
	struct pmap_page *md = &slot_table(table)->pg_md;
	unsigned int i, n = 0, max = level == 4 ? PT_ENTRIES / 2 : PT_ENTRIES;
	struct vm_page *pg;
	uint64_t pte;
	vaddr_t va;

	ck->ck_tables++;
	for (i = 0; i < max; i++) {
		if ((table[i] & PTE_P) == 0)
			continue;
		n++;
		pte = pmap_backend->pb_read(&table[i]);
		va = base + ((vaddr_t)i << PT_SHIFT(level));
		if (level > 1) {
			check_table(ck, pte_table(pte), level - 1, va);
			continue;
		}
		if ((pte & PTE_SW0) == 0)
			continue;
		pg = PHYS_TO_VM_PAGE(pte & PTE_FRAME);
		pv_lock(pg);
		if (!pv_find_locked(pg, ck->ck_pmap, va))
			panic("pmap: page of %#lx does not know it",
			    (unsigned long)va);
		pv_unlock(pg);
	}
	if (md->pp_ptcount != n || md->pp_ptlevel != (uint32_t)level)
		panic("pmap: table of level %u at %#lx has %u entries, not %u",
		    md->pp_ptlevel, (unsigned long)base, n, md->pp_ptcount);
	if (level == 1) {
		ck->ck_resident += n;
		ck->ck_empty += n == 0;
	}
}

void
pmap_check(struct pmap *pm)
{
	struct check ck = { .ck_pmap = pm };

	if (is_kernel(pm))
		return;
	spin_enter(&pm->pm_lock);
	check_table(&ck, pm->pm_l4, 4, 0);
	ck.ck_tables += pm->pm_l4user != NULL;
	if (ck.ck_resident != pm->pm_resident ||
	    ck.ck_tables != pm->pm_ptpages || ck.ck_empty != pm->pm_ptempty)
		panic("pmap: %zu of %zu pages, %zu of %zu tables, %u of %u "
		    "empty", ck.ck_resident, pm->pm_resident, ck.ck_tables,
		    pm->pm_ptpages, ck.ck_empty, pm->pm_ptempty);
	spin_exit(&pm->pm_lock);
}
#endif
