#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/ksyms and sys/kern/subr_ksyms.c together: the functions of a real
# program go through the table and every one must be found again.

set -u
: "${TOP:?}" "${OBJ:?}"
dir=$OBJ/regress/t_ksyms
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir" || exit 1
n=0
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}

cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
const char *ksyms_lookup(unsigned long va, unsigned long *offset);
int main(int argc, char **argv)
{
	unsigned long va, end, off;
	char name[1000];
	FILE *fp = fopen(argc > 1 ? argv[1] : "", "r");
	int bad = fp == NULL, n = 0;

	/* Each line: address of a function, of the next one, name. */
	while (!bad && fscanf(fp, "%lx %lx %999s", &va, &end, name) == 3) {
		name[127] = '\0';
		n++;
		if (strcmp(ksyms_lookup(va, &off), name) != 0 || off != 0 ||
		    strcmp(ksyms_lookup(end - 1, &off), name) != 0 ||
		    off != end - 1 - va) {
			fprintf(stderr, "%lx: %s, not %s\n", va,
			    ksyms_lookup(va, &off), name);
			bad = 1;
		}
	}
	fprintf(stderr, "%d names\n", n);
	return bad || n == 0;
}
END

# lookup NM-FILE: does the table of these symbols find each of them?
lookup() {
	start=$(awk '$3 == "__text_start" { print $1 }' "$1")
	end=$(tail -n 1 "$1" | cut -d' ' -f1)
	awk '$3 != "__text_start" && $1 != last {
		if (last) print last, $1, name
		last = $1; name = $3
	}' "$1" >expect
	"$OBJ/tools/ksyms" <"$1" >table.c &&
	gcc -c -std=gnu17 -O2 -g -ffreestanding -fno-pie -nostdinc \
	    -D_KERNEL -isystem "$(gcc -print-file-name=include)" \
	    -I"$TOP/sys" "$TOP/sys/kern/subr_ksyms.c" table.c &&
	gcc -O2 -no-pie -o main main.c subr_ksyms.o table.o \
	    -Wl,--defsym,__text_start=0x"$start",--defsym,__text_end=0x"$end" &&
	./main expect
}

# The tool's own functions, with more made-up ones around them.
awk 'BEGIN {
	printf "%016x T __text_start\n", 4194304
	at = 4194304
	for (i = 0; i < 5000; i++) {
		printf "%016x t function_number_%d_of_%d%s\n", at, i,
		    i * i % 97, i % 50 ? "" : ".constprop.0"
		at += 1 + i * i * 7 % 3000
	}
	printf "%016x t ", at
	for (i = 0; i < 50; i++)
		printf "very_long_name_"
	printf "\n%016x t last\n", at + 1000
}' >many
lookup many
result $? "5000 names, one too long"

printf '%s\n' '0000000000400000 T __text_start' \
    '0000000000400000 T only' '0000000000400100 T end' >one
lookup one
result $? "one name"

nm -n "$OBJ/tools/ksyms" | grep -i ' t ' |
    awk 'NR == 1 { print $1, "T __text_start" } { print }' >real
lookup real
result $? "the names of a real program"

"$OBJ/tools/ksyms" </dev/null >/dev/null
result $? "no names at all"
! printf '%s\n' '0000000000400100 T b' '0000000000400000 T a' |
    "$OBJ/tools/ksyms" >/dev/null 2>&1
result $? "names out of order are refused"
! printf '%s\n' '0000000000400100 T b' | "$OBJ/tools/ksyms" >/dev/null 2>&1
result $? "a missing __text_start is noticed"
echo "1..$n"
