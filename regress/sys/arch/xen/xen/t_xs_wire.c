/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's wire format, with an honest and with a hostile server.
 */
/* sources: sys/arch/xen/xen/xs_wire.c */
#include <sys/systm.h>
#include <xen/xs_wire.h>

#include <host.h>
#include <ktest.h>

static struct xenstore_domain_interface ring;
static struct xs_stream xm;

/* The server's side: put bytes into the response ring. */
static void
server_put(const void *buf, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] =
		    ((const char *)buf)[i];
}

static void
server_message(uint32_t type, uint32_t id, const char *body, uint32_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = id, .len = len };

	server_put(&h, sizeof(h));
	server_put(body, len);
}

TEST(ring_wraps)
{
	char out[700], in[700];
	size_t done, round, i;

	for (round = 0; round < 40; round++) {
		for (i = 0; i < sizeof(out); i++)
			out[i] = (char)(round + i);
		server_put(out, sizeof(out));
		CHECK_EQ(xs_ring_read(&ring, in, sizeof(in), &done), 0);
		CHECK_EQ(done, sizeof(in));
		CHECK(memcmp(in, out, sizeof(in)) == 0);
		CHECK_EQ(xs_ring_read(&ring, in, 1, &done), 0);
		CHECK_EQ(done, 0);
	}
}

TEST(write_stops_when_full)
{
	static const char data[3000];
	size_t done;

	ring.req_cons = ring.req_prod = UINT32_MAX - 100;
	CHECK_EQ(xs_ring_write(&ring, data, sizeof(data), &done), 0);
	CHECK_EQ(done, XENSTORE_RING_SIZE);
	CHECK_EQ(xs_ring_write(&ring, data, 1, &done), 0);
	CHECK_EQ(done, 0);
	ring.req_cons += 10;
	CHECK_EQ(xs_ring_write(&ring, data, sizeof(data), &done), 0);
	CHECK_EQ(done, 10);
}

TEST(impossible_indexes)
{
	char b;
	size_t done = 7;

	ring.rsp_prod = XENSTORE_RING_SIZE + 1;
	CHECK_EQ(xs_ring_read(&ring, &b, 1, &done), EIO);
	CHECK_EQ(done, 0);
	ring.req_prod = 5;
	ring.req_cons = 6;
	CHECK_EQ(xs_ring_write(&ring, "x", 1, &done), EIO);
	CHECK_EQ(ring.req_prod, 5);
}

TEST(message_in_pieces)
{
	struct xsd_sockmsg h = { .type = XS_READ, .req_id = 9, .len = 5 };
	char bytes[sizeof(h) + 5];
	size_t i;

	memcpy(bytes, &h, sizeof(h));
	memcpy(bytes + sizeof(h), "hello", 5);
	xs_stream_reset(&xm);
	for (i = 0; i < sizeof(bytes); i++) {
		CHECK_EQ(xs_stream_fill(&xm, &ring), EAGAIN);
		server_put(bytes + i, 1);
	}
	CHECK_EQ(xs_stream_fill(&xm, &ring), 0);
	CHECK_EQ(xm.xm_hdr.req_id, 9);
	CHECK_STR(xm.xm_body, "hello");
}

TEST(two_messages_do_not_mix)
{
	xs_stream_reset(&xm);
	server_message(XS_READ, 1, "a", 1);
	server_message(XS_WATCH_EVENT, 0, "p\0t\0", 4);
	CHECK_EQ(xs_stream_fill(&xm, &ring), 0);
	CHECK_STR(xm.xm_body, "a");
	xs_stream_reset(&xm);
	CHECK_EQ(xs_stream_fill(&xm, &ring), 0);
	CHECK_EQ(xm.xm_hdr.type, XS_WATCH_EVENT);
	CHECK_EQ(xs_count_strings(xm.xm_body, xm.xm_hdr.len), 2);
}

TEST(payload_too_long)
{
	struct xsd_sockmsg h = { .len = XENSTORE_PAYLOAD_MAX + 1 };

	xs_stream_reset(&xm);
	server_put(&h, sizeof(h));
	CHECK_EQ(xs_stream_fill(&xm, &ring), EIO);
}

TEST(longest_payload)
{
	static char body[XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { .len = sizeof(body) };
	size_t off = 0, n;

	memset(body, 'x', sizeof(body));
	xs_stream_reset(&xm);
	server_put(&h, sizeof(h));
	while (off < sizeof(body)) {
		CHECK_EQ(xs_stream_fill(&xm, &ring), EAGAIN);
		n = MIN(sizeof(body) - off, (size_t)XENSTORE_RING_SIZE);
		server_put(body + off, n);
		off += n;
	}
	CHECK_EQ(xs_stream_fill(&xm, &ring), 0);
	CHECK_EQ(strlen(xm.xm_body), sizeof(body));
}

TEST(error_names)
{
	CHECK_EQ(xs_error_number("ENOENT", 7), ENOENT);
	CHECK_EQ(xs_error_number("EAGAIN", 6), EAGAIN);	/* without its NUL */
	CHECK_EQ(xs_error_number("ENOENTX", 8), EIO);
	CHECK_EQ(xs_error_number("E", 1), EIO);
	CHECK_EQ(xs_error_number("", 0), EIO);
}

TEST(strings_and_numbers)
{
	uint64_t v = 1;

	CHECK_EQ(xs_count_strings("", 0), 0);
	CHECK_EQ(xs_count_strings("a\0b\0", 4), 2);
	CHECK(xs_count_strings("a\0b", 3) == ~0U);
	CHECK_EQ(xs_parse_u64("18446744073709551615", &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(xs_parse_u64("18446744073709551616", &v), EINVAL);
	CHECK_EQ(xs_parse_u64("", &v), EINVAL);
	CHECK_EQ(xs_parse_u64("-1", &v), EINVAL);
	CHECK_EQ(xs_parse_u64("12 ", &v), EINVAL);
	CHECK(v == UINT64_MAX);
}
