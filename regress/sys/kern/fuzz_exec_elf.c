/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are anything: what passes must be mappable.
 */
/* sources: sys/kern/exec_elf.c */
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/systm.h>

#include <ktest.h>

int	fuzz_one(const uint8_t *, size_t);

static void
check_image(const struct elf_image *ei, uint64_t filesize)
{
	vaddr_t end = 0;

	KASSERT(ei->ei_nsegs > 0 && ei->ei_nsegs <= 32);
	for (unsigned int i = 0; i < ei->ei_nsegs; i++) {
		const struct elf_segment *es = &ei->ei_segs[i];

		KASSERT(es->es_memsz > 0 && es->es_filesz <= es->es_memsz);
		KASSERT(es->es_offset + es->es_filesz <= filesize);
		KASSERT(es->es_vaddr >= end);
		end = es->es_vaddr + (vaddr_t)es->es_memsz;
		KASSERT(end >= es->es_vaddr);
		KASSERT(es->es_filesz == 0 ||
		    ((es->es_offset ^ es->es_vaddr) & PAGE_MASK) == 0);
	}
	KASSERT(ei->ei_high == end && ei->ei_low <= end);
	KASSERT((ei->ei_align & (ei->ei_align - 1)) == 0);
	KASSERT(ei->ei_interp_len == 0 ||
	    ei->ei_interp_off + ei->ei_interp_len <= filesize);
}

int
fuzz_one(const uint8_t *data, size_t size)
{
	struct elf_image ei;
	uint64_t filesize;
	int error;

	if (size < 4)
		return 0;
	/* The file may be longer than what is looked at. */
	filesize = size - 4 + (data[0] | (uint64_t)data[1] << 8) * 64;
	error = elf_parse(data + 4, size - 4, filesize, &ei);
	KASSERT(error == 0 || error == ENOEXEC);
	if (error == 0)
		check_image(&ei, filesize);
	return 0;
}
