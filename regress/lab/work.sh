# SPDX-License-Identifier: BSD-2-Clause
# The work a guest does while a scenario saves, moves or stops it; sourced.

# work_start NAME: CPU-bound, memory-dirtying, clock-watching and sleeping
# processes, which check their own results until they get SIGTERM.
work_start() {
	guest_run "$1" "cpucheck >/tmp/w1 2>&1 & dirty 16 >/tmp/w2 2>&1 &
monocheck $VCPUS >/tmp/w3 2>&1 & sleeper >/tmp/w4 2>&1 & sleep 100000 &
cd /" 30 >/dev/null
}

# work_alive NAME: none was lost and none has found anything wrong.
work_alive() {
	guest_run "$1" 'cat /tmp/w?; jobs | grep -c Running' 30 |
	    grep -x 5
}

# work_stop NAME: end them; each must report success.
work_stop() {
	local out
	out=$(guest_run "$1" 'kill %1 %2 %3 %4 %5; wait; cat /tmp/w?' 60)
	printf '%s\n' "$out"
	[ "$(grep -c ': ok' <<<"$out")" = 4 ] && ! grep -q FAILED <<<"$out"
}

# cycles DESCRIPTION NAME COMMAND...: CYCLES times COMMAND with the checks
# that must hold after each; one test point each round.
cycles() {
	local what=$1 name=$2 i
	shift 2
	work_start "$name" || bail "start the work"
	for ((i = 1; i <= CYCLES; i++)); do
		check "$what $i" one_cycle "$name" "$@" || return
		sleep 0.5
	done
	check "every process reports right results" work_stop "$name"
	check_run "the shell still works" "$name" 'seq 5000 | wc -l' 30 '^5000$'
}

one_cycle() {
	local name=$1
	shift
	"$@" || return
	work_alive "$name" || { echo "a process was lost"; return 1; }
	date_right "$name"
}
