# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # a part of doctor, which sources it
#
# Is there a vireo.ko for this kernel already, and how is it loaded?

# The release in a module that is not compressed.
made_for() { grep -a -o 'vermagic=[^ ]*' "$1" | head -n 1 | cut -d= -f2; }

# find_built: sets built to the files of rust_media and vireo for this kernel, and
# installed when modprobe finds them.
built='' installed='' built_for_others=''
find_built() {
	local dir path
	path=$(sed -n 's|^\([^:]*/vireo\.ko[^:/]*\):.*|\1|p' "$modules/modules.dep" 2>/dev/null |
		head -n 1)
	if [ -n "$path" ]; then
		installed=1
		path=$modules/$path
		built="${path/vireo.ko/rust_media.ko}
$path"
		return
	fi
	# What `make` leaves, and `make KDIR=... modules`.
	for dir in "$out"/stock* "$top"; do
		if [ ! -r "$dir/vireo.ko" ] || [ ! -r "$dir/rust_media.ko" ]; then
			continue
		fi
		if [ "$(made_for "$dir/vireo.ko")" != "$release" ]; then
			built_for_others="$built_for_others ${dir#"$top/"}/vireo.ko ($(made_for "$dir/vireo.ko"))"
			continue
		fi
		built="$dir/rust_media.ko
$dir/vireo.ko"
		return
	done
}

check_built() {
	local file
	while read -r file; do
		if [ -r "$file" ]; then
			good "for this very kernel: $file"
		else
			bad "modules.dep names $file, which is not there" "run depmod, as root"
		fi
	done <<<"$built"
}

load_commands() {
	local file
	if [ -n "$installed" ]; then
		echo "sudo modprobe vireo"
		return
	fi
	if [ -n "$make_builds" ]; then
		echo "$make_builds"
		echo "make doctor"
		return
	fi
	if [ -z "$built" ]; then
		echo "make KDIR=/lib/modules/$release/build$make_arguments modules"
		built="rust_media.ko
vireo.ko"
	fi
	if [ "$(value CONFIGFS_FS)" = m ]; then
		echo "sudo modprobe -a videobuf2-v4l2 configfs"
	else
		echo "sudo modprobe videobuf2-v4l2"
	fi
	while read -r file; do
		echo "sudo insmod ${file#"$top/"}"
	done <<<"$built"
}
