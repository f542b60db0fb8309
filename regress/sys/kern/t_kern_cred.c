/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set*id family against the rules of setuid(2), setreuid(2),
 * setresuid(2) and setfsuid(2), for users and for groups.
 */
/* sources: sys/kern/kern_cred.c */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include <ktest.h>

static struct proc p;
static struct lwp l;

static struct uidinfo users[16];

struct uidinfo *
uidinfo_get(uid_t uid)
{
	CHECK(uid < __arraycount(users));
	users[uid].ui_ref++;
	return &users[uid];
}

void
uidinfo_ref(struct uidinfo *ui)
{
	ui->ui_ref++;
}

void
uidinfo_put(struct uidinfo *ui)
{
	CHECK(ui->ui_ref > 0);
	ui->ui_ref--;
}

/* A thread with these ids, as users and as groups, and no rights. */
static void
be(uint32_t r, uint32_t e, uint32_t s, bool priv)
{
	struct cred *cr;

	if (l.l_cred == NULL) {
		cred_init();
		spin_init(&p.p_lock, "proc");
		l.l_proc = &p;
	} else {
		cred_put(l.l_cred);
	}
	cr = cred_dup(cred_kernel);
	CHECK(cr != NULL);
	cr->cr_ruid = cr->cr_rgid = r;
	cr->cr_euid = cr->cr_egid = e;
	cr->cr_suid = cr->cr_sgid = s;
	cr->cr_fsuid = cr->cr_fsgid = e;
	if (!priv)
		cr->cr_cap_effective = cr->cr_cap_permitted = 0;
	l.l_cred = cr;
}

static void
expect(uint32_t r, uint32_t e, uint32_t s, uint32_t fs)
{
	const struct cred *cr = l.l_cred;

	CHECK_EQ(cr->cr_ruid, r);
	CHECK_EQ(cr->cr_euid, e);
	CHECK_EQ(cr->cr_suid, s);
	CHECK_EQ(cr->cr_fsuid, fs);
	CHECK_EQ(cr->cr_rgid, r);
	CHECK_EQ(cr->cr_egid, e);
	CHECK_EQ(cr->cr_sgid, s);
	CHECK_EQ(cr->cr_fsgid, fs);
}

/* Groups first: without root's user ids there may be no right to. */
#define	BOTH(g, u, result) do {						\
	CHECK_EQ(g, result);						\
	CHECK_EQ(u, result);						\
} while (0)

static void
set(uint32_t id, int result)
{
	BOTH(do_setgid(&l, id), do_setuid(&l, id), result);
}

static void
setre(uint32_t r, uint32_t e, int result)
{
	BOTH(do_setregid(&l, r, e), do_setreuid(&l, r, e), result);
}

static void
setres(uint32_t r, uint32_t e, uint32_t s, int result)
{
	BOTH(do_setresgid(&l, r, e, s), do_setresuid(&l, r, e, s), result);
}

static void
setfs(uint32_t id, uint32_t old)
{
	uint32_t was = 99;

	CHECK_EQ(do_setfsgid(&l, id, &was), 0);
	CHECK_EQ(was, old);
	was = 99;
	CHECK_EQ(do_setfsuid(&l, id, &was), 0);
	CHECK_EQ(was, old);
}

TEST(with_rights)
{
	be(0, 0, 0, true);
	set((uint32_t)-1, EINVAL);
	set(5, 0);
	expect(5, 5, 5, 5);
	be(0, 0, 0, true);
	setre(7, 8, 0);
	expect(7, 8, 8, 8);
	be(0, 0, 0, true);
	setres(1, 2, (uint32_t)-1, 0);
	expect(1, 2, 0, 2);
	be(0, 0, 0, true);
	setfs(9, 0);
	expect(0, 0, 0, 9);
}

TEST(set_without_rights)
{
	be(1, 2, 3, false);
	set(2, EPERM);
	set(4, EPERM);
	set(3, 0);
	expect(1, 3, 3, 3);
	set(1, 0);
	expect(1, 1, 3, 1);
}

TEST(setre_without_rights)
{
	be(1, 2, 3, false);
	setre(3, (uint32_t)-1, EPERM);
	setre((uint32_t)-1, 4, EPERM);
	setre((uint32_t)-1, (uint32_t)-1, 0);
	expect(1, 2, 3, 2);
	/* The effective one becomes the real one: saved stays. */
	setre((uint32_t)-1, 1, 0);
	expect(1, 1, 3, 1);
	setre((uint32_t)-1, 3, 0);
	expect(1, 3, 3, 3);
	setre(3, 1, 0);
	expect(3, 1, 1, 1);
}

TEST(setres_without_rights)
{
	be(1, 2, 3, false);
	setres(1, 2, 4, EPERM);
	setres(4, (uint32_t)-1, (uint32_t)-1, EPERM);
	setres(3, 1, 2, 0);
	expect(3, 1, 2, 1);
}

TEST(setfs_without_rights)
{
	be(1, 2, 3, false);
	setfs(4, 2);
	expect(1, 2, 3, 2);
	setfs((uint32_t)-1, 2);
	setfs(3, 2);
	expect(1, 2, 3, 3);
	setfs(1, 3);
	expect(1, 2, 3, 1);
}

TEST(no_memory)
{
	be(1, 2, 3, false);
	KTEST_NTH_FAIL({
		int error = do_setuid(&l, 3);

		CHECK(error == 0 || error == EAGAIN);
		CHECK((error == 0) == (l.l_cred->cr_euid == 3));
	});
}

TEST(rights_go_with_root)
{
	be(0, 0, 0, true);
	CHECK_EQ(do_setreuid(&l, (uid_t)-1, 5), 0);
	CHECK_EQ(l.l_cred->cr_cap_effective, 0);
	CHECK(l.l_cred->cr_cap_permitted != 0);
	CHECK_EQ(do_setuid(&l, 0), 0);
	CHECK(l.l_cred->cr_cap_effective != 0);
	CHECK_EQ(do_setresuid(&l, 5, 5, 5), 0);
	CHECK_EQ(l.l_cred->cr_cap_permitted, 0);
	CHECK_EQ(do_setuid(&l, 0), EPERM);
	/* The new user is charged. */
	CHECK(l.l_cred->cr_uidinfo == &users[5]);
	cred_put(l.l_cred);
	CHECK_EQ(users[5].ui_ref, 0);
	CHECK_EQ(users[0].ui_ref, 1);	/* the kernel's */
}
