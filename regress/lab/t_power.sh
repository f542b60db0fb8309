# SPDX-License-Identifier: BSD-2-Clause
# Shutdown, reboot, sysrq, trigger and a crash, as xl asks for them.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 300

boot() { guest_boot p type=$TYPE vcpus=$VCPUS memory=$MEM extra="$*"; }

# xl reboot makes a new domain of the same name; the console file goes on.
reboots() {
	local old
	old=$(guest_domid p)
	"$@" || return
	guest_moved p
	guest_expect p 'init: up' $BOOT_TIMEOUT &&
	    guest_expect p "$PROMPT" $BOOT_TIMEOUT || return
	[ "$(guest_domid p)" != "$old" ]
}

boot || bail "boot"
check_run "the toolstack can see what it may ask for" p 'echo yes' 30 yes
check "control/feature-poweroff, -reboot and -suspend" dom0 \
    'd=/local/domain/$(xl domid p)/control
	[ "$(xenstore-read $d/feature-poweroff $d/feature-reboot \
	    $d/feature-suspend | tr -d "\n")" = 111 ]'
check "xl reboot" reboots dom0 xl reboot p
check_run "and the shell is back" p 'echo back' 30 back
check "reboot from inside" reboots guest_send p 'reboot -f\n'
check_run "a marker in init's environment is gone" p 'echo again' 30 again
check "xl trigger nmi does no harm" eval \
    'dom0 xl trigger p nmi; sleep 1; guest_run p "echo alive" 30'
check "xl sysrq h is answered on the console" eval \
    'dom0 xl sysrq p h && guest_expect p "(?i)sysrq" 20'
check "and the request is taken back" eval 'sleep 1
    [ "$(dom0 "xenstore-read /local/domain/\$(xl domid p)/control/sysrq" |
	tr -d "\0")" = "" ]'
check "xl shutdown" guest_shutdown p
check "leaves no domain" guest_wait_state p gone 20

boot || bail "boot again"
check "poweroff from inside" eval 'guest_send p "poweroff -f\n" &&
    guest_wait_state p gone 30'

# A busy guest is shut down just the same.
boot || bail "boot again"
guest_run p 'cpucheck & dirty 8 & cpucheck &' >/dev/null
check "xl shutdown of a busy guest" guest_shutdown p

# Linux wants to be told that sysrq may crash it.
words=
is_linux && words="sysrq_always_enabled panic=0"
boot $words || bail "boot again"
check "sysrq c is seen by xl as a crash" eval \
    'dom0 xl sysrq p c && guest_wait_state p "c.\$" 40'
check "the panic is explained on the console" guest_expect p \
    '(?i)(panic|crash)' 5
check "with a backtrace" eval 'guest_expect p "(?is)(trace|backtrace)" 5 ||
    grep -qiE "trace" "$(guest_log p)"'
check "xl says why it stopped" dom0 \
    'grep -q "reason code 3" /var/log/xen/xl-p.log'
guest_destroy p
