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
#include <sys/cred.h>
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

#define	SEQ_STEP	32768

struct shmseg {
	struct uvm_object *ss_object;	/* referenced */
	struct shm_info_k ss_info;
};

static struct mutex shm_lock;
static struct shmseg *shm_table[SHMMNI];
static unsigned int shm_seq;

void
sysvshm_init(void)
{
	mutex_init(&shm_lock, "sysvshm");
}

static int64_t
now_s(void)
{
	return nanotime() / NSEC_PER_SEC;
}

/* want: 4 read, 2 write. */
static int
shm_access(struct lwp *l, const struct shm_info_k *si, mode_t want)
{
	const struct cred *cr = l->l_cred;
	mode_t have = si->si_mode;

	if (cr->cr_euid == si->si_uid || cr->cr_euid == si->si_cuid)
		have >>= 6;
	else if (cred_in_group(cr, si->si_gid) ||
	    cred_in_group(cr, si->si_cgid))
		have >>= 3;
	if ((have & want) == want || cred_capable(cr, CAP_IPC_OWNER) == 0)
		return 0;
	return EACCES;
}

static int
shm_owner(struct lwp *l, const struct shm_info_k *si)
{
	if (l->l_cred->cr_euid == si->si_uid ||
	    l->l_cred->cr_euid == si->si_cuid)
		return 0;
	return cred_capable(l->l_cred, CAP_SYS_ADMIN);
}

/* By id; shm_lock held. */
static struct shmseg *
shm_find(int id)
{
	struct shmseg *ss;

	if (id < 0)
		return NULL;
	ss = shm_table[(unsigned int)id % SEQ_STEP % SHMMNI];
	return ss != NULL && ss->ss_info.si_id == id ? ss : NULL;
}

static int
shm_create(struct lwp *l, int key, uint64_t size, int flags, int *id)
{
	struct shmseg *ss;
	unsigned int place;

	if (size == 0 || size > SHMMAX)
		return EINVAL;
	for (place = 0; place < SHMMNI && shm_table[place] != NULL; place++)
		continue;
	if (place == SHMMNI)
		return ENOSPC;
	if ((ss = kmem_zalloc(sizeof(*ss), KM_SLEEP)) == NULL)
		return ENOMEM;
	if ((ss->ss_object = uvm_aobj_create(round_page(size))) == NULL) {
		kmem_free(ss, sizeof(*ss));
		return ENOMEM;
	}
	ss->ss_info = (struct shm_info_k){
		.si_key = key, .si_size = size, .si_seq = shm_seq,
		.si_mode = (mode_t)flags & 0777,
		.si_uid = l->l_cred->cr_euid, .si_cuid = l->l_cred->cr_euid,
		.si_gid = l->l_cred->cr_egid, .si_cgid = l->l_cred->cr_egid,
		.si_ctime = now_s(), .si_cpid = l->l_proc->p_pid,
	};
	ss->ss_info.si_id = *id = (int)(place + shm_seq * SEQ_STEP);
	shm_seq = (shm_seq + 1) % (INT32_MAX / SEQ_STEP);
	shm_table[place] = ss;
	return 0;
}

static int
shm_open_key(struct lwp *l, const struct shm_info_k *si, uint64_t size,
    int flags, int *id)
{
	mode_t want = (mode_t)(flags | flags >> 3 | flags >> 6) & 6;

	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return EEXIST;
	if (shm_access(l, si, want) != 0)
		return EACCES;
	if (size > si->si_size)
		return EINVAL;
	*id = si->si_id;
	return 0;
}

int
do_shmget(struct lwp *l, int key, uint64_t size, int flags, int *id)
{
	const struct shm_info_k *found = NULL;
	int error;

	if ((flags & SHM_HUGETLB) != 0)
		return EINVAL;
	mutex_enter(&shm_lock);
	for (unsigned int i = 0; key != IPC_PRIVATE && i < SHMMNI; i++)
		if (shm_table[i] != NULL && shm_table[i]->ss_info.si_key == key)
			found = &shm_table[i]->ss_info;
	if (found != NULL)
		error = shm_open_key(l, found, size, flags, id);
	else if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0)
		error = ENOENT;
	else
		error = shm_create(l, key, size, flags, id);
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
	if ((ss = shm_find(id)) == NULL)
		error = EINVAL;
	else if ((error = shm_access(l, &ss->ss_info,
	    (flags & SHM_RDONLY) != 0 ? 4 : 6)) == 0) {
		uo = args.object = ss->ss_object;
		uo->uo_ops->pgo_reference(uo);
		args.size = round_page(ss->ss_info.si_size);
		ss->ss_info.si_atime = now_s();
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
	vaddr_t va = base;
	vsize_t size;
	int error = 0;

	if ((base & PAGE_MASK) != 0 || (size = shm_part(vm, base, &va,
	    &uo)) == 0)
		return EINVAL;
	/* It is looked at until the last part is gone. */
	held = uo;
	mutex_enter(&shm_lock);
	for (unsigned int i = 0; i < SHMMNI; i++)
		if (shm_table[i] != NULL && shm_table[i]->ss_object == uo) {
			shm_table[i]->ss_info.si_dtime = now_s();
			shm_table[i]->ss_info.si_lpid = l->l_proc->p_pid;
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
	struct shmseg *ss = NULL;
	int error = EINVAL;

	mutex_enter(&shm_lock);
	if (!by_index)
		ss = shm_find(id);
	else if (id >= 0 && id < SHMMNI)
		ss = shm_table[id];
	if (ss != NULL && (any ||
	    (error = shm_access(l, &ss->ss_info, 4)) == 0)) {
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
	struct shmseg *ss;
	int error = EINVAL;

	mutex_enter(&shm_lock);
	if ((ss = shm_find(id)) != NULL &&
	    (error = shm_owner(l, &ss->ss_info)) == 0) {
		ss->ss_info.si_uid = uid;
		ss->ss_info.si_gid = gid;
		ss->ss_info.si_mode = mode & 0777;
		ss->ss_info.si_ctime = now_s();
	}
	mutex_exit(&shm_lock);
	return error;
}

int
do_shm_remove(struct lwp *l, int id)
{
	struct shmseg *ss;
	int error = EINVAL;

	mutex_enter(&shm_lock);
	if ((ss = shm_find(id)) != NULL &&
	    (error = shm_owner(l, &ss->ss_info)) == 0)
		shm_table[(unsigned int)id % SEQ_STEP % SHMMNI] = NULL;
	mutex_exit(&shm_lock);
	if (error != 0)
		return error;
	ss->ss_object->uo_ops->pgo_detach(ss->ss_object);
	kmem_free(ss, sizeof(*ss));
	return 0;
}

void
shm_totals(unsigned int *n, uint64_t *pages, unsigned int *highest)
{
	*n = *highest = 0;
	*pages = 0;
	mutex_enter(&shm_lock);
	for (unsigned int i = 0; i < SHMMNI; i++) {
		if (shm_table[i] == NULL)
			continue;
		++*n;
		*highest = i;
		*pages += round_page(shm_table[i]->ss_info.si_size) / PAGE_SIZE;
	}
	mutex_exit(&shm_lock);
}
