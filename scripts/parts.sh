# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The parts that the cache is made of, and the keys they go by. To be sourced
# after lib.sh.
# shellcheck disable=SC2034,SC2154 # top and cache are lib.sh's; kernels is for others
#
#   root-KEY    a Debian root file system: compilers, kernel, guest user space
#   stock-KEY   the build tree of Debian's kernel, with its Rust metadata
#   uml-KEY     a User-mode Linux kernel of the same source
#   uml-debug-KEY, vm-debug-KEY, vm-kasan-KEY
#               kernels of the same source that look for bugs: in User-mode
#               Linux, and for QEMU
#   stock-LANE-KEY
#               as stock-KEY, of another of Debian's kernels, which is in the root
#               under the name LANE: see scripts/root/lane
#   fresh-KEY   a bare Debian with that kernel, for the tests of the packages
kernels='stock uml uml-debug vm-debug vm-kasan'

package_lists() {
	echo "$top/scripts/packages"
	[ ! -f "$top/tests/packages" ] || echo "$top/tests/packages"
}

root_part() {
	local lists
	mapfile -t lists < <(package_lists)
	echo "$cache/root-$(
		{ echo "$suite"; list "${lists[@]}"; cat "$top/scripts/root/install"; } | key_of
	)"
}

# What ARCH and KERNEL ask for: "stock", if it is the kernel that the root is for, or
# "stock-LANE".
stock_kernel() {
	local own lane=${KERNEL:-}
	case $arch in
	amd64 | arm64) ;;
	*) die "ARCH=$arch: Debian's kernels are tried for amd64 and arm64" ;;
	esac
	case $lane in
	*[!A-Za-z0-9.+-]*) die "KERNEL=$lane: wanted is a series as 7.2, a release, or testing" ;;
	esac
	[ "$arch-$suite" != arm64-forky ] || die "KERNEL=$lane is for amd64 alone"
	if [ -n "$lane" ]; then
		# Only the root knows what its own is, which is the first choice for others.
		"$top/scripts/setup" >&2 || exit
		own=$(release_of stock)
		case $own in
		"${lane%-16k}" | "${lane%-16k}"[.+]*)
			case $lane in *-16k) lane=16k ;; *) lane= ;; esac
			;;
		esac
	fi
	[ "$suite" = trixie ] || lane=${lane:-testing}
	[ "$arch" = amd64 ] || lane=$arch${lane:+-$lane}
	echo "stock${lane:+-$lane}"
}

# The release of stock, or of stock-LANE.
release_of() { sed -n 's/^release=//p' "$(root_part)/etc/vireo/kernel${1#stock}"; }

# Is this a kernel that nobody has tried?
untried() {
	local release flavour
	release=$(release_of "$1")
	flavour=${release#*+deb*-}
	# As in "arm64 7.3-16k".
	! list "$top/scripts/kernels" | grep -qxF "${flavour%%-*} $(
		echo "$release" | grep -o '^[0-9]*\.[0-9]*')${flavour#"${flavour%%-*}"}"
}

# A lane's kernel is in the root if this file is there.
lane_mark() {
	echo "$(root_part)/etc/vireo/lane-$(key_of <"$top/scripts/root/lane")-$1"
}

# Where a guest's own root file system is.
guest_root() { echo "$(root_part)$([ "$arch" = amd64 ] || echo "/opt/$arch")"; }

# The kernels depend on what is in the root, but not on all of it: on the
# versions of the source and of the compilers, which the root has written down.
kernel_part() {
	local name=$1 root made_from=()
	root=$(root_part)
	case $name in
	stock) made_from=(stock) ;;
	stock-*) made_from=(stock "$root/etc/vireo/kernel-${name#stock-}") ;;
	uml) made_from=(uml uml.config) ;;
	uml-debug) made_from=(uml uml.config uml-debug uml-debug.config) ;;
	vm-debug) made_from=(vm-debug vm-debug.config) ;;
	vm-kasan) made_from=(vm-debug vm-debug.config vm-kasan vm-kasan.config) ;;
	esac
	echo "$cache/$name-$(
		cd "$top/scripts/root" &&
		cat "$root/etc/vireo/versions" "${made_from[@]}" | key_of
	)"
}

# The parts in use, of each release of Debian.
parts_in_use() {
	local suite root name facts
	for suite in $suites; do
		root=$(root_part)
		echo "$root"
		complete "$root" || continue
		fresh_part
		for name in $kernels; do
			kernel_part "$name"
		done
		for facts in "$root"/etc/vireo/kernel-*; do
			[ ! -e "$facts" ] || kernel_part "stock-${facts##*/kernel-}"
		done
	done
}

fresh_part() {
	echo "$cache/fresh-$(
		cat "$(root_part)/etc/vireo/kernel" "$top/scripts/root/fresh" | key_of
	)"
}

# Where it is built, and modules for it: its own build files have the name in them.
kernel_tree() {
	case $1 in
	vm-kasan) echo /build/vm-debug ;;
	stock-*) echo /build/stock ;;
	*) echo "/build/$1" ;;
	esac
}

complete() { [ -e "$1/.complete" ]; }

# All that there may be, of whichever keys: a pattern that matches nothing stays as it is.
cache_parts() { printf '%s\n' "$cache"/{root,stock,uml,vm,fresh}-*; }

# Held shared by who uses the cache, and alone by who takes old parts away.
use_cache() {
	exec 8>>"$cache/.in-use"
	flock -s 8
}
