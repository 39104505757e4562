# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: real Xen from Debian's packages, unpacked into the cache and
# never installed, and the user space of its dom0 and domUs.

# Libraries that the machine may lack are fetched too; libc is the machine's own.
XEN_PACKAGES='xenstore-utils libxen-dev libxencall1 libxenevtchn1 libxenforeignmemory1 libxengnttab1
libxenstore4 libxentoollog1 libxentoolcore1 libxendevicemodel1 libxenhypfs1 libyajl2 libuuid1
zlib1g liblzma5 libzstd1 libgcc-s1'
XEN_TOOLS='xl xenstored xenconsoled xen-init-dom0 xenstore xenctx xen-mfndump xentrace'
DOM0_MODULES='xen_privcmd xenfs xen_evtchn xen_gntdev xen_gntalloc zram'

# Sets XEN_IMAGE, XEN_UTILS, XEN_VERSION and XEN_FOLDER from the package lists.
resolve_xen()
{
	XEN_IMAGE=$(dependency xen-system-amd64 'xen-hypervisor-[0-9.]*-amd64')
	XEN_UTILS=$(dependency xen-system-amd64 'xen-utils-[0-9.]*')
	[ -n "$XEN_IMAGE" ] && [ -n "$XEN_UTILS" ] || return 1
	XEN_MISC=$(dependency "$XEN_UTILS" 'libxenmisc[0-9.]*')
	XEN_VERSION=$(candidate_version "$XEN_IMAGE")
	[ -n "$XEN_MISC" ] && [ -n "$XEN_VERSION" ] || return 1
	XEN_FOLDER=$CACHE/xen-$XEN_VERSION-$XEN_HASH
}

# copy_closure ROOT SOURCE PROGRAM...: the libraries that programs need, into ROOT.
# Those in SOURCE go before the machine's own.
copy_closure()
{
	closure_root=$1 closure_libraries=$2/usr/lib/x86_64-linux-gnu:$2/lib/x86_64-linux-gnu
	shift 2
	listed=$(LD_LIBRARY_PATH=$closure_libraries ldd "$@") || return 1
	if printf '%s\n' "$listed" | grep 'not found' >&2; then
		say "those libraries are lacking"
		return 1
	fi
	mkdir -p "$closure_root/lib64" "$closure_root/lib/x86_64-linux-gnu" || return 1
	printf '%s\n' "$listed" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/lib64\/[^ ]*\) .*/\1/p' |
		sort -u | while read -r library; do
		case $library in
		/lib64/*) cp -L "$library" "$closure_root/lib64/" || return 1 ;;
		*) cp -L "$library" "$closure_root/lib/x86_64-linux-gnu/" || return 1 ;;
		esac
	done
}

# Xen's tools and their libraries as a tree: fill_tools UNPACKED ROOT
fill_tools()
{
	mkdir -p "$2/usr/sbin" "$2/usr/bin" "$2/usr/lib" "$2/xen" "$2/lib/x86_64-linux-gnu" || return 1
	private=$(find "$1/usr/lib" -maxdepth 1 -name 'xen-[0-9]*' | head -n 1)
	# The tools find their own folder by the name they were built with.
	mkdir -p "$2/usr/lib/${private##*/}/bin" || return 1
	for tool in $XEN_TOOLS; do
		found=
		for folder in "$private/bin" "$1/usr/sbin" "$1/usr/bin"; do
			if [ -z "$found" ] && [ -f "$folder/$tool" ]; then
				found=$folder/$tool
			fi
		done
		[ -n "$found" ] || {
			say "Xen's packages have no $tool"
			return 1
		}
		cp "$found" "$2/usr/sbin/$tool" || return 1
	done
	for tool in read write ls list rm watch exists chmod; do
		ln -s ../sbin/xenstore "$2/usr/bin/xenstore-$tool" || return 1
	done
	gcc -O2 -Wall -Wextra -Werror -I"$1/usr/include" "$HERE/guest/figures.c" -o "$2/xen/figures" \
		-L"$1/usr/lib/x86_64-linux-gnu" -Wl,-rpath-link,"$1/usr/lib/x86_64-linux-gnu" \
		-lxenctrl || return 1
	# Threads that are cancelled load libgcc_s by name, which ldd does not see.
	find "$1" -name 'libgcc_s.so.1' -exec cp -L {} "$2/lib/x86_64-linux-gnu/" \; || return 1
	# shellcheck disable=SC2046,SC2086 # lists of words
	copy_closure "$2" "$1" "$2/xen/figures" $(printf "$2/usr/sbin/%s " $XEN_TOOLS)
}

# fill_xen TEMPORARY FINAL: all that the cache entry holds.
fill_xen()
{
	mkdir "$1/debs" "$1/unpacked" || return 1
	# shellcheck disable=SC2086 # a list of words
	(cd "$1/debs" && apt_call apt-get -qq download "$XEN_IMAGE=$XEN_VERSION" "$XEN_UTILS=$XEN_VERSION" \
		"$XEN_MISC=$XEN_VERSION" $XEN_PACKAGES >&2) || return 1
	for deb in "$1"/debs/*.deb; do
		dpkg-deb -x "$deb" "$1/unpacked" || return 1
	done
	gzip -dc "$1"/unpacked/boot/xen-*-amd64.gz >"$1/xen" || return 1
	fill_tools "$1/unpacked" "$1/root" || return 1
	rm -rf "$1/debs" "$1/unpacked"
	cat >"$1/env" <<-END
	AERO_XEN=$2/xen
	AERO_XEN_VERSION=$XEN_VERSION
	AERO_XEN_ROOT=$2/root
	END
}

# Prints the env file of Debian's current Xen, fetching it where needed.
xen_packages()
{
	cache_folder
	XEN_HASH=$(cat "$HERE/xen.sh" "$HERE/guest/figures.c" | sha256sum | cut -c1-12)
	xen_state=$(lists_state)
	xen_answer=$CACHE/resolved-xen-$XEN_HASH
	if [ -e "$xen_answer" ] && [ "$(head -n 1 "$xen_answer")" = "$xen_state" ]; then
		XEN_FOLDER=$(sed -n 2p "$xen_answer")
		if [ -e "$XEN_FOLDER/env" ]; then
			cat "$XEN_FOLDER/env"
			return
		fi
	fi
	if resolve_xen && fetch_entry "$XEN_FOLDER" fill_xen "Xen $XEN_VERSION and its tools, about 6 MB" ||
		refresh_lists && resolve_xen &&
		fetch_entry "$XEN_FOLDER" fill_xen "Xen $XEN_VERSION and its tools, about 6 MB"; then
		printf '%s\n%s\n' "$xen_state" "$XEN_FOLDER" >"$xen_answer"
		cat "$XEN_FOLDER/env"
		return
	fi
	cached=$(find "$CACHE" -maxdepth 2 -path '*/xen-*/env' -printf '%T@ %p\n' | sort -rn |
		head -n 1 | cut -d' ' -f2-)
	[ -n "$cached" ] || die "Debian's Xen can't be fetched, and there is none in $CACHE yet; connect to the network (or run 'apt-get update'), then try again"
	say "Debian's Xen can't be fetched; using $(sed -n 's/^AERO_XEN_VERSION=//p' "$cached") from the cache"
	cat "$cached"
}

# pack FOLDER OUTPUT: as a cpio, whole or not at all.
pack()
{
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) >"$2.new" && mv "$2.new" "$2"
}

# xen_modules ROOT RELEASE MODDIR OURS NAME...: in-tree modules and all of ours, stripped.
xen_modules()
{
	modules_to=$1/lib/modules/$2 modules_root=$1 modules_release=$2 modules_from=$3 modules_ours=$4
	shift 4
	mkdir -p "$modules_to" && cp "$modules_from"/modules.order "$modules_from"/modules.builtin* "$modules_to/" ||
		return 1
	if [ $# -gt 0 ]; then
		modules=$(module_closure "$modules_from" "$*") || {
			say "kernel $modules_release lacks one of the modules $*"
			return 1
		}
		for module in $modules; do
			copy_module "$modules_from/$module" "$modules_to" || return 1
		done
	fi
	if [ -d "$modules_ours" ]; then
		find -H "$modules_ours" -maxdepth 1 -name '*.ko' -exec cp {} "$modules_to/" \; || return 1
	fi
	find "$modules_to" -name '*.ko' -exec strip --strip-debug {} + &&
		depmod -b "$modules_root" "$modules_release"
}

# base ROOT AGENT: what dom0 and domU have in common.
xen_base()
{
	for folder in bin sbin usr/bin usr/sbin proc sys dev tmp run etc root; do
		mkdir -p "$1/$folder" || return 1
	done
	cp "$(command -v busybox)" "$1/bin/busybox" && cp "$2" "$1/init" &&
		copy_programs "$2" "$1/bin"
}

# domu_modules NAME: what domUs with this kernel may load; ours have no disk to pretend.
domu_modules()
{
	case $1 in
	stock) echo zram null_blk ;;
	*) echo zram ;;
	esac
}

# What domUs have to do in the policies' bench.
DOMU_PROGRAM=bench/policy/aerostat-load

# The daemon of a host, in the build folder, where that was built for Xen.
DOM0_DAEMON=lab/dom0-aerostat-hostd

# dom0_daemon STAGE BUILD ROOT: the daemon and its libraries, of which Xen's are in ROOT.
dom0_daemon()
{
	[ -x "$2/$DOM0_DAEMON" ] || return 0
	cp "$2/$DOM0_DAEMON" "$1/usr/sbin/aerostat-hostd" && copy_closure "$1" "$3" "$2/$DOM0_DAEMON"
}

# kernel_payload STAGE NAME RELEASE VMLINUX MODDIR OURS AGENT BUILD: one kernel for dom0
# itself (modules) and for domUs (vmlinux and initramfs in /xen/NAME).
kernel_payload()
{
	domu=$1.domu-$2
	mkdir -p "$1/dom0/xen/$2" "$domu" || return 1
	# shellcheck disable=SC2046,SC2086 # lists of words
	xen_base "$domu" "$7" && xen_modules "$domu" "$3" "$5" "$6" $(domu_modules "$2") &&
		cp "$8/$DOMU_PROGRAM" "$domu/bin/" &&
		xen_modules "$1/dom0" "$3" "$5" "$6" $DOM0_MODULES &&
		pack "$domu" "$1.cpio" && gzip -1 <"$1.cpio" >"$1/dom0/xen/$2/initramfs" &&
		cp "$4" "$1/dom0/xen/$2/vmlinux" && rm -rf "$domu" "$1.cpio"
}

# xen_kernel NAME KERNEL_ENV: a line "NAME RELEASE VMLINUX MODDIR".
xen_kernel()
{
	printf '%s %s %s %s\n' "$1" "$(value AERO_RELEASE "$2")" "$(value AERO_KERNEL "$2")" \
		"$(value AERO_MODDIR "$2")"
}

# xen_kernels KERNEL_ENV: such lines of all kernels there are.
xen_kernels()
{
	xen_kernel stock "$1"
	for name in own debug; do
		own=$(own_kernel_cached "$name") || continue
		xen_kernel "$name" "$own"
	done
}

# dom0_image OUTPUT BUILD KERNELS ROOT OURS: packs dom0's initramfs unless its parts are the
# same.  OURS has our modules in a folder for each release.
dom0_image()
{
	output=$1 agent=$2/lab/aerostat-agent
	check_programs "$agent"
	key=$(
		printf '%s\n' "$3" "$4"
		# shellcheck disable=SC2046 # paths without white space
		cat "$agent" $(guest_programs "$agent") "$2/$DOMU_PROGRAM" "$HERE/guest/dom0.sh" "$HERE/xen.sh" | sha256sum
		sha256sum "$2/$DOM0_DAEMON" 2>/dev/null
		printf '%s\n' "$3" | while read -r _ release vmlinux _; do
			stat -c '%n %s %Y' "$vmlinux"
			find -H "$5/$release" -maxdepth 1 -name '*.ko' -exec sha256sum {} + 2>/dev/null | sort
		done
	)
	if [ -e "$output" ] && [ -e "$output.key" ] && [ "$(cat "$output.key")" = "$key" ]; then
		return 0
	fi
	stage=$(mktemp -d) || die "can't make a folder to pack in"
	trap 'rm -rf "$stage" "$stage".*' EXIT
	trap 'exit 1' INT TERM HUP
	if ! { mkdir "$stage/dom0" && cp -a "$4/." "$stage/dom0/" && xen_base "$stage/dom0" "$agent" &&
		dom0_daemon "$stage/dom0" "$2" "$4" &&
		cp "$HERE/guest/dom0.sh" "$stage/dom0/xen/start" && chmod 755 "$stage/dom0/xen/start"; }; then
		die "can't gather dom0's initramfs in $stage"
	fi
	printf '%s\n' "$3" >"$stage.kernels"
	while read -r name release vmlinux moddir; do
		kernel_payload "$stage" "$name" "$release" "$vmlinux" "$moddir" "$5/$release" "$agent" "$2" ||
			die "can't gather what kernel $release needs"
	done <"$stage.kernels"
	mkdir -p "$stage/dom0/etc/xen" || die "can't make a folder in $stage"
	printf 'autoballoon="off"\n' >"$stage/dom0/etc/xen/xl.conf" || die "can't write xl.conf"
	pack "$stage/dom0" "$output" || die "can't write $output"
	printf '%s\n' "$key" >"$output.key" || die "can't write $output.key"
	say "packed $output with kernels $(printf '%s\n' "$3" | cut -d' ' -f2 | tr '\n' ' ')"
	rm -rf "$stage" "$stage".*
	trap - EXIT INT TERM HUP
}

# Everything for Xen: BUILD/lab-xen.env names it for the lab's programs.
xen()
{
	cache_folder
	build=$(absolute "$1")
	[ -d "$build" ] || die "the build folder $build is not there; run: meson setup $1"
	kernel_env=$(kernel) || exit 1
	xen_env=$(xen_packages) || exit 1
	kernels=$(xen_kernels "$kernel_env")
	dom0_image "$build/lab/xen-dom0.cpio" "$build" "$kernels" "$(value AERO_XEN_ROOT "$xen_env")" \
		"$build/modules"
	{
		printf '%s\n' "$xen_env"
		printf 'AERO_XEN_DOM0=%s\n' "$build/lab/xen-dom0.cpio"
		printf '%s\n' "$kernels" | while read -r name release vmlinux _; do
			upper=$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')
			printf 'AERO_XEN_KERNEL_%s=%s\nAERO_XEN_RELEASE_%s=%s\n' "$upper" "$vmlinux" "$upper" "$release"
		done
	} >"$build/lab-xen.env.new" || die "can't write $build/lab-xen.env.new"
	mv "$build/lab-xen.env.new" "$build/lab-xen.env" || die "can't write $build/lab-xen.env"
	cat "$build/lab-xen.env"
}
