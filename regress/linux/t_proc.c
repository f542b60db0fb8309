/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: fork, clone, exec, exit, wait, groups and sessions, limits.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "tap.h"

static volatile int shared;

TEST(fork_copies_memory)
{
	pid_t pid;

	shared = 1;
	if ((pid = fork()) == 0) {
		CHECK_EQ(shared, 1);
		shared = 2;
		_exit(shared);
	}
	reap(pid, 2);
	CHECK_EQ(shared, 1);
}

TEST(fork_many)
{
	enum { N = 200 };
	pid_t pids[N];

	for (int i = 0; i < N; i++)
		if ((pids[i] = fork()) == 0)
			_exit(i & 0x7f);
	for (int i = 0; i < N; i++)
		reap(pids[i], i & 0x7f);
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(fork_in_turn)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(7);
		reap(pid, 7);
	}
}

TEST(vfork_shares_and_waits)
{
	volatile int seen = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		seen = 42;
		_exit(3);
	}
	CHECK_EQ(seen, 42);
	reap(pid, 3);
}

TEST(ids_of_child)
{
	pid_t me = getpid(), pid;

	if ((pid = fork()) == 0) {
		CHECK_EQ(getppid(), me);
		CHECK(getpid() != me);
		CHECK_EQ(syscall(SYS_gettid), getpid());
		CHECK_EQ(getpgrp(), getpgid(getppid()));
		_exit(0);
	}
	reap(pid, 0);
}

TEST(wait_nohang)
{
	int fds[2], status;
	pid_t pid;
	char c;

	CHECK_EQ(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		close(fds[1]);
		(void)!read(fds[0], &c, 1);
		_exit(9);
	}
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	close(fds[1]);
	reap(pid, 9);
}

TEST(wait_by_group)
{
	pid_t a, b;
	int status;

	if ((a = fork()) == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(a, a);
	if ((b = fork()) == 0)
		_exit(2);
	CHECK_EQ(waitpid(-a, &status, 0), a);
	CHECK_EQ(WEXITSTATUS(status), 1);
	CHECK_ERR(waitpid(-a, &status, 0), ECHILD);
	CHECK_EQ(waitpid(0, &status, 0), b);
}

TEST(waitid_peeks)
{
	siginfo_t si;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(5);
	memset(&si, 0xff, sizeof(si));
	CHECK_EQ(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(si.si_status, 5);
	CHECK_EQ(si.si_signo, SIGCHLD);
	CHECK_EQ(waitid(P_ALL, 0, &si, WEXITED), 0);
	CHECK_EQ(si.si_pid, pid);
	CHECK_ERR(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &si, 0), EINVAL);
	CHECK_ERR(waitid(99, 0, &si, WEXITED), EINVAL);
}

TEST(wait_arguments)
{
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0x100), EINVAL);
	CHECK_ERR(waitpid(1 << 29, NULL, 0), ECHILD);
}

TEST(killed_child)
{
	pid_t pid;
	int status;

	if ((pid = fork()) == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(pid, SIGTERM), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
}

TEST(stopped_and_continued_child)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
}

static volatile sig_atomic_t got;

static void
note(int signo)
{
	got = signo;
}

TEST(sigchld_ignored_reaps)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	if ((pid = fork()) == 0)
		_exit(0);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	CHECK_ERR(kill(pid, 0), ESRCH);
}

TEST(sigchld_nocldwait)
{
	struct sigaction sa = { .sa_handler = note,
		.sa_flags = SA_NOCLDWAIT | SA_RESTART };
	pid_t pid;

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	if ((pid = fork()) == 0)
		_exit(0);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	CHECK_EQ(got, SIGCHLD);
}

static siginfo_t chld;

static void
note_info(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	if (signo == SIGCHLD)
		chld = *si;
}

/* Its signal does not end the wait for the child itself. */
TEST(sigchld_caught_while_waiting)
{
	struct sigaction sa = { .sa_handler = note };
	pid_t pid;
	int status;

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	for (int i = 0; i < 20; i++) {
		if ((pid = fork()) == 0) {
			sleep_ms(2);
			_exit(7);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(WEXITSTATUS(status), 7);
	}
	/* Nor is there anything to be told where none is kept. */
	sa.sa_flags = SA_NOCLDWAIT;
	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(20);
		_exit(7);
	}
	CHECK_ERR(wait(&status), ECHILD);
}

TEST(sigchld_info)
{
	struct sigaction sa = { .sa_sigaction = note_info,
		.sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t pid;

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	if ((pid = fork()) == 0)
		_exit(11);
	reap(pid, 11);
	CHECK_EQ(chld.si_pid, pid);
	CHECK_EQ(chld.si_code, CLD_EXITED);
	CHECK_EQ(chld.si_status, 11);
	CHECK_EQ(chld.si_uid, getuid());
}

TEST(orphan_goes_to_init_or_reaper)
{
	int fds[2];
	pid_t pid, parent = 0;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		if (fork() == 0) {
			pid_t old = getppid();

			close(fds[0]);
			for (int i = 0; i < 500 && getppid() == old; i++)
				sleep_ms(10);
			parent = getppid();
			CHECK_EQ(write(fds[1], &parent, sizeof(parent)),
			    sizeof(parent));
			_exit(21);
		}
		sleep_ms(50);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(read(fds[0], &parent, sizeof(parent)), sizeof(parent));
	CHECK_EQ(parent, getpid());
	int status;
	CHECK(wait(&status) > 0);
	CHECK_EQ(WEXITSTATUS(status), 21);
}

TEST(sessions_and_groups)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		pid_t me = getpid();

		CHECK_EQ(setsid(), me);
		CHECK_EQ(getsid(0), me);
		CHECK_EQ(getpgrp(), me);
		CHECK_ERR(setsid(), EPERM);
		CHECK_ERR(setpgid(0, 0), EPERM);	/* a leader */
		_exit(0);
	}
	reap(pid, 0);
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(setpgid(1 << 29, 0), ESRCH);
	CHECK_ERR(setpgid(0, 1 << 29), EPERM);
	CHECK_ERR(getpgid(1 << 29), ESRCH);
	CHECK_ERR(getsid(1 << 29), ESRCH);
}

TEST(setpgid_after_exec)
{
	int fds[2];
	pid_t pid;
	char c;

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		execl("/proc/self/exe", "t_proc", "-sleep", NULL);
		_exit(127);
	}
	close(fds[1]);
	CHECK_EQ(read(fds[0], &c, 1), 0);	/* exec has closed it */
	CHECK_ERR(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(exec_and_arguments)
{
	char big[4096];
	char *argv[] = { "sh", "-c", "test \"$V\" = w && test $# = 2 && "
	    "test ${#1} = 4095", "zero", big, "two", NULL };
	char *envp[] = { "V=w", NULL };
	pid_t pid;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	if ((pid = fork()) == 0) {
		execve("/bin/sh", argv, envp);
		_exit(126);
	}
	reap(pid, 0);
}

TEST(exec_failures)
{
	char *argv[] = { "x", NULL }, *envp[] = { NULL };
	char dir[] = "/tmp/t_proc.XXXXXX", file[64];
	int fd;

	CHECK_ERR(execve("/nonexistent", argv, envp), ENOENT);
	CHECK_ERR(execve("/", argv, envp), EACCES);
	CHECK_ERR(execve("/bin/sh/x", argv, envp), ENOTDIR);
	CHECK_ERR(execve("", argv, envp), ENOENT);
	CHECK_ERR(execve(NULL, argv, envp), EFAULT);
	CHECK_ERR(syscall(SYS_execve, "/bin/sh", 8, envp), EFAULT);
	CHECK(mkdtemp(dir) != NULL);
	snprintf(file, sizeof(file), "%s/f", dir);
	CHECK((fd = open(file, O_CREAT | O_WRONLY, 0644)) >= 0);
	CHECK_EQ(write(fd, "junk", 4), 4);
	CHECK_ERR(execve(file, argv, envp), EACCES);
	CHECK_EQ(chmod(file, 0755), 0);
	CHECK_ERR(execve(file, argv, envp), ETXTBSY);
	close(fd);
	CHECK_ERR(execve(file, argv, envp), ENOEXEC);
	CHECK((fd = open(file, O_TRUNC | O_WRONLY)) >= 0);
	CHECK_EQ(write(fd, "#!/nonexistent\n", 15), 15);
	close(fd);
	CHECK_ERR(execve(file, argv, envp), ENOENT);
	unlink(file);
	rmdir(dir);
}

TEST(exec_script)
{
	static const char text[] =
	    "#! /bin/sh -e\ntest \"$1\" = a && test $# = 1 && exit 33\n";
	char dir[] = "/tmp/t_proc.XXXXXX", file[64];
	pid_t pid;
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(file, sizeof(file), "%s/f", dir);
	CHECK((fd = open(file, O_CREAT | O_WRONLY, 0755)) >= 0);
	CHECK_EQ(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	if ((pid = fork()) == 0) {
		execl(file, "name", "a", NULL);
		_exit(126);
	}
	reap(pid, 33);
	unlink(file);
	rmdir(dir);
}

TEST(exec_too_big)
{
	enum { N = 300000 };
	char **argv = calloc(N + 1, sizeof(*argv)), *envp[] = { NULL };
	char *huge = malloc(200000);

	for (int i = 0; i < N; i++)
		argv[i] = "0123456789abcdef";
	CHECK_ERR(execve("/bin/sh", argv, envp), E2BIG);
	memset(huge, 'y', 199999);
	huge[199999] = '\0';
	argv[0] = huge;
	argv[1] = NULL;
	CHECK_ERR(execve("/bin/sh", argv, envp), E2BIG);
}

static void *
exec_thread(void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c", "exit 12", NULL);
	_exit(126);
}

static void *
spin_thread(void *arg)
{
	for (;;)
		*(volatile int *)arg += 1;
	return NULL;
}

TEST(exec_ends_other_threads)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		static int counter;
		pthread_t a, b;

		CHECK_EQ(pthread_create(&a, NULL, spin_thread, &counter), 0);
		sleep_ms(10);
		CHECK_EQ(pthread_create(&b, NULL, exec_thread, NULL), 0);
		for (;;)
			pause();
	}
	reap(pid, 12);
}

/* Children of the grandparent that share descriptors with the caller. */
static void *
share_thread(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 40; i++)
		if (syscall(SYS_clone, CLONE_FILES | CLONE_PARENT | SIGCHLD,
		    NULL, NULL, NULL, NULL) == 0) {
			sleep_ms(300);
			_exit(fcntl(fd, F_GETFD) == FD_CLOEXEC ? 0 : 1);
		}
	return NULL;
}

/* What exec closes is still open for those who shared it until then. */
TEST(exec_unshares_descriptors)
{
	int status, n = 0;

	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
			pthread_t t;

			CHECK(fd >= 0);
			CHECK_EQ(pthread_create(&t, NULL, share_thread, &fd),
			    0);
			sleep_ms(i * 2);
			execl("/bin/sh", "sh", "-c", "exit 0", NULL);
			_exit(126);
		}
		CHECK(pid > 0);
	}
	while (wait(&status) > 0) {
		CHECK_EQ(status, 0);
		n++;
	}
	CHECK(n >= 5);
}

TEST(exit_group_ends_threads)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		static int counters[4];
		pthread_t t;

		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&t, NULL, spin_thread,
			    &counters[i]), 0);
		sleep_ms(20);
		_exit(8);
	}
	reap(pid, 8);
}

static void *
return_thread(void *arg)
{
	return (char *)arg + 1;
}

TEST(threads_join)
{
	for (int i = 0; i < 200; i++) {
		pthread_t t;
		void *r;

		CHECK_EQ(pthread_create(&t, NULL, return_thread,
		    (void *)(long)i), 0);
		CHECK_EQ(pthread_join(t, &r), 0);
		CHECK_EQ((long)r, i + 1);
	}
}

static void *
late_exit(void *arg)
{
	(void)arg;
	sleep_ms(50);
	return NULL;
}

TEST(first_thread_exits_first)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		pthread_t t;

		CHECK_EQ(pthread_create(&t, NULL, late_exit, NULL), 0);
		syscall(SYS_exit, 0);
	}
	reap(pid, 0);
}

static int
clone_child(void *arg)
{
	*(volatile int *)arg = 77;
	_exit(4);
}

TEST(clone_flags)
{
	static char stack[65536] __attribute__((__aligned__(16)));
	char *top = stack + sizeof(stack);
	pid_t pid, ptid = 0;
	int word = 0;

	CHECK_ERR(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0),
	    EINVAL);
	pid = clone(clone_child, top, CLONE_VM | CLONE_PARENT_SETTID |
	    SIGCHLD, &word, &ptid, NULL, NULL);
	CHECK(pid > 0);
	reap(pid, 4);
	CHECK_EQ(ptid, pid);
	CHECK_EQ(word, 77);
	/* Another exit signal: only waited for by __WALL or __WCLONE. */
	pid = clone(clone_child, top, CLONE_VM | SIGUSR1 * 0, &word);
	CHECK(pid > 0);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	CHECK_EQ(waitpid(pid, NULL, __WALL), pid);
	pid = clone(clone_child, top, CLONE_VM, &word);
	CHECK_EQ(waitpid(pid, NULL, __WCLONE), pid);
}

TEST(child_tid_words)
{
	static int settid __attribute__((__aligned__(8)));
	pid_t pid;

	pid = (pid_t)syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0,
	    &settid, 0);
	if (pid == 0)
		_exit(settid == getpid() ? 0 : 1);
	reap(pid, 0);
	CHECK_EQ(settid, 0);
}

struct clone3_args {
	unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal,
	    stack, stack_size, tls;
};

TEST(clone3)
{
	struct clone3_args ca = { .exit_signal = SIGCHLD };
	unsigned char longer[128] = { 0 };
	pid_t pid;

	pid = (pid_t)syscall(435, &ca, sizeof(ca));
	if (pid == 0)
		_exit(6);
	reap(pid, 6);
	CHECK_ERR(syscall(435, &ca, 8), EINVAL);
	CHECK_ERR(syscall(435, &ca, 100000), E2BIG);
	memcpy(longer, &ca, sizeof(ca));
	pid = (pid_t)syscall(435, longer, sizeof(longer));
	if (pid == 0)
		_exit(5);
	reap(pid, 5);
	longer[127] = 1;
	CHECK_ERR(syscall(435, longer, sizeof(longer)), E2BIG);
	ca.exit_signal = 65;
	CHECK_ERR(syscall(435, &ca, sizeof(ca)), EINVAL);
	ca.exit_signal = SIGCHLD;
	ca.stack = 4096;
	CHECK_ERR(syscall(435, &ca, sizeof(ca)), EINVAL);
}

TEST(limits)
{
	struct rlimit lim, old;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK(old.rlim_cur <= old.rlim_max);
	lim = old;
	lim.rlim_cur = lim.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	lim.rlim_cur = 10;
	lim.rlim_max = 5;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &lim), EINVAL);
	CHECK_ERR(getrlimit(99, &lim), EINVAL);
	CHECK_EQ(getrlimit(RLIMIT_STACK, &lim), 0);
	CHECK_ERR(syscall(SYS_prlimit64, 1 << 29, RLIMIT_STACK, NULL, &lim),
	    ESRCH);
}

TEST(nice_values)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
		CHECK_EQ(setpriority(PRIO_PROCESS, 0, 100), 0);
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
		errno = 0;
		CHECK_ERR(getpriority(99, 0), EINVAL);
		CHECK_ERR(getpriority(PRIO_PROCESS, 1 << 29), ESRCH);
		_exit(0);
	}
	reap(pid, 0);
}

TEST(usage_counts)
{
	struct rusage ru;
	struct tms tms;
	long long end;
	pid_t pid;

	if ((pid = fork()) == 0) {
		end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 200000000LL;
		while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
			continue;
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &ru), 0);
	long long us = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000LL +
	    ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;
	CHECK(us >= 150000);
	CHECK(times(&tms) != (clock_t)-1);
	CHECK(tms.tms_cutime + tms.tms_cstime >= 10);
	CHECK_ERR(getrusage(99, &ru), EINVAL);
}

TEST(names)
{
	struct utsname un;
	char name[17] = "";

	CHECK_EQ(uname(&un), 0);
	CHECK(strcmp(un.sysname, "Linux") == 0);
	CHECK(strcmp(un.machine, "x86_64") == 0);
	CHECK_EQ(prctl(PR_SET_NAME, "a name that is too long"), 0);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "a name that is ") == 0);
	CHECK_ERR(prctl(12345, 0, 0, 0, 0), EINVAL);
}

TEST(parent_death_signal)
{
	int fds[2];
	pid_t pid;
	char c;

	CHECK_EQ(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			CHECK_EQ(write(fds[1], "x", 1), 1);
			for (;;)
				pause();
		}
		CHECK_EQ(read(fds[0], &c, 1), 1);
		_exit(0);
	}
	close(fds[1]);
	reap(pid, 0);
	/* The pipe's last writer was the grandchild. */
	CHECK_EQ(read(fds[0], &c, 1), 0);
}

TEST(user_ids)
{
	uid_t r, e, s;
	pid_t pid;

	if (getuid() != 0) {
		printf("# not root: only queries\n");
		CHECK_EQ(getresuid(&r, &e, &s), 0);
		return;
	}
	if ((pid = fork()) == 0) {
		gid_t groups[] = { 30, 10, 20 }, back[3];

		CHECK_EQ(setgroups(3, groups), 0);
		CHECK_EQ(getgroups(0, NULL), 3);
		CHECK_ERR(getgroups(2, back), EINVAL);
		CHECK_EQ(getgroups(3, back), 3);
		CHECK_EQ(setresgid(5, 6, 7), 0);
		CHECK_EQ(setresuid(1000, 1001, 1002), 0);
		CHECK_EQ(getresuid(&r, &e, &s), 0);
		CHECK(r == 1000 && e == 1001 && s == 1002);
		CHECK_ERR(setuid(0), EPERM);
		CHECK_EQ(setuid(1002), 0);
		CHECK_EQ(geteuid(), 1002);
		CHECK_EQ(seteuid(1000), 0);
		CHECK_ERR(setgroups(0, NULL), EPERM);
		CHECK_ERR(kill(1, SIGTERM), EPERM);
		_exit(0);
	}
	reap(pid, 0);
}

TEST(affinity_and_policy)
{
	struct sched_param sp = { 0 };
	cpu_set_t set;

	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	CHECK(CPU_COUNT(&set) >= 1);
	CHECK_ERR(sched_getaffinity(1 << 29, sizeof(set), &set), ESRCH);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQ(sched_get_priority_min(SCHED_RR), 1);
	CHECK_ERR(sched_get_priority_max(99), EINVAL);
	sp.sched_priority = 5;
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &sp),
	    EINVAL);
	CHECK_EQ(sched_yield(), 0);
	CPU_ZERO(&set);
	CHECK_ERR(sched_setaffinity(0, sizeof(set), &set), EINVAL);
}

/* Of the one CPU that both may use, a twentieth is the other's. */
TEST(a_real_time_thread_leaves_time_to_others)
{
	struct sched_param sp = { .sched_priority = 10 };
	cpu_set_t old, one;
	volatile int *flags;
	pid_t pid;
	int cpu = 0, status;

	flags = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(flags != MAP_FAILED);
	CHECK_EQ(sched_getaffinity(0, sizeof(old), &old), 0);
	while (!CPU_ISSET(cpu, &old))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp) != 0)
			_exit(77);
		for (flags[0] = 1; flags[1] == 0;)
			continue;
		_exit(0);
	}
	CHECK(pid > 0);
	while (flags[0] == 0 && waitpid(pid, &status, WNOHANG) == 0)
		sched_yield();
	flags[1] = 1;
	if (flags[0] != 0)
		reap(pid, 0);
	CHECK_EQ(sched_setaffinity(0, sizeof(old), &old), 0);
	if (flags[0] == 0) {
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 77);
		SKIP("no right to real-time scheduling here");
	}
}

TEST(unknown_call)
{
	CHECK_ERR(syscall(999), ENOSYS);
	CHECK_ERR(syscall(-1), ENOSYS);
}

/* What two processes shared is one's own afterwards. */
static int
with_own_files(void *arg)
{
	int fd = *(int *)arg;

	CHECK_ERR(unshare(0x10), EINVAL);
	CHECK_EQ(unshare(0), 0);
	CHECK_EQ(unshare(CLONE_FILES | CLONE_FS), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(chdir("/"), 0);
	_exit(0);
}

TEST(unshared)
{
	static char stack[65536] __attribute__((__aligned__(16)));
	char before[256], after[256];
	int fd = open("/dev/null", O_RDONLY);
	pid_t pid;

	CHECK(fd >= 0 && getcwd(before, sizeof(before)) != NULL);
	pid = clone(with_own_files, stack + sizeof(stack),
	    CLONE_FILES | CLONE_FS | SIGCHLD, &fd);
	reap(pid, 0);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	CHECK(getcwd(after, sizeof(after)) != NULL);
	CHECK(strcmp(before, after) == 0);
	/* Alone one has all of it already. */
	CHECK_EQ(unshare(CLONE_THREAD), 0);
	CHECK_EQ(unshare(CLONE_FILES), 0);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	close(fd);
}
