/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop devices: a file, or a part of it, as a disk.
 *
 * Overview: /dev/loop0 to loop7 are there from the start, /dev/loop-control
 * makes more.  LOOP_SET_FD or LOOP_CONFIGURE binds a file; the disk has the
 * file's size then.  Requests are done by a task, one after the other, through
 * the file's own read and write.
 *
 * States	lo_file		size
 *	free	NULL		0
 *	bound	the file	of the file, from lo_offset, up to lo_sizelimit
 * LOOP_CLR_FD frees at once, or, while others have it open, with their last
 * close (LO_FLAGS_AUTOCLEAR).
 *
 * Locking: loop_lock for the table and for binding and its parameters; lo_io
 * while a request uses them.  Order: loop_lock, d_scan, lo_io.
 */
#include <sys/dev.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>
#include <dev/disk_dev.h>

#define	LOOP_MAJOR	7
#define	CONTROL_DEV	makedev(10, 237)
#define	LOOPS		8		/* at boot */
#define	LOOPS_MAX	128
#define	DEPTH		16
#define	IOVS		32

#define	LOOP_SET_FD		0x4c00
#define	LOOP_CLR_FD		0x4c01
#define	LOOP_SET_STATUS64	0x4c04
#define	LOOP_GET_STATUS64	0x4c05
#define	LOOP_CHANGE_FD		0x4c06
#define	LOOP_SET_CAPACITY	0x4c07
#define	LOOP_SET_DIRECT_IO	0x4c08
#define	LOOP_SET_BLOCK_SIZE	0x4c09
#define	LOOP_CONFIGURE		0x4c0a
#define	LOOP_CTL_ADD		0x4c80
#define	LOOP_CTL_REMOVE		0x4c81
#define	LOOP_CTL_GET_FREE	0x4c82

#define	LO_FLAGS_READ_ONLY	0x01
#define	LO_FLAGS_AUTOCLEAR	0x04
#define	LO_FLAGS_PARTSCAN	0x08
#define	LO_FLAGS_DIRECT_IO	0x10

struct loop_info64 {
	uint64_t	lo_device, lo_inode, lo_rdevice, lo_offset,
			lo_sizelimit;
	uint32_t	lo_number, lo_encrypt_type, lo_encrypt_key_size,
			lo_flags;
	uint8_t		lo_file_name[64], lo_crypt_name[64],
			lo_encrypt_key[32];
	uint64_t	lo_init[2];
};

struct loop_config {
	uint32_t	fd, block_size;
	struct loop_info64 info;
	uint64_t	reserved[8];
};

struct loop {
	struct disk	*lo_disk;	/* [I] */
	unsigned int	lo_number;	/* [I] */
	struct mutex	lo_io;		/* [i] */
	struct file	*lo_file;	/* [l, i] */
	uint64_t	lo_offset;	/* [l, i] */
	uint64_t	lo_sizelimit;	/* [l] */
	uint32_t	lo_flags;	/* [l] */
	char		lo_name[64];	/* [l] as it was told */
	struct taskq	*lo_taskq;	/* [l] made with the first file */
	struct task	lo_task, lo_clear;
};

static struct mutex loop_lock;				/* [l] */
static struct loop *loops[LOOPS_MAX];			/* [l] */

/* ---- requests ---- */

static int
move(struct loop *lo, struct file *fp, const struct disk_req *r)
{
	struct bio_seg segs[IOVS];
	struct iovec iov[IOVS];
	struct disk_cursor c = { 0 };
	off_t off = (off_t)(lo->lo_offset + (r->dr_sector << SECTOR_SHIFT));
	unsigned int i, n;
	struct uio uio;
	size_t done, len;
	int error = 0;

	while (error == 0 && (n = disk_req_segs(r, &c, segs, IOVS)) > 0) {
		len = 0;
		for (i = 0; i < n; i++) {
			iov[i].iov_base = (char *)VM_PAGE_TO_KVA(
			    segs[i].bs_page) + segs[i].bs_off;
			iov[i].iov_len = segs[i].bs_len;
			len += segs[i].bs_len;
		}
		uio_kernel(&uio, &iov[0], iov[0].iov_base, len, off, UIO_READ);
		iov[0].iov_len = segs[0].bs_len;
		uio.uio_iovcnt = n;
		error = r->dr_op == BIO_READ ?
		    do_readv(curlwp, fp, &uio, &off, &done) :
		    do_writev(curlwp, fp, &uio, &off, &done);
		if (error == 0 && done < len && r->dr_op == BIO_WRITE)
			error = EIO;
		/* Behind the file's end there are zeros. */
		if (error == 0 && done < len)
			disk_req_zero(r, (uint64_t)off - lo->lo_offset -
			    (r->dr_sector << SECTOR_SHIFT));
		if (done < len)
			break;
	}
	return error;
}

static int
discard(struct loop *lo, struct file *fp, const struct disk_req *r)
{
	return file_fallocate(curlwp, fp, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, (off_t)(lo->lo_offset +
	    (r->dr_sector << SECTOR_SHIFT)), (off_t)r->dr_len);
}

static int
sync_file(struct file *fp)
{
	return fp->f_ops->fo_sync == NULL ? 0 : fp->f_ops->fo_sync(fp, true);
}

static int
request(struct loop *lo, const struct disk_req *r)
{
	struct file *fp;
	int error;

	mutex_enter(&lo->lo_io);
	fp = lo->lo_file;
	if (fp == NULL) {
		mutex_exit(&lo->lo_io);
		return EIO;
	}
	switch (r->dr_op) {
	case BIO_FLUSH:
		error = sync_file(fp);
		break;
	case BIO_DISCARD:
		error = discard(lo, fp, r);
		break;
	default:
		error = move(lo, fp, r);
		break;
	}
	mutex_exit(&lo->lo_io);
	return error == 0 || error == ENOSPC || error == EOPNOTSUPP ? error :
	    EIO;
}

static void
loop_task(void *arg)
{
	struct loop *lo = arg;
	struct disk_req *r;

	while ((r = disk_next(&lo->lo_disk->d_queues[0])) != NULL)
		disk_done(r, request(lo, r));
}

static void
loop_start(struct disk_queue *dq)
{
	struct loop *lo = dq->dq_disk->d_priv;

	(void)task_add(lo->lo_taskq, &lo->lo_task);
}

/* ---- binding; loop_lock held ---- */

static int
file_bytes(struct file *fp, uint64_t *size)
{
	struct stat_k st;
	int error;

	if (fp->f_devops != NULL && fp->f_devops->d_size != NULL) {
		*size = fp->f_devops->d_size(file_vnode(fp)->v_rdev, fp);
		return 0;
	}
	error = fp->f_ops->fo_stat(fp, &st);
	*size = error == 0 ? (uint64_t)st.st_size : 0;
	return error;
}

static int
set_capacity(struct loop *lo)
{
	uint64_t size;
	int error;

	error = file_bytes(lo->lo_file, &size);
	if (error != 0)
		return error;
	size -= MIN(size, lo->lo_offset);
	if (lo->lo_sizelimit != 0)
		size = MIN(size, lo->lo_sizelimit);
	size = rounddown2(size, (uint64_t)lo->lo_disk->d_limits.dl_lbs);
	disk_resize(lo->lo_disk, size >> SECTOR_SHIFT);
	return 0;
}

static struct loop *
loop_of(const struct file *fp)
{
	const struct vnode *vp = file_vnode((struct file *)(uintptr_t)fp);
	unsigned int i;

	if (vp == NULL || !S_ISBLK(vp->v_mode))
		return NULL;
	for (i = 0; i < LOOPS_MAX; i++)
		if (loops[i] != NULL && loops[i]->lo_disk->d_dev == vp->v_rdev)
			return loops[i];
	return NULL;
}

/* A file this loop device can stand on: not itself, through whatever. */
static int
file_usable(const struct loop *lo, struct file *fp)
{
	const struct vnode *vp = file_vnode(fp);
	const struct loop *l;
	struct file *f = fp;

	if (vp == NULL || (!S_ISREG(vp->v_mode) && !S_ISBLK(vp->v_mode)) ||
	    !FREAD(fp))
		return EINVAL;
	while (f != NULL && (l = loop_of(f)) != NULL) {
		if (l == lo)
			return EBADF;
		f = l->lo_file;
	}
	return 0;
}

static void
set_flags(struct loop *lo, uint32_t flags)
{
	struct disk *d = lo->lo_disk;

	lo->lo_flags = flags;
	if ((flags & LO_FLAGS_READ_ONLY) != 0)
		(void)atomic_or(&d->d_flags, DISK_RDONLY);
	else
		(void)atomic_and(&d->d_flags, ~(unsigned int)DISK_RDONLY);
	if ((flags & LO_FLAGS_PARTSCAN) == 0)
		(void)atomic_or(&d->d_flags, DISK_NOPART);
	else
		(void)atomic_and(&d->d_flags, ~(unsigned int)DISK_NOPART);
}

static void
swap_file(struct loop *lo, struct file *fp, uint64_t offset)
{
	struct file *old;

	mutex_enter(&lo->lo_io);
	old = lo->lo_file;
	lo->lo_file = fp;
	lo->lo_offset = offset;
	mutex_exit(&lo->lo_io);
	if (old != NULL && old != fp)
		file_put(old);
}

static int
taskq_get(struct loop *lo)
{
	if (lo->lo_taskq == NULL)
		lo->lo_taskq = taskq_create(lo->lo_disk->d_name);
	return lo->lo_taskq != NULL ? 0 : ENOMEM;
}

static bool
block_size_valid(uint32_t bs)
{
	return bs >= SECTOR_SIZE && bs <= PAGE_SIZE && (bs & (bs - 1)) == 0;
}

static int
loop_bind(struct loop *lo, bool write, const struct loop_config *lc)
{
	const struct loop_info64 *in = &lc->info;
	uint32_t flags = in->lo_flags, bs = lc->block_size;
	struct disk *d = lo->lo_disk;
	struct vnode *vp;
	struct file *fp;
	int error;

	if (lo->lo_file != NULL)
		return EBUSY;
	if ((flags & ~(uint32_t)(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR |
	    LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO)) != 0 ||
	    in->lo_encrypt_type != 0 || (bs != 0 && !block_size_valid(bs)) ||
	    in->lo_offset > INT64_MAX || in->lo_sizelimit > INT64_MAX)
		return EINVAL;
	error = fd_get(curlwp, (int)lc->fd, &fp);
	if (error != 0)
		return error;
	error = file_usable(lo, fp);
	if (error == 0)
		error = taskq_get(lo);
	if (error != 0) {
		file_put(fp);
		return error;
	}
	if (!FWRITE(fp) || !write)
		flags |= LO_FLAGS_READ_ONLY;
	vp = file_vnode(fp);
	d->d_limits.dl_lbs = d->d_limits.dl_pbs = bs != 0 ? bs : SECTOR_SIZE;
	d->d_limits.dl_maxdiscard = S_ISREG(vp->v_mode) &&
	    vp->v_ops->vop_fallocate != NULL ? 1 << 16 : 0;
	strlcpy(lo->lo_name, (const char *)in->lo_file_name,
	    sizeof(lo->lo_name));
	lo->lo_sizelimit = in->lo_sizelimit;
	set_flags(lo, flags & ~(uint32_t)LO_FLAGS_DIRECT_IO);
	swap_file(lo, fp, in->lo_offset);
	error = set_capacity(lo);
	if (error == 0 && (flags & LO_FLAGS_PARTSCAN) != 0)
		(void)disk_rescan(d);
	return error;
}

static void
loop_unbind(struct loop *lo)
{
	struct disk *d = lo->lo_disk;

	disk_resize(d, 0);
	(void)disk_rescan(d);		/* no partitions are left */
	swap_file(lo, NULL, 0);
	lo->lo_sizelimit = 0;
	lo->lo_name[0] = '\0';
	set_flags(lo, 0);
}

/* The last user has gone; in a task, as disk_lock is held then. */
static void
loop_autoclear(void *arg)
{
	struct loop *lo = arg;

	mutex_enter(&loop_lock);
	if (lo->lo_file != NULL && (lo->lo_flags & LO_FLAGS_AUTOCLEAR) != 0 &&
	    !disk_busy(lo->lo_disk))
		loop_unbind(lo);
	mutex_exit(&loop_lock);
}

static void
loop_close(struct disk *d)
{
	struct loop *lo = d->d_priv;

	if ((atomic_load_relaxed(&lo->lo_flags) & LO_FLAGS_AUTOCLEAR) != 0)
		(void)task_add(systq, &lo->lo_clear);
}

/* ---- ioctls ---- */

/* A device number as programs see it. */
static uint64_t
linux_dev(dev_t dev)
{
	return (minor(dev) & 0xff) | (uint64_t)major(dev) << 8 |
	    (uint64_t)(minor(dev) & ~0xffU) << 12;
}

static int
get_status(const struct loop *lo, uintptr_t uarg)
{
	struct loop_info64 info;
	struct stat_k st;
	int error;

	if (lo->lo_file == NULL)
		return ENXIO;
	error = lo->lo_file->f_ops->fo_stat(lo->lo_file, &st);
	if (error != 0)
		return error;
	memset(&info, 0, sizeof(info));
	info.lo_device = linux_dev(st.st_dev);
	info.lo_inode = st.st_ino;
	info.lo_rdevice = linux_dev(S_ISBLK(st.st_mode) ? st.st_rdev :
	    st.st_dev);
	info.lo_offset = lo->lo_offset;
	info.lo_sizelimit = lo->lo_sizelimit;
	info.lo_number = lo->lo_number;
	info.lo_flags = lo->lo_flags;
	memcpy(info.lo_file_name, lo->lo_name, sizeof(info.lo_file_name));
	return copyout(&info, (void *)uarg, sizeof(info));
}

static int
set_status(struct loop *lo, uintptr_t uarg)
{
	const uint32_t may = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
	struct loop_info64 in;
	uint32_t old = lo->lo_flags;
	int error;

	if (lo->lo_file == NULL)
		return ENXIO;
	error = copyin((void *)uarg, &in, sizeof(in));
	if (error != 0)
		return error;
	if (in.lo_encrypt_type != 0 || in.lo_offset > INT64_MAX ||
	    in.lo_sizelimit > INT64_MAX)
		return EINVAL;
	in.lo_file_name[sizeof(in.lo_file_name) - 1] = '\0';
	memcpy(lo->lo_name, in.lo_file_name, sizeof(lo->lo_name));
	lo->lo_sizelimit = in.lo_sizelimit;
	swap_file(lo, lo->lo_file, in.lo_offset);
	/* Partition scanning can be switched on, not off. */
	set_flags(lo, (old & ~(uint32_t)LO_FLAGS_AUTOCLEAR) |
	    (in.lo_flags & may));
	error = set_capacity(lo);
	if (error == 0 && (lo->lo_flags & ~old & LO_FLAGS_PARTSCAN) != 0)
		(void)disk_rescan(lo->lo_disk);
	return error;
}

/* Another file of the same size under a read-only loop device. */
static int
change_fd(struct loop *lo, int fd)
{
	uint64_t old, new;
	struct file *fp;
	int error;

	if (lo->lo_file == NULL)
		return ENXIO;
	if ((lo->lo_flags & LO_FLAGS_READ_ONLY) == 0)
		return EINVAL;
	error = fd_get(curlwp, fd, &fp);
	if (error != 0)
		return error;
	error = file_usable(lo, fp);
	if (error == 0)
		error = file_bytes(lo->lo_file, &old);
	if (error == 0)
		error = file_bytes(fp, &new);
	if (error == 0 && old != new)
		error = EINVAL;
	if (error == 0)
		swap_file(lo, fp, lo->lo_offset);
	else
		file_put(fp);
	return error;
}

static int
clear_fd(struct loop *lo)
{
	if (lo->lo_file == NULL)
		return ENXIO;
	if (disk_openers(lo->lo_disk) > 1) {
		lo->lo_flags |= LO_FLAGS_AUTOCLEAR;
		return 0;
	}
	loop_unbind(lo);
	return 0;
}

static int
configure(struct loop *lo, bool write, uintptr_t uarg)
{
	static const uint64_t none[8];
	struct loop_config lc;
	int error;

	error = copyin((void *)uarg, &lc, sizeof(lc));
	if (error != 0)
		return error;
	if (memcmp(lc.reserved, none, sizeof(none)) != 0)
		return EINVAL;
	lc.info.lo_file_name[sizeof(lc.info.lo_file_name) - 1] = '\0';
	return loop_bind(lo, write, &lc);
}

static int
set_block_size(struct loop *lo, unsigned long bs)
{
	if (lo->lo_file == NULL)
		return ENXIO;
	if (bs > PAGE_SIZE || !block_size_valid((uint32_t)bs))
		return EINVAL;
	/* Requests are cut by it: nobody else may be there. */
	if (disk_openers(lo->lo_disk) > 1)
		return EBUSY;
	lo->lo_disk->d_limits.dl_lbs = lo->lo_disk->d_limits.dl_pbs =
	    (uint32_t)bs;
	return set_capacity(lo);
}

static int
loop_ioctl_locked(struct loop *lo, struct file *fp, unsigned long cmd,
    uintptr_t uarg)
{
	struct loop_config lc;

	switch (cmd) {
	case LOOP_GET_STATUS64:
		return get_status(lo, uarg);
	case LOOP_SET_FD:
		memset(&lc, 0, sizeof(lc));
		lc.fd = (uint32_t)uarg;
		return loop_bind(lo, FWRITE(fp), &lc);
	case LOOP_CONFIGURE:
		return configure(lo, FWRITE(fp), uarg);
	default:
		break;
	}
	if (!FWRITE(fp) && cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	switch (cmd) {
	case LOOP_CHANGE_FD:
		return change_fd(lo, (int)uarg);
	case LOOP_CLR_FD:
		return clear_fd(lo);
	case LOOP_SET_STATUS64:
		return set_status(lo, uarg);
	case LOOP_SET_CAPACITY:
		return lo->lo_file == NULL ? ENXIO : set_capacity(lo);
	case LOOP_SET_BLOCK_SIZE:
		return set_block_size(lo, uarg);
	case LOOP_SET_DIRECT_IO:
		return uarg == 0 ? 0 : EINVAL;
	default:
		return EINVAL;		/* not ENOTTY: as Linux */
	}
}

static int
loop_ioctl(struct disk *d, struct file *fp, unsigned long cmd, uintptr_t uarg,
    register_t *retval __unused)
{
	int error;

	if (d->d_whole != d)
		return ENOTTY;
	mutex_enter(&loop_lock);
	error = loop_ioctl_locked(d->d_priv, fp, cmd, uarg);
	mutex_exit(&loop_lock);
	return error;
}

/* What losetup reads of /sys/block/loopN/loop. */
static int
loop_attr(struct disk *d, const char *name, char *buf, size_t size)
{
	struct loop *lo = d->d_priv;
	struct file *fp = NULL;
	uint64_t v = 0;
	int error = 0;

	mutex_enter(&loop_lock);
	if (lo->lo_file == NULL) {
		mutex_exit(&loop_lock);
		return ENOENT;
	}
	if (strcmp(name, "backing_file") == 0)
		fp = file_get(lo->lo_file);
	else if (strcmp(name, "offset") == 0)
		v = lo->lo_offset;
	else if (strcmp(name, "sizelimit") == 0)
		v = lo->lo_sizelimit;
	else if (strcmp(name, "autoclear") == 0)
		v = (lo->lo_flags & LO_FLAGS_AUTOCLEAR) != 0;
	else if (strcmp(name, "partscan") == 0)
		v = (lo->lo_flags & LO_FLAGS_PARTSCAN) != 0;
	else if (strcmp(name, "dio") != 0)
		error = ENOENT;
	mutex_exit(&loop_lock);
	if (fp != NULL) {
		error = fp->f_path == NULL ? ENOENT :
		    path_name(fp->f_path, NULL, buf, size);
		file_put(fp);
	} else if (error == 0) {
		snprintf(buf, size, "%llu", (unsigned long long)v);
	}
	return error;
}

static const struct disk_ops loop_ops = {
	.do_attr = loop_attr,
	.do_start = loop_start,
	.do_close = loop_close,
	.do_ioctl = loop_ioctl,
};

/* ---- devices ---- */

/* loop_lock held. */
static int
loop_create(unsigned int number)
{
	char name[DISK_NAMELEN];
	struct loop *lo;
	int error;

	if (number >= LOOPS_MAX)
		return ENOSPC;
	if (loops[number] != NULL)
		return EEXIST;
	lo = kmem_zalloc(sizeof(*lo), KM_SLEEP);
	if (lo == NULL)
		return ENOMEM;
	snprintf(name, sizeof(name), "loop%u", number);
	error = disk_create(name, &loop_ops, 1, DEPTH, &lo->lo_disk);
	if (error != 0) {
		kmem_free(lo, sizeof(*lo));
		return error;
	}
	mutex_init(&lo->lo_io, "loop_io");
	task_set(&lo->lo_task, loop_task, lo);
	task_set(&lo->lo_clear, loop_autoclear, lo);
	lo->lo_number = number;
	lo->lo_disk->d_priv = lo;
	lo->lo_disk->d_dev = makedev(LOOP_MAJOR, number);
	lo->lo_disk->d_flags = DISK_NOPART | DISK_HIDDEN;
	lo->lo_disk->d_limits.dl_flush = true;
	lo->lo_disk->d_limits.dl_maxsectors = 2048;
	lo->lo_disk->d_limits.dl_maxsegs = 256;
	lo->lo_disk->d_limits.dl_discardgran = PAGE_SIZE;
	loops[number] = lo;
	return disk_attach(lo->lo_disk);
}

static int
loop_get_free(register_t *retval)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < LOOPS_MAX && loops[i] != NULL; i++)
		if (loops[i]->lo_file == NULL)
			break;
	if (i == LOOPS_MAX)
		return ENOSPC;
	if (loops[i] == NULL)
		error = loop_create(i);
	*retval = (register_t)i;
	return error;
}

static int
loop_remove(unsigned long number)
{
	struct loop *lo;

	if (number >= LOOPS_MAX || loops[number] == NULL)
		return ENODEV;
	lo = loops[number];
	/* A thread, once made, stays with its device. */
	if (lo->lo_file != NULL || lo->lo_taskq != NULL ||
	    disk_busy(lo->lo_disk))
		return EBUSY;
	loops[number] = NULL;
	disk_gone(lo->lo_disk);
	disk_put(lo->lo_disk);
	mutex_destroy(&lo->lo_io);
	kmem_free(lo, sizeof(*lo));
	return 0;
}

static int
control_ioctl(dev_t dev __unused, struct file *fp __unused, unsigned long cmd,
    uintptr_t uarg, register_t *retval)
{
	int error;

	mutex_enter(&loop_lock);
	switch (cmd) {
	case LOOP_CTL_ADD:
		error = uarg >= LOOPS_MAX ? EINVAL :
		    loop_create((unsigned int)uarg);
		*retval = (register_t)uarg;
		break;
	case LOOP_CTL_REMOVE:
		error = loop_remove(uarg);
		break;
	case LOOP_CTL_GET_FREE:
		error = loop_get_free(retval);
		break;
	default:
		error = ENOTTY;
		break;
	}
	mutex_exit(&loop_lock);
	return error;
}

static const struct devops control_devops = {
	.d_name = "misc",
	.d_ioctl = control_ioctl,
};

void
loop_init(void)
{
	unsigned int i;
	int error;

	mutex_init(&loop_lock, "loop");
	error = dev_register("loop-control", S_IFCHR | 0660, CONTROL_DEV,
	    &control_devops, NULL);
	mutex_enter(&loop_lock);
	for (i = 0; i < LOOPS && error == 0; i++)
		error = loop_create(i);
	mutex_exit(&loop_lock);
	if (error != 0)
		printf("loop: not all devices: error %d\n", error);
}
