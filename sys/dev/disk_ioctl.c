/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs ask of block devices: the ioctls of <linux/fs.h>,
 * <linux/blkpg.h> and <linux/hdreg.h>.
 *
 * Untrusted input: everything; ranges are checked against the disk.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <dev/disk_dev.h>

#define	BLKROSET	0x125d
#define	BLKROGET	0x125e
#define	BLKRRPART	0x125f
#define	BLKGETSIZE	0x1260
#define	BLKFLSBUF	0x1261
#define	BLKRASET	0x1262
#define	BLKRAGET	0x1263
#define	BLKFRASET	0x1264
#define	BLKFRAGET	0x1265
#define	BLKSECTGET	0x1267
#define	BLKSSZGET	0x1268
#define	BLKPG		0x1269
#define	BLKBSZGET	0x1270		/* the number; size and way vary */
#define	BLKBSZSET	0x1271
#define	BLKGETSIZE64	0x80081272U
#define	BLKDISCARD	0x1277
#define	BLKIOMIN	0x1278
#define	BLKIOOPT	0x1279
#define	BLKALIGNOFF	0x127a
#define	BLKPBSZGET	0x127b
#define	BLKDISCARDZEROES 0x127c
#define	BLKROTATIONAL	0x127e
#define	BLKZEROOUT	0x127f
#define	HDIO_GETGEO	0x0301

#define	BLKPG_ADD	1
#define	BLKPG_DEL	2
#define	BLKPG_RESIZE	3

#define	ZEROCHUNK	(64UL * 1024)

struct blkpg_arg {
	int		op, flags, datalen;
	uintptr_t	data;
};

struct blkpg_part {
	int64_t		start, length;	/* bytes */
	int		pno;
	char		devname[64], volname[64];
};

struct geometry {
	uint8_t		heads, sectors;
	uint16_t	cylinders;
	unsigned long	start;
};

static int
put_int(uintptr_t uarg, unsigned int v)
{
	return copyout(&v, (void *)uarg, sizeof(v));
}

static int
put_short(uintptr_t uarg, unsigned int v)
{
	uint16_t s = (uint16_t)MIN(v, 0xffffU);

	return copyout(&s, (void *)uarg, sizeof(s));
}

static int
put_long(uintptr_t uarg, uint64_t v)
{
	unsigned long l = (unsigned long)v;

	if (l != v)
		return EFBIG;
	return copyout(&l, (void *)uarg, sizeof(l));
}

static int
admin(void)
{
	return cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) == 0 ? 0 : EACCES;
}

static int
getgeo(struct disk *d, uintptr_t uarg)
{
	struct geometry g;

	memset(&g, 0, sizeof(g));
	g.heads = 255;
	g.sectors = 63;
	g.cylinders = (uint16_t)MIN(d->d_whole->d_sectors / (255 * 63),
	    0xffffU);
	g.start = (unsigned long)d->d_start;
	return copyout(&g, (void *)uarg, sizeof(g));
}

static int
blkpg(struct disk *d, uintptr_t uarg)
{
	struct blkpg_part p;
	struct blkpg_arg a;
	struct disk_part dp;
	int error;

	error = admin();
	if (error == 0)
		error = copyin((void *)uarg, &a, sizeof(a));
	if (error == 0)
		error = copyin((void *)a.data, &p, sizeof(p));
	if (error != 0)
		return error;
	if (d->d_whole != d || p.pno <= 0 || p.pno > DISK_MAXPART)
		return EINVAL;
	if (a.op == BLKPG_DEL)
		return disk_part_del(d, (unsigned int)p.pno);
	if (p.start < 0 || p.length <= 0 ||
	    p.start % (int64_t)d->d_limits.dl_lbs != 0 ||
	    p.length % (int64_t)d->d_limits.dl_lbs != 0)
		return EINVAL;
	memset(&dp, 0, sizeof(dp));
	dp.dp_number = (unsigned int)p.pno;
	dp.dp_start = (uint64_t)p.start >> SECTOR_SHIFT;
	dp.dp_sectors = (uint64_t)p.length >> SECTOR_SHIFT;
	switch (a.op) {
	case BLKPG_ADD:
		return disk_part_add(d, &dp);
	case BLKPG_RESIZE:
		return disk_part_resize(d, dp.dp_number, dp.dp_sectors);
	default:
		return EINVAL;
	}
}

static int
rescan(struct disk *d)
{
	int error = admin();

	if (error != 0)
		return error;
	if (d->d_whole != d || (d->d_flags & DISK_NOPART) != 0)
		return EINVAL;
	return disk_rescan(d);
}

/* Zeros where the disk has no better way. */
static int
write_zeros(struct disk *d, uint64_t off, uint64_t len)
{
	char *buf = kmem_zalloc(ZEROCHUNK, KM_SLEEP);
	size_t n;
	int error = 0;

	if (buf == NULL)
		return ENOMEM;
	for (; len > 0 && error == 0; off += n, len -= n) {
		n = (size_t)MIN(len, ZEROCHUNK);
		error = disk_rw(d, BIO_WRITE, 0, off >> SECTOR_SHIFT, buf, n);
		if (error == 0 && sig_pending(curlwp))
			error = EINTR;
	}
	kmem_free(buf, ZEROCHUNK);
	return error;
}

static int
discard(struct disk *d, uint64_t off, uint64_t len)
{
	struct bio b;

	if (d->d_whole->d_limits.dl_maxdiscard == 0)
		return EOPNOTSUPP;
	bio_init(&b, d, BIO_DISCARD, 0, off >> SECTOR_SHIFT, NULL, 0);
	b.b_len = len;
	return bio_wait(&b);
}

static int
range_op(struct disk *d, struct vnode *cache, struct file *fp,
    unsigned long cmd, uintptr_t uarg)
{
	uint64_t range[2], size = d->d_sectors << SECTOR_SHIFT;
	unsigned int lbs = d->d_whole->d_limits.dl_lbs;
	int error;

	if (!FWRITE(fp))
		return EBADF;
	error = copyin((void *)uarg, range, sizeof(range));
	if (error != 0)
		return error;
	if (range[0] % lbs != 0 || range[1] % lbs != 0 || range[0] > size ||
	    range[1] > size - range[0])
		return EINVAL;
	if (range[1] == 0)
		return cmd == BLKZEROOUT ? 0 : EINVAL;
	error = disk_cache_bypass(cache, range[0], range[0] + range[1]);
	if (error == 0)
		error = cmd == BLKDISCARD ? discard(d, range[0], range[1]) :
		    write_zeros(d, range[0], range[1]);
	disk_cache_forget(cache, range[0], range[0] + range[1]);
	return error;
}

static int
roset(struct disk *d, uintptr_t uarg)
{
	int v, error = admin();

	if (error == 0)
		error = copyin((void *)uarg, &v, sizeof(v));
	if (error != 0)
		return error;
	/* What the device refuses stays refused: only more, or our own. */
	if (v != 0)
		(void)atomic_or(&d->d_flags, DISK_ROSET);
	else
		(void)atomic_and(&d->d_flags, ~(unsigned int)DISK_ROSET);
	return 0;
}

static int
get_info(struct disk *d, unsigned long cmd, uintptr_t uarg)
{
	const struct disk_limits *dl = &d->d_whole->d_limits;

	switch (cmd) {
	case BLKROGET:
		return put_int(uarg, disk_readonly(d));
	case BLKGETSIZE:
		return put_long(uarg, d->d_sectors);
	case BLKRAGET:
	case BLKFRAGET:
		return put_long(uarg, 256);
	case BLKSECTGET:
		return put_short(uarg, dl->dl_maxsectors);
	case BLKSSZGET:
		return put_int(uarg, dl->dl_lbs);
	case BLKIOMIN:
	case BLKPBSZGET:
		return put_int(uarg, dl->dl_pbs);
	case BLKIOOPT:
		return put_int(uarg, dl->dl_ioopt);
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		return put_int(uarg, 0);
	case BLKROTATIONAL:
		return put_short(uarg, dl->dl_rotational);
	case HDIO_GETGEO:
		return getgeo(d, uarg);
	default:
		return ENOTTY;
	}
}

int
disk_ioctl(struct disk *d, struct vnode *cache, struct file *fp,
    unsigned long cmd, uintptr_t uarg, register_t *retval)
{
	uint64_t bytes;
	int error;

	/* They encode size_t: both word sizes' commands. */
	if ((cmd & 0xffff) == BLKBSZGET && cmd >> 30 == 2)
		return put_int(uarg, PAGE_SIZE);
	if ((cmd & 0xffff) == BLKBSZSET && cmd >> 30 == 1)
		return admin();
	if ((cmd & 0xffff) == (BLKGETSIZE64 & 0xffff) && cmd >> 30 == 2) {
		bytes = d->d_sectors << SECTOR_SHIFT;
		return copyout(&bytes, (void *)uarg, sizeof(bytes));
	}
	error = get_info(d, cmd, uarg);
	if (error != ENOTTY)
		return error;
	switch (cmd) {
	case BLKROSET:
		return roset(d, uarg);
	case BLKRRPART:
		error = disk_cache_bypass(cache, 0, INT64_MAX);
		return error != 0 ? error : rescan(d);
	case BLKFLSBUF:
		error = admin();
		if (error == 0)
			error = disk_cache_sync(cache, 0, INT64_MAX);
		if (error == 0)
			disk_cache_forget(cache, 0, d->d_sectors <<
			    SECTOR_SHIFT);
		return error;
	case BLKRASET:
	case BLKFRASET:
		return admin();
	case BLKPG:
		return blkpg(d, uarg);
	case BLKDISCARD:
	case BLKZEROOUT:
		return range_op(d, cache, fp, cmd, uarg);
	default:
		break;
	}
	if (d->d_whole->d_ops->do_ioctl == NULL)
		return ENOTTY;
	return d->d_whole->d_ops->do_ioctl(d, fp, cmd, uarg, retval);
}
