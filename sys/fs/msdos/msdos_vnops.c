/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: vnode operations.
 *
 * Locking: the VFS holds v_lock of all vnodes it passes in, exclusively where
 * something changes.
 */
#include <sys/errno.h>
#include <sys/time.h>
#include <uvm/uvm_vnode.h>
#include <fs/msdos/msdos.h>

#define	ZEROS		4096

static bool
read_only(const struct msdos_mount *fm)
{
	return !fm->fm_writing || fm->fm_failed;
}

/* -- names -- */

static int
msdos_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct msdos_node *dir = MSDOS_NODE(dvp);
	struct msdos_walk *w;
	int error;

	if (msdos_trim(name, len) == 0)
		return ENOENT;
	error = msdos_find(dir, name, len, &w);
	if (error != 0)
		return error;
	error = msdos_node_get(dir, &w->w_e, vpp);
	kmem_free(w, sizeof(*w));
	return error;
}

/* A file has names in several cases; a cached one may be gone. */
static bool
msdos_revalidate(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	bool yes;

	if (fn->fn_pos == 0)
		return true;
	mutex_enter(&fn->fn_lock);
	yes = !fn->fn_deleted && fn->fn_dir == MSDOS_NODE(dvp)->fn_start &&
	    (msdos_same_name(name, len, fn->fn_name, strlen(fn->fn_name)) ||
	    msdos_same_name(name, len, fn->fn_short, strlen(fn->fn_short)));
	mutex_exit(&fn->fn_lock);
	return yes;
}

/* ".." of a directory in the root is 0, also where the root has a cluster. */
static uint32_t
parent_clus(const struct msdos_node *dir)
{
	return dir->fn_pos == 0 ? 0 : dir->fn_start;
}

/* A directory's first cluster, before it has a name. */
static int
new_dir(struct msdos_node *dir, struct fat_dirent *de,
    struct msdos_node *tmp)
{
	int error;

	memset(tmp, 0, sizeof(*tmp));
	tmp->fn_fm = dir->fn_fm;
	tmp->fn_pos = UINT64_MAX;	/* not the root */
	tmp->fn_attr = ATTR_DIR;
	tmp->fn_mapped = true;
	tmp->fn_mtime.tv_sec = nanotime() / NSEC_PER_SEC;
	tmp->fn_ctime = tmp->fn_atime = tmp->fn_mtime;
	mutex_init(&tmp->fn_lock, "msdos_node");
	error = msdos_dir_init(tmp, parent_clus(dir));
	if (error == 0)
		msdos_encode(tmp, de);
	return error;
}

static int
msdos_mkdir(struct vnode *dvp, const char *name, size_t len,
    mode_t mode __unused, struct cred *cr __unused, struct vnode **vpp)
{
	struct msdos_node *dir = MSDOS_NODE(dvp), *tmp;
	struct msdos_entry *e;
	struct fat_dirent de;
	int error = 0;

	if (read_only(dir->fn_fm))
		return EROFS;
	error = msdos_name_check(name, len);
	if (error != 0)
		return error;
	tmp = kmem_zalloc(sizeof(*tmp), KM_SLEEP);
	e = kmem_zalloc(sizeof(*e), KM_SLEEP);
	if (tmp == NULL || e == NULL) {
		error = ENOMEM;
		goto out;
	}
	memset(&de, 0, sizeof(de));
	error = new_dir(dir, &de, tmp);
	if (error == 0)
		error = msdos_dir_add(dir, name, len, &de, e);
	if (error != 0)
		(void)msdos_shrink(tmp, 0);
	else
		error = msdos_node_get(dir, e, vpp);
	msdos_touch(dir);
	msdos_map_forget(tmp);
	mutex_destroy(&tmp->fn_lock);
out:
	if (tmp != NULL)
		kmem_free(tmp, sizeof(*tmp));
	if (e != NULL)
		kmem_free(e, sizeof(*e));
	return error;
}

static int
msdos_create(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    struct cred *cr __unused, struct vnode **vpp)
{
	struct msdos_node *dir = MSDOS_NODE(dvp), like;
	struct msdos_entry *e;
	struct fat_dirent de;
	int error;

	if (read_only(dir->fn_fm))
		return EROFS;
	e = kmem_zalloc(sizeof(*e), KM_SLEEP);
	if (e == NULL)
		return ENOMEM;
	memset(&like, 0, sizeof(like));
	memset(&de, 0, sizeof(de));
	like.fn_fm = dir->fn_fm;
	like.fn_attr = ATTR_ARCHIVE | ((mode & 0222) == 0 ? ATTR_RO : 0);
	like.fn_mtime.tv_sec = nanotime() / NSEC_PER_SEC;
	like.fn_ctime = like.fn_atime = like.fn_mtime;
	msdos_encode(&like, &de);
	error = msdos_dir_add(dir, name, len, &de, e);
	if (error == 0)
		error = msdos_node_get(dir, e, vpp);
	if (error == 0)
		msdos_touch(dir);
	kmem_free(e, sizeof(*e));
	return error;
}

/* There are no special files. */
static int
msdos_mknod(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    dev_t rdev __unused, struct cred *cr, struct vnode **vpp)
{
	return S_ISREG(mode) ? msdos_create(dvp, name, len, mode, cr, vpp) :
	    EPERM;
}

/* The entry of a file that the VFS has found. */
static int
entry_of(struct msdos_node *dir, struct msdos_node *fn,
    struct msdos_walk **wp)
{
	int error;

	error = msdos_find(dir, fn->fn_name, strlen(fn->fn_name), wp);
	if (error == 0 && (*wp)->w_e.e_pos != fn->fn_pos) {
		kmem_free(*wp, sizeof(**wp));
		error = msdos_error(dir->fn_fm, "two files of one name");
	}
	return error == ENOENT ? EIO : error;
}

static int
remove_entry(struct msdos_node *dir, struct msdos_node *fn)
{
	struct msdos_walk *w;
	int error;

	if (read_only(dir->fn_fm))
		return EROFS;
	error = entry_of(dir, fn, &w);
	if (error != 0)
		return error;
	error = msdos_dir_remove(dir, &w->w_e);
	kmem_free(w, sizeof(*w));
	if (error == 0) {
		msdos_node_delete(fn);
		msdos_touch(dir);
	}
	return error;
}

static int
msdos_unlink(struct vnode *dvp, const char *name __unused,
    size_t len __unused, struct vnode *vp)
{
	return remove_entry(MSDOS_NODE(dvp), MSDOS_NODE(vp));
}

static int
msdos_rmdir(struct vnode *dvp, const char *name __unused,
    size_t len __unused, struct vnode *vp)
{
	int error = msdos_dir_empty(MSDOS_NODE(vp));

	return error != 0 ? error :
	    remove_entry(MSDOS_NODE(dvp), MSDOS_NODE(vp));
}

/* What is to have the new name takes the entry of what had it. */
static int
replace_entry(struct msdos_node *td, struct msdos_node *old,
    struct fat_dirent *de, struct msdos_entry *e)
{
	struct fat_dirent *at;
	struct msdos_walk *w;
	struct buf *bp;
	int error;

	error = entry_of(td, old, &w);
	if (error != 0)
		return error;
	*e = w->w_e;
	kmem_free(w, sizeof(*w));
	error = msdos_entry_get(td->fn_fm, e->e_pos, &bp, &at);
	if (error != 0)
		return error;
	memcpy(de->d_name, at->d_name, sizeof(de->d_name));
	de->d_case = at->d_case;
	*at = *de;
	bdirty(bp);
	brelse(bp);
	msdos_node_delete(old);
	return 0;
}

static int
move(struct msdos_node *fd, struct msdos_node *fn, struct msdos_node *td,
    const char *tname, size_t tlen, struct msdos_node *old,
    struct msdos_entry *e)
{
	struct msdos_walk *w;
	struct fat_dirent de;
	int error;

	error = entry_of(fd, fn, &w);
	if (error != 0)
		return error;
	de = w->w_e.e_de;
	msdos_encode(fn, &de);
	error = old != NULL ? replace_entry(td, old, &de, e) :
	    msdos_dir_add(td, tname, tlen, &de, e);
	if (error == 0)
		error = msdos_node_move(fn, td, e);
	/* Within one directory places stay: w's is still right. */
	if (error == 0)
		error = msdos_dir_remove(fd, &w->w_e);
	if (error == 0 && S_ISDIR(fn->fn_vnode->v_mode) && fd != td)
		error = msdos_dir_setparent(fn, parent_clus(td));
	kmem_free(w, sizeof(*w));
	msdos_touch(fd);
	msdos_touch(td);
	return error;
}

static int
msdos_rename(struct vnode *fdvp, const char *fname __unused,
    size_t flen __unused, struct vnode *vp, struct vnode *tdvp,
    const char *tname, size_t tlen, struct vnode *existing,
    unsigned int flags)
{
	struct msdos_node *fd = MSDOS_NODE(fdvp);
	struct msdos_entry *e;
	int error = 0;

	if (read_only(fd->fn_fm))
		return EROFS;
	if (flags != 0)
		return EINVAL;
	if (existing != NULL && S_ISDIR(existing->v_mode))
		error = msdos_dir_empty(MSDOS_NODE(existing));
	else if (existing != NULL && S_ISREG(vp->v_mode))
		/* Who replaces a file wants to have the one or the other. */
		error = uvm_vnode_sync(vp, 0, UINT64_MAX);
	if (error != 0)
		return error;
	e = kmem_zalloc(sizeof(*e), KM_SLEEP);
	if (e == NULL)
		return ENOMEM;
	error = move(fd, MSDOS_NODE(vp), MSDOS_NODE(tdvp), tname, tlen,
	    existing != NULL ? MSDOS_NODE(existing) : NULL, e);
	kmem_free(e, sizeof(*e));
	return error;
}

static int
dots(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	static const char name[] = "..";

	for (; *cookie < 2; ++*cookie)
		if (!fn(ctx, name, (size_t)*cookie + 1, dvp->v_ino, DT_DIR,
		    *cookie + 1))
			return EAGAIN;
	return 0;
}

/* Cookies are 2 and a slot's number. */
static int
msdos_readdir(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct msdos_node *dir = MSDOS_NODE(dvp);
	struct msdos_walk *w;
	struct msdos_entry *e;
	off_t next;
	int error;

	if (dots(dvp, cookie, fn, ctx) != 0 ||
	    *cookie - 2 >= MSDOS_DIRMAX / MSDOS_SLOT)
		return 0;
	w = kmem_alloc(sizeof(*w), KM_SLEEP);
	if (w == NULL)
		return ENOMEM;
	msdos_walk_begin(w, dir, (uint32_t)(*cookie - 2) * MSDOS_SLOT);
	e = &w->w_e;
	while ((error = msdos_walk_next(w)) == 0) {
		next = w->w_off / MSDOS_SLOT + 2;
		if (!fn(ctx, e->e_name, e->e_namelen,
		    msdos_ino_of(dir->fn_fm, e->e_pos),
		    (e->e_de.d_attr & ATTR_DIR) != 0 ? DT_DIR : DT_REG, next))
			break;
		*cookie = next;
	}
	msdos_walk_end(w);
	kmem_free(w, sizeof(*w));
	return error == ENOENT ? 0 : error;
}

/* -- attributes -- */

static int
msdos_getattr(struct vnode *vp, struct stat_k *st)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	struct msdos_mount *fm = fn->fn_fm;
	uint32_t n;

	mutex_enter(&fn->fn_lock);
	if (S_ISDIR(vp->v_mode) && !(fn->fn_pos == 0 && fm->fm_bits != 32))
		(void)msdos_map_load(fn);
	n = fn->fn_mapped ? fn->fn_nclus : msdos_nclus(fm, fn->fn_size);
	mutex_exit(&fn->fn_lock);
	st->st_nlink = 1;
	st->st_blocks = ((uint64_t)n << fm->fm_cshift) / 512;
	st->st_size = S_ISDIR(vp->v_mode) ? (off_t)st->st_blocks * 512 :
	    (off_t)fn->fn_size;
	st->st_blksize = 1U << fm->fm_cshift;
	st->st_atim = fn->fn_atime;
	st->st_mtim = fn->fn_mtime;
	st->st_ctim = fn->fn_mtime;
	st->st_btim = fn->fn_ctime;
	st->st_has_btime = true;
	return 0;
}

/* Zeros from the end of the file up to `to`. */
static int
fill(struct vnode *vp, uint64_t to)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	uint64_t old = fn->fn_size, off;
	struct iovec iov;
	struct uio uio;
	char *zeros;
	int error;

	zeros = kmem_zalloc(ZEROS, KM_SLEEP);
	if (zeros == NULL)
		return ENOMEM;
	/* All of the space first: who asks for too much gets nothing. */
	error = msdos_grow(fn, msdos_nclus(fn->fn_fm, to));
	for (off = old; off < to && error == 0; off = fn->fn_size) {
		uio_kernel(&uio, &iov, zeros, (size_t)MIN(to - off,
		    ZEROS - off % ZEROS), (off_t)off, UIO_WRITE);
		error = uvm_vnode_write(vp, &uio);
	}
	kmem_free(zeros, ZEROS);
	if (error != 0 && uvm_vnode_setsize(vp, old) == 0)
		fn->fn_size = old;
	return error;
}

/* No more clusters than the size needs. */
static int
trim(struct msdos_node *fn)
{
	uint32_t want = msdos_nclus(fn->fn_fm, fn->fn_size);
	bool more;

	mutex_enter(&fn->fn_lock);
	more = fn->fn_mapped && fn->fn_nclus > want;
	mutex_exit(&fn->fn_lock);
	return more ? msdos_shrink(fn, want) : 0;
}

static int
resize(struct vnode *vp, uint64_t size)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	int error, e;

	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	if (size > MSDOS_MAXSIZE)
		return EFBIG;
	if (size > fn->fn_size) {
		error = fill(vp, size);
	} else {
		mutex_enter(&fn->fn_lock);
		error = msdos_map_load(fn);
		mutex_exit(&fn->fn_lock);
		if (error == 0)
			error = uvm_vnode_setsize(vp, size);
		if (error == 0)
			fn->fn_size = size;
	}
	e = trim(fn);
	msdos_touch(fn);
	return error != 0 ? error : e;
}

/* The only right there is to give or take is all of writing. */
static int
change_mode(struct vnode *vp, mode_t mode)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	mode_t mask = S_ISDIR(vp->v_mode) ? fn->fn_fm->fm_dmask :
	    fn->fn_fm->fm_fmask;
	mode_t w = mode & 0222 & ~mask;

	if ((mode & 07555) != (0555 & ~mask) ||
	    (w != 0 && w != (0222 & ~mask)) ||
	    (S_ISDIR(vp->v_mode) && w == 0))
		return fn->fn_fm->fm_quiet ? 0 : EPERM;
	if (S_ISDIR(vp->v_mode))
		return 0;
	fn->fn_attr &= (uint8_t)~ATTR_RO;
	if (w == 0)
		fn->fn_attr |= ATTR_RO;
	vp->v_mode = msdos_mode(fn->fn_fm, fn->fn_attr);
	atomic_store(&fn->fn_dirty, true);
	return 0;
}

static void
set_times(struct msdos_node *fn, const struct setattr *sa)
{
	nsec_t now = nanotime();

	if ((sa->sa_valid & SETATTR_ATIME_NOW) != 0)
		fn->fn_atime.tv_sec = now / NSEC_PER_SEC;
	else if ((sa->sa_valid & SETATTR_ATIME) != 0)
		fn->fn_atime = sa->sa_atim;
	if ((sa->sa_valid & SETATTR_MTIME_NOW) != 0)
		msdos_touch(fn);
	else if ((sa->sa_valid & SETATTR_MTIME) != 0)
		fn->fn_mtime.tv_sec = sa->sa_mtim.tv_sec & ~(int64_t)1;
	fn->fn_mtime.tv_nsec = fn->fn_atime.tv_nsec = 0;
	atomic_store(&fn->fn_dirty, true);
}

static int
msdos_setattr(struct vnode *vp, const struct setattr *sa,
    struct cred *cr __unused)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	struct msdos_mount *fm = fn->fn_fm;
	int error = 0;

	if (read_only(fm))
		return EROFS;
	if ((((sa->sa_valid & SETATTR_UID) != 0 && sa->sa_uid != fm->fm_uid)
	    || ((sa->sa_valid & SETATTR_GID) != 0 &&
	    sa->sa_gid != fm->fm_gid)) && !fm->fm_quiet)
		return EPERM;
	if ((sa->sa_valid & SETATTR_MODE) != 0)
		error = change_mode(vp, sa->sa_mode);
	if (error == 0 && (sa->sa_valid & SETATTR_SIZE) != 0)
		error = resize(vp, (uint64_t)sa->sa_size);
	if (error == 0 && (sa->sa_valid & (SETATTR_ATIME | SETATTR_MTIME |
	    SETATTR_ATIME_NOW | SETATTR_MTIME_NOW)) != 0)
		set_times(fn, sa);
	return error;
}

/* -- data -- */

static int
msdos_write(struct vnode *vp, struct uio *uio)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	uint64_t off = (uint64_t)uio->uio_offset;
	int error = 0, e;

	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	if (read_only(fn->fn_fm))
		return EROFS;
	if (off > MSDOS_MAXSIZE || uio->uio_resid > MSDOS_MAXSIZE - off)
		return EFBIG;
	if (uio->uio_resid > 0 && off > fn->fn_size)
		error = fill(vp, off);
	if (error == 0)
		error = uvm_vnode_write(vp, uio);
	e = trim(fn);		/* what failed half-way has too much */
	return error != 0 ? error : e;
}

static int
msdos_fsync(struct vnode *vp, bool dataonly __unused)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	struct msdos_mount *fm = fn->fn_fm;
	int error = 0, e;

	if (!fm->fm_writing)
		return 0;
	if (S_ISREG(vp->v_mode))
		error = uvm_vnode_sync(vp, 0, UINT64_MAX);
	e = msdos_flush(fn);
	if (e == 0)
		e = bufcache_sync(fm->fm_bc);
	if (e == 0)
		e = bufdev_flush(fm->fm_dev);
	return error != 0 ? error : e;
}

static int
msdos_bmap(struct vnode *vp, off_t off, off_t len, struct vnode_map *m)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	struct msdos_mount *fm = fn->fn_fm;
	uint64_t at = (uint64_t)off, in = at & ((1U << fm->fm_cshift) - 1);
	uint32_t clus = 0, n = 0;
	int error = 0;

	memset(m, 0, sizeof(*m));
	m->vm_off = off;
	m->vm_len = len;
	m->vm_kind = VM_HOLE;
	if (at > MSDOS_MAXSIZE)
		return 0;
	mutex_enter(&fn->fn_lock);
	error = msdos_map(fn, (uint32_t)(at >> fm->fm_cshift), &clus, &n);
	mutex_exit(&fn->fn_lock);
	if (error != 0 || n == 0)
		return error != 0 ? error : at < fn->fn_size ?
		    msdos_error(fm, "a file's chain is too short") : 0;
	m->vm_kind = VM_MAPPED;
	m->vm_disk = msdos_clus_pos(fm, clus) + in;
	m->vm_len = (off_t)MIN((uint64_t)len,
	    ((uint64_t)n << fm->fm_cshift) - in);
	return 0;
}

static int
msdos_reserve(struct vnode *vp, off_t off, off_t len)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	uint64_t end = (uint64_t)off + (uint64_t)len;

	if (read_only(fn->fn_fm))
		return EROFS;
	if (end > MSDOS_MAXSIZE + PAGE_SIZE)
		return EFBIG;
	return msdos_grow(fn, msdos_nclus(fn->fn_fm,
	    MIN(end, MSDOS_MAXSIZE)));
}

static int
msdos_writemap(struct vnode *vp, off_t off, off_t len, struct vnode_map *m)
{
	int error = msdos_bmap(vp, off, len, m);

	if (error == 0 && m->vm_kind != VM_MAPPED)
		error = EIO;
	return error;
}

static int
msdos_writedone(struct vnode *vp __unused,
    const struct vnode_map *m __unused, int error)
{
	return error;
}

static void
msdos_extend(struct vnode *vp, off_t end)
{
	struct msdos_node *fn = MSDOS_NODE(vp);

	fn->fn_size = MAX(fn->fn_size, (uint64_t)end);
	fn->fn_attr |= ATTR_ARCHIVE;
	msdos_touch(fn);
}

const struct vops msdos_vops = {
	.vop_lookup = msdos_lookup,
	.vop_create = msdos_create,
	.vop_mkdir = msdos_mkdir,
	.vop_mknod = msdos_mknod,
	.vop_unlink = msdos_unlink,
	.vop_rmdir = msdos_rmdir,
	.vop_rename = msdos_rename,
	.vop_readdir = msdos_readdir,
	.vop_revalidate = msdos_revalidate,
	.vop_getattr = msdos_getattr,
	.vop_setattr = msdos_setattr,
	.vop_read = diskfs_read,
	.vop_write = msdos_write,
	.vop_mmap = diskfs_mmap,
	.vop_fsync = msdos_fsync,
	.vop_bmap = msdos_bmap,
	.vop_reserve = msdos_reserve,
	.vop_writemap = msdos_writemap,
	.vop_writedone = msdos_writedone,
	.vop_extend = msdos_extend,
	.vop_inactive = msdos_inactive,
	.vop_reclaim = msdos_reclaim,
};
