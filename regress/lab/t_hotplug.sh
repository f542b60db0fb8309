# SPDX-License-Identifier: BSD-2-Clause
# Disks that come, go and grow while others are written to and while they are
# mounted themselves; taken away by force; a CD that is ejected.
# variants: pv/1 pvh/4
# timeout: 700 + 60 per cycle

root=$SHARE/hp-root.img b=$SHARE/hp-b.img cd=$SHARE/hp-cd.iso
tree=$SHARE/hp.d
rm -rf "$root" "$b" "$cd" "$tree"
truncate -s 64M "$root" "$b"
mke2fs -qF -t ext4 "$root" && mke2fs -qF -t ext4 "$b" || bail "mke2fs"
mkdir -p "$tree/dir"
seq 1 50000 >"$tree/seq"
sum=$(md5sum <"$tree/seq" | cut -c 1-32)
xorriso -as mkisofs -R -J -V HOTPLUG -o "$cd" "$tree" >/dev/null 2>&1 ||
    bail "xorriso"
rm -rf "$tree"

in_guest() { guest_run h "$1" "${2:-60}"; }
# attach VDEV r|rw FILE [KEY=VALUE]
attach() {
	dom0 "xl block-attach h ${4:+$4,}$(disk_spec "$1" "$2" "$3")"
}
detach() { dom0 "xl block-detach h $1"; }
# Without asking the guest: that is what is left of a backend that has died.
rip_out() {
	dom0 "d=\$(xl domid h); b=backend/vbd/\$d/$1
	    l=\$(xenstore-read \$b/node)
	    xenstore-rm \$b /local/domain/\$d/device/vbd/$1 \
		/libxl/\$d/device/vbd/$1 || exit
	    for i in {1..20}; do losetup -d \$l && break; sleep 0.5; done"
}
# The file of a disk gets another size.
grow() {
	truncate -s "$2" "$SHARE/$1" && dom0 \
	    "losetup -c \$(losetup -j /share/$1 | cut -d : -f 1 | head -n 1)"
}

# Files are written on /mnt, made durable and read again; /tmp/n counts.
functions='load() { n=0; while [ ! -e /tmp/stop ]; do n=$((n + 1))
f=/mnt/f$((n % 8))
seq $n $((n + 20000)) >/tmp/w
dd if=/tmp/w of=$f.new bs=64k conv=fsync 2>/tmp/e && mv $f.new $f ||
    echo "round $n: write: $(cat /tmp/e)" >>/tmp/bad
dd if=$f bs=64k 2>/dev/null | cmp - /tmp/w || echo "round $n differs" >>/tmp/bad
echo $n >/tmp/n
done; }
until_() { i=0; until eval "$1"; do i=$((i + 1)); [ $i -lt 40 ] || return 1
sleep 1; done; }
alive() { was=$(cat /tmp/n); until_ "[ \$(cat /tmp/n) -gt \$((was + 1)) ]" &&
[ ! -e /tmp/bad ] && echo alive || cat /tmp/bad; }'

alive() { in_guest alive | grep -x alive; }

guest_boot h type=$TYPE vcpus=$VCPUS memory=$MEM disk="$(disk_list "$root")" ||
    bail "boot"
in_guest "cat >/tmp/functions <<'END'
$functions
END
. /tmp/functions; mkdir -p /mnt /b /c; mount -t ext4 /dev/xvda /mnt"
in_guest 'load & until_ "[ -s /tmp/n ]"' >/dev/null
check "a load on the first disk" alive

# Coming and going under it.
for ((i = 1; i <= CYCLES; i++)); do
	check "a disk comes $i" attach xvdb rw /share/hp-b.img || break
	check_run "it is mounted, written and read $i" h \
	    "until_ '[ -b /dev/xvdb ]' && mount -t ext4 /dev/xvdb /b &&
ls /b | wc -l && seq $i 30000 >/b/seq$i && sync && umount /b &&
mount -t ext4 /dev/xvdb /b && seq $i 30000 | cmp - /b/seq$i &&
umount /b && echo good" 60 good
	check "it goes $i" detach xvdb || break
	check_run "nothing of it is left $i" h \
	    "until_ '[ ! -e /dev/xvdb ]' && ! grep xvdb /proc/partitions &&
[ ! -e /sys/block/xvdb ] && echo gone" 60 gone
	check "the load goes on $i" alive
done
check "e2fsck finds nothing on it" /sbin/e2fsck -fn "$b"

# Mounted: it stays until it is not any more.
check "it comes again" attach xvdb rw /share/hp-b.img
in_guest "until_ '[ -b /dev/xvdb ]'; mount -t ext4 /dev/xvdb /b" >/dev/null
check "detaching it mounted is refused" eval '! detach xvdb'
check_run "it works on" h 'seq 7 40000 >/b/more && sync &&
seq 7 40000 | cmp - /b/more && echo good' 60 good
check_run "unmounted, it goes" h "umount /b; until_ '[ ! -e /dev/xvdb ]' &&
echo gone" 60 gone
check "dom0 has it back" eval "detach xvdb >/dev/null 2>&1
[ \"\$(dom0 'xl block-list h | grep -c 51728')\" = 0 ]"
check "e2fsck finds nothing there" /sbin/e2fsck -fn "$b"

# Taken away by force while it is written to.
check "it comes once more" attach xvdb rw /share/hp-b.img
in_guest "until_ '[ -b /dev/xvdb ]'; mount -t ext4 /dev/xvdb /b
(k=0; while seq \$k 20000 >/b/x\$((k % 9)) && sync -f /b/x\$((k % 9)); do
k=\$((k + 1)); done; echo ended >/tmp/ended) 2>/tmp/why &
sleep 2" >/dev/null
check "it is taken away by force" rip_out 51728
check_run "who wrote to it gets an error" h \
    "until_ '[ -e /tmp/ended ]' && cat /tmp/why" 60 \
    'I/O error|Input/output|Read-only'
check_run "reading a directory of it still ends" h \
    'ls /b >/dev/null 2>&1; cat /b/more >/dev/null 2>&1; echo ended' 60
check_run "it can be unmounted, and its name goes" h \
    "umount /b; until_ '[ ! -e /dev/xvdb ]'; ls /dev/xvdb 2>&1; mount" 60 \
    'No such file'
check "it is well with the first" alive
check "e2fsck recovers it" eval '/sbin/e2fsck -fp "$b"; [ $? -le 1 ]'
check "and it comes back" attach xvdb rw /share/hp-b.img
check_run "with what was synced" h "until_ '[ -b /dev/xvdb ]' &&
mount -t ext4 /dev/xvdb /b && seq 7 40000 | cmp - /b/more && umount /b &&
echo good" 60 good

# Growth: of a mounted one under load, and of one that is being read.
check "the first grows" grow hp-root.img 96M
check_run "which it sees while it is written" h \
    "until_ '[ \$(blockdev --getsz /dev/xvda) = 196608 ]' &&
grep ' xvda\$' /proc/partitions && cat /sys/block/xvda/size" 60 \
    '98304 xvda.196608'
check "and the load goes on" alive
in_guest 'touch /tmp/reading; (while [ -e /tmp/reading ]; do
dd if=/dev/xvdb of=/dev/null bs=64k count=64 2>/dev/null || echo bad >/tmp/badread
blockdev --flushbufs /dev/xvdb; done) & reader=$!' >/dev/null
check "the other grows" grow hp-b.img 80M
check_run "all of it can be written" h \
    "until_ '[ \$(blockdev --getsz /dev/xvdb) = 163840 ]' && rm /tmp/reading &&
wait \$reader; seq 100000 >/tmp/s; dd if=/tmp/s of=/dev/xvdb bs=64k seek=1100 \
conv=fsync 2>/dev/null && blockdev --flushbufs /dev/xvdb &&
dd if=/dev/xvdb bs=64k skip=1100 count=8 2>/dev/null | cmp -n 500000 - /tmp/s &&
[ ! -e /tmp/badread ] && echo good" 60 good
check "and dom0 has it" eval 'tail -c +72089601 "$b" | head -c 500000 |
    cmp - <(seq 100000 | head -c 500000)'

# A CD.
check "a CD comes" attach xvdd r /share/hp-cd.iso devtype=cdrom
check_run "read-only and removable" h "until_ '[ -b /dev/xvdd ]' &&
cat /sys/block/xvdd/ro /sys/block/xvdd/removable | tr '\n' ' ' &&
! dd if=/dev/zero of=/dev/xvdd count=1 2>/dev/null && echo good" 60 '1 1.*good'
check_run "it is mounted and read" h \
    'mount -t iso9660 -o ro /dev/xvdd /c && md5sum </c/seq && ! touch /c/x' \
    60 "$sum"
check_run "mounted it is not ejected" h \
    'cdtray open /dev/xvdd; echo $?; md5sum </c/seq' 60 "1.*$sum"
check_run "ejected it has no medium" h \
    'umount /c && cdtray open /dev/xvdd && cdtray status /dev/xvdd &&
head -c 1 /dev/xvdd || echo none' 60 'status 2.*No medium.*none'
check_run "it is put back" h 'cdtray close /dev/xvdd &&
mount -t iso9660 -o ro /dev/xvdd /c && md5sum </c/seq' 60 "$sum"
save_restore() { guest_save h /img/h && guest_restore h /img/h; }
check "save and restore with all three" save_restore
check_run "the CD is there, as it was" h \
    'md5sum </c/seq && cat /sys/block/xvdd/removable && umount /c' 60 "$sum.*1"
check "migrate with all three" guest_migrate h
check "the CD goes" detach xvdd
check_run "it is gone" h "until_ '[ ! -e /dev/xvdd ]' && echo gone" 60 gone
check "the second goes" detach xvdb
check "the load goes on to the end" alive
check_run "nothing it wrote was lost" h \
    'touch /tmp/stop; wait; umount /mnt && [ ! -e /tmp/bad ] && echo good' 60 \
    good
no_complaint h
check "xl shutdown" guest_shutdown h
check "e2fsck finds nothing on the first" /sbin/e2fsck -fn "$root"
rm -f "$root" "$b" "$cd"
