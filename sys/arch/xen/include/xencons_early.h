/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console before there are interrupts and drivers.
 */
#ifndef _XEN_XENCONS_EARLY_H_
#define	_XEN_XENCONS_EARLY_H_

#include <xen/types.h>

/*
 * Show kernel messages on the console ring at that address (NULL: on the
 * hypervisor's own console only) and ring its port.  Called first by the entry
 * code, again when the ring's address changes.
 */
void	xencons_early_attach(void *ring, evtchn_t port);

#endif /* !_XEN_XENCONS_EARLY_H_ */
