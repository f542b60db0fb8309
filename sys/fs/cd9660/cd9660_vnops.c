/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660: vnode operations.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/cd9660/cd9660.h>

/* A walk over the records of a directory. */
struct walk {
	struct cd_node	*w_dir;
	uint64_t	w_off;		/* of the next record, in the dir */
	uint64_t	w_first;	/* of a file with several: the first */
	bool		w_infile;
	struct buf	*w_bp;
	struct cd_entry	w_e;
};

static int
walk_begin(struct vnode *dvp, uint64_t off, struct walk **wp)
{
	struct walk *w = kmem_zalloc(sizeof(*w), KM_SLEEP);

	if (w == NULL)
		return ENOMEM;
	w->w_dir = CD_NODE(dvp);
	w->w_off = off;
	*wp = w;
	return 0;
}

static void
walk_end(struct walk *w)
{
	brelse(w->w_bp);
	kmem_free(w, sizeof(*w));
}

/* The record at w_off, or the first one behind it; NULL: at the end. */
static int
walk_record(struct walk *w, const struct cd_record **rp)
{
	const struct cd_record *r;
	size_t in;
	int error;

	*rp = NULL;
	while (w->w_off < w->w_dir->cn_size) {
		in = (size_t)(w->w_off % CD_SECTOR);
		if (w->w_bp == NULL) {
			error = cd9660_block(w->w_dir, w->w_off, &w->w_bp);
			if (error != 0)
				return error;
		}
		r = (const void *)(w->w_bp->b_data + in);
		if (cd9660_valid(r, CD_SECTOR - in)) {
			*rp = r;
			return 0;
		}
		/* No more in this sector. */
		w->w_off = rounddown2(w->w_off, (uint64_t)CD_SECTOR) +
		    CD_SECTOR;
		brelse(w->w_bp);
		w->w_bp = NULL;
	}
	return 0;
}

/* The next name in w_e.  ENOENT: there are no more. */
static int
walk_next(struct walk *w)
{
	const struct cd_record *r;
	uint64_t at, pos;
	bool last;
	int error;

	for (;;) {
		error = walk_record(w, &r);
		if (error != 0 || r == NULL)
			return error != 0 ? error : ENOENT;
		at = w->w_off;
		if (!w->w_infile)
			w->w_first = at;
		last = (r->r_flags & CD_MULTI) == 0;
		w->w_infile = !last;
		pos = (uint64_t)w->w_dir->cn_parts[0].p_block * CD_SECTOR +
		    w->w_first;
		if (last)
			error = cd9660_decode(w->w_dir->cn_cm, r, pos,
			    &w->w_e);
		w->w_off += r->r_len;
		if (w->w_off % CD_SECTOR == 0) {
			brelse(w->w_bp);
			w->w_bp = NULL;
		}
		if (error != 0)
			return error;
		if (last && !w->w_e.e_moved &&
		    (w->w_e.e_flags & CD_ASSOCIATED) == 0)
			return 0;
	}
}

static bool
is_dots(const struct cd_entry *e)
{
	return e->e_name[0] == '.' && (e->e_namelen == 1 ||
	    (e->e_namelen == 2 && e->e_name[1] == '.'));
}

/* Joliet's names are the same in upper and lower case. */
static bool
same_name(const struct cd_entry *e, const char *name, size_t len,
    bool anycase)
{
	size_t i;

	if (e->e_namelen != len)
		return false;
	for (i = 0; i < len; i++)
		if (e->e_name[i] != name[i] && (!anycase ||
		    tolower((unsigned char)e->e_name[i]) !=
		    tolower((unsigned char)name[i])))
			return false;
	return true;
}

static int
cd9660_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct cd_mount *cm = CD_NODE(dvp)->cn_cm;
	struct walk *w;
	int error;

	error = walk_begin(dvp, 0, &w);
	if (error != 0)
		return error;
	while ((error = walk_next(w)) == 0)
		if (!is_dots(&w->w_e) &&
		    same_name(&w->w_e, name, len, cm->cm_joliet))
			break;
	if (error == 0)
		error = cd9660_get(cm, w->w_e.e_pos, vpp);
	walk_end(w);
	return error;
}

static int
cd9660_readdir(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct cd_entry *e;
	struct walk *w;
	uint64_t pos;
	int error;

	error = walk_begin(dvp, (uint64_t)*cookie, &w);
	if (error != 0)
		return error;
	e = &w->w_e;
	while ((error = walk_next(w)) == 0) {
		pos = e->e_pos;
		if (is_dots(e) && e->e_namelen == 2 && e->e_parent != 0)
			pos = (uint64_t)e->e_parent * CD_SECTOR;
		if (!fn(ctx, e->e_name, e->e_namelen, MAX(pos / 2, 1U),
		    IFTODT(e->e_mode), (off_t)w->w_off))
			break;
		*cookie = (off_t)w->w_off;
	}
	walk_end(w);
	return error == ENOENT ? 0 : error;
}

static int
cd9660_getattr(struct vnode *vp, struct stat_k *st)
{
	struct cd_node *cn = CD_NODE(vp);

	st->st_nlink = cn->cn_nlink;
	st->st_size = (off_t)cn->cn_size;
	st->st_blocks = howmany(cn->cn_size, 512);
	st->st_blksize = CD_SECTOR;
	st->st_atim = cn->cn_atime;
	st->st_mtim = cn->cn_mtime;
	st->st_ctim = cn->cn_ctime;
	return 0;
}

static int
cd9660_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct cd_node *cn = CD_NODE(vp);

	*len = (size_t)MIN(cn->cn_size, size);
	memcpy(buf, cn->cn_link, *len);
	return 0;
}

static int
cd9660_bmap(struct vnode *vp, off_t off, off_t len, struct vnode_map *m)
{
	struct cd_node *cn = CD_NODE(vp);
	uint64_t at = (uint64_t)off, in;
	const struct cd_part *p;

	memset(m, 0, sizeof(*m));
	m->vm_off = off;
	m->vm_len = len;
	m->vm_kind = VM_HOLE;
	for (p = cn->cn_parts; p < cn->cn_parts + cn->cn_nparts; p++) {
		in = at - p->p_off;
		if (at < p->p_off || in >= roundup2((uint64_t)p->p_len,
		    (uint64_t)CD_SECTOR))
			continue;
		m->vm_kind = VM_MAPPED;
		m->vm_disk = (uint64_t)p->p_block * CD_SECTOR + in;
		m->vm_len = (off_t)MIN((uint64_t)len, roundup2(
		    (uint64_t)p->p_len, (uint64_t)CD_SECTOR) - in);
		break;
	}
	return 0;
}

static void
cd9660_reclaim(struct vnode *vp)
{
	struct cd_node *cn = CD_NODE(vp);

	vntable_leave(&cn->cn_cm->cm_table, vp);
	cd9660_node_free(cn);
}

const struct vops cd9660_vops = {
	.vop_lookup = cd9660_lookup,
	.vop_readdir = cd9660_readdir,
	.vop_getattr = cd9660_getattr,
	.vop_readlink = cd9660_readlink,
	.vop_read = diskfs_read,
	.vop_mmap = diskfs_mmap,
	.vop_fsync = diskfs_fsync_readonly,
	.vop_bmap = cd9660_bmap,
	.vop_reserve = diskfs_reserve_readonly,
	.vop_inactive = diskfs_inactive_readonly,
	.vop_reclaim = cd9660_reclaim,
};
