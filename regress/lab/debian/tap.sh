# SPDX-License-Identifier: BSD-2-Clause
# t NAME COMMAND REGEX [SECONDS]: COMMAND, run by bash with no input, ends
# with status 0 within its time and prints what matches; TAP on standard output.
# SLOW multiplies the times; ONLY is a regular expression of names.
LC_ALL=C.UTF-8
export LC_ALL
t_n=0 t_failed=0
t() {
	local out rc
	[[ $1 =~ ${ONLY:-} ]] || return
	t_n=$((t_n + 1))
	out=$(timeout -k 5 "$((${4:-30} * ${SLOW:-1}))" \
	    bash -o pipefail -c "$2" 2>&1 </dev/null)
	rc=$?
	if [ $rc = 0 ] && [[ $out =~ $3 ]]; then
		echo "ok $t_n - $1"
	else
		t_failed=$((t_failed + 1))
		echo "not ok $t_n - $1"
		echo "# status $rc of: $2"
		printf '%s\n' "$out" | head -n 20 | cut -c 1-200 | sed 's/^/# /'
	fi
}
t_end() {
	echo "1..$t_n"
	return $((t_failed != 0))
}
