/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures of the Linux ABI for i386 programs, as they are in user memory,
 * where they differ from those for x86-64.
 */
#ifndef _COMPAT_LINUX_LINUX_ABI32_H_
#define	_COMPAT_LINUX_LINUX_ABI32_H_

#include <sys/assert.h>
#include <sys/types.h>

struct linux32_timespec {		/* a timeval, too */
	int32_t		tv_sec, tv_frac;
};

struct linux32_iovec {
	uint32_t	iov_base, iov_len;
};

struct linux32_sigaction {
	uint32_t	lsa_handler, lsa_flags, lsa_restorer, lsa_mask[2];
};
CTASSERT(sizeof(struct linux32_sigaction) == 20);

struct linux32_old_sigaction {
	uint32_t	osa_handler, osa_mask, osa_flags, osa_restorer;
};

struct linux32_stack {
	uint32_t	lss_sp;
	int32_t		lss_flags;
	uint32_t	lss_size;
};
CTASSERT(sizeof(struct linux32_stack) == 12);

struct linux32_siginfo {
	int32_t		lsi_signo, lsi_errno, lsi_code;
	union {
		struct { int32_t pid; uint32_t uid, value; } rt;
		struct { int32_t id, overrun; uint32_t value; } timer;
		struct { int32_t pid; uint32_t uid; int32_t status, utime,
		    stime; } chld;
		struct { uint32_t addr; } fault;
		struct { uint32_t addr; int32_t nr; uint32_t arch; } sys;
		struct { int32_t band, fd; } poll;
		uint8_t	raw[116];
	} lsi;
};
CTASSERT(sizeof(struct linux32_siginfo) == 128);

struct linux32_sigevent {
	uint32_t	sigev_value;
	int32_t		sigev_signo, sigev_notify, sigev_tid;
	int32_t		sigev_pad[12];
};
CTASSERT(sizeof(struct linux32_sigevent) == 64);

struct linux32_rusage {
	struct linux32_timespec lru_utime, lru_stime;
	int32_t		lru_maxrss, lru_ixrss, lru_idrss, lru_isrss,
			lru_minflt, lru_majflt, lru_nswap, lru_inblock,
			lru_oublock, lru_msgsnd, lru_msgrcv, lru_nsignals,
			lru_nvcsw, lru_nivcsw;
};
CTASSERT(sizeof(struct linux32_rusage) == 72);

struct linux32_tms {
	int32_t		tms_utime, tms_stime, tms_cutime, tms_cstime;
};

struct linux32_rlimit {
	uint32_t	rlim_cur, rlim_max;
};

struct linux32_sysinfo {
	int32_t		uptime;
	uint32_t	loads[3], totalram, freeram, sharedram, bufferram,
			totalswap, freeswap;
	uint16_t	procs, pad;
	uint32_t	totalhigh, freehigh, mem_unit;
	uint8_t		pad2[8];
};
CTASSERT(sizeof(struct linux32_sysinfo) == 64);

struct linux32_stat {
	uint32_t	st_dev, st_ino;
	uint16_t	st_mode, st_nlink, st_uid, st_gid;
	uint32_t	st_rdev, st_size, st_blksize, st_blocks, st_atime,
			st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime,
			st_ctime_nsec, unused[2];
};
CTASSERT(sizeof(struct linux32_stat) == 64);

struct linux32_stat64 {
	uint64_t	st_dev;
	uint32_t	pad0, st_ino32, st_mode, st_nlink, st_uid, st_gid;
	uint64_t	st_rdev;
	uint32_t	pad3;
	int64_t		st_size;
	uint32_t	st_blksize;
	uint64_t	st_blocks;
	uint32_t	st_atime, st_atime_nsec, st_mtime, st_mtime_nsec,
			st_ctime, st_ctime_nsec;
	uint64_t	st_ino;
} __packed;
CTASSERT(sizeof(struct linux32_stat64) == 96);

struct linux32_statfs {
	uint32_t	f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files,
			f_ffree, f_fsid[2], f_namelen, f_frsize, f_flags,
			f_spare[4];
};
CTASSERT(sizeof(struct linux32_statfs) == 64);

struct linux32_statfs64 {
	uint32_t	f_type, f_bsize;
	uint64_t	f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	uint32_t	f_fsid[2], f_namelen, f_frsize, f_flags, f_spare[4];
} __packed;
CTASSERT(sizeof(struct linux32_statfs64) == 84);

struct linux32_flock {
	int16_t		l_type, l_whence;
	int32_t		l_start, l_len, l_pid;
};
CTASSERT(sizeof(struct linux32_flock) == 16);

struct linux32_flock64 {
	int16_t		l_type, l_whence;
	int64_t		l_start, l_len;
	int32_t		l_pid;
} __packed;
CTASSERT(sizeof(struct linux32_flock64) == 24);

struct linux32_robust_list_head {
	uint32_t	list;
	int32_t		futex_offset;
	uint32_t	pending;
};
CTASSERT(sizeof(struct linux32_robust_list_head) == 12);

struct linux32_msghdr {
	uint32_t	msg_name;
	int32_t		msg_namelen;
	uint32_t	msg_iov, msg_iovlen, msg_control, msg_controllen,
			msg_flags;
};
CTASSERT(sizeof(struct linux32_msghdr) == 28);

struct linux32_mmsghdr {
	struct linux32_msghdr hdr;
	uint32_t	len;
};
CTASSERT(sizeof(struct linux32_mmsghdr) == 32);

struct linux32_cmsghdr {
	uint32_t	cmsg_len;
	int32_t		cmsg_level, cmsg_type;
};
CTASSERT(sizeof(struct linux32_cmsghdr) == 12);

struct linux32_mmap {			/* the old mmap(2)'s argument */
	uint32_t	addr, len, prot, flags, fd, offset;
};

struct linux_user_desc {
	uint32_t	ud_entry, ud_base, ud_limit, ud_flags;
};
CTASSERT(sizeof(struct linux_user_desc) == 16);
#define	UD_SEG_32BIT		0x01
#define	UD_CONTENTS(f)		((f) >> 1 & 3)
#define	UD_READ_EXEC_ONLY	0x08
#define	UD_LIMIT_IN_PAGES	0x10
#define	UD_NOT_PRESENT		0x20
#define	UD_USEABLE		0x40
#define	UD_LM			0x80

#endif /* !_COMPAT_LINUX_LINUX_ABI32_H_ */
