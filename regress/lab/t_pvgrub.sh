# SPDX-License-Identifier: BSD-2-Clause
# pvgrub: Debian's GRUB for PV guests reads its menu on the guest's own disk and
# starts the kernel that lies there, as it is or compressed.
# variants: pv/1
# timeout: 400

grub=$SHARE/pvgrub.bin
tree=$SHARE/pvgrub.d
img=$SHARE/pvgrub.img

# The same as Debian's grub-xen-host: a menu in either language is looked for.
make_grub() {
	cat >"$SHARE/pvgrub.cfg" <<'END'
for m in grub.cfg menu.lst; do
	if search -s root -f /boot/grub/$m; then
		echo "pvgrub: $m on $root"
		if [ $m = grub.cfg ]; then configfile /boot/grub/$m
		else legacy_configfile /boot/grub/$m
		fi
	fi
done
END
	grub-mkstandalone -O x86_64-xen -o "$grub" --themes= --fonts= --locales= \
	    --install-modules="echo search search_fs_file ext2 iso9660 ufs2 \
part_msdos part_gpt legacycfg configfile linux gzio normal test sleep" \
	    "boot/grub/grub.cfg=$SHARE/pvgrub.cfg"
}

# image FSTYPE KERNEL MENU: a disk with these in /boot; the menu on stdin.
image() {
	rm -rf "$tree" "$img"
	mkdir -p "$tree/boot/grub"
	cp "$2" "$tree/boot/" && cp "$INITRD_OURS" "$tree/boot/initrd.gz" &&
	    cat >"$tree/boot/grub/$3" &&
	    echo "a file" >"$tree/file" &&
	    mke2fs -qF -t "$1" -d "$tree" "$img" 64M
}

boot() {
	guest_wait_state g gone 60 || return
	KERNEL=$grub INITRD='' guest_start g type=pv vcpus=1 memory=256 \
	    disk="$(disk_list "$img")" || return
	guest_expect g "pvgrub: $1 on" "$BOOT_TIMEOUT" >/dev/null || return
	guest_expect g 'init: up' "$BOOT_TIMEOUT" >/dev/null &&
	    guest_expect g "$PROMPT" "$BOOT_TIMEOUT" >/dev/null
}

INITRD_OURS=$INITRD
make_grub || bail "grub-mkstandalone"
name=$(basename "$KERNEL")
gzip -9nc "$KERNEL" >"$SHARE/$name.gz"

image ext4 "$KERNEL" menu.lst <<END || bail "mke2fs"
default 0
timeout 1
title Domus
root (hd0)
kernel /boot/$name console=hvc0 quiet from=menu.lst
initrd /boot/initrd.gz
END
check "GRUB boots it from ext4 by menu.lst" boot menu.lst
check_run "the command line is the menu's, the disk is there" g \
    'cat /proc/cmdline; mkdir -p /mnt; mount -t ext4 -o ro /dev/xvda /mnt && cat /mnt/file' \
    30 'from=menu.lst.*a file'
check "it shuts down" guest_shutdown g poweroff 60

image ext2 "$SHARE/$name.gz" grub.cfg <<END || bail "mke2fs"
set timeout=1
menuentry Domus {
	linux /boot/$name.gz console=hvc0 quiet from=grub.cfg
	initrd /boot/initrd.gz
}
END
check "GRUB boots the compressed kernel from ext2 by grub.cfg" boot grub.cfg
check_run "the command line is the menu's" g 'cat /proc/cmdline' 30 \
    'from=grub.cfg'
guest_destroy g
