# SPDX-License-Identifier: BSD-2-Clause
# The kernel boots from a plain initramfs to an interactive shell on hvc0.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 180

guest_start boot type=$TYPE vcpus=$VCPUS memory=$MEM ||
    bail "xl create"
ok "xl create"
check "init says it is up" guest_expect boot 'init: up' $BOOT_TIMEOUT || exit 1
check "the shell prompts" guest_expect boot "$PROMPT" $BOOT_TIMEOUT || exit 1
check_run "the shell runs a command" boot 'echo $((6 * 7))' 30 '^42$'
check_run "the exit status comes back" boot '(exit 3); echo $?' 30 '^3$'
check_run "uname names the machine" boot 'uname -m' 30 '^x86_64$'
check_run "init is process 1's shell script" boot \
    'tr "\0" " " </proc/1/cmdline' 30 /init
check_run "the command line arrives" boot 'cat /proc/cmdline' 30 console=hvc0
check_run "every vCPU is there" boot 'nproc' 30 "^$VCPUS\$"
check_run "memory is what was given" boot \
    "awk '/^MemTotal/ { print (\$2 > $MEM * 1024 * 0.6 &&
	\$2 <= $MEM * 1024) }' /proc/meminfo" 30 '^1$'
check_run "the console is a terminal" boot 'tty; stty -a' 30 hvc0.*isig
check "the clock is right" date_right boot
check "xl shutdown powers it off" guest_shutdown boot
check "and leaves no domain behind" guest_wait_state boot gone 30
