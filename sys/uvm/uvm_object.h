/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: something whose pages can be mapped - a file, shared
 * anonymous memory, a device.
 */
#ifndef _UVM_UVM_OBJECT_H_
#define	_UVM_UVM_OBJECT_H_

#include <sys/atomic.h>
#include <sys/mutex.h>
#include <sys/types.h>

struct vm_page;
struct uvm_object;

/*
 * A sparse array of pointers (uvm_radix.c): a tree of 64-way nodes that grows
 * with the largest index.  The caller serialises changes; a look-up may run
 * beside an insertion.  Items are aligned to at least 2.
 */
struct uvm_radix {
	uintptr_t	r_root;		/* item 0, or a node with bit 0 set */
};
void	*uvm_radix_get(const struct uvm_radix *, size_t idx);
int	uvm_radix_set(struct uvm_radix *, size_t idx, void *) __must_check;
void	*uvm_radix_remove(struct uvm_radix *, size_t idx); /* what was there */
/* The first item at or after *idx; its index in *idx.  NULL: no more. */
void	*uvm_radix_next(const struct uvm_radix *, size_t *idx);

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
	/*
	 * Optional, before pgo_get: a fault of a mapping misses the page at
	 * off.  Start to bring it in with what is around it; object locked,
	 * may be unlocked meanwhile.
	 */
	void	(*pgo_around)(struct uvm_object *, uint64_t off);
	/* Write dirty pages of [start, end) back; object locked. */
	int	(*pgo_put)(struct uvm_object *, uint64_t start, uint64_t end,
		    int flags);
	unsigned int pgo_flags;
};
#define	PGOF_ANON	0x1	/* pages are zero at first; get never sleeps */

struct uvm_object {
	struct mutex	uo_lock;
	const struct uvm_pagerops *uo_ops;	/* [I] */
	struct uvm_radix uo_pages;		/* [l] by page number */
	size_t		uo_npages;		/* [l] */
	refcount_t	uo_ref;			/* [a] as its ops use it */
	bool		uo_mapwrite;		/* [a] uo_wrote is new */
	nsec_t		uo_wrote;		/* [l] uvm_obj_wrote() */
};

void	uvm_obj_init(struct uvm_object *, const struct uvm_pagerops *);
void	uvm_obj_fini(struct uvm_object *);	/* no pages left */
/* Object locked. */
struct vm_page *uvm_obj_lookup(struct uvm_object *, uint64_t off);
/* Put a page in; ENOMEM. */
int	uvm_obj_insert(struct uvm_object *, struct vm_page *, uint64_t off)
	    __must_check;
/* Keep a page from being freed while the object is unlocked, and let go. */
void	uvm_page_hold(struct vm_page *);
void	uvm_page_unhold(struct vm_page *);
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

/*
 * For the times of files: somebody begins to write a page through a shared
 * mapping.  Object locked.
 */
static inline void
uvm_obj_mapwrite(struct uvm_object *uo, nsec_t now)
{
	uo->uo_wrote = now;
	atomic_store_release(&uo->uo_mapwrite, true);
}

/*
 * When that was, the last time; once.  0: nobody has since this was asked, and
 * no lock was taken.  Otherwise it is, and may sleep.
 */
static inline nsec_t
uvm_obj_wrote(struct uvm_object *uo)
{
	nsec_t t;

	if (!atomic_load_relaxed(&uo->uo_mapwrite))
		return 0;
	mutex_enter(&uo->uo_lock);
	t = uo->uo_wrote;
	atomic_store_relaxed(&uo->uo_mapwrite, false);
	mutex_exit(&uo->uo_lock);
	return t;
}

#endif /* !_UVM_UVM_OBJECT_H_ */
