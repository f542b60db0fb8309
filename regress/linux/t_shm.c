/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory.
 *
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "tap.h"

#define	PAGE	4096UL

static int
fresh(size_t size)
{
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	CHECK(id != -1);
	return id;
}

static struct shmid_ds
stat_of(int id)
{
	struct shmid_ds ds;

	CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
	return ds;
}

TEST(shared_with_children)
{
	int id = fresh(3 * PAGE + 5);
	volatile int *a = shmat(id, NULL, 0);
	struct shmid_ds ds;
	pid_t pid;

	CHECK(a != (void *)-1);
	CHECK_EQ(a[0], 0);
	if ((pid = fork()) == 0) {
		a[4 * PAGE / sizeof(int) - 1] = 5;
		CHECK_EQ(stat_of(id).shm_nattch, 2);
		_exit(0);
	}
	reap(pid, 0);
	CHECK_EQ(a[4 * PAGE / sizeof(int) - 1], 5);
	ds = stat_of(id);
	CHECK(ds.shm_nattch == 1 && ds.shm_segsz == 3 * PAGE + 5 &&
	    ds.shm_cpid == getpid() && (ds.shm_perm.mode & 0777) == 0600);
	CHECK_EQ(shmdt((void *)a), 0);
	CHECK_ERR(shmdt((void *)a), EINVAL);
	CHECK_EQ(stat_of(id).shm_nattch, 0);
	/* What was written is still there. */
	a = shmat(id, NULL, SHM_RDONLY);
	CHECK_EQ(a[4 * PAGE / sizeof(int) - 1], 5);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	CHECK_EQ(a[4 * PAGE / sizeof(int) - 1], 5);
	CHECK_EQ(shmdt((void *)a), 0);
	CHECK_ERR((intptr_t)shmat(id, NULL, 0), EINVAL);
}

TEST(keys)
{
	key_t key = (key_t)(0x746d0000 + getpid());
	int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);

	CHECK(id != -1);
	CHECK_EQ(shmget(key, PAGE, 0), id);
	CHECK_EQ(shmget(key, 0, 0), id);
	CHECK_ERR(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERR(shmget(key, 2 * PAGE, 0), EINVAL);
	CHECK_EQ(stat_of(id).shm_perm.__key, key);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	CHECK_ERR(shmget(key, PAGE, 0), ENOENT);
	CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(shmctl(-1, IPC_RMID, NULL), EINVAL);
}

TEST(places)
{
	int id = fresh(2 * PAGE);
	char *hole = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *a;

	CHECK_ERR((intptr_t)shmat(id, hole, 0), EINVAL);
	a = shmat(id, hole, SHM_REMAP);
	CHECK(a == hole);
	a[PAGE] = 1;
	CHECK_ERR((intptr_t)shmat(id, hole + 1, 0), EINVAL);
	CHECK_EQ(munmap(hole + 2 * PAGE, 2 * PAGE), 0);
	a = shmat(id, hole + 2 * PAGE + 77, SHM_RND);
	CHECK(a == hole + 2 * PAGE);
	CHECK_EQ(a[PAGE], 1);
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	/* Parts with other rights are still one attachment. */
	CHECK_EQ(mprotect(a, PAGE, PROT_READ), 0);
	CHECK_ERR(shmdt(a + PAGE), EINVAL);
	CHECK_EQ(shmdt(a), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	CHECK_EQ(hole[PAGE], 1);
	CHECK_EQ(shmdt(hole), 0);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

TEST(rights)
{
	int id = fresh(PAGE), status;
	struct shmid_ds ds = stat_of(id);
	pid_t pid = -1;

	ds.shm_perm.mode = 0640;
	CHECK_EQ(shmctl(id, IPC_SET, &ds), 0);
	CHECK_EQ(stat_of(id).shm_perm.mode & 0777, 0640);
	if (geteuid() == 0 && (pid = fork()) == 0) {
		if (setgid(4711) != 0 || setuid(4711) != 0)
			_exit(2);
		CHECK_ERR((intptr_t)shmat(id, NULL, 0), EACCES);
		CHECK_ERR(shmctl(id, IPC_STAT, &ds), EACCES);
		CHECK_ERR(shmctl(id, IPC_RMID, NULL), EPERM);
		_exit(0);
	}
	if (geteuid() == 0) {
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}
