# SPDX-License-Identifier: BSD-2-Clause
# libuv's own tests, one static program that runs each by its name. Those of
# TCP and UDP need a network.

suite_limit=60
suite_jobs=2

UV_UNIX="async core dl fs getaddrinfo getnameinfo loop-watcher loop pipe poll
process proctitle random-devurandom signal stream tcp thread tty udp linux-core
linux-inotify linux-syscalls procfs-exepath random-getrandom
random-sysctl-linux epoll"

# 7: it cannot run here.
suite_verdict() {
	case $1 in
	0)	echo pass ;;
	7)	echo skip ;;
	*)	echo "fail:$1" ;;
	esac
}

# suite_build SOURCE ROOT
suite_build() {
	local t
	(cd "$1" && mkdir -p objects &&
	    { printf '%s\n' src/*.c; printf 'src/unix/%s.c\n' $UV_UNIX
	    ls test/*.c | grep -Ev '/(benchmark-|run-benchmarks|runner-win)'
	    } | xargs -P "$JOBS" -I '{}' sh -c '
		gcc -c -O1 -w -pthread -D_GNU_SOURCE -Iinclude -Isrc -Itest \
		    -o "objects/$(echo "{}" | tr / _).o" "{}"' &&
	    ar rcs objects/libuv.a objects/src_*.o &&
	    gcc -static -s -pthread -o uv_run_tests objects/test_*.o \
		objects/libuv.a -ldl -lrt 2>/dev/null && mkdir -p "$2/public/test" &&
	    cp uv_run_tests "$2/public/" &&
	    cp -a test/fixtures "$2/public/test/") || return
	UV_RUN_AS_ROOT=1 "$2/public/uv_run_tests" --list | grep -v '^ *$' |
	    while read -r t _; do	# behind it: its helpers
		printf '%s\tenv UV_RUN_AS_ROOT=1 ./uv_run_tests %s\n' "$t" "$t"
	    done >"$2/public/all"
}
