/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of system calls: a thread gives up calls for good.
 *
 * Overview: a filter is a program for the classic packet filter machine that
 * looks at the number, the instruction pointer and the arguments of a call.
 * filter_check() lets only programs in that end: jumps go forward, and the
 * last instruction returns.  Filters are never changed or taken away; a new
 * one points to those before it, so threads that part share what they have in
 * common.  All run for each call, and the strictest answer counts.
 *
 * Locking: l_seccomp is set under p_lock, also for other threads, and read
 * without it by its thread: what it was before is reachable from what it is.
 *
 * Untrusted input: the program; it reads nothing but its data and 16 words.
 */
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/seccomp.h>
#include <sys/systm.h>

struct seccomp_filter {
	refcount_t	sf_ref;		/* [a] threads and later filters */
	struct seccomp_filter *sf_next;	/* [I] the one before */
	size_t		sf_total;	/* [I] instructions of all */
	size_t		sf_len;		/* [I] */
	struct seccomp_insn sf_insns[];	/* [I] */
};

/* Of all filters of a thread, each counted as four more. */
#define	SECCOMP_MAXTOTAL	32768
#define	SECCOMP_COST		4

/* What l_seccomp is in strict mode; never freed. */
static struct seccomp_filter seccomp_strict = { .sf_ref = 1 };

/* -- the machine: class, size or operation, mode or source -- */

#define	CLASS(code)	((code) & 0x07)
#define	LD		0x00
#define	LDX		0x01
#define	ST		0x02
#define	STX		0x03
#define	ALU		0x04
#define	JMP		0x05
#define	RET		0x06
#define	MISC		0x07
#define	IMM		0x00
#define	ABS		0x20
#define	MEM		0x60
#define	LEN		0x80
#define	OP(code)	((code) & 0xf0)
#define	ADD		0x00
#define	SUB		0x10
#define	MUL		0x20
#define	DIV		0x30
#define	OR		0x40
#define	AND		0x50
#define	LSH		0x60
#define	RSH		0x70
#define	NEG		0x80
#define	XOR		0xa0
#define	JA		0x00
#define	JEQ		0x10
#define	JGT		0x20
#define	JGE		0x30
#define	JSET		0x40
#define	X		0x08
#define	RET_A		0x10
#define	TXA		0x80

#define	NMEM		16

static bool
alu_valid(const struct seccomp_insn *in)
{
	bool k = (in->si_code & X) == 0;

	switch (OP(in->si_code)) {
	case ADD:
	case SUB:
	case MUL:
	case OR:
	case AND:
	case XOR:
		return true;
	case DIV:
		return !k || in->si_k != 0;
	case LSH:
	case RSH:
		return !k || in->si_k < 32;
	case NEG:
		return k;
	default:
		return false;
	}
}

/* left: how many instructions follow. */
static bool
jump_valid(const struct seccomp_insn *in, size_t left)
{
	switch (OP(in->si_code)) {
	case JA:
		return (in->si_code & X) == 0 && in->si_k < left;
	case JEQ:
	case JGT:
	case JGE:
	case JSET:
		return in->si_jt < left && in->si_jf < left;
	default:
		return false;
	}
}

static bool
insn_valid(const struct seccomp_insn *in, size_t left)
{
	if (in->si_code > 0xff)
		return false;
	switch (CLASS(in->si_code)) {
	case ALU:
		return alu_valid(in);
	case JMP:
		return jump_valid(in, left);
	}
	switch (in->si_code) {
	case LD | ABS:
		return in->si_k < sizeof(struct seccomp_data) &&
		    in->si_k % 4 == 0;
	case LD | IMM:
	case LDX | IMM:
	case LD | LEN:
	case LDX | LEN:
	case RET:
	case RET | RET_A:
	case MISC:
	case MISC | TXA:
		return true;
	case LD | MEM:
	case LDX | MEM:
	case ST:
	case STX:
		return in->si_k < NMEM;
	default:
		return false;
	}
}

static bool
filter_check(const struct seccomp_insn *in, size_t n)
{
	size_t i;

	if (n == 0 || n > SECCOMP_MAXINSNS || CLASS(in[n - 1].si_code) != RET)
		return false;
	for (i = 0; i < n; i++)
		if (!insn_valid(&in[i], n - 1 - i))
			return false;
	return true;
}

static uint32_t
alu(unsigned int op, uint32_t a, uint32_t b)
{
	switch (op) {
	case ADD:
		return a + b;
	case SUB:
		return a - b;
	case MUL:
		return a * b;
	case DIV:
		return a / b;
	case OR:
		return a | b;
	case AND:
		return a & b;
	case LSH:
		return a << (b & 31);
	case RSH:
		return a >> (b & 31);
	case XOR:
		return a ^ b;
	default:	/* NEG */
		return -a;
	}
}

static bool
holds(unsigned int op, uint32_t a, uint32_t b)
{
	switch (op) {
	case JEQ:
		return a == b;
	case JGT:
		return a > b;
	case JGE:
		return a >= b;
	default:	/* JSET */
		return (a & b) != 0;
	}
}

static uint32_t
filter_run(const struct seccomp_filter *sf, const struct seccomp_data *sd)
{
	uint32_t a = 0, x = 0, mem[NMEM] = { 0 }, b;
	const struct seccomp_insn *in;

	for (in = sf->sf_insns;; in++) {
		b = (in->si_code & X) != 0 ? x : in->si_k;
		switch (CLASS(in->si_code)) {
		case ALU:
			if (OP(in->si_code) == DIV && b == 0)
				return SECCOMP_RET_KILL_THREAD;
			a = alu(OP(in->si_code), a, b);
			continue;
		case JMP:
			if (OP(in->si_code) == JA)
				in += in->si_k;
			else
				in += holds(OP(in->si_code), a, b) ?
				    in->si_jt : in->si_jf;
			continue;
		case RET:
			return (in->si_code & RET_A) != 0 ? a : in->si_k;
		}
		switch (in->si_code) {
		case LD | ABS:
			memcpy(&a, (const char *)sd + in->si_k, sizeof(a));
			break;
		case LD | IMM:
			a = in->si_k;
			break;
		case LDX | IMM:
			x = in->si_k;
			break;
		case LD | LEN:
			a = sizeof(*sd);
			break;
		case LDX | LEN:
			x = sizeof(*sd);
			break;
		case LD | MEM:
			a = mem[in->si_k];
			break;
		case LDX | MEM:
			x = mem[in->si_k];
			break;
		case ST:
			mem[in->si_k] = a;
			break;
		case STX:
			mem[in->si_k] = x;
			break;
		case MISC:	/* TAX */
			x = a;
			break;
		default:	/* MISC | TXA */
			a = x;
			break;
		}
	}
}

uint32_t
seccomp_run(struct lwp *l, const struct seccomp_data *sd)
{
	const struct seccomp_filter *sf = atomic_load_acquire(&l->l_seccomp);
	uint32_t said, worst = SECCOMP_RET_ALLOW;

	for (; sf != NULL; sf = sf->sf_next) {
		said = filter_run(sf, sd);
		/* As signed numbers the stricter action is the less. */
		if ((int32_t)(said & SECCOMP_RET_ACTION) <
		    (int32_t)(worst & SECCOMP_RET_ACTION))
			worst = said;
	}
	return worst;
}

/* -- threads and their filters -- */

int
seccomp_mode(const struct lwp *l)
{
	const struct seccomp_filter *sf = atomic_load_relaxed(&l->l_seccomp);

	return sf == NULL ? SECCOMP_MODE_DISABLED :
	    sf == &seccomp_strict ? SECCOMP_MODE_STRICT : SECCOMP_MODE_FILTER;
}

static void
filter_put(struct seccomp_filter *sf)
{
	struct seccomp_filter *next;

	for (; sf != NULL && refcount_put(&sf->sf_ref); sf = next) {
		next = sf->sf_next;
		kmem_free(sf, sizeof(*sf) + sf->sf_len * sizeof(*sf->sf_insns));
	}
}

void
seccomp_inherit(struct lwp *from, struct lwp *l)
{
	if ((l->l_seccomp = from->l_seccomp) != NULL)
		refcount_get(&l->l_seccomp->sf_ref);
}

void
seccomp_free(struct lwp *l)
{
	filter_put(l->l_seccomp);
	l->l_seccomp = NULL;
}

int
do_seccomp_strict(struct lwp *l)
{
	int error = 0;

	spin_enter(&l->l_proc->p_lock);
	if (l->l_seccomp == NULL) {
		refcount_get(&seccomp_strict.sf_ref);
		atomic_store_release(&l->l_seccomp, &seccomp_strict);
	} else if (l->l_seccomp != &seccomp_strict)
		error = EINVAL;
	spin_exit(&l->l_proc->p_lock);
	return error;
}

/* Is it one of those of sf? */
static bool
among(const struct seccomp_filter *it, const struct seccomp_filter *sf)
{
	for (; sf != NULL && sf != it; sf = sf->sf_next)
		continue;
	return sf == it;
}

/* The first thread whose filters are not all ours, or 0. p_lock held. */
static pid_t
thread_apart(const struct lwp *l)
{
	const struct lwp *l2;

	LIST_FOREACH(l2, &l->l_proc->p_lwps, l_sibling)
		if (l2->l_seccomp != NULL &&
		    (l2->l_flags & LF_EXITING) == 0 &&
		    !among(l2->l_seccomp, l->l_seccomp))
			return l2->l_tid;
	return 0;
}

/*
 * Threads other than l may run an old filter now: they keep it alive, as it is
 * among those of the new one. p_lock held.
 */
static void
filter_set(struct lwp *l, struct seccomp_filter *sf, bool all)
{
	struct lwp *l2;
	struct seccomp_filter *old;

	LIST_FOREACH(l2, &l->l_proc->p_lwps, l_sibling) {
		if (l2 != l && !all)
			continue;
		refcount_get(&sf->sf_ref);
		old = l2->l_seccomp;
		atomic_store_release(&l2->l_seccomp, sf);
		filter_put(old);	/* never the last reference */
	}
}

int
do_seccomp_filter(struct lwp *l, const struct seccomp_insn *in, size_t n,
    bool all, pid_t *badp)
{
	struct seccomp_filter *sf, *old;
	struct proc *p = l->l_proc;
	size_t size = sizeof(*sf) + n * sizeof(*in);
	int error = 0;

	*badp = 0;
	if (!filter_check(in, n))
		return EINVAL;
	if (!p->p_nonewprivs && cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0)
		return EACCES;
	if ((sf = kmem_alloc(size, KM_SLEEP)) == NULL)
		return ENOMEM;
	sf->sf_ref = 1;
	sf->sf_next = NULL;
	sf->sf_len = n;
	memcpy(sf->sf_insns, in, n * sizeof(*in));
	spin_enter(&p->p_lock);
	old = l->l_seccomp;
	sf->sf_total = n + SECCOMP_COST + (old != NULL ? old->sf_total : 0);
	if (old == &seccomp_strict)
		error = EINVAL;
	else if (sf->sf_total > SECCOMP_MAXTOTAL)
		error = ENOMEM;
	else if (!all || (*badp = thread_apart(l)) == 0) {
		if ((sf->sf_next = old) != NULL)
			refcount_get(&old->sf_ref);
		filter_set(l, sf, all);
	}
	spin_exit(&p->p_lock);
	filter_put(sf);
	return error;
}
