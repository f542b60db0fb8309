/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio archives in the newc format (magic 070701, with checksums 070702).
 */
#ifndef _SYS_CPIO_H_
#define	_SYS_CPIO_H_

#include <sys/types.h>

struct cpio_entry {
	const char	*ce_name;	/* NUL-terminated, in the archive */
	const unsigned char *ce_data;
	size_t		ce_size;
	size_t		ce_offset;	/* of the header in the archive */
	uint32_t	ce_ino, ce_mode, ce_uid, ce_gid, ce_nlink, ce_mtime;
	uint32_t	ce_devmajor, ce_devminor, ce_rdevmajor, ce_rdevminor;
};

/* 0: go on; else the parser stops with that. */
typedef int cpio_fn(void *ctx, const struct cpio_entry *);

struct cpio_result {
	size_t		cr_used;	/* bytes, with the trailer */
	size_t		cr_entries;	/* given to the callback */
	size_t		cr_refused;	/* absolute names, or with ".." */
	const char	*cr_fault;	/* what is wrong, at cr_used; or NULL */
};

bool	cpio_probe(const void *, size_t);
/*
 * Parse one archive from its first byte to its trailer.  0; EINVAL with
 * cr_fault set; or what the callback returned.  Allocates nothing, trusts
 * nothing.
 */
int	cpio_parse(const void *, size_t, cpio_fn *, void *ctx,
	    struct cpio_result *);

#endif /* !_SYS_CPIO_H_ */
