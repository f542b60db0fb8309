/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: inode numbers.
 *
 * Overview: files go to the group of their directory, so that names and inodes
 * are near; directories of the root go to groups with room, others near their
 * parent.  In a group the lowest free number is taken: the end of the table
 * that was never used (eg_itunused) then stays one piece, which e2fsck counts
 * on.
 *
 * Locking: eg_lock.
 */
#include <sys/errno.h>
#include <fs/ext4/ext4.h>

static bool
ibitmap_csum_ok(struct ext4_mount *em, uint32_t g, const struct buf *bp)
{
	const struct ext4_gd *gd = ext4_gd(em, g, NULL);

	return ext4_bitmap_csum_ok(em, bp, em->em_ipg, &gd->bg_inode_csum_lo,
	    &gd->bg_inode_csum_hi);
}

/* The inode bitmap of a group, verified or made up; eg_lock held. */
static int
ibitmap(struct ext4_mount *em, uint32_t g, struct buf **bpp)
{
	struct ext4_group *eg = &em->em_groups[g];
	bool uninit = (eg->eg_flags & EXT4_BG_INODE_UNINIT) != 0, bad = false;
	struct buf *bp;
	int error;

	error = uninit ? bgetblk(em->em_bc, eg->eg_ibitmap, &bp) :
	    bread(em->em_bc, eg->eg_ibitmap, &bp);
	if (error != 0)
		return error;
	if ((bp->b_flags & B_CHECKED) == 0) {
		if (uninit) {
			memset(bp->b_data, 0, em->em_bsize);
			memset(bp->b_data + em->em_ipg / 8, 0xff,
			    em->em_bsize - em->em_ipg / 8);
			bvalid(bp);
		} else {
			bad = !ibitmap_csum_ok(em, g, bp);
		}
		if (bad || em->em_ipg - bit_count((void *)bp->b_data,
		    em->em_ipg) != eg->eg_ifree) {
			brelse(bp);
			return ext4_error(em, 0, "inode bitmap of group %u "
			    "is wrong", g);
		}
		bchecked(bp);
	}
	*bpp = bp;
	return 0;
}

static int
ibitmap_access(struct ext4_handle *h, uint32_t g, struct buf **bpp)
{
	int error;

	error = ibitmap(h->h_em, g, bpp);
	return error != 0 ? error : ext4_bitmap_access(h, g, *bpp);
}

static int
ibitmap_changed(struct ext4_handle *h, uint32_t g, const struct buf *bp)
{
	struct ext4_mount *em = h->h_em;
	struct ext4_gd *gd = ext4_gd(em, g, NULL);

	ext4_bitmap_csum_set(em, bp, em->em_ipg, &gd->bg_inode_csum_lo,
	    &gd->bg_inode_csum_hi);
	return ext4_gd_update(h, g);
}

static int
alloc_in(struct ext4_handle *h, uint32_t g, bool isdir, uint32_t *ino)
{
	struct ext4_mount *em = h->h_em;
	struct ext4_group *eg = &em->em_groups[g];
	size_t from = g == 0 ? em->em_sb.s_first_ino - 1 : 0, bit;
	struct buf *bp;
	int error;

	if (eg->eg_ifree == 0)
		return ENOSPC;
	mutex_enter(&eg->eg_lock);
	error = ibitmap(em, g, &bp);
	if (error != 0)
		goto out;
	bit = bit_find_clear((void *)bp->b_data, em->em_ipg,
	    MIN(from, em->em_ipg));
	brelse(bp);
	if (bit >= em->em_ipg) {
		error = ENOSPC;
		goto out;
	}
	error = ibitmap_access(h, g, &bp);
	if (error != 0)
		goto out;
	bit_set((void *)bp->b_data, bit);
	eg->eg_ifree--;
	(void)atomic_sub(&em->em_ifree, 1);
	if (isdir) {
		eg->eg_dirs++;
		(void)atomic_add(&em->em_dirs, 1);
	}
	eg->eg_flags &= (uint16_t)~EXT4_BG_INODE_UNINIT;
	if (bit >= em->em_ipg - eg->eg_itunused)
		eg->eg_itunused = em->em_ipg - (uint32_t)bit - 1;
	error = ibitmap_changed(h, g, bp);
	brelse(bp);
	*ino = g * em->em_ipg + (uint32_t)bit + 1;
out:
	mutex_exit(&eg->eg_lock);
	return error;
}

/* Where a directory of the root should start to look: room all around. */
static uint32_t
spread(struct ext4_mount *em)
{
	uint64_t ifree = em->em_ifree / em->em_ngroups;
	uint64_t bfree = em->em_bavail / em->em_ngroups;
	uint32_t g = atomic_add(&em->em_dirgroup, 1), i;

	for (i = 0; i < em->em_ngroups; i++, g++)
		if (em->em_groups[g % em->em_ngroups].eg_ifree >= ifree &&
		    em->em_groups[g % em->em_ngroups].eg_bfree >= bfree)
			break;
	return g % em->em_ngroups;
}

/* ENOSPC; dir: where its first name will be. */
int
ext4_ialloc(struct ext4_handle *h, struct ext4_inode *dir, mode_t mode,
    uint32_t *ino)
{
	struct ext4_mount *em = h->h_em;
	uint32_t g, i;
	int error = ENOSPC;

	g = (dir->ei_ino - 1) / em->em_ipg;
	if (S_ISDIR(mode) && (dir->ei_ino == EXT4_ROOT_INO ||
	    (dir->ei_flags & EXT4_FL_TOPDIR) != 0))
		g = spread(em);
	for (i = 0; i < em->em_ngroups && error == ENOSPC; i++)
		error = alloc_in(h, (g + i) % em->em_ngroups, S_ISDIR(mode),
		    ino);
	return error;
}

int
ext4_ifree(struct ext4_handle *h, uint32_t ino, bool isdir)
{
	struct ext4_mount *em = h->h_em;
	uint32_t g = (ino - 1) / em->em_ipg, bit = (ino - 1) % em->em_ipg;
	struct ext4_group *eg = &em->em_groups[g];
	struct buf *bp;
	int error;

	if (ino < em->em_sb.s_first_ino)
		return ext4_error(em, ino, "a reserved inode is freed");
	mutex_enter(&eg->eg_lock);
	error = ibitmap_access(h, g, &bp);
	if (error == 0 && !bit_test((void *)bp->b_data, bit)) {
		error = ext4_error(em, ino, "freed again");
		brelse(bp);
	} else if (error == 0) {
		bit_clear((void *)bp->b_data, bit);
		eg->eg_ifree++;
		(void)atomic_add(&em->em_ifree, 1);
		if (isdir && eg->eg_dirs > 0) {
			eg->eg_dirs--;
			(void)atomic_sub(&em->em_dirs, 1);
		}
		error = ibitmap_changed(h, g, bp);
		brelse(bp);
	}
	mutex_exit(&eg->eg_lock);
	return error;
}

int
ext4_iused(struct ext4_mount *em, uint32_t ino, bool *used)
{
	uint32_t g = (ino - 1) / em->em_ipg;
	struct ext4_group *eg;
	struct buf *bp;
	int error;

	*used = false;
	if (ino == 0 || ino > em->em_sb.s_inodes_count)
		return 0;
	eg = &em->em_groups[g];
	mutex_enter(&eg->eg_lock);
	error = ibitmap(em, g, &bp);
	if (error == 0) {
		*used = bit_test((void *)bp->b_data, (ino - 1) % em->em_ipg);
		brelse(bp);
	}
	mutex_exit(&eg->eg_lock);
	return error;
}
