/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a mount, taken apart.
 */
#include <sys/diskfs.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

int
mount_options(const char *options, int (*fn)(void *, const char *,
    const char *), void *ctx)
{
	size_t len = strlen(options) + 1;
	char *copy, *p, *next, *value;
	int error = 0;

	copy = kmem_strdup(options, KM_SLEEP);
	if (copy == NULL)
		return ENOMEM;
	for (p = copy; p != NULL && error == 0; p = next) {
		next = strchr(p, ',');
		if (next != NULL)
			*next++ = '\0';
		value = strchr(p, '=');
		if (value != NULL)
			*value++ = '\0';
		if (*p != '\0')
			error = fn(ctx, p, value != NULL ? value : "");
	}
	kmem_free(copy, len);		/* it is in pieces now */
	return error;
}

bool
mount_option_in(const char *key, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(key, list[i]) == 0)
			return true;
	return false;
}
