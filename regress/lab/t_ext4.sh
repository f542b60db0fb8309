# SPDX-License-Identifier: BSD-2-Clause
# A file system that the host's mke2fs has made, of Debian's default features:
# used, across save and restore, cut off under a load, and each time looked at
# by the host's e2fsck.
# variants: pv/1 pvh/4
# timeout: 300 + 120 per cycle

img=$SHARE/ext4.img
rm -f "$img"
truncate -s 160M "$img"
mke2fs -qF -t ext4 -L files "$img" || bail "mke2fs"

boot() {
	guest_boot e type=$TYPE vcpus=$VCPUS memory=$MEM \
	    disk="$(disk_list "$img")" &&
	    guest_run e 'mkdir -p /mnt && mount -t ext4 /dev/xvda /mnt' 60
}

# The journal's business is nobody's fault; anything else is.
fsck_clean() { /sbin/e2fsck -fn "$img"; }
fsck_recovers() {
	local rc=0
	/sbin/e2fsck -fp "$img" || rc=$?
	[ $rc -le 1 ] && fsck_clean
}

# Processes that make files whose names have the sum of what was written and
# fsynced before; some rounds end with a sync and say so on the console.
writer='w=$1; d=/mnt/w$w; mkdir -p $d
i=$(ls $d | sort -n | tail -n 1); i=${i%%.*}; case $i in [0-9]*) ;; *) i=0; esac
while [ ! -e /tmp/stop ]; do i=$((i + 1))
dd if=/dev/urandom of=/tmp/w$w bs=1k count=$((i * 7 % 60 + 1)) 2>/dev/null
s=$(md5sum </tmp/w$w | cut -c 1-32)
dd if=/tmp/w$w of=$d/new bs=3000 conv=fsync 2>/dev/null && mv $d/new $d/$i.$s ||
    echo "writer $w: round $i failed"
cp $d/$i.$s $d/copy; rm -f $d/$((i - 30)).*
[ $((i % 4)) != 0 ] || { sync; echo "durable $w $i"; }
done'

writers_start() {
	guest_run e "cat >/tmp/writer <<'END'
$writer
END
rm -f /tmp/stop; for n in 1 2 3; do sh /tmp/writer \$n & done
sleep ${1:-5}" 60
}

writers_stop() {
	guest_run e 'touch /tmp/stop; wait' 120
	! grep -aE '^writer [1-3]: round [0-9]+ failed' "$(guest_log e)"
}

# No file with a sum has other bytes.
verify='bad=0; n=0; for f in /mnt/w*/*.*; do n=$((n + 1))
[ "$(md5sum <$f | cut -c 1-32)" = "${f##*.}" ] || { echo "differs: $(ls -li $f)"; bad=1; }
done; [ $n -gt 0 ] && [ $bad = 0 ] && echo whole'

# durable LOG: what LOG says is durable is there, and it says so of something.
durable() {
	local w i
	grep -aq 'durable [1-3] [0-9]' "$1" || return
	for w in 1 2 3; do
		i=$(grep -ao "durable $w [0-9]*" "$1" | tail -n 1)
		[ -z "$i" ] || guest_run e "ls /mnt/w$w/${i##* }.*" || return
	done
}

# What a DEBUG kernel has to say of its locks.
in_order() {
	check_run "no lock was taken against the order $1" e \
	    'dmesg | grep "lock order"; [ $? = 1 ]' 60
}

boot || bail "boot and mount"
check_run "a tree is copied" e \
    'cp -a /bin /init /mnt/ && sync && cmp /bin/busybox /mnt/bin/busybox &&
readlink /mnt/bin/ls && ls /mnt/bin | wc -l' 120 'busybox'
check_run "a large file" e \
    'dd if=/dev/urandom of=/tmp/r bs=64k count=256 2>/dev/null
dd if=/tmp/r of=/mnt/large bs=100000 conv=fsync 2>/dev/null
cmp /tmp/r /mnt/large && echo same' 120 'same$'
check_run "renamed, linked, removed, truncated" e \
    'cd /mnt; mkdir -p d/e; for i in $(seq 300); do echo $i >d/f$i; done
mv d/f1 d/e/g; ln d/e/g h; ln -s h l; rm d/f2 d/f3; truncate -s 5000 h
mv d/e e2; cat l | head -c 1; ls d | wc -l; stat -c %h.%s h; cd /' 60 \
    '1297.*2.5000'
check_run "df, and its own numbers" e \
    'df /mnt | tail -n 1; stat -c %d /mnt; mount | grep "/dev/xvda on /mnt"' \
    30 'type ext4'
check_run "read-only, and back" e \
    'mount -o remount,ro /mnt && ! touch /mnt/x 2>/dev/null &&
mount -o remount,rw /mnt && touch /mnt/x && echo good' 60 '^good$'
check_run "umount" e 'umount /mnt && echo good' 60 '^good$'
check "e2fsck finds nothing" fsck_clean
check_run "all is there" e 'mount -t ext4 /dev/xvda /mnt &&
cmp /tmp/r /mnt/large && cat /mnt/d/f300' 60 '^300'

check "writers start" writers_start
for ((i = 1; i <= CYCLES; i++)); do
	check "save and restore under them $i" eval \
	    'guest_save e /img/e && guest_restore e /img/e' || break
	guest_run e 'sleep 3' 60 >/dev/null
done
check "writers end" writers_stop
check_run "their files are whole" e "$verify" 120 'whole'
check_run "umount again" e 'umount /mnt && echo good' 60 '^good$'
check "e2fsck finds nothing again" fsck_clean

for ((i = 1; i <= CYCLES; i++)); do
	check_run "mounted $i" e 'mount -t ext4 /dev/xvda /mnt && echo good' \
	    60 '^good$'
	check "writers, for the power cut $i" \
	    writers_start $((RANDOM % 8 + 3))
	in_order "$i"
	check "cut off $i" guest_destroy e
	cp "$(guest_log e)" "$img.log"
	cp --sparse=always "$img" "$img.cut"
	boot || bail "boot and mount after the cut $i"
	# The image is kept for whoever looks into it.
	check_run "what was whole is whole $i" e "$verify" 120 'whole' ||
	    cp --sparse=always "$img.cut" "$LAB/logs/ext4-$TYPE-$VCPUS.cut"
	check "what was durable is there $i" durable "$img.log"
	check_run "umount after the cut $i" e 'umount /mnt && echo good' 60 \
	    '^good$'
	check "e2fsck finds nothing after our recovery $i" fsck_clean
	check "and after its own $i" eval \
	    'img=$img.cut; fsck_recovers'
done
in_order "at the end"
check "xl shutdown" guest_shutdown e
rm -f "$img" "$img.cut" "$img.log"
