/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sys/uvm share with each other and with nobody else.
 */
#ifndef _UVM_UVM_IMPL_H_
#define	_UVM_UVM_IMPL_H_

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

/* The guard gap below a stack, in bytes. */
#define	UVM_STACK_GAP	(256 * PAGE_SIZE)
/* Pages of one block: the unit of an amap's locks and of fault-ahead. */
#define	UVM_BLOCK_PAGES	16
#define	UVM_BLOCK_BYTES	(UVM_BLOCK_PAGES * PAGE_SIZE)

extern struct vm_page *uvm_zeropage;	/* never mapped for writing */

/* uvm_page.c */
void	uvm_page_drain(void);		/* all CPUs' caches are emptied */
bool	uvm_page_enough(size_t npages);	/* to be had without the reserve */
size_t	uvm_page_low(void);		/* below: reclaim; twice that: stop */

/* uvm_pdaemon.c */
void	uvm_pdaemon_kick(void);		/* any context */
void	uvm_pdaemon_freed(void);	/* memory came back; any context */
extern volatile unsigned int uvm_nwaiting;
extern volatile size_t uvm_reclaimed;	/* [a] pages, so far */

/* uvm_kmem.c, uvm_radix.c ... */
void	kmem_reap(void);
void	uvm_radix_init(void);
void	uvm_km_init(void);
void	uvm_amap_sysinit(void);
void	uvm_map_sysinit(void);
void	uvm_aobj_sysinit(void);
void	uvm_vmspace_sysinit(void);

/* uvm_amap.c */
struct vm_anon *uvm_anon_alloc(struct vm_page *);	/* NULL; any context */
void	uvm_anon_put(struct vm_anon *);
void	uvm_amap_init(struct uvm_amap *);
void	uvm_amap_fini(struct uvm_amap *);
struct mutex *uvm_amap_block(struct uvm_amap *, vaddr_t);
struct mutex *uvm_amap_share(struct uvm_amap *, vaddr_t);
void	uvm_amap_share_barrier(void);
struct vm_anon *uvm_amap_get(struct uvm_amap *, vaddr_t);
int	uvm_amap_set(struct uvm_amap *, vaddr_t, struct vm_anon *);
/* Map locked as writer; the range is in no pmap any more. */
void	uvm_amap_wipe(struct uvm_amap *, vaddr_t, vaddr_t);
int	uvm_amap_move(struct uvm_amap *, vaddr_t from, vaddr_t to, vsize_t);
/* Share [start, end) with another address space's amap. */
int	uvm_amap_copy(struct uvm_amap *from, struct uvm_amap *to,
	    vaddr_t start, vaddr_t end);
/* Keep what is shared in [start, end) in memory.  Map locked. */
void	uvm_amap_pin(struct uvm_amap *, vaddr_t start, vaddr_t end);
/* The first slot in use at or above va; false: none below end. */
bool	uvm_amap_next(struct uvm_amap *, vaddr_t *va, vaddr_t end);

/* uvm_map.c; the map is locked as writer where it says so */
struct entry_list {			/* to be freed after unlocking */
	struct vm_map_entry *el_first;
};
struct vm_map_entry *uvm_entry_alloc(void);	/* NULL: no memory; sleeps */
void	uvm_entry_free(struct vm_map_entry *);	/* only the structure */
void	uvm_entry_ref(struct vm_map_entry *);	/* what it refers to */
void	uvm_entries_release(struct entry_list *);	/* map unlocked */
void	uvm_map_init(struct vm_map *, struct pmap *);
void	uvm_map_insert(struct vm_map *, struct vm_map_entry *);	/* writer */
void	uvm_map_resize(struct vm_map *, struct vm_map_entry *, vaddr_t start,
	    vaddr_t end);					/* writer */
int	uvm_map_clip(struct vm_map *, vaddr_t);			/* writer */
void	uvm_map_merge(struct vm_map *, vaddr_t start, vaddr_t end,
	    struct entry_list *);				/* writer */
/* Take what is in [start, end) out; ENOMEM changes nothing.  Writer. */
int	uvm_map_unmap(struct vmspace *, vaddr_t start, vaddr_t end,
	    struct entry_list *);
bool	uvm_map_range_free(struct vm_map *, vaddr_t start, vaddr_t end);
/* The highest free place in [lo, hi). */
bool	uvm_map_find(struct vm_map *, vaddr_t lo, vaddr_t hi, vsize_t,
	    vaddr_t *);
/* So many pages more or less of the address space are locked.  Writer. */
void	uvm_map_wired(struct vmspace *, size_t npages, bool more);
/* Is it private memory that can be written: what RLIMIT_DATA counts. */
bool	uvm_entry_is_data(const struct vm_map_entry *);
void	uvm_entry_setflags(struct vm_map *, struct vm_map_entry *,
	    vm_prot_t prot, unsigned int flags);		/* writer */
uint64_t uvm_limit(unsigned int which);	/* RLIMIT_* of the caller */
/* May the map grow by so much?  0 or ENOMEM. */
int	uvm_map_limits(struct vmspace *, vsize_t size, bool data);
int	uvm_map_growstack(struct vmspace *, vaddr_t);	/* takes the lock */
/* Would so many bytes of memory be an obvious overcommit? */
bool	uvm_overcommits(vsize_t);

/* uvm_swapout.c */
/* Write so many pages to swap; how many came free.  Thread, no locks. */
size_t	uvm_swapout(size_t npages);
/* The same for private memory in [start, end), whether it was used or not. */
void	uvm_swapout_range(struct vmspace *, vaddr_t start, vaddr_t end);
void	uvm_swapout_sysinit(void);
void	uvm_swapout_join(struct vmspace *);
void	uvm_swapout_leave(struct vmspace *);	/* waits; thread context */

/* uvm_aobj.c */
bool	uvm_object_is_aobj(const struct uvm_object *);

#endif /* !_UVM_UVM_IMPL_H_ */
