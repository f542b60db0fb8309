/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of FAT: which file system it is.
 */
#include <fs/msdos/msdos.h>

#include "../env.h"

const struct env_fs env_fs = {
	msdos_mount_dev, msdos_unmount_dev, msdos_sync,
};
