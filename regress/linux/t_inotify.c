/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify: each kind of event, on files and in directories.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tap.h"

#ifndef RENAME_EXCHANGE
#define	RENAME_EXCHANGE	2
#endif

static char dir[64], buf[8192];
static ssize_t have, at;
static int in;

static void
start(void)
{
	snprintf(dir, sizeof(dir), "/tmp/t_inotify.%d", (int)getpid());
	CHECK_EQ(mkdir(dir, 0755), 0);
	CHECK_EQ(chdir(dir), 0);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(in >= 0);
}

static void
end(void)
{
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(rmdir(dir), 0);
}

static void
make(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR, 0644);

	CHECK(fd >= 0);
	close(fd);
}

/* The next event, which must be this one; its cookie. */
static uint32_t
expect(int wd, uint32_t mask, const char *name)
{
	struct inotify_event *e;

	if (at >= have) {
		have = read(in, buf, sizeof(buf));
		at = 0;
		if (have <= 0)
			FAIL("no event where %#x was expected", mask);
	}
	e = (struct inotify_event *)(void *)(buf + at);
	at += (ssize_t)(sizeof(*e) + e->len);
	if (e->wd != wd || e->mask != mask ||
	    strcmp(e->len > 0 ? e->name : "", name) != 0)
		FAIL("got wd %d, mask %#x, name '%s'; not %d, %#x, '%s'",
		    e->wd, e->mask, e->len > 0 ? e->name : "", wd, mask, name);
	return e->cookie;
}

static void
nothing(void)
{
	CHECK_EQ(at, have);
	CHECK_ERR(read(in, buf, sizeof(buf)), EAGAIN);
}

TEST(a_file)
{
	char c;
	int wd, fd;

	start();
	make("f");
	wd = inotify_add_watch(in, "f", IN_ALL_EVENTS);
	CHECK_EQ(wd, 1);
	fd = open("f", O_RDWR);
	expect(wd, IN_OPEN, "");
	CHECK_EQ(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "");
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	expect(wd, IN_ACCESS, "");
	CHECK_EQ(pread(fd, &c, 1, 5), 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	expect(wd, IN_MODIFY, "");
	CHECK_EQ(fchmod(fd, 0600), 0);
	expect(wd, IN_ATTRIB, "");
	close(fd);
	expect(wd, IN_CLOSE_WRITE, "");
	fd = open("f", O_RDONLY);
	expect(wd, IN_OPEN, "");
	close(fd);
	expect(wd, IN_CLOSE_NOWRITE, "");
	CHECK_EQ(truncate("f", 10), 0);
	expect(wd, IN_MODIFY, "");
	CHECK_EQ(link("f", "g"), 0);
	expect(wd, IN_ATTRIB, "");
	CHECK_EQ(rename("f", "h"), 0);
	expect(wd, IN_MOVE_SELF, "");
	CHECK_EQ(unlink("g"), 0);
	expect(wd, IN_ATTRIB, "");
	nothing();
	CHECK_EQ(unlink("h"), 0);
	expect(wd, IN_ATTRIB, "");
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	nothing();
	CHECK_ERR(inotify_rm_watch(in, wd), EINVAL);
	end();
}

TEST(a_file_that_is_open_when_it_goes)
{
	int wd, fd;

	start();
	make("f");
	fd = open("f", O_RDONLY);
	wd = inotify_add_watch(in, "f", IN_DELETE_SELF);
	CHECK_EQ(unlink("f"), 0);
	nothing();
	close(fd);
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	end();
}

TEST(a_directory)
{
	uint32_t from, to;
	int wd, fd;

	start();
	wd = inotify_add_watch(in, ".", IN_ALL_EVENTS);
	fd = open("f", O_CREAT | O_WRONLY, 0644);
	expect(wd, IN_CREATE, "f");
	expect(wd, IN_OPEN, "f");
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(write(fd, "x", 1), 1);		/* the same: only once */
	close(fd);
	expect(wd, IN_MODIFY, "f");
	expect(wd, IN_CLOSE_WRITE, "f");
	CHECK_EQ(mkdir("d", 0755), 0);
	expect(wd, IN_CREATE | IN_ISDIR, "d");
	CHECK_EQ(symlink("f", "l"), 0);
	expect(wd, IN_CREATE, "l");
	CHECK_EQ(link("f", "f2"), 0);
	expect(wd, IN_CREATE, "f2");
	CHECK_EQ(chmod("f", 0600), 0);
	expect(wd, IN_ATTRIB, "f");
	CHECK_EQ(rename("f", "a-longer-name-of-it"), 0);
	from = expect(wd, IN_MOVED_FROM, "f");
	to = expect(wd, IN_MOVED_TO, "a-longer-name-of-it");
	CHECK(from == to && from != 0);
	CHECK_EQ(unlink("f2"), 0);
	expect(wd, IN_DELETE, "f2");
	CHECK_EQ(unlink("l"), 0);
	expect(wd, IN_DELETE, "l");
	CHECK_EQ(rmdir("d"), 0);
	expect(wd, IN_DELETE | IN_ISDIR, "d");
	CHECK_EQ(unlink("a-longer-name-of-it"), 0);
	expect(wd, IN_DELETE, "a-longer-name-of-it");
	nothing();
	end();
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	nothing();
}

TEST(between_directories)
{
	uint32_t from, to;
	int a, b;

	start();
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	CHECK_EQ(mkdir("a/d", 0755), 0);
	make("a/f");
	make("b/f");
	a = inotify_add_watch(in, "a", IN_MOVE);
	b = inotify_add_watch(in, "b", IN_MOVE | IN_DELETE);
	CHECK_EQ(rename("a/d", "b/e"), 0);
	from = expect(a, IN_MOVED_FROM | IN_ISDIR, "d");
	to = expect(b, IN_MOVED_TO | IN_ISDIR, "e");
	CHECK_EQ(from, to);
	CHECK_EQ(rename("a/f", "b/f"), 0);	/* over another */
	from = expect(a, IN_MOVED_FROM, "f");
	to = expect(b, IN_MOVED_TO, "f");
	CHECK_EQ(from, to);
	nothing();
	CHECK_EQ(rename("b/f", "f"), 0);
	expect(b, IN_MOVED_FROM, "f");
	nothing();
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(rmdir("b/e"), 0);
	expect(b, IN_DELETE | IN_ISDIR, "e");
	CHECK_EQ(rmdir("a"), 0);
	expect(a, IN_IGNORED, "");
	CHECK_EQ(rmdir("b"), 0);
	expect(b, IN_IGNORED, "");
	end();
}

TEST(masks)
{
	int wd;

	start();
	make("f");
	wd = inotify_add_watch(in, "f", IN_OPEN);
	CHECK_EQ(inotify_add_watch(in, "f", IN_ATTRIB | IN_MASK_ADD), wd);
	close(open("f", O_RDONLY));
	expect(wd, IN_OPEN, "");
	CHECK_EQ(chmod("f", 0600), 0);
	expect(wd, IN_ATTRIB, "");
	CHECK_EQ(inotify_add_watch(in, "f", IN_ATTRIB), wd);
	close(open("f", O_RDONLY));
	nothing();
	CHECK_EQ(inotify_add_watch(in, "f", IN_OPEN | IN_ONESHOT), wd);
	close(open("f", O_RDONLY));
	expect(wd, IN_OPEN, "");
	expect(wd, IN_IGNORED, "");
	nothing();
	wd = inotify_add_watch(in, "f", IN_OPEN);
	CHECK_EQ(wd, 2);
	CHECK_ERR(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_CREATE),
	    EEXIST);
	CHECK_EQ(inotify_rm_watch(in, wd), 0);
	expect(wd, IN_IGNORED, "");
	CHECK_EQ(unlink("f"), 0);
	end();
}

TEST(errors)
{
	int p[2];

	start();
	make("f");
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_ERR(inotify_add_watch(in, "f", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_ADD |
	    IN_MASK_CREATE), EINVAL);
	CHECK_ERR(inotify_add_watch(in, "no", IN_OPEN), ENOENT);
	CHECK_ERR(inotify_add_watch(in, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_ERR(inotify_add_watch(in, (char *)1, IN_OPEN), EFAULT);
	CHECK_ERR(inotify_add_watch(99, "f", IN_OPEN), EBADF);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(inotify_add_watch(p[0], "f", IN_OPEN), EINVAL);
	CHECK_ERR(inotify_rm_watch(in, 5), EINVAL);
	CHECK_ERR(inotify_init1(1), EINVAL);
	CHECK_EQ(inotify_add_watch(in, "f", IN_ATTRIB), 1);
	CHECK_EQ(inotify_add_watch(in, "l", IN_ATTRIB), 1);
	CHECK_EQ(inotify_add_watch(in, "l", IN_ATTRIB | IN_DONT_FOLLOW), 2);
	CHECK_ERR(write(in, "x", 1), EBADF);
	CHECK_EQ(unlink("l"), 0);
	CHECK_EQ(unlink("f"), 0);
	end();
}

TEST(reading_and_polling)
{
	struct pollfd pf;
	pid_t pid;
	int wd, n;

	start();
	make("f");
	wd = inotify_add_watch(in, ".", IN_DELETE | IN_CREATE);
	pf.fd = in;
	pf.events = POLLIN;
	CHECK_EQ(poll(&pf, 1, 0), 0);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(poll(&pf, 1, 0), 1);
	CHECK_EQ(ioctl(in, FIONREAD, &n), 0);
	CHECK_EQ(n, 32);
	CHECK_ERR(read(in, buf, 31), EINVAL);
	CHECK_EQ(read(in, buf, 32), 32);
	CHECK_EQ(((struct inotify_event *)(void *)buf)->len, 16);
	CHECK_EQ(fcntl(in, F_SETFL, 0), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(30);
		make("later");
		_exit(0);
	}
	expect(wd, IN_CREATE, "later");
	reap(pid, 0);
	CHECK_EQ(unlink("later"), 0);
	end();
}

TEST(overflow)
{
	struct inotify_event *e = NULL;
	int wd, fd;
	ssize_t n;

	start();
	make("f");
	wd = inotify_add_watch(in, "f", IN_OPEN | IN_CLOSE);
	CHECK_EQ(wd, 1);
	for (int i = 0; i < 8300; i++) {
		fd = open("f", O_RDONLY);
		close(fd);
	}
	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (ssize_t k = 0; k < n; k += (ssize_t)sizeof(*e))
			e = (struct inotify_event *)(void *)(buf + k);
	CHECK(e != NULL);
	CHECK_EQ(e->mask, IN_Q_OVERFLOW);
	CHECK_EQ(e->wd, -1);
	CHECK_EQ(unlink("f"), 0);
	end();
}

TEST(exchange)
{
	uint32_t a, b;
	int wd;

	start();
	make("x");
	make("y");
	wd = inotify_add_watch(in, ".", IN_MOVE);
	CHECK_EQ(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "y",
	    RENAME_EXCHANGE), 0);
	a = expect(wd, IN_MOVED_FROM, "x");
	CHECK_EQ(expect(wd, IN_MOVED_TO, "y"), a);
	b = expect(wd, IN_MOVED_FROM, "y");
	CHECK_EQ(expect(wd, IN_MOVED_TO, "x"), b);
	CHECK(a != b);
	CHECK_EQ(unlink("x"), 0);
	CHECK_EQ(unlink("y"), 0);
	end();
}
