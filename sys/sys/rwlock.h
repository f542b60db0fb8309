/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping reader/writer lock.  Thread context only.  Writers are preferred:
 * a waiting writer keeps new readers out.  Not recursive, in neither mode.
 */
#ifndef _SYS_RWLOCK_H_
#define	_SYS_RWLOCK_H_

#include <sys/mutex.h>

enum rw_mode { RW_READER, RW_WRITER };

struct rwlock {
	struct spinlock	rw_lock;	/* guards the members */
	struct lwp	*rw_writer;
	unsigned int	rw_readers;
	unsigned int	rw_wwaiting;	/* writers waiting */
	struct sleepq	rw_rqueue, rw_wqueue;
	const char	*rw_name;
};

void	rw_init(struct rwlock *, const char *name);
void	rw_destroy(struct rwlock *);
void	rw_enter(struct rwlock *, enum rw_mode);
bool	rw_tryenter(struct rwlock *, enum rw_mode);
void	rw_exit(struct rwlock *);
void	rw_downgrade(struct rwlock *);
bool	rw_write_held(const struct rwlock *);
bool	rw_lock_held(const struct rwlock *);

#endif /* !_SYS_RWLOCK_H_ */
