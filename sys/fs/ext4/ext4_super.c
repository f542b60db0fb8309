/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: superblock, group descriptors, checksums, and what happens when the
 * disk turns out to be wrong.
 *
 * Overview: the superblock is copied at mount; features and sizes are used from
 * the copy.  Its buffer stays referenced: the list of orphans begins there, and
 * unmounting writes the counts.  Descriptors are decoded into struct ext4_group
 * and written back field by field with each change.
 *
 * Errors: whatever s_errors says, a damaged file system is not written any
 * more: one line, MS_RDONLY, EXT4_ERROR_FS in the superblock.  There is no
 * panic.
 *
 * Untrusted input: all sizes are checked here once; later code computes with
 * them freely.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/time.h>
#include <fs/ext4/ext4.h>

#define	GROUPS_MAX	(1U << 19)

struct feature {
	uint32_t	f_bit;
	const char	*f_name;
};

static const struct feature incompat_names[] = {
	{ 0x1, "compression" }, { 0x8, "journal_dev" }, { 0x100, "mmp" },
	{ 0x400, "ea_inode" }, { 0x1000, "dirdata" }, { 0x4000, "large_dir" },
	{ 0x10000, "encrypt" }, { 0x20000, "casefold" },
};
static const struct feature rocompat_names[] = {
	{ 0x80, "snapshot" }, { 0x100, "quota" }, { 0x200, "bigalloc" },
	{ 0x800, "replica" }, { 0x1000, "read-only" }, { 0x2000, "project" },
	{ 0x4000, "shared_blocks" }, { 0x8000, "verity" },
};

/* -- checksums -- */

/* CRC-32C as the format uses it: not inverted at either end. */
uint32_t
ext4_crc(uint32_t seed, const void *p, size_t n)
{
	return ~crc32c(~seed, p, n);
}

/* CRC-16 (polynomial 0x8005, reflected), for descriptors of gdt_csum. */
uint16_t
ext4_crc16(uint16_t crc, const void *data, size_t n)
{
	const unsigned char *p = data;
	unsigned int i;

	for (; n > 0; n--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = (uint16_t)((crc & 1) != 0 ?
			    crc >> 1 ^ 0xa001 : crc >> 1);
	}
	return crc;
}

static uint32_t
sb_csum(const struct ext4_sb *sb)
{
	return ext4_crc(~0U, sb, __offsetof(struct ext4_sb, s_checksum));
}

void
ext4_sb_csum_set(struct ext4_mount *em, struct ext4_sb *sb)
{
	if (em->em_csum)
		sb->s_checksum = sb_csum(sb);
}

static uint16_t
gd_csum(struct ext4_mount *em, uint32_t g, const struct ext4_gd *gd)
{
	const size_t off = __offsetof(struct ext4_gd, bg_checksum);
	const char *p = (const void *)gd;
	uint16_t zero = 0, c16;
	uint32_t crc;

	if (em->em_csum) {
		crc = ext4_crc(em->em_csum_seed, &g, sizeof(g));
		crc = ext4_crc(crc, p, off);
		crc = ext4_crc(crc, &zero, sizeof(zero));
		if (em->em_desc_size > off + 2)
			crc = ext4_crc(crc, p + off + 2,
			    em->em_desc_size - off - 2);
		return (uint16_t)crc;
	}
	c16 = ext4_crc16(0xffff, em->em_sb.s_uuid, 16);
	c16 = ext4_crc16(c16, &g, sizeof(g));
	c16 = ext4_crc16(c16, p, off);
	if (em->em_desc_size > off + 2)
		c16 = ext4_crc16(c16, p + off + 2, em->em_desc_size - off - 2);
	return c16;
}

/* -- errors -- */

/* EXT4_ERROR_FS into what is on the disk, past cache and journal. */
static void
mark_error(struct ext4_mount *em, uint32_t ino)
{
	uint64_t off = (uint64_t)(EXT4_SB_OFFSET >> em->em_bshift) <<
	    em->em_bshift;
	char *block = kmem_alloc(em->em_bsize, KM_SLEEP);
	struct ext4_sb *sb;

	if (block == NULL)
		return;
	if (bufdev_rw(em->em_dev, false, off, block, em->em_bsize) == 0) {
		sb = (void *)(block + em->em_sboff);
		sb->s_state |= EXT4_ERROR_FS;
		sb->s_error_count++;
		sb->s_last_error_time = (uint32_t)(nanotime() / NSEC_PER_SEC);
		sb->s_last_error_ino = ino;
		if (sb->s_first_error_time == 0) {
			sb->s_first_error_time = sb->s_last_error_time;
			sb->s_first_error_ino = ino;
		}
		ext4_sb_csum_set(em, sb);
		(void)bufdev_rw(em->em_dev, true, off, block, em->em_bsize);
		(void)bufdev_flush(em->em_dev);
	}
	kmem_free(block, em->em_bsize);
}

/* Thread context; locks of ext4 may be held. */
int
ext4_error(struct ext4_mount *em, uint32_t ino, const char *fmt, ...)
{
	bool first = !atomic_swap(&em->em_told, true);
	char text[128];
	va_list ap;

	if (first) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		printf("ext4: %s: inode %u: %s%s; e2fsck is needed\n",
		    em->em_dev->bd_name, ino, text,
		    em->em_writable ? ": now read-only" : "");
	}
	if (em->em_writable && !atomic_swap(&em->em_failed, true)) {
		if (em->em_mp != NULL)
			(void)atomic_or(&em->em_mp->mnt_flags, MS_RDONLY);
		mark_error(em, ino);
	}
	return EIO;
}

bool
ext4_block_valid(const struct ext4_mount *em, uint64_t blk, uint64_t n)
{
	return blk > em->em_first_data && blk < em->em_nblocks &&
	    n <= em->em_nblocks - blk;
}

/* -- the superblock -- */

static const char *
feature_name(uint32_t bits, const struct feature *f, unsigned int n)
{
	for (; n > 0; n--, f++)
		if ((bits & f->f_bit) != 0)
			return f->f_name;
	return "unknown";
}

static int
check_features(struct ext4_mount *em, const struct ext4_sb *sb)
{
	uint32_t bad = sb->s_feature_incompat & ~(uint32_t)EXT4_INC_SUPPORTED;

	if (bad != 0) {
		printf("ext4: %s: feature %s (0x%x) is not supported\n",
		    em->em_dev->bd_name, feature_name(bad, incompat_names,
		    __arraycount(incompat_names)), bad);
		return EINVAL;
	}
	bad = sb->s_feature_ro_compat & ~(uint32_t)EXT4_ROC_SUPPORTED;
	if (bad != 0 && (em->em_mp->mnt_flags & MS_RDONLY) == 0) {
		printf("ext4: %s: feature %s (0x%x) allows mounting "
		    "read-only only\n", em->em_dev->bd_name,
		    feature_name(bad, rocompat_names,
		    __arraycount(rocompat_names)), bad);
		return EROFS;
	}
	/* Without understanding clusters nothing can be found. */
	if ((bad & 0x200) != 0)
		return EINVAL;
	return 0;
}

static const char *
check_sizes(struct ext4_mount *em, const struct ext4_sb *sb)
{
	uint64_t groups;

	if (em->em_isize < EXT4_GOOD_INODE || em->em_isize > em->em_bsize ||
	    !powerof2(em->em_isize))
		return "inode size";
	if (sb->s_first_data_block != (em->em_bsize == 1024 ? 1U : 0U))
		return "first data block";
	if (em->em_bpg < 128 || em->em_bpg > em->em_bsize * 8 ||
	    em->em_bpg % 8 != 0 || sb->s_log_cluster_size !=
	    sb->s_log_block_size)
		return "blocks per group";
	if (em->em_ipg == 0 || em->em_ipg > em->em_bsize * 8 ||
	    em->em_ipg % (em->em_bsize / em->em_isize) != 0)
		return "inodes per group";
	if (em->em_nblocks <= em->em_first_data + 8ULL ||
	    em->em_nblocks > em->em_dev->bd_size >> em->em_bshift)
		return "number of blocks";
	groups = (em->em_nblocks - em->em_first_data + em->em_bpg - 1) /
	    em->em_bpg;
	if (groups > GROUPS_MAX ||
	    groups * em->em_ipg != sb->s_inodes_count)
		return "number of groups";
	if (em->em_desc_size < EXT4_GD_SIZE_32 ||
	    em->em_desc_size > em->em_bsize || !powerof2(em->em_desc_size))
		return "descriptor size";
	if (sb->s_reserved_gdt_blocks > em->em_bsize / 4)
		return "reserved descriptor blocks";
	if (sb->s_first_ino < 11 || sb->s_first_ino > sb->s_inodes_count)
		return "first inode";
	return NULL;
}

/* The sizes that follow from a superblock whose features are known. */
static void
decode_super(struct ext4_mount *em, struct ext4_sb *sb)
{
	bool wide = (sb->s_feature_incompat & EXT4_INC_64BIT) != 0;

	if (sb->s_rev_level == 0) {
		sb->s_inode_size = EXT4_GOOD_INODE;
		sb->s_first_ino = 11;
		sb->s_feature_compat = sb->s_feature_incompat = 0;
		sb->s_feature_ro_compat = 0;
	}
	em->em_bshift = 10 + sb->s_log_block_size;
	em->em_bsize = 1U << em->em_bshift;
	em->em_sboff = EXT4_SB_OFFSET % em->em_bsize;
	em->em_isize = sb->s_inode_size;
	em->em_desc_size = wide ? sb->s_desc_size : EXT4_GD_SIZE_32;
	if (wide && sb->s_desc_size < sizeof(struct ext4_gd))
		em->em_desc_size = 0;		/* refused below */
	em->em_bpg = sb->s_blocks_per_group;
	em->em_ipg = sb->s_inodes_per_group;
	em->em_first_data = sb->s_first_data_block;
	em->em_nblocks = sb->s_blocks_count_lo;
	em->em_root_only = sb->s_r_blocks_count_lo;
	if (wide) {
		em->em_nblocks |= (uint64_t)sb->s_blocks_count_hi << 32;
		em->em_root_only |= (uint64_t)sb->s_r_blocks_count_hi << 32;
	}
	em->em_csum = (sb->s_feature_ro_compat & EXT4_ROC_METADATA_CSUM) != 0;
	em->em_gdcsum = !em->em_csum &&
	    (sb->s_feature_ro_compat & EXT4_ROC_GDT_CSUM) != 0;
	em->em_filetype = (sb->s_feature_incompat & EXT4_INC_FILETYPE) != 0;
	em->em_dirindex = (sb->s_feature_compat & EXT4_COMPAT_DIR_INDEX) != 0;
	em->em_hashunsigned = (sb->s_flags & EXT4_SF_UNSIGNED_HASH) != 0;
	em->em_errors = sb->s_errors;
	em->em_csum_seed = (sb->s_feature_incompat & EXT4_INC_CSUM_SEED) != 0 ?
	    sb->s_checksum_seed : ext4_crc(~0U, sb->s_uuid, 16);
	em->em_flex = (sb->s_feature_incompat & EXT4_INC_FLEX_BG) != 0 &&
	    sb->s_log_groups_per_flex < 20 ?
	    1U << sb->s_log_groups_per_flex : 1;
}

static int
check_super(struct ext4_mount *em, struct ext4_sb *sb)
{
	const char *what;
	int error;

	if (sb->s_magic != EXT4_MAGIC)
		return EINVAL;
	if (sb->s_rev_level > 1 || sb->s_log_block_size > PAGE_SHIFT - 10) {
		printf("ext4: %s: revision %u, block size %u KiB are not "
		    "supported\n", em->em_dev->bd_name, sb->s_rev_level,
		    sb->s_log_block_size < 16 ? 1U << sb->s_log_block_size :
		    0);
		return EINVAL;
	}
	decode_super(em, sb);
	error = check_features(em, sb);
	if (error != 0)
		return error;
	what = NULL;
	if (em->em_csum && (sb->s_checksum_type != 1 ||
	    sb->s_checksum != sb_csum(sb)))
		what = "checksum";
	if (what == NULL)
		what = check_sizes(em, sb);
	if (what != NULL) {
		printf("ext4: %s: bad superblock: %s\n", em->em_dev->bd_name,
		    what);
		return EINVAL;
	}
	em->em_ngroups = sb->s_inodes_count / em->em_ipg;
	em->em_gdblocks = howmany(em->em_ngroups,
	    em->em_bsize / em->em_desc_size);
	if (ext4_incompat(em, EXT4_INC_META_BG) &&
	    sb->s_first_meta_bg > em->em_gdblocks)
		return EINVAL;
	return 0;
}

/* By the features that only a later one has. */
static const char *
kind_of(const struct ext4_sb *sb)
{
	const uint32_t inc3 = EXT4_INC_FILETYPE | EXT4_INC_RECOVER |
	    EXT4_INC_META_BG;
	const uint32_t roc3 = EXT4_ROC_SPARSE_SUPER | EXT4_ROC_LARGE_FILE |
	    EXT4_ROC_BTREE_DIR;

	if (sb->s_rev_level == 0)
		return "ext2";
	if ((sb->s_feature_incompat & ~inc3) != 0 ||
	    (sb->s_feature_ro_compat & ~roc3) != 0)
		return "ext4";
	return (sb->s_feature_compat & EXT4_COMPAT_HAS_JOURNAL) != 0 ?
	    "ext3" : "ext2";
}

/* What root=UUID= and LABEL= go by.  Thread context. */
bool
ext4_identify(struct bufdev *bd, struct vfs_ident *vi)
{
	char *first = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	const struct ext4_sb *sb;
	const unsigned char *u;
	bool is = false;

	if (first == NULL)
		return false;
	sb = (void *)(first + EXT4_SB_OFFSET);
	if (bd->bd_size >= PAGE_SIZE &&
	    bufdev_rw(bd, false, 0, first, PAGE_SIZE) == 0 &&
	    sb->s_magic == EXT4_MAGIC) {
		is = true;
		u = sb->s_uuid;
		vi->vi_type = kind_of(sb);
		snprintf(vi->vi_uuid, sizeof(vi->vi_uuid),
		    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		    "%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3], u[4],
		    u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
		    u[14], u[15]);
		snprintf(vi->vi_label, sizeof(vi->vi_label), "%.*s",
		    (int)sizeof(sb->s_volume_name), sb->s_volume_name);
	}
	kmem_free(first, PAGE_SIZE);
	return is;
}

/* em_mp and em_dev are set.  EINVAL: no such file system here. */
int
ext4_super_read(struct ext4_mount *em)
{
	char *first;
	int error;

	if (em->em_dev->bd_size < 16 * 1024)
		return EINVAL;
	first = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (first == NULL)
		return ENOMEM;
	error = bufdev_rw(em->em_dev, false, 0, first, PAGE_SIZE);
	memcpy(&em->em_sb, first + EXT4_SB_OFFSET, sizeof(em->em_sb));
	kmem_free(first, PAGE_SIZE);
	if (error == 0)
		error = check_super(em, &em->em_sb);
	if (error == 0 && em->em_bsize < em->em_dev->bd_sector)
		error = EINVAL;
	if (error != 0)
		return error;
	em->em_bc = bufcache_create(em->em_dev, em->em_bsize);
	if (em->em_bc == NULL)
		return ENOMEM;
	error = bread(em->em_bc, EXT4_SB_OFFSET >> em->em_bshift,
	    &em->em_sbbuf);
	if (error != 0)
		ext4_super_free(em);
	return error;
}

void
ext4_super_free(struct ext4_mount *em)
{
	uint32_t g;

	for (g = 0; em->em_gdbufs != NULL && g < em->em_gdblocks; g++)
		brelse(em->em_gdbufs[g]);
	if (em->em_gdbufs != NULL)
		kmem_free(em->em_gdbufs,
		    em->em_gdblocks * sizeof(*em->em_gdbufs));
	for (g = 0; em->em_groups != NULL && g < em->em_ngroups; g++) {
		if (em->em_groups[g].eg_overlay != NULL)
			kmem_free(em->em_groups[g].eg_overlay, em->em_bsize);
		mutex_destroy(&em->em_groups[g].eg_lock);
	}
	if (em->em_groups != NULL)
		kmem_free(em->em_groups,
		    em->em_ngroups * sizeof(*em->em_groups));
	brelse(em->em_sbbuf);
	if (em->em_bc != NULL)
		bufcache_destroy(em->em_bc);
	em->em_gdbufs = NULL;
	em->em_groups = NULL;
	em->em_sbbuf = NULL;
	em->em_bc = NULL;
}

/* -- groups -- */

static bool
power_of(uint32_t n, uint32_t base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

bool
ext4_has_super(const struct ext4_mount *em, uint32_t g)
{
	if (g == 0)
		return true;
	if (ext4_compat(em, EXT4_COMPAT_SPARSE_SUPER2))
		return g == em->em_sb.s_backup_bgs[0] ||
		    g == em->em_sb.s_backup_bgs[1];
	if (g == 1 || !ext4_rocompat(em, EXT4_ROC_SPARSE_SUPER))
		return true;
	return (g & 1) != 0 &&
	    (power_of(g, 3) || power_of(g, 5) || power_of(g, 7));
}

/* Is the group in the part whose descriptors are spread (meta_bg)? */
static bool
in_meta_bg(const struct ext4_mount *em, uint32_t g)
{
	return ext4_incompat(em, EXT4_INC_META_BG) &&
	    g / (em->em_bsize / em->em_desc_size) >= em->em_sb.s_first_meta_bg;
}

uint32_t
ext4_base_blocks(const struct ext4_mount *em, uint32_t g)
{
	uint32_t per = em->em_bsize / em->em_desc_size, n;

	n = ext4_has_super(em, g) ? 1 : 0;
	if (in_meta_bg(em, g)) {
		if (g % per == 0 || g % per == 1 || g % per == per - 1)
			n++;
		return n;
	}
	if (n != 0)
		n += (ext4_incompat(em, EXT4_INC_META_BG) ?
		    em->em_sb.s_first_meta_bg : em->em_gdblocks) +
		    em->em_sb.s_reserved_gdt_blocks;
	return n;
}

static uint64_t
gd_block(const struct ext4_mount *em, uint32_t i)
{
	uint32_t g = i * (em->em_bsize / em->em_desc_size);

	if (!in_meta_bg(em, g))
		return em->em_first_data + 1ULL + i;
	return ext4_group_start(em, g) + (ext4_has_super(em, g) ? 1 : 0);
}

struct ext4_gd *
ext4_gd(struct ext4_mount *em, uint32_t g, struct buf **bpp)
{
	uint32_t per = em->em_bsize / em->em_desc_size;

	if (bpp != NULL)
		*bpp = em->em_gdbufs[g / per];
	return (void *)(em->em_gdbufs[g / per]->b_data +
	    (size_t)(g % per) * em->em_desc_size);
}

static bool
gd_wide(const struct ext4_mount *em)
{
	return em->em_desc_size >= sizeof(struct ext4_gd);
}

static int
group_decode(struct ext4_mount *em, uint32_t g)
{
	struct ext4_group *eg = &em->em_groups[g];
	struct ext4_gd *gd = ext4_gd(em, g, NULL);
	uint32_t itb = em->em_ipg / (em->em_bsize / em->em_isize);

	eg->eg_bbitmap = gd->bg_block_bitmap_lo;
	eg->eg_ibitmap = gd->bg_inode_bitmap_lo;
	eg->eg_itable = gd->bg_inode_table_lo;
	eg->eg_bfree = gd->bg_free_blocks_lo;
	eg->eg_ifree = gd->bg_free_inodes_lo;
	eg->eg_dirs = gd->bg_used_dirs_lo;
	if (gd_wide(em)) {
		eg->eg_bbitmap |= (uint64_t)gd->bg_block_bitmap_hi << 32;
		eg->eg_ibitmap |= (uint64_t)gd->bg_inode_bitmap_hi << 32;
		eg->eg_itable |= (uint64_t)gd->bg_inode_table_hi << 32;
		eg->eg_bfree |= (uint32_t)gd->bg_free_blocks_hi << 16;
		eg->eg_ifree |= (uint32_t)gd->bg_free_inodes_hi << 16;
		eg->eg_dirs |= (uint32_t)gd->bg_used_dirs_hi << 16;
	}
	eg->eg_flags = 0;
	if (em->em_csum || em->em_gdcsum) {
		eg->eg_flags = gd->bg_flags;
		eg->eg_itunused = gd->bg_itable_unused_lo;
		if (gd_wide(em))
			eg->eg_itunused |=
			    (uint32_t)gd->bg_itable_unused_hi << 16;
		if (eg->eg_itunused > em->em_ipg)
			return EINVAL;
	}
	if ((em->em_csum || em->em_gdcsum) &&
	    gd->bg_checksum != gd_csum(em, g, gd))
		return EINVAL;
	if (!ext4_block_valid(em, eg->eg_bbitmap, 1) ||
	    !ext4_block_valid(em, eg->eg_ibitmap, 1) ||
	    !ext4_block_valid(em, eg->eg_itable, itb) ||
	    eg->eg_bfree > ext4_group_blocks(em, g) ||
	    eg->eg_ifree > em->em_ipg || eg->eg_dirs > em->em_ipg)
		return EINVAL;
	return 0;
}

int
ext4_groups_read(struct ext4_mount *em)
{
	uint32_t i, itb = em->em_ipg / (em->em_bsize / em->em_isize);
	int error = 0;

	em->em_groups = kmem_zalloc(em->em_ngroups * sizeof(*em->em_groups),
	    KM_SLEEP);
	if (em->em_groups == NULL)
		return ENOMEM;
	for (i = 0; i < em->em_ngroups; i++)
		mutex_init(&em->em_groups[i].eg_lock, "ext4_group");
	em->em_gdbufs = kmem_zalloc(em->em_gdblocks * sizeof(*em->em_gdbufs),
	    KM_SLEEP);
	if (em->em_gdbufs == NULL)
		return ENOMEM;
	for (i = 0; i < em->em_gdblocks && error == 0; i++) {
		if (i % 16 == 0 && !ext4_incompat(em, EXT4_INC_META_BG))
			breadahead(em->em_bc, gd_block(em, i),
			    MIN(16, em->em_gdblocks - i));
		error = bread(em->em_bc, gd_block(em, i), &em->em_gdbufs[i]);
	}
	em->em_bavail = em->em_bfree = em->em_ifree = em->em_dirs = 0;
	em->em_overhead = em->em_first_data;
	for (i = 0; i < em->em_ngroups && error == 0; i++) {
		error = group_decode(em, i);
		if (error != 0)
			printf("ext4: %s: bad descriptor of group %u\n",
			    em->em_dev->bd_name, i);
		em->em_bfree += em->em_groups[i].eg_bfree;
		em->em_ifree += em->em_groups[i].eg_ifree;
		em->em_dirs += em->em_groups[i].eg_dirs;
		em->em_overhead += ext4_base_blocks(em, i) + 2 + itb;
	}
	em->em_bavail = em->em_bfree;
	em->em_overhead = MIN(em->em_overhead, em->em_nblocks);
	em->em_keep = MIN(em->em_nblocks / 50, 1024);
	return error;
}

void
ext4_bitmap_csum_set(const struct ext4_mount *em, const struct buf *bp,
    uint32_t n, uint16_t *lo, uint16_t *hi)
{
	uint32_t crc;

	if (!em->em_csum)
		return;
	crc = ext4_crc(em->em_csum_seed, bp->b_data, n / 8);
	*lo = (uint16_t)crc;
	if (gd_wide(em))
		*hi = (uint16_t)(crc >> 16);
}

bool
ext4_bitmap_csum_ok(const struct ext4_mount *em, const struct buf *bp,
    uint32_t n, const uint16_t *lo, const uint16_t *hi)
{
	uint32_t crc;

	if (!em->em_csum)
		return true;
	crc = ext4_crc(em->em_csum_seed, bp->b_data, n / 8);
	return *lo == (uint16_t)crc &&
	    (!gd_wide(em) || *hi == (uint16_t)(crc >> 16));
}

int
ext4_gd_update(struct ext4_handle *h, uint32_t g)
{
	struct ext4_mount *em = h->h_em;
	struct ext4_group *eg = &em->em_groups[g];
	struct ext4_gd *gd;
	struct buf *bp;
	int error;

	KASSERT(mutex_owned(&eg->eg_lock));
	gd = ext4_gd(em, g, &bp);
	error = ext4_jwrite(h, bp);
	if (error != 0)
		return error;
	gd->bg_free_blocks_lo = (uint16_t)eg->eg_bfree;
	gd->bg_free_inodes_lo = (uint16_t)eg->eg_ifree;
	gd->bg_used_dirs_lo = (uint16_t)eg->eg_dirs;
	if (gd_wide(em)) {
		gd->bg_free_blocks_hi = (uint16_t)(eg->eg_bfree >> 16);
		gd->bg_free_inodes_hi = (uint16_t)(eg->eg_ifree >> 16);
		gd->bg_used_dirs_hi = (uint16_t)(eg->eg_dirs >> 16);
	}
	if (em->em_csum || em->em_gdcsum) {
		gd->bg_flags = eg->eg_flags;
		gd->bg_itable_unused_lo = (uint16_t)eg->eg_itunused;
		if (gd_wide(em))
			gd->bg_itable_unused_hi =
			    (uint16_t)(eg->eg_itunused >> 16);
		gd->bg_checksum = gd_csum(em, g, gd);
	}
	return 0;
}

/*
 * The state of the mount to the disk: at the beginning of writing (!clean)
 * and at its end.  Nothing of it is in a transaction.
 */
int
ext4_super_write(struct ext4_mount *em, bool clean)
{
	struct ext4_sb *sb = (void *)(em->em_sbbuf->b_data + em->em_sboff);
	uint32_t now = (uint32_t)(nanotime() / NSEC_PER_SEC);
	int error;

	if (clean) {
		sb->s_state = (em->em_sb.s_state & ~EXT4_ERROR_FS) |
		    (sb->s_state & EXT4_ERROR_FS);
		sb->s_feature_incompat &= ~(uint32_t)EXT4_INC_RECOVER;
	} else {
		sb->s_mtime = now;
		sb->s_mnt_count++;
		if (em->em_jinode != NULL)
			sb->s_feature_incompat |= EXT4_INC_RECOVER;
		else
			sb->s_state &= ~EXT4_VALID_FS;
	}
	sb->s_wtime = now;
	sb->s_free_blocks_lo = (uint32_t)em->em_bfree;
	if (ext4_incompat(em, EXT4_INC_64BIT))
		sb->s_free_blocks_hi = (uint32_t)(em->em_bfree >> 32);
	sb->s_free_inodes = (uint32_t)em->em_ifree;
	ext4_sb_csum_set(em, sb);
	error = bwrite(em->em_sbbuf);
	return error != 0 ? error : bufdev_flush(em->em_dev);
}
