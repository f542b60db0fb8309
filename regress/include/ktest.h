/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of kernel sources on the host.
 *
 * A test file regress/<path>/t_NAME.c starts with the sources it tests, then
 * includes <ktest.h> and kernel headers (it is compiled like kernel code):
 *
 *	/+ sources: sys/lib/number.c sys/kern/foo.c +/	(C comments)
 *	/+ cflags: -DXENPV +/				optional
 *	/+ variants: gcc64 clang64 +/			optional, else all four
 *
 *	TEST(what_it_shows)
 *	{
 *		CHECK_EQ(foo(1), 2);
 *	}
 *
 * Each TEST runs in a process of its own under ASan and UBSan.  What the
 * sources need from the rest of the kernel comes from regress/lib/shim, and
 * from the other files a test names; a test's own definition of a function
 * replaces the shim's.  A fuzzer fuzz_NAME.c has the same header and
 * `int fuzz_one(const uint8_t *data, size_t size)` instead of TESTs.
 */
#ifndef _KTEST_H_
#define	_KTEST_H_

#include <sys/linkset.h>
#include <sys/types.h>

struct ktest {
	const char	*kt_name;
	void		(*kt_func)(void);
};

#define	TEST(name)							\
	static void test_##name(void);					\
	static const struct ktest ktest_##name = { #name, test_##name }; \
	SET_ENTRY(ktest, ktest_##name);					\
	static void test_##name(void)

void	ktest_fail(const char *file, int line, const char *, ...)
	    __printflike(3, 4) __dead;

#define	CHECK(e)							\
	((e) ? (void)0 : ktest_fail(__FILE__, __LINE__, "CHECK(%s)", #e))

#define	CHECK_EQ(a, b)	do {						\
	intmax_t __a = (intmax_t)(a), __b = (intmax_t)(b);		\
	if (__a != __b)							\
		ktest_fail(__FILE__, __LINE__,				\
		    "%s is %jd (0x%jx), not %s = %jd (0x%jx)",		\
		    #a, __a, (uintmax_t)__a, #b, __b, (uintmax_t)__b);	\
} while (0)

#define	CHECK_STR(a, b)	do {						\
	const char *__a = (a), *__b = (b);				\
	if (!ktest_streq(__a, __b))					\
		ktest_fail(__FILE__, __LINE__,				\
		    "%s is \"%s\", not \"%s\"", #a, __a, __b);		\
} while (0)
bool	ktest_streq(const char *, const char *);

/* The statement ends in a panic (or a failed KASSERT). */
#define	CHECK_PANIC(stmt)	do {					\
	static bool __returned;						\
	__returned = false;						\
	if (ktest_setjmp(ktest_panic_jmp()) == 0) {			\
		stmt;							\
		__returned = true;					\
	}								\
	ktest_panic_done();						\
	if (__returned)							\
		ktest_fail(__FILE__, __LINE__, "no panic: %s", #stmt);	\
} while (0)
int	ktest_setjmp(void *) __asm__("_setjmp")
	    __attribute__((__returns_twice__));
void	*ktest_panic_jmp(void);
void	ktest_panic_done(void);

/*
 * Allocation failure.  kmem_fail_after(n): the allocation after the next n
 * fails, once; -1: none.  kmem_failed(): it did.  KTEST_NTH_FAIL repeats a
 * statement with the 1st, 2nd, 3rd ... allocation failing, until it runs
 * through without reaching the one that would fail.
 */
void	kmem_fail_after(int n);
bool	kmem_failed(void);
size_t	kmem_outstanding(void);		/* bytes allocated now */

#define	KTEST_NTH_FAIL(stmt)	do {					\
	for (int __n = 0; ; __n++) {					\
		kmem_fail_after(__n);					\
		stmt;							\
		if (!kmem_failed())					\
			break;						\
	}								\
	kmem_fail_after(-1);						\
} while (0)

/* The clock stands still but for these. */
void	shim_set_time(nsec_t uptime);
void	shim_advance(nsec_t span);	/* and fire the callouts due */
void	shim_run_softints(void);	/* until none is pending */
unsigned int shim_softints(void);	/* how many are established */
void	shim_run_tasks(void);		/* queued tasks, until none is left */

/*
 * Called when the one thread there is would sleep: lets a test play the
 * other side.  False (or no hook): there is nobody to wake it, a panic; with
 * a deadline, the time moves there.
 */
extern bool (*shim_sleep_hook)(const char *wchan);
extern bool shim_signal_pending;	/* *_sig sleeps end in ERESTARTSYS */

/* User memory is the host's; accesses to this range fault. */
void	shim_fault_range(const void *start, size_t len);

extern const char *shim_cmdline;	/* what boot_option() looks at */

/* The thread and CPU the code under test believes to run on. */
struct cpu_info;
struct lwp;
extern struct cpu_info *shim_curcpu;
void	shim_set_curlwp(struct lwp *);

#endif /* !_KTEST_H_ */
