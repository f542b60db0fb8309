/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: line discipline and job control over a driver that moves bytes.
 *
 * Overview: a driver (xencons, tty_pty) creates a tty with its ttydrv, feeds
 * received characters with tty_input() and is told to fetch output with
 * td_start(); it takes bytes by tty_output_get().  termios and ioctls are
 * Linux's (termios(3), ioctl_tty(2)).
 * A tty lives as long as somebody refers to it: its driver, an open file, the
 * session whose controlling terminal it is.
 * Locking: everything in a tty is under t_lock (spin).
 */
#ifndef _SYS_TTY_H_
#define	_SYS_TTY_H_

#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/dev.h>
#include <sys/termios.h>

struct file;
struct lwp;
struct proc;
struct tty;
struct pgrp;
struct session;

struct ttydrv {
	/* Output is waiting; fetch it.  t_lock NOT held; any context. */
	void	(*td_start)(struct tty *);
	/* There is room for input again (flow control); may be NULL. */
	void	(*td_unthrottle)(struct tty *);
	/* Settings changed; may be NULL. */
	void	(*td_settermios)(struct tty *);
	void	(*td_close)(struct tty *);	/* last close; may be NULL */
	/* TTYEV_*: note it and wake; t_lock held.  May be NULL. */
	void	(*td_event)(struct tty *, unsigned int);
	void	(*td_free)(struct tty *);	/* the tty goes; may be NULL */
	unsigned int td_flags;
};
#define	TD_NODRAIN	0x1		/* what is written counts as sent */
#define	TTYEV_FLUSHIN	0x1		/* the input queue was emptied */
#define	TTYEV_FLUSHOUT	0x2
#define	TTYEV_STOP	0x4		/* output was stopped */
#define	TTYEV_START	0x8

#define	TTY_QSIZE	4096		/* bytes of a queue: a power of 2 */

struct ttyq {				/* a ring of bytes */
	unsigned char	*tq_buf;	/* TTY_QSIZE bytes */
	unsigned int	tq_head;	/* next to leave; free-running */
	unsigned int	tq_count;
};

struct tty {
	struct spinlock	t_lock;
	refcount_t	t_ref;		/* [a] */
	const struct ttydrv *t_drv;	/* [I] */
	void		*t_priv;	/* [I] the driver's */
	dev_t		t_dev;		/* [I] */
	char		t_name[16];	/* [I] "hvc0" */
	struct ktermios	t_termios;	/* [l] */
	struct kwinsize	t_winsize;	/* [l] */
	struct ttyq	t_inq;		/* [l] */
	struct ttyq	t_outq;		/* [l] */
	/* A bit for each place of t_inq: the byte there ends a line. */
	unsigned long	t_delim[TTY_QSIZE / (8 * sizeof(long))]; /* [l] */
	unsigned int	t_nlines;	/* [l] line ends in t_inq */
	unsigned int	t_partial;	/* [l] bytes behind the last line end */
	unsigned int	t_column;	/* [l] of the cursor, for tabs */
	unsigned int	t_linecol;	/* [l] where the partial line began */
	unsigned int	t_flags;	/* [l] TF_* */
	unsigned int	t_opens;	/* [l] files of this generation */
	unsigned int	t_gen;		/* [l] goes up with each hangup */
	struct condvar	t_incv, t_outcv;
	struct pollhead	t_poll;
	struct session	*t_session;	/* [l] referenced; set under [T] too */
	struct pgrp	*t_pgrp;	/* [l] foreground; referenced */
};
#define	TF_STOPPED	0x1		/* output: ^S */
#define	TF_LNEXT	0x2		/* the next byte is literal */
#define	TF_HUNGUP	0x4		/* for good */
#define	TF_EXCL		0x8		/* TIOCEXCL */
#define	TF_THROTTLED	0x10		/* the driver has input we refused */

/* Create and register /dev/NAME.  Thread context. */
int	tty_create(const char *name, dev_t, const struct ttydrv *, void *priv,
	    struct tty **);
/* The same without a name; one reference. */
int	tty_alloc(const char *name, dev_t, const struct ttydrv *, void *priv,
	    struct tty **);
struct tty *tty_get(struct tty *);
void	tty_put(struct tty *);			/* may sleep */
/* Characters came in.  Any context but hard interrupts. Returns bytes taken. */
size_t	tty_input(struct tty *, const void *, size_t);
/* Take up to n bytes of output. Any context. */
size_t	tty_output_get(struct tty *, void *, size_t);
size_t	tty_output_pending(struct tty *);
/* The same with t_lock held; the driver's td_start() is not called. */
size_t	tty_output_take(struct tty *, void *, size_t);
/* The line is gone: files that are open are cut off, no other is opened. */
void	tty_hangup(struct tty *);
/* There is a line again: it can be opened. */
void	tty_hangup_end(struct tty *);
/* Files that are open are cut off (vhangup). */
void	tty_revoke(struct tty *);
/* The caller's controlling terminal is revoked.  EPERM. */
int	do_vhangup(struct lwp *);
/* Session leader exits: give the terminal up. */
void	tty_session_exit(struct session *);
/* Register /dev/tty and /dev/console.  Once, after vfs_init(). */
void	tty_init(void);
/* The tty that /dev/console is. */
void	tty_set_console(struct tty *);
bool	tty_console_name(char *, size_t);	/* "hvc0"; false: none */

/* Between tty.c, the line discipline, and tty_dev.c, what programs see. */
void	tty_set_default(struct ktermios *);
/* Queue output with OPOST processing; false: no room. t_lock held. */
bool	tty_output_char(struct tty *, unsigned char);
/* Take up to n input bytes as read(2) wants them; t_lock held. */
size_t	tty_inq_read(struct tty *, unsigned char *, size_t n, bool *eol);
size_t	tty_inq_readable(struct tty *);
void	tty_flush(struct tty *, bool in, bool out);
void	tty_stop_output(struct tty *, bool stop);	/* t_lock held */
/* ICANON was switched: what is queued changes its meaning.  t_lock held. */
void	tty_recanon(struct tty *);
int	pty_init(void);
extern const struct devops tty_devops;
/* The operations of an open file, for drivers with devops of their own. */
int	ttydev_attach(struct tty *, struct file *, bool ctty);
void	ttydev_close(dev_t, struct file *);
int	ttydev_read(dev_t, struct file *, struct uio *);
int	ttydev_write(dev_t, struct file *, struct uio *);
int	ttydev_ioctl(dev_t, struct file *, unsigned long, uintptr_t,
	    register_t *);
unsigned int ttydev_poll(dev_t, struct file *, unsigned int,
	    struct pollentry *);
/*
 * May the caller do this to its terminal now?  0: yes.  A process in the
 * background gets the signal (ERESTARTSYS) or, where it cannot, EIO.
 */
int	tty_check_foreground(struct tty *, int signo);
int	tty_session_attach(struct tty *, struct proc *);
struct pgrp *tty_session_detach(struct tty *);
/* There is room for input: tell the driver if it has been refused some. */
void	tty_unthrottle(struct tty *);
/* ioctl(2) on a tty; from its far side the caller need not be in it. */
int	tty_ioctl(struct tty *, bool farside, unsigned long, uintptr_t);

#endif /* !_SYS_TTY_H_ */
