# SPDX-License-Identifier: BSD-2-Clause
# Debian's own programs, dynamic and unmodified, do what they do on Linux:
# shells, coreutils, archives, perl, python3, procps, util-linux, dpkg.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 1500
# initrd: debian-base

guest_boot d type=$TYPE vcpus=$VCPUS memory=1024 || bail "boot"
guest_points d "SLOW=$SLOW bash /lab/programs.sh" 1200
no_complaint d
