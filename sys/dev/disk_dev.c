/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks as files: block nodes in /dev, reading and writing them.
 *
 * Overview: every disk and partition has a node "b NAME".  An open file has a
 * disk_holder; O_EXCL claims the disk.  Transfers are the page cache's
 * (disk_cache.c).
 */
#include <sys/dev.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm_vnode.h>
#include <dev/disk_dev.h>
#include <dev/disk_part.h>

struct diskfile {			/* f_private */
	struct disk_holder df_holder;
	struct disk	*df_disk;	/* [I] */
	struct vnode	*df_cache;	/* [I] */
};

static struct disk *
file_disk(struct file *fp)
{
	return ((struct diskfile *)fp->f_private)->df_disk;
}

static struct vnode *
file_cache(struct file *fp)
{
	return ((struct diskfile *)fp->f_private)->df_cache;
}

static int
diskdev_open(dev_t dev, struct file *fp)
{
	struct diskfile *df;
	unsigned int mode = 0;
	int error;

	df = kmem_zalloc(sizeof(*df), KM_SLEEP);
	if (df == NULL)
		return ENOMEM;
	df->df_holder.dh_name = "file";
	df->df_disk = disk_lookup_dev(dev);
	if (df->df_disk == NULL) {
		kmem_free(df, sizeof(*df));
		return ENXIO;
	}
	if (FREAD(fp))
		mode |= DISK_READ;
	if (FWRITE(fp))
		mode |= DISK_WRITE;
	if ((fp->f_flags & O_EXCL) != 0)
		mode |= DISK_EXCL;
	if ((fp->f_flags & O_NONBLOCK) != 0)
		mode |= DISK_NONBLOCK;
	error = disk_open(df->df_disk, &df->df_holder, mode, df);
	if (error != 0)
		goto fail;
	error = disk_cache_get(df->df_disk, &df->df_cache);
	if (error != 0) {
		disk_close(&df->df_holder);
		goto fail;
	}
	fp->f_private = df;
	return 0;

fail:
	disk_put(df->df_disk);
	kmem_free(df, sizeof(*df));
	return error;
}

static void
diskdev_close(dev_t dev __unused, struct file *fp)
{
	struct diskfile *df = fp->f_private;

	disk_cache_close(df->df_cache);
	disk_close(&df->df_holder);
	disk_put(df->df_disk);
	kmem_free(df, sizeof(*df));
}

static int
diskdev_read(dev_t dev __unused, struct file *fp, struct uio *uio)
{
	return disk_cache_read(file_cache(fp), uio);
}

static int
diskdev_write(dev_t dev __unused, struct file *fp, struct uio *uio)
{
	return uio->uio_resid == 0 ? 0 :
	    disk_cache_write(file_cache(fp), uio);
}

static int
diskdev_sync(dev_t dev __unused, struct file *fp, bool dataonly __unused)
{
	return disk_cache_sync(file_cache(fp), 0, INT64_MAX);
}

static int
diskdev_mmap(dev_t dev __unused, struct file *fp, off_t off __unused,
    size_t len __unused, vm_prot_t *maxprot __unused, struct uvm_object **uo)
{
	return disk_cache_mmap(file_cache(fp), uo);
}

static uint64_t
diskdev_size(dev_t dev __unused, struct file *fp)
{
	return file_disk(fp)->d_sectors << SECTOR_SHIFT;
}

static int
diskdev_ioctl(dev_t dev __unused, struct file *fp, unsigned long cmd,
    uintptr_t uarg, register_t *retval)
{
	return disk_ioctl(file_disk(fp), file_cache(fp), fp, cmd, uarg,
	    retval);
}

static const struct devops disk_devops = {
	.d_open = diskdev_open,
	.d_close = diskdev_close,
	.d_read = diskdev_read,
	.d_write = diskdev_write,
	.d_ioctl = diskdev_ioctl,
	.d_mmap = diskdev_mmap,
	.d_sync = diskdev_sync,
	.d_size = diskdev_size,
	.d_flags = D_SEEK,
};

/* ---- the block layer's side ---- */

static int
read_block(void *ctx, uint64_t block, void *buf)
{
	struct disk *d = ctx;
	uint32_t lbs = d->d_limits.dl_lbs;

	return disk_rw(d, BIO_READ, 0, block * (lbs >> SECTOR_SHIFT), buf, lbs);
}

int
disk_read_parts(struct disk *d, struct disk_part *parts, unsigned int max,
    unsigned int *n)
{
	struct part_source src = {
		.ps_read = read_block, .ps_ctx = d,
		.ps_bsize = d->d_limits.dl_lbs,
	};

	src.ps_blocks = d->d_sectors / (src.ps_bsize >> SECTOR_SHIFT);
	return part_parse(&src, parts, max, n);
}

static void
disk_added(struct disk *d)
{
	int error;

	error = dev_register(d->d_name, S_IFBLK |
	    ((d->d_flags & DISK_CDROM) != 0 ? 0644 : 0600), d->d_dev,
	    &disk_devops, NULL);
	if (error != 0)
		printf("disk: no /dev/%s: error %d\n", d->d_name, error);
}

static void
disk_removed(struct disk *d)
{
	dev_unregister(d->d_dev, S_IFBLK);
}

void
disk_soft_init(void)
{
	disk_cache_init();
	ram_init();
	loop_init();
}

const struct disk_class disk_class = {
	.dc_parts = disk_read_parts,
	.dc_added = disk_added,
	.dc_removed = disk_removed,
	.dc_claimed = disk_cache_claimed,
};
