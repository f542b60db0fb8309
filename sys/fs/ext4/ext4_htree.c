/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: directories with an index by hash.
 *
 * Overview: block 0 is the root of a tree of one or two levels of nodes over
 * the blocks with entries.  An entry of a node is (hash, block): names from
 * that hash on, up to the next one's.  Bit 0 of a hash says that names with the
 * same hash are also in the block before.  A full leaf is split at the middle
 * of its bytes; a full root gets nodes below it; a full node is split.
 *
 * Locking: v_lock of the directory.
 *
 * Untrusted input: limit and count of a node are checked each time it is read;
 * leaves as all blocks of directories.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/ext4/ext4.h>

#define	LEVELS		2
#define	ENTRIES_MAX	(4096 / 12)

struct frame {
	struct buf	*f_buf;
	unsigned int	f_off;		/* of limit and count */
	unsigned int	f_at;		/* the entry taken */
};

struct walk {
	unsigned int	w_levels;	/* nodes on the way: 1 or 2 */
	struct frame	w_f[LEVELS];
	uint32_t	w_hash;
	unsigned int	w_version;
};

struct name_map {
	uint32_t	nm_hash;
	uint16_t	nm_off, nm_size;
};

static struct ext4_dxcount *
counts(const struct frame *f)
{
	return (void *)(f->f_buf->b_data + f->f_off);
}

static struct ext4_dxentry *
entries(const struct frame *f)
{
	return (void *)(f->f_buf->b_data + f->f_off);
}

static unsigned int
limit_of(const struct ext4_mount *em, unsigned int off)
{
	return (em->em_bsize - off - (em->em_csum ?
	    (unsigned int)sizeof(struct ext4_dxtail) : 0)) / 8;
}

static void
walk_release(struct walk *w)
{
	unsigned int i;

	for (i = 0; i < LEVELS; i++)
		brelse(w->w_f[i].f_buf);
}

static int
bad_index(struct ext4_inode *ei)
{
	return ext4_error(ei->ei_em, ei->ei_ino, "bad directory index");
}

/* Which entry is for the hash? */
static void
frame_find(struct frame *f, uint32_t hash)
{
	struct ext4_dxentry *x = entries(f);
	unsigned int lo = 0, hi = counts(f)->dc_count, mid;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (x[mid].dx_hash <= hash)
			lo = mid;
		else
			hi = mid;
	}
	f->f_at = lo;
}

static uint32_t
frame_block(const struct frame *f)
{
	return entries(f)[f->f_at].dx_block & 0x0fffffff;
}

static int
frame_read(struct ext4_inode *ei, uint32_t lblk, unsigned int off,
    struct frame *f)
{
	struct ext4_dxcount *dc;
	int error;

	error = ext4_dir_block(ei, lblk, &f->f_buf);
	if (error != 0) {
		f->f_buf = NULL;
		return error;
	}
	f->f_off = off;
	dc = counts(f);
	if (dc->dc_limit != limit_of(ei->ei_em, off) || dc->dc_count == 0 ||
	    dc->dc_count > dc->dc_limit)
		return bad_index(ei);
	return 0;
}

/* The nodes on the way to a name.  EOPNOTSUPP: an unknown hash. */
static int
walk_to(struct ext4_inode *ei, const char *name, size_t len, struct walk *w)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_dxinfo *di;
	unsigned int i;
	int error;

	memset(w, 0, sizeof(*w));
	error = frame_read(ei, 0, EXT4_DX_ROOT_ENTRIES, &w->w_f[0]);
	if (error != 0)
		goto fail;
	di = (void *)(w->w_f[0].f_buf->b_data + EXT4_DX_ROOT_INFO);
	if (di->di_zero != 0 || di->di_len != 8 || di->di_levels >= LEVELS) {
		error = bad_index(ei);
		goto fail;
	}
	w->w_levels = di->di_levels + 1U;
	w->w_version = di->di_hash;
	if (w->w_version <= EXT4_HASH_TEA && em->em_hashunsigned)
		w->w_version += EXT4_HASH_UNSIGNED;
	error = ext4_hash(em, w->w_version, name, len, &w->w_hash);
	if (error != 0)
		goto fail;
	frame_find(&w->w_f[0], w->w_hash);
	for (i = 1; i < w->w_levels; i++) {
		error = frame_read(ei, frame_block(&w->w_f[i - 1]),
		    EXT4_DX_NODE_ENTRIES, &w->w_f[i]);
		if (error != 0)
			goto fail;
		frame_find(&w->w_f[i], w->w_hash);
	}
	return 0;
fail:
	walk_release(w);
	return error;
}

static struct frame *
last_frame(struct walk *w)
{
	return &w->w_f[w->w_levels - 1];
}

/* On to the next leaf if names of the same hash go on there. */
static int
walk_next(struct ext4_inode *ei, struct walk *w, bool *more)
{
	unsigned int i = w->w_levels;
	struct frame *f;
	uint32_t hash;
	int error;

	*more = false;
	while (i > 0 && w->w_f[i - 1].f_at + 1 >=
	    counts(&w->w_f[i - 1])->dc_count)
		i--;
	if (i == 0)
		return 0;
	f = &w->w_f[i - 1];
	hash = entries(f)[f->f_at + 1].dx_hash;
	if ((hash & 1) == 0 || (hash & ~1U) != w->w_hash)
		return 0;
	f->f_at++;
	for (; i < w->w_levels; i++) {
		brelse(w->w_f[i].f_buf);
		error = frame_read(ei, frame_block(&w->w_f[i - 1]),
		    EXT4_DX_NODE_ENTRIES, &w->w_f[i]);
		if (error != 0)
			return error;
		w->w_f[i].f_at = 0;
	}
	*more = true;
	return 0;
}

/* The leaf that the walk leads to; never one of the tree's own blocks. */
static int
leaf_read(struct ext4_inode *ei, struct walk *w, struct buf **bpp,
    uint32_t *lblk)
{
	unsigned int i;
	int error;

	*lblk = frame_block(last_frame(w));
	if (*lblk == 0 || *lblk >= ext4_dir_nblocks(ei))
		return bad_index(ei);
	error = ext4_dir_block(ei, *lblk, bpp);
	if (error != 0)
		return error;
	for (i = 0; i < w->w_levels; i++)
		if (*bpp == w->w_f[i].f_buf) {
			brelse(*bpp);
			return bad_index(ei);
		}
	return 0;
}

int
ext4_dx_find(struct ext4_inode *ei, const char *name, size_t len,
    struct ext4_slot *s)
{
	struct buf *bp;
	struct walk w;
	uint32_t lblk;
	bool more;
	int error;

	error = walk_to(ei, name, len, &w);
	if (error != 0)
		return error;
	do {
		more = false;
		error = leaf_read(ei, &w, &bp, &lblk);
		if (error == 0) {
			error = ext4_dir_search(ei, bp, lblk, name, len, s);
			brelse(bp);
		}
		if (error == ENOENT) {
			error = walk_next(ei, &w, &more);
			if (error == 0)
				error = ENOENT;
		}
	} while (error == ENOENT && more);
	walk_release(&w);
	return error;
}

/* -- adding -- */

/* An entry behind the one taken; the node is accessed and has room. */
static void
frame_insert(struct ext4_inode *ei, struct frame *f, uint32_t hash,
    uint32_t lblk)
{
	struct ext4_dxcount *dc = counts(f);
	struct ext4_dxentry *x = entries(f) + f->f_at + 1;

	memmove(x + 1, x, (dc->dc_count - f->f_at - 1) * sizeof(*x));
	x->dx_hash = hash;
	x->dx_block = lblk;
	dc->dc_count++;
	ext4_dir_csum_set(ei, f->f_buf);
}

/* A new node block, looking like an empty directory block. */
static int
node_new(struct ext4_handle *h, struct ext4_inode *ei, struct frame *f,
    uint32_t *lblk)
{
	struct ext4_dirent *de;
	int error;

	error = ext4_dir_append(h, ei, &f->f_buf, lblk);
	if (error != 0)
		return error;
	de = (void *)f->f_buf->b_data;
	de->de_reclen = (uint16_t)ei->ei_em->em_bsize;
	f->f_off = EXT4_DX_NODE_ENTRIES;
	f->f_at = 0;
	counts(f)->dc_limit = (uint16_t)limit_of(ei->ei_em, f->f_off);
	return 0;
}

/* The root is full: its entries move into a node below. */
static int
root_grow(struct ext4_handle *h, struct ext4_inode *ei, struct walk *w)
{
	struct frame *root = &w->w_f[0], new;
	struct ext4_dxinfo *di;
	unsigned int n = counts(root)->dc_count;
	uint16_t limit;
	uint32_t lblk;
	int error;

	error = ext4_jwrite(h, root->f_buf);
	if (error == 0)
		error = node_new(h, ei, &new, &lblk);
	if (error != 0)
		return error;
	limit = counts(&new)->dc_limit;
	memcpy(entries(&new), entries(root), n * sizeof(struct ext4_dxentry));
	counts(&new)->dc_limit = limit;
	counts(&new)->dc_count = (uint16_t)n;
	ext4_dir_csum_set(ei, new.f_buf);
	di = (void *)(root->f_buf->b_data + EXT4_DX_ROOT_INFO);
	di->di_levels++;
	counts(root)->dc_count = 1;
	counts(root)->dc_block = lblk;
	ext4_dir_csum_set(ei, root->f_buf);
	brelse(new.f_buf);
	return 0;
}

/* The node below the root is full: half of it moves to a new one. */
static int
node_split(struct ext4_handle *h, struct ext4_inode *ei, struct walk *w)
{
	struct frame *root = &w->w_f[0], *f = &w->w_f[1], new;
	unsigned int n = counts(f)->dc_count, keep = n / 2;
	uint16_t limit;
	uint32_t lblk, hash;
	int error;

	if (counts(root)->dc_count >= counts(root)->dc_limit)
		return ENOSPC;		/* that is the largest tree */
	error = ext4_jwrite(h, root->f_buf);
	if (error == 0)
		error = ext4_jwrite(h, f->f_buf);
	if (error == 0)
		error = node_new(h, ei, &new, &lblk);
	if (error != 0)
		return error;
	hash = entries(f)[keep].dx_hash;
	limit = counts(&new)->dc_limit;
	memcpy(entries(&new), entries(f) + keep,
	    (n - keep) * sizeof(struct ext4_dxentry));
	counts(&new)->dc_limit = limit;
	counts(&new)->dc_count = (uint16_t)(n - keep);
	counts(f)->dc_count = (uint16_t)keep;
	ext4_dir_csum_set(ei, new.f_buf);
	ext4_dir_csum_set(ei, f->f_buf);
	frame_insert(ei, root, hash, lblk);
	brelse(new.f_buf);
	return 0;
}

static int
map_cmp(const void *a, const void *b)
{
	const struct name_map *x = a, *y = b;

	return x->nm_hash < y->nm_hash ? -1 : x->nm_hash > y->nm_hash;
}

/* The names of a block, by hash. */
static int
map_names(struct ext4_inode *ei, unsigned int version, const char *block,
    struct name_map *map, unsigned int *n)
{
	unsigned int off, room = ext4_dir_room(ei->ei_em);
	const struct ext4_dirent *de;
	int error;

	*n = 0;
	for (off = 0; off < room; off += de->de_reclen) {
		de = (const void *)(block + off);
		if (off + EXT4_DE_HDR > room || de->de_reclen < 12 ||
		    de->de_reclen % 4 != 0 || de->de_reclen > room - off ||
		    de->de_namelen + EXT4_DE_HDR > de->de_reclen)
			return bad_index(ei);
		if (de->de_ino == 0 || de->de_namelen == 0)
			continue;
		error = ext4_hash(ei->ei_em, version, de->de_name,
		    de->de_namelen, &map[*n].nm_hash);
		if (error != 0)
			return error;
		map[*n].nm_off = (uint16_t)off;
		map[(*n)++].nm_size = (uint16_t)EXT4_DE_LEN(de->de_namelen);
	}
	kheapsort(map, *n, sizeof(*map), map_cmp);
	return 0;
}

/* Fill a block with some entries of another. */
static void
pack(struct ext4_inode *ei, char *to, const char *from,
    const struct name_map *map, unsigned int n)
{
	unsigned int room = ext4_dir_room(ei->ei_em), off = 0, i;
	struct ext4_dirent *de = (void *)to;

	memset(to, 0, ei->ei_em->em_bsize);
	for (i = 0; i < n; i++) {
		de = (void *)(to + off);
		memcpy(de, from + map[i].nm_off, map[i].nm_size);
		de->de_reclen = map[i].nm_size;
		off += map[i].nm_size;
	}
	de->de_reclen = (uint16_t)(room - (off - (n > 0 ? de->de_reclen :
	    off)));
	ext4_dir_tail_init(ei->ei_em, to);
}

/* Where to cut: about half of the bytes below. */
static unsigned int
cut_at(const struct name_map *map, unsigned int n)
{
	unsigned int i, total = 0, sum = 0;

	for (i = 0; i < n; i++)
		total += map[i].nm_size;
	for (i = 0; i < n - 1 && sum + map[i].nm_size <= total / 2; i++)
		sum += map[i].nm_size;
	return MAX(i, 1);
}

/*
 * Split a leaf; the node has room and is accessed.  On success *bpp is the half
 * where the new name belongs.
 */
static int
leaf_split(struct ext4_handle *h, struct ext4_inode *ei, struct walk *w,
    struct buf **bpp, char *copy, struct name_map *map)
{
	struct frame *f = last_frame(w);
	struct buf *new, *old = *bpp;
	unsigned int n, cut;
	uint32_t lblk, hash, more;
	int error;

	memcpy(copy, old->b_data, ei->ei_em->em_bsize);
	error = map_names(ei, w->w_version, copy, map, &n);
	if (error != 0)
		return error;
	if (n < 2)
		return bad_index(ei);
	error = ext4_jwrite(h, old);
	if (error == 0)
		error = ext4_jwrite(h, f->f_buf);
	if (error == 0)
		error = ext4_dir_append(h, ei, &new, &lblk);
	if (error != 0)
		return error;
	cut = cut_at(map, n);
	hash = map[cut].nm_hash;
	more = hash == map[cut - 1].nm_hash ? 1 : 0;
	pack(ei, old->b_data, copy, map, cut);
	pack(ei, new->b_data, copy, map + cut, n - cut);
	ext4_dir_csum_set(ei, old);
	ext4_dir_csum_set(ei, new);
	frame_insert(ei, f, hash + more, lblk);
	if (w->w_hash >= hash) {
		*bpp = new;
		brelse(old);
	} else {
		brelse(new);
	}
	return 0;
}

static bool
frame_full(const struct frame *f)
{
	return counts(f)->dc_count >= counts(f)->dc_limit;
}

int
ext4_dx_add(struct ext4_handle *h, struct ext4_inode *ei, const char *name,
    size_t len, uint32_t ino, mode_t mode)
{
	unsigned int bsize = ei->ei_em->em_bsize, tries;
	size_t mapsize = ENTRIES_MAX * sizeof(struct name_map);
	struct name_map *map = NULL;
	char *copy = NULL;
	struct buf *bp;
	struct walk w;
	uint32_t lblk;
	int error = ENOSPC;

	/* Each round makes room at one level: root, node, leaf. */
	for (tries = 0; tries < 4; tries++) {
		error = walk_to(ei, name, len, &w);
		if (error != 0)
			break;
		error = leaf_read(ei, &w, &bp, &lblk);
		if (error == 0) {
			error = ext4_dir_add_block(h, ei, bp, name, len, ino,
			    mode);
			if (error == ENOSPC && !frame_full(last_frame(&w))) {
				if (copy == NULL)
					copy = kmem_alloc(bsize, KM_SLEEP);
				if (map == NULL)
					map = kmem_alloc(mapsize, KM_SLEEP);
				error = copy == NULL || map == NULL ? ENOMEM :
				    leaf_split(h, ei, &w, &bp, copy, map);
				if (error == 0)
					error = ext4_dir_add_block(h, ei, bp,
					    name, len, ino, mode);
				/* Still full: names of very uneven lengths. */
				brelse(bp);
				walk_release(&w);
				if (error == ENOSPC)
					continue;
				break;
			}
			brelse(bp);
			if (error == ENOSPC)
				error = w.w_levels < LEVELS ?
				    root_grow(h, ei, &w) :
				    node_split(h, ei, &w);
			else
				tries = 4;
		}
		walk_release(&w);
		if (error != 0)
			break;
	}
	if (copy != NULL)
		kmem_free(copy, bsize);
	if (map != NULL)
		kmem_free(map, mapsize);
	return error;
}

int
ext4_dx_create(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_mount *em = ei->ei_em;
	unsigned int room = ext4_dir_room(em), off, out = 0;
	struct ext4_dirent *de, *last = NULL;
	struct ext4_dxinfo *di;
	struct buf *bp, *leaf;
	struct frame root;
	uint32_t lblk;
	int error;

	error = ext4_dir_block(ei, 0, &bp);
	if (error != 0)
		return error;
	de = (void *)(bp->b_data + 12);
	off = 12 + de->de_reclen;
	if (((struct ext4_dirent *)(void *)bp->b_data)->de_reclen != 12 ||
	    de->de_reclen < 12 || off > room) {
		brelse(bp);
		return bad_index(ei);
	}
	error = ext4_jwrite(h, bp);
	if (error == 0)
		error = ext4_dir_append(h, ei, &leaf, &lblk);
	if (error != 0) {
		brelse(bp);
		return error;
	}
	for (; off < room; off += de->de_reclen) {
		de = (void *)(bp->b_data + off);
		if (de->de_reclen < 12 || de->de_reclen > room - off)
			break;		/* checked when it was searched */
		if (de->de_ino == 0)
			continue;
		last = (void *)(leaf->b_data + out);
		memcpy(last, de, EXT4_DE_LEN(de->de_namelen));
		last->de_reclen = (uint16_t)EXT4_DE_LEN(de->de_namelen);
		out += last->de_reclen;
	}
	if (last == NULL)
		last = (void *)leaf->b_data;
	last->de_reclen = (uint16_t)(room - (unsigned int)((char *)last -
	    leaf->b_data));
	ext4_dir_tail_init(em, leaf->b_data);
	ext4_dir_csum_set(ei, leaf);
	brelse(leaf);

	de = (void *)(bp->b_data + 12);
	de->de_reclen = (uint16_t)(em->em_bsize - 12);
	memset(bp->b_data + EXT4_DX_ROOT_INFO, 0,
	    em->em_bsize - EXT4_DX_ROOT_INFO);
	di = (void *)(bp->b_data + EXT4_DX_ROOT_INFO);
	di->di_hash = em->em_sb.s_def_hash_version <= EXT4_HASH_TEA ?
	    em->em_sb.s_def_hash_version : EXT4_HASH_HALF_MD4;
	di->di_len = 8;
	root = (struct frame){ .f_buf = bp, .f_off = EXT4_DX_ROOT_ENTRIES };
	counts(&root)->dc_limit = (uint16_t)limit_of(em, root.f_off);
	counts(&root)->dc_count = 1;
	counts(&root)->dc_block = lblk;
	ei->ei_flags |= EXT4_FL_INDEX;
	ext4_dir_csum_set(ei, bp);
	brelse(bp);
	return 0;
}
