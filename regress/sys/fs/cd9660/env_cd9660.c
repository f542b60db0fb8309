/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of iso9660: which file system it is.
 */
#include <fs/cd9660/cd9660.h>

#include "../env.h"

const struct env_fs env_fs = {
	cd9660_mount_dev, cd9660_unmount_dev, NULL,
};
