/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers: reading them from text, and 64-bit arithmetic with a 128-bit
 * intermediate result.
 */
#include <sys/errno.h>
#include <sys/libkern.h>

static int
digit_value(char c)
{
	if (isdigit(c))
		return c - '0';
	if (isalpha(c))
		return tolower(c) - 'a' + 10;
	return 36;
}

int
kstrtou64_prefix(const char *s, int base, uint64_t *result, const char **end)
{
	uint64_t v = 0;
	const char *start;
	int d;

	if (base == 0 && s[0] != '0')
		base = 10;
	if ((base == 0 || base == 16) && s[0] == '0' &&
	    (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	}
	if (base == 0)
		base = 8;
	if (base < 2 || base > 36)
		return EINVAL;
	for (start = s; (d = digit_value(*s)) < base; s++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return ERANGE;
	if (s == start)
		return EINVAL;
	*result = v;
	if (end != NULL)
		*end = s;
	return 0;
}

int
kstrtou64(const char *s, int base, uint64_t *result)
{
	const char *end;
	uint64_t v;
	int error;

	error = kstrtou64_prefix(s, base, &v, &end);
	if (error == 0 && *end != '\0')
		error = EINVAL;
	if (error == 0)
		*result = v;
	return error;
}

int
kstrtou32(const char *s, int base, uint32_t *result)
{
	uint64_t v;
	int error;

	error = kstrtou64(s, base, &v);
	if (error == 0 && v > UINT32_MAX)
		error = ERANGE;
	if (error == 0)
		*result = (uint32_t)v;
	return error;
}

int
kstrtoi64(const char *s, int base, int64_t *result)
{
	bool negative = *s == '-';
	uint64_t v;
	int error;

	error = kstrtou64(s + (negative || *s == '+'), base, &v);
	if (error != 0)
		return error;
	if (v > (uint64_t)INT64_MAX + negative)
		return ERANGE;
	*result = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

/*
 * The product's halves, then a division of 128 by 64 bits, bit by bit: it
 * needs no compiler library and no wide division on 32-bit machines.
 */
uint64_t
muldiv64(uint64_t n, uint64_t mul, uint64_t div)
{
	uint64_t nl = (uint32_t)n, nh = n >> 32;
	uint64_t ml = (uint32_t)mul, mh = mul >> 32;
	uint64_t mid, hi, lo, carry;
	int i;

	mid = nl * mh + (nl * ml >> 32);
	carry = (uint64_t)__builtin_add_overflow(mid, nh * ml, &mid);
	lo = n * mul;
	hi = nh * mh + (mid >> 32) + (carry << 32);
	if (hi >= div)
		return UINT64_MAX;
	for (i = 0; i < 64; i++) {
		carry = hi >> 63;
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		if (carry != 0 || hi >= div) {
			hi -= div;
			lo |= 1;
		}
	}
	return lo;
}
