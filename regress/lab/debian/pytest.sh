# SPDX-License-Identifier: BSD-2-Clause
# pytest.sh MODULE...: Python's own tests of these modules. Prints what did
# not pass, as "MODULE: TEST: FAIL", one line for each, and a line of counts.
export LC_ALL=C.UTF-8 HOME=/root
cd /tmp || exit 1
for m; do
	timeout -k 10 "$((600 * ${SLOW:-1}))" python3 -m test -v --timeout \
	    "$((300 * ${SLOW:-1}))" "test_$m" >"/tmp/$m.log" 2>&1 </dev/null
	rc=$?
	sed -n "s/^\(FAIL\|ERROR\): \([^ ]*\) (\([^)]*\)).*/$m: \3: \1/p" \
	    "/tmp/$m.log" | sort -u
	echo "$m: status $rc, $(sed -n 's/^Ran \([0-9]* tests*\).*/\1/p' \
	    "/tmp/$m.log" | tail -n 1), $(grep -c '\.\.\. skipped' \
	    "/tmp/$m.log") skipped"
done
