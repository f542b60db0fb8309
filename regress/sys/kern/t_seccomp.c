/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of system calls: what is let in, what it says, and who keeps it.
 */
/* sources: sys/kern/kern_seccomp.c */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/seccomp.h>
#include <sys/systm.h>
#include <ktest.h>

static struct proc p;
static struct lwp a, b;
static bool capable;

int
cred_capable(const struct cred *cr __unused, int cap)
{
	CHECK_EQ(cap, CAP_SYS_ADMIN);
	return capable ? 0 : EPERM;
}

static void
set_up(void)
{
	memset(&p, 0, sizeof(p));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	spin_init(&p.p_lock, "proc");
	LIST_INIT(&p.p_lwps);
	a.l_proc = b.l_proc = &p;
	a.l_tid = 1;
	b.l_tid = 2;
	LIST_INSERT_HEAD(&p.p_lwps, &a, l_sibling);
	LIST_INSERT_HEAD(&p.p_lwps, &b, l_sibling);
	capable = true;
}

static int
add(struct lwp *l, uint32_t says, bool all, pid_t *bad)
{
	const struct seccomp_insn in[] = { { 0x06, 0, 0, says } };

	return do_seccomp_filter(l, in, 1, all, bad);
}

static uint32_t
run(struct lwp *l, int nr)
{
	struct seccomp_data sd = { .sd_nr = nr };

	return seccomp_run(l, &sd);
}

TEST(who_may_and_what_is_left)
{
	size_t before = kmem_outstanding();
	pid_t bad;

	set_up();
	capable = false;
	CHECK_EQ(add(&a, SECCOMP_RET_TRAP, false, &bad), EACCES);
	p.p_nonewprivs = true;
	KTEST_NTH_FAIL({
		int error = add(&a, SECCOMP_RET_TRAP, false, &bad);

		CHECK(error == 0 || error == ENOMEM);
		CHECK_EQ(seccomp_mode(&a), error == 0 ? SECCOMP_MODE_FILTER :
		    SECCOMP_MODE_DISABLED);
		seccomp_free(&a);
	});
	CHECK_EQ(do_seccomp_strict(&a), 0);
	CHECK_EQ(seccomp_mode(&a), SECCOMP_MODE_STRICT);
	CHECK_EQ(add(&a, SECCOMP_RET_TRAP, false, &bad), EINVAL);
	seccomp_inherit(&a, &b);
	CHECK_EQ(seccomp_mode(&b), SECCOMP_MODE_STRICT);
	seccomp_free(&a);
	seccomp_free(&b);
	CHECK_EQ(kmem_outstanding(), before);
}

/* Threads share what they have in common, and the last one frees it. */
TEST(threads_that_part)
{
	size_t before = kmem_outstanding();
	pid_t bad;

	set_up();
	CHECK_EQ(add(&a, SECCOMP_RET_ERRNO | 1, false, &bad), 0);
	CHECK_EQ(seccomp_mode(&b), SECCOMP_MODE_DISABLED);
	CHECK_EQ(add(&b, SECCOMP_RET_ERRNO | 2, true, &bad), 0);
	CHECK_EQ(bad, 1);			/* has its own */
	CHECK_EQ(seccomp_mode(&b), SECCOMP_MODE_DISABLED);
	a.l_flags |= LF_EXITING;
	CHECK_EQ(add(&b, SECCOMP_RET_ERRNO | 2, true, &bad), 0);
	CHECK_EQ(bad, 0);
	seccomp_free(&a);
	seccomp_free(&b);
	CHECK_EQ(kmem_outstanding(), before);

	set_up();
	CHECK_EQ(add(&a, SECCOMP_RET_ERRNO | 1, true, &bad), 0);
	CHECK(a.l_seccomp == b.l_seccomp);
	CHECK_EQ(add(&a, SECCOMP_RET_KILL_PROCESS, false, &bad), 0);
	CHECK_EQ(run(&b, 0), SECCOMP_RET_ERRNO | 1);
	CHECK_EQ(run(&a, 0), SECCOMP_RET_KILL_PROCESS);
	/* The other one follows: its filters are among these. */
	CHECK_EQ(add(&a, SECCOMP_RET_ALLOW, true, &bad), 0);
	CHECK_EQ(bad, 0);
	CHECK_EQ(run(&b, 0), SECCOMP_RET_KILL_PROCESS);
	seccomp_free(&a);
	CHECK_EQ(run(&b, 0), SECCOMP_RET_KILL_PROCESS);
	seccomp_free(&b);
	CHECK_EQ(kmem_outstanding(), before);
}

/* Whatever is let in comes to an end, and reads what is its own. */
TEST(any_program)
{
	struct seccomp_insn in[8];
	uint32_t seed = 1, let_in = 0;
	pid_t bad;

	set_up();
	for (int n = 0; n < 200000; n++) {
		for (int i = 0; i < 8; i++) {
			seed = seed * 1664525 + 1013904223;
			in[i].si_code = (uint16_t)(seed >> 24);
			in[i].si_jt = (uint8_t)(seed >> 8) % 9;
			in[i].si_jf = (uint8_t)(seed >> 12) % 9;
			in[i].si_k = (seed >> 16) % 80;
		}
		in[7].si_code = 0x06;
		/* Most single codes are nonsense: half of it is a filter. */
		for (int i = 0; n % 2 == 0 && i < 7; i++)
			in[i].si_code = (uint16_t[]){ 0x20, 0x60, 0x15, 0x35,
			    0x04, 0x3c, 0x02, 0x07 }[in[i].si_code % 8];
		if (do_seccomp_filter(&a, in, 8, false, &bad) != 0)
			continue;
		let_in++;
		(void)run(&a, n);
		seccomp_free(&a);
	}
	CHECK(let_in > 100);
}
