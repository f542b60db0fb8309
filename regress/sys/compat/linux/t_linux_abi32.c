/* SPDX-License-Identifier: BSD-2-Clause */
/* Structures in the form of the call at work: x86-64, i386, i386 wide. */
/* sources: sys/compat/linux/linux_abi32.c */
#include <sys/errno.h>
#include <sys/proc.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>

#include <ktest.h>

#define	ABI64	0
#define	NARROW	LINUX_ABI_I386
#define	WIDE	(LINUX_ABI_I386 | 0x2)		/* SY_WIDE */

static struct lwp me;

static void
call_is(unsigned int abi)
{
	me.l_callabi = abi;
	shim_set_curlwp(&me);
}

TEST(timespecs)
{
	struct timespec ts[2], out[2] = { { 5, 6 }, { -7, 8 } };
	int32_t n[5] = { 1, 2, -3, 4, 99 };
	int64_t w[5] = { 1, 2, -3, 4, 99 };

	call_is(NARROW);
	CHECK_EQ(linux_timespecs_in(n, ts, 2), 0);
	CHECK(ts[0].tv_sec == 1 && ts[0].tv_nsec == 2);
	CHECK(ts[1].tv_sec == -3 && ts[1].tv_nsec == 4);
	CHECK_EQ(linux_timespecs_out(out, n, 2), 0);
	CHECK(n[0] == 5 && n[1] == 6 && n[2] == -7 && n[3] == 8);
	CHECK_EQ(n[4], 99);
	/* Only the low half of the fraction counts in the wide form. */
	w[1] = (int64_t)0x5500000000LL + 2;
	call_is(WIDE);
	CHECK_EQ(linux_timespecs_in(w, ts, 2), 0);
	CHECK(ts[0].tv_nsec == 2 && ts[1].tv_sec == -3);
	call_is(ABI64);
	CHECK_EQ(linux_timespecs_in(w, ts, 1), 0);
	CHECK_EQ(ts[0].tv_nsec, w[1]);
	CHECK_EQ(linux_timespecs_out(out, w, 2), 0);
	CHECK(w[0] == 5 && w[1] == 6 && w[2] == -7 && w[3] == 8);
	CHECK_EQ(w[4], 99);
}

TEST(timevals_have_one_form)
{
	struct linux_timeval tv[1];
	int32_t n[3] = { 10, 20, 99 };

	call_is(NARROW);
	CHECK_EQ(linux_timevals_in(n, tv, 1), 0);
	CHECK(tv[0].tv_sec == 10 && tv[0].tv_usec == 20);
	call_is(WIDE);
	CHECK_EQ(linux_timevals_in(n, tv, 1), 0);
	CHECK(tv[0].tv_sec == 10 && tv[0].tv_usec == 20);
	tv[0].tv_sec = 33;
	CHECK_EQ(linux_timevals_out(tv, n, 1), 0);
	CHECK(n[0] == 33 && n[1] == 20 && n[2] == 99);
}

TEST(words_and_pointers)
{
	uint32_t v32[3] = { 7, 0xfffffff0, 9 };
	unsigned long p = 0;

	call_is(NARROW);
	CHECK_EQ(linux_ptr_in(v32, 1, &p), 0);
	CHECK_EQ(p, 0xfffffff0UL);
	CHECK_EQ(linux_long_out(0x100000005ULL, &v32[1]), 0);
	CHECK(v32[1] == 5 && v32[2] == 9);
}

TEST(signal_structures)
{
	struct linux32_sigaction a32 = { 1, 0x80000000U, 3, { 4, 5 } };
	struct linux32_stack s32 = { 0x1000, 2, 0x8000 };
	struct linux_sigaction a;
	struct linux_stack s;

	call_is(NARROW);
	CHECK_EQ(linux_sigaction_in(&a32, &a), 0);
	CHECK_EQ(a.lsa_flags, 0x80000000U);
	CHECK_EQ(a.lsa_mask, 0x500000004ULL);
	memset(&a32, 0, sizeof(a32));
	CHECK_EQ(linux_sigaction_out(&a, &a32), 0);
	CHECK(a32.lsa_handler == 1 && a32.lsa_restorer == 3);
	CHECK(a32.lsa_mask[0] == 4 && a32.lsa_mask[1] == 5);
	CHECK_EQ(linux_stack_in(&s32, &s), 0);
	CHECK(s.lss_sp == 0x1000 && s.lss_flags == 2 && s.lss_size == 0x8000);
	memset(&s32, 0, sizeof(s32));
	CHECK_EQ(linux_stack_out(&s, &s32), 0);
	CHECK(s32.lss_sp == 0x1000 && s32.lss_size == 0x8000);
}

TEST(siginfo)
{
	struct linux32_siginfo s32;
	struct linux_siginfo s;

	memset(&s, 0, sizeof(s));
	s.lsi_signo = SIGSEGV;
	s.lsi_code = SEGV_MAPERR;
	s.lsi.fault.addr = 0xdeadbeef;
	linux32_siginfo_from(&s32, &s);
	CHECK_EQ(s32.lsi.fault.addr, 0xdeadbeef);
	memset(&s, 0, sizeof(s));
	s.lsi_signo = SIGCHLD;
	s.lsi_code = CLD_EXITED;
	s.lsi.chld.pid = 44;
	s.lsi.chld.status = 3;
	s.lsi.chld.stime = 12;
	linux32_siginfo_from(&s32, &s);
	CHECK(s32.lsi.chld.pid == 44 && s32.lsi.chld.status == 3 &&
	    s32.lsi.chld.stime == 12);
	memset(&s, 0, sizeof(s));
	s.lsi_signo = SIGUSR1;
	s.lsi_code = SI_QUEUE;
	s.lsi.rt.pid = 5;
	s.lsi.rt.uid = 6;
	s.lsi.rt.value = 0x1234567887654321ULL;
	linux32_siginfo_from(&s32, &s);
	CHECK_EQ(s32.lsi.rt.value, 0x87654321U);
	call_is(NARROW);
	memset(&s, 0xff, sizeof(s));
	CHECK_EQ(linux_siginfo_in(&s32, &s), 0);
	CHECK(s.lsi_code == SI_QUEUE && s.lsi.rt.pid == 5 &&
	    s.lsi.rt.value == 0x87654321U);
}
