/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64: the registers saved on every entry into the kernel.  Same layout on
 * both guest types and for every kind of entry.  Lowest address first.
 */
#ifndef _MACHINE_FRAME_H_
#define	_MACHINE_FRAME_H_

#include <sys/types.h>

struct trapframe {
	uint64_t	tf_r15, tf_r14, tf_r13, tf_r12, tf_rbp, tf_rbx;
	uint64_t	tf_r11, tf_r10, tf_r9, tf_r8;
	uint64_t	tf_rax, tf_rcx, tf_rdx, tf_rsi, tf_rdi;
	uint64_t	tf_trapno;	/* T_*; syscalls: see tf_err */
	uint64_t	tf_err;		/* or the number of a system call */
	uint64_t	tf_rip, tf_cs, tf_rflags, tf_rsp, tf_ss;
};
#define	TF_SYSCALL	256		/* tf_trapno of a `syscall` entry */
#define	TF_INT80	257		/* tf_trapno of int $0x80 */
#define	TF_EVENT	258		/* tf_trapno of an event upcall */
#define	TF_USERMODE(tf)	(((tf)->tf_cs & 3) == 3)

/* Selectors: Linux's, which user space can see. */
#define	SEL_KCODE	0x10
#define	SEL_KDATA	0x18
#define	SEL_UCODE32	0x23
#define	SEL_UDATA	0x2b
#define	SEL_UCODE	0x33
#define	SEL_TSS		0x40
#define	SEL_CPU		0x7b
#define	SEL_TLS(n)	((12 + (n)) << 3 | 3)

#define	RFLAGS_CF	0x1
#define	RFLAGS_FIXED	0x2
#define	RFLAGS_TF	0x100
#define	RFLAGS_IF	0x200
#define	RFLAGS_DF	0x400
#define	RFLAGS_IOPL	0x3000
#define	RFLAGS_NT	0x4000
#define	RFLAGS_RF	0x10000
#define	RFLAGS_AC	0x40000
/* What user code may set in a signal frame or by ptrace. */
#define	RFLAGS_USER	0x50dd5

#endif /* !_MACHINE_FRAME_H_ */
