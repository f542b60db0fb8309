/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core files as debuggers of Linux programs read them: ELF, with the threads'
 * registers and facts about the process as notes, and the memory.
 *
 * Overview: header, program headers, notes, then the memory from the next page
 * on.  Anonymous memory and private mappings that can be written to are there
 * in full, with holes where there was no page; of other files only a first
 * page that is an ELF header, by which a debugger knows the file.  No other
 * thread runs meanwhile: the map does not change.
 */
#include <sys/core.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_regs.h>
#include <compat/linux/linux_sigframe.h>

#define	NT_PRSTATUS		1
#define	NT_FPREGSET		2
#define	NT_PRPSINFO		3
#define	NT_AUXV			6
#define	NT_X86_XSTATE		0x202
#define	NT_FILE			0x46494c45
#define	NT_SIGINFO		0x53494749
#define	NOTES_MAX		(1U << 20)
#define	AUXV_MAX		1024
#define	SEGMENTS_MAX		65000	/* e_phnum has 16 bits */

struct core_ehdr {
	uint8_t		e_ident[16];
	uint16_t	e_type, e_machine;
	uint32_t	e_version;
	uint64_t	e_entry, e_phoff, e_shoff;
	uint32_t	e_flags;
	uint16_t	e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum,
			e_shstrndx;
};
CTASSERT(sizeof(struct core_ehdr) == 64);

struct core_phdr {
	uint32_t	p_type, p_flags;
	uint64_t	p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
CTASSERT(sizeof(struct core_phdr) == 56);

struct linux_prstatus {
	int32_t		si_signo, si_code, si_errno;
	int16_t		pr_cursig, pad;
	uint64_t	pr_sigpend, pr_sighold;
	int32_t		pr_pid, pr_ppid, pr_pgrp, pr_sid;
	struct linux_timeval pr_times[4];
	struct linux_user_regs pr_reg;
	int32_t		pr_fpvalid, pad2;
};
CTASSERT(sizeof(struct linux_prstatus) == 336);

struct linux_prpsinfo {
	char		pr_state, pr_sname, pr_zomb, pr_nice;
	uint32_t	pad;
	uint64_t	pr_flag;
	uint32_t	pr_uid, pr_gid;
	int32_t		pr_pid, pr_ppid, pr_pgrp, pr_sid;
	char		pr_fname[16], pr_psargs[80];
};
CTASSERT(sizeof(struct linux_prpsinfo) == 136);

struct core {
	struct lwp	*c_lwp;
	struct file	*c_file;
	struct vmspace	*c_vm;
	const ksiginfo_t *c_ksi;
	uint64_t	c_limit;
	int32_t		c_ppid, c_pgrp, c_sid;
	char		*c_notes;	/* NOTES_MAX */
	size_t		c_len;
	struct core_phdr *c_ph;
	unsigned int	c_n;
	char		*c_page;
};

/* -- the file -- */

/* ENOSPC is the program's loss; EFBIG: beyond RLIMIT_CORE. */
static int
put(struct core *c, const void *buf, size_t len, uint64_t pos)
{
	struct iovec iov;
	struct uio uio;
	off_t off = (off_t)pos;
	size_t done;
	int error;

	if (pos + len > c->c_limit)
		return EFBIG;
	uio_kernel(&uio, &iov, (void *)(uintptr_t)buf, len, off, UIO_WRITE);
	error = do_writev(c->c_lwp, c->c_file, &uio, &off, &done);
	return error != 0 ? error : done != len ? ENOSPC : 0;
}

/* -- notes -- */

/* Room for a note's content, cleared; NULL: no more. */
static void *
note(struct core *c, uint32_t type, size_t len)
{
	size_t size = 12 + 8 + roundup2(len, (size_t)4);
	uint32_t head[3] = { 5, (uint32_t)len, type };
	char *at = c->c_notes + c->c_len;

	if (size > NOTES_MAX - c->c_len)
		return NULL;
	memset(at, 0, size);
	memcpy(at, head, sizeof(head));
	memcpy(at + 12, type == NT_X86_XSTATE ? "LINUX" : "CORE",
	    type == NT_X86_XSTATE ? 6 : 5);
	if (type == NT_X86_XSTATE)
		((uint32_t *)(void *)at)[0] = 6;
	c->c_len += size;
	return at + 20;
}

static void
get_ids(struct core *c)
{
	struct proc *p = c->c_lwp->l_proc;

	rw_enter(&proctree_lock, RW_READER);
	c->c_ppid = p->p_parent->p_pid;
	c->c_pgrp = p->p_pgrp->pg_id;
	c->c_sid = proc_session(p)->s_sid;
	rw_exit(&proctree_lock);
}

static struct linux_timeval
timeval_of(nsec_t ns)
{
	struct linux_timeval tv = {
		ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000
	};

	return tv;
}

static int
note_thread(struct core *c, struct lwp *l)
{
	struct linux_prstatus *ps = note(c, NT_PRSTATUS, sizeof(*ps));
	struct rusage_ns *ru = &l->l_ru;
	void *fx, *xs = NULL;

	if (ps == NULL)
		return E2BIG;
	ps->si_signo = ps->pr_cursig = (int16_t)c->c_ksi->ksi_signo;
	ps->pr_sigpend = l->l_sigpend.sp_set;
	ps->pr_sighold = l->l_sigmask;
	ps->pr_ppid = c->c_ppid;
	ps->pr_pgrp = c->c_pgrp;
	ps->pr_sid = c->c_sid;
	ps->pr_pid = l->l_tid;
	ps->pr_times[0] = timeval_of(ru->ru_utime);
	ps->pr_times[1] = timeval_of(ru->ru_stime);
	ps->pr_fpvalid = 1;
	linux_regs_get(l, &ps->pr_reg);
	if ((fx = note(c, NT_FPREGSET, FXSAVE_LEN)) == NULL)
		return E2BIG;
	if (cpu_fpstate_size() > FXSAVE_LEN &&
	    (xs = note(c, NT_X86_XSTATE, cpu_fpstate_size())) == NULL)
		return E2BIG;
	if (xs != NULL) {
		linux_xstate_get(l, xs);
		memcpy(fx, xs, FXSAVE_LEN);
	} else
		cpu_fpstate_get(l, fx);
	return 0;
}

static int
note_process(struct core *c)
{
	struct proc *p = c->c_lwp->l_proc;
	struct linux_prpsinfo *pi = note(c, NT_PRPSINFO, sizeof(*pi));
	struct linux_siginfo *si = note(c, NT_SIGINFO, sizeof(*si));
	size_t n = MIN(p->p_auxvlen, AUXV_MAX);
	char *auxv = n != 0 ? note(c, NT_AUXV, n) : NULL;

	if (pi == NULL || si == NULL)
		return E2BIG;
	pi->pr_sname = 'R';
	pi->pr_nice = (char)p->p_nice;
	pi->pr_uid = c->c_lwp->l_cred->cr_ruid;
	pi->pr_gid = c->c_lwp->l_cred->cr_rgid;
	pi->pr_pid = p->p_pid;
	pi->pr_ppid = c->c_ppid;
	pi->pr_pgrp = c->c_pgrp;
	pi->pr_sid = c->c_sid;
	(void)strlcpy(pi->pr_fname, p->p_comm, sizeof(pi->pr_fname));
	linux_siginfo_from(si, c->c_ksi);
	if (auxv != NULL && uvm_io(c->c_vm, p->p_auxv, auxv, n, UIO_READ,
	    true) != 0)
		memset(auxv, 0, n);
	/* The command line; what separates its words becomes a blank. */
	n = MIN(p->p_argend - p->p_argstart, sizeof(pi->pr_psargs) - 1);
	if (uvm_io(c->c_vm, p->p_argstart, pi->pr_psargs, n, UIO_READ,
	    true) != 0)
		return 0;
	for (size_t i = 0; i + 1 < n; i++)
		if (pi->pr_psargs[i] == '\0')
			pi->pr_psargs[i] = ' ';
	return 0;
}

/* Which files are mapped where: numbers, then names. */
static int
note_files(struct core *c)
{
	struct vm_map *map = &c->c_vm->vm_map;
	struct vm_map_entry *e;
	size_t n = 0, names = 0, at = 2;
	uint64_t *num;
	char *name = kmem_alloc(MAXPATHLEN, KM_SLEEP), *to;

	if (name == NULL)
		return ENOMEM;
	for (unsigned int pass = 0; pass < 2; pass++) {
		num = (void *)(c->c_notes + c->c_len + 20);
		to = (char *)(num + 2 + 3 * n);
		if (pass == 1 && ((2 + 3 * n) * 8 + names > NOTES_MAX ||
		    note(c, NT_FILE, (2 + 3 * n) * 8 + names) == NULL))
			break;
		if (pass == 1) {
			num[0] = n;
			num[1] = PAGE_SIZE;
		}
		rw_enter(&map->m_lock, RW_READER);
		for (e = uvm_map_lookup_ge(map, 0); e != NULL;
		    e = uvm_map_next(e)) {
			if (e->e_file == NULL || e->e_file->f_path == NULL ||
			    path_name(e->e_file->f_path, NULL, name,
			    MAXPATHLEN) != 0)
				continue;
			if (pass == 0) {
				n++;
				names += strlen(name) + 1;
				continue;
			}
			/* A file may have been renamed in between. */
			if (strlen(name) + 1 > names)
				break;
			num[at++] = e->e_start;
			num[at++] = e->e_end;
			num[at++] = e->e_offset / PAGE_SIZE;
			memcpy(to, name, strlen(name) + 1);
			to += strlen(name) + 1;
			names -= strlen(name) + 1;
		}
		rw_exit(&map->m_lock);
	}
	kmem_free(name, MAXPATHLEN);
	return 0;
}

static int
make_notes(struct core *c)
{
	struct proc *p = c->c_lwp->l_proc;
	struct lwp *l;
	int error;

	get_ids(c);
	/* The thread that got the signal is the first. */
	if ((error = note_thread(c, c->c_lwp)) != 0 ||
	    (error = note_process(c)) != 0 || (error = note_files(c)) != 0)
		return error;
	/* Some may be past the point where they would have waited. */
	spin_enter(&p->p_lock);
	LIST_FOREACH(l, &p->p_lwps, l_sibling)
		if (l != c->c_lwp && (l->l_flags & LF_EXITING) == 0 &&
		    note_thread(c, l) != 0)
			break;
	spin_exit(&p->p_lock);
	return 0;
}

/* -- memory -- */

static bool
is_elf(struct core *c, vaddr_t va)
{
	char magic[4];

	return uvm_io(c->c_vm, va, magic, sizeof(magic), UIO_READ,
	    true) == 0 && memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* The segments, without their places in the file. */
static int
make_segments(struct core *c)
{
	struct vm_map *map = &c->c_vm->vm_map;
	struct vm_map_entry *e;
	struct core_phdr *ph;
	unsigned int n = 1;

	rw_enter(&map->m_lock, RW_READER);
	for (e = uvm_map_lookup_ge(map, 0); e != NULL; e = uvm_map_next(e))
		n++;
	n = MIN(n, (unsigned int)SEGMENTS_MAX);
	if ((c->c_ph = kmem_zalloc(n * sizeof(*ph), KM_SLEEP)) == NULL) {
		rw_exit(&map->m_lock);
		return ENOMEM;
	}
	c->c_n = n;
	ph = c->c_ph + 1;
	for (e = uvm_map_lookup_ge(map, 0); e != NULL && ph < c->c_ph + n;
	    e = uvm_map_next(e), ph++) {
		ph->p_type = 1;		/* PT_LOAD */
		ph->p_flags = ((e->e_prot & PROT_READ) != 0 ? 4U : 0) |
		    ((e->e_prot & PROT_WRITE) != 0 ? 2U : 0) |
		    ((e->e_prot & PROT_EXEC) != 0 ? 1U : 0);
		ph->p_vaddr = e->e_start;
		ph->p_memsz = e->e_end - e->e_start;
		ph->p_align = PAGE_SIZE;
		if ((e->e_flags & (ME_DONTDUMP | ME_VVAR)) != 0)
			continue;
		if (e->e_file == NULL || ((e->e_flags & ME_SHARED) == 0 &&
		    (e->e_prot & PROT_WRITE) != 0))
			ph->p_filesz = ph->p_memsz;
		else
			ph->p_filesz = 1;	/* perhaps: place_segments() */
	}
	rw_exit(&map->m_lock);
	return 0;
}

/* After the notes' length is known. */
static void
place_segments(struct core *c)
{
	uint64_t pos = sizeof(struct core_ehdr) +
	    c->c_n * sizeof(struct core_phdr);

	c->c_ph[0].p_type = 4;		/* PT_NOTE */
	c->c_ph[0].p_offset = pos;
	c->c_ph[0].p_filesz = c->c_len;
	c->c_ph[0].p_align = 4;
	pos = round_page(pos + c->c_len);
	for (struct core_phdr *ph = c->c_ph + 1; ph < c->c_ph + c->c_n; ph++) {
		if (ph->p_filesz == 1)
			ph->p_filesz = is_elf(c, ph->p_vaddr) ? PAGE_SIZE : 0;
		ph->p_offset = pos;
		pos += ph->p_filesz;
	}
}

static int
put_segment(struct core *c, const struct core_phdr *ph)
{
	unsigned char there;
	uint64_t off;
	int error;

	for (off = 0; off < ph->p_filesz; off += PAGE_SIZE) {
		if (uvm_mincore(c->c_vm, ph->p_vaddr + off, PAGE_SIZE,
		    &there) != 0)
			there = 0;
		/* The last page is written, so that the file has its length. */
		if (there == 0 && off + PAGE_SIZE < ph->p_filesz)
			continue;
		memset(c->c_page, 0, PAGE_SIZE);
		if (there != 0)
			(void)!uvm_io(c->c_vm, ph->p_vaddr + off, c->c_page,
			    PAGE_SIZE, UIO_READ, true);
		error = put(c, c->c_page, PAGE_SIZE, ph->p_offset + off);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
put_all(struct core *c)
{
	struct core_ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
		.e_type = 4, .e_machine = 62, .e_version = 1,
		.e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(struct core_phdr),
		.e_phnum = (uint16_t)c->c_n
	};
	int error;

	if ((error = put(c, &eh, sizeof(eh), 0)) != 0 ||
	    (error = put(c, c->c_ph, c->c_n * sizeof(*c->c_ph),
	    sizeof(eh))) != 0 || (error = put(c, c->c_notes, c->c_len,
	    c->c_ph[0].p_offset)) != 0)
		return error;
	for (unsigned int i = 1; i < c->c_n; i++) {
		/* What does not fit any more is missing; the rest is good. */
		error = put_segment(c, &c->c_ph[i]);
		if (error != 0)
			return error == EFBIG ? 0 : error;
	}
	return 0;
}

int
linux_coredump(struct lwp *l, struct file *fp, const ksiginfo_t *ksi,
    uint64_t limit)
{
	struct core c = {
		.c_lwp = l, .c_file = fp, .c_vm = l->l_proc->p_vmspace,
		.c_ksi = ksi, .c_limit = limit
	};
	int error = ENOMEM;

	if (cpu_is_compat32(l))
		return ENOEXEC;		/* no form for these yet */
	c.c_notes = kmem_alloc(NOTES_MAX, KM_SLEEP);
	c.c_page = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (c.c_notes != NULL && c.c_page != NULL &&
	    (error = make_notes(&c)) == 0 && (error = make_segments(&c)) == 0) {
		place_segments(&c);
		error = put_all(&c);
	}
	if (c.c_ph != NULL)
		kmem_free(c.c_ph, c.c_n * sizeof(*c.c_ph));
	if (c.c_page != NULL)
		kmem_free(c.c_page, PAGE_SIZE);
	if (c.c_notes != NULL)
		kmem_free(c.c_notes, NOTES_MAX);
	return error;
}
