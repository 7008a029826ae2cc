# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The tests on another of Debian's kernels. To be sourced by scripts/test.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # top and out are lib.sh's; ARCH, KERNEL
# and what follows from them are meant to be each lane's alone

# lane NAME ARCH KERNEL COMMAND...: runs COMMAND, with vireo and the tests built for that
# kernel. The names of the tests have NAME in front. Ends with 77 if the mirror has no
# such kernel.
lane() {
	local name=$1
	(
		export ARCH=$2 KERNEL=$3
		arch=$2 suite=$(suite_of "$3")
		shift 3
		lane_kernel "$name" && "$@" "$name"
	) 2>&1 | sed -u -E "s/^((not )?ok|# skipped) /\1 $name: /"
}

lane_kernel() {
	local name=$1 kernel log=$out/test/$1.set-up part symbols
	kernel=$(stock_kernel) || return
	"$top/scripts/setup" "$kernel" >"$log" 2>&1 || {
		cat "$log"
		! grep -q '^vireo: there is no kernel ' "$log" || return 77
		return 1
	}
	# scripts/root/stock has compared them, or there would be no such part.
	part=$(kernel_part "$kernel")
	symbols=$(awk '$3 == "vmlinux" && $2 ~ /^_R/' "$part/Module.symvers" | wc -l)
	if [ "$symbols" != 0 ] && [ -e "$part/rust-symbols" ] && [ ! -s "$part/rust-symbols-missing" ]; then
		say "ok symbols: all $symbols are the same"
	else
		say "not ok symbols - not all $symbols are in the tree: see $part/rust-symbols"
	fi
	"$top/scripts/build" -q "$kernel" || return
	say "ok build: $(release_of "$kernel")"
	need_tests
}

# What `make test` runs on a kernel that is not the first one: Debian's have no KUnit, but
# the tests of memory come close.
lane_short() {
	tests_on "$1" 900 'compliance paths suite/dmabuf suite/export suite/userptr unload' \
		"$top/scripts/vm"
}

short_names='arm64 7.2'
short_lanes() {
	local name
	for name in $short_names; do
		part "$name" short_lane "$name" lane_short
	done
}

# short_lane NAME COMMAND
short_lane() {
	case $1 in
	arm64) lane arm64 arm64 '' "$2" ;;
	7.2) lane 7.2 amd64 7.2 "$2" ;;
	esac
}

# What the short lanes would have to build, before it is their turn.
build_ahead() {
	local name status rc=77
	for name in $short_names; do
		status=0
		short_lane "$name" true >"$out/test/$name.ahead" 2>&1 || status=$?
		case $status in
		0)
			say "ok build-ahead: $name"
			[ $rc = 1 ] || rc=0
			;;
		77) ;;
		*)
			say "not ok build-ahead: $name - see $out/test/$name.ahead"
			rc=1
			;;
		esac
	done
	return $rc
}

# "ARCH KERNEL" of each.
# shellcheck disable=SC2031 # those of who calls make
kernels_to_test() {
	if [ -n "${ARCH:-}${KERNEL:-}" ]; then
		echo "$arch ${KERNEL:-}"
	else
		list "$top/scripts/kernels"
	fi
}

# Everything that depends on the kernel.
lane_long() {
	local rc=0
	tests_on "$1" 3600 '' "$top/scripts/vm" || rc=$?
	# There is no model of the card for others.
	[ "$arch" = amd64 ] || return $rc
	card || rc=$?
	card_iommu || rc=$?
	return $rc
}

# long_lanes ARCH: a part for each of its kernels.
long_lanes() {
	local on kernel
	while read -r -u 3 on kernel; do
		[ "$on" != "$1" ] || part "$(lane_name)" lane "$(lane_name)" "$on" "$kernel" lane_long
	done 3< <(kernels_to_test)
}
arm64_lane() { long_lanes arm64; }
lane_name() { echo "$on${kernel:+-$kernel}"; }

# A line for each of these parts, for the documentation.
lanes_table() {
	local on kernel name log
	printf '| kernel | architecture | Rust symbols | passed | failed | skipped |\n'
	printf '|---|---|---|---|---|---|\n'
	while read -r -u 3 on kernel; do
		name=$(lane_name) log=$out/test/$(lane_name).out
		count() { grep -c "^$1 $name: " "$log" || true; }
		printf '| %s | %s | %s | %d | %d | %d |\n' \
			"$(sed -n "s/^ok $name: build: //p" "$log")" "${name%%-*}" \
			"$(sed -n "s/^ok $name: symbols: all \([0-9]*\) .*/\1/p" "$log")" \
			"$(count ok)" "$(count 'not ok')" "$(count '# skipped')"
	done 3< <(kernels_to_test)
}
