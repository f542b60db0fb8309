/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: mounting.
 *
 * lowerdir=TOP:...:BOTTOM[,upperdir=DIR,workdir=DIR]: without an upper one the
 * overlay is read-only.  The layers are kept busy by references to their paths.
 */
#include <sys/errno.h>
#include <fs/overlay/overlay.h>

#define	OVERLAY_MAGIC	0x794c7630

static struct cred root_cred = { .cr_ref = 1, .cr_cap_effective = CAP_ALL };

static int
find_dir(const char *name, struct path *p)
{
	return name[0] == '\0' ? EINVAL : namei(curlwp, NULL, name,
	    LOOKUP_FOLLOW | LOOKUP_DIRECTORY, p);
}

static int
add_lowers(struct overlay_mount *om, const char *list)
{
	char *copy = kmem_strdup(list, KM_SLEEP), *p, *next;
	size_t len = strlen(list) + 1;
	int error = 0;

	if (copy == NULL)
		return ENOMEM;
	for (p = copy; p != NULL && error == 0; p = next) {
		next = strchr(p, ':');
		if (next != NULL)
			*next++ = '\0';
		if (om->om_nlower == OVERLAY_LAYERS)
			error = EINVAL;
		else
			error = find_dir(p, &om->om_lower[om->om_nlower]);
		if (error == 0)
			om->om_nlower++;
	}
	kmem_free(copy, len);
	return error;
}

static int
option(void *ctx, const char *key, const char *value)
{
	static const char *const ignored[] = {
		"ro", "rw", "defaults", "index", "metacopy", "redirect_dir",
		"xino", "nfs_export", "volatile", "userxattr", "uuid",
	};
	struct overlay_mount *om = ctx;

	if (strcmp(key, "lowerdir") == 0)
		return om->om_nlower > 0 ? EINVAL : add_lowers(om, value);
	if (strcmp(key, "upperdir") == 0)
		return om->om_upper.p_dentry != NULL ? EINVAL :
		    find_dir(value, &om->om_upper);
	if (strcmp(key, "workdir") == 0)
		return om->om_workdir.p_dentry != NULL ? EINVAL :
		    find_dir(value, &om->om_workdir);
	if (!mount_option_in(key, ignored, __arraycount(ignored)))
		return EINVAL;
	/* What would be another format of the layers. */
	return strcmp(value, "") == 0 || strcmp(value, "off") == 0 ||
	    strcmp(value, "nofollow") == 0 || strcmp(value, "auto") == 0 ||
	    strcmp(value, "null") == 0 ? 0 : EINVAL;
}

/* workdir/work, which is made if it is not there. */
static int
open_work(struct overlay_mount *om)
{
	struct vnode *dvp = path_vnode(&om->om_workdir);
	int error;

	error = overlay_real_lookup(dvp, "work", 4, &om->om_workvp);
	if (error != ENOENT)
		return error != 0 || S_ISDIR(om->om_workvp->v_mode) ? error :
		    EINVAL;
	if (dvp->v_ops->vop_mkdir == NULL)
		return EROFS;
	rw_enter(&dvp->v_lock, RW_WRITER);
	(void)atomic_or(&dvp->v_flags, VV_NOCACHE);
	error = dvp->v_ops->vop_mkdir(dvp, "work", 4, S_IFDIR | 0700,
	    &root_cred, &om->om_workvp);
	rw_exit(&dvp->v_lock);
	return error;
}

static int
check_layers(struct overlay_mount *om)
{
	bool up = om->om_upper.p_dentry != NULL;
	bool work = om->om_workdir.p_dentry != NULL;

	if (om->om_nlower == 0 || up != work) {
		printf("overlay: %s is missing\n", om->om_nlower == 0 ?
		    "lowerdir=" : up ? "workdir=" : "upperdir=");
		return EINVAL;
	}
	om->om_hasupper = up;
	if (!up)
		return 0;
	if (path_mount(&om->om_upper) != path_mount(&om->om_workdir) ||
	    path_vnode(&om->om_upper) == path_vnode(&om->om_workdir)) {
		printf("overlay: workdir must be another directory of "
		    "upperdir's file system\n");
		return EINVAL;
	}
	if (path_writable(&om->om_upper) != 0)
		return EROFS;
	return open_work(om);
}

static int
open_root(struct overlay_mount *om)
{
	struct vnode *lowers[OVERLAY_LAYERS];
	unsigned int i;

	for (i = 0; i < om->om_nlower; i++)
		lowers[i] = vref(path_vnode(&om->om_lower[i]));
	return overlay_node_get(om, NULL, "", 0, om->om_hasupper ?
	    vref(path_vnode(&om->om_upper)) : NULL, lowers, om->om_nlower, 0,
	    &om->om_root);
}

static uint64_t
key(const struct vnode *vp)
{
	const struct overlay_node *on = OVERLAY_NODE(vp);

	return (uintptr_t)(on->on_upper != NULL ? on->on_upper :
	    on->on_lowers[0]);
}

static void
mount_free(struct overlay_mount *om)
{
	unsigned int i;

	if (om->om_workvp != NULL)
		vrele(om->om_workvp);
	for (i = 0; i < om->om_nlower; i++)
		path_put(&om->om_lower[i]);
	if (om->om_upper.p_dentry != NULL)
		path_put(&om->om_upper);
	if (om->om_workdir.p_dentry != NULL)
		path_put(&om->om_workdir);
	if (om->om_options != NULL)
		kmem_strfree(om->om_options);
	vntable_fini(&om->om_table);
	mutex_destroy(&om->om_work);
	kmem_free(om, sizeof(*om));
}

static int
overlay_mount(struct mount *mp, const char *source __unused,
    const char *options)
{
	struct overlay_mount *om = kmem_zalloc(sizeof(*om), KM_SLEEP);
	int error;

	if (om == NULL)
		return ENOMEM;
	if (vntable_init(&om->om_table, key) != 0) {
		kmem_free(om, sizeof(*om));
		return ENOMEM;
	}
	mutex_init(&om->om_work, "overlay_work");
	om->om_mp = mp;
	mp->mnt_data = om;
	om->om_options = kmem_strdup(options, KM_SLEEP);
	error = om->om_options == NULL ? ENOMEM :
	    mount_options(options, option, om);
	if (error == 0)
		error = check_layers(om);
	if (error == 0)
		error = open_root(om);
	if (error != 0) {
		mount_free(om);
		mp->mnt_data = NULL;
		return error;
	}
	if (!om->om_hasupper)
		(void)atomic_or(&mp->mnt_flags, MS_RDONLY);
	mp->mnt_rootvp = vref(om->om_root);
	return 0;
}

static int
overlay_unmount(struct mount *mp, bool force __unused)
{
	struct overlay_mount *om = OVERLAY_MOUNT(mp);

	vrele(om->om_root);
	mount_free(om);
	mp->mnt_data = NULL;
	return 0;
}

/* Where new files would go. */
static struct mount *
top_mount(struct overlay_mount *om)
{
	return path_mount(om->om_hasupper ? &om->om_upper : &om->om_lower[0]);
}

static int
overlay_statfs(struct mount *mp, struct statfs_k *sf)
{
	struct mount *top = top_mount(OVERLAY_MOUNT(mp));
	int error;

	error = top->mnt_ops->vfs_statfs == NULL ? 0 :
	    top->mnt_ops->vfs_statfs(top, sf);
	sf->f_type = OVERLAY_MAGIC;
	return error;
}

static int
overlay_sync(struct mount *mp)
{
	struct overlay_mount *om = OVERLAY_MOUNT(mp);
	struct mount *top = top_mount(om);

	return !om->om_hasupper || top->mnt_ops->vfs_sync == NULL ? 0 :
	    top->mnt_ops->vfs_sync(top);
}

static int
overlay_remount(struct mount *mp, unsigned int flags,
    const char *options __unused)
{
	if ((flags & MS_RDONLY) == 0 && !OVERLAY_MOUNT(mp)->om_hasupper)
		return EROFS;
	return 0;
}

static void
overlay_showopts(struct mount *mp, char *buf, size_t len)
{
	(void)scnprintf(buf, len, ",%s", OVERLAY_MOUNT(mp)->om_options);
}

static const struct vfsops overlay_vfsops = {
	.vfs_name = "overlay",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = overlay_mount,
	.vfs_unmount = overlay_unmount,
	.vfs_statfs = overlay_statfs,
	.vfs_sync = overlay_sync,
	.vfs_remount = overlay_remount,
	.vfs_showopts = overlay_showopts,
};
VFS_REGISTER(overlay_vfsops);
