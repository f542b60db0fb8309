/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ChaCha20 block function of RFC 8439.
 */
#ifndef _KERN_CHACHA20_H_
#define	_KERN_CHACHA20_H_

#include <sys/types.h>

/*
 * One 64-byte block of key stream.  Key and nonce as little-endian words, the
 * result as bytes in memory.
 */
void	chacha20_block(const uint32_t key[8], uint32_t counter,
	    const uint32_t nonce[3], uint32_t out[16]);

#endif /* !_KERN_CHACHA20_H_ */
