/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: blocks.
 *
 * Overview: a block is had in two steps.  A claim finds free blocks and holds
 * them in memory only, in the group's overlay; the data can be written there at
 * leisure.  ext4_bcommit() then makes the claim true, as part of the
 * transaction that gives the blocks to a file.  A freed block goes into the
 * overlay, too, until the transaction is committed: what was in it may be
 * needed after a crash.
 *
 * Counts: em_bfree is what bitmaps say, em_bavail what is not held by an
 * overlay, em_reserved what was promised to delayed data.
 *
 * Locking: eg_lock of one group at a time.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <fs/ext4/ext4.h>

#define	MIN_RUN		256	/* a run of so many is worth a look around */
#define	LOOK_GROUPS	64	/* groups for that look */

/* -- the bitmap of a group -- */

static bool
bbitmap_csum_ok(struct ext4_mount *em, uint32_t g, const struct buf *bp)
{
	const struct ext4_gd *gd = ext4_gd(em, g, NULL);

	return ext4_bitmap_csum_ok(em, bp, em->em_bpg, &gd->bg_block_csum_lo,
	    &gd->bg_block_csum_hi);
}

/* Mark those of [blk, blk + n) that are in the group. */
static void
mark_used(const struct ext4_mount *em, uint32_t g, unsigned long *map,
    uint64_t blk, uint64_t n)
{
	uint64_t start = ext4_group_start(em, g);
	uint64_t end = start + ext4_group_blocks(em, g);
	uint64_t from = MAX(blk, start), to = MIN(blk + n, end);

	if (from < to)
		bit_set_range(map, (size_t)(from - start),
		    (size_t)(to - from));
}

/* The bitmap of a group that was never used: only structures are in it. */
static void
bbitmap_make(struct ext4_mount *em, uint32_t g, struct buf *bp)
{
	uint32_t itb = em->em_ipg / (em->em_bsize / em->em_isize), o, end;
	unsigned long *map = (void *)bp->b_data;
	struct ext4_group *og;
	uint32_t n = ext4_group_blocks(em, g);

	memset(map, 0, em->em_bsize);
	mark_used(em, g, map, ext4_group_start(em, g),
	    ext4_base_blocks(em, g));
	o = g / em->em_flex * em->em_flex;
	end = MIN(o + em->em_flex, em->em_ngroups);
	for (; o < end; o++) {
		og = &em->em_groups[o];
		mark_used(em, g, map, og->eg_bbitmap, 1);
		mark_used(em, g, map, og->eg_ibitmap, 1);
		mark_used(em, g, map, og->eg_itable, itb);
	}
	bit_set_range(map, n, em->em_bsize * 8 - n);
}

int
ext4_bbitmap(struct ext4_mount *em, uint32_t g, struct buf **bpp)
{
	struct ext4_group *eg = &em->em_groups[g];
	uint32_t n = ext4_group_blocks(em, g);
	struct buf *bp;
	int error;

	KASSERT(mutex_owned(&eg->eg_lock));
	if (eg->eg_bad)
		return EIO;
	if ((eg->eg_flags & EXT4_BG_BLOCK_UNINIT) != 0)
		error = bgetblk(em->em_bc, eg->eg_bbitmap, &bp);
	else
		error = bread(em->em_bc, eg->eg_bbitmap, &bp);
	if (error != 0)
		return error;
	if ((bp->b_flags & B_CHECKED) == 0) {
		if ((eg->eg_flags & EXT4_BG_BLOCK_UNINIT) != 0) {
			bbitmap_make(em, g, bp);
			bvalid(bp);
		} else if (!bbitmap_csum_ok(em, g, bp)) {
			eg->eg_bad = true;
		}
		if (n - bit_count((void *)bp->b_data, n) != eg->eg_bfree)
			eg->eg_bad = true;
		if (eg->eg_bad) {
			brelse(bp);
			return ext4_error(em, 0, "block bitmap of group %u "
			    "is wrong", g);
		}
		bchecked(bp);
	}
	*bpp = bp;
	return 0;
}

/* -- the overlay -- */

static int
overlay_need(struct ext4_mount *em, struct ext4_group *eg)
{
	if (eg->eg_overlay == NULL)
		eg->eg_overlay = kmem_zalloc(em->em_bsize, KM_SLEEP);
	return eg->eg_overlay == NULL ? ENOMEM : 0;
}

static void
overlay_set(struct ext4_group *eg, uint32_t bit, uint32_t n)
{
	bit_set_range(eg->eg_overlay, bit, n);
	eg->eg_bheld += n;
}

static void
overlay_clear(struct ext4_mount *em, struct ext4_group *eg, uint32_t bit,
    uint32_t n)
{
	bit_clear_range(eg->eg_overlay, bit, n);
	eg->eg_bheld -= n;
	if (eg->eg_bheld == 0) {
		kmem_free(eg->eg_overlay, em->em_bsize);
		eg->eg_overlay = NULL;
	}
}

/* The first bit at or after `from` that is free in both (or not: used). */
static uint32_t
next_bit(const unsigned long *map, const unsigned long *ov, uint32_t n,
    uint32_t from, bool used)
{
	unsigned long w, flip = used ? 0 : ~0UL;
	uint32_t i = from / BITMAP_WORD_BITS;

	if (from >= n)
		return n;
	w = (map[i] | (ov != NULL ? ov[i] : 0)) ^ flip;
	w &= ~0UL << from % BITMAP_WORD_BITS;
	while (w == 0) {
		if (++i * BITMAP_WORD_BITS >= n)
			return n;
		w = (map[i] | (ov != NULL ? ov[i] : 0)) ^ flip;
	}
	return MIN(n, i * (uint32_t)BITMAP_WORD_BITS +
	    (uint32_t)__builtin_ctzl(w));
}

/* A free run of at least min in [from, n), up to want of it. */
static bool
find_run(const unsigned long *map, const unsigned long *ov, uint32_t n,
    uint32_t from, uint32_t min, uint32_t want, uint32_t *bit, uint32_t *len)
{
	uint32_t end;

	for (;;) {
		from = next_bit(map, ov, n, from, false);
		if (from >= n)
			return false;
		end = next_bit(map, ov, n, from, true);
		if (end - from >= min) {
			*bit = from;
			*len = MIN(want, end - from);
			return true;
		}
		from = end;
	}
}

/* -- counts and promises -- */

static uint64_t
sub_floor(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static bool
may_use_root(void)
{
	struct lwp *l = curlwp;

	return l == NULL || l->l_cred == NULL ||
	    cred_capable(l->l_cred, CAP_SYS_RESOURCE) == 0;
}

int
ext4_breserve(struct ext4_mount *em, uint64_t n)
{
	uint64_t have = sub_floor(atomic_load(&em->em_bavail), em->em_keep);

	if (!may_use_root())
		have = sub_floor(have, em->em_root_only);
	if (atomic_add(&em->em_reserved, n) > have) {
		(void)atomic_sub(&em->em_reserved, n);
		return ENOSPC;
	}
	return 0;
}

void
ext4_bunreserve(struct ext4_mount *em, uint64_t n)
{
	(void)atomic_sub(&em->em_reserved, n);
}

/* -- claims -- */

/* Look in one group; min: a run of at least so many.  0, ENOSPC, errors. */
static int
claim_in(struct ext4_mount *em, uint32_t g, uint32_t from, uint32_t min,
    uint32_t want, uint32_t *bit, uint32_t *len)
{
	struct ext4_group *eg = &em->em_groups[g];
	uint32_t n = ext4_group_blocks(em, g);
	unsigned long *map;
	struct buf *bp;
	bool found;
	int error;

	if (eg->eg_bad || eg->eg_bfree < eg->eg_bheld + min)
		return ENOSPC;
	mutex_enter(&eg->eg_lock);
	error = ext4_bbitmap(em, g, &bp);
	if (error != 0) {
		mutex_exit(&eg->eg_lock);
		return error == EIO && !em->em_failed ? ENOSPC : error;
	}
	map = (void *)bp->b_data;
	if (from == UINT32_MAX)
		from = eg->eg_hint;
	found = find_run(map, eg->eg_overlay, n, from, min, want, bit, len) ||
	    find_run(map, eg->eg_overlay, n, 0, min, want, bit, len);
	error = found ? overlay_need(em, eg) : ENOSPC;
	if (error == 0) {
		overlay_set(eg, *bit, *len);
		eg->eg_hint = *bit + *len < n ? *bit + *len : 0;
		(void)atomic_sub(&em->em_bavail, *len);
	}
	mutex_exit(&eg->eg_lock);
	brelse(bp);
	return error;
}

int
ext4_bclaim(struct ext4_mount *em, uint64_t goal, uint32_t want,
    bool reserved, uint64_t *blk, uint32_t *got)
{
	uint32_t g0, g, i, bit, len, from, min, pass, rounds;
	uint64_t have;
	int error = ENOSPC;

	want = MIN(want, em->em_bpg);
	if (!reserved) {
		have = sub_floor(em->em_bavail, em->em_reserved +
		    em->em_keep);
		if (!may_use_root())
			have = sub_floor(have, em->em_root_only);
		if (have == 0)
			return ENOSPC;
		want = (uint32_t)MIN(want, have);
	}
	if (!ext4_block_valid(em, goal, 1))
		goal = ext4_group_start(em, 0);
	g0 = (uint32_t)((goal - em->em_first_data) / em->em_bpg);
	from = (uint32_t)((goal - em->em_first_data) % em->em_bpg);
	/* Right at the goal is best, however short. */
	for (pass = 0; pass < 2; pass++) {
		min = pass == 0 ? MIN(want, MIN_RUN) : 1;
		rounds = pass == 0 ? MIN(em->em_ngroups, LOOK_GROUPS) :
		    em->em_ngroups;
		for (i = 0; i < rounds; i++) {
			g = (g0 + i) % em->em_ngroups;
			error = claim_in(em, g, i == 0 && from != 0 ? from :
			    UINT32_MAX, min, want, &bit, &len);
			if (error == 0) {
				*blk = ext4_group_start(em, g) + bit;
				*got = len;
				return 0;
			}
			if (error != ENOSPC)
				return error;
		}
	}
	return error;
}

void
ext4_bunclaim(struct ext4_mount *em, uint64_t blk, uint32_t n)
{
	uint32_t g = (uint32_t)((blk - em->em_first_data) / em->em_bpg);
	struct ext4_group *eg = &em->em_groups[g];

	mutex_enter(&eg->eg_lock);
	overlay_clear(em, eg, (uint32_t)(blk - ext4_group_start(em, g)), n);
	(void)atomic_add(&em->em_bavail, n);
	mutex_exit(&eg->eg_lock);
}

/* The bitmap was changed: its checksum, the counts; eg_lock held. */
static int
bitmap_changed(struct ext4_handle *h, uint32_t g, struct buf *bp)
{
	struct ext4_mount *em = h->h_em;
	struct ext4_gd *gd = ext4_gd(em, g, NULL);

	ext4_bitmap_csum_set(em, bp, em->em_bpg, &gd->bg_block_csum_lo,
	    &gd->bg_block_csum_hi);
	return ext4_gd_update(h, g);
}

int
ext4_bitmap_access(struct ext4_handle *h, uint32_t g, struct buf *bp)
{
	struct buf *gdb;
	int error;

	(void)ext4_gd(h->h_em, g, &gdb);
	error = ext4_jwrite(h, bp);
	if (error == 0)
		error = ext4_jwrite(h, gdb);
	if (error != 0)
		brelse(bp);
	return error;
}

static int
bbitmap_access(struct ext4_handle *h, uint32_t g, struct buf **bpp)
{
	int error;

	error = ext4_bbitmap(h->h_em, g, bpp);
	return error != 0 ? error : ext4_bitmap_access(h, g, *bpp);
}

int
ext4_bcommit(struct ext4_handle *h, uint64_t blk, uint32_t n)
{
	struct ext4_mount *em = h->h_em;
	uint32_t g = (uint32_t)((blk - em->em_first_data) / em->em_bpg);
	uint32_t bit = (uint32_t)(blk - ext4_group_start(em, g));
	struct ext4_group *eg = &em->em_groups[g];
	struct buf *bp;
	int error;

	mutex_enter(&eg->eg_lock);
	error = bbitmap_access(h, g, &bp);
	if (error == 0) {
		bit_set_range((void *)bp->b_data, bit, n);
		eg->eg_bfree -= n;
		eg->eg_flags &= (uint16_t)~EXT4_BG_BLOCK_UNINIT;
		overlay_clear(em, eg, bit, n);
		(void)atomic_sub(&em->em_bfree, n);
		error = bitmap_changed(h, g, bp);
		brelse(bp);
	}
	mutex_exit(&eg->eg_lock);
	return error;
}

int
ext4_balloc(struct ext4_handle *h, struct ext4_inode *ei, uint64_t goal,
    bool reserved, uint64_t *blk)
{
	uint32_t got;
	int error;

	error = ext4_bclaim(h->h_em, goal, 1, reserved, blk, &got);
	if (error != 0)
		return error;
	error = ext4_bcommit(h, *blk, 1);
	if (error != 0)
		ext4_bunclaim(h->h_em, *blk, 1);
	else if (ei != NULL)
		ext4_iblocks_add(ei, 1);
	return error;
}

/* -- freeing -- */

static int
free_in(struct ext4_handle *h, uint32_t g, uint32_t bit, uint32_t n,
    bool meta)
{
	struct ext4_mount *em = h->h_em;
	struct ext4_group *eg = &em->em_groups[g];
	uint64_t blk = ext4_group_start(em, g) + bit;
	struct buf *bp;
	int error;

	mutex_enter(&eg->eg_lock);
	error = bbitmap_access(h, g, &bp);
	if (error != 0)
		goto out;
	if (bit_find_clear((void *)bp->b_data, bit + n, bit) != bit + n) {
		error = ext4_error(em, 0, "free block %llu is freed again",
		    (unsigned long long)blk);
		goto release;
	}
	error = overlay_need(em, eg);
	if (error == 0)
		error = ext4_jfreed(h, blk, n);
	if (error != 0)
		goto release;
	overlay_set(eg, bit, n);
	if (meta) {
		error = ext4_jforget(h, blk, n);
		if (error != 0)		/* half of them are: never commit */
			error = ext4_error(em, 0, "no memory to free blocks");
	}
	bit_clear_range((void *)bp->b_data, bit, n);
	eg->eg_bfree += n;
	eg->eg_trimmed = false;
	(void)atomic_add(&em->em_bfree, n);
	if (error == 0)
		error = bitmap_changed(h, g, bp);
release:
	if (eg->eg_bheld == 0 && eg->eg_overlay != NULL) {
		kmem_free(eg->eg_overlay, em->em_bsize);
		eg->eg_overlay = NULL;
	}
	brelse(bp);
out:
	mutex_exit(&eg->eg_lock);
	return error;
}

/* At most two groups' credits for up to bpg blocks. */
int
ext4_bfree(struct ext4_handle *h, uint64_t blk, uint32_t n, bool meta)
{
	struct ext4_mount *em = h->h_em;
	uint32_t g, bit, part;
	int error = 0;

	if (!ext4_block_valid(em, blk, n))
		return ext4_error(em, 0, "blocks %llu+%u to be freed",
		    (unsigned long long)blk, n);
	while (n > 0 && error == 0) {
		g = (uint32_t)((blk - em->em_first_data) / em->em_bpg);
		bit = (uint32_t)(blk - ext4_group_start(em, g));
		part = MIN(n, em->em_bpg - bit);
		error = free_in(h, g, bit, part, meta);
		blk += part;
		n -= part;
	}
	return error;
}

/* The transaction that freed them is over: anybody may have them. */
void
ext4_bfree_done(struct ext4_mount *em, uint64_t blk, uint32_t n)
{
	if (em->em_discard && !em->em_failed)
		(void)em->em_dev->bd_ops->bdo_discard(em->em_dev,
		    blk << em->em_bshift, (uint64_t)n << em->em_bshift);
	ext4_bunclaim(em, blk, n);
}

/* -- FITRIM -- */

/* Claim the next free run at or after *bit; false: there is no more. */
static bool
trim_next(struct ext4_mount *em, uint32_t g, uint32_t *bit, uint32_t end,
    uint32_t minlen, uint32_t *len)
{
	struct ext4_group *eg = &em->em_groups[g];
	struct buf *bp;
	bool found = false;

	mutex_enter(&eg->eg_lock);
	if (ext4_bbitmap(em, g, &bp) == 0) {
		found = find_run((void *)bp->b_data, eg->eg_overlay, end,
		    *bit, minlen, UINT32_MAX, bit, len) &&
		    overlay_need(em, eg) == 0;
		if (found) {
			overlay_set(eg, *bit, *len);
			(void)atomic_sub(&em->em_bavail, *len);
		}
		brelse(bp);
	}
	mutex_exit(&eg->eg_lock);
	return found;
}

static int
trim_group(struct ext4_mount *em, uint32_t g, uint32_t from, uint32_t end,
    uint32_t minlen, uint64_t *trimmed)
{
	uint32_t bit = from, len;
	uint64_t blk;
	int error = 0;

	while (error == 0 && trim_next(em, g, &bit, end, minlen, &len)) {
		blk = ext4_group_start(em, g) + bit;
		error = em->em_dev->bd_ops->bdo_discard(em->em_dev,
		    blk << em->em_bshift, (uint64_t)len << em->em_bshift);
		ext4_bunclaim(em, blk, len);
		if (error == 0)
			*trimmed += (uint64_t)len << em->em_bshift;
		bit += len;
	}
	return error;
}

/* Bytes of the device; EOPNOTSUPP: it cannot. */
int
ext4_trim(struct ext4_mount *em, uint64_t start, uint64_t len,
    uint64_t minlen, uint64_t *trimmed)
{
	uint64_t first = start >> em->em_bshift, last, gs;
	uint32_t g, from, end, min;
	struct ext4_group *eg;
	bool whole;
	int error = 0;

	*trimmed = 0;
	minlen = MAX(minlen >> em->em_bshift, 1);
	if (minlen > em->em_bpg || first >= em->em_nblocks)
		return EINVAL;
	min = (uint32_t)minlen;
	last = MIN(em->em_nblocks, first + MIN(len >> em->em_bshift,
	    em->em_nblocks));
	for (g = 0; g < em->em_ngroups && error == 0; g++) {
		eg = &em->em_groups[g];
		gs = ext4_group_start(em, g);
		end = ext4_group_blocks(em, g);
		if (last <= gs || first >= gs + end)
			continue;
		from = first > gs ? (uint32_t)(first - gs) : 0;
		whole = from == 0 && last >= gs + end && min == 1;
		end = (uint32_t)MIN(end, last - gs);
		if (whole && eg->eg_trimmed)
			continue;
		if (whole)
			eg->eg_trimmed = true;
		error = trim_group(em, g, from, end, min, trimmed);
	}
	return error;
}
