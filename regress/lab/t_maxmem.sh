# SPDX-License-Identifier: BSD-2-Clause
# memory < maxmem: the guest boots with what it has, grows to all it may have,
# and saves, restores and migrates when smaller and larger than it booted.
# variants: pv/1 pvh/1 pv/4 pvh/4
# timeout: 300 + 150 per cycle

. "$LAB_SRC/work.sh"

low=32 boot=64 high=256 more=320
is_linux && low=128 boot=160

# What the guest counts is near what it should have, in MB.
counts() {
	local kb
	kb=$(guest_run m 'grep MemTotal /proc/meminfo' 30 | tr -dc 0-9)
	echo "MemTotal: $kb kB, not about $1 MB"
	[ "$kb" -ge $((($1 - $1 / 8 - 2) * 1024)) ] &&
	    [ "$kb" -le $((($1 + 2) * 1024)) ]
}
fill() {
	guest_run m "dirty $1 >/tmp/f & sleep 3; kill \$!; wait \$!; cat /tmp/f" \
	    90 | grep ok
}
save_restore() {
	guest_save m /img/m && guest_restore m /img/m && dom0 rm /img/m
}
grow_shrink() {
	guest_reaches m $high && counts $high && fill $((high * 3 / 5)) &&
	    save_restore && guest_reaches m $low && save_restore &&
	    guest_migrate m && counts $low
}

# With hardly anything: what the memory map promises must not be touched.
is_linux || {
	check "memory=12 maxmem=1024 boots" guest_boot m type=$TYPE \
	    vcpus=$VCPUS memory=12 maxmem=1024
	check "and grows to 100 MB" guest_reaches m 100
	check "which are there" fill 60
	guest_destroy m
}

guest_boot m type=$TYPE vcpus=$VCPUS memory=$boot maxmem=$high on_reboot=preserve || bail "boot"
check "it has what it booted with" counts $boot
is_linux || check "all of that can be used at once" fill 44
check "save and restore before it ever grew" save_restore
guest_run m 'dirty 4 >/tmp/w 2>&1 &' >/dev/null
for ((i = 1; i <= CYCLES; i++)); do
	check "up to $high MB, save; down to $low MB, save, migrate; round $i" \
	    grow_shrink || break
	check_run "the busy process lives" m 'jobs; cat /tmp/w' 30 Running
done

# Beyond what it was configured with.
dom0 xl mem-max m $more
check "xl mem-max $more: it grows beyond maxmem=" guest_reaches m $more
check "and can use it" fill $((more * 3 / 5))
check "live migration of it" guest_migrate m
check "down again" guest_reaches m $boot
check_run "the busy process had right results" m 'kill %1; wait; cat /tmp/w' \
    60 'dirty: ok'
check "xl shutdown still works" guest_shutdown m
