/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4 on the disk.  All numbers are little-endian, as are the
 * machines this kernel runs on; the journal's are big-endian: ext4_jbd.h.
 */
#ifndef _FS_EXT4_EXT4_FORMAT_H_
#define	_FS_EXT4_EXT4_FORMAT_H_

#include <sys/assert.h>
#include <sys/types.h>

#define	EXT4_MAGIC		0xef53
#define	EXT4_SB_OFFSET		1024
#define	EXT4_SB_SIZE		1024

struct ext4_sb {
	uint32_t	s_inodes_count;
	uint32_t	s_blocks_count_lo;
	uint32_t	s_r_blocks_count_lo;
	uint32_t	s_free_blocks_lo;
	uint32_t	s_free_inodes;
	uint32_t	s_first_data_block;
	uint32_t	s_log_block_size;
	uint32_t	s_log_cluster_size;
	uint32_t	s_blocks_per_group;
	uint32_t	s_clusters_per_group;
	uint32_t	s_inodes_per_group;
	uint32_t	s_mtime;
	uint32_t	s_wtime;
	uint16_t	s_mnt_count;
	uint16_t	s_max_mnt_count;
	uint16_t	s_magic;
	uint16_t	s_state;
	uint16_t	s_errors;
	uint16_t	s_minor_rev;
	uint32_t	s_lastcheck;
	uint32_t	s_checkinterval;
	uint32_t	s_creator_os;
	uint32_t	s_rev_level;
	uint16_t	s_def_resuid;
	uint16_t	s_def_resgid;
	uint32_t	s_first_ino;
	uint16_t	s_inode_size;
	uint16_t	s_block_group_nr;
	uint32_t	s_feature_compat;
	uint32_t	s_feature_incompat;
	uint32_t	s_feature_ro_compat;
	uint8_t		s_uuid[16];
	char		s_volume_name[16];
	char		s_last_mounted[64];
	uint32_t	s_algorithm_bitmap;
	uint8_t		s_prealloc_blocks;
	uint8_t		s_prealloc_dir_blocks;
	uint16_t	s_reserved_gdt_blocks;
	uint8_t		s_journal_uuid[16];
	uint32_t	s_journal_inum;
	uint32_t	s_journal_dev;
	uint32_t	s_last_orphan;
	uint32_t	s_hash_seed[4];
	uint8_t		s_def_hash_version;
	uint8_t		s_jnl_backup_type;
	uint16_t	s_desc_size;
	uint32_t	s_default_mount_opts;
	uint32_t	s_first_meta_bg;
	uint32_t	s_mkfs_time;
	uint32_t	s_jnl_blocks[17];
	uint32_t	s_blocks_count_hi;
	uint32_t	s_r_blocks_count_hi;
	uint32_t	s_free_blocks_hi;
	uint16_t	s_min_extra_isize;
	uint16_t	s_want_extra_isize;
	uint32_t	s_flags;
	uint16_t	s_raid_stride;
	uint16_t	s_mmp_interval;
	uint64_t	s_mmp_block;
	uint32_t	s_raid_stripe_width;
	uint8_t		s_log_groups_per_flex;
	uint8_t		s_checksum_type;
	uint16_t	s_pad1;
	uint64_t	s_kbytes_written;
	uint32_t	s_snapshot[4];
	uint32_t	s_snapshot_list;
	uint32_t	s_error_count;
	uint32_t	s_first_error_time;
	uint32_t	s_first_error_ino;
	uint64_t	s_first_error_block;
	char		s_first_error_func[32];
	uint32_t	s_first_error_line;
	uint32_t	s_last_error_time;
	uint32_t	s_last_error_ino;
	uint32_t	s_last_error_line;
	uint64_t	s_last_error_block;
	char		s_last_error_func[32];
	char		s_mount_opts[64];
	uint32_t	s_usr_quota_inum;
	uint32_t	s_grp_quota_inum;
	uint32_t	s_overhead_clusters;
	uint32_t	s_backup_bgs[2];
	uint8_t		s_encrypt_algos[4];
	uint8_t		s_encrypt_pw_salt[16];
	uint32_t	s_lpf_ino;
	uint32_t	s_prj_quota_inum;
	uint32_t	s_checksum_seed;
	uint8_t		s_time_hi[6];
	uint8_t		s_errcodes[2];
	uint16_t	s_encoding;
	uint16_t	s_encoding_flags;
	uint32_t	s_orphan_file_inum;
	uint32_t	s_reserved[94];
	uint32_t	s_checksum;
};
CTASSERT(sizeof(struct ext4_sb) == EXT4_SB_SIZE);
CTASSERT(__offsetof(struct ext4_sb, s_checksum) == 0x3fc);

/* s_state */
#define	EXT4_VALID_FS		0x1
#define	EXT4_ERROR_FS		0x2
/* s_errors */
#define	EXT4_ERRORS_CONTINUE	1
#define	EXT4_ERRORS_RO		2
#define	EXT4_ERRORS_PANIC	3
/* s_flags */
#define	EXT4_SF_SIGNED_HASH	0x1
#define	EXT4_SF_UNSIGNED_HASH	0x2
/* s_default_mount_opts */
#define	EXT4_DEFM_ACL		0x8

#define	EXT4_COMPAT_HAS_JOURNAL		0x0004
#define	EXT4_COMPAT_EXT_ATTR		0x0008
#define	EXT4_COMPAT_RESIZE_INODE	0x0010
#define	EXT4_COMPAT_DIR_INDEX		0x0020
#define	EXT4_COMPAT_SPARSE_SUPER2	0x0200
#define	EXT4_COMPAT_FAST_COMMIT		0x0400
#define	EXT4_COMPAT_ORPHAN_FILE		0x1000

#define	EXT4_ROC_SPARSE_SUPER	0x0001
#define	EXT4_ROC_LARGE_FILE	0x0002
#define	EXT4_ROC_BTREE_DIR	0x0004
#define	EXT4_ROC_HUGE_FILE	0x0008
#define	EXT4_ROC_GDT_CSUM	0x0010
#define	EXT4_ROC_DIR_NLINK	0x0020
#define	EXT4_ROC_EXTRA_ISIZE	0x0040
#define	EXT4_ROC_METADATA_CSUM	0x0400
#define	EXT4_ROC_READONLY	0x1000
#define	EXT4_ROC_ORPHAN_PRESENT	0x10000
#define	EXT4_ROC_SUPPORTED	(EXT4_ROC_SPARSE_SUPER | EXT4_ROC_LARGE_FILE | \
	EXT4_ROC_HUGE_FILE | EXT4_ROC_GDT_CSUM | EXT4_ROC_DIR_NLINK |	\
	EXT4_ROC_EXTRA_ISIZE | EXT4_ROC_METADATA_CSUM |			\
	EXT4_ROC_ORPHAN_PRESENT)

#define	EXT4_INC_FILETYPE	0x0002
#define	EXT4_INC_RECOVER	0x0004
#define	EXT4_INC_META_BG	0x0010
#define	EXT4_INC_EXTENTS	0x0040
#define	EXT4_INC_64BIT		0x0080
#define	EXT4_INC_FLEX_BG	0x0200
#define	EXT4_INC_CSUM_SEED	0x2000
#define	EXT4_INC_INLINE_DATA	0x8000
#define	EXT4_INC_SUPPORTED	(EXT4_INC_FILETYPE | EXT4_INC_RECOVER |	\
	EXT4_INC_META_BG | EXT4_INC_EXTENTS | EXT4_INC_64BIT |		\
	EXT4_INC_FLEX_BG | EXT4_INC_CSUM_SEED | EXT4_INC_INLINE_DATA)

struct ext4_gd {
	uint32_t	bg_block_bitmap_lo;
	uint32_t	bg_inode_bitmap_lo;
	uint32_t	bg_inode_table_lo;
	uint16_t	bg_free_blocks_lo;
	uint16_t	bg_free_inodes_lo;
	uint16_t	bg_used_dirs_lo;
	uint16_t	bg_flags;
	uint32_t	bg_exclude_lo;
	uint16_t	bg_block_csum_lo;
	uint16_t	bg_inode_csum_lo;
	uint16_t	bg_itable_unused_lo;
	uint16_t	bg_checksum;
	/* From here on only if s_desc_size is that large. */
	uint32_t	bg_block_bitmap_hi;
	uint32_t	bg_inode_bitmap_hi;
	uint32_t	bg_inode_table_hi;
	uint16_t	bg_free_blocks_hi;
	uint16_t	bg_free_inodes_hi;
	uint16_t	bg_used_dirs_hi;
	uint16_t	bg_itable_unused_hi;
	uint32_t	bg_exclude_hi;
	uint16_t	bg_block_csum_hi;
	uint16_t	bg_inode_csum_hi;
	uint32_t	bg_reserved;
};
#define	EXT4_GD_SIZE_32		32
CTASSERT(sizeof(struct ext4_gd) == 64);
#define	EXT4_BG_INODE_UNINIT	0x1
#define	EXT4_BG_BLOCK_UNINIT	0x2
#define	EXT4_BG_INODE_ZEROED	0x4

#define	EXT4_NDIR	12
#define	EXT4_IND	12
#define	EXT4_IBLOCK	60		/* bytes of i_block */

struct ext4_dinode {
	uint16_t	i_mode;
	uint16_t	i_uid_lo;
	uint32_t	i_size_lo;
	uint32_t	i_atime;
	uint32_t	i_ctime;
	uint32_t	i_mtime;
	uint32_t	i_dtime;
	uint16_t	i_gid_lo;
	uint16_t	i_links_count;
	uint32_t	i_blocks_lo;
	uint32_t	i_flags;
	uint32_t	i_version;
	uint32_t	i_block[15];
	uint32_t	i_generation;
	uint32_t	i_file_acl_lo;
	uint32_t	i_size_hi;
	uint32_t	i_faddr;
	uint16_t	i_blocks_hi;
	uint16_t	i_file_acl_hi;
	uint16_t	i_uid_hi;
	uint16_t	i_gid_hi;
	uint16_t	i_checksum_lo;
	uint16_t	i_reserved;
	/* From here on only in large inodes. */
	uint16_t	i_extra_isize;
	uint16_t	i_checksum_hi;
	uint32_t	i_ctime_extra;
	uint32_t	i_mtime_extra;
	uint32_t	i_atime_extra;
	uint32_t	i_crtime;
	uint32_t	i_crtime_extra;
	uint32_t	i_version_hi;
	uint32_t	i_projid;
};
#define	EXT4_GOOD_INODE		128
CTASSERT(__offsetof(struct ext4_dinode, i_extra_isize) == EXT4_GOOD_INODE);
CTASSERT(sizeof(struct ext4_dinode) == 160);

#define	EXT4_ROOT_INO		2
#define	EXT4_RESIZE_INO		7
#define	EXT4_JOURNAL_INO	8
#define	EXT4_LINK_MAX		65000

/* i_flags */
#define	EXT4_FL_SYNC		0x00000008
#define	EXT4_FL_IMMUTABLE	0x00000010
#define	EXT4_FL_APPEND		0x00000020
#define	EXT4_FL_NODUMP		0x00000040
#define	EXT4_FL_NOATIME		0x00000080
#define	EXT4_FL_ENCRYPT		0x00000800
#define	EXT4_FL_INDEX		0x00001000
#define	EXT4_FL_JOURNAL_DATA	0x00004000
#define	EXT4_FL_DIRSYNC		0x00010000
#define	EXT4_FL_TOPDIR		0x00020000
#define	EXT4_FL_HUGE_FILE	0x00040000
#define	EXT4_FL_EXTENTS		0x00080000
#define	EXT4_FL_VERITY		0x00100000
#define	EXT4_FL_EA_INODE	0x00200000
#define	EXT4_FL_INLINE_DATA	0x10000000
#define	EXT4_FL_CASEFOLD	0x40000000
/* What a new file takes over from its directory. */
#define	EXT4_FL_INHERITED	(EXT4_FL_SYNC | EXT4_FL_NODUMP |	\
	EXT4_FL_NOATIME | EXT4_FL_DIRSYNC)
/* What FS_IOC_SETFLAGS may change. */
#define	EXT4_FL_SETTABLE	(EXT4_FL_SYNC | EXT4_FL_IMMUTABLE |	\
	EXT4_FL_APPEND | EXT4_FL_NODUMP | EXT4_FL_NOATIME |		\
	EXT4_FL_DIRSYNC | EXT4_FL_TOPDIR)

/* Extents. */
#define	EXT4_EXT_MAGIC		0xf30a
#define	EXT4_EXT_MAXDEPTH	5
#define	EXT4_EXT_INITLEN	32768	/* the longest with data */
#define	EXT4_EXT_UNWRITTEN	32768	/* added to the length of others */
#define	EXT4_MAX_LBLK		0xfffffffeU

struct ext4_ehdr {
	uint16_t	eh_magic;
	uint16_t	eh_entries;
	uint16_t	eh_max;
	uint16_t	eh_depth;
	uint32_t	eh_generation;
};
struct ext4_extent {
	uint32_t	ee_block;
	uint16_t	ee_len;
	uint16_t	ee_start_hi;
	uint32_t	ee_start_lo;
};
struct ext4_eidx {
	uint32_t	ei_block;
	uint32_t	ei_leaf_lo;
	uint16_t	ei_leaf_hi;
	uint16_t	ei_unused;
};
CTASSERT(sizeof(struct ext4_ehdr) == 12 && sizeof(struct ext4_extent) == 12 &&
    sizeof(struct ext4_eidx) == 12);

/* Directories. */
struct ext4_dirent {
	uint32_t	de_ino;
	uint16_t	de_reclen;
	uint8_t		de_namelen;
	uint8_t		de_type;
	char		de_name[];
};
#define	EXT4_DE_HDR		8
#define	EXT4_DE_LEN(n)		(((size_t)(n) + EXT4_DE_HDR + 3) & ~(size_t)3)
#define	EXT4_DE_TAIL		12
#define	EXT4_FT_CSUM		0xde	/* de_type of the checksum's entry */

#define	EXT4_FT_UNKNOWN		0
#define	EXT4_FT_REG		1
#define	EXT4_FT_DIR		2
#define	EXT4_FT_CHR		3
#define	EXT4_FT_BLK		4
#define	EXT4_FT_FIFO		5
#define	EXT4_FT_SOCK		6
#define	EXT4_FT_LNK		7

struct ext4_dxinfo {			/* at 0x18 of block 0 */
	uint32_t	di_zero;
	uint8_t		di_hash;
	uint8_t		di_len;		/* 8 */
	uint8_t		di_levels;
	uint8_t		di_flags;
};
struct ext4_dxentry {			/* of the first one: limit, count */
	uint32_t	dx_hash;
	uint32_t	dx_block;
};
struct ext4_dxcount {
	uint16_t	dc_limit;
	uint16_t	dc_count;
	uint32_t	dc_block;
};
struct ext4_dxtail {
	uint32_t	dt_reserved;
	uint32_t	dt_checksum;
};
#define	EXT4_DX_ROOT_INFO	0x18
#define	EXT4_DX_ROOT_ENTRIES	0x20
#define	EXT4_DX_NODE_ENTRIES	0x08
#define	EXT4_HASH_LEGACY	0
#define	EXT4_HASH_HALF_MD4	1
#define	EXT4_HASH_TEA		2
#define	EXT4_HASH_UNSIGNED	3	/* added to those */

/* Extended attributes. */
#define	EXT4_XATTR_MAGIC	0xea020000
#define	EXT4_XATTR_MAXREFS	1024
struct ext4_xhdr {
	uint32_t	h_magic;
	uint32_t	h_refcount;
	uint32_t	h_blocks;
	uint32_t	h_hash;
	uint32_t	h_checksum;
	uint32_t	h_reserved[3];
};
struct ext4_xentry {
	uint8_t		e_namelen;
	uint8_t		e_index;
	uint16_t	e_offs;
	uint32_t	e_inum;
	uint32_t	e_size;
	uint32_t	e_hash;
	char		e_name[];
};
#define	EXT4_XE_HDR		16
#define	EXT4_XE_LEN(n)		(((size_t)(n) + EXT4_XE_HDR + 3) & ~(size_t)3)
#define	EXT4_XV_LEN(n)		(((size_t)(n) + 3) & ~(size_t)3)
CTASSERT(sizeof(struct ext4_xhdr) == 32 && sizeof(struct ext4_xentry) == 16);

/* Access control lists inside an attribute. */
#define	EXT4_ACL_VERSION	1

/* The tail of a block of the orphan file. */
#define	EXT4_ORPHAN_MAGIC	0x0b10ca04
struct ext4_orphan_tail {
	uint32_t	ot_magic;
	uint32_t	ot_checksum;
};

#endif /* !_FS_EXT4_EXT4_FORMAT_H_ */
