#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Install what is missing, on Debian and Ubuntu.
#
#   sh test/deps.sh run      what building and running need
#   sh test/deps.sh test     that and what tests, lint and sanitizers need
#
# Each line of a list below is a Debian package and how to see that what it
# gives is there, from wherever it came. When all of it is there, nothing is
# run and no network is touched. Otherwise apt-get installs the rest, as root
# or through `sudo -n`; where neither works, the line to run is printed.
# shellcheck disable=SC2046,SC2086 # lists of words are meant to be split
set -eu

NODE_OLDEST=18

run_list='
gcc             command gcc
libc6-dev       file /usr/include/stdio.h
make            command make
pkg-config      command pkg-config
libevent-dev    library libevent_core
libcjson-dev    library libcjson
libsqlite3-dev  library sqlite3
libssl-dev      library openssl
libnghttp2-dev  library libnghttp2
zlib1g-dev      library zlib
libbrotli-dev   library libbrotlienc
nodejs          command node
npm             command npm
'
test_list='
libcmocka-dev   library cmocka
g++             command g++
clang           command clang
CLANG_RUNTIME   clang_runtime
clang-format    command clang-format
clang-tidy      command clang-tidy
cppcheck        command cppcheck
valgrind        command valgrind
sqlite3         command sqlite3
procps          command ps
groff-base      command groff
chromium        browser
fonts-dejavu-core  file /usr/share/fonts/*/*
node-llhttp     file /usr/share/nodejs/llhttp
nginx-light     file /usr/sbin/nginx
haproxy         file /usr/sbin/haproxy
'

has_command() {
	command -v "$1" >/dev/null 2>&1
}

has_library() {
	pkg-config --exists "$1" 2>/dev/null
}

# The arguments are what the shell made of a pattern.
has_file() {
	[ -e "$1" ]
}

has_browser() {
	has_command chromium || has_command chromium-browser ||
	has_command google-chrome
}

# libFuzzer and the sanitizers of the clang that is used.
has_clang_runtime() {
	has_command clang && for file in \
	    "$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer*.a; do
		[ -e "$file" ] && return 0
	done
	return 1
}

clang_runtime_packages() {
	if has_command clang; then
		major=$(clang -dumpversion)
		major=${major%%.*}
		echo "libclang-rt-$major-dev libclang-common-$major-dev"
	else
		echo "libclang-rt-dev"
	fi
}

# First of the given packages that apt knows; fails when it knows none.
first_known() {
	for package in "$@"; do
		if apt-cache policy "$package" 2>/dev/null |
		    grep -q '^  Candidate: [^(]'; then
			echo "$package"
			return 0
		fi
	done
	return 1
}

missing_of() {
	while read -r package how what; do
		# $what is a pattern for `file`, so without quotes
		[ -z "$package" ] || "has_$how" $what || echo "$package"
	done
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() {
	[ "$(id -u)" -eq 0 ] || { has_command sudo && sudo -n true; } 2>/dev/null
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
		-o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null
}

# CLANG_RUNTIME becomes a name; leaves the list in $packages.
name_packages() {
	packages=
	for package in "$@"; do
		[ "$package" != CLANG_RUNTIME ] ||
			package=$(first_known $(clang_runtime_packages)) ||
			package=libclang-rt-dev
		packages="$packages $package"
	done
	packages=${packages# }
}

all_known() {
	for one in "$@"; do
		first_known "$one" >/dev/null || return 1
	done
}

case ${1-} in
run) list=$run_list ;;
test) list=$run_list$test_list ;;
*)
	echo "usage: sh test/deps.sh run|test" >&2
	exit 2
	;;
esac

missing=$(printf '%s' "$list" | missing_of)
if [ -n "$missing" ]; then
	name_packages $missing
	if ! has_command apt-get; then
		echo "This is neither Debian nor Ubuntu. Please install what" \
			"these packages hold there: $packages" >&2
		exit 1
	fi
	if ! can_be_root; then
		echo "Some packages are missing. Please run this line, then" \
			"the same make command again:" >&2
		echo "sudo apt-get update && sudo apt-get install -y" \
			"--no-install-recommends $packages" >&2
		exit 1
	fi
	echo "Installing: $packages"
	updated=
	if ! all_known $packages; then
		apt_get update
		updated=yes
		name_packages $missing
	fi
	# A list from long ago may name files that are gone by now.
	apt_get install --no-install-recommends $packages || {
		[ -z "$updated" ] && apt_get update &&
			apt_get install --no-install-recommends $packages
	} || exit 1
fi

version=$(node --version)
major=${version#v}
if [ "${major%%.*}" -lt "$NODE_OLDEST" ]; then
	echo "node is $version, but $NODE_OLDEST or newer is needed to fetch" \
		"the front end" >&2
	exit 1
fi
