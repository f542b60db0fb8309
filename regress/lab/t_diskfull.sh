# SPDX-License-Identifier: BSD-2-Clause
# File systems that get full at each step of a workload: each operation does
# what it says or fails with ENOSPC and has done nothing, and what was
# confirmed can be read. The host's own tools find nothing afterwards.
# variants: pv/1 pvh/4
# timeout: 900

formats=("-t ext4 -b 1024" "-t ext4 -b 4096" "-t ext3 -b 1024"
    "-t ext4 -b 2048 -O ^extents,^64bit,^flex_bg")
disks=()
for d in 0 1 2 3 4; do
	rm -f "$SHARE/df-$d.img"
	truncate -s 9M "$SHARE/df-$d.img"
	if [ $d = 4 ]; then
		/sbin/mkfs.fat "$SHARE/df-$d.img" >/dev/null
	else
		mke2fs -qF ${formats[d]} "$SHARE/df-$d.img"
	fi || bail "mkfs"
	disks+=("$SHARE/df-$d.img")
done
guest_boot e type=$TYPE vcpus=$VCPUS memory=$MEM extra=quiet \
    disk="$(disk_list "${disks[@]}")" || bail "boot"
check_run "mount" e 'for d in a b c d e; do mkdir -p /mnt/$d && t=ext4
[ $d != e ] || t=vfat; mount -t $t /dev/xvd$d /mnt/$d || break; done
mkdir /mnt/t; mount -t tmpfs -o size=3m none /mnt/t && echo mounts: $(mount | grep -c /mnt/)' \
    60 'mounts: 6'

# Full.
n=0
for d in a b c d e t; do
	what=${formats[n]:-}
	[ $d != e ] || what=FAT
	[ $d != t ] || what=tmpfs
	check_run "full at each step: $what" e "fullsteps /mnt/$d $n 250 80" \
	    250 'fullsteps: ok'
	n=$((n + 1))
done
check_run "umount" e 'umount /mnt/[abcde] && echo good' 60 'good'
for d in 0 1 2 3; do
	check "e2fsck finds nothing: ${formats[d]}" /sbin/e2fsck -fn \
	    "$SHARE/df-$d.img"
done
check "fsck.fat finds nothing" /sbin/fsck.fat -n "$SHARE/df-4.img"
no_complaint e
check "xl shutdown" guest_shutdown e
rm -f "${disks[@]}"
