/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues.  While one sleeps the hook plays the others.
 */
/* sources: sys/kern/sysv_ipc.c sys/kern/sysv_msg.c */
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysvmsg.h>
#include <sys/time.h>

#include <host.h>
#include <ktest.h>

static struct cred root = { .cr_cap_effective = CAP_ALL },
    user = { .cr_euid = 5, .cr_egid = 6 };
static struct proc p = { .p_pid = 10 }, other = { .p_pid = 11 };
static struct lwp l = { .l_proc = &p, .l_cred = &root },
    ol = { .l_proc = &other, .l_cred = &root },
    ul = { .l_proc = &other, .l_cred = &user };
static int queue;

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

static void
setup(void)
{
	sysvmsg_init();
	shim_set_curlwp(&l);
	CHECK_EQ(do_msgget(&l, IPC_PRIVATE, 0600, &queue), 0);
}

static int
put(struct lwp *who, long type, const char *text, int flags)
{
	struct sysvmsg *sm = sysvmsg_alloc(strlen(text));
	int error;

	CHECK(sm != NULL);
	sm->sm_type = type;
	memcpy(sm->sm_data, text, strlen(text));
	if ((error = do_msgsnd(who, queue, sm, flags)) != 0)
		sysvmsg_free(sm);
	return error;
}

/* The message is that text; or there is that error. */
static void
expect(long type, int flags, int error, const char *text)
{
	struct sysvmsg *sm;

	CHECK_EQ(do_msgrcv(&l, queue, 100, type, flags, &sm), error);
	if (error != 0)
		return;
	CHECK_EQ(sm->sm_len, strlen(text));
	CHECK(memcmp(sm->sm_data, text, sm->sm_len) == 0);
	sysvmsg_free(sm);
}

TEST(types)
{
	setup();
	CHECK_EQ(put(&l, 3, "a", 0), 0);
	CHECK_EQ(put(&l, 2, "b", 0), 0);
	CHECK_EQ(put(&l, 2, "c", 0), 0);
	CHECK_EQ(put(&l, 1, "d", 0), 0);
	expect(1, MSG_COPY | IPC_NOWAIT, 0, "b");
	expect(4, MSG_COPY | IPC_NOWAIT, ENOMSG, NULL);
	expect(1, MSG_COPY, EINVAL, NULL);
	expect(1, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT, EINVAL, NULL);
	expect(2, MSG_EXCEPT, 0, "a");
	expect(-2, 0, 0, "d");
	expect(-2, 0, 0, "b");
	expect(-1, IPC_NOWAIT, ENOMSG, NULL);
	expect(INTPTR_MIN, 0, 0, "c");
	CHECK_EQ(do_msg_remove(&l, queue), 0);
	expect(0, 0, EINVAL, NULL);
}

static bool
answer(const char *wchan)
{
	if (strcmp(wchan, "msgrcv") == 0)
		CHECK_EQ(put(&ol, 4, "late", 0), 0);
	else
		expect(0, 0, 0, "0123456789");
	return true;
}

TEST(waits)
{
	struct msg_info_k mi;

	setup();
	shim_sleep_hook = answer;
	expect(4, 0, 0, "late");
	CHECK_EQ(do_msg_set(&l, queue, 0, 0, 0600, 25), 0);
	CHECK_EQ(put(&l, 1, "0123456789", 0), 0);
	CHECK_EQ(put(&l, 1, "0123456789", 0), 0);
	CHECK_EQ(put(&l, 1, "0123456789", IPC_NOWAIT), EAGAIN);
	CHECK_EQ(put(&l, 1, "0123456789", 0), 0);
	CHECK_EQ(do_msg_stat(&l, queue, false, false, &mi), 0);
	CHECK(mi.mi_n == 2 && mi.mi_bytes == 20 && mi.mi_spid == 10);
	/* With what is in it. */
	CHECK_EQ(do_msg_remove(&l, queue), 0);
}

static bool
remove_it(const char *wchan)
{
	CHECK(wchan != NULL);
	CHECK_EQ(do_msg_remove(&l, queue), 0);
	return true;
}

TEST(removed_meanwhile)
{
	setup();
	shim_sleep_hook = remove_it;
	expect(0, 0, EIDRM, NULL);
}

static bool
forbid(const char *wchan)
{
	CHECK(wchan != NULL);
	CHECK_EQ(do_msg_set(&l, queue, 0, 0, 0, 100), 0);
	return true;
}

TEST(forbidden_meanwhile)
{
	struct sysvmsg *sm;

	setup();
	CHECK_EQ(do_msg_set(&l, queue, 5, 0, 0600, 100), 0);
	shim_sleep_hook = forbid;
	CHECK_EQ(do_msgrcv(&ul, queue, 9, 0, 0, &sm), EACCES);
	CHECK_EQ(do_msg_set(&ul, queue, 5, 5, 0600, 100), EPERM);
	CHECK_EQ(do_msg_remove(&l, queue), 0);
}

TEST(signal_and_length)
{
	struct sysvmsg *sm;

	setup();
	shim_signal_pending = true;
	expect(0, 0, ERESTARTNOHAND, NULL);
	shim_signal_pending = false;
	CHECK_EQ(put(&l, 1, "abcdef", 0), 0);
	CHECK_EQ(do_msgrcv(&l, queue, 3, 0, 0, &sm), E2BIG);
	CHECK_EQ(do_msgrcv(&l, queue, 3, 0, MSG_NOERROR, &sm), 0);
	CHECK_EQ(sm->sm_len, 6);
	sysvmsg_free(sm);
	CHECK_EQ(do_msg_remove(&l, queue), 0);
}

TEST(no_memory)
{
	int id = -1;

	sysvmsg_init();
	for (int n = 0; n < 2; n++) {
		kmem_fail_after(n);
		CHECK_EQ(do_msgget(&l, IPC_PRIVATE, 0600, &id), ENOMEM);
	}
	kmem_fail_after(-1);
	CHECK_EQ(do_msgget(&l, IPC_PRIVATE, 0600, &id), 0);
	CHECK_EQ(do_msg_remove(&l, id), 0);
}
