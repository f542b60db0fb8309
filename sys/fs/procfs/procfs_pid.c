/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the files of a process and of a thread.  Formats: proc(5).
 *
 * Locking: proctree_lock (shared) holds the process in place while numbers are
 * read; a vmspace, file or path is referenced and looked at after it is let go.
 * What not everybody may see is taken within inspect() and inspect_done().
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/tty.h>
#include <fs/procfs/procfs.h>
#include <uvm/uvm.h>

#define	TICK_NS		(NSEC_PER_SEC / 100)	/* USER_HZ is 100 */

/* The process, with proctree_lock held; release by proc_done(). */
static struct proc *
proc_look(const struct pfs_node *pn)
{
	struct proc *p;

	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pn->pn_pid);
	if (p == NULL)
		rw_exit(&proctree_lock);
	return p;
}

static void
proc_done(void)
{
	rw_exit(&proctree_lock);
}

/* The thread a node is about: the named one or the leader. */
static struct lwp *
lwp_look(const struct pfs_node *pn, struct proc *p)
{
	if (pn->pn_tid != 0)
		return lwp_find(pn->pn_tid);
	return p->p_leader != NULL ? p->p_leader : LIST_FIRST(&p->p_lwps);
}

/* As ptrace(2) asks; p_lock held. */
static bool
may_inspect(const struct proc *p)
{
	const struct cred *cr = curlwp->l_cred, *other;

	if (p == curproc || cred_capable(cr, CAP_SYS_PTRACE) == 0)
		return true;
	other = p->p_leader != NULL ? p->p_leader->l_cred : p->p_zcred;
	return other != NULL && p->p_dumpable != 0 &&
	    cr->cr_fsuid == other->cr_euid &&
	    cr->cr_fsuid == other->cr_ruid && cr->cr_fsuid == other->cr_suid;
}

/*
 * The process, if the caller may see its memory and files, with p_lock held
 * until inspect_done(): an exec between the question and the taking would give
 * another program's away.
 */
static int
inspect(const struct pfs_node *pn, struct proc **pp)
{
	struct proc *p = proc_look(pn);

	if (p == NULL)
		return ESRCH;
	spin_enter(&p->p_lock);
	if (!may_inspect(p)) {
		spin_exit(&p->p_lock);
		proc_done();
		return EACCES;
	}
	*pp = p;
	return 0;
}

static void
inspect_done(struct proc *p)
{
	spin_exit(&p->p_lock);
	proc_done();
}

/* Its memory as it is now, referenced; NULL: none any more. */
static struct vmspace *
vm_take(struct proc *p)
{
	return p->p_vmspace != NULL ? vmspace_get(p->p_vmspace) : NULL;
}

/* ---- stat, status, statm ---- */

struct facts {				/* what several files tell */
	pid_t		pid, tid, ppid, pgid, sid, tpgid;
	dev_t		tty;
	char		comm[MAXCOMLEN], state;
	unsigned int	nthreads, cpu;
	int		nice, pri, policy, rtprio, exitsig, oom;
	nsec_t		start, utime, stime;
	struct rusage_ns ru, cru;
	sigset_t	pending, shared, blocked, ignored, caught;
	struct cred	*cred;
	const char	*wchan;
	size_t		vsize, rss, rssmax, locked;
	vaddr_t		code0, code1, data0, data1, stack, brk;
	vaddr_t		arg0, arg1, env0, env1;
	unsigned int	nvcsw, nivcsw;
	bool		kernel, nonewprivs;
	pid_t		tracer;
	int		fdsize;
	mode_t		umask;
};

static char
state_letter(const struct proc *p, const struct lwp *l)
{
	if (p->p_state == PS_ZOMBIE || l == NULL)
		return 'Z';
	if (l->l_ptrace != NULL && (l->l_ptrace->pt_state == PTS_STOPPED ||
	    l->l_ptrace->pt_state == PTS_LISTENING))
		return 't';
	if ((p->p_flags & P_STOPPED) != 0)
		return 'T';
	switch (l->l_state) {
	case LS_RUN:
	case LS_ONCPU:
		return 'R';
	case LS_SLEEP:
		return l->l_sigwake ? 'S' : 'D';
	case LS_STOP:
		return 'T';
	case LS_ZOMBIE:
		return 'Z';
	default:
		return 'R';
	}
}

static void
facts_signals(struct facts *f, struct proc *p, const struct lwp *l)
{
	const struct sigaction *sa;
	int i;

	f->shared = p->p_sigpend.sp_set;
	if (l != NULL) {
		f->pending = l->l_sigpend.sp_set;
		f->blocked = l->l_sigmask;
	}
	if (p->p_sigacts == NULL)
		return;
	for (i = 0; i < NSIG; i++) {
		sa = &p->p_sigacts->sa_act[i];
		if (sa->sa_handler == SIG_IGN)
			f->ignored |= sigmask(i + 1);
		else if (sa->sa_handler != SIG_DFL)
			f->caught |= sigmask(i + 1);
	}
}

static void
facts_memory(struct facts *f, struct vmspace *vm)
{
	if (vm == NULL)
		return;
	rw_enter(&vm->vm_map.m_lock, RW_READER);
	f->vsize = vm->vm_map.m_size;
	f->rss = vmspace_rss(vm);
	f->rssmax = MAX(vm->vm_rss_max, f->rss);
	f->locked = vm->vm_locked;
	f->code0 = vm->vm_code_start;
	f->code1 = vm->vm_code_end;
	f->data0 = vm->vm_data_start;
	f->data1 = vm->vm_data_end;
	f->stack = vm->vm_stack_top;
	f->brk = vm->vm_brk_start;
	rw_exit(&vm->vm_map.m_lock);
	vmspace_put(vm);
}

static void
facts_session(struct facts *f, struct proc *p)
{
	struct session *s = proc_session(p);
	struct tty *tp;

	f->ppid = p->p_parent != NULL ? p->p_parent->p_pid : 0;
	f->pgid = p->p_pgrp != NULL ? p->p_pgrp->pg_id : 0;
	f->tpgid = -1;
	if (s == NULL)
		return;
	f->sid = s->s_sid;
	tp = s->s_tty;
	if (tp != NULL) {
		f->tty = tp->t_dev;
		if (tp->t_pgrp != NULL)
			f->tpgid = tp->t_pgrp->pg_id;
	}
}

static void
facts_thread(struct facts *f, struct proc *p, struct lwp *l, bool whole)
{
	f->ru = p->p_ru;
	if (l != NULL) {
		f->tid = l->l_tid;
		f->cpu = l->l_cpu != NULL ? l->l_cpu->ci_index : 0;
		f->pri = l->l_pri;
		f->policy = l->l_sched.se_policy;
		f->rtprio = l->l_sched.se_rtprio;
		f->wchan = l->l_state == LS_SLEEP ? l->l_wchan : NULL;
		strlcpy(f->comm, l->l_name[0] != '\0' ? l->l_name : p->p_comm,
		    sizeof(f->comm));
		if (!whole) {
			f->ru = l->l_ru;
			sched_times(l, &f->ru.ru_utime, &f->ru.ru_stime);
		}
	} else {
		f->tid = p->p_pid;
		strlcpy(f->comm, p->p_comm, sizeof(f->comm));
	}
	if (whole)
		proc_rusage(p, &f->ru);
	f->utime = f->ru.ru_utime;
	f->stime = f->ru.ru_stime;
}

static int
facts_get(const struct pfs_node *pn, struct facts *f)
{
	struct vmspace *vm;
	struct proc *p;
	struct lwp *l;

	memset(f, 0, sizeof(*f));
	p = proc_look(pn);
	if (p == NULL)
		return ESRCH;
	l = lwp_look(pn, p);
	f->pid = p->p_pid;
	facts_session(f, p);
	facts_thread(f, p, l, pn->pn_tid == 0);
	spin_enter(&p->p_lock);
	f->state = state_letter(p, l);
	f->nthreads = MAX(p->p_nlwps, 1U);
	f->nice = p->p_nice;
	f->exitsig = p->p_exitsig;
	f->oom = p->p_oom_adj;
	f->start = p->p_start;
	f->cru = p->p_cru;
	f->nonewprivs = p->p_nonewprivs;
	f->tracer = l != NULL ? ptrace_tracer_pid(l) : 0;
	facts_signals(f, p, l);
	f->arg0 = p->p_argstart;
	f->arg1 = p->p_argend;
	f->env0 = p->p_envstart;
	f->env1 = p->p_envend;
	vm = vm_take(p);
	spin_exit(&p->p_lock);
	f->kernel = (p->p_flags & P_SYSTEM) != 0;
	if (p->p_fd != NULL)
		f->fdsize = (int)fd_table_size(p->p_fd);
	if (p->p_cwdi != NULL)
		f->umask = p->p_cwdi->cwd_umask;
	f->cred = proc_cred_ref(p);
	proc_done();
	facts_memory(f, vm);
	return 0;
}

static void
facts_put(struct facts *f)
{
	if (f->cred != NULL)
		cred_put(f->cred);
}

/* Linux's priority field: 20 + nice, or -1 - rtprio. */
static int
linux_priority(const struct facts *f)
{
	return f->rtprio > 0 ? -1 - f->rtprio : 20 + f->nice;
}

static int
linux_tty_nr(dev_t d)
{
	return (int)((minor(d) & 0xff) | major(d) << 8 |
	    (minor(d) & ~0xffU) << 12);
}

static int
fill_stat(const struct pfs_node *pn, struct pbuf *pb)
{
	struct facts f;
	int error;

	error = facts_get(pn, &f);
	if (error != 0)
		return error;
	pbuf_printf(pb, "%d (%s) %c %d %d %d %d %d %u %llu %llu %llu %llu ",
	    f.tid, f.comm, f.state, f.ppid, f.pgid, f.sid, linux_tty_nr(f.tty),
	    f.tpgid, f.kernel ? 0x200000U : 0x400000U,
	    (unsigned long long)f.ru.ru_minflt,
	    (unsigned long long)f.cru.ru_minflt,
	    (unsigned long long)f.ru.ru_majflt,
	    (unsigned long long)f.cru.ru_majflt);
	pbuf_printf(pb, "%lld %lld %lld %lld %d %d %u 0 %lld %zu %zu %llu ",
	    (long long)(f.utime / TICK_NS), (long long)(f.stime / TICK_NS),
	    (long long)(f.cru.ru_utime / TICK_NS),
	    (long long)(f.cru.ru_stime / TICK_NS), linux_priority(&f), f.nice,
	    f.nthreads, (long long)(f.start / TICK_NS), f.vsize, f.rss,
	    (unsigned long long)RLIM_INFINITY);
	pbuf_printf(pb, "%lu %lu %lu 0 0 %llu %llu %llu %llu %d 0 0 %d %u ",
	    f.code0, f.code1, f.stack, (unsigned long long)f.pending,
	    (unsigned long long)f.blocked & 0x7fffffff,
	    (unsigned long long)f.ignored & 0x7fffffff,
	    (unsigned long long)f.caught & 0x7fffffff, f.wchan != NULL,
	    f.exitsig, f.cpu);
	pbuf_printf(pb, "%d %d 0 0 0 %lu %lu %lu %lu %lu %lu %lu 0\n",
	    f.rtprio, f.policy, f.data0, f.data1, f.brk, f.arg0, f.arg1,
	    f.env0, f.env1);
	facts_put(&f);
	return 0;
}

static int
fill_statm(const struct pfs_node *pn, struct pbuf *pb)
{
	struct facts f;
	int error;

	error = facts_get(pn, &f);
	if (error != 0)
		return error;
	pbuf_printf(pb, "%zu %zu 0 %zu 0 %zu 0\n", atop(f.vsize), f.rss,
	    (size_t)atop(f.code1 - f.code0), (size_t)atop(f.vsize));
	facts_put(&f);
	return 0;
}

static const char *
state_word(char c)
{
	switch (c) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	default:
		return "zombie";
	}
}

static void
status_cred(struct pbuf *pb, const struct cred *cr)
{
	unsigned int i;

	pbuf_printf(pb, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
	    cr->cr_ruid, cr->cr_euid, cr->cr_suid, cr->cr_fsuid, cr->cr_rgid,
	    cr->cr_egid, cr->cr_sgid, cr->cr_fsgid);
	pbuf_printf(pb, "Groups:\t");
	for (i = 0; i < cr->cr_ngroups; i++)
		pbuf_printf(pb, "%u ", cr->cr_groups[i]);
	pbuf_printf(pb, "\n");
}

static void
status_caps(struct pbuf *pb, const struct cred *cr)
{
	pbuf_printf(pb, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n"
	    "CapBnd:\t%016llx\nCapAmb:\t%016llx\n",
	    (unsigned long long)cr->cr_cap_inheritable,
	    (unsigned long long)cr->cr_cap_permitted,
	    (unsigned long long)cr->cr_cap_effective,
	    (unsigned long long)cr->cr_cap_bset,
	    (unsigned long long)cr->cr_cap_ambient);
}

static int
fill_status(const struct pfs_node *pn, struct pbuf *pb)
{
	struct facts f;
	int error;

	error = facts_get(pn, &f);
	if (error != 0)
		return error;
	pbuf_printf(pb, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\n"
	    "Ngid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", f.comm, f.umask,
	    f.state, state_word(f.state), f.pid, f.tid, f.ppid, f.tracer);
	if (f.cred != NULL)
		status_cred(pb, f.cred);
	pbuf_printf(pb, "FDSize:\t%d\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\n"
	    "NSsid:\t%d\n", f.fdsize, f.pid, f.tid, f.pgid, f.sid);
	if (f.vsize != 0)
		pbuf_printf(pb, "VmPeak:\t%8zu kB\nVmSize:\t%8zu kB\n"
		    "VmLck:\t%8zu kB\nVmPin:\t       0 kB\nVmHWM:\t%8zu kB\n"
		    "VmRSS:\t%8zu kB\nVmSwap:\t       0 kB\n", f.vsize >> 10,
		    f.vsize >> 10, f.locked * 4, f.rssmax * 4, f.rss * 4);
	pbuf_printf(pb, "Threads:\t%u\nSigQ:\t0/0\nSigPnd:\t%016llx\n"
	    "ShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\n"
	    "SigCgt:\t%016llx\n", f.nthreads, (unsigned long long)f.pending,
	    (unsigned long long)f.shared, (unsigned long long)f.blocked,
	    (unsigned long long)f.ignored, (unsigned long long)f.caught);
	if (f.cred != NULL)
		status_caps(pb, f.cred);
	pbuf_printf(pb, "NoNewPrivs:\t%d\nSeccomp:\t0\n"
	    "voluntary_ctxt_switches:\t%llu\n"
	    "nonvoluntary_ctxt_switches:\t%llu\n", f.nonewprivs,
	    (unsigned long long)f.ru.ru_nvcsw,
	    (unsigned long long)f.ru.ru_nivcsw);
	facts_put(&f);
	return 0;
}

static int
fill_wchan(const struct pfs_node *pn, struct pbuf *pb)
{
	struct facts f;
	int error;

	error = facts_get(pn, &f);
	if (error != 0)
		return error;
	pbuf_printf(pb, "%s", f.wchan != NULL ? f.wchan : "0");
	facts_put(&f);
	return 0;
}

static int
fill_comm(const struct pfs_node *pn, struct pbuf *pb)
{
	struct facts f;
	int error;

	error = facts_get(pn, &f);
	if (error != 0)
		return error;
	pbuf_printf(pb, "%s\n", f.comm);
	facts_put(&f);
	return 0;
}

/* Of the caller's own process only, as on Linux. */
static int
store_comm(const struct pfs_node *pn, char *text)
{
	struct proc *p = proc_look(pn);
	struct lwp *l;
	int error = 0;

	if (p == NULL)
		return ESRCH;
	spin_enter(&p->p_lock);
	l = lwp_look(pn, p);
	if (p != curproc || l == NULL) {
		error = EINVAL;
	} else {
		strlcpy(l->l_name, text, sizeof(l->l_name));
		if (l == p->p_leader)
			strlcpy(p->p_comm, text, sizeof(p->p_comm));
	}
	spin_exit(&p->p_lock);
	proc_done();
	return error;
}

static int
fill_oom(const struct pfs_node *pn, struct pbuf *pb)
{
	struct facts f;
	int error;

	error = facts_get(pn, &f);
	if (error != 0)
		return error;
	pbuf_printf(pb, "%d\n", f.oom);
	facts_put(&f);
	return 0;
}

static int
store_oom(const struct pfs_node *pn, char *text)
{
	struct proc *p;
	int64_t v;
	int error = 0;

	if (kstrtoi64(text, 10, &v) != 0 || v < -1000 || v > 1000)
		return EINVAL;
	p = proc_look(pn);
	if (p == NULL)
		return ESRCH;
	if (v < p->p_oom_adj)
		error = cred_capable(curlwp->l_cred, CAP_SYS_RESOURCE) == 0 ?
		    0 : EACCES;
	if (error == 0)
		p->p_oom_adj = (int)v;
	proc_done();
	return error;
}

/* ---- memory contents ---- */

/* The reference to vm is given up. */
static int
fill_memory(struct vmspace *vm, struct pbuf *pb, vaddr_t from, vaddr_t to)
{
	char *page;
	size_t n;
	int error = 0;

	if (vm == NULL)
		return 0;		/* a zombie: empty */
	page = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (page == NULL)
		error = ENOMEM;
	for (; error == 0 && from < to; from += n) {
		n = MIN(to - from, PAGE_SIZE);
		error = uvm_io(vm, from, page, n, UIO_READ, true);
		if (error == 0)
			pbuf_write(pb, page, n);
	}
	if (page != NULL)
		kmem_free(page, PAGE_SIZE);
	vmspace_put(vm);
	/* Memory that is not there (any more) ends the text. */
	return error == ENOMEM ? error : 0;
}

static int
fill_cmdline(const struct pfs_node *pn, struct pbuf *pb)
{
	struct proc *p = proc_look(pn);
	struct vmspace *vm;
	vaddr_t from, to;

	if (p == NULL)
		return ESRCH;
	spin_enter(&p->p_lock);
	from = p->p_argstart;
	to = p->p_argend;
	vm = vm_take(p);
	spin_exit(&p->p_lock);
	proc_done();
	return fill_memory(vm, pb, from, to);
}

static int
fill_environ(const struct pfs_node *pn, struct pbuf *pb)
{
	struct vmspace *vm;
	struct proc *p;
	vaddr_t from, to;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	from = p->p_envstart;
	to = p->p_envend;
	vm = vm_take(p);
	inspect_done(p);
	return fill_memory(vm, pb, from, to);
}

static int
fill_auxv(const struct pfs_node *pn, struct pbuf *pb)
{
	struct vmspace *vm;
	struct proc *p;
	vaddr_t from, len;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	from = p->p_auxv;
	len = p->p_auxvlen;
	vm = vm_take(p);
	inspect_done(p);
	return fill_memory(vm, pb, from, from + len);
}

/* A part of a page of the process' memory. */
static int
io_page(struct vmspace *vm, char *page, size_t n, struct uio *uio)
{
	vaddr_t va = (vaddr_t)uio->uio_offset;
	int error;

	if (uio->uio_rw == UIO_READ) {
		if (uvm_io(vm, va, page, n, UIO_READ, true) != 0)
			return EIO;
		return uiomove(page, n, uio);
	}
	if ((error = uiomove(page, n, uio)) != 0)
		return error;
	if (uvm_io(vm, va, page, n, UIO_WRITE, true) == 0)
		return 0;
	uio->uio_resid += n;		/* it did not arrive */
	uio->uio_offset -= (off_t)n;
	return EIO;
}

/* The process' memory, at the addresses it has there. */
static int
io_mem(const struct pfs_node *pn, struct uio *uio)
{
	size_t start = uio->uio_resid, n;
	struct vmspace *vm;
	struct proc *p;
	char *page;
	int error;

	if ((error = inspect(pn, &p)) != 0)
		return error;
	vm = vm_take(p);
	inspect_done(p);
	if (vm == NULL)
		return 0;
	if ((page = kmem_alloc(PAGE_SIZE, KM_SLEEP)) == NULL)
		error = ENOMEM;
	while (error == 0 && uio->uio_resid > 0) {
		n = MIN(uio->uio_resid, PAGE_SIZE -
		    ((size_t)uio->uio_offset & PAGE_MASK));
		error = uio->uio_offset < 0 ||
		    (uint64_t)uio->uio_offset >= VM_MAX_ADDRESS ? EIO :
		    io_page(vm, page, n, uio);
	}
	if (page != NULL)
		kmem_free(page, PAGE_SIZE);
	vmspace_put(vm);
	return uio->uio_resid != start ? 0 : error;
}

/* ---- maps ---- */

static void
map_line(struct pbuf *pb, struct vmspace *vm __unused,
    const struct vm_map_entry *e, char *name)
{
	struct stat_k st = { 0 };
	struct vnode *vp;
	const char *label = "";

	if (e->e_file != NULL) {
		vp = file_vnode(e->e_file);
		if (vp != NULL && vp->v_ops->vop_getattr != NULL)
			(void)vp->v_ops->vop_getattr(vp, &st);
		if (e->e_file->f_path != NULL &&
		    path_name(e->e_file->f_path, NULL, name, MAXPATHLEN) == 0)
			label = name;
	} else if ((e->e_flags & ME_HEAP) != 0) {
		label = "[heap]";
	} else if ((e->e_flags & ME_STACK) != 0) {
		label = "[stack]";
	} else if ((e->e_flags & ME_VDSO) != 0) {
		label = "[vdso]";
	} else if ((e->e_flags & ME_VVAR) != 0) {
		label = "[vvar]";
	}
	pbuf_printf(pb, "%08lx-%08lx %c%c%c%c %08llx %02x:%02x %llu",
	    e->e_start, e->e_end, (e->e_prot & PROT_READ) != 0 ? 'r' : '-',
	    (e->e_prot & PROT_WRITE) != 0 ? 'w' : '-',
	    (e->e_prot & PROT_EXEC) != 0 ? 'x' : '-',
	    (e->e_flags & ME_SHARED) != 0 ? 's' : 'p',
	    (unsigned long long)(e->e_file != NULL ? e->e_offset : 0),
	    major(st.st_dev), minor(st.st_dev),
	    (unsigned long long)st.st_ino);
	if (*label != '\0') {
		pbuf_printf(pb, "\t\t");
		pbuf_write(pb, label, strlen(label));
	}
	pbuf_printf(pb, "\n");
}

/* Every mapping of the process by func, which has a buffer for its name. */
static int
each_mapping(const struct pfs_node *pn, struct pbuf *pb,
    void (*func)(struct pbuf *, struct vmspace *, const struct vm_map_entry *,
    char *))
{
	struct vm_map_entry *e;
	struct vmspace *vm;
	struct proc *p;
	char *name;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	vm = vm_take(p);
	inspect_done(p);
	if (vm == NULL)
		return 0;
	name = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (name != NULL) {
		rw_enter(&vm->vm_map.m_lock, RW_READER);
		for (e = uvm_map_lookup_ge(&vm->vm_map, 0); e != NULL;
		    e = uvm_map_next(e))
			func(pb, vm, e, name);
		rw_exit(&vm->vm_map.m_lock);
		kmem_free(name, MAXPATHLEN);
	} else {
		error = ENOMEM;
	}
	vmspace_put(vm);
	return error;
}

static int
fill_maps(const struct pfs_node *pn, struct pbuf *pb)
{
	return each_mapping(pn, pb, map_line);
}

/* ---- smaps ---- */

struct counts {				/* bytes */
	size_t		size, rss, shared, private, dirty, anon, locked;
};

/* What of the entry is mapped now; the map is locked. */
static void
count_entry(struct vmspace *vm, const struct vm_map_entry *e,
    struct counts *c)
{
	bool shared = (e->e_flags & ME_SHARED) != 0;
	vm_prot_t prot;
	vaddr_t va;

	memset(c, 0, sizeof(*c));
	c->size = e->e_end - e->e_start;
	for (va = e->e_start; va < e->e_end && e->e_prot != PROT_NONE;
	    va += PAGE_SIZE) {
		if (!pmap_extract(vm->vm_map.m_pmap, va, NULL, &prot))
			continue;
		c->rss += PAGE_SIZE;
		if (shared)
			c->shared += PAGE_SIZE;
		else
			c->private += PAGE_SIZE;
		if ((prot & PROT_WRITE) != 0)
			c->dirty += PAGE_SIZE;
		if (e->e_object == NULL)
			c->anon += PAGE_SIZE;
	}
	if ((e->e_flags & ME_WIRED) != 0)
		c->locked = c->rss;
}

static void
counts_add(struct counts *sum, const struct counts *c)
{
	sum->size += c->size;
	sum->rss += c->rss;
	sum->shared += c->shared;
	sum->private += c->private;
	sum->dirty += c->dirty;
	sum->anon += c->anon;
	sum->locked += c->locked;
}

/* A page that can be written counts as dirty; who shares is not known. */
static void
print_counts(struct pbuf *pb, const struct counts *c, bool shared)
{
	size_t sd = shared ? c->dirty : 0, pd = shared ? 0 : c->dirty;
	const struct {
		const char *name;
		size_t bytes;
	} rows[] = {
		{ "Rss:", c->rss }, { "Pss:", c->rss },
		{ "Shared_Clean:", c->shared - sd }, { "Shared_Dirty:", sd },
		{ "Private_Clean:", c->private - pd },
		{ "Private_Dirty:", pd }, { "Referenced:", c->rss },
		{ "Anonymous:", c->anon }, { "LazyFree:", 0 },
		{ "AnonHugePages:", 0 }, { "Swap:", 0 }, { "SwapPss:", 0 },
		{ "Locked:", c->locked },
	};
	unsigned int i;

	for (i = 0; i < __arraycount(rows); i++)
		pbuf_printf(pb, "%-16s%8zu kB\n", rows[i].name,
		    rows[i].bytes / 1024);
}

static void
smap_entry(struct pbuf *pb, struct vmspace *vm, const struct vm_map_entry *e,
    char *name)
{
	struct counts c;

	map_line(pb, vm, e, name);
	count_entry(vm, e, &c);
	pbuf_printf(pb, "%-16s%8zu kB\n%-16s%8lu kB\n%-16s%8lu kB\n", "Size:",
	    c.size / 1024, "KernelPageSize:", PAGE_SIZE / 1024,
	    "MMUPageSize:", PAGE_SIZE / 1024);
	print_counts(pb, &c, (e->e_flags & ME_SHARED) != 0);
	pbuf_printf(pb, "VmFlags:%s%s%s%s%s%s \n",
	    (e->e_prot & PROT_READ) != 0 ? " rd" : "",
	    (e->e_prot & PROT_WRITE) != 0 ? " wr" : "",
	    (e->e_prot & PROT_EXEC) != 0 ? " ex" : "",
	    (e->e_flags & ME_SHARED) != 0 ? " sh" : "",
	    (e->e_flags & ME_GROWSDOWN) != 0 ? " gd" : "",
	    (e->e_flags & ME_WIRED) != 0 ? " lo" : "");
}

static int
fill_smaps(const struct pfs_node *pn, struct pbuf *pb)
{
	return each_mapping(pn, pb, smap_entry);
}

static int
fill_smaps_rollup(const struct pfs_node *pn, struct pbuf *pb)
{
	struct counts sum = { 0 }, c;
	struct vm_map_entry *e;
	struct vmspace *vm;
	struct proc *p;
	vaddr_t from = 0, to = 0;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	vm = vm_take(p);
	inspect_done(p);
	if (vm == NULL)
		return ESRCH;
	rw_enter(&vm->vm_map.m_lock, RW_READER);
	for (e = uvm_map_lookup_ge(&vm->vm_map, 0); e != NULL;
	    e = uvm_map_next(e)) {
		if (to == 0)
			from = e->e_start;
		to = e->e_end;
		count_entry(vm, e, &c);
		counts_add(&sum, &c);
	}
	rw_exit(&vm->vm_map.m_lock);
	vmspace_put(vm);
	pbuf_printf(pb, "%08lx-%08lx ---p 00000000 00:00 0 [rollup]\n", from,
	    to);
	print_counts(pb, &sum, false);
	return 0;
}

/* ---- limits, mounts ---- */

static void
limit_value(struct pbuf *pb, uint64_t v)
{
	if (v == RLIM_INFINITY)
		pbuf_printf(pb, "%-20s ", "unlimited");
	else
		pbuf_printf(pb, "%-20llu ", (unsigned long long)v);
}

static int
fill_limits(const struct pfs_node *pn, struct pbuf *pb)
{
	static const struct {
		const char *name, *unit;
	} lim[RLIM_NLIMITS] = {
		{ "Max cpu time", "seconds" }, { "Max file size", "bytes" },
		{ "Max data size", "bytes" }, { "Max stack size", "bytes" },
		{ "Max core file size", "bytes" },
		{ "Max resident set", "bytes" },
		{ "Max processes", "processes" },
		{ "Max open files", "files" },
		{ "Max locked memory", "bytes" },
		{ "Max address space", "bytes" }, { "Max file locks", "locks" },
		{ "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" },
		{ "Max realtime priority", "" },
		{ "Max realtime timeout", "us" },
	};
	struct rlimit r[RLIM_NLIMITS];
	struct proc *p = proc_look(pn);
	int i;

	if (p == NULL)
		return ESRCH;
	for (i = 0; i < RLIM_NLIMITS; i++)
		r[i] = proc_rlimit(p, i);
	proc_done();
	pbuf_printf(pb, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
	    "Hard Limit", "Units");
	for (i = 0; i < RLIM_NLIMITS; i++) {
		pbuf_printf(pb, "%-25s ", lim[i].name);
		limit_value(pb, r[i].rlim_cur);
		limit_value(pb, r[i].rlim_max);
		pbuf_printf(pb, "%-10s\n", lim[i].unit);
	}
	return 0;
}

/* A reference to one of the process' directories; proctree_lock held. */
static int
cwdi_path(const struct proc *p, bool root, struct path *path)
{
	struct cwdinfo *cw = p->p_cwdi;

	if (cw == NULL)
		return ENOENT;
	spin_enter(&cw->cwd_lock);
	*path = root ? cw->cwd_root : cw->cwd_cwd;
	path_get(path);
	spin_exit(&cw->cwd_lock);
	return 0;
}

static int
fill_mounts_as(const struct pfs_node *pn, struct pbuf *pb,
    enum mounts_format fmt)
{
	struct proc *p = proc_look(pn);
	struct path root;
	int error;

	if (p == NULL)
		return ESRCH;
	error = cwdi_path(p, true, &root);
	proc_done();
	if (error != 0)
		return EINVAL;
	error = vfs_mounts_format(&root, fmt, pbuf_write, pb);
	path_put(&root);
	return error;
}

static int
fill_mounts(const struct pfs_node *pn, struct pbuf *pb)
{
	return fill_mounts_as(pn, pb, MOUNTS_MOUNTS);
}

static int
fill_mountinfo(const struct pfs_node *pn, struct pbuf *pb)
{
	return fill_mounts_as(pn, pb, MOUNTS_MOUNTINFO);
}

static int
fill_mountstats(const struct pfs_node *pn, struct pbuf *pb)
{
	return fill_mounts_as(pn, pb, MOUNTS_MOUNTSTATS);
}

static int
fill_cgroup(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "0::/\n");
	return 0;
}

/* There is one user name space: each id is itself. */
static int
fill_id_map(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "%10u %10u %10u\n", 0U, 0U, 4294967295U);
	return 0;
}

static int
fill_setgroups(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "allow\n");
	return 0;
}

static int
fill_personality(const struct pfs_node *pn, struct pbuf *pb)
{
	struct proc *p = proc_look(pn);

	if (p == NULL)
		return ESRCH;
	pbuf_printf(pb, "%08x\n", p->p_personality);
	proc_done();
	return 0;
}

/* ---- links ---- */

static int
follow_exe(const struct pfs_node *pn, struct path *path)
{
	struct proc *p;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	if (p->p_exe != NULL) {
		*path = *p->p_exe;
		path_get(path);
	} else {
		error = ENOENT;
	}
	inspect_done(p);
	return error;
}

static int
follow_dir(const struct pfs_node *pn, bool root, struct path *path)
{
	struct proc *p;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	error = cwdi_path(p, root, path);
	inspect_done(p);
	return error;
}

static int
follow_cwd(const struct pfs_node *pn, struct path *path)
{
	return follow_dir(pn, false, path);
}

static int
follow_root(const struct pfs_node *pn, struct path *path)
{
	return follow_dir(pn, true, path);
}

/* The open file behind /proc/PID/fd/N, with a reference. */
static int
fd_file(const struct pfs_node *pn, struct file **fp)
{
	struct filedesc *fd = NULL;
	struct proc *p;
	int error;

	error = inspect(pn, &p);
	if (error != 0)
		return error;
	if (p->p_fd != NULL)
		fd = fd_table_get(p->p_fd);
	inspect_done(p);
	if (fd == NULL)
		return ENOENT;
	error = fd_table_file(fd, pn->pn_fd, fp);
	fd_table_put(fd);
	return error != 0 ? ENOENT : 0;
}

static int
follow_fd(const struct pfs_node *pn, struct path *path)
{
	struct file *f;
	int error;

	error = fd_file(pn, &f);
	if (error != 0)
		return error;
	if (f->f_path != NULL) {
		*path = *f->f_path;
		path_get(path);
	} else {
		error = ENXIO;		/* a socket or pipe: no path to it */
	}
	file_put(f);
	return error;
}

static int
readlink_fd(const struct pfs_node *pn, char *buf, size_t size)
{
	struct stat_k st = { 0 };
	struct file *f;
	int error;

	error = fd_file(pn, &f);
	if (error != 0)
		return error;
	if (f->f_path != NULL) {
		error = path_name(f->f_path, NULL, buf, size);
	} else if (strncmp(f->f_ops->fo_name, "anon", 4) == 0) {
		snprintf(buf, size, "anon_inode:%s", f->f_ops->fo_name + 4);
	} else {
		if (f->f_ops->fo_stat != NULL)
			(void)f->f_ops->fo_stat(f, &st);
		snprintf(buf, size, "%s:[%llu]", f->f_ops->fo_name,
		    (unsigned long long)st.st_ino);
	}
	file_put(f);
	return error;
}

static int
fill_fdinfo(const struct pfs_node *pn, struct pbuf *pb)
{
	struct stat_k st = { 0 };
	struct file *f;
	int error;

	error = fd_file(pn, &f);
	if (error != 0)
		return error;
	if (f->f_ops->fo_stat != NULL)
		(void)f->f_ops->fo_stat(f, &st);
	pbuf_printf(pb, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
	    (long long)f->f_offset, f->f_flags,
	    f->f_path != NULL ? path_mntid(f->f_path) : 0,
	    (unsigned long long)st.st_ino);
	file_put(f);
	return 0;
}

/* The name spaces, of which there is one of each kind. */
#define	NAMESPACE(type, ino)						\
static int								\
link_ns_##type(const struct pfs_node *pn, char *buf, size_t size)	\
{									\
	struct proc *p;							\
	int error = inspect(pn, &p);					\
									\
	if (error != 0)							\
		return error;						\
	inspect_done(p);						\
	snprintf(buf, size, "%s:[%u]", #type, ino);			\
	return 0;							\
}
NAMESPACE(cgroup, 4026531835U)
NAMESPACE(ipc, 4026531839U)
NAMESPACE(mnt, 4026531841U)
NAMESPACE(net, 4026531840U)
NAMESPACE(pid, 4026531836U)
NAMESPACE(user, 4026531837U)
NAMESPACE(uts, 4026531838U)

#define	NS_LINK(type)							\
	{ .pe_name = #type, .pe_mode = S_IFLNK | 0777,			\
	    .pe_readlink = link_ns_##type, .pe_flags = PFS_PERPID }
static const struct pfs_entry ns_entries[] = {
	NS_LINK(cgroup), NS_LINK(ipc), NS_LINK(mnt), NS_LINK(net),
	NS_LINK(pid), NS_LINK(user), NS_LINK(uts), { 0 }
};

/* ---- tables ---- */

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = (fill), .pe_flags = PFS_PERPID }
#define	FILE_O(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0400,	\
	    .pe_fill = (fill), .pe_flags = PFS_PERPID }

static const struct pfs_entry no_entries[] = { { 0 } };

#define	THREAD_FILES							\
	FILE_R("stat", fill_stat),					\
	FILE_R("statm", fill_statm),					\
	FILE_R("status", fill_status),					\
	{ .pe_name = "comm", .pe_mode = S_IFREG | 0644,			\
	    .pe_fill = fill_comm, .pe_store = store_comm,		\
	    .pe_flags = PFS_PERPID },					\
	FILE_R("cmdline", fill_cmdline),				\
	FILE_R("wchan", fill_wchan),					\
	FILE_R("maps", fill_maps),					\
	FILE_R("limits", fill_limits),					\
	FILE_R("mounts", fill_mounts),					\
	FILE_R("mountinfo", fill_mountinfo),				\
	FILE_R("cgroup", fill_cgroup),					\
	FILE_O("environ", fill_environ),				\
	FILE_O("auxv", fill_auxv),					\
	{ .pe_name = "mem", .pe_mode = S_IFREG | 0600,			\
	    .pe_io = io_mem, .pe_flags = PFS_PERPID },			\
	FILE_O("personality", fill_personality),			\
	{ .pe_name = "oom_score_adj", .pe_mode = S_IFREG | 0644,	\
	    .pe_fill = fill_oom, .pe_store = store_oom },		\
	{ .pe_name = "exe", .pe_mode = S_IFLNK | 0777,			\
	    .pe_follow = follow_exe },					\
	{ .pe_name = "cwd", .pe_mode = S_IFLNK | 0777,			\
	    .pe_follow = follow_cwd },					\
	{ .pe_name = "root", .pe_mode = S_IFLNK | 0777,			\
	    .pe_follow = follow_root },					\
	{ .pe_name = "fd", .pe_mode = S_IFDIR | 0500,			\
	    .pe_dir = no_entries, .pe_flags = PFS_FDS },		\
	{ .pe_name = "fdinfo", .pe_mode = S_IFDIR | 0555,		\
	    .pe_dir = no_entries, .pe_flags = PFS_FDINFO },		\
	FILE_R("smaps", fill_smaps),					\
	FILE_R("smaps_rollup", fill_smaps_rollup),			\
	FILE_R("uid_map", fill_id_map),					\
	FILE_R("gid_map", fill_id_map),					\
	FILE_R("setgroups", fill_setgroups),				\
	{ .pe_name = "ns", .pe_mode = S_IFDIR | 0511,			\
	    .pe_dir = ns_entries, .pe_flags = PFS_PERPID },		\
	{ .pe_name = "net", .pe_mode = S_IFDIR | 0555,			\
	    .pe_dir = pfs_net_entries, .pe_flags = PFS_PERPID }

static const struct pfs_entry task_entries[] = { THREAD_FILES, { 0 } };

static const struct pfs_entry pid_entries[] = {
	THREAD_FILES,
	FILE_R("mountstats", fill_mountstats),
	{ .pe_name = "task", .pe_mode = S_IFDIR | 0555, .pe_dir = no_entries,
	    .pe_flags = PFS_TASKS },
	{ 0 }
};

const struct pfs_entry pfs_pid_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = pid_entries,
	.pe_flags = PFS_PERPID
};
const struct pfs_entry pfs_task_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = task_entries,
	.pe_flags = PFS_PERPID
};
const struct pfs_entry pfs_fd_link = {
	.pe_mode = S_IFLNK | 0700, .pe_follow = follow_fd,
	.pe_readlink = readlink_fd, .pe_flags = PFS_PERPID
};
const struct pfs_entry pfs_fdinfo_file = {
	.pe_mode = S_IFREG | 0444, .pe_fill = fill_fdinfo,
	.pe_flags = PFS_PERPID
};
