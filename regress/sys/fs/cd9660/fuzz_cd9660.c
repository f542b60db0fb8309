/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660 on damaged CDs.  The input is a number of an image and patches.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/env_damage.c regress/sys/fs/cd9660/env_cd9660.c
 * sys/fs/cd9660/cd9660_node.c sys/fs/cd9660/cd9660_rrip.c
 * sys/fs/cd9660/cd9660_vfsops.c sys/fs/cd9660/cd9660_vnops.c
 * sys/kern/vfs_diskfs.c sys/kern/vfs_options.c sys/kern/vfs_vntable.c
 * sys/kern/vfs_bio.c sys/kern/subr_uio.c
 * sys/lib/utf16.c */
#include <sys/systm.h>
#include <fs/cd9660/cd9660.h>
#include <ktest.h>

#include "../env.h"
#include "../env_damage.h"
#include "images.h"

int	fuzz_one(const uint8_t *, size_t);

int
fuzz_one(const uint8_t *data, size_t size)
{
	static const char *const images[] = {
		CD_GENISO("-R"), CD_GENISO("-J"), CD_XORRISO("-R"),
	};
	static bool made[__arraycount(images)];
	unsigned int i;

	if (size < 6)
		return 0;
	i = data[0] % __arraycount(images);
	if (!made[i]) {
		disk_blank(1);
		CHECK_EQ(disk_command(images[i]), 0);
		damage_keep(i);
		made[i] = true;
	}
	damage_restore(i);
	damage_patch(i, data + 1, size - 1);
	damage_use(MS_RDONLY, "");
	return 0;
}
