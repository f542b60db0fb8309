/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linker sets: tables whose entries are scattered over source files.
 *
 * SET_ENTRY(name, object) adds a pointer to an object, in any file.
 * SET_DECLARE(name, type) makes the table known where it is walked, by
 * SET_FOREACH(p, name) with a `type *const *p`.  The order of entries is that
 * of the link.  A table that is walked somewhere needs at least one entry.
 */
#ifndef _SYS_LINKSET_H_
#define	_SYS_LINKSET_H_

#include <sys/cdefs.h>

/* The linker defines __start_ and __stop_ for a section with such a name. */
#define	SET_ENTRY(set, sym)						\
	static const __typeof__(sym) *const __set_##set##_##sym		\
	    __section("set_" #set) __used = &(sym)

#define	SET_DECLARE(set, type)						\
	extern type *const __start_set_##set[];				\
	extern type *const __stop_set_##set[]

#define	SET_BEGIN(set)	(__start_set_##set)
#define	SET_END(set)	(__stop_set_##set)
#define	SET_FOREACH(p, set)						\
	for ((p) = SET_BEGIN(set); (p) < SET_END(set); (p)++)

#endif /* !_SYS_LINKSET_H_ */
