/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount tree: which file system is seen where.
 *
 * Overview: a struct mount is a file system in use, a struct vfsmount a place
 * where it, or a part of it, is seen.  A mounted-on dentry is found by
 * (vfsmount, dentry) in a small hash; d_mounted says whether looking is worth
 * it.  Detached mounts live on as long as somebody has a path in them; the
 * last vfsmount of a file system unmounts it.  There is one name space, and
 * no propagation: every mount is private.
 *
 * Locking: mount_mutex serialises all changes.  A walk takes the lock of one
 * hash bucket to go down and vm_lock to go up, both spin locks and only at
 * mount points.  References: the tree has one on each attached vfsmount, a
 * vfsmount one on its parent, its mount point, its root and its mount.
 */
#include <sys/errno.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm_vnode.h>
#include <kern/vfs_private.h>

SET_DECLARE(vfs_list, const struct vfsops);

#define	MOUNT_BUCKETS	64
#define	VM_FLAGS	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | \
			    MS_NOATIME | MS_NODIRATIME | MS_RELATIME | \
			    MS_STRICTATIME)
#define	SB_FLAGS	(MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK)

static struct mount_bucket {
	struct spinlock	b_lock;
	LIST_HEAD(, vfsmount) b_chain;
} mount_hash[MOUNT_BUCKETS];

static struct mutex mount_mutex;
TAILQ_HEAD(vfsmount_list, vfsmount);
static struct vfsmount_list mount_list =	/* [m] parents first */
    TAILQ_HEAD_INITIALIZER(mount_list);
static struct mutex mounts_lock;		/* guards the list of mounts */
static TAILQ_HEAD(, mount) mounts = TAILQ_HEAD_INITIALIZER(mounts);
static int next_mntid = 20;			/* [a] */
static unsigned int next_minor = 1;		/* [a] of unnamed devices */

struct path rootpath;

void
mount_init(void)
{
	unsigned int i;

	mutex_init(&mount_mutex, "mount");
	mutex_init(&mounts_lock, "mounts");
	for (i = 0; i < MOUNT_BUCKETS; i++) {
		spin_init(&mount_hash[i].b_lock, "mount_hash");
		LIST_INIT(&mount_hash[i].b_chain);
	}
}

/* -- file systems in use -- */

/* Every file system that is linked in. */
void
vfsops_init(void)
{
	const struct vfsops *const *vp;

	SET_FOREACH(vp, vfs_list)
		if ((*vp)->vfs_init != NULL)
			(*vp)->vfs_init();
}

const struct vfsops *
vfsops_find(const char *name)
{
	const struct vfsops *const *vp;

	SET_FOREACH(vp, vfs_list)
		if (strcmp((*vp)->vfs_name, name) == 0)
			return *vp;
	return NULL;
}

static int
mount_start(const struct vfsops *ops, const char *source, unsigned int flags,
    const char *options, struct mount **mpp)
{
	struct mount *mp;
	int error;

	mp = kmem_zalloc(sizeof(*mp), KM_SLEEP);
	if (mp == NULL)
		return ENOMEM;
	mp->mnt_ref = 1;
	mp->mnt_ops = ops;
	mp->mnt_flags = flags & (SB_FLAGS | MS_INTERNAL);
	mp->mnt_dev = makedev(0, atomic_add(&next_minor, 1) - 1);
	mutex_init(&mp->mnt_rename, "mnt_rename");
	mp->mnt_source = kmem_strdup(source, KM_SLEEP);
	if (mp->mnt_source == NULL) {
		error = ENOMEM;
		goto fail_alloc;
	}
	error = ops->vfs_mount(mp, source, options);
	if (error != 0)
		goto fail_source;
	mp->mnt_rootvp->v_flags |= VV_ROOT;
	mp->mnt_rootd = dcache_root(mp, mp->mnt_rootvp);
	if (mp->mnt_rootd == NULL) {
		error = ENOMEM;
		goto fail_mount;
	}
	mutex_enter(&mounts_lock);
	TAILQ_INSERT_TAIL(&mounts, mp, mnt_list);
	mutex_exit(&mounts_lock);
	*mpp = mp;
	return 0;

fail_mount:
	vrele(mp->mnt_rootvp);
	(void)ops->vfs_unmount(mp, true);
fail_source:
	kmem_strfree(mp->mnt_source);
fail_alloc:
	mutex_destroy(&mp->mnt_rename);
	kmem_free(mp, sizeof(*mp));
	return error;
}

/*
 * Put a file system to use.  ENODEV: unknown type; else the file system's own
 * errors, ENOMEM.  One reference is the caller's.
 */
int
mount_create(const char *fstype, const char *source, unsigned int flags,
    const char *options, struct mount **mpp)
{
	const struct vfsops *ops = vfsops_find(fstype);

	if (ops == NULL)
		return ENODEV;
	return mount_start(ops, source, flags & SB_FLAGS, options, mpp);
}

/* File data first: writing it changes what the file system has to write. */
static void
mount_sync(struct mount *mp)
{
	if (mp->mnt_ops->vfs_sync == NULL)
		return;
	(void)uvm_vnode_sync_all(mp);
	(void)mp->mnt_ops->vfs_sync(mp);
}

/* The last reference unmounts.  Thread context. */
void
mount_put(struct mount *mp)
{
	int error;

	if (!refcount_put(&mp->mnt_ref))
		return;
	mutex_enter(&mounts_lock);
	TAILQ_REMOVE(&mounts, mp, mnt_list);
	mutex_exit(&mounts_lock);
	if (inotify_on())
		inotify_unmount(mp);
	dcache_purge(mp);
	dentry_put(mp->mnt_rootd);
	mount_sync(mp);
	vrele(mp->mnt_rootvp);
	error = mp->mnt_ops->vfs_unmount(mp, true);
	if (error != 0)
		printf("vfs: unmounting %s (%s): error %d\n", mp->mnt_source,
		    mp->mnt_ops->vfs_name, error);
	kmem_strfree(mp->mnt_source);
	mutex_destroy(&mp->mnt_rename);
	kmem_free(mp, sizeof(*mp));
}

static bool
mount_tryget(struct mount *mp)
{
	unsigned int n;

	do {
		n = atomic_load_relaxed(&mp->mnt_ref);
		if (n == 0)
			return false;
	} while (!atomic_cas(&mp->mnt_ref, n, n + 1));
	return true;
}

static void
for_each_mount(void (*func)(struct mount *))
{
	struct mount *mp, *prev = NULL;

	mutex_enter(&mounts_lock);
	TAILQ_FOREACH(mp, &mounts, mnt_list) {
		/* The reference keeps it on the list meanwhile. */
		if (!mount_tryget(mp))
			continue;
		mutex_exit(&mounts_lock);
		if (prev != NULL)
			mount_put(prev);
		func(mp);
		prev = mp;
		mutex_enter(&mounts_lock);
	}
	mutex_exit(&mounts_lock);
	if (prev != NULL)
		mount_put(prev);
}

void
vfs_sync_all(void)
{
	for_each_mount(mount_sync);
}

/* -- places -- */

static struct mount_bucket *
mount_bucket(const struct vfsmount *parent, const struct dentry *point)
{
	uintptr_t h = (uintptr_t)parent / 64 + (uintptr_t)point / 32;

	return &mount_hash[(h ^ h >> 7) % MOUNT_BUCKETS];
}

/* A vfsmount that shows mp from `root` on; takes its own references. */
static struct vfsmount *
vfsmount_alloc(struct mount *mp, struct dentry *root, unsigned int flags)
{
	struct vfsmount *m;

	m = kmem_zalloc(sizeof(*m), KM_SLEEP);
	if (m == NULL)
		return NULL;
	m->vm_ref = 1;
	m->vm_flags = flags & VM_FLAGS;
	if ((flags & (MS_NOATIME | MS_STRICTATIME)) == 0)
		m->vm_flags |= MS_RELATIME;
	m->vm_id = atomic_add(&next_mntid, 1);
	spin_init(&m->vm_lock, "vfsmount");
	refcount_get(&mp->mnt_ref);
	m->vm_mount = mp;
	m->vm_root = dentry_get(root);
	return m;
}

struct vfsmount *
vfsmount_get(struct vfsmount *m)
{
	refcount_get(&m->vm_ref);
	return m;
}

void
vfsmount_put(struct vfsmount *m)
{
	if (!refcount_put(&m->vm_ref))
		return;
	KASSERT(!m->vm_attached && m->vm_parent == NULL);
	dentry_put(m->vm_root);
	mount_put(m->vm_mount);
	kmem_free(m, sizeof(*m));
}

struct vfsmount *
mount_lookup(struct vfsmount *parent, struct dentry *point)
{
	struct mount_bucket *b = mount_bucket(parent, point);
	struct vfsmount *m;

	spin_enter(&b->b_lock);
	LIST_FOREACH(m, &b->b_chain, vm_hash)
		if (m->vm_parent == parent && m->vm_point == point) {
			refcount_get(&m->vm_ref);
			break;
		}
	spin_exit(&b->b_lock);
	return m;
}

bool
mount_point_of(struct vfsmount *m, struct path *p)
{
	bool found = false;

	spin_enter(&m->vm_lock);
	if (m->vm_parent != NULL) {
		p->p_mnt = vfsmount_get(m->vm_parent);
		p->p_dentry = dentry_get(m->vm_point);
		found = true;
	}
	spin_exit(&m->vm_lock);
	return found;
}

void
path_follow_mounts(struct path *p)
{
	struct vfsmount *m;

	while (atomic_load_relaxed(&p->p_dentry->d_mounted) != 0) {
		m = mount_lookup(p->p_mnt, p->p_dentry);
		if (m == NULL)
			return;
		path_put(p);
		p->p_mnt = m;
		p->p_dentry = dentry_get(m->vm_root);
	}
}

/* Put m on p, whose references are copied.  [m] held. */
static void
attach(struct vfsmount *m, const struct path *p)
{
	struct mount_bucket *b = mount_bucket(p->p_mnt, p->p_dentry);

	spin_enter(&m->vm_lock);
	m->vm_parent = vfsmount_get(p->p_mnt);
	m->vm_point = dentry_get(p->p_dentry);
	spin_exit(&m->vm_lock);
	(void)atomic_add(&p->p_dentry->d_mounted, 1);
	spin_enter(&b->b_lock);
	LIST_INSERT_HEAD(&b->b_chain, m, vm_hash);
	spin_exit(&b->b_lock);
	m->vm_attached = true;
	m->vm_expiry = false;
	TAILQ_INSERT_TAIL(&mount_list, m, vm_list);
}

/*
 * Take m off its place; the references it had go to *p.  [m] held.  EBUSY if
 * there are more than `users` references to it; afterwards no walk finds it.
 */
static int
detach_unless_busy(struct vfsmount *m, unsigned int users, struct path *p)
{
	struct mount_bucket *b = mount_bucket(m->vm_parent, m->vm_point);

	spin_enter(&b->b_lock);
	if (atomic_load(&m->vm_ref) > users) {
		spin_exit(&b->b_lock);
		return EBUSY;
	}
	LIST_REMOVE(m, vm_hash);
	spin_exit(&b->b_lock);
	spin_enter(&m->vm_lock);
	p->p_mnt = m->vm_parent;
	p->p_dentry = m->vm_point;
	m->vm_parent = NULL;
	m->vm_point = NULL;
	spin_exit(&m->vm_lock);
	(void)atomic_sub(&p->p_dentry->d_mounted, 1);
	m->vm_attached = false;
	TAILQ_REMOVE(&mount_list, m, vm_list);
	return 0;
}

static void
detach(struct vfsmount *m, struct path *p)
{
	(void)detach_unless_busy(m, UINT32_MAX, p);
}

int
mount_internal(const struct vfsops *ops, const char *name, const char *options,
    struct mount **mpp, struct vfsmount **mntp)
{
	int error;

	error = mount_start(ops, name, MS_INTERNAL, options, mpp);
	if (error != 0)
		return error;
	*mntp = vfsmount_alloc(*mpp, (*mpp)->mnt_rootd, MS_NOATIME);
	if (*mntp == NULL) {
		mount_put(*mpp);
		return ENOMEM;
	}
	return 0;
}

/* Make mp the root of the tree (once). */
int
mount_root(struct mount *mp, struct path *root)
{
	struct vfsmount *m;

	m = vfsmount_alloc(mp, mp->mnt_rootd, 0);
	if (m == NULL)
		return ENOMEM;
	mutex_enter(&mount_mutex);
	m->vm_attached = true;
	TAILQ_INSERT_HEAD(&mount_list, m, vm_list);
	mutex_exit(&mount_mutex);
	root->p_mnt = m;
	root->p_dentry = dentry_get(m->vm_root);
	return 0;
}

static bool
mount_is_below(const struct vfsmount *m, const struct vfsmount *top)
{
	for (; m != NULL; m = m->vm_parent)
		if (m == top)
			return true;
	return false;
}

/* -- writing and read-only -- */

unsigned int
path_mntflags(const struct path *p)
{
	return p->p_mnt->vm_flags | p->p_mnt->vm_mount->mnt_flags;
}

int
path_writable(const struct path *p)
{
	return (path_mntflags(p) & MS_RDONLY) != 0 ? EROFS : 0;
}

int
mount_write_enter(const struct path *p)
{
	struct mount *mp = p->p_mnt->vm_mount;

	(void)atomic_add(&mp->mnt_writers, 1);
	if (path_writable(p) != 0) {
		(void)atomic_sub(&mp->mnt_writers, 1);
		return EROFS;
	}
	return 0;
}

void
mount_write_exit(const struct path *p)
{
	(void)atomic_sub(&p->p_mnt->vm_mount->mnt_writers, 1);
}

struct mount *
path_mount(const struct path *p)
{
	return p->p_mnt->vm_mount;
}

int
path_mntid(const struct path *p)
{
	return p->p_mnt->vm_id;
}

bool
path_is_mntroot(const struct path *p)
{
	return p->p_dentry == p->p_mnt->vm_root;
}

/* -- mount(2) -- */

/*
 * Towards read-only writers are kept out before the file system hears of it,
 * the other way after.  mount_mutex held.
 */
static int
remount_super(struct mount *mp, unsigned int flags, const char *data)
{
	unsigned int old = mp->mnt_flags;
	bool toro = (flags & ~old & MS_RDONLY) != 0;
	int error = 0;

	if (toro) {
		(void)atomic_or(&mp->mnt_flags, MS_RDONLY);
		if (atomic_load(&mp->mnt_writers) != 0)
			error = EBUSY;
		else if (mp->mnt_ops->vfs_sync != NULL)
			error = mp->mnt_ops->vfs_sync(mp);
	}
	if (error == 0 && mp->mnt_ops->vfs_remount != NULL)
		error = mp->mnt_ops->vfs_remount(mp, flags, data);
	else if (error == 0 && data[0] != '\0')
		error = EINVAL;
	atomic_store(&mp->mnt_flags, error == 0 ? flags & SB_FLAGS : old);
	return error;
}

/* Write it, and leave it clean unless somebody has files open for writing. */
static void
mount_shutdown(struct mount *mp)
{
	mount_sync(mp);
	mutex_enter(&mount_mutex);
	if ((mp->mnt_flags & MS_RDONLY) == 0 &&
	    mp->mnt_ops->vfs_remount != NULL)
		(void)remount_super(mp, mp->mnt_flags | MS_RDONLY, "");
	mutex_exit(&mount_mutex);
}

void
vfs_shutdown(void)
{
	for_each_mount(mount_shutdown);
}

static int
do_remount(const struct path *p, unsigned int flags, const char *data)
{
	struct vfsmount *m = p->p_mnt;
	struct mount *mp = m->vm_mount;
	unsigned int old;
	int error = 0;

	if (!path_is_mntroot(p))
		return EINVAL;
	mutex_enter(&mount_mutex);
	old = m->vm_flags;
	if ((flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME |
	    MS_STRICTATIME)) == 0)
		flags |= old & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME);
	if ((flags & MS_BIND) != 0) {
		atomic_store(&m->vm_flags, flags & VM_FLAGS);
		goto out;
	}
	error = remount_super(mp, flags, data);
	if (error == 0)
		atomic_store(&m->vm_flags, flags & VM_FLAGS);
out:
	mutex_exit(&mount_mutex);
	return error;
}

/* m or its copy goes on p: directories on directories.  [m] held. */
static int
attach_checked(struct vfsmount *m, const struct path *p)
{
	struct path at = *p;
	int error = 0;

	path_get(&at);
	path_follow_mounts(&at);	/* somebody may have been first */
	if (S_ISDIR(m->vm_root->d_vnode->v_mode) !=
	    S_ISDIR(path_vnode(&at)->v_mode))
		error = ENOTDIR;
	else if (dentry_deleted(at.p_dentry) || !at.p_mnt->vm_attached)
		error = ENOENT;
	else
		attach(m, &at);
	path_put(&at);
	return error;
}

/*
 * Detach all that is mounted below top, leaves first: each time the one that
 * nothing is mounted on.  put_gone() drops them once [m] is released.
 */
static void
detach_below(struct vfsmount *top, struct vfsmount_list *gone)
{
	struct vfsmount *m, *child;
	struct path at;

	for (m = top;;) {
		TAILQ_FOREACH(child, &mount_list, vm_list)
			if (child->vm_parent == m)
				break;
		if (child != NULL) {
			m = child;
			continue;
		}
		if (m == top)
			return;
		child = m;
		m = m->vm_parent;
		detach(child, &at);
		path_put(&at);
		TAILQ_INSERT_TAIL(gone, child, vm_list);
	}
}

static void
put_gone(struct vfsmount_list *gone)
{
	struct vfsmount *m;

	while ((m = TAILQ_FIRST(gone)) != NULL) {
		TAILQ_REMOVE(gone, m, vm_list);
		vfsmount_put(m);
	}
}

/* Copy to `copy` all mounts below src that its root shows.  [m] held. */
static int
copy_below(struct vfsmount *src, struct vfsmount *copy)
{
	struct vfsmount *m, *c, *last;
	struct path at;

	last = TAILQ_LAST(&mount_list, vfsmount_list);
	TAILQ_FOREACH(m, &mount_list, vm_list) {
		if (m->vm_parent == src && m != copy &&
		    dcache_is_ancestor(copy->vm_root, m->vm_point)) {
			c = vfsmount_alloc(m->vm_mount, m->vm_root,
			    m->vm_flags);
			if (c == NULL)
				return ENOMEM;
			at.p_mnt = copy;
			at.p_dentry = m->vm_point;
			attach(c, &at);
			if (copy_below(m, c) != 0)
				return ENOMEM;
		}
		if (m == last)
			break;
	}
	return 0;
}

static int
do_bind(struct lwp *l, const char *source, const struct path *to, bool rec)
{
	struct vfsmount_list gone = TAILQ_HEAD_INITIALIZER(gone);
	struct path from, at;
	struct vfsmount *m;
	int error;

	error = namei(l, NULL, source, LOOKUP_FOLLOW, &from);
	if (error != 0)
		return error;
	m = vfsmount_alloc(from.p_mnt->vm_mount, from.p_dentry,
	    from.p_mnt->vm_flags);
	if (m == NULL) {
		path_put(&from);
		return ENOMEM;
	}
	mutex_enter(&mount_mutex);
	if (!from.p_mnt->vm_attached)
		error = EINVAL;
	else
		error = attach_checked(m, to);
	if (error == 0 && rec && copy_below(from.p_mnt, m) != 0) {
		detach_below(m, &gone);
		detach(m, &at);
		path_put(&at);
		error = ENOMEM;
	}
	mutex_exit(&mount_mutex);
	put_gone(&gone);
	if (error != 0)
		vfsmount_put(m);
	path_put(&from);
	return error;
}

static int
do_move(struct lwp *l, const char *source, const struct path *to)
{
	struct vfsmount *m;
	struct path from, at;
	int error;

	error = namei(l, NULL, source, LOOKUP_FOLLOW, &from);
	if (error != 0)
		return error;
	m = from.p_mnt;
	mutex_enter(&mount_mutex);
	if (!path_is_mntroot(&from) || m->vm_parent == NULL ||
	    !m->vm_attached || !to->p_mnt->vm_attached)
		error = EINVAL;
	else if (mount_is_below(to->p_mnt, m))
		error = ELOOP;
	else if (S_ISDIR(m->vm_root->d_vnode->v_mode) !=
	    S_ISDIR(path_vnode(to)->v_mode))
		error = EINVAL;
	else {
		detach(m, &at);
		error = attach_checked(m, to);
		if (error != 0)
			attach(m, &at);
		path_put(&at);
	}
	mutex_exit(&mount_mutex);
	path_put(&from);
	return error;
}

static int
do_newmount(const char *source, const struct path *to, const char *fstype,
    unsigned int flags, const char *data)
{
	struct vfsmount *m;
	struct mount *mp;
	int error;

	error = mount_create(fstype, source, flags, data, &mp);
	if (error != 0)
		return error;
	m = vfsmount_alloc(mp, mp->mnt_rootd, flags);
	mount_put(mp);			/* the vfsmount has it now */
	if (m == NULL)
		return ENOMEM;
	mutex_enter(&mount_mutex);
	error = attach_checked(m, to);
	mutex_exit(&mount_mutex);
	if (error != 0)
		vfsmount_put(m);
	return error;
}

/*
 * mount(2).  Thread context.  EPERM; EINVAL for what there is none of here
 * (shared mounts, propagation types); the errors of the walk and of the file
 * system.
 */
int
do_mount(struct lwp *l, const char *source, const char *target,
    const char *fstype, unsigned long flags, const char *data)
{
	const unsigned long types = MS_SHARED | MS_PRIVATE | MS_SLAVE |
	    (1UL << 17);
	struct path to;
	int error;

	if ((flags & 0xffff0000) == 0xc0ed0000)
		flags &= 0xffff;	/* the magic of old programs */
	error = namei(l, NULL, target, LOOKUP_FOLLOW, &to);
	if (error != 0)
		return error;
	error = cred_capable(l->l_cred, CAP_SYS_ADMIN);
	if (error != 0)
		goto out;
	if (data == NULL)
		data = "";
	if ((flags & MS_REMOUNT) != 0)
		error = do_remount(&to, (unsigned int)flags, data);
	else if ((flags & MS_BIND) != 0)
		error = source == NULL || source[0] == '\0' ? EINVAL :
		    do_bind(l, source, &to, (flags & MS_REC) != 0);
	else if ((flags & types) != 0)
		/* Private, and a slave without a master, is what all are. */
		error = !path_is_mntroot(&to) ||
		    (flags & types & ~(MS_PRIVATE | MS_SLAVE)) != 0 ?
		    EINVAL : 0;
	else if ((flags & MS_MOVE) != 0)
		error = source == NULL || source[0] == '\0' ? EINVAL :
		    do_move(l, source, &to);
	else if (fstype == NULL)
		error = EINVAL;
	else
		error = do_newmount(source != NULL && source[0] != '\0' ?
		    source : "none", &to, fstype, (unsigned int)flags, data);
out:
	path_put(&to);
	return error;
}

/*
 * umount2(2).  EBUSY: somebody uses it; EAGAIN: MNT_EXPIRE's first call;
 * EINVAL: it is no mount point, or the root.
 */
int
do_umount(struct lwp *l, const char *target, int flags)
{
	struct vfsmount_list gone = TAILQ_HEAD_INITIALIZER(gone);
	struct path p, at;
	struct vfsmount *m;
	int error;

	if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE |
	    UMOUNT_NOFOLLOW)) != 0)
		return EINVAL;
	error = namei(l, NULL, target,
	    (flags & UMOUNT_NOFOLLOW) != 0 ? 0 : LOOKUP_FOLLOW, &p);
	if (error != 0)
		return error;
	m = p.p_mnt;
	mutex_enter(&mount_mutex);
	error = cred_capable(l->l_cred, CAP_SYS_ADMIN);
	if (error != 0)
		goto out;
	error = EINVAL;
	if (!path_is_mntroot(&p) || !m->vm_attached || m->vm_parent == NULL ||
	    ((flags & MNT_EXPIRE) != 0 && (flags & (MNT_FORCE | MNT_DETACH))))
		goto out;
	if ((flags & MNT_DETACH) != 0) {
		detach_below(m, &gone);
		detach(m, &at);
	} else {
		/* Two references: the tree's, and our path's. */
		error = atomic_load(&m->vm_ref) > 2 ? EBUSY : 0;
		if (error == 0 && (flags & MNT_EXPIRE) != 0 &&
		    !m->vm_expiry) {
			m->vm_expiry = true;
			error = EAGAIN;
		}
		if (error == 0)
			error = detach_unless_busy(m, 2, &at);
		if (error != 0)
			goto out;
	}
	TAILQ_INSERT_TAIL(&gone, m, vm_list);
	mutex_exit(&mount_mutex);
	path_put(&at);
	path_put(&p);
	put_gone(&gone);
	return 0;
out:
	mutex_exit(&mount_mutex);
	path_put(&p);
	return error;
}

/* -- pivot_root(2) -- */

/* Whoever has `from` as its root or working directory gets `to`. */
static void
move_process_roots(const struct path *from, const struct path *to)
{
	struct cwdinfo *c;
	struct proc *p;
	unsigned int drop = 0;

	rw_enter(&proctree_lock, RW_READER);
	LIST_FOREACH(p, &allproc, p_all) {
		spin_enter(&p->p_lock);
		c = p->p_cwdi;
		if (c != NULL) {
			spin_enter(&c->cwd_lock);
			if (path_equal(&c->cwd_root, from)) {
				c->cwd_root = *to;
				path_get(&c->cwd_root);
				drop++;
			}
			if (path_equal(&c->cwd_cwd, from)) {
				c->cwd_cwd = *to;
				path_get(&c->cwd_cwd);
				drop++;
			}
			spin_exit(&c->cwd_lock);
		}
		spin_exit(&p->p_lock);
	}
	rw_exit(&proctree_lock);
	/* The caller's own reference to `from` keeps it meanwhile. */
	while (drop-- > 0) {
		struct path p2 = *from;

		path_put(&p2);
	}
}

static int
pivot_locked(const struct path *new, const struct path *old,
    const struct path *root)
{
	struct vfsmount *nm = new->p_mnt, *rm = root->p_mnt;
	struct path at, newat;

	if (!path_is_mntroot(new) || !path_is_mntroot(root) ||
	    nm->vm_parent == NULL || rm->vm_parent == NULL ||
	    !nm->vm_attached || !rm->vm_attached)
		return EINVAL;
	if (nm == rm || old->p_mnt == rm)
		return EBUSY;
	/* put_old is at or below new_root, and new_root below the root. */
	if (!mount_is_below(old->p_mnt, nm) || !mount_is_below(nm, rm))
		return EINVAL;
	if (dentry_deleted(new->p_dentry) || dentry_deleted(old->p_dentry))
		return ENOENT;
	detach(nm, &newat);
	detach(rm, &at);
	attach(nm, &at);
	attach(rm, old);
	path_put(&newat);
	path_put(&at);
	return 0;
}

/*
 * new_root becomes the root, the old one is put on put_old.  EINVAL on the
 * first root file system, as on Linux: move and chroot there instead.
 */
int
do_pivot_root(struct lwp *l, const char *newroot, const char *putold)
{
	struct path new, old, root;
	int error;

	error = cred_capable(l->l_cred, CAP_SYS_ADMIN);
	if (error != 0)
		return error;
	error = namei(l, NULL, newroot, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (error != 0)
		return error;
	error = namei(l, NULL, putold, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (error != 0)
		goto out_new;
	cwd_get_root(l, &root);
	mutex_enter(&mount_mutex);
	error = pivot_locked(&new, &old, &root);
	mutex_exit(&mount_mutex);
	if (error == 0)
		move_process_roots(&root, &new);
	path_put(&root);
	path_put(&old);
out_new:
	path_put(&new);
	return error;
}

/* -- the tables in /proc -- */

struct mounts_out {
	void	(*out)(void *, const char *, size_t);
	void	*ctx;
};

static void
put(struct mounts_out *o, const char *s)
{
	o->out(o->ctx, s, strlen(s));
}

/* A name with the blanks and backslashes in octal. */
static void
put_escaped(struct mounts_out *o, const char *s)
{
	char esc[5];

	for (; *s != '\0'; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\' ||
		    *s == '#') {
			snprintf(esc, sizeof(esc), "\\%03o", *s & 0xff);
			put(o, esc);
		} else {
			o->out(o->ctx, s, 1);
		}
	}
}

static void
put_flags(struct mounts_out *o, unsigned int flags)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" },
		{ MS_NOEXEC, ",noexec" }, { MS_NOATIME, ",noatime" },
		{ MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
	};
	size_t i;

	put(o, (flags & MS_RDONLY) != 0 ? "ro" : "rw");
	for (i = 0; i < __arraycount(names); i++)
		if ((flags & names[i].flag) != 0)
			put(o, names[i].name);
}

static void
put_sbflags(struct mounts_out *o, struct mount *mp, char *buf, size_t len)
{
	if ((mp->mnt_flags & MS_SYNCHRONOUS) != 0)
		put(o, ",sync");
	if ((mp->mnt_flags & MS_DIRSYNC) != 0)
		put(o, ",dirsync");
	if ((mp->mnt_flags & MS_MANDLOCK) != 0)
		put(o, ",mand");
	if (mp->mnt_ops->vfs_showopts != NULL) {
		buf[0] = '\0';
		mp->mnt_ops->vfs_showopts(mp, buf, len);
		put(o, buf);
	}
}

static void
format_mount(struct mounts_out *o, struct vfsmount *m, enum mounts_format how,
    const char *where, char *buf, size_t len)
{
	struct mount *mp = m->vm_mount;
	char num[64];

	switch (how) {
	case MOUNTS_MOUNTS:
		put_escaped(o, mp->mnt_source);
		put(o, " ");
		put_escaped(o, where);
		put(o, " ");
		put(o, mp->mnt_ops->vfs_name);
		put(o, " ");
		put_flags(o, m->vm_flags | mp->mnt_flags);
		put_sbflags(o, mp, buf, len);
		put(o, " 0 0\n");
		break;
	case MOUNTS_MOUNTINFO:
		snprintf(num, sizeof(num), "%d %d %u:%u ", m->vm_id,
		    m->vm_parent == NULL ? 1 : m->vm_parent->vm_id,
		    major(mp->mnt_dev), minor(mp->mnt_dev));
		put(o, num);
		/* The part of the file system that is seen here. */
		if (dentry_name(m->vm_root, buf, len) != 0)
			strlcpy(buf, "/", len);
		put_escaped(o, buf);
		put(o, " ");
		put_escaped(o, where);
		put(o, " ");
		put_flags(o, m->vm_flags);
		put(o, " - ");
		put(o, mp->mnt_ops->vfs_name);
		put(o, " ");
		put_escaped(o, mp->mnt_source);
		put(o, (mp->mnt_flags & MS_RDONLY) != 0 ? " ro" : " rw");
		put_sbflags(o, mp, buf, len);
		put(o, "\n");
		break;
	case MOUNTS_MOUNTSTATS:
		put(o, "device ");
		put_escaped(o, mp->mnt_source);
		put(o, " mounted on ");
		put_escaped(o, where);
		put(o, " with fstype ");
		put(o, mp->mnt_ops->vfs_name);
		put(o, "\n");
		break;
	}
}

int
vfs_mounts_format(const struct path *root, enum mounts_format how,
    void (*out)(void *, const char *, size_t), void *ctx)
{
	struct mounts_out o = { out, ctx };
	struct vfsmount *m;
	struct path at;
	char *where, *buf;
	int error;

	where = kmem_alloc(2 * MAXPATHLEN, KM_SLEEP);
	if (where == NULL)
		return ENOMEM;
	buf = where + MAXPATHLEN;
	mutex_enter(&mount_mutex);
	TAILQ_FOREACH(m, &mount_list, vm_list) {
		at.p_mnt = m;
		at.p_dentry = m->vm_root;
		error = path_name(&at, root, where, MAXPATHLEN);
		if (error != 0 || where[0] != '/')
			continue;	/* outside of that root */
		format_mount(&o, m, how, where, buf, MAXPATHLEN);
	}
	mutex_exit(&mount_mutex);
	kmem_free(where, 2 * MAXPATHLEN);
	return 0;
}

void
vfs_filesystems_format(void (*out)(void *, const char *, size_t), void *ctx)
{
	const struct vfsops *const *vp;
	struct mounts_out o = { out, ctx };

	SET_FOREACH(vp, vfs_list) {
		put(&o, ((*vp)->vfs_flags & VFS_NODEVSRC) != 0 ? "nodev\t" :
		    "\t");
		put(&o, (*vp)->vfs_name);
		put(&o, "\n");
	}
}
