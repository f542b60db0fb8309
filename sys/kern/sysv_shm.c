/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory.
 *
 * Overview: a segment is an anonymous memory object with a place in the table.
 * Mappings of it are marked ME_SHM.  A segment that is removed leaves the
 * table at once; its memory goes with the last mapping.  Nobody keeps count of
 * mappings: who asks for the number has them counted.
 *
 * Locking: shm_lock (sleeping) guards the table.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/sysvshm.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <uvm/uvm_object.h>

struct shmseg {
	struct shm_info_k ss_info;	/* first */
	struct uvm_object *ss_object;	/* referenced */
};

static struct mutex shm_lock;
static struct ipc_table shm_table;

void
sysvshm_init(void)
{
	mutex_init(&shm_lock, "sysvshm");
}

static struct shmseg *
segment(struct ipc_perm_k *ip)
{
	return (struct shmseg *)ip;
}

static int
shm_create(struct lwp *l, int key, uint64_t size, int flags, int *id)
{
	struct shmseg *ss;
	int error = ENOMEM;

	if (size == 0 || size > SHMMAX)
		return EINVAL;
	if ((ss = kmem_zalloc(sizeof(*ss), KM_SLEEP)) == NULL)
		return ENOMEM;
	ss->ss_info.si_size = size;
	ss->ss_info.si_ctime = ipc_now();
	ss->ss_info.si_cpid = l->l_proc->p_pid;
	if ((ss->ss_object = uvm_aobj_create(round_page(size))) == NULL)
		goto fail;
	if ((error = ipc_enter(l, &shm_table, &ss->ss_info.si_perm, key, flags,
	    SHMMNI)) != 0)
		goto fail_object;
	*id = ss->ss_info.si_perm.ip_id;
	return 0;
fail_object:
	ss->ss_object->uo_ops->pgo_detach(ss->ss_object);
fail:
	kmem_free(ss, sizeof(*ss));
	return error;
}

int
do_shmget(struct lwp *l, int key, uint64_t size, int flags, int *id)
{
	struct ipc_perm_k *ip;
	int error;

	if ((flags & SHM_HUGETLB) != 0)
		return EINVAL;
	mutex_enter(&shm_lock);
	error = ipc_open(l, &shm_table, key, flags, &ip);
	if (error == 0 && ip == NULL)
		error = shm_create(l, key, size, flags, id);
	else if (error == 0 && size > segment(ip)->ss_info.si_size)
		error = EINVAL;
	else if (error == 0)
		*id = ip->ip_id;
	mutex_exit(&shm_lock);
	return error;
}

/* Where to: EINVAL. */
static int
shm_place(vaddr_t va, int flags, struct uvm_mapargs *args)
{
	args->flags = MAP_SHARED;
	if (va == 0)
		return (flags & SHM_REMAP) != 0 ? EINVAL : 0;
	if ((va & PAGE_MASK) != 0) {
		if ((flags & SHM_RND) == 0)
			return EINVAL;
		va = trunc_page(va);
	}
	args->va = va;
	args->flags |= (flags & SHM_REMAP) != 0 ? MAP_FIXED :
	    MAP_FIXED_NOREPLACE;
	return 0;
}

int
do_shmat(struct lwp *l, int id, vaddr_t addr, int flags, vaddr_t *va)
{
	struct uvm_mapargs args = { .eflags = ME_SHM };
	struct uvm_object *uo = NULL;
	struct shmseg *ss;
	int error;

	if ((error = shm_place(addr, flags, &args)) != 0)
		return error;
	args.prot = PROT_READ | ((flags & SHM_RDONLY) == 0 ? PROT_WRITE : 0) |
	    ((flags & SHM_EXEC) != 0 ? PROT_EXEC : 0);
	args.maxprot = PROT_READ | PROT_EXEC |
	    ((flags & SHM_RDONLY) == 0 ? PROT_WRITE : 0);
	mutex_enter(&shm_lock);
	if ((ss = segment(ipc_find(&shm_table, id))) == NULL)
		error = EINVAL;
	else if ((error = ipc_access(l, &ss->ss_info.si_perm,
	    (flags & SHM_RDONLY) != 0 ? IPC_READ :
	    IPC_READ | IPC_WRITE)) == 0) {
		uo = args.object = ss->ss_object;
		uo->uo_ops->pgo_reference(uo);
		args.size = round_page(ss->ss_info.si_size);
		ss->ss_info.si_atime = ipc_now();
		ss->ss_info.si_lpid = l->l_proc->p_pid;
	}
	mutex_exit(&shm_lock);
	if (error != 0)
		return error;
	error = uvm_mmap(l->l_proc->p_vmspace, &args, va);
	if (error != 0)
		uo->uo_ops->pgo_detach(uo);
	return error == EEXIST ? EINVAL : error;
}

/* The next part of the mapping made at `base'; 0: no more. */
static vsize_t
shm_part(struct vmspace *vm, vaddr_t base, vaddr_t *va,
    struct uvm_object **uo)
{
	struct vm_map_entry *e;
	vsize_t size = 0;

	rw_enter(&vm->vm_map.m_lock, RW_READER);
	e = uvm_map_lookup_ge(&vm->vm_map, *va);
	while (*uo != NULL && e != NULL && (e->e_object != *uo ||
	    e->e_offset != e->e_start - base) &&
	    e->e_start - base < uvm_aobj_size(*uo))
		e = uvm_map_next(e);
	if (e != NULL && (e->e_flags & ME_SHM) != 0 &&
	    e->e_offset == e->e_start - base &&
	    (*uo != NULL ? e->e_object == *uo : e->e_start == base)) {
		*uo = e->e_object;
		*va = e->e_start;
		size = e->e_end - e->e_start;
	}
	rw_exit(&vm->vm_map.m_lock);
	return size;
}

int
do_shmdt(struct lwp *l, vaddr_t base)
{
	struct vmspace *vm = l->l_proc->p_vmspace;
	struct uvm_object *uo = NULL, *held;
	struct shmseg *ss;
	vaddr_t va = base;
	vsize_t size;
	int error = 0;

	if ((base & PAGE_MASK) != 0 || (size = shm_part(vm, base, &va,
	    &uo)) == 0)
		return EINVAL;
	/* It is looked at until the last part is gone. */
	held = uo;
	mutex_enter(&shm_lock);
	for (unsigned int i = 0; i < shm_table.it_nslots; i++)
		if ((ss = segment(ipc_at(&shm_table, i))) != NULL &&
		    ss->ss_object == uo) {
			ss->ss_info.si_dtime = ipc_now();
			ss->ss_info.si_lpid = l->l_proc->p_pid;
		}
	mutex_exit(&shm_lock);
	held->uo_ops->pgo_reference(held);
	do {
		error = uvm_unmap(vm, va, size);
		va += size;
	} while (error == 0 && (size = shm_part(vm, base, &va, &uo)) != 0);
	held->uo_ops->pgo_detach(held);
	return error;
}

int
do_shm_stat(struct lwp *l, int id, bool by_index, bool any,
    struct shm_info_k *si)
{
	struct uvm_object *uo = NULL;
	struct shmseg *ss;
	int error = EINVAL;

	mutex_enter(&shm_lock);
	ss = segment(by_index ? ipc_at(&shm_table, (unsigned int)id) :
	    ipc_find(&shm_table, id));
	if (ss != NULL && (any ||
	    (error = ipc_access(l, &ss->ss_info.si_perm, IPC_READ)) == 0)) {
		error = 0;
		*si = ss->ss_info;
		uo = ss->ss_object;
		uo->uo_ops->pgo_reference(uo);
	}
	mutex_exit(&shm_lock);
	if (error != 0)
		return error;
	si->si_nattch = uvm_object_mapped(uo);
	uo->uo_ops->pgo_detach(uo);
	return 0;
}

int
do_shm_set(struct lwp *l, int id, uid_t uid, gid_t gid, mode_t mode)
{
	struct ipc_perm_k *ip;
	int error = EINVAL;

	mutex_enter(&shm_lock);
	if ((ip = ipc_find(&shm_table, id)) != NULL &&
	    (error = ipc_set(l, ip, uid, gid, mode)) == 0)
		segment(ip)->ss_info.si_ctime = ipc_now();
	mutex_exit(&shm_lock);
	return error;
}

int
do_shm_remove(struct lwp *l, int id)
{
	struct ipc_perm_k *ip;
	struct shmseg *ss;
	int error = EINVAL;

	mutex_enter(&shm_lock);
	if ((ip = ipc_find(&shm_table, id)) != NULL &&
	    (error = ipc_owner(l, ip)) == 0)
		ipc_leave(&shm_table, ip);
	mutex_exit(&shm_lock);
	if (error != 0)
		return error;
	ss = segment(ip);
	ss->ss_object->uo_ops->pgo_detach(ss->ss_object);
	kmem_free(ss, sizeof(*ss));
	return 0;
}

void
shm_totals(unsigned int *n, uint64_t *pages, unsigned int *highest)
{
	struct shmseg *ss;

	*pages = 0;
	mutex_enter(&shm_lock);
	*n = shm_table.it_used;
	*highest = ipc_highest(&shm_table);
	for (unsigned int i = 0; i < shm_table.it_nslots; i++)
		if ((ss = segment(ipc_at(&shm_table, i))) != NULL)
			*pages += round_page(ss->ss_info.si_size) / PAGE_SIZE;
	mutex_exit(&shm_lock);
}
