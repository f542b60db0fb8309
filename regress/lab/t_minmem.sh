# SPDX-License-Identifier: BSD-2-Clause
# The least memory that still gives a shell.
# variants: pv/1 pvh/1
# timeout: 260

# What it may have one day (maxmem) must not cost it anything now.
for mb in "12 maxmem=1024" 12 8; do
	if is_linux; then
		skip "memory=$mb" "Debian's kernel needs more"
		continue
	fi
	check "memory=$mb boots to the shell" guest_boot l type=$TYPE \
	    vcpus=$VCPUS memory=$mb &&
	    check_run "memory=$mb runs a command" l 'ls / | wc -l; free' 30 Mem
	guest_destroy l
done
