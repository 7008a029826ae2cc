# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # a part of doctor, which sources it
#
# Does the kernel load modules at all, must they be signed, and are they, by a key
# that it knows? Which keys the kernel has only root may see; those that are enrolled
# in the firmware (MOK, db) anybody may.

# Sets secure_boot: 0 or 1, empty if that cannot be seen.
secure_boot=
check_secure_boot() {
	local file
	for file in "$sys"/sys/firmware/efi/efivars/SecureBoot-*; do
		[ -r "$file" ] && secure_boot=$(od -An -tu1 -j4 -N1 "$file" | tr -d ' ')
	done
	# Containers have an empty folder in its place.
	if [ -z "$secure_boot" ] && [ ! -e "$sys/sys/firmware/efi" ] &&
			[ -n "$(ls "$sys/sys/firmware" 2>/dev/null)" ]; then
		secure_boot=0
	fi
	case $secure_boot in
	0) good "Secure Boot is off, or this machine has none" ;;
	1) note "Secure Boot is on, which makes most systems' kernels lock themselves down" ;;
	*) note "whether Secure Boot is on cannot be seen: the variables of UEFI are not there" ;;
	esac
}

# Prints the level of the lockdown, or nothing if that cannot be seen.
lockdown() {
	local security=$sys/sys/kernel/security
	if [ -r "$security/lockdown" ]; then
		sed -n 's/.*\[\(.*\)\].*/\1/p' "$security/lockdown"
	elif [ -r "$security/lsm" ] || { [ -n "$config" ] && ! on SECURITY_LOCKDOWN_LSM; }; then
		# It is not among what guards this kernel.
		echo none
	fi
}

# key FIELD FILE: of the signature of a module.
key() { modinfo -F "$1" "$2" 2>/dev/null; }

# The file of a module of the kernel's own.
own_module() {
	local path
	path=$(sed -n 's|^\([^:]*/videodev\.ko[^:/]*\):.*|\1|p' "$modules/modules.dep" 2>/dev/null)
	[ -z "$path" ] || echo "$modules/$path"
}

# listed LIST SERIAL: is the certificate with that serial number in what mokutil prints?
# openssl prints a short number in decimal, and in hexadecimal in parentheses.
listed() {
	mokutil "$1" 2>/dev/null | tr -d ': \t\n' |
		grep -q -e "SerialNumber$2Signature" -e "SerialNumber[0-9]*(0x${2##0})Signature"
}

# The file of the certificate that a module is signed by.
certificate() {
	local file
	for file in vireo/mok.der dkms/mok.pub shim-signed/mok/MOK.der; do
		if grep -aqsF "$1" "$sys/var/lib/$file"; then
			echo "/var/lib/$file"
			return
		fi
	done
	echo "CERTIFICATE, that of '$1', as DER"
}

sign_ways() {
	case $built in
	*/updates/dkms/*)
		echo "DKMS signs what it builds when there is openssl: $(install openssl mokutil); then have dkms build it again"
		;;
	*"$out/stock-"*)
		echo "sudo scripts/sign $(paste -s -d' ' <<<"${built//"$top/"/}"): it says how to enrol the key, once"
		;;
	*"$out/stock/"*) echo "sudo make sign: it says how to enrol the key, once" ;;
	*"$top/"*) echo "sudo make KDIR=/lib/modules/$release/build sign: it says how to enrol the key, once" ;;
	'')
		load_commands | head -n 1
		echo "then: make doctor"
		;;
	*) echo "they have to be signed before they are compressed and installed: scripts/sign; or have DKMS build them, which signs" ;;
	esac
	[ "$secure_boot" != 1 ] || echo "or turn Secure Boot off in the firmware's setup"
}

# check_signature WHY FILE
check_signature() {
	local why=$1 file=$2 name signer serial own
	name=${file##*/}
	name=${name%%.*}
	signer=$(key signer "$file")
	if [ -z "$(key sig_id "$file")" ]; then
		bad "$why, and $name is not signed" "$(sign_ways)"
		return
	fi
	serial=$(key sig_key "$file" | tr -d ':' | tr A-F a-f)
	own=$(own_module)
	if [ -n "$own" ] && [ -n "$serial" ] && [ "$(key sig_key "$file")" = "$(key sig_key "$own")" ]; then
		good "$why, and $name is signed by the key of the kernel's own ($signer)"
	elif ! command -v mokutil >/dev/null; then
		unknown "$why; $name is signed by '$signer', and there is no mokutil to ask for enrolled keys" \
			"$(install mokutil)"
	elif [ -z "$serial" ] || ! mokutil --list-enrolled >/dev/null 2>&1 || [ -z "$secure_boot" ]; then
		unknown "$why; whether the key of $name ('$signer') is enrolled cannot be seen" \
			"sudo keyctl list %:.machine; sudo keyctl list %:.platform"
	elif listed --list-enrolled "$serial"; then
		case $family in
		debian | ubuntu | fedora) good "$why, and $name is signed by a key that is enrolled ($signer)" ;;
		*)
			if on INTEGRITY_MACHINE_KEYRING; then
				good "$why, and $name is signed by a key that is enrolled ($signer)"
			else
				unknown "$why; the key of $name is enrolled, but kernels without CONFIG_INTEGRITY_MACHINE_KEYRING need not take it for modules"
			fi
			;;
		esac
	elif listed --db "$serial"; then
		case $family in
		debian | ubuntu | fedora) good "$why, and $name is signed by a key in db ($signer)" ;;
		*) unknown "$why; the key of $name is in db, which not all kernels take for modules" ;;
		esac
	elif listed --list-new "$serial"; then
		bad "$why; the key of $name waits to be enrolled" \
			"reboot, and in the blue screen before the boot loader: Enroll MOK, Continue, Yes, the password"
	else
		bad "$why; $name is signed by '$signer', a key that is not enrolled" \
			"sudo mokutil --import $(certificate "$signer"); reboot, and enrol it in the blue screen before the boot loader"
	fi
}

check_signatures() {
	local why=$1 file
	if [ -z "$built" ]; then
		bad "$why; what is built has to be signed" "$(sign_ways)"
	elif ! command -v modinfo >/dev/null; then
		unknown "$why; there is no modinfo to tell whether these modules are" "$(install kmod)"
	else
		while read -r file; do
			check_signature "$why" "$file"
		done <<<"$built"
	fi
}

check_forbidden() {
	local level enforce
	check_secure_boot
	level=$(lockdown)
	enforce=$(cat "$sys/sys/module/module/parameters/sig_enforce" 2>/dev/null)
	case $level in
	none) good "the kernel is not locked down" ;;
	'') ;;
	*) note "the kernel is locked down ($level)" ;;
	esac
	if [ "${level:-none}" != none ] || [ "$enforce" = Y ] || on MODULE_SIG_FORCE; then
		check_signatures "the kernel only loads modules that are signed"
	elif [ -z "$level" ]; then
		unknown "whether the kernel is locked down, and only loads signed modules: securityfs is not there" \
			"${container:+on its host: }cat /sys/kernel/security/lockdown, where securityfs is mounted"
	else
		good "unsigned modules may be loaded (the kernel will say that it is tainted)"
	fi
	if [ "$(cat "$sys/proc/sys/kernel/modules_disabled" 2>/dev/null)" = 1 ]; then
		bad "loading of modules was turned off since boot (kernel.modules_disabled=1)" \
			"reboot"
	fi
}
