/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: directories as lists of entries.
 *
 * Overview: a directory is a file of blocks; in each, entries follow one
 * another up to its end (with checksums: up to a tail that looks like an unused
 * entry). A directory with a hash tree (ext4_htree.c) keeps its entries in the
 * same kind of blocks; those of the tree itself look empty.  Small ones may lie
 * inside their inode (inline data): they can be read.
 *
 * readdir's cookie is the byte where the next entry begins; a cookie that
 * points into an entry is rounded up.
 *
 * Locking: v_lock, exclusive for changes.
 *
 * Untrusted input: every step over an entry is checked against the block.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/ext4/ext4.h>

#define	INLINE_MAX	4096

unsigned int
ext4_dir_room(const struct ext4_mount *em)
{
	return em->em_bsize - (em->em_csum ? EXT4_DE_TAIL : 0);
}

uint32_t
ext4_dir_nblocks(const struct ext4_inode *ei)
{
	return (uint32_t)(ei->ei_size >> ei->ei_em->em_bshift);
}

uint8_t
ext4_dir_type(const struct ext4_mount *em, mode_t mode)
{
	if (!em->em_filetype)
		return EXT4_FT_UNKNOWN;
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT4_FT_REG;
	case S_IFDIR:
		return EXT4_FT_DIR;
	case S_IFCHR:
		return EXT4_FT_CHR;
	case S_IFBLK:
		return EXT4_FT_BLK;
	case S_IFIFO:
		return EXT4_FT_FIFO;
	case S_IFSOCK:
		return EXT4_FT_SOCK;
	case S_IFLNK:
		return EXT4_FT_LNK;
	}
	return EXT4_FT_UNKNOWN;
}

static unsigned int
type_to_dt(const struct ext4_dirent *de)
{
	static const uint8_t dt[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR,
	    DT_BLK, DT_FIFO, DT_SOCK, DT_LNK };

	return de->de_type < __arraycount(dt) ? dt[de->de_type] : DT_UNKNOWN;
}

/* -- checksums -- */

void
ext4_dir_tail_init(const struct ext4_mount *em, char *block)
{
	struct ext4_dirent *de;

	if (!em->em_csum)
		return;
	de = (void *)(block + em->em_bsize - EXT4_DE_TAIL);
	memset(de, 0, EXT4_DE_TAIL);
	de->de_reclen = EXT4_DE_TAIL;
	de->de_type = EXT4_FT_CSUM;
}

/* Where limit and count are if it is a block of the tree; 0: it is not. */
static unsigned int
dx_offset(const struct ext4_inode *ei, const char *block)
{
	const struct ext4_dirent *de = (const void *)block;
	const struct ext4_dxinfo *di = (const void *)(block +
	    EXT4_DX_ROOT_INFO);
	unsigned int bsize = ei->ei_em->em_bsize;

	if ((ei->ei_flags & EXT4_FL_INDEX) == 0)
		return 0;
	if (de->de_reclen == bsize && de->de_ino == 0)
		return EXT4_DX_NODE_ENTRIES;
	if (de->de_reclen != 12 || di->di_zero != 0 || di->di_len != 8)
		return 0;
	de = (const void *)(block + 12);
	return de->de_reclen == bsize - 12 ? EXT4_DX_ROOT_ENTRIES : 0;
}

static bool
dx_crc(const struct ext4_inode *ei, const char *block, unsigned int off,
    uint32_t *crc, const struct ext4_dxtail **tail)
{
	const struct ext4_dxcount *dc = (const void *)(block + off);
	uint32_t zero = 0, c;

	if (off + dc->dc_limit * 8U + sizeof(**tail) > ei->ei_em->em_bsize ||
	    dc->dc_count > dc->dc_limit)
		return false;
	*tail = (const void *)(block + off + dc->dc_limit * 8U);
	c = ext4_crc(ei->ei_csum_seed, block, off + dc->dc_count * 8U);
	c = ext4_crc(c, *tail, 4);
	*crc = ext4_crc(c, &zero, 4);
	return true;
}

static uint32_t
leaf_crc(const struct ext4_inode *ei, const char *block)
{
	return ext4_crc(ei->ei_csum_seed, block,
	    ei->ei_em->em_bsize - EXT4_DE_TAIL);
}

bool
ext4_dir_csum_ok(struct ext4_inode *ei, const char *block)
{
	unsigned int off = dx_offset(ei, block);
	const struct ext4_dxtail *dt;
	const struct ext4_dirent *de;
	uint32_t crc, had;

	if (!ei->ei_em->em_csum)
		return true;
	if (off != 0)
		return dx_crc(ei, block, off, &crc, &dt) &&
		    dt->dt_checksum == crc;
	de = (const void *)(block + ei->ei_em->em_bsize - EXT4_DE_TAIL);
	if (de->de_ino != 0 || de->de_reclen != EXT4_DE_TAIL ||
	    de->de_namelen != 0 || de->de_type != EXT4_FT_CSUM)
		return false;
	memcpy(&had, de->de_name, sizeof(had));
	return had == leaf_crc(ei, block);
}

void
ext4_dir_csum_set(struct ext4_inode *ei, struct buf *bp)
{
	unsigned int off = dx_offset(ei, bp->b_data);
	const struct ext4_dxtail *dt;
	uint32_t crc;

	if (!ei->ei_em->em_csum)
		return;
	if (off != 0) {
		if (dx_crc(ei, bp->b_data, off, &crc, &dt))
			((struct ext4_dxtail *)(uintptr_t)dt)->dt_checksum =
			    crc;
		return;
	}
	crc = leaf_crc(ei, bp->b_data);
	memcpy(bp->b_data + ei->ei_em->em_bsize - 4, &crc, sizeof(crc));
}

/* -- blocks -- */

int
ext4_dir_block(struct ext4_inode *ei, uint32_t lblk, struct buf **bpp)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_map m;
	struct buf *bp;
	int error;

	rw_enter(&ei->ei_maplock, RW_READER);
	error = ext4_map_get(ei, lblk, 1, &m);
	rw_exit(&ei->ei_maplock);
	if (error != 0)
		return error;
	if (m.m_blk == 0 || m.m_unwritten)
		return ext4_error(em, ei->ei_ino, "hole in a directory");
	error = bread(em->em_bc, m.m_blk, &bp);
	if (error != 0)
		return error;
	if ((bp->b_flags & B_CHECKED) == 0) {
		if (!ext4_dir_csum_ok(ei, bp->b_data)) {
			brelse(bp);
			return ext4_error(em, ei->ei_ino,
			    "wrong checksum of directory block %u", lblk);
		}
		bchecked(bp);
	}
	*bpp = bp;
	return 0;
}

/* A block at the end, zeroed, in the transaction. */
int
ext4_dir_append(struct ext4_handle *h, struct ext4_inode *ei,
    struct buf **bpp, uint32_t *lblk)
{
	struct ext4_mount *em = ei->ei_em;
	uint64_t blk, goal;
	int error;

	*lblk = ext4_dir_nblocks(ei);
	if (*lblk >= ext4_map_limit(ei) || *lblk >= 1U << 20)
		return ENOSPC;
	goal = ei->ei_goal != 0 ? ei->ei_goal :
	    ext4_group_start(em, (ei->ei_ino - 1) / em->em_ipg);
	rw_enter(&ei->ei_maplock, RW_WRITER);
	error = ext4_balloc(h, NULL, goal, false, &blk);
	if (error == 0) {
		error = bgetzero(em->em_bc, blk, bpp);
		if (error == 0) {
			error = ext4_jwrite(h, *bpp);
			if (error == 0)
				error = ext4_map_set(h, ei, *lblk, blk, 1,
				    false);
			if (error != 0)
				brelse(*bpp);
		}
		if (error != 0)
			(void)ext4_bfree(h, blk, 1, true);
	}
	if (error == 0) {
		ei->ei_size += em->em_bsize;
		ei->ei_disksize = ei->ei_size;
	}
	rw_exit(&ei->ei_maplock);
	return error;
}

/* -- entries -- */

/* The entry at off of a region that ends at end; NULL: it is none. */
static struct ext4_dirent *
entry(const struct ext4_mount *em, char *p, unsigned int off,
    unsigned int end)
{
	struct ext4_dirent *de = (void *)(p + off);

	if (off + EXT4_DE_HDR > end || de->de_reclen < EXT4_DE_HDR + 4 ||
	    de->de_reclen % 4 != 0 || de->de_reclen > end - off ||
	    (unsigned int)de->de_namelen + EXT4_DE_HDR > de->de_reclen ||
	    de->de_ino > em->em_sb.s_inodes_count)
		return NULL;
	return de;
}

static int
bad_entry(struct ext4_inode *ei, uint32_t lblk, unsigned int off)
{
	return ext4_error(ei->ei_em, ei->ei_ino,
	    "bad entry at %u in directory block %u", off, lblk);
}

static bool
same_name(const struct ext4_dirent *de, const char *name, size_t len)
{
	return de->de_ino != 0 && de->de_namelen == len &&
	    memcmp(de->de_name, name, len) == 0;
}

/* 0: it is there, the slot has a reference to bp; ENOENT. */
int
ext4_dir_search(struct ext4_inode *ei, struct buf *bp, uint32_t lblk,
    const char *name, size_t len, struct ext4_slot *s)
{
	unsigned int off, prev = 0, room = ext4_dir_room(ei->ei_em);
	struct ext4_dirent *de;

	for (off = 0; off < room; off += de->de_reclen) {
		de = entry(ei->ei_em, bp->b_data, off, room);
		if (de == NULL)
			return bad_entry(ei, lblk, off);
		if (same_name(de, name, len)) {
			bref(bp);
			s->s_buf = bp;
			s->s_lblk = lblk;
			s->s_off = off;
			s->s_prev = prev;
			s->s_ino = de->de_ino;
			return 0;
		}
		prev = off;
	}
	return ENOENT;
}

/* Is that block one of the hash tree's own? */
static bool
is_dx(const struct ext4_inode *ei, uint32_t lblk, const struct buf *bp)
{
	return (ei->ei_flags & EXT4_FL_INDEX) != 0 &&
	    (lblk == 0 || dx_offset(ei, bp->b_data) != 0);
}

static int
find_linear(struct ext4_inode *ei, const char *name, size_t len,
    struct ext4_slot *s)
{
	uint32_t lblk, n = ext4_dir_nblocks(ei);
	struct buf *bp;
	int error = ENOENT;

	for (lblk = 0; lblk < n && error == ENOENT; lblk++) {
		error = ext4_dir_block(ei, lblk, &bp);
		if (error != 0)
			return error;
		error = is_dx(ei, lblk, bp) ? ENOENT :
		    ext4_dir_search(ei, bp, lblk, name, len, s);
		brelse(bp);
	}
	return error;
}

/* -- inside the inode -- */

struct inline_dir {
	char		*id_data;
	size_t		id_size;
};

static bool
is_inline(const struct ext4_inode *ei)
{
	return (ei->ei_flags & EXT4_FL_INLINE_DATA) != 0;
}

static int
inline_load(struct ext4_inode *ei, struct inline_dir *id)
{
	int error;

	id->id_size = (size_t)ei->ei_size;
	if (ei->ei_size < 4 || ei->ei_size > INLINE_MAX)
		return ext4_error(ei->ei_em, ei->ei_ino,
		    "size of an inline directory");
	id->id_data = kmem_zalloc(INLINE_MAX, KM_SLEEP);
	if (id->id_data == NULL)
		return ENOMEM;
	error = ext4_inline_read(ei, 0, id->id_data, id->id_size);
	if (error != 0)
		kmem_free(id->id_data, INLINE_MAX);
	return error;
}

/* The entry at *off, which goes on from one region to the other; NULL: end. */
static struct ext4_dirent *
inline_next(struct ext4_inode *ei, struct inline_dir *id, unsigned int *off)
{
	unsigned int end = (unsigned int)MIN(id->id_size, EXT4_IBLOCK);

	if (*off >= end)
		end = (unsigned int)id->id_size;
	if (*off >= end)
		return NULL;
	return entry(ei->ei_em, id->id_data, *off, end);
}

static int
inline_find(struct ext4_inode *ei, const char *name, size_t len,
    struct ext4_slot *s)
{
	struct ext4_dirent *de;
	struct inline_dir id;
	unsigned int off = 4;
	int error;

	error = inline_load(ei, &id);
	if (error != 0)
		return error;
	error = ENOENT;
	while ((de = inline_next(ei, &id, &off)) != NULL) {
		if (same_name(de, name, len)) {
			memset(s, 0, sizeof(*s));
			s->s_ino = de->de_ino;
			error = 0;
			break;
		}
		off += de->de_reclen;
	}
	kmem_free(id.id_data, INLINE_MAX);
	return error;
}

static int
inline_readdir(struct ext4_inode *ei, off_t *cookie, readdir_fn fn,
    void *ctx)
{
	struct ext4_dirent *de;
	struct inline_dir id;
	unsigned int off = 4;
	uint32_t parent;
	int error;

	error = inline_load(ei, &id);
	if (error != 0)
		return error;
	memcpy(&parent, id.id_data, sizeof(parent));
	if (*cookie == 0) {
		if (!fn(ctx, ".", 1, ei->ei_ino, DT_DIR, 1))
			goto out;
		*cookie = 1;
	}
	if (*cookie == 1) {
		if (!fn(ctx, "..", 2, parent, DT_DIR, 4))
			goto out;
		*cookie = 4;
	}
	while ((de = inline_next(ei, &id, &off)) != NULL) {
		if ((off_t)off >= *cookie && de->de_ino != 0 &&
		    !fn(ctx, de->de_name, de->de_namelen, de->de_ino,
		    type_to_dt(de), (off_t)off + de->de_reclen))
			break;
		off += de->de_reclen;
		if ((off_t)off > *cookie)
			*cookie = off;
	}
out:
	kmem_free(id.id_data, INLINE_MAX);
	return 0;
}

/* -- operations -- */

int
ext4_dir_find(struct ext4_inode *ei, const char *name, size_t len,
    struct ext4_slot *s)
{
	int error;

	if (is_inline(ei))
		return inline_find(ei, name, len, s);
	if ((ei->ei_flags & EXT4_FL_INDEX) != 0 && ei->ei_em->em_dirindex) {
		error = ext4_dx_find(ei, name, len, s);
		if (error != EOPNOTSUPP)
			return error;
	}
	return find_linear(ei, name, len, s);
}

int
ext4_dir_add_block(struct ext4_handle *h, struct ext4_inode *ei,
    struct buf *bp, const char *name, size_t len, uint32_t ino, mode_t mode)
{
	unsigned int off, room = ext4_dir_room(ei->ei_em), need, used;
	struct ext4_dirent *de = NULL, *new;
	int error;

	need = (unsigned int)EXT4_DE_LEN(len);
	for (off = 0; off < room; off += de->de_reclen) {
		de = entry(ei->ei_em, bp->b_data, off, room);
		if (de == NULL)
			return bad_entry(ei, 0, off);
		used = de->de_ino == 0 ? 0 :
		    (unsigned int)EXT4_DE_LEN(de->de_namelen);
		if (de->de_reclen >= used + need)
			break;
	}
	if (off >= room)
		return ENOSPC;
	error = ext4_jwrite(h, bp);
	if (error != 0)
		return error;
	new = (void *)(bp->b_data + off + used);
	if (used != 0) {
		new->de_reclen = (uint16_t)(de->de_reclen - used);
		de->de_reclen = (uint16_t)used;
	}
	new->de_ino = ino;
	new->de_namelen = (uint8_t)len;
	new->de_type = ext4_dir_type(ei->ei_em, mode);
	memcpy(new->de_name, name, len);
	ext4_dir_csum_set(ei, bp);
	return 0;
}

static int
add_new_block(struct ext4_handle *h, struct ext4_inode *ei, const char *name,
    size_t len, uint32_t ino, mode_t mode)
{
	struct ext4_dirent *de;
	struct buf *bp;
	uint32_t lblk;
	int error;

	error = ext4_dir_append(h, ei, &bp, &lblk);
	if (error != 0)
		return error;
	de = (void *)bp->b_data;
	de->de_reclen = (uint16_t)ext4_dir_room(ei->ei_em);
	ext4_dir_tail_init(ei->ei_em, bp->b_data);
	error = ext4_dir_add_block(h, ei, bp, name, len, ino, mode);
	brelse(bp);
	return error;
}

/* The name is not there.  The inode is the caller's to write. */
int
ext4_dir_add(struct ext4_handle *h, struct ext4_inode *ei, const char *name,
    size_t len, uint32_t ino, mode_t mode)
{
	uint32_t lblk, n = ext4_dir_nblocks(ei);
	struct buf *bp;
	int error;

	if (is_inline(ei))
		return EOPNOTSUPP;
	if ((ei->ei_flags & EXT4_FL_INDEX) != 0) {
		if (!ei->ei_em->em_dirindex)
			return EOPNOTSUPP;
		return ext4_dx_add(h, ei, name, len, ino, mode);
	}
	for (lblk = 0; lblk < n; lblk++) {
		error = ext4_dir_block(ei, lblk, &bp);
		if (error != 0)
			return error;
		error = ext4_dir_add_block(h, ei, bp, name, len, ino, mode);
		brelse(bp);
		if (error != ENOSPC)
			return error;
	}
	if (n == 1 && ei->ei_em->em_dirindex) {
		error = ext4_dx_create(h, ei);
		return error != 0 ? error :
		    ext4_dx_add(h, ei, name, len, ino, mode);
	}
	return add_new_block(h, ei, name, len, ino, mode);
}

/* The slot of a name that must be there and lead to ino. */
static int
find_for(struct ext4_inode *ei, const char *name, size_t len, uint32_t ino,
    struct ext4_slot *s)
{
	int error;

	if (is_inline(ei))
		return EOPNOTSUPP;
	error = ext4_dir_find(ei, name, len, s);
	if (error == 0 && ino != 0 && s->s_ino != ino) {
		brelse(s->s_buf);
		error = ENOENT;
	}
	return error;
}

int
ext4_dir_remove(struct ext4_handle *h, struct ext4_inode *ei,
    const char *name, size_t len, uint32_t ino)
{
	struct ext4_dirent *de, *prev;
	struct ext4_slot s;
	int error;

	error = find_for(ei, name, len, ino, &s);
	if (error != 0)
		return error;
	error = ext4_jwrite(h, s.s_buf);
	if (error == 0) {
		de = (void *)(s.s_buf->b_data + s.s_off);
		prev = (void *)(s.s_buf->b_data + s.s_prev);
		if (s.s_prev != s.s_off)
			prev->de_reclen = (uint16_t)(prev->de_reclen +
			    de->de_reclen);
		de->de_ino = 0;
		ext4_dir_csum_set(ei, s.s_buf);
	}
	brelse(s.s_buf);
	return error;
}

int
ext4_dir_replace(struct ext4_handle *h, struct ext4_inode *ei,
    const char *name, size_t len, uint32_t ino, mode_t mode)
{
	struct ext4_dirent *de;
	struct ext4_slot s;
	int error;

	error = find_for(ei, name, len, 0, &s);
	if (error != 0)
		return error;
	error = ext4_jwrite(h, s.s_buf);
	if (error == 0) {
		de = (void *)(s.s_buf->b_data + s.s_off);
		de->de_ino = ino;
		de->de_type = ext4_dir_type(ei->ei_em, mode);
		ext4_dir_csum_set(ei, s.s_buf);
	}
	brelse(s.s_buf);
	return error;
}

int
ext4_dir_init(struct ext4_handle *h, struct ext4_inode *ei, uint32_t parent)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_dirent *de;
	struct buf *bp;
	uint32_t lblk;
	int error;

	error = ext4_dir_append(h, ei, &bp, &lblk);
	if (error != 0)
		return error;
	de = (void *)bp->b_data;
	de->de_ino = ei->ei_ino;
	de->de_reclen = 12;
	de->de_namelen = 1;
	de->de_type = ext4_dir_type(em, S_IFDIR);
	de->de_name[0] = '.';
	de = (void *)(bp->b_data + 12);
	de->de_ino = parent;
	de->de_reclen = (uint16_t)(ext4_dir_room(em) - 12);
	de->de_namelen = 2;
	de->de_type = ext4_dir_type(em, S_IFDIR);
	memcpy(de->de_name, "..", 2);
	ext4_dir_tail_init(em, bp->b_data);
	ext4_dir_csum_set(ei, bp);
	brelse(bp);
	return 0;
}

/* The entry behind "." of block 0; bp referenced. */
static int
dotdot(struct ext4_inode *ei, struct buf **bpp, struct ext4_dirent **dep)
{
	struct ext4_dirent *de;
	struct buf *bp;
	int error;

	error = ext4_dir_block(ei, 0, &bp);
	if (error != 0)
		return error;
	de = (void *)(bp->b_data + 12);
	if (((struct ext4_dirent *)(void *)bp->b_data)->de_reclen != 12 ||
	    de->de_namelen != 2 || memcmp(de->de_name, "..", 2) != 0) {
		brelse(bp);
		return ext4_error(ei->ei_em, ei->ei_ino, "no \"..\"");
	}
	*bpp = bp;
	*dep = de;
	return 0;
}

int
ext4_dir_parent(struct ext4_inode *ei, uint32_t *ino)
{
	struct ext4_dirent *de;
	struct buf *bp;
	int error;

	if (is_inline(ei)) {
		*ino = ei->ei_block[0];
		return 0;
	}
	error = dotdot(ei, &bp, &de);
	if (error == 0) {
		*ino = de->de_ino;
		brelse(bp);
	}
	return error;
}

int
ext4_dir_setparent(struct ext4_handle *h, struct ext4_inode *ei,
    uint32_t ino)
{
	struct ext4_dirent *de;
	struct buf *bp;
	int error;

	if (is_inline(ei))
		return EOPNOTSUPP;
	error = dotdot(ei, &bp, &de);
	if (error != 0)
		return error;
	error = ext4_jwrite(h, bp);
	if (error == 0) {
		de->de_ino = ino;
		ext4_dir_csum_set(ei, bp);
	}
	brelse(bp);
	return error;
}

static bool
is_dot(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool
stop_at_name(void *ctx, const char *name, size_t len, ino_t ino __unused,
    unsigned int type __unused, off_t next __unused)
{
	if (is_dot(name, len))
		return true;
	*(bool *)ctx = false;
	return false;
}

/* The entries of a block from byte `from` on; false in *more: stop. */
static int
read_block(struct ext4_inode *ei, uint32_t lblk, unsigned int from,
    off_t *cookie, readdir_fn fn, void *ctx, bool *more)
{
	unsigned int off, room = ext4_dir_room(ei->ei_em);
	off_t base = (off_t)lblk << ei->ei_em->em_bshift;
	struct ext4_dirent *de;
	struct buf *bp;
	int error;

	error = ext4_dir_block(ei, lblk, &bp);
	if (error != 0)
		return error;
	if (is_dx(ei, lblk, bp))
		room = lblk == 0 ? ei->ei_em->em_bsize : 0;
	for (off = 0; off < room; off += de->de_reclen) {
		de = entry(ei->ei_em, bp->b_data, off, room);
		if (de == NULL) {
			error = bad_entry(ei, lblk, off);
			break;
		}
		if (off < from || de->de_ino == 0 || de->de_namelen == 0)
			continue;
		if (!fn(ctx, de->de_name, de->de_namelen, de->de_ino,
		    type_to_dt(de), base + off + de->de_reclen)) {
			*more = false;
			break;
		}
		*cookie = base + off + de->de_reclen;
	}
	brelse(bp);
	return error;
}

static int
read_all(struct ext4_inode *ei, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk, n = ext4_dir_nblocks(ei);
	bool more = true;
	int error = 0;

	if (*cookie < 0)
		return EINVAL;
	if (is_inline(ei))
		return inline_readdir(ei, cookie, fn, ctx);
	while (more && error == 0 &&
	    (uint64_t)*cookie >> em->em_bshift < n) {
		lblk = (uint32_t)(*cookie >> em->em_bshift);
		error = read_block(ei, lblk, (unsigned int)(*cookie &
		    (em->em_bsize - 1)), cookie, fn, ctx, &more);
		if (more && error == 0)
			*cookie = (off_t)(lblk + 1) << em->em_bshift;
	}
	return error;
}

int
ext4_dir_empty(struct ext4_inode *ei, bool *empty)
{
	off_t cookie = 0;

	*empty = true;
	return read_all(ei, &cookie, stop_at_name, empty);
}

int
ext4_readdir(struct vnode *vp, off_t *cookie, readdir_fn fn, void *ctx)
{
	return read_all(EXT4_I(vp), cookie, fn, ctx);
}
