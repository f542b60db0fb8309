/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory management of the PVH guest: what its own files share.
 */
#ifndef _XEN_PVH_IMPL_H_
#define	_XEN_PVH_IMPL_H_

#include <sys/param.h>
#include <sys/systm.h>
#include <machine/pmap.h>
#include <x86/pmap_backend.h>
#include <xen/hypercall.h>
#include <xen/pvh.h>

int	pvh_grow(uintptr_t start, uintptr_t end);

#endif /* !_XEN_PVH_IMPL_H_ */
