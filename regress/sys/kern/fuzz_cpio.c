/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpio parser on anything: stays inside, always ends, and says of every
 * entry what is true of it.
 */
/* sources: sys/kern/subr_cpio.c */
#include <sys/cpio.h>
#include <sys/errno.h>
#include <sys/libkern.h>
#include <sys/systm.h>

#include <ktest.h>

int	fuzz_one(const uint8_t *, size_t);

struct range {
	const uint8_t	*start, *end;
	size_t		last;
};

static int
look(void *ctx, const struct cpio_entry *ce)
{
	struct range *r = ctx;
	unsigned int sum = 0;
	const uint8_t *name = (const uint8_t *)ce->ce_name;
	size_t i;

	KASSERT(name > r->start && name + strlen(ce->ce_name) < r->end);
	KASSERT(ce->ce_data >= r->start && ce->ce_data <= r->end);
	KASSERT(ce->ce_size <= (size_t)(r->end - ce->ce_data));
	KASSERT(ce->ce_name[0] != '/');
	KASSERT(ce->ce_offset == 0 || ce->ce_offset > r->last);
	r->last = ce->ce_offset;
	for (i = 0; i < ce->ce_size; i++)
		sum += ce->ce_data[i];
	/* The bytes are looked at, so that the sanitizer sees it. */
	return sum == UINT32_MAX ? EIO : 0;
}

int
fuzz_one(const uint8_t *data, size_t size)
{
	struct range r = { data, data + size, 0 };
	struct cpio_result cr;
	int error;

	error = cpio_parse(data, size, look, &r, &cr);
	KASSERT(cr.cr_used <= size);
	KASSERT((error == 0) == (cr.cr_fault == NULL));
	return 0;
}
