# SPDX-License-Identifier: BSD-2-Clause
# pytest.sh MODULE...: Python's own tests of these modules, a test point for
# each. Left out are those that pytest.skip names with a reason. SLOW
# multiplies the times. Runs on Linux in a chroot, too.
export LC_ALL=C.UTF-8 HOME=/root
d=$(cd "${0%/*}" && pwd)
cd /tmp || exit 1
n=0
for m; do
	n=$((n + 1))
	ignore=()
	while IFS=$'\t' read -r mod name why; do
		[ "$mod" != "$m" ] || {
			ignore+=(-i "$name")
			echo "# left out: $mod $name: $why"
		}
	done < <(grep -v '^#' "$d/pytest.skip")
	timeout -k 10 "$((600 * ${SLOW:-1}))" python3 -m test -v --timeout \
	    "$((300 * ${SLOW:-1}))" "${ignore[@]}" "test_$m" \
	    >"/tmp/$m.log" 2>&1 </dev/null
	rc=$?
	count="$(sed -n 's/^Ran \([0-9]* tests*\).*/\1/p' "/tmp/$m.log" |
	    tail -n 1), $(grep -c '\.\.\. skipped' "/tmp/$m.log") skipped"
	if [ $rc = 0 ]; then
		echo "ok $n - python3 -m test test_$m: $count"
	else
		echo "not ok $n - python3 -m test test_$m"
		echo "# status $rc, $count"
		grep -E '^(FAIL|ERROR): ' "/tmp/$m.log" | sort -u | head -n 40 |
		    sed 's/^/# /'
		tail -n 12 "/tmp/$m.log" | sed 's/^/# /'
	fi
done
echo "1..$n"
