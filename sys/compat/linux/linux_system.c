/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on the system as a whole: its names, its memory, its log,
 * its end; and random bytes.
 */
#include <sys/cons.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>

#define	REBOOT_MAGIC1		0xfee1deadU
#define	REBOOT_RESTART		0x01234567U
#define	REBOOT_HALT		0xcdef0123U
#define	REBOOT_CAD_ON		0x89abcdefU
#define	REBOOT_CAD_OFF		0x00000000U
#define	REBOOT_POWER_OFF	0x4321fedcU
#define	REBOOT_RESTART2		0xa1b2c3d4U

#define	SYSLOG_CLOSE		0
#define	SYSLOG_OPEN		1
#define	SYSLOG_READ		2
#define	SYSLOG_READ_ALL		3
#define	SYSLOG_READ_CLEAR	4
#define	SYSLOG_CLEAR		5
#define	SYSLOG_CONSOLE_OFF	6
#define	SYSLOG_CONSOLE_ON	7
#define	SYSLOG_CONSOLE_LEVEL	8
#define	SYSLOG_SIZE_UNREAD	9
#define	SYSLOG_SIZE_BUFFER	10
#define	SYSLOG_CHUNK		2048

#define	GRND_NONBLOCK		1
#define	GRND_RANDOM		2
#define	GRND_INSECURE		4

int
linux_sys_uname(struct lwp *l, const struct linux_uname_args *uap,
    register_t *retval __unused)
{
	struct linux_utsname un;

	memset(&un, 0, sizeof(un));
	(void)strlcpy(un.sysname, "Linux", sizeof(un.sysname));
	uts_get(UTS_HOSTNAME, un.nodename);
	(void)strlcpy(un.release, linux_release, sizeof(un.release));
	(void)snprintf(un.version, sizeof(un.version), "#1 SMP %s %s",
	    ostype, osrelease);
	(void)strlcpy(un.machine, (l->l_proc->p_personality & PER_MASK) ==
	    PER_LINUX32 ? "i686" : "x86_64", sizeof(un.machine));
	uts_get(UTS_DOMAINNAME, un.domainname);
	return copyout(&un, uap->name, sizeof(un));
}

static int
uts_in(struct lwp *l, enum uts_name which, const char *uname, int len)
{
	char name[UTS_LEN];
	int error;

	if (cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	if (len < 0 || len >= UTS_LEN)
		return EINVAL;
	if ((error = copyin(uname, name, (size_t)len)) != 0)
		return error;
	return uts_set(l, which, name, (size_t)len);
}

int
linux_sys_sethostname(struct lwp *l,
    const struct linux_sethostname_args *uap, register_t *retval __unused)
{
	return uts_in(l, UTS_HOSTNAME, uap->name, uap->len);
}

int
linux_sys_setdomainname(struct lwp *l,
    const struct linux_setdomainname_args *uap, register_t *retval __unused)
{
	return uts_in(l, UTS_DOMAINNAME, uap->name, uap->len);
}

/* For i386: in larger units where bytes do not fit into 32 bits. */
static int
sysinfo32_out(struct linux_sysinfo *si, void *uaddr)
{
	struct linux32_sysinfo s32;
	unsigned int shift = si->totalram >> 32 != 0 ? PAGE_SHIFT : 0;

	memset(&s32, 0, sizeof(s32));
	s32.uptime = (int32_t)si->uptime;
	for (unsigned int i = 0; i < 3; i++)
		s32.loads[i] = (uint32_t)si->loads[i];
	s32.totalram = (uint32_t)(si->totalram >> shift);
	s32.freeram = (uint32_t)(si->freeram >> shift);
	s32.sharedram = (uint32_t)(si->sharedram >> shift);
	s32.bufferram = (uint32_t)(si->bufferram >> shift);
	s32.totalswap = (uint32_t)(si->totalswap >> shift);
	s32.freeswap = (uint32_t)(si->freeswap >> shift);
	s32.procs = si->procs;
	s32.mem_unit = si->mem_unit << shift;
	return copyout(&s32, uaddr, sizeof(s32));
}

int
linux_sys_sysinfo(struct lwp *l __unused,
    const struct linux_sysinfo_args *uap, register_t *retval __unused)
{
	struct linux_sysinfo si;
	unsigned long avg[3];

	memset(&si, 0, sizeof(si));
	sched_loadavg(avg);
	si.uptime = nanoboottime() / NSEC_PER_SEC;
	for (unsigned int i = 0; i < 3; i++)
		si.loads[i] = avg[i];
	si.totalram = ptoa(uvmexp.total);
	si.freeram = ptoa(uvmexp.free);
	si.totalswap = ptoa((uint64_t)uvmexp.swtotal);
	si.freeswap = ptoa((uint64_t)(uvmexp.swtotal -
	    MIN(uvmexp.swused, uvmexp.swtotal)));
	si.bufferram = 0;
	si.procs = (uint16_t)MIN(atomic_load_relaxed(&nthreads), 0xffffU);
	si.mem_unit = 1;
	return linux_is32() ? sysinfo32_out(&si, uap->info) :
	    copyout(&si, uap->info, sizeof(si));
}

int
linux_sys_reboot(struct lwp *l, const struct linux_reboot_args *uap,
    register_t *retval __unused)
{
	static const int magic2[] = {
		672274793, 85072278, 369367448, 537993216
	};
	bool ok = false;

	if (cred_capable(l->l_cred, CAP_SYS_BOOT) != 0)
		return EPERM;
	for (unsigned int i = 0; i < __arraycount(magic2); i++)
		ok = ok || uap->magic2 == magic2[i];
	if (!ok || (unsigned int)uap->magic1 != REBOOT_MAGIC1)
		return EINVAL;
	switch (uap->cmd) {
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;	/* there is no keyboard */
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		vfs_sync_all();
		printf("reboot: restarting\n");
		cpu_reboot(RB_RESTART);
	case REBOOT_HALT:
		vfs_sync_all();
		printf("reboot: halted\n");
		cpu_reboot(RB_HALT);
	case REBOOT_POWER_OFF:
		vfs_sync_all();
		printf("reboot: power off\n");
		cpu_reboot(RB_POWEROFF);
	default:
		return EINVAL;
	}
}

/* -- syslog(2): the kernel's messages -- */

static struct spinlock syslog_lock = SPINLOCK_INITIALIZER("syslog");
static uint64_t syslog_readpos;		/* [l] of SYSLOG_READ */
static uint64_t syslog_clearpos;	/* [l] SYSLOG_READ_ALL begins here */

/* From *pos on to user memory, until `limit` bytes or the end. */
static int
syslog_copy(uint64_t *pos, char *ubuf, size_t limit, size_t *done)
{
	char *buf = kmem_alloc(SYSLOG_CHUNK, KM_SLEEP);
	size_t n;
	int error = 0;

	*done = 0;
	if (buf == NULL)
		return ENOMEM;
	while (*done < limit) {
		n = msgbuf_read(pos, buf, MIN(limit - *done,
		    (size_t)SYSLOG_CHUNK));
		if (n == 0)
			break;
		if ((error = copyout(buf, ubuf + *done, n)) != 0)
			break;
		*done += n;
	}
	kmem_free(buf, SYSLOG_CHUNK);
	return error;
}

static int
syslog_read(char *ubuf, size_t len, register_t *retval)
{
	uint64_t pos;
	size_t done;
	int error;

	for (;;) {
		spin_enter(&syslog_lock);
		pos = syslog_readpos;
		spin_exit(&syslog_lock);
		if (pos < msgbuf_end())
			break;
		/* Messages come from any context: nobody wakes us. */
		error = kpause("syslog", true, nanouptime() + NSEC_PER_SEC / 2);
		if (error == ERESTARTSYS)
			return error;
	}
	error = syslog_copy(&pos, ubuf, len, &done);
	spin_enter(&syslog_lock);
	syslog_readpos = MAX(syslog_readpos, pos);
	spin_exit(&syslog_lock);
	*retval = (register_t)done;
	return error;
}

/* The last messages, as many as fit. */
static int
syslog_read_all(char *ubuf, size_t len, bool clear, register_t *retval)
{
	uint64_t pos, end = msgbuf_end();
	size_t done;
	int error;

	spin_enter(&syslog_lock);
	pos = MAX(syslog_clearpos, msgbuf_start());
	spin_exit(&syslog_lock);
	if (end > pos && end - pos > len)
		pos = end - len;
	error = syslog_copy(&pos, ubuf, len, &done);
	if (error == 0 && clear) {
		spin_enter(&syslog_lock);
		syslog_clearpos = end;
		spin_exit(&syslog_lock);
	}
	*retval = (register_t)done;
	return error;
}

int
linux_sys_syslog(struct lwp *l, const struct linux_syslog_args *uap,
    register_t *retval)
{
	static int saved_level = -1;	/* of the console, while it is off */

	if (uap->type != SYSLOG_READ_ALL && uap->type != SYSLOG_SIZE_BUFFER &&
	    cred_capable(l->l_cred, CAP_SYSLOG) != 0 &&
	    cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	switch (uap->type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (uap->buf == NULL || uap->len < 0)
			return EINVAL;
		if (uap->len == 0)
			return 0;
		if (uap->type == SYSLOG_READ)
			return syslog_read(uap->buf, (size_t)uap->len, retval);
		return syslog_read_all(uap->buf, (size_t)uap->len,
		    uap->type == SYSLOG_READ_CLEAR, retval);
	case SYSLOG_CLEAR:
		spin_enter(&syslog_lock);
		syslog_clearpos = msgbuf_end();
		spin_exit(&syslog_lock);
		return 0;
	case SYSLOG_CONSOLE_OFF:
		if (saved_level < 0)
			saved_level = cons_loglevel;
		cons_loglevel = 1;
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (saved_level >= 0)
			cons_loglevel = saved_level;
		saved_level = -1;
		return 0;
	case SYSLOG_CONSOLE_LEVEL:
		if (uap->len < 1 || uap->len > 8)
			return EINVAL;
		cons_loglevel = uap->len;
		saved_level = -1;
		return 0;
	case SYSLOG_SIZE_UNREAD:
		spin_enter(&syslog_lock);
		*retval = (register_t)(msgbuf_end() -
		    MAX(syslog_readpos, msgbuf_start()));
		spin_exit(&syslog_lock);
		return 0;
	case SYSLOG_SIZE_BUFFER:
		*retval = MSGBUF_SIZE;
		return 0;
	default:
		return EINVAL;
	}
}

/* -- random bytes -- */

int
linux_sys_getrandom(struct lwp *l, const struct linux_getrandom_args *uap,
    register_t *retval)
{
	uint8_t buf[256];
	size_t done = 0, n;
	int error = 0;

	if ((uap->flags & ~(GRND_NONBLOCK | GRND_RANDOM |
	    GRND_INSECURE)) != 0 ||
	    (uap->flags & (GRND_RANDOM | GRND_INSECURE)) ==
	    (GRND_RANDOM | GRND_INSECURE))
		return EINVAL;
	while (done < MIN(uap->count, (size_t)INT32_MAX)) {
		if (done != 0 && sig_pending(l))
			break;
		n = MIN(uap->count - done, sizeof(buf));
		random_bytes(buf, n);
		error = copyout(buf, (char *)uap->buf + done, n);
		if (error != 0)
			break;
		done += n;
	}
	explicit_memset(buf, 0, sizeof(buf));
	*retval = (register_t)done;
	return done != 0 ? 0 : error;
}
