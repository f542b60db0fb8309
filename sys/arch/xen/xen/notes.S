/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF notes that do not depend on the guest type; each type adds its own
 * next to its entry point.
 */
#include <xen/notes.h>

	XEN_NOTE(XEN_ELFNOTE_GUEST_OS,		.asciz "Domus")
	XEN_NOTE(XEN_ELFNOTE_GUEST_VERSION,	.asciz DOMUS_RELEASE)
	XEN_NOTE(XEN_ELFNOTE_SUSPEND_CANCEL,	.long 1)
