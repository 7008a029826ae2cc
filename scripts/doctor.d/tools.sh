# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # a part of doctor, which sources it
#
# The programs that a module is built with. What `make KDIR=...` must be told of them
# is gathered in make_arguments.

make_arguments=
first_line() { "$@" --version 2>/dev/null | head -n 1; }
# Of "gcc-14 (Debian 14.2.0-19) 14.2.0", "Debian clang version 19.1.7 (3)", "19.1": 14, 19.
major() { grep -o '[0-9][0-9]*\.[0-9][0-9.]*' <<<"$1" | tail -n 1 | cut -d. -f1; }

# The metadata can be read by the rustc that has made it, and by no other: the whole
# text counts, as two builds of one version are two.
check_rustc() {
	local wanted number file seen='' first='' way
	wanted=$(value RUSTC_VERSION_TEXT)
	number=$(cut -d' ' -f2 <<<"$wanted")
	if [ -z "$wanted" ]; then
		unknown "which rustc the kernel was built with"
		return
	fi
	while read -r file; do
		first=${first:-$file}
		if [ "$(first_line "$file")" = "$wanted" ]; then
			if [ "$file" = "$first" ]; then
				good "the rustc that the kernel was built with"
			else
				note "rustc is $first, another than the kernel was built with, which is $file"
				make_arguments="$make_arguments RUSTC=$file"
			fi
			return
		fi
		seen=${seen:-$(first_line "$file")}
	done < <(type -aP rustc "rustc-${number%.*}")
	case $wanted in
	*')'*'('*)
		case $family in
		ubuntu) way=$(install "rustc-${number%.*}") ;;
		arch) way="sudo pacman -Syu linux linux-headers rust, and reboot: those of one day belong together" ;;
		*) way="$(tool_way rustc), of the release of the system that the kernel is from" ;;
		esac
		;;
	*) way="rustup toolchain install $number; then: make RUSTC=\$(rustup which --toolchain $number rustc) ..." ;;
	esac
	if [ -z "$first" ]; then
		bad "there is no rustc; the kernel was built with $wanted" "$way"
	else
		bad "rustc here is ${seen:-broken}; the kernel was built with $wanted, and its metadata is for that one alone" \
			"$way"
	fi
}

check_bindgen() {
	local scratch wanted here
	if ! command -v bindgen >/dev/null; then
		bad "there is no bindgen" "$(tool_way bindgen)"
		return
	fi
	# It looks for libclang when it is at work.
	scratch=$(mktemp -d)
	echo 'int a;' >"$scratch/a.h"
	if ! bindgen "$scratch/a.h" >/dev/null 2>"$scratch/said"; then
		bad "bindgen does not work here: $(grep -m 1 . "$scratch/said")" "$(tool_way libclang)"
		rm -r "$scratch"
		return
	fi
	rm -r "$scratch"
	here=$(first_line bindgen)
	wanted=$(value BINDGEN_VERSION_TEXT)
	if [ -n "$wanted" ] && [ "$here" != "$wanted" ] &&
			[ "$(printf '%s\n' "$here" "$wanted" | sort -V | head -n 1)" = "$here" ]; then
		note "$here is older than that of the kernel, $wanted"
		return
	fi
	good "$here works"
}

# Two names of one compiler call themselves as they are called.
without_name() { sed 's/^[^ ]*gcc[^ ]* //'; }

check_compiler() {
	local wanted name=gcc number command here='' same='' suffix tool lacking=''
	wanted=$(value CC_VERSION_TEXT)
	if [ -z "$wanted" ]; then
		unknown "which compiler the kernel was built with"
		return
	fi
	! on CC_IS_CLANG || name=clang
	number=$(major "$wanted")
	for command in "$name" "$name-$number" "${wanted%% *}"; do
		case $command in *"$name"*) ;; *) continue ;; esac
		command -v "$command" >/dev/null || continue
		here=${here:-$command}
		if [ "$(first_line "$command" | without_name)" = "$(without_name <<<"$wanted")" ]; then
			here=$command same=1
			break
		fi
	done
	if [ -z "$here" ]; then
		bad "there is no $name; the kernel was built with $wanted" \
			"$(tool_way "$name-$number")"
		return
	fi
	if [ "$name" = clang ]; then
		suffix=${here#clang}
		make_arguments="$make_arguments LLVM=${suffix:-1}"
		for tool in ld.lld llvm-nm llvm-objcopy; do
			command -v "$tool$suffix" >/dev/null || lacking="$lacking $tool$suffix"
		done
	elif [ "$here" != gcc ] && [ ! -e "$tree/.kernelvariables" ]; then
		# Debian's headers name their compiler themselves.
		make_arguments="$make_arguments CC=$here"
	fi
	if [ -n "$lacking" ]; then
		bad "the kernel was built with clang, and so must a module be: there is no$lacking" \
			"$(tool_way llvm)"
	elif [ -n "$same" ]; then
		good "the compiler that the kernel was built with: $here"
	elif [ "$(major "$(first_line "$here")")" = "$number" ]; then
		note "$here is $(first_line "$here"); the kernel was built with $wanted, as the build will say"
	else
		bad "$here is $(first_line "$here"); the kernel was built with $wanted" \
			"$(tool_way "$name-$number")"
	fi
}

# Ways to build a kernel that need more, or that nobody has tried (VIREO-TODO-4).
check_ways() {
	local name clang suffix
	suffix=$(sed -n 's/.* LLVM=\(-[0-9]*\).*/\1/p' <<<"$make_arguments")
	for name in LTO_CLANG_THIN LTO_CLANG_FULL CFI CFI_CLANG; do
		! on $name || unknown "built with CONFIG_$name, with which nobody has tried vireo" \
			"a build tells"
	done
	if on MODVERSIONS; then
		if on GENDWARFKSYMS; then
			unknown "built with CONFIG_MODVERSIONS, with which nobody has tried vireo" \
				"a build tells"
		else
			bad "CONFIG_MODVERSIONS without CONFIG_GENDWARFKSYMS: Rust's symbols have no versions" \
				"run a kernel without it"
		fi
	fi
	if on RUST_INLINE_HELPERS; then
		clang=$(major "$(first_line "clang$suffix")")
		if ! command -v "llvm-link$suffix" >/dev/null; then
			bad "built with CONFIG_RUST_INLINE_HELPERS: there is no llvm-link$suffix" \
				"$(tool_way llvm)"
		elif [ "$clang" != "$(value RUSTC_LLVM_MAJOR_VERSION)" ]; then
			bad "built with CONFIG_RUST_INLINE_HELPERS: clang's LLVM is $clang, rustc's is $(value RUSTC_LLVM_MAJOR_VERSION), and they must be one" \
				"$(install "clang-$(value RUSTC_LLVM_MAJOR_VERSION)")"
		else
			unknown "built with CONFIG_RUST_INLINE_HELPERS, with which nobody has tried vireo" \
				"a build tells"
		fi
	fi
}

check_tools() {
	if ! command -v make >/dev/null; then
		bad "there is no make" "$(install make)"
	fi
	check_rustc
	check_bindgen
	check_compiler
	check_ways
}
