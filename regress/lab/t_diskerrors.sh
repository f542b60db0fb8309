# SPDX-License-Identifier: BSD-2-Clause
# Disks that begin to fail at each step of a workload: the backend's file lies
# on a file system of dom0's that has room for so many more pages. What was made
# durable stays, recovered by e2fsck or by the guest's next mount; nothing
# panics.
# variants: pv/1 pvh/4
# timeout: 300 + 300 per cycle

img=$SHARE/de-clean.img after=$SHARE/de-out.img
guest_boot e type=$TYPE vcpus=$VCPUS memory=$MEM extra=quiet || bail "boot"

# /lim in dom0 has room for the image and $1 KiB.
rm -f "$img"
truncate -s 24M "$img"
mke2fs -qF -t ext4 -b 1024 -J size=1 "$img" || bail "mke2fs"
limited() {
	dom0 "umount /lim 2>/dev/null; mkdir -p /lim &&
	    mount -t tmpfs lim /lim && cp --sparse=always /share/de-clean.img \
		/lim/d.img && u=\$(du -k /lim/d.img | cut -f 1) &&
	    mount -o remount,size=\$((u + $1))k /lim &&
	    xl block-attach e $(disk_spec xvdf rw /lim/d.img)" &&
	    guest_run e 'i=0; until [ -b /dev/xvdf ]; do sleep 1; i=$((i + 1))
[ $i -lt 30 ] || break; done; dmesg | grep -c "ext4: xvdf: " >/tmp/lines; mkdir -p /mnt/f' 60
}
# Two workers until they cannot; /tmp/out says how far they came.
worked() {
	guest_run e 'mount -t ext4 /dev/xvdf /mnt/f && {
powerload run /mnt/f 1 2; wait; } >/tmp/out 2>&1
grep -c FAILED /tmp/out; tail -n 3 /tmp/out' 200
}
rounds() {
	guest_run e 'for w in 1 2; do echo r=$w:$(sed -n \
"s/^durable $w //p" /tmp/out | tail -n 1); done' 30 |
	    grep -o 'r=[12]:[0-9]*' | sed 's/r=//' | tr '\n' ' '
}
# One line says that it is read-only now, or that it could not be mounted.
told() {
	guest_run e 'n=$(dmesg | grep -c "ext4: xvdf: ")
echo lines: $((n - $(cat /tmp/lines))); touch /mnt/f/x && grep -q /mnt/f \
/proc/mounts && echo "still"" written to"; dmesg | grep ext4: | tail -n 3' 30
}
detached() {
	guest_run e 'umount /mnt/f; echo unmounted' 60 | grep -q unmounted &&
	    dom0 "xl block-detach e xvdf"
}
fail_at() {
	local r
	limited "$1" >/dev/null && worked || return
	r=$(told)
	echo "$r"
	[[ $r == *"lines: 1"* && $r != *"still written"* ]] || return
	r=$(rounds)
	echo "rounds: $r"
	if [ $(($1 / 4 % 2)) = 0 ]; then
		detached || return
		dom0 "cp --sparse=always /lim/d.img /share/de-out.img"
	else
		# The disk works again, and the guest's own recovery is tried.
		guest_run e 'umount /mnt/f' 60
		dom0 'mount -o remount,size=100m /lim'
		guest_run e "mount -t ext4 /dev/xvdf /mnt/f &&
powerload check /mnt/f $r" 100 || return
		detached || return
		dom0 "cp --sparse=always /lim/d.img /share/de-out.img"
	fi
	"$LAB_SRC/host/recovers" $r "$after"
}
for ((i = 0; i < 8 * CYCLES; i++)); do
	k=$((4 * i * i * i))
	check "a disk that fails after $k KiB" fail_at $k || {
		detached >/dev/null 2>&1
		dom0 'xl block-detach --force e xvdf' >/dev/null 2>&1
	}
	rm -f "$after"
done

# Not readable in its second half.
check "a disk comes" limited 100000
check_run "it is written to" e 'seq 20000 >/tmp/s
made() { echo $1; cat /tmp/s /tmp/s /tmp/s; }
mount -t ext4 /dev/xvdf /mnt/f &&
for i in $(seq 20); do made $i >/mnt/f/n$i || break; done &&
umount /mnt/f && mount -t ext4 /dev/xvdf /mnt/f && echo good' 100 'good'
dom0 'truncate -s 6M /lim/d.img && losetup -c $(losetup -j /lim/d.img |
    cut -d : -f 1)'
check_run "what cannot be read any more is an error" e 'r=0; b=0; w=0; for i in $(seq 20); do
if cat /mnt/f/n$i >/tmp/r 2>/tmp/err; then
r=$((r + 1)); made $i | cmp - /tmp/r || w=$((w + 1))
else b=$((b + 1)); grep -E "I/O|Input" /tmp/err || w=$((w + 1)); fi; done
umount /mnt/f; echo read $r bad $b wrong $w' 100 \
    'read [1-9][0-9]* bad [1-9][0-9]* wrong 0'
check "it goes" dom0 'xl block-detach e xvdf; umount /lim'
no_complaint e
check "xl shutdown" guest_shutdown e
rm -f "$img" "$after"
