/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores, and the tables of keys and ids they share with the
 * other kinds.  While one sleeps the hook plays the others.
 */
/* sources: sys/kern/sysv_ipc.c sys/kern/sysv_sem.c */
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysvsem.h>
#include <sys/time.h>

#include <host.h>
#include <ktest.h>

static struct cred root = { .cr_cap_effective = CAP_ALL },
    user = { .cr_euid = 5, .cr_egid = 6 };
static struct proc p = { .p_pid = 10 }, other = { .p_pid = 11 };
static struct lwp l = { .l_proc = &p, .l_cred = &root },
    ol = { .l_proc = &other, .l_cred = &root },
    ul = { .l_proc = &other, .l_cred = &user };

int
cred_capable(const struct cred *cr, int cap)
{
	return (cr->cr_cap_effective >> cap & 1) != 0 ? 0 : EPERM;
}

bool
cred_in_group(const struct cred *cr, gid_t gid)
{
	return cr->cr_egid == gid;
}

static int
fresh(int n)
{
	int id = -1;

	CHECK_EQ(do_semget(&l, IPC_PRIVATE, n, 0600, &id), 0);
	CHECK(id >= 0);
	return id;
}

static void
setup(void)
{
	sysvsem_init();
	shim_set_curlwp(&l);
}

static int
op(struct lwp *who, int id, unsigned int num, int change, int flags)
{
	struct sembuf_k sb = { (uint16_t)num, (int16_t)change,
	    (int16_t)flags };

	return do_semop(who, id, &sb, 1, 0);
}

static int
value(int id, int num)
{
	int v = -1;

	CHECK_EQ(do_sem_get(&l, id, num, SEM_VALUE, &v), 0);
	return v;
}

TEST(ids_and_places)
{
	int id[40], again;
	unsigned int nsets, nsems, highest;

	setup();
	/* More than the first table has. */
	for (unsigned int i = 0; i < 40; i++)
		id[i] = fresh(1);
	sem_totals(&nsets, &nsems, &highest);
	CHECK(nsets == 40 && nsems == 40 && highest == 39);
	CHECK_EQ(do_sem_remove(&l, id[7]), 0);
	/* The place is taken again, under another id. */
	again = fresh(2);
	CHECK(again != id[7] && again % 32768 == 7);
	CHECK_EQ(do_sem_remove(&l, id[7]), EINVAL);
	CHECK_EQ(do_sem_remove(&l, again), 0);
	for (unsigned int i = 0; i < 40; i++)
		CHECK_EQ(do_sem_remove(&l, id[i]), i == 7 ? EINVAL : 0);
	sem_totals(&nsets, &nsems, &highest);
	CHECK(nsets == 0 && nsems == 0 && highest == 0);
}

TEST(limits)
{
	int id, one;

	setup();
	sem_limits = (struct sem_limits){ 4, 6, 3, 2 };
	CHECK_EQ(do_semget(&l, IPC_PRIVATE, 5, 0600, &id), EINVAL);
	one = fresh(4);
	CHECK_EQ(do_semget(&l, IPC_PRIVATE, 3, 0600, &id), ENOSPC);
	id = fresh(2);
	CHECK_EQ(do_sem_remove(&l, one), 0);
	one = fresh(1);
	CHECK_EQ(do_semget(&l, IPC_PRIVATE, 1, 0600, &id), ENOSPC);
}

TEST(no_memory)
{
	int id = -1, error = ENOMEM;

	setup();
	/* Set, table, undo. */
	for (int n = 0; error == ENOMEM; n++) {
		CHECK(n < 10);
		kmem_fail_after(n);
		error = do_semget(&l, 77, 3, IPC_CREAT | 0600, &id);
		if (error == 0)
			error = op(&l, id, 0, 1, SEM_UNDO);
	}
	CHECK_EQ(error, 0);
	kmem_fail_after(-1);
	sem_exit(&p);
	CHECK_EQ(value(id, 0), 0);
	CHECK_EQ(do_sem_remove(&l, id), 0);
}

static int set;
static unsigned int turns;

static bool
raise_it(const char *wchan)
{
	int n;

	CHECK_STR(wchan, "semop");
	turns++;
	CHECK_EQ(do_sem_get(&l, set, 0, SEM_NCNT, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(op(&ol, set, 0, 1, 0), 0);
	return true;
}

TEST(waits_until_it_can)
{
	int pid;

	setup();
	set = fresh(1);
	shim_sleep_hook = raise_it;
	CHECK_EQ(op(&l, set, 0, -3, 0), 0);
	CHECK_EQ(turns, 3);
	CHECK_EQ(value(set, 0), 0);
	CHECK_EQ(do_sem_get(&l, set, 0, SEM_PID, &pid), 0);
	CHECK_EQ(pid, 10);
}

static bool
remove_it(const char *wchan)
{
	CHECK(wchan != NULL);
	CHECK_EQ(do_sem_remove(&l, set), 0);
	return true;
}

TEST(removed_meanwhile)
{
	setup();
	set = fresh(1);
	shim_sleep_hook = remove_it;
	CHECK_EQ(op(&l, set, 0, -3, SEM_UNDO), EIDRM);
	CHECK(LIST_EMPTY(&p.p_semundo));
}

TEST(signal_and_time)
{
	struct sembuf_k sb = { 0, -1, 0 };
	int n;

	setup();
	set = fresh(1);
	CHECK_EQ(do_semop(&l, set, &sb, 1, nanouptime() + 1000), EAGAIN);
	shim_signal_pending = true;
	CHECK_EQ(do_semop(&l, set, &sb, 1, 0), EINTR);
	CHECK_EQ(do_sem_get(&l, set, 0, SEM_NCNT, &n), 0);
	CHECK_EQ(n, 0);
}

TEST(rolls_back)
{
	struct sembuf_k sb[] = { { 0, 5, SEM_UNDO }, { 1, -2, SEM_UNDO },
	    { 2, -1, IPC_NOWAIT } };

	setup();
	set = fresh(3);
	CHECK_EQ(do_sem_setval(&l, set, 1, 9), 0);
	CHECK_EQ(do_semop(&l, set, sb, 3, 0), EAGAIN);
	CHECK(value(set, 0) == 0 && value(set, 1) == 9);
	sem_exit(&p);
	CHECK(value(set, 0) == 0 && value(set, 1) == 9);
	/* Beyond what can be adjusted. */
	CHECK_EQ(op(&l, set, 0, 32767, SEM_UNDO), 0);
	CHECK_EQ(op(&l, set, 0, -32767, 0), 0);
	CHECK_EQ(op(&l, set, 0, 2, SEM_UNDO), ERANGE);
	CHECK_EQ(value(set, 0), 0);
	CHECK_EQ(do_sem_remove(&l, set), 0);
	CHECK(LIST_EMPTY(&p.p_semundo));
}

static bool
exit_it(const char *wchan)
{
	CHECK(wchan != NULL);
	sem_exit(&other);
	return true;
}

TEST(undo_wakes)
{
	setup();
	set = fresh(1);
	CHECK_EQ(do_sem_setval(&l, set, 0, 1), 0);
	CHECK_EQ(op(&ol, set, 0, -1, SEM_UNDO), 0);
	shim_sleep_hook = exit_it;
	CHECK_EQ(op(&l, set, 0, -1, 0), 0);
}

TEST(rights)
{
	struct sem_info_k si;
	int id;

	setup();
	id = fresh(1);
	CHECK_EQ(op(&ul, id, 0, 0, 0), EACCES);
	CHECK_EQ(do_sem_remove(&ul, id), EPERM);
	CHECK_EQ(do_sem_set(&ul, id, 5, 5, 0600), EPERM);
	CHECK_EQ(do_sem_set(&l, id, 1, 6, 0640), 0);
	CHECK_EQ(op(&ul, id, 0, 0, 0), 0);
	CHECK_EQ(op(&ul, id, 0, 1, 0), EACCES);
	CHECK_EQ(do_sem_set(&l, id, 5, 9, 0600), 0);
	CHECK_EQ(op(&ul, id, 0, 1, 0), 0);
	CHECK_EQ(do_sem_stat(&ul, id % 32768, true, false, &si), 0);
	CHECK(si.si_perm.ip_id == id && si.si_perm.ip_uid == 5);
	CHECK_EQ(do_sem_stat(&ul, -1, true, false, &si), EINVAL);
	CHECK_EQ(do_sem_remove(&ul, id), 0);
}
