/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: directories.
 *
 * Overview: a directory is an array of slots of 32 bytes.  A file has one for
 * its short name with all attributes, and before it those of its long name, the
 * last part first.  A long name belongs to the short one behind it if all parts
 * are there and have its checksum.
 *
 * Untrusted input: all of it.  The walk ends with the directory's clusters, and
 * at MSDOS_DIRMAX.
 */
#include <sys/errno.h>
#include <sys/utf16.h>
#include <fs/msdos/msdos.h>

#define	LONG_LAST	0x40
#define	LONG_UNITS	13

/* A part of a long name; where its units are. */
static const uint8_t unit_at[LONG_UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20,
	22, 24, 28, 30 };

/* -- slots -- */

/* Where byte off of a directory is.  ENOENT: beyond its end. */
static int
place(struct msdos_node *dir, uint32_t off, uint64_t *pos)
{
	struct msdos_mount *fm = dir->fn_fm;
	uint32_t clus, n;
	int error;

	if (off >= MSDOS_DIRMAX)
		return ENOENT;
	if (dir->fn_pos == 0 && fm->fm_bits != 32) {
		if (off >= fm->fm_rootsize * fm->fm_bps)
			return ENOENT;
		*pos = (uint64_t)fm->fm_rootstart * fm->fm_bps + off;
		return 0;
	}
	mutex_enter(&dir->fn_lock);
	error = msdos_map(dir, off >> fm->fm_cshift, &clus, &n);
	mutex_exit(&dir->fn_lock);
	if (error == 0 && n == 0)
		error = ENOENT;
	if (error == 0)
		*pos = msdos_clus_pos(fm, clus) +
		    (off & ((1U << fm->fm_cshift) - 1));
	return error;
}

int
msdos_entry_get(struct msdos_mount *fm, uint64_t pos, struct buf **bpp,
    struct fat_dirent **dep)
{
	int error = bread(fm->fm_bc, pos / fm->fm_bps, bpp);

	if (error == 0)
		*dep = (void *)((*bpp)->b_data + pos % fm->fm_bps);
	return error == EINVAL ? EIO : error;
}

/* The slot at off of a directory; its place. */
static int
slot_get(struct msdos_node *dir, uint32_t off, struct buf **bpp,
    struct fat_dirent **dep, uint64_t *pos)
{
	int error = place(dir, off, pos);

	return error != 0 ? error : msdos_entry_get(dir->fn_fm, *pos, bpp,
	    dep);
}

static int
slot_write(struct msdos_node *dir, uint32_t off, const void *slot,
    uint64_t *pos)
{
	struct fat_dirent *de;
	struct buf *bp;
	int error;

	error = slot_get(dir, off, &bp, &de, pos);
	if (error == 0) {
		memcpy(de, slot, MSDOS_SLOT);
		bdirty(bp);
		brelse(bp);
	}
	return error;
}

/* -- walking -- */

void
msdos_walk_begin(struct msdos_walk *w, struct msdos_node *dir, uint32_t off)
{
	memset(w, 0, sizeof(*w));
	w->w_dir = dir;
	w->w_off = off;
}

void
msdos_walk_end(struct msdos_walk *w)
{
	brelse(w->w_bp);
	w->w_bp = NULL;
}

/* The next slot, which stays readable until the next call. */
static int
walk_slot(struct msdos_walk *w, const struct fat_dirent **dep,
    uint64_t *pos)
{
	unsigned int bps = w->w_dir->fn_fm->fm_bps;
	struct fat_dirent *de;
	int error;

	if (w->w_bp == NULL || w->w_off % bps == 0) {
		brelse(w->w_bp);
		w->w_bp = NULL;
		error = slot_get(w->w_dir, w->w_off, &w->w_bp, &de, pos);
		if (error != 0)
			return error;
		w->w_bpos = rounddown2(*pos, (uint64_t)bps);
	}
	*pos = w->w_bpos + w->w_off % bps;
	*dep = (void *)(w->w_bp->b_data + w->w_off % bps);
	w->w_off += MSDOS_SLOT;
	return 0;
}

/* A part of a long name; at: its slot. */
static void
long_part(struct msdos_walk *w, const uint8_t *p, uint32_t at)
{
	unsigned int seq = p[0] & 0x3f, i;
	uint16_t *u;

	if ((p[0] & LONG_LAST) != 0) {
		w->w_next = seq;
		w->w_nunits = seq * LONG_UNITS;
		w->w_longoff = at;
		w->w_sum = p[13];
	}
	if (seq == 0 || seq != w->w_next || p[13] != w->w_sum ||
	    seq * LONG_UNITS > MSDOS_UNITS + LONG_UNITS - 1) {
		w->w_nunits = w->w_next = 0;
		return;
	}
	w->w_next--;
	u = w->w_units + (seq - 1) * LONG_UNITS;
	for (i = 0; i < LONG_UNITS; i++)
		u[i] = (uint16_t)(p[unit_at[i]] | p[unit_at[i] + 1] << 8);
}

/* The entry that de is, with the long name before it. */
static void
fill_entry(struct msdos_walk *w, const struct fat_dirent *de, uint32_t at,
    uint64_t pos)
{
	struct msdos_entry *e = &w->w_e;
	char name[MSDOS_UNITS * 3 + 8];
	size_t n = 0, i;

	e->e_de = *de;
	e->e_pos = pos;
	e->e_off = at;
	e->e_slots = 1;
	msdos_short_text(de, e->e_short);
	if (w->w_nunits != 0 && w->w_next == 0 &&
	    w->w_sum == msdos_short_sum(de->d_name)) {
		n = utf16_to_utf8((const unsigned char *)w->w_units,
		    MIN(w->w_nunits, MSDOS_UNITS), false, name, sizeof(name));
		e->e_off = w->w_longoff;
		e->e_slots = (at - w->w_longoff) / MSDOS_SLOT + 1;
	}
	/* Longer than names can be here, or none: the short one does. */
	if (n == 0 || n > MSDOS_NAMEMAX || msdos_trim(name, n) == 0) {
		n = strlen(e->e_short);
		memcpy(name, e->e_short, n);
	}
	for (i = 0; i < n; i++)
		e->e_name[i] = (char)(name[i] == '/' ? '_' : name[i]);
	e->e_name[n] = '\0';
	e->e_namelen = (unsigned int)n;
}

/* The next file but "." and ".." in w_e.  ENOENT: there are no more. */
int
msdos_walk_next(struct msdos_walk *w)
{
	const struct fat_dirent *de;
	uint64_t pos;
	uint32_t at;
	int error;

	w->w_nunits = w->w_next = 0;
	for (;;) {
		at = w->w_off;
		error = walk_slot(w, &de, &pos);
		if (error != 0)
			return error;
		if (de->d_name[0] == SLOT_END)
			return ENOENT;
		if (de->d_name[0] == SLOT_FREE) {
			w->w_nunits = w->w_next = 0;
		} else if ((de->d_attr & 0x3f) == ATTR_LONG) {
			long_part(w, (const void *)de, at);
		} else if ((de->d_attr & ATTR_VOLUME) != 0 ||
		    de->d_name[0] == '.') {
			w->w_nunits = w->w_next = 0;
		} else {
			fill_entry(w, de, at, pos);
			return 0;
		}
	}
}

/* The walk stands at the entry in *wp; the caller frees it.  ENOENT. */
int
msdos_find(struct msdos_node *dir, const char *name, size_t len,
    struct msdos_walk **wp)
{
	struct msdos_walk *w = kmem_alloc(sizeof(*w), KM_SLEEP);
	int error;

	if (w == NULL)
		return ENOMEM;
	msdos_walk_begin(w, dir, 0);
	while ((error = msdos_walk_next(w)) == 0)
		if (msdos_same_name(name, len, w->w_e.e_name,
		    w->w_e.e_namelen) || msdos_same_name(name, len,
		    w->w_e.e_short, strlen(w->w_e.e_short)))
			break;
	msdos_walk_end(w);
	if (error != 0) {
		kmem_free(w, sizeof(*w));
		return error;
	}
	*wp = w;
	return 0;
}

int
msdos_dir_empty(struct msdos_node *dir)
{
	struct msdos_walk *w = kmem_alloc(sizeof(*w), KM_SLEEP);
	int error;

	if (w == NULL)
		return ENOMEM;
	msdos_walk_begin(w, dir, 0);
	error = msdos_walk_next(w);
	msdos_walk_end(w);
	kmem_free(w, sizeof(*w));
	return error == 0 ? ENOTEMPTY : error == ENOENT ? 0 : error;
}

/* -- adding -- */

/* What one pass over a directory finds. */
struct room {
	uint32_t	ro_off;		/* of enough free slots in a row */
	uint32_t	ro_n;		/* how many of them are there */
	bool		ro_found;
	bool		ro_taken;	/* the short name is */
};

static int
look_for_room(struct msdos_node *dir, const uint8_t *shortname,
    unsigned int want, struct room *ro)
{
	struct msdos_walk *w = kmem_alloc(sizeof(*w), KM_SLEEP);
	const struct fat_dirent *de;
	bool ended = false;
	uint64_t pos;
	uint32_t at;
	int error;

	if (w == NULL)
		return ENOMEM;
	memset(ro, 0, sizeof(*ro));
	msdos_walk_begin(w, dir, 0);
	for (;;) {
		at = w->w_off;
		error = walk_slot(w, &de, &pos);
		if (error != 0)
			break;
		ended |= de->d_name[0] == SLOT_END;
		if (ended || de->d_name[0] == SLOT_FREE) {
			if (!ro->ro_found) {
				ro->ro_off = ro->ro_n == 0 ? at : ro->ro_off;
				ro->ro_found = ++ro->ro_n >= want;
			}
			if (ended && ro->ro_found)
				break;
			continue;
		}
		if (!ro->ro_found)
			ro->ro_n = 0;
		if ((de->d_attr & ATTR_VOLUME) == 0 &&
		    memcmp(de->d_name, shortname, 11) == 0)
			ro->ro_taken = true;
	}
	if (!ro->ro_found && ro->ro_n == 0)
		ro->ro_off = w->w_off;
	msdos_walk_end(w);
	kmem_free(w, sizeof(*w));
	return error == ENOENT ? 0 : error;
}

/* One more cluster of free slots. */
static int
dir_grow(struct msdos_node *dir)
{
	struct msdos_mount *fm = dir->fn_fm;
	uint32_t clus, n, had, i;
	struct buf *bp;
	uint64_t pos;
	int error;

	if (dir->fn_pos == 0 && fm->fm_bits != 32)
		return ENOSPC;
	mutex_enter(&dir->fn_lock);
	error = msdos_map_load(dir);
	had = dir->fn_nclus;
	mutex_exit(&dir->fn_lock);
	if (error == 0 && ((uint64_t)had + 1) << fm->fm_cshift >
	    MSDOS_DIRMAX)
		error = ENOSPC;
	if (error == 0)
		error = msdos_grow(dir, had + 1);
	if (error != 0)
		return error;
	mutex_enter(&dir->fn_lock);
	error = msdos_map(dir, had, &clus, &n);
	mutex_exit(&dir->fn_lock);
	if (error == 0 && n == 0)
		error = EIO;
	for (i = 0; error == 0 && i < 1U << fm->fm_cshift; i += fm->fm_bps) {
		pos = msdos_clus_pos(fm, clus) + i;
		error = bgetzero(fm->fm_bc, pos / fm->fm_bps, &bp);
		if (error == 0) {
			bdirty(bp);
			brelse(bp);
		}
	}
	return error;
}

/* The part of a long name with number seq, from 1 on. */
static void
long_slot(uint8_t *p, const uint16_t *units, size_t n, unsigned int seq,
    bool last, uint8_t sum)
{
	size_t at = (seq - 1) * LONG_UNITS;
	unsigned int i;
	uint16_t u;

	memset(p, 0, MSDOS_SLOT);
	p[0] = (uint8_t)(seq | (last ? LONG_LAST : 0));
	p[11] = ATTR_LONG;
	p[13] = sum;
	for (i = 0; i < LONG_UNITS; i++) {
		u = at + i < n ? units[at + i] : at + i == n ? 0 : 0xffff;
		p[unit_at[i]] = (uint8_t)u;
		p[unit_at[i] + 1] = (uint8_t)(u >> 8);
	}
}

/* Behind the last slot there must be an end, or nothing. */
static int
keep_end(struct msdos_node *dir, uint32_t off, bool wasend)
{
	struct fat_dirent *de;
	struct buf *bp;
	uint64_t pos;
	int error;

	if (!wasend)
		return 0;
	error = slot_get(dir, off, &bp, &de, &pos);
	if (error != 0)
		return error == ENOENT ? 0 : error;
	if (de->d_name[0] != SLOT_END) {
		de->d_name[0] = SLOT_END;
		bdirty(bp);
	}
	brelse(bp);
	return 0;
}

/* Is there an end mark in one of the n slots at off? */
static int
covers_end(struct msdos_node *dir, uint32_t off, unsigned int n, bool *yes)
{
	struct fat_dirent *de;
	struct buf *bp;
	uint64_t pos;
	int error = 0;

	*yes = false;
	for (; n > 0 && error == 0 && !*yes; n--, off += MSDOS_SLOT) {
		error = slot_get(dir, off, &bp, &de, &pos);
		if (error == 0) {
			*yes = de->d_name[0] == SLOT_END;
			brelse(bp);
		}
	}
	return error;
}

/* A short name that nobody has, and room for nslots. */
static int
choose(struct msdos_node *dir, const char *name, size_t len, bool exact,
    unsigned int nslots, uint8_t *shortname, uint32_t *off)
{
	struct room ro;
	unsigned int n;
	int error;

	for (n = exact ? 0 : 1; n < 100; n++) {
		if (n > 0)
			msdos_short_tail(name, len, n, shortname);
		error = look_for_room(dir, shortname, nslots, &ro);
		if (error != 0)
			return error;
		if (!ro.ro_taken)
			break;
	}
	if (n == 100)
		return ENOSPC;
	while (!ro.ro_found) {
		error = dir_grow(dir);
		if (error != 0)
			return error;
		error = look_for_room(dir, shortname, nslots, &ro);
		if (error != 0)
			return error;
	}
	*off = ro.ro_off;
	return 0;
}

static int
write_slots(struct msdos_node *dir, const uint16_t *units, size_t nunits,
    unsigned int nlong, const struct fat_dirent *de, struct msdos_entry *e)
{
	uint8_t slot[MSDOS_SLOT], sum = msdos_short_sum(de->d_name);
	uint32_t off = e->e_off;
	unsigned int i;
	bool wasend;
	int error;

	error = covers_end(dir, off, nlong + 1, &wasend);
	if (error == 0)
		error = keep_end(dir, off + (nlong + 1) * MSDOS_SLOT, wasend);
	for (i = nlong; i > 0 && error == 0; i--, off += MSDOS_SLOT) {
		long_slot(slot, units, nunits, i, i == nlong, sum);
		error = slot_write(dir, off, slot, &e->e_pos);
	}
	if (error == 0)
		error = slot_write(dir, off, de, &e->e_pos);
	return error;
}

int
msdos_dir_add(struct msdos_node *dir, const char *name, size_t len,
    const struct fat_dirent *like, struct msdos_entry *e)
{
	struct fat_dirent de = *like;
	unsigned int nlong = 0;
	uint16_t *units;
	size_t nunits;
	bool exact;
	int error;

	len = msdos_trim(name, len);
	error = msdos_name_check(name, len);
	if (error != 0)
		return error;
	units = kmem_alloc(MSDOS_UNITS * sizeof(*units), KM_SLEEP);
	if (units == NULL)
		return ENOMEM;
	error = utf8_to_utf16(name, len, units, MSDOS_UNITS, &nunits);
	if (error != 0) {
		error = error == EILSEQ ? EINVAL : error;
		goto out;
	}
	exact = msdos_short_make(name, len, de.d_name);
	if (!exact)
		nlong = (unsigned int)howmany(nunits, LONG_UNITS);
	de.d_case = 0;
	error = choose(dir, name, len, exact, nlong + 1, de.d_name,
	    &e->e_off);
	if (error != 0)
		goto out;
	error = write_slots(dir, units, nunits, nlong, &de, e);
	e->e_de = de;
	e->e_slots = nlong + 1;
	memcpy(e->e_name, name, len);
	e->e_name[len] = '\0';
	e->e_namelen = (unsigned int)len;
	msdos_short_text(&de, e->e_short);
out:
	kmem_free(units, MSDOS_UNITS * sizeof(*units));
	return error;
}

int
msdos_dir_remove(struct msdos_node *dir, const struct msdos_entry *e)
{
	struct fat_dirent *de;
	struct buf *bp;
	unsigned int i;
	uint64_t pos;
	int error = 0;

	for (i = 0; i < e->e_slots && error == 0; i++) {
		error = slot_get(dir, e->e_off + i * MSDOS_SLOT, &bp, &de,
		    &pos);
		if (error == 0) {
			de->d_name[0] = SLOT_FREE;
			bdirty(bp);
			brelse(bp);
		}
	}
	return error;
}

/* -- "." and ".." -- */

static void
dot_slot(struct msdos_node *dir, unsigned int dots, uint32_t clus,
    struct fat_dirent *de)
{
	msdos_encode(dir, de);
	memset(de->d_name, ' ', sizeof(de->d_name));
	memset(de->d_name, '.', dots);
	de->d_attr = ATTR_DIR;
	de->d_clushi = (uint16_t)(clus >> 16);
	de->d_cluslo = (uint16_t)clus;
}

/* A new directory gets its first cluster. */
int
msdos_dir_init(struct msdos_node *dir, uint32_t parent)
{
	struct fat_dirent de;
	uint64_t pos;
	int error;

	error = dir_grow(dir);
	if (error != 0)
		return error;
	memset(&de, 0, sizeof(de));
	dot_slot(dir, 1, dir->fn_start, &de);
	error = slot_write(dir, 0, &de, &pos);
	dot_slot(dir, 2, parent, &de);
	if (error == 0)
		error = slot_write(dir, MSDOS_SLOT, &de, &pos);
	return error;
}

int
msdos_dir_setparent(struct msdos_node *dir, uint32_t parent)
{
	struct fat_dirent *de;
	struct buf *bp;
	uint64_t pos;
	int error;

	error = slot_get(dir, MSDOS_SLOT, &bp, &de, &pos);
	if (error != 0)
		return error;
	if (memcmp(de->d_name, "..         ", 11) == 0) {
		de->d_clushi = (uint16_t)(parent >> 16);
		de->d_cluslo = (uint16_t)parent;
		bdirty(bp);
	}
	brelse(bp);
	return 0;
}
