/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling: policies, priorities and their limits.
 * The raw calls: musl has none of these.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <sys/resource.h>

#include <sched.h>
#include <stdint.h>

#include "tap.h"

struct attr {
	uint32_t	size, policy;
	uint64_t	flags;
	int32_t		nice;
	uint32_t	priority;
	uint64_t	runtime, deadline, period;
};

#define	SETSCHED(pid, pol, prio) syscall(SYS_sched_setscheduler, (pid),	\
	    (pol), &(struct { int p; }){ (prio) })

TEST(priorities)
{
	CHECK_EQ(syscall(SYS_sched_get_priority_max, SCHED_FIFO), 99);
	CHECK_EQ(syscall(SYS_sched_get_priority_min, SCHED_FIFO), 1);
	CHECK_EQ(syscall(SYS_sched_get_priority_max, SCHED_RR), 99);
	CHECK_EQ(syscall(SYS_sched_get_priority_min, SCHED_OTHER), 0);
	CHECK_EQ(syscall(SYS_sched_get_priority_max, SCHED_OTHER), 0);
	CHECK_EQ(syscall(SYS_sched_get_priority_max, SCHED_IDLE), 0);
	CHECK_ERR(syscall(SYS_sched_get_priority_max, 77), EINVAL);
	CHECK_ERR(syscall(SYS_sched_get_priority_min, -1), EINVAL);
}

TEST(policy_and_parameters)
{
	int prio = -1;

	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(SETSCHED(0, SCHED_RR, 7), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_RR);
	CHECK_EQ(syscall(SYS_sched_getparam, 0, &prio), 0);
	CHECK_EQ(prio, 7);
	prio = 9;
	CHECK_EQ(syscall(SYS_sched_setparam, 0, &prio), 0);
	prio = 0;
	CHECK_EQ(syscall(SYS_sched_getparam, getpid(), &prio), 0);
	CHECK_EQ(prio, 9);
	CHECK_ERR(SETSCHED(0, SCHED_RR, 0), EINVAL);
	CHECK_ERR(SETSCHED(0, SCHED_FIFO, 100), EINVAL);
	CHECK_ERR(SETSCHED(0, SCHED_OTHER, 1), EINVAL);
	CHECK_ERR(SETSCHED(0, 77, 0), EINVAL);
	CHECK_ERR(SETSCHED(-1, SCHED_OTHER, 0), EINVAL);
	CHECK_ERR(SETSCHED(0x3fffffff, SCHED_OTHER, 0), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getscheduler, -1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getscheduler, 0x3fffffff), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, (void *)1), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setparam, 0, (void *)1), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setparam, -1, &prio), EINVAL);
}

TEST(inherited_unless_reset_is_wanted)
{
	pid_t pid;

	CHECK_EQ(SETSCHED(0, SCHED_RR, 3), 0);
	if ((pid = fork()) == 0)
		_exit((int)syscall(SYS_sched_getscheduler, 0));
	reap(pid, SCHED_RR);
	CHECK_EQ(SETSCHED(0, SCHED_RR | SCHED_RESET_ON_FORK, 3), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0),
	    SCHED_RR | SCHED_RESET_ON_FORK);
	if ((pid = fork()) == 0)
		_exit((int)syscall(SYS_sched_getscheduler, 0));
	reap(pid, SCHED_OTHER);
}

TEST(round_robin_interval)
{
	struct timespec ts = { -1, -1 };

	CHECK_EQ(SETSCHED(0, SCHED_RR, 1), 0);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &ts), 0);
	CHECK(ts.tv_sec == 0 && ts.tv_nsec > 0);
	CHECK_EQ(SETSCHED(0, SCHED_FIFO, 1), 0);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &ts), 0);
	CHECK(ts.tv_sec == 0 && ts.tv_nsec == 0);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, -1, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, 0x3fffffff, &ts), ESRCH);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, 0, (void *)1), EFAULT);
}

TEST(attributes)
{
	struct attr a = { .size = sizeof(a), .policy = SCHED_RR,
		.priority = 5 };
	char big[128] = { 0 };

	CHECK_EQ(syscall(SYS_sched_setattr, 0, &a, 0), 0);
	memset(&a, 0xff, sizeof(a));
	CHECK_EQ(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0);
	CHECK_EQ(a.size, 48);
	CHECK_EQ(a.policy, SCHED_RR);
	CHECK_EQ(a.priority, 5);
	CHECK_EQ(a.flags, 0);
	a = (struct attr){ .size = sizeof(a), .policy = SCHED_BATCH,
		.nice = 3, .flags = 1 };
	CHECK_EQ(syscall(SYS_sched_setattr, 0, &a, 0), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 3);
	CHECK_EQ(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0);
	CHECK_EQ(a.policy, SCHED_BATCH);
	CHECK_EQ(a.nice, 3);
	CHECK_EQ(a.flags, 1);
	/* The policy stays as it is, with what is said about children. */
	a = (struct attr){ .size = sizeof(a), .flags = 8, .nice = 4 };
	CHECK_EQ(syscall(SYS_sched_setattr, 0, &a, 0), 0);
	CHECK_EQ(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0);
	CHECK_EQ(a.policy, SCHED_BATCH);
	CHECK_EQ(a.nice, 4);
	CHECK_EQ(a.flags, 1);

	CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, -1, &a, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, (void *)1, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &a, 47, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0x3fffffff, &a, sizeof(a), 0),
	    ESRCH);
	a.flags = 1ULL << 40;
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
	/* What is not known must be zero, else its size is told. */
	memcpy(big, &(struct attr){ .size = 128 }, sizeof(a));
	CHECK_EQ(syscall(SYS_sched_setattr, 0, big, 0), 0);
	big[127] = 1;
	CHECK_ERR(syscall(SYS_sched_setattr, 0, big, 0), E2BIG);
}

static int
set_io(int which, int who, int class, int level)
{
	return (int)syscall(SYS_ioprio_set, which, who, class << 13 | level);
}

#define	IOPRIO(which, who)	syscall(SYS_ioprio_get, (which), (who))

/* Classes: 0 none, 1 real-time, 2 best effort, 3 idle. */
TEST(priorities_of_transfers)
{
	pid_t pid;

	CHECK_EQ(setpgid(0, 0), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	CHECK_EQ(IOPRIO(2, 0), 2 << 13 | 5);	/* as its nice value says */
	CHECK_EQ(set_io(1, 0, 2, 3), 0);
	CHECK_EQ(IOPRIO(1, 0), 2 << 13 | 3);
	CHECK_EQ(IOPRIO(1, getpid()), 2 << 13 | 3);
	if ((pid = fork()) == 0) {
		CHECK_EQ(IOPRIO(1, 0), 2 << 13 | 3);
		CHECK_EQ(set_io(1, 0, 2, 1), 0);
		/* The best one of the group. */
		CHECK_EQ(IOPRIO(2, 0), 2 << 13 | 1);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(set_io(2, 0, 3, 0), 0);
	CHECK_EQ(IOPRIO(1, 0), 3 << 13);
	CHECK_EQ(set_io(1, 0, 0, 0), 0);
	CHECK_ERR(set_io(1, 0, 0, 1), EINVAL);
	CHECK_ERR(set_io(1, 0, 4, 0), EINVAL);
	CHECK_ERR(set_io(4, 0, 2, 0), EINVAL);
	CHECK_ERR(set_io(1, 0x3fffffff, 2, 0), ESRCH);
	CHECK_ERR(IOPRIO(0, 0), EINVAL);
	CHECK_ERR(IOPRIO(1, 0x3fffffff), ESRCH);
	become_user();
	CHECK_ERR(set_io(1, getppid(), 2, 4), EPERM);
	CHECK_ERR(set_io(1, 0, 1, 4), EPERM);
}

TEST(what_a_user_may)
{
	struct rlimit rl = { 0, 0 };
	pid_t pid;

	CHECK_EQ(setrlimit(RLIMIT_RTPRIO, &rl), 0);
	CHECK_EQ(setrlimit(RLIMIT_NICE, &rl), 0);
	become_user();
	CHECK_ERR(SETSCHED(0, SCHED_FIFO, 1), EPERM);
	CHECK_ERR(SETSCHED(getppid(), SCHED_OTHER, 0), EPERM);
	CHECK_EQ(SETSCHED(0, SCHED_BATCH, 0), 0);
	CHECK_EQ(SETSCHED(0, SCHED_IDLE, 0), 0);
	CHECK_EQ(SETSCHED(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0), 0);
	/* That is not to be taken back. */
	CHECK_ERR(SETSCHED(0, SCHED_IDLE, 0), EPERM);
	if ((pid = fork()) == 0)
		for (;;)
			pause();
	CHECK_EQ(syscall(SYS_sched_getscheduler, pid), SCHED_IDLE);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* Until somebody has waited for it, one can ask. */
TEST(a_process_that_has_ended)
{
	struct { unsigned int version; int pid; } cap = { 0x20080522, 0 };
	unsigned int caps[6];
	struct attr a;
	struct rlimit rl;
	unsigned long cpus[16] = { 0 };
	siginfo_t si;
	pid_t pid;
	int prio = -1;

	if ((pid = fork()) == 0) {
		setpriority(PRIO_PROCESS, 0, 5);
		rl.rlim_cur = rl.rlim_max = 77;
		setrlimit(RLIMIT_NOFILE, &rl);
		_exit(SETSCHED(0, SCHED_BATCH | SCHED_RESET_ON_FORK, 0) != 0);
	}
	CHECK_EQ(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0);
	CHECK_EQ(si.si_status, 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, pid), 5);
	CHECK_EQ(syscall(SYS_sched_getscheduler, pid),
	    SCHED_BATCH | SCHED_RESET_ON_FORK);
	CHECK_EQ(syscall(SYS_sched_getparam, pid, &prio), 0);
	CHECK_EQ(prio, 0);
	CHECK_EQ(syscall(SYS_sched_getattr, pid, &a, sizeof(a), 0), 0);
	CHECK_EQ(a.policy, SCHED_BATCH);
	CHECK_EQ(a.nice, 5);
	CHECK(syscall(SYS_sched_getaffinity, pid, sizeof(cpus), cpus) > 0);
	CHECK(cpus[0] != 0);
	CHECK_EQ(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL,
	    (uint64_t[2]){ 0 }), 0);
	cap.pid = pid;
	CHECK_EQ(syscall(SYS_capget, &cap, caps), 0);
	CHECK_EQ(getpgid(pid), getpgrp());
	CHECK_EQ(getsid(pid), getsid(0));
	CHECK_EQ(kill(pid, SIGUSR1), 0);
	CHECK_EQ(syscall(SYS_tgkill, pid, pid, SIGUSR1), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_ERR(getpriority(PRIO_PROCESS, pid), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getscheduler, pid), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, pid, pid, 0), ESRCH);
}

TEST(limit_of_real_time_priority)
{
	struct rlimit rl = { 10, 10 };

	if (setrlimit(RLIMIT_RTPRIO, &rl) == -1 && errno == EPERM)
		SKIP("root may not raise limits here");
	become_user();
	CHECK_EQ(SETSCHED(0, SCHED_RR, 10), 0);
	CHECK_ERR(SETSCHED(0, SCHED_RR, 11), EPERM);
	CHECK_EQ(SETSCHED(0, SCHED_RR, 4), 0);
}
