# SPDX-License-Identifier: BSD-2-Clause
# Makes the lab's images. Sourced by ../lab.
#
# Layers, each remade only when what it is made from has changed:
#   packages  root.tar (dom0's Debian tree) and the Xen and Linux packages
#   xen       the hypervisor, built from Debian's source package: the one in
#             the binary package has neither shadow paging, without which no
#             PV guest migrates alive, nor 32-bit PV guests
#   image     root.img: that tree plus the kernel modules dom0 uses
#   initramfs dom0.gz: loads the disk's modules, carries dom0/ (rc, agent)
# and beside them initrd.gz, what the guests start from, and initrd-linux.gz,
# the same with the modules of a Linux guest; debian.img, when it is asked for.

# The host's packages. libc6-dev and gcc are there for the guest programs.
LAB_DEPS="qemu-system-x86 mmdebstrap e2fsprogs cpio busybox-static kmod perl
musl-tools gcc libc6-dev fakeroot apt-utils binutils make dpkg-dev bison flex
python3-minimal openssl"
LAB_ARCH=amd64

# dom0's packages (with what they depend on, no recommended ones).
DOM0_PACKAGES="xenstore-utils kmod iproute2 bridge-utils mount procps"

# The Debian system that guests boot from their disk.
DEBIAN_PACKAGES="sysvinit-core initscripts e2fsprogs procps iproute2 login
util-linux python3-minimal"

# Modules of dom0, found with their dependencies; the first lot is in the
# initramfs already. ext4 asks for crc32c by a name no dependency shows.
DISK_MODULES="virtio_pci virtio_blk crc32c_generic ext4"
DOM0_MODULES="$DISK_MODULES virtio_console 9p 9pnet_virtio virtio_net
xenfs xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xen-blkback xen-netback loop
bridge stp tun veth isofs vfat nls_cp437 nls_ascii nls_iso8859-1 squashfs
overlay fuse"

# Modules that Linux as a guest needs for what Domus has in its kernel.
GUEST_MODULES="xen-blkfront xen-netfront crc32c_generic ext4 isofs vfat
nls_cp437 nls_ascii nls_iso8859-1"

# stamp NAME: has the text on standard input been recorded for NAME?
stamp_is() {
	local s
	s=$(sha256sum)
	[ "$s" = "$(cat "$IMAGES/$1.stamp" 2>/dev/null)" ]
}
stamp_set() { sha256sum >"$IMAGES/$1.stamp"; }

progress() { say "$(date +%T) $*"; }

# The machine's own Debian sources, as one-line entries.
own_sources() {
	apt-get indextargets --format \
	    'deb $(REPO_URI) $(RELEASE) $(COMPONENT)|$(ORIGIN)' \
	    'Created-By: Packages' | sed -n 's/|Debian$//p' | sort -u
}

own_proxies() {
	apt-config dump | sed -n '/^Acquire::https\?::Proxy/p'
}

depends_on() {
	apt-cache depends "$1" 2>/dev/null |
	    sed -n "s/^  Depends: \($2\)\$/\1/p" | head -n 1
}

# debian_tree TAR VARIANT APTOPTION PACKAGE...: by the machine's own sources.
debian_tree() {
	local tar=$1 variant=$2 aptopt=$3 opts=() p log
	log=$IMAGES/mmdebstrap.log
	shift 3
	while read -r p; do
		[ -z "$p" ] || opts+=(--aptopt="$p")
	done < <(own_proxies)
	mmdebstrap --variant=$variant --format=tar \
	    --architectures=$LAB_ARCH --aptopt="$aptopt" \
	    --dpkgopt=force-unsafe-io \
	    --dpkgopt='path-exclude=/usr/share/man/*' \
	    --dpkgopt='path-exclude=/usr/share/doc/*' \
	    --dpkgopt='path-exclude=/usr/share/locale/*' "${opts[@]}" \
	    --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
	    --include="$(echo "$@" | tr ' ' ,)" \
	    "$(. /etc/os-release; echo "$VERSION_CODENAME")" \
	    "$tar" "$IMAGES/sources.list" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "mmdebstrap failed ($log)"
	}
}

build_packages() {
	local xen linux tools opts=()
	printf '%s\n' $DOM0_PACKAGES | stamp_is packages &&
	    [ -f "$IMAGES/root.tar" ] && return 0
	xen=$(depends_on xen-system-amd64 'xen-hypervisor-.*-amd64')
	tools=$(depends_on xen-system-amd64 'xen-utils-[0-9].*')
	linux=$(depends_on linux-image-amd64 'linux-image-.*')
	own_sources >"$IMAGES/sources.list"
	if [ -z "$xen" ] || [ -z "$tools" ] || [ -z "$linux" ] ||
	    ! [ -s "$IMAGES/sources.list" ]; then
		die "apt knows no $LAB_ARCH Xen packages; run apt-get update"
	fi

	progress "fetching $xen and $linux"
	rm -rf "$IMAGES/debs"
	mkdir -p "$IMAGES/debs"
	[ "$(id -u)" != 0 ] || opts=(-o APT::Sandbox::User=root)
	(cd "$IMAGES/debs" && apt-get -qq "${opts[@]}" download \
	    "$xen" "$linux" 2>&1) || die "apt-get download failed"

	progress "making dom0's Debian tree with $tools (a few minutes)"
	debian_tree "$IMAGES/root.tar.new" essential \
	    'APT::Install-Recommends "false"' $tools $DOM0_PACKAGES
	mv "$IMAGES/root.tar.new" "$IMAGES/root.tar"
	rm -f "$IMAGES/image.stamp"
	printf '%s\n' $DOM0_PACKAGES | stamp_set packages
}

XEN_OPTIONS="CONFIG_SHADOW_PAGING=y CONFIG_PV32=y"

xen_inputs() {
	echo "recipe 1"	# raise it when build_xen makes something else
	cat "$IMAGES/packages.stamp"
	echo $XEN_OPTIONS
}

build_xen() {
	local k=$IMAGES/xen-src apt ver v o log=$IMAGES/xen-build.log
	xen_inputs | stamp_is xen && [ -f "$IMAGES/xen" ] && return 0
	ver=$(dpkg-deb -f "$IMAGES"/debs/xen-hypervisor-[0-9]*.deb Version)
	progress "fetching the source of Xen $ver"
	rm -rf "$k"
	mkdir -p "$k/lists" "$k/bin"
	sed 's/^deb/deb-src/' "$IMAGES/sources.list" >"$k/src.list"
	apt=(-qq -o Dir::Etc::SourceList="$k/src.list"
	    -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$k/lists"
	    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
	[ "$(id -u)" != 0 ] || apt+=(-o APT::Sandbox::User=root)
	{
		apt-get "${apt[@]}" update
		# A mirror may lag with the newest; the tools' interface is the
		# same for every version of the release.
		for v in "$ver" $(apt-cache "${apt[@]}" showsrc xen |
		    sed -n 's/^Version: //p' | sort -rVu); do
			[[ $v == "${ver%.*}".* ]] || continue
			(cd "$k" && apt-get "${apt[@]}" source "xen=$v") && break
		done &&
		    dpkg-deb -x "$IMAGES"/debs/xen-hypervisor-[0-9]*.deb \
			"$k/bin" &&
		    cp "$k"/bin/boot/xen-*.config "$(echo "$k"/xen-*/xen)/.config"
	} >"$log" 2>&1 || die "no Xen source ($log)"
	progress "building Xen (a minute or two)"
	for o in $XEN_OPTIONS; do
		sed -i "/${o%=*}[ =]/d" "$k"/xen-*/xen/.config
		echo "$o" >>"$(echo "$k"/xen-*/xen)/.config"
	done
	(cd "$k"/xen-*/xen && export PYTHON=/usr/bin/python3 && {
		make olddefconfig && make -j2 && gzip -dc xen.gz >"$IMAGES/xen.new"
	}) >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "Xen did not build ($log)"
	}
	mv "$IMAGES/xen.new" "$IMAGES/xen"
	rm -rf "$k"
	xen_inputs | stamp_set xen
}

# The file names of modules and of all they need, in loading order.
modules_of() {
	local m
	for m in "${@:3}"; do
		/sbin/modprobe -d "$1" -S "$2" --show-depends "$m" ||
		    say "no module $m"
	done 2>/dev/null | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

image_inputs() {
	echo "recipe 2"	# raise it when build_image makes something else
	cat "$IMAGES/packages.stamp"
	echo $DOM0_MODULES / $GUEST_MODULES
}

# copy_modules DIR TREE VERSION MODULE...: DIR gets the files and `order`.
copy_modules() {
	local dir=$1 m
	rm -rf "$dir"
	mkdir -p "$dir"
	shift
	modules_of "$@" | while read -r m; do
		cp "$m" "$dir/" && basename "$m"
	done >"$dir/order"
	[ -s "$dir/order" ]
}

# Runs as root or under fakeroot: $1 tree, $2 image, $3 tar, $4 modules.
make_image() {
	local kb
	mkdir -p "$1" && tar -C "$1" -xf "$3" --exclude='./dev/*' || return
	mkdir -p "$1/lib/modules" && cp -a "$4"/lib/modules/. \
	    "$1/lib/modules/" || return
	rm -rf "$1"/usr/share/{perl,doc,man,locale,i18n} "$1"/var/cache/apt/* \
	    "$1"/var/lib/apt/lists/*
	kb=$(du -sk "$1" | cut -f 1)
	rm -f "$2"
	/sbin/mke2fs -qF -t ext4 -O ^has_journal -L dom0 -d "$1" "$2" \
	    $((kb + kb / 4 + 262144))k >/dev/null
}

build_image() {
	local k ver m
	image_inputs | stamp_is image && [ -f "$IMAGES/root.img" ] && return 0
	progress "unpacking Linux"
	k=$IMAGES/tmp
	rm -rf "$k"
	mkdir -p "$k/linux" "$k/mod"
	dpkg-deb -x "$IMAGES"/debs/linux-image-*.deb "$k/linux" ||
	    die "cannot unpack Linux"
	cp "$k"/linux/boot/vmlinuz-* "$IMAGES/vmlinuz" || die "no vmlinuz"
	ver=$(basename "$k"/linux/lib/modules/*)

	/sbin/depmod -b "$k/linux" "$ver" || die "depmod failed"
	modules_of "$k/linux" "$ver" $DOM0_MODULES >"$k/list"
	for m in $(cat "$k/list"); do
		mkdir -p "$k/mod/$(dirname "${m#"$k/linux"}")"
		cp "$m" "$k/mod/${m#"$k/linux"}"
	done
	cp "$k/linux/lib/modules/$ver"/modules.{builtin,order}* \
	    "$k/mod/lib/modules/$ver/"
	/sbin/depmod -b "$k/mod" "$ver" || die "depmod failed"

	progress "making dom0's root image"
	export -f make_image
	set -- make_image "$k/root" "$IMAGES/root.img" "$IMAGES/root.tar" \
	    "$k/mod"
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		fakeroot -- bash -c '"$@"' - "$@"
	fi || die "cannot make the root image"

	copy_modules "$IMAGES/diskmod" "$k/mod" "$ver" $DISK_MODULES &&
	    copy_modules "$IMAGES/guestmod" "$k/linux" "$ver" $GUEST_MODULES ||
	    die "cannot copy modules"
	tar -tf "$IMAGES/root.tar" |
	    sed -n 's,^\.\(/usr/lib/xen-[0-9.]*/bin\)/xl$,LAB_XENBIN=\1,p' \
	    >"$IMAGES/env"
	rm -rf "$k" "$IMAGES/initramfs.stamp"
	image_inputs | stamp_set image
}

# pack TREE FILE: a gzipped cpio archive owned by root.
pack() {
	(cd "$1" && find . | LC_ALL=C sort |
	    cpio -o -H newc -R 0:0 --quiet --reproducible | gzip -9n) \
	    >"$2.new" && mv "$2.new" "$2"
}

busybox_static() {
	local b
	for b in /usr/bin/busybox /bin/busybox; do
		if [ -x "$b" ] && ! ldd "$b" >/dev/null 2>&1; then
			echo "$b"
			return 0
		fi
	done
	die "busybox-static is not installed"
}

debian_inputs() {
	declare -f build_debian make_debian
	echo $DEBIAN_PACKAGES
}

# Runs as root or under fakeroot: $1 tree, $2 image, $3 tar. Nothing is set in
# it but what an owner sets: name, password, root disk, where to log in.
make_debian() {
	local hash
	mkdir -p "$1" && tar -C "$1" -xf "$3" || return
	hash=$(openssl passwd -6 -salt domus lab) || return
	sed -i "s,^root:[^:]*:,root:$hash:," "$1/etc/shadow" &&
	    sed -i '/^[1-6]:/d' "$1/etc/inittab" || return
	echo 'h0:2345:respawn:/sbin/getty -L 38400 hvc0 vt100' \
	    >>"$1/etc/inittab"
	echo '/dev/xvda / ext4 defaults,errors=remount-ro 0 1' >"$1/etc/fstab"
	echo debian >"$1/etc/hostname"
	rm -f "$2"
	/sbin/mke2fs -qF -t ext4 -L debian -d "$1" "$2" 1G >/dev/null
}

# debian.img, a system with sysvinit for guests: only made when asked for.
build_debian() {
	local t=$IMAGES/debian
	debian_inputs | stamp_is debian && [ -f "$t.img" ] && return 0
	progress "making the guests' Debian tree (a few minutes)"
	own_sources >"$IMAGES/sources.list"
	debian_tree "$t.tar" minbase 'APT::Install-Recommends "false"' \
	    $DEBIAN_PACKAGES
	rm -rf "$t"
	export -f make_debian
	set -- make_debian "$t" "$t.img" "$t.tar"
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		fakeroot -- bash -c '"$@"' - "$@"
	fi || die "cannot make the guests' Debian image"
	rm -rf "$t" "$t.tar"
	debian_inputs | stamp_set debian
}

initramfs_inputs() {
	declare -f build_initramfs
	cat "$LAB_SRC"/dom0/*
}

build_initramfs() {
	local t=$IMAGES/initramfs
	initramfs_inputs | stamp_is initramfs && [ -f "$IMAGES/dom0.gz" ] &&
	    return 0
	progress "making dom0's initramfs"
	rm -rf "$t"
	mkdir -p "$t"/{bin,dev,proc,sys,root,mod,lab}
	cp "$(busybox_static)" "$t/bin/busybox"
	cp "$IMAGES"/diskmod/* "$t/mod/"
	cp "$LAB_SRC/dom0/initramfs-init" "$t/init"
	cp "$LAB_SRC"/dom0/* "$IMAGES/env" "$t/lab/"
	chmod 755 "$t"/init "$t"/lab/*
	pack "$t" "$IMAGES/dom0.gz" || die "cannot make the initramfs"
	rm -rf "$t"
	initramfs_inputs | stamp_set initramfs
}

initrd_inputs() {
	declare -f build_initrd
	cat "$LAB_SRC"/guest/* "$(busybox_static)"
}

# The guests' initramfs: busybox, a shell script as /init, the check programs.
build_initrd() {
	local t=$IMAGES/initrd a c
	initrd_inputs | stamp_is initrd && [ -f "$IMAGES/initrd.gz" ] &&
	    return 0
	progress "making the guests' initramfs"
	rm -rf "$t"
	mkdir -p "$t"/{bin,sbin,etc,root,tmp,dev,proc,sys}
	cp "$(busybox_static)" "$t/bin/busybox"
	for a in $("$t/bin/busybox" --list); do
		[ "$a" = busybox ] || ln -s busybox "$t/bin/$a"
	done
	# What a kernel runs when it is asked from outside to shut down.
	for a in poweroff reboot halt; do
		printf '#!/bin/sh\nexec /bin/%s -f\n' $a >"$t/sbin/$a"
		chmod 755 "$t/sbin/$a"
	done
	for c in "$LAB_SRC"/guest/*.c; do
		musl-gcc -static -O2 -g0 -s -Wall -Wextra -Werror \
		    -o "$t/bin/$(basename "$c" .c)" "$c" ||
		    die "cannot compile $c"
	done
	cp "$LAB_SRC/guest/init" "$t/init"
	chmod 755 "$t/init"
	pack "$t" "$IMAGES/initrd.gz" || die "cannot make the initramfs"
	rm -rf "$t"
	initrd_inputs | stamp_set initrd
}

initrd_linux_inputs() {
	declare -f build_initrd_linux
	cat "$IMAGES"/{initrd,image}.stamp
}

# The same for Linux: a second archive behind the first adds the modules. One
# gzip file: libxc unpacks it for the guest, and only the first it finds.
build_initrd_linux() {
	local t=$IMAGES/initrd-linux
	initrd_linux_inputs | stamp_is initrd-linux && [ -f "$t.gz" ] &&
	    return 0
	rm -rf "$t"
	mkdir -p "$t/modules"
	cp "$IMAGES"/guestmod/* "$t/modules/"
	pack "$t" "$t.more" &&
	    gzip -dc "$IMAGES/initrd.gz" "$t.more" | gzip -9n >"$t.gz.new" &&
	    mv "$t.gz.new" "$t.gz" || die "cannot make Linux's initramfs"
	rm -rf "$t" "$t.more"
	initrd_linux_inputs | stamp_set initrd-linux
}

build_all() {
	build_packages
	build_xen
	build_image
	build_initramfs
	build_initrd
	build_initrd_linux
}

cmd_build() {
	mkdir -p "$IMAGES" || die "cannot make $IMAGES"
	lock "$IMAGES/.lock" build_all
}

cmd_build_initrd() {
	mkdir -p "$IMAGES" || die "cannot make $IMAGES"
	lock "$IMAGES/.lock" build_initrd
}
