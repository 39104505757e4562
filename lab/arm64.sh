# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: the agent for guests of arm64.

# arm64_agent BUILD: BUILD/lab/arm64/aerostat-agent.
arm64_agent()
{
	compiler=aarch64-linux-gnu-gcc
	command -v $compiler >/dev/null || die "'$compiler' is lacking; run: lab/setup tools arm64"
	mkdir -p "$1/lab/arm64" || die "can't make $1/lab/arm64"
	# shellcheck disable=SC2046 # a list of words
	(cd "$HERE" && $compiler -std=gnu11 -static -Os -o "$1/lab/arm64/aerostat-agent.new" \
		$(grep -v '^#' guest/agent.sources)) || die "the agent for arm64 could not be built"
	mv "$1/lab/arm64/aerostat-agent.new" "$1/lab/arm64/aerostat-agent" || die "can't write $1/lab/arm64"
}
