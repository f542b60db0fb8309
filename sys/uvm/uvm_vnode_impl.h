/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the page cache share with each other and nobody else.
 *
 * A page of a file is, by pg_flags:
 *
 *	BUSY			being read; its bytes are nobody's yet
 *	BUSY | ERROR		could not be read; whoever finds it frees it
 *	ACTIVE or INACTIVE	as on the disk; on one of the lists for reclaim
 *	DIRTY			newer than the disk; on its file's un_dirty
 *	WRITEBACK		on its way to the disk: not to be freed; may be
 *				read; DIRTY too if it was changed meanwhile
 *
 * A page may be mapped for writing only while it is DIRTY.
 *
 * Lock letters: [I] immutable, [l] uo_lock, [q] the list's spin lock.
 */
#ifndef _UVM_UVM_VNODE_IMPL_H_
#define	_UVM_UVM_VNODE_IMPL_H_

#include <sys/bio.h>
#include <sys/vnode.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_vnode.h>

TAILQ_HEAD(vm_pagelist, vm_page);

struct uvm_vnode {
	struct uvm_object un_obj;
	struct vnode	*un_vnode;	/* [I] */
	struct disk	*un_disk;	/* [I] */
	uint64_t	un_size;	/* [l] bytes */
	uint64_t	un_copyend;	/* [l] of write(2) just now, or 0 */
	size_t		un_rastart;	/* [l] last read-ahead, page number */
	unsigned int	un_ralen;	/* [l] ... in pages */
	struct vm_pagelist un_dirty;	/* [l] oldest first */
	size_t		un_ndirty;	/* [l] */
	size_t		un_nwriting;	/* [l] pages in WRITEBACK */
	int		un_error;	/* [l] of a write nobody has heard of */
	bool		un_queued;	/* [q] on the list of dirty files, which
					 * then holds a reference */
	nsec_t		un_since;	/* [q] when it came there */
	TAILQ_ENTRY(uvm_vnode) un_link;	/* [q] */
};

struct uvm_vnode *uvm_vnode_of(struct uvm_object *);

/* uvm_vnode.c; the object locked */
/* A page that is not there, or that could not be read, now is; or errno. */
int	uvn_get(struct uvm_object *, uint64_t off, bool for_write,
	    struct vm_page **);
/* Wait while the page has any of the flags (but ERROR); unlocks meanwhile. */
void	uvn_page_wait(struct uvm_object *, struct vm_page *, uint32_t flags);
/* Clear the flags, wake those who wait.  Any context, locked or not. */
void	uvn_page_done(struct vm_page *, uint32_t flags);
/* Take a page out of the cache; not WRITEBACK, not BUSY (but ERROR). */
void	uvn_page_free(struct uvm_vnode *, struct vm_page *);
/*
 * The file is going to be longer: what a mapping has put behind the end of its
 * last page goes, and the blocks that page will have get their space.  Object
 * locked, unlocked meanwhile; ENOSPC.
 */
int	uvn_grow(struct uvm_vnode *, uint64_t size);
/* Zeros from byte `from` to the end of its page, if the page is here. */
void	uvn_clear_tail(struct uvm_vnode *, uint64_t from);

/* uvm_vnode_lru.c: pages that could be given back */
void	uvn_lru_add(struct vm_page *);		/* any context */
void	uvn_lru_remove(struct vm_page *);	/* object locked */
void	uvn_lru_touch(struct vm_page *);	/* it was used */
void	uvn_lru_init(void);

/* uvm_vnode_io.c: uvm_vnode_write() without O_DIRECT. */
int	uvn_write_cached(struct vnode *, struct uio *);

/* uvm_vnode_direct.c: O_DIRECT; EAGAIN: the file is not in blocks. */
int	uvn_direct_read(struct uvm_vnode *, uint64_t size, struct uio *);
int	uvn_direct_write(struct uvm_vnode *, struct uio *);

/* uvm_vnode_write.c */
/* uvm_vnode_sync() that leaves errors for somebody else to hear of. */
int	uvn_flush(struct uvm_vnode *, uint64_t start, uint64_t end);
void	uvn_page_dirty(struct uvm_vnode *, struct vm_page *);	/* locked */
void	uvn_page_undirty(struct uvm_vnode *, struct vm_page *);	/* locked */
void	uvn_write_throttle(void);
int	uvn_put(struct uvm_object *, uint64_t start, uint64_t end, int flags);
void	uvn_write_kick(void);		/* any context */
void	uvn_write_init(void);

#endif /* !_UVM_UVM_VNODE_IMPL_H_ */
