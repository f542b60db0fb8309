/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start of the kernel proper, and of process 1.
 *
 * Overview: the entry code (sys/arch) leaves a boot CPU with its cpu_info, page
 * tables, a console to print on, and interrupts off.  main() brings the rest up
 * in the order in which one thing stands on another; the comments say where
 * that order is not free.  Process 1 begins as a kernel thread, mounts the root
 * and becomes init.  main()'s own thread ends as the reaper of dead threads.
 *
 * A guest that cannot get as far as init ends with one clear message and is
 * reported as crashed.
 */
#include <sys/aio.h>
#include <sys/autoconf.h>
#include <sys/boot.h>
#include <sys/buf.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cons.h>
#include <sys/cpu.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/futex.h>
#include <sys/kthread.h>
#include <sys/mem.h>
#include <sys/mqueue.h>
#include <sys/proc.h>
#include <sys/socket.h>
#include <sys/systm.h>
#include <sys/sysvmsg.h>
#include <sys/sysvsem.h>
#include <sys/sysvshm.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/tty.h>
#include <sys/vnode.h>
#include <machine/intr.h>
#include <uvm/uvm.h>
#include <uvm/uvm_vnode.h>

#include "sched_impl.h"

/* Less than this free after the kernel's own set-up is hopeless. */
#define	BOOT_MINFREE	(1024UL * 1024)

BOOT_OPTION(opt_init, "init", "program to run as process 1");
BOOT_OPTION(opt_rdinit, "rdinit", "the same, from the initramfs (/init)");

/* The end of a boot that is nobody's bug: no backtrace. */
static void __printflike(1, 2) __dead
boot_fail(const char *fmt, ...)
{
	static char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log(LOG_EMERG, "boot: %s\nboot: the guest ends here\n", text);
	cpu_reboot(RB_CRASH);
}

/* ---- process 1 ---- */

/* Descriptors 0, 1 and 2. */
static void
open_console(struct lwp *l)
{
	struct file *fp;
	int error, fd, i;

	error = do_open(l, NULL, "/dev/console", O_RDWR, 0, &fp);
	if (error != 0) {
		printf("init: cannot open /dev/console: error %d\n", error);
		return;
	}
	for (i = 0; i < 3; i++) {
		if (fd_reserve(l, 0, &fd) != 0)
			break;
		fd_install(l, fd, file_get(fp), false);
	}
	file_put(fp);
}

static int
run(struct lwp *l, const char *path)
{
	static char name[MAXPATHLEN];

	(void)strlcpy(name, path, sizeof(name));
	boot_init_argv[0] = name;
	return do_execve(l, NULL, name, boot_init_argv, boot_init_envp,
	    LOOKUP_FOLLOW);
}

/* The initramfs' program, which mounts the root then; is there one? */
static bool
find_rdinit(struct lwp *l, char *path, size_t len)
{
	struct path p;
	bool asked = boot_option("rdinit", path, len);

	if (!asked)
		(void)strlcpy(path, "/init", len);
	if (namei(l, NULL, path, LOOKUP_FOLLOW, &p) == 0) {
		path_put(&p);
		return true;
	}
	if (asked)
		printf("init: rdinit=%s is not there\n", path);
	return false;
}

/* As Linux: init=, else the usual places. */
static void
run_init(struct lwp *l)
{
	static const char *const usual[] = {
		"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"
	};
	static char path[MAXPATHLEN];
	unsigned int i;
	int error;

	if (boot_option("init", path, sizeof(path))) {
		error = run(l, path);
		if (error != 0)
			boot_fail("init=%s cannot be run: error %d", path,
			    error);
		return;
	}
	for (i = 0; i < __arraycount(usual); i++) {
		error = run(l, usual[i]);
		if (error == 0)
			return;
		if (error != ENOENT)
			printf("init: %s cannot be run: error %d\n", usual[i],
			    error);
	}
	boot_fail("no init found: neither an initramfs' /init nor /sbin/init, "
	    "/etc/init, /bin/init or /bin/sh; try root= or init=");
}

static void
start_init(void *arg __unused)
{
	static char path[MAXPATHLEN];
	struct lwp *l = curlwp;
	int error;

	error = vfs_mountroot();
	if (error != 0)
		boot_fail("no root file system: error %d", error);
	open_console(l);
	/* An initramfs may count on them, too: it does on Linux. */
	vfs_wait_disks();
	if (find_rdinit(l, path, sizeof(path))) {
		error = run(l, path);
		if (error == 0)
			return;
		printf("init: %s cannot be run: error %d\n", path, error);
	}
	error = vfs_mountdisk(l);
	if (error != 0 && error != ENOENT)
		boot_fail("cannot mount the root file system: error %d",
		    error);
	run_init(l);
	/* To user mode, into the program. */
}

/* ---- the kernel ---- */

static void
banner(void)
{
	printf("%s\n", version);
	printf("%s guest, %zu MiB memory (%zu KiB free), up to %u vCPU%s\n",
	    machine_name(), (size_t)(ptoa(uvmexp.total) >> 20),
	    (size_t)(ptoa(uvmexp.free) >> 10), ncpu_possible,
	    ncpu_possible == 1 ? "" : "s");
	if (ptoa(uvmexp.free) < BOOT_MINFREE)
		boot_fail("too little memory: %zu KiB in all",
		    (size_t)(ptoa(uvmexp.total) >> 10));
}

static void
must(int error, const char *what)
{
	if (error != 0)
		boot_fail("%s: error %d", what, error);
}

void
main(void)
{
	/* Clocks, messages and memory: everything below may use them. */
	time_init();
	cons_set_clock(nanouptime);
	cons_options();
	uvm_init();
	ncpu_possible = MIN(cpu_possible(), MAXCPUS);
	banner();
	cpu_md_init();
	random_init();
	boot_options_init();

	/* This thread becomes one the scheduler knows. */
	sched_init();
	proc_init();
	fork_init_caches();
	sig_init();
	futex_init();
	adjtime_init();
	mqueue_init();
	sysvmsg_init();
	sysvsem_init();
	sysvshm_init();
	bufcache_init();
	vfs_init();
	fd_init();
	aio_init();
	disk_init();
	signalfd_init();
	socket_init();
	mem_init();
	tty_init();

	/*
	 * Interrupts; then sleeping works, as somebody can wake us.  A timer
	 * that fires with nobody bound to it is lost, and no other would be
	 * programmed while the queue believes in that one: bind first.
	 */
	cpu_intr_init();
	must(callout_init_cpu(&cpu_info_primary), "timers");
	must(cpu_attach(&cpu_info_primary), "idle thread");
	intr_enable();
	kthread_init();
	uvm_pdaemon_init();
	uvm_vnode_init();

	/* The machine's devices and other CPUs, configured drivers. */
	cpu_create_secondaries();
	disk_soft_init();
	machine_init();
	config_init();

	must(fork_init(start_init, NULL), "process 1");
	sched_reaper();
}
