/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FFS: the file systems of the BSDs, UFS1 and UFS2, read-only.
 *
 * Overview: addresses on the disk are in fragments; a file's blocks are
 * fs_bsize long, but the last one of a small file may have fewer fragments.
 * Only the byte order of this machine is known.
 *
 * Locking: everything is immutable once it is loaded.
 */
#ifndef _FS_FFS_H_
#define	_FS_FFS_H_

#include <sys/buf.h>
#include <sys/diskfs.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define	FFS_ROOT_INO	2
#define	FFS_NDADDR	12
#define	FFS_NIADDR	3
#define	FFS_NAMEMAX	255
#define	FFS_DIRBLK	512		/* no entry crosses its end */

struct ffs_mount {
	struct mount	*fm_mp;
	struct bufdev	*fm_dev;
	struct bufcache	*fm_bc;
	struct diskfs	*fm_df;		/* NULL: a test's */
	struct vntable	fm_table;
	struct vnode	*fm_root;
	unsigned int	fm_bcsize;	/* of a block of fm_bc */
	/* From the superblock. */
	bool		fm_ufs2;
	uint32_t	fm_bsize, fm_fsize, fm_frag;
	uint32_t	fm_iblkno, fm_ncg, fm_ipg, fm_fpg;
	uint32_t	fm_cgoffset, fm_cgmask;
	uint32_t	fm_maxsymlink;
	uint64_t	fm_size;	/* fragments */
	uint64_t	fm_dsize, fm_nbfree, fm_nffree, fm_nifree;
	uint32_t	fm_id[2];
};
#define	FFS_MOUNT(mp)	((struct ffs_mount *)(mp)->mnt_data)

struct ffs_inode {
	struct ffs_mount *fi_fm;
	uint64_t	fi_ino;
	uint64_t	fi_size, fi_blocks; /* blocks of 512 */
	uint32_t	fi_nlink;
	struct timespec	fi_atime, fi_mtime, fi_ctime, fi_btime;
	uint64_t	fi_db[FFS_NDADDR], fi_ib[FFS_NIADDR];
	char		fi_link[128];	/* the text of a short link */
};
#define	FFS_INODE(vp)	((struct ffs_inode *)(vp)->v_data)

/* ffs_inode.c */
int	ffs_get(struct ffs_mount *, uint64_t ino, struct vnode **);
/*
 * Where byte off of the file is (0: a hole), and how many bytes follow it in
 * the same block.  EIO.  Sleeps.
 */
int	ffs_map(struct ffs_inode *, uint64_t off, uint64_t *disk,
	    uint64_t *len);
/* The buffer with that byte of the disk; where in it. */
int	ffs_bread(struct ffs_mount *, uint64_t pos, struct buf **,
	    size_t *off);
/* ffs_vnops.c */
extern const struct vops ffs_vops;
/* ffs_vfsops.c; the tests' way in. */
int	ffs_mount_dev(struct mount *, struct bufdev *, const char *options);
int	ffs_unmount_dev(struct mount *);

static inline uint16_t
ffs_get16(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t
ffs_get32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
ffs_get64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif /* !_FS_FFS_H_ */
