/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux personality: dispatch of system calls.
 *
 * Overview: the tables are generated from syscalls.master.  A handler gets the
 * six argument registers as its structure and returns 0 or a positive error;
 * a call that is not there gives ENOSYS.  A DEBUG kernel prints every call of
 * a process when the boot option domus.strace names its command, or is empty.
 */
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/ptrace.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

const struct emul emul_linux = {
	.e_name = "linux",
	.e_syscall = linux_syscall,
	.e_sendsig = linux_sendsig,
	.e_restart = linux_restart,
	.e_mapextra = linux_vdso_map,
	.e_copyargs = linux_copyargs,
	.e_setregs = linux_setregs,
	.e_lwp_exit = linux_lwp_exit,
	.e_coredump = linux_coredump,
	.e_notify = linux_notify,
};

#ifdef DEBUG
BOOT_OPTION(option_strace, "domus.strace",
    "print the system calls of the named command, or of all");

/* Asked once: 0 not yet, 1 no, 2 all, 3 those of trace_comm. */
static int trace_mode;
static char trace_comm[MAXCOMLEN];

static bool
trace_wanted(const struct lwp *l)
{
	if (trace_mode == 0)
		trace_mode = !boot_option("domus.strace", trace_comm,
		    sizeof(trace_comm)) ? 1 : trace_comm[0] == '\0' ? 2 : 3;
	return trace_mode == 2 || (trace_mode == 3 &&
	    strcmp(l->l_proc->p_comm, trace_comm) == 0);
}

/* One argument by its kind; the number of characters. */
static int
trace_arg(char *buf, size_t size, char kind, register_t arg)
{
	char s[64];
	size_t n;

	switch (kind) {
	case 's':
		memset(s, 0, sizeof(s));
		(void)!copyinstr((const void *)arg, s, sizeof(s) - 1, &n);
		if (arg != 0)
			return scnprintf(buf, size, "\"%s\"", s);
		return scnprintf(buf, size, "NULL");
	case 'p':
	case 'x':
		return scnprintf(buf, size, "%#lx", (unsigned long)arg);
	case 'o':
		return scnprintf(buf, size, "%#o", (unsigned int)arg);
	case 'z':
	case 'u':
		return scnprintf(buf, size, "%lu", (unsigned long)arg);
	case 'l':
		return scnprintf(buf, size, "%ld", (long)arg);
	default:
		return scnprintf(buf, size, "%d", (int)arg);
	}
}

static void
trace_call(const struct lwp *l, const struct linux_sysent *sy,
    uint64_t nr, const register_t *args)
{
	char buf[256];
	int n = 0;

	if (!trace_wanted(l))
		return;
	buf[0] = '\0';
	for (unsigned int i = 0; sy != NULL && i < sy->sy_nargs; i++) {
		if (i != 0)
			n += scnprintf(buf + n, sizeof(buf) - (size_t)n, ", ");
		n += trace_arg(buf + n, sizeof(buf) - (size_t)n,
		    sy->sy_kinds[i], args[i]);
	}
	if (sy != NULL && sy->sy_name != NULL)
		printf("strace: %d %s: %s(%s)\n", l->l_tid, l->l_name,
		    sy->sy_name, buf);
	else
		printf("strace: %d %s: call %lu\n", l->l_tid, l->l_name, nr);
}

static void
trace_result(const struct lwp *l, const struct linux_sysent *sy, int error,
    register_t retval)
{
	if (!trace_wanted(l) || sy == NULL || sy->sy_name == NULL)
		return;
	if (error != 0)
		printf("strace: %d %s: %s: error %d\n", l->l_tid, l->l_name,
		    sy->sy_name, error);
	else
		printf("strace: %d %s: %s = %#lx\n", l->l_tid, l->l_name,
		    sy->sy_name, (unsigned long)retval);
}
#else
#define	trace_call(l, sy, nr, args)	((void)0)
#define	trace_result(l, sy, error, ret)	((void)0)
#endif

/* The end of a call: its result to the register. */
static inline void
syscall_result(struct lwp *l, struct trapframe *tf, int error,
    register_t retval)
{
	if (__predict_true(error == 0)) {
		tf->tf_rax = (uint64_t)retval;
		return;
	}
	if (error == EJUSTRETURN)
		return;
	tf->tf_rax = (uint64_t)-(int64_t)error;
	/* sig_deliver() turns it into a restart or EINTR. */
	if (error >= ERESTARTSYS)
		(void)atomic_or(&l->l_ast, L_AST_SIGNAL);
}

/*
 * int $0x80: the i386 table and registers, whatever the program is.  The
 * handlers look at l_callabi for the widths of pointers and structures.
 */
static void
linux_syscall32(struct lwp *l, struct trapframe *tf)
{
	register_t args[6] = {
		(uint32_t)tf->tf_rbx, (uint32_t)tf->tf_rcx,
		(uint32_t)tf->tf_rdx, (uint32_t)tf->tf_rsi,
		(uint32_t)tf->tf_rdi, (uint32_t)tf->tf_rbp
	};
	uint32_t nr = (uint32_t)tf->tf_rax;
	const struct linux_sysent *sy = NULL;
	register_t retval = 0;
	int error = ENOSYS;

	if (nr < LINUX_NSYSENT32)
		sy = &linux_sysent32[nr];
	trace_call(l, sy, nr, args);
	if (__predict_false(l->l_seccomp != NULL) &&
	    !linux_seccomp_allows(l, tf, nr, args))
		return;
	if (sy != NULL && sy->sy_call != NULL) {
		l->l_callabi = LINUX_ABI_I386 | sy->sy_flags;
		error = sy->sy_call(l, args, &retval);
		l->l_restart.rb_callabi = l->l_callabi;
		l->l_callabi = 0;
	}
	trace_result(l, sy, error, retval);
	syscall_result(l, tf, error, retval);
}

/* A `syscall` instruction of a 64-bit program, or int $0x80. */
static void
syscall_run(struct lwp *l, struct trapframe *tf)
{
	register_t args[6] = {
		(register_t)tf->tf_rdi, (register_t)tf->tf_rsi,
		(register_t)tf->tf_rdx, (register_t)tf->tf_r10,
		(register_t)tf->tf_r8, (register_t)tf->tf_r9
	};
	uint32_t nr = (uint32_t)tf->tf_rax;
	const struct linux_sysent *sy = NULL;
	register_t retval = 0;
	int error = ENOSYS;

	if (__predict_false(tf->tf_trapno != TF_SYSCALL)) {
		linux_syscall32(l, tf);
		return;
	}
	if (nr < LINUX_NSYSENT64)
		sy = &linux_sysent64[nr];
	trace_call(l, sy, nr, args);
	if (__predict_false(l->l_seccomp != NULL) &&
	    !linux_seccomp_allows(l, tf, nr, args))
		return;
	if (sy != NULL && sy->sy_call != NULL)
		error = sy->sy_call(l, args, &retval);
	trace_result(l, sy, error, retval);
	syscall_result(l, tf, error, retval);
}

/*
 * The tracer may look at the call and change it on the way in, and its result
 * on the way out.  The number is in tf_err, and -1 there means no call at all.
 */
static void
syscall_traced(struct lwp *l, struct trapframe *tf)
{
	tf->tf_err = tf->tf_rax;
	tf->tf_rax = (uint64_t)-ENOSYS;
	if (!ptrace_syscall(l, PTRACE_AT_ENTRY) ||
	    (atomic_load(&l->l_ast) & L_AST_DIE) != 0)
		return;
	if ((int32_t)tf->tf_err != -1) {
		tf->tf_rax = tf->tf_err;
		syscall_run(l, tf);
	}
	(void)ptrace_syscall(l, PTRACE_AT_EXIT);
}

void
linux_syscall(struct lwp *l, struct trapframe *tf)
{
	if (__predict_false(l->l_ptrace != NULL))
		syscall_traced(l, tf);
	else
		syscall_run(l, tf);
}
