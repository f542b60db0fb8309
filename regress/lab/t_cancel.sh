# SPDX-License-Identifier: BSD-2-Clause
# Suspends that come to nothing: a save that fails half-way resumes the guest
# as the domain it was. Then pausing, which the guest must not even notice.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 150 + 30 per cycle

. "$LAB_SRC/work.sh"

# The file system is full long before the memory is written, but has room for
# the headers, so the guest has been suspended when it happens.
failed_save() {
	! dom0 "mkdir -p /img/small && { mountpoint -q /img/small ||
	    mount -t tmpfs -o size=1m tmpfs /img/small; } &&
	    xl save x /img/small/x; rc=\$?; rm -f /img/small/x; exit \$rc" &&
	    guest_state x | grep -v gone
}
pause() {
	dom0 'xl pause x; sleep 2; xl unpause x'
}

guest_boot x type=$TYPE vcpus=$VCPUS memory=$MEM || bail "boot"
cycles "a save that fails" x failed_save
cycles "pause and unpause" x pause
check "a save that succeeds" eval \
    'guest_save x /img/x && guest_restore x /img/x'
check "the clock is right" date_right x
check "xl shutdown still works" guest_shutdown x
dom0 umount /img/small
