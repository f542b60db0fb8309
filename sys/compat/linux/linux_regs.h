/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers as ptrace(2) and core dumps show them.
 */
#ifndef _COMPAT_LINUX_LINUX_REGS_H_
#define	_COMPAT_LINUX_LINUX_REGS_H_

#include <sys/assert.h>
#include <sys/types.h>

struct lwp;

/* struct user_regs_struct */
struct linux_user_regs {
	uint64_t	r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax,
			rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp,
			ss, fs_base, gs_base, ds, es, fs, gs;
};
CTASSERT(sizeof(struct linux_user_regs) == 216);

/* The same of a 32-bit program. */
struct linux32_user_regs {
	uint32_t	ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs,
			orig_eax, eip, cs, eflags, esp, ss;
};
CTASSERT(sizeof(struct linux32_user_regs) == 68);

/*
 * Of a thread that is held or the current one in a stop.  put: EIO for what
 * no program may have; nothing is changed then.
 */
void	linux_regs_get(const struct lwp *, struct linux_user_regs *);
int	linux_regs_put(struct lwp *, const struct linux_user_regs *);
void	linux32_regs_get(const struct lwp *, struct linux32_user_regs *);
int	linux32_regs_put(struct lwp *, const struct linux32_user_regs *);
/*
 * FPU state with the feature bits where debuggers look for them; the buffer
 * has cpu_fpstate_size() bytes.
 */
void	linux_xstate_get(struct lwp *, void *buf);

#endif /* !_COMPAT_LINUX_LINUX_REGS_H_ */
