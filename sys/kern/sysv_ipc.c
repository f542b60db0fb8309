/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What System V shared memory, semaphores and message queues have in common.
 *
 * Overview: a kind's objects are in a table; an id is the place in it plus a
 * number that goes up with each new object, so that the id of an object that
 * is gone does not soon name another.  Tables grow and never shrink.
 *
 * Locking: the caller's, over everything here.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysvipc.h>
#include <sys/time.h>

#define	PLACES		IPC_OBJECTS_MAX
#define	FIRST_SLOTS	16

int64_t
ipc_now(void)
{
	return nanotime() / NSEC_PER_SEC;
}

struct ipc_perm_k *
ipc_at(const struct ipc_table *it, unsigned int place)
{
	return place < it->it_nslots ? it->it_slots[place] : NULL;
}

struct ipc_perm_k *
ipc_find(const struct ipc_table *it, int id)
{
	struct ipc_perm_k *ip;

	if (id < 0)
		return NULL;
	ip = ipc_at(it, (unsigned int)id % PLACES);
	return ip != NULL && ip->ip_id == id ? ip : NULL;
}

unsigned int
ipc_highest(const struct ipc_table *it)
{
	unsigned int place = it->it_nslots;

	while (place > 0 && it->it_slots[place - 1] == NULL)
		place--;
	return place > 0 ? place - 1 : 0;
}

int
ipc_access(struct lwp *l, const struct ipc_perm_k *ip, mode_t want)
{
	const struct cred *cr = l->l_cred;
	mode_t have = ip->ip_mode;

	if (cr->cr_euid == ip->ip_uid || cr->cr_euid == ip->ip_cuid)
		have >>= 6;
	else if (cred_in_group(cr, ip->ip_gid) ||
	    cred_in_group(cr, ip->ip_cgid))
		have >>= 3;
	if ((want & 7 & ~have) == 0 || cred_capable(cr, CAP_IPC_OWNER) == 0)
		return 0;
	return EACCES;
}

int
ipc_owner(struct lwp *l, const struct ipc_perm_k *ip)
{
	if (l->l_cred->cr_euid == ip->ip_uid ||
	    l->l_cred->cr_euid == ip->ip_cuid)
		return 0;
	return cred_capable(l->l_cred, CAP_SYS_ADMIN);
}

int
ipc_set(struct lwp *l, struct ipc_perm_k *ip, uid_t uid, gid_t gid,
    mode_t mode)
{
	int error = ipc_owner(l, ip);

	if (error != 0)
		return error;
	ip->ip_uid = uid;
	ip->ip_gid = gid;
	ip->ip_mode = mode & 0777;
	return 0;
}

int
ipc_open(struct lwp *l, const struct ipc_table *it, int key, int flags,
    struct ipc_perm_k **found)
{
	struct ipc_perm_k *ip = NULL;

	*found = NULL;
	if (key == IPC_PRIVATE)
		return 0;
	for (unsigned int i = 0; i < it->it_nslots; i++)
		if ((ip = it->it_slots[i]) != NULL && ip->ip_key == key)
			break;
		else
			ip = NULL;
	if (ip == NULL)
		return (flags & IPC_CREAT) != 0 ? 0 : ENOENT;
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return EEXIST;
	*found = ip;
	return ipc_access(l, ip, (mode_t)(flags | flags >> 3 | flags >> 6));
}

/* Twice the places: ENOMEM. */
static int
table_grow(struct ipc_table *it)
{
	unsigned int n = it->it_nslots == 0 ? FIRST_SLOTS : 2 * it->it_nslots;
	struct ipc_perm_k **slots;

	slots = kmem_zalloc(n * sizeof(slots[0]), KM_SLEEP);
	if (slots == NULL)
		return ENOMEM;
	if (it->it_nslots != 0) {
		memcpy(slots, it->it_slots, it->it_nslots * sizeof(slots[0]));
		kmem_free(it->it_slots, it->it_nslots * sizeof(slots[0]));
	}
	it->it_slots = slots;
	it->it_nslots = n;
	return 0;
}

int
ipc_enter(struct lwp *l, struct ipc_table *it, struct ipc_perm_k *ip, int key,
    int flags, unsigned int max)
{
	unsigned int place = 0;
	int error;

	if (it->it_used >= MIN(max, (unsigned int)PLACES))
		return ENOSPC;
	if (it->it_used == it->it_nslots && (error = table_grow(it)) != 0)
		return error;
	while (it->it_slots[place] != NULL)
		place++;
	*ip = (struct ipc_perm_k){
		.ip_id = (int)(place + it->it_seq * PLACES), .ip_key = key,
		.ip_uid = l->l_cred->cr_euid, .ip_cuid = l->l_cred->cr_euid,
		.ip_gid = l->l_cred->cr_egid, .ip_cgid = l->l_cred->cr_egid,
		.ip_mode = (mode_t)flags & 0777, .ip_seq = it->it_seq,
	};
	it->it_seq = (it->it_seq + 1) % (INT32_MAX / PLACES);
	it->it_slots[place] = ip;
	it->it_used++;
	return 0;
}

void
ipc_leave(struct ipc_table *it, const struct ipc_perm_k *ip)
{
	unsigned int place = (unsigned int)ip->ip_id % PLACES;

	KASSERT(it->it_slots[place] == ip);
	it->it_slots[place] = NULL;
	it->it_used--;
}
