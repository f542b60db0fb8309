/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the directory of a process and of a thread, with its limits, mounts
 * and links.  procfs_status.c has what it is and does, procfs_mem.c its memory.
 * Formats: proc(5).
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <fs/procfs/procfs_pid.h>

struct proc *
pfs_proc(const struct pfs_node *pn)
{
	struct proc *p;

	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pn->pn_pid);
	if (p == NULL)
		rw_exit(&proctree_lock);
	return p;
}

void
pfs_proc_done(void)
{
	rw_exit(&proctree_lock);
}

/* As ptrace(2) asks; p_lock held. */
static bool
may_inspect(const struct proc *p)
{
	const struct cred *cr = curlwp->l_cred, *other;

	if (p == curproc || cred_capable(cr, CAP_SYS_PTRACE) == 0)
		return true;
	other = p->p_leader != NULL ? p->p_leader->l_cred : p->p_zcred;
	return other != NULL && p->p_dumpable != 0 &&
	    cr->cr_fsuid == other->cr_euid &&
	    cr->cr_fsuid == other->cr_ruid && cr->cr_fsuid == other->cr_suid;
}

int
pfs_inspect(const struct pfs_node *pn, struct proc **pp)
{
	struct proc *p = pfs_proc(pn);

	if (p == NULL)
		return ESRCH;
	spin_enter(&p->p_lock);
	if (!may_inspect(p)) {
		spin_exit(&p->p_lock);
		pfs_proc_done();
		return EACCES;
	}
	*pp = p;
	return 0;
}

void
pfs_inspect_done(struct proc *p)
{
	spin_exit(&p->p_lock);
	pfs_proc_done();
}

/* ---- limits, mounts ---- */

static void
limit_value(struct pbuf *pb, uint64_t v)
{
	if (v == RLIM_INFINITY)
		pbuf_printf(pb, "%-20s ", "unlimited");
	else
		pbuf_printf(pb, "%-20llu ", (unsigned long long)v);
}

static int
fill_limits(const struct pfs_node *pn, struct pbuf *pb)
{
	static const struct {
		const char *name, *unit;
	} lim[RLIM_NLIMITS] = {
		{ "Max cpu time", "seconds" }, { "Max file size", "bytes" },
		{ "Max data size", "bytes" }, { "Max stack size", "bytes" },
		{ "Max core file size", "bytes" },
		{ "Max resident set", "bytes" },
		{ "Max processes", "processes" },
		{ "Max open files", "files" },
		{ "Max locked memory", "bytes" },
		{ "Max address space", "bytes" }, { "Max file locks", "locks" },
		{ "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" },
		{ "Max realtime priority", "" },
		{ "Max realtime timeout", "us" },
	};
	struct rlimit r[RLIM_NLIMITS];
	struct proc *p = pfs_proc(pn);
	int i;

	if (p == NULL)
		return ESRCH;
	for (i = 0; i < RLIM_NLIMITS; i++)
		r[i] = proc_rlimit(p, i);
	pfs_proc_done();
	pbuf_printf(pb, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
	    "Hard Limit", "Units");
	for (i = 0; i < RLIM_NLIMITS; i++) {
		pbuf_printf(pb, "%-25s ", lim[i].name);
		limit_value(pb, r[i].rlim_cur);
		limit_value(pb, r[i].rlim_max);
		pbuf_printf(pb, "%-10s\n", lim[i].unit);
	}
	return 0;
}

/* A reference to one of the process' directories; proctree_lock held. */
static int
cwdi_path(const struct proc *p, bool root, struct path *path)
{
	struct cwdinfo *cw = p->p_cwdi;

	if (cw == NULL)
		return ENOENT;
	spin_enter(&cw->cwd_lock);
	*path = root ? cw->cwd_root : cw->cwd_cwd;
	path_get(path);
	spin_exit(&cw->cwd_lock);
	return 0;
}

static int
fill_mounts_as(const struct pfs_node *pn, struct pbuf *pb,
    enum mounts_format fmt)
{
	struct proc *p = pfs_proc(pn);
	struct path root;
	int error;

	if (p == NULL)
		return ESRCH;
	error = cwdi_path(p, true, &root);
	pfs_proc_done();
	if (error != 0)
		return EINVAL;
	error = vfs_mounts_format(&root, fmt, pbuf_write, pb);
	path_put(&root);
	return error;
}

static int
fill_mounts(const struct pfs_node *pn, struct pbuf *pb)
{
	return fill_mounts_as(pn, pb, MOUNTS_MOUNTS);
}

static int
fill_mountinfo(const struct pfs_node *pn, struct pbuf *pb)
{
	return fill_mounts_as(pn, pb, MOUNTS_MOUNTINFO);
}

static int
fill_mountstats(const struct pfs_node *pn, struct pbuf *pb)
{
	return fill_mounts_as(pn, pb, MOUNTS_MOUNTSTATS);
}

static int
fill_cgroup(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "0::/\n");
	return 0;
}

/* There is one user name space: each id is itself. */
static int
fill_id_map(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "%10u %10u %10u\n", 0U, 0U, 4294967295U);
	return 0;
}

static int
fill_setgroups(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "allow\n");
	return 0;
}

static int
fill_personality(const struct pfs_node *pn, struct pbuf *pb)
{
	struct proc *p = pfs_proc(pn);

	if (p == NULL)
		return ESRCH;
	pbuf_printf(pb, "%08x\n", p->p_personality);
	pfs_proc_done();
	return 0;
}

/* ---- links ---- */

static int
follow_exe(const struct pfs_node *pn, struct path *path)
{
	struct proc *p;
	int error;

	error = pfs_inspect(pn, &p);
	if (error != 0)
		return error;
	if (p->p_exe != NULL) {
		*path = *p->p_exe;
		path_get(path);
	} else {
		error = ENOENT;
	}
	pfs_inspect_done(p);
	return error;
}

static int
follow_dir(const struct pfs_node *pn, bool root, struct path *path)
{
	struct proc *p;
	int error;

	error = pfs_inspect(pn, &p);
	if (error != 0)
		return error;
	error = cwdi_path(p, root, path);
	pfs_inspect_done(p);
	return error;
}

static int
follow_cwd(const struct pfs_node *pn, struct path *path)
{
	return follow_dir(pn, false, path);
}

static int
follow_root(const struct pfs_node *pn, struct path *path)
{
	return follow_dir(pn, true, path);
}

/* The open file behind /proc/PID/fd/N, with a reference. */
static int
fd_file(const struct pfs_node *pn, struct file **fp)
{
	struct filedesc *fd = NULL;
	struct proc *p;
	int error;

	error = pfs_inspect(pn, &p);
	if (error != 0)
		return error;
	if (p->p_fd != NULL)
		fd = fd_table_get(p->p_fd);
	pfs_inspect_done(p);
	if (fd == NULL)
		return ENOENT;
	error = fd_table_file(fd, pn->pn_fd, fp);
	fd_table_put(fd);
	return error != 0 ? ENOENT : 0;
}

static int
follow_fd(const struct pfs_node *pn, struct path *path)
{
	struct file *f;
	int error;

	error = fd_file(pn, &f);
	if (error != 0)
		return error;
	if (f->f_path != NULL) {
		*path = *f->f_path;
		path_get(path);
	} else {
		error = ENXIO;		/* a socket or pipe: no path to it */
	}
	file_put(f);
	return error;
}

static int
readlink_fd(const struct pfs_node *pn, char *buf, size_t size)
{
	struct stat_k st = { 0 };
	struct file *f;
	int error;

	error = fd_file(pn, &f);
	if (error != 0)
		return error;
	if (f->f_path != NULL) {
		error = path_name(f->f_path, NULL, buf, size);
	} else if (strncmp(f->f_ops->fo_name, "anon", 4) == 0) {
		snprintf(buf, size, "anon_inode:%s", f->f_ops->fo_name + 4);
	} else {
		if (f->f_ops->fo_stat != NULL)
			(void)f->f_ops->fo_stat(f, &st);
		snprintf(buf, size, "%s:[%llu]", f->f_ops->fo_name,
		    (unsigned long long)st.st_ino);
	}
	file_put(f);
	return error;
}

static int
fill_fdinfo(const struct pfs_node *pn, struct pbuf *pb)
{
	struct stat_k st = { 0 };
	struct file *f;
	int error;

	error = fd_file(pn, &f);
	if (error != 0)
		return error;
	if (f->f_ops->fo_stat != NULL)
		(void)f->f_ops->fo_stat(f, &st);
	pbuf_printf(pb, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
	    (long long)f->f_offset, f->f_flags,
	    f->f_path != NULL ? path_mntid(f->f_path) : 0,
	    (unsigned long long)st.st_ino);
	file_put(f);
	return 0;
}

/* The name spaces, of which there is one of each kind. */
#define	NAMESPACE(type, ino)						\
static int								\
link_ns_##type(const struct pfs_node *pn, char *buf, size_t size)	\
{									\
	struct proc *p;							\
	int error = pfs_inspect(pn, &p);				\
									\
	if (error != 0)							\
		return error;						\
	pfs_inspect_done(p);						\
	snprintf(buf, size, "%s:[%u]", #type, ino);			\
	return 0;							\
}
NAMESPACE(cgroup, 4026531835U)
NAMESPACE(ipc, 4026531839U)
NAMESPACE(mnt, 4026531841U)
NAMESPACE(net, 4026531840U)
NAMESPACE(pid, 4026531836U)
NAMESPACE(user, 4026531837U)
NAMESPACE(uts, 4026531838U)

#define	NS_LINK(type)							\
	{ .pe_name = #type, .pe_mode = S_IFLNK | 0777,			\
	    .pe_readlink = link_ns_##type, .pe_flags = PFS_PERPID }
static const struct pfs_entry ns_entries[] = {
	NS_LINK(cgroup), NS_LINK(ipc), NS_LINK(mnt), NS_LINK(net),
	NS_LINK(pid), NS_LINK(user), NS_LINK(uts), { 0 }
};

/* ---- tables ---- */

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = (fill), .pe_flags = PFS_PERPID }
#define	FILE_O(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0400,	\
	    .pe_fill = (fill), .pe_flags = PFS_PERPID }

static const struct pfs_entry no_entries[] = { { 0 } };

#define	THREAD_FILES							\
	FILE_R("stat", pfs_fill_stat),					\
	FILE_R("statm", pfs_fill_statm),				\
	FILE_R("status", pfs_fill_status),				\
	{ .pe_name = "comm", .pe_mode = S_IFREG | 0644,			\
	    .pe_fill = pfs_fill_comm, .pe_store = pfs_store_comm,	\
	    .pe_flags = PFS_PERPID },					\
	FILE_R("cmdline", pfs_fill_cmdline),				\
	FILE_R("wchan", pfs_fill_wchan),				\
	FILE_R("maps", pfs_fill_maps),					\
	FILE_R("limits", fill_limits),					\
	FILE_R("mounts", fill_mounts),					\
	FILE_R("mountinfo", fill_mountinfo),				\
	FILE_R("cgroup", fill_cgroup),					\
	FILE_O("environ", pfs_fill_environ),				\
	FILE_O("auxv", pfs_fill_auxv),					\
	{ .pe_name = "mem", .pe_mode = S_IFREG | 0600,			\
	    .pe_io = pfs_io_mem, .pe_flags = PFS_PERPID },		\
	FILE_O("personality", fill_personality),			\
	{ .pe_name = "oom_score_adj", .pe_mode = S_IFREG | 0644,	\
	    .pe_fill = pfs_fill_oom, .pe_store = pfs_store_oom },	\
	{ .pe_name = "exe", .pe_mode = S_IFLNK | 0777,			\
	    .pe_follow = follow_exe },					\
	{ .pe_name = "cwd", .pe_mode = S_IFLNK | 0777,			\
	    .pe_follow = follow_cwd },					\
	{ .pe_name = "root", .pe_mode = S_IFLNK | 0777,			\
	    .pe_follow = follow_root },					\
	{ .pe_name = "fd", .pe_mode = S_IFDIR | 0500,			\
	    .pe_dir = no_entries, .pe_flags = PFS_FDS },		\
	{ .pe_name = "fdinfo", .pe_mode = S_IFDIR | 0555,		\
	    .pe_dir = no_entries, .pe_flags = PFS_FDINFO },		\
	FILE_R("smaps", pfs_fill_smaps),				\
	FILE_R("smaps_rollup", pfs_fill_smaps_rollup),			\
	FILE_R("uid_map", fill_id_map),					\
	FILE_R("gid_map", fill_id_map),					\
	FILE_R("setgroups", fill_setgroups),				\
	{ .pe_name = "ns", .pe_mode = S_IFDIR | 0511,			\
	    .pe_dir = ns_entries, .pe_flags = PFS_PERPID },		\
	{ .pe_name = "net", .pe_mode = S_IFDIR | 0555,			\
	    .pe_dir = pfs_net_entries, .pe_flags = PFS_PERPID }

static const struct pfs_entry task_entries[] = { THREAD_FILES, { 0 } };

static const struct pfs_entry pid_entries[] = {
	THREAD_FILES,
	FILE_R("mountstats", fill_mountstats),
	{ .pe_name = "task", .pe_mode = S_IFDIR | 0555, .pe_dir = no_entries,
	    .pe_flags = PFS_TASKS },
	{ 0 }
};

const struct pfs_entry pfs_pid_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = pid_entries,
	.pe_flags = PFS_PERPID
};
const struct pfs_entry pfs_task_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = task_entries,
	.pe_flags = PFS_PERPID
};
const struct pfs_entry pfs_fd_link = {
	.pe_mode = S_IFLNK | 0700, .pe_follow = follow_fd,
	.pe_readlink = readlink_fd, .pe_flags = PFS_PERPID
};
const struct pfs_entry pfs_fdinfo_file = {
	.pe_mode = S_IFREG | 0444, .pe_fill = fill_fdinfo,
	.pe_flags = PFS_PERPID
};
