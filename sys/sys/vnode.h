/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as the file systems see them (vnodes), and as the name space sees
 * them (dentries, mounts, paths).
 *
 * Overview: a vnode is a file of a mounted file system: operations and
 * attributes; its pages are the memory object that vop_mmap() names.  A dentry
 * is one name of it in one directory; dentries form the tree that path walks,
 * getcwd, /proc/PID/fd and "(deleted)" need.  A path is a dentry seen through a
 * mount.  File systems deal in vnodes and component names only;
 * kern/vfs_dcache.c, vfs_namei.c and vfs_mount.c own the rest.
 *
 * Locking: v_lock (sleeping) is taken by the VFS around operations: exclusive
 * for all that change the file or directory, shared for lookup, readdir, read
 * and getattr.  Order: parent directory before child; two directories of a
 * rename: ancestor first, under the mount's rename mutex.
 */
#ifndef _SYS_VNODE_H_
#define	_SYS_VNODE_H_

#include <sys/atomic.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/stat.h>
#include <sys/uio.h>

struct vnode;
struct mount;
struct file;
struct dentry;
struct devops;
struct uvm_object;

typedef bool (*readdir_fn)(void *ctx, const char *name, size_t len, ino_t,
	    unsigned int d_type, off_t nextcookie);	/* false: stop */

/* A run of a file's bytes on its disk. */
struct vnode_map {
	off_t		vm_off;		/* in the file */
	off_t		vm_len;		/* bytes, whole blocks */
	uint64_t	vm_disk;	/* in the device, bytes; VM_MAPPED */
	enum { VM_HOLE, VM_MAPPED, VM_UNWRITTEN, VM_INLINE } vm_kind;
	unsigned int	vm_flags;
	uint64_t	vm_priv[2];	/* the file system's */
};
#define	VMF_NEW		0x1	/* allocated now: the file has it not yet */
#define	VMF_UNWRITTEN	0x2	/* the file has it, reads as zeros */

struct vops {
	/*
	 * Directories.  Names are (pointer, length), never "." or "..", and
	 * at most NAME_MAX bytes; modes have the type bits.  The VFS has
	 * checked existence, kinds and rights, and holds v_lock of the
	 * directories and of the files that are removed, linked or moved.
	 * rename: existing (NULL: none) is what had the new name; flags are
	 * RENAME_EXCHANGE or 0.
	 */
	int	(*vop_lookup)(struct vnode *dir, const char *, size_t,
		    struct vnode **);
	int	(*vop_create)(struct vnode *dir, const char *, size_t,
		    mode_t, struct cred *, struct vnode **);
	int	(*vop_mkdir)(struct vnode *dir, const char *, size_t, mode_t,
		    struct cred *, struct vnode **);
	int	(*vop_mknod)(struct vnode *dir, const char *, size_t, mode_t,
		    dev_t, struct cred *, struct vnode **);
	int	(*vop_symlink)(struct vnode *dir, const char *, size_t,
		    const char *target, struct cred *, struct vnode **);
	int	(*vop_link)(struct vnode *dir, const char *, size_t,
		    struct vnode *);
	int	(*vop_unlink)(struct vnode *dir, const char *, size_t,
		    struct vnode *);
	int	(*vop_rmdir)(struct vnode *dir, const char *, size_t,
		    struct vnode *);
	int	(*vop_rename)(struct vnode *fdir, const char *, size_t,
		    struct vnode *, struct vnode *tdir, const char *, size_t,
		    struct vnode *existing, unsigned int flags);
	/* From *cookie on; the file system advances it. "." and ".." too. */
	int	(*vop_readdir)(struct vnode *dir, off_t *cookie, readdir_fn,
		    void *ctx);
	/* All kinds. */
	int	(*vop_getattr)(struct vnode *, struct stat_k *);
	int	(*vop_setattr)(struct vnode *, const struct setattr *,
		    struct cred *);
	int	(*vop_readlink)(struct vnode *, char *, size_t, size_t *len);
	/*
	 * What an access control list says: 0 or EACCES; EOPNOTSUPP: the file
	 * has none, its mode counts.  With or without v_lock.
	 */
	int	(*vop_access)(struct vnode *, int how, const struct cred *);
	/* A magic link: jump to a path instead of text (/proc/PID/fd/N). */
	int	(*vop_followlink)(struct vnode *, struct path *);
	int	(*vop_open)(struct vnode *, unsigned int oflags,
		    struct file *);
	void	(*vop_close)(struct vnode *, struct file *);
	int	(*vop_read)(struct vnode *, struct uio *);
	int	(*vop_write)(struct vnode *, struct uio *);
	/* Its data is about to be read: the access time. NULL: has none. */
	void	(*vop_accessed)(struct vnode *);
	int	(*vop_ioctl)(struct vnode *, struct file *, unsigned long,
		    uintptr_t, register_t *);
	unsigned int (*vop_poll)(struct vnode *, struct file *, unsigned int,
		    struct pollentry *);
	int	(*vop_mmap)(struct vnode *, off_t, size_t, vm_prot_t *,
		    struct uvm_object **);
	int	(*vop_fsync)(struct vnode *, bool dataonly);
	/* Is the cached name still right?  NULL: always. */
	bool	(*vop_revalidate)(struct vnode *dir, const char *, size_t,
		    struct vnode *);
	int	(*vop_getxattr)(struct vnode *, const char *, void *, size_t,
		    size_t *);
	int	(*vop_setxattr)(struct vnode *, const char *, const void *,
		    size_t, int flags);
	int	(*vop_listxattr)(struct vnode *, char *, size_t, size_t *);
	int	(*vop_removexattr)(struct vnode *, const char *);
	/* SEEK_DATA or SEEK_HOLE from off.  NULL: the file has no holes. */
	int	(*vop_seek)(struct vnode *, off_t off, int whence, off_t *);
	/* fallocate(2): mode is FALLOC_FL_*.  NULL: EOPNOTSUPP. */
	int	(*vop_fallocate)(struct vnode *, int mode, off_t, off_t len);
	/* A regular file without a name (O_TMPFILE).  NULL: EOPNOTSUPP. */
	int	(*vop_tmpfile)(struct vnode *dir, mode_t, struct cred *,
		    struct vnode **);
	/*
	 * File data on a disk.  The page cache owns the pages and does the
	 * transfers; the file system says where the bytes are.  All four
	 * may sleep, are called in thread context without v_lock or with it,
	 * and with pages busy; they never take v_lock, never touch pages and
	 * never wait for a page.  NULL: no page cache for this file.
	 *
	 * vop_bmap: where are the bytes at off?  m is filled for a run that
	 * starts at off: 0 < vm_len <= len, in whole blocks.  To read
	 * VM_HOLE and VM_UNWRITTEN: zeros; VM_MAPPED: at vm_disk;
	 * VM_INLINE: by vop_readinline.  Beyond the end: VM_HOLE.
	 *
	 * vop_reserve: bytes [off, off + len) are about to be dirtied, by a
	 * write or a fault for write, beyond the end of the file too: space
	 * is set aside for those that have none (delayed allocation), so
	 * that vop_writemap() will not say ENOSPC.  To be called for every
	 * range, whether its pages are dirty already or not.  ENOSPC, EIO,
	 * EROFS, ENOMEM.
	 *
	 * vop_writemap: dirty pages of [off, off + len) are about to be
	 * written; the range is cut at the end of the file, rounded up to
	 * v_bsize.  m says where a run from off goes, allocated now if
	 * need be; VM_MAPPED with VMF_* in vm_flags, nothing else.  The
	 * caller writes the bytes, waits, and calls vop_writedone() with m as
	 * it is and the transfer's result: only then the file has the run,
	 * so blocks never show what was in them before.  Every
	 * successful vop_writemap() needs its vop_writedone(), also with an
	 * error.  The pages are busy from before the one until after the
	 * other; no two such pairs of the same bytes at a time.
	 *
	 * The size in the inode follows vop_writedone(); v_lock's holder
	 * changes the size that getattr shows (vop_setattr, and
	 * vop_extend after a write).
	 */
	int	(*vop_bmap)(struct vnode *, off_t off, off_t len,
		    struct vnode_map *m);
	int	(*vop_reserve)(struct vnode *, off_t off, off_t len);
	int	(*vop_writemap)(struct vnode *, off_t off, off_t len,
		    struct vnode_map *m);
	int	(*vop_writedone)(struct vnode *, const struct vnode_map *m,
		    int error);
	/* Small files inside the inode: fill buf with len bytes from off. */
	int	(*vop_readinline)(struct vnode *, off_t off, void *buf,
		    size_t len);
	/*
	 * A write has put bytes up to `end` into the page cache: the file
	 * is at least that long now, its times change.  v_lock held,
	 * exclusively if that makes the file longer.  Pages may be locked:
	 * it must not sleep.
	 */
	void	(*vop_extend)(struct vnode *, off_t end);
	/* The last reference went: free the file if it has no name left. */
	void	(*vop_inactive)(struct vnode *);
	/* Forget the vnode: free v_data. */
	void	(*vop_reclaim)(struct vnode *);
};

struct vnode {
	refcount_t	v_ref;		/* [a] */
	mode_t		v_mode;		/* [v] type and permissions */
	uid_t		v_uid;		/* [v] */
	gid_t		v_gid;		/* [v] */
	ino_t		v_ino;		/* [I] */
	dev_t		v_rdev;		/* [I] devices */
	unsigned int	v_flags;	/* [v] */
	unsigned int	v_seals;	/* [v] F_SEAL_* */
	const struct vops *v_ops;	/* [I] */
	struct mount	*v_mount;	/* [I] */
	void		*v_data;	/* [I] the file system's */
	unsigned int	v_bsize;	/* [I] bytes; 0: there is no vop_bmap */
	struct uvm_object *v_uobj;	/* [I] the page cache's, or NULL */
	struct rwlock	v_lock;
	int		v_writers;	/* [a] files open for writing; < 0:
					 * programs that run from it */
	void		*v_fifo;	/* [v] kern/vfs_fifo.c */
	void		*v_watches;	/* [a] kern/sys_inotify.c */
	struct lockhead	*v_locks;	/* kern/vfs_lock.c, its lock */
	LIST_ENTRY(vnode) v_hash;	/* per-fs use */
	struct pollhead	v_pollhead;
};
#define	VV_ROOT		0x1
#define	VV_NOCACHE	0x2	/* names in it are not cached */
#define	VV_NODEV	0x4
#define	VV_DEAD		0x8	/* a removed directory: nothing goes in */
#define	VV_SEALABLE	0x20	/* memory: has seals */
#define	VV_LINKABLE	0x10	/* O_TMPFILE: may get its first name */
#define	VV_SWAP		0x80	/* a swap area is in it */
#define	VV_DELETED	0x40	/* no name is left: it need not be written */

/*
 * A vnode with one reference and v_lock initialised; v_mode, v_uid, v_gid,
 * v_ino, v_rdev and v_flags are the caller's to fill in before others see it.
 */
int	vnode_alloc(struct mount *, const struct vops *, void *data,
	    struct vnode **);
struct vnode *vref(struct vnode *);
/* For a file system's own table: false if the last reference is going. */
bool	vref_tryget(struct vnode *);
void	vrele(struct vnode *);		/* may sleep */
/*
 * Owner and mode of a new file in dir: fsuid, fsgid, a set-group-id
 * directory's group.  For vop_create() and friends; *mode is in and out.
 */
void	vnode_new_owner(const struct vnode *dir, const struct cred *,
	    mode_t *mode, uid_t *, gid_t *);
/* Keep writers out while a program runs from the file: ETXTBSY, or 0. */
int	vnode_deny_write(struct vnode *);
void	vnode_allow_write(struct vnode *);

/* 0, EACCES: may cred do R_OK | W_OK | X_OK to it? v_lock held or racy ok. */
int	vnode_access(struct vnode *, int how, const struct cred *);
int	vnode_stat(struct vnode *, struct stat_k *);	/* takes v_lock */
/* Can a file of it have O_DIRECT? */
bool	vnode_has_direct(const struct vnode *);

/* -- mounts -- */
struct statfs_k {
	uint64_t	f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files,
			f_ffree, f_fsid, f_namelen, f_frsize, f_flags,
			f_used;		/* blocks; also where f_blocks is 0 */
};

struct bufdev;
struct disk;

/* What a file system on a disk says of itself. */
struct vfs_ident {
	const char	*vi_type;	/* a vfs_name */
	char		vi_uuid[40];	/* as blkid writes it; "": none */
	char		vi_label[64];
};

struct vfsops {
	const char *vfs_name;		/* "tmpfs" */
	unsigned int vfs_flags;
	void	(*vfs_init)(void);		/* once, at boot; or NULL */
	int	(*vfs_mount)(struct mount *, const char *source,
		    const char *options);	/* sets mnt_root */
	int	(*vfs_unmount)(struct mount *, bool force);
	int	(*vfs_statfs)(struct mount *, struct statfs_k *);
	int	(*vfs_sync)(struct mount *);
	/*
	 * MS_REMOUNT with new options; NULL: options must be empty.
	 * flags: the MS_* to be, mnt_flags the ones that are.
	 */
	int	(*vfs_remount)(struct mount *, unsigned int flags,
		    const char *options);
	/* Append ",key=value" options for /proc/mounts. */
	void	(*vfs_showopts)(struct mount *, char *, size_t);
	/*
	 * Is one of this kind on the disk, mountable or not?  NULL for kinds
	 * without a disk, or that another's function knows.  May sleep.
	 */
	bool	(*vfs_identify)(struct bufdev *, struct vfs_ident *);
};
#define	VFS_NODEVSRC	0x1		/* "nodev" in /proc/filesystems */
#include <sys/linkset.h>
#define	VFS_REGISTER(ops)	SET_ENTRY(vfs_list, ops)

struct mount {
	refcount_t	mnt_ref;	/* [a] */
	unsigned int	mnt_flags;	/* [m] MS_* */
	const struct vfsops *mnt_ops;	/* [I] */
	void		*mnt_data;	/* [I] */
	struct vnode	*mnt_rootvp;	/* [I] set by vfs_mount */
	dev_t		mnt_dev;	/* [I] st_dev of its files */
	struct mutex	mnt_rename;	/* cross-directory renames */
	char		*mnt_source;	/* [I] */
	struct dentry	*mnt_rootd;	/* [I] */
	unsigned int	mnt_writers;	/* [a] files open for writing */
	TAILQ_ENTRY(mount) mnt_list;	/* kern/vfs_mount.c */
};
#define	MS_RDONLY	1
#define	MS_NOSUID	2
#define	MS_NODEV	4
#define	MS_NOEXEC	8
#define	MS_SYNCHRONOUS	16
#define	MS_REMOUNT	32
#define	MS_MANDLOCK	64
#define	MS_DIRSYNC	128
#define	MS_NOATIME	1024
#define	MS_NODIRATIME	2048
#define	MS_BIND		4096
#define	MS_MOVE		8192
#define	MS_REC		16384
#define	MS_SILENT	32768
#define	MS_PRIVATE	(1 << 18)
#define	MS_SLAVE	(1 << 19)
#define	MS_SHARED	(1 << 20)
#define	MS_RELATIME	(1 << 21)
#define	MS_STRICTATIME	(1 << 24)
#define	MS_INTERNAL	(1U << 31)	/* the kernel's own: pipes, memfd */
#define	MNT_FORCE	1
#define	MNT_DETACH	2
#define	MNT_EXPIRE	4
#define	UMOUNT_NOFOLLOW	8

/* -- names -- */
struct vfsmount;	/* a place in the tree where a mount is seen */
struct path {
	struct vfsmount	*p_mnt;
	struct dentry	*p_dentry;
};
void	path_get(struct path *);	/* one more reference on both */
void	path_put(struct path *);
struct vnode *path_vnode(const struct path *);	/* borrowed; NULL: negative */
bool	path_equal(const struct path *, const struct path *);
struct mount *path_mount(const struct path *);	/* borrowed */
/* MS_*, all that apply. */
unsigned int path_mntflags(const struct path *);
int	path_mntid(const struct path *);
bool	path_is_mntroot(const struct path *);
bool	path_deleted(const struct path *);	/* its name was removed */
/* EROFS unless files seen through it may be changed. */
int	path_writable(const struct path *);
/*
 * The absolute name as seen from `root` (NULL: the caller's root);
 * " (deleted)" is appended, "(unreachable)" prepended as Linux does.
 */
int	path_name(const struct path *, const struct path *root, char *, size_t);

struct cwdinfo {			/* shared by CLONE_FS */
	refcount_t	cwd_ref;
	struct spinlock	cwd_lock;
	struct path	cwd_cwd, cwd_root;	/* [l] */
	mode_t		cwd_umask;		/* [l] */
};
struct cwdinfo *cwd_get(struct cwdinfo *);
void	cwd_put(struct cwdinfo *);
int	cwd_copy(struct cwdinfo *, struct cwdinfo **);
/* Copies with references of the calling process' directories. */
void	cwd_get_cwd(struct lwp *, struct path *);
void	cwd_get_root(struct lwp *, struct path *);
/* CLONE_FS is undone: the caller's process gets its own copy. */
int	cwd_unshare(struct lwp *);
mode_t	cwd_umask(struct lwp *);
extern struct path rootpath;		/* of the system; set by main() */

/*
 * Walk a name.  dir: where a relative one starts (NULL: the cwd).
 * Flags: LOOKUP_*.  On success *out has references.
 */
#define	LOOKUP_FOLLOW		0x01	/* a link at the end is followed */
#define	LOOKUP_DIRECTORY	0x02	/* must be a directory */
#define	LOOKUP_EMPTY		0x04	/* "" is dir itself */
#define	LOOKUP_RDONLY_OK	0x08
#define	LOOKUP_NOXDEV		0x10	/* openat2's RESOLVE_NO_XDEV */
#define	LOOKUP_NOMAGIC		0x20	/* RESOLVE_NO_MAGICLINKS */
#define	LOOKUP_NOSYMLINKS	0x40	/* RESOLVE_NO_SYMLINKS */
#define	LOOKUP_BENEATH		0x80	/* RESOLVE_BENEATH */
#define	LOOKUP_INROOT		0x100	/* RESOLVE_IN_ROOT */
#define	LOOKUP_RESOLVE		0x1f0	/* those five */
int	namei(struct lwp *, const struct path *dir, const char *name, int flags,
	    struct path *out);
/*
 * All but the last component: *parent has references, *last points into
 * name (its length in *len; a trailing slash sets *dirslash).
 */
int	namei_parent(struct lwp *, const struct path *dir, const char *name,
	    struct path *parent, const char **last, size_t *len,
	    bool *dirslash);
/* A directory found from the one that p's name is in. */
int	path_sibling(struct lwp *, const struct path *p, const char *name,
	    struct path *out);
/* A copy of a user path name; kmem_strfree(). ENAMETOOLONG, EFAULT. */
int	copyin_path(const char *uname, char **name);

/* Bodies of the system calls; dir NULL = cwd; names are kernel strings. */
int	do_open(struct lwp *, const struct path *dir, const char *, int oflags,
	    mode_t, struct file **);
/* The same with LOOKUP_RESOLVE bits (openat2). */
int	do_open_resolve(struct lwp *, const struct path *dir, const char *,
	    int oflags, mode_t, int lookup, struct file **);
int	do_open_path(struct lwp *, const struct path *, int oflags,
	    struct file **);
int	do_mkdir(struct lwp *, const struct path *dir, const char *, mode_t);
int	do_mknod(struct lwp *, const struct path *dir, const char *, mode_t,
	    dev_t);
int	do_symlink(struct lwp *, const char *target, const struct path *dir,
	    const char *);
int	do_link(struct lwp *, const struct path *fdir, const char *from,
	    const struct path *tdir, const char *to, int flags);
int	do_unlink(struct lwp *, const struct path *dir, const char *,
	    int flags);
#define	RENAME_NOREPLACE	1
#define	RENAME_EXCHANGE		2
#define	RENAME_WHITEOUT		4
int	do_rename(struct lwp *, const struct path *fdir, const char *from,
	    const struct path *tdir, const char *to, unsigned int flags);
int	do_setattr(struct lwp *, const struct path *, struct setattr *);
int	do_truncate(struct lwp *, const struct path *, off_t);
int	do_access(struct lwp *, const struct path *, int mode, bool effective);
int	do_readlink(struct lwp *, const struct path *, char *, size_t,
	    size_t *len);
int	do_statfs(const struct path *, struct statfs_k *);
/* Extended attributes; XATTR_* flags. */
#define	XATTR_CREATE		1
#define	XATTR_REPLACE		2
#define	XATTR_NAME_MAX		255
#define	XATTR_SIZE_MAX		65536
#define	XATTR_LIST_MAX		65536
int	do_getxattr(struct lwp *, const struct path *, const char *, void *,
	    size_t, size_t *);
int	do_setxattr(struct lwp *, const struct path *, const char *,
	    const void *, size_t, int flags);
int	do_listxattr(struct lwp *, const struct path *, char *, size_t,
	    size_t *);
int	do_removexattr(struct lwp *, const struct path *, const char *);
int	do_chdir(struct lwp *, const struct path *);
int	do_chroot(struct lwp *, const struct path *);
int	do_mount(struct lwp *, const char *source, const char *target,
	    const char *fstype, unsigned long flags, const char *data);
int	do_umount(struct lwp *, const char *target, int flags);
int	do_pivot_root(struct lwp *, const char *newroot, const char *putold);
/*
 * The text of /proc/PID/{mounts,mountinfo,mountstats}: what is reachable from
 * `root`, in pieces; thread context.
 */
enum mounts_format { MOUNTS_MOUNTS, MOUNTS_MOUNTINFO, MOUNTS_MOUNTSTATS };
int	vfs_mounts_format(const struct path *root, enum mounts_format,
	    void (*out)(void *, const char *, size_t), void *ctx);
/* The text of /proc/filesystems. */
void	vfs_filesystems_format(void (*out)(void *, const char *, size_t),
	    void *ctx);

/* Files made of vnodes (vfs_file.c). */
struct vnode *file_vnode(struct file *);	/* borrowed; NULL: none */
int	file_readdir(struct file *, readdir_fn, void *ctx);
int	file_fallocate(struct lwp *, struct file *, int mode, off_t, off_t);
#define	FALLOC_FL_KEEP_SIZE	0x01
#define	FALLOC_FL_PUNCH_HOLE	0x02
#define	FALLOC_FL_COLLAPSE_RANGE 0x08
#define	FALLOC_FL_ZERO_RANGE	0x10
#define	FALLOC_FL_INSERT_RANGE	0x20
#define	FALLOC_FL_UNSHARE_RANGE	0x40

void	vfs_init(void);
/* Mount the first root (tmpfs) and unpack the initramfs into it. */
int	vfs_mountroot(void);
/*
 * Wait until the disks that the machine has at boot are there, or for a minute.
 */
void	vfs_wait_disks(void);
/*
 * Mount what root= names over it, for process 1.  ENOENT: there is no root=;
 * else the disk's or the file system's error, which has been told.
 */
int	vfs_mountdisk(struct lwp *);
/*
 * The disk of a block device node, referenced.  ENOENT ..., ENOTBLK, EACCES
 * (a mount with nodev), ENXIO (no such disk).  Thread context.
 */
int	vfs_source_disk(const char *source, struct disk **);
void	vfs_sync_all(void);
/* The machine goes down: the same, and file systems are left clean. */
void	vfs_shutdown(void);

#endif /* !_SYS_VNODE_H_ */
