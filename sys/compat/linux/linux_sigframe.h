/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the signal frames of 64- and 32-bit programs have in common: the FPU
 * state as FXSAVE or XSAVE make it, and which flags come back.
 */
#ifndef _COMPAT_LINUX_LINUX_SIGFRAME_H_
#define	_COMPAT_LINUX_LINUX_SIGFRAME_H_

#include <sys/assert.h>
#include <sys/types.h>

struct lwp;

#define	FXSAVE_LEN		512
#define	UC_FP_XSTATE		0x1
/* Flags a frame may set: AC OF DF TF SF ZF AF PF CF RF. */
#define	FIX_RFLAGS		0x50dd5U

/* In the last 48 bytes of the FXSAVE area. */
struct linux_fpx_sw {
	uint32_t	sw_magic1, sw_extended_size;
	uint64_t	sw_features;
	uint32_t	sw_xstate_size, sw_padding[7];
};
CTASSERT(sizeof(struct linux_fpx_sw) == 48);
#define	FPX_SW_OFFSET	(FXSAVE_LEN - sizeof(struct linux_fpx_sw))

/* linux_sigframe.c */
/* Bytes of user memory from the FXSAVE area on. */
size_t	linux_fpstate_size(void);
/*
 * The thread's FPU state to user memory; `before' bytes below it belong to it.
 * EFAULT, ENOMEM.
 */
int	linux_fpstate_out(struct lwp *, vaddr_t, size_t before);
/* The state of a frame becomes the thread's; 0: a fresh one. EINVAL too. */
int	linux_fpstate_in(struct lwp *, vaddr_t);
/* The frame does not do: SIGSEGV; EJUSTRETURN. */
int	linux_sigreturn_bad(struct lwp *);

#endif /* !_COMPAT_LINUX_LINUX_SIGFRAME_H_ */
