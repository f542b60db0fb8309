# SPDX-License-Identifier: BSD-2-Clause
# Debian's own programs, dynamic and unmodified, do what they do on Linux:
# shells, coreutils, archives, perl, python3, procps, util-linux, dpkg.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 1500
# initrd: debian-base

guest_boot d type=$TYPE vcpus=$VCPUS memory=1024 || bail "boot"
# Each line of the guest's is one of ours, with our number.
while IFS= read -r line; do
	case $line in
	"ok "*)		ok "${line#ok * - }" ;;
	"not ok "*)	not_ok "${line#not ok * - }" ;;
	1..*)		end=$line ;;
	"#"*)		echo "$line" ;;
	esac
done < <(guest_run d "SLOW=$SLOW bash /lab/programs.sh" 1200)
check "all of them came to an end" [ "${end:-}" = "1..$TAP_N" ]
check_run "the kernel had no complaint" d \
    "dmesg | grep -iE 'panic|warning|bug|assert|oops' | grep -v Command; :" \
    30 '^$'
