# SPDX-License-Identifier: BSD-2-Clause
# The kernel package's own selftests of what a program sees: the x86 ones, in 64
# and 32 bits, then timers, proc, futex, clone3, exec, epoll, pidfd and the
# like. Static programs; those that need modules, network, control groups or
# user namespaces are left out. A test that cannot run says 4.

suite_limit=90
suite_parts='tools/testing/selftests tools/include
arch/x86/include/asm/desc_defs.h'

suite_verdict() {
	case $1 in
	0)	echo pass ;;
	4)	echo skip ;;
	*)	echo "fail:$1" ;;
	esac
}

# st OUT SOURCE... [-OPTION...]: one program; OUT is FOLDER/NAME and becomes the
# name of the test.
st() {
	local out=$1
	shift
	mkdir -p "$ROOT/public/${out%/*}"
	gcc -std=gnu99 -O2 -w -s -static -pthread -no-pie -D_GNU_SOURCE \
	    -I. -I"$SELFTESTS" -o "$ROOT/public/$out" "$@" -lrt -lm \
	    2>/dev/null || {
		echo "# does not compile: $out"
		return 0
	}
	printf '%s\t%s\n' "$out" "./$out" >>"$ROOT/public/all"
}

# For 64 and for 32 bits.
st_x86() {
	local t b more
	for t in single_step_syscall sysret_ss_attrs syscall_nt \
	    test_mremap_vdso check_initial_reg_state sigreturn iopl ioperm \
	    test_vsyscall mov_ss_trap sigtrap_loop syscall_arg_fault \
	    fsgsbase_restore sigaltstack ldt_gdt ptrace_syscall; do
		for b in 64 32; do
			more=
			case $t$b in
			check_*)	more=-Wl,-ereal_start ;;
			sysret_ss_attrs64) more=thunks.S ;;
			ptrace_syscall32) more=raw_syscall_helper_32.S ;;
			esac
			st "x86/${t}_$b" -m$b -DCAN_BUILD_32 -DCAN_BUILD_64 \
			    $t.c $more
		done
	done
	for t in fsgsbase sysret_rip syscall_numbering corrupt_xstate_header
	do
		st "x86/${t}_64" $t.c
	done
	for t in entry_from_vm86 test_syscall_vdso unwind_vdso test_FCMOV \
	    test_FCOMI test_FISTTP vdso_restorer; do
		more=
		[ $t != test_syscall_vdso ] || more=thunks_32.S
		st "x86/${t}_32" -m32 $t.c $more
	done
}

# FOLDER NAME...: programs of one source each.
st_plain() {
	local dir=$1 t
	shift
	for t; do
		st "$dir/$t" "$t.c"
	done
}

st_others() {
	cd "$SELFTESTS/timers" && st_plain timers posix_timers nanosleep \
	    inconsistency-check raw_skew threadtest set-timer-lat || return
	cd ../proc && st_plain proc fd-001-lookup fd-002-posix-eq \
	    fd-003-kthread proc-loadavg-001 proc-empty-vm proc-pid-vm \
	    proc-self-map-files-001 proc-self-map-files-002 \
	    proc-self-syscall proc-self-wchan proc-subset-pid proc-tid0 \
	    proc-uptime-001 proc-uptime-002 read self setns-dcache \
	    setns-sysvipc thread-self proc-multiple-procfs || return
	cd ../clone3 && st_plain clone3 clone3 clone3_clear_sighand \
	    clone3_set_tid || return
	cd ../exec && st_plain exec execveat non-regular recursion-depth \
	    null-argv || return
	cd ../pidfd && st_plain pidfd pidfd_test pidfd_fdinfo_test \
	    pidfd_open_test pidfd_poll_test pidfd_wait pidfd_getfd_test \
	    pidfd_setns_test || return
	cd ../filesystems/epoll && st_plain epoll epoll_wakeup_test || return
	cd "$SELFTESTS/futex/functional" || return
	for t in *.c; do
		st "futex/${t%.c}" "$t" -I../include
	done
	cd "$SELFTESTS/openat2" &&
	    for t in openat2_test rename_attack_test resolve_test; do
		st "openat2/$t" $t.c helpers.c
	done
	cd ../rseq && for t in basic_test basic_percpu_ops_test; do
		st "rseq/$t" $t.c rseq.c -I../../../include
	done
	cd ../vDSO && for t in vdso_test_abi vdso_test_clock_getres \
	    vdso_test_getcpu vdso_test_gettimeofday; do
		st "vDSO/$t" $t.c parse_vdso.c
	done
	cd ../memfd && st memfd/memfd_test memfd_test.c common.c
	cd ../sigaltstack && st_plain misc sas
	cd ../core && st_plain misc close_range_test
	cd ../mincore && st_plain misc mincore_selftest
	cd ../membarrier && st_plain misc membarrier_test_single_thread \
	    membarrier_test_multi_thread
	cd ../ptrace && st_plain ptrace get_syscall_info peeksiginfo vmaccess
	cd ../kcmp && st_plain misc kcmp_test
	cd ../breakpoints && st_plain misc breakpoint_test
	cd ../tmpfs && st_plain misc bug-link-o-tmpfile
	cd ../splice && st_plain splice default_file_splice_read
	:
}

# suite_build SOURCE ROOT
suite_build() {
	local ROOT=$2 SELFTESTS=$1/tools/testing/selftests t
	(cd "$SELFTESTS/x86" && st_x86) && (st_others) || return
	# What execveat wants beside it.
	mkdir -p "$ROOT/public/subdir" && cd "$ROOT/public" &&
	    printf '#!/bin/sh\nexit $*\n' >script && chmod +x script &&
	    cp exec/execveat . && ln -s execveat execveat.symlink &&
	    cp execveat execveat.denatured && chmod -x execveat.denatured
}
