# SPDX-License-Identifier: BSD-2-Clause
# How long what is done with disks takes here and on Debian's Linux: two guests
# of the same size with equal disks, Debian's fio and sqlite in one and the
# other by turns. What is printed is the least of each, in ns per operation:
# `# bench TYPE VCPUS 1 NAME DOMUS LINUX'; NAME.cpu is what the guest needed of
# the processors for it, as Xen counts it, without the program's start.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 400 + 600 per cycle

# All three disks are parts of dom0's /dev/vdc, which is fast: Debian's tree,
# and from 1 GiB and from 2 GiB on a file system for each guest.
img=$LAB/disk.img
tree_image disk "$img" 600M || bail "no Debian tree"

# jobs: NAME BLOCK-KiB FIO-WORDS; the first is only fio's start.
jobs() {
	cat <<END
start 4 --ioengine=null --rw=read --bs=4k --size=4k
seq-read 128 --ioengine=psync --rw=read --bs=128k --direct=1 $timed
seq-write 128 --ioengine=psync --rw=write --bs=128k --direct=1 $timed
rand-read-4k 4 --ioengine=psync --rw=randread --bs=4k --direct=1 $timed
rand-write-4k 4 --ioengine=psync --rw=randwrite --bs=4k --direct=1 $timed
rand-read-aio16 4 --ioengine=libaio --iodepth=16 --rw=randread --bs=4k --direct=1 $timed
rand-write-aio16 4 --ioengine=libaio --iodepth=16 --rw=randwrite --bs=4k --direct=1 $timed
cached-read-cold 128 --ioengine=psync --rw=read --bs=128k --size=48m
cached-read-warm 128 --ioengine=psync --rw=read --bs=128k --size=16m --invalidate=0 --pre_read=1 --loops=40
cached-write 128 --ioengine=psync --rw=write --bs=128k --size=48m --end_fsync=1
write-4k-fsync 4 --ioengine=psync --rw=write --bs=4k --fsync=1 $timed
create 4 --ioengine=filecreate --nrfiles=300 --filesize=4k --bs=4k --openfiles=1
stat 4 --ioengine=filestat --nrfiles=300 --filesize=4k --bs=4k --openfiles=1
delete 4 --ioengine=filedelete --nrfiles=300 --filesize=4k --bs=4k --openfiles=1
END
}
timed="--size=48m --time_based --runtime=${BENCH_S:-6}"

# part GIBS MIBS: that part of /dev/vdc, as a disk of dom0's.
part() {
	dom0 "losetup -f --show --direct-io=on -o \$(($1 << 30)) \
	    --sizelimit \$(($2 << 20)) /dev/vdc" | tr -d '\r'
}

# boot GUEST GIBS
boot() {
	local work
	work=$(part "$2" 256) || return
	mke2fs -qF -t ext4 -E offset=$(($2 << 30)) "$img" 256M &&
	    guest_boot "$1" type=$TYPE vcpus=$VCPUS memory=512 extra=quiet \
		disk="[\"$root,raw,xvda,r\",\"$work,raw,xvdb,w\"]" &&
	    guest_run "$1" 'mkdir -p /mnt && mount -t ext4 -o ro /dev/xvda /mnt &&
mount -t ext4 /dev/xvdb /mnt/mnt && mount -t tmpfs none /mnt/tmp &&
mount -t proc proc /mnt/proc && mount -t devtmpfs none /mnt/dev
cat >/tmp/fns <<"END"
fio() { chroot /mnt /usr/bin/fio --name=j --directory=/mnt --thread \
--output-format=terse --terse-version=3 "$@" | grep "^3;"; }
now() { cut -d " " -f 1 /proc/uptime; }
END
. /tmp/fns; fio --rw=write --bs=128k --size=48m --end_fsync=1 | cut -c 1-40' 120
}

# cpu GUEST: seconds of the processors it has had.
cpu() { dom0 "xl list $1" | awk 'NR == 2 { print $6 }'; }

# fio_job GUEST NAME KIB WORDS...: "GUEST NAME NS" and the same for .cpu; less
# $base seconds.
fio_job() {
	local a b g=$1 name=$2 kib=$3 out
	shift 3
	# The file is there, but is not in memory.
	case $name in
	*read*)	guest_run "$g" 'umount /mnt/mnt && mount -t ext4 /dev/xvdb \
/mnt/mnt' 60 >/dev/null ;;
	esac
	a=$(cpu "$g")
	out=$(guest_run "$g" "fio $*" 200 | tr -d '\r' | grep '^3;')
	b=$(cpu "$g")
	case $name in
	start)	awk -v a=$a -v b=$b 'BEGIN { print b - a }'; return ;;
	esac
	echo "$out" | awk -F';' -v a=$a -v b=$b -v base=$base -v kib=$kib \
	    -v g="$g" -v n="$name" '
	{
		kb = $6 + $47
		ms = $9 + $50
		if ($5 != 0 || kb == 0 || ms == 0)
			exit
		printf "%s %s %.0f\n", g, n, ms * 1e6 * kib / kb
		c = b - a - base
		# These prepare files, too, which is no part of it.
		if (c > 0.2 && n !~ /^(stat|delete|cached-read-warm)$/)
			printf "%s %s.cpu %.0f\n", g, n, c * 1e9 * kib / kb
	}'
}

# loop_job GUEST NAME COUNT COMMAND: that does so many operations.
loop_job() {
	local a b t
	a=$(cpu "$1")
	t=$(guest_run "$1" "a=\$(now); $4; b=\$(now); echo took \$a \$b" 200 |
	    grep -o 'took [0-9.]* [0-9.]*')
	b=$(cpu "$1")
	echo "$t" | awk -v a=$a -v b=$b -v g="$1" -v n="$2" -v c="$3" '
	NF == 3 {
		printf "%s %s %.0f\n", g, n, ($3 - $2) * 1e9 / c
		printf "%s %s.cpu %.0f\n", g, n, (b - a) * 1e9 / c
	}'
}

# wanted NAME: one of $BENCH's words is in it, or there are none.
wanted() {
	local w
	[ -n "${BENCH:-}" ] || return 0
	for w in $BENCH; do
		[[ $1 != *"$w"* ]] || return 0
	done
	return 1
}

pass() {
	local name kib words base
	base=0
	base=$(fio_job "$1" $(jobs | head -n 1))
	while read -r name kib words; do
		wanted "$name" && [ "$name" != start ] || continue
		fio_job "$1" "$name" "$kib" $words </dev/null
	done < <(jobs)
	wanted sqlite-commit && loop_job "$1" sqlite-commit 150 '(echo "create table t(a,b);"
for i in $(seq 150); do echo "insert into t values($i,hex(randomblob(50)));"
done) >/mnt/tmp/sql; chroot /mnt sh -c "sqlite3 /mnt/t.db </tmp/sql"
rm /mnt/mnt/t.db'
	wanted mount-umount && loop_job "$1" mount-umount 20 'for i in 1 2 3 4 5 6 7 8 9 10 \
11 12 13 14 15 16 17 18 19 20; do umount /mnt/mnt; mount -t ext4 /dev/xvdb \
/mnt/mnt; done'
}

least() {
	local i samples
	samples=$(for ((i = 0; i < CYCLES; i++)); do
		pass domus
		pass linux
	done)
	awk -v head="bench $TYPE $VCPUS 1" '
	!($2 in seen) { seen[$2] = 1; name[n++] = $2 }
	{ k = $1 " " $2 }
	!(k in t) || $3 < t[k] { t[k] = $3 }
	END {
		for (i = 0; i < n; i++)
			if (t["domus " name[i]] && t["linux " name[i]])
				print "# " head, name[i],
				    t["domus " name[i]], t["linux " name[i]]
			else if (name[i] !~ /\.cpu$/)
				print "not ok - " name[i] " was not measured"
		exit n == 0
	}' <<<"$samples"
}

root=$(part 0 600) || bail "losetup"
boot domus 1 || bail "boot Domus"
KERNEL=$IMAGES/vmlinuz INITRD=$IMAGES/initrd-linux.gz
boot linux 2 || bail "boot Linux"
out=$(least) && [[ $out != *"not ok"* ]]
[ $? -eq 0 ] && ok "$TYPE, $VCPUS vCPUs" || not_ok "$TYPE, $VCPUS vCPUs"
printf '%s\n' "$out"
guest_destroy domus
guest_destroy linux
dom0 losetup -D
