/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: mmap and its flags, protection, remapping, advice, the break.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tap.h"

#define	PAGE	4096
#ifndef MAP_FIXED_NOREPLACE
#define	MAP_FIXED_NOREPLACE	0x100000
#endif

static sigjmp_buf env;
static volatile int fault_signo;

static void
on_fault(int signo)
{
	fault_signo = signo;
	siglongjmp(env, 1);
}

/* What touching the byte gives: 0 or a signal. */
static int
touch(volatile char *p, int write)
{
	struct sigaction sa = { .sa_handler = on_fault };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	fault_signo = 0;
	if (sigsetjmp(env, 1) == 0) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return fault_signo;
}

static char *
anon(size_t len, int prot)
{
	char *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int
temp_file(size_t size)
{
	char name[] = "/tmp/t_mm.XXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	return fd;
}

TEST(anonymous_is_zero)
{
	char *p = anon(1 << 20, PROT_READ | PROT_WRITE);

	for (size_t i = 0; i < 1 << 20; i += 513)
		CHECK_EQ(p[i], 0);
	memset(p, 7, 1 << 20);
	CHECK_EQ(munmap(p, 1 << 20), 0);
	CHECK_EQ(touch(p, 0), SIGSEGV);
}

TEST(bad_arguments)
{
	CHECK_ERR((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0), EINVAL);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0),
	    EINVAL);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0),
	    EBADF);
	CHECK_ERR(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 5), EINVAL);
	CHECK_ERR((long)mmap((void *)5, PAGE, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, 0, 1UL << 47, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERR(munmap((void *)5, PAGE), EINVAL);
	CHECK_ERR(munmap((void *)PAGE, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mprotect, 5, PAGE, PROT_READ), EINVAL);
	CHECK_EQ(mprotect((void *)PAGE, 0, PROT_READ), 0);
	CHECK_ERR(mprotect((void *)PAGE, PAGE, PROT_READ), ENOMEM);
	CHECK_ERR(mprotect(anon(PAGE, 0), PAGE, 0x80), EINVAL);
}

TEST(protection)
{
	char *p = anon(3 * PAGE, PROT_READ | PROT_WRITE);

	p[0] = p[PAGE] = p[2 * PAGE] = 5;
	CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(touch(p, 1), 0);
	CHECK_EQ(touch(p + PAGE, 0), 0);
	CHECK_EQ(touch(p + PAGE, 1), SIGSEGV);
	CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQ(touch(p + PAGE, 0), SIGSEGV);
	CHECK_EQ(touch(p + 2 * PAGE, 1), 0);
	CHECK_EQ(mprotect(p, 3 * PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(p[PAGE], 5);
	CHECK_EQ(touch(p + PAGE, 1), 0);
}

TEST(executable)
{
	unsigned char *p = (unsigned char *)anon(PAGE,
	    PROT_READ | PROT_WRITE);

	memcpy(p, "\xb8\x2a\x00\x00\x00\xc3", 6);	/* mov $42, %eax; ret */
	CHECK_EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	CHECK_EQ(((int (*)(void))(void *)p)(), 42);
}

TEST(fixed_replaces)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE), *q;

	memset(p, 9, 4 * PAGE);
	q = mmap(p + PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED, -1, 0);
	CHECK(q == p + PAGE);
	CHECK_EQ(p[0], 9);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 0);
	CHECK_EQ(p[3 * PAGE], 9);
	CHECK_ERR((long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_EQ(munmap(p, PAGE), 0);
	q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(q == p);
	/* A hint where there is room is taken. */
	CHECK_EQ(munmap(p, 4 * PAGE), 0);
	q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q == p);
}

TEST(fork_private_and_shared)
{
	char *priv = anon(PAGE, PROT_READ | PROT_WRITE);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(shared != MAP_FAILED);
	priv[0] = shared[0] = 1;
	if ((pid = fork()) == 0) {
		CHECK_EQ(priv[0], 1);
		priv[0] = shared[0] = 2;
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(priv[0], 1);
	CHECK_EQ(shared[0], 2);
}

TEST(copy_on_write_of_a_big_area)
{
	enum { SIZE = 4 << 20 };
	char *p = anon(SIZE, PROT_READ | PROT_WRITE);
	pid_t pid;

	for (int i = 0; i < SIZE; i += PAGE)
		p[i] = (char)(i / PAGE);
	if ((pid = fork()) == 0) {
		for (int i = 0; i < SIZE; i += PAGE) {
			CHECK_EQ(p[i], (char)(i / PAGE));
			p[i] = 1;
		}
		_exit(0);
	}
	for (int i = 0; i < SIZE; i += 2 * PAGE)
		p[i]++;
	reap(pid, 0);
	for (int i = 0; i < SIZE; i += PAGE)
		CHECK_EQ(p[i], (char)(i / PAGE + (i / PAGE % 2 == 0)));
}

TEST(file_mappings)
{
	int fd = temp_file(3 * PAGE);
	char *s, *p, c;

	CHECK_EQ(pwrite(fd, "abc", 3, PAGE), 3);
	s = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
	    PAGE);
	CHECK(s != MAP_FAILED && p != MAP_FAILED);
	CHECK_EQ(s[1], 'b');
	CHECK_EQ(p[1], 'b');
	s[1] = 'S';
	CHECK_EQ(pread(fd, &c, 1, PAGE + 1), 1);
	CHECK_EQ(c, 'S');
	CHECK_EQ(p[1], 'S');	/* not written yet: still the file's page */
	p[1] = 'P';
	CHECK_EQ(s[1], 'S');
	CHECK_EQ(pwrite(fd, "W", 1, PAGE + 2), 1);
	CHECK_EQ(s[2], 'W');
	CHECK_EQ(p[2], 'c');
	close(fd);
	CHECK_EQ(s[1], 'S');
	CHECK_EQ(msync(s, 2 * PAGE, MS_SYNC), 0);
	CHECK_EQ(mlock(s, PAGE), 0);
	CHECK_ERR(msync(s, PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
	CHECK_EQ(munlock(s, PAGE), 0);
	CHECK_EQ(msync(s, PAGE, MS_SYNC | MS_INVALIDATE), 0);
}

TEST(file_rights)
{
	char name[] = "/tmp/t_mm.XXXXXX";
	int fd = mkstemp(name), ro, wo;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK((ro = open(name, O_RDONLY)) >= 0);
	CHECK((wo = open(name, O_WRONLY)) >= 0);
	unlink(name);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    ro, 0), EACCES);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0),
	    EACCES);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(touch(p, 1), 0);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0x7fff, 0),
	    EBADF);
}

TEST(truncated_file)
{
	int fd = temp_file(2 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);

	CHECK(p != MAP_FAILED);
	p[PAGE] = 1;
	CHECK_EQ(ftruncate(fd, 100), 0);
	CHECK_EQ(touch(p + PAGE, 0), SIGBUS);
	CHECK_EQ(touch(p + 50, 1), 0);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(p[PAGE], 0);
}

TEST(mremap_moves_and_grows)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE), *q, *fixed;

	memset(p, 3, 4 * PAGE);
	CHECK(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
	CHECK_EQ(touch(p + 2 * PAGE, 0), SIGSEGV);
	CHECK(mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK_ERR((long)mremap(p, 2 * PAGE, 8 * PAGE, 0), ENOMEM);
	q = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	CHECK_EQ(q[0], 3);
	CHECK_EQ(q[2 * PAGE - 1], 3);
	CHECK_EQ(q[2 * PAGE], 0);
	CHECK_EQ(touch(p, 0), SIGSEGV);
	fixed = anon(8 * PAGE, PROT_READ);
	CHECK(mremap(q, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    fixed) == fixed);
	CHECK_EQ(fixed[PAGE], 3);
	CHECK_ERR((long)mremap(fixed, PAGE, PAGE, 0x80), EINVAL);
	CHECK_ERR((long)mremap((void *)PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE),
	    EFAULT);
}

TEST(madvise)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 1, 4 * PAGE);
	CHECK_EQ(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 1);
	CHECK_EQ(madvise(p, PAGE, MADV_NORMAL), 0);
	CHECK_EQ(madvise(p, PAGE, MADV_WILLNEED), 0);
	CHECK_EQ(madvise(p, PAGE, MADV_FREE), 0);
	CHECK_ERR(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 9999), EINVAL);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_EQ(p[2 * PAGE], 0);
}

TEST(dontfork_and_wipe)
{
	char *a = anon(PAGE, PROT_READ | PROT_WRITE);
	char *b = anon(PAGE, PROT_READ | PROT_WRITE);
	pid_t pid;

	a[0] = b[0] = 1;
	CHECK_EQ(madvise(a, PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(madvise(b, PAGE, 18 /* MADV_WIPEONFORK */), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(touch(a, 0), SIGSEGV);
		CHECK_EQ(b[0], 0);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(b[0], 1);
}

TEST(mincore)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char vec[4];

	p[2 * PAGE] = 1;
	CHECK_EQ(mincore(p, 4 * PAGE, vec), 0);
	CHECK_EQ(vec[0] & 1, 0);
	CHECK_EQ(vec[2] & 1, 1);
	CHECK_ERR(mincore(p + 1, PAGE, vec), EINVAL);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(mincore(p, 4 * PAGE, vec), ENOMEM);
}

TEST(locking)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char vec[4];

	CHECK_EQ(mlock(p, 4 * PAGE), 0);
	CHECK_EQ(mincore(p, 4 * PAGE, vec), 0);
	CHECK(vec[0] & vec[1] & vec[2] & vec[3] & 1);
	CHECK_EQ(munlock(p, 4 * PAGE), 0);
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_ERR(mlock(p, 4 * PAGE), ENOMEM);
	CHECK_ERR(mlockall(0), EINVAL);
	CHECK_EQ(munlockall(), 0);
}

TEST(program_break)
{
	char *start = (char *)syscall(SYS_brk, 0);
	char *end = (char *)syscall(SYS_brk, start + 10 * PAGE);

	CHECK(end == start + 10 * PAGE);
	for (int i = 0; i < 10 * PAGE; i += 777)
		CHECK_EQ(start[i], 0);
	memset(start, 1, 10 * PAGE);
	CHECK((char *)syscall(SYS_brk, start + PAGE) == start + PAGE);
	CHECK_EQ(touch(start + 5 * PAGE, 0), SIGSEGV);
	CHECK((char *)syscall(SYS_brk, start + 2 * PAGE) == start + 2 * PAGE);
	CHECK_EQ(start[PAGE], 0);
	CHECK_EQ(start[0], 1);
	/* What cannot be done leaves it as it was. */
	CHECK((char *)syscall(SYS_brk, -1L) == start + 2 * PAGE);
}

TEST(stack_grows)
{
	volatile char *p = __builtin_alloca(4 << 20);

	p[0] = 1;
	CHECK_EQ(p[0], 1);
}

TEST(address_limit)
{
	struct rlimit lim = { 64 << 20, 64 << 20 };

	CHECK_EQ(setrlimit(RLIMIT_AS, &lim), 0);
	CHECK_ERR((long)mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
}

TEST(reserve_a_lot)
{
	char *p = mmap(NULL, 1UL << 36, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(mprotect(p + (1UL << 35), PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(touch(p + (1UL << 35), 1), 0);
	CHECK_EQ(munmap(p, 1UL << 36), 0);
}

TEST(many_mappings)
{
	enum { N = 1000 };
	char *p = anon(2 * N * PAGE, PROT_READ | PROT_WRITE);

	for (int i = 0; i < N; i++)
		CHECK_EQ(mprotect(p + 2 * i * PAGE, PAGE, PROT_READ), 0);
	for (int i = 0; i < N; i++) {
		CHECK_EQ(p[2 * i * PAGE], 0);
		p[(2 * i + 1) * PAGE] = 1;
	}
	CHECK_EQ(munmap(p, 2 * N * PAGE), 0);
}

TEST(copies_fault)
{
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_ERR(write(fds[1], (void *)8, 10), EFAULT);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_ERR(read(fds[0], (void *)8, 10), EFAULT);
	char *p = anon(PAGE, PROT_READ);
	CHECK_ERR(syscall(SYS_clock_gettime, 1, p), EFAULT);
	CHECK_ERR(syscall(SYS_uname, -1L), EFAULT);
	CHECK_ERR(syscall(SYS_uname, 0x8000000000000000UL), EFAULT);
}

/* A mapping is an access; what is written through it, a change of the file. */
TEST(a_mapping_and_the_times_of_its_file)
{
	const struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char name[] = "/tmp/t_mm.XXXXXX";
	int fd = mkstemp(name);
	struct stat st;
	char *p;

	CHECK(fd >= 0);
	unlink(name);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	CHECK_EQ(futimens(fd, old), 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_atime > 1000000000);
	CHECK_EQ(st.st_mtime, 1000000000);
	p[1] = 'x';
	CHECK_EQ(msync(p, 8192, MS_SYNC), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_mtime > 1000000000);
	/* A time that was set later stays. */
	CHECK_EQ(futimens(fd, old), 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mtime, 1000000000);
	munmap(p, 8192);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	p[1] = 'y';
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mtime, 1000000000);
	munmap(p, 8192);
	close(fd);
}
