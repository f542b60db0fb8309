/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root= and its companions: which disk is taken, how it is mounted, what is
 * the root afterwards.  The disks are made up, and what is on them is a tmpfs.
 */
/* sources: regress/sys/kern/vfs_env.c sys/kern/vfs_dcache.c
 * sys/kern/vfs_device.c sys/kern/vfs_fifo.c sys/kern/vfs_file.c
 * sys/kern/vfs_init.c sys/kern/vfs_initramfs.c sys/kern/vfs_lock.c
 * sys/kern/vfs_memfd.c sys/kern/vfs_mount.c sys/kern/vfs_namei.c
 * sys/kern/vfs_protect.c sys/kern/vfs_open.c sys/kern/vfs_root.c
 * sys/kern/vfs_syscalls.c sys/kern/vfs_vnode.c sys/kern/kern_descrip.c
 * sys/kern/subr_cpio.c sys/kern/subr_uio.c sys/kern/sys_epoll.c
 * sys/kern/sys_eventfd.c sys/kern/sys_inotify.c sys/kern/sys_pipe.c
 * sys/kern/sys_poll.c sys/fs/tmpfs/tmpfs_data.c sys/fs/tmpfs/tmpfs_node.c
 * sys/fs/tmpfs/tmpfs_vfsops.c sys/fs/tmpfs/tmpfs_vnops.c
 * sys/fs/tmpfs/tmpfs_xattr.c sys/fs/devtmpfs/devtmpfs.c sys/uvm/uvm_radix.c
 * sys/lib/gunzip.c libdeflate/lib/deflate_decompress.c
 * libdeflate/lib/gzip_decompress.c libdeflate/lib/crc32.c
 * libdeflate/lib/utils.c */
#include <sys/boot.h>
#include <sys/buf.h>
#include <sys/dev.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <kern/vfs_private.h>

#include <ktest.h>
#include "vfs_env.h"

#define	UUID	"01234567-89ab-cdef-0123-456789abcdef"

static struct fake {
	struct disk	f_disk;
	const char	*f_type, *f_uuid, *f_label;
} fakes[] = {
	{ { .d_name = "xvda", .d_dev = makedev(202, 0), .d_sectors = 2048 },
	    NULL, "", "" },
	{ { .d_name = "xvda1", .d_dev = makedev(202, 1), .d_sectors = 1024,
	    .d_partuuid = "deadbeef-01", .d_partname = "first" },
	    "onefs", UUID, "root" },
	{ { .d_name = "xvda2", .d_dev = makedev(202, 2), .d_sectors = 1024,
	    .d_partuuid = "deadbeef-02", .d_flags = DISK_RDONLY },
	    "twofs", "", "data" },
};
static const char *words;		/* the command line */
static unsigned int visible;		/* how many of the fakes */
static unsigned int refs, opens;
static char mounted[64];		/* type and disk of the last one */
static unsigned int mounted_flags;
static int settle_error;
static nsec_t settled_at;

bool
boot_option(const char *name, char *buf, size_t len)
{
	size_t n = strlen(name), i;
	const char *p;

	for (p = words; *p != '\0'; p++) {
		if (p != words && p[-1] != ' ')
			continue;
		if (strncmp(p, name, n) != 0 || (p[n] != '=' && p[n] != ' ' &&
		    p[n] != '\0'))
			continue;
		p += n + (p[n] == '=');
		for (i = 0; i + 1 < len && p[i] != ' ' && p[i] != '\0'; i++)
			buf[i] = p[i];
		if (len > 0)
			buf[i] = '\0';
		return true;
	}
	return false;
}

/* ---- disks ---- */

static struct disk *
found(unsigned int i)
{
	if (i >= visible)
		return NULL;
	fakes[i].f_disk.d_whole = &fakes[0].f_disk;
	refs++;
	return &fakes[i].f_disk;
}

struct disk *
disk_lookup(const char *name)
{
	unsigned int i;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	for (i = 0; i < visible; i++)
		if (strcmp(fakes[i].f_disk.d_name, name) == 0)
			return found(i);
	return NULL;
}

struct disk *
disk_lookup_dev(dev_t dev)
{
	unsigned int i;

	for (i = 0; i < visible; i++)
		if (fakes[i].f_disk.d_dev == dev)
			return found(i);
	return NULL;
}

struct disk *
disk_next_in_list(struct disk *d)
{
	unsigned int i = 0;

	if (d != NULL) {
		i = (unsigned int)((struct fake *)d - fakes) + 1;
		refs--;
	}
	return found(i);
}

void
disk_put(struct disk *d __unused)
{
	CHECK(refs > 0);
	refs--;
}

int
disk_open(struct disk *d, struct disk_holder *dh, unsigned int mode,
    const void *claim __unused)
{
	CHECK_EQ(mode, DISK_READ);
	dh->dh_disk = d;
	opens++;
	return 0;
}

void
disk_close(struct disk_holder *dh __unused)
{
	opens--;
}

/* After two seconds all disks are there. */
static bool
come(const char *wchan __unused)
{
	if (nanouptime() >= 1002 * NSEC_PER_SEC)
		visible = __arraycount(fakes);
	return false;
}

int
disk_settle_wait(nsec_t deadline)
{
	CHECK(deadline > nanouptime());
	(void)come("settle");
	settled_at = nanouptime();
	return settle_error;
}

int
bufdev_disk_create(struct disk *d, struct bufdev **bdp)
{
	static struct bufdev bd;

	bd.bd_disk = d;
	*bdp = &bd;
	return 0;
}

void
bufdev_disk_destroy(struct bufdev *bd __unused)
{
}

/* ---- file systems ---- */

static int
fake_mount(struct mount *mp, const char *source, const char *options)
{
	struct vnode *vp;
	struct disk *d;
	struct fake *f;
	int error;

	if (strcmp(options, "bad") == 0)
		return EINVAL;
	error = vfs_source_disk(source, &d);
	if (error != 0)
		return error;
	f = (struct fake *)d;
	disk_put(d);
	if (f->f_type == NULL || strcmp(f->f_type, mp->mnt_ops->vfs_name) != 0)
		return EINVAL;
	if ((mp->mnt_flags & MS_RDONLY) == 0 && disk_readonly(d))
		return EROFS;
	snprintf(mounted, sizeof(mounted), "%s on %s", f->f_type, d->d_name);
	mounted_flags = mp->mnt_flags;
	error = vfsops_find("tmpfs")->vfs_mount(mp, source, "mode=755");
	CHECK_EQ(error, 0);
	vp = mp->mnt_rootvp;
	error = vp->v_ops->vop_mkdir(vp, "dev", 3, S_IFDIR | 0755,
	    cred_kernel, &vp);
	CHECK_EQ(error, 0);
	vrele(vp);
	return 0;
}

static int
fake_unmount(struct mount *mp, bool force)
{
	return vfsops_find("tmpfs")->vfs_unmount(mp, force);
}

static bool
fake_identify(struct bufdev *bd, struct vfs_ident *vi)
{
	const struct fake *f = (const struct fake *)bd->bd_disk;

	CHECK_EQ(opens, 1);
	if (f->f_type == NULL)
		return false;
	vi->vi_type = f->f_type;
	strlcpy(vi->vi_uuid, f->f_uuid, sizeof(vi->vi_uuid));
	strlcpy(vi->vi_label, f->f_label, sizeof(vi->vi_label));
	return true;
}

static const struct vfsops onefs = {
	.vfs_name = "onefs", .vfs_mount = fake_mount,
	.vfs_unmount = fake_unmount, .vfs_identify = fake_identify,
};
static const struct vfsops twofs = {
	.vfs_name = "twofs", .vfs_mount = fake_mount,
	.vfs_unmount = fake_unmount,
};
VFS_REGISTER(onefs);
VFS_REGISTER(twofs);

/* ---- the tests ---- */

/* Boot with these words; the root is put back. */
static int
boot(const char *line)
{
	static const struct devops ops = { .d_name = "mem" };
	static bool once;
	struct path old;
	int error;

	if (!once) {
		once = true;
		env_init();
		shim_sleep_hook = come;
		CHECK_EQ(vfs_mountroot(), 0);
		CHECK_EQ(dev_register("zero", S_IFCHR | 0666, makedev(1, 5),
		    &ops, NULL), 0);
	}
	words = line;
	mounted[0] = '\0';
	refs = 0;
	(void)do_unlink(&lwp0, NULL, "/dev/root", 0);
	shim_set_time(1000 * NSEC_PER_SEC);
	CHECK_EQ(env_lookup("/", LOOKUP_FOLLOW, &old), 0);
	error = vfs_mountdisk(&lwp0);
	if (error == 0) {
		/* The disk's, with devices; the first root is out of sight. */
		CHECK_STR(env_ls("/"), "dev");
		CHECK_EQ(env_walk("/dev/zero", 0), 0);
		CHECK(strstr(env_mounts(MOUNTS_MOUNTS), "/dev/root / ") !=
		    NULL);
		CHECK(strstr(env_mounts(MOUNTS_MOUNTS), "rootfs") == NULL);
		CHECK_EQ(do_umount(&lwp0, "/dev", 0), 0);
		CHECK_EQ(do_chroot(&lwp0, &old), 0);
		CHECK_EQ(do_chdir(&lwp0, &old), 0);
	}
	path_put(&old);
	CHECK_EQ(refs, 0);
	CHECK_EQ(opens, 0);
	return error;
}

TEST(a_disk_is_named_in_many_ways)
{
	static const char *const ways[] = {
		"root=/dev/xvda1", "root=xvda1", "root=202:1", "root=ca01",
		"root=UUID=" UUID, "root=UUID=01234567-89AB-CDEF-0123-"
		"456789ABCDEF", "root=LABEL=root", "root=PARTUUID=DEADBEEF-01",
		"root=PARTLABEL=first",
	};
	size_t i;

	visible = __arraycount(fakes);
	for (i = 0; i < __arraycount(ways); i++) {
		CHECK_EQ(boot(ways[i]), 0);
		CHECK_STR(mounted, "onefs on xvda1");
		CHECK_EQ(mounted_flags & MS_RDONLY, MS_RDONLY);
	}
	CHECK_EQ(boot("quiet"), ENOENT);
	CHECK_EQ(boot("root="), ENOENT);
}

TEST(what_is_not_there_is_not_taken)
{
	static const char *const wrong[] = {
		"root=/dev/xvda7", "root=202", "root=202:", "root=202:1:",
		"root=ca01x", "root=UUID=", "root=LABEL=", "root=PARTLABEL=",
		"root=PARTUUID=", "root=UUID=" UUID "0", "root=LABEL=roo",
		"root=fffffffff",
	};
	size_t i;

	visible = __arraycount(fakes);
	for (i = 0; i < __arraycount(wrong); i++) {
		CHECK_EQ(boot(wrong[i]), ENXIO);
		CHECK_STR(mounted, "");
	}
	CHECK_EQ(boot("root=/dev/xvda"), EINVAL);	/* nothing is on it */
}

TEST(the_kind_and_its_options)
{
	visible = __arraycount(fakes);
	CHECK_EQ(boot("root=xvda1 rw"), 0);
	CHECK_EQ(mounted_flags & MS_RDONLY, 0);
	CHECK_EQ(boot("root=xvda1 rootfstype=twofs,onefs"), 0);
	CHECK_STR(mounted, "onefs on xvda1");
	CHECK_EQ(boot("root=xvda1 rootfstype=twofs"), EINVAL);
	CHECK_EQ(boot("root=xvda1 rootfstype=nofs"), ENODEV);
	CHECK_EQ(boot("root=xvda1 rootfstype=tmpfs"), ENODEV);
	CHECK_EQ(boot("root=xvda1 rootflags=bad"), EINVAL);
	/* A disk that cannot be written is a root all the same. */
	CHECK_EQ(boot("root=xvda2 rw"), 0);
	CHECK_STR(mounted, "twofs on xvda2");
	CHECK_EQ(mounted_flags & MS_RDONLY, MS_RDONLY);
}

TEST(waiting)
{
	visible = 0;
	CHECK_EQ(boot("root=xvda1"), ENXIO);
	visible = 0;
	CHECK_EQ(boot("root=xvda1 rootwait"), 0);
	visible = 0;
	CHECK_EQ(boot("root=LABEL=root rootwait=1"), ENXIO);
	visible = 0;
	CHECK_EQ(boot("root=LABEL=root rootwait=5"), 0);
	visible = 0;
	CHECK_EQ(boot("root=xvda1 rootdelay=3"), 0);
	CHECK_EQ(settled_at, 1003 * NSEC_PER_SEC);
	settle_error = ETIMEDOUT;
	CHECK_EQ(boot("root=xvda1"), 0);
	settle_error = 0;
}
