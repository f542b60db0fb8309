/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of a file system, and random operations.
 */
#include <sys/errno.h>
#include <sys/systm.h>
#include <fs/ext4/ext4.h>
#include <host.h>
#include <ktest.h>

#include "env.h"
#include "model.h"

#define	DIRS	6		/* directory 0 is the root */
#define	NAMES	24		/* in each */
#define	FILES	64
#define	SIZE_MAX_FILE	150000

struct mfile {
	int		nlink;		/* 0: unused */
	unsigned int	size;
	char		*data;
};

static struct mfile files[FILES];
static int names[DIRS][NAMES];		/* file number + 1 */
static bool dirs[DIRS];
static char scratch[SIZE_MAX_FILE + 4096], chunk[SIZE_MAX_FILE];

void
model_reset(void)
{
	unsigned int i;

	memset(names, 0, sizeof(names));
	memset(dirs, 0, sizeof(dirs));
	dirs[0] = true;
	for (i = 0; i < FILES; i++) {
		files[i].nlink = 0;
		if (files[i].data == NULL)
			files[i].data = host_alloc(16, SIZE_MAX_FILE);
	}
}

static const char *
dir_name(unsigned int d)
{
	static char buf[2][32];
	static int which;
	char *p = buf[which ^= 1];

	if (d == 0)
		p[0] = '\0';
	else
		snprintf(p, sizeof(buf[0]), "/dir%u", d);
	return p;
}

static const char *
name_of(unsigned int d, unsigned int n)
{
	static char buf[2][64];
	static int which;
	char *p = buf[which ^= 1];

	snprintf(p, sizeof(buf[0]), "%s/%s%u", dir_name(d),
	    n % 4 == 0 ? "a-name-of-some-length-" : "f", n);
	return p;
}

static struct mfile *
file_at(unsigned int d, unsigned int n)
{
	return names[d][n] == 0 ? NULL : &files[names[d][n] - 1];
}

static void
drop(unsigned int d, unsigned int n)
{
	file_at(d, n)->nlink--;
	names[d][n] = 0;
}

static void
op_create(unsigned int d, unsigned int n)
{
	unsigned int i;
	int error;

	for (i = 0; i < FILES && files[i].nlink != 0; i++)
		continue;
	if (i == FILES)
		return;
	error = fs_make(name_of(d, n), S_IFREG | 0644);
	CHECK_EQ(error, !dirs[d] ? ENOENT : names[d][n] != 0 ? EEXIST : 0);
	if (error == 0) {
		names[d][n] = (int)i + 1;
		files[i].nlink = 1;
		files[i].size = 0;
	}
}

static void
op_write(unsigned int d, unsigned int n)
{
	struct mfile *f = file_at(d, n);
	unsigned int off, len, i;

	if (f == NULL)
		return;
	off = rnd(3) == 0 ? rnd(SIZE_MAX_FILE - 1) : rnd(f->size + 1);
	len = 1 + rnd(rnd(4) == 0 ? 40000 : 3000);
	off = MIN(off, SIZE_MAX_FILE - 1);
	len = MIN(len, SIZE_MAX_FILE - off);
	for (i = 0; i < len; i++)
		chunk[i] = (char)(1 + rnd(255));
	CHECK_EQ(fs_write(name_of(d, n), off, chunk, len), 0);
	if (off > f->size)
		memset(f->data + f->size, 0, off - f->size);
	memcpy(f->data + off, chunk, len);
	f->size = MAX(f->size, off + len);
}

static void
op_truncate(unsigned int d, unsigned int n)
{
	struct mfile *f = file_at(d, n);
	unsigned int size;

	if (f == NULL)
		return;
	size = rnd(4) == 0 ? rnd(SIZE_MAX_FILE) : rnd(f->size + 1);
	CHECK_EQ(fs_truncate(name_of(d, n), size), 0);
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	f->size = size;
}

static void
op_punch(unsigned int d, unsigned int n)
{
	struct mfile *f = file_at(d, n);
	unsigned int off, len;

	if (f == NULL || f->size == 0)
		return;
	off = rnd(f->size);
	len = 1 + rnd(30000);
	CHECK_EQ(fs_fallocate(name_of(d, n), FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, off, len), 0);
	memset(f->data + off, 0, MIN(len, f->size - off));
}

static void
op_allocate(unsigned int d, unsigned int n)
{
	struct mfile *f = file_at(d, n);
	unsigned int off, len;
	int error;

	if (f == NULL)
		return;
	off = rnd(SIZE_MAX_FILE / 2);
	len = 1 + rnd(50000);
	error = fs_fallocate(name_of(d, n), 0, off, len);
	if (error == EOPNOTSUPP)
		return;
	CHECK_EQ(error, 0);
	if (off + len > f->size) {
		memset(f->data + f->size, 0, off + len - f->size);
		f->size = off + len;
	}
}

static void
op_remove(unsigned int d, unsigned int n)
{
	int error = fs_remove(name_of(d, n));

	CHECK_EQ(error, !dirs[d] || names[d][n] == 0 ? ENOENT : 0);
	if (error == 0)
		drop(d, n);
}

static void
op_link(unsigned int d, unsigned int n)
{
	unsigned int td = rnd(DIRS), tn = rnd(NAMES);

	if (names[d][n] == 0 || !dirs[td] || names[td][tn] != 0)
		return;
	CHECK_EQ(fs_link(name_of(d, n), name_of(td, tn)), 0);
	names[td][tn] = names[d][n];
	file_at(d, n)->nlink++;
}

static void
op_rename(unsigned int d, unsigned int n)
{
	unsigned int td = rnd(DIRS), tn = rnd(NAMES);
	bool swap = rnd(4) == 0;
	int was;

	if (names[d][n] == 0 || !dirs[td] || (swap && names[td][tn] == 0))
		return;
	CHECK_EQ(fs_rename(name_of(d, n), name_of(td, tn),
	    swap ? RENAME_EXCHANGE : 0), 0);
	was = names[td][tn];
	if (was == names[d][n])
		return;			/* the same file: nothing */
	if (!swap && was != 0)
		drop(td, tn);
	names[td][tn] = names[d][n];
	names[d][n] = swap ? was : 0;
}

static bool
dir_empty(unsigned int d)
{
	unsigned int i;

	for (i = 0; i < NAMES; i++)
		if (names[d][i] != 0)
			return false;
	return true;
}

static void
op_dir(void)
{
	unsigned int d = 1 + rnd(DIRS - 1);

	if (!dirs[d]) {
		CHECK_EQ(fs_make(dir_name(d), S_IFDIR | 0755), 0);
		dirs[d] = true;
	} else if (rnd(3) == 0) {
		CHECK_EQ(fs_remove(dir_name(d)), dir_empty(d) ? 0 :
		    ENOTEMPTY);
		if (dir_empty(d))
			dirs[d] = false;
	}
}

void
model_run(unsigned int steps)
{
	unsigned int d, n;

	while (steps-- > 0) {
		d = rnd(DIRS);
		n = rnd(NAMES);
		switch (rnd(16)) {
		case 0: case 1: case 2:
			op_create(d, n);
			break;
		case 3: case 4: case 5: case 6:
			op_write(d, n);
			break;
		case 7:
			op_truncate(d, n);
			break;
		case 8:
			op_remove(d, n);
			break;
		case 9:
			op_link(d, n);
			break;
		case 10:
			op_rename(d, n);
			break;
		case 11:
			op_dir();
			break;
		case 12:
			op_punch(d, n);
			break;
		case 13:
			op_allocate(d, n);
			break;
		case 14:
			fs_writeback();
			break;
		case 15:
			if (rnd(4) == 0)
				CHECK_EQ(fs_sync(), 0);
			else if (names[d][n] != 0)
				CHECK_EQ(fs_fsync(name_of(d, n)), 0);
			break;
		}
	}
}

static void
check_file(unsigned int d, unsigned int n)
{
	struct mfile *f = file_at(d, n);
	const char *name = name_of(d, n);
	struct stat_k st;
	size_t got;

	if (f == NULL) {
		CHECK_EQ(fs_stat(name, &st), ENOENT);
		return;
	}
	CHECK_EQ(fs_stat(name, &st), 0);
	CHECK_EQ(st.st_size, f->size);
	CHECK_EQ(st.st_nlink, f->nlink);
	CHECK_EQ(fs_read(name, 0, scratch, sizeof(scratch), &got), 0);
	CHECK_EQ(got, f->size);
	CHECK(memcmp(scratch, f->data, got) == 0);
}

void
model_check(void)
{
	unsigned int d, n;
	int count;

	for (d = 0; d < DIRS; d++) {
		count = d == 0 ? 1 : 0;		/* lost+found */
		for (n = 0; n < NAMES; n++) {
			check_file(d, n);
			count += names[d][n] != 0;
		}
		if (d == 0)
			for (n = 1; n < DIRS; n++)
				count += dirs[n];
		CHECK_EQ(fs_count(d == 0 ? "/" : dir_name(d)),
		    dirs[d] ? count : -ENOENT);
	}
}
