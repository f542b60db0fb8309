# SPDX-License-Identifier: BSD-2-Clause
# Live migration inside one host, again and again, under work.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 120 + 40 per cycle

. "$LAB_SRC/work.sh"

guest_boot m type=$TYPE vcpus=$VCPUS memory=$MEM || bail "boot"
cycles "live migration" m guest_migrate m
check "xl shutdown still works" guest_shutdown m
