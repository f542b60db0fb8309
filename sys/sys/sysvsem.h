/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores.  Numbers are Linux's.
 */
#ifndef _SYS_SYSVSEM_H_
#define	_SYS_SYSVSEM_H_

#include <sys/sysvipc.h>

#define	SEM_UNDO	0x1000
#define	SEMVMX		32767		/* highest value */
#define	SEMAEM		32767		/* and adjustment at exit */
#define	SEMOPM_MAX	8192		/* the highest limits that can be set */
#define	SEMSL_MAX	65536

struct sembuf_k {
	uint16_t	sb_num;
	int16_t		sb_op;
	int16_t		sb_flags;	/* IPC_NOWAIT, SEM_UNDO */
};

struct sem_info_k {
	struct ipc_perm_k si_perm;	/* first */
	unsigned int	si_nsems;
	int64_t		si_otime, si_ctime;	/* s */
};

/* [a] Linux's /proc/sys/kernel/sem. */
struct sem_limits {
	unsigned int	sl_nsems;	/* semaphores in a set */
	unsigned int	sl_total;	/* in all */
	unsigned int	sl_nops;	/* operations in a call */
	unsigned int	sl_nsets;
};
extern struct sem_limits sem_limits;

enum sem_what { SEM_VALUE, SEM_PID, SEM_NCNT, SEM_ZCNT };

struct lwp;
struct proc;

void	sysvsem_init(void);
/* EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC. */
int	do_semget(struct lwp *, int key, int nsems, int flags, int *id);
/*
 * All of the operations or none; deadline 0: none.  E2BIG and an empty list
 * are the caller's to refuse.  EAGAIN, EACCES, EFBIG, EIDRM, EINTR, EINVAL,
 * ENOMEM, ERANGE.
 */
int	do_semop(struct lwp *, int id, const struct sembuf_k *,
	    unsigned int nops, nsec_t deadline);
/* EINVAL, EACCES; by_index: id is a place in the table. */
int	do_sem_stat(struct lwp *, int id, bool by_index, bool any,
	    struct sem_info_k *);
int	do_sem_set(struct lwp *, int id, uid_t, gid_t, mode_t);
int	do_sem_remove(struct lwp *, int id);
int	do_sem_get(struct lwp *, int id, int num, enum sem_what, int *value);
/* n values must be what the set has, else EINVAL. */
int	do_sem_getall(struct lwp *, int id, uint16_t *, unsigned int n);
int	do_sem_setval(struct lwp *, int id, int num, int value);
int	do_sem_setall(struct lwp *, int id, const uint16_t *, unsigned int n);
void	sem_totals(unsigned int *nsets, unsigned int *nsems,
	    unsigned int *highest);
/* The process ends, or unshares: what it promised to undo is undone. */
void	sem_exit(struct proc *);

#endif /* !_SYS_SYSVSEM_H_ */
