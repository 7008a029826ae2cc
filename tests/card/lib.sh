# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # top is set by who sources this
#
# What the card's tests share: to be sourced, in a guest that has cards.

# The cards: a control port for each, in the order in which they are on the bus.
ports=()
for port in /dev/vport*p[2-9]; do
	exec {fd}<>"$port" || exit 1
	ports+=("$fd")
done

# ask CARD WORDS...: what the model answers.
ask() {
	local fd=${ports[$1]} line
	shift
	echo "$*" >&"$fd"
	read -r -t 10 -u "$fd" line && echo "$line"
}

# count NAME JSON: a number in an object, or the sum of those with this name.
count() { grep -oE "\"$1\":[0-9]+" <<<"$2" | awk -F: '{ n += $2 } END { print n + 0 }'; }

# set_all SIZE FORMAT NODE...
set_all() {
	local size=$1 format=$2 node
	shift 2
	for node; do
		v4l2-ctl -d "$node" -v \
			"width=${size%x*},height=${size#*x},pixelformat=$format" >/dev/null
	done
}

# load_rust: the driver in Rust, and what it needs. The tests beside the code are run elsewhere.
load_rust() {
	local built kunit=/sys/module/kunit/parameters/filter_glob
	[ ! -e $kunit ] || echo none >$kunit
	built=$(dirname "${VIREO_KO:-$top/build/stock/vireo.ko}")
	modprobe -a videodev videobuf2-v4l2 &&
		{ [ -d /sys/module/rust_media ] || insmod "$built/rust_media.ko"; } &&
		insmod "$built/tw686x_rust.ko"
}
