/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials: who a thread acts for, and how that may change.
 *
 * Overview: a struct cred never changes once a thread uses it.  A change is a
 * copy, altered and then put in the old one's place by cred_commit().  The
 * rules are those of credentials(7) and capabilities(7).
 *
 * Locking: l_cred is read by its thread without a lock; others read it, and
 * everybody replaces it, under p_lock.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/stat.h>
#include <sys/systm.h>

#define	CAP_BIT(c)	((uint64_t)1 << (c))
/* Capabilities that go with the file-system user id. */
#define	CAP_FS_SET	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | \
    CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) |		\
    CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) | CAP_BIT(9) | CAP_BIT(32))

static struct cred cred_kernel_store = {
	.cr_ref = 1,
	.cr_cap_permitted = CAP_ALL,
	.cr_cap_effective = CAP_ALL,
	.cr_cap_bset = CAP_ALL,
};
struct cred *cred_kernel = &cred_kernel_store;

/* Boot: the kernel's own credential gets its user record. */
void
cred_init(void)
{
	cred_kernel->cr_uidinfo = uidinfo_get(0);
	if (cred_kernel->cr_uidinfo == NULL)
		panic("cred: no memory at boot");
}

struct cred *
cred_get(struct cred *cr)
{
	refcount_get(&cr->cr_ref);
	return cr;
}

void
cred_put(struct cred *cr)
{
	if (!refcount_put(&cr->cr_ref))
		return;
	KASSERT(cr != &cred_kernel_store);
	if (cr->cr_ngroups != 0)
		kmem_free(cr->cr_groups, cr->cr_ngroups * sizeof(gid_t));
	uidinfo_put(cr->cr_uidinfo);
	kmem_free(cr, sizeof(*cr));
}

struct cred *
cred_dup(const struct cred *old)
{
	struct cred *cr;

	if ((cr = kmem_alloc(sizeof(*cr), KM_SLEEP)) == NULL)
		return NULL;
	*cr = *old;
	cr->cr_ref = 1;
	if (old->cr_ngroups != 0) {
		size_t len = old->cr_ngroups * sizeof(gid_t);

		if ((cr->cr_groups = kmem_alloc(len, KM_SLEEP)) == NULL) {
			kmem_free(cr, sizeof(*cr));
			return NULL;
		}
		memcpy(cr->cr_groups, old->cr_groups, len);
	}
	uidinfo_ref(cr->cr_uidinfo);
	return cr;
}

int
cred_capable(const struct cred *cr, int cap)
{
	return (cr->cr_cap_effective & CAP_BIT(cap)) != 0 ? 0 : EPERM;
}

bool
cred_in_group(const struct cred *cr, gid_t gid)
{
	unsigned int low = 0, high = cr->cr_ngroups;

	if (gid == cr->cr_fsgid)
		return true;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (cr->cr_groups[mid] == gid)
			return true;
		if (cr->cr_groups[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* Another thread's credential, with a reference; [T] held. */
struct cred *
lwp_cred_ref(struct lwp *l)
{
	struct proc *p = l->l_proc;
	struct cred *cr;

	spin_enter(&p->p_lock);
	cr = cred_get(l->l_cred);
	spin_exit(&p->p_lock);
	return cr;
}

/* The credential of a process as seen from outside; [T] held. */
struct cred *
proc_cred_ref(struct proc *p)
{
	struct cred *cr;

	spin_enter(&p->p_lock);
	cr = cred_get(p->p_leader != NULL ? p->p_leader->l_cred :
	    p->p_zcred != NULL ? p->p_zcred : cred_kernel);
	spin_exit(&p->p_lock);
	return cr;
}

/*
 * Make it the thread's credential; the reference is taken over.  A change of
 * identity makes the process undumpable and disarms its parent-death signal.
 */
void
cred_commit(struct lwp *l, struct cred *new)
{
	struct proc *p = l->l_proc;
	struct cred *old = l->l_cred;

	if (new->cr_uidinfo != old->cr_uidinfo) {
		(void)atomic_add(&new->cr_uidinfo->ui_nthreads, 1);
		(void)atomic_sub(&old->cr_uidinfo->ui_nthreads, 1);
	}
	spin_enter(&p->p_lock);
	l->l_cred = new;
	if (new->cr_euid != old->cr_euid || new->cr_egid != old->cr_egid ||
	    new->cr_fsuid != old->cr_fsuid || new->cr_fsgid != old->cr_fsgid ||
	    (new->cr_cap_permitted & ~old->cr_cap_permitted) != 0) {
		p->p_dumpable = 0;
		p->p_pdeathsig = 0;
	}
	spin_exit(&p->p_lock);
	cred_put(old);
}

/* capabilities(7), "effect of user ID changes on capabilities". */
static void
cred_fix_caps(struct cred *new, const struct cred *old)
{
	bool hadroot = old->cr_ruid == 0 || old->cr_euid == 0 ||
	    old->cr_suid == 0;
	bool hasroot = new->cr_ruid == 0 || new->cr_euid == 0 ||
	    new->cr_suid == 0;

	if ((old->cr_securebits & SECBIT_NO_SETUID_FIXUP) != 0)
		return;
	if (hadroot && !hasroot) {
		if ((old->cr_securebits & SECBIT_KEEP_CAPS) == 0) {
			new->cr_cap_permitted = 0;
			new->cr_cap_effective = 0;
		}
		new->cr_cap_ambient = 0;
	}
	if (old->cr_euid == 0 && new->cr_euid != 0)
		new->cr_cap_effective = 0;
	if (old->cr_euid != 0 && new->cr_euid == 0)
		new->cr_cap_effective = new->cr_cap_permitted;
}

/* -- the set*id family: the rules are the same for users and groups -- */

struct ids {
	uint32_t	real, eff, saved, fs;
};
#define	ID_KEEP		((uint32_t)-1)

static struct ids
uids_of(const struct lwp *l)
{
	const struct cred *cr = l->l_cred;

	return (struct ids){ cr->cr_ruid, cr->cr_euid, cr->cr_suid,
	    cr->cr_fsuid };
}

static struct ids
gids_of(const struct lwp *l)
{
	const struct cred *cr = l->l_cred;

	return (struct ids){ cr->cr_rgid, cr->cr_egid, cr->cr_sgid,
	    cr->cr_fsgid };
}

/* Is it to stay, or one that an unprivileged thread may take? */
static bool
id_is_own(const struct ids *i, uint32_t id)
{
	return id == ID_KEEP || id == i->real || id == i->eff ||
	    id == i->saved;
}

static int
ids_set(struct ids *i, uint32_t id, bool priv)
{
	if (id == ID_KEEP)
		return EINVAL;
	if (!priv && id != i->real && id != i->saved)
		return EPERM;
	if (priv)
		i->real = i->saved = id;
	i->eff = i->fs = id;
	return 0;
}

static int
ids_setre(struct ids *i, uint32_t real, uint32_t eff, bool priv)
{
	const struct ids old = *i;

	if (!priv && ((real != ID_KEEP && real != old.real &&
	    real != old.eff) || !id_is_own(&old, eff)))
		return EPERM;
	if (real != ID_KEEP)
		i->real = real;
	if (eff != ID_KEEP)
		i->eff = eff;
	if (real != ID_KEEP || (eff != ID_KEEP && eff != old.real))
		i->saved = i->eff;
	i->fs = i->eff;
	return 0;
}

static int
ids_setres(struct ids *i, uint32_t real, uint32_t eff, uint32_t saved,
    bool priv)
{
	if (!priv && (!id_is_own(i, real) || !id_is_own(i, eff) ||
	    !id_is_own(i, saved)))
		return EPERM;
	if (real != ID_KEEP)
		i->real = real;
	if (eff != ID_KEEP)
		i->eff = eff;
	if (saved != ID_KEEP)
		i->saved = saved;
	i->fs = i->eff;
	return 0;
}

/* setfsuid(2) and its like never fail visibly: false, and nothing changes. */
static bool
ids_setfs(struct ids *i, uint32_t id, bool priv)
{
	if (id == ID_KEEP || id == i->fs || (!priv && !id_is_own(i, id)))
		return false;
	i->fs = id;
	return true;
}

static int
uids_commit(struct lwp *l, const struct ids *i)
{
	const struct cred *old = l->l_cred;
	struct cred *new = cred_dup(old);
	struct uidinfo *ui;

	if (new == NULL)
		return EAGAIN;
	if (i->real != old->cr_ruid) {
		if ((ui = uidinfo_get(i->real)) == NULL) {
			cred_put(new);
			return EAGAIN;
		}
		uidinfo_put(new->cr_uidinfo);
		new->cr_uidinfo = ui;
	}
	new->cr_ruid = i->real;
	new->cr_euid = i->eff;
	new->cr_suid = i->saved;
	new->cr_fsuid = i->fs;
	cred_fix_caps(new, old);
	cred_commit(l, new);
	return 0;
}

static int
gids_commit(struct lwp *l, const struct ids *i)
{
	struct cred *new = cred_dup(l->l_cred);

	if (new == NULL)
		return EAGAIN;
	new->cr_rgid = i->real;
	new->cr_egid = i->eff;
	new->cr_sgid = i->saved;
	new->cr_fsgid = i->fs;
	cred_commit(l, new);
	return 0;
}

static bool
may_setuid(const struct lwp *l)
{
	return cred_capable(l->l_cred, CAP_SETUID) == 0;
}

static bool
may_setgid(const struct lwp *l)
{
	return cred_capable(l->l_cred, CAP_SETGID) == 0;
}

int
do_setuid(struct lwp *l, uid_t uid)
{
	struct ids i = uids_of(l);
	int error = ids_set(&i, uid, may_setuid(l));

	return error != 0 ? error : uids_commit(l, &i);
}

int
do_setgid(struct lwp *l, gid_t gid)
{
	struct ids i = gids_of(l);
	int error = ids_set(&i, gid, may_setgid(l));

	return error != 0 ? error : gids_commit(l, &i);
}

int
do_setreuid(struct lwp *l, uid_t ruid, uid_t euid)
{
	struct ids i = uids_of(l);
	int error = ids_setre(&i, ruid, euid, may_setuid(l));

	return error != 0 ? error : uids_commit(l, &i);
}

int
do_setregid(struct lwp *l, gid_t rgid, gid_t egid)
{
	struct ids i = gids_of(l);
	int error = ids_setre(&i, rgid, egid, may_setgid(l));

	return error != 0 ? error : gids_commit(l, &i);
}

int
do_setresuid(struct lwp *l, uid_t ruid, uid_t euid, uid_t suid)
{
	struct ids i = uids_of(l);
	int error = ids_setres(&i, ruid, euid, suid, may_setuid(l));

	return error != 0 ? error : uids_commit(l, &i);
}

int
do_setresgid(struct lwp *l, gid_t rgid, gid_t egid, gid_t sgid)
{
	struct ids i = gids_of(l);
	int error = ids_setres(&i, rgid, egid, sgid, may_setgid(l));

	return error != 0 ? error : gids_commit(l, &i);
}

/* The caller sees the old id and compares. */
int
do_setfsuid(struct lwp *l, uid_t uid, uid_t *oldp)
{
	const struct cred *old = l->l_cred;
	struct ids i = uids_of(l);
	struct cred *new;

	*oldp = old->cr_fsuid;
	if (!ids_setfs(&i, uid, may_setuid(l)) ||
	    (new = cred_dup(old)) == NULL)
		return 0;
	new->cr_fsuid = uid;
	if ((old->cr_securebits & SECBIT_NO_SETUID_FIXUP) == 0) {
		if (old->cr_fsuid == 0 && uid != 0)
			new->cr_cap_effective &= ~CAP_FS_SET;
		if (old->cr_fsuid != 0 && uid == 0)
			new->cr_cap_effective |=
			    new->cr_cap_permitted & CAP_FS_SET;
	}
	cred_commit(l, new);
	return 0;
}

int
do_setfsgid(struct lwp *l, gid_t gid, gid_t *oldp)
{
	struct ids i = gids_of(l);

	*oldp = i.fs;
	if (ids_setfs(&i, gid, may_setgid(l)))
		(void)gids_commit(l, &i);
	return 0;
}

static int
gid_compare(const void *a, const void *b)
{
	gid_t ga = *(const gid_t *)a, gb = *(const gid_t *)b;

	return ga < gb ? -1 : ga > gb;
}

int
do_setgroups(struct lwp *l, gid_t *groups, unsigned int n)
{
	struct cred *new = NULL;
	int error = 0;

	if (cred_capable(l->l_cred, CAP_SETGID) != 0)
		error = EPERM;
	else if ((new = cred_dup(l->l_cred)) == NULL)
		error = ENOMEM;
	if (error != 0) {
		if (n != 0)
			kmem_free(groups, n * sizeof(gid_t));
		return error;
	}
	if (new->cr_ngroups != 0)
		kmem_free(new->cr_groups, new->cr_ngroups * sizeof(gid_t));
	kheapsort(groups, n, sizeof(gid_t), gid_compare);
	new->cr_groups = n != 0 ? groups : NULL;
	new->cr_ngroups = n;
	cred_commit(l, new);
	return 0;
}

int
do_capset(struct lwp *l, uint64_t effective, uint64_t permitted,
    uint64_t inheritable)
{
	const struct cred *old = l->l_cred;
	struct cred *new;

	effective &= CAP_ALL;
	permitted &= CAP_ALL;
	inheritable &= CAP_ALL;
	if (cred_capable(old, CAP_SETPCAP) != 0 &&
	    (inheritable & ~(old->cr_cap_inheritable |
	    old->cr_cap_permitted)) != 0)
		return EPERM;
	if ((inheritable & ~(old->cr_cap_inheritable |
	    old->cr_cap_bset)) != 0)
		return EPERM;
	if ((permitted & ~old->cr_cap_permitted) != 0)
		return EPERM;
	if ((effective & ~permitted) != 0)
		return EPERM;
	if ((new = cred_dup(old)) == NULL)
		return ENOMEM;
	new->cr_cap_effective = effective;
	new->cr_cap_permitted = permitted;
	new->cr_cap_inheritable = inheritable;
	new->cr_cap_ambient &= permitted & inheritable;
	cred_commit(l, new);
	return 0;
}

int
do_capbset_drop(struct lwp *l, unsigned int cap)
{
	struct cred *new;

	if (cred_capable(l->l_cred, CAP_SETPCAP) != 0)
		return EPERM;
	if (cap > CAP_LAST_CAP)
		return EINVAL;
	if ((new = cred_dup(l->l_cred)) == NULL)
		return ENOMEM;
	new->cr_cap_bset &= ~CAP_BIT(cap);
	cred_commit(l, new);
	return 0;
}

int
do_cap_ambient(struct lwp *l, unsigned int cap, bool raise)
{
	const struct cred *old = l->l_cred;
	struct cred *new;

	if (cap > CAP_LAST_CAP)
		return EINVAL;
	if (raise && ((old->cr_cap_permitted & old->cr_cap_inheritable &
	    CAP_BIT(cap)) == 0 ||
	    (old->cr_securebits & SECBIT_NO_CAP_AMBIENT_RAISE) != 0))
		return EPERM;
	if ((new = cred_dup(old)) == NULL)
		return ENOMEM;
	if (raise)
		new->cr_cap_ambient |= CAP_BIT(cap);
	else
		new->cr_cap_ambient &= ~CAP_BIT(cap);
	cred_commit(l, new);
	return 0;
}

int
do_cap_ambient_clear(struct lwp *l)
{
	struct cred *new;

	if ((new = cred_dup(l->l_cred)) == NULL)
		return ENOMEM;
	new->cr_cap_ambient = 0;
	cred_commit(l, new);
	return 0;
}

/* A set lock bit (the odd ones) keeps itself and its bit for ever. */
int
do_setsecurebits(struct lwp *l, unsigned int bits)
{
	const struct cred *old = l->l_cred;
	struct cred *new;
	unsigned int changed = bits ^ old->cr_securebits;
	unsigned int locked = old->cr_securebits & SECBIT_ALL_LOCKS;

	if ((bits & ~SECBIT_ALL) != 0)
		return EPERM;
	if ((changed & (locked >> 1)) != 0 || (locked & ~bits) != 0)
		return EPERM;
	if (cred_capable(old, CAP_SETPCAP) != 0)
		return EPERM;
	if ((new = cred_dup(old)) == NULL)
		return ENOMEM;
	new->cr_securebits = bits;
	cred_commit(l, new);
	return 0;
}

/* capabilities(7), "transformation of capabilities during execve()". */
static void
cred_exec_caps(struct cred *new, bool setid)
{
	bool root = (new->cr_securebits & SECBIT_NOROOT) == 0;

	if (setid)
		new->cr_cap_ambient = 0;
	if (root && (new->cr_euid == 0 || new->cr_ruid == 0))
		new->cr_cap_permitted = new->cr_cap_inheritable |
		    new->cr_cap_bset;
	else
		new->cr_cap_permitted = new->cr_cap_ambient;
	if (root && new->cr_euid == 0)
		new->cr_cap_effective = new->cr_cap_permitted;
	else
		new->cr_cap_effective = new->cr_cap_ambient;
	new->cr_securebits &= ~SECBIT_KEEP_CAPS;
}

int
cred_exec(const struct cred *old, mode_t mode, uid_t uid, gid_t gid,
    bool honour, struct cred **result, bool *secure)
{
	struct cred *new;
	bool setid = false;

	if ((new = cred_dup(old)) == NULL)
		return ENOMEM;
	if (honour && (mode & S_ISUID) != 0) {
		setid = setid || uid != old->cr_euid;
		new->cr_euid = uid;
	}
	if (honour && (mode & (S_ISGID | 0010)) == (S_ISGID | 0010)) {
		setid = setid || gid != old->cr_egid;
		new->cr_egid = gid;
	}
	new->cr_suid = new->cr_fsuid = new->cr_euid;
	new->cr_sgid = new->cr_fsgid = new->cr_egid;
	cred_exec_caps(new, setid);
	*secure = setid || new->cr_euid != new->cr_ruid ||
	    new->cr_egid != new->cr_rgid;
	*result = new;
	return 0;
}
