/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of an address space.
 *
 * Overview: entries are disjoint address ranges in a tree by address.  Each
 * node knows the lowest and highest address and the largest gap of its
 * subtree, so that a free place is found in logarithmic time.  A stack counts
 * as reaching UVM_STACK_GAP below its lowest page: mappings keep away from it.
 *
 * Neighbours that differ in nothing but their addresses are joined.  Private
 * pages are found by address (uvm_amap.c), so that cutting and joining only
 * concerns the entries.
 *
 * Locking: m_lock, as writer for every change.  Entries taken out are put on a
 * list and released after unlocking: see <uvm/uvm.h>.
 */
#include <sys/file.h>
#include <uvm/uvm_impl.h>

static struct kmem_cache *entry_cache;

/* Where an entry begins as far as the search for free places goes. */
static vaddr_t
entry_low(const struct vm_map_entry *e)
{
	if ((e->e_flags & ME_GROWSDOWN) == 0)
		return e->e_start;
	return e->e_start > UVM_STACK_GAP ? e->e_start - UVM_STACK_GAP : 0;
}

static vsize_t
gap_between(vaddr_t end, vaddr_t start)
{
	return start > end ? start - end : 0;
}

/* Work out what a node knows of its subtree from its children. */
static void
entry_augment(struct vm_map_entry *e)
{
	struct vm_map_entry *l = RB_LEFT(e, e_node), *r = RB_RIGHT(e, e_node);
	vsize_t gap = 0;

	e->e_submin = entry_low(e);
	e->e_submax = e->e_end;
	if (l != NULL) {
		gap = MAX(l->e_maxgap, gap_between(l->e_submax, e->e_submin));
		e->e_submin = MIN(e->e_submin, l->e_submin);
	}
	if (r != NULL) {
		gap = MAX(gap, r->e_maxgap);
		gap = MAX(gap, gap_between(e->e_end, r->e_submin));
		e->e_submax = MAX(e->e_submax, r->e_submax);
	}
	e->e_maxgap = gap;
}

static int
entry_cmp(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	return a->e_start < b->e_start ? -1 : a->e_start > b->e_start;
}

#undef RB_AUGMENT
#define	RB_AUGMENT(e)	entry_augment(e)
RB_GENERATE_STATIC(vm_map_tree, vm_map_entry, e_node, entry_cmp)

/* The tree's macros only look after nodes they rotate. */
static void
augment_up(struct vm_map_entry *e)
{
	for (; e != NULL; e = RB_PARENT(e, e_node))
		entry_augment(e);
}

void
uvm_map_sysinit(void)
{
	entry_cache = kmem_cache_create("map_entry",
	    sizeof(struct vm_map_entry), 0);
	if (entry_cache == NULL)
		panic("uvm: no memory for map entries");
}

void
uvm_map_init(struct vm_map *map, struct pmap *pmap)
{
	memset(map, 0, sizeof(*map));
	rw_init(&map->m_lock, "uvm_map");
	RB_INIT(&map->m_entries);
	map->m_min = VM_MIN_ADDRESS;
	map->m_max = VM_MAX_ADDRESS;
	map->m_pmap = pmap;
}

/* -- entries -- */

struct vm_map_entry *
uvm_entry_alloc(void)
{
	struct vm_map_entry *e = kmem_cache_alloc(entry_cache, KM_SLEEP);

	if (e != NULL)
		memset(e, 0, sizeof(*e));
	return e;
}

void
uvm_entry_free(struct vm_map_entry *e)
{
	kmem_cache_free(entry_cache, e);
}

void
uvm_entry_ref(struct vm_map_entry *e)
{
	if (e->e_object != NULL)
		e->e_object->uo_ops->pgo_reference(e->e_object);
	if (e->e_file != NULL)
		(void)file_get(e->e_file);
}

/* A list is linked through the tree's left pointers. */
static void
entry_list_add(struct entry_list *el, struct vm_map_entry *e)
{
	RB_LEFT(e, e_node) = el->el_first;
	el->el_first = e;
}

void
uvm_entries_release(struct entry_list *el)
{
	struct vm_map_entry *e;

	while ((e = el->el_first) != NULL) {
		el->el_first = RB_LEFT(e, e_node);
		if (e->e_object != NULL)
			e->e_object->uo_ops->pgo_detach(e->e_object);
		if (e->e_file != NULL)
			file_put(e->e_file);
		uvm_entry_free(e);
	}
}

bool
uvm_entry_is_data(const struct vm_map_entry *e)
{
	return (e->e_prot & PROT_WRITE) != 0 &&
	    (e->e_flags & (ME_SHARED | ME_GROWSDOWN)) == 0;
}

/* Add (sign 1) or take away an entry's part of the map's sums. */
static void
map_account(struct vm_map *map, const struct vm_map_entry *e, bool add)
{
	vsize_t size = e->e_end - e->e_start;
	vsize_t data = uvm_entry_is_data(e) ? size : 0;

	if (add) {
		map->m_size += size;
		map->m_data += data;
	} else {
		KASSERT(map->m_size >= size && map->m_data >= data);
		map->m_size -= size;
		map->m_data -= data;
	}
}

/* -- look-up -- */

struct vm_map_entry *
uvm_map_lookup_ge(struct vm_map *map, vaddr_t va)
{
	struct vm_map_entry *e = RB_ROOT(&map->m_entries), *best = NULL;

	KASSERT(rw_lock_held(&map->m_lock));
	while (e != NULL) {
		if (va < e->e_end) {
			best = e;
			if (va >= e->e_start)
				break;
			e = RB_LEFT(e, e_node);
		} else {
			e = RB_RIGHT(e, e_node);
		}
	}
	return best;
}

struct vm_map_entry *
uvm_map_lookup(struct vm_map *map, vaddr_t va)
{
	struct vm_map_entry *e = uvm_map_lookup_ge(map, va);

	return e != NULL && e->e_start <= va ? e : NULL;
}

struct vm_map_entry *
uvm_map_next(struct vm_map_entry *e)
{
	return vm_map_tree_RB_NEXT(e);
}

bool
uvm_map_range_free(struct vm_map *map, vaddr_t start, vaddr_t end)
{
	struct vm_map_entry *e = uvm_map_lookup_ge(map, start);

	return e == NULL || e->e_start >= end;
}

/*
 * The highest place in [lo, hi) that the subtree leaves free.  Both ends may
 * cut through it.
 */
static bool
find_below(const struct vm_map_entry *e, vaddr_t lo, vaddr_t hi, vsize_t size,
    vaddr_t *va)
{
	if (hi <= lo || hi - lo < size)
		return false;
	if (e == NULL) {
		*va = hi - size;
		return true;
	}
	if (e->e_maxgap < size && gap_between(lo, e->e_submin) < size &&
	    gap_between(e->e_submax, hi) < size)
		return false;
	if (find_below(RB_RIGHT(e, e_node), MAX(lo, e->e_end), hi, size, va))
		return true;
	return find_below(RB_LEFT(e, e_node), lo, MIN(hi, entry_low(e)), size,
	    va);
}

bool
uvm_map_find(struct vm_map *map, vaddr_t lo, vaddr_t hi, vsize_t size,
    vaddr_t *va)
{
	return find_below(RB_ROOT(&map->m_entries), lo, hi, size, va);
}

/* -- changes -- */

void
uvm_map_insert(struct vm_map *map, struct vm_map_entry *e)
{
	struct vm_map_entry *other;

	KASSERT(e->e_start < e->e_end);
	memset(&e->e_node, 0, sizeof(e->e_node));
	entry_augment(e);
	other = RB_INSERT(vm_map_tree, &map->m_entries, e);
	KASSERT(other == NULL);
	(void)other;
	augment_up(e);
	map->m_nentries++;
	map->m_generation++;
	map_account(map, e, true);
}

static void
map_remove(struct vm_map *map, struct vm_map_entry *e)
{
	struct vm_map_entry *from = e, *l = RB_LEFT(e, e_node);
	struct vm_map_entry *r = RB_RIGHT(e, e_node);

	/* Where the tree changes lowest: that is where sums go wrong. */
	if (l != NULL && r != NULL) {
		for (from = r; RB_LEFT(from, e_node) != NULL;)
			from = RB_LEFT(from, e_node);
		if (RB_PARENT(from, e_node) != e)
			from = RB_PARENT(from, e_node);
	} else {
		from = RB_PARENT(e, e_node);
	}
	(void)RB_REMOVE(vm_map_tree, &map->m_entries, e);
	augment_up(from);
	map->m_nentries--;
	map->m_generation++;
	map_account(map, e, false);
}

void
uvm_map_resize(struct vm_map *map, struct vm_map_entry *e, vaddr_t start,
    vaddr_t end)
{
	map_account(map, e, false);
	if (e->e_object != NULL)
		e->e_offset += start - e->e_start;	/* modulo 2^64 */
	e->e_start = start;
	e->e_end = end;
	map_account(map, e, true);
	augment_up(e);
	map->m_generation++;
}

void
uvm_entry_setflags(struct vm_map *map, struct vm_map_entry *e, vm_prot_t prot,
    unsigned int flags)
{
	map_account(map, e, false);
	e->e_prot = prot;
	e->e_flags = flags;
	map_account(map, e, true);
	augment_up(e);
	map->m_generation++;
}

/* Cut the entry that has va inside so that one ends and one begins there. */
int
uvm_map_clip(struct vm_map *map, vaddr_t va)
{
	struct vm_map_entry *e = uvm_map_lookup(map, va), *upper;

	KASSERT(rw_write_held(&map->m_lock));
	if (e == NULL || e->e_start == va)
		return 0;
	if (map->m_nentries >= UVM_MAP_ENTRIES)
		return ENOMEM;
	upper = uvm_entry_alloc();
	if (upper == NULL)
		return ENOMEM;
	*upper = *e;
	upper->e_start = va;
	if (e->e_object != NULL)
		upper->e_offset += va - e->e_start;
	uvm_entry_ref(upper);
	uvm_map_resize(map, e, e->e_start, va);
	uvm_map_insert(map, upper);
	return 0;
}

/* Could the two be one entry? */
static bool
can_merge(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	return a->e_end == b->e_start && a->e_prot == b->e_prot &&
	    a->e_maxprot == b->e_maxprot && a->e_flags == b->e_flags &&
	    a->e_object == b->e_object && a->e_file == b->e_file &&
	    (a->e_object == NULL ||
	    a->e_offset + (a->e_end - a->e_start) == b->e_offset);
}

/* Join what can be joined at the borders in [start, end]. */
void
uvm_map_merge(struct vm_map *map, vaddr_t start, vaddr_t end,
    struct entry_list *dead)
{
	struct vm_map_entry *e, *next;
	vaddr_t newend;

	e = uvm_map_lookup_ge(map, start > 0 ? start - 1 : 0);
	while (e != NULL && (next = uvm_map_next(e)) != NULL &&
	    next->e_start <= end) {
		if (!can_merge(e, next)) {
			e = next;
			continue;
		}
		newend = next->e_end;
		map_remove(map, next);
		entry_list_add(dead, next);
		uvm_map_resize(map, e, e->e_start, newend);
	}
}

void
uvm_map_wired(struct vmspace *vm, size_t n, bool more)
{
	if (more) {
		vm->vm_locked += n;
		(void)atomic_add(&uvmexp.wired, n);
	} else {
		KASSERT(vm->vm_locked >= n);
		vm->vm_locked -= n;
		(void)atomic_sub(&uvmexp.wired, n);
	}
}

int
uvm_map_unmap(struct vmspace *vm, vaddr_t start, vaddr_t end,
    struct entry_list *dead)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e, *next;
	bool any = false;
	int error;

	error = uvm_map_clip(map, start);
	if (error == 0)
		error = uvm_map_clip(map, end);
	if (error != 0)
		return error;
	for (e = uvm_map_lookup_ge(map, start);
	    e != NULL && e->e_start < end; e = next) {
		next = uvm_map_next(e);
		map_remove(map, e);
		if ((e->e_flags & ME_WIRED) != 0)
			uvm_map_wired(vm, atop(e->e_end - e->e_start), false);
		entry_list_add(dead, e);
		any = true;
	}
	if (any) {
		pmap_remove(map->m_pmap, start, end);
		uvm_amap_wipe(&vm->vm_amap, start, end);
	}
	return 0;
}

/* -- limits -- */

/* Of the calling process, in bytes; RLIM_INFINITY: none. */
uint64_t
uvm_limit(unsigned int which)
{
	struct proc *p = curproc;
	uint64_t max;

	spin_enter(&p->p_lock);
	max = p->p_rlimit[which].rlim_cur;
	spin_exit(&p->p_lock);
	return max;
}

/*
 * Map locked.  The limits are those of the calling process, which is also the
 * one whose map grows.
 */
int
uvm_map_limits(struct vmspace *vm, vsize_t size, bool data)
{
	struct vm_map *map = &vm->vm_map;

	if (size > map->m_max - map->m_min ||
	    map->m_size + size > uvm_limit(RLIMIT_AS))
		return ENOMEM;
	if (data && map->m_data + size > uvm_limit(RLIMIT_DATA))
		return ENOMEM;
	return 0;
}

/*
 * As Linux does by default: memory is promised freely, but not more in one
 * call than there could ever be.
 */
unsigned int uvm_overcommit_always;

bool
uvm_overcommits(vsize_t size)
{
	size_t most = uvmexp.total;

	if (atomic_load_relaxed(&uvm_overcommit_always) != 0)
		return false;
	if (uvm_lowmem_hook != NULL)
		most = MAX(most, uvmexp.maxpages);
	most += uvmexp.swtotal;
	return atop(size) > most;
}

/*
 * A fault at va, below a stack: extend it.  ENOMEM (a limit, or too close to
 * what lies below), EFAULT (no stack there).
 */
int
uvm_map_growstack(struct vmspace *vm, vaddr_t va)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e, *prev;
	vaddr_t start = trunc_page(va);
	vsize_t size;
	int error = 0;

	rw_enter(&map->m_lock, RW_WRITER);
	e = uvm_map_lookup_ge(map, start);
	if (e == NULL || (e->e_start > start &&
	    (e->e_flags & ME_GROWSDOWN) == 0) || start < map->m_min) {
		error = EFAULT;
		goto out;
	}
	if (e->e_start <= start)
		goto out;			/* somebody else did it */
	size = e->e_start - start;
	if (e->e_end - start > uvm_limit(RLIMIT_STACK) ||
	    uvm_map_limits(vm, size, false) != 0 || uvm_overcommits(size) ||
	    (e->e_object != NULL && e->e_offset < size)) {
		error = ENOMEM;
		goto out;
	}
	/* What cannot be touched below is itself a guard. */
	prev = vm_map_tree_RB_PREV(e);
	if (prev != NULL && (start < prev->e_end ||
	    (prev->e_prot != PROT_NONE &&
	    (prev->e_flags & ME_GROWSDOWN) == 0 &&
	    start - prev->e_end < UVM_STACK_GAP)))
		error = ENOMEM;
	else
		uvm_map_resize(map, e, start, e->e_end);
out:
	rw_exit(&map->m_lock);
	return error;
}
