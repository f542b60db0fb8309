/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: where a file's blocks are, whichever kind of map it has.
 *
 * Locking: ei_maplock, exclusive for changes.
 */
#include <sys/errno.h>
#include <fs/ext4/ext4.h>

static bool
has_extents(const struct ext4_inode *ei)
{
	return (ei->ei_flags & EXT4_FL_EXTENTS) != 0;
}

uint32_t
ext4_map_limit(const struct ext4_inode *ei)
{
	return has_extents(ei) ? EXT4_MAX_LBLK : ext4_ind_limit(ei->ei_em);
}

/* Blocks that putting one run into the map may change, with its bitmaps. */
unsigned int
ext4_map_credits(const struct ext4_inode *ei)
{
	unsigned int depth;

	if (!has_extents(ei))
		return 24;
	depth = ((const struct ext4_ehdr *)(const void *)ei->ei_block)->
	    eh_depth;
	/* A split at each level: the node, its new half, their bitmaps. */
	return (MIN(depth, EXT4_EXT_MAXDEPTH) + 2) * 5 + EXT4_CREDITS_ALLOC +
	    EXT4_CREDITS_INODE;
}

int
ext4_map_get(struct ext4_inode *ei, uint32_t lblk, uint32_t max,
    struct ext4_map *m)
{
	KASSERT(max > 0);
	if (has_extents(ei))
		return ext4_ext_get(ei, lblk, max, m);
	return ext4_ind_get(ei, lblk, max, m);
}

int
ext4_map_set(struct ext4_handle *h, struct ext4_inode *ei, uint32_t lblk,
    uint64_t blk, uint32_t len, bool unwritten)
{
	int error;

	if (has_extents(ei))
		error = ext4_ext_insert(h, ei, lblk, blk, len, unwritten);
	else
		error = unwritten ? EOPNOTSUPP :
		    ext4_ind_set(h, ei, lblk, blk, len);
	if (error == 0) {
		ext4_iblocks_add(ei, len);
		ei->ei_goal = blk + len;
	}
	return error;
}

int
ext4_map_written(struct ext4_handle *h, struct ext4_inode *ei, uint32_t lblk,
    uint32_t len)
{
	return ext4_ext_written(h, ei, lblk, len);
}

/*
 * The lock is let go while a new handle is waited for: v_lock, and that nobody
 * writes pages there, keep the range as it is.
 */
int
ext4_map_remove(struct ext4_handle *h, struct ext4_inode *ei, uint32_t from,
    uint64_t to)
{
	bool done = to <= from;
	int error = 0;

	while (!done && error == 0) {
		if (h->h_credits < EXT4_CREDITS_REMOVE) {
			error = ext4_iwrite(h, ei);
			/* A handle is waited for without the lock. */
			rw_exit(&ei->ei_maplock);
			if (error == 0)
				error = ext4_jrestart(h, EXT4_CREDITS_REMOVE +
				    EXT4_CREDITS_INODE);
			rw_enter(&ei->ei_maplock, RW_WRITER);
			if (error != 0)
				break;
		}
		error = has_extents(ei) ?
		    ext4_ext_remove_step(h, ei, from, to, &done) :
		    ext4_ind_remove_step(h, ei, from, to, &done);
	}
	if (error != 0 && error != EROFS)
		(void)ext4_error(ei->ei_em, ei->ei_ino,
		    "blocks cannot be freed (error %d)", error);
	return error;
}
