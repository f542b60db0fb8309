/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged file systems: making them and using them.
 */
#include <sys/errno.h>
#include <sys/systm.h>
#include <fs/ext4/ext4.h>
#include <host.h>
#include <ktest.h>

#include "damage.h"
#include "env.h"

/* No checksums in most: they would keep damage from going deep. */
static const char *const formats[DAMAGE_IMAGES] = {
	"-t ext4 -b 1024 -O ^metadata_csum -J size=1 -N 256",
	("-t ext4 -b 1024 -O ^metadata_csum,inline_data -I 256 -J size=1 "
	    "-N 256"),
	"-t ext3 -b 1024 -J size=1 -N 256",
	"-t ext4 -b 4096 -J size=4 -N 128",
};

static struct image {
	char	*bytes;
	size_t	size;
	size_t	*spots;
	size_t	nspots;
} images[DAMAGE_IMAGES];

/* Blocks that are not all zero. */
static void
find_spots(struct image *im)
{
	const uint64_t *w;
	size_t off, i;

	im->spots = host_alloc(16, im->size / 512 * sizeof(size_t));
	im->nspots = 0;
	for (off = 0; off < im->size; off += 512) {
		w = (const void *)(im->bytes + off);
		for (i = 0; i < 64 && w[i] == 0; i++)
			continue;
		if (i < 64)
			im->spots[im->nspots++] = off;
	}
}

static void
make_contents(void)
{
	static char buf[40000];
	char name[64];
	struct vnode *vp;
	int i;

	memset(buf, 'z', sizeof(buf));
	CHECK_EQ(fs_make("/d", S_IFDIR | 0755), 0);
	for (i = 0; i < 90; i++) {
		snprintf(name, sizeof(name), "/d/a-name-of-some-length-%d", i);
		CHECK_EQ(fs_make(name, S_IFREG | 0644), 0);
		if (i % 10 == 0)
			CHECK_EQ(fs_write(name, (uint64_t)i * 3000, buf,
			    sizeof(buf) / 8), 0);
	}
	CHECK_EQ(fs_make("/sparse", S_IFREG | 0644), 0);
	for (i = 0; i < 30; i++)
		CHECK_EQ(fs_write("/sparse", (uint64_t)i * 20000, buf, 700),
		    0);
	CHECK_EQ(fs_walk("/sparse", &vp), 0);
	CHECK_EQ(ext4_setxattr(vp, "user.one", buf, 20, 0), 0);
	CHECK_EQ(ext4_setxattr(vp, "user.two", buf, 500, 0), 0);
	vrele(vp);
	CHECK_EQ(fs_symlink("/short", "/l1"), 0);
	buf[200] = '\0';
	CHECK_EQ(fs_symlink(buf, "/l2"), 0);
}

static void
prepare(unsigned int i)
{
	struct image *im = &images[i];

	disk_make(i == 3 ? 8192 : 3072, formats[i]);
	if (i == 1)
		CHECK_EQ(disk_command("D=@.d; mkdir -p $D/dd; "
		    "echo short >$D/s; printf '%099d' 5 >$D/long; "
		    ": >$D/dd/one; : >$D/dd/two; mke2fs -q -F "
		    "-t ext4 -b 1024 -O ^metadata_csum,inline_data "
		    "-I 256 -J size=1 -N 256 -d $D @ 3072; s=$?; "
		    "rm -rf $D; exit $s"), 0);
	log_start();
	CHECK_EQ(fs_mount(0, ""), 0);
	if (i != 1) {
		make_contents();
		/* The journal has something to recover, too. */
		CHECK_EQ(fs_sync(), 0);
		log_cut(log_flushes(), 0);
		log_stop();
		fs_crash();
	} else {
		log_stop();
		fs_unmount();
	}
	im->size = disk_size();
	im->bytes = host_alloc(16, im->size);
	memcpy(im->bytes, disk_bytes(), im->size);
	find_spots(im);
}

void
damage_load(unsigned int i)
{
	if (images[i].bytes == NULL)
		prepare(i);
	disk_set(images[i].bytes, images[i].size);
}

size_t
damage_spot(unsigned int i, uint32_t n)
{
	return images[i].spots[n % images[i].nspots];
}

struct listing {
	char		path[32][128];
	unsigned int	n;
	const char	*dir;
};

static bool
take_name(void *ctx, const char *name, size_t len, ino_t ino __unused,
    unsigned int type __unused, off_t next __unused)
{
	struct listing *li = ctx;
	unsigned int i;

	if (li->n == 32 || strlen(li->dir) + len + 2 > 128 || len == 0 ||
	    name[0] == '.')
		return li->n < 32;
	for (i = 0; i < len; i++)
		if (name[i] == '/' || name[i] == '\0')
			return true;
	snprintf(li->path[li->n], 128, "%s/", li->dir);
	i = (unsigned int)strlen(li->path[li->n]);
	memcpy(li->path[li->n] + i, name, len);
	li->path[li->n++][i + len] = '\0';
	return true;
}

static void
use_one(const char *path, bool readonly)
{
	static char buf[8192];
	struct stat_k st;
	struct vnode *vp;
	off_t off;
	size_t n;

	if (fs_walk(path, &vp) != 0)
		return;
	(void)ext4_readlink(vp, buf, sizeof(buf), &n);
	(void)ext4_listxattr(vp, buf, sizeof(buf), &n);
	(void)ext4_getxattr(vp, "user.two", buf, sizeof(buf), &n);
	if (S_ISREG(vp->v_mode)) {
		(void)ext4_getattr(vp, &st);
		(void)ext4_seek(vp, 0, 3, &off);
	}
	n = S_ISREG(vp->v_mode);
	if (!readonly)
		(void)ext4_setxattr(vp, "user.three", buf, 300, 0);
	vrele(vp);
	if (n == 0)
		return;
	(void)fs_read(path, 0, buf, sizeof(buf), &n);
	(void)fs_read(path, 100000, buf, sizeof(buf), &n);
	if (readonly)
		return;
	(void)fs_write(path, 5000, buf, sizeof(buf));
	(void)fs_fallocate(path, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    4096, 16384);
	(void)fs_truncate(path, 3000);
}

static void
use_dir(const char *dir, bool readonly, unsigned int depth)
{
	struct listing *li = host_alloc(16, sizeof(*li));
	char name[160];
	struct vnode *vp;
	off_t cookie = 0;
	unsigned int i;

	li->n = 0;
	li->dir = dir;
	if (fs_walk(dir, &vp) == 0) {
		if (S_ISDIR(vp->v_mode))
			(void)ext4_readdir(vp, &cookie, take_name, li);
		vrele(vp);
	}
	for (i = 0; i < li->n; i++) {
		use_one(li->path[i], readonly);
		if (depth > 0 && fs_walk(li->path[i], &vp) == 0) {
			bool isdir = S_ISDIR(vp->v_mode);

			vrele(vp);
			if (isdir)
				use_dir(li->path[i], readonly, depth - 1);
		}
	}
	for (i = 0; i < 12 && !readonly; i++) {
		snprintf(name, sizeof(name), "%s/new-file-of-mine-%u", dir,
		    i);
		(void)fs_make(name, i == 3 ? S_IFDIR | 0755 : S_IFREG | 0644);
		(void)fs_write(name, 0, "hello", 5);
	}
	for (i = 0; i < li->n && !readonly; i += 2) {
		snprintf(name, sizeof(name), "%s/moved-%u", dir, i);
		(void)fs_rename(li->path[i], name, 0);
		(void)fs_remove(i % 4 == 0 ? name : li->path[i + 1 < li->n ?
		    i + 1 : i]);
	}
	host_free(li);
}

void
damage_use(bool readonly)
{
	if (fs_mount(readonly ? MS_RDONLY : 0, "") != 0)
		return;
	use_dir("", readonly, 2);
	(void)fs_sync();
	fs_unmount();
}
