/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes, any settings, any order: queues keep their counts.
 */
/* sources: sys/dev/tty.c */
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>

#include <ktest.h>

int	fuzz_one(const uint8_t *, size_t);

void
pgsignal(struct pgrp *pg __unused, int signo)
{
	KASSERT(signo == SIGINT || signo == SIGQUIT || signo == SIGTSTP);
}

struct pgrp *
pgrp_get(struct pgrp *pg)
{
	return pg;
}

void
pgrp_put(struct pgrp *pg __unused)
{
}

void
pollwakeup(struct pollhead *ph __unused, unsigned int events __unused)
{
}

static void
start(struct tty *tp __unused)
{
}

static const struct ttydrv drv = { .td_start = start };

static void
check(const struct tty *tp)
{
	unsigned int i, lines = 0, pos;

	KASSERT(tp->t_inq.tq_count <= TTY_QSIZE);
	KASSERT(tp->t_outq.tq_count <= TTY_QSIZE);
	KASSERT(tp->t_partial <= tp->t_inq.tq_count);
	for (i = 0; i < tp->t_inq.tq_count; i++) {
		pos = (tp->t_inq.tq_head + i) % TTY_QSIZE;
		lines += tp->t_delim[pos / __LBITS] >> (pos % __LBITS) & 1;
	}
	KASSERT(lines == tp->t_nlines);
}

int
fuzz_one(const uint8_t *data, size_t size)
{
	static unsigned char in[TTY_QSIZE], out[TTY_QSIZE], buf[300];
	static struct pgrp group;
	struct tty tt = { .t_drv = &drv, .t_pgrp = &group };
	tcflag_k old;
	size_t n;
	bool eol;

	tt.t_inq.tq_buf = in;
	tt.t_outq.tq_buf = out;
	spin_init(&tt.t_lock, "tty");
	cv_init(&tt.t_incv, "in");
	cv_init(&tt.t_outcv, "out");
	tty_set_default(&tt.t_termios);
	while (size >= 6) {
		switch (data[0] % 4) {
		case 0:
			n = MIN(size - 1, (size_t)data[1] * 16);
			(void)tty_input(&tt, data + 1, n);
			data += n;
			size -= n;
			break;
		case 1:
			spin_enter(&tt.t_lock);
			n = tty_inq_read(&tt, buf, data[1] + 1U, &eol);
			spin_exit(&tt.t_lock);
			KASSERT(n <= data[1] + 1U);
			break;
		case 2:
			old = tt.t_termios.c_lflag;
			tt.t_termios.c_iflag = data[1] | data[2] << 8;
			tt.t_termios.c_oflag = data[3] | (data[4] & 0x18) << 8;
			tt.t_termios.c_lflag = data[4] | data[5] << 8;
			if (((old ^ tt.t_termios.c_lflag) & ICANON) != 0)
				tty_recanon(&tt);
			break;
		default:
			(void)tty_output_get(&tt, buf, data[1]);
			(void)tty_output_char(&tt, data[2]);
			break;
		}
		data++;
		size--;
		check(&tt);
	}
	return 0;
}
