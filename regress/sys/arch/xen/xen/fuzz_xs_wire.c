/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server that writes what it likes into the ring, indexes included.
 */
/* sources: sys/arch/xen/xen/xs_wire.c */
#include <sys/systm.h>
#include <xen/xs_wire.h>

#include <ktest.h>

int	fuzz_one(const uint8_t *, size_t);

int
fuzz_one(const uint8_t *data, size_t size)
{
	static struct xenstore_domain_interface ring;
	static struct xs_stream xm;
	uint64_t v;
	size_t n;
	int error;

	memset(&ring, 0, sizeof(ring));
	xs_stream_reset(&xm);
	while (size >= 4) {
		/* A step: a new producer index, then bytes anywhere. */
		ring.rsp_prod = ring.rsp_cons + (data[0] | data[1] << 8);
		n = MIN(size - 4, (size_t)data[2]);
		memcpy(ring.rsp + MIN((size_t)data[3] * 4,
		    sizeof(ring.rsp) - n), data + 4, n);
		data += 4 + n;
		size -= 4 + n;
		error = xs_stream_fill(&xm, &ring);
		KASSERT(error == 0 || error == EAGAIN || error == EIO);
		if (error == EAGAIN)
			continue;
		if (error == 0) {
			KASSERT(xm.xm_hdr.len <= XENSTORE_PAYLOAD_MAX);
			(void)xs_error_number(xm.xm_body, xm.xm_hdr.len);
			(void)xs_count_strings(xm.xm_body, xm.xm_hdr.len);
			(void)xs_parse_u64(xm.xm_body, &v);
		}
		xs_stream_reset(&xm);
		ring.rsp_cons = ring.rsp_prod;
	}
	return 0;
}
