#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each header compiles alone: those of the SDK as an app author includes them,
# in C11 and C++17 without a warning; our own with our own flags.
#
# CPPFLAGS as the Makefile builds with.
set -eu
bad=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

try() {
	"$@" -fsyntax-only >"$scratch/log" 2>&1 || {
		echo "$*"
		head -n 20 "$scratch/log"
		bad=1
	}
}

strict="-Wall -Wextra -Wpedantic -Werror"
for header in worker/sdk/pronghorn/*.h; do
	name=$(basename "$header")
	echo "#include <pronghorn/$name>" >"$scratch/use.c"
	cp "$scratch/use.c" "$scratch/use.cc"
	for cc in gcc clang; do
		# shellcheck disable=SC2086 # flags are words
		try $cc -std=c11 $strict -Iworker/sdk "$scratch/use.c"
	done
	for cxx in g++ clang++; do
		# shellcheck disable=SC2086
		try $cxx -std=c++17 $strict -Iworker/sdk "$scratch/use.cc"
	done
done

for header in worker/sdk/pronghorn/*.hpp; do
	echo "#include <pronghorn/$(basename "$header")>" >"$scratch/use.cc"
	for cxx in g++ clang++; do
		try $cxx -std=c++17 -Wall -Wextra -Werror -Iworker/sdk \
			"$scratch/use.cc"
	done
done

for header in $(find server worker cache test -name node_modules -prune -o \
    -name '*.h' ! -path 'worker/sdk/*' ! -path 'test/fuzz/llhttp_*' -print |
    sort); do
	echo "#include \"$header\"" >"$scratch/use.c"
	# shellcheck disable=SC2086
	try gcc -std=c11 -Wall -Wextra -Werror -Wno-unused \
		${CPPFLAGS:--D_GNU_SOURCE -I. -Iworker/sdk} "$scratch/use.c"
done
exit $bad
