# SPDX-License-Identifier: BSD-2-Clause
#
# Compiler and linker flags of amd64 kernels.

MACHINE_CFLAGS = -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fcf-protection=none
MACHINE_LDFLAGS = -m elf_x86_64
