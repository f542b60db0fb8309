/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sysfs share.
 */
#ifndef _FS_SYSFS_H_
#define	_FS_SYSFS_H_

#include <fs/procfs/procfs.h>

#define	SYSFS_FILE(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444, \
	    .pe_fill = (fill) }
#define	SYSFS_DIR(n, d)		{ .pe_name = (n), .pe_mode = S_IFDIR | 0555, \
	    .pe_dir = (d) }
#define	SYSFS_DYN(n, d)		{ .pe_name = (n), .pe_mode = S_IFDIR | 0555, \
	    .pe_numbered = (d) }

/*
 * Disks (sysfs_block.c): /sys/block and /sys/class/block, /sys/dev/block, the
 * buses in /sys/devices, /sys/devices/virtual/block.
 */
extern const struct pfs_numbered sysfs_block_dyn, sysfs_class_block_dyn,
    sysfs_dev_block_dyn, sysfs_bus_dyn, sysfs_virtual_block_dyn;

#endif /* !_FS_SYSFS_H_ */
