/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text.
 *
 * Overview: kvprintf() reads the format, turns each conversion into a field
 * (prefix, zeros, digits or text) and hands the pieces to an output function.
 * An unknown conversion is put out as it stands.
 */
#include <sys/libkern.h>
#include <sys/param.h>

#define	F_LEFT		0x01	/* - */
#define	F_ALT		0x02	/* # */
#define	F_ZERO		0x04	/* 0 */
#define	F_PLUS		0x08	/* + */
#define	F_SPACE		0x10	/* blank */
#define	F_UPPER		0x20	/* X */

/* The digits of a 64-bit number in octal. */
#define	MAXDIGITS	22

struct fmt {
	void		(*out)(void *, const char *, size_t);
	void		*arg;
	int		total;
	unsigned int	flags;
	int		width;
	int		prec;		/* -1: none given */
	int		size;		/* of the argument, in bytes */
};

static void
fmt_out(struct fmt *f, const char *s, size_t n)
{
	if (n == 0)
		return;
	f->out(f->arg, s, n);
	f->total += (int)n;
}

static void
fmt_fill(struct fmt *f, char c, int n)
{
	static const char blanks[] = "                ";
	static const char zeros[] = "0000000000000000";
	int m;

	for (; n > 0; n -= m) {
		m = MIN(n, (int)sizeof(blanks) - 1);
		fmt_out(f, c == '0' ? zeros : blanks, (size_t)m);
	}
}

/* Text with a prefix and leading zeros, padded to the width. */
static void
fmt_field(struct fmt *f, const char *prefix, int zeros, const char *s,
    size_t n)
{
	size_t plen = strlen(prefix);
	int pad = f->width - (int)plen - zeros - (int)n;

	if ((f->flags & F_LEFT) == 0)
		fmt_fill(f, ' ', pad);
	fmt_out(f, prefix, plen);
	fmt_fill(f, '0', zeros);
	fmt_out(f, s, n);
	if ((f->flags & F_LEFT) != 0)
		fmt_fill(f, ' ', pad);
}

static void
fmt_number(struct fmt *f, uint64_t v, unsigned int base, const char *sign)
{
	const char *digits = (f->flags & F_UPPER) != 0 ?
	    "0123456789ABCDEF" : "0123456789abcdef";
	char buf[MAXDIGITS], *p = buf + sizeof(buf);
	const char *prefix = sign;
	int n, zeros = 0;

	if ((f->flags & F_ALT) != 0 && base == 16 && v != 0)
		prefix = (f->flags & F_UPPER) != 0 ? "0X" : "0x";
	while (v != 0) {
		*--p = digits[v % base];
		v /= base;
	}
	n = (int)(buf + sizeof(buf) - p);
	if (f->prec >= 0)
		zeros = f->prec - n;
	else if (n == 0)
		zeros = 1;
	if ((f->flags & F_ALT) != 0 && base == 8 && zeros <= 0)
		zeros = 1;
	if (f->prec < 0 && (f->flags & (F_ZERO | F_LEFT)) == F_ZERO)
		zeros = MAX(zeros, f->width - n - (int)strlen(prefix));
	fmt_field(f, prefix, MAX(zeros, 0), p, (size_t)n);
}

/* The argument is passed along in a structure: va_list may be an array. */
struct args {
	va_list		ap;
};

static uint64_t
arg_unsigned(struct fmt *f, struct args *a)
{
	if (f->size == 8)
		return va_arg(a->ap, uint64_t);
	if (f->size == 1)
		return (unsigned char)va_arg(a->ap, unsigned int);
	if (f->size == 2)
		return (unsigned short)va_arg(a->ap, unsigned int);
	return va_arg(a->ap, unsigned int);
}

static void
fmt_signed(struct fmt *f, struct args *a)
{
	const char *sign = "";
	int64_t v;

	if (f->size == 8)
		v = va_arg(a->ap, int64_t);
	else if (f->size == 1)
		v = (signed char)va_arg(a->ap, int);
	else if (f->size == 2)
		v = (short)va_arg(a->ap, int);
	else
		v = va_arg(a->ap, int);
	if (v < 0)
		sign = "-";
	else if ((f->flags & F_PLUS) != 0)
		sign = "+";
	else if ((f->flags & F_SPACE) != 0)
		sign = " ";
	fmt_number(f, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, sign);
}

static void
fmt_string(struct fmt *f, const char *s)
{
	if (s == NULL)
		s = "(null)";
	fmt_field(f, "", 0, s, f->prec >= 0 ? strnlen(s, (size_t)f->prec) :
	    strlen(s));
}

/* The flags, width, precision and length in front of a conversion. */
static const char *
fmt_parse(struct fmt *f, const char *p, struct args *a)
{
	static const char flagchars[] = "-#0+ ";
	const char *q;

	f->flags = 0;
	f->width = 0;
	f->prec = -1;
	f->size = (int)sizeof(int);
	for (; *p != '\0' && (q = strchr(flagchars, *p)) != NULL; p++)
		f->flags |= 1U << (q - flagchars);
	if (*p == '*') {
		p++;
		f->width = va_arg(a->ap, int);
		if (f->width < 0) {
			f->flags |= F_LEFT;
			f->width = -f->width;
		}
	}
	for (; isdigit(*p); p++)
		f->width = f->width * 10 + (*p - '0');
	if (*p == '.') {
		f->prec = 0;
		if (*++p == '*') {
			p++;
			f->prec = va_arg(a->ap, int);
		}
		for (; isdigit(*p); p++)
			f->prec = f->prec * 10 + (*p - '0');
	}
	for (;; p++) {
		if (*p == 'h')
			f->size /= 2;
		else if (*p == 'l' && p[1] != 'l')
			f->size = MAX(f->size, (int)sizeof(long));
		else if (*p == 'l' || *p == 'j')
			f->size = 8;
		else if (*p == 'z' || *p == 't')
			f->size = (int)sizeof(size_t);
		else
			return p;
	}
}

static void
fmt_convert(struct fmt *f, const char *p, struct args *a)
{
	char c;

	switch (*p) {
	case 'd':
	case 'i':
		fmt_signed(f, a);
		break;
	case 'u':
		fmt_number(f, arg_unsigned(f, a), 10, "");
		break;
	case 'o':
		fmt_number(f, arg_unsigned(f, a), 8, "");
		break;
	case 'X':
		f->flags |= F_UPPER;
		/* FALLTHROUGH */
	case 'x':
		fmt_number(f, arg_unsigned(f, a), 16, "");
		break;
	case 'p':
		f->flags |= F_ALT;
		fmt_number(f, (uintptr_t)va_arg(a->ap, void *), 16, "");
		break;
	case 's':
		fmt_string(f, va_arg(a->ap, const char *));
		break;
	case 'c':
		c = (char)va_arg(a->ap, int);
		fmt_field(f, "", 0, &c, 1);
		break;
	default:
		fmt_out(f, "%", 1);
		if (*p != '%')
			fmt_out(f, p, 1);
		break;
	}
}

int
kvprintf(void (*out)(void *, const char *, size_t), void *arg,
    const char *fmt, va_list ap)
{
	struct fmt f = { .out = out, .arg = arg };
	struct args a;
	const char *p;

	va_copy(a.ap, ap);
	for (;;) {
		for (p = fmt; *p != '\0' && *p != '%'; p++)
			continue;
		fmt_out(&f, fmt, (size_t)(p - fmt));
		if (*p == '\0')
			break;
		p = fmt_parse(&f, p + 1, &a);
		if (*p == '\0') {
			fmt_out(&f, "%", 1);
			break;
		}
		fmt_convert(&f, p, &a);
		fmt = p + 1;
	}
	va_end(a.ap);
	return f.total;
}

struct strbuf {
	char	*sb_buf;
	size_t	sb_left;	/* room, the NUL's place not counted */
};

static void
strbuf_out(void *arg, const char *s, size_t n)
{
	struct strbuf *sb = arg;

	n = MIN(n, sb->sb_left);
	if (n == 0)
		return;
	memcpy(sb->sb_buf, s, n);
	sb->sb_buf += n;
	sb->sb_left -= n;
}

int
vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct strbuf sb = { buf, size > 0 ? size - 1 : 0 };
	int n;

	n = kvprintf(strbuf_out, &sb, fmt, ap);
	if (size > 0)
		*sb.sb_buf = '\0';
	return n;
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int
scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (size == 0)
		return 0;
	return MIN(n, (int)size - 1);
}
