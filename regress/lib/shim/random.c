/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes that are the same in every run.
 */
#include <sys/systm.h>

void
random_bytes(void *buf, size_t len)
{
	static uint64_t state = 0x9e3779b97f4a7c15ULL;
	unsigned char *p = buf;

	for (; len > 0; p++, len--) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		*p = (unsigned char)(state >> 32);
	}
}
