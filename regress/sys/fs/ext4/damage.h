/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Use a damaged file system in every way there is; results do not matter.
 */
#ifndef _EXT4_DAMAGE_H_
#define	_EXT4_DAMAGE_H_

/* Images with all kinds of structures, small. */
#define	DAMAGE_IMAGES	4
/* The disk becomes a fresh copy of one, which is made the first time. */
void	damage_load(unsigned int);
/* Offsets of blocks with structures, to hit them often. */
size_t	damage_spot(unsigned int image, uint32_t n);
void	damage_use(bool readonly);

#endif /* !_EXT4_DAMAGE_H_ */
