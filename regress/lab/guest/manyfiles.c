/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manyfiles - small files made, renamed, linked and removed by several
 * processes in the same directories.
 *
 * usage: manyfiles DIR PROCESSES FILES		(FILES: of all together)
 *
 * Each process writes its files into one of 16 directories that all share,
 * renames each into another, gives every third a second name, reads some again
 * and removes four of five.  Then all that should be left is there with its
 * contents, by name and in the lists of the directories, and nothing else.
 * Ends with "manyfiles: ok".
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define	DIRS	16

static void
die(const char *what, const char *name)
{
	printf("manyfiles: FAILED %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* Where file i of process p is: before its new name, after it, its second. */
static const char *
name(char *buf, unsigned int p, unsigned int i, char which)
{
	unsigned int d = (p * 7 + i + (which == 'a' ? 0 : 5)) % DIRS;

	sprintf(buf, "d%u/%c-%u-%u", d, which, p, i);
	return buf;
}

static size_t
contents(char *buf, unsigned int p, unsigned int i)
{
	size_t len = (p * 31 + i * 17) % 300 + 1;
	int n = sprintf(buf, "%u %u ", p, i);

	memset(buf + n, 'a' + (int)(i % 26), len);
	return (size_t)n + len;
}

static int
kept(unsigned int i)
{
	return i % 5 == 0;
}

static void
look(const char *file, unsigned int p, unsigned int i)
{
	char want[400], got[400];
	size_t len = contents(want, p, i);
	ssize_t n;
	int fd = open(file, O_RDONLY);

	if (fd < 0)
		die("open", file);
	n = read(fd, got, sizeof(got));
	close(fd);
	if (n != (ssize_t)len || memcmp(want, got, len) != 0)
		die("contents", file);
}

static void
one_file(unsigned int p, unsigned int i)
{
	char a[64], b[64], c[64], data[400];
	size_t len = contents(data, p, i);
	int fd;

	name(a, p, i, 'a');
	name(b, p, i, 'b');
	name(c, p, i, 'c');
	fd = open(a, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		die("create", a);
	if (write(fd, data, len) != (ssize_t)len || close(fd) != 0)
		die("write", a);
	if (rename(a, b) != 0)
		die("rename", a);
	if (i % 3 == 0 && link(b, c) != 0)
		die("link", b);
	if (i % 8 == 0)
		look(b, p, i);
	if (!kept(i)) {
		if (unlink(b) != 0)
			die("unlink", b);
		if (i % 3 == 0 && unlink(c) != 0)
			die("unlink", c);
	}
}

static unsigned int
listed(void)
{
	unsigned int d, n = 0;
	struct dirent *e;
	char dir[16];
	DIR *dp;

	for (d = 0; d < DIRS; d++) {
		sprintf(dir, "d%u", d);
		if ((dp = opendir(dir)) == NULL)
			die("opendir", dir);
		while ((e = readdir(dp)) != NULL)
			n += e->d_name[0] != '.';
		closedir(dp);
	}
	return n;
}

int
main(int argc, char **argv)
{
	unsigned int procs, each, p, i, want = 0, have;
	int status, bad = 0;
	char buf[64];

	if (argc != 4 || chdir(argv[1]) != 0) {
		fprintf(stderr, "usage: manyfiles DIR PROCESSES FILES\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	procs = (unsigned int)atoi(argv[2]);
	each = (unsigned int)atoi(argv[3]) / procs;
	for (i = 0; i < DIRS; i++) {
		sprintf(buf, "d%u", i);
		if (mkdir(buf, 0755) != 0)
			die("mkdir", buf);
	}
	for (p = 0; p < procs; p++)
		if (fork() == 0) {
			for (i = 0; i < each; i++)
				one_file(p, i);
			exit(0);
		}
	while (wait(&status) > 0)
		bad |= status != 0;
	if (bad)
		return 1;
	for (p = 0; p < procs; p++)
		for (i = 0; i < each; i++) {
			if (!kept(i))
				continue;
			want += i % 3 == 0 ? 2 : 1;
			look(name(buf, p, i, 'b'), p, i);
			if (i % 3 == 0)
				look(name(buf, p, i, 'c'), p, i);
		}
	have = listed();
	if (have != want) {
		printf("manyfiles: FAILED %u names, not %u\n", have, want);
		return 1;
	}
	printf("manyfiles: ok, %u files, %u names left\n", each * procs, want);
	return 0;
}
