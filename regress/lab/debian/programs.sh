# SPDX-License-Identifier: BSD-2-Clause
# Debian's everyday programs, each with what it prints on Linux. Runs in a
# guest, or on Linux in the same tree: chroot TREE bash /lab/programs.sh
. "${0%/*}/tap.sh"
rm -rf /tmp/p && mkdir -p /tmp/p && cd /tmp/p || exit 1
seq 1000 >seq
printf 'pear 3\napple 10\nfig 7\n' >fruit

# Shells.
t "bash: arrays, arithmetic, substitution" \
    'a=(x y z); a[5]=w; echo ${#a[@]} ${a[@]^} $((2**40 % 1000)) $(<fruit)' \
    '^4 X Y Z W 776 pear 3 apple 10 fig 7$'
t "bash: process substitution" 'diff <(seq 3) <(seq 4); :' '^3a4
> 4$'
t "bash: here documents, read, mapfile" \
    'mapfile -t l <seq; read -r a b <<<"p q"; cat <<X
${#l[@]} $a-$b
X' '^1000 p-q$'
t "bash: coproc" 'coproc c { cat; }; echo hi >&${c[1]}; read -r x <&${c[0]}
echo "$x"' '^hi$'
t "bash: trap and kill" 'trap "echo usr1" USR1; kill -USR1 $$; sleep 0.1 &
wait; trap "echo bye" EXIT' '^usr1
bye$'
t "bash: job control" 'set -m; sleep 100 & kill -STOP %1; sleep 0.3; jobs
kill -CONT %1; kill %1; wait %1; echo $?' 'Stopped.*sleep 100.*143$'
t "bash: ulimit" 'ulimit -n 77; ulimit -n; ulimit -c 0; ulimit -a | wc -l' \
    '^77
1[0-9]$'
t "bash: wait -n, status of a signal" '(exit 3) & wait -n; echo $?
(kill -9 $BASHPID); echo $?' '3.*137'
t "bash: /dev/fd and noclobber" 'echo a | cat /dev/fd/0 /dev/stdin; set -C
echo x >seq; echo $?' '^a
.*cannot overwrite.*
1$'
t "bash: time" 'TIMEFORMAT=%R; time sleep 0.2' '^[0-9]+\.[0-9]+$'
t "bash: pipes of many" \
    'cat seq | cat | cat | cat | cat | cat | cat | cat | md5sum' \
    '^53d025127ae99ab79e8502aae2d9bea6'
t "bash: 300 subshells" 's=0; for i in {1..300}; do ((s += $(echo $i))); done
echo $s' '^45150$' 120
t "dash" "dash -c 'x=\$(for i in 1 2 3; do echo \$i; done | tail -n 1)
f() { return 4; }; f || echo \$x \$?; cat <<E
\$((x * 7))
E'" '^3 4
21$'

# coreutils.
t "ls -la" 'mkdir d; ln -s seq d/l; ls -la d' '^total 0
drwx.* \.
drwx.* \.\.
lrwxrwxrwx 1 root root +3 .* l -> seq$'
t "ls of devices, -i, --time-style" \
    'ls -lin --time-style=+%Y /dev/null' ' crw-rw-rw- 1 0 0 1, 3 20[0-9]{2} '
t "ls --color, -R, -S, -t" 'touch -d 2001-01-01 old; ls -t | tail -n 1
ls -S | head -n 1; ls -R . | wc -l; ls --color=always -d d' '^old
'
t "cat -A, tac, rev, nl" \
    'printf "a\tb\n" | cat -A; tac fruit | head -n 1; rev fruit | head -n 1
nl fruit | tail -n 1' '^a\^Ib\$
fig 7
3 raep
 +3.fig 7$'
t "cp -a, mv, ln, rm" 'mkdir a; echo t >a/f; ln -s f a/s; ln a/f a/h
chmod 4751 a/f; cp -a a b; mv b c; stat -c "%a %h %F" c/f c/s; rm -r a c; ls' \
    '^4751 2 regular file
777 1 symbolic link
'
t "cp --reflink=auto --sparse=always, truncate" \
    'truncate -s 10M h; echo x >>h; cp --sparse=always h h2; cmp h h2
stat -c %s h2; du -k h2 | cut -f 1; rm h h2' '^10485762
[0-9]{1,2}$'
t "install, mkdir -pm, rmdir -p" 'install -D -m 640 seq i/j/k
stat -c %a i/j/k; rm i/j/k; rmdir -p i/j; mkdir -m 711 m; stat -c %a m' '^640
711$'
t "touch, stat, date -r" \
    'touch -d "2020-02-29 12:34:56.123456789 UTC" f
stat -c "%y %s %b %T %F" f; TZ=UTC0 date -r f +%s.%N' \
    '^2020-02-29 12:34:56.123456789 .0000 0 0 0 regular empty file
1582979696.123456789$'
t "stat -f, df" 'stat -f -c %l /; df -k / | tail -n 1; df -a | grep -c proc' \
    '^255
.* /
[1-9]'
t "head, tail, tail -f" 'head -c 5 seq; tail -n +999 seq
cp seq grows; timeout 3 tail -f grows >o & sleep 1; echo more >>grows; wait
tail -n 1 o' '^1
2
3999
1000
more$'
t "tail --pid, -F" 'echo 1 >tf; (sleep 1; echo 2 >>tf; sleep 1) &
tail -F --pid=$! tf; :' '^1
2$'
t "sort: -n, -k, -u, --parallel" 'sort -k2n fruit | head -n 1
seq 100000 | shuf | sort -n --parallel=2 -S 1M | md5sum; sort -uR seq | wc -l' \
    '^pear 3
2a3b0cbac7cce59aea0b0be5e92ddbef|^pear 3
[0-9a-f]{32}  -
1000$' 60
t "uniq, cut, paste, join, comm, tr" 'printf "a\na\nb\n" | uniq -c
cut -d" " -f1 fruit | paste -s -d,; join <(sort fruit) <(sort fruit) | wc -l
comm -12 <(sort seq) <(seq 5 | sort) | wc -l; tr a-z A-Z <fruit | head -n 1' \
    '2 a
 +1 b
pear,apple,fig
3
5
PEAR 3$'
t "wc, cksum, sums" 'wc seq; cksum seq; sha256sum seq | cut -c 1-8
b2sum seq | cut -c 1-8; md5sum seq >s; md5sum -c s' '^1000 1000 3893 seq
[0-9]+ 3893 seq
67d4ff71
55c4cb37
seq: OK$'
t "od, base64, base32, xxd by od" 'printf "\1\377" | od -An -tx1
echo hello | base64 | base64 -d; echo hi | base32' '^ 01 ff
hello
NBUQU===$'
t "split, csplit, fmt, fold, expand" 'split -l 300 seq x.; ls x.* | wc -l
cat x.* | cmp - seq; csplit -q seq 501; wc -l <xx01; rm x.* xx*
seq 30 | fmt -w 40 | wc -l; echo abcdef | fold -w 4 | tail -n 1' '^4
500
[23]
ef$'
t "dd" 'dd if=/dev/zero of=z bs=4k count=100 status=none; stat -c %s z
dd if=seq of=z bs=1 count=9 skip=3 seek=7 conv=notrunc 2>&1 | head -n 1
dd if=z bs=64k iflag=fullblock 2>/dev/null | wc -c; rm z' \
    '^409600
9\+0 records in
409600$'
t "dd conv=fsync, oflag=append" 'dd if=seq of=z conv=fsync status=none
dd if=seq of=z oflag=append conv=notrunc status=none; wc -l <z; sync z; rm z' \
    '^2000$'
t "id, whoami, groups, who, users, tty" 'id -u; whoami; groups; tty; who; users
logname; :' '^0
root
root
not a tty'
t "uname, arch, nproc, hostid, uptime" 'uname -s -m; arch; nproc; hostid
uptime' '^Linux x86_64
x86_64
[0-9]+
[0-9a-f]{8}
.*up .*load average: '
t "env, printenv, nice, nohup" 'env -i A=1 printenv A; nice -n 30 nice
nohup true; env -C / pwd' '^1
19
/$'
t "chmod, chown, chgrp, umask" 'umask 027; touch g; stat -c %a g
chown 1000:1001 g; stat -c %u:%g g; chmod u+s,g=rwx,o+t g; stat -c %a g
chgrp -v 5 g | cut -c 1-7' '^640
1000:1001
[0-9]+
changed$'
t "su to a user without rights" 'echo s >sec; chmod 600 sec
setpriv --reuid=65534 --regid=65534 --clear-groups cat sec; echo $?' 'Permission denied
1$'
t "setpriv --dump" 'setpriv --dump' 'uid: 0
.*euid: 0.*no_new_privs: 0'
t "mkfifo, mknod, mktemp, readlink, realpath" 'mkfifo ff; (echo via >ff) &
cat ff; mknod nn c 1 3; echo x >nn; wc -c <nn; t=$(mktemp -d); rmdir $t
ln -s /tmp/p/seq sl; readlink sl; realpath sl; readlink -f d/../sl' '^via
0
/tmp/p/seq
/tmp/p/seq
/tmp/p/seq$'
t "link, unlink, shred, chroot" 'link seq lk; unlink lk; echo q >sh
shred -u sh; ls sh; chroot / /bin/echo in' 'No such file or directory
in$'
t "test, expr, factor, numfmt, printf, seq" 'test -p ff && [ -c /dev/null ] &&
[ seq -nt old ] && expr 6 \* 7; factor 1000000007; numfmt --to=iec 1048576
printf "%05.1f|%x\n" 3.14159 255; seq -s: 0 0.5 2' '^42
1000000007: 1000000007
1.0M
003.1\|ff
0.0:0.5:1.0:1.5:2.0$'
t "timeout" 'timeout 0.3 sleep 5; echo $?; timeout -s KILL 0.3 sleep 5; echo $?
timeout 5 true; echo $?' '124
.*137
0$'
t "stdbuf, tee" 'echo a | stdbuf -oL tee t1 t2 | cat; cmp t1 t2' '^a$'
t "a pipe whose reader has gone" 'set +o pipefail; yes | head -n 1
seq 100000 | head -n 1; yes | (read x; echo $x); (trap "" PIPE; yes) 2>&1 |
(read x; sleep 0.3) ; echo ${PIPESTATUS[*]}' '^y
1
y
1 0$'
t "date" 'TZ=Europe/Berlin date -d @1700000000 "+%F %T %Z"
date -u -d "2024-02-28 +2 days" +%a' '^2023-11-14 23:13:20 CET
Fri$'
t "stty without a terminal" 'stty; echo $?' 'Inappropriate ioctl.*1$'
t "stty on a pty (script)" \
    'script -qec "stty rows 33 cols 99; stty size; stty -a | head -n 1; tty" /dev/null' \
    '^33 99.*speed 38400 baud; rows 33; columns 99;.*/dev/pts/[0-9]+'
t "chmod -R, chown -R, du, rm -rf of a tree" \
    'mkdir -p tr/{a,b,c}/{1,2,3}/{x,y}; touch tr/{a,b,c}/{1,2,3}/{x,y}/f{0..9}
chmod -R g-w tr; chown -R 5 tr; find tr | wc -l; du -a tr | wc -l
rm -rf tr; [ ! -e tr ]' '^211
211$' 60

# findutils, grep, sed, awk, diff.
t "find: -size -perm -newer -printf -exec" \
    'find . -maxdepth 1 -type f -size -2 -name "f*" -printf "%f %m\n" | sort
find . -newer old -name seq -exec wc -l {} +; find / -xdev -name "lib*" | wc -l
find d -delete; find . -empty | head -n 1' 'fruit 644
1000 ./seq
[0-9]{3,}
' 90
t "xargs -P, -0, -I" 'find . -maxdepth 1 -name "seq" -print0 | xargs -0 wc -l
seq 20 | xargs -P 4 -I{} echo n{} | sort | uniq | wc -l' '^1000 ./seq
20$'
t "grep: -E -o -c -v -P -r -f" 'grep -Eo "[0-9]{4}" seq; grep -cv 5 seq
grep -P "^(\d)\1\1$" seq | wc -l; grep -rl apple .; grep -F -f fruit fruit | wc -l' \
    '^1000
729
9
./fruit
3$'
t "sed" 'sed -n "5{p;q}" seq; sed -i.bak "s/\(.*\) \(.*\)/\2 \1/" fruit
head -n 1 fruit; mv fruit.bak fruit; echo a.b.c | sed "s/\./-/2;y/abc/xyz/"' \
    '^5
3 pear
x.y-z$'
t "gawk" "gawk '{ s[\$1] += \$2 } END { n = asorti(s, k); for (i = 1; i <= n;
i++) printf \"%s=%d \", k[i], s[k[i]]; print strftime(\"%Y\", 0, 1) }' fruit
gawk 'BEGIN { \"echo sub\" | getline x; print x | \"cat\"; close(\"cat\");
c = \"sort\"; print \"z\\na\" |& c; close(c, \"to\"); c |& getline y; print y }'" \
    '^apple=10 fig=7 pear=3 1970
sub
a$'
t "diff -u, cmp, diff3, sdiff" 'sed s/fig/plum/ fruit >fr2
diff -u --label a --label b fruit fr2; cmp fruit fr2; sdiff -s fruit fr2; :' \
    '@@ -1,3 \+1,3 @@.*-fig 7
\+plum 7.*differ: byte 17, line 3'
t "file" 'file -b /bin/bash seq | cut -c 1-40; file -b --mime-type /dev/null' \
    '^ELF 64-bit LSB (pie )?(shared|executable|pie).*
ASCII text
inode/chardevice$'

# Archives.
t "tar: create, list, extract, -z -J --zstd" 'mkdir -p ta/b; cp seq ta
ln -s ../seq ta/b/l; ln ta/seq ta/hard; tar -czf t1 ta; tar -cJf t2 ta; tar --zstd -cf t3 ta
for i in 1 2 3; do rm -rf out; mkdir out; tar -C out -xf t$i; diff -r ta out/ta
done; tar -tvf t2 | wc -l; stat -c %h out/ta/seq' '5
2$' 90
t "tar | tar, --exclude, -p" 'tar -C /etc -cf - --exclude=ssl . |
tar -xmpf - -C out; ls out | wc -l' '^[0-9]+$'
t "gzip, zcat, zgrep" 'gzip -9k seq; zcat seq.gz | cmp - seq; gzip -l seq.gz |
tail -n 1; zgrep -c 99 seq.gz; rm seq.gz' ' 3893 .*seq
19$'
t "xz, xz -T2, unxz" 'xz -k seq; xz -dc seq.xz | cmp - seq; rm seq.xz
head -c 3000000 /dev/urandom | tee r | xz -0 -T2 | xz -dc | cmp - r; xz -l r; :' \
    '' 120
t "zstd -T2" 'zstd -q -T2 -3 r -o r.zst; zstd -dc r.zst | cmp - r; rm r r.zst' ''
t "cpio by busybox, unzip" 'echo seq | busybox cpio -o -H newc 2>/dev/null >c
busybox cpio -t <c 2>/dev/null' '^seq$'

# Languages.
t "perl" "perl -e 'use POSIX; my %h = map { \$_ => \$_**2 } 1..5;
print join(\",\", map { \$h{\$_} } sort keys %h), \" \", strftime(\"%Y\", gmtime(0)),
\"\\n\"; my \$p = fork // die; if (!\$p) { exit 7 } waitpid(\$p, 0);
print \$? >> 8, \"\\n\"; open(my \$f, \"-|\", \"echo piped\"); print <\$f>;
\$SIG{ALRM} = sub { print \"alarm\\n\" }; alarm 1; select(undef, undef, undef, 3);'" \
    '^1,4,9,16,25 1970
7
piped
alarm$'
t "perl: sockets, threads, modules" "perl -MSocket -MFile::Temp -MTime::HiRes -e '
socketpair(A, B, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die; syswrite(A, \"ab\");
sysread(B, \$x, 5); print \"\$x\\n\"; use threads; my \$t = threads->create(sub {
return \$_[0] * 2 }, 21); print \$t->join, \"\\n\"'" '^ab
42$'
t "python3: the standard library" 'python3 -c "
import os, sys, json, re, threading, subprocess, tempfile, hashlib, decimal
print(json.dumps({\"a\": [1, 2.5, None]}), re.sub(r\"(\d+)\", r\"<\1>\", \"a12\"))
t = [threading.Thread(target=lambda: None) for i in range(20)]
[x.start() for x in t]; [x.join() for x in t]
print(subprocess.run([\"echo\", \"sub\"], capture_output=True, text=True).stdout,
    end=\"\")
print(hashlib.sha256(b\"x\").hexdigest()[:8], decimal.Decimal(1) / 7)
with tempfile.TemporaryFile() as f: f.write(b\"z\"); print(f.tell())
print(os.cpu_count() > 0, os.getpid() == int(os.readlink(\"/proc/self\")))"' \
    '^\{"a": \[1, 2.5, null\]\} a<12>
sub
2d711642 0.1428571428571428571428571429
1
True True$'
t "python3: asyncio, multiprocessing, mmap, select" 'python3 -c "
import asyncio, multiprocessing as m, mmap, select, socket, os
async def main():
    p = await asyncio.create_subprocess_exec(\"cat\", stdin=-1, stdout=-1)
    print((await p.communicate(b\"async\"))[0].decode())
    await asyncio.wait_for(asyncio.gather(*[asyncio.sleep(.1) for i in range(9)]), 9)
asyncio.run(main())
with m.Pool(3) as p: print(sum(p.map(abs, range(-50, 0))))
with mmap.mmap(-1, 8192) as b: b[4096:4099] = b\"xyz\"; print(b.find(b\"yz\"))
a, b = socket.socketpair(); e = select.epoll(); e.register(b, 1); a.send(b\"q\")
print(e.poll(1)[0][1])"' '^async
1275
4097
1$' 60
t "python3: sqlite3, zlib, ctypes, pty, resource" 'python3 -c "
import sqlite3, zlib, ctypes, pty, resource, os, struct
c = sqlite3.connect(\"/tmp/p/db\"); c.execute(\"create table t (a int)\")
c.executemany(\"insert into t values (?)\", [(i,) for i in range(1000)]); c.commit()
print(c.execute(\"select sum(a) from t\").fetchone()[0])
print(zlib.crc32(b\"abc\"), ctypes.CDLL(None).abs(-3))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0)
pid, fd = pty.fork()
if pid == 0: os.execlp(\"tty\", \"tty\")
print(os.read(fd, 99).decode().strip()); os.waitpid(pid, 0)"' '^499500
891568578 3
True
/dev/pts/[0-9]+$'
t "sqlite3: 50,000 rows" 'rm -f q.db; (echo "create table t(a integer primary key, b text); begin;"
for ((i = 0; i < 50000; i += 50)); do echo "insert into t(b) select hex(randomblob(8)) from
(select 1 from pragma_function_list limit 50);"; done; echo "commit;
create index i on t(b); select count(*) from t; pragma integrity_check;") |
sqlite3 q.db; sqlite3 q.db "pragma journal_mode=wal; delete from t where a % 2;
select count(*) from t"' '^50000
ok
wal
25000$' 180

# procps.
t "ps aux, ps -ef, ps -eLf" 'ps aux | head -n 1; ps -p 1 -o pid,ppid,stat,comm
ps -ef | grep -c "[p]rograms.sh"; ps -eLf | wc -l; ps -o pid= -p $$ | tr -d " " |
grep -x $$ >/dev/null && echo self' '^USER +PID %CPU %MEM +VSZ +RSS TTY.*
 +PID +PPID STAT COMMAND
 +1 +0 S.*
[1-9][0-9]*
[0-9]+
self$'
t "ps: formats, sort, forest" 'ps -eo pid,user,pri,ni,vsz,rss,wchan,lstart,etime,time,args --sort=-rss |
wc -l; ps -e --forest | wc -l; ps -o nlwp,psr,cls,rtprio,flags,sz,tty,sess,pgid -p $$' \
    '^[0-9]+
[0-9]+
NLWP PSR CLS RTPRIO F +SZ'
t "top -b" 'top -b -n 2 -d 0.5 | grep -c "^top -"; COLUMNS=120 top -b -n 1 -w 120 |
sed -n 2,4p' '^2
Tasks: +[0-9]+ total, .*
%Cpu\(s\): .*
MiB Mem : '
t "free, vmstat, slabtop, pmap" 'free -m -w; vmstat 1 2 | wc -l; vmstat -s |
head -n 1; pmap -x $$ | tail -n 1; vmstat -m | head -n 1; :' \
    '^ +total .*
Mem: .*
Swap: .*
4
 +[0-9]+ K total memory
total kB '
t "pgrep, pkill, pidof, pwdx, pidwait" 'sleep 77 & sleep 0.3; pgrep -x sleep -P $$ | grep -x $! >/dev/null && echo f
pwdx $!; pkill -P $$ -f "sleep 77"; wait $!; echo $?; pgrep -o .' \
    '^f
[0-9]+: /tmp/p
.*143
1$'
t "w, uptime -p, tload, skill, watch" 'w | head -n 1; uptime -p; uptime -s' \
    'load average.*
up .*
20[0-9]{2}-'
t "kill -l, kill -0, prlimit, renice, taskset" 'kill -l 15; sleep 500 & kill -0 $!
prlimit --pid $! --nofile=99:100; prlimit -p $! -n -o SOFT,HARD --noheadings
renice -n 3 -p $! | cut -d, -f 2; taskset -cp 0 $! | tail -n 1; kill $!' '^TERM
 +99 +100
 new priority 3
pid [0-9]+.s new affinity list: 0$'
t "sysctl" 'sysctl -n kernel.ostype kernel.hostname vm.overcommit_memory
sysctl -w vm.overcommit_memory=$(sysctl -n vm.overcommit_memory); sysctl kernel.pid_max' \
    '^Linux
[a-z0-9-]*
[0-2]
vm.overcommit_memory = [0-2]
kernel.pid_max = [0-9]+$'

# util-linux.
t "mount, umount, findmnt, mountpoint" 'mkdir m2; mount -t tmpfs -o size=1m,mode=700 x m2
mountpoint -q m2 && findmnt -no SOURCE,FSTYPE,TARGET /tmp/p/m2; stat -c %a m2
dd if=/dev/zero of=m2/f bs=64k 2>&1 | grep -o "No space"; df -k m2 | tail -n 1
mount -o remount,ro m2; touch m2/g; umount m2; mountpoint m2; :' \
    '^x +tmpfs +/tmp/p/m2
700
No space
x +1024 +1024 +0 100% /tmp/p/m2
.*Read-only file system
.*is not a mountpoint$'
t "mount --bind, -o ro, --move" 'mkdir -p b1/s b2; mount --bind b1 b2; touch b2/f
ls b1; mount -o remount,bind,ro b2; touch b2/g; touch b1/g; umount b2; ls b1 b2' \
    '^f
s
.*Read-only.*
b1:
f
g
s

b2:$'
t "losetup, mkfs.ext4, mount, fsck" 'truncate -s 16M fs; mkfs.ext4 -q fs
e2fsck -fn fs 2>/dev/null | tail -n 1; [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
d=$(losetup -f --show fs); mkdir -p mm
mount $d mm && cp seq mm && ls mm && umount mm; losetup -d $d; e2fsck -fn fs 2>/dev/null |
tail -n 1; blkid fs' '^fs: 11/4096 files.*
lost\+found
seq
fs: 12/4096.*
fs: .*UUID=.*TYPE="ext4"' 120
t "lscpu, lsblk, lsmem" 'lscpu | grep -E "^(Architecture|CPU\(s\)|Vendor)"
lsblk; lscpu -p | tail -n 1' \
    '^Architecture: +x86_64
CPU\(s\): +[0-9]+
Vendor ID: .*
[0-9]+,[0-9]+,0'
t "dmesg" 'dmesg | wc -l; dmesg -T | tail -n 1' '^[1-9]'
t "flock" 'flock lk -c "flock -n lk echo no; echo \$?"; flock -w 1 lk echo yes
(flock 9; echo >go; sleep 4) 9>lk & until [ -e go ]; do sleep 0.1; done; flock -n 9 9>lk; echo $?; wait' '^1
yes
1$'
t "mcookie, getopt, namei, whereis, rename.ul" 'mcookie
getopt -o ab: -- -a -b x y
namei -l /tmp/p/seq | tail -n 1; whereis -b sh; rename.ul seq sqq seq; mv sqq seq' \
    "^[0-9a-f]{32}
 -a -b 'x' -- 'y'
.* seq
sh: "
t "setsid, ionice, chrt, nsenter without namespaces" 'setsid -w sh -c "ps -o sid= -p \$\$ |
grep -c \$\$"; chrt -o 0 echo other; chrt -p $$; ionice -p $$; :' '^1
other
pid [0-9]+.s current scheduling policy: SCHED_OTHER'
t "fallocate, lsfd, lslocks, lsns, lsipc" 'fallocate -l 1M fa; stat -c %s fa
fallocate -p -o 4096 -l 8192 fa; flock lk lslocks >/dev/null &&
echo locks; ipcs | head -n 2; ipcmk -M 4096; ipcs -m | grep -c root; ipcrm -a' \
    '^1048576
locks

-.*
Shared memory id: [0-9]+
1$'
t "hwclock, rtcwake, zramctl say what is missing" 'hwclock; wdctl; :' ''
t "script, scriptreplay, agetty, login programs" 'script -qc "echo typed" ts >/dev/null
grep -c typed ts; passwd -S root; getent passwd root; useradd -m tuser; id tuser
su tuser -c "id -un; pwd"; userdel -r tuser 2>/dev/null; getent passwd tuser; :' \
    '^[12]
root .*
root:x:0:0.*
uid=[0-9]+\(tuser\).*
tuser
/tmp/p$' 60
t "unshare says EINVAL or works" 'unshare -u true; echo $?' '[01]$'
t "kmod, insserv, sysvinit tools" 'lsmod | head -n 1; runlevel; last | tail -n 1
pidof -s bash >/dev/null && echo pid; :' 'pid$'

# Debian's own, diagnosis, the network's tools.
t "dpkg -l, -S, --verify" 'dpkg -l bash | tail -n 1; dpkg -S /bin/bash
dpkg --compare-versions 1.2-3 lt 1.10 && echo lt' '^ii +bash .*
bash: /bin/bash
lt$'
t "dpkg-deb -b, dpkg -i, dpkg -r" 'mkdir -p pk/DEBIAN pk/opt/lt; echo hey >pk/opt/lt/f
printf "Package: ltest\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n" >pk/DEBIAN/control
printf "#!/bin/sh\necho post \$1\n" >pk/DEBIAN/postinst; chmod 755 pk/DEBIAN/postinst
dpkg-deb -b pk lt.deb >/dev/null && dpkg -i lt.deb | tail -n 1; cat /opt/lt/f
dpkg -s ltest | grep Status; dpkg -P ltest >/dev/null; [ ! -e /opt/lt ]' \
    'post configure
hey
Status: install ok installed$' 120
t "apt-get install of a local package, apt-cache" \
    'apt-get -qq -o APT::Sandbox::User=root install ./lt.deb >/dev/null 2>&1; cat /opt/lt/f
apt-get -qq -y remove ltest >/dev/null 2>&1; apt-cache policy bash | head -n 1
apt-mark showmanual | grep -c .' '^hey
bash:
[0-9]+$' 180
t "ldd, ldconfig, getconf, iconv, locale, tzselect" 'ldd /bin/bash | grep -c libc.so.6
ldconfig -p | head -n 1; getconf PAGE_SIZE; getconf _NPROCESSORS_ONLN; locale charmap
printf "\344" | iconv -f latin1 -t utf8' '^1
[0-9]+ libs found.*
4096
[0-9]+
UTF-8
ä$'
t "getcap, setcap, capsh" 'cp /bin/true tr; setcap cap_net_raw+ep tr 2>&1; getcap tr
capsh --print | head -n 1' 'Current: '
t "hostname" 'hostname; hostname -s' '^[^ ]+
[^ ]+$'
t "strace of a program" 'strace -f -o st /bin/sh -c "true; /bin/true"; grep -c execve st
strace -c true 2>&1 | tail -n 1' '^[23]
.*total$'
t "sysvinit's start-stop-daemon" 'start-stop-daemon -S -b -m -p pidf -x /bin/sleep -- 50
sleep 0.5; start-stop-daemon -K -p pidf -x /bin/sleep; echo $?' '0$'
cd / && rm -rf /tmp/p
t_end
