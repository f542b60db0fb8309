/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify(7): what happens to files, as a file to read.
 *
 * Overview: an instance has watches, each on a vnode, which it keeps.  The
 * name space calls the hooks of <sys/inotify.h>; whoever watches the file, or
 * the directory it is in, gets an event into his queue.  An event like the
 * last one in the queue is left out; a full queue gets one IN_Q_OVERFLOW.
 *
 * Locking: inotify_lock (sleeping) for all watches and queues: events are rare
 * where nobody watches, and the hooks do not come here then.
 *
 * Untrusted input: masks; names in events are those of the name cache.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/termios.h>
#include <kern/vfs_private.h>

struct watch {
	LIST_ENTRY(watch) w_vnlink;	/* [l] of its vnode */
	LIST_ENTRY(watch) w_link;	/* [l] of its instance */
	struct inotify	*w_inotify;	/* [I] */
	struct vnode	*w_vnode;	/* [I] referenced */
	uint32_t	w_mask;		/* [l] */
	int		w_wd;		/* [I] */
};
LIST_HEAD(watches, watch);

struct event {
	TAILQ_ENTRY(event) e_link;	/* [l] */
	int		e_wd;
	uint32_t	e_mask, e_cookie;
	size_t		e_len;		/* of the name, 0: none */
	char		e_name[];
};

TAILQ_HEAD(eventhead, event);
struct inotify {
	LIST_ENTRY(inotify) in_link;	/* [l] of all */
	struct watches	in_watches;	/* [l] */
	struct eventhead in_events;	/* [l] */
	struct condvar	in_cv;
	struct pollhead	in_poll;
	unsigned int	in_nevents;	/* [l] */
	int		in_nextwd;	/* [l] */
};

struct event_out {			/* what a program reads */
	int32_t		wd;
	uint32_t	mask, cookie, len;
};

unsigned int inotify_nwatches;
static unsigned int ninstances;			/* [a] */
static unsigned int last_cookie;		/* [a] */
static struct mutex inotify_lock;
static LIST_HEAD(, inotify) instances = LIST_HEAD_INITIALIZER(instances);
static const struct fileops inotify_fileops;

void
inotify_init(void)
{
	mutex_init(&inotify_lock, "inotify");
}

uint32_t
inotify_cookie(void)
{
	return atomic_add(&last_cookie, 1);
}

/* ---- events ---- */

static bool
same_event(const struct event *e, int wd, uint32_t mask, uint32_t cookie,
    const char *name, size_t len)
{
	return e != NULL && e->e_wd == wd && e->e_mask == mask &&
	    e->e_cookie == cookie && e->e_len == len &&
	    memcmp(e->e_name, name, len) == 0;
}

/* [l] */
static void
queue(struct inotify *in, int wd, uint32_t mask, uint32_t cookie,
    const char *name, size_t len)
{
	struct event *e;

	if (in->in_nevents >= INOTIFY_MAX_EVENTS) {
		wd = -1;
		mask = IN_Q_OVERFLOW;
		cookie = 0;
		len = 0;
	}
	if (same_event(TAILQ_LAST(&in->in_events, eventhead), wd, mask,
	    cookie, name, len))
		return;
	e = kmem_alloc(sizeof(*e) + len, KM_SLEEP);
	if (e == NULL)
		return;
	e->e_wd = wd;
	e->e_mask = mask;
	e->e_cookie = cookie;
	e->e_len = len;
	memcpy(e->e_name, name, len);
	TAILQ_INSERT_TAIL(&in->in_events, e, e_link);
	in->in_nevents++;
	cv_signal(&in->in_cv);
	pollwakeup(&in->in_poll, POLLIN | POLLRDNORM);
}

/*
 * The watch is no more; its instance is told unless `quiet`.  The vnode is
 * the caller's to release, after the lock. [l]
 */
static struct vnode *
watch_remove(struct watch *w, bool quiet)
{
	struct vnode *vp = w->w_vnode;

	if (!quiet)
		queue(w->w_inotify, w->w_wd, IN_IGNORED, 0, "", 0);
	LIST_REMOVE(w, w_vnlink);
	LIST_REMOVE(w, w_link);
	kmem_free(w, sizeof(*w));
	(void)atomic_sub(&inotify_nwatches, 1);
	return vp;
}

static struct watches *
watches_of(struct vnode *vp)
{
	return (struct watches *)(void *)&vp->v_watches;
}
CTASSERT(sizeof(struct watches) == sizeof(void *));

/* Tell all who watch that vnode. */
static void
deliver(struct vnode *vp, uint32_t mask, uint32_t cookie, const char *name,
    size_t len)
{
	struct watch *w, *next;
	unsigned int drop = 0;

	if (atomic_load_relaxed(&vp->v_watches) == NULL)
		return;
	mutex_enter(&inotify_lock);
	LIST_FOREACH_SAFE(w, watches_of(vp), w_vnlink, next) {
		if ((w->w_mask & mask & IN_ALL_EVENTS) == 0)
			continue;
		queue(w->w_inotify, w->w_wd, mask, cookie, name, len);
		if ((w->w_mask & IN_ONESHOT) != 0) {
			(void)watch_remove(w, false);
			drop++;
		}
	}
	mutex_exit(&inotify_lock);
	while (drop-- > 0)
		vrele(vp);		/* the caller has one, too */
}

static uint32_t
isdir(const struct vnode *vp)
{
	return S_ISDIR(vp->v_mode) ? IN_ISDIR : 0;
}

void
inotify_vnode_event(struct vnode *vp, uint32_t mask)
{
	deliver(vp, mask | isdir(vp), 0, "", 0);
}

void
inotify_name_event(struct vnode *dir, const char *name, size_t len,
    uint32_t mask, uint32_t cookie)
{
	deliver(dir, mask, cookie, name, len);
}

void
inotify_dentry_event(struct dentry *d, uint32_t mask)
{
	struct vnode *vp = d->d_vnode, *dir = NULL;
	char name[MAXNAMLEN + 1];
	size_t len = 0;

	if (vp == NULL)
		return;
	mask |= isdir(vp);
	rw_enter(&dcache_tree_lock, RW_READER);
	if (d->d_parent != d && d->d_parent->d_vnode != NULL &&
	    atomic_load_relaxed(&d->d_parent->d_vnode->v_watches) != NULL &&
	    d->d_namelen <= MAXNAMLEN) {
		dir = vref(d->d_parent->d_vnode);
		len = d->d_namelen;
		memcpy(name, d->d_name, len);
	}
	rw_exit(&dcache_tree_lock);
	if (dir != NULL) {
		deliver(dir, mask, 0, name, len);
		vrele(dir);
	}
	deliver(vp, mask, 0, "", 0);
}

void
inotify_file_event(struct file *fp, uint32_t mask)
{
	if (fp->f_path != NULL && (fp->f_flags & O_PATH) == 0)
		inotify_dentry_event(fp->f_path->p_dentry, mask);
}

void
inotify_forgotten(struct vnode *vp)
{
	struct watch *w;
	struct stat_k st;
	unsigned int drop = 0;

	if (atomic_load_relaxed(&vp->v_watches) == NULL ||
	    vnode_stat(vp, &st) != 0)
		return;
	if (S_ISDIR(vp->v_mode) ? (vp->v_flags & VV_DEAD) == 0 :
	    st.st_nlink != 0)
		return;
	deliver(vp, IN_DELETE_SELF, 0, "", 0);
	mutex_enter(&inotify_lock);
	while ((w = LIST_FIRST(watches_of(vp))) != NULL) {
		(void)watch_remove(w, false);
		drop++;
	}
	mutex_exit(&inotify_lock);
	while (drop-- > 0)
		vrele(vp);
}

/* ---- the file ---- */

static size_t
name_room(const struct event *e)
{
	/* The name, a NUL at least, and up to a whole event more of them. */
	return e->e_len == 0 ? 0 :
	    roundup2(e->e_len + 1, sizeof(struct event_out));
}

static int
event_copyout(const struct event *e, struct uio *uio)
{
	char name[roundup2(MAXNAMLEN + 1, sizeof(struct event_out))];
	struct event_out eo = {
		e->e_wd, e->e_mask, e->e_cookie, (uint32_t)name_room(e)
	};
	int error;

	memset(name, 0, sizeof(name));
	memcpy(name, e->e_name, e->e_len);
	error = uiomove(&eo, sizeof(eo), uio);
	return error != 0 ? error : uiomove(name, eo.len, uio);
}

/* The first event if it fits; EINVAL if not, EAGAIN if there is none. */
static int
take(struct inotify *in, size_t room, bool wait, struct event **ep)
{
	struct event *e;
	int error = 0;

	mutex_enter(&inotify_lock);
	while ((e = TAILQ_FIRST(&in->in_events)) == NULL && error == 0)
		error = wait ? cv_wait_sig(&in->in_cv, &inotify_lock) :
		    EAGAIN;
	if (e != NULL) {
		error = sizeof(struct event_out) + name_room(e) > room ?
		    EINVAL : 0;
		if (error == 0) {
			TAILQ_REMOVE(&in->in_events, e, e_link);
			in->in_nevents--;
		}
	}
	mutex_exit(&inotify_lock);
	*ep = e;
	return error;
}

static int
inotify_read(struct file *fp, struct uio *uio)
{
	bool wait = (uio->uio_flags & IO_NONBLOCK) == 0;
	struct event *e;
	int error;

	for (;;) {
		error = take(fp->f_data, uio->uio_resid, wait, &e);
		if (error != 0)
			return error;
		error = event_copyout(e, uio);
		kmem_free(e, sizeof(*e) + e->e_len);
		if (error != 0)
			return error;
		wait = false;
	}
}

static unsigned int
inotify_fpoll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct inotify *in = fp->f_data;
	unsigned int r;

	(void)events;
	poll_record(&in->in_poll, pe);
	mutex_enter(&inotify_lock);
	r = TAILQ_EMPTY(&in->in_events) ? 0 : POLLIN | POLLRDNORM;
	mutex_exit(&inotify_lock);
	return r;
}

static int
inotify_ioctl(struct file *fp, unsigned long cmd, uintptr_t uarg,
    register_t *retval)
{
	struct inotify *in = fp->f_data;
	struct event *e;
	size_t n = 0;
	int v;

	(void)retval;
	if (cmd != FIONREAD)
		return ENOTTY;
	mutex_enter(&inotify_lock);
	TAILQ_FOREACH(e, &in->in_events, e_link)
		n += sizeof(struct event_out) + name_room(e);
	mutex_exit(&inotify_lock);
	v = (int)n;
	return copyout(&v, (void *)uarg, sizeof(v));
}

static void
inotify_close(struct file *fp)
{
	struct inotify *in = fp->f_data;
	struct vnode *vp;
	struct watch *w;
	struct event *e;

	mutex_enter(&inotify_lock);
	LIST_REMOVE(in, in_link);
	mutex_exit(&inotify_lock);
	for (;;) {
		mutex_enter(&inotify_lock);
		w = LIST_FIRST(&in->in_watches);
		vp = w == NULL ? NULL : watch_remove(w, true);
		mutex_exit(&inotify_lock);
		if (vp == NULL)
			break;
		vrele(vp);
	}
	while ((e = TAILQ_FIRST(&in->in_events)) != NULL) {
		TAILQ_REMOVE(&in->in_events, e, e_link);
		kmem_free(e, sizeof(*e) + e->e_len);
	}
	pollhead_destroy(&in->in_poll);
	cv_destroy(&in->in_cv);
	kmem_free(in, sizeof(*in));
	(void)atomic_sub(&ninstances, 1);
}

static const struct fileops inotify_fileops = {
	.fo_name = "anon_inode:inotify",
	.fo_read = inotify_read,
	.fo_ioctl = inotify_ioctl,
	.fo_poll = inotify_fpoll,
	.fo_stat = file_stat_anon,
	.fo_close = inotify_close,
};

/* The file system goes: nothing in it can be watched any more. */
void
inotify_unmount(struct mount *mp)
{
	struct watch *w = NULL;
	struct inotify *in;
	struct vnode *vp;

	do {
		mutex_enter(&inotify_lock);
		LIST_FOREACH(in, &instances, in_link) {
			LIST_FOREACH(w, &in->in_watches, w_link)
				if (w->w_vnode->v_mount == mp)
					break;
			if (w != NULL)
				break;
		}
		vp = NULL;
		if (in != NULL) {
			queue(in, w->w_wd, IN_UNMOUNT, 0, "", 0);
			vp = watch_remove(w, false);
		}
		mutex_exit(&inotify_lock);
		if (vp != NULL)
			vrele(vp);
	} while (vp != NULL);
}

/* ---- system calls ---- */

int
do_inotify_init(struct lwp *l, int flags, int *fd)
{
	struct inotify *in;
	struct file *fp;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	if (atomic_add(&ninstances, 1) > INOTIFY_MAX_INSTANCES) {
		error = EMFILE;
		goto fail;
	}
	error = fd_reserve(l, 0, fd);
	if (error != 0)
		goto fail;
	in = kmem_zalloc(sizeof(*in), KM_SLEEP);
	error = in == NULL ? ENOMEM : file_alloc(&inotify_fileops, in,
	    (unsigned int)flags & O_NONBLOCK, &fp);
	if (error != 0) {
		if (in != NULL)
			kmem_free(in, sizeof(*in));
		fd_abandon(l, *fd);
		goto fail;
	}
	LIST_INIT(&in->in_watches);
	TAILQ_INIT(&in->in_events);
	cv_init(&in->in_cv, "inotify");
	pollhead_init(&in->in_poll);
	in->in_nextwd = 1;
	mutex_enter(&inotify_lock);
	LIST_INSERT_HEAD(&instances, in, in_link);
	mutex_exit(&inotify_lock);
	fd_install(l, *fd, fp, (flags & O_CLOEXEC) != 0);
	return 0;
fail:
	(void)atomic_sub(&ninstances, 1);
	return error;
}

static int
instance_get(struct lwp *l, int fd, struct file **fpp)
{
	int error;

	error = fd_get(l, fd, fpp);
	if (error == 0 && (*fpp)->f_ops != &inotify_fileops) {
		file_put(*fpp);
		error = EINVAL;
	}
	return error;
}

/* [l] */
static int
watch_add(struct inotify *in, struct vnode *vp, uint32_t mask, int *wd)
{
	const uint32_t keep = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;
	struct watch *w;

	LIST_FOREACH(w, watches_of(vp), w_vnlink)
		if (w->w_inotify == in)
			break;
	if (w != NULL) {
		if ((mask & IN_MASK_CREATE) != 0)
			return EEXIST;
		if ((mask & IN_MASK_ADD) != 0)
			w->w_mask |= mask & keep;
		else
			w->w_mask = mask & keep;
		*wd = w->w_wd;
		return 0;
	}
	if (inotify_nwatches >= INOTIFY_MAX_WATCHES)
		return ENOSPC;
	w = kmem_zalloc(sizeof(*w), KM_SLEEP);
	if (w == NULL)
		return ENOMEM;
	w->w_inotify = in;
	w->w_vnode = vref(vp);
	w->w_mask = mask & keep;
	w->w_wd = in->in_nextwd;
	in->in_nextwd = in->in_nextwd == INT32_MAX ? 1 : in->in_nextwd + 1;
	LIST_INSERT_HEAD(&in->in_watches, w, w_link);
	LIST_INSERT_HEAD(watches_of(vp), w, w_vnlink);
	(void)atomic_add(&inotify_nwatches, 1);
	*wd = w->w_wd;
	return 0;
}

int
do_inotify_add_watch(struct lwp *l, int fd, const char *name, uint32_t mask,
    int *wd)
{
	struct file *fp;
	struct path p;
	int error, lookup = 0;

	if ((mask & IN_ALL_EVENTS) == 0 && (mask & IN_UNMOUNT) == 0)
		return EINVAL;
	if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) ==
	    (IN_MASK_ADD | IN_MASK_CREATE))
		return EINVAL;
	error = instance_get(l, fd, &fp);
	if (error != 0)
		return error;
	if ((mask & IN_DONT_FOLLOW) == 0)
		lookup |= LOOKUP_FOLLOW;
	if ((mask & IN_ONLYDIR) != 0)
		lookup |= LOOKUP_DIRECTORY;
	error = namei(l, NULL, name, lookup, &p);
	if (error != 0)
		goto out;
	error = vnode_access(path_vnode(&p), R_OK, l->l_cred);
	if (error == 0) {
		mutex_enter(&inotify_lock);
		error = watch_add(fp->f_data, path_vnode(&p), mask, wd);
		mutex_exit(&inotify_lock);
	}
	path_put(&p);
out:
	file_put(fp);
	return error;
}

int
do_inotify_rm_watch(struct lwp *l, int fd, int wd)
{
	struct vnode *vp = NULL;
	struct inotify *in;
	struct file *fp;
	struct watch *w;
	int error;

	error = instance_get(l, fd, &fp);
	if (error != 0)
		return error;
	in = fp->f_data;
	mutex_enter(&inotify_lock);
	LIST_FOREACH(w, &in->in_watches, w_link)
		if (w->w_wd == wd)
			break;
	if (w != NULL)
		vp = watch_remove(w, false);
	mutex_exit(&inotify_lock);
	if (vp != NULL)
		vrele(vp);
	file_put(fp);
	return vp != NULL ? 0 : EINVAL;
}
