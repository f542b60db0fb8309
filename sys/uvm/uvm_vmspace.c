/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces as a whole: create, copy, switch to, tear down.
 *
 * Overview: fork copies the entries and shares the anons; the pages that can be
 * written lose that in the parent, in as few and as long ranges as can be, for
 * on a paravirtualised machine a range is one request.  The child starts with
 * no mappings and faults them in by blocks.
 *
 * Locking: vm_ref counts users.  p_vmspace changes under p_lock; only the last
 * user of an address space tears it down, so that needs no lock.
 */
#include <uvm/uvm_impl.h>

/* Room for the stack above the maps, unless exec chooses differently. */
#define	STACK_ROOM	((vaddr_t)128 << 20)

static struct kmem_cache *vmspace_cache;

void
uvm_vmspace_sysinit(void)
{
	vmspace_cache = kmem_cache_create("vmspace", sizeof(struct vmspace),
	    0);
	if (vmspace_cache == NULL)
		panic("uvm: no memory for address spaces");
}

struct vmspace *
vmspace_alloc(void)
{
	struct vmspace *vm = kmem_cache_alloc(vmspace_cache, KM_SLEEP);
	struct pmap *pmap;

	if (vm == NULL)
		return NULL;
	while (pmap_create(&pmap) != 0) {
		if (uvm_wait(UVM_BLOCK_PAGES) != 0) {
			kmem_cache_free(vmspace_cache, vm);
			return NULL;
		}
	}
	memset(vm, 0, sizeof(*vm));
	vm->vm_ref = 1;
	uvm_map_init(&vm->vm_map, pmap);
	uvm_amap_init(&vm->vm_amap);
	vm->vm_mmap_top = VM_MAX_ADDRESS - STACK_ROOM;
	uvm_swapout_join(vm);
	return vm;
}

struct vmspace *
vmspace_get(struct vmspace *vm)
{
	refcount_get(&vm->vm_ref);
	return vm;
}

/* The pmap is loaded nowhere or only left over on a CPU that is idle. */
void
vmspace_put(struct vmspace *vm)
{
	struct entry_list dead = { NULL };
	struct vm_map *map = &vm->vm_map;
	int error;

	if (!refcount_put(&vm->vm_ref))
		return;
	uvm_swapout_leave(vm);
	rw_enter(&map->m_lock, RW_WRITER);
	pmap_remove_all(map->m_pmap);
	error = uvm_map_unmap(vm, map->m_min, map->m_max, &dead);
	KASSERT(error == 0 && map->m_nentries == 0);
	rw_exit(&map->m_lock);
	uvm_entries_release(&dead);
	pmap_destroy(map->m_pmap);
	uvm_amap_fini(&vm->vm_amap);
	rw_destroy(&map->m_lock);
	kmem_cache_free(vmspace_cache, vm);
}

size_t
vmspace_rss(struct vmspace *vm)
{
	return pmap_resident_count(vm->vm_map.m_pmap);
}

void
vmspace_switch(struct lwp *l, struct vmspace *vm)
{
	struct proc *p = l->l_proc;
	struct vmspace *old = p->p_vmspace;

	KASSERT(l == curlwp);
	preempt_disable();
	if (old != NULL)
		pmap_deactivate(l);
	spin_enter(&p->p_lock);
	p->p_vmspace = vm;
	spin_exit(&p->p_lock);
	pmap_activate(l);
	preempt_enable();
	if (old != NULL)
		vmspace_put(old);
}

/* -- fork -- */

/* Copy one entry; parent locked as writer. */
static int
fork_entry(struct vmspace *vm, struct vmspace *child,
    const struct vm_map_entry *e)
{
	struct vm_map_entry *ne = uvm_entry_alloc();
	int error;

	if (ne == NULL)
		return ENOMEM;
	*ne = *e;
	ne->e_flags &= ~ME_WIRED;
	uvm_entry_ref(ne);
	uvm_map_insert(&child->vm_map, ne);
	if ((e->e_flags & (ME_SHARED | ME_WIPEONFORK)) != 0)
		return 0;
	error = uvm_amap_copy(&vm->vm_amap, &child->vm_amap, e->e_start,
	    e->e_end);
	if (error == 0 && (e->e_flags & ME_WIRED) != 0)
		uvm_amap_pin(&child->vm_amap, e->e_start, e->e_end);
	return error;
}

/*
 * Take write access from the parent's private pages.  Entries that could not be
 * written, and holes, are taken along to join ranges.
 */
static void
fork_protect(struct vmspace *vm)
{
	struct vm_map *map = &vm->vm_map;
	vaddr_t start = 0, end = 0;
	struct vm_map_entry *e;
	bool writable;

	for (e = uvm_map_lookup_ge(map, 0);; e = uvm_map_next(e)) {
		writable = e != NULL && (e->e_prot & PROT_WRITE) != 0;
		if (e != NULL && !writable)
			continue;
		if (e != NULL && (e->e_flags & (ME_SHARED | ME_DONTFORK |
		    ME_WIPEONFORK)) == 0) {
			if (end == 0)
				start = e->e_start;
			end = e->e_end;
			continue;
		}
		if (end != 0)
			pmap_protect(map->m_pmap, start, end,
			    PROT_READ | PROT_EXEC);
		end = 0;
		if (e == NULL)
			break;
	}
}

int
vmspace_fork(struct vmspace *vm, struct vmspace **res)
{
	struct vmspace *child = vmspace_alloc();
	struct vm_map_entry *e;
	int error = 0;

	if (child == NULL)
		return ENOMEM;
	rw_enter(&vm->vm_map.m_lock, RW_WRITER);
	for (e = uvm_map_lookup_ge(&vm->vm_map, 0); error == 0 && e != NULL;
	    e = uvm_map_next(e)) {
		if ((e->e_flags & ME_DONTFORK) == 0)
			error = fork_entry(vm, child, e);
	}
	fork_protect(vm);	/* also after a failure: counts are shared */
	child->vm_brk_start = vm->vm_brk_start;
	child->vm_brk = vm->vm_brk;
	child->vm_stack_top = vm->vm_stack_top;
	child->vm_mmap_top = vm->vm_mmap_top;
	child->vm_map.m_max = vm->vm_map.m_max;
	child->vm_code_start = vm->vm_code_start;
	child->vm_code_end = vm->vm_code_end;
	child->vm_data_start = vm->vm_data_start;
	child->vm_data_end = vm->vm_data_end;
	rw_exit(&vm->vm_map.m_lock);
	if (error != 0) {
		vmspace_put(child);
		return error;
	}
	*res = child;
	return 0;
}
