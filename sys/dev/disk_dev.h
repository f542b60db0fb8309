/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files about disks in sys/dev share.
 */
#ifndef _DEV_DISK_DEV_H_
#define	_DEV_DISK_DEV_H_

#include <sys/disk.h>

/* disk_ioctl.c: BLK*, HDIO_GETGEO; then the driver's own.  ENOTTY. */
int	disk_ioctl(struct disk *, struct file *, unsigned long cmd,
	    uintptr_t uarg, register_t *retval);

/* disk_part.c's parser on a disk. */
int	disk_read_parts(struct disk *, struct disk_part *, unsigned int max,
	    unsigned int *n);

/* Drivers without hardware, at boot. */
void	ram_init(void);
void	loop_init(void);

#endif /* !_DEV_DISK_DEV_H_ */
