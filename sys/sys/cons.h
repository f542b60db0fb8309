/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel messages: where printf() and log() go.
 *
 * A message has a level as in syslog(3).  All messages enter the message
 * buffer (dmesg); the consoles show those below the console level, and all of
 * them once a panic has begun.
 */
#ifndef _SYS_CONS_H_
#define	_SYS_CONS_H_

#include <sys/types.h>

#define	LOG_EMERG	0
#define	LOG_ALERT	1
#define	LOG_CRIT	2
#define	LOG_ERR		3
#define	LOG_WARNING	4
#define	LOG_NOTICE	5	/* printf() */
#define	LOG_INFO	6
#define	LOG_DEBUG	7

void	log(int level, const char *, ...) __printflike(2, 3);

/* A console that shows kernel messages. */
struct consdev {
	struct consdev	*cn_next;
	/*
	 * Put the text out.  Any context, interrupts off, one call at a time
	 * (but for a panic's).  Lines end in '\n' alone.  May not print.
	 */
	void		(*cn_write)(const char *, size_t);
};

/* Add a console; with replay it shows first what the buffer holds. */
void	cons_register(struct consdev *, bool replay);
void	cons_unregister(struct consdev *);

/* Messages below this level are shown on consoles; 8 shows all. */
extern int cons_loglevel;
/* Set it from the boot options `quiet`, `debug` and `loglevel=N`. */
void	cons_options(void);
/* Give every line the time: called once the clock runs. */
void	cons_set_clock(nsec_t (*uptime)(void));

#define	MSGBUF_SIZE	65536	/* a power of two */

/*
 * The message buffer.  A position counts the bytes since boot.  msgbuf_read()
 * copies from *pos on, at most len bytes, and moves *pos; what was overwritten
 * meanwhile is skipped up to the next line.  Each line starts with its level
 * as "<6>".  Any context.
 */
size_t	msgbuf_read(uint64_t *pos, char *buf, size_t len);
uint64_t msgbuf_start(void);
uint64_t msgbuf_end(void);

#endif /* !_SYS_CONS_H_ */
