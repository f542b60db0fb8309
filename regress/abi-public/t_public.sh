# SPDX-License-Identifier: BSD-2-Clause
# The tests of a public suite, those of /public/list, in guests; started by
# ./run, which says which (PUBLIC_*). What the runner says of them is appended
# to PUBLIC_RESULTS. After a test that takes the guest with it the next guest
# goes on; when tests run one by one, that one's status is `dead'.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 7200

where="$PUBLIC_SUITE, $KERNEL_NAME $TYPE $VCPUS"
limit=$((PUBLIC_LIMIT * SLOW))
# Tests are started for so many seconds, then the guest is asked again.
slice=$((40 * SLOW))
answer=$((40 + (PUBLIC_LIMIT + 20) * 2))

boot() {
	guest_boot public type=$TYPE vcpus=$VCPUS memory=$PUBLIC_MEMORY &&
	    guest_run public 'sh /runner.init' 30 >/dev/null
}

# The last number that a RESULT of standard input has, or $1 - 1.
last_number() { awk -v n="$1" 'BEGIN { n-- } $2 > n { n = $2 } END { print n }'; }

# The guest was lost at line $1 or behind, results $2: prints where to go on.
after_loss() {
	local last
	last=$(last_number "$1" <<<"$2")
	if [ "$PUBLIC_JOBS" -eq 1 ]; then
		echo "RESULT $((last + 1)) dead 0 $(sed -n "$((last + 2))p" \
		    "$PUBLIC_LIST" | cut -f 1)" >>"$PUBLIC_RESULTS"
		echo $((last + 2))
	else
		# It was one of these: they come again, alone.
		echo $((last + 1 + PUBLIC_JOBS))
	fi
}

# Run the lines from $1 on for a while; sets `next'.
run_slice() {
	local out said
	printf 'cd /public && /runner -t %s -j %s -b %s -s %s list\n' \
	    $limit "$PUBLIC_JOBS" $slice $next | guest_raw public
	# A kernel that panics does not answer: not waited for.
	out=$(guest_expect public \
	    'NEXT [0-9]+\r?\n|panic: .*\n|Kernel panic.*\n' $answer)
	out=${out//$'\r'/}
	# Other output may stand before it in its line.
	said=$(grep -aoP 'RESULT [0-9]+ [a-z0-9]+ [0-9]+ .*|^\t.*' <<<"$out")
	[ -z "$said" ] || printf '%s\n' "$said" >>"$PUBLIC_RESULTS"
	if grep -q '^NEXT ' <<<"$out"; then
		next=$(sed -n 's/^NEXT //p' <<<"$out")
		return
	fi
	diag "$where: the guest was lost behind line $next; its last words:"
	sleep 2
	diag "$(tail -n 25 "$(guest_log public)" | tr -d '\r')"
	next=$(after_loss $next "$(grep '^RESULT' <<<"$said")")
	guest_destroy public
	boot || bail "$where: boots again"
}

boot || bail "$where: boots"
next=0
total=$(wc -l <"$PUBLIC_LIST")
while [ "$next" -lt "$total" ]; do
	before=$next
	run_slice
	[ "$next" -gt "$before" ] || bail "$where: goes on behind line $next"
done
check_run "$where: the guest answers at the end" public uname 30
guest_destroy public
