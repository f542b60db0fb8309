/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disks that the tests of FFS read.
 */
#ifndef _FFS_IMAGES_H_
#define	_FFS_IMAGES_H_

static const char *const formats[] = {
	"version=1,bsize=4096,fsize=512", "version=1,bsize=8192,fsize=1024",
	"version=2,bsize=8192,fsize=1024", "version=2,bsize=32768,fsize=4096",
	"version=2,bsize=65536,fsize=8192",
};

static void
make(const char *format)
{
	char cmd[1500];

	disk_blank(1);
	snprintf(cmd, sizeof(cmd), "D=@.d; rm -rf $D @; mkdir -p $D/a/b "
	    "$D/many; seq 1 40000 >$D/seq; echo hello >$D/a/b/hello; "
	    "ln -s target $D/fast; ln -s $(printf '%%0200d' 7) $D/slow; "
	    "ln $D/seq $D/a/hard; for i in $(seq 1 300); do "
	    ": >$D/many/file-$i; done; truncate -s 5000000 $D/holes; "
	    "printf end >>$D/holes; chmod 640 $D/seq; "
	    "TZ=UTC touch -t 200109090146.40 $D/seq; "
	    "makefs -t ffs -B le -s 16m -o %s @ $D >@.log 2>&1; s=$?; "
	    "[ $s = 0 ] || cat @.log >&2; rm -rf $D @.log; exit $s", format);
	CHECK_EQ(disk_command(cmd), 0);
}

#endif /* !_FFS_IMAGES_H_ */
