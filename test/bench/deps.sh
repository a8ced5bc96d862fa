#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Install the peers of the benchmarks, on Debian and Ubuntu. What a release
# does not have is named and left out, and so is all that cannot be installed
# by this user; the benchmarks skip what is missing.
#
#   sh test/bench/deps.sh
#
# Services that come with a package are not started.
set -eu

packages='nginx-light redis-server gunicorn python3-flask
python3-flask-caching python3-redis python3-hiredis python3-diskcache uvicorn
python3-uvloop python3-httptools python3-starlette wrk nghttp2-client openssl libhiredis-dev'

# shellcheck disable=SC2086 # one word per package
if ! command -v apt-get >/dev/null 2>&1; then
	echo "bench: this is neither Debian nor Ubuntu; to compare with all" \
		"peers, install what these packages hold there:" $packages >&2
	exit 0
fi

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

is_installed() {
	dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

wanted=
for package in $packages; do
	is_installed "$package" || wanted="$wanted $package"
done
if [ -z "$wanted" ]; then
	echo "bench: all peers are installed"
	exit 0
fi
if ! as_root true 2>/dev/null; then
	echo "bench: to compare with all peers, run this line first:" >&2
	echo "sudo apt-get update && sudo apt-get install -y" \
		"--no-install-recommends$wanted" >&2
	exit 0
fi

as_root apt-get -q update
known=
for package in $wanted; do
	if apt-cache policy "$package" | grep -q '^  Candidate: [^(]'; then
		known="$known $package"
	else
		echo "bench: $package is not in this release, left out"
	fi
done

# With this in place the packages' services stay down.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
	made=yes
fi
status=0
# shellcheck disable=SC2086 # one word per package
as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
	-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install \
	--no-install-recommends $known </dev/null || status=$?
[ -z "$made" ] || as_root rm -f "$policy"
exit "$status"
