/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap, munmap, mprotect, mremap and brk.
 *
 * Overview: each works in the order check, allocate, change: after the first
 * change to the map nothing can fail.  What the caller wants present at once
 * (MAP_POPULATE, locked memory) is faulted in after unlocking; as on Linux, a
 * failure of that is not one of the call.
 *
 * Locking: m_lock as writer.
 */
#include <sys/file.h>
#include <uvm/uvm_impl.h>

#define	LOW_START	0x40000000UL	/* where MAP_32BIT looks */
#define	LOW_END		0x80000000UL

/* Round up to pages; 0 if it does not fit into an address space. */
static vsize_t
page_size_of(vsize_t size)
{
	return size > VM_MAX_ADDRESS ? 0 : round_page(size);
}

static bool
range_ok(const struct vm_map *map, vaddr_t va, vsize_t size)
{
	return va >= map->m_min && va < map->m_max && size <= map->m_max - va;
}

/* A place for a new mapping: the hint, or the highest below the mmap base. */
static int
choose_place(struct vmspace *vm, vaddr_t hint, vsize_t size, int flags,
    vaddr_t *va)
{
	struct vm_map *map = &vm->vm_map;
	vaddr_t top = vm->vm_mmap_top;

	if ((flags & MAP_32BIT) != 0)
		return uvm_map_find(map, LOW_START,
		    MIN(LOW_END, map->m_max), size, va) ? 0 : ENOMEM;
	hint = round_page(hint);
	if (hint != 0 && range_ok(map, hint, size)) {
		/* With a look at the gap below a stack above. */
		if (uvm_map_find(map, hint, hint + size, size, va))
			return 0;
	}
	if (uvm_map_find(map, map->m_min, top, size, va) ||
	    uvm_map_find(map, top, map->m_max, size, va))
		return 0;
	return ENOMEM;
}

/* How many bytes of [start, end) are mapped: they will be replaced. */
static void
range_sums(struct vm_map *map, vaddr_t start, vaddr_t end, vsize_t *size,
    vsize_t *data)
{
	struct vm_map_entry *e;
	vsize_t n;

	*size = *data = 0;
	for (e = uvm_map_lookup_ge(map, start);
	    e != NULL && e->e_start < end; e = uvm_map_next(e)) {
		n = MIN(e->e_end, end) - MAX(e->e_start, start);
		*size += n;
		if (uvm_entry_is_data(e))
			*data += n;
	}
}

/* The limits for a new mapping that replaces what is in its place. */
static int
mmap_limits(struct vmspace *vm, const struct vm_map_entry *e)
{
	struct vm_map *map = &vm->vm_map;
	vsize_t size, data, want = e->e_end - e->e_start;
	bool isdata = uvm_entry_is_data(e);

	range_sums(map, e->e_start, e->e_end, &size, &data);
	if (uvm_map_limits(vm, want > size ? want - size : 0, false) != 0)
		return ENOMEM;
	if (isdata && want > data && uvm_map_limits(vm, want - data, true) != 0)
		return ENOMEM;
	return 0;
}

static unsigned int
entry_flags(const struct vmspace *vm, const struct uvm_mapargs *a)
{
	unsigned int f = a->eflags;

	if ((a->flags & MAP_TYPE) != MAP_PRIVATE)
		f |= ME_SHARED;
	if ((a->flags & MAP_GROWSDOWN) != 0)
		f |= ME_GROWSDOWN;
	if ((a->flags & MAP_NORESERVE) != 0)
		f |= ME_NORESERVE;
	if ((a->flags & MAP_LOCKED) != 0 ||
	    (vm->vm_mlock_future & MCL_FUTURE) != 0)
		f |= ME_WIRED;
	return f;
}

/* Check the arguments; Linux's errors. */
static int
mmap_check(const struct vmspace *vm, const struct uvm_mapargs *a)
{
	bool fixed = (a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
	const struct vm_map *map = &vm->vm_map;

	if (a->size == 0 || (a->size & PAGE_MASK) != 0 ||
	    (a->offset & PAGE_MASK) != 0)
		return EINVAL;
	if (a->size > map->m_max - map->m_min)
		return ENOMEM;
	if (a->object != NULL && a->offset + a->size < a->offset)
		return EOVERFLOW;
	if ((a->prot & ~a->maxprot) != 0)
		return EACCES;
	if (!fixed)
		return 0;
	if ((a->va & PAGE_MASK) != 0)
		return EINVAL;
	if (a->va < map->m_min)
		return EPERM;
	return range_ok(map, a->va, a->size) ? 0 : ENOMEM;
}

/* Find the place and put the entry there; map locked as writer. */
static int
mmap_locked(struct vmspace *vm, const struct uvm_mapargs *a,
    struct vm_map_entry *e, struct entry_list *dead)
{
	struct vm_map *map = &vm->vm_map;
	vaddr_t start = a->va;
	int error;

	if ((a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0) {
		error = choose_place(vm, a->va, a->size, a->flags, &start);
		if (error != 0)
			return error;
	} else if ((a->flags & MAP_FIXED_NOREPLACE) != 0 &&
	    !uvm_map_range_free(map, start, start + a->size)) {
		return EEXIST;
	}
	e->e_start = start;
	e->e_end = start + a->size;
	e->e_flags = entry_flags(vm, a);
	error = map->m_nentries >= UVM_MAP_ENTRIES ? ENOMEM :
	    mmap_limits(vm, e);
	if (error == 0)
		error = uvm_map_unmap(vm, e->e_start, e->e_end, dead);
	if (error != 0)
		return error;
	uvm_map_insert(map, e);
	if ((e->e_flags & ME_WIRED) != 0)
		uvm_map_wired(vm, atop(a->size), true);
	uvm_map_merge(map, start, start + a->size, dead);
	return 0;
}

/* The entry for a mapping; shared memory without a file gets its object. */
static int
mmap_entry(const struct uvm_mapargs *a, struct vm_map_entry **res)
{
	bool shared = (a->flags & MAP_TYPE) != MAP_PRIVATE;
	struct vm_map_entry *e;

	if ((a->flags & MAP_NORESERVE) == 0 && uvm_overcommits(a->size) &&
	    (shared ? a->object == NULL : (a->prot & PROT_WRITE) != 0))
		return ENOMEM;
	e = uvm_entry_alloc();
	if (e == NULL)
		return ENOMEM;
	e->e_prot = a->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
	e->e_maxprot = a->maxprot;
	e->e_object = a->object;
	e->e_offset = a->object != NULL ? a->offset : 0;
	e->e_file = a->file;
	if (shared && a->object == NULL) {
		e->e_object = uvm_aobj_create(a->size);
		if (e->e_object == NULL) {
			uvm_entry_free(e);
			return ENOMEM;
		}
	}
	*res = e;
	return 0;
}

int
uvm_mmap(struct vmspace *vm, const struct uvm_mapargs *a, vaddr_t *va)
{
	struct entry_list dead = { NULL };
	struct vm_map_entry *e;
	bool wired;
	vaddr_t start;
	int error;

	error = mmap_check(vm, a);
	if (error != 0)
		return error;
	error = mmap_entry(a, &e);
	if (error != 0)
		return error;
	rw_enter(&vm->vm_map.m_lock, RW_WRITER);
	error = mmap_locked(vm, a, e, &dead);
	/* The entry may be merged and dead by now. */
	if (error == 0 && a->file != NULL)
		(void)file_get(a->file);
	start = e->e_start;
	wired = (e->e_flags & ME_WIRED) != 0 &&
	    (vm->vm_mlock_future & MCL_ONFAULT) == 0;
	rw_exit(&vm->vm_map.m_lock);
	uvm_entries_release(&dead);
	if (error != 0) {
		if (e->e_object != a->object)
			e->e_object->uo_ops->pgo_detach(e->e_object);
		uvm_entry_free(e);
		return error;
	}
	if (a->prot != PROT_NONE &&
	    (wired || ((a->flags & MAP_POPULATE) != 0 &&
	    (a->flags & MAP_NONBLOCK) == 0)))
		(void)uvm_populate(vm, start, start + a->size, 0);
	*va = start;
	return 0;
}

/* EINVAL: not a whole number of pages, or none; ENOMEM: nothing was done. */
int
uvm_unmap(struct vmspace *vm, vaddr_t va, vsize_t size)
{
	struct entry_list dead = { NULL };
	int error;

	size = page_size_of(size);
	if ((va & PAGE_MASK) != 0 || size == 0 || va > VM_MAX_ADDRESS ||
	    size > VM_MAX_ADDRESS - va)
		return EINVAL;
	rw_enter(&vm->vm_map.m_lock, RW_WRITER);
	error = uvm_map_unmap(vm, va, va + size, &dead);
	rw_exit(&vm->vm_map.m_lock);
	uvm_entries_release(&dead);
	return error;
}

/* -- mprotect -- */

/* One entry, wholly inside the range; map locked as writer. */
static int
protect_entry(struct vmspace *vm, struct vm_map_entry *e, vm_prot_t prot)
{
	struct vm_map *map = &vm->vm_map;
	vm_prot_t old = e->e_prot;
	vsize_t size = e->e_end - e->e_start;

	if ((prot & ~e->e_maxprot) != 0)
		return EACCES;
	if (prot == old)
		return 0;
	if ((prot & ~old & PROT_WRITE) != 0 &&
	    (e->e_flags & (ME_SHARED | ME_GROWSDOWN)) == 0) {
		if (map->m_data + size > uvm_limit(RLIMIT_DATA) ||
		    ((e->e_flags & ME_NORESERVE) == 0 &&
		    uvm_overcommits(size)))
			return ENOMEM;
	}
	uvm_entry_setflags(map, e, prot, e->e_flags);
	if (prot == PROT_NONE)
		pmap_remove(map->m_pmap, e->e_start, e->e_end);
	else if ((old & ~prot) != 0)
		pmap_protect(map->m_pmap, e->e_start, e->e_end, prot);
	return 0;
}

/*
 * As on Linux, entries before the first that fails are changed.  EINVAL,
 * ENOMEM (a hole, or no memory), EACCES.
 */
int
uvm_protect(struct vmspace *vm, vaddr_t va, vsize_t size, vm_prot_t prot)
{
	struct entry_list dead = { NULL };
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;
	bool growsdown = (prot & PROT_GROWSDOWN) != 0;
	vaddr_t start = va, end;
	int error = 0;

	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	if ((va & PAGE_MASK) != 0)
		return EINVAL;
	if (size == 0)
		return 0;
	size = page_size_of(size);
	if (size == 0 || !range_ok(map, va, size))
		return ENOMEM;
	end = va + size;
	rw_enter(&map->m_lock, RW_WRITER);
	e = uvm_map_lookup(map, va);
	if (growsdown && e != NULL) {
		if ((e->e_flags & ME_GROWSDOWN) == 0)
			error = EINVAL;
		start = va = e->e_start;
	}
	while (error == 0 && va < end) {
		e = uvm_map_lookup(map, va);
		if (e == NULL) {
			error = ENOMEM;
			break;
		}
		if ((prot & ~e->e_maxprot) != 0) {
			error = EACCES;
			break;
		}
		if (e->e_prot != prot) {
			error = uvm_map_clip(map, va);
			if (error == 0)
				error = uvm_map_clip(map, end);
			if (error != 0)
				break;
			e = uvm_map_lookup(map, va);
			error = protect_entry(vm, e, prot);
		}
		va = e->e_end;
	}
	uvm_map_merge(map, start, end, &dead);
	rw_exit(&map->m_lock);
	uvm_entries_release(&dead);
	return error;
}

/* -- mremap -- */

struct remap {
	vaddr_t		old, new;
	vsize_t		oldsz, newsz;
	int		flags;
};

/* Decode step: nothing is changed. */
static int
remap_check(struct vmspace *vm, struct remap *r)
{
	struct vm_map *map = &vm->vm_map;

	if ((r->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED |
	    MREMAP_DONTUNMAP)) != 0 || (r->old & PAGE_MASK) != 0)
		return EINVAL;
	if ((r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 &&
	    (r->flags & MREMAP_MAYMOVE) == 0)
		return EINVAL;
	if (r->newsz == 0 || r->newsz > VM_MAX_ADDRESS ||
	    r->oldsz > VM_MAX_ADDRESS)
		return EINVAL;
	r->oldsz = round_page(r->oldsz);
	r->newsz = round_page(r->newsz);
	if ((r->flags & MREMAP_DONTUNMAP) != 0 && r->oldsz != r->newsz)
		return EINVAL;
	if ((r->flags & MREMAP_FIXED) == 0)
		return 0;
	if ((r->new & PAGE_MASK) != 0 || !range_ok(map, r->new, r->newsz))
		return EINVAL;
	if (r->new < r->old + r->oldsz && r->old < r->new + r->newsz)
		return EINVAL;
	return 0;
}

/* The limits for `more` bytes like those of an entry. */
static int
remap_limits(struct vmspace *vm, const struct vm_map_entry *e, vsize_t more)
{
	bool data = uvm_entry_is_data(e);

	if (data && (e->e_flags & ME_NORESERVE) == 0 && uvm_overcommits(more))
		return ENOMEM;
	return uvm_map_limits(vm, more, data);
}

/* Is there room behind the entry, which ends where the old range ends? */
static bool
remap_in_place(struct vmspace *vm, const struct remap *r,
    const struct vm_map_entry *e)
{
	struct vm_map *map = &vm->vm_map;
	vaddr_t va;
	vsize_t more = r->newsz - r->oldsz;

	return e->e_end == r->old + r->oldsz && r->newsz > r->oldsz &&
	    range_ok(map, r->old, r->newsz) &&
	    uvm_map_find(map, e->e_end, e->e_end + more, more, &va);
}

/*
 * Move [old, oldsz), which is exactly entry e, to r->new, where nothing is.
 * oldsz 0: a second mapping of the same object.
 */
static int
remap_move(struct vmspace *vm, const struct remap *r, struct vm_map_entry *e,
    uint64_t offset, struct entry_list *dead)
{
	struct vm_map *map = &vm->vm_map;
	vsize_t n = MIN(r->oldsz, r->newsz);
	struct vm_map_entry *ne = uvm_entry_alloc();
	int error;

	if (ne == NULL)
		return ENOMEM;
	if (map->m_nentries >= UVM_MAP_ENTRIES) {
		uvm_entry_free(ne);
		return ENOMEM;
	}
	*ne = *e;
	ne->e_start = r->new;
	ne->e_end = r->new + r->newsz;
	ne->e_offset = offset;
	if (n > 0 && (e->e_flags & ME_SHARED) == 0) {
		/* No slot may change under way, nor be used by others. */
		pmap_remove(map->m_pmap, r->old, r->old + n);
		error = uvm_amap_move(&vm->vm_amap, r->old, r->new, n);
		if (error != 0) {
			uvm_entry_free(ne);
			return error;
		}
	}
	uvm_entry_ref(ne);
	uvm_map_insert(map, ne);
	if ((ne->e_flags & ME_WIRED) != 0)
		uvm_map_wired(vm, atop(r->newsz), true);
	if ((r->flags & MREMAP_DONTUNMAP) == 0 && r->oldsz > 0) {
		/* The borders are clipped: this cannot fail. */
		error = uvm_map_unmap(vm, r->old, r->old + r->oldsz, dead);
		KASSERT(error == 0);
	}
	uvm_map_merge(map, r->new, r->new + r->newsz, dead);
	return 0;
}

/* Map locked as writer; the arguments are checked. */
static int
remap_locked(struct vmspace *vm, struct remap *r, struct entry_list *dead)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e = uvm_map_lookup(map, r->old);
	uint64_t offset;
	vsize_t more;
	int error;

	if (e == NULL || r->oldsz > e->e_end - r->old)
		return EFAULT;
	if (r->oldsz == 0 && (e->e_flags & ME_SHARED) == 0)
		return EINVAL;
	if (r->newsz <= r->oldsz && r->oldsz > 0 &&
	    (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0) {
		r->new = r->old;
		return r->newsz == r->oldsz ? 0 : uvm_map_unmap(vm,
		    r->old + r->newsz, r->old + r->oldsz, dead);
	}
	more = r->newsz > r->oldsz ? r->newsz - r->oldsz : 0;
	if ((r->flags & MREMAP_DONTUNMAP) != 0)
		more = r->newsz;
	error = remap_limits(vm, e, more);
	if (error != 0)
		return error;
	if ((r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0 &&
	    r->oldsz > 0 && remap_in_place(vm, r, e)) {
		r->new = r->old;
		uvm_map_resize(map, e, e->e_start, e->e_end + more);
		if ((e->e_flags & ME_WIRED) != 0)
			uvm_map_wired(vm, atop(more), true);
		uvm_map_merge(map, r->old, r->old + r->newsz, dead);
		return 0;
	}
	if ((r->flags & MREMAP_MAYMOVE) == 0)
		return ENOMEM;
	offset = e->e_offset;
	if (e->e_object != NULL)
		offset += r->old - e->e_start;
	if (r->oldsz > 0) {
		error = uvm_map_clip(map, r->old);
		if (error == 0)
			error = uvm_map_clip(map, r->old + r->oldsz);
		if (error != 0)
			return error;
	}
	if ((r->flags & MREMAP_FIXED) != 0)
		error = uvm_map_unmap(vm, r->new, r->new + r->newsz, dead);
	else
		error = choose_place(vm, 0, r->newsz, 0, &r->new);
	if (error != 0)
		return error;
	e = uvm_map_lookup(map, r->old);	/* it may have been cut */
	return e == NULL ? EFAULT : remap_move(vm, r, e, offset, dead);
}

/* EINVAL, EFAULT (no such mapping), ENOMEM. */
int
uvm_mremap(struct vmspace *vm, vaddr_t old, vsize_t oldsz, vsize_t newsz,
    int flags, vaddr_t newva, vaddr_t *va)
{
	struct remap r = { old, newva, oldsz, newsz, flags };
	struct entry_list dead = { NULL };
	struct vm_map_entry *e;
	bool wired = false;
	int error;

	error = remap_check(vm, &r);
	if (error != 0)
		return error;
	rw_enter(&vm->vm_map.m_lock, RW_WRITER);
	error = remap_locked(vm, &r, &dead);
	if (error == 0 && (e = uvm_map_lookup(&vm->vm_map, r.new)) != NULL)
		wired = (e->e_flags & ME_WIRED) != 0;
	rw_exit(&vm->vm_map.m_lock);
	uvm_entries_release(&dead);
	if (error != 0)
		return error;
	if (wired && r.newsz > r.oldsz)
		(void)uvm_populate(vm, r.new, r.new + r.newsz, 0);
	*va = r.new;
	return 0;
}

/* -- brk -- */

static int
brk_grow(struct vmspace *vm, vaddr_t from, vaddr_t to, struct entry_list *dead)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;
	vaddr_t va;

	/* The search knows of the gap below a stack. */
	if (to > map->m_max || map->m_nentries >= UVM_MAP_ENTRIES ||
	    !uvm_map_find(map, from, to, to - from, &va) ||
	    uvm_overcommits(to - from) ||
	    uvm_map_limits(vm, to - from, true) != 0)
		return ENOMEM;
	e = uvm_entry_alloc();
	if (e == NULL)
		return ENOMEM;
	e->e_start = from;
	e->e_end = to;
	e->e_prot = PROT_READ | PROT_WRITE;
	e->e_maxprot = PROT_READ | PROT_WRITE | PROT_EXEC;
	e->e_flags = ME_HEAP;
	if ((vm->vm_mlock_future & MCL_FUTURE) != 0) {
		e->e_flags |= ME_WIRED;
		uvm_map_wired(vm, atop(to - from), true);
	}
	uvm_map_insert(map, e);
	uvm_map_merge(map, from, to, dead);
	return 0;
}

void
uvm_brk(struct vmspace *vm, vaddr_t *brk)
{
	struct entry_list dead = { NULL };
	uint64_t max = uvm_limit(RLIMIT_DATA);
	vaddr_t new = *brk, from = 0, to = 0;
	int error = 0;

	rw_enter(&vm->vm_map.m_lock, RW_WRITER);
	*brk = vm->vm_brk;
	if (new < vm->vm_brk_start || new > vm->vm_map.m_max ||
	    (new > vm->vm_brk && (new - vm->vm_brk_start) +
	    (vm->vm_data_end - vm->vm_data_start) > max))
		goto out;
	from = round_page(vm->vm_brk);
	to = round_page(new);
	if (to > from)
		error = brk_grow(vm, from, to, &dead);
	else if (to < from)
		error = uvm_map_unmap(vm, to, from, &dead);
	if (error == 0)
		*brk = vm->vm_brk = new;
out:
	rw_exit(&vm->vm_map.m_lock);
	uvm_entries_release(&dead);
	if (error == 0 && to > from && (vm->vm_mlock_future & MCL_FUTURE) != 0)
		(void)uvm_populate(vm, from, to, 0);
}
