/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on memory.
 *
 * Untrusted input: addresses and lengths; the map checks ranges, here are
 * flags, rounding and what Linux says to combinations.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/personality.h>
#include <uvm/uvm.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	PROT_SEM	0x8
#define	PROT_GROWSUP	0x02000000
#define	PROT_USER	(PROT_READ | PROT_WRITE | PROT_EXEC)
/* What MAP_SHARED_VALIDATE accepts. */
#define	MAP_KNOWN	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | \
    MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED |	\
    MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |		\
    MAP_HUGETLB | MAP_FIXED_NOREPLACE)

#define	MINCORE_BATCH	1024		/* pages asked for at a time */

static vm_prot_t
prot_in(const struct lwp *l, int prot)
{
	vm_prot_t p = (vm_prot_t)prot & PROT_USER;

	/* The CPU cannot write or execute what it may not read. */
	if ((p & PROT_WRITE) != 0)
		p |= PROT_READ;
	if ((p & PROT_READ) != 0 &&
	    (l->l_proc->p_personality & READ_IMPLIES_EXEC) != 0)
		p |= PROT_EXEC;
	return p;
}

/* What a descriptor gives to map, checked against how it was opened. */
static int
mmap_file(const struct linux_mmap_args *uap, struct file *fp,
    struct uvm_mapargs *args)
{
	bool shared = (uap->flags & MAP_TYPE) != MAP_PRIVATE;

	if (!FREAD(fp))
		return EACCES;
	if (shared && (args->prot & PROT_WRITE) != 0 && !FWRITE(fp))
		return EACCES;
	if (shared && !FWRITE(fp))
		args->maxprot &= ~(vm_prot_t)PROT_WRITE;
	if (shared && (args->prot & PROT_WRITE) != 0 && file_write_sealed(fp))
		return EPERM;
	if (fp->f_ops->fo_mmap == NULL)
		return ENODEV;
	args->file = fp;
	return fp->f_ops->fo_mmap(fp, uap->offset, args->size,
	    &args->maxprot, uap->flags, &args->object);
}

static int
mmap_anon(const struct linux_mmap_args *uap, struct uvm_mapargs *args)
{
	if ((uap->flags & MAP_HUGETLB) != 0)
		return ENOMEM;		/* there are no huge pages */
	if ((uap->flags & MAP_TYPE) == MAP_PRIVATE)
		return 0;
	args->offset = 0;
	if ((args->object = uvm_aobj_create(args->size)) == NULL)
		return ENOMEM;
	return 0;
}

static int
mmap_check(const struct linux_mmap_args *uap)
{
	int type = uap->flags & MAP_TYPE;

	if (uap->len == 0 || (uap->offset & PAGE_MASK) != 0)
		return EINVAL;
	if (round_page(uap->len) < uap->len)
		return ENOMEM;
	if (uap->offset < 0 || uap->offset > INT64_MAX -
	    (off_t)MIN(round_page(uap->len), (size_t)INT64_MAX))
		return EOVERFLOW;
	if (type == MAP_SHARED_VALIDATE && (uap->flags & MAP_ANONYMOUS) != 0)
		return EINVAL;
	if (type == MAP_SHARED_VALIDATE && (uap->flags & ~MAP_KNOWN) != 0)
		return EOPNOTSUPP;
	if (type != MAP_SHARED && type != MAP_PRIVATE &&
	    type != MAP_SHARED_VALIDATE)
		return EINVAL;
	return 0;
}

int
linux_sys_mmap(struct lwp *l, const struct linux_mmap_args *uap,
    register_t *retval)
{
	struct uvm_mapargs args = {
		.va = uap->addr, .prot = prot_in(l, uap->prot),
		.maxprot = PROT_USER, .flags = uap->flags,
		.offset = (uint64_t)uap->offset
	};
	struct file *fp = NULL;
	vaddr_t va;
	int error;

	if ((uap->flags & MAP_ANONYMOUS) == 0 &&
	    (error = fd_get(l, uap->fd, &fp)) != 0)
		return error;
	if ((error = mmap_check(uap)) != 0)
		goto out;
	args.size = round_page(uap->len);
	if ((args.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0)
		args.va = trunc_page(args.va);
	error = fp != NULL ? mmap_file(uap, fp, &args) :
	    mmap_anon(uap, &args);
	if (error != 0)
		goto out;
	error = uvm_mmap(l->l_proc->p_vmspace, &args, &va);
	if (error == 0)
		*retval = (register_t)va;
	else if (args.object != NULL)
		args.object->uo_ops->pgo_detach(args.object);
out:
	if (fp != NULL)
		file_put(fp);
	return error;
}

int
linux_sys_munmap(struct lwp *l, const struct linux_munmap_args *uap,
    register_t *retval __unused)
{
	return uvm_unmap(l->l_proc->p_vmspace, uap->addr, uap->len);
}

/* The start of the stack mapping that contains va (PROT_GROWSDOWN). */
static int
growsdown_start(struct vmspace *vm, vaddr_t va, vaddr_t *start)
{
	struct vm_map_entry *e;
	int error = 0;

	rw_enter(&vm->vm_map.m_lock, RW_READER);
	e = uvm_map_lookup_ge(&vm->vm_map, va);
	if (e == NULL || (e->e_flags & ME_GROWSDOWN) == 0)
		error = e == NULL ? ENOMEM : EINVAL;
	else
		*start = e->e_start;
	rw_exit(&vm->vm_map.m_lock);
	return error;
}

static int
mprotect_common(struct lwp *l, vaddr_t va, size_t len, int prot)
{
	struct vmspace *vm = l->l_proc->p_vmspace;
	vaddr_t start = va;
	int error;

	if ((va & PAGE_MASK) != 0 ||
	    (prot & ~(PROT_USER | PROT_SEM | PROT_GROWSDOWN |
	    PROT_GROWSUP)) != 0 || (prot & PROT_GROWSUP) != 0)
		return EINVAL;
	if (len == 0)
		return 0;
	if (round_page(len) < len || va + round_page(len) < va)
		return ENOMEM;
	if ((prot & PROT_GROWSDOWN) != 0 &&
	    (error = growsdown_start(vm, va, &start)) != 0)
		return error;
	start = MIN(start, va);
	return uvm_protect(vm, start, va - start + round_page(len),
	    prot_in(l, prot));
}

int
linux_sys_mprotect(struct lwp *l, const struct linux_mprotect_args *uap,
    register_t *retval __unused)
{
	return mprotect_common(l, uap->addr, uap->len, uap->prot);
}

/* There are no protection keys: only "none" (-1) is accepted. */
int
linux_sys_pkey_mprotect(struct lwp *l,
    const struct linux_pkey_mprotect_args *uap, register_t *retval __unused)
{
	if (uap->pkey != -1)
		return EINVAL;
	return mprotect_common(l, uap->addr, uap->len, uap->prot);
}

int
linux_sys_brk(struct lwp *l, const struct linux_brk_args *uap,
    register_t *retval)
{
	vaddr_t brk = uap->addr;

	uvm_brk(l->l_proc->p_vmspace, &brk);
	*retval = (register_t)brk;
	return 0;
}

int
linux_sys_mremap(struct lwp *l, const struct linux_mremap_args *uap,
    register_t *retval)
{
	vaddr_t va;
	int error;

	if ((uap->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED |
	    MREMAP_DONTUNMAP)) != 0 || (uap->addr & PAGE_MASK) != 0)
		return EINVAL;
	if ((uap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 &&
	    (uap->flags & MREMAP_MAYMOVE) == 0)
		return EINVAL;
	if (uap->newlen == 0 || round_page(uap->newlen) < uap->newlen ||
	    round_page(uap->oldlen) < uap->oldlen)
		return EINVAL;
	error = uvm_mremap(l->l_proc->p_vmspace, uap->addr,
	    round_page(uap->oldlen), round_page(uap->newlen), uap->flags,
	    uap->newaddr, &va);
	if (error == 0)
		*retval = (register_t)va;
	return error;
}

int
linux_sys_madvise(struct lwp *l, const struct linux_madvise_args *uap,
    register_t *retval __unused)
{
	if ((uap->addr & PAGE_MASK) != 0 ||
	    round_page(uap->len) < uap->len ||
	    uap->addr + round_page(uap->len) < uap->addr)
		return EINVAL;
	return uvm_madvise(l->l_proc->p_vmspace, uap->addr,
	    round_page(uap->len), uap->advice);
}

int
linux_sys_msync(struct lwp *l, const struct linux_msync_args *uap,
    register_t *retval __unused)
{
	if ((uap->flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
	    (uap->addr & PAGE_MASK) != 0 ||
	    (uap->flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return EINVAL;
	if (round_page(uap->len) < uap->len ||
	    uap->addr + round_page(uap->len) < uap->addr)
		return ENOMEM;
	if (uap->len == 0)
		return 0;
	return uvm_msync(l->l_proc->p_vmspace, uap->addr,
	    round_page(uap->len), uap->flags);
}

int
linux_sys_mincore(struct lwp *l, const struct linux_mincore_args *uap,
    register_t *retval __unused)
{
	size_t pages = (uap->len >> PAGE_SHIFT) +
	    ((uap->len & PAGE_MASK) != 0), done, n;
	unsigned char *vec;
	int error = 0;

	if ((uap->addr & PAGE_MASK) != 0)
		return EINVAL;
	if (uap->addr >= VM_MAX_ADDRESS ||
	    pages > (VM_MAX_ADDRESS - uap->addr) >> PAGE_SHIFT)
		return ENOMEM;
	if ((vec = kmem_alloc(MINCORE_BATCH, KM_SLEEP)) == NULL)
		return EAGAIN;
	for (done = 0; done < pages && error == 0; done += n) {
		n = MIN(pages - done, (size_t)MINCORE_BATCH);
		error = uvm_mincore(l->l_proc->p_vmspace,
		    uap->addr + (done << PAGE_SHIFT), n << PAGE_SHIFT, vec);
		if (error == 0)
			error = copyout(vec, uap->vec + done, n);
	}
	kmem_free(vec, MINCORE_BATCH);
	return error;
}

/* -- locking in memory -- */

static int
mlock_range(struct lwp *l, unsigned long addr, size_t len, bool lock)
{
	struct vmspace *vm = l->l_proc->p_vmspace;
	vaddr_t start = trunc_page(addr);
	vsize_t size = round_page(len + (addr & PAGE_MASK));
	uint64_t limit = rlimit_cur(l->l_proc, RLIMIT_MEMLOCK);
	bool priv = cred_capable(l->l_cred, CAP_IPC_LOCK) == 0;

	if (size < len || start + size < start)
		return EINVAL;
	if (lock && !priv && limit == 0)
		return EPERM;
	if (lock && !priv && ptoa(vm->vm_locked) + size > limit)
		return ENOMEM;
	return size == 0 ? 0 : uvm_mlock(vm, start, size, lock);
}

int
linux_sys_mlock(struct lwp *l, const struct linux_mlock_args *uap,
    register_t *retval __unused)
{
	return mlock_range(l, uap->addr, uap->len, true);
}

int
linux_sys_mlock2(struct lwp *l, const struct linux_mlock2_args *uap,
    register_t *retval __unused)
{
	/* MLOCK_ONFAULT (1): locking at once keeps the promise too. */
	if ((uap->flags & ~1) != 0)
		return EINVAL;
	return mlock_range(l, uap->addr, uap->len, true);
}

int
linux_sys_munlock(struct lwp *l, const struct linux_munlock_args *uap,
    register_t *retval __unused)
{
	return mlock_range(l, uap->addr, uap->len, false);
}

int
linux_sys_mlockall(struct lwp *l, const struct linux_mlockall_args *uap,
    register_t *retval __unused)
{
	struct vmspace *vm = l->l_proc->p_vmspace;
	uint64_t limit = rlimit_cur(l->l_proc, RLIMIT_MEMLOCK);

	if (uap->flags == 0 || uap->flags == MCL_ONFAULT ||
	    (uap->flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0)
		return EINVAL;
	if (cred_capable(l->l_cred, CAP_IPC_LOCK) != 0) {
		if (limit == 0)
			return EPERM;
		if ((uap->flags & MCL_CURRENT) != 0 &&
		    vm->vm_map.m_size > limit)
			return ENOMEM;
	}
	return uvm_mlockall(vm, uap->flags);
}

int
linux_sys_munlockall(struct lwp *l,
    const struct linux_munlockall_args *uap __unused,
    register_t *retval __unused)
{
	return uvm_mlockall(l->l_proc->p_vmspace, 0);
}
