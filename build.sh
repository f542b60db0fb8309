#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# build.sh: the one command to build, run and test Domus.  See BUILDING.
#
# It needs nothing but a stock Debian: a shell, perl-base and apt.  What else
# an operation wants is named in tools/deps/ and installed by `deps`.

set -eu

TOP=$(cd "$(dirname "$0")" && pwd -P)
OBJ=$TOP/obj
MACHINE=amd64
JOBS=

usage() {
	cat <<'END'
usage: ./build.sh [-m amd64|i386] [-j N] [-O objdir] OPERATION...
  deps              install what is needed from Debian packages
  kernel=CONF       build one kernel: XEN3_DOMU, XEN3_DOMU_DEBUG
  image[=NAME]      bootable disk images (not yet)
  release           everything, under obj/releasedir/ (not yet)
  run [-- CMD...]   boot the guest on real Xen, its console on this terminal;
                    with CMD: run it in the guest, exit with its status
  lab [-- CMD...]   the same for a dom0 shell or a dom0 command
  test [SUITE...]   unit fuzz abi abi-public lab soak; no name: what CI runs
  bench [NAME...]   figures beside a Linux guest's; NAME: abi, disk
  check             static gates: warnings, layering, ABI asserts, style
END
}

say() { printf '===> %s\n' "$*"; }
warn() { printf 'build.sh: %s\n' "$*" >&2; }
die() { warn "$*"; exit 1; }
not_yet() { warn "$1: not yet"; exit 2; }

# --- What the machine must have -----------------------------------------

# Run as root, by sudo when this is an ordinary user.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "installing packages needs root (or sudo)"
	fi
}

# The packages of the groups named, and the lab's own list for group `lab`.
packages_of() {
	for _g; do
		if [ "$_g" != lab ]; then
			awk -v g="$_g" '!/^#/ && $2 == g { print $1 }' \
			    "$TOP/tools/deps/packages"
		elif [ -x "$TOP/regress/lab/lab" ]; then
			"$TOP/regress/lab/lab" deps-list
		fi
	done | sort -u
}

# Those of the packages named that are not installed.
packages_missing() {
	for _p; do
		_s=$(dpkg-query -W -f='${db:Status-Status}' "$_p" \
		    2>/dev/null) || _s=
		[ "$_s" = installed ] || echo "$_p"
	done
}

# Install the packages and fetch the sources that the groups named need.
deps() {
	# The lists hold plain words: splitting is wanted.
	# shellcheck disable=SC2046
	_missing=$(packages_missing $(packages_of "$@"))
	if [ -n "$_missing" ]; then
		say "deps: apt-get install" $_missing
		as_root apt-get -qq update ||
		    warn "apt-get update failed; trying what is known"
		# shellcheck disable=SC2086
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		    -o DPkg::Lock::Timeout=600 \
		    install --no-install-recommends $_missing >&2 ||
		    die "deps: apt-get failed"
	fi
	for _src in $("$TOP/tools/deps/source" list); do
		"$TOP/tools/deps/source" fetch "$OBJ" "$_src" ||
		    die "deps: cannot get the source package $_src"
	done
}

op_deps() {
	say "deps: Debian packages by apt-get and source packages under $OBJ"
	deps kernel test lab
	say "deps: complete"
}

# --- Kernels -------------------------------------------------------------

host_tools() {
	mkdir -p "$OBJ/tools"
	make -s -j"$JOBS" -f "$TOP/tools/tools.mk" TOP="$TOP" O="$OBJ/tools" ||
	    die "the host tools do not build"
}

# kernel CONF [build directory]: leaves the kernel in the build directory.
kernel() {
	_conf=$1
	_dir=${2:-$OBJ/$_conf}
	_file=$TOP/sys/arch/$MACHINE/conf/$_conf
	[ -f "$_file" ] || die "no kernel configuration $_conf for $MACHINE"
	host_tools
	mkdir -p "$_dir"
	"$OBJ/tools/config" -s "$TOP/sys" -b "$_dir" "$_file" ||
	    die "kernel=$_conf: bad configuration"
	make -s -j"$JOBS" -C "$_dir" -f "$TOP/sys/conf/kern.mk" TOP="$TOP" \
	    OBJ="$OBJ" ${CC:+CC="$CC"} ${LD:+LD="$LD"} ||
	    die "kernel=$_conf: failed"
}

op_kernel() {
	deps kernel
	say "kernel=$1: building in $OBJ/$1"
	kernel "$1"
	_out=$OBJ/releasedir/$MACHINE/binary/kernel
	_name=domus-$1
	mkdir -p "$_out"
	cp "$OBJ/$1/$_name" "$_out/$_name.new"
	gzip -9nc "$_out/$_name.new" >"$_out/$_name.gz.new"
	mv "$_out/$_name.new" "$_out/$_name"
	mv "$_out/$_name.gz.new" "$_out/$_name.gz"
	(cd "$_out" && sha512sum domus-*[!w] >SHA512.new &&
	    mv SHA512.new SHA512)
	say "kernel=$1: $_out/$_name ($(wc -c <"$_out/$_name") bytes)"
}

# --- The lab -------------------------------------------------------------

lab_need() {
	[ -x "$TOP/regress/lab/lab" ] || die "regress/lab/lab is missing"
	deps kernel lab
}

op_run() {
	lab_need
	op_kernel XEN3_DOMU >&2
	OBJ="$OBJ" exec "$TOP/regress/lab/lab" run "$@"
}

op_lab() {
	lab_need
	OBJ="$OBJ" "$TOP/regress/lab/lab" start >&2 || exit
	if [ $# -eq 0 ]; then
		OBJ="$OBJ" exec "$TOP/regress/lab/lab" exec -t "bash -l"
	fi
	shift
	OBJ="$OBJ" exec "$TOP/regress/lab/lab" exec "$@"
}

# --- Tests and gates -----------------------------------------------------

op_test() {
	[ $# -gt 0 ] || set -- check unit fuzz abi lab
	deps kernel test
	host_tools
	for _s; do
		case $_s in
		abi* | lab | soak)
			lab_need
			op_kernel XEN3_DOMU
			op_kernel XEN3_DOMU_DEBUG
			break
			;;
		esac
	done
	OBJ="$OBJ" JOBS="$JOBS" TOP="$TOP" "$TOP/regress/run-suites" "$@"
}

op_bench() {
	[ $# -gt 0 ] || set -- abi
	lab_need
	deps kernel test
	op_kernel XEN3_DOMU
	OBJ="$OBJ" TOP="$TOP" "$TOP/regress/bench/run" "$@"
}

op_check() {
	deps kernel test
	host_tools
	OBJ="$OBJ" JOBS="$JOBS" TOP="$TOP" "$TOP/tools/check/check"
}

# --- The command line ----------------------------------------------------

while getopts m:j:O:h _o; do
	case $_o in
	m) MACHINE=$OPTARG ;;
	j) JOBS=$OPTARG ;;
	O) OBJ=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { usage >&2; exit 2; }
case $MACHINE in amd64 | i386) ;; *) die "unknown machine $MACHINE" ;; esac
case ${JOBS:=$(nproc)} in *[!0-9]* | 0) die "-j wants a number" ;; esac
mkdir -p "$OBJ"
OBJ=$(cd "$OBJ" && pwd -P)
export LC_ALL=C

while [ $# -gt 0 ]; do
	_op=$1
	shift
	case $_op in
	deps) op_deps ;;
	kernel=?*) op_kernel "${_op#kernel=}" ;;
	image | image=*) not_yet image ;;
	release) not_yet "$_op" ;;
	run | lab)
		if [ $# -gt 0 ]; then
			[ "$1" = -- ] || die "$_op: only \`-- CMD...' follows"
		fi
		"op_$_op" "$@"
		exit
		;;
	test)
		_suites=
		while [ $# -gt 0 ]; do
			case $1 in
			unit | fuzz | abi | abi-* | lab | soak)
				_suites="$_suites $1"
				shift
				;;
			*) break ;;
			esac
		done
		# shellcheck disable=SC2086
		op_test $_suites
		;;
	bench)
		_names=
		while [ "${1:-}" = abi ] || [ "${1:-}" = disk ]; do
			_names="$_names $1"
			shift
		done
		# shellcheck disable=SC2086
		op_bench $_names
		;;
	check) op_check ;;
	*) usage >&2; die "unknown operation $_op" ;;
	esac
done
