/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first page of a swap area, as mkswap(8) writes it.
 *
 * Overview: the first kilobyte is left to boot loaders; the signature is at the
 * end of the page.  Numbers are the machine's.  Label and UUID are for
 * programs.
 *
 * Untrusted input: all of it.
 */
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/swap.h>
#include <sys/systm.h>

#define	SIGNATURE	"SWAPSPACE2"
#define	SIGNATURE_LEN	10
#define	OFF_VERSION	1024
#define	OFF_LAST	1028		/* number of the last page */
#define	OFF_NBAD	1032
#define	OFF_BAD		1536
#define	VERSION		1

_Static_assert(OFF_BAD + SWAP_MAXBAD * sizeof(uint32_t) <=
    PAGE_SIZE - SIGNATURE_LEN, "bad pages fit before the signature");

static uint32_t
word(const unsigned char *p, size_t off)
{
	uint32_t v;

	memcpy(&v, p + off, sizeof(v));
	return v;
}

int
swap_header_parse(const void *page, uint64_t npages, struct swap_header *sh)
{
	const unsigned char *p = page;
	uint32_t last, i;

	if (memcmp(p + PAGE_SIZE - SIGNATURE_LEN, SIGNATURE,
	    SIGNATURE_LEN) != 0 || word(p, OFF_VERSION) != VERSION)
		return EINVAL;
	last = word(p, OFF_LAST);
	if (last == 0 || last >= npages || last == UINT32_MAX)
		return EINVAL;
	sh->sh_npages = last + 1;
	sh->sh_nbad = word(p, OFF_NBAD);
	if (sh->sh_nbad > SWAP_MAXBAD)
		return EINVAL;
	for (i = 0; i < sh->sh_nbad; i++) {
		sh->sh_bad[i] = word(p, OFF_BAD + i * sizeof(uint32_t));
		if (sh->sh_bad[i] == 0 || sh->sh_bad[i] > last)
			return EINVAL;
	}
	return 0;
}
