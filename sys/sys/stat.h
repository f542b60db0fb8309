/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File attributes as the kernel passes them around; ABI code converts.
 */
#ifndef _SYS_STAT_H_
#define	_SYS_STAT_H_

#include <sys/time.h>

#define	S_IFMT		0170000
#define	S_IFSOCK	0140000
#define	S_IFLNK		0120000
#define	S_IFREG		0100000
#define	S_IFBLK		0060000
#define	S_IFDIR		0040000
#define	S_IFCHR		0020000
#define	S_IFIFO		0010000
#define	S_ISUID		04000
#define	S_ISGID		02000
#define	S_ISVTX		01000
#define	S_IRWXU		0700
#define	S_IRWXG		0070
#define	S_IRWXO		0007
#define	ALLPERMS	07777
#define	S_ISDIR(m)	(((m) & S_IFMT) == S_IFDIR)
#define	S_ISREG(m)	(((m) & S_IFMT) == S_IFREG)
#define	S_ISLNK(m)	(((m) & S_IFMT) == S_IFLNK)
#define	S_ISCHR(m)	(((m) & S_IFMT) == S_IFCHR)
#define	S_ISBLK(m)	(((m) & S_IFMT) == S_IFBLK)
#define	S_ISFIFO(m)	(((m) & S_IFMT) == S_IFIFO)
#define	S_ISSOCK(m)	(((m) & S_IFMT) == S_IFSOCK)

#define	DT_UNKNOWN	0
#define	DT_FIFO		1
#define	DT_CHR		2
#define	DT_DIR		4
#define	DT_BLK		6
#define	DT_REG		8
#define	DT_LNK		10
#define	DT_SOCK		12
#define	IFTODT(m)	(((m) & S_IFMT) >> 12)

struct stat_k {
	dev_t		st_dev;
	ino_t		st_ino;
	mode_t		st_mode;
	uint32_t	st_nlink;
	uid_t		st_uid;
	gid_t		st_gid;
	dev_t		st_rdev;
	off_t		st_size;
	uint32_t	st_blksize;
	uint64_t	st_blocks;	/* of 512 bytes */
	struct timespec	st_atim, st_mtim, st_ctim, st_btim;
	bool		st_has_btime;
};

/* setattr: what to change. */
struct setattr {
	unsigned int	sa_valid;
	mode_t		sa_mode;
	uid_t		sa_uid;
	gid_t		sa_gid;
	off_t		sa_size;
	struct timespec	sa_atim, sa_mtim;
};
#define	SETATTR_MODE	0x01
#define	SETATTR_UID	0x02
#define	SETATTR_GID	0x04
#define	SETATTR_SIZE	0x08
#define	SETATTR_ATIME	0x10
#define	SETATTR_MTIME	0x20
#define	SETATTR_ATIME_NOW 0x40	/* the time is now: fewer rights needed */
#define	SETATTR_MTIME_NOW 0x80
#define	SETATTR_KILLPRIV 0x100	/* drop set-id bits as a write does */

#endif /* !_SYS_STAT_H_ */
