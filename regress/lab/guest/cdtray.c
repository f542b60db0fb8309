/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdtray - the tray of a CD drive.
 *
 * usage: cdtray open|close|status DEVICE
 */
#include <sys/ioctl.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* <linux/cdrom.h>, which musl does not have. */
#define	CDROMEJECT		0x5309
#define	CDROMCLOSETRAY		0x5319
#define	CDROM_DRIVE_STATUS	0x5326

int
main(int argc, char **argv)
{
	unsigned long cmd;
	int fd, rc;

	if (argc != 3) {
		fprintf(stderr, "usage: cdtray open|close|status DEVICE\n");
		return 2;
	}
	cmd = strcmp(argv[1], "open") == 0 ? CDROMEJECT :
	    strcmp(argv[1], "close") == 0 ? CDROMCLOSETRAY :
	    CDROM_DRIVE_STATUS;
	fd = open(argv[2], O_RDONLY | O_NONBLOCK);
	if (fd < 0 || (rc = ioctl(fd, cmd, 0)) < 0) {
		perror(argv[2]);
		return 1;
	}
	printf("cdtray: %s %d\n", argv[1], rc);
	return 0;
}
