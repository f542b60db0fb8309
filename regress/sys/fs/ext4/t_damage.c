/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 on damaged disks: whatever is on them, nothing breaks and all ends.
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
/* variants: gcc64 clang32 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <host.h>
#include <ktest.h>

#include "damage.h"
#include "env.h"

#define	ROUNDS	60

static void
hit(unsigned int image)
{
	unsigned int hits = 1 + rnd(6), i, k, len;
	size_t off;

	for (i = 0; i < hits; i++) {
		off = damage_spot(image, rnd(1U << 20)) + rnd(512);
		len = rnd(3) == 0 ? 1 + rnd(64) : 1 + rnd(4);
		for (k = 0; k < len && off + k < disk_size(); k++)
			disk_bytes()[off + k] = (char)(rnd(3) == 0 ? 0xff :
			    rnd(2) == 0 ? rnd(256) :
			    (unsigned char)disk_bytes()[off + k] ^ 1U <<
			    rnd(8));
	}
}

static void
rounds(unsigned int image, bool readonly)
{
	unsigned int i;

	rnd_seed(image * 2 + (readonly ? 1 : 0));
	for (i = 0; i < ROUNDS; i++) {
		damage_load(image);
		hit(image);
		damage_use(readonly);
		CHECK_EQ(kmem_outstanding(), 0);
	}
}

TEST(extents)
{
	rounds(0, false);
}

TEST(inline_data)
{
	rounds(1, false);
}

TEST(indirect_blocks)
{
	rounds(2, false);
}

TEST(with_checksums)
{
	rounds(3, false);
}

TEST(only_reading)
{
	unsigned int i;

	for (i = 0; i < DAMAGE_IMAGES; i++)
		rounds(i, true);
}
