/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: what a process or thread is and does: stat, statm, status, comm,
 * wchan, oom_score_adj.  Formats: proc(5).
 *
 * The numbers are taken together (facts_get()), so that a file tells of one
 * moment, and printed with no lock held.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/seccomp.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/tty.h>
#include <fs/procfs/procfs_pid.h>
#include <uvm/uvm.h>

#define	TICK_NS		(NSEC_PER_SEC / 100)	/* USER_HZ is 100 */

/* The thread a node is about: the named one or the leader. */
static struct lwp *
lwp_look(const struct pfs_node *pn, struct proc *p)
{
	if (pn->pn_tid != 0)
		return lwp_find(pn->pn_tid);
	return p->p_leader != NULL ? p->p_leader : LIST_FIRST(&p->p_lwps);
}

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
	size_t		vsize, rss, rssmax, locked, swapped;
	vaddr_t		code0, code1, data0, data1, stack, brk;
	vaddr_t		arg0, arg1, env0, env1;
	unsigned int	nvcsw, nivcsw;
	bool		kernel, nonewprivs;
	int		seccomp;
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
facts_memory(struct facts *f, struct vmspace *vm, bool all)
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
	if (all)
		f->swapped = vmspace_swapped(vm, 0, vm->vm_map.m_max);
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
facts_get(const struct pfs_node *pn, struct facts *f, bool all)
{
	struct vmspace *vm;
	struct proc *p;
	struct lwp *l;

	memset(f, 0, sizeof(*f));
	p = pfs_proc(pn);
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
	f->seccomp = l != NULL ? seccomp_mode(l) : 0;
	f->tracer = l != NULL ? ptrace_tracer_pid(l) : 0;
	facts_signals(f, p, l);
	f->arg0 = p->p_argstart;
	f->arg1 = p->p_argend;
	f->env0 = p->p_envstart;
	f->env1 = p->p_envend;
	vm = p->p_vmspace != NULL ? vmspace_get(p->p_vmspace) : NULL;
	spin_exit(&p->p_lock);
	f->kernel = (p->p_flags & P_SYSTEM) != 0;
	if (p->p_fd != NULL)
		f->fdsize = (int)fd_table_size(p->p_fd);
	if (p->p_cwdi != NULL)
		f->umask = p->p_cwdi->cwd_umask;
	f->cred = proc_cred_ref(p);
	pfs_proc_done();
	facts_memory(f, vm, all);
	return 0;
}

/* Linux's priority field: 20 + nice, or -1 - rtprio. */
static int
linux_priority(const struct facts *f)
{
	return f->pri < 100 ? f->pri - 100 : 20 + f->nice;
}

static int
linux_tty_nr(dev_t d)
{
	return (int)((minor(d) & 0xff) | major(d) << 8 |
	    (minor(d) & ~0xffU) << 12);
}

static void
print_stat(const struct facts *f, struct pbuf *pb)
{
	pbuf_printf(pb, "%d (%s) %c %d %d %d %d %d %u %llu %llu %llu %llu ",
	    f->tid, f->comm, f->state, f->ppid, f->pgid, f->sid,
	    linux_tty_nr(f->tty), f->tpgid, f->kernel ? 0x200000U : 0x400000U,
	    (unsigned long long)f->ru.ru_minflt,
	    (unsigned long long)f->cru.ru_minflt,
	    (unsigned long long)f->ru.ru_majflt,
	    (unsigned long long)f->cru.ru_majflt);
	pbuf_printf(pb, "%lld %lld %lld %lld %d %d %u 0 %lld %zu %zu %llu ",
	    (long long)(f->utime / TICK_NS), (long long)(f->stime / TICK_NS),
	    (long long)(f->cru.ru_utime / TICK_NS),
	    (long long)(f->cru.ru_stime / TICK_NS), linux_priority(f), f->nice,
	    f->nthreads, (long long)(f->start / TICK_NS), f->vsize, f->rss,
	    (unsigned long long)RLIM_INFINITY);
	pbuf_printf(pb, "%lu %lu %lu 0 0 %llu %llu %llu %llu %d 0 0 %d %u ",
	    f->code0, f->code1, f->stack, (unsigned long long)f->pending,
	    (unsigned long long)f->blocked & 0x7fffffff,
	    (unsigned long long)f->ignored & 0x7fffffff,
	    (unsigned long long)f->caught & 0x7fffffff, f->wchan != NULL,
	    f->exitsig, f->cpu);
	pbuf_printf(pb, "%d %d 0 0 0 %lu %lu %lu %lu %lu %lu %lu 0\n",
	    f->rtprio, f->policy, f->data0, f->data1, f->brk, f->arg0, f->arg1,
	    f->env0, f->env1);
}

static void
print_statm(const struct facts *f, struct pbuf *pb)
{
	pbuf_printf(pb, "%zu %zu 0 %zu 0 %zu 0\n", atop(f->vsize), f->rss,
	    (size_t)atop(f->code1 - f->code0), (size_t)atop(f->vsize));
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

static void
print_status(const struct facts *f, struct pbuf *pb)
{
	pbuf_printf(pb, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\n"
	    "Ngid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", f->comm,
	    f->umask, f->state, state_word(f->state), f->pid, f->tid,
	    f->ppid, f->tracer);
	if (f->cred != NULL)
		status_cred(pb, f->cred);
	pbuf_printf(pb, "FDSize:\t%d\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\n"
	    "NSsid:\t%d\n", f->fdsize, f->pid, f->tid, f->pgid, f->sid);
	if (f->vsize != 0)
		pbuf_printf(pb, "VmPeak:\t%8zu kB\nVmSize:\t%8zu kB\n"
		    "VmLck:\t%8zu kB\nVmPin:\t       0 kB\nVmHWM:\t%8zu kB\n"
		    "VmRSS:\t%8zu kB\nVmSwap:\t%8zu kB\n", f->vsize >> 10,
		    f->vsize >> 10, f->locked * 4, f->rssmax * 4, f->rss * 4,
		    f->swapped * 4);
	pbuf_printf(pb, "Threads:\t%u\nSigQ:\t0/0\nSigPnd:\t%016llx\n"
	    "ShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\n"
	    "SigCgt:\t%016llx\n", f->nthreads, (unsigned long long)f->pending,
	    (unsigned long long)f->shared, (unsigned long long)f->blocked,
	    (unsigned long long)f->ignored, (unsigned long long)f->caught);
	if (f->cred != NULL)
		status_caps(pb, f->cred);
	pbuf_printf(pb, "NoNewPrivs:\t%d\nSeccomp:\t%d\n"
	    "voluntary_ctxt_switches:\t%llu\n"
	    "nonvoluntary_ctxt_switches:\t%llu\n", f->nonewprivs, f->seccomp,
	    (unsigned long long)f->ru.ru_nvcsw,
	    (unsigned long long)f->ru.ru_nivcsw);
}

static void
print_wchan(const struct facts *f, struct pbuf *pb)
{
	pbuf_printf(pb, "%s", f->wchan != NULL ? f->wchan : "0");
}

static void
print_comm(const struct facts *f, struct pbuf *pb)
{
	pbuf_printf(pb, "%s\n", f->comm);
}

static void
print_oom(const struct facts *f, struct pbuf *pb)
{
	pbuf_printf(pb, "%d\n", f->oom);
}

/* A file that tells of the facts. */
static int
facts_file(const struct pfs_node *pn, struct pbuf *pb,
    void (*print)(const struct facts *, struct pbuf *))
{
	struct facts f;
	int error;

	/* Not in what is read of every process again and again. */
	error = facts_get(pn, &f, print == print_status);
	if (error != 0)
		return error;
	print(&f, pb);
	if (f.cred != NULL)
		cred_put(f.cred);
	return 0;
}

int
pfs_fill_stat(const struct pfs_node *pn, struct pbuf *pb)
{
	return facts_file(pn, pb, print_stat);
}

int
pfs_fill_statm(const struct pfs_node *pn, struct pbuf *pb)
{
	return facts_file(pn, pb, print_statm);
}

int
pfs_fill_status(const struct pfs_node *pn, struct pbuf *pb)
{
	return facts_file(pn, pb, print_status);
}

int
pfs_fill_wchan(const struct pfs_node *pn, struct pbuf *pb)
{
	return facts_file(pn, pb, print_wchan);
}

int
pfs_fill_comm(const struct pfs_node *pn, struct pbuf *pb)
{
	return facts_file(pn, pb, print_comm);
}

int
pfs_fill_oom(const struct pfs_node *pn, struct pbuf *pb)
{
	return facts_file(pn, pb, print_oom);
}

/* Of the caller's own process only, as on Linux. */
int
pfs_store_comm(const struct pfs_node *pn, char *text)
{
	struct proc *p = pfs_proc(pn);
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
	pfs_proc_done();
	return error;
}

int
pfs_store_oom(const struct pfs_node *pn, char *text)
{
	struct proc *p;
	int64_t v;
	int error = 0;

	if (kstrtoi64(text, 10, &v) != 0 || v < -1000 || v > 1000)
		return EINVAL;
	p = pfs_proc(pn);
	if (p == NULL)
		return ESRCH;
	if (v < p->p_oom_adj)
		error = cred_capable(curlwp->l_cred, CAP_SYS_RESOURCE) == 0 ?
		    0 : EACCES;
	if (error == 0)
		p->p_oom_adj = (int)v;
	pfs_proc_done();
	return error;
}
