# SPDX-License-Identifier: BSD-2-Clause
# Disks of blkback: what is read and written, partitions, loop devices, hot
# plug and unplug, growth, and all of that across save, restore and migration.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 400 + 60 per cycle

for i in a b c; do rm -f "$SHARE/$i.img"; done
truncate -s 64M "$SHARE/a.img" "$SHARE/c.img"
dd if=/dev/urandom of="$SHARE/b.img" bs=1M count=8 status=none
sum=$(md5sum <"$SHARE/b.img" | cut -c 1-32)

# in_guest COMMANDS: as guest_run, with a time limit for disks.
in_guest() { guest_run d "$1" 60; }

# A writer that looks at what it wrote; it counts its rounds in /tmp/n.
writer='n=0; while [ ! -e /tmp/stop ]; do n=$((n + 1))
s=$((n % 48 * 16 + 128))
dd if=/dev/urandom of=/tmp/w bs=64k count=16 2>/dev/null
dd if=/tmp/w of=/dev/xvda bs=64k seek=$s conv=notrunc,fsync 2>/tmp/e ||
    echo "round $n: write: $(cat /tmp/e)" >>/tmp/bad
blockdev --flushbufs /dev/xvda
dd if=/dev/xvda bs=64k skip=$s count=16 2>/dev/null | cmp - /tmp/w ||
    echo "round $n differs" >>/tmp/bad
echo $n >/tmp/n
done'

writer_start() {
	guest_run d "cat >/tmp/writer <<'END'
$writer
END
rm -f /tmp/stop /tmp/bad /tmp/n; sh /tmp/writer &
for i in \$(seq 40); do [ -s /tmp/n ] && break; sleep 1; done; cat /tmp/n" 60 |
	    grep -E '^[0-9]+$'
}

# It goes on, and nothing it read was wrong.
writer_alive() {
	in_guest 'n=$(cat /tmp/n); i=0
while [ "$(cat /tmp/n)" -le $((n + 1)) ] && [ $i -lt 40 ]; do
sleep 1; i=$((i + 1)); done
[ "$(cat /tmp/n)" -gt $((n + 1)) ] && [ ! -e /tmp/bad ] && echo good
cat /tmp/bad 2>/dev/null' | grep -x good
}

writer_stop() {
	in_guest 'touch /tmp/stop; wait; [ ! -e /tmp/bad ] && echo good
cat /tmp/bad 2>/dev/null' | grep -x good
}

save_restore() { guest_save d /img/d && guest_restore d /img/d; }
cycle() { "$@" && writer_alive; }

guest_boot d type=$TYPE vcpus=$VCPUS memory=$MEM \
    disk="$(disk_list "$SHARE/a.img" "$SHARE/b.img,ro")" || bail "boot"

check_run "both disks are there, with their sizes" d \
    'awk "/xvd/ { print \$3, \$4 }" /proc/partitions | tr "\n" " "' 30 \
    '^65536 xvda 8192 xvdb $'
check_run "what dom0 has written is read" d 'md5sum </dev/xvdb' 60 "$sum"
check_run "a read-only disk stays as it is" d \
    'echo x >/dev/xvdb || blockdev --getro /dev/xvdb' 30 '1$'
check_run "written, read again from the disk" d \
    'dd if=/dev/urandom of=/tmp/r bs=1M count=8 2>/dev/null
dd if=/tmp/r of=/dev/xvda bs=1M conv=fsync 2>/dev/null
blockdev --flushbufs /dev/xvda
dd if=/dev/xvda bs=100000 2>/dev/null | head -c 8388608 | cmp - /tmp/r &&
echo same' 60 'same$'
mine=$(guest_run d 'md5sum </tmp/r' 30 | grep -oE '^[0-9a-f]{32}')
check "after fsync it is in dom0's file" eval \
    '[ "$(dom0 "head -c 8388608 /share/a.img | md5sum" | cut -c 1-32)" = \
	"$mine" ]'
check_run "/proc/vmstat counts what came and went" d \
    'awk "/^pgpg/ && \$2 >= 8192 { print \$1 }" /proc/vmstat | tr "\n" " "' \
    30 '^pgpgin pgpgout $'
check_run "fdisk makes partitions, which appear" d \
    'dd if=/dev/zero of=/dev/xvda bs=1M count=1 conv=fsync 2>/dev/null
printf "n\np\n1\n\n+8M\nn\np\n2\n\n\nw\n" | fdisk /dev/xvda >/dev/null
ls /dev/xvda1 /dev/xvda2 /sys/block/xvda/xvda1/start | wc -l' 30 '3$'
check_run "a file system on one" d \
    'mke2fs -L here /dev/xvda2 >/dev/null && mkdir -p /mnt &&
mount -t ext2 /dev/xvda2 /mnt && echo good >/mnt/f && umount /mnt &&
mount -t ext2 -o ro /dev/xvda2 /mnt && cat /mnt/f; umount /mnt' 60 'good'
check_run "a loop device over a file" d \
    'dd if=/dev/urandom of=/tmp/l bs=64k count=32 2>/dev/null
losetup /dev/loop3 /tmp/l && cmp /dev/loop3 /tmp/l && losetup /dev/loop3 &&
losetup -d /dev/loop3' 60 'loop3: 0 /tmp/l'
guest_run d 'dd if=/dev/zero of=/dev/xvda bs=1M count=1 conv=fsync
blockdev --rereadpt /dev/xvda' 30 >/dev/null

check "block-attach" dom0 "xl block-attach d \
    $(disk_spec xvdc rw /share/c.img)"
check_run "the new disk works" d \
    'i=0; while [ ! -b /dev/xvdc ] && [ $i -lt 20 ]; do sleep 1
i=$((i + 1)); done
dd if=/tmp/r of=/dev/xvdc bs=1M conv=fsync 2>/dev/null
blockdev --flushbufs /dev/xvdc
head -c 8388608 /dev/xvdc | cmp - /tmp/r && echo same' 60 'same$'
guest_run d 'sleep 10000 </dev/xvdc & echo $! >/tmp/holder' 30 >/dev/null
check "block-detach of a disk in use is refused" eval \
    '! dom0 "xl block-detach d xvdc" && in_guest "head -c 8388608 /dev/xvdc |
	cmp - /tmp/r && echo same" | grep -x same'
check_run "and done when it is not any more" d \
    'kill $(cat /tmp/holder); i=0
while [ -b /dev/xvdc ] && [ $i -lt 30 ]; do sleep 1; i=$((i + 1)); done
[ -b /dev/xvdc ] || echo gone' 60 'gone$'

check "the file grows" eval 'truncate -s 96M "$SHARE/a.img" &&
    dom0 "losetup -c \$(losetup -j /share/a.img | cut -d : -f 1 | head -n 1)"'
check_run "and the disk with it" d \
    'i=0; while [ $(blockdev --getsz /dev/xvda) != 196608 ] && [ $i -lt 30 ]
do dd if=/dev/xvda of=/dev/null bs=512 count=1 skip=$i 2>/dev/null
blockdev --flushbufs /dev/xvda; sleep 1; i=$((i + 1)); done
blockdev --getsz /dev/xvda' 60 '196608$'

check "a writer starts" writer_start
for ((i = 1; i <= CYCLES; i++)); do
	check "save and restore under it $i" cycle save_restore || break
	check "migration under it $i" cycle guest_migrate d || break
done
check "a checkpoint under it" eval \
    'guest_checkpoint d /img/d && writer_alive'
check "nothing it wrote was lost" writer_stop
check_run "the other disk is as it was" d \
    'blockdev --flushbufs /dev/xvdb; md5sum </dev/xvdb' 60 "$sum"
check "xl shutdown" guest_shutdown d
