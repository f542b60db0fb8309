/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devtmpfs: a tmpfs in which the kernel makes the nodes of its devices.
 *
 * Overview: mounting fills the new file system with a node for every registered
 * device; devices that come or go later are added or removed by a hook in the
 * device registry.  Everything else - directories, links, nodes and modes that
 * user space changes - is tmpfs's business and stays as user space made it.
 *
 * Locking: devtmpfs_lock guards the list of mounts; nodes are made with the
 * directory's v_lock held, like any system call does.
 */
#include <sys/dev.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <fs/tmpfs/tmpfs.h>

struct devmount {
	LIST_ENTRY(devmount) dm_link;
	struct mount	*dm_mount;
};

static struct spinlock devtmpfs_once = SPINLOCK_INITIALIZER("devtmpfs");
static struct mutex devtmpfs_lock;
static bool devtmpfs_ready;
static LIST_HEAD(, devmount) devtmpfs_mounts =
    LIST_HEAD_INITIALIZER(devtmpfs_mounts);	/* [l] */

/* The directory of that name, made if it is not there; *vpp referenced. */
static int
enter_dir(struct vnode *dvp, const char *name, size_t len, struct vnode **vpp)
{
	int error;

	rw_enter(&dvp->v_lock, RW_WRITER);
	error = dvp->v_ops->vop_lookup(dvp, name, len, vpp);
	if (error == ENOENT)
		error = dvp->v_ops->vop_mkdir(dvp, name, len, S_IFDIR | 0755,
		    cred_kernel, vpp);
	rw_exit(&dvp->v_lock);
	if (error != 0)
		return error;
	/* Names come up here without the name cache being told. */
	(*vpp)->v_flags |= VV_NOCACHE;
	if (S_ISDIR((*vpp)->v_mode))
		return 0;
	vrele(*vpp);
	return ENOTDIR;
}

/* The directory a device's name is in, and its last component. */
static int
walk(struct mount *mp, const char *name, struct vnode **dirp,
    const char **last)
{
	struct vnode *dvp = vref(mp->mnt_rootvp), *next;
	const char *slash;
	int error;

	while ((slash = strchr(name, '/')) != NULL) {
		error = enter_dir(dvp, name, (size_t)(slash - name), &next);
		vrele(dvp);
		if (error != 0)
			return error;
		dvp = next;
		name = slash + 1;
	}
	*dirp = dvp;
	*last = name;
	return 0;
}

static int
node_add(struct mount *mp, const struct dev_info *di)
{
	struct vnode *dvp, *vp;
	const char *last;
	int error;

	error = walk(mp, di->di_name, &dvp, &last);
	if (error != 0)
		return error;
	rw_enter(&dvp->v_lock, RW_WRITER);
	error = dvp->v_ops->vop_lookup(dvp, last, strlen(last), &vp);
	if (error == ENOENT)
		error = dvp->v_ops->vop_mknod(dvp, last, strlen(last),
		    di->di_mode, di->di_dev, cred_kernel, &vp);
	rw_exit(&dvp->v_lock);
	if (error == 0)
		vrele(vp);
	vrele(dvp);
	return error;
}

/* Take the node away, if it is still the one for this device. */
static void
node_remove(struct mount *mp, const struct dev_info *di)
{
	struct vnode *dvp, *vp;
	const char *last;

	if (walk(mp, di->di_name, &dvp, &last) != 0)
		return;
	rw_enter(&dvp->v_lock, RW_WRITER);
	if (dvp->v_ops->vop_lookup(dvp, last, strlen(last), &vp) == 0) {
		if (vp->v_rdev == di->di_dev &&
		    (vp->v_mode & S_IFMT) == (di->di_mode & S_IFMT))
			(void)dvp->v_ops->vop_unlink(dvp, last, strlen(last),
			    vp);
		vrele(vp);
	}
	rw_exit(&dvp->v_lock);
	vrele(dvp);
}

static void
device_changed(const struct dev_info *di, bool added)
{
	struct devmount *dm;
	int error;

	mutex_enter(&devtmpfs_lock);
	LIST_FOREACH(dm, &devtmpfs_mounts, dm_link) {
		if (!added) {
			node_remove(dm->dm_mount, di);
			continue;
		}
		error = node_add(dm->dm_mount, di);
		if (error != 0)
			printf("devtmpfs: no node for %s: error %d\n",
			    di->di_name, error);
	}
	mutex_exit(&devtmpfs_lock);
}

static void
init_once(void)
{
	spin_enter(&devtmpfs_once);
	if (!devtmpfs_ready) {
		mutex_init(&devtmpfs_lock, "devtmpfs");
		devtmpfs_ready = true;
	}
	spin_exit(&devtmpfs_once);
}

static int
devtmpfs_mount(struct mount *mp, const char *source, const char *options)
{
	struct devmount *dm;
	struct dev_info di;
	mode_t type = 0;
	dev_t dev = 0;
	int error;

	init_once();
	dm = kmem_alloc(sizeof(*dm), KM_SLEEP);
	if (dm == NULL)
		return ENOMEM;
	dm->dm_mount = mp;
	error = tmpfs_vfsops.vfs_mount(mp, source,
	    *options != '\0' ? options : "mode=755");
	if (error != 0) {
		kmem_free(dm, sizeof(*dm));
		return error;
	}
	mp->mnt_rootvp->v_flags |= VV_NOCACHE;
	mutex_enter(&devtmpfs_lock);
	LIST_INSERT_HEAD(&devtmpfs_mounts, dm, dm_link);
	dev_changed_hook = device_changed;
	while (error == 0 && dev_next(&type, &dev, &di))
		if (di.di_name[0] != '\0')
			error = node_add(mp, &di);
	mutex_exit(&devtmpfs_lock);
	if (error != 0)
		printf("devtmpfs: not all nodes: error %d\n", error);
	return 0;
}

static int
devtmpfs_unmount(struct mount *mp, bool force)
{
	struct devmount *dm;

	mutex_enter(&devtmpfs_lock);
	LIST_FOREACH(dm, &devtmpfs_mounts, dm_link)
		if (dm->dm_mount == mp)
			break;
	if (dm != NULL) {
		LIST_REMOVE(dm, dm_link);
		kmem_free(dm, sizeof(*dm));
	}
	mutex_exit(&devtmpfs_lock);
	return tmpfs_vfsops.vfs_unmount(mp, force);
}

static int
devtmpfs_statfs(struct mount *mp, struct statfs_k *sf)
{
	return tmpfs_vfsops.vfs_statfs(mp, sf);
}

static int
devtmpfs_remount(struct mount *mp, unsigned int flags, const char *options)
{
	return tmpfs_vfsops.vfs_remount(mp, flags, options);
}

static void
devtmpfs_showopts(struct mount *mp, char *buf, size_t len)
{
	tmpfs_vfsops.vfs_showopts(mp, buf, len);
}

static const struct vfsops devtmpfs_vfsops = {
	.vfs_name = "devtmpfs",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = devtmpfs_mount,
	.vfs_unmount = devtmpfs_unmount,
	.vfs_statfs = devtmpfs_statfs,
	.vfs_remount = devtmpfs_remount,
	.vfs_showopts = devtmpfs_showopts,
};
VFS_REGISTER(devtmpfs_vfsops);
