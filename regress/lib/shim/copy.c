/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory is the host's own; one range of it may fault.
 */
#include <sys/errno.h>
#include <sys/systm.h>

#include <ktest.h>

static uintptr_t fault_start, fault_len;

void
shim_fault_range(const void *start, size_t len)
{
	fault_start = (uintptr_t)start;
	fault_len = len;
}

/* NULL's page faults always, as it does for a program. */
static bool
faults(const void *addr, size_t len)
{
	uintptr_t a = (uintptr_t)addr;

	return len > 0 && (a < PAGE_SIZE || a + len < a ||
	    (a < fault_start + fault_len && fault_start < a + len));
}

int
copyin(const void *uaddr, void *kaddr, size_t len)
{
	if (faults(uaddr, len))
		return EFAULT;
	memcpy(kaddr, uaddr, len);
	return 0;
}

int
copyout(const void *kaddr, void *uaddr, size_t len)
{
	if (faults(uaddr, len))
		return EFAULT;
	memcpy(uaddr, kaddr, len);
	return 0;
}

int
copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done)
{
	const char *u = uaddr;
	size_t n;

	for (n = 0; n < len; n++) {
		if (faults(u + n, 1))
			return EFAULT;
		kaddr[n] = u[n];
		if (u[n] == '\0') {
			if (done != NULL)
				*done = n + 1;
			return 0;
		}
	}
	return ENAMETOOLONG;
}

int
ufetch_32(const uint32_t *uaddr, uint32_t *val)
{
	return copyin(uaddr, val, sizeof(*val));
}

int
ustore_32(uint32_t *uaddr, uint32_t val)
{
	return copyout(&val, uaddr, sizeof(val));
}

int
ufetch_long(const unsigned long *uaddr, unsigned long *val)
{
	return copyin(uaddr, val, sizeof(*val));
}

int
ustore_long(unsigned long *uaddr, unsigned long val)
{
	return copyout(&val, uaddr, sizeof(val));
}

int
ucas_32(uint32_t *uaddr, uint32_t expected, uint32_t new, uint32_t *old)
{
	int error = ufetch_32(uaddr, old);

	if (error == 0 && *old == expected)
		error = ustore_32(uaddr, new);
	return error;
}
