#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A libvirtd of its own for tests: lab/libvirt.sh FOLDER, as root.  It runs as nobody in a session
# of its own, whose files are all in FOLDER, without systemd, dbus and /etc.  It ends when this
# script does, and all its guests with it.
#
#   FOLDER/env       how to reach it: sourced by those who use virsh
#   FOLDER/restart   made by a test: the daemon is stopped, and started again when it is removed;
#                    guests go on meanwhile
#
# Only a pid namespace ends QEMUs for sure: without it they outlive the daemon.
set -eu

if [ "${2:-}" != inside ]; then
	exec unshare --pid --fork --kill-child --mount-proc "$0" "$1" inside
fi
folder=$1
cat >"$folder/env" <<END
export HOME=$folder XDG_RUNTIME_DIR=$folder/r XDG_CONFIG_HOME=$folder/c XDG_CACHE_HOME=$folder/h XDG_DATA_HOME=$folder/d
export LIBVIRT_DEFAULT_URI=qemu:///session LIBVIRT_AUTOSTART=0
END
# shellcheck source=/dev/null
. "$folder/env"
mkdir -p "$folder/r" "$folder/c/libvirt" "$folder/h" "$folder/d" "$folder/run"
# Otherwise virtlogd would be started.
echo 'stdio_handler = "file"' >"$folder/c/libvirt/qemu.conf"
chown -R nobody:nogroup "$folder"
chmod 700 "$folder/r"

daemon=
trap 'kill "$daemon" 2>/dev/null; exit 0' TERM INT
while :; do
	if [ -e "$folder/restart" ]; then
		if [ -n "$daemon" ]; then
			kill "$daemon" || :
			wait "$daemon" || :
			daemon=
		fi
	elif [ -z "$daemon" ] || ! kill -0 "$daemon" 2>/dev/null; then
		setpriv --reuid nobody --regid nogroup --clear-groups \
			libvirtd >>"$folder/libvirtd.log" 2>&1 &
		daemon=$!
	fi
	sleep 0.1
done
