/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's and the domain's name, and the Linux release this ABI is like.
 */
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/utsname.h>

/* C libraries look at the release before they trust a kernel. */
const char linux_release[] = "6.1.0-domus";

static struct spinlock uts_lock = SPINLOCK_INITIALIZER("uts");
static char uts_names[2][UTS_LEN] = { "(none)", "(none)" };	/* [l] */

void
uts_get(enum uts_name which, char *buf)
{
	spin_enter(&uts_lock);
	memcpy(buf, uts_names[which], UTS_LEN);
	spin_exit(&uts_lock);
}

int
uts_set(struct lwp *l, enum uts_name which, const char *name, size_t len)
{
	if (cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	if (len >= UTS_LEN)
		return EINVAL;
	spin_enter(&uts_lock);
	memset(uts_names[which], 0, UTS_LEN);
	memcpy(uts_names[which], name, len);
	spin_exit(&uts_lock);
	return 0;
}
