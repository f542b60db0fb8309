# SPDX-License-Identifier: BSD-2-Clause
# What a user gets wrong ends in a clear message and an orderly stop or a
# fallback; never in a hang.
# variants: pv/1 pvh/1 pv/4 pvh/4
# timeout: 400

t=$LAB/logs/badinput.tmp
mkdir -p "$t"
good=$INITRD

# ends_orderly NAME REGEX: it crashed, or stopped, or has a shell, and the
# console says something about it.
ends_orderly() {
	local end=$((SECONDS + 60 * SLOW)) st
	while :; do
		st=$(guest_state "$1")
		case $st in
		gone|*c*|*s*) break ;;
		esac
		grep -qE "$PROMPT" "$(guest_log "$1")" && st=shell && break
		[ $SECONDS -lt $end ] || { echo "hangs ($st)"; return 1; }
		sleep 0.5
	done
	echo "ended as: $st"
	grep -iE "$2" "$(guest_log "$1")" || {
		echo "no message matches $2; the console:"
		cat "$(guest_log "$1")"
		return 1
	}
}

# bad DESCRIPTION REGEX [key=value...]
bad() {
	local what=$1 re=$2
	shift 2
	if guest_start i type=$TYPE vcpus=$VCPUS memory=$MEM "$@"; then
		check "$what" ends_orderly i "$re"
	else
		ok "$what (xl itself refuses)"
	fi
	guest_destroy i
}

size=$(stat -c %s "$good")
head -c $((size / 2)) "$good" >"$t/half"
INITRD=$t/half bad "a truncated initramfs" \
    '(initramfs|initrd|ramdisk|cpio|gzip|rootfs|init)'
{ head -c 20000 "$good"; head -c 4000 /dev/zero
    tail -c +24001 "$good"; } >"$t/corrupt"
INITRD=$t/corrupt bad "a corrupt initramfs" \
    '(initramfs|initrd|ramdisk|cpio|gzip|rootfs|init)'
gzip -dc "$good" | head -c 1500000 >"$t/cpio"
INITRD=$t/cpio bad "a truncated plain cpio archive" \
    '(initramfs|initrd|ramdisk|cpio|rootfs|init)'
echo "this is no archive at all" >"$t/text"
INITRD=$t/text bad "an initramfs that is no archive" \
    '(initramfs|initrd|ramdisk|cpio|rootfs|init)'
INITRD= bad "no initramfs" '(init|root)'
bad "rdinit= that does not exist" 'init' \
    extra="rdinit=/no/such/init init=/no/such/init"
bad "memory=4" '(memory|mem)' memory=4

check "unknown options are no obstacle" guest_boot i type=$TYPE \
    vcpus=$VCPUS memory=$MEM \
    extra="frobnicate=yes nosuchoption =x x= a.b.c=1 root=/dev/xvdz1 ro"
guest_destroy i
# As on Linux: an initramfs with /init decides itself what init= means.
check "init= is no obstacle to an initramfs with /init" guest_boot i \
    type=$TYPE vcpus=$VCPUS memory=$MEM extra="init=/no/such/init"
guest_destroy i
gzip -dc "$good" >"$t/plain"
INITRD=$t/plain check "a plain cpio archive is as good" guest_boot i \
    type=$TYPE vcpus=$VCPUS memory=$MEM
guest_destroy i
rm -rf "$t"
