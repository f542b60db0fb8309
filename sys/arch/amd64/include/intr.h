/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts on or off on this CPU.  Nested use: keep what intr_disable()
 * returned and give it to intr_restore().  Enabling takes events that came in
 * meanwhile at once.
 *
 * Every spin lock comes through here, so it is code in place.  A PV guest's
 * flag is the byte evtchn_upcall_mask next to %gs; a PVH guest's is the CPU's
 * own, and its entry code (pvh_intr.c) puts that in at every site.
 */
#ifndef _MACHINE_INTR_H_
#define	_MACHINE_INTR_H_

#include <machine/asm_offsets.h>
#include <sys/types.h>

/* Bytes of a site's code. */
#define	INTR_DISABLE_SIZE	19
#define	INTR_ENABLE_SIZE	17
#define	INTR_ENABLED_SIZE	10

#define	INTR_STR1(x)	#x
#define	INTR_STR(x)	INTR_STR1(x)
#define	INTR_SITE(name, size, code)					\
	"661:" code "\n"						\
	".org 661b + " INTR_STR(size) ", 0x90\n"			\
	".pushsection intr_" name "_sites, \"a\", @progbits\n"		\
	".balign 8; .quad 661b\n"					\
	".popsection"
#define	INTR_MASK	"%%gs:" INTR_STR(CI_UPCALL_MASK)
#define	INTR_PENDING	"%%gs:" INTR_STR(CI_UPCALL_PENDING)

/* What came in while interrupts were off: slow, not needed by callers. */
void	intr_deliver(void);

/* True: they were on. */
static __always_inline bool
intr_disable(void)
{
	bool on;

	/* If the mask was 0, it is 0 on whatever CPU we are by the next one. */
	__asm__ volatile(INTR_SITE("disable", INTR_DISABLE_SIZE,
	    "movb " INTR_MASK ", %%al; movb $1, " INTR_MASK "; xorb $1, %%al")
	    : "=a"(on) : : "memory", "cc");
	return on;
}

static __always_inline void
intr_enable(void)
{
	uint8_t pending;

	__asm__ volatile(INTR_SITE("enable", INTR_ENABLE_SIZE,
	    "movb $0, " INTR_MASK "; movb " INTR_PENDING ", %%al")
	    : "=a"(pending) : : "memory", "cc");
	if (__predict_false(pending != 0))
		intr_deliver();
}

static __always_inline bool
intr_enabled(void)
{
	bool on;

	__asm__ volatile(INTR_SITE("enabled", INTR_ENABLED_SIZE,
	    "movb " INTR_MASK ", %%al; xorb $1, %%al")
	    : "=a"(on) : : "memory", "cc");
	return on;
}

static __always_inline void
intr_restore(bool on)
{
	if (on)
		intr_enable();
}

#endif /* !_MACHINE_INTR_H_ */
