# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # what lib.sh sets is there
#
# What is counted in a guest whose time-stamp counter counts instructions. To
# be sourced after lib.sh and parts.sh.

icount_prepare() {
	"$top/scripts/build" -q stock
	need_tests
	use_cache
	run=$(mktemp -d "$out/.run.XXXXXX")
	trap 'rm -rf "$run"; give_back' EXIT
}

# icount NAME OUTPUT: run the command in $run/cmd once; its status.
icount() {
	local rc=0 limit=${VM_TIMEOUT:-600} klog=$out/$1.log
	: >"$run/klog"
	: >"$run/output"
	"$top/scripts/enter" "$(root_part)" "$top=/src" -- \
		/src/scripts/guest/icount "/src/build/${run##*/}" "$limit" || rc=$?
	tr -d '\r' <"$run/klog" >"$klog"
	"$top/scripts/klog-check" "$klog" ||
		die "the kernel complained; the whole log is $klog"
	sed '$d' "$run/output" >"$2"
	case $(tail -n 1 "$run/output") in
	"status 0") return 0 ;;
	"status "*) return 1 ;;
	esac
	cat "$run/output" >&2
	die "the guest did not end within $limit seconds (status $rc); its log is $klog"
}
