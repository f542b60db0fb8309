/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: extended attributes.
 *
 * Overview: they lie behind the fields of a large inode, and in one block per
 * file, which files with equal attributes may share.  A change reads all of
 * them into a table, changes the table, and writes both places anew: what fits
 * goes into the inode, the rest into the block, in the order that other systems
 * search it by.  We never share a block; a shared one is left to the others.
 *
 * Locking: v_lock, exclusive for changes.
 *
 * Untrusted input: every entry and value is checked against its area.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/ext4/ext4.h>

#define	ATTRS_MAX	(2 * 4096 / EXT4_XE_HDR)

struct attr {
	uint8_t		a_index, a_namelen;
	const char	*a_name;	/* without its prefix */
	const char	*a_value;
	uint32_t	a_size;
	bool		a_placed;
};

struct attrs {
	struct ext4_inode *as_ei;
	unsigned int	as_n;
	struct attr	*as_list;	/* ATTRS_MAX */
	char		*as_inode;	/* copy of the raw inode */
	char		*as_block;	/* copy of the block */
	unsigned int	as_refs;	/* files that share it; 0: no block */
};

/* -- reading -- */

/* Entries from p on; values are relative to base, all inside [base, end). */
static int
parse(struct attrs *as, char *p, const char *base, const char *end)
{
	struct ext4_inode *ei = as->as_ei;
	struct ext4_xentry *e;
	struct attr *a;
	uint32_t mark;

	for (;; p += EXT4_XE_LEN(e->e_namelen)) {
		if (p + sizeof(mark) > end)
			break;
		memcpy(&mark, p, sizeof(mark));
		if (mark == 0)
			return 0;
		e = (void *)p;
		if (p + sizeof(*e) > end ||
		    EXT4_XE_LEN(e->e_namelen) > (size_t)(end - p) ||
		    e->e_inum != 0 || as->as_n == ATTRS_MAX)
			break;
		if (e->e_size > (size_t)(end - base) ||
		    (e->e_size > 0 && e->e_offs >
		    (size_t)(end - base) - e->e_size))
			break;
		a = &as->as_list[as->as_n++];
		a->a_index = e->e_index;
		a->a_namelen = e->e_namelen;
		a->a_name = e->e_name;
		a->a_value = base + (e->e_size > 0 ? e->e_offs : 0);
		a->a_size = e->e_size;
	}
	return ext4_error(ei->ei_em, ei->ei_ino, "bad extended attributes");
}

static void
attrs_free(struct attrs *as)
{
	struct ext4_mount *em = as->as_ei->ei_em;

	if (as->as_list != NULL)
		kmem_free(as->as_list, ATTRS_MAX * sizeof(*as->as_list));
	if (as->as_inode != NULL)
		kmem_free(as->as_inode, em->em_isize);
	if (as->as_block != NULL)
		kmem_free(as->as_block, em->em_bsize);
}

static uint32_t
block_crc(const struct ext4_inode *ei, const struct buf *bp)
{
	const size_t off = __offsetof(struct ext4_xhdr, h_checksum);
	uint64_t blk = bp->b_blkno;
	uint32_t crc, zero = 0;

	crc = ext4_crc(ei->ei_em->em_csum_seed, &blk, sizeof(blk));
	crc = ext4_crc(crc, bp->b_data, off);
	crc = ext4_crc(crc, &zero, sizeof(zero));
	return ext4_crc(crc, bp->b_data + off + 4,
	    ei->ei_em->em_bsize - off - 4);
}

static int
block_read(struct ext4_inode *ei, struct buf **bpp)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_xhdr *xh;
	struct buf *bp;
	int error;

	error = bread(em->em_bc, ei->ei_xattr_block, &bp);
	if (error != 0)
		return error;
	xh = (void *)bp->b_data;
	if (xh->h_magic != EXT4_XATTR_MAGIC || xh->h_blocks != 1 ||
	    xh->h_refcount == 0 || (em->em_csum &&
	    (bp->b_flags & B_CHECKED) == 0 &&
	    xh->h_checksum != block_crc(ei, bp))) {
		brelse(bp);
		return ext4_error(em, ei->ei_ino, "bad attribute block");
	}
	bchecked(bp);
	*bpp = bp;
	return 0;
}

/* Bytes behind the inode's fields, its magic included. */
static size_t
ibody_size(const struct ext4_inode *ei)
{
	size_t isize = ei->ei_em->em_isize;

	if (isize <= EXT4_GOOD_INODE)
		return 0;
	isize -= EXT4_GOOD_INODE + ei->ei_extra;
	return isize >= 4 + EXT4_XE_HDR ? isize : 0;
}

static int
attrs_load(struct ext4_inode *ei, struct attrs *as)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_dinode *raw;
	uint32_t magic;
	struct buf *bp;
	char *p;
	int error = 0;

	memset(as, 0, sizeof(*as));
	as->as_ei = ei;
	as->as_list = kmem_alloc(ATTRS_MAX * sizeof(*as->as_list), KM_SLEEP);
	as->as_inode = kmem_alloc(em->em_isize, KM_SLEEP);
	as->as_block = kmem_alloc(em->em_bsize, KM_SLEEP);
	if (as->as_list == NULL || as->as_inode == NULL ||
	    as->as_block == NULL)
		error = ENOMEM;
	if (error == 0 && !ei->ei_new && ibody_size(ei) > 0) {
		error = ext4_iraw(em, ei->ei_ino, &bp, &raw);
		if (error == 0) {
			memcpy(as->as_inode, raw, em->em_isize);
			brelse(bp);
			p = as->as_inode + EXT4_GOOD_INODE + ei->ei_extra;
			memcpy(&magic, p, sizeof(magic));
			if (magic == EXT4_XATTR_MAGIC)
				error = parse(as, p + 4, p + 4,
				    as->as_inode + em->em_isize);
		}
	}
	if (error == 0 && ei->ei_xattr_block != 0) {
		error = block_read(ei, &bp);
		if (error == 0) {
			memcpy(as->as_block, bp->b_data, em->em_bsize);
			brelse(bp);
			as->as_refs = ((struct ext4_xhdr *)(void *)
			    as->as_block)->h_refcount;
			error = parse(as, as->as_block +
			    sizeof(struct ext4_xhdr), as->as_block,
			    as->as_block + em->em_bsize);
		}
	}
	if (error != 0)
		attrs_free(as);
	return error;
}

static struct attr *
find(struct attrs *as, unsigned int index, const char *name)
{
	size_t len = strlen(name);
	unsigned int i;

	for (i = 0; i < as->as_n; i++)
		if (as->as_list[i].a_index == index &&
		    as->as_list[i].a_namelen == len &&
		    memcmp(as->as_list[i].a_name, name, len) == 0)
			return &as->as_list[i];
	return NULL;
}

/* size 0: only the length.  ENODATA, ERANGE. */
int
ext4_xattr_read(struct ext4_inode *ei, unsigned int index, const char *name,
    void *buf, size_t size, size_t *len)
{
	struct attrs as;
	struct attr *a;
	int error;

	if (ibody_size(ei) == 0 && ei->ei_xattr_block == 0)
		return ENODATA;
	error = attrs_load(ei, &as);
	if (error != 0)
		return error;
	a = find(&as, index, name);
	if (a == NULL) {
		error = ENODATA;
	} else {
		*len = a->a_size;
		if (size != 0 && size < a->a_size)
			error = ERANGE;
		else if (size != 0)
			memcpy(buf, a->a_value, a->a_size);
	}
	attrs_free(&as);
	return error;
}

/* -- writing -- */

static uint32_t
entry_hash(const struct attr *a)
{
	uint32_t h = 0, w;
	size_t i;

	for (i = 0; i < a->a_namelen; i++)
		h = (h << 5) ^ (h >> 27) ^ (unsigned char)a->a_name[i];
	for (i = 0; i < a->a_size; i += 4) {
		w = 0;
		memcpy(&w, a->a_value + i, MIN(4, a->a_size - i));
		h = (h << 16) ^ (h >> 16) ^ w;
	}
	return h;
}

static int
attr_cmp(const void *x, const void *y)
{
	const struct attr *a = x, *b = y;

	if (a->a_index != b->a_index)
		return a->a_index < b->a_index ? -1 : 1;
	if (a->a_namelen != b->a_namelen)
		return a->a_namelen < b->a_namelen ? -1 : 1;
	return memcmp(a->a_name, b->a_name, a->a_namelen);
}

/*
 * Put entries that are not placed yet into an area: entries upwards from
 * `start`, values downwards from `size`, four zero bytes between.  Offsets are
 * relative to `base`.  Returns how many went in.
 */
static unsigned int
fill(struct attrs *as, char *area, size_t start, size_t size, size_t base,
    unsigned int index)
{
	size_t top = size, need;
	struct ext4_xentry *e;
	unsigned int i, n = 0;
	struct attr *a;

	for (i = 0; i < as->as_n; i++) {
		a = &as->as_list[i];
		need = EXT4_XE_LEN(a->a_namelen) + EXT4_XV_LEN(a->a_size);
		if (a->a_placed || (index != 0 && a->a_index != index) ||
		    start + need + 4 > top)
			continue;
		e = (void *)(area + start);
		memset(e, 0, EXT4_XE_LEN(a->a_namelen));
		e->e_namelen = a->a_namelen;
		e->e_index = a->a_index;
		e->e_size = a->a_size;
		memcpy(e->e_name, a->a_name, a->a_namelen);
		e->e_hash = entry_hash(a);
		if (a->a_size > 0) {
			top -= EXT4_XV_LEN(a->a_size);
			memset(area + top, 0, EXT4_XV_LEN(a->a_size));
			memcpy(area + top, a->a_value, a->a_size);
			e->e_offs = (uint16_t)(top - base);
		}
		start += EXT4_XE_LEN(a->a_namelen);
		a->a_placed = true;
		n++;
	}
	return n;
}

static void
block_header(struct attrs *as, char *block)
{
	struct ext4_xhdr *xh = (void *)block;
	char *p = block + sizeof(*xh);
	char *end = block + as->as_ei->ei_em->em_bsize;
	struct ext4_xentry *e;
	uint32_t h = 0, mark;

	memset(xh, 0, sizeof(*xh));
	xh->h_magic = EXT4_XATTR_MAGIC;
	xh->h_refcount = xh->h_blocks = 1;
	for (; p + sizeof(*e) <= end; p += EXT4_XE_LEN(e->e_namelen)) {
		memcpy(&mark, p, sizeof(mark));
		if (mark == 0)
			break;
		e = (void *)p;
		h = (h << 16) ^ (h >> 16) ^ e->e_hash;
	}
	xh->h_hash = h;
}

/* The file does not use its block any more. */
static int
block_drop(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_xhdr *xh;
	struct buf *bp;
	int error;

	error = block_read(ei, &bp);
	if (error != 0)
		return error;
	xh = (void *)bp->b_data;
	if (xh->h_refcount > 1) {
		error = ext4_jwrite(h, bp);
		if (error == 0) {
			xh->h_refcount--;
			if (em->em_csum)
				xh->h_checksum = block_crc(ei, bp);
		}
	} else {
		error = ext4_bfree(h, ei->ei_xattr_block, 1, true);
	}
	brelse(bp);
	if (error == 0) {
		ei->ei_xattr_block = 0;
		ext4_iblocks_add(ei, -1);
	}
	return error;
}

/* Write the new contents of the block: in place, or to a new one. */
static int
block_write(struct ext4_handle *h, struct attrs *as, const char *block)
{
	struct ext4_inode *ei = as->as_ei;
	struct ext4_mount *em = ei->ei_em;
	uint64_t blk = ei->ei_xattr_block;
	struct buf *bp;
	int error = 0;

	if (as->as_refs > 1) {
		error = block_drop(h, ei);
		blk = 0;
	}
	if (error == 0 && blk == 0) {
		error = ext4_balloc(h, ei, ext4_group_start(em,
		    (ei->ei_ino - 1) / em->em_ipg), false, &blk);
		if (error == 0)
			ei->ei_xattr_block = blk;
	}
	if (error == 0)
		error = bgetblk(em->em_bc, blk, &bp);
	if (error != 0)
		return error;
	error = ext4_jwrite(h, bp);
	if (error == 0) {
		memcpy(bp->b_data, block, em->em_bsize);
		bvalid(bp);
		bchecked(bp);
		if (em->em_csum)
			((struct ext4_xhdr *)(void *)bp->b_data)->h_checksum =
			    block_crc(ei, bp);
	}
	brelse(bp);
	return error;
}

static int
ibody_write(struct ext4_handle *h, struct ext4_inode *ei, const char *area)
{
	struct ext4_dinode *raw;
	struct buf *bp;
	int error;

	error = ext4_iwrite(h, ei);	/* a new one is cleared by that */
	if (error != 0)
		return error;
	error = ext4_iraw(ei->ei_em, ei->ei_ino, &bp, &raw);
	if (error != 0)
		return error;
	mutex_enter(&ei->ei_lock);
	memcpy((char *)raw + EXT4_GOOD_INODE + ei->ei_extra, area,
	    ibody_size(ei));
	ext4_icsum_set(ei, raw);
	mutex_exit(&ei->ei_lock);
	brelse(bp);
	return 0;
}

/* The table to the disk.  ENOSPC before anything has changed. */
static int
attrs_store(struct ext4_handle *h, struct attrs *as)
{
	struct ext4_inode *ei = as->as_ei;
	struct ext4_mount *em = ei->ei_em;
	size_t isize = ibody_size(ei);
	char *area, *block;
	uint32_t magic = EXT4_XATTR_MAGIC;
	unsigned int n = 0, inb = 0, i;
	int error = 0;

	area = kmem_zalloc(em->em_isize, KM_SLEEP);
	block = kmem_zalloc(em->em_bsize, KM_SLEEP);
	if (area == NULL || block == NULL) {
		error = ENOMEM;
		goto out;
	}
	kheapsort(as->as_list, as->as_n, sizeof(*as->as_list), attr_cmp);
	for (i = 0; i < as->as_n; i++)
		as->as_list[i].a_placed = false;
	if (isize > 0) {
		/* Data of the file itself can be nowhere else. */
		if (find(as, EXT4_XI_SYSTEM, "data") != NULL) {
			error = EOPNOTSUPP;
			goto out;
		}
		memcpy(area, &magic, sizeof(magic));
		n = fill(as, area, 4, isize, 4, 0);
		if (n == 0)
			memset(area, 0, 4);
	}
	if (n < as->as_n)
		inb = fill(as, block, sizeof(struct ext4_xhdr), em->em_bsize,
		    0, 0);
	if (n + inb < as->as_n) {
		error = ENOSPC;
		goto out;
	}
	if (inb > 0) {
		block_header(as, block);
		error = block_write(h, as, block);
	} else if (ei->ei_xattr_block != 0) {
		error = block_drop(h, ei);
	}
	if (error == 0)
		error = isize > 0 ? ibody_write(h, ei, area) :
		    ext4_iwrite(h, ei);
out:
	if (area != NULL)
		kmem_free(area, em->em_isize);
	if (block != NULL)
		kmem_free(block, em->em_bsize);
	return error;
}

/* value NULL: remove it.  ENODATA, EEXIST, ENOSPC, ERANGE. */
int
ext4_xattr_write(struct ext4_handle *h, struct ext4_inode *ei,
    unsigned int index, const char *name, const void *value, size_t size,
    int flags)
{
	struct attrs as;
	struct attr *a;
	int error;

	if (strlen(name) > XATTR_NAME_MAX || size > ei->ei_em->em_bsize)
		return size > ei->ei_em->em_bsize ? ENOSPC : ERANGE;
	error = attrs_load(ei, &as);
	if (error != 0)
		return error;
	a = find(&as, index, name);
	if (a == NULL && (value == NULL || (flags & XATTR_REPLACE) != 0))
		error = ENODATA;
	else if (a != NULL && (flags & XATTR_CREATE) != 0)
		error = EEXIST;
	else if (a == NULL && as.as_n == ATTRS_MAX)
		error = ENOSPC;
	if (error == 0) {
		if (value == NULL) {
			*a = as.as_list[--as.as_n];
		} else {
			if (a == NULL)
				a = &as.as_list[as.as_n++];
			a->a_index = (uint8_t)index;
			a->a_namelen = (uint8_t)strlen(name);
			a->a_name = name;
			a->a_value = value;
			a->a_size = (uint32_t)size;
		}
		ext4_itouch(ei, false);
		error = attrs_store(h, &as);
	}
	attrs_free(&as);
	return error;
}

int
ext4_xattr_delete_all(struct ext4_handle *h, struct ext4_inode *ei)
{
	return ei->ei_xattr_block != 0 ? block_drop(h, ei) : 0;
}

/* -- vnode operations -- */

static const struct {
	const char	*prefix;
	uint8_t		index;
	bool		whole;		/* the prefix is the name */
} prefixes[] = {
	{ "user.", EXT4_XI_USER, false },
	{ "trusted.", EXT4_XI_TRUSTED, false },
	{ "security.", EXT4_XI_SECURITY, false },
	{ "system.posix_acl_access", EXT4_XI_ACL, true },
	{ "system.posix_acl_default", EXT4_XI_DEFACL, true },
};

/* The index for a name, and the rest of the name. */
static int
split_name(const char *name, unsigned int *index, const char **rest)
{
	unsigned int i;
	size_t n;

	for (i = 0; i < __arraycount(prefixes); i++) {
		n = strlen(prefixes[i].prefix);
		if (strncmp(name, prefixes[i].prefix, n) != 0 ||
		    (name[n] == '\0') != prefixes[i].whole)
			continue;
		*index = prefixes[i].index;
		*rest = name + n;
		return 0;
	}
	return EOPNOTSUPP;
}

int
ext4_getxattr(struct vnode *vp, const char *name, void *buf, size_t size,
    size_t *len)
{
	unsigned int index;
	const char *rest;
	int error;

	error = split_name(name, &index, &rest);
	if (error == 0 && (index == EXT4_XI_ACL || index == EXT4_XI_DEFACL))
		return ext4_acl_get(EXT4_I(vp), index, buf, size, len);
	return error != 0 ? error :
	    ext4_xattr_read(EXT4_I(vp), index, rest, buf, size, len);
}

static int
change(struct vnode *vp, const char *name, const void *value, size_t size,
    int flags)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_handle h;
	unsigned int index, tries;
	const char *rest;
	int error;

	error = split_name(name, &index, &rest);
	for (tries = 0; tries < 2 && error == 0; tries++) {
		error = ext4_jstart(ei->ei_em, EXT4_CREDITS_XATTR, &h);
		if (error != 0)
			break;
		if (index == EXT4_XI_ACL || index == EXT4_XI_DEFACL)
			error = ext4_acl_set(&h, ei, index, value, size);
		else
			error = ext4_xattr_write(&h, ei, index, rest, value,
			    size, flags);
		ext4_jstop(&h);
		if (error != ENOSPC || !ext4_jpending(ei->ei_em))
			break;
		error = ext4_jcommit_all(ei->ei_em);
	}
	return error;
}

int
ext4_setxattr(struct vnode *vp, const char *name, const void *value,
    size_t size, int flags)
{
	return change(vp, name, value != NULL ? value : "", size, flags);
}

int
ext4_removexattr(struct vnode *vp, const char *name)
{
	return change(vp, name, NULL, 0, 0);
}

int
ext4_listxattr(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct ext4_inode *ei = EXT4_I(vp);
	size_t out = 0, n;
	struct attrs as;
	struct attr *a;
	unsigned int i, k;
	int error;

	*len = 0;
	if (ibody_size(ei) == 0 && ei->ei_xattr_block == 0)
		return 0;
	error = attrs_load(ei, &as);
	if (error != 0)
		return error;
	for (i = 0; i < as.as_n && error == 0; i++) {
		a = &as.as_list[i];
		for (k = 0; k < __arraycount(prefixes); k++)
			if (prefixes[k].index == a->a_index)
				break;
		if (k == __arraycount(prefixes))
			continue;
		n = strlen(prefixes[k].prefix);
		if (out + n + a->a_namelen + 1 > size) {
			error = E2BIG;
			break;
		}
		memcpy(buf + out, prefixes[k].prefix, n);
		memcpy(buf + out + n, a->a_name, a->a_namelen);
		out += n + a->a_namelen;
		buf[out++] = '\0';
	}
	attrs_free(&as);
	*len = out;
	return error;
}
