/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's wire format, see <xen/xs_wire.h>.
 *
 * Untrusted input: ring indexes and every header come from another domain.
 * An index is read once; a distance of more than the ring's size, or a length
 * beyond XENSTORE_PAYLOAD_MAX, is a broken peer (EIO).
 */
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <xen/xs_wire.h>

int
xs_ring_read(struct xenstore_domain_interface *ring, void *buf, size_t len,
    size_t *done)
{
	uint32_t cons, prod, avail, off, n;
	size_t moved = 0;

	*done = 0;
	cons = atomic_load_relaxed(&ring->rsp_cons);
	prod = atomic_load_acquire(&ring->rsp_prod);
	avail = prod - cons;
	if (avail > XENSTORE_RING_SIZE)
		return EIO;
	while (moved < len && avail > 0) {
		off = MASK_XENSTORE_IDX(cons);
		n = MIN(avail, XENSTORE_RING_SIZE - off);
		n = (uint32_t)MIN((size_t)n, len - moved);
		memcpy((char *)buf + moved, ring->rsp + off, n);
		moved += n;
		cons += n;
		avail -= n;
	}
	atomic_store(&ring->rsp_cons, cons);
	*done = moved;
	return 0;
}

int
xs_ring_write(struct xenstore_domain_interface *ring, const void *buf,
    size_t len, size_t *done)
{
	uint32_t cons, prod, room, off, n;
	size_t moved = 0;

	*done = 0;
	prod = atomic_load_relaxed(&ring->req_prod);
	cons = atomic_load_acquire(&ring->req_cons);
	if (prod - cons > XENSTORE_RING_SIZE)
		return EIO;
	room = XENSTORE_RING_SIZE - (prod - cons);
	while (moved < len && room > 0) {
		off = MASK_XENSTORE_IDX(prod);
		n = MIN(room, XENSTORE_RING_SIZE - off);
		n = (uint32_t)MIN((size_t)n, len - moved);
		memcpy(ring->req + off, (const char *)buf + moved, n);
		moved += n;
		prod += n;
		room -= n;
	}
	atomic_store(&ring->req_prod, prod);
	*done = moved;
	return 0;
}

void
xs_stream_reset(struct xs_stream *xm)
{
	xm->xm_got = 0;
}

int
xs_stream_fill(struct xs_stream *xm, struct xenstore_domain_interface *ring)
{
	const size_t hlen = sizeof(xm->xm_hdr);
	size_t want, done;
	int error;

	for (;;) {
		if (xm->xm_got < hlen) {
			error = xs_ring_read(ring, (char *)&xm->xm_hdr +
			    xm->xm_got, hlen - xm->xm_got, &done);
		} else {
			if (xm->xm_hdr.len > XENSTORE_PAYLOAD_MAX)
				return EIO;
			want = hlen + xm->xm_hdr.len - xm->xm_got;
			if (want == 0) {
				xm->xm_body[xm->xm_hdr.len] = '\0';
				return 0;
			}
			error = xs_ring_read(ring, xm->xm_body +
			    (xm->xm_got - hlen), want, &done);
		}
		if (error != 0)
			return error;
		if (done == 0)
			return EAGAIN;
		xm->xm_got += done;
	}
}

int
xs_error_number(const char *body, size_t len)
{
	unsigned int i;

	for (i = 0; i < __arraycount(xsd_errors); i++)
		if (strnlen(body, len) == strlen(xsd_errors[i].errstring) &&
		    strncmp(body, xsd_errors[i].errstring, len) == 0)
			return xsd_errors[i].errnum;
	return EIO;
}

unsigned int
xs_count_strings(const char *body, size_t len)
{
	unsigned int n = 0;
	size_t i;

	if (len > 0 && body[len - 1] != '\0')
		return ~0U;
	for (i = 0; i < len; i++)
		if (body[i] == '\0')
			n++;
	return n;
}

int
xs_parse_u64(const char *body, uint64_t *val)
{
	uint64_t v = 0;
	unsigned int d;

	if (*body == '\0')
		return EINVAL;
	for (; *body != '\0'; body++) {
		if (*body < '0' || *body > '9')
			return EINVAL;
		d = (unsigned int)(*body - '0');
		if (v > (UINT64_MAX - d) / 10)
			return EINVAL;
		v = v * 10 + d;
	}
	*val = v;
	return 0;
}
