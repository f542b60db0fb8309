/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anons and amaps: the private pages of an address space.
 *
 * Overview: a slot of an amap, found by virtual page number, refers to an anon.
 * After fork parent and child refer to the same anons, which both have mapped
 * without write access; the count of an anon is the number of slots.  Whoever
 * writes while the count is 1 owns the page; else he copies it.  A count can
 * rise only by fork, which holds m_lock as writer, so it does not rise under a
 * fault's eyes.  It may drop: then the fault copies without need.
 *
 * Because slots go by address, cutting and joining map entries never touches
 * the amap; and what is not in use costs nothing, however large the mapping.
 *
 * A page may leave its anon for swap (uvm_swapout.c).  Whoever uses an_page
 * holds the lock of the block; that keeps the page of an anon that has no other
 * owner.  For others he takes the share lock of his block, too, before he
 * reads an_page: who takes the page away clears an_page and then waits until
 * nobody holds any of these locks as before.
 *
 * Locking: see <uvm/uvm.h>.  am_lock is needed for every change because slots
 * of different blocks share nodes of the tree.
 */
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#define	NSHARE	64

static struct mutex share_lock[NSHARE];

static struct kmem_cache *anon_cache;

void
uvm_amap_sysinit(void)
{
	anon_cache = kmem_cache_create("anon", sizeof(struct vm_anon), 8);
	if (anon_cache == NULL)
		panic("uvm: no memory for anons");
	for (unsigned int i = 0; i < NSHARE; i++)
		mutex_init(&share_lock[i], "uvm_share");
}

/* An anon for a page, which is the anon's from now on. */
struct vm_anon *
uvm_anon_alloc(struct vm_page *pg)
{
	struct vm_anon *an = kmem_cache_alloc(anon_cache, KM_NOSLEEP);

	if (an == NULL)
		return NULL;
	an->an_ref = 1;
	an->an_slot = 0;
	an->an_page = pg;
	pg->pg_anon = an;
	(void)atomic_add(&uvmexp.anon, 1);
	return an;
}

/* One slot less refers to it, and that slot's owner has no mapping of it. */
void
uvm_anon_put(struct vm_anon *an)
{
	struct vm_page *pg;

	if (!refcount_put(&an->an_ref))
		return;
	/* A page on its way to swap or back is dealt with when it is there. */
	uvm_swap_drop(an);
	pg = an->an_page;
	if (pg != NULL) {
		pg->pg_anon = NULL;
		uvm_pagefree(pg);
		(void)atomic_sub(&uvmexp.anon, 1);
	}
	kmem_cache_free(anon_cache, an);
}

void
uvm_amap_init(struct uvm_amap *am)
{
	spin_init(&am->am_lock, "uvm_amap");
	am->am_tree.r_root = 0;
	for (unsigned int i = 0; i < AMAP_NLOCKS; i++)
		mutex_init(&am->am_block[i], "uvm_block");
}

/* It is empty. */
void
uvm_amap_fini(struct uvm_amap *am)
{
	KASSERT(am->am_tree.r_root == 0);
	for (unsigned int i = 0; i < AMAP_NLOCKS; i++)
		mutex_destroy(&am->am_block[i]);
}

/* The lock of the block of pages around va. */
struct mutex *
uvm_amap_block(struct uvm_amap *am, vaddr_t va)
{
	return &am->am_block[va / UVM_BLOCK_BYTES % AMAP_NLOCKS];
}

/* The lock for the pages of shared anons in the block around va. */
struct mutex *
uvm_amap_share(struct uvm_amap *am, vaddr_t va)
{
	return &share_lock[((uintptr_t)am / sizeof(*am) +
	    va / UVM_BLOCK_BYTES) % NSHARE];
}

/* Wait until all that hold one of these locks now have let go.  Sleeps. */
void
uvm_amap_share_barrier(void)
{
	for (unsigned int i = 0; i < NSHARE; i++) {
		mutex_enter(&share_lock[i]);
		mutex_exit(&share_lock[i]);
	}
}

struct vm_anon *
uvm_amap_get(struct uvm_amap *am, vaddr_t va)
{
	return uvm_radix_get(&am->am_tree, atop(va));
}

static int
amap_set_index(struct uvm_amap *am, size_t idx, struct vm_anon *an)
{
	int error;

	spin_enter(&am->am_lock);
	error = uvm_radix_set(&am->am_tree, idx, an);
	spin_exit(&am->am_lock);
	return error;
}

static void
amap_remove_index(struct uvm_amap *am, size_t idx)
{
	spin_enter(&am->am_lock);
	(void)uvm_radix_remove(&am->am_tree, idx);
	spin_exit(&am->am_lock);
}

int
uvm_amap_set(struct uvm_amap *am, vaddr_t va, struct vm_anon *an)
{
	return amap_set_index(am, atop(va), an);
}

bool
uvm_amap_next(struct uvm_amap *am, vaddr_t *va, vaddr_t end)
{
	size_t idx = atop(*va);

	if (uvm_radix_next(&am->am_tree, &idx) == NULL || idx >= atop(end))
		return false;
	*va = (vaddr_t)idx << PAGE_SHIFT;
	return true;
}

void
uvm_amap_wipe(struct uvm_amap *am, vaddr_t start, vaddr_t end)
{
	struct vm_anon *an;
	size_t idx;

	for (idx = atop(start);; idx++) {
		an = uvm_radix_next(&am->am_tree, &idx);
		if (an == NULL || idx >= atop(end))
			break;
		amap_remove_index(am, idx);
		uvm_anon_put(an);
	}
}

/*
 * Move the slots of a range elsewhere, where there are none and which does
 * not overlap it.  ENOMEM: everything is where it was.  Map locked as writer,
 * so nobody looks meanwhile; am_lock is let go between slots, for there may be
 * millions.
 */
int
uvm_amap_move(struct uvm_amap *am, vaddr_t from, vaddr_t to, vsize_t size)
{
	size_t first = atop(from), end = atop(from + size), idx;
	size_t shift = atop(to) - atop(from);		/* modulo 2^n */
	struct vm_anon *an;
	int error = 0;

	for (idx = first; error == 0; idx++) {
		an = uvm_radix_next(&am->am_tree, &idx);
		if (an == NULL || idx >= end)
			break;
		error = amap_set_index(am, idx + shift, an);
	}
	/* Either side may go now: the old slots, or the new ones so far. */
	if (error == 0) {
		idx = first;
	} else {
		end = idx - 1 + shift;
		idx = first + shift;
	}
	for (; uvm_radix_next(&am->am_tree, &idx) != NULL && idx < end; idx++)
		amap_remove_index(am, idx);
	return error;
}

/*
 * Both maps locked as writer, or `to` not known to anybody yet.  ENOMEM: a part
 * is shared; wiping `to` undoes that.
 */
int
uvm_amap_copy(struct uvm_amap *from, struct uvm_amap *to, vaddr_t start,
    vaddr_t end)
{
	struct vm_anon *an;
	size_t idx;
	int error;

	for (idx = atop(start);; idx++) {
		an = uvm_radix_next(&from->am_tree, &idx);
		if (an == NULL || idx >= atop(end))
			return 0;
		refcount_get(&an->an_ref);
		error = amap_set_index(to, idx, an);
		if (error != 0) {
			uvm_anon_put(an);
			return error;
		}
	}
}

/*
 * What is locked in memory for one of several owners shall not be written to
 * swap for another.
 */
void
uvm_amap_pin(struct uvm_amap *am, vaddr_t start, vaddr_t end)
{
	struct vm_anon *an;
	struct mutex *block;
	vaddr_t va;

	for (va = start; uvm_amap_next(am, &va, end); va += PAGE_SIZE) {
		block = uvm_amap_block(am, va);
		mutex_enter(block);
		an = uvm_amap_get(am, va);
		if (an != NULL && atomic_load(&an->an_ref) > 1)
			uvm_swap_pin(an);
		mutex_exit(block);
	}
}

size_t
vmspace_swapped(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct uvm_amap *am = &vm->vm_amap;
	struct vm_anon *an;
	struct mutex *block;
	size_t n = 0;
	vaddr_t va;

	if (uvmexp.swused == 0)
		return 0;
	for (va = start; uvm_amap_next(am, &va, end); va += PAGE_SIZE) {
		block = uvm_amap_block(am, va);
		mutex_enter(block);
		an = uvm_amap_get(am, va);
		n += an != NULL && atomic_load_relaxed(&an->an_page) == NULL;
		mutex_exit(block);
	}
	return n;
}
