/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kern/subr_bio.c does for kern/subr_disk.c.
 */
#ifndef _KERN_DISK_IMPL_H_
#define	_KERN_DISK_IMPL_H_

#include <sys/disk.h>

/* ENOMEM.  Thread context. */
int	disk_queue_init(struct disk_queue *, struct disk *, unsigned int index,
	    unsigned int depth);
void	disk_queue_fini(struct disk_queue *);	/* nothing is in it */
/* The disk is DISK_GONE: fail what no driver has.  No lock held. */
void	disk_queue_abort(struct disk_queue *);

#endif /* !_KERN_DISK_IMPL_H_ */
