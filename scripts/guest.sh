# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What scripts/vm and scripts/uml have in common: a folder that the two sides
# of a run share, and the verdict on it. To be sourced after lib.sh and
# parts.sh. From the environment: VIREO_CMD, VIREO_PARAMS, LOAD, LOG, VM_TIMEOUT, and
# SCREEN, the file for a picture of the screen, if there is to be one (SCREEN_DEVICE says
# which), and CARD, for capture cards, of which each leaves what it has counted in a line of
# $out/$name.card, and SECURE_BOOT, what scripts/guest/firmware is told.
# shellcheck disable=SC2154 # top and out are lib.sh's

limit=${VM_TIMEOUT:-1200}
screen_device=virtio-gpu-pci,xres=1280,yres=720

# guest_run NAME KERNEL COMMAND...
#
# COMMAND starts a guest that runs scripts/guest/init with the folder $run.
guest_run() {
	local name=$1 kernel=$2 log rc=0
	shift 2
	log=${LOG:-$out/$name.log}
	mkdir -p "$out" "$(dirname "$log")"
	run=$(mktemp -d "$out/.run.XXXXXX")
	trap 'rm -rf "$run"; give_back' EXIT
	printf '%s\n' "${VIREO_CMD:-}" >"$run/cmd"
	printf '%s\n' "${VIREO_PARAMS:-}" >"$run/params"
	echo "/src/build/$kernel/vireo.ko" >"$run/module"
	[ "${LOAD:-1}" = 0 ] || touch "$run/load"
	[ -z "${SHELL_IN_GUEST:-}" ] || touch "$run/shell"
	[ -z "${SCREEN:-}" ] || printf '%s\n' "${SCREEN_DEVICE:-$screen_device}" >"$run/screen"
	[ -z "${CARD:-}" ] || printf '%s\n' "$CARD" >"$run/card"
	[ -z "${SECURE_BOOT:-}" ] || printf '%s\n' "$SECURE_BOOT" >"$run/secure-boot"
	: >"$run/klog"

	"$@" || rc=$?
	# QEMU 10.0 may fail an assertion of its own (iotlb_to_section) while a kernel boots:
	# nothing of the guest's has run then.
	if [ $rc = 134 ] && ! grep -q ' as init process' "$run/klog"; then
		say "QEMU has aborted while the kernel was booting: starting it once more"
		: >"$run/klog"
		rc=0
		"$@" || rc=$?
	fi

	tr -d '\r' <"$run/klog" >"$log"
	[ -z "${CARD:-}" ] || cat "$run"/card?.json >"$out/$name.card" 2>/dev/null || true
	[ ! -e "$run/screen.ppm" ] || mv "$run/screen.ppm" "$SCREEN"
	if [ ! -s "$run/status" ]; then
		! "$top/scripts/klog-check" "$log" || tail -n 20 "$log" >&2
		[ $rc != 124 ] || die "the guest did not end within $limit seconds; its log is $log"
		die "the guest died (status $rc); its log is $log"
	fi
	"$top/scripts/klog-check" "$log" || die "the kernel complained; the whole log is $log"
	rc=$(cat "$run/status")
	if [ -s "$run/failed" ]; then
		tail -n 5 "$log" >&2
		die "$(cat "$run/failed"); the kernel's log is $log"
	fi
	return "$rc"
}
