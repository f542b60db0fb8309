/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/net.  Formats: proc(5).
 */
#include <sys/fcntl.h>
#include <sys/socket.h>
#include <sys/systm.h>
#include <fs/procfs/procfs.h>

static int
fill_unix(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "Num       RefCount Protocol Flags    Type St Inode "
	    "Path\n");
	unix_list(pbuf_write, pb);
	return 0;
}

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = (fill), .pe_flags = PFS_PERPID }

const struct pfs_entry pfs_net_entries[] = {
	FILE_R("unix", fill_unix),
	{ 0 }
};
