/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What file systems on disks have in common: opening the disk of a mount, what
 * is done every few seconds, vnode operations.
 */
#include <sys/buf.h>
#include <sys/diskfs.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm_vnode.h>

#define	PERIOD		(5 * NSEC_PER_SEC)

/* -- the disk of a mount -- */

static int
open_disk(struct mount *mp, struct diskfs *df, bool write)
{
	bool ro = (mp->mnt_flags & MS_RDONLY) != 0;
	int error = EROFS;

	if (write && !(ro && disk_readonly(df->df_disk)))
		error = disk_open(df->df_disk, &df->df_holder, DISK_READ |
		    DISK_WRITE | DISK_EXCL, mp);
	if (error == EROFS && (ro || !write))
		error = disk_open(df->df_disk, &df->df_holder, DISK_READ |
		    DISK_EXCL, mp);
	return error;
}

static int
diskfs_open(struct mount *mp, const char *source, const char *fstype,
    bool write, struct diskfs **dfp)
{
	struct diskfs *df;
	int error;

	df = kmem_zalloc(sizeof(*df), KM_SLEEP);
	if (df == NULL)
		return ENOMEM;
	error = vfs_source_disk(source, &df->df_disk);
	if (error != 0)
		goto fail;
	mp->mnt_dev = df->df_disk->d_dev;
	df->df_holder.dh_name = fstype;
	error = open_disk(mp, df, write);
	if (error != 0)
		goto fail_disk;
	error = bufdev_disk_create(df->df_disk, &df->df_dev);
	if (error == 0) {
		*dfp = df;
		return 0;
	}
	disk_close(&df->df_holder);
fail_disk:
	disk_put(df->df_disk);
fail:
	kmem_free(df, sizeof(*df));
	return error;
}

static void
diskfs_close(struct diskfs *df)
{
	bufdev_disk_destroy(df->df_dev);
	disk_close(&df->df_holder);
	disk_put(df->df_disk);
	kmem_free(df, sizeof(*df));
}

int
diskfs_mount(struct mount *mp, const char *source, const char *options,
    const struct diskfs_ops *ops, struct diskfs **dfp)
{
	struct diskfs *df;
	int error;

	error = diskfs_open(mp, source, ops->dfo_name, ops->dfo_write, &df);
	if (error != 0)
		return error;
	error = ops->dfo_mount(mp, df->df_dev, options);
	if (error != 0)
		diskfs_close(df);
	else
		*dfp = df;
	return error;
}

int
diskfs_unmount(struct mount *mp, const struct diskfs_ops *ops,
    struct diskfs *df)
{
	(void)ops->dfo_unmount(mp);
	diskfs_close(df);
	return 0;
}

/* -- now and then -- */

static void
timer_due(void *arg)
{
	struct diskfs_timer *dt = arg;

	(void)task_add(dt->dt_tasks, &dt->dt_task);
}

static void
timer_task(void *arg)
{
	struct diskfs_timer *dt = arg;

	dt->dt_fn(dt->dt_arg);
	callout_schedule(&dt->dt_callout, nanouptime() + PERIOD);
}

void
diskfs_timer_start(struct diskfs_timer *dt, struct taskq *tasks,
    void (*fn)(void *), void *arg)
{
	dt->dt_tasks = tasks;
	dt->dt_fn = fn;
	dt->dt_arg = arg;
	callout_init(&dt->dt_callout, timer_due, dt);
	task_set(&dt->dt_task, timer_task, dt);
	callout_schedule(&dt->dt_callout, nanouptime() + PERIOD);
}

void
diskfs_timer_stop(struct diskfs_timer *dt)
{
	/* The task starts the callout again: twice. */
	(void)callout_halt(&dt->dt_callout);
	taskq_barrier(dt->dt_tasks);
	(void)callout_halt(&dt->dt_callout);
	(void)task_del(dt->dt_tasks, &dt->dt_task);
	taskq_barrier(dt->dt_tasks);
	(void)callout_halt(&dt->dt_callout);
}

/* -- vnode operations -- */

int
diskfs_read(struct vnode *vp, struct uio *uio)
{
	return S_ISREG(vp->v_mode) ? uvm_vnode_read(vp, uio) : EINVAL;
}

int
diskfs_mmap(struct vnode *vp, off_t off __unused, size_t len __unused,
    vm_prot_t *prot __unused, struct uvm_object **uobj)
{
	return S_ISREG(vp->v_mode) ? uvm_vnode_mmap(vp, uobj) : ENODEV;
}

int
diskfs_fsync_readonly(struct vnode *vp __unused, bool dataonly __unused)
{
	return 0;
}

int
diskfs_reserve_readonly(struct vnode *vp __unused, off_t off __unused,
    off_t len __unused)
{
	return EROFS;
}

void
diskfs_inactive_readonly(struct vnode *vp __unused)
{
}
