# SPDX-License-Identifier: BSD-2-Clause
# The conformance tests of the Open POSIX Test Suite, about 1,700 programs for
# glibc. They have many sleeps, so several run at once.

suite_limit=90
suite_jobs=6

suite_verdict() {
	case $1 in
	0)	echo pass ;;
	1)	echo fail ;;
	2)	echo unresolved ;;
	4)	echo unsupported ;;
	5)	echo untested ;;
	*)	echo "$1" ;;
	esac
}

# pts_compile FILE: some of them are not meant to be linked, and some forget
# headers.
pts_compile() {
	local more
	grep -q 'main *(' "$1" || return 0
	for more in "" "-include fcntl.h -include signal.h -include stdlib.h"; do
		# shellcheck disable=SC2086
		gcc -std=gnu99 -O0 -w -s -D_GNU_SOURCE \
		    -D_POSIX_C_SOURCE=200112L $more -Iinclude -pthread \
		    -o "${1%.c}.test" "$1" -lrt -lm 2>/dev/null && return
	done
	echo "# does not compile: $1"
}

# suite_build SOURCE ROOT
suite_build() {
	export -f pts_compile
	with_libraries "$2" libc.so.6 libm.so.6 libgcc_s.so.1 || return
	(cd "$1" && find conformance -name '[0-9]*-*.c' | sort |
	    xargs -P "$JOBS" -I '{}' bash -c 'pts_compile {}' &&
	    find conformance -name '[0-9]*-*.test' -o \
		-name '[0-9]*-[0-9]*.sh' | cpio -pdm --quiet "$2/public") &&
	    chmod -R +x "$2/public/conformance" || return
	(cd "$2/public" && find conformance ! -name '*-buildonly.test' \
	    -type f | sort -V |
	    sed -E 's,^conformance/(interfaces/)?(.*)\.[a-z]*$,\2\t&,') \
	    >"$2/public/all"
}
