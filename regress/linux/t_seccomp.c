/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of system calls: seccomp(2).
 *
 * Also for i386.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "tap.h"

#define	LD_NR	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,			\
	    offsetof(struct seccomp_data, nr))
#define	LD_ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS,			\
	    offsetof(struct seccomp_data, args[n]))
#define	IF(k, yes, no)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (yes), (no))
#define	SAY(k)	BPF_STMT(BPF_RET | BPF_K, (k))

#define	FILTER(flags, ...) __extension__ ({				\
	struct sock_filter f_[] = { __VA_ARGS__ };			\
	struct sock_fprog p_ = { sizeof(f_) / sizeof(f_[0]), f_ };	\
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (flags), &p_);	\
})

/* What getppid shall have; all others are allowed. */
#define	FOR_GETPPID(flags, what)					\
	FILTER((flags), LD_NR, IF(SYS_getppid, 0, 1), SAY(what),	\
	    SAY(SECCOMP_RET_ALLOW))

static void
no_new_privs(void)
{
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
}

/* The wait status of a process that runs f. */
static int
end_of(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		f();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status & ~0x80;		/* a core was or was not written */
}

static int
status_says(const char *what)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	int n = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, what, strlen(what)) == 0)
			n = atoi(line + strlen(what));
	fclose(f);
	return n;
}

static void
strict(void)
{
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0), 0);
	CHECK_EQ(write(1, "", 0), 0);
	syscall(SYS_exit, 5);
}

static void
strict_and_more(void)
{
	CHECK_EQ(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL), 0);
	getppid();
	syscall(SYS_exit, 5);
}

TEST(strict_mode)
{
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	CHECK_EQ(WEXITSTATUS(end_of(strict)), 5);
	CHECK_EQ(end_of(strict_and_more), SIGKILL);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL),
	    EINVAL);
	CHECK_ERR(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
	CHECK_ERR(prctl(PR_SET_SECCOMP, 99, 0, 0, 0), EINVAL);
}

TEST(an_error_for_a_call)
{
	int status;
	pid_t pid;

	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_ERRNO | 77), 0);
	CHECK_ERR(syscall(SYS_getppid), 77);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 2);
	CHECK_EQ(status_says("Seccomp:"), 2);
	/* A child has it, too, and so has what is executed. */
	if ((pid = fork()) == 0) {
		CHECK_ERR(syscall(SYS_getppid), 77);
		_exit(3);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 3);
	/* No error at all, and one beyond the last. */
	CHECK_EQ(FILTER(0, LD_NR, IF(SYS_getuid, 0, 1),
	    SAY(SECCOMP_RET_ERRNO), IF(SYS_getgid, 0, 1),
	    SAY(SECCOMP_RET_ERRNO | 0xffff), SAY(SECCOMP_RET_ALLOW)), 0);
	CHECK_EQ(syscall(SYS_getuid), 0);
	CHECK_ERR(syscall(SYS_getgid), 4095);
}

TEST(who_may)
{
	become_user();
	CHECK_ERR(FOR_GETPPID(0, SECCOMP_RET_ERRNO | 1), EACCES);
	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_ERRNO | 1), 0);
	CHECK_ERR(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0), EINVAL);
}

TEST(the_strictest_counts)
{
	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_ERRNO | 5), 0);
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_ALLOW), 0);
	CHECK_ERR(syscall(SYS_getppid), 5);
	/* Of the same, the last one's. */
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_ERRNO | 6), 0);
	CHECK_ERR(syscall(SYS_getppid), 6);
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_TRACE), 0);
	CHECK_ERR(syscall(SYS_getppid), 6);
}

TEST(nobody_to_ask)
{
	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_TRACE | 9), 0);
	CHECK_ERR(syscall(SYS_getppid), ENOSYS);
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_USER_NOTIF), 0);
	CHECK_ERR(syscall(SYS_getppid), ENOSYS);
}

static volatile int seen_nr, seen_errno, seen_code;
static volatile unsigned int seen_arch;
static void *volatile seen_ip;

static void
on_sigsys(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	seen_nr = si->si_syscall;
	seen_arch = si->si_arch;
	seen_errno = si->si_errno;
	seen_code = si->si_code;
	seen_ip = si->si_call_addr;
}

TEST(a_signal_for_a_call)
{
	struct sigaction sa = { .sa_sigaction = on_sigsys,
	    .sa_flags = SA_SIGINFO };

	no_new_privs();
	CHECK_EQ(sigaction(SIGSYS, &sa, NULL), 0);
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_TRAP | 1234), 0);
	/* The number is where it was before the call. */
	CHECK_EQ(syscall(SYS_getppid), SYS_getppid);
	CHECK_EQ(seen_nr, SYS_getppid);
	CHECK_EQ(seen_errno, 1234);
	CHECK_EQ(seen_code, 1);
	CHECK_EQ(seen_arch, sizeof(long) == 8 ? AUDIT_ARCH_X86_64 :
	    AUDIT_ARCH_I386);
	CHECK(seen_ip != NULL);
}

static void
trapped(void)
{
	signal(SIGSYS, SIG_IGN);
	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_TRAP), 0);
	syscall(SYS_getppid);
}

static void
killed(void)
{
	signal(SIGSYS, SIG_IGN);
	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_KILL_PROCESS), 0);
	syscall(SYS_getppid);
}

static void
unknown(void)
{
	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, 0x12340000), 0);
	syscall(SYS_getppid);
}

static void *
call_getppid(void *arg)
{
	(void)arg;
	syscall(SYS_getppid);
	_exit(1);
}

static void
a_thread_killed(void)
{
	pthread_t t;

	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_KILL_THREAD), 0);
	CHECK_EQ(pthread_create(&t, NULL, call_getppid, NULL), 0);
	while (status_says("Threads:") != 1)
		sleep_ms(1);
	_exit(9);
}

static void
a_process_killed_by_a_thread(void)
{
	pthread_t t;

	no_new_privs();
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_KILL_PROCESS), 0);
	CHECK_EQ(pthread_create(&t, NULL, call_getppid, NULL), 0);
	for (;;)
		pause();
}

TEST(death)
{
	CHECK_EQ(end_of(trapped), SIGSYS);
	CHECK_EQ(end_of(killed), SIGSYS);
	CHECK_EQ(end_of(unknown), SIGSYS);
	CHECK_EQ(WEXITSTATUS(end_of(a_thread_killed)), 9);
	CHECK_EQ(end_of(a_process_killed_by_a_thread), SIGSYS);
}

TEST(arguments)
{
	no_new_privs();
	/* dup(1000 + n) gives error n * 3 - 1, if n is one of 1..9. */
	CHECK_EQ(FILTER(0, LD_NR, IF(SYS_dup, 0, 13), LD_ARG(0),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1000),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1, 0, 10),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 9, 9, 0),
	    BPF_STMT(BPF_ST, 7),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_LDX | BPF_W | BPF_MEM, 7),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
	    BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
	    BPF_STMT(BPF_RET | BPF_A, 0),
	    SAY(SECCOMP_RET_KILL_PROCESS),
	    SAY(SECCOMP_RET_ALLOW)), 0);
	for (int n = 1; n <= 9; n++)
		CHECK_ERR(syscall(SYS_dup, 1000 + n), n * 3 - 1);
	CHECK_ERR(syscall(SYS_dup, -1), EBADF);
	CHECK(dup(1) > 1);
}

TEST(programs_that_are_refused)
{
	struct sock_fprog none = { 0, NULL }, bad = { 1, NULL };

	no_new_privs();
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL),
	    EFAULT);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &none),
	    EINVAL);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad),
	    EINVAL);
	bad.filter = (struct sock_filter *)8L;
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad),
	    EFAULT);
	CHECK_ERR(FILTER(0x1000, SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, LD_NR), EINVAL);	/* does not return */
	CHECK_ERR(FILTER(0, IF(1, 1, 0), SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_JMP | BPF_JA, 1), SAY(0x7fff0000)),
	    EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64),
	    SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2),
	    SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
	    SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
	    SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_ST, 16), SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
	    SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32),
	    SAY(0x7fff0000)), EINVAL);
	CHECK_ERR(FILTER(0, BPF_STMT(0xffff, 0), SAY(0x7fff0000)), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

TEST(there_is_an_end_of_filters)
{
	static struct sock_filter f[4096];
	struct sock_fprog p = { 4096, f };
	int n = 0;

	no_new_privs();
	for (int i = 0; i < 4096; i++)
		f[i] = (struct sock_filter)SAY(SECCOMP_RET_ALLOW);
	while (n < 100 &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) == 0)
		n++;
	CHECK_EQ(errno, ENOMEM);
	/* Whoever started us may have set some. */
	CHECK(n >= 1 && n <= 7);
}

static volatile int step;

static void *
waits_then_calls(void *arg)
{
	while (step == 0)
		sleep_ms(1);
	errno = 0;
	CHECK_EQ(syscall(SYS_getppid), -1);
	CHECK_EQ(errno, *(int *)arg);
	step = 2;
	while (step == 2)
		sleep_ms(1);
	return NULL;
}

TEST(all_threads_at_once)
{
	int want = 33;
	pthread_t t;

	no_new_privs();
	CHECK_EQ(pthread_create(&t, NULL, waits_then_calls, &want), 0);
	CHECK_EQ(FOR_GETPPID(SECCOMP_FILTER_FLAG_TSYNC,
	    SECCOMP_RET_ERRNO | 33), 0);
	CHECK_ERR(syscall(SYS_getppid), 33);
	step = 1;
	while (step != 2)
		sleep_ms(1);
	step = 3;
	pthread_join(t, NULL);
}

static void *
has_its_own(void *arg)
{
	CHECK_EQ(FOR_GETPPID(0, SECCOMP_RET_ERRNO | 1), 0);
	*(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
	while (step == 0)
		sleep_ms(1);
	return NULL;
}

TEST(a_thread_with_filters_of_its_own)
{
	volatile pid_t tid = 0;
	pthread_t t;

	no_new_privs();
	CHECK_EQ(pthread_create(&t, NULL, has_its_own, (void *)&tid), 0);
	while (tid == 0)
		sleep_ms(1);
	CHECK_EQ(FOR_GETPPID(SECCOMP_FILTER_FLAG_TSYNC,
	    SECCOMP_RET_ERRNO | 33), tid);
	CHECK_ERR(FOR_GETPPID(SECCOMP_FILTER_FLAG_TSYNC |
	    SECCOMP_FILTER_FLAG_TSYNC_ESRCH, SECCOMP_RET_ERRNO | 33), ESRCH);
	CHECK(syscall(SYS_getppid) > 0);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	step = 1;
	pthread_join(t, NULL);
	CHECK_EQ(FOR_GETPPID(SECCOMP_FILTER_FLAG_TSYNC,
	    SECCOMP_RET_ERRNO | 33), 0);
}

TEST(actions_that_there_are)
{
	static const uint32_t yes[] = { SECCOMP_RET_KILL_PROCESS,
	    SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
	    SECCOMP_RET_LOG, SECCOMP_RET_ALLOW };
	uint32_t no = 0x10000000;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK_EQ(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
		    &yes[i]), 0);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &no),
	    EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, yes),
	    EINVAL);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NULL),
	    EFAULT);
}
