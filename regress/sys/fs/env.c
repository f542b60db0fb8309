/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of file systems: disk, vnodes, short forms.
 * env_pages.c is the page cache.
 */
#include <sys/buf.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm.h>
#include <uvm/uvm_vnode.h>
#include <host.h>
#include <ktest.h>

#include "env.h"

struct mount env_mount;
struct uvmexp uvmexp = { .total = 4096, .free = 4000 };
struct cred env_cred = { .cr_ref = 1, .cr_cap_effective = CAP_ALL };

static uint32_t seed = 1;

uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(seed >> 4) * n) >> 28);
}

void
rnd_seed(uint32_t s)
{
	seed = s;
}

/* -- the disk -- */

struct record {
	uint64_t	off;
	size_t		len;		/* 0: a flush */
	char		*data;
};

static struct bufdev dev;
struct bufdev *const env_dev = &dev;
static char *bytes, *base;	/* base: the disk when the record began */
static struct record *recs;
static size_t nrecs, caprecs;
static unsigned int nflushes;
static bool recording, fail_all, failed;
static int fail_left = -1;

char *
disk_bytes(void)
{
	return bytes;
}

size_t
disk_size(void)
{
	return (size_t)dev.bd_size;
}

void
disk_fail_after(int n, bool all)
{
	fail_left = n;
	fail_all = all;
	failed = false;
}

bool
disk_failed(void)
{
	return failed;
}

static bool
fails(void)
{
	if (fail_left < 0 || (fail_left > 0 && fail_left-- > 0))
		return false;
	if (!fail_all)
		fail_left = -1;
	failed = true;
	return true;
}

static void
record(uint64_t off, const void *data, size_t len)
{
	struct record *more;

	if (!recording)
		return;
	if (nrecs == caprecs) {
		caprecs = MAX(caprecs * 2, 1024);
		more = host_alloc(16, caprecs * sizeof(*more));
		if (nrecs > 0)
			memcpy(more, recs, nrecs * sizeof(*recs));
		if (recs != NULL)
			host_free(recs);
		recs = more;
	}
	recs[nrecs].off = off;
	recs[nrecs].len = len;
	recs[nrecs].data = len > 0 ? host_alloc(16, len) : NULL;
	if (len > 0)
		memcpy(recs[nrecs].data, data, len);
	nrecs++;
}

static int
fake_io(struct bufdev *bd, bool write, struct bufio *ios, unsigned int n)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < n; i++) {
		CHECK(ios[i].bi_off % 512 == 0 && ios[i].bi_len % 512 == 0);
		CHECK(ios[i].bi_off <= bd->bd_size &&
		    ios[i].bi_len <= bd->bd_size - ios[i].bi_off);
		ios[i].bi_error = fails() ? EIO : 0;
		if (ios[i].bi_error != 0) {
			error = EIO;
		} else if (write) {
			record(ios[i].bi_off, ios[i].bi_data, ios[i].bi_len);
			memcpy(bytes + ios[i].bi_off, ios[i].bi_data,
			    ios[i].bi_len);
		} else {
			memcpy(ios[i].bi_data, bytes + ios[i].bi_off,
			    ios[i].bi_len);
		}
	}
	return error;
}

static int
fake_flush(struct bufdev *bd __unused)
{
	if (fails())
		return EIO;
	record(0, NULL, 0);
	nflushes++;
	return 0;
}

static int
fake_discard(struct bufdev *bd, uint64_t off, uint64_t len)
{
	CHECK(off <= bd->bd_size && len <= bd->bd_size - off);
	memset(bytes + off, 0xdd, (size_t)len);
	return 0;
}

static const struct bufdev_ops fake_ops = {
	.bdo_io = fake_io,
	.bdo_flush = fake_flush,
	.bdo_discard = fake_discard,
};

void
disk_free(void)
{
	if (bytes != NULL)
		host_free(bytes);
	bytes = NULL;
}

void
disk_set(const void *p, size_t size)
{
	disk_free();
	bytes = host_alloc(16, MAX(size, 1));
	memcpy(bytes, p, size);
	dev = (struct bufdev){ .bd_ops = &fake_ops, .bd_size = size,
	    .bd_sector = 512, .bd_name = "fake" };
}

static void
load(const char *name)
{
	size_t size;
	void *p = host_read_file(name, &size);

	CHECK(p != NULL);
	disk_set(p, size);
	host_free(p);
}

void
disk_blank(unsigned int kib)
{
	void *p = host_alloc(16, (size_t)kib * 1024);

	memset(p, 0, (size_t)kib * 1024);
	disk_set(p, (size_t)kib * 1024);
	host_free(p);
}

int
disk_command(const char *what)
{
	char name[128], cmd[2048];
	size_t n;
	int status;

	host_tmpname(".img", name, sizeof(name));
	host_write_file(name, bytes, disk_size());
	n = strlcpy(cmd, "PATH=$PATH:/usr/sbin:/sbin; ", sizeof(cmd));
	for (; *what != '\0'; what++) {
		CHECK(n + sizeof(name) < sizeof(cmd));
		if (*what == '@')
			n += strlcpy(cmd + n, name, sizeof(cmd) - n);
		else
			cmd[n++] = *what;
	}
	cmd[n] = '\0';
	status = host_system(cmd);
	load(name);
	snprintf(cmd, sizeof(cmd), "rm -f %s", name);
	CHECK_EQ(host_system(cmd), 0);
	return status;
}

/* -- the record -- */

void
log_stop(void)
{
	while (nrecs > 0)
		if (recs[--nrecs].data != NULL)
			host_free(recs[nrecs].data);
	if (base != NULL)
		host_free(base);
	base = NULL;
	recording = false;
}

void
log_start(void)
{
	log_stop();
	base = host_alloc(16, disk_size());
	memcpy(base, bytes, disk_size());
	nflushes = 0;
	recording = true;
}

unsigned int
log_flushes(void)
{
	return nflushes;
}

void
log_cut(unsigned int n, unsigned int percent)
{
	unsigned int seen = 0;
	size_t i;

	recording = false;
	memcpy(bytes, base, disk_size());
	for (i = 0; i < nrecs && seen <= n; i++) {
		if (recs[i].len == 0) {
			seen++;
			continue;
		}
		if (seen < n || rnd(100) < percent)
			memcpy(bytes + recs[i].off, recs[i].data,
			    recs[i].len);
	}
}

/* -- what file systems need of the kernel -- */

int
cred_capable(const struct cred *cr, int cap)
{
	return (cr->cr_cap_effective >> cap & 1) != 0 ? 0 : EPERM;
}

bool
cred_in_group(const struct cred *cr, gid_t gid)
{
	return gid == cr->cr_fsgid;
}

int
vnode_alloc(struct mount *mp, const struct vops *ops, void *data,
    struct vnode **vpp)
{
	struct vnode *vp = kmem_zalloc(sizeof(*vp), KM_SLEEP);

	if (vp == NULL)
		return ENOMEM;
	vp->v_ref = 1;
	vp->v_ops = ops;
	vp->v_mount = mp;
	vp->v_data = data;
	rw_init(&vp->v_lock, "vnode");
	*vpp = vp;
	return 0;
}

struct vnode *
vref(struct vnode *vp)
{
	refcount_get(&vp->v_ref);
	return vp;
}

bool
vref_tryget(struct vnode *vp)
{
	if (vp->v_ref == 0)
		return false;
	vp->v_ref++;
	return true;
}

void
vrele(struct vnode *vp)
{
	if (vp->v_ref == 1 && (vp->v_flags & VV_DELETED) == 0)
		(void)uvm_vnode_sync(vp, 0, UINT64_MAX);
	if (!refcount_put(&vp->v_ref))
		return;
	vp->v_ops->vop_inactive(vp);
	uvm_vnode_detach(vp);
	vp->v_ops->vop_reclaim(vp);
	rw_destroy(&vp->v_lock);
	kmem_free(vp, sizeof(*vp));
}

void
vnode_new_owner(const struct vnode *dir, const struct cred *cr, mode_t *mode,
    uid_t *uid, gid_t *gid)
{
	(void)mode;
	*uid = cr->cr_fsuid;
	*gid = (dir->v_mode & S_ISGID) != 0 ? dir->v_gid : cr->cr_fsgid;
}

int
vfs_source_disk(const char *source __unused, struct disk **dp __unused)
{
	return ENXIO;
}

void
disk_put(struct disk *d __unused)
{
}

int
disk_open(struct disk *d __unused, struct disk_holder *h __unused,
    unsigned int mode __unused, const void *claim __unused)
{
	return ENXIO;
}

void
disk_close(struct disk_holder *h __unused)
{
}

int
bufdev_disk_create(struct disk *d __unused, struct bufdev **bd __unused)
{
	return ENOMEM;
}

void
bufdev_disk_destroy(struct bufdev *bd __unused)
{
}

/* -- mounting -- */

SET_DECLARE(vfs_list, const struct vfsops);

int
fs_mount(unsigned int flags, const char *options)
{
	static bool once;
	const struct vfsops *const *vp;
	int error;

	if (!once) {
		once = true;
		bufcache_init();
		SET_FOREACH(vp, vfs_list)
			if ((*vp)->vfs_init != NULL)
				(*vp)->vfs_init();
	}
	memset(&env_mount, 0, sizeof(env_mount));
	env_mount.mnt_flags = flags;
	error = env_fs.ef_mount(&env_mount, &dev, options);
	if (error != 0)
		CHECK(env_mount.mnt_data == NULL);
	return error;
}

int
fs_sync(void)
{
	return env_fs.ef_sync == NULL ? 0 : env_fs.ef_sync(&env_mount);
}

void
fs_unmount(void)
{
	(void)fs_sync();
	vrele(env_mount.mnt_rootvp);
	CHECK_EQ(env_fs.ef_unmount(&env_mount), 0);
}

void
fs_crash(void)
{
	char *copy = host_alloc(16, disk_size());

	memcpy(copy, bytes, disk_size());
	recording = false;
	fs_unmount();
	memcpy(bytes, copy, disk_size());
	host_free(copy);
}

/* -- short forms -- */

int
fs_walk(const char *path, struct vnode **vpp)
{
	struct vnode *vp = vref(env_mount.mnt_rootvp), *next;
	const char *end;
	int error;

	for (;;) {
		while (*path == '/')
			path++;
		if (*path == '\0')
			break;
		end = strchr(path, '/');
		if (end == NULL)
			end = path + strlen(path);
		error = !S_ISDIR(vp->v_mode) ? ENOTDIR :
		    vp->v_ops->vop_lookup(vp, path, (size_t)(end - path),
		    &next);
		vrele(vp);
		if (error != 0)
			return error;
		vp = next;
		path = end;
	}
	*vpp = vp;
	return 0;
}

/* The directory of a name, referenced, and its last part. */
static int
parent_of(const char *path, struct vnode **dvp, const char **last,
    size_t *len)
{
	const char *slash = strrchr(path, '/');
	char dir[512];

	CHECK(slash != NULL && (size_t)(slash - path) < sizeof(dir));
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*last = slash + 1;
	*len = strlen(*last);
	return fs_walk(dir, dvp);
}

int
fs_make(const char *path, mode_t mode)
{
	struct vnode *dvp, *vp;
	const char *name;
	size_t len;
	int error;

	error = parent_of(path, &dvp, &name, &len);
	if (error != 0)
		return error;
	error = dvp->v_ops->vop_lookup(dvp, name, len, &vp);
	if (error == 0)
		error = EEXIST;
	else if (error == ENOENT)
		error = (S_ISDIR(mode) ?
		    dvp->v_ops->vop_mkdir : dvp->v_ops->vop_create)(dvp,
		    name, len, mode, &env_cred, &vp);
	else
		vp = NULL;
	if (error == 0 || error == EEXIST)
		vrele(vp);
	vrele(dvp);
	return error;
}

int
fs_symlink(const char *target, const char *path)
{
	struct vnode *dvp, *vp;
	const char *name;
	size_t len;
	int error;

	error = parent_of(path, &dvp, &name, &len);
	if (error != 0)
		return error;
	error = dvp->v_ops->vop_symlink(dvp, name, len, target, &env_cred, &vp);
	if (error == 0)
		vrele(vp);
	vrele(dvp);
	return error;
}

int
fs_link(const char *from, const char *to)
{
	struct vnode *dvp, *vp;
	const char *name;
	size_t len;
	int error;

	error = fs_walk(from, &vp);
	if (error != 0)
		return error;
	error = parent_of(to, &dvp, &name, &len);
	if (error == 0) {
		error = dvp->v_ops->vop_link(dvp, name, len, vp);
		vrele(dvp);
	}
	vrele(vp);
	return error;
}

int
fs_remove(const char *path)
{
	struct vnode *dvp, *vp;
	const char *name;
	size_t len;
	int error;

	error = parent_of(path, &dvp, &name, &len);
	if (error != 0)
		return error;
	error = dvp->v_ops->vop_lookup(dvp, name, len, &vp);
	if (error == 0) {
		error = S_ISDIR(vp->v_mode) ?
		    dvp->v_ops->vop_rmdir(dvp, name, len, vp) :
		    dvp->v_ops->vop_unlink(dvp, name, len, vp);
		vrele(vp);
	}
	vrele(dvp);
	return error;
}

int
fs_rename(const char *from, const char *to, unsigned int flags)
{
	struct vnode *fdvp, *tdvp, *vp, *old = NULL;
	const char *fname, *tname;
	size_t flen, tlen;
	int error;

	error = parent_of(from, &fdvp, &fname, &flen);
	if (error != 0)
		return error;
	error = parent_of(to, &tdvp, &tname, &tlen);
	if (error != 0)
		goto out_from;
	error = fdvp->v_ops->vop_lookup(fdvp, fname, flen, &vp);
	if (error != 0)
		goto out_to;
	error = tdvp->v_ops->vop_lookup(tdvp, tname, tlen, &old);
	if (error == ENOENT)
		old = NULL;
	else if (error != 0)
		goto out;
	error = old == vp ? 0 : fdvp->v_ops->vop_rename(fdvp, fname, flen, vp,
	    tdvp, tname, tlen, old, flags);
	if (old != NULL)
		vrele(old);
out:
	vrele(vp);
out_to:
	vrele(tdvp);
out_from:
	vrele(fdvp);
	return error;
}

static int
rw(const char *path, uint64_t off, void *buf, size_t len, enum uio_rw how,
    size_t *got)
{
	struct iovec iov;
	struct vnode *vp;
	struct uio uio;
	int error;

	error = fs_walk(path, &vp);
	if (error != 0)
		return error;
	uio_kernel(&uio, &iov, buf, len, (off_t)off, how);
	error = how == UIO_READ ? vp->v_ops->vop_read(vp, &uio) :
	    vp->v_ops->vop_write(vp, &uio);
	if (got != NULL)
		*got = len - uio.uio_resid;
	vrele(vp);
	return error;
}

int
fs_write(const char *path, uint64_t off, const void *buf, size_t len)
{
	return rw(path, off, (void *)(uintptr_t)buf, len, UIO_WRITE, NULL);
}

int
fs_read(const char *path, uint64_t off, void *buf, size_t len, size_t *got)
{
	return rw(path, off, buf, len, UIO_READ, got);
}

int
fs_truncate(const char *path, uint64_t size)
{
	struct setattr sa = { .sa_valid = SETATTR_SIZE,
	    .sa_size = (off_t)size };
	struct vnode *vp;
	int error;

	error = fs_walk(path, &vp);
	if (error == 0) {
		error = vp->v_ops->vop_setattr(vp, &sa, &env_cred);
		vrele(vp);
	}
	return error;
}

int
fs_fsync(const char *path)
{
	struct vnode *vp;
	int error;

	error = fs_walk(path, &vp);
	if (error == 0) {
		error = vp->v_ops->vop_fsync(vp, false);
		vrele(vp);
	}
	return error;
}

int
fs_fallocate(const char *path, int mode, uint64_t off, uint64_t len)
{
	struct vnode *vp;
	int error;

	error = fs_walk(path, &vp);
	if (error == 0) {
		error = vp->v_ops->vop_fallocate(vp, mode, (off_t)off,
		    (off_t)len);
		vrele(vp);
	}
	return error;
}

int
fs_stat(const char *path, struct stat_k *st)
{
	struct vnode *vp;
	int error;

	memset(st, 0, sizeof(*st));
	error = fs_walk(path, &vp);
	if (error == 0) {
		error = vp->v_ops->vop_getattr(vp, st);
		st->st_mode = vp->v_mode;
		st->st_ino = vp->v_ino;
		vrele(vp);
	}
	return error;
}

static bool
count_name(void *ctx, const char *name, size_t len, ino_t ino,
    unsigned int type __unused, off_t next)
{
	CHECK(ino != 0 && len > 0 && next > 0);
	if (name[0] != '.' || (len != 1 && (len != 2 || name[1] != '.')))
		++*(int *)ctx;
	return true;
}

int
fs_count(const char *path)
{
	off_t cookie = 0;
	struct vnode *vp;
	int error, n = 0;

	error = fs_walk(path, &vp);
	if (error == 0) {
		error = vp->v_ops->vop_readdir(vp, &cookie, count_name, &n);
		vrele(vp);
	}
	return error != 0 ? -error : n;
}
