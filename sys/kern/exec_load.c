/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping an ELF image into a new address space.
 *
 * Overview: file pages are mapped privately; what is left of the last one is
 * cleared when the segment can be written, and the rest of its memory is
 * anonymous.  The address space is not in use yet, so nothing here touches
 * user memory directly.
 */
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

vaddr_t
exec_random(unsigned int bits)
{
	uint64_t r;

	random_bytes(&r, sizeof(r));
	return (vaddr_t)(r & (((uint64_t)1 << bits) - 1)) << PAGE_SHIFT;
}

static int
map_file(struct vmspace *vm, struct file *fp, vaddr_t va, vsize_t size,
    uint64_t offset, vm_prot_t prot)
{
	struct uvm_mapargs args = {
		.va = va, .size = size, .prot = prot,
		.maxprot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.flags = MAP_PRIVATE | MAP_FIXED, .offset = offset, .file = fp
	};
	vaddr_t where;
	int error;

	if (fp->f_ops->fo_mmap == NULL)
		return ENODEV;
	error = fp->f_ops->fo_mmap(fp, (off_t)offset, size, &args.maxprot,
	    args.flags, &args.object);
	if (error != 0)
		return error;
	error = uvm_mmap(vm, &args, &where);
	if (error != 0 && args.object != NULL)
		args.object->uo_ops->pgo_detach(args.object);
	return error;
}

static int
map_anon(struct vmspace *vm, vaddr_t va, vsize_t size, vm_prot_t prot)
{
	struct uvm_mapargs args = {
		.va = va, .size = size, .prot = prot,
		.maxprot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
	};
	vaddr_t where;

	return uvm_mmap(vm, &args, &where);
}

/* Clear [from, to), which is inside one page. */
static int
clear_tail(struct vmspace *vm, vaddr_t from, vaddr_t to)
{
	static const char zeros[256];

	while (from < to) {
		size_t n = MIN(to - from, sizeof(zeros));
		int error = uvm_io(vm, from, (void *)(uintptr_t)zeros, n,
		    UIO_WRITE, true);

		if (error != 0)
			return error;
		from += n;
	}
	return 0;
}

static int
load_segment(struct vmspace *vm, struct file *fp,
    const struct elf_segment *es, vaddr_t bias)
{
	vaddr_t start = trunc_page(es->es_vaddr + bias);
	vaddr_t fileend = es->es_vaddr + bias + (vaddr_t)es->es_filesz;
	vaddr_t memend = round_page(es->es_vaddr + bias +
	    (vaddr_t)es->es_memsz);
	vaddr_t pageend = es->es_filesz != 0 ? round_page(fileend) : start;
	int error;

	if (es->es_filesz != 0) {
		error = map_file(vm, fp, start, pageend - start,
		    rounddown2(es->es_offset, (uint64_t)PAGE_SIZE),
		    es->es_prot);
		if (error != 0)
			return error;
		if (es->es_memsz > es->es_filesz &&
		    (es->es_prot & PROT_WRITE) != 0 &&
		    (error = clear_tail(vm, fileend, pageend)) != 0)
			return error;
	}
	if (memend > pageend)
		return map_anon(vm, pageend, memend - pageend, es->es_prot);
	return 0;
}

int
elf_load(struct vmspace *vm, struct file *fp, const struct elf_image *ei,
    vaddr_t bias)
{
	int error;

	for (unsigned int i = 0; i < ei->ei_nsegs; i++) {
		error = load_segment(vm, fp, &ei->ei_segs[i], bias);
		if (error != 0)
			return error;
	}
	return 0;
}

int
elf_load_anywhere(struct vmspace *vm, struct file *fp,
    const struct elf_image *ei, vaddr_t *bias)
{
	vsize_t size = round_page(ei->ei_high) - ei->ei_low;
	vsize_t slack = ei->ei_align > PAGE_SIZE ? ei->ei_align : 0;
	struct uvm_mapargs args = {
		.size = size + slack, .prot = PROT_NONE,
		.maxprot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
	};
	vaddr_t va;
	int error;

	/* A place for all of it at once; then that is given back. */
	if ((error = uvm_mmap(vm, &args, &va)) != 0)
		return error;
	if ((error = uvm_unmap(vm, va, args.size)) != 0)
		return error;
	*bias = roundup2(va - ei->ei_low, ei->ei_align);
	return elf_load(vm, fp, ei, *bias);
}
