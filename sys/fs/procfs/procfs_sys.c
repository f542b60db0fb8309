/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/sys, the settings of the kernel as files.
 *
 * Overview: a value that can be changed has a store function with its limits;
 * the others are constants of this kernel that programs ask for.
 */
#include <sys/aio.h>
#include <sys/core.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mqueue.h>
#include <sys/proc.h>
#include <sys/protect.h>
#include <sys/socket.h>
#include <sys/systm.h>
#include <sys/sysvmsg.h>
#include <sys/sysvsem.h>
#include <sys/sysvshm.h>
#include <sys/utsname.h>
#include <fs/procfs/procfs.h>
#include <uvm/uvm.h>

#define	FILL(name, fmt, ...)						\
static int								\
fill_##name(const struct pfs_node *pn __unused, struct pbuf *pb)	\
{									\
	pbuf_printf(pb, fmt "\n", __VA_ARGS__);				\
	return 0;							\
}

FILL(ostype, "%s", "Linux")
FILL(osrelease, "%s", linux_release)
FILL(version, "%s", version)
FILL(pid_max, "%d", PID_MAX)
FILL(threads_max, "%zu", uvmexp.total / 8)
FILL(ngroups_max, "%d", NGROUPS_MAX)
FILL(cap_last_cap, "%d", CAP_LAST_CAP)
FILL(overflow, "%d", 65534)
FILL(zero, "%d", 0)
FILL(seccomp_actions, "%s",
    "kill_process kill_thread trap errno log allow")
FILL(two, "%d", 2)
FILL(rng_bits, "%d", 256)
FILL(max_map_count, "%d", UVM_MAP_ENTRIES)
FILL(mmap_min_addr, "%lu", VM_MIN_ADDRESS)
FILL(overcommit_memory, "%u", atomic_load_relaxed(&uvm_overcommit_always))
FILL(overcommit_ratio, "%d", 50)
FILL(shmmax, "%llu", (unsigned long long)SHMMAX)
FILL(shmall, "%llu", (unsigned long long)SHMMAX / PAGE_SIZE)
FILL(shmmni, "%d", SHMMNI)
FILL(sem, "%u\t%u\t%u\t%u", atomic_load_relaxed(&sem_limits.sl_nsems),
    atomic_load_relaxed(&sem_limits.sl_total),
    atomic_load_relaxed(&sem_limits.sl_nops),
    atomic_load_relaxed(&sem_limits.sl_nsets))
FILL(msgmax, "%u", atomic_load_relaxed(&msg_max))
FILL(msgmnb, "%u", atomic_load_relaxed(&msg_queue_bytes))
FILL(msgmni, "%u", atomic_load_relaxed(&msg_nqueues))
FILL(aio_max_nr, "%d", AIO_MAX_NR)
FILL(aio_nr, "%u", atomic_load_relaxed(&aio_nr))
FILL(sched_rt_period, "%d", atomic_load_relaxed(&sched_rt_period))
FILL(sched_rt_runtime, "%d", atomic_load_relaxed(&sched_rt_runtime))
FILL(file_max, "%u", maxfiles)
FILL(file_nr, "%u\t0\t%u", nfiles, maxfiles)
FILL(nr_open, "%d", 1048576)
FILL(pipe_max_size, "%d", 1048576)
FILL(mount_max, "%d", 100000)
FILL(somaxconn, "%d", SOMAXCONN)
FILL(sockbuf, "%d", SOCK_BUFSIZE)
FILL(dgram_qlen, "%d", 10)
FILL(pty_max, "%d", 4096)
FILL(inotify_watches, "%d", INOTIFY_MAX_WATCHES)
FILL(inotify_instances, "%d", INOTIFY_MAX_INSTANCES)
FILL(mq_msg, "%d", MQ_MSG_DEFAULT)
FILL(mq_msgsize, "%d", MQ_MSGSIZE_DEFAULT)
FILL(mq_queues, "%d", MQ_QUEUES_MAX)
FILL(inotify_events, "%d", INOTIFY_MAX_EVENTS)

#define	PROTECTED(name, max)						\
FILL(protected_##name, "%u", atomic_load_relaxed(&protected_##name))	\
static int								\
store_protected_##name(const struct pfs_node *pn __unused, char *text)	\
{									\
	return store_number(text, max, &protected_##name);		\
}

/* A number up to max. */
static int
store_number(char *text, uint32_t max, unsigned int *value)
{
	uint32_t v;

	if (kstrtou32(text, 10, &v) != 0 || v > max)
		return EINVAL;
	atomic_store_relaxed(value, v);
	return 0;
}

PROTECTED(symlinks, 1)
PROTECTED(hardlinks, 1)
PROTECTED(fifos, 2)
PROTECTED(regular, 2)

static int
fill_core_pattern(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	char pattern[CORE_PATTERN_LEN];

	core_pattern_get(pattern);
	pbuf_printf(pb, "%s\n", pattern);
	return 0;
}

static int
store_core_pattern(const struct pfs_node *pn __unused, char *text)
{
	return core_pattern_set(text);
}

static int
fill_hostname(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	char name[UTS_LEN];

	uts_get(UTS_HOSTNAME, name);
	pbuf_printf(pb, "%s\n", name);
	return 0;
}

static int
fill_domainname(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	char name[UTS_LEN];

	uts_get(UTS_DOMAINNAME, name);
	pbuf_printf(pb, "%s\n", name);
	return 0;
}

static int
store_hostname(const struct pfs_node *pn __unused, char *text)
{
	return uts_set(curlwp, UTS_HOSTNAME, text, strlen(text));
}

static int
store_domainname(const struct pfs_node *pn __unused, char *text)
{
	return uts_set(curlwp, UTS_DOMAINNAME, text, strlen(text));
}

static int
store_msgmax(const struct pfs_node *pn __unused, char *text)
{
	return store_number(text, MSGMAX_MAX, &msg_max);
}

static int
store_msgmnb(const struct pfs_node *pn __unused, char *text)
{
	return store_number(text, INT32_MAX, &msg_queue_bytes);
}

static int
store_msgmni(const struct pfs_node *pn __unused, char *text)
{
	return store_number(text, IPC_OBJECTS_MAX, &msg_nqueues);
}

/* Four numbers, in the order in which they are shown. */
static int
store_sem(const struct pfs_node *pn __unused, char *text)
{
	static const uint32_t max[] = { SEMSL_MAX, INT32_MAX, SEMOPM_MAX,
	    IPC_OBJECTS_MAX };
	unsigned int *const to[] = { &sem_limits.sl_nsems,
	    &sem_limits.sl_total, &sem_limits.sl_nops, &sem_limits.sl_nsets };
	uint32_t v[4];
	char *word;

	for (unsigned int i = 0; i < 4; i++) {
		while (*text == ' ' || *text == '\t')
			text++;
		word = text;
		while (*text != '\0' && *text != ' ' && *text != '\t')
			text++;
		if (*text != '\0')
			*text++ = '\0';
		if (kstrtou32(word, 10, &v[i]) != 0 || v[i] > max[i])
			return EINVAL;
	}
	if (*text != '\0')
		return EINVAL;
	for (unsigned int i = 0; i < 4; i++)
		atomic_store_relaxed(to[i], v[i]);
	return 0;
}

/* Promises are not counted, so the policy that limits their sum is refused. */
static int
store_overcommit_memory(const struct pfs_node *pn __unused, char *text)
{
	return store_number(text, 1, &uvm_overcommit_always);
}

static int
store_sched_rt_period(const struct pfs_node *pn __unused, char *text)
{
	int64_t v;

	return kstrtoi64(text, 10, &v) != 0 ? EINVAL :
	    sched_rt_limit(v, atomic_load_relaxed(&sched_rt_runtime));
}

static int
store_sched_rt_runtime(const struct pfs_node *pn __unused, char *text)
{
	int64_t v;

	return kstrtoi64(text, 10, &v) != 0 ? EINVAL :
	    sched_rt_limit(atomic_load_relaxed(&sched_rt_period), v);
}

static void
uuid_print(struct pbuf *pb, const uint8_t b[16])
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		pbuf_printf(pb, "%s%02x", i == 4 || i == 6 || i == 8 ||
		    i == 10 ? "-" : "", b[i]);
	pbuf_printf(pb, "\n");
}

static void
uuid_make(uint8_t b[16])
{
	random_bytes(b, 16);
	b[6] = (b[6] & 0x0f) | 0x40;	/* RFC 9562, version 4 */
	b[8] = (b[8] & 0x3f) | 0x80;
}

static int
fill_uuid(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	uint8_t b[16];

	uuid_make(b);
	uuid_print(pb, b);
	return 0;
}

static int
fill_boot_id(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	static struct spinlock lock = SPINLOCK_INITIALIZER("boot_id");
	static uint8_t id[16];
	static bool made;

	spin_enter(&lock);
	if (!made)
		uuid_make(id);
	made = true;
	spin_exit(&lock);
	uuid_print(pb, id);
	return 0;
}

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = fill_##fill }
#define	FILE_W(n, fill, store)	{ .pe_name = (n),			\
	    .pe_mode = S_IFREG | 0644, .pe_fill = fill_##fill,		\
	    .pe_store = store_##store }
#define	DIR(n, d)	{ .pe_name = (n), .pe_mode = S_IFDIR | 0555,	\
	    .pe_dir = (d) }

static const struct pfs_entry random_entries[] = {
	FILE_R("boot_id", boot_id),
	FILE_R("entropy_avail", rng_bits),
	FILE_R("poolsize", rng_bits),
	FILE_R("uuid", uuid),
	{ 0 }
};

static const struct pfs_entry pty_entries[] = {
	FILE_R("max", pty_max),
	{ 0 }
};

static const struct pfs_entry seccomp_entries[] = {
	FILE_R("actions_avail", seccomp_actions),
	{ 0 }
};

static const struct pfs_entry kernel_entries[] = {
	FILE_R("cap_last_cap", cap_last_cap),
	FILE_W("core_pattern", core_pattern, core_pattern),
	FILE_W("domainname", domainname, domainname),
	FILE_W("hostname", hostname, hostname),
	FILE_W("msgmax", msgmax, msgmax),
	FILE_W("msgmnb", msgmnb, msgmnb),
	FILE_W("msgmni", msgmni, msgmni),
	FILE_R("ngroups_max", ngroups_max),
	FILE_R("osrelease", osrelease),
	FILE_R("ostype", ostype),
	FILE_R("overflowgid", overflow),
	FILE_R("overflowuid", overflow),
	FILE_R("pid_max", pid_max),
	DIR("pty", pty_entries),
	FILE_R("randomize_va_space", two),
	FILE_W("sched_rt_period_us", sched_rt_period, sched_rt_period),
	FILE_W("sched_rt_runtime_us", sched_rt_runtime, sched_rt_runtime),
	DIR("seccomp", seccomp_entries),
	FILE_W("sem", sem, sem),
	FILE_R("shmall", shmall),
	FILE_R("shmmax", shmmax),
	FILE_R("shmmni", shmmni),
	FILE_R("tainted", zero),
	FILE_R("threads-max", threads_max),
	FILE_R("version", version),
	DIR("random", random_entries),
	{ 0 }
};

static const struct pfs_entry vm_entries[] = {
	FILE_R("legacy_va_layout", zero),
	FILE_R("max_map_count", max_map_count),
	FILE_R("mmap_min_addr", mmap_min_addr),
	FILE_R("nr_hugepages", zero),
	FILE_W("overcommit_memory", overcommit_memory, overcommit_memory),
	FILE_R("overcommit_ratio", overcommit_ratio),
	{ 0 }
};

static const struct pfs_entry mqueue_entries[] = {
	FILE_R("msg_default", mq_msg),
	FILE_R("msg_max", mq_msg),
	FILE_R("msgsize_default", mq_msgsize),
	FILE_R("msgsize_max", mq_msgsize),
	FILE_R("queues_max", mq_queues),
	{ 0 }
};

static const struct pfs_entry inotify_entries[] = {
	FILE_R("max_queued_events", inotify_events),
	FILE_R("max_user_instances", inotify_instances),
	FILE_R("max_user_watches", inotify_watches),
	{ 0 }
};

static const struct pfs_entry fs_entries[] = {
	DIR("inotify", inotify_entries),
	DIR("mqueue", mqueue_entries),
	FILE_R("aio-max-nr", aio_max_nr),
	FILE_R("aio-nr", aio_nr),
	FILE_R("file-max", file_max),
	FILE_R("file-nr", file_nr),
	FILE_R("mount-max", mount_max),
	FILE_R("nr_open", nr_open),
	FILE_R("overflowgid", overflow),
	FILE_R("overflowuid", overflow),
	FILE_R("pipe-max-size", pipe_max_size),
	FILE_W("protected_fifos", protected_fifos, protected_fifos),
	FILE_W("protected_hardlinks", protected_hardlinks,
	    protected_hardlinks),
	FILE_W("protected_regular", protected_regular, protected_regular),
	FILE_W("protected_symlinks", protected_symlinks, protected_symlinks),
	FILE_R("suid_dumpable", zero),
	{ 0 }
};

static const struct pfs_entry net_core_entries[] = {
	FILE_R("rmem_default", sockbuf),
	FILE_R("rmem_max", sockbuf),
	FILE_R("somaxconn", somaxconn),
	FILE_R("wmem_default", sockbuf),
	FILE_R("wmem_max", sockbuf),
	{ 0 }
};

static const struct pfs_entry net_unix_entries[] = {
	FILE_R("max_dgram_qlen", dgram_qlen),
	{ 0 }
};

static const struct pfs_entry net_entries[] = {
	DIR("core", net_core_entries),
	DIR("unix", net_unix_entries),
	{ 0 }
};

const struct pfs_entry pfs_sys_entries[] = {
	DIR("fs", fs_entries),
	DIR("kernel", kernel_entries),
	DIR("net", net_entries),
	DIR("vm", vm_entries),
	{ 0 }
};
