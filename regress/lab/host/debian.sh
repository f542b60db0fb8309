# SPDX-License-Identifier: BSD-2-Clause
# Makes Debian trees for guests. Sourced by ../lab.
#
# Overview: a tree is Debian's own packages, unmodified, without their
# documentation, as mmdebstrap puts them together from the machine's own apt
# sources: $IMAGES/debian-NAME.tar. `full` has compilers and large languages and
# is for a disk, and so is `disk`, which has what tries disks. `base` is also made into an initramfs, debian-base.cpio, not
# compressed (xl would have to unpack it), with ../debian in it as /lab and its
# init as /init. A scenario asks for that by "# initrd: debian-base" in its
# head; the guest needs 1 GB.

DEBIAN_BASE="bash busybox-static coreutils dash diffutils dpkg e2fsprogs file
findutils gawk grep gzip hostname iproute2 kmod less libcap2-bin
libpython3.11-testsuite mount passwd perl procps python3 sed sqlite3 strace
stress-ng sysvinit-core tar tzdata util-linux util-linux-extra xz-utils zstd"
DEBIAN_FULL="$DEBIAN_BASE apt gcc g++ gdb git golang-go libc6-dev make nodejs
openjdk-17-jdk-headless"
DEBIAN_DISK="busybox-static e2fsprogs fio sqlite3"

debian_packages() {
	case $1 in
	base)	echo $DEBIAN_BASE ;;
	full)	echo $DEBIAN_FULL ;;
	disk)	echo $DEBIAN_DISK ;;
	*)	die "no Debian tree is called $1" ;;
	esac
}

build_tree_tar() {
	local tar=$IMAGES/debian-$1.tar
	debian_packages "$1" | stamp_is "debian-$1" && [ -f "$tar" ] &&
	    return 0
	own_sources >"$IMAGES/sources.list"
	progress "making the Debian tree $1 (several minutes)"
	debian_tree "$tar.new" apt 'APT::Install-Recommends "false"' \
	    $(debian_packages "$1")
	mv "$tar.new" "$tar"
	debian_packages "$1" | stamp_set "debian-$1"
}

tree_inputs() {
	declare -f make_tree_cpio build_tree
	cat "$IMAGES/debian-$1.stamp" "$LAB_SRC"/debian/*
}

# Runs as root or under fakeroot: $1 scratch directory, $2 tar, $3 archive.
make_tree_cpio() {
	mkdir -p "$1" && tar -C "$1" -xf "$2" --exclude='./dev/*' &&
	    mkdir -p "$1/lab" && cp "$LAB_SRC"/debian/* "$1/lab/" &&
	    mv "$1/lab/init" "$1/init" && chmod 755 "$1/init" &&
	    mknod -m 600 "$1/dev/console" c 5 1 &&
	    mknod -m 666 "$1/dev/null" c 1 3 &&
	    (cd "$1" && find . | LC_ALL=C sort |
		cpio -o -H newc --quiet >"$3.new") && mv "$3.new" "$3"
}

# i386_busybox FILE: Debian's busybox for i386, from the same sources, whose
# lists for i386 are fetched into a directory of ours.
i386_busybox() {
	local d=$IMAGES/i386 opts
	opts="-o Dir::State::Lists=$d/lists -o Dir::Cache=$d/cache
-o APT::Architectures::=$LAB_ARCH -o APT::Architectures::=i386
-o Acquire::Languages=none -o Debug::NoLocking=1 -o APT::Sandbox::User=root"
	[ -f "$d/busybox" ] || {
		mkdir -p "$d/lists/partial" "$d/cache/archives/partial" &&
		    { apt-get -qq $opts update || :; } &&
		    (cd "$d" && apt-get -qq $opts download busybox-static:i386) &&
		    dpkg-deb --fsys-tarfile "$d"/busybox-static_*.deb |
		    tar -xO ./bin/busybox >"$d/busybox.new" &&
		    mv "$d/busybox.new" "$d/busybox"
	} && install -D -m 755 "$d/busybox" "$1"
}

# build_tree NAME: the tree and, for base, its initramfs.
build_tree() {
	local name=$1 k=$IMAGES/tree.tmp cpio=$IMAGES/debian-$1.cpio
	build_tree_tar "$1" || return
	[ "$1" = base ] || return 0
	tree_inputs "$1" | stamp_is "debian-$1-cpio" && [ -f "$cpio" ] &&
	    return 0
	progress "making debian-$1.cpio"
	rm -rf "$k"
	export -f make_tree_cpio
	set -- make_tree_cpio "$k" "$IMAGES/debian-$1.tar" "$cpio"
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		fakeroot -- bash -c '"$@"' - "$@"
	fi || die "cannot make $cpio"
	rm -rf "$k"
	tree_inputs "$name" | stamp_set "debian-$name-cpio"
}
