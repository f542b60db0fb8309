/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: mmap and its family, faults and their signals, copy-on-write with
 * processes and threads.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tap.h"

#define	PS	((size_t)4096)
#define	RW	(PROT_READ | PROT_WRITE)

static char *
map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PS, prot, flags | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static char *
anon(size_t pages)
{
	return map(pages, RW, MAP_PRIVATE);
}

static int
file_of(size_t size)
{
	int fd = memfd_create("t_mem", 0);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* -- faults as signals -- */

static sigjmp_buf env;
static volatile int sig_no, sig_code;
static void *volatile sig_addr;

static void
on_signal(int no, siginfo_t *si, void *ctx)
{
	(void)ctx;
	sig_no = no;
	sig_code = si->si_code;
	sig_addr = si->si_addr;
	siglongjmp(env, 1);
}

static void
catch_faults(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_signal;
	sa.sa_flags = SA_SIGINFO;
	CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGBUS, &sa, NULL), 0);
}

#define	CHECK_FAULT(stmt, no, code, addr)	do {			\
	sig_no = 0;							\
	if (sigsetjmp(env, 1) == 0) {					\
		stmt;							\
	}								\
	CHECK_EQ(sig_no, (no));						\
	CHECK_EQ(sig_code, (code));					\
	CHECK(sig_addr == (void *)(addr));				\
} while (0)

TEST(faults_have_code_and_address)
{
	volatile char *p = anon(3), *q;
	int fd;

	catch_faults();
	CHECK_EQ(munmap((void *)(p + 2 * PS), PS), 0);
	CHECK_FAULT(p[2 * PS + 7] = 1, SIGSEGV, SEGV_MAPERR, p + 2 * PS + 7);
	CHECK_EQ(mprotect((void *)p, PS, PROT_READ), 0);
	CHECK_FAULT(p[5] = 1, SIGSEGV, SEGV_ACCERR, p + 5);
	CHECK_EQ(p[5], 0);
	CHECK_EQ(mprotect((void *)p, PS, PROT_NONE), 0);
	CHECK_FAULT((void)p[6], SIGSEGV, SEGV_ACCERR, p + 6);
	fd = file_of(PS + 10);
	q = mmap(NULL, 4 * PS, RW, MAP_SHARED, fd, 0);
	CHECK(q != MAP_FAILED);
	q[0] = 1;
	q[PS + 100] = 1;
	CHECK_FAULT(q[2 * PS] = 1, SIGBUS, BUS_ADRERR, q + 2 * PS);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_FAULT((void)q[0], SIGBUS, BUS_ADRERR, q);
}

TEST(kernel_copies_fault_with_efault)
{
	char *p = anon(2);
	int fd[2];

	CHECK_EQ(pipe(fd), 0);
	CHECK_EQ(munmap(p + PS, PS), 0);
	CHECK_ERR(write(fd[1], p + PS, 1), EFAULT);
	CHECK_EQ(write(fd[1], "ab", 2), 2);
	CHECK_EQ(mprotect(p, PS, PROT_READ), 0);
	CHECK_ERR(read(fd[0], p, 1), EFAULT);
}

TEST(code_can_be_written_then_run)
{
	static const unsigned char code[] = {
		0xb8, 0x2a, 0, 0, 0, 0xc3		/* mov $42,%eax; ret */
	};
	char *p = anon(1);

	memcpy(p, code, sizeof(code));
	catch_faults();
	CHECK_FAULT(((void (*)(void))p)(), SIGSEGV, SEGV_ACCERR, p);
	CHECK_EQ(mprotect(p, PS, PROT_READ | PROT_EXEC), 0);
	CHECK_EQ(((int (*)(void))p)(), 42);
	CHECK_FAULT(p[0] = 0, SIGSEGV, SEGV_ACCERR, p);
}

/* -- arguments -- */

TEST(mmap_errors)
{
	char *p = anon(2);
	int fd = file_of(PS), rd;

	CHECK_ERR(mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    EINVAL);
	CHECK_ERR(mmap(NULL, PS, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PS, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(syscall(SYS_mmap, NULL, PS, RW, MAP_PRIVATE, fd, 100),
	    EINVAL);
	CHECK_ERR(mmap(p + 1, PS, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0), EINVAL);
	CHECK_ERR(mmap(p, PS, RW, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_ERR(mmap(NULL, (size_t)1 << 46, RW, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, SIZE_MAX, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0), ENOMEM);
	rd = open("/proc/self/exe", O_RDONLY);
	CHECK(rd >= 0);
	CHECK_ERR(mmap(NULL, PS, RW, MAP_SHARED, rd, 0), EACCES);
	CHECK(mmap(NULL, PS, RW, MAP_PRIVATE, rd, 0) != MAP_FAILED);
	CHECK((p = mmap(NULL, PS, PROT_READ, MAP_SHARED, rd, 0)) !=
	    MAP_FAILED);
	CHECK_ERR(mprotect(p, PS, RW), EACCES);
}

TEST(munmap_and_mprotect_errors)
{
	char *p = anon(4);

	CHECK_ERR(munmap(p + 1, PS), EINVAL);
	CHECK_ERR(munmap(p, 0), EINVAL);
	CHECK_EQ(munmap(p + PS, 1), 0);		/* rounds up */
	CHECK_EQ(munmap(p + PS, PS), 0);	/* a hole is fine */
	CHECK_ERR(syscall(SYS_mprotect, p + 1, PS, RW), EINVAL);
	CHECK_EQ(mprotect(p, 0, RW), 0);
	CHECK_ERR(mprotect(p, 4 * PS, PROT_READ), ENOMEM);
	catch_faults();
	CHECK_FAULT(p[0] = 1, SIGSEGV, SEGV_ACCERR, p);	/* as far as it got */
	p[2 * PS] = 1;
}

TEST(hints_and_fixed_places)
{
	char *p = anon(16), *q;

	CHECK_EQ(munmap(p, 16 * PS), 0);
	q = mmap(p + 4 * PS, PS, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q == p + 4 * PS);
	q = mmap(p + 4 * PS, PS, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED && q != p + 4 * PS);
	p[4 * PS] = 9;
	q = mmap(p + 2 * PS, 4 * PS, RW, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED, -1, 0);
	CHECK(q == p + 2 * PS);
	CHECK_EQ(p[4 * PS], 0);
	q = mmap(NULL, PS, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
	    0);
	CHECK(q != MAP_FAILED && (unsigned long)q < 1UL << 31);
}

/* -- files -- */

TEST(private_and_shared_views_of_a_file)
{
	int fd = file_of(3 * PS);
	char *s, *p, c = 'a';

	s = mmap(NULL, 3 * PS, RW, MAP_SHARED, fd, 0);
	p = mmap(NULL, 2 * PS, RW, MAP_PRIVATE, fd, PS);
	CHECK(s != MAP_FAILED && p != MAP_FAILED);
	CHECK_EQ(pwrite(fd, &c, 1, PS), 1);
	CHECK_EQ(s[PS], 'a');
	CHECK_EQ(p[0], 'a');
	p[0] = 'b';
	CHECK_EQ(s[PS], 'a');
	s[PS] = 'c';
	CHECK_EQ(p[0], 'b');
	s[2 * PS] = 'd';
	CHECK_EQ(p[PS], 'd');			/* not copied yet */
	CHECK_EQ(pread(fd, &c, 1, 2 * PS), 1);
	CHECK_EQ(c, 'd');
	CHECK_EQ(close(fd), 0);
	s[0] = 1;				/* the mapping keeps the file */
	CHECK_EQ(msync(s, 3 * PS, MS_SYNC), 0);
	CHECK_ERR(msync(s, PS, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_EQ(munmap(s + PS, PS), 0);
	CHECK_ERR(msync(s, 3 * PS, MS_ASYNC), ENOMEM);
}

TEST(file_read_into_its_own_mapping)
{
	int fd = file_of(2 * PS);
	char *s = mmap(NULL, 2 * PS, RW, MAP_SHARED, fd, 0);

	CHECK(s != MAP_FAILED);
	memset(s, 'x', PS);
	CHECK_EQ(pread(fd, s + PS, PS, 0), (long)PS);
	CHECK_EQ(s[2 * PS - 1], 'x');
	CHECK_EQ(pwrite(fd, s, PS, 0), (long)PS);
	CHECK_EQ(s[7], 'x');
}

TEST(shared_anonymous_memory_is_seen_by_children)
{
	unsigned int *p = (unsigned int *)map(64, RW, MAP_SHARED);
	int st;

	for (int k = 0; k < 4; k++) {
		if (fork() == 0) {
			for (int r = 0; r < 500; r++)
				for (int i = 0; i < 64; i++)
					__sync_fetch_and_add(&p[i * 1024], 1);
			_exit(0);
		}
	}
	for (int k = 0; k < 4; k++) {
		CHECK(wait(&st) > 0);
		CHECK_EQ(st, 0);
	}
	for (int i = 0; i < 64; i++)
		CHECK_EQ(p[i * 1024], 2000);
}

/* -- mremap, madvise and others -- */

TEST(mremap_moves_and_keeps_contents)
{
	char *p = anon(10), *q, *r;

	for (int i = 0; i < 10; i++)
		p[i * PS] = (char)(i + 1);
	q = mremap(p, 10 * PS, 300 * PS, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(q[i * PS], i + 1);
	CHECK_EQ(q[10 * PS], 0);
	q[299 * PS] = 1;
	CHECK(mremap(q, 300 * PS, 10 * PS, 0) == q);
	r = anon(10);
	CHECK(mremap(q, 10 * PS, 10 * PS, MREMAP_MAYMOVE | MREMAP_FIXED, r) ==
	    r);
	CHECK_EQ(r[9 * PS], 10);
	CHECK_ERR(mremap(r, 10 * PS, 0, 0), EINVAL);
	CHECK_ERR(mremap(r + 1, PS, PS, 0), EINVAL);
	CHECK_ERR(mremap(r, 10 * PS, 10 * PS, MREMAP_FIXED, q), EINVAL);
	CHECK_ERR(mremap(r, 10 * PS, 10 * PS, MREMAP_MAYMOVE | MREMAP_FIXED,
	    r + PS), EINVAL);
	CHECK_EQ(munmap(r, 10 * PS), 0);
	CHECK_ERR(mremap(r, 10 * PS, 20 * PS, MREMAP_MAYMOVE), EFAULT);
}

TEST(madvise_dontneed_forgets)
{
	char *p = anon(4), *s;
	int fd = file_of(PS);

	memset(p, 1, 4 * PS);
	CHECK_EQ(madvise(p + PS, 2 * PS, MADV_DONTNEED), 0);
	CHECK(p[0] == 1 && p[PS] == 0 && p[2 * PS] == 0 && p[3 * PS] == 1);
	s = mmap(NULL, PS, RW, MAP_SHARED, fd, 0);
	s[0] = 5;
	CHECK_EQ(madvise(s, PS, MADV_DONTNEED), 0);
	CHECK_EQ(s[0], 5);
	CHECK_ERR(madvise(p, PS, 9999), EINVAL);
	CHECK_ERR(madvise(p + 1, PS, MADV_NORMAL), EINVAL);
	CHECK_EQ(munmap(p + PS, PS), 0);
	CHECK_ERR(madvise(p, 3 * PS, MADV_DONTNEED), ENOMEM);
	CHECK(p[0] == 0 && p[2 * PS] == 0);	/* done all the same */
}

TEST(mincore_tells_what_is_there)
{
	unsigned char vec[4] = { 0 };
	char *p = anon(4);

	p[PS] = 1;
	CHECK_EQ(mincore(p, 4 * PS, vec), 0);
	CHECK_EQ(vec[1] & 1, 1);
	CHECK_EQ(vec[3] & 1, 0);
	CHECK_ERR(mincore(p + 1, PS, vec), EINVAL);
	CHECK_EQ(munmap(p + 2 * PS, PS), 0);
	CHECK_ERR(mincore(p, 4 * PS, vec), ENOMEM);
}

TEST(mlock_within_its_limit)
{
	struct rlimit rl = { 64 * PS, 64 * PS };
	char *p = anon(200);

	if (geteuid() != 0)
		CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &rl), 0);
	CHECK_EQ(mlock(p + 10, 3 * PS), 0);
	if (geteuid() != 0)
		CHECK_ERR(mlock(p, 100 * PS), ENOMEM);
	CHECK_EQ(munlock(p, 4 * PS), 0);
	CHECK_EQ(munmap(p + PS, PS), 0);
	CHECK_ERR(mlock(p, 3 * PS), ENOMEM);
}

TEST(brk_grows_and_shrinks)
{
	char *b = (char *)syscall(SYS_brk, 0), *e = b + 100 * PS;

	CHECK((char *)syscall(SYS_brk, e) == e);
	memset(b, 7, 100 * PS);
	CHECK((char *)syscall(SYS_brk, b) == b);
	CHECK((char *)syscall(SYS_brk, e) == e);
	CHECK_EQ(e[-1], 0);
	CHECK((char *)syscall(SYS_brk, 1) == e);	/* refused: unchanged */
}

TEST(address_space_limit)
{
	struct rlimit rl = { (size_t)256 << 20, (size_t)256 << 20 };

	CHECK_EQ(setrlimit(RLIMIT_AS, &rl), 0);
	CHECK_ERR(mmap(NULL, (size_t)300 << 20, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
	(void)anon(16);
}

TEST(sparse_terabyte)
{
	size_t size = (size_t)1 << 40, off;
	char *p = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (off = 0; off < size; off += size / 64) {
		p[off] = 1;
		CHECK_EQ(p[off + size / 128], 0);
	}
	CHECK_EQ(munmap(p, size), 0);
}

/* -- the stack -- */

static int
recurse(int n)
{
	volatile char frame[8000];

	frame[0] = (char)n;
	if (n == 0)
		return 0;
	return recurse(n - 1) + (frame[0] - (char)n);
}

TEST(stack_grows_up_to_its_limit)
{
	struct rlimit core = { 0, 0 };
	pid_t pid;
	int st;

	CHECK_EQ(recurse(700), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &core);
		_exit(recurse(1000000));
	}
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	CHECK_EQ(WTERMSIG(st), SIGSEGV);
}

/* -- fork and threads -- */

TEST(parent_and_child_do_not_see_each_others_writes)
{
	size_t n = 1000;
	unsigned int *p = (unsigned int *)anon(n), i;
	pid_t pid;
	int st;

	for (i = 0; i < n; i++)
		p[i * 1024] = i;
	fflush(stdout);
	for (unsigned int k = 0; k < 6; k++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			for (i = 0; i < n; i++) {
				CHECK_EQ(p[i * 1024], i + k * (i % 3 == 0));
				p[i * 1024] = 0xdead;
			}
			_exit(0);
		}
		for (i = 0; i < n; i += 3)
			p[i * 1024]++;
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		CHECK_EQ(st, 0);
	}
	for (i = 0; i < n; i++)
		CHECK_EQ(p[i * 1024], i + 6 * (i % 3 == 0));
}

TEST(advice_for_fork)
{
	char *p = anon(3);
	int st;

	memset(p, 1, 3 * PS);
	CHECK_EQ(madvise(p, PS, MADV_WIPEONFORK), 0);
	CHECK_EQ(madvise(p + PS, PS, MADV_DONTFORK), 0);
	fflush(stdout);
	if (fork() == 0) {
		catch_faults();
		CHECK_EQ(p[0], 0);
		CHECK_EQ(p[2 * PS], 1);
		CHECK_FAULT((void)*(volatile char *)(p + PS), SIGSEGV,
		    SEGV_MAPERR, p + PS);
		_exit(0);
	}
	CHECK(wait(&st) > 0);
	CHECK_EQ(st, 0);
	CHECK_EQ(p[0], 1);
}

#define	NTHREADS	4
#define	NPAGES		600
#define	ROUNDS		30

static unsigned int *area;
static volatile int done;

static void *
writer(void *arg)
{
	unsigned int id = (unsigned int)(unsigned long)arg, r, i, k;

	for (r = 0; r < ROUNDS; r++) {
		for (i = 0; i < NPAGES; i++) {
			k = (i * 7 + id * 311) % NPAGES;
			CHECK_EQ(area[k * 1024 + id], r);
			area[k * 1024 + id] = r + 1;
		}
	}
	return NULL;
}

static void *
mapper(void *arg)
{
	char *p;

	(void)arg;
	while (!done) {
		p = anon(16);
		memset(p, 1, 16 * PS);
		CHECK_EQ(mprotect(p, 8 * PS, PROT_READ), 0);
		CHECK_EQ(munmap(p, 16 * PS), 0);
	}
	return NULL;
}

TEST(threads_write_while_the_process_forks)
{
	pthread_t t[NTHREADS], m;
	unsigned int i, k;
	pid_t pid;
	int st;

	area = (unsigned int *)anon(NPAGES);
	for (i = 0; i < NTHREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, writer,
		    (void *)(unsigned long)i), 0);
	CHECK_EQ(pthread_create(&m, NULL, mapper, NULL), 0);
	for (k = 0; k < 10; k++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			for (i = 0; i < NPAGES; i += 3)
				area[i * 1024 + 9] = 1;
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		CHECK_EQ(st, 0);
	}
	for (i = 0; i < NTHREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	done = 1;
	CHECK_EQ(pthread_join(m, NULL), 0);
	for (i = 0; i < NPAGES; i++) {
		for (k = 0; k < NTHREADS; k++)
			CHECK_EQ(area[i * 1024 + k], ROUNDS);
		CHECK_EQ(area[i * 1024 + 9], 0);
	}
}
