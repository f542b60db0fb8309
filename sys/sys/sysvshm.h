/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory.  Numbers are Linux's.
 */
#ifndef _SYS_SYSVSHM_H_
#define	_SYS_SYSVSHM_H_

#include <sys/sysvipc.h>

#define	SHM_HUGETLB	04000
#define	SHM_RDONLY	010000
#define	SHM_RND		020000
#define	SHM_REMAP	040000
#define	SHM_EXEC	0100000
#define	SHMMNI		4096		/* segments */
#define	SHMMAX		((uint64_t)1 << 46)	/* bytes of one */

struct shm_info_k {
	struct ipc_perm_k si_perm;	/* first */
	uint64_t	si_size, si_nattch;
	int64_t		si_atime, si_dtime, si_ctime;	/* s */
	pid_t		si_cpid, si_lpid;
};

struct lwp;

void	sysvshm_init(void);
/* EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC. */
int	do_shmget(struct lwp *, int key, uint64_t size, int flags, int *id);
int	do_shmat(struct lwp *, int id, vaddr_t, int flags, vaddr_t *va);
int	do_shmdt(struct lwp *, vaddr_t);
/* EINVAL, EACCES, EPERM; by_index: id is a place in the table. */
int	do_shm_stat(struct lwp *, int id, bool by_index, bool any,
	    struct shm_info_k *);
int	do_shm_set(struct lwp *, int id, uid_t, gid_t, mode_t);
int	do_shm_remove(struct lwp *, int id);
/* How many there are, their pages, and the highest place in use. */
void	shm_totals(unsigned int *n, uint64_t *pages, unsigned int *highest);

#endif /* !_SYS_SYSVSHM_H_ */
