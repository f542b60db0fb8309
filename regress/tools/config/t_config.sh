#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/config: what it makes of good configurations, and how it refuses bad
# ones (file:line: message, status 1, nothing written).

set -u
: "${TOP:?}" "${OBJ:?}"
dir=$OBJ/regress/t_config
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir" || exit 1
n=0
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}

# A small tree.
mkdir -p sys/conf sys/arch/toy/conf sys/kern sys/dev sys/fs/a sys/fs/b b
touch sys/kern/k1.c sys/kern/k2.S sys/kern/note.txt sys/dev/disk.c \
    sys/dev/pci.c sys/fs/a/a.c sys/fs/b/b.c sys/kern/smp.c sys/kern/up.c
cat >sys/conf/files <<'END'
defflag	SMP DEBUG	# two options
defparam MAXUSERS
define	blockdev
device	mainbus
attach	mainbus at root
device	bus
attach	bus at mainbus
device	disk: blockdev
attach	disk at bus
attach	disk at mainbus
defpseudo loop : blockdev
dir	kern
file	kern/smp.c	SMP & !DEBUG
file	kern/up.c	!SMP
	| DEBUG
dir	fs/*
file	dev/disk.c	blockdev
END
echo 'file dev/pci.c (bus & SMP) | DEBUG' >sys/arch/toy/conf/files.toy

# run CONFIGURATION-TEXT: 0 if config takes it; stderr in err
run() {
	printf '%s\n' "$1" >sys/arch/toy/conf/TOY
	"$OBJ/tools/config" -s "$PWD/sys" -b "$PWD/b" sys/arch/toy/conf/TOY \
	    >out 2>err
}
files() { tr -d '\\\n' <b/files.mk | sed 's/.*SRCS =//' | tr -s '\t ' ' '; }

# good NAME TEXT FILES: accepted, with these files
good() {
	run "$2" && [ "$(files)" = " $3" ]
	result $? "$1"
}

# bad NAME LINE MESSAGE TEXT: refused with that message at that line
bad() {
	rm -rf b
	mkdir b
	run "$4"
	[ $? -eq 1 ] && grep -q "TOY:$2: .*$3" err && [ -z "$(ls b)" ]
	result $? "$1"
}

base='sys/kern/k1.c sys/kern/k2.S'
fs='sys/fs/a/a.c sys/fs/b/b.c'
good "a minimal configuration" "machine toy" "$base sys/kern/up.c $fs"
good "options choose files" "machine toy
options SMP" "$base sys/kern/smp.c $fs"
good "conditions: not, and, or" "machine toy
options SMP DEBUG" "$base sys/kern/up.c $fs sys/dev/pci.c"
good "devices select attributes" "machine toy
mainbus0 at root
disk* at mainbus?" "$base sys/kern/up.c $fs sys/dev/disk.c"
good "no options" "machine toy
options SMP	# comment
no options SMP" "$base sys/kern/up.c $fs"
good "a continued line" "machine toy
options
	SMP" "$base sys/kern/smp.c $fs"

run 'machine toy
options SMP MAXUSERS="(4 * 8)"
makeoptions COPTS="-Os -g"
disk* at bus?
bus0 at mainbus0
mainbus0 at root
pseudo-device loop'
result $? "a full configuration"
grep -q '^#define	SMP	1$' b/opt.h &&
    grep -q '^#define	MAXUSERS	(4 \* 8)$' b/opt.h &&
    ! grep -q DEBUG b/opt.h
result $? "opt.h has the options"
grep -q '^COPTS = -Os -g$' b/files.mk && grep -q '^CONF = TOY$' b/files.mk
result $? "files.mk has makeoptions and the name"
grep '&.*_driver,' b/ioconf.c | tr -d '\n' | tr -s '\t ' ' ' | grep -q \
    'mainbus_driver,.*bus_driver, &mainbus.*disk_driver, &bus_.*loop_driver'
result $? "ioconf.c has parents first"
ls -l --time-style=full-iso b >before
sleep 0.05
"$OBJ/tools/config" -s "$PWD/sys" -b "$PWD/b" sys/arch/toy/conf/TOY
ls -l --time-style=full-iso b | cmp -s before -
result $? "a second run writes nothing"
echo 'options SMP' >sys/inc
run 'machine toy
include "inc"'
result $? "include"

bad "undeclared option" 2 'undeclared option .NOPE' "machine toy
options NOPE"
bad "an option that is a device" 2 'undeclared option .disk' "machine toy
options disk"
bad "undeclared device" 2 'undeclared device .tape' "machine toy
tape0 at bus0"
bad "undeclared parent" 2 'undeclared device .scsi' "machine toy
disk0 at scsi0"
bad "a parent it does not attach to" 2 'does not attach' "machine toy
disk0 at root"
bad "a parent that is not configured" 2 'not configured' "machine toy
disk0 at bus0"
bad "configured twice" 3 'was configured at' "machine toy
mainbus0 at root
mainbus0 at root"
bad "an option set twice" 3 'was set at' "machine toy
options SMP
options SMP"
bad "a flag with a value" 2 'takes no value' "machine toy
options SMP=1"
bad "a parameter without a value" 2 'needs a value' "machine toy
options MAXUSERS"
bad "no options of one that is not set" 2 'not set' "machine toy
no options SMP"
bad "unknown statement" 2 'unknown statement' "machine toy
frobnicate SMP"
bad "a files statement in a configuration" 2 'unknown statement' "machine toy
defflag X"
bad "a missing include" 2 'cannot read' 'machine toy
include "nowhere"'
bad "an unknown machine" 1 'cannot read' "machine vax"
bad "a machine with a slash" 1 'not a machine' "machine ../x"
bad "no machine" 1 'starts with' "options SMP"
bad "two machines" 2 'given twice' "machine toy
machine toy"
bad "an open quote" 2 'quote missing' 'machine toy
options MAXUSERS="3'
bad "a pseudo-device that is none" 2 'undeclared pseudo' "machine toy
pseudo-device disk"
bad "a line too long" 2 'too long' "machine toy
options $(awk 'BEGIN { for (i = 0; i < 5000; i++) printf "x" }')"
bad "too many words" 2 'too many words' "machine toy
options $(awk 'BEGIN { for (i = 0; i < 200; i++) printf "x " }')"
echo 'include "loop"' >sys/loop
rm -rf b
mkdir b
run 'machine toy
include "loop"'
[ $? -eq 1 ] && grep -q 'too deep' err
result $? "an include of itself"
run 'machine toy
options NOPE
tape0 at bus0'
[ "$(wc -l <err)" -eq 2 ]
result $? "all mistakes are shown"

# Mistakes in files.*
# badfiles NAME MESSAGE LINE
badfiles() {
	cp sys/conf/files saved
	echo "$3" >>sys/conf/files
	run "machine toy"
	[ $? -eq 1 ] && grep -q "files:$(wc -l <sys/conf/files): .*$2" err
	result $? "$1"
	cp saved sys/conf/files
}
badfiles "a file that is not there" 'no file' 'file kern/nope.c'
badfiles "a directory that is not there" 'no directory' 'dir nope'
badfiles "a file of another kind" 'neither' 'file kern/note.txt'
badfiles "a file listed twice" 'listed twice' 'file kern/up.c'
badfiles "an undeclared name in a condition" 'undeclared name FOO' \
    'file dev/pci.c FOO'
badfiles "a condition that breaks off" 'name is missing' \
    'file dev/pci.c SMP &'
badfiles "an open parenthesis" 'missing' 'file dev/pci.c (SMP'
badfiles "more after a condition" 'unexpected' 'file dev/pci.c SMP SMP'
badfiles "declared twice" 'was declared at' 'defflag SMP'
badfiles "a bad name" 'is no name' 'defflag 3COM'
badfiles "attach of nothing declared" 'undeclared device' 'attach x at bus'
badfiles "an undeclared attribute" 'undeclared attribute' 'device x: y'

for conf in "$TOP"/sys/arch/*/conf/XEN3* "$TOP"/sys/arch/*/conf/INSTALL*; do
	[ -f "$conf" ] || continue
	"$OBJ/tools/config" -s "$TOP/sys" -b "$PWD/b" "$conf"
	result $? "the kernel configuration $(basename "$conf")"
done
echo "1..$n"
