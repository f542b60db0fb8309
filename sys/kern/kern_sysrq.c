/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Magic keys: a look at, or an end to, a system that answers nothing else.
 */
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/proc.h>
#include <sys/sysrq.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>

static const char *const state_names[] = {
	[LS_EMBRYO] = "embryo", [LS_RUN] = "run", [LS_ONCPU] = "on cpu",
	[LS_SLEEP] = "sleep", [LS_STOP] = "stop", [LS_ZOMBIE] = "zombie",
};

static void
show_threads(bool sleeping)
{
	struct proc *p;
	struct lwp *l;

	rw_enter(&proctree_lock, RW_READER);
	LIST_FOREACH(p, &allproc, p_all) {
		LIST_FOREACH(l, &p->p_lwps, l_sibling) {
			if (sleeping && l->l_state != LS_SLEEP)
				continue;
			printf("%6d %6d %-7s cpu%u %-12s %s\n", p->p_pid,
			    l->l_tid, state_names[l->l_state],
			    l->l_cpu->ci_index,
			    l->l_wchan != NULL ? l->l_wchan : "-",
			    l->l_name[0] != '\0' ? l->l_name : p->p_comm);
		}
	}
	rw_exit(&proctree_lock);
}

static void
show_memory(void)
{
	printf("memory: %zu pages, %zu free, %zu kernel, %zu anonymous, "
	    "%zu file, %zu page tables\n", uvmexp.total, uvmexp.free,
	    uvmexp.kmem, uvmexp.anon, uvmexp.file, uvmexp.pagetables);
}

static void
signal_everybody(int signo)
{
	struct proc *p;

	rw_enter(&proctree_lock, RW_READER);
	LIST_FOREACH(p, &allproc, p_all)
		if ((p->p_flags & P_SYSTEM) == 0 && p != initproc)
			psignal(p, signo);
	rw_exit(&proctree_lock);
}

static void
key_reboot(void)
{
	cpu_reboot(RB_RESTART);
}

static void
key_crash(void)
{
	panic("sysrq: crash");
}

static void
key_term(void)
{
	signal_everybody(SIGTERM);
}

static void
key_kill(void)
{
	signal_everybody(SIGKILL);
}

static void
key_poweroff(void)
{
	cpu_reboot(RB_POWEROFF);
}

static void
key_threads(void)
{
	show_threads(false);
}

static void
key_sleepers(void)
{
	show_threads(true);
}

static const struct {
	char		key;
	const char	*what;
	void		(*func)(void);
} keys[] = {
	{ 'b', "reboot", key_reboot },
	{ 'c', "crash", key_crash },
	{ 'e', "term", key_term },
	{ 'i', "kill", key_kill },
	{ 'm', "memory", show_memory },
	{ 'o', "poweroff", key_poweroff },
	{ 'p', "backtrace", backtrace_print },
	{ 'q', "timers", callout_show },
	{ 's', "sync", vfs_sync_all },
	{ 't', "threads", key_threads },
	{ 'w', "sleepers", key_sleepers },
};

void
sysrq(char key)
{
	unsigned int i;

	for (i = 0; i < __arraycount(keys); i++)
		if (keys[i].key == key) {
			printf("sysrq: %s\n", keys[i].what);
			keys[i].func();
			return;
		}
	printf("sysrq: keys are");
	for (i = 0; i < __arraycount(keys); i++)
		printf(" %s(%c)", keys[i].what, keys[i].key);
	printf("\n");
}
