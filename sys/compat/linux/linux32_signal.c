/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals of i386 programs: the calls with 32-bit sets, and frames.
 *
 * Overview: a handler with SA_SIGINFO gets struct rt_sigframe, any other the
 * old struct sigframe; the FPU state lies above, first as FNSAVE has it, then,
 * 64-byte aligned, as FXSAVE or XSAVE have it.  A handler without SA_RESTORER
 * returns to instructions in the frame itself, which needs a stack that may be
 * executed, as such programs have.
 *
 * Untrusted input: a frame that comes back, as in linux_sigframe.c.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_sigframe.h>
#include <compat/linux/linux_syscallargs.h>

#define	A(n)		((uint32_t)uap->a[n])
#define	PTR(n)		((void *)(uintptr_t)A(n))

/* -- calls with sets of 32 signals -- */

/* KILL and STOP stay out by themselves. */
static void
mask_low(struct lwp *l, uint32_t low)
{
	sig_setmask(l, (l->l_sigmask & ~(sigset_t)UINT32_MAX) | low);
}

int
linux32_sys_sigprocmask(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	uint32_t old = (uint32_t)l->l_sigmask, set;
	int error;

	if (PTR(1) != NULL) {
		if ((error = ufetch_32(PTR(1), &set)) != 0)
			return error;
		switch (A(0)) {
		case 0:
			mask_low(l, old | set);
			break;
		case 1:
			mask_low(l, old & ~set);
			break;
		case 2:
			mask_low(l, set);
			break;
		default:
			return EINVAL;
		}
	}
	return PTR(2) != NULL ? ustore_32(PTR(2), old) : 0;
}

int
linux32_sys_sgetmask(struct lwp *l, const struct linux32_args *uap __unused,
    register_t *retval)
{
	*retval = (uint32_t)l->l_sigmask;
	return 0;
}

int
linux32_sys_ssetmask(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	*retval = (uint32_t)l->l_sigmask;
	sig_setmask(l, A(0));
	return 0;
}

int
linux32_sys_sigpending(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	return ustore_32(PTR(0), (uint32_t)sig_pending_set(l));
}

int
linux32_sys_sigsuspend(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	sig_mask_temp(l, A(2));
	while (!sig_pending(l))
		(void)kpause("sigsuspend", true, 0);
	return ERESTARTNOHAND;
}

int
linux32_sys_sigaction(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	struct linux32_old_sigaction osa;
	struct sigaction new, old;
	int error;

	if (PTR(1) != NULL) {
		if ((error = copyin(PTR(1), &osa, sizeof(osa))) != 0)
			return error;
		new.sa_handler = osa.osa_handler;
		new.sa_restorer = osa.osa_restorer;
		new.sa_flags = osa.osa_flags & LINUX_SA_FLAGS;
		new.sa_mask = osa.osa_mask;
	}
	error = do_sigaction(l, (int)A(0), PTR(1) != NULL ? &new : NULL, &old);
	if (error != 0 || PTR(2) == NULL)
		return error;
	osa.osa_handler = (uint32_t)old.sa_handler;
	osa.osa_mask = (uint32_t)old.sa_mask;
	osa.osa_flags = (uint32_t)old.sa_flags;
	osa.osa_restorer = (uint32_t)old.sa_restorer;
	return copyout(&osa, PTR(2), sizeof(osa));
}

int
linux32_sys_signal(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct sigaction new = {
		.sa_handler = A(1), .sa_flags = SA_RESETHAND | SA_NODEFER
	}, old;
	int error = do_sigaction(l, (int)A(0), &new, &old);

	*retval = (register_t)old.sa_handler;
	return error;
}

/* -- frames -- */

#define	FSAVE_LEN		112	/* before the FXSAVE area */

struct linux32_sigcontext {
	uint16_t	sc_gs, sc_gsh, sc_fs, sc_fsh, sc_es, sc_esh, sc_ds,
			sc_dsh;
	uint32_t	sc_edi, sc_esi, sc_ebp, sc_esp, sc_ebx, sc_edx, sc_ecx,
			sc_eax, sc_trapno, sc_err, sc_eip;
	uint16_t	sc_cs, sc_csh;
	uint32_t	sc_eflags, sc_esp_at_signal;
	uint16_t	sc_ss, sc_ssh;
	uint32_t	sc_fpstate, sc_oldmask, sc_cr2;
};
CTASSERT(sizeof(struct linux32_sigcontext) == 88);

struct linux32_ucontext {
	uint32_t	uc_flags, uc_link;
	struct linux32_stack uc_stack;
	struct linux32_sigcontext uc_mcontext;
	uint32_t	uc_sigmask[2];
};
CTASSERT(sizeof(struct linux32_ucontext) == 116);

struct linux32_sigframe {
	uint32_t	sf_ret;
	int32_t		sf_sig;
	struct linux32_sigcontext sf_sc;
	uint8_t		sf_unused[FSAVE_LEN + FXSAVE_LEN];
	uint32_t	sf_extramask;
	uint8_t		sf_code[8];
};
CTASSERT(sizeof(struct linux32_sigframe) == 732);

struct linux32_rt_sigframe {
	uint32_t	rf_ret;
	int32_t		rf_sig;
	uint32_t	rf_pinfo, rf_puc;
	struct linux32_siginfo rf_info;
	struct linux32_ucontext rf_uc;
	uint8_t		rf_code[8];
};
CTASSERT(sizeof(struct linux32_rt_sigframe) == 268);

/* popl %eax; movl $119, %eax; int $0x80 */
static const uint8_t code_sigreturn[8] = {
	0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80
};
/* movl $173, %eax; int $0x80 */
static const uint8_t code_rt_sigreturn[8] = {
	0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0
};

/* Two bits a register, from FXSAVE's one: is there anything in it? */
static uint16_t
fsave_tags(const uint8_t *fx)
{
	unsigned int top = (unsigned int)fx[3] >> 3 & 7, tags = 0;

	for (unsigned int i = 0; i < 8; i++) {
		const uint8_t *st = fx + 32 + 16 * ((i - top) & 7);
		unsigned int exp, tag = 3;
		uint64_t man;

		if ((fx[4] >> i & 1) != 0) {
			memcpy(&man, st, sizeof(man));
			exp = (st[8] | (unsigned int)st[9] << 8) & 0x7fff;
			tag = exp == 0x7fff ? 2 : exp == 0 ?
			    (man == 0 ? 1 : 2) : (man >> 63) != 0 ? 0 : 2;
		}
		tags |= tag << 2 * i;
	}
	return (uint16_t)tags;
}

/* FNSAVE's form of an FXSAVE image. */
static void
fsave_from(const uint8_t *fx, uint8_t *fs)
{
	uint16_t cw, sw, op, cs, ds;
	uint32_t w[7];

	memcpy(&cw, fx, 2);
	memcpy(&sw, fx + 2, 2);
	memcpy(&op, fx + 6, 2);
	memcpy(&w[3], fx + 8, 4);
	memcpy(&cs, fx + 12, 2);
	memcpy(&w[5], fx + 16, 4);
	memcpy(&ds, fx + 20, 2);
	w[0] = cw | 0xffff0000U;
	w[1] = sw | 0xffff0000U;
	w[2] = fsave_tags(fx) | 0xffff0000U;
	w[4] = cs | (uint32_t)op << 16;
	w[6] = ds | 0xffff0000U;
	memcpy(fs, w, sizeof(w));
	for (unsigned int i = 0; i < 8; i++)
		memcpy(fs + 28 + 10 * i, fx + 32 + 16 * i, 10);
	/* Status, and "there is more behind it". */
	w[0] = sw;
	memcpy(fs + 108, w, 4);
}

static int
put_fpstate32(struct lwp *l, vaddr_t fx)
{
	uint8_t fsave[FSAVE_LEN], *buf;
	int error;

	if ((buf = kmem_alloc(cpu_fpstate_size(), KM_SLEEP)) == NULL)
		return ENOMEM;
	cpu_fpstate_get(l, buf);
	fsave_from(buf, fsave);
	kmem_free(buf, cpu_fpstate_size());
	error = copyout(fsave, (void *)(fx - FSAVE_LEN), FSAVE_LEN);
	return error != 0 ? error : linux_fpstate_out(l, fx, FSAVE_LEN);
}

static void
put_context32(const struct trapframe *tf, const ksiginfo_t *ksi,
    sigset_t mask, vaddr_t fx, struct linux32_sigcontext *sc)
{
	struct pcb now;

	cpu_get_selectors(&now);
	sc->sc_gs = now.pcb_gs;
	sc->sc_fs = now.pcb_fs;
	sc->sc_es = now.pcb_es;
	sc->sc_ds = now.pcb_ds;
	sc->sc_edi = (uint32_t)tf->tf_rdi;
	sc->sc_esi = (uint32_t)tf->tf_rsi;
	sc->sc_ebp = (uint32_t)tf->tf_rbp;
	sc->sc_esp = sc->sc_esp_at_signal = (uint32_t)tf->tf_rsp;
	sc->sc_ebx = (uint32_t)tf->tf_rbx;
	sc->sc_edx = (uint32_t)tf->tf_rdx;
	sc->sc_ecx = (uint32_t)tf->tf_rcx;
	sc->sc_eax = (uint32_t)tf->tf_rax;
	sc->sc_eip = (uint32_t)tf->tf_rip;
	sc->sc_cs = (uint16_t)tf->tf_cs;
	sc->sc_eflags = (uint32_t)tf->tf_rflags;
	sc->sc_ss = (uint16_t)tf->tf_ss;
	sc->sc_fpstate = (uint32_t)(fx - FSAVE_LEN);
	sc->sc_oldmask = (uint32_t)mask;
	if (tf->tf_trapno < TF_SYSCALL) {
		sc->sc_err = (uint32_t)tf->tf_err;
		sc->sc_trapno = (uint32_t)tf->tf_trapno;
		if (tf->tf_trapno == T_PF)
			sc->sc_cr2 = (uint32_t)ksi->ksi_addr;
	}
}

/* Where the FXSAVE area and a frame of this size go. */
static int
place_frame32(struct lwp *l, const struct trapframe *tf,
    const struct sigaction *act, size_t size, vaddr_t *fx, vaddr_t *va)
{
	const stack_t *ss = &l->l_sigstk;
	uint32_t sp = (uint32_t)tf->tf_rsp;
	bool onstack = ss->ss_size != 0 &&
	    (ss->ss_flags & (int)SS_AUTODISARM) == 0 &&
	    sp > ss->ss_sp && sp - ss->ss_sp <= ss->ss_size;
	bool enter = (act->sa_flags & SA_ONSTACK) != 0 && ss->ss_size != 0 &&
	    !onstack;

	if (enter)
		sp = (uint32_t)(ss->ss_sp + ss->ss_size);
	*fx = rounddown2((vaddr_t)sp - linux_fpstate_size(), (vaddr_t)64);
	*va = rounddown2(*fx - FSAVE_LEN - size + 4, (vaddr_t)16) - 4;
	if (*va >= VM_MAX_ADDRESS32 || *fx >= VM_MAX_ADDRESS32)
		return EFAULT;
	if ((enter || onstack) &&
	    (*va < ss->ss_sp || *va - ss->ss_sp > ss->ss_size))
		return EFAULT;
	return 0;
}

static int
put_sigframe(struct lwp *l, struct trapframe *tf, const ksiginfo_t *ksi,
    const struct sigaction *act, sigset_t mask, vaddr_t *vap)
{
	struct linux32_sigframe sf;
	vaddr_t va, fx;
	int error;

	error = place_frame32(l, tf, act, sizeof(sf), &fx, &va);
	if (error != 0 || (error = put_fpstate32(l, fx)) != 0)
		return error;
	memset(&sf, 0, sizeof(sf));
	sf.sf_ret = (act->sa_flags & SA_RESTORER) != 0 ?
	    (uint32_t)act->sa_restorer :
	    (uint32_t)(va + __offsetof(struct linux32_sigframe, sf_code));
	sf.sf_sig = ksi->ksi_signo;
	put_context32(tf, ksi, mask, fx, &sf.sf_sc);
	sf.sf_extramask = (uint32_t)(mask >> 32);
	memcpy(sf.sf_code, code_sigreturn, sizeof(sf.sf_code));
	tf->tf_rdx = tf->tf_rcx = 0;
	*vap = va;
	return copyout(&sf, (void *)va, sizeof(sf));
}

static int
put_rt_sigframe(struct lwp *l, struct trapframe *tf, const ksiginfo_t *ksi,
    const struct sigaction *act, sigset_t mask, vaddr_t *vap)
{
	struct linux32_rt_sigframe rf;
	struct linux_siginfo lsi;
	vaddr_t va, fx;
	int error;

	error = place_frame32(l, tf, act, sizeof(rf), &fx, &va);
	if (error != 0 || (error = put_fpstate32(l, fx)) != 0)
		return error;
	memset(&rf, 0, sizeof(rf));
	rf.rf_ret = (act->sa_flags & SA_RESTORER) != 0 ?
	    (uint32_t)act->sa_restorer :
	    (uint32_t)(va + __offsetof(struct linux32_rt_sigframe, rf_code));
	rf.rf_sig = ksi->ksi_signo;
	rf.rf_pinfo = (uint32_t)(va +
	    __offsetof(struct linux32_rt_sigframe, rf_info));
	rf.rf_puc = (uint32_t)(va +
	    __offsetof(struct linux32_rt_sigframe, rf_uc));
	linux_siginfo_from(&lsi, ksi);
	linux32_siginfo_from(&rf.rf_info, &lsi);
	rf.rf_uc.uc_flags = cpu_fpstate_size() > FXSAVE_LEN ? UC_FP_XSTATE : 0;
	rf.rf_uc.uc_stack.lss_sp = (uint32_t)l->l_sigstk.ss_sp;
	rf.rf_uc.uc_stack.lss_size = (uint32_t)l->l_sigstk.ss_size;
	rf.rf_uc.uc_stack.lss_flags = l->l_sigstk.ss_size == 0 ?
	    SS_DISABLE : l->l_sigstk.ss_flags;
	put_context32(tf, ksi, mask, fx, &rf.rf_uc.uc_mcontext);
	rf.rf_uc.uc_sigmask[0] = (uint32_t)mask;
	rf.rf_uc.uc_sigmask[1] = (uint32_t)(mask >> 32);
	memcpy(rf.rf_code, code_rt_sigreturn, sizeof(rf.rf_code));
	tf->tf_rdx = rf.rf_pinfo;
	tf->tf_rcx = rf.rf_puc;
	*vap = va;
	return copyout(&rf, (void *)va, sizeof(rf));
}

/* linux_sendsig() for a 32-bit program. */
int
linux32_sendsig(struct lwp *l, struct trapframe *tf, const ksiginfo_t *ksi,
    const struct sigaction *act, sigset_t returnmask)
{
	vaddr_t va;
	int error;

	error = (act->sa_flags & SA_SIGINFO) != 0 ?
	    put_rt_sigframe(l, tf, ksi, act, returnmask, &va) :
	    put_sigframe(l, tf, ksi, act, returnmask, &va);
	if (error != 0)
		return error;
	if ((l->l_sigstk.ss_flags & (int)SS_AUTODISARM) != 0)
		memset(&l->l_sigstk, 0, sizeof(l->l_sigstk));
	tf->tf_rax = (uint64_t)ksi->ksi_signo;
	tf->tf_rsp = va;
	tf->tf_rip = act->sa_handler;
	tf->tf_cs = SEL_UCODE32;
	tf->tf_ss = SEL_UDATA;
	tf->tf_rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	tf->tf_err = ~(uint64_t)0;	/* not in a system call any more */
	return 0;
}

static int
get_context32(struct lwp *l, struct trapframe *tf,
    const struct linux32_sigcontext *sc)
{
	struct pcb sel = {
		.pcb_ds = sc->sc_ds, .pcb_es = sc->sc_es, .pcb_fs = sc->sc_fs,
		.pcb_gs = sc->sc_gs
	};

	tf->tf_rdi = sc->sc_edi;
	tf->tf_rsi = sc->sc_esi;
	tf->tf_rbp = sc->sc_ebp;
	tf->tf_rbx = sc->sc_ebx;
	tf->tf_rdx = sc->sc_edx;
	tf->tf_rcx = sc->sc_ecx;
	tf->tf_rax = sc->sc_eax;
	tf->tf_rsp = sc->sc_esp;
	tf->tf_rip = sc->sc_eip;
	tf->tf_rflags = (tf->tf_rflags & ~(uint64_t)FIX_RFLAGS) |
	    (sc->sc_eflags & FIX_RFLAGS);
	tf->tf_cs = (uint64_t)sc->sc_cs | 3;
	tf->tf_ss = (uint64_t)sc->sc_ss | 3;
	tf->tf_err = ~(uint64_t)0;
	cpu_set_selectors(l, &sel);
	return linux_fpstate_in(l, sc->sc_fpstate == 0 ? 0 :
	    (vaddr_t)sc->sc_fpstate + FSAVE_LEN);
}

/* The return address and, by popl, the signal number are off the stack. */
int
linux32_sys_sigreturn(struct lwp *l, const struct linux32_args *uap __unused,
    register_t *retval __unused)
{
	struct trapframe *tf = l->l_tf;
	struct linux32_sigframe sf;

	if (copyin((void *)(uintptr_t)((uint32_t)tf->tf_rsp - 8), &sf,
	    sizeof(sf)) != 0)
		return linux_sigreturn_bad(l);
	sig_setmask(l, sf.sf_sc.sc_oldmask | (uint64_t)sf.sf_extramask << 32);
	l->l_restart.rb_func = NULL;
	if (get_context32(l, tf, &sf.sf_sc) != 0)
		return linux_sigreturn_bad(l);
	return EJUSTRETURN;
}

int
linux32_sys_rt_sigreturn(struct lwp *l,
    const struct linux32_args *uap __unused, register_t *retval __unused)
{
	struct trapframe *tf = l->l_tf;
	struct linux32_rt_sigframe rf;
	stack_t ss;

	if (copyin((void *)(uintptr_t)((uint32_t)tf->tf_rsp - 4), &rf,
	    sizeof(rf)) != 0)
		return linux_sigreturn_bad(l);
	sig_setmask(l, rf.rf_uc.uc_sigmask[0] |
	    (uint64_t)rf.rf_uc.uc_sigmask[1] << 32);
	l->l_restart.rb_func = NULL;
	if (get_context32(l, tf, &rf.rf_uc.uc_mcontext) != 0)
		return linux_sigreturn_bad(l);
	ss.ss_sp = rf.rf_uc.uc_stack.lss_sp;
	ss.ss_flags = rf.rf_uc.uc_stack.lss_flags;
	ss.ss_size = rf.rf_uc.uc_stack.lss_size;
	(void)do_sigaltstack(l, &ss, NULL, tf->tf_rsp, MINSIGSTKSZ);
	return EJUSTRETURN;
}
