/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: which clusters are free, and which belong to which file.
 *
 * Overview: the table is read once, when somebody wants a free cluster or their
 * number: a bit for each says whether it is used.  After that bits and table
 * change together.  A file's chain is walked once and kept as runs.
 *
 * Untrusted input: the table.  A chain ends with an error where it leaves the
 * disk or is longer than the disk has clusters.
 */
#include <sys/errno.h>
#include <fs/msdos/msdos.h>

#define	CHUNK		65536		/* bytes of the table at a time */
#define	END_OF_CHAIN	0x0fffffffU

/* Something on the disk is impossible: nothing is written any more. */
int
msdos_error(struct msdos_mount *fm, const char *what)
{
	if (!fm->fm_failed)
		printf("vfat: %s: %s; fsck.fat is advised%s\n",
		    fm->fm_dev->bd_name, what, fm->fm_writing ?
		    ", read-only from now on" : "");
	atomic_store(&fm->fm_failed, true);
	return EIO;
}

/* -- entries of the table -- */

static uint32_t
end_mark(const struct msdos_mount *fm)
{
	return fm->fm_bits == 32 ? END_OF_CHAIN : (1U << fm->fm_bits) - 1;
}

static bool
is_end(const struct msdos_mount *fm, uint32_t v)
{
	return v >= (end_mark(fm) & ~7U);
}

/* One byte of a copy of the table, for FAT12, whose entries cross sectors. */
static int
fat_bytes(struct msdos_mount *fm, unsigned int fat, uint64_t off,
    unsigned int n, uint8_t *p, bool write)
{
	unsigned int i, in;
	struct buf *bp = NULL;
	int error;

	for (i = 0; i < n; i++, off++) {
		in = (unsigned int)(off % fm->fm_bps);
		if (bp == NULL || in == 0) {
			brelse(bp);
			error = bread(fm->fm_bc, fm->fm_fatstart +
			    (uint64_t)fat * fm->fm_fatsize +
			    off / fm->fm_bps, &bp);
			if (error != 0)
				return error;
		}
		if (!write) {
			p[i] = (uint8_t)bp->b_data[in];
		} else {
			bp->b_data[in] = (char)p[i];
			if (i + 1 == n || in + 1 == fm->fm_bps)
				bdirty(bp);
		}
	}
	brelse(bp);
	return 0;
}

static uint64_t
entry_off(const struct msdos_mount *fm, uint32_t c)
{
	return (uint64_t)c * fm->fm_bits / 8;
}

static uint32_t
entry_value(const struct msdos_mount *fm, uint32_t c, const uint8_t *p)
{
	uint32_t v = p[0] | (uint32_t)p[1] << 8;

	if (fm->fm_bits == 12)
		return (c & 1) != 0 ? v >> 4 : v & 0xfff;
	if (fm->fm_bits == 32)
		v |= (uint32_t)p[2] << 16 | (uint32_t)(p[3] & 15) << 24;
	return v;
}

static int
fat_get(struct msdos_mount *fm, uint32_t c, uint32_t *v)
{
	unsigned int fat = fm->fm_active < fm->fm_nfats ? fm->fm_active : 0;
	uint8_t b[4];
	int error;

	error = fat_bytes(fm, fat, entry_off(fm, c), fm->fm_bits == 32 ? 4 :
	    2, b, false);
	if (error == 0)
		*v = entry_value(fm, c, b);
	return error;
}

/* In all copies. */
static int
fat_set(struct msdos_mount *fm, uint32_t c, uint32_t v)
{
	unsigned int fat, n = fm->fm_bits == 32 ? 4 : 2;
	uint8_t b[4];
	int error = 0;

	for (fat = 0; fat < fm->fm_nfats && error == 0; fat++) {
		if (fm->fm_active < fm->fm_nfats && fat != fm->fm_active)
			continue;
		error = fat_bytes(fm, fat, entry_off(fm, c), n, b, false);
		if (error != 0)
			break;
		if (fm->fm_bits == 12 && (c & 1) != 0) {
			b[0] = (uint8_t)((b[0] & 0x0f) | (v & 15) << 4);
			b[1] = (uint8_t)(v >> 4);
		} else if (fm->fm_bits == 12) {
			b[0] = (uint8_t)v;
			b[1] = (uint8_t)((b[1] & 0xf0) | (v >> 8 & 15));
		} else {
			b[0] = (uint8_t)v;
			b[1] = (uint8_t)(v >> 8);
			b[2] = (uint8_t)(v >> 16);
			b[3] = (uint8_t)((b[3] & 0xf0) | (v >> 24 & 15));
		}
		error = fat_bytes(fm, fat, entry_off(fm, c), n, b, true);
	}
	return error;
}

/* -- what is free -- */

static bool
used(const struct msdos_mount *fm, uint32_t c)
{
	return (fm->fm_used[c / 8] >> c % 8 & 1) != 0;
}

static void
mark(struct msdos_mount *fm, uint32_t c, bool use)
{
	KASSERT(used(fm, c) != use);
	fm->fm_used[c / 8] ^= (uint8_t)(1U << c % 8);
	fm->fm_nfree += use ? -1U : 1U;
}

static int
scan_chunk(struct msdos_mount *fm, uint8_t *buf, uint32_t *c, uint64_t at)
{
	uint64_t start = entry_off(fm, *c), end, total;
	unsigned int fat = fm->fm_active < fm->fm_nfats ? fm->fm_active : 0;
	uint32_t last = fm->fm_nclus + MSDOS_FIRST;
	int error;

	total = (uint64_t)fm->fm_fatsize * fm->fm_bps;
	end = MIN(at + CHUNK, total);
	error = bufdev_rw(fm->fm_dev, false, ((uint64_t)fm->fm_fatstart +
	    (uint64_t)fat * fm->fm_fatsize) * fm->fm_bps + at, buf,
	    (size_t)(end - at));
	for (; error == 0 && *c < last; ++*c) {
		start = entry_off(fm, *c);
		if (start + (fm->fm_bits == 32 ? 4 : 2) > end && end < total)
			break;
		if (entry_value(fm, *c, buf + (start - at)) != 0)
			fm->fm_used[*c / 8] |= (uint8_t)(1U << *c % 8);
		else
			fm->fm_nfree++;
	}
	return error;
}

/* Nothing of the table has been changed yet: the disk has all of it. */
int
msdos_scan(struct msdos_mount *fm)
{
	size_t size = (fm->fm_nclus + MSDOS_FIRST) / 8 + 1;
	uint32_t c = MSDOS_FIRST;
	uint8_t *buf;
	int error = 0;

	if (fm->fm_used != NULL)
		return 0;
	buf = kmem_alloc(CHUNK, KM_SLEEP);
	fm->fm_used = kmem_zalloc(size, KM_SLEEP);
	if (buf == NULL || fm->fm_used == NULL)
		error = ENOMEM;
	fm->fm_nfree = 0;
	while (error == 0 && c < fm->fm_nclus + MSDOS_FIRST)
		error = scan_chunk(fm, buf, &c, rounddown2(entry_off(fm, c),
		    (uint64_t)fm->fm_bps));
	if (buf != NULL)
		kmem_free(buf, CHUNK);
	if (error != 0 && fm->fm_used != NULL) {
		kmem_free(fm->fm_used, size);
		fm->fm_used = NULL;
	}
	return error;
}

/* A free cluster, at hint if that is one; fm_lock held. */
static int
find_free(struct msdos_mount *fm, uint32_t hint, uint32_t *cp)
{
	uint32_t n = fm->fm_nclus, c, i;

	if (fm->fm_nfree == 0)
		return ENOSPC;
	c = msdos_clus_ok(fm, hint) ? hint : MAX(fm->fm_next, 2U);
	for (i = 0; i < n; i++, c++) {
		if (!msdos_clus_ok(fm, c))
			c = MSDOS_FIRST;
		if (c % 8 == 0 && fm->fm_used[c / 8] == 0xff && i + 8 < n &&
		    msdos_clus_ok(fm, c + 7)) {
			c += 7;
			i += 7;
			continue;
		}
		if (!used(fm, c)) {
			*cp = c;
			return 0;
		}
	}
	return ENOSPC;
}

/* -- chains -- */

void
msdos_map_forget(struct msdos_node *fn)
{
	if (fn->fn_runs != NULL)
		kmem_free(fn->fn_runs, fn->fn_maxruns * sizeof(*fn->fn_runs));
	fn->fn_runs = NULL;
	fn->fn_nruns = fn->fn_maxruns = 0;
	fn->fn_nclus = 0;
	fn->fn_mapped = false;
}

/* The next cluster of the file is c. */
static int
run_append(struct msdos_node *fn, uint32_t c)
{
	struct fat_run *r = fn->fn_nruns > 0 ?
	    &fn->fn_runs[fn->fn_nruns - 1] : NULL, *more;
	unsigned int max;

	if (r != NULL && r->r_clus + r->r_n == c) {
		r->r_n++;
		fn->fn_nclus++;
		return 0;
	}
	if (fn->fn_nruns == fn->fn_maxruns) {
		max = MAX(fn->fn_maxruns * 2, 4U);
		more = kmem_alloc(max * sizeof(*more), KM_SLEEP);
		if (more == NULL)
			return ENOMEM;
		if (fn->fn_runs != NULL) {
			memcpy(more, fn->fn_runs, fn->fn_nruns *
			    sizeof(*more));
			kmem_free(fn->fn_runs, fn->fn_maxruns *
			    sizeof(*more));
		}
		fn->fn_runs = more;
		fn->fn_maxruns = max;
	}
	fn->fn_runs[fn->fn_nruns++] = (struct fat_run){ fn->fn_nclus, c, 1 };
	fn->fn_nclus++;
	return 0;
}

int
msdos_map_load(struct msdos_node *fn)
{
	struct msdos_mount *fm = fn->fn_fm;
	uint32_t c = fn->fn_start, v = 0;
	int error = 0;

	if (fn->fn_mapped)
		return 0;
	while (c != 0 && error == 0) {
		if (!msdos_clus_ok(fm, c) || fn->fn_nclus > fm->fm_nclus) {
			error = msdos_error(fm, "a file's chain is broken");
			break;
		}
		error = run_append(fn, c);
		if (error != 0)
			break;
		mutex_enter(&fm->fm_lock);
		error = fat_get(fm, c, &v);
		mutex_exit(&fm->fm_lock);
		c = is_end(fm, v) ? 0 : v == 0 ? 1 : v;
	}
	if (error != 0)
		msdos_map_forget(fn);
	else
		fn->fn_mapped = true;
	return error;
}

/* Cluster idx of the file, and how many follow it in a row; 0: none. */
int
msdos_map(struct msdos_node *fn, uint32_t idx, uint32_t *clus, uint32_t *n)
{
	unsigned int lo = 0, hi, mid;
	const struct fat_run *r;
	int error;

	error = msdos_map_load(fn);
	*clus = *n = 0;
	if (error != 0 || idx >= fn->fn_nclus)
		return error;
	for (hi = fn->fn_nruns - 1; lo < hi;) {
		mid = (lo + hi + 1) / 2;
		if (fn->fn_runs[mid].r_idx <= idx)
			lo = mid;
		else
			hi = mid - 1;
	}
	r = &fn->fn_runs[lo];
	*clus = r->r_clus + (idx - r->r_idx);
	*n = r->r_n - (idx - r->r_idx);
	return 0;
}

static uint32_t
last_clus(const struct msdos_node *fn)
{
	const struct fat_run *r;

	if (fn->fn_nruns == 0)
		return 0;
	r = &fn->fn_runs[fn->fn_nruns - 1];
	return r->r_clus + r->r_n - 1;
}

/* One more cluster; both locks held. */
static int
grow_one(struct msdos_node *fn)
{
	struct msdos_mount *fm = fn->fn_fm;
	uint32_t last = last_clus(fn), c;
	int error;

	error = find_free(fm, last != 0 ? last + 1 : 0, &c);
	if (error == 0)
		error = run_append(fn, c);
	if (error != 0)
		return error;
	error = fat_set(fm, c, end_mark(fm));
	if (error == 0 && last != 0)
		error = fat_set(fm, last, c);
	if (error != 0) {
		fn->fn_nclus--;
		if (--fn->fn_runs[fn->fn_nruns - 1].r_n == 0)
			fn->fn_nruns--;
		return error;
	}
	mark(fm, c, true);
	fm->fm_next = c + 1;
	if (last == 0) {
		fn->fn_start = c;
		atomic_store(&fn->fn_dirty, true);
	}
	return 0;
}

/* The file has at least n clusters; none more if there is an error. */
int
msdos_grow(struct msdos_node *fn, uint32_t n)
{
	struct msdos_mount *fm = fn->fn_fm;
	uint32_t had;
	int error;

	if (fm->fm_failed)
		return EROFS;
	mutex_enter(&fn->fn_lock);
	error = msdos_map_load(fn);
	had = fn->fn_nclus;
	if (error == 0 && n > had) {
		mutex_enter(&fm->fm_lock);
		error = msdos_scan(fm);
		if (error == 0 && n - had > fm->fm_nfree)
			error = ENOSPC;
		while (error == 0 && fn->fn_nclus < n)
			error = grow_one(fn);
		mutex_exit(&fm->fm_lock);
	}
	mutex_exit(&fn->fn_lock);
	if (error != 0 && error != ENOSPC)
		(void)msdos_shrink(fn, had);
	return error;
}

/* Take the last run's end off, down to n clusters; both locks held. */
static int
shrink_run(struct msdos_node *fn, uint32_t n)
{
	struct msdos_mount *fm = fn->fn_fm;
	struct fat_run *r = &fn->fn_runs[fn->fn_nruns - 1];
	uint32_t c;
	int error = 0;

	while (error == 0 && r->r_n > 0 && fn->fn_nclus > n) {
		c = r->r_clus + r->r_n - 1;
		error = fat_set(fm, c, 0);
		if (error == 0) {
			if (used(fm, c))
				mark(fm, c, false);
			r->r_n--;
			fn->fn_nclus--;
		}
		if (error == 0 && (fn->fn_attr & ATTR_DIR) != 0)
			binval(fm->fm_bc, msdos_clus_pos(fm, c) / fm->fm_bps,
			    (1U << fm->fm_cshift) / fm->fm_bps);
	}
	if (r->r_n == 0)
		fn->fn_nruns--;
	return error;
}

int
msdos_shrink(struct msdos_node *fn, uint32_t n)
{
	struct msdos_mount *fm = fn->fn_fm;
	int error;

	if (fm->fm_failed)
		return EROFS;
	mutex_enter(&fn->fn_lock);
	error = msdos_map_load(fn);
	if (error == 0 && n < fn->fn_nclus) {
		mutex_enter(&fm->fm_lock);
		error = msdos_scan(fm);
		while (error == 0 && fn->fn_nclus > n)
			error = shrink_run(fn, n);
		if (error == 0 && n > 0)
			error = fat_set(fm, last_clus(fn), end_mark(fm));
		mutex_exit(&fm->fm_lock);
		if (fn->fn_nclus == 0)
			fn->fn_start = 0;
		atomic_store(&fn->fn_dirty, true);
	}
	mutex_exit(&fn->fn_lock);
	return error;
}
