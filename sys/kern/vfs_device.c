/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: the registry of drivers by number, and open files on device nodes.
 *
 * Overview: a driver registers a name, a kind and a number with operations;
 * device nodes of any file system lead to it by kind and number.  An open
 * file remembers the operations, so that a device that goes away meanwhile
 * answers for itself.
 *
 * Locking: registry_lock for the list; opening a device is a short read lock
 * of it.  No lock is held over a driver's operations.
 */
#include <sys/dev.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>

struct device {
	TAILQ_ENTRY(device) dv_link;	/* [r] ordered by kind and number */
	struct dev_info	dv_info;	/* [I] */
	unsigned int	dv_count;	/* [I] numbers from di_dev on */
	const struct devops *dv_ops;	/* [I] */
	void		*dv_priv;	/* [I] */
};

static struct rwlock registry_lock;			/* [r] */
static TAILQ_HEAD(, device) registry = TAILQ_HEAD_INITIALIZER(registry);
volatile unsigned int dev_generation;			/* [a] */
void (*dev_changed_hook)(const struct dev_info *, bool);

/* < 0, 0, > 0: before, at, after (type, dev). */
static int
device_cmp(const struct device *dv, mode_t type, dev_t dev)
{
	mode_t t = dv->dv_info.di_mode & S_IFMT;

	if (t != type)
		return t < type ? -1 : 1;
	if (dv->dv_info.di_dev != dev)
		return dv->dv_info.di_dev < dev ? -1 : 1;
	return 0;
}

static void
driver_name(char *buf, size_t size, const char *name, const struct devops *ops)
{
	size_t n;

	strlcpy(buf, ops->d_name != NULL ? ops->d_name : name, size);
	if (ops->d_name != NULL)
		return;
	for (n = strlen(buf); n > 0 && buf[n - 1] >= '0' && buf[n - 1] <= '9'; )
		buf[--n] = '\0';
}

static int
enter(const char *name, mode_t mode, dev_t dev, unsigned int count,
    const struct devops *ops, void *priv)
{
	struct device *dv, *other;
	mode_t type = mode & S_IFMT;
	int cmp = 0;

	dv = kmem_zalloc(sizeof(*dv), KM_SLEEP);
	if (dv == NULL)
		return ENOMEM;
	strlcpy(dv->dv_info.di_name, name, sizeof(dv->dv_info.di_name));
	driver_name(dv->dv_info.di_driver, sizeof(dv->dv_info.di_driver), name,
	    ops);
	dv->dv_info.di_mode = mode;
	dv->dv_info.di_dev = dev;
	dv->dv_count = count;
	dv->dv_ops = ops;
	dv->dv_priv = priv;
	rw_enter(&registry_lock, RW_WRITER);
	TAILQ_FOREACH(other, &registry, dv_link) {
		cmp = device_cmp(other, type, dev);
		if (cmp >= 0)
			break;
	}
	if (other != NULL && cmp == 0) {
		rw_exit(&registry_lock);
		kmem_free(dv, sizeof(*dv));
		return EEXIST;
	}
	if (other != NULL)
		TAILQ_INSERT_BEFORE(other, dv, dv_link);
	else
		TAILQ_INSERT_TAIL(&registry, dv, dv_link);
	(void)atomic_add(&dev_generation, 1);
	rw_exit(&registry_lock);
	if (dev_changed_hook != NULL && *name != '\0')
		dev_changed_hook(&dv->dv_info, true);
	return 0;
}

int
dev_register(const char *name, mode_t mode, dev_t dev,
    const struct devops *ops, void *priv)
{
	return enter(name, mode, dev, 1, ops, priv);
}

int
dev_register_range(mode_t type, dev_t dev, unsigned int n,
    const struct devops *ops)
{
	return enter("", type & S_IFMT, dev, n, ops, NULL);
}

void
dev_unregister(dev_t dev, mode_t type)
{
	struct device *dv;

	rw_enter(&registry_lock, RW_WRITER);
	TAILQ_FOREACH(dv, &registry, dv_link)
		if (device_cmp(dv, type & S_IFMT, dev) == 0)
			break;
	if (dv != NULL)
		TAILQ_REMOVE(&registry, dv, dv_link);
	(void)atomic_add(&dev_generation, 1);
	rw_exit(&registry_lock);
	if (dv == NULL)
		return;
	if (dev_changed_hook != NULL)
		dev_changed_hook(&dv->dv_info, false);
	kmem_free(dv, sizeof(*dv));
}

const struct devops *
dev_lookup(dev_t dev, mode_t type, void **priv)
{
	const struct devops *ops = NULL;
	struct device *dv;

	rw_enter(&registry_lock, RW_READER);
	TAILQ_FOREACH(dv, &registry, dv_link)
		if ((dv->dv_info.di_mode & S_IFMT) == (type & S_IFMT) &&
		    dev >= dv->dv_info.di_dev &&
		    dev - dv->dv_info.di_dev < dv->dv_count) {
			ops = dv->dv_ops;
			if (priv != NULL)
				*priv = dv->dv_priv;
			break;
		}
	rw_exit(&registry_lock);
	return ops;
}

bool
dev_next(mode_t *type, dev_t *dev, struct dev_info *info)
{
	struct device *dv;

	rw_enter(&registry_lock, RW_READER);
	TAILQ_FOREACH(dv, &registry, dv_link)
		if (device_cmp(dv, *type & S_IFMT, *dev) > 0)
			break;
	if (dv != NULL) {
		*info = dv->dv_info;
		*type = info->di_mode & S_IFMT;
		*dev = info->di_dev;
	}
	rw_exit(&registry_lock);
	return dv != NULL;
}

bool
dev_find(const char *name, size_t len, struct dev_info *info)
{
	struct device *dv;

	rw_enter(&registry_lock, RW_READER);
	TAILQ_FOREACH(dv, &registry, dv_link)
		if (strlen(dv->dv_info.di_name) == len &&
		    memcmp(dv->dv_info.di_name, name, len) == 0) {
			*info = dv->dv_info;
			break;
		}
	rw_exit(&registry_lock);
	return dv != NULL;
}

void
device_init(void)
{
	rw_init(&registry_lock, "devices");
}

/* -- open files on devices -- */

/* A driver may put its own f_ops and f_data into the file here. */
int
device_open(struct file *fp, struct vnode *vp)
{
	const struct devops *ops;

	ops = dev_lookup(vp->v_rdev, vp->v_mode & S_IFMT, NULL);
	if (ops == NULL)
		return ENXIO;
	fp->f_devops = ops;
	return ops->d_open == NULL ? 0 : ops->d_open(vp->v_rdev, fp);
}

static dev_t
file_dev(struct file *fp)
{
	return ((struct vnode *)fp->f_data)->v_rdev;
}

static int
device_read(struct file *fp, struct uio *uio)
{
	if (fp->f_devops->d_read == NULL)
		return EINVAL;
	return fp->f_devops->d_read(file_dev(fp), fp, uio);
}

static int
device_write(struct file *fp, struct uio *uio)
{
	if (fp->f_devops->d_write == NULL)
		return EINVAL;
	return fp->f_devops->d_write(file_dev(fp), fp, uio);
}

static int
device_ioctl(struct file *fp, unsigned long cmd, uintptr_t uarg,
    register_t *retval)
{
	if (fp->f_devops->d_ioctl == NULL)
		return ENOTTY;
	return fp->f_devops->d_ioctl(file_dev(fp), fp, cmd, uarg, retval);
}

static unsigned int
device_poll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	if (fp->f_devops->d_poll == NULL)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return fp->f_devops->d_poll(file_dev(fp), fp, events, pe);
}

static int
device_mmap(struct file *fp, off_t off, size_t len, vm_prot_t *maxprot,
    int flags, struct uvm_object **uobj)
{
	(void)flags;
	if (fp->f_devops->d_mmap == NULL)
		return ENODEV;
	if (!FREAD(fp))
		return EACCES;
	if (!FWRITE(fp))
		*maxprot &= ~(vm_prot_t)PROT_WRITE;
	return fp->f_devops->d_mmap(file_dev(fp), fp, off, len, maxprot, uobj);
}

static int
device_seek(struct file *fp, off_t off, int whence, off_t *result)
{
	if ((fp->f_devops->d_flags & D_STREAM) != 0)
		return ESPIPE;
	if ((fp->f_devops->d_flags & D_SEEK) == 0) {
		*result = 0;
		return 0;
	}
	if (whence == SEEK_CUR)
		off += fp->f_offset;
	else if (whence != SEEK_SET)
		return EINVAL;
	if (off < 0)
		return EINVAL;
	fp->f_offset = *result = off;
	return 0;
}

static int
device_sync(struct file *fp, bool dataonly)
{
	if (fp->f_devops->d_sync == NULL)
		return EINVAL;
	return fp->f_devops->d_sync(file_dev(fp), fp, dataonly);
}

/* A block device has a size, which its driver tells. */
static int
block_seek(struct file *fp, off_t off, int whence, off_t *result)
{
	int error = 0;

	mutex_enter(&fp->f_lock);
	if (whence == SEEK_CUR) {
		off += fp->f_offset;
	} else if (whence == SEEK_END && fp->f_devops->d_size != NULL) {
		off += (off_t)fp->f_devops->d_size(file_dev(fp), fp);
	} else if (whence != SEEK_SET) {
		error = EINVAL;
	}
	if (error == 0 && off < 0)
		error = EINVAL;
	if (error == 0)
		fp->f_offset = *result = off;
	mutex_exit(&fp->f_lock);
	return error;
}

static void
device_close(struct file *fp)
{
	struct vnode *vp = fp->f_data;

	if (fp->f_devops->d_close != NULL)
		fp->f_devops->d_close(vp->v_rdev, fp);
	vnode_file_release(fp);
}

const struct fileops chr_fileops = {
	.fo_name = "chr",
	.fo_read = device_read,
	.fo_write = device_write,
	.fo_ioctl = device_ioctl,
	.fo_poll = device_poll,
	.fo_stat = vnode_file_stat,
	.fo_seek = device_seek,
	.fo_mmap = device_mmap,
	.fo_close = device_close,
	.fo_flags = FOF_PREAD,
};

const struct fileops blk_fileops = {
	.fo_name = "blk",
	.fo_read = device_read,
	.fo_write = device_write,
	.fo_ioctl = device_ioctl,
	.fo_poll = device_poll,
	.fo_stat = vnode_file_stat,
	.fo_seek = block_seek,
	.fo_mmap = device_mmap,
	.fo_sync = device_sync,
	.fo_close = device_close,
	.fo_flags = FOF_SEEKABLE,
};

/* -- disks that are mounted -- */

int
vfs_source_disk(const char *source, struct disk **dp)
{
	struct path p;
	int error;

	error = namei(curlwp, NULL, source, LOOKUP_FOLLOW, &p);
	if (error != 0)
		return error;
	if (!S_ISBLK(path_vnode(&p)->v_mode)) {
		error = ENOTBLK;
	} else if ((path_mntflags(&p) & MS_NODEV) != 0) {
		error = EACCES;
	} else {
		*dp = disk_lookup_dev(path_vnode(&p)->v_rdev);
		if (*dp == NULL)
			error = ENXIO;
	}
	path_put(&p);
	return error;
}
