/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files that live in memory only; what its sources share.
 *
 * Lock letters: [I] immutable, [a] atomic, [v] v_lock of the node's vnode.
 */
#ifndef _FS_TMPFS_TMPFS_H_
#define	_FS_TMPFS_TMPFS_H_

#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/vnode.h>

struct tmpfs_dirent {
	RB_ENTRY(tmpfs_dirent) de_byname;	/* [v] of the directory */
	RB_ENTRY(tmpfs_dirent) de_byseq;	/* [v] */
	struct tmpfs_node *de_node;		/* [v] its vnode referenced */
	uint64_t	de_seq;			/* [I] readdir's cookie */
	uint32_t	de_hash;		/* [I] */
	uint8_t		de_namelen;		/* [I] */
	char		de_name[];		/* [I] not terminated */
};
RB_HEAD(tmpfs_names, tmpfs_dirent);
RB_HEAD(tmpfs_seqs, tmpfs_dirent);

struct tmpfs_xattr {
	SLIST_ENTRY(tmpfs_xattr) x_link;	/* [v] */
	size_t		x_size;			/* [I] of the value */
	char		*x_value;		/* [I] behind the name */
	char		x_name[];		/* [I] terminated */
};

struct tmpfs_node {
	struct vnode	*tn_vnode;		/* [I] not referenced */
	uint32_t	tn_nlink;		/* [v] */
	nsec_t		tn_atime, tn_mtime, tn_ctime;	/* [v] atime: racy */
	nsec_t		tn_btime;		/* [I] */
	SLIST_HEAD(, tmpfs_xattr) tn_xattrs;	/* [v] */
	union {
		struct {			/* directory */
			struct tmpfs_names tn_names;	/* [v] */
			struct tmpfs_seqs tn_seqs;	/* [v] */
			uint64_t	tn_nextseq;	/* [v] */
			size_t		tn_entries;	/* [v] */
			ino_t		tn_parentino;	/* [v] */
		};
		struct {			/* regular file */
			struct uvm_object *tn_uobj;	/* [v] NULL: empty */
			off_t		tn_size;	/* [v] */
			size_t		tn_charged;	/* [v] pages */
		};
		struct {			/* symbolic link */
			char		*tn_target;	/* [I] */
		};
	};
};

struct tmpfs_mount {
	size_t		tm_maxpages;		/* [a] 0: no limit */
	size_t		tm_maxnodes;		/* [a] 0: no limit */
	size_t		tm_pages;		/* [a] in use */
	size_t		tm_nodes;		/* [a] in use */
	unsigned long	tm_nextino;		/* [a] */
	mode_t		tm_mode;		/* [I] of the root, as given */
	uid_t		tm_uid;			/* [I] */
	gid_t		tm_gid;			/* [I] */
	struct vnode	*tm_root;		/* [I] referenced */
};

#define	TMPFS_NODE(vp)	((struct tmpfs_node *)(vp)->v_data)
#define	TMPFS_MOUNT(mp)	((struct tmpfs_mount *)(mp)->mnt_data)
#define	TMPFS_SEQ_FIRST	2	/* 0 is ".", 1 is ".." */

extern const struct vops tmpfs_vops;
extern const struct vfsops tmpfs_vfsops;	/* devtmpfs is one, too */

/* tmpfs_node.c */
void	tmpfs_node_init(void);
/* A file with no name yet; its vnode has one reference. ENOSPC, ENOMEM. */
int	tmpfs_node_create(struct mount *, mode_t, uid_t, gid_t, dev_t,
	    struct vnode **);
void	tmpfs_node_reclaim(struct vnode *);
struct tmpfs_dirent *tmpfs_dirent_alloc(const char *, size_t);
void	tmpfs_dirent_free(struct tmpfs_dirent *);
struct tmpfs_dirent *tmpfs_dir_find(struct tmpfs_node *, const char *, size_t);
struct tmpfs_dirent *tmpfs_dir_next(struct tmpfs_node *, uint64_t seq);
/* Put an entry in (takes a reference to the vnode), or out (drops it). */
void	tmpfs_dir_insert(struct tmpfs_node *, struct tmpfs_dirent *,
	    struct vnode *);
void	tmpfs_dir_remove(struct tmpfs_node *, struct tmpfs_dirent *);
/* At unmount: all that is below. */
void	tmpfs_dir_destroy(struct tmpfs_node *);
void	tmpfs_touch(struct tmpfs_node *);	/* mtime and ctime: now */
/* The same as of the last write through a mapping.  v_lock held. */
void	tmpfs_mapped_times(struct vnode *);
void	tmpfs_accessed(struct vnode *);

/* tmpfs_data.c: the pages of regular files */
int	tmpfs_read(struct vnode *, struct uio *);
int	tmpfs_write(struct vnode *, struct uio *);
int	tmpfs_resize(struct vnode *, off_t);
int	tmpfs_mmap(struct vnode *, off_t, size_t, vm_prot_t *,
	    struct uvm_object **);
int	tmpfs_seek(struct vnode *, off_t, int, off_t *);
int	tmpfs_fallocate(struct vnode *, int, off_t, off_t);
void	tmpfs_data_free(struct vnode *);
size_t	tmpfs_data_pages(struct tmpfs_node *);

/* tmpfs_xattr.c */
int	tmpfs_getxattr(struct vnode *, const char *, void *, size_t, size_t *);
int	tmpfs_setxattr(struct vnode *, const char *, const void *, size_t, int);
int	tmpfs_listxattr(struct vnode *, char *, size_t, size_t *);
int	tmpfs_removexattr(struct vnode *, const char *);
void	tmpfs_xattr_free(struct tmpfs_node *);

/* tmpfs_vfsops.c */
int	tmpfs_parse_size(const char *, size_t total, uint64_t *);

#endif /* !_FS_TMPFS_TMPFS_H_ */
