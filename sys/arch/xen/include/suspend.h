/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Suspend and shutdown requests.
 */
#ifndef _XEN_SUSPEND_H_
#define	_XEN_SUSPEND_H_

#include <sys/types.h>

/*
 * Run the suspend table down, the hypercall, and up again.  Thread context.
 * 0 = resumed (in a new domain or cancelled, both are ordinary), else the errno
 * of the level that refused; the guest runs on in every case.
 */
int	xen_suspend(bool *newdomain);
/* Have the suspend thread do that.  Any context. */
void	xen_suspend_request(void);
/* Registers the suspend event channel and its thread. */
int	xen_suspend_init(void);
/* control/shutdown, control/sysrq, feature nodes. */
int	xen_shutdown_init(void);
void	xen_shutdown_announce(void);	/* the feature nodes */
int	balloon_init(void);
int	balloon_suspend(void);		/* hold the worker */
void	balloon_resume(bool newdomain);

int	xencons_suspend(void);
void	xencons_resume(bool newdomain);

#endif /* !_XEN_SUSPEND_H_ */
