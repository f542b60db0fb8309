/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's ptrace(2).
 *
 * Overview: a request on a thread holds it in its stop (ptrace_hold()), so that
 * registers in its frame and pcb can be read and written from here.  Memory is
 * reached by uvm_io(), which also writes to what the program itself may not
 * write to: it gets a copy of its own then, as for a breakpoint.
 *
 * Untrusted input: register sets go through linux_regs_put() and
 * cpu_fpstate_set(), debug registers through cpu_dr_set().
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ptrace.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <uvm/uvm.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_regs.h>
#include <compat/linux/linux_sigframe.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

#define	PTRACE_TRACEME			0
#define	PTRACE_PEEKTEXT			1
#define	PTRACE_PEEKDATA			2
#define	PTRACE_PEEKUSER			3
#define	PTRACE_POKETEXT			4
#define	PTRACE_POKEDATA			5
#define	PTRACE_POKEUSER			6
#define	PTRACE_CONT			7
#define	PTRACE_KILL			8
#define	PTRACE_SINGLESTEP		9
#define	PTRACE_GETREGS			12
#define	PTRACE_SETREGS			13
#define	PTRACE_GETFPREGS		14
#define	PTRACE_SETFPREGS		15
#define	PTRACE_ATTACH			16
#define	PTRACE_DETACH			17
#define	PTRACE_GETFPXREGS		18	/* i386 */
#define	PTRACE_SETFPXREGS		19
#define	PTRACE_SYSCALL			24
#define	PTRACE_ARCH_PRCTL		30	/* x86-64 */
#define	PTRACE_SYSEMU			31
#define	PTRACE_SYSEMU_SINGLESTEP	32
#define	PTRACE_SETOPTIONS		0x4200
#define	PTRACE_GETEVENTMSG		0x4201
#define	PTRACE_GETSIGINFO		0x4202
#define	PTRACE_SETSIGINFO		0x4203
#define	PTRACE_GETREGSET		0x4204
#define	PTRACE_SETREGSET		0x4205
#define	PTRACE_SEIZE			0x4206
#define	PTRACE_INTERRUPT		0x4207
#define	PTRACE_LISTEN			0x4208
#define	PTRACE_GETSIGMASK		0x420a
#define	PTRACE_SETSIGMASK		0x420b
#define	PTRACE_GET_SYSCALL_INFO		0x420e

#define	NT_PRSTATUS			1
#define	NT_PRFPREG			2
#define	NT_X86_XSTATE			0x202

#define	AUDIT_ARCH_I386			0x40000003U
#define	AUDIT_ARCH_X86_64		0xc000003eU

/* struct user: registers at its start, debug registers further back. */
#define	USER_DEBUGREG			848
#define	USER_SIZE			912
#define	USER32_DEBUGREG			252
#define	USER32_SIZE			284

#define	ARCH_SET_GS			0x1001
#define	ARCH_SET_FS			0x1002
#define	ARCH_GET_FS			0x1003
#define	ARCH_GET_GS			0x1004

struct linux_syscall_info {
	uint8_t		op, pad[3];
	uint32_t	arch;
	uint64_t	ip, sp;
	union {
		struct { uint64_t nr, args[6]; } entry;
		struct { int64_t rval; uint8_t is_error; } exit;
	} u;
};
CTASSERT(__offsetof(struct linux_syscall_info, u) == 24);

/* -- memory -- */

/* A word of the tracer's. */
static size_t
word_size(void)
{
	return linux_is32() ? sizeof(uint32_t) : sizeof(uint64_t);
}

static int
io_word(struct ptrace *pt, uintptr_t addr, uint64_t *val, enum uio_rw rw)
{
	struct vmspace *vm = proc_vmspace_ref(pt->pt_lwp->l_proc);
	int error;

	if (vm == NULL)
		return EIO;
	error = addr >= VM_MAX_ADDRESS - sizeof(*val) ? EIO :
	    uvm_io(vm, addr, val, word_size(), rw, true);
	vmspace_put(vm);
	return error != 0 ? EIO : 0;
}

static int
peek_data(struct ptrace *pt, uintptr_t addr, uintptr_t data)
{
	uint64_t val;
	int error = io_word(pt, addr, &val, UIO_READ);

	return error != 0 ? error :
	    copyout(&val, (void *)data, word_size());
}

static int
poke_data(struct ptrace *pt, uintptr_t addr, uintptr_t data)
{
	uint64_t val = data;

	return io_word(pt, addr, &val, UIO_WRITE);
}

/* -- registers -- */

/* The whole set as the tracer sees it, of whatever program. */
union user_regs {
	struct linux_user_regs r;
	struct linux32_user_regs r32;
};

static size_t
user_regs_get(const struct lwp *l, bool is32, union user_regs *ur)
{
	if (is32) {
		linux32_regs_get(l, &ur->r32);
		return sizeof(ur->r32);
	}
	linux_regs_get(l, &ur->r);
	return sizeof(ur->r);
}

static int
user_regs_put(struct lwp *l, bool is32, const union user_regs *ur)
{
	return is32 ? linux32_regs_put(l, &ur->r32) :
	    linux_regs_put(l, &ur->r);
}

/* The number of the debug register there; false: none. */
static bool
user_debugreg(uintptr_t addr, unsigned int *n)
{
	uintptr_t first = linux_is32() ? USER32_DEBUGREG : USER_DEBUGREG;

	*n = (unsigned int)((addr - first) / word_size());
	return addr >= first;
}

static bool
user_addr_ok(uintptr_t addr)
{
	return addr % word_size() == 0 &&
	    addr < (linux_is32() ? USER32_SIZE : USER_SIZE);
}

static int
peek_user(struct ptrace *pt, uintptr_t addr, uintptr_t data)
{
	union user_regs regs;
	uint64_t val = 0;
	unsigned int n;

	if (!user_addr_ok(addr))
		return EIO;
	if (addr < user_regs_get(pt->pt_lwp, linux_is32(), &regs))
		memcpy(&val, (char *)&regs + addr, word_size());
	else if (user_debugreg(addr, &n))
		val = cpu_dr_get(pt->pt_lwp, n);
	return copyout(&val, (void *)data, word_size());
}

static int
poke_user(struct ptrace *pt, uintptr_t addr, uintptr_t data)
{
	union user_regs regs;
	unsigned int n;

	if (!user_addr_ok(addr))
		return EIO;
	if (user_debugreg(addr, &n))
		return cpu_dr_set(pt->pt_lwp, n, data);
	if (addr >= user_regs_get(pt->pt_lwp, linux_is32(), &regs))
		return EIO;
	memcpy((char *)&regs + addr, &data, word_size());
	return user_regs_put(pt->pt_lwp, linux_is32(), &regs);
}

/* The tracer sets or asks a base as the thread itself would. */
static int
arch_prctl(struct lwp *l, uintptr_t addr, uintptr_t option)
{
	struct pcb *pcb = &l->l_pcb;

	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= VM_MAX_ADDRESS)
			return EPERM;
		if (option == ARCH_SET_FS) {
			pcb->pcb_fs = 0;
			pcb->pcb_fsbase = addr;
		} else {
			pcb->pcb_gs = 0;
			pcb->pcb_gsbase = addr;
		}
		return 0;
	case ARCH_GET_FS:
		return linux_long_out(cpu_get_base(l, 0), (void *)addr);
	case ARCH_GET_GS:
		return linux_long_out(cpu_get_base(l, 1), (void *)addr);
	default:
		return EINVAL;
	}
}

/* Copies of a part of a register set, whole words. */
static int
general_out(struct lwp *l, bool is32, void *uaddr, size_t *len)
{
	union user_regs regs;

	*len = MIN(*len, user_regs_get(l, is32, &regs));
	return copyout(&regs, uaddr, *len);
}

static int
general_in(struct lwp *l, bool is32, const void *uaddr, size_t *len)
{
	union user_regs regs;
	int error;

	*len = MIN(*len, user_regs_get(l, is32, &regs));
	error = copyin(uaddr, &regs, *len);
	return error != 0 ? error : user_regs_put(l, is32, &regs);
}

static int
fp_out(struct lwp *l, void *uaddr, size_t max, size_t *len)
{
	size_t full = cpu_fpstate_size();
	char *buf = kmem_alloc(full, KM_SLEEP);
	int error;

	if (buf == NULL)
		return ENOMEM;
	linux_xstate_get(l, buf);
	*len = MIN(*len, MIN(max, full));
	error = copyout(buf, uaddr, *len);
	kmem_free(buf, full);
	return error;
}

/* All of the FXSAVE area or of the XSAVE area. */
static int
fp_in(struct lwp *l, const void *uaddr, size_t size, size_t *len)
{
	size_t full = cpu_fpstate_size();
	char *buf;
	int error;

	size = MIN(size, full);
	if (*len < size)
		return EFAULT;
	*len = size;
	if ((buf = kmem_alloc(full, KM_SLEEP)) == NULL)
		return ENOMEM;
	/* A short set leaves the other components as they are. */
	cpu_fpstate_get(l, buf);
	error = copyin(uaddr, buf, size);
	if (error == 0 && size < full)
		((uint64_t *)(void *)(buf + FXSAVE_LEN))[0] |= 3;
	if (error == 0)
		error = cpu_fpstate_set(l, buf, full);
	kmem_free(buf, full);
	return error;
}

/* The requests without a type: FXSAVE's form, which i386 calls "FPX". */
static int
fp_request(struct lwp *l, long request, void *data)
{
	size_t len = SIZE_MAX;

	if (request == (linux_is32() ? PTRACE_GETFPXREGS : PTRACE_GETFPREGS))
		return fp_out(l, data, FXSAVE_LEN, &len);
	if (request == (linux_is32() ? PTRACE_SETFPXREGS : PTRACE_SETFPREGS))
		return fp_in(l, data, FXSAVE_LEN, &len);
	return EIO;
}

static int
regset(struct ptrace *pt, uintptr_t type, uintptr_t uiov, bool get)
{
	struct lwp *l = pt->pt_lwp;
	unsigned long base, size;
	size_t len;
	int error;

	if ((error = linux_ptr_in((void *)uiov, 0, &base)) != 0 ||
	    (error = linux_ptr_in((void *)uiov, 1, &size)) != 0)
		return error;
	len = size;
	switch (type) {
	case NT_PRSTATUS:
		if (len % (cpu_is_compat32(l) ? 4 : 8) != 0)
			return EINVAL;
		error = get ?
		    general_out(l, cpu_is_compat32(l), (void *)base, &len) :
		    general_in(l, cpu_is_compat32(l), (const void *)base,
		    &len);
		break;
	case NT_PRFPREG:
		error = get ? fp_out(l, (void *)base, FXSAVE_LEN, &len) :
		    fp_in(l, (const void *)base, FXSAVE_LEN, &len);
		break;
	case NT_X86_XSTATE:
		if (cpu_fpstate_size() == FXSAVE_LEN)
			return ENODEV;
		if (len % 8 != 0)
			return EINVAL;
		error = get ? fp_out(l, (void *)base, SIZE_MAX, &len) :
		    fp_in(l, (const void *)base, SIZE_MAX, &len);
		break;
	default:
		return EINVAL;
	}
	return error != 0 ? error : linux_long_out(len,
	    (char *)uiov + word_size());
}

/* -- signals and system calls -- */

static int
get_siginfo(struct ptrace *pt, void *uaddr)
{
	struct linux_siginfo lsi;

	if (!pt->pt_hasinfo)
		return EINVAL;
	linux_siginfo_from(&lsi, &pt->pt_info);
	/* Of a tracing stop: who it is. */
	if (pt->pt_info.ksi_signo == SIGTRAP && pt->pt_info.ksi_code > 5 &&
	    pt->pt_info.ksi_code != SI_KERNEL) {
		lsi.lsi.rt.pid = pt->pt_info.ksi_pid;
		lsi.lsi.rt.uid = pt->pt_info.ksi_uid;
	}
	return linux_siginfo_out(&lsi, uaddr);
}

static int
set_siginfo(struct ptrace *pt, const void *uaddr)
{
	struct linux_siginfo lsi;
	ksiginfo_t ksi;
	int error;

	if ((error = linux_siginfo_in(uaddr, &lsi)) != 0)
		return error;
	if (!pt->pt_hasinfo)
		return EINVAL;
	if (lsi.lsi_signo < 0 || lsi.lsi_signo > NSIG)
		return EINVAL;
	linux_siginfo_to(&ksi, &lsi);
	pt->pt_info = ksi;
	return 0;
}

static int
sigmask_io(struct ptrace *pt, uintptr_t size, void *uaddr, bool get)
{
	struct lwp *l = pt->pt_lwp;
	sigset_t set;
	int error;

	if (size != sizeof(set))
		return EINVAL;
	if (get) {
		set = (l->l_flags & LF_RESTOREMASK) != 0 ? l->l_oldmask :
		    l->l_sigmask;
		return copyout(&set, uaddr, sizeof(set));
	}
	if ((error = copyin(uaddr, &set, sizeof(set))) == 0) {
		spin_enter(&l->l_proc->p_lock);
		l->l_flags &= ~LF_RESTOREMASK;
		l->l_sigmask = set & ~SIGSET_CANTMASK;
		sig_recalc(l);
		spin_exit(&l->l_proc->p_lock);
	}
	return error;
}

static void
entry_info(const struct lwp *l, struct linux_syscall_info *si)
{
	const struct trapframe *tf = l->l_tf;
	bool is32 = tf->tf_trapno == TF_INT80;
	const uint64_t args64[6] = {
		tf->tf_rdi, tf->tf_rsi, tf->tf_rdx, tf->tf_r10, tf->tf_r8,
		tf->tf_r9
	}, args32[6] = {
		(uint32_t)tf->tf_rbx, (uint32_t)tf->tf_rcx,
		(uint32_t)tf->tf_rdx, (uint32_t)tf->tf_rsi,
		(uint32_t)tf->tf_rdi, (uint32_t)tf->tf_rbp
	};

	si->u.entry.nr = (uint32_t)tf->tf_err;
	memcpy(si->u.entry.args, is32 ? args32 : args64, sizeof(args64));
}

static int
get_syscall_info(struct ptrace *pt, size_t size, void *uaddr,
    register_t *retval)
{
	const struct trapframe *tf = pt->pt_lwp->l_tf;
	struct linux_syscall_info si;
	size_t len = __offsetof(struct linux_syscall_info, u);

	memset(&si, 0, sizeof(si));
	si.op = (uint8_t)pt->pt_at;
	si.arch = tf->tf_trapno == TF_INT80 || (tf->tf_trapno != TF_SYSCALL &&
	    cpu_is_compat32(pt->pt_lwp)) ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	si.ip = tf->tf_rip;
	si.sp = tf->tf_rsp;
	if (pt->pt_at == PTRACE_AT_ENTRY) {
		entry_info(pt->pt_lwp, &si);
		len += sizeof(si.u.entry);
	} else if (pt->pt_at == PTRACE_AT_EXIT) {
		si.u.exit.rval = (int64_t)tf->tf_rax;
		si.u.exit.is_error = tf->tf_rax >= (uint64_t)-4095;
		len += __offsetof(struct linux_syscall_info, u.exit.is_error) -
		    __offsetof(struct linux_syscall_info, u) + 1;
	}
	*retval = (register_t)len;
	return copyout(&si, uaddr, MIN(size, len));
}

static int
set_options(struct ptrace *pt, uintptr_t options)
{
	if ((options & ~(uintptr_t)PTRACE_O_ALL) != 0)
		return EINVAL;
	spin_enter(&pt->pt_lwp->l_proc->p_lock);
	pt->pt_options = (unsigned int)options;
	spin_exit(&pt->pt_lwp->l_proc->p_lock);
	return 0;
}

/* -- the call -- */

/* Requests on a thread in its stop that do not let it go on. */
static int
request_state(struct ptrace *pt, const struct linux_ptrace_args *uap,
    register_t *retval)
{
	void *data = (void *)uap->data;
	uint64_t msg = pt->pt_msg;
	size_t len = SIZE_MAX;

	switch (uap->request) {
	case PTRACE_GETREGS:
		return general_out(pt->pt_lwp, linux_is32(), data, &len);
	case PTRACE_SETREGS:
		return general_in(pt->pt_lwp, linux_is32(), data, &len);
	case PTRACE_GETFPREGS:
	case PTRACE_GETFPXREGS:
	case PTRACE_SETFPREGS:
	case PTRACE_SETFPXREGS:
		return fp_request(pt->pt_lwp, uap->request, data);
	case PTRACE_ARCH_PRCTL:
		return linux_is32() ? EIO :
		    arch_prctl(pt->pt_lwp, uap->addr, uap->data);
	case PTRACE_GETREGSET:
		return regset(pt, uap->addr, uap->data, true);
	case PTRACE_SETREGSET:
		return regset(pt, uap->addr, uap->data, false);
	case PTRACE_SETOPTIONS:
		return set_options(pt, uap->data);
	case PTRACE_GETEVENTMSG:
		return linux_long_out(msg, data);
	case PTRACE_GETSIGINFO:
		return get_siginfo(pt, data);
	case PTRACE_SETSIGINFO:
		return set_siginfo(pt, data);
	case PTRACE_GETSIGMASK:
		return sigmask_io(pt, uap->addr, data, true);
	case PTRACE_SETSIGMASK:
		return sigmask_io(pt, uap->addr, data, false);
	case PTRACE_GET_SYSCALL_INFO:
		return get_syscall_info(pt, uap->addr, data, retval);
	default:
		return EIO;
	}
}

static int
request_held(struct ptrace *pt, const struct linux_ptrace_args *uap,
    register_t *retval)
{
	int signo = (int)MIN(uap->data, (unsigned long)NSIG + 1);

	switch (uap->request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek_data(pt, uap->addr, uap->data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke_data(pt, uap->addr, uap->data);
	case PTRACE_PEEKUSER:
		return peek_user(pt, uap->addr, uap->data);
	case PTRACE_POKEUSER:
		return poke_user(pt, uap->addr, uap->data);
	case PTRACE_CONT:
		return ptrace_resume(pt, PTG_CONT, signo);
	case PTRACE_SYSCALL:
		return ptrace_resume(pt, PTG_SYSCALL, signo);
	case PTRACE_SINGLESTEP:
		return ptrace_resume(pt, PTG_STEP, signo);
	case PTRACE_SYSEMU:
		return ptrace_resume(pt, PTG_SYSEMU, signo);
	case PTRACE_SYSEMU_SINGLESTEP:
		return ptrace_resume(pt, PTG_SYSEMU_STEP, signo);
	case PTRACE_KILL:
		psignal(pt->pt_lwp->l_proc, SIGKILL);
		return 0;
	case PTRACE_INTERRUPT:
		return ptrace_interrupt(pt);
	case PTRACE_LISTEN:
		return ptrace_listen(pt);
	default:
		return request_state(pt, uap, retval);
	}
}

int
linux_sys_ptrace(struct lwp *l, const struct linux_ptrace_args *uap,
    register_t *retval)
{
	pid_t pid = (pid_t)uap->pid;
	struct ptrace *pt;
	int error;

	switch (uap->request) {
	case PTRACE_TRACEME:
		return do_ptrace_traceme(l);
	case PTRACE_ATTACH:
		return do_ptrace_attach(l, pid, false, 0);
	case PTRACE_SEIZE:
		if (uap->addr != 0 ||
		    (uap->data & ~(unsigned long)PTRACE_O_ALL) != 0)
			return EIO;
		return do_ptrace_attach(l, pid, true, (unsigned int)uap->data);
	case PTRACE_DETACH:
		return do_ptrace_detach(l, pid,
		    (int)MIN(uap->data, (unsigned long)NSIG + 1));
	}
	error = ptrace_hold(l, pid, uap->request != PTRACE_KILL &&
	    uap->request != PTRACE_INTERRUPT, &pt);
	if (error != 0)
		return error;
	error = request_held(pt, uap, retval);
	ptrace_release(pt);
	return error;
}

/* -- process_vm_readv(2), process_vm_writev(2) -- */

/* As far as it goes, a page at a time. */
static int
vm_copy_one(struct vmspace *vm, uintptr_t remote, uintptr_t local, size_t len,
    char *page, enum uio_rw rw, size_t *done)
{
	size_t n;
	int error;

	for (; len > 0; len -= n, remote += n, local += n, *done += n) {
		n = MIN(len, PAGE_SIZE - (remote & PAGE_MASK));
		if (remote >= VM_MAX_ADDRESS)
			return EFAULT;
		if (rw == UIO_WRITE &&
		    (error = copyin((const void *)local, page, n)) != 0)
			return error;
		if ((error = uvm_io(vm, remote, page, n, rw, false)) != 0)
			return error == EIO ? EFAULT : error;
		if (rw == UIO_READ &&
		    (error = copyout(page, (void *)local, n)) != 0)
			return error;
	}
	return 0;
}

static int
vm_copy(struct vmspace *vm, const struct linux_iov *local,
    const struct linux_iov *remote, enum uio_rw rw, size_t *done)
{
	const struct iovec *lv = local->li_iov, *rv = remote->li_iov;
	size_t li = 0, loff = 0, roff, n;
	char *page = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	int error = 0;

	if (page == NULL)
		return ENOMEM;
	for (size_t ri = 0; error == 0 && ri < remote->li_count; ri++) {
		for (roff = 0; error == 0 && roff < rv[ri].iov_len; roff += n) {
			while (li < local->li_count && loff == lv[li].iov_len) {
				li++;
				loff = 0;
			}
			if (li == local->li_count)
				goto out;
			n = MIN(rv[ri].iov_len - roff, lv[li].iov_len - loff);
			error = vm_copy_one(vm,
			    (uintptr_t)rv[ri].iov_base + roff,
			    (uintptr_t)lv[li].iov_base + loff, n, page, rw,
			    done);
			loff += n;
		}
	}
out:
	kmem_free(page, PAGE_SIZE);
	return *done != 0 ? 0 : error;
}

static int
vm_target(struct lwp *l, pid_t pid, struct vmspace **vm)
{
	struct lwp *l2;
	int error;

	rw_enter(&proctree_lock, RW_READER);
	if ((l2 = lwp_find(pid)) == NULL)
		error = ESRCH;
	else if ((error = ptrace_may_access(l, l2->l_proc)) == 0 &&
	    (*vm = proc_vmspace_ref(l2->l_proc)) == NULL)
		error = ESRCH;
	rw_exit(&proctree_lock);
	return error;
}

static int
process_vm(struct lwp *l, const struct linux_process_vm_readv_args *uap,
    enum uio_rw rw, register_t *retval)
{
	struct linux_iov local, remote;
	struct vmspace *vm;
	size_t done = 0;
	int error;

	if (uap->flags != 0)
		return EINVAL;
	if ((error = linux_iov_in(uap->liov, uap->lcnt, &local)) != 0)
		return error;
	if ((error = linux_iov_in(uap->riov, uap->rcnt, &remote)) != 0)
		goto out_local;
	if ((error = vm_target(l, uap->pid, &vm)) == 0) {
		error = vm_copy(vm, &local, &remote, rw, &done);
		vmspace_put(vm);
	}
	*retval = (register_t)done;
	linux_iov_done(&remote);
out_local:
	linux_iov_done(&local);
	return error;
}

int
linux_sys_process_vm_readv(struct lwp *l,
    const struct linux_process_vm_readv_args *uap, register_t *retval)
{
	return process_vm(l, uap, UIO_READ, retval);
}

int
linux_sys_process_vm_writev(struct lwp *l,
    const struct linux_process_vm_writev_args *uap, register_t *retval)
{
	const struct linux_process_vm_readv_args args = {
		.pid = uap->pid, .liov = uap->liov, .lcnt = uap->lcnt,
		.riov = uap->riov, .rcnt = uap->rcnt, .flags = uap->flags
	};

	return process_vm(l, &args, UIO_WRITE, retval);
}
