/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FFS: inodes, and where the blocks of a file are.
 *
 * Untrusted input: the disk; numbers and addresses are checked against what the
 * superblock says, which was checked against the disk.
 */
#include <sys/errno.h>
#include <uvm/uvm_vnode.h>
#include <fs/ffs/ffs.h>

#define	DINODE1		128		/* bytes */
#define	DINODE2		256

int
ffs_bread(struct ffs_mount *fm, uint64_t pos, struct buf **bpp, size_t *off)
{
	int error = bread(fm->fm_bc, pos / fm->fm_bcsize, bpp);

	*off = (size_t)(pos % fm->fm_bcsize);
	return error == EINVAL ? EIO : error;
}

/* -- blocks -- */

static unsigned int
ptr_size(const struct ffs_mount *fm)
{
	return fm->fm_ufs2 ? 8 : 4;
}

/* A whole block, or n fragments, at that address? */
static bool
address_ok(const struct ffs_mount *fm, uint64_t addr, uint64_t n)
{
	return addr < fm->fm_size && n <= fm->fm_size - addr;
}

/* Entry idx of an indirect block. */
static int
indirect(struct ffs_mount *fm, uint64_t blk, uint64_t idx, uint64_t *next)
{
	struct buf *bp;
	size_t off;
	int error;

	if (!address_ok(fm, blk, fm->fm_frag))
		return EIO;
	error = ffs_bread(fm, blk * fm->fm_fsize + idx * ptr_size(fm), &bp,
	    &off);
	if (error != 0)
		return error;
	*next = fm->fm_ufs2 ? ffs_get64(bp->b_data + off) :
	    ffs_get32(bp->b_data + off);
	brelse(bp);
	return 0;
}

/* The address of block lbn; 0: a hole. */
static int
block_of(struct ffs_inode *fi, uint64_t lbn, uint64_t *addr)
{
	struct ffs_mount *fm = fi->fi_fm;
	uint64_t nindir = fm->fm_bsize / ptr_size(fm), span = nindir;
	unsigned int level;
	int error = 0;

	if (lbn < FFS_NDADDR) {
		*addr = fi->fi_db[lbn];
		return 0;
	}
	lbn -= FFS_NDADDR;
	for (level = 0; level < FFS_NIADDR && lbn >= span; level++) {
		lbn -= span;
		span *= nindir;
	}
	if (level == FFS_NIADDR)
		return EFBIG;
	*addr = fi->fi_ib[level];
	for (span /= nindir; *addr != 0 && error == 0; span /= nindir) {
		error = indirect(fm, *addr, lbn / span, addr);
		lbn %= span;
		if (span == 1)
			break;
	}
	return error;
}

int
ffs_map(struct ffs_inode *fi, uint64_t off, uint64_t *disk, uint64_t *len)
{
	struct ffs_mount *fm = fi->fi_fm;
	uint64_t lbn = off / fm->fm_bsize, in = off % fm->fm_bsize, addr;
	uint64_t have = fm->fm_bsize;
	int error;

	/* The tail of a small file. */
	if (lbn < FFS_NDADDR && fi->fi_size / fm->fm_bsize == lbn)
		have = roundup2(fi->fi_size % fm->fm_bsize,
		    (uint64_t)fm->fm_fsize);
	error = block_of(fi, lbn, &addr);
	if (error != 0)
		return error;
	*disk = 0;
	*len = fm->fm_bsize - in;
	if (addr == 0 || in >= have)
		return 0;
	if (!address_ok(fm, addr, have / fm->fm_fsize))
		return EIO;
	*len = have - in;
	*disk = addr * fm->fm_fsize + in;
	return 0;
}

/* -- inodes -- */

static void
decode1(struct ffs_inode *fi, const char *p, mode_t *mode, uid_t *uid,
    gid_t *gid)
{
	unsigned int i;

	*mode = ffs_get16(p);
	fi->fi_nlink = ffs_get16(p + 2);
	fi->fi_size = ffs_get64(p + 8);
	fi->fi_atime.tv_sec = (int32_t)ffs_get32(p + 16);
	fi->fi_atime.tv_nsec = (int32_t)ffs_get32(p + 20);
	fi->fi_mtime.tv_sec = (int32_t)ffs_get32(p + 24);
	fi->fi_mtime.tv_nsec = (int32_t)ffs_get32(p + 28);
	fi->fi_ctime.tv_sec = (int32_t)ffs_get32(p + 32);
	fi->fi_ctime.tv_nsec = (int32_t)ffs_get32(p + 36);
	for (i = 0; i < FFS_NDADDR; i++)
		fi->fi_db[i] = ffs_get32(p + 40 + 4 * i);
	for (i = 0; i < FFS_NIADDR; i++)
		fi->fi_ib[i] = ffs_get32(p + 88 + 4 * i);
	memcpy(fi->fi_link, p + 40, 60);
	fi->fi_blocks = ffs_get32(p + 104);
	*uid = ffs_get32(p + 112);
	*gid = ffs_get32(p + 116);
}

static void
decode2(struct ffs_inode *fi, const char *p, mode_t *mode, uid_t *uid,
    gid_t *gid)
{
	unsigned int i;

	*mode = ffs_get16(p);
	fi->fi_nlink = ffs_get16(p + 2);
	*uid = ffs_get32(p + 4);
	*gid = ffs_get32(p + 8);
	fi->fi_size = ffs_get64(p + 16);
	fi->fi_blocks = ffs_get64(p + 24);
	fi->fi_atime.tv_sec = (int64_t)ffs_get64(p + 32);
	fi->fi_mtime.tv_sec = (int64_t)ffs_get64(p + 40);
	fi->fi_ctime.tv_sec = (int64_t)ffs_get64(p + 48);
	fi->fi_btime.tv_sec = (int64_t)ffs_get64(p + 56);
	fi->fi_mtime.tv_nsec = (int32_t)ffs_get32(p + 64);
	fi->fi_atime.tv_nsec = (int32_t)ffs_get32(p + 68);
	fi->fi_ctime.tv_nsec = (int32_t)ffs_get32(p + 72);
	fi->fi_btime.tv_nsec = (int32_t)ffs_get32(p + 76);
	for (i = 0; i < FFS_NDADDR; i++)
		fi->fi_db[i] = ffs_get64(p + 112 + 8 * i);
	for (i = 0; i < FFS_NIADDR; i++)
		fi->fi_ib[i] = ffs_get64(p + 208 + 8 * i);
	memcpy(fi->fi_link, p + 112, 120);
}

static void
fix_time(struct timespec *ts)
{
	if (ts->tv_nsec < 0 || ts->tv_nsec > 999999999)
		ts->tv_nsec = 0;
}

static int
check(struct ffs_inode *fi, mode_t mode)
{
	mode_t type = mode & S_IFMT;

	fix_time(&fi->fi_atime);
	fix_time(&fi->fi_mtime);
	fix_time(&fi->fi_ctime);
	fix_time(&fi->fi_btime);
	if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK &&
	    type != S_IFCHR && type != S_IFBLK && type != S_IFIFO &&
	    type != S_IFSOCK)
		return EIO;
	return fi->fi_size > INT64_MAX - PAGE_SIZE ? EIO : 0;
}

/* Where an inode is, in bytes. */
static int
place(struct ffs_mount *fm, uint64_t ino, uint64_t *pos)
{
	uint64_t cg = ino / fm->fm_ipg, n = ino % fm->fm_ipg, addr;
	unsigned int size = fm->fm_ufs2 ? DINODE2 : DINODE1;
	unsigned int inopb = fm->fm_bsize / size;

	if (ino < FFS_ROOT_INO || cg >= fm->fm_ncg)
		return EIO;
	addr = cg * fm->fm_fpg + fm->fm_iblkno + n / inopb * fm->fm_frag;
	if (!fm->fm_ufs2)
		addr += (uint64_t)fm->fm_cgoffset * (cg &
		    ~(uint64_t)fm->fm_cgmask);
	if (!address_ok(fm, addr, fm->fm_frag))
		return EIO;
	*pos = addr * fm->fm_fsize + n % inopb * size;
	return 0;
}

static int
load(struct ffs_mount *fm, uint64_t ino, struct ffs_inode *fi, mode_t *mode,
    uid_t *uid, gid_t *gid)
{
	struct buf *bp;
	uint64_t pos;
	size_t off;
	int error;

	error = place(fm, ino, &pos);
	if (error == 0)
		error = ffs_bread(fm, pos, &bp, &off);
	if (error != 0)
		return error;
	fi->fi_fm = fm;
	fi->fi_ino = ino;
	if (fm->fm_ufs2)
		decode2(fi, bp->b_data + off, mode, uid, gid);
	else
		decode1(fi, bp->b_data + off, mode, uid, gid);
	brelse(bp);
	return check(fi, *mode);
}

static int
vnode_make(struct ffs_inode *fi, mode_t mode, struct vnode **vpp)
{
	struct ffs_mount *fm = fi->fi_fm;
	struct vnode *vp;
	int error;

	error = vnode_alloc(fm->fm_mp, &ffs_vops, fi, &vp);
	if (error != 0) {
		kmem_free(fi, sizeof(*fi));
		return error;
	}
	vp->v_mode = mode;
	vp->v_ino = fi->fi_ino;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		vp->v_rdev = makedev((uint32_t)fi->fi_db[0] >> 8 & 0xff,
		    ((uint32_t)fi->fi_db[0] & 0xff) |
		    ((uint32_t)fi->fi_db[0] >> 8 & 0xffff00));
	if (S_ISREG(mode)) {
		vp->v_bsize = fm->fm_bcsize;
		error = uvm_vnode_attach(vp, fm->fm_dev->bd_disk,
		    fi->fi_size);
	}
	if (error != 0) {
		vrele(vp);
		return error;
	}
	*vpp = vp;
	return 0;
}

int
ffs_get(struct ffs_mount *fm, uint64_t ino, struct vnode **vpp)
{
	struct vnode *vp, *other;
	struct ffs_inode *fi;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int error;

	*vpp = vntable_find(&fm->fm_table, ino);
	if (*vpp != NULL)
		return 0;
	fi = kmem_zalloc(sizeof(*fi), KM_SLEEP);
	if (fi == NULL)
		return ENOMEM;
	error = load(fm, ino, fi, &mode, &uid, &gid);
	if (error != 0) {
		kmem_free(fi, sizeof(*fi));
		return error;
	}
	error = vnode_make(fi, mode, &vp);
	if (error != 0)
		return error;
	vp->v_uid = uid;
	vp->v_gid = gid;
	other = vntable_enter(&fm->fm_table, vp);
	if (other != NULL) {
		vrele(vp);
		vp = other;
	}
	*vpp = vp;
	return 0;
}
