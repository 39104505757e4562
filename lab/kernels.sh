# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: kernels of other Debian suites, older and newer than this
# machine's, and for arm64.  Each comes with its headers and the very compiler
# that built it, unpacked into the cache; nothing is installed, and this machine's
# package lists stay as they are.  docs/use/kernels.md says what they are for.

# NAME SUITE ARCHITECTURE FLAVOUR: the newest kernel of that flavour there.
KERNELS='
bullseye          bullseye           amd64  amd64
bullseye-security bullseye-security  amd64  amd64
trixie            trixie             amd64  amd64
sid               sid                amd64  amd64
experimental      experimental       amd64  amd64
bookworm-arm64    bookworm           arm64  arm64
trixie-arm64-16k  trixie             arm64  arm64-16k
sid-arm64         sid                arm64  arm64
'

# How long an answer of the package mirror holds.
KERNELS_FRESH_DAYS=1

# apt with lists, cache and status of its own, for $SUITE and $ARCHITECTURE.  With no
# package installed as far as it knows, it downloads all that a package depends on.
suite_apt()
{
	program=$1
	shift
	"$program" -o Dir::State="$LISTS/state" -o Dir::State::status="$LISTS/status" \
		-o Dir::Cache="$LISTS/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o Dir::Etc::SourceList="$LISTS/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o APT::Default-Release="$SUITE" -o APT::Architecture=amd64 \
		-o APT::Architectures::=amd64 -o APT::Architectures::="$ARCHITECTURE" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 -o Acquire::Languages=none "$@"
}

# The mirrors this machine's apt uses: "URI LABEL" lines.
mirrors()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt_call apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' \
		'Origin: Debian' | sort -u
}

# "URI SUITE" lines: where $SUITE's packages, and those that they depend on, come from.
suite_sources()
{
	known=$(mirrors) || return 1
	main=$(printf '%s\n' "$known" | sed -n 's/ Debian$//p' | head -n 1)
	security=$(printf '%s\n' "$known" | sed -n 's/ Debian-Security$//p' | head -n 1)
	case $SUITE in
	*-security)
		[ -n "$main" ] && [ -n "$security" ] &&
			printf '%s\n' "$main ${SUITE%-security}" "$security $SUITE"
		;;
	# Holds only what is not in sid.
	experimental) [ -n "$main" ] && printf '%s\n' "$main sid" "$main experimental" ;;
	*) [ -n "$main" ] && printf '%s\n' "$main $SUITE" ;;
	esac
}

# Sets LISTS and fills it with a list of sources and fresh package lists.
suite_lists()
{
	LISTS=$CACHE/apt-$SUITE-$ARCHITECTURE
	mkdir -p "$LISTS/state/lists/partial" "$LISTS/cache/archives/partial" || return 1
	: >"$LISTS/status" || return 1
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	options="arch=$(printf 'amd64\n%s\n' "$ARCHITECTURE" | sort -u | paste -sd,)"
	[ ! -r "$keyring" ] || options="$options signed-by=$keyring"
	WHY="apt's sources on this machine name no mirror that could have $SUITE"
	sources=$(suite_sources) || return 1
	printf '%s\n' "$sources" | sed "s|^|deb [$options] |; s|\$| main|" >"$LISTS/sources.list" ||
		return 1
	if ! suite_apt apt-get -qq update >"$LISTS/log" 2>&1; then
		# One of two sources may be gone; whether the rest is enough shows soon.
		say "$NAME: $(grep '^[EW]:' "$LISTS/log" | head -n 1)"
	fi
}

# suite_depends PACKAGE PATTERN: the first package it depends on whose name matches.
suite_depends()
{
	suite_apt apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Depends: //p' |
		sed 's/[,|]/\n/g' | sed 's/^ *//; s/[ :(].*//' | grep -x "$2" | head -n 1
}

suite_version()
{
	suite_apt apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Version: //p' | head -n 1
}

# Sets RELEASE, VERSION, COMMON, KBUILD and FOLDER from the package lists.
resolve_suite_kernel()
{
	HEADERS=$(suite_depends "linux-headers-$FLAVOUR:$ARCHITECTURE" "linux-headers-[0-9].*")
	RELEASE=${HEADERS#linux-headers-}
	WHY="the mirror has no linux-headers-$FLAVOUR for $ARCHITECTURE in $SUITE"
	[ -n "$RELEASE" ] || return 1
	VERSION=$(suite_version "$HEADERS:$ARCHITECTURE")
	COMMON=$(suite_depends "$HEADERS:$ARCHITECTURE" 'linux-headers-.*-common')
	KBUILD=$(suite_depends "$HEADERS:$ARCHITECTURE" 'linux-kbuild-.*')
	WHY="the mirror's headers of $RELEASE are not complete"
	[ -n "$VERSION" ] && [ -n "$COMMON" ] && [ -n "$KBUILD" ] || return 1
	WHY="the packages of $RELEASE could not be downloaded or unpacked"
	FOLDER=$CACHE/kernels-$NAME-$RELEASE-$VERSION-$KERNELS_HASH
}

# The packages that carry the kernel and its modules: one, or since 7.x several.
image_packages()
{
	printf 'linux-image-%s\n' "$RELEASE"
	for part in base binary modules; do
		suite_depends "linux-image-$RELEASE:$ARCHITECTURE" "linux-$part-[0-9].*"
	done
}

# download FOLDER PACKAGE...: without what they depend on.
suite_download()
{
	(cd "$1" && shift && suite_apt apt-get -qq download "$@" >&2)
}

# suite_image FOLDER: the kernel as boot/vmlinuz-RELEASE, and modules a guest may want.
suite_image()
{
	mkdir "$1/image" || return 1
	# shellcheck disable=SC2046 # a list of words
	suite_download "$1/image" $(image_packages) || return 1
	for deb in "$1"/image/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1/image" --exclude='*/kernel/net' \
			--exclude='*/kernel/fs' --exclude='*/kernel/sound' \
			--exclude='*/kernel/drivers/[!bcmvx]*' --exclude='*/kernel/drivers/media' \
			--exclude='./usr/share' || return 1
	done
	mkdir -p "$1/boot" "$1/lib/modules" || return 1
	for place in lib usr/lib; do
		[ ! -d "$1/image/$place/modules/$RELEASE" ] ||
			cp -a "$1/image/$place/modules/$RELEASE" "$1/lib/modules/" || return 1
	done
	for file in "$1/lib/modules/$RELEASE/vmlinuz" "$1/image/boot/vmlinuz-$RELEASE"; do
		[ ! -f "$file" ] || mv "$file" "$1/boot/vmlinuz-$RELEASE" || return 1
	done
	rm -rf "$1/image" "$1/lib/modules/$RELEASE/build" "$1/lib/modules/$RELEASE/source"
	[ -f "$1/boot/vmlinuz-$RELEASE" ] && depmod -b "$1" "$RELEASE"
}

# suite_busybox FOLDER: FOLDER/busybox, for guests that this machine's own cannot run in.
suite_busybox()
{
	mkdir "$1/user" && suite_download "$1/user" "busybox-static:$ARCHITECTURE" &&
		dpkg-deb --fsys-tarfile "$1"/user/*.deb | tar -x -C "$1/user" || return 1
	for file in "$1/user/bin/busybox" "$1/user/usr/bin/busybox"; do
		[ ! -f "$file" ] || mv "$file" "$1/busybox" || return 1
	done
	rm -rf "$1/user"
	[ -x "$1/busybox" ]
}

# suite_headers FOLDER FINAL
suite_headers()
{
	suite_download "$1" "$HEADERS:$ARCHITECTURE=$VERSION" "$COMMON=$VERSION" "$KBUILD:amd64" || return 1
	for deb in "$1"/*.deb; do
		dpkg-deb -x "$deb" "$1" && rm "$deb" || return 1
	done
	sed -i "s|/usr/src/|$2/usr/src/|g" "$1/usr/src/linux-headers-$RELEASE/Makefile"
}

triplet()
{
	case $ARCHITECTURE in
	arm64) echo aarch64-linux-gnu ;;
	*) echo x86_64-linux-gnu ;;
	esac
}

# The compiler that the headers ask for, as a package.
compiler_package()
{
	version=$(sed -n 's/^CC *=.*gcc-\([0-9]*\)$/\1/p' \
		"$1/usr/src/linux-headers-$RELEASE/.kernelvariables")
	[ -n "$version" ] || return 1
	if [ "$ARCHITECTURE" = amd64 ]; then
		echo "gcc-$version"
	else
		echo "gcc-$version-$(triplet)"
	fi
}

# run_through FILE FINAL LOADER LIBRARIES: makes a program one that finds its libraries in
# the cache, whatever C library this machine has, once it lies at FINAL.  It is told the
# name it was called by, from which compilers find their parts.
run_through()
{
	mv "$1" "$1.bin" || return 1
	# shellcheck disable=SC2016 # for the script written here
	printf '#!/bin/sh\nexec %s --library-path %s --argv0 "$0" %s.bin "$@"\n' \
		"$3" "$4" "$2" >"$1" && chmod 755 "$1"
}

is_program()
{
	[ "$(od -An -tx1 -N4 "$1" | tr -d ' ')" = 7f454c46 ]
}

# suite_tools FOLDER FINAL: compiler, linker and the libraries of both in FOLDER/tools.
suite_tools()
{
	compiler=$(compiler_package "$1") || return 1
	mkdir -p "$1/debs/partial" "$1/tools" || return 1
	suite_apt apt-get -qq -y --no-install-recommends --download-only \
		-o Dir::Cache::archives="$1/debs" install "$compiler" "$KBUILD" >&2 || return 1
	theirs=$(suite_version libc6:amd64)
	ours=$(dpkg-query -W -f '${Version}' libc6)
	libraries=$2/tools/usr/lib/x86_64-linux-gnu:$2/tools/lib/x86_64-linux-gnu
	loader=$2/tools/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
	for deb in "$1"/debs/*.deb; do
		case ${deb##*/} in
		linux-kbuild-* | lib[ahlt]*san* | libubsan* | libitm* | libquadmath* | libgomp*) continue ;;
		libc6_*)
			# This machine's runs what was made for an older one.
			if dpkg --compare-versions "$theirs" le "$ours"; then
				loader=/lib64/ld-linux-x86-64.so.2
				continue
			fi
			;;
		esac
		dpkg-deb -x "$deb" "$1/tools" || return 1
	done
	rm -rf "$1/debs" "$1/tools/usr/share"
	find "$1/tools" -name 'lto-dump*' -delete -o -name lto1 -delete
	find "$1/tools" "$1/usr/lib" -type f -perm -100 ! -name '*.so*' >"$1/programs" || return 1
	while read -r file; do
		! is_program "$file" ||
			run_through "$file" "$2${file#"$1"}" "$loader" "$libraries" || return 1
	done <"$1/programs"
	rm "$1/programs"
}

# fill_suite_folder TEMPORARY FINAL: all that a cache entry holds.
fill_suite_folder()
{
	suite_headers "$1" "$2" && suite_tools "$1" "$2" || return 1
	cat >"$1/env.new" <<-END || return 1
	AERO_RELEASE=$RELEASE
	AERO_KERNEL_VERSION=$VERSION
	AERO_ARCHITECTURE=$ARCHITECTURE
	AERO_KDIR=$2/usr/src/linux-headers-$RELEASE
	AERO_TOOLS=$2/tools/usr/bin
	AERO_CROSS=$(triplet)-
	END
	suite_image "$1" || return 1
	if [ "$ARCHITECTURE" = arm64 ]; then
		suite_busybox "$1" || return 1
		cat >>"$1/env.new" <<-END || return 1
		AERO_KERNEL=$2/boot/vmlinuz-$RELEASE
		AERO_MODDIR=$2/lib/modules/$RELEASE
		AERO_BUSYBOX=$2/busybox
		END
	else
		kernel_file=vmlinux
		if ! extract_vmlinux "$1/boot/vmlinuz-$RELEASE" "$1/boot/vmlinux"; then
			rm -f "$1/boot/vmlinux"
			kernel_file=vmlinuz-$RELEASE
		fi
		cat >>"$1/env.new" <<-END || return 1
		AERO_KERNEL=$2/boot/$kernel_file
		AERO_VMLINUZ=$2/boot/vmlinuz-$RELEASE
		AERO_MODDIR=$2/lib/modules/$RELEASE
		END
	fi
	mv "$1/env.new" "$1/env"
}

# Sets FOLDER to the cache entry of $NAME, fetching it where needed; else WHY to the reason.
suite_kernel()
{
	answer=$CACHE/resolved-kernels-$NAME-$KERNELS_HASH
	if [ -e "$answer" ]; then
		FOLDER=$(cat "$answer")
		if [ -e "$FOLDER/env" ] && [ -n "$(find "$answer" -mtime "-$KERNELS_FRESH_DAYS")" ]; then
			return 0
		fi
	fi
	WHY="it could not be fetched"
	if suite_lists && resolve_suite_kernel &&
		fetch_entry "$FOLDER" fill_suite_folder "$NAME: kernel $RELEASE ($VERSION), about 150 MB"; then
		printf '%s\n' "$FOLDER" >"$answer"
		return 0
	fi
	[ -e "$answer" ] || return 1
	FOLDER=$(cat "$answer")
	[ -e "$FOLDER/env" ] || return 1
	say "$NAME: $WHY; using $(sed -n 's/^AERO_RELEASE=//p' "$FOLDER/env") from the cache"
}

# kernels BUILD [NAME...]: BUILD/kernels/NAME/env for each kernel that can be had, and
# BUILD/kernels/NAME/skip, with the reason, for each other.
kernels()
{
	build=$(absolute "$1")
	shift
	[ -d "$build" ] || die "the build folder $build is not there; run: meson setup $build"
	names=$(printf '%s' "$KERNELS" | awk 'NF { print $1 }')
	for name; do
		printf '%s\n' "$names" | grep -qxF "$name" ||
			die "kernels: '$name' is none of" "$(printf '%s' "$names" | tr '\n' ' ')"
	done
	[ $# -eq 0 ] || names=$*
	cache_folder
	for tool in apt-get dpkg-deb depmod xz od; do
		command -v "$tool" >/dev/null || die "'$tool' is lacking; run: lab/setup tools guest"
	done
	KERNELS_HASH=$(cat "$HERE/kernels.sh" "$HERE/kernel.sh" | sha256sum | cut -c1-12)
	fetched=0 skipped=0
	for NAME in $names; do
		# shellcheck disable=SC2046 # words
		set -- $(printf '%s' "$KERNELS" | awk -v name="$NAME" '$1 == name')
		SUITE=$2 ARCHITECTURE=$3 FLAVOUR=$4
		mkdir -p "$build/kernels/$NAME" || die "can't make $build/kernels/$NAME"
		rm -f "$build/kernels/$NAME/skip"
		if suite_kernel; then
			cp "$FOLDER/env" "$build/kernels/$NAME/env" ||
				die "can't write $build/kernels/$NAME/env"
			fetched=$((fetched + 1))
		else
			say "$NAME: skipped: $WHY"
			rm -f "$build/kernels/$NAME/env"
			printf '%s\n' "$WHY" >"$build/kernels/$NAME/skip"
			skipped=$((skipped + 1))
		fi
	done
	printf 'AERO_KERNELS_FETCHED=%s\nAERO_KERNELS_SKIPPED=%s\n' "$fetched" "$skipped"
}

# The table, one "NAME ARCHITECTURE" a line.
kernels_list()
{
	printf '%s' "$KERNELS" | awk 'NF { print $1, $3 }'
}

# kernels_initramfs BUILD NAME: the guest's user space for one of them, with the modules
# in BUILD/kernels/NAME/modules.
kernels_initramfs()
{
	build=$(absolute "$1")
	[ -e "$build/kernels/$2/env" ] || die "kernel $2 is not there; run: lab/setup kernels $1 $2"
	kernel_env=$(cat "$build/kernels/$2/env")
	agent=$build/lab/aerostat-agent
	if [ "$(value AERO_ARCHITECTURE "$kernel_env")" = arm64 ]; then
		arm64_agent "$build"
		agent=$build/lab/arm64/aerostat-agent
	fi
	initramfs "$build/kernels/$2/initramfs.cpio.gz" "$agent" "$build/kernels/$2/modules" "$kernel_env"
}

# kernels_xen BUILD NAME: the user space of a dom0 with that kernel, whose domUs have it too.
kernels_xen()
{
	build=$(absolute "$1")
	[ -e "$build/kernels/$2/env" ] || die "kernel $2 is not there; run: lab/setup kernels $1 $2"
	kernel_env=$(cat "$build/kernels/$2/env")
	[ "$(value AERO_ARCHITECTURE "$kernel_env")" = amd64 ] ||
		die "$2 is not for this machine's architecture, and the lab has no Xen for others"
	cache_folder
	xen_env=$(xen_packages) || exit 1
	ours=$build/kernels/$2/xen-modules
	if ! { mkdir -p "$ours" && ln -sfn ../modules "$ours/$(value AERO_RELEASE "$kernel_env")"; }; then
		die "can't write $ours"
	fi
	dom0_image "$build/kernels/$2/xen-dom0.cpio" "$build" "$(xen_kernel stock "$kernel_env")" \
		"$(value AERO_XEN_ROOT "$xen_env")" "$ours"
}
