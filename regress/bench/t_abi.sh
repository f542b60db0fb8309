# SPDX-License-Identifier: BSD-2-Clause
# How long the operations of abi.c take here and on Debian's Linux: two guests
# of the same size, the program in one and the other by turns. What is printed
# is the least of each: `# bench TYPE VCPUS PROCESSES NAME DOMUS LINUX', in ns.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 200 + 150 per cycle

boot() { guest_boot "$1" type=$TYPE vcpus=$VCPUS memory=256 extra=quiet; }

# pass GUEST PROCESSES: one pass, its lines behind the guest's name.
pass() {
	guest_run "$1" "/bench/abi -t ${BENCH_MS:-300} -p $2 ${BENCH:-}" \
	    $((60 + 60 * (VCPUS > 1))) | tr -d '\r' |
	    sed -n "s/^[a-z0-9-]* [0-9.]*\$/$1 &/p"
}

# least PROCESSES: of all passes.
least() {
	local i samples
	samples=$(for ((i = 0; i < CYCLES; i++)); do
		pass domus $1
		pass linux $1
	done)
	awk -v head="bench $TYPE $VCPUS $1" '
	{ k = $1 " " $2 }
	!($2 in seen) { seen[$2] = 1; name[n++] = $2 }
	!(k in t) || $3 < t[k] { t[k] = $3 }
	END {
		for (i = 0; i < n; i++)
			if (t["domus " name[i]] && t["linux " name[i]])
				print "# " head, name[i],
				    t["domus " name[i]], t["linux " name[i]]
			else
				print "not ok - " name[i] " was not measured"
		exit n == 0
	}' <<<"$samples"
}

measured() {
	local out
	out=$(least $1) && [[ $out != *"not ok"* ]]
	[ $? -eq 0 ] && ok "$TYPE, $VCPUS vCPUs, $1 processes" ||
	    not_ok "$TYPE, $VCPUS vCPUs, $1 processes"
	printf '%s\n' "$out"
}

boot domus || bail "boot Domus"
KERNEL=$IMAGES/vmlinuz
boot linux || bail "boot Linux"
measured 1
[ $VCPUS = 1 ] || measured $VCPUS
