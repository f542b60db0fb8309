/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files about disks in sys/dev share.
 */
#ifndef _DEV_DISK_DEV_H_
#define	_DEV_DISK_DEV_H_

#include <sys/disk.h>

struct vnode;

/* disk_ioctl.c: BLK*, HDIO_GETGEO; then the driver's own.  ENOTTY. */
int	disk_ioctl(struct disk *, struct vnode *cache, struct file *,
	    unsigned long cmd, uintptr_t uarg, register_t *retval);

/* disk_part.c's parser on a disk. */
int	disk_read_parts(struct disk *, struct disk_part *, unsigned int max,
	    unsigned int *n);

/*
 * disk_cache.c: the vnode through which files read and write a disk.  Thread
 * context, sleep; no lock held.
 */
struct uio;
void	disk_cache_init(void);
int	disk_cache_get(struct disk *, struct vnode **);	/* referenced */
void	disk_cache_close(struct vnode *);	/* a file is closed: puts it */
int	disk_cache_read(struct vnode *, struct uio *);
int	disk_cache_mmap(struct vnode *, struct uvm_object **);
int	disk_cache_write(struct vnode *, struct uio *);
/* Bytes become durable. */
int	disk_cache_sync(struct vnode *, uint64_t start, uint64_t end);
/* Before and after a transfer that does not go through the cache. */
int	disk_cache_bypass(struct vnode *, uint64_t start, uint64_t end);
void	disk_cache_forget(struct vnode *, uint64_t start, uint64_t end);
/* Somebody has claimed the disk, or lets go of it. */
void	disk_cache_claimed(struct disk *);

/* Drivers without hardware, at boot. */
void	ram_init(void);
void	loop_init(void);

#endif /* !_DEV_DISK_DEV_H_ */
