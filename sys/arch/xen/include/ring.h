/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's ring macros, with our barriers under them.
 */
#ifndef _XEN_RING_H_
#define	_XEN_RING_H_

#include <sys/atomic.h>
#include <sys/libkern.h>

#define	xen_mb()	membar_full()
#define	xen_rmb()	membar_acquire()
#define	xen_wmb()	membar_release()

#include <xen/public/io/ring.h>

#endif /* !_XEN_RING_H_ */
