/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: attributes of files: stat, chmod and their kin, symbolic links' text,
 * and the ioctls that other systems have for files of this kind.
 *
 * Locking: v_lock, held by the VFS.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <uvm/uvm_object.h>
#include <uvm/uvm_vnode.h>
#include <fs/ext4/ext4.h>

#define	FS_IOC_GETFLAGS		0x80086601U
#define	FS_IOC_SETFLAGS		0x40086602U
#define	FS_IOC_GETVERSION	0x80087601U
#define	FITRIM			0xc0185879U

struct fstrim_range {
	uint64_t	start, len, minlen;
};

static struct timespec
ts_of(const struct ext4_time *t)
{
	struct timespec ts = { t->tm_sec, t->tm_nsec };

	return ts;
}

/* What an inode can hold: 34 bits of seconds from 1901, or 32. */
static void
time_set(const struct ext4_inode *ei, struct ext4_time *t,
    const struct timespec *ts)
{
	const int64_t least = INT32_MIN;
	int64_t most = INT32_MAX;

	if (ei->ei_extra >= 24)
		most = ((int64_t)3 << 32) + INT32_MAX;
	t->tm_sec = MIN(MAX(ts->tv_sec, least), most);
	t->tm_nsec = ei->ei_extra >= 24 && t->tm_sec == ts->tv_sec ?
	    (uint32_t)ts->tv_nsec : 0;
}

void
ext4_mapped_times(struct vnode *vp)
{
	struct ext4_inode *ei = EXT4_I(vp);
	nsec_t t = vp->v_uobj == NULL ? 0 : uvm_obj_wrote(vp->v_uobj);
	struct timespec ts = nsec_to_timespec(t);

	if (t == 0 || ts.tv_sec < ei->ei_mtime.tm_sec ||
	    (ts.tv_sec == ei->ei_mtime.tm_sec &&
	    (uint32_t)ts.tv_nsec <= ei->ei_mtime.tm_nsec))
		return;
	time_set(ei, &ei->ei_mtime, &ts);
	ei->ei_ctime = ei->ei_mtime;
	ext4_idirty(ei);
}

int
ext4_getattr(struct vnode *vp, struct stat_k *st)
{
	struct ext4_inode *ei = EXT4_I(vp);

	ext4_mapped_times(vp);
	st->st_nlink = ei->ei_nlink;
	st->st_size = (off_t)ei->ei_size;
	st->st_blocks = ei->ei_blocks + ((uint64_t)ei->ei_ndelayed <<
	    (ei->ei_em->em_bshift - 9));
	st->st_blksize = MAX(ei->ei_em->em_bsize, (unsigned int)PAGE_SIZE);
	st->st_atim = ts_of(&ei->ei_atime);
	st->st_mtim = ts_of(&ei->ei_mtime);
	st->st_ctim = ts_of(&ei->ei_ctime);
	st->st_btim = ts_of(&ei->ei_crtime);
	st->st_has_btime = ei->ei_crtime.tm_sec != 0;
	return 0;
}

static void
times_set(struct ext4_inode *ei, const struct setattr *sa)
{
	if ((sa->sa_valid & SETATTR_ATIME_NOW) != 0)
		ext4_now(ei, &ei->ei_atime);
	else if ((sa->sa_valid & SETATTR_ATIME) != 0)
		time_set(ei, &ei->ei_atime, &sa->sa_atim);
	if ((sa->sa_valid & SETATTR_MTIME_NOW) != 0)
		ext4_now(ei, &ei->ei_mtime);
	else if ((sa->sa_valid & SETATTR_MTIME) != 0)
		time_set(ei, &ei->ei_mtime, &sa->sa_mtim);
}

static int
attr_change(struct vnode *vp, const struct setattr *sa)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_handle h;
	int error;

	error = ext4_jstart(ei->ei_em, EXT4_CREDITS_XATTR +
	    EXT4_CREDITS_INODE, &h);
	if (error != 0)
		return error;
	if ((sa->sa_valid & SETATTR_MODE) != 0 && !S_ISLNK(vp->v_mode))
		error = ext4_acl_chmod(&h, ei, sa->sa_mode);
	if (error == 0) {
		if ((sa->sa_valid & SETATTR_MODE) != 0)
			ei->ei_mode = (uint16_t)((ei->ei_mode & S_IFMT) |
			    (sa->sa_mode & ALLPERMS));
		if ((sa->sa_valid & SETATTR_UID) != 0)
			ei->ei_uid = sa->sa_uid;
		if ((sa->sa_valid & SETATTR_GID) != 0)
			ei->ei_gid = sa->sa_gid;
		vp->v_mode = ei->ei_mode;
		vp->v_uid = ei->ei_uid;
		vp->v_gid = ei->ei_gid;
		ext4_itouch(ei, (sa->sa_valid & SETATTR_SIZE) != 0);
		times_set(ei, sa);
		error = ext4_iwrite(&h, ei);
	}
	ext4_jstop(&h);
	return error;
}

int
ext4_setattr(struct vnode *vp, const struct setattr *sa,
    struct cred *cr __unused)
{
	struct ext4_inode *ei = EXT4_I(vp);
	int error = 0;

	if (ei->ei_em->em_jnl == NULL || ei->ei_em->em_failed)
		return EROFS;
	if ((ei->ei_flags & EXT4_FL_IMMUTABLE) != 0)
		return EPERM;
	ext4_mapped_times(vp);
	if ((sa->sa_valid & SETATTR_SIZE) != 0) {
		if (!S_ISREG(vp->v_mode))
			return EINVAL;
		if ((ei->ei_flags & EXT4_FL_INLINE_DATA) != 0)
			return EOPNOTSUPP;
		if ((uint64_t)sa->sa_size > (uint64_t)ext4_map_limit(ei) <<
		    ei->ei_em->em_bshift)
			return EFBIG;
		error = uvm_vnode_setsize(vp, (uint64_t)sa->sa_size);
		if (error == 0)
			error = ext4_resize(ei, (uint64_t)sa->sa_size);
	}
	return error != 0 ? error : attr_change(vp, sa);
}

/* The text of a long link is in a block of metadata. */
static int
link_block(struct ext4_inode *ei, char *buf, size_t len)
{
	struct ext4_map m;
	struct buf *bp;
	int error;

	rw_enter(&ei->ei_maplock, RW_READER);
	error = ext4_map_get(ei, 0, 1, &m);
	rw_exit(&ei->ei_maplock);
	if (error == 0 && (m.m_blk == 0 || len > ei->ei_em->em_bsize))
		error = ext4_error(ei->ei_em, ei->ei_ino, "bad symlink");
	if (error == 0)
		error = bread(ei->ei_em->em_bc, m.m_blk, &bp);
	if (error == 0) {
		memcpy(buf, bp->b_data, len);
		brelse(bp);
	}
	return error;
}

int
ext4_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct ext4_inode *ei = EXT4_I(vp);

	*len = (size_t)MIN(ei->ei_size, size);
	if (ei->ei_size >= ei->ei_em->em_bsize || ei->ei_size == 0)
		return ext4_error(ei->ei_em, ei->ei_ino, "bad symlink");
	if ((ei->ei_flags & EXT4_FL_INLINE_DATA) != 0)
		return ext4_inline_read(ei, 0, buf, *len);
	if (ext4_fast_symlink(ei)) {
		memcpy(buf, ei->ei_block, *len);
		return 0;
	}
	return link_block(ei, buf, *len);
}

static int
set_flags(struct vnode *vp, uint32_t flags)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct cred *cr = curlwp->l_cred;
	struct ext4_handle h;
	int error = 0;

	flags &= 0x000fffff;		/* what programs may see */
	rw_enter(&vp->v_lock, RW_WRITER);
	if (cr->cr_fsuid != vp->v_uid)
		error = cred_capable(cr, CAP_FOWNER);
	if (error == 0 && ((flags ^ ei->ei_flags) &
	    (EXT4_FL_IMMUTABLE | EXT4_FL_APPEND)) != 0)
		error = cred_capable(cr, CAP_LINUX_IMMUTABLE);
	if (error == 0 && ((flags ^ ei->ei_flags) & 0x000fffff &
	    ~(uint32_t)EXT4_FL_SETTABLE) != 0)
		error = EOPNOTSUPP;
	if (error == 0)
		error = ext4_jstart(ei->ei_em, EXT4_CREDITS_INODE, &h);
	if (error == 0) {
		ei->ei_flags = (ei->ei_flags & ~(uint32_t)EXT4_FL_SETTABLE) |
		    (flags & EXT4_FL_SETTABLE);
		ext4_itouch(ei, false);
		error = ext4_iwrite(&h, ei);
		ext4_jstop(&h);
	}
	rw_exit(&vp->v_lock);
	return error;
}

static int
trim(struct ext4_mount *em, uintptr_t uarg)
{
	struct fstrim_range r;
	int error;

	error = cred_capable(curlwp->l_cred, CAP_SYS_ADMIN);
	if (error == 0)
		error = copyin((const void *)uarg, &r, sizeof(r));
	if (error != 0)
		return error;
	error = ext4_trim(em, r.start, r.len, r.minlen, &r.len);
	return error != 0 ? error : copyout(&r, (void *)uarg, sizeof(r));
}

int
ext4_ioctl(struct vnode *vp, struct file *fp __unused, unsigned long cmd,
    uintptr_t uarg, register_t *retval __unused)
{
	struct ext4_inode *ei = EXT4_I(vp);
	uint32_t v;
	int error;

	switch ((uint32_t)cmd) {
	case FS_IOC_GETFLAGS:
		v = ei->ei_flags & 0x000fffff;
		return copyout(&v, (void *)uarg, sizeof(v));
	case FS_IOC_GETVERSION:
		v = ei->ei_generation;
		return copyout(&v, (void *)uarg, sizeof(v));
	case FS_IOC_SETFLAGS:
		if ((vp->v_mount->mnt_flags & MS_RDONLY) != 0)
			return EROFS;
		error = copyin((const void *)uarg, &v, sizeof(v));
		return error != 0 ? error : set_flags(vp, v);
	case FITRIM:
		return ei->ei_em->em_jnl == NULL ? EROFS :
		    trim(ei->ei_em, uarg);
	}
	return ENOTTY;
}
