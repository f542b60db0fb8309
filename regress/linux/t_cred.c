/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials: user and group ids, capabilities.
 * The raw calls, as a C library's setuid() goes to all threads.  For root.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <linux/capability.h>

#include "tap.h"

/* The calls with ids of 32 bits. */
#ifdef __i386__
#define	ID(name)	SYS_##name##32
#else
#define	ID(name)	SYS_##name
#endif
#define	SETRESUID(r, e, s)	syscall(ID(setresuid), (r), (e), (s))
#define	SETRESGID(r, e, s)	syscall(ID(setresgid), (r), (e), (s))
#define	SETREUID(r, e)		syscall(ID(setreuid), (r), (e))
#define	SETREGID(r, e)		syscall(ID(setregid), (r), (e))
#define	SETFSUID(u)		syscall(ID(setfsuid), (u))
#define	SETFSGID(g)		syscall(ID(setfsgid), (g))

static void
uids(uid_t r, uid_t e, uid_t s)
{
	uid_t r2, e2, s2;

	CHECK_EQ(getresuid(&r2, &e2, &s2), 0);
	CHECK_EQ(r2, r);
	CHECK_EQ(e2, e);
	CHECK_EQ(s2, s);
	CHECK_EQ(getuid(), r);
	CHECK_EQ(geteuid(), e);
}

static void
gids(gid_t r, gid_t e, gid_t s)
{
	gid_t r2, e2, s2;

	CHECK_EQ(getresgid(&r2, &e2, &s2), 0);
	CHECK_EQ(r2, r);
	CHECK_EQ(e2, e);
	CHECK_EQ(s2, s);
	CHECK_EQ(getgid(), r);
	CHECK_EQ(getegid(), e);
}

TEST(setreuid_of_root)
{
	CHECK_EQ(SETREUID(-1, -1), 0);
	uids(0, 0, 0);
	/* The saved one follows when the real one is set. */
	CHECK_EQ(SETREUID(1000, 0), 0);
	uids(1000, 0, 0);
	CHECK_EQ(SETREUID(-1, 2000), 0);
	uids(1000, 2000, 2000);
	CHECK_ERR(SETREUID(-1, 0), EPERM);
}

TEST(setreuid_swaps)
{
	CHECK_EQ(SETRESUID(1000, 2000, 3000), 0);
	CHECK_EQ(SETREUID(2000, 1000), 0);
	uids(2000, 1000, 1000);
	/* To what the real one is: the saved one stays. */
	CHECK_EQ(SETREUID(-1, 2000), 0);
	uids(2000, 2000, 1000);
	CHECK_ERR(SETREUID(1000, -1), EPERM);
}

TEST(setregid_of_others)
{
	CHECK_EQ(SETREGID(500, -1), 0);
	gids(500, 0, 0);
	CHECK_EQ(SETRESGID(500, 600, 700), 0);
	CHECK_EQ(SETRESUID(1000, 1000, 1000), 0);
	CHECK_ERR(SETREGID(700, -1), EPERM);
	CHECK_EQ(SETREGID(600, 500), 0);
	gids(600, 500, 500);
	CHECK_ERR(SETREGID(-1, 0), EPERM);
	CHECK_EQ(SETREGID(-1, 600), 0);
	gids(600, 600, 500);
}

TEST(setresgid)
{
	CHECK_EQ(SETRESGID(1, 2, 3), 0);
	gids(1, 2, 3);
	CHECK_EQ(SETRESGID(-1, -1, 4), 0);
	gids(1, 2, 4);
	CHECK_EQ(SETRESUID(1000, 1000, 1000), 0);
	CHECK_EQ(SETRESGID(2, 4, 1), 0);
	gids(2, 4, 1);
	CHECK_ERR(SETRESGID(5, -1, -1), EPERM);
	gids(2, 4, 1);
}

/* Who may look at files only: it answers with the old one, whatever happens. */
TEST(file_system_ids)
{
	int fd;

	CHECK_EQ(close(open("mine", O_CREAT | O_WRONLY, 0600)), 0);
	CHECK_EQ(SETFSUID(1000), 0);
	CHECK_EQ(SETFSUID(-1), 1000);
	uids(0, 0, 0);
	CHECK_ERR(open("mine", O_RDONLY), EACCES);
	/* access(2) asks for the real ids. */
	CHECK_EQ(access("mine", R_OK), 0);
	CHECK_EQ(SETFSUID(0), 1000);
	CHECK((fd = open("mine", O_RDONLY)) >= 0);
	CHECK_EQ(SETFSGID(77), 0);
	CHECK_EQ(SETFSGID(77), 77);
	/* The effective one takes it along. */
	CHECK_EQ(SETRESUID(-1, 1000, -1), 0);
	CHECK_EQ(SETFSUID(-1), 1000);
	CHECK_EQ(SETFSUID(3), 1000);
	CHECK_EQ(SETFSUID(0), 1000);
	CHECK_EQ(SETFSUID(-1), 0);
}

TEST(group_list)
{
	gid_t set[3] = { 10, 30, 20 }, got[3] = { 0 };

	CHECK_EQ(syscall(ID(setgroups), 3, set), 0);
	CHECK_EQ(syscall(ID(getgroups), 0, NULL), 3);
	CHECK_ERR(syscall(ID(getgroups), 2, got), EINVAL);
	CHECK_ERR(syscall(ID(getgroups), -1, got), EINVAL);
	CHECK_EQ(syscall(ID(getgroups), 3, got), 3);
	CHECK_EQ(got[0] + got[1] + got[2], 60);
	CHECK_ERR(syscall(ID(setgroups), 65537, set), EINVAL);
	CHECK_ERR(syscall(ID(setgroups), 3, (void *)1), EFAULT);
	CHECK_EQ(close(open("ours", O_CREAT | O_WRONLY, 0040)), 0);
	CHECK_EQ(chown("ours", 5, 20), 0);
	CHECK_EQ(SETRESUID(1000, 1000, 1000), 0);
	CHECK_EQ(close(open("ours", O_RDONLY)), 0);
	CHECK_ERR(open("ours", O_WRONLY), EACCES);
	CHECK_ERR(syscall(ID(setgroups), 0, NULL), EPERM);
}

/* -- capabilities -- */

static struct __user_cap_header_struct header = {
	_LINUX_CAPABILITY_VERSION_3, 0
};

static bool
has(unsigned int cap)
{
	struct __user_cap_data_struct d[2];

	CHECK_EQ(syscall(SYS_capget, &header, d), 0);
	return (d[cap / 32].effective & 1U << cap % 32) != 0;
}

TEST(capabilities_of_root)
{
	struct __user_cap_header_struct h = { 1, 0 };
	struct __user_cap_data_struct d[2];

	CHECK(has(CAP_CHOWN) && has(CAP_SETUID));
	/* An unknown version is answered with the preferred one. */
	CHECK_ERR(syscall(SYS_capget, &h, d), EINVAL);
	CHECK_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
	h.version = 1;
	CHECK_EQ(syscall(SYS_capget, &h, NULL), 0);
	h.pid = -1;
	CHECK_ERR(syscall(SYS_capget, &h, d), EINVAL);
	h.pid = 0x3fffffff;
	CHECK_ERR(syscall(SYS_capget, &h, d), ESRCH);
	CHECK_ERR(syscall(SYS_capget, NULL, d), EFAULT);
	CHECK_ERR(syscall(SYS_capget, &header, (void *)1), EFAULT);
}

/* One is given up: what it allows is gone, for good. */
TEST(giving_one_up)
{
	struct __user_cap_data_struct d[2];

	CHECK_EQ(close(open("f", O_CREAT | O_WRONLY, 0600)), 0);
	CHECK_EQ(syscall(SYS_capget, &header, d), 0);
	d[0].effective &= ~(1U << CAP_CHOWN);
	CHECK_EQ(syscall(SYS_capset, &header, d), 0);
	CHECK(!has(CAP_CHOWN) && has(CAP_SETUID));
	CHECK_ERR(chown("f", 7, 7), EPERM);
	/* It is still permitted. */
	d[0].effective |= 1U << CAP_CHOWN;
	CHECK_EQ(syscall(SYS_capset, &header, d), 0);
	CHECK_EQ(chown("f", 7, 7), 0);
	d[0].effective &= ~(1U << CAP_CHOWN);
	d[0].permitted &= ~(1U << CAP_CHOWN);
	CHECK_EQ(syscall(SYS_capset, &header, d), 0);
	d[0].permitted |= 1U << CAP_CHOWN;
	CHECK_ERR(syscall(SYS_capset, &header, d), EPERM);
	/* Never effective without being permitted. */
	d[0].permitted &= ~(1U << CAP_CHOWN);
	d[0].effective |= 1U << CAP_CHOWN;
	CHECK_ERR(syscall(SYS_capset, &header, d), EPERM);
	CHECK_ERR(chown("f", 8, 8), EPERM);
	header.pid = 1;
	CHECK_ERR(syscall(SYS_capset, &header, d), EPERM);
}

TEST(user_change_drops_them)
{
	CHECK_EQ(SETRESUID(-1, 1000, -1), 0);
	CHECK(!has(CAP_CHOWN));
	CHECK_EQ(SETRESUID(-1, 0, -1), 0);
	CHECK(has(CAP_CHOWN));
	CHECK_EQ(SETRESUID(1000, 1000, 1000), 0);
	CHECK(!has(CAP_CHOWN));
	CHECK_ERR(SETRESUID(0, 0, 0), EPERM);
}

TEST(kept_over_a_user_change)
{
	struct __user_cap_data_struct d[2];

	CHECK_EQ(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
	CHECK_EQ(SETRESUID(1000, 1000, 1000), 0);
	CHECK(!has(CAP_NET_RAW) && !has(CAP_CHOWN));
	CHECK_EQ(syscall(SYS_capget, &header, d), 0);
	CHECK((d[0].permitted & 1U << CAP_CHOWN) != 0);
	d[0].effective = 1U << CAP_CHOWN;
	CHECK_EQ(syscall(SYS_capset, &header, d), 0);
	CHECK(has(CAP_CHOWN));
	CHECK_ERR(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0), EINVAL);
}

TEST(bounding_set)
{
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), 1);
	CHECK_EQ(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_CAPBSET_READ, 99, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAPBSET_DROP, 99, 0, 0, 0), EINVAL);
	CHECK_EQ(SETRESUID(1000, 1000, 1000), 0);
	CHECK_ERR(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0), EPERM);
}
