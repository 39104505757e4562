# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: a disk that boots, of a folder with a Debian in it (debian.sh).

# What the boot loader of the image does.  The links in the root folder are the newest kernel's.
debian_boot()
{
	cat <<-END
	set root=(hd0,msdos1)
	serial --unit=0 --speed=115200
	terminal_output serial
	linux /vmlinuz root=/dev/vda1 rw console=ttyS0,115200 loglevel=5 panic=-1 watchdog_thresh=30
	initrd /initrd.img
	boot
	END
}

# debian_image FOLDER IMAGE: a disk with a boot loader and one partition, which gets what is in
# the folder.  The boot loader's parts are looked for where they lie here: boot.img in the first
# sector, the rest behind it.
debian_image()
{
	modules=$1/usr/lib/grub/i386-pc
	if ! { debian_boot >"$1/srv/boot.cfg" &&
		chroot "$1" grub-mkimage -O i386-pc -p /boot/grub -c /srv/boot.cfg -o /srv/core.img \
			biosdisk part_msdos ext2 linux serial terminal; }; then
		die "the boot loader can't be made"
	fi
	if ! { rm -f "$2" && truncate -s 2G "$2" && echo '2048,,L,*' | sfdisk -q "$2" &&
		dd if="$modules/boot.img" of="$2" bs=440 count=1 conv=notrunc status=none &&
		dd if="$1/srv/core.img" of="$2" bs=512 seek=1 conv=notrunc status=none &&
		rm -f "$1/srv/boot.cfg" "$1/srv/core.img" &&
		mke2fs -q -t ext4 -E offset=1048576 -d "$1" "$2" 2000M; }; then
		die "can't make $2"
	fi
}
