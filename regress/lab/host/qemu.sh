# SPDX-License-Identifier: BSD-2-Clause
# Starts and stops the machine that Xen runs on. Sourced by ../lab.

# The pid of this OBJ directory's QEMU, if it runs.
lab_pid() {
	local pid
	pid=$(cat "$RUN/qemu.pid" 2>/dev/null) || return 1
	[ -n "$pid" ] && grep -qaF "$RUN/" "/proc/$pid/cmdline" 2>/dev/null ||
	    return 1
	echo "$pid"
}

# AMD's virtualisation is what QEMU emulates; family 15 makes Xen's own shim
# fault. No XSAVE: with XSAVEOPT QEMU mixes up the vector registers of two
# programs, in dom0 as in any guest, and with XSAVE alone Xen does not start.
# No BMI: with it zstd calls its own output corrupt, on Linux as on Domus.
LAB_CPU=${LAB_CPU:-qemu64,family=23,model=1,+svm,+npt,+fsgsbase,+smep,+smap\
,+rdrand,+sse4.1,+sse4.2,+ssse3,+popcnt,+movbe,+aes,+pdpe1gb}

# With SMAP in use by Xen itself QEMU's emulation makes it fault in dom0's
# first exception, so that is left to PVH guests. QEMU has no invariant TSC to
# offer, but its TSC is one: told so, Xen lets guests read it untrapped, as it
# does on today's machines (LAB_XEN=tsc=unstable shows the other way).
XEN_CMDLINE="console=com1 com1=115200 loglvl=all guest_loglvl=all
conring_size=1M dom0_mem=1024M,max:1024M dom0_max_vcpus=2 bootscrub=0
spec-ctrl=no,eager-fpu smep=hvm smap=hvm tsc=stable:socket
watchdog=0 noreboot dom0_vcpus_pin"
DOM0_CMDLINE="console=hvc0 quiet loglevel=4 nomodeset net.ifnames=0
mitigations=off rodata=off apparmor=0 audit=0 rdinit=/init panic=0"

# KVM helps only where it can run a hypervisor that runs PVH guests.
kvm_usable() {
	[ -r /dev/kvm ] && [ -w /dev/kvm ] && [ ! -f "$LAB/no-kvm" ] &&
	    grep -qE '^flags.* (svm|vmx)( |$)' /proc/cpuinfo &&
	    grep -q '^[Y1]' /sys/module/kvm_{amd,intel}/parameters/nested \
		2>/dev/null
}

start_lab() {
	local accel=${LAB_ACCEL:-}
	lab_pid >/dev/null && return 0
	if [ -z "$accel" ] && kvm_usable; then
		start_qemu kvm && return 0
		say "no luck with KVM; from now on without"
		touch "$LAB/no-kvm"
	fi
	start_qemu "${accel:-tcg}" ||
	    die "dom0 did not come up (log: $LAB/logs/serial.log)"
}

# An interrupt that QEMU is told of while it leaves a PVH guest can be lost: it
# changes the CPU's word of pending requests there without a lock. It is not gone
# for ever, as the next one for that CPU brings it along, but in a quiet machine
# there is none: Xen sleeps past its timer, or waits for an answer to its IPI.
# So each CPU gets one every 200 ms: dom0 reads port beatN with its vCPU N.
beat() {
	local pid
	pid=$(lab_pid) || return
	exec 3>"$RUN/beat0.in" 4>"$RUN/beat1.in"
	while kill -0 "$pid" && echo >&3 && echo >&4; do
		sleep 0.2
	done
}

# A process that stays must not keep our locks.
close_files() {
	local i
	for i in /proc/self/fd/*; do
		i=${i##*/}
		[ "$i" -le 2 ] || eval "exec $i>&-"
	done
}

# start_qemu ACCELERATOR
start_qemu() {
	local i
	local args=(-device "virtio-serial-pci,id=lab,max_ports=$((NPORTS + 1))")
	rm -rf "$RUN"
	mkdir -p "$RUN" "$SHARE" "$LAB/logs" || die "cannot make $LAB"
	rm -rf "$SHARE"/{console,cfg,boot,disk}
	mkdir -p "$SHARE"/{console,cfg,boot,disk}
	for ((i = 1; i <= NPORTS; i++)); do
		args+=(-chardev "socket,id=p$i,path=port$i.sock,server=on,wait=off"
		    -device "virtserialport,bus=lab.0,chardev=p$i,nr=$i,name=lab$i")
	done
	for i in 0 1; do
		mkfifo "$RUN/beat$i.in" "$RUN/beat$i.out"
		args+=(-chardev "pipe,id=b$i,path=beat$i"
		    -device "virtio-serial-pci,id=beat$i,max_ports=2"
		    -device "virtserialport,bus=beat$i.0,chardev=b$i,name=beat$i")
	done
	case $1 in
	tcg)	args+=(-accel "tcg,thread=multi,tb-size=256" -cpu "$LAB_CPU") ;;
	kvm)	args+=(-accel kvm -cpu host) ;;
	esac
	echo "$1" >"$RUN/accel"
	echo "$LAB_SMP" >"$RUN/smp"
	# /dev/vdb in dom0: QEMU logs what is written there.
	truncate -s 0 "$LAB/cuts.img" "$LAB/cuts.log" &&
	    truncate -s 64M "$LAB/cuts.img"
	# /dev/vdc in dom0: a large disk for a guest, many times faster than a
	# file under /share, which is read by single pages.
	truncate -s 0 "$LAB/disk.img" && truncate -s 4G "$LAB/disk.img"
	say "starting Xen ($1; log: $LAB/logs/serial.log)"
	# Socket names are relative: an OBJ path may be longer than they can be.
	(close_files
	cd "$RUN" && TMPDIR=$RUN exec qemu-system-x86_64 -name "$RUN/" \
	    -machine q35 -smp "$LAB_SMP" -m "$LAB_MEM" -nodefaults \
	    -display none -no-user-config \
	    -kernel "$IMAGES/xen" \
	    -initrd "$IMAGES/vmlinuz $(echo $DOM0_CMDLINE),$IMAGES/dom0.gz" \
	    -append "$(echo $XEN_CMDLINE ${LAB_XEN:-})" \
	    -drive "file=$IMAGES/root.img,format=raw,if=none,id=root,snapshot=on,cache=unsafe" \
	    -device virtio-blk-pci,drive=root \
	    -blockdev "driver=blklogwrites,node-name=cuts,\
file.driver=file,file.filename=$LAB/cuts.img,file.cache.no-flush=on,\
log.driver=file,log.filename=$LAB/cuts.log,log.cache.no-flush=on" \
	    -device virtio-blk-pci,drive=cuts \
	    -drive "file=$LAB/disk.img,format=raw,if=none,id=disk,cache=unsafe" \
	    -device virtio-blk-pci,drive=disk \
	    -virtfs "local,path=$SHARE,mount_tag=share,security_model=none" \
	    -serial "file:$LAB/logs/serial.log" \
	    -monitor unix:monitor.sock,server=on,wait=off \
	    "${args[@]}" -pidfile "$RUN/qemu.pid" -daemonize) ||
	    die "QEMU did not start"
	(close_files; beat) </dev/null >/dev/null 2>&1 &
	if ! "$LAB_SRC/host/client" -n -w $((120 * ${LAB_SLOW:-1})) "$RUN" true
	then
		tail -n 20 "$LAB/logs/serial.log" >&2
		stop_qemu
		return 1
	fi
	say "dom0 is ready"
}

stop_qemu() {
	local pid i
	pid=$(lab_pid) || return 0
	kill "$pid"
	for ((i = 0; i < 100; i++)); do
		lab_pid >/dev/null || return 0
		sleep 0.1
	done
	kill -9 "$pid"
}

cmd_start() {
	while [ $# -gt 0 ]; do
		case $1 in
		--smp)	LAB_SMP=$2; shift 2 ;;
		--mem)	LAB_MEM=$2; shift 2 ;;
		*)	usage ;;
		esac
	done
	mkdir -p "$LAB" || die "cannot make $LAB"
	lock "$LAB/.lock" start_lab
}

cmd_stop() { [ ! -d "$LAB" ] || lock "$LAB/.lock" stop_qemu; }

cmd_status() {
	local pid
	if pid=$(lab_pid); then
		echo "running, pid $pid, share $SHARE, logs $LAB/logs"
	else
		echo "not running"
		return 1
	fi
}

cmd_exec() {
	local opts=()
	if [ "${1:-}" = -t ]; then
		opts=(-t)
		shift
	fi
	lab_pid >/dev/null || { cmd_build && cmd_start; } || return 125
	"$LAB_SRC/host/client" "${opts[@]}" "$RUN" "$*"
}
