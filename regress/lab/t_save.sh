# SPDX-License-Identifier: BSD-2-Clause
# xl save and xl restore, again and again, under work.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 120 + 30 per cycle

. "$LAB_SRC/work.sh"

save_restore() {
	guest_save s /img/s && guest_state s | grep -x gone &&
	    guest_restore s /img/s && dom0 rm /img/s
}
# The time spent as a file counts, too.
long_save() {
	guest_save s /img/s && sleep 6 && guest_restore s /img/s
}

guest_boot s type=$TYPE vcpus=$VCPUS memory=$MEM || bail "boot"
cycles "save and restore" s save_restore
check "save, 6 s as a file, restore" long_save
check "the clock is right" date_right s
check "xl shutdown still works" guest_shutdown s
