/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux's System V calls have in common, for the files of this folder.
 */
#ifndef _COMPAT_LINUX_LINUX_IPC_H_
#define	_COMPAT_LINUX_LINUX_IPC_H_

#include <sys/assert.h>
#include <sys/sysvipc.h>

#define	IPC_RMID	0
#define	IPC_SET		1
#define	IPC_STAT	2
#define	IPC_INFO	3
#define	IPC_64		0x100		/* in ipc(2)'s commands */

struct linux_ipc_perm {			/* struct ipc64_perm */
	int32_t		key;
	uint32_t	uid, gid, cuid, cgid, mode;
	uint16_t	seq, pad;
	uint32_t	pad2;
	uint64_t	unused[2];
};
CTASSERT(sizeof(struct linux_ipc_perm) == 48);

struct linux32_ipc_perm {
	int32_t		key;
	uint32_t	uid, gid, cuid, cgid;
	uint16_t	mode, pad, seq, pad2;
	uint32_t	unused[2];
};
CTASSERT(sizeof(struct linux32_ipc_perm) == 36);

void	linux_ipc_perm_from(struct linux_ipc_perm *,
	    const struct ipc_perm_k *);
void	linux32_ipc_perm_from(struct linux32_ipc_perm *,
	    const struct ipc_perm_k *);
/* What IPC_SET takes of a structure that begins with one: EFAULT. */
int	linux_ipc_perm_in(const void *uaddr, uid_t *, gid_t *, mode_t *);

#endif /* !_COMPAT_LINUX_LINUX_IPC_H_ */
