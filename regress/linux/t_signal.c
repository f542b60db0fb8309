/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: handlers and their frames, masks, queues, waiting, faults.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <ucontext.h>

#include "tap.h"

static volatile sig_atomic_t count, last;
static siginfo_t info;
static sigset_t inside;

static void
note(int signo)
{
	last = signo;
	count++;
}

static void
note_info(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	info = *si;
	last = signo;
	count++;
	sigprocmask(SIG_SETMASK, NULL, &inside);
}

static void
catch(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	CHECK_EQ(sigaction(signo, &sa, NULL), 0);
}

static void
catch_info(int signo, int flags, int also)
{
	struct sigaction sa = { .sa_sigaction = note_info,
		.sa_flags = SA_SIGINFO | flags };

	if (also != 0)
		sigaddset(&sa.sa_mask, also);
	CHECK_EQ(sigaction(signo, &sa, NULL), 0);
}

static void
block(int how, int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	CHECK_EQ(sigprocmask(how, &set, NULL), 0);
}

TEST(handler_runs)
{
	catch_info(SIGUSR1, 0, SIGUSR2);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(count, 1);
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(sigismember(&inside, SIGUSR1), 1);
	CHECK_EQ(sigismember(&inside, SIGUSR2), 1);
	CHECK_EQ(sigismember(&inside, SIGHUP), 0);
	sigprocmask(SIG_SETMASK, NULL, &inside);
	CHECK_EQ(sigismember(&inside, SIGUSR1), 0);
}

TEST(nodefer_and_reset)
{
	struct sigaction sa;

	catch_info(SIGUSR1, SA_NODEFER | SA_RESETHAND, 0);
	raise(SIGUSR1);
	CHECK_EQ(sigismember(&inside, SIGUSR1), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &sa), 0);
	CHECK(sa.sa_handler == SIG_DFL);
}

TEST(standard_signals_merge)
{
	catch(SIGUSR1, note, 0);
	block(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	CHECK_EQ(count, 0);
	sigset_t set;
	CHECK_EQ(sigpending(&set), 0);
	CHECK_EQ(sigismember(&set, SIGUSR1), 1);
	block(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(count, 1);
}

static int values[8];

static void
note_value(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	values[count++] = si->si_value.sival_int + signo * 100;
}

TEST(realtime_signals_queue)
{
	struct sigaction sa = { .sa_sigaction = note_value,
		.sa_flags = SA_SIGINFO };
	int rt = SIGRTMIN + 1;

	sigfillset(&sa.sa_mask);
	CHECK_EQ(sigaction(rt, &sa, NULL), 0);
	CHECK_EQ(sigaction(rt + 1, &sa, NULL), 0);
	block(SIG_BLOCK, rt);
	block(SIG_BLOCK, rt + 1);
	union sigval v = { .sival_int = 9 };
	CHECK_EQ(sigqueue(getpid(), rt + 1, v), 0);
	for (v.sival_int = 1; v.sival_int <= 3; v.sival_int++)
		CHECK_EQ(sigqueue(getpid(), rt, v), 0);
	block(SIG_UNBLOCK, rt + 1);
	block(SIG_UNBLOCK, rt);
	CHECK_EQ(count, 4);
	CHECK_EQ(values[0], (rt + 1) * 100 + 9);
	CHECK_EQ(values[1], rt * 100 + 1);
	CHECK_EQ(values[3], rt * 100 + 3);
}

TEST(queue_limit)
{
	struct rlimit lim = { 3, 3 };
	union sigval v = { 0 };
	int n = 0, rt = SIGRTMIN + 1;

	block(SIG_BLOCK, rt);
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &lim), 0);
	while (n < 10 && sigqueue(getpid(), rt, v) == 0)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK(n <= 3);
	CHECK_EQ(kill(getpid(), rt), 0);
}

TEST(blocked_ignored)
{
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	block(SIG_UNBLOCK, SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
}

TEST(bad_arguments)
{
	struct sigaction sa = { .sa_handler = note };
	sigset_t set;

	sigfillset(&set);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGKILL, &sa, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 65, NULL, &sa, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGHUP, NULL, NULL, 4), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, 0, 8, NULL, 8), EFAULT);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(1 << 29, 0), ESRCH);
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_ERR(syscall(SYS_tkill, -1, SIGHUP), EINVAL);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), 1 << 29, SIGHUP), ESRCH);
}

static void
interrupt_soon(int signo, int flags)
{
	long us = 50000L * tap_slow();
	struct itimerval it = { { 0, 0 }, { us / 1000000, us % 1000000 } };

	catch(signo, note, flags);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
}

TEST(read_is_interrupted)
{
	int fds[2];
	char c;

	CHECK_EQ(pipe(fds), 0);
	interrupt_soon(SIGALRM, 0);
	CHECK_ERR(read(fds[0], &c, 1), EINTR);
	CHECK_EQ(count, 1);
}

static int write_end;

static void
note_write(int signo)
{
	note(signo);
	(void)!write(write_end, "y", 1);
}

TEST(read_is_restarted)
{
	long us = 50000L * tap_slow();
	struct itimerval it = { { 0, 0 }, { us / 1000000, us % 1000000 } };
	int fds[2];
	char c;

	CHECK_EQ(pipe(fds), 0);
	write_end = fds[1];
	catch(SIGALRM, note_write, SA_RESTART);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
	CHECK_EQ(count, 1);
}

TEST(nanosleep_is_interrupted)
{
	struct timespec ts = { 10, 0 }, rem = { 0, 0 };

	interrupt_soon(SIGALRM, SA_RESTART);
	CHECK_ERR(nanosleep(&ts, &rem), EINTR);
	CHECK(rem.tv_sec >= 9 || (rem.tv_sec == 9 && rem.tv_nsec > 0));
}

TEST(ignored_signal_does_not_interrupt)
{
	struct timespec ts = { 0, 200000000 };
	long long start = now_ns(CLOCK_MONOTONIC);
	pid_t pid, me = getpid();

	if ((pid = fork()) == 0) {
		sleep_ms(50);
		kill(me, SIGWINCH);
		_exit(0);
	}
	signal(SIGCHLD, SIG_DFL);
	CHECK_EQ(nanosleep(&ts, NULL), 0);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 200000000LL);
	reap(pid, 0);
}

TEST(stop_does_not_shorten_sleep)
{
	long long start;
	pid_t pid;

	if ((pid = fork()) == 0) {
		struct timespec ts = { tap_slow() - 1, 300000000 };

		start = now_ns(CLOCK_MONOTONIC);
		CHECK_EQ(nanosleep(&ts, NULL), 0);
		CHECK(now_ns(CLOCK_MONOTONIC) - start >=
		    ts.tv_sec * 1000000000LL + ts.tv_nsec);
		_exit(0);
	}
	sleep_ms(50);
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	reap(pid, 0);
}

TEST(sigsuspend_waits)
{
	sigset_t set;

	catch(SIGALRM, note, 0);
	block(SIG_BLOCK, SIGALRM);
	alarm(1);
	sigemptyset(&set);
	CHECK_ERR(sigsuspend(&set), EINTR);
	CHECK_EQ(count, 1);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &set), 0);
	CHECK_EQ(sigismember(&set, SIGALRM), 1);
}

TEST(pause_waits)
{
	interrupt_soon(SIGALRM, SA_RESTART);
	CHECK_ERR(pause(), EINTR);
}

TEST(sigtimedwait)
{
	struct timespec ts = { 0, 50000000 };
	union sigval v = { .sival_int = 5 };
	siginfo_t si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	long long start = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(sigtimedwait(&set, &si, &ts), EAGAIN);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 50000000LL);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, v), 0);
	raise(SIGUSR1);
	CHECK_EQ(sigtimedwait(&set, &si, &ts), SIGUSR1);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGRTMIN + 1);
	CHECK_EQ(si.si_value.sival_int, 5);
	CHECK_EQ(si.si_code, SI_QUEUE);
	/* Another signal ends the wait. */
	interrupt_soon(SIGALRM, 0);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &set, &si, NULL, 8), EINTR);
	ts.tv_nsec = -1;
	CHECK_ERR(sigtimedwait(&set, &si, &ts), EINVAL);
}

/* -- faults -- */

static sigjmp_buf env;

static void
jump_out(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	info = *si;
	last = signo;
	siglongjmp(env, 1);
}

static void
catch_fault(int signo)
{
	struct sigaction sa = { .sa_sigaction = jump_out,
		.sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(signo, &sa, NULL), 0);
}

TEST(segv_maperr)
{
	catch_fault(SIGSEGV);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile int *)0x10 = 1;
		FAIL("no fault");
	}
	CHECK_EQ(last, SIGSEGV);
	CHECK_EQ(info.si_code, SEGV_MAPERR);
	CHECK_EQ((long)info.si_addr, 0x10);
}

TEST(segv_accerr)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	CHECK(p != MAP_FAILED);
	catch_fault(SIGSEGV);
	if (sigsetjmp(env, 1) == 0) {
		p[5] = 1;
		FAIL("no fault");
	}
	CHECK_EQ(info.si_code, SEGV_ACCERR);
	CHECK(info.si_addr == p + 5);
}

TEST(noncanonical_address)
{
	catch_fault(SIGSEGV);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile int *)0x8000000000000000UL = 1;
		FAIL("no fault");
	}
	CHECK_EQ(info.si_code, SI_KERNEL);
}

TEST(execute_data)
{
	static unsigned char code[] = { 0xc3 };

	catch_fault(SIGSEGV);
	if (sigsetjmp(env, 1) == 0) {
		((void (*)(void))(void *)code)();
		FAIL("no fault");
	}
	CHECK_EQ(info.si_code, SEGV_ACCERR);
}

TEST(bus_error_beyond_file)
{
	char name[] = "/tmp/t_signal.XXXXXX", *p;
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	CHECK_EQ(ftruncate(fd, 100), 0);
	p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	catch_fault(SIGBUS);
	CHECK_EQ(p[50], 0);
	if (sigsetjmp(env, 1) == 0) {
		(void)*(volatile char *)(p + 5000);
		FAIL("no fault");
	}
	CHECK_EQ(last, SIGBUS);
	CHECK_EQ(info.si_code, BUS_ADRERR);
	CHECK(info.si_addr == p + 5000);
}

TEST(divide_error)
{
	catch_fault(SIGFPE);
	if (sigsetjmp(env, 1) == 0) {
		int a = 1, b = 0;

		__asm__ volatile("cltd; idivl %1" : "+a"(a) : "r"(b) : "edx");
		FAIL("no fault");
	}
	CHECK_EQ(info.si_code, FPE_INTDIV);
}

TEST(illegal_instruction)
{
	catch_fault(SIGILL);
	if (sigsetjmp(env, 1) == 0) {
		__asm__ volatile("ud2");
		FAIL("no fault");
	}
	CHECK_EQ(last, SIGILL);
	CHECK_EQ(info.si_code, ILL_ILLOPN);
}

TEST(breakpoint)
{
	catch_info(SIGTRAP, 0, 0);
	__asm__ volatile("int3");
	CHECK_EQ(count, 1);
	CHECK_EQ(info.si_code, SI_KERNEL);
}

TEST(privileged_instruction)
{
	catch_fault(SIGSEGV);
	if (sigsetjmp(env, 1) == 0) {
		__asm__ volatile("hlt");
		FAIL("no fault");
	}
	CHECK_EQ(last, SIGSEGV);
	CHECK_EQ(info.si_code, SI_KERNEL);
}

TEST(blocked_fault_kills)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		block(SIG_BLOCK, SIGSEGV);
		catch(SIGSEGV, note, 0);
		*(volatile int *)0 = 1;
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* -- frames -- */

static void
change_context(int signo, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;

	(void)signo;
	(void)si;
	count++;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	uc->uc_mcontext.gregs[REG_RIP] += 2;	/* over the ud2 */
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

TEST(handler_changes_registers)
{
	struct sigaction sa = { .sa_sigaction = change_context,
		.sa_flags = SA_SIGINFO };
	sigset_t set;
	long rax;

	CHECK_EQ(sigaction(SIGILL, &sa, NULL), 0);
	__asm__ volatile("ud2" : "=a"(rax));
	CHECK_EQ(rax, 4711);
	CHECK_EQ(count, 1);
	sigprocmask(SIG_SETMASK, NULL, &set);
	CHECK_EQ(sigismember(&set, SIGUSR2), 1);
}

TEST(all_registers_survive)
{
	unsigned long in[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
	pid_t pid, me = getpid();

	catch(SIGUSR1, note, SA_RESTART);
	if ((pid = fork()) == 0) {
		for (int i = 0; i < 100; i++) {
			kill(me, SIGUSR1);
			sleep_ms(1);
		}
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		for (int i = 0; i < 10000; i++)
			__asm__ volatile(
			    "movq 0(%1), %%r8; movq 8(%1), %%r9\n"
			    "movq 16(%1), %%r10; movq 24(%1), %%r11\n"
			    "movq 32(%1), %%r12; movq 40(%1), %%rcx\n"
			    "pause; pause; pause; pause\n"
			    "movq %%r8, 0(%0); movq %%r9, 8(%0)\n"
			    "movq %%r10, 16(%0); movq %%r11, 24(%0)\n"
			    "movq %%r12, 32(%0); movq %%rcx, 40(%0)"
			    : : "r"(out), "r"(in)
			    : "r8", "r9", "r10", "r11", "r12", "rcx",
			    "memory");
		CHECK_EQ(memcmp(in, out, sizeof(in)), 0);
	}
	CHECK(count > 0);
}

static void
use_fpu(int signo)
{
	double x = 3.25;

	note(signo);
	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm7; movq %0, %%xmm15"
	    : : "r"(x) : "xmm0", "xmm7", "xmm15");
}

TEST(fpu_survives_handler)
{
	unsigned long in[2] = { 0x1122334455667788UL, 42 }, out[2];

	catch(SIGUSR1, use_fpu, 0);
	long nr = SYS_tkill, tid = syscall(SYS_gettid), sig = SIGUSR1;
	__asm__ volatile("movups (%3), %%xmm7\n"
	    "syscall\n"
	    "movups %%xmm7, (%4)"
	    : "+a"(nr) : "D"(tid), "S"(sig), "r"(in), "r"(out)
	    : "rcx", "r11", "memory", "xmm7");
	CHECK_EQ(count, 1);
	CHECK_EQ(memcmp(in, out, sizeof(in)), 0);
}

static volatile unsigned long handler_sp;

static void
note_sp(int signo)
{
	int here;

	note(signo);
	handler_sp = (unsigned long)&here;
}

TEST(alternate_stack)
{
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	catch(SIGUSR1, note_sp, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(handler_sp >= (unsigned long)stack &&
	    handler_sp < (unsigned long)stack + sizeof(stack));
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK(old.ss_sp == stack && old.ss_flags == 0);
	ss.ss_size = 100;
	CHECK_ERR(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = 99;
	CHECK_ERR(sigaltstack(&ss, NULL), EINVAL);
}

static int
recurse(int n)
{
	volatile char pad[4096];

	if (n < 0)		/* never: it is to run out of stack */
		return 0;
	pad[0] = (char)n;
	return recurse(n + 1) + pad[0];
}

static void
overflow_exit(int signo)
{
	_exit(signo == SIGSEGV ? 17 : 1);
}

TEST(stack_overflow_on_alternate_stack)
{
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct rlimit lim = { 1 << 20, 1 << 20 };
	pid_t pid;

	if ((pid = fork()) == 0) {
		setrlimit(RLIMIT_STACK, &lim);
		CHECK_EQ(sigaltstack(&ss, NULL), 0);
		catch(SIGSEGV, overflow_exit, SA_ONSTACK);
		recurse(0);
		_exit(2);
	}
	reap(pid, 17);
}

TEST(bad_frame_kills)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		catch(SIGUSR1, note, 0);
		/* No stack to put the frame on. */
		__asm__ volatile("xorl %%esp, %%esp; syscall"
		    : : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
		    : "rcx", "r11", "memory");
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST(sigreturn_of_nonsense)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		static unsigned long junk[256];

		memset(junk, 0xff, sizeof(junk));
		__asm__ volatile("movq %0, %%rsp; movl $15, %%eax; syscall"
		    : : "r"(junk + 16) : "memory");
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* -- threads -- */

static pthread_t taker;

static void
note_thread(int signo)
{
	note(signo);
	taker = pthread_self();
}

static volatile int thread_ready;

static void *
pausing_thread(void *arg)
{
	(void)arg;
	thread_ready = 1;
	while (count == 0)
		sleep_ms(5);
	return NULL;
}

TEST(to_one_thread)
{
	pthread_t t;

	catch(SIGUSR1, note_thread, 0);
	CHECK_EQ(pthread_create(&t, NULL, pausing_thread, NULL), 0);
	while (!thread_ready)
		sleep_ms(1);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(pthread_equal(taker, t));
}

TEST(to_the_thread_that_may)
{
	pthread_t t;

	catch(SIGUSR1, note_thread, 0);
	CHECK_EQ(pthread_create(&t, NULL, pausing_thread, NULL), 0);
	while (!thread_ready)
		sleep_ms(1);
	block(SIG_BLOCK, SIGUSR1);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(pthread_equal(taker, t));
}

TEST(group_signal)
{
	pid_t pids[3];
	int status;

	signal(SIGTERM, SIG_DFL);
	for (int i = 0; i < 3; i++) {
		if ((pids[i] = fork()) == 0) {
			for (;;)
				pause();
		}
		CHECK_EQ(setpgid(pids[i], pids[0]), 0);
	}
	CHECK_EQ(kill(-pids[0], SIGTERM), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(WTERMSIG(status), SIGTERM);
	}
	CHECK_ERR(kill(-pids[0], SIGTERM), ESRCH);
}

TEST(exec_resets_handlers)
{
	pid_t pid;

	catch(SIGTERM, note, 0);
	signal(SIGHUP, SIG_IGN);
	if ((pid = fork()) == 0) {
		execl("/bin/sh", "sh", "-c",
		    "kill -HUP $$; kill -TERM $$; exit 3", NULL);
		_exit(126);
	}
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST(sigpipe)
{
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	close(fds[0]);
	catch(SIGPIPE, note, 0);
	CHECK_ERR(write(fds[1], "x", 1), EPIPE);
	CHECK_EQ(last, SIGPIPE);
}

TEST(default_actions)
{
	static const struct { int signo, kind; } what[] = {
		{ SIGHUP, 1 }, { SIGQUIT, 1 }, { SIGABRT, 1 }, { SIGUSR2, 1 },
		{ SIGPIPE, 1 }, { SIGALRM, 1 }, { SIGXCPU, 1 }, { SIGIO, 1 },
		{ SIGPWR, 1 }, { SIGSYS, 1 }, { SIGSTKFLT, 1 },
		{ SIGPROF, 1 }, { 64, 1 }, { SIGURG, 0 }, { SIGCHLD, 0 },
		{ SIGWINCH, 0 }, { SIGCONT, 0 }, { SIGTTIN, 2 },
		{ SIGTSTP, 2 },
	};
	struct rlimit nocore = { 0, 0 };

	setrlimit(RLIMIT_CORE, &nocore);
	for (unsigned int i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			signal(what[i].signo, SIG_DFL);
			setpgid(0, 0);
			raise(what[i].signo);
			_exit(99);
		}
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		if (what[i].kind == 0)
			CHECK_EQ(WEXITSTATUS(status), 99);
		else if (what[i].kind == 1)
			CHECK_EQ(WTERMSIG(status), what[i].signo);
		else {
			CHECK(WIFSTOPPED(status));
			CHECK_EQ(WSTOPSIG(status), what[i].signo);
			kill(pid, SIGKILL);
			CHECK_EQ(waitpid(pid, &status, 0), pid);
		}
	}
}
