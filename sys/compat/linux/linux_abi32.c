/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between kernel and user structures whose form depends on the call:
 * x86-64's, i386's, or i386's with 64-bit times ("wide").
 *
 * Overview: l_callabi says which call is at work.  Handlers that serve both
 * tables use these functions and know one structure.
 */
#include <sys/errno.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>

/* Element n of an array of pointers. */
int
linux_ptr_in(const void *uvec, size_t n, unsigned long *ptr)
{
	uint32_t ptr32;
	int error;

	if (!linux_is32())
		return ufetch_long((const unsigned long *)uvec + n, ptr);
	if ((error = ufetch_32((const uint32_t *)uvec + n, &ptr32)) == 0)
		*ptr = ptr32;
	return error;
}

/* A value of the width of long. */
int
linux_long_out(uint64_t val, void *uaddr)
{
	if (linux_is32())
		return ustore_32(uaddr, (uint32_t)val);
	return copyout(&val, uaddr, sizeof(val));
}

/* -- times; n in a row -- */

static int
times_in(const void *uaddr, int64_t *sec, int64_t *frac, bool narrow)
{
	struct linux32_timespec ts32;
	int64_t ts[2];
	int error;

	if (narrow) {
		error = copyin(uaddr, &ts32, sizeof(ts32));
		*sec = ts32.tv_sec;
		*frac = ts32.tv_frac;
		return error;
	}
	error = copyin(uaddr, ts, sizeof(ts));
	*sec = ts[0];
	/* i386 has a 32-bit member there, and padding. */
	*frac = linux_is32() ? (int32_t)ts[1] : ts[1];
	return error;
}

static int
times_out(int64_t sec, int64_t frac, void *uaddr, bool narrow)
{
	struct linux32_timespec ts32 = { (int32_t)sec, (int32_t)frac };
	int64_t ts[2] = { sec, frac };

	return narrow ? copyout(&ts32, uaddr, sizeof(ts32)) :
	    copyout(ts, uaddr, sizeof(ts));
}

int
linux_timespecs_in(const void *uaddr, struct timespec *ts, unsigned int n)
{
	bool narrow = linux_narrow();
	size_t size = narrow ? 8 : 16;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < n; i++)
		error = times_in((const char *)uaddr + i * size,
		    &ts[i].tv_sec, &ts[i].tv_nsec, narrow);
	return error;
}

int
linux_timespecs_out(const struct timespec *ts, void *uaddr, unsigned int n)
{
	bool narrow = linux_narrow();
	size_t size = narrow ? 8 : 16;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < n; i++)
		error = times_out(ts[i].tv_sec, ts[i].tv_nsec,
		    (char *)uaddr + i * size, narrow);
	return error;
}

/* No call has a wide form of these. */
int
linux_timevals_in(const void *uaddr, struct linux_timeval *tv, unsigned int n)
{
	bool narrow = linux_is32();
	size_t size = narrow ? 8 : 16;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < n; i++)
		error = times_in((const char *)uaddr + i * size,
		    &tv[i].tv_sec, &tv[i].tv_usec, narrow);
	return error;
}

int
linux_timevals_out(const struct linux_timeval *tv, void *uaddr, unsigned int n)
{
	bool narrow = linux_is32();
	size_t size = narrow ? 8 : 16;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < n; i++)
		error = times_out(tv[i].tv_sec, tv[i].tv_usec,
		    (char *)uaddr + i * size, narrow);
	return error;
}

/* -- signals -- */

void
linux32_siginfo_from(struct linux32_siginfo *to,
    const struct linux_siginfo *from)
{
	memset(to, 0, sizeof(*to));
	to->lsi_signo = from->lsi_signo;
	to->lsi_errno = from->lsi_errno;
	to->lsi_code = from->lsi_code;
	if (from->lsi_code == SI_TIMER || from->lsi_code <= 0 ||
	    from->lsi_code == SI_KERNEL) {
		to->lsi.rt.pid = from->lsi.rt.pid;
		to->lsi.rt.uid = from->lsi.rt.uid;
		to->lsi.rt.value = (uint32_t)from->lsi.rt.value;
		return;
	}
	switch (from->lsi_signo) {
	case SIGCHLD:
		to->lsi.chld.pid = from->lsi.chld.pid;
		to->lsi.chld.uid = from->lsi.chld.uid;
		to->lsi.chld.status = from->lsi.chld.status;
		to->lsi.chld.utime = (int32_t)from->lsi.chld.utime;
		to->lsi.chld.stime = (int32_t)from->lsi.chld.stime;
		break;
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		to->lsi.fault.addr = (uint32_t)from->lsi.fault.addr;
		break;
	case SIGSYS:
		to->lsi.sys.addr = (uint32_t)from->lsi.sys.addr;
		to->lsi.sys.nr = from->lsi.sys.nr;
		to->lsi.sys.arch = from->lsi.sys.arch;
		break;
	case SIGIO:
		to->lsi.poll.band = (int32_t)from->lsi.poll.band;
		to->lsi.poll.fd = from->lsi.poll.fd;
		break;
	default:
		to->lsi.rt.pid = from->lsi.rt.pid;
		to->lsi.rt.uid = from->lsi.rt.uid;
		to->lsi.rt.value = (uint32_t)from->lsi.rt.value;
		break;
	}
}

int
linux_siginfo_out(const struct linux_siginfo *lsi, void *uaddr)
{
	struct linux32_siginfo lsi32;

	if (!linux_is32())
		return copyout(lsi, uaddr, sizeof(*lsi));
	linux32_siginfo_from(&lsi32, lsi);
	return copyout(&lsi32, uaddr, sizeof(lsi32));
}

/* As sigqueue(3) makes it: only that form comes from programs. */
int
linux_siginfo_in(const void *uaddr, struct linux_siginfo *lsi)
{
	struct linux32_siginfo lsi32;
	int error;

	if (!linux_is32())
		return copyin(uaddr, lsi, sizeof(*lsi));
	if ((error = copyin(uaddr, &lsi32, sizeof(lsi32))) != 0)
		return error;
	memset(lsi, 0, sizeof(*lsi));
	lsi->lsi_signo = lsi32.lsi_signo;
	lsi->lsi_errno = lsi32.lsi_errno;
	lsi->lsi_code = lsi32.lsi_code;
	lsi->lsi.rt.pid = lsi32.lsi.rt.pid;
	lsi->lsi.rt.uid = lsi32.lsi.rt.uid;
	lsi->lsi.rt.value = lsi32.lsi.rt.value;
	return 0;
}

int
linux_stack_in(const void *uaddr, struct linux_stack *lss)
{
	struct linux32_stack lss32;
	int error;

	if (!linux_is32())
		return copyin(uaddr, lss, sizeof(*lss));
	error = copyin(uaddr, &lss32, sizeof(lss32));
	lss->lss_sp = lss32.lss_sp;
	lss->lss_flags = lss32.lss_flags;
	lss->lss_size = lss32.lss_size;
	return error;
}

int
linux_stack_out(const struct linux_stack *lss, void *uaddr)
{
	struct linux32_stack lss32 = {
		(uint32_t)lss->lss_sp, lss->lss_flags, (uint32_t)lss->lss_size
	};

	return linux_is32() ? copyout(&lss32, uaddr, sizeof(lss32)) :
	    copyout(lss, uaddr, sizeof(*lss));
}

int
linux_sigaction_in(const void *uaddr, struct linux_sigaction *lsa)
{
	struct linux32_sigaction lsa32;
	int error;

	if (!linux_is32())
		return copyin(uaddr, lsa, sizeof(*lsa));
	error = copyin(uaddr, &lsa32, sizeof(lsa32));
	lsa->lsa_handler = lsa32.lsa_handler;
	lsa->lsa_flags = lsa32.lsa_flags;
	lsa->lsa_restorer = lsa32.lsa_restorer;
	lsa->lsa_mask = lsa32.lsa_mask[0] | (uint64_t)lsa32.lsa_mask[1] << 32;
	return error;
}

int
linux_sigaction_out(const struct linux_sigaction *lsa, void *uaddr)
{
	struct linux32_sigaction lsa32 = {
		(uint32_t)lsa->lsa_handler, (uint32_t)lsa->lsa_flags,
		(uint32_t)lsa->lsa_restorer,
		{ (uint32_t)lsa->lsa_mask, (uint32_t)(lsa->lsa_mask >> 32) }
	};

	return linux_is32() ? copyout(&lsa32, uaddr, sizeof(lsa32)) :
	    copyout(lsa, uaddr, sizeof(*lsa));
}
