/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stack traces by frame pointers.
 *
 * Overview: every function keeps a frame pointer; the entry assembly sets an
 * odd one where a trapframe is (<machine/frameasm.h>), so the trace goes on
 * behind it with the registers of what was interrupted.
 *
 * A trace must not fault, whatever the stack looks like: every address is
 * checked to lie in the stack that the current thread or this CPU has before it
 * is read, and frames must come at growing addresses.
 */
#include <sys/cpu.h>
#include <sys/ksyms.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/frame.h>
#include <machine/machdep.h>

#define	BACKTRACE_MAX	40		/* lines */

/*
 * Is [addr, addr + size) inside the stack that holds `in`?  Only the stack we
 * are on now (live) can be an exception stack: it surely has its page.
 */
static bool
on_stack(uintptr_t in, bool live, uintptr_t addr, size_t size)
{
	struct lwp *l = curlwp;
	uintptr_t low, high;

	low = trunc_page((uintptr_t)boot_stack);
	high = low + USPACE;
	if (l != NULL && l->l_kstack != 0 && in - l->l_kstack < USPACE) {
		low = l->l_kstack;
		high = low + USPACE;
	} else if (in < low || in >= high) {
		if (!live)
			return false;
		low = trunc_page(in);
		high = low + PAGE_SIZE;
	}
	return addr >= low && addr <= high && size <= high - addr &&
	    (addr & 7) == 0;
}

/* back: 1 for a return address, which may lie behind its function. */
static void
print_pc(uintptr_t pc, unsigned int back)
{
	uintptr_t off;
	const char *name = ksyms_lookup(pc - back, &off);

	if (name != NULL)
		printf("  %016lx %s+0x%lx\n", pc, name, off + back);
	else
		printf("  %016lx\n", pc);
}

void
backtrace_print_from(uintptr_t fp, uintptr_t pc)
{
	const struct trapframe *tf;
	const uintptr_t *frame;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), next;
	bool live = true;

	print_pc(pc, 1);
	for (int n = 0; n < BACKTRACE_MAX; n++) {
		if (fp & 1) {
			tf = (const struct trapframe *)(fp & ~(uintptr_t)1);
			if (!on_stack(here, live, (uintptr_t)tf, sizeof(*tf)))
				return;
			printf("  -- trap %lu, error %lx\n", tf->tf_trapno,
			    tf->tf_err);
			print_pc(tf->tf_rip, 0);
			if (TF_USERMODE(tf))
				return;
			/* It may have been on another stack. */
			here = tf->tf_rsp;
			live = false;
			next = tf->tf_rbp;
		} else {
			frame = (const uintptr_t *)fp;
			if (fp == 0 || !on_stack(here, live, fp, 16))
				return;
			print_pc(frame[1], 1);
			next = frame[0];
			if ((next & ~(uintptr_t)1) <= fp)
				return;
		}
		fp = next;
	}
}

void
backtrace_print(void)
{
	const uintptr_t *frame = __builtin_frame_address(0);

	backtrace_print_from(frame[0], frame[1]);
}
