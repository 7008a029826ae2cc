# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # a part of doctor, which sources it
#
# What the kernel is, by its name, its configuration and its modules.

# That of the running kernel comes last: it may not be the one that is asked about.
config_file=
for file in "$sys/boot/config-$release" "$modules/config" \
		"$modules/build/.config" "$sys/proc/config.gz"; do
	if [ -r "$file" ] && { [ "${file%.gz}" = "$file" ] || command -v zcat >/dev/null; }; then
		config_file=$file
		break
	fi
done
config=$(case $config_file in
	'') ;;
	*.gz) zcat "$config_file" | grep '^CONFIG_' ;;
	*) grep '^CONFIG_' "$config_file" ;;
esac)
# value NAME: that of CONFIG_NAME, without quotes.
value() { sed -n "s/^CONFIG_$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" <<<"$config"; }
on() { [ "$(value "$1")" = y ]; }

machine=$(uname -m)
if on X86_64; then
	machine=x86_64
elif on ARM64; then
	machine=aarch64
fi
series=$(sed -n 's/^\([0-9]*\.[0-9]*\).*/\1/p' <<<"$release")

# Of the list of kernels that the tests run on, whose lines are as "arm64 7.3-16k".
check_release() {
	local kernel pages='' tried
	case $machine in
	x86_64) kernel=amd64 ;;
	aarch64) kernel=arm64 ;;
	*) kernel=$machine ;;
	esac
	if on ARM64_16K_PAGES; then
		pages=-16k
	elif on ARM64_64K_PAGES; then
		pages=-64k
	fi
	kernel="$kernel $series$pages"
	tried=$(list "$top/scripts/kernels")
	if grep -qxF "$kernel" <<<"$tried"; then
		good "Linux for $kernel, which vireo is tested with"
	else
		unknown "vireo was never tried with Linux for $kernel, but with these: $(tr '\n' ',' <<<"$tried" | sed 's/,$//; s/,/, /g'). The kernel's Rust interfaces change with every release" \
			"a build tells"
	fi
}

# Sets hopeless when no module for this kernel would do.
hopeless=

# What all of vireo rests on.
check_media() {
	local name lacking='' where
	for name in VIDEO_DEV VIDEOBUF2_CORE VIDEOBUF2_V4L2 DMA_SHARED_BUFFER \
			HIGH_RES_TIMERS; do
		case $(value $name) in y | m) ;; *) lacking="$lacking CONFIG_$name" ;; esac
	done
	if [ -n "$lacking" ]; then
		case $release in
		*cloud*) where="$(install linux-image-amd64), which is not cut down for clouds; reboot" ;;
		*) where="build a kernel that has them" ;;
		esac
		bad "lacks$lacking" "$where"
		hopeless=1
		return
	fi
	good "has V4L2, videobuf2, dma-buf and high-resolution timers"
}

check_modules() {
	local name lacking=''
	for name in videodev videobuf2-v4l2; do
		[ -d "$sys/sys/module/${name//-/_}" ] ||
			grep -qs "/$name\.ko" "$modules/modules.builtin" "$modules/modules.dep" ||
			lacking="$lacking $name"
	done
	if [ -z "$lacking" ]; then
		good "videodev and videobuf2-v4l2 are there"
	elif [ ! -d "$modules" ]; then
		bad "there is no /lib/modules/$release" "$(modules_way)"
	else
		bad "not under /lib/modules/$release:$lacking" "$(modules_way)"
	fi
}

check_kernel() {
	local headers=
	[ -n "$container" ] || headers=$(headers_way)
	check_release
	if [ -z "$config" ]; then
		unknown "how this kernel was configured: neither /boot/config-$release nor another copy can be read" \
			"${headers:-run 'make doctor' on the host}"
		[ -n "$container" ] || check_modules
		return
	fi
	if on RUST; then
		good "built with Rust (CONFIG_RUST=y, $(value RUSTC_VERSION_TEXT))"
	else
		bad "built without Rust (CONFIG_RUST is not set): no Rust module can be loaded" \
			"$(rust_kernel_way)"
		hopeless=1
	fi
	if on MODULES; then
		good "can load modules"
	else
		bad "cannot load modules at all (CONFIG_MODULES is not set)" \
			"put the sources into the kernel's tree: see README.md"
		hopeless=1
	fi
	check_media
	[ -n "$hopeless$container" ] || check_modules
}
