# SPDX-License-Identifier: BSD-2-Clause
# Swap on a disk and in a file of ext4: processes that together need
# almost twice the memory, each page checked, also across save, restore and
# migration; swapoff brings all back.  Without swap one of them is killed, and
# no one else.
# variants: pv/1 pvh/4
# timeout: 600 + 200 per cycle

mem=40 each=16 procs=4
is_linux && mem=160 each=80

img=$SHARE/swap.img fs=$SHARE/swapfs.img
rm -f "$img" "$fs"
truncate -s 192M "$img"
/sbin/mkswap "$img" >/dev/null 2>&1 || bail "mkswap"
truncate -s 64M "$fs"
mke2fs -qF -t ext4 "$fs" || bail "mke2fs"

guest_boot s type=$TYPE vcpus=$VCPUS memory=$mem \
    disk="$(disk_list "$img" "$fs")" || bail "boot"
check_run "swapon of a disk" s 'mkdir -p /mnt; mount -t ext4 /dev/xvdb /mnt
swapon /dev/xvda && cat /proc/swaps' 60 '/dev/xvda +partition'
guest_run s 'dd if=/dev/zero of=/mnt/file bs=64k count=512 && chmod 600 /mnt/file
mkswap /mnt/file' 120 >/dev/null
check_run "swapon of a file" s 'swapon /mnt/file && cat /proc/swaps' 60 \
    '/mnt/file +file'
check_run "the file cannot be removed" s 'rm -f /mnt/file; ls -l /mnt/file' 60 \
    '33554432 .*/mnt/file'

# They write their memory, then check and rewrite it until a signal says stop.
guest_run s "for i in \$(seq $procs); do
pages $each \$i >/tmp/p\$i 2>&1 & done" 30 >/dev/null
check "all have their memory" eval "for _ in \$(seq 60); do
guest_run s 'cat /tmp/p?' 60 | grep -c full | grep -qx $procs && break
sleep 2; done; guest_run s 'cat /tmp/p?' 60 | grep -c full | grep -x $procs"
check_run "pages were written to swap" s 'grep pswp /proc/vmstat; free' 60 \
    'pswpout [1-9][0-9][0-9][0-9]'
for ((i = 1; i <= CYCLES; i++)); do
	check "save and restore while swapping $i" eval \
	    'guest_save s /img/s && guest_restore s /img/s' || break
	check "migrate while swapping $i" guest_migrate s || break
	check_run "all live and are right $i" s 'cat /tmp/p?; jobs' 60 Running
done
check_run "every page was right in the end" s \
    'kill %1 %2 %3 %4; wait; cat /tmp/p?
echo right: $(cat /tmp/p? | grep -c "pages: ok")' 300 "right: $procs"

# What is in swap comes back where there is room for it.
check_run "swapoff brings it back" s \
    "pages $((mem / 2)) 9 >/tmp/p9 & sleep 8
swapoff /mnt/file && swapoff /dev/xvda && echo gone
sleep 2; kill %1; wait; cat /tmp/p9" 200 'gone.*pages: ok'
check_run "nothing is left there" s 'free; echo lines: $(wc -l </proc/swaps)' 60 \
    'lines: 1'

# Without swap.
check_run "the process that asks for too much is killed" s \
    "pages $((mem * 2)) 5; echo status \$?" 200 \
    'status 137'
check_run "and nobody else" s 'seq 1000 | wc -l' 60 '1000$'
check "xl shutdown" guest_shutdown s
check "e2fsck finds nothing" /sbin/e2fsck -fn "$fs"
rm -f "$img" "$fs"
