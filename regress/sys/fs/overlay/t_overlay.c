/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs over directories of a tmpfs: what is seen, what is copied up, what
 * removal leaves in the upper layer.
 */
/* sources: regress/sys/kern/vfs_env.c sys/kern/vfs_dcache.c
 * sys/kern/vfs_device.c sys/kern/vfs_fifo.c sys/kern/vfs_file.c
 * sys/kern/vfs_init.c sys/kern/vfs_initramfs.c sys/kern/vfs_lock.c
 * sys/kern/vfs_memfd.c sys/kern/vfs_mount.c sys/kern/vfs_namei.c
 * sys/kern/vfs_open.c sys/kern/vfs_options.c sys/kern/vfs_protect.c
 * sys/kern/vfs_syscalls.c
 * sys/kern/vfs_vnode.c sys/kern/vfs_vntable.c
 * sys/kern/kern_descrip.c sys/kern/subr_cpio.c sys/kern/subr_uio.c
 * sys/kern/sys_epoll.c sys/kern/sys_eventfd.c sys/kern/sys_inotify.c
 * sys/kern/sys_pipe.c
 * sys/kern/sys_poll.c sys/fs/tmpfs/tmpfs_data.c sys/fs/tmpfs/tmpfs_node.c
 * sys/fs/tmpfs/tmpfs_vfsops.c sys/fs/tmpfs/tmpfs_vnops.c
 * sys/fs/tmpfs/tmpfs_xattr.c sys/fs/overlay/overlay_copyup.c
 * sys/fs/overlay/overlay_node.c sys/fs/overlay/overlay_readdir.c
 * sys/fs/overlay/overlay_vfsops.c sys/fs/overlay/overlay_vnops.c
 * sys/uvm/uvm_radix.c sys/lib/gunzip.c
 * libdeflate/lib/deflate_decompress.c libdeflate/lib/gzip_decompress.c
 * libdeflate/lib/crc32.c libdeflate/lib/utils.c */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <ktest.h>
#include "../../kern/vfs_env.h"

static int
unlink_(const char *name)
{
	return do_unlink(&lwp0, NULL, name, 0);
}

static int
rmdir_(const char *name)
{
	return do_unlink(&lwp0, NULL, name, AT_REMOVEDIR);
}

static int
rename_(const char *from, const char *to)
{
	return do_rename(&lwp0, NULL, from, NULL, to, 0);
}

static int
mount_(const char *options)
{
	return do_mount(&lwp0, "overlay", "/m", "overlay", 0, options);
}

static int
append(const char *name, const char *text)
{
	struct iovec iov;
	struct file *fp;
	struct uio uio;
	size_t n;
	int error;

	error = env_open(name, O_WRONLY | O_APPEND, &fp);
	if (error != 0)
		return error;
	uio_kernel(&uio, &iov, (void *)(uintptr_t)text, strlen(text), 0,
	    UIO_WRITE);
	error = do_writev(&lwp0, fp, &uio, NULL, &n);
	file_put(fp);
	return error;
}

static bool
is_whiteout(const char *name)
{
	struct stat_k st;

	return env_stat(name, &st) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == 0;
}

/* /l1 over /l2 below /u, seen at /m. */
static void
begin(void)
{
	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(env_mkdir("/u", 0755), 0);
	CHECK_EQ(env_mkdir("/w", 0755), 0);
	CHECK_EQ(env_mkdir("/l1", 0755), 0);
	CHECK_EQ(env_mkdir("/l2", 0755), 0);
	CHECK_EQ(env_mkdir("/l1/d", 0750), 0);
	CHECK_EQ(env_mkdir("/l2/d", 0700), 0);
	CHECK_EQ(env_mkdir("/l2/e", 0755), 0);
	CHECK_EQ(env_create("/l1/a", "a of 1"), 0);
	CHECK_EQ(env_create("/l2/a", "a of 2"), 0);
	CHECK_EQ(env_create("/l2/b", "b of 2"), 0);
	CHECK_EQ(env_create("/l1/d/x", "x"), 0);
	CHECK_EQ(env_create("/l2/d/y", "y"), 0);
	CHECK_EQ(env_create("/l2/e/z", "z"), 0);
	CHECK_EQ(do_symlink(&lwp0, "b", NULL, "/l2/s"), 0);
	CHECK_EQ(mount_("lowerdir=/l1:/l2,upperdir=/u,workdir=/w"), 0);
}

static void
end(void)
{
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
	CHECK_STR(env_ls("/w/work"), "");
}

TEST(layers_are_merged)
{
	struct stat_k st;

	begin();
	CHECK_STR(env_ls("/m"), "a b d e s");
	CHECK_STR(env_ls("/m/d"), "x y");
	CHECK_STR(env_ls("/m/e"), "z");
	CHECK_STR(env_read("/m/a"), "a of 1");
	CHECK_STR(env_read("/m/b"), "b of 2");
	CHECK_STR(env_read("/m/s"), "b of 2");
	CHECK_EQ(env_stat("/m/d", &st), 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0750);
	CHECK_STR(env_ls("/u"), "");
	end();
}

TEST(writing_copies_up)
{
	struct stat_k st, st2;

	begin();
	CHECK_EQ(env_stat("/m/d/y", &st), 0);
	CHECK_EQ(append("/m/d/y", " and more"), 0);
	CHECK_STR(env_read("/m/d/y"), "y and more");
	CHECK_STR(env_read("/l2/d/y"), "y");
	CHECK_STR(env_read("/u/d/y"), "y and more");
	CHECK_EQ(env_stat("/u/d", &st2), 0);
	CHECK_EQ(st2.st_mode, S_IFDIR | 0750);
	CHECK_EQ(env_stat("/m/d/y", &st2), 0);
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK_STR(env_ls("/m/d"), "x y");
	CHECK_EQ(env_create("/m/new", "new"), 0);
	CHECK_STR(env_read("/u/new"), "new");
	CHECK_STR(env_ls("/m"), "a b d e new s");
	end();
}

TEST(removing_leaves_whiteouts)
{
	begin();
	CHECK_EQ(unlink_("/m/a"), 0);
	CHECK_STR(env_read("/m/a"), "error 2");
	CHECK(is_whiteout("/u/a"));
	CHECK_STR(env_ls("/m"), "b d e s");
	CHECK_EQ(rmdir_("/m/d"), ENOTEMPTY);
	CHECK_EQ(unlink_("/m/d/x"), 0);
	CHECK_EQ(unlink_("/m/d/y"), 0);
	CHECK_STR(env_ls("/m/d"), "");
	CHECK_EQ(rmdir_("/m/d"), 0);
	CHECK(is_whiteout("/u/d"));
	CHECK_STR(env_ls("/m"), "b e s");
	/* A new directory does not show what the old one had. */
	CHECK_EQ(env_mkdir("/m/d", 0755), 0);
	CHECK_STR(env_ls("/m/d"), "");
	CHECK_EQ(env_create("/m/a", "new a"), 0);
	CHECK_STR(env_read("/m/a"), "new a");
	CHECK_STR(env_read("/l1/a"), "a of 1");
	CHECK_EQ(unlink_("/m/a"), 0);
	CHECK(is_whiteout("/u/a"));
	CHECK_EQ(env_create("/m/only", ""), 0);
	CHECK_EQ(unlink_("/m/only"), 0);
	CHECK_STR(env_ls("/u"), "a d");
	end();
	/* And all that is so after another mount. */
	CHECK_EQ(mount_("lowerdir=/l1:/l2,upperdir=/u,workdir=/w"), 0);
	CHECK_STR(env_ls("/m"), "b d e s");
	CHECK_STR(env_ls("/m/d"), "");
	end();
}

TEST(renaming)
{
	begin();
	CHECK_EQ(rename_("/m/a", "/m/a2"), 0);
	CHECK_STR(env_read("/m/a2"), "a of 1");
	CHECK_STR(env_read("/m/a"), "error 2");
	CHECK(is_whiteout("/u/a"));
	CHECK_EQ(rename_("/m/a2", "/m/b"), 0);
	CHECK_STR(env_read("/m/b"), "a of 1");
	CHECK_EQ(rename_("/m/b", "/m/d/y"), 0);
	CHECK_STR(env_read("/m/d/y"), "a of 1");
	CHECK_EQ(rename_("/m/d", "/m/f"), EXDEV);
	CHECK_EQ(env_mkdir("/m/n", 0755), 0);
	CHECK_EQ(env_create("/m/n/k", "k"), 0);
	CHECK_EQ(rename_("/m/n", "/m/n2"), 0);
	CHECK_STR(env_read("/m/n2/k"), "k");
	/* Onto a directory of a lower layer that looks empty. */
	CHECK_EQ(unlink_("/m/e/z"), 0);
	CHECK_EQ(rename_("/m/n2", "/m/e"), 0);
	CHECK_STR(env_ls("/m/e"), "k");
	CHECK_STR(env_ls("/m"), "d e s");
	end();
	CHECK_EQ(mount_("lowerdir=/l1:/l2,upperdir=/u,workdir=/w"), 0);
	CHECK_STR(env_ls("/m/e"), "k");
	CHECK_STR(env_ls("/m"), "d e s");
	end();
}

TEST(links_and_attributes)
{
	struct stat_k st;
	struct setattr sa = { .sa_valid = SETATTR_MODE, .sa_mode = 0600 };
	struct path p;

	begin();
	CHECK_EQ(do_link(&lwp0, NULL, "/m/b", NULL, "/m/b2", 0), 0);
	CHECK_EQ(append("/m/b2", "!"), 0);
	CHECK_STR(env_read("/m/b"), "b of 2!");
	CHECK_EQ(env_lookup("/m/s", LOOKUP_FOLLOW, &p), 0);
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), 0);
	path_put(&p);
	CHECK_EQ(env_stat("/m/b", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(env_lookup("/m/a", 0, &p), 0);
	CHECK_EQ(do_setxattr(&lwp0, &p, "trusted.overlay.opaque", "y", 1, 0),
	    EPERM);
	CHECK_EQ(do_truncate(&lwp0, &p, 1), 0);
	path_put(&p);
	CHECK_STR(env_read("/m/a"), "a");
	CHECK_STR(env_read("/l1/a"), "a of 1");
	end();
}

TEST(without_an_upper_layer)
{
	begin();
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
	CHECK_EQ(mount_("lowerdir=/l1:/l2"), 0);
	CHECK_STR(env_ls("/m"), "a b d e s");
	CHECK_EQ(env_create("/m/new", ""), EROFS);
	CHECK_EQ(unlink_("/m/a"), EROFS);
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
	CHECK_EQ(mount_("lowerdir=/none"), ENOENT);
	CHECK_EQ(mount_("upperdir=/u,workdir=/w"), EINVAL);
	CHECK_EQ(mount_("lowerdir=/l1,upperdir=/u"), EINVAL);
	CHECK_EQ(mount_("lowerdir=/l1,upperdir=/u,workdir=/u"), EINVAL);
	CHECK_EQ(mount_("lowerdir=/l1,redirect_dir=on"), EINVAL);
}

TEST(a_file_in_use)
{
	struct file *fp;

	begin();
	CHECK_EQ(env_open("/m/a", O_RDONLY, &fp), 0);
	CHECK_EQ(unlink_("/m/a"), 0);
	CHECK_EQ(env_create("/m/a", "other"), 0);
	CHECK_STR(env_read("/m/a"), "other");
	file_put(fp);
	CHECK_STR(env_read("/m/a"), "other");
	end();
}
