/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: vnode operations on names.
 *
 * Overview: each operation is one handle, so it is there after a crash as a
 * whole or not at all.  One that finds no space tries again after a commit, if
 * a commit would set blocks free.  A file whose making fails half-way becomes
 * an orphan, and is freed as any other.
 *
 * Locking: the VFS holds v_lock of all vnodes it passes in, exclusively
 * where something changes.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <uvm/uvm_vnode.h>
#include <fs/ext4/ext4.h>

#define	CREDITS_CREATE	(EXT4_CREDITS_DIR + 2 * EXT4_CREDITS_XATTR +	\
	2 * EXT4_CREDITS_INODE + 2 * EXT4_CREDITS_ALLOC +		\
	EXT4_CREDITS_ORPHAN + 4)
#define	CREDITS_REMOVE	(3 + 2 * EXT4_CREDITS_INODE + EXT4_CREDITS_ORPHAN)
#define	CREDITS_RENAME	(EXT4_CREDITS_DIR + 8 + 4 * EXT4_CREDITS_INODE + \
	EXT4_CREDITS_ORPHAN)

static bool
read_only(const struct ext4_mount *em)
{
	return em->em_jnl == NULL || em->em_failed;
}

/* Is it worth another try?  No handle held. */
static bool
again_after_commit(struct ext4_mount *em, int error, unsigned int *tries)
{
	return error == ENOSPC && (*tries)++ == 0 && ext4_jpending(em) &&
	    ext4_jcommit_all(em) == 0;
}

static int
ext4_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct ext4_inode *dir = EXT4_I(dvp);
	struct ext4_slot s;
	int error;

	error = ext4_dir_find(dir, name, len, &s);
	if (error != 0)
		return error;
	brelse(s.s_buf);
	if (s.s_ino < dir->ei_em->em_sb.s_first_ino &&
	    s.s_ino != EXT4_ROOT_INO)
		return ext4_error(dir->ei_em, dir->ei_ino,
		    "a name of inode %u", s.s_ino);
	error = ext4_iget(dir->ei_em, s.s_ino, vpp);
	if (error == 0 && EXT4_I(*vpp)->ei_nlink == 0) {
		/* Not freed: the disk is wrong, not the file. */
		error = ext4_error(dir->ei_em, s.s_ino,
		    "a name of a file without names");
		vrele(*vpp);
	}
	return error == ESTALE ? ext4_error(dir->ei_em, s.s_ino,
	    "a name of a free inode") : error;
}

/* -- directories' link counts: 1 means "very many" -- */

static bool
dir_full(const struct ext4_inode *dir)
{
	return dir->ei_nlink >= EXT4_LINK_MAX - 1 &&
	    !ext4_rocompat(dir->ei_em, EXT4_ROC_DIR_NLINK);
}

static void
dir_inc(struct ext4_inode *dir)
{
	if (dir->ei_nlink != 1 && ++dir->ei_nlink >= EXT4_LINK_MAX)
		dir->ei_nlink = 1;
}

static void
dir_dec(struct ext4_inode *dir)
{
	if (dir->ei_nlink > 2)
		dir->ei_nlink--;
}

/* -- making files -- */

struct making {
	mode_t		mk_mode;
	uid_t		mk_uid;
	gid_t		mk_gid;
	dev_t		mk_rdev;
	const char	*mk_target;
};

/* A long link's text: one block of metadata. */
static int
symlink_block(struct ext4_handle *h, struct ext4_inode *ei,
    const char *target, size_t len)
{
	struct ext4_mount *em = ei->ei_em;
	struct buf *bp;
	uint64_t blk;
	int error;

	error = ext4_balloc(h, NULL, ext4_group_start(em, (ei->ei_ino - 1) /
	    em->em_ipg), false, &blk);
	if (error != 0)
		return error;
	error = bgetzero(em->em_bc, blk, &bp);
	if (error == 0) {
		error = ext4_jwrite(h, bp);
		if (error == 0)
			memcpy(bp->b_data, target, len);
		brelse(bp);
	}
	if (error == 0)
		error = ext4_map_set(h, ei, 0, blk, 1, false);
	if (error != 0)
		(void)ext4_bfree(h, blk, 1, true);
	return error;
}

static void
dev_encode(struct ext4_inode *ei, dev_t dev)
{
	uint32_t maj = major(dev), min = minor(dev);

	if (maj < 256 && min < 256)
		ei->ei_block[0] = maj << 8 | min;
	else
		ei->ei_block[1] = (min & 0xff) | maj << 8 |
		    (min & ~0xffU) << 12;
}

/* What a file of the kind has at first. */
static int
first_contents(struct ext4_handle *h, struct ext4_inode *ei,
    struct ext4_inode *dir, const struct making *mk)
{
	size_t len = mk->mk_target != NULL ? strlen(mk->mk_target) : 0;
	int error;

	if (S_ISCHR(mk->mk_mode) || S_ISBLK(mk->mk_mode)) {
		dev_encode(ei, mk->mk_rdev);
		return 0;
	}
	if (S_ISLNK(mk->mk_mode) && len < EXT4_IBLOCK) {
		memcpy(ei->ei_block, mk->mk_target, len);
		ei->ei_size = ei->ei_disksize = len;
		return 0;
	}
	if (!S_ISREG(mk->mk_mode) && !S_ISDIR(mk->mk_mode) &&
	    !S_ISLNK(mk->mk_mode))
		return 0;
	if (ext4_incompat(ei->ei_em, EXT4_INC_EXTENTS)) {
		ei->ei_flags |= EXT4_FL_EXTENTS;
		ext4_ext_init(ei);
	}
	if (S_ISDIR(mk->mk_mode))
		return ext4_dir_init(h, ei, dir->ei_ino);
	if (S_ISREG(mk->mk_mode))
		return 0;
	ei->ei_size = ei->ei_disksize = len;
	error = symlink_block(h, ei, mk->mk_target, len);
	if (error != 0)
		ei->ei_size = ei->ei_disksize = 0;
	return error;
}

/* A file in the transaction, without a name.  On failure nothing is left. */
static int
new_file(struct ext4_handle *h, struct ext4_inode *dir,
    const struct making *mk, struct vnode **vpp)
{
	struct ext4_mount *em = dir->ei_em;
	struct ext4_inode *ei;
	uint32_t ino;
	int error;

	error = ext4_ialloc(h, dir, mk->mk_mode, &ino);
	if (error != 0)
		return error;
	error = ext4_inew(em, ino, mk->mk_mode, vpp);
	if (error != 0) {
		(void)ext4_ifree(h, ino, S_ISDIR(mk->mk_mode));
		return error;
	}
	ei = EXT4_I(*vpp);
	ei->ei_uid = (*vpp)->v_uid = mk->mk_uid;
	ei->ei_gid = (*vpp)->v_gid = mk->mk_gid;
	(*vpp)->v_rdev = mk->mk_rdev;
	ei->ei_nlink = S_ISDIR(mk->mk_mode) ? 2 : 1;
	ei->ei_flags = dir->ei_flags & EXT4_FL_INHERITED;
	if (!S_ISDIR(mk->mk_mode))
		ei->ei_flags &= ~(uint32_t)EXT4_FL_DIRSYNC;
	error = first_contents(h, ei, dir, mk);
	if (error == 0)
		error = ext4_iwrite(h, ei);
	if (error == 0)
		error = ext4_acl_inherit(h, dir, ei);
	return error;
}

/* It got no name: freed when the reference goes, which is after the handle. */
static void
abandon(struct ext4_handle *h, struct vnode *vp)
{
	struct ext4_inode *ei = EXT4_I(vp);

	ei->ei_nlink = 0;
	vp->v_flags |= VV_DELETED;
	if (ext4_orphan_add(h, ei) != 0 || ext4_iwrite(h, ei) != 0)
		(void)ext4_error(ei->ei_em, ei->ei_ino,
		    "cannot undo its making");
}

static int
make_once(struct ext4_inode *dir, const char *name, size_t len,
    const struct making *mk, struct vnode **vpp)
{
	struct vnode *vp = NULL;
	struct ext4_inode *ei;
	struct ext4_handle h;
	int error;

	error = ext4_jstart(dir->ei_em, CREDITS_CREATE, &h);
	if (error != 0)
		return error;
	error = new_file(&h, dir, mk, &vp);
	if (error == 0) {
		ei = EXT4_I(vp);
		error = ext4_dir_add(&h, dir, name, len, ei->ei_ino,
		    mk->mk_mode);
	}
	if (error == 0) {
		if (S_ISDIR(mk->mk_mode))
			dir_inc(dir);
		ext4_itouch(dir, true);
		error = ext4_iwrite(&h, ei);
		if (error == 0)
			error = ext4_iwrite(&h, dir);
		if (error != 0)		/* the name is there already */
			error = ext4_error(dir->ei_em, dir->ei_ino,
			    "cannot make a file");
	}
	if (error != 0 && vp != NULL)
		abandon(&h, vp);
	if (error == ENOSPC)		/* the directory may have grown */
		(void)ext4_iwrite(&h, dir);
	ext4_jstop(&h);
	if (error != 0 && vp != NULL)
		vrele(vp);
	if (error == 0)
		*vpp = vp;
	return error;
}

static int
make(struct vnode *dvp, const char *name, size_t len, struct making *mk,
    struct cred *cr, struct vnode **vpp)
{
	struct ext4_inode *dir = EXT4_I(dvp);
	unsigned int tries = 0;
	int error;

	if (read_only(dir->ei_em))
		return EROFS;
	if ((dir->ei_flags & EXT4_FL_IMMUTABLE) != 0)
		return EPERM;
	if (S_ISDIR(mk->mk_mode) && dir_full(dir))
		return EMLINK;
	vnode_new_owner(dvp, cr, &mk->mk_mode, &mk->mk_uid, &mk->mk_gid);
	do
		error = make_once(dir, name, len, mk, vpp);
	while (again_after_commit(dir->ei_em, error, &tries));
	return error;
}

static int
ext4_create(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    struct cred *cr, struct vnode **vpp)
{
	struct making mk = { .mk_mode = mode };

	return make(dvp, name, len, &mk, cr, vpp);
}

static int
ext4_mknod(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    dev_t rdev, struct cred *cr, struct vnode **vpp)
{
	struct making mk = { .mk_mode = mode, .mk_rdev = rdev };

	return make(dvp, name, len, &mk, cr, vpp);
}

static int
ext4_symlink(struct vnode *dvp, const char *name, size_t len,
    const char *target, struct cred *cr, struct vnode **vpp)
{
	struct making mk = { .mk_mode = S_IFLNK | 0777, .mk_target = target };

	if (strlen(target) >= EXT4_I(dvp)->ei_em->em_bsize)
		return ENAMETOOLONG;
	return make(dvp, name, len, &mk, cr, vpp);
}

static int
ext4_tmpfile(struct vnode *dvp, mode_t mode, struct cred *cr,
    struct vnode **vpp)
{
	struct ext4_inode *dir = EXT4_I(dvp);
	struct making mk = { .mk_mode = mode };
	unsigned int tries = 0;
	struct ext4_handle h;
	struct vnode *vp;
	int error;

	if (read_only(dir->ei_em))
		return EROFS;
	vnode_new_owner(dvp, cr, &mk.mk_mode, &mk.mk_uid, &mk.mk_gid);
	do {
		vp = NULL;
		error = ext4_jstart(dir->ei_em, CREDITS_CREATE, &h);
		if (error != 0)
			return error;
		error = new_file(&h, dir, &mk, &vp);
		if (vp != NULL)
			abandon(&h, vp);
		ext4_jstop(&h);
		if (error != 0 && vp != NULL)
			vrele(vp);
	} while (again_after_commit(dir->ei_em, error, &tries));
	if (error == 0)
		*vpp = vp;
	return error;
}

/* -- other changes of names -- */

static bool
fixed(const struct ext4_inode *ei)
{
	return (ei->ei_flags & (EXT4_FL_IMMUTABLE | EXT4_FL_APPEND)) != 0;
}

static int
link_once(struct ext4_inode *dir, const char *name, size_t len,
    struct ext4_inode *ei)
{
	struct ext4_handle h;
	int error;

	error = ext4_jstart(dir->ei_em, EXT4_CREDITS_DIR +
	    2 * EXT4_CREDITS_INODE + EXT4_CREDITS_ORPHAN, &h);
	if (error != 0)
		return error;
	error = ext4_dir_add(&h, dir, name, len, ei->ei_ino, ei->ei_mode);
	if (error == 0) {
		error = ext4_orphan_del(&h, ei);
		ei->ei_nlink++;
		ei->ei_vnode->v_flags &= ~(unsigned int)VV_DELETED;
		ext4_itouch(ei, false);
		ext4_itouch(dir, true);
		if (error == 0)
			error = ext4_iwrite(&h, ei);
		if (error == 0)
			error = ext4_iwrite(&h, dir);
		if (error != 0)
			error = ext4_error(dir->ei_em, dir->ei_ino,
			    "cannot link");
	} else if (error == ENOSPC) {
		(void)ext4_iwrite(&h, dir);
	}
	ext4_jstop(&h);
	return error;
}

static int
ext4_link(struct vnode *dvp, const char *name, size_t len, struct vnode *vp)
{
	struct ext4_inode *dir = EXT4_I(dvp), *ei = EXT4_I(vp);
	unsigned int tries = 0;
	int error;

	if (read_only(dir->ei_em))
		return EROFS;
	if (ei->ei_nlink == 0 && (vp->v_flags & VV_LINKABLE) == 0)
		return ENOENT;
	if (ei->ei_nlink >= EXT4_LINK_MAX)
		return EMLINK;
	if (fixed(ei) || (dir->ei_flags & EXT4_FL_IMMUTABLE) != 0)
		return EPERM;
	do
		error = link_once(dir, name, len, ei);
	while (again_after_commit(dir->ei_em, error, &tries));
	return error;
}

/* A name less; dirs: its last one.  Part of h. */
static int
drop_name(struct ext4_handle *h, struct ext4_inode *ei)
{
	int error = 0;

	if (S_ISDIR(ei->ei_mode))
		ei->ei_nlink = 0;
	else if (ei->ei_nlink > 0)
		ei->ei_nlink--;
	ext4_itouch(ei, false);
	if (ei->ei_nlink == 0) {
		ei->ei_vnode->v_flags |= VV_DELETED;
		error = ext4_orphan_add(h, ei);
	}
	return error != 0 ? error : ext4_iwrite(h, ei);
}

static int
remove_name(struct ext4_inode *dir, const char *name, size_t len,
    struct ext4_inode *ei)
{
	struct ext4_handle h;
	int error;

	if (read_only(dir->ei_em))
		return EROFS;
	if (fixed(ei) || fixed(dir))
		return EPERM;
	error = ext4_jstart(dir->ei_em, CREDITS_REMOVE, &h);
	if (error != 0)
		return error;
	error = ext4_dir_remove(&h, dir, name, len, ei->ei_ino);
	if (error == 0) {
		if (S_ISDIR(ei->ei_mode))
			dir_dec(dir);
		ext4_itouch(dir, true);
		error = drop_name(&h, ei);
		if (error == 0)
			error = ext4_iwrite(&h, dir);
		if (error != 0)
			error = ext4_error(dir->ei_em, dir->ei_ino,
			    "cannot remove a name");
	}
	ext4_jstop(&h);
	return error;
}

static int
ext4_unlink(struct vnode *dvp, const char *name, size_t len, struct vnode *vp)
{
	return remove_name(EXT4_I(dvp), name, len, EXT4_I(vp));
}

static int
ext4_rmdir(struct vnode *dvp, const char *name, size_t len, struct vnode *vp)
{
	bool empty;
	int error;

	error = ext4_dir_empty(EXT4_I(vp), &empty);
	if (error == 0 && !empty)
		error = ENOTEMPTY;
	return error != 0 ? error :
	    remove_name(EXT4_I(dvp), name, len, EXT4_I(vp));
}

/* -- rename -- */

struct moving {
	struct ext4_inode *fd, *td;	/* directories */
	struct ext4_inode *ei, *old;	/* what moves; what was there */
	const char	*fname, *tname;
	size_t		flen, tlen;
};

/* A directory that changed its parent. */
static int
reparent(struct ext4_handle *h, struct ext4_inode *ei,
    struct ext4_inode *from, struct ext4_inode *to)
{
	if (!S_ISDIR(ei->ei_mode) || from == to)
		return 0;
	dir_dec(from);
	dir_inc(to);
	return ext4_dir_setparent(h, ei, to->ei_ino);
}

static int
move_commit(struct ext4_handle *h, const struct moving *mv)
{
	int error;

	error = ext4_dir_remove(h, mv->fd, mv->fname, mv->flen,
	    mv->ei->ei_ino);
	if (error == 0)
		error = reparent(h, mv->ei, mv->fd, mv->td);
	if (error == 0 && mv->old != NULL) {
		if (S_ISDIR(mv->old->ei_mode))
			dir_dec(mv->td);
		error = drop_name(h, mv->old);
	}
	ext4_itouch(mv->ei, false);
	ext4_itouch(mv->fd, true);
	ext4_itouch(mv->td, true);
	if (error == 0)
		error = ext4_iwrite(h, mv->ei);
	if (error == 0)
		error = ext4_iwrite(h, mv->fd);
	if (error == 0 && mv->td != mv->fd)
		error = ext4_iwrite(h, mv->td);
	return error;
}

static int
move_once(const struct moving *mv)
{
	struct ext4_handle h;
	int error;

	error = ext4_jstart(mv->fd->ei_em, CREDITS_RENAME, &h);
	if (error != 0)
		return error;
	error = mv->old != NULL ?
	    ext4_dir_replace(&h, mv->td, mv->tname, mv->tlen, mv->ei->ei_ino,
	    mv->ei->ei_mode) :
	    ext4_dir_add(&h, mv->td, mv->tname, mv->tlen, mv->ei->ei_ino,
	    mv->ei->ei_mode);
	if (error == 0) {
		error = move_commit(&h, mv);
		if (error != 0)
			error = ext4_error(mv->fd->ei_em, mv->fd->ei_ino,
			    "cannot rename");
	} else if (error == ENOSPC) {
		(void)ext4_iwrite(&h, mv->td);
	}
	ext4_jstop(&h);
	return error;
}

static int
exchange(const struct moving *mv)
{
	struct ext4_handle h;
	int error;

	error = ext4_jstart(mv->fd->ei_em, CREDITS_RENAME, &h);
	if (error != 0)
		return error;
	error = ext4_dir_replace(&h, mv->td, mv->tname, mv->tlen,
	    mv->ei->ei_ino, mv->ei->ei_mode);
	if (error != 0)
		goto out;
	error = ext4_dir_replace(&h, mv->fd, mv->fname, mv->flen,
	    mv->old->ei_ino, mv->old->ei_mode);
	if (error == 0)
		error = reparent(&h, mv->ei, mv->fd, mv->td);
	if (error == 0)
		error = reparent(&h, mv->old, mv->td, mv->fd);
	ext4_itouch(mv->ei, false);
	ext4_itouch(mv->old, false);
	ext4_itouch(mv->fd, true);
	ext4_itouch(mv->td, true);
	if (error == 0)
		error = ext4_iwrite(&h, mv->ei);
	if (error == 0)
		error = ext4_iwrite(&h, mv->old);
	if (error == 0)
		error = ext4_iwrite(&h, mv->fd);
	if (error == 0)
		error = ext4_iwrite(&h, mv->td);
	if (error != 0)
		error = ext4_error(mv->fd->ei_em, mv->fd->ei_ino,
		    "cannot exchange");
out:
	ext4_jstop(&h);
	return error;
}

static int
ext4_rename(struct vnode *fdvp, const char *fname, size_t flen,
    struct vnode *vp, struct vnode *tdvp, const char *tname, size_t tlen,
    struct vnode *existing, unsigned int flags)
{
	struct moving mv = { .fd = EXT4_I(fdvp), .td = EXT4_I(tdvp),
	    .ei = EXT4_I(vp), .fname = fname, .flen = flen, .tname = tname,
	    .tlen = tlen };
	unsigned int tries = 0;
	bool empty;
	int error = 0;

	if (read_only(mv.fd->ei_em))
		return EROFS;
	if (existing != NULL)
		mv.old = EXT4_I(existing);
	if (fixed(mv.ei) || fixed(mv.fd) || (mv.old != NULL &&
	    fixed(mv.old)) || (mv.td->ei_flags & EXT4_FL_IMMUTABLE) != 0)
		return EPERM;
	if ((flags & RENAME_EXCHANGE) != 0)
		return exchange(&mv);
	if (existing != NULL && S_ISDIR(existing->v_mode)) {
		error = ext4_dir_empty(mv.old, &empty);
		if (error == 0 && !empty)
			error = ENOTEMPTY;
	} else if (existing != NULL && S_ISREG(vp->v_mode)) {
		/* Who replaces a file wants to have the one or the other. */
		error = uvm_vnode_sync(vp, 0, UINT64_MAX);
	}
	if (error == 0 && S_ISDIR(vp->v_mode) && mv.fd != mv.td &&
	    dir_full(mv.td))
		error = EMLINK;
	if (error != 0)
		return error;
	do
		error = move_once(&mv);
	while (again_after_commit(mv.fd->ei_em, error, &tries));
	return error;
}

const struct vops ext4_vops = {
	.vop_lookup = ext4_lookup,
	.vop_create = ext4_create,
	.vop_mkdir = ext4_create,
	.vop_mknod = ext4_mknod,
	.vop_symlink = ext4_symlink,
	.vop_link = ext4_link,
	.vop_unlink = ext4_unlink,
	.vop_rmdir = ext4_rmdir,
	.vop_rename = ext4_rename,
	.vop_readdir = ext4_readdir,
	.vop_getattr = ext4_getattr,
	.vop_setattr = ext4_setattr,
	.vop_readlink = ext4_readlink,
	.vop_access = ext4_access,
	.vop_read = ext4_read,
	.vop_write = ext4_write,
	.vop_ioctl = ext4_ioctl,
	.vop_mmap = ext4_mmap,
	.vop_accessed = ext4_accessed,
	.vop_fsync = ext4_fsync,
	.vop_getxattr = ext4_getxattr,
	.vop_setxattr = ext4_setxattr,
	.vop_listxattr = ext4_listxattr,
	.vop_removexattr = ext4_removexattr,
	.vop_seek = ext4_seek,
	.vop_fallocate = ext4_fallocate,
	.vop_tmpfile = ext4_tmpfile,
	.vop_bmap = ext4_bmap,
	.vop_reserve = ext4_reserve,
	.vop_writemap = ext4_writemap,
	.vop_writedone = ext4_writedone,
	.vop_readinline = ext4_readinline,
	.vop_extend = ext4_extend,
	.vop_inactive = ext4_inactive,
	.vop_reclaim = ext4_reclaim,
};
