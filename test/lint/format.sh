#!/bin/sh
# SPDX-License-Identifier: MIT
#
# C sources look as clang-format makes them; -i rewrites them.
#
# Not formatted: lists in *.def, and apps below docs/, whose layouts and
# PH_JSON() it cannot lay out as people read them. Releases of
# clang-format differ in small things: .clang-format is for the one below.
set -eu

MAJOR=14
SKIPPED=77

tool=clang-format
if command -v "clang-format-$MAJOR" >/dev/null; then
	tool=clang-format-$MAJOR
fi
case $($tool --version) in
*"version $MAJOR."*) ;;
*)
	echo "clang-format $MAJOR is needed, this is $($tool --version)"
	exit $SKIPPED
	;;
esac

files=$(find server worker cache test -name node_modules -prune -o \
	-name '*.[ch]' -print | sort)
# shellcheck disable=SC2086 # no blanks in these names
if [ "${1-}" = -i ]; then
	exec "$tool" --style=file -i $files
fi
# shellcheck disable=SC2086
wrong=$("$tool" --style=file --dry-run $files 2>&1 |
	sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: .*/\1/p' | sort -u)
# shellcheck disable=SC2086
[ -z "$wrong" ] || printf '%s: make format rewrites it\n' $wrong
[ -z "$wrong" ]
