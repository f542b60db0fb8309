# SPDX-License-Identifier: BSD-2-Clause
# xl save -c: the guest is saved and goes on as the same domain; the file it
# was saved to can be restored afterwards.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 120 + 25 per cycle

. "$LAB_SRC/work.sh"

restore_last() {
	guest_destroy c && guest_wait_state c gone 10 &&
	    guest_restore c /img/c && guest_run c 'echo still here' 30
}

guest_boot c type=$TYPE vcpus=$VCPUS memory=$MEM || bail "boot"
cycles "checkpoint" c guest_checkpoint c /img/c
check "the last checkpoint can be restored" restore_last
check "its clock is right" date_right c
check "xl shutdown still works" guest_shutdown c
