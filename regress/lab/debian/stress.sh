# SPDX-License-Identifier: BSD-2-Clause
# stress.sh CLASS|STRESSOR...: each stressor of stress-ng's classes, or of
# these names, runs for SECS seconds and verifies its own work; TAP on standard output. One
# that stress-ng itself leaves out, for what the kernel or the machine lacks,
# is skipped with its reason. SLOW multiplies the time it is given to end.
secs=${SECS:-2}
d=${0%/*}
rm -rf /tmp/s && mkdir -p /tmp/s && cd /tmp/s || exit 1
classes=" $(stress-ng --class list 2>&1 | sed "s/.*classes: //") "
for c; do
	case $classes in
	*" $c "*) stress-ng --class "$c?" | sed 's/.*stressors: //' ;;
	*)	echo "$c" ;;
	esac
done | tr ' ' '\n' | grep . | sort -u >/tmp/s.list
n=0
while read -r s; do
	n=$((n + 1))
	if why=$(sed -n "s/^$s	//p" "$d/stress.skip") && [ -n "$why" ]; then
		echo "ok $n - stress-ng $s # SKIP $why"
		continue
	fi
	timeout -k 5 "$(((secs + 40) * ${SLOW:-1}))" stress-ng "--$s" 1 \
	    --verify -t "$secs" --temp-path /tmp/s >/tmp/s.out 2>&1 </dev/null
	rc=$?
	why=$(sed -n 's/^stress-ng: info: *\[[0-9]*\] *//p' /tmp/s.out |
	    grep -E "skipp|not (implemented|supported|available)|disabled '$s'" |
	    head -n 1)
	case $rc:$why in
	*:disabled*) echo "ok $n - stress-ng $s # SKIP ${why:0:60}" ;;
	0:|0:*"successful run"*) echo "ok $n - stress-ng $s" ;;
	0:*|3:?*|4:*) echo "ok $n - stress-ng $s # SKIP ${why:-not implemented}" ;;
	*)	echo "not ok $n - stress-ng $s"
		echo "# status $rc"
		grep -v dispatching /tmp/s.out | head -n 8 | cut -c 1-150 |
		    sed 's/^/# /' ;;
	esac
	rm -rf /tmp/s/*
done </tmp/s.list
cd / && rm -rf /tmp/s
echo "1..$n"
