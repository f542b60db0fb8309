/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660: mounting and what belongs to it.
 *
 * Overview: the volume descriptors say where the root directory is: the
 * primary's, where Rock Ridge names are if there are any; else that of a
 * Joliet descriptor; else names are in lower case without a version.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/cd9660/cd9660.h>

#define	ISOFS_MAGIC	0x9660
#define	DESCRIPTORS	32		/* more are not looked at */

/* A volume descriptor's places. */
#define	VD_TYPE		0		/* 1 primary, 2 Joliet and others */
#define	VD_ID		1		/* "CD001" */
#define	VD_LABEL	40
#define	VD_LABELLEN	32
#define	VD_SPACE	80
#define	VD_ESCAPE	88		/* which characters */
#define	VD_BLOCK	128		/* bytes, 16 bits */
#define	VD_ROOT		156
#define	VD_CREATED	813		/* dates of 17 bytes */
#define	VD_MODIFIED	830

/* -- options -- */

static int
number(const char *value, int base, uint32_t *v, bool *has)
{
	*has = true;
	return kstrtou32(value, base, v) == 0 ? 0 : EINVAL;
}

static int
option(void *ctx, const char *key, const char *value)
{
	static const char *const ignored[] = {
		"ro", "defaults", "check", "map", "cruft", "hide", "unhide",
		"showassoc", "iocharset", "utf8", "block",
	};
	struct cd_mount *cm = ctx;
	int error = 0;

	if (strcmp(key, "norock") == 0)
		cm->cm_norock = true;
	else if (strcmp(key, "nojoliet") == 0)
		cm->cm_nojoliet = true;
	else if (strcmp(key, "uid") == 0)
		error = number(value, 10, &cm->cm_uid, &cm->cm_hasuid);
	else if (strcmp(key, "gid") == 0)
		error = number(value, 10, &cm->cm_gid, &cm->cm_hasgid);
	else if (strcmp(key, "mode") == 0)
		error = number(value, 8, &cm->cm_mode, &cm->cm_hasmode);
	else if (strcmp(key, "dmode") == 0)
		error = number(value, 8, &cm->cm_dmode, &cm->cm_hasdmode);
	else if (!mount_option_in(key, ignored, __arraycount(ignored)))
		error = EINVAL;
	cm->cm_mode &= ALLPERMS;
	cm->cm_dmode &= ALLPERMS;
	return error;
}

/* -- descriptors -- */

static bool
is_descriptor(const uint8_t *d)
{
	return memcmp(d + VD_ID, "CD001", 5) == 0;
}

static bool
is_joliet(const uint8_t *d)
{
	const uint8_t *e = d + VD_ESCAPE;

	return d[VD_TYPE] == 2 && e[0] == '%' && e[1] == '/' &&
	    (e[2] == '@' || e[2] == 'C' || e[2] == 'E');
}

static uint64_t
root_of(const uint8_t *d)
{
	const struct cd_record *r = (const void *)(d + VD_ROOT);

	return ((uint64_t)cd_le32(r->r_extent) + r->r_xattrlen) * CD_SECTOR;
}

/* Where the two kinds of root are; 0: there is none.  EINVAL: no CD. */
static int
find_roots(struct cd_mount *cm, uint64_t *plain, uint64_t *joliet)
{
	const uint8_t *d;
	struct buf *bp;
	unsigned int i;
	int error;

	*plain = *joliet = 0;
	for (i = 0; i < DESCRIPTORS; i++) {
		error = bread(cm->cm_bc, CD_FIRST + i, &bp);
		if (error != 0)
			return i == 0 ? error : 0;
		d = (const void *)bp->b_data;
		if (!is_descriptor(d) || d[VD_TYPE] == 255) {
			brelse(bp);
			break;
		}
		if ((d[VD_BLOCK] | d[VD_BLOCK + 1] << 8) != (int)CD_SECTOR)
			printf("iso9660: %s: blocks of %d bytes are not "
			    "supported\n", cm->cm_dev->bd_name,
			    d[VD_BLOCK] | d[VD_BLOCK + 1] << 8);
		else if (d[VD_TYPE] == 1 && *plain == 0)
			*plain = root_of(d);
		else if (is_joliet(d))
			*joliet = root_of(d);
		brelse(bp);
	}
	return *plain == 0 ? EINVAL : 0;
}

static int
probe_rock(struct cd_mount *cm, uint64_t root)
{
	struct buf *bp;
	int error;

	error = bread(cm->cm_bc, root / CD_SECTOR, &bp);
	if (error != 0)
		return error;
	if (cd9660_valid((const void *)bp->b_data, CD_SECTOR))
		error = cd9660_rock_probe(cm, (const void *)bp->b_data);
	brelse(bp);
	return error;
}

static int
load(struct cd_mount *cm)
{
	uint64_t plain, joliet, root;
	int error;

	error = find_roots(cm, &plain, &joliet);
	if (error == 0 && !cm->cm_norock)
		error = probe_rock(cm, plain);
	if (error != 0)
		return error;
	cm->cm_joliet = !cm->cm_rock && !cm->cm_nojoliet && joliet != 0;
	root = cm->cm_joliet ? joliet : plain;
	error = cd9660_get(cm, root, &cm->cm_root);
	if (error == 0 && !S_ISDIR(cm->cm_root->v_mode)) {
		vrele(cm->cm_root);
		error = EINVAL;
	}
	return error;
}

/* -- mount -- */

static uint64_t
key(const struct vnode *vp)
{
	return CD_NODE(vp)->cn_pos;
}

static void
mount_free(struct cd_mount *cm)
{
	vntable_fini(&cm->cm_table);
	bufcache_destroy(cm->cm_bc);
	kmem_free(cm, sizeof(*cm));
}

static int
mount_alloc(struct mount *mp, struct bufdev *bd, struct cd_mount **cmp)
{
	struct cd_mount *cm = kmem_zalloc(sizeof(*cm), KM_SLEEP);

	if (cm == NULL)
		return ENOMEM;
	cm->cm_mp = mp;
	cm->cm_dev = bd;
	cm->cm_nblocks = bd->bd_size / CD_SECTOR;
	cm->cm_mode = cm->cm_dmode = 0555;
	cm->cm_bc = bufcache_create(bd, CD_SECTOR);
	if (cm->cm_bc == NULL || vntable_init(&cm->cm_table, key) != 0) {
		if (cm->cm_bc != NULL)
			bufcache_destroy(cm->cm_bc);
		kmem_free(cm, sizeof(*cm));
		return ENOMEM;
	}
	*cmp = cm;
	return 0;
}

int
cd9660_mount_dev(struct mount *mp, struct bufdev *bd, const char *options)
{
	struct cd_mount *cm;
	int error;

	if (bd->bd_sector > CD_SECTOR ||
	    bd->bd_size < (CD_FIRST + 2) * CD_SECTOR)
		return EINVAL;
	error = mount_alloc(mp, bd, &cm);
	if (error != 0)
		return error;
	mp->mnt_data = cm;
	error = mount_options(options, option, cm);
	if (error == 0)
		error = load(cm);
	if (error != 0) {
		mount_free(cm);
		mp->mnt_data = NULL;
		return error;
	}
	mp->mnt_rootvp = vref(cm->cm_root);
	return 0;
}

int
cd9660_unmount_dev(struct mount *mp)
{
	struct cd_mount *cm = CD_MOUNT(mp);

	vrele(cm->cm_root);
	mount_free(cm);
	mp->mnt_data = NULL;
	return 0;
}

static const struct diskfs_ops disk_ops = {
	.dfo_name = "iso9660",
	.dfo_mount = cd9660_mount_dev,
	.dfo_unmount = cd9660_unmount_dev,
};

static int
cd9660_mount(struct mount *mp, const char *source, const char *options)
{
	struct diskfs *df;
	int error;

	/* mount(8) tries again, read-only. */
	if ((mp->mnt_flags & MS_RDONLY) == 0)
		return EACCES;
	error = diskfs_mount(mp, source, options, &disk_ops, &df);
	if (error == 0)
		CD_MOUNT(mp)->cm_df = df;
	return error;
}

static int
cd9660_unmount(struct mount *mp, bool force __unused)
{
	struct diskfs *df = CD_MOUNT(mp)->cm_df;

	return diskfs_unmount(mp, &disk_ops, df);
}

static int
cd9660_remount(struct mount *mp, unsigned int flags, const char *options)
{
	struct cd_mount *o;
	int error;

	if ((flags & MS_RDONLY) == 0)
		return EROFS;
	/* The options are looked at, and stay what they were. */
	o = kmem_zalloc(sizeof(*o), KM_SLEEP);
	if (o == NULL)
		return ENOMEM;
	error = mount_options(options, option, o);
	kmem_free(o, sizeof(*o));
	(void)mp;
	return error;
}

static int
cd9660_statfs(struct mount *mp, struct statfs_k *sf)
{
	struct cd_mount *cm = CD_MOUNT(mp);

	sf->f_type = ISOFS_MAGIC;
	sf->f_bsize = sf->f_frsize = CD_SECTOR;
	sf->f_blocks = sf->f_used = cm->cm_nblocks;
	sf->f_namelen = CD_NAMEMAX;
	return 0;
}

static void
cd9660_showopts(struct mount *mp, char *buf, size_t len)
{
	struct cd_mount *cm = CD_MOUNT(mp);

	(void)scnprintf(buf, len, "%s%s", cm->cm_norock ? ",norock" : "",
	    cm->cm_nojoliet ? ",nojoliet" : "");
}

/* As blkid writes it: the date of the last change, or the first. */
static void
identity(const uint8_t *d, struct vfs_ident *vi)
{
	const char *t = (const char *)d + VD_MODIFIED;
	size_t n = VD_LABELLEN;

	if (t[0] == '0' || !isdigit(t[0]))
		t = (const char *)d + VD_CREATED;
	snprintf(vi->vi_uuid, sizeof(vi->vi_uuid),
	    "%.4s-%.2s-%.2s-%.2s-%.2s-%.2s-%.2s", t, t + 4, t + 6, t + 8,
	    t + 10, t + 12, t + 14);
	while (n > 0 && (d[VD_LABEL + n - 1] == ' ' ||
	    d[VD_LABEL + n - 1] == 0))
		n--;
	snprintf(vi->vi_label, sizeof(vi->vi_label), "%.*s", (int)n,
	    (const char *)d + VD_LABEL);
}

static bool
cd9660_identify(struct bufdev *bd, struct vfs_ident *vi)
{
	uint8_t *d;
	bool is;

	if (bd->bd_size < (CD_FIRST + 1) * CD_SECTOR ||
	    bd->bd_sector > CD_SECTOR)
		return false;
	d = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (d == NULL)
		return false;
	is = bufdev_rw(bd, false, CD_FIRST * CD_SECTOR, d, CD_SECTOR) == 0 &&
	    is_descriptor(d) && d[VD_TYPE] == 1;
	if (is) {
		vi->vi_type = "iso9660";
		identity(d, vi);
	}
	kmem_free(d, PAGE_SIZE);
	return is;
}

static const struct vfsops cd9660_vfsops = {
	.vfs_name = "iso9660",
	.vfs_mount = cd9660_mount,
	.vfs_unmount = cd9660_unmount,
	.vfs_statfs = cd9660_statfs,
	.vfs_remount = cd9660_remount,
	.vfs_showopts = cd9660_showopts,
	.vfs_identify = cd9660_identify,
};
VFS_REGISTER(cd9660_vfsops);
