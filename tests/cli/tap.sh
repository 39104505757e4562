# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
# Tests of a command in TAP: sourced.  The sourcing script sets $aerostat and then
# calls begin, the tests, and end.

begin() { # NUMBER_OF_TESTS
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' INT TERM HUP
	n=0
	failed=0
	echo "1..$1"
}

result() { # NAME STATUS: with what is in $work/out and $work/err when it failed
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $n - $1"
		return
	fi
	failed=1
	echo "not ok $n - $1"
	for file in why out err; do
		[ -s "$work/$file" ] && head -n 20 "$work/$file" | tr -d '\000' | sed "s/^/# $file: /"
	done
}

# Runs it.  The exit status goes to $status, outputs to $work/out and $work/err.
run() { # ARGUMENT...
	# shellcheck disable=SC2154 # the sourcing script sets it
	"$aerostat" "$@" >"$work/out" 2>"$work/err"
	status=$?
	: >"$work/why"
}

why() { # TEXT: why a test is about to fail
	echo "$1" >"$work/why"
	return 1
}

# After run: it succeeded with this output and no complaint.
prints() { # NAME EXPECTED
	printf '%s\n' "$2" >"$work/expected"
	{
		{ [ "$status" -eq 0 ] || why "status $status"; } &&
			{ [ ! -s "$work/err" ] || why "something on standard error"; } &&
			{ cmp -s "$work/expected" "$work/out" || why "wanted: $2"; }
	}
	result "$1" $?
}

# After run: it refused with this status and this text in its error, and printed nothing.
refuses() { # NAME TEXT [STATUS]
	{
		{ [ "$status" -eq "${3:-2}" ] || why "status $status"; } &&
			{ [ ! -s "$work/out" ] || why "something on standard output"; } &&
			{ grep -qF -- "$2" "$work/err" || why "no error with: $2"; } &&
			{ [ "$(grep -c '^aerostat: \|^aerostat [a-z -]*: ' "$work/err")" -eq 1 ] ||
				why "not one error"; }
	}
	result "$1" $?
}

end() {
	exit "$failed"
}
