# SPDX-License-Identifier: BSD-2-Clause
# The programs of /abi (../linux), which passed on Linux, in a guest. Each
# prints TAP; one that stops the guest costs itself only.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 900

boot() { guest_boot abi type=$TYPE vcpus=$VCPUS memory=256; }

# attempt NAME: run it; its output and status in `out' and `rc'.
attempt() {
	# One line: the shell's line editor takes a tab for a request.
	out=$(guest_run abi \
	    "cd /tmp && rm -rf ./* && $env timeout $((120 * SLOW)) /abi/$1" 130)
	rc=$?
}

# What it printed, as points of ours.
retell() {
	local line tests=0 failed=0
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		"ok "*)
			tests=$((tests + 1))
			ok "$where: $1: ${line#ok * - }" ;;
		"not ok "*)
			tests=$((tests + 1)) failed=$((failed + 1))
			not_ok "$where: $1: ${line#not ok * - }" ;;
		1..*)	[ "${line#1..}" = $tests ] && continue
			failed=$((failed + 1))
			not_ok "$where: $1 ran $tests tests of ${line#1..}" ;;
		*)	diag "${line###}" ;;
		esac
	done <<<"$out"
	[ $rc -ne 0 ] || [ $tests -ne 0 ] || rc=1
	[ $rc -eq 0 ] || [ $failed -ne 0 ] ||
		not_ok "$where: $1 ends with status $rc"
}

# After a program that did not end, or in which the guest did (125), it is of
# no use.
again_after_hang() {
	[ $rc -eq 124 ] || [ $rc -eq 125 ] || return 0
	guest_destroy abi
	boot || bail "$where: boot"
}

# program NAME: run it, once more if it fails: on a machine with far too much
# to do even a second may be too short. What is wrong fails twice.
program() {
	attempt "$1"
	if [ $rc -ne 0 ] || ! grep -q '^1\.\.[1-9]' <<<"$out"; then
		diag "$where: $1 failed (status $rc), so once more; the first run:"
		grep -v '^ok ' <<<"$out" | sed 's/^/#  /'
		again_after_hang
		attempt "$1"
	fi
	retell "$1"
	again_after_hang
}

where="$KERNEL_NAME $TYPE $VCPUS"
env="TAP_SLOW=$SLOW"
# QEMU's emulation of AMD's virtualisation mixes up its own lists of breakpoints
# with those of a PVH guest, and dies of it.
[ "$TYPE $(cat "$RUN/accel")" != "pvh tcg" ] || env+=" TAP_NO_DEBUG_REGISTERS=1"
boot || bail "$where: boot"
for p in $(guest_run abi 'ls /abi'); do
	program "$p"
done
check "$where: xl shutdown afterwards" guest_shutdown abi
