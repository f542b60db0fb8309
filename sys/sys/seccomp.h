/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of system calls, as seccomp(2) has them; kern_seccomp.c.
 * Source: <linux/seccomp.h>, <linux/filter.h>, seccomp(2).
 */
#ifndef _SYS_SECCOMP_H_
#define	_SYS_SECCOMP_H_

#include <sys/assert.h>
#include <sys/types.h>

struct lwp;

/* One instruction of the classic packet filter. */
struct seccomp_insn {
	uint16_t	si_code;
	uint8_t		si_jt, si_jf;	/* instructions to skip */
	uint32_t	si_k;
};
CTASSERT(sizeof(struct seccomp_insn) == 8);

/* What a filter looks at. */
struct seccomp_data {
	int32_t		sd_nr;
	uint32_t	sd_arch;	/* AUDIT_ARCH_* */
	uint64_t	sd_ip;		/* behind the call */
	uint64_t	sd_args[6];
};
CTASSERT(sizeof(struct seccomp_data) == 64);

/* What it says: an action and 16 bits for it. */
#define	SECCOMP_RET_KILL_PROCESS	0x80000000U
#define	SECCOMP_RET_KILL_THREAD		0x00000000U
#define	SECCOMP_RET_TRAP		0x00030000U
#define	SECCOMP_RET_ERRNO		0x00050000U
#define	SECCOMP_RET_USER_NOTIF		0x7fc00000U
#define	SECCOMP_RET_TRACE		0x7ff00000U
#define	SECCOMP_RET_LOG			0x7ffc0000U
#define	SECCOMP_RET_ALLOW		0x7fff0000U
#define	SECCOMP_RET_ACTION		0xffff0000U
#define	SECCOMP_RET_DATA		0x0000ffffU

#define	SECCOMP_MODE_DISABLED	0
#define	SECCOMP_MODE_STRICT	1
#define	SECCOMP_MODE_FILTER	2

#define	SECCOMP_MAXINSNS	4096	/* of one filter */

int	seccomp_mode(const struct lwp *);	/* SECCOMP_MODE_* */

/* No more than read, write, exit and sigreturn. EINVAL: there are filters. */
int	do_seccomp_strict(struct lwp *);

/*
 * One filter more, of n instructions, which are copied.  all: for the other
 * threads, too, unless one has a filter that we have not: then none gets it
 * and *badp is that thread, else 0.
 * EINVAL: no filter, or strict mode; EACCES: without no_new_privs or
 * CAP_SYS_ADMIN; ENOMEM.
 */
int	do_seccomp_filter(struct lwp *, const struct seccomp_insn *, size_t n,
	    bool all, pid_t *badp);

/* The strictest answer of the thread's filters, of which there are some. */
uint32_t seccomp_run(struct lwp *, const struct seccomp_data *);

/* For a new thread, p_lock of the parent held; at the end of any. */
void	seccomp_inherit(struct lwp *from, struct lwp *);
void	seccomp_free(struct lwp *);

#endif /* !_SYS_SECCOMP_H_ */
