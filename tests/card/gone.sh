# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2086 # what who sources this sets
#
# Cases of "rust" in which the card, its driver or its power goes: to be sourced.

# streaming NODE...: in the background, until the card goes.
streaming() {
	local node
	rm -f "$logs"/stream*
	for node; do
		(
			timeout 20 v4l2-ctl -d "$node" --stream-mmap --stream-count=0 \
				>"$logs/stream${node##*/}" 2>&1
		) &
	done
	for node; do
		until_ grep -q '<' "$logs/stream${node##*/}"
	done
}

# ended NAME: whether all who stream have been told within three seconds.
ended() {
	local start=$SECONDS words=
	wait
	[ $((SECONDS - start)) -le 3 ] || words="waited for $((SECONDS - start)) seconds"
	[ "$(grep -lE 'No such device|qbuf error' "$logs"/stream* | wc -l)" = \
		"$(find "$logs"/stream* | wc -l)" ] ||
		words="$words $(tail -qn 3 "$logs"/stream* | tr '\n' ' ')"
	said "$1" "$words"
}

# Whether it streams as before.
anew() {
	local node
	until_ there "$1" || {
		not_ok "$2" "there are no nodes"
		return
	}
	node=$(nodes "$1" | head -n 1)
	again "$2" burst "$1" 5 "$node"
}

gone() {
	local card=$1 chip=$2 device=${devices[$1]}
	is_last "$card" || return 0
	shift 2

	# Whoever is bound next knows nothing of that.
	v4l2-ctl -d "$1" -i 1 -s pal >/dev/null
	streaming "$1" "$3"
	echo "$device" >$driver/unbind
	ended "$chip/gone/unbind"
	echo "$device" >$driver/bind
	anew "$card" "$chip/gone/bind"

	streaming "$1" "$3"
	rmmod tw686x_rust 2>/dev/null && not_ok "$chip/gone/rmmod-in-use" "it was in use"
	echo 1 >"/sys/bus/pci/devices/$device/remove"
	ended "$chip/gone/remove"
	echo 1 >/sys/bus/pci/rescan
	anew "$card" "$chip/gone/rescan"

	# The chip does not answer any more, and nobody says so.
	streaming "$1" "$3"
	ask "$card" link down >/dev/null
	ended "$chip/gone/dead-link"
	said "$chip/gone/no-nodes" "$(until_ not_there "$card" || nodes "$card")"
	ask "$card" link up >/dev/null
	echo 1 >"/sys/bus/pci/devices/$device/remove"
	echo 1 >/sys/bus/pci/rescan
	anew "$card" "$chip/gone/link-up"
}

# Whoever streams is told, and the driver lets go of what it has.
unplug() {
	local card=$1 chip=$2
	shift 2
	[ "$card" = 0 ] || return 0
	streaming "$1" "$3"
	ask "$card" unplug >/dev/null
	# The kernel gives people five seconds to change their minds.
	until_ not_there "$card"
	ended "$chip/unplug"
	said "$chip/unplug/no-device" \
		"$([ ! -e "/sys/bus/pci/devices/${devices[$card]}" ] || echo "it is there")"
}

# A virtio-fs that is in use cannot be suspended, so that all devices are resumed at once.
suspend() {
	local card=$1 chip=$2 node=$3 call
	[ "$card" = 0 ] || return 0
	echo 1 >/sys/power/pm_print_times
	timeout 60 "$check" --quiet --json --frames 90 "$node" >"$logs/suspend" 2>&1 &
	sleep 1.5
	echo freeze 2>/dev/null >/sys/power/state
	wait $!
	for call in suspend resume; do
		said "$chip/suspend/$call" "$(dmesg |
			grep -q "video4linux .*tw686x.*${call}_callback.* returned 0" ||
			echo "it was not called")"
	done
	said "$chip/suspend/frames" "$(grep -q '"good":true' "$logs/suspend" ||
		tail -n 1 "$logs/suspend")"
}

# Each step of a call that has the driver map memory, or start. Not with udmabuf, which maps
# larger segments than it claims to, nor of probing, which has too many for an emulated KASAN.
steps() {
	local log=$logs/steps
	[ "$1" = 0 ] || return 0
	"$top/build/tests/release/vireo-test" faults --driver tw686x_rust 'REQBUFS MMAP' \
		'QBUF MMAP' 'QBUF DMABUF, heap' 'STREAMON MMAP' 'read, the first' \
		>"$log" 2>&1 || failed=$((failed + 1))
	sed -u "s|^\(\(not \)\{0,1\}ok\) faults|\1 card-rust$where/$2/faults|" "$log"
	grep -q '^\(not \)\{0,1\}ok ' "$log" || not_ok "$2/steps" "it has said nothing"
}

torture() {
	local log=$logs/torture fd=${ports[0]} port
	[ "$1" = 0 ] || return 0
	# A port is opened once.
	port=$(readlink "/proc/self/fd/$fd")
	exec {fd}>&-
	modprobe vivid n_devs=1 node_types=0x101 no_error_inj=1
	rmmod vireo
	insmod "$VIREO_KO" n_devs=4 max_fps=100 || {
		not_ok "$2/torture" "vireo cannot be loaded"
		return
	}
	"$top/build/tests/release/vireo-torture" --seed "${SEED:-1}" --seconds "${FOR:-60}" \
		--card "$port" >"$log" 2>&1 || failed=$((failed + 1))
	sed "s|^\(\(not \)\{0,1\}ok\) torture|\1 card-rust$where/$2/torture|" "$log"
	grep -q '^\(not \)\{0,1\}ok ' "$log" || not_ok "$2/torture" "it has said nothing"
	exec {fd}<>"$port"
	ports[0]=$fd
}
