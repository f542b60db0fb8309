# SPDX-License-Identifier: BSD-2-Clause
# Runs the scenarios. Sourced by ../lab.
#
# A scenario is t_NAME.sh. It is run once for each variant it names, with
# lib.sh's functions, TYPE, VCPUS, KERNEL, KERNEL_NAME (domus or linux),
# INITRD, MEM (a comfortable memory=) and CYCLES (repetitions), and prints TAP
# lines. Its head says:
#	# variants: pv/1 pv/4 pvh/1 pvh/4
#	# timeout: SECONDS + SECONDS per cycle
#	# initrd: debian-base		(a tree of host/debian.sh as initramfs)

ALL_VARIANTS="pv/1 pv/4 pvh/1 pvh/4"

head_of() { sed -n "s/^# $2: //p;20q" "$1"; }

# What a person needs to see why: consoles always, the rest after a failure.
collect_logs() {
	local dir=$1 failed=$2 d
	cp "$SHARE"/console/guest-*[!g].log "$dir/" 2>/dev/null
	cp "$SHARE"/cfg/*.cfg "$dir/" 2>/dev/null
	dom0 'xl dmesg -c' >"$dir/xl-dmesg.log" 2>&1
	[ "$failed" != 0 ] || return 0
	cp "$LAB/logs/serial.log" "$dir/"
	dom0 'xl list -v; xl vcpu-list
	    for d in $(xl list | awk "NR > 2 { print \$2 }"); do
		echo "== domain $d"
		xenctx -C $d
		xenstore-ls -f /local/domain/$d
	    done' >"$dir/domains.log" 2>&1
	dom0 'dmesg | tail -n 100' >"$dir/dom0-dmesg.log" 2>&1
	# A large guest's memory has no room in dom0; its console must do.
	for d in $(dom0 'xl list | awk "NR > 2 && \$3 < 600 { print \$1 }"'); do
		dom0 "for k in t q m; do xl sysrq $d \$k; sleep 1; done"
		guest_klog "$d" >"$dir/klog-$d.log"
	done >/dev/null 2>&1
	dom0 'cd /var/log/xen && tar -cf - .' 2>/dev/null |
	    tar -C "$dir" -xf - 2>/dev/null
}

destroy_all() {
	dom0 'for d in $(xl list | awk "NR > 2 { print \$2 }"); do
		xl destroy $d; done; rm -rf /img/*' >/dev/null 2>&1
	rm -f "$SHARE"/console/* "$SHARE"/cfg/* "$RUN"/*.pos "$RUN"/*.tty
}

# QEMU's emulation of AMD's virtualisation, with more than one CPU, sometimes
# goes on with a PVH guest in a wrong state, Linux too: README.md. For Xen that is
# a triple fault.
qemu_lost_guest() {
	grep -q 'Triple fault - invoking HVM shutdown' "$1/xl-dmesg.log"
}

# Start the lab again, with so many CPUs.
restart_lab() {
	cmd_stop
	LAB_SMP=$1 cmd_start
}

# A machine for guests of that type: emulated, those of PVH get one CPU.
lab_for() {
	local smp=$LAB_SMP
	[ "$1 $(cat "$RUN/accel")" != "pvh tcg" ] || smp=${LAB_PVH_SMP:-1}
	[ "$(cat "$RUN/smp")" = "$smp" ] || restart_lab "$smp"
}

# Print TAP as it comes, but keep all from the first failure on in file $1.
hold() {
	local line
	while IFS= read -r line && [[ $line != "not ok"* ]]; do
		printf '%s\n' "$line"
	done
	[ -z "$line" ] || printf '%s\n' "$line" >>"$1"
	cat >>"$1"
}

# Is dom0 still of use? If not, start it again, and return 1: no guest can be
# blamed for that.
lab_healthy() {
	timeout 60 "$LAB_SRC/host/client" -n -w 20 "$RUN" \
	    'timeout 20 xl list >/dev/null' 2>/dev/null && return 0
	if lab_pid >/dev/null; then
		echo "# dom0 does not answer; starting the lab again"
	else
		echo "# QEMU has ended; starting the lab again"
	fi
	cp "$LAB/logs/serial.log" "$LAB/logs/serial-hung.log"
	restart_lab "$(cat "$RUN/smp")"
	return 1
}

# once_more DIR WHY ARGUMENTS: run_scenario again; its first run is told, but
# does not count, and keeps its logs as DIR-first.
once_more() {
	sed 's/^\(not \)\?ok/# &/' "$1/held"
	echo "# $2: once more"
	sed '/^not ok/,$d' "$1/tap" >>"$LAB/logs/tap"
	rm -rf "$1-first"
	mv "$1" "$1-first"
	run_scenario "${@:3}"
}

# scenario FILE TYPE VCPUS: run it; once more if it fails: the lab itself may
# have, or have had too much to do. What is wrong fails twice. Returns the
# number of failures.
scenario() {
	local dir rc=0 name why="on a busy machine a second may be too short"
	name=$(basename "$1" .sh)-$2-$3
	dir=$LAB/logs/${name#t_}
	if ! run_scenario "$@"; then
		! qemu_lost_guest "$dir" || why="a triple fault, maybe QEMU's"
		lab_healthy || why="the lab itself had failed"
		once_more "$dir" "$why" "$@" || rc=$?
	fi
	cat "$dir/tap" >>"$LAB/logs/tap"
	[ $rc = 0 ] || {
		cat "$dir/held"
		echo "# logs: $dir"
	}
	return $rc
}

# initrd_of FILE: what its guests start from.
initrd_of() {
	local want
	want=$(head_of "$1" initrd)
	[ -n "$GIVEN_INITRD" ] || [ -z "$want" ] || {
		echo "$IMAGES/$want.cpio"
		return
	}
	echo "$INITRD"
}

# run_scenario FILE TYPE VCPUS: prints its TAP up to the first failure, the
# rest is in `held`. Returns the number of failures.
run_scenario() {
	local name dir limit base per rc out failed start
	name=$(basename "$1" .sh)-$2-$3
	dir=$LAB/logs/${name#t_}
	rm -rf "$dir"
	mkdir -p "$dir"
	read -r base _ per _ <<<"$(head_of "$1" timeout)"
	limit=$(((base + ${per:-0} * CYCLES) * ${LAB_SLOW:-1}))
	echo "# ${name#t_} ($KERNEL_NAME)"
	start=$SECONDS
	TYPE=$2 VCPUS=$3 INITRD=$(initrd_of "$1") timeout -k 5 "$limit" bash -c \
	    '. "$LAB_SRC/lib.sh"; . "$0"; exit $((TAP_FAILED != 0))' \
	    "$1" </dev/null > >(tee "$dir/tap" | hold "$dir/held") 2>&1 &
	wait $!		# not in the foreground, so that ^C is heeded at once
	rc=$?
	sleep 0.2
	failed=$(grep -c '^not ok' "$dir/tap")
	if [ "$rc" -ge 124 ]; then
		echo "not ok - ${name#t_} did not end within $limit s" |
		    tee -a "$dir/tap" >>"$dir/held"
	elif [ "$rc" != 0 ] && [ "$failed" = 0 ]; then
		echo "not ok - ${name#t_} ended with status $rc" |
		    tee -a "$dir/tap" >>"$dir/held"
	elif ! grep -q '^ok' "$dir/tap" && [ "$failed" = 0 ]; then
		echo "not ok - ${name#t_} tested nothing" |
		    tee -a "$dir/tap" >>"$dir/held"
	fi
	failed=$(grep -c '^not ok' "$dir/tap")
	collect_logs "$dir" "$failed"
	echo "# ${name#t_}: $((SECONDS - start)) s"
	destroy_all
	return "$failed"
}

cmd_test() {
	local kernel="" types="" vcpus="" list=0 patterns=() f v p pass fail n fd
	local dir=$LAB_SRC initrd="" GIVEN_INITRD
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel)	kernel=$2; shift 2 ;;
		--type)		types=$2; shift 2 ;;
		--vcpus)	vcpus=$2; shift 2 ;;
		--initrd)	initrd=$2; shift 2 ;;
		--scenarios)	dir=$2; shift 2 ;;
		--list)		list=1; shift ;;
		-*)		usage ;;
		*)		patterns+=("$1"); shift ;;
		esac
	done
	[ ${#patterns[@]} -gt 0 ] || patterns=('*')
	CYCLES=${LAB_CYCLES:-3}
	KERNEL_NAME=domus MEM=128 GUEST_EXTRA=
	[ "$kernel" != linux ] || KERNEL_NAME=linux MEM=256 GUEST_EXTRA=quiet
	export GUEST_EXTRA CYCLES KERNEL KERNEL_NAME INITRD MEM

	# One type after the other: they may want machines of their own.
	local todo=() type
	for type in pv pvh; do for f in "$dir"/t_*.sh; do
		for v in $(head_of "$f" variants); do
			[ "${v%/*}" = $type ] || continue
			[ -z "$types" ] || [ $type = "$types" ] || continue
			[ -z "$vcpus" ] || [ "${v#*/}" = "$vcpus" ] || continue
			n=$(basename "$f" .sh)
			for p in "${patterns[@]}"; do
				if [[ ${n#t_} == $p || ${n#t_}-${v/\//-} == $p ]]
				then
					todo+=("$f $v")
					break
				fi
			done
		done
	done; done
	if [ $list = 1 ]; then
		printf '%s\n' "${todo[@]}" | sed 's,.*/t_\(.*\).sh ,\1 ,'
		return 0
	fi
	[ ${#todo[@]} -gt 0 ] || die "no scenario matches ${patterns[*]}"

	cmd_build || return
	for v in $([ -n "$initrd" ] || for f in "${todo[@]% *}"; do
	    head_of "$f" initrd; done | sort -u); do
		cmd_tree "${v#debian-}" >/dev/null || return
	done
	GIVEN_INITRD=$initrd
	KERNEL=$(kernel_file "$kernel")
	INITRD=${initrd:-$(initrd_file "$KERNEL")}
	[ -f "$KERNEL" ] || die "no kernel $KERNEL"
	cmd_start || return
	. "$LAB_SRC/lib.sh"
	exec {fd}>"$LAB/.test"
	flock -n "$fd" || die "another lab test runs in $LAB"
	trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM HUP
	destroy_all
	dom0 'xl dmesg -c >/dev/null'
	pass=0 fail=0
	local tap=$LAB/logs/tap
	: >"$tap"
	for v in "${todo[@]}"; do
		f=${v% *} v=${v##* }
		lab_for "${v%/*}"
		scenario "$f" "${v%/*}" "${v#*/}" || lab_healthy
	done
	pass=$(grep -c '^ok' "$tap")
	fail=$(grep -c '^not ok' "$tap")
	echo "1..$((pass + fail))"
	echo "$pass passed, $fail failed"
	[ "$fail" = 0 ]
}
