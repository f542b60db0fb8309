/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues.
 *
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "tap.h"

struct message {
	long	type;
	char	text[64];
};

static int
fresh(void)
{
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	CHECK(id != -1);
	return id;
}

static int
gone(int id)
{
	return msgctl(id, IPC_RMID, NULL);
}

static int
put(int id, long type, const char *text, int flags)
{
	struct message m = { .type = type };

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

/* The text of the next message; its length is the result. */
static long
get(int id, long type, int flags, struct message *m)
{
	memset(m, 0, sizeof(*m));
	return msgrcv(id, m, sizeof(m->text) - 1, type, flags);
}

static struct msqid_ds
stat_of(int id)
{
	struct msqid_ds ds;

	CHECK_EQ(msgctl(id, IPC_STAT, &ds), 0);
	return ds;
}

TEST(order_and_types)
{
	int id = fresh();
	struct message m;

	CHECK_EQ(put(id, 5, "five", 0), 0);
	CHECK_EQ(put(id, 2, "two", 0), 0);
	CHECK_EQ(put(id, 9, "", 0), 0);
	CHECK_EQ(put(id, 2, "again", 0), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 4);
	CHECK_EQ(stat_of(id).msg_lspid, getpid());
	CHECK_EQ(get(id, 2, 0, &m), 3);
	CHECK(m.type == 2 && strcmp(m.text, "two") == 0);
	CHECK_EQ(get(id, -4, 0, &m), 5);
	CHECK_EQ(get(id, 5, MSG_EXCEPT, &m), 0);
	CHECK_EQ(m.type, 9);
	CHECK_ERR(get(id, -4, IPC_NOWAIT, &m), ENOMSG);
	CHECK_ERR(get(id, 1, IPC_NOWAIT, &m), ENOMSG);
	CHECK_EQ(get(id, LONG_MIN, IPC_NOWAIT, &m), 4);
	CHECK_ERR(get(id, 0, IPC_NOWAIT, &m), ENOMSG);
	CHECK(stat_of(id).msg_rtime != 0 && stat_of(id).msg_qnum == 0);
	CHECK_EQ(gone(id), 0);
	CHECK_ERR(gone(id), EINVAL);
	CHECK_ERR(put(id, 1, "x", 0), EINVAL);
	CHECK_ERR(get(id, 0, 0, &m), EINVAL);
}

TEST(errors)
{
	static char big[8193 + sizeof(long)];
	struct message m = { .type = 1 };
	int id = fresh();

	CHECK_ERR(put(id, 0, "x", 0), EINVAL);
	CHECK_ERR(put(id, -1, "x", 0), EINVAL);
	*(long *)(void *)big = 1;
	CHECK_ERR(msgsnd(id, big, 8193, IPC_NOWAIT), EINVAL);
	CHECK_EQ(msgsnd(id, big, 8192, IPC_NOWAIT), 0);
	CHECK_EQ(msgsnd(id, big, 8192, IPC_NOWAIT), 0);
	CHECK_ERR(put(id, 1, "x", IPC_NOWAIT), EAGAIN);
	/* An empty one has room as long as there are not too many. */
	CHECK_EQ(put(id, 1, "", IPC_NOWAIT), 0);
	CHECK_ERR(msgrcv(id, &m, sizeof(m.text), 0, 0), E2BIG);
	CHECK_EQ(msgrcv(id, &m, sizeof(m.text), 0, MSG_NOERROR),
	    sizeof(m.text));
	CHECK_EQ(stat_of(id).__msg_cbytes, 8192);
	CHECK_ERR(msgrcv(id, &m, (size_t)-1, 0, 0), EINVAL);
	CHECK_ERR(msgctl(id, 99, NULL), EINVAL);
	CHECK_ERR(msgctl(-1, IPC_RMID, NULL), EINVAL);
	CHECK_EQ(gone(id), 0);
}

TEST(keys)
{
	key_t key = (key_t)(0x6d730000 + getpid());
	int id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);
	struct msqid_ds ds;

	CHECK(id != -1);
	CHECK_EQ(msgget(key, 0), id);
	CHECK_ERR(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	ds = stat_of(id);
	CHECK(ds.msg_perm.__key == key && ds.msg_qbytes == 16384 &&
	    (ds.msg_perm.mode & 0777) == 0640);
	ds.msg_qbytes = 100;
	CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
	CHECK_EQ(stat_of(id).msg_qbytes, 100);
	CHECK_EQ(put(id, 1, "0123456789", 0), 0);
	CHECK_EQ(gone(id), 0);
	CHECK_ERR(msgget(key, 0), ENOENT);
}

TEST(waiting)
{
	static struct { long type; char text[8192]; } big = { .type = 1 };
	int id = fresh();
	struct message m;
	pid_t pid;

	if ((pid = fork()) == 0) {
		CHECK_EQ(get(id, 7, 0, &m), 4);
		_exit(0);
	}
	sleep_ms(50 * tap_slow());
	CHECK_EQ(put(id, 6, "no", 0), 0);
	CHECK_EQ(put(id, 7, "this", 0), 0);
	reap(pid, 0);
	CHECK_EQ(get(id, 0, 0, &m), 2);
	/* And for room. */
	CHECK_EQ(msgsnd(id, &big, sizeof(big.text), 0), 0);
	CHECK_EQ(msgsnd(id, &big, sizeof(big.text), 0), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(put(id, 3, "late", 0), 0);
		_exit(0);
	}
	sleep_ms(50 * tap_slow());
	CHECK_EQ(stat_of(id).msg_qnum, 2);
	CHECK_EQ(msgrcv(id, &big, sizeof(big.text), 0, 0), 8192);
	reap(pid, 0);
	CHECK_EQ(get(id, 3, 0, &m), 4);
	/* A queue that goes. */
	if ((pid = fork()) == 0)
		_exit(get(id, 3, 0, &m) == -1 ? errno : 0);
	sleep_ms(50 * tap_slow());
	CHECK_EQ(gone(id), 0);
	reap(pid, EIDRM);
}

static void
handler(int sig)
{
	(void)sig;
}

TEST(signals)
{
	struct sigaction sa = { .sa_handler = handler,
	    .sa_flags = SA_RESTART };
	int id = fresh();
	struct message m;

	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	alarm(1);
	CHECK_ERR(get(id, 0, 0, &m), EINTR);
	CHECK_EQ(gone(id), 0);
}

TEST(rights)
{
	int id = fresh();
	struct msqid_ds ds;
	struct message m;
	pid_t pid;

	if (geteuid() == 0) {
		if ((pid = fork()) == 0) {
			CHECK_EQ(setgid(4711), 0);
			CHECK_EQ(setuid(4711), 0);
			CHECK_ERR(put(id, 1, "x", 0), EACCES);
			CHECK_ERR(get(id, 0, IPC_NOWAIT, &m), EACCES);
			CHECK_ERR(msgctl(id, IPC_STAT, &ds), EACCES);
			CHECK_ERR(gone(id), EPERM);
			_exit(0);
		}
		reap(pid, 0);
	}
	CHECK_EQ(gone(id), 0);
}

TEST(what_there_is)
{
	int id = fresh(), highest, seen = 0;
	struct msginfo info;
	struct msqid_ds ds;
	char line[200];
	FILE *f;

	CHECK_EQ(put(id, 1, "abc", 0), 0);
	CHECK(msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)&info) >= 0);
	CHECK(info.msgmax == 8192 && info.msgmnb == 16384);
	highest = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info);
	CHECK(highest >= 0 && info.msgpool >= 1 && info.msgtql >= 3);
	for (int i = 0; i <= highest; i++)
		if (msgctl(i, MSG_STAT, &ds) == id) {
			CHECK(ds.msg_qnum == 1);
			seen++;
		}
	CHECK_EQ(seen, 1);
	CHECK((f = fopen("/proc/sysvipc/msg", "r")) != NULL);
	for (seen = 0; fgets(line, sizeof(line), f) != NULL; ) {
		int key, which, bytes, n;
		unsigned int mode;

		if (sscanf(line, "%d %d %o %d %d", &key, &which, &mode,
		    &bytes, &n) == 5 && which == id) {
			CHECK(key == 0 && mode == 0600 && bytes == 3 && n == 1);
			seen++;
		}
	}
	CHECK_EQ(seen, 1);
	fclose(f);
	CHECK_EQ(gone(id), 0);
}
