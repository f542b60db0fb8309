/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of ext4: which file system it is, and its tools.
 */
#include <sys/systm.h>
#include <fs/ext4/ext4.h>
#include <ktest.h>

#include "env.h"

const struct env_fs env_fs = {
	ext4_mount_dev, ext4_unmount_dev, ext4_sync,
};

void
disk_make(unsigned int kib, const char *args)
{
	char cmd[1024];

	disk_blank(1);
	snprintf(cmd, sizeof(cmd), "rm -f @; mke2fs -q -F %s @ %u >/dev/null",
	    args, kib);
	CHECK_EQ(disk_command(cmd), 0);
}

int
disk_fsck(const char *args)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "e2fsck %s @ >@.log 2>&1; s=$?; "
	    "[ $s -le 1 ] || cat @.log >&2; rm -f @.log; exit $s", args);
	return disk_command(cmd);
}
