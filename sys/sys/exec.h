/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading programs: what kern_exec.c, the ELF loader and the personality share.
 */
#ifndef _SYS_EXEC_H_
#define	_SYS_EXEC_H_

#include <sys/types.h>

struct file;
struct cred;

struct exec_package {
	struct file	*ep_file;	/* the program (after #!) */
	struct file	*ep_interp;	/* PT_INTERP's file, or NULL */
	char		**ep_argv;	/* kernel strings, NULL-terminated */
	char		**ep_envp;
	unsigned int	ep_argc, ep_envc;
	size_t		ep_strbytes;	/* all strings with their NULs */
	char		*ep_execfn;	/* as named by the caller */
	/* found by the loader */
	vaddr_t		ep_entry;	/* of the program */
	vaddr_t		ep_start;	/* where to begin (interpreter's) */
	vaddr_t		ep_interp_base;
	vaddr_t		ep_phdr;
	unsigned int	ep_phnum, ep_phent;
	vaddr_t		ep_brk;		/* end of bss, page aligned */
	bool		ep_execstack;
	bool		ep_secure;	/* set-id: AT_SECURE */
	int		ep_bits;	/* 64 or 32 */
	vaddr_t		ep_stacktop;
	vaddr_t		ep_vdso;	/* its ELF header; 0: none */
	/* where e_copyargs() has put things, for /proc */
	vaddr_t		ep_argstart, ep_argend, ep_envstart, ep_envend;
	vaddr_t		ep_auxv;
	size_t		ep_auxvlen;
	struct cred	*ep_cred;	/* the program's */
};

#define	ARG_STRMAX	(128 * 1024)	/* of one string, with its NUL */
#define	ARG_POINTERS	0x7fffffff	/* of argv and of envp */

/* ELF parsing, on bytes from anywhere (fuzzed): no allocation, no I/O. */
struct elf_segment {
	vaddr_t		es_vaddr;
	uint64_t	es_offset, es_filesz, es_memsz;
	vm_prot_t	es_prot;
};
struct elf_image {
	bool		ei_dyn;		/* ET_DYN */
	int		ei_bits;
	vaddr_t		ei_entry, ei_phoff, ei_phdr; /* ei_phdr 0: not mapped */
	unsigned int	ei_phnum, ei_phent, ei_nsegs;
	struct elf_segment ei_segs[32];
	uint64_t	ei_interp_off, ei_interp_len;	/* 0: none */
	bool		ei_execstack;
	vaddr_t		ei_low, ei_high, ei_align;
};
int	elf_parse(const void *hdr, size_t hdrlen, uint64_t filesize,
	    struct elf_image *);	/* ENOEXEC, or 0 */

struct vmspace;
struct lwp;
/*
 * Map the image of a file into an address space nobody uses yet, moved by
 * bias.  ENOMEM, EACCES, EINVAL.  exec_load.c
 */
int	elf_load(struct vmspace *, struct file *, const struct elf_image *,
	    vaddr_t bias);
/* Find room for a position-independent image and load it there. */
int	elf_load_anywhere(struct vmspace *, struct file *,
	    const struct elf_image *, vaddr_t *bias);
/* A random offset of whole pages below 2^bits pages. */
vaddr_t	exec_random(unsigned int bits);
/* How many bytes arguments and environment may have together. */
size_t	exec_argmax(struct lwp *);

#endif /* !_SYS_EXEC_H_ */
