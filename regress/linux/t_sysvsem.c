/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores.
 *
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "tap.h"

#ifndef SEM_STAT_ANY
#define	SEM_STAT_ANY	20
#endif

union arg {
	int		val;
	struct semid_ds	*buf;
	unsigned short	*array;
	struct seminfo	*info;
};

static int
fresh(int n)
{
	int id = semget(IPC_PRIVATE, n, IPC_CREAT | 0600);

	CHECK(id != -1);
	return id;
}

static int
gone(int id)
{
	return semctl(id, 0, IPC_RMID);
}

static int
op(int id, int num, int change, int flags)
{
	struct sembuf sb = { (unsigned short)num, (short)change,
	    (short)flags };

	return semop(id, &sb, 1);
}

static int
value(int id, int num)
{
	return semctl(id, num, GETVAL);
}

static struct semid_ds
stat_of(int id)
{
	struct semid_ds ds;
	union arg a = { .buf = &ds };

	CHECK_EQ(semctl(id, 0, IPC_STAT, a), 0);
	return ds;
}

TEST(values)
{
	int id = fresh(3);
	unsigned short v[3] = { 1, 2, 32767 };
	union arg a = { .array = v }, five = { .val = 5 },
	    big = { .val = 32768 }, minus = { .val = -1 };

	CHECK_EQ(value(id, 0), 0);
	CHECK_EQ(semctl(id, 0, SETALL, a), 0);
	memset(v, 0, sizeof(v));
	CHECK_EQ(semctl(id, 0, GETALL, a), 0);
	CHECK(v[0] == 1 && v[1] == 2 && v[2] == 32767);
	CHECK_EQ(semctl(id, 1, SETVAL, five), 0);
	CHECK_EQ(value(id, 1), 5);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_ERR(semctl(id, 1, SETVAL, big), ERANGE);
	CHECK_ERR(semctl(id, 1, SETVAL, minus), ERANGE);
	CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
	CHECK_ERR(semctl(id, -1, GETVAL), EINVAL);
	CHECK_ERR(semctl(id, 0, 99), EINVAL);
	CHECK_ERR(op(id, 2, 1, 0), ERANGE);
	CHECK_EQ(gone(id), 0);
	CHECK_ERR(gone(id), EINVAL);
	CHECK_ERR(value(id, 0), EINVAL);
	CHECK_ERR(op(id, 0, 1, 0), EINVAL);
}

TEST(keys)
{
	key_t key = (key_t)(0x736d0000 + getpid());
	int id = semget(key, 2, IPC_CREAT | IPC_EXCL | 0640);
	struct semid_ds ds;
	union arg a = { .buf = &ds };

	CHECK(id != -1);
	CHECK_EQ(semget(key, 0, 0), id);
	CHECK_EQ(semget(key, 2, IPC_CREAT), id);
	CHECK_ERR(semget(key, 3, 0), EINVAL);
	CHECK_ERR(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	ds = stat_of(id);
	CHECK(ds.sem_nsems == 2 && ds.sem_perm.__key == key &&
	    ds.sem_otime == 0 && ds.sem_ctime >= time(NULL) - 60 &&
	    (ds.sem_perm.mode & 0777) == 0640);
	ds.sem_perm.mode = 0600;
	CHECK_EQ(semctl(id, 0, IPC_SET, a), 0);
	CHECK_EQ(stat_of(id).sem_perm.mode & 0777, 0600);
	CHECK_EQ(gone(id), 0);
	CHECK_ERR(semget(key, 2, 0), ENOENT);
}

TEST(all_or_nothing)
{
	struct sembuf ops[2] = { { 0, 3, IPC_NOWAIT }, { 1, -1, IPC_NOWAIT } };
	int id = fresh(2);

	CHECK_ERR(semop(id, ops, 2), EAGAIN);
	CHECK_EQ(value(id, 0), 0);
	CHECK_EQ(op(id, 1, 1, 0), 0);
	CHECK_EQ(semop(id, ops, 2), 0);
	CHECK(value(id, 0) == 3 && value(id, 1) == 0);
	CHECK(stat_of(id).sem_otime != 0);
	/* They are done one behind the other. */
	ops[0] = (struct sembuf){ 0, -3, 0 };
	ops[1] = (struct sembuf){ 0, 0, IPC_NOWAIT };
	CHECK_EQ(semop(id, ops, 2), 0);
	CHECK_ERR(op(id, 2, 1, 0), EFBIG);
	CHECK_ERR(semop(id, ops, 0), EINVAL);
	CHECK_ERR(semop(id, ops, 100000), E2BIG);
	CHECK_ERR(semop(id, NULL, 1), EFAULT);
	CHECK_EQ(gone(id), 0);
}

/* A child that does the operations and ends with their error. */
static pid_t
child_op(int id, struct sembuf *ops, size_t n)
{
	pid_t pid = fork();

	CHECK(pid != -1);
	if (pid == 0)
		_exit(semop(id, ops, n) == 0 ? 0 : errno);
	return pid;
}

static void
await(int id, int num, int cmd, int n)
{
	for (int i = 0; semctl(id, num, cmd) != n; i++) {
		CHECK(i < 2000);
		sleep_ms(5);
	}
}

TEST(waiting)
{
	struct sembuf two = { 0, -2, 0 }, zero = { 1, 0, 0 };
	union arg one = { .val = 1 };
	int id = fresh(2);
	pid_t a, b;

	CHECK_EQ(semctl(id, 1, SETVAL, one), 0);
	a = child_op(id, &two, 1);
	b = child_op(id, &zero, 1);
	await(id, 0, GETNCNT, 1);
	await(id, 1, GETZCNT, 1);
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	CHECK_EQ(op(id, 0, 1, 0), 0);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	CHECK_EQ(op(id, 0, 2, 0), 0);
	reap(a, 0);
	CHECK_EQ(value(id, 0), 1);
	CHECK_EQ(semctl(id, 0, GETPID), a);
	CHECK_EQ(op(id, 1, -1, 0), 0);
	reap(b, 0);
	/* A set that goes under one that waits. */
	a = child_op(id, &two, 1);
	await(id, 0, GETNCNT, 1);
	CHECK_EQ(gone(id), 0);
	reap(a, EIDRM);
}

/* One that goes on lets the next one go on. */
TEST(chain)
{
	struct sembuf move[2][2] = { { { 0, -1, 0 }, { 1, 1, 0 } },
	    { { 1, -1, 0 }, { 2, 1, 0 } } };
	int id = fresh(3);
	pid_t a, b;

	b = child_op(id, move[1], 2);
	await(id, 1, GETNCNT, 1);
	a = child_op(id, move[0], 2);
	await(id, 0, GETNCNT, 1);
	CHECK_EQ(op(id, 0, 1, 0), 0);
	reap(a, 0);
	reap(b, 0);
	CHECK(value(id, 0) == 0 && value(id, 1) == 0 && value(id, 2) == 1);
	CHECK_EQ(gone(id), 0);
}

static void
handler(int sig)
{
	(void)sig;
}

TEST(signal_and_time)
{
	struct sigaction sa = { .sa_handler = handler,
	    .sa_flags = SA_RESTART };
	struct sembuf down = { 0, -1, 0 };
	struct timespec ts = { 0, 30000000 }, bad = { 0, -1 };
	int id = fresh(1);
	long long before = now_ns(CLOCK_MONOTONIC);

	CHECK_ERR(semtimedop(id, &down, 1, &ts), EAGAIN);
	CHECK(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
	CHECK_ERR(semtimedop(id, &down, 1, &bad), EINVAL);
	/* It is never begun again. */
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	alarm(1);
	CHECK_ERR(semop(id, &down, 1), EINTR);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_EQ(gone(id), 0);
}

TEST(undo)
{
	union arg three = { .val = 3 };
	int id = fresh(2);
	pid_t pid;

	CHECK_EQ(semctl(id, 0, SETVAL, three), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(op(id, 0, -2, SEM_UNDO), 0);
		CHECK_EQ(op(id, 1, 4, SEM_UNDO), 0);
		CHECK_EQ(op(id, 1, -1, 0), 0);
		CHECK_EQ(value(id, 0), 1);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(value(id, 0), 3);
	/* Below zero it does not go. */
	CHECK_EQ(value(id, 1), 0);
	CHECK_EQ(semctl(id, 0, GETPID), pid);
	/* A value set by hand is left alone. */
	if ((pid = fork()) == 0) {
		CHECK_EQ(op(id, 0, -2, SEM_UNDO), 0);
		CHECK_EQ(semctl(id, 0, SETVAL, three), 0);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(value(id, 0), 3);
	/* A child has promised nothing. */
	CHECK_EQ(op(id, 0, -1, SEM_UNDO), 0);
	if ((pid = fork()) == 0)
		_exit(0);
	reap(pid, 0);
	CHECK_EQ(value(id, 0), 2);
	CHECK_EQ(gone(id), 0);
}

static void *
undo_thread(void *arg)
{
	CHECK_EQ(op(*(int *)arg, 0, 1, SEM_UNDO), 0);
	return NULL;
}

TEST(undo_of_threads)
{
	int id = fresh(1);
	pthread_t t;
	pid_t pid;

	if ((pid = fork()) == 0) {
		CHECK_EQ(pthread_create(&t, NULL, undo_thread, &id), 0);
		CHECK_EQ(pthread_join(t, NULL), 0);
		/* That thread's end is not the process'. */
		CHECK_EQ(value(id, 0), 1);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(value(id, 0), 0);
	CHECK_EQ(gone(id), 0);
}

TEST(rights)
{
	int id = fresh(1);
	union arg one = { .val = 1 };
	pid_t pid;

	if (geteuid() == 0) {
		if ((pid = fork()) == 0) {
			CHECK_EQ(setgid(4711), 0);
			CHECK_EQ(setuid(4711), 0);
			CHECK_ERR(value(id, 0), EACCES);
			CHECK_ERR(op(id, 0, 1, 0), EACCES);
			CHECK_ERR(op(id, 0, 0, 0), EACCES);
			CHECK_ERR(semctl(id, 0, SETVAL, one), EACCES);
			CHECK_ERR(gone(id), EPERM);
			_exit(0);
		}
		reap(pid, 0);
	}
	CHECK_EQ(gone(id), 0);
}

TEST(what_there_is)
{
	struct seminfo info;
	struct semid_ds ds;
	union arg a = { .info = &info }, b = { .buf = &ds };
	int id = fresh(7), highest, seen = 0, now;
	char line[200];
	FILE *f;

	CHECK(semctl(0, 0, IPC_INFO, a) >= 0);
	CHECK(info.semvmx == 32767 && info.semmsl > 0 && info.semopm > 0);
	CHECK((highest = semctl(0, 0, SEM_INFO, a)) >= 0);
	CHECK(info.semusz >= 1 && info.semaem >= 7);
	for (int i = 0; i <= highest; i++)
		if ((now = semctl(i, 0, SEM_STAT, b)) == id) {
			CHECK(ds.sem_nsems == 7);
			seen++;
		} else
			CHECK(now != -1 || errno == EINVAL || errno == EACCES);
	CHECK_EQ(seen, 1);
	CHECK((f = fopen("/proc/sysvipc/sem", "r")) != NULL);
	for (seen = 0; fgets(line, sizeof(line), f) != NULL; ) {
		int key, n, which;
		unsigned int mode;

		if (sscanf(line, "%d %d %o %d", &key, &which, &mode,
		    &n) == 4 && which == id) {
			CHECK(key == 0 && mode == 0600 && n == 7);
			seen++;
		}
	}
	CHECK_EQ(seen, 1);
	fclose(f);
	CHECK_EQ(gone(id), 0);
}
