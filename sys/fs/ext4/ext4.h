/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4: what the sources share.
 *
 * Overview:
 *	ext4_vfsops.c	mount, unmount, remount, sync
 *	ext4_vnops.c	vnode operations on names, ext4_attr.c on attributes
 *	ext4_data.c	contents as the page cache asks for them
 *	ext4_super.c	superblock and group descriptors
 *	ext4_inode.c	inodes in memory and on the disk
 *	ext4_dir.c	directories, ext4_htree.c their hash trees
 *	ext4_map.c	file block to disk block: ext4_extent.c, ext4_ind.c
 *	ext4_balloc.c	blocks; ext4_ialloc.c inodes
 *	ext4_orphan.c	files that lost their last name while in use
 *	ext4_xattr.c	extended attributes; ext4_acl.c
 *	ext4_journal.c	transactions; ext4_recover.c what a crash left
 *
 * Locking, outermost first:
 *	v_lock		the VFS takes it: names, size, attributes
 *	a handle	ext4_jstart() .. ext4_jstop(): a commit waits for it
 *	ei_maplock	block map of a file, its delayed blocks
 *	em_orphan_lock	the list of orphans
 *	eg_lock		a group: bitmaps, descriptor, overlay
 *	em_sb_lock	the superblock's buffer
 *	ei_lock		the fields of an inode while they go to its buffer
 *	j_commit_lock	(not while a handle is held) one commit at a time
 *	j_lock		the journal's state
 *	em_vn_lock	the table of vnodes
 * The page cache calls in with pages busy, so nothing here touches pages.
 *
 * Untrusted input: the disk.  Every block is looked at before it is believed:
 * checksums where the file system has them, and ranges always.  What is wrong
 * is reported by ext4_error(), the caller gets EIO (EUCLEAN's part).
 */
#ifndef _FS_EXT4_EXT4_H_
#define	_FS_EXT4_EXT4_H_

#include <sys/bitops.h>
#include <sys/buf.h>
#include <sys/callout.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/tree.h>
#include <sys/vnode.h>
#include <fs/ext4/ext4_format.h>

struct ext4_jnl;
struct ext4_txn;
struct ext4_mount;

struct ext4_group {
	struct mutex	eg_lock;
	uint64_t	eg_bbitmap, eg_ibitmap, eg_itable;	/* [I] blocks */
	uint32_t	eg_bfree;	/* [l] free on the disk */
	uint32_t	eg_bheld;	/* [l] bits in the overlay */
	uint32_t	eg_ifree;	/* [l] */
	uint32_t	eg_dirs;	/* [l] */
	uint32_t	eg_itunused;	/* [l] never used inodes at the end */
	uint16_t	eg_flags;	/* [l] EXT4_BG_* */
	bool		eg_bad;		/* [l] its bitmap is not usable */
	bool		eg_trimmed;	/* [l] nothing freed since FITRIM */
	uint32_t	eg_hint;	/* [l] where to look first */
	/*
	 * Blocks that are free on the disk and not to be had: claimed by a
	 * write under way, or freed by a transaction that is not committed.
	 */
	unsigned long	*eg_overlay;	/* [l] NULL: none */
};

LIST_HEAD(ext4_ihead, ext4_inode);

struct ext4_mount {
	struct mount	*em_mp;		/* [I] */
	struct bufdev	*em_dev;	/* [I] */
	struct bufcache	*em_bc;		/* [I] */
	struct ext4_sb	em_sb;		/* the superblock as of mount; counts
					 * that change are below */
	struct buf	*em_sbbuf;	/* [I] holds it */
	unsigned int	em_sboff;	/* [I] in that block */
	struct mutex	em_sb_lock;
	unsigned int	em_bsize, em_bshift;	/* [I] */
	unsigned int	em_isize;	/* [I] bytes of an inode */
	unsigned int	em_desc_size;	/* [I] */
	uint32_t	em_bpg, em_ipg;	/* [I] per group */
	uint32_t	em_ngroups;	/* [I] */
	uint32_t	em_first_data;	/* [I] */
	uint64_t	em_nblocks;	/* [I] */
	uint32_t	em_gdblocks;	/* [I] */
	uint32_t	em_flex;	/* [I] groups of a flex_bg, >= 1 */
	uint32_t	em_csum_seed;	/* [I] */
	bool		em_csum;	/* [I] metadata_csum */
	bool		em_gdcsum;	/* [I] the older one: gdt_csum */
	bool		em_filetype;	/* [I] */
	bool		em_dirindex;	/* [I] */
	bool		em_hashunsigned; /* [I] */
	unsigned int	em_errors;	/* [I] EXT4_ERRORS_* */
	bool		em_noload;	/* [I] mount option */
	bool		em_discard;	/* mount option */
	bool		em_acl;		/* mount option */
	bool		em_writable;	/* [m] mounted read-write */
	volatile bool	em_failed;	/* [a] errors: no more writing */
	bool		em_told;	/* the one line was printed */
	struct ext4_group *em_groups;	/* [I] */
	struct buf	**em_gdbufs;	/* [I] descriptor blocks */

	volatile uint64_t em_bavail __aligned(8); /* [a] free, not held */
	volatile uint64_t em_bfree;	/* [a] free on the disk */
	volatile uint64_t em_reserved;	/* [a] delayed: promised */
	volatile uint64_t em_ifree;	/* [a] */
	volatile uint64_t em_dirs;	/* [a] */
	uint64_t	em_root_only;	/* [I] blocks reserved for root */
	uint64_t	em_overhead;	/* [I] blocks of structures */
	uint64_t	em_keep;	/* [I] kept for maps that must grow */

	struct mutex	em_vn_lock;
	struct condvar	em_vn_cv;
	struct ext4_ihead *em_vnhash;	/* [vn] */
	unsigned int	em_nvnhash;	/* [I] power of two */
	struct vnode	*em_root;	/* [I] */

	struct mutex	em_orphan_lock;
	struct ext4_ihead em_orphans;	/* [o] the list, newest first */

	struct ext4_jnl	*em_jnl;	/* [m] while writable */
	struct ext4_jnl	*em_oldjnl;	/* [m] closed ones */
	struct ext4_inode *em_jinode;	/* [I] the journal's; NULL: none */
	struct callout	em_callout;
	struct task	em_task;
	void		*em_holder;	/* [I] ext4_vfsops.c: the open disk */
	volatile uint32_t em_nextgen;	/* [a] generation of the next inode */
	volatile uint32_t em_dirgroup;	/* [a] spreads directories */
};
#define	EXT4_MOUNT(mp)	((struct ext4_mount *)(mp)->mnt_data)

/* Blocks of a file that are dirty and have no place yet: [d_lblk, d_end). */
struct ext4_delayed {
	RB_ENTRY(ext4_delayed) d_node;
	uint32_t	d_lblk, d_end;
};
RB_HEAD(ext4_delayeds, ext4_delayed);

struct ext4_time {
	int64_t		tm_sec;
	uint32_t	tm_nsec;
};

struct ext4_inode {
	LIST_ENTRY(ext4_inode) ei_hash;		/* [vn] */
	LIST_ENTRY(ext4_inode) ei_orphan;	/* [o] */
	struct ext4_mount *ei_em;		/* [I] */
	struct vnode	*ei_vnode;		/* [I] */
	uint32_t	ei_ino;			/* [I] */
	bool		ei_new;			/* [v] slot not cleared yet */
	bool		ei_forget;		/* [v] was never a file */
	bool		ei_onorphan;		/* [o] */
	uint32_t	ei_generation;		/* [I] */
	uint32_t	ei_csum_seed;		/* [I] */
	uint16_t	ei_mode;		/* [v] */
	uint32_t	ei_uid, ei_gid;		/* [v] */
	uint32_t	ei_nlink;		/* [v] */
	uint32_t	ei_flags;		/* [v] EXT4_FL_* */
	uint16_t	ei_extra;		/* [v] i_extra_isize */
	uint64_t	ei_size;		/* [v] as it is seen */
	uint64_t	ei_disksize;		/* [M] as it is on the disk */
	uint64_t	ei_blocks;		/* [i] of 512 bytes */
	uint64_t	ei_xattr_block;		/* [v] */
	bool		ei_mayattr;		/* [I] it had attributes */
	struct ext4_acl	*ei_acl;		/* [i] NULL: the mode says it */
	uint32_t	ei_dtime;		/* [o] or the next orphan */
	struct ext4_time ei_atime, ei_mtime, ei_ctime, ei_crtime; /* [v] */
	struct rwlock	ei_maplock;
	uint32_t	ei_block[15];		/* [M] i_block */
	struct ext4_delayeds ei_delayed;	/* [M] */
	uint32_t	ei_ndelayed;		/* [M] blocks */
	uint32_t	ei_ndmeta;		/* [M] reserved for their map */
	struct mutex	ei_lock;
	volatile bool	ei_dirty;		/* [a] newer than its buffer */
	volatile uint32_t ei_tid;		/* [a] last transaction */
	volatile uint32_t ei_datatid;		/* [a] for fdatasync */
	uint64_t	ei_goal;		/* [M] after the last block */
};
#define	EXT4_I(vp)	((struct ext4_inode *)(vp)->v_data)

/* -- ext4_journal.c -- */

struct ext4_handle {
	struct ext4_mount *h_em;
	struct ext4_txn	*h_txn;
	unsigned int	h_credits;	/* blocks it may still add */
	uint32_t	h_tid;
};

int	ext4_jopen(struct ext4_mount *);	/* start writing */
void	ext4_jfree(struct ext4_mount *);
void	ext4_jclose(struct ext4_mount *);	/* everything home; log empty */
/*
 * Begin a change of at most so many blocks.  No handle held by the thread;
 * sleeps.  EROFS: after an error; ENOMEM.
 */
int	ext4_jstart(struct ext4_mount *, unsigned int credits,
	    struct ext4_handle *) __must_check;
void	ext4_jstop(struct ext4_handle *);
/* Let others in between two steps that each leave things consistent. */
int	ext4_jrestart(struct ext4_handle *, unsigned int credits)
	    __must_check;
/* The caller is about to change the block.  ENOMEM, EROFS. */
int	ext4_jwrite(struct ext4_handle *, struct buf *) __must_check;
/* n blocks from blk were metadata and are free now. */
int	ext4_jforget(struct ext4_handle *, uint64_t blk, uint32_t n)
	    __must_check;
/* Tell ext4_bfree_done() about these blocks when it is committed. */
int	ext4_jfreed(struct ext4_handle *, uint64_t blk, uint32_t n)
	    __must_check;
/* Commit the transaction if it is not yet; no handle held. */
int	ext4_jcommit(struct ext4_mount *, uint32_t tid);
int	ext4_jcommit_all(struct ext4_mount *);
bool	ext4_jcommitted(struct ext4_mount *, uint32_t tid);
/* The transaction that what happened until now is in at the latest. */
uint32_t ext4_jcurrent(struct ext4_mount *);
bool	ext4_jpending(struct ext4_mount *);	/* frees wait for a commit */
/* Commit, write everything to its place, and make the log's tail follow. */
int	ext4_jcheckpoint(struct ext4_mount *);
void	ext4_jperiodic(struct ext4_mount *);
unsigned int ext4_joverruns(struct ext4_mount *);

/* -- ext4_recover.c -- */

struct ext4_jmap {		/* where the journal's blocks are */
	uint32_t	jm_nruns;
	uint32_t	jm_len;		/* blocks */
	struct ext4_jrun {
		uint32_t jr_lblk, jr_len;
		uint64_t jr_blk;
	} *jm_runs;
};
int	ext4_jmap_load(struct ext4_mount *, struct ext4_jmap *);
void	ext4_jmap_free(struct ext4_jmap *);
uint64_t ext4_jmap_block(const struct ext4_jmap *, uint32_t lblk);
struct jbd_sb;
/* The journal's superblock (em_bsize bytes, kmem): EINVAL if not understood. */
int	ext4_jsb_read(struct ext4_mount *, const struct ext4_jmap *,
	    struct jbd_sb **);
int	ext4_jsb_write(struct ext4_mount *, const struct ext4_jmap *,
	    struct jbd_sb *);
uint32_t ext4_jseed(const struct jbd_sb *);
unsigned int ext4_jtag_size(const struct jbd_sb *);
/* Bring the file system to the state of the last commit. */
int	ext4_recover(struct ext4_mount *);

/* -- ext4_super.c -- */

bool	ext4_identify(struct bufdev *, struct vfs_ident *);
int	ext4_super_read(struct ext4_mount *);	/* validate; make the cache */
int	ext4_groups_read(struct ext4_mount *);
void	ext4_super_free(struct ext4_mount *);
/* State of the mount into the superblock, on the disk now. */
int	ext4_super_write(struct ext4_mount *, bool clean);
bool	ext4_has_super(const struct ext4_mount *, uint32_t group);
/* Blocks of superblock and descriptors at the start of a group. */
uint32_t ext4_base_blocks(const struct ext4_mount *, uint32_t group);
struct ext4_gd *ext4_gd(struct ext4_mount *, uint32_t group, struct buf **);
/* A group's counts and flags into its descriptor; eg_lock held. */
int	ext4_gd_update(struct ext4_handle *, uint32_t group);
/*
 * The checksum of a bitmap of n bits, in two halves: descriptors of 32 bytes
 * have no room for the second.  Without checksums: nothing, and true.
 */
void	ext4_bitmap_csum_set(const struct ext4_mount *, const struct buf *,
	    uint32_t n, uint16_t *lo, uint16_t *hi);
bool	ext4_bitmap_csum_ok(const struct ext4_mount *, const struct buf *,
	    uint32_t n, const uint16_t *lo, const uint16_t *hi);
uint32_t ext4_crc(uint32_t seed, const void *, size_t);
uint16_t ext4_crc16(uint16_t, const void *, size_t);
void	ext4_sb_csum_set(struct ext4_mount *, struct ext4_sb *);
/* Is [blk, blk + n) inside the file system's data area? */
bool	ext4_block_valid(const struct ext4_mount *, uint64_t blk, uint64_t n);
/* The disk is wrong: one line, and no more writing.  Returns EIO. */
int	ext4_error(struct ext4_mount *, uint32_t ino, const char *, ...)
	    __printflike(3, 4);

static inline bool
ext4_compat(const struct ext4_mount *em, uint32_t f)
{
	return (em->em_sb.s_feature_compat & f) != 0;
}

static inline bool
ext4_incompat(const struct ext4_mount *em, uint32_t f)
{
	return (em->em_sb.s_feature_incompat & f) != 0;
}

static inline bool
ext4_rocompat(const struct ext4_mount *em, uint32_t f)
{
	return (em->em_sb.s_feature_ro_compat & f) != 0;
}

static inline uint64_t
ext4_group_start(const struct ext4_mount *em, uint32_t g)
{
	return (uint64_t)g * em->em_bpg + em->em_first_data;
}

/* Blocks of a group; the last one may be short. */
static inline uint32_t
ext4_group_blocks(const struct ext4_mount *em, uint32_t g)
{
	uint64_t left = em->em_nblocks - ext4_group_start(em, g);

	return left < em->em_bpg ? (uint32_t)left : em->em_bpg;
}

/* -- ext4_inode.c -- */

int	ext4_inode_init(void);
/* The file of that number; ESTALE: it is free.  Referenced. */
int	ext4_iget(struct ext4_mount *, uint32_t ino, struct vnode **);
/* Its fields to its buffer, as part of h. */
int	ext4_iwrite(struct ext4_handle *, struct ext4_inode *);
/* The raw inode; *bp referenced. */
int	ext4_iraw(struct ext4_mount *, uint32_t ino, struct buf **,
	    struct ext4_dinode **);
/* The checksum of a raw inode after a change. */
void	ext4_icsum_set(struct ext4_inode *, struct ext4_dinode *);
/* The same without a vnode: the journal, the orphan file.  EIO, ENOMEM. */
int	ext4_iload(struct ext4_mount *, uint32_t ino, struct ext4_inode **);
void	ext4_iunload(struct ext4_inode *);
/* A vnode for a number just allocated; all fields zero but that. */
int	ext4_inew(struct ext4_mount *, uint32_t ino, mode_t mode,
	    struct vnode **);
/* It will not be a file after all: forget it and do not touch the disk. */
void	ext4_iforget(struct vnode *);
void	ext4_inactive(struct vnode *);
void	ext4_reclaim(struct vnode *);
/* Times; `dirty` inodes go to their buffers with the next chance. */
void	ext4_now(const struct ext4_inode *, struct ext4_time *);
void	ext4_itouch(struct ext4_inode *, bool mtime);
/* As of the last write through a mapping.  v_lock held, or the last user. */
void	ext4_mapped_times(struct vnode *);
void	ext4_accessed(struct vnode *);
void	ext4_idirty(struct ext4_inode *);
/* Write it if it is dirty, in a transaction of its own. */
int	ext4_iflush(struct ext4_inode *);
int	ext4_iflush_all(struct ext4_mount *);
void	ext4_iblocks_add(struct ext4_inode *, int64_t fsblocks);
bool	ext4_fast_symlink(const struct ext4_inode *);
#define	EXT4_CREDITS_INODE	2

/* -- ext4_balloc.c -- */

#define	EXT4_CREDITS_ALLOC	4	/* bitmap and descriptor, of two */
/*
 * Find free blocks near goal, up to want in a row, and hold them in memory.
 * `reserved`: they were promised already.  ENOSPC.
 */
int	ext4_bclaim(struct ext4_mount *, uint64_t goal, uint32_t want,
	    bool reserved, uint64_t *blk, uint32_t *got);
/* Give a claim back, or make it true. */
void	ext4_bunclaim(struct ext4_mount *, uint64_t blk, uint32_t n);
int	ext4_bcommit(struct ext4_handle *, uint64_t blk, uint32_t n);
/* Both in one: a block of metadata. */
int	ext4_balloc(struct ext4_handle *, struct ext4_inode *, uint64_t goal,
	    bool reserved, uint64_t *blk);
int	ext4_bfree(struct ext4_handle *, uint64_t blk, uint32_t n, bool meta);
void	ext4_bfree_done(struct ext4_mount *, uint64_t blk, uint32_t n);
/* Promise n blocks to somebody: ENOSPC.  root: may use what is root's. */
int	ext4_breserve(struct ext4_mount *, uint64_t n);
void	ext4_bunreserve(struct ext4_mount *, uint64_t n);
/* The bitmap of a group, verified or made up; eg_lock held. */
int	ext4_bbitmap(struct ext4_mount *, uint32_t group, struct buf **);
/*
 * A bitmap of the group and the group's descriptor into the transaction, before
 * anything changes.  With an error the bitmap is released.
 */
int	ext4_bitmap_access(struct ext4_handle *, uint32_t group, struct buf *);
int	ext4_trim(struct ext4_mount *, uint64_t start, uint64_t len,
	    uint64_t minlen, uint64_t *trimmed);

/* -- ext4_ialloc.c -- */

int	ext4_ialloc(struct ext4_handle *, struct ext4_inode *dir, mode_t,
	    uint32_t *ino);
int	ext4_ifree(struct ext4_handle *, uint32_t ino, bool isdir);
/* Is that number in use, says the bitmap? */
int	ext4_iused(struct ext4_mount *, uint32_t ino, bool *);

/* -- ext4_map.c -- */

struct ext4_map {
	uint32_t	m_lblk;
	uint32_t	m_len;		/* > 0 */
	uint64_t	m_blk;		/* 0: a hole */
	bool		m_unwritten;
};
/* Where block lblk is, and how many after it; ei_maplock held. */
int	ext4_map_get(struct ext4_inode *, uint32_t lblk, uint32_t max,
	    struct ext4_map *);
/* Put blocks that are committed where a hole is. */
int	ext4_map_set(struct ext4_handle *, struct ext4_inode *, uint32_t lblk,
	    uint64_t blk, uint32_t len, bool unwritten);
/* [lblk, lblk + len) is one unwritten run: it has data now. */
int	ext4_map_written(struct ext4_handle *, struct ext4_inode *,
	    uint32_t lblk, uint32_t len);
/*
 * Free [from, to) in steps; the handle may be restarted in between.  maplock
 * held exclusively.
 */
int	ext4_map_remove(struct ext4_handle *, struct ext4_inode *,
	    uint32_t from, uint64_t to);
/* The most blocks the map of a file can name. */
uint32_t ext4_map_limit(const struct ext4_inode *);
unsigned int ext4_map_credits(const struct ext4_inode *);
#define	EXT4_CREDITS_REMOVE	48	/* one step of ext4_map_remove() */

/* -- ext4_extent.c, ext4_ind.c: the two kinds of maps -- */

void	ext4_ext_init(struct ext4_inode *);
bool	ext4_ext_root_valid(const struct ext4_inode *);
int	ext4_ext_get(struct ext4_inode *, uint32_t, uint32_t,
	    struct ext4_map *);
int	ext4_ext_insert(struct ext4_handle *, struct ext4_inode *, uint32_t,
	    uint64_t, uint32_t, bool unwritten);
int	ext4_ext_written(struct ext4_handle *, struct ext4_inode *, uint32_t,
	    uint32_t);
/* The last piece of [from, to): removes one extent of it, or part of one. */
int	ext4_ext_remove_step(struct ext4_handle *, struct ext4_inode *,
	    uint32_t from, uint64_t to, bool *done);
int	ext4_ind_get(struct ext4_inode *, uint32_t, uint32_t,
	    struct ext4_map *);
int	ext4_ind_set(struct ext4_handle *, struct ext4_inode *, uint32_t,
	    uint64_t, uint32_t);
int	ext4_ind_remove_step(struct ext4_handle *, struct ext4_inode *,
	    uint32_t from, uint64_t to, bool *done);
uint32_t ext4_ind_limit(const struct ext4_mount *);

/* -- ext4_data.c -- */

int	ext4_bmap(struct vnode *, off_t, off_t, struct vnode_map *);
int	ext4_reserve(struct vnode *, off_t, off_t);
int	ext4_writemap(struct vnode *, off_t, off_t, struct vnode_map *);
int	ext4_writedone(struct vnode *, const struct vnode_map *, int);
int	ext4_readinline(struct vnode *, off_t, void *, size_t);
void	ext4_extend(struct vnode *, off_t);
int	ext4_read(struct vnode *, struct uio *);
int	ext4_write(struct vnode *, struct uio *);
int	ext4_mmap(struct vnode *, off_t, size_t, vm_prot_t *,
	    struct uvm_object **);
/* Pages first: the page cache has been told.  v_lock held. */
int	ext4_resize(struct ext4_inode *, uint64_t size);
int	ext4_fallocate(struct vnode *, int, off_t, off_t);
int	ext4_seek(struct vnode *, off_t, int, off_t *);
int	ext4_fsync(struct vnode *, bool);
/* Delayed blocks of [from, to) are not needed any more. */
void	ext4_delayed_drop(struct ext4_inode *, uint32_t from, uint64_t to);
/* Free everything the file has; for a file without names. */
int	ext4_truncate_all(struct ext4_inode *);
int	ext4_truncate_blocks(struct ext4_inode *, uint64_t size);
/* Data of a file inside its inode, in order. */
int	ext4_inline_read(struct ext4_inode *, uint64_t off, void *, size_t);

/* -- ext4_dir.c -- */

struct ext4_slot {		/* where an entry is */
	struct buf	*s_buf;		/* referenced */
	uint32_t	s_lblk;
	unsigned int	s_off;		/* of the entry in the block */
	unsigned int	s_prev;		/* of the one before it, or == s_off */
	uint32_t	s_ino;
};
/* A block of a directory, verified. */
int	ext4_dir_block(struct ext4_inode *, uint32_t lblk, struct buf **);
/* ENOENT. */
int	ext4_dir_find(struct ext4_inode *, const char *, size_t,
	    struct ext4_slot *);
int	ext4_dir_add(struct ext4_handle *, struct ext4_inode *, const char *,
	    size_t, uint32_t ino, mode_t);
int	ext4_dir_remove(struct ext4_handle *, struct ext4_inode *,
	    const char *, size_t, uint32_t ino);
/* The entry of that name is another file's from now on. */
int	ext4_dir_replace(struct ext4_handle *, struct ext4_inode *,
	    const char *, size_t, uint32_t ino, mode_t);
int	ext4_dir_init(struct ext4_handle *, struct ext4_inode *,
	    uint32_t parent);
int	ext4_dir_empty(struct ext4_inode *, bool *);
int	ext4_dir_parent(struct ext4_inode *, uint32_t *);
int	ext4_dir_setparent(struct ext4_handle *, struct ext4_inode *,
	    uint32_t);
int	ext4_readdir(struct vnode *, off_t *, readdir_fn, void *);
uint32_t ext4_dir_nblocks(const struct ext4_inode *);
/* Bytes of a directory block that hold entries. */
unsigned int ext4_dir_room(const struct ext4_mount *);
/* For ext4_htree.c. */
int	ext4_dir_append(struct ext4_handle *, struct ext4_inode *,
	    struct buf **, uint32_t *lblk);
void	ext4_dir_csum_set(struct ext4_inode *, struct buf *);
bool	ext4_dir_csum_ok(struct ext4_inode *, const char *);
void	ext4_dir_tail_init(const struct ext4_mount *, char *);
uint8_t	ext4_dir_type(const struct ext4_mount *, mode_t);
/* EEXIST if the name is there, ENOSPC if there is no room in the block. */
int	ext4_dir_add_block(struct ext4_handle *, struct ext4_inode *,
	    struct buf *, const char *, size_t, uint32_t, mode_t);
int	ext4_dir_search(struct ext4_inode *, struct buf *, uint32_t lblk,
	    const char *, size_t, struct ext4_slot *);
#define	EXT4_CREDITS_DIR	24	/* adding a name */

/* -- ext4_hash.c, ext4_htree.c -- */

int	ext4_hash(const struct ext4_mount *, unsigned int version,
	    const char *, size_t, uint32_t *hash);
int	ext4_dx_find(struct ext4_inode *, const char *, size_t,
	    struct ext4_slot *);
int	ext4_dx_add(struct ext4_handle *, struct ext4_inode *, const char *,
	    size_t, uint32_t, mode_t);
/* Block 0 is full: make a tree of the directory. */
int	ext4_dx_create(struct ext4_handle *, struct ext4_inode *);

/* -- ext4_orphan.c -- */

/* It will be gone, or is being cut: found again after a crash. */
int	ext4_orphan_add(struct ext4_handle *, struct ext4_inode *);
int	ext4_orphan_del(struct ext4_handle *, struct ext4_inode *);
/* At mount: finish what was begun. */
int	ext4_orphan_cleanup(struct ext4_mount *);
#define	EXT4_CREDITS_ORPHAN	4

/* -- ext4_xattr.c -- */

#define	EXT4_XI_USER		1
#define	EXT4_XI_ACL		2
#define	EXT4_XI_DEFACL		3
#define	EXT4_XI_TRUSTED		4
#define	EXT4_XI_SECURITY	6
#define	EXT4_XI_SYSTEM		7
int	ext4_xattr_read(struct ext4_inode *, unsigned int index,
	    const char *, void *, size_t, size_t *);
int	ext4_xattr_write(struct ext4_handle *, struct ext4_inode *,
	    unsigned int index, const char *, const void *, size_t,
	    int flags);
int	ext4_xattr_delete_all(struct ext4_handle *, struct ext4_inode *);
int	ext4_getxattr(struct vnode *, const char *, void *, size_t, size_t *);
int	ext4_setxattr(struct vnode *, const char *, const void *, size_t, int);
int	ext4_listxattr(struct vnode *, char *, size_t, size_t *);
int	ext4_removexattr(struct vnode *, const char *);
#define	EXT4_CREDITS_XATTR	12

/* -- ext4_acl.c -- */

int	ext4_acl_get(struct ext4_inode *, unsigned int index, void *, size_t,
	    size_t *);
int	ext4_acl_set(struct ext4_handle *, struct ext4_inode *,
	    unsigned int index, const void *, size_t);
int	ext4_acl_chmod(struct ext4_handle *, struct ext4_inode *, mode_t);
/* The list for access into memory; and out again. */
int	ext4_acl_load(struct ext4_inode *);
void	ext4_acl_unload(struct ext4_inode *);
/* May cred do that?  0, EACCES; EOPNOTSUPP: there is no list. */
int	ext4_access(struct vnode *, int how, const struct cred *);
int	ext4_acl_inherit(struct ext4_handle *, struct ext4_inode *dir,
	    struct ext4_inode *);

/* -- ext4_vnops.c, ext4_attr.c, ext4_vfsops.c -- */

extern const struct vops ext4_vops;
int	ext4_getattr(struct vnode *, struct stat_k *);
int	ext4_setattr(struct vnode *, const struct setattr *, struct cred *);
int	ext4_readlink(struct vnode *, char *, size_t, size_t *);
int	ext4_ioctl(struct vnode *, struct file *, unsigned long, uintptr_t,
	    register_t *);
/* Mount a device that somebody else has opened; for tests as well. */
int	ext4_mount_dev(struct mount *, struct bufdev *, const char *options);
int	ext4_unmount_dev(struct mount *);
int	ext4_sync(struct mount *);
int	ext4_remount(struct mount *, unsigned int flags, const char *);
int	ext4_statfs(struct mount *, struct statfs_k *);

#endif /* !_FS_EXT4_EXT4_H_ */
