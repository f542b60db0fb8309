/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on attributes: stat and statx, statfs, mode, owner,
 * times, extended attributes.
 *
 * Untrusted input: structures are copied in once and checked field by field.
 */
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

#define	AT_STATX_SYNC_TYPE	0x6000
#define	STATX_RESERVED		0x80000000U
#define	STATX_BASIC_STATS	0x7ffU
#define	STATX_BTIME		0x800U
#define	STATX_MNT_ID		0x1000U
#define	STATX_ATTR_MOUNT_ROOT	0x2000U

#define	UTIME_NOW		((1L << 30) - 1)
#define	UTIME_OMIT		((1L << 30) - 2)

/* -- stat -- */

/* Attributes by descriptor, also of files that have no place in the tree. */
static int
stat_fd(struct lwp *l, int fd, struct stat_k *st, struct path *where)
{
	struct file *fp;
	int error;

	where->p_mnt = NULL;
	error = fd_get_any(l, fd, &fp);
	if (error != 0)
		return error;
	error = fp->f_ops->fo_stat == NULL ? EBADF :
	    fp->f_ops->fo_stat(fp, st);
	if (error == 0 && fp->f_path != NULL) {
		*where = *fp->f_path;
		path_get(where);
	}
	file_put(fp);
	return error;
}

/* where->p_mnt is NULL if the file has no place; else referenced. */
static int
stat_at(struct lwp *l, int dirfd, const char *upath, int flags,
    struct stat_k *st, struct path *where)
{
	int lookup = LOOKUP_FOLLOW, error;
	char first = '\1';

	if ((flags & AT_SYMLINK_NOFOLLOW) != 0)
		lookup &= ~LOOKUP_FOLLOW;
	if ((flags & AT_EMPTY_PATH) != 0) {
		lookup |= LOOKUP_EMPTY;
		error = copyin(upath, &first, 1);
		if (error != 0)
			return error;
	}
	if (first == '\0' && dirfd != AT_FDCWD)
		return stat_fd(l, dirfd, st, where);
	error = linux_path_in(l, dirfd, upath, lookup, where);
	if (error != 0)
		return error;
	error = vnode_stat(path_vnode(where), st);
	if (error != 0)
		path_put(where);
	return error;
}

/* stat(2) for i386; EOVERFLOW where its fields do not suffice. */
static int
stat32_out(const struct stat_k *st, void *ubuf)
{
	struct linux32_stat ls;

	memset(&ls, 0, sizeof(ls));
	ls.st_dev = linux_dev_out(st->st_dev);
	ls.st_ino = (uint32_t)st->st_ino;
	ls.st_mode = (uint16_t)st->st_mode;
	ls.st_nlink = (uint16_t)st->st_nlink;
	ls.st_uid = st->st_uid > 0xffff ? 65534 : (uint16_t)st->st_uid;
	ls.st_gid = st->st_gid > 0xffff ? 65534 : (uint16_t)st->st_gid;
	ls.st_rdev = linux_dev_out(st->st_rdev);
	ls.st_size = (uint32_t)st->st_size;
	ls.st_blksize = st->st_blksize;
	ls.st_blocks = (uint32_t)st->st_blocks;
	ls.st_atime = (uint32_t)st->st_atim.tv_sec;
	ls.st_atime_nsec = (uint32_t)st->st_atim.tv_nsec;
	ls.st_mtime = (uint32_t)st->st_mtim.tv_sec;
	ls.st_mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	ls.st_ctime = (uint32_t)st->st_ctim.tv_sec;
	ls.st_ctime_nsec = (uint32_t)st->st_ctim.tv_nsec;
	if (ls.st_ino != st->st_ino || ls.st_nlink != st->st_nlink ||
	    st->st_size > INT32_MAX)
		return EOVERFLOW;
	return copyout(&ls, ubuf, sizeof(ls));
}

static int
stat64_i386_out(const struct stat_k *st, void *ubuf)
{
	struct linux32_stat64 ls;

	memset(&ls, 0, sizeof(ls));
	ls.st_dev = linux_dev_out(st->st_dev);
	ls.st_ino32 = (uint32_t)st->st_ino;
	ls.st_mode = st->st_mode;
	ls.st_nlink = (uint32_t)st->st_nlink;
	ls.st_uid = st->st_uid;
	ls.st_gid = st->st_gid;
	ls.st_rdev = linux_dev_out(st->st_rdev);
	ls.st_size = st->st_size;
	ls.st_blksize = st->st_blksize;
	ls.st_blocks = st->st_blocks;
	ls.st_atime = (uint32_t)st->st_atim.tv_sec;
	ls.st_atime_nsec = (uint32_t)st->st_atim.tv_nsec;
	ls.st_mtime = (uint32_t)st->st_mtim.tv_sec;
	ls.st_mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	ls.st_ctime = (uint32_t)st->st_ctim.tv_sec;
	ls.st_ctime_nsec = (uint32_t)st->st_ctim.tv_nsec;
	ls.st_ino = st->st_ino;
	return copyout(&ls, ubuf, sizeof(ls));
}

static int
stat_out(const struct stat_k *st, void *ubuf)
{
	struct linux_stat64 ls;

	if (linux_is32())
		return linux_narrow() ? stat32_out(st, ubuf) :
		    stat64_i386_out(st, ubuf);
	memset(&ls, 0, sizeof(ls));
	ls.st_dev = linux_dev_out(st->st_dev);
	ls.st_ino = st->st_ino;
	ls.st_nlink = st->st_nlink;
	ls.st_mode = st->st_mode;
	ls.st_uid = st->st_uid;
	ls.st_gid = st->st_gid;
	ls.st_rdev = linux_dev_out(st->st_rdev);
	ls.st_size = st->st_size;
	ls.st_blksize = st->st_blksize;
	ls.st_blocks = (int64_t)st->st_blocks;
	ls.st_atime = st->st_atim.tv_sec;
	ls.st_atime_nsec = st->st_atim.tv_nsec;
	ls.st_mtime = st->st_mtim.tv_sec;
	ls.st_mtime_nsec = st->st_mtim.tv_nsec;
	ls.st_ctime = st->st_ctim.tv_sec;
	ls.st_ctime_nsec = st->st_ctim.tv_nsec;
	return copyout(&ls, ubuf, sizeof(ls));
}

static int
stat_common(struct lwp *l, int dirfd, const char *upath, int flags, void *ubuf)
{
	struct stat_k st;
	struct path p;
	int error;

	error = stat_at(l, dirfd, upath, flags, &st, &p);
	if (error != 0)
		return error;
	if (p.p_mnt != NULL)
		path_put(&p);
	return stat_out(&st, ubuf);
}

int
linux_sys_stat(struct lwp *l, const struct linux_stat_args *uap,
    register_t *retval __unused)
{
	return stat_common(l, AT_FDCWD, uap->path, 0, uap->st);
}

int
linux_sys_lstat(struct lwp *l, const struct linux_lstat_args *uap,
    register_t *retval __unused)
{
	return stat_common(l, AT_FDCWD, uap->path, AT_SYMLINK_NOFOLLOW,
	    uap->st);
}

int
linux_sys_fstat(struct lwp *l, const struct linux_fstat_args *uap,
    register_t *retval __unused)
{
	struct stat_k st;
	struct path p;
	int error;

	error = stat_fd(l, uap->fd, &st, &p);
	if (error != 0)
		return error;
	if (p.p_mnt != NULL)
		path_put(&p);
	return stat_out(&st, uap->st);
}

int
linux_sys_newfstatat(struct lwp *l, const struct linux_newfstatat_args *uap,
    register_t *retval __unused)
{
	if ((uap->flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
	    AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) != 0)
		return EINVAL;
	return stat_common(l, uap->dirfd, uap->path, uap->flags, uap->st);
}

static void
statx_time(struct linux_statx_time *to, const struct timespec *ts)
{
	to->tv_sec = ts->tv_sec;
	to->tv_nsec = (uint32_t)ts->tv_nsec;
}

int
linux_sys_statx(struct lwp *l, const struct linux_statx_args *uap,
    register_t *retval __unused)
{
	struct linux_statx_buf sx;
	struct stat_k st;
	struct path p;
	int error;

	if ((uap->mask & STATX_RESERVED) != 0 ||
	    (uap->flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (uap->flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW |
	    AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) != 0)
		return EINVAL;
	error = stat_at(l, uap->dirfd, uap->path, (int)uap->flags, &st, &p);
	if (error != 0)
		return error;
	memset(&sx, 0, sizeof(sx));
	sx.stx_mask = STATX_BASIC_STATS;
	sx.stx_blksize = st.st_blksize;
	sx.stx_nlink = st.st_nlink;
	sx.stx_uid = st.st_uid;
	sx.stx_gid = st.st_gid;
	sx.stx_mode = (uint16_t)st.st_mode;
	sx.stx_ino = st.st_ino;
	sx.stx_size = (uint64_t)st.st_size;
	sx.stx_blocks = st.st_blocks;
	sx.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
	statx_time(&sx.stx_atime, &st.st_atim);
	statx_time(&sx.stx_ctime, &st.st_ctim);
	statx_time(&sx.stx_mtime, &st.st_mtim);
	if (st.st_has_btime) {
		sx.stx_mask |= STATX_BTIME;
		statx_time(&sx.stx_btime, &st.st_btim);
	}
	sx.stx_rdev_major = major(st.st_rdev);
	sx.stx_rdev_minor = minor(st.st_rdev);
	sx.stx_dev_major = major(st.st_dev);
	sx.stx_dev_minor = minor(st.st_dev);
	if (p.p_mnt != NULL) {
		sx.stx_mask |= STATX_MNT_ID;
		sx.stx_mnt_id = (uint64_t)path_mntid(&p);
		if (path_is_mntroot(&p))
			sx.stx_attributes |= STATX_ATTR_MOUNT_ROOT;
		path_put(&p);
	}
	return copyout(&sx, uap->buf, sizeof(sx));
}

/* -- statfs -- */

static int
statfs32_out(const struct statfs_k *sf, void *ubuf)
{
	struct linux32_statfs lf;

	memset(&lf, 0, sizeof(lf));
	lf.f_type = (uint32_t)sf->f_type;
	lf.f_bsize = (uint32_t)sf->f_bsize;
	lf.f_blocks = (uint32_t)sf->f_blocks;
	lf.f_bfree = (uint32_t)sf->f_bfree;
	lf.f_bavail = (uint32_t)sf->f_bavail;
	lf.f_files = (uint32_t)sf->f_files;
	lf.f_ffree = (uint32_t)sf->f_ffree;
	lf.f_fsid[0] = (uint32_t)sf->f_fsid;
	lf.f_fsid[1] = (uint32_t)(sf->f_fsid >> 32);
	lf.f_namelen = (uint32_t)sf->f_namelen;
	lf.f_frsize = (uint32_t)sf->f_frsize;
	lf.f_flags = (uint32_t)sf->f_flags;
	if (lf.f_blocks != sf->f_blocks || lf.f_files != sf->f_files)
		return EOVERFLOW;
	return copyout(&lf, ubuf, sizeof(lf));
}

static int
statfs64_i386_out(const struct statfs_k *sf, void *ubuf)
{
	struct linux32_statfs64 lf;

	memset(&lf, 0, sizeof(lf));
	lf.f_type = (uint32_t)sf->f_type;
	lf.f_bsize = (uint32_t)sf->f_bsize;
	lf.f_blocks = sf->f_blocks;
	lf.f_bfree = sf->f_bfree;
	lf.f_bavail = sf->f_bavail;
	lf.f_files = sf->f_files;
	lf.f_ffree = sf->f_ffree;
	lf.f_fsid[0] = (uint32_t)sf->f_fsid;
	lf.f_fsid[1] = (uint32_t)(sf->f_fsid >> 32);
	lf.f_namelen = (uint32_t)sf->f_namelen;
	lf.f_frsize = (uint32_t)sf->f_frsize;
	lf.f_flags = (uint32_t)sf->f_flags;
	return copyout(&lf, ubuf, sizeof(lf));
}

static int
statfs_path(struct path *p, void *ubuf)
{
	struct linux_statfs64 lf;
	struct statfs_k sf;
	int error;

	error = do_statfs(p, &sf);
	path_put(p);
	if (error != 0)
		return error;
	if (linux_is32())
		return linux_narrow() ? statfs32_out(&sf, ubuf) :
		    statfs64_i386_out(&sf, ubuf);
	memset(&lf, 0, sizeof(lf));
	lf.f_type = (int64_t)sf.f_type;
	lf.f_bsize = (int64_t)sf.f_bsize;
	lf.f_blocks = sf.f_blocks;
	lf.f_bfree = sf.f_bfree;
	lf.f_bavail = sf.f_bavail;
	lf.f_files = sf.f_files;
	lf.f_ffree = sf.f_ffree;
	lf.f_fsid[0] = (int32_t)sf.f_fsid;
	lf.f_fsid[1] = (int32_t)(sf.f_fsid >> 32);
	lf.f_namelen = (int64_t)sf.f_namelen;
	lf.f_frsize = (int64_t)sf.f_frsize;
	lf.f_flags = (int64_t)sf.f_flags;
	return copyout(&lf, ubuf, sizeof(lf));
}

int
linux_sys_statfs(struct lwp *l, const struct linux_statfs_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &p);
	return error != 0 ? error : statfs_path(&p, uap->buf);
}

int
linux_sys_fstatfs(struct lwp *l, const struct linux_fstatfs_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	error = linux_fdpath(l, uap->fd, &p);
	return error != 0 ? error : statfs_path(&p, uap->buf);
}

/* -- mode, owner -- */

/* Apply sa to what a name or a descriptor means. */
static int
setattr_at(struct lwp *l, int dirfd, const char *upath, int lookup,
    struct setattr *sa)
{
	struct path p;
	int error;

	error = linux_path_in(l, dirfd, upath, lookup, &p);
	if (error != 0)
		return error;
	error = do_setattr(l, &p, sa);
	path_put(&p);
	return error;
}

static int
setattr_fd(struct lwp *l, int fd, struct setattr *sa)
{
	struct file *fp;
	int error;

	error = fd_get(l, fd, &fp);
	if (error != 0)
		return error;
	error = fp->f_path == NULL ? EPERM : do_setattr(l, fp->f_path, sa);
	file_put(fp);
	return error;
}

static void
mode_attr(struct setattr *sa, mode_t mode)
{
	memset(sa, 0, sizeof(*sa));
	sa->sa_valid = SETATTR_MODE;
	sa->sa_mode = mode & ALLPERMS;
}

int
linux_sys_chmod(struct lwp *l, const struct linux_chmod_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;

	mode_attr(&sa, uap->mode);
	return setattr_at(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &sa);
}

int
linux_sys_fchmod(struct lwp *l, const struct linux_fchmod_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;

	mode_attr(&sa, uap->mode);
	return setattr_fd(l, uap->fd, &sa);
}

int
linux_sys_fchmodat(struct lwp *l, const struct linux_fchmodat_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;

	mode_attr(&sa, uap->mode);
	return setattr_at(l, uap->dirfd, uap->path, LOOKUP_FOLLOW, &sa);
}

/* An id of -1 leaves it as it is. */
static void
owner_attr(struct setattr *sa, uid_t uid, gid_t gid)
{
	memset(sa, 0, sizeof(*sa));
	if (uid != (uid_t)-1) {
		sa->sa_valid |= SETATTR_UID;
		sa->sa_uid = uid;
	}
	if (gid != (gid_t)-1) {
		sa->sa_valid |= SETATTR_GID;
		sa->sa_gid = gid;
	}
}

int
linux_sys_chown(struct lwp *l, const struct linux_chown_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;

	owner_attr(&sa, uap->uid, uap->gid);
	return setattr_at(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &sa);
}

int
linux_sys_lchown(struct lwp *l, const struct linux_lchown_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;

	owner_attr(&sa, uap->uid, uap->gid);
	return setattr_at(l, AT_FDCWD, uap->path, 0, &sa);
}

int
linux_sys_fchown(struct lwp *l, const struct linux_fchown_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;

	owner_attr(&sa, uap->uid, uap->gid);
	return setattr_fd(l, uap->fd, &sa);
}

int
linux_sys_fchownat(struct lwp *l, const struct linux_fchownat_args *uap,
    register_t *retval __unused)
{
	struct setattr sa;
	int lookup = LOOKUP_FOLLOW;

	if ((uap->flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	if ((uap->flags & AT_SYMLINK_NOFOLLOW) != 0)
		lookup &= ~LOOKUP_FOLLOW;
	if ((uap->flags & AT_EMPTY_PATH) != 0)
		lookup |= LOOKUP_EMPTY;
	owner_attr(&sa, uap->uid, uap->gid);
	return setattr_at(l, uap->dirfd, uap->path, lookup, &sa);
}

/* -- times -- */

/*
 * Two timespecs, access then modification, with UTIME_NOW and UTIME_OMIT.
 * sa_valid is 0 if both are to be left.
 */
static int
times_attr(struct setattr *sa, const struct timespec ts[2])
{
	static const unsigned int set[2] = { SETATTR_ATIME, SETATTR_MTIME };
	static const unsigned int now[2] = { SETATTR_ATIME_NOW,
	    SETATTR_MTIME_NOW };
	int i;

	memset(sa, 0, sizeof(*sa));
	for (i = 0; i < 2; i++) {
		if (ts[i].tv_nsec == UTIME_OMIT)
			continue;
		sa->sa_valid |= set[i];
		if (ts[i].tv_nsec == UTIME_NOW)
			sa->sa_valid |= now[i];
		else if (ts[i].tv_nsec < 0 || ts[i].tv_nsec >= NSEC_PER_SEC)
			return EINVAL;
	}
	sa->sa_atim = ts[0];
	sa->sa_mtim = ts[1];
	return 0;
}

static int
utimens_at(struct lwp *l, int dirfd, const char *upath,
    const struct timespec ts[2], int flags)
{
	struct setattr sa;
	int lookup = LOOKUP_FOLLOW, error;

	if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	error = times_attr(&sa, ts);
	if (error != 0)
		return error;
	if (sa.sa_valid == 0)
		return 0;
	if (upath == NULL && dirfd != AT_FDCWD)
		return flags != 0 ? EINVAL : setattr_fd(l, dirfd, &sa);
	if ((flags & AT_SYMLINK_NOFOLLOW) != 0)
		lookup &= ~LOOKUP_FOLLOW;
	if ((flags & AT_EMPTY_PATH) != 0)
		lookup |= LOOKUP_EMPTY;
	return setattr_at(l, dirfd, upath, lookup, &sa);
}

int
linux_sys_utimensat(struct lwp *l, const struct linux_utimensat_args *uap,
    register_t *retval __unused)
{
	struct timespec ts[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	int error = 0;

	if (uap->times != NULL)
		error = linux_timespecs_in(uap->times, ts, 2);
	return error != 0 ? error :
	    utimens_at(l, uap->dirfd, uap->path, ts, uap->flags);
}

static int
utimes_at(struct lwp *l, int dirfd, const char *upath, const void *utimes)
{
	struct timespec ts[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct linux_timeval tv[2];
	int i, error;

	if (utimes != NULL) {
		error = linux_timevals_in(utimes, tv, 2);
		if (error != 0)
			return error;
		for (i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return EINVAL;
			ts[i].tv_sec = tv[i].tv_sec;
			ts[i].tv_nsec = tv[i].tv_usec * NSEC_PER_USEC;
		}
	}
	return utimens_at(l, dirfd, upath, ts, 0);
}

int
linux_sys_utimes(struct lwp *l, const struct linux_utimes_args *uap,
    register_t *retval __unused)
{
	return utimes_at(l, AT_FDCWD, uap->path, uap->times);
}

int
linux_sys_futimesat(struct lwp *l, const struct linux_futimesat_args *uap,
    register_t *retval __unused)
{
	return utimes_at(l, uap->dirfd, uap->path, uap->times);
}

int
linux_sys_utime(struct lwp *l, const struct linux_utime_args *uap,
    register_t *retval __unused)
{
	struct timespec ts[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	int64_t t[2];
	int32_t t32[2];
	int error;

	if (uap->times != NULL) {
		error = linux_is32() ? copyin(uap->times, t32, sizeof(t32)) :
		    copyin(uap->times, t, sizeof(t));
		if (error != 0)
			return error;
		ts[0].tv_sec = linux_is32() ? t32[0] : t[0];
		ts[1].tv_sec = linux_is32() ? t32[1] : t[1];
		ts[0].tv_nsec = ts[1].tv_nsec = 0;
	}
	return utimens_at(l, AT_FDCWD, uap->path, ts, 0);
}
