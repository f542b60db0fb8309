/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root file system on a disk, for a boot in which no initramfs mounts it.
 *
 * Overview: root= names a disk or partition in one of the ways that command
 * lines made for Linux use: a device's name, with or without /dev/, its number
 * as 202:1 or ca01, PARTUUID=, PARTLABEL=, and also UUID= and LABEL= of the
 * file system, which on Linux an initramfs has to look for.  The disks that
 * the machine had at boot are waited for; with rootwait a later one is, too.
 *
 * As on Linux it is mounted on /root of the first root, with the source
 * /dev/root; /dev of it gets a devtmpfs; then it is moved over the first root
 * and becomes the root of process 1.
 *
 * Untrusted input: what a disk says of itself is compared with what was asked
 * for and not used otherwise; the file systems check the rest.
 */
#include <sys/boot.h>
#include <sys/buf.h>
#include <sys/cons.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <kern/vfs_private.h>

#define	SETTLE_TIME	(60 * NSEC_PER_SEC)	/* until disks are known */
#define	LOOK_AGAIN	(100 * NSEC_PER_MSEC)

BOOT_OPTION(opt_root, "root", "disk with the root file system");
BOOT_OPTION(opt_rootfstype, "rootfstype", "its kinds to try, by commas");
BOOT_OPTION(opt_rootflags, "rootflags", "its mount options");
BOOT_OPTION(opt_rootwait, "rootwait", "wait for it, for ever or N seconds");
BOOT_OPTION(opt_rootdelay, "rootdelay", "look for it after N seconds");
BOOT_OPTION(opt_ro, "ro", "mount it read-only");
BOOT_OPTION(opt_rw, "rw", "mount it for writing");

SET_DECLARE(vfs_list, const struct vfsops);

/* What root= is, taken apart. */
struct root_spec {
	char		rs_text[128];
	enum root_how {
		BY_NAME, BY_UUID, BY_LABEL, BY_PARTUUID, BY_PARTLABEL
	} rs_how;
	const char	*rs_value;
};

/* ---- what a disk is ---- */

/* What is on it.  False: nothing known, or it cannot be read. */
static bool
identify(struct disk *d, struct vfs_ident *vi)
{
	const struct vfsops *const *vp;
	struct disk_holder dh = { .dh_name = "root" };
	struct bufdev *bd;
	bool is = false;

	if (disk_open(d, &dh, DISK_READ, NULL) != 0)
		return false;
	if (bufdev_disk_create(d, &bd) == 0) {
		SET_FOREACH(vp, vfs_list) {
			memset(vi, 0, sizeof(*vi));
			if ((*vp)->vfs_identify != NULL &&
			    (is = (*vp)->vfs_identify(bd, vi)))
				break;
		}
		bufdev_disk_destroy(bd);
	}
	disk_close(&dh);
	return is;
}

/* A disk with something on it that is not made of memory. */
static bool
is_candidate(const struct disk *d)
{
	return (d->d_flags & (DISK_HIDDEN | DISK_NOMEDIUM | DISK_GONE)) == 0 &&
	    strncmp(d->d_name, "ram", 3) != 0;
}

/* Of hexadecimal digits. */
static bool
same_uuid(const char *a, const char *b)
{
	for (; *a != '\0' && (*a | 0x20) == (*b | 0x20); a++, b++)
		continue;
	return *a == '\0' && *b == '\0';
}

static bool
matches(struct disk *d, const struct root_spec *rs)
{
	struct vfs_ident vi;

	switch (rs->rs_how) {
	case BY_PARTUUID:
		return d->d_partuuid[0] != '\0' &&
		    same_uuid(d->d_partuuid, rs->rs_value);
	case BY_PARTLABEL:
		return d->d_partname[0] != '\0' &&
		    strcmp(d->d_partname, rs->rs_value) == 0;
	case BY_UUID:
		return identify(d, &vi) && vi.vi_uuid[0] != '\0' &&
		    same_uuid(vi.vi_uuid, rs->rs_value);
	case BY_LABEL:
		return identify(d, &vi) && vi.vi_label[0] != '\0' &&
		    strcmp(vi.vi_label, rs->rs_value) == 0;
	case BY_NAME:
		break;
	}
	return false;
}

/* ---- which one is meant ---- */

static const char *
skip_number(const char *p, unsigned int base, unsigned int *val)
{
	unsigned int digit, n = 0;

	for (*val = 0; n < 8; p++, n++) {
		if (isdigit(*p))
			digit = (unsigned int)(*p - '0');
		else if (base == 16 && *p >= 'a' && *p <= 'f')
			digit = (unsigned int)(*p - 'a') + 10;
		else
			break;
		*val = *val * base + digit;
	}
	return n == 0 ? NULL : p;
}

/* 202:1, or ca01: Linux's old form with eight bits of each. */
static struct disk *
by_number(const char *text)
{
	unsigned int a, b;
	const char *p = skip_number(text, 10, &a);

	if (p != NULL && *p == ':') {
		p = skip_number(p + 1, 10, &b);
		return p != NULL && *p == '\0' ?
		    disk_lookup_dev(makedev(a, b)) : NULL;
	}
	p = skip_number(text, 16, &a);
	return p != NULL && *p == '\0' && a <= 0xffff ?
	    disk_lookup_dev(makedev(a >> 8, a & 0xff)) : NULL;
}

static void
parse_root(struct root_spec *rs)
{
	static const struct {
		const char *prefix;
		enum root_how how;
	} known[] = {
		{ "UUID=", BY_UUID }, { "LABEL=", BY_LABEL },
		{ "PARTUUID=", BY_PARTUUID }, { "PARTLABEL=", BY_PARTLABEL },
	};
	size_t i, n;

	rs->rs_how = BY_NAME;
	rs->rs_value = rs->rs_text;
	for (i = 0; i < __arraycount(known); i++) {
		n = strlen(known[i].prefix);
		if (strncmp(rs->rs_text, known[i].prefix, n) == 0) {
			rs->rs_how = known[i].how;
			rs->rs_value = rs->rs_text + n;
		}
	}
}

static struct disk *
find_root(const struct root_spec *rs)
{
	struct disk *d;

	if (rs->rs_how == BY_NAME) {
		d = disk_lookup(rs->rs_value);
		return d != NULL ? d : by_number(rs->rs_value);
	}
	for (d = disk_next_in_list(NULL); d != NULL;
	    d = disk_next_in_list(d))
		if (is_candidate(d) && matches(d, rs))
			break;
	return d;
}

/* Seconds given with an option; `none` if it has no number. */
static nsec_t
option_time(const char *name, nsec_t none)
{
	char buf[16];
	unsigned int n;

	if (!boot_option(name, buf, sizeof(buf)))
		return 0;
	if (skip_number(buf, 10, &n) == NULL)
		return none;
	return (nsec_t)n * NSEC_PER_SEC;
}

void
vfs_wait_disks(void)
{
	if (disk_settle_wait(nanouptime() + SETTLE_TIME) != 0)
		printf("root: not all disks have answered\n");
}

/* NULL: there is none. */
static struct disk *
wait_for_root(const struct root_spec *rs)
{
	nsec_t delay = option_time("rootdelay", 0), more;
	nsec_t start = nanouptime();
	struct disk *d;

	if (delay != 0)
		(void)kpause("rootdelay", false, start + delay);
	vfs_wait_disks();
	d = find_root(rs);
	more = option_time("rootwait", INT64_MAX);
	if (d != NULL || more == 0)
		return d;
	printf("root: waiting for %s\n", rs->rs_text);
	start = nanouptime();
	while ((d = find_root(rs)) == NULL && nanouptime() - start < more)
		(void)kpause("rootwait", false, nanouptime() + LOOK_AGAIN);
	return d;
}

/* ---- mounting ---- */

/* Which disks there are, for who has to find the right root=. */
static void
list_disks(void)
{
	struct vfs_ident vi;
	struct disk *d;
	unsigned int n = 0;

	log(LOG_EMERG, "root: the available disks and partitions:\n");
	for (d = disk_next_in_list(NULL); d != NULL;
	    d = disk_next_in_list(d)) {
		if (!is_candidate(d) || d->d_sectors == 0)
			continue;
		n++;
		if (!identify(d, &vi))
			memset(&vi, 0, sizeof(vi));
		log(LOG_EMERG, "root: %3u:%-4u %10llu KiB %s%s%s%s%s%s%s\n",
		    major(d->d_dev), minor(d->d_dev),
		    (unsigned long long)d->d_sectors / 2, d->d_name,
		    vi.vi_type != NULL ? " " : "",
		    vi.vi_type != NULL ? vi.vi_type : "",
		    vi.vi_uuid[0] != '\0' ? " UUID=" : "", vi.vi_uuid,
		    vi.vi_label[0] != '\0' ? " LABEL=" : "", vi.vi_label);
	}
	if (n == 0)
		log(LOG_EMERG, "root: none\n");
}

static int
mount_as(struct lwp *l, const char *type, const char *options)
{
	const struct vfsops *ops = vfsops_find(type);
	bool rw = boot_option("rw", NULL, 0);
	int error;

	if (ops == NULL || (ops->vfs_flags & VFS_NODEVSRC) != 0)
		return ENODEV;
	error = do_mount(l, "/dev/root", "/root", type, rw ? 0 : MS_RDONLY,
	    options);
	if (error == EROFS && rw) {
		printf("root: the disk is read-only\n");
		error = do_mount(l, "/dev/root", "/root", type, MS_RDONLY,
		    options);
	}
	return error;
}

/* The kinds that were asked for, or what the disk says it is. */
static int
mount_kinds(struct lwp *l, struct disk *d)
{
	char types[128], options[256], *p, *next;
	struct vfs_ident vi;
	int error = ENODEV;

	if (!boot_option("rootflags", options, sizeof(options)))
		options[0] = '\0';
	if (!boot_option("rootfstype", types, sizeof(types))) {
		if (!identify(d, &vi)) {
			log(LOG_EMERG, "root: %s: no file system that this "
			    "kernel knows\n", d->d_name);
			return EINVAL;
		}
		(void)strlcpy(types, vi.vi_type, sizeof(types));
	}
	for (p = types; p != NULL; p = next) {
		next = strchr(p, ',');
		if (next != NULL)
			*next++ = '\0';
		error = mount_as(l, p, options);
		if (error == 0) {
			printf("root: %s on %s\n", p, d->d_name);
			break;
		}
		log(LOG_EMERG, "root: %s: cannot be mounted as %s: error %d\n",
		    d->d_name, p, error);
	}
	return error;
}

/* /root becomes the root of everything that follows. */
static int
move_root(struct lwp *l)
{
	struct path p;
	int error;

	error = do_mount(l, "devtmpfs", "/root/dev", "devtmpfs", 0, NULL);
	if (error != 0)
		printf("root: no devtmpfs on its /dev: error %d\n", error);
	error = namei(l, NULL, "/root", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (error != 0)
		return error;
	error = do_mount(l, "/root", "/", NULL, MS_MOVE, NULL);
	if (error == 0)
		error = do_chdir(l, &p);
	if (error == 0)
		error = do_chroot(l, &p);
	path_put(&p);
	return error;
}

int
vfs_mountdisk(struct lwp *l)
{
	struct root_spec rs;
	struct disk *d;
	int error;

	if (!boot_option("root", rs.rs_text, sizeof(rs.rs_text)) ||
	    rs.rs_text[0] == '\0')
		return ENOENT;
	parse_root(&rs);
	d = wait_for_root(&rs);
	if (d == NULL) {
		log(LOG_EMERG, "root: there is no root=%s\n", rs.rs_text);
		list_disks();
		return ENXIO;
	}
	error = do_mknod(l, NULL, "/dev/root", S_IFBLK | 0600, d->d_dev);
	if (error == 0)
		error = mount_kinds(l, d);
	if (error == 0)
		error = move_root(l);
	else
		list_disks();
	disk_put(d);
	return error;
}
