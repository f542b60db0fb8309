/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: block maps as trees of extents.
 *
 * Overview: the root is in the inode, the other nodes are blocks.  A path leads
 * from the root to the leaf that has, or would have, a block; level 0 is the
 * root.  Every change is made in one leaf; it is split beforehand if it is
 * full, and an emptied node is freed.  The key of a node's first entry is also
 * the key of its entry in the parent.
 *
 * Locking: ei_maplock, exclusive for changes.
 *
 * Untrusted input: a node's header is checked each time it is read, so that no
 * walk leaves the block; its checksum and order once while it is cached.  The
 * depth falls with each step down, so walks end.  Disk blocks are checked where
 * they are used.
 */
#include <sys/errno.h>
#include <fs/ext4/ext4.h>

#define	ROOT_MAX	4
#define	LEVELS		(EXT4_EXT_MAXDEPTH + 1)
#define	META_PIECE	16	/* metadata blocks freed in one step */

struct level {
	struct buf	*l_buf;		/* NULL: the root */
	struct ext4_ehdr *l_hdr;
	int		l_idx;		/* last entry not above; -1: none */
};

struct path_ext {
	unsigned int	p_depth;
	struct level	p_l[LEVELS];
};

static struct ext4_ehdr *
root_of(const struct ext4_inode *ei)
{
	return (struct ext4_ehdr *)(uintptr_t)ei->ei_block;
}

static struct ext4_extent *
extents(struct ext4_ehdr *eh)
{
	return (struct ext4_extent *)(void *)(eh + 1);
}

static struct ext4_eidx *
indexes(struct ext4_ehdr *eh)
{
	return (struct ext4_eidx *)(void *)(eh + 1);
}

/* Both kinds of entries begin with their key. */
static uint32_t
key_of(struct ext4_ehdr *eh, unsigned int i)
{
	return extents(eh)[i].ee_block;
}

static uint64_t
ext_start(const struct ext4_extent *e)
{
	return e->ee_start_lo | (uint64_t)e->ee_start_hi << 32;
}

static bool
ext_unwritten(const struct ext4_extent *e)
{
	return e->ee_len > EXT4_EXT_INITLEN;
}

static uint32_t
ext_len(const struct ext4_extent *e)
{
	return ext_unwritten(e) ? e->ee_len - EXT4_EXT_UNWRITTEN : e->ee_len;
}

static void
ext_set(struct ext4_extent *e, uint32_t lblk, uint64_t blk, uint32_t len,
    bool unwritten)
{
	e->ee_block = lblk;
	e->ee_len = (uint16_t)(unwritten ? len + EXT4_EXT_UNWRITTEN : len);
	e->ee_start_hi = (uint16_t)(blk >> 32);
	e->ee_start_lo = (uint32_t)blk;
}

static uint64_t
idx_leaf(const struct ext4_eidx *x)
{
	return x->ei_leaf_lo | (uint64_t)x->ei_leaf_hi << 32;
}

static unsigned int
node_max(const struct ext4_mount *em)
{
	return (em->em_bsize - (unsigned int)sizeof(struct ext4_ehdr)) /
	    (unsigned int)sizeof(struct ext4_extent);
}

void
ext4_ext_init(struct ext4_inode *ei)
{
	struct ext4_ehdr *eh = root_of(ei);

	memset(ei->ei_block, 0, sizeof(ei->ei_block));
	eh->eh_magic = EXT4_EXT_MAGIC;
	eh->eh_max = ROOT_MAX;
}

bool
ext4_ext_root_valid(const struct ext4_inode *ei)
{
	const struct ext4_ehdr *eh = root_of(ei);

	return eh->eh_magic == EXT4_EXT_MAGIC && eh->eh_max == ROOT_MAX &&
	    eh->eh_entries <= ROOT_MAX && eh->eh_depth <= EXT4_EXT_MAXDEPTH &&
	    (eh->eh_depth == 0 || eh->eh_entries > 0);
}

/* -- nodes -- */

static uint32_t *
node_tail(struct ext4_ehdr *eh)
{
	return (uint32_t *)(void *)(extents(eh) + eh->eh_max);
}

static uint32_t
node_crc(const struct ext4_inode *ei, struct ext4_ehdr *eh)
{
	return ext4_crc(ei->ei_csum_seed, eh,
	    (size_t)((char *)node_tail(eh) - (char *)eh));
}

static void
node_changed(struct ext4_inode *ei, struct level *l)
{
	if (l->l_buf != NULL && ei->ei_em->em_csum)
		*node_tail(l->l_hdr) = node_crc(ei, l->l_hdr);
}

static bool
node_sorted(struct ext4_ehdr *eh)
{
	struct ext4_extent *e = extents(eh);
	unsigned int i;
	uint64_t end = 0;

	for (i = 0; i < eh->eh_entries; i++) {
		if (e[i].ee_block < end || (eh->eh_depth == 0 &&
		    ext_len(&e[i]) == 0))
			return false;
		end = (uint64_t)e[i].ee_block +
		    (eh->eh_depth == 0 ? ext_len(&e[i]) : 1);
	}
	return end <= (uint64_t)EXT4_MAX_LBLK + 1;
}

static int
node_read(struct ext4_inode *ei, uint64_t blk, unsigned int depth,
    struct level *l)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_ehdr *eh;
	struct buf *bp;
	int error;

	if (!ext4_block_valid(em, blk, 1))
		return ext4_error(em, ei->ei_ino, "extent node at %llu",
		    (unsigned long long)blk);
	error = bread(em->em_bc, blk, &bp);
	if (error != 0)
		return error;
	eh = (void *)bp->b_data;
	if (eh->eh_magic != EXT4_EXT_MAGIC || eh->eh_depth != depth ||
	    eh->eh_max == 0 || eh->eh_max > node_max(em) ||
	    eh->eh_entries > eh->eh_max ||
	    (depth > 0 && eh->eh_entries == 0) ||
	    ((bp->b_flags & B_CHECKED) == 0 && (!node_sorted(eh) ||
	    (em->em_csum && *node_tail(eh) != node_crc(ei, eh))))) {
		brelse(bp);
		return ext4_error(em, ei->ei_ino, "bad extent node %llu",
		    (unsigned long long)blk);
	}
	bchecked(bp);
	l->l_buf = bp;
	l->l_hdr = eh;
	return 0;
}

/* The last entry whose key is not above lblk, or -1. */
static int
node_find(struct ext4_ehdr *eh, uint32_t lblk)
{
	int lo = -1, hi = eh->eh_entries, mid;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (key_of(eh, (unsigned int)mid) <= lblk)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void
path_release(struct path_ext *p)
{
	unsigned int i;

	for (i = 0; i <= p->p_depth; i++)
		brelse(p->p_l[i].l_buf);
	p->p_depth = 0;
	p->p_l[0].l_buf = NULL;
}

static int
path_find(struct ext4_inode *ei, uint32_t lblk, struct path_ext *p)
{
	struct level *l = p->p_l;
	unsigned int depth, i;
	int error;

	memset(p, 0, sizeof(*p));
	l[0].l_hdr = root_of(ei);
	depth = l[0].l_hdr->eh_depth;
	if (!ext4_ext_root_valid(ei))
		return ext4_error(ei->ei_em, ei->ei_ino, "bad extent root");
	l[0].l_idx = node_find(l[0].l_hdr, lblk);
	for (i = 1; i <= depth; i++) {
		error = node_read(ei, idx_leaf(indexes(l[i - 1].l_hdr) +
		    MAX(l[i - 1].l_idx, 0)), depth - i, &l[i]);
		if (error != 0) {
			path_release(p);
			return error;
		}
		p->p_depth = i;
		l[i - 1].l_idx = MAX(l[i - 1].l_idx, 0);
		l[i].l_idx = node_find(l[i].l_hdr, lblk);
	}
	return 0;
}

static struct level *
leaf_of(struct path_ext *p)
{
	return &p->p_l[p->p_depth];
}

/* The key of the first extent behind the path's, or the end of the space. */
static uint32_t
next_key(struct path_ext *p)
{
	unsigned int i;
	struct level *l;

	for (i = p->p_depth + 1; i-- > 0;) {
		l = &p->p_l[i];
		if (l->l_idx + 1 < (int)l->l_hdr->eh_entries)
			return key_of(l->l_hdr, (unsigned int)l->l_idx + 1);
	}
	return EXT4_MAX_LBLK;
}

int
ext4_ext_get(struct ext4_inode *ei, uint32_t lblk, uint32_t max,
    struct ext4_map *m)
{
	struct ext4_extent *e = NULL;
	struct path_ext p;
	struct level *l;
	uint32_t off, next;
	int error;

	error = path_find(ei, lblk, &p);
	if (error != 0)
		return error;
	l = leaf_of(&p);
	m->m_lblk = lblk;
	m->m_blk = 0;
	m->m_unwritten = false;
	if (l->l_idx >= 0)
		e = &extents(l->l_hdr)[l->l_idx];
	if (e != NULL && lblk - e->ee_block < ext_len(e)) {
		off = lblk - e->ee_block;
		m->m_blk = ext_start(e) + off;
		m->m_len = MIN(max, ext_len(e) - off);
		m->m_unwritten = ext_unwritten(e);
		if (!ext4_block_valid(ei->ei_em, m->m_blk, m->m_len))
			error = ext4_error(ei->ei_em, ei->ei_ino,
			    "extent at %llu", (unsigned long long)m->m_blk);
	} else {
		next = next_key(&p);
		m->m_len = next > lblk ? MIN(max, next - lblk) : 1;
	}
	path_release(&p);
	return error;
}

/* -- changes -- */

static int
level_access(struct ext4_handle *h, struct level *l)
{
	return l->l_buf != NULL ? ext4_jwrite(h, l->l_buf) : 0;
}

/* The first key of level i changed: so do those above. */
static int
keys_fix(struct ext4_handle *h, struct ext4_inode *ei, struct path_ext *p,
    unsigned int i)
{
	struct level *up;
	int error;

	for (; i > 0; i--) {
		up = &p->p_l[i - 1];
		error = level_access(h, up);
		if (error != 0)
			return error;
		indexes(up->l_hdr)[up->l_idx].ei_block =
		    key_of(p->p_l[i].l_hdr, 0);
		node_changed(ei, up);
		if (up->l_idx != 0)
			break;
	}
	return 0;
}

/* A new node, empty, of the depth of l's. */
static int
node_new(struct ext4_handle *h, struct ext4_inode *ei, uint64_t goal,
    struct level *l, unsigned int depth)
{
	struct ext4_mount *em = ei->ei_em;
	uint64_t blk;
	int error;

	error = ext4_balloc(h, ei, goal, true, &blk);
	if (error != 0)
		return error;
	error = bgetzero(em->em_bc, blk, &l->l_buf);
	if (error == 0) {
		error = ext4_jwrite(h, l->l_buf);
		if (error != 0)
			brelse(l->l_buf);
	}
	if (error != 0) {
		if (ext4_bfree(h, blk, 1, false) == 0)
			ext4_iblocks_add(ei, -1);
		return error;
	}
	l->l_hdr = (void *)l->l_buf->b_data;
	l->l_hdr->eh_magic = EXT4_EXT_MAGIC;
	l->l_hdr->eh_max = (uint16_t)node_max(em);
	l->l_hdr->eh_depth = (uint16_t)depth;
	return 0;
}

static void
idx_set(struct ext4_eidx *x, uint32_t key, const struct buf *bp)
{
	x->ei_block = key;
	x->ei_leaf_lo = (uint32_t)bp->b_blkno;
	x->ei_leaf_hi = (uint16_t)(bp->b_blkno >> 32);
	x->ei_unused = 0;
}

/* Room for an entry at position i; both kinds are of the same size. */
static void
node_open(struct ext4_ehdr *eh, unsigned int i)
{
	struct ext4_extent *e = extents(eh);

	memmove(e + i + 1, e + i, (eh->eh_entries - i) * sizeof(*e));
	eh->eh_entries++;
}

static void
node_close(struct ext4_ehdr *eh, unsigned int i)
{
	struct ext4_extent *e = extents(eh);

	eh->eh_entries--;
	memmove(e + i, e + i + 1, (eh->eh_entries - i) * sizeof(*e));
}

/* The root is full: its entries move to a node of their own. */
static int
grow(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_ehdr *root = root_of(ei);
	struct level l;
	int error;

	if (root->eh_depth >= EXT4_EXT_MAXDEPTH)
		return ENOSPC;
	error = node_new(h, ei, ei->ei_goal, &l, root->eh_depth);
	if (error != 0)
		return error;
	memcpy(extents(l.l_hdr), extents(root),
	    root->eh_entries * sizeof(struct ext4_extent));
	l.l_hdr->eh_entries = root->eh_entries;
	node_changed(ei, &l);
	root->eh_depth++;
	root->eh_entries = 1;
	idx_set(indexes(root), key_of(l.l_hdr, 0), l.l_buf);
	brelse(l.l_buf);
	return 0;
}

/*
 * Split the node at level i, whose parent has room: its upper half moves, or
 * nothing if the new entry (lblk) comes behind the last of a leaf.
 */
static int
split(struct ext4_handle *h, struct ext4_inode *ei, struct path_ext *p,
    unsigned int i, uint32_t lblk)
{
	struct level *l = &p->p_l[i], *up = &p->p_l[i - 1], new;
	unsigned int n = l->l_hdr->eh_entries, keep = n / 2;
	uint32_t key;
	int error;

	error = level_access(h, l);
	if (error == 0)
		error = level_access(h, up);
	if (error == 0)
		error = node_new(h, ei, l->l_buf->b_blkno, &new,
		    l->l_hdr->eh_depth);
	if (error != 0)
		return error;
	if (i == p->p_depth && l->l_idx + 1 == (int)n)
		keep = n;
	key = keep == n ? lblk : key_of(l->l_hdr, keep);
	memcpy(extents(new.l_hdr), extents(l->l_hdr) + keep,
	    (n - keep) * sizeof(struct ext4_extent));
	new.l_hdr->eh_entries = (uint16_t)(n - keep);
	l->l_hdr->eh_entries = (uint16_t)keep;
	node_open(up->l_hdr, (unsigned int)up->l_idx + 1);
	idx_set(&indexes(up->l_hdr)[up->l_idx + 1], key, new.l_buf);
	node_changed(ei, l);
	node_changed(ei, &new);
	node_changed(ei, up);
	brelse(new.l_buf);
	return 0;
}

static bool
node_full(const struct level *l)
{
	return l->l_hdr->eh_entries >= l->l_hdr->eh_max;
}

/* One step towards room in the leaf; the path is stale afterwards. */
static int
make_room(struct ext4_handle *h, struct ext4_inode *ei, struct path_ext *p,
    uint32_t lblk)
{
	unsigned int i = p->p_depth;

	while (i > 0 && node_full(&p->p_l[i - 1]))
		i--;
	return i == 0 ? grow(h, ei) : split(h, ei, p, i, lblk);
}

static bool
mergeable(const struct ext4_extent *a, const struct ext4_extent *b)
{
	uint32_t n = ext_len(a) + ext_len(b);

	return ext_unwritten(a) == ext_unwritten(b) &&
	    (uint64_t)a->ee_block + ext_len(a) == b->ee_block &&
	    ext_start(a) + ext_len(a) == ext_start(b) &&
	    n <= (ext_unwritten(a) ? EXT4_EXT_INITLEN - 1 : EXT4_EXT_INITLEN);
}

/* Join entry i + 1 to entry i, if they go on; leaf accessed. */
static bool
merge(struct ext4_ehdr *eh, int i)
{
	struct ext4_extent *e = extents(eh);

	if (i < 0 || i + 1 >= (int)eh->eh_entries ||
	    !mergeable(&e[i], &e[i + 1]))
		return false;
	e[i].ee_len = (uint16_t)(e[i].ee_len + ext_len(&e[i + 1]));
	node_close(eh, (unsigned int)i + 1);
	return true;
}

/* Does `new` go on what is left or right of it in the leaf? */
static bool
insert_joined(struct level *l, const struct ext4_extent *new, bool *first)
{
	struct ext4_extent *e = extents(l->l_hdr);
	int i = l->l_idx;

	*first = false;
	if (i >= 0 && mergeable(&e[i], new)) {
		e[i].ee_len = (uint16_t)(e[i].ee_len + ext_len(new));
		(void)merge(l->l_hdr, i);
		return true;
	}
	if (i + 1 < (int)l->l_hdr->eh_entries && mergeable(new, &e[i + 1])) {
		ext_set(&e[i + 1], new->ee_block, ext_start(new),
		    ext_len(new) + ext_len(&e[i + 1]), ext_unwritten(new));
		*first = i + 1 == 0;
		return true;
	}
	return false;
}

int
ext4_ext_insert(struct ext4_handle *h, struct ext4_inode *ei, uint32_t lblk,
    uint64_t blk, uint32_t len, bool unwritten)
{
	struct ext4_extent new;
	struct path_ext p;
	struct level *l;
	bool first, done = false;
	int error;

	ext_set(&new, lblk, blk, len, unwritten);
	do {
		error = path_find(ei, lblk, &p);
		if (error != 0)
			return error;
		l = leaf_of(&p);
		error = level_access(h, l);
		if (error == 0 && insert_joined(l, &new, &first)) {
			done = true;
		} else if (error == 0 && !node_full(l)) {
			node_open(l->l_hdr, (unsigned int)(l->l_idx + 1));
			extents(l->l_hdr)[l->l_idx + 1] = new;
			first = l->l_idx < 0;
			done = true;
		} else if (error == 0) {
			error = make_room(h, ei, &p, lblk);
		}
		if (done) {
			node_changed(ei, l);
			if (first)
				error = keys_fix(h, ei, &p, p.p_depth);
		}
		path_release(&p);
	} while (error == 0 && !done);
	return error;
}

/* The whole extent at the path is written now. */
static int
written_whole(struct ext4_handle *h, struct ext4_inode *ei,
    struct path_ext *p)
{
	struct level *l = leaf_of(p);
	struct ext4_extent *e = &extents(l->l_hdr)[l->l_idx];

	(void)h;
	e->ee_len = (uint16_t)ext_len(e);
	(void)merge(l->l_hdr, l->l_idx);
	(void)merge(l->l_hdr, l->l_idx - 1);
	node_changed(ei, l);
	return 0;
}

int
ext4_ext_written(struct ext4_handle *h, struct ext4_inode *ei, uint32_t lblk,
    uint32_t len)
{
	uint32_t before, after, start;
	struct ext4_extent *e;
	struct path_ext p;
	struct level *l;
	uint64_t blk;
	int error;

	error = path_find(ei, lblk, &p);
	if (error != 0)
		return error;
	l = leaf_of(&p);
	e = l->l_idx >= 0 ? &extents(l->l_hdr)[l->l_idx] : NULL;
	if (e == NULL || !ext_unwritten(e) ||
	    lblk - e->ee_block + len > ext_len(e)) {
		path_release(&p);
		return EINVAL;
	}
	start = e->ee_block;
	before = lblk - start;
	after = ext_len(e) - before - len;
	blk = ext_start(e);
	error = level_access(h, l);
	if (error == 0 && before == 0 && after == 0) {
		error = written_whole(h, ei, &p);
		path_release(&p);
		return error;
	}
	if (error == 0 && before == 0)
		ext_set(e, lblk + len, blk + len, after, true);
	else if (error == 0)
		ext_set(e, start, blk, before, true);
	if (error == 0)
		node_changed(ei, l);
	if (error == 0 && before == 0 && l->l_idx == 0)
		error = keys_fix(h, ei, &p, p.p_depth);
	path_release(&p);
	if (error == 0)
		error = ext4_ext_insert(h, ei, lblk, blk + before, len, false);
	if (error == 0 && before != 0 && after != 0)
		error = ext4_ext_insert(h, ei, lblk + len,
		    blk + before + len, after, true);
	return error;
}

/* Take entry l_idx of the leaf out; nodes without entries go, too. */
static int
entry_delete(struct ext4_handle *h, struct ext4_inode *ei, struct path_ext *p)
{
	struct ext4_ehdr *root = root_of(ei);
	unsigned int i = p->p_depth;
	struct level *l;
	int error = 0;

	for (;; i--) {
		l = &p->p_l[i];
		error = level_access(h, l);
		if (error != 0)
			return error;
		node_close(l->l_hdr, (unsigned int)l->l_idx);
		node_changed(ei, l);
		if (i == 0 || l->l_hdr->eh_entries > 0)
			break;
		error = ext4_bfree(h, l->l_buf->b_blkno, 1, true);
		if (error != 0)
			return error;
		ext4_iblocks_add(ei, -1);
	}
	if (i == 0 && root->eh_entries == 0)
		root->eh_depth = 0;
	else if (i > 0 && l->l_idx == 0)
		error = keys_fix(h, ei, p, i);
	return error;
}

/* [rs, re) of the extent at the path leaves the file. */
static int
cut(struct ext4_handle *h, struct ext4_inode *ei, struct path_ext *p,
    uint32_t rs, uint32_t re)
{
	struct level *l = leaf_of(p);
	struct ext4_extent *e = &extents(l->l_hdr)[l->l_idx], old = *e;
	uint32_t es = e->ee_block, ee = es + ext_len(e);
	bool unw = ext_unwritten(e);
	int error;

	if (rs == es && re == ee)
		return entry_delete(h, ei, p);
	error = level_access(h, l);
	if (error != 0)
		return error;
	if (rs == es) {
		ext_set(e, re, ext_start(e) + (re - es), ee - re, unw);
		node_changed(ei, l);
		return l->l_idx == 0 ? keys_fix(h, ei, p, p->p_depth) : 0;
	}
	ext_set(e, es, ext_start(e), rs - es, unw);
	node_changed(ei, l);
	if (re == ee)
		return 0;
	return ext4_ext_insert(h, ei, re, ext_start(&old) + (re - es),
	    ee - re, unw);
}

int
ext4_ext_remove_step(struct ext4_handle *h, struct ext4_inode *ei,
    uint32_t from, uint64_t to, bool *done)
{
	struct ext4_mount *em = ei->ei_em;
	bool meta = !S_ISREG(ei->ei_mode);
	uint32_t rs, re, ee, last, most;
	struct ext4_extent *e;
	struct path_ext p;
	struct level *l;
	uint64_t blk;
	int error;

	last = (uint32_t)MIN(to - 1, EXT4_MAX_LBLK);
	error = path_find(ei, last, &p);
	if (error != 0)
		return error;
	l = leaf_of(&p);
	e = l->l_idx >= 0 ? &extents(l->l_hdr)[l->l_idx] : NULL;
	*done = true;
	if (e == NULL || e->ee_block + ext_len(e) <= from) {
		path_release(&p);
		return 0;
	}
	ee = e->ee_block + ext_len(e);
	rs = MAX(e->ee_block, from);
	re = (uint32_t)MIN((uint64_t)ee, to);
	most = meta ? META_PIECE : em->em_bpg;
	if (re - rs > most)
		rs = re - most;
	blk = ext_start(e) + (rs - e->ee_block);
	error = cut(h, ei, &p, rs, re);
	if (error == 0)
		error = ext4_bfree(h, blk, re - rs, meta);
	if (error == 0)
		ext4_iblocks_add(ei, -(int64_t)(re - rs));
	*done = rs <= from;
	path_release(&p);
	return error;
}
