# SPDX-License-Identifier: BSD-2-Clause
#
# Builds one kernel.  Run by build.sh in the build directory, after config
# has written files.mk, opt.h and ioconf.c there:
#	make -f sys/conf/kern.mk TOP=<tree> OBJ=<object directory>
#
# An object has its source's path: sys/kern/x.c becomes ./sys/kern/x.c.o.

.DEFAULT_GOAL := all

include files.mk
include $(TOP)/sys/arch/$(MACHINE)/conf/machine.mk

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
LD := $(if $(filter default,$(origin LD)),ld,$(LD))
NM ?= nm
OBJCOPY ?= objcopy
READELF ?= readelf

KERNEL = domus-$(CONF)
LIBDEFLATE = $(OBJ)/src/libdeflate

WARN = -Wall -Wextra -Werror
ifneq ($(findstring clang,$(CC)),)
WARN += -Wno-unused-command-line-argument
endif

CPPFLAGS = -D_KERNEL -DLIBBSD_OVERLAY -D_LIBC_LIMITS_H_ \
	-D__XEN_INTERFACE_VERSION__=0x00040d00 \
	-nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-include opt.h -Igen -Iinclude -Iinclude-pub -I$(TOP)/sys \
	-DDOMUS_RELEASE=\"$(shell cat $(TOP)/sys/conf/release)\"
CFLAGS = -std=gnu17 -O2 -g -ffreestanding -fno-pic -fno-pie \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-stack-protector \
	-fno-common -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections \
	-ffile-prefix-map=$(TOP)/= $(MACHINE_CFLAGS) $(COPTS)
LDFLAGS = $(MACHINE_LDFLAGS) -nostdlib -static --gc-sections \
	-z max-page-size=0x1000 -z noexecstack -z nostart-stop-gc \
	--build-id=none

OBJS := $(SRCS:=.o)
GENOBJS := ioconf.o vers.o

# gzip for the initramfs: the library's portable C, without its SIMD files
# (the guard macros keep their headers out: kernel code leaves SSE alone).
ifneq ($(filter sys/lib/gunzip.c,$(SRCS)),)
DEFLATEOBJS := libdeflate/deflate_decompress.o libdeflate/gzip_decompress.o \
	libdeflate/crc32.o libdeflate/utils.o
DEFLATEFLAGS = -DFREESTANDING -DLIB_X86_DECOMPRESS_IMPL_H \
	-DLIB_X86_CRC32_IMPL_H -I$(LIBDEFLATE) -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers
sys/lib/gunzip.c.o: CPPFLAGS += -I$(LIBDEFLATE)
endif

# The system-call tables, once the master file is there.
MASTER = $(TOP)/sys/compat/linux/syscalls.master
MKSYSCALLS = $(TOP)/tools/mksyscalls/mksyscalls
ifneq ($(wildcard $(MASTER)),)
GENHDRS := gen/compat/linux/linux_syscallargs.h
GENOBJS += gen/linux_sysent.o
endif

ALLOBJS := $(OBJS) $(GENOBJS) $(DEFLATEOBJS)
LDSCRIPT = $(TOP)/sys/arch/$(MACHINE)/conf/kern.ldscript

Q = $(if $(V),,@)
note = @printf '  %-7s %s\n' $(1) $(2)

all: $(KERNEL)

# --- Linking -------------------------------------------------------------
# Twice: the first link gives the functions' addresses, from which the symbol
# table of the second is made.  The table is read-only data and lies behind
# the text, so that no function moves; this is checked.

$(KERNEL).nosyms: $(ALLOBJS) ksyms0.o $(LDSCRIPT)
	$(call note,LINK,$(KERNEL))
	$(Q)$(LD) $(LDFLAGS) -T $(LDSCRIPT) -o $@ $(ALLOBJS) ksyms0.o

$(KERNEL).debug: $(KERNEL).nosyms
	$(Q)$(NM) -n $(KERNEL).nosyms >nm1
	$(Q)$(OBJ)/tools/ksyms <nm1 >ksyms1.c
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) -c -o ksyms1.o ksyms1.c
	$(Q)$(LD) $(LDFLAGS) -T $(LDSCRIPT) -o $@.new $(ALLOBJS) ksyms1.o
	$(Q)$(NM) -n $@.new | grep -i ' t ' >nm2
	$(Q)grep -i ' t ' nm1 | cmp -s - nm2 || \
	    { echo "$(KERNEL): functions moved in the second link" >&2; exit 1; }
	$(Q)mv $@.new $@

$(KERNEL): $(KERNEL).debug
	$(Q)$(OBJCOPY) --strip-debug $(KERNEL).debug $@.new
	$(Q)mv $@.new $@

ksyms0.c: $(OBJ)/tools/ksyms
	$(Q)$(OBJ)/tools/ksyms </dev/null >$@

# --- Generated sources ---------------------------------------------------

vers.c: FORCE
	$(Q)sh $(TOP)/sys/conf/newvers $(CONF) "$(CC)" >$@.new
	$(Q)cmp -s $@.new $@ || cp $@.new $@

FORCE:

gen/compat/linux/linux_syscallargs.h: $(MASTER) $(MKSYSCALLS)
	$(call note,GEN,$@)
	$(Q)mkdir -p gen/compat/linux
	$(Q)$(MKSYSCALLS) header $(MASTER) >$@.new && mv $@.new $@

gen/linux_sysent.c: $(MASTER) $(MKSYSCALLS)
	$(Q)mkdir -p gen
	$(Q)$(MKSYSCALLS) table $(MASTER) >$@.new && mv $@.new $@

# --- The vDSO ------------------------------------------------------------
# A shared object for user mode, linked into the kernel as data.

VDSO = $(TOP)/sys/compat/linux/vdso
VDSOFLAGS = -std=gnu17 -O2 -ffreestanding -fPIC -fno-stack-protector \
	-fvisibility=hidden -fasynchronous-unwind-tables -nostdinc \
	-mgeneral-regs-only -fcf-protection=none \
	-isystem $(shell $(CC) -print-file-name=include) -I$(TOP)/sys

vdso64.o: $(VDSO)/vdso.c flags
	$(call note,CC,vdso64)
	$(Q)$(CC) -m64 $(VDSOFLAGS) $(WARN) -MMD -MP -c -o $@ $<

vdso64.so: vdso64.o $(VDSO)/vdso.ldscript
	$(Q)$(LD) -m elf_x86_64 -shared --soname linux-vdso.so.1 \
	    --hash-style=both --eh-frame-hdr --build-id=none -z noexecstack \
	    -z max-page-size=0x1000 -T $(VDSO)/vdso.ldscript -o $@ vdso64.o
	$(Q)! $(READELF) -rW $@ | grep -q R_X86_64 || \
	    { echo "vdso64.so needs relocation" >&2; rm $@; exit 1; }

sys/compat/linux/linux_vdso_image.S.o: vdso64.so
-include vdso64.d

# --- Compiling -----------------------------------------------------------
# `flags` changes when the compiler or its flags do: everything is rebuilt.

FLAGSTEXT := $(CC) $(shell $(CC) -dumpversion) $(CFLAGS) $(CPPFLAGS) $(WARN)
$(shell echo '$(FLAGSTEXT)' | cmp -s - flags || echo '$(FLAGSTEXT)' >flags)
$(shell sh $(TOP)/sys/conf/mkincludes $(TOP) $(MACHINE))

sys/%.c.o: $(TOP)/sys/%.c flags | $(GENHDRS)
	$(call note,CC,sys/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) -MMD -MP -c -o $@ $<

sys/%.S.o: $(TOP)/sys/%.S flags
	$(call note,AS,sys/$*.S)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) -D__ASSEMBLER__ -MMD -MP -c -o $@ $<

libdeflate/%.o: $(LIBDEFLATE)/lib/%.c flags
	$(call note,CC,libdeflate/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) $(DEFLATEFLAGS) -MMD -MP \
	    -c -o $@ $<

$(GENOBJS) ksyms0.o: %.o: %.c flags | $(GENHDRS)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) -MMD -MP -c -o $@ $<

.PHONY: all FORCE
.DELETE_ON_ERROR:
.SECONDARY:

-include $(ALLOBJS:.o=.d)
