/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * powerload - work on a file system that may lose its power at any moment, and
 * the check, afterwards, of what had been promised until then.
 *
 * usage: powerload run DIR FIRST LAST		(numbers of workers)
 *        powerload check DIR WORKER:[ROUND]...
 *
 * run: each worker goes on from its last round. A round makes a file with
 * contents that its name tells, replaces another, appends a record, changes a
 * page in place, and takes an old file away; all that is made durable by
 * fsync, fdatasync and fsync of the directory, and then "durable WORKER ROUND"
 * is printed. In between come operations nobody waits for.
 * check: what was durable is there and right, what was removed is not, and
 * nothing that is there has contents it never had. ROUND is the last that was
 * printed, or nothing: then it is the last but one of which there is a trace.
 * Ends with "powerload: ok".
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define	KEEP	24		/* files of the last rounds */
#define	PAGE	4096
#define	PAGES	32		/* of the file changed in place */
#define	RECORD	200		/* bytes, so that they cross blocks */
#define	MAXSIZE	60000

static unsigned char buf[MAXSIZE], got[MAXSIZE + 1];
static int bad;

static void
die(const char *what)
{
	printf("powerload: FAILED %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
wrong(const char *what, unsigned int w, uint64_t n)
{
	printf("powerload: FAILED worker %u: %s %llu\n", w, what,
	    (unsigned long long)n);
	bad = 1;
}

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* What worker, round and kind write; the first 8 bytes are the round. */
static void
fill(unsigned char *p, size_t len, unsigned int w, uint64_t n,
    unsigned int kind)
{
	uint64_t x = mix(n * 64 + w * 4 + kind);
	size_t i;

	for (i = 0; i < len; i++) {
		if (i % 64 == 0)
			x = mix(x + i);
		p[i] = (unsigned char)(x >> i % 8 * 8) + (unsigned char)(i / 8);
	}
	memcpy(p, &n, len < sizeof(n) ? len : sizeof(n));
}

static size_t
size_of(unsigned int w, uint64_t n)
{
	uint64_t x = mix(n * 8 + w);

	return x % 5 == 0 ? x >> 8 & 127 : (x >> 8) % MAXSIZE;
}

static void
put(int fd, const unsigned char *p, size_t len, off_t off)
{
	size_t done = 0, want;
	ssize_t k;

	while (done < len) {
		want = len - done < 7000 ? len - done : 7000;
		k = pwrite(fd, p + done, want, off + (off_t)done);
		if (k <= 0)
			die("write");
		done += (size_t)k;
	}
}

static void
make_file(const char *name, unsigned int w, uint64_t n, unsigned int kind)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	size_t len = size_of(w, n);

	if (fd < 0)
		die(name);
	fill(buf, len, w, n, kind);
	put(fd, buf, len, 0);
	if (fsync(fd) != 0 || close(fd) != 0)
		die("fsync");
}

/* Nobody waits for these. */
static void
noise(unsigned int w, uint64_t n)
{
	char name[64], name2[64];
	int fd;

	snprintf(name, sizeof(name), "noise%llu", (unsigned long long)n % 4);
	fd = open(name, O_CREAT | O_RDWR, 0600);
	if (fd < 0)
		die(name);
	fill(buf, 9000, w, n, 3);
	put(fd, buf, 9000, (off_t)(mix(n) % 300000));
	if (n % 3 == 0 && ftruncate(fd, (off_t)(mix(n + 1) % 200000)) != 0)
		die("ftruncate");
	if (n % 5 == 0)
		(void)posix_fallocate(fd, 100000, 150000);
	close(fd);
	snprintf(name2, sizeof(name2), "dir%llu", (unsigned long long)n % 7);
	if (mkdir(name2, 0755) != 0)
		(void)rmdir(name2);
	if (n % 2 == 0)
		(void)unlink("hard");
	else
		(void)link(name, "hard");
	(void)unlink("soft");
	(void)symlink(name, "soft");
	snprintf(name2, sizeof(name2), "noise%llu", mix(n) % 4ull);
	(void)rename(name, name2);
}

static void
one_round(unsigned int w, uint64_t n, int dir, int log, int pages)
{
	char name[64], line[64];
	int k;

	make_file("new", w, n, 0);
	snprintf(name, sizeof(name), "f%llu", (unsigned long long)n);
	if (rename("new", name) != 0)
		die("rename");
	make_file("new2", w, n, 1);
	if (rename("new2", "same") != 0)
		die("rename over a file");
	fill(buf, RECORD, w, n, 2);
	put(log, buf, RECORD, (off_t)(n - 1) * RECORD);
	fill(buf, PAGE, w, n, 2);
	put(pages, buf, PAGE, (off_t)(n % PAGES) * PAGE);
	if (n > KEEP) {
		snprintf(name, sizeof(name), "f%llu",
		    (unsigned long long)(n - KEEP));
		if (unlink(name) != 0 && errno != ENOENT)
			die("unlink");
	}
	noise(w, n);
	if (fdatasync(log) != 0 || fdatasync(pages) != 0 || fsync(dir) != 0)
		die("fsync");
	k = snprintf(line, sizeof(line), "durable %u %llu\n", w,
	    (unsigned long long)n);
	if (write(1, line, (size_t)k) != k)
		exit(1);
}

/* The highest round of which there is a file; *lowest is the other end. */
static uint64_t
last_round(uint64_t *lowest)
{
	DIR *d = opendir(".");
	struct dirent *e;
	uint64_t n, max = 0;

	*lowest = UINT64_MAX;
	if (d == NULL)
		die("opendir");
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] == 'f') {
			n = strtoull(e->d_name + 1, NULL, 10);
			max = n > max ? n : max;
			*lowest = n < *lowest ? n : *lowest;
		}
	closedir(d);
	return max;
}

static void
enter(const char *base, unsigned int w)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/w%u", base, w);
	(void)mkdir(name, 0755);
	if (chdir(name) != 0)
		die(name);
}

static void
work(const char *base, unsigned int w)
{
	int dir, log, pages;
	uint64_t n, low;

	enter(base, w);
	dir = open(".", O_RDONLY | O_DIRECTORY);
	log = open("log", O_CREAT | O_RDWR, 0644);
	pages = open("pages", O_CREAT | O_RDWR, 0644);
	if (dir < 0 || log < 0 || pages < 0)
		die("open");
	/* The last round may have been cut off: it is done again. */
	n = last_round(&low);
	for (n = n > 0 ? n : 1;; n++)
		one_round(w, n, dir, log, pages);
}

/* The file's bytes in `got`; its length, or -1 if there is none. */
static ssize_t
slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t k, len = 0;

	if (fd < 0)
		return -1;
	while ((k = read(fd, got + len, sizeof(got) - (size_t)len)) > 0)
		len += k;
	if (k < 0)
		die(name);
	close(fd);
	return len;
}

/* It has what round n wrote. */
static int
is_right(const char *name, unsigned int w, uint64_t n, unsigned int kind)
{
	ssize_t len = slurp(name);

	if (len < 0 || (size_t)len != size_of(w, n))
		return 0;
	fill(buf, (size_t)len, w, n, kind);
	return memcmp(buf, got, (size_t)len) == 0;
}

static void
check_files(unsigned int w, uint64_t durable)
{
	uint64_t n, low, max = last_round(&low);
	char name[64];

	if (max < durable)
		wrong("lost round", w, durable);
	for (n = low; n <= max; n++) {
		snprintf(name, sizeof(name), "f%llu", (unsigned long long)n);
		if (!is_right(name, w, n, 0))
			wrong("wrong file of round", w, n);
	}
	if (durable > KEEP && low <= durable - KEEP)
		wrong("there is again round", w, low);
	if (durable == 0)
		return;
	/* `same` is of the last durable round or the one cut off. */
	for (n = durable; n <= max; n++)
		if (is_right("same", w, n, 1))
			return;
	wrong("the replaced file is not of", w, durable);
}

static void
check_log(unsigned int w, uint64_t durable)
{
	uint64_t n;
	int fd = open("log", O_RDONLY);

	for (n = 1; n <= durable; n++) {
		fill(buf, RECORD, w, n, 2);
		if (pread(fd, got, RECORD, (off_t)(n - 1) * RECORD) !=
		    RECORD || memcmp(got, buf, RECORD) != 0)
			wrong("wrong record", w, n);
	}
	close(fd);
}

static void
check_pages(unsigned int w, uint64_t durable)
{
	uint64_t i, n, first;
	int fd = open("pages", O_RDONLY);

	first = durable > PAGES ? durable - PAGES + 1 : 1;
	for (i = first; i <= durable; i++) {
		if (pread(fd, got, PAGE, (off_t)(i % PAGES) * PAGE) != PAGE) {
			wrong("no page of", w, i);
			continue;
		}
		memcpy(&n, got, sizeof(n));
		fill(buf, PAGE, w, n, 2);
		if (n < i || n % PAGES != i % PAGES ||
		    memcmp(got, buf, PAGE) != 0)
			wrong("wrong page of", w, i);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	unsigned int w, i;
	uint64_t durable, low;
	char *p;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && strcmp(argv[1], "run") == 0) {
		for (w = (unsigned int)atoi(argv[3]);
		    w <= (unsigned int)atoi(argv[4]); w++)
			if (fork() == 0)
				work(argv[2], w);
		while (wait(NULL) > 0 || errno == EINTR)
			continue;
		return 1;
	}
	if (argc < 4 || strcmp(argv[1], "check") != 0) {
		fprintf(stderr, "usage: powerload run DIR FIRST LAST\n"
		    "       powerload check DIR WORKER:[ROUND]...\n");
		return 2;
	}
	for (i = 3; i < (unsigned int)argc; i++) {
		w = (unsigned int)strtoul(argv[i], &p, 10);
		enter(argv[2], w);
		if (p[0] == ':' && p[1] != '\0') {
			durable = strtoull(p + 1, NULL, 10);
		} else {
			durable = last_round(&low);
			durable -= durable > 0;
		}
		check_files(w, durable);
		check_log(w, durable);
		check_pages(w, durable);
		printf("powerload: worker %u: %llu rounds\n", w,
		    (unsigned long long)durable);
	}
	if (bad == 0)
		printf("powerload: ok\n");
	return bad;
}
