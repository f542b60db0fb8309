/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's kcmp(2): do two threads share something?
 *
 * Overview: the order that the call gives must not tell where things lie in
 * the kernel, so what is compared is hashed with a secret.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO,
	KCMP_SYSVSEM };

static uint64_t
disguise(const void *what)
{
	static struct spinlock lock = SPINLOCK_INITIALIZER("kcmp");
	static uint64_t secret[2];
	uint64_t in = (uintptr_t)what;

	spin_enter(&lock);
	if (secret[0] == 0)
		random_bytes(secret, sizeof(secret));
	spin_exit(&lock);
	return siphash24(secret, &in, sizeof(in));
}

/*
 * What the thread has of that kind, as a place in memory that nobody looks
 * at; *fp is to be put.  [T] held.
 */
static int
thing(struct lwp *l, int type, unsigned long fd, const void **what,
    struct file **fp)
{
	struct proc *p = l->l_proc;
	int error = 0;

	switch (type) {
	case KCMP_FILE:
		error = p->p_fd == NULL || fd > INT32_MAX ? EBADF :
		    fd_table_file(p->p_fd, (int)fd, fp);
		*what = *fp;
		break;
	case KCMP_VM:
		*what = p->p_vmspace;
		break;
	case KCMP_FILES:
		*what = p->p_fd;
		break;
	case KCMP_FS:
		*what = p->p_cwdi;
		break;
	case KCMP_SIGHAND:
		*what = p->p_sigacts;
		break;
	case KCMP_IO:
		/* Nobody has any of its own. */
		*what = NULL;
		break;
	case KCMP_SYSVSEM:
		*what = p;
		break;
	default:
		error = EINVAL;
	}
	return error;
}

int
linux_sys_kcmp(struct lwp *l, const struct linux_kcmp_args *uap,
    register_t *retval)
{
	struct file *fp1 = NULL, *fp2 = NULL;
	const void *a = NULL, *b = NULL;
	struct lwp *l1, *l2;
	int error;

	rw_enter(&proctree_lock, RW_READER);
	l1 = lwp_find(uap->pid1);
	l2 = lwp_find(uap->pid2);
	if (l1 == NULL || l2 == NULL)
		error = ESRCH;
	else if ((error = ptrace_may_access(l, l1->l_proc)) == 0 &&
	    (error = ptrace_may_access(l, l2->l_proc)) == 0 &&
	    (error = thing(l1, uap->type, uap->idx1, &a, &fp1)) == 0)
		error = thing(l2, uap->type, uap->idx2, &b, &fp2);
	rw_exit(&proctree_lock);
	if (error == 0)
		*retval = a == b ? 0 : disguise(a) < disguise(b) ? 1 : 2;
	if (fp1 != NULL)
		file_put(fp1);
	if (fp2 != NULL)
		file_put(fp2);
	return error;
}
