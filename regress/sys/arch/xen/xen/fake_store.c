/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake store, see fake_store.h.
 *
 * Overview: nodes are a table of paths; a node exists with its parents.
 * A transaction works on a copy of the table and becomes the table if nobody
 * else has changed it.  What is to be said is appended to a buffer that the
 * server's thread moves to the ring as there is room.
 */
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>
#include <xen/evtchn.h>
#include <xen/machdep.h>

#include <ktest.h>

#include "../../../kern/sim.h"
#include "fake_store.h"
#include "fake_xen.h"

#define	NODES		128
#define	WATCHES		32
#define	TRANSACTIONS	4
#define	CHANGES		32
#define	OUT_SIZE	(4U << 20)
#define	POLL		(20 * NSEC_PER_USEC)

struct node {
	char	path[96];		/* empty: free */
	char	val[256];
};

struct table {
	struct node nodes[NODES];
	char	changed[CHANGES][96];	/* in a transaction */
	unsigned int nchanged;
};

struct xenstore_domain_interface *fake_store_ring;
uint32_t fake_store_port;
unsigned int fake_store_requests, fake_store_conflicts;
const char *fake_store_fail;
uint32_t fake_store_fail_type;
bool fake_store_stopped;
bool (*fake_store_evil)(const struct xsd_sockmsg *, const char *);

static struct table store;
static unsigned int store_generation;
static struct {
	char	path[96], token[16];
} watches[WATCHES];
static struct {
	uint32_t id;			/* 0: free */
	unsigned int generation;
	struct table copy;
} transactions[TRANSACTIONS];
static uint32_t last_transaction;

static struct xenstore_domain_interface rings[2];
static unsigned int ring_index;

static char out[OUT_SIZE];
static size_t out_head, out_tail;	/* free-running */
static struct {
	struct xsd_sockmsg h;
	char	body[XENSTORE_PAYLOAD_MAX + 1];
	size_t	got;
} in;

/* ---- what is said ---- */

void
fake_store_put(const void *buf, size_t n)
{
	const char *p = buf;

	if (out_tail - out_head + n > OUT_SIZE)
		panic("the fake store has too much to say");
	while (n-- > 0)
		out[out_tail++ % OUT_SIZE] = *p++;
}

void
fake_store_reply(uint32_t type, uint32_t id, const void *body, uint32_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = id, .len = len };

	fake_store_put(&h, sizeof(h));
	fake_store_put(body, len);
}

void
fake_store_event(const char *path, const char *token)
{
	char body[128];
	size_t n = strlen(path) + 1, m = strlen(token) + 1;

	KASSERT(n + m <= sizeof(body));
	memcpy(body, path, n);
	memcpy(body + n, token, m);
	fake_store_reply(XS_WATCH_EVENT, 0, body, (uint32_t)(n + m));
}

static void
say_error(uint32_t id, const char *name)
{
	fake_store_reply(XS_ERROR, id, name, (uint32_t)strlen(name) + 1);
}

/* ---- nodes ---- */

static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

static struct node *
find(struct table *t, const char *path)
{
	unsigned int i;

	for (i = 0; i < NODES; i++)
		if (t->nodes[i].path[0] != '\0' &&
		    strcmp(t->nodes[i].path, path) == 0)
			return &t->nodes[i];
	return NULL;
}

static void
set(struct table *t, const char *path, const char *val)
{
	struct node *n = find(t, path);
	char parent[96], *slash;
	unsigned int i;

	if (n == NULL) {
		strlcpy(parent, path, sizeof(parent));
		slash = strrchr(parent, '/');
		if (slash != NULL && slash != parent) {
			*slash = '\0';
			if (find(t, parent) == NULL)
				set(t, parent, "");
		}
		for (i = 0; i < NODES && t->nodes[i].path[0] != '\0'; i++)
			continue;
		KASSERT(i < NODES);
		n = &t->nodes[i];
		strlcpy(n->path, path, sizeof(n->path));
	}
	strlcpy(n->val, val, sizeof(n->val));
}

static void
remove_below(struct table *t, const char *path)
{
	unsigned int i;

	for (i = 0; i < NODES; i++)
		if (is_below(t->nodes[i].path, path))
			t->nodes[i].path[0] = '\0';
}

/* The names right below a directory, each with its NUL; their length. */
static uint32_t
list(struct table *t, const char *dir, char *buf)
{
	size_t n = strlen(dir), len = 0;
	const char *p;
	unsigned int i;

	for (i = 0; i < NODES; i++) {
		p = t->nodes[i].path;
		if (!is_below(p, dir) || p[n] == '\0' ||
		    strchr(p + n + 1, '/') != NULL)
			continue;
		strlcpy(buf + len, p + n + 1, 64);
		len += strlen(buf + len) + 1;
	}
	return (uint32_t)len;
}

static void
fire(const char *path)
{
	unsigned int i;

	for (i = 0; i < WATCHES; i++)
		if (watches[i].path[0] != '\0' &&
		    is_below(path, watches[i].path))
			fake_store_event(path, watches[i].token);
}

/* As a removal does: watches below are told, too. */
static void
fire_removed(const char *path)
{
	unsigned int i;

	fire(path);
	for (i = 0; i < WATCHES; i++)
		if (watches[i].path[0] != '\0' &&
		    strcmp(watches[i].path, path) != 0 &&
		    is_below(watches[i].path, path))
			fake_store_event(watches[i].path, watches[i].token);
}

void
fake_store_set(const char *path, const char *val)
{
	set(&store, path, val);
	store_generation++;
	fire(path);
}

void
fake_store_rm(const char *path)
{
	remove_below(&store, path);
	store_generation++;
	fire_removed(path);
}

const char *
fake_store_get(const char *path)
{
	struct node *n = find(&store, path);

	return n != NULL ? n->val : NULL;
}

unsigned int
fake_store_watches(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < WATCHES; i++)
		n += watches[i].path[0] != '\0';
	return n;
}

unsigned int
fake_store_transactions(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < TRANSACTIONS; i++)
		n += transactions[i].id != 0;
	return n;
}

/* ---- requests ---- */

static void
transaction_start(void)
{
	char id[12];
	unsigned int i;

	for (i = 0; i < TRANSACTIONS && transactions[i].id != 0; i++)
		continue;
	if (i == TRANSACTIONS) {
		say_error(in.h.req_id, "ENOSPC");
		return;
	}
	transactions[i].id = ++last_transaction;
	transactions[i].generation = store_generation;
	transactions[i].copy = store;
	snprintf(id, sizeof(id), "%u", last_transaction);
	fake_store_reply(in.h.type, in.h.req_id, id,
	    (uint32_t)strlen(id) + 1);
}

static void
transaction_end(unsigned int i)
{
	struct table *t = &transactions[i].copy;
	unsigned int c;

	transactions[i].id = 0;
	if (in.body[0] == 'T') {
		if (transactions[i].generation != store_generation ||
		    fake_store_conflicts > 0) {
			fake_store_conflicts -= fake_store_conflicts > 0;
			say_error(in.h.req_id, "EAGAIN");
			return;
		}
		store = *t;
		store.nchanged = 0;
		store_generation++;
		for (c = 0; c < t->nchanged; c++)
			fire(t->changed[c]);
	}
	fake_store_reply(in.h.type, in.h.req_id, "OK", 3);
}

static void
watch(const char *path, const char *token)
{
	unsigned int i;

	for (i = 0; i < WATCHES; i++)
		if (strcmp(watches[i].path, path) == 0 &&
		    strcmp(watches[i].token, token) == 0) {
			say_error(in.h.req_id, "EEXIST");
			return;
		}
	for (i = 0; i < WATCHES && watches[i].path[0] != '\0'; i++)
		continue;
	if (i == WATCHES) {
		say_error(in.h.req_id, "E2BIG");
		return;
	}
	strlcpy(watches[i].path, path, sizeof(watches[i].path));
	strlcpy(watches[i].token, token, sizeof(watches[i].token));
	fake_store_reply(in.h.type, in.h.req_id, "OK", 3);
	fake_store_event(path, token);
}

static void
unwatch(const char *path, const char *token)
{
	unsigned int i;

	for (i = 0; i < WATCHES; i++)
		if (strcmp(watches[i].path, path) == 0 &&
		    strcmp(watches[i].token, token) == 0)
			break;
	if (i == WATCHES) {
		say_error(in.h.req_id, "ENOENT");
		return;
	}
	watches[i].path[0] = '\0';
	fake_store_reply(in.h.type, in.h.req_id, "OK", 3);
}

/* A change of the table by the guest. */
static void
change(struct table *t, bool rm, const char *val)
{
	if (rm)
		remove_below(t, in.body);
	else
		set(t, in.body, val);
	if (t == &store) {
		store_generation++;
		if (rm)
			fire_removed(in.body);
		else
			fire(in.body);
	} else if (t->nchanged < CHANGES) {
		strlcpy(t->changed[t->nchanged++], in.body, 96);
	}
	fake_store_reply(in.h.type, in.h.req_id, "OK", 3);
}

static void
answer_node(struct table *t)
{
	struct node *n = find(t, in.body);
	char buf[XENSTORE_PAYLOAD_MAX];
	const char *val = in.body + strlen(in.body) + 1;

	switch (in.h.type) {
	case XS_READ:
	case XS_DIRECTORY:
		if (n == NULL)
			say_error(in.h.req_id, "ENOENT");
		else if (in.h.type == XS_READ)
			fake_store_reply(in.h.type, in.h.req_id, n->val,
			    (uint32_t)strlen(n->val));
		else
			fake_store_reply(in.h.type, in.h.req_id, buf,
			    list(t, in.body, buf));
		break;
	case XS_WRITE:
		change(t, false, val);
		break;
	case XS_MKDIR:
		change(t, false, "");
		break;
	case XS_RM:
		change(t, true, NULL);
		break;
	default:
		say_error(in.h.req_id, "ENOSYS");
	}
}

static void
answer(void)
{
	const char *second = in.body + strlen(in.body) + 1;
	unsigned int i;

	fake_store_requests++;
	in.body[in.h.len] = '\0';
	if (fake_store_evil != NULL && fake_store_evil(&in.h, in.body))
		return;
	if (fake_store_fail != NULL && fake_store_fail_type == in.h.type) {
		say_error(in.h.req_id, fake_store_fail);
		return;
	}
	for (i = 0; i < TRANSACTIONS; i++)
		if (in.h.tx_id != 0 && transactions[i].id == in.h.tx_id)
			break;
	if (in.h.tx_id != 0 && i == TRANSACTIONS)
		say_error(in.h.req_id, "ENOENT");
	else if (in.h.type == XS_TRANSACTION_START)
		transaction_start();
	else if (in.h.type == XS_TRANSACTION_END)
		transaction_end(i);
	else if (in.h.type == XS_WATCH)
		watch(in.body, second);
	else if (in.h.type == XS_UNWATCH)
		unwatch(in.body, second);
	else
		answer_node(in.h.tx_id != 0 ? &transactions[i].copy : &store);
}

/* ---- the thread ---- */

static bool
take_request(void)
{
	struct xenstore_domain_interface *r = fake_store_ring;
	size_t want;
	char c;

	while (r->req_cons != r->req_prod) {
		KASSERT(r->req_prod - r->req_cons <= XENSTORE_RING_SIZE);
		c = r->req[MASK_XENSTORE_IDX(r->req_cons)];
		r->req_cons++;
		if (in.got < sizeof(in.h))
			((char *)&in.h)[in.got++] = c;
		else
			in.body[in.got++ - sizeof(in.h)] = c;
		if (in.got < sizeof(in.h))
			continue;
		KASSERT(in.h.len <= XENSTORE_PAYLOAD_MAX);
		want = sizeof(in.h) + in.h.len;
		if (in.got == want) {
			in.got = 0;
			answer();
			return true;
		}
	}
	return false;
}

static bool
send_out(void)
{
	struct xenstore_domain_interface *r = fake_store_ring;
	bool sent = false;

	while (out_head != out_tail &&
	    r->rsp_prod - r->rsp_cons < XENSTORE_RING_SIZE) {
		r->rsp[MASK_XENSTORE_IDX(r->rsp_prod)] =
		    out[out_head++ % OUT_SIZE];
		r->rsp_prod++;
		sent = true;
	}
	return sent;
}

static void
forget(void)
{
	memset(watches, 0, sizeof(watches));
	memset(transactions, 0, sizeof(transactions));
	in.got = 0;
	out_head = out_tail;
}

/* The guest asks for a fresh start. */
static void
reconnect(void)
{
	struct xenstore_domain_interface *r = fake_store_ring;

	forget();
	r->req_cons = r->req_prod = r->rsp_cons = r->rsp_prod = 0;
	r->connection = XENSTORE_CONNECTED;
}

static void
upcall(void)
{
	bool intr = intr_disable();

	if (cpu_info_primary.ci_md.md_vcpu->evtchn_upcall_pending != 0) {
		cpu_intr_enter(false);
		evtchn_upcall();
		cpu_intr_exit();
		if (intr)
			sched_preempt();
	}
	intr_restore(intr);
}

static void
server(void *arg)
{
	bool moved;

	(void)arg;
	for (;;) {
		moved = false;
		if (!fake_store_stopped && !cpu_others_stopped) {
			if ((fake_store_ring->server_features &
			    XENSTORE_SERVER_FEATURE_RECONNECTION) != 0 &&
			    fake_store_ring->connection != XENSTORE_CONNECTED) {
				reconnect();
				moved = true;
			}
			moved |= take_request();
			moved |= send_out();
		}
		if (moved)
			fake_raise(fake_store_port);
		upcall();
		(void)kpause("fakestore", false, nanouptime() + POLL);
	}
}

void
fake_store_new_domain(void)
{
	forget();
	fake_store_ring = &rings[++ring_index % 2];
	memset(fake_store_ring, 0, sizeof(*fake_store_ring));
	fake_store_port = fake_peer_port();
}

void
fake_store_start(void)
{
	struct lwp *l = sim_thread_new(server, NULL);

	fake_store_new_domain();
	/* Events are CPU 0's. */
	memset(l->l_affinity, 0, sizeof(l->l_affinity));
	l->l_affinity[0] = 1;
	l->l_sched.se_bound = true;
	sched_enqueue(l);
}

void
fake_store_settle(void)
{
	do
		(void)kpause("settle", false, nanouptime() + 20 * POLL);
	while (out_head != out_tail ||
	    fake_store_ring->rsp_cons != fake_store_ring->rsp_prod);
	(void)kpause("settle", false, nanouptime() + 20 * POLL);
}
