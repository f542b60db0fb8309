/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock-order checker. */
/* sources: sys/kern/lock_order.c */
/* cflags: -DDEBUG */
#include <sys/cpu.h>
#include <sys/ksyms.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include <ktest.h>

#include "../../../sys/kern/lock_order.h"

static struct lwp self;
static char printed[1024];

void
printf(const char *fmt, ...)
{
	size_t n = strlen(printed);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(printed + n, sizeof(printed) - n, fmt, ap);
	va_end(ap);
}

void
backtrace_print(void)
{
}

const char *
ksyms_lookup(uintptr_t va, uintptr_t *off)
{
	*off = va & 0xff;
	return va >= 0x2000 ? "second" : "first";
}

static int locks[16];

static void
enter(unsigned int n, const char *name, uintptr_t pc)
{
	lockorder_enter(&locks[n], name, LOCK_SPIN, false, pc);
}

static void
leave(unsigned int n)
{
	lockorder_exit(&locks[n]);
}

/* Take a, then b, and release. */
static void
pair(const char *a, const char *b)
{
	enter(0, a, 0x1010);
	enter(1, b, 0x2020);
	leave(1);
	leave(0);
}

static void
begin(void)
{
	shim_set_curlwp(&self);
}

TEST(declared_order)
{
	const char *outer = lock_order[0].lc_name;
	const char *inner = lock_order[lock_order_count - 1].lc_name;

	begin();
	pair(outer, inner);
	CHECK_EQ(lockorder_reports, 0);
	pair(inner, outer);
	CHECK_EQ(lockorder_reports, 1);
	CHECK(strstr(printed, "first+0x10") != NULL);
	CHECK(strstr(printed, "second+0x20") != NULL);
	pair(inner, outer);			/* reported once */
	CHECK_EQ(lockorder_reports, 1);
}

TEST(declared_names_are_different)
{
	for (unsigned int i = 0; i < lock_order_count; i++)
		for (unsigned int j = 0; j < i; j++)
			CHECK(strcmp(lock_order[i].lc_name,
			    lock_order[j].lc_name) != 0);
}

TEST(learned_order)
{
	begin();
	pair("a", "b");
	pair("a", "b");
	pair("b", "c");
	pair("a", "c");
	CHECK_EQ(lockorder_reports, 0);
	pair("b", "a");
	CHECK_EQ(lockorder_reports, 1);
}

/* a before b and b before c: then c before a is a cycle. */
TEST(cycle_of_three)
{
	begin();
	pair("a", "b");
	pair("b", "c");
	CHECK_EQ(lockorder_reports, 0);
	pair("c", "a");
	CHECK_EQ(lockorder_reports, 1);
}

TEST(cycle_of_four_by_joining)
{
	begin();
	pair("a", "b");
	pair("c", "d");
	pair("b", "c");
	pair("d", "a");
	CHECK_EQ(lockorder_reports, 1);
}

TEST(same_class_twice)
{
	begin();
	pair("a", "a");
	CHECK_EQ(lockorder_reports, 1);
}

TEST(tried_locks)
{
	begin();
	pair("a", "b");
	enter(0, "b", 0x1010);
	lockorder_enter(&locks[1], "a", LOCK_SPIN, true, 0x2020);
	CHECK_EQ(lockorder_reports, 0);
	CHECK_EQ(self.l_nheld, 2);
	leave(0);			/* not in reverse order */
	CHECK_EQ(self.l_nheld, 1);
	enter(2, "b", 0x2020);		/* as learned: a, then b */
	CHECK_EQ(lockorder_reports, 0);
	leave(2);
	leave(1);
	CHECK_EQ(self.l_nheld, 0);
}

TEST(many_held)
{
	begin();
	for (unsigned int i = 0; i < 3; i++) {
		enter(0, "a", 0x1000);
		enter(1, "b", 0x1000);
		enter(2, "c", 0x1000);
		leave(1);
		leave(0);
		leave(2);
	}
	CHECK_EQ(lockorder_reports, 0);
	enter(0, "c", 0x1000);
	enter(1, "x", 0x1000);
	enter(2, "a", 0x2000);
	CHECK_EQ(lockorder_reports, 1);
}

TEST(more_than_fit)
{
	char names[16][4];

	begin();
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 16; i++) {
			snprintf(names[i], sizeof(names[i]), "n%u", i);
			enter(i, names[i], 0x1000);
		}
		lockorder_enter(&self, "more", LOCK_SPIN, false, 0x1000);
		lockorder_exit(&self);
		for (unsigned int i = 0; i < 16; i++)
			leave(i);
		CHECK_EQ(self.l_nheld, 0);
	}
	CHECK_EQ(lockorder_reports, 0);
}

TEST(sleeping_in_the_wrong_place)
{
	struct cpu_info *ci = curcpu();

	begin();
	lockorder_sleep("fine");
	ci->ci_spin_depth = 1;
	CHECK_PANIC(lockorder_sleep("spin"));
	CHECK_PANIC(lockorder_enter(&locks[0], "mutex x", LOCK_SLEEP, false,
	    0x1000));
	lockorder_enter(&locks[0], "mutex x", LOCK_SLEEP, true, 0x1000);
	ci->ci_spin_depth = 0;
	ci->ci_in_softint = true;
	CHECK_PANIC(lockorder_sleep("softint"));
	ci->ci_in_softint = false;
	ci->ci_intr_depth = 1;
	CHECK_PANIC(lockorder_sleep("interrupt"));
}
