/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: processes and the system's state as files.
 *
 * Overview: the tree is a set of constant tables (struct pfs_entry); a vnode
 * is an entry plus the process, thread or descriptor it is about.  Content is
 * made on each read, in a buffer, and the part asked for is copied out.
 * Entries of a process, or of what else comes and goes by number, are not
 * trusted by the name cache: vop_revalidate() asks whether it is still there.
 * procfs_pid.c has the files of processes, procfs_system.c those of the system,
 * procfs_sys.c /proc/sys.
 *
 * Locking: proctree_lock (shared) while a process is looked at.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <fs/procfs/procfs.h>

#define	PROC_SUPER_MAGIC	0x9fa0
#define	PFS_WRITE_MAX		4096

static const struct vops pfs_vops, pfs_magic_vops;

/* ---- text ---- */

void
pbuf_write(void *ctx, const char *s, size_t n)
{
	struct pbuf *pb = ctx;
	size_t cap;
	char *p;

	if (pb->pb_error != 0)
		return;
	if (pb->pb_len + n > pb->pb_cap) {
		cap = MAX(pb->pb_cap * 2, roundup2(pb->pb_len + n, 1024));
		p = kmem_alloc(cap, KM_SLEEP);
		if (p == NULL) {
			pb->pb_error = ENOMEM;
			return;
		}
		if (pb->pb_len > 0)
			memcpy(p, pb->pb_buf, pb->pb_len);
		if (pb->pb_buf != NULL)
			kmem_free(pb->pb_buf, pb->pb_cap);
		pb->pb_buf = p;
		pb->pb_cap = cap;
	}
	memcpy(pb->pb_buf + pb->pb_len, s, n);
	pb->pb_len += n;
}

void
pbuf_printf(struct pbuf *pb, const char *fmt, ...)
{
	char tmp[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tmp, sizeof(tmp), fmt, ap);
	va_end(ap);
	if (n > 0)
		pbuf_write(pb, tmp, MIN((size_t)n, sizeof(tmp) - 1));
}

void
pbuf_fini(struct pbuf *pb)
{
	if (pb->pb_buf != NULL)
		kmem_free(pb->pb_buf, pb->pb_cap);
}

/* ---- nodes ---- */

static ino_t
node_ino(const struct pfs_node *pn)
{
	/* Entries are constants: their address tells them apart. */
	return ((ino_t)(uintptr_t)pn->pn_entry & 0xffffff) ^
	    (ino_t)pn->pn_pid << 24 ^ (ino_t)pn->pn_tid << 40 ^
	    (ino_t)(pn->pn_fd + 1) << 8 ^ (ino_t)pn->pn_number << 44;
}

static void
node_owner(const struct pfs_node *pn, struct vnode *vp)
{
	struct proc *p;
	struct cred *cr;

	vp->v_uid = vp->v_gid = 0;
	if (pn->pn_pid == 0)
		return;
	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pn->pn_pid);
	if (p != NULL && p->p_dumpable != 0 &&
	    (cr = proc_cred_ref(p)) != NULL) {
		vp->v_uid = cr->cr_euid;
		vp->v_gid = cr->cr_egid;
		cred_put(cr);
	}
	rw_exit(&proctree_lock);
}

static int
node_create(struct mount *mp, const struct pfs_node *tmpl, struct vnode **vpp)
{
	struct pfs_node *pn;
	int error;

	pn = kmem_alloc(sizeof(*pn), KM_SLEEP);
	if (pn == NULL)
		return ENOMEM;
	*pn = *tmpl;
	error = vnode_alloc(mp, pn->pn_entry->pe_follow != NULL ?
	    &pfs_magic_vops : &pfs_vops, pn, vpp);
	if (error != 0) {
		kmem_free(pn, sizeof(*pn));
		return error;
	}
	(*vpp)->v_mode = pn->pn_entry->pe_mode;
	(*vpp)->v_ino = node_ino(pn);
	node_owner(pn, *vpp);
	return 0;
}

/* Is what the node is about still there: a process, a thread, a number? */
static bool
subject_there(const struct pfs_node *pn)
{
	struct lwp *l;
	bool there;

	if (pn->pn_numbered != NULL)
		return pn->pn_numbered->nd_there(pn->pn_number);
	if (pn->pn_pid == 0)
		return true;
	rw_enter(&proctree_lock, RW_READER);
	there = proc_find(pn->pn_pid) != NULL;
	if (there && pn->pn_tid != 0) {
		l = lwp_find(pn->pn_tid);
		there = l != NULL && l->l_proc->p_pid == pn->pn_pid;
	}
	rw_exit(&proctree_lock);
	return there;
}

static bool
fd_there(const struct pfs_node *pn)
{
	struct proc *p;
	bool there = false;

	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pn->pn_pid);
	if (p != NULL && p->p_fd != NULL)
		there = fd_next(p->p_fd, pn->pn_fd) == pn->pn_fd;
	rw_exit(&proctree_lock);
	return there;
}

/* ---- lookup ---- */

static int
parse_number(const char *name, size_t len, int *num)
{
	unsigned int v = 0;
	size_t i;

	if (len == 0 || len > 9 || (name[0] == '0' && len > 1))
		return ENOENT;
	for (i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return ENOENT;
		v = v * 10 + (unsigned int)(name[i] - '0');
	}
	*num = (int)v;
	return 0;
}

/* Entries that are not in a table: processes, threads, descriptors. */
static int
lookup_number(const struct pfs_node *dir, const char *name, size_t len,
    struct pfs_node *pn)
{
	int num;

	*pn = *dir;
	if (parse_number(name, len, &num) != 0)
		return ENOENT;
	if ((dir->pn_entry->pe_flags & PFS_PIDS) != 0) {
		pn->pn_entry = &pfs_pid_dir;
		pn->pn_pid = num;
		return num > 0 && subject_there(pn) ? 0 : ENOENT;
	}
	if ((dir->pn_entry->pe_flags & PFS_TASKS) != 0) {
		pn->pn_entry = &pfs_task_dir;
		pn->pn_tid = num;
		return num > 0 && subject_there(pn) ? 0 : ENOENT;
	}
	if ((dir->pn_entry->pe_flags & (PFS_FDS | PFS_FDINFO)) != 0) {
		pn->pn_entry = (dir->pn_entry->pe_flags & PFS_FDS) != 0 ?
		    &pfs_fd_link : &pfs_fdinfo_file;
		pn->pn_fd = num;
		return fd_there(pn) ? 0 : ENOENT;
	}
	return ENOENT;
}

static int
lookup_numbered(const struct pfs_node *dir, const char *name, size_t len,
    struct pfs_node *pn)
{
	const struct pfs_numbered *nd = dir->pn_entry->pe_numbered;
	struct pfs_item item = { .pi_number = -1 };

	while (nd->nd_next(dir, item.pi_number, &item))
		if (strlen(item.pi_name) == len &&
		    memcmp(item.pi_name, name, len) == 0) {
			*pn = *dir;
			pn->pn_entry = item.pi_entry;
			pn->pn_numbered = nd;
			pn->pn_number = item.pi_number;
			return 0;
		}
	return ENOENT;
}

static int
pfs_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	const struct pfs_node *dir = dvp->v_data;
	const struct pfs_entry *pe;
	struct pfs_node pn = *dir;
	int error;

	for (pe = dir->pn_entry->pe_dir; pe != NULL && pe->pe_name != NULL;
	    pe++)
		if (strlen(pe->pe_name) == len &&
		    memcmp(pe->pe_name, name, len) == 0)
			break;
	if (pe != NULL && pe->pe_name != NULL) {
		if (!subject_there(dir))
			return ENOENT;
		pn.pn_entry = pe;
	} else {
		error = dir->pn_entry->pe_numbered != NULL ?
		    lookup_numbered(dir, name, len, &pn) :
		    lookup_number(dir, name, len, &pn);
		if (error != 0)
			return error;
	}
	return node_create(dvp->v_mount, &pn, vpp);
}

static bool
pfs_revalidate(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	const struct pfs_node *pn;

	if (vp == NULL) {
		/* A name that was not there: a process may have it now. */
		pn = dvp->v_data;
		return pn->pn_entry->pe_numbered == NULL &&
		    (pn->pn_entry->pe_flags &
		    (PFS_PIDS | PFS_TASKS | PFS_FDS | PFS_FDINFO)) == 0;
	}
	pn = vp->v_data;
	(void)name;
	(void)len;
	if (pn->pn_entry == &pfs_fd_link || pn->pn_entry == &pfs_fdinfo_file)
		return fd_there(pn);
	return subject_there(pn);
}

/* ---- readdir ---- */

/* The lowest number above `after` of what the directory lists, or -1. */
static int
next_pid(int after)
{
	struct proc *p;
	int best = -1;

	rw_enter(&proctree_lock, RW_READER);
	LIST_FOREACH(p, &allproc, p_all)
		if (p->p_pid > after && p->p_pid > 0 &&
		    (best < 0 || p->p_pid < best))
			best = p->p_pid;
	rw_exit(&proctree_lock);
	return best;
}

static int
next_tid(pid_t pid, int after)
{
	struct proc *p;
	struct lwp *l;
	int best = -1;

	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pid);
	if (p != NULL) {
		spin_enter(&p->p_lock);
		LIST_FOREACH(l, &p->p_lwps, l_sibling)
			if (l->l_tid > after && (best < 0 || l->l_tid < best))
				best = l->l_tid;
		spin_exit(&p->p_lock);
	}
	rw_exit(&proctree_lock);
	return best;
}

static int
next_fd(pid_t pid, int after)
{
	struct proc *p;
	int fd = -1;

	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pid);
	if (p != NULL && p->p_fd != NULL)
		fd = fd_next(p->p_fd, after + 1);
	rw_exit(&proctree_lock);
	return fd;
}

static int
next_number(const struct pfs_node *dir, int after)
{
	if ((dir->pn_entry->pe_flags & PFS_PIDS) != 0)
		return next_pid(after);
	if ((dir->pn_entry->pe_flags & PFS_TASKS) != 0)
		return next_tid(dir->pn_pid, after);
	if ((dir->pn_entry->pe_flags & (PFS_FDS | PFS_FDINFO)) != 0)
		return next_fd(dir->pn_pid, after);
	return -1;
}

#define	COOKIE_NUMBERS	0x10000		/* + number + 1: listed up to it */

static int
readdir_numbered(const struct pfs_node *dir, off_t *cookie, readdir_fn fn,
    void *ctx)
{
	const struct pfs_numbered *nd = dir->pn_entry->pe_numbered;
	struct pfs_item item;
	off_t c;

	item.pi_number = (int)(*cookie - COOKIE_NUMBERS) - 1;
	while (nd->nd_next(dir, item.pi_number, &item)) {
		c = COOKIE_NUMBERS + (off_t)item.pi_number + 1;
		if (!fn(ctx, item.pi_name, strlen(item.pi_name),
		    (ino_t)item.pi_number + 0x1000000,
		    item.pi_entry->pe_mode >> 12, c))
			return 0;
		*cookie = c;
	}
	return 0;
}

static int
pfs_readdir(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	const struct pfs_node *dir = dvp->v_data;
	const struct pfs_entry *pe = dir->pn_entry->pe_dir;
	char name[12];
	int num, len;
	off_t c;

	for (c = *cookie; c < 2; c++) {
		if (!fn(ctx, "..", (size_t)c + 1, dvp->v_ino, S_IFDIR >> 12,
		    c + 1))
			return 0;
		*cookie = c + 1;
	}
	for (c = *cookie; c < COOKIE_NUMBERS; c++) {
		if (pe == NULL || pe[c - 2].pe_name == NULL) {
			*cookie = COOKIE_NUMBERS;
			break;
		}
		if (!fn(ctx, pe[c - 2].pe_name, strlen(pe[c - 2].pe_name),
		    (ino_t)(uintptr_t)&pe[c - 2] & 0xffffff,
		    pe[c - 2].pe_mode >> 12, c + 1))
			return 0;
		*cookie = c + 1;
	}
	if (dir->pn_entry->pe_numbered != NULL)
		return readdir_numbered(dir, cookie, fn, ctx);
	num = (int)(*cookie - COOKIE_NUMBERS) - 1;
	while ((num = next_number(dir, num)) >= 0) {
		len = snprintf(name, sizeof(name), "%d", num);
		c = COOKIE_NUMBERS + num + 1;
		if (!fn(ctx, name, (size_t)len, (ino_t)num + 0x1000000,
		    (dir->pn_entry->pe_flags & PFS_FDS) != 0 ? S_IFLNK >> 12 :
		    (dir->pn_entry->pe_flags & PFS_FDINFO) != 0 ?
		    S_IFREG >> 12 : S_IFDIR >> 12, c))
			return 0;
		*cookie = c;
	}
	return 0;
}

/* ---- files and links ---- */

static int
pfs_getattr(struct vnode *vp, struct stat_k *st)
{
	const struct pfs_node *pn = vp->v_data;

	memset(st, 0, sizeof(*st));
	st->st_dev = vp->v_mount->mnt_dev;
	st->st_ino = vp->v_ino;
	st->st_mode = vp->v_mode;
	st->st_nlink = S_ISDIR(vp->v_mode) ? 2 : 1;
	node_owner(pn, vp);
	st->st_uid = vp->v_uid;
	st->st_gid = vp->v_gid;
	st->st_blksize = 1024;
	st->st_atim = st->st_mtim = st->st_ctim =
	    nsec_to_timespec(nanotime());
	return 0;
}

static int
pfs_setattr(struct vnode *vp __unused, const struct setattr *sa,
    struct cred *cr __unused)
{
	/* O_TRUNC on a writable entry is harmless; the rest is not ours. */
	return (sa->sa_valid & ~(unsigned int)SETATTR_SIZE) == 0 ? 0 : EPERM;
}

static int
pfs_read(struct vnode *vp, struct uio *uio)
{
	const struct pfs_node *pn = vp->v_data;
	struct pbuf pb = { 0 };
	size_t off = (size_t)uio->uio_offset;
	int error;

	if (S_ISDIR(vp->v_mode))
		return EISDIR;
	if (pn->pn_entry->pe_io != NULL)
		return pn->pn_entry->pe_io(pn, uio);
	if (pn->pn_entry->pe_fill == NULL)
		return EINVAL;
	error = pn->pn_entry->pe_fill(pn, &pb);
	if (error == 0)
		error = pb.pb_error;
	if (error == 0 && off < pb.pb_len)
		error = uiomove(pb.pb_buf + off, pb.pb_len - off, uio);
	pbuf_fini(&pb);
	return error;
}

static int
pfs_write(struct vnode *vp, struct uio *uio)
{
	const struct pfs_node *pn = vp->v_data;
	size_t n = uio->uio_resid;
	char *text;
	int error;

	if (pn->pn_entry->pe_io != NULL)
		return pn->pn_entry->pe_io(pn, uio);
	if (pn->pn_entry->pe_store == NULL)
		return EACCES;
	if (n >= PFS_WRITE_MAX)
		return EINVAL;
	text = kmem_zalloc(n + 1, KM_SLEEP);
	if (text == NULL)
		return ENOMEM;
	error = uiomove(text, n, uio);
	if (error == 0) {
		if (n > 0 && text[n - 1] == '\n')
			text[n - 1] = '\0';
		error = pn->pn_entry->pe_store(pn, text);
	}
	if (error != 0)
		uio->uio_resid = n;	/* nothing was written */
	kmem_free(text, n + 1);
	return error;
}

static int
pfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	const struct pfs_node *pn = vp->v_data;
	struct path path;
	int error;

	if (pn->pn_entry->pe_readlink != NULL) {
		error = pn->pn_entry->pe_readlink(pn, buf, size);
	} else {
		error = pn->pn_entry->pe_follow(pn, &path);
		if (error == 0) {
			error = path_name(&path, NULL, buf, size);
			path_put(&path);
		}
	}
	if (error == 0)
		*len = strlen(buf);
	return error;
}

static int
pfs_followlink(struct vnode *vp, struct path *path)
{
	const struct pfs_node *pn = vp->v_data;

	return pn->pn_entry->pe_follow(pn, path);
}

static void
pfs_reclaim(struct vnode *vp)
{
	kmem_free(vp->v_data, sizeof(struct pfs_node));
}

static const struct vops pfs_vops = {
	.vop_lookup = pfs_lookup,
	.vop_readdir = pfs_readdir,
	.vop_getattr = pfs_getattr,
	.vop_setattr = pfs_setattr,
	.vop_readlink = pfs_readlink,
	.vop_read = pfs_read,
	.vop_write = pfs_write,
	.vop_revalidate = pfs_revalidate,
	.vop_reclaim = pfs_reclaim,
};

/* Links that lead to a file whatever its name: /proc/PID/exe, fd/N ... */
static const struct vops pfs_magic_vops = {
	.vop_getattr = pfs_getattr,
	.vop_setattr = pfs_setattr,
	.vop_readlink = pfs_readlink,
	.vop_followlink = pfs_followlink,
	.vop_reclaim = pfs_reclaim,
};

/* ---- the file system ---- */

int
pfs_mount_tree(struct mount *mp, const struct pfs_entry *tree)
{
	struct pfs_node root = { .pn_entry = tree, .pn_fd = -1 };

	return node_create(mp, &root, &mp->mnt_rootvp);
}

int
pfs_unmount(struct mount *mp __unused, bool force __unused)
{
	return 0;
}

int
pfs_statfs(struct statfs_k *sf, uint64_t magic)
{
	memset(sf, 0, sizeof(*sf));
	sf->f_type = magic;
	sf->f_bsize = sf->f_frsize = PAGE_SIZE;
	sf->f_namelen = MAXNAMLEN;
	return 0;
}

static int
procfs_mount(struct mount *mp, const char *source __unused,
    const char *options __unused)
{
	return pfs_mount_tree(mp, &pfs_root);
}

static int
procfs_statfs(struct mount *mp __unused, struct statfs_k *sf)
{
	return pfs_statfs(sf, PROC_SUPER_MAGIC);
}

static const struct vfsops procfs_vfsops = {
	.vfs_name = "proc",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = procfs_mount,
	.vfs_unmount = pfs_unmount,
	.vfs_statfs = procfs_statfs,
};
VFS_REGISTER(procfs_vfsops);
