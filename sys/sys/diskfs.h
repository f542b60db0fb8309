/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What file systems on disks have in common: the disk they are mounted from,
 * the files that are in memory, work to be done now and then, mount options,
 * vnode operations.
 */
#ifndef _SYS_DISKFS_H_
#define	_SYS_DISKFS_H_

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/disk.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/vnode.h>

struct bufdev;

/* -- the disk of a mount -- */

struct diskfs {
	struct disk_holder df_holder;
	struct disk	*df_disk;	/* [I] */
	struct bufdev	*df_dev;	/* [I] */
};
/* A file system as it is on any bufdev: tests have one that is no disk. */
struct diskfs_ops {
	const char	*dfo_name;
	bool		dfo_write;	/* it can be written */
	int		(*dfo_mount)(struct mount *, struct bufdev *,
			    const char *options);
	int		(*dfo_unmount)(struct mount *);
};
/*
 * Open the block device `source` for the mount alone, set mnt_dev and mount
 * what is on it; dfo_write: to write, too, unless disk and mount are read-only.
 * The walk's, the disk's and dfo_mount's errors; EROFS; ENOMEM.  Thread
 * context, sleeps.
 */
int	diskfs_mount(struct mount *, const char *source, const char *options,
	    const struct diskfs_ops *, struct diskfs **);
int	diskfs_unmount(struct mount *, const struct diskfs_ops *,
	    struct diskfs *);

/* -- what is done every few seconds -- */

struct diskfs_timer {
	struct callout	dt_callout;
	struct task	dt_task;
	struct taskq	*dt_tasks;	/* [I] */
	void		(*dt_fn)(void *); /* [I] */
	void		*dt_arg;	/* [I] */
};
/* From now on fn(arg) is called in that queue, until stop has returned. */
void	diskfs_timer_start(struct diskfs_timer *, struct taskq *,
	    void (*fn)(void *), void *arg);
void	diskfs_timer_stop(struct diskfs_timer *);

/* -- the files in memory, by a key -- */

struct vntable {
	struct mutex	vt_lock;
	struct condvar	vt_cv;		/* a vnode has left */
	LIST_HEAD(vnhead, vnode) *vt_heads;
	unsigned int	vt_n;		/* [I] a power of two */
	uint64_t	(*vt_key)(const struct vnode *); /* [I] */
};
/* ENOMEM. */
int	vntable_init(struct vntable *, uint64_t (*key)(const struct vnode *));
void	vntable_fini(struct vntable *);
/*
 * The file with that key, referenced, or NULL.  One that is just going is
 * waited for: thread context, sleeps.
 */
struct vnode *vntable_find(struct vntable *, uint64_t key);
/*
 * Put a vnode in.  Somebody was first with another of the same key: that one,
 * referenced, and the caller puts its own away; else NULL.
 */
struct vnode *vntable_enter(struct vntable *, struct vnode *);
/* vop_reclaim: the vnode leaves, if it is there. */
void	vntable_leave(struct vntable *, struct vnode *);
/*
 * Call fn for each, until it says no, with the table locked.  It may change the
 * key of the vnode itself by vntable_rekey_begin() and _end() only.
 */
void	vntable_walk(struct vntable *, bool (*fn)(void *, struct vnode *),
	    void *ctx);
/* The key changes in between. */
void	vntable_rekey_begin(struct vntable *, struct vnode *);
void	vntable_rekey_end(struct vntable *, struct vnode *);

/* -- mount options -- */

/*
 * Call fn for each "key" or "key=value" (value is "" if there is none) of a
 * list with commas, until it says an error other than 0.  ENOMEM; fn's.
 */
int	mount_options(const char *, int (*fn)(void *ctx, const char *key,
	    const char *value), void *ctx);
/* Is the option one of those? */
bool	mount_option_in(const char *key, const char *const *, size_t n);

/* -- vnode operations -- */

/* Of regular files, through the page cache. */
int	diskfs_read(struct vnode *, struct uio *);
int	diskfs_mmap(struct vnode *, off_t, size_t, vm_prot_t *,
	    struct uvm_object **);
/* Of file systems that are never written. */
int	diskfs_fsync_readonly(struct vnode *, bool dataonly);
int	diskfs_reserve_readonly(struct vnode *, off_t, off_t);
void	diskfs_inactive_readonly(struct vnode *);

#endif /* !_SYS_DISKFS_H_ */
