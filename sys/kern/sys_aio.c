/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous file I/O: contexts, requests, and the threads that do them.
 *
 * Overview: a request for O_DIRECT, or to sync, is put into one queue, from
 * which threads take them; there are as many as there is work for, up to
 * WORKERS_MAX, and they go when they have been idle.  A thread moves bytes by
 * way of a buffer of its own between the file and the process' memory (which
 * it reaches as ptrace does), so nothing of the process is locked or pinned
 * meanwhile.  Everything else is done by the caller at once.
 *
 * States of a request: queued -> running -> done (its event waits to be
 * fetched) -> freed.  It holds its file, its eventfd and the address space
 * until it is done.
 *
 * Locking: aio_lock for the list of contexts of a process, the queue, requests
 * and events; it is a spin lock, nothing sleeps with it.
 *
 * Suspend: threads of the kernel are not stopped; what the disk has under way
 * is done again by the driver.
 */
#include <sys/aio.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <kern/vfs_private.h>

#define	WORKERS_MAX	32
#define	IDLE_TIME	(10 * NSEC_PER_SEC)
#define	CHUNK		((size_t)256 * 1024)
#define	SECTOR_MASK	511

struct aio_req {
	TAILQ_ENTRY(aio_req) ar_link;	/* [l] the queue's, or the events' */
	struct aio_ctx	*ar_ctx;	/* [I] */
	struct file	*ar_file;	/* [I] */
	struct file	*ar_eventfd;	/* [I] or NULL */
	struct vmspace	*ar_vm;		/* [I] */
	enum aio_op	ar_op;		/* [I] */
	int		ar_ioflags;	/* [I] */
	off_t		ar_offset;
	struct iovec	*ar_iov;	/* [I] in the process */
	unsigned int	ar_iovcnt;	/* [I] */
	size_t		ar_total;	/* [I] */
	struct aio_event ar_event;
	bool		ar_queued;	/* [l] nobody has begun it */
};

TAILQ_HEAD(aio_reqs, aio_req);

struct aio_ctx {
	LIST_ENTRY(aio_ctx) ac_link;	/* [l] */
	uint64_t	ac_id;		/* [I] */
	unsigned int	ac_max;		/* [I] */
	unsigned int	ac_used;	/* [l] places taken */
	unsigned int	ac_busy;	/* [l] requests not done */
	unsigned int	ac_users;	/* [l] threads in calls */
	bool		ac_dead;	/* [l] */
	struct aio_reqs	ac_done;	/* [l] events to be fetched */
	unsigned int	ac_ndone;	/* [l] */
	struct condvar	ac_cv;		/* events; all is done; dead */
};

static struct spinlock aio_lock = SPINLOCK_INITIALIZER("aio");
static struct aio_reqs queue = TAILQ_HEAD_INITIALIZER(queue);	/* [l] */
static struct condvar queue_cv;		/* work for a thread */
static unsigned int nworkers, nidle;	/* [l] */
static unsigned int nqueued;		/* [l] */
unsigned int aio_nr;

/* -- contexts -- */

/* The context, with a user more; NULL: there is none. */
static struct aio_ctx *
ctx_enter(struct proc *p, uint64_t id)
{
	struct aio_ctx *ac;

	spin_enter(&aio_lock);
	LIST_FOREACH(ac, &p->p_aio, ac_link)
		if (ac->ac_id == id)
			break;
	if (ac != NULL)
		ac->ac_users++;
	spin_exit(&aio_lock);
	return ac;
}

static void
ctx_exit(struct aio_ctx *ac)
{
	spin_enter(&aio_lock);
	if (--ac->ac_users == 0 && ac->ac_dead)
		cv_broadcast(&ac->ac_cv);
	spin_exit(&aio_lock);
}

bool
io_exists(struct lwp *l, uint64_t id)
{
	struct aio_ctx *ac = ctx_enter(l->l_proc, id);

	if (ac != NULL)
		ctx_exit(ac);
	return ac != NULL;
}

/* The page by which the context is known: it says nothing in user space. */
static int
ctx_map(struct vmspace *vm, vaddr_t *va)
{
	struct uvm_mapargs ma;

	memset(&ma, 0, sizeof(ma));
	ma.size = PAGE_SIZE;
	ma.prot = ma.maxprot = PROT_READ;
	ma.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	return uvm_mmap(vm, &ma, va);
}

int
do_io_setup(struct lwp *l, unsigned int nr, uint64_t *id)
{
	struct proc *p = l->l_proc;
	struct aio_ctx *ac;
	vaddr_t va = 0;
	int error;

	if (nr == 0)
		return EINVAL;
	if (nr > AIO_MAX_NR || atomic_add(&aio_nr, nr) > AIO_MAX_NR) {
		if (nr <= AIO_MAX_NR)
			(void)atomic_sub(&aio_nr, nr);
		return EAGAIN;
	}
	ac = kmem_zalloc(sizeof(*ac), KM_SLEEP);
	error = ac == NULL ? ENOMEM : ctx_map(p->p_vmspace, &va);
	if (error != 0) {
		if (ac != NULL)
			kmem_free(ac, sizeof(*ac));
		(void)atomic_sub(&aio_nr, nr);
		return error;
	}
	ac->ac_id = va;
	ac->ac_max = nr;
	TAILQ_INIT(&ac->ac_done);
	cv_init(&ac->ac_cv, "aio");
	spin_enter(&aio_lock);
	LIST_INSERT_HEAD(&p->p_aio, ac, ac_link);
	spin_exit(&aio_lock);
	*id = va;
	return 0;
}

/* -- requests -- */

static void
req_free(struct aio_req *ar)
{
	if (ar->ar_iov != NULL)
		kmem_free(ar->ar_iov, ar->ar_iovcnt * sizeof(*ar->ar_iov));
	kmem_free(ar, sizeof(*ar));
}

/* What it holds is given back before anybody can know that it is done. */
static void
req_done(struct aio_req *ar, int64_t res)
{
	struct aio_ctx *ac = ar->ar_ctx;
	struct file *evfp = ar->ar_eventfd;

	file_put(ar->ar_file);
	vmspace_put(ar->ar_vm);
	ar->ar_event.ae_res = res;
	spin_enter(&aio_lock);
	TAILQ_INSERT_TAIL(&ac->ac_done, ar, ar_link);
	ac->ac_ndone++;
	ac->ac_busy--;
	cv_broadcast(&ac->ac_cv);
	spin_exit(&aio_lock);
	/* From here on context and request may be gone. */
	if (evfp != NULL) {
		eventfd_add(evfp, 1);
		file_put(evfp);
	}
}

/*
 * Take back what nobody has begun: all, or the one with that key.  They are in
 * *list then.
 */
static void
take_queued(struct aio_ctx *ac, const uint64_t *key, struct aio_reqs *list)
{
	struct aio_req *ar, *next;

	TAILQ_INIT(list);
	spin_enter(&aio_lock);
	TAILQ_FOREACH_SAFE(ar, &queue, ar_link, next) {
		if (ar->ar_ctx != ac ||
		    (key != NULL && ar->ar_event.ae_key != *key))
			continue;
		TAILQ_REMOVE(&queue, ar, ar_link);
		nqueued--;
		ar->ar_queued = false;
		TAILQ_INSERT_TAIL(list, ar, ar_link);
		if (key != NULL)
			break;
	}
	spin_exit(&aio_lock);
}

static bool
cancel(struct aio_ctx *ac, const uint64_t *key)
{
	struct aio_reqs list;
	struct aio_req *ar;
	bool any = false;

	take_queued(ac, key, &list);
	while ((ar = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, ar, ar_link);
		req_done(ar, -ECANCELED);
		any = true;
	}
	return any;
}

/* It is off the process' list, and the caller is its last user. */
static void
ctx_destroy(struct aio_ctx *ac)
{
	struct aio_req *ar;

	(void)cancel(ac, NULL);
	spin_enter(&aio_lock);
	while (ac->ac_busy != 0 || ac->ac_users != 0)
		cv_wait_spin(&ac->ac_cv, &aio_lock);
	spin_exit(&aio_lock);
	while ((ar = TAILQ_FIRST(&ac->ac_done)) != NULL) {
		TAILQ_REMOVE(&ac->ac_done, ar, ar_link);
		req_free(ar);
	}
	(void)atomic_sub(&aio_nr, ac->ac_max);
	cv_destroy(&ac->ac_cv);
	kmem_free(ac, sizeof(*ac));
}

int
do_io_destroy(struct lwp *l, uint64_t id)
{
	struct aio_ctx *ac;

	spin_enter(&aio_lock);
	LIST_FOREACH(ac, &l->l_proc->p_aio, ac_link)
		if (ac->ac_id == id)
			break;
	if (ac != NULL) {
		LIST_REMOVE(ac, ac_link);
		ac->ac_dead = true;
		cv_broadcast(&ac->ac_cv);
	}
	spin_exit(&aio_lock);
	if (ac == NULL)
		return EINVAL;
	ctx_destroy(ac);
	(void)uvm_unmap(l->l_proc->p_vmspace, (vaddr_t)id, PAGE_SIZE);
	return 0;
}

void
aio_exit(struct proc *p)
{
	struct aio_ctx *ac;

	while ((ac = LIST_FIRST(&p->p_aio)) != NULL) {
		LIST_REMOVE(ac, ac_link);
		ac->ac_dead = true;
		ctx_destroy(ac);
	}
}

/* -- transfers in a thread of the kernel -- */

/* Between the buffer and the process, from byte `pos` of the request on. */
static int
move_user(struct aio_req *ar, size_t pos, char *buf, size_t len,
    enum uio_rw rw)
{
	struct iovec *v = ar->ar_iov;
	size_t n;
	int error = 0;

	for (; pos >= v->iov_len; v++)
		pos -= v->iov_len;
	for (; len > 0 && error == 0; v++, pos = 0) {
		n = MIN(len, v->iov_len - pos);
		if (n == 0)
			continue;
		error = uvm_io(ar->ar_vm, (vaddr_t)v->iov_base + pos, buf, n,
		    rw, false);
		buf += n;
		len -= n;
	}
	return error;
}

/* Bytes [pos, pos + len), through the buffer; how many there were. */
static int
move_chunk(struct aio_req *ar, size_t pos, char *buf, size_t len,
    size_t *done)
{
	off_t off = ar->ar_offset + (off_t)pos;
	struct iovec iov;
	struct uio uio;
	int error;

	*done = 0;
	uio_kernel(&uio, &iov, buf, len, off,
	    ar->ar_op == AIO_READ ? UIO_READ : UIO_WRITE);
	uio.uio_flags = ar->ar_ioflags;
	if (ar->ar_op == AIO_READ) {
		error = do_readv(curlwp, ar->ar_file, &uio, &off, done);
		if (error == 0 && *done > 0)
			error = move_user(ar, pos, buf, *done, UIO_WRITE);
		return error;
	}
	error = move_user(ar, pos, buf, len, UIO_READ);
	return error != 0 ? error : do_writev(curlwp, ar->ar_file, &uio, &off,
	    done);
}

/* Bytes, or a negative errno. */
static int64_t
transfer(struct aio_req *ar)
{
	size_t pos = 0, n, done, size = round_page(MIN(ar->ar_total, CHUNK));
	char *buf;
	int error = 0;

	if (ar->ar_total == 0)
		return 0;
	buf = kmem_alloc(size, KM_SLEEP);
	if (buf == NULL)
		return -ENOMEM;
	while (pos < ar->ar_total) {
		n = MIN(ar->ar_total - pos, size);
		error = move_chunk(ar, pos, buf, n, &done);
		if (error != 0)
			break;
		pos += done;
		if (done < n)
			break;
	}
	kmem_free(buf, size);
	return pos > 0 ? (int64_t)pos : -error;
}

static int64_t
perform(struct aio_req *ar)
{
	struct file *fp = ar->ar_file;

	if (ar->ar_op == AIO_FSYNC || ar->ar_op == AIO_FDSYNC)
		return -fp->f_ops->fo_sync(fp, ar->ar_op == AIO_FDSYNC);
	return transfer(ar);
}

static void
worker(void *arg __unused)
{
	nsec_t end = nanouptime() + IDLE_TIME;
	struct aio_req *ar;

	spin_enter(&aio_lock);
	for (;;) {
		ar = TAILQ_FIRST(&queue);
		if (ar == NULL) {
			if (nanouptime() >= end)
				break;
			nidle++;
			(void)cv_timedwait_spin(&queue_cv, &aio_lock, end);
			nidle--;
			continue;
		}
		TAILQ_REMOVE(&queue, ar, ar_link);
		nqueued--;
		ar->ar_queued = false;
		spin_exit(&aio_lock);
		req_done(ar, perform(ar));
		end = nanouptime() + IDLE_TIME;
		spin_enter(&aio_lock);
	}
	nworkers--;
	spin_exit(&aio_lock);
	kthread_exit();
}

/* Queue it for the threads, of which there may have to be one more. */
static void
enqueue(struct aio_req *ar)
{
	struct aio_ctx *ac = ar->ar_ctx;
	uint64_t key = ar->ar_event.ae_key;
	struct aio_reqs list;
	bool more;

	spin_enter(&aio_lock);
	ar->ar_queued = true;
	TAILQ_INSERT_TAIL(&queue, ar, ar_link);
	nqueued++;
	/* From here on the request may be gone. */
	more = nqueued > nidle && nworkers < WORKERS_MAX;
	nworkers += more;
	cv_signal(&queue_cv);
	spin_exit(&aio_lock);
	if (!more || kthread_create("aio", NULL, worker, NULL, NULL) == 0)
		return;
	spin_enter(&aio_lock);
	more = --nworkers != 0;
	spin_exit(&aio_lock);
	if (more)
		return;
	/* No thread at all: it is done here, if nobody was faster. */
	take_queued(ac, &key, &list);
	if ((ar = TAILQ_FIRST(&list)) != NULL)
		req_done(ar, perform(ar));
}

/* -- submission -- */

/* The caller does it: what has no O_DIRECT. */
static int64_t
perform_here(struct lwp *l, struct aio_req *ar)
{
	bool placed = (ar->ar_file->f_ops->fo_flags &
	    (FOF_SEEKABLE | FOF_PREAD)) != 0;
	off_t at = ar->ar_offset, *off = placed ? &at : NULL;
	struct uio uio;
	size_t done = 0;
	int error;

	memset(&uio, 0, sizeof(uio));
	uio.uio_iov = ar->ar_iov;
	uio.uio_iovcnt = ar->ar_iovcnt;
	uio.uio_resid = ar->ar_total;
	uio.uio_seg = UIO_USERSPACE;
	uio.uio_flags = ar->ar_ioflags;
	error = ar->ar_op == AIO_READ ?
	    do_readv(l, ar->ar_file, &uio, off, &done) :
	    do_writev(l, ar->ar_file, &uio, off, &done);
	/* The call is not made again. */
	if (error >= ERESTARTSYS)
		error = EINTR;
	return done > 0 ? (int64_t)done : -error;
}

/*
 * What the thread cannot know, as it is not the caller: his limits and rights.
 * *res is the event's result if that is the end of it.
 */
static bool
refused(struct lwp *l, struct aio_req *ar, int64_t *res)
{
	struct vnode *vp = file_vnode(ar->ar_file);
	size_t len = ar->ar_total;
	uintptr_t bits = 0;

	*res = -EINVAL;
	for (unsigned int i = 0; i < ar->ar_iovcnt; i++)
		bits |= (uintptr_t)ar->ar_iov[i].iov_base |
		    ar->ar_iov[i].iov_len;
	if ((bits & SECTOR_MASK) != 0)
		return true;
	if (ar->ar_op != AIO_WRITE || !S_ISREG(vp->v_mode))
		return false;
	*res = -EFBIG;
	if (check_fsize(l, ar->ar_offset, &len) != 0)
		return true;
	ar->ar_total = len;
	if ((vp->v_mode & (S_ISUID | S_ISGID)) != 0) {
		rw_enter(&vp->v_lock, RW_WRITER);
		vnode_killpriv(vp, l);
		rw_exit(&vp->v_lock);
	}
	return false;
}

static void
begin(struct lwp *l, struct aio_req *ar)
{
	struct file *fp = ar->ar_file;
	struct vnode *vp = file_vnode(fp);
	int64_t res;

	if (ar->ar_op == AIO_FSYNC || ar->ar_op == AIO_FDSYNC)
		enqueue(ar);
	else if ((fp->f_flags & O_DIRECT) == 0 || vp == NULL ||
	    !vnode_has_direct(vp))
		req_done(ar, perform_here(l, ar));
	else if (refused(l, ar, &res))
		req_done(ar, res);
	else
		enqueue(ar);
}

static int
check_file(const struct file *fp, const struct aio_args *aa)
{
	switch (aa->aa_op) {
	case AIO_READ:
		if (!FREAD(fp))
			return EBADF;
		return fp->f_ops->fo_read == NULL ? EINVAL : 0;
	case AIO_WRITE:
		if (!FWRITE(fp))
			return EBADF;
		return fp->f_ops->fo_write == NULL ? EINVAL : 0;
	default:
		return fp->f_ops->fo_sync == NULL ? EINVAL : 0;
	}
}

/* A request with its files. */
static int
req_make(struct lwp *l, struct aio_ctx *ac, const struct aio_args *aa,
    struct aio_req **arp)
{
	struct aio_req *ar;
	int error;

	ar = kmem_zalloc(sizeof(*ar), KM_SLEEP);
	if (ar == NULL)
		return ENOMEM;
	ar->ar_ctx = ac;
	ar->ar_op = aa->aa_op;
	ar->ar_ioflags = aa->aa_ioflags;
	ar->ar_offset = aa->aa_offset;
	ar->ar_total = aa->aa_total;
	ar->ar_event.ae_data = aa->aa_data;
	ar->ar_event.ae_key = aa->aa_key;
	error = fd_get(l, aa->aa_fd, &ar->ar_file);
	if (error != 0)
		goto fail;
	error = check_file(ar->ar_file, aa);
	if (error == 0 && aa->aa_eventfd >= 0)
		error = eventfd_get(l, aa->aa_eventfd, &ar->ar_eventfd);
	if (error == 0 && aa->aa_iovcnt > 0) {
		ar->ar_iov = kmem_alloc(aa->aa_iovcnt * sizeof(*ar->ar_iov),
		    KM_SLEEP);
		if (ar->ar_iov == NULL)
			error = ENOMEM;
	}
	if (error != 0)
		goto fail_file;
	ar->ar_iovcnt = aa->aa_iovcnt;
	if (aa->aa_iovcnt > 0)
		memcpy(ar->ar_iov, aa->aa_iov,
		    aa->aa_iovcnt * sizeof(*ar->ar_iov));
	*arp = ar;
	return 0;

fail_file:
	file_put(ar->ar_file);
	if (ar->ar_eventfd != NULL)
		file_put(ar->ar_eventfd);
fail:
	kmem_free(ar, sizeof(*ar));
	return error;
}

int
do_io_submit(struct lwp *l, uint64_t id, const struct aio_args *aa)
{
	struct aio_req *ar = NULL;
	struct aio_ctx *ac;
	bool room;
	int error;

	ac = ctx_enter(l->l_proc, id);
	if (ac == NULL)
		return EINVAL;
	spin_enter(&aio_lock);
	room = ac->ac_used < ac->ac_max;
	if (room) {
		ac->ac_used++;
		ac->ac_busy++;
	}
	spin_exit(&aio_lock);
	error = room ? req_make(l, ac, aa, &ar) : EAGAIN;
	if (error == 0) {
		ar->ar_vm = vmspace_get(l->l_proc->p_vmspace);
		begin(l, ar);
	} else if (room) {
		spin_enter(&aio_lock);
		ac->ac_used--;
		ac->ac_busy--;
		spin_exit(&aio_lock);
	}
	ctx_exit(ac);
	return error;
}

int
do_io_cancel(struct lwp *l, uint64_t id, uint64_t key)
{
	struct aio_ctx *ac = ctx_enter(l->l_proc, id);
	bool any;

	if (ac == NULL)
		return EINVAL;
	any = cancel(ac, &key);
	ctx_exit(ac);
	return any ? EINPROGRESS : EINVAL;
}

/* -- events -- */

/* Wait until min events are there.  Locked. */
static int
wait_events(struct aio_ctx *ac, unsigned int min, nsec_t deadline)
{
	int error = 0;

	while (ac->ac_ndone < min && !ac->ac_dead && deadline >= 0 &&
	    error == 0)
		error = deadline == 0 ?
		    cv_wait_spin_sig(&ac->ac_cv, &aio_lock) :
		    cv_timedwait_spin_sig(&ac->ac_cv, &aio_lock, deadline);
	return error;
}

int
do_io_getevents(struct lwp *l, uint64_t id, unsigned int min,
    unsigned int max, nsec_t deadline, struct aio_event *ev,
    unsigned int *got)
{
	struct aio_reqs list = TAILQ_HEAD_INITIALIZER(list);
	struct aio_ctx *ac = ctx_enter(l->l_proc, id);
	struct aio_req *ar;
	unsigned int n = 0;
	int error;

	*got = 0;
	if (ac == NULL)
		return EINVAL;
	spin_enter(&aio_lock);
	error = wait_events(ac, MIN(min, ac->ac_max), deadline);
	if (ac->ac_dead)
		error = EINVAL;
	for (; n < max && (ar = TAILQ_FIRST(&ac->ac_done)) != NULL; n++) {
		TAILQ_REMOVE(&ac->ac_done, ar, ar_link);
		ac->ac_ndone--;
		ac->ac_used--;
		TAILQ_INSERT_TAIL(&list, ar, ar_link);
	}
	spin_exit(&aio_lock);
	ctx_exit(ac);
	while ((ar = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, ar, ar_link);
		ev[(*got)++] = ar->ar_event;
		req_free(ar);
	}
	if (n > 0 || error == ETIMEDOUT)
		return 0;
	return error == ERESTARTSYS ? ERESTARTNOHAND : error;
}

void
aio_init(void)
{
	cv_init(&queue_cv, "aioidle");
}
