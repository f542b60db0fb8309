#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# build.sh: its words, its errors and their statuses; the private source list.

set -u
: "${TOP:?}" "${OBJ:?}"
dir=$OBJ/regress/t_build
rm -rf "$dir"
mkdir -p "$dir/bin"
cd "$dir" || exit 1
n=0
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}

# says NAME STATUS TEXT ARG...: build.sh ends so and says so
says() {
	name=$1 status=$2 text=$3
	shift 3
	"$TOP/build.sh" -O "$dir/obj" "$@" >out 2>&1
	[ $? -eq "$status" ] && grep -q "$text" out
	result $? "$name"
}
says "no operation" 2 '^usage:'
says "help" 0 '^usage:' -h
says "an unknown option" 2 '^usage:' -x
says "an unknown operation" 1 'unknown operation frob' frob
says "an unknown machine" 1 'unknown machine vax' -m vax kernel=X
says "no jobs" 1 'wants a number' -j 0 check
says "an unknown configuration" 1 'no kernel configuration NOPE' kernel=NOPE
says "an empty configuration" 1 'unknown operation kernel=' kernel=
says "image: not yet" 2 'image: not yet' image
says "image with a name: not yet" 2 'image: not yet' image=x
says "release: not yet" 2 'release: not yet' release
says "words after run" 1 'only .-- CMD' run uname

# The private source list, with an apt-get that only shows its options.
cat >bin/apt-get <<'END'
#!/bin/sh
echo "$@" >>apt.log
END
chmod +x bin/apt-get
sources=$TOP/tools/deps/source
PATH=$dir/bin:$PATH "$sources" apt-get "$dir/obj2" source x
grep -q 'sourceparts=.*/obj2/apt/parts.*source x' apt.log &&
    grep -q 'sourcelist=/dev/null' apt.log
result $? "apt-get is given the private list alone"
cat "$dir"/obj2/apt/parts/* >list &&
    grep -Eq '^(deb-src |Types: deb-src)' list &&
    ! grep -Eq '^(deb |Types: deb$)' list
result $? "the private list has source entries alone"
before=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
    grep -ci '^signed-by')
after=$(grep -ci '^signed-by' list)
[ "$before" -eq "$after" ]
result $? "keys are kept"
awk '!/^#/ && NF && (NF != 4 || length($4) != 64) { exit 1 }' \
    "$TOP/tools/deps/sources"
result $? "every pinned file has a checksum"
echo "1..$n"
