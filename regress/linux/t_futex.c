/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: wait, wake, requeue, operations, robust lists.
 */
#define	_GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>

#include "tap.h"

static uint32_t word, word2;

static long
futex(uint32_t *uaddr, int op, uint32_t val, const void *timeout,
    uint32_t *uaddr2, uint32_t val3)
{
	return syscall(SYS_futex, uaddr, op, val, timeout, uaddr2, val3);
}

#define	WAIT		(FUTEX_WAIT | FUTEX_PRIVATE_FLAG)
#define	WAKE		(FUTEX_WAKE | FUTEX_PRIVATE_FLAG)
#define	WAIT_BITSET	(FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG)
#define	WAKE_BITSET	(FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG)

TEST(value_differs)
{
	word = 1;
	CHECK_ERR(futex(&word, WAIT, 2, NULL, NULL, 0), EAGAIN);
	CHECK_EQ(futex(&word, WAKE, 1, NULL, NULL, 0), 0);
}

TEST(bad_arguments)
{
	struct timespec bad = { 0, 1000000000 };

	CHECK_ERR(futex((uint32_t *)((char *)&word + 1), WAIT, 0, NULL, NULL,
	    0), EINVAL);
	CHECK_ERR(futex((uint32_t *)8, WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex((uint32_t *)0x8000000000000000UL, WAKE, 1, NULL, NULL,
	    0), EFAULT);
	CHECK_ERR(futex(&word, WAIT, word, &bad, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, WAIT, word, (void *)8, NULL, 0), EFAULT);
	CHECK_ERR(futex(&word, WAIT_BITSET, word, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERR(futex(&word, WAIT | FUTEX_CLOCK_REALTIME, 0, NULL, NULL,
	    0), ENOSYS);
}

TEST(relative_timeout)
{
	struct timespec ts = { 0, 50000000 };
	long long start = now_ns(CLOCK_MONOTONIC);

	CHECK_ERR(futex(&word, WAIT, word, &ts, NULL, 0), ETIMEDOUT);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 50000000);
	ts.tv_nsec = 0;
	CHECK_ERR(futex(&word, WAIT, word, &ts, NULL, 0), ETIMEDOUT);
}

/* Made runnable by the timeout it is in two queues for a while. */
TEST(timeout_of_a_real_time_thread)
{
	struct sched_param p = { .sched_priority = 5 };
	struct timespec ts = { 0, 2000000 };

	/* musl has no sched_setscheduler() that does anything. */
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p), 0);
	for (int i = 0; i < 20; i++)
		CHECK_ERR(futex(&word, WAIT, word, &ts, NULL, 0), ETIMEDOUT);
	p.sched_priority = 0;
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p), 0);
}

static void
absolute(int clock, int flag)
{
	long long end = now_ns(clock) + 50000000;
	struct timespec ts = { end / 1000000000, end % 1000000000 };

	CHECK_ERR(futex(&word, WAIT_BITSET | flag, word, &ts, NULL, ~0U),
	    ETIMEDOUT);
	CHECK(now_ns(clock) >= end);
	ts.tv_sec = 1;
	CHECK_ERR(futex(&word, WAIT_BITSET | flag, word, &ts, NULL, ~0U),
	    ETIMEDOUT);
}

TEST(absolute_timeouts)
{
	absolute(CLOCK_MONOTONIC, 0);
	absolute(CLOCK_REALTIME, FUTEX_CLOCK_REALTIME);
}

/* -- several waiters -- */

static volatile int waiting, woken;

struct waiter {
	uint32_t *uaddr, bits;
};

static void *
wait_thread(void *arg)
{
	struct waiter *w = arg;

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(futex(w->uaddr, WAIT_BITSET, 0, NULL, NULL, w->bits), 0);
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
start_waiters(pthread_t *t, int n, struct waiter *w)
{
	waiting = woken = 0;
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, wait_thread, w), 0);
	while (waiting < n)
		sleep_ms(1);
	sleep_ms(50 * tap_slow());
}

static void
expect_woken(int n)
{
	for (int i = 0; i < 1000 && woken < n; i++)
		sleep_ms(1);
	sleep_ms(20);
	CHECK_EQ(woken, n);
}

TEST(wake_some_then_all)
{
	struct waiter w = { &word, ~0U };
	pthread_t t[5];

	start_waiters(t, 5, &w);
	CHECK_EQ(futex(&word, WAKE, 2, NULL, NULL, 0), 2);
	expect_woken(2);
	CHECK_EQ(futex(&word2, WAKE, 9, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word, WAKE, INT_MAX, NULL, NULL, 0), 3);
	expect_woken(5);
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
}

TEST(bitsets)
{
	struct waiter a = { &word, 1 }, b = { &word, 2 };
	pthread_t t[2];

	start_waiters(t, 1, &a);
	CHECK_EQ(pthread_create(&t[1], NULL, wait_thread, &b), 0);
	while (waiting < 2)
		sleep_ms(1);
	sleep_ms(50 * tap_slow());
	CHECK_EQ(futex(&word, WAKE_BITSET, 9, NULL, NULL, 4), 0);
	CHECK_EQ(futex(&word, WAKE_BITSET, 9, NULL, NULL, 2), 1);
	pthread_join(t[1], NULL);
	CHECK_EQ(futex(&word, WAKE_BITSET, 9, NULL, NULL, 3), 1);
	pthread_join(t[0], NULL);
}

TEST(requeue)
{
	struct waiter w = { &word, ~0U };
	pthread_t t[4];

	start_waiters(t, 4, &w);
	CHECK_ERR(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1,
	    (void *)9L, &word2, 5), EAGAIN);
	CHECK_EQ(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1,
	    (void *)2L, &word2, 0), 3);
	expect_woken(1);
	CHECK_EQ(futex(&word2, WAKE, 9, NULL, NULL, 0), 2);
	expect_woken(3);
	CHECK_EQ(futex(&word, WAKE, 9, NULL, NULL, 0), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

TEST(requeued_waiter_times_out)
{
	struct timespec ts = { tap_slow(), 0 };
	pid_t pid;
	uint32_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	if ((pid = fork()) == 0) {
		CHECK_ERR(futex(&m[0], FUTEX_WAIT, 0, &ts, NULL, 0),
		    ETIMEDOUT);
		_exit(0);
	}
	while (futex(&m[0], FUTEX_REQUEUE, 0, (void *)1L, &m[1], 0) == 0)
		sleep_ms(1);
	reap(pid, 0);
	CHECK_EQ(futex(&m[1], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}

TEST(wake_op)
{
	struct waiter w = { &word, ~0U };
	pthread_t t;

	word2 = 5;
	start_waiters(&t, 1, &w);
	/* word2 += 3; the comparison (old == 99) does not hold. */
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1,
	    (void *)1L, &word2, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ,
	    99)), 1);
	CHECK_EQ(word2, 8);
	pthread_join(t, NULL);
}

TEST(shared_between_processes)
{
	uint32_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(m != MAP_FAILED);
	if ((pid = fork()) == 0) {
		CHECK_EQ(futex(m, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
		_exit(3);
	}
	sleep_ms(50);
	while (futex(m, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
		sleep_ms(1);
	reap(pid, 3);
}

TEST(shared_file_mapping)
{
	char name[] = "/tmp/t_futex.XXXXXX";
	int fd = mkstemp(name);
	uint32_t *a, *b;
	pid_t pid;

	CHECK(fd >= 0);
	unlink(name);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	CHECK(a != MAP_FAILED && b != MAP_FAILED);
	if ((pid = fork()) == 0) {
		CHECK_EQ(futex(b, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
		_exit(3);
	}
	sleep_ms(50);
	while (futex(a + 1024, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
		sleep_ms(1);
	reap(pid, 3);
}

TEST(private_is_not_shared)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		struct timespec ts = { 0, 200000000 };

		CHECK_ERR(futex(&word, WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
		_exit(0);
	}
	sleep_ms(50);
	CHECK_EQ(futex(&word, WAKE, 1, NULL, NULL, 0), 0);
	reap(pid, 0);
}

static void
nothing(int signo)
{
	(void)signo;
}

TEST(signals)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct timespec ts = { 5, 0 };
	pid_t pid, me = getpid();

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	if ((pid = fork()) == 0) {
		sleep_ms(50 * tap_slow());
		kill(me, SIGUSR1);
		sleep_ms(100 * tap_slow());
		kill(me, SIGUSR1);
		_exit(0);
	}
	CHECK_ERR(futex(&word, WAIT, word, NULL, NULL, 0), EINTR);
	CHECK_ERR(futex(&word, WAIT, word, &ts, NULL, 0), EINTR);
	reap(pid, 0);
}

/* -- what C libraries build on them -- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, sum;

static void *
add_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		sum++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(mutex)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, add_thread, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(sum, 80000);
}

static void *
turn_thread(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 3 != me)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(condition_variable)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, turn_thread, (void *)i),
		    0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(turn, 1500);
}

static pthread_mutex_t robust;

static void *
die_holding(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&robust);
	return NULL;
}

TEST(robust_mutex)
{
	pthread_mutexattr_t ma;
	pthread_t t;

	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &ma);
	CHECK_EQ(pthread_create(&t, NULL, die_holding, NULL), 0);
	pthread_join(t, NULL);
	CHECK_EQ(pthread_mutex_lock(&robust), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&robust), 0);
	CHECK_EQ(pthread_mutex_unlock(&robust), 0);
}

TEST(robust_mutex_of_a_killed_process)
{
	pthread_mutexattr_t ma;
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(m != MAP_FAILED);
	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &ma);
	if ((pid = fork()) == 0) {
		pthread_mutex_lock(m);
		for (;;)
			pause();
	}
	sleep_ms(100 * tap_slow());
	kill(pid, SIGKILL);
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(semaphores)
{
	sem_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(s != MAP_FAILED);
	CHECK_EQ(sem_init(&s[0], 1, 0), 0);
	CHECK_EQ(sem_init(&s[1], 1, 0), 0);
	if ((pid = fork()) == 0) {
		for (int i = 0; i < 300; i++) {
			sem_wait(&s[0]);
			sem_post(&s[1]);
		}
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		sem_post(&s[0]);
		sem_wait(&s[1]);
	}
	reap(pid, 0);
}

TEST(robust_list_argument)
{
	CHECK_ERR(syscall(SYS_set_robust_list, 0, 1), EINVAL);
	CHECK_EQ(syscall(SYS_set_robust_list, 8, 24), 0);
	/* The end of the thread must survive a list of nonsense. */
}

#ifndef SYS_futex_waitv
#define	SYS_futex_waitv	449
#endif

struct waitv {
	uint64_t	val, uaddr;
	uint32_t	flags, reserved;
};

#define	V(w, v)	{ (v), (uintptr_t)(w), 2 | FUTEX_PRIVATE_FLAG, 0 }

static long
waitv(struct waitv *v, unsigned int n, const void *timeout)
{
	return syscall(SYS_futex_waitv, v, n, 0, timeout, CLOCK_MONOTONIC);
}

static void *
wake_second(void *arg)
{
	sleep_ms(50 * tap_slow());
	while (futex(arg, WAKE, 1, NULL, NULL, 0) == 0)
		sleep_ms(1);
	return NULL;
}

TEST(one_of_several)
{
	struct waitv v[3] = { V(&word, 0), V(&word2, 5), V(&word, 0) };
	struct timespec ts;
	pthread_t t;

	CHECK_ERR(waitv(v, 3, NULL), EAGAIN);
	/* Those in front of it wait no more. */
	CHECK_EQ(futex(&word, WAKE, 9, NULL, NULL, 0), 0);
	word2 = 5;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	CHECK_ERR(waitv(v, 3, &ts), ETIMEDOUT);
	CHECK_EQ(futex(&word2, WAKE, 9, NULL, NULL, 0), 0);
	CHECK_EQ(pthread_create(&t, NULL, wake_second, &word2), 0);
	CHECK_EQ(waitv(v, 3, NULL), 1);
	pthread_join(t, NULL);
	CHECK_ERR(waitv(v, 0, NULL), EINVAL);
	CHECK_ERR(waitv(v, 129, NULL), EINVAL);
	CHECK_ERR(waitv(NULL, 1, NULL), EINVAL);
	v[1].flags = 1;
	CHECK_ERR(waitv(v, 3, NULL), EINVAL);
	v[1].flags = 2;
	v[1].reserved = 1;
	CHECK_ERR(waitv(v, 3, NULL), EINVAL);
	v[1].reserved = 0;
	v[1].uaddr = 0;
	CHECK_ERR(waitv(v, 3, NULL), EFAULT);
	ts.tv_nsec = 1000000000;
	v[1].uaddr = (uintptr_t)&word2;
	CHECK_ERR(waitv(v, 3, &ts), EINVAL);
}
