/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap: which pages are written when memory is short.
 *
 * Overview: the private pages of all address spaces, one after the other, by
 * address, as a clock with two hands' worth of patience: a page that was used
 * since the last look stays, one that was not goes.  Going by address puts
 * next to each other in swap what is so in memory.  An address space is left
 * after a quarter of its pages, so that large and small ones turn at the same
 * speed.  Nothing is kept for this on the path of a fault.
 *
 * Not taken: what is locked in memory, and what others are just working on:
 * locks are only tried for, as their holders may be waiting for memory.
 *
 * Locking: scan_lock (spin) for the list of address spaces.  One that is being
 * looked at does not go away before vm_scanners is 0.
 */
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#define	TURN_MIN	64	/* pages of a turn, at least */
#define	TURN_SHARE	4	/* turns that make a round */
#define	ROUNDS		3	/* the first may find all pages used */

static struct spinlock scan_lock = SPINLOCK_INITIALIZER("uvm_scan");
static TAILQ_HEAD(, vmspace) spaces = TAILQ_HEAD_INITIALIZER(spaces);
static unsigned int nspaces;		/* [scan_lock] */
static struct condvar scan_cv;

void
uvm_swapout_sysinit(void)
{
	cv_init(&scan_cv, "swapscan");
}

/* -- the list of address spaces -- */

void
uvm_swapout_join(struct vmspace *vm)
{
	spin_enter(&scan_lock);
	TAILQ_INSERT_TAIL(&spaces, vm, vm_scanlink);
	nspaces++;
	spin_exit(&scan_lock);
}

void
uvm_swapout_leave(struct vmspace *vm)
{
	spin_enter(&scan_lock);
	TAILQ_REMOVE(&spaces, vm, vm_scanlink);
	nspaces--;
	while (vm->vm_scanners != 0)
		cv_wait_spin(&scan_cv, &scan_lock);
	spin_exit(&scan_lock);
}

/* Whose turn it is; NULL: there are none. */
static struct vmspace *
turn_begin(void)
{
	struct vmspace *vm;

	spin_enter(&scan_lock);
	vm = TAILQ_FIRST(&spaces);
	if (vm != NULL) {
		vm->vm_scanners++;
		if (vm->vm_scanleft == 0)
			vm->vm_scanleft = MAX(TURN_MIN,
			    vmspace_rss(vm) / TURN_SHARE);
	}
	spin_exit(&scan_lock);
	return vm;
}

/* It has had its turn, unless something is left of that. */
static void
turn_end(struct vmspace *vm, bool over)
{
	spin_enter(&scan_lock);
	if (over)
		vm->vm_scanleft = 0;
	if (--vm->vm_scanners == 0)
		cv_broadcast(&scan_cv);
	/* It may have left the list meanwhile. */
	if (vm->vm_scanleft == 0 && vm == TAILQ_FIRST(&spaces)) {
		TAILQ_REMOVE(&spaces, vm, vm_scanlink);
		TAILQ_INSERT_TAIL(&spaces, vm, vm_scanlink);
	}
	spin_exit(&scan_lock);
}

/* -- taking pages; the map is locked -- */

/* Has it been used since the last look? */
static bool
was_used(struct vm_page *pg)
{
	bool used = (pg->pg_flags & PG_REFERENCED) != 0;

	if (used)
		(void)atomic_and(&pg->pg_flags, ~(uint32_t)PG_REFERENCED);
	if (pmap_page_mapped(pg) && pmap_clear_reference(pg))
		used = true;
	return used;
}

/* Take the page of an anon of a locked block; NULL: it stays. */
static struct vm_page *
take_anon(struct swap_batch *sb, struct vm_anon *an, bool force, bool *shared)
{
	struct vm_page *pg = atomic_load(&an->an_page);
	bool sole = atomic_load(&an->an_ref) == 1;

	if (pg == NULL || (!sole && atomic_load(&an->an_slot) == SWAP_PINNED))
		return NULL;
	if (!force && was_used(pg))
		return NULL;
	pg = uvm_swap_take(sb, an);
	if (pg != NULL && !sole)
		*shared = true;
	return pg;
}

/* Nobody can find the pages any more; those that have them mapped lose them. */
static void
unmap_taken(struct pmap *pm, vaddr_t va, struct vm_page *const *pg,
    unsigned int n)
{
	unsigned int i, end;

	for (i = 0; i < n; i = end + 1) {
		for (end = i; end < n && pg[end] != NULL; end++)
			continue;
		if (end > i)
			pmap_remove(pm, va + ptoa((vaddr_t)i),
			    va + ptoa((vaddr_t)end));
		for (; i < end; i++)
			if (pmap_page_mapped(pg[i]))
				pmap_page_protect(pg[i], PROT_NONE);
	}
}

/*
 * [start, end) lies in one block of an entry.  How many pages were looked at.
 */
static unsigned int
scan_block(struct vmspace *vm, vaddr_t start, vaddr_t end,
    struct swap_batch *sb, bool force)
{
	struct uvm_amap *am = &vm->vm_amap;
	struct mutex *block = uvm_amap_block(am, start);
	struct vm_page *pg[UVM_BLOCK_PAGES];
	unsigned int i, n, looks = 0, taken = 0;
	struct vm_anon *an;
	bool shared = false;

	if (!mutex_tryenter(block))
		return 1;
	n = (unsigned int)atop(end - start);
	for (i = 0; i < n; i++) {
		an = uvm_amap_get(am, start + ptoa((vaddr_t)i));
		pg[i] = an == NULL ? NULL : take_anon(sb, an, force, &shared);
		looks += an != NULL;
		taken += pg[i] != NULL;
	}
	if (shared)
		uvm_amap_share_barrier();
	if (taken != 0)
		unmap_taken(vm->vm_map.m_pmap, start, pg, n);
	mutex_exit(block);
	return looks;
}

/*
 * Go on from *va until the batch is full, max pages were looked at or there are
 * no more below end (*va is end then).  How many were looked at.
 */
static size_t
scan_range(struct vmspace *vm, vaddr_t *va, vaddr_t end, size_t max,
    struct swap_batch *sb, bool force)
{
	struct vm_map_entry *e;
	size_t looks = 0;
	vaddr_t stop;

	while (looks < max && uvm_swap_room(sb) >= UVM_BLOCK_PAGES) {
		if (!uvm_amap_next(&vm->vm_amap, va, end) ||
		    (e = uvm_map_lookup_ge(&vm->vm_map, *va)) == NULL ||
		    e->e_start >= end) {
			*va = end;
			break;
		}
		if ((e->e_flags & ME_WIRED) != 0) {
			*va = MIN(e->e_end, end);
			continue;
		}
		*va = MAX(*va, e->e_start);
		stop = rounddown2(*va, UVM_BLOCK_BYTES) + UVM_BLOCK_BYTES;
		stop = MIN(MIN(stop, e->e_end), end);
		looks += scan_block(vm, *va, stop, sb, force);
		*va = stop;
	}
	return looks;
}

/* -- for everybody -- */

/* A part of a turn; false: that was the last one. */
static bool
scan_some(struct vmspace *vm, struct swap_batch *sb)
{
	vaddr_t end = vm->vm_map.m_max;
	size_t n;

	/* Somebody may be waiting for its end already. */
	if (atomic_load_relaxed(&vm->vm_ref) == 0 ||
	    !rw_tryenter(&vm->vm_map.m_lock, RW_READER))
		return false;
	n = scan_range(vm, &vm->vm_scanva, end, vm->vm_scanleft, sb, false);
	rw_exit(&vm->vm_map.m_lock);
	vm->vm_scanleft -= MIN(vm->vm_scanleft, n);
	if (vm->vm_scanva < end)
		return vm->vm_scanleft != 0;
	vm->vm_scanva = 0;
	return false;
}

size_t
uvm_swapout(size_t want)
{
	struct swap_batch *sb = uvm_swap_begin();
	size_t freed = 0, turns;
	struct vmspace *vm;
	bool more;

	if (sb == NULL)
		return 0;
	turns = ROUNDS * (TURN_SHARE + 1) *
	    (size_t)atomic_load_relaxed(&nspaces);
	for (; freed < want && turns > 0; turns--) {
		vm = turn_begin();
		if (vm == NULL)
			break;
		do {
			more = scan_some(vm, sb);
			if (uvm_swap_room(sb) < UVM_BLOCK_PAGES)
				freed += uvm_swap_write(sb);
		} while (more && freed < want);
		turn_end(vm, !more);
	}
	freed += uvm_swap_write(sb);
	uvm_swap_end(sb);
	return freed;
}

void
uvm_swapout_range(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct swap_batch *sb;
	vaddr_t va = start;

	while (va < end && !uvm_being_killed(curlwp)) {
		/* Who has the batch only tries for maps. */
		rw_enter(&vm->vm_map.m_lock, RW_READER);
		sb = uvm_swap_begin();
		if (sb != NULL)
			(void)scan_range(vm, &va, end, SIZE_MAX, sb, true);
		rw_exit(&vm->vm_map.m_lock);
		if (sb == NULL)
			return;
		(void)uvm_swap_write(sb);
		uvm_swap_end(sb);
	}
}
