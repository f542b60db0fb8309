# SPDX-License-Identifier: BSD-2-Clause
# The file systems beside ext4, from disks that the host's tools make: a CD, FAT
# (written to, judged by the host's fsck.fat), UFS2, and an overlay of the CD
# and a tmpfs, as live systems have it.
# variants: pv/1 pvh/4
# timeout: 400

cd=$SHARE/fs-cd.iso
fat=$SHARE/fs-fat.img
ufs=$SHARE/fs-ufs.img
tree=$SHARE/fs.d

rm -rf "$tree" "$cd" "$fat" "$ufs"
mkdir -p "$tree/dir/sub"
seq 1 100000 >"$tree/seq"
echo hello >"$tree/dir/A Long Name.text"
ln -s dir "$tree/link"
sum=$(md5sum <"$tree/seq" | cut -c 1-32)
xorriso -as mkisofs -R -J -V CDTEST -o "$cd" "$tree" >/dev/null 2>&1 ||
    bail "xorriso"
truncate -s 64M "$fat" && /sbin/mkfs.fat -F 32 -s 1 "$fat" >/dev/null ||
    bail "mkfs.fat"
makefs -t ffs -B le -s 16m -o version=2 "$ufs" "$tree" >/dev/null ||
    bail "makefs"

guest_boot f type=$TYPE vcpus=$VCPUS memory=$MEM \
    disk="$(disk_list "$cd,ro" "$fat" "$ufs,ro")" || bail "no guest"
guest_run f 'mkdir /cd /cd2 /fat /ufs /o /up' 30

check_run "a CD on a read-only disk" f \
    'mount -t iso9660 /dev/xvda /cd && md5sum </cd/seq && cat "/cd/link/A Long Name.text" && ! touch /cd/x' \
    60 "$sum.*hello"
check_run "the same on a loop device" f \
    'cp /dev/xvda /tmp/cd && mount -o loop,ro -t iso9660 /tmp/cd /cd2 && md5sum </cd2/seq && umount /cd2 && rm /tmp/cd' \
    60 "$sum"
check_run "UFS2" f \
    'mount -o ro -t ufs /dev/xvdc /ufs && md5sum </ufs/seq && cat "/ufs/link/A Long Name.text" && umount /ufs' \
    60 "$sum.*hello"

check_run "FAT is written to" f \
    'mount -t vfat -o umask=077 /dev/xvdb /fat && cp -r /cd/seq /cd/dir /fat/ && mkdir /fat/many && i=0 &&
while [ $i -lt 200 ]; do i=$((i + 1)); echo $i >"/fat/many/a file with the number $i" || break; done
ls /fat/many | wc -l; rm /fat/many/*9; mv /fat/seq "/fat/Some Numbers" && md5sum <"/fat/SOME numbers" && echo three >>"/fat/dir/A Long Name.text" && sync && df /fat' \
    120 "200.*$sum"
check_run "it gets full and empty again" f \
    'dd if=/dev/zero of=/fat/big bs=1M 2>&1 | tail -n 1; df /fat | tail -n 1 | grep -c 100% && rm /fat/big && umount /fat && echo good' \
    120 '1.*good'
check "fsck.fat finds nothing" /sbin/fsck.fat -n "$fat"
check_run "it is there after another mount" f \
    'mount -t vfat /dev/xvdb /fat && md5sum <"/fat/some numbers" && cat "/fat/dir/A Long Name.text" && ls /fat/many | wc -l && umount /fat' \
    60 "$sum.*hello.*three.*180"

check_run "an overlay of the CD and a tmpfs" f \
    'mount -t tmpfs none /up && mkdir /up/u /up/w && mount -t overlay -o lowerdir=/cd,upperdir=/up/u,workdir=/up/w none /o &&
md5sum </o/seq && echo more >>"/o/dir/A Long Name.text" && cat "/o/dir/A Long Name.text" && rm /o/link && mkdir /o/new && cp /bin/busybox /o/new/ && /o/new/busybox echo runs &&
ls /o && ls -l /up/u && umount /o && umount /cd && echo good' \
    60 "$sum.*hello.*more.*runs.*dir +new +seq.*good"
check "it shuts down" guest_shutdown f poweroff 60
