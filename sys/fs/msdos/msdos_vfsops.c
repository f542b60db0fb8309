/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: mounting and what belongs to it.
 *
 * Overview: a mount for writing sets the dirty bit of the boot sector, the end
 * of writing clears it, if nothing was found wrong meanwhile and it was clear
 * before.  FAT32's summary of free clusters is not trusted, but kept right.
 *
 * Untrusted input: the boot sector; what it says must fit on the disk.
 */
#include <sys/errno.h>
#include <uvm/uvm_vnode.h>
#include <fs/msdos/msdos.h>

#define	MSDOS_MAGIC	0x4d44
#define	FAT12_MAX	4084
#define	FAT16_MAX	65524
#define	FAT32_MAX	0x0ffffff4U

/* FAT32's summary. */
#define	FSI_SIG1	0x41615252U	/* at 0 */
#define	FSI_SIG2	0x61417272U	/* at 484 */
#define	FSI_FREE	488
#define	FSI_NEXT	492

static struct taskq *msdos_tasks;

/* -- options -- */

static int
number(const char *value, int base, uint32_t *v)
{
	return kstrtou32(value, base, v) == 0 ? 0 : EINVAL;
}

static int
option(void *ctx, const char *key, const char *value)
{
	static const char *const ignored[] = {
		"rw", "ro", "defaults", "check", "codepage", "shortname",
		"utf8", "uni_xlate", "nonumtail", "sys_immutable", "flush",
		"tz", "time_offset", "errors", "discard", "nodiscard",
		"showexec", "dots", "nodots", "allow_utime", "usefree",
		"rodir", "fat", "conv", "nfs",
	};
	struct msdos_mount *fm = ctx;
	int error = 0;

	if (strcmp(key, "uid") == 0)
		error = number(value, 10, &fm->fm_uid);
	else if (strcmp(key, "gid") == 0)
		error = number(value, 10, &fm->fm_gid);
	else if (strcmp(key, "fmask") == 0)
		error = number(value, 8, &fm->fm_fmask);
	else if (strcmp(key, "dmask") == 0)
		error = number(value, 8, &fm->fm_dmask);
	else if (strcmp(key, "umask") == 0) {
		error = number(value, 8, &fm->fm_fmask);
		fm->fm_dmask = fm->fm_fmask;
	} else if (strcmp(key, "quiet") == 0)
		fm->fm_quiet = true;
	else if (strcmp(key, "iocharset") == 0)
		error = strcmp(value, "utf8") == 0 ||
		    strcmp(value, "ascii") == 0 ||
		    strcmp(value, "iso8859-1") == 0 ? 0 : EINVAL;
	else if (!mount_option_in(key, ignored, __arraycount(ignored)))
		error = EINVAL;
	fm->fm_fmask &= 0777;
	fm->fm_dmask &= 0777;
	return error;
}

/* -- the boot sector -- */

static uint32_t
le16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t
le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static bool
power_of_2(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

static bool
plausible(const uint8_t *b)
{
	uint32_t bps = le16(b + 11);

	return power_of_2(bps) && bps >= 512 && bps <= 4096 &&
	    power_of_2(b[13]) && le16(b + 14) != 0 && b[16] != 0 &&
	    (b[21] == 0xf0 || b[21] >= 0xf8) &&
	    (le16(b + 22) != 0 || le32(b + 36) != 0) &&
	    (le16(b + 19) != 0 || le32(b + 32) != 0);
}

static unsigned int
log2of(uint32_t v)
{
	unsigned int n = 0;

	while (v >>= 1)
		n++;
	return n;
}

/* Where things are, from what the sector says. */
static int
geometry(struct msdos_mount *fm, const uint8_t *b)
{
	uint64_t total = le16(b + 19), start, entries;
	uint32_t spc = b[13], roots = le16(b + 17), n;
	bool fat32 = le16(b + 22) == 0;

	if (total == 0)
		total = le32(b + 32);
	fm->fm_bps = le16(b + 11);
	fm->fm_cshift = log2of(fm->fm_bps * spc);
	fm->fm_nfats = b[16];
	fm->fm_active = fm->fm_nfats;
	fm->fm_fatstart = le16(b + 14);
	fm->fm_fatsize = fat32 ? le32(b + 36) : le16(b + 22);
	fm->fm_rootsize = howmany(roots * MSDOS_SLOT, fm->fm_bps);
	start = fm->fm_fatstart + (uint64_t)fm->fm_nfats * fm->fm_fatsize;
	fm->fm_rootstart = (uint32_t)start;
	start += fm->fm_rootsize;
	fm->fm_datastart = (uint32_t)start;
	if (fm->fm_bps < fm->fm_dev->bd_sector || start >= total ||
	    total * fm->fm_bps > fm->fm_dev->bd_size ||
	    fm->fm_cshift > 20 || (!fat32 && roots == 0))
		return EINVAL;
	n = (uint32_t)((total - start) / spc);
	fm->fm_bits = fat32 ? 32 : n <= FAT12_MAX ? 12 : 16;
	entries = (uint64_t)fm->fm_fatsize * fm->fm_bps * 8 / fm->fm_bits;
	if (n == 0 || entries <= MSDOS_FIRST ||
	    (fm->fm_bits == 16 && n > FAT16_MAX) || n > FAT32_MAX)
		return EINVAL;
	fm->fm_nclus = (uint32_t)MIN(n, entries - MSDOS_FIRST);
	return 0;
}

static int
read_boot(struct msdos_mount *fm, const uint8_t *b)
{
	int error;

	if (!plausible(b))
		return EINVAL;
	error = geometry(fm, b);
	if (error != 0)
		return error;
	if (fm->fm_bits == 32) {
		fm->fm_rootclus = le32(b + 44);
		if ((b[40] & 0x80) != 0)
			fm->fm_active = b[40] & 15;
		fm->fm_fsinfo = le16(b + 48);
		if (fm->fm_fsinfo >= fm->fm_fatstart ||
		    fm->fm_fsinfo == 0xffff)
			fm->fm_fsinfo = 0;
		if (!msdos_clus_ok(fm, fm->fm_rootclus))
			return EINVAL;
		fm->fm_wasdirty = (b[65] & 1) != 0;
		fm->fm_volid = le32(b + 67);
	} else {
		fm->fm_wasdirty = (b[37] & 1) != 0;
		fm->fm_volid = le32(b + 39);
	}
	return 0;
}

static int
load_boot(struct msdos_mount *fm)
{
	uint8_t *b = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	int error;

	if (b == NULL)
		return ENOMEM;
	error = fm->fm_dev->bd_size < PAGE_SIZE ? EINVAL :
	    bufdev_rw(fm->fm_dev, false, 0, b, PAGE_SIZE);
	if (error == 0)
		error = read_boot(fm, b);
	kmem_free(b, PAGE_SIZE);
	return error;
}

/* -- the beginning and the end of writing -- */

static int
set_dirty(struct msdos_mount *fm, bool dirty)
{
	unsigned int at = fm->fm_bits == 32 ? 65 : 37;
	struct buf *bp;
	int error;

	error = bread(fm->fm_bc, 0, &bp);
	if (error != 0)
		return error;
	bp->b_data[at] = (char)((bp->b_data[at] & ~1) | (dirty ? 1 : 0));
	bdirty(bp);
	error = bwrite(bp);
	brelse(bp);
	return error != 0 ? error : bufdev_flush(fm->fm_dev);
}

static int
start_writing(struct msdos_mount *fm)
{
	int error;

	if (fm->fm_dev->bd_readonly)
		return EROFS;
	if (fm->fm_wasdirty)
		printf("vfat: %s: was not unmounted cleanly; fsck.fat is "
		    "advised\n", fm->fm_dev->bd_name);
	error = set_dirty(fm, true);
	fm->fm_writing = error == 0;
	return error;
}

/* The summary of a FAT32 disk, if it was counted. */
static int
write_summary(struct msdos_mount *fm)
{
	struct buf *bp;
	uint8_t *p;
	uint32_t v[2];
	int error, i;

	if (fm->fm_fsinfo == 0 || fm->fm_used == NULL || fm->fm_failed)
		return 0;
	mutex_enter(&fm->fm_lock);
	v[0] = fm->fm_nfree;
	v[1] = MAX(fm->fm_next, (uint32_t)MSDOS_FIRST);
	mutex_exit(&fm->fm_lock);
	error = bread(fm->fm_bc, fm->fm_fsinfo, &bp);
	if (error != 0)
		return error;
	p = (void *)bp->b_data;
	if (le32(p) == FSI_SIG1 && le32(p + 484) == FSI_SIG2 &&
	    (le32(p + FSI_FREE) != v[0] || le32(p + FSI_NEXT) != v[1])) {
		for (i = 0; i < 8; i++)
			p[FSI_FREE + i] = (uint8_t)(v[i / 4] >> i % 4 * 8);
		bdirty(bp);
	}
	brelse(bp);
	return 0;
}

int
msdos_sync(struct mount *mp)
{
	struct msdos_mount *fm = MSDOS_MOUNT(mp);
	int error, e;

	if (!fm->fm_writing)
		return 0;
	error = uvm_vnode_sync_all(mp);
	e = msdos_flush_all(fm);
	if (e == 0)
		e = write_summary(fm);
	if (e == 0)
		e = bufcache_sync(fm->fm_bc);
	if (e == 0)
		e = bufdev_flush(fm->fm_dev);
	return error != 0 ? error : e;
}

static void
stop_writing(struct msdos_mount *fm)
{
	int error;

	if (!fm->fm_writing)
		return;
	error = msdos_sync(fm->fm_mp);
	if (error == 0 && !fm->fm_failed && !fm->fm_wasdirty)
		error = set_dirty(fm, false);
	if (error != 0)
		printf("vfat: %s: error %d at the end of writing\n",
		    fm->fm_dev->bd_name, error);
	fm->fm_writing = false;
}

/* Structures only: the page cache has its own writer. */
static void
periodic(void *arg)
{
	struct msdos_mount *fm = arg;

	int error;

	if (!fm->fm_writing || fm->fm_failed)
		return;
	error = msdos_flush_all(fm);
	if (error == 0)
		error = write_summary(fm);
	if (error == 0)
		error = bufcache_sync(fm->fm_bc);
	if (error != 0)
		(void)msdos_error(fm, "it cannot be written");
}

/* -- mount -- */

static uint64_t
key(const struct vnode *vp)
{
	return MSDOS_NODE(vp)->fn_pos;
}

static void
mount_free(struct msdos_mount *fm)
{
	if (fm->fm_used != NULL)
		kmem_free(fm->fm_used, (fm->fm_nclus + MSDOS_FIRST) / 8 + 1);
	if (fm->fm_bc != NULL)
		bufcache_destroy(fm->fm_bc);
	vntable_fini(&fm->fm_table);
	mutex_destroy(&fm->fm_lock);
	kmem_free(fm, sizeof(*fm));
}

static struct msdos_mount *
mount_alloc(struct mount *mp, struct bufdev *bd)
{
	struct msdos_mount *fm = kmem_zalloc(sizeof(*fm), KM_SLEEP);

	if (fm == NULL)
		return NULL;
	if (vntable_init(&fm->fm_table, key) != 0) {
		kmem_free(fm, sizeof(*fm));
		return NULL;
	}
	fm->fm_mp = mp;
	fm->fm_dev = bd;
	fm->fm_fmask = fm->fm_dmask = 022;
	LIST_INIT(&fm->fm_odd);
	mutex_init(&fm->fm_lock, "msdos_fat");
	return fm;
}

static int
load(struct msdos_mount *fm, const char *options)
{
	int error;

	error = mount_options(options, option, fm);
	if (error == 0)
		error = load_boot(fm);
	if (error != 0)
		return error;
	fm->fm_bc = bufcache_create(fm->fm_dev, fm->fm_bps);
	if (fm->fm_bc == NULL)
		return ENOMEM;
	if ((fm->fm_mp->mnt_flags & MS_RDONLY) == 0)
		error = start_writing(fm);
	if (error == 0)
		error = msdos_root_get(fm, &fm->fm_root);
	if (error != 0)
		stop_writing(fm);
	return error;
}

int
msdos_mount_dev(struct mount *mp, struct bufdev *bd, const char *options)
{
	struct msdos_mount *fm = mount_alloc(mp, bd);
	int error;

	if (fm == NULL)
		return ENOMEM;
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
msdos_unmount_dev(struct mount *mp)
{
	struct msdos_mount *fm = MSDOS_MOUNT(mp);

	vrele(fm->fm_root);
	stop_writing(fm);
	mount_free(fm);
	mp->mnt_data = NULL;
	return 0;
}

/* A read-only mount may want to write later. */
static const struct diskfs_ops disk_ops = {
	.dfo_name = "vfat",
	.dfo_write = true,
	.dfo_mount = msdos_mount_dev,
	.dfo_unmount = msdos_unmount_dev,
};

static int
msdos_mount(struct mount *mp, const char *source, const char *options)
{
	struct diskfs *df;
	int error;

	error = diskfs_mount(mp, source, options, &disk_ops, &df);
	if (error != 0)
		return error;
	MSDOS_MOUNT(mp)->fm_df = df;
	diskfs_timer_start(&MSDOS_MOUNT(mp)->fm_timer, msdos_tasks, periodic,
	    MSDOS_MOUNT(mp));
	return 0;
}

static int
msdos_unmount(struct mount *mp, bool force __unused)
{
	struct diskfs *df = MSDOS_MOUNT(mp)->fm_df;

	diskfs_timer_stop(&MSDOS_MOUNT(mp)->fm_timer);
	return diskfs_unmount(mp, &disk_ops, df);
}

static int
msdos_remount(struct mount *mp, unsigned int flags, const char *options)
{
	struct msdos_mount *fm = MSDOS_MOUNT(mp), *o;
	int error;

	/* They are looked at, and stay what they were. */
	o = kmem_zalloc(sizeof(*o), KM_SLEEP);
	if (o == NULL)
		return ENOMEM;
	error = mount_options(options, option, o);
	kmem_free(o, sizeof(*o));
	if (error != 0)
		return error;
	if ((flags & MS_RDONLY) != 0)
		stop_writing(fm);
	else if (!fm->fm_writing)
		error = fm->fm_failed ? EROFS : start_writing(fm);
	return error;
}

static int
msdos_statfs(struct mount *mp, struct statfs_k *sf)
{
	struct msdos_mount *fm = MSDOS_MOUNT(mp);
	int error;

	mutex_enter(&fm->fm_lock);
	error = msdos_scan(fm);
	if (error == 0)
		sf->f_bfree = sf->f_bavail = fm->fm_nfree;
	mutex_exit(&fm->fm_lock);
	sf->f_type = MSDOS_MAGIC;
	sf->f_bsize = sf->f_frsize = 1U << fm->fm_cshift;
	sf->f_blocks = fm->fm_nclus;
	sf->f_used = sf->f_blocks - sf->f_bfree;
	sf->f_fsid = fm->fm_volid;
	sf->f_namelen = MSDOS_NAMEMAX;
	return error;
}

static void
msdos_showopts(struct mount *mp, char *buf, size_t len)
{
	struct msdos_mount *fm = MSDOS_MOUNT(mp);
	size_t n = 0;

	if (fm->fm_uid != 0)
		n += (size_t)scnprintf(buf, len, ",uid=%u", fm->fm_uid);
	if (fm->fm_gid != 0)
		n += (size_t)scnprintf(buf + n, len - n, ",gid=%u",
		    fm->fm_gid);
	(void)scnprintf(buf + n, len - n, ",fmask=%04o,dmask=%04o,"
	    "codepage=437,iocharset=utf8,shortname=mixed%s", fm->fm_fmask,
	    fm->fm_dmask, fm->fm_quiet ? ",quiet" : "");
}

static bool
msdos_identify(struct bufdev *bd, struct vfs_ident *vi)
{
	uint8_t *b = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	const uint8_t *label;
	size_t n = 11;
	uint32_t id;
	bool is;

	if (b == NULL)
		return false;
	is = bd->bd_size >= PAGE_SIZE &&
	    bufdev_rw(bd, false, 0, b, PAGE_SIZE) == 0 &&
	    (b[0] == 0xeb || b[0] == 0xe9) && b[510] == 0x55 &&
	    b[511] == 0xaa && plausible(b);
	if (is) {
		vi->vi_type = "vfat";
		id = le32(b + (le16(b + 22) == 0 ? 67 : 39));
		label = b + (le16(b + 22) == 0 ? 71 : 43);
		snprintf(vi->vi_uuid, sizeof(vi->vi_uuid), "%04X-%04X",
		    id >> 16, id & 0xffff);
		while (n > 0 && label[n - 1] <= ' ')
			n--;
		if (memcmp(label, "NO NAME", 7) != 0)
			snprintf(vi->vi_label, sizeof(vi->vi_label), "%.*s",
			    (int)n, (const char *)label);
	}
	kmem_free(b, PAGE_SIZE);
	return is;
}

static void
msdos_init(void)
{
	msdos_tasks = taskq_create("vfat");
}

static const struct vfsops msdos_vfsops = {
	.vfs_name = "vfat",
	.vfs_init = msdos_init,
	.vfs_mount = msdos_mount,
	.vfs_unmount = msdos_unmount,
	.vfs_statfs = msdos_statfs,
	.vfs_sync = msdos_sync,
	.vfs_remount = msdos_remount,
	.vfs_showopts = msdos_showopts,
	.vfs_identify = msdos_identify,
};
VFS_REGISTER(msdos_vfsops);
