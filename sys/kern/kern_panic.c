/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panic: the end after a kernel bug.
 *
 * Overview: the first CPU that panics stops the others, says why, shows the
 * stack and tells the hypervisor that the guest has crashed.  Other CPUs that
 * panic meanwhile stop silently.  A panic inside the panic skips to the end.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/intr.h>

const char *panicstr;

static struct cpu_info *volatile panic_cpu;	/* [a] who came first */
static char panic_text[256];

/* Claim the panic, or do not return. */
static void
panic_claim(struct cpu_info *ci)
{
	static bool again;

	if (atomic_cas(&panic_cpu, NULL, ci))
		return;
	if (panic_cpu != ci)
		cpu_halt();
	if (!again) {
		again = true;
		printf("panic: a second one, while the first was reported\n");
	}
	cpu_reboot(RB_CRASH);
}

void
panic(const char *fmt, ...)
{
	struct cpu_info *ci;
	struct lwp *l;
	va_list ap;

	(void)intr_disable();
	ci = curcpu();
	panic_claim(ci);
	va_start(ap, fmt);
	(void)vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
	va_end(ap);
	panicstr = panic_text;
	cpu_stop_for_panic();
	l = curlwp;
	printf("panic: %s\n", panic_text);
	printf("cpu%u, thread %d (%s), %s\n", ci->ci_index,
	    l != NULL ? (int)l->l_tid : -1, l != NULL ? l->l_name : "none",
	    version);
	printf("backtrace:\n");
	backtrace_print();
	cpu_reboot(RB_CRASH);
}

void
kassert_fail(const char *expr, const char *func, const char *file, int line)
{
	panic("assertion \"%s\" failed: %s(), %s:%d", expr, func, file, line);
}
