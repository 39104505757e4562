# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
# A guest in a folder, $root, for tests of the commands that read sysfs: sourced after tap.sh.

put() { # FILE TEXT: below $root
	mkdir -p "$root/$(dirname "$1")"
	printf '%s\n' "$2" >"$root/$1"
}

balloon() { # FILE TEXT: below /sys/kernel/aerostat
	put "sys/kernel/aerostat/$1" "$2"
}

# A guest of 4 GiB under VMware: the host asks for 2 GiB, and the balloon holds it.
guest() { # [HYPERVISOR]
	# shellcheck disable=SC2154 # tap.sh makes it
	root=$work/root
	rm -rf "$root"
	hypervisor=${1:-vmware}
	mkdir -p "$root/run"
	balloon hypervisor "$hypervisor"
	balloon state resting
	balloon last_run 'done'
	for setting in size_kib=2097152 target_kib=2097152 limit_kib=4194304 spare_kib=1048576 \
		large_kib=2097152 lent_kib=0 period_ms=1000 holdoff_ms=30000 reserve_kib=65536 \
		relief_kib=65536 stash_kib=0 large=1 split=1; do
		balloon "${setting%=*}" "${setting#*=}"
	done
	for setting in runs=12 resets=1 failed_connects=0 inflated_kib=3145728 deflated_kib=1048576 reliefs=0 \
		relieved_kib=0 last_relief_kib=0 last_relief_ago_ms=- migrated=7; do
		balloon "counters/${setting%=*}" "${setting#*=}"
	done
	for setting in selfballooning=0 selfballoon_interval=5 selfballoon_downhysteresis=8 \
		selfballoon_uphysteresis=1 selfballoon_min_usable_mb=0 frontswap_selfshrinking=0 \
		frontswap_inertia=3 frontswap_hysteresis=20 policy=pressure active=off target_kib=0 \
		swap_target_kib=-; do
		balloon "policy/${setting%=*}" "${setting#*=}"
	done
	put sys/module/aerostat/version 0.1.0
	put "sys/module/aerostat_$hypervisor/version" 0.1.0
	put proc/sys/kernel/osrelease 6.1.0-56-amd64
	put proc/sys/vm/overcommit_memory 0
	put proc/meminfo 'MemTotal:        4194304 kB
MemFree:          524288 kB
MemAvailable:    1114112 kB
Buffers:           20480 kB
Cached:           614400 kB
SwapCached:            0 kB
SwapTotal:       4194304 kB
SwapFree:        4190208 kB
AnonPages:        409600 kB
Active(file):     204800 kB
Inactive(file):   409600 kB
Committed_AS:     819200 kB'
	put proc/pressure/memory 'some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000
full avg10=0.00 avg60=0.00 avg300=0.00 total=1000000'
	put proc/swaps "$(printf 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2                               partition\t4194304\t\t4096\t\t-2')"
	if [ "$hypervisor" = xen ]; then
		put sys/devices/system/xen_memory/xen_memory0/target_kb 2097152
		put sys/devices/system/xen_memory/xen_memory0/info/current_kb 2097152
		# There the kernel takes the balloon's pages off.
		sed -i 's/^MemTotal:.*/MemTotal:        2097152 kB/' "$root/proc/meminfo"
	fi
}

no_module() {
	guest vmware
	rm -r "$root/sys/kernel" "$root/sys/module"
}

# After run: this status, this text on standard output, and no complaint.
says() { # NAME TEXT [STATUS]
	{
		# shellcheck disable=SC2154 # run sets it
		{ [ "$status" -eq "${3:-0}" ] || why "status $status"; } &&
			{ [ ! -s "$work/err" ] || why "something on standard error"; } &&
			{ tr -s ' \n' ' ' <"$work/out" | grep -qF -- "$2" || why "no: $2"; }
	}
	result "$1" $?
}

# After run: this status, and this jq expression is true of what was printed.
json() { # NAME EXPRESSION [STATUS]
	{
		{ [ "$status" -eq "${3:-0}" ] || why "status $status"; } &&
			{ [ ! -s "$work/err" ] || why "something on standard error"; } &&
			{ jq -e "$2" <"$work/out" >/dev/null 2>"$work/why" || why "not so: $2"; }
	}
	result "$1" $?
}

# What every command that prints must do when its output can't be written.
full_and_closed() { # COMMAND...
	# shellcheck disable=SC2154 # the test sets it
	"$aerostat" "$@" >/dev/full 2>"$work/err"
	status=$?
	[ "$status" -eq 1 ] && grep -q "can't write" "$work/err"
	result "$1: a full disk is an error" $?
	"$aerostat" "$@" 2>"$work/err" >&-
	[ $? -eq 1 ]
	result "$1: so is a closed output" $?
	# The reader is gone before anything is written.
	(
		trap '' PIPE
		sleep 0.3
		"$aerostat" "$@" 2>"$work/err"
		echo $? >"$work/status"
	) | true
	[ "$(cat "$work/status")" -eq 1 ]
	result "$1: so is a closed pipe" $?
}

# No line is longer than a terminal is wide, and the words are the same.
fits() { # COMMAND...
	for columns in 40 80 200; do
		COLUMNS=$columns "$aerostat" "$@" >"$work/out" 2>"$work/err"
		awk -v most=$columns 'length > most { exit 1 }' "$work/out"
		result "$1: fits into $columns columns" $?
	done
	COLUMNS=40 "$aerostat" "$@" | tr -s ' \n' ' ' >"$work/narrow"
	COLUMNS=200 "$aerostat" "$@" | tr -s ' \n' ' ' >"$work/out"
	cmp -s "$work/narrow" "$work/out"
	result "$1: says the same in 40 and 200 columns" $?
	LANG=C LC_ALL=C "$aerostat" "$@" >"$work/narrow" 2>&1
	LANG=C.UTF-8 LC_ALL=C.UTF-8 "$aerostat" "$@" >"$work/out" 2>&1
	cmp -s "$work/narrow" "$work/out" && ! LC_ALL=C grep -q '[^ -~]' "$work/out"
	result "$1: says the same in C and UTF-8" $?
}

# 4 GiB as the firmware and the kernel's zones have them, of which the kernel kept 64 MiB.
memory() {
	balloon limit_kib $((4194304 - 65536))
	put sys/firmware/memmap/0/type 'System RAM'
	put sys/firmware/memmap/0/start 0x0
	put sys/firmware/memmap/0/end 0xbfffffff
	put sys/firmware/memmap/1/type Reserved
	put sys/firmware/memmap/1/start 0xfffc0000
	put sys/firmware/memmap/1/end 0xffffffff
	put sys/firmware/memmap/2/type 'System RAM'
	put sys/firmware/memmap/2/start 0x100000000
	put sys/firmware/memmap/2/end 0x13fffffff
	page_kib=$(($(getconf PAGESIZE) / 1024))
	put proc/zoneinfo "Node 0, zone    DMA32
        spanned  1000000
        present  $((3145728 / page_kib))
        managed  1
Node 0, zone   Normal
        present  $((1048576 / page_kib))"
}
