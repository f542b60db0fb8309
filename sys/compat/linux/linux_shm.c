/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's System V shared memory calls.
 */
#include <sys/errno.h>
#include <sys/sysvshm.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_ipc.h>
#include <compat/linux/linux_syscallargs.h>

#define	SHM_LOCK	11
#define	SHM_UNLOCK	12
#define	SHM_STAT	13
#define	SHM_INFO	14
#define	SHM_STAT_ANY	15

struct linux_shmid_ds {
	struct linux_ipc_perm perm;
	uint64_t	segsz;
	int64_t		atime, dtime, ctime;
	int32_t		cpid, lpid;
	uint64_t	nattch, unused[2];
};
CTASSERT(sizeof(struct linux_shmid_ds) == 112);

struct linux32_shmid_ds {
	struct linux32_ipc_perm perm;
	uint32_t	segsz, atime, atime_high, dtime, dtime_high, ctime,
			ctime_high;
	int32_t		cpid, lpid;
	uint32_t	nattch, unused[2];
};
CTASSERT(sizeof(struct linux32_shmid_ds) == 84);

int
linux_sys_shmget(struct lwp *l, const struct linux_shmget_args *uap,
    register_t *retval)
{
	int id = -1, error;

	error = do_shmget(l, uap->key, uap->size, uap->flags, &id);
	*retval = id;
	return error;
}

int
linux_sys_shmat(struct lwp *l, const struct linux_shmat_args *uap,
    register_t *retval)
{
	vaddr_t va = 0;
	int error = do_shmat(l, uap->id, uap->addr, uap->flags, &va);

	*retval = (register_t)va;
	return error;
}

int
linux_sys_shmdt(struct lwp *l, const struct linux_shmdt_args *uap,
    register_t *retval __unused)
{
	return do_shmdt(l, uap->addr);
}

static void
ds32_from(struct linux32_shmid_ds *ds, const struct shm_info_k *si)
{
	memset(ds, 0, sizeof(*ds));
	linux32_ipc_perm_from(&ds->perm, &si->si_perm);
	ds->segsz = (uint32_t)MIN(si->si_size, (uint64_t)UINT32_MAX);
	ds->atime = (uint32_t)si->si_atime;
	ds->atime_high = (uint32_t)(si->si_atime >> 32);
	ds->dtime = (uint32_t)si->si_dtime;
	ds->dtime_high = (uint32_t)(si->si_dtime >> 32);
	ds->ctime = (uint32_t)si->si_ctime;
	ds->ctime_high = (uint32_t)(si->si_ctime >> 32);
	ds->cpid = si->si_cpid;
	ds->lpid = si->si_lpid;
	ds->nattch = (uint32_t)si->si_nattch;
}

static int
stat_out(struct lwp *l, const struct linux_shmctl_args *uap,
    register_t *retval)
{
	bool by_index = uap->cmd != IPC_STAT;
	struct linux32_shmid_ds ds32;
	struct linux_shmid_ds ds;
	struct shm_info_k si;
	int error;

	error = do_shm_stat(l, uap->id, by_index, uap->cmd == SHM_STAT_ANY,
	    &si);
	if (error != 0)
		return error;
	if (by_index)
		*retval = si.si_perm.ip_id;
	if (linux_is32()) {
		ds32_from(&ds32, &si);
		return copyout(&ds32, uap->buf, sizeof(ds32));
	}
	memset(&ds, 0, sizeof(ds));
	linux_ipc_perm_from(&ds.perm, &si.si_perm);
	ds.segsz = si.si_size;
	ds.atime = si.si_atime;
	ds.dtime = si.si_dtime;
	ds.ctime = si.si_ctime;
	ds.cpid = si.si_cpid;
	ds.lpid = si.si_lpid;
	ds.nattch = si.si_nattch;
	return copyout(&ds, uap->buf, sizeof(ds));
}

/* Longs, to an i386 program 32 bits wide and no larger than they can show. */
static int
longs_out(const uint64_t *v, unsigned int n, void *ubuf)
{
	uint32_t v32[9];

	if (!linux_is32())
		return copyout(v, ubuf, n * sizeof(v[0]));
	for (unsigned int i = 0; i < n; i++)
		v32[i] = (uint32_t)MIN(v[i], (uint64_t)INT32_MAX);
	return copyout(v32, ubuf, n * sizeof(v32[0]));
}

/* struct shminfo64; struct shm_info, whose first member is an int. */
static int
limits_out(const struct linux_shmctl_args *uap, register_t *retval)
{
	uint64_t limits[9] = { SHMMAX, 1, SHMMNI, SHMMNI,
	    SHMMAX / PAGE_SIZE };
	uint64_t now[6] = { 0 };
	unsigned int n, highest;

	shm_totals(&n, &now[1], &highest);
	now[0] = n;
	now[2] = now[1];
	*retval = (register_t)highest;
	return uap->cmd == IPC_INFO ? longs_out(limits, 9, uap->buf) :
	    longs_out(now, 6, uap->buf);
}

int
linux_sys_shmctl(struct lwp *l, const struct linux_shmctl_args *uap,
    register_t *retval)
{
	struct shm_info_k si;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int error;

	switch (uap->cmd) {
	case IPC_RMID:
		return do_shm_remove(l, uap->id);
	case IPC_SET:
		if ((error = linux_ipc_perm_in(uap->buf, &uid, &gid,
		    &mode)) != 0)
			return error;
		return do_shm_set(l, uap->id, uid, gid, mode);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat_out(l, uap, retval);
	case IPC_INFO:
	case SHM_INFO:
		return limits_out(uap, retval);
	case SHM_LOCK:
	case SHM_UNLOCK:
		/* Nothing is ever swapped out. */
		return do_shm_stat(l, uap->id, false, false, &si);
	default:
		return EINVAL;
	}
}
