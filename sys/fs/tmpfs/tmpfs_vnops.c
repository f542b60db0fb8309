/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: vnode operations.
 *
 * Locking: the VFS holds v_lock of all vnodes it passes in, exclusively
 * where something changes.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <fs/tmpfs/tmpfs.h>

#define	DIRENT_BYTES	20	/* what an entry counts for in st_size */

static int
tmpfs_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct tmpfs_dirent *de = tmpfs_dir_find(TMPFS_NODE(dvp), name, len);

	if (de == NULL)
		return ENOENT;
	*vpp = vref(de->de_node->tn_vnode);
	return 0;
}

/* A new file of any kind under a name. */
static int
make(struct vnode *dvp, const char *name, size_t len, mode_t mode, dev_t rdev,
    const char *target, struct cred *cr, struct vnode **vpp)
{
	struct tmpfs_dirent *de;
	struct vnode *vp;
	uid_t uid;
	gid_t gid;
	int error;

	vnode_new_owner(dvp, cr, &mode, &uid, &gid);
	de = tmpfs_dirent_alloc(name, len);
	if (de == NULL)
		return ENOMEM;
	error = tmpfs_node_create(dvp->v_mount, mode, uid, gid, rdev, &vp);
	if (error != 0)
		goto fail;
	if (target != NULL) {
		TMPFS_NODE(vp)->tn_target = kmem_strdup(target, KM_SLEEP);
		if (TMPFS_NODE(vp)->tn_target == NULL) {
			vrele(vp);
			error = ENOMEM;
			goto fail;
		}
	}
	tmpfs_dir_insert(TMPFS_NODE(dvp), de, vp);
	*vpp = vp;
	return 0;
fail:
	tmpfs_dirent_free(de);
	return error;
}

static int
tmpfs_create(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    struct cred *cr, struct vnode **vpp)
{
	return make(dvp, name, len, mode, 0, NULL, cr, vpp);
}

static int
tmpfs_mknod(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    dev_t rdev, struct cred *cr, struct vnode **vpp)
{
	return make(dvp, name, len, mode, rdev, NULL, cr, vpp);
}

static int
tmpfs_symlink(struct vnode *dvp, const char *name, size_t len,
    const char *target, struct cred *cr, struct vnode **vpp)
{
	return make(dvp, name, len, S_IFLNK | 0777, 0, target, cr, vpp);
}

static int
tmpfs_tmpfile(struct vnode *dvp, mode_t mode, struct cred *cr,
    struct vnode **vpp)
{
	uid_t uid;
	gid_t gid;

	vnode_new_owner(dvp, cr, &mode, &uid, &gid);
	return tmpfs_node_create(dvp->v_mount, mode, uid, gid, 0, vpp);
}

static int
tmpfs_link(struct vnode *dvp, const char *name, size_t len, struct vnode *vp)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	struct tmpfs_dirent *de;

	if (tn->tn_nlink == 0 && (vp->v_flags & VV_LINKABLE) == 0)
		return ENOENT;
	if (tn->tn_nlink == UINT32_MAX)
		return EMLINK;
	de = tmpfs_dirent_alloc(name, len);
	if (de == NULL)
		return ENOMEM;
	tmpfs_dir_insert(TMPFS_NODE(dvp), de, vp);
	return 0;
}

static int
tmpfs_unlink(struct vnode *dvp, const char *name, size_t len, struct vnode *vp)
{
	struct tmpfs_dirent *de = tmpfs_dir_find(TMPFS_NODE(dvp), name, len);

	if (de == NULL || de->de_node->tn_vnode != vp)
		return ENOENT;
	tmpfs_dir_remove(TMPFS_NODE(dvp), de);
	return 0;
}

/* The directory gives its "." up with its name. */
static void
dir_removed(struct tmpfs_node *tn)
{
	tn->tn_nlink--;
}

static int
tmpfs_rmdir(struct vnode *dvp, const char *name, size_t len, struct vnode *vp)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	int error;

	if (tn->tn_entries != 0)
		return ENOTEMPTY;
	error = tmpfs_unlink(dvp, name, len, vp);
	if (error == 0)
		dir_removed(tn);
	return error;
}

/* RENAME_EXCHANGE: the two entries point to each other's files. */
static int
exchange(struct tmpfs_node *fd, struct tmpfs_dirent *fde,
    struct tmpfs_node *td, struct tmpfs_dirent *tde)
{
	struct tmpfs_node *a = fde->de_node, *b = tde->de_node;

	fde->de_node = b;
	tde->de_node = a;
	if (fd != td) {
		if (S_ISDIR(a->tn_vnode->v_mode)) {
			a->tn_parentino = td->tn_vnode->v_ino;
			fd->tn_nlink--;
			td->tn_nlink++;
		}
		if (S_ISDIR(b->tn_vnode->v_mode)) {
			b->tn_parentino = fd->tn_vnode->v_ino;
			td->tn_nlink--;
			fd->tn_nlink++;
		}
	}
	a->tn_ctime = b->tn_ctime = nanotime();
	tmpfs_touch(fd);
	tmpfs_touch(td);
	return 0;
}

static int
tmpfs_rename(struct vnode *fdvp, const char *fname, size_t flen,
    struct vnode *vp, struct vnode *tdvp, const char *tname, size_t tlen,
    struct vnode *existing, unsigned int flags)
{
	struct tmpfs_node *fd = TMPFS_NODE(fdvp), *td = TMPFS_NODE(tdvp);
	struct tmpfs_dirent *fde = tmpfs_dir_find(fd, fname, flen);
	struct tmpfs_dirent *tde = tmpfs_dir_find(td, tname, tlen), *new;

	if (fde == NULL || fde->de_node->tn_vnode != vp ||
	    (existing != NULL && (tde == NULL ||
	    tde->de_node->tn_vnode != existing)))
		return ENOENT;
	if ((flags & RENAME_EXCHANGE) != 0)
		return exchange(fd, fde, td, tde);
	if (existing != NULL && S_ISDIR(existing->v_mode) &&
	    TMPFS_NODE(existing)->tn_entries != 0)
		return ENOTEMPTY;
	new = tmpfs_dirent_alloc(tname, tlen);
	if (new == NULL)
		return ENOMEM;
	if (existing != NULL) {
		tmpfs_dir_remove(td, tde);
		if (S_ISDIR(existing->v_mode))
			dir_removed(TMPFS_NODE(existing));
	}
	tmpfs_dir_insert(td, new, vp);
	tmpfs_dir_remove(fd, fde);
	return 0;
}

static int
tmpfs_readdir(struct vnode *vp, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct tmpfs_node *dir = TMPFS_NODE(vp);
	struct tmpfs_dirent *de;

	if (*cookie < 0)
		return EINVAL;
	if (*cookie == 0) {
		if (!fn(ctx, ".", 1, vp->v_ino, DT_DIR, 1))
			return 0;
		*cookie = 1;
	}
	if (*cookie == 1) {
		if (!fn(ctx, "..", 2, dir->tn_parentino, DT_DIR, 2))
			return 0;
		*cookie = TMPFS_SEQ_FIRST;
	}
	for (;;) {
		de = tmpfs_dir_next(dir, (uint64_t)*cookie);
		if (de == NULL)
			break;
		if (!fn(ctx, de->de_name, de->de_namelen,
		    de->de_node->tn_vnode->v_ino,
		    IFTODT(de->de_node->tn_vnode->v_mode),
		    (off_t)de->de_seq + 1))
			return 0;
		*cookie = (off_t)de->de_seq + 1;
	}
	dir->tn_atime = nanotime();
	return 0;
}

static int
tmpfs_getattr(struct vnode *vp, struct stat_k *st)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);

	tmpfs_mapped_times(vp);
	st->st_nlink = tn->tn_nlink;
	if (S_ISDIR(vp->v_mode)) {
		st->st_size = (off_t)((tn->tn_entries + 2) * DIRENT_BYTES);
	} else if (S_ISREG(vp->v_mode)) {
		st->st_size = tn->tn_size;
		st->st_blocks = tmpfs_data_pages(tn) * (PAGE_SIZE / 512);
	} else if (S_ISLNK(vp->v_mode)) {
		st->st_size = (off_t)strlen(tn->tn_target);
	}
	st->st_atim = nsec_to_timespec(tn->tn_atime);
	st->st_mtim = nsec_to_timespec(tn->tn_mtime);
	st->st_ctim = nsec_to_timespec(tn->tn_ctime);
	st->st_btim = nsec_to_timespec(tn->tn_btime);
	st->st_has_btime = true;
	return 0;
}

/* Years that nanoseconds in 64 bits cannot hold are cut off. */
static nsec_t
file_time(const struct timespec *ts)
{
	const time_t most = INT64_MAX / NSEC_PER_SEC - 1;

	if (ts->tv_sec > most)
		return most * NSEC_PER_SEC;
	if (ts->tv_sec < -most)
		return -most * NSEC_PER_SEC;
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

static int
tmpfs_setattr(struct vnode *vp, const struct setattr *sa, struct cred *cr)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	int error;

	(void)cr;
	tmpfs_mapped_times(vp);
	if ((sa->sa_valid & SETATTR_SIZE) != 0) {
		error = tmpfs_resize(vp, sa->sa_size);
		if (error != 0)
			return error;
		tn->tn_mtime = nanotime();
	}
	if ((sa->sa_valid & SETATTR_MODE) != 0)
		vp->v_mode = (vp->v_mode & S_IFMT) | (sa->sa_mode & ALLPERMS);
	if ((sa->sa_valid & SETATTR_UID) != 0)
		vp->v_uid = sa->sa_uid;
	if ((sa->sa_valid & SETATTR_GID) != 0)
		vp->v_gid = sa->sa_gid;
	tn->tn_ctime = nanotime();
	if ((sa->sa_valid & SETATTR_ATIME) != 0)
		tn->tn_atime = (sa->sa_valid & SETATTR_ATIME_NOW) != 0 ?
		    tn->tn_ctime : file_time(&sa->sa_atim);
	if ((sa->sa_valid & SETATTR_MTIME) != 0)
		tn->tn_mtime = (sa->sa_valid & SETATTR_MTIME_NOW) != 0 ?
		    tn->tn_ctime : file_time(&sa->sa_mtim);
	return 0;
}

static int
tmpfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	const char *target = TMPFS_NODE(vp)->tn_target;

	*len = MIN(strlen(target), size);
	memcpy(buf, target, *len);
	return 0;
}

const struct vops tmpfs_vops = {
	.vop_lookup = tmpfs_lookup,
	.vop_create = tmpfs_create,
	.vop_mkdir = tmpfs_create,
	.vop_mknod = tmpfs_mknod,
	.vop_symlink = tmpfs_symlink,
	.vop_link = tmpfs_link,
	.vop_unlink = tmpfs_unlink,
	.vop_rmdir = tmpfs_rmdir,
	.vop_rename = tmpfs_rename,
	.vop_readdir = tmpfs_readdir,
	.vop_getattr = tmpfs_getattr,
	.vop_setattr = tmpfs_setattr,
	.vop_readlink = tmpfs_readlink,
	.vop_read = tmpfs_read,
	.vop_write = tmpfs_write,
	.vop_mmap = tmpfs_mmap,
	.vop_accessed = tmpfs_accessed,
	.vop_getxattr = tmpfs_getxattr,
	.vop_setxattr = tmpfs_setxattr,
	.vop_listxattr = tmpfs_listxattr,
	.vop_removexattr = tmpfs_removexattr,
	.vop_seek = tmpfs_seek,
	.vop_fallocate = tmpfs_fallocate,
	.vop_tmpfile = tmpfs_tmpfile,
	.vop_reclaim = tmpfs_node_reclaim,
};
