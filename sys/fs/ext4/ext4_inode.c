/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: inodes, in memory and on the disk.
 *
 * Overview: a file in use is a struct ext4_inode and its vnode, found by number
 * in the mount's table.  The fields are decoded when it is loaded and encoded
 * into the inode table's buffer by ext4_iwrite(), within a transaction; what
 * the structure does not have (attributes behind the fields) lives in the
 * buffer only.  Changes of times alone make an inode dirty (ei_dirty); it is
 * written with the next transaction that needs it, with fsync and sync, and
 * when the vnode goes.
 *
 * A file without names is freed when the last reference goes (inactive); its
 * number may be used again at once, so a new vnode waits until the old one has
 * left the table.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/time.h>
#include <uvm/uvm_vnode.h>
#include <fs/ext4/ext4.h>

/* Is the field inside an inode with so much extra space? */
#define	FITS(extra, field)						\
	(__offsetof(struct ext4_dinode, field) +			\
	sizeof(((struct ext4_dinode *)0)->field) <=			\
	EXT4_GOOD_INODE + (size_t)(extra))

static struct kmem_cache *inode_cache;

int
ext4_inode_init(void)
{
	inode_cache = kmem_cache_create("ext4_inode",
	    sizeof(struct ext4_inode), 0);
	return inode_cache == NULL ? ENOMEM : 0;
}

/* -- the raw inode -- */

int
ext4_iraw(struct ext4_mount *em, uint32_t ino, struct buf **bpp,
    struct ext4_dinode **raw)
{
	uint32_t per = em->em_bsize / em->em_isize, idx;
	uint64_t blk;
	int error;

	if (ino == 0 || ino > em->em_sb.s_inodes_count)
		return ext4_error(em, ino, "no such inode number");
	idx = (ino - 1) % em->em_ipg;
	blk = em->em_groups[(ino - 1) / em->em_ipg].eg_itable + idx / per;
	error = bread(em->em_bc, blk, bpp);
	if (error != 0)
		return error;
	*raw = (void *)((*bpp)->b_data + (size_t)(idx % per) * em->em_isize);
	return 0;
}

static uint32_t
inode_csum(const struct ext4_inode *ei, const struct ext4_dinode *raw,
    uint16_t extra)
{
	const size_t lo = __offsetof(struct ext4_dinode, i_checksum_lo);
	const size_t hi = __offsetof(struct ext4_dinode, i_checksum_hi);
	unsigned int isize = ei->ei_em->em_isize;
	const char *p = (const void *)raw;
	uint16_t zero = 0;
	uint32_t crc;

	crc = ext4_crc(ei->ei_csum_seed, p, lo);
	crc = ext4_crc(crc, &zero, sizeof(zero));
	crc = ext4_crc(crc, p + lo + 2, EXT4_GOOD_INODE - lo - 2);
	if (isize == EXT4_GOOD_INODE)
		return crc;
	crc = ext4_crc(crc, p + EXT4_GOOD_INODE, hi - EXT4_GOOD_INODE);
	if (FITS(extra, i_checksum_hi))
		crc = ext4_crc(crc, &zero, sizeof(zero));
	else
		crc = ext4_crc(crc, p + hi, 2);
	return ext4_crc(crc, p + hi + 2, isize - hi - 2);
}

void
ext4_icsum_set(struct ext4_inode *ei, struct ext4_dinode *raw)
{
	uint32_t crc;

	if (!ei->ei_em->em_csum)
		return;
	crc = inode_csum(ei, raw, ei->ei_extra);
	raw->i_checksum_lo = (uint16_t)crc;
	if (ei->ei_em->em_isize > EXT4_GOOD_INODE &&
	    FITS(ei->ei_extra, i_checksum_hi))
		raw->i_checksum_hi = (uint16_t)(crc >> 16);
}

static bool
icsum_ok(const struct ext4_inode *ei, const struct ext4_dinode *raw)
{
	uint32_t crc, had = raw->i_checksum_lo;

	if (!ei->ei_em->em_csum)
		return true;
	crc = inode_csum(ei, raw, ei->ei_extra);
	if (ei->ei_em->em_isize > EXT4_GOOD_INODE &&
	    FITS(ei->ei_extra, i_checksum_hi))
		return crc == (had | (uint32_t)raw->i_checksum_hi << 16);
	return (crc & 0xffff) == had;
}

static void
time_decode(uint32_t sec, uint32_t extra, struct ext4_time *t)
{
	t->tm_sec = (int32_t)sec + ((int64_t)(extra & 3) << 32);
	t->tm_nsec = MIN(extra >> 2, 999999999U);
}

static uint32_t
time_extra(const struct ext4_time *t)
{
	int64_t high = (t->tm_sec - (int32_t)t->tm_sec) >> 32;

	return (uint32_t)(high & 3) | t->tm_nsec << 2;
}

static void
times_decode(struct ext4_inode *ei, const struct ext4_dinode *raw)
{
	uint16_t x = ei->ei_extra;

	time_decode(raw->i_atime, FITS(x, i_atime_extra) ?
	    raw->i_atime_extra : 0, &ei->ei_atime);
	time_decode(raw->i_mtime, FITS(x, i_mtime_extra) ?
	    raw->i_mtime_extra : 0, &ei->ei_mtime);
	time_decode(raw->i_ctime, FITS(x, i_ctime_extra) ?
	    raw->i_ctime_extra : 0, &ei->ei_ctime);
	if (FITS(x, i_crtime_extra))
		time_decode(raw->i_crtime, raw->i_crtime_extra,
		    &ei->ei_crtime);
}

static void
times_encode(const struct ext4_inode *ei, struct ext4_dinode *raw)
{
	uint16_t x = ei->ei_extra;

	raw->i_atime = (uint32_t)ei->ei_atime.tm_sec;
	raw->i_mtime = (uint32_t)ei->ei_mtime.tm_sec;
	raw->i_ctime = (uint32_t)ei->ei_ctime.tm_sec;
	if (FITS(x, i_atime_extra))
		raw->i_atime_extra = time_extra(&ei->ei_atime);
	if (FITS(x, i_mtime_extra))
		raw->i_mtime_extra = time_extra(&ei->ei_mtime);
	if (FITS(x, i_ctime_extra))
		raw->i_ctime_extra = time_extra(&ei->ei_ctime);
	if (FITS(x, i_crtime_extra)) {
		raw->i_crtime = (uint32_t)ei->ei_crtime.tm_sec;
		raw->i_crtime_extra = time_extra(&ei->ei_crtime);
	}
}

static bool
has_map(const struct ext4_inode *ei)
{
	mode_t m = ei->ei_mode;

	if ((ei->ei_flags & EXT4_FL_INLINE_DATA) != 0)
		return false;
	return S_ISREG(m) || S_ISDIR(m) ||
	    (S_ISLNK(m) && !ext4_fast_symlink(ei));
}

static void
decode(struct ext4_inode *ei, const struct ext4_dinode *raw)
{
	struct ext4_mount *em = ei->ei_em;

	ei->ei_mode = raw->i_mode;
	ei->ei_uid = raw->i_uid_lo | (uint32_t)raw->i_uid_hi << 16;
	ei->ei_gid = raw->i_gid_lo | (uint32_t)raw->i_gid_hi << 16;
	ei->ei_nlink = raw->i_links_count;
	ei->ei_flags = raw->i_flags;
	ei->ei_dtime = raw->i_dtime;
	ei->ei_size = raw->i_size_lo;
	if (S_ISREG(ei->ei_mode) || S_ISDIR(ei->ei_mode))
		ei->ei_size |= (uint64_t)raw->i_size_hi << 32;
	ei->ei_disksize = ei->ei_size;
	ei->ei_blocks = raw->i_blocks_lo;
	if (ext4_rocompat(em, EXT4_ROC_HUGE_FILE)) {
		ei->ei_blocks |= (uint64_t)raw->i_blocks_hi << 32;
		if ((ei->ei_flags & EXT4_FL_HUGE_FILE) != 0)
			ei->ei_blocks <<= em->em_bshift - 9;
	}
	ei->ei_xattr_block = raw->i_file_acl_lo;
	if (ext4_incompat(em, EXT4_INC_64BIT))
		ei->ei_xattr_block |= (uint64_t)raw->i_file_acl_hi << 32;
	memcpy(ei->ei_block, raw->i_block, sizeof(ei->ei_block));
	times_decode(ei, raw);
}

static const char *
inode_fault(const struct ext4_inode *ei, const struct ext4_dinode *raw)
{
	const struct ext4_mount *em = ei->ei_em;

	if (!icsum_ok(ei, raw))
		return "wrong checksum";
	if (em->em_isize > EXT4_GOOD_INODE && (ei->ei_extra % 4 != 0 ||
	    ei->ei_extra > em->em_isize - EXT4_GOOD_INODE))
		return "wrong i_extra_isize";
	if (ei->ei_size >> em->em_bshift >= EXT4_MAX_LBLK)
		return "impossible size";
	if (ei->ei_xattr_block != 0 &&
	    !ext4_block_valid(em, ei->ei_xattr_block, 1))
		return "wrong attribute block";
	if ((ei->ei_flags & EXT4_FL_INLINE_DATA) != 0 &&
	    !ext4_incompat(em, EXT4_INC_INLINE_DATA))
		return "inline data without the feature";
	if (has_map(ei) && (ei->ei_flags & EXT4_FL_EXTENTS) != 0 &&
	    !ext4_ext_root_valid(ei))
		return "wrong extent header";
	return NULL;
}

/* Do attributes follow the fields? */
static bool
has_attributes(const struct ext4_inode *ei, const struct ext4_dinode *raw)
{
	size_t off = EXT4_GOOD_INODE + ei->ei_extra;
	uint32_t magic;

	if (off + sizeof(magic) > ei->ei_em->em_isize ||
	    ei->ei_em->em_isize == EXT4_GOOD_INODE)
		return false;
	memcpy(&magic, (const char *)raw + off, sizeof(magic));
	return magic == EXT4_XATTR_MAGIC;
}

static struct ext4_inode *
inode_alloc(struct ext4_mount *em, uint32_t ino)
{
	struct ext4_inode *ei = kmem_cache_alloc(inode_cache, KM_SLEEP);

	if (ei == NULL)
		return NULL;
	memset(ei, 0, sizeof(*ei));
	ei->ei_em = em;
	ei->ei_ino = ino;
	rw_init(&ei->ei_maplock, "ext4_map");
	mutex_init(&ei->ei_lock, "ext4_inode");
	RB_INIT(&ei->ei_delayed);
	return ei;
}

void
ext4_iunload(struct ext4_inode *ei)
{
	ext4_acl_unload(ei);
	rw_destroy(&ei->ei_maplock);
	mutex_destroy(&ei->ei_lock);
	kmem_cache_free(inode_cache, ei);
}

static void
set_seed(struct ext4_inode *ei)
{
	uint32_t crc;

	crc = ext4_crc(ei->ei_em->em_csum_seed, &ei->ei_ino,
	    sizeof(ei->ei_ino));
	ei->ei_csum_seed = ext4_crc(crc, &ei->ei_generation,
	    sizeof(ei->ei_generation));
}

int
ext4_iload(struct ext4_mount *em, uint32_t ino, struct ext4_inode **eip)
{
	struct ext4_dinode *raw;
	struct ext4_inode *ei;
	const char *fault;
	struct buf *bp;
	int error;

	error = ext4_iraw(em, ino, &bp, &raw);
	if (error != 0)
		return error;
	ei = inode_alloc(em, ino);
	if (ei == NULL) {
		brelse(bp);
		return ENOMEM;
	}
	/* It may have been in memory before, and changed. */
	ei->ei_tid = ei->ei_datatid = ext4_jcurrent(em);
	ei->ei_generation = raw->i_generation;
	if (em->em_isize > EXT4_GOOD_INODE)
		ei->ei_extra = raw->i_extra_isize;
	set_seed(ei);
	decode(ei, raw);
	fault = inode_fault(ei, raw);
	ei->ei_mayattr = ei->ei_xattr_block != 0 ||
	    (fault == NULL && has_attributes(ei, raw));
	if (raw->i_mode == 0)
		error = ESTALE;
	else if (fault != NULL)
		error = ext4_error(em, ino, "%s", fault);
	brelse(bp);
	if (error != 0) {
		ext4_iunload(ei);
		return error;
	}
	*eip = ei;
	return 0;
}

static void
encode(struct ext4_inode *ei, struct ext4_dinode *raw)
{
	struct ext4_mount *em = ei->ei_em;
	uint64_t blocks = ei->ei_blocks;
	uint32_t flags = ei->ei_flags & ~(uint32_t)EXT4_FL_HUGE_FILE;

	raw->i_mode = ei->ei_mode;
	raw->i_uid_lo = (uint16_t)ei->ei_uid;
	raw->i_uid_hi = (uint16_t)(ei->ei_uid >> 16);
	raw->i_gid_lo = (uint16_t)ei->ei_gid;
	raw->i_gid_hi = (uint16_t)(ei->ei_gid >> 16);
	/* A directory with too many children has the count 1. */
	raw->i_links_count = S_ISDIR(ei->ei_mode) &&
	    ei->ei_nlink >= EXT4_LINK_MAX ? 1 : (uint16_t)ei->ei_nlink;
	raw->i_dtime = ei->ei_dtime;
	raw->i_size_lo = (uint32_t)ei->ei_disksize;
	if (S_ISREG(ei->ei_mode) || S_ISDIR(ei->ei_mode))
		raw->i_size_hi = (uint32_t)(ei->ei_disksize >> 32);
	if (blocks > 0xffffffffffffULL) {
		blocks >>= em->em_bshift - 9;
		flags |= EXT4_FL_HUGE_FILE;
	}
	raw->i_blocks_lo = (uint32_t)blocks;
	if (ext4_rocompat(em, EXT4_ROC_HUGE_FILE))
		raw->i_blocks_hi = (uint16_t)(blocks >> 32);
	raw->i_flags = flags;
	raw->i_file_acl_lo = (uint32_t)ei->ei_xattr_block;
	if (ext4_incompat(em, EXT4_INC_64BIT))
		raw->i_file_acl_hi = (uint16_t)(ei->ei_xattr_block >> 32);
	memcpy(raw->i_block, ei->ei_block, sizeof(raw->i_block));
	times_encode(ei, raw);
}

int
ext4_iwrite(struct ext4_handle *h, struct ext4_inode *ei)
{
	struct ext4_dinode *raw;
	struct buf *bp;
	int error;

	error = ext4_iraw(ei->ei_em, ei->ei_ino, &bp, &raw);
	if (error != 0)
		return error;
	error = ext4_jwrite(h, bp);
	if (error == 0) {
		mutex_enter(&ei->ei_lock);
		if (ei->ei_new) {
			memset(raw, 0, ei->ei_em->em_isize);
			raw->i_generation = ei->ei_generation;
			if (ei->ei_em->em_isize > EXT4_GOOD_INODE)
				raw->i_extra_isize = ei->ei_extra;
			ei->ei_new = false;
		}
		atomic_store(&ei->ei_dirty, false);
		encode(ei, raw);
		ext4_icsum_set(ei, raw);
		atomic_store(&ei->ei_tid, h->h_tid);
		mutex_exit(&ei->ei_lock);
	}
	brelse(bp);
	return error;
}

/* -- vnodes -- */

static struct ext4_ihead *
bucket(struct ext4_mount *em, uint32_t ino)
{
	return &em->em_vnhash[ino & (em->em_nvnhash - 1)];
}

/* em_vn_lock held. */
static struct ext4_inode *
find(struct ext4_mount *em, uint32_t ino)
{
	struct ext4_inode *ei;

	LIST_FOREACH(ei, bucket(em, ino), ei_hash)
		if (ei->ei_ino == ino)
			return ei;
	return NULL;
}

/* A reference to the vnode that is there; waits for one that is going. */
static struct vnode *
find_ref(struct ext4_mount *em, uint32_t ino)
{
	struct ext4_inode *ei;

	while ((ei = find(em, ino)) != NULL) {
		if (vref_tryget(ei->ei_vnode))
			return ei->ei_vnode;
		cv_wait(&em->em_vn_cv, &em->em_vn_lock);
	}
	return NULL;
}

static dev_t
dev_decode(const struct ext4_inode *ei)
{
	uint32_t v = ei->ei_block[0];

	if (v != 0)
		return makedev(v >> 8 & 0xff, v & 0xff);
	v = ei->ei_block[1];
	return makedev((v & 0xfff00) >> 8, (v & 0xff) | (v >> 12 & 0xfff00));
}

/* On failure ei is gone, too. */
static int
vnode_make(struct ext4_inode *ei)
{
	struct vnode *vp;
	int error;

	error = vnode_alloc(ei->ei_em->em_mp, &ext4_vops, ei, &vp);
	if (error != 0) {
		ext4_iunload(ei);
		return error;
	}
	vp->v_mode = ei->ei_mode;
	vp->v_uid = ei->ei_uid;
	vp->v_gid = ei->ei_gid;
	vp->v_ino = ei->ei_ino;
	if (S_ISCHR(ei->ei_mode) || S_ISBLK(ei->ei_mode))
		vp->v_rdev = dev_decode(ei);
	ei->ei_vnode = vp;
	if (!S_ISREG(ei->ei_mode))
		return 0;
	vp->v_bsize = ei->ei_em->em_bsize;
	error = uvm_vnode_attach(vp, ei->ei_em->em_dev->bd_disk, ei->ei_size);
	if (error != 0) {
		ei->ei_forget = true;
		vrele(vp);		/* which frees ei */
	}
	return error;
}

/* Thread context, sleeps.  EIO, ENOMEM, ESTALE. */
int
ext4_iget(struct ext4_mount *em, uint32_t ino, struct vnode **vpp)
{
	struct ext4_inode *ei;
	struct vnode *vp;
	int error;

	mutex_enter(&em->em_vn_lock);
	vp = find_ref(em, ino);
	mutex_exit(&em->em_vn_lock);
	if (vp != NULL) {
		*vpp = vp;
		return 0;
	}
	error = ext4_iload(em, ino, &ei);
	if (error != 0)
		return error;
	error = ext4_acl_load(ei);
	if (error != 0) {
		ext4_iunload(ei);
		return error;
	}
	error = vnode_make(ei);
	if (error != 0)
		return error;
	mutex_enter(&em->em_vn_lock);
	vp = find_ref(em, ino);
	if (vp == NULL)
		LIST_INSERT_HEAD(bucket(em, ino), ei, ei_hash);
	mutex_exit(&em->em_vn_lock);
	if (vp != NULL) {		/* somebody was first */
		ei->ei_forget = true;
		vrele(ei->ei_vnode);
		*vpp = vp;
		return 0;
	}
	*vpp = ei->ei_vnode;
	return 0;
}

int
ext4_inew(struct ext4_mount *em, uint32_t ino, mode_t mode,
    struct vnode **vpp)
{
	struct ext4_inode *ei = inode_alloc(em, ino);
	int error;

	if (ei == NULL)
		return ENOMEM;
	ei->ei_new = true;
	ei->ei_mode = (uint16_t)mode;
	ei->ei_generation = atomic_add(&em->em_nextgen, 1);
	if (em->em_isize > EXT4_GOOD_INODE)
		ei->ei_extra = (uint16_t)MIN(em->em_isize - EXT4_GOOD_INODE,
		    sizeof(struct ext4_dinode) - EXT4_GOOD_INODE);
	set_seed(ei);
	ext4_now(ei, &ei->ei_crtime);
	ei->ei_atime = ei->ei_mtime = ei->ei_ctime = ei->ei_crtime;
	error = vnode_make(ei);
	if (error != 0)
		return error;
	mutex_enter(&em->em_vn_lock);
	while (find(em, ino) != NULL)	/* the last file of that number */
		cv_wait(&em->em_vn_cv, &em->em_vn_lock);
	LIST_INSERT_HEAD(bucket(em, ino), ei, ei_hash);
	mutex_exit(&em->em_vn_lock);
	*vpp = ei->ei_vnode;
	return 0;
}

void
ext4_iforget(struct vnode *vp)
{
	EXT4_I(vp)->ei_forget = true;
	vrele(vp);
}

/* The last steps of a file without names; its blocks are gone. */
static int
free_inode(struct ext4_inode *ei)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_handle h;
	int error;

	error = ext4_jstart(em, EXT4_CREDITS_ORPHAN + EXT4_CREDITS_XATTR +
	    EXT4_CREDITS_INODE + EXT4_CREDITS_ALLOC, &h);
	if (error != 0)
		return error;
	error = ext4_xattr_delete_all(&h, ei);
	if (error == 0)
		error = ext4_orphan_del(&h, ei);
	if (error == 0) {
		ei->ei_dtime = (uint32_t)(nanotime() / NSEC_PER_SEC);
		ei->ei_size = ei->ei_disksize = 0;
		error = ext4_iwrite(&h, ei);
	}
	if (error == 0)
		error = ext4_ifree(&h, ei->ei_ino, S_ISDIR(ei->ei_mode));
	ext4_jstop(&h);
	return error;
}

/* vop_inactive: nobody has a reference, so nobody else is here. */
void
ext4_inactive(struct vnode *vp)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	int error = 0;

	if (ei->ei_forget)
		return;
	ext4_delayed_drop(ei, 0, UINT64_MAX);
	if (em->em_jnl == NULL || em->em_failed)
		return;
	if (ei->ei_nlink > 0) {
		ext4_mapped_times(vp);
		if (ei->ei_dirty)
			(void)ext4_iflush(ei);
		return;
	}
	if (has_map(ei) && ei->ei_blocks > 0)
		error = ext4_truncate_all(ei);
	if (error == 0)
		error = free_inode(ei);
	if (error != 0 && error != EROFS)
		printf("ext4: %s: inode %u: not freed: error %d\n",
		    em->em_dev->bd_name, ei->ei_ino, error);
}

void
ext4_reclaim(struct vnode *vp)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;

	mutex_enter(&em->em_vn_lock);
	if (find(em, ei->ei_ino) == ei)
		LIST_REMOVE(ei, ei_hash);
	cv_broadcast(&em->em_vn_cv);
	mutex_exit(&em->em_vn_lock);
	if (ei->ei_onorphan) {		/* after an error */
		mutex_enter(&em->em_orphan_lock);
		LIST_REMOVE(ei, ei_orphan);
		mutex_exit(&em->em_orphan_lock);
	}
	ext4_iunload(ei);
}

/* -- times -- */

void
ext4_now(const struct ext4_inode *ei, struct ext4_time *t)
{
	nsec_t now = nanotime();

	t->tm_sec = now / NSEC_PER_SEC;
	t->tm_nsec = FITS(ei->ei_extra, i_ctime_extra) ?
	    (uint32_t)(now % NSEC_PER_SEC) : 0;
}

void
ext4_idirty(struct ext4_inode *ei)
{
	atomic_store(&ei->ei_dirty, true);
}

void
ext4_itouch(struct ext4_inode *ei, bool mtime)
{
	ext4_now(ei, &ei->ei_ctime);
	if (mtime)
		ei->ei_mtime = ei->ei_ctime;
	ext4_idirty(ei);
}

int
ext4_iflush(struct ext4_inode *ei)
{
	struct ext4_handle h;
	int error;

	if (!atomic_load(&ei->ei_dirty))
		return 0;
	error = ext4_jstart(ei->ei_em, EXT4_CREDITS_INODE, &h);
	if (error == 0) {
		error = ext4_iwrite(&h, ei);
		ext4_jstop(&h);
	}
	return error;
}

/* One dirty inode of the bucket, referenced. */
static struct vnode *
dirty_ref(struct ext4_mount *em, unsigned int b)
{
	struct vnode *vp = NULL;
	struct ext4_inode *ei;

	mutex_enter(&em->em_vn_lock);
	LIST_FOREACH(ei, &em->em_vnhash[b], ei_hash)
		if (ei->ei_dirty && vref_tryget(ei->ei_vnode)) {
			vp = ei->ei_vnode;
			break;
		}
	mutex_exit(&em->em_vn_lock);
	return vp;
}

int
ext4_iflush_all(struct ext4_mount *em)
{
	unsigned int b, n;
	struct vnode *vp;
	int error = 0;

	if (em->em_jnl == NULL || em->em_failed)
		return 0;
	for (b = 0; b < em->em_nvnhash && error == 0; b++)
		/* Bounded: somebody may make them dirty again and again. */
		for (n = 0; n < 1000 && error == 0; n++) {
			vp = dirty_ref(em, b);
			if (vp == NULL)
				break;
			error = ext4_iflush(EXT4_I(vp));
			vrele(vp);
		}
	return error;
}

void
ext4_iblocks_add(struct ext4_inode *ei, int64_t n)
{
	mutex_enter(&ei->ei_lock);
	ei->ei_blocks += (uint64_t)n << (ei->ei_em->em_bshift - 9);
	mutex_exit(&ei->ei_lock);
}

/* A link whose text is in the inode itself. */
bool
ext4_fast_symlink(const struct ext4_inode *ei)
{
	uint64_t meta = ei->ei_xattr_block != 0 ?
	    ei->ei_em->em_bsize / 512 : 0;

	return S_ISLNK(ei->ei_mode) &&
	    (ei->ei_flags & EXT4_FL_INLINE_DATA) == 0 &&
	    ei->ei_size < EXT4_IBLOCK && ei->ei_blocks <= meta;
}
