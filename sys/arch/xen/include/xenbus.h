/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store (xs_*) and the device tree in it (xenbus_*).
 *
 * Thread context, may sleep, unless stated.  Strings read from the store are
 * NUL-terminated kmem strings of at most XENSTORE_PAYLOAD_MAX bytes: whoever
 * gets one frees it with kmem_strfree() and checks its content.
 */
#ifndef _XEN_XENBUS_H_
#define	_XEN_XENBUS_H_

#include <sys/kthread.h>
#include <sys/queue.h>
#include <xen/evtchn.h>
#include <xen/gnttab.h>
#include <xen/public/io/xenbus.h>

typedef uint32_t xs_transaction_t;
#define	XST_NIL	0

int	xs_init(void);
int	xs_read(xs_transaction_t, const char *dir, const char *node,
	    char **val);
int	xs_read_u64(xs_transaction_t, const char *dir, const char *node,
	    uint64_t *);			/* EINVAL: not a number */
int	xs_write(xs_transaction_t, const char *dir, const char *node,
	    const char *val);
int	xs_printf(xs_transaction_t, const char *dir, const char *node,
	    const char *fmt, ...) __printflike(4, 5);
int	xs_mkdir(xs_transaction_t, const char *dir, const char *node);
int	xs_rm(xs_transaction_t, const char *dir, const char *node);
/* NULL-terminated vector in one allocation; xs_directory_free(). */
int	xs_directory(xs_transaction_t, const char *dir, const char *node,
	    char ***list, unsigned int *n);
void	xs_directory_free(char **list, unsigned int n);
int	xs_transaction_start(xs_transaction_t *);
/* EAGAIN: do the whole transaction again. */
int	xs_transaction_end(xs_transaction_t, bool abort);

struct xs_watch {
	LIST_ENTRY(xs_watch) xw_link;
	char		*xw_node;	/* [I] path, set by the caller */
	/* xenwatch thread; path is what changed. May use xs_*. */
	void		(*xw_func)(struct xs_watch *, const char *path,
			    const char *token);
	void		*xw_arg;
	unsigned int	xw_id;		/* token */
};
int	xs_watch(struct xs_watch *);
void	xs_unwatch(struct xs_watch *);	/* its function is not running after */
void	xs_unwatch_nowait(struct xs_watch *);	/* ... may still be running */

/* Suspend table: finish or hold requests / reopen ring, watches again. */
int	xs_suspend(void);
void	xs_resume(bool newdomain);

/* -- devices -- */
struct xenbus_device;

struct xenbus_driver {
	const char *xd_type;			/* "console", "vbd", "vif" */
	/* A device appeared.  Set xb_priv. */
	int	(*xd_probe)(struct xenbus_device *);
	/*
	 * The one connect: allocate rings, grants, event channel; read
	 * features; write our nodes; switch state.  Called after probe, after
	 * each resume as a new domain and when a backend restarts.
	 */
	int	(*xd_connect)(struct xenbus_device *);
	/* Backend state changed (checked: a known state). */
	void	(*xd_otherend)(struct xenbus_device *, enum xenbus_state);
	/* Stop using the backend; in-flight requests stay for replay. */
	void	(*xd_disconnect)(struct xenbus_device *);
	/* Hold / go on; suspend may fail with an errno. */
	int	(*xd_suspend)(struct xenbus_device *);
	void	(*xd_resume)(struct xenbus_device *, bool newdomain);
	void	(*xd_remove)(struct xenbus_device *);
};
#include <sys/linkset.h>
#define	XENBUS_DRIVER(drv)	SET_ENTRY(xenbus_drivers, drv)

struct xenbus_device {
	LIST_ENTRY(xenbus_device) xb_link;
	char		*xb_type;
	char		*xb_path;		/* "device/vbd/51712" */
	char		*xb_otherend;		/* backend directory */
	xdomid_t	xb_otherend_id;
	unsigned int	xb_id;
	enum xenbus_state xb_state, xb_otherend_state;
	const struct xenbus_driver *xb_driver;
	void		*xb_priv;
	bool		xb_connected;	/* xd_connect() was done */
	bool		xb_quarantined;
	struct xs_watch	xb_watch;
	volatile bool	xb_rechecked;	/* [a] xb_close was used */
	struct task	xb_close;	/* after a quarantine; a recheck */
};
int	xenbus_init(void);
int	xenbus_switch_state(struct xenbus_device *, enum xenbus_state);
/* A bad backend: one log line, state Closed, no more calls. */
void	xenbus_quarantine(struct xenbus_device *, const char *fmt, ...)
	    __printflike(2, 3);
/*
 * Have xd_otherend() called with the backend's state, changed or not.  Any
 * context; the device has not been removed.
 */
void	xenbus_recheck(struct xenbus_device *);
void	xenbus_error(struct xenbus_device *, int error, const char *fmt, ...)
	    __printflike(3, 4);
int	xenbus_grant_ring(struct xenbus_device *, struct vm_page *, gref_t *);
int	xenbus_suspend_devices(void);		/* in order; may fail */
void	xenbus_resume_devices(bool newdomain);

#endif /* !_XEN_XENBUS_H_ */
