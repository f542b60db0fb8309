/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's System V semaphore calls.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/sysvsem.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_ipc.h>
#include <compat/linux/linux_syscallargs.h>

#define	GETPID		11
#define	GETVAL		12
#define	GETALL		13
#define	GETNCNT		14
#define	GETZCNT		15
#define	SETVAL		16
#define	SETALL		17
#define	SEM_STAT	18
#define	SEM_INFO	19
#define	SEM_STAT_ANY	20

#define	FEW_OPS		16		/* on the stack */

CTASSERT(sizeof(struct sembuf_k) == 6);	/* and Linux's struct sembuf */

struct linux_semid_ds {
	struct linux_ipc_perm perm;
	int64_t		otime;
	uint64_t	unused1;
	int64_t		ctime;
	uint64_t	unused2, nsems, unused3[2];
};
CTASSERT(sizeof(struct linux_semid_ds) == 104);

struct linux32_semid_ds {
	struct linux32_ipc_perm perm;
	uint32_t	otime, otime_high, ctime, ctime_high, nsems, unused[2];
};
CTASSERT(sizeof(struct linux32_semid_ds) == 64);

struct linux_seminfo {
	int32_t		semmap, semmni, semmns, semmnu, semmsl, semopm, semume,
			semusz, semvmx, semaem;
};

int
linux_sys_semget(struct lwp *l, const struct linux_semget_args *uap,
    register_t *retval)
{
	int id = -1, error;

	error = do_semget(l, uap->key, uap->nsems, uap->flags, &id);
	*retval = id;
	return error;
}

static int
semop_common(struct lwp *l, int id, const struct sembuf_k *uops, size_t n,
    nsec_t deadline)
{
	struct sembuf_k few[FEW_OPS], *ops = few;
	int error;

	if (n == 0 || id < 0)
		return EINVAL;
	if (n > atomic_load_relaxed(&sem_limits.sl_nops))
		return E2BIG;
	if (n > FEW_OPS &&
	    (ops = kmem_alloc(n * sizeof(*ops), KM_SLEEP)) == NULL)
		return ENOMEM;
	if ((error = copyin(uops, ops, n * sizeof(*ops))) == 0)
		error = do_semop(l, id, ops, (unsigned int)n, deadline);
	if (ops != few)
		kmem_free(ops, n * sizeof(*ops));
	return error;
}

int
linux_sys_semop(struct lwp *l, const struct linux_semop_args *uap,
    register_t *retval __unused)
{
	return semop_common(l, uap->id, (const void *)uap->sops,
	    (unsigned int)uap->nsops, 0);
}

int
linux_sys_semtimedop(struct lwp *l, const struct linux_semtimedop_args *uap,
    register_t *retval __unused)
{
	nsec_t span, deadline = 0;
	int error;

	if (uap->timeout != NULL) {
		if ((error = linux_timespec_in(uap->timeout, &span)) != 0)
			return error;
		deadline = nanouptime() + span;
	}
	return semop_common(l, uap->id, (const void *)uap->sops, uap->nsops,
	    deadline);
}

static int
stat_out(struct lwp *l, const struct linux_semctl_args *uap,
    register_t *retval)
{
	bool by_index = uap->cmd != IPC_STAT;
	void *ubuf = (void *)uap->arg;
	struct linux32_semid_ds ds32;
	struct linux_semid_ds ds;
	struct sem_info_k si;
	int error;

	error = do_sem_stat(l, uap->id, by_index, uap->cmd == SEM_STAT_ANY,
	    &si);
	if (error != 0)
		return error;
	if (by_index)
		*retval = si.si_perm.ip_id;
	if (linux_is32()) {
		memset(&ds32, 0, sizeof(ds32));
		linux32_ipc_perm_from(&ds32.perm, &si.si_perm);
		ds32.otime = (uint32_t)si.si_otime;
		ds32.otime_high = (uint32_t)(si.si_otime >> 32);
		ds32.ctime = (uint32_t)si.si_ctime;
		ds32.ctime_high = (uint32_t)(si.si_ctime >> 32);
		ds32.nsems = si.si_nsems;
		return copyout(&ds32, ubuf, sizeof(ds32));
	}
	memset(&ds, 0, sizeof(ds));
	linux_ipc_perm_from(&ds.perm, &si.si_perm);
	ds.otime = si.si_otime;
	ds.ctime = si.si_ctime;
	ds.nsems = si.si_nsems;
	return copyout(&ds, ubuf, sizeof(ds));
}

static int
info_out(const struct linux_semctl_args *uap, register_t *retval)
{
	unsigned int nsets, nsems, highest;
	int32_t total = (int32_t)MIN(sem_limits.sl_total, INT32_MAX);
	int32_t nops = (int32_t)sem_limits.sl_nops;
	struct linux_seminfo info = {
		.semmap = total, .semmni = (int32_t)sem_limits.sl_nsets,
		.semmns = total, .semmnu = total,
		.semmsl = (int32_t)sem_limits.sl_nsems, .semopm = nops,
		.semume = nops, .semusz = 20, .semvmx = SEMVMX,
		.semaem = SEMAEM,
	};

	sem_totals(&nsets, &nsems, &highest);
	if (uap->cmd == SEM_INFO) {
		info.semusz = (int32_t)nsets;
		info.semaem = (int32_t)nsems;
	}
	*retval = (register_t)highest;
	return copyout(&info, (void *)uap->arg, sizeof(info));
}

/* GETALL, SETALL. */
static int
all_values(struct lwp *l, const struct linux_semctl_args *uap)
{
	struct sem_info_k si;
	uint16_t *values;
	size_t size;
	int error;

	/* How many: the rights are looked at below. */
	if ((error = do_sem_stat(l, uap->id, false, true, &si)) != 0)
		return error;
	size = si.si_nsems * sizeof(values[0]);
	if ((values = kmem_alloc(size, KM_SLEEP)) == NULL)
		return ENOMEM;
	if (uap->cmd == GETALL) {
		error = do_sem_getall(l, uap->id, values, si.si_nsems);
		if (error == 0)
			error = copyout(values, (void *)uap->arg, size);
	} else if ((error = copyin((void *)uap->arg, values, size)) == 0) {
		error = do_sem_setall(l, uap->id, values, si.si_nsems);
	}
	kmem_free(values, size);
	return error;
}

static int
value_out(struct lwp *l, const struct linux_semctl_args *uap,
    register_t *retval)
{
	enum sem_what what = uap->cmd == GETVAL ? SEM_VALUE :
	    uap->cmd == GETPID ? SEM_PID :
	    uap->cmd == GETNCNT ? SEM_NCNT : SEM_ZCNT;
	int value = 0;
	int error = do_sem_get(l, uap->id, uap->num, what, &value);

	*retval = value;
	return error;
}

int
linux_sys_semctl(struct lwp *l, const struct linux_semctl_args *uap,
    register_t *retval)
{
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int error;

	switch (uap->cmd) {
	case IPC_RMID:
		return do_sem_remove(l, uap->id);
	case IPC_SET:
		if ((error = linux_ipc_perm_in((void *)uap->arg, &uid, &gid,
		    &mode)) != 0)
			return error;
		return do_sem_set(l, uap->id, uid, gid, mode);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat_out(l, uap, retval);
	case IPC_INFO:
	case SEM_INFO:
		return info_out(uap, retval);
	case GETALL:
	case SETALL:
		return all_values(l, uap);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return value_out(l, uap, retval);
	case SETVAL:
		return do_sem_setval(l, uap->id, uap->num, (int)uap->arg);
	default:
		return EINVAL;
	}
}
