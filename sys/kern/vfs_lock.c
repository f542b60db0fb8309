/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: flock(2), POSIX locks and open-file-description locks.
 *
 * Overview: a vnode that has ever been locked has a lockhead with two lists.
 * POSIX locks belong to a descriptor table (so to a process), the others to an
 * open file.  A lock that is changed is cut out of the owner's old ones, put
 * in, and joined with its neighbours.  Who waits tries again whenever a lock
 * of that vnode goes.
 *
 * Locking: lock_mutex for everything; the files' read and write paths do not
 * come here.  v_locks is read without it: it is set once and stays.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/filelock.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>

struct filelock {
	LIST_ENTRY(filelock) fl_link;
	LIST_ENTRY(filelock) fl_all;
	struct vnode	*fl_vp;
	const void	*fl_owner;	/* a filedesc or a file */
	enum lock_class	fl_class;
	pid_t		fl_pid;		/* who made it */
	short		fl_type;	/* F_RDLCK or F_WRLCK */
	off_t		fl_start, fl_end;	/* both in it */
};
LIST_HEAD(locklist, filelock);

struct lockhead {
	struct condvar	lh_cv;
	struct locklist	lh_ranges;	/* POSIX and OFD locks */
	struct locklist	lh_whole;	/* flock's */
};

struct lockwait {			/* a thread that waits, on its stack */
	LIST_ENTRY(lockwait) lw_link;
	const struct filelock *lw_want;
	const struct filelock *lw_for;	/* it may be gone: an address only */
	const void	*lw_forowner;
};

static struct mutex lock_mutex;
static LIST_HEAD(, lockwait) lock_waits = LIST_HEAD_INITIALIZER(lock_waits);
static struct locklist lock_all = LIST_HEAD_INITIALIZER(lock_all);

void
lock_init(void)
{
	mutex_init(&lock_mutex, "filelock");
}

static struct lockhead *
lockhead_get(struct vnode *vp)
{
	struct lockhead *lh;

	if (vp->v_locks != NULL)
		return vp->v_locks;
	lh = kmem_zalloc(sizeof(*lh), KM_SLEEP);
	if (lh == NULL)
		return NULL;
	cv_init(&lh->lh_cv, "filelock");
	LIST_INIT(&lh->lh_ranges);
	LIST_INIT(&lh->lh_whole);
	mutex_enter(&lock_mutex);
	if (vp->v_locks == NULL) {
		atomic_store_release(&vp->v_locks, lh);
		lh = NULL;
	}
	mutex_exit(&lock_mutex);
	if (lh != NULL) {
		cv_destroy(&lh->lh_cv);
		kmem_free(lh, sizeof(*lh));
	}
	return vp->v_locks;
}

static void
lock_add(struct locklist *list, struct filelock *fl)
{
	LIST_INSERT_HEAD(list, fl, fl_link);
	LIST_INSERT_HEAD(&lock_all, fl, fl_all);
}

static void
lock_remove(struct filelock *fl)
{
	LIST_REMOVE(fl, fl_link);
	LIST_REMOVE(fl, fl_all);
	kmem_free(fl, sizeof(*fl));
}

void
lock_reclaim(struct vnode *vp)
{
	struct lockhead *lh = vp->v_locks;

	if (lh == NULL)
		return;
	/* Every open file that had one has given it up. */
	KASSERT(LIST_EMPTY(&lh->lh_ranges) && LIST_EMPTY(&lh->lh_whole));
	cv_destroy(&lh->lh_cv);
	kmem_free(lh, sizeof(*lh));
	vp->v_locks = NULL;
}

static bool
conflicts(const struct filelock *a, const struct filelock *b)
{
	return a->fl_owner != b->fl_owner && a->fl_start <= b->fl_end &&
	    b->fl_start <= a->fl_end &&
	    (a->fl_type == F_WRLCK || b->fl_type == F_WRLCK);
}

/* The first lock in the way of `want`. */
static struct filelock *
find_conflict(struct locklist *list, const struct filelock *want)
{
	struct filelock *fl, *first = NULL;

	LIST_FOREACH(fl, list, fl_link)
		if (conflicts(fl, want) &&
		    (first == NULL || fl->fl_start < first->fl_start))
			first = fl;
	return first;
}

/* Would `owner`, waiting for `other`, wait for itself in the end? */
static bool
would_deadlock(const void *owner, const void *other)
{
	struct lockwait *lw;
	unsigned int hops;

	for (hops = 0; hops < 10; hops++) {
		if (other == owner)
			return true;
		LIST_FOREACH(lw, &lock_waits, lw_link)
			if (lw->lw_want->fl_owner == other)
				break;
		if (lw == NULL)
			return false;
		other = lw->lw_forowner;
	}
	return false;
}

/* Wait until nothing is in the way.  EAGAIN, EDEADLK, ERESTARTSYS. */
static int
wait_free(struct lockhead *lh, struct locklist *list,
    const struct filelock *want, bool wait)
{
	struct filelock *fl;
	struct lockwait lw;
	int error = 0;

	while (error == 0 && (fl = find_conflict(list, want)) != NULL) {
		if (!wait)
			return EAGAIN;
		if (want->fl_class == LOCK_POSIX &&
		    would_deadlock(want->fl_owner, fl->fl_owner))
			return EDEADLK;
		lw.lw_want = want;
		lw.lw_for = fl;
		lw.lw_forowner = fl->fl_owner;
		LIST_INSERT_HEAD(&lock_waits, &lw, lw_link);
		error = cv_wait_sig(&lh->lh_cv, &lock_mutex);
		LIST_REMOVE(&lw, lw_link);
	}
	return error;
}

/* Cut [start, end] out of the owner's locks; *spare is used for a split. */
static void
cut_out(struct locklist *list, const void *owner, off_t start, off_t end,
    struct filelock **spare)
{
	struct filelock *fl, *next, *right;

	for (fl = LIST_FIRST(list); fl != NULL; fl = next) {
		next = LIST_NEXT(fl, fl_link);
		if (fl->fl_owner != owner || fl->fl_end < start ||
		    fl->fl_start > end)
			continue;
		if (fl->fl_start < start && fl->fl_end > end) {
			right = *spare;
			*spare = NULL;
			*right = *fl;
			right->fl_start = end + 1;
			fl->fl_end = start - 1;
			lock_add(list, right);
			return;		/* own locks do not overlap */
		}
		if (fl->fl_start < start) {
			fl->fl_end = start - 1;
		} else if (fl->fl_end > end) {
			fl->fl_start = end + 1;
		} else {
			lock_remove(fl);
		}
	}
}

/* Put fl in and join it with neighbours of its owner and kind. */
static void
join_in(struct locklist *list, struct filelock *fl)
{
	struct filelock *o, *next;

	for (o = LIST_FIRST(list); o != NULL; o = next) {
		next = LIST_NEXT(o, fl_link);
		if (o->fl_owner != fl->fl_owner || o->fl_type != fl->fl_type)
			continue;
		if (o->fl_end != INT64_MAX && o->fl_end + 1 == fl->fl_start)
			fl->fl_start = o->fl_start;
		else if (fl->fl_end != INT64_MAX &&
		    fl->fl_end + 1 == o->fl_start)
			fl->fl_end = o->fl_end;
		else
			continue;
		lock_remove(o);
	}
	lock_add(list, fl);
}

static int
set_lock(struct vnode *vp, struct filelock *want, bool wait)
{
	struct filelock *fl = NULL, *spare;
	struct lockhead *lh;
	int error = 0;

	lh = lockhead_get(vp);
	spare = kmem_alloc(sizeof(*spare), KM_SLEEP);
	if (want->fl_type != F_UNLCK)
		fl = kmem_alloc(sizeof(*fl), KM_SLEEP);
	if (lh == NULL || spare == NULL ||
	    (fl == NULL && want->fl_type != F_UNLCK)) {
		error = ENOLCK;
		goto out;
	}
	mutex_enter(&lock_mutex);
	if (want->fl_type != F_UNLCK)
		error = wait_free(lh, &lh->lh_ranges, want, wait);
	if (error == 0) {
		cut_out(&lh->lh_ranges, want->fl_owner, want->fl_start,
		    want->fl_end, &spare);
		if (fl != NULL) {
			*fl = *want;
			join_in(&lh->lh_ranges, fl);
			fl = NULL;
		}
		cv_broadcast(&lh->lh_cv);
	}
	mutex_exit(&lock_mutex);
out:
	if (spare != NULL)
		kmem_free(spare, sizeof(*spare));
	if (fl != NULL)
		kmem_free(fl, sizeof(*fl));
	return error;
}

/* The bytes meant by l_whence, l_start and l_len. */
static int
lock_range(struct file *fp, const struct flock_k *fk, struct filelock *fl)
{
	off_t start = fk->l_start, base = 0;
	struct stat_k st;
	int error;

	switch (fk->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = fp->f_offset;
		break;
	case SEEK_END:
		error = fp->f_ops->fo_stat(fp, &st);
		if (error != 0)
			return error;
		base = st.st_size;
		break;
	default:
		return EINVAL;
	}
	if (start > INT64_MAX - base)
		return EOVERFLOW;
	start += base;
	if (start < 0)
		return EINVAL;
	fl->fl_start = start;
	if (fk->l_len > 0) {
		if (fk->l_len - 1 > INT64_MAX - start)
			return EOVERFLOW;
		fl->fl_end = start + fk->l_len - 1;
	} else if (fk->l_len < 0) {
		if (start + fk->l_len < 0)
			return EINVAL;
		fl->fl_start = start + fk->l_len;
		fl->fl_end = start - 1;
	} else {
		fl->fl_end = INT64_MAX;
	}
	return 0;
}

static void
get_lock(struct vnode *vp, const struct filelock *want, struct flock_k *fk)
{
	struct filelock *fl = NULL;

	mutex_enter(&lock_mutex);
	if (vp->v_locks != NULL)
		fl = find_conflict(&vp->v_locks->lh_ranges, want);
	if (fl == NULL) {
		fk->l_type = F_UNLCK;
	} else {
		fk->l_type = fl->fl_type;
		fk->l_whence = SEEK_SET;
		fk->l_start = fl->fl_start;
		fk->l_len = fl->fl_end == INT64_MAX ? 0 :
		    fl->fl_end - fl->fl_start + 1;
		fk->l_pid = fl->fl_class == LOCK_POSIX ? fl->fl_pid : -1;
	}
	mutex_exit(&lock_mutex);
}

int
do_fcntl_lock(struct lwp *l, struct file *fp, int cmd, struct flock_k *fk)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK ||
	    cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct vnode *vp = file_vnode(fp);
	struct filelock want;
	int error;

	if (vp == NULL)
		return EBADF;
	if (fk->l_type != F_RDLCK && fk->l_type != F_WRLCK &&
	    fk->l_type != F_UNLCK)
		return EINVAL;
	if (ofd && fk->l_pid != 0)
		return EINVAL;
	error = lock_range(fp, fk, &want);
	if (error != 0)
		return error;
	want.fl_type = fk->l_type;
	want.fl_vp = vp;
	want.fl_owner = ofd ? (const void *)fp : l->l_proc->p_fd;
	want.fl_class = ofd ? LOCK_OFD : LOCK_POSIX;
	want.fl_pid = ofd ? -1 : l->l_proc->p_pid;
	if (get) {
		if (fk->l_type == F_UNLCK && !ofd)
			return EINVAL;
		get_lock(vp, &want, fk);
		return 0;
	}
	if ((fk->l_type == F_RDLCK && !FREAD(fp)) ||
	    (fk->l_type == F_WRLCK && !FWRITE(fp)))
		return EBADF;
	if (ofd)
		fp->f_lockflags = 1;
	return set_lock(vp, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

int
do_flock(struct lwp *l, struct file *fp, int op)
{
	struct vnode *vp = file_vnode(fp);
	struct filelock *fl = NULL, *spare = NULL;
	struct lockhead *lh;
	int error = 0;

	if (vp == NULL)
		return EBADF;
	if ((op & ~LOCK_NB) != LOCK_SH && (op & ~LOCK_NB) != LOCK_EX &&
	    (op & ~LOCK_NB) != LOCK_UN)
		return EINVAL;
	lh = lockhead_get(vp);
	if (lh == NULL)
		return ENOLCK;
	if ((op & LOCK_UN) == 0) {
		fl = kmem_zalloc(sizeof(*fl), KM_SLEEP);
		if (fl == NULL)
			return ENOLCK;
		fl->fl_vp = vp;
		fl->fl_owner = fp;
		fl->fl_class = LOCK_FLOCK;
		fl->fl_pid = l->l_proc->p_pid;
		fl->fl_type = (op & LOCK_EX) != 0 ? F_WRLCK : F_RDLCK;
		fl->fl_end = INT64_MAX;
		fp->f_lockflags = 1;
	}
	mutex_enter(&lock_mutex);
	/* A change of kind gives the old lock up first, as on Linux. */
	cut_out(&lh->lh_whole, fp, 0, INT64_MAX, &spare);
	cv_broadcast(&lh->lh_cv);
	if (fl != NULL) {
		error = wait_free(lh, &lh->lh_whole, fl,
		    (op & LOCK_NB) == 0);
		if (error == 0) {
			lock_add(&lh->lh_whole, fl);
			fl = NULL;
		}
	}
	mutex_exit(&lock_mutex);
	if (fl != NULL)
		kmem_free(fl, sizeof(*fl));
	return error;
}

static void
drop_owner(struct vnode *vp, const void *owner)
{
	struct filelock *spare = NULL;
	struct lockhead *lh;

	if (vp == NULL)
		return;
	lh = atomic_load_acquire(&vp->v_locks);
	if (lh == NULL)
		return;
	mutex_enter(&lock_mutex);
	cut_out(&lh->lh_ranges, owner, 0, INT64_MAX, &spare);
	cut_out(&lh->lh_whole, owner, 0, INT64_MAX, &spare);
	cv_broadcast(&lh->lh_cv);
	mutex_exit(&lock_mutex);
}

void
lock_fd_closed(struct filedesc *fd, struct file *fp)
{
	drop_owner(file_vnode(fp), fd);
}

void
lock_file_closed(struct file *fp)
{
	drop_owner(file_vnode(fp), fp);
}

static void
lock_describe(const struct filelock *fl, unsigned int id, bool waits,
    void (*out)(void *, const struct lock_info *), void *ctx)
{
	const struct lock_info li = {
		.li_id = id, .li_waits = waits, .li_class = fl->fl_class,
		.li_type = fl->fl_type, .li_pid = fl->fl_pid,
		.li_dev = fl->fl_vp->v_mount->mnt_dev,
		.li_ino = fl->fl_vp->v_ino, .li_start = fl->fl_start,
		.li_end = fl->fl_end
	};

	out(ctx, &li);
}

void
lock_list(void (*out)(void *, const struct lock_info *), void *ctx)
{
	struct filelock *fl;
	struct lockwait *lw;
	unsigned int id = 0;

	mutex_enter(&lock_mutex);
	LIST_FOREACH(fl, &lock_all, fl_all) {
		lock_describe(fl, ++id, false, out, ctx);
		LIST_FOREACH(lw, &lock_waits, lw_link)
			if (lw->lw_for == fl)
				lock_describe(lw->lw_want, id, true, out, ctx);
	}
	mutex_exit(&lock_mutex);
}
