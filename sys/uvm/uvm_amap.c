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
 * Locking: see <uvm/uvm.h>.  am_lock is needed for every change because slots
 * of different blocks share nodes of the tree.
 */
#include <uvm/uvm_impl.h>

static struct kmem_cache *anon_cache;

void
uvm_amap_sysinit(void)
{
	anon_cache = kmem_cache_create("anon", sizeof(struct vm_anon), 0);
	if (anon_cache == NULL)
		panic("uvm: no memory for anons");
}

/* An anon for a page, which is the anon's from now on. */
struct vm_anon *
uvm_anon_alloc(struct vm_page *pg)
{
	struct vm_anon *an = kmem_cache_alloc(anon_cache, KM_NOSLEEP);

	if (an == NULL)
		return NULL;
	an->an_ref = 1;
	an->an_page = pg;
	pg->pg_anon = an;
	(void)atomic_add(&uvmexp.anon, 1);
	return an;
}

/* One slot less refers to it, and that slot's owner has no mapping of it. */
void
uvm_anon_put(struct vm_anon *an)
{
	if (!refcount_put(&an->an_ref))
		return;
	an->an_page->pg_anon = NULL;
	uvm_pagefree(an->an_page);
	(void)atomic_sub(&uvmexp.anon, 1);
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
