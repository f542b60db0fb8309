/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous objects: shared anonymous memory, memfd, tmpfs files.
 *
 * Overview: a page comes into being, zeroed, when it is first needed for
 * writing or mapped; what was never touched reads as zeros and costs nothing.
 * Every page counts as dirty: memory is the only place where it is.
 *
 * Invariant: behind the end, up to the end of the last page, there are zeros
 * as far as read and write go; a mapping may have put other bytes there, which
 * is why a resize clears that tail.
 *
 * Locking: uo_lock for ao_size and the pages.
 */
#include <uvm/uvm_impl.h>

struct uvm_aobj {
	struct uvm_object ao_obj;
	uint64_t	ao_size;	/* [l] bytes */
};

static struct kmem_cache *aobj_cache;

static void	aobj_reference(struct uvm_object *);
static void	aobj_detach(struct uvm_object *);
static int	aobj_get(struct uvm_object *, uint64_t, bool,
		    struct vm_page **);
static int	aobj_put(struct uvm_object *, uint64_t, uint64_t, int);

static const struct uvm_pagerops aobj_ops = {
	.pgo_reference = aobj_reference,
	.pgo_detach = aobj_detach,
	.pgo_get = aobj_get,
	.pgo_put = aobj_put,
	.pgo_flags = PGOF_ANON,
};

void
uvm_aobj_sysinit(void)
{
	aobj_cache = kmem_cache_create("aobj", sizeof(struct uvm_aobj), 0);
	if (aobj_cache == NULL)
		panic("uvm: no memory for anonymous objects");
}

static struct uvm_aobj *
aobj_of(struct uvm_object *uo)
{
	KASSERT(uo->uo_ops == &aobj_ops);
	return container_of(uo, struct uvm_aobj, ao_obj);
}

bool
uvm_object_is_aobj(const struct uvm_object *uo)
{
	return uo->uo_ops == &aobj_ops;
}

/* Thread context, may sleep. */
struct uvm_object *
uvm_aobj_create(uint64_t size)
{
	struct uvm_aobj *ao = kmem_cache_alloc(aobj_cache, KM_SLEEP);

	if (ao == NULL)
		return NULL;
	uvm_obj_init(&ao->ao_obj, &aobj_ops);
	ao->ao_size = size;
	return &ao->ao_obj;
}

static void
aobj_reference(struct uvm_object *uo)
{
	refcount_get(&uo->uo_ref);
}

static void
aobj_detach(struct uvm_object *uo)
{
	if (!refcount_put(&uo->uo_ref))
		return;
	mutex_enter(&uo->uo_lock);
	uvm_obj_free_range(uo, 0, UINT64_MAX);
	mutex_exit(&uo->uo_lock);
	uvm_obj_fini(uo);
	kmem_cache_free(aobj_cache, aobj_of(uo));
}

/* Never sleeps and never unlocks. */
static int
aobj_get(struct uvm_object *uo, uint64_t off, bool for_write __unused,
    struct vm_page **res)
{
	struct uvm_aobj *ao = aobj_of(uo);
	struct vm_page *pg;

	KASSERT((off & PAGE_MASK) == 0);
	if (off >= ao->ao_size)
		return EFAULT;
	pg = uvm_obj_lookup(uo, off);
	if (pg == NULL) {
		pg = uvm_pagealloc(UVM_PGA_ZERO | UVM_PGA_NOSLEEP);
		if (pg == NULL)
			return ENOMEM;
		if (uvm_obj_insert(uo, pg, off) != 0) {
			uvm_pagefree(pg);
			return ENOMEM;
		}
		pg->pg_flags |= PG_DIRTY;
	}
	*res = pg;
	return 0;
}

static int
aobj_put(struct uvm_object *uo __unused, uint64_t start __unused,
    uint64_t end __unused, int flags __unused)
{
	return 0;		/* there is nowhere else to put it */
}

uint64_t
uvm_aobj_size(struct uvm_object *uo)
{
	uint64_t size;

	mutex_enter(&uo->uo_lock);
	size = aobj_of(uo)->ao_size;
	mutex_exit(&uo->uo_lock);
	return size;
}

/* Clear from byte `from` to the end of its page, if there is such a page. */
static void
aobj_clear_tail(struct uvm_object *uo, uint64_t from)
{
	size_t in = (size_t)(from & PAGE_MASK);
	struct vm_page *pg;

	if (in == 0)
		return;
	pg = uvm_obj_lookup(uo, trunc_page(from));
	if (pg != NULL)
		memset((char *)VM_PAGE_TO_KVA(pg) + in, 0, PAGE_SIZE - in);
}

/* Thread context.  Object unlocked; EFBIG: no page number for the end. */
int
uvm_aobj_resize(struct uvm_object *uo, uint64_t size)
{
	struct uvm_aobj *ao = aobj_of(uo);

	if (size > INT64_MAX - PAGE_MASK ||
	    (size + PAGE_MASK) >> PAGE_SHIFT > SIZE_MAX)
		return EFBIG;
	mutex_enter(&uo->uo_lock);
	aobj_clear_tail(uo, MIN(size, ao->ao_size));
	if (size < ao->ao_size)
		uvm_obj_free_range(uo, round_page(size), UINT64_MAX);
	ao->ao_size = size;
	mutex_exit(&uo->uo_lock);
	return 0;
}
