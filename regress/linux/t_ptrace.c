/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace(2): launching, attaching and seizing; stops, steps, breakpoints,
 * registers, memory, events.
 */
#define	_GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "tap.h"

#define	STOP(sig)	((sig) << 8 | 0x7f)
#define	EVENT(e)	STOP(SIGTRAP | (e) << 8)
#define	GOOD		STOP(SIGTRAP | 0x80)

static long
pt(long req, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, req, (long)pid, addr, data);
}

/* The next status of that thread. */
static int
status_of(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	return status;
}

static void
expect(pid_t pid, int want)
{
	int status = status_of(pid);

	if (status != want)
		FAIL("wait status %#x, not %#x", status, want);
}

static unsigned long
peek(pid_t pid, volatile void *addr)
{
	unsigned long val;

	CHECK_EQ(pt(PTRACE_PEEKDATA, pid, (unsigned long)addr,
	    (unsigned long)&val), 0);
	return val;
}

static struct user_regs_struct
regs_of(pid_t pid)
{
	struct user_regs_struct r;

	CHECK_EQ(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r), 0);
	return r;
}

/* A child that is traced by TRACEME and has stopped itself. */
static pid_t
launch(void (*fn)(void))
{
	pid_t pid = fork();

	CHECK(pid != -1);
	if (pid == 0) {
		if (pt(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(99);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	expect(pid, STOP(SIGSTOP));
	return pid;
}

static void
nothing(void)
{
}

static volatile int caught;
static volatile unsigned long word = 0x1122334455667788UL;

static void
handler(int signo)
{
	caught = signo;
}

TEST(signals_pass_the_tracer)
{
	siginfo_t si;
	pid_t pid;

	signal(SIGUSR1, handler);
	if ((pid = fork()) == 0) {
		CHECK_EQ(pt(PTRACE_TRACEME, 0, 0, 0), 0);
		raise(SIGUSR1);		/* swallowed */
		if (caught != 0)
			_exit(1);
		raise(SIGUSR1);		/* delivered */
		if (caught != SIGUSR1)
			_exit(2);
		raise(SIGCHLD);		/* ignored, but seen */
		raise(SIGTERM);		/* becomes SIGUSR1 */
		_exit(7);
	}
	expect(pid, STOP(SIGUSR1));
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK(si.si_signo == SIGUSR1 && si.si_code == SI_TKILL &&
	    si.si_pid == pid);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, STOP(SIGUSR1));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGUSR1), 0);
	expect(pid, STOP(SIGCHLD));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGCHLD), 0);
	expect(pid, STOP(SIGTERM));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGUSR1), 0);
	reap(pid, 7);
}

TEST(errors)
{
	pid_t pid;

	CHECK_ERR(pt(PTRACE_CONT, getpid(), 0, 0), ESRCH);
	CHECK_ERR(pt(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERR(pt(PTRACE_ATTACH, 0x3ffffff, 0, 0), ESRCH);
	pid = launch(nothing);
	CHECK_ERR(pt(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 65), EIO);
	CHECK_ERR(pt(PTRACE_SETOPTIONS, pid, 0, 1UL << 30), EINVAL);
	CHECK_ERR(pt(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	CHECK_ERR(pt(PTRACE_PEEKUSR, pid, 3, (unsigned long)&word), EIO);
	CHECK_ERR(pt(PTRACE_PEEKUSR, pid, 4096, (unsigned long)&word), EIO);
	CHECK_ERR(pt(PTRACE_PEEKDATA, pid, 8, (unsigned long)&word), EIO);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 0);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
}

/* -- memory -- */

static void
leave_with_word(void)
{
	_exit(word == 5 ? 55 : 1);
}

TEST(memory)
{
	pid_t pid = launch(leave_with_word);
	unsigned long val = 0x99;
	struct iovec lv = { &val, sizeof(val) };
	struct iovec rv = { (void *)&word, sizeof(word) };
	char path[40];
	int fd;

	CHECK_EQ(peek(pid, &word), word);
	CHECK_EQ(pt(PTRACE_POKEDATA, pid, (unsigned long)&word, 77), 0);
	CHECK_EQ(process_vm_readv(pid, &lv, 1, &rv, 1, 0), sizeof(val));
	CHECK_EQ(val, 77);
	val = 78;
	CHECK_EQ(process_vm_writev(pid, &lv, 1, &rv, 1, 0), sizeof(val));
	CHECK_EQ(peek(pid, &word), 78);
	rv.iov_base = NULL;
	CHECK_ERR(process_vm_readv(pid, &lv, 1, &rv, 1, 0), EFAULT);
	CHECK_ERR(process_vm_readv(pid, &lv, 1, &rv, 1, 1), EINVAL);
	CHECK_ERR(process_vm_readv(0x3ffffff, &lv, 1, &rv, 1, 0), ESRCH);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	CHECK((fd = open(path, O_RDWR)) != -1);
	CHECK_EQ(pread(fd, &val, sizeof(val), (off_t)&word), sizeof(val));
	CHECK_EQ(val, 78);
	val = 5;
	CHECK_EQ(pwrite(fd, &val, sizeof(val), (off_t)&word), sizeof(val));
	CHECK_ERR(pread(fd, &val, sizeof(val), 16), EIO);
	close(fd);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 55);
}

/* -- registers, steps, breakpoints -- */

static __attribute__((__noinline__)) int
answer(int n)
{
	__asm__ volatile("" ::: "memory");
	return n + 1;
}

static void
call_answer(void)
{
	_exit(answer(41));
}

/* A breakpoint in code that the program may not write to. */
TEST(breakpoint)
{
	pid_t pid = launch(call_answer);
	unsigned long at = (unsigned long)answer, code = peek(pid, answer);
	struct user_regs_struct r;
	siginfo_t si;

	CHECK_EQ(pt(PTRACE_POKETEXT, pid, at, (code & ~0xffUL) | 0xcc), 0);
	CHECK_EQ(*(unsigned long *)at, code);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, STOP(SIGTRAP));
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK_EQ(si.si_code, SI_KERNEL);
	r = regs_of(pid);
	CHECK_EQ(r.rip, at + 1);
	CHECK_EQ(r.orig_rax, -1);
	CHECK_EQ(r.rdi, 41);
	r.rip = at;
	r.rdi = 60;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	CHECK_EQ(pt(PTRACE_POKETEXT, pid, at, code), 0);
	CHECK_EQ(pt(PTRACE_SINGLESTEP, pid, 0, 0), 0);
	expect(pid, STOP(SIGTRAP));
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK_EQ(si.si_code, TRAP_TRACE);
	r = regs_of(pid);
	CHECK(r.rip > at && r.rip < at + 15);
	CHECK_EQ(r.eflags & 0x100, 0);
	CHECK_ERR(pt(PTRACE_POKEUSR, pid,
	    offsetof(struct user_regs_struct, cs), 0x10), EIO);
	CHECK_ERR(pt(PTRACE_POKEUSR, pid,
	    offsetof(struct user_regs_struct, fs_base), 0x800000000000UL),
	    EIO);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 61);
}

static void
one_call(void)
{
	_exit(syscall(SYS_getppid, 1, 2, 3) == 77 ? 5 : 6);
}

TEST(the_tracer_makes_the_calls)
{
	pid_t pid = launch(one_call);
	struct user_regs_struct r;

	/* Not made, and made anew with other arguments. */
	CHECK_EQ(pt(PTRACE_SYSEMU, pid, 0, 0), 0);
	for (expect(pid, STOP(SIGTRAP)); regs_of(pid).orig_rax !=
	    SYS_getppid; expect(pid, STOP(SIGTRAP))) {
		r = regs_of(pid);
		r.rax = 0;
		CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
		CHECK_EQ(pt(PTRACE_SYSEMU, pid, 0, 0), 0);
	}
	r = regs_of(pid);
	CHECK(r.rdi == 1 && r.rsi == 2 && r.rdx == 3);
	CHECK_EQ(r.rax, -ENOSYS);
	r.rax = SYS_getpgrp;
	r.rdi = 20;
	r.rip -= 2;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	CHECK_EQ(pt(PTRACE_SYSEMU, pid, 0, 0), 0);
	expect(pid, STOP(SIGTRAP));
	r = regs_of(pid);
	CHECK_EQ(r.orig_rax, SYS_getpgrp);
	CHECK_EQ(r.rdi, 20);
	r.rax = 77;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 5);
}

static void
watched_nop(void)
{
	__asm__ volatile(".globl here\nhere: nop" : : : "memory");
	_exit(12);
}
extern char here[];

/* The child's own handler returns to the instruction: it runs then. */
TEST(breakpoint_by_debug_register)
{
	unsigned long dr = offsetof(struct user, u_debugreg);
	pid_t pid;

	need_debug_registers();
	signal(SIGTRAP, handler);
	pid = launch(watched_nop);
	CHECK_EQ(pt(PTRACE_POKEUSR, pid, dr, (unsigned long)here), 0);
	CHECK_EQ(pt(PTRACE_POKEUSR, pid, dr + 56, 1), 0);
	CHECK_EQ(pt(PTRACE_DETACH, pid, 0, 0), 0);
	reap(pid, 12);
}

TEST(bases_by_arch_prctl)
{
	pid_t pid = launch(nothing);
	unsigned long got;

	CHECK_EQ(pt(PTRACE_ARCH_PRCTL, pid, 0x5000, 0x1001), 0);
	CHECK_EQ(pt(PTRACE_ARCH_PRCTL, pid, (unsigned long)&got, 0x1004), 0);
	CHECK_EQ(got, 0x5000);
	CHECK_EQ(regs_of(pid).gs_base, 0x5000);
	CHECK_EQ(pt(PTRACE_ARCH_PRCTL, pid, (unsigned long)&got, 0x1003), 0);
	CHECK_EQ(got, regs_of(pid).fs_base);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 0);
}

static void
some_code(void)
{
	signal(SIGUSR1, handler);
	syscall(SYS_getpid);
	__asm__ volatile("nop; nop; nop");
	raise(SIGUSR1);
}

TEST(step_through_calls_and_handlers)
{
	pid_t pid = launch(some_code);
	int steps = 0, status = 0, in_handler = 0;

	for (;;) {
		CHECK_EQ(pt(PTRACE_SINGLESTEP, pid, 0, steps != 0 &&
		    WSTOPSIG(status) == SIGUSR1 ? SIGUSR1 : 0), 0);
		status = status_of(pid);
		if (!WIFSTOPPED(status))
			break;
		steps++;
		if (regs_of(pid).rip == (unsigned long)handler)
			in_handler++;
		CHECK(WSTOPSIG(status) == SIGTRAP ||
		    WSTOPSIG(status) == SIGUSR1);
	}
	CHECK_EQ(status, 0);
	CHECK(steps > 20);
	CHECK_EQ(in_handler, 1);
}

TEST(register_sets)
{
	pid_t pid = launch(nothing);
	static char buf[16384], again[16384];
	struct iovec iov = { buf, sizeof(buf) };
	struct user_regs_struct r = regs_of(pid), *set = (void *)buf;
	unsigned long val;

	CHECK_EQ(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS,
	    (unsigned long)&iov), 0);
	CHECK_EQ(iov.iov_len, sizeof(r));
	CHECK(memcmp(set, &r, sizeof(r)) == 0);
	set->r12 = 0x1212;
	CHECK_EQ(pt(PTRACE_SETREGSET, pid, NT_PRSTATUS,
	    (unsigned long)&iov), 0);
	CHECK_EQ(regs_of(pid).r12, 0x1212);
	CHECK_EQ(pt(PTRACE_PEEKUSR, pid,
	    offsetof(struct user_regs_struct, r12), (unsigned long)&val), 0);
	CHECK_EQ(val, 0x1212);
	CHECK_EQ(pt(PTRACE_POKEUSR, pid,
	    offsetof(struct user_regs_struct, r12), r.r12), 0);
	iov.iov_len = sizeof(buf);
	CHECK_EQ(pt(PTRACE_GETREGSET, pid, NT_PRFPREG,
	    (unsigned long)&iov), 0);
	CHECK_EQ(iov.iov_len, 512);
	memset(buf + 160 + 5 * 16, 0x5a, 16);	/* xmm5 */
	CHECK_EQ(pt(PTRACE_SETREGSET, pid, NT_PRFPREG,
	    (unsigned long)&iov), 0);
	CHECK_EQ(pt(PTRACE_GETFPREGS, pid, 0, (unsigned long)again), 0);
	CHECK(memcmp(buf + 160, again + 160, 256) == 0);
	iov.iov_len = sizeof(buf);
	if (pt(PTRACE_GETREGSET, pid, NT_X86_XSTATE,
	    (unsigned long)&iov) == 0) {
		CHECK(iov.iov_len >= 576 && buf[160 + 80] == 0x5a);
		CHECK_EQ(*(unsigned long *)(buf + 464) & 3, 3);
		CHECK_EQ(pt(PTRACE_SETREGSET, pid, NT_X86_XSTATE,
		    (unsigned long)&iov), 0);
	} else
		CHECK_EQ(errno, ENODEV);
	CHECK_ERR(pt(PTRACE_GETREGSET, pid, 0x12345, (unsigned long)&iov),
	    EINVAL);
	kill(pid, SIGKILL);
	expect(pid, SIGKILL);
}

static void
write_word(void)
{
	sleep_ms(1);
	word = 6;
	_exit(word == 6 ? 3 : 4);
}

TEST(watchpoint)
{
	unsigned long dr = offsetof(struct user, u_debugreg), val;
	siginfo_t si;
	pid_t pid;

	need_debug_registers();
	pid = launch(write_word);
	CHECK_EQ(pt(PTRACE_POKEUSR, pid, dr, (unsigned long)&word), 0);
	/* Register 0, writes, 8 bytes. */
	CHECK_EQ(pt(PTRACE_POKEUSR, pid, dr + 56, 0x90001), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, STOP(SIGTRAP));
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK_EQ(si.si_code, 4);
	CHECK_EQ(peek(pid, &word), 6);
	CHECK_EQ(pt(PTRACE_PEEKUSR, pid, dr + 48, (unsigned long)&val), 0);
	CHECK_EQ(val & 15, 1);
	CHECK_EQ(pt(PTRACE_POKEUSR, pid, dr + 56, 0), 0);
	CHECK_ERR(pt(PTRACE_POKEUSR, pid, dr, 0xffff800000000000UL), EINVAL);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 3);
}

/* -- system calls -- */

static void
three_calls(void)
{
	syscall(SYS_getppid);
	if (syscall(SYS_getppid) != 4711)
		_exit(1);
	if (syscall(SYS_close, -1) != -1)
		_exit(2);
	_exit(word == 1 ? 8 : 9);
}

TEST(system_calls)
{
	pid_t pid = launch(three_calls);
	struct ptrace_syscall_info si;
	struct user_regs_struct r;

	CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	do {
		expect(pid, GOOD);
		r = regs_of(pid);
		if (r.orig_rax != SYS_getppid)
			CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	} while (r.orig_rax != SYS_getppid);
	CHECK_EQ(r.rax, -ENOSYS);
	CHECK_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si),
	    (unsigned long)&si), 80);
	CHECK(si.op == 1 && si.arch == 0xc000003e &&
	    si.entry.nr == SYS_getppid &&
	    si.instruction_pointer == r.rip && si.stack_pointer == r.rsp);
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	expect(pid, GOOD);
	CHECK_EQ(regs_of(pid).rax, getpid());
	CHECK_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si),
	    (unsigned long)&si), 33);
	CHECK(si.op == 2 && si.exit.rval == getpid() && !si.exit.is_error);
	/* Skip the next and give it a result. */
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	expect(pid, GOOD);
	r = regs_of(pid);
	r.orig_rax = (unsigned long)-1;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	expect(pid, GOOD);
	r = regs_of(pid);
	r.rax = 4711;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	/* close(-1): an error */
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	expect(pid, GOOD);
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	expect(pid, GOOD);
	CHECK_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si),
	    (unsigned long)&si), 33);
	CHECK(si.exit.rval == -EBADF && si.exit.is_error);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 9);
}

/* -- events -- */

static void
forks(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(11);
	if (waitpid(pid, &status, 0) != pid || status != 11 << 8)
		_exit(1);
	_exit(12);
}

static void
follow_fork(pid_t pid, bool seized)
{
	unsigned long child;

	expect(pid, EVENT(PTRACE_EVENT_FORK));
	CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&child), 0);
	CHECK(child != 0 && (pid_t)child != pid);
	expect((pid_t)child, seized ? STOP(SIGTRAP | PTRACE_EVENT_STOP << 8) :
	    STOP(SIGSTOP));
	CHECK_EQ(pt(PTRACE_CONT, (pid_t)child, 0, 0), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	/* First to the tracer, which is not its parent. */
	expect((pid_t)child, 11 << 8);
	int status = status_of(pid);
	if (status == STOP(SIGCHLD)) {
		CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGCHLD), 0);
		status = status_of(pid);
	}
	if (status == EVENT(PTRACE_EVENT_EXIT)) {
		CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0,
		    (unsigned long)&child), 0);
		CHECK_EQ(child, 12 << 8);
		CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
		status = status_of(pid);
	}
	CHECK_EQ(status, 12 << 8);
}

TEST(fork_events)
{
	pid_t pid = launch(forks);

	CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	follow_fork(pid, false);
}

static volatile int *gate;

static pid_t
waiting_child(void (*fn)(void))
{
	pid_t pid;

	gate = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(gate != MAP_FAILED);
	if ((pid = fork()) == 0) {
		while (*gate == 0)
			sleep_ms(5);
		fn();
		_exit(0);
	}
	CHECK(pid != -1);
	return pid;
}

TEST(seize_and_events)
{
	pid_t pid = waiting_child(forks);
	siginfo_t si;

	CHECK_ERR(pt(PTRACE_SEIZE, pid, 1, 0), EIO);
	CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEEXIT), 0);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);	/* it runs */
	CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0);
	expect(pid, STOP(SIGTRAP | PTRACE_EVENT_STOP << 8));
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK(si.si_signo == SIGTRAP &&
	    si.si_code == (SIGTRAP | PTRACE_EVENT_STOP << 8));
	CHECK_ERR(pt(PTRACE_SINGLESTEP, pid, 0, 100), EIO);
	*gate = 1;
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	/* The child inherits TRACEEXIT: it stops on its way out. */
	unsigned long child;
	expect(pid, EVENT(PTRACE_EVENT_FORK));
	CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&child), 0);
	expect((pid_t)child, STOP(SIGTRAP | PTRACE_EVENT_STOP << 8));
	CHECK_EQ(pt(PTRACE_CONT, (pid_t)child, 0, 0), 0);
	expect((pid_t)child, EVENT(PTRACE_EVENT_EXIT));
	CHECK_EQ(pt(PTRACE_DETACH, (pid_t)child, 0, 0), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	int status = status_of(pid);
	if (status == STOP(SIGCHLD)) {
		CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGCHLD), 0);
		status = status_of(pid);
	}
	CHECK_EQ(status, EVENT(PTRACE_EVENT_EXIT));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	reap(pid, 12);
}

static void *
thread(void *arg)
{
	return arg;
}

static void
threads(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, thread, NULL) != 0)
		_exit(1);
	pthread_join(t, NULL);
	/* Else it may take the thread, joined but not gone, with it. */
	usleep(300000);
	_exit(13);
}

TEST(threads_have_an_end_of_their_own)
{
	pid_t pid = launch(threads);
	unsigned long tid;

	CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, EVENT(PTRACE_EVENT_CLONE));
	CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&tid), 0);
	expect((pid_t)tid, STOP(SIGSTOP));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	CHECK_EQ(pt(PTRACE_CONT, (pid_t)tid, 0, 0), 0);
	expect((pid_t)tid, 0);
	reap(pid, 13);
}

static void
run_self(void)
{
	char *argv[] = { "t", "no such test", NULL };

	close(1);		/* it would print a plan */
	execv("/proc/self/exe", argv);
	_exit(1);
}

TEST(exec)
{
	pid_t pid = launch(run_self);
	unsigned long msg;

	CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC), 0);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, EVENT(PTRACE_EVENT_EXEC));
	CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&msg), 0);
	CHECK_EQ(msg, pid);
	/* No stop for a signal: none is delivered. */
	CHECK_EQ(pt(PTRACE_DETACH, pid, 0, SIGKILL), 0);
	expect(pid, 0);
	pid = launch(run_self);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, STOP(SIGTRAP));	/* the old way */
	kill(pid, SIGKILL);
	expect(pid, SIGKILL);
}

/* -- attaching, job control -- */

static void
forever(void)
{
	for (;;)
		pause();
}

static int
tracer_of(pid_t pid)
{
	char path[40], line[200];
	int tracer = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	CHECK((f = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	fclose(f);
	return tracer;
}

TEST(attach_and_detach)
{
	pid_t pid = waiting_child(forever);
	int status;

	*gate = 1;
	CHECK_EQ(tracer_of(pid), 0);
	CHECK_EQ(pt(PTRACE_ATTACH, pid, 0, 0), 0);
	expect(pid, STOP(SIGSTOP));
	CHECK_EQ(tracer_of(pid), getpid());
	CHECK_EQ(pt(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_EQ(tracer_of(pid), 0);
	sleep_ms(30);
	CHECK_EQ(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
	CHECK_EQ(kill(pid, SIGTERM), 0);
	expect(pid, SIGTERM);
}

TEST(group_stop_and_listen)
{
	pid_t pid = waiting_child(forever);

	*gate = 1;
	CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, 0), 0);
	CHECK_EQ(kill(pid, SIGTSTP), 0);
	expect(pid, STOP(SIGTSTP));
	CHECK_ERR(pt(PTRACE_LISTEN, pid, 0, 0), EIO);
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGSTOP), 0);
	expect(pid, STOP(SIGSTOP | PTRACE_EVENT_STOP << 8));
	CHECK_EQ(pt(PTRACE_LISTEN, pid, 0, 0), 0);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	expect(pid, STOP(SIGTRAP | PTRACE_EVENT_STOP << 8));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0);
	expect(pid, STOP(SIGCONT));
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, SIGCONT), 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	expect(pid, SIGKILL);
}

/* Those who are traced outlive the tracer, or not. */
static void
tracer_ends(unsigned long options)
{
	pid_t pid = waiting_child(forever), tracer;

	*gate = 1;
	if ((tracer = fork()) == 0) {
		CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, options), 0);
		CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0);
		expect(pid, STOP(SIGTRAP | PTRACE_EVENT_STOP << 8));
		_exit(0);
	}
	reap(tracer, 0);
	if (options == 0) {
		sleep_ms(30);
		CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
		CHECK_EQ(tracer_of(pid), 0);
		CHECK_EQ(kill(pid, SIGTERM), 0);
		expect(pid, SIGTERM);
	} else
		expect(pid, SIGKILL);
}

TEST(end_of_the_tracer)
{
	tracer_ends(0);
	tracer_ends(PTRACE_O_EXITKILL);
}
