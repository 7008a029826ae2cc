# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# over DIR: make DIR writable, for as long as the caller runs. What is written goes to a
# tmpfs. To be sourced.
over() {
	local upper
	upper=$(mktemp -d)
	mkdir "$upper/new" "$upper/work"
	mount -t overlay -o "lowerdir=$1,upperdir=$upper/new,workdir=$upper/work" \
		overlay "$1"
}
