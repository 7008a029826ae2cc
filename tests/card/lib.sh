# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # top, check and logs are set by who sources this
#
# What the card's tests share: to be sourced, in a guest that has cards. Who calls again has ok
# and not_ok.

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

# flowing CARD: waits until frames have come since "clear", for ten seconds at most; says how
# often the engine was started.
flowing() {
	local json
	for _ in $(seq 100); do
		json=$(ask "$1" json)
		[ "$(count frames "$json")" -lt 5 ] || break
		sleep 0.1
	done
	count starts "$json"
}

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

# set_each NODE...: another size and format for each of the eight channels of a TW6869, all there
# are but the first.
set_each() {
	local size format
	for size in 720x480 720x240 360x480; do
		for format in UYVY YUYV RGBP; do
			[ $size$format != 720x480UYVY ] || continue
			set_all $size $format "$1"
			shift
		done
	done
}

# at_once CARD FRAMES NODE...: vireo-check looks at so many frames of each node, of all at once,
# and leaves its words in $logs/0, $logs/1...; says how many have found something wrong.
at_once() {
	local card=$1 frames=$2 node n=0 wrong=0 pids=()
	shift 2
	ask "$card" clear >/dev/null
	rm -f "$logs"/start "$logs"/[0-9]*
	for node; do
		timeout 60 "$check" --burst --start "$logs/start" --frames "$frames" \
			--min "$frames" --strict --json "$node" >"$logs/$n" 2>&1 &
		pids+=($!)
		n=$((n + 1))
	done
	# Queueing takes a while through an IOMMU, and holds up who streams already.
	for _ in $(seq 300); do
		[ "$(grep -lx ready "$logs"/[0-9]* 2>/dev/null | wc -l)" -lt $n ] || break
		sleep 0.1
	done
	touch "$logs/start"
	for n in "${!pids[@]}"; do
		wait "${pids[$n]}" || wrong=$((wrong + 1))
	done
	echo $wrong
}
# Other faults than frames that were lost.
any_wrong() { grep -qE '"(torn|corrupt|repeated|misplaced)":[1-9]' "$logs"/[0-9]*; }

# again NAME COMMAND...: a test that is run up to four times, while its status is 2: it says
# what is wrong, but the machine was busy.
again() {
	local name=$1 words status
	shift
	for _ in 1 2 3 4; do
		words=$("$@")
		status=$?
		[ "$status" = 2 ] || break
		echo "# $name: $words"
	done
	if [ "$status" = 0 ]; then
		ok "$name"
	else
		not_ok "$name" "$words"
	fi
}

# with_error CARD NODE WHAT: makes this error while the node streams, and says what the model
# has counted then; vireo-check's verdict of the frames is in $logs/errors. With status 1 that
# the engine was not started anew.
with_error() {
	local card=$1 node=$2 what=$3 frames=40 before json
	ask "$card" clear >/dev/null
	# A signal is looked for twice a second.
	[ "$what" != 'signal 0 0 none' ] || frames=60
	timeout 60 "$check" --quiet --frames $frames --json "$node" >"$logs/errors" 2>&1 &
	before=$(flowing "$card")
	ask "$card" "$what" >/dev/null
	sleep 0.5
	[ "$what" != 'signal 0 0 none' ] || ask "$card" signal 0 0 ntsc >/dev/null
	wait $!
	json=$(ask "$card" json)
	echo "$json"
	[ "$(count starts "$json")" -gt "$before" ]
}
