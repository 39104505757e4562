# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
# A host in a folder, $root, whose guests libvirt's test driver invents, and its daemon: sourced
# after begin.  The sourcing script sets $hostd, and calls stop before it ends.

# shellcheck disable=SC2154 # tap.sh makes it
root=$work/root
mkdir -p "$root/proc/pressure" "$root/run" "$root/etc/aerostat"
printf 'MemTotal: 8388608 kB\nMemFree: 100 kB\nMemAvailable: 4194304 kB\n' >"$root/proc/meminfo"
printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n' \
	>"$root/proc/pressure/memory"

domain() { # NAME MIB
	printf "<domain type='test'><name>%s</name><memory unit='MiB'>%s</memory><vcpu>1</vcpu>
<os><type>hvm</type></os><devices><memballoon model='virtio'/></devices></domain>\n" "$1" "$2"
}
{
	echo '<node>'
	domain web 1024
	domain db 2048
	echo '</node>'
} >"$work/node.xml"

daemon=
start() { # OPTION...
	: >"$work/log"
	# shellcheck disable=SC2154 # the test sets it
	"$hostd" --connect "test://$work/node.xml" --root "$root" "$@" >"$work/log" 2>&1 &
	daemon=$!
	for _ in $(seq 100); do
		"$aerostat" host status --root "$root" >/dev/null 2>&1 && return
		sleep 0.1
	done
	why "the daemon does not answer: $(cat "$work/log")"
}

stop() { # $ended is its exit status
	kill "$daemon" 2>/dev/null && wait "$daemon"
	# shellcheck disable=SC2034 # for the test
	ended=$?
	daemon=
}
