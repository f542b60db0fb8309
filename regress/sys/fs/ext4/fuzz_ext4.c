/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 on damaged disks.  The input is a number of an image and patches to it:
 * which spot, where in it, and what goes there.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/ext4/env_ext4.c sys/kern/vfs_diskfs.c
 * regress/sys/fs/ext4/damage.c
 * sys/fs/ext4/ext4_acl.c sys/fs/ext4/ext4_attr.c sys/fs/ext4/ext4_balloc.c
 * sys/fs/ext4/ext4_data.c sys/fs/ext4/ext4_dir.c sys/fs/ext4/ext4_extent.c
 * sys/fs/ext4/ext4_hash.c sys/fs/ext4/ext4_htree.c sys/fs/ext4/ext4_ialloc.c
 * sys/fs/ext4/ext4_ind.c sys/fs/ext4/ext4_inode.c
 * sys/fs/ext4/ext4_journal.c sys/fs/ext4/ext4_map.c
 * sys/fs/ext4/ext4_orphan.c sys/fs/ext4/ext4_recover.c
 * sys/fs/ext4/ext4_super.c sys/fs/ext4/ext4_vfsops.c
 * sys/fs/ext4/ext4_vnops.c sys/fs/ext4/ext4_xattr.c sys/kern/vfs_bio.c
 * sys/kern/subr_uio.c */
#include <sys/systm.h>
#include <host.h>
#include <ktest.h>

#include "damage.h"
#include "env.h"

int	fuzz_one(const uint8_t *, size_t);

int
fuzz_one(const uint8_t *data, size_t size)
{
	unsigned int image, n;
	size_t off;

	if (size < 6)
		return 0;
	image = data[0] % DAMAGE_IMAGES;
	damage_load(image);
	for (data += 2, size -= 2; size >= 5; data += 4 + n, size -= 4 + n) {
		off = damage_spot(image, (uint32_t)data[0] << 8 | data[1]) +
		    (size_t)(data[2] & 1) * 256 + data[3];
		n = 1 + (data[2] >> 1) % 16;
		n = (unsigned int)MIN(n, size - 4);
		n = (unsigned int)MIN(n, disk_size() - off);
		memcpy(disk_bytes() + off, data + 4, n);
	}
	damage_use((data[-1] & 1) != 0);
	return 0;
}
