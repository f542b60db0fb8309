# SPDX-License-Identifier: BSD-2-Clause
# Python's own tests of what it has from the kernel.
# variants: pv/1 pvh/4
# timeout: 3600
# initrd: debian-base

guest_boot d type=$TYPE vcpus=$VCPUS memory=1024 || bail "boot"
guest_points d "SLOW=$SLOW bash /lab/pytest.sh ${PYTESTS:-os signal threading \
mmap select selectors time tempfile subprocess multiprocessing_fork \
multiprocessing_forkserver multiprocessing_spawn}" 3000
no_complaint d
