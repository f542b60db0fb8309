/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 against images that mke2fs makes and e2fsck judges: reading what others
 * wrote, a random workload against a model in memory, directories with an
 * index, full disks, what is refused.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/ext4/env_ext4.c sys/kern/vfs_diskfs.c
 * regress/sys/fs/ext4/model.c
 * sys/fs/ext4/ext4_acl.c sys/fs/ext4/ext4_attr.c sys/fs/ext4/ext4_balloc.c
 * sys/fs/ext4/ext4_data.c sys/fs/ext4/ext4_dir.c sys/fs/ext4/ext4_extent.c
 * sys/fs/ext4/ext4_hash.c sys/fs/ext4/ext4_htree.c sys/fs/ext4/ext4_ialloc.c
 * sys/fs/ext4/ext4_ind.c sys/fs/ext4/ext4_inode.c
 * sys/fs/ext4/ext4_journal.c sys/fs/ext4/ext4_map.c
 * sys/fs/ext4/ext4_orphan.c sys/fs/ext4/ext4_recover.c
 * sys/fs/ext4/ext4_super.c sys/fs/ext4/ext4_vfsops.c
 * sys/fs/ext4/ext4_vnops.c sys/fs/ext4/ext4_xattr.c sys/kern/vfs_bio.c
 * sys/kern/subr_uio.c */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <fs/ext4/ext4.h>
#include <host.h>
#include <ktest.h>

#include "env.h"
#include "model.h"

static const char *const formats[] = {
	"-t ext4 -b 4096",
	"-t ext4 -b 1024",
	"-t ext4 -b 1024 -O ^metadata_csum,^64bit",
	"-t ext4 -b 2048 -O metadata_csum_seed,orphan_file,sparse_super2",
	"-t ext4 -b 4096 -O ^has_journal,^extent,^64bit",
	"-t ext4 -b 4096 -I 128 -O uninit_bg,^metadata_csum,^flex_bg",
	"-t ext3 -b 1024",
	"-t ext2 -b 1024",
	"-t ext2 -b 4096 -r 0 -O none",
};

static void
check_clean(void)
{
	CHECK_EQ(disk_fsck("-fn"), 0);
}

TEST(reads_what_others_wrote)
{
	static char buf[300000];
	struct stat_k st;
	struct vnode *vp;
	size_t got, i, f;
	char cmd[1024];

	for (f = 0; f < __arraycount(formats) - 1; f++) {
		snprintf(cmd, sizeof(cmd), "D=@.d; rm -rf $D; mkdir -p "
		    "$D/a/b $D/many; seq 1 40000 >$D/seq; echo hello "
		    ">$D/a/b/hello; ln -s target $D/fast; ln -s $(printf "
		    "'%%0200d' 7) $D/slow; ln $D/seq $D/a/hard; "
		    "for i in $(seq 1 600); do : >$D/many/file-$i; done; "
		    "truncate -s 5000000 $D/holes; printf end >>$D/holes; "
		    "mke2fs -q -F %s -d $D @ >/dev/null; s=$?; rm -rf $D; "
		    "exit $s", formats[f]);
		disk_set("", 1);
		disk_free();
		disk_make(16384, formats[f]);
		CHECK_EQ(disk_command(cmd), 0);
		CHECK_EQ(fs_mount(MS_RDONLY, ""), 0);
		CHECK_EQ(fs_stat("/seq", &st), 0);
		CHECK_EQ(st.st_size, 228894);
		CHECK_EQ(st.st_nlink, 2);
		CHECK_EQ(fs_read("/a/hard", 0, buf, sizeof(buf), &got), 0);
		CHECK_EQ(got, 228894);
		CHECK(memcmp(buf, "1\n2\n3\n", 6) == 0);
		CHECK(memcmp(buf + got - 6, "40000\n", 6) == 0);
		CHECK_EQ(fs_read("/a/b/hello", 0, buf, 100, &got), 0);
		CHECK(got == 6 && memcmp(buf, "hello\n", 6) == 0);
		CHECK_EQ(fs_walk("/fast", &vp), 0);
		CHECK_EQ(ext4_readlink(vp, buf, 100, &got), 0);
		CHECK(got == 6 && memcmp(buf, "target", 6) == 0);
		vrele(vp);
		CHECK_EQ(fs_walk("/slow", &vp), 0);
		CHECK_EQ(ext4_readlink(vp, buf, 1000, &got), 0);
		CHECK(got == 200 && buf[0] == '0' && buf[199] == '7');
		vrele(vp);
		CHECK_EQ(fs_count("/many"), 600);
		for (i = 1; i <= 600; i++) {
			snprintf(cmd, sizeof(cmd), "/many/file-%zu", i);
			CHECK_EQ(fs_stat(cmd, &st), 0);
		}
		CHECK_EQ(fs_stat("/many/file-601", &st), ENOENT);
		CHECK_EQ(fs_read("/holes", 4999990, buf, 100, &got), 0);
		CHECK(got == 13 && buf[0] == 0 && memcmp(buf + 10, "end", 3)
		    == 0);
		CHECK_EQ(fs_make("/new", S_IFREG | 0644), EROFS);
		fs_unmount();
		check_clean();
	}
}

TEST(a_random_workload_agrees_with_a_model)
{
	size_t f;
	int round;

	for (f = 0; f < __arraycount(formats); f++) {
		rnd_seed((uint32_t)f + 1);
		model_reset();
		disk_make(12288, formats[f]);
		for (round = 0; round < 3; round++) {
			CHECK_EQ(fs_mount(0, ""), 0);
			model_check();
			model_run(700);
			model_check();
			CHECK_EQ(ext4_joverruns(EXT4_MOUNT(&env_mount)), 0);
			fs_unmount();
			check_clean();
		}
	}
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(a_directory_of_many_names)
{
	char name[300];
	size_t f;
	int i, n;

	for (f = 0; f < 7; f++) {
		disk_make(32768, formats[f]);
		CHECK_EQ(fs_mount(0, ""), 0);
		CHECK_EQ(fs_make("/d", S_IFDIR | 0755), 0);
		n = f == 1 ? 6000 : 2500;
		for (i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "/d/%s-%d",
			    i % 3 == 0 ? "a-rather-long-name-for-a-file" :
			    "n\xc3\xa4me", i);
			CHECK_EQ(fs_make(name, S_IFREG | 0644), 0);
		}
		CHECK_EQ(fs_count("/d"), n);
		CHECK_EQ(ext4_joverruns(EXT4_MOUNT(&env_mount)), 0);
		fs_unmount();
		check_clean();
		CHECK_EQ(fs_mount(0, ""), 0);
		for (i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "/d/%s-%d",
			    i % 3 == 0 ? "a-rather-long-name-for-a-file" :
			    "n\xc3\xa4me", i);
			CHECK_EQ(fs_remove(name), 0);
		}
		CHECK_EQ(fs_count("/d"), 0);
		CHECK_EQ(fs_remove("/d"), 0);
		fs_unmount();
		check_clean();
	}
}

TEST(a_full_disk)
{
	static char buf[65536];
	struct stat_k st;
	char name[32];
	size_t f;
	int i, error;

	memset(buf, 'x', sizeof(buf));
	for (f = 0; f < __arraycount(formats) - 1; f++) {
		disk_make(4096, formats[f]);
		CHECK_EQ(fs_mount(0, ""), 0);
		for (i = 0;; i++) {
			snprintf(name, sizeof(name), "/f%d", i);
			error = fs_make(name, S_IFREG | 0644);
			if (error == 0)
				error = fs_write(name, 0, buf, sizeof(buf));
			if (error != 0)
				break;
			CHECK(i < 1000);
		}
		CHECK_EQ(error, ENOSPC);
		CHECK_EQ(fs_sync(), 0);
		/* What was promised has a place. */
		CHECK_EQ(fs_stat("/f0", &st), 0);
		CHECK_EQ(st.st_size, sizeof(buf));
		fs_unmount();
		check_clean();
		CHECK_EQ(fs_mount(0, ""), 0);
		while (i-- > 0) {
			snprintf(name, sizeof(name), "/f%d", i);
			CHECK_EQ(fs_remove(name), 0);
		}
		/* Freed space is to be had again at once. */
		CHECK_EQ(fs_make("/again", S_IFREG | 0644), 0);
		for (i = 0; i < 20; i++)
			CHECK_EQ(fs_write("/again", (uint64_t)i * sizeof(buf),
			    buf, sizeof(buf)), 0);
		fs_unmount();
		check_clean();
	}
}

TEST(between_reading_and_writing)
{
	struct vnode *vp;

	disk_make(8192, "-t ext4");
	CHECK_EQ(fs_mount(MS_RDONLY, ""), 0);
	CHECK_EQ(fs_make("/f", S_IFREG | 0644), EROFS);
	CHECK_EQ(ext4_remount(&env_mount, 0, "errors=remount-ro"), 0);
	CHECK_EQ(fs_make("/f", S_IFREG | 0644), 0);
	CHECK_EQ(fs_make("/g", S_IFREG | 0644), 0);
	CHECK_EQ(fs_write("/f", 0, "hello", 5), 0);
	CHECK_EQ(fs_walk("/g", &vp), 0);
	CHECK_EQ(fs_remove("/g"), 0);		/* and it stays in use */
	CHECK_EQ(fs_sync(), 0);
	/* As long as it is: who would free it? */
	CHECK_EQ(ext4_remount(&env_mount, MS_RDONLY, ""), EBUSY);
	CHECK_EQ(fs_make("/h", S_IFREG | 0644), 0);
	vrele(vp);
	CHECK_EQ(fs_sync(), 0);
	CHECK_EQ(ext4_remount(&env_mount, MS_RDONLY, ""), 0);
	CHECK_EQ(fs_make("/i", S_IFREG | 0644), EROFS);
	CHECK_EQ(fs_write("/f", 0, "h", 1), EROFS);
	CHECK_EQ(ext4_remount(&env_mount, 0, ""), 0);
	CHECK_EQ(fs_make("/i", S_IFREG | 0644), 0);
	CHECK_EQ(fs_sync(), 0);
	CHECK_EQ(ext4_remount(&env_mount, MS_RDONLY, ""), 0);
	check_clean();
	fs_unmount();
	CHECK_EQ(kmem_outstanding(), 0);
}

/* They are those of the write, also when nobody asks before the end. */
TEST(times_of_a_mapped_file)
{
	struct stat_k a, b;

	disk_make(8192, "-t ext4");
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(fs_make("/f", S_IFREG | 0644), 0);
	CHECK_EQ(fs_write("/f", 0, "hello", 5), 0);
	CHECK_EQ(fs_stat("/f", &a), 0);
	for (int i = 1; i <= 3; i++) {
		shim_advance(NSEC_PER_SEC);
		CHECK_EQ(fs_mapped_write("/f", 0, "j", 1), 0);
		shim_advance(NSEC_PER_SEC);
		if (i == 2)
			CHECK_EQ(fs_fsync("/f"), 0);
		if (i == 3) {
			fs_unmount();
			CHECK_EQ(fs_mount(0, ""), 0);
		}
		CHECK_EQ(fs_stat("/f", &b), 0);
		CHECK_EQ(b.st_mtim.tv_sec, a.st_mtim.tv_sec + 2 * i - 1);
		CHECK_EQ(b.st_ctim.tv_sec, b.st_mtim.tv_sec);
	}
	fs_unmount();
	check_clean();
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(what_is_not_supported_is_refused)
{
	disk_make(8192, "-t ext4 -O bigalloc");
	CHECK(fs_mount(0, "") != 0);
	CHECK(fs_mount(MS_RDONLY, "") != 0);
	disk_make(8192, "-t ext4 -O encrypt");
	CHECK_EQ(fs_mount(MS_RDONLY, ""), EINVAL);
	disk_make(8192, "-t ext4 -O quota");
	CHECK_EQ(fs_mount(0, ""), EROFS);
	CHECK_EQ(fs_mount(MS_RDONLY, ""), 0);
	fs_unmount();
	disk_make(8192, "-t ext4 -O ea_inode");
	CHECK_EQ(fs_mount(MS_RDONLY, ""), EINVAL);
	disk_make(8192, "-t ext4");
	CHECK_EQ(fs_mount(0, "nonsense"), EINVAL);
	disk_bytes()[1024 + 4] ^= 1;		/* number of blocks */
	CHECK_EQ(fs_mount(0, ""), EINVAL);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(inline_data_is_read)
{
	static char buf[200];
	struct vnode *vp;
	size_t got;

	disk_make(8192, "-t ext4 -I 256 -O inline_data");
	CHECK_EQ(disk_command("D=@.d; mkdir -p $D/dir/sub; echo short "
	    ">$D/short; printf '%0100d' 5 >$D/long; : >$D/dir/one; "
	    ": >$D/dir/two; ln -s $(printf '%080d' 7) $D/link; mke2fs -q -F "
	    "-t ext4 -I 256 -O inline_data -d $D @ >/dev/null; s=$?; "
	    "rm -rf $D; exit $s"), 0);
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(fs_read("/short", 0, buf, sizeof(buf), &got), 0);
	CHECK(got == 6 && memcmp(buf, "short\n", 6) == 0);
	CHECK_EQ(fs_read("/long", 0, buf, sizeof(buf), &got), 0);
	CHECK(got == 100 && buf[0] == '0' && buf[99] == '5');
	CHECK_EQ(fs_count("/dir"), 3);
	CHECK_EQ(fs_walk("/dir/two", &vp), 0);
	vrele(vp);
	CHECK_EQ(fs_walk("/link", &vp), 0);
	CHECK_EQ(ext4_readlink(vp, buf, sizeof(buf), &got), 0);
	CHECK(got == 80 && buf[79] == '7');
	vrele(vp);
	CHECK_EQ(fs_write("/short", 0, "x", 1), EOPNOTSUPP);
	CHECK_EQ(fs_make("/dir/three", S_IFREG), EOPNOTSUPP);
	fs_unmount();
	check_clean();
}

TEST(space_set_aside_and_holes)
{
	static char buf[100000], zero[100000];
	struct stat_k st;
	size_t got;

	memset(buf, 'y', sizeof(buf));
	disk_make(16384, "-t ext4 -b 1024");
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(fs_make("/f", S_IFREG | 0644), 0);
	CHECK_EQ(fs_fallocate("/f", 0, 0, 3000000), 0);
	CHECK_EQ(fs_stat("/f", &st), 0);
	CHECK_EQ(st.st_size, 3000000);
	CHECK(st.st_blocks * 512 >= 3000000);
	CHECK_EQ(fs_read("/f", 500, buf, sizeof(buf), &got), 0);
	CHECK(got == sizeof(buf) && memcmp(buf, zero, got) == 0);
	memset(buf, 'y', sizeof(buf));
	CHECK_EQ(fs_write("/f", 1000000, buf, sizeof(buf)), 0);
	CHECK_EQ(fs_sync(), 0);
	CHECK_EQ(fs_write("/f", 1050000, buf, 100), 0);
	CHECK_EQ(fs_fallocate("/f", FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 1020001, 20000), 0);
	CHECK_EQ(fs_read("/f", 1020000, buf, 20002, &got), 0);
	CHECK(buf[0] == 'y' && buf[20001] == 'y');
	CHECK(memcmp(buf + 1, zero, 20000) == 0);
	CHECK_EQ(fs_fallocate("/f", FALLOC_FL_ZERO_RANGE, 2990000, 100000),
	    0);
	CHECK_EQ(fs_stat("/f", &st), 0);
	CHECK_EQ(st.st_size, 3090000);
	fs_unmount();
	check_clean();
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(fs_read("/f", 1000000, buf, 20002, &got), 0);
	CHECK(buf[0] == 'y' && buf[20000] == 'y' && buf[20001] == 0);
	CHECK_EQ(fs_truncate("/f", 1000), 0);
	CHECK_EQ(fs_truncate("/f", 2000000), 0);
	CHECK_EQ(fs_read("/f", 0, buf, sizeof(buf), &got), 0);
	CHECK(memcmp(buf, zero, sizeof(buf)) == 0);
	fs_unmount();
	check_clean();
}

TEST(extended_attributes)
{
	static char value[4000], buf[4096];
	struct vnode *vp;
	size_t len, f, i, listed;
	char name[64];
	int error;

	for (f = 0; f < __arraycount(formats) - 1; f++) {
		disk_make(8192, formats[f]);
		CHECK_EQ(fs_mount(0, ""), 0);
		CHECK_EQ(fs_make("/f", S_IFREG | 0644), 0);
		CHECK_EQ(fs_walk("/f", &vp), 0);
		for (i = 0; i < 30; i++) {
			snprintf(name, sizeof(name), "user.attr%zu", i);
			memset(value, (int)('a' + i % 26), 100);
			error = ext4_setxattr(vp, name, value, i % 5 * 20, 0);
			if (error == ENOSPC)
				break;
			CHECK_EQ(error, 0);
		}
		CHECK(i >= 8);
		CHECK_EQ(ext4_setxattr(vp, "user.attr1", "new", 3,
		    XATTR_CREATE), EEXIST);
		CHECK_EQ(ext4_setxattr(vp, "user.attr1", "new", 3,
		    XATTR_REPLACE), 0);
		CHECK_EQ(ext4_setxattr(vp, "user.none", "new", 3,
		    XATTR_REPLACE), ENODATA);
		CHECK_EQ(ext4_setxattr(vp, "user.big", value, 4000, 0),
		    ENOSPC);
		CHECK_EQ(ext4_removexattr(vp, "user.attr0"), 0);
		vrele(vp);
		fs_unmount();
		check_clean();
		CHECK_EQ(fs_mount(0, ""), 0);
		CHECK_EQ(fs_walk("/f", &vp), 0);
		CHECK_EQ(ext4_getxattr(vp, "user.attr1", buf, 100, &len), 0);
		CHECK(len == 3 && memcmp(buf, "new", 3) == 0);
		CHECK_EQ(ext4_getxattr(vp, "user.attr0", buf, 100, &len),
		    ENODATA);
		CHECK_EQ(ext4_getxattr(vp, "user.attr6", buf, 10, &len),
		    ERANGE);
		CHECK_EQ(ext4_listxattr(vp, buf, sizeof(buf), &listed), 0);
		CHECK(listed > (i - 1) * 11 && listed < i * 13);
		vrele(vp);
		CHECK_EQ(fs_remove("/f"), 0);
		fs_unmount();
		check_clean();
	}
}

TEST(access_control_lists)
{
	static const char acl[] = "\2\0\0\0" "\1\0\6\0\xff\xff\xff\xff"
	    "\2\0\5\0\xe8\3\0\0" "\4\0\4\0\xff\xff\xff\xff"
	    "\x10\0\5\0\xff\xff\xff\xff" "\x20\0\0\0\xff\xff\xff\xff";
	const size_t size = sizeof(acl) - 1;
	struct cred named = { .cr_fsuid = 1000, .cr_fsgid = 7 };
	struct cred other = { .cr_fsuid = 1001, .cr_fsgid = 7 };
	struct setattr sa = { .sa_valid = SETATTR_MODE, .sa_mode = 0600 };
	struct vnode *vp;
	struct stat_k st;
	char buf[100];
	size_t len;

	disk_make(8192, "-t ext4");
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(fs_make("/d", S_IFDIR | 0755), 0);
	CHECK_EQ(fs_walk("/d", &vp), 0);
	CHECK_EQ(ext4_setxattr(vp, "system.posix_acl_default", acl, size, 0),
	    0);
	CHECK_EQ(ext4_setxattr(vp, "system.posix_acl_default", acl, size - 3,
	    0), EINVAL);
	vrele(vp);
	CHECK_EQ(fs_make("/d/f", S_IFREG | 0666), 0);
	CHECK_EQ(fs_stat("/d/f", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(fs_walk("/d/f", &vp), 0);
	CHECK_EQ(ext4_getxattr(vp, "system.posix_acl_access", buf, 100, &len),
	    0);
	CHECK_EQ(len, size);
	CHECK_EQ(buf[30], 4);			/* the mask */
	/* User 1000 has 5, of which the mask leaves 4. */
	CHECK_EQ(ext4_access(vp, R_OK, &named), 0);
	CHECK_EQ(ext4_access(vp, X_OK, &named), EACCES);
	CHECK_EQ(ext4_access(vp, R_OK, &other), EACCES);
	CHECK_EQ(ext4_setattr(vp, &sa, &env_cred), 0);
	CHECK_EQ(ext4_access(vp, R_OK, &named), EACCES);
	vrele(vp);
	CHECK_EQ(fs_make("/d/sub", S_IFDIR | 0777), 0);
	fs_unmount();
	check_clean();
}
