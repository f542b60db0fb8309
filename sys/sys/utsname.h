/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system's names, uname(2).
 */
#ifndef _SYS_UTSNAME_H_
#define	_SYS_UTSNAME_H_

#include <sys/types.h>

#define	UTS_LEN		65		/* with the NUL */

enum uts_name { UTS_HOSTNAME, UTS_DOMAINNAME };

struct lwp;

/* A copy of the name; buf has UTS_LEN bytes.  Any context. */
void	uts_get(enum uts_name, char *buf);
/* EPERM, EINVAL (too long). */
int	uts_set(struct lwp *, enum uts_name, const char *, size_t len);

#endif /* !_SYS_UTSNAME_H_ */
