/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the kernel's functions, for backtraces.
 */
#ifndef _SYS_KSYMS_H_
#define	_SYS_KSYMS_H_

#include <sys/types.h>

/*
 * The function that holds address va and the distance from its start; NULL
 * (*offset is 0 then) if va is not in kernel text.  The name lies in one of a
 * few buffers used in turn: it is good until 16 further look-ups.  Any
 * context, a panic's included; no lock, no allocation.
 */
const char *ksyms_lookup(uintptr_t va, uintptr_t *offset);

#endif /* !_SYS_KSYMS_H_ */
