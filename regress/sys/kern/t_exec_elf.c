/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF headers: what passes, and what each lie is answered with.
 */
/* sources: sys/kern/exec_elf.c */
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/mman.h>
#include <sys/systm.h>

#include <host.h>
#include <ktest.h>

struct eh {
	uint8_t		ident[16];
	uint16_t	type, machine;
	uint32_t	version;
	uint64_t	entry, phoff, shoff;
	uint32_t	flags;
	uint16_t	ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} __packed;

struct ph {
	uint32_t	type, flags;
	uint64_t	offset, vaddr, paddr, filesz, memsz, align;
} __packed;

#define	NPH	6
struct image {
	struct eh	eh;
	struct ph	ph[NPH];
} __packed;

#define	FILESIZE	0x10000

static struct elf_image ei;

/* A small dynamic program: text, data with bss, interpreter, stack. */
static struct image
good(void)
{
	struct image im;

	memset(&im, 0, sizeof(im));
	memcpy(im.eh.ident, "\177ELF\2\1\1", 7);
	im.eh.type = 3;
	im.eh.machine = 62;
	im.eh.version = 1;
	im.eh.entry = 0x1040;
	im.eh.phoff = 64;
	im.eh.ehsize = 64;
	im.eh.phentsize = 56;
	im.eh.phnum = 5;
	im.ph[0] = (struct ph){ 6, 4, 64, 64, 64, 280, 280, 8 };
	im.ph[1] = (struct ph){ 3, 4, 0x300, 0x300, 0, 28, 28, 1 };
	im.ph[2] = (struct ph){ 1, 5, 0, 0, 0, 0x2000, 0x2000, 0x1000 };
	im.ph[3] = (struct ph){ 1, 6, 0x2df0, 0x3df0, 0, 0x220, 0x1000,
	    0x1000 };
	im.ph[4] = (struct ph){ 0x6474e551, 6, 0, 0, 0, 0, 0, 16 };
	return im;
}

static int
parse(const struct image *im)
{
	return elf_parse(im, sizeof(*im), FILESIZE, &ei);
}

TEST(dynamic_program)
{
	struct image im = good();

	CHECK_EQ(parse(&im), 0);
	CHECK_EQ(ei.ei_bits, 64);
	CHECK(ei.ei_dyn);
	CHECK(!ei.ei_execstack);
	CHECK_EQ(ei.ei_entry, 0x1040);
	CHECK_EQ(ei.ei_nsegs, 2);
	CHECK_EQ(ei.ei_phdr, 64);
	CHECK_EQ(ei.ei_phnum, 5);
	CHECK_EQ(ei.ei_low, 0);
	CHECK_EQ(ei.ei_high, 0x4df0);
	CHECK_EQ(ei.ei_align, 0x1000);
	CHECK_EQ(ei.ei_interp_off, 0x300);
	CHECK_EQ(ei.ei_interp_len, 28);
	CHECK_EQ(ei.ei_segs[0].es_prot, PROT_READ | PROT_EXEC);
	CHECK_EQ(ei.ei_segs[1].es_prot, PROT_READ | PROT_WRITE);
	CHECK_EQ(ei.ei_segs[1].es_memsz, 0x1000);
}

TEST(not_elf)
{
	struct image im = good();

	CHECK_EQ(elf_parse("", 0, 0, &ei), ENOEXEC);
	CHECK_EQ(elf_parse("#!/bin/sh\n", 10, 10, &ei), ENOEXEC);
	CHECK_EQ(elf_parse(&im, 63, FILESIZE, &ei), ENOEXEC);
	im.eh.ident[0] = 0;
	CHECK_EQ(parse(&im), ENOEXEC);
}

TEST(foreign_machines)
{
	struct image im = good();

	im.eh.machine = 183;		/* ARM */
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.eh.ident[5] = 2;		/* big endian */
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.eh.ident[4] = 3;
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.eh.type = 1;			/* an object file */
	CHECK_EQ(parse(&im), ENOEXEC);
}

TEST(headers_outside)
{
	struct image im = good();

	im.eh.phoff = sizeof(im) + 1;
	CHECK_EQ(parse(&im), ENOEXEC);
	im.eh.phoff = ~0ULL;
	CHECK_EQ(parse(&im), ENOEXEC);
	im.eh.phoff = ~0ULL - 55;
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.eh.phnum = NPH + 1;
	CHECK_EQ(parse(&im), ENOEXEC);
	im.eh.phnum = 0;
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.eh.phentsize = 32;
	CHECK_EQ(parse(&im), ENOEXEC);
}

TEST(segments_that_lie)
{
	struct image im;

	im = good();
	im.ph[3].filesz = 0x1001;	/* more than in memory */
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.ph[3].memsz = ~0ULL;
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.ph[3].vaddr = (1ULL << 47) + 0xdf0;
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.ph[3].vaddr = 0x3dff;	/* not congruent to the offset */
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.ph[3].offset = 0x20df0;	/* beyond the file */
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.ph[3].offset = ~0xfffULL + 0xdf0;
	CHECK_EQ(parse(&im), ENOEXEC);
	im = good();
	im.ph[3].vaddr = 0x1df0;	/* inside the one before */
	CHECK_EQ(parse(&im), ENOEXEC);
}

TEST(interpreter_that_lies)
{
	struct image im = good();

	im.ph[1].filesz = 1;
	CHECK_EQ(parse(&im), ENOEXEC);
	im.ph[1].filesz = MAXPATHLEN + 1;
	CHECK_EQ(parse(&im), ENOEXEC);
	im.ph[1].filesz = 28;
	im.ph[1].offset = FILESIZE - 27;
	CHECK_EQ(parse(&im), ENOEXEC);
	im.ph[1].offset = ~0ULL;
	CHECK_EQ(parse(&im), ENOEXEC);
}

TEST(nothing_to_load)
{
	struct image im = good();

	im.ph[2].type = im.ph[3].type = 0;
	CHECK_EQ(parse(&im), ENOEXEC);
}

TEST(headers_not_mapped)
{
	struct image im = good();

	im.ph[2].offset = 0x1000;
	im.ph[2].vaddr = 0x1000;
	im.ph[2].filesz = im.ph[2].memsz = 0x1000;
	CHECK_EQ(parse(&im), 0);
	CHECK_EQ(ei.ei_phdr, 0);
}

TEST(alignment_and_stack)
{
	struct image im = good();

	im.ph[2].align = 0x200000;
	im.ph[4].flags = 7;
	CHECK_EQ(parse(&im), 0);
	CHECK_EQ(ei.ei_align, 0x200000);
	CHECK(ei.ei_execstack);
	im.ph[2].align = 0x200001;	/* no power of two: not believed */
	CHECK_EQ(parse(&im), 0);
	CHECK_EQ(ei.ei_align, 0x1000);
}

TEST(i386_program)
{
	static const uint8_t bytes[] = {
		0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 3, 0, 1, 0, 0, 0,			/* EXEC, 386 */
		0x54, 0x80, 0x04, 0x08,			/* entry */
		52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,	/* phoff */
		52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0,	/* one header */
		1, 0, 0, 0, 0, 0, 0, 0,			/* LOAD at 0 */
		0x00, 0x80, 0x04, 0x08, 0x00, 0x80, 0x04, 0x08,
		0x60, 0, 0, 0, 0x60, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0,
	};

	CHECK_EQ(elf_parse(bytes, sizeof(bytes), sizeof(bytes) + 16, &ei), 0);
	CHECK_EQ(ei.ei_bits, 32);
	CHECK(!ei.ei_dyn);
	CHECK_EQ(ei.ei_entry, 0x8048054);
	CHECK_EQ(ei.ei_low, 0x8048000);
	CHECK_EQ(ei.ei_phdr, 0x8048034);
	CHECK(ei.ei_execstack);
}
