/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What System V shared memory, semaphores and message queues have in common:
 * keys, ids, rights.  Numbers are Linux's.
 */
#ifndef _SYS_SYSVIPC_H_
#define	_SYS_SYSVIPC_H_

#include <sys/mutex.h>
#include <sys/types.h>

#define	IPC_PRIVATE	0
#define	IPC_CREAT	01000
#define	IPC_EXCL	02000
#define	IPC_NOWAIT	04000

#define	IPC_OBJECTS_MAX	32768		/* of a kind */

#define	IPC_READ	04
#define	IPC_WRITE	02

struct ipc_perm_k {
	int		ip_id, ip_key;
	uid_t		ip_uid, ip_cuid;
	gid_t		ip_gid, ip_cgid;
	mode_t		ip_mode;
	unsigned int	ip_seq;
};

struct lwp;

/* All objects of one kind.  The owner's lock guards it and the objects. */
struct ipc_table {
	struct ipc_perm_k **it_slots;	/* first member of each object */
	unsigned int	it_nslots;	/* places there are now */
	unsigned int	it_used;
	unsigned int	it_seq;
};

/* Find by id; NULL. */
struct ipc_perm_k *ipc_find(const struct ipc_table *, int id);
/* By place, from 0 on; NULL: nobody is there, or no such place. */
struct ipc_perm_k *ipc_at(const struct ipc_table *, unsigned int place);
/* The highest place in use; 0 if there is none. */
unsigned int ipc_highest(const struct ipc_table *);
/*
 * What key and flags of a *get() call mean: *found is an object the caller may
 * use, or NULL: make one.  EEXIST, ENOENT, EACCES.
 */
int	ipc_open(struct lwp *, const struct ipc_table *, int key, int flags,
	    struct ipc_perm_k **found);
/* Give a new object its place, owner and id, one of at most max: ENOSPC. */
int	ipc_enter(struct lwp *, struct ipc_table *, struct ipc_perm_k *,
	    int key, int flags, unsigned int max);
void	ipc_leave(struct ipc_table *, const struct ipc_perm_k *);
/* May the caller read, write?  EACCES. */
int	ipc_access(struct lwp *, const struct ipc_perm_k *, mode_t want);
/* May the caller change or remove it?  EPERM. */
int	ipc_owner(struct lwp *, const struct ipc_perm_k *);
/* IPC_SET: EPERM. */
int	ipc_set(struct lwp *, struct ipc_perm_k *, uid_t, gid_t, mode_t);
int64_t	ipc_now(void);			/* s, for the times they show */

#endif /* !_SYS_SYSVIPC_H_ */
