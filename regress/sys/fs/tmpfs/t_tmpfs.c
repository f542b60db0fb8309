/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: contents against a byte array, limits, sparse files, directories that
 * change while they are read, attributes, extended attributes.
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
#include <sys/systm.h>
#include <fs/tmpfs/tmpfs.h>
#include <uvm/uvm.h>

#include <ktest.h>
#include "../../kern/vfs_env.h"

#define	FILE_MAX	200000

static uint32_t seed = 5;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static size_t
rw_at(struct file *fp, void *buf, size_t n, off_t off, enum uio_rw how,
    int *error)
{
	struct iovec iov;
	struct uio uio;
	size_t moved;

	uio_kernel(&uio, &iov, buf, n, 0, how);
	*error = how == UIO_READ ? do_readv(&lwp0, fp, &uio, &off, &moved) :
	    do_writev(&lwp0, fp, &uio, &off, &moved);
	return moved;
}

static size_t
used_pages(const char *name)
{
	struct statfs_k sf;
	struct path p;

	CHECK_EQ(env_lookup(name, 0, &p), 0);
	CHECK_EQ(do_statfs(&p, &sf), 0);
	path_put(&p);
	return (size_t)sf.f_used;
}

TEST(contents_are_a_byte_array)
{
	static unsigned char model[FILE_MAX], buf[FILE_MAX];
	struct stat_k st;
	struct file *fp;
	size_t size = 0, off, n, got, want;
	int step, error;

	env_init();
	CHECK_EQ(env_open("/f", O_RDWR | O_CREAT, &fp), 0);
	for (step = 0; step < 4000; step++) {
		off = rnd(FILE_MAX);
		n = rnd(8) == 0 ? rnd(FILE_MAX) : rnd(9000);
		n = MIN(n, FILE_MAX - off);
		switch (rnd(6)) {
		case 0:
		case 1:
			for (size_t i = 0; i < n; i++)
				buf[i] = (unsigned char)rnd(256);
			CHECK_EQ(rw_at(fp, buf, n, (off_t)off, UIO_WRITE,
			    &error), n);
			if (n > 0) {
				memcpy(model + off, buf, n);
				size = MAX(size, off + n);
			}
			break;
		case 2:
			CHECK_EQ(fp->f_ops->fo_truncate(fp, (off_t)off), 0);
			if (off < size)
				memset(model + off, 0, size - off);
			size = off;
			break;
		case 3:
			if (n == 0)
				break;
			CHECK_EQ(file_fallocate(&lwp0, fp,
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    (off_t)off, (off_t)n), 0);
			if (off < size)
				memset(model + off, 0, MIN(n, size - off));
			break;
		default:
			memset(buf, 0xee, n);
			got = rw_at(fp, buf, n, (off_t)off, UIO_READ, &error);
			want = off < size ? MIN(n, size - off) : 0;
			CHECK_EQ(got, want);
			CHECK_EQ(memcmp(buf, model + off, got), 0);
		}
		CHECK_EQ(fp->f_ops->fo_stat(fp, &st), 0);
		CHECK_EQ(st.st_size, size);
		CHECK_EQ(used_pages("/"), st.st_blocks / 8);
		CHECK(st.st_blocks / 8 <= howmany(size, PAGE_SIZE));
	}
	file_put(fp);
	CHECK_EQ(do_unlink(&lwp0, NULL, "/f", 0), 0);
	CHECK_EQ(used_pages("/"), 0);
}

TEST(the_limit_on_pages_holds)
{
	static char buf[100000];
	struct file *fp;
	size_t n;
	int error;

	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0, "size=40k"), 0);
	CHECK_EQ(env_open("/m/f", O_RDWR | O_CREAT, &fp), 0);
	n = rw_at(fp, buf, 100000, 0, UIO_WRITE, &error);
	CHECK_EQ(n, 40960);
	CHECK_EQ(rw_at(fp, buf, 1, 40960, UIO_WRITE, &error), 0);
	CHECK_EQ(error, ENOSPC);
	CHECK_EQ(rw_at(fp, buf, 4096, 0, UIO_WRITE, &error), 4096);
	CHECK_EQ(used_pages("/m"), 10);
	/* Sparse: size is no space. */
	CHECK_EQ(fp->f_ops->fo_truncate(fp, 1 << 30), 0);
	CHECK_EQ(used_pages("/m"), 10);
	CHECK_EQ(fp->f_ops->fo_truncate(fp, 5000), 0);
	CHECK_EQ(used_pages("/m"), 2);
	CHECK_EQ(file_fallocate(&lwp0, fp, 0, 0, 40960), 0);
	CHECK_EQ(used_pages("/m"), 10);
	CHECK_EQ(file_fallocate(&lwp0, fp, 0, 0, 40961), ENOSPC);
	CHECK_EQ(do_mount(&lwp0, NULL, "/m", NULL, MS_REMOUNT, "size=20k"),
	    EINVAL);
	CHECK_EQ(do_mount(&lwp0, NULL, "/m", NULL, MS_REMOUNT, "size=44k"), 0);
	CHECK_EQ(rw_at(fp, buf, 1, 40960, UIO_WRITE, &error), 1);
	CHECK_EQ(used_pages("/m"), 11);
	file_put(fp);
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
}

TEST(the_limit_on_files_holds)
{
	char name[16];
	int i;

	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0, "nr_inodes=4"), 0);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "/m/%d", i);
		CHECK_EQ(env_mkdir(name, 0755), 0);
	}
	CHECK_EQ(env_create("/m/x", ""), ENOSPC);
	CHECK_EQ(do_symlink(&lwp0, "x", NULL, "/m/x"), ENOSPC);
	CHECK_EQ(do_unlink(&lwp0, NULL, "/m/0", AT_REMOVEDIR), 0);
	CHECK_EQ(env_create("/m/x", ""), 0);
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
}

TEST(options)
{
	uint64_t v;

	CHECK_EQ(tmpfs_parse_size("4096", 0, &v), 0);
	CHECK_EQ(v, 4096);
	CHECK_EQ(tmpfs_parse_size("3k", 0, &v), 0);
	CHECK_EQ(v, 3072);
	CHECK_EQ(tmpfs_parse_size("2M", 0, &v), 0);
	CHECK_EQ(v, 2 << 20);
	CHECK_EQ(tmpfs_parse_size("1g", 0, &v), 0);
	CHECK_EQ(v, 1 << 30);
	CHECK_EQ(tmpfs_parse_size("25%", 1000, &v), 0);
	CHECK_EQ(v, 250);
	CHECK_EQ(tmpfs_parse_size("", 0, &v), EINVAL);
	CHECK_EQ(tmpfs_parse_size("k", 0, &v), EINVAL);
	CHECK_EQ(tmpfs_parse_size("1kb", 0, &v), EINVAL);
	CHECK_EQ(tmpfs_parse_size("-1", 0, &v), EINVAL);
	CHECK_EQ(tmpfs_parse_size("99999999999999999999", 0, &v), EINVAL);
	CHECK_EQ(tmpfs_parse_size("9999999999g", 0, &v), EINVAL);
	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0,
	    ",mode=0750,,uid=7,gid=8,inode64,"), 0);
	{
		struct stat_k st;

		CHECK_EQ(env_stat("/m", &st), 0);
		CHECK_EQ(st.st_mode, S_IFDIR | 0750);
		CHECK(st.st_uid == 7 && st.st_gid == 8 && st.st_nlink == 2);
	}
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0, "mode=9"), EINVAL);
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0, "uid="), EINVAL);
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0, "size"), EINVAL);
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);
}

TEST(holes_and_data)
{
	struct file *fp;
	off_t r;
	int error;

	env_init();
	CHECK_EQ(env_open("/f", O_RDWR | O_CREAT, &fp), 0);
	CHECK_EQ(do_lseek(fp, 0, SEEK_DATA, &r), ENXIO);
	(void)rw_at(fp, (char[]){ "x" }, 1, 5 * PAGE_SIZE + 10, UIO_WRITE,
	    &error);
	(void)rw_at(fp, (char[]){ "x" }, 1, 6 * PAGE_SIZE, UIO_WRITE, &error);
	CHECK_EQ(fp->f_ops->fo_truncate(fp, (off_t)1 << 40), 0);
	CHECK_EQ(do_lseek(fp, 0, SEEK_DATA, &r), 0);
	CHECK_EQ(r, 5 * PAGE_SIZE);
	CHECK_EQ(do_lseek(fp, 5 * PAGE_SIZE + 7, SEEK_DATA, &r), 0);
	CHECK_EQ(r, 5 * PAGE_SIZE + 7);
	CHECK_EQ(do_lseek(fp, 5 * PAGE_SIZE + 7, SEEK_HOLE, &r), 0);
	CHECK_EQ(r, 7 * PAGE_SIZE);
	CHECK_EQ(do_lseek(fp, 3, SEEK_HOLE, &r), 0);
	CHECK_EQ(r, 3);
	CHECK_EQ(do_lseek(fp, 8 * PAGE_SIZE, SEEK_DATA, &r), ENXIO);
	file_put(fp);
}

struct walk {
	char	names[200][12];
	int	n, stop;
	off_t	next;
};

static bool
take(void *ctx, const char *name, size_t len, ino_t ino __unused,
    unsigned int type __unused, off_t next)
{
	struct walk *w = ctx;

	if (w->stop == 0)
		return false;
	w->stop--;
	memcpy(w->names[w->n], name, len);
	w->names[w->n++][len] = '\0';
	w->next = next;
	return true;
}

/* Each name that is there all the time comes exactly once. */
TEST(directories_change_while_they_are_read)
{
	static struct walk w;
	struct file *fp;
	char name[16];
	int i, j, seen, before;

	env_init();
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/%d", i);
		CHECK_EQ(env_create(name, ""), 0);
	}
	CHECK_EQ(env_open("/", O_RDONLY, &fp), 0);
	i = 0;
	do {
		before = w.n;
		w.stop = 7;
		CHECK_EQ(file_readdir(fp, take, &w), 0);
		CHECK(w.n == before || fp->f_offset == w.next);
		/* Remove what was just seen, some that was not; add one. */
		snprintf(name, sizeof(name), "/%d", i * 5 + 1);
		(void)do_unlink(&lwp0, NULL, name, 0);
		snprintf(name, sizeof(name), "/n%d", i++);
		if (i < 20)
			CHECK_EQ(env_create(name, ""), 0);
	} while (w.n != before);
	file_put(fp);
	CHECK_STR(w.names[0], ".");
	CHECK_STR(w.names[1], "..");
	for (i = 0; i < 100; i++) {
		if (i % 5 == 1)
			continue;
		snprintf(name, sizeof(name), "%d", i);
		for (seen = 0, j = 0; j < w.n; j++)
			seen += strcmp(w.names[j], name) == 0;
		CHECK_EQ(seen, 1);
	}
}

TEST(times)
{
	struct setattr sa;
	struct stat_k a, b;
	struct path p;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(env_stat("/f", &a), 0);
	shim_advance(NSEC_PER_SEC);
	(void)env_read("/f");
	CHECK_EQ(env_stat("/f", &b), 0);
	CHECK(b.st_atim.tv_sec == a.st_atim.tv_sec + 1);
	CHECK(b.st_mtim.tv_sec == a.st_mtim.tv_sec);
	shim_advance(NSEC_PER_SEC);
	(void)env_read("/f");			/* relatime: not again */
	CHECK_EQ(env_stat("/f", &a), 0);
	CHECK(a.st_atim.tv_sec == b.st_atim.tv_sec);
	shim_advance(25 * 3600 * NSEC_PER_SEC);
	(void)env_read("/f");			/* but after a day */
	CHECK_EQ(env_stat("/f", &b), 0);
	CHECK(b.st_atim.tv_sec > a.st_atim.tv_sec);
	CHECK_EQ(env_create("/f", "yy"), 0);
	CHECK_EQ(env_stat("/f", &a), 0);
	CHECK(a.st_mtim.tv_sec == b.st_atim.tv_sec);
	CHECK(a.st_ctim.tv_sec == a.st_mtim.tv_sec);
	CHECK(a.st_has_btime && a.st_btim.tv_sec < a.st_mtim.tv_sec);
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_ATIME | SETATTR_MTIME;
	sa.sa_atim.tv_sec = -5;
	sa.sa_mtim.tv_sec = INT64_MAX;
	CHECK_EQ(env_lookup("/f", 0, &p), 0);
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), 0);
	CHECK_EQ(env_stat("/f", &a), 0);
	CHECK_EQ(a.st_atim.tv_sec, -5);
	CHECK(a.st_mtim.tv_sec > 9000000000);
	/* Who may write may set it to now; only the owner to something. */
	env_become(&env_user);
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), EPERM);
	sa.sa_valid |= SETATTR_ATIME_NOW | SETATTR_MTIME_NOW;
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), EACCES);
	env_become(&env_root);
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_MODE;
	sa.sa_mode = 0666;
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), 0);
	env_become(&env_user);
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_ATIME | SETATTR_MTIME | SETATTR_ATIME_NOW |
	    SETATTR_MTIME_NOW;
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), 0);
	path_put(&p);
}

/* As of then, not of when somebody asks; and only what is later. */
TEST(times_of_a_mapped_file)
{
	struct setattr sa = { .sa_valid = SETATTR_MTIME };
	struct uvm_object *uo;
	struct stat_k a, b;
	struct file *fp;
	struct path p;
	vm_prot_t prot = PROT_READ | PROT_WRITE;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(env_open("/f", O_RDWR, &fp), 0);
	CHECK_EQ(env_stat("/f", &a), 0);
	shim_advance(NSEC_PER_SEC);
	CHECK_EQ(fp->f_ops->fo_mmap(fp, 0, PAGE_SIZE, &prot, MAP_SHARED, &uo),
	    0);
	CHECK_EQ(env_stat("/f", &b), 0);
	CHECK_EQ(b.st_atim.tv_sec, a.st_atim.tv_sec + 1);
	CHECK_EQ(b.st_mtim.tv_sec, a.st_mtim.tv_sec);
	mutex_enter(&uo->uo_lock);
	uvm_obj_mapwrite(uo, nanotime());
	mutex_exit(&uo->uo_lock);
	shim_advance(NSEC_PER_SEC);
	CHECK_EQ(env_stat("/f", &b), 0);
	CHECK_EQ(b.st_mtim.tv_sec, a.st_mtim.tv_sec + 1);
	CHECK_EQ(b.st_ctim.tv_sec, a.st_ctim.tv_sec + 1);
	mutex_enter(&uo->uo_lock);
	uvm_obj_mapwrite(uo, nanotime());
	mutex_exit(&uo->uo_lock);
	sa.sa_mtim.tv_sec = 5;		/* what is set now counts */
	CHECK_EQ(env_lookup("/f", 0, &p), 0);
	CHECK_EQ(do_setattr(&lwp0, &p, &sa), 0);
	path_put(&p);
	CHECK_EQ(env_stat("/f", &b), 0);
	CHECK_EQ(b.st_mtim.tv_sec, 5);
	uo->uo_ops->pgo_detach(uo);
	file_put(fp);
}

TEST(extended_attributes)
{
	struct path p, l;
	char buf[32];
	size_t len;

	env_init();
	CHECK_EQ(env_create("/f", "x"), 0);
	CHECK_EQ(do_symlink(&lwp0, "f", NULL, "/l"), 0);
	CHECK_EQ(env_lookup("/f", 0, &p), 0);
	CHECK_EQ(env_lookup("/l", 0, &l), 0);
	CHECK_EQ(do_getxattr(&lwp0, &p, "user.a", buf, 32, &len), ENODATA);
	CHECK_EQ(do_setxattr(&lwp0, &p, "user.a", "val", 3, 0), 0);
	CHECK_EQ(do_setxattr(&lwp0, &p, "user.a", "v", 1, XATTR_CREATE),
	    EEXIST);
	CHECK_EQ(do_setxattr(&lwp0, &p, "user.b", "v", 1, XATTR_REPLACE),
	    ENODATA);
	CHECK_EQ(do_setxattr(&lwp0, &p, "other.b", "v", 1, 0), EOPNOTSUPP);
	CHECK_EQ(do_setxattr(&lwp0, &p, "trusted.t", "", 0, 0), 0);
	CHECK_EQ(do_setxattr(&lwp0, &l, "user.a", "v", 1, 0), EPERM);
	CHECK_EQ(do_getxattr(&lwp0, &p, "user.a", buf, 0, &len), 0);
	CHECK_EQ(len, 3);
	CHECK_EQ(do_getxattr(&lwp0, &p, "user.a", buf, 2, &len), ERANGE);
	CHECK_EQ(do_getxattr(&lwp0, &p, "user.a", buf, 32, &len), 0);
	CHECK_EQ(memcmp(buf, "val", 3), 0);
	CHECK_EQ(do_listxattr(&lwp0, &p, buf, 0, &len), 0);
	CHECK_EQ(len, 17);
	CHECK_EQ(do_listxattr(&lwp0, &p, buf, 5, &len), ERANGE);
	env_become(&env_user);
	CHECK_EQ(do_getxattr(&lwp0, &p, "trusted.t", buf, 32, &len), ENODATA);
	CHECK_EQ(do_listxattr(&lwp0, &p, buf, 32, &len), 0);
	CHECK(len == 7 && memcmp(buf, "user.a", 7) == 0);
	CHECK_EQ(do_setxattr(&lwp0, &p, "user.a", "v", 1, 0), EACCES);
	CHECK_EQ(do_setxattr(&lwp0, &p, "trusted.t", "v", 1, 0), EPERM);
	CHECK_EQ(do_setxattr(&lwp0, &p, "security.x", "v", 1, 0), EPERM);
	env_become(&env_root);
	CHECK_EQ(do_removexattr(&lwp0, &p, "user.a"), 0);
	CHECK_EQ(do_removexattr(&lwp0, &p, "user.a"), ENODATA);
	path_put(&p);
	path_put(&l);
}

TEST(a_deep_tree_is_taken_down)
{
	char name[1300] = "/m";
	int i;

	env_init();
	CHECK_EQ(env_mkdir("/m", 0755), 0);
	CHECK_EQ(do_mount(&lwp0, "m", "/m", "tmpfs", 0, NULL), 0);
	for (i = 0; i < 300; i++) {
		(void)strlcat(name, "/d", sizeof(name));
		CHECK_EQ(env_mkdir(name, 0755), 0);
		if (i % 10 == 0) {
			(void)strlcat(name, "/f", sizeof(name));
			CHECK_EQ(env_create(name, "x"), 0);
			name[strlen(name) - 2] = '\0';
		}
	}
	CHECK_EQ(do_umount(&lwp0, "/m", 0), 0);	/* tmpfs checks its counts */
}

TEST(faults_and_no_memory)
{
	static char page[PAGE_SIZE], buf[3 * PAGE_SIZE];
	struct iovec iov[2] = { { buf, 5000 }, { page, 100 } };
	struct stat_k st;
	struct file *fp;
	struct uio uio;
	size_t done, n;
	off_t off = 0;
	int error;

	env_init();
	CHECK_EQ(env_open("/f", O_RDWR | O_CREAT, &fp), 0);
	shim_fault_range(page, sizeof(page));
	uio_kernel(&uio, iov, buf, 5000, 0, UIO_WRITE);
	uio.uio_iovcnt = 2;
	uio.uio_resid = 5100;
	uio.uio_seg = UIO_USERSPACE;
	CHECK_EQ(do_writev(&lwp0, fp, &uio, &off, &done), 0);
	CHECK(done == 5000 && off == 5000);
	CHECK_EQ(fp->f_ops->fo_stat(fp, &st), 0);
	CHECK_EQ(st.st_size, 5000);
	iov[0] = (struct iovec){ page, 10 };
	uio_kernel(&uio, iov, page, 10, 0, UIO_WRITE);
	uio.uio_seg = UIO_USERSPACE;
	off = 9000;
	CHECK_EQ(do_writev(&lwp0, fp, &uio, &off, &done), EFAULT);
	CHECK_EQ(fp->f_ops->fo_stat(fp, &st), 0);
	CHECK_EQ(st.st_size, 5000);
	KTEST_NTH_FAIL({
		n = rw_at(fp, buf, sizeof(buf), 100000, UIO_WRITE, &error);
		CHECK(error == 0 || error == ENOMEM);
		CHECK_EQ(fp->f_ops->fo_stat(fp, &st), 0);
		CHECK_EQ(st.st_size, n == 0 ? 5000 : 100000 + n);
		CHECK_EQ(used_pages("/"), st.st_blocks / 8);
		CHECK_EQ(fp->f_ops->fo_truncate(fp, 5000), 0);
	});
	file_put(fp);
}
