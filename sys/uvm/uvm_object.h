/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: something whose pages can be mapped - a file, shared
 * anonymous memory, a device.
 */
#ifndef _UVM_UVM_OBJECT_H_
#define	_UVM_UVM_OBJECT_H_

#include <sys/atomic.h>
#include <sys/mutex.h>
#include <sys/tree.h>

struct vm_page;
struct uvm_object;

struct uvm_pagerops {
	void	(*pgo_reference)(struct uvm_object *);
	void	(*pgo_detach)(struct uvm_object *);	/* may sleep */
	/*
	 * Find or bring in the page at byte offset off (page aligned); the
	 * object is locked before and after, may be unlocked while
	 * sleeping.  for_write: it will be dirtied.  EFAULT: beyond the end
	 * (SIGBUS); EIO; ENOMEM.  The page comes back not busy, resident.
	 */
	int	(*pgo_get)(struct uvm_object *, uint64_t off, bool for_write,
		    struct vm_page **);
	/* Write dirty pages of [start, end) back; object locked. */
	int	(*pgo_put)(struct uvm_object *, uint64_t start, uint64_t end,
		    int flags);
};

RB_HEAD(uvm_pagetree, vm_page);

struct uvm_object {
	struct mutex	uo_lock;
	const struct uvm_pagerops *uo_ops;	/* [I] */
	struct uvm_pagetree uo_pages;		/* [l] by offset */
	size_t		uo_npages;		/* [l] */
	refcount_t	uo_ref;			/* [a] as its ops use it */
};

void	uvm_obj_init(struct uvm_object *, const struct uvm_pagerops *);
void	uvm_obj_fini(struct uvm_object *);	/* no pages left */
/* Object locked. */
struct vm_page *uvm_obj_lookup(struct uvm_object *, uint64_t off);
/* Unmap and free resident pages of [start, end); object locked. */
void	uvm_obj_free_range(struct uvm_object *, uint64_t start, uint64_t end);

/*
 * Anonymous memory as an object: shared mappings, memfd, tmpfs files.
 * Its pages are zero until written.  Referenced once on creation.
 */
struct uvm_object *uvm_aobj_create(uint64_t size);	/* NULL: no memory */
/* Shrinking frees; growing reads as zeros; the tail of the last page too. */
int	uvm_aobj_resize(struct uvm_object *, uint64_t size);
uint64_t uvm_aobj_size(struct uvm_object *);

/* Copy between an object's pages and a uio (read/write system calls). */
struct uio;
int	uvm_obj_uiomove(struct uvm_object *, uint64_t off, size_t len,
	    struct uio *);

#endif /* !_UVM_UVM_OBJECT_H_ */
