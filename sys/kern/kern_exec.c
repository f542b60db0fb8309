/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve(2): a process gets a new program.
 *
 * Overview: exec_decode() does all that may fail: it finds the program (through
 * #! lines), checks it, builds its address space and credential, and has what
 * the rest needs in hand.  The other threads end; what they may have shared
 * with other processes until then is made our own.  exec_commit() takes the new
 * address space into use and puts the arguments there.  If something fails from
 * the end of the threads on, the process is killed.
 *
 * Locking: a process has one exec at a time (P_EXECING).
 *
 * Untrusted input: the file (see exec_elf.c), the #! line, the arguments'
 * number and size, which the caller has limited by exec_argmax().
 */
#include <sys/aio.h>
#include <sys/clone.h>
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/personality.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/ptimer.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>
#include <kern/vfs_private.h>

#define	SCRIPT_DEPTH	5		/* #! lines that lead to #! lines */
#define	SCRIPT_LINE	256		/* of which so much is read */
#define	HEADER_SIZE	4096		/* ELF header and program headers */
#define	PIE_BASE	trunc_page(VM_MAX_ADDRESS / 3 * 2)
#define	PIE_BASE32	0x56555000UL
#define	STACK_EXTRA	(128 * 1024)	/* mapped beyond the arguments */

struct exec_state {
	struct exec_package es_pkg;
	struct lwp	*es_lwp;
	struct path	es_path;	/* of the program; referenced */
	struct stat_k	es_stat;
	struct vmspace	*es_vm;
	struct sigacts	*es_sigacts;
	struct path	*es_exe;	/* for p_exe */
	char		**es_argbuf;	/* room for ep_argv */
	size_t		es_argbufn;
	unsigned int	es_depth;
	bool		es_unreadable;
	bool		es_nowrite;	/* writers are kept out */
	struct elf_image es_image, es_interp;
	vaddr_t		es_bias, es_interp_bias;
	char		es_comm[MAXCOMLEN];
	char		es_lines[SCRIPT_DEPTH][SCRIPT_LINE + 1];
	char		es_header[HEADER_SIZE];
};

/* -- files -- */

/* Open a program: rights to execute are enough. */
static int
exec_open(struct lwp *l, const struct path *path, struct file **fpp)
{
	struct vnode *vp = path_vnode(path);
	struct file *fp;
	int error;

	if (!S_ISREG(vp->v_mode) || (path_mntflags(path) & MS_NOEXEC) != 0)
		return EACCES;
	if ((error = vnode_access(vp, X_OK, l->l_cred)) != 0)
		return error;
	error = file_alloc_path(&vnode_fileops, vp, O_RDONLY, path, &fp);
	if (error != 0)
		return error;
	if (vp->v_ops->vop_open != NULL &&
	    (error = vp->v_ops->vop_open(vp, O_RDONLY, fp)) != 0) {
		file_abort(fp);
		return error;
	}
	*fpp = fp;
	return 0;
}

/* Up to n bytes from the file at an offset. */
static int
exec_read(struct lwp *l, struct file *fp, off_t offset, void *buf, size_t n,
    size_t *done)
{
	struct iovec iov;
	struct uio uio;
	size_t got;
	int error;

	*done = 0;
	while (*done < n) {
		uio_kernel(&uio, &iov, (char *)buf + *done, n - *done,
		    offset, UIO_READ);
		error = do_readv(l, fp, &uio, &offset, &got);
		if (error != 0)
			return error;
		if (got == 0)
			break;
		*done += got;
	}
	return 0;
}

static int
exec_namei(struct exec_state *es, const struct path *dir, const char *name,
    int flags)
{
	struct lwp *l = es->es_lwp;
	struct path path;
	int error;

	if ((error = namei(l, dir, name, flags, &path)) != 0)
		return error;
	if (S_ISLNK(path_vnode(&path)->v_mode))
		error = ELOOP;
	else
		error = exec_open(l, &path, &es->es_pkg.ep_file);
	if (error != 0) {
		path_put(&path);
		return error;
	}
	es->es_path = path;
	if ((error = vnode_deny_write(path_vnode(&path))) != 0)
		return error;
	es->es_nowrite = true;
	return vnode_stat(path_vnode(&path), &es->es_stat);
}

static void
exec_close(struct exec_state *es)
{
	if (es->es_nowrite)
		vnode_allow_write(path_vnode(&es->es_path));
	es->es_nowrite = false;
	if (es->es_pkg.ep_file != NULL) {
		file_put(es->es_pkg.ep_file);
		path_put(&es->es_path);
	}
	es->es_pkg.ep_file = NULL;
}

/* -- scripts -- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Take a "#!" line apart: "#! interpreter [one argument]".  ENOEXEC if there
 * is no interpreter in it, or it is cut off.
 */
static int
script_parse(char *line, size_t len, char **interp, char **arg)
{
	char *p, *end, *newline = memchr(line, '\n', len);

	end = newline != NULL ? newline : line + len;
	while (end > line + 2 && is_blank(end[-1]))
		end--;
	for (p = line + 2; p < end && is_blank(*p); p++)
		continue;
	if (p == end)
		return ENOEXEC;
	*interp = p;
	while (p < end && !is_blank(*p) && *p != '\0')
		p++;
	/* The name may go on beyond what was read. */
	if (p == end && newline == NULL && len == SCRIPT_LINE)
		return ENOEXEC;
	*arg = NULL;
	if (p < end) {
		*p++ = '\0';
		while (p < end && is_blank(*p))
			p++;
		if (p < end)
			*arg = p;
	}
	*end = '\0';
	return 0;
}

static void
argv_prepend(struct exec_state *es, char *s)
{
	struct exec_package *ep = &es->es_pkg;

	KASSERT(ep->ep_argv > es->es_argbuf);
	*--ep->ep_argv = s;
	ep->ep_argc++;
	ep->ep_strbytes += strlen(s) + 1;
}

/* The file is a script: its interpreter becomes the program. */
static int
exec_script(struct exec_state *es, char **name, size_t hdrlen)
{
	struct exec_package *ep = &es->es_pkg;
	char *line, *interp, *arg;
	size_t len = MIN(hdrlen, (size_t)SCRIPT_LINE);
	int error;

	if (es->es_depth == SCRIPT_DEPTH)
		return ELOOP;
	line = es->es_lines[es->es_depth++];
	memcpy(line, es->es_header, len);
	line[len] = '\0';
	if ((error = script_parse(line, len, &interp, &arg)) != 0)
		return error;
	/* argv[0] gives way to: interpreter, its argument, the script. */
	ep->ep_strbytes -= strlen(ep->ep_argv[0]) + 1;
	ep->ep_argv++;
	ep->ep_argc--;
	argv_prepend(es, *name);
	if (arg != NULL)
		argv_prepend(es, arg);
	argv_prepend(es, interp);
	*name = interp;
	exec_close(es);
	return exec_namei(es, NULL, interp, LOOKUP_FOLLOW);
}

/* Open the program and, while it is a script, its interpreter. */
static int
exec_find(struct exec_state *es, const struct path *dir, const char *path,
    int flags)
{
	struct exec_package *ep = &es->es_pkg;
	char *name = ep->ep_execfn;
	size_t n;
	int error;

	error = exec_namei(es, dir, path, flags);
	while (error == 0) {
		error = exec_read(es->es_lwp, ep->ep_file, 0, es->es_header,
		    sizeof(es->es_header), &n);
		if (error != 0)
			return error;
		if (n < 2 || memcmp(es->es_header, "#!", 2) != 0)
			return elf_parse(es->es_header, n,
			    (uint64_t)es->es_stat.st_size, &es->es_image);
		error = exec_script(es, &name, n);
	}
	return error;
}

/* -- the address space -- */

/* The dynamic linker the program asks for, and where it goes. */
static int
exec_interp(struct exec_state *es)
{
	struct exec_package *ep = &es->es_pkg;
	struct lwp *l = es->es_lwp;
	size_t len = (size_t)es->es_image.ei_interp_len, n;
	struct stat_k st;
	struct path path;
	char *name;
	int error;

	if ((name = kmem_alloc(len, KM_SLEEP)) == NULL)
		return ENOMEM;
	error = exec_read(l, ep->ep_file,
	    (off_t)es->es_image.ei_interp_off, name, len, &n);
	if (error == 0 && (n != len || name[len - 1] != '\0'))
		error = ENOEXEC;
	if (error == 0)
		error = namei(l, NULL, name, LOOKUP_FOLLOW, &path);
	kmem_free(name, len);
	if (error != 0)
		return error;
	if ((error = exec_open(l, &path, &ep->ep_interp)) == 0)
		error = vnode_stat(path_vnode(&path), &st);
	path_put(&path);
	if (error != 0)
		return error;
	error = exec_read(l, ep->ep_interp, 0, es->es_header,
	    sizeof(es->es_header), &n);
	if (error == 0)
		error = elf_parse(es->es_header, n, (uint64_t)st.st_size,
		    &es->es_interp);
	/* As Linux: what is no ELF file is a bad library. */
	if (error == ENOEXEC ||
	    (error == 0 && es->es_interp.ei_bits != es->es_image.ei_bits))
		error = ELIBBAD;
	return error;
}

/* Random whole pages: so many bits, fewer in a 32-bit address space. */
static vaddr_t
exec_shift(const struct exec_state *es, unsigned int bits64,
    unsigned int bits32)
{
	return exec_random(es->es_pkg.ep_bits == 32 ? bits32 : bits64);
}

/* Where programs that can be anywhere go, and heaps of those that cannot. */
static vaddr_t
exec_pie_base(const struct exec_state *es)
{
	return es->es_pkg.ep_bits == 32 ? PIE_BASE32 : PIE_BASE;
}

/* Stack and the area of mmap below it, with random offsets. */
static int
exec_stack(struct exec_state *es, bool randomise)
{
	struct exec_package *ep = &es->es_pkg;
	struct vmspace *vm = es->es_vm;
	uint64_t limit = rlimit_cur(es->es_lwp->l_proc, RLIMIT_STACK);
	struct uvm_mapargs args = {
		.prot = PROT_READ | PROT_WRITE |
		    (ep->ep_execstack ? PROT_EXEC : 0),
		.maxprot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		    MAP_GROWSDOWN | MAP_NORESERVE,
		.eflags = ME_STACK
	};
	vaddr_t max = vm->vm_map.m_max, top = max - PAGE_SIZE, gap, va;

	if (randomise)
		top -= exec_shift(es, 22, 11);
	args.size = round_page(ep->ep_strbytes + STACK_EXTRA +
	    (ep->ep_argc + ep->ep_envc + 64) * sizeof(uintptr_t));
	args.va = top - args.size;
	/* Room for the stack to grow as far as it may. */
	gap = (vaddr_t)MIN(limit, (uint64_t)max / 6 * 5);
	gap = MAX(round_page(gap), (vaddr_t)128 << 20) + (1 << 20);
	vm->vm_stack_top = ep->ep_stacktop = top;
	vm->vm_mmap_top = top - gap;
	if (randomise)
		vm->vm_mmap_top -= exec_shift(es, 28, 8);
	return uvm_mmap(vm, &args, &va);
}

/* Note where code and data are, for /proc and for brk. */
static void
exec_layout(struct exec_state *es, bool randomise)
{
	const struct elf_image *ei = &es->es_image;
	struct vmspace *vm = es->es_vm;
	vaddr_t start, fileend, brk;

	vm->vm_code_start = ~(vaddr_t)0;
	for (unsigned int i = 0; i < ei->ei_nsegs; i++) {
		const struct elf_segment *seg = &ei->ei_segs[i];

		start = seg->es_vaddr + es->es_bias;
		fileend = start + (vaddr_t)seg->es_filesz;
		if ((seg->es_prot & PROT_EXEC) != 0) {
			vm->vm_code_start = MIN(vm->vm_code_start, start);
			vm->vm_code_end = MAX(vm->vm_code_end, fileend);
		}
		vm->vm_data_start = start;
		vm->vm_data_end = fileend;
	}
	brk = round_page(ei->ei_high + es->es_bias);
	/* A program that was put among the mappings has its heap elsewhere. */
	if (ei->ei_dyn && ei->ei_interp_len == 0)
		brk = exec_pie_base(es);
	if (randomise)
		brk += exec_random(13);
	es->es_pkg.ep_brk = vm->vm_brk_start = vm->vm_brk = brk;
}

static int
exec_load_program(struct exec_state *es, bool randomise)
{
	const struct elf_image *ei = &es->es_image;
	struct exec_package *ep = &es->es_pkg;

	if (!ei->ei_dyn) {
		if (ei->ei_low < VM_MIN_ADDRESS ||
		    ei->ei_high > es->es_vm->vm_map.m_max -
		    ((vaddr_t)1 << 28))
			return ENOEXEC;
		return elf_load(es->es_vm, ep->ep_file, ei, 0);
	}
	/* Without a dynamic linker it may be one: keep it off the heap. */
	if (ei->ei_interp_len == 0)
		return elf_load_anywhere(es->es_vm, ep->ep_file, ei,
		    &es->es_bias);
	es->es_bias = roundup2(exec_pie_base(es) + (randomise ?
	    exec_shift(es, 28, 8) : 0) - ei->ei_low, ei->ei_align);
	if (ei->ei_high - ei->ei_low > es->es_vm->vm_map.m_max / 8)
		return ENOMEM;
	return elf_load(es->es_vm, ep->ep_file, ei, es->es_bias);
}

static int
exec_build(struct exec_state *es)
{
	struct exec_package *ep = &es->es_pkg;
	struct proc *p = es->es_lwp->l_proc;
	bool randomise = (p->p_personality & ADDR_NO_RANDOMIZE) == 0;
	int error;

	ep->ep_bits = es->es_image.ei_bits;
	ep->ep_execstack = es->es_image.ei_execstack;
	if ((es->es_vm = vmspace_alloc()) == NULL)
		return ENOMEM;
	if (ep->ep_bits == 32)
		es->es_vm->vm_map.m_max = MIN(VM_MAX_ADDRESS,
		    VM_MAX_ADDRESS32);
	if ((error = exec_stack(es, randomise)) != 0 ||
	    (error = exec_load_program(es, randomise)) != 0)
		return error;
	exec_layout(es, randomise);
	if ((error = p->p_emul->e_mapextra(es->es_vm, ep)) != 0)
		return error;
	ep->ep_entry = ep->ep_start = es->es_image.ei_entry + es->es_bias;
	ep->ep_phnum = es->es_image.ei_phnum;
	ep->ep_phent = es->es_image.ei_phent;
	if (es->es_image.ei_phdr != 0)
		ep->ep_phdr = es->es_image.ei_phdr + es->es_bias;
	if (ep->ep_interp == NULL)
		return 0;
	if (es->es_interp.ei_dyn)
		error = elf_load_anywhere(es->es_vm, ep->ep_interp,
		    &es->es_interp, &es->es_interp_bias);
	else
		error = elf_load(es->es_vm, ep->ep_interp, &es->es_interp, 0);
	ep->ep_interp_base = es->es_interp.ei_low + es->es_interp_bias;
	ep->ep_start = es->es_interp.ei_entry + es->es_interp_bias;
	return error;
}

/* -- decode -- */

static int
exec_args(struct exec_state *es, char *const *argv, char *const *envp)
{
	static char empty[] = "";
	struct exec_package *ep = &es->es_pkg;
	unsigned int argc = 0, room = 2 * SCRIPT_DEPTH + 1;

	while (argv[argc] != NULL)
		ep->ep_strbytes += strlen(argv[argc++]) + 1;
	while (envp[ep->ep_envc] != NULL)
		ep->ep_strbytes += strlen(envp[ep->ep_envc++]) + 1;
	es->es_argbufn = room + MAX(argc, 1U) + 1;
	es->es_argbuf = kmem_alloc(es->es_argbufn * sizeof(char *), KM_SLEEP);
	if (es->es_argbuf == NULL)
		return ENOMEM;
	ep->ep_argv = es->es_argbuf + room;
	memcpy(ep->ep_argv, argv, argc * sizeof(char *));
	/* As Linux since 5.18: there is always an argv[0]. */
	if (argc == 0) {
		ep->ep_argv[argc++] = empty;
		ep->ep_strbytes++;
	}
	ep->ep_argv[argc] = NULL;
	ep->ep_argc = argc;
	ep->ep_envp = (char **)(uintptr_t)envp;
	ep->ep_strbytes += strlen(ep->ep_execfn) + 1;
	return 0;
}

static void
exec_comm(struct exec_state *es)
{
	const char *base = strrchr(es->es_pkg.ep_execfn, '/');

	(void)strlcpy(es->es_comm, base != NULL ? base + 1 :
	    es->es_pkg.ep_execfn, sizeof(es->es_comm));
}

static int
exec_identity(struct exec_state *es)
{
	struct lwp *l = es->es_lwp;
	struct exec_package *ep = &es->es_pkg;
	bool honour = (path_mntflags(&es->es_path) & MS_NOSUID) == 0 &&
	    !l->l_proc->p_nonewprivs && l->l_proc->p_ntraced == 0;

	es->es_unreadable = vnode_access(path_vnode(&es->es_path), R_OK,
	    l->l_cred) != 0;
	return cred_exec(l->l_cred, es->es_stat.st_mode, es->es_stat.st_uid,
	    es->es_stat.st_gid, honour, &ep->ep_cred, &ep->ep_secure);
}

static int
exec_decode(struct exec_state *es, const struct path *dir, const char *path,
    int flags, char *const *argv, char *const *envp)
{
	int error;

	if ((error = exec_args(es, argv, envp)) != 0 ||
	    (error = exec_find(es, dir, path, flags)) != 0)
		return error;
	exec_comm(es);
	if ((error = exec_identity(es)) != 0)
		return error;
	if (es->es_image.ei_interp_len != 0 && (error = exec_interp(es)) != 0)
		return error;
	if ((error = exec_build(es)) != 0)
		return error;
	if ((es->es_exe = kmem_alloc(sizeof(*es->es_exe), KM_SLEEP)) == NULL)
		return ENOMEM;
	*es->es_exe = es->es_path;
	path_get(es->es_exe);
	return 0;
}

/* What is left in hand, after success or failure. */
static void
exec_state_free(struct exec_state *es)
{
	struct exec_package *ep = &es->es_pkg;

	exec_close(es);
	if (ep->ep_interp != NULL)
		file_put(ep->ep_interp);
	if (ep->ep_cred != NULL)
		cred_put(ep->ep_cred);
	if (es->es_vm != NULL)
		vmspace_put(es->es_vm);
	if (es->es_sigacts != NULL)
		sigacts_put(es->es_sigacts);
	if (es->es_exe != NULL) {
		path_put(es->es_exe);
		kmem_free(es->es_exe, sizeof(*es->es_exe));
	}
	if (es->es_argbuf != NULL)
		kmem_free(es->es_argbuf, es->es_argbufn * sizeof(char *));
	kmem_free(es, sizeof(*es));
}

/* -- commit -- */

/* End the other threads; EAGAIN: this one is to end itself. */
static int
exec_single_thread(struct lwp *l)
{
	struct proc *p = l->l_proc;
	int error = 0;

	spin_enter(&p->p_lock);
	if ((p->p_flags & (P_EXITING | P_EXECING)) != 0) {
		spin_exit(&p->p_lock);
		return EAGAIN;
	}
	p->p_flags |= P_EXECING;
	p->p_execer = l;
	proc_kill_threads(p, l);
	while (LIST_FIRST(&p->p_lwps) != l || LIST_NEXT(l, l_sibling) != NULL)
		cv_wait_spin(&p->p_threadcv, &p->p_lock);
	p->p_flags &= ~P_EXECING;
	p->p_execer = NULL;
	if ((p->p_flags & P_EXITING) != 0)
		error = EAGAIN;
	spin_exit(&p->p_lock);
	if (error != 0 || l->l_tid == p->p_pid)
		return error;
	/* The one thread left is the process' first from now on. */
	rw_enter(&proctree_lock, RW_WRITER);
	pid_enter_lwp(l->l_tid, NULL);
	l->l_tid = p->p_pid;
	pid_enter_lwp(l->l_tid, l);
	ptrace_renumber(l);
	rw_exit(&proctree_lock);
	return 0;
}

/*
 * Descriptors and signal actions become the program's own; if it has more
 * rights than who runs it, its directories, too.  No other threads.
 */
static int
exec_unshare(struct exec_state *es)
{
	struct lwp *l = es->es_lwp;
	struct proc *p = l->l_proc;
	int error;

	if (atomic_load(&p->p_sigacts->sa_ref) > 1 &&
	    (es->es_sigacts = sigacts_alloc(p->p_sigacts)) == NULL)
		return ENOMEM;
	if (es->es_pkg.ep_secure && (error = cwd_unshare(l)) != 0)
		return error;
	return fd_table_unshare(l);
}

void
proc_exe_drop(struct proc *p)
{
	struct path *exe = p->p_exe;

	if (exe == NULL)
		return;
	vnode_allow_write(path_vnode(exe));
	path_put(exe);
	kmem_free(exe, sizeof(*exe));
	p->p_exe = NULL;
}

static void
exec_commit_signals(struct exec_state *es)
{
	struct lwp *l = es->es_lwp;
	struct proc *p = l->l_proc;
	struct sigacts *old = NULL;

	if (es->es_sigacts != NULL) {
		spin_enter(&p->p_lock);
		old = p->p_sigacts;
		p->p_sigacts = es->es_sigacts;
		spin_exit(&p->p_lock);
		es->es_sigacts = NULL;
		sigacts_put(old);
	}
	sigacts_exec(p->p_sigacts);
	memset(&l->l_sigstk, 0, sizeof(l->l_sigstk));
	ptimer_exec(p);
}

static void
exec_commit_identity(struct exec_state *es)
{
	struct exec_package *ep = &es->es_pkg;
	struct lwp *l = es->es_lwp;
	struct proc *p = l->l_proc;
	struct path *old;

	cred_commit(l, cred_get(ep->ep_cred));
	spin_enter(&p->p_lock);
	memcpy(p->p_comm, es->es_comm, sizeof(p->p_comm));
	memcpy(l->l_name, es->es_comm, sizeof(l->l_name));
	p->p_flags |= P_EXECED;
	p->p_dumpable = 0;
	p->p_argstart = p->p_argend = p->p_envstart = p->p_envend = 0;
	p->p_auxv = p->p_auxvlen = 0;
	if (ep->ep_secure) {
		p->p_pdeathsig = 0;
		p->p_personality &= ~PER_CLEAR_ON_SETID;
	}
	p->p_exitsig = SIGCHLD;
	old = p->p_exe;
	p->p_exe = es->es_exe;
	spin_exit(&p->p_lock);
	/* The ban on writers stays with p_exe. */
	es->es_nowrite = false;
	es->es_exe = old;
	if (old != NULL)
		vnode_allow_write(path_vnode(old));
}

/* The new program is in place and may be looked at. */
static void
exec_commit_args(struct exec_state *es)
{
	const struct exec_package *ep = &es->es_pkg;
	struct proc *p = es->es_lwp->l_proc;

	spin_enter(&p->p_lock);
	p->p_argstart = ep->ep_argstart;
	p->p_argend = ep->ep_argend;
	p->p_envstart = ep->ep_envstart;
	p->p_envend = ep->ep_envend;
	p->p_auxv = ep->ep_auxv;
	p->p_auxvlen = ep->ep_auxvlen;
	p->p_dumpable = !ep->ep_secure && !es->es_unreadable;
	spin_exit(&p->p_lock);
}

/* From here on the old program is gone. */
static int
exec_commit(struct exec_state *es)
{
	struct exec_package *ep = &es->es_pkg;
	struct lwp *l = es->es_lwp;
	struct proc *p = l->l_proc;
	vaddr_t sp = ep->ep_stacktop;
	int error;

	p->p_emul->e_lwp_exit(l);
	l->l_clear_child_tid = l->l_set_child_tid = 0;
	l->l_robust_list = l->l_rseq = 0;
	l->l_restart.rb_func = NULL;
	p->p_membarrier = 0;
	/*
	 * Nobody may look at the new memory by the right to see the old
	 * program, nor the other way round.  A parent that sees a descriptor
	 * closed may rely on P_EXECED.
	 */
	exec_commit_identity(es);
	aio_exit(p);
	vmspace_switch(l, es->es_vm);
	es->es_vm = NULL;
	vfork_done(p);
	exec_commit_signals(es);
	fd_close_on_exec(p->p_fd);
	cpu_exec_reset(l);
	if ((error = p->p_emul->e_copyargs(l, ep, &sp)) != 0)
		return error;
	exec_commit_args(es);
	p->p_emul->e_setregs(l, ep, sp);
	return 0;
}

/* The process cannot go on: it dies on its way to user mode. */
static void
exec_kill(struct lwp *l)
{
	struct proc *p = l->l_proc;

	spin_enter(&p->p_lock);
	if ((p->p_flags & P_EXITING) == 0) {
		p->p_flags |= P_EXITING;
		p->p_xstat = SIGSEGV;
	}
	proc_kill_threads(p, NULL);
	spin_exit(&p->p_lock);
}

size_t
exec_argmax(struct lwp *l)
{
	uint64_t limit = rlimit_cur(l->l_proc, RLIMIT_STACK) / 4;

	limit = MIN(limit, (uint64_t)6 << 20);
	return (size_t)MAX(limit, (uint64_t)ARG_STRMAX);
}

int
do_execve_named(struct lwp *l, struct path *dir, const char *path,
    const char *execfn, char *const *argv, char *const *envp, int flags)
{
	struct exec_state *es;
	pid_t oldtid = l->l_tid;
	int error;

	if ((es = kmem_zalloc(sizeof(*es), KM_SLEEP)) == NULL)
		return ENOMEM;
	es->es_lwp = l;
	es->es_pkg.ep_execfn = (char *)(uintptr_t)execfn;
	error = exec_decode(es, dir, path, flags, argv, envp);
	if (error == 0)
		error = exec_single_thread(l);
	if (error == 0 && ((error = exec_unshare(es)) != 0 ||
	    (error = exec_commit(es)) != 0))
		exec_kill(l);
	exec_state_free(es);
	if (error == 0)
		ptrace_exec(l, oldtid);
	return error;
}

int
do_execve(struct lwp *l, struct path *dir, const char *path,
    char *const *argv, char *const *envp, int flags)
{
	return do_execve_named(l, dir, path, path, argv, envp, flags);
}
