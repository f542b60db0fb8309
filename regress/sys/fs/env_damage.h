/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged disks for any file system: what is on the disk now is kept, hit at
 * random where it is not all zeros, and used.
 */
#ifndef _FS_ENV_DAMAGE_H_
#define	_FS_ENV_DAMAGE_H_

#include <stddef.h>
#include <stdint.h>

/* Keep the disk as it is, as image n, of at most 8. */
void	damage_keep(unsigned int n);
/* The disk is image n again. */
void	damage_restore(unsigned int n);
/* Change a few bytes at random (rnd()). */
void	damage_hit(unsigned int n);
/* Apply patches: 4 bytes say where, and how many bytes follow. */
void	damage_patch(unsigned int n, const uint8_t *, size_t);
/* Mount, look at all there is, and (write) change it; unmount. */
void	damage_use(unsigned int mntflags, const char *options);

#endif /* !_FS_ENV_DAMAGE_H_ */
