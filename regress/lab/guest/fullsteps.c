/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fullsteps - a scripted workload on a file system that gets full at every of
 * its steps.
 *
 * usage: fullsteps DIR FROM TO [STEP]
 *
 * A file fills the file system but for FROM blocks; then the script runs.
 * Each operation does what it says or fails with ENOSPC and has done nothing;
 * a write may do its first part.  Afterwards all is read again, from the disk,
 * and must be what was confirmed; it is removed, and as many blocks and inodes
 * are free as before.  That for FROM, FROM + STEP ... TO blocks.  Ends with
 * "fullsteps: ok", the number of runs and of operations that failed.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define	NFILES	24
#define	MAXSIZE	40000

struct file {
	int		f_there;
	int		f_linked;	/* by a second name */
	size_t		f_len;
	unsigned char	f_data[MAXSIZE];
};

static struct file files[NFILES];
static unsigned char buf[MAXSIZE + 1];
static const char *top;
static char filler[256];
static long blocks;		/* free when the script began */
static unsigned long failures;

static void __attribute__((format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	printf("fullsteps: FAILED with %ld blocks: ", blocks);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (errno: %s)\n", strerror(errno));
	exit(1);
}

static const char *
name(unsigned int i, const char *what)
{
	static char names[4][300];
	static unsigned int n;
	char *s = names[n++ % 4];

	snprintf(s, sizeof(names[0]), "%s/work/%u/%s", top, i, what);
	return s;
}

/* 0: done; 1: no room. */
static int
refused(int rc, const char *what, unsigned int i)
{
	if (rc == 0)
		return 0;
	if (errno != ENOSPC)
		die("%s %u", what, i);
	failures++;
	return 1;
}

static void
put(unsigned int i, const char *which, size_t off, size_t len, int sync)
{
	struct file *f = &files[i];
	ssize_t n = 1;
	size_t k;
	int fd;

	fd = open(name(i, which), O_WRONLY);
	if (fd < 0)
		die("open to write %u", i);
	for (k = 0; k < len; k++)
		buf[k] = (unsigned char)(i * 37 + off + k * 11 + (k >> 8));
	for (k = 0; k < len; k += (size_t)n) {
		n = pwrite(fd, buf + k, len - k < 5000 ? len - k : 5000,
		    (off_t)(off + k));
		if (n <= 0)
			break;
		if (off + k > f->f_len)
			memset(f->f_data + f->f_len, 0, off + k - f->f_len);
		memcpy(f->f_data + off + k, buf + k, (size_t)n);
		if (off + k + (size_t)n > f->f_len)
			f->f_len = off + k + (size_t)n;
	}
	if (n < 0)
		(void)refused(-1, "write", i);
	if (n == 0)
		die("a write of 0 bytes %u", i);
	if (sync && fsync(fd) != 0)
		die("fsync %u", i);
	if (close(fd) != 0)
		die("close %u", i);
}

static int
create(unsigned int i)
{
	struct file *f = &files[i];
	char dir[256];
	int fd;

	memset(f, 0, sizeof(*f));
	snprintf(dir, sizeof(dir), "%s/work/%u", top, i);
	if (refused(mkdir(dir, 0755), "mkdir", i))
		return 1;
	fd = open(name(i, "f"), O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (refused(fd < 0 ? -1 : 0, "create", i)) {
		if (rmdir(dir) != 0)
			die("rmdir of what is empty %u", i);
		return 1;
	}
	close(fd);
	f->f_there = 1;
	return 0;
}

static void
shorten(unsigned int i, size_t len)
{
	struct file *f = &files[i];

	if (refused(truncate(name(i, "f"), (off_t)len), "truncate", i))
		return;
	if (len > f->f_len)
		memset(f->f_data + f->f_len, 0, len - f->f_len);
	f->f_len = len;
}

static void
script(unsigned int i)
{
	static const char target[] = "/a/target/that/is/too/long/to/stand/in/"
	    "the/inode/itself/and/so/needs/a/block/of/its/own/on/the/disk";
	struct file *f = &files[i];

	if (create(i))
		return;
	put(i, "f", 0, i * 1777 % 20000 + 1, i % 3 == 0);
	if (i > 0 && files[i - 1].f_there) {
		put(i - 1, "f", files[i - 1].f_len, 3000, 0);
		put(i - 1, "f", files[i - 1].f_len / 2, 2500, i % 4 == 0);
	}
	if (!refused(rename(name(i, "f"), name(i, "a longer name than f")),
	    "rename", i) &&
	    refused(rename(name(i, "a longer name than f"), name(i, "f")),
	    "rename back", i))
		f->f_there = 0;		/* verify() does not know that name */
	if (i % 2 == 0 && f->f_there) {
		f->f_linked = link(name(i, "f"), name(i, "second")) == 0;
		if (!f->f_linked && errno != EPERM)
			(void)refused(-1, "link", i);
	}
	if (symlink(target, name(i, "symlink")) != 0 && errno != EPERM)
		(void)refused(-1, "symlink", i);
	if (i % 5 == 1 && f->f_there)		/* with a hole */
		put(i, "f", f->f_len + 9000, 700, 1);
	if (i > 2 && i % 3 == 2 && files[i - 2].f_there)
		shorten(i - 2, files[i - 2].f_len / 3);
	if (i % 7 == 3 && f->f_there)
		shorten(i, f->f_len + 5000);
}

/* cold: not from memory. */
static void
verify(unsigned int i, int cold)
{
	struct file *f = &files[i];
	ssize_t n;
	size_t k;
	int fd;

	if (!f->f_there)
		return;
	fd = open(name(i, f->f_linked ? "second" : "f"), O_RDONLY);
	if (fd < 0)
		die("what was made is not there: %u", i);
	if (cold && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		die("fadvise %u", i);
	for (k = 0; (n = read(fd, buf + k, sizeof(buf) - k)) > 0;)
		k += (size_t)n;
	close(fd);
	if (n < 0)
		die("read %u", i);
	if (k != f->f_len)
		die("file %u has %zu bytes, not %zu", i, k, f->f_len);
	for (k = 0; k < f->f_len; k++)
		if (buf[k] != f->f_data[k])
			die("file %u is wrong at %zu of %zu", i, k, f->f_len);
}

static void
clean(unsigned int i)
{
	static const char *const names[] = { "f", "second", "symlink",
	    "a longer name than f" };
	char dir[256];
	unsigned int k;

	for (k = 0; k < 4; k++)
		if (unlink(name(i, names[k])) != 0 && errno != ENOENT)
			die("unlink %s %u", names[k], i);
	snprintf(dir, sizeof(dir), "%s/work/%u", top, i);
	if (rmdir(dir) != 0 && errno != ENOENT)
		die("rmdir %u", i);
}

static void
free_now(struct statvfs *st)
{
	sync();
	if (statvfs(top, st) != 0)
		die("statvfs");
}

/* The filler takes all but `blocks` blocks. */
static void
fill(void)
{
	struct statvfs st;
	off_t len = 0;
	ssize_t n;
	int fd;

	(void)unlink(filler);
	free_now(&st);
	fd = open(filler, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die("filler");
	memset(buf, 'x', sizeof(buf));
	while ((n = write(fd, buf, st.f_bsize < 8192 ? st.f_bsize : 8192)) > 0)
		len += n;
	if (n == 0 || errno != ENOSPC)
		die("filling");
	if (fsync(fd) != 0)
		die("fsync of the filler");
	len -= len % (off_t)st.f_frsize;
	len -= blocks * (off_t)st.f_frsize;
	if (ftruncate(fd, len < 0 ? 0 : len) != 0 || fsync(fd) != 0)
		die("making room");
	close(fd);
}

static void
run(void)
{
	struct statvfs before, after;
	char work[256];
	unsigned int i;

	fill();
	snprintf(work, sizeof(work), "%s/work", top);
	free_now(&before);
	memset(files, 0, sizeof(files));
	if (!refused(mkdir(work, 0755), "mkdir", 0)) {
		for (i = 0; i < NFILES; i++)
			script(i);
		for (i = 0; i < NFILES; i++)
			verify(i, 0);
		sync();
		for (i = 0; i < NFILES; i++)
			verify(i, 1);
		for (i = 0; i < NFILES; i++)
			clean(i);
		if (rmdir(work) != 0)
			die("rmdir");
	}
	free_now(&after);
	if (after.f_bfree != before.f_bfree)
		die("%lu blocks are free, were %lu",
		    (unsigned long)after.f_bfree,
		    (unsigned long)before.f_bfree);
	if (after.f_ffree != before.f_ffree)
		die("%lu inodes are free, were %lu",
		    (unsigned long)after.f_ffree,
		    (unsigned long)before.f_ffree);
}

int
main(int argc, char **argv)
{
	unsigned long runs = 0;
	long to, step;

	if (argc < 4) {
		fprintf(stderr, "usage: fullsteps DIR FROM TO [STEP]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	top = argv[1];
	snprintf(filler, sizeof(filler), "%s/filler", top);
	to = atol(argv[3]);
	step = argc > 4 ? atol(argv[4]) : 1;
	for (blocks = atol(argv[2]); blocks <= to; blocks += step, runs++)
		run();
	if (unlink(filler) != 0)
		die("unlink of the filler");
	printf("fullsteps: ok, %lu runs, %lu operations had no room\n", runs,
	    failures);
	return 0;
}
