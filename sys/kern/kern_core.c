/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core dumps: when, where, and with the other threads standing still.
 *
 * Overview: the thread that takes a signal of SIG_CORE with its default action
 * ends the process as always (P_EXITING), but with P_COREDUMP: the others come
 * to core_wait() instead of ending and wait there, with their registers where
 * a tracer would find them.  Then the personality writes the file.
 *
 * Locking: P_COREDUMP and p_ncore under p_lock; the pattern under core_lock.
 *
 * Untrusted input: the place is the program's own directory, maybe with links
 * others have laid: what has the name is removed, and the file is a new one.
 */
#include <sys/clone.h>
#include <sys/condvar.h>
#include <sys/core.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/vnode.h>
#include <machine/cpu.h>

static struct spinlock core_lock = SPINLOCK_INITIALIZER("core_pattern");
static char core_pattern[CORE_PATTERN_LEN] = "core";	/* [core_lock] */

void
core_pattern_get(char *buf)
{
	spin_enter(&core_lock);
	(void)strlcpy(buf, core_pattern, CORE_PATTERN_LEN);
	spin_exit(&core_lock);
}

int
core_pattern_set(const char *pattern)
{
	if (strlen(pattern) >= CORE_PATTERN_LEN || *pattern == '|')
		return EINVAL;
	spin_enter(&core_lock);
	(void)strlcpy(core_pattern, pattern, sizeof(core_pattern));
	spin_exit(&core_lock);
	return 0;
}

bool
core_wanted(struct lwp *l)
{
	struct proc *p = l->l_proc;

	return rlimit_cur(p, RLIMIT_CORE) >= PAGE_SIZE &&
	    p->p_dumpable == 1 && p->p_emul->e_coredump != NULL &&
	    core_pattern[0] != '\0';
}

/* -- the name -- */

static size_t
append(char *name, size_t at, const char *text)
{
	return at + strlcpy(name + at, text, MAXPATHLEN - at);
}

/* Names from programs must not lead to other directories. */
static size_t
append_comm(struct lwp *l, char *name, size_t at)
{
	char comm[MAXCOMLEN];

	(void)strlcpy(comm, l->l_proc->p_comm, sizeof(comm));
	for (char *c = comm; *c != '\0'; c++)
		if (*c == '/')
			*c = '!';
	return append(name, at, comm);
}

static size_t
append_letter(struct lwp *l, int signo, char letter, char *name, size_t at)
{
	char buf[UTS_LEN];

	switch (letter) {
	case '%':
		return append(name, at, "%");
	case 'e':
		return append_comm(l, name, at);
	case 'h':
		uts_get(UTS_HOSTNAME, buf);
		return append(name, at, buf);
	case 'p':
	case 'P':
		(void)snprintf(buf, sizeof(buf), "%d", l->l_proc->p_pid);
		break;
	case 'i':
	case 'I':
		(void)snprintf(buf, sizeof(buf), "%d", l->l_tid);
		break;
	case 's':
		(void)snprintf(buf, sizeof(buf), "%d", signo);
		break;
	case 't':
		(void)snprintf(buf, sizeof(buf), "%lld",
		    (long long)(nanotime() / NSEC_PER_SEC));
		break;
	case 'u':
		(void)snprintf(buf, sizeof(buf), "%u", l->l_cred->cr_ruid);
		break;
	case 'g':
		(void)snprintf(buf, sizeof(buf), "%u", l->l_cred->cr_rgid);
		break;
	case 'c':
		(void)snprintf(buf, sizeof(buf), "%llu", (unsigned long long)
		    rlimit_cur(l->l_proc, RLIMIT_CORE));
		break;
	default:
		return at;		/* others are dropped, as on Linux */
	}
	return append(name, at, buf);
}

/* ENAMETOOLONG. */
static int
core_name(struct lwp *l, int signo, char *name)
{
	char pattern[CORE_PATTERN_LEN];
	size_t at = 0;

	core_pattern_get(pattern);
	name[0] = '\0';		/* a pattern may come to nothing */
	for (const char *c = pattern; *c != '\0' && at < MAXPATHLEN - 1; c++) {
		if (*c != '%') {
			name[at++] = *c;
			name[at] = '\0';
		} else if (*++c == '\0')
			break;
		else
			at = append_letter(l, signo, *c, name, at);
	}
	return at < MAXPATHLEN - 1 ? 0 : ENAMETOOLONG;
}

/* A new file in the place of what has its name, with the program's rights. */
static int
core_open(struct lwp *l, int signo, struct file **fp)
{
	char *name = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	int error;

	if (name == NULL)
		return ENOMEM;
	if ((error = core_name(l, signo, name)) == 0) {
		(void)!do_unlink(l, NULL, name, 0);
		error = do_open(l, NULL, name, O_CREAT | O_EXCL | O_WRONLY |
		    O_NOFOLLOW | O_LARGEFILE, 0600, fp);
	}
	kmem_free(name, MAXPATHLEN);
	return error;
}

/* -- the threads -- */

/* The others stop or are through; p_lock held. */
static void
core_gather(struct lwp *l)
{
	struct proc *p = l->l_proc;

	p->p_flags |= P_EXITING | P_COREDUMP;
	p->p_ncore = 0;
	proc_kill_threads(p, l);
	while (p->p_nlwps > p->p_ncore + 1)
		cv_wait_spin(&p->p_threadcv, &p->p_lock);
}

void
core_wait(struct lwp *l)
{
	struct proc *p = l->l_proc;

	spin_enter(&p->p_lock);
	if ((p->p_flags & P_COREDUMP) != 0) {
		cpu_trace_stop(l);
		p->p_ncore++;
		cv_broadcast(&p->p_threadcv);
		while ((p->p_flags & P_COREDUMP) != 0)
			cv_wait_spin(&p->p_threadcv, &p->p_lock);
		cpu_trace_go(l, false);
	}
	spin_exit(&p->p_lock);
}

bool
core_dump(struct lwp *l, const ksiginfo_t *ksi)
{
	struct proc *p = l->l_proc;
	struct file *fp;
	int error;

	p->p_xstat = ksi->ksi_signo;
	core_gather(l);
	spin_exit(&p->p_lock);
	if ((error = core_open(l, ksi->ksi_signo, &fp)) == 0) {
		error = p->p_emul->e_coredump(l, fp, ksi,
		    rlimit_cur(p, RLIMIT_CORE));
		file_put(fp);
	}
	spin_enter(&p->p_lock);
	p->p_flags &= ~P_COREDUMP;
	cv_broadcast(&p->p_threadcv);
	if (error == 0)
		p->p_xstat |= W_COREFLAG;
	return error == 0;
}
