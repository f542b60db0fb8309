/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path names, directories, mounts: what Linux says to each case.
 */
/* sources: regress/sys/kern/vfs_env.c sys/kern/vfs_dcache.c
 * sys/kern/vfs_device.c sys/kern/vfs_fifo.c sys/kern/vfs_file.c
 * sys/kern/vfs_init.c sys/kern/vfs_initramfs.c sys/kern/vfs_lock.c
 * sys/kern/vfs_memfd.c sys/kern/vfs_mount.c sys/kern/vfs_namei.c
 * sys/kern/vfs_protect.c sys/kern/vfs_open.c sys/kern/vfs_syscalls.c
 * sys/kern/vfs_vnode.c sys/kern/kern_descrip.c sys/kern/subr_cpio.c
 * sys/kern/subr_uio.c sys/kern/sys_epoll.c sys/kern/sys_eventfd.c
 * sys/kern/sys_inotify.c sys/kern/sys_pipe.c sys/kern/sys_poll.c
 * sys/fs/tmpfs/tmpfs_data.c sys/fs/tmpfs/tmpfs_node.c
 * sys/fs/tmpfs/tmpfs_vfsops.c sys/fs/tmpfs/tmpfs_vnops.c
 * sys/fs/tmpfs/tmpfs_xattr.c sys/uvm/uvm_radix.c sys/lib/gunzip.c
 * libdeflate/lib/deflate_decompress.c libdeflate/lib/gzip_decompress.c
 * libdeflate/lib/crc32.c libdeflate/lib/utils.c */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <ktest.h>
#include "vfs_env.h"

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
rename_(const char *from, const char *to, unsigned int flags)
{
	return do_rename(&lwp0, NULL, from, NULL, to, flags);
}

static int
link_(const char *from, const char *to)
{
	return do_link(&lwp0, NULL, from, NULL, to, 0);
}

static int
symlink_(const char *target, const char *name)
{
	return do_symlink(&lwp0, target, NULL, name);
}

static int
open_(const char *name, int oflags)
{
	struct file *fp;
	int error;

	error = env_open(name, oflags, &fp);
	if (error == 0)
		file_put(fp);
	return error;
}

static int
chmod_(const char *name, mode_t mode)
{
	struct setattr sa = { .sa_valid = SETATTR_MODE, .sa_mode = mode };
	struct path p;
	int error;

	error = env_lookup(name, LOOKUP_FOLLOW, &p);
	if (error == 0) {
		error = do_setattr(&lwp0, &p, &sa);
		path_put(&p);
	}
	return error;
}

static int
chown_(const char *name, uid_t uid, gid_t gid)
{
	struct setattr sa = { .sa_valid = SETATTR_UID | SETATTR_GID,
	    .sa_uid = uid, .sa_gid = gid };
	struct path p;
	int error;

	error = env_lookup(name, LOOKUP_FOLLOW, &p);
	if (error == 0) {
		error = do_setattr(&lwp0, &p, &sa);
		path_put(&p);
	}
	return error;
}

static mode_t
mode_of(const char *name)
{
	struct stat_k st;

	CHECK_EQ(env_stat(name, &st), 0);
	return st.st_mode;
}

static unsigned int
nlink_of(const char *name)
{
	struct stat_k st;

	CHECK_EQ(env_stat(name, &st), 0);
	return st.st_nlink;
}

static int
chdir_(const char *name)
{
	struct path p;
	int error;

	error = env_lookup(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (error == 0) {
		error = do_chdir(&lwp0, &p);
		path_put(&p);
	}
	return error;
}

TEST(names_and_slashes)
{
	static char longname[300], longpath[5000];

	env_init();
	CHECK_EQ(env_mkdir("/a", 0755), 0);
	CHECK_EQ(env_mkdir("/a/b", 0755), 0);
	CHECK_EQ(env_create("/a/f", "text"), 0);
	CHECK_STR(env_read("/a/f"), "text");
	CHECK_STR(env_read("//a//.//b/../f"), "text");
	CHECK_STR(env_read("/../a/f"), "text");
	CHECK_EQ(env_walk("", 0), ENOENT);
	CHECK_EQ(env_walk("", LOOKUP_EMPTY), 0);
	CHECK_EQ(env_walk("/a/b/", 0), 0);
	CHECK_EQ(env_walk("/a/b/.", 0), 0);
	CHECK_EQ(env_walk("/a/f/", 0), ENOTDIR);
	CHECK_EQ(env_walk("/a/f/.", 0), ENOTDIR);
	CHECK_EQ(env_walk("/a/f/x", 0), ENOTDIR);
	CHECK_EQ(env_walk("/a/f/..", 0), ENOTDIR);
	CHECK_EQ(env_walk("/a/x", 0), ENOENT);
	CHECK_EQ(env_walk("/a/x/y", 0), ENOENT);
	CHECK_EQ(env_walk("/a/f", LOOKUP_DIRECTORY), ENOTDIR);
	memset(longname, 'n', 255);
	CHECK_EQ(env_create(longname, ""), 0);
	CHECK_EQ(env_walk(longname, 0), 0);
	CHECK_EQ(rename_(longname, "short", 0), 0);
	CHECK_EQ(rename_("short", longname, 0), 0);
	CHECK_EQ(env_walk(longname, 0), 0);
	memset(longname, 'n', 256);
	CHECK_EQ(env_create(longname, ""), ENAMETOOLONG);
	CHECK_EQ(env_walk(longname, 0), ENAMETOOLONG);
	memset(longpath, '/', 4999);
	CHECK_EQ(env_walk(longpath, 0), 0);	/* copyin_path() limits it */
}

TEST(errors_of_making)
{
	env_init();
	CHECK_EQ(env_mkdir("/d/", 0755), 0);
	CHECK_EQ(env_mkdir("/d", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/d/.", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/d/..", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/x/y", 0755), ENOENT);
	CHECK_EQ(env_create("/f", ""), 0);
	CHECK_EQ(env_mkdir("/f", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/f/", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/f/d", 0755), ENOTDIR);
	CHECK_EQ(open_("/n/", O_CREAT | O_WRONLY), EISDIR);
	CHECK_EQ(open_("/d", O_CREAT | O_WRONLY), EISDIR);
	CHECK_EQ(open_("/d", O_CREAT | O_RDONLY), EISDIR);
	CHECK_EQ(open_("/d", O_WRONLY), EISDIR);
	CHECK_EQ(open_("/.", O_CREAT | O_RDONLY), EISDIR);
	CHECK_EQ(open_("/f", O_CREAT | O_EXCL), EEXIST);
	CHECK_EQ(open_("/d", O_CREAT | O_EXCL), EEXIST);
	CHECK_EQ(open_("/f", O_DIRECTORY), ENOTDIR);
	CHECK_EQ(open_("/f", O_CREAT | O_DIRECTORY), EINVAL);
	CHECK_EQ(symlink_("f", "/s/"), ENOENT);
	CHECK_EQ(symlink_("f", "/f/"), EEXIST);
	CHECK_EQ(symlink_("", "/s"), ENOENT);
	CHECK_EQ(do_mknod(&lwp0, NULL, "/p", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(do_mknod(&lwp0, NULL, "/q", S_IFDIR | 0600, 0), EPERM);
	CHECK_EQ(do_mknod(&lwp0, NULL, "/q", S_IFLNK | 0600, 0), EINVAL);
	CHECK_EQ(do_mknod(&lwp0, NULL, "/q", 0600, 0), 0);
	CHECK(S_ISREG(mode_of("/q")));
	CHECK_EQ(link_("/d", "/e"), EPERM);
	CHECK_EQ(link_("/f", "/e/"), ENOENT);
	CHECK_EQ(link_("/f", "/f"), EEXIST);
	CHECK_EQ(link_("/x", "/e"), ENOENT);
	CHECK_EQ(link_("/f", "/e"), 0);
	CHECK_EQ(nlink_of("/e"), 2);
	CHECK_STR(env_ls("/"), "d e f p q");
}

TEST(errors_of_removing)
{
	env_init();
	CHECK_EQ(env_mkdir("/d", 0755), 0);
	CHECK_EQ(env_mkdir("/d/e", 0755), 0);
	CHECK_EQ(env_create("/f", ""), 0);
	CHECK_EQ(nlink_of("/d"), 3);
	CHECK_EQ(rmdir_("/d"), ENOTEMPTY);
	CHECK_EQ(rmdir_("/d/."), EINVAL);
	CHECK_EQ(rmdir_("/d/.."), ENOTEMPTY);
	CHECK_EQ(rmdir_("/"), EBUSY);
	CHECK_EQ(rmdir_("/f"), ENOTDIR);
	CHECK_EQ(rmdir_("/x"), ENOENT);
	CHECK_EQ(unlink_("/d"), EISDIR);
	CHECK_EQ(unlink_("/d/"), EISDIR);
	CHECK_EQ(unlink_("/f/"), ENOTDIR);
	CHECK_EQ(unlink_("/x"), ENOENT);
	CHECK_EQ(unlink_("/."), EISDIR);
	CHECK_EQ(rmdir_("/d/e/"), 0);
	CHECK_EQ(nlink_of("/d"), 2);
	CHECK_EQ(rmdir_("/d"), 0);
	CHECK_EQ(unlink_("/f"), 0);
	CHECK_EQ(unlink_("/f"), ENOENT);
	CHECK_STR(env_ls("/"), "");
}

TEST(symbolic_links)
{
	char name[16], target[16];
	int i;

	env_init();
	CHECK_EQ(env_mkdir("/d", 0755), 0);
	CHECK_EQ(env_create("/d/f", "in d"), 0);
	CHECK_EQ(symlink_("d", "/l"), 0);
	CHECK_EQ(symlink_("/d/f", "/abs"), 0);
	CHECK_EQ(symlink_("../abs", "/d/up"), 0);
	CHECK_EQ(symlink_("nowhere", "/dangling"), 0);
	CHECK_EQ(symlink_("self", "/self"), 0);
	CHECK_EQ(symlink_("d/", "/slash"), 0);
	CHECK_EQ(symlink_("d/f/", "/fslash"), 0);
	CHECK_STR(env_read("/l/f"), "in d");
	CHECK_STR(env_read("/l/up"), "in d");
	CHECK_STR(env_read("/slash/f"), "in d");
	CHECK_EQ(env_walk("/fslash", LOOKUP_FOLLOW), ENOTDIR);
	CHECK_EQ(env_walk("/dangling", LOOKUP_FOLLOW), ENOENT);
	CHECK_EQ(env_walk("/dangling", 0), 0);
	CHECK_EQ(env_walk("/self", LOOKUP_FOLLOW), ELOOP);
	CHECK_EQ(env_walk("/l/", 0), 0);	/* a slash follows it */
	CHECK_EQ(env_walk("/dangling/", 0), ENOENT);
	CHECK_EQ(open_("/l", O_NOFOLLOW), ELOOP);
	CHECK_EQ(open_("/l", O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	CHECK_EQ(open_("/l", O_NOFOLLOW | O_PATH), 0);
	CHECK_EQ(open_("/dangling", O_CREAT | O_EXCL | O_WRONLY), EEXIST);
	CHECK_EQ(open_("/dangling", O_CREAT | O_NOFOLLOW | O_WRONLY), ELOOP);
	CHECK_EQ(open_("/dangling", O_CREAT | O_WRONLY), 0);
	CHECK_EQ(env_walk("/nowhere", 0), 0);
	CHECK_EQ(rmdir_("/l"), ENOTDIR);
	CHECK_EQ(rmdir_("/l/"), ENOTDIR);
	CHECK_EQ(env_mkdir("/l", 0755), EEXIST);

	/* 40 links are followed, 41 are not. */
	CHECK_EQ(env_create("/c0", "end"), 0);
	for (i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "/c%d", i);
		snprintf(target, sizeof(target), "c%d", i - 1);
		CHECK_EQ(symlink_(target, name), 0);
	}
	CHECK_STR(env_read("/c40"), "end");
	CHECK_EQ(env_walk("/c41", LOOKUP_FOLLOW), ELOOP);
	/* Nested ones count together, whatever is left of the name. */
	CHECK_EQ(symlink_("l/../l/../l", "/n1"), 0);
	CHECK_EQ(symlink_("n1/../n1/../n1", "/n2"), 0);
	CHECK_EQ(symlink_("n2/../n2/../n2", "/n3"), 0);
	CHECK_STR(env_read("/n3/f"), "in d");	/* 27 + 9 + 3 + 1 = 40 */
	CHECK_EQ(env_walk("/l/../n3/f", 0), ELOOP);
}

TEST(rights)
{
	env_init();
	CHECK_EQ(env_mkdir("/closed", 0700), 0);
	CHECK_EQ(env_create("/closed/f", ""), 0);
	CHECK_EQ(env_mkdir("/ro", 0755), 0);
	CHECK_EQ(env_create("/ro/f", "x"), 0);
	CHECK_EQ(env_mkdir("/tmp", 0777), 0);
	CHECK_EQ(chmod_("/tmp", 01777), 0);
	CHECK_EQ(env_create("/tmp/roots", ""), 0);
	CHECK_EQ(env_mkdir("/exec", 0711), 0);
	CHECK_EQ(env_create("/exec/f", ""), 0);
	CHECK_EQ(mode_of("/closed"), S_IFDIR | 0700);
	env_become(&env_user);
	CHECK_EQ(env_walk("/closed", 0), 0);
	CHECK_EQ(env_walk("/closed/f", 0), EACCES);
	CHECK_EQ(env_walk("/closed/.", 0), EACCES);
	CHECK_EQ(env_walk("/closed/f/x", 0), EACCES);
	CHECK_EQ(env_walk("/exec/f", 0), 0);
	CHECK_EQ(open_("/exec", O_RDONLY), EACCES);
	CHECK_EQ(open_("/ro/f", O_RDONLY), 0);
	CHECK_EQ(open_("/ro/f", O_WRONLY), EACCES);
	CHECK_EQ(open_("/ro/f", O_RDONLY | O_TRUNC), EACCES);
	CHECK_EQ(open_("/ro/n", O_WRONLY | O_CREAT), EACCES);
	CHECK_EQ(env_mkdir("/ro/d", 0755), EACCES);
	CHECK_EQ(unlink_("/ro/f"), EACCES);
	CHECK_EQ(rename_("/ro/f", "/tmp/f", 0), EACCES);
	CHECK_EQ(chmod_("/ro/f", 0777), EPERM);
	CHECK_EQ(chown_("/ro/f", 1000, 1000), EPERM);
	/* The sticky bit: only owners remove. */
	CHECK_EQ(env_create("/tmp/mine", ""), 0);
	CHECK_EQ(unlink_("/tmp/roots"), EPERM);
	CHECK_EQ(rename_("/tmp/roots", "/tmp/x", 0), EPERM);
	CHECK_EQ(rename_("/tmp/mine", "/tmp/roots", 0), EPERM);
	CHECK_EQ(rename_("/tmp/mine", "/tmp/mine2", 0), 0);
	CHECK_EQ(unlink_("/tmp/mine2"), 0);
	/* Who makes a file may use it, whatever its mode says. */
	{
		struct file *fp;

		CHECK_EQ(do_open(&lwp0, NULL, "/tmp/new", O_RDWR | O_CREAT,
		    0400, &fp), 0);
		file_put(fp);
		CHECK_EQ(open_("/tmp/new", O_RDWR), EACCES);
	}
	CHECK_EQ(do_mknod(&lwp0, NULL, "/tmp/dev", S_IFCHR | 0600, 0), EPERM);
}

TEST(set_id_bits_and_group_directories)
{
	env_init();
	CHECK_EQ(env_mkdir("/g", 0777), 0);
	CHECK_EQ(chown_("/g", 0, 50), 0);
	CHECK_EQ(chmod_("/g", 02777), 0);
	CHECK_EQ(env_mkdir("/g/sub", 0755), 0);
	CHECK_EQ(mode_of("/g/sub"), S_IFDIR | 02755);
	CHECK_EQ(env_create("/g/f", "x"), 0);
	{
		struct stat_k st;

		CHECK_EQ(env_stat("/g/f", &st), 0);
		CHECK_EQ(st.st_gid, 50);
	}
	CHECK_EQ(env_create("/prog", "x"), 0);
	CHECK_EQ(chown_("/prog", 1000, 1000), 0);
	CHECK_EQ(chmod_("/prog", 06755), 0);
	env_become(&env_user);
	CHECK_EQ(env_create("/prog", "y"), 0);	/* a write takes them away */
	CHECK_EQ(mode_of("/prog"), S_IFREG | 0755);
	env_become(&env_root);
	CHECK_EQ(chmod_("/prog", 06755), 0);
	CHECK_EQ(chown_("/prog", 0, 0), 0);
	CHECK_EQ(mode_of("/prog"), S_IFREG | 0755);
}

TEST(renaming)
{
	env_init();
	CHECK_EQ(env_mkdir("/a", 0755), 0);
	CHECK_EQ(env_mkdir("/a/b", 0755), 0);
	CHECK_EQ(env_mkdir("/c", 0755), 0);
	CHECK_EQ(env_create("/a/f", "f"), 0);
	CHECK_EQ(env_create("/g", "g"), 0);
	CHECK_EQ(rename_("/a", "/a/b/x", 0), EINVAL);
	CHECK_EQ(rename_("/a", "/a/x", 0), EINVAL);
	CHECK_EQ(rename_("/a/b", "/a", 0), ENOTEMPTY);
	CHECK_EQ(rename_("/a/b/.", "/x", 0), EBUSY);
	CHECK_EQ(rename_("/g", "/a/.", 0), EBUSY);
	CHECK_EQ(rename_("/g", "/c", 0), EISDIR);
	CHECK_EQ(rename_("/c", "/g", 0), ENOTDIR);
	CHECK_EQ(rename_("/c", "/a", 0), ENOTEMPTY);
	CHECK_EQ(rename_("/x", "/y", 0), ENOENT);
	CHECK_EQ(rename_("/g/", "/y", 0), ENOTDIR);
	CHECK_EQ(rename_("/g", "/y/", 0), ENOTDIR);
	CHECK_EQ(rename_("/g", "/a/f", RENAME_NOREPLACE), EEXIST);
	CHECK_EQ(rename_("/g", "/y", RENAME_EXCHANGE), ENOENT);
	CHECK_EQ(rename_("/g", "/y", RENAME_WHITEOUT), EINVAL);
	CHECK_EQ(rename_("/g", "/a/f", 0), 0);
	CHECK_STR(env_read("/a/f"), "g");
	CHECK_EQ(env_walk("/g", 0), ENOENT);
	CHECK_EQ(rename_("/a", "/c/a", 0), 0);
	CHECK_STR(env_read("/c/a/b/../f"), "g");
	CHECK_EQ(nlink_of("/c"), 3);
	CHECK_EQ(nlink_of("/"), 3);
	CHECK_EQ(env_create("/h", "h"), 0);
	CHECK_EQ(rename_("/h", "/c/a", RENAME_EXCHANGE), 0);
	CHECK_STR(env_read("/c/a"), "h");
	CHECK_STR(env_read("/h/f"), "g");
	CHECK_EQ(nlink_of("/c"), 2);
	CHECK_EQ(nlink_of("/"), 4);
	/* Two names of one file: nothing happens. */
	CHECK_EQ(link_("/h/f", "/h/f2"), 0);
	CHECK_EQ(rename_("/h/f", "/h/f2", 0), 0);
	CHECK_STR(env_ls("/h"), "b f f2");
	/* An empty directory gives way. */
	CHECK_EQ(env_mkdir("/e1", 0755), 0);
	CHECK_EQ(env_mkdir("/e2", 0755), 0);
	CHECK_EQ(rename_("/e1", "/e2", 0), 0);
	CHECK_STR(env_ls("/"), "c e2 h");
}

TEST(names_of_paths)
{
	struct path p;
	struct file *fp;
	char buf[64];

	env_init();
	CHECK_EQ(env_mkdir("/a", 0755), 0);
	CHECK_EQ(env_mkdir("/a/b", 0755), 0);
	CHECK_STR(env_pathname("/"), "/");
	CHECK_STR(env_pathname("/a/b"), "/a/b");
	CHECK_EQ(chdir_("/a/b"), 0);
	CHECK_STR(env_pathname("."), "/a/b");
	CHECK_STR(env_pathname(".."), "/a");
	CHECK_EQ(rename_("/a", "/z", 0), 0);
	CHECK_STR(env_pathname("."), "/z/b");
	CHECK_EQ(env_create("f", "x"), 0);
	CHECK_EQ(env_open("f", O_RDONLY, &fp), 0);
	CHECK_EQ(unlink_("f"), 0);
	CHECK_EQ(path_name(fp->f_path, NULL, buf, sizeof(buf)), 0);
	CHECK_STR(buf, "/z/b/f (deleted)");
	CHECK_EQ(path_name(fp->f_path, NULL, buf, 10), ENAMETOOLONG);
	file_put(fp);
	/* In a directory that is gone nothing can be made. */
	CHECK_EQ(rmdir_("/z/b"), 0);
	CHECK_STR(env_pathname("."), "/z/b (deleted)");
	CHECK_EQ(env_create("f", "x"), ENOENT);
	CHECK_EQ(env_mkdir("d", 0755), ENOENT);
	CHECK_EQ(env_walk("x", 0), ENOENT);
	CHECK_EQ(env_walk("..", 0), 0);
	CHECK_STR(env_ls("."), "error 2");
	CHECK_EQ(chdir_("/"), 0);
	/* Outside of the root. */
	CHECK_EQ(env_mkdir("/jail", 0755), 0);
	CHECK_EQ(env_lookup("/jail", 0, &p), 0);
	CHECK_EQ(do_chroot(&lwp0, &p), 0);
	path_put(&p);
	CHECK_STR(env_pathname("/.."), "/");
	CHECK_STR(env_pathname("."), "(unreachable)/");
}

TEST(negative_entries_give_way)
{
	env_init();
	CHECK_EQ(env_walk("/n", 0), ENOENT);
	CHECK_EQ(env_create("/n", "1"), 0);
	CHECK_STR(env_read("/n"), "1");
	CHECK_EQ(unlink_("/n"), 0);
	CHECK_EQ(env_walk("/n", 0), ENOENT);
	CHECK_EQ(env_mkdir("/n", 0755), 0);
	CHECK_EQ(env_walk("/n/x", 0), ENOENT);
	CHECK_EQ(env_walk("/n/y", 0), ENOENT);
	CHECK_EQ(rmdir_("/n"), 0);
	CHECK_EQ(env_walk("/n/x", 0), ENOENT);
	CHECK_EQ(env_create("/m", ""), 0);
	CHECK_EQ(rename_("/m", "/n", 0), 0);
	CHECK_EQ(env_walk("/n", 0), 0);
	CHECK_EQ(env_walk("/m", 0), ENOENT);
	CHECK_EQ(link_("/n", "/m"), 0);
	CHECK_EQ(env_walk("/m", 0), 0);
}

TEST(open_files_survive_their_names)
{
	struct file *fp, *fp2;
	struct iovec iov;
	struct uio uio;
	char buf[8];
	size_t done;

	env_init();
	CHECK_EQ(env_create("/f", "old"), 0);
	CHECK_EQ(env_open("/f", O_RDONLY, &fp), 0);
	CHECK_EQ(env_create("/g", "new"), 0);
	CHECK_EQ(rename_("/g", "/f", 0), 0);
	CHECK_STR(env_read("/f"), "new");
	uio_kernel(&uio, &iov, buf, sizeof(buf), 0, UIO_READ);
	CHECK_EQ(do_readv(&lwp0, fp, &uio, NULL, &done), 0);
	CHECK(done == 3 && memcmp(buf, "old", 3) == 0);
	file_put(fp);
	/* O_TMPFILE, and its first name. */
	CHECK_EQ(env_open("/", O_TMPFILE | O_RDONLY, &fp), EINVAL);
	CHECK_EQ(env_open("/f", O_TMPFILE | O_RDWR, &fp), ENOTDIR);
	CHECK_EQ(env_open("/", O_TMPFILE | O_RDWR, &fp), 0);
	CHECK_EQ(env_open("/", O_TMPFILE | O_RDWR | O_EXCL, &fp2), 0);
	CHECK_EQ(do_link(&lwp0, fp2->f_path, "", NULL, "/t", AT_EMPTY_PATH),
	    ENOENT);
	CHECK_EQ(do_link(&lwp0, fp->f_path, "", NULL, "/t", AT_EMPTY_PATH),
	    0);
	CHECK_EQ(nlink_of("/t"), 1);
	file_put(fp);
	file_put(fp2);
	CHECK_STR(env_ls("/"), "f t");
}

TEST(mounts_come_and_go)
{
	struct file *fp;

	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(env_create("/m/under", "u"), 0);
	CHECK_EQ(env_create("/f", ""), 0);
	CHECK_EQ(do_mount(&lwp0, "t", "/m", "nofs", 0, NULL), ENODEV);
	CHECK_EQ(do_mount(&lwp0, "t", "/m", NULL, 0, NULL), EINVAL);
	CHECK_EQ(do_mount(&lwp0, "t", "/m", "tmpfs", 0, "bad=1"), EINVAL);
	CHECK_EQ(do_mount(&lwp0, "t", "/x", "tmpfs", 0, NULL), ENOENT);
	CHECK_EQ(do_mount(&lwp0, "t", "/f", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_EQ(do_umount(&lwp0, "/m", 0), EINVAL);
	CHECK_EQ(do_mount(&lwp0, "tm p", "/m", "tmpfs",
	    MS_NOSUID | MS_NODEV, "size=1m,mode=700"), 0);
	CHECK_STR(env_ls("/m"), "");
	CHECK_EQ(env_create("/m/f", "inside"), 0);
	CHECK_STR(env_pathname("/m/f"), "/m/f");
	CHECK_STR(env_pathname("/m/.."), "/");
	CHECK_EQ(rmdir_("/m"), EBUSY);
	CHECK_EQ(rename_("/m", "/n", 0), EBUSY);
	CHECK_EQ(rename_("/m/f", "/f2", 0), EXDEV);
	CHECK_EQ(link_("/m/f", "/f2"), EXDEV);
	CHECK(strstr(env_mounts(MOUNTS_MOUNTS),
	    "tm\\040p /m tmpfs rw,nosuid,nodev,relatime,size=1024k,"
	    "nr_inodes=2048,mode=700 0 0\n") != NULL);
	CHECK(strstr(env_mounts(MOUNTS_MOUNTINFO), " / /m rw,nosuid,nodev,"
	    "relatime - tmpfs tm\\040p rw,size=1024k") != NULL);
	CHECK_EQ(env_open("/m/f", O_RDONLY, &fp), 0);
	CHECK_EQ(do_umount(&lwp0, "/m", 0), EBUSY);
	CHECK_EQ(do_umount(&lwp0, "/m", MNT_DETACH), 0);
	CHECK_STR(env_ls("/m"), "under");
	file_put(fp);			/* the last user: it is gone now */
	CHECK_EQ(do_mount(&lwp0, "t", "/m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(do_mount(&lwp0, "t2", "/m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(env_create("/m/top", ""), 0);
	CHECK_EQ(do_umount(&lwp0, "/m", MNT_EXPIRE), EAGAIN);
	CHECK_EQ(do_umount(&lwp0, "/m", MNT_EXPIRE), 0);
	CHECK_STR(env_ls("/m"), "");
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
	CHECK_EQ(do_umount(&lwp0, "/", 0), EINVAL);
	env_become(&env_user);
	CHECK_EQ(do_mount(&lwp0, "t", "/m", "tmpfs", 0, NULL), EPERM);
}

TEST(read_only_mounts)
{
	struct file *fp;

	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "t", "/m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(env_create("/m/f", "x"), 0);
	CHECK_EQ(env_mkdir("/m/d", 0755), 0);
	CHECK_EQ(env_open("/m/f", O_WRONLY, &fp), 0);
	CHECK_EQ(do_mount(&lwp0, NULL, "/m", NULL, MS_REMOUNT | MS_RDONLY,
	    NULL), EBUSY);
	file_put(fp);
	CHECK_EQ(do_mount(&lwp0, NULL, "/m", NULL, MS_REMOUNT | MS_RDONLY,
	    NULL), 0);
	CHECK_EQ(open_("/m/f", O_WRONLY), EROFS);
	CHECK_EQ(open_("/m/f", O_RDONLY), 0);
	CHECK_EQ(open_("/m/n", O_CREAT | O_WRONLY), EROFS);
	CHECK_EQ(open_("/m/f", O_CREAT | O_RDONLY), 0);
	CHECK_EQ(env_mkdir("/m/d", 0755), EEXIST);
	CHECK_EQ(env_mkdir("/m/e", 0755), EROFS);
	CHECK_EQ(unlink_("/m/f"), EROFS);
	CHECK_EQ(unlink_("/m/x"), EROFS);
	CHECK_EQ(chmod_("/m/f", 0600), EROFS);
	CHECK_EQ(rename_("/m/f", "/m/g", 0), EROFS);
	/* A read-only view of something that can be written. */
	CHECK_EQ(env_mkdir("/w", 0755), 0);
	CHECK_EQ(env_mkdir("/view", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "/w", "/view", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(do_mount(&lwp0, NULL, "/view", NULL,
	    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	CHECK_EQ(open_("/view/f", O_CREAT | O_WRONLY), EROFS);
	CHECK_EQ(env_create("/w/f", "w"), 0);
	CHECK_STR(env_read("/view/f"), "w");
}

TEST(bind_and_move)
{
	env_init();
	CHECK_EQ(env_mkdir("/a", 0755), 0);
	CHECK_EQ(env_mkdir("/a/sub", 0755), 0);
	CHECK_EQ(env_mkdir("/b", 0755), 0);
	CHECK_EQ(env_mkdir("/c", 0755), 0);
	CHECK_EQ(env_create("/a/f", "f"), 0);
	CHECK_EQ(env_create("/file", "old"), 0);
	CHECK_EQ(do_mount(&lwp0, "s", "/a/sub", "tmpfs", 0, NULL), 0);
	CHECK_EQ(env_create("/a/sub/deep", "deep"), 0);
	CHECK_EQ(do_mount(&lwp0, "/a", "/b", NULL, MS_BIND, NULL), 0);
	CHECK_STR(env_ls("/b/sub"), "");
	CHECK_STR(env_pathname("/b/f"), "/b/f");
	CHECK_EQ(do_umount(&lwp0, "/b", 0), 0);
	CHECK_EQ(do_mount(&lwp0, "/a", "/b", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_STR(env_read("/b/sub/deep"), "deep");
	CHECK(strstr(env_mounts(MOUNTS_MOUNTINFO), " /a /b rw") != NULL);
	CHECK_EQ(do_umount(&lwp0, "/b", 0), EBUSY);
	CHECK_EQ(do_mount(&lwp0, "/b", "/b/sub", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_EQ(do_mount(&lwp0, "/a", "/c", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_EQ(do_mount(&lwp0, "/b", "/c", NULL, MS_MOVE, NULL), 0);
	CHECK_STR(env_ls("/b"), "");
	CHECK_STR(env_read("/c/sub/deep"), "deep");
	CHECK_EQ(do_umount(&lwp0, "/c", MNT_DETACH), 0);
	CHECK_STR(env_ls("/c"), "");
	/* A file over a file. */
	CHECK_EQ(do_mount(&lwp0, "/a/f", "/file", NULL, MS_BIND, NULL), 0);
	CHECK_STR(env_read("/file"), "f");
	CHECK_EQ(do_mount(&lwp0, "/a", "/file", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_EQ(do_umount(&lwp0, "/file", 0), 0);
	CHECK_STR(env_read("/file"), "old");
	CHECK_EQ(do_mount(&lwp0, NULL, "/a/sub", NULL, MS_PRIVATE, NULL), 0);
	CHECK_EQ(do_mount(&lwp0, NULL, "/a/sub", NULL, MS_SHARED, NULL),
	    EINVAL);
}

TEST(pivot_and_switch_root)
{
	struct path p;

	env_init();
	CHECK_EQ(env_mkdir("/new", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "n", "/new", "tmpfs", 0, NULL), 0);
	CHECK_EQ(env_mkdir("/new/old", 0755), 0);
	CHECK_EQ(env_create("/new/here", ""), 0);
	CHECK_EQ(do_pivot_root(&lwp0, "/new", "/new/old"), EINVAL);
	/* What switch_root does. */
	CHECK_EQ(chdir_("/new"), 0);
	CHECK_EQ(do_mount(&lwp0, ".", "/", NULL, MS_MOVE, NULL), 0);
	CHECK_EQ(env_lookup(".", 0, &p), 0);
	CHECK_EQ(do_chroot(&lwp0, &p), 0);
	path_put(&p);
	CHECK_EQ(chdir_("/"), 0);
	CHECK_STR(env_ls("/"), "here old");
	CHECK_STR(env_pathname("/old"), "/old");
	/* Now the root has a parent. */
	CHECK_EQ(env_mkdir("/n2", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "n2", "/n2", "tmpfs", 0, NULL), 0);
	CHECK_EQ(env_mkdir("/n2/old", 0755), 0);
	CHECK_EQ(do_pivot_root(&lwp0, "/n2", "/old"), EBUSY);
	CHECK_EQ(do_pivot_root(&lwp0, "/n2", "/n2/old"), 0);
	CHECK_STR(env_ls("/"), "old");
	CHECK_STR(env_ls("/old"), "here n2 old");
	CHECK_EQ(do_umount(&lwp0, "/old", MNT_DETACH), 0);
	CHECK_STR(env_ls("/old"), "");
}

TEST(resolve_flags)
{
	struct path dir;
	struct file *fp;

	env_init();
	CHECK_EQ(env_mkdir("/d", 0755), 0);
	CHECK_EQ(env_mkdir("/d/m", 0755), 0);
	CHECK_EQ(env_create("/d/f", ""), 0);
	CHECK_EQ(env_create("/out", ""), 0);
	CHECK_EQ(symlink_("f", "/d/in"), 0);
	CHECK_EQ(symlink_("/out", "/d/abs"), 0);
	CHECK_EQ(symlink_("../out", "/d/rel"), 0);
	CHECK_EQ(do_mount(&lwp0, "m", "/d/m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(env_lookup("/d", 0, &dir), 0);
#define	TRY(name, how)	(do_open_resolve(&lwp0, &dir, name, O_RDONLY, 0, \
	    how, &fp) != 0 ? 1 : (file_put(fp), 0))
#define	ERR(name, how)	do_open_resolve(&lwp0, &dir, name, O_RDONLY, 0,	how, \
	    &fp)
	CHECK_EQ(TRY("in", LOOKUP_BENEATH), 0);
	CHECK_EQ(TRY("m/../f", LOOKUP_BENEATH), 0);
	CHECK_EQ(ERR("../out", LOOKUP_BENEATH), EXDEV);
	CHECK_EQ(ERR("/d/f", LOOKUP_BENEATH), EXDEV);
	CHECK_EQ(ERR("abs", LOOKUP_BENEATH), EXDEV);
	CHECK_EQ(ERR("rel", LOOKUP_BENEATH), EXDEV);
	CHECK_EQ(TRY("../../f", LOOKUP_INROOT), 0);
	CHECK_EQ(TRY("/f", LOOKUP_INROOT), 0);
	CHECK_EQ(ERR("abs", LOOKUP_INROOT), ENOENT);
	CHECK_EQ(ERR("in", LOOKUP_NOSYMLINKS), ELOOP);
	CHECK_EQ(TRY("f", LOOKUP_NOSYMLINKS), 0);
	CHECK_EQ(ERR("m", LOOKUP_NOXDEV), EXDEV);
	CHECK_EQ(TRY("f", LOOKUP_NOXDEV), 0);
	path_put(&dir);
}

TEST(the_cache_is_bounded_and_shrinks)
{
	struct stat_k st;
	char name[32];
	int i;

	env_init();		/* 4096 pages: 1024 dentries at most */
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/file%d", i);
		CHECK_EQ(env_create(name, ""), 0);
		snprintf(name, sizeof(name), "/none%d", i);
		CHECK_EQ(env_walk(name, 0), ENOENT);
	}
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/file%d", i);
		CHECK_EQ(env_stat(name, &st), 0);
		CHECK_EQ(unlink_(name), 0);
	}
	CHECK_STR(env_ls("/"), "");
}

/* Every allocation of a call fails in turn: no leak, no half-made thing. */
TEST(no_memory)
{
	struct file *fp;
	size_t before;
	int error;

	env_init();
	CHECK_EQ(env_mkdir("/d", 0755), 0);
	CHECK_EQ(env_create("/d/f", "f"), 0);
	CHECK_EQ(symlink_("d", "/l"), 0);
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_STR(env_read("/l/f"), "f");
	(void)do_mount(&lwp0, "t", "/m", "tmpfs", 0, NULL);
	(void)do_umount(&lwp0, "/m", 0);
	before = kmem_outstanding();
	KTEST_NTH_FAIL({
		error = env_open("/l/f", O_RDWR, &fp);
		if (error == 0)
			file_put(fp);
		CHECK(error == 0 || error == ENOMEM);
	});
	CHECK_EQ(kmem_outstanding(), before);
	KTEST_NTH_FAIL({
		error = do_mount(&lwp0, "t", "/m", "tmpfs", 0, "size=1m");
		CHECK(error == 0 || error == ENOMEM);
		if (error == 0)
			error = do_umount(&lwp0, "/m", 0);
		CHECK(error == 0 || error == ENOMEM);
		if (error == ENOMEM)
			(void)do_umount(&lwp0, "/m", MNT_DETACH);
	});
	CHECK_EQ(kmem_outstanding(), before);
	KTEST_NTH_FAIL({
		error = env_create("/d/a-name-that-is-longer-than-inline-ones",
		    "some text");
		CHECK(error == 0 || error == ENOMEM || error == ENOSPC);
		if (error == 0)
			(void)rename_(
			    "/d/a-name-that-is-longer-than-inline-ones",
			    "/m/another-name-that-is-too-long-to-be-inline",
			    0);
		(void)unlink_("/d/a-name-that-is-longer-than-inline-ones");
		(void)unlink_("/m/another-name-that-is-too-long-to-be-inline");
	});
	(void)unlink_("/d/a-name-that-is-longer-than-inline-ones");
	(void)unlink_("/m/another-name-that-is-too-long-to-be-inline");
	CHECK_STR(env_ls("/d"), "f");
	CHECK_STR(env_ls("/m"), "");
	KTEST_NTH_FAIL({
		error = symlink_("x", "/d/s");
		CHECK(error == 0 || error == ENOMEM);
		(void)do_link(&lwp0, NULL, "/d/f", NULL, "/d/h", 0);
		(void)unlink_("/d/s");
		(void)unlink_("/d/h");
	});
	(void)unlink_("/d/s");
	(void)unlink_("/d/h");
	CHECK_STR(env_ls("/d"), "f");
	CHECK_STR(env_read("/l/f"), "f");
}
