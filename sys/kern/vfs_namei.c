/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path names: the walk from a name to a place in the tree.
 *
 * Overview: a walk goes component by component through the name cache, down
 * into mounts and up out of them by "..", never above the walk's root.  A
 * symbolic link is pushed as a frame: its text is walked first, then what was
 * left of the name.  A magic link (vop_followlink) jumps.  nd_parent() leaves
 * the last component to its caller, who creates, removes, opens or follows it.
 *
 * Locking: nothing is held between components but references on the current
 * place.  A name the cache does not know is asked of the file system with the
 * directory's v_lock held shared.
 *
 * Untrusted input: names come from programs; lengths are limited here (a
 * component to NAME_MAX, a name to PATH_MAX by copyin_path()), links to 40.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/protect.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>

/* -- paths -- */

void
path_get(struct path *p)
{
	(void)vfsmount_get(p->p_mnt);
	(void)dentry_get(p->p_dentry);
}

void
path_put(struct path *p)
{
	dentry_put(p->p_dentry);
	vfsmount_put(p->p_mnt);
	p->p_dentry = NULL;
	p->p_mnt = NULL;
}

struct vnode *
path_vnode(const struct path *p)
{
	return p->p_dentry->d_vnode;
}

bool
path_equal(const struct path *a, const struct path *b)
{
	return a->p_mnt == b->p_mnt && a->p_dentry == b->p_dentry;
}

int
path_sibling(struct lwp *l, const struct path *p, const char *name,
    struct path *out)
{
	struct path dir = { p->p_mnt, dentry_parent(p->p_dentry) };
	int error;

	error = namei(l, &dir, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, out);
	dentry_put(dir.p_dentry);
	return error;
}

bool
path_deleted(const struct path *p)
{
	return dentry_deleted(p->p_dentry);
}

/* A name that is put together from its end. */
struct namebuf {
	char		*nb_buf;
	size_t		nb_pos;
};

static bool
name_prepend(struct namebuf *nb, const char *s, size_t len)
{
	if (len > nb->nb_pos)
		return false;
	nb->nb_pos -= len;
	memcpy(nb->nb_buf + nb->nb_pos, s, len);
	return true;
}

static void
name_finish(struct namebuf *nb, size_t len)
{
	memmove(nb->nb_buf, nb->nb_buf + nb->nb_pos, len - nb->nb_pos);
}

int
dentry_name(struct dentry *d, char *buf, size_t len)
{
	struct namebuf nb = { buf, len };
	bool fits;

	fits = name_prepend(&nb, "", 1);
	rw_enter(&dcache_tree_lock, RW_READER);
	if (d->d_parent == d)
		fits = fits && name_prepend(&nb, "/", 1);
	for (; d->d_parent != d && fits; d = d->d_parent)
		fits = name_prepend(&nb, d->d_name, d->d_namelen) &&
		    name_prepend(&nb, "/", 1);
	rw_exit(&dcache_tree_lock);
	if (!fits)
		return ENAMETOOLONG;
	name_finish(&nb, len);
	return 0;
}

/*
 * One mount's part of a path, from *d up to `stop` or the mount's root; true
 * if `stop` was met.
 */
static bool
prepend_within(struct namebuf *nb, struct vfsmount *m, struct dentry *d,
    const struct path *stop, bool *fits)
{
	bool met = false;

	rw_enter(&dcache_tree_lock, RW_READER);
	while (*fits) {
		met = m == stop->p_mnt && d == stop->p_dentry;
		if (met || d == m->vm_root || d->d_parent == d)
			break;
		*fits = name_prepend(nb, d->d_name, d->d_namelen) &&
		    name_prepend(nb, "/", 1);
		d = d->d_parent;
	}
	rw_exit(&dcache_tree_lock);
	return met;
}

/* A file of an internal file system: "pipe:[12]", "/memfd:x (deleted)". */
static int
internal_name(const struct path *p, char *buf, size_t len)
{
	const char *name = p->p_dentry->d_name;
	size_t n;

	n = (size_t)snprintf(buf, len, "%s%s", name,
	    name[0] == '/' ? " (deleted)" : "");
	return n < len ? 0 : ENAMETOOLONG;
}

/*
 * Thread context; may sleep.  ENAMETOOLONG if the buffer is too small (getcwd
 * says ERANGE).
 */
int
path_name(const struct path *path, const struct path *root, char *buf,
    size_t len)
{
	struct namebuf nb = { buf, len };
	struct path cur = *path, up, own = { NULL, NULL };
	bool fits, met, deleted = dentry_deleted(path->p_dentry);

	if ((path->p_mnt->vm_mount->mnt_flags & MS_INTERNAL) != 0)
		return internal_name(path, buf, len);
	if (root == NULL) {
		cwd_get_root(curlwp, &own);
		root = &own;
	}
	fits = name_prepend(&nb, "", 1);
	if (deleted)
		fits = fits && name_prepend(&nb, " (deleted)", 10);
	path_get(&cur);
	for (;;) {
		met = prepend_within(&nb, cur.p_mnt, cur.p_dentry, root, &fits);
		if (met || !fits || !mount_point_of(cur.p_mnt, &up))
			break;
		path_put(&cur);
		cur = up;
	}
	path_put(&cur);
	if (own.p_mnt != NULL)
		path_put(&own);
	if (fits && (nb.nb_pos == len - 1 ||
	    (deleted && nb.nb_pos == len - 11)))
		fits = name_prepend(&nb, "/", 1);
	if (fits && !met)
		fits = name_prepend(&nb, "(unreachable)", 13);
	if (!fits)
		return ENAMETOOLONG;
	name_finish(&nb, len);
	return 0;
}

int
copyin_path(const char *uname, char **name)
{
	char *buf;
	size_t len;
	int error;

	buf = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	error = copyinstr(uname, buf, MAXPATHLEN, &len);
	*name = NULL;
	if (error == 0) {
		*name = kmem_strdup(buf, KM_SLEEP);
		if (*name == NULL)
			error = ENOMEM;
	}
	kmem_free(buf, MAXPATHLEN);
	return error;
}

/* -- the directories of a process -- */

struct cwdinfo *
cwd_get(struct cwdinfo *c)
{
	refcount_get(&c->cwd_ref);
	return c;
}

void
cwd_put(struct cwdinfo *c)
{
	if (!refcount_put(&c->cwd_ref))
		return;
	path_put(&c->cwd_cwd);
	path_put(&c->cwd_root);
	kmem_free(c, sizeof(*c));
}

int
cwd_copy(struct cwdinfo *old, struct cwdinfo **newp)
{
	struct cwdinfo *c;

	c = kmem_zalloc(sizeof(*c), KM_SLEEP);
	if (c == NULL)
		return ENOMEM;
	c->cwd_ref = 1;
	spin_init(&c->cwd_lock, "cwd");
	spin_enter(&old->cwd_lock);
	c->cwd_cwd = old->cwd_cwd;
	c->cwd_root = old->cwd_root;
	c->cwd_umask = old->cwd_umask;
	path_get(&c->cwd_cwd);
	path_get(&c->cwd_root);
	spin_exit(&old->cwd_lock);
	*newp = c;
	return 0;
}

int
cwd_unshare(struct lwp *l)
{
	struct cwdinfo *old = l->l_proc->p_cwdi, *new;
	int error;

	if (atomic_load(&old->cwd_ref) == 1)
		return 0;
	error = cwd_copy(old, &new);
	if (error != 0)
		return error;
	/* Others follow p_cwdi with the lock as readers. */
	rw_enter(&proctree_lock, RW_WRITER);
	l->l_proc->p_cwdi = new;
	rw_exit(&proctree_lock);
	cwd_put(old);
	return 0;
}

static void
cwd_path(struct lwp *l, bool root, struct path *p)
{
	struct cwdinfo *c = l->l_proc->p_cwdi;

	if (c == NULL) {
		*p = rootpath;
		path_get(p);
		return;
	}
	spin_enter(&c->cwd_lock);
	*p = root ? c->cwd_root : c->cwd_cwd;
	path_get(p);
	spin_exit(&c->cwd_lock);
}

void
cwd_get_cwd(struct lwp *l, struct path *p)
{
	cwd_path(l, false, p);
}

void
cwd_get_root(struct lwp *l, struct path *p)
{
	cwd_path(l, true, p);
}

mode_t
cwd_umask(struct lwp *l)
{
	struct cwdinfo *c = l->l_proc->p_cwdi;

	return c == NULL ? 0 : atomic_load_relaxed(&c->cwd_umask);
}

/* -- looking a name up in one directory -- */

/* Does what the cache says still hold?  v_lock of the directory held. */
static bool
entry_holds(struct dentry *parent, const struct dname *dn, struct dentry *d)
{
	struct vnode *dir = parent->d_vnode, *vp = NULL;
	int error;

	if (dir->v_ops->vop_revalidate != NULL)
		return d->d_vnode != NULL && dir->v_ops->vop_revalidate(dir,
		    dn->dn_name, dn->dn_len, d->d_vnode);
	if ((dir->v_flags & VV_NOCACHE) == 0)
		return true;
	error = dir->v_ops->vop_lookup(dir, dn->dn_name, dn->dn_len, &vp);
	if (error == ENOENT)
		return d->d_vnode == NULL;
	if (error != 0)
		return false;
	vrele(vp);		/* if it is the same, d holds it */
	return vp == d->d_vnode;
}

static bool
needs_check(const struct vnode *dir)
{
	return (dir->v_flags & VV_NOCACHE) != 0 ||
	    dir->v_ops->vop_revalidate != NULL;
}

static int
lookup_locked(struct dentry *parent, const struct dname *dn,
    struct dentry **dp)
{
	struct vnode *dir = parent->d_vnode, *vp = NULL;
	unsigned int flags = 0;
	struct dentry *d;
	int error;

	d = dcache_lookup(parent, dn);
	if (d != NULL) {
		if (!needs_check(dir) || entry_holds(parent, dn, d)) {
			*dp = d;
			return 0;
		}
		dcache_delete(d, false);
		dentry_put(d);
	}
	error = dir->v_ops->vop_lookup(dir, dn->dn_name, dn->dn_len, &vp);
	if (error != 0 && error != ENOENT)
		return error;
	if (needs_check(dir))
		flags |= DF_NOKEEP;
	d = dcache_enter(parent, dn, error == 0 ? vp : NULL, flags);
	if (d == NULL)
		return ENOMEM;
	*dp = d;
	return 0;
}

int
dir_lookup(struct dentry *parent, const struct dname *dn, bool locked,
    struct dentry **dp)
{
	struct vnode *dir = parent->d_vnode;
	int error;

	if (dn->dn_len > MAXNAMLEN)
		return ENAMETOOLONG;
	if (!locked && !needs_check(dir)) {
		*dp = dcache_lookup(parent, dn);
		if (*dp != NULL)
			return 0;
	}
	if (dir->v_ops->vop_lookup == NULL)
		return ENOTDIR;
	if (locked)
		return lookup_locked(parent, dn, dp);
	rw_enter(&dir->v_lock, RW_READER);
	if ((dir->v_flags & VV_DEAD) != 0)
		error = ENOENT;
	else
		error = lookup_locked(parent, dn, dp);
	rw_exit(&dir->v_lock);
	return error;
}

int
dir_enter(const struct path *path, const char *name, size_t len,
    struct dentry **child)
{
	struct vnode *dir = path_vnode(path);
	struct dname dn = { name, len };
	int error;

	rw_enter(&dir->v_lock, RW_WRITER);
	if ((dir->v_flags & VV_DEAD) != 0)
		error = ENOENT;
	else
		error = dir_lookup(path->p_dentry, &dn, true, child);
	if (error != 0)
		rw_exit(&dir->v_lock);
	return error;
}

void
dir_exit(const struct path *path, struct dentry *child)
{
	rw_exit(&path_vnode(path)->v_lock);
	dentry_put(child);
}

/* -- the walk -- */

int
nd_init(struct nameidata *nd, struct lwp *l, const struct path *dir,
    const char *name, int flags)
{
	bool absolute = name[0] == '/';

	nd->nd_lwp = l;
	nd->nd_flags = flags;
	nd->nd_nlinks = 0;
	nd->nd_depth = 0;
	nd->nd_next = name;
	nd->nd_last = NULL;
	nd->nd_lastlen = 0;
	nd->nd_dirslash = false;
	if (name[0] == '\0' && (flags & LOOKUP_EMPTY) == 0)
		return ENOENT;
	if (absolute && (flags & LOOKUP_BENEATH) != 0)
		return EXDEV;
	cwd_get_root(l, &nd->nd_root);
	if (dir == NULL) {
		cwd_get_cwd(l, &nd->nd_start);
	} else {
		nd->nd_start = *dir;
		path_get(&nd->nd_start);
	}
	if ((flags & LOOKUP_INROOT) != 0) {
		path_put(&nd->nd_root);
		nd->nd_root = nd->nd_start;
		path_get(&nd->nd_root);
	}
	nd->nd_cur = absolute ? nd->nd_root : nd->nd_start;
	path_get(&nd->nd_cur);
	return 0;
}

static void
nd_pop(struct nameidata *nd)
{
	struct namei_frame *f = &nd->nd_frames[--nd->nd_depth];

	kmem_free(f->nf_buf, MAXPATHLEN);
}

void
nd_fini(struct nameidata *nd)
{
	while (nd->nd_depth > 0)
		nd_pop(nd);
	path_put(&nd->nd_cur);
	path_put(&nd->nd_start);
	path_put(&nd->nd_root);
}

/* Where the text that is walked now goes on: the newest frame or the name. */
static const char **
nd_textp(struct nameidata *nd)
{
	return nd->nd_depth > 0 ? &nd->nd_frames[nd->nd_depth - 1].nf_next :
	    &nd->nd_next;
}

static void
nd_move(struct nameidata *nd, struct path *to)
{
	path_put(&nd->nd_cur);
	nd->nd_cur = *to;
}

static void
nd_setdentry(struct nameidata *nd, struct dentry *d)
{
	dentry_put(nd->nd_cur.p_dentry);
	nd->nd_cur.p_dentry = d;
}

static int
nd_dotdot(struct nameidata *nd)
{
	struct vfsmount *m = nd->nd_cur.p_mnt;
	struct path up;

	for (;;) {
		if ((nd->nd_flags & LOOKUP_BENEATH) != 0 &&
		    path_equal(&nd->nd_cur, &nd->nd_start))
			return EXDEV;
		if (path_equal(&nd->nd_cur, &nd->nd_root))
			break;
		if (nd->nd_cur.p_dentry != nd->nd_cur.p_mnt->vm_root) {
			nd_setdentry(nd, dentry_parent(nd->nd_cur.p_dentry));
			break;
		}
		if (!mount_point_of(nd->nd_cur.p_mnt, &up))
			break;
		nd_move(nd, &up);
	}
	path_follow_mounts(&nd->nd_cur);
	if ((nd->nd_flags & LOOKUP_NOXDEV) != 0 && nd->nd_cur.p_mnt != m)
		return EXDEV;
	return 0;
}

/* Go to the child, which is referenced, and down through mounts on it. */
static int
nd_step(struct nameidata *nd, struct dentry *child)
{
	struct vfsmount *m = nd->nd_cur.p_mnt;

	nd_setdentry(nd, child);
	if (atomic_load_relaxed(&child->d_mounted) != 0) {
		path_follow_mounts(&nd->nd_cur);
		if ((nd->nd_flags & LOOKUP_NOXDEV) != 0 &&
		    nd->nd_cur.p_mnt != m)
			return EXDEV;
	}
	return 0;
}

static int
nd_jump(struct nameidata *nd, struct dentry *l)
{
	struct vnode *vp = l->d_vnode;
	struct path to;
	int error;

	if ((nd->nd_flags & LOOKUP_NOMAGIC) != 0)
		return ELOOP;
	if ((nd->nd_flags & (LOOKUP_BENEATH | LOOKUP_INROOT)) != 0)
		return EXDEV;
	error = vp->v_ops->vop_followlink(vp, &to);
	if (error != 0)
		return error;
	if ((nd->nd_flags & LOOKUP_NOXDEV) != 0 &&
	    to.p_mnt != nd->nd_cur.p_mnt) {
		path_put(&to);
		return EXDEV;
	}
	nd_move(nd, &to);
	return 0;
}

int
nd_followlink(struct nameidata *nd, struct dentry *l)
{
	struct vnode *vp = l->d_vnode;
	struct namei_frame *f;
	struct path root;
	size_t len;
	char *buf;
	int error;

	if (nd->nd_nlinks++ >= MAXSYMLINKS ||
	    (nd->nd_flags & LOOKUP_NOSYMLINKS) != 0)
		return ELOOP;
	/* Only the last component's walk has nd_last. */
	if (nd->nd_last != NULL && (error = protect_symlink(
	    path_vnode(&nd->nd_cur), vp, nd->nd_lwp->l_cred)) != 0)
		return error;
	if (vp->v_ops->vop_followlink != NULL)
		return nd_jump(nd, l);
	if (vp->v_ops->vop_readlink == NULL)
		return EINVAL;
	/* A frame whose text is used up makes room: no deep nesting. */
	while (nd->nd_depth > 0 && **nd_textp(nd) == '\0')
		nd_pop(nd);
	buf = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_ops->vop_readlink(vp, buf, MAXPATHLEN - 1, &len);
	rw_exit(&vp->v_lock);
	if (error == 0 && len == 0)
		error = ENOENT;
	if (error != 0) {
		kmem_free(buf, MAXPATHLEN);
		return error;
	}
	buf[len] = '\0';
	if (buf[0] == '/') {
		if ((nd->nd_flags & LOOKUP_BENEATH) != 0) {
			kmem_free(buf, MAXPATHLEN);
			return EXDEV;
		}
		root = nd->nd_root;
		path_get(&root);
		nd_move(nd, &root);
	}
	f = &nd->nd_frames[nd->nd_depth++];
	f->nf_buf = buf;
	f->nf_next = buf;
	return 0;
}

/*
 * Take the next component off the text: its start and length; *more: others
 * follow; *slash: a slash follows it.  False at the end.
 */
static bool
nd_component(struct nameidata *nd, const char **name, size_t *len, bool *more,
    bool *slash)
{
	const char *s, *e;
	unsigned int i;

	for (;;) {
		s = *nd_textp(nd);
		while (*s == '/')
			s++;
		*nd_textp(nd) = s;
		if (*s != '\0')
			break;
		if (nd->nd_depth == 0)
			return false;
		nd_pop(nd);
	}
	for (e = s; *e != '\0' && *e != '/'; e++)
		continue;
	*name = s;
	*len = (size_t)(e - s);
	*slash = *e == '/';
	while (*e == '/')
		e++;
	*nd_textp(nd) = e;
	*more = *e != '\0';
	/* Only slashes left in the frames outside count as "a/". */
	for (i = nd->nd_depth; i > 0 && !*more; i--) {
		e = i > 1 ? nd->nd_frames[i - 2].nf_next : nd->nd_next;
		if (*e == '/')
			*slash = true;
		while (*e == '/')
			e++;
		*more = *e != '\0';
	}
	return true;
}

static bool
is_dot(const char *name, size_t len)
{
	return len == 1 && name[0] == '.';
}

static bool
is_dotdot(const char *name, size_t len)
{
	return len == 2 && name[0] == '.' && name[1] == '.';
}

/* May the walk go through the current directory? */
static int
nd_may_search(struct nameidata *nd)
{
	struct vnode *vp = path_vnode(&nd->nd_cur);

	if (vp == NULL)
		return ENOENT;
	if (!S_ISDIR(vp->v_mode))
		return ENOTDIR;
	return vnode_access(vp, X_OK, nd->nd_lwp->l_cred);
}

/* One component that is not the last. */
static int
nd_walk(struct nameidata *nd, const char *name, size_t len)
{
	struct dname dn = { name, len };
	struct dentry *child;
	int error;

	if (is_dot(name, len))
		return 0;
	if (is_dotdot(name, len))
		return nd_dotdot(nd);
	error = dir_lookup(nd->nd_cur.p_dentry, &dn, false, &child);
	if (error != 0)
		return error;
	if (child->d_vnode == NULL) {
		dentry_put(child);
		return ENOENT;
	}
	if (S_ISLNK(child->d_vnode->v_mode)) {
		error = nd_followlink(nd, child);
		dentry_put(child);
		return error;
	}
	return nd_step(nd, child);
}

/*
 * Walk all but the last component.  nd_last is NULL if there is none ("/" and
 * "" with LOOKUP_EMPTY); "." and ".." are left to the caller, too.
 */
int
nd_parent(struct nameidata *nd)
{
	const char *name;
	bool more, slash;
	size_t len;
	int error;

	nd->nd_last = NULL;
	nd->nd_lastlen = 0;
	while (nd_component(nd, &name, &len, &more, &slash)) {
		error = nd_may_search(nd);
		if (error != 0)
			return error;
		if (!more) {
			nd->nd_last = name;
			nd->nd_lastlen = len;
			nd->nd_dirslash = slash;
			return 0;
		}
		error = nd_walk(nd, name, len);
		if (error != 0)
			return error;
	}
	return 0;
}

/* The whole walk: nd_cur is the result. */
static int
nd_resolve(struct nameidata *nd)
{
	struct dname dn;
	struct dentry *child;
	bool slash = false, follow;
	int error;

	for (;;) {
		error = nd_parent(nd);
		if (error != 0)
			return error;
		slash |= nd->nd_last != NULL && nd->nd_dirslash;
		if (nd->nd_last == NULL || is_dot(nd->nd_last, nd->nd_lastlen))
			break;
		if (is_dotdot(nd->nd_last, nd->nd_lastlen)) {
			error = nd_dotdot(nd);
			if (error != 0)
				return error;
			break;
		}
		dn.dn_name = nd->nd_last;
		dn.dn_len = nd->nd_lastlen;
		error = dir_lookup(nd->nd_cur.p_dentry, &dn, false, &child);
		if (error != 0)
			return error;
		if (child->d_vnode == NULL) {
			dentry_put(child);
			return ENOENT;
		}
		follow = slash || (nd->nd_flags & LOOKUP_FOLLOW) != 0;
		if (S_ISLNK(child->d_vnode->v_mode) && follow) {
			error = nd_followlink(nd, child);
			dentry_put(child);
			if (error != 0)
				return error;
			continue;
		}
		error = nd_step(nd, child);
		if (error != 0)
			return error;
		break;
	}
	if (slash || (nd->nd_flags & LOOKUP_DIRECTORY) != 0)
		if (!S_ISDIR(path_vnode(&nd->nd_cur)->v_mode))
			return ENOTDIR;
	return 0;
}

int
namei(struct lwp *l, const struct path *dir, const char *name, int flags,
    struct path *out)
{
	struct nameidata nd;
	int error;

	error = nd_init(&nd, l, dir, name, flags);
	if (error != 0)
		return error;
	error = nd_resolve(&nd);
	if (error == 0) {
		*out = nd.nd_cur;
		path_get(out);
	}
	nd_fini(&nd);
	return error;
}

/*
 * For the calls that change a directory: links at the end are not followed.
 * A name without a last component ("/") gives *len 0.
 */
int
namei_parent(struct lwp *l, const struct path *dir, const char *name,
    struct path *parent, const char **last, size_t *len, bool *dirslash)
{
	struct nameidata nd;
	const char *end;
	int error;

	error = nd_init(&nd, l, dir, name, 0);
	if (error != 0)
		return error;
	error = nd_parent(&nd);
	if (error == 0) {
		*parent = nd.nd_cur;
		path_get(parent);
		*len = nd.nd_lastlen;
		*dirslash = nd.nd_dirslash;
		*last = "";
		if (nd.nd_last != NULL) {
			/* Always the last one of `name` itself. */
			end = name + strlen(name);
			while (end > name && end[-1] == '/')
				end--;
			*last = end - nd.nd_lastlen;
		}
	}
	nd_fini(&nd);
	return error;
}
