/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: line discipline and job control over a driver that moves bytes.
 *
 * Overview: a driver (xencons, later ptys) creates a tty with its ttydrv, feeds
 * received characters with tty_input() and is told to fetch output with
 * td_start(); it takes bytes by tty_output_get().  termios and ioctls are
 * Linux's (termios(3), ioctl_tty(2)).
 * Locking: everything in a tty is under t_lock (spin).
 */
#ifndef _SYS_TTY_H_
#define	_SYS_TTY_H_

#include <sys/condvar.h>
#include <sys/dev.h>
#include <sys/termios.h>

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
};

struct ttyq {				/* a ring of bytes */
	unsigned char	*tq_buf;
	unsigned int	tq_size, tq_head, tq_count;
};

struct tty {
	struct spinlock	t_lock;
	const struct ttydrv *t_drv;	/* [I] */
	void		*t_priv;	/* [I] the driver's */
	dev_t		t_dev;		/* [I] */
	char		t_name[16];	/* [I] "hvc0" */
	struct ktermios	t_termios;	/* [l] */
	struct kwinsize	t_winsize;	/* [l] */
	struct ttyq	t_inq;		/* [l] */
	struct ttyq	t_outq;		/* [l] */
	unsigned int	t_canon;	/* [l] complete lines in t_inq */
	unsigned int	t_column;	/* [l] for tabs and erase */
	unsigned int	t_flags;	/* [l] */
	unsigned int	t_opens;	/* [l] */
	struct condvar	t_incv, t_outcv;
	struct pollhead	t_poll;
	struct session	*t_session;	/* [T] */
	struct pgrp	*t_pgrp;	/* [T] foreground */
};

/* Create and register /dev/NAME.  Thread context. */
int	tty_create(const char *name, dev_t, const struct ttydrv *, void *priv,
	    struct tty **);
/* Characters came in.  Any context but hard interrupts. Returns bytes taken. */
size_t	tty_input(struct tty *, const void *, size_t);
/* Take up to n bytes of output. Any context. */
size_t	tty_output_get(struct tty *, void *, size_t);
size_t	tty_output_pending(struct tty *);
void	tty_hangup(struct tty *);
/* Session leader exits: give the terminal up. */
void	tty_session_exit(struct session *);
/* The tty that /dev/console is. */
void	tty_set_console(struct tty *);

#endif /* !_SYS_TTY_H_ */
