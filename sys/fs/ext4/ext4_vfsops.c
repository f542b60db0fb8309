/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: mounting and what belongs to it.
 *
 * Overview: the journal is recovered whenever it is not empty, for a read-only
 * mount, too.  Writing begins (start_writing) with a mount or a remount that is
 * not read-only: the superblock says that recovery may be needed, the journal
 * is opened, orphans are cleaned up.  It ends with everything in its place and
 * an empty journal.
 *
 * Every few seconds a task of the mount commits what is old; all mounts share
 * one thread for that.
 */
#include <sys/diskfs.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/time.h>
#include <uvm/uvm_vnode.h>
#include <fs/ext4/ext4.h>

#define	EXT4_STATFS_MAGIC	0xef53
#define	PERIOD		(5 * NSEC_PER_SEC)
#define	VNHASH		1024

static struct taskq *ext4_tasks;

/* -- options -- */

struct options {
	bool		noload, discard, acl;
};

static const char *const ignored[] = {
	"defaults", "errors=remount-ro", "errors=continue", "errors=panic",
	"user_xattr", "acl", "barrier", "barrier=1", "delalloc",
	"data=ordered", "init_itable", "noinit_itable", "auto_da_alloc",
	"block_validity", "noblock_validity", "grpid", "nogrpid", "bsdgroups",
	"sysvgroups", "journal_checksum", "nojournal_checksum", "i_version",
	"dioread_lock", "dioread_nolock", "orlov", "oldalloc", "nodelalloc",
	"usrquota", "grpquota", "noquota", "quota", "lazytime", "nolazytime",
	"resuid=0", "resgid=0", "minixdf", "bsddf",
};

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int
parse_option(const char *opt, struct options *o)
{
	unsigned int i;

	for (i = 0; i < __arraycount(ignored); i++)
		if (strcmp(opt, ignored[i]) == 0)
			return 0;
	if (strcmp(opt, "noload") == 0 || strcmp(opt, "norecovery") == 0)
		o->noload = true;
	else if (strcmp(opt, "discard") == 0)
		o->discard = true;
	else if (strcmp(opt, "nodiscard") == 0)
		o->discard = false;
	else if (!has_prefix(opt, "commit=") && !has_prefix(opt, "stripe=") &&
	    !has_prefix(opt, "inode_readahead_blks=") &&
	    !has_prefix(opt, "min_batch_time=") &&
	    !has_prefix(opt, "max_batch_time=") &&
	    !has_prefix(opt, "journal_ioprio=")) {
		printf("ext4: unknown option \"%s\"\n", opt);
		return EINVAL;
	}
	return 0;
}

static int
parse_options(const char *options, struct options *o)
{
	char *copy, *p, *next;
	size_t len = strlen(options) + 1;
	int error = 0;

	copy = kmem_alloc(len, KM_SLEEP);
	if (copy == NULL)
		return ENOMEM;
	memcpy(copy, options, len);
	for (p = copy; p != NULL && error == 0; p = next) {
		next = strchr(p, ',');
		if (next != NULL)
			*next++ = '\0';
		if (*p != '\0')
			error = parse_option(p, o);
	}
	kmem_free(copy, len);
	return error;
}

/* -- the beginning and the end of writing -- */

static int
start_writing(struct ext4_mount *em)
{
	uint32_t bad = em->em_sb.s_feature_ro_compat &
	    ~(uint32_t)EXT4_ROC_SUPPORTED;
	int error;

	if (em->em_dev->bd_readonly || em->em_failed || bad != 0)
		return EROFS;
	if ((em->em_sb.s_state & EXT4_ERROR_FS) != 0 ||
	    (em->em_jinode == NULL &&
	    (em->em_sb.s_state & EXT4_VALID_FS) == 0))
		printf("ext4: %s: was not unmounted cleanly or has errors; "
		    "e2fsck is advised\n", em->em_dev->bd_name);
	error = ext4_super_write(em, false);
	if (error == 0)
		error = ext4_jopen(em);
	if (error != 0)
		return error;
	em->em_writable = true;
	/* Those in memory are in use: they go when they are not. */
	error = LIST_EMPTY(&em->em_orphans) ? ext4_orphan_cleanup(em) : 0;
	if (error != 0)
		printf("ext4: %s: orphans: error %d\n", em->em_dev->bd_name,
		    error);
	return em->em_failed ? EROFS : 0;
}

static void
stop_writing(struct ext4_mount *em)
{
	if (em->em_jnl == NULL)
		return;
	(void)ext4_iflush_all(em);
	ext4_jclose(em);
	if (!em->em_failed && ext4_super_write(em, true) != 0)
		printf("ext4: %s: the superblock cannot be written\n",
		    em->em_dev->bd_name);
	em->em_writable = false;
}

int
ext4_sync(struct mount *mp)
{
	struct ext4_mount *em = EXT4_MOUNT(mp);
	int error, e;

	if (em->em_jnl == NULL)
		return 0;
	error = uvm_vnode_sync_all(mp);
	e = ext4_iflush_all(em);
	if (e == 0)
		e = ext4_jcommit_all(em);
	if (e == 0 && em->em_jinode == NULL)
		e = bufcache_sync(em->em_bc);
	if (e == 0)
		e = bufdev_flush(em->em_dev);
	return error != 0 ? error : e;
}

/* The callout's and the task's. */
static void
due(void *arg)
{
	struct ext4_mount *em = arg;

	(void)task_add(ext4_tasks, &em->em_task);
}

static void
periodic(void *arg)
{
	struct ext4_mount *em = arg;

	if (em->em_jnl != NULL && !em->em_failed) {
		(void)ext4_iflush_all(em);
		ext4_jperiodic(em);
	}
	callout_schedule(&em->em_callout, nanouptime() + PERIOD);
}

static void
periodic_stop(struct ext4_mount *em)
{
	/* The task starts the callout again: twice. */
	(void)callout_halt(&em->em_callout);
	taskq_barrier(ext4_tasks);
	(void)callout_halt(&em->em_callout);
	(void)task_del(ext4_tasks, &em->em_task);
	taskq_barrier(ext4_tasks);
	(void)callout_halt(&em->em_callout);
}

/* -- mount -- */

static int
load_structures(struct ext4_mount *em)
{
	int error;

	error = ext4_super_read(em);
	if (error != 0)
		return error;
	error = ext4_groups_read(em);
	if (error == 0 && ext4_compat(em, EXT4_COMPAT_HAS_JOURNAL)) {
		if (em->em_sb.s_journal_inum == 0) {
			printf("ext4: %s: an external journal is not "
			    "supported\n", em->em_dev->bd_name);
			error = EINVAL;
		} else {
			error = ext4_iload(em, em->em_sb.s_journal_inum,
			    &em->em_jinode);
		}
	}
	return error == ESTALE ? EINVAL : error;
}

static void
unload_structures(struct ext4_mount *em)
{
	if (em->em_jinode != NULL)
		ext4_iunload(em->em_jinode);
	em->em_jinode = NULL;
	ext4_super_free(em);
}

static int
load(struct ext4_mount *em, bool noload)
{
	bool dirty;
	int error;

	error = load_structures(em);
	if (error != 0 || em->em_jinode == NULL || noload)
		return error;
	dirty = ext4_incompat(em, EXT4_INC_RECOVER);
	if (em->em_dev->bd_readonly) {
		if (dirty)
			printf("ext4: %s: needs recovery, and cannot be "
			    "written: \"noload\" mounts it as it is\n",
			    em->em_dev->bd_name);
		return dirty ? EROFS : 0;
	}
	error = ext4_recover(em);
	if (error != 0 || !dirty)
		return error;
	unload_structures(em);
	error = load_structures(em);
	return error != 0 ? error : ext4_super_write(em, true);
}

static int
load_root(struct ext4_mount *em)
{
	int error;

	error = ext4_iget(em, EXT4_ROOT_INO, &em->em_root);
	if (error != 0)
		return error;
	if (!S_ISDIR(em->em_root->v_mode)) {
		vrele(em->em_root);
		em->em_root = NULL;
		return EINVAL;
	}
	em->em_mp->mnt_rootvp = vref(em->em_root);
	return 0;
}

static void
mount_free(struct ext4_mount *em)
{
	ext4_jfree(em);
	unload_structures(em);
	cv_destroy(&em->em_vn_cv);
	mutex_destroy(&em->em_vn_lock);
	mutex_destroy(&em->em_orphan_lock);
	mutex_destroy(&em->em_sb_lock);
	if (em->em_vnhash != NULL)
		kmem_free(em->em_vnhash, VNHASH * sizeof(*em->em_vnhash));
	kmem_free(em, sizeof(*em));
}

static struct ext4_mount *
mount_alloc(struct mount *mp, struct bufdev *bd)
{
	struct ext4_mount *em = kmem_zalloc(sizeof(*em), KM_SLEEP);
	unsigned int i;

	if (em == NULL)
		return NULL;
	em->em_mp = mp;
	em->em_dev = bd;
	mutex_init(&em->em_sb_lock, "ext4_sb");
	mutex_init(&em->em_vn_lock, "ext4_vnodes");
	mutex_init(&em->em_orphan_lock, "ext4_orphans");
	cv_init(&em->em_vn_cv, "ext4vn");
	LIST_INIT(&em->em_orphans);
	random_bytes(&i, sizeof(i));
	em->em_nextgen = i;
	callout_init(&em->em_callout, due, em);
	task_set(&em->em_task, periodic, em);
	em->em_vnhash = kmem_alloc(VNHASH * sizeof(*em->em_vnhash), KM_SLEEP);
	if (em->em_vnhash == NULL) {
		mount_free(em);
		return NULL;
	}
	em->em_nvnhash = VNHASH;
	for (i = 0; i < VNHASH; i++)
		LIST_INIT(&em->em_vnhash[i]);
	return em;
}

int
ext4_mount_dev(struct mount *mp, struct bufdev *bd, const char *options)
{
	struct options o = { .acl = true };
	struct ext4_mount *em;
	int error;

	error = parse_options(options, &o);
	if (error != 0)
		return error;
	if (o.noload && (mp->mnt_flags & MS_RDONLY) == 0)
		return EINVAL;
	em = mount_alloc(mp, bd);
	if (em == NULL)
		return ENOMEM;
	mp->mnt_data = em;
	em->em_discard = o.discard;
	em->em_noload = o.noload;
	error = load(em, o.noload);
	if (error == 0 && (mp->mnt_flags & MS_RDONLY) == 0)
		error = start_writing(em);
	if (error == 0)
		error = load_root(em);
	if (error != 0) {
		stop_writing(em);
		mount_free(em);
		mp->mnt_data = NULL;
		return error;
	}
	callout_schedule(&em->em_callout, nanouptime() + PERIOD);
	return 0;
}

int
ext4_unmount_dev(struct mount *mp)
{
	struct ext4_mount *em = EXT4_MOUNT(mp);

	periodic_stop(em);
	vrele(em->em_root);
	stop_writing(em);
	mount_free(em);
	mp->mnt_data = NULL;
	return 0;
}

/* Files without a name that somebody has open: they are still to be freed. */
static bool
has_orphans(struct ext4_mount *em)
{
	bool yes;

	mutex_enter(&em->em_orphan_lock);
	yes = !LIST_EMPTY(&em->em_orphans);
	mutex_exit(&em->em_orphan_lock);
	return yes;
}

int
ext4_remount(struct mount *mp, unsigned int flags, const char *options)
{
	struct ext4_mount *em = EXT4_MOUNT(mp);
	struct options o = { .discard = em->em_discard, .acl = true };
	int error;

	error = parse_options(options, &o);
	if (error != 0)
		return error;
	if ((flags & MS_RDONLY) != 0 && em->em_jnl != NULL) {
		if (!em->em_failed && has_orphans(em))
			return EBUSY;
		periodic_stop(em);
		stop_writing(em);
		callout_schedule(&em->em_callout, nanouptime() + PERIOD);
	} else if ((flags & MS_RDONLY) == 0 && em->em_jnl == NULL) {
		if (em->em_noload)
			return EROFS;
		error = start_writing(em);
		if (error != 0)
			stop_writing(em);
	}
	if (error == 0)
		em->em_discard = o.discard;
	return error;
}

int
ext4_statfs(struct mount *mp, struct statfs_k *sf)
{
	struct ext4_mount *em = EXT4_MOUNT(mp);
	uint64_t held = em->em_reserved, keep = em->em_root_only + em->em_keep;

	sf->f_type = EXT4_STATFS_MAGIC;
	sf->f_bsize = sf->f_frsize = em->em_bsize;
	sf->f_blocks = em->em_nblocks - em->em_overhead;
	sf->f_bfree = em->em_bfree > held ? em->em_bfree - held : 0;
	sf->f_bavail = sf->f_bfree > keep ? sf->f_bfree - keep : 0;
	sf->f_files = em->em_sb.s_inodes_count;
	sf->f_ffree = em->em_ifree;
	sf->f_used = sf->f_blocks - MIN(sf->f_bfree, sf->f_blocks);
	memcpy(&sf->f_fsid, em->em_sb.s_uuid, sizeof(sf->f_fsid));
	return 0;
}

/* -- on a disk -- */

/* For the journal's sake a read-only mount wants to write, too. */
static const struct diskfs_ops disk_ops = {
	.dfo_name = "ext4",
	.dfo_write = true,
	.dfo_mount = ext4_mount_dev,
	.dfo_unmount = ext4_unmount_dev,
};

static int
ext4_mount_disk(struct mount *mp, const char *source, const char *options)
{
	struct diskfs *df;
	int error;

	error = diskfs_mount(mp, source, options, &disk_ops, &df);
	if (error == 0)
		EXT4_MOUNT(mp)->em_holder = df;
	return error;
}

static int
ext4_unmount(struct mount *mp, bool force __unused)
{
	struct diskfs *df = EXT4_MOUNT(mp)->em_holder;

	return diskfs_unmount(mp, &disk_ops, df);
}

static void
ext4_init(void)
{
	if (ext4_inode_init() != 0)
		panic("ext4: no memory at boot");
	ext4_tasks = taskq_create("ext4");
}

static void
ext4_showopts(struct mount *mp, char *buf, size_t len)
{
	struct ext4_mount *em = EXT4_MOUNT(mp);

	(void)scnprintf(buf, len, ",errors=remount-ro%s%s",
	    em->em_discard ? ",discard" : "", em->em_noload ? ",noload" : "");
}

#define	EXT4_OPS(var, name, init, identify)				\
	static const struct vfsops var = {				\
		.vfs_name = name,					\
		.vfs_init = init,					\
		.vfs_mount = ext4_mount_disk,				\
		.vfs_unmount = ext4_unmount,				\
		.vfs_statfs = ext4_statfs,				\
		.vfs_sync = ext4_sync,					\
		.vfs_remount = ext4_remount,				\
		.vfs_showopts = ext4_showopts,				\
		.vfs_identify = identify,				\
	};								\
	VFS_REGISTER(var)

EXT4_OPS(ext4_vfsops, "ext4", ext4_init, ext4_identify);
EXT4_OPS(ext3_vfsops, "ext3", NULL, NULL);
EXT4_OPS(ext2_vfsops, "ext2", NULL, NULL);
