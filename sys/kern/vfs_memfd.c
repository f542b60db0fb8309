/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_create(2): files of a tmpfs that is mounted nowhere; and their seals.
 *
 * Overview: a seal forbids a kind of change for good.  The operations on open
 * files ask (file_sealed()); a mapping that could be written is a way round
 * them, so that writing is sealed only if no process has one.
 *
 * Locking: v_lock for the seals.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>
#include <uvm/uvm.h>

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
memfd_file(struct lwp *l, const char *name, bool sealing, struct file **fpp)
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
	vp->v_flags |= VV_SEALABLE;
	vp->v_seals = sealing ? 0 : F_SEAL_SEAL;
	snprintf(buf, sizeof(buf), "/memfd:%s", name);
	p.p_dentry = dcache_unnamed(memfd_vfsmount->vm_root, buf, vp);
	if (p.p_dentry == NULL)
		return ENOMEM;
	error = do_open_path(l, &p, O_RDWR | O_LARGEFILE, fpp);
	dentry_put(p.p_dentry);
	return error;
}

/* Huge pages are not there: EINVAL, as before they existed. */
int
do_memfd_create(struct lwp *l, const char *name, unsigned int flags, int *fd)
{
	struct file *fp;
	int error;

	if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0 ||
	    strlen(name) > MFD_NAME_MAX)
		return EINVAL;
	error = fd_reserve(l, 0, fd);
	if (error != 0)
		return error;
	error = memfd_file(l, name, (flags & MFD_ALLOW_SEALING) != 0, &fp);
	if (error != 0) {
		fd_abandon(l, *fd);
		return error;
	}
	fd_install(l, *fd, fp, (flags & MFD_CLOEXEC) != 0);
	return 0;
}

/* -- seals -- */

int
vnode_sealed(const struct vnode *vp, unsigned int seals)
{
	return (vp->v_seals & seals) != 0 ? EPERM : 0;
}

int
file_add_seals(struct file *fp, unsigned int seals)
{
	struct vnode *vp = file_vnode(fp);
	bool write;
	int error;

	if (!FWRITE(fp))
		return EPERM;
	if ((seals & ~F_SEAL_ALL) != 0 || vp == NULL ||
	    (vp->v_flags & VV_SEALABLE) == 0)
		return EINVAL;
	rw_enter(&vp->v_lock, RW_WRITER);
	error = vnode_sealed(vp, F_SEAL_SEAL);
	write = (seals & ~vp->v_seals & F_SEAL_WRITE) != 0;
	/* From here on nobody gets another mapping to write with. */
	if (error == 0)
		vp->v_seals |= write ? F_SEAL_WRITE : seals;
	rw_exit(&vp->v_lock);
	if (error != 0 || !write)
		return error;
	if (uvm_mapped_for_writing(vp))
		error = EBUSY;
	rw_enter(&vp->v_lock, RW_WRITER);
	if (error != 0)
		vp->v_seals &= ~F_SEAL_WRITE;
	else
		vp->v_seals |= seals;
	rw_exit(&vp->v_lock);
	return error;
}

bool
file_write_sealed(struct file *fp)
{
	struct vnode *vp = file_vnode(fp);

	return vp != NULL && (vp->v_seals &
	    (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0;
}

int
file_get_seals(struct file *fp, unsigned int *seals)
{
	struct vnode *vp = file_vnode(fp);

	if (vp == NULL || (vp->v_flags & VV_SEALABLE) == 0)
		return EINVAL;
	*seals = vp->v_seals;
	return 0;
}
