/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames of 64-bit programs, as Linux lays them out on x86-64.
 *
 * Overview: below the interrupted stack's red zone, or at the top of the
 * alternate stack, come the FPU state (64-byte aligned), then struct
 * rt_sigframe.  The handler returns to its restorer, which calls
 * rt_sigreturn; that puts everything back from the frame.
 *
 * Untrusted input: the whole frame when it comes back.  Selectors are forced
 * to user privilege, flags to user values, the FPU state is checked by the
 * machine; a frame that does not pass is SIGSEGV.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_sigframe.h>
#include <compat/linux/linux_syscallargs.h>

#define	REDZONE			128
#define	FP_XSTATE_MAGIC1	0x46505853U
#define	FP_XSTATE_MAGIC2	0x46505845U
#define	UC_SIGCONTEXT_SS	0x2
#define	UC_STRICT_RESTORE_SS	0x4

struct linux_sigcontext {
	uint64_t	sc_r8, sc_r9, sc_r10, sc_r11, sc_r12, sc_r13, sc_r14,
			sc_r15, sc_rdi, sc_rsi, sc_rbp, sc_rbx, sc_rdx,
			sc_rax, sc_rcx, sc_rsp, sc_rip, sc_rflags;
	uint16_t	sc_cs, sc_gs, sc_fs, sc_ss;
	uint64_t	sc_err, sc_trapno, sc_oldmask, sc_cr2, sc_fpstate,
			sc_reserved[8];
};
CTASSERT(sizeof(struct linux_sigcontext) == 256);

struct linux_ucontext {
	uint64_t	uc_flags, uc_link;
	struct linux_stack uc_stack;
	struct linux_sigcontext uc_mcontext;
	uint64_t	uc_sigmask;
};
CTASSERT(sizeof(struct linux_ucontext) == 304);

struct linux_rt_sigframe {
	uint64_t	rf_retaddr;
	struct linux_ucontext rf_uc;
	struct linux_siginfo rf_info;
};
CTASSERT(sizeof(struct linux_rt_sigframe) == 440);

/* The most a frame takes, with alignment: AT_MINSIGSTKSZ. */
size_t
linux_sigframe_size(void)
{
	return REDZONE + 64 + cpu_fpstate_size() + sizeof(uint32_t) +
	    sizeof(struct linux_rt_sigframe) + 16;
}

size_t
linux_fpstate_size(void)
{
	size_t size = cpu_fpstate_size();

	return size > FXSAVE_LEN ? size + sizeof(uint32_t) : size;
}

int
linux_fpstate_out(struct lwp *l, vaddr_t va, size_t before)
{
	size_t size = cpu_fpstate_size();
	uint32_t magic2 = FP_XSTATE_MAGIC2;
	struct linux_fpx_sw sw;
	uint8_t *buf;
	int error;

	if ((buf = kmem_alloc(size, KM_SLEEP)) == NULL)
		return ENOMEM;
	cpu_fpstate_get(l, buf);
	memset(&sw, 0, sizeof(sw));
	if (size > FXSAVE_LEN) {
		sw.sw_magic1 = FP_XSTATE_MAGIC1;
		sw.sw_extended_size = (uint32_t)(before + size +
		    sizeof(magic2));
		sw.sw_features = cpu_fpstate_features();
		sw.sw_xstate_size = (uint32_t)size;
	}
	memcpy(buf + FPX_SW_OFFSET, &sw, sizeof(sw));
	error = copyout(buf, (void *)va, size);
	kmem_free(buf, size);
	if (error == 0 && size > FXSAVE_LEN)
		error = copyout(&magic2, (void *)(va + size), sizeof(magic2));
	return error;
}

int
linux_fpstate_in(struct lwp *l, vaddr_t va)
{
	size_t full = cpu_fpstate_size(), size = FXSAVE_LEN;
	struct linux_fpx_sw sw;
	uint32_t magic2;
	uint8_t *buf;
	int error;

	if (va == 0)
		return cpu_fpstate_set(l, NULL, 0);
	error = copyin((void *)(va + FPX_SW_OFFSET), &sw, sizeof(sw));
	if (error != 0)
		return error;
	if (full > FXSAVE_LEN && sw.sw_magic1 == FP_XSTATE_MAGIC1 &&
	    sw.sw_xstate_size == full &&
	    sw.sw_extended_size >= full + sizeof(magic2) &&
	    copyin((void *)(va + full), &magic2, sizeof(magic2)) == 0 &&
	    magic2 == FP_XSTATE_MAGIC2)
		size = full;
	if ((buf = kmem_alloc(size, KM_SLEEP)) == NULL)
		return ENOMEM;
	if ((error = copyin((void *)va, buf, size)) == 0) {
		memset(buf + FPX_SW_OFFSET, 0, sizeof(sw));
		error = cpu_fpstate_set(l, buf, size);
	}
	kmem_free(buf, size);
	return error;
}

static void
put_context(const struct trapframe *tf, const ksiginfo_t *ksi, sigset_t mask,
    struct linux_sigcontext *sc)
{
	sc->sc_r8 = tf->tf_r8;
	sc->sc_r9 = tf->tf_r9;
	sc->sc_r10 = tf->tf_r10;
	sc->sc_r11 = tf->tf_r11;
	sc->sc_r12 = tf->tf_r12;
	sc->sc_r13 = tf->tf_r13;
	sc->sc_r14 = tf->tf_r14;
	sc->sc_r15 = tf->tf_r15;
	sc->sc_rdi = tf->tf_rdi;
	sc->sc_rsi = tf->tf_rsi;
	sc->sc_rbp = tf->tf_rbp;
	sc->sc_rbx = tf->tf_rbx;
	sc->sc_rdx = tf->tf_rdx;
	sc->sc_rax = tf->tf_rax;
	sc->sc_rcx = tf->tf_rcx;
	sc->sc_rsp = tf->tf_rsp;
	sc->sc_rip = tf->tf_rip;
	sc->sc_rflags = tf->tf_rflags;
	sc->sc_cs = (uint16_t)tf->tf_cs;
	sc->sc_ss = (uint16_t)tf->tf_ss;
	if (tf->tf_trapno < TF_SYSCALL) {
		sc->sc_err = tf->tf_err;
		sc->sc_trapno = tf->tf_trapno;
		if (tf->tf_trapno == T_PF)
			sc->sc_cr2 = ksi->ksi_addr;
		/* What of the kernel's is mapped is not told. */
		if (tf->tf_trapno == T_PF && sc->sc_cr2 >= VM_MAX_ADDRESS)
			sc->sc_err |= PFERR_P;
	}
	sc->sc_oldmask = mask;
}

/* Where the frame goes: the FPU state's address and the frame's. */
static int
place_frame(struct lwp *l, const struct trapframe *tf,
    const struct sigaction *act, vaddr_t *fpva, vaddr_t *va)
{
	const stack_t *ss = &l->l_sigstk;
	size_t fpsize = linux_fpstate_size();
	uintptr_t sp = tf->tf_rsp - REDZONE;
	bool onstack = ss->ss_size != 0 &&
	    (ss->ss_flags & (int)SS_AUTODISARM) == 0 &&
	    tf->tf_rsp > ss->ss_sp && tf->tf_rsp - ss->ss_sp <= ss->ss_size;
	bool enter = (act->sa_flags & SA_ONSTACK) != 0 && ss->ss_size != 0 &&
	    !onstack;

	if (enter)
		sp = ss->ss_sp + ss->ss_size;
	*fpva = rounddown2(sp - fpsize, (uintptr_t)64);
	*va = rounddown2(*fpva - sizeof(struct linux_rt_sigframe),
	    (uintptr_t)16) - 8;
	if (*va >= VM_MAX_ADDRESS || sp >= VM_MAX_ADDRESS)
		return EFAULT;
	/* It must not run out of the alternate stack's lower end. */
	if ((enter || onstack) &&
	    (*va < ss->ss_sp || *va - ss->ss_sp > ss->ss_size))
		return EFAULT;
	return 0;
}

int
linux_sendsig(struct lwp *l, struct trapframe *tf, const ksiginfo_t *ksi,
    const struct sigaction *act, sigset_t returnmask)
{
	struct linux_rt_sigframe rf;
	vaddr_t va, fpva;
	int error;

	if ((error = linux_rseq_signal(l, tf)) != 0)
		return error;
	if (cpu_is_compat32(l))
		return linux32_sendsig(l, tf, ksi, act, returnmask);
	if ((act->sa_flags & SA_RESTORER) == 0)
		return EFAULT;
	if ((error = place_frame(l, tf, act, &fpva, &va)) != 0 ||
	    (error = linux_fpstate_out(l, fpva, 0)) != 0)
		return error;
	memset(&rf, 0, sizeof(rf));
	rf.rf_retaddr = act->sa_restorer;
	rf.rf_uc.uc_flags = UC_SIGCONTEXT_SS |
	    (tf->tf_cs == SEL_UCODE ? UC_STRICT_RESTORE_SS : 0) |
	    (cpu_fpstate_size() > FXSAVE_LEN ? UC_FP_XSTATE : 0);
	rf.rf_uc.uc_stack.lss_sp = l->l_sigstk.ss_sp;
	rf.rf_uc.uc_stack.lss_size = l->l_sigstk.ss_size;
	rf.rf_uc.uc_stack.lss_flags = l->l_sigstk.ss_size == 0 ?
	    SS_DISABLE : l->l_sigstk.ss_flags;
	put_context(tf, ksi, returnmask, &rf.rf_uc.uc_mcontext);
	rf.rf_uc.uc_mcontext.sc_fpstate = fpva;
	rf.rf_uc.uc_sigmask = returnmask;
	linux_siginfo_from(&rf.rf_info, ksi);
	if ((error = copyout(&rf, (void *)va, sizeof(rf))) != 0)
		return error;
	if ((l->l_sigstk.ss_flags & (int)SS_AUTODISARM) != 0)
		memset(&l->l_sigstk, 0, sizeof(l->l_sigstk));

	tf->tf_rdi = (uint64_t)ksi->ksi_signo;
	tf->tf_rsi = va + __offsetof(struct linux_rt_sigframe, rf_info);
	tf->tf_rdx = va + __offsetof(struct linux_rt_sigframe, rf_uc);
	tf->tf_rax = 0;
	tf->tf_rsp = va;
	tf->tf_rip = act->sa_handler;
	tf->tf_cs = SEL_UCODE;
	tf->tf_ss = SEL_UDATA;
	tf->tf_rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	tf->tf_err = ~(uint64_t)0;	/* not in a system call any more */
	return 0;
}

/*
 * What the CPU does not take for an address or a selector it refuses when the
 * thread goes back to user mode: a fault of the program's, at that place.
 * But 64-bit code may leave the stack's selector to the kernel.
 */
static void
get_context(struct trapframe *tf, const struct linux_sigcontext *sc,
    uint64_t flags)
{
	tf->tf_r8 = sc->sc_r8;
	tf->tf_r9 = sc->sc_r9;
	tf->tf_r10 = sc->sc_r10;
	tf->tf_r11 = sc->sc_r11;
	tf->tf_r12 = sc->sc_r12;
	tf->tf_r13 = sc->sc_r13;
	tf->tf_r14 = sc->sc_r14;
	tf->tf_r15 = sc->sc_r15;
	tf->tf_rdi = sc->sc_rdi;
	tf->tf_rsi = sc->sc_rsi;
	tf->tf_rbp = sc->sc_rbp;
	tf->tf_rbx = sc->sc_rbx;
	tf->tf_rdx = sc->sc_rdx;
	tf->tf_rax = sc->sc_rax;
	tf->tf_rcx = sc->sc_rcx;
	tf->tf_rsp = sc->sc_rsp;
	tf->tf_rip = sc->sc_rip;
	tf->tf_rflags = (tf->tf_rflags & ~(uint64_t)FIX_RFLAGS) |
	    (sc->sc_rflags & FIX_RFLAGS);
	tf->tf_cs = (uint64_t)sc->sc_cs | 3;
	tf->tf_ss = (uint64_t)sc->sc_ss | 3;
	if ((flags & UC_STRICT_RESTORE_SS) == 0 && tf->tf_cs == SEL_UCODE)
		tf->tf_ss = SEL_UDATA;
	tf->tf_err = ~(uint64_t)0;
}

int
linux_sigreturn_bad(struct lwp *l)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSEGV, .ksi_code = SI_KERNEL };

	l->l_tf->tf_err = ~(uint64_t)0;
	trapsignal(l, &ksi);
	return EJUSTRETURN;
}

int
linux_sys_rt_sigreturn(struct lwp *l,
    const struct linux_rt_sigreturn_args *uap __unused,
    register_t *retval __unused)
{
	struct trapframe *tf = l->l_tf;
	struct linux_ucontext uc;
	stack_t ss;

	/* The restorer has taken the return address off. */
	if (copyin((void *)(tf->tf_rsp - sizeof(uint64_t) +
	    __offsetof(struct linux_rt_sigframe, rf_uc)), &uc,
	    sizeof(uc)) != 0)
		return linux_sigreturn_bad(l);
	sig_setmask(l, uc.uc_sigmask);
	get_context(tf, &uc.uc_mcontext, uc.uc_flags);
	if (linux_fpstate_in(l, uc.uc_mcontext.sc_fpstate) != 0)
		return linux_sigreturn_bad(l);
	ss.ss_sp = uc.uc_stack.lss_sp;
	ss.ss_flags = uc.uc_stack.lss_flags;
	ss.ss_size = uc.uc_stack.lss_size;
	(void)do_sigaltstack(l, &ss, NULL, tf->tf_rsp, MINSIGSTKSZ);
	l->l_restart.rb_func = NULL;
	return EJUSTRETURN;
}

/*
 * The thread is about to go back to user mode after a signal was looked for.
 * If that ended a system call early, it is made again or gives EINTR.
 */
void
linux_restart(struct lwp *l __unused, struct trapframe *tf, bool handled,
    const struct sigaction *act)
{
	bool again;

	if ((tf->tf_trapno != TF_SYSCALL && tf->tf_trapno != TF_INT80) ||
	    (int64_t)tf->tf_err < 0)
		return;
	switch (-(int64_t)tf->tf_rax) {
	case ERESTARTSYS:
		again = !handled || (act->sa_flags & SA_RESTART) != 0;
		break;
	case ERESTARTNOINTR:
		again = true;
		break;
	case ERESTARTNOHAND:
	case ERESTARTBLOCK:
		again = !handled;
		break;
	default:
		return;
	}
	if (!again) {
		tf->tf_rax = (uint64_t)-(int64_t)EINTR;
		return;
	}
	if (-(int64_t)tf->tf_rax == ERESTARTBLOCK)
		tf->tf_rax = tf->tf_trapno == TF_SYSCALL ?
		    LINUX_SYS64_restart_syscall : LINUX_SYS32_restart_syscall;
	else
		tf->tf_rax = tf->tf_err;
	/* `syscall` and int $0x80 have the same length. */
	tf->tf_rip -= 2;
}
