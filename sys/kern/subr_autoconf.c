/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting up the configured drivers.
 *
 * Overview: config writes the table config_devices, in which a parent comes
 * before its children; one pass calls each driver, and leaves out those whose
 * parent failed or is absent.
 */
#include <sys/autoconf.h>
#include <sys/cons.h>
#include <sys/errno.h>
#include <sys/systm.h>

/* Did the drivers in front of entry n set this parent up? */
static bool
parent_ready(const struct driver *parent, unsigned int n, uint64_t ready)
{
	unsigned int i;

	if (parent == NULL)
		return true;
	for (i = 0; i < n; i++)
		if (config_devices[i].cd_driver == parent)
			return (ready >> i & 1) != 0;
	return false;
}

void
config_init(void)
{
	const struct config_device *cd;
	uint64_t ready = 0;
	unsigned int i;
	int error;

	for (i = 0; (cd = &config_devices[i])->cd_driver != NULL; i++) {
		KASSERT(i < 64);
		if (!parent_ready(cd->cd_parent, i, ready))
			continue;
		error = cd->cd_driver->drv_init();
		if (error == 0)
			ready |= 1ULL << i;
		else if (error != ENXIO)
			log(LOG_ERR, "%s: cannot be set up: error %d\n",
			    cd->cd_driver->drv_name, error);
	}
}
