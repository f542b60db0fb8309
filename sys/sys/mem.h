/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory devices.
 */
#ifndef _SYS_MEM_H_
#define	_SYS_MEM_H_

/* Register /dev/null and its kin.  Once, after vfs_init(). */
void	mem_init(void);

#endif /* !_SYS_MEM_H_ */
