# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# Part of lab/setup: Debian's Prometheus, its promtool and node_exporter, unpacked into the cache.
# Installing the packages would start two services on this machine.

PROMETHEUS_PACKAGES='prometheus prometheus-node-exporter'

prometheus_fill()
{
	# shellcheck disable=SC2086 # a list of words
	(cd "$1" && apt_call apt-get -qq download $PROMETHEUS_PACKAGES >&2) || return 1
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --strip-components=3 ./usr/bin || return 1
		rm -f "$deb"
	done
	for program in prometheus promtool prometheus-node-exporter; do
		"$1/$program" --version >/dev/null 2>&1 || {
			say "$program does not run on this machine"
			return 1
		}
	done
	printf 'AERO_PROMETHEUS=%s\n' "$2" >"$1/env"
}

# prometheus [--cached]: prints AERO_PROMETHEUS=FOLDER, in which the programs are.  Any version will
# do, so what is in the cache stays.
prometheus()
{
	cache_folder
	for entry in "$CACHE"/prometheus-*/env; do
		if [ -e "$entry" ]; then
			cat "$entry"
			return
		fi
	done
	[ "${1:-}" != --cached ] || exit 1
	command -v dpkg-deb >/dev/null || die "'dpkg-deb' is lacking: the programs come from Debian's packages"
	# Lists may be lacking, or name files that the mirror has replaced: refresh once.
	fetch_prometheus || { refresh_lists && fetch_prometheus; } ||
		die "Debian's Prometheus can't be fetched; connect to the network and try again"
	cat "$FOLDER/env"
}

fetch_prometheus()
{
	VERSION=$(candidate_version prometheus)
	[ -n "$VERSION" ] || return 1
	FOLDER=$CACHE/prometheus-$VERSION
	fetch_entry "$FOLDER" prometheus_fill "Debian's Prometheus ($VERSION), about 24 MB"
}
