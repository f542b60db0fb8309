/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: the object against a model, blocking, ends; and pipe(2), named
 * pipes, poll on them.
 */
/* sources: regress/sys/kern/vfs_env.c sys/kern/vfs_dcache.c
 * sys/kern/vfs_device.c sys/kern/vfs_fifo.c sys/kern/vfs_file.c
 * sys/kern/vfs_init.c sys/kern/vfs_initramfs.c sys/kern/vfs_lock.c
 * sys/kern/vfs_memfd.c sys/kern/vfs_mount.c sys/kern/vfs_namei.c
 * sys/kern/vfs_protect.c sys/kern/vfs_open.c sys/kern/vfs_syscalls.c
 * sys/kern/vfs_vnode.c sys/kern/kern_descrip.c sys/kern/subr_cpio.c
 * sys/kern/subr_uio.c sys/kern/sys_epoll.c sys/kern/sys_eventfd.c
 * sys/kern/sys_inotify.c sys/kern/sys_pipe.c sys/kern/sys_poll.c
 * sys/fs/tmpfs/tmpfs_data.c sys/fs/tmpfs/tmpfs_node.c
 * sys/fs/tmpfs/tmpfs_vfsops.c sys/fs/tmpfs/tmpfs_vnops.c
 * sys/fs/tmpfs/tmpfs_xattr.c sys/uvm/uvm_radix.c sys/lib/gunzip.c
 * libdeflate/lib/deflate_decompress.c libdeflate/lib/gzip_decompress.c
 * libdeflate/lib/crc32.c libdeflate/lib/utils.c */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/pipe.h>
#include <sys/systm.h>

#include <ktest.h>
#include "vfs_env.h"

static uint32_t seed = 11;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static int
pread_(struct pipe *pi, void *buf, size_t n, size_t *got, bool nonblock)
{
	struct iovec iov;
	struct uio uio;
	int error;

	uio_kernel(&uio, &iov, buf, n, 0, UIO_READ);
	error = pipe_read(pi, &uio, nonblock);
	*got = n - uio.uio_resid;
	return error;
}

static int
pwrite_(struct pipe *pi, const void *buf, size_t n, size_t *put, bool nonblock)
{
	struct iovec iov;
	struct uio uio;
	int error;

	uio_kernel(&uio, &iov, (void *)(uintptr_t)buf, n, 0, UIO_WRITE);
	error = pipe_write(pi, &uio, nonblock);
	*put = n - uio.uio_resid;
	return error;
}

static struct pipe *
make(void)
{
	struct pipe *pi;

	CHECK_EQ(pipe_create(&pi), 0);
	CHECK_EQ(pipe_open_end(pi, true, true, false), 0);
	return pi;
}

static void
done(struct pipe *pi)
{
	pipe_close_end(pi, true, true);
	pipe_destroy(pi);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(bytes_come_out_as_they_went_in)
{
	static unsigned char model[200000], buf[100000];
	struct pipe *pi = make();
	size_t head = 0, tail = 0, n, moved, size;
	unsigned char next = 0;
	int step, error;

	for (step = 0; step < 20000; step++) {
		n = rnd(4) == 0 ? rnd(90000) + 1 : rnd(6000) + 1;
		if (rnd(50) == 0) {
			error = pipe_resize(pi, PAGE_SIZE << rnd(6), &size);
			CHECK(error == 0 || error == EBUSY);
		} else if (rnd(2) == 0) {
			for (size_t i = 0; i < n; i++)
				buf[i] = (unsigned char)(next + i);
			error = pwrite_(pi, buf, n, &moved, true);
			CHECK(error == 0 || error == EAGAIN);
			CHECK(error == 0 ? moved == n : moved < n);
			CHECK(n > PIPE_BUF || moved == 0 || moved == n);
			for (size_t i = 0; i < moved; i++)
				model[tail++ % sizeof(model)] = buf[i];
			next = (unsigned char)(next + moved);
		} else {
			error = pread_(pi, buf, n, &moved, true);
			CHECK(error == (tail == head ? EAGAIN : 0));
			CHECK_EQ(moved, MIN(n, tail - head));
			for (size_t i = 0; i < moved; i++)
				CHECK_EQ(buf[i],
				    model[head++ % sizeof(model)]);
		}
		CHECK_EQ(pipe_count(pi), tail - head);
	}
	done(pi);
}

TEST(an_empty_pipe_holds_64_kib_and_one_page)
{
	static char buf[70000];
	struct pipe *pi = make();
	size_t n, empty = kmem_outstanding();

	CHECK_EQ(pwrite_(pi, buf, 65536, &n, true), 0);
	CHECK_EQ(n, 65536);
	CHECK_EQ(pwrite_(pi, buf, 1, &n, true), EAGAIN);
	CHECK_EQ(pread_(pi, buf, 70000, &n, true), 0);
	CHECK_EQ(n, 65536);
	CHECK(kmem_outstanding() <= empty + PAGE_SIZE);
	CHECK_EQ(pwrite_(pi, buf, 70000, &n, true), EAGAIN);
	CHECK_EQ(n, 65536);
	done(pi);
}

static struct pipe *hook_pipe;
static int hook_what;
static size_t hook_moved;

/* The other side's turn. */
static bool
other_side(const char *wchan)
{
	static char buf[8192];

	switch (hook_what) {
	case 'r':
		CHECK_STR(wchan, "pipe_write");
		CHECK_EQ(pread_(hook_pipe, buf, 5000, &hook_moved, true), 0);
		return true;
	case 'w':
		CHECK_STR(wchan, "pipe_read");
		CHECK_EQ(pwrite_(hook_pipe, "abc", 3, &hook_moved, true), 0);
		return true;
	case 'R':
		pipe_close_end(hook_pipe, true, false);
		return true;
	case 'W':
		pipe_close_end(hook_pipe, false, true);
		return true;
	default:
		return false;
	}
}

TEST(blocking)
{
	static char buf[100000];
	struct pipe *pi = make();
	size_t n;

	hook_pipe = pi;
	shim_sleep_hook = other_side;
	hook_what = 'w';
	CHECK_EQ(pread_(pi, buf, 10, &n, false), 0);
	CHECK(n == 3 && memcmp(buf, "abc", 3) == 0);
	hook_what = 'r';
	CHECK_EQ(pwrite_(pi, buf, 100000, &n, false), 0);
	CHECK_EQ(n, 100000);
	/* A signal ends the wait, with what was written before. */
	hook_what = 0;
	shim_signal_pending = true;
	CHECK_EQ(pwrite_(pi, buf, 100000, &n, false), ERESTARTSYS);
	CHECK(n < 65536);
	CHECK_EQ(pwrite_(pi, buf, 1, &n, false), ERESTARTSYS);
	while (pread_(pi, buf, sizeof(buf), &n, true) == 0)
		continue;
	CHECK_EQ(pread_(pi, buf, 1, &n, false), ERESTARTSYS);
	shim_signal_pending = false;
	hook_what = 'W';
	CHECK_EQ(pread_(pi, buf, 1, &n, false), 0);
	CHECK_EQ(n, 0);				/* end of file */
	CHECK_EQ(pipe_open_end(pi, false, true, false), 0);
	hook_what = 'R';
	CHECK_EQ(pwrite_(pi, buf, 70000, &n, false), EPIPE);
	CHECK_EQ(n, 65536);
	CHECK_EQ(pipe_open_end(pi, true, false, false), 0);
	done(pi);
}

TEST(faults_and_no_memory)
{
	static char page[PAGE_SIZE], buf[PAGE_SIZE];
	struct iovec iov[2] = { { buf, 100 }, { page, 100 } };
	struct uio uio;
	struct pipe *pi = make();
	size_t n;

	shim_fault_range(page, sizeof(page));
	uio_kernel(&uio, iov, buf, 100, 0, UIO_WRITE);
	uio.uio_iovcnt = 2;
	uio.uio_resid = 200;
	uio.uio_seg = UIO_USERSPACE;
	CHECK_EQ(pipe_write(pi, &uio, true), EFAULT);
	CHECK_EQ(uio.uio_resid, 100);
	CHECK_EQ(pipe_count(pi), 100);
	iov[0] = (struct iovec){ page, 10 };
	uio_kernel(&uio, iov, page, 10, 0, UIO_READ);
	uio.uio_seg = UIO_USERSPACE;
	CHECK_EQ(pipe_read(pi, &uio, true), EFAULT);
	CHECK_EQ(pipe_count(pi), 100);		/* nothing is lost */
	kmem_fail_after(0);
	CHECK_EQ(pwrite_(pi, buf, PAGE_SIZE, &n, true), ENOMEM);
	CHECK_EQ(n, PAGE_SIZE - 100);
	kmem_fail_after(-1);
	done(pi);
}

TEST(readiness)
{
	static char buf[65536];
	struct pipe *pi;
	size_t n;

	CHECK_EQ(pipe_create(&pi), 0);
	CHECK_EQ(pipe_open_end(pi, true, false, false), 0);
	CHECK_EQ(pipe_poll(pi, true, false, NULL), 0);	/* none came yet */
	CHECK_EQ(pipe_open_end(pi, false, true, false), 0);
	CHECK_EQ(pipe_poll(pi, true, true, NULL), POLLOUT | POLLWRNORM);
	CHECK_EQ(pwrite_(pi, buf, 65536 - 4095, &n, true), 0);
	CHECK_EQ(pipe_poll(pi, true, true, NULL), POLLIN | POLLRDNORM);
	pipe_close_end(pi, false, true);
	CHECK_EQ(pipe_poll(pi, true, false, NULL),
	    POLLIN | POLLRDNORM | POLLHUP);
	CHECK_EQ(pread_(pi, buf, 65536, &n, true), 0);
	CHECK_EQ(pipe_poll(pi, true, false, NULL), POLLHUP);
	CHECK_EQ(pipe_open_end(pi, false, true, false), 0);
	pipe_close_end(pi, true, false);
	CHECK(pipe_poll(pi, false, true, NULL) ==
	    (POLLOUT | POLLWRNORM | POLLERR));
	pipe_close_end(pi, false, true);
	pipe_destroy(pi);
}

/* -- as files -- */

static ssize_t
rw(int fd, void *buf, size_t n, enum uio_rw how)
{
	struct iovec iov;
	struct file *fp;
	struct uio uio;
	size_t moved;
	int error;

	error = fd_get(&lwp0, fd, &fp);
	if (error != 0)
		return -error;
	uio_kernel(&uio, &iov, buf, n, 0, how);
	error = how == UIO_READ ? do_readv(&lwp0, fp, &uio, NULL, &moved) :
	    do_writev(&lwp0, fp, &uio, NULL, &moved);
	file_put(fp);
	return error != 0 ? -error : (ssize_t)moved;
}

TEST(pipe_system_call)
{
	struct stat_k st;
	struct file *fp, *again;
	char buf[16];
	size_t size;
	int fds[2];

	env_init();
	CHECK_EQ(do_pipe(&lwp0, O_APPEND, fds), EINVAL);
	CHECK_EQ(do_pipe(&lwp0, O_NONBLOCK, fds), 0);
	CHECK_EQ(rw(fds[0], buf, 4, UIO_READ), -EAGAIN);
	CHECK_EQ(rw(fds[1], (char[]){ "data" }, 4, UIO_WRITE), 4);
	CHECK_EQ(rw(fds[0], buf, 4, UIO_WRITE), -EBADF);
	CHECK_EQ(rw(fds[1], buf, 4, UIO_READ), -EBADF);
	CHECK_EQ(rw(fds[0], buf, 16, UIO_READ), 4);
	CHECK_EQ(fd_get(&lwp0, fds[0], &fp), 0);
	CHECK_EQ(fp->f_ops->fo_stat(fp, &st), 0);
	CHECK_EQ(st.st_mode, S_IFIFO | 0600);
	CHECK_EQ(path_name(fp->f_path, NULL, buf, sizeof(buf)), 0);
	CHECK(strncmp(buf, "pipe:[", 6) == 0);
	CHECK_EQ(pipe_set_size(&lwp0, fp, 5000, &size), 0);
	CHECK_EQ(size, 8192);
	/* As through /proc/PID/fd. */
	CHECK_EQ(do_open_path(&lwp0, fp->f_path, O_WRONLY | O_NONBLOCK,
	    &again), 0);
	file_put(again);
	file_put(fp);
	CHECK_EQ(fd_close(&lwp0, fds[0]), 0);
	CHECK_EQ(rw(fds[1], buf, 1, UIO_WRITE), -EPIPE);
	CHECK_EQ(env_signal, SIGPIPE);
	CHECK_EQ(fd_close(&lwp0, fds[1]), 0);
}

TEST(pipe_runs_out_of_everything)
{
	size_t before;
	unsigned int files;
	int fds[2], error;

	env_init();
	CHECK_EQ(do_pipe(&lwp0, 0, fds), 0);
	CHECK_EQ(fd_close(&lwp0, fds[0]) + fd_close(&lwp0, fds[1]), 0);
	before = kmem_outstanding();
	files = nfiles;
	KTEST_NTH_FAIL({
		error = do_pipe(&lwp0, 0, fds);
		CHECK(error == 0 || error == ENOMEM);
		if (error == 0)
			CHECK_EQ(fd_close(&lwp0, fds[0]) +
			    fd_close(&lwp0, fds[1]), 0);
	});
	proc0.p_rlimit[RLIMIT_NOFILE].rlim_cur = 1;
	CHECK_EQ(do_pipe(&lwp0, 0, fds), EMFILE);
	proc0.p_rlimit[RLIMIT_NOFILE].rlim_cur = 2;
	CHECK_EQ(do_pipe(&lwp0, 0, fds), 0);
	CHECK(fds[0] == 0 && fds[1] == 1);
	CHECK_EQ(fd_close(&lwp0, fds[0]) + fd_close(&lwp0, fds[1]), 0);
	CHECK_EQ(kmem_outstanding(), before);
	CHECK_EQ(nfiles, files);
}

static struct file *opened;

static bool
open_reader(const char *wchan)
{
	CHECK_STR(wchan, "fifo_open");
	CHECK_EQ(env_open("/p", O_RDONLY | O_NONBLOCK, &opened), 0);
	return true;
}

/* Whoever waits is woken by one that has gone again, too. */
static bool
reader_comes_and_goes(const char *wchan)
{
	open_reader(wchan);
	file_put(opened);
	return true;
}

TEST(named_pipes)
{
	struct file *fp;

	env_init();
	CHECK_EQ(do_mknod(&lwp0, NULL, "/p", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(env_open("/p", O_WRONLY | O_NONBLOCK, &fp), ENXIO);
	CHECK_EQ(env_open("/p", O_RDWR, &fp), 0);	/* never waits */
	file_put(fp);
	shim_signal_pending = true;
	CHECK_EQ(env_open("/p", O_RDONLY, &fp), ERESTARTSYS);
	shim_signal_pending = false;
	shim_sleep_hook = open_reader;
	CHECK_EQ(env_open("/p", O_WRONLY, &fp), 0);
	file_put(fp);
	file_put(opened);
	shim_sleep_hook = reader_comes_and_goes;
	CHECK_EQ(env_open("/p", O_WRONLY, &fp), 0);
	file_put(fp);
	CHECK_EQ(do_unlink(&lwp0, NULL, "/p", 0), 0);
}

/* -- poll -- */

static int poll_fd;

static bool
write_to_poll_fd(const char *wchan)
{
	CHECK_STR(wchan, "poll");
	CHECK_EQ(rw(poll_fd, (char[]){ "x" }, 1, UIO_WRITE), 1);
	return true;
}

TEST(poll_system_call)
{
	struct pollfd_k p[8];
	int fds[2], n, i;

	env_init();
	CHECK_EQ(do_pipe(&lwp0, 0, fds), 0);
	poll_fd = fds[1];
	p[0] = (struct pollfd_k){ fds[0], POLLIN, 99 };
	p[1] = (struct pollfd_k){ fds[1], 0, 99 };
	p[2] = (struct pollfd_k){ -5, POLLIN, 99 };
	CHECK_EQ(do_poll(&lwp0, p, 3, -1, &n), 0);
	CHECK_EQ(n, 0);
	CHECK(p[0].revents == 0 && p[1].revents == 0 && p[2].revents == 0);
	CHECK_EQ(do_poll(&lwp0, p, 3, nanouptime() + 1000, &n), 0);
	CHECK_EQ(n, 0);				/* the time has passed */
	shim_sleep_hook = write_to_poll_fd;
	CHECK_EQ(do_poll(&lwp0, p, 3, 0, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(p[0].revents, POLLIN);
	p[1].events = POLLOUT;
	p[2].fd = 77;
	CHECK_EQ(do_poll(&lwp0, p, 3, 0, &n), 0);
	CHECK_EQ(n, 3);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(p[2].revents, POLLNVAL);
	/* More than fit on the stack, the same file many times. */
	for (i = 0; i < 8; i++)
		p[i] = (struct pollfd_k){ fds[0], POLLIN, 0 };
	CHECK_EQ(do_poll(&lwp0, p, 8, 0, &n), 0);
	CHECK_EQ(n, 8);
	kmem_fail_after(0);
	CHECK_EQ(do_poll(&lwp0, p, 8, 0, &n), ENOMEM);
	kmem_fail_after(-1);
	/* A signal. */
	CHECK_EQ(rw(fds[0], (char[2]){ 0 }, 1, UIO_READ), 1);
	shim_sleep_hook = NULL;
	shim_signal_pending = true;
	CHECK_EQ(do_poll(&lwp0, p, 1, 0, &n), ERESTARTNOHAND);
	shim_signal_pending = false;
	/* The writer goes away. */
	CHECK_EQ(fd_close(&lwp0, fds[1]), 0);
	CHECK_EQ(do_poll(&lwp0, p, 1, 0, &n), 0);
	CHECK_EQ(p[0].revents, POLLHUP);
	CHECK_EQ(fd_close(&lwp0, fds[0]), 0);
}
