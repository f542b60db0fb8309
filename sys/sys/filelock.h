/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which locks on files there are, for /proc/locks.  What makes them is in
 * <sys/file.h>.
 */
#ifndef _SYS_FILELOCK_H_
#define	_SYS_FILELOCK_H_

#include <sys/types.h>

enum lock_class { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK };
struct lock_info {
	unsigned int	li_id;
	bool		li_waits;	/* for the one before it with this id */
	enum lock_class	li_class;
	short		li_type;
	pid_t		li_pid;		/* -1: an open file's */
	dev_t		li_dev;
	ino_t		li_ino;
	off_t		li_start, li_end;	/* both in it */
};
/* All there are, and who waits for them; out() takes no lock on files. */
void	lock_list(void (*out)(void *, const struct lock_info *), void *);

#endif /* !_SYS_FILELOCK_H_ */
