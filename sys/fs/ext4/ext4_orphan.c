/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: orphans: files whose last name is gone but which are in use, and files
 * that are being cut.
 *
 * Overview: they are on a list that begins in the superblock and goes on in the
 * inodes' i_dtime.  After a crash the list says what to finish.  File systems
 * with an orphan file have a second place for the same, which other systems
 * prefer; it is read at mount, and new orphans go on the list.
 *
 * Locking: em_orphan_lock.
 */
#include <sys/errno.h>
#include <fs/ext4/ext4.h>

static struct ext4_sb *
sb_of(struct ext4_mount *em)
{
	return (void *)(em->em_sbbuf->b_data + em->em_sboff);
}

static int
set_head(struct ext4_handle *h, uint32_t ino)
{
	struct ext4_mount *em = h->h_em;
	int error;

	error = ext4_jwrite(h, em->em_sbbuf);
	if (error != 0)
		return error;
	mutex_enter(&em->em_sb_lock);
	sb_of(em)->s_last_orphan = ino;
	ext4_sb_csum_set(em, sb_of(em));
	mutex_exit(&em->em_sb_lock);
	return 0;
}

int
ext4_orphan_add(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_mount *em = h->h_em;
	uint32_t old;
	int error = 0;

	if (em->em_jinode == NULL)	/* e2fsck finds them without a list */
		return 0;
	mutex_enter(&em->em_orphan_lock);
	if (!ei->ei_onorphan) {
		old = sb_of(em)->s_last_orphan;
		error = set_head(h, ei->ei_ino);
		if (error == 0) {
			ei->ei_dtime = old;
			error = ext4_iwrite(h, ei);
		}
		if (error == 0) {
			ei->ei_onorphan = true;
			LIST_INSERT_HEAD(&em->em_orphans, ei, ei_orphan);
		}
	}
	mutex_exit(&em->em_orphan_lock);
	return error;
}

/* ei is on the list; its own inode is the caller's to write. */
static int
unlink_orphan(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_mount *em = h->h_em;
	struct ext4_inode *p;
	int error;

	if (LIST_FIRST(&em->em_orphans) == ei) {
		error = set_head(h, ei->ei_dtime);
	} else {
		LIST_FOREACH(p, &em->em_orphans, ei_orphan)
			if (LIST_NEXT(p, ei_orphan) == ei)
				break;
		KASSERT(p != NULL);
		p->ei_dtime = ei->ei_dtime;
		error = ext4_iwrite(h, p);
	}
	if (error == 0) {
		LIST_REMOVE(ei, ei_orphan);
		ei->ei_onorphan = false;
		ei->ei_dtime = 0;
	}
	return error;
}

/* Credits: the superblock or another inode. */
int
ext4_orphan_del(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_mount *em = h->h_em;
	int error = 0;

	mutex_enter(&em->em_orphan_lock);
	if (ei->ei_onorphan)
		error = unlink_orphan(h, ei);
	mutex_exit(&em->em_orphan_lock);
	return error;
}

/* -- after a crash -- */

/* Finish what was begun with the file; its reference is taken over. */
static int
finish(struct ext4_mount *em, struct vnode *vp)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_handle h;
	int error = 0;

	(void)em;
	if (ei->ei_nlink > 0) {
		if (S_ISREG(ei->ei_mode) &&
		    (ei->ei_flags & EXT4_FL_INLINE_DATA) == 0)
			error = ext4_truncate_blocks(ei, ei->ei_size);
		if (error == 0 && ei->ei_onorphan) {
			error = ext4_jstart(em, EXT4_CREDITS_ORPHAN +
			    EXT4_CREDITS_INODE, &h);
			if (error == 0) {
				error = ext4_orphan_del(&h, ei);
				if (error == 0)
					error = ext4_iwrite(&h, ei);
				ext4_jstop(&h);
			}
		}
	}
	vrele(vp);		/* without names: it is freed here */
	return error;
}

static int
clean_list(struct ext4_mount *em, unsigned int *n)
{
	uint32_t ino, left = em->em_sb.s_inodes_count;
	struct ext4_inode *ei;
	struct vnode *vp;
	bool used;
	int error = 0;

	while (error == 0 && (ino = sb_of(em)->s_last_orphan) != 0) {
		error = ext4_iused(em, ino, &used);
		if (error == 0 && (!used || ino < em->em_sb.s_first_ino ||
		    left-- == 0))
			error = ext4_error(em, ino, "bad list of orphans");
		if (error == 0)
			error = ext4_iget(em, ino, &vp);
		if (error != 0)
			break;
		ei = EXT4_I(vp);
		mutex_enter(&em->em_orphan_lock);
		if (!ei->ei_onorphan) {
			ei->ei_onorphan = true;
			LIST_INSERT_HEAD(&em->em_orphans, ei, ei_orphan);
		}
		mutex_exit(&em->em_orphan_lock);
		error = finish(em, vp);
		if (error == 0 && sb_of(em)->s_last_orphan == ino)
			error = em->em_failed ? EROFS : ext4_error(em, ino,
			    "stays an orphan");
		++*n;
	}
	return error;
}

static uint32_t
file_crc(const struct ext4_inode *ei, const struct buf *bp)
{
	uint64_t blk = bp->b_blkno;
	uint32_t crc;

	crc = ext4_crc(ei->ei_csum_seed, &blk, sizeof(blk));
	return ext4_crc(crc, bp->b_data, ei->ei_em->em_bsize -
	    sizeof(struct ext4_orphan_tail));
}

static struct ext4_orphan_tail *
file_tail(const struct ext4_inode *ei, const struct buf *bp)
{
	return (void *)(bp->b_data + ei->ei_em->em_bsize -
	    sizeof(struct ext4_orphan_tail));
}

static int
clear_block(struct ext4_mount *em, struct ext4_inode *of, struct buf *bp)
{
	struct ext4_handle h;
	int error;

	error = ext4_jstart(em, 2, &h);
	if (error != 0)
		return error;
	error = ext4_jwrite(&h, bp);
	if (error == 0) {
		memset(bp->b_data, 0, em->em_bsize -
		    sizeof(struct ext4_orphan_tail));
		if (em->em_csum)
			file_tail(of, bp)->ot_checksum = file_crc(of, bp);
	}
	ext4_jstop(&h);
	return error;
}

static int
clean_file_block(struct ext4_mount *em, struct ext4_inode *of,
    struct buf *bp, unsigned int *n)
{
	const uint32_t *inos = (const void *)bp->b_data;
	size_t count = (em->em_bsize - sizeof(struct ext4_orphan_tail)) / 4, i;
	struct vnode *vp;
	bool used, any = false;
	int error = 0;

	if (file_tail(of, bp)->ot_magic != EXT4_ORPHAN_MAGIC ||
	    (em->em_csum && file_tail(of, bp)->ot_checksum !=
	    file_crc(of, bp)))
		return ext4_error(em, of->ei_ino, "bad orphan file");
	for (i = 0; i < count && error == 0; i++) {
		if (inos[i] == 0)
			continue;
		any = true;
		error = ext4_iused(em, inos[i], &used);
		if (error != 0 || !used || inos[i] < em->em_sb.s_first_ino)
			continue;
		error = ext4_iget(em, inos[i], &vp);
		if (error == 0)
			error = finish(em, vp);
		++*n;
	}
	return error == 0 && any ? clear_block(em, of, bp) : error;
}

static int
clean_file(struct ext4_mount *em, unsigned int *n)
{
	struct ext4_inode *of;
	struct ext4_handle h;
	struct ext4_map m;
	struct buf *bp;
	uint32_t lblk, nblocks;
	int error;

	error = ext4_iload(em, em->em_sb.s_orphan_file_inum, &of);
	if (error != 0)
		return error;
	nblocks = (uint32_t)MIN(of->ei_size >> em->em_bshift, 65536);
	for (lblk = 0; lblk < nblocks && error == 0; lblk++) {
		rw_enter(&of->ei_maplock, RW_READER);
		error = ext4_map_get(of, lblk, 1, &m);
		rw_exit(&of->ei_maplock);
		if (error == 0 && m.m_blk == 0)
			error = ext4_error(em, of->ei_ino, "bad orphan file");
		if (error == 0)
			error = bread(em->em_bc, m.m_blk, &bp);
		if (error == 0) {
			error = clean_file_block(em, of, bp, n);
			brelse(bp);
		}
	}
	ext4_iunload(of);
	if (error != 0)
		return error;
	error = ext4_jstart(em, 2, &h);
	if (error != 0)
		return error;
	error = ext4_jwrite(&h, em->em_sbbuf);
	if (error == 0) {
		mutex_enter(&em->em_sb_lock);
		sb_of(em)->s_feature_ro_compat &=
		    ~(uint32_t)EXT4_ROC_ORPHAN_PRESENT;
		ext4_sb_csum_set(em, sb_of(em));
		mutex_exit(&em->em_sb_lock);
	}
	ext4_jstop(&h);
	return error;
}

int
ext4_orphan_cleanup(struct ext4_mount *em)
{
	unsigned int n = 0;
	int error;

	error = clean_list(em, &n);
	if (error == 0 && ext4_compat(em, EXT4_COMPAT_ORPHAN_FILE) &&
	    ext4_rocompat(em, EXT4_ROC_ORPHAN_PRESENT))
		error = clean_file(em, &n);
	if (n > 0)
		printf("ext4: %s: %u orphans cleaned up\n",
		    em->em_dev->bd_name, n);
	return error;
}
