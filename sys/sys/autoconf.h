/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configured devices.
 *
 * A device `NAME` of the kernel configuration is a `const struct driver
 * NAME_driver` in its source file.  config writes the table config_devices,
 * parents before their children, into ioconf.c.
 */
#ifndef _SYS_AUTOCONF_H_
#define	_SYS_AUTOCONF_H_

struct driver {
	const char	*drv_name;
	/*
	 * Set the driver up: register with the bus, create threads.  Thread
	 * context, once, after the parent's.  An error leaves the driver and
	 * its children out and is reported; ENXIO means "not on this machine"
	 * and is not.
	 */
	int		(*drv_init)(void);
};

struct config_device {
	const struct driver *cd_driver;	/* NULL ends the table */
	const struct driver *cd_parent;	/* NULL: none */
};

extern const struct config_device config_devices[];
extern const char config_name[];	/* of the kernel configuration */

/* Set all configured drivers up.  Thread context, once, called by main(). */
void	config_init(void);

#endif /* !_SYS_AUTOCONF_H_ */
