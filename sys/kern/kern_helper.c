/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that the kernel wants to be run, /sbin/poweroff for one.
 *
 * Overview: a process is made that begins in the kernel, executes the program
 * and is waited for by the thread that asked.  When that gives up early (the
 * deadline), the process is killed, so that what it borrows stays valid.
 */
#include <sys/clone.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

struct helper {
	const char	*h_path;
	char *const	*h_argv;
	char *const	*h_envp;
	volatile int	h_error;	/* [a] why it could not be executed */
};

static void
helper_main(void *arg)
{
	struct helper *h = arg;
	int error;

	error = do_execve(curlwp, NULL, h->h_path, h->h_argv, h->h_envp, 0);
	if (error == 0)
		return;			/* to the program's first instruction */
	atomic_store(&h->h_error, error);
	do_exit_group(curlwp, 127 << 8);
}

int
proc_run_helper(const char *path, char *const *argv, char *const *envp,
    nsec_t deadline)
{
	struct helper h = { path, argv, envp, 0 };
	bool killed = false;
	int error, status;
	pid_t pid, got;

	error = fork_helper(helper_main, &h, &pid);
	if (error != 0)
		return error;
	for (;;) {
		got = 0;
		error = do_wait(curlwp, P_PID, pid, WEXITED | WNOHANG, &got,
		    &status, NULL, NULL);
		if (error != 0 || got == pid)
			break;
		if (!killed && nanouptime() > deadline) {
			rw_enter(&proctree_lock, RW_READER);
			psignal(proc_find(pid), SIGKILL);
			rw_exit(&proctree_lock);
			killed = true;
		}
		(void)kpause("helper", false,
		    nanouptime() + 20 * NSEC_PER_MSEC);
	}
	if (error != 0)
		return error;
	if (h.h_error != 0)
		return h.h_error;
	return killed ? ETIMEDOUT : status == 0 ? 0 : EIO;
}
