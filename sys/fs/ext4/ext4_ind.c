/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: block maps as ext2 and ext3 have them: direct and indirect blocks.
 *
 * Overview: i_block has twelve pointers to data and three to trees of one, two
 * and three levels of pointer blocks.  A place is the path to one pointer:
 * which slot of i_block, then which slot of each pointer block.
 *
 * Locking: ei_maplock, exclusive for changes.
 *
 * Untrusted input: every pointer is checked before it is followed; the height
 * falls with each step, so a walk ends.
 */
#include <sys/errno.h>
#include <fs/ext4/ext4.h>

#define	META_PIECE	16	/* metadata blocks freed in one step */
#define	DATA_PIECE	1024

struct place {
	unsigned int	pl_height;	/* pointer blocks on the way: 0..3 */
	unsigned int	pl_slot[4];	/* in i_block, then in each block */
	struct buf	*pl_buf[4];	/* [1..height] */
};

static uint32_t
per_block(const struct ext4_mount *em)
{
	return em->em_bsize / 4;
}

uint32_t
ext4_ind_limit(const struct ext4_mount *em)
{
	uint64_t p = per_block(em), n = EXT4_NDIR + p + p * p + p * p * p;

	/* i_blocks counts in 32 bits of 512 bytes, pointer blocks too. */
	n = MIN(n, (1ULL << (41 - em->em_bshift)) / 100 * 99);
	return (uint32_t)MIN(n, EXT4_MAX_LBLK);
}

/* Blocks below one pointer of a block of that height (1: data). */
static uint64_t
span(const struct ext4_mount *em, unsigned int height)
{
	uint64_t n = 1;

	while (--height > 0)
		n *= per_block(em);
	return n;
}

/* Slots on the way to lblk, which is below the limit. */
static void
place_of(const struct ext4_mount *em, uint32_t lblk, struct place *pl)
{
	uint64_t left = lblk, n;
	unsigned int h, i;

	memset(pl, 0, sizeof(*pl));
	if (left < EXT4_NDIR) {
		pl->pl_slot[0] = lblk;
		return;
	}
	left -= EXT4_NDIR;
	for (h = 1; h < 3; h++) {
		n = span(em, h + 1);
		if (left < n)
			break;
		left -= n;
	}
	pl->pl_height = h;
	pl->pl_slot[0] = EXT4_IND + h - 1;
	for (i = 1; i <= h; i++) {
		n = span(em, h - i + 1);
		pl->pl_slot[i] = (unsigned int)(left / n);
		left %= n;
	}
}

static void
place_release(struct place *pl)
{
	unsigned int i;

	for (i = 1; i < 4; i++) {
		brelse(pl->pl_buf[i]);
		pl->pl_buf[i] = NULL;
	}
}

static uint32_t *
slots(struct ext4_inode *ei, struct place *pl, unsigned int i)
{
	return i == 0 ? ei->ei_block : (uint32_t *)(void *)
	    pl->pl_buf[i]->b_data;
}

static int
read_block(struct ext4_inode *ei, uint32_t blk, struct buf **bpp)
{
	if (!ext4_block_valid(ei->ei_em, blk, 1))
		return ext4_error(ei->ei_em, ei->ei_ino,
		    "indirect block at %u", blk);
	return bread(ei->ei_em->em_bc, blk, bpp);
}

/* How many pointers from slot i of the last block go on as the first does. */
static uint32_t
run_length(const uint32_t *p, uint32_t i, uint32_t end, uint32_t max)
{
	uint32_t n = 1;

	while (n < max && i + n < end &&
	    p[i + n] == (p[i] == 0 ? 0 : p[i] + n))
		n++;
	return n;
}

int
ext4_ind_get(struct ext4_inode *ei, uint32_t lblk, uint32_t max,
    struct ext4_map *m)
{
	struct ext4_mount *em = ei->ei_em;
	struct place pl;
	unsigned int i;
	uint32_t *p;
	int error = 0;

	m->m_lblk = lblk;
	m->m_blk = 0;
	m->m_unwritten = false;
	m->m_len = max;
	if (lblk >= ext4_ind_limit(em))
		return 0;
	place_of(em, lblk, &pl);
	for (i = 0; i < pl.pl_height; i++) {
		p = slots(ei, &pl, i);
		if (p[pl.pl_slot[i]] == 0) {
			/* Nothing below: up to the end of that block. */
			m->m_len = MIN(max, per_block(em) -
			    pl.pl_slot[pl.pl_height]);
			goto out;
		}
		error = read_block(ei, p[pl.pl_slot[i]], &pl.pl_buf[i + 1]);
		if (error != 0)
			goto out;
	}
	p = slots(ei, &pl, i);
	m->m_len = run_length(p, pl.pl_slot[i], i == 0 ? EXT4_NDIR :
	    per_block(em), max);
	m->m_blk = p[pl.pl_slot[i]];
	if (m->m_blk != 0 && !ext4_block_valid(em, m->m_blk, m->m_len))
		error = ext4_error(em, ei->ei_ino, "data block at %llu",
		    (unsigned long long)m->m_blk);
out:
	place_release(&pl);
	return error;
}

/* The slot of level i is about to change. */
static int
slot_access(struct ext4_handle *h, struct place *pl, unsigned int i)
{
	return i == 0 ? 0 : ext4_jwrite(h, pl->pl_buf[i]);
}

/* A new pointer block below slot i. */
static int
grow(struct ext4_handle *h, struct ext4_inode *ei, struct place *pl,
    unsigned int i)
{
	uint64_t blk;
	int error;

	error = slot_access(h, pl, i);
	if (error == 0)
		error = ext4_balloc(h, ei, ei->ei_goal, true, &blk);
	if (error != 0)
		return error;
	if (blk <= UINT32_MAX)
		error = bgetzero(ei->ei_em->em_bc, blk, &pl->pl_buf[i + 1]);
	else
		error = ENOSPC;
	if (error == 0)
		error = ext4_jwrite(h, pl->pl_buf[i + 1]);
	if (error != 0) {
		if (ext4_bfree(h, blk, 1, false) == 0)
			ext4_iblocks_add(ei, -1);
		return error;
	}
	slots(ei, pl, i)[pl->pl_slot[i]] = (uint32_t)blk;
	return 0;
}

int
ext4_ind_set(struct ext4_handle *h, struct ext4_inode *ei, uint32_t lblk,
    uint64_t blk, uint32_t len)
{
	struct ext4_mount *em = ei->ei_em;
	struct place pl;
	unsigned int i, k;
	uint32_t n, end;
	int error = 0;

	if (blk + len > UINT32_MAX || lblk + len > ext4_ind_limit(em))
		return EFBIG;
	for (; len > 0 && error == 0; lblk += n, blk += n, len -= n) {
		n = 0;
		place_of(em, lblk, &pl);
		for (i = 0; i < pl.pl_height && error == 0; i++) {
			if (slots(ei, &pl, i)[pl.pl_slot[i]] == 0)
				error = grow(h, ei, &pl, i);
			else
				error = read_block(ei,
				    slots(ei, &pl, i)[pl.pl_slot[i]],
				    &pl.pl_buf[i + 1]);
		}
		if (error == 0)
			error = slot_access(h, &pl, i);
		if (error == 0) {
			end = i == 0 ? EXT4_NDIR : per_block(em);
			n = MIN(len, end - pl.pl_slot[i]);
			for (k = 0; k < n; k++)
				slots(ei, &pl, i)[pl.pl_slot[i] + k] =
				    (uint32_t)(blk + k);
		}
		place_release(&pl);
	}
	return error;
}

/* -- removal -- */

/*
 * The last pointer in use that is for a block in [from, last], at or below
 * level i of the place; the slots of pl above are set.  base: first block of
 * that level's part.
 */
static int
find_last(struct ext4_inode *ei, struct place *pl, unsigned int i,
    uint64_t base, uint64_t from, uint64_t last, bool *found)
{
	uint64_t n = span(ei->ei_em, pl->pl_height - i + 1);
	int64_t s, lo;
	int error;

	if (last < base)
		return 0;
	s = (int64_t)MIN((last - base) / n, per_block(ei->ei_em) - 1ULL);
	lo = from > base ? (int64_t)((from - base) / n) : 0;
	for (; s >= lo; s--) {
		pl->pl_slot[i] = (unsigned int)s;
		if (slots(ei, pl, i)[s] == 0)
			continue;
		if (i == pl->pl_height) {
			*found = true;
			return 0;
		}
		error = read_block(ei, slots(ei, pl, i)[s],
		    &pl->pl_buf[i + 1]);
		if (error != 0)
			return error;
		error = find_last(ei, pl, i + 1, base + (uint64_t)s * n, from,
		    last, found);
		if (error != 0 || *found)
			return error;
		brelse(pl->pl_buf[i + 1]);
		pl->pl_buf[i + 1] = NULL;
	}
	return 0;
}

/* The last place in use in [from, last]. */
static int
last_place(struct ext4_inode *ei, uint64_t from, uint64_t last,
    struct place *pl, bool *found)
{
	struct ext4_mount *em = ei->ei_em;
	uint64_t base[4] = { 0, EXT4_NDIR, 0, 0 };
	unsigned int h;
	int64_t s;
	int error = 0;

	base[2] = base[1] + span(em, 2);
	base[3] = base[2] + span(em, 3);
	*found = false;
	for (h = 3; h > 0 && error == 0 && !*found; h--) {
		memset(pl, 0, sizeof(*pl));
		pl->pl_height = h;
		pl->pl_slot[0] = EXT4_IND + h - 1;
		if (last < base[h] || ei->ei_block[pl->pl_slot[0]] == 0 ||
		    from >= base[h] + span(em, h + 1))
			continue;
		error = read_block(ei, ei->ei_block[pl->pl_slot[0]],
		    &pl->pl_buf[1]);
		if (error == 0)
			error = find_last(ei, pl, 1, base[h], from, last,
			    found);
		if (!*found)
			place_release(pl);
	}
	if (error != 0 || *found)
		return error;
	memset(pl, 0, sizeof(*pl));
	for (s = (int64_t)MIN(last, EXT4_NDIR - 1); s >= (int64_t)from; s--)
		if (ei->ei_block[s] != 0) {
			pl->pl_slot[0] = (unsigned int)s;
			*found = true;
			break;
		}
	return 0;
}

/* First block of the part of the file below the last level's slot 0. */
static uint64_t
leaf_base(const struct ext4_mount *em, const struct place *pl)
{
	uint64_t base = EXT4_NDIR;
	unsigned int i;

	if (pl->pl_height == 0)
		return 0;
	for (i = 1; i < pl->pl_height; i++)
		base += span(em, i + 1);
	for (i = 1; i < pl->pl_height; i++)
		base += pl->pl_slot[i] * span(em, pl->pl_height - i + 1);
	return base;
}

static bool
all_zero(const uint32_t *p, uint32_t n)
{
	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	return n == 0;
}

/* Pointer blocks without pointers go. */
static int
prune(struct ext4_handle *h, struct ext4_inode *ei, struct place *pl)
{
	unsigned int i;
	int error = 0;

	for (i = pl->pl_height; i > 0 && error == 0; i--) {
		if (!all_zero(slots(ei, pl, i), per_block(ei->ei_em)))
			break;
		error = slot_access(h, pl, i - 1);
		if (error != 0)
			break;
		slots(ei, pl, i - 1)[pl->pl_slot[i - 1]] = 0;
		error = ext4_bfree(h, pl->pl_buf[i]->b_blkno, 1, true);
		if (error == 0)
			ext4_iblocks_add(ei, -1);
	}
	return error;
}

int
ext4_ind_remove_step(struct ext4_handle *h, struct ext4_inode *ei,
    uint32_t from, uint64_t to, bool *done)
{
	bool meta = !S_ISREG(ei->ei_mode), found;
	uint32_t n, most = meta ? META_PIECE : DATA_PIECE, *p;
	unsigned int i, s;
	struct place pl;
	uint64_t base;
	int error;

	*done = true;
	error = last_place(ei, from, to - 1, &pl, &found);
	if (error != 0 || !found) {
		place_release(&pl);
		return error;
	}
	i = pl.pl_height;
	s = pl.pl_slot[i];
	p = slots(ei, &pl, i);
	base = leaf_base(ei->ei_em, &pl);
	/* As far back as the disk blocks go back, too. */
	for (n = 1; n < most && n <= s && base + s - n >= from &&
	    p[s - n] != 0 && p[s - n] == p[s] - n; n++)
		continue;
	error = slot_access(h, &pl, i);
	if (error == 0)
		error = ext4_bfree(h, p[s - n + 1], n, meta);
	if (error == 0) {
		memset(&p[s - n + 1], 0, n * sizeof(*p));
		ext4_iblocks_add(ei, -(int64_t)n);
		error = prune(h, ei, &pl);
	}
	*done = false;
	place_release(&pl);
	return error;
}
