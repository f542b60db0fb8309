# SPDX-License-Identifier: BSD-2-Clause
# Debian's busybox, unmodified, does on the console what it does on Linux.
# variants: pv/1 pv/4 pvh/1 pvh/4
# timeout: 300

free_kb() { guest_run u "awk '/^MemFree/ { print \$2 }' /proc/meminfo"; }

guest_boot u type=$TYPE vcpus=$VCPUS memory=$MEM || bail "boot"

check_run "pipes" u 'seq 1000 | grep 7 | sort -rn | head -n 1' 30 '^997$'
check_run "a substitution and arithmetic" u \
    'x=$(echo text; echo more); echo $x $((1 << 40))' 30 \
    '^text more 1099511627776$'
check_run "files: write, append, link, rename, remove" u \
    'mkdir /tmp/k && cd /tmp/k && echo a >f && echo b >>f && ln f g && '\
'ln -s g h && mv f i && cat h && rm g h i && ls | wc -l && cd / && '\
'rmdir /tmp/k' 30 $'^a\nb\n0$'
check_run "mkdir -p, find, rm -r" u \
    'mkdir -p /tmp/d/e/f && touch /tmp/d/e/f/x /tmp/d/y && '\
'find /tmp/d -type f | sort | tr "\n" " " && rm -r /tmp/d' 30 \
    '^/tmp/d/e/f/x /tmp/d/y $'
check_run "find over the whole tree" u 'find / -xdev | wc -l' 60 '^[0-9]{3,}$'
check_run "awk" u \
    'seq 100 | awk "{ s += \$1; f += 1 / \$1 } END { print s, f }"' 30 \
    '^5050 5\.18738$'
check_run "floating point" u 'echo "scale=20; 4*a(1)" | bc -l' 30 \
    '^3\.1415926535897932'
check_run "ps sees the shell" u 'ps' 30 "PID.*"
check_run "top -b -n1" u 'top -b -n1' 30 'Mem:.*CPU'
check_run "free" u 'free' 30 'Mem: '
check_run "mount" u 'mount' 30 'proc on /proc'
check_run "dd from /dev/zero to /dev/null" u \
    'dd if=/dev/zero of=/dev/null bs=64k count=64 2>&1' 30 '64\+0 records out'
check_run "/dev/urandom gives different bytes" u \
    'a=$(head -c 16 /dev/urandom | xxd -p); '\
'b=$(head -c 16 /dev/urandom | xxd -p); [ $a != $b ] && echo $a' 30 \
    '^[0-9a-f]{32}$'
check_run "checksums" u 'seq 100000 | sha256sum' 60 \
    "^$(seq 100000 | sha256sum | cut -c 1-64)"
check_run "gzip, gunzip, tar" u \
    'cd / && tar -czf /tmp/t.gz bin/busybox && mkdir /tmp/t && '\
'tar -C /tmp/t -xzf /tmp/t.gz && cmp /tmp/t/bin/busybox bin/busybox && '\
'rm -r /tmp/t /tmp/t.gz' 120
check_run "sleep keeps time" u \
    's=$(date +%s); sleep 3; e=$(date +%s); echo $((e - s >= 3 && e - s < 8))' 60 '^1$'

# typed TEXT: type it as a person does, who looks at the echo first.
typed() {
	guest_send u "$1" && guest_expect u "$2" 20 && sleep 1
}

# Job control, as typed.
typed 'sleep 1000\n' 'sleep 1000\r?\n' >/dev/null
guest_send u '\032'
check "ctrl-Z stops a job" guest_expect u '\[1\]\+ +Stopped +sleep 1000' 20
check_run "jobs shows it" u jobs 20 'Stopped'
check "fg takes it up" typed 'fg\n' 'sleep 1000\r?\n'
guest_send u '\003'
check "ctrl-C ends it" guest_expect u "$PROMPT" 20
check_run "its status says so" u 'jobs | wc -l' 20 '^0$'
typed 'cat\n' 'cat\r?\n' >/dev/null
check "cat reads lines; erase works" typed 'abx\177c\n' '\r\nabc\r\n'
guest_send u '\004'
check "ctrl-D is its end of file" guest_expect u "$PROMPT" 20
check_run "a background job and wait" u 'sleep 1 & wait $!; echo done' 30 done
typed 'vi /tmp/v\n' 'vi /tmp/v\r?\n' >/dev/null
typed 'ihello\nworld' 'world' >/dev/null
typed '\033' '' >/dev/null
guest_send u ':wq\n'
guest_expect u "$PROMPT" 20 >/dev/null
check_run "vi writes a file" u 'cat /tmp/v; rm -f /tmp/v' 20 $'^hello\nworld$'

# Weight.
before=$(free_kb)
check_run "sort of 10 MB" u \
    'head -c 7500000 /dev/urandom | base64 >/tmp/s && sort /tmp/s >/tmp/o && '\
'sort -c /tmp/o && wc -c </tmp/o && rm /tmp/s /tmp/o' 240 '^10[0-9]{6}$'
check_run "200 background processes" u \
    '(for i in $(seq 200); do sleep 900 & done; n() { ps | grep -c "sleep [9]"; }; '\
'for i in $(seq 20); do [ $(n) = 200 ] && break; sleep 1; done; n; '\
'killall sleep; wait); ps | grep -c "sleep [9]"; :' 120 $'^200\n0$'
check_run "a loop of 5,000 processes" u \
    'i=0; while [ $i -lt 5000 ]; do (exit 7); i=$((i + $? / 7)); done; echo $i' \
    240 '^5000$'
check_run "200 times fork, exec and wait" u \
    'for i in $(seq 200); do /bin/busybox true || echo bad; done; echo end' \
    240 '^end$'
after=$(free_kb)
if [ -n "$before" ] && [ -n "$after" ] && [ $((before - after)) -lt 4096 ]; then
	ok "memory is given back ($before KiB free before, $after after)"
else
	not_ok "memory is given back ($before KiB free before, $after after)"
fi
check_run "no zombies, nothing left over" u \
    'ps -o stat,comm | grep -c "^Z"; :' 20 '^0$'
check "leaving the shell powers off" eval 'guest_send u "exit\n" &&
    guest_wait_state u gone 30'
