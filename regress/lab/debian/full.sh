# SPDX-License-Identifier: BSD-2-Clause
# Debian's compilers, debuggers and large languages, each with what it does on
# Linux. Runs in a guest, or on Linux in the same tree: bash /lab/full.sh
. "${0%/*}/tap.sh"
rm -rf /tmp/f && mkdir -p /tmp/f && cd /tmp/f || exit 1
export CGO_ENABLED=0 GOCACHE=/tmp/f/go GOFLAGS=-mod=mod GO111MODULE=off
export GOTOOLCHAIN=local GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

# A C project: 12 sources, a header, a static and a shared library, a program.
mkdir prj
for ((i = 1; i <= 12; i++)); do
	printf '#include "p.h"\nint f%d(int x)\n{\n\treturn x * %d + %d;\n}\n' \
	    $i $i $((i * i)) >prj/f$i.c
done
{
	echo '#include <stdio.h>'
	for ((i = 1; i <= 12; i++)); do echo "int f$i(int);"; done
} >prj/p.h
cat >prj/main.c <<'END'
#include "p.h"
#include <pthread.h>
static void *run(void *p)
{
	int *x = p;
	for (int i = 0; i < 1000; i++)
		*x = f1(f2(f12(*x))) % 1009;
	return x;
}
int main(void)
{
	pthread_t t[4];
	int x[4], i, s = 0;
	for (i = 0; i < 4; i++)
		x[i] = i, pthread_create(&t[i], NULL, run, &x[i]);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL), s += x[i];
	printf("sum %d\n", s);
	return 0;
}
END
cat >prj/Makefile <<'END'
CFLAGS = -O2 -g -Wall -fPIC
OBJS = $(patsubst %.c,%.o,$(wildcard f*.c))
all: prog prog-so prog-static
libf.a: $(OBJS)
	ar rcs $@ $^
libf.so: $(OBJS)
	$(CC) -shared -o $@ $^
prog: main.o libf.a
	$(CC) -o $@ $^
prog-so: main.o libf.so
	$(CC) -o $@ main.o -L. -lf -Wl,-rpath,'$$ORIGIN'
prog-static: main.o libf.a
	$(CC) -static -o $@ $^
%.o: %.c p.h
	$(CC) $(CFLAGS) -c -o $@ $<
clean:
	rm -f *.o *.a *.so prog prog-*
END
t "make -j4 of a C project, gcc, ar, ld" \
    'cd prj && make -s -j4 2>&1 && ./prog && ./prog-so && ./prog-static' \
    '^sum ([0-9]+)
sum [0-9]+
sum [0-9]+$' 240
t "make again does what is needed only" 'cd prj && make -q all && touch f3.c &&
make -j2 | grep -c -- "-c -o"; make clean; make -s -j3 CFLAGS=-O0 && ./prog' \
    '^1
.*sum [0-9]+$' 240
t "gcc -flto, -pg, --coverage" 'cd prj && gcc -O2 -flto=2 -o lto *.c && ./lto &&
gcc --coverage -o cov *.c && ./cov && gcov -n cov-main.c 2>/dev/null | head -n 2' \
    'sum.*
.*sum' 240
cat >x.cc <<'END'
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>
int main()
{
	std::vector<std::thread> v;
	std::atomic<int> n{0};
	for (int i = 0; i < 8; i++)
		v.emplace_back([&] { for (int j = 0; j < 10000; j++) n++; });
	for (auto &t : v)
		t.join();
	auto f = std::async(std::launch::async, [] { return 6 * 7; });
	std::map<std::string, int> m{{"a", 1}};
	try {
		m.at("b");
	} catch (const std::out_of_range &) {
		std::cout << "caught ";
	}
	std::ofstream("cc.out") << "x";
	std::cout << n << ' ' << f.get() << ' '
	    << std::filesystem::file_size("cc.out") << '\n';
}
END
t "g++: threads, exceptions, filesystem" \
    'g++ -O1 -std=c++20 -o x x.cc && ./x' '^caught 80000 42 1$' 300
t "gcc -fsanitize=address,undefined finds a fault" 'printf "%s\n" \
"#include <stdlib.h>" "int main(int c, char **v) { char *p = malloc(3); free(p);" \
"return p[c]; }" >a.c; gcc -g -fsanitize=address,undefined -o a a.c &&
! ./a >a.out 2>&1; grep -o "heap-use-after-free" a.out | head -n 1' \
    '^heap-use-after-free$' 120

# git.
t "git: init, commit, branch, merge, log" 'git init -q -b main r && cd r &&
for i in 1 2 3 4 5; do cp ../prj/f$i.c . && git add . && git commit -qm "n $i"
done; git checkout -qb side HEAD~2 && echo s >s && git add s && git commit -qm s &&
git checkout -q main && git merge -q -m m side && git log --oneline | wc -l
git status --porcelain | wc -l; git diff --stat HEAD~1 | tail -n 1' '^7
0
 1 file changed, 1 insertion' 120
t "git: clone, gc, fsck, pack" 'rm -rf r2 && git clone -q r r2 && cd r2 &&
cp -r ../prj/*.c . && git add . && git commit -qm all && git gc -q && git fsck --strict &&
git count-objects -v | grep in-pack; git push -q origin HEAD:refs/heads/new &&
git -C ../r branch | wc -l; git -C ../r rev-parse new main | sort -u | wc -l' \
    'in-pack: [1-9][0-9]+
3
2$' 180
t "git: stash, rebase, bisect, worktree" 'cd r && echo y >>s && git stash -q &&
git stash pop -q && git checkout -q s && git checkout -q side && git rebase -q main &&
git bisect start HEAD HEAD~3 >/dev/null && git bisect run test -f f5.c >/dev/null 2>&1
git bisect reset >/dev/null 2>&1; git worktree add -q ../wt main && ls ../wt | wc -l' \
    '^6$' 180

# Archives and a database.
t "tar, xz, zstd, gzip of a tree" 'for z in "xz -1" zstd gzip; do
tar --use-compress-program="$z" -C /usr/include -cf t.z linux && rm -rf o && mkdir o &&
tar --use-compress-program="$z" -C o -xf t.z &&
diff -r /usr/include/linux o/linux && echo same; done' '^same
same
same$' 300
t "xz -T4, zstd -T4 -19" 'tar -C /usr/include -cf all.tar asm-generic linux &&
xz -1kT4 all.tar && xz -t all.tar.xz && zstd -q -T4 -9 all.tar &&
zstd -qt all.tar.zst && zstd -dc all.tar.zst | cmp - all.tar && echo good' \
    '^good$' 300
t "sqlite3: a script of 50,000 rows, .selftest" 'rm -f q.db; (echo "create table t(a integer primary key, b text);
begin;"; for ((i = 0; i < 50000; i++)); do echo "insert into t(b) values(\"r$i\");"; done
echo "commit; create index ix on t(b);
.selftest --init") | sqlite3 q.db >/dev/null
sqlite3 q.db "select count(*), sum(length(b)) from t; pragma integrity_check;" ".selftest"' \
    '^50000\|288890
ok
.*0 errors out of [0-9]+ tests' 240

# Tracers and debuggers.
cat >d.c <<'END'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
volatile int counter, watched;
int deep(int n)
{
	if (n == 0)
		return ++counter;
	return deep(n - 1) + 1;
}
static void *spin(void *p)
{
	for (;;)
		pause();
	return p;
}
int main(int argc, char **argv)
{
	pthread_t t;
	if (argc > 1) {
		pthread_create(&t, NULL, spin, NULL);
		printf("ready\n");
		fflush(stdout);
		for (;;) {
			deep(2);
			usleep(1000);
		}
	}
	deep(3);
	watched = 7;
	printf("counter %d\n", counter);
	raise(SIGUSR1);
	abort();
}
END
gcc -g -O0 -o d d.c
gdb="gdb -q -nx -batch -iex 'set auto-load no' -iex 'set debuginfod enabled off'"
t "strace -f, -c, -e, of a compiler" \
    'strace -f -o st gcc -c a.c && grep -c execve st; strace -c -f -o sc true
tail -n 1 sc; strace -e trace=openat cat /etc/hostname 2>&1 | grep -c hostname' \
    '^[2-9]
.*total
1' 120
t "strace -p attaches, follows threads, detaches" './d x >d.out & p=$!
sleep 2; timeout -s INT 2 strace -f -p $p -o sp; grep -c nanosleep sp; kill -0 $p &&
kill $p && wait $p; echo $?' 'detached
[1-9][0-9]*
143$' 120
t "strace: inject, signals, ppid of children" 'strace -o si -e inject=openat:error=EMFILE:when=3+ \
cat /etc/hostname; echo $?; strace -f -o sf bash -c "kill -USR1 \$\$"; grep -c "SIGUSR1" sf' \
    'Too many open files
1
.*[2-9]$' 120
t "gdb: breakpoint, backtrace, step, finish, watch" "$gdb -ex 'break deep if n == 0' \
-ex run -ex bt -ex finish -ex 'watch watched' -ex c -ex 'delete' -ex 'info registers rip' \
-ex 'handle SIGUSR1 nostop' -ex c -ex 'bt 1' ./d 2>&1; :" \
    'Breakpoint 1, deep \(n=0\).*#3 .*deep \(n=3\).*#4 .* main.*Value returned is.* = 1.*Hardware watchpoint 2: watched.*New value = 7.*rip .*main.*SIGUSR1' 180
t "gdb attaches to a process with threads" "./d x >d.out & p=\$!; sleep 2
$gdb -p \$p -ex 'info threads' -ex 'thread apply all bt' -ex 'break deep' -ex c -ex 'p n' \
-ex 'delete' -ex 'call deep(1)' -ex 'set var counter = 5' -ex detach 2>&1; kill -0 \$p && echo lives; kill \$p" \
    'LWP.*LWP.*spin.*main.*Breakpoint 1, deep.*= [0-2].*lives' 180
t "a core dump and gdb on it" "ulimit -c unlimited; cat /proc/sys/kernel/core_pattern
rm -f core*; ./d x >d.out & p=\$!; sleep 2; kill -ABRT \$p; wait \$p; echo \$?
ls core* >/dev/null && $gdb -ex 'info threads' -ex 'p counter > 0' ./d core* 2>&1; :" \
    '134
.*SIGABRT.*LWP.*= 1' 180
t "gdb: single steps, disassembly, gcore, checkpoint of a fork" "$gdb -ex 'break main' -ex run \
-ex 'stepi 50' -ex 'x/2i \$pc' -ex 'set follow-fork-mode child' -ex 'generate-core-file gc' \
-ex 'info proc mappings' -ex kill ./d 2>&1; file gc 2>/dev/null | cut -c 1-20; ls -s gc" \
    'Breakpoint 1, main.*=> 0x.*Saved corefile gc.*gc' 180

# Packages.
t "dpkg-deb -b, dpkg -i, --verify, -P" 'rm -rf pk; mkdir -p pk/DEBIAN pk/opt/lt; echo hey >pk/opt/lt/f
printf "Package: ltest\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n" >pk/DEBIAN/control
printf "#!/bin/sh\necho post \$1\n" >pk/DEBIAN/postinst; chmod 755 pk/DEBIAN/postinst
dpkg-deb -b pk lt.deb >/dev/null && dpkg -i lt.deb | tail -n 1; cat /opt/lt/f
dpkg --verify ltest; dpkg -s ltest | grep Status; dpkg -P ltest >/dev/null 2>&1; [ ! -e /opt/lt ]' \
    'post configure
hey
Status: install ok installed$' 180
t "apt-get install of a local package, purge, apt-cache" \
    'dpkg-deb -b pk lt.deb >/dev/null; apt-get -y -o APT::Sandbox::User=root install ./lt.deb >apt.out 2>&1 || tail -n 5 apt.out
cat /opt/lt/f; apt-get -y purge ltest >/dev/null 2>&1; [ ! -e /opt/lt ] && echo gone
apt-cache policy bash | sed -n 1p' '^hey
gone
bash:' 240

# Languages.
mkdir -p g
cat >g/g.go <<'END'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for i := 0; i < 500; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			time.Sleep(time.Millisecond)
			b := make([]byte, 10000)
			mu.Lock()
			sum += i + len(b) - 10000
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	runtime.GC()
	out, err := exec.Command("echo", "child").Output()
	fmt.Print(sum, " ", string(out))
	_, err = os.Stat("/nonexistent")
	fmt.Println(err)
	defer func() { fmt.Println("recovered:", recover()) }()
	var p *int
	fmt.Println(*p)
}
END
t "go builds a static program, and it runs" \
    'cd g && go build -o g g.go && file g 2>/dev/null | grep -c static; ./g' \
    '124750 child
stat /nonexistent: no such file or directory
recovered: runtime error: invalid memory address' 900
cat >n.js <<'END'
const { Worker, isMainThread, parentPort } = require('worker_threads');
if (!isMainThread) {
	let s = 0;
	for (let i = 0; i < 2e6; i++) s = (s + i * i) % 1000003;
	parentPort.postMessage(s);
} else {
	const fs = require('fs'), cp = require('child_process');
	const net = require('net'), crypto = require('crypto'), zlib = require('zlib');
	fs.writeFileSync('n.out', 'x'.repeat(100000));
	const z = zlib.gunzipSync(zlib.gzipSync(fs.readFileSync('n.out')));
	console.log(z.length, crypto.createHash('sha256').update(z).digest('hex').slice(0, 8));
	console.log(cp.execSync('echo sub').toString().trim());
	const ws = [1, 2].map(() => new Promise(r => new Worker(__filename).on('message', r)));
	const server = net.createServer(c => c.end('hello')).listen('/tmp/f/n.sock', () => {
		let d = '';
		net.connect('/tmp/f/n.sock').on('data', b => d += b).on('end', async () => {
			server.close();
			const w = fs.watch('.', () => {});
			const [a, b] = await Promise.all(ws);
			w.close();
			console.log(d, a === b, process.memoryUsage().rss > 1e6);
			setTimeout(() => console.log('timer'), 50);
		});
	});
}
END
t "node: workers, sockets, children, zlib" 'rm -f n.sock; node --version; node n.js' \
    '^v[0-9].*
100000 [0-9a-f]{8}
sub
hello true true
timer$' 300
t "node: WebAssembly, a heap of 100 MB, an exception" "node -e '
const a = []; for (let i = 0; i < 1e6; i++) a.push({ i, s: \"x\" + i });
const m = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0]));
console.log(a.length, m instanceof WebAssembly.Module); null.x' 2>&1 | grep -E 'true|TypeError'
exit 0" '^1000000 true
TypeError' 300
t "java -version" 'java -version' 'OpenJDK Runtime.*
OpenJDK 64-Bit' 240
cat >H.java <<'END'
import java.util.*;
import java.util.concurrent.*;
public class H {
	static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
	public static void main(String[] a) throws Exception {
		System.out.println("Hello, world");
		ExecutorService e = Executors.newFixedThreadPool(4);
		List<Future<Integer>> l = new ArrayList<>();
		for (int i = 0; i < 8; i++)
			l.add(e.submit(() -> fib(24)));
		int s = 0;
		for (Future<Integer> f : l)
			s += f.get();
		e.shutdown();
		byte[][] g = new byte[64][];
		for (int i = 0; i < 4000; i++)
			g[i % 64] = new byte[100000];
		try {
			Object o = null;
			o.hashCode();
		} catch (NullPointerException x) {
			System.out.println("npe " + s);
		}
		Process p = new ProcessBuilder("echo", "child").start();
		System.out.print(new String(p.getInputStream().readAllBytes()));
		System.out.println(p.waitFor());
	}
}
END
t "javac and java: compiled code, threads, collections, a child" \
    'javac H.java && java -XX:+PrintCompilation H | grep -c H::fib
java -Xmx128m H' '^[1-9][0-9]*
Hello, world
npe 370944
child
0$' 600
t "java: -Xint, -XX:+UseParallelGC" 'java -Xint H | head -n 1
java -XX:+UseParallelGC -Xmx64m H | tail -n 1' '^Hello, world
0$' 600

# 32 bits.
cat >i.s <<'END'
.globl _start
_start:	movl $4, %eax
	movl $1, %ebx
	movl $m, %ecx
	movl $6, %edx
	int $0x80
	movl $1, %eax
	movl $3, %ebx
	int $0x80
m:	.ascii "i386!\n"
END
t "an i386 program" 'as --32 -o i.o i.s && ld -m elf_i386 -o i i.o && ./i; echo $?' \
    '^i386!
3$'
t "an i386 busybox" 'b=/opt/i386/busybox; $b sh -c "
$b seq 1000 | $b sort -rn | $b head -n 1; $b uname -m; $b ps | $b grep -c busybox
$b tar -C /etc -cf - . | $b gzip | $b gunzip | $b tar -tf - | $b wc -l
$b dd if=/dev/zero bs=1M count=3 2>/dev/null | $b sha256sum | $b cut -c 1-8
(exit 5); echo \$?; $b awk \"BEGIN { print 7 * 6 }\""' '^1000
x86_64
[1-9][0-9]*
[1-9][0-9]*
[0-9a-f]{8}
5
42$' 120
cd / && rm -rf /tmp/f
t_end
