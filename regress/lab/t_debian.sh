# SPDX-License-Identifier: BSD-2-Clause
# A Debian system with sysvinit on its own disk: the kernel mounts root=, the
# boot scripts check and remount it, getty on hvc0 lets root in; it reboots,
# shuts down, and (with three cycles or more) the same image goes to Linux and
# back.
# variants: pv/1 pvh/1 pv/4 pvh/4
# timeout: 900

img=$SHARE/debian.img

# start WORDS: with the disk, and no initramfs unless INITRD is set.
start() {
	guest_wait_state deb gone 60 && guest_start deb type=$TYPE vcpus=$VCPUS memory=512 extra="$1" \
	    disk="$(disk_list "$img")"
}

# A shell at its console.
login() {
	guest_expect deb 'debian login: ' 120 >/dev/null || return
	guest_send deb 'root\n'
	guest_expect deb 'Password: ' 30 >/dev/null || return
	guest_send deb 'lab\n'
	guest_expect deb 'root@debian:.*# ' 60 >/dev/null
}

mount_clean() { /sbin/e2fsck -fn "$img"; }

base=$("$SELF" debian) || bail "no Debian image"
rm -f "$img"
cp --sparse=always "$base" "$img"
uuid=$(/sbin/dumpe2fs -h "$img" 2>/dev/null |
    sed -n 's/^Filesystem UUID: *//p')
KERNEL_LINUX=$IMAGES/vmlinuz INITRD_LINUX=$IMAGES/initrd-linux.gz
KERNEL_OURS=$KERNEL INITRD_OURS=$INITRD

INITRD=
start "root=/dev/xvda ro" || bail "start"
check "it boots to a login on hvc0" login || bail "no login"
check_run "its root is the disk, writable, and /dev is there" deb \
    'grep " / ext4 rw" /proc/mounts && grep " /dev devtmpfs" /proc/mounts &&
stat -c %t:%T /dev/xvda && df / | tail -n 1' 60 'ca:0'
check_run "files are made, found, removed" deb \
    'mkdir /root/d && cp -a /etc /root/d/ && diff -r --no-dereference /etc /root/d/etc &&
python3 -c "open(\"/root/n\", \"w\").write(\"one\\n\")" && cat /root/n &&
dpkg -l | tail -n 1 && rm -r /root/d && sync && echo good' 120 'good'
check_run "services of runlevel 2" deb 'runlevel && ps ax' 60 'N 2.*login'
guest_send deb 'reboot\n'
check "it reboots" login
check_run "what was written is there" deb 'cat /root/n' 30 '^one'
check "xl shutdown" guest_shutdown deb poweroff 120
check "the file system is clean" mount_clean

start "root=UUID=$uuid rw init=/bin/sh" &&
    guest_expect deb '# $' 60 >/dev/null
check_run "root=UUID=, rw, init=" deb \
    'mount -t proc proc /proc && grep " / ext4 rw" /proc/mounts &&
echo two >/root/n && umount /proc && mount -o remount,ro / && echo good' 60 \
    'good'
guest_destroy deb
check "clean again" mount_clean

# The way to Linux and back, when there is time for it.
to_linux_and_back() {
	INITRD=$INITRD_OURS
	start "root=/dev/xvda ro lab.switch_root"
	check "an initramfs mounts it and hands over" login
	check "xl shutdown of that" guest_shutdown deb poweroff 120
	check "clean after the initramfs" mount_clean

	KERNEL=$KERNEL_LINUX INITRD=$INITRD_LINUX
	start "root=/dev/xvda ro lab.switch_root"
	check "Linux boots the same image" login
	check_run "Linux reads what was written" deb \
	    'cat /root/n && echo three >/root/n && uname -s' 60 'two.*Linux'
	check "xl shutdown of Linux" guest_shutdown deb poweroff 120

	KERNEL=$KERNEL_OURS INITRD=
	start "root=LABEL=debian ro"
	check "and back" login
	check_run "what Linux has written is there" deb 'cat /root/n' 30 '^three'
	check "xl shutdown at the end" guest_shutdown deb poweroff 120
	check "clean at the end" mount_clean
}
[ "$CYCLES" -lt 3 ] || to_linux_and_back

guest_wait_state deb gone 60
guest_start deb type=$TYPE vcpus=1 memory=128 on_crash=preserve \
    extra="root=/dev/xvdq1" disk="$(disk_list "$img")"
check "a root= that is not there: says which disks are" eval \
    'guest_expect deb "no root=/dev/xvdq1" 60 &&
    guest_expect deb "xvda ext4 UUID=$uuid LABEL=debian" 60'
guest_destroy deb
rm -f "$img"
