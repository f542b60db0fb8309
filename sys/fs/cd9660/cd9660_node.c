/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660: directory records and the files they stand for.
 *
 * Untrusted input: the disk.  A record is used when it lies in one sector and
 * its name in the record; extents when they lie on the disk.  What is
 * impossible is EIO.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/utf16.h>
#include <uvm/uvm_vnode.h>
#include <fs/cd9660/cd9660.h>

/* -- records -- */

/* Seconds since 1970 of a date of the Gregorian calendar. */
static int64_t
days_to(unsigned int y, unsigned int m, unsigned int d)
{
	static const unsigned short before[12] = { 0, 31, 59, 90, 120, 151,
	    181, 212, 243, 273, 304, 334 };
	int64_t n;

	n = 365 * ((int64_t)y - 1970) + ((int64_t)y - 1969) / 4 -
	    ((int64_t)y - 1901) / 100 + ((int64_t)y - 1601) / 400;
	if (m > 2 && (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)))
		n++;
	return n + before[m - 1] + (int64_t)d - 1;
}

/* Year since 1900, month, day, hour, minute, second, quarters of an hour. */
struct timespec
cd9660_time7(const uint8_t *p)
{
	struct timespec ts = { 0, 0 };
	int zone = (int8_t)p[6];

	if (p[0] < 70 || p[1] < 1 || p[1] > 12 || p[2] < 1 || p[2] > 31)
		return ts;
	ts.tv_sec = days_to(1900U + p[0], p[1], p[2]) * 86400 + p[3] * 3600 +
	    p[4] * 60 + p[5];
	if (zone >= -48 && zone <= 52)
		ts.tv_sec -= zone * 15 * 60;
	return ts;
}

bool
cd9660_valid(const struct cd_record *r, size_t left)
{
	return left >= sizeof(*r) && r->r_len >= sizeof(*r) + 1 &&
	    r->r_len <= left && r->r_namelen != 0 &&
	    sizeof(*r) + r->r_namelen <= r->r_len;
}

static void
plain_name(struct cd_mount *cm, const struct cd_record *r,
    struct cd_entry *e)
{
	const unsigned char *p = (const unsigned char *)(r + 1);
	size_t n = 0, i;

	if (cm->cm_joliet) {
		n = utf16_to_utf8(p, r->r_namelen / 2, true, e->e_name,
		    sizeof(e->e_name));
	} else {
		for (i = 0; i < r->r_namelen && p[i] != '\0'; i++)
			e->e_name[n++] = (char)tolower(p[i]);
	}
	for (i = 0; i < n; i++)
		if (e->e_name[i] == '/')
			e->e_name[i] = '_';
	if (n > 2 && e->e_name[n - 2] == ';' && isdigit(e->e_name[n - 1]))
		n -= 2;
	if (n > 1 && !cm->cm_joliet && e->e_name[n - 1] == '.')
		n--;
	if (n == 0)
		e->e_name[n++] = '_';
	e->e_name[n] = '\0';
	e->e_namelen = (unsigned int)n;
}

static bool
is_dots(const struct cd_record *r)
{
	return r->r_namelen == 1 && ((const uint8_t *)(r + 1))[0] <= 1;
}

/* What mount options say of it. */
static void
apply_options(const struct cd_mount *cm, struct cd_entry *e)
{
	if (cm->cm_hasuid)
		e->e_uid = cm->cm_uid;
	if (cm->cm_hasgid)
		e->e_gid = cm->cm_gid;
	if (S_ISDIR(e->e_mode) && (cm->cm_hasdmode || !cm->cm_rock))
		e->e_mode = S_IFDIR | cm->cm_dmode;
	else if (S_ISREG(e->e_mode) && (cm->cm_hasmode || !cm->cm_rock))
		e->e_mode = S_IFREG | cm->cm_mode;
}

int
cd9660_decode(struct cd_mount *cm, const struct cd_record *r, uint64_t pos,
    struct cd_entry *e)
{
	int error = 0;

	memset(e, 0, sizeof(*e));
	e->e_block = cd_le32(r->r_extent) + r->r_xattrlen;
	e->e_size = cd_le32(r->r_size);
	e->e_flags = r->r_flags;
	e->e_mode = (r->r_flags & CD_DIR) != 0 ? S_IFDIR | 0755 :
	    S_IFREG | 0644;
	e->e_nlink = 1;
	e->e_mtime = e->e_atime = e->e_ctime = cd9660_time7(r->r_date);
	if (is_dots(r)) {
		e->e_namelen = ((const uint8_t *)(r + 1))[0] == 0 ? 1 : 2;
		memcpy(e->e_name, "..", e->e_namelen);
	} else {
		plain_name(cm, r, e);
	}
	if (cm->cm_rock)
		error = cd9660_rock(cm, r, e);
	if (r->r_unitsize != 0 || r->r_gap != 0)
		error = EIO;		/* interleaved: none is made */
	if ((e->e_flags & CD_DIR) != 0)
		e->e_pos = (uint64_t)e->e_block * CD_SECTOR;
	else
		e->e_pos = pos;
	apply_options(cm, e);
	return error;
}

/* -- files -- */

void
cd9660_node_free(struct cd_node *cn)
{
	if (cn->cn_parts != NULL)
		kmem_free(cn->cn_parts, cn->cn_maxparts *
		    sizeof(*cn->cn_parts));
	if (cn->cn_link != NULL)
		kmem_strfree(cn->cn_link);
	kmem_free(cn, sizeof(*cn));
}

static bool
part_fits(const struct cd_mount *cm, uint32_t block, uint32_t len)
{
	return len == 0 || (block < cm->cm_nblocks &&
	    howmany((uint64_t)len, CD_SECTOR) <= cm->cm_nblocks - block);
}

/* The record at pos or, if the sector has no more, in the next one. */
static int
record_at(struct cd_mount *cm, uint64_t *pos, struct buf **bpp,
    const struct cd_record **rp)
{
	const struct cd_record *r;
	size_t in;
	int error, try;

	for (try = 0; try < 2; try++) {
		in = (size_t)(*pos % CD_SECTOR);
		error = bread(cm->cm_bc, *pos / CD_SECTOR, bpp);
		if (error != 0)
			return error == EINVAL ? EIO : error;
		r = (const void *)((*bpp)->b_data + in);
		if (cd9660_valid(r, CD_SECTOR - in)) {
			*rp = r;
			return 0;
		}
		brelse(*bpp);
		if (in == 0)
			break;
		*pos = roundup2(*pos, (uint64_t)CD_SECTOR);
	}
	return EIO;
}

static int
parts_alloc(struct cd_node *cn, unsigned int n)
{
	cn->cn_parts = kmem_zalloc(n * sizeof(*cn->cn_parts), KM_SLEEP);
	cn->cn_maxparts = n;
	return cn->cn_parts == NULL ? ENOMEM : 0;
}

/* More records of the same file follow: all its extents. */
static int
load_parts(struct cd_node *cn, uint64_t pos)
{
	struct cd_mount *cm = cn->cn_cm;
	const struct cd_record *r;
	struct cd_part *p;
	struct buf *bp;
	bool more = true;
	int error;

	error = parts_alloc(cn, CD_MAXPARTS);
	while (more && error == 0) {
		error = record_at(cm, &pos, &bp, &r);
		if (error != 0)
			break;
		p = &cn->cn_parts[cn->cn_nparts++];
		p->p_off = cn->cn_size;
		p->p_block = cd_le32(r->r_extent) + r->r_xattrlen;
		p->p_len = cd_le32(r->r_size);
		more = (r->r_flags & CD_MULTI) != 0;
		if (!part_fits(cm, p->p_block, p->p_len) ||
		    (more && (p->p_len == 0 || p->p_len % CD_SECTOR != 0 ||
		    cn->cn_nparts == CD_MAXPARTS)) ||
		    r->r_unitsize != 0 || r->r_gap != 0)
			error = EIO;
		cn->cn_size += p->p_len;
		pos += r->r_len;
		brelse(bp);
	}
	return error;
}

static int
load_contents(struct cd_node *cn, uint64_t pos, struct cd_entry *e)
{
	struct cd_part *p;

	if (S_ISLNK(e->e_mode)) {
		if (e->e_linklen == 0 || e->e_longlink)
			return EIO;
		cn->cn_link = kmem_strdup(e->e_link, KM_SLEEP);
		cn->cn_size = e->e_linklen;
		return cn->cn_link == NULL ? ENOMEM : 0;
	}
	if (!S_ISREG(e->e_mode) && !S_ISDIR(e->e_mode))
		return 0;
	if ((e->e_flags & CD_MULTI) != 0 && S_ISREG(e->e_mode))
		return load_parts(cn, pos);
	if (!part_fits(cn->cn_cm, e->e_block, e->e_size))
		return EIO;
	cn->cn_size = e->e_size;
	if (parts_alloc(cn, 1) != 0)
		return ENOMEM;
	p = cn->cn_parts;
	cn->cn_nparts = 1;
	p->p_block = e->e_block;
	p->p_len = e->e_size;
	return 0;
}

static int
node_load(struct cd_mount *cm, uint64_t pos, struct cd_entry *e,
    struct cd_node **cnp)
{
	const struct cd_record *r;
	struct cd_node *cn;
	struct buf *bp;
	int error;

	cn = kmem_zalloc(sizeof(*cn), KM_SLEEP);
	if (cn == NULL)
		return ENOMEM;
	cn->cn_cm = cm;
	cn->cn_pos = pos;
	error = pos % CD_SECTOR > CD_SECTOR - sizeof(*r) ? EIO :
	    bread(cm->cm_bc, pos / CD_SECTOR, &bp);
	if (error == 0) {
		r = (const void *)(bp->b_data + pos % CD_SECTOR);
		error = !cd9660_valid(r, CD_SECTOR - pos % CD_SECTOR) ? EIO :
		    cd9660_decode(cm, r, pos, e);
		brelse(bp);
	}
	/* A directory is known by its own record. */
	if (error == 0 && e->e_pos != pos)
		error = EIO;
	if (error == 0)
		error = load_contents(cn, pos, e);
	cn->cn_nlink = MAX(e->e_nlink, 1U);
	cn->cn_atime = e->e_atime;
	cn->cn_mtime = e->e_mtime;
	cn->cn_ctime = e->e_ctime;
	if (error != 0) {
		cd9660_node_free(cn);
		return error == EINVAL ? EIO : error;
	}
	*cnp = cn;
	return 0;
}

static int
vnode_make(struct cd_node *cn, const struct cd_entry *e, struct vnode **vpp)
{
	struct cd_mount *cm = cn->cn_cm;
	struct vnode *vp;
	int error;

	error = vnode_alloc(cm->cm_mp, &cd9660_vops, cn, &vp);
	if (error != 0) {
		cd9660_node_free(cn);
		return error;
	}
	vp->v_mode = e->e_mode;
	vp->v_uid = e->e_uid;
	vp->v_gid = e->e_gid;
	vp->v_ino = cn->cn_pos / 2;	/* records lie at even places */
	vp->v_rdev = e->e_rdev;
	if (S_ISREG(e->e_mode)) {
		vp->v_bsize = CD_SECTOR;
		error = uvm_vnode_attach(vp, cm->cm_dev->bd_disk,
		    cn->cn_size);
	}
	if (error != 0) {
		vrele(vp);
		return error;
	}
	*vpp = vp;
	return 0;
}

/* The file known by the record at pos.  Sleeps.  EIO, ENOMEM. */
int
cd9660_get(struct cd_mount *cm, uint64_t pos, struct vnode **vpp)
{
	struct vnode *vp, *other;
	struct cd_entry *e;
	struct cd_node *cn;
	int error;

	*vpp = vntable_find(&cm->cm_table, pos);
	if (*vpp != NULL)
		return 0;
	e = kmem_alloc(sizeof(*e), KM_SLEEP);
	if (e == NULL)
		return ENOMEM;
	error = node_load(cm, pos, e, &cn);
	if (error == 0)
		error = vnode_make(cn, e, &vp);
	kmem_free(e, sizeof(*e));
	if (error != 0)
		return error;
	other = vntable_enter(&cm->cm_table, vp);
	if (other != NULL) {
		vrele(vp);
		vp = other;
	}
	*vpp = vp;
	return 0;
}

/* The sector of a directory with byte off. */
int
cd9660_block(struct cd_node *cn, uint64_t off, struct buf **bpp)
{
	int error;

	error = bread(cn->cn_cm->cm_bc, cn->cn_parts[0].p_block +
	    off / CD_SECTOR, bpp);
	return error == EINVAL ? EIO : error;
}
