/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660 (ECMA-119) with Rock Ridge and Joliet, read-only.
 *
 * Overview: a file is known by the place of its directory record: ".", in its
 * own extent, for a directory, so that whoever leads to it finds the same one.
 * The inode number is that place.
 *
 * Locking: everything is immutable once it is loaded.
 */
#ifndef _FS_CD9660_H_
#define	_FS_CD9660_H_

#include <sys/buf.h>
#include <sys/diskfs.h>
#include <sys/systm.h>

#define	CD_SECTOR	2048U
#define	CD_FIRST	16		/* sector of the first descriptor */
#define	CD_NAMEMAX	255
#define	CD_LINKMAX	4095
#define	CD_MAXPARTS	512		/* extents of a file: 2 TiB */

/* A directory record; the name and the system use area follow. */
struct cd_record {
	uint8_t		r_len;
	uint8_t		r_xattrlen;
	uint8_t		r_extent[8];	/* both byte orders, as all such */
	uint8_t		r_size[8];
	uint8_t		r_date[7];
	uint8_t		r_flags;
	uint8_t		r_unitsize, r_gap;
	uint8_t		r_volume[4];
	uint8_t		r_namelen;
} __packed;
#define	CD_HIDDEN	0x01
#define	CD_DIR		0x02
#define	CD_ASSOCIATED	0x04
#define	CD_MULTI	0x80		/* not the last extent */

struct cd_mount {
	struct mount	*cm_mp;
	struct bufdev	*cm_dev;
	struct bufcache	*cm_bc;		/* blocks of CD_SECTOR */
	struct diskfs	*cm_df;		/* NULL: a test's */
	struct vntable	cm_table;
	struct vnode	*cm_root;
	uint64_t	cm_nblocks;	/* of the volume, and on the disk */
	unsigned int	cm_skip;	/* bytes before system use entries */
	bool		cm_rock, cm_joliet;
	bool		cm_norock, cm_nojoliet;	/* options */
	bool		cm_hasuid, cm_hasgid, cm_hasmode, cm_hasdmode;
	uid_t		cm_uid;
	gid_t		cm_gid;
	mode_t		cm_mode, cm_dmode;
};
#define	CD_MOUNT(mp)	((struct cd_mount *)(mp)->mnt_data)

/* A piece of a file. */
struct cd_part {
	uint64_t	p_off;		/* in the file, bytes */
	uint32_t	p_block, p_len;	/* bytes */
};

struct cd_node {
	struct cd_mount	*cn_cm;
	uint64_t	cn_pos;		/* bytes, of the record */
	uint64_t	cn_size;
	uint32_t	cn_nlink;
	struct timespec	cn_atime, cn_mtime, cn_ctime;
	struct cd_part	*cn_parts;
	unsigned int	cn_nparts, cn_maxparts;
	char		*cn_link;	/* a symbolic link's text, or NULL */
};
#define	CD_NODE(vp)	((struct cd_node *)(vp)->v_data)

/* What a record says, decoded. */
struct cd_entry {
	uint64_t	e_pos;		/* of the file: where it is known by */
	uint32_t	e_block;
	uint32_t	e_size;
	uint8_t		e_flags;	/* CD_* */
	mode_t		e_mode;
	uint32_t	e_nlink;
	uid_t		e_uid;
	gid_t		e_gid;
	dev_t		e_rdev;
	struct timespec	e_atime, e_mtime, e_ctime;
	unsigned int	e_namelen;
	char		e_name[CD_NAMEMAX + 1];
	bool		e_moved;	/* Rock Ridge: it belongs elsewhere */
	bool		e_longlink;	/* e_link overflowed */
	uint32_t	e_parent;	/* Rock Ridge PL: block, or 0 */
	unsigned int	e_linklen;
	char		e_link[CD_LINKMAX + 1];
};

/* cd9660_rrip.c: add what the system use area says. EIO, ENOMEM. */
int	cd9660_rock(struct cd_mount *, const struct cd_record *,
	    struct cd_entry *);
/* Look at the root's own record for Rock Ridge; sets cm_rock, cm_skip. */
int	cd9660_rock_probe(struct cd_mount *, const struct cd_record *);
/* cd9660_node.c */
struct timespec cd9660_time7(const uint8_t *);
/* The record at p, in a sector at pos: EIO if it is none. */
int	cd9660_decode(struct cd_mount *, const struct cd_record *,
	    uint64_t pos, struct cd_entry *);
/* Is there a whole record here, with so much left of the sector? */
bool	cd9660_valid(const struct cd_record *, size_t left);
int	cd9660_get(struct cd_mount *, uint64_t pos, struct vnode **);
void	cd9660_node_free(struct cd_node *);
int	cd9660_block(struct cd_node *, uint64_t off, struct buf **);
/* cd9660_vnops.c */
extern const struct vops cd9660_vops;
/* cd9660_vfsops.c; the test's way in is a device without a disk. */
int	cd9660_mount_dev(struct mount *, struct bufdev *, const char *options);
int	cd9660_unmount_dev(struct mount *);

static inline uint32_t
cd_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

#endif /* !_FS_CD9660_H_ */
