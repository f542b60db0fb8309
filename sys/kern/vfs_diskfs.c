/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What file systems on disks have in common: opening the disk of a mount, and
 * what is done every few seconds.
 */
#include <sys/buf.h>
#include <sys/diskfs.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>

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

int
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

void
diskfs_close(struct diskfs *df)
{
	bufdev_disk_destroy(df->df_dev);
	disk_close(&df->df_holder);
	disk_put(df->df_disk);
	kmem_free(df, sizeof(*df));
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
