/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories and names: making, removing, renaming, links, reading, walking,
 * the working directory, mounts.  Runs as root.
 */
#define	_GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tap.h"

static char dir[64];

static void
enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/t_dir.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	CHECK_EQ(chdir(dir), 0);
}

static void
touch(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0644);

	CHECK(fd >= 0);
	close(fd);
}

/* Remove a tree. */
static void
clear(const char *name)
{
	char path[PATH_MAX];
	struct dirent *de;
	DIR *d;

	if (unlink(name) == 0)
		return;
	d = opendir(name);
	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, de->d_name);
		clear(path);
	}
	closedir(d);
	CHECK_EQ(rmdir(name), 0);
}

static void
leave(void)
{
	CHECK_EQ(chdir("/"), 0);
	clear(dir);
}

TEST(mkdir_and_rmdir)
{
	struct stat st;

	enter();
	umask(022);
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(mkdir("d/e/", 01777), 0);
	CHECK_EQ(stat("d", &st), 0);
	CHECK(st.st_mode == (S_IFDIR | 0755) && st.st_nlink == 3);
	CHECK_EQ(stat("d/e", &st), 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 01755);
	touch("f");
	CHECK_ERR(mkdir("d", 0755), EEXIST);
	CHECK_ERR(mkdir("f", 0755), EEXIST);
	CHECK_ERR(mkdir("f/d", 0755), ENOTDIR);
	CHECK_ERR(mkdir("x/y", 0755), ENOENT);
	CHECK_ERR(mkdir("", 0755), ENOENT);
	CHECK_ERR(mkdir("/", 0755), EEXIST);
	CHECK_ERR(mkdir("d/.", 0755), EEXIST);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/.."), ENOTEMPTY);
	CHECK_ERR(rmdir("f"), ENOTDIR);
	CHECK_ERR(rmdir("none"), ENOENT);
	CHECK_ERR(rmdir("/"), EBUSY);
	CHECK_ERR(unlink("d"), EISDIR);
	CHECK_ERR(unlinkat(AT_FDCWD, "d", 1), EINVAL);
	CHECK_ERR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	CHECK_EQ(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR), 0);
	CHECK_EQ(rmdir("d"), 0);
	leave();
}

TEST(long_names)
{
	char name[300], path[PATH_MAX + 10];

	enter();
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	touch(name);
	name[255] = 'a';
	name[256] = '\0';
	CHECK_ERR(open(name, O_RDONLY), ENAMETOOLONG);
	CHECK_ERR(mkdir(name, 0755), ENAMETOOLONG);
	memset(path, '/', sizeof(path));
	path[PATH_MAX - 1] = '\0';
	CHECK_EQ(access(path, F_OK), 0);
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = '\0';
	CHECK_ERR(access(path, F_OK), ENAMETOOLONG);
	leave();
}

TEST(renames)
{
	enter();
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	CHECK_EQ(mkdir("c", 0755), 0);
	touch("a/f");
	touch("g");
	CHECK_ERR(rename("a", "a/b/x"), EINVAL);
	CHECK_ERR(rename("a/b", "a"), ENOTEMPTY);
	CHECK_ERR(rename("c", "a"), ENOTEMPTY);
	CHECK_ERR(rename("g", "c"), EISDIR);
	CHECK_ERR(rename("c", "g"), ENOTDIR);
	CHECK_ERR(rename("none", "x"), ENOENT);
	CHECK_ERR(rename("a/.", "x"), EBUSY);
	CHECK_ERR(rename("g/", "x"), ENOTDIR);
	CHECK_EQ(rename("c", "e"), 0);
	CHECK_EQ(rename("a/b", "e"), 0);	/* an empty one gives way */
	CHECK_ERR(access("a/b", F_OK), ENOENT);
	CHECK_EQ(rename("g", "a/f"), 0);
	CHECK_EQ(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "e", 2), 0);
	CHECK_EQ(access("e/f", F_OK), 0);
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "e", 1),
	    EEXIST);
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "x", 2),
	    ENOENT);
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "x", 3),
	    EINVAL);
	leave();
}

TEST(hard_links)
{
	struct stat st;

	enter();
	touch("f");
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(link("f", "d/g"), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_ERR(link("f", "d/g"), EEXIST);
	CHECK_ERR(link("d", "e"), EPERM);
	CHECK_ERR(link("none", "e"), ENOENT);
	CHECK_ERR(link("f", "e/"), ENOENT);
	CHECK_EQ(rename("f", "d/g"), 0);	/* the same file: stays */
	CHECK_EQ(access("f", F_OK), 0);
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(link("s", "s2"), 0);		/* of the link itself */
	CHECK_EQ(lstat("s2", &st), 0);
	CHECK(S_ISLNK(st.st_mode) && st.st_nlink == 2);
	CHECK_EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "f2", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_nlink, 3);
	leave();
}

TEST(symbolic_links)
{
	char buf[64], name[16], target[16];
	struct stat st;
	int i;

	enter();
	CHECK_EQ(mkdir("d", 0755), 0);
	touch("d/f");
	CHECK_EQ(symlink("d", "l"), 0);
	CHECK_EQ(symlink("l/f", "lf"), 0);
	CHECK_EQ(symlink("self", "self"), 0);
	CHECK_EQ(stat("lf", &st), 0);
	CHECK_EQ(readlink("lf", buf, sizeof(buf)), 3);
	CHECK(memcmp(buf, "l/f", 3) == 0);
	CHECK_EQ(readlink("lf", buf, 2), 2);
	CHECK_ERR(syscall(SYS_readlink, "lf", buf, 0), EINVAL);
	CHECK_ERR(readlink("d", buf, 5), EINVAL);
	CHECK_ERR(readlink("none", buf, 5), ENOENT);
	CHECK_ERR(symlink("x", "l"), EEXIST);
	CHECK_ERR(symlink("", "e"), ENOENT);
	CHECK_ERR(stat("self", &st), ELOOP);
	CHECK_ERR(rmdir("l"), ENOTDIR);
	CHECK_EQ(lstat("l/", &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	for (i = 0; i < 41; i++) {
		snprintf(name, sizeof(name), "c%d", i + 1);
		snprintf(target, sizeof(target), "c%d", i);
		CHECK_EQ(symlink(target, name), 0);
	}
	touch("c0");
	CHECK_EQ(stat("c40", &st), 0);
	CHECK_ERR(stat("c41", &st), ELOOP);
	leave();
}

TEST(reading_while_removing)
{
	struct dirent *de;
	char name[32];
	int i, n = 0;
	DIR *d;

	enter();
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "file-with-a-name-%d", i);
		touch(name);
	}
	d = opendir(".");
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		CHECK_EQ(de->d_type, DT_REG);
		CHECK_EQ(unlink(de->d_name), 0);
		n++;
	}
	CHECK_EQ(n, 500);
	rewinddir(d);
	CHECK(readdir(d) != NULL && readdir(d) != NULL);
	CHECK(readdir(d) == NULL);
	closedir(d);
	leave();
}

TEST(entries_raw)
{
	char buf[4096], seen_dot = 0, seen_f = 0;
	struct { unsigned long ino; long off; unsigned short reclen;
	    unsigned char type; char name[]; } *de;
	long n, pos;
	int fd;

	enter();
	touch("f");
	CHECK_EQ(mkfifo("p", 0600), 0);
	fd = open(".", O_RDONLY);
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, 10), EINVAL);
	n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	CHECK(n > 0);
	for (pos = 0; pos < n; pos += de->reclen) {
		de = (void *)(buf + pos);
		CHECK(de->reclen % 8 == 0 && de->ino != 0);
		if (strcmp(de->name, ".") == 0)
			seen_dot = de->type == DT_DIR;
		if (strcmp(de->name, "f") == 0)
			seen_f = de->type == DT_REG;
		if (strcmp(de->name, "p") == 0)
			CHECK_EQ(de->type, DT_FIFO);
	}
	CHECK(seen_dot && seen_f);
	CHECK_EQ(syscall(SYS_getdents64, fd, buf, sizeof(buf)), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(syscall(SYS_getdents64, fd, buf, sizeof(buf)), n);
	close(fd);
	fd = open("f", O_RDONLY);
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR);
	close(fd);
	leave();
}

TEST(working_directory)
{
	char buf[PATH_MAX];
	int fd;

	enter();
	CHECK(getcwd(buf, sizeof(buf)) != NULL);
	CHECK(strcmp(buf, dir) == 0);
	CHECK_ERR(syscall(SYS_getcwd, buf, 3), ERANGE);
	CHECK_EQ(syscall(SYS_getcwd, buf, sizeof(buf)),
	    (long)strlen(dir) + 1);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	fd = open(".", O_RDONLY);
	CHECK_EQ(rename("../d", "../moved"), 0);
	CHECK(getcwd(buf, sizeof(buf)) != NULL);
	CHECK(strcmp(buf + strlen(dir), "/moved") == 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(fchdir(fd), 0);
	CHECK_EQ(rmdir("../moved"), 0);
	CHECK_ERR(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_ERR(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
	CHECK_EQ(chdir(".."), 0);
	CHECK_ERR(chdir("none"), ENOENT);
	touch("f");
	CHECK_ERR(chdir("f"), ENOTDIR);
	close(fd);
	leave();
}

TEST(change_root)
{
	char buf[PATH_MAX];
	pid_t pid;

	enter();
	CHECK_EQ(mkdir("jail", 0755), 0);
	touch("jail/inside");
	CHECK_EQ(symlink("/inside", "jail/abs"), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(chroot("jail"), 0);
		CHECK_EQ(access("/inside", F_OK), 0);
		CHECK_EQ(access("/abs", F_OK), 0);
		CHECK_EQ(access("/../inside", F_OK), 0);
		CHECK(syscall(SYS_getcwd, buf, sizeof(buf)) > 0);
		CHECK(strncmp(buf, "(unreachable)", 13) == 0);
		CHECK_EQ(chdir("/"), 0);
		CHECK_EQ(access("../inside", F_OK), 0);
		CHECK_EQ(setuid(1000), 0);
		CHECK_ERR(chroot("/"), EPERM);
		_exit(0);
	}
	reap(pid, 0);
	leave();
}

TEST(sticky_and_group_directories)
{
	struct stat st;
	pid_t pid;

	enter();
	CHECK_EQ(chmod(".", 01777), 0);
	touch("roots");
	CHECK_EQ(mkdir("g", 0777), 0);
	CHECK_EQ(chown("g", 0, 50), 0);
	CHECK_EQ(chmod("g", 02777), 0);
	if ((pid = fork()) == 0) {
		umask(022);
		CHECK_EQ(setgid(1000), 0);
		CHECK_EQ(setuid(1000), 0);
		CHECK_ERR(unlink("roots"), EPERM);
		CHECK_ERR(rename("roots", "x"), EPERM);
		touch("mine");
		CHECK_EQ(unlink("mine"), 0);
		CHECK_EQ(mkdir("g/sub", 0755), 0);
		CHECK_EQ(stat("g/sub", &st), 0);
		CHECK(st.st_gid == 50 && st.st_mode == (S_IFDIR | 02755));
		touch("g/f");
		CHECK_EQ(stat("g/f", &st), 0);
		CHECK(st.st_gid == 50 && st.st_uid == 1000);
		CHECK_ERR(mknod("n", S_IFCHR | 0600, 0x103), EPERM);
		_exit(0);
	}
	reap(pid, 0);
	leave();
}

TEST(special_files)
{
	struct stat st;
	char c = 'x';
	int fd;

	enter();
	CHECK_EQ(mknod("null", S_IFCHR | 0666, 0x103), 0);
	CHECK_EQ(stat("null", &st), 0);
	CHECK(S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	fd = open("null", O_RDWR);
	if (fd >= 0) {		/* not where /tmp is mounted nodev */
		CHECK_EQ(write(fd, &c, 1), 1);
		CHECK_EQ(read(fd, &c, 1), 0);
		CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
		close(fd);
	}
	CHECK_EQ(mknod("sock", S_IFSOCK | 0600, 0), 0);
	CHECK_ERR(open("sock", O_RDONLY), ENXIO);
	CHECK_EQ(mknod("reg", 0600, 0), 0);
	CHECK_EQ(stat("reg", &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_ERR(mknod("d", S_IFDIR | 0755, 0), EPERM);
	CHECK_EQ(mknod("odd", S_IFBLK | 0600, 0xfff00), 0);
	CHECK_EQ(stat("odd", &st), 0);
	CHECK_EQ(st.st_rdev, 0xfff00);
	CHECK_EQ(open("odd", O_RDONLY), -1);
	CHECK_EQ(errno, ENXIO);
	leave();
}

TEST(mounting)
{
	struct stat a, b;
	int fd;

	enter();
	CHECK_EQ(mkdir("m", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	touch("m/under");
	if (mount("t", "m", "tmpfs", 0, "size=64k,mode=700") != 0) {
		/* Where even root may not mount. */
		CHECK_EQ(errno, EPERM);
		leave();
		return;
	}
	CHECK_EQ(stat(".", &a), 0);
	CHECK_EQ(stat("m", &b), 0);
	CHECK(a.st_dev != b.st_dev && b.st_mode == (S_IFDIR | 0700));
	CHECK_ERR(access("m/under", F_OK), ENOENT);
	touch("m/f");
	CHECK_ERR(rename("m/f", "f"), EXDEV);
	CHECK_ERR(link("m/f", "f"), EXDEV);
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_EQ(mount("m", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(access("b/f", F_OK), 0);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
	    NULL), 0);
	CHECK_ERR(open("b/g", O_CREAT | O_WRONLY, 0600), EROFS);
	touch("m/g");
	CHECK_EQ(umount("b"), 0);
	fd = open("m/f", O_RDWR);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL),
	    EBUSY);
	CHECK_ERR(umount("m"), EBUSY);
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
	CHECK_EQ(access("m/under", F_OK), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	CHECK_ERR(umount("m"), EINVAL);
	CHECK_ERR(umount("none"), ENOENT);
	CHECK_ERR(mount("t", "m", "no-such-fs", 0, NULL), ENODEV);
	leave();
}

TEST(many_at_once)
{
	enum { PROCS = 4, FILES = 200 };
	pid_t pids[PROCS];
	char name[64], other[64];
	int p, i;

	enter();
	for (p = 0; p < PROCS; p++)
		if ((pids[p] = fork()) == 0) {
			for (i = 0; i < FILES; i++) {
				snprintf(name, sizeof(name), "%d-%d", p, i);
				snprintf(other, sizeof(other), "shared-%d",
				    i % 7);
				touch(name);
				(void)rename(name, other);
				(void)link(other, name);
				(void)unlink(other);
				(void)unlink(name);
			}
			_exit(0);
		}
	for (p = 0; p < PROCS; p++)
		reap(pids[p], 0);
	leave();
}
