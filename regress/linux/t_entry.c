/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the kernel and out again on x86-64: registers, flags, segments and
 * addresses that entry and exit code could trip over.
 */
#define	_GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>

#include "tap.h"

#ifdef __x86_64__
/* The first address that no program has. */
#define	TOP		0x7ffffffff000UL
#define	NONCANONICAL	0x800000000000UL

#define	ARCH_SET_GS	0x1001
#define	ARCH_GET_GS	0x1004

static volatile int caught, last_signo;
static volatile uint64_t seen_rip;
static uint64_t new_regs[16];

/* The child must die by that signal. */
static void
dies(void (*fn)(void), int signo)
{
	pid_t pid;
	int status;

	if ((pid = fork()) == 0) {
		fn();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != signo)
		FAIL("wait status %#x, not signal %d", status, signo);
}

/* -- addresses -- */

static void
return_to_top(void)
{
	unsigned char *page = mmap((void *)(TOP - 4096), 4096,
	    PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED, -1, 0);

	if (page == MAP_FAILED) {
		/* It may be the stack's own: then there is no trying. */
		kill(getpid(), SIGSEGV);
		return;
	}
	page[4094] = 0x0f;
	page[4095] = 0x05;
	__asm__ volatile("jmp *%1" : : "a"(39), "r"(page + 4094) : "rcx",
	    "r11", "memory");
}

TEST(return_to_the_end_of_user_space)
{
	dies(return_to_top, SIGSEGV);
}

#define	CLONE_SETTLS_ONLY	(0x00080000 | SIGCHLD)

TEST(tls_base_at_impossible_addresses)
{
	CHECK_ERR(syscall(SYS_clone, CLONE_SETTLS_ONLY, 0, 0, 0, TOP), EPERM);
	CHECK_ERR(syscall(SYS_clone, CLONE_SETTLS_ONLY, 0, 0, 0, NONCANONICAL),
	    EPERM);
	CHECK_ERR(syscall(SYS_clone, CLONE_SETTLS_ONLY, 0, 0, 0,
	    0xffff800000000000UL), EPERM);
}

static void
handler_nowhere(void)
{
	struct { unsigned long h, flags, r, mask; } sa =
	    { NONCANONICAL, 0x04000000, 0x1000, 0 };

	CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &sa, NULL, 8), 0);
	raise(SIGUSR1);
}

static void
handler_in_kernel(void)
{
	struct { unsigned long h, flags, r, mask; } sa =
	    { 0xffffffff80000000UL, 0x04000000, 0x1000, 0 };

	CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &sa, NULL, 8), 0);
	raise(SIGUSR1);
}

TEST(handlers_at_impossible_addresses)
{
	dies(handler_nowhere, SIGSEGV);
	dies(handler_in_kernel, SIGSEGV);
}

static void
on_return_nowhere(int signo, siginfo_t *si, void *uc)
{
	(void)signo;
	(void)si;
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] = (greg_t)seen_rip;
}

static void
sigreturn_nowhere(void)
{
	struct sigaction sa = { .sa_sigaction = on_return_nowhere,
		.sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	raise(SIGUSR1);
}

TEST(sigreturn_to_impossible_addresses)
{
	seen_rip = NONCANONICAL;
	dies(sigreturn_nowhere, SIGSEGV);
	seen_rip = 0xffff800000000000UL;
	dies(sigreturn_nowhere, SIGSEGV);
	seen_rip = TOP;
	dies(sigreturn_nowhere, SIGSEGV);
}

static sigjmp_buf out;

static void
on_segv(int signo, siginfo_t *si, void *ucv)
{
	greg_t *g = ((ucontext_t *)ucv)->uc_mcontext.gregs;

	(void)si;
	last_signo = signo;
	CHECK_EQ(g[REG_RIP], seen_rip);
	siglongjmp(out, 1);
}

static void
try_return(uint64_t rip)
{
	seen_rip = rip;
	last_signo = 0;
	if (sigsetjmp(out, 1) == 0)
		raise(SIGUSR1);
	CHECK_EQ(last_signo, SIGSEGV);
}

/* The signal says where the program went, not where it came from. */
TEST(sigreturn_faults_where_it_goes)
{
	struct sigaction sa = { .sa_sigaction = on_return_nowhere,
		.sa_flags = SA_SIGINFO },
	    segv = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGSEGV, &segv, NULL), 0);
	for (unsigned int bit = 47; bit < 64; bit++)
		try_return(1UL << bit);
	try_return(~0UL);
}

static volatile unsigned long new_selectors;

static void
on_selectors(int signo, siginfo_t *si, void *ucv)
{
	greg_t *g = ((ucontext_t *)ucv)->uc_mcontext.gregs;

	(void)signo;
	(void)si;
	g[REG_CSGSFS] = (greg_t)new_selectors;
}

static void
on_fault(int signo)
{
	last_signo = signo;
	siglongjmp(out, 1);
}

TEST(sigreturn_to_impossible_selectors)
{
	/*
	 * ss << 48 | cs: none, beyond the table, no data.  (The kernel's
	 * own do no harm in a PV guest, where it is no more privileged.)
	 */
	static const unsigned long sels[] = { 0x002b000000000000UL,
		0x002b00000000fff3UL, 0x0000000000000033UL,
		0xfffb000000000033UL, 0x0043000000000033UL };
	struct sigaction sa = { .sa_sigaction = on_selectors,
		.sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	for (unsigned int i = 0; i < sizeof(sels) / sizeof(*sels); i++) {
		new_selectors = sels[i];
		last_signo = 0;
		if (sigsetjmp(out, 1) == 0)
			raise(SIGUSR1);
		if (last_signo != SIGSEGV && last_signo != SIGBUS)
			FAIL("selectors %#lx: signal %d", sels[i], last_signo);
	}
}

TEST(system_call_with_a_bad_stack)
{
	static const uint64_t stacks[] = { 0, 8, NONCANONICAL,
		0xffffffff80000000UL, ~0UL };

	for (unsigned int i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		long ret;

		__asm__ volatile("movq %%rsp, %%rbx; movq %2, %%rsp\n"
		    "syscall\n"
		    "movq %%rbx, %%rsp" : "=a"(ret)
		    : "0"(39), "r"(stacks[i]) : "rbx", "rcx", "r11",
		    "memory");
		CHECK_EQ(ret, getpid());
		__asm__ volatile("movq %%rsp, %%rbx; movq %2, %%rsp\n"
		    "int $0x80\n"
		    "movq %%rbx, %%rsp" : "=a"(ret)
		    : "0"(20), "r"(stacks[i]) : "rbx", "memory");
		CHECK_EQ(ret, getpid());
	}
}

/* -- registers and flags -- */

TEST(what_syscall_leaves)
{
	uint64_t rcx, r11, flags, rip, in = 0x1122334455667788, out;

	__asm__ volatile("pushfq; popq %2\n"
	    "movq %5, %%r15\n"
	    "syscall\n"
	    "1: leaq 1b(%%rip), %3\n"
	    "movq %%r15, %4\n"
	    : "=&c"(rcx), "+a"((uint64_t){ 39 }), "=&r"(flags), "=&r"(rip),
	    "=&r"(out) : "r"(in) : "r11", "r15", "memory");
	CHECK_EQ(rcx, rip);
	CHECK_EQ(out, in);
	(void)r11;
	(void)flags;
}

static void
on_patch(int signo, siginfo_t *si, void *ucv)
{
	greg_t *g = ((ucontext_t *)ucv)->uc_mcontext.gregs;

	(void)signo;
	(void)si;
	g[REG_RAX] = (greg_t)new_regs[0];
	g[REG_RCX] = (greg_t)new_regs[1];
	g[REG_RDX] = (greg_t)new_regs[2];
	g[REG_R8] = (greg_t)new_regs[3];
	g[REG_R11] = (greg_t)new_regs[4];
	g[REG_R15] = (greg_t)new_regs[5];
	g[REG_EFL] |= 0x801;			/* OF, CF */
	caught++;
}

/* All registers come from the frame, also those that SYSRET uses. */
TEST(sigreturn_sets_all)
{
	struct sigaction sa = { .sa_sigaction = on_patch,
		.sa_flags = SA_SIGINFO };
	uint64_t got[7];

	for (int i = 0; i < 6; i++)
		new_regs[i] = 0x0101010101010101UL * (unsigned int)(i + 1);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	__asm__ volatile(
	    "syscall\n"
	    "movq %%rax, (%%rbx); movq %%rcx, 8(%%rbx)\n"
	    "movq %%rdx, 16(%%rbx); movq %%r8, 24(%%rbx)\n"
	    "movq %%r11, 32(%%rbx); movq %%r15, 40(%%rbx)\n"
	    "pushfq; popq 48(%%rbx)\n"
	    : : "a"(62), "D"((long)getpid()), "S"((long)SIGUSR1), "b"(got)
	    : "rcx", "rdx", "r8", "r11", "r15", "memory", "cc");
	CHECK_EQ(caught, 1);
	CHECK(memcmp(got, new_regs, 48) == 0);
	CHECK_EQ(got[6] & 0x801, 0x801);
}

TEST(odd_flags_at_a_system_call)
{
	/* NT, DF, AC one by one. */
	static const uint64_t flags[] = { 0x4000, 0x400, 0x40000 };

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t after;
		long ret;

		__asm__ volatile("pushfq; orq %3, (%%rsp); popfq\n"
		    "syscall\n"
		    "pushfq; popq %1\n"
		    "pushfq; andq $~0x44400, (%%rsp); popfq\n"
		    : "=a"(ret), "=&r"(after) : "0"(39), "r"(flags[i])
		    : "rcx", "r11", "memory", "cc");
		CHECK_EQ(ret, getpid());
		CHECK_EQ(after & flags[i], flags[i]);
	}
}

static void
on_trap(int signo)
{
	(void)signo;
	caught++;
}

TEST(single_steps_through_calls)
{
	long ret;

	signal(SIGTRAP, on_trap);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
	    "nop\n"
	    "syscall\n"
	    "nop; nop\n"
	    "movl $20, %%eax; int $0x80\n"
	    "nop; nop\n"
	    "pushfq; andq $~0x100, (%%rsp); popfq\n"
	    : "=a"(ret) : "0"(39) : "rcx", "r8", "r9", "r10", "r11", "memory",
	    "cc");
	CHECK_EQ(ret, getpid());
	CHECK(caught >= 8 && caught <= 12);
	int before = caught;
	getppid();
	CHECK_EQ(caught, before);
}

/* -- traps by instruction -- */

static void
on_any(int signo, siginfo_t *si, void *ucv)
{
	greg_t *g = ((ucontext_t *)ucv)->uc_mcontext.gregs;

	(void)si;
	last_signo = signo;
	if (seen_rip != 0)
		g[REG_RIP] = (greg_t)seen_rip;
	caught++;
}

#define	TRY(insn, signo) do {						\
	last_signo = 0;							\
	__asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, %0\n"	\
	    insn "\n1:" : "=m"(seen_rip) : : "rax", "rcx", "rdx",	\
	    "memory", "cc");						\
	CHECK_EQ(last_signo, signo);					\
} while (0)

TEST(instructions_that_trap)
{
	struct sigaction sa = { .sa_sigaction = on_any,
		.sa_flags = SA_SIGINFO | SA_NODEFER };
	static const int sigs[] = { SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGBUS };

	for (unsigned int i = 0; i < 5; i++)
		CHECK_EQ(sigaction(sigs[i], &sa, NULL), 0);
	TRY("ud2", SIGILL);
	TRY("int3", SIGTRAP);
	TRY("int $3", SIGTRAP);
	TRY("int $0x81", SIGSEGV);
	TRY("int $13", SIGSEGV);
	TRY("hlt", SIGSEGV);
	TRY("cli", SIGSEGV);
	TRY("xorl %%edx, %%edx; movl $0, %%ecx; divl %%ecx", SIGFPE);
	TRY("movabsq $0x800000000000, %%rax; movb (%%rax), %%al", SIGSEGV);
	TRY("movw $0x77, %%ax; movw %%ax, %%ds", SIGSEGV);
	TRY("movw $0x10, %%ax; movw %%ax, %%ss", SIGSEGV);
}

/* -- segments -- */

static volatile int spin_stop;

static void *
spinner(void *arg)
{
	unsigned long mine = (unsigned long)arg, got;

	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, mine), 0);
	for (int i = 0; i < 200 && !spin_stop; i++) {
		sched_yield();
		CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_GS, &got), 0);
		CHECK_EQ(got, mine);
		__asm__ volatile("movq %%gs:0, %0" : "=r"(got));
		CHECK_EQ(got, *(unsigned long *)mine);
	}
	return NULL;
}

TEST(gs_of_threads)
{
	static unsigned long words[4] = { 11, 22, 33, 44 };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, spinner, &words[i]), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_ERR(syscall(SYS_arch_prctl, ARCH_SET_GS, NONCANONICAL), EPERM);
	CHECK_ERR(syscall(SYS_arch_prctl, ARCH_SET_GS, ~0UL), EPERM);
}

/*
 * Another process with the same bases has them also after one that has changed
 * its own behind the kernel's back: a null selector leaves none.  They take
 * turns on one CPU.
 */
static void
change_fs(int from, int to)
{
	char c;

	/* From here on the C library must not be called. */
	__asm__ volatile("movl %0, %%fs; movl %1, %%fs" : : "r"(0x2b), "r"(0));
	for (int i = 0; i < 50; i++) {
		__asm__ volatile("syscall" : : "a"(SYS_write), "D"(to),
		    "S"(&c), "d"(1) : "rcx", "r11", "memory");
		__asm__ volatile("movl %0, %%fs; movl %1, %%fs" : :
		    "r"(0x2b), "r"(0));
		__asm__ volatile("syscall" : : "a"(SYS_read), "D"(from),
		    "S"(&c), "d"(1) : "rcx", "r11", "memory");
		__asm__ volatile("movl %0, %%fs; movl %1, %%fs" : :
		    "r"(0x2b), "r"(0));
	}
	__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(0));
}

TEST(bases_after_another_process_changed_its_own)
{
	int up[2], down[2], status;
	uint64_t cpus = 1;
	char c = 0;
	pid_t pid;

	CHECK_EQ(syscall(SYS_sched_setaffinity, 0, sizeof(cpus), &cpus), 0);
	CHECK(pipe(up) == 0 && pipe(down) == 0);
	CHECK((pid = fork()) != -1);
	if (pid == 0)
		change_fs(down[0], up[1]);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(read(up[0], &c, 1), 1);
		errno = 0;		/* lies in %fs */
		CHECK_EQ(write(down[1], &c, 1), 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(a_base_behind_the_kernels_back)
{
	static unsigned long word = 55;
	unsigned long got;

	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, &word), 0);
	__asm__ volatile("movl %0, %%gs; movl %1, %%gs" : : "r"(0x2b),
	    "r"(0));
	/* Set again, it is there again. */
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, &word), 0);
	__asm__ volatile("movq %%gs:0, %0" : "=r"(got));
	CHECK_EQ(got, 55);
	__asm__ volatile("movl %0, %%gs" : : "r"(0x2b));
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_GS, &got), 0);
	CHECK_EQ(got, 0);
}

TEST(selectors_stay)
{
	unsigned short ds, es, gs;

	__asm__ volatile("movw %0, %%ds; movw %0, %%es; movw %0, %%gs"
	    : : "r"((unsigned short)0x2b));
	sleep_ms(20);
	if (fork() == 0)
		_exit(0);
	CHECK(wait(NULL) > 0);
	__asm__ volatile("movw %%ds, %0; movw %%es, %1; movw %%gs, %2"
	    : "=r"(ds), "=r"(es), "=r"(gs));
	CHECK(ds == 0x2b && es == 0x2b && gs == 0x2b);
	__asm__ volatile("movw %0, %%ds; movw %0, %%es; movw %0, %%gs"
	    : : "r"((unsigned short)0));
}

/* -- 32-bit code in a 64-bit program -- */

static int strict;

static void
on_alarm(int signo, siginfo_t *si, void *ucv)
{
	greg_t *g = ((ucontext_t *)ucv)->uc_mcontext.gregs;

	(void)signo;
	(void)si;
	if ((g[REG_CSGSFS] & 0xffff) == 0x23) {
		caught++;
		/* UC_STRICT_RESTORE_SS is for 64-bit code. */
		strict |= (((ucontext_t *)ucv)->uc_flags & 4) != 0;
		/* Out of the loop: decl %eax to zero. */
		g[REG_RAX] = 1;
	}
}

TEST(code_of_32_bits)
{
	/*
	 * 1: decl %eax; jnz 1b; movl $20, %eax; int $0x80; ljmp $0x33, $0
	 * No far call or return: QEMU's push and pop as the kernel does.
	 */
	static const unsigned char code[] = { 0xff, 0xc8, 0x75, 0xfc, 0xb8,
		20, 0, 0, 0, 0xcd, 0x80, 0xea, 0, 0, 0, 0, 0x33, 0 };
	struct sigaction sa = { .sa_sigaction = on_alarm,
		.sa_flags = SA_SIGINFO };
	unsigned char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE |
	    PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct { unsigned int off; unsigned short sel; }
	    __attribute__((__packed__)) far;
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	long ret;

	CHECK(low != MAP_FAILED);
	memcpy(low, code, sizeof(code));
	far.off = (unsigned int)(uintptr_t)low;
	far.sel = 0x23;
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	/* On a stack that 32 bits can reach. */
	__asm__ volatile("movq %%rsp, %%r15; movq %3, %%rsp\n"
	    "leaq 1f(%%rip), %%rdx; movl %%edx, 12(%4)\n"
	    "ljmp *(%2)\n"
	    "1: movq %%r15, %%rsp" : "=a"(ret)
	    : "0"(0), "r"(&far), "r"(low + 8192 - 16), "r"(low)
	    : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
	    "r15", "memory", "cc");
	CHECK_EQ(ret, getpid());
	CHECK(caught >= 1);
	CHECK(!strict);
}

/* Without UC_STRICT_RESTORE_SS the stack's selector need not be one. */
static void
lose_ss(int signo, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	(void)signo;
	(void)si;
	CHECK_EQ(uc->uc_flags & 6, 6);
	uc->uc_flags &= ~4UL;
	uc->uc_mcontext.gregs[REG_CSGSFS] &= 0xffffffffffff;
	caught++;
}

TEST(sigreturn_without_ss)
{
	struct sigaction sa = { .sa_sigaction = lose_ss,
		.sa_flags = SA_SIGINFO };
	unsigned short before, ss;

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	/* Out of a system call a PV guest comes with Xen's selector. */
	(void)syscall(SYS_getpid);
	__asm__ volatile("movw %%ss, %0" : "=r"(before));
	CHECK_EQ(raise(SIGUSR1), 0);
	__asm__ volatile("movw %%ss, %0" : "=r"(ss));
	if (ss != before)
		CHECK_EQ(ss, 0x2b);
	CHECK_EQ(caught, 1);
}
#endif
