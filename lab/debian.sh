# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: a real Debian with systemd, for the packages.  Nothing of it is installed
# on this machine; it is a folder to be chrooted into, and an image to be booted.

DEBIAN_SUITE=bookworm
# Kernel and headers, and what the packages depend on and recommend: installing them afterwards
# wants no network.  grub is the boot loader of the image, man-db and systemd look at our files.
DEBIAN_PACKAGES="systemd systemd-sysv udev dbus kmod procps initramfs-tools zstd dkms libjansson4 libncurses6 man-db
linux-image-amd64 linux-headers-amd64 grub-pc-bin"

# What debian_fill makes: the root file system with the suite's first kernel, and in /srv/kernel
# the packages of the newest one, which are not installed yet: an upgrade of the kernel.
debian_fill()
{
	# shellcheck disable=SC2034 # for suite_sources, in kernels.sh
	SUITE=$DEBIAN_SUITE-security
	sources=$(suite_sources | sed 's/^/deb /; s/$/ main/') || return 1
	# One with every module takes a minute to make, and ten in an emulated guest.
	cat >"$1/small-initramfs" <<-END || return 1
	set -eu
	mkdir -p "\$1/etc/initramfs-tools/conf.d" "\$1/usr/share/initramfs-tools/modules.d"
	printf 'MODULES=list\nCOMPRESSLEVEL=1\n' >"\$1/etc/initramfs-tools/conf.d/small"
	printf '%s\n' virtio_pci virtio_blk ext4 >"\$1/usr/share/initramfs-tools/modules.d/disk"
	END
	cat >"$1/newer-kernel" <<-END || return 1
	set -eu
	list="\$1/etc/apt/sources.list.d/security.list"
	echo '$(printf '%s\n' "$sources" | tail -n 1)' >"\$list"
	chroot "\$1" apt-get -qq update
	chroot "\$1" apt-get -qq clean
	chroot "\$1" apt-get -qq -y --download-only --no-install-recommends install \
		linux-image-amd64 linux-headers-amd64
	mkdir "\$1/srv/kernel"
	mv "\$1"/var/cache/apt/archives/*.deb "\$1/srv/kernel/"
	rm "\$list"
	echo debian >"\$1/etc/hostname"
	END
	# Without apt's sandbox user, as everywhere in the lab (apt_call).
	# shellcheck disable=SC2086 # a list of words
	mmdebstrap --quiet --variant=minbase --aptopt="APT::Sandbox::User \"root\"" --include="$(echo $DEBIAN_PACKAGES | tr ' ' ',')" \
		--essential-hook="sh $1/small-initramfs \"\$1\"" \
		--customize-hook="sh $1/newer-kernel \"\$1\"" \
		"$DEBIAN_SUITE" "$1/root.tar" "$(printf '%s\n' "$sources" | head -n 1)" >&2 || return 1
	rm "$1/newer-kernel" "$1/small-initramfs"
	printf 'AERO_DEBIAN=%s\n' "$2/root.tar" >"$1/env"
}

# debian: prints AERO_DEBIAN=ARCHIVE, a tar archive of the root file system.  It is kept in the
# cache by what it is made from: this file, and the versions of all packages that it names.
debian()
{
	cache_folder
	command -v mmdebstrap >/dev/null || die "'mmdebstrap' is lacking; run: lab/setup tools deb"
	[ "$(id -u)" -eq 0 ] || die "a Debian to chroot into is made as root"
	# shellcheck disable=SC2086 # a list of words
	versions=$(apt_call apt-cache madison $DEBIAN_PACKAGES 2>/dev/null | grep " $DEBIAN_SUITE" | sort)
	inputs=$(printf '%s\n' "$versions" | cat "$HERE/debian.sh" - | sha256sum | cut -c1-12)
	FOLDER=$CACHE/debian-$DEBIAN_SUITE-$inputs
	if fetch_entry "$FOLDER" debian_fill "a Debian ($DEBIAN_SUITE), about 300 MB (a few minutes)"; then
		cat "$FOLDER/env"
		return
	fi
	cached=$(find "$CACHE" -maxdepth 2 -path "*/debian-$DEBIAN_SUITE-*/env" -printf '%T@ %p\n' | sort -rn |
		head -n 1 | cut -d' ' -f2-)
	[ -n "$cached" ] || die "the Debian can't be made; is the network there?"
	say "the Debian can't be made; using the one that is in the cache already"
	cat "$cached"
}
