/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of partition tables, apart from disks so that it can be tested.
 */
#ifndef _DEV_DISK_PART_H_
#define	_DEV_DISK_PART_H_

#include <sys/disk.h>

/* Where a table is read from; offsets and sizes in logical blocks. */
struct part_source {
	/* Fill buf (512-byte aligned) with one block.  0 or an errno. */
	int		(*ps_read)(void *ctx, uint64_t block, void *buf);
	void		*ps_ctx;
	uint64_t	ps_blocks;	/* size of the disk */
	uint32_t	ps_bsize;	/* bytes of a block: 512 .. PAGE_SIZE */
};

/*
 * GPT, MBR with extended and BSD partitions, or a BSD label alone: at most max
 * partitions, in sectors of 512; the number of them in *n, 0 if there is no
 * table.  Thread context.  An error of ps_read, or ENOMEM.
 */
int	part_parse(const struct part_source *, struct disk_part *,
	    unsigned int max, unsigned int *n);

#endif /* !_DEV_DISK_PART_H_ */
