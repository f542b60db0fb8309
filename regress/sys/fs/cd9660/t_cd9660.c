/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660 against CDs that genisoimage and xorriso make: with Rock Ridge, with
 * Joliet, with neither; large files; damaged ones.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/env_damage.c regress/sys/fs/cd9660/env_cd9660.c
 * sys/fs/cd9660/cd9660_node.c sys/fs/cd9660/cd9660_rrip.c
 * sys/fs/cd9660/cd9660_vfsops.c sys/fs/cd9660/cd9660_vnops.c
 * sys/kern/vfs_diskfs.c sys/kern/vfs_options.c sys/kern/vfs_vntable.c
 * sys/kern/vfs_bio.c sys/kern/subr_uio.c
 * sys/lib/utf16.c */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/cd9660/cd9660.h>
#include <host.h>
#include <ktest.h>

#include "../env.h"
#include "../env_damage.h"
#include "images.h"

static void
make(const char *command)
{
	disk_blank(1);
	CHECK_EQ(disk_command(command), 0);
}

static void
check_link(const char *name, const char *text)
{
	static char buf[5000];
	struct vnode *vp;
	size_t len;

	CHECK_EQ(fs_walk(name, &vp), 0);
	CHECK(S_ISLNK(vp->v_mode));
	CHECK_EQ(vp->v_ops->vop_readlink(vp, buf, sizeof(buf), &len), 0);
	CHECK_EQ(len, strlen(text));
	CHECK(memcmp(buf, text, len) == 0);
	vrele(vp);
}

static void
check_data(const char *seq, const char *hello)
{
	static char buf[300000];
	struct stat_k st;
	size_t got;

	CHECK_EQ(fs_stat(seq, &st), 0);
	CHECK_EQ(st.st_size, 228894);
	CHECK_EQ(st.st_mtim.tv_sec, 1000000000);
	CHECK_EQ(fs_read(seq, 0, buf, sizeof(buf), &got), 0);
	CHECK_EQ(got, 228894);
	CHECK(memcmp(buf, "1\n2\n3\n", 6) == 0);
	CHECK(memcmp(buf + got - 6, "40000\n", 6) == 0);
	CHECK_EQ(fs_read(hello, 0, buf, 100, &got), 0);
	CHECK(got == 6 && memcmp(buf, "hello\n", 6) == 0);
}

static void
check_many(void)
{
	struct stat_k st;
	char name[64];
	int i;

	CHECK_EQ(fs_count("/many"), 300);
	for (i = 1; i <= 300; i++) {
		snprintf(name, sizeof(name), "/many/file-%d", i);
		CHECK_EQ(fs_stat(name, &st), 0);
		CHECK(S_ISREG(st.st_mode));
	}
	CHECK_EQ(fs_stat("/many/file-301", &st), ENOENT);
}

static void
check_rock(void)
{
	char text[300] = "", name[300];
	struct stat_k st;
	int i;

	CHECK_EQ(fs_mount(MS_RDONLY, ""), 0);
	CHECK(CD_MOUNT(&env_mount)->cm_rock);
	check_data("/seq", "/a/b/hello.world");
	CHECK_EQ(fs_stat("/seq", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	check_many();
	check_link("/fast", "target");
	snprintf(text, sizeof(text), "/%0200d/../x/./y", 7);
	check_link("/slow", text);
	text[0] = '\0';
	for (i = 0; i < 40; i++)
		memcpy(text + 6 * i, "abcde/", 7);
	if (text[6 * i - 1] == '/')
		text[6 * i - 1] = '\0';
	check_link("/slower", text);
	CHECK_EQ(fs_stat("/fifo", &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_EQ(fs_stat("/a/b/c/d/e/f/g/h/i/j/deep", &st), 0);
	CHECK_EQ(st.st_size, 5);
	snprintf(name, sizeof(name), "/n%0180d.With Long Name", 1);
	CHECK_EQ(fs_stat(name, &st), 0);
	fs_unmount();
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(rock_ridge)
{
	make(CD_GENISO("-r -J -joliet-long"));
	/* rational ownership: everybody may read */
	CHECK_EQ(fs_mount(MS_RDONLY, "uid=7,dmode=0700"), 0);
	CHECK_EQ(env_mount.mnt_rootvp->v_uid, 7);
	CHECK_EQ(env_mount.mnt_rootvp->v_mode, S_IFDIR | 0700);
	fs_unmount();
	make(CD_GENISO("-R"));
	check_rock();
	make(CD_XORRISO("-R"));
	check_rock();
	make(CD_XORRISO("-R -J -joliet-long --rr_reloc_dir rr -D"));
	check_rock();
}

TEST(joliet)
{
	struct stat_k st;

	make(CD_GENISO("-J -joliet-long"));
	CHECK_EQ(fs_mount(MS_RDONLY, "iocharset=utf8"), 0);
	CHECK(CD_MOUNT(&env_mount)->cm_joliet);
	check_data("/seq", "/a/b/hello.world");
	check_data("/SEQ", "/A/b/Hello.World");
	check_many();
	CHECK_EQ(fs_stat("/fast", &st), ENOENT);
	fs_unmount();
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(neither)
{
	struct stat_k st;

	make(CD_GENISO("-R -J -l"));
	CHECK_EQ(fs_mount(MS_RDONLY, "norock,nojoliet"), 0);
	check_data("/seq", "/a/b/hello.world");
	CHECK_EQ(fs_stat("/seq", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0555);
	CHECK_EQ(fs_count("/many"), 300);
	fs_unmount();
	CHECK_EQ(fs_mount(MS_RDONLY, "nonsense"), EINVAL);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(no_cd)
{
	disk_blank(1024);
	CHECK_EQ(fs_mount(MS_RDONLY, ""), EINVAL);
	disk_blank(8);
	CHECK_EQ(fs_mount(MS_RDONLY, ""), EINVAL);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(damage)
{
	static const char *const images[] = {
		CD_GENISO("-R"), CD_GENISO("-J"), CD_XORRISO("-R"),
	};
	unsigned int i, round;

	for (i = 0; i < __arraycount(images); i++) {
		make(images[i]);
		damage_keep(i);
		rnd_seed(i + 1);
		for (round = 0; round < 150; round++) {
			damage_restore(i);
			damage_hit(i);
			damage_use(MS_RDONLY, "");
			CHECK_EQ(kmem_outstanding(), 0);
		}
	}
}
