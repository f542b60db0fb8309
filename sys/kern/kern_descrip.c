/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and the tables of descriptors that refer to them.
 *
 * Overview: a table has an array of files and two bitmaps, "in use" and
 * "close on exec"; small ones are inside struct filedesc.  fd_reserve() sets
 * the bit of a free number, so that a call can fail for want of a descriptor
 * before it does anything; fd_install() puts the file there.
 *
 * States of a slot:
 *	bit clear, no file	free
 *	bit set, no file	reserved: EBADF for everybody
 *	bit set, a file		open
 *
 * Locking: fd_lock (spin, [d]) guards arrays and bitmaps.  While one process
 * of one thread has the table, only that thread changes it, and so looks up
 * without the lock.  p_fd itself changes with proctree_lock held as writer:
 * others follow it as readers.  Files are released after the locks.  f_ref
 * and f_flags are atomic.
 */
#include <sys/bitops.h>
#include <sys/dev.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>

#define	FD_INLINE	32
#define	FD_MAX		(1u << 20)	/* whatever RLIMIT_NOFILE says */

struct filedesc {
	refcount_t	fd_ref;		/* [a] */
	struct spinlock	fd_lock;
	unsigned int	fd_size;	/* [d] slots */
	unsigned int	fd_hint;	/* [d] no free slot below */
	struct file	**fd_files;	/* [d] */
	unsigned long	*fd_open;	/* [d] */
	unsigned long	*fd_cloexec;	/* [d] */
	struct file	*fd_ifiles[FD_INLINE];
	unsigned long	fd_imaps[2 * BITMAP_WORDS(FD_INLINE)];
};

struct filebox {			/* a file with room for its path */
	struct file	fb_file;
	struct path	fb_path;
};

unsigned int nfiles, maxfiles;
static struct kmem_cache *file_cache, *filedesc_cache;

/* -- files -- */

/*
 * A file with one reference.  Thread context.  ENFILE: the system has too
 * many; ENOMEM.
 */
int
file_alloc(const struct fileops *ops, void *data, unsigned int flags,
    struct file **fpp)
{
	struct filebox *fb;
	struct file *fp;

	if (atomic_add(&nfiles, 1) > maxfiles &&
	    cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) != 0) {
		(void)atomic_sub(&nfiles, 1);
		return ENFILE;
	}
	fb = kmem_cache_alloc(file_cache, KM_SLEEP);
	if (fb == NULL) {
		(void)atomic_sub(&nfiles, 1);
		return ENOMEM;
	}
	memset(fb, 0, sizeof(*fb));
	fp = &fb->fb_file;
	fp->f_ref = 1;
	fp->f_flags = flags;
	fp->f_ops = ops;
	fp->f_data = data;
	fp->f_cred = cred_get(curlwp->l_cred);
	mutex_init(&fp->f_lock, "file");
	*fpp = fp;
	return 0;
}

int
file_alloc_path(const struct fileops *ops, void *data, unsigned int flags,
    const struct path *p, struct file **fpp)
{
	struct filebox *fb;
	int error;

	error = file_alloc(ops, data, flags, fpp);
	if (error != 0)
		return error;
	fb = container_of(*fpp, struct filebox, fb_file);
	fb->fb_path = *p;
	path_get(&fb->fb_path);
	(*fpp)->f_path = &fb->fb_path;
	return 0;
}

void
file_abort(struct file *fp)
{
	if (fp->f_path != NULL)
		path_put(fp->f_path);
	cred_put(fp->f_cred);
	mutex_destroy(&fp->f_lock);
	kmem_cache_free(file_cache, container_of(fp, struct filebox, fb_file));
	(void)atomic_sub(&nfiles, 1);
}

struct file *
file_get(struct file *fp)
{
	refcount_get(&fp->f_ref);
	return fp;
}

int
file_stat_anon(struct file *fp __unused, struct stat_k *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = 0600;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

void
file_put(struct file *fp)
{
	if (!refcount_put(&fp->f_ref))
		return;
	if (atomic_load_acquire(&fp->f_epoll) != NULL)
		epoll_file_closed(fp);
	if (fp->f_lockflags != 0)
		lock_file_closed(fp);
	if (inotify_on())
		inotify_file_event(fp, FWRITE(fp) ? IN_CLOSE_WRITE :
		    IN_CLOSE_NOWRITE);
	if (fp->f_ops->fo_close != NULL)
		fp->f_ops->fo_close(fp);
	file_abort(fp);
}

/* -- tables -- */

static bool
table_is_inline(const struct filedesc *fd)
{
	return fd->fd_files == fd->fd_ifiles;
}

static size_t
arrays_size(unsigned int size)
{
	return size * sizeof(struct file *) +
	    2 * BITMAP_WORDS(size) * sizeof(unsigned long);
}

static void
arrays_set(struct filedesc *fd, void *mem, unsigned int size)
{
	fd->fd_size = size;
	fd->fd_files = mem;
	fd->fd_open = (unsigned long *)(void *)(fd->fd_files + size);
	fd->fd_cloexec = fd->fd_open + BITMAP_WORDS(size);
}

struct filedesc *
fd_table_create(void)
{
	struct filedesc *fd;

	fd = kmem_cache_alloc(filedesc_cache, KM_SLEEP);
	if (fd == NULL)
		return NULL;
	memset(fd, 0, sizeof(*fd));
	fd->fd_ref = 1;
	spin_init(&fd->fd_lock, "filedesc");
	fd->fd_size = FD_INLINE;
	fd->fd_files = fd->fd_ifiles;
	fd->fd_open = fd->fd_imaps;
	fd->fd_cloexec = fd->fd_imaps + BITMAP_WORDS(FD_INLINE);
	return fd;
}

struct filedesc *
fd_table_get(struct filedesc *fd)
{
	refcount_get(&fd->fd_ref);
	return fd;
}

/* A descriptor of the table is gone, and its reference with it. */
static void
release(struct filedesc *fd, struct file *fp)
{
	lock_fd_closed(fd, fp);
	if (fp->f_ops->fo_fdclose != NULL)
		fp->f_ops->fo_fdclose(fp);
	file_put(fp);
}

void
fd_table_put(struct filedesc *fd)
{
	struct file *fp;
	unsigned int i;

	if (!refcount_put(&fd->fd_ref))
		return;
	for (i = 0; i < fd->fd_size; i++) {
		fp = fd->fd_files[i];
		if (fp == NULL)
			continue;
		fd->fd_files[i] = NULL;
		release(fd, fp);
	}
	if (!table_is_inline(fd))
		kmem_free(fd->fd_files, arrays_size(fd->fd_size));
	kmem_cache_free(filedesc_cache, fd);
}

/* Make room for descriptor `want`.  ENOMEM. */
static int
table_grow(struct filedesc *fd, unsigned int want)
{
	struct filedesc old;
	unsigned int size = fd->fd_size;
	void *mem;

	if (want >= FD_MAX)
		return EMFILE;
	while (size <= want)
		size *= 2;
	mem = kmem_zalloc(arrays_size(size), KM_SLEEP);
	if (mem == NULL)
		return ENOMEM;
	spin_enter(&fd->fd_lock);
	if (fd->fd_size >= size) {
		spin_exit(&fd->fd_lock);
		kmem_free(mem, arrays_size(size));
		return 0;
	}
	old = *fd;
	if (table_is_inline(fd))
		old.fd_files = NULL;
	memcpy(mem, fd->fd_files, fd->fd_size * sizeof(struct file *));
	arrays_set(fd, mem, size);
	memcpy(fd->fd_open, old.fd_open,
	    BITMAP_WORDS(old.fd_size) * sizeof(unsigned long));
	memcpy(fd->fd_cloexec, old.fd_cloexec,
	    BITMAP_WORDS(old.fd_size) * sizeof(unsigned long));
	spin_exit(&fd->fd_lock);
	if (old.fd_files != NULL)
		kmem_free(old.fd_files, arrays_size(old.fd_size));
	return 0;
}

/* The table's part up to the highest descriptor in use. [d] */
static unsigned int
table_used(const struct filedesc *fd)
{
	unsigned int i = fd->fd_size;

	while (i > 0 && !bit_test(fd->fd_open, i - 1))
		i--;
	return i;
}

int
fd_table_copy(struct filedesc *old, struct filedesc **newp)
{
	struct filedesc *new;
	struct file *fp;
	unsigned int i, used;
	int error;

	new = fd_table_create();
	if (new == NULL)
		return ENOMEM;
	for (;;) {
		spin_enter(&old->fd_lock);
		used = table_used(old);
		if (used <= new->fd_size)
			break;
		spin_exit(&old->fd_lock);
		error = table_grow(new, used - 1);
		if (error != 0) {
			fd_table_put(new);
			return error;
		}
	}
	for (i = 0; i < used; i++) {
		fp = old->fd_files[i];
		if (fp == NULL)
			continue;	/* free, or only reserved */
		new->fd_files[i] = file_get(fp);
		bit_set(new->fd_open, i);
		if (bit_test(old->fd_cloexec, i))
			bit_set(new->fd_cloexec, i);
	}
	spin_exit(&old->fd_lock);
	*newp = new;
	return 0;
}

int
fd_table_unshare(struct lwp *l)
{
	struct proc *p = l->l_proc;
	struct filedesc *old = p->p_fd, *new;
	int error;

	if (atomic_load(&old->fd_ref) == 1)
		return 0;
	/* Other threads of the process may be using it at this moment. */
	if (p->p_nlwps > 1)
		return EINVAL;
	error = fd_table_copy(old, &new);
	if (error != 0)
		return error;
	rw_enter(&proctree_lock, RW_WRITER);
	p->p_fd = new;
	rw_exit(&proctree_lock);
	fd_table_put(old);
	return 0;
}

/* -- descriptors -- */

static struct file *
lookup(struct filedesc *fd, int n)
{
	struct file *fp;

	if (n < 0 || (unsigned int)n >= fd->fd_size)
		return NULL;
	fp = fd->fd_files[n];
	return fp == NULL ? NULL : file_get(fp);
}

int
fd_table_file(struct filedesc *fd, int n, struct file **fpp)
{
	spin_enter(&fd->fd_lock);
	*fpp = lookup(fd, n);
	spin_exit(&fd->fd_lock);
	return *fpp == NULL ? EBADF : 0;
}

int
fd_get_any(struct lwp *l, int n, struct file **fpp)
{
	struct proc *p = l->l_proc;
	struct filedesc *fd = p->p_fd;

	/* Threads of one process share its reference. */
	if (atomic_load_acquire(&fd->fd_ref) != 1 ||
	    atomic_load_acquire(&p->p_nlwps) > 1)
		return fd_table_file(fd, n, fpp);
	*fpp = lookup(fd, n);
	return *fpp == NULL ? EBADF : 0;
}

int
fd_get(struct lwp *l, int n, struct file **fpp)
{
	int error;

	error = fd_get_any(l, n, fpp);
	if (error == 0 && ((*fpp)->f_flags & O_PATH) != 0) {
		file_put(*fpp);
		error = EBADF;
	}
	return error;
}

static unsigned int
fd_limit(struct lwp *l)
{
	uint64_t lim = atomic_load_relaxed(
	    &l->l_proc->p_rlimit[RLIMIT_NOFILE].rlim_cur);

	return (unsigned int)MIN(lim, FD_MAX);
}

int
fd_reserve(struct lwp *l, int min, int *np)
{
	struct filedesc *fd = l->l_proc->p_fd;
	unsigned int limit = fd_limit(l), from, n;
	int error;

	if (min < 0 || (unsigned int)min >= limit)
		return min == 0 ? EMFILE : EINVAL;
	for (;;) {
		spin_enter(&fd->fd_lock);
		from = MAX((unsigned int)min, fd->fd_hint);
		n = from >= fd->fd_size ? from :
		    (unsigned int)bit_find_clear(fd->fd_open, fd->fd_size,
		    from);
		if (n >= limit) {
			spin_exit(&fd->fd_lock);
			return EMFILE;
		}
		if (n < fd->fd_size)
			break;
		spin_exit(&fd->fd_lock);
		error = table_grow(fd, n);
		if (error != 0)
			return error;
	}
	bit_set(fd->fd_open, n);
	bit_clear(fd->fd_cloexec, n);
	if (from == fd->fd_hint)
		fd->fd_hint = n + 1;
	spin_exit(&fd->fd_lock);
	*np = (int)n;
	return 0;
}

/* The file's reference goes to the table. */
void
fd_install(struct lwp *l, int n, struct file *fp, bool cloexec)
{
	struct filedesc *fd = l->l_proc->p_fd;

	spin_enter(&fd->fd_lock);
	KASSERT(bit_test(fd->fd_open, (size_t)n) && fd->fd_files[n] == NULL);
	fd->fd_files[n] = fp;
	if (cloexec)
		bit_set(fd->fd_cloexec, (size_t)n);
	spin_exit(&fd->fd_lock);
}

/* Free the slot; its file, if any, with the table's reference. [d] */
static struct file *
slot_clear(struct filedesc *fd, unsigned int n)
{
	struct file *fp = fd->fd_files[n];

	fd->fd_files[n] = NULL;
	bit_clear(fd->fd_open, n);
	bit_clear(fd->fd_cloexec, n);
	if (n < fd->fd_hint)
		fd->fd_hint = n;
	return fp;
}

void
fd_abandon(struct lwp *l, int n)
{
	struct filedesc *fd = l->l_proc->p_fd;

	spin_enter(&fd->fd_lock);
	KASSERT(fd->fd_files[n] == NULL);
	(void)slot_clear(fd, (unsigned int)n);
	spin_exit(&fd->fd_lock);
}

int
fd_close(struct lwp *l, int n)
{
	struct filedesc *fd = l->l_proc->p_fd;
	struct file *fp = NULL;

	spin_enter(&fd->fd_lock);
	if (n >= 0 && (unsigned int)n < fd->fd_size && fd->fd_files[n] != NULL)
		fp = slot_clear(fd, (unsigned int)n);
	spin_exit(&fd->fd_lock);
	if (fp == NULL)
		return EBADF;
	release(fd, fp);
	return 0;
}

#define	CLOSE_RANGE_UNSHARE	2
#define	CLOSE_RANGE_CLOEXEC	4

int
fd_close_range(struct lwp *l, unsigned int first, unsigned int last, int flags)
{
	struct filedesc *fd;
	struct file *fp;
	unsigned int n;
	int error;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 ||
	    first > last)
		return EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) != 0) {
		error = fd_table_unshare(l);
		if (error != 0)
			return error;
	}
	fd = l->l_proc->p_fd;
	for (n = first; n <= last; n++) {
		spin_enter(&fd->fd_lock);
		if (n < fd->fd_size)
			n = (unsigned int)bit_find_set(fd->fd_open,
			    fd->fd_size, n);
		if (n >= fd->fd_size || n > last) {
			spin_exit(&fd->fd_lock);
			break;
		}
		fp = NULL;
		if (fd->fd_files[n] != NULL) {
			if ((flags & CLOSE_RANGE_CLOEXEC) != 0)
				bit_set(fd->fd_cloexec, n);
			else
				fp = slot_clear(fd, n);
		}
		spin_exit(&fd->fd_lock);
		if (fp != NULL)
			release(fd, fp);
	}
	return 0;
}

/* exec: the table is the process' own by now. */
void
fd_close_on_exec(struct filedesc *fd)
{
	struct file *fp;
	unsigned int n;

	for (n = 0;; n++) {
		spin_enter(&fd->fd_lock);
		n = (unsigned int)bit_find_set(fd->fd_cloexec, fd->fd_size, n);
		if (n >= fd->fd_size) {
			spin_exit(&fd->fd_lock);
			return;
		}
		fp = slot_clear(fd, n);
		spin_exit(&fd->fd_lock);
		if (fp != NULL)
			release(fd, fp);
	}
}

int
fd_dup(struct lwp *l, int n, int min, bool cloexec, int *newp)
{
	struct file *fp;
	int error;

	error = fd_get_any(l, n, &fp);
	if (error != 0)
		return error;
	error = fd_reserve(l, min, newp);
	if (error != 0) {
		file_put(fp);
		return error;
	}
	fd_install(l, *newp, fp, cloexec);
	return 0;
}

/* The caller has seen to n == newfd. EBADF, EBUSY, EMFILE, ENOMEM. */
int
fd_dup2(struct lwp *l, int n, int newfd, bool cloexec)
{
	struct filedesc *fd = l->l_proc->p_fd;
	struct file *fp, *old;
	unsigned int to = (unsigned int)newfd;
	int error;

	if (newfd < 0 || to >= fd_limit(l))
		return EBADF;
	error = fd_get_any(l, n, &fp);
	if (error != 0)
		return error;
	for (;;) {
		spin_enter(&fd->fd_lock);
		if (to < fd->fd_size)
			break;
		spin_exit(&fd->fd_lock);
		error = table_grow(fd, to);
		if (error != 0)
			goto fail;
	}
	old = fd->fd_files[to];
	if (old == NULL && bit_test(fd->fd_open, to)) {
		spin_exit(&fd->fd_lock);	/* somebody has reserved it */
		error = EBUSY;
		goto fail;
	}
	fd->fd_files[to] = fp;
	bit_set(fd->fd_open, to);
	if (cloexec)
		bit_set(fd->fd_cloexec, to);
	else
		bit_clear(fd->fd_cloexec, to);
	spin_exit(&fd->fd_lock);
	if (old != NULL)
		release(fd, old);
	return 0;
fail:
	file_put(fp);
	return error;
}

static bool
is_open(const struct filedesc *fd, int n)
{
	return n >= 0 && (unsigned int)n < fd->fd_size &&
	    fd->fd_files[n] != NULL;
}

int
fd_get_cloexec(struct lwp *l, int n, bool *cloexec)
{
	struct filedesc *fd = l->l_proc->p_fd;
	int error = EBADF;

	spin_enter(&fd->fd_lock);
	if (is_open(fd, n)) {
		*cloexec = bit_test(fd->fd_cloexec, (size_t)n);
		error = 0;
	}
	spin_exit(&fd->fd_lock);
	return error;
}

int
fd_set_cloexec(struct lwp *l, int n, bool cloexec)
{
	struct filedesc *fd = l->l_proc->p_fd;
	int error = EBADF;

	spin_enter(&fd->fd_lock);
	if (is_open(fd, n)) {
		if (cloexec)
			bit_set(fd->fd_cloexec, (size_t)n);
		else
			bit_clear(fd->fd_cloexec, (size_t)n);
		error = 0;
	}
	spin_exit(&fd->fd_lock);
	return error;
}

int
fd_next(struct filedesc *fd, int n)
{
	unsigned int i = n < 0 ? 0 : (unsigned int)n;
	int found = -1;

	spin_enter(&fd->fd_lock);
	for (; i < fd->fd_size; i++)
		if (fd->fd_files[i] != NULL) {
			found = (int)i;
			break;
		}
	spin_exit(&fd->fd_lock);
	return found;
}

unsigned int
fd_table_size(struct filedesc *fd)
{
	return fd->fd_size;
}

/* -- read and write -- */

static int
io_flags(const struct file *fp)
{
	static const struct {
		unsigned int o;
		int io;
	} map[] = {
		{ O_NONBLOCK, IO_NONBLOCK }, { O_APPEND, IO_APPEND },
		{ O_DIRECT, IO_DIRECT }, { O_NOATIME, IO_NOATIME },
	};
	unsigned int f = atomic_load_relaxed(&fp->f_flags);
	int io = 0;
	size_t i;

	for (i = 0; i < __arraycount(map); i++)
		if ((f & map[i].o) != 0)
			io |= map[i].io;
	if ((f & O_SYNC) == O_SYNC)
		io |= IO_SYNC;
	else if ((f & O_DSYNC) != 0)
		io |= IO_DSYNC;
	return io;
}

static int
do_rw(struct file *fp, struct uio *uio, off_t *offset, size_t *done)
{
	int (*op)(struct file *, struct uio *) = uio->uio_rw == UIO_READ ?
	    fp->f_ops->fo_read : fp->f_ops->fo_write;
	const int how = fp->f_ops->fo_flags;
	const bool stream = fp->f_devops != NULL &&
	    (fp->f_devops->d_flags & D_STREAM) != 0;
	bool locked = offset == NULL && (how & FOF_SEEKABLE) != 0;
	size_t total = uio->uio_resid;
	int error;

	*done = 0;
	if (op == NULL)
		return EINVAL;
	if (offset != NULL && ((how & (FOF_SEEKABLE | FOF_PREAD)) == 0 ||
	    stream))
		return ESPIPE;
	uio->uio_flags |= io_flags(fp);
	if (locked)
		mutex_enter(&fp->f_lock);
	uio->uio_offset = offset != NULL ? *offset : fp->f_offset;
	if (uio->uio_offset < 0 ||
	    (uint64_t)uio->uio_offset + total > INT64_MAX)
		error = EINVAL;
	else
		error = op(fp, uio);
	*done = total - uio->uio_resid;
	if (*done > 0) {
		error = 0;	/* what was moved counts */
		if (inotify_on())
			inotify_file_event(fp, uio->uio_rw == UIO_READ ?
			    IN_ACCESS : IN_MODIFY);
	}
	if (offset != NULL)
		*offset = uio->uio_offset;
	else if ((how & (FOF_SEEKABLE | FOF_PREAD)) != 0 && error == 0 &&
	    !stream)
		fp->f_offset = uio->uio_offset;
	if (locked)
		mutex_exit(&fp->f_lock);
	return error;
}

int
do_readv(struct lwp *l, struct file *fp, struct uio *uio, off_t *offset,
    size_t *done)
{
	(void)l;
	if (!FREAD(fp) || (fp->f_flags & O_ACCMODE) == O_ACCMODE)
		return EBADF;
	uio->uio_rw = UIO_READ;
	return do_rw(fp, uio, offset, done);
}

int
do_writev(struct lwp *l, struct file *fp, struct uio *uio, off_t *offset,
    size_t *done)
{
	(void)l;
	if (!FWRITE(fp) || (fp->f_flags & O_ACCMODE) == O_ACCMODE)
		return EBADF;
	uio->uio_rw = UIO_WRITE;
	return do_rw(fp, uio, offset, done);
}

int
do_lseek(struct file *fp, off_t off, int whence, off_t *result)
{
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return EINVAL;
	if (fp->f_ops->fo_seek == NULL)
		return ESPIPE;
	return fp->f_ops->fo_seek(fp, off, whence, result);
}

/* F_SETFL: what may change, changes; the rest is ignored, as on Linux. */
int
do_fcntl_setfl(struct lwp *l, struct file *fp, unsigned int flags)
{
	const unsigned int may = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME |
	    O_NONBLOCK;
	struct vnode *vp = file_vnode(fp);
	unsigned int old;

	if ((flags & ~fp->f_flags & O_NOATIME) != 0 && vp != NULL &&
	    l->l_cred->cr_fsuid != vp->v_uid &&
	    cred_capable(l->l_cred, CAP_FOWNER) != 0)
		return EPERM;
	if ((flags & ~fp->f_flags & O_DIRECT) != 0 &&
	    (vp == NULL || !vnode_has_direct(vp)))
		return EINVAL;
	do {
		old = atomic_load(&fp->f_flags);
	} while (!atomic_cas(&fp->f_flags, old, (old & ~may) | (flags & may)));
	return 0;
}

void
fd_init(void)
{
	file_cache = kmem_cache_create("file", sizeof(struct filebox), 0);
	filedesc_cache = kmem_cache_create("filedesc",
	    sizeof(struct filedesc), 0);
	if (file_cache == NULL || filedesc_cache == NULL)
		panic("fd: no memory at boot");
	maxfiles = (unsigned int)MAX(MIN(uvmexp.total / 3, 1u << 20), 4096);
}
