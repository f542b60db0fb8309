/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: streams against a model, ends, names, files in messages, sockets
 * that refer to one another; all of it with memory that runs out.
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
 * sys/net/uipc_socket.c sys/net/uipc_unix.c sys/net/unix_io.c
 * sys/net/unix_gc.c libdeflate/lib/deflate_decompress.c
 * libdeflate/lib/gzip_decompress.c libdeflate/lib/crc32.c
 * libdeflate/lib/utils.c */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/socket.h>
#include <sys/systm.h>

#include <ktest.h>
#include "../kern/vfs_env.h"

static uint32_t seed = 7;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
init(void)
{
	env_init();
	socket_init();
}

static struct file *
file_of(int fd)
{
	struct file *fp;

	CHECK_EQ(fd_get(&lwp0, fd, &fp), 0);
	return fp;
}

/* Bytes, or minus an error. */
static ssize_t
put(int fd, const void *buf, size_t n, struct sockctl *sc)
{
	struct sockmsg sm = { .sm_ctl = sc, .sm_flags = MSG_DONTWAIT };
	struct file *fp = file_of(fd);
	struct iovec iov;
	struct uio uio;
	size_t done;
	int error;

	uio_kernel(&uio, &iov, (void *)(uintptr_t)buf, n, 0, UIO_WRITE);
	error = do_sendmsg(&lwp0, fp, &uio, &sm, &done);
	file_put(fp);
	return error != 0 ? -error : (ssize_t)done;
}

static ssize_t
get(int fd, void *buf, size_t n, struct sockctl *sc, int flags)
{
	struct sockmsg sm = { .sm_ctl = sc,
	    .sm_flags = MSG_DONTWAIT | flags };
	struct file *fp = file_of(fd);
	struct iovec iov;
	struct uio uio;
	size_t done;
	int error;

	uio_kernel(&uio, &iov, buf, n, 0, UIO_READ);
	error = do_recvmsg(&lwp0, fp, &uio, &sm, &done);
	file_put(fp);
	return error != 0 ? -error : (ssize_t)done;
}

static unsigned int
ready(int fd)
{
	struct file *fp = file_of(fd);
	unsigned int r = fp->f_ops->fo_poll(fp, 0xffff, NULL);

	file_put(fp);
	return r & (POLLIN | POLLOUT | POLLHUP | POLLRDHUP | POLLERR);
}

static void
pair(int type, int fds[2])
{
	CHECK_EQ(do_socketpair(&lwp0, AF_UNIX, type, 0, 0, fds), 0);
}

static void
shut(int fd)
{
	CHECK_EQ(fd_close(&lwp0, fd), 0);
	taskq_barrier(systq);
}

TEST(a_stream_is_like_its_model)
{
	static unsigned char buf[40000];
	uint64_t in = 0, out = 0;
	ssize_t n, i;
	int fds[2];

	init();
	pair(SOCK_STREAM, fds);
	for (int round = 0; round < 4000; round++) {
		size_t want = 1 + rnd(rnd(3) == 0 ? sizeof(buf) : 200);

		if (rnd(2) == 0) {
			for (i = 0; i < (ssize_t)want; i++)
				buf[i] = (unsigned char)((in +
				    (uint64_t)i) * 13);
			n = put(fds[0], buf, want, NULL);
			CHECK(n > 0 || n == -EAGAIN);
			in += n > 0 ? (uint64_t)n : 0;
			continue;
		}
		int peek = rnd(4) == 0 ? MSG_PEEK : 0;

		n = get(fds[1], buf, want, NULL, peek);
		CHECK(n > 0 || (n == -EAGAIN && in == out));
		for (i = 0; i < n; i++)
			CHECK_EQ(buf[i],
			    (unsigned char)((out + (uint64_t)i) * 13));
		if (n > 0 && peek == 0)
			out += (uint64_t)n;
	}
	CHECK(in > 1000000 && out > 1000000);
	shut(fds[0]);
	shut(fds[1]);
}

TEST(nothing_leaks_when_memory_runs_out)
{
	struct sockctl sc;
	struct file *fp;
	char buf[300];
	int fds[2], error;

	init();
	for (int i = 0; i < 60; i++) {
		kmem_fail_after(i);
		error = do_socketpair(&lwp0, AF_UNIX, SOCK_SEQPACKET, 0, 0,
		    fds);
		kmem_fail_after(-1);
		if (error != 0) {
			CHECK_EQ(error, ENOMEM);
			continue;
		}
		for (int k = 0; k < 3; k++) {
			memset(&sc, 0, sizeof(sc));
			sc.sc_files = kmem_alloc(sizeof(fp), KM_SLEEP);
			sc.sc_files[0] = file_of(fds[1]);
			sc.sc_nfiles = 1;
			kmem_fail_after(k);
			(void)put(fds[0], buf, sizeof(buf), &sc);
			kmem_fail_after(-1);
			sockctl_fini(&sc);
			memset(&sc, 0, sizeof(sc));
			kmem_fail_after(k);
			(void)get(fds[1], buf, sizeof(buf), &sc, MSG_PEEK);
			kmem_fail_after(-1);
			sockctl_fini(&sc);
		}
		shut(fds[0]);
		shut(fds[1]);
	}
	/* Those with themselves in their queue have gone, too. */
	pair(SOCK_STREAM, fds);
	shut(fds[0]);
	shut(fds[1]);
	CHECK_EQ(nfiles, 0);
}

TEST(ends)
{
	char buf[8];
	int fds[2];

	init();
	pair(SOCK_STREAM, fds);
	CHECK_EQ(ready(fds[0]), POLLOUT);
	CHECK_EQ(put(fds[0], "abc", 3, NULL), 3);
	shut(fds[0]);
	CHECK_EQ(ready(fds[1]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(get(fds[1], buf, 8, NULL, 0), 3);
	CHECK_EQ(get(fds[1], buf, 8, NULL, 0), 0);
	env_signal = 0;
	CHECK_EQ(put(fds[1], "x", 1, NULL), -EPIPE);
	CHECK_EQ(env_signal, SIGPIPE);
	shut(fds[1]);
	pair(SOCK_DGRAM, fds);
	shut(fds[0]);
	CHECK_EQ(put(fds[1], "x", 1, NULL), -ECONNREFUSED);
	shut(fds[1]);
}

/* A long chain and a ring; closing must end both. */
TEST(sockets_in_sockets)
{
	int fds[2], next[2], i;
	struct sockctl sc;

	init();
	pair(SOCK_STREAM, fds);
	shut(fds[0]);
	for (i = 0; i < 500; i++) {
		pair(SOCK_STREAM, next);
		memset(&sc, 0, sizeof(sc));
		sc.sc_files = kmem_alloc(sizeof(struct file *), KM_SLEEP);
		sc.sc_files[0] = file_of(fds[1]);
		sc.sc_nfiles = 1;
		CHECK_EQ(put(next[0], "x", 1, &sc), 1);
		shut(fds[1]);
		shut(next[0]);
		fds[1] = next[1];
	}
	CHECK(nfiles > 500);
	shut(fds[1]);
	CHECK_EQ(nfiles, 0);
}

TEST(names)
{
	struct sockaddr_k sk = { .sk_len = 2 + 5 };
	struct socket *so;
	struct file *fp, *gp;
	struct stat_k st;
	int a, b, c;

	init();
	sk.sk_family = AF_UNIX;
	memcpy(sk.sk_data + 2, "/sock", 5);
	CHECK_EQ(do_socket(&lwp0, AF_UNIX, SOCK_STREAM, 0, 0, &a), 0);
	CHECK_EQ(do_socket(&lwp0, AF_UNIX, SOCK_STREAM, 0, 0, &b), 0);
	fp = file_of(a);
	gp = file_of(b);
	so = file_socket(fp);
	CHECK_EQ(so->so_ops->so_bind(so, &sk), 0);
	CHECK_EQ(env_stat("/sock", &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	so = file_socket(gp);
	CHECK_EQ(so->so_ops->so_bind(so, &sk), EADDRINUSE);
	CHECK_EQ(so->so_ops->so_connect(so, &sk, true), ECONNREFUSED);
	CHECK_EQ(do_accept(&lwp0, fp, 0, NULL, &c), EINVAL);
	CHECK_EQ(file_socket(fp)->so_ops->so_listen(file_socket(fp), 0), 0);
	CHECK_EQ(so->so_ops->so_connect(so, &sk, true), 0);
	CHECK_EQ(so->so_ops->so_connect(so, &sk, true), EISCONN);
	CHECK_EQ(put(b, "hi", 2, NULL), 2);
	CHECK_EQ(do_accept(&lwp0, fp, 0, NULL, &c), 0);
	CHECK_EQ(ready(c), POLLIN | POLLOUT);
	file_put(fp);
	file_put(gp);
	shut(a);
	shut(b);
	shut(c);
	CHECK_EQ(nfiles, 0);
}
