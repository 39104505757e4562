# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: the guest's user space, which is busybox, the agent as
# /init, Aerostat's own programs, and kernel modules.

# The in-tree modules a guest gets; what they depend on comes along.
WANTED_MODULES=zram
X86_MODULES='vmw_balloon vmw_vmci'

# Those that are built into some kernels, and lacking in others.
OPTIONAL_MODULES='virtio_balloon virtio_blk virtio_console virtio_mmio virtio_pci'

# wanted_modules MODDIR: the names of the modules above that this kernel has as modules.
wanted_modules()
{
	wanted=$WANTED_MODULES
	[ "${architecture:-}" = arm64 ] || wanted="$wanted $X86_MODULES"
	for name in $OPTIONAL_MODULES; do
		! grep -q "/$name\.ko[^/:]*:" "$1/modules.dep" || wanted="$wanted $name"
	done
	echo "$wanted"
}

# module_closure MODDIR "NAME...": paths below MODDIR, dependencies first.
module_closure()
{
	awk -v wanted="$2" '
	{
		file = $1
		sub(/:$/, "", file)
		name = file
		sub(/.*\//, "", name)
		sub(/\.ko.*/, "", name)
		gsub(/-/, "_", name)
		path[name] = file
		line[name] = $0
	}
	function want(file) {
		if (!(file in seen))
			print file
		seen[file] = 1
	}
	END {
		n = split(wanted, names)
		for (i = 1; i <= n; i++) {
			if (!(names[i] in path))
				exit 1
			m = split(line[names[i]], parts)
			for (j = m; j >= 2; j--)
				want(parts[j])
			want(path[names[i]])
		}
	}' "$1/modules.dep"
}

copy_module()
{
	case $1 in
	*.xz) xz -dc "$1" >"$2/$(basename "$1" .xz)" ;;
	*.zst) zstd -qdc "$1" >"$2/$(basename "$1" .zst)" ;;
	*) cp "$1" "$2/" ;;
	esac
}

# guest_programs AGENT: what else a guest gets, beside the agent in the build folder.  Those are
# only built for this machine's architecture.
guest_programs()
{
	[ "${architecture:-}" != arm64 ] || return 0
	for program in aerostat aerostatd; do
		printf '%s/guest-%s\n' "$(dirname "$1")" "$program"
	done
}

# copy_programs AGENT TO
copy_programs()
{
	for program in $(guest_programs "$1"); do
		cp "$program" "$2/${program##*/guest-}" || return 1
	done
}

# check_programs AGENT
check_programs()
{
	for program in "$1" $(guest_programs "$1"); do
		[ -x "$program" ] || die "$program, which guests get, is not built; run: meson compile -C build"
	done
}

# fill_stage STAGE RELEASE MODDIR AGENT MODULE...
fill_stage()
{
	stage=$1 target=$1/lib/modules/$2 release=$2 from=$3 agent=$4
	shift 4
	for folder in bin sbin usr/bin usr/sbin proc sys dev tmp run etc root; do
		mkdir -p "$stage/$folder" || return 1
	done
	# No links to busybox here: the agent makes them in the guest, where it is one call.
	mkdir -p "$target" && cp "$busybox" "$stage/bin/busybox" &&
		cp "$agent" "$stage/init" && copy_programs "$agent" "$stage/bin" &&
		cp "$from"/modules.order "$from"/modules.builtin* "$target/" || return 1
	for module in "$@"; do
		copy_module "$module" "$target" || return 1
	done
	depmod -b "$stage" "$release"
}

# initramfs OUTPUT AGENT MODULE_FOLDER KERNEL_ENV: packs OUTPUT unless it is there
# already and made of the same parts (OUTPUT.key says of which).
initramfs()
{
	output=$1 agent=$2 ours=$3
	release=$(value AERO_RELEASE "$4")
	moddir=$(value AERO_MODDIR "$4")
	architecture=$(value AERO_ARCHITECTURE "$4")
	busybox=$(value AERO_BUSYBOX "$4")
	busybox=${busybox:-$(command -v busybox)} || busybox=
	for tool in busybox cpio depmod; do
		command -v "$tool" >/dev/null || die "'$tool' is lacking; run: lab/setup tools guest"
	done
	check_programs "$agent"

	modules=$(module_closure "$moddir" "$(wanted_modules "$moddir")") ||
		die "kernel $release lacks one of the modules" "$(wanted_modules "$moddir")"
	modules=$(printf '%s\n' "$modules" | sed "s|^|$moddir/|")
	if [ -d "${ours:-/nonexistent}" ]; then
		modules="$modules $(find "$ours" -maxdepth 1 -name '*.ko' | sort)"
	fi
	# shellcheck disable=SC2046,SC2086 # lists of paths without white space
	key=$(cat "$HERE/initramfs.sh" "$busybox" "$agent" $(guest_programs "$agent") $modules |
		sha256sum) ||
		die "can't read what the initramfs is made of"
	key="$release ${key%% *}"
	if [ -e "$output" ] && [ -e "$output.key" ] && [ "$(cat "$output.key")" = "$key" ]; then
		return 0
	fi

	mkdir -p "$(dirname "$output")" || die "can't make the folder of $output"
	stage=$(mktemp -d) || die "can't make a folder to pack in"
	trap 'rm -rf "$stage" "$stage.cpio"' EXIT
	# It becomes the guest's root folder, which others than root must be able to search.
	chmod 755 "$stage"
	trap 'exit 1' INT TERM HUP
	# shellcheck disable=SC2086 # a list of paths without white space
	fill_stage "$stage" "$release" "$moddir" "$agent" $modules ||
		die "can't gather the initramfs in $stage"
	if ! { (cd "$stage" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) >"$stage.cpio" &&
		gzip -1 <"$stage.cpio" >"$output.new" && mv "$output.new" "$output" &&
		printf '%s\n' "$key" >"$output.key"; }; then
		die "can't write $output"
	fi
	# shellcheck disable=SC2086 # a list of paths without white space
	say "packed $output with $(printf '%s\n' $modules | sed 's|.*/||' | tr '\n' ' ')"
	rm -rf "$stage" "$stage.cpio"
	trap - EXIT INT TERM HUP
}
