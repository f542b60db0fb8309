#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The gates of `build.sh check` notice what they are there to notice.

set -u
: "${TOP:?}" "${OBJ:?}"
dir=$OBJ/regress/t_check
rm -rf "$dir"
mkdir -p "$dir/sys/kern" "$dir/sys/sys" "$dir/sys/arch/x86/x86" \
    "$dir/sys/lib" "$dir/tools/check" "$dir/check"
cd "$dir" || exit 1
n=0
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}

# layer NAME STATUS FILE INCLUDE
layer() {
	printf '/* x */\n#include %s\n' "$4" >"$3"
	"$TOP/tools/check/layers" "$3" >out
	status=$?
	if [ "$2" -eq 0 ]; then
		[ $status -eq 0 ] && [ ! -s out ]
	else
		[ $status -eq 1 ] && grep -q "^$3:2: " out
	fi
	result $? "layers: $1"
}
touch sys/kern/local.h
layer "down is allowed" 0 sys/kern/x.c '<sys/types.h>'
layer "the same floor is allowed" 0 sys/kern/x.c '<uvm/uvm.h>'
layer "up is not" 1 sys/kern/x.c '<dev/disk.h>'
layer "up from a kernel header is not" 1 sys/sys/x.h '<uvm/uvm.h>'
layer "the machine's interface is for all" 0 sys/sys/x.h '<machine/cpu.h>'
layer "the rest of the machine is not" 1 sys/kern/x.c '<machine/frame.h>'
layer "Xen stays below sys/arch" 1 sys/kern/x.c '<xen/evtchn.h>'
layer "arch may use Xen" 0 sys/arch/x86/x86/x.c '<xen/evtchn.h>'
layer "a header of the folder" 0 sys/kern/x.c '"local.h"'
layer "a header of another folder" 1 sys/kern/x.c '"../lib/local.h"'
layer "a header of the host" 1 sys/kern/x.c '<stdio.h>'
layer "the compiler's headers" 0 sys/kern/x.c '<stdarg.h>'
layer "a library outside its wrapper" 1 sys/kern/x.c '<libdeflate.h>'
layer "a library in its wrapper" 0 sys/lib/gunzip.c '<libdeflate.h>'

# style NAME STATUS MESSAGE TEXT
git init -q . 2>/dev/null
rm -rf sys
mkdir -p sys/kern
printf '%s\n' 'conditionals_per_1000_lines 1000' 'functions_over_60_lines 0' \
    'lines_over_80_columns 0' >tools/check/ratchets
style() {
	printf '%b\n' "$4" >sys/kern/x.c
	OBJ=$dir "$TOP/tools/check/style" >out 2>&1
	[ $? -eq "$2" ] && grep -q "$3" out
	result $? "style: $1"
}
ok='/* SPDX-License-Identifier: BSD-2-Clause */'
lines() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "\tx();" }'; }
style "a good file" 0 '^# 1 lines' "$ok"
style "no licence" 1 'x.c:1: no SPDX' 'int x;'
style "dead code" 1 'x.c:2: code that' "$ok\n#if 0"
style "a note to oneself" 1 'x.c:2: XXX' "$ok\n/* FIXME */"
style "blanks at the end" 1 'x.c:2: blanks' "$ok\nint x; "
style "a wide line" 1 'x.c:2: wider' "$ok\n$(printf '%090d' 0)"
style "a guest type by name" 1 'x.c:2: names a guest' "$ok\n#ifdef XENPV"
style "a long function" 1 'x.c:2: f() has 122 lines' \
    "$ok\nvoid f(void) {\n$(lines 120)\n}"
style "a figure above its limit" 1 'functions_over_60_lines is above' \
    "$ok\nvoid f(void) {\n$(lines 80)\n}"
style "a long file" 1 '1600 lines' "$ok\n$(lines 1599)"

# abi NAME STATUS LINE: constants against Linux's
mkdir -p kernel/sys check/inc
sed 's/^#define	ENOSYS.*/#define	ENOSYS	39/' "$TOP/sys/sys/errno.h" \
    >bad_errno.h
abi() {
	mkdir -p sys/sys
	cp "$3" sys/sys/errno.h
	echo "$4" >list
	OBJ=$dir "$TOP/tools/check/abi-consts" list >out 2>&1
	[ $? -eq "$2" ]
	result $? "abi: $1"
}
abi "the same constants" 0 "$TOP/sys/sys/errno.h" 'sys/errno.h asm/errno.h ^E'
abi "a wrong constant" 1 bad_errno.h 'sys/errno.h asm/errno.h ^E'
abi "nothing in common" 1 bad_errno.h 'sys/errno.h asm/errno.h ^Q'
echo "1..$n"
