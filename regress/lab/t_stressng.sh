# SPDX-License-Identifier: BSD-2-Clause
# Debian's stress-ng: each stressor of these classes runs and verifies its own
# work; those that cannot are in debian/stress.skip with what is missing.
# variants: pv/1 pvh/4
# timeout: 7200
# initrd: debian-base

guest_boot d type=$TYPE vcpus=$VCPUS memory=1024 || bail "boot"
for c in ${STRESS_CLASSES:-pipe interrupt vm cpu cpu-cache memory scheduler \
    os}; do
	guest_points d "SLOW=$SLOW bash /lab/stress.sh $c" 3600
	no_complaint d
done
