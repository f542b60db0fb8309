/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged disks for any file system.
 */
#include <sys/buf.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <host.h>
#include <ktest.h>

#include "env.h"
#include "env_damage.h"

#define	SPOT		512
#define	FILES		40		/* looked at, in all */
#define	READ_MAX	(1 << 20)

static struct image {
	char	*bytes;
	size_t	size;
	size_t	*spots;
	size_t	nspots;
} images[8];

void
damage_keep(unsigned int n)
{
	struct image *im = &images[n];
	const uint64_t *w;
	size_t off, i;

	im->size = disk_size();
	im->bytes = host_alloc(16, im->size);
	memcpy(im->bytes, disk_bytes(), im->size);
	im->spots = host_alloc(16, (im->size / SPOT + 1) * sizeof(size_t));
	for (off = 0; off + SPOT <= im->size; off += SPOT) {
		w = (const void *)(im->bytes + off);
		for (i = 0; i < SPOT / sizeof(*w) && w[i] == 0; i++)
			continue;
		if (i < SPOT / sizeof(*w))
			im->spots[im->nspots++] = off;
	}
}

void
damage_restore(unsigned int n)
{
	disk_set(images[n].bytes, images[n].size);
}

void
damage_hit(unsigned int n)
{
	struct image *im = &images[n];
	unsigned int hits = 1 + rnd(6), i, k, len;
	size_t off;

	for (i = 0; i < hits; i++) {
		off = im->spots[rnd((uint32_t)im->nspots)] + rnd(SPOT);
		len = rnd(3) == 0 ? 1 + rnd(32) : 1 + rnd(4);
		for (k = 0; k < len && off + k < disk_size(); k++)
			disk_bytes()[off + k] = (char)(rnd(3) == 0 ? 0xff :
			    rnd(2) == 0 ? rnd(256) :
			    (unsigned char)disk_bytes()[off + k] ^ 1U <<
			    rnd(8));
	}
}

void
damage_patch(unsigned int n, const uint8_t *p, size_t size)
{
	struct image *im = &images[n];
	size_t off, len;

	for (; size >= 5; p += 4 + len, size -= 4 + len) {
		off = im->spots[((size_t)p[0] << 8 | p[1]) % im->nspots] +
		    (size_t)(p[2] & 1) * 256 + p[3];
		len = MIN(1 + (p[2] >> 1) % 16U, size - 4);
		memcpy(disk_bytes() + off, p + 4, MIN(len, disk_size() - off));
	}
}

struct names {
	struct vnode	*dir;
	char		name[8][256];
	unsigned int	n;
};

static bool
note_name(void *ctx, const char *name, size_t len, ino_t ino __unused,
    unsigned int type __unused, off_t next __unused)
{
	struct names *nm = ctx;

	CHECK(len > 0 && len <= MAXNAMLEN);
	if (len <= 2 && name[0] == '.')
		return true;
	memcpy(nm->name[nm->n], name, len);
	nm->name[nm->n++][len] = '\0';
	return nm->n < __arraycount(nm->name);
}

static void
look_file(struct vnode *vp, bool write)
{
	static char buf[65536];
	struct setattr sa = { .sa_valid = SETATTR_SIZE };
	struct stat_k st;
	struct iovec iov;
	struct uio uio;
	size_t len;
	off_t off;

	memset(&st, 0, sizeof(st));
	(void)vp->v_ops->vop_getattr(vp, &st);
	if (S_ISLNK(vp->v_mode)) {
		if (vp->v_ops->vop_readlink(vp, buf, sizeof(buf), &len) == 0)
			CHECK(len <= sizeof(buf));
		return;
	}
	if (!S_ISREG(vp->v_mode))
		return;
	for (off = 0; off < MIN(st.st_size, READ_MAX);
	    off += (off_t)sizeof(buf)) {
		uio_kernel(&uio, &iov, buf, sizeof(buf), off, UIO_READ);
		if (vp->v_ops->vop_read(vp, &uio) != 0)
			break;
	}
	if (!write)
		return;
	uio_kernel(&uio, &iov, buf, 10000, MIN(st.st_size, READ_MAX) / 2,
	    UIO_WRITE);
	if (rnd(2) == 0)
		(void)vp->v_ops->vop_write(vp, &uio);
	else if (vp->v_ops->vop_setattr(vp, &sa, &env_cred) == 0 && rnd(2))
		(void)vp->v_ops->vop_write(vp, &uio);
	(void)vp->v_ops->vop_fsync(vp, false);
}

static void
change_dir(struct vnode *dvp, const char *name, struct vnode *vp)
{
	const struct vops *o = dvp->v_ops;
	struct vnode *new;

	if (o->vop_create(dvp, "a new file's name", 17, S_IFREG | 0644,
	    &env_cred, &new) == 0)
		vrele(new);
	if (rnd(3) == 0 && o->vop_mkdir(dvp, "new.d", 5, S_IFDIR | 0755,
	    &env_cred, &new) == 0)
		vrele(new);
	if (rnd(2) == 0)
		(void)o->vop_rename(dvp, name, strlen(name), vp, dvp,
		    "renamed", 7, NULL, 0);
	else if (S_ISDIR(vp->v_mode))
		(void)o->vop_rmdir(dvp, name, strlen(name), vp);
	else
		(void)o->vop_unlink(dvp, name, strlen(name), vp);
}

static void
look(struct vnode *dvp, unsigned int depth, unsigned int *left, bool write)
{
	struct names *nm = host_alloc(16, sizeof(*nm));
	unsigned int i, rounds;
	struct vnode *vp;
	off_t cookie = 0;

	for (rounds = 0; rounds < 8 && *left > 0; rounds++) {
		nm->n = 0;
		if (dvp->v_ops->vop_readdir(dvp, &cookie, note_name, nm) != 0
		    || nm->n == 0)
			break;
		for (i = 0; i < nm->n && *left > 0; i++) {
			(*left)--;
			if (dvp->v_ops->vop_lookup(dvp, nm->name[i],
			    strlen(nm->name[i]), &vp) != 0)
				continue;
			if (S_ISDIR(vp->v_mode) && depth < 6 && vp != dvp)
				look(vp, depth + 1, left, write);
			else
				look_file(vp, write);
			if (write && rnd(6) == 0 && vp != dvp)
				change_dir(dvp, nm->name[i], vp);
			vrele(vp);
		}
	}
	host_free(nm);
}

void
damage_use(unsigned int mntflags, const char *options)
{
	unsigned int left = FILES;
	struct vnode *root;

	if (fs_mount(mntflags, options) != 0)
		return;
	root = vref(env_mount.mnt_rootvp);
	look(root, 0, &left, (mntflags & MS_RDONLY) == 0);
	vrele(root);
	fs_unmount();
}
