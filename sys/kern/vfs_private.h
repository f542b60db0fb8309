/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the name space (vfs_*.c) share: dentries, mounts as they
 * are seen in the tree, and the path walk.
 *
 * Lock letters: [I] immutable, [a] atomic, [b] the lock of the hash bucket
 * the dentry belongs to, [t] dcache_tree_lock (and [b] to change it),
 * [m] mount_mutex, [v] vm_lock.
 */
#ifndef _KERN_VFS_PRIVATE_H_
#define	_KERN_VFS_PRIVATE_H_

#include <sys/vnode.h>

#define	DNAME_INLINE	32

struct dentry {
	LIST_ENTRY(dentry) d_hash;	/* [b] */
	struct dentry	*d_parent;	/* [b] referenced; itself: a root */
	struct vnode	*d_vnode;	/* [I] referenced; NULL: no such file */
	struct mount	*d_mount;	/* [I] */
	char		*d_name;	/* [b] [t] NUL-terminated */
	uint32_t	d_namelen;	/* [b] [t] */
	uint32_t	d_hashval;	/* [b] says which bucket */
	refcount_t	d_ref;		/* [a] 0: only the cache has it */
	unsigned int	d_mounted;	/* [a] mounts that cover it */
	unsigned int	d_flags;	/* [b] D_* */
	char		d_iname[DNAME_INLINE];
};
#define	DF_HASHED	0x1		/* can be found */
#define	DF_DELETED	0x2		/* its name was removed */
#define	DF_REFERENCED	0x4		/* used since the clock hand passed */
#define	DF_NOKEEP	0x8		/* not cached once unused */

/* A name: hash over its bytes, computed once per component. */
struct dname {
	const char	*dn_name;
	size_t		dn_len;
};

extern struct rwlock dcache_tree_lock;

void	dcache_init(void);
struct dentry *dentry_get(struct dentry *);
void	dentry_put(struct dentry *);		/* NULL: nothing */
/* The parent of d, referenced. */
struct dentry *dentry_parent(struct dentry *);
bool	dentry_deleted(struct dentry *);
/* Its name from the root of its file system. */
int	dentry_name(struct dentry *, char *, size_t);
struct dentry *dcache_root(struct mount *, struct vnode *);
struct dentry *dcache_unnamed(struct dentry *, const char *, struct vnode *);
struct dentry *dcache_lookup(struct dentry *, const struct dname *);
struct dentry *dcache_enter(struct dentry *, const struct dname *,
	    struct vnode *, unsigned int flags);
void	dcache_delete(struct dentry *, bool deleted);
void	dcache_prune_negative(struct dentry *);
void	dcache_purge(struct mount *);
struct dcache_move;
int	dcache_move_prepare(const struct dname *, struct dcache_move **);
void	dcache_move_commit(struct dcache_move *, struct dentry *,
	    struct dentry *newparent);
void	dcache_move_abort(struct dcache_move *);
void	dcache_exchange(struct dentry *, struct dentry *);
bool	dcache_is_ancestor(struct dentry *anc, struct dentry *);
size_t	dcache_reclaim(size_t);
unsigned int dcache_count(void);

/*
 * A mount at one place of the tree.  Several may show the same file system
 * (bind mounts), or only a part of it.
 */
struct vfsmount {
	refcount_t	vm_ref;		/* [a] */
	unsigned int	vm_flags;	/* [a] MS_RDONLY, NOSUID, NODEV, ... */
	int		vm_id;		/* [I] */
	bool		vm_attached;	/* [m] is in the tree */
	bool		vm_expiry;	/* [m] MNT_EXPIRE was tried once */
	struct mount	*vm_mount;	/* [I] referenced */
	struct dentry	*vm_root;	/* [I] referenced */
	struct spinlock	vm_lock;
	struct vfsmount	*vm_parent;	/* [m] [v] referenced; NULL: the root */
	struct dentry	*vm_point;	/* [m] [v] referenced */
	LIST_ENTRY(vfsmount) vm_hash;	/* its bucket's lock */
	TAILQ_ENTRY(vfsmount) vm_list;	/* [m] all that are attached */
};

void	mount_init(void);
struct vfsmount *vfsmount_get(struct vfsmount *);
void	vfsmount_put(struct vfsmount *);
/* The topmost mount on that place, with a reference; NULL: none. */
struct vfsmount *mount_lookup(struct vfsmount *, struct dentry *);
/* Where m is mounted: references to both; false at the root. */
bool	mount_point_of(struct vfsmount *, struct path *);
/* Go down through what is mounted on p. */
void	path_follow_mounts(struct path *);
int	mount_create(const char *fstype, const char *source,
	    unsigned int flags, const char *options, struct mount **);
/* A file system of the kernel's own, mounted nowhere; paths need vfsmounts. */
const struct vfsops *vfsops_find(const char *name);
void	vfsops_init(void);
int	mount_internal(const struct vfsops *, const char *name,
	    const char *options, struct mount **, struct vfsmount **);
int	mount_root(struct mount *, struct path *);
void	mount_put(struct mount *);
/* Files open for writing keep a mount from becoming read-only. */
int	mount_write_enter(const struct path *);
void	mount_write_exit(const struct path *);

/* -- the walk (vfs_namei.c) -- */
struct namei_frame {
	char		*nf_buf;	/* a symbolic link's text */
	const char	*nf_next;	/* what is left of it */
};

struct nameidata {
	struct lwp	*nd_lwp;
	struct path	nd_cur;		/* where the walk is */
	struct path	nd_root;	/* ".." and "/" end here */
	struct path	nd_start;	/* RESOLVE_BENEATH stays below */
	const char	*nd_next;	/* what is left of the name */
	const char	*nd_last;	/* nd_parent(): the last component */
	size_t		nd_lastlen;
	bool		nd_dirslash;	/* a slash follows the last one */
	int		nd_flags;	/* LOOKUP_* */
	unsigned int	nd_nlinks;	/* links followed so far */
	unsigned int	nd_depth;	/* frames in use */
	struct namei_frame nd_frames[MAXSYMLINKS];
};

int	nd_init(struct nameidata *, struct lwp *, const struct path *dir,
	    const char *name, int flags);
void	nd_fini(struct nameidata *);
/* Walk up to the last component, which is left in nd_last. */
int	nd_parent(struct nameidata *);
/* The last component is a link (l): put its text in front, for nd_parent(). */
int	nd_followlink(struct nameidata *, struct dentry *l);
/*
 * The child of a directory, positive or negative, with a reference.
 * `locked`: the caller holds the directory's v_lock.
 */
int	dir_lookup(struct dentry *, const struct dname *, bool locked,
	    struct dentry **);
/*
 * Lock path's directory to change it and look the last component up.
 * On success the lock is held and *child (maybe negative) is referenced.
 */
int	dir_enter(const struct path *, const char *, size_t,
	    struct dentry **child);
void	dir_exit(const struct path *, struct dentry *child);
/* May the thread add a name to / remove that file from the directory? */
int	may_create(struct lwp *, const struct path *dir);
int	may_delete(struct lwp *, const struct path *dir, struct vnode *,
	    bool isdir);

/* Owner-or-capable checks of chmod, utimes, xattrs. */
int	vnode_owner_or_capable(struct vnode *, const struct cred *);
/* Drop the set-id bits as a write by that thread does; v_lock held. */
void	vnode_killpriv(struct vnode *, struct lwp *);
int	vnode_truncate_locked(struct vnode *, struct lwp *, off_t);
void	vnode_init(void);
void	device_init(void);
void	fifo_init(void);
void	lock_init(void);
void	epoll_init(void);
void	memfd_init(void);
void	initramfs_unpack(struct lwp *);

extern const struct fileops vnode_fileops, path_fileops, chr_fileops,
    blk_fileops, fifo_fileops;
int	device_open(struct file *, struct vnode *);
int	fifo_open(struct file *, struct vnode *);
void	fifo_reclaim(struct vnode *);
void	lock_reclaim(struct vnode *);
/* The shared end of closing every file that vfs_open opened. */
void	vnode_file_release(struct file *);
int	vnode_file_stat(struct file *, struct stat_k *);
/* EPERM if one of these seals is on the file; v_lock held. */
int	vnode_sealed(const struct vnode *, unsigned int);
int	check_fsize(struct lwp *, off_t off, size_t *len);

#endif /* !_KERN_VFS_PRIVATE_H_ */
