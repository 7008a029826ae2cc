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
kernels='stock uml uml-debug vm-debug vm-kasan'

package_lists() {
	echo "$top/scripts/packages"
	[ ! -f "$top/tests/packages" ] || echo "$top/tests/packages"
}

root_part() {
	local lists
	mapfile -t lists < <(package_lists)
	echo "$cache/root-$(
		{ list "${lists[@]}"; cat "$top/scripts/root/install"; } | key_of
	)"
}

# The kernels depend on what is in the root, but not on all of it: on the
# versions of the source and of the compilers, which the root has written down.
kernel_part() {
	local name=$1 root made_from=()
	case $name in
	stock) made_from=(stock) ;;
	uml) made_from=(uml uml.config) ;;
	uml-debug) made_from=(uml uml.config uml-debug uml-debug.config) ;;
	vm-debug) made_from=(vm-debug vm-debug.config) ;;
	vm-kasan) made_from=(vm-debug vm-debug.config vm-kasan vm-kasan.config) ;;
	esac
	root=$(root_part)
	echo "$cache/$name-$(
		cd "$top/scripts/root" &&
		cat "$root/etc/vireo/versions" "${made_from[@]}" | key_of
	)"
}

# Where it is built, and modules for it: its own build files have the name in them.
kernel_tree() {
	case $1 in
	vm-kasan) echo /build/vm-debug ;;
	*) echo "/build/$1" ;;
	esac
}

complete() { [ -e "$1/.complete" ]; }

# Held shared by who uses the cache, and alone by who takes old parts away.
use_cache() {
	exec 8>>"$cache/.in-use"
	flock -s 8
}
