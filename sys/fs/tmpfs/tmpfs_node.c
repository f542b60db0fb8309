/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files and the entries of directories.
 *
 * Overview: a file is a node and its vnode, made together and freed together.
 * Each directory entry keeps a reference to the vnode: the file lives as long
 * as it has a name or is in use.  A directory has its entries in two trees: by
 * name for lookups, by sequence number for readdir, whose cookies so stay
 * right whatever is created and removed in between.
 *
 * Locking: v_lock of the directory, held by the VFS.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <fs/tmpfs/tmpfs.h>

static struct kmem_cache *node_cache;

static int
name_cmp(struct tmpfs_dirent *a, struct tmpfs_dirent *b)
{
	if (a->de_hash != b->de_hash)
		return a->de_hash < b->de_hash ? -1 : 1;
	if (a->de_namelen != b->de_namelen)
		return a->de_namelen < b->de_namelen ? -1 : 1;
	return memcmp(a->de_name, b->de_name, a->de_namelen);
}

static int
seq_cmp(struct tmpfs_dirent *a, struct tmpfs_dirent *b)
{
	return a->de_seq < b->de_seq ? -1 : a->de_seq > b->de_seq;
}

RB_GENERATE_STATIC(tmpfs_names, tmpfs_dirent, de_byname, name_cmp)
RB_GENERATE_STATIC(tmpfs_seqs, tmpfs_dirent, de_byseq, seq_cmp)

void
tmpfs_node_init(void)
{
	node_cache = kmem_cache_create("tmpfs_node", sizeof(struct tmpfs_node),
	    0);
	if (node_cache == NULL)
		panic("tmpfs: no memory at boot");
}

void
tmpfs_touch(struct tmpfs_node *tn)
{
	tn->tn_mtime = tn->tn_ctime = nanotime();
}

int
tmpfs_node_create(struct mount *mp, mode_t mode, uid_t uid, gid_t gid,
    dev_t rdev, struct vnode **vpp)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(mp);
	size_t max = atomic_load_relaxed(&tm->tm_maxnodes);
	struct tmpfs_node *tn;
	struct vnode *vp;
	int error;

	if (atomic_add(&tm->tm_nodes, 1) > max && max != 0) {
		error = ENOSPC;
		goto fail;
	}
	tn = kmem_cache_alloc(node_cache, KM_SLEEP);
	if (tn == NULL) {
		error = ENOMEM;
		goto fail;
	}
	memset(tn, 0, sizeof(*tn));
	error = vnode_alloc(mp, &tmpfs_vops, tn, &vp);
	if (error != 0) {
		kmem_cache_free(node_cache, tn);
		goto fail;
	}
	vp->v_mode = mode;
	vp->v_uid = uid;
	vp->v_gid = gid;
	vp->v_rdev = rdev;
	vp->v_ino = atomic_add(&tm->tm_nextino, 1) - 1;
	tn->tn_vnode = vp;
	tn->tn_btime = nanotime();
	tn->tn_atime = tn->tn_mtime = tn->tn_ctime = tn->tn_btime;
	if (S_ISDIR(mode)) {
		tn->tn_nlink = 1;	/* its own "." */
		tn->tn_nextseq = TMPFS_SEQ_FIRST;
	}
	*vpp = vp;
	return 0;
fail:
	(void)atomic_sub(&tm->tm_nodes, 1);
	return error;
}

/* The vnode's last reference went, so it has no name either. */
void
tmpfs_node_reclaim(struct vnode *vp)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	struct tmpfs_mount *tm = TMPFS_MOUNT(vp->v_mount);

	if (S_ISREG(vp->v_mode))
		tmpfs_data_free(vp);
	else if (S_ISLNK(vp->v_mode) && tn->tn_target != NULL)
		kmem_strfree(tn->tn_target);
	else if (S_ISDIR(vp->v_mode))
		KASSERT(tn->tn_entries == 0);
	tmpfs_xattr_free(tn);
	kmem_cache_free(node_cache, tn);
	(void)atomic_sub(&tm->tm_nodes, 1);
}

struct tmpfs_dirent *
tmpfs_dirent_alloc(const char *name, size_t len)
{
	struct tmpfs_dirent *de;

	KASSERT(len > 0 && len <= MAXNAMLEN);
	de = kmem_alloc(sizeof(*de) + len, KM_SLEEP);
	if (de == NULL)
		return NULL;
	memset(de, 0, sizeof(*de));
	memcpy(de->de_name, name, len);
	de->de_namelen = (uint8_t)len;
	de->de_hash = hash32(name, len);
	return de;
}

void
tmpfs_dirent_free(struct tmpfs_dirent *de)
{
	kmem_free(de, sizeof(*de) + de->de_namelen);
}

struct tmpfs_dirent *
tmpfs_dir_find(struct tmpfs_node *dir, const char *name, size_t len)
{
	struct tmpfs_dirent *de = RB_ROOT(&dir->tn_names);
	uint32_t hash = hash32(name, len);
	int cmp;

	while (de != NULL) {
		if (hash != de->de_hash)
			cmp = hash < de->de_hash ? -1 : 1;
		else if (len != de->de_namelen)
			cmp = len < de->de_namelen ? -1 : 1;
		else
			cmp = memcmp(name, de->de_name, len);
		if (cmp == 0)
			return de;
		de = cmp < 0 ? RB_LEFT(de, de_byname) :
		    RB_RIGHT(de, de_byname);
	}
	return NULL;
}

/* The first entry with that sequence number or a higher one. */
struct tmpfs_dirent *
tmpfs_dir_next(struct tmpfs_node *dir, uint64_t seq)
{
	struct tmpfs_dirent *de = RB_ROOT(&dir->tn_seqs), *best = NULL;

	while (de != NULL) {
		if (de->de_seq >= seq) {
			best = de;
			de = RB_LEFT(de, de_byseq);
		} else {
			de = RB_RIGHT(de, de_byseq);
		}
	}
	return best;
}

void
tmpfs_dir_insert(struct tmpfs_node *dir, struct tmpfs_dirent *de,
    struct vnode *vp)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);

	de->de_node = tn;
	de->de_seq = dir->tn_nextseq++;
	(void)vref(vp);
	RB_INSERT(tmpfs_names, &dir->tn_names, de);
	RB_INSERT(tmpfs_seqs, &dir->tn_seqs, de);
	dir->tn_entries++;
	tn->tn_nlink++;
	if (S_ISDIR(vp->v_mode)) {
		tn->tn_parentino = dir->tn_vnode->v_ino;
		dir->tn_nlink++;
	}
	tn->tn_ctime = nanotime();
	tmpfs_touch(dir);
}

/* The entry is freed; the vnode may go with it. */
void
tmpfs_dir_remove(struct tmpfs_node *dir, struct tmpfs_dirent *de)
{
	struct tmpfs_node *tn = de->de_node;
	struct vnode *vp = tn->tn_vnode;

	RB_REMOVE(tmpfs_names, &dir->tn_names, de);
	RB_REMOVE(tmpfs_seqs, &dir->tn_seqs, de);
	dir->tn_entries--;
	tn->tn_nlink--;
	if (S_ISDIR(vp->v_mode))
		dir->tn_nlink--;
	tn->tn_ctime = nanotime();
	tmpfs_touch(dir);
	tmpfs_dirent_free(de);
	vrele(vp);
}

/* Nobody uses the file system any more.  Depth first, without recursion. */
void
tmpfs_dir_destroy(struct tmpfs_node *top)
{
	struct tmpfs_node *dir = top, *up;
	struct tmpfs_dirent *de;

	/* The way back up is kept in tn_parentino, which nobody reads now. */
	top->tn_parentino = 0;
	for (;;) {
		de = RB_MIN(tmpfs_seqs, &dir->tn_seqs);
		if (de == NULL) {
			if (dir == top)
				return;
			up = (struct tmpfs_node *)(uintptr_t)dir->tn_parentino;
			dir->tn_parentino = 0;
			dir = up;
			tmpfs_dir_remove(dir, RB_MIN(tmpfs_seqs,
			    &dir->tn_seqs));
		} else if (S_ISDIR(de->de_node->tn_vnode->v_mode) &&
		    de->de_node->tn_entries > 0) {
			de->de_node->tn_parentino = (uintptr_t)dir;
			dir = de->de_node;
		} else {
			tmpfs_dir_remove(dir, de);
		}
	}
}
