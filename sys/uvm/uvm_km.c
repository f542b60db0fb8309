/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel address space and memory mapped in it.
 *
 * Overview: the range KVA_BASE..KVA_END is cut into segments that cover it
 * without holes, each free or in use, in one tree by address; free ones are
 * also in a tree by size (best fit).  A segment in use keeps its descriptor,
 * so freeing never has to allocate one.  Larger pieces of kernel memory are
 * built here from single pages; smaller ones come from the direct map
 * (uvm_kmem.c).
 *
 * Locking: km_lock, a spin lock, around the trees.  Mapping and unmapping is
 * done outside, on a segment that nobody else knows.
 */
#include <sys/tree.h>
#include <uvm/uvm_impl.h>

#define	KM_BATCH	32		/* pages mapped by one call */

struct km_seg {
	RB_ENTRY(km_seg) s_addr;	/* [l] */
	RB_ENTRY(km_seg) s_size;	/* [l] while free */
	vaddr_t		s_start, s_end;	/* [l] */
	bool		s_free;		/* [l] */
	TAILQ_HEAD(, vm_page) s_pages;	/* mapped here; the user's */
};
RB_HEAD(km_addr, km_seg);
RB_HEAD(km_size, km_seg);

static struct spinlock km_lock = SPINLOCK_INITIALIZER("uvm_km");
static struct km_addr km_addr;
static struct km_size km_size;
static struct kmem_cache *seg_cache;

static int
seg_cmp_addr(const struct km_seg *a, const struct km_seg *b)
{
	return a->s_start < b->s_start ? -1 : a->s_start > b->s_start;
}

static int
seg_cmp_size(const struct km_seg *a, const struct km_seg *b)
{
	vsize_t as = a->s_end - a->s_start, bs = b->s_end - b->s_start;

	if (as != bs)
		return as < bs ? -1 : 1;
	return seg_cmp_addr(a, b);
}

RB_GENERATE_STATIC(km_addr, km_seg, s_addr, seg_cmp_addr)
RB_GENERATE_STATIC(km_size, km_seg, s_size, seg_cmp_size)

void
uvm_km_init(void)
{
	struct km_seg *s;

	seg_cache = kmem_cache_create("km_seg", sizeof(*s), 0);
	s = seg_cache == NULL ? NULL : kmem_cache_alloc(seg_cache, KM_NOSLEEP);
	if (s == NULL)
		panic("uvm: no memory for the kernel's address space");
	memset(s, 0, sizeof(*s));
	s->s_start = KVA_BASE;
	s->s_end = trunc_page(KVA_END);
	s->s_free = true;
	RB_INSERT(km_addr, &km_addr, s);
	RB_INSERT(km_size, &km_size, s);
}

/* Take a free segment of that size; *spare is used up if one was split. */
static struct km_seg *
seg_take(vsize_t size, struct km_seg **spare)
{
	struct km_seg key, *s, *rest = *spare;

	key.s_start = 0;
	key.s_end = size;
	spin_enter(&km_lock);
	s = RB_NFIND(km_size, &km_size, &key);
	if (s != NULL) {
		RB_REMOVE(km_size, &km_size, s);
		s->s_free = false;
		TAILQ_INIT(&s->s_pages);
		if (s->s_end - s->s_start > size) {
			rest->s_start = s->s_start + size;
			rest->s_end = s->s_end;
			rest->s_free = true;
			s->s_end = rest->s_start;
			RB_INSERT(km_addr, &km_addr, rest);
			RB_INSERT(km_size, &km_size, rest);
			*spare = NULL;
		}
	}
	spin_exit(&km_lock);
	return s;
}

/* Give a segment back, merged with its free neighbours. */
static void
seg_release(struct km_seg *s)
{
	struct km_seg *prev, *next, *dead[2] = { NULL, NULL };

	spin_enter(&km_lock);
	prev = RB_PREV(km_addr, &km_addr, s);
	next = RB_NEXT(km_addr, &km_addr, s);
	if (next != NULL && next->s_free) {
		RB_REMOVE(km_size, &km_size, next);
		RB_REMOVE(km_addr, &km_addr, next);
		s->s_end = next->s_end;
		dead[0] = next;
	}
	if (prev != NULL && prev->s_free) {
		RB_REMOVE(km_size, &km_size, prev);
		RB_REMOVE(km_addr, &km_addr, s);
		prev->s_end = s->s_end;
		dead[1] = s;
		s = prev;
	}
	s->s_free = true;
	RB_INSERT(km_size, &km_size, s);
	spin_exit(&km_lock);
	for (int i = 0; i < 2; i++) {
		if (dead[i] != NULL)
			kmem_cache_free(seg_cache, dead[i]);
	}
}

/* Free what is mapped in a segment. */
static void
seg_unmap(struct km_seg *s, vaddr_t va, size_t npages)
{
	struct vm_page *pg;

	if (npages > 0)
		pmap_kremove(va, npages * PAGE_SIZE);
	while ((pg = TAILQ_FIRST(&s->s_pages)) != NULL) {
		TAILQ_REMOVE(&s->s_pages, pg, pg_list);
		pg->pg_flags &= ~PG_KMEM;
		(void)atomic_sub(&uvmexp.kmem, 1);
		uvm_pagefree(pg);
	}
}

/* Fill [va, va + npages) with fresh pages. */
static int
seg_map(struct km_seg *s, vaddr_t va, size_t npages, int flags)
{
	struct vm_page *pgs[KM_BATCH], *pg;
	int pgaflags = (flags & UVM_KM_NOSLEEP) != 0 ?
	    UVM_PGA_NOSLEEP | UVM_PGA_ATOMIC : 0;
	size_t done = 0;
	unsigned int n;
	int error;

	if ((flags & UVM_KM_ZERO) != 0)
		pgaflags |= UVM_PGA_ZERO;
	while (done < npages) {
		for (n = 0; n < KM_BATCH && done + n < npages; n++) {
			pg = uvm_pagealloc(pgaflags);
			if (pg == NULL)
				goto fail;
			pg->pg_flags |= PG_KMEM;
			(void)atomic_add(&uvmexp.kmem, 1);
			TAILQ_INSERT_TAIL(&s->s_pages, pg, pg_list);
			pgs[n] = pg;
		}
		error = pmap_kenter_pages(va + done * PAGE_SIZE, pgs, n,
		    PROT_READ | PROT_WRITE);
		done += n;	/* a part may be mapped even so */
		if (error != 0)
			goto fail;
	}
	return 0;
fail:
	seg_unmap(s, va, done);
	return ENOMEM;
}

/*
 * Address space of `size` bytes (a whole number of pages), with memory unless
 * UVM_KM_VAONLY.  Any context with UVM_KM_NOSLEEP, else thread context.
 */
vaddr_t
uvm_km_alloc(vsize_t size, int flags)
{
	vsize_t guard = (flags & UVM_KM_GUARD) != 0 ? PAGE_SIZE : 0;
	int kmflags = (flags & UVM_KM_NOSLEEP) != 0 ? KM_NOSLEEP : KM_SLEEP;
	struct km_seg *s, *spare;

	KASSERT(size != 0 && (size & PAGE_MASK) == 0);
	if (size > KVA_END - KVA_BASE - 2 * PAGE_SIZE)
		return 0;
	if ((flags & UVM_KM_VAONLY) == 0 && size / PAGE_SIZE > uvmexp.total)
		return 0;
	spare = kmem_cache_alloc(seg_cache, kmflags);
	if (spare == NULL)
		return 0;
	memset(spare, 0, sizeof(*spare));
	s = seg_take(size + 2 * guard, &spare);
	if (spare != NULL)
		kmem_cache_free(seg_cache, spare);
	if (s == NULL)
		return 0;
	if ((flags & UVM_KM_VAONLY) == 0 &&
	    seg_map(s, s->s_start + guard, size / PAGE_SIZE, flags) != 0) {
		seg_release(s);
		return 0;
	}
	return s->s_start + guard;
}

/* The flags are those of the allocation: guard pages, address space only. */
void
uvm_km_free(vaddr_t va, vsize_t size, int flags)
{
	vsize_t guard = (flags & UVM_KM_GUARD) != 0 ? PAGE_SIZE : 0;
	struct km_seg key, *s;

	key.s_start = va - guard;
	spin_enter(&km_lock);
	s = RB_FIND(km_addr, &km_addr, &key);
	spin_exit(&km_lock);
	if (s == NULL || s->s_free || s->s_end - s->s_start != size + 2 * guard)
		panic("uvm_km_free: %#zx, %zu bytes were not allocated",
		    (size_t)va, (size_t)size);
	if ((flags & UVM_KM_VAONLY) == 0)
		seg_unmap(s, va, size / PAGE_SIZE);
	seg_release(s);
}
