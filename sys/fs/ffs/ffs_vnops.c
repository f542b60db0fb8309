/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FFS: vnode operations.
 *
 * A directory is a file of blocks of 512 bytes, each full of entries: inode,
 * length of the entry, kind, length of the name, name.
 */
#include <sys/errno.h>
#include <fs/ffs/ffs.h>

#define	ENTRY_LEAST	8

/* A walk over the entries of a directory. */
struct walk {
	struct ffs_inode *w_dir;
	uint64_t	w_off;		/* of the next entry */
	struct buf	*w_bp;		/* has w_off's block */
	size_t		w_bpoff;	/* where that begins in it */
	/* The entry. */
	uint32_t	w_ino;
	unsigned int	w_type;
	size_t		w_len;
	const char	*w_name;
};

/* The block of w_off; false: a hole, or the end. */
static int
walk_block(struct walk *w, bool *there)
{
	uint64_t disk, len, at = rounddown2(w->w_off, (uint64_t)FFS_DIRBLK);
	int error;

	*there = w->w_bp != NULL;
	if (*there)
		return 0;
	error = ffs_map(w->w_dir, at, &disk, &len);
	if (error != 0 || disk == 0 || len < FFS_DIRBLK)
		return error;
	error = ffs_bread(w->w_dir->fi_fm, disk, &w->w_bp, &w->w_bpoff);
	*there = error == 0;
	return error;
}

static void
walk_end(struct walk *w)
{
	brelse(w->w_bp);
	w->w_bp = NULL;
}

static int
walk_next(struct walk *w)
{
	const char *p;
	size_t in, reclen;
	bool there;
	int error;

	while (w->w_off < w->w_dir->fi_size) {
		in = (size_t)(w->w_off % FFS_DIRBLK);
		if (in == 0)
			walk_end(w);
		error = walk_block(w, &there);
		if (error != 0)
			return error;
		if (!there) {
			w->w_off += FFS_DIRBLK - in;
			continue;
		}
		p = w->w_bp->b_data + w->w_bpoff + in;
		reclen = in + ENTRY_LEAST <= FFS_DIRBLK ? ffs_get16(p + 4) : 0;
		if (reclen < ENTRY_LEAST || reclen % 4 != 0 ||
		    reclen > FFS_DIRBLK - in)
			return EIO;
		w->w_off += reclen;
		w->w_ino = ffs_get32(p);
		w->w_type = (unsigned char)p[6];
		w->w_len = (unsigned char)p[7];
		w->w_name = p + ENTRY_LEAST;
		if (w->w_ino == 0 || w->w_len == 0)
			continue;
		if (w->w_len > reclen - ENTRY_LEAST ||
		    memchr(w->w_name, '/', w->w_len) != NULL ||
		    memchr(w->w_name, '\0', w->w_len) != NULL)
			return EIO;
		return 0;
	}
	return ENOENT;
}

static int
ffs_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct walk w = { .w_dir = FFS_INODE(dvp) };
	int error;

	while ((error = walk_next(&w)) == 0)
		if (w.w_len == len && memcmp(w.w_name, name, len) == 0)
			break;
	walk_end(&w);
	return error != 0 ? error : ffs_get(w.w_dir->fi_fm, w.w_ino, vpp);
}

/* A cookie is a place; one inside an entry leads to no harm. */
static int
ffs_readdir(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct walk w = { .w_dir = FFS_INODE(dvp),
	    .w_off = (uint64_t)*cookie };
	int error;

	while ((error = walk_next(&w)) == 0) {
		if (!fn(ctx, w.w_name, w.w_len, w.w_ino, w.w_type <= DT_SOCK ?
		    w.w_type : DT_UNKNOWN, (off_t)w.w_off))
			break;
		*cookie = (off_t)w.w_off;
	}
	walk_end(&w);
	return error == ENOENT ? 0 : error;
}

static int
ffs_getattr(struct vnode *vp, struct stat_k *st)
{
	struct ffs_inode *fi = FFS_INODE(vp);

	st->st_nlink = fi->fi_nlink;
	st->st_size = (off_t)fi->fi_size;
	st->st_blocks = fi->fi_blocks;
	st->st_blksize = fi->fi_fm->fm_bsize;
	st->st_atim = fi->fi_atime;
	st->st_mtim = fi->fi_mtime;
	st->st_ctim = fi->fi_ctime;
	st->st_btim = fi->fi_btime;
	st->st_has_btime = fi->fi_fm->fm_ufs2;
	return 0;
}

static int
ffs_readlink(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	struct ffs_inode *fi = FFS_INODE(vp);
	struct ffs_mount *fm = fi->fi_fm;
	uint64_t disk, len;
	size_t done = 0, off, n;
	struct buf *bp;
	int error = 0;

	*lenp = (size_t)MIN(fi->fi_size, size);
	if (fi->fi_size == 0 || fi->fi_size > MAXPATHLEN)
		return EIO;
	if (fi->fi_size < fm->fm_maxsymlink) {
		memcpy(buf, fi->fi_link, *lenp);
		return 0;
	}
	for (; done < *lenp && error == 0; done += n) {
		error = ffs_map(fi, done, &disk, &len);
		if (error == 0 && disk == 0)
			error = EIO;
		if (error == 0)
			error = ffs_bread(fm, disk, &bp, &off);
		if (error != 0)
			break;
		n = (size_t)MIN(MIN(len, fm->fm_bcsize - off), *lenp - done);
		memcpy(buf + done, bp->b_data + off, n);
		brelse(bp);
	}
	return error;
}

static int
ffs_bmap(struct vnode *vp, off_t off, off_t len, struct vnode_map *m)
{
	struct ffs_inode *fi = FFS_INODE(vp);
	uint64_t disk = 0, n = (uint64_t)len;
	int error = 0;

	memset(m, 0, sizeof(*m));
	if ((uint64_t)off < fi->fi_size)
		error = ffs_map(fi, (uint64_t)off, &disk, &n);
	m->vm_off = off;
	m->vm_len = (off_t)MIN((uint64_t)len, n);
	m->vm_kind = disk != 0 ? VM_MAPPED : VM_HOLE;
	m->vm_disk = disk;
	return error;
}

static void
ffs_reclaim(struct vnode *vp)
{
	struct ffs_inode *fi = FFS_INODE(vp);

	vntable_leave(&fi->fi_fm->fm_table, vp);
	kmem_free(fi, sizeof(*fi));
}

const struct vops ffs_vops = {
	.vop_lookup = ffs_lookup,
	.vop_readdir = ffs_readdir,
	.vop_getattr = ffs_getattr,
	.vop_readlink = ffs_readlink,
	.vop_read = diskfs_read,
	.vop_mmap = diskfs_mmap,
	.vop_fsync = diskfs_fsync_readonly,
	.vop_bmap = ffs_bmap,
	.vop_reserve = diskfs_reserve_readonly,
	.vop_inactive = diskfs_inactive_readonly,
	.vop_reclaim = ffs_reclaim,
};
