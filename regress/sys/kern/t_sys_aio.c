/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous I/O over a file that is an array: threads run when the test
 * wants it, so requests wait, are taken back, and are done late.
 */
/* sources: sys/kern/sys_aio.c sys/kern/subr_uio.c */
#include <sys/aio.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>
#include <kern/vfs_private.h>

#include <ktest.h>

#define	SIZE	(1024 * 1024)
#define	BAD	0x1000			/* an address where nothing is */

static unsigned char media[SIZE];
static unsigned char mem[SIZE] __aligned(4096);
static struct vnode vnode = { .v_mode = S_IFREG | 0644, .v_bsize = 4096 };
static struct proc proc;
static struct lwp lwp = { .l_proc = &proc };
static struct vmspace vm;
static int vmrefs, filerefs, syncs, signalled, sync_error, killed;
static size_t most = SIZE;		/* that one transfer moves */
static bool direct = true;
static void (*thread_fn)(void *);
static unsigned int threads, threads_most;
static int thread_error;

static int
file_sync(struct file *fp __unused, bool dataonly __unused)
{
	syncs++;
	return sync_error;
}

static int
file_rw(struct file *fp __unused, struct uio *uio __unused)
{
	return EIO;
}

static const struct fileops ops = {
	.fo_read = file_rw, .fo_write = file_rw, .fo_sync = file_sync,
	.fo_flags = FOF_SEEKABLE,
};
static struct file file = { .f_ops = &ops, .f_flags = O_RDWR | O_DIRECT };

int
fd_get(struct lwp *l __unused, int fd, struct file **fpp)
{
	if (fd != 3)
		return EBADF;
	filerefs++;
	*fpp = &file;
	return 0;
}

void
file_put(struct file *fp __unused)
{
	CHECK(filerefs > 0);
	filerefs--;
}

int
eventfd_get(struct lwp *l, int fd, struct file **fpp)
{
	return fd == 4 ? fd_get(l, 3, fpp) : EINVAL;
}

void
eventfd_add(struct file *fp __unused, uint64_t n)
{
	signalled += (int)n;
}

struct vnode *
file_vnode(struct file *fp __unused)
{
	return &vnode;
}

bool
vnode_has_direct(const struct vnode *vp __unused)
{
	return direct;
}

int
check_fsize(struct lwp *l __unused, off_t off, size_t *len __unused)
{
	return off >= SIZE ? EFBIG : 0;
}

void
vnode_killpriv(struct vnode *vp __unused, struct lwp *l)
{
	CHECK(l == &lwp);
	killed++;
}

static int
move(struct uio *uio, off_t *off, size_t *done)
{
	size_t n = 0, len;
	unsigned int i;

	for (i = 0; i < uio->uio_iovcnt && n < most; i++, n += len) {
		len = MIN(MIN(uio->uio_iov[i].iov_len, most - n),
		    (size_t)(SIZE - *off));
		if (uio->uio_rw == UIO_READ)
			memcpy(uio->uio_iov[i].iov_base, media + *off, len);
		else
			memcpy(media + *off, uio->uio_iov[i].iov_base, len);
		*off += (off_t)len;
	}
	*done = n;
	return 0;
}

int
do_readv(struct lwp *l __unused, struct file *fp __unused, struct uio *uio,
    off_t *off, size_t *done)
{
	uio->uio_rw = UIO_READ;
	return move(uio, off, done);
}

int
do_writev(struct lwp *l __unused, struct file *fp __unused, struct uio *uio,
    off_t *off, size_t *done)
{
	uio->uio_rw = UIO_WRITE;
	return move(uio, off, done);
}

int
uvm_io(struct vmspace *v, vaddr_t va, void *buf, size_t len, enum uio_rw rw,
    bool force)
{
	CHECK(v == &vm && !force);
	if (va == BAD)
		return EFAULT;
	if (rw == UIO_WRITE)
		memcpy((void *)va, buf, len);
	else
		memcpy(buf, (void *)va, len);
	return 0;
}

int
uvm_mmap(struct vmspace *v, const struct uvm_mapargs *ma, vaddr_t *va)
{
	static vaddr_t next = 0x10000;

	CHECK(v == &vm && ma->prot == PROT_READ);
	*va = next;
	next += ma->size;
	return 0;
}

int
uvm_unmap(struct vmspace *v __unused, vaddr_t va __unused,
    vsize_t len __unused)
{
	return 0;
}

struct vmspace *
vmspace_get(struct vmspace *v)
{
	vmrefs++;
	return v;
}

void
vmspace_put(struct vmspace *v __unused)
{
	CHECK(vmrefs > 0);
	vmrefs--;
}

int
kthread_create(const char *name __unused, struct cpu_info *ci __unused,
    void (*fn)(void *), void *arg __unused, struct lwp **lp __unused)
{
	if (thread_error != 0)
		return thread_error;
	thread_fn = fn;
	threads++;
	threads_most = MAX(threads_most, threads);
	return 0;
}

void
kthread_exit(void)
{
	threads--;
	panic("the thread has ended");
}

/* All threads until they have been idle for long enough. */
static void
run_threads(void)
{
	while (threads > 0)
		CHECK_PANIC(thread_fn(NULL));
}

static bool
sleep_hook(const char *wchan)
{
	if (strcmp(wchan, "aio") != 0 || threads == 0)
		return false;
	run_threads();
	return true;
}

static uint64_t
setup(unsigned int nr)
{
	uint64_t id;

	proc.p_vmspace = &vm;
	aio_init();
	CHECK_EQ(do_io_setup(&lwp, nr, &id), 0);
	CHECK_EQ(aio_nr, nr);
	return id;
}

static void
finish(uint64_t id)
{
	CHECK_EQ(do_io_destroy(&lwp, id), 0);
	CHECK_EQ(do_io_destroy(&lwp, id), EINVAL);
	CHECK_EQ(vmrefs, 0);
	CHECK_EQ(filerefs, 0);
	CHECK_EQ(aio_nr, 0);
	run_threads();
}

static int
submit(uint64_t id, enum aio_op op, void *p, size_t len, off_t off,
    uint64_t key)
{
	struct iovec iov[2] = { { p, len / 2 }, {
	    len != 0 ? (char *)p + len / 2 : NULL, len - len / 2 } };
	struct aio_args aa = {
		.aa_op = op, .aa_fd = 3, .aa_eventfd = -1, .aa_iov = iov,
		.aa_iovcnt = len != 0 ? 2 : 0, .aa_total = len,
		.aa_offset = off, .aa_key = key, .aa_data = key * 2,
	};

	return do_io_submit(&lwp, id, &aa);
}

static int64_t
fetch(uint64_t id, uint64_t key)
{
	struct aio_event ev;
	unsigned int got;

	CHECK_EQ(do_io_getevents(&lwp, id, 1, 1, 0, &ev, &got), 0);
	CHECK_EQ(got, 1);
	CHECK_EQ(ev.ae_key, key);
	CHECK_EQ(ev.ae_data, key * 2);
	return ev.ae_res;
}

TEST(contexts_have_limits)
{
	uint64_t id = setup(10), other;
	struct aio_event ev;
	unsigned int got;

	CHECK_EQ(do_io_setup(&lwp, 0, &other), EINVAL);
	CHECK_EQ(do_io_setup(&lwp, AIO_MAX_NR, &other), EAGAIN);
	CHECK_EQ(do_io_setup(&lwp, ~0U, &other), EAGAIN);
	CHECK_EQ(aio_nr, 10);
	CHECK(io_exists(&lwp, id) && !io_exists(&lwp, id + 1));
	CHECK_EQ(submit(id + 1, AIO_READ, mem, 1024, 0, 1), EINVAL);
	CHECK_EQ(do_io_getevents(&lwp, id + 1, 0, 1, 0, &ev, &got), EINVAL);
	CHECK_EQ(do_io_getevents(&lwp, id, 1, 1, -1, &ev, &got), 0);
	CHECK_EQ(got, 0);
	CHECK_EQ(do_io_getevents(&lwp, id, 1, 1, nanouptime() + 5, &ev, &got),
	    0);
	CHECK_EQ(got, 0);
	shim_signal_pending = true;
	CHECK_EQ(do_io_getevents(&lwp, id, 1, 1, 0, &ev, &got),
	    ERESTARTNOHAND);
	shim_signal_pending = false;
	finish(id);
}

TEST(bytes_go_both_ways)
{
	uint64_t id = setup(8);
	size_t i;

	shim_sleep_hook = sleep_hook;
	for (i = 0; i < SIZE; i++)
		mem[i] = (unsigned char)(i / 512);
	/* More than a thread's buffer holds. */
	CHECK_EQ(submit(id, AIO_WRITE, mem, SIZE, 0, 7), 0);
	CHECK_EQ(fetch(id, 7), SIZE);
	CHECK(memcmp(mem, media, SIZE) == 0);
	memset(mem, 0, SIZE);
	CHECK_EQ(submit(id, AIO_READ, mem, SIZE, 512, 8), 0);
	CHECK_EQ(fetch(id, 8), SIZE - 512);
	CHECK(memcmp(mem, media + 512, SIZE - 512) == 0);
	most = 1024;
	CHECK_EQ(submit(id, AIO_READ, mem, 8192, 0, 9), 0);
	CHECK_EQ(fetch(id, 9), 1024);
	finish(id);
}

TEST(errors_are_in_events)
{
	uint64_t id = setup(8);

	shim_sleep_hook = sleep_hook;
	CHECK_EQ(submit(id, AIO_READ, mem + 1, 512, 0, 1), 0);
	CHECK_EQ(fetch(id, 1), -EINVAL);
	CHECK_EQ(submit(id, AIO_WRITE, (void *)BAD, 8192, 0, 2), 0);
	CHECK_EQ(fetch(id, 2), -EFAULT);
	CHECK_EQ(submit(id, AIO_WRITE, mem, 8192, SIZE, 3), 0);
	CHECK_EQ(fetch(id, 3), -EFBIG);
	sync_error = EIO;
	CHECK_EQ(submit(id, AIO_FSYNC, NULL, 0, 0, 4), 0);
	CHECK_EQ(fetch(id, 4), -EIO);
	CHECK_EQ(syncs, 1);
	vnode.v_mode |= S_ISUID;
	CHECK_EQ(submit(id, AIO_WRITE, mem, 8192, 0, 5), 0);
	CHECK_EQ(fetch(id, 5), 8192);
	CHECK_EQ(killed, 1);
	finish(id);
}

TEST(without_direct_it_is_done_at_once)
{
	uint64_t id = setup(2);

	direct = false;
	CHECK_EQ(submit(id, AIO_WRITE, mem + 1, 100, 3, 1), 0);
	CHECK_EQ(threads_most, 0);
	CHECK_EQ(fetch(id, 1), 100);
	finish(id);
}

TEST(room_is_taken_until_the_event_is_fetched)
{
	uint64_t id = setup(2);

	shim_sleep_hook = sleep_hook;
	CHECK_EQ(submit(id, AIO_READ, mem, 1024, 0, 1), 0);
	CHECK_EQ(submit(id, AIO_READ, mem, 1024, 0, 2), 0);
	CHECK_EQ(submit(id, AIO_READ, mem, 1024, 0, 3), EAGAIN);
	run_threads();
	CHECK_EQ(submit(id, AIO_READ, mem, 1024, 0, 3), EAGAIN);
	CHECK_EQ(fetch(id, 1), 1024);
	CHECK_EQ(submit(id, AIO_READ, mem, 1024, 0, 3), 0);
	finish(id);
}

TEST(what_nobody_has_begun_is_taken_back)
{
	uint64_t id = setup(200);
	unsigned int i;

	shim_sleep_hook = sleep_hook;
	for (i = 0; i < 100; i++)
		CHECK_EQ(submit(id, AIO_WRITE, mem, 1024, 0, i + 1), 0);
	CHECK_EQ(threads_most, 32);
	CHECK_EQ(do_io_cancel(&lwp, id, 50), EINPROGRESS);
	CHECK_EQ(fetch(id, 50), -ECANCELED);
	CHECK_EQ(do_io_cancel(&lwp, id, 50), EINVAL);
	CHECK_EQ(do_io_cancel(&lwp, id, 1000), EINVAL);
	/* The program ends: the rest is not done. */
	aio_exit(&proc);
	CHECK(!io_exists(&lwp, id));
	CHECK_EQ(vmrefs, 0);
	CHECK_EQ(filerefs, 0);
	CHECK_EQ(aio_nr, 0);
	run_threads();
}

TEST(an_eventfd_is_told)
{
	uint64_t id = setup(4);
	struct aio_args aa = { .aa_op = AIO_FDSYNC, .aa_fd = 3,
	    .aa_eventfd = 4 };

	CHECK_EQ(do_io_submit(&lwp, id, &aa), 0);
	run_threads();
	CHECK_EQ(signalled, 1);
	aa.aa_eventfd = 5;
	CHECK_EQ(do_io_submit(&lwp, id, &aa), EINVAL);
	aa.aa_fd = 9;
	CHECK_EQ(do_io_submit(&lwp, id, &aa), EBADF);
	finish(id);
}

TEST(without_threads_or_memory)
{
	uint64_t id = setup(4), other;
	int n;

	thread_error = ENOMEM;
	memset(mem, 9, 512);
	CHECK_EQ(submit(id, AIO_WRITE, mem, 1024, 0, 1), 0);
	CHECK_EQ(fetch(id, 1), 1024);
	CHECK_EQ(media[0], 9);
	for (n = 0; n < 3; n++) {
		kmem_fail_after(n);
		if (submit(id, AIO_WRITE, mem, 1024, 0, 2) == 0)
			CHECK_EQ(fetch(id, 2), n == 2 ? -ENOMEM : 1024);
		kmem_fail_after(-1);
	}
	kmem_fail_after(0);
	CHECK_EQ(do_io_setup(&lwp, 1, &other), ENOMEM);
	kmem_fail_after(-1);
	CHECK_EQ(aio_nr, 4);
	finish(id);
}
