/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT against disks that mkfs.fat makes, mtools fills and reads, and fsck.fat
 * judges: names of all kinds, a random workload against a model, full disks,
 * damage.
 */
/* sources: regress/sys/fs/env.c regress/sys/fs/env_pages.c
 * regress/sys/fs/env_damage.c regress/sys/fs/msdos/env_msdos.c
 * sys/fs/msdos/msdos_dir.c sys/fs/msdos/msdos_fat.c
 * sys/fs/msdos/msdos_name.c sys/fs/msdos/msdos_node.c
 * sys/fs/msdos/msdos_vfsops.c sys/fs/msdos/msdos_vnops.c
 * sys/kern/vfs_diskfs.c sys/kern/vfs_options.c sys/kern/vfs_vntable.c
 * sys/kern/vfs_bio.c sys/kern/subr_uio.c
 * sys/lib/utf16.c */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/msdos/msdos.h>
#include <host.h>
#include <ktest.h>

#include "../env.h"
#include "../env_damage.h"
#include "images.h"

static void
check_clean(void)
{
	CHECK_EQ(disk_command("fsck.fat -n @ >@.log 2>&1; s=$?; [ $s = 0 ] || "
	    "cat @.log >&2; rm -f @.log; exit $s"), 0);
}

TEST(reads_what_others_wrote)
{
	static char buf[300000];
	struct stat_k st;
	unsigned int f, i;
	char name[64];
	size_t got;

	for (f = 0; f < NFORMATS; f++) {
		make(f);
		CHECK_EQ(disk_command("export MTOOLS_SKIP_CHECK=1 "
		    "LC_ALL=C.UTF-8; D=@.d; rm -rf $D; mkdir -p $D/many; "
		    "seq 1 40000 >$D/seq; echo hello >\"$D/A Long Name.text\";"
		    " echo umlaut >$D/n\xc3\xa4me; for i in $(seq 1 60); do "
		    "echo $i >$D/many/a-file-number-$i; done; cp $D/seq "
		    "$D/SHORT.TXT; mcopy -s -i @ $D/* :: ; s=$?; rm -rf $D; "
		    "exit $s"), 0);
		CHECK_EQ(fs_mount(MS_RDONLY, "uid=3,umask=077"), 0);
		CHECK_EQ(fs_read("/seq", 0, buf, sizeof(buf), &got), 0);
		CHECK_EQ(got, 228894);
		CHECK(memcmp(buf + got - 6, "40000\n", 6) == 0);
		CHECK_EQ(fs_read("/short.txt", 0, buf, sizeof(buf), &got), 0);
		CHECK_EQ(got, 228894);
		CHECK_EQ(fs_read("/a long NAME.text", 0, buf, 99, &got), 0);
		CHECK(got == 6 && memcmp(buf, "hello\n", 6) == 0);
		CHECK_EQ(fs_stat("/n\xc3\xa4me", &st), 0);
		CHECK_EQ(st.st_mode, S_IFREG | 0700);
		CHECK_EQ(fs_count("/many"), 60);
		for (i = 1; i <= 60; i++) {
			snprintf(name, sizeof(name), "/many/a-file-number-%u",
			    i);
			CHECK_EQ(fs_stat(name, &st), 0);
		}
		CHECK_EQ(fs_stat("/many/a-file-number-61", &st), ENOENT);
		CHECK_EQ(fs_make("/new", S_IFREG | 0644), EROFS);
		fs_unmount();
		check_clean();
	}
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(others_read_what_it_wrote)
{
	static char buf[100000];
	unsigned int f, i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (char)('a' + i % 23);
	for (f = 0; f < NFORMATS; f++) {
		make(f);
		CHECK_EQ(fs_mount(0, ""), 0);
		CHECK_EQ(fs_make("/Some Directory", S_IFDIR | 0755), 0);
		CHECK_EQ(fs_make("/Some Directory/\xc3\xa4 file",
		    S_IFREG | 0644), 0);
		CHECK_EQ(fs_write("/Some Directory/\xc3\xa4 file", 0, buf,
		    sizeof(buf)), 0);
		CHECK_EQ(fs_make("/PLAIN.TXT", S_IFREG | 0644), 0);
		CHECK_EQ(fs_write("/PLAIN.TXT", 0, buf, 10), 0);
		CHECK((disk_bytes()[f < 4 ? 37 : 65] & 1) != 0);
		fs_unmount();
		CHECK((disk_bytes()[f < 4 ? 37 : 65] & 1) == 0);
		check_clean();
		CHECK_EQ(disk_command("export MTOOLS_SKIP_CHECK=1 "
		    "LC_ALL=C.UTF-8; mcopy -i @ '::/Some Directory/\xc3\xa4 "
		    "file' @.f && [ $(wc -c <@.f) = 100000 ] && "
		    "[ $(mtype -i @ ::/PLAIN.TXT) = abcdefghij ]; s=$?; "
		    "rm -f @.f; exit $s"), 0);
	}
}

TEST(names)
{
	static const char *const bad[] = { "/a?b", "/a*", "/x|y", "/...",
	    "/end ", "/a\\b", "/\x01" };
	struct stat_k st, st2;
	char name[300];
	unsigned int i, f;

	for (f = 0; f < NFORMATS; f++) {
		make(f);
		CHECK_EQ(fs_mount(0, "iocharset=utf8"), 0);
		for (i = 0; i < __arraycount(bad); i++)
			CHECK_EQ(fs_make(bad[i], S_IFREG | 0644), EINVAL);
		CHECK_EQ(fs_make("/d", S_IFDIR | 0755), 0);
		/* All of them want the same short name. */
		for (i = 0; i < 40; i++) {
			snprintf(name, sizeof(name),
			    "/d/the same start %u.html", i);
			CHECK_EQ(fs_make(name, S_IFREG | 0644), 0);
		}
		CHECK_EQ(fs_count("/d"), 40);
		CHECK_EQ(fs_stat("/d/THESAM~1.HTM", &st), 0);
		CHECK_EQ(fs_stat("/d/the same start 0.html", &st2), 0);
		CHECK_EQ(st.st_ino, st2.st_ino);
		CHECK_EQ(fs_make("/d/dots...", S_IFREG | 0644), 0);
		CHECK_EQ(fs_stat("/d/DOTS", &st), 0);
		CHECK_EQ(fs_make("/d/.profile", S_IFREG | 0644), 0);
		CHECK_EQ(fs_make("/d/x+y,z", S_IFREG | 0444), 0);
		CHECK_EQ(fs_stat("/d/x+y,z", &st), 0);
		CHECK_EQ(st.st_mode, S_IFREG | 0555);
		memset(name, 'q', sizeof(name));
		memcpy(name, "/d/", 3);
		name[3 + 255] = '\0';
		CHECK_EQ(fs_make(name, S_IFREG | 0644), 0);
		CHECK_EQ(fs_stat(name, &st), 0);
		CHECK_EQ(fs_rename(name, "/d/short", 0), 0);
		CHECK_EQ(fs_stat(name, &st), ENOENT);
		CHECK_EQ(fs_make("/d/sub", S_IFDIR | 0755), 0);
		CHECK_EQ(fs_rename("/d/sub", "/sub", 0), 0);
		CHECK_EQ(fs_rename("/d/short", "/sub/f", 0), 0);
		CHECK_EQ(fs_remove("/sub"), ENOTEMPTY);
		CHECK_EQ(fs_make("/sub/g", S_IFREG | 0644), 0);
		CHECK_EQ(fs_rename("/sub/f", "/sub/g", 0), 0);
		CHECK_EQ(fs_count("/sub"), 1);
		fs_unmount();
		check_clean();
		CHECK_EQ(fs_mount(0, ""), 0);
		for (i = 0; i < 40; i++) {
			snprintf(name, sizeof(name),
			    "/D/The Same Start %u.HTML", i);
			CHECK_EQ(fs_remove(name), 0);
		}
		CHECK_EQ(fs_count("/d"), 3);
		fs_unmount();
		check_clean();
	}
	CHECK_EQ(kmem_outstanding(), 0);
}

/* -- a model: some files and what is in them -- */

#define	FILES		16
#define	FILE_MAX	60000

static struct {
	bool		there;
	uint32_t	size;
	char		data[FILE_MAX];
} model[FILES];

static void
model_name(unsigned int i, char *name)
{
	snprintf(name, 64, i % 3 == 0 ? "/F%u" : i % 3 == 1 ?
	    "/dir one/A long name of %u" : "/dir one/dir two/f%u.text", i);
}

static void
model_check(void)
{
	static char buf[FILE_MAX + 1];
	unsigned int i;
	char name[64];
	size_t got;
	int error;

	for (i = 0; i < FILES; i++) {
		model_name(i, name);
		error = fs_read(name, 0, buf, sizeof(buf), &got);
		CHECK_EQ(error, model[i].there ? 0 : ENOENT);
		if (!model[i].there)
			continue;
		CHECK_EQ(got, model[i].size);
		CHECK(memcmp(buf, model[i].data, got) == 0);
	}
}

static void
model_write(unsigned int i, const char *name)
{
	static char buf[8192];
	uint32_t off = rnd(FILE_MAX - 8192), n = 1 + rnd(8191), k;

	if (rnd(2) == 0)
		off = MIN(model[i].size, FILE_MAX - 8192);
	for (k = 0; k < n; k++)
		buf[k] = (char)rnd(256);
	CHECK_EQ(fs_write(name, off, buf, n), 0);
	memcpy(model[i].data + off, buf, n);
	model[i].size = MAX(model[i].size, off + n);
}

static void
model_truncate(unsigned int i, const char *name)
{
	uint32_t size = rnd(2) == 0 ? 0 : rnd(FILE_MAX);

	CHECK_EQ(fs_truncate(name, size), 0);
	if (size < model[i].size)
		memset(model[i].data + size, 0, model[i].size - size);
	model[i].size = size;
}

static void
model_step(void)
{
	unsigned int i = rnd(FILES), j = rnd(FILES);
	char name[64], other[64];

	model_name(i, name);
	model_name(j, other);
	if (!model[i].there) {
		CHECK_EQ(fs_make(name, S_IFREG | 0644), 0);
		model[i].there = true;
		model[i].size = 0;
		memset(model[i].data, 0, FILE_MAX);
		return;
	}
	switch (rnd(8)) {
	case 0:
		CHECK_EQ(fs_remove(name), 0);
		model[i].there = false;
		break;
	case 1:
		if (i == j)
			break;
		CHECK_EQ(fs_rename(name, other, 0), 0);
		model[j] = model[i];
		model[i].there = false;
		break;
	case 2:
		model_truncate(i, name);
		break;
	case 3:
		CHECK_EQ(fs_fsync(name), 0);
		break;
	case 4:
		fs_writeback();
		break;
	default:
		model_write(i, name);
	}
}

TEST(a_random_workload_agrees_with_a_model)
{
	unsigned int f, round, i;

	for (f = 0; f < NFORMATS; f++) {
		rnd_seed(f + 1);
		memset(model, 0, sizeof(model));
		make(f);
		for (round = 0; round < 3; round++) {
			CHECK_EQ(fs_mount(0, ""), 0);
			if (round == 0) {
				CHECK_EQ(fs_make("/dir one", S_IFDIR | 0755),
				    0);
				CHECK_EQ(fs_make("/dir one/dir two",
				    S_IFDIR | 0755), 0);
			}
			model_check();
			for (i = 0; i < 500; i++)
				model_step();
			model_check();
			fs_unmount();
			check_clean();
		}
	}
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(a_full_disk)
{
	static char buf[32768];
	struct statfs_k sf;
	char name[32];
	unsigned int f;
	int i, error;

	memset(buf, 'x', sizeof(buf));
	for (f = 0; f < 3; f++) {
		make(f);
		CHECK_EQ(fs_mount(0, ""), 0);
		CHECK_EQ(fs_make("/d", S_IFDIR | 0755), 0);
		for (i = 0;; i++) {
			snprintf(name, sizeof(name), "/d/File %d", i);
			error = fs_make(name, S_IFREG | 0644);
			if (error == 0)
				error = fs_write(name, 0, buf, sizeof(buf));
			if (error != 0)
				break;
			CHECK(i < 10000);
		}
		CHECK_EQ(error, ENOSPC);
		CHECK_EQ(fs_sync(), 0);
		fs_unmount();
		check_clean();
		CHECK_EQ(fs_mount(0, ""), 0);
		for (; i >= 0; i--) {
			snprintf(name, sizeof(name), "/d/File %d", i);
			error = fs_remove(name);
			CHECK(error == 0 || error == ENOENT);
		}
		CHECK_EQ(fs_remove("/d"), 0);
		memset(&sf, 0, sizeof(sf));
		mutex_enter(&MSDOS_MOUNT(&env_mount)->fm_lock);
		CHECK_EQ(msdos_scan(MSDOS_MOUNT(&env_mount)), 0);
		CHECK_EQ(MSDOS_MOUNT(&env_mount)->fm_nfree,
		    MSDOS_MOUNT(&env_mount)->fm_nclus - (f == 4 ? 1 : 0));
		mutex_exit(&MSDOS_MOUNT(&env_mount)->fm_lock);
		fs_unmount();
		check_clean();
	}
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(what_is_in_use_stays)
{
	static char buf[20000];
	struct vnode *vp;
	struct iovec iov;
	struct uio uio;

	memset(buf, 'y', sizeof(buf));
	make(2);
	CHECK_EQ(fs_mount(0, ""), 0);
	CHECK_EQ(fs_make("/f", S_IFREG | 0644), 0);
	CHECK_EQ(fs_write("/f", 0, buf, sizeof(buf)), 0);
	CHECK_EQ(fs_walk("/f", &vp), 0);
	CHECK_EQ(fs_remove("/f"), 0);
	CHECK_EQ(fs_make("/f", S_IFREG | 0644), 0);
	memset(buf, 'z', sizeof(buf));
	CHECK_EQ(fs_write("/f", 0, buf, sizeof(buf)), 0);
	uio_kernel(&uio, &iov, buf, sizeof(buf), 0, UIO_READ);
	CHECK_EQ(vp->v_ops->vop_read(vp, &uio), 0);
	CHECK(buf[0] == 'y' && buf[sizeof(buf) - 1] == 'y');
	vrele(vp);
	CHECK_EQ(fs_truncate("/f", 1ULL << 33), EFBIG);
	CHECK_EQ(fs_truncate("/f", 100 << 20), ENOSPC);
	fs_unmount();
	check_clean();
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(errors_of_the_disk)
{
	static char buf[20000];
	int n;

	for (n = 0; n < 120; n++) {
		make(0);
		disk_fail_after(n, n % 2 == 0);
		if (fs_mount(0, "") == 0) {
			(void)fs_make("/d", S_IFDIR | 0755);
			(void)fs_make("/d/a long name", S_IFREG | 0644);
			(void)fs_write("/d/a long name", 100, buf,
			    sizeof(buf));
			(void)fs_rename("/d/a long name", "/b", 0);
			(void)fs_fsync("/b");
			(void)fs_truncate("/b", 10);
			(void)fs_remove("/b");
			(void)fs_remove("/d");
			fs_unmount();
		}
		disk_fail_after(-1, false);
		CHECK_EQ(kmem_outstanding(), 0);
	}
}

TEST(damage)
{
	unsigned int i, round;

	for (i = 0; i < 3; i++) {
		make_filled(i == 2 ? 4 : i * 2);
		damage_keep(i);
		rnd_seed(i + 1);
		for (round = 0; round < (i == 2 ? 12U : 50U); round++) {
			damage_restore(i);
			damage_hit(i);
			damage_use(round % 3 == 0 ? MS_RDONLY : 0, "");
			CHECK_EQ(kmem_outstanding(), 0);
		}
	}
}
