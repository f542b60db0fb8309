/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical to virtual: which pmaps map a managed page, and where.
 *
 * Overview: most pages are mapped once.  The first mapping is kept in the
 * vm_page itself, the others in pv_entries chained to it.  pv_entries and
 * struct pmaps come from whole pages and never sleep.  A page of pv_entries
 * goes back to the page allocator when none of them is in use; one of struct
 * pmaps never does, so that a pointer to a pmap that has gone away meanwhile
 * can still be locked and looked at (see pmap.c).
 *
 * Locking: a page's list is guarded by a spin lock hashed from the page
 * (class "pmap_page", [p]), taken after the pmap's.  "pmap_pool" guards both
 * stores; it is taken with no lock or with the pmap's held.
 */
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <uvm/uvm.h>
#include <x86/pmap_backend.h>

#define	PV_LOCKS	64		/* a power of two */

static struct {
	struct spinlock	lock;
} __aligned(64) pv_locks[PV_LOCKS];

struct pv_page {			/* at the start of each page */
	LIST_ENTRY(pv_page) pp_link;	/* while it has free entries */
	struct pv_entry	*pp_free;
	unsigned int	pp_nfree;
};
#define	PV_PERPAGE	((unsigned int)					\
	((PAGE_SIZE - sizeof(struct pv_page)) / sizeof(struct pv_entry)))

static struct spinlock pool_lock = SPINLOCK_INITIALIZER("pmap_pool");
static LIST_HEAD(, pv_page) pv_pages = LIST_HEAD_INITIALIZER(pv_pages);
static LIST_HEAD(, pmap) pmap_unused = LIST_HEAD_INITIALIZER(pmap_unused);

void
pv_init(void)
{
	unsigned int i;

	for (i = 0; i < PV_LOCKS; i++)
		spin_init(&pv_locks[i].lock, "pmap_page");
}

/* -- stores -- */

static void *
pool_page(void)
{
	struct vm_page *pg;

	pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_USERESERVE);
	if (pg == NULL)
		return NULL;
	(void)atomic_or(&pg->pg_flags, PG_KMEM);
	return VM_PAGE_TO_KVA(pg);
}

static bool
pv_grow(void)
{
	struct pv_page *pp = pool_page();
	struct pv_entry *pv;
	unsigned int i;

	if (pp == NULL)
		return false;
	pv = (struct pv_entry *)(pp + 1);
	for (i = 0; i < PV_PERPAGE; i++)
		pv[i].pv_next = i + 1 < PV_PERPAGE ? &pv[i + 1] : NULL;
	pp->pp_free = pv;
	pp->pp_nfree = PV_PERPAGE;
	LIST_INSERT_HEAD(&pv_pages, pp, pp_link);
	return true;
}

static struct pv_entry *
pv_alloc(void)
{
	struct pv_entry *pv = NULL;
	struct pv_page *pp;

	spin_enter(&pool_lock);
	if (!LIST_EMPTY(&pv_pages) || pv_grow()) {
		pp = LIST_FIRST(&pv_pages);
		pv = pp->pp_free;
		pp->pp_free = pv->pv_next;
		if (--pp->pp_nfree == 0)
			LIST_REMOVE(pp, pp_link);
	}
	spin_exit(&pool_lock);
	return pv;
}

/* Any context; with NULL nothing. */
void
pv_free(struct pv_entry *pv)
{
	struct pv_page *pp = (void *)trunc_page((uintptr_t)pv);
	struct vm_page *pg = NULL;

	if (pv == NULL)
		return;
	spin_enter(&pool_lock);
	pv->pv_next = pp->pp_free;
	pp->pp_free = pv;
	if (pp->pp_nfree++ == 0)
		LIST_INSERT_HEAD(&pv_pages, pp, pp_link);
	/* Keep one page that is all free. */
	if (pp->pp_nfree == PV_PERPAGE && (LIST_FIRST(&pv_pages) != pp ||
	    LIST_NEXT(pp, pp_link) != NULL)) {
		LIST_REMOVE(pp, pp_link);
		pg = PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(pp));
	}
	spin_exit(&pool_lock);
	if (pg != NULL) {
		(void)atomic_and(&pg->pg_flags, ~(uint32_t)PG_KMEM);
		uvm_pagefree(pg);
	}
}

/* A struct pmap: its lock is valid already, the rest is the caller's to set. */
struct pmap *
pmap_store_get(void)
{
	struct pmap *pm;
	unsigned int i;

	spin_enter(&pool_lock);
	if (LIST_EMPTY(&pmap_unused) && (pm = pool_page()) != NULL) {
		memset(pm, 0, PAGE_SIZE);
		for (i = 0; i < PAGE_SIZE / sizeof(*pm); i++) {
			spin_init(&pm[i].pm_lock, "pmap");
			LIST_INSERT_HEAD(&pmap_unused, &pm[i], pm_link);
		}
	}
	pm = LIST_FIRST(&pmap_unused);
	if (pm != NULL)
		LIST_REMOVE(pm, pm_link);
	spin_exit(&pool_lock);
	return pm;
}

void
pmap_store_put(struct pmap *pm)
{
	spin_enter(&pool_lock);
	LIST_INSERT_HEAD(&pmap_unused, pm, pm_link);
	spin_exit(&pool_lock);
}

/* -- a page's list -- */

static inline struct spinlock *
pv_lock_of(struct vm_page *pg)
{
	return &pv_locks[VM_PAGE_TO_PFN(pg) & (PV_LOCKS - 1)].lock;
}

void
pv_lock(struct vm_page *pg)
{
	spin_enter(pv_lock_of(pg));
}

void
pv_unlock(struct vm_page *pg)
{
	spin_exit(pv_lock_of(pg));
}

/* The pmap is locked, so nobody else can enter or remove this mapping. */
int
pv_enter(struct vm_page *pg, struct pmap *pm, vaddr_t va)
{
	struct pmap_page *md = &pg->pg_md;
	struct pv_entry *pv;

	pv_lock(pg);
	if (md->pp_pmap == NULL) {
		md->pp_pmap = pm;
		md->pp_va = va | (md->pp_va & PAGE_MASK);
		pv_unlock(pg);
		return 0;
	}
	pv_unlock(pg);
	pv = pv_alloc();
	if (pv == NULL)
		return ENOMEM;
	pv->pv_pmap = pm;
	pv->pv_va = va;
	pv_lock(pg);
	pv->pv_next = md->pp_pvlist;
	md->pp_pvlist = pv;
	pv_unlock(pg);
	return 0;
}

/*
 * The page is locked.  False if it is not mapped there; otherwise *tofree is to
 * be given to pv_free() once the page is unlocked.
 */
bool
pv_remove_locked(struct vm_page *pg, struct pmap *pm, vaddr_t va,
    uint64_t oldpte, struct pv_entry **tofree)
{
	struct pmap_page *md = &pg->pg_md;
	struct pv_entry *pv, **prev;

	*tofree = NULL;
	if (md->pp_pmap == pm && trunc_page(md->pp_va) == va) {
		pv = md->pp_pvlist;
		if (pv == NULL) {
			md->pp_pmap = NULL;
			md->pp_va &= PAGE_MASK;
		} else {
			md->pp_pmap = pv->pv_pmap;
			md->pp_va = pv->pv_va | (md->pp_va & PAGE_MASK);
			md->pp_pvlist = pv->pv_next;
			*tofree = pv;
		}
	} else {
		for (prev = &md->pp_pvlist; (pv = *prev) != NULL;
		    prev = &pv->pv_next)
			if (pv->pv_pmap == pm && pv->pv_va == va)
				break;
		if (pv == NULL)
			return false;
		*prev = pv->pv_next;
		*tofree = pv;
	}
	if ((oldpte & PTE_A) != 0)
		md->pp_va |= PPA_REFERENCED;
	if ((oldpte & PTE_D) != 0)
		md->pp_va |= PPA_MODIFIED;
	return true;
}

bool
pv_remove(struct vm_page *pg, struct pmap *pm, vaddr_t va, uint64_t oldpte)
{
	struct pv_entry *tofree;
	bool found;

	pv_lock(pg);
	found = pv_remove_locked(pg, pm, va, oldpte, &tofree);
	pv_unlock(pg);
	pv_free(tofree);
	return found;
}

bool
pv_find_locked(struct vm_page *pg, struct pmap *pm, vaddr_t va)
{
	struct pv_entry *pv;

	if (pg->pg_md.pp_pmap == pm && trunc_page(pg->pg_md.pp_va) == va)
		return true;
	for (pv = pg->pg_md.pp_pvlist; pv != NULL; pv = pv->pv_next)
		if (pv->pv_pmap == pm && pv->pv_va == va)
			return true;
	return false;
}

/* All mappings of a locked page in turn, while it stays locked. */
bool
pv_iterate(struct vm_page *pg, struct pv_cursor *pc, struct pmap **pm,
    vaddr_t *va)
{
	if (!pc->pc_started) {
		pc->pc_started = true;
		pc->pc_next = pg->pg_md.pp_pvlist;
		*pm = pg->pg_md.pp_pmap;
		*va = trunc_page(pg->pg_md.pp_va);
		return *pm != NULL;
	}
	if (pc->pc_next == NULL)
		return false;
	*pm = pc->pc_next->pv_pmap;
	*va = pc->pc_next->pv_va;
	pc->pc_next = pc->pc_next->pv_next;
	return true;
}
