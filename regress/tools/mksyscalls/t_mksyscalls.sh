#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/mksyscalls: the tables have Linux's numbers and names, compile, and
# bad lines are refused.

set -u
: "${TOP:?}" "${OBJ:?}"
dir=$OBJ/regress/t_mksyscalls
rm -rf "$dir"
mkdir -p "$dir/compat/linux"
cd "$dir" || exit 1
tool=$TOP/tools/mksyscalls/mksyscalls
master=$TOP/sys/compat/linux/syscalls.master
n=0
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}
compiles() {
	gcc -std=gnu17 -Wall -Wextra -Werror -ffreestanding -nostdinc \
	    -D_KERNEL -isystem "$(gcc -print-file-name=include)" \
	    -I"$TOP/sys" -I. -c -o /dev/null "$@"
}

"$tool" header "$master" >compat/linux/linux_syscallargs.h &&
    "$tool" table "$master" >table.c && compiles table.c
result $? "the tables compile"

# With every call implemented: each prototype fits its table entry.
sed -E 's/^([0-9-]+\t[0-9-]+\t)\S+/\1STD\/STD/' "$master" >all
"$tool" header all >compat/linux/linux_syscallargs.h &&
    "$tool" table all >table.c && compiles table.c
result $? "the tables with all calls compile"

for w in 64 32; do
	f=/usr/include/x86_64-linux-gnu/asm/unistd_$w.h
	sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\2 \1/p' "$f" |
	    sort >want
	awk -v w=$w '!/^#/ && NF { nr = w == 64 ? $1 : $2
	    sub(/\(.*/, "", $4); if (nr != "-") print nr, $4 }' \
	    "$master" | sort >got
	# Newer headers may have more; what they have must agree.
	[ -s want ] && join want got | awk '$2 != $3 { exit 1 }' &&
	    [ "$(comm -13 want got | wc -l)" -eq 0 ]
	result $? "numbers and names agree with the installed unistd_$w.h"
done

# bad NAME MESSAGE LINE...: refused with a message for the first line
bad() {
	name=$1 message=$2
	shift 2
	printf '%s\n' "$@" >m
	"$tool" table m >out 2>err
	[ $? -ne 0 ] && [ ! -s out ] && grep -q "^m:$#: .*$message" err
	result $? "$name"
}
bad "no prototype" 'not .NUMBER' '0 3 STD'
bad "a bad number" 'bad number' 'x 3 STD read(void)'
bad "a number used twice" 'number 0 is' '0 1 STD a(void)' '0 2 STD b(void)'
bad "a name used twice" 'there twice' '0 1 STD a(void)' '1 2 STD a(void)'
bad "an unknown status" 'unknown status' '0 1 DONE a(void)'
bad "PARTIAL without a reason" 'PARTIAL needs' '0 1 PARTIAL a(void)'
bad "a bad argument" 'bad argument' '0 1 STD a(int)'
bad "too many arguments" 'more than six' \
    '0 1 STD a(int a, int b, int c, int d, int e, int f, int g)'
bad "served by nobody" 'no such call' '- 1 STD=b a(void)'
bad "no number at all" 'no number' '- - STD a(void)'

printf '%s\n' '0 1 STD/STD a(int fd, const char *path, void *buf)' \
    '1 - PARTIAL b(mode_t mode) -- no sticky bit' '- 2 UNIMPL c(void)' >m
"$tool" table m >out
grep -q '\[0\] = { "a", (linux_syscall_fn \*)linux_sys_a, 3, 0, "fsp" }' out &&
    grep -q '\[1\] = { "b", (linux_syscall_fn \*)linux_sys_b, 1, 0, "o" }' out &&
    [ "$(grep -c 'linux_sys_a' out)" -eq 2 ] && ! grep -q linux_sys_c out
result $? "entries, kinds of arguments, ENOSYS without a function"
printf '%s\n' '0 1 STD/STD@ a(int fd)' '- 2 STD=a+64 b(int fd)' \
    '- 3 STD@ c(int fd)' '- 4 STD=a d(int fd)' >m2
"$tool" table m2 >out
grep -q '\[0\] = { "a", (linux_syscall_fn \*)linux_sys_a, 1, 0, "f" }' out &&
    grep -q '\[1\] = { "a", .*\*)linux32_sys_a, 1, 0, "f" }' out &&
    grep -q '\[2\] = { "b", .*\*)linux_sys_a, 1, SY_WIDE, "f" }' out &&
    grep -q '\[3\] = { "c", .*\*)linux32_sys_c, 1, 0, "f" }' out &&
    grep -q '\[4\] = { "d", .*\*)linux_sys_a, 1, 0, "f" }' out
result $? "functions of their own, other calls' and wide ones for i386"
"$tool" doc m | grep -q '| b | 1 | partial |  |  | no sticky bit |'
result $? "the coverage page says what is missing"
echo "1..$n"
