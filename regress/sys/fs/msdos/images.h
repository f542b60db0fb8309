/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disks that the tests of FAT use.
 */
#ifndef _MSDOS_IMAGES_H_
#define	_MSDOS_IMAGES_H_

static const struct {
	const char	*args;
	unsigned int	kib;
} formats[] = {
	{ "-F 12 -s 1", 1440 },
	{ "-F 12 -s 4 -r 64 -f 1", 4096 },
	{ "-F 16 -s 1", 6144 },
	{ "-F 16 -s 2 -S 1024", 12000 },
	{ "-F 32 -s 1", 34200 },
};
#define	NFORMATS	5

static void
make(unsigned int f)
{
	char cmd[256];

	disk_blank(formats[f].kib);
	snprintf(cmd, sizeof(cmd), "mkfs.fat %s -n LABEL -i 12345678 @ "
	    ">/dev/null", formats[f].args);
	CHECK_EQ(disk_command(cmd), 0);
}

/* One with something on it. */
static void
make_filled(unsigned int f)
{
	make(f);
	CHECK_EQ(disk_command("export MTOOLS_SKIP_CHECK=1; D=@.d; "
	    "mkdir -p $D/many $D/e; seq 1 20000 >$D/seq; for i in "
	    "$(seq 1 40); do echo $i >$D/many/a-file-number-$i; done; "
	    "cp $D/seq \"$D/e/A Name.txt\"; mcopy -s -i @ $D/* :: ; "
	    "s=$?; rm -rf $D; exit $s"), 0);
}

#endif /* !_MSDOS_IMAGES_H_ */
