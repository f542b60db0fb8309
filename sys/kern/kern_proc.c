/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process table: numbers, process groups, sessions.
 *
 * Overview: one number space serves threads, processes, groups and sessions.
 * pid_table has a slot for each number, in leaves that are made when first
 * needed; a number is in use (pid_used) while anything is entered in its slot,
 * so the number of a group whose leader is gone is not given out again.
 *
 * Locking: the tree of processes, the groups' members and the table change with
 * proctree_lock held for writing.  A group's members also change under
 * pg_lock only, so that pgsignal() can walk them from soft interrupts.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>

struct pidslot {
	struct proc	*ps_proc;
	struct lwp	*ps_lwp;
	struct pgrp	*ps_pgrp;
	struct session	*ps_session;
};

#define	PIDLEAF		128		/* slots in a leaf: one page */
#define	PID_FIRST	2		/* 1 is init's */
#define	PID_AGAIN	300		/* where to go on after PID_MAX */

static struct pidslot *pid_table[PID_MAX / PIDLEAF];	/* [T] */
static unsigned long pid_used[PID_MAX / __LBITS];	/* [T] */
static pid_t pid_last = PID_FIRST - 1;			/* [T] */

struct rwlock proctree_lock;
struct proclist allproc = LIST_HEAD_INITIALIZER(allproc);
struct proc proc0;
struct lwp lwp0;
struct proc *initproc;
unsigned int nprocs = 1, nthreads = 1, nforks;

static struct session session0 = { .s_ref = 2 };
static struct pgrp pgrp0 = {
	.pg_lock = SPINLOCK_INITIALIZER("pgrp"), .pg_ref = 2,
	.pg_session = &session0
};

/* Boot: the kernel's own process; its first thread is the one running. */
void
proc_init(void)
{
	struct proc *p = &proc0;
	struct lwp *l = &lwp0;

	rw_init(&proctree_lock, "proctree");
	cred_init();
	resource_init();
	p->p_state = PS_ACTIVE;
	p->p_flags = P_SYSTEM;
	p->p_emul = &emul_linux;
	p->p_start = nanouptime();
	p->p_dumpable = 1;
	strlcpy(p->p_comm, "kernel", sizeof(p->p_comm));
	spin_init(&p->p_lock, "proc");
	cv_init(&p->p_waitcv, "wait");
	cv_init(&p->p_stopcv, "stopped");
	cv_init(&p->p_threadcv, "threads");
	sigpend_init(&p->p_sigpend);
	if ((p->p_sigacts = sigacts_alloc(NULL)) == NULL)
		panic("proc: no memory at boot");
	LIST_INIT(&p->p_tracees);
	LIST_INSERT_HEAD(&allproc, p, p_all);
	LIST_INSERT_HEAD(&pgrp0.pg_members, p, p_pgrp_link);
	p->p_pgrp = &pgrp0;

	l->l_proc = p;
	l->l_cred = cred_get(cred_kernel);
	l->l_flags = LF_SYSTEM;
	sigpend_init(&l->l_sigpend);
	strlcpy(l->l_name, "kernel", sizeof(l->l_name));
	LIST_INSERT_HEAD(&p->p_lwps, l, l_sibling);
	p->p_nlwps = 1;
	p->p_leader = l;
	(void)atomic_test_and_set_bit(0, pid_used);
	(void)atomic_test_and_set_bit(1, pid_used);
}

/* -- numbers -- */

static struct pidslot *
pid_slot(pid_t pid)
{
	struct pidslot *leaf;

	if (pid <= 0 || pid >= PID_MAX)
		return NULL;
	leaf = pid_table[pid / PIDLEAF];
	return leaf != NULL ? &leaf[pid % PIDLEAF] : NULL;
}

/* The slot of a number in use; makes the leaf. */
static int
pid_leaf_fill(pid_t pid)
{
	struct pidslot **leaf = &pid_table[pid / PIDLEAF];

	if (*leaf == NULL)
		*leaf = kmem_zalloc(PIDLEAF * sizeof(**leaf), KM_SLEEP);
	return *leaf != NULL ? 0 : ENOMEM;
}

static bool
pid_in_use(pid_t pid)
{
	return (pid_used[pid / __LBITS] & (1UL << (pid % __LBITS))) != 0;
}

int
pid_alloc(pid_t *pidp)
{
	pid_t pid = pid_last, tries;
	int error;

	KASSERT(rw_write_held(&proctree_lock));
	for (tries = 0; tries < PID_MAX; tries++) {
		if (++pid >= PID_MAX)
			pid = PID_AGAIN;
		if (!pid_in_use(pid))
			break;
	}
	if (tries == PID_MAX)
		return EAGAIN;
	if ((error = pid_leaf_fill(pid)) != 0)
		return error;
	(void)atomic_test_and_set_bit((unsigned int)pid, pid_used);
	pid_last = pid;
	nforks++;
	*pidp = pid;
	return 0;
}

pid_t
pid_latest(void)
{
	return atomic_load_relaxed(&pid_last);
}

/* Free the number if its slot is empty. */
static void
pid_release(pid_t pid)
{
	struct pidslot *ps = pid_slot(pid);

	if (ps != NULL && ps->ps_proc == NULL && ps->ps_lwp == NULL &&
	    ps->ps_pgrp == NULL && ps->ps_session == NULL)
		(void)atomic_test_and_clear_bit((unsigned int)pid, pid_used);
}

void
pid_abandon(pid_t pid)
{
	rw_enter(&proctree_lock, RW_WRITER);
	pid_release(pid);
	rw_exit(&proctree_lock);
}

void
pid_enter_lwp(pid_t tid, struct lwp *l)
{
	KASSERT(rw_write_held(&proctree_lock));
	if (tid == 1 && pid_leaf_fill(1) != 0)
		panic("proc: no memory for process 1");
	pid_slot(tid)->ps_lwp = l;
	if (l == NULL)
		pid_release(tid);
}

void
pid_enter_proc(pid_t pid, struct proc *p)
{
	KASSERT(rw_write_held(&proctree_lock));
	pid_slot(pid)->ps_proc = p;
	if (p == NULL)
		pid_release(pid);
}

struct proc *
proc_find(pid_t pid)
{
	struct pidslot *ps = pid_slot(pid);

	KASSERT(rw_lock_held(&proctree_lock));
	return ps != NULL ? ps->ps_proc : NULL;
}

struct lwp *
lwp_find(pid_t tid)
{
	struct pidslot *ps = pid_slot(tid);

	KASSERT(rw_lock_held(&proctree_lock));
	return ps != NULL ? ps->ps_lwp : NULL;
}

struct proc *
proc_of_tid(pid_t tid)
{
	struct lwp *l = lwp_find(tid);

	return l != NULL ? l->l_proc : proc_find(tid);
}

struct pgrp *
pgrp_find(pid_t pgid)
{
	struct pidslot *ps = pid_slot(pgid);

	KASSERT(rw_lock_held(&proctree_lock));
	return ps != NULL ? ps->ps_pgrp : NULL;
}

/* -- references -- */

struct pgrp *
pgrp_get(struct pgrp *pg)
{
	refcount_get(&pg->pg_ref);
	return pg;
}

void
pgrp_put(struct pgrp *pg)
{
	if (!refcount_put(&pg->pg_ref))
		return;
	KASSERT(pg != &pgrp0 && LIST_EMPTY(&pg->pg_members));
	session_put(pg->pg_session);
	kmem_free(pg, sizeof(*pg));
}

struct session *
session_get(struct session *s)
{
	refcount_get(&s->s_ref);
	return s;
}

void
session_put(struct session *s)
{
	if (!refcount_put(&s->s_ref))
		return;
	KASSERT(s != &session0);
	kmem_free(s, sizeof(*s));
}

struct session *
proc_session(const struct proc *p)
{
	return p->p_pgrp->pg_session;
}

struct vmspace *
proc_vmspace_ref(struct proc *p)
{
	struct vmspace *vm;

	spin_enter(&p->p_lock);
	if ((vm = p->p_vmspace) != NULL)
		(void)vmspace_get(vm);
	spin_exit(&p->p_lock);
	return vm;
}

/* -- process groups and sessions -- */

/* Take p out of its group; the last one out ends the group. */
void
pgrp_leave(struct proc *p)
{
	struct pgrp *pg = p->p_pgrp;
	struct session *s = pg->pg_session;
	bool empty;

	KASSERT(rw_write_held(&proctree_lock));
	spin_enter(&pg->pg_lock);
	LIST_REMOVE(p, p_pgrp_link);
	empty = LIST_EMPTY(&pg->pg_members);
	spin_exit(&pg->pg_lock);
	p->p_pgrp = NULL;
	if (!empty || pg == &pgrp0)
		return;
	pid_slot(pg->pg_id)->ps_pgrp = NULL;
	pid_release(pg->pg_id);
	if (--s->s_ngroups == 0 && s != &session0) {
		pid_slot(s->s_sid)->ps_session = NULL;
		pid_release(s->s_sid);
		session_put(s);
	}
	pgrp_put(pg);
}

/* The group of that number, in the table but maybe without members. */
static int
pgrp_obtain(pid_t pgid, struct session *s, struct pgrp **result)
{
	struct pgrp *pg = pgid == 0 ? &pgrp0 : pgrp_find(pgid);

	if (pg == NULL) {
		if ((pg = kmem_zalloc(sizeof(*pg), KM_SLEEP)) == NULL)
			return ENOMEM;
		spin_init(&pg->pg_lock, "pgrp");
		LIST_INIT(&pg->pg_members);
		pg->pg_ref = 1;
		pg->pg_id = pgid;
		pg->pg_session = session_get(s);
		pid_slot(pgid)->ps_pgrp = pg;
		/* The kernel's session has no number. */
		if (++s->s_ngroups == 1 && s != &session0)
			pid_slot(s->s_sid)->ps_session = session_get(s);
	}
	*result = pg;
	return 0;
}

/*
 * Move p, which may be in no group yet, into group pgid of the session.  The
 * number is in use: it is p's own, or that of an existing group.
 */
int
pgrp_enter(struct proc *p, pid_t pgid, struct session *s)
{
	struct pgrp *pg;
	int error;

	KASSERT(rw_write_held(&proctree_lock));
	if ((error = pgrp_obtain(pgid, s, &pg)) != 0)
		return error;
	if (p->p_pgrp == pg)
		return 0;
	if (p->p_pgrp != NULL)
		pgrp_leave(p);
	spin_enter(&pg->pg_lock);
	LIST_INSERT_HEAD(&pg->pg_members, p, p_pgrp_link);
	spin_exit(&pg->pg_lock);
	p->p_pgrp = pg;
	return 0;
}

/* Does p, as a child of that parent, keep its group from being orphaned? */
static bool
pgrp_anchors(const struct proc *p, const struct proc *parent)
{
	return p->p_state != PS_ZOMBIE && parent != NULL &&
	    parent != initproc && parent->p_pgrp != p->p_pgrp &&
	    parent->p_pgrp->pg_session == p->p_pgrp->pg_session;
}

static bool
pgrp_orphaned_but(struct pgrp *pg, const struct proc *except)
{
	struct proc *p;

	LIST_FOREACH(p, &pg->pg_members, p_pgrp_link)
		if (p != except && pgrp_anchors(p, p->p_parent))
			return false;
	return true;
}

bool
pgrp_orphaned(struct pgrp *pg)
{
	KASSERT(rw_lock_held(&proctree_lock));
	return pgrp_orphaned_but(pg, NULL);
}

static bool
pgrp_has_stopped(struct pgrp *pg)
{
	struct proc *p;

	LIST_FOREACH(p, &pg->pg_members, p_pgrp_link)
		if ((atomic_load_relaxed(&p->p_flags) & P_STOPPED) != 0)
			return true;
	return false;
}

/*
 * An exit may leave p's group orphaned; if it has stopped members, nobody
 * could ever continue them, so they get SIGHUP and SIGCONT (POSIX).  father is
 * who exits and was p's parent (p has its new one already); NULL: p itself.
 */
void
pgrp_fix_orphans(struct proc *p, struct proc *father)
{
	struct pgrp *pg = p->p_pgrp;
	struct proc *parent = father != NULL ? father : p->p_parent;

	KASSERT(rw_write_held(&proctree_lock));
	if (pg == &pgrp0 || parent->p_pgrp == pg ||
	    parent->p_pgrp->pg_session != pg->pg_session)
		return;
	if (pgrp_orphaned_but(pg, father == NULL ? p : NULL) &&
	    pgrp_has_stopped(pg)) {
		pgsignal(pg, SIGHUP);
		pgsignal(pg, SIGCONT);
	}
}

/* setsid(2). */
int
proc_setsid(struct proc *p, pid_t *sid)
{
	struct session *s;
	int error = EPERM;

	if ((s = kmem_zalloc(sizeof(*s), KM_SLEEP)) == NULL)
		return ENOMEM;
	s->s_ref = 1;
	s->s_sid = p->p_pid;
	s->s_leader = p;
	rw_enter(&proctree_lock, RW_WRITER);
	if (pgrp_find(p->p_pid) == NULL)
		error = pgrp_enter(p, p->p_pid, s);
	rw_exit(&proctree_lock);
	session_put(s);
	*sid = p->p_pid;
	return error;
}

/* The rules of setpgid(2); *target is the process to move. */
static int
setpgid_check(struct proc *caller, pid_t pid, pid_t *pgid,
    struct proc **target)
{
	struct proc *p = pid == 0 ? caller : proc_find(pid);
	struct session *s = proc_session(caller);
	struct pgrp *pg;

	if (p == NULL || (p != caller && p->p_parent != caller))
		return ESRCH;
	if (p != caller) {
		if (proc_session(p) != s)
			return EPERM;
		if ((p->p_flags & P_EXECED) != 0)
			return EACCES;
	}
	if (proc_session(p)->s_leader == p)
		return EPERM;
	if (*pgid == 0)
		*pgid = p->p_pid;
	if (*pgid != p->p_pid) {
		pg = pgrp_find(*pgid);
		if (pg == NULL || pg->pg_session != s)
			return EPERM;
	}
	*target = p;
	return 0;
}

int
proc_setpgid(struct proc *caller, pid_t pid, pid_t pgid)
{
	struct proc *p;
	int error;

	if (pgid < 0)
		return EINVAL;
	rw_enter(&proctree_lock, RW_WRITER);
	error = setpgid_check(caller, pid, &pgid, &p);
	if (error == 0)
		error = pgrp_enter(p, pgid, proc_session(p));
	rw_exit(&proctree_lock);
	return error;
}
