/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt flag of a PVH guest is the CPU's.
 *
 * Overview: the sites of <machine/intr.h> hold the code of a PV guest.  Here
 * they get their PVH code, of the same length and with the same result in al,
 * at boot, when the image is still mapped for writing and there is one CPU.
 */
#include <sys/systm.h>
#include <machine/intr.h>

#include "pvh_private.h"

#define	NOP3	0x0f, 0x1f, 0x00
#define	NOP5	0x0f, 0x1f, 0x44, 0x00, 0x00
#define	NOP6	0x66, NOP5
#define	NOP8	0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00

/* pushfq; popq %rax; cli; shrl $9, %eax; andb $1, %al */
static const unsigned char code_disable[INTR_DISABLE_SIZE] = {
	0x9c, 0x58, 0xfa, 0xc1, 0xe8, 0x09, 0x24, 0x01, NOP8, NOP3
};
/* sti; xorl %eax, %eax */
static const unsigned char code_enable[INTR_ENABLE_SIZE] = {
	0xfb, 0x31, 0xc0, NOP8, NOP6
};
/* pushfq; popq %rax; shrl $9, %eax; andb $1, %al */
static const unsigned char code_enabled[INTR_ENABLED_SIZE] = {
	0x9c, 0x58, 0xc1, 0xe8, 0x09, 0x24, 0x01, NOP3
};

#define	SITES(name)							\
	extern unsigned char *__start_intr_##name##_sites[];		\
	extern unsigned char *__stop_intr_##name##_sites[]
SITES(disable);
SITES(enable);
SITES(enabled);

static void
patch(unsigned char **site, unsigned char **stop, const void *code, size_t n)
{
	for (; site < stop; site++)
		memcpy(*site, code, n);
}

void
pvh_intr_patch(void)
{
	patch(__start_intr_disable_sites, __stop_intr_disable_sites,
	    code_disable, sizeof(code_disable));
	patch(__start_intr_enable_sites, __stop_intr_enable_sites,
	    code_enable, sizeof(code_enable));
	patch(__start_intr_enabled_sites, __stop_intr_enabled_sites,
	    code_enabled, sizeof(code_enabled));
}
