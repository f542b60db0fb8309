/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux's System V calls have in common, and i386's ipc(2), which is all
 * of them in one.
 */
#include <sys/errno.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_ipc.h>
#include <compat/linux/linux_syscallargs.h>

void
linux_ipc_perm_from(struct linux_ipc_perm *lp, const struct ipc_perm_k *ip)
{
	memset(lp, 0, sizeof(*lp));
	lp->key = ip->ip_key;
	lp->uid = ip->ip_uid;
	lp->gid = ip->ip_gid;
	lp->cuid = ip->ip_cuid;
	lp->cgid = ip->ip_cgid;
	lp->mode = ip->ip_mode;
	lp->seq = (uint16_t)ip->ip_seq;
}

void
linux32_ipc_perm_from(struct linux32_ipc_perm *lp,
    const struct ipc_perm_k *ip)
{
	memset(lp, 0, sizeof(*lp));
	lp->key = ip->ip_key;
	lp->uid = ip->ip_uid;
	lp->gid = ip->ip_gid;
	lp->cuid = ip->ip_cuid;
	lp->cgid = ip->ip_cgid;
	lp->mode = (uint16_t)ip->ip_mode;
	lp->seq = (uint16_t)ip->ip_seq;
}

int
linux_ipc_perm_in(const void *uaddr, uid_t *uid, gid_t *gid, mode_t *mode)
{
	struct linux32_ipc_perm lp32;
	struct linux_ipc_perm lp;
	int error;

	if (linux_is32()) {
		error = copyin(uaddr, &lp32, sizeof(lp32));
		*uid = lp32.uid;
		*gid = lp32.gid;
		*mode = lp32.mode;
	} else {
		error = copyin(uaddr, &lp, sizeof(lp));
		*uid = lp.uid;
		*gid = lp.gid;
		*mode = lp.mode;
	}
	return error;
}

/* -- ipc(2): call (its version above 16 bits), first, second, third, ptr,
 * fifth -- */

#define	A(n)	((uint32_t)uap->a[n])
#define	PTR(n)	((void *)(uintptr_t)A(n))

enum { SEMOP = 1, SEMGET, SEMCTL, SEMTIMEDOP, MSGSND = 11, MSGRCV, MSGGET,
	MSGCTL, SHMAT = 21, SHMDT, SHMGET, SHMCTL };

/* Commands with the structures of before IPC_64 are not known. */
static int
command(uint32_t cmd, register_t *arg)
{
	*arg = (register_t)(cmd & ~(uint32_t)IPC_64);
	return (cmd & IPC_64) != 0 || *arg == IPC_RMID ? 0 : EINVAL;
}

/* SEMCTL: ptr is where semctl(2)'s last argument is. */
static int
semctl_args(const struct linux32_args *uap, register_t *args)
{
	uint32_t word;
	int error;

	args[0] = A(1);
	args[1] = A(2);
	if ((error = command(A(3), &args[2])) == 0 &&
	    (error = ufetch_32(PTR(4), &word)) == 0)
		args[3] = (register_t)word;
	return error;
}

/* MSGRCV: of version 0, ptr is where the buffer's address and the type are. */
static int
msgrcv_args(const struct linux32_args *uap, register_t *args)
{
	uint32_t word[2] = { A(4), A(5) };
	int error = 0;

	if (A(0) >> 16 == 0)
		error = copyin(PTR(4), word, sizeof(word));
	args[0] = A(1);
	args[1] = (register_t)word[0];
	args[2] = A(2);
	args[3] = (register_t)word[1];
	args[4] = A(3);
	return error;
}

static int
ipc_shmat(struct lwp *l, const struct linux32_args *uap, register_t *retval)
{
	struct linux_shmat_args args = { .id = (int)A(1), .addr = A(4),
	    .flags = (int)A(2) };
	register_t va;
	int error;

	if (A(0) >> 16 == 1)
		return EINVAL;
	if ((error = linux_sys_shmat(l, &args, &va)) == 0)
		error = ustore_32(PTR(3), (uint32_t)va);
	*retval = 0;
	return error;
}

int
linux32_sys_ipc(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	register_t args[6] = { A(1), A(2), A(3), 0, 0, 0 };
	unsigned int nr;
	int error = 0;

	switch (A(0) & 0xffff) {
	case SEMOP:
	case SEMTIMEDOP: {
		struct linux_semtimedop_args st = { .id = (int)A(1),
		    .sops = PTR(4), .nsops = A(2),
		    .timeout = (A(0) & 0xffff) == SEMOP ? NULL : PTR(5) };

		return linux_sys_semtimedop(l, &st, retval);
	}
	case SEMGET:
		nr = LINUX_SYS32_semget;
		break;
	case SEMCTL:
		nr = LINUX_SYS32_semctl;
		error = semctl_args(uap, args);
		break;
	case MSGSND:
		nr = LINUX_SYS32_msgsnd;
		args[1] = A(4);
		args[2] = A(2);
		args[3] = A(3);
		break;
	case MSGRCV:
		nr = LINUX_SYS32_msgrcv;
		error = msgrcv_args(uap, args);
		break;
	case MSGGET:
		nr = LINUX_SYS32_msgget;
		break;
	case MSGCTL:
	case SHMCTL:
		nr = (A(0) & 0xffff) == MSGCTL ? LINUX_SYS32_msgctl :
		    LINUX_SYS32_shmctl;
		error = command(A(2), &args[1]);
		args[2] = A(4);
		break;
	case SHMAT:
		return ipc_shmat(l, uap, retval);
	case SHMDT:
		nr = LINUX_SYS32_shmdt;
		args[0] = A(4);
		break;
	case SHMGET:
		nr = LINUX_SYS32_shmget;
		break;
	default:
		return ENOSYS;
	}
	if (error != 0 || linux_sysent32[nr].sy_call == NULL)
		return error != 0 ? error : ENOSYS;
	return linux_sysent32[nr].sy_call(l, args, retval);
}
