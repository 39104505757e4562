#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Runs in dom0, once, before anything else: what Xen's tools need.
set -eu

fail()
{
	echo "$*" >&2
	exit 1
}

for module in xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc; do
	modprobe "$module"
done
[ -e /proc/xen/capabilities ] || mount -t xenfs xenfs /proc/xen
grep -q control_d /proc/xen/capabilities || fail "this is no dom0"

mkdir -p /var/lib/xen /var/lib/xenstored /var/log/xen/console /run/xen /run/xenstored /run/lock
ln -s /run /var/run
# xenconsoled gives each domU a terminal.
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
ln -s /run/lock /var/lock

# The agent's mailboxes hold pieces of 3 KiB, and as many as an answer needs.
xenstored --pid-file /run/xenstored.pid --entry-size 8192 --entry-nb 20000
tries=100
until [ -S /run/xenstored/socket ]; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || fail "xenstored made no socket in 10 s"
	sleep 0.1
done
xen-init-dom0
xenconsoled --pid-file=/run/xenconsoled.pid --log=guest --log-dir=/var/log/xen/console
