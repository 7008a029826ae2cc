# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # read by tests/doctor/run, which sets top and work
#
# What a world is made of: a folder $root with the files of a system, a folder $bin, which
# is PATH, and a $checkout. All that stands between `world` and `expect` belongs to it.

tools='awk bash cat cut dirname grep head ls mktemp od paste readlink rm sed sort tail tr uname'

# file PATH: of the system, with what comes on stdin; empty PATH...; lacks PATH...
file() {
	mkdir -p "$root${1%/*}"
	cat >"$root$1"
}
empty() {
	local path
	for path; do
		mkdir -p "$root${path%/*}"
		: >"$root$path"
	done
}
lacks() {
	local path
	for path; do
		rm -r "${root:?}$path"
	done
}
# program NAME VERSION [COMMAND]: one that tells its version, and else does COMMAND.
program() {
	# shellcheck disable=SC2016 # for the program
	printf '#!/bin/bash\n[ "$1" != --version ] || { echo "%s"; exit; }\n%s\n' "$2" "${3:-}" \
		>"$bin/$1"
	chmod 755 "$bin/$1"
}
no_program() { rm "$bin/$1"; }
# in_world NAME: what follows is about that one.
in_world() {
	name=$1 release=7.3.4 tree=/lib/modules/7.3.4/build
	root=$work/$name/root bin=$work/$name/bin checkout=$work/$name/checkout
}

# The world that all others are made of: a machine with nothing in the way, and a kernel
# of one's own on an unknown system.
make_pristine() {
	local tool piece
	in_world .pristine
	mkdir -p "$root" "$bin" "$checkout/scripts"
	cp -r "$top"/scripts/{doctor,doctor.d,lib.sh} "$checkout/scripts/"
	printf '%s\n' '# comment' 'amd64 7.2' 'amd64 7.3' 'arm64 7.3' 'arm64 7.3-16k' \
		>"$checkout/scripts/kernels"
	for tool in $tools; do
		ln -s "$(command -v "$tool")" "$bin/"
	done
	file /boot/config-7.3.4 <<-'END'
		CONFIG_X86_64=y
		CONFIG_RUST=y
		CONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1 (4eb161250 2025-03-15)"
		CONFIG_BINDGEN_VERSION_TEXT="bindgen 0.71.1"
		CONFIG_CC_VERSION_TEXT="gcc (GCC) 14.2.0"
		CONFIG_CC_IS_GCC=y
		CONFIG_MODULES=y
		CONFIG_MODULE_SIG=y
		CONFIG_SECURITY_LOCKDOWN_LSM=y
		CONFIG_EFI=y
		CONFIG_VIDEO_DEV=m
		CONFIG_VIDEOBUF2_CORE=m
		CONFIG_VIDEOBUF2_V4L2=m
		CONFIG_DMA_SHARED_BUFFER=y
		CONFIG_HIGH_RES_TIMERS=y
		CONFIG_CONFIGFS_FS=m
	END
	file /lib/modules/7.3.4/modules.dep <<-END
		kernel/drivers/media/v4l2-core/videodev.ko:
		kernel/drivers/media/common/videobuf2/videobuf2-v4l2.ko: kernel/drivers/media/v4l2-core/videodev.ko
	END
	for piece in core compiler_builtins ffi build_error bindings uapi kernel pin_init \
			zerocopy; do
		empty "$tree/rust/lib$piece.rmeta"
	done
	for piece in macros pin_init_internal zerocopy_derive; do
		empty "$tree/rust/lib$piece.so"
	done
	empty "$tree"/{Makefile,scripts/target.json,scripts/mod/modpost} \
		"$tree"/include/{generated/rustc_cfg,config/auto.conf}
	echo '--extern zerocopy' | file "$tree/scripts/Makefile.build"
	echo 7.3.4 | file "$tree/include/config/kernel.release"
	echo '0x0 vb2_core_queue_init videobuf2-common EXPORT_SYMBOL_GPL' |
		file "$tree/Module.symvers"
	program rustc 'rustc 1.85.1 (4eb161250 2025-03-15)'
	program bindgen 'bindgen 0.71.1'
	program gcc 'gcc (GCC) 14.2.0'
	program make 'GNU Make 4.4.1'
	empty /sys/firmware/acpi/tables/DSDT
	echo '[none] integrity confidentiality' | file /sys/kernel/security/lockdown
	echo N | file /sys/module/module/parameters/sig_enforce
}

# world NAME: one more of these. What follows changes it.
world() {
	[ -d "$work/.pristine" ] || make_pristine
	cp -a "$work/.pristine" "$work/$1"
	in_world "$1"
}

# config NAME=VALUE...: VALUE n for what is not set.
config() {
	local setting file=$root/boot/config-$release
	for setting; do
		sed -i "/^CONFIG_${setting%%=*}=/d" "$file"
		[ "${setting#*=}" = n ] || echo "CONFIG_$setting" >>"$file"
	done
}
# system ID CODENAME [ID_LIKE]
system() {
	printf 'ID=%s\nVERSION_CODENAME="%s"\nID_LIKE="%s"\nPRETTY_NAME="%s"\n' \
		"$1" "$2" "${3:-}" "$1 $2" | file /etc/os-release
}
# kernel RELEASE: is called that.
kernel() {
	mv "$root/boot/config-$release" "$root/boot/config-$1"
	mv "$root/lib/modules/$release" "$root/lib/modules/$1"
	release=$1 tree=/lib/modules/$1/build
	[ ! -d "$root$tree" ] || echo "$1" | file "$tree/include/config/kernel.release"
}
# of_debian RELEASE [HEADERS]: Debian's own, whose headers lack Rust metadata.
of_debian() {
	system debian trixie
	kernel "$1"
	config 'RUSTC_VERSION_TEXT="rustc 1.85.1 (4eb161250 2025-03-15) (built from a source tarball)"' \
		'CC_VERSION_TEXT="x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"'
	lacks "$tree/rust" "$tree/scripts/target.json"
	empty "$tree/.kernelvariables"
	no_program rustc
	no_program bindgen
	no_program gcc
}
# tools_of_debian: what Debian builds modules with.
tools_of_debian() {
	program rustc 'rustc 1.85.1 (4eb161250 2025-03-15) (built from a source tarball)'
	program bindgen 'bindgen 0.71.1'
	program x86_64-linux-gnu-gcc-14 'x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0'
}
# built FOLDER RELEASE [SIGNER SERIAL]: rust_media.ko and vireo.ko in a folder of the
# checkout (or of the system, if that is absolute).
built() {
	local folder=$checkout/$1 module
	case $1 in /*) folder=$root$1 ;; esac
	mkdir -p "$folder"
	for module in rust_media vireo; do
		printf 'ELF\0vermagic=%s SMP preempt mod_unload \0\n' "$2" >"$folder/$module.ko"
		[ -z "${3:-}" ] || printf 'sig_id=PKCS#7\nsigner=%s\nsig_key=%s\n' "$3" "$4" \
			>>"$folder/$module.ko"
	done
}
modinfo_is_there() { program modinfo 'kmod version 34' "sed -n \"s/^\$2=//p\" \"\$3\""; }
# enrolled LIST SERIAL: mokutil prints these certificates for --LIST, as it does.
enrolled() {
	mkdir -p "$work/$name/mok"
	cat >>"$work/$name/mok/--$1" <<-END
		[key 1]
		SHA1 Fingerprint: 53:61:0c:f8:1f:bd:7e:0c:eb:67:91:3c:9e:f3:e7:94:a9:63:3e:cb
		Certificate:
		    Data:
		        Version: 3 (0x2)
		        Serial Number:$2
		        Signature Algorithm: sha256WithRSAEncryption
		        Issuer: CN=made up
	END
	program mokutil 0.7.2 "cat '$work/$name/mok/'\"\$1\" 2>/dev/null || true"
}
# secure_boot: is on, and has locked the kernel down.
secure_boot() {
	mkdir -p "$root/sys/firmware/efi/efivars"
	printf '\6\0\0\0\1' >"$root/sys/firmware/efi/efivars/SecureBoot-8be4df61"
	echo 'none [integrity] confidentiality' | file /sys/kernel/security/lockdown
}
