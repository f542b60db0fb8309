/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_create(2): files of a tmpfs that is mounted nowhere.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>

#define	MFD_CLOEXEC		1
#define	MFD_ALLOW_SEALING	2
#define	MFD_NAME_MAX		249

static struct mount *memfd_mount;	/* [I] */
static struct vfsmount *memfd_vfsmount;	/* [I] */

void
memfd_init(void)
{
	const struct vfsops *ops = vfsops_find("tmpfs");

	if (ops == NULL || mount_internal(ops, "memfd",
	    "size=0,nr_inodes=0", &memfd_mount, &memfd_vfsmount) != 0)
		panic("vfs: no memory for memfd");
}

static int
memfd_file(struct lwp *l, const char *name, struct file **fpp)
{
	struct path p = { memfd_vfsmount, memfd_vfsmount->vm_root };
	struct vnode *dvp = path_vnode(&p), *vp;
	char buf[MFD_NAME_MAX + 8];
	int error;

	rw_enter(&dvp->v_lock, RW_WRITER);
	error = dvp->v_ops->vop_tmpfile(dvp, S_IFREG | 0777, l->l_cred, &vp);
	rw_exit(&dvp->v_lock);
	if (error != 0)
		return error;
	snprintf(buf, sizeof(buf), "/memfd:%s", name);
	p.p_dentry = dcache_unnamed(memfd_vfsmount->vm_root, buf, vp);
	if (p.p_dentry == NULL)
		return ENOMEM;
	error = do_open_path(l, &p, O_RDWR | O_LARGEFILE, fpp);
	dentry_put(p.p_dentry);
	return error;
}

/* Sealing and huge pages are not there: EINVAL, as before they existed. */
int
do_memfd_create(struct lwp *l, const char *name, unsigned int flags, int *fd)
{
	struct file *fp;
	int error;

	if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0 ||
	    strlen(name) > MFD_NAME_MAX)
		return EINVAL;
	if ((flags & MFD_ALLOW_SEALING) != 0)
		return EINVAL;
	error = fd_reserve(l, 0, fd);
	if (error != 0)
		return error;
	error = memfd_file(l, name, &fp);
	if (error != 0) {
		fd_abandon(l, *fd);
		return error;
	}
	fd_install(l, *fd, fp, (flags & MFD_CLOEXEC) != 0);
	return 0;
}
