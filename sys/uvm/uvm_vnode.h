/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: the pages of files that live on a disk.
 *
 * A file system that has vop_bmap and its companions calls uvm_vnode_attach()
 * for a regular file's vnode before others see it; from then on v_uobj is the
 * file's memory object.  read, write and mmap use the same pages.
 */
#ifndef _UVM_UVM_VNODE_H_
#define	_UVM_UVM_VNODE_H_

#include <sys/types.h>

struct disk;
struct mount;
struct uio;
struct uvm_object;
struct vnode;

/* Give the vnode its object; size in bytes.  Thread context.  ENOMEM. */
int	uvm_vnode_attach(struct vnode *, struct disk *, uint64_t size);
/* Throw all pages away, dirty or not: nobody uses the vnode any more. */
void	uvm_vnode_detach(struct vnode *);

/*
 * The bodies of vop_read, vop_write and vop_mmap.  v_lock held: shared for
 * reading, exclusively for writing; mmap: either or not at all.  Sleep.
 * With IO_DIRECT bytes go between the caller and the disk (EINVAL: place,
 * length or memory are not aligned), and the cache stays right; a write for
 * which uvm_vnode_overwrites() may then hold v_lock shared.
 */
int	uvm_vnode_read(struct vnode *, struct uio *);
int	uvm_vnode_write(struct vnode *, struct uio *);
/*
 * Has the file all blocks of [off, off + len), with data in them?  It is so for
 * as long as v_lock is held.
 */
bool	uvm_vnode_overwrites(struct vnode *, uint64_t off, uint64_t len);
int	uvm_vnode_mmap(struct vnode *, struct uvm_object **);

/*
 * Somebody is going to want [off, off + len) of a file, if it has an object:
 * start reading what is missing, while memory is plentiful.  Does not wait for
 * the disk.
 */
void	uvm_vnode_willneed(struct vnode *, uint64_t off, uint64_t len);

/*
 * The file has another size now.  Call it before blocks beyond the new end are
 * given back: on return no page of them is left or under way, and the rest of
 * the last page is zero, in memory and so some time later on the disk.  v_lock
 * held exclusively.  EIO, ENOSPC, ENOMEM: the last page could not be had;
 * nothing has changed then.
 */
int	uvm_vnode_setsize(struct vnode *, uint64_t size);
/* The same for whole pages inside [start, end) that are to be a hole. */
void	uvm_vnode_invalidate(struct vnode *, uint64_t start, uint64_t end);

/*
 * Write what is dirty in [start, end) and wait for it, also for what others
 * have under way.  Then the error of any write since this was last asked: EIO,
 * ENOSPC.  v_lock may be held.  No flush of the disk's cache.
 */
int	uvm_vnode_sync(struct vnode *, uint64_t start, uint64_t end);
/* All files of a file system, or (NULL) of all. */
int	uvm_vnode_sync_all(struct mount *);
/*
 * The last user of a file without a name may be gone: its dirty pages need no
 * writing.  Any thread context.
 */
void	uvm_vnode_idle(void);

void	uvm_vnode_init(void);		/* boot: once kernel threads work */

#endif /* !_UVM_UVM_VNODE_H_ */
