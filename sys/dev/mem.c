/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory devices: null, zero, full, random, urandom, kmsg.
 *
 * Overview: minors are Linux's.  random and urandom are the same generator,
 * which is seeded before the first program runs; what is written to them is
 * mixed in without being trusted as entropy.  kmsg gives the message buffer
 * one record a read and takes messages from user space.
 *
 * Suspend: nothing here holds state; the generator reseeds itself.
 */
#include <sys/cons.h>
#include <sys/dev.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/mem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#define	MEM_MAJOR	1
#define	MIN_NULL	3
#define	MIN_ZERO	5
#define	MIN_FULL	7
#define	MIN_RANDOM	8
#define	MIN_URANDOM	9
#define	MIN_KMSG	11

#define	CHUNK		256

static const char zeros[PAGE_SIZE];

static int
zero_read(struct uio *uio)
{
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		if (sig_pending(curlwp))
			return ERESTARTSYS;
		/* uiomove() reads from here only: UIO_READ. */
		error = uiomove((void *)(uintptr_t)zeros,
		    MIN(uio->uio_resid, sizeof(zeros)), uio);
	}
	return error;
}

static int
random_read(struct uio *uio)
{
	unsigned char buf[CHUNK];
	size_t n, total = 0;
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		if (total > 0 && sig_pending(curlwp))
			break;
		n = MIN(uio->uio_resid, sizeof(buf));
		random_bytes(buf, n);
		error = uiomove(buf, n, uio);
		total += n;
	}
	memset(buf, 0, sizeof(buf));
	compiler_barrier();		/* the clearing is wanted */
	return error;
}

static int
random_write(struct uio *uio)
{
	unsigned char buf[CHUNK];
	size_t n;
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		n = MIN(uio->uio_resid, sizeof(buf));
		error = uiomove(buf, n, uio);
		if (error == 0)
			random_reseed(buf, n);
	}
	return error;
}

static int
kmsg_write(struct uio *uio)
{
	char buf[CHUNK], *text = buf, *end;
	size_t n = MIN(uio->uio_resid, sizeof(buf) - 1);
	const char *rest;
	uint64_t pri;
	int error, level = LOG_NOTICE;

	error = uiomove(buf, n, uio);
	if (error != 0)
		return error;
	buf[n] = '\0';
	uio->uio_resid = 0;		/* a longer line is cut, not split */
	end = strchr(buf, '\n');
	if (end != NULL)
		*end = '\0';
	if (buf[0] == '<' && kstrtou64_prefix(buf + 1, 10, &pri, &rest) == 0 &&
	    *rest == '>') {
		level = (int)(pri & 7);
		text = buf + (rest + 1 - buf);
	}
	log(level, "%s\n", text);
	return 0;
}

/* The next line of the log after the file's position, which follows. */
static int
kmsg_line(struct file *f, char *buf, size_t size)
{
	uint64_t pos;
	size_t n;
	char *nl;

	mutex_enter(&f->f_lock);
	pos = MAX((uint64_t)f->f_offset, msgbuf_start());
	n = msgbuf_read(&pos, buf, size - 1);
	buf[n] = '\0';
	nl = strchr(buf, '\n');
	if (n == 0 || nl == NULL) {
		mutex_exit(&f->f_lock);
		return EAGAIN;
	}
	f->f_offset = (off_t)(pos - (n - (size_t)(nl + 1 - buf)));
	mutex_exit(&f->f_lock);
	*nl = '\0';
	return 0;
}

/* "[  sec.usec] " at the start of a line, which is moved behind it. */
static uint64_t
kmsg_time(const char **line)
{
	const char *s = *line;
	uint64_t sec, usec;

	if (*s != '[')
		return 0;
	while (*++s == ' ')
		continue;
	if (kstrtou64_prefix(s, 10, &sec, &s) != 0 || *s != '.' ||
	    kstrtou64_prefix(s + 1, 10, &usec, &s) != 0 || *s != ']')
		return 0;
	*line = s[1] == ' ' ? s + 2 : s + 1;
	return sec * 1000000 + usec;
}

static int
kmsg_read(struct file *f, struct uio *uio)
{
	char buf[1024], rec[1100];
	const char *text = buf;
	uint64_t usec;
	int error, len, level = LOG_NOTICE;

	while ((error = kmsg_line(f, buf, sizeof(buf))) == EAGAIN &&
	    (uio->uio_flags & IO_NONBLOCK) == 0) {
		/* Messages come from any context: nobody wakes us. */
		error = kpause("kmsg", true, nanouptime() + NSEC_PER_SEC / 2);
		if (error == ERESTARTSYS)
			return error;
	}
	if (error != 0)
		return error;
	if (buf[0] == '<' && buf[1] >= '0' && buf[1] <= '7' && buf[2] == '>') {
		level = buf[1] - '0';
		text += 3;
	}
	usec = kmsg_time(&text);
	len = snprintf(rec, sizeof(rec), "%d,%llu,%llu,-;%s\n", level,
	    (unsigned long long)f->f_offset, (unsigned long long)usec, text);
	if ((size_t)len > uio->uio_resid)
		return EINVAL;
	return uiomove(rec, (size_t)len, uio);
}

static int
mem_read(dev_t dev, struct file *f, struct uio *uio)
{
	switch (minor(dev)) {
	case MIN_ZERO:
	case MIN_FULL:
		return zero_read(uio);
	case MIN_RANDOM:
	case MIN_URANDOM:
		return random_read(uio);
	case MIN_KMSG:
		return kmsg_read(f, uio);
	default:
		return 0;		/* null: the end */
	}
}

static int
mem_write(dev_t dev, struct file *f __unused, struct uio *uio)
{
	switch (minor(dev)) {
	case MIN_FULL:
		return ENOSPC;
	case MIN_RANDOM:
	case MIN_URANDOM:
		return random_write(uio);
	case MIN_KMSG:
		return kmsg_write(uio);
	default:
		uio->uio_offset += (off_t)uio->uio_resid;
		uio->uio_resid = 0;
		return 0;
	}
}

static int
mem_ioctl(dev_t dev, struct file *f __unused, unsigned long cmd,
    uintptr_t arg, register_t *retval __unused)
{
	const unsigned long rndgetentcnt = 0x80045200;
	int bits = 256;

	if (cmd == rndgetentcnt && (minor(dev) == MIN_RANDOM ||
	    minor(dev) == MIN_URANDOM))
		return copyout(&bits, (void *)arg, sizeof(bits));
	return ENOTTY;
}

static unsigned int
mem_poll(dev_t dev __unused, struct file *f __unused, unsigned int events,
    struct pollentry *pe __unused)
{
	return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

/* Mapping /dev/zero is anonymous memory, private or shared. */
static int
mem_mmap(dev_t dev, struct file *f __unused, off_t off, size_t len,
    vm_prot_t *maxprot __unused, struct uvm_object **obj)
{
	if (minor(dev) != MIN_ZERO)
		return ENODEV;
	*obj = uvm_aobj_create((uint64_t)off + len);
	return *obj != NULL ? 0 : ENOMEM;
}

/* A position in the log is no file offset: kmsg keeps it to itself. */
static const struct devops kmsg_devops = {
	.d_name = "mem",
	.d_read = mem_read,
	.d_write = mem_write,
	.d_poll = mem_poll,
	.d_flags = D_STREAM,
};

static const struct devops mem_devops = {
	.d_name = "mem",
	.d_read = mem_read,
	.d_write = mem_write,
	.d_ioctl = mem_ioctl,
	.d_poll = mem_poll,
	.d_mmap = mem_mmap,
};

void
mem_init(void)
{
	static const struct {
		const char	*name;
		unsigned int	min;
		mode_t		mode;
	} nodes[] = {
		{ "null", MIN_NULL, 0666 }, { "zero", MIN_ZERO, 0666 },
		{ "full", MIN_FULL, 0666 }, { "random", MIN_RANDOM, 0666 },
		{ "urandom", MIN_URANDOM, 0666 }, { "kmsg", MIN_KMSG, 0644 },
	};
	unsigned int i;

	for (i = 0; i < __arraycount(nodes); i++)
		if (dev_register(nodes[i].name, S_IFCHR | nodes[i].mode,
		    makedev(MEM_MAJOR, nodes[i].min),
		    nodes[i].min == MIN_KMSG ? &kmsg_devops : &mem_devops,
		    NULL) != 0)
			printf("mem: no /dev/%s: out of memory\n",
			    nodes[i].name);
}
