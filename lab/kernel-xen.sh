# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: a small kernel for dom0 and domUs, built from Debian's source
# package, without the built-in balloon driver's front end (CONFIG_XEN_BALLOON), so
# that the memory target's watch, the hot-add callback and the names in sysfs are
# free.  Two of them: `own`, and `debug`, which looks for mistakes.

# shellcheck disable=SC2089 # the quotes belong to the values
OWN_CONFIG='
64BIT SMP NUMA DEBUG_KERNEL UNWINDER_ORC MODULES MODULE_UNLOAD PRINTK PRINTK_TIME BUG KALLSYMS KALLSYMS_ALL MAGIC_SYSRQ
PREEMPT_VOLUNTARY HIGH_RES_TIMERS NO_HZ_IDLE POSIX_TIMERS FUTEX EPOLL SIGNALFD TIMERFD EVENTFD
MULTIUSER SYSFS_SYSCALL FILE_LOCKING ADVISE_SYSCALLS MEMBARRIER VM_EVENT_COUNTERS PSI CGROUPS
BLK_DEV_INITRD RD_GZIP BINFMT_ELF BINFMT_SCRIPT PROC_FS PROC_SYSCTL PROC_PAGE_MONITOR SYSFS TMPFS
DEVTMPFS DEBUG_FS SHMEM SWAP BLOCK BLK_DEV CRYPTO CRYPTO_LZO=m ZSMALLOC=m ZRAM=m
TTY UNIX98_PTYS SERIAL_8250 SERIAL_8250_CONSOLE NET UNIX PCI ACPI PCI_MSI X86_X2APIC
FTRACE ENABLE_DEFAULT_TRACERS
TRANSPARENT_HUGEPAGE COMPACTION MIGRATION MEMORY_HOTPLUG MEMORY_HOTREMOVE
ZONE_DEVICE INIT_ON_ALLOC_DEFAULT_ON
HYPERVISOR_GUEST PARAVIRT VMWARE_VMCI=m VMWARE_BALLOON=m BALLOON_COMPACTION
XEN XEN_PV XEN_PV_SMP XEN_PVHVM_GUEST XEN_PVH XEN_PV_DOM0 XEN_BACKEND XEN_SYS_HYPERVISOR
XEN_XENBUS_FRONTEND XEN_DEV_EVTCHN=m XENFS=m XEN_COMPAT_XENFS XEN_GNTDEV=m XEN_GRANT_DEV_ALLOC=m
XEN_PRIVCMD=m HVC_XEN HVC_XEN_FRONTEND
XEN_BALLOON=n
'

DEBUG_CONFIG='
PROVE_LOCKING DEBUG_ATOMIC_SLEEP DEBUG_LIST DEBUG_VM DEBUG_VM_PGFLAGS PAGE_POISONING
SLUB_DEBUG DEBUG_KMEMLEAK FAULT_INJECTION FAULT_INJECTION_DEBUG_FS FAIL_PAGE_ALLOC FAILSLAB
DETECT_HUNG_TASK SOFTLOCKUP_DETECTOR WQ_WATCHDOG STACKTRACE DEBUG_MEMORY_INIT
'

# What the source package has and no x86 kernel without drivers needs.
SOURCE_EXCLUDES='Documentation/[a-z]*/* drivers/gpu/drm/*.[ch] drivers/net/ethernet/*.[ch] drivers/net/wireless/*.[ch] drivers/media/*.[ch]
drivers/staging/*.[ch] drivers/infiniband/*.[ch] drivers/scsi/*.[ch] sound/*.[ch] tools/testing/*
tools/perf/* arch/arm/*.[chS] arch/arm/*.dts* arch/arm64/*.[chS] arch/arm64/*.dts* arch/mips/*.[chS]
arch/powerpc/*.[chS] arch/s390/*.[chS] arch/sparc/*.[chS] arch/riscv/*.[chS]
fs/xfs/*.[ch] fs/btrfs/*.[ch]'

KERNEL_XEN_HASH=$(sha256sum "$HERE/kernel-xen.sh" | cut -c1-12)

# The env file of a kernel that has been built; 1 when it has not.
own_kernel_cached()
{
	own_env=$(find "$CACHE" -maxdepth 2 -path "*/xenkernel-$1-*-$KERNEL_XEN_HASH/env" -printf '%T@ %p\n' |
		sort -rn | head -n 1 | cut -d' ' -f2-)
	[ -n "$own_env" ] && cat "$own_env"
}

# Sets SOURCE, SOURCE_VERSION and OWN_FOLDER from the package lists.
resolve_source()
{
	SOURCE=$(dependency linux-source 'linux-source-[0-9.]*')
	[ -n "$SOURCE" ] || return 1
	SOURCE_VERSION=$(candidate_version "$SOURCE")
	[ -n "$SOURCE_VERSION" ] || return 1
	OWN_FOLDER=$CACHE/xenkernel-$OWN_NAME-$SOURCE_VERSION-$KERNEL_XEN_HASH
}

# fetch_source TO: the source's tree, without what is not needed.
fetch_source()
{
	mkdir -p "$1/deb" "$1/tree" || return 1
	(cd "$1/deb" && apt_call apt-get -qq download "$SOURCE=$SOURCE_VERSION" >&2) || return 1
	dpkg-deb --fsys-tarfile "$1"/deb/*.deb | tar -x -C "$1/deb" --wildcards './usr/src/*.tar.xz' || return 1
	set -f
	excludes=
	for pattern in $SOURCE_EXCLUDES; do
		excludes="$excludes --exclude=*/$pattern"
	done
	# shellcheck disable=SC2086 # a list of patterns
	tar -x -J -C "$1/tree" --strip-components=1 --wildcards $excludes -f "$1/deb/usr/src/$SOURCE.tar.xz"
	unpacked=$?
	set +f
	rm -rf "$1/deb"
	return $unpacked
}

# set_config TREE WORD...: OPTION, OPTION=m or OPTION=n into TREE/.config, and proof that they hold.
set_config()
{
	tree=$1
	shift
	make -s -C "$tree" allnoconfig >&2 || return 1
	for word in "$@"; do
		case $word in
		*=n) printf '# CONFIG_%s is not set\n' "${word%=n}" ;;
		*=*) printf 'CONFIG_%s\n' "$word" ;;
		*) printf 'CONFIG_%s=y\n' "$word" ;;
		esac
	done >"$tree/wanted.config"
	printf 'CONFIG_LOCALVERSION="-%s"\n' "$OWN_LOCAL" >>"$tree/wanted.config"
	cat "$tree/wanted.config" >>"$tree/.config"
	make -s -C "$tree" olddefconfig 2>/dev/null >&2 || return 1
	# What Kconfig refuses it drops without a word.
	lacking=$(while read -r line; do
		name=${line#'# '}
		name=${name%%[= ]*}
		case $line in
		'#'*) ! grep -q "^$name=" "$tree/.config" ;;
		*) grep -qxF "$line" "$tree/.config" ;;
		esac || printf '%s ' "$line"
	done <"$tree/wanted.config")
	if [ -n "$lacking" ]; then
		say "the source of $SOURCE_VERSION can't have $lacking"
		return 1
	fi
}

# What modules need of the tree stays: headers, makefiles, scripts, objtool.
prune_tree()
{
	find "$1" -path "$1/scripts" -prune -o -path "$1/tools/objtool" -prune -o \
		-type f ! -name '*.h' ! -name 'Makefile*' ! -name 'Kbuild*' ! -name 'Kconfig*' \
		! -name '.config' ! -name 'Module.symvers' ! -name '*.lds' ! -name 'auto.conf*' \
		! -name 'kernel.release' ! -name '*.sh' -exec rm -f {} + &&
		find "$1" -type d -empty -delete
}

# fill_own TEMPORARY FINAL: all that the cache entry holds.
fill_own()
{
	fetch_source "$1" || return 1
	# From here on fresh package lists are no cure.
	BUILD_FAILED=1
	say "building it; that takes some minutes"
	# shellcheck disable=SC2086 # a list of words
	set_config "$1/tree" $OWN_CONFIG $OWN_EXTRA || return 1
	nice make -s -C "$1/tree" -j"$(nproc)" vmlinux modules >"$1/log" 2>&1 || {
		tail -n 20 "$1/log" | sed 's/^/  /' >&2
		return 1
	}
	release=$(cat "$1/tree/include/config/kernel.release") || return 1
	make -s -C "$1/tree" INSTALL_MOD_PATH="$1" modules_install >"$1/log" 2>&1 || return 1
	rm -f "$1/lib/modules/$release/build" "$1/lib/modules/$release/source"
	mkdir "$1/boot" && strip -s "$1/tree/vmlinux" -o "$1/boot/vmlinux" && prune_tree "$1/tree" || return 1
	rm -f "$1/log"
	cat >"$1/env" <<-END
	AERO_RELEASE=$release
	AERO_KERNEL_VERSION=$SOURCE_VERSION
	AERO_KERNEL=$2/boot/vmlinux
	AERO_MODDIR=$2/lib/modules/$release
	AERO_KDIR=$2/tree
	END
}

fetch_own()
{
	fetch_entry "$OWN_FOLDER" fill_own "the source of $SOURCE_VERSION, about 140 MB"
}

# kernel_xen own|debug: prints the env file of that kernel, building it where needed.
kernel_xen()
{
	cache_folder
	OWN_NAME=$1
	case $1 in
	own) OWN_LOCAL=aerostat OWN_EXTRA= ;;
	debug) OWN_LOCAL=aerostat-debug OWN_EXTRA=$DEBUG_CONFIG ;;
	*) die "kernel-xen: '$1' is none of own, debug" ;;
	esac
	for tool in gcc make flex bison bc xz cpio; do
		command -v "$tool" >/dev/null || die "'$tool' is lacking; run: lab/setup tools kernel"
	done
	if own_kernel_cached "$1"; then
		return
	fi
	BUILD_FAILED=
	if { resolve_source && fetch_own; } ||
		{ [ -z "$BUILD_FAILED" ] && refresh_lists && resolve_source && fetch_own; }; then
		cat "$OWN_FOLDER/env"
	else
		die "can't build the kernel for Xen; what went wrong stands above"
	fi
}
