/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CDs that the tests of iso9660 read; sh, $D is the tree, @ the image.
 */
#ifndef _CD9660_IMAGES_H_
#define	_CD9660_IMAGES_H_

#define	CD_TREE								\
	"D=@.d; rm -rf $D @; mkdir -p $D/a/b/c/d/e/f/g/h/i/j $D/many; "	\
	"seq 1 40000 >$D/seq; echo hello >$D/a/b/hello.world; "		\
	"echo deep >$D/a/b/c/d/e/f/g/h/i/j/deep; "			\
	"ln -s target $D/fast; "					\
	"ln -s /$(printf '%0200d' 7)/../x/./y $D/slow; "		\
	"ln -s $(printf 'abcde/%.0s' $(seq 40)) $D/slower; "		\
	"echo x >\"$D/$(printf 'n%0180d' 1).With Long Name\"; "		\
	"for i in $(seq 1 300); do : >$D/many/file-$i; done; "		\
	"chmod 640 $D/seq; mkfifo $D/fifo; "				\
	"TZ=UTC touch -t 200109090146.40 $D/seq; "
#define	CD_GENISO(args)							\
	CD_TREE "genisoimage -quiet " args " -V 'A LABEL' -o @ $D 2>@.log; " \
	"s=$?; [ $s = 0 ] || cat @.log >&2; rm -rf $D @.log; exit $s"
#define	CD_XORRISO(args)						\
	CD_TREE "xorriso -as mkisofs " args " -V 'A LABEL' -o @ $D "	\
	"2>@.log; s=$?; [ $s = 0 ] || cat @.log >&2; rm -rf $D @.log; exit $s"

#endif /* !_CD9660_IMAGES_H_ */
