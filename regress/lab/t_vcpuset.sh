# SPDX-License-Identifier: BSD-2-Clause
# vCPUs come and go at run time (xl vcpu-set), under work, with saves, restores
# and migrations in between: an offline CPU stays offline.
# variants: pv/4 pvh/4
# timeout: 240 + 75 per cycle

. "$LAB_SRC/work.sh"

CPUS=/sys/devices/system/cpu

ASK="cat $CPUS/online $CPUS/present; nproc; grep -c ^processor /proc/cpuinfo; "
ASK+="grep -c '^cpu[0-9]' /proc/stat"

# cpus N: how many CPUs the guest has, all ways of asking agreeing; it may
# take a moment until it is so.
cpus() {
	local want=0 try out
	[ "$1" = 1 ] || want=0-$(($1 - 1))
	for try in 1 2 3 4 5 6 7 8 9 10; do
		out=$(guest_run v "$ASK" 30 | tr -d '\r' | tr '\n' ' ')
		[ "$out" != "$want $want $1 $1 $1 " ] || return 0
		sleep 0.5
	done
	echo "wanted $1 CPUs; online, present, nproc, cpuinfo, stat: $out"
	return 1
}

# xen_cpus N: so many are up as Xen sees it.
xen_cpus() {
	local n
	# An offline one runs on no CPU ("-") and is paused.
	n=$(dom0 "xl vcpu-list v" | awk 'NR > 1 && $5 !~ /p$/' | wc -l)
	[ "$n" = "$1" ] || { echo "Xen has $n vCPUs up"; return 1; }
}

vcpu_set() { dom0 "xl vcpu-set --ignore-host v $1"; }

set_cpus() {
	vcpu_set "$1" && cpus "$1" && xen_cpus "$1"
}

# One change after the other, not waiting for the guest.
storm() {
	dom0 'for n in 1 4 2 3 1 4; do xl vcpu-set --ignore-host v $n; done'
	cpus 4
}

save_restore() {
	guest_save v /img/v && guest_restore v /img/v && dom0 rm /img/v
}

# keeps N COMMAND...: the guest has N CPUs, before and after.
keeps() {
	local n=$1
	shift
	vcpu_set "$n" && cpus "$n" && "$@" && cpus "$n" && xen_cpus "$n" &&
	    work_alive v && date_right v
}

guest_boot v type=$TYPE vcpus=2 maxvcpus=$VCPUS memory=$MEM || bail "boot"
check "boots with 2 of $VCPUS vCPUs" cpus 2
check "Xen sees 2 of them up" xen_cpus 2
check_run "all are possible" v "cat $CPUS/possible" 30 "0-$((VCPUS - 1))"
check "all of them" set_cpus $VCPUS
check "one is left" set_cpus 1
check "no fewer" eval '! vcpu_set 0 && cpus 1'

work_start v || bail "start the work"
for ((i = 1; i <= CYCLES; i++)); do
	for n in 4 1 3; do
		check "under load: $n vCPUs, round $i" set_cpus $n
	done
	check "many changes at once, round $i" storm
	check "no process was lost, round $i" work_alive v
	check "save and restore with 2, round $i" keeps 2 save_restore
	check "save and restore with 4, round $i" keeps 4 save_restore
	check "checkpoint with 3, round $i" keeps 3 guest_checkpoint v /img/c
	check "migration with 1, round $i" keeps 1 guest_migrate v
done
check "every process reports right results" work_stop v

# What the guest itself takes offline is still so after a restore.
check "3 vCPUs" set_cpus 3
check_run "cpu1 offline from inside" v \
    "echo 0 >$CPUS/cpu1/online; cat $CPUS/online $CPUS/present $CPUS/offline" \
    30 $'^0,2\r?\n0-2\r?\n1,3'
check "Xen sees it" xen_cpus 2
check "save and restore" save_restore
check_run "it stays offline" v "sleep 1; cat $CPUS/online $CPUS/cpu1/online" 30 \
    $'^0,2\r?\n0'
check_run "and comes back" v "echo 1 >$CPUS/cpu1/online; cat $CPUS/online" 30 \
    '^0-2'
check_run "cpu0 has no switch" v "[ ! -e $CPUS/cpu0/online ] && ls $CPUS/cpu0" \
    30 topology
check_run "cpu3 is not there" v "ls -d $CPUS/cpu[0-9]; ls $CPUS/cpu3 || :" 30 \
    'cpu2.*No such file'

# A thread bound to a CPU that goes may run on the others.
guest_run v 'taskset -c 2 cpucheck >/tmp/w1 2>&1 &' >/dev/null
check "its CPU goes" set_cpus 2
check_run "it runs on" v 'sleep 1; taskset -p $!' 30 'mask: 3'
check_run "with right results" v 'kill $!; wait; cat /tmp/w1' 30 ': ok'
check "xl shutdown still works" guest_shutdown v
