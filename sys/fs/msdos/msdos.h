/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT12, FAT16 and FAT32 with long names ("vfat").
 *
 * Overview: a file is known by the place of its short directory entry, the
 * root by 0.  Its clusters are kept in memory as runs once they are wanted.
 * There are no holes: what a write or a truncation leaves out is filled with
 * zeros, and blocks are allocated when pages become dirty, not later.
 *
 * Locking, outermost first: v_lock of directories and files (the VFS); fn_lock
 * for the runs, the names and the place of the entry; fm_lock for the FAT.  A
 * directory's sectors change under its v_lock, but for the fields of an entry,
 * which its file's fn_lock is for.
 */
#ifndef _FS_MSDOS_H_
#define	_FS_MSDOS_H_

#include <sys/buf.h>
#include <sys/diskfs.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define	MSDOS_NAMEMAX	255
#define	MSDOS_UNITS	255		/* of UTF-16 in a long name */
#define	MSDOS_SLOT	32
#define	MSDOS_MAXSIZE	0xffffffffULL
#define	MSDOS_DIRMAX	(65536 * MSDOS_SLOT)
#define	MSDOS_FIRST	2		/* the first cluster's number */

/* A directory entry. */
struct fat_dirent {
	uint8_t		d_name[11];
	uint8_t		d_attr;
	uint8_t		d_case;		/* 8: base, 16: extension in lower */
	uint8_t		d_ccs;		/* created, 1/100 s */
	uint16_t	d_ctime, d_cdate;
	uint16_t	d_adate;
	uint16_t	d_clushi;
	uint16_t	d_mtime, d_mdate;
	uint16_t	d_cluslo;
	uint32_t	d_size;
};
#define	ATTR_RO		0x01
#define	ATTR_HIDDEN	0x02
#define	ATTR_SYSTEM	0x04
#define	ATTR_VOLUME	0x08
#define	ATTR_DIR	0x10
#define	ATTR_ARCHIVE	0x20
#define	ATTR_LONG	0x0f		/* part of a long name */
#define	SLOT_END	0x00		/* d_name[0]: here and behind: none */
#define	SLOT_FREE	0xe5

struct msdos_mount {
	struct mount	*fm_mp;
	struct bufdev	*fm_dev;
	struct bufcache	*fm_bc;		/* blocks of a sector */
	struct diskfs	*fm_df;		/* NULL: a test's */
	struct diskfs_timer fm_timer;
	struct vntable	fm_table;
	struct vnode	*fm_root;
	/* What the boot sector says. [I] */
	unsigned int	fm_bits;	/* 12, 16, 32 */
	unsigned int	fm_bps;		/* bytes per sector ... */
	unsigned int	fm_cshift;	/* ... and log2 of a cluster's */
	unsigned int	fm_nfats, fm_active; /* active: the only one, or -1 */
	uint32_t	fm_fatstart, fm_fatsize; /* sectors */
	uint32_t	fm_rootstart, fm_rootsize; /* FAT12, 16; sectors */
	uint32_t	fm_rootclus;	/* FAT32 */
	uint32_t	fm_datastart;	/* sector */
	uint32_t	fm_nclus;	/* their numbers go up to n + 1 */
	uint32_t	fm_fsinfo;	/* sector, or 0 */
	uint32_t	fm_volid;
	bool		fm_wasdirty;
	/* Options. [I] */
	uid_t		fm_uid;
	gid_t		fm_gid;
	mode_t		fm_fmask, fm_dmask;
	bool		fm_quiet;
	/* The FAT. */
	struct mutex	fm_lock;
	uint8_t		*fm_used;	/* [l] a bit per cluster; NULL: later */
	uint32_t	fm_nfree;	/* [l] valid with fm_used */
	uint32_t	fm_next;	/* [l] where to look first */
	LIST_HEAD(, msdos_node) fm_odd;	/* [l] files with other numbers */
	ino_t		fm_nextino;	/* [l] for them */
	bool		fm_writing;	/* mounted for writing */
	volatile bool	fm_failed;	/* [a] something was wrong: no more */
};
#define	MSDOS_MOUNT(mp)	((struct msdos_mount *)(mp)->mnt_data)

struct fat_run {
	uint32_t	r_idx;		/* of the file's clusters */
	uint32_t	r_clus, r_n;
};

struct msdos_node {
	struct msdos_mount *fn_fm;
	struct vnode	*fn_vnode;
	struct mutex	fn_lock;
	uint64_t	fn_pos;		/* [n] of the entry, bytes; 0: root */
	uint32_t	fn_dir;		/* [n] first cluster of its directory */
	char		*fn_name;	/* [n] */
	char		fn_short[14];	/* [n] */
	bool		fn_deleted;	/* [n] */
	bool		fn_isodd;	/* [fm_lock] is in fm_odd */
	LIST_ENTRY(msdos_node) fn_odd;	/* [fm_lock] */
	uint8_t		fn_attr;	/* [v] */
	uint32_t	fn_start;	/* [n] first cluster, 0: none */
	uint64_t	fn_size;	/* [v] bytes; of a file */
	struct timespec	fn_mtime, fn_ctime, fn_atime; /* [v] */
	volatile bool	fn_dirty;	/* [a] newer than the entry */
	/* The clusters, once they were looked for. [n] */
	bool		fn_mapped;
	struct fat_run	*fn_runs;
	unsigned int	fn_nruns, fn_maxruns;
	uint32_t	fn_nclus;
};
#define	MSDOS_NODE(vp)	((struct msdos_node *)(vp)->v_data)

/* A name found in a directory. */
struct msdos_entry {
	char		e_name[MSDOS_NAMEMAX + 1];
	char		e_short[14];
	unsigned int	e_namelen;
	uint32_t	e_off;		/* of its first slot, in there */
	unsigned int	e_slots;
	uint64_t	e_pos;		/* of the short one, on the disk */
	struct fat_dirent e_de;
};

/* A walk over a directory. */
struct msdos_walk {
	struct msdos_node *w_dir;
	uint32_t	w_off;		/* of the next slot */
	struct buf	*w_bp;
	uint64_t	w_bpos;		/* of w_bp, bytes */
	unsigned int	w_nunits, w_next; /* of a long name; next: its part */
	uint32_t	w_longoff;
	uint8_t		w_sum;
	uint16_t	w_units[MSDOS_UNITS + 13];
	struct msdos_entry w_e;
};

/* msdos_fat.c */
int	msdos_error(struct msdos_mount *, const char *what);
int	msdos_scan(struct msdos_mount *);	/* fm_lock held */
int	msdos_map(struct msdos_node *, uint32_t idx, uint32_t *clus,
	    uint32_t *n);			/* fn_lock held */
int	msdos_map_load(struct msdos_node *);	/* fn_lock held */
int	msdos_grow(struct msdos_node *, uint32_t n);
int	msdos_shrink(struct msdos_node *, uint32_t n);
void	msdos_map_forget(struct msdos_node *);

static inline bool
msdos_clus_ok(const struct msdos_mount *fm, uint32_t c)
{
	return c >= MSDOS_FIRST && c - MSDOS_FIRST < fm->fm_nclus;
}

/* Where a cluster is, in bytes. */
static inline uint64_t
msdos_clus_pos(const struct msdos_mount *fm, uint32_t c)
{
	return (uint64_t)fm->fm_datastart * fm->fm_bps +
	    ((uint64_t)(c - MSDOS_FIRST) << fm->fm_cshift);
}

/* Clusters that so many bytes need. */
static inline uint32_t
msdos_nclus(const struct msdos_mount *fm, uint64_t bytes)
{
	return (uint32_t)((bytes + (1ULL << fm->fm_cshift) - 1) >>
	    fm->fm_cshift);
}

/* msdos_name.c */
void	msdos_short_text(const struct fat_dirent *, char out[14]);
uint8_t	msdos_short_sum(const uint8_t *);
bool	msdos_same_name(const char *, size_t, const char *, size_t);
size_t	msdos_trim(const char *, size_t);
int	msdos_name_check(const char *, size_t);
/* True: the short name says it all. */
bool	msdos_short_make(const char *, size_t, uint8_t out[11]);
/* Try n for a name that is taken; n from 1 on. */
void	msdos_short_tail(const char *, size_t, unsigned int n,
	    uint8_t out[11]);

/* msdos_dir.c; the directory's v_lock held. */
void	msdos_walk_begin(struct msdos_walk *, struct msdos_node *,
	    uint32_t off);
int	msdos_walk_next(struct msdos_walk *);	/* ENOENT: no more */
void	msdos_walk_end(struct msdos_walk *);
int	msdos_find(struct msdos_node *, const char *, size_t,
	    struct msdos_walk **);
int	msdos_dir_empty(struct msdos_node *);	/* 0, ENOTEMPTY, ... */
/* Add a name for what de says; its place in e. */
int	msdos_dir_add(struct msdos_node *, const char *, size_t,
	    const struct fat_dirent *, struct msdos_entry *e);
int	msdos_dir_remove(struct msdos_node *, const struct msdos_entry *);
int	msdos_dir_init(struct msdos_node *, uint32_t parent);
int	msdos_dir_setparent(struct msdos_node *, uint32_t parent);
/* Change an entry on the disk: the buffer and the entry in it. */
int	msdos_entry_get(struct msdos_mount *, uint64_t pos, struct buf **,
	    struct fat_dirent **);

/* msdos_node.c */
int	msdos_node_get(struct msdos_node *dir, const struct msdos_entry *,
	    struct vnode **);
int	msdos_root_get(struct msdos_mount *, struct vnode **);
ino_t	msdos_ino_of(struct msdos_mount *, uint64_t pos);
int	msdos_flush(struct msdos_node *);
int	msdos_node_move(struct msdos_node *, struct msdos_node *dir,
	    const struct msdos_entry *);
void	msdos_node_delete(struct msdos_node *);
mode_t	msdos_mode(const struct msdos_mount *, uint8_t attr);
void	msdos_touch(struct msdos_node *);
void	msdos_encode(const struct msdos_node *, struct fat_dirent *);
void	msdos_inactive(struct vnode *);
void	msdos_reclaim(struct vnode *);
int	msdos_flush_all(struct msdos_mount *);

extern const struct vops msdos_vops;

/* msdos_vfsops.c; the tests' way in. */
int	msdos_mount_dev(struct mount *, struct bufdev *, const char *options);
int	msdos_unmount_dev(struct mount *);
int	msdos_sync(struct mount *);

#endif /* !_FS_MSDOS_H_ */
