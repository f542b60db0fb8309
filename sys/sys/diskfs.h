/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What file systems on disks have in common: the disk they are mounted from,
 * the files that are in memory, work to be done now and then, mount options.
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
/*
 * Open the block device `source` for the mount alone and set mnt_dev.  write:
 * for writing, too, unless the disk is read-only and so is the mount.  The
 * walk's and the disk's errors; EROFS; ENOMEM.  Thread context, sleeps.
 */
int	diskfs_open(struct mount *, const char *source, const char *fstype,
	    bool write, struct diskfs **);
void	diskfs_close(struct diskfs *);

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

#endif /* !_SYS_DISKFS_H_ */
