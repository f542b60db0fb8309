/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ELF program headers.
 *
 * Overview: elf_parse() turns the first bytes of a file into an elf_image.  It
 * only looks at the bytes it is given; the loader is exec_load.c.
 *
 * Untrusted input: everything.  A file passes only if its segments are in
 * ascending order, do not overlap, lie in user space and in the file, and can
 * be mapped page by page.
 */
#include <sys/assert.h>
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/libkern.h>
#include <sys/mman.h>
#include <sys/param.h>

#define	ELFMAG		"\177ELF"
#define	EI_CLASS	4
#define	EI_DATA		5
#define	EI_VERSION	6
#define	ELFCLASS32	1
#define	ELFCLASS64	2
#define	ELFDATA2LSB	1
#define	EV_CURRENT	1
#define	ET_EXEC		2
#define	ET_DYN		3
#define	EM_386		3
#define	EM_X86_64	62
#define	PT_LOAD		1
#define	PT_INTERP	3
#define	PT_GNU_STACK	0x6474e551
#define	PF_X		1
#define	PF_W		2
#define	PF_R		4

/* User addresses end below these, whatever the map allows. */
#define	ELF_MAX64	((uint64_t)1 << 47)
#define	ELF_MAX32	((uint64_t)1 << 32)

struct elf64_ehdr {
	uint8_t		e_ident[16];
	uint16_t	e_type, e_machine;
	uint32_t	e_version;
	uint64_t	e_entry, e_phoff, e_shoff;
	uint32_t	e_flags;
	uint16_t	e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum,
			e_shstrndx;
};

struct elf32_ehdr {
	uint8_t		e_ident[16];
	uint16_t	e_type, e_machine;
	uint32_t	e_version;
	uint32_t	e_entry, e_phoff, e_shoff;
	uint32_t	e_flags;
	uint16_t	e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum,
			e_shstrndx;
};

struct elf64_phdr {
	uint32_t	p_type, p_flags;
	uint64_t	p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

struct elf32_phdr {
	uint32_t	p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz,
			p_flags, p_align;
};

CTASSERT(sizeof(struct elf64_ehdr) == 64 && sizeof(struct elf32_ehdr) == 52);
CTASSERT(sizeof(struct elf64_phdr) == 56 && sizeof(struct elf32_phdr) == 32);

/* What is at work: the bytes and what they become. */
struct elf_parser {
	const uint8_t	*ep_bytes;
	size_t		ep_len;
	uint64_t	ep_filesize;
	uint64_t	ep_max;
	struct elf_image *ep_image;
};

static int
parse_ehdr64(struct elf_parser *ep)
{
	struct elf_image *ei = ep->ep_image;
	struct elf64_ehdr eh;

	if (ep->ep_len < sizeof(eh))
		return ENOEXEC;
	memcpy(&eh, ep->ep_bytes, sizeof(eh));
	if (eh.e_machine != EM_X86_64 ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) ||
	    eh.e_phentsize != sizeof(struct elf64_phdr))
		return ENOEXEC;
	ei->ei_bits = 64;
	ei->ei_dyn = eh.e_type == ET_DYN;
	ei->ei_entry = eh.e_entry;
	ei->ei_phoff = eh.e_phoff;
	ei->ei_phnum = eh.e_phnum;
	ei->ei_phent = eh.e_phentsize;
	ep->ep_max = ELF_MAX64;
	return eh.e_phoff <= ep->ep_len ? 0 : ENOEXEC;
}

static int
parse_ehdr32(struct elf_parser *ep)
{
	struct elf_image *ei = ep->ep_image;
	struct elf32_ehdr eh;

	if (ep->ep_len < sizeof(eh))
		return ENOEXEC;
	memcpy(&eh, ep->ep_bytes, sizeof(eh));
	if (eh.e_machine != EM_386 ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) ||
	    eh.e_phentsize != sizeof(struct elf32_phdr))
		return ENOEXEC;
	ei->ei_bits = 32;
	ei->ei_dyn = eh.e_type == ET_DYN;
	ei->ei_entry = eh.e_entry;
	ei->ei_phoff = eh.e_phoff;
	ei->ei_phnum = eh.e_phnum;
	ei->ei_phent = eh.e_phentsize;
	ei->ei_execstack = true;	/* unless a header says otherwise */
	ep->ep_max = ELF_MAX32;
	return eh.e_phoff <= ep->ep_len ? 0 : ENOEXEC;
}

static void
fetch_phdr(const struct elf_parser *ep, unsigned int n, struct elf64_phdr *ph)
{
	const struct elf_image *ei = ep->ep_image;
	const uint8_t *p = ep->ep_bytes + ei->ei_phoff +
	    (size_t)n * ei->ei_phent;
	struct elf32_phdr ph32;

	if (ei->ei_bits == 64) {
		memcpy(ph, p, sizeof(*ph));
		return;
	}
	memcpy(&ph32, p, sizeof(ph32));
	ph->p_type = ph32.p_type;
	ph->p_flags = ph32.p_flags;
	ph->p_offset = ph32.p_offset;
	ph->p_vaddr = ph32.p_vaddr;
	ph->p_filesz = ph32.p_filesz;
	ph->p_memsz = ph32.p_memsz;
	ph->p_align = ph32.p_align;
}

static int
parse_load(struct elf_parser *ep, const struct elf64_phdr *ph)
{
	struct elf_image *ei = ep->ep_image;
	struct elf_segment *es;

	if (ph->p_memsz == 0)
		return 0;
	if (ei->ei_nsegs == __arraycount(ei->ei_segs))
		return ENOEXEC;
	if (ph->p_filesz > ph->p_memsz || ph->p_vaddr >= ep->ep_max ||
	    ph->p_memsz > ep->ep_max - ph->p_vaddr)
		return ENOEXEC;
	if (ph->p_filesz != 0 &&
	    ((ph->p_offset ^ ph->p_vaddr) & PAGE_MASK) != 0)
		return ENOEXEC;
	if (ph->p_offset > ep->ep_filesize ||
	    ph->p_filesz > ep->ep_filesize - ph->p_offset)
		return ENOEXEC;
	if (ei->ei_nsegs != 0 && ph->p_vaddr < ei->ei_high)
		return ENOEXEC;
	es = &ei->ei_segs[ei->ei_nsegs++];
	es->es_vaddr = (vaddr_t)ph->p_vaddr;
	es->es_offset = ph->p_offset;
	es->es_filesz = ph->p_filesz;
	es->es_memsz = ph->p_memsz;
	es->es_prot = ((ph->p_flags & PF_R) != 0 ? PROT_READ : 0) |
	    ((ph->p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
	    ((ph->p_flags & PF_X) != 0 ? PROT_EXEC : 0);
	if (ei->ei_nsegs == 1)
		ei->ei_low = trunc_page(es->es_vaddr);
	ei->ei_high = (vaddr_t)(ph->p_vaddr + ph->p_memsz);
	if ((ph->p_align & (ph->p_align - 1)) == 0 &&
	    ph->p_align > ei->ei_align && ph->p_align <= ((uint64_t)1 << 30))
		ei->ei_align = (vaddr_t)ph->p_align;
	return 0;
}

static int
parse_interp(struct elf_parser *ep, const struct elf64_phdr *ph)
{
	struct elf_image *ei = ep->ep_image;

	if (ei->ei_interp_len != 0)
		return 0;
	if (ph->p_filesz < 2 || ph->p_filesz > MAXPATHLEN ||
	    ph->p_offset > ep->ep_filesize ||
	    ph->p_filesz > ep->ep_filesize - ph->p_offset)
		return ENOEXEC;
	ei->ei_interp_off = ph->p_offset;
	ei->ei_interp_len = ph->p_filesz;
	return 0;
}

static int
parse_phdr(struct elf_parser *ep, const struct elf64_phdr *ph)
{
	switch (ph->p_type) {
	case PT_LOAD:
		return parse_load(ep, ph);
	case PT_INTERP:
		return parse_interp(ep, ph);
	case PT_GNU_STACK:
		ep->ep_image->ei_execstack = (ph->p_flags & PF_X) != 0;
		return 0;
	default:
		return 0;
	}
}

/* Where the program finds its own headers: in the segment that has them. */
static void
locate_phdrs(struct elf_image *ei)
{
	for (unsigned int i = 0; i < ei->ei_nsegs; i++) {
		const struct elf_segment *es = &ei->ei_segs[i];
		uint64_t len = (uint64_t)ei->ei_phnum * ei->ei_phent;

		if (ei->ei_phoff >= es->es_offset &&
		    ei->ei_phoff - es->es_offset < es->es_filesz &&
		    len <= es->es_filesz - (ei->ei_phoff - es->es_offset)) {
			ei->ei_phdr = es->es_vaddr +
			    (vaddr_t)(ei->ei_phoff - es->es_offset);
			return;
		}
	}
}

int
elf_parse(const void *hdr, size_t hdrlen, uint64_t filesize,
    struct elf_image *ei)
{
	struct elf_parser ep = {
		.ep_bytes = hdr, .ep_len = hdrlen, .ep_filesize = filesize,
		.ep_image = ei
	};
	struct elf64_phdr ph;
	int error;

	memset(ei, 0, sizeof(*ei));
	ei->ei_align = PAGE_SIZE;
	if (hdrlen < 16 || memcmp(hdr, ELFMAG, 4) != 0 ||
	    ep.ep_bytes[EI_DATA] != ELFDATA2LSB ||
	    ep.ep_bytes[EI_VERSION] != EV_CURRENT)
		return ENOEXEC;
	if (ep.ep_bytes[EI_CLASS] == ELFCLASS64)
		error = parse_ehdr64(&ep);
	else if (ep.ep_bytes[EI_CLASS] == ELFCLASS32)
		error = parse_ehdr32(&ep);
	else
		error = ENOEXEC;
	if (error != 0)
		return error;
	if (ei->ei_phnum == 0 ||
	    ei->ei_phnum > (hdrlen - ei->ei_phoff) / ei->ei_phent)
		return ENOEXEC;
	for (unsigned int i = 0; i < ei->ei_phnum; i++) {
		fetch_phdr(&ep, i, &ph);
		if ((error = parse_phdr(&ep, &ph)) != 0)
			return error;
	}
	if (ei->ei_nsegs == 0 || ei->ei_entry >= ep.ep_max)
		return ENOEXEC;
	locate_phdrs(ei);
	return 0;
}
