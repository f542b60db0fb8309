/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that i386 programs make in another form than x86-64 ones:
 * 64-bit numbers in two registers, arguments in another order or in memory,
 * and the old calls that x86-64 never had.
 *
 * Overview: each puts the arguments together and goes on in the handler of the
 * x86-64 call.  Arguments come zero-extended.
 */
#include <sys/clone.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/mman.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>

#define	A(n)		((uint32_t)uap->a[n])
#define	SIGNED(n)	((int32_t)uap->a[n])
#define	PTR(n)		((void *)(uintptr_t)A(n))
/* A 64-bit number, low half first. */
#define	PAIR(n)		((off_t)(A(n) | (uint64_t)A((n) + 1) << 32))

/* -- memory -- */

static int
mmap32(struct lwp *l, const struct linux32_mmap *m, uint64_t offset,
    register_t *retval)
{
	struct linux_mmap_args args = {
		.addr = m->addr, .len = m->len, .prot = (int)m->prot,
		.flags = (int)m->flags & ~MAP_32BIT, .fd = (int)m->fd,
		.offset = (off_t)offset
	};

	return linux_sys_mmap(l, &args, retval);
}

int
linux32_sys_mmap(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux32_mmap m;
	int error = copyin(PTR(0), &m, sizeof(m));

	return error != 0 ? error : mmap32(l, &m, m.offset, retval);
}

int
linux32_sys_mmap2(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux32_mmap m = { A(0), A(1), A(2), A(3), A(4), A(5) };

	return mmap32(l, &m, (uint64_t)m.offset << PAGE_SHIFT, retval);
}

/* -- positions and lengths -- */

int
linux32_sys_lseek(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_lseek_args args = {
		.fd = SIGNED(0), .offset = SIGNED(1), .whence = SIGNED(2)
	};

	/* A position beyond 32 bits is cut off, as Linux does. */
	return linux_sys_lseek(l, &args, retval);
}

int
linux32_sys__llseek(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_lseek_args args = {
		.fd = SIGNED(0),
		.offset = (off_t)((uint64_t)A(1) << 32 | A(2)),
		.whence = SIGNED(4)
	};
	register_t pos;
	int64_t result;
	int error = linux_sys_lseek(l, &args, &pos);

	if (error != 0)
		return error;
	result = pos;
	*retval = 0;
	return copyout(&result, PTR(3), sizeof(result));
}

int
linux32_sys_pread64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_pread64_args args = {
		.fd = SIGNED(0), .buf = PTR(1), .count = A(2),
		.offset = PAIR(3)
	};

	return linux_sys_pread64(l, &args, retval);
}

int
linux32_sys_pwrite64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_pwrite64_args args = {
		.fd = SIGNED(0), .buf = PTR(1), .count = A(2),
		.offset = PAIR(3)
	};

	return linux_sys_pwrite64(l, &args, retval);
}

int
linux32_sys_preadv(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_preadv_args args = {
		.fd = SIGNED(0), .iov = PTR(1), .iovcnt = A(2),
		.poslow = (unsigned long)PAIR(3)
	};

	return linux_sys_preadv(l, &args, retval);
}

int
linux32_sys_pwritev(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_pwritev_args args = {
		.fd = SIGNED(0), .iov = PTR(1), .iovcnt = A(2),
		.poslow = (unsigned long)PAIR(3)
	};

	return linux_sys_pwritev(l, &args, retval);
}

int
linux32_sys_preadv2(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_preadv2_args args = {
		.fd = SIGNED(0), .iov = PTR(1), .iovcnt = A(2),
		.poslow = (unsigned long)PAIR(3), .flags = SIGNED(5)
	};

	return linux_sys_preadv2(l, &args, retval);
}

int
linux32_sys_pwritev2(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_pwritev2_args args = {
		.fd = SIGNED(0), .iov = PTR(1), .iovcnt = A(2),
		.poslow = (unsigned long)PAIR(3), .flags = SIGNED(5)
	};

	return linux_sys_pwritev2(l, &args, retval);
}

int
linux32_sys_readahead(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_readahead_args args = {
		.fd = SIGNED(0), .offset = PAIR(1), .count = A(3)
	};

	return linux_sys_readahead(l, &args, retval);
}

static int
truncate_common(struct lwp *l, const void *path, off_t length,
    register_t *retval)
{
	struct linux_truncate_args args = { .path = path, .length = length };

	return linux_sys_truncate(l, &args, retval);
}

int
linux32_sys_truncate(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	return truncate_common(l, PTR(0), SIGNED(1), retval);
}

int
linux32_sys_truncate64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	return truncate_common(l, PTR(0), PAIR(1), retval);
}

static int
ftruncate_common(struct lwp *l, int fd, off_t length, register_t *retval)
{
	struct linux_ftruncate_args args = { .fd = fd, .length = length };

	return linux_sys_ftruncate(l, &args, retval);
}

int
linux32_sys_ftruncate(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	return ftruncate_common(l, SIGNED(0), SIGNED(1), retval);
}

int
linux32_sys_ftruncate64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	return ftruncate_common(l, SIGNED(0), PAIR(1), retval);
}

static int
fadvise_common(struct lwp *l, int fd, off_t offset, uint64_t len, int advice,
    register_t *retval)
{
	struct linux_fadvise64_args args = {
		.fd = fd, .offset = offset, .len = len, .advice = advice
	};

	return linux_sys_fadvise64(l, &args, retval);
}

int
linux32_sys_fadvise64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	return fadvise_common(l, SIGNED(0), PAIR(1), A(3), SIGNED(4), retval);
}

int
linux32_sys_fadvise64_64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	return fadvise_common(l, SIGNED(0), PAIR(1), (uint64_t)PAIR(3),
	    SIGNED(5), retval);
}

int
linux32_sys_sync_file_range(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_sync_file_range_args args = {
		.fd = SIGNED(0), .offset = PAIR(1), .nbytes = PAIR(3),
		.flags = A(5)
	};

	return linux_sys_sync_file_range(l, &args, retval);
}

int
linux32_sys_fallocate(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_fallocate_args args = {
		.fd = SIGNED(0), .mode = SIGNED(1), .offset = PAIR(2),
		.len = PAIR(4)
	};

	return linux_sys_fallocate(l, &args, retval);
}

/* -- files -- */

/* The size of the structure is an argument. */
int
linux32_sys_statfs64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_statfs_args args = { .path = PTR(0), .buf = PTR(2) };

	if (A(1) != sizeof(struct linux32_statfs64))
		return EINVAL;
	l->l_callabi |= SY_WIDE;
	return linux_sys_statfs(l, &args, retval);
}

int
linux32_sys_fstatfs64(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_fstatfs_args args = { .fd = SIGNED(0), .buf = PTR(2) };

	if (A(1) != sizeof(struct linux32_statfs64))
		return EINVAL;
	l->l_callabi |= SY_WIDE;
	return linux_sys_fstatfs(l, &args, retval);
}

int
linux32_sys_umount(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_umount2_args args = { .target = PTR(0), .flags = 0 };

	return linux_sys_umount2(l, &args, retval);
}

/* select(2) of old: five words in memory. */
int
linux32_sys_select(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	uint32_t a[5];
	struct linux_select_args args;
	int error = copyin(PTR(0), a, sizeof(a));

	if (error != 0)
		return error;
	args.nfds = (int)a[0];
	args.readfds = (void *)(uintptr_t)a[1];
	args.writefds = (void *)(uintptr_t)a[2];
	args.exceptfds = (void *)(uintptr_t)a[3];
	args.timeout = (void *)(uintptr_t)a[4];
	return linux_sys_select(l, &args, retval);
}

/* -- processes and time -- */

int
linux32_sys_waitpid(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_wait4_args args = {
		.pid = SIGNED(0), .status = PTR(1), .options = SIGNED(2),
		.ru = NULL
	};

	return linux_sys_wait4(l, &args, retval);
}

int
linux32_sys_nice(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_setpriority_args args = { .which = 0, .who = 0 };
	int inc = MAX(MIN(SIGNED(0), 40), -40);

	args.prio = l->l_proc->p_nice + inc;
	return linux_sys_setpriority(l, &args, retval);
}

int
linux32_sys_stime(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	int32_t sec;
	int error = copyin(PTR(0), &sec, sizeof(sec));

	if (error != 0)
		return error;
	if (cred_capable(l->l_cred, CAP_SYS_TIME) != 0)
		return EPERM;
	error = time_set_realtime(sec * NSEC_PER_SEC);
	if (error == 0)
		clock_was_set();
	return error;
}

/* -- thread-local storage: GDT entries -- */

static uint64_t
desc_make(const struct linux_user_desc *ud)
{
	uint64_t type = 0xf1, gran;

	if ((ud->ud_flags & UD_READ_EXEC_ONLY) == 0)
		type |= 0x2;
	type |= (uint64_t)UD_CONTENTS(ud->ud_flags) << 2;
	gran = (ud->ud_flags & UD_SEG_32BIT) != 0 ? 0x4 : 0;
	if ((ud->ud_flags & UD_LIMIT_IN_PAGES) != 0)
		gran |= 0x8;
	if ((ud->ud_flags & UD_USEABLE) != 0)
		gran |= 0x1;
	return (ud->ud_limit & 0xffff) |
	    (uint64_t)(ud->ud_base & 0xffffff) << 16 | type << 40 |
	    (uint64_t)(ud->ud_limit >> 16 & 0xf) << 48 | gran << 52 |
	    (uint64_t)(ud->ud_base >> 24) << 56;
}

static void
desc_describe(uint64_t d, struct linux_user_desc *ud)
{
	ud->ud_base = (uint32_t)(d >> 16 & 0xffffff) |
	    (uint32_t)(d >> 56) << 24;
	ud->ud_limit = (uint32_t)(d & 0xffff) | (uint32_t)(d >> 48 & 0xf) << 16;
	ud->ud_flags = (uint32_t)(d >> 42 & 3) << 1;
	if ((d >> 54 & 1) != 0)
		ud->ud_flags |= UD_SEG_32BIT;
	if ((d >> 41 & 1) == 0)
		ud->ud_flags |= UD_READ_EXEC_ONLY;
	if ((d >> 55 & 1) != 0)
		ud->ud_flags |= UD_LIMIT_IN_PAGES;
	if ((d >> 47 & 1) == 0)
		ud->ud_flags |= UD_NOT_PRESENT;
	if ((d >> 52 & 1) != 0)
		ud->ud_flags |= UD_USEABLE;
}

/* "Nothing": either all is zero, or it says so in the old way. */
static bool
desc_is_empty(const struct linux_user_desc *ud)
{
	uint32_t f = ud->ud_flags & ~(uint32_t)UD_LM;

	return ud->ud_base == 0 && ud->ud_limit == 0 &&
	    (f == 0 || f == (UD_READ_EXEC_ONLY | UD_NOT_PRESENT));
}

/* The descriptor a program asks for; only 32-bit data segments. */
static int
desc_in(const struct linux_user_desc *ud, uint64_t *desc)
{
	*desc = 0;
	if (desc_is_empty(ud))
		return 0;
	if ((ud->ud_flags & UD_SEG_32BIT) == 0 ||
	    UD_CONTENTS(ud->ud_flags) > 1 ||
	    (ud->ud_flags & UD_NOT_PRESENT) != 0)
		return EINVAL;
	*desc = desc_make(ud);
	return 0;
}

int
linux32_sys_set_thread_area(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	struct linux_user_desc ud;
	unsigned int slot;
	uint64_t desc;
	int error = copyin(PTR(0), &ud, sizeof(ud));

	if (error != 0)
		return error;
	if ((error = desc_in(&ud, &desc)) != 0)
		return error;
	if (ud.ud_entry == (uint32_t)-1) {
		for (slot = 0; slot < CPU_TLS_COUNT; slot++)
			if (cpu_get_tls(l, slot) == 0)
				break;
		if (slot == CPU_TLS_COUNT)
			return ESRCH;
		ud.ud_entry = CPU_TLS_FIRST + slot;
		error = ustore_32(PTR(0), ud.ud_entry);
		if (error != 0)
			return error;
	}
	slot = ud.ud_entry - CPU_TLS_FIRST;
	return slot >= CPU_TLS_COUNT ? EINVAL : cpu_set_tls(l, slot, desc);
}

int
linux32_sys_get_thread_area(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	struct linux_user_desc ud;
	unsigned int slot;
	int error = copyin(PTR(0), &ud, sizeof(ud));

	if (error != 0)
		return error;
	slot = ud.ud_entry - CPU_TLS_FIRST;
	if (slot >= CPU_TLS_COUNT)
		return EINVAL;
	desc_describe(cpu_get_tls(l, slot), &ud);
	return copyout(&ud, PTR(0), sizeof(ud));
}

/* The descriptor of CLONE_SETTLS. */
int
linux32_clone_tls(uintptr_t uaddr, struct cpu_tls *ct)
{
	struct linux_user_desc ud;
	int error = copyin((const void *)uaddr, &ud, sizeof(ud));

	if (error != 0)
		return error;
	ct->ct_slot = ud.ud_entry - CPU_TLS_FIRST;
	if (ct->ct_slot >= CPU_TLS_COUNT)
		return EINVAL;
	return desc_in(&ud, &ct->ct_desc);
}

/* The last two arguments are the other way round. */
int
linux32_sys_clone(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	struct linux_clone_args args = {
		.flags = A(0), .stack = A(1), .parent_tid = PTR(2),
		.tls = A(3), .child_tid = PTR(4)
	};

	return linux_sys_clone(l, &args, retval);
}

/* -- sockets in one call -- */

int
linux32_sys_socketcall(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	/* Number of arguments and the call on its own; the rest are 0. */
	static const struct {
		unsigned int	n, nr;
	} calls[] = {
		[1] = { 3, LINUX_SYS32_socket },
		[2] = { 3, LINUX_SYS32_bind },
		[3] = { 3, LINUX_SYS32_connect },
		[4] = { 2, LINUX_SYS32_listen },
		[5] = { 3, LINUX_SYS32_accept4 },	/* accept */
		[6] = { 3, LINUX_SYS32_getsockname },
		[7] = { 3, LINUX_SYS32_getpeername },
		[8] = { 4, LINUX_SYS32_socketpair },
		[9] = { 4, LINUX_SYS32_sendto },	/* send */
		[10] = { 4, LINUX_SYS32_recvfrom },	/* recv */
		[11] = { 6, LINUX_SYS32_sendto },
		[12] = { 6, LINUX_SYS32_recvfrom },
		[13] = { 2, LINUX_SYS32_shutdown },
		[14] = { 5, LINUX_SYS32_setsockopt },
		[15] = { 5, LINUX_SYS32_getsockopt },
		[16] = { 3, LINUX_SYS32_sendmsg },
		[17] = { 3, LINUX_SYS32_recvmsg },
		[18] = { 4, LINUX_SYS32_accept4 },
	};
	register_t args[6] = { 0 };
	unsigned long word;
	linux_syscall_fn *fn;
	int error = 0;

	if (A(0) == 0 || A(0) >= __arraycount(calls))
		return EINVAL;
	for (unsigned int i = 0; error == 0 && i < calls[A(0)].n; i++) {
		error = linux_ptr_in(PTR(1), i, &word);
		args[i] = (register_t)word;
	}
	if (error != 0)
		return error;
	fn = linux_sysent32[calls[A(0)].nr].sy_call;
	return fn == NULL ? ENOSYS : fn(l, args, retval);
}
