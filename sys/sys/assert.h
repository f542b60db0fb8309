/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions.  They are for the kernel's own mistakes: nothing that a backend,
 * the store, a disk, a packet or a user program can do may make one fail.
 */
#ifndef _SYS_ASSERT_H_
#define	_SYS_ASSERT_H_

#include <sys/cdefs.h>

void	kassert_fail(const char *, const char *, const char *, int) __dead;

#ifdef DIAGNOSTIC
#define	KASSERT(e)							\
	(__predict_true(e) ? (void)0 :					\
	    kassert_fail(#e, __func__, __FILE__, __LINE__))
#else
#define	KASSERT(e)	((void)sizeof(!(e)))
#endif
#define	CTASSERT(e)	_Static_assert(e, #e)

#endif /* !_SYS_ASSERT_H_ */
