/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's wire format: bytes through a shared ring, messages out of bytes,
 * strings out of messages.  Pure functions: no locks, no allocation, no
 * hypercalls; everything that comes in is checked here.
 * Source: xen/public/io/xs_wire.h, docs/misc/xenstore-ring.txt.
 */
#ifndef _XEN_XS_WIRE_H_
#define	_XEN_XS_WIRE_H_

#include <sys/errno.h>
#include <xen/public/io/xs_wire.h>

/*
 * Move up to len bytes; *done is how many.  EIO: the other side's index is
 * impossible, nothing was moved.  One reader and one writer at a time.
 */
int	xs_ring_read(struct xenstore_domain_interface *, void *, size_t len,
	    size_t *done);
int	xs_ring_write(struct xenstore_domain_interface *, const void *,
	    size_t len, size_t *done);

/* A message being assembled. */
struct xs_stream {
	struct xsd_sockmsg xm_hdr;
	size_t		xm_got;		/* bytes so far, header included */
	char		xm_body[XENSTORE_PAYLOAD_MAX + 1];
};
void	xs_stream_reset(struct xs_stream *);
/*
 * Read from the ring what there is.  0: a whole message is in, its body has
 * a NUL behind it; EAGAIN: more is needed; EIO: the peer broke the protocol.
 */
int	xs_stream_fill(struct xs_stream *, struct xenstore_domain_interface *);

/* The errno an XS_ERROR body names; EIO if it names none. */
int	xs_error_number(const char *body, size_t len);
/* NUL-terminated strings in a body: how many; ~0u if it does not end in NUL. */
unsigned int xs_count_strings(const char *body, size_t len);
/* The decimal number in a body: EINVAL if it is anything else. */
int	xs_parse_u64(const char *body, uint64_t *);

#endif /* !_XEN_XS_WIRE_H_ */
