/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's kinds of numbers, each a type of its own so that they do not mix.
 */
#ifndef _XEN_TYPES_H_
#define	_XEN_TYPES_H_

#include <sys/types.h>

typedef struct { uintptr_t pfn; } pfn_t;	/* guest-physical frame */
typedef struct { uintptr_t mfn; } mfn_t;	/* machine frame (PVH: = pfn) */
typedef struct { uint32_t gref; } gref_t;	/* grant reference */
typedef struct { uint32_t port; } evtchn_t;	/* local event channel port */
typedef struct { uint16_t domid; } xdomid_t;

#define	MKPFN(n)	((pfn_t){ (n) })
#define	MKMFN(n)	((mfn_t){ (n) })
#define	MKGREF(n)	((gref_t){ (n) })
#define	MKEVTCHN(n)	((evtchn_t){ (n) })
#define	MKDOMID(n)	((xdomid_t){ (n) })
#define	MFN_INVALID	MKMFN(~(uintptr_t)0)
#define	GREF_INVALID	MKGREF(~(uint32_t)0)
#define	EVTCHN_INVALID	MKEVTCHN(0)

#endif /* !_XEN_TYPES_H_ */
