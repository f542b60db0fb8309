# SPDX-License-Identifier: BSD-2-Clause
# Debian's fio with verification on ext4: direct and cached, in order and at
# random, by read and write, vectors and io_submit, alone and with others;
# across save, restore and migration; with the disk full.
# variants: pv/1 pvh/4
# timeout: 1200 + 240 per cycle

img=$SHARE/fio.img work=$SHARE/fiowork.img
rm -f "$img" "$work"
tree_image disk "$img" 600M || bail "no Debian tree"
truncate -s 64M "$work"
mke2fs -qF -t ext4 "$work" || bail "mke2fs"

guest_boot f type=$TYPE vcpus=$VCPUS memory=512 \
    disk="$(disk_list "$img,ro" "$work")" || bail "boot"

# In the guest: fio with these words, on the file system of /dev/xvdb.
guest_run f "mkdir -p /mnt && mount -t ext4 -o ro /dev/xvda /mnt &&
mount -t ext4 /dev/xvdb /mnt/mnt && mount -t tmpfs none /mnt/tmp &&
mount -t proc proc /mnt/proc && mount -t devtmpfs none /mnt/dev
cat >/tmp/fio.sh <<'END'
fio() {
chroot /mnt /usr/bin/fio --name=job --directory=/mnt --verify=crc32c \
--verify_fatal=1 --output-format=terse \"\$@\" >/tmp/fio.out 2>&1 &&
echo verified || cut -c -300 /tmp/fio.out
rm -f /mnt/mnt/job*
}
END" 60 || bail "mount"

fio() { check_run "fio $*" f ". /tmp/fio.sh; fio $*" 300 '^verified'; }

fio --ioengine=psync --rw=write --bs=64k --size=4m
fio --ioengine=psync --rw=randwrite --bs=4k --size=2m --fsync=32
fio --ioengine=psync --rw=randwrite --bs=4k --size=2m --direct=1
fio --ioengine=psync --rw=randwrite --bs=4k --size=1m --sync=1
fio --ioengine=pvsync2 --rw=randrw --bs=8k --size=2m --direct=1
fio --ioengine=pvsync2 --rw=randrw --bs=512 --size=256k --direct=1
fio --ioengine=libaio --iodepth=16 --rw=randwrite --bs=4k --size=4m --direct=1
fio --ioengine=libaio --iodepth=16 --rw=write --bs=128k --size=8m --direct=1
fio --ioengine=libaio --iodepth=4 --rw=randrw --bs=4k --size=2m
fio --ioengine=libaio --iodepth=4 --rw=randrw --bs=8k --size=1m --direct=1 \
    --numjobs=4
fio --ioengine=mmap --rw=randwrite --bs=4k --size=2m
fio --ioengine=psync --rw=randwrite --bs=4k --size=512k --numjobs=16
check_run "a full disk" f 'dd if=/dev/zero of=/mnt/mnt/fill bs=64k 2>&1 |
grep "No space"; rm /mnt/mnt/fill && sync && df /mnt/mnt | tail -n 1' 120 \
    'No space'

# A load that verifies while the guest is moved about.
for ((i = 1; i <= CYCLES; i++)); do
	guest_run f '. /tmp/fio.sh; rm -f /tmp/result
(fio --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k --size=4m \
--direct=1 --loops=4 >/tmp/result) & sleep 3' 60 >/dev/null
	check "save and restore under fio $i" eval \
	    'guest_save f /img/f && guest_restore f /img/f' || break
	check "migrate under fio $i" guest_migrate f || break
	check_run "what fio wrote is right $i" f \
	    'wait; cat /tmp/result' 300 '^verified'
done

check_run "umount" f 'umount /mnt/mnt && echo good' 60 '^good$'
check "xl shutdown" guest_shutdown f
check "e2fsck finds nothing" /sbin/e2fsck -fn "$work"
rm -f "$img" "$work"
