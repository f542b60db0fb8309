/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO as linked (sys/conf/kern.mk), in whole pages of read-only data.
 */
	.section .rodata.vdso, "a", @progbits
	.balign	4096
	.globl	linux_vdso64_image, linux_vdso64_end
linux_vdso64_image:
	.incbin	"vdso64.so"
	.balign	4096
linux_vdso64_end:
