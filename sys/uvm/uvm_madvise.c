/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madvise, msync, mincore, mlock: what is done to a range of a mapping.
 *
 * Overview: all of them go entry by entry.  A hole makes the result ENOMEM but
 * does not keep the rest from being done, as on Linux.
 *
 * Locking: m_lock, as writer where slots are emptied or entries change.  A file
 * system is called without it.
 */
#include <uvm/uvm_impl.h>

/* The range as [start, end); EINVAL or ENOMEM. */
static int
range_of(const struct vmspace *vm, vaddr_t va, vsize_t size, vaddr_t *end)
{
	if ((va & PAGE_MASK) != 0)
		return EINVAL;
	if (size > VM_MAX_ADDRESS)
		return EINVAL;
	size = round_page(size);
	if (va > vm->vm_map.m_max || size > vm->vm_map.m_max - va)
		return ENOMEM;
	*end = va + size;
	return 0;
}

/* -- madvise -- */

/* Throw private pages away; the next access finds what is below. */
static int
advise_dontneed(struct vmspace *vm, struct vm_map_entry *e, vaddr_t start,
    vaddr_t end, int advice)
{
	if ((e->e_flags & ME_WIRED) != 0)
		return EINVAL;
	if (advice == MADV_FREE &&
	    ((e->e_flags & ME_SHARED) != 0 || e->e_object != NULL))
		return EINVAL;
	pmap_remove(vm->vm_map.m_pmap, start, end);
	if ((e->e_flags & ME_SHARED) == 0)
		uvm_amap_wipe(&vm->vm_amap, start, end);
	return 0;
}

/* Punch a hole into shared anonymous memory or a tmpfs file. */
static int
advise_remove(struct vm_map_entry *e, vaddr_t start, vaddr_t end)
{
	struct uvm_object *uo = e->e_object;
	uint64_t off;

	if ((e->e_flags & ME_SHARED) == 0 || !uvm_object_is_aobj(uo))
		return EINVAL;
	if ((e->e_maxprot & PROT_WRITE) == 0)
		return EACCES;
	off = e->e_offset + (start - e->e_start);
	mutex_enter(&uo->uo_lock);
	uvm_obj_free_range(uo, off, off + (end - start));
	mutex_exit(&uo->uo_lock);
	return 0;
}

/* Change flags of [start, end), which lies in one entry. */
static int
advise_flags(struct vmspace *vm, vaddr_t start, vaddr_t end, unsigned int set,
    unsigned int clear)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;
	int error;

	error = uvm_map_clip(map, start);
	if (error == 0)
		error = uvm_map_clip(map, end);
	if (error != 0)
		return error;
	e = uvm_map_lookup(map, start);
	uvm_entry_setflags(map, e, e->e_prot, (e->e_flags & ~clear) | set);
	return 0;
}

static int
advise_entry(struct vmspace *vm, struct vm_map_entry *e, vaddr_t start,
    vaddr_t end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
		return advise_dontneed(vm, e, start, end, advice);
	case MADV_REMOVE:
		return advise_remove(e, start, end);
	case MADV_DONTFORK:
		return advise_flags(vm, start, end, ME_DONTFORK, 0);
	case MADV_DOFORK:
		return advise_flags(vm, start, end, 0, ME_DONTFORK);
	case MADV_DONTDUMP:
		return advise_flags(vm, start, end, ME_DONTDUMP, 0);
	case MADV_DODUMP:
		return advise_flags(vm, start, end, 0, ME_DONTDUMP);
	case MADV_WIPEONFORK:
		if ((e->e_flags & ME_SHARED) != 0 || e->e_object != NULL)
			return EINVAL;
		return advise_flags(vm, start, end, ME_WIPEONFORK, 0);
	case MADV_KEEPONFORK:
		return advise_flags(vm, start, end, 0, ME_WIPEONFORK);
	default:
		return 0;		/* a hint that changes nothing here */
	}
}

static bool
advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

int
uvm_madvise(struct vmspace *vm, vaddr_t va, vsize_t size, int advice)
{
	struct entry_list dead = { NULL };
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;
	vaddr_t start = va, end, stop;
	bool hole = false;
	int error;

	if (!advice_known(advice))
		return EINVAL;
	error = range_of(vm, va, size, &end);
	if (error != 0)
		return EINVAL;
	if (start == end)
		return 0;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE) {
		error = uvm_populate(vm, start, end,
		    advice == MADV_POPULATE_READ ? PROT_READ : PROT_WRITE);
		return error == EFAULT ? ENOMEM : error == EACCES ? EINVAL :
		    error == EIO ? EFAULT : error;
	}
	if (advice == MADV_PAGEOUT)
		uvm_swapout_range(vm, start, end);
	rw_enter(&map->m_lock, RW_WRITER);
	while (va < end && error == 0) {
		e = uvm_map_lookup_ge(map, va);
		if (e == NULL || e->e_start >= end) {
			hole = true;
			break;
		}
		if (e->e_start > va) {
			hole = true;
			va = e->e_start;
		}
		stop = MIN(e->e_end, end);
		error = advise_entry(vm, e, va, stop, advice);
		va = stop;
	}
	uvm_map_merge(map, start, end, &dead);
	rw_exit(&map->m_lock);
	uvm_entries_release(&dead);
	return error != 0 ? error : hole ? ENOMEM : 0;
}

/* -- msync -- */

/*
 * The next piece of the range: an object to be written back, referenced.
 * EBUSY: it is locked in memory and was not to be.
 */
static int
sync_next(struct vmspace *vm, vaddr_t *va, vaddr_t end, bool unlocked,
    uint64_t *off, vsize_t *len, bool *hole, struct uvm_object **uop)
{
	struct vm_map *map = &vm->vm_map;
	struct uvm_object *uo = NULL;
	struct vm_map_entry *e;
	int error = 0;

	rw_enter(&map->m_lock, RW_READER);
	e = uvm_map_lookup_ge(map, *va);
	if (e == NULL || e->e_start >= end) {
		*hole = true;
		*va = end;
	} else if (unlocked && (e->e_flags & ME_WIRED) != 0) {
		error = EBUSY;
	} else {
		if (e->e_start > *va) {
			*hole = true;
			*va = e->e_start;
		}
		*len = MIN(e->e_end, end) - *va;
		*off = e->e_offset + (*va - e->e_start);
		*va += *len;
		if ((e->e_flags & ME_SHARED) != 0) {
			uo = e->e_object;
			uo->uo_ops->pgo_reference(uo);
		}
	}
	rw_exit(&map->m_lock);
	*uop = uo;
	return error;
}

int
uvm_msync(struct vmspace *vm, vaddr_t va, vsize_t size, int flags)
{
	struct uvm_object *uo;
	vaddr_t end;
	vsize_t len = 0;
	uint64_t off = 0;
	bool hole = false;
	int error, ret = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return EINVAL;
	error = range_of(vm, va, size, &end);
	if (error != 0)
		return error;
	while (va < end) {
		error = sync_next(vm, &va, end, (flags & MS_INVALIDATE) != 0,
		    &off, &len, &hole, &uo);
		if (error != 0)
			return error;
		if (uo == NULL)
			continue;
		if ((flags & MS_SYNC) != 0) {
			mutex_enter(&uo->uo_lock);
			error = uo->uo_ops->pgo_put(uo, off, off + len, flags);
			mutex_exit(&uo->uo_lock);
			if (ret == 0)
				ret = error;
		}
		uo->uo_ops->pgo_detach(uo);
	}
	return ret != 0 ? ret : hole ? ENOMEM : 0;
}

/* -- mincore -- */

/* Map locked. */
static bool
in_memory(struct vmspace *vm, const struct vm_map_entry *e, vaddr_t va)
{
	struct uvm_object *uo = e->e_object;
	struct mutex *block = uvm_amap_block(&vm->vm_amap, va);
	struct vm_anon *an;
	bool resident = false;

	if ((e->e_flags & ME_SHARED) == 0) {
		mutex_enter(block);
		an = uvm_amap_get(&vm->vm_amap, va);
		resident = an != NULL &&
		    atomic_load_relaxed(&an->an_page) != NULL;
		mutex_exit(block);
		if (an != NULL)
			return resident;
	}
	if (uo != NULL) {
		mutex_enter(&uo->uo_lock);
		resident = uvm_obj_lookup(uo, e->e_offset +
		    (va - e->e_start)) != NULL;
		mutex_exit(&uo->uo_lock);
	}
	return resident;
}

/* vec is in kernel memory, one byte for each page. */
int
uvm_mincore(struct vmspace *vm, vaddr_t va, vsize_t size, unsigned char *vec)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;
	vaddr_t end;
	int error;

	error = range_of(vm, va, size, &end);
	if (error != 0)
		return error;
	rw_enter(&map->m_lock, RW_READER);
	for (; va < end; va += PAGE_SIZE) {
		e = uvm_map_lookup(map, va);
		if (e == NULL) {
			error = ENOMEM;
			break;
		}
		*vec++ = in_memory(vm, e, va);
	}
	rw_exit(&map->m_lock);
	return error;
}

/* -- mlock -- */

/* Set or clear ME_WIRED in [start, end); map locked as writer. */
static int
wire_entries(struct vmspace *vm, vaddr_t start, vaddr_t end, bool lock)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;
	vaddr_t va = start, stop;
	int error;

	while (va < end) {
		e = uvm_map_lookup(map, va);
		if (e == NULL)
			return ENOMEM;
		stop = MIN(e->e_end, end);
		if (((e->e_flags & ME_WIRED) != 0) != lock) {
			error = advise_flags(vm, va, stop,
			    lock ? ME_WIRED : 0, ME_WIRED);
			if (error != 0)
				return error;
			uvm_map_wired(vm, atop(stop - va), lock);
		}
		va = stop;
	}
	return 0;
}

/* How many pages of [start, end) are wired. */
static size_t
wired_pages(struct vm_map *map, vaddr_t start, vaddr_t end)
{
	struct vm_map_entry *e;
	size_t n = 0;

	for (e = uvm_map_lookup_ge(map, start); e != NULL && e->e_start < end;
	    e = uvm_map_next(e)) {
		if ((e->e_flags & ME_WIRED) != 0)
			n += atop(MIN(e->e_end, end) - MAX(e->e_start, start));
	}
	return n;
}

/* ENOMEM if so many more locked pages are too many for the caller. */
static int
mlock_limit(const struct vmspace *vm, size_t more)
{
	uint64_t max = uvm_limit(RLIMIT_MEMLOCK);

	if (vm->vm_locked + more <= max >> PAGE_SHIFT ||
	    cred_capable(curlwp->l_cred, CAP_IPC_LOCK) == 0)
		return 0;
	return max == 0 ? EPERM : ENOMEM;
}

/* Pages that other processes have, too, will not be written to swap there. */
static void
keep_shared(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	rw_enter(&vm->vm_map.m_lock, RW_READER);
	uvm_amap_pin(&vm->vm_amap, start, end);
	rw_exit(&vm->vm_map.m_lock);
}

int
uvm_mlock(struct vmspace *vm, vaddr_t va, vsize_t size, bool lock)
{
	struct entry_list dead = { NULL };
	struct vm_map *map = &vm->vm_map;
	vaddr_t start = trunc_page(va), end;
	int error;

	if (size > VM_MAX_ADDRESS)
		return EINVAL;
	error = range_of(vm, start, size + (va - start), &end);
	if (error != 0)
		return error;
	if (start == end)
		return 0;
	rw_enter(&map->m_lock, RW_WRITER);
	if (lock)
		error = mlock_limit(vm, atop(end - start) -
		    wired_pages(map, start, end));
	if (error == 0)
		error = wire_entries(vm, start, end, lock);
	uvm_map_merge(map, start, end, &dead);
	rw_exit(&map->m_lock);
	uvm_entries_release(&dead);
	if (error != 0 || !lock)
		return error;
	error = uvm_populate(vm, start, end, 0);
	keep_shared(vm, start, end);
	return error == 0 ? 0 : error == ENOMEM ? EAGAIN : ENOMEM;
}

int
uvm_mlockall(struct vmspace *vm, int flags)
{
	struct entry_list dead = { NULL };
	struct vm_map *map = &vm->vm_map;
	bool lock = (flags & MCL_CURRENT) != 0;
	struct vm_map_entry *e, *next;
	int error = 0;

	if ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 ||
	    flags == MCL_ONFAULT)
		return EINVAL;
	rw_enter(&map->m_lock, RW_WRITER);
	if (flags != 0)
		error = mlock_limit(vm, lock ? atop(map->m_size) -
		    vm->vm_locked : 0);
	if (error == 0)
		vm->vm_mlock_future = flags & (MCL_FUTURE | MCL_ONFAULT);
	for (e = uvm_map_lookup_ge(map, 0); error == 0 && e != NULL &&
	    (lock || flags == 0); e = next) {
		next = uvm_map_next(e);
		error = wire_entries(vm, e->e_start, e->e_end, lock);
	}
	uvm_map_merge(map, 0, map->m_max, &dead);
	rw_exit(&map->m_lock);
	uvm_entries_release(&dead);
	if (error == 0 && lock && (flags & MCL_ONFAULT) == 0)
		(void)uvm_populate(vm, map->m_min, map->m_max, 0);
	if (error == 0 && lock)
		keep_shared(vm, map->m_min, map->m_max);
	return error;
}
