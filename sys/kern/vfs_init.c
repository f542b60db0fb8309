/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name space at boot: its parts in order, the first root, the initramfs.
 */
#include <sys/errno.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>
#include <uvm/uvm.h>

/*
 * Set up the tables and the first root, a tmpfs that is still empty, so that
 * every process has a root from the start.  main(), once.
 */
void
vfs_init(void)
{
	struct cwdinfo *c;
	struct mount *mp;
	int error;

	vnode_init();
	dcache_init();
	mount_init();
	device_init();
	lock_init();
	epoll_init();
	inotify_init();
	fifo_init();
	vfsops_init();
	memfd_init();

	/* Without a limit until the initramfs is in it. */
	error = mount_create("tmpfs", "rootfs", 0,
	    "size=0,nr_inodes=0,mode=755", &mp);
	if (error == 0) {
		error = mount_root(mp, &rootpath);
		mount_put(mp);
	}
	c = kmem_zalloc(sizeof(*c), KM_SLEEP);
	if (error != 0 || c == NULL)
		panic("vfs: no memory for the root");
	c->cwd_ref = 1;
	spin_init(&c->cwd_lock, "cwd");
	c->cwd_cwd = c->cwd_root = rootpath;
	path_get(&c->cwd_cwd);
	path_get(&c->cwd_root);
	c->cwd_umask = 022;
	proc0.p_cwdi = c;
}

/*
 * Process 1, before it has a program: fill the root.  An initramfs with a
 * fault has been complained about; it may be good enough to boot.
 */
int
vfs_mountroot(void)
{
	struct mount *mp = path_mount(&rootpath);
	struct statfs_k sf;
	char opts[48];

	/* As Linux: an initramfs may count on these. */
	(void)do_mkdir(curlwp, NULL, "/dev", 0755);
	(void)do_mknod(curlwp, NULL, "/dev/console", S_IFCHR | 0600,
	    makedev(5, 1));
	(void)do_mkdir(curlwp, NULL, "/root", 0700);
	initramfs_unpack(curlwp);
	/* Half of memory, as any tmpfs; more if more is in it already. */
	memset(&sf, 0, sizeof(sf));
	(void)mp->mnt_ops->vfs_statfs(mp, &sf);
	snprintf(opts, sizeof(opts), "nr_blocks=%llu",
	    (unsigned long long)MAX(uvmexp.total / 2,
	    sf.f_used + uvmexp.total / 8));
	(void)mp->mnt_ops->vfs_remount(mp, mp->mnt_flags, opts);
	return 0;
}
