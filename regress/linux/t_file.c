/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files: open and its flags, reading and writing, positions, sizes,
 * attributes, locks, descriptors.  Runs as root.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "tap.h"

static char dir[64];

/* A directory of the test's own, which is also the working directory. */
static void
enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/t_file.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	CHECK_EQ(chdir(dir), 0);
}

static void
leave(const char *names)
{
	char copy[256], *p;

	snprintf(copy, sizeof(copy), "%s", names);
	for (p = strtok(copy, " "); p != NULL; p = strtok(NULL, " "))
		CHECK_EQ(unlink(p), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(rmdir(dir), 0);
}

static void
put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(close(fd), 0);
}

static void
check_text(const char *name, const char *text)
{
	char buf[256];
	int fd = open(name, O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	CHECK(n >= 0);
	buf[n] = '\0';
	CHECK_EQ(close(fd), 0);
	if (strcmp(buf, text) != 0)
		FAIL("%s has \"%s\", not \"%s\"", name, buf, text);
}

static off_t
size_of(const char *name)
{
	struct stat st;

	CHECK_EQ(stat(name, &st), 0);
	return st.st_size;
}

TEST(open_errors)
{
	enter();
	put("f", "x");
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_EQ(symlink("none", "dang"), 0);
	CHECK_ERR(open("none", O_RDONLY), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("f/x", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("d", O_WRONLY), EISDIR);
	CHECK_ERR(open("d", O_RDWR), EISDIR);
	CHECK_ERR(open("d", O_CREAT, 0600), EISDIR);
	CHECK_ERR(open("new/", O_CREAT | O_WRONLY, 0600), EISDIR);
	CHECK_ERR(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK_ERR(open("dang", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK_ERR(open("l", O_NOFOLLOW), ELOOP);
	CHECK_ERR(open("l", O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("f", O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("d/none/x", O_CREAT, 0600), ENOENT);
	CHECK_ERR(open((const char *)1, O_RDONLY), EFAULT);
	CHECK_ERR(openat(99, "f", O_RDONLY), EBADF);
	CHECK_ERR(open("d", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_EQ(rmdir("d"), 0);
	leave("f l dang");
}

TEST(open_at_a_directory)
{
	int d, fd;

	enter();
	put("f", "text");
	d = open(".", O_RDONLY | O_DIRECTORY);
	fd = openat(d, "f", O_RDONLY);
	CHECK(fd >= 0);
	close(fd);
	CHECK_ERR(openat(d, "g", O_RDONLY), ENOENT);
	fd = open("f", O_RDONLY);
	CHECK_ERR(openat(fd, "x", O_RDONLY), ENOTDIR);
	/* An absolute name does not look at the descriptor. */
	CHECK((fd = openat(-7, "/", O_RDONLY)) >= 0);
	close(fd);
	close(d);
	leave("f");
}

TEST(create_modes)
{
	struct stat st;
	int fd;

	enter();
	umask(027);
	fd = open("f", O_CREAT | O_WRONLY, 06777);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 06750);
	close(fd);
	umask(022);
	CHECK_EQ(umask(0), 022);
	/* The creator may write what its mode forbids. */
	fd = open("g", O_CREAT | O_RDWR, 0400);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | 0100000);
	close(fd);
	leave("f g");
}

TEST(truncate_and_append)
{
	int fd;

	enter();
	put("f", "0123456789");
	fd = open("f", O_WRONLY | O_APPEND);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "ab", 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 12);
	close(fd);
	check_text("f", "0123456789ab");
	fd = open("f", O_WRONLY | O_TRUNC);
	CHECK_EQ(size_of("f"), 0);
	CHECK_EQ(pwrite(fd, "z", 1, 3), 1);
	CHECK_EQ(size_of("f"), 4);
	CHECK_EQ(ftruncate(fd, 2), 0);
	CHECK_EQ(size_of("f"), 2);
	CHECK_EQ(truncate("f", 8), 0);
	CHECK_EQ(size_of("f"), 8);
	CHECK_ERR(ftruncate(fd, -1), EINVAL);
	CHECK_ERR(truncate("f", -1), EINVAL);
	CHECK_ERR(truncate(".", 0), EISDIR);
	CHECK_ERR(truncate("none", 0), ENOENT);
	close(fd);
	fd = open("f", O_RDONLY);
	CHECK_ERR(ftruncate(fd, 0), EINVAL);
	close(fd);
	leave("f");
}

TEST(read_write_errors)
{
	char buf[8];
	int fd, d;

	enter();
	put("f", "data");
	fd = open("f", O_RDONLY);
	CHECK_ERR(write(fd, "x", 1), EBADF);
	CHECK_ERR(read(fd, (void *)1, 4), EFAULT);
	CHECK_EQ(read(fd, buf, 0), 0);
	CHECK_ERR(pread(fd, buf, 4, -1), EINVAL);
	CHECK_EQ(read(fd, buf, 8), 4);
	CHECK_EQ(read(fd, buf, 8), 0);
	close(fd);
	fd = open("f", O_WRONLY);
	CHECK_ERR(read(fd, buf, 1), EBADF);
	CHECK_ERR(write(fd, (void *)1, 4), EFAULT);
	close(fd);
	CHECK_ERR(read(99, buf, 1), EBADF);
	CHECK_ERR(close(99), EBADF);
	d = open(".", O_RDONLY);
	CHECK_ERR(read(d, buf, 1), EISDIR);
	close(d);
	leave("f");
}

TEST(vectors)
{
	char a[3], b[4], many[8];
	struct iovec v[3] = { { a, 3 }, { NULL, 0 }, { b, 4 } };
	struct iovec w[2] = { { (void *)(long)"0123", 4 },
	    { (void *)(long)"45678", 5 } };
	struct iovec bad = { many, (size_t)-1 };
	int fd;

	enter();
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(writev(fd, w, 2), 9);
	CHECK_EQ(preadv(fd, v, 3, 1), 7);
	CHECK(memcmp(a, "123", 3) == 0 && memcmp(b, "4567", 4) == 0);
	CHECK_EQ(lseek(fd, 5, SEEK_SET), 5);
	CHECK_EQ(readv(fd, v, 3), 4);
	CHECK_EQ(pwritev(fd, w, 1, 2), 4);
	check_text("f", "010123678");
	CHECK_ERR(readv(fd, v, -1), EINVAL);
	CHECK_ERR(readv(fd, v, IOV_MAX + 1), EINVAL);
	CHECK_ERR(readv(fd, &bad, 1), EINVAL);
	CHECK_ERR(readv(fd, (void *)1, 1), EFAULT);
	CHECK_EQ(readv(fd, v, 0), 0);
	close(fd);
	leave("f");
}

TEST(seeking)
{
	int fd;

	enter();
	put("f", "0123456789");
	fd = open("f", O_RDWR);
	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(lseek(fd, 4, SEEK_CUR), 7);
	CHECK_EQ(lseek(fd, -1, SEEK_END), 9);
	CHECK_ERR(lseek(fd, -11, SEEK_END), EINVAL);
	CHECK_ERR(lseek(fd, 0, 77), EINVAL);
	CHECK_EQ(lseek(fd, 1 << 20, SEEK_SET), 1 << 20);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(size_of("f"), (1 << 20) + 1);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 4096);
	CHECK_EQ(lseek(fd, 4096, SEEK_DATA), 1 << 20);
	CHECK_ERR(lseek(fd, (1 << 20) + 1, SEEK_DATA), ENXIO);
	close(fd);
	leave("f");
}

TEST(size_limit)
{
	struct rlimit rl = { 10, RLIM_INFINITY };
	int fd;

	enter();
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rl), 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(write(fd, "0123456789abc", 13), 10);
	CHECK_ERR(write(fd, "x", 1), EFBIG);
	CHECK_ERR(ftruncate(fd, 11), EFBIG);
	CHECK_EQ(ftruncate(fd, 10), 0);
	close(fd);
	leave("f");
}

TEST(descriptors)
{
	int a, b, c;

	enter();
	put("f", "abc");
	a = open("f", O_RDONLY);
	b = dup(a);
	CHECK(b > a);
	CHECK_EQ(lseek(a, 2, SEEK_SET), 2);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 2);	/* one offset for both */
	CHECK_EQ(dup2(a, 50), 50);
	CHECK_EQ(dup2(a, a), a);
	CHECK_ERR(dup2(77, 77), EBADF);
	CHECK_ERR(dup2(a, -1), EBADF);
	CHECK_ERR(dup3(a, a, 0), EINVAL);
	CHECK_ERR(syscall(SYS_dup3, a, 51, 1), EINVAL);
	CHECK_EQ(dup3(a, 51, O_CLOEXEC), 51);
	CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(50, F_GETFD), 0);
	CHECK_EQ(fcntl(50, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(a, F_DUPFD, 60), 60);
	CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 60), 61);
	CHECK_ERR(fcntl(a, F_DUPFD, -1), EINVAL);
	CHECK_ERR(fcntl(a, 9999), EINVAL);
	CHECK_ERR(fcntl(99, F_GETFD), EBADF);
	CHECK_EQ(fcntl(a, F_SETFL, O_NONBLOCK | O_APPEND), 0);
	CHECK_EQ(fcntl(b, F_GETFL) & (O_NONBLOCK | O_APPEND),
	    O_NONBLOCK | O_APPEND);
	close(b);
	c = open("f", O_RDONLY);
	CHECK_EQ(c, b);				/* the lowest number */
	CHECK_EQ(syscall(SYS_close_range, 50, 61, 0), 0);
	CHECK_ERR(fcntl(60, F_GETFD), EBADF);
	CHECK_ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	leave("f");
}

TEST(descriptor_limit)
{
	struct rlimit rl = { 20, 20 };
	int i, fd = -1;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	for (i = 0; i < 30; i++) {
		errno = 0;
		fd = open("/", O_RDONLY);
		if (fd < 0)
			break;
	}
	CHECK(fd == -1 && errno == EMFILE);
	CHECK_ERR(dup2(0, 20), EBADF);
	CHECK_ERR(fcntl(0, F_DUPFD, 20), EINVAL);
}

TEST(attributes)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 6 } };
	struct stat st, st2;

	enter();
	put("f", "x");
	CHECK_EQ(chmod("f", 0751), 0);
	CHECK_EQ(chown("f", 12, 34), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0751);
	CHECK(st.st_uid == 12 && st.st_gid == 34 && st.st_nlink == 1);
	CHECK_EQ(chown("f", -1, 35), 0);
	CHECK_EQ(chmod("f", 06755), 0);
	CHECK_EQ(chown("f", 0, 0), 0);		/* takes set-id bits away */
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0755);
	CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5);
	CHECK(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 6);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec > 1000000000);
	ts[1].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_EQ(lchown("l", 7, 7), 0);
	CHECK_EQ(lstat("l", &st), 0);
	CHECK(S_ISLNK(st.st_mode) && st.st_uid == 7 && st.st_size == 1);
	CHECK_EQ(stat("l", &st2), 0);
	CHECK_EQ(st2.st_uid, 0);
	CHECK_ERR(chmod("none", 0), ENOENT);
	CHECK_EQ(link("f", "h"), 0);
	CHECK_EQ(stat("h", &st), 0);
	CHECK(st.st_nlink == 2 && st.st_ino == st2.st_ino &&
	    st.st_dev == st2.st_dev);
	leave("f l h");
}

TEST(statx_and_fstatat)
{
	unsigned int sx[64];
	struct stat st;
	int fd;

	enter();
	put("f", "12345");
	fd = open("f", O_RDONLY);
	CHECK_EQ(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_blksize, 4096);
	CHECK_EQ(st.st_blocks, 8);
	CHECK_ERR(fstatat(fd, "", &st, 0), ENOENT);
	CHECK_ERR(fstatat(fd, "f", &st, 0), ENOTDIR);
	CHECK_ERR(fstatat(AT_FDCWD, "f", &st, 0x10), EINVAL);
	CHECK_EQ(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0xfff, sx), 0);
	CHECK((sx[0] & 0x7ff) == 0x7ff);
	CHECK_EQ(sx[10], 5);			/* stx_size */
	CHECK_ERR(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x80000000U, sx),
	    EINVAL);
	close(fd);
	leave("f");
}

TEST(access_checks)
{
	pid_t pid;

	enter();
	put("f", "x");
	CHECK_EQ(chmod("f", 0640), 0);
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(access("f", R_OK | W_OK), 0);
	CHECK_ERR(access("f", X_OK), EACCES);	/* not even root */
	CHECK_ERR(access("none", F_OK), ENOENT);
	CHECK_ERR(access("f", 8), EINVAL);
	if ((pid = fork()) == 0) {
		CHECK_EQ(setgid(1000), 0);
		CHECK_EQ(setuid(1000), 0);
		CHECK_EQ(access("f", F_OK), 0);
		CHECK_ERR(access("f", R_OK), EACCES);
		CHECK_ERR(open("f", O_RDONLY), EACCES);
		CHECK_ERR(open("g", O_CREAT | O_WRONLY, 0600), EACCES);
		CHECK_ERR(chmod("f", 0777), EPERM);
		CHECK_ERR(unlink("f"), EACCES);
		_exit(0);
	}
	reap(pid, 0);
	leave("f");
}

TEST(path_descriptors)
{
	struct stat st;
	char buf[4];
	int fd;

	enter();
	put("f", "abc");
	CHECK_EQ(symlink("f", "l"), 0);
	fd = open("f", O_PATH);
	CHECK_ERR(read(fd, buf, 1), EBADF);
	CHECK_ERR(syscall(SYS_fchmod, fd, 0), EBADF);
	CHECK_ERR(ioctl(fd, FIONREAD, buf), EBADF);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(fcntl(fd, F_GETFL), O_PATH);
	close(fd);
	fd = open("l", O_PATH | O_NOFOLLOW);
	CHECK_EQ(readlinkat(fd, "", buf, 4), 1);
	close(fd);
	leave("f l");
}

TEST(unnamed_files)
{
	char name[64];
	int fd;

	enter();
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "tmp", 3), 3);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_EQ(linkat(AT_FDCWD, name, AT_FDCWD, "f", AT_SYMLINK_FOLLOW), 0);
	check_text("f", "tmp");
	close(fd);
	fd = open("f", O_RDONLY);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(read(fd, name, 3), 3);		/* lives on without a name */
	CHECK_EQ(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH), -1);
	CHECK_EQ(errno, ENOENT);
	close(fd);
	leave("");
}

TEST(mapped_files)
{
	char *p, *q;
	int fd;

	enter();
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(ftruncate(fd, 10000), 0);
	p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	CHECK_EQ(pwrite(fd, "file", 4, 5000), 4);
	CHECK(memcmp(p + 5000, "file", 4) == 0);
	CHECK(memcmp(q + 5000, "file", 4) == 0);
	memcpy(p + 100, "mapped", 6);
	memcpy(q + 200, "mine", 4);
	CHECK_EQ(pread(fd, q + 8000, 6, 100), 6);
	CHECK(memcmp(q + 8000, "mapped", 6) == 0);
	CHECK_EQ(p[200], 0);
	/* A write from the mapping of the same file. */
	CHECK_EQ(pwrite(fd, p + 100, 6, 300), 6);
	CHECK(memcmp(p + 300, "mapped", 6) == 0);
	close(fd);
	CHECK_EQ(munmap(p, 10000), 0);
	CHECK_EQ(size_of("f"), 10000);
	leave("f");
}

TEST(allocation)
{
	struct stat st;
	int fd;

	enter();
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(fallocate(fd, 0, 0, 100000), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 100000);
	CHECK(st.st_blocks * 512 >= 100000);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    65536), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 100000);
	CHECK(st.st_blocks * 512 < 65536);
	CHECK_ERR(fallocate(fd, 0, -1, 5), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 5), EOPNOTSUPP);
	close(fd);
	leave("f");
}

TEST(posix_locks_between_processes)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = 10, .l_len = 20 };
	pid_t pid;
	int fd;

	enter();
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(fcntl(fd, F_SETLK, &fl), 0);
	if ((pid = fork()) == 0) {
		struct flock q = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
		    .l_start = 0, .l_len = 0 };

		CHECK_EQ(fcntl(fd, F_GETLK, &q), 0);
		CHECK_EQ(q.l_type, F_WRLCK);
		CHECK(q.l_start == 10 && q.l_len == 20);
		CHECK_EQ(q.l_pid, getppid());
		CHECK_ERR(fcntl(fd, F_SETLK,
		    &(struct flock){ .l_type = F_RDLCK, .l_start = 29,
		    .l_len = 1 }), EAGAIN);
		CHECK_EQ(fcntl(fd, F_SETLK,
		    &(struct flock){ .l_type = F_RDLCK, .l_start = 30,
		    .l_len = 1 }), 0);
		_exit(0);
	}
	reap(pid, 0);
	/* The child waits until we let it go. */
	if ((pid = fork()) == 0) {
		CHECK_EQ(fcntl(fd, F_SETLKW, &fl), 0);
		_exit(0);
	}
	sleep_ms(50);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	fl.l_type = F_UNLCK;
	CHECK_EQ(fcntl(fd, F_SETLK, &fl), 0);
	reap(pid, 0);
	close(fd);
	leave("f");
}

static int
setting(const char *name)
{
	char path[64], c = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/fs/protected_%s", name);
	CHECK((fd = open(path, O_RDONLY)) >= 0);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(close(fd), 0);
	return c - '0';
}

/* As user 1000, in a directory like /tmp. */
static void
set_traps(void)
{
	bool links = setting("hardlinks") == 1;

	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(symlink("mine", "trap/link"), 0);
	if (links)
		CHECK_ERR(link("mine", "trap/hard"), EPERM);
	else
		CHECK_EQ(link("mine", "trap/hard"), 0);
	CHECK_EQ(open("trap/link", O_RDONLY), -1);	/* it dangles */
	CHECK_EQ(errno, ENOENT);
	CHECK_EQ(symlink("..", "trap/up"), 0);
	_exit(0);
}

TEST(traps_in_a_directory_for_all)
{
	struct stat st;
	int fd, status;

	enter();
	fd = open("mine", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0 && chmod(".", 0755) == 0);
	CHECK(mkdir("trap", 0777) == 0 && chmod("trap", 01777) == 0);
	if (fork() == 0)
		set_traps();
	CHECK(wait(&status) > 0 && status == 0);
	if (setting("symlinks") == 1) {
		CHECK_ERR(open("trap/link", O_RDONLY), EACCES);
		CHECK_ERR(open("trap/link", O_CREAT | O_WRONLY, 0600), EACCES);
		CHECK_ERR(stat("trap/up", &st), EACCES);
	}
	/* Only the last component counts. */
	CHECK_EQ(stat("trap/up/mine", &st), 0);
	CHECK_EQ(lstat("trap/link", &st), 0);
	CHECK_EQ(chmod("trap", 0777), 0);
	CHECK_EQ(stat("trap/up", &st), 0);
	if (stat("trap/hard", &st) == 0)
		CHECK_EQ(unlink("trap/hard"), 0);
	CHECK(unlink("trap/link") == 0 && unlink("trap/up") == 0);
	CHECK(rmdir("trap") == 0 && close(fd) == 0);
	leave("mine");
}

/* /proc/locks has a line with these words; how many? */
static int
proc_locks(const char *words, ino_t ino, int pid)
{
	char line[256], want[128], rest[64];
	FILE *f = fopen("/proc/locks", "r");
	int n = 0;

	CHECK(f != NULL);
	snprintf(want, sizeof(want), "%s %d ", words, pid);
	snprintf(rest, sizeof(rest), ":%lu ", (unsigned long)ino);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, want) != NULL && strstr(line, rest) != NULL)
			n++;
	fclose(f);
	return n;
}

TEST(proc_locks_shows_locks)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = 10, .l_len = 5 };
	struct stat st;
	int fd;

	enter();
	fd = open("lk", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(proc_locks("ADVISORY  WRITE", st.st_ino, getpid()), 0);
	CHECK_EQ(fcntl(fd, F_SETLK, &fl), 0);
	CHECK_EQ(proc_locks("POSIX  ADVISORY  WRITE", st.st_ino, getpid()),
	    1);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK_EQ(proc_locks("FLOCK  ADVISORY  WRITE", st.st_ino, getpid()),
	    1);
	/* Cut in two. */
	fl.l_type = F_UNLCK;
	fl.l_start = 12;
	fl.l_len = 1;
	CHECK_EQ(fcntl(fd, F_SETLK, &fl), 0);
	CHECK_EQ(proc_locks("POSIX  ADVISORY  WRITE", st.st_ino, getpid()),
	    2);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(proc_locks("ADVISORY  WRITE", st.st_ino, getpid()), 0);
	leave("lk");
}

TEST(flock_between_files)
{
	int a, b;

	enter();
	put("f", "");
	a = open("f", O_RDONLY);
	b = open("f", O_RDONLY);
	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	close(a);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(b, 77), EINVAL);
	close(b);
	leave("f");
}

TEST(copying)
{
	off_t off = 2;
	int in, out;

	enter();
	put("a", "0123456789");
	in = open("a", O_RDONLY);
	out = open("b", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(sendfile(out, in, &off, 3), 3);
	CHECK_EQ(off, 5);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	CHECK_EQ(sendfile(out, in, NULL, 100), 10);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	check_text("b", "2340123456789");
	off = 0;
	CHECK_EQ(syscall(SYS_copy_file_range, in, &off, out, NULL, 4, 0), 4);
	check_text("b", "23401234567890123");
	CHECK_ERR(syscall(SYS_copy_file_range, in, &off, out, NULL, 4, 1),
	    EINVAL);
	CHECK_ERR(syscall(SYS_copy_file_range, out, &off, in, NULL, 4, 0),
	    EBADF);
	leave("a b");
}

TEST(extended_attributes)
{
	char buf[64];
	int fd;

	enter();
	put("f", "");
	CHECK_EQ(setxattr("f", "trusted.a", "value", 5, 0), 0);
	CHECK_EQ(getxattr("f", "trusted.a", NULL, 0), 5);
	CHECK_EQ(getxattr("f", "trusted.a", buf, 64), 5);
	CHECK(memcmp(buf, "value", 5) == 0);
	CHECK_ERR(getxattr("f", "trusted.a", buf, 2), ERANGE);
	CHECK_ERR(getxattr("f", "trusted.b", buf, 64), ENODATA);
	CHECK_ERR(setxattr("f", "trusted.a", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_ERR(setxattr("f", "trusted.b", "x", 1, XATTR_REPLACE), ENODATA);
	CHECK_ERR(setxattr("f", "nonsense", "x", 1, 0), EOPNOTSUPP);
	fd = open("f", O_RDONLY);
	CHECK(flistxattr(fd, buf, 64) >= 10);
	CHECK_EQ(fremovexattr(fd, "trusted.a"), 0);
	CHECK_ERR(removexattr("f", "trusted.a"), ENODATA);
	close(fd);
	leave("f");
}

TEST(memory_files)
{
	char buf[8];
	int fd = syscall(SYS_memfd_create, "name", 1);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(pread(fd, buf, 8, 1), 2);
	CHECK_EQ(ftruncate(fd, 1 << 20), 0);
	close(fd);
	CHECK_ERR(syscall(SYS_memfd_create, "name", 0x1000), EINVAL);
}

TEST(file_system_figures)
{
	struct statfs sf;
	int fd;

	CHECK_EQ(statfs("/tmp", &sf), 0);
	CHECK(sf.f_bsize >= 512 && sf.f_namelen == 255);
	fd = open("/tmp", O_RDONLY);
	CHECK_EQ(fstatfs(fd, &sf), 0);
	CHECK_ERR(statfs("/none", &sf), ENOENT);
	CHECK_ERR(fstatfs(99, &sf), EBADF);
	CHECK_EQ(syscall(SYS_syncfs, fd), 0);
	CHECK_EQ(fsync(fd), 0);
	sync();
}

TEST(openat2_limits_the_walk)
{
	struct { unsigned long long flags, mode, resolve, more; } how;
	int d, fd;

	enter();
	put("f", "x");
	CHECK_EQ(symlink("/etc", "abs"), 0);
	CHECK_EQ(symlink("f", "rel"), 0);
	d = open(".", O_PATH);
	memset(&how, 0, sizeof(how));
	fd = syscall(SYS_openat2, d, "f", &how, 24);
	CHECK(fd >= 0);
	close(fd);
	CHECK_ERR(syscall(SYS_openat2, d, "f", &how, 23), EINVAL);
	fd = syscall(SYS_openat2, d, "f", &how, 32);
	CHECK(fd >= 0);
	close(fd);
	how.more = 1;
	CHECK_ERR(syscall(SYS_openat2, d, "f", &how, 32), E2BIG);
	how.mode = 0600;
	CHECK_ERR(syscall(SYS_openat2, d, "f", &how, 24), EINVAL);
	how.mode = 0;
	how.resolve = 8;			/* RESOLVE_BENEATH */
	fd = syscall(SYS_openat2, d, "rel", &how, 24);
	CHECK(fd >= 0);
	close(fd);
	CHECK_ERR(syscall(SYS_openat2, d, "..", &how, 24), EXDEV);
	CHECK_ERR(syscall(SYS_openat2, d, "abs", &how, 24), EXDEV);
	how.resolve = 4;			/* RESOLVE_NO_SYMLINKS */
	CHECK_ERR(syscall(SYS_openat2, d, "rel", &how, 24), ELOOP);
	how.resolve = 0x1000;
	CHECK_ERR(syscall(SYS_openat2, d, "rel", &how, 24), EINVAL);
	close(d);
	leave("f abs rel");
}

TEST(bytes_to_read)
{
	int fd, n;

	enter();
	put("f", "0123456789");
	fd = open("f", O_RDONLY);
	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(ioctl(fd, FIONREAD, &n), 0);
	CHECK_EQ(n, 7);
	CHECK_ERR(ioctl(fd, TIOCGWINSZ, &n), ENOTTY);
	CHECK_ERR(ioctl(99, FIONREAD, &n), EBADF);
	CHECK_EQ(ioctl(fd, FIOCLEX), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	leave("f");
}
