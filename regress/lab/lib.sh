# SPDX-License-Identifier: BSD-2-Clause
# Functions for scenarios (t_*.sh) and for `lab run`; sourced, in bash.
#
# Overview: a guest is known by its xl name. Its console is a file that
# xenconsoled writes on the shared directory; what guest_send writes goes to
# the same console. guest_expect and guest_run remember how far in that file
# they have read ($RUN/NAME.pos). A guest that migrates keeps its file: the
# name it has on the way, NAME--incoming, is a symbolic link to it.
#
# Needs from its caller: KERNEL and INITRD (host files), and what ../lab
# exports. Functions return 124 when a time-out passes; time-outs are in
# seconds and get multiplied by LAB_SLOW.

ESC=$'\e'
PROMPT=$'[#$] (\\e\\[6n)?$'
SLOW=${LAB_SLOW:-1}
BOOT_TIMEOUT=${LAB_GUEST_TIMEOUT:-60}

# dom0 COMMAND...: run it in dom0 with no input.
dom0() { "$LAB_SRC/host/client" -n "$RUN" "$*"; }

guest_log() { echo "$SHARE/console/guest-$1.log"; }

# share_file FILE: put a host file where dom0 sees it; prints dom0's name.
share_file() {
	local sum
	sum=$(sha256sum <"$1" | cut -c 1-16)
	[ -f "$SHARE/boot/$sum" ] || {
		cp "$1" "$SHARE/boot/$sum.$$" &&
		    mv "$SHARE/boot/$sum.$$" "$SHARE/boot/$sum"
	} || return
	echo "/share/boot/$sum"
}

# disk_spec VDEV r|rw FILE: a disk as xl wants it; FILE is dom0's.
disk_spec() {
	echo "format=raw,vdev=$1,access=$2,script=/lab/block,target=$3"
}

# boot_file FILE: the same for a file a guest starts from. xl maps it, and on
# the shared directory that is a message for each page: a large one is copied,
# one at a time, as dom0 is small.
boot_file() {
	local f
	f=$(share_file "$1") || return
	if [ "$(stat -Lc %s "$1")" -gt 33554432 ]; then
		dom0 "[ -f /tmp${f#/share} ] ||
		    { rm -rf /tmp/boot; mkdir /tmp/boot && cp $f /tmp/boot/; }" ||
		    return
		f=/tmp${f#/share}
	fi
	echo "$f"
}

# disk_list FILE[,ro]...: the value of disk= that makes these host files the
# guest's disks xvda, xvdb and on. dom0 gets at a file by a link to it under
# $SHARE, so what the guest writes is in the file; loop and blkback serve it.
disk_list() {
	local f mode link list="" n=0 letters=abcdefghijklmnop
	for f; do
		mode=rw
		[ "$f" = "${f%,ro}" ] || mode=r
		f=$(realpath -e "${f%,ro}") || return
		link=disk/$(stat -c %i "$f")
		[ "$SHARE/$link" -ef "$f" ] || ln -f "$f" "$SHARE/$link" || {
			echo "disk_list: $f: put it under $SHARE" >&2
			return 1
		}
		list+="\"$(disk_spec xvd${letters:n:1} $mode /share/$link)\","
		n=$((n + 1))
	done
	echo "[${list%,}]"
}

# tree_image TREE FILE SIZE: an ext4 file system of that size in FILE, with a
# Debian tree (lab tree) in it.
tree_image() {
	local tar tree=$LAB/image.tree rc
	tar=$("$SELF" tree "$1") && rm -rf "$tree" && mkdir -p "$tree" &&
	    tar -C "$tree" --exclude='./dev/*' -xf "$tar" &&
	    mke2fs -qF -t ext4 -d "$tree" "$2" "$3" >/dev/null
	rc=$?
	rm -rf "$tree"
	return $rc
}

# A network interface on dom0's bridge, on which dom0 is 10.77.0.1/24.
NET='vif=["bridge=xenbr0"]'

# guest_config NAME [key=value...]: write NAME's xl configuration. A value is
# quoted unless it is a number or a list. extra= is added to console=hvc0 and
# GUEST_EXTRA.
guest_config() {
	local name=$1 kv k v k0 r0 extra
	local words=console=hvc0${GUEST_EXTRA:+ $GUEST_EXTRA}
	shift
	extra=$words
	k0=$(share_file "$KERNEL") || return
	{
		echo "name = \"$name\""
		echo "kernel = \"$k0\""
		if [ -n "${INITRD:-}" ]; then
			r0=$(boot_file "$INITRD") || return
			echo "ramdisk = \"$r0\""
		fi
		# Else each RDTSC of a PVH guest is a visit to Xen, and QEMU
		# sometimes loses a guest on such a visit.
		[[ " $* " != *" type=pvh "* ]] || echo 'tsc_mode = "native"'
		# A crashed guest stays, so that xenctx can look at it.
		for kv in type=pv vcpus=1 memory=256 on_poweroff=destroy \
		    on_reboot=restart on_crash=preserve "$@"; do
			k=${kv%%=*}
			v=${kv#*=}
			case $k:$v in
			extra:*)	extra="$words${v:+ $v}" ;;
			*:\[*|*:[0-9]*)	echo "$k = $v" ;;
			*)		echo "$k = \"$v\"" ;;
			esac
		done
		echo "extra = \"$extra\""
	} >"$SHARE/cfg/$name.cfg"
	: >"$(guest_log "$name")"
	ln -sfn "guest-$name.log" "$SHARE/console/guest-$name--incoming.log"
	echo 0 >"$RUN/$name.pos"
	guest_moved "$name"
}

# guest_start NAME [key=value...]: configure and start it.
guest_start() {
	guest_config "$@" && dom0 "xl create -q /share/cfg/$1.cfg"
}

# guest_boot NAME [key=value...]: start it and wait for its shell.
guest_boot() {
	guest_start "$@" &&
	    guest_expect "$1" 'init: up' "$BOOT_TIMEOUT" >/dev/null &&
	    guest_expect "$1" "$PROMPT" "$BOOT_TIMEOUT" >/dev/null
}

guest_domid() { dom0 "xl domid $1" 2>/dev/null; }

# guest_destroy NAME: no guest of that name any more, whatever its state. A
# domain keeps its name for a moment, and one that is being built comes back.
guest_destroy() {
	dom0 "for d in $1 $1--incoming $1--migratedaway; do
		for i in {1..50}; do
			xl domid \$d || break
			xl destroy \$d
			sleep 0.1
		done
	done" >/dev/null 2>&1
	guest_moved "$1"
	return 0
}

# guest_expect NAME REGEX TIMEOUT: wait for new console output that matches;
# prints the output up to there.
guest_expect() {
	local pos out rc
	pos=$(cat "$RUN/$1.pos")
	out=$("$LAB_SRC/host/expect" "$(guest_log "$1")" "$pos" "$2" \
	    $(($3 * SLOW)) "$RUN/qemu.pid")
	rc=$?
	[ $rc -eq 0 ] || rc=124
	echo "${out%%$'\n'*}" >"$RUN/$1.pos"
	printf '%s\n' "${out#*$'\n'}"
	return $rc
}

# guest_tty NAME: dom0's terminal for the guest's console, remembered until
# something here makes a new domain of it.
guest_tty() {
	local t
	if ! t=$(cat "$RUN/$1.tty" 2>/dev/null); then
		# xenconsoled takes a moment to make it.
		t=$(dom0 "d=\$(xl domid $1) || exit
		    for i in {1..100}; do
			t=\$(xenstore-read /local/domain/\$d/console/tty)
			[ -z \"\$t\" ] || break
			sleep 0.1
		    done
		    echo \"\$t\"")
		[ -n "$t" ] || return
		echo "$t" >"$RUN/$1.tty"
	fi
	echo "$t"
}
guest_moved() { rm -f "$RUN/$1.tty"; }

# guest_raw NAME: standard input goes to the guest's console as it is.
guest_raw() {
	local t
	t=$(guest_tty "$1" || guest_tty "$1") || return 125
	"$LAB_SRC/host/client" "$RUN" "cat >$t"
}

# guest_send NAME TEXT: type TEXT (printf's escapes work: \\003 is ctrl-C).
guest_send() { printf "$2" | guest_raw "$1"; }

# guest_run NAME COMMAND [TIMEOUT]: run COMMAND in the guest's shell; prints
# its output and returns its status; 125: the guest has started anew.
guest_run() {
	local id=$RANDOM$RANDOM out rc
	# The quotes keep the typed line from looking like the marks.
	printf "echo '#B''EGIN %s'; %s\necho '#E''ND %s' \$?\n" \
	    $id "$2" $id | guest_raw "$1" || return 125
	out=$(guest_expect "$1" "(#END $id [0-9]+|^init: up)\r?\n" "${3:-30}")
	rc=$?
	out=${out#*"#BEGIN $id"$'\n'}
	[ $rc -ne 0 ] || [[ $out == *"#END $id "* ]] || rc=125
	if [ $rc -ne 0 ]; then
		printf '%s\n' "$out"
		return $rc
	fi
	rc=${out##*"#END $id "}
	out=${out%"#END $id "*}
	# Take out the second line's echo and the prompt before it. They may
	# stand behind output that did not end its line, and the echo above all
	# output, if the terminal made it when the line came.
	out=$(printf '%s' "$out" | sed -e "s/[~\/][^ ~\/]* [#\$] \($ESC\[6n\)\?echo\
 '#E''ND $id' \$?\$/$ESC/" -e "s/^echo '#E''ND $id' \$?\$/$ESC/" \
	    -e "\$s/[~\/][^ ~\/]* [#\$] \$/$ESC/" \
	    -e "/^$ESC\$/d" -e "s/$ESC\$//")
	[ -z "$out" ] || printf '%s\n' "$out"
	return "${rc%%[!0-9]*}"
}

# guest_points NAME COMMAND TIMEOUT: the test points that COMMAND prints in the
# guest are ours, with our number; all of them must come.
guest_points() {
	local line end="" n0=$TAP_N
	while IFS= read -r line; do
		case $line in
		"ok "*" # SKIP "*)
			line=${line#ok * - }
			skip "${line%% # SKIP *}" "${line#* # SKIP }" ;;
		"ok "*)		ok "${line#ok * - }" ;;
		"not ok "*)	not_ok "${line#not ok * - }" ;;
		1..*)		end=$line ;;
		"#"*)		echo "$line" ;;
		esac
	done < <(guest_run "$1" "$2" "$3")
	check "all points of $2" [ "$end" = "1..$((TAP_N - n0))" ]
}

# guest_save NAME FILE / guest_restore NAME FILE: xl save, xl restore.
guest_save() { dom0 "xl save $1 $2" && guest_moved "$1"; }
guest_restore() { dom0 "xl restore $2" && guest_moved "$1"; }

# guest_checkpoint NAME FILE: xl save -c; the guest goes on.
guest_checkpoint() { dom0 "xl save -c $1 $2"; }

# guest_migrate NAME: live migration from this host to this host.
guest_migrate() { dom0 "xl migrate -s /lab/migrate $1 here" && guest_moved "$1"; }

# guest_state NAME: xl's six letters (r-b-p-s-c-d), or "gone".
guest_state() {
	dom0 "xl list $1 2>/dev/null" |
	    awk 'NR == 2 { print $5; f = 1 } END { if (!f) print "gone" }'
}

# guest_wait_state NAME REGEX TIMEOUT
guest_wait_state() {
	local end=$((SECONDS + $3 * SLOW))
	while ! guest_state "$1" | grep -qE "$2"; do
		[ $SECONDS -lt $end ] || return 124
		sleep 0.3
	done
}

# guest_shutdown NAME [poweroff|reboot] [TIMEOUT]: by xl, and wait for it.
guest_shutdown() {
	local verb=shutdown
	[ "${2:-}" != reboot ] || verb=reboot
	dom0 "timeout $((${3:-60} * SLOW)) xl $verb -w $1"
}

# guest_reaches NAME MB: xl mem-set, and then xl sees it at that size, give or
# take a megabyte or two.
guest_reaches() {
	local end=$((SECONDS + 30 * SLOW)) now
	dom0 "xl mem-set $1 $2" || return
	while :; do
		now=$(dom0 "xl list $1" | awk 'NR == 2 { print $3 }')
		[ "$now" -le $(($2 + 2)) ] && [ "$now" -ge $(($2 - 2)) ] &&
		    return 0
		[ $SECONDS -lt $end ] || break
		sleep 0.5
	done
	echo "stuck at $now MB, not $2"
	return 1
}

# --- TAP ---

TAP_N=0
TAP_FAILED=0

ok() { TAP_N=$((TAP_N + 1)); echo "ok $TAP_N - $*"; }
not_ok() {
	TAP_N=$((TAP_N + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_N - $*"
}
skip() { TAP_N=$((TAP_N + 1)); echo "ok $TAP_N - $1 # SKIP $2"; }
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# check DESCRIPTION COMMAND...: one test point; the output shows on failure.
check() {
	local what=$1 out rc
	shift
	out=$("$@" 2>&1)
	rc=$?
	if [ $rc -eq 0 ]; then
		ok "$what"
	else
		not_ok "$what"
		diag "status $rc from: $*"
		[ -z "$out" ] || diag "$out"
	fi
	return $rc
}

# check_run DESCRIPTION NAME COMMAND [TIMEOUT [REGEX]]: COMMAND in the guest
# exits 0 and its output matches.
check_run() {
	local what=$1 out rc
	out=$(guest_run "$2" "$3" "${4:-30}")
	rc=$?
	if [ $rc -eq 0 ] && [[ $out =~ ${5:-} ]]; then
		ok "$what"
		return 0
	fi
	not_ok "$what"
	diag "status $rc from: $3 (wanted 0${5:+ and /$5/})"
	[ -z "$out" ] || diag "$out"
	return 1
}

# no_complaint NAME: its kernel has found nothing wrong with itself.
no_complaint() {
	check_run "the kernel had no complaint" "$1" \
	    "dmesg | grep -iE 'panic|warning|bug:|assert|oops' |
grep -v 'Command line'; :" 30 '^$'
}

# date_right NAME: the guest's clock is within a second of dom0's.
date_right() {
	local a g b try
	for try in 1 2 3; do
		a=$(dom0 date +%s)
		g=$(guest_run "$1" 'date +%s' 30)
		b=$(dom0 date +%s)
		echo "dom0 $a, guest $g, dom0 $b"
		# A busy dom0 may not have answered: that says nothing.
		[ -z "$a" ] || [ -z "$b" ] || break
	done
	[ "$g" -ge $((a - 1)) ] && [ "$g" -le $((b + 1)) ]
}

bail() { not_ok "$*"; exit 1; }

is_linux() { [ "$KERNEL_NAME" = linux ]; }
