/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FFS against disks that makefs makes: UFS1 and UFS2 of several block sizes,
 * damaged ones.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/env_damage.c regress/sys/fs/ffs/env_ffs.c
 * sys/fs/ffs/ffs_inode.c sys/fs/ffs/ffs_vfsops.c sys/fs/ffs/ffs_vnops.c
 * sys/kern/vfs_diskfs.c sys/kern/vfs_options.c sys/kern/vfs_vntable.c
 * sys/kern/vfs_bio.c sys/kern/subr_uio.c */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/ffs/ffs.h>
#include <host.h>
#include <ktest.h>

#include "../env.h"
#include "../env_damage.h"
#include "images.h"

static void
check_links(void)
{
	static char buf[5000];
	struct vnode *vp;
	size_t len;

	CHECK_EQ(fs_walk("/fast", &vp), 0);
	CHECK_EQ(vp->v_ops->vop_readlink(vp, buf, sizeof(buf), &len), 0);
	CHECK(len == 6 && memcmp(buf, "target", 6) == 0);
	vrele(vp);
	CHECK_EQ(fs_walk("/slow", &vp), 0);
	CHECK_EQ(vp->v_ops->vop_readlink(vp, buf, sizeof(buf), &len), 0);
	CHECK(len == 200 && buf[0] == '0' && buf[199] == '7');
	vrele(vp);
}

TEST(reads_what_makefs_wrote)
{
	static char buf[300000];
	struct stat_k st;
	char name[64];
	size_t got, f;
	int i;

	for (f = 0; f < __arraycount(formats); f++) {
		make(formats[f]);
		CHECK_EQ(fs_mount(MS_RDONLY, "ufstype=ufs2"), 0);
		CHECK_EQ(FFS_MOUNT(&env_mount)->fm_ufs2, f > 1);
		CHECK_EQ(fs_stat("/seq", &st), 0);
		CHECK_EQ(st.st_size, 228894);
		CHECK_EQ(st.st_nlink, 2);
		CHECK_EQ(st.st_mode, S_IFREG | 0640);
		CHECK_EQ(st.st_mtim.tv_sec, 1000000000);
		CHECK_EQ(fs_read("/a/hard", 0, buf, sizeof(buf), &got), 0);
		CHECK_EQ(got, 228894);
		CHECK(memcmp(buf, "1\n2\n3\n", 6) == 0);
		CHECK(memcmp(buf + got - 6, "40000\n", 6) == 0);
		CHECK(memcmp(buf + 108894, "20001\n", 6) == 0);
		CHECK_EQ(fs_read("/a/b/hello", 0, buf, 100, &got), 0);
		CHECK(got == 6 && memcmp(buf, "hello\n", 6) == 0);
		CHECK_EQ(fs_read("/holes", 4999990, buf, 100, &got), 0);
		CHECK(got == 13 && buf[0] == 0 &&
		    memcmp(buf + 10, "end", 3) == 0);
		check_links();
		CHECK_EQ(fs_count("/many"), 300);
		for (i = 1; i <= 300; i++) {
			snprintf(name, sizeof(name), "/many/file-%d", i);
			CHECK_EQ(fs_stat(name, &st), 0);
		}
		CHECK_EQ(fs_stat("/many/file-301", &st), ENOENT);
		fs_unmount();
		CHECK_EQ(kmem_outstanding(), 0);
	}
}

TEST(none)
{
	disk_blank(1024);
	CHECK_EQ(fs_mount(MS_RDONLY, ""), EINVAL);
	disk_blank(8);
	CHECK_EQ(fs_mount(MS_RDONLY, ""), EINVAL);
	make(formats[2]);
	CHECK_EQ(fs_mount(MS_RDONLY, "ufstype=sun"), EINVAL);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(damage)
{
	unsigned int i, round;

	for (i = 0; i < 3; i++) {
		make(formats[i]);
		damage_keep(i);
		rnd_seed(i + 1);
		for (round = 0; round < 60; round++) {
			damage_restore(i);
			damage_hit(i);
			damage_use(MS_RDONLY, "");
			CHECK_EQ(kmem_outstanding(), 0);
		}
	}
}
