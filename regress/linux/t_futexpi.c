/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes with priority inheritance.
 */
#define	_GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "tap.h"

#ifndef FUTEX_LOCK_PI2
#define	FUTEX_LOCK_PI2	13
#endif

static uint32_t word, word2;

static long
futex(uint32_t *uaddr, int op, const void *timeout)
{
	return syscall(SYS_futex, uaddr, op | FUTEX_PRIVATE_FLAG, 0, timeout,
	    NULL, 0);
}

static uint32_t
tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static uint32_t
load(uint32_t *w)
{
	return __atomic_load_n(w, __ATOMIC_SEQ_CST);
}

/* Wait until somebody waits for the lock. */
static void
until_waited(uint32_t *w)
{
	while ((load(w) & FUTEX_WAITERS) == 0)
		sleep_ms(1);
	sleep_ms(20 * tap_slow());
}

TEST(alone)
{
	struct timespec now;

	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(word, tid());
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, NULL), EDEADLK);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, NULL), EDEADLK);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, NULL), 0);
	CHECK_EQ(word, 0);
	CHECK_ERR(futex(&word, FUTEX_UNLOCK_PI, NULL), EPERM);
	CHECK_EQ(futex(&word, FUTEX_TRYLOCK_PI, NULL), 0);
	CHECK_EQ(word, tid());
	/* Nobody is called that. */
	word = FUTEX_TID_MASK;
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, NULL), ESRCH);
	CHECK_ERR(futex((uint32_t *)((char *)&word + 1), FUTEX_LOCK_PI, NULL),
	    EINVAL);
	CHECK_ERR(futex(NULL, FUTEX_LOCK_PI, NULL), EFAULT);
	/* A dead owner's mark is left to the new one to see. */
	word = FUTEX_OWNER_DIED;
	clock_gettime(CLOCK_MONOTONIC, &now);
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI2, &now), 0);
	CHECK_EQ(word, FUTEX_OWNER_DIED | tid());
}

static void *
take(void *arg)
{
	uint32_t *w = arg;

	CHECK_EQ(futex(w, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(load(w) & FUTEX_TID_MASK, tid());
	CHECK_EQ(futex(w, FUTEX_UNLOCK_PI, NULL), 0);
	return NULL;
}

TEST(handed_over)
{
	pthread_t t[3];

	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, NULL), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, take, &word), 0);
	until_waited(&word);
	CHECK_EQ(load(&word), tid() | FUTEX_WAITERS);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(load(&word) & FUTEX_TID_MASK, 0);
}

static void *
hold(void *arg)
{
	uint32_t *w = arg;

	CHECK_EQ(futex(w, FUTEX_LOCK_PI, NULL), 0);
	while (load(&word2) == 0)
		sleep_ms(1);
	CHECK_EQ(futex(w, FUTEX_UNLOCK_PI, NULL), 0);
	return NULL;
}

TEST(timeouts)
{
	struct timespec ts;
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, hold, &word), 0);
	while (load(&word) == 0)
		sleep_ms(1);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, NULL), EAGAIN);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ts.tv_nsec / 970000000;
	ts.tv_nsec = (ts.tv_nsec + 30000000) % 1000000000;
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, &ts), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ts.tv_nsec / 970000000;
	ts.tv_nsec = (ts.tv_nsec + 30000000) % 1000000000;
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI2, &ts), ETIMEDOUT);
	ts.tv_nsec = 1000000000;
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, &ts), EINVAL);
	__atomic_store_n(&word2, 1, __ATOMIC_SEQ_CST);
	pthread_join(t, NULL);
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, NULL), 0);
}

static uint32_t a, b;

static void *
other_way(void *arg)
{
	(void)arg;
	CHECK_EQ(futex(&b, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(futex(&a, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(futex(&a, FUTEX_UNLOCK_PI, NULL), 0);
	CHECK_EQ(futex(&b, FUTEX_UNLOCK_PI, NULL), 0);
	return NULL;
}

TEST(deadlock_of_two)
{
	pthread_t t;

	CHECK_EQ(futex(&a, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(pthread_create(&t, NULL, other_way, NULL), 0);
	until_waited(&a);
	CHECK_ERR(futex(&b, FUTEX_LOCK_PI, NULL), EDEADLK);
	CHECK_EQ(futex(&a, FUTEX_UNLOCK_PI, NULL), 0);
	pthread_join(t, NULL);
}

static void *
die_holding(void *arg)
{
	uint32_t *w = arg;

	CHECK_EQ(futex(w, FUTEX_LOCK_PI, NULL), 0);
	until_waited(w);
	return NULL;
}

TEST(owner_ends)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, die_holding, &word), 0);
	while (load(&word) == 0)
		sleep_ms(1);
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(load(&word) & ~FUTEX_WAITERS, tid() | FUTEX_OWNER_DIED);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, NULL), 0);
	pthread_join(t, NULL);
}

TEST(mutex_robust_and_shared)
{
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t ma;
	pid_t pid;

	CHECK(m != MAP_FAILED);
	pthread_mutexattr_init(&ma);
	CHECK_EQ(pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT), 0);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_mutex_init(m, &ma), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(pthread_mutex_lock(m), 0);
		for (;;)
			pause();
	}
	while (pthread_mutex_trylock(m) == 0) {
		pthread_mutex_unlock(m);
		sleep_ms(1);
	}
	if (fork() == 0) {
		sleep_ms(100 * tap_slow());
		kill(pid, SIGKILL);
		_exit(0);
	}
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_EQ(pthread_mutex_lock(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
}

static pthread_mutex_t mutex;
static long sum;

static void *
add_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		sum++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(mutex_of_many)
{
	pthread_mutexattr_t ma;
	pthread_t t[4];

	pthread_mutexattr_init(&ma);
	CHECK_EQ(pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&mutex, &ma), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, add_thread, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(sum, 8000);
}

/* The priority in /proc/self/task/TID/stat: 20, or -1 - real-time's. */
static int
priority(void)
{
	char name[64], line[512], *p;
	int pri = 99;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/task/%u/stat", tid());
	CHECK((f = fopen(name, "r")) != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	fclose(f);
	CHECK((p = strrchr(line, ')')) != NULL);
	CHECK_EQ(sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
	    "%*u %*d %*d %d", &pri), 1);
	return pri;
}

static void *
realtime(void *arg)
{
	struct sched_param sp = { .sched_priority = 7 };

	CHECK_EQ(sched_setscheduler((pid_t)tid(), SCHED_FIFO, &sp), 0);
	return take(arg);
}

/* Who waits for `word' holds `a'. */
static void *
between(void *arg)
{
	(void)arg;
	CHECK_EQ(futex(&a, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(priority(), -8);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, NULL), 0);
	CHECK_EQ(priority(), -8);
	CHECK_EQ(futex(&a, FUTEX_UNLOCK_PI, NULL), 0);
	CHECK_EQ(priority(), 20);
	return NULL;
}

TEST(priority_is_lent)
{
	struct sched_param sp = { .sched_priority = 7 };
	pthread_t t, t2;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(sched_setscheduler(0, SCHED_FIFO, &sp) != 0);
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status != 0)
		return;		/* it may not: a container */
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, NULL), 0);
	CHECK_EQ(priority(), 20);
	CHECK_EQ(pthread_create(&t, NULL, between, NULL), 0);
	until_waited(&word);
	CHECK_EQ(priority(), 20);
	/* Waits for `a', which `between' has, who waits for us. */
	CHECK_EQ(pthread_create(&t2, NULL, realtime, &a), 0);
	until_waited(&a);
	CHECK_EQ(priority(), -8);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, NULL), 0);
	CHECK_EQ(priority(), 20);
	pthread_join(t, NULL);
	pthread_join(t2, NULL);
}

static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static int order[3], norder;

static void *
wait_with_priority(void *arg)
{
	struct sched_param sp = { .sched_priority = (int)(intptr_t)arg };

	CHECK_EQ(sched_setscheduler((pid_t)tid(), sp.sched_priority > 0 ?
	    SCHED_FIFO : SCHED_OTHER, &sp), 0);
	CHECK_EQ(futex(&word, FUTEX_WAIT, NULL), 0);
	pthread_mutex_lock(&order_lock);
	order[norder++] = sp.sched_priority;
	pthread_mutex_unlock(&order_lock);
	return NULL;
}

/* Not a lock, but priorities count there too. */
TEST(woken_by_priority)
{
	static const int pri[3] = { 0, 3, 5 };
	struct sched_param sp = { .sched_priority = 1 };
	pthread_t t[3];

	if (sched_setscheduler(0, SCHED_FIFO, &sp) != 0)
		return;		/* it may not: a container */
	sp.sched_priority = 0;
	CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &sp), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pthread_create(&t[i], NULL, wait_with_priority,
		    (void *)(intptr_t)pri[i]), 0);
		sleep_ms(50 * tap_slow());
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1), 1);
		sleep_ms(50 * tap_slow());
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK(order[0] == 5 && order[1] == 3 && order[2] == 0);
}
