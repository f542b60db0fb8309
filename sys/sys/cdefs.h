/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiler attributes by short names.
 */
#ifndef _SYS_CDEFS_H_
#define	_SYS_CDEFS_H_

#define	__packed		__attribute__((__packed__))
#define	__aligned(n)		__attribute__((__aligned__(n)))
#define	__section(s)		__attribute__((__section__(s)))
#define	__used			__attribute__((__used__))
#define	__unused		__attribute__((__unused__))
#define	__dead			__attribute__((__noreturn__))
#define	__noinline		__attribute__((__noinline__))
#define	__always_inline		inline __attribute__((__always_inline__))
#define	__printflike(f, a)	__attribute__((__format__(__printf__, f, a)))
#define	__must_check		__attribute__((__warn_unused_result__))
#define	__predict_true(e)	__builtin_expect(!!(e), 1)
#define	__predict_false(e)	__builtin_expect(!!(e), 0)
#define	__offsetof(t, m)	__builtin_offsetof(t, m)
#define	__arraycount(a)		(sizeof(a) / sizeof((a)[0]))
/* The structure of type t whose member m is at pointer p. */
#define	container_of(p, t, m)	((t *)((char *)(p) - __offsetof(t, m)))

#endif /* !_SYS_CDEFS_H_ */
