/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping the vDSO and its data pages into new programs.
 *
 * Overview: one object has as its pages the kernel's own ones: first the data
 * of <sys/vdso.h>, then the image.  They are never freed, so references are not
 * counted.  A program sees [vvar], read-only for ever, and [vdso], private: a
 * debugger that sets a breakpoint there gets a copy.
 *
 * Locking: vdso_lock while the object is made, by the first exec.
 */
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/systm.h>
#include <sys/vdso.h>
#include <uvm/uvm.h>
#include <compat/linux/linux_abi.h>

extern const char linux_vdso64_image[], linux_vdso64_end[];

#define	IMAGE_OFFSET	((uint64_t)VDSO_DATA_PAGES * PAGE_SIZE)

static struct spinlock vdso_lock = SPINLOCK_INITIALIZER("vdso");
static struct uvm_object vdso_object;
static int vdso_state;		/* [l] 0: none yet, 1: being made, 2: there */

static void
vdso_nothing(struct uvm_object *uo __unused)
{
}

static int
vdso_get(struct uvm_object *uo, uint64_t off, bool for_write __unused,
    struct vm_page **res)
{
	*res = uvm_obj_lookup(uo, off);
	return *res != NULL ? 0 : EFAULT;
}

static int
vdso_put(struct uvm_object *uo __unused, uint64_t start __unused,
    uint64_t end __unused, int flags __unused)
{
	return 0;
}

static const struct uvm_pagerops vdso_ops = {
	.pgo_reference = vdso_nothing,
	.pgo_detach = vdso_nothing,
	.pgo_get = vdso_get,
	.pgo_put = vdso_put,
};

/* The page of kernel memory at kva becomes the object's at off. */
static int
vdso_insert(uint64_t off, const void *kva)
{
	paddr_t pa;

	KASSERT(((uintptr_t)kva & PAGE_MASK) == 0);
	if (!pmap_extract(pmap_kernel(), (vaddr_t)kva, &pa, NULL))
		return EFAULT;
	return uvm_obj_insert(&vdso_object, PHYS_TO_VM_PAGE(pa), off);
}

static int
vdso_create(void)
{
	const char *p;
	int error;

	uvm_obj_init(&vdso_object, &vdso_ops);
	mutex_enter(&vdso_object.uo_lock);
	error = vdso_insert(0, &vdso_time);
	if (error == 0)
		error = vdso_insert(PAGE_SIZE, vdso_tsc);
	for (p = linux_vdso64_image; error == 0 && p < linux_vdso64_end;
	    p += PAGE_SIZE)
		error = vdso_insert(IMAGE_OFFSET +
		    (uint64_t)(p - linux_vdso64_image), p);
	mutex_exit(&vdso_object.uo_lock);
	return error;
}

/* Only process 1 comes here when it is not there yet, alone. */
static bool
vdso_present(void)
{
	bool make;

	spin_enter(&vdso_lock);
	make = vdso_state == 0;
	if (make)
		vdso_state = 1;
	spin_exit(&vdso_lock);
	if (make) {
		if (vdso_create() == 0)
			atomic_store(&vdso_state, 2);
		else
			printf("vdso: not available\n");
	}
	return atomic_load(&vdso_state) == 2;
}

static int
vdso_map_part(struct vmspace *vm, vaddr_t va, vsize_t size, uint64_t off,
    vm_prot_t prot, vm_prot_t maxprot, unsigned int eflags)
{
	struct uvm_mapargs args = {
		.va = va, .size = size, .prot = prot, .maxprot = maxprot,
		.flags = MAP_PRIVATE | MAP_FIXED, .eflags = eflags,
		.object = &vdso_object, .offset = off
	};
	vaddr_t where;

	return uvm_mmap(vm, &args, &where);
}

/* Without a vDSO a program runs as well: only ENOMEM is an error. */
int
linux_vdso_map(struct vmspace *vm, struct exec_package *ep)
{
	vsize_t size = (vsize_t)(linux_vdso64_end - linux_vdso64_image);
	struct uvm_mapargs args = {
		.size = IMAGE_OFFSET + size, .prot = PROT_NONE,
		.maxprot = PROT_READ,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
	};
	vaddr_t va;
	int error;

	ep->ep_vdso = 0;
	if (ep->ep_bits != 64 || !vdso_present())
		return 0;
	if ((error = uvm_mmap(vm, &args, &va)) != 0 ||
	    (error = vdso_map_part(vm, va, IMAGE_OFFSET, 0, PROT_READ,
	    PROT_READ, ME_VVAR | ME_DONTDUMP)) != 0 ||
	    (error = vdso_map_part(vm, va + IMAGE_OFFSET, size, IMAGE_OFFSET,
	    PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC,
	    ME_VDSO)) != 0)
		return error;
	ep->ep_vdso = va + IMAGE_OFFSET;
	return 0;
}
