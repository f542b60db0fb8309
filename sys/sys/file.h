/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and descriptor tables.
 *
 * A struct file is what open(2), pipe(2), socket(2) make; descriptors refer
 * to it.  Lock letters: [I] immutable, [a] atomic, [f] f_lock, [d] fd_lock.
 */
#ifndef _SYS_FILE_H_
#define	_SYS_FILE_H_

#include <sys/atomic.h>
#include <sys/fcntl.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/uio.h>

struct file;
struct lwp;
struct stat_k;
struct path;
struct uvm_object;
struct devops;

/* uio_flags: how a transfer is to be done. */
#define	IO_NONBLOCK	0x1
#define	IO_APPEND	0x2
#define	IO_SYNC		0x4
#define	IO_DSYNC	0x8
#define	IO_DIRECT	0x10
#define	IO_NOATIME	0x20	/* a read leaves the access time alone */

struct fileops {
	const char *fo_name;		/* for /proc/PID/fd: "pipe", ... */
	/* uio_offset is set for seekable files (fo_flags below). */
	int	(*fo_read)(struct file *, struct uio *);
	int	(*fo_write)(struct file *, struct uio *);
	int	(*fo_ioctl)(struct file *, unsigned long cmd, uintptr_t uarg,
		    register_t *retval);
	unsigned int (*fo_poll)(struct file *, unsigned int events,
		    struct pollentry *);
	int	(*fo_stat)(struct file *, struct stat_k *);
	int	(*fo_seek)(struct file *, off_t, int whence, off_t *);
	int	(*fo_truncate)(struct file *, off_t);
	/*
	 * What to map: an object with a reference for the caller.  *prot is
	 * the most that may ever be allowed; may be reduced.
	 */
	int	(*fo_mmap)(struct file *, off_t, size_t, vm_prot_t *maxprot,
		    int flags, struct uvm_object **);
	int	(*fo_sync)(struct file *, bool dataonly);
	/* curproc has closed a descriptor of it, maybe not the last one. */
	void	(*fo_fdclose)(struct file *);
	void	(*fo_close)(struct file *);	/* the last reference went */
	int	fo_flags;
};
#define	FOF_SEEKABLE	0x1	/* has an offset, kept under f_lock */
#define	FOF_PREAD	0x2	/* offsets mean something, f_lock not needed */

struct file {
	refcount_t	f_ref;		/* [a] */
	unsigned int	f_flags;	/* [a] O_* status and access mode */
	const struct fileops *f_ops;	/* [I] */
	void		*f_data;	/* [I] the object */
	struct path	*f_path;	/* [I] NULL if it has no name */
	struct cred	*f_cred;	/* [I] opener's */
	struct mutex	f_lock;		/* serialises f_offset users */
	off_t		f_offset;	/* [f] */
	void		*f_private;	/* of the driver or file system */
	const struct devops *f_devops;	/* [I] of a device file */
	void		*f_epoll;	/* [a] epoll's: kern/sys_epoll.c */
	int		f_owner;	/* [a] F_SETOWN */
	uint8_t		f_lockflags;	/* [a] kern/vfs_lock.c */
};
#define	FREAD(fp)	(((fp)->f_flags & O_ACCMODE) != O_WRONLY)
#define	FWRITE(fp)	(((fp)->f_flags & O_ACCMODE) != O_RDONLY)

int	file_alloc(const struct fileops *, void *data, unsigned int flags,
	    struct file **);
/* The same, and a name: takes a copy of the path with new references. */
int	file_alloc_path(const struct fileops *, void *data, unsigned int flags,
	    const struct path *, struct file **);
/* Undo file_alloc() of a file that was not opened: no fo_close(). */
void	file_abort(struct file *);
struct file *file_get(struct file *);
extern unsigned int nfiles, maxfiles;	/* [a] */
void	file_put(struct file *);		/* thread context, may sleep */
/* fo_stat of a file that is in no file system, as anon_inode files are. */
int	file_stat_anon(struct file *, struct stat_k *);

void	fd_init(void);
/* kern/sys_epoll.c: the file leaves all sets it is in. */
void	epoll_file_closed(struct file *);

struct filedesc;
struct filedesc *fd_table_create(void);
struct filedesc *fd_table_get(struct filedesc *);
void	fd_table_put(struct filedesc *);
int	fd_table_copy(struct filedesc *, struct filedesc **);
/* EINVAL: the process has other threads. */
int	fd_table_unshare(struct lwp *);
void	fd_close_on_exec(struct filedesc *);

/*
 * The file behind a descriptor, with a reference: EBADF or 0.  A file opened
 * with O_PATH is one only for fd_get_any().
 */
int	fd_get(struct lwp *, int fd, struct file **);
int	fd_get_any(struct lwp *, int fd, struct file **);
/* Reserve the lowest free number >= min; then install or abandon it. */
int	fd_reserve(struct lwp *, int min, int *fd);
void	fd_install(struct lwp *, int fd, struct file *, bool cloexec);
void	fd_abandon(struct lwp *, int fd);
int	fd_close(struct lwp *, int fd);
int	fd_close_range(struct lwp *, unsigned int, unsigned int, int flags);
int	fd_dup(struct lwp *, int fd, int min, bool cloexec, int *newfd);
int	fd_dup2(struct lwp *, int fd, int newfd, bool cloexec);
int	fd_get_cloexec(struct lwp *, int fd, bool *);
int	fd_set_cloexec(struct lwp *, int fd, bool);
/* For /proc/PID/fd: the next open descriptor >= fd, or -1; EBADF-free. */
int	fd_next(struct filedesc *, int fd);
int	fd_table_file(struct filedesc *, int fd, struct file **);
unsigned int fd_table_size(struct filedesc *);

/* The bodies of read, write, pread... ; offset NULL = the file's own. */
int	do_readv(struct lwp *, struct file *, struct uio *, off_t *offset,
	    size_t *done);
int	do_writev(struct lwp *, struct file *, struct uio *, off_t *offset,
	    size_t *done);
int	do_pipe(struct lwp *, int flags, int fds[2]);
/* lseek(2) on an open file. ESPIPE, EINVAL, ENXIO. */
int	do_lseek(struct file *, off_t, int whence, off_t *result);
int	do_fcntl_setfl(struct lwp *, struct file *, unsigned int flags);
/* F_SETPIPE_SZ and F_GETPIPE_SZ; EBADF if it is no pipe. */
int	pipe_set_size(struct lwp *, struct file *, size_t, size_t *result);
int	pipe_get_size(struct file *, size_t *);
int	do_eventfd(struct lwp *, unsigned int initval, int flags, int *fd);
/* The file of an eventfd, referenced: EBADF, EINVAL.  Count up, if it can. */
int	eventfd_get(struct lwp *, int fd, struct file **);
void	eventfd_add(struct file *, uint64_t);
/* timerfd(2); times as in do_timer_settime(), flags TFD_*. */
int	do_timerfd_create(struct lwp *, int clock, int flags, int *fd);
int	do_timerfd_settime(struct lwp *, int fd, int flags, nsec_t value,
	    nsec_t interval, nsec_t *oldvalue, nsec_t *oldinterval);
int	do_timerfd_gettime(struct lwp *, int fd, nsec_t *value,
	    nsec_t *interval);
int	do_memfd_create(struct lwp *, const char *name, unsigned int flags,
	    int *fd);
/* splice(2) and its like (sys_splice.c); flags are SPLICE_F_*. */
#define	SPLICE_F_NONBLOCK	0x02
int	do_splice(struct lwp *, struct file *in, off_t *inoff,
	    struct file *out, off_t *outoff, size_t len, unsigned int flags,
	    size_t *done);
int	do_tee(struct lwp *, struct file *in, struct file *out, size_t len,
	    unsigned int flags, size_t *done);
int	do_vmsplice(struct lwp *, struct file *, struct uio *,
	    unsigned int flags, size_t *done);
/* F_ADD_SEALS, F_GET_SEALS: EINVAL if the file is no memory. */
int	file_add_seals(struct file *, unsigned int);
int	file_get_seals(struct file *, unsigned int *);
bool	file_write_sealed(struct file *);
/* Copy between two files inside the kernel; NULL: the file's own offset. */
int	do_copy_file(struct lwp *, struct file *in, off_t *inoff,
	    struct file *out, off_t *outoff, size_t len, size_t *done);

/* Locks on files (vfs_lock.c). */
struct flock_k {
	short		l_type, l_whence;
	off_t		l_start, l_len;
	pid_t		l_pid;
};
#define	F_RDLCK		0
#define	F_WRLCK		1
#define	F_UNLCK		2
#define	LOCK_SH		1
#define	LOCK_EX		2
#define	LOCK_NB		4
#define	LOCK_UN		8
/* cmd: F_GETLK, F_SETLK, F_SETLKW and the F_OFD_ ones. */
int	do_fcntl_lock(struct lwp *, struct file *, int cmd, struct flock_k *);
int	do_flock(struct lwp *, struct file *, int op);
/* A descriptor of the table is closed: its POSIX locks go. */
void	lock_fd_closed(struct filedesc *, struct file *);
/* The last reference to the file went. */
void	lock_file_closed(struct file *);

#endif /* !_SYS_FILE_H_ */
