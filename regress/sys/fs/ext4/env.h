/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of ext4.
 */
#ifndef _EXT4_ENV_H_
#define	_EXT4_ENV_H_

#include "../env.h"

/* A disk of that size, made by mke2fs with those arguments (size in KiB). */
void	disk_make(unsigned int kib, const char *mke2fs_args);
/* e2fsck's exit status; -p changes the disk. */
int	disk_fsck(const char *args);

#endif /* !_EXT4_ENV_H_ */
