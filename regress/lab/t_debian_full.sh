# SPDX-License-Identifier: BSD-2-Clause
# Debian's compilers, debuggers, packages and large languages on an ext4 disk
# that is the guest's root: gcc and make, git, archives, sqlite3, strace, gdb,
# apt, Go, node, Java. Then a compile that is saved, restored and migrated in
# the middle, and so are Python's own tests.
# variants: pv/1 pvh/4
# timeout: 3600 + 300 per cycle

# It is /dev/vdc of dom0.
img=$LAB/disk.img
make_image() {
	local tree=$LAB/full.tree tar
	tar=$("$SELF" tree full) || return
	rm -rf "$tree"
	mkdir -p "$tree"
	tar -C "$tree" --exclude='./dev/*' -xf "$tar" &&
	    mkdir -p "$tree/lab" && cp "$LAB_SRC"/debian/* "$tree/lab/" &&
	    "$SELF" i386-busybox "$tree/opt/i386/busybox" &&
	    mke2fs -qF -t ext4 -d "$tree" "$img" 3G
	rm -rf "$tree"
}
check "a disk of Debian's packages" make_image || bail "no disk"

INITRD=
start() {
	guest_boot d type=$TYPE vcpus=$VCPUS memory=$1 \
	    extra="root=/dev/xvda rw init=/lab/init" \
	    disk='["/dev/vdc,raw,xvda,w"]'
}
stop() {
	guest_run d 'mount -o remount,ro /' 120 && guest_shutdown d poweroff 120
}
clean() { /sbin/e2fsck -fn "$img"; }

start 1280 || bail "boot"
guest_points d "SLOW=$SLOW ONLY='${ONLY:-}' bash /lab/full.sh" 3000
no_complaint d
check "xl shutdown" stop || bail "shutdown"
check "the file system is clean" clean

# dom0 keeps a saved guest in memory.
start 448 || bail "boot again"

# moved: saved and restored, then migrated.
moved() { guest_save d /img/d && guest_restore d /img/d && guest_migrate d; }

for ((i = 1; i <= CYCLES; i++)); do
	guest_run d 'rm -rf /tmp/c; mkdir /tmp/c; bash /lab/compile.sh /tmp/c \
>/tmp/compile.out 2>&1 & sleep 10' 60 >/dev/null
	check "save, restore, migrate in a compile $i" moved || break
	check_run "what was compiled is right $i" d \
	    'wait; tail -n 3 /tmp/compile.out' 300 'compiled: ok'
	guest_run d "SLOW=$SLOW bash /lab/pytest.sh threading select mmap \
>/tmp/py.out 2>&1 & sleep 20" 60 >/dev/null
	check "save, restore, migrate in Python's tests $i" moved || break
	check_run "Python's tests pass $i" d 'wait; cat /tmp/py.out' 900 \
	    'ok 1 - .*ok 2 - .*ok 3 - '
done
no_complaint d
check "xl shutdown at the end" stop
check "clean at the end" clean
truncate -s 0 "$img" && truncate -s 4G "$img"
