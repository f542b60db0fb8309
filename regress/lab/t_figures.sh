# SPDX-License-Identifier: BSD-2-Clause
# Prints figures, beside Debian's Linux in the same lab: the time from
# unpausing to the first line of /init, the kernel's size, the memory in use at
# the prompt. The same initramfs for both. Fails only when a figure cannot be
# had.
# variants: pv/1 pvh/1
# timeout: 400

# figures NAME KERNEL WORDS: sets ms, file, used, total.
figures() {
	local i t
	KERNEL=$2
	ms=
	for ((i = 0; i < CYCLES; i++)); do
		guest_destroy f
		guest_config f type=$TYPE vcpus=$VCPUS memory=256 extra="$3" &&
		    dom0 'xl create -q -p /share/cfg/f.cfg 2>&1' || return
		t=$(dom0 "/lab/boot-time f 'init: up' $((60 * SLOW))") || return
		[ -n "$ms" ] && [ "$ms" -le "$t" ] || ms=$t
	done
	file=$(($(stat -c %s "$KERNEL") / 1024))
	sleep 2
	total=$(guest_run f "awk '/^MemTotal/ { print \$2 }' /proc/meminfo")
	used=$(guest_run f "awk '/^MemFree/ { print 256 * 1024 - \$2 }' \
	    /proc/meminfo")
	guest_destroy f
	[ -n "$used" ] && [ -n "$total" ]
}

row() {
	printf '# %-5s %-4s boot %6d ms, kernel file %5d KiB, in use %6d KiB' \
	    "$1" $TYPE "$ms" "$file" "$used"
	printf ' (of 262144), MemTotal %6d KiB\n' "$total"
}

mine=$KERNEL INITRD=$IMAGES/initrd.gz
if ! is_linux; then
	if figures domus "$mine" quiet; then
		row Domus
		ok "figures of Domus"
	else
		not_ok "figures of Domus"
	fi
fi
if figures linux "$IMAGES/vmlinuz" quiet; then
	row Linux
	ok "figures of Linux"
else
	not_ok "figures of Linux"
fi
