/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT on damaged disks.  The input is a number of an image and patches.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/env_damage.c regress/sys/fs/msdos/env_msdos.c
 * sys/fs/msdos/msdos_dir.c sys/fs/msdos/msdos_fat.c
 * sys/fs/msdos/msdos_name.c sys/fs/msdos/msdos_node.c
 * sys/fs/msdos/msdos_vfsops.c sys/fs/msdos/msdos_vnops.c
 * sys/kern/vfs_diskfs.c sys/kern/vfs_options.c sys/kern/vfs_vntable.c
 * sys/kern/vfs_bio.c sys/kern/subr_uio.c
 * sys/lib/utf16.c */
#include <sys/systm.h>
#include <fs/msdos/msdos.h>
#include <ktest.h>

#include "../env.h"
#include "../env_damage.h"
#include "images.h"

#define	IMAGES		3

int	fuzz_one(const uint8_t *, size_t);

int
fuzz_one(const uint8_t *data, size_t size)
{
	static bool made[IMAGES];
	unsigned int i;

	if (size < 6)
		return 0;
	i = data[0] % IMAGES;
	if (!made[i]) {
		make_filled(i);
		damage_keep(i);
		made[i] = true;
	}
	damage_restore(i);
	damage_patch(i, data + 1, size - 1);
	damage_use((data[0] & 8) != 0 ? MS_RDONLY : 0, "");
	return 0;
}
