/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables, open files, file locks, eventfd, epoll, memfd.
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
#include <sys/epoll.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <ktest.h>
#include "vfs_env.h"

static int
open_fd(const char *name, int oflags)
{
	struct file *fp;
	int error, fd;

	error = fd_reserve(&lwp0, 0, &fd);
	if (error != 0)
		return -error;
	error = env_open(name, oflags, &fp);
	if (error != 0) {
		fd_abandon(&lwp0, fd);
		return -error;
	}
	fd_install(&lwp0, fd, fp, (oflags & O_CLOEXEC) != 0);
	return fd;
}

static ssize_t
rw(int fd, void *buf, size_t n, off_t *off, enum uio_rw how)
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
	error = how == UIO_READ ? do_readv(&lwp0, fp, &uio, off, &moved) :
	    do_writev(&lwp0, fp, &uio, off, &moved);
	file_put(fp);
	return error != 0 ? -error : (ssize_t)moved;
}

TEST(lowest_number_first)
{
	int fd;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(open_fd("/f", O_RDONLY), 0);
	CHECK_EQ(open_fd("/f", O_RDONLY), 1);
	CHECK_EQ(open_fd("/f", O_RDONLY), 2);
	CHECK_EQ(fd_close(&lwp0, 1), 0);
	CHECK_EQ(fd_close(&lwp0, 1), EBADF);
	CHECK_EQ(fd_close(&lwp0, -1), EBADF);
	CHECK_EQ(fd_close(&lwp0, 1000000), EBADF);
	CHECK_EQ(open_fd("/f", O_RDONLY), 1);
	CHECK_EQ(fd_dup(&lwp0, 0, 100, false, &fd), 0);
	CHECK_EQ(fd, 100);			/* the table grows */
	CHECK_EQ(fd_dup(&lwp0, 0, 100, true, &fd), 0);
	CHECK_EQ(fd, 101);
	CHECK_EQ(fd_dup(&lwp0, 0, 0, false, &fd), 0);
	CHECK_EQ(fd, 3);
	CHECK_EQ(fd_dup(&lwp0, 50, 0, false, &fd), EBADF);
	CHECK_EQ(fd_next(proc0.p_fd, 4), 100);
	CHECK_EQ(fd_next(proc0.p_fd, 102), -1);
	CHECK_EQ(fd_dup2(&lwp0, 0, 1000, true), 0);
	CHECK_EQ(fd_next(proc0.p_fd, 102), 1000);
	CHECK_EQ(fd_dup2(&lwp0, 77, 0, false), EBADF);
	CHECK_EQ(fd_dup2(&lwp0, 0, -1, false), EBADF);
}

TEST(limits)
{
	struct file *fp;
	int fd;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	proc0.p_rlimit[RLIMIT_NOFILE].rlim_cur = 3;
	CHECK_EQ(open_fd("/f", O_RDONLY), 0);
	CHECK_EQ(open_fd("/f", O_RDONLY), 1);
	CHECK_EQ(open_fd("/f", O_RDONLY), 2);
	CHECK_EQ(open_fd("/f", O_RDONLY), -EMFILE);
	CHECK_EQ(fd_dup(&lwp0, 0, 0, false, &fd), EMFILE);
	CHECK_EQ(fd_dup(&lwp0, 0, 3, false, &fd), EINVAL);
	CHECK_EQ(fd_dup2(&lwp0, 0, 3, false), EBADF);
	CHECK_EQ(fd_dup2(&lwp0, 0, 2, false), 0);
	maxfiles = nfiles;
	env_become(&env_user);
	CHECK_EQ(env_open("/f", O_RDONLY, &fp), ENFILE);
}

TEST(reserved_numbers_are_nobodys)
{
	struct filedesc *copy;
	struct file *fp;
	bool cloexec;
	int fd;

	env_init();
	CHECK_EQ(fd_reserve(&lwp0, 0, &fd), 0);
	CHECK_EQ(fd_get(&lwp0, fd, &fp), EBADF);
	CHECK_EQ(fd_close(&lwp0, fd), EBADF);
	CHECK_EQ(fd_get_cloexec(&lwp0, fd, &cloexec), EBADF);
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(open_fd("/f", O_RDONLY), 1);
	CHECK_EQ(fd_dup2(&lwp0, 1, 0, false), EBUSY);
	CHECK_EQ(fd_table_copy(proc0.p_fd, &copy), 0);
	CHECK_EQ(fd_next(copy, 0), 1);
	fd_table_put(copy);
	fd_abandon(&lwp0, fd);
	CHECK_EQ(open_fd("/f", O_RDONLY), 0);
}

TEST(close_on_exec_and_ranges)
{
	bool cloexec;
	int i;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	for (i = 0; i < 80; i++)
		CHECK_EQ(open_fd("/f", i % 2 ? O_CLOEXEC : 0), i);
	CHECK_EQ(fd_get_cloexec(&lwp0, 79, &cloexec), 0);
	CHECK(cloexec);
	CHECK_EQ(fd_set_cloexec(&lwp0, 79, false), 0);
	fd_close_on_exec(proc0.p_fd);
	CHECK_EQ(fd_next(proc0.p_fd, 1), 2);
	CHECK_EQ(fd_next(proc0.p_fd, 79), 79);
	CHECK_EQ(fd_close_range(&lwp0, 10, 5, 0), EINVAL);
	CHECK_EQ(fd_close_range(&lwp0, 0, 5, 99), EINVAL);
	CHECK_EQ(fd_close_range(&lwp0, 3, 69, 0), 0);
	CHECK_EQ(fd_next(proc0.p_fd, 3), 70);
	CHECK_EQ(fd_close_range(&lwp0, 0, UINT32_MAX, 4), 0);
	CHECK_EQ(fd_get_cloexec(&lwp0, 0, &cloexec), 0);
	CHECK(cloexec);
	CHECK_EQ(fd_close_range(&lwp0, 0, UINT32_MAX, 0), 0);
	CHECK_EQ(fd_next(proc0.p_fd, 0), -1);
	CHECK_EQ(nfiles, 0);
}

TEST(copies_share_files_not_numbers)
{
	struct filedesc *old, *copy;
	char c;

	env_init();
	CHECK_EQ(env_create("/f", "abc"), 0);
	CHECK_EQ(open_fd("/f", O_RDONLY), 0);
	CHECK_EQ(fd_dup2(&lwp0, 0, 40, true), 0);
	old = proc0.p_fd;
	CHECK_EQ(fd_table_copy(old, &copy), 0);
	proc0.p_fd = copy;
	CHECK_EQ(rw(40, &c, 1, NULL, UIO_READ), 1);
	CHECK_EQ(c, 'a');
	CHECK_EQ(fd_close(&lwp0, 0), 0);
	proc0.p_fd = old;
	CHECK_EQ(rw(0, &c, 1, NULL, UIO_READ), 1);
	CHECK_EQ(c, 'b');
	fd_table_put(copy);
	/* A table shared by threads, undone. */
	old = fd_table_get(proc0.p_fd);
	CHECK_EQ(fd_table_unshare(&lwp0), 0);
	CHECK(proc0.p_fd != old);
	CHECK_EQ(fd_close(&lwp0, 0), 0);
	CHECK_EQ(fd_next(old, 0), 0);
	fd_table_put(old);
	fd_table_put(proc0.p_fd);
	CHECK_EQ(nfiles, 0);
	proc0.p_fd = fd_table_create();
}

TEST(offsets_and_flags)
{
	struct file *fp;
	off_t off, res;
	char buf[8];
	int fd;

	env_init();
	CHECK_EQ(env_create("/f", "0123456789"), 0);
	fd = open_fd("/f", O_RDWR);
	CHECK_EQ(fd_get(&lwp0, fd, &fp), 0);
	CHECK_EQ(do_lseek(fp, 4, SEEK_SET, &res), 0);
	CHECK_EQ(rw(fd, buf, 2, NULL, UIO_READ), 2);
	CHECK_EQ(memcmp(buf, "45", 2), 0);
	off = 1;
	CHECK_EQ(rw(fd, buf, 2, &off, UIO_READ), 2);
	CHECK(off == 3 && memcmp(buf, "12", 2) == 0);
	CHECK_EQ(do_lseek(fp, 0, SEEK_CUR, &res), 0);
	CHECK_EQ(res, 6);
	CHECK_EQ(do_lseek(fp, -11, SEEK_END, &res), EINVAL);
	CHECK_EQ(do_lseek(fp, 5, SEEK_END, &res), 0);
	CHECK_EQ(res, 15);
	CHECK_EQ(do_lseek(fp, INT64_MAX, SEEK_END, &res), EOVERFLOW);
	CHECK_EQ(do_lseek(fp, 0, 9, &res), EINVAL);
	CHECK_EQ(do_lseek(fp, 0, SEEK_DATA, &res), 0);
	CHECK_EQ(res, 0);
	CHECK_EQ(do_lseek(fp, 0, SEEK_HOLE, &res), 0);
	CHECK_EQ(res, 10);
	CHECK_EQ(do_lseek(fp, 10, SEEK_HOLE, &res), ENXIO);
	CHECK_EQ(do_fcntl_setfl(&lwp0, fp, O_APPEND | O_NONBLOCK | O_WRONLY),
	    0);
	CHECK_EQ(fp->f_flags, O_RDWR | O_APPEND | O_NONBLOCK);
	off = 0;
	CHECK_EQ(rw(fd, (char[]){ "X" }, 1, &off, UIO_WRITE), 1);
	CHECK_STR(env_read("/f"), "0123456789X");
	file_put(fp);
	CHECK_EQ(fd_close(&lwp0, fd), 0);
	fd = open_fd("/f", O_WRONLY);
	CHECK_EQ(rw(fd, buf, 1, NULL, UIO_READ), -EBADF);
	CHECK_EQ(fd_close(&lwp0, fd), 0);
	fd = open_fd("/f", O_PATH);
	CHECK_EQ(rw(fd, buf, 1, NULL, UIO_READ), -EBADF);
	CHECK_EQ(fd_close(&lwp0, fd), 0);
	fd = open_fd("/", O_RDONLY);
	CHECK_EQ(rw(fd, buf, 1, NULL, UIO_READ), -EISDIR);
	CHECK_EQ(fd_close(&lwp0, fd), 0);
}

TEST(file_size_limit)
{
	int fd;

	env_init();
	fd = open_fd("/f", O_WRONLY | O_CREAT);
	proc0.p_rlimit[RLIMIT_FSIZE].rlim_cur = 5;
	CHECK_EQ(rw(fd, (char[]){ "abcdefgh" }, 8, NULL, UIO_WRITE), 5);
	CHECK_EQ(env_signal, 0);
	CHECK_EQ(rw(fd, (char[]){ "x" }, 1, NULL, UIO_WRITE), -EFBIG);
	CHECK_EQ(env_signal, SIGXFSZ);
	CHECK_STR(env_read("/f"), "abcde");
}

static int
lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock_k fk = { type, SEEK_SET, start, len, 0 };
	struct file *fp;
	int error;

	CHECK_EQ(fd_get(&lwp0, fd, &fp), 0);
	error = do_fcntl_lock(&lwp0, fp, cmd, &fk);
	file_put(fp);
	if (cmd == F_GETLK && error == 0)
		return fk.l_type == F_UNLCK ? -1 :
		    (int)(fk.l_start * 1000 + fk.l_len);
	return error;
}

/* POSIX locks, checked byte by byte against a model by a second process. */
TEST(posix_locks)
{
	struct filedesc *one, *two;
	short model[20];
	uint32_t seed = 3;
	int a, b, i, step;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	one = proc0.p_fd;
	a = open_fd("/f", O_RDWR);
	two = fd_table_create();
	proc0.p_fd = two;
	b = open_fd("/f", O_RDWR);
	memset(model, 0, sizeof(model));
	for (i = 0; i < 20; i++)
		model[i] = F_UNLCK;
	for (step = 0; step < 3000; step++) {
		seed = seed * 1664525 + 1013904223;
		int from = (int)(seed >> 8) % 20;
		int n = 1 + (int)(seed >> 16) % (20 - from);
		short type = (short)((seed >> 24) % 3);

		proc0.p_fd = one;
		CHECK_EQ(lock(a, F_SETLK, type, from, n), 0);
		for (i = from; i < from + n; i++)
			model[i] = type;
		proc0.p_fd = two;
		for (i = 0; i < 20; i++) {
			int r = lock(b, F_GETLK, F_RDLCK, i, 1);
			int w = lock(b, F_GETLK, F_WRLCK, i, 1);

			CHECK_EQ(r != -1, model[i] == F_WRLCK);
			CHECK_EQ(w != -1, model[i] != F_UNLCK);
		}
	}
	proc0.p_fd = one;
	CHECK_EQ(lock(a, F_SETLK, F_UNLCK, 0, 0), 0);
	CHECK_EQ(lock(a, F_SETLK, F_WRLCK, 10, 5), 0);
	CHECK_EQ(lock(a, F_SETLK, F_WRLCK, 15, 0), 0);	/* joined */
	proc0.p_fd = two;
	CHECK_EQ(lock(b, F_GETLK, F_RDLCK, 12, 1), 10000);
	CHECK_EQ(lock(b, F_SETLK, F_RDLCK, 0, 11), EAGAIN);
	CHECK_EQ(lock(b, F_SETLK, F_RDLCK, 0, 10), 0);
	CHECK_EQ(lock(b, F_OFD_SETLK, F_WRLCK, 0, 5), EAGAIN);
	/* Any close of the file ends the process' locks. */
	proc0.p_fd = one;
	i = open_fd("/f", O_RDONLY);
	CHECK_EQ(lock(i, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_EQ(fd_close(&lwp0, i), 0);
	proc0.p_fd = two;
	CHECK_EQ(lock(b, F_GETLK, F_WRLCK, 0, 0), -1);
	fd_table_put(two);
	proc0.p_fd = one;
	CHECK_EQ(lock(a, F_GETLK, F_WRLCK, 0, 0), -1);
}

TEST(whole_file_locks)
{
	struct file *f1, *f2;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(env_open("/f", O_RDONLY, &f1), 0);
	CHECK_EQ(env_open("/f", O_RDONLY, &f2), 0);
	CHECK_EQ(do_flock(&lwp0, f1, LOCK_SH), 0);
	CHECK_EQ(do_flock(&lwp0, f2, LOCK_SH | LOCK_NB), 0);
	CHECK_EQ(do_flock(&lwp0, f2, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_EQ(do_flock(&lwp0, f1, LOCK_UN), 0);
	CHECK_EQ(do_flock(&lwp0, f2, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(do_flock(&lwp0, f1, LOCK_SH | LOCK_NB), EAGAIN);
	shim_signal_pending = true;
	CHECK_EQ(do_flock(&lwp0, f1, LOCK_SH), ERESTARTSYS);
	shim_signal_pending = false;
	CHECK_EQ(do_flock(&lwp0, f1, 9), EINVAL);
	file_put(f2);
	CHECK_EQ(do_flock(&lwp0, f1, LOCK_EX | LOCK_NB), 0);
	file_put(f1);
}

TEST(events_and_memory_files)
{
	struct file *fp;
	uint64_t v = 5;
	char buf[64];
	int fd;

	env_init();
	CHECK_EQ(do_eventfd(&lwp0, 3, O_NONBLOCK, &fd), 0);
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_WRITE), 8);
	CHECK_EQ(rw(fd, &v, 4, NULL, UIO_READ), -EINVAL);
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_READ), 8);
	CHECK_EQ(v, 8);
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_READ), -EAGAIN);
	v = UINT64_MAX;
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_WRITE), -EINVAL);
	v = UINT64_MAX - 1;
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_WRITE), 8);
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_WRITE), -EAGAIN);
	CHECK_EQ(fd_close(&lwp0, fd), 0);
	CHECK_EQ(do_eventfd(&lwp0, 2, 1 | O_NONBLOCK, &fd), 0);
	CHECK_EQ(rw(fd, &v, 8, NULL, UIO_READ), 8);
	CHECK_EQ(v, 1);				/* a semaphore */
	CHECK_EQ(fd_close(&lwp0, fd), 0);

	CHECK_EQ(do_memfd_create(&lwp0, "x", 4, &fd), EINVAL);
	CHECK_EQ(do_memfd_create(&lwp0, "x", 1, &fd), 0);
	CHECK_EQ(rw(fd, (char[]){ "hello" }, 5, NULL, UIO_WRITE), 5);
	CHECK_EQ(fd_get(&lwp0, fd, &fp), 0);
	CHECK_EQ(path_name(fp->f_path, NULL, buf, sizeof(buf)), 0);
	CHECK_STR(buf, "/memfd:x (deleted)");
	CHECK_EQ(fp->f_ops->fo_truncate(fp, 2), 0);
	file_put(fp);
	CHECK_EQ(fd_close(&lwp0, fd), 0);
}

static int
ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event_k ev = { events, (uint64_t)fd };

	return do_epoll_ctl(&lwp0, ep, op, fd, &ev);
}

static int
ready(int ep, uint32_t *events)
{
	struct epoll_event_k ev[8];
	unsigned int n;

	CHECK_EQ(do_epoll_wait(&lwp0, ep, ev, 8, -1, &n), 0);
	if (n > 0)
		*events = ev[0].events;
	return (int)n;
}

static int event_fd;

static bool
raise_event(const char *wchan)
{
	uint64_t one = 1;

	CHECK_STR(wchan, "epoll");
	CHECK_EQ(rw(event_fd, &one, 8, NULL, UIO_WRITE), 8);
	return true;
}

TEST(epoll_sets)
{
	struct epoll_event_k ev[2];
	uint64_t one = 1, v;
	uint32_t got;
	unsigned int n;
	int ep, ep2, e, f;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	f = open_fd("/f", O_RDONLY);
	CHECK_EQ(do_epoll_create(&lwp0, 0, &ep), 0);
	CHECK_EQ(do_eventfd(&lwp0, 0, O_NONBLOCK, &e), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, f, POLLIN), EPERM);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, ep, POLLIN), EINVAL);
	CHECK_EQ(ctl(f, EPOLL_CTL_ADD, e, POLLIN), EINVAL);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, e, POLLIN), ENOENT);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, e, POLLIN), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, e, POLLIN), EEXIST);
	CHECK_EQ(ready(ep, &got), 0);
	CHECK_EQ(rw(e, &one, 8, NULL, UIO_WRITE), 8);
	CHECK_EQ(ready(ep, &got), 1);
	CHECK_EQ(got, POLLIN);
	CHECK_EQ(ready(ep, &got), 1);		/* level: still */
	CHECK_EQ(rw(e, &v, 8, NULL, UIO_READ), 8);
	CHECK_EQ(ready(ep, &got), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, e, POLLIN | EPOLLET), 0);
	CHECK_EQ(rw(e, &one, 8, NULL, UIO_WRITE), 8);
	CHECK_EQ(ready(ep, &got), 1);
	CHECK_EQ(ready(ep, &got), 0);		/* edge: once */
	CHECK_EQ(rw(e, &one, 8, NULL, UIO_WRITE), 8);
	CHECK_EQ(ready(ep, &got), 1);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, e, POLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep, &got), 1);
	CHECK_EQ(rw(e, &one, 8, NULL, UIO_WRITE), 8);
	CHECK_EQ(ready(ep, &got), 0);		/* until armed again */
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, e, POLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep, &got), 1);
	/* Sets in sets; no circles. */
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, e, POLLIN), 0);
	CHECK_EQ(do_epoll_create(&lwp0, 0, &ep2), 0);
	CHECK_EQ(ctl(ep2, EPOLL_CTL_ADD, ep, POLLIN), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, ep2, POLLIN), ELOOP);
	CHECK_EQ(ready(ep2, &got), 1);
	CHECK_EQ(rw(e, &v, 8, NULL, UIO_READ), 8);
	CHECK_EQ(ready(ep2, &got), 0);
	/* Waiting. */
	event_fd = e;
	shim_sleep_hook = raise_event;
	CHECK_EQ(do_epoll_wait(&lwp0, ep2, ev, 2, 0, &n), 0);
	CHECK(n == 1 && ev[0].data == (uint64_t)ep);
	CHECK_EQ(rw(e, &v, 8, NULL, UIO_READ), 8);
	shim_sleep_hook = NULL;
	CHECK_EQ(do_epoll_wait(&lwp0, ep, ev, 2, nanouptime() + 5, &n), 0);
	CHECK_EQ(n, 0);
	shim_signal_pending = true;
	CHECK_EQ(do_epoll_wait(&lwp0, ep, ev, 2, 0, &n), ERESTARTNOHAND);
	shim_signal_pending = false;
	/* A file that is closed leaves its sets, and a set its files. */
	CHECK_EQ(fd_close(&lwp0, e), 0);
	CHECK_EQ(ready(ep, &got), 0);
	CHECK_EQ(fd_close(&lwp0, ep), 0);
	CHECK_EQ(fd_close(&lwp0, ep2), 0);
	CHECK_EQ(fd_close(&lwp0, f), 0);
	CHECK_EQ(nfiles, 0);
}

TEST(no_memory)
{
	struct filedesc *copy;
	size_t before;
	int ep, e, error;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(open_fd("/f", O_RDONLY), 0);
	CHECK_EQ(fd_dup2(&lwp0, 0, 200, false), 0);
	before = kmem_outstanding();
	KTEST_NTH_FAIL({
		error = fd_table_copy(proc0.p_fd, &copy);
		CHECK(error == 0 || error == ENOMEM);
		if (error == 0)
			fd_table_put(copy);
	});
	KTEST_NTH_FAIL({
		error = do_epoll_create(&lwp0, 0, &ep);
		CHECK(error == 0 || error == ENOMEM);
		if (error == 0) {
			error = do_eventfd(&lwp0, 1, 0, &e);
			CHECK(error == 0 || error == ENOMEM);
			if (error == 0) {
				error = ctl(ep, EPOLL_CTL_ADD, e, POLLIN);
				CHECK(error == 0 || error == ENOMEM);
				CHECK_EQ(fd_close(&lwp0, e), 0);
			}
			CHECK_EQ(fd_close(&lwp0, ep), 0);
		}
	});
	CHECK_EQ(kmem_outstanding(), before);
	CHECK_EQ(nfiles, 1);
	CHECK_EQ(lock(0, F_SETLK, F_RDLCK, 0, 10), 0);
	KTEST_NTH_FAIL({
		error = lock(0, F_SETLK, F_RDLCK, 2, 3);
		CHECK(error == 0 || error == ENOLCK);
		(void)lock(0, F_SETLK, F_UNLCK, 3, 1);
	});
}
