/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree in the store: finding devices, the state machine with their
 * backends, hot plug and unplug, suspend of all frontends.
 *
 * Overview: every directory device/TYPE/ID is a device; a driver is found by
 * TYPE.  A watch on "device" finds new and vanished ones, a watch on the
 * backend's "state" drives each.  xd_connect() is called whenever the backend
 * becomes ready and we are not connected: after the probe, in a new domain,
 * and when a backend was restarted.
 *
 * States of the backend, as seen here:
 *	InitWait, Initialised, Connected	ready: connect if we are not
 *	Closing					xd_otherend(); the driver closes
 *						(without one: as Closed)
 *	Closed					disconnected; may come back
 *	anything else				ignored
 *
 * Locking: xenbus_lock (mutex) is held around every driver call and the list;
 * driver functions run in the xenwatch or the suspend thread.
 *
 * Suspend: the lock is held from xenbus_suspend_devices() to
 * xenbus_resume_devices(), so no device comes, goes or changes in between.
 *
 * Untrusted input: paths, ids and states are checked; a backend that breaks
 * its protocol is quarantined: state Closed, one line in the log, no more
 * calls.
 */
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <xen/hypercall.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

SET_DECLARE(xenbus_drivers, const struct xenbus_driver);

static void backend_changed(struct xenbus_device *);

static struct mutex xenbus_lock;
static LIST_HEAD(, xenbus_device) xenbus_devices =
    LIST_HEAD_INITIALIZER(xenbus_devices);		/* [l] */
static struct xs_watch xenbus_device_watch;
static bool xenbus_scanned;				/* [l] once */

static const struct xenbus_driver *
driver_find(const char *type)
{
	const struct xenbus_driver *const *p;

	SET_FOREACH(p, xenbus_drivers)
		if (strcmp((*p)->xd_type, type) == 0)
			return *p;
	return NULL;
}

/* Write our state, unless the tools have removed the device meanwhile. */
static int
write_state(struct xenbus_device *xb, enum xenbus_state state)
{
	xs_transaction_t tx;
	char *old;
	int error, end;

	error = xs_transaction_start(&tx);
	if (error != 0)
		return error;
	error = xs_read(tx, xb->xb_path, "state", &old);
	if (error == 0) {
		kmem_strfree(old);
		error = xs_printf(tx, xb->xb_path, "state", "%d", (int)state);
	}
	end = xs_transaction_end(tx, error != 0);
	return error != 0 ? error : end;
}

int
xenbus_switch_state(struct xenbus_device *xb, enum xenbus_state state)
{
	int error;

	if (xb->xb_state == state)
		return 0;
	do
		error = write_state(xb, state);
	while (error == EAGAIN);
	if (error == 0)
		xb->xb_state = state;
	return error;
}

void
xenbus_error(struct xenbus_device *xb, int error, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	printf("%s: %s: error %d\n", xb->xb_path, msg, error);
	/* Where the tools look for it; they may not let us write. */
	(void)xs_printf(XST_NIL, "error", xb->xb_path, "%d %s", error, msg);
}

void
xenbus_quarantine(struct xenbus_device *xb, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	if (xb->xb_quarantined)
		return;
	xb->xb_quarantined = true;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	printf("%s: backend misbehaves: %s; quarantined\n", xb->xb_path, msg);
	task_add(systq, &xb->xb_close);
}

static bool
is_attached(const struct xenbus_device *wanted)
{
	const struct xenbus_device *xb;

	LIST_FOREACH(xb, &xenbus_devices, xb_link)
		if (xb == wanted)
			return true;
	return false;
}

void
xenbus_recheck(struct xenbus_device *xb)
{
	xb->xb_rechecked = true;
	task_add(systq, &xb->xb_close);
}

/* In a thread of ours: a bad backend is cut off, others are looked at. */
static void
quarantine_close(void *arg)
{
	struct xenbus_device *xb = arg;

	mutex_enter(&xenbus_lock);
	if (is_attached(xb))
		backend_changed(xb);
	mutex_exit(&xenbus_lock);
}

int
xenbus_grant_ring(struct xenbus_device *xb, struct vm_page *pg, gref_t *ref)
{
	return gnttab_grant_page(xb->xb_otherend_id, pg, false, ref);
}

/* ---- the backend's side ---- */

static enum xenbus_state
read_state(const char *dir)
{
	uint64_t v;

	if (dir == NULL || xs_read_u64(XST_NIL, dir, "state", &v) != 0 ||
	    v > XenbusStateReconfigured)
		return XenbusStateUnknown;
	return (enum xenbus_state)v;
}

static bool
state_ready(enum xenbus_state s)
{
	return s == XenbusStateInitWait || s == XenbusStateInitialised ||
	    s == XenbusStateConnected;
}

static void
device_connect(struct xenbus_device *xb)
{
	int error;

	error = xb->xb_driver->xd_connect(xb);
	if (error != 0) {
		xenbus_error(xb, error, "connect");
		return;
	}
	xb->xb_connected = true;
}

static void
device_disconnect(struct xenbus_device *xb)
{
	if (xb->xb_connected) {
		xb->xb_driver->xd_disconnect(xb);
		xb->xb_connected = false;
	}
}

/* Does the backend want us to let go of it? */
static bool
state_over(const struct xenbus_device *xb, enum xenbus_state s)
{
	return s == XenbusStateClosed || (s == XenbusStateClosing &&
	    xb->xb_driver->xd_otherend == NULL);
}

/* Act on what the backend's state is now.  Lock held. */
static void
backend_changed(struct xenbus_device *xb)
{
	enum xenbus_state state = read_state(xb->xb_otherend);

	if (xb->xb_quarantined) {
		device_disconnect(xb);
		(void)xenbus_switch_state(xb, XenbusStateClosed);
		return;
	}
	if (state == XenbusStateUnknown)
		return;			/* going away: the scan finds out */
	/* It starts over while we think we are connected: so do we. */
	if (state == XenbusStateInitWait && xb->xb_connected &&
	    xb->xb_otherend_state != XenbusStateInitWait) {
		device_disconnect(xb);
		(void)xenbus_switch_state(xb, XenbusStateInitialising);
	}
	xb->xb_otherend_state = state;
	if (state_ready(state) && !xb->xb_connected)
		device_connect(xb);
	if (xb->xb_driver->xd_otherend != NULL)
		xb->xb_driver->xd_otherend(xb, state);
	if (state_over(xb, state)) {
		device_disconnect(xb);
		(void)xenbus_switch_state(xb, XenbusStateClosed);
	}
}

static void
backend_watch(struct xs_watch *xw, const char *path __unused,
    const char *token __unused)
{
	struct xenbus_device *xb;

	mutex_enter(&xenbus_lock);
	/* The device may have gone between the event and now. */
	LIST_FOREACH(xb, &xenbus_devices, xb_link)
		if (&xb->xb_watch == xw)
			break;
	if (xb != NULL)
		backend_changed(xb);
	mutex_exit(&xenbus_lock);
}

/* Read who the backend is; the watch follows it. */
static int
read_otherend(struct xenbus_device *xb)
{
	uint64_t id;
	char *path;
	int error;

	error = xs_read_u64(XST_NIL, xb->xb_path, "backend-id", &id);
	if (error == 0 && id >= DOMID_FIRST_RESERVED)
		error = EINVAL;
	if (error == 0)
		error = xs_read(XST_NIL, xb->xb_path, "backend", &path);
	if (error != 0)
		return error;
	if (xb->xb_otherend != NULL)
		kmem_strfree(xb->xb_otherend);
	xb->xb_otherend = path;
	xb->xb_otherend_id = MKDOMID((uint16_t)id);
	return 0;
}

/* xw_node says whether there is a watch. */
static int
watch_otherend(struct xenbus_device *xb)
{
	int error;

	xb->xb_watch.xw_node = kmem_asprintf("%s/state", xb->xb_otherend);
	if (xb->xb_watch.xw_node == NULL)
		return ENOMEM;
	xb->xb_watch.xw_func = backend_watch;
	error = xs_watch(&xb->xb_watch);
	if (error != 0) {
		kmem_strfree(xb->xb_watch.xw_node);
		xb->xb_watch.xw_node = NULL;
	}
	return error;
}

static void
unwatch_otherend(struct xenbus_device *xb)
{
	if (xb->xb_watch.xw_node == NULL)
		return;
	/* Its function may be waiting for our lock: do not wait for it. */
	xs_unwatch_nowait(&xb->xb_watch);
	kmem_strfree(xb->xb_watch.xw_node);
	xb->xb_watch.xw_node = NULL;
}

/* ---- devices come and go ---- */

static void
device_free(struct xenbus_device *xb)
{
	if (xb->xb_otherend != NULL)
		kmem_strfree(xb->xb_otherend);
	if (xb->xb_type != NULL)
		kmem_strfree(xb->xb_type);
	if (xb->xb_path != NULL)
		kmem_strfree(xb->xb_path);
	kmem_free(xb, sizeof(*xb));
}

static void
device_attach(const char *type, const char *id)
{
	const struct xenbus_driver *drv = driver_find(type);
	struct xenbus_device *xb;
	uint32_t n;
	int error;

	if (drv == NULL || kstrtou32(id, 10, &n) != 0)
		return;
	xb = kmem_zalloc(sizeof(*xb), KM_SLEEP);
	if (xb == NULL)
		return;
	xb->xb_driver = drv;
	xb->xb_id = n;
	xb->xb_state = XenbusStateInitialising;
	task_set(&xb->xb_close, quarantine_close, xb);
	xb->xb_type = kmem_strdup(type, KM_SLEEP);
	xb->xb_path = kmem_asprintf("device/%s/%s", type, id);
	error = xb->xb_type == NULL || xb->xb_path == NULL ? ENOMEM : 0;
	if (error == 0)
		error = read_otherend(xb);
	if (error == 0)
		error = drv->xd_probe(xb);
	if (error != 0) {
		if (error != ENODEV)
			printf("xenbus: %s/%s: error %d\n", type, id, error);
		device_free(xb);
		return;
	}
	LIST_INSERT_HEAD(&xenbus_devices, xb, xb_link);
	error = watch_otherend(xb);
	if (error != 0)
		xenbus_error(xb, error, "watch on the backend");
}

static void
device_detach(struct xenbus_device *xb)
{
	LIST_REMOVE(xb, xb_link);
	unwatch_otherend(xb);
	device_disconnect(xb);
	xb->xb_driver->xd_remove(xb);
	if (!task_del(systq, &xb->xb_close) &&
	    (xb->xb_quarantined || xb->xb_rechecked)) {
		/* It may be waiting for our lock at this moment. */
		mutex_exit(&xenbus_lock);
		taskq_barrier(systq);
		mutex_enter(&xenbus_lock);
	}
	device_free(xb);
}

static struct xenbus_device *
device_find(const char *type, const char *id)
{
	struct xenbus_device *xb;
	uint32_t n;

	if (kstrtou32(id, 10, &n) != 0)
		return NULL;
	LIST_FOREACH(xb, &xenbus_devices, xb_link)
		if (xb->xb_id == n && strcmp(xb->xb_type, type) == 0)
			return xb;
	return NULL;
}

static void
scan_type(const char *type)
{
	char **ids, dir[64];
	unsigned int i, n;

	if ((size_t)snprintf(dir, sizeof(dir), "device/%s", type) >=
	    sizeof(dir) || xs_directory(XST_NIL, dir, NULL, &ids, &n) != 0)
		return;
	for (i = 0; i < n; i++)
		if (device_find(type, ids[i]) == NULL)
			device_attach(type, ids[i]);
	xs_directory_free(ids, n);
}

/* Only if the store says so: any other error is no reason to lose a disk. */
static bool
device_gone(const struct xenbus_device *xb)
{
	char *backend;
	int error;

	error = xs_read(XST_NIL, xb->xb_path, "backend", &backend);
	if (error == 0)
		kmem_strfree(backend);
	return error == ENOENT;
}

/* Compare the store's list with ours. Lock held. */
static void
scan(void)
{
	struct xenbus_device *xb, *next;
	char **types;
	unsigned int i, n;

	for (xb = LIST_FIRST(&xenbus_devices); xb != NULL; xb = next) {
		next = LIST_NEXT(xb, xb_link);
		if (device_gone(xb))
			device_detach(xb);
	}
	if (xs_directory(XST_NIL, "device", NULL, &types, &n) != 0)
		return;
	for (i = 0; i < n; i++)
		if (driver_find(types[i]) != NULL)
			scan_type(types[i]);
	xs_directory_free(types, n);
}

static void
device_watch(struct xs_watch *xw __unused, const char *path,
    const char *token __unused)
{
	const char *p;
	unsigned int depth = 0;

	/* device/TYPE/ID and its backend node: our own writes are deeper. */
	for (p = path; *p != '\0'; p++)
		depth += *p == '/';
	if (depth > 2 && strcmp(strrchr(path, '/'), "/backend") != 0)
		return;
	mutex_enter(&xenbus_lock);
	scan();
	if (!xenbus_scanned)
		disk_settle_end();
	xenbus_scanned = true;
	mutex_exit(&xenbus_lock);
}

int
xenbus_init(void)
{
	mutex_init(&xenbus_lock, "xenbus");
	xenbus_device_watch.xw_node = kmem_strdup("device", KM_SLEEP);
	if (xenbus_device_watch.xw_node == NULL)
		return ENOMEM;
	xenbus_device_watch.xw_func = device_watch;
	disk_settle_begin();
	return xs_watch(&xenbus_device_watch);	/* fires once: first scan */
}

/* ---- suspend ---- */

int
xenbus_suspend_devices(void)
{
	struct xenbus_device *xb, *up;
	int error;

	mutex_enter(&xenbus_lock);
	LIST_FOREACH(xb, &xenbus_devices, xb_link) {
		if (xb->xb_driver->xd_suspend == NULL)
			continue;
		error = xb->xb_driver->xd_suspend(xb);
		if (error == 0)
			continue;
		xenbus_error(xb, error, "does not suspend");
		for (up = LIST_FIRST(&xenbus_devices); up != xb;
		    up = LIST_NEXT(up, xb_link))
			if (up->xb_driver->xd_resume != NULL)
				up->xb_driver->xd_resume(up, false);
		mutex_exit(&xenbus_lock);
		return error;
	}
	return 0;
}

/* In a new domain the backend is another: start the device over. */
static void
device_resume_new(struct xenbus_device *xb)
{
	int error;

	unwatch_otherend(xb);
	device_disconnect(xb);
	xb->xb_state = XenbusStateUnknown;
	xb->xb_otherend_state = XenbusStateUnknown;
	xb->xb_quarantined = false;
	error = read_otherend(xb);
	if (error == 0)
		error = xenbus_switch_state(xb, XenbusStateInitialising);
	if (error == 0)
		error = watch_otherend(xb);	/* fires: connects */
	if (error != 0)
		xenbus_error(xb, error, "resume");
}

void
xenbus_resume_devices(bool newdomain)
{
	struct xenbus_device *xb;

	LIST_FOREACH(xb, &xenbus_devices, xb_link) {
		if (newdomain)
			device_resume_new(xb);
		if (xb->xb_driver->xd_resume != NULL)
			xb->xb_driver->xd_resume(xb, newdomain);
	}
	mutex_exit(&xenbus_lock);
}
