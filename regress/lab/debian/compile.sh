# SPDX-License-Identifier: BSD-2-Clause
# compile.sh DIR: builds a program of 40 files in DIR, twice with the same
# result, and runs it. Says "compiled: ok" at the end.
cd "$1" || exit 1
for ((i = 1; i <= 40; i++)); do
	cat >f$i.c <<-END
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	unsigned f$i(unsigned x)
	{
		unsigned a[64], i;
		for (i = 0; i < 64; i++)
			a[i] = x * $i + i;
		for (i = 1; i < 64; i++)
			a[i] ^= a[i - 1] >> 3;
		return a[63];
	}
	END
done
{
	for ((i = 1; i <= 40; i++)); do echo "unsigned f$i(unsigned);"; done
	echo '#include <stdio.h>'
	echo 'int main(void) { unsigned x = 1;'
	for ((i = 1; i <= 40; i++)); do echo "x = f$i(x);"; done
	echo 'printf("%08x\n", x); return 0; }'
} >main.c
printf 'p: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\t$(CC) -o $@ $^\n' >Makefile
build() {
	rm -f ./*.o p
	make -s -j"$(nproc)" CFLAGS="-O2 -g" && sha256sum p *.o >"$1" && ./p
}
one=$(build sums.1) && two=$(build sums.2) && [ "$one" = "$two" ] &&
    cmp sums.1 sums.2 && echo "compiled: ok ($one)"
