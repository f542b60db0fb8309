/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: a directory with a device node for each pseudo-terminal that is in
 * use, and `ptmx`, which makes another one.
 *
 * Overview: each mount is an instance of its own, as on Linux since 4.7.  The
 * numbers of terminals are those of the driver, so that no two instances have
 * the same.  A node is in the instance's list as long as its master is open;
 * its vnode, made when it is looked up, may outlive that.
 *
 * Locking: dp_lock for the list; a node's attributes are under the v_lock of
 * its vnode, of which there is one at a time (dn_vnode, dp_lock).
 *
 * Untrusted input: the option string of mount(2).
 */
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vnode.h>
#include <fs/devpts/devpts.h>

#define	DEVPTS_SUPER_MAGIC	0x1cd1
#define	INDEX_PTMX		(~0U)
#define	INDEX_ROOT		(~0U - 1)
#define	INO_ROOT		1
#define	INO_PTMX		2
#define	INO_FIRST		3

struct devpts_node {
	LIST_ENTRY(devpts_node) dn_link;	/* [l] */
	refcount_t	dn_ref;			/* [a] list and vnode */
	unsigned int	dn_index;		/* [I] */
	struct vnode	*dn_vnode;		/* [l] not referenced */
	mode_t		dn_mode;		/* [v] */
	uid_t		dn_uid;			/* [v] */
	gid_t		dn_gid;			/* [v] */
	nsec_t		dn_atime, dn_mtime, dn_ctime;	/* [v] */
	bool		dn_gone;		/* [l] its master is closed */
};

struct devpts {
	refcount_t	dp_ref;			/* [a] */
	struct mutex	dp_lock;
	LIST_HEAD(, devpts_node) dp_nodes;	/* [l] */
	struct devpts_node dp_root, dp_ptmx;
	mode_t		dp_mode, dp_ptmxmode;	/* [l] options */
	uid_t		dp_uid;			/* [l] */
	gid_t		dp_gid;			/* [l] */
	bool		dp_setuid, dp_setgid;	/* [l] */
};

static const struct vfsops devpts_vfsops;
static const struct vops devpts_vops;

static struct devpts *
instance(const struct mount *mp)
{
	return mp->mnt_data;
}

/* ---- instances, for the driver ---- */

void
devpts_put(struct devpts *dp)
{
	if (!refcount_put(&dp->dp_ref))
		return;
	KASSERT(LIST_EMPTY(&dp->dp_nodes));
	mutex_destroy(&dp->dp_lock);
	kmem_free(dp, sizeof(*dp));
}

int
devpts_find(struct lwp *l, const struct path *ptmx, struct devpts **dpp,
    struct path *root)
{
	struct path dir;
	int error;

	error = path_sibling(l, ptmx,
	    path_mount(ptmx)->mnt_ops == &devpts_vfsops ? "." : "pts", &dir);
	if (error != 0)
		return error == ENOMEM ? error : ENODEV;
	if (path_mount(&dir)->mnt_ops != &devpts_vfsops) {
		path_put(&dir);
		return ENODEV;
	}
	*dpp = instance(path_mount(&dir));
	refcount_get(&(*dpp)->dp_ref);
	if (root != NULL)
		*root = dir;
	else
		path_put(&dir);
	return 0;
}

static void
node_init(struct devpts_node *dn, unsigned int index, mode_t mode)
{
	dn->dn_ref = 1;
	dn->dn_index = index;
	dn->dn_mode = mode;
	dn->dn_atime = dn->dn_mtime = dn->dn_ctime = nanotime();
}

/* Root and ptmx are parts of the instance: nobody counts them. */
static void
node_put(struct devpts_node *dn)
{
	if (dn->dn_index < INDEX_ROOT && refcount_put(&dn->dn_ref))
		kmem_free(dn, sizeof(*dn));
}

int
devpts_enter(struct devpts *dp, unsigned int index, const struct cred *cr)
{
	struct devpts_node *dn;

	dn = kmem_zalloc(sizeof(*dn), KM_SLEEP);
	if (dn == NULL)
		return ENOMEM;
	mutex_enter(&dp->dp_lock);
	node_init(dn, index, S_IFCHR | dp->dp_mode);
	dn->dn_uid = dp->dp_setuid ? dp->dp_uid : cr->cr_fsuid;
	dn->dn_gid = dp->dp_setgid ? dp->dp_gid : cr->cr_fsgid;
	LIST_INSERT_HEAD(&dp->dp_nodes, dn, dn_link);
	mutex_exit(&dp->dp_lock);
	return 0;
}

static struct devpts_node *
node_find(struct devpts *dp, unsigned int index)
{
	struct devpts_node *dn;

	LIST_FOREACH(dn, &dp->dp_nodes, dn_link)
		if (dn->dn_index == index)
			return dn;
	return NULL;
}

void
devpts_remove(struct devpts *dp, unsigned int index)
{
	struct devpts_node *dn;

	mutex_enter(&dp->dp_lock);
	dn = node_find(dp, index);
	KASSERT(dn != NULL);
	LIST_REMOVE(dn, dn_link);
	dn->dn_gone = true;
	mutex_exit(&dp->dp_lock);
	node_put(dn);
}

/* ---- vnodes ---- */

static int
node_vnode(struct mount *mp, struct devpts_node *dn, struct vnode **vpp)
{
	struct vnode *vp;
	int error;

	error = vnode_alloc(mp, &devpts_vops, dn, &vp);
	if (error != 0)
		return error;
	vp->v_mode = dn->dn_mode;
	vp->v_uid = dn->dn_uid;
	vp->v_gid = dn->dn_gid;
	vp->v_ino = dn->dn_index == INDEX_ROOT ? INO_ROOT :
	    dn->dn_index == INDEX_PTMX ? INO_PTMX : INO_FIRST + dn->dn_index;
	if (dn->dn_index == INDEX_PTMX)
		vp->v_rdev = makedev(5, 2);
	else if (dn->dn_index != INDEX_ROOT)
		vp->v_rdev = makedev(PTS_MAJOR, dn->dn_index);
	*vpp = vp;
	return 0;
}

/* "0", "17": EINVAL for what a number is not written like. */
static int
parse_index(const char *name, size_t len, unsigned int *index)
{
	unsigned int v = 0;
	size_t i;

	if (len == 0 || len > 7 || (name[0] == '0' && len > 1))
		return EINVAL;
	for (i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return EINVAL;
		v = v * 10 + (unsigned int)(name[i] - '0');
	}
	*index = v;
	return 0;
}

static int
devpts_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct devpts *dp = instance(dvp->v_mount);
	struct devpts_node *dn = NULL;
	unsigned int index;
	int error = 0;

	mutex_enter(&dp->dp_lock);
	if (len == 4 && memcmp(name, "ptmx", 4) == 0)
		dn = &dp->dp_ptmx;
	else if (parse_index(name, len, &index) == 0)
		dn = node_find(dp, index);
	if (dn == NULL) {
		error = ENOENT;
	} else if (dn->dn_vnode != NULL && vref_tryget(dn->dn_vnode)) {
		*vpp = dn->dn_vnode;
	} else {
		error = node_vnode(dvp->v_mount, dn, vpp);
		if (error == 0) {
			dn->dn_vnode = *vpp;
			if (dn->dn_index < INDEX_ROOT)
				refcount_get(&dn->dn_ref);
		}
	}
	mutex_exit(&dp->dp_lock);
	return error;
}

static bool
devpts_revalidate(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	const struct devpts_node *dn;

	(void)dvp;
	(void)name;
	(void)len;
	if (vp == NULL)
		return false;		/* it may be there by now */
	dn = vp->v_data;
	return !dn->dn_gone;
}

/* The lowest index at or above `from`. */
static struct devpts_node *
node_next(struct devpts *dp, unsigned int from)
{
	struct devpts_node *dn, *best = NULL;

	LIST_FOREACH(dn, &dp->dp_nodes, dn_link)
		if (dn->dn_index >= from &&
		    (best == NULL || dn->dn_index < best->dn_index))
			best = dn;
	return best;
}

#define	COOKIE_NODES	3		/* + index: the next to list */

static int
devpts_readdir(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	static const char *const fixed[] = { ".", "..", "ptmx" };
	struct devpts *dp = instance(dvp->v_mount);
	struct devpts_node *dn;
	char name[12];
	off_t c;
	int len;

	for (c = *cookie; c < COOKIE_NODES; c++) {
		if (!fn(ctx, fixed[c], strlen(fixed[c]),
		    c < 2 ? INO_ROOT : INO_PTMX,
		    (c < 2 ? S_IFDIR : S_IFCHR) >> 12, c + 1))
			return 0;
		*cookie = c + 1;
	}
	mutex_enter(&dp->dp_lock);
	while (*cookie < INT32_MAX && (dn = node_next(dp,
	    (unsigned int)(*cookie - COOKIE_NODES))) != NULL) {
		len = snprintf(name, sizeof(name), "%u", dn->dn_index);
		c = COOKIE_NODES + (off_t)dn->dn_index + 1;
		if (!fn(ctx, name, (size_t)len, INO_FIRST + dn->dn_index,
		    S_IFCHR >> 12, c))
			break;
		*cookie = c;
	}
	mutex_exit(&dp->dp_lock);
	return 0;
}

static int
devpts_getattr(struct vnode *vp, struct stat_k *st)
{
	const struct devpts_node *dn = vp->v_data;

	st->st_nlink = S_ISDIR(vp->v_mode) ? 2 : 1;
	st->st_blksize = 1024;
	st->st_atim = nsec_to_timespec(dn->dn_atime);
	st->st_mtim = nsec_to_timespec(dn->dn_mtime);
	st->st_ctim = nsec_to_timespec(dn->dn_ctime);
	return 0;
}

static int
devpts_setattr(struct vnode *vp, const struct setattr *sa, struct cred *cr)
{
	struct devpts_node *dn = vp->v_data;
	nsec_t now = nanotime();

	(void)cr;
	if ((sa->sa_valid & SETATTR_MODE) != 0)
		vp->v_mode = dn->dn_mode = (vp->v_mode & S_IFMT) |
		    (sa->sa_mode & ALLPERMS);
	if ((sa->sa_valid & SETATTR_UID) != 0)
		vp->v_uid = dn->dn_uid = sa->sa_uid;
	if ((sa->sa_valid & SETATTR_GID) != 0)
		vp->v_gid = dn->dn_gid = sa->sa_gid;
	if ((sa->sa_valid & SETATTR_ATIME) != 0)
		(void)timespec_to_nsec(&sa->sa_atim, &dn->dn_atime);
	if ((sa->sa_valid & SETATTR_MTIME) != 0)
		(void)timespec_to_nsec(&sa->sa_mtim, &dn->dn_mtime);
	dn->dn_ctime = now;
	return 0;
}

static void
devpts_reclaim(struct vnode *vp)
{
	struct devpts *dp = instance(vp->v_mount);
	struct devpts_node *dn = vp->v_data;

	mutex_enter(&dp->dp_lock);
	if (dn->dn_vnode == vp)
		dn->dn_vnode = NULL;
	mutex_exit(&dp->dp_lock);
	node_put(dn);
}

static const struct vops devpts_vops = {
	.vop_lookup = devpts_lookup,
	.vop_readdir = devpts_readdir,
	.vop_getattr = devpts_getattr,
	.vop_setattr = devpts_setattr,
	.vop_revalidate = devpts_revalidate,
	.vop_reclaim = devpts_reclaim,
};

/* ---- mounting ---- */

/* One "key=value" or "key" of the options. */
static int
parse_option(struct devpts *dp, char *opt)
{
	char *val = strchr(opt, '=');
	uint32_t v = 0;
	int error = 0;

	if (val != NULL)
		*val++ = '\0';
	if (strcmp(opt, "newinstance") == 0 || strcmp(opt, "rw") == 0 ||
	    strcmp(opt, "ro") == 0)
		return val == NULL ? 0 : EINVAL;
	if (val == NULL)
		return EINVAL;
	if (strcmp(opt, "mode") == 0 || strcmp(opt, "ptmxmode") == 0)
		error = kstrtou32(val, 8, &v);
	else
		error = kstrtou32(val, 10, &v);
	if (error != 0)
		return EINVAL;
	if (strcmp(opt, "mode") == 0) {
		dp->dp_mode = v & ALLPERMS;
	} else if (strcmp(opt, "ptmxmode") == 0) {
		dp->dp_ptmxmode = v & ALLPERMS;
	} else if (strcmp(opt, "uid") == 0) {
		dp->dp_uid = v;
		dp->dp_setuid = true;
	} else if (strcmp(opt, "gid") == 0) {
		dp->dp_gid = v;
		dp->dp_setgid = true;
	} else if (strcmp(opt, "max") != 0) {
		return EINVAL;
	}
	return 0;
}

/* As on Linux each mount or remount starts from the defaults. */
static int
parse_options(struct devpts *dp, const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy, *opt, *next;
	int error = 0;

	copy = kmem_strdup(text, KM_SLEEP);
	if (copy == NULL)
		return ENOMEM;
	dp->dp_mode = 0600;
	dp->dp_ptmxmode = 0;
	dp->dp_setuid = dp->dp_setgid = false;
	for (opt = copy; opt != NULL && error == 0; opt = next) {
		next = strchr(opt, ',');
		if (next != NULL)
			*next++ = '\0';
		if (*opt != '\0')
			error = parse_option(dp, opt);
	}
	kmem_free(copy, len);		/* it is in pieces now */
	return error;
}

static int
devpts_mount(struct mount *mp, const char *source, const char *options)
{
	struct devpts *dp;
	int error;

	(void)source;
	dp = kmem_zalloc(sizeof(*dp), KM_SLEEP);
	if (dp == NULL)
		return ENOMEM;
	dp->dp_ref = 1;
	mutex_init(&dp->dp_lock, "devpts");
	LIST_INIT(&dp->dp_nodes);
	error = parse_options(dp, options);
	node_init(&dp->dp_root, INDEX_ROOT, S_IFDIR | 0755);
	node_init(&dp->dp_ptmx, INDEX_PTMX, S_IFCHR | dp->dp_ptmxmode);
	mp->mnt_data = dp;
	if (error == 0)
		error = node_vnode(mp, &dp->dp_root, &mp->mnt_rootvp);
	if (error != 0)
		devpts_put(dp);
	return error;
}

static int
devpts_unmount(struct mount *mp, bool force)
{
	(void)force;
	devpts_put(instance(mp));
	return 0;
}

static int
devpts_remount(struct mount *mp, unsigned int flags __unused,
    const char *options)
{
	struct devpts *dp = instance(mp);
	struct vnode *vp;
	int error;

	mutex_enter(&dp->dp_lock);
	error = parse_options(dp, options);
	if (error == 0) {
		dp->dp_ptmx.dn_mode = S_IFCHR | dp->dp_ptmxmode;
		vp = dp->dp_ptmx.dn_vnode;
		if (vp != NULL)
			vp->v_mode = dp->dp_ptmx.dn_mode;
	}
	mutex_exit(&dp->dp_lock);
	return error;
}

static int
devpts_statfs(struct mount *mp, struct statfs_k *sf)
{
	(void)mp;
	sf->f_type = DEVPTS_SUPER_MAGIC;
	return 0;
}

static void
devpts_showopts(struct mount *mp, char *buf, size_t len)
{
	struct devpts *dp = instance(mp);
	size_t n = 0;

	if (dp->dp_setuid)
		n += (size_t)scnprintf(buf + n, len - n, ",uid=%u",
		    dp->dp_uid);
	if (dp->dp_setgid)
		n += (size_t)scnprintf(buf + n, len - n, ",gid=%u",
		    dp->dp_gid);
	(void)scnprintf(buf + n, len - n, ",mode=%03o,ptmxmode=%03o",
	    dp->dp_mode, dp->dp_ptmxmode);
}

static const struct vfsops devpts_vfsops = {
	.vfs_name = "devpts",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = devpts_mount,
	.vfs_unmount = devpts_unmount,
	.vfs_statfs = devpts_statfs,
	.vfs_remount = devpts_remount,
	.vfs_showopts = devpts_showopts,
};
VFS_REGISTER(devpts_vfsops);
