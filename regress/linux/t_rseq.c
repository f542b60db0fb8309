/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences, as the C library has registered them, and membarrier.
 * C library: glibc
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/time.h>

#include "tap.h"

#ifdef __x86_64__
#define	WORD(x)	".quad " x "\n"
#define	POINT	"leaq 3b(%%rip), %%rax; movq %%rax, %0\n"
#else
#define	WORD(x)	".long " x ", 0\n"
#define	POINT	"movl $3b, %0\n"
#endif

static volatile int caught;

static struct rseq *
area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() +
	    __rseq_offset);
}

static long
rseq_call(void *p, unsigned int len, int flags, unsigned int sig)
{
	return syscall(SYS_rseq, p, len, flags, sig);
}

/* Go round in a critical section; how many were left when it was aborted. */
static unsigned int
spin(unsigned int rounds)
{
	struct rseq *rs = area();

	__asm__ volatile(
	    ".pushsection .data.rel, \"aw\", @progbits\n"
	    ".balign 32\n"
	    "3: .long 0, 0\n"
	    WORD("1f") WORD("(2f - 1f)") WORD("4f")
	    ".popsection\n"
	    POINT
	    "1: pause\n"
	    "decl %1\n"
	    "jnz 1b\n"
	    "2: jmp 5f\n"
	    ".byte 0x0f, 0xb9, 0x3d\n"
	    ".long 0x53053053\n"
	    "4: incl %1\n"
	    "5:\n"
	    : "=m"(*(unsigned long *)&rs->rseq_cs), "+r"(rounds)
	    : : "rax", "memory", "cc");
	return rounds;
}

static void
on_alarm(int signo)
{
	(void)signo;
	caught++;
	CHECK_EQ(*(volatile unsigned long *)&area()->rseq_cs, 0);
}

TEST(registered)
{
	struct rseq *rs = area(), other;

	CHECK(__rseq_size >= 20);
	CHECK_ERR(rseq_call(rs, 32, 0, RSEQ_SIG), EBUSY);
	CHECK_ERR(rseq_call(rs, 32, 0, RSEQ_SIG + 1), EPERM);
	CHECK_ERR(rseq_call(&other, 32, 0, RSEQ_SIG), EINVAL);
	CHECK_ERR(rseq_call(rs, 32, 8, RSEQ_SIG), EINVAL);
	CHECK_ERR(rseq_call(rs, 32, 1, RSEQ_SIG + 1), EPERM);
	CHECK_ERR(rseq_call(&other, 32, 1, RSEQ_SIG), EINVAL);
	CHECK_EQ(rseq_call(rs, 32, 1, RSEQ_SIG), 0);
	CHECK_EQ((int)rs->cpu_id, -1);
	CHECK_ERR(rseq_call(rs, 32, 1, RSEQ_SIG), EINVAL);
	CHECK_ERR(rseq_call(rs, 7, 0, RSEQ_SIG), EINVAL);
	CHECK_ERR(rseq_call((char *)rs + 4, 32, 0, RSEQ_SIG), EINVAL);
	CHECK_EQ(rseq_call(rs, 32, 0, RSEQ_SIG), 0);
	CHECK((int)rs->cpu_id >= 0);
}

TEST(number_of_the_cpu)
{
	cpu_set_t all, one;
	unsigned int sys;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < CPU_SETSIZE; i++) {
			if (!CPU_ISSET(i, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
			CHECK_EQ(area()->cpu_id, i);
			CHECK_EQ(area()->cpu_id_start, i);
			CHECK_EQ(sched_getcpu(), i);
			CHECK_EQ(syscall(SYS_getcpu, &sys, NULL, NULL), 0);
			CHECK_EQ(sys, i);
		}
	}
}

TEST(finishes_undisturbed)
{
	int done = 0;

	for (int i = 0; i < 1000; i++)
		done += spin(10) == 0;
	CHECK(done > 900);
}

TEST(aborted_by_a_signal)
{
	struct itimerval it = { .it_value = { .tv_usec = 50000 } };

	signal(SIGALRM, on_alarm);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	while (caught == 0)
		CHECK(spin(4000000000U) != 0);
}

TEST(aborted_by_a_switch)
{
	cpu_set_t one;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	if ((pid = fork()) == 0)
		for (;;)
			continue;
	CHECK(spin(4000000000U) != 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(wrong_signature_is_fatal)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		struct itimerval it = { .it_value = { .tv_usec = 50000 } };

		signal(SIGALRM, on_alarm);
		CHECK_EQ(rseq_call(area(), 32, 1, RSEQ_SIG), 0);
		CHECK_EQ(rseq_call(area(), 32, 0, RSEQ_SIG + 1), 0);
		CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
		(void)spin(4000000000U);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST(a_child_is_registered)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		CHECK_ERR(rseq_call(area(), 32, 0, RSEQ_SIG), EBUSY);
		CHECK((int)area()->cpu_id >= 0);
		_exit(3);
	}
	reap(pid, 3);
}

/* -- membarrier -- */

static volatile int x, y, stop;

static void *
churn(void *arg)
{
	while (!stop) {
		x++;
		__asm__ volatile("" ::: "memory");
		y++;
	}
	return arg;
}

TEST(membarrier)
{
	int all = (int)syscall(SYS_membarrier, 0, 0, 0);
	pthread_t t;

	CHECK((all & 0x19) == 0x19);
	CHECK_ERR(syscall(SYS_membarrier, 8, 0, 0), EPERM);
	CHECK_ERR(syscall(SYS_membarrier, 8, 2, 0), EINVAL);
	CHECK_ERR(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
	CHECK_EQ(syscall(SYS_membarrier, 0x10, 0, 0), 0);
	CHECK_EQ(pthread_create(&t, NULL, churn, NULL), 0);
	for (int i = 0; i < 200; i++)
		CHECK_EQ(syscall(SYS_membarrier, 8, 0, 0), 0);
	if ((all & 0x40) != 0) {
		CHECK_EQ(syscall(SYS_membarrier, 0x40, 0, 0), 0);
		CHECK_EQ(syscall(SYS_membarrier, 0x20, 0, 0), 0);
	}
	if ((all & 0x100) != 0) {
		CHECK_EQ(syscall(SYS_membarrier, 0x100, 0, 0), 0);
		CHECK_EQ(syscall(SYS_membarrier, 0x80, 0, 0), 0);
	}
	stop = 1;
	CHECK_EQ(pthread_join(t, NULL), 0);
}
