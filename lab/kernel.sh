# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: Debian's kernel and headers, unpacked into the cache and
# never installed.  The name of a cache entry carries the package version and a
# hash of this file, so a change of either makes it anew.

META_IMAGE=linux-image-amd64

# apt without its sandbox user, who can't write into our folders.  PRIVATE_APT is
# set when the machine's package lists are of no use: then apt keeps lists of its
# own in the cache, which needs no root.
apt_call()
{
	program=$1
	shift
	if [ -n "${PRIVATE_APT:-}" ]; then
		set -- -o Dir::State::Lists="$CACHE/apt/lists" -o Dir::Cache="$CACHE/apt/cache" "$@"
	fi
	"$program" -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 "$@"
}

candidate_version()
{
	apt_call apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1
}

# The first package that $1 depends on and whose name matches the pattern $2.
dependency()
{
	apt_call apt-cache depends "$1" 2>/dev/null |
		sed -n "s/^ *|\{0,1\}Depends: \($2\)\$/\1/p" | head -n 1
}

# Sets IMAGE, RELEASE, VERSION, COMMON, KBUILD and FOLDER from the package lists.
# Image and headers of two versions would build modules that do not load.
resolve_kernel()
{
	IMAGE=$(dependency "$META_IMAGE" 'linux-image-[0-9].*')
	RELEASE=${IMAGE#linux-image-}
	[ -n "$RELEASE" ] || return 1
	VERSION=$(candidate_version "$IMAGE")
	[ -n "$VERSION" ] || return 1
	COMMON=$(dependency "linux-headers-$RELEASE" 'linux-headers-.*-common')
	KBUILD=$(dependency "linux-headers-$RELEASE" 'linux-kbuild-.*')
	[ -n "$COMMON" ] && [ -n "$KBUILD" ] || return 1
	for package in "linux-headers-$RELEASE" "$COMMON"; do
		other=$(candidate_version "$package")
		if [ "$other" != "$VERSION" ]; then
			say "$IMAGE is $VERSION, but $package is ${other:-not to be had}"
			return 1
		fi
	done
	FOLDER=$CACHE/kernel-$RELEASE-$VERSION-$SCRIPT_HASH
}

refresh_lists()
{
	[ -z "${PRIVATE_APT:-}" ] || return 1
	PRIVATE_APT=1
	say "refreshing package lists (in the cache; this machine's own stay as they are)"
	mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial" &&
		apt_call apt-get -qq -o APT::Update::Error-Mode=any update >&2
}

# Extracts from the image package only what a guest may want; all of it would be 400 MB.
unpack_image()
{
	m=./lib/modules/$RELEASE
	# tar finds a broken stream by itself, so the pipe hides no failure of dpkg-deb.
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards './boot/*' "$m/modules.*" \
		"$m/kernel/mm/*" "$m/kernel/lib/*" "$m/kernel/crypto/*" "$m/kernel/arch/*" \
		"$m/kernel/drivers/misc/*" "$m/kernel/drivers/block/*" \
		"$m/kernel/drivers/virtio/*" "$m/kernel/drivers/char/*" "$m/kernel/drivers/xen/*" \
		"$m/kernel/fs/configfs/*" &&
		depmod -b "$2" "$RELEASE"
}

# little_endian FILE OFFSET BYTES
little_endian()
{
	od -An -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '
}

# The ELF kernel inside a bzImage: QEMU starts it directly through its PVH entry,
# which saves a guest 3 s of unpacking under emulation.  The offsets are the
# kernel's boot protocol: setup_sects 0x1f1, payload_offset 0x248, payload_length 0x24c.
extract_vmlinux()
{
	sectors=$(little_endian "$1" 497 1)
	offset=$(little_endian "$1" 584 4)
	length=$(little_endian "$1" 588 4)
	start=$(((sectors + 1) * 512 + offset))
	case $(od -An -tx1 -j"$start" -N4 "$1" | tr -d ' ') in
	fd377a58) unpacker='xz -dc --single-stream' ;;
	28b52ffd) unpacker='zstd -dc' ;;
	1f8b*) unpacker='gzip -dc' ;;
	*) return 1 ;;
	esac
	# gzip and zstd grumble about the length word behind the payload; the ELF magic
	# and the module's own version check decide whether the result is good.
	tail -c +$((start + 1)) "$1" | head -c "$length" | $unpacker >"$2" 2>/dev/null || :
	[ "$(od -An -tx1 -N4 "$2" | tr -d ' ')" = 7f454c46 ] && grep -aq "Linux version $RELEASE" "$2"
}

# The headers' Makefile names the common tree by its absolute path: make that the
# path in the cache.  Everything else in the packages is relative.
relocate_headers()
{
	headers=$1/usr/src/linux-headers-$RELEASE
	sed -i "s|/usr/src/|$2/usr/src/|g" "$headers/Makefile" || return 1
	for part in "$headers/scripts/mod/modpost" "$headers/Module.symvers" \
		"$1/usr/src/$COMMON/scripts/Makefile.build" "$1/usr/src/$COMMON/include/linux/kernel.h"; do
		if [ ! -e "$part" ]; then
			say "the headers of $VERSION lack ${part#"$1"}"
			return 1
		fi
	done
}

# fill_folder TEMPORARY FINAL: all that a cache entry holds.
fill_folder()
{
	(cd "$1" && apt_call apt-get -qq download "$IMAGE=$VERSION" "linux-headers-$RELEASE=$VERSION" \
		"$COMMON=$VERSION" "$KBUILD" >&2) || return 1
	say "unpacking into $2"
	for deb in "$1"/*.deb; do
		case $deb in
		*/linux-image-*) unpack_image "$deb" "$1" || return 1 ;;
		*) dpkg-deb -x "$deb" "$1" || return 1 ;;
		esac
		rm -f "$deb"
	done
	rm -f "$1/lib/modules/$RELEASE/build" "$1/lib/modules/$RELEASE/source"
	relocate_headers "$1" "$2" || return 1
	kernel_file=vmlinux
	if ! extract_vmlinux "$1/boot/vmlinuz-$RELEASE" "$1/boot/vmlinux"; then
		say "can't extract the ELF kernel; guests will boot the compressed one, a little slower"
		rm -f "$1/boot/vmlinux"
		kernel_file=vmlinuz-$RELEASE
	fi
	cat >"$1/env" <<-END || return 1
	AERO_RELEASE=$RELEASE
	AERO_KERNEL_VERSION=$VERSION
	AERO_KERNEL=$2/boot/$kernel_file
	AERO_VMLINUZ=$2/boot/vmlinuz-$RELEASE
	AERO_MODDIR=$2/lib/modules/$RELEASE
	AERO_KDIR=$2/usr/src/linux-headers-$RELEASE
	END
}

# fetch_entry FOLDER FILL WHAT: makes a cache entry whole or not at all: the function FILL
# fills it under another name, then it is renamed.
fetch_entry()
{
	[ ! -e "$1/env" ] || return 0
	temporary=$(mktemp -d "$CACHE/new.XXXXXX") || return 1
	trap 'rm -rf "$temporary"' EXIT
	trap 'exit 1' INT TERM HUP
	say "downloading $3"
	good=0
	if "$2" "$temporary" "$1" && chmod 755 "$temporary"; then
		# Somebody else may have been faster; then theirs is as good.
		mv -T "$temporary" "$1" 2>/dev/null || [ -e "$1/env" ] || good=1
	else
		good=1
	fi
	rm -rf "$temporary"
	trap - EXIT INT TERM HUP
	return $good
}

fetch_kernel()
{
	fetch_entry "$FOLDER" fill_folder \
		"Debian's kernel $RELEASE ($VERSION) and its headers, about 85 MB"
}

# Changes whenever this machine's package lists do.
lists_state()
{
	stat -c '%Y %Z' /var/lib/apt/lists /etc/apt /etc/apt/sources.list.d 2>/dev/null | tr '\n' ' '
}

# With nothing newer to be had: use what is there, and say so.
fall_back()
{
	cached=$(find "$CACHE" -maxdepth 2 -path '*/kernel-*/env' -printf '%T@ %p\n' | sort -rn |
		head -n 1 | cut -d' ' -f2-)
	[ -n "$cached" ] ||
		die "$1, and there is none in $CACHE yet; connect to the network (or run 'apt-get update'), then try again"
	say "$1; using $(sed -n 's/^AERO_KERNEL_VERSION=//p' "$cached") from the cache"
	cat "$cached"
}

# Prints the env file of Debian's current kernel, fetching it where needed.
kernel()
{
	cache_folder
	for tool in apt-get dpkg-deb depmod xz od; do
		command -v "$tool" >/dev/null || die "'$tool' is lacking; run: lab/setup tools guest"
	done
	machine=$(dpkg --print-architecture)
	[ "$machine" = amd64 ] || die "the lab's guests are x86-64, this machine is $machine"
	SCRIPT_HASH=$(sha256sum "$HERE/kernel.sh" | cut -c1-12)

	# Asking apt takes 3 s; its answer holds as long as its lists are the same.
	state=$(lists_state)
	answer=$CACHE/resolved-$SCRIPT_HASH
	if [ -e "$answer" ] && [ "$(head -n 1 "$answer")" = "$state" ]; then
		FOLDER=$(sed -n 2p "$answer")
		if [ -e "$FOLDER/env" ]; then
			cat "$FOLDER/env"
			return
		fi
	fi
	# Lists may be lacking, or name files that the mirror has replaced: refresh once.
	if resolve_kernel && fetch_kernel || refresh_lists && resolve_kernel && fetch_kernel; then
		printf '%s\n%s\n' "$state" "$FOLDER" >"$answer"
		cat "$FOLDER/env"
	else
		fall_back "Debian's current kernel can't be fetched"
	fi
}
