# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034 # who sources this uses what it sets
#
# What the parts of tests/clients/run have in common. To be sourced, in the
# checkout. A part says "ok NAME" or "not ok NAME - reason", and ends with "done_here".

bin=build/tests/release
logs=${LOGS:-/tmp}
work=/tmp/clients
raw=$work/frames.raw
frames=${CLIENT_FRAMES:-60}
failed=0
vireo=$("$bin/vireo-test" node vireo cap)

# Where an ordinary user writes.
mkdir -p "$work"
chmod 1777 "$work"

# GStreamer looks at all of its plugins when it starts: it need not look far.
plugins=/usr/lib/x86_64-linux-gnu/gstreamer-1.0
export PYTHONDONTWRITEBYTECODE=1
export GST_PLUGIN_SYSTEM_PATH=$work/gstreamer GST_REGISTRY=$work/registry GST_REGISTRY_FORK=no

# gst_plugins NAME...
gst_plugins() {
	mkdir -p "$GST_PLUGIN_SYSTEM_PATH"
	for plugin; do
		cp "$plugins/libgst$plugin.so" "$GST_PLUGIN_SYSTEM_PATH"
	done
	scripts/guest/resident "$GST_PLUGIN_SYSTEM_PATH"/*.so \
		/usr/lib/python3/dist-packages/gi/*.so
}

# user COMMAND...: as an ordinary user runs it, in the group video.
user() { (user_exec "$@"); }
user_exec() {
	exec tests/clients/as-user env GST_PLUGIN_SYSTEM_PATH="$GST_PLUGIN_SYSTEM_PATH" \
		GST_REGISTRY="$GST_REGISTRY" GST_REGISTRY_FORK=no QT_QPA_PLATFORM=offscreen \
		PYTHONDONTWRITEBYTECODE=1 "$@"
}

ok() { echo "ok $1"; }

# not_ok NAME REASON: with the end of what it said in $log.
not_ok() {
	failed=$((failed + 1))
	echo "not ok $1 - $2"
	grep -av '^[<>]*$' "$log" | tail -n 5 | cut -c 1-150 | sed 's/^/    > /'
}

# verify NAME FORMAT SIZE COUNT: the frames in $raw are right.
verify() {
	if "$bin/vireo-check" --format "$2" --size "$3" --min "$4" "$raw" >>"$log" 2>&1; then
		ok "$1"
	else
		not_ok "$1" "$(tail -n 1 "$log")"
	fi
	rm -f "$raw"
}

# shown FORMAT SIZE: sets $good to how many of the frames in $raw are right, of what a
# player has shown: it shows a picture again when the next one is late. To nothing if one
# of them is wrong.
shown() {
	"$bin/vireo-check" --format "$1" --size "$2" --quiet "$raw" >>"$log" 2>&1
	good=$(tail -n 1 "$log" | sed -n \
		's/^frames .* ok \([0-9]*\) torn 0 corrupt 0 .* misplaced 0 .*/\1/p')
	rm -f "$raw"
}

# verify_shown NAME FORMAT SIZE COUNT
verify_shown() {
	shown "$2" "$3"
	enough "$1" "$4"
}

# enough NAME COUNT: of what was shown.
enough() {
	if [ "${good:-0}" -ge "$2" ]; then
		ok "$1"
	else
		not_ok "$1" "$(tail -n 1 "$log")"
	fi
}

# check_at SIZE FORMAT NAME COMMAND...: capture as a user with COMMAND, which leaves
# $frames frames in $raw.
check_at() {
	size=$1 format=$2 name=$3 log=$logs/clients-$(echo "$3" | tr / -).log
	shift 3
	rm -f "$raw"
	user timeout -k 5 240 "$@" >"$log" 2>&1
	status=$?
	if [ $status = 0 ]; then
		verify "$name" "$format" "$size" "$frames"
	else
		not_ok "$name" "status $status"
	fi
}

# until_size SIGNAL FILE BYTES COMMAND...: run a command as a user until FILE has so
# much, for two minutes at most, and end it: it must go within 20 seconds. What the
# shell says of processes that were killed is of no use.
until_size() {
	signal=$1 file=$2 bytes=$3
	shift 3
	rm -f "$file"
	# What is started is to be ended, not a shell around it.
	user_exec "$@" >>"$log" 2>&1 </dev/null &
	pid=$!
	waited=0
	while [ "$(stat -c %s "$file" 2>/dev/null || echo 0)" -lt "$bytes" ]; do
		if ! kill -0 $pid 2>/dev/null || [ $waited -ge 240 ]; then
			break
		fi
		waited=$((waited + 1))
		sleep 0.5
	done
	kill -"$signal" $pid 2>/dev/null
	waited=0
	while kill -0 $pid 2>/dev/null; do
		if [ $waited -ge 40 ]; then
			kill -KILL $pid
			wait $pid
			echo "had to be killed" >>"$log"
			return 1
		fi
		waited=$((waited + 1))
		sleep 0.5
	done
	wait $pid 2>/dev/null
	if [ "$(stat -c %s "$file" 2>/dev/null || echo 0)" -lt "$bytes" ]; then
		echo "too few frames in $file" >>"$log"
		return 1
	fi
} 2>/dev/null

# camera NUMBER [FILE=TEXT...]: make one, and say which node it has.
camera() {
	folder=/sys/kernel/config/vireo/$1 number=$1
	mkdir "$folder" || return
	shift
	for file; do
		echo "${file#*=}" >"$folder/${file%%=*}" || return
	done
	echo 1 >"$folder/enable" || return
	echo "/dev/$(ls "/sys/bus/platform/devices/vireo.$number/video4linux")"
}

done_here() { [ $failed = 0 ]; }
