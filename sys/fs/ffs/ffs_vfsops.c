/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FFS: mounting and what belongs to it.
 *
 * Untrusted input: the superblock; what it says must fit together and on the
 * disk.
 */
#include <sys/errno.h>
#include <fs/ffs/ffs.h>

#define	UFS_STATFS_MAGIC 0x00011954
#define	MAGIC1		0x00011954U
#define	MAGIC2		0x19540119U

/* Places in the superblock. */
enum {
	SB_IBLKNO = 16, SB_OLDCGOFFSET = 24, SB_OLDCGMASK = 28,
	SB_OLDSIZE = 36, SB_OLDDSIZE = 40, SB_NCG = 44, SB_BSIZE = 48,
	SB_FSIZE = 52, SB_FRAG = 56, SB_ID = 144, SB_IPG = 184, SB_FPG = 188,
	SB_OLDCS = 192, SB_VOLNAME = 680, SB_CS = 1008, SB_SIZE64 = 1080,
	SB_DSIZE64 = 1088, SB_MAXSYMLINK = 1320, SB_OLDINODEFMT = 1324,
	SB_MAGIC = 1372,
};

static bool
power_of_2(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* -- the superblock -- */

/* Read it from where the kinds have it.  EINVAL: there is none. */
static int
find_super(struct bufdev *bd, char *sb)
{
	static const uint32_t places[] = { 65536, 8192, 0, 262144 };
	uint32_t magic;
	unsigned int i;
	int error;

	for (i = 0; i < __arraycount(places); i++) {
		if (bd->bd_size < places[i] + PAGE_SIZE)
			continue;
		error = bufdev_rw(bd, false, places[i], sb, PAGE_SIZE);
		if (error != 0)
			return error;
		magic = ffs_get32(sb + SB_MAGIC);
		if (magic == MAGIC2 || (magic == MAGIC1 && places[i] != 65536))
			return 0;
		if (__builtin_bswap32(magic) == MAGIC1 ||
		    __builtin_bswap32(magic) == MAGIC2)
			printf("ufs: %s: of the other byte order\n",
			    bd->bd_name);
	}
	return EINVAL;
}

static void
take_counts(struct ffs_mount *fm, const char *sb)
{
	const char *cs = sb + SB_CS;

	if (fm->fm_ufs2) {
		fm->fm_size = ffs_get64(sb + SB_SIZE64);
		fm->fm_dsize = ffs_get64(sb + SB_DSIZE64);
		fm->fm_nbfree = ffs_get64(cs + 8);
		fm->fm_nifree = ffs_get64(cs + 16);
		fm->fm_nffree = ffs_get64(cs + 24);
		return;
	}
	cs = sb + SB_OLDCS;
	fm->fm_size = ffs_get32(sb + SB_OLDSIZE);
	fm->fm_dsize = ffs_get32(sb + SB_OLDDSIZE);
	fm->fm_nbfree = ffs_get32(cs + 4);
	fm->fm_nifree = ffs_get32(cs + 8);
	fm->fm_nffree = ffs_get32(cs + 12);
	fm->fm_cgoffset = ffs_get32(sb + SB_OLDCGOFFSET);
	fm->fm_cgmask = ffs_get32(sb + SB_OLDCGMASK);
}

static int
take_super(struct ffs_mount *fm, const char *sb)
{
	fm->fm_ufs2 = ffs_get32(sb + SB_MAGIC) == MAGIC2;
	fm->fm_bsize = ffs_get32(sb + SB_BSIZE);
	fm->fm_fsize = ffs_get32(sb + SB_FSIZE);
	fm->fm_frag = ffs_get32(sb + SB_FRAG);
	fm->fm_iblkno = ffs_get32(sb + SB_IBLKNO);
	fm->fm_ncg = ffs_get32(sb + SB_NCG);
	fm->fm_ipg = ffs_get32(sb + SB_IPG);
	fm->fm_fpg = ffs_get32(sb + SB_FPG);
	fm->fm_id[0] = ffs_get32(sb + SB_ID);
	fm->fm_id[1] = ffs_get32(sb + SB_ID + 4);
	fm->fm_maxsymlink = MIN(ffs_get32(sb + SB_MAXSYMLINK),
	    fm->fm_ufs2 ? 120U : 60U);
	take_counts(fm, sb);
	fm->fm_bcsize = (unsigned int)MIN(fm->fm_fsize, PAGE_SIZE);
	if (!power_of_2(fm->fm_bsize) || fm->fm_bsize < 4096 ||
	    fm->fm_bsize > 65536 || !power_of_2(fm->fm_fsize) ||
	    fm->fm_fsize < 512 || fm->fm_fsize > fm->fm_bsize ||
	    fm->fm_frag != fm->fm_bsize / fm->fm_fsize || fm->fm_frag > 8 ||
	    fm->fm_ncg == 0 || fm->fm_ipg == 0 || fm->fm_fpg == 0 ||
	    fm->fm_bcsize < fm->fm_dev->bd_sector || fm->fm_size == 0 ||
	    fm->fm_size > fm->fm_dev->bd_size / fm->fm_fsize)
		return EINVAL;
	if (!fm->fm_ufs2 && ffs_get32(sb + SB_OLDINODEFMT) != 2) {
		printf("ufs: %s: directories of the oldest format\n",
		    fm->fm_dev->bd_name);
		return EINVAL;
	}
	return 0;
}

/* -- mount -- */

static int
option(void *ctx __unused, const char *key, const char *value)
{
	static const char *const kinds[] = { "44bsd", "ufs2", "5xbsd", "" };
	static const char *const ignored[] = { "ro", "defaults", "onerror" };

	if (strcmp(key, "ufstype") == 0)
		return mount_option_in(value, kinds, __arraycount(kinds)) ?
		    0 : EINVAL;
	return mount_option_in(key, ignored, __arraycount(ignored)) ? 0 :
	    EINVAL;
}

static uint64_t
key(const struct vnode *vp)
{
	return FFS_INODE(vp)->fi_ino;
}

static void
mount_free(struct ffs_mount *fm)
{
	if (fm->fm_bc != NULL)
		bufcache_destroy(fm->fm_bc);
	vntable_fini(&fm->fm_table);
	kmem_free(fm, sizeof(*fm));
}

static int
load(struct ffs_mount *fm, const char *options)
{
	char *sb = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	int error;

	if (sb == NULL)
		return ENOMEM;
	error = mount_options(options, option, NULL);
	if (error == 0)
		error = find_super(fm->fm_dev, sb);
	if (error == 0)
		error = take_super(fm, sb);
	kmem_free(sb, PAGE_SIZE);
	if (error != 0)
		return error;
	fm->fm_bc = bufcache_create(fm->fm_dev, fm->fm_bcsize);
	if (fm->fm_bc == NULL)
		return ENOMEM;
	error = ffs_get(fm, FFS_ROOT_INO, &fm->fm_root);
	if (error == 0 && !S_ISDIR(fm->fm_root->v_mode)) {
		vrele(fm->fm_root);
		error = EINVAL;
	}
	return error;
}

int
ffs_mount_dev(struct mount *mp, struct bufdev *bd, const char *options)
{
	struct ffs_mount *fm = kmem_zalloc(sizeof(*fm), KM_SLEEP);
	int error;

	if (fm == NULL)
		return ENOMEM;
	if (vntable_init(&fm->fm_table, key) != 0) {
		kmem_free(fm, sizeof(*fm));
		return ENOMEM;
	}
	fm->fm_mp = mp;
	fm->fm_dev = bd;
	mp->mnt_data = fm;
	error = load(fm, options);
	if (error != 0) {
		mount_free(fm);
		mp->mnt_data = NULL;
		return error;
	}
	mp->mnt_rootvp = vref(fm->fm_root);
	return 0;
}

int
ffs_unmount_dev(struct mount *mp)
{
	struct ffs_mount *fm = FFS_MOUNT(mp);

	vrele(fm->fm_root);
	mount_free(fm);
	mp->mnt_data = NULL;
	return 0;
}

static const struct diskfs_ops disk_ops = {
	.dfo_name = "ufs",
	.dfo_mount = ffs_mount_dev,
	.dfo_unmount = ffs_unmount_dev,
};

static int
ffs_mount(struct mount *mp, const char *source, const char *options)
{
	struct diskfs *df;
	int error;

	/* mount(8) tries again, read-only. */
	if ((mp->mnt_flags & MS_RDONLY) == 0)
		return EROFS;
	error = diskfs_mount(mp, source, options, &disk_ops, &df);
	if (error == 0)
		FFS_MOUNT(mp)->fm_df = df;
	return error;
}

static int
ffs_unmount(struct mount *mp, bool force __unused)
{
	struct diskfs *df = FFS_MOUNT(mp)->fm_df;

	return diskfs_unmount(mp, &disk_ops, df);
}

static int
ffs_remount(struct mount *mp __unused, unsigned int flags,
    const char *options)
{
	return (flags & MS_RDONLY) == 0 ? EROFS :
	    mount_options(options, option, NULL);
}

static int
ffs_statfs(struct mount *mp, struct statfs_k *sf)
{
	struct ffs_mount *fm = FFS_MOUNT(mp);

	sf->f_type = UFS_STATFS_MAGIC;
	sf->f_bsize = sf->f_frsize = fm->fm_fsize;
	sf->f_blocks = fm->fm_dsize;
	sf->f_bfree = sf->f_bavail = MIN(fm->fm_dsize,
	    fm->fm_nbfree * fm->fm_frag + fm->fm_nffree);
	sf->f_used = sf->f_blocks - sf->f_bfree;
	sf->f_files = (uint64_t)fm->fm_ncg * fm->fm_ipg;
	sf->f_ffree = MIN(fm->fm_nifree, sf->f_files);
	memcpy(&sf->f_fsid, fm->fm_id, sizeof(sf->f_fsid));
	sf->f_namelen = FFS_NAMEMAX;
	return 0;
}

static bool
ffs_identify(struct bufdev *bd, struct vfs_ident *vi)
{
	char *sb = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	bool is;

	if (sb == NULL)
		return false;
	is = find_super(bd, sb) == 0;
	if (is) {
		vi->vi_type = "ufs";
		snprintf(vi->vi_uuid, sizeof(vi->vi_uuid), "%08x%08x",
		    ffs_get32(sb + SB_ID), ffs_get32(sb + SB_ID + 4));
		snprintf(vi->vi_label, sizeof(vi->vi_label), "%.32s",
		    sb + SB_VOLNAME);
	}
	kmem_free(sb, PAGE_SIZE);
	return is;
}

static const struct vfsops ffs_vfsops = {
	.vfs_name = "ufs",
	.vfs_mount = ffs_mount,
	.vfs_unmount = ffs_unmount,
	.vfs_statfs = ffs_statfs,
	.vfs_remount = ffs_remount,
	.vfs_identify = ffs_identify,
};
VFS_REGISTER(ffs_vfsops);
