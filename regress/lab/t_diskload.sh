# SPDX-License-Identifier: BSD-2-Clause
# Many small files by eight processes, and what databases do: sqlite commits
# in both of its journals, and a log that is written with fdatasync and O_DSYNC.
# The guest is destroyed under sqlite: all it had said to be committed is there.
# LAB_CYCLES=34 makes 100,000 files.
# variants: pv/1 pvh/4
# timeout: 500 + 200 per cycle

img=$SHARE/dl.img work=$SHARE/dlwork.img
nfiles=$((CYCLES < 34 ? CYCLES * 3000 : 100000))
rm -f "$img" "$work"
tree_image disk "$img" 600M || bail "no Debian tree"
truncate -s 200M "$work"
mke2fs -qF -t ext4 -N 65536 "$work" || bail "mke2fs"

# commits MODE: rows until it is stopped; each is told when it is committed.
functions='commits() { (echo "pragma journal_mode=$1; pragma synchronous=full;
create table if not exists t(a integer primary key,b);"
n=1; while [ $n -lt 20000 ]; do echo "insert into t(b) values
(hex(randomblob(200))); select \"row $1 \"||max(a) from t;"; n=$((n + 1))
done) | chroot /mnt sqlite3 /mnt/$1.db; }
rows() { chroot /mnt sqlite3 /mnt/$1.db "pragma integrity_check;
select \"rows \"||count(*) from t; select \"last \"||max(a) from t;"; }
fio() { chroot /mnt fio --name=log --directory=/mnt --verify=crc32c \
--output-format=terse "$@" >/tmp/fio.out 2>&1 && echo verified ||
cut -c -300 /tmp/fio.out; rm -f /mnt/mnt/log*; }'

boot() {
	guest_boot l type=$TYPE vcpus=$VCPUS memory=384 extra=quiet \
	    disk="$(disk_list "$img,ro" "$work")" &&
	    guest_run l "mkdir -p /mnt && mount -t ext4 -o ro /dev/xvda /mnt &&
mount -t ext4 /dev/xvdb /mnt/mnt && mount -t tmpfs none /mnt/tmp &&
mount -t proc proc /mnt/proc && mount -t devtmpfs none /mnt/dev
cat >/tmp/functions <<'END'
$functions
END
. /tmp/functions" 60
}

check "boot" boot || exit 1
check_run "$nfiles small files by 8 processes" l \
    "time manyfiles /mnt/mnt 8 $nfiles" $((200 + nfiles / 30)) 'manyfiles: ok'
check_run "they are removed" l \
    'rm -rf /mnt/mnt/d* && sync && df -i /mnt/mnt | tail -n 1' 200 \
    '[0-9] +11 +65'
check_run "a log with fdatasync" l 'fio --ioengine=psync --rw=write --bs=8k \
--size=1m --overwrite=1 --fdatasync=1' 200 verified
check_run "a log with O_DSYNC" l 'fio --ioengine=psync --rw=write --bs=8k \
--size=1m --overwrite=1 --sync=dsync' 200 verified
check_run "a growing log by four with fsync" l 'fio --ioengine=psync \
--rw=write --bs=8k --size=256k --fsync=1 --numjobs=4' 200 verified

# The last row that was told of, in the log from line $2 on.
last() {
	tail -n +$2 "$(guest_log l)" | grep -ao "row $1 [0-9]*"$'\r' |
	    tail -n 1 | tr -d '\r' | cut -d ' ' -f 3
}
cut_under() {
	local from n out
	from=$(($(wc -l <"$(guest_log l)") + 1))
	guest_send l "commits $1\n"
	guest_expect l "row $1 [0-9]*0"$'\r' 60 >/dev/null || return
	sleep $((RANDOM % 4)).$((RANDOM % 10))
	guest_destroy l
	n=$(last "$1" "$from")
	boot || return
	out=$(guest_run l "rows $1" 60) || return
	echo "told: $n; $out"
	[[ $out == *ok*rows* ]] &&
	    [ "$(sed -n 's/^last \([0-9]*\).*/\1/p' <<<"$out")" -ge "$n" ]
}
for ((i = 1; i <= CYCLES; i++)); do
	for mode in delete wal; do
		check "cut off under sqlite's journal $mode $i" \
		    cut_under $mode || break 2
	done
done
check_run "umount" l 'umount /mnt/mnt && echo good' 60 good
check "xl shutdown" guest_shutdown l
check "e2fsck finds nothing" /sbin/e2fsck -fn "$work"
rm -f "$img" "$work"
