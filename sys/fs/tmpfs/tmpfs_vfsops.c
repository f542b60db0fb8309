/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: mounting, options, figures.
 *
 * Untrusted input: the option string of mount(2), privileged but checked.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <fs/tmpfs/tmpfs.h>
#include <uvm/uvm.h>

#define	TMPFS_MAGIC	0x01021994

struct options {
	uint64_t	size;		/* bytes */
	uint64_t	nr_inodes;
	uint32_t	mode, uid, gid;
	bool		has_size, has_inodes, has_mode, has_uid, has_gid;
};

/* "512k", "3m", "1g", "50%" (of `total` bytes), "4096".  EINVAL. */
int
tmpfs_parse_size(const char *s, size_t total, uint64_t *res)
{
	unsigned int shift = 0;
	const char *end;
	uint64_t v;

	if (kstrtou64_prefix(s, 10, &v, &end) != 0)
		return EINVAL;
	if (end[0] == '%' && end[1] == '\0') {
		if (v > 10000)
			return EINVAL;
		*res = muldiv64(total, v, 100);
		return 0;
	}
	switch (tolower(end[0])) {
	case 'k':
		shift = 10;
		break;
	case 'm':
		shift = 20;
		break;
	case 'g':
		shift = 30;
		break;
	case 't':
		shift = 40;
		break;
	case '\0':
		break;
	default:
		return EINVAL;
	}
	if ((shift != 0 && end[1] != '\0') || v > (uint64_t)INT64_MAX >> shift)
		return EINVAL;
	*res = v << shift;
	return 0;
}

/* One "key=value" or "key"; unknown ones are EINVAL. */
static int
parse_option(char *opt, struct options *o)
{
	static const char *const ignored[] = {
		"huge", "mpol", "inode32", "inode64", "noswap", "rw", "ro",
	};
	char *val = strchr(opt, '=');
	const char *v;
	size_t i;

	if (val != NULL)
		*val++ = '\0';
	v = val == NULL ? "" : val;
	if (strcmp(opt, "size") == 0) {
		o->has_size = true;
		return tmpfs_parse_size(v, (size_t)ptoa(uvmexp.total),
		    &o->size);
	}
	if (strcmp(opt, "nr_blocks") == 0) {
		o->has_size = true;
		if (tmpfs_parse_size(v, 0, &o->size) != 0 ||
		    o->size > INT64_MAX / PAGE_SIZE)
			return EINVAL;
		o->size *= PAGE_SIZE;
		return 0;
	}
	if (strcmp(opt, "nr_inodes") == 0) {
		o->has_inodes = true;
		return tmpfs_parse_size(v, 0, &o->nr_inodes);
	}
	if (strcmp(opt, "mode") == 0) {
		o->has_mode = true;
		return kstrtou32(v, 8, &o->mode);
	}
	if (strcmp(opt, "uid") == 0) {
		o->has_uid = true;
		return kstrtou32(v, 10, &o->uid);
	}
	if (strcmp(opt, "gid") == 0) {
		o->has_gid = true;
		return kstrtou32(v, 10, &o->gid);
	}
	for (i = 0; i < __arraycount(ignored); i++)
		if (strcmp(opt, ignored[i]) == 0)
			return 0;
	return EINVAL;
}

static int
parse_options(const char *text, struct options *o)
{
	size_t len = strlen(text) + 1;
	char *copy, *opt, *next;
	int error = 0;

	memset(o, 0, sizeof(*o));
	copy = kmem_strdup(text, KM_SLEEP);
	if (copy == NULL)
		return ENOMEM;
	for (opt = copy; opt != NULL && error == 0; opt = next) {
		next = strchr(opt, ',');
		if (next != NULL)
			*next++ = '\0';
		if (*opt != '\0')
			error = parse_option(opt, o);
	}
	kmem_free(copy, len);		/* it is in pieces now */
	return error == ERANGE ? EINVAL : error;
}

static size_t
pages_of(uint64_t bytes)
{
	return (size_t)MIN((bytes >> PAGE_SHIFT) + ((bytes & PAGE_MASK) != 0),
	    SIZE_MAX);
}

static int
tmpfs_mount(struct mount *mp, const char *source, const char *options)
{
	struct tmpfs_mount *tm;
	struct options o;
	int error;

	(void)source;
	error = parse_options(options, &o);
	if (error != 0)
		return error;
	tm = kmem_zalloc(sizeof(*tm), KM_SLEEP);
	if (tm == NULL)
		return ENOMEM;
	tm->tm_maxpages = o.has_size ? pages_of(o.size) : uvmexp.total / 2;
	tm->tm_maxnodes = o.has_inodes ? (size_t)MIN(o.nr_inodes, SIZE_MAX) :
	    MAX(uvmexp.total / 2, 1024);
	tm->tm_nextino = 1;
	tm->tm_mode = o.has_mode ? o.mode & ALLPERMS : 01777;
	tm->tm_uid = o.uid;
	tm->tm_gid = o.gid;
	mp->mnt_data = tm;
	error = tmpfs_node_create(mp, S_IFDIR | tm->tm_mode, tm->tm_uid,
	    tm->tm_gid, 0, &tm->tm_root);
	if (error != 0) {
		kmem_free(tm, sizeof(*tm));
		return error;
	}
	TMPFS_NODE(tm->tm_root)->tn_nlink = 2;
	TMPFS_NODE(tm->tm_root)->tn_parentino = tm->tm_root->v_ino;
	mp->mnt_rootvp = vref(tm->tm_root);
	return 0;
}

static int
tmpfs_unmount(struct mount *mp, bool force)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(mp);

	(void)force;
	tmpfs_dir_destroy(TMPFS_NODE(tm->tm_root));
	vrele(tm->tm_root);
	KASSERT(tm->tm_nodes == 0 && tm->tm_pages == 0);
	kmem_free(tm, sizeof(*tm));
	return 0;
}

static int
tmpfs_remount(struct mount *mp, unsigned int flags __unused,
    const char *options)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(mp);
	struct options o;
	int error;

	error = parse_options(options, &o);
	if (error != 0)
		return error;
	if (o.has_size && o.size != 0 && pages_of(o.size) < tm->tm_pages)
		return EINVAL;		/* more than that is in it */
	if (o.has_inodes && o.nr_inodes != 0 && o.nr_inodes < tm->tm_nodes)
		return EINVAL;
	if (o.has_size)
		atomic_store(&tm->tm_maxpages, pages_of(o.size));
	if (o.has_inodes)
		atomic_store(&tm->tm_maxnodes,
		    (size_t)MIN(o.nr_inodes, SIZE_MAX));
	return 0;
}

static int
tmpfs_statfs(struct mount *mp, struct statfs_k *sf)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(mp);
	size_t used = tm->tm_pages, nodes = tm->tm_nodes;

	sf->f_type = TMPFS_MAGIC;
	sf->f_used = used;
	sf->f_blocks = tm->tm_maxpages;
	sf->f_bfree = sf->f_bavail = used < tm->tm_maxpages ?
	    tm->tm_maxpages - used : 0;
	sf->f_files = tm->tm_maxnodes;
	sf->f_ffree = nodes < tm->tm_maxnodes ? tm->tm_maxnodes - nodes : 0;
	return 0;
}

static void
tmpfs_showopts(struct mount *mp, char *buf, size_t len)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(mp);
	size_t n = 0;

	n += (size_t)scnprintf(buf + n, len - n, ",size=%lluk",
	    (unsigned long long)tm->tm_maxpages * (PAGE_SIZE / 1024));
	n += (size_t)scnprintf(buf + n, len - n, ",nr_inodes=%zu",
	    tm->tm_maxnodes);
	if (tm->tm_mode != 01777)
		n += (size_t)scnprintf(buf + n, len - n, ",mode=%o",
		    tm->tm_mode);
	if (tm->tm_uid != 0)
		n += (size_t)scnprintf(buf + n, len - n, ",uid=%u",
		    tm->tm_uid);
	if (tm->tm_gid != 0)
		(void)scnprintf(buf + n, len - n, ",gid=%u", tm->tm_gid);
}

const struct vfsops tmpfs_vfsops = {
	.vfs_name = "tmpfs",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_init = tmpfs_node_init,
	.vfs_mount = tmpfs_mount,
	.vfs_unmount = tmpfs_unmount,
	.vfs_statfs = tmpfs_statfs,
	.vfs_remount = tmpfs_remount,
	.vfs_showopts = tmpfs_showopts,
};
VFS_REGISTER(tmpfs_vfsops);

/* ramfs is a tmpfs for who asks for it by that name. */
static const struct vfsops ramfs_vfsops = {
	.vfs_name = "ramfs",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = tmpfs_mount,
	.vfs_unmount = tmpfs_unmount,
	.vfs_statfs = tmpfs_statfs,
	.vfs_remount = tmpfs_remount,
};
VFS_REGISTER(ramfs_vfsops);
