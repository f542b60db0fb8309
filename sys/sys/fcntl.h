/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open(2), fcntl(2) and *at(2) flags: Linux's values for x86.
 */
#ifndef _SYS_FCNTL_H_
#define	_SYS_FCNTL_H_

#define	O_RDONLY	0
#define	O_WRONLY	1
#define	O_RDWR		2
#define	O_ACCMODE	3
#define	O_CREAT		0100
#define	O_EXCL		0200
#define	O_NOCTTY	0400
#define	O_TRUNC		01000
#define	O_APPEND	02000
#define	O_NONBLOCK	04000
#define	O_DSYNC		010000
#define	O_ASYNC		020000
#define	O_DIRECT	040000
#define	O_LARGEFILE	0100000
#define	O_DIRECTORY	0200000
#define	O_NOFOLLOW	0400000
#define	O_NOATIME	01000000
#define	O_CLOEXEC	02000000
#define	O_SYNC		04010000
#define	O_PATH		010000000
#define	O_TMPFILE	(020000000 | O_DIRECTORY)

#define	F_DUPFD		0
#define	F_GETFD		1
#define	F_SETFD		2
#define	F_GETFL		3
#define	F_SETFL		4
#define	F_GETLK		5
#define	F_SETLK		6
#define	F_SETLKW	7
#define	F_SETOWN	8
#define	F_GETOWN	9
#define	F_SETSIG	10
#define	F_GETSIG	11
#define	F_SETOWN_EX	15
#define	F_GETOWN_EX	16
#define	F_OFD_GETLK	36
#define	F_OFD_SETLK	37
#define	F_OFD_SETLKW	38
#define	F_SETLEASE	1024
#define	F_GETLEASE	1025
#define	F_NOTIFY	1026
#define	F_DUPFD_CLOEXEC	1030
#define	F_SETPIPE_SZ	1031
#define	F_GETPIPE_SZ	1032
#define	F_ADD_SEALS	1033
#define	F_GET_SEALS	1034
#define	F_SEAL_SEAL	0x01U
#define	F_SEAL_SHRINK	0x02U
#define	F_SEAL_GROW	0x04U
#define	F_SEAL_WRITE	0x08U
#define	F_SEAL_FUTURE_WRITE 0x10U
#define	F_SEAL_ALL	0x1fU
#define	FD_CLOEXEC	1

#define	AT_FDCWD		(-100)
#define	AT_SYMLINK_NOFOLLOW	0x100
#define	AT_REMOVEDIR		0x200
#define	AT_EACCESS		0x200
#define	AT_SYMLINK_FOLLOW	0x400
#define	AT_NO_AUTOMOUNT		0x800
#define	AT_EMPTY_PATH		0x1000

#define	SEEK_SET	0
#define	SEEK_CUR	1
#define	SEEK_END	2
#define	SEEK_DATA	3
#define	SEEK_HOLE	4

/* posix_fadvise(2): what does something, and the last. */
#define	POSIX_FADV_WILLNEED	3
#define	POSIX_FADV_NOREUSE	5

#define	R_OK	4
#define	W_OK	2
#define	X_OK	1
#define	F_OK	0

#endif /* !_SYS_FCNTL_H_ */
