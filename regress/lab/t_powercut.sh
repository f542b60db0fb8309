# SPDX-License-Identifier: BSD-2-Clause
# Power cuts: a guest works on the four partitions of a disk and is destroyed at
# a random moment. Each time both recoveries of each, e2fsck's on a copy and the
# guest's own at its next mount, must find the journal's business only, and the
# workload's checker all that was made durable. Five cuts for each cycle.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 180 + 150 per cycle

# The disk is dom0's /dev/vdb, which is a file here; it has no other cache.
img=$SHARE/powercut.img
part=$SHARE/powercut.part
formats=("-t ext4" "-t ext4 -b 4096" "-t ext3"
    "-t ext4 -O ^metadata_csum,^64bit,^flex_bg")
rm -f "$img" "$part"*
truncate -s 64M "$img"
perl -e 'print "\0" x 446, (map { pack "x4Cx3L<2", 0x83, (1 + 15 * $_) * 2048,
    15 * 2048 } 0..3), "\x55\xaa"' | dd of="$img" conv=notrunc status=none ||
    bail "no partitions"
for d in 0 1 2 3; do
	mke2fs -qF ${formats[d]} -E offset=$(((1 + 15 * d) << 20)) "$img" \
	    15M || bail "mke2fs"
	: >"$part$d.rounds"
done
dd if="$img" of="$LAB/cuts.img" bs=1M conv=notrunc status=none || bail "dd"
dom0 'blockdev --flushbufs /dev/vdb' || bail "no /dev/vdb"

boot() {
	guest_boot p type=$TYPE vcpus=$VCPUS memory=$MEM extra=quiet \
	    disk="[\"$(disk_spec xvda rw /dev/vdb)\"]" &&
	    guest_run p 'for d in 1 2 3 4; do mkdir -p /mnt/$d &&
mount /dev/xvda$d /mnt/$d || break; done; [ $d = 4 ]' 60
}

# Partition d has the workers 2 * d + 1 and 2 * d + 2; the last rounds that they
# called durable on the console.
durable() {
	local w i
	for w in $((2 * $1 + 1)) $((2 * $1 + 2)); do
		i=$(grep -ao "durable $w [0-9]*"$'\r' "$(guest_log p)" |
		    tail -n 1 | tr -d '\r')
		printf '%s ' "$w:${i##* }"
	done
}

# What the last cut has left, as the guest sees it.
look() {
	local d
	for d in 0 1 2 3; do
		[ ! -s "$part$d.rounds" ] || echo "powerload check" \
		    "/mnt/$((d + 1)) $(cat "$part$d.rounds") &&"
	done
	echo true
}

# part_of D: that partition as a file of its own.
part_of() {
	dd if="$LAB/cuts.img" of="$part$1" bs=1M skip=$((1 + 15 * $1)) \
	    count=15 status=none
}

# Boot, look, work, cut, look.
one_cut() {
	local d
	boot && guest_run p "$(look)" 120 || return
	guest_send p 'w=0; for d in 1 2 3 4; do powerload run /mnt/$d \
$((w + 1)) $((w + 2)) & w=$((w + 2)); done\n'
	guest_expect p 'durable [1-8] ' 60 >/dev/null || return
	sleep $((RANDOM % 5)).$((RANDOM % 10))
	guest_destroy p
	! grep -a FAILED "$(guest_log p)" || return
	for d in 0 1 2 3; do
		durable $d >"$part$d.rounds"
		part_of $d &&
		    "$LAB_SRC/host/recovers" $(cat "$part$d.rounds") \
			"$part$d" || return
	done
}

for ((i = 1; i <= CYCLES * 5; i++)); do
	check "power cut $i" one_cut || break
	diag "durable: $(cat "$part"?.rounds)"
done
check "a last start" boot
check "what was durable is there" guest_run p "$(look)" 120
check_run "umount" p 'umount /mnt/1 /mnt/2 /mnt/3 /mnt/4 && echo good' 60 \
    '^good$'
for d in 0 1 2 3; do
	check "e2fsck finds nothing on ${formats[d]}" eval \
	    'part_of $d && /sbin/e2fsck -fn "$part$d"'
done
check "xl shutdown" guest_shutdown p
rm -f "$img" "$part"*
