/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files for file calls share: names with their directories, and the
 * ABI's structures of files.
 */
#ifndef _COMPAT_LINUX_LINUX_VFS_H_
#define	_COMPAT_LINUX_LINUX_VFS_H_

#include <sys/assert.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* A read or write moves at most so much. */
#define	LINUX_MAX_RW	0x7ffff000UL

/* A name from user memory and the directory it is relative to. */
struct linux_name {
	char		*ln_name;	/* kernel copy */
	struct path	ln_start;	/* referenced if ln_dir points to it */
	struct path	*ln_dir;	/* NULL: the working directory */
};
/* flags: LOOKUP_EMPTY says that "" is allowed. */
int	linux_name_in(struct lwp *, int dirfd, const char *uname, int flags,
	    struct linux_name *);
void	linux_name_done(struct linux_name *);
/* All at once: the place a name leads to. */
int	linux_path_in(struct lwp *, int dirfd, const char *uname, int flags,
	    struct path *);
/* The place an open file has; EBADF if the descriptor, or it, has none. */
int	linux_fdpath(struct lwp *, int fd, struct path *);

/* An iovec array: up to LINUX_IOV_FEW without an allocation. */
#define	LINUX_IOV_FEW	8
struct linux_iov {
	struct iovec	li_few[LINUX_IOV_FEW];
	struct iovec	*li_iov;
	unsigned int	li_count;
	size_t		li_total;
};
int	linux_iov_in(const struct iovec *uiov, unsigned long count,
	    struct linux_iov *);
void	linux_iov_done(struct linux_iov *);
/* RWF_* of preadv2(2) and io_submit(2) to IO_*; EOPNOTSUPP. */
int	linux_rwf_flags(int flags, int *ioflags);

/* Device numbers as user space has them. */
static inline uint32_t
linux_dev_out(dev_t dev)
{
	uint32_t ma = major(dev), mi = minor(dev);

	return (mi & 0xff) | ma << 8 | (mi & ~0xffU) << 12;
}

static inline dev_t
linux_dev_in(uint32_t dev)
{
	return makedev((dev >> 8) & 0xfff,
	    (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

struct linux_stat64 {
	uint64_t	st_dev, st_ino, st_nlink;
	uint32_t	st_mode, st_uid, st_gid, pad0;
	uint64_t	st_rdev;
	int64_t		st_size, st_blksize, st_blocks;
	int64_t		st_atime, st_atime_nsec, st_mtime, st_mtime_nsec,
			st_ctime, st_ctime_nsec;
	int64_t		unused[3];
};
CTASSERT(sizeof(struct linux_stat64) == 144);

struct linux_statx_time {
	int64_t		tv_sec;
	uint32_t	tv_nsec, pad;
};
struct linux_statx_buf {
	uint32_t	stx_mask, stx_blksize;
	uint64_t	stx_attributes;
	uint32_t	stx_nlink, stx_uid, stx_gid;
	uint16_t	stx_mode, pad1;
	uint64_t	stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct linux_statx_time stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t	stx_rdev_major, stx_rdev_minor, stx_dev_major,
			stx_dev_minor;
	uint64_t	stx_mnt_id;
	uint32_t	stx_dio_mem_align, stx_dio_offset_align;
	uint64_t	spare[12];
};
CTASSERT(sizeof(struct linux_statx_buf) == 256);

struct linux_statfs64 {
	int64_t		f_type, f_bsize;
	uint64_t	f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	int32_t		f_fsid[2];
	int64_t		f_namelen, f_frsize, f_flags, f_spare[4];
};
CTASSERT(sizeof(struct linux_statfs64) == 120);

struct linux_flock {
	int16_t		l_type, l_whence;
	int32_t		pad1;
	int64_t		l_start, l_len;
	int32_t		l_pid, pad2;
};
CTASSERT(sizeof(struct linux_flock) == 32);

struct linux_open_how {
	uint64_t	flags, mode, resolve;
};
CTASSERT(sizeof(struct linux_open_how) == 24);

struct linux_epoll_event {
	uint32_t	events;
	uint64_t	data;
} __packed;
CTASSERT(sizeof(struct linux_epoll_event) == 12);

CTASSERT(sizeof(struct iovec) == 2 * sizeof(void *));
CTASSERT(sizeof(struct pollfd_k) == 8);

#endif /* !_COMPAT_LINUX_LINUX_VFS_H_ */
