/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 after power cuts and with failing disks and no memory.
 *
 * Every write and flush is recorded.  The disk is rebuilt as it could be at
 * each flush: all that was flushed, and any part of what was not.  e2fsck must
 * then be content after a replay of the journal, and so must we after our own;
 * what was synced is there.
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
/* variants: gcc64 clang32 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <fs/ext4/ext4.h>
#include <host.h>
#include <ktest.h>

#include "env.h"
#include "model.h"

static const char *const formats[] = {
	"-t ext4 -b 1024 -J size=1",
	"-t ext4 -b 4096",
	"-t ext3 -b 1024 -J size=1",
	"-t ext4 -b 1024 -J size=1 -O ^metadata_csum,uninit_bg,^64bit",
};

/* Our own recovery, and then e2fsck has nothing to add. */
static void
check_recovered(unsigned int cut)
{
	int status;

	if (cut % 2 == 0) {
		CHECK_EQ(fs_mount(0, ""), 0);
		CHECK(fs_count("/") >= 1);
		fs_unmount();
	} else {
		status = disk_fsck("-fp");
		CHECK(status == 0 || status == 1);
	}
	CHECK_EQ(disk_fsck("-fn"), 0);
}

static void
cut_at_flushes(unsigned int f)
{
	unsigned int n, cut, step, cycles = host_cycles();

	rnd_seed(99 + f + cycles);
	model_reset();
	disk_make(8192, formats[f]);
	log_start();
	CHECK_EQ(fs_mount(0, ""), 0);
	model_run(300);
	CHECK_EQ(ext4_joverruns(EXT4_MOUNT(&env_mount)), 0);
	n = log_flushes();
	CHECK(n > 5);
	fs_crash();
	step = MAX(n / (9 * cycles), 1);
	for (cut = 0; cut <= n; cut += step) {
		log_cut(cut, cut % 3 == 0 ? 0 : cut % 3 == 1 ? 50 : 100);
		check_recovered(cut / step);
	}
	/* With many cycles: every flush, and several parts of the rest. */
	for (cut = 0; cycles > 1 && cut <= n * 4; cut++) {
		log_cut(cut / 4, cut % 4 * 30);
		check_recovered(cut / 4 + cut);
	}
	log_stop();
}

TEST(cuts_ext4_1k)
{
	cut_at_flushes(0);
}

TEST(cuts_ext4_4k)
{
	cut_at_flushes(1);
}

TEST(cuts_ext3)
{
	cut_at_flushes(2);
}

TEST(cuts_ext4_old_checksums)
{
	cut_at_flushes(3);
}

/* Names and contents that fsync has confirmed survive any cut after it. */
TEST(what_was_synced_is_there)
{
	static char buf[20000], got[20000];
	unsigned int flush[40], i, k, cut;
	char name[32], name2[32];
	size_t len;

	disk_make(8192, "-t ext4 -b 1024 -J size=1");
	log_start();
	CHECK_EQ(fs_mount(0, ""), 0);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "/tmp%u", i);
		snprintf(name2, sizeof(name2), "/file%u", i);
		memset(buf, (int)('A' + i % 26), sizeof(buf));
		CHECK_EQ(fs_make(name, S_IFREG | 0644), 0);
		CHECK_EQ(fs_write(name, 0, buf, 500 * i), 0);
		CHECK_EQ(fs_rename(name, name2, 0), 0);
		CHECK_EQ(fs_fsync(name2), 0);
		flush[i] = log_flushes();
		if (i % 5 == 4)
			(void)fs_remove(name2);
	}
	fs_crash();
	for (cut = flush[0]; cut <= flush[39]; cut += 3) {
		log_cut(cut, cut % 2 * 60);
		CHECK_EQ(fs_mount(0, ""), 0);
		for (i = 0; i < 40 && flush[i] <= cut; i++) {
			if (i % 5 == 4)
				continue;
			snprintf(name2, sizeof(name2), "/file%u", i);
			CHECK_EQ(fs_read(name2, 0, got, sizeof(got), &len), 0);
			CHECK_EQ(len, 500 * i);
			for (k = 0; k < len; k++)
				CHECK(got[k] == (char)('A' + i % 26));
		}
		fs_unmount();
		CHECK_EQ(disk_fsck("-fn"), 0);
	}
	log_stop();
}

TEST(orphans_are_cleaned_up)
{
	static char buf[100000];
	struct vnode *vp;
	struct statfs_k a, b;

	memset(buf, 'o', sizeof(buf));
	disk_make(8192, "-t ext4 -b 1024");
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(ext4_statfs(&env_mount, &a), 0);
	CHECK_EQ(fs_make("/gone", S_IFREG | 0644), 0);
	CHECK_EQ(fs_write("/gone", 0, buf, sizeof(buf)), 0);
	CHECK_EQ(fs_sync(), 0);
	CHECK_EQ(fs_walk("/gone", &vp), 0);
	log_start();
	CHECK_EQ(fs_remove("/gone"), 0);
	CHECK_EQ(fs_sync(), 0);
	CHECK(log_flushes() > 0);
	log_cut(log_flushes(), 100);
	log_stop();
	vrele(vp);
	fs_crash();
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(ext4_statfs(&env_mount, &b), 0);
	CHECK_EQ(fs_sync(), 0);
	CHECK_EQ(ext4_statfs(&env_mount, &b), 0);
	CHECK_EQ(a.f_bfree, b.f_bfree);
	CHECK_EQ(a.f_ffree, b.f_ffree);
	fs_unmount();
	CHECK_EQ(disk_fsck("-fn"), 0);
}

static char wbuf[30000];
static bool synced[12];			/* files that fsync confirmed */

static void
workload(void)
{
	struct stat_k st;
	struct vnode *vp;
	char name[32];
	int i;

	(void)fs_make("/d", S_IFDIR | 0755);
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "/d/f%d", i);
		memset(wbuf, 'a' + i, sizeof(wbuf));
		(void)fs_make(name, S_IFREG | 0644);
		/* Open from before the write on, or an error is for nobody. */
		if (fs_walk(name, &vp) != 0)
			vp = NULL;
		(void)fs_write(name, (uint64_t)i * 3000, wbuf, sizeof(wbuf));
		if (i % 3 == 0)
			synced[i] = vp != NULL && fs_stat(name, &st) == 0 &&
			    st.st_size == i * 3000 + (int)sizeof(wbuf) &&
			    fs_fsync(name) == 0 && i != 3;
		if (vp != NULL)
			vrele(vp);
		if (i % 4 == 3)
			(void)fs_truncate(name, 100);
	}
	(void)fs_rename("/d/f1", "/d/f2", 0);
	(void)fs_remove("/d/f3");
	(void)fs_symlink("/a/very/long/target/that/does/not/fit/into/an/"
	    "inode/of/any/size/at/all", "/d/link");
	(void)fs_link("/d/f4", "/hard");
	(void)fs_sync();
}

/* What fsync had confirmed to workload() is there. */
static void
check_synced(void)
{
	static char got[sizeof(wbuf) + 1];
	char name[32];
	size_t len, k;
	int i;

	CHECK_EQ(fs_mount(0, ""), 0);
	for (i = 0; i < 12; i++) {
		if (!synced[i])
			continue;
		snprintf(name, sizeof(name), "/d/f%d", i);
		CHECK_EQ(fs_read(name, (uint64_t)i * 3000, got, sizeof(got),
		    &len), 0);
		CHECK_EQ(len, sizeof(wbuf));
		for (k = 0; k < len && got[k] == 'a' + i; k++)
			continue;
		CHECK_EQ(k, len);
	}
	fs_unmount();
}

/*
 * With any one transfer failing, or all from one on, nothing breaks; the disk
 * may be in need of e2fsck only as far as the journal goes.
 */
TEST(transfers_fail)
{
	int n, all, status;

	for (all = 0; all < 2; all++)
		for (n = 0;; n += 1 + n / 16) {
			disk_make(4096, "-t ext4 -b 1024 -J size=1");
			disk_fail_after(n, all != 0);
			memset(synced, 0, sizeof(synced));
			if (fs_mount(0, "") == 0) {
				workload();
				fs_unmount();
			}
			if (!disk_failed())
				break;
			disk_fail_after(-1, false);
			status = disk_fsck("-fp");
			CHECK(status == 0 || status == 1);
			CHECK_EQ(disk_fsck("-fn"), 0);
			check_synced();
			CHECK_EQ(kmem_outstanding(), 0);
		}
	disk_fail_after(-1, false);
}

TEST(no_memory)
{
	int n, status;

	for (n = 0;; n += 1 + n / 24) {
		disk_make(4096, "-t ext4 -b 1024 -J size=1");
		kmem_fail_after(n);
		if (fs_mount(0, "") == 0) {
			workload();
			fs_unmount();
		}
		if (!kmem_failed())
			break;
		kmem_fail_after(-1);
		status = disk_fsck("-fp");
		CHECK(status == 0 || status == 1);
		CHECK_EQ(disk_fsck("-fn"), 0);
		CHECK_EQ(kmem_outstanding(), 0);
	}
	kmem_fail_after(-1);
}
