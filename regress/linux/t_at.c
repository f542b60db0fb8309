/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on names relative to a directory, modes, owners and times of files.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <utime.h>

#include "tap.h"

#ifdef __i386__
#define	SYS_FCHOWN	SYS_fchown32	/* ids of 32 bits */
#else
#define	SYS_FCHOWN	SYS_fchown
#endif

static int dir;			/* where the names are */

static void
begin(void)
{
	char name[] = "at.XXXXXX";

	CHECK(mkdtemp(name) != NULL);
	CHECK_EQ(chmod(name, 0755), 0);
	CHECK_EQ(chdir(name), 0);
	CHECK_EQ(mkdir("at", 0755), 0);
	CHECK((dir = open("at", O_RDONLY | O_DIRECTORY)) >= 0);
	umask(0);
}

static void
file(const char *name, mode_t mode)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY, mode);

	CHECK(fd >= 0);
	CHECK_EQ(close(fd), 0);
}

static struct stat
look(const char *name)
{
	struct stat st;

	CHECK_EQ(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

TEST(making)
{
	struct stat st;
	char buf[16];
	int fd;

	begin();
	CHECK_EQ(mkdirat(dir, "d", 0751), 0);
	CHECK_EQ(look("d").st_mode, S_IFDIR | 0751);
	CHECK_ERR(mkdirat(dir, "d", 0755), EEXIST);
	CHECK_ERR(mkdirat(-1, "d", 0755), EBADF);
	CHECK_EQ(mknodat(dir, "p", S_IFIFO | 0640, 0), 0);
	CHECK_EQ(look("p").st_mode, S_IFIFO | 0640);
	CHECK_EQ(mknodat(dir, "f", 0600, 0), 0);
	st = look("f");
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(st.st_size, 0);
	CHECK_ERR(mknodat(dir, "x", S_IFDIR | 0755, 0), EPERM);
	CHECK_ERR(mknodat(dir, "x", S_IFLNK | 0755, 0), EINVAL);
	CHECK_EQ(symlinkat("over there", dir, "s"), 0);
	CHECK(S_ISLNK(look("s").st_mode));
	CHECK_EQ(look("s").st_size, 10);
	CHECK_EQ(readlinkat(dir, "s", buf, sizeof(buf)), 10);
	CHECK_EQ(memcmp(buf, "over there", 10), 0);
	CHECK_EQ(readlinkat(dir, "s", buf, 4), 4);
	CHECK_ERR(syscall(SYS_readlinkat, dir, "s", buf, 0), EINVAL);
	CHECK_ERR(readlinkat(dir, "f", buf, 4), EINVAL);
	CHECK_ERR(symlinkat("", dir, "t"), ENOENT);
	CHECK_ERR(symlinkat("a", dir, "s"), EEXIST);
	/* A file is no directory to start from; nor is it needed for "/". */
	CHECK((fd = openat(dir, "f", O_RDONLY)) >= 0);
	CHECK_ERR(mkdirat(fd, "d", 0755), ENOTDIR);
	CHECK_EQ(faccessat(fd, "/", F_OK, 0), 0);
	CHECK_EQ(faccessat(-1, "/", F_OK, 0), 0);
	CHECK((fd = creat("at/c", 0604)) >= 0);
	CHECK_EQ(look("c").st_mode, S_IFREG | 0604);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(fdatasync(fd), 0);
	CHECK_ERR(read(fd, buf, 1), EBADF);
	CHECK((fd = creat("at/c", 0)) >= 0);
	CHECK_EQ(look("c").st_size, 0);
	CHECK_EQ(look("c").st_mode, S_IFREG | 0604);
	CHECK_ERR(fdatasync(-1), EBADF);
}

TEST(moving_and_linking)
{
	ino_t ino;

	begin();
	file("a", 0600);
	ino = look("a").st_ino;
	CHECK_EQ(renameat(dir, "a", AT_FDCWD, "b"), 0);
	CHECK_ERR(faccessat(dir, "a", F_OK, 0), ENOENT);
	CHECK_EQ(renameat(AT_FDCWD, "b", dir, "c"), 0);
	CHECK_EQ(look("c").st_ino, ino);
	CHECK_EQ(linkat(dir, "c", dir, "d", 0), 0);
	CHECK_EQ(look("d").st_nlink, 2);
	/* Two names of one file: nothing happens. */
	CHECK_EQ(renameat(dir, "c", dir, "d"), 0);
	CHECK_EQ(look("c").st_ino, ino);
	CHECK_EQ(symlinkat("c", dir, "s"), 0);
	CHECK_EQ(linkat(dir, "s", dir, "s2", 0), 0);
	CHECK(S_ISLNK(look("s2").st_mode));
	CHECK_EQ(linkat(dir, "s", dir, "e", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(look("e").st_ino, ino);
	CHECK_ERR(linkat(dir, "c", dir, "x", 0x4000), EINVAL);
	CHECK_ERR(linkat(dir, "c", dir, "d", 0), EEXIST);
	CHECK_EQ(mkdirat(dir, "dir", 0755), 0);
	CHECK_ERR(linkat(dir, "dir", dir, "x", 0), EPERM);
	CHECK_ERR(unlinkat(dir, "dir", 0), EISDIR);
	CHECK_ERR(unlinkat(dir, "c", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERR(unlinkat(dir, "c", 0x4000), EINVAL);
	CHECK_EQ(unlinkat(dir, "dir", AT_REMOVEDIR), 0);
	CHECK_EQ(unlinkat(dir, "c", 0), 0);
	CHECK_ERR(unlinkat(dir, "c", 0), ENOENT);
}

TEST(owners)
{
	int fd, o_path;

	begin();
	file("f", 06755);
	CHECK((fd = openat(dir, "f", O_RDONLY)) >= 0);
	CHECK((o_path = openat(dir, "f", O_PATH)) >= 0);
	CHECK_EQ(fchown(fd, 5, 6), 0);
	CHECK_EQ(look("f").st_uid, 5);
	CHECK_EQ(look("f").st_gid, 6);
	/* Root's chown, too, takes the bits that lend rights. */
	CHECK_EQ(look("f").st_mode & 07777, 0755);
	CHECK_EQ(fchown(fd, -1, 7), 0);
	CHECK_EQ(look("f").st_uid, 5);
	CHECK_EQ(look("f").st_gid, 7);
	CHECK_ERR(syscall(SYS_FCHOWN, o_path, 1, 1), EBADF);
	CHECK_ERR(fchown(-1, 1, 1), EBADF);
	CHECK_EQ(fchownat(o_path, "", 8, -1, AT_EMPTY_PATH), 0);
	CHECK_EQ(look("f").st_uid, 8);
	CHECK_ERR(fchownat(dir, "", 8, -1, 0), ENOENT);
	CHECK_EQ(symlinkat("f", dir, "s"), 0);
	CHECK_EQ(fchownat(dir, "s", 9, 9, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(look("s").st_uid, 9);
	CHECK_EQ(look("f").st_uid, 8);
	CHECK_EQ(fchownat(dir, "s", 1000, 1000, 0), 0);
	CHECK_EQ(look("f").st_uid, 1000);
	CHECK_ERR(fchownat(dir, "f", 1, 1, 0x4000), EINVAL);
	CHECK_EQ(fchmodat(dir, "f", 02775, 0), 0);
	become_user();
	CHECK_ERR(fchownat(dir, "f", 1001, -1, 0), EPERM);
	CHECK_ERR(fchownat(dir, "f", -1, 1001, 0), EPERM);
	/* To what it is already: allowed, and the bits go. */
	CHECK_EQ(fchownat(dir, "f", 1000, 1000, 0), 0);
	CHECK_EQ(look("f").st_mode & 07777, 0775);
}

TEST(modes)
{
	int fd;

	begin();
	file("f", 0600);
	CHECK((fd = openat(dir, "f", O_RDONLY)) >= 0);
	CHECK_EQ(fchmodat(dir, "f", 04711, 0), 0);
	CHECK_EQ(look("f").st_mode, S_IFREG | 04711);
	CHECK_EQ(fchmod(fd, 0444), 0);
	CHECK_EQ(look("f").st_mode, S_IFREG | 0444);
	/* The type is not to be changed, and not looked at. */
	CHECK_EQ(syscall(SYS_fchmodat, dir, "f", S_IFDIR | 0640), 0);
	CHECK_EQ(look("f").st_mode, S_IFREG | 0640);
	CHECK_ERR(syscall(SYS_fchmodat, dir, "none", 0600), ENOENT);
	CHECK_ERR(syscall(SYS_fchmodat, -1, "f", 0600), EBADF);
	CHECK_EQ(fchown(fd, 1000, 2000), 0);
	become_user();
	/* Not of that group: no such bit. */
	CHECK_EQ(fchmod(fd, 02770), 0);
	CHECK_EQ(look("f").st_mode, S_IFREG | 0770);
}

TEST(access)
{
	begin();
	file("f", 0640);
	CHECK_EQ(fchownat(dir, "f", 1000, 2000, 0), 0);
	CHECK_EQ(symlinkat("none", dir, "s"), 0);
	CHECK_EQ(faccessat(dir, "f", R_OK | W_OK, 0), 0);
	/* Root executes what somebody may execute. */
	CHECK_ERR(faccessat(dir, "f", X_OK, 0), EACCES);
	CHECK_ERR(faccessat(dir, "f", 8, 0), EINVAL);
	CHECK_ERR(faccessat(dir, "s", F_OK, 0), ENOENT);
	CHECK_EQ(syscall(SYS_faccessat2, dir, "s", F_OK, AT_SYMLINK_NOFOLLOW),
	    0);
	CHECK_ERR(syscall(SYS_faccessat2, dir, "f", F_OK, 0x8000), EINVAL);
	CHECK_EQ(syscall(SYS_faccessat2, dir, "", F_OK, AT_EMPTY_PATH), 0);
	CHECK_EQ(setresuid(1001, 1000, 0), 0);
	CHECK_ERR(faccessat(dir, "f", R_OK, 0), EACCES);
	CHECK_EQ(syscall(SYS_faccessat2, dir, "f", R_OK | W_OK, AT_EACCESS), 0);
}

static void
times(const char *name, long a, long ansec, long m, long mnsec)
{
	struct stat st = look(name);

	CHECK_EQ(st.st_atim.tv_sec, a);
	CHECK_EQ(st.st_atim.tv_nsec, ansec);
	CHECK_EQ(st.st_mtim.tv_sec, m);
	CHECK_EQ(st.st_mtim.tv_nsec, mnsec);
}

TEST(times)
{
	struct utimbuf ut = { 1000000, 2000000 };
	struct timeval tv[2] = { { 3000000, 5 }, { 4000000, 6 } };
	struct timespec ts[2] = { { 5000000, 7 }, { 6000000, 8 } };
	time_t now = time(NULL);

	begin();
	file("f", 0600);
	CHECK_EQ(symlinkat("f", dir, "s"), 0);
	CHECK_EQ(utime("at/f", &ut), 0);
	times("f", 1000000, 0, 2000000, 0);
	CHECK(look("f").st_ctime >= now - 1);
	CHECK_EQ(utimes("at/f", tv), 0);
	times("f", 3000000, 5000, 4000000, 6000);
	tv[0].tv_sec = 9;
	CHECK_EQ(futimesat(dir, "s", tv), 0);
	times("f", 9, 5000, 4000000, 6000);
	tv[0].tv_usec = 1000000;
	CHECK_ERR(syscall(SYS_utimes, "at/f", tv), EINVAL);
	CHECK_EQ(utimensat(dir, "s", ts, AT_SYMLINK_NOFOLLOW), 0);
	times("s", 5000000, 7, 6000000, 8);
	ts[0].tv_nsec = UTIME_OMIT;
	CHECK_EQ(utimensat(dir, "f", ts, 0), 0);
	times("f", 9, 5000, 6000000, 8);
	ts[1].tv_nsec = UTIME_OMIT;
	/* Nothing to do, so nothing is looked at. */
	CHECK_EQ(utimensat(dir, "none", ts, 0), 0);
	ts[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(utimensat(dir, "f", ts, 0), 0);
	CHECK(look("f").st_mtime >= now - 1);
	ts[1].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(dir, "f", ts, 0), EINVAL);
	ts[1].tv_nsec = 0;
	CHECK_ERR(utimensat(dir, "f", ts, 0x8000), EINVAL);
	CHECK_ERR(utimensat(-1, "f", ts, 0), EBADF);
	CHECK_EQ(utime("at/f", NULL), 0);
	CHECK(look("f").st_atime >= now - 1);
}

TEST(who_may_set_times)
{
	struct timespec ts[2] = { { 1, 1 }, { 2, 2 } };

	begin();
	file("f", 0666);
	file("g", 0600);
	become_user();
	CHECK_EQ(utimensat(dir, "f", NULL, 0), 0);
	CHECK_ERR(utimensat(dir, "f", ts, 0), EPERM);
	CHECK_ERR(utimensat(dir, "g", NULL, 0), EACCES);
	ts[0].tv_nsec = ts[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(utimensat(dir, "f", ts, 0), 0);
}

/* Set, read, list and remove one; `trusted' is for links, too. */
TEST(attributes_of_links_and_descriptors)
{
	char buf[64];
	int fd;

	begin();
	file("f", 0600);
	CHECK_EQ(symlinkat("f", dir, "s"), 0);
	CHECK((fd = openat(dir, "f", O_RDONLY)) >= 0);
	if (fsetxattr(fd, "trusted.a", "1234", 4, 0) == -1 &&
	    (errno == EOPNOTSUPP || errno == EPERM))
		SKIP("no such attributes here");
	CHECK_EQ(fgetxattr(fd, "trusted.a", buf, sizeof(buf)), 4);
	CHECK_EQ(memcmp(buf, "1234", 4), 0);
	CHECK_EQ(fgetxattr(fd, "trusted.a", NULL, 0), 4);
	CHECK_ERR(fgetxattr(fd, "trusted.a", buf, 3), ERANGE);
	CHECK_ERR(fgetxattr(fd, "trusted.b", buf, 3), ENODATA);
	CHECK_ERR(fsetxattr(fd, "trusted.a", "5", 1, XATTR_CREATE), EEXIST);
	CHECK_ERR(fsetxattr(fd, "trusted.b", "5", 1, XATTR_REPLACE), ENODATA);
	CHECK_ERR(fsetxattr(fd, "trusted.b", "5", 1, 4), EINVAL);
	CHECK_EQ(flistxattr(fd, buf, sizeof(buf)), 10);
	CHECK_EQ(memcmp(buf, "trusted.a", 10), 0);
	CHECK_EQ(listxattr("at/s", buf, sizeof(buf)), 10);
	CHECK_EQ(llistxattr("at/s", buf, sizeof(buf)), 0);
	CHECK_ERR(listxattr("at/s", buf, 9), ERANGE);
	CHECK_EQ(listxattr("at/s", NULL, 0), 10);
	CHECK_EQ(lsetxattr("at/s", "trusted.l", "77", 2, 0), 0);
	CHECK_EQ(lgetxattr("at/s", "trusted.l", buf, sizeof(buf)), 2);
	CHECK_ERR(getxattr("at/s", "trusted.l", buf, sizeof(buf)), ENODATA);
	CHECK_EQ(lremovexattr("at/s", "trusted.l"), 0);
	CHECK_ERR(lremovexattr("at/s", "trusted.l"), ENODATA);
	CHECK_EQ(fremovexattr(fd, "trusted.a"), 0);
	CHECK_ERR(fremovexattr(fd, "trusted.a"), ENODATA);
	/* `user' is for files and directories only. */
	CHECK_ERR(lsetxattr("at/s", "user.l", "77", 2, 0), EPERM);
	CHECK_ERR(setxattr("at/f", "nothing.l", "77", 2, 0), EOPNOTSUPP);
	CHECK_ERR(setxattr("at/f", "", "77", 2, 0), ERANGE);
}
