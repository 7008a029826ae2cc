# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # who sources this uses what it sets
#
# What the scripts share: where things are, how they speak, how a step of
# work is shown. To be sourced.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${VIREO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vireo}
out=$top/build
logs=$cache/log
# Of the guests in QEMU; KERNEL says which kernel they run, see scripts/parts.sh.
arch=${ARCH:-amd64}
case $arch in x86 | x86_64) arch=amd64 ;; esac
# The releases of Debian whose kernels these are. All that is built for a kernel is built
# in a root file system of the same release.
suites='trixie forky'
suite_of() { case $1 in testing | *+deb14*) echo forky ;; *) echo trixie ;; esac; }
suite=$(suite_of "${KERNEL:-}")

say() { printf '%s\n' "$*"; }

die() {
	printf 'vireo: %s\n' "$1" >&2
	shift
	[ $# = 0 ] || printf '       %s\n' "$@" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] ||
		die "this mounts a root file system, and so must be run as root: sudo make ..."
}

# Has the programs of the tests built, or ends here. Those for amd64 run on whatever is
# newer than what they are built on.
need_tests() {
	local log=$out/tests/build.log
	mkdir -p "$out/tests"
	if ! env KERNEL= "$top/scripts/in-root" env ARCH="$arch" tests/build >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "building the tests failed; the whole log is $log"
	fi
}

# What is made in the checkout belongs to who called sudo, not to root.
give_back() {
	[ -n "${SUDO_UID:-}" ] && [ -d "$out" ] || return 0
	chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$out"
}

# A key stands for everything that a part is made from.
key_of() { sha256sum | cut -c1-12; }

list() { grep -hv -e '^#' -e '^$' "$@" | sort -u; }

clock() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

# step TITLE LOG LINES COMMAND...
#
# Runs COMMAND with all that it prints in LOG, and shows one line: how far
# the whole is, the clock, the title, and how far this step is, guessed from
# the LINES that the log has at the end when all goes well.
step_k=0 step_n=0 step_pid=
step() {
	local title=$1 log=$2 lines=$3 head pid start=$SECONDS rc=0 shown=0 now
	shift 3
	step_k=$((step_k + 1))
	head=$(printf '[%d/%d] %5s  %s' "$step_k" "$step_n" "$(clock)" "$title")
	mkdir -p "$(dirname "$log")"
	: >"$log"
	printf '%s ...' "$head"
	# In a process group of its own, so that all of it can be stopped.
	set -m
	"$@" >>"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	step_pid=$pid
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		now=$(($(wc -l <"$log") * 100 / lines))
		[ "$now" -le 99 ] || now=99
		if [ -t 1 ]; then
			printf '\r%s ... %d%% ' "$head" "$now"
		elif [ $((SECONDS - start)) -ge $((shown + 20)) ]; then
			shown=$((SECONDS - start))
			printf ' %d%%' "$now"
		fi
	done
	wait "$pid" || rc=$?
	step_pid=
	[ ! -t 1 ] || printf '\r%s ...     \b\b\b\b' "$head"
	if [ $rc = 0 ]; then
		printf ' done in %d s\n' $((SECONDS - start))
		return 0
	fi
	printf ' FAILED\n'
	# A step that knows what is wrong says so itself in a last line.
	if grep -q '^vireo: ' "$log"; then
		sed -n '/^vireo: /,$p' "$log" >&2
	else
		tail -n 12 "$log" | cut -c1-160 | sed 's/^/    /' >&2
	fi
	die "$title: failed; the whole log is $log"
}
