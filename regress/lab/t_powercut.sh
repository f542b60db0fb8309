# SPDX-License-Identifier: BSD-2-Clause
# Power cuts: a guest works on ext4 and is destroyed at a random moment. Each
# time both recoveries, e2fsck's on a copy and the guest's own at its next
# mount, must find the journal's business only, and the workload's checker all
# that was made durable. Five cuts for each cycle.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 180 + 150 per cycle

img=$SHARE/powercut.img
rm -f "$img"
truncate -s 48M "$img"
mke2fs -qF -t ext4 "$img" || bail "mke2fs"
rounds=$img.rounds
: >"$rounds"

boot() {
	guest_boot p type=$TYPE vcpus=$VCPUS memory=$MEM extra=quiet \
	    disk="$(disk_list "$img")" &&
	    guest_run p 'mkdir -p /mnt && mount -t ext4 /dev/xvda /mnt' 60
}

# The last rounds that workers called durable on the console.
durable() {
	local w i
	for w in 1 2 3; do
		i=$(grep -ao "durable $w [0-9]*"$'\r' "$(guest_log p)" |
		    tail -n 1 | tr -d '\r')
		printf '%s ' "$w:${i##* }"
	done
}

# Boot, look at what the last cut has left, work, cut, look.
one_cut() {
	boot || return
	[ ! -s "$rounds" ] || guest_run p \
	    "powerload check /mnt $(cat "$rounds")" 120 || return
	guest_send p 'powerload run /mnt 3\n'
	guest_expect p 'durable [1-3] ' 60 >/dev/null || return
	sleep $((RANDOM % 5)).$((RANDOM % 10))
	guest_destroy p
	! grep -a FAILED "$(guest_log p)" || return
	durable >"$rounds"
	cp --sparse=always "$img" "$img.cut"
	"$LAB_SRC/host/recovers" $(cat "$rounds") "$img.cut"
}

for ((i = 1; i <= CYCLES * 5; i++)); do
	check "power cut $i" one_cut || break
	diag "durable: $(cat "$rounds")"
done
check "a last start" boot
check_run "what was durable is there" p "powerload check /mnt \
$(cat "$rounds")" 120 \
    'powerload: ok'
check_run "umount" p 'umount /mnt && echo good' 60 '^good$'
check "e2fsck finds nothing" /sbin/e2fsck -fn "$img"
check "xl shutdown" guest_shutdown p
rm -f "$img" "$img.cut" "$rounds"
