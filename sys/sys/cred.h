/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing credentials: the set-id family, capabilities and what exec does to
 * them.  The structures themselves are in <sys/proc.h>.
 *
 * All act on the calling thread, in thread context, may sleep; (uid_t)-1
 * leaves a value as it is.  EPERM, EAGAIN (out of memory), EINVAL.
 */
#ifndef _SYS_CRED_H_
#define	_SYS_CRED_H_

#include <sys/proc.h>

#define	SECBIT_NOROOT			0x01
#define	SECBIT_NO_SETUID_FIXUP		0x04
#define	SECBIT_KEEP_CAPS		0x10
#define	SECBIT_NO_CAP_AMBIENT_RAISE	0x40
#define	SECBIT_ALL			0xff
#define	SECBIT_ALL_LOCKS		0xaa

int	do_setuid(struct lwp *, uid_t);
int	do_setreuid(struct lwp *, uid_t, uid_t);
int	do_setresuid(struct lwp *, uid_t, uid_t, uid_t);
int	do_setfsuid(struct lwp *, uid_t, uid_t *old);
int	do_setgid(struct lwp *, gid_t);
int	do_setregid(struct lwp *, gid_t, gid_t);
int	do_setresgid(struct lwp *, gid_t, gid_t, gid_t);
int	do_setfsgid(struct lwp *, gid_t, gid_t *old);
/* Takes the array (kmem, n elements) over in every case. */
int	do_setgroups(struct lwp *, gid_t *, unsigned int n);
int	do_capset(struct lwp *, uint64_t effective, uint64_t permitted,
	    uint64_t inheritable);
int	do_capbset_drop(struct lwp *, unsigned int cap);
int	do_cap_ambient(struct lwp *, unsigned int cap, bool raise);
int	do_cap_ambient_clear(struct lwp *);
int	do_setsecurebits(struct lwp *, unsigned int);

/*
 * The credential of a program with that mode and owner; *secure tells whether
 * it gained rights (AT_SECURE).  honour: set-id bits count.
 */
int	cred_exec(const struct cred *, mode_t, uid_t, gid_t, bool honour,
	    struct cred **, bool *secure);

#endif /* !_SYS_CRED_H_ */
