/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/sysvipc, the System V objects there are.  Formats: proc(5).
 */
#include <sys/fcntl.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysvmsg.h>
#include <sys/sysvsem.h>
#include <sys/sysvshm.h>
#include <fs/procfs/procfs.h>

#define	OWNERS(p)	(p)->ip_uid, (p)->ip_gid, (p)->ip_cuid, (p)->ip_cgid

static int
fill_shm(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	unsigned int n, highest;
	struct shm_info_k si;
	uint64_t pages;

	pbuf_printf(pb, "       key      shmid perms                  size  "
	    "cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime  "
	    "    ctime                   rss                  swap\n");
	shm_totals(&n, &pages, &highest);
	for (unsigned int i = 0; n > 0 && i <= highest; i++)
		if (do_shm_stat(curlwp, (int)i, true, true, &si) == 0)
			pbuf_printf(pb, "%10d %10d  %4o %21llu %5d %5d  %5llu "
			    "%5u %5u %5u %5u %10lld %10lld %10lld %21llu "
			    "%21u\n", si.si_perm.ip_key, si.si_perm.ip_id,
			    si.si_perm.ip_mode, (unsigned long long)si.si_size,
			    si.si_cpid, si.si_lpid,
			    (unsigned long long)si.si_nattch,
			    OWNERS(&si.si_perm), (long long)si.si_atime,
			    (long long)si.si_dtime, (long long)si.si_ctime,
			    (unsigned long long)round_page(si.si_size), 0U);
	return 0;
}

static int
fill_sem(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	unsigned int nsets, nsems, highest;
	struct sem_info_k si;

	pbuf_printf(pb, "       key      semid perms      nsems   uid   gid  "
	    "cuid  cgid      otime      ctime\n");
	sem_totals(&nsets, &nsems, &highest);
	for (unsigned int i = 0; nsets > 0 && i <= highest; i++)
		if (do_sem_stat(curlwp, (int)i, true, true, &si) == 0)
			pbuf_printf(pb, "%10d %10d  %4o %10u %5u %5u %5u %5u "
			    "%10lld %10lld\n", si.si_perm.ip_key,
			    si.si_perm.ip_id, si.si_perm.ip_mode, si.si_nsems,
			    OWNERS(&si.si_perm), (long long)si.si_otime,
			    (long long)si.si_ctime);
	return 0;
}

static int
fill_msg(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	unsigned int nqueues, highest;
	struct msg_info_k mi;
	uint64_t n, bytes;

	pbuf_printf(pb, "       key      msqid perms      cbytes       qnum "
	    "lspid lrpid   uid   gid  cuid  cgid      stime      rtime      "
	    "ctime\n");
	msg_totals(&nqueues, &n, &bytes, &highest);
	for (unsigned int i = 0; nqueues > 0 && i <= highest; i++)
		if (do_msg_stat(curlwp, (int)i, true, true, &mi) == 0)
			pbuf_printf(pb, "%10d %10d  %4o  %10llu %10llu %5d %5d "
			    "%5u %5u %5u %5u %10lld %10lld %10lld\n",
			    mi.mi_perm.ip_key, mi.mi_perm.ip_id,
			    mi.mi_perm.ip_mode,
			    (unsigned long long)mi.mi_bytes,
			    (unsigned long long)mi.mi_n, mi.mi_spid,
			    mi.mi_rpid, OWNERS(&mi.mi_perm),
			    (long long)mi.mi_stime, (long long)mi.mi_rtime,
			    (long long)mi.mi_ctime);
	return 0;
}

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = (fill) }

const struct pfs_entry pfs_sysvipc_entries[] = {
	FILE_R("msg", fill_msg),
	FILE_R("sem", fill_sem),
	FILE_R("shm", fill_shm),
	{ 0 }
};
