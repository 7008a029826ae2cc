# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # a part of doctor, which sources it
#
# The build tree: is it of this kernel, and does it have all of the Rust metadata?

tree=$modules/build
# What is absolute in a system that is looked at from outside begins there.
if [ -n "$sys" ] && [ -L "$tree" ]; then
	case $(readlink "$tree") in /*) tree=$sys$(readlink "$tree") ;; esac
fi

# What a module in Rust needs of it, beside what each module does. The list was found
# by tracing a build with 7.3; an older kernel has fewer crates.
pieces() {
	printf 'rust/lib%s.rmeta\n' core compiler_builtins ffi build_error bindings uapi \
		kernel pin_init
	printf 'rust/lib%s.so\n' macros pin_init_internal
	if grep -qs zerocopy "$tree/scripts/Makefile.build"; then
		printf 'rust/%s\n' libzerocopy.rmeta libzerocopy_derive.so
	fi
	# Other architectures have a target that rustc knows.
	[ "$machine" != x86_64 ] || echo scripts/target.json
	printf '%s\n' include/generated/rustc_cfg include/config/auto.conf \
		scripts/mod/modpost Module.symvers
	! on MODVERSIONS || echo scripts/gendwarfksyms/gendwarfksyms
	! on RUST_INLINE_HELPERS || echo rust/helpers/helpers_module.bc
}

# What rebuilds or brings the metadata that the headers lack.
metadata_ways() {
	local link
	link=$(readlink "$tree/rust" 2>/dev/null)
	# Ubuntu's headers have a link into a package of its own.
	case $link in
	*linux-lib-rust-*)
		link=linux-lib-rust-${link##*linux-lib-rust-}
		install "${link%%/*}"
		return
		;;
	esac
	if [ -e "$tree/init/Kconfig" ] || [ -e "$tree/source/init/Kconfig" ]; then
		echo "it is a tree that a kernel is built in: make -C /lib/modules/$release/build"
		return
	fi
	case $family/$release in
	debian/*+deb13-arm64*)
		echo "on a machine with Debian for amd64: sudo make ARCH=arm64 KERNEL=$release"
		return
		;;
	arch/*)
		echo "$(install "$(arch_package)-headers"), which has it when the kernel has Rust"
		return
		;;
	esac
	echo "build this kernel from its source, with its .config; then: make KDIR=<that tree> modules"
}

# Debian's headers lack the metadata, all of them. `make` rebuilds it, and brings all that
# it builds with; make_builds is how it is called.
make_builds=
check_debian() {
	local lacks="these headers lack Rust metadata, as all of Debian's do"
	make_builds="sudo make KERNEL=$release"
	if grep -qsx "release=$release" "$cache"/root-*/etc/vireo/kernel*; then
		note "$lacks; 'make KERNEL=$release' rebuilds it"
	else
		unknown "$lacks; 'make KERNEL=$release' rebuilds it, if Debian still has this kernel" \
			"$make_builds; make doctor"
	fi
}

# An older kernel is asked for what it lacks by its sources, see src/Makefile.
check_older() {
	local newest file
	newest=$(list "$top/scripts/kernels" | sed 's/.* \([0-9.]*\).*/\1/' | sort -V | tail -n 1)
	if [ "$series" = "$newest" ] ||
			[ "$(printf '%s\n' "$series" "$newest" | sort -V | tail -n 1)" = "$series" ]; then
		return 0
	fi
	for file in "$tree"/{,source/}rust/kernel/lib.rs; do
		[ ! -e "$file" ] || return 0
	done
	bad "this tree has the metadata alone: for kernels before $newest, vireo has to see the kernel's sources in Rust (rust/kernel)" \
		"build this kernel from its source, with its .config; then: make KDIR=<that tree> modules"
}

check_metadata() {
	local piece lacking=''
	if [ ! -e "$tree/rust/libkernel.rmeta" ]; then
		if command -v apt-cache >/dev/null &&
				apt-cache show "linux-librust-$release" >/dev/null 2>&1; then
			bad "the build tree has no Rust metadata, which is a package of its own" \
				"$(install "linux-librust-$release")"
			return 0
		fi
		if [ "$family" = debian ] && on RUST && [ ! -L "$tree/rust" ] &&
				grep -q '^[0-9.]*+deb13-.*amd64$' <<<"$release"; then
			check_debian
			return 1
		fi
		bad "the build tree has no Rust metadata (rust/libkernel.rmeta)" "$(metadata_ways)"
		return 0
	fi
	while read -r piece; do
		[ -e "$tree/$piece" ] || lacking="$lacking $piece"
	done < <(pieces)
	if [ -n "$lacking" ]; then
		bad "the build tree is not whole, it lacks$lacking" "$(metadata_ways)"
		return 0
	fi
	# A tree that was only prepared has an empty one, or that of vmlinux alone.
	if ! grep -qw vb2_core_queue_init "$tree/Module.symvers"; then
		bad "Module.symvers of the build tree lacks the symbols of videobuf2: its modules were not built" \
			"$(metadata_ways)"
		return 0
	fi
	good "a build tree with Rust metadata: /lib/modules/$release/build"
	check_older
}

# Fails when it makes no difference which tools there are.
check_tree() {
	local of
	if [ -n "$built_for_others" ]; then
		note "in this checkout is${built_for_others}: another kernel's"
	fi
	if [ ! -e "$tree/Makefile" ]; then
		bad "there is no build tree for this kernel (/lib/modules/$release/build)" \
			"$(headers_way)"
		return 0
	fi
	of=$(cat "$tree/include/config/kernel.release" 2>/dev/null)
	if [ -n "$of" ] && [ "$of" != "$release" ]; then
		bad "/lib/modules/$release/build is the tree of another kernel, $of" \
			"$(headers_way)"
		return 0
	fi
	check_metadata
}
