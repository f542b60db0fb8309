/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New threads and processes.
 *
 * Overview: do_clone() checks the flags, makes a thread (and a process for it),
 * copies or shares what the flags say, and links both into the tree in one
 * step that cannot fail half-way.  What was made before is undone in
 * reverse by proc_free() and lwp_free().
 *
 * Locking: until it is linked nobody else sees the new thread.
 */
#include <sys/clone.h>
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pidfd.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/seccomp.h>
#include <sys/systm.h>
#include <sys/sysvsem.h>
#include <sys/time.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>

#define	STACK_CACHE	32		/* kernel stacks kept at most */

/* Where a parent waits that has lent its memory by vfork(2). */
struct vforkdone {
	refcount_t	vd_ref;
	struct spinlock	vd_lock;
	struct condvar	vd_cv;
	bool		vd_done;	/* [l] */
};

static struct kmem_cache *lwp_cache, *proc_cache;

/* Unused stacks, linked through their first word. */
static struct spinlock stack_lock = SPINLOCK_INITIALIZER("kstack");
static vaddr_t stack_free;		/* [l] */
static unsigned int stack_nfree;	/* [l] */

static size_t kstack_shrink(size_t);
static struct shrinker kstack_shrinker = { .sh_func = kstack_shrink };

void
fork_init_caches(void)
{
	lwp_cache = kmem_cache_create("lwp", sizeof(struct lwp), 64);
	proc_cache = kmem_cache_create("proc", sizeof(struct proc), 64);
	if (lwp_cache == NULL || proc_cache == NULL)
		panic("fork: no memory at boot");
	shrinker_register(&kstack_shrinker);
}

/* -- kernel stacks -- */

static vaddr_t
kstack_take(void)
{
	vaddr_t va;

	spin_enter(&stack_lock);
	if ((va = stack_free) != 0) {
		stack_free = *(vaddr_t *)va;
		stack_nfree--;
	}
	spin_exit(&stack_lock);
	return va;
}

static vaddr_t
kstack_alloc(void)
{
	vaddr_t va = kstack_take();

	if (va == 0)
		va = uvm_km_alloc(USPACE, UVM_KM_GUARD);
	return va;
}

static void
kstack_free(vaddr_t va)
{
	bool keep;

	spin_enter(&stack_lock);
	if ((keep = stack_nfree < STACK_CACHE)) {
		*(vaddr_t *)va = stack_free;
		stack_free = va;
		stack_nfree++;
	}
	spin_exit(&stack_lock);
	if (!keep)
		uvm_km_free(va, USPACE, UVM_KM_GUARD);
}

/* Memory is short: give unused stacks back. */
static size_t
kstack_shrink(size_t npages)
{
	size_t freed = 0;
	vaddr_t va;

	while (freed < npages && (va = kstack_take()) != 0) {
		uvm_km_free(va, USPACE, UVM_KM_GUARD);
		freed += UPAGES;
	}
	return freed;
}

/* -- threads -- */

static void
lwp_setup(struct proc *p, struct lwp *from, struct lwp *l)
{
	l->l_proc = p;
	sigpend_init(&l->l_sigpend);
	sched_lwp_init(l, from);
	if (from != NULL) {
		l->l_sigmask = from->l_sigmask;
		l->l_ioprio = from->l_ioprio;
		strlcpy(l->l_name, from->l_name, sizeof(l->l_name));
		l->l_cred = cred_get(from->l_cred);
	} else
		l->l_cred = cred_get(cred_kernel);
	if ((p->p_flags & P_SYSTEM) != 0)
		l->l_flags |= LF_SYSTEM;
	(void)atomic_add(&l->l_cred->cr_uidinfo->ui_nthreads, 1);
}

static int
lwp_alloc_tid(struct proc *p, struct lwp *from, pid_t tid, struct lwp **lp)
{
	struct lwp *l;
	int error = 0;

	if ((l = kmem_cache_alloc(lwp_cache, KM_SLEEP)) == NULL)
		return ENOMEM;
	memset(l, 0, sizeof(*l));
	if ((l->l_kstack = kstack_alloc()) == 0) {
		kmem_cache_free(lwp_cache, l);
		return ENOMEM;
	}
	rw_enter(&proctree_lock, RW_WRITER);
	if (tid == 0)
		error = pid_alloc(&tid);
	rw_exit(&proctree_lock);
	if (error != 0) {
		kstack_free(l->l_kstack);
		kmem_cache_free(lwp_cache, l);
		return error;
	}
	l->l_tid = tid;
	lwp_setup(p, from, l);
	(void)atomic_add(&nthreads, 1);
	*lp = l;
	return 0;
}

int
lwp_alloc(struct proc *p, struct lwp *from, struct lwp **lp)
{
	return lwp_alloc_tid(p, from, 0, lp);
}

/* The number is given back unless the thread was entered under it. */
void
lwp_free(struct lwp *l)
{
	KASSERT(l->l_state == LS_EMBRYO || l->l_state == LS_ZOMBIE);
	if (l->l_state == LS_EMBRYO)
		pid_abandon(l->l_tid);
	if (l->l_timeout.c_func != NULL)
		(void)callout_halt(&l->l_timeout);
	cpu_lwp_free(l);
	(void)atomic_sub(&l->l_cred->cr_uidinfo->ui_nthreads, 1);
	cred_put(l->l_cred);
	seccomp_free(l);
	kstack_free(l->l_kstack);
	(void)atomic_sub(&nthreads, 1);
	kmem_cache_free(lwp_cache, l);
}

/* Link a thread into its process; [T] written and p_lock held. */
static void
lwp_link(struct lwp *l)
{
	struct proc *p = l->l_proc;

	LIST_INSERT_HEAD(&p->p_lwps, l, l_sibling);
	p->p_nlwps++;
	pid_enter_lwp(l->l_tid, l);
}

void
lwp_start(struct lwp *l)
{
	rw_enter(&proctree_lock, RW_WRITER);
	spin_enter(&l->l_proc->p_lock);
	lwp_link(l);
	spin_exit(&l->l_proc->p_lock);
	rw_exit(&proctree_lock);
	sched_enqueue(l);
}

/* -- vfork(2) -- */

static struct vforkdone *
vfork_alloc(void)
{
	struct vforkdone *vd;

	if ((vd = kmem_zalloc(sizeof(*vd), KM_SLEEP)) == NULL)
		return NULL;
	vd->vd_ref = 2;			/* parent and child */
	spin_init(&vd->vd_lock, "vfork");
	cv_init(&vd->vd_cv, "vfork");
	return vd;
}

static void
vfork_put(struct vforkdone *vd)
{
	if (!refcount_put(&vd->vd_ref))
		return;
	cv_destroy(&vd->vd_cv);
	kmem_free(vd, sizeof(*vd));
}

/* The child has no more use for the parent's memory. */
void
vfork_done(struct proc *p)
{
	struct vforkdone *vd;

	spin_enter(&p->p_lock);
	vd = p->p_vfork;
	p->p_vfork = NULL;
	p->p_flags &= ~P_VFORK;
	spin_exit(&p->p_lock);
	if (vd == NULL)
		return;
	spin_enter(&vd->vd_lock);
	vd->vd_done = true;
	spin_exit(&vd->vd_lock);
	cv_broadcast(&vd->vd_cv);
	vfork_put(vd);
}

/* The parent's side: only its own death ends the wait early. */
static void
vfork_wait(struct lwp *l, struct vforkdone *vd)
{
	l->l_flags |= LF_KILLONLY;
	spin_enter(&vd->vd_lock);
	while (!vd->vd_done && !sig_pending(l))
		(void)!cv_wait_spin_sig(&vd->vd_cv, &vd->vd_lock);
	spin_exit(&vd->vd_lock);
	l->l_flags &= ~LF_KILLONLY;
	vfork_put(vd);
}

/* -- processes -- */

static struct proc *
proc_alloc(void)
{
	struct proc *p;

	if ((p = kmem_cache_alloc(proc_cache, KM_SLEEP)) == NULL)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->p_state = PS_EMBRYO;
	LIST_INIT(&p->p_children);
	LIST_INIT(&p->p_lwps);
	LIST_INIT(&p->p_tracees);
	spin_init(&p->p_lock, "proc");
	cv_init(&p->p_waitcv, "wait");
	cv_init(&p->p_stopcv, "sigwait");
	cv_init(&p->p_threadcv, "threads");
	sigpend_init(&p->p_sigpend);
	cpulimit_init(p);
	p->p_start = nanouptime();
	return p;
}

/* What a process holds besides its threads, in any stage. */
void
proc_free(struct proc *p)
{
	KASSERT(LIST_EMPTY(&p->p_lwps) && LIST_EMPTY(&p->p_children));
	if (p->p_fd != NULL)
		fd_table_put(p->p_fd);
	if (p->p_cwdi != NULL)
		cwd_put(p->p_cwdi);
	if (p->p_vmspace != NULL)
		vmspace_put(p->p_vmspace);
	if (p->p_sigacts != NULL)
		sigacts_put(p->p_sigacts);
	proc_exe_drop(p);
	if (p->p_zcred != NULL)
		cred_put(p->p_zcred);
	cv_destroy(&p->p_waitcv);
	cv_destroy(&p->p_stopcv);
	cv_destroy(&p->p_threadcv);
	kmem_cache_free(proc_cache, p);
}

static int
fork_exe(struct proc *p, struct proc *child)
{
	struct path *exe;
	int error;

	if (p->p_exe == NULL)
		return 0;
	/* Cannot fail: the parent keeps writers out already. */
	if ((error = vnode_deny_write(path_vnode(p->p_exe))) != 0)
		return error;
	if ((exe = kmem_alloc(sizeof(*exe), KM_SLEEP)) == NULL) {
		vnode_allow_write(path_vnode(p->p_exe));
		return ENOMEM;
	}
	/* Only an exec of this process could change it: curlwp is in here. */
	*exe = *p->p_exe;
	path_get(exe);
	child->p_exe = exe;
	return 0;
}

/* Copy or share memory, files, directories and signal actions. */
static int
fork_resources(struct proc *p, struct proc *child, uint64_t flags)
{
	int error = 0;

	if ((flags & CLONE_SIGHAND) != 0) {
		refcount_get(&p->p_sigacts->sa_ref);
		child->p_sigacts = p->p_sigacts;
	} else if ((child->p_sigacts = sigacts_alloc(p->p_sigacts)) == NULL)
		return ENOMEM;
	if ((flags & CLONE_CLEAR_SIGHAND) != 0)
		sigacts_exec(child->p_sigacts);
	if ((flags & CLONE_FILES) != 0)
		child->p_fd = fd_table_get(p->p_fd);
	else
		error = fd_table_copy(p->p_fd, &child->p_fd);
	if (error != 0)
		return error;
	if ((flags & CLONE_FS) != 0)
		child->p_cwdi = cwd_get(p->p_cwdi);
	else
		error = cwd_copy(p->p_cwdi, &child->p_cwdi);
	if (error == 0)
		error = fork_exe(p, child);
	if (error != 0)
		return error;
	if ((flags & CLONE_VM) != 0)
		child->p_vmspace = vmspace_get(p->p_vmspace);
	else
		error = vmspace_fork(p->p_vmspace, &child->p_vmspace);
	return error;
}

/* Plain members. */
static void
fork_inherit(struct proc *p, struct proc *child)
{
	child->p_emul = p->p_emul;
	child->p_argstart = p->p_argstart;
	child->p_argend = p->p_argend;
	child->p_envstart = p->p_envstart;
	child->p_envend = p->p_envend;
	child->p_auxv = p->p_auxv;
	child->p_auxvlen = p->p_auxvlen;
	child->p_personality = p->p_personality;
	child->p_nonewprivs = p->p_nonewprivs;
	child->p_membarrier = p->p_membarrier;
	spin_enter(&p->p_lock);
	memcpy(child->p_comm, p->p_comm, sizeof(child->p_comm));
	memcpy(child->p_rlimit, p->p_rlimit, sizeof(child->p_rlimit));
	child->p_nice = curlwp->l_sched.se_reset ? MAX(p->p_nice, 0) :
	    p->p_nice;
	child->p_dumpable = p->p_dumpable;
	child->p_oom_adj = p->p_oom_adj;
	spin_exit(&p->p_lock);
}

static int
fork_proc(struct proc *p, uint64_t flags, struct proc **result)
{
	struct proc *child;
	int error;

	if ((child = proc_alloc()) == NULL)
		return ENOMEM;
	fork_inherit(p, child);
	if ((error = fork_resources(p, child, flags)) != 0) {
		proc_free(child);
		return error;
	}
	/* Before the child runs, so that only one copies the stack's page. */
	if ((flags & CLONE_VM) == 0)
		cpu_lwp_touch(curlwp);
	*result = child;
	return 0;
}

/* Enter process and thread in the tree. [T] written. */
static int
fork_link_proc(struct proc *parent, struct proc *child, struct lwp *l)
{
	struct pgrp *pg = child == initproc ? NULL : curproc->p_pgrp;
	int error;

	child->p_pid = l->l_tid;
	error = pgrp_enter(child, pg != NULL ? pg->pg_id : 0,
	    pg != NULL ? pg->pg_session : proc_session(&proc0));
	if (error != 0)
		return error;
	child->p_leader = l;
	child->p_parent = parent;
	child->p_ppid = parent->p_pid;
	child->p_state = PS_ACTIVE;
	pid_enter_proc(child->p_pid, child);
	LIST_INSERT_HEAD(&parent->p_children, child, p_sibling);
	LIST_INSERT_HEAD(&allproc, child, p_all);
	(void)atomic_add(&nprocs, 1);
	spin_enter(&child->p_lock);
	lwp_link(l);
	cpulimit_start(child);
	spin_exit(&child->p_lock);
	return 0;
}

/*
 * Link everything.  A signal that has come for the parent is taken first, so
 * that one sent to a whole group, or that ends the process, misses nobody.
 */
static int
clone_link(struct lwp *l, struct lwp *l2, uint64_t flags, struct ptrace **pt)
{
	struct proc *p = l->l_proc, *parent = p;
	int error = 0;

	rw_enter(&proctree_lock, RW_WRITER);
	spin_enter(&p->p_lock);
	sig_recalc(l);
	if (sig_pending(l))
		error = ERESTARTNOINTR;
	else {
		seccomp_inherit(l, l2);
		if (l2->l_proc == p)
			lwp_link(l2);
	}
	spin_exit(&p->p_lock);
	if (error == 0 && l2->l_proc != p) {
		if ((flags & CLONE_PARENT) != 0) {
			parent = p->p_parent;
			l2->l_proc->p_exitsig = p->p_exitsig;
		}
		error = fork_link_proc(parent, l2->l_proc, l2);
	}
	if (error == 0 && *pt != NULL) {
		ptrace_inherit(l, l2, *pt);
		*pt = NULL;
	}
	rw_exit(&proctree_lock);
	return error;
}

static int
clone_check(struct lwp *l, const struct clone_args_k *ca)
{
	uint64_t flags = ca->flags;
	const struct cred *cr = l->l_cred;

	if ((flags & CLONE_NAMESPACES) != 0 ||
	    (flags & CLONE_INTO_CGROUP) != 0)
		return EINVAL;
	if ((flags & CLONE_PIDFD) != 0 &&
	    (flags & (CLONE_THREAD | CLONE_DETACHED)) != 0)
		return EINVAL;
	if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_SIGHAND) == 0)
		return EINVAL;
	if ((flags & CLONE_SIGHAND) != 0 && ((flags & CLONE_VM) == 0 ||
	    (flags & CLONE_CLEAR_SIGHAND) != 0))
		return EINVAL;
	if ((flags & CLONE_PARENT) != 0 && l->l_proc == initproc)
		return EINVAL;
	if (cr->cr_ruid != 0 && cr->cr_uidinfo->ui_nthreads >=
	    rlimit_cur(l->l_proc, RLIMIT_NPROC) &&
	    cred_capable(cr, CAP_SYS_RESOURCE) != 0 &&
	    cred_capable(cr, CAP_SYS_ADMIN) != 0)
		return EAGAIN;
	return 0;
}

/* Thread members that depend on the flags. */
static void
clone_lwp(struct lwp *l, struct lwp *l2, const struct clone_args_k *ca)
{
	uint64_t flags = ca->flags;

	if ((flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
		l2->l_sigstk = l->l_sigstk;
	if ((flags & CLONE_VM) == 0) {
		l2->l_rseq = l->l_rseq;
		l2->l_rseq_len = l->l_rseq_len;
		l2->l_rseq_sig = l->l_rseq_sig;
	}
	if ((flags & CLONE_CHILD_CLEARTID) != 0)
		l2->l_clear_child_tid = ca->child_tid;
	if ((flags & CLONE_CHILD_SETTID) != 0)
		l2->l_set_child_tid = ca->child_tid;
	if (l2->l_set_child_tid != 0 || l2->l_rseq != 0)
		l2->l_ast = L_AST_NOTIFY;
}

/* Write down for the parent what it has got.  pidfd: -1 for none. */
static int
clone_tell(const struct clone_args_k *ca, pid_t tid, int pidfd)
{
	/* A bad address does not keep Linux from making the child either. */
	if ((ca->flags & CLONE_PARENT_SETTID) != 0)
		(void)!ustore_32((uint32_t *)ca->parent_tid, (uint32_t)tid);
	return pidfd >= 0 && ustore_32((uint32_t *)ca->pidfd,
	    (uint32_t)pidfd) != 0 ? EFAULT : 0;
}

/* The parent is going to wait for the child. */
static int
vfork_prepare(struct proc *child, struct vforkdone **vd)
{
	*vd = vfork_alloc();
	if (*vd == NULL)
		return ENOMEM;
	child->p_vfork = *vd;
	child->p_flags |= P_VFORK;
	return 0;
}

/* Is it to be traced: the event for the tracer, and a record. ENOMEM. */
static int
clone_traced(struct lwp *l, const struct clone_args_k *ca, int *event,
    struct ptrace **pt)
{
	*event = ptrace_fork_event(l, ca->flags, ca->exit_signal);
	return *event != 0 || (ca->flags & CLONE_PTRACE) != 0 ?
	    ptrace_alloc(pt) : 0;
}

/* The child runs: tell the tracer; wait for a vfork(2) to be over. */
static void
clone_done(struct lwp *l, int event, struct vforkdone *vd, pid_t tid)
{
	if (event != 0)
		ptrace_event(l, event, (unsigned long)tid);
	if (vd == NULL)
		return;
	vfork_wait(l, vd);
	ptrace_event(l, PTRACE_EVENT_VFORK_DONE, (unsigned long)tid);
}

int
do_clone(struct lwp *l, const struct clone_args_k *ca, pid_t *tidp)
{
	struct proc *p = l->l_proc, *child = p;
	bool thread = (ca->flags & CLONE_THREAD) != 0;
	struct vforkdone *vd = NULL;
	struct file *pidfile = NULL;
	struct ptrace *pt = NULL;
	struct lwp *l2;
	int event, error, pidfd = -1;

	if ((error = clone_check(l, ca)) != 0 ||
	    (error = clone_traced(l, ca, &event, &pt)) != 0)
		return error;
	if (!thread && (error = fork_proc(p, ca->flags, &child)) != 0)
		goto fail;
	/* After the fork, so that the child does not have it. */
	if ((ca->flags & CLONE_PIDFD) != 0 &&
	    (error = pidfd_prepare(l, &pidfd, &pidfile)) != 0)
		goto fail_proc;
	if ((error = lwp_alloc(child, l, &l2)) != 0)
		goto fail_pidfd;
	clone_lwp(l, l2, ca);
	if ((error = cpu_lwp_fork(l, l2, ca->stack,
	    (ca->flags & CLONE_SETTLS) != 0, ca->tls, NULL, NULL)) != 0)
		goto fail_lwp;
	if (!thread)
		child->p_exitsig = ca->exit_signal;
	if ((ca->flags & CLONE_VFORK) != 0 && !thread &&
	    (error = vfork_prepare(child, &vd)) != 0)
		goto fail_lwp;
	*tidp = l2->l_tid;
	error = clone_tell(ca, *tidp, pidfile != NULL ? pidfd : -1);
	if (error == 0)
		error = clone_link(l, l2, ca->flags, &pt);
	if (error != 0)
		goto fail_vfork;
	if (pidfile != NULL)
		pidfd_commit(l, pidfd, pidfile, child);
	sched_enqueue(l2);
	clone_done(l, event, vd, *tidp);
	return 0;

fail_vfork:
	if (vd != NULL) {
		vfork_done(child);
		vfork_put(vd);
	}
fail_lwp:
	lwp_free(l2);
fail_pidfd:
	if (pidfile != NULL)
		pidfd_abort(l, pidfd, pidfile);
fail_proc:
	if (!thread)
		proc_free(child);
fail:
	ptrace_free(pt);
	return error;
}

int
do_unshare(struct lwp *l, uint64_t flags)
{
	struct proc *p = l->l_proc;
	int error = 0;

	if ((flags & ~(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_VM |
	    CLONE_SIGHAND | CLONE_THREAD)) != 0)
		return EINVAL;
	/* Threads have their process's; memory and handlers stay shared. */
	if (flags != 0 && p->p_nlwps > 1)
		return EINVAL;
	if ((flags & CLONE_VM) != 0 && atomic_load(&p->p_vmspace->vm_ref) > 1)
		return EINVAL;
	if ((flags & (CLONE_VM | CLONE_SIGHAND)) != 0 &&
	    atomic_load(&p->p_sigacts->sa_ref) > 1)
		return EINVAL;
	if ((flags & CLONE_FS) != 0)
		error = cwd_unshare(l);
	if (error == 0 && (flags & CLONE_FILES) != 0)
		error = fd_table_unshare(l);
	if (error == 0 && (flags & CLONE_SYSVSEM) != 0)
		sem_exit(p);
	return error;
}

/*
 * A process of its own that begins as a kernel thread in fn(arg), as a child
 * of the kernel's process; tid 0: the next free number.
 */
static int
fork_from_kernel(pid_t tid, const char *name, struct cwdinfo *cwdi,
    void (*fn)(void *), void *arg, struct proc **pp)
{
	struct proc *p;
	struct lwp *l;
	int error;

	if ((p = proc_alloc()) == NULL)
		return ENOMEM;
	fork_inherit(&proc0, p);
	strlcpy(p->p_comm, name, sizeof(p->p_comm));
	p->p_exitsig = SIGCHLD;
	error = ENOMEM;
	if ((p->p_sigacts = sigacts_alloc(NULL)) == NULL ||
	    (p->p_fd = fd_table_create()) == NULL ||
	    (p->p_vmspace = vmspace_alloc()) == NULL ||
	    (error = cwd_copy(cwdi, &p->p_cwdi)) != 0)
		goto fail;
	if ((error = lwp_alloc_tid(p, NULL, tid, &l)) != 0)
		goto fail;
	if ((error = cpu_lwp_fork(&lwp0, l, 0, false, 0, fn, arg)) != 0) {
		lwp_free(l);
		goto fail;
	}
	if (tid == 1) {
		p->p_flags |= P_UNKILLABLE;
		initproc = p;
	}
	rw_enter(&proctree_lock, RW_WRITER);
	error = fork_link_proc(&proc0, p, l);
	rw_exit(&proctree_lock);
	if (error != 0) {
		lwp_free(l);
		goto fail;
	}
	*pp = p;
	sched_enqueue(l);
	return 0;
fail:
	proc_free(p);
	return error;
}

/* Boot: process 1. */
int
fork_init(void (*fn)(void *), void *arg)
{
	struct proc *p;

	return fork_from_kernel(1, "init", proc0.p_cwdi, fn, arg, &p);
}

/* A process for a program the kernel wants to be run, with init's root. */
int
fork_helper(void (*fn)(void *), void *arg, pid_t *pid)
{
	struct cwdinfo *cwdi;
	struct proc *p;
	int error;

	rw_enter(&proctree_lock, RW_READER);
	cwdi = cwd_get(initproc != NULL && initproc->p_cwdi != NULL ?
	    initproc->p_cwdi : proc0.p_cwdi);
	rw_exit(&proctree_lock);
	error = fork_from_kernel(0, "helper", cwdi, fn, arg, &p);
	cwd_put(cwdi);
	if (error == 0)
		*pid = p->p_pid;	/* only our do_wait() frees it */
	return error;
}
