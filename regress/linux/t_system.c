/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smaller calls: names of the machine, advice on files, random bytes,
 * what C libraries set up, and those that only root may make.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>

#include "tap.h"

/* musl has none; an offset goes in two halves. */
#define	VECTOR2(call, fd, iov, n, off, flags) syscall((call), (fd), (iov), \
	    (n), (long)(off), (long)((off) < 0 ? -1 : 0), (flags))
#define	PREADV2(...)	VECTOR2(SYS_preadv2, __VA_ARGS__)
#define	PWRITEV2(...)	VECTOR2(SYS_pwritev2, __VA_ARGS__)

static int
scratch(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	CHECK(fd >= 0);
	return fd;
}

/* -- names -- */

/* In a UTS namespace of its own where there are such. */
TEST(host_and_domain_names)
{
	struct utsname old, un;
	char longname[66];

	CHECK_EQ(uname(&old), 0);
	(void)syscall(SYS_unshare, CLONE_NEWUTS);
	if (sethostname("host-1", 6) == -1 && errno == EPERM)
		SKIP("this root may not");
	CHECK_EQ(uname(&un), 0);
	CHECK_EQ(strcmp(un.nodename, "host-1"), 0);
	CHECK_EQ(sethostname("xy-and-more", 2), 0);
	CHECK_EQ(setdomainname("dom.example", 11), 0);
	CHECK_EQ(uname(&un), 0);
	CHECK_EQ(strcmp(un.nodename, "xy"), 0);
	CHECK_EQ(strcmp(un.domainname, "dom.example"), 0);
	CHECK_EQ(strcmp(un.sysname, old.sysname), 0);
	memset(longname, 'a', sizeof(longname));
	CHECK_EQ(syscall(SYS_sethostname, longname, 64), 0);
	CHECK_ERR(syscall(SYS_sethostname, longname, 65), EINVAL);
	CHECK_ERR(syscall(SYS_sethostname, longname, -1), EINVAL);
	CHECK_ERR(syscall(SYS_setdomainname, longname, 65), EINVAL);
	CHECK_ERR(syscall(SYS_sethostname, (void *)1, 4), EFAULT);
	CHECK_EQ(sethostname(old.nodename, strlen(old.nodename)), 0);
	CHECK_EQ(setdomainname(old.domainname, strlen(old.domainname)), 0);
	become_user();
	CHECK_ERR(syscall(SYS_sethostname, "b", 1), EPERM);
	CHECK_ERR(syscall(SYS_setdomainname, "b", 1), EPERM);
	CHECK_ERR(syscall(SYS_uname, (void *)1), EFAULT);
}

TEST(personalities)
{
	struct utsname un;
	int old = personality(0xffffffff);

	CHECK(old != -1);
	CHECK_EQ(personality((unsigned long)old | ADDR_NO_RANDOMIZE), old);
	CHECK_EQ(personality(0xffffffff), old | ADDR_NO_RANDOMIZE);
	CHECK_EQ(personality(PER_LINUX32), old | ADDR_NO_RANDOMIZE);
	CHECK_EQ(uname(&un), 0);
	CHECK_EQ(strcmp(un.machine, "i686"), 0);
	CHECK_EQ(personality((unsigned long)old), PER_LINUX32);
}

/* -- advice and reading ahead -- */

TEST(advice_on_files)
{
	int fd = scratch(), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ftruncate(fd, 100000), 0);
	for (int a = POSIX_FADV_NORMAL; a <= POSIX_FADV_NOREUSE; a++)
		CHECK_EQ(posix_fadvise(fd, 0, 0, a), 0);
	CHECK_EQ(posix_fadvise(fd, 0, 0, 77), EINVAL);
	CHECK_EQ(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	CHECK_EQ(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF);
	CHECK_ERR(readahead(p[0], 0, 4096), EINVAL);
	CHECK_ERR(readahead(-1, 0, 4096), EBADF);
	CHECK_EQ(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE |
	    SYNC_FILE_RANGE_WAIT_AFTER), 0);
	CHECK_ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
	CHECK_ERR(sync_file_range(fd, -1, 0, 2), EINVAL);
	CHECK_ERR(sync_file_range(-1, 0, 0, 2), EBADF);
	CHECK_ERR(sync_file_range(p[0], 0, 0, 2), ESPIPE);
}

TEST(vectors_with_flags)
{
	char a[4], b[4];
	struct iovec out[2] = { { "abcd", 4 }, { "efgh", 4 } };
	struct iovec in[2] = { { a, 4 }, { b, 4 } };
	int fd = scratch();

	CHECK_EQ(PWRITEV2(fd, out, 2, 10, 0), 8);
	CHECK_EQ(PWRITEV2(fd, out, 1, -1, RWF_DSYNC), 4);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
	/* At the end, wherever that is said to be. */
	CHECK_EQ(PWRITEV2(fd, out, 1, 0, RWF_APPEND), 4);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 22);
	CHECK_EQ(PREADV2(fd, in, 2, 10, 0), 8);
	CHECK_EQ(memcmp(b, "efgh", 4), 0);
	CHECK_EQ(PREADV2(fd, in, 1, 18, 0), 4);
	CHECK_EQ(memcmp(a, "abcd", 4), 0);
	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(PREADV2(fd, in, 1, -1, 0), 4);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
	CHECK_ERR(PREADV2(fd, in, 1, -2, 0), EINVAL);
	CHECK_ERR(PREADV2(fd, in, 1, 0, 0x8000), EOPNOTSUPP);
	CHECK_ERR(PWRITEV2(fd, in, 1, 0, 0x8000), EOPNOTSUPP);
	CHECK_ERR(PREADV2(fd, in, 1025, 0, 0), EINVAL);
}

/* -- random bytes -- */

TEST(random_bytes)
{
	unsigned char a[256], b[256] = { 0 };

	CHECK_EQ(getrandom(a, sizeof(a), 0), 256);
	CHECK_EQ(getrandom(b, sizeof(b), GRND_NONBLOCK), 256);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_EQ(getrandom(b, sizeof(b), GRND_RANDOM), 256);
	CHECK_EQ(getrandom(b, sizeof(b), 4), 256);	/* GRND_INSECURE */
	CHECK_EQ(getrandom(b, 0, 0), 0);
	CHECK_ERR(getrandom(b, 1, 8), EINVAL);
	CHECK_ERR(getrandom(b, 1, 4 | GRND_RANDOM), EINVAL);
	CHECK_ERR(syscall(SYS_getrandom, 1, 1, 0), EFAULT);
}

/* -- what C libraries set up -- */

TEST(robust_list)
{
	struct { void *next; long off; void *pending; } head, *got;
	size_t len;
	pid_t pid;

	head.next = &head;
	head.off = 0;
	head.pending = NULL;
	CHECK_EQ(syscall(SYS_set_robust_list, &head, sizeof(head)), 0);
	CHECK_EQ(syscall(SYS_get_robust_list, 0, &got, &len), 0);
	CHECK(got == (void *)&head && len == sizeof(head));
	CHECK_ERR(syscall(SYS_set_robust_list, &head, 1), EINVAL);
	CHECK_ERR(syscall(SYS_get_robust_list, 0x3fffffff, &got, &len), ESRCH);
	CHECK_ERR(syscall(SYS_get_robust_list, 0, (void *)1, &len), EFAULT);
	/* A C library's fork() would set one up. */
	if ((pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) == 0) {
		CHECK_EQ(syscall(SYS_get_robust_list, 0, &got, &len), 0);
		CHECK(got == NULL);
		become_user();
		CHECK_ERR(syscall(SYS_get_robust_list, getppid(), &got, &len),
		    EPERM);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(syscall(SYS_set_tid_address, &len), getpid());
}

/* -- waiting with another signal mask -- */

static volatile sig_atomic_t caught;

static void
catch(int signo)
{
	caught = signo;
}

/* The signal that was blocked comes in the call, and not before. */
TEST(masks_of_waiting_calls)
{
	struct timespec ts = { 10, 0 };
	struct epoll_event ev;
	sigset_t none, usr1;
	int ep, n;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	signal(SIGUSR1, catch);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	CHECK((ep = epoll_create1(0)) >= 0);
	for (n = 0; n < 4; n++) {
		caught = 0;
		CHECK_EQ(raise(SIGUSR1), 0);
		CHECK_EQ(caught, 0);
		if (n == 0)
			CHECK_ERR(pselect(0, NULL, NULL, NULL, &ts, &none),
			    EINTR);
		else if (n == 1)
			CHECK_ERR(epoll_pwait(ep, &ev, 1, 10000, &none), EINTR);
		else if (n == 2)
			CHECK_ERR(syscall(SYS_epoll_pwait2, ep, &ev, 1, NULL,
			    &none, 8), EINTR);
		else
			CHECK_ERR(sigsuspend(&none), EINTR);
		CHECK_EQ(caught, SIGUSR1);
		CHECK_EQ(sigpending(&none), 0);
		CHECK(!sigismember(&none, SIGUSR1));
		sigemptyset(&none);
	}
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(sigpending(&none), 0);
	CHECK(sigismember(&none, SIGUSR1));
	/* Nothing to wait for: the mask does not matter. */
	ts.tv_sec = 0;
	CHECK_EQ(pselect(0, NULL, NULL, NULL, &ts, NULL), 0);
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, &usr1, 4), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigsuspend, &usr1, 4), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigpending, &usr1, 16), EINVAL);
}

/* With their data, and only from oneself with a code of the kernel's. */
TEST(queued_signals)
{
	siginfo_t si = { .si_code = SI_QUEUE }, got;
	struct timespec ts = { 5, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	si.si_value.sival_int = 42;
	CHECK_EQ(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &si), 0);
	si.si_value.sival_int = 43;
	CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN,
	    &si), 0);
	CHECK_EQ(sigtimedwait(&set, &got, &ts), SIGRTMIN);
	/* The thread's own come first. */
	CHECK_EQ(got.si_value.sival_int, 43);
	CHECK_EQ(sigtimedwait(&set, &got, &ts), SIGRTMIN);
	CHECK_EQ(got.si_value.sival_int, 42);
	CHECK_EQ(got.si_code, SI_QUEUE);
	si.si_code = SI_USER;
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &si), EPERM);
	CHECK_EQ(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &si), 0);
	si.si_code = SI_QUEUE;
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &si), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, 0, &si), ESRCH);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, -1, 1, 0, &si), EINVAL);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, getppid(), gettid(), 0, &si),
	    ESRCH);
}

/* -- others -- */

TEST(event_counters)
{
	uint64_t v = 3;
	int fd;

	CHECK_ERR(eventfd(0, 2), EINVAL);
	CHECK((fd = eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fd, &v, 8), 8);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 8);
	CHECK_ERR(read(fd, &v, 8), EAGAIN);
	CHECK_ERR(read(fd, &v, 4), EINVAL);
	v = UINT64_MAX;
	CHECK_ERR(write(fd, &v, 8), EINVAL);
	CHECK((fd = eventfd(2, EFD_SEMAPHORE)) >= 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 1);
}

TEST(locking_memory_when_touched)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(syscall(SYS_mlock2, p, 8192, 1), 0);
	CHECK_EQ(munlock(p, 8192), 0);
	CHECK_EQ(syscall(SYS_mlock2, p, 8192, 0), 0);
	CHECK_ERR(syscall(SYS_mlock2, p, 8192, 2), EINVAL);
	CHECK_EQ(munmap(p, 8192), 0);
	CHECK_ERR(syscall(SYS_mlock2, p, 8192, 0), ENOMEM);
	/* The key for all. */
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(syscall(SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_WRITE,
	    -1), 0);
	p[0] = 1;
	CHECK_ERR(syscall(SYS_pkey_mprotect, p, 4096, PROT_READ, 99), EINVAL);
}

TEST(exec_of_a_descriptor)
{
	char *argv[] = { "t", "no such test", NULL }, *envp[] = { NULL };
	pid_t pid;
	int fd, status;

	CHECK((fd = open("/proc/self/exe", O_RDONLY)) >= 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(close(1), 0);
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(99);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_ERR(syscall(SYS_execveat, fd, "", argv, envp, 0), ENOENT);
	CHECK_ERR(syscall(SYS_execveat, fd, "x", argv, envp, 0), ENOTDIR);
	CHECK_ERR(syscall(SYS_execveat, fd, "x", argv, envp, 0x8000), EINVAL);
	CHECK_ERR(syscall(SYS_execveat, -1, "x", argv, envp, 0), EBADF);
	CHECK_EQ(symlink("/proc/self/exe", "exelink"), 0);
	CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, "exelink", argv, envp,
	    AT_SYMLINK_NOFOLLOW), ELOOP);
	CHECK_EQ(unlink("exelink"), 0);
}

/* Before anything happens the magic numbers are looked at, and who asks. */
TEST(rebooting_is_refused)
{
	become_user();
	CHECK_ERR(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
	    LINUX_REBOOT_CMD_CAD_OFF, NULL), EPERM);
}

TEST(only_for_root)
{
	struct timespec ts = { 1, 0 };
	struct timeval tv = { 1, 0 };

	become_user();
	CHECK_ERR(chroot("/"), EPERM);
	CHECK_ERR(syscall(SYS_pivot_root, "/", "/"), EPERM);
	CHECK_ERR(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(syscall(SYS_umount2, "/", 0), EPERM);
	CHECK_ERR(syscall(SYS_settimeofday, &tv, NULL), EPERM);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts), EPERM);
	CHECK_ERR(syscall(SYS_swapon, "/", 0), EPERM);
	CHECK_ERR(syscall(SYS_swapoff, "/"), EPERM);
	CHECK_ERR(syscall(SYS_syslog, 5, NULL, 0), EPERM);
	CHECK_ERR(mknod("/tmp/dev", S_IFCHR | 0600, 0x103), EPERM);
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, -5), EACCES);
	CHECK_ERR(kill(1, SIGTERM), EPERM);
}

TEST(handles_of_files)
{
	struct { unsigned int bytes; int type; char h[128]; } fh = { 128, 0,
	    { 0 } };
	int id;

	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "/none", &fh, &id,
	    0), ENOENT);
	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &fh, &id,
	    0x8000), EINVAL);
}
