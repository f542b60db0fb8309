/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of FFS: which file system it is.
 */
#include <fs/ffs/ffs.h>

#include "../env.h"

const struct env_fs env_fs = { ffs_mount_dev, ffs_unmount_dev, NULL };
