/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store client: requests and their replies, transactions, watches.
 *
 * Overview: a request is written to the ring whole, under xs_tx_lock, with an
 * id of its own; its thread sleeps until the reader thread finds the reply with
 * that id.  Watch events are queued by the reader and run one by one by the
 * xenwatch thread, so a watch function may itself use the store.
 *
 * States of the connection:
 *	OPEN	requests flow
 *	HELD	a suspend is near: new requests and transactions wait, those
 *		under way finish (xs_active counts both)
 *	BROKEN	the peer broke the protocol: all waiting requests fail with EIO;
 *		the ring is emptied or, if the server can, reconnected, after
 *		which xenwatch registers all watches again; OPEN
 *
 * Locking: xs_tx_lock (mutex) one writer at a time, xs_rx_lock (mutex) the
 * reader's side of the ring, xs_watch_lock (mutex) the list of watches while
 * it is walked with the server asked; xs_lock (spin) requests, watches, the
 * event queue and the state.  Reader and xenwatch are threads.
 *
 * Suspend: xs_suspend() waits, bounded, for what is under way.  In a new domain
 * the port is another one and the server knows no watch of ours: all are
 * registered again, whoever registers one himself at that moment, too: the
 * server says EEXIST to the second.  A cancelled suspend changes nothing.
 *
 * Untrusted input: <xen/xs_wire.h> checks indexes and lengths; here replies
 * must have a waiting id and the right type, and events two strings and a known
 * token.  Beyond XS_MAX_EVENTS waiting, one event for a watch's own node stands
 * for all further ones of that watch.
 */
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/evtchn.h>
#include <xen/guest.h>
#include <xen/machdep.h>
#include <xen/xenbus.h>
#include <xen/xs_wire.h>

#define	XS_MAX_EVENTS	1000
#define	XS_SUSPEND_WAIT	(5 * NSEC_PER_SEC)

struct xs_req {
	TAILQ_ENTRY(xs_req) xr_link;	/* [l] */
	uint32_t	xr_id;		/* [I] */
	uint32_t	xr_type;	/* [I] */
	unsigned int	xr_generation;	/* [I] */
	int		xr_error;	/* [l] */
	bool		xr_done;	/* [l] */
	char		*xr_body;	/* [l] reply; NUL behind it */
	size_t		xr_len;
	struct condvar	xr_cv;
};

struct xs_event {
	TAILQ_ENTRY(xs_event) xe_link;	/* [l] */
	uint32_t	xe_watch;	/* id */
	char		*xe_path;
};

enum xs_state { XS_OPEN, XS_HELD };

static struct xenstore_domain_interface *xs_ring;	/* [s] */
static struct evt_source *xs_evt;
static struct mutex xs_tx_lock;
static struct mutex xs_watch_lock;	/* held while xs_watches is walked */
static struct mutex xs_rx_lock;		/* the ring's consumer side */
static struct spinlock xs_lock = SPINLOCK_INITIALIZER("xenstore");
static TAILQ_HEAD(, xs_req) xs_reqs = TAILQ_HEAD_INITIALIZER(xs_reqs);
static TAILQ_HEAD(, xs_event) xs_events = TAILQ_HEAD_INITIALIZER(xs_events);
static LIST_HEAD(, xs_watch) xs_watches = LIST_HEAD_INITIALIZER(xs_watches);
static unsigned int xs_nevents;			/* [l] */
static uint32_t xs_next_id, xs_next_watch;	/* [l] */
static enum xs_state xs_state;			/* [l] */
static unsigned int xs_active;			/* [l] */
static bool xs_kick;				/* [l] the event came */
static bool xs_restart;				/* [l] the ring began anew */
static bool xs_broken;				/* [l] by its other index */
static bool xs_rewatch;				/* [l] xenwatch is to do it */
static volatile unsigned int xs_generation;	/* [a] of connections */
static struct condvar xs_reader_cv, xs_space_cv, xs_event_cv, xs_state_cv,
    xs_watch_cv;
static struct xs_watch *xs_running;		/* [l] its function runs */
static struct lwp *xs_watch_lwp;

/* ---- the gate that a suspend closes ---- */

static void
gate_enter(void)
{
	spin_enter(&xs_lock);
	/* The xenwatch thread waits here, too, in the middle of a function. */
	while (xs_state == XS_HELD)
		cv_wait_spin(&xs_state_cv, &xs_lock);
	xs_active++;
	spin_exit(&xs_lock);
}

static void
gate_leave(void)
{
	spin_enter(&xs_lock);
	KASSERT(xs_active > 0);
	if (--xs_active == 0)
		cv_broadcast(&xs_state_cv);
	spin_exit(&xs_lock);
}

/* ---- requests ---- */

struct xs_part {
	const void	*p;
	size_t		len;
};

/* EIO: the server's index is impossible, or the connection another. */
static int
ring_put(const struct xs_req *xr, const void *buf, size_t len)
{
	const char *p = buf;
	size_t done;
	int error;

	while (len > 0) {
		if (atomic_load(&xs_generation) != xr->xr_generation)
			return EIO;
		error = xs_ring_write(xs_ring, p, len, &done);
		if (error != 0) {
			spin_enter(&xs_lock);
			xs_broken = xs_kick = true;
			cv_broadcast(&xs_reader_cv);
			spin_exit(&xs_lock);
			return error;
		}
		p += done;
		len -= done;
		if (done > 0)
			evtchn_notify(xs_evt);
		if (len > 0) {
			spin_enter(&xs_lock);
			(void)cv_timedwait_spin(&xs_space_cv, &xs_lock,
			    nanouptime() + 100 * NSEC_PER_MSEC);
			spin_exit(&xs_lock);
		}
	}
	return 0;
}

static int
send_message(struct xs_req *xr, xs_transaction_t tx, const struct xs_part *part,
    unsigned int nparts)
{
	struct xsd_sockmsg hdr = { .type = xr->xr_type, .tx_id = tx };
	unsigned int i;
	int error;

	for (i = 0; i < nparts; i++)
		hdr.len += part[i].len;
	if (hdr.len > XENSTORE_PAYLOAD_MAX)
		return E2BIG;
	mutex_enter(&xs_tx_lock);
	spin_enter(&xs_lock);
	if (++xs_next_id == 0)
		xs_next_id = 1;		/* 0: not sent */
	hdr.req_id = xr->xr_id = xs_next_id;
	xr->xr_generation = xs_generation;
	TAILQ_INSERT_TAIL(&xs_reqs, xr, xr_link);
	spin_exit(&xs_lock);
	error = ring_put(xr, &hdr, sizeof(hdr));
	for (i = 0; error == 0 && i < nparts; i++)
		error = ring_put(xr, part[i].p, part[i].len);
	mutex_exit(&xs_tx_lock);
	return error;
}

/*
 * One exchange.  On success *body (if wanted) is the reply in kmem memory of
 * *len + 1 bytes.
 */
static int
talk(xs_transaction_t tx, uint32_t type, const struct xs_part *part,
    unsigned int nparts, char **body, size_t *len)
{
	struct xs_req xr = { .xr_type = type };
	int error;

	if (xs_ring == NULL)
		return ENXIO;
	cv_init(&xr.xr_cv, "xsreply");
	error = send_message(&xr, tx, part, nparts);
	spin_enter(&xs_lock);
	while (error == 0 && !xr.xr_done)
		cv_wait_spin(&xr.xr_cv, &xs_lock);
	if (xr.xr_id != 0 && !xr.xr_done)
		TAILQ_REMOVE(&xs_reqs, &xr, xr_link);
	spin_exit(&xs_lock);
	if (error == 0)
		error = xr.xr_error;
	if (error == 0 && body != NULL) {
		*body = xr.xr_body;
		*len = xr.xr_len;
	} else if (xr.xr_body != NULL) {
		kmem_free(xr.xr_body, xr.xr_len + 1);
	}
	return error;
}

/* Through the gate, unless it was passed at the transaction's start. */
static int
talk_gated(xs_transaction_t tx, uint32_t type, const struct xs_part *part,
    unsigned int nparts, char **body, size_t *len)
{
	int error;

	if (tx == XST_NIL)
		gate_enter();
	error = talk(tx, type, part, nparts, body, len);
	if (tx == XST_NIL)
		gate_leave();
	return error;
}

/* "dir/node" or "dir" in fresh memory. */
static char *
join(const char *dir, const char *node)
{
	if (node == NULL || *node == '\0')
		return kmem_strdup(dir, KM_SLEEP);
	return kmem_asprintf("%s/%s", dir, node);
}

static int
talk_path(xs_transaction_t tx, uint32_t type, const char *dir,
    const char *node, const char *data, char **body, size_t *len)
{
	struct xs_part part[2];
	char *path;
	int error;

	path = join(dir, node);
	if (path == NULL)
		return ENOMEM;
	part[0] = (struct xs_part){ path, strlen(path) + 1 };
	part[1] = (struct xs_part){ data, data != NULL ? strlen(data) : 0 };
	error = talk_gated(tx, type, part, data != NULL ? 2 : 1, body, len);
	kmem_strfree(path);
	return error;
}

int
xs_read(xs_transaction_t tx, const char *dir, const char *node, char **val)
{
	char *body;
	size_t len;
	int error;

	error = talk_path(tx, XS_READ, dir, node, NULL, &body, &len);
	if (error != 0)
		return error;
	/* A value may hold NULs; what follows one is not for us. */
	*val = kmem_strdup(body, KM_SLEEP);
	kmem_free(body, len + 1);
	return *val != NULL ? 0 : ENOMEM;
}

int
xs_read_u64(xs_transaction_t tx, const char *dir, const char *node,
    uint64_t *val)
{
	char *s;
	int error;

	error = xs_read(tx, dir, node, &s);
	if (error != 0)
		return error;
	error = xs_parse_u64(s, val);
	kmem_strfree(s);
	return error;
}

int
xs_write(xs_transaction_t tx, const char *dir, const char *node,
    const char *val)
{
	return talk_path(tx, XS_WRITE, dir, node, val, NULL, NULL);
}

int
xs_printf(xs_transaction_t tx, const char *dir, const char *node,
    const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(buf))
		return E2BIG;
	return xs_write(tx, dir, node, buf);
}

int
xs_mkdir(xs_transaction_t tx, const char *dir, const char *node)
{
	return talk_path(tx, XS_MKDIR, dir, node, NULL, NULL, NULL);
}

int
xs_rm(xs_transaction_t tx, const char *dir, const char *node)
{
	return talk_path(tx, XS_RM, dir, node, NULL, NULL, NULL);
}

int
xs_directory(xs_transaction_t tx, const char *dir, const char *node,
    char ***listp, unsigned int *np)
{
	unsigned int i, n;
	char **list, *body, *p;
	size_t len;
	int error;

	error = talk_path(tx, XS_DIRECTORY, dir, node, NULL, &body, &len);
	if (error != 0)
		return error;
	n = xs_count_strings(body, len);
	if (n == ~0U) {
		kmem_free(body, len + 1);
		return EIO;
	}
	list = kmem_zalloc((n + 1) * sizeof(*list), KM_SLEEP);
	for (i = 0, p = body; list != NULL && i < n; i++) {
		list[i] = kmem_strdup(p, KM_SLEEP);
		p += strlen(p) + 1;
		if (list[i] == NULL) {
			xs_directory_free(list, n);
			list = NULL;
		}
	}
	kmem_free(body, len + 1);
	if (list == NULL)
		return ENOMEM;
	*listp = list;
	*np = n;
	return 0;
}

void
xs_directory_free(char **list, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (list[i] != NULL)
			kmem_strfree(list[i]);
	kmem_free(list, (n + 1) * sizeof(*list));
}

int
xs_transaction_start(xs_transaction_t *tx)
{
	struct xs_part part = { "", 1 };
	uint64_t id;
	char *body;
	size_t len;
	int error;

	gate_enter();
	error = talk(XST_NIL, XS_TRANSACTION_START, &part, 1, &body, &len);
	if (error == 0) {
		error = xs_parse_u64(body, &id);
		kmem_free(body, len + 1);
		if (error == 0 && (id == 0 || id > UINT32_MAX))
			error = EIO;
	}
	if (error != 0) {
		gate_leave();
		return error;
	}
	*tx = (xs_transaction_t)id;
	return 0;
}

int
xs_transaction_end(xs_transaction_t tx, bool abort)
{
	struct xs_part part = { abort ? "F" : "T", 2 };
	int error;

	error = talk(tx, XS_TRANSACTION_END, &part, 1, NULL, NULL);
	gate_leave();
	return error;
}

/* ---- watches ---- */

static int
watch_op(const struct xs_watch *xw, uint32_t type)
{
	char token[12];
	struct xs_part part[2];
	int error;

	snprintf(token, sizeof(token), "%x", xw->xw_id);
	part[0] = (struct xs_part){ xw->xw_node, strlen(xw->xw_node) + 1 };
	part[1] = (struct xs_part){ token, strlen(token) + 1 };
	error = talk(XST_NIL, type, part, 2, NULL, NULL);
	return type == XS_WATCH && error == EEXIST ? 0 : error;
}

static void
watch_list(struct xs_watch *xw, bool in)
{
	mutex_enter(&xs_watch_lock);
	spin_enter(&xs_lock);
	if (in) {
		xw->xw_id = ++xs_next_watch;
		LIST_INSERT_HEAD(&xs_watches, xw, xw_link);
	} else {
		LIST_REMOVE(xw, xw_link);
	}
	spin_exit(&xs_lock);
	mutex_exit(&xs_watch_lock);
}

int
xs_watch(struct xs_watch *xw)
{
	int error;

	watch_list(xw, true);	/* before: it fires at once */
	gate_enter();
	error = watch_op(xw, XS_WATCH);
	gate_leave();
	if (error != 0)
		watch_list(xw, false);
	return error;
}

static void
event_free(struct xs_event *xe)
{
	kmem_strfree(xe->xe_path);
	kmem_free(xe, sizeof(*xe));
}

void
xs_unwatch_nowait(struct xs_watch *xw)
{
	struct xs_event *xe, *next;

	watch_list(xw, false);	/* before: nobody registers it again */
	gate_enter();
	(void)watch_op(xw, XS_UNWATCH);
	gate_leave();
	spin_enter(&xs_lock);
	for (xe = TAILQ_FIRST(&xs_events); xe != NULL; xe = next) {
		next = TAILQ_NEXT(xe, xe_link);
		if (xe->xe_watch == xw->xw_id) {
			TAILQ_REMOVE(&xs_events, xe, xe_link);
			xs_nevents--;
			event_free(xe);
		}
	}
	spin_exit(&xs_lock);
}

void
xs_unwatch(struct xs_watch *xw)
{
	xs_unwatch_nowait(xw);
	spin_enter(&xs_lock);
	while (xs_running == xw && curlwp != xs_watch_lwp)
		cv_wait_spin(&xs_watch_cv, &xs_lock);
	spin_exit(&xs_lock);
}

static struct xs_watch *
watch_find(uint32_t id)
{
	struct xs_watch *xw;

	LIST_FOREACH(xw, &xs_watches, xw_link)
		if (xw->xw_id == id)
			return xw;
	return NULL;
}

/*
 * Register every watch with a server that knows none.  xs_watch_lock keeps
 * the list as it is.
 */
static void
watch_again(void)
{
	struct xs_watch *xw;
	int error;

	mutex_enter(&xs_watch_lock);
	LIST_FOREACH(xw, &xs_watches, xw_link) {
		error = watch_op(xw, XS_WATCH);
		if (error != 0)
			printf("xenstore: watch on %s lost: error %d\n",
			    xw->xw_node, error);
	}
	mutex_exit(&xs_watch_lock);
}

static void
run_event(struct xs_event *xe)
{
	void (*func)(struct xs_watch *, const char *, const char *) = NULL;
	struct xs_watch *xw;
	char token[12];

	spin_enter(&xs_lock);
	xw = xs_running = watch_find(xe->xe_watch);
	if (xw != NULL)
		func = xw->xw_func;
	spin_exit(&xs_lock);
	if (func != NULL) {
		snprintf(token, sizeof(token), "%x", xe->xe_watch);
		func(xw, xe->xe_path, token);
	}
	event_free(xe);
	spin_enter(&xs_lock);
	xs_running = NULL;
	cv_broadcast(&xs_watch_cv);
	spin_exit(&xs_lock);
}

static void
watch_thread(void *arg __unused)
{
	struct xs_event *xe;
	bool rewatch;

	/* It connects the disks that pages are written to. */
	curlwp->l_flags |= LF_MEMRESERVE;
	for (;;) {
		spin_enter(&xs_lock);
		while (xs_state == XS_HELD ||
		    (TAILQ_EMPTY(&xs_events) && !xs_rewatch))
			cv_wait_spin(&xs_event_cv, &xs_lock);
		rewatch = xs_rewatch;
		xs_rewatch = false;
		xe = TAILQ_FIRST(&xs_events);
		if (xe != NULL) {
			TAILQ_REMOVE(&xs_events, xe, xe_link);
			xs_nevents--;
		}
		spin_exit(&xs_lock);
		if (rewatch) {
			gate_enter();
			watch_again();
			gate_leave();
		}
		if (xe != NULL)
			run_event(xe);
	}
}

/* ---- what comes in ---- */

static bool
event_is_queued(uint32_t id, const char *path)
{
	struct xs_event *xe;

	TAILQ_FOREACH(xe, &xs_events, xe_link)
		if (xe->xe_watch == id && strcmp(xe->xe_path, path) == 0)
			return true;
	return false;
}

/*
 * With many waiting, the event shall only say that there was something below
 * the watch's node; false: one that says so waits, or no memory.  Lock held.
 */
static bool
event_merge(struct xs_event *xe, const struct xs_watch *xw)
{
	char *path;

	if (event_is_queued(xw->xw_id, xw->xw_node))
		return false;
	path = kmem_strdup(xw->xw_node, KM_NOSLEEP);
	if (path == NULL)
		return false;
	kmem_strfree(xe->xe_path);
	xe->xe_path = path;
	return true;
}

static void
take_event(const struct xs_stream *xm)
{
	const char *path = xm->xm_body, *token;
	const struct xs_watch *xw;
	struct xs_event *xe;
	uint64_t id;

	if (xs_count_strings(path, xm->xm_hdr.len) < 2 ||
	    xs_count_strings(path, xm->xm_hdr.len) == ~0U)
		return;
	token = path + strlen(path) + 1;
	if (kstrtou64(token, 16, &id) != 0 || id > UINT32_MAX)
		return;
	xe = kmem_alloc(sizeof(*xe), KM_SLEEP);
	if (xe == NULL)
		return;
	xe->xe_watch = (uint32_t)id;
	xe->xe_path = kmem_strdup(path, KM_SLEEP);
	if (xe->xe_path == NULL) {
		kmem_free(xe, sizeof(*xe));
		return;
	}
	spin_enter(&xs_lock);
	xw = watch_find(xe->xe_watch);
	if (xw == NULL ||
	    (xs_nevents >= XS_MAX_EVENTS && !event_merge(xe, xw))) {
		spin_exit(&xs_lock);
		event_free(xe);
		return;
	}
	TAILQ_INSERT_TAIL(&xs_events, xe, xe_link);
	xs_nevents++;
	cv_signal(&xs_event_cv);
	spin_exit(&xs_lock);
}

static void
complete(struct xs_req *xr, int error)
{
	TAILQ_REMOVE(&xs_reqs, xr, xr_link);
	xr->xr_error = error;
	xr->xr_done = true;
	cv_signal(&xr->xr_cv);
}

static void
take_reply(const struct xs_stream *xm)
{
	struct xs_req *xr;
	size_t len = xm->xm_hdr.len;
	char *body;
	int error = 0;

	body = kmem_alloc(len + 1, KM_SLEEP);
	if (body != NULL)
		memcpy(body, xm->xm_body, len + 1);
	else
		error = ENOMEM;
	spin_enter(&xs_lock);
	TAILQ_FOREACH(xr, &xs_reqs, xr_link)
		if (xr->xr_id == xm->xm_hdr.req_id)
			break;
	if (xr != NULL) {
		if (xm->xm_hdr.type == XS_ERROR)
			error = xs_error_number(xm->xm_body, len);
		else if (xm->xm_hdr.type != xr->xr_type)
			error = EIO;
		xr->xr_body = body;
		xr->xr_len = len;
		body = NULL;
		complete(xr, error);
	}
	spin_exit(&xs_lock);
	if (body != NULL)
		kmem_free(body, len + 1);
}

/* The server empties both rings, forgets our watches and says CONNECTED. */
static void
ring_reconnect(void)
{
	bool restart = false;

	/* Who is in the middle of a request gives it up. */
	(void)atomic_add(&xs_generation, 1);
	mutex_enter(&xs_tx_lock);
	atomic_store(&xs_ring->connection, XENSTORE_RECONNECT);
	evtchn_notify(xs_evt);
	while (atomic_load(&xs_ring->connection) != XENSTORE_CONNECTED &&
	    !restart) {
		(void)kpause("xsreconn", false,
		    nanouptime() + 10 * NSEC_PER_MSEC);
		spin_enter(&xs_lock);
		restart = xs_restart;
		spin_exit(&xs_lock);
	}
	mutex_exit(&xs_tx_lock);
	spin_enter(&xs_lock);
	xs_rewatch = true;
	cv_signal(&xs_event_cv);
	spin_exit(&xs_lock);
}

/* The peer broke the protocol: fail everybody and start with an empty ring. */
static void
ring_broken(void)
{
	struct xs_req *xr;

	printf("xenstore: protocol error by the server, ring reset\n");
	spin_enter(&xs_lock);
	xs_broken = false;
	while ((xr = TAILQ_FIRST(&xs_reqs)) != NULL)
		complete(xr, EIO);
	spin_exit(&xs_lock);
	if ((xs_ring->server_features & XENSTORE_SERVER_FEATURE_RECONNECTION)
	    != 0) {
		ring_reconnect();
	} else {
		atomic_store(&xs_ring->rsp_cons, xs_ring->rsp_prod);
		/* A server that keeps on is asked at most once a second. */
		(void)kpause("xsbroken", false, nanouptime() + NSEC_PER_SEC);
	}
}

static void
reader_thread(void *arg)
{
	struct xs_stream *xm = arg;
	int error;

	curlwp->l_flags |= LF_MEMRESERVE;	/* as the other */
	xs_stream_reset(xm);
	for (;;) {
		mutex_enter(&xs_rx_lock);
		spin_enter(&xs_lock);
		xs_kick = false;
		if (xs_restart) {
			/* Half a message of the old server is in our hands. */
			xs_restart = false;
			xs_stream_reset(xm);
		}
		error = xs_broken ? EIO : 0;
		spin_exit(&xs_lock);
		if (error == 0)
			error = xs_stream_fill(xm, xs_ring);
		mutex_exit(&xs_rx_lock);
		if (error == 0) {
			if (xm->xm_hdr.type == XS_WATCH_EVENT)
				take_event(xm);
			else
				take_reply(xm);
			xs_stream_reset(xm);
			evtchn_notify(xs_evt);	/* there is room again */
			continue;
		}
		if (error == EIO) {
			ring_broken();
			xs_stream_reset(xm);
			continue;
		}
		spin_enter(&xs_lock);
		while (!xs_kick)
			cv_wait_spin(&xs_reader_cv, &xs_lock);
		spin_exit(&xs_lock);
	}
}

static void
xs_event_handler(void *arg __unused)
{
	spin_enter(&xs_lock);
	xs_kick = true;
	cv_broadcast(&xs_reader_cv);
	cv_broadcast(&xs_space_cv);
	spin_exit(&xs_lock);
}

/* ---- start, suspend ---- */

int
xs_init(void)
{
	struct xs_stream *xm;
	evtchn_t port;
	void *ring;
	int error;

	mutex_init(&xs_tx_lock, "xenstore tx");
	mutex_init(&xs_rx_lock, "xenstore rx");
	mutex_init(&xs_watch_lock, "xenstore watches");
	cv_init(&xs_reader_cv, "xsread");
	cv_init(&xs_space_cv, "xsspace");
	cv_init(&xs_event_cv, "xswatch");
	cv_init(&xs_state_cv, "xsgate");
	cv_init(&xs_watch_cv, "xsunwatch");
	error = xen_guest->g_store(&port, &ring);
	if (error != 0)
		return error;
	xm = kmem_alloc(sizeof(*xm), KM_SLEEP);
	if (xm == NULL)
		return ENOMEM;
	xs_ring = ring;
	error = evtchn_bind_port(port, xs_event_handler, NULL, "xenstore",
	    &xs_evt);
	if (error == 0)
		error = kthread_create("xenstore", NULL, reader_thread, xm,
		    NULL);
	if (error == 0)
		error = kthread_create("xenwatch", NULL, watch_thread, NULL,
		    &xs_watch_lwp);
	return error;
}

int
xs_suspend(void)
{
	nsec_t deadline = nanouptime() + XS_SUSPEND_WAIT;
	int error = 0;

	spin_enter(&xs_lock);
	xs_state = XS_HELD;
	while (xs_active > 0 && error == 0)
		error = cv_timedwait_spin(&xs_state_cv, &xs_lock, deadline);
	if (error != 0) {
		xs_state = XS_OPEN;
		cv_broadcast(&xs_state_cv);
		cv_broadcast(&xs_event_cv);
		error = EBUSY;
	}
	spin_exit(&xs_lock);
	return error;
}

static void
reopen_ring(void)
{
	evtchn_t port;
	void *ring;
	int error;

	error = xen_guest->g_store(&port, &ring);
	if (error == 0) {
		xs_ring = ring;
		error = evtchn_rebind_port(xs_evt, port);
	}
	if (error != 0) {
		printf("xenstore: lost after resume: error %d\n", error);
		return;
	}
	/* Whatever the old server had half said was for the old domain. */
	mutex_enter(&xs_rx_lock);
	atomic_store(&xs_ring->rsp_cons, xs_ring->rsp_prod);
	spin_enter(&xs_lock);
	xs_restart = true;
	spin_exit(&xs_lock);
	mutex_exit(&xs_rx_lock);
	watch_again();
}

void
xs_resume(bool newdomain)
{
	if (newdomain)
		reopen_ring();
	spin_enter(&xs_lock);
	xs_state = XS_OPEN;
	cv_broadcast(&xs_state_cv);
	cv_broadcast(&xs_event_cv);
	spin_exit(&xs_lock);
}
