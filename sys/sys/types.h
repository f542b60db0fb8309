/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The basic types.  Widths follow the Linux ABI of a 64-bit program wherever
 * a value can reach user space; narrower ABIs convert at their boundary.
 */
#ifndef _SYS_TYPES_H_
#define	_SYS_TYPES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/cdefs.h>

typedef intptr_t	ssize_t;
typedef int64_t		off_t;
typedef int32_t		pid_t;
typedef uint32_t	uid_t;
typedef uint32_t	gid_t;
typedef uint32_t	mode_t;
typedef uint64_t	ino_t;
typedef uint32_t	dev_t;		/* major << 20 | minor */
typedef int64_t		time_t;
typedef int64_t		nsec_t;		/* nanoseconds: a time or a span */
typedef intptr_t	register_t;	/* what a system call returns */
typedef uintptr_t	vaddr_t;
typedef uintptr_t	vsize_t;
typedef uint64_t	paddr_t;	/* guest-physical address, in bytes */
typedef unsigned int	vm_prot_t;	/* PROT_READ | PROT_WRITE | PROT_EXEC */

#define	makedev(maj, min)	((dev_t)(maj) << 20 | (dev_t)(min))
#define	major(d)		((d) >> 20)
#define	minor(d)		((d) & 0xfffff)

#endif /* !_SYS_TYPES_H_ */
