# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # a part of doctor, which sources it
#
# Which system this is, and what it calls the packages that are wanted. It was tried on
# Debian; the names of others are from their packages' sources (VIREO-TODO-3).

os_field() {
	local file
	for file in "$sys/etc/os-release" "$sys/usr/lib/os-release"; do
		[ -r "$file" ] || continue
		sed -n "s/^$1=[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\}\$/\1/p" "$file"
		return
	done
}
os_id=$(os_field ID)
os_name=$(os_field PRETTY_NAME)
codename=$(os_field VERSION_CODENAME)
# Whose packages: those that are derived from a system have its kernels, or its names.
case " $os_id $(os_field ID_LIKE) " in
*" ubuntu "*) family=ubuntu ;;
*" debian "*) family=debian ;;
*" arch "*) family=arch ;;
*" fedora "*) family=fedora ;;
*) family=other ;;
esac

container=
if [ -r "$sys/run/systemd/container" ]; then
	container=$(cat "$sys/run/systemd/container")
elif [ -e "$sys/run/.containerenv" ]; then
	container=podman
elif [ -e "$sys/.dockerenv" ]; then
	container=docker
fi

# Arch's kernels know the package that they are from.
arch_package() { cat "$modules/pkgbase" 2>/dev/null; }

# Is this kernel the system's own, by its name?
packaged() {
	case $family/$release in
	debian/*-amd64 | debian/*-arm64 | debian/*-cloud-* | debian/*-rt-*) ;;
	ubuntu/*[0-9]-[0-9]*-[a-z]*) ;;
	fedora/*.fc[0-9]* | fedora/*.el[0-9]*) ;;
	arch/*-arch[0-9]* | arch/*-lts | arch/*-zen* | arch/*-hardened*) ;;
	arch/*) [ -n "$(arch_package)" ] ;;
	*) false ;;
	esac
}

# install PACKAGE...: the command that does.
install() {
	case $family in
	ubuntu | debian)
		# What apt does not know its lists may lack.
		if command -v apt-cache >/dev/null && ! apt-cache show "$@" >/dev/null 2>&1; then
			echo "sudo apt-get update && sudo apt-get install $*"
		else
			echo "sudo apt-get install $*"
		fi
		;;
	arch) echo "sudo pacman -S $*" ;;
	fedora) echo "sudo dnf install $*" ;;
	*) echo "install $*" ;;
	esac
}

headers_way() {
	if ! packaged; then
		echo "name the tree that this kernel was built in: make KDIR=DIR modules"
		return
	fi
	case $family in
	ubuntu | debian) install "linux-headers-$release" ;;
	arch) install "$(arch_package)-headers" ;;
	fedora) install "kernel-devel-$release" ;;
	esac
	echo "if that is not to be had any more: upgrade to the newest kernel with its headers, and reboot"
}

modules_way() {
	if [ ! -d "$modules" ]; then
		echo "if this kernel was upgraded since boot, its modules are gone: reboot"
	fi
	if ! packaged; then
		echo "install them from the tree that it was built in: make modules_install"
		return
	fi
	case $family in
	ubuntu) install "linux-modules-extra-$release" ;;
	debian) install "linux-image-$release" ;;
	fedora) install "kernel-modules-$release" ;;
	esac
}

# The kernel that has Rust, of this system.
rust_kernel_way() {
	case $family/$codename in
	debian/trixie)
		echo "with trixie-backports among apt's sources: sudo apt-get install -t trixie-backports linux-image-amd64; reboot"
		;;
	debian/bookworm | debian/bullseye | debian/buster)
		echo "Debian has such a kernel from trixie on, in trixie-backports"
		;;
	debian/*) echo "sudo apt-get install linux-image-amd64; reboot" ;;
	ubuntu/*) echo "sudo apt-get install linux-generic; reboot: Ubuntu builds this one with Rust" ;;
	arch/*) echo "sudo pacman -S linux linux-headers; reboot: Arch builds this one with Rust" ;;
	*) echo "run a kernel that was built with CONFIG_RUST=y" ;;
	esac
}

# tool_way TOOL: the package with rustc, bindgen, libclang, a compiler.
tool_way() {
	case $1/$family in
	rustc/arch | rustc/fedora) install rust ;;
	bindgen/arch) install rust-bindgen ;;
	bindgen/fedora) install bindgen-cli ;;
	libclang/arch) install clang ;;
	libclang/fedora) install clang-libs ;;
	libclang/debian | libclang/ubuntu) install libclang-dev ;;
	gcc*/arch | gcc*/fedora) install gcc ;;
	llvm/*) install clang lld llvm ;;
	*) install "$1" ;;
	esac
}
