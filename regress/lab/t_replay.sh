# SPDX-License-Identifier: BSD-2-Clause
# Power cuts out of a record: a guest works on ext4 on dom0's /dev/vdb, of which
# QEMU logs every write and flush. The disk is then rebuilt as it may be after a
# power cut at any flush, e2fsck recovers it, and the workload's checker must
# agree: 20 flushes for a cycle, all of them from 20 cycles on.
# variants: pv/1 pvh/4
# timeout: 300 + 120 per cycle

img=$SHARE/replay.img
rm -f "$img"
truncate -s 64M "$img"
mke2fs -qF -t ext4 $([ $TYPE = pv ] || echo -b 4096) "$img" || bail "mke2fs"
dd if="$img" of="$LAB/cuts.img" bs=1M conv=notrunc status=none || bail "dd"
dom0 'blockdev --flushbufs /dev/vdb' || bail "no /dev/vdb"
first=$("$LAB_SRC/host/replay" "$LAB/cuts.log") || bail "no log"

guest_boot r type=$TYPE vcpus=$VCPUS memory=$MEM extra=quiet \
    disk="[\"$(disk_spec xvda rw /dev/vdb)\"]" || bail "no guest"
check_run "work" r \
    'mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt; powerload run /mnt 1 3 &
sleep 15; killall powerload; while pidof powerload; do sleep 1; done
umount /mnt && echo good' 120 \
    'durable.*good'
check "xl shutdown" guest_shutdown r
check "flush" dom0 'blockdev --flushbufs /dev/vdb'
check "e2fsck finds nothing at the end" /sbin/e2fsck -fn "$LAB/cuts.img"
count=$((CYCLES * 20))
[ "$CYCLES" -lt 20 ] || count=0
check "power cuts at its flushes" eval '"$LAB_SRC/host/replay" \
    "$LAB/cuts.log" $first "$img" $count "$LAB_SRC/host/recovers" 1: 2: 3: |
    tee "$img.out"; [ ${PIPESTATUS[0]} = 0 ]'
diag "$(tail -n 1 "$img.out")"
rm -f "$img"*
