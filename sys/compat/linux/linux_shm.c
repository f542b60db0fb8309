/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's System V shared memory calls.
 */
#include <sys/errno.h>
#include <sys/sysvshm.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	IPC_RMID	0
#define	IPC_SET		1
#define	IPC_STAT	2
#define	IPC_INFO	3
#define	SHM_LOCK	11
#define	SHM_UNLOCK	12
#define	SHM_STAT	13
#define	SHM_INFO	14
#define	SHM_STAT_ANY	15

struct linux_shmid_ds {
	int32_t		key;
	uint32_t	uid, gid, cuid, cgid, mode;
	uint16_t	seq, pad;
	uint32_t	pad2;
	uint64_t	unused[2];
	uint64_t	segsz;
	int64_t		atime, dtime, ctime;
	int32_t		cpid, lpid;
	uint64_t	nattch, unused2[2];
};
CTASSERT(sizeof(struct linux_shmid_ds) == 112);

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

static int
stat_out(struct lwp *l, const struct linux_shmctl_args *uap,
    register_t *retval)
{
	bool by_index = uap->cmd != IPC_STAT;
	struct linux_shmid_ds ds;
	struct shm_info_k si;
	int error;

	error = do_shm_stat(l, uap->id, by_index, uap->cmd == SHM_STAT_ANY,
	    &si);
	if (error != 0)
		return error;
	memset(&ds, 0, sizeof(ds));
	ds.key = si.si_key;
	ds.uid = si.si_uid;
	ds.gid = si.si_gid;
	ds.cuid = si.si_cuid;
	ds.cgid = si.si_cgid;
	ds.mode = si.si_mode;
	ds.seq = (uint16_t)si.si_seq;
	ds.segsz = si.si_size;
	ds.atime = si.si_atime;
	ds.dtime = si.si_dtime;
	ds.ctime = si.si_ctime;
	ds.cpid = si.si_cpid;
	ds.lpid = si.si_lpid;
	ds.nattch = si.si_nattch;
	if (by_index)
		*retval = si.si_id;
	return copyout(&ds, uap->buf, sizeof(ds));
}

/* struct shminfo64, struct shm_info. */
static int
limits_out(const struct linux_shmctl_args *uap, register_t *retval)
{
	uint64_t info[9] = { SHMMAX, 1, SHMMNI, SHMMNI,
	    SHMMAX / PAGE_SIZE };
	struct { int32_t n, pad; uint64_t tot, rss, swp, a, b; } now;
	unsigned int n, highest;
	uint64_t pages;

	shm_totals(&n, &pages, &highest);
	*retval = (register_t)highest;
	if (uap->cmd == IPC_INFO)
		return copyout(info, uap->buf, sizeof(info));
	memset(&now, 0, sizeof(now));
	now.n = (int32_t)n;
	now.tot = now.rss = pages;
	return copyout(&now, uap->buf, sizeof(now));
}

int
linux_sys_shmctl(struct lwp *l, const struct linux_shmctl_args *uap,
    register_t *retval)
{
	struct linux_shmid_ds ds;
	struct shm_info_k si;
	int error;

	switch (uap->cmd) {
	case IPC_RMID:
		return do_shm_remove(l, uap->id);
	case IPC_SET:
		if ((error = copyin(uap->buf, &ds, sizeof(ds))) != 0)
			return error;
		return do_shm_set(l, uap->id, ds.uid, ds.gid, ds.mode);
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
