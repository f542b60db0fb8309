# SPDX-License-Identifier: BSD-2-Clause
# xl mem-set down and up while memory is in use: the target is reached and no
# process dies.
# variants: pv/1 pvh/1 pv/4 pvh/4
# timeout: 180 + 40 per cycle

. "$LAB_SRC/work.sh"

low=24 high=256
is_linux && low=128 high=256

# A bigger process comes and goes while there is room.
fill() {
	guest_run b "dirty $1 >/tmp/f & sleep 2; kill \$!; wait \$!; cat /tmp/f" \
	    60 | grep ok
}
up_down() {
	guest_reaches b $high && fill 100 && guest_reaches b $low
}

guest_boot b type=$TYPE vcpus=$VCPUS memory=$high || bail "boot"
guest_run b 'dirty 4 >/tmp/w 2>&1 &' >/dev/null
for ((i = 1; i <= CYCLES; i++)); do
	check "up to $high MB, fill it, down to $low MB, round $i" up_down ||
	    break
	check_run "the busy process lives" b 'jobs; cat /tmp/w' 30 Running
done

# The target is low, but Xen would give more: it takes that rather than kill.
spared() {
	guest_reaches b $low && dom0 "xl mem-max b $high" && fill 100
}
is_linux || check "memory beyond the target before a process dies" spared

# Less than the guest needs: it keeps what it needs and stays alive.
dom0 xl mem-set b 4
sleep 5
check_run "asked for 4 MB, it still works" b 'seq 1000 | wc -l' 60 '^1000$'
check "and grows back" guest_reaches b 64
check "save and restore while ballooned" eval \
    'guest_save b /img/b && guest_restore b /img/b'
check "and to full size after it" guest_reaches b $high
check_run "the busy process had right results" b 'kill %1; wait; cat /tmp/w' \
    60 'dirty: ok'
check "xl shutdown still works" guest_shutdown b

# The same for a guest that has hardly anything to give, or to grow with.
small() {
	check "memory=12 maxmem=64 boots" guest_boot s type=$TYPE \
	    vcpus=$VCPUS memory=12 maxmem=64 || return
	dom0 xl mem-set s 4
	sleep 5
	check_run "asked for 4 MB, it still works" s 'seq 1000 | wc -l' 60 \
	    '^1000$'
	check "and grows beyond what it booted with" guest_reaches s 64
	check_run "and can use it" s 'dirty 40 & sleep 2; kill $!; wait $!' \
	    60 'dirty: ok'
}
if is_linux; then
	skip "a guest of 12 MB" "Debian's kernel needs more"
else
	small
fi
