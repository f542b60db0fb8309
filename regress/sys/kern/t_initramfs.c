/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unpacking the initramfs: kinds of files, hard links, several archives, gzip,
 * faults, no memory.
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
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <ktest.h>
#include <uvm/uvm.h>
#include "cpio_make.h"
#include "vfs_env.h"

static struct archive arc;

static void
unpack(const void *p, size_t len)
{
	env_module = p;
	env_module_freed = false;
	bootinfo.bi_module_len = len;
	CHECK_EQ(vfs_mountroot(), 0);
	CHECK(env_module_freed);
	CHECK_EQ(env_pages, 0);
}

static void
add_tree(struct archive *a)
{
	archive_add(a, (struct member){ .name = ".", .mode = S_IFDIR | 0711 });
	archive_add(a, (struct member){ .name = "bin",
	    .mode = S_IFDIR | 0755, .uid = 3 });
	archive_add(a, (struct member){ .name = "bin/sh", .data = "#!sh",
	    .mode = S_IFREG | 04755, .uid = 5, .gid = 6, .mtime = 1234 });
	archive_add(a, (struct member){ .name = "./init", .data = "bin/sh",
	    .mode = S_IFLNK | 0777 });
	archive_add(a, (struct member){ .name = "null", .mode = S_IFCHR | 0666,
	    .rmajor = 1, .rminor = 3 });
	archive_add(a, (struct member){ .name = "pipe",
	    .mode = S_IFIFO | 0600 });
	archive_add(a, (struct member){ .name = "empty",
	    .mode = S_IFREG | 0600 });
	archive_add(a, (struct member){ .name = "h1", .ino = 9, .nlink = 3,
	    .mode = S_IFREG | 0644 });
	archive_add(a, (struct member){ .name = "h2", .ino = 9, .nlink = 3,
	    .mode = S_IFREG | 0644 });
	archive_add(a, (struct member){ .name = "h3", .ino = 9, .nlink = 3,
	    .mode = S_IFREG | 0644, .data = "linked" });
	archive_end(a);
}

static void
check_tree(void)
{
	struct stat_k st;

	CHECK_STR(env_ls("/"), "bin dev empty h1 h2 h3 init null pipe root");
	CHECK_STR(env_read("/init"), "#!sh");
	CHECK_EQ(env_stat("/", &st), 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0711);
	CHECK_EQ(env_stat("/bin", &st), 0);
	CHECK_EQ(st.st_uid, 3);
	CHECK_EQ(env_stat("/bin/sh", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 04755);
	CHECK(st.st_uid == 5 && st.st_gid == 6);
	CHECK_EQ(st.st_mtim.tv_sec, 1234);
	CHECK_EQ(env_stat("/null", &st), 0);
	CHECK_EQ(st.st_mode, S_IFCHR | 0666);
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	CHECK_EQ(env_stat("/h1", &st), 0);
	CHECK(st.st_nlink == 3 && st.st_size == 6);
	CHECK_STR(env_read("/h2"), "linked");
}

TEST(every_kind)
{
	env_init();
	add_tree(&arc);
	unpack(arc.a_buf, arc.a_len);
	check_tree();
}

TEST(no_module)
{
	env_init();
	CHECK_EQ(vfs_mountroot(), 0);
	CHECK_STR(env_ls("/"), "dev root");
	CHECK_STR(env_ls("/dev"), "console");
}

TEST(several_archives_later_ones_win)
{
	env_init();
	archive_add(&arc, (struct member){ .name = "init", .data = "first",
	    .mode = S_IFREG | 0755 });
	archive_add(&arc, (struct member){ .name = "bin", .data = "a file",
	    .mode = S_IFREG | 0755 });
	archive_add(&arc, (struct member){ .name = "null",
	    .mode = S_IFDIR | 0755 });
	archive_end(&arc);
	memset(arc.a_buf + arc.a_len, 0, 512);
	arc.a_len += 512;
	add_tree(&arc);
	unpack(arc.a_buf, arc.a_len);
	check_tree();
}

/*
 * find . | cpio -o -H newc | gzip of a file "f" ("zipped\n") and a directory
 * "d", as an early plain archive would be followed by it.
 */
static const unsigned char zipped[] = {
#include "initramfs_gz.h"
};

TEST(plain_then_gzip_then_zeros)
{
	size_t n;

	env_init();
	archive_add(&arc, (struct member){ .name = "kernel",
	    .mode = S_IFDIR | 0755 });
	archive_end(&arc);
	n = arc.a_len;
	memcpy(arc.a_buf + n, zipped, sizeof(zipped));
	unpack(arc.a_buf, n + sizeof(zipped));
	CHECK_STR(env_ls("/"), "d dev f kernel root");
	CHECK_STR(env_read("/f"), "zipped\n");
	/* Padding hides the size in the trailer; then a third archive. */
	env_module_freed = false;
	memcpy(arc.a_buf, zipped, sizeof(zipped));
	memset(arc.a_buf + sizeof(zipped), 0, 100);
	arc.a_len = (sizeof(zipped) + 100) & ~(size_t)3;
	archive_add(&arc, (struct member){ .name = "after",
	    .mode = S_IFREG | 0600 });
	archive_end(&arc);
	unpack(arc.a_buf, arc.a_len);
	CHECK_STR(env_ls("/"), "after d dev f kernel root");
}

TEST(what_comes_before_a_fault_stays)
{
	env_init();
	add_tree(&arc);
	unpack(arc.a_buf, arc.a_len - 300);
	CHECK_STR(env_read("/init"), "#!sh");
	unpack("\375" "7zXZ....", 9);
	unpack("BZh9....", 8);
	unpack("rubbish.", 8);
	unpack(zipped, sizeof(zipped) - 30);
	unpack(zipped, 20);
	CHECK_STR(env_read("/init"), "#!sh");
}

TEST(gzip_cut_and_bent_anywhere)
{
	unsigned char copy[sizeof(zipped)];
	size_t i;

	env_init();
	for (i = 1; i < sizeof(zipped); i++) {
		unpack(zipped, i);
		memcpy(copy, zipped, sizeof(copy));
		copy[i] ^= 0x41;
		unpack(copy, sizeof(copy));
	}
}

TEST(entries_that_cannot_be_made)
{
	env_init();
	archive_add(&arc, (struct member){ .name = "no/parent",
	    .mode = S_IFREG | 0755 });
	archive_add(&arc, (struct member){ .name = "odd", .mode = 0150755 });
	archive_add(&arc, (struct member){ .name = "../out",
	    .mode = S_IFREG | 0755 });
	archive_add(&arc, (struct member){ .name = "ok", .data = "ok",
	    .mode = S_IFREG | 0755 });
	archive_end(&arc);
	unpack(arc.a_buf, arc.a_len);
	CHECK_STR(env_ls("/"), "dev ok root");
}

TEST(no_memory)
{
	int i;

	env_init();
	add_tree(&arc);
	for (i = 0; i < 200; i++) {
		kmem_fail_after(i);
		unpack(arc.a_buf, arc.a_len);
		unpack(zipped, sizeof(zipped));
	}
	kmem_fail_after(-1);
	unpack(arc.a_buf, arc.a_len);
	CHECK_STR(env_read("/init"), "#!sh");
	uvmexp.free = 60;
	unpack(zipped, sizeof(zipped));
}

/* The module's memory goes while it is unpacked: what is done with only. */
TEST(large_files_go_from_one_place_to_the_other)
{
	static struct archive big;
	static char data[20000];
	char name[8];
	int i;

	env_init();
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "big%d", i);
		memset(data, 'x' + i, sizeof(data));
		archive_add(&big, (struct member){ .name = name,
		    .data = data, .size = sizeof(data),
		    .mode = S_IFREG | 0644 });
	}
	archive_add(&big, (struct member){ .name = "last", .data = "last",
	    .mode = S_IFREG | 0644 });
	archive_end(&big);
	unpack(big.a_buf, big.a_len);
	CHECK(bootinfo.bi_module_len < 30000);
	CHECK_EQ(big.a_buf[30000], 0xdf);
	for (i = 0; i < 3; i++) {
		struct stat_k st;

		snprintf(name, sizeof(name), "/big%d", i);
		CHECK_EQ(env_stat(name, &st), 0);
		CHECK_EQ(st.st_size, sizeof(data));
		memset(data, 'x' + i, sizeof(data));
		CHECK_EQ(memcmp(env_read(name), data, 8191), 0);
	}
	CHECK_STR(env_read("/last"), "last");
}
