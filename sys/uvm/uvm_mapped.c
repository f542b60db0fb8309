/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who maps a file: a look at the maps of all processes, for those rare
 * questions that are not worth counting for.
 *
 * Locking: a map's lock as reader, one map at a time.
 */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>

/* Could the memory be written through a shared mapping of that map? */
static bool
map_may_write(struct vmspace *vm, const struct vnode *vp)
{
	struct vm_map_entry *e;
	bool found = false;

	rw_enter(&vm->vm_map.m_lock, RW_READER);
	for (e = uvm_map_lookup_ge(&vm->vm_map, 0); e != NULL && !found;
	    e = uvm_map_next(e))
		found = e->e_file != NULL && (e->e_flags & ME_SHARED) != 0 &&
		    (e->e_maxprot & PROT_WRITE) != 0 &&
		    file_vnode(e->e_file) == vp;
	rw_exit(&vm->vm_map.m_lock);
	return found;
}

/* The process with the lowest number from `pid` on that has memory. */
static struct vmspace *
next_vmspace(pid_t *pid)
{
	struct proc *p, *best;
	struct vmspace *vm;

	rw_enter(&proctree_lock, RW_READER);
	do {
		best = NULL;
		LIST_FOREACH(p, &allproc, p_all)
			if (p->p_pid >= *pid &&
			    (best == NULL || p->p_pid < best->p_pid))
				best = p;
		vm = NULL;
		if (best != NULL) {
			vm = proc_vmspace_ref(best);
			*pid = best->p_pid + 1;
		}
	} while (best != NULL && vm == NULL);
	rw_exit(&proctree_lock);
	return vm;
}

bool
uvm_mapped_for_writing(const struct vnode *vp)
{
	struct vmspace *vm;
	bool found = false;
	pid_t pid = 1;

	while (!found && (vm = next_vmspace(&pid)) != NULL) {
		found = map_may_write(vm, vp);
		vmspace_put(vm);
	}
	return found;
}

unsigned int
uvm_object_mapped(const struct uvm_object *uo)
{
	struct vm_map_entry *e;
	struct vmspace *vm;
	unsigned int n = 0;
	pid_t pid = 1;

	while ((vm = next_vmspace(&pid)) != NULL) {
		rw_enter(&vm->vm_map.m_lock, RW_READER);
		for (e = uvm_map_lookup_ge(&vm->vm_map, 0); e != NULL;
		    e = uvm_map_next(e))
			if (e->e_object == uo && e->e_offset == 0)
				n++;
		rw_exit(&vm->vm_map.m_lock);
		vmspace_put(vm);
	}
	return n;
}
