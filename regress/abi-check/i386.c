/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The structures of <compat/linux/linux_abi32.h> against the installed
 * headers, compiled with -m32.
 */
#include <asm/ldt.h>
#include <asm/posix_types.h>
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <linux/sysinfo.h>
#undef __always_inline

#include <compat/linux/linux_abi32.h>

#define	SAME(mine, theirs)						\
	_Static_assert(sizeof(struct mine) == sizeof(struct theirs),	\
	    #mine " has another size")
#define	AT(mine, m, theirs, t)						\
	_Static_assert(__offsetof(struct mine, m) ==			\
	    __offsetof(struct theirs, t), #mine "." #m " is elsewhere");\
	_Static_assert(sizeof(((struct mine *)0)->m) ==			\
	    sizeof(((struct theirs *)0)->t), #mine "." #m " has another size")

SAME(linux32_stat, stat);
AT(linux32_stat, st_mode, stat, st_mode);
AT(linux32_stat, st_gid, stat, st_gid);
AT(linux32_stat, st_size, stat, st_size);
AT(linux32_stat, st_blocks, stat, st_blocks);
AT(linux32_stat, st_ctime_nsec, stat, st_ctime_nsec);

SAME(linux32_stat64, stat64);
AT(linux32_stat64, st_dev, stat64, st_dev);
AT(linux32_stat64, st_mode, stat64, st_mode);
AT(linux32_stat64, st_rdev, stat64, st_rdev);
AT(linux32_stat64, st_size, stat64, st_size);
AT(linux32_stat64, st_blocks, stat64, st_blocks);
AT(linux32_stat64, st_mtime, stat64, st_mtime);
AT(linux32_stat64, st_ino, stat64, st_ino);

SAME(linux32_statfs, statfs);
AT(linux32_statfs, f_fsid, statfs, f_fsid);
AT(linux32_statfs, f_flags, statfs, f_flags);
SAME(linux32_statfs64, statfs64);
AT(linux32_statfs64, f_blocks, statfs64, f_blocks);
AT(linux32_statfs64, f_fsid, statfs64, f_fsid);
AT(linux32_statfs64, f_flags, statfs64, f_flags);

SAME(linux32_siginfo, siginfo);
AT(linux32_siginfo, lsi.chld.status, siginfo, _sifields._sigchld._status);
AT(linux32_siginfo, lsi.chld.stime, siginfo, _sifields._sigchld._stime);
AT(linux32_siginfo, lsi.fault.addr, siginfo, _sifields._sigfault._addr);
AT(linux32_siginfo, lsi.timer.value, siginfo, _sifields._timer._sigval);
AT(linux32_siginfo, lsi.rt.value, siginfo, _sifields._rt._sigval);
AT(linux32_siginfo, lsi.poll.fd, siginfo, _sifields._sigpoll._fd);
SAME(linux32_sigevent, sigevent);
AT(linux32_sigevent, sigev_tid, sigevent, _sigev_un._tid);

SAME(linux32_robust_list_head, robust_list_head);
AT(linux32_robust_list_head, futex_offset, robust_list_head, futex_offset);
SAME(linux_user_desc, user_desc);
AT(linux_user_desc, ud_limit, user_desc, limit);
SAME(linux32_sysinfo, sysinfo);
AT(linux32_sysinfo, procs, sysinfo, procs);
AT(linux32_sysinfo, mem_unit, sysinfo, mem_unit);
