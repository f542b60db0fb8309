/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts newc archives together for tests.
 */
#ifndef _CPIO_MAKE_H_
#define	_CPIO_MAKE_H_

#include <sys/libkern.h>
#include <sys/stat.h>

struct archive {
	unsigned char	a_buf[65536];
	size_t		a_len;
};

struct member {
	const char	*name;
	const char	*data;
	uint32_t	ino, mode, uid, gid, nlink, mtime, size, rmajor,
			rminor, check;
	const char	*magic;
};

static inline void
archive_pad(struct archive *a)
{
	while (a->a_len % 4 != 0)
		a->a_buf[a->a_len++] = 0;
}

static inline void
archive_add(struct archive *a, struct member m)
{
	size_t size = m.data == NULL ? 0 : m.size != 0 ? m.size :
	    strlen(m.data);

	a->a_len += (size_t)snprintf((char *)a->a_buf + a->a_len, 111,
	    "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
	    m.magic != NULL ? m.magic : "070701", m.ino, m.mode, m.uid,
	    m.gid, m.nlink == 0 ? 1 : m.nlink, m.mtime, (unsigned int)size,
	    8, 1, m.rmajor, m.rminor, (unsigned int)strlen(m.name) + 1,
	    m.check);
	memcpy(a->a_buf + a->a_len, m.name, strlen(m.name) + 1);
	a->a_len += strlen(m.name) + 1;
	archive_pad(a);
	if (size != 0)
		memcpy(a->a_buf + a->a_len, m.data, size);
	a->a_len += size;
	archive_pad(a);
}

static inline void
archive_end(struct archive *a)
{
	archive_add(a, (struct member){ .name = "TRAILER!!!" });
}

#endif /* !_CPIO_MAKE_H_ */
