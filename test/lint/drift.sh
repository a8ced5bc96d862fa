#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Files that are made from the tables of settings are what the program gives.
#
#   sh test/lint/drift.sh [-w] PROGRAM      -w writes them
#
# conf/pronghorn.conf, conf/pronghorn.bash and docs/man are made whole; in
# docs/CONFIGURATION.md it is what lies between two marks.
set -eu

write=
if [ "${1-}" = -w ]; then
	write=yes
	shift
fi
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

# FILE: $scratch/new is what it should be.
compare() {
	if cmp -s "$scratch/new" "$1"; then
		return
	elif [ -n "$write" ]; then
		cp "$scratch/new" "$1"
		echo "$1: written"
	else
		echo "$1: differs from what the program gives, run make docs"
		diff -u "$1" "$scratch/new" | head -n 20 || true
		bad=1
	fi
}

"$program" --print-options=conf >"$scratch/new"
compare conf/pronghorn.conf
"$program" --print-options=bash >"$scratch/new"
compare conf/pronghorn.bash

mkdir -p docs/man
"$program" --print-options=man8 >"$scratch/new"
compare docs/man/pronghorn.8
"$program" --print-options=man5 >"$scratch/new"
compare docs/man/pronghorn.conf.5

page=docs/CONFIGURATION.md
"$program" --print-options=md >"$scratch/table"
if grep -q '^<!-- options: begin' "$page" &&
    grep -q '^<!-- options: end' "$page"; then
	awk -v table="$scratch/table" '
		/^<!-- options: end/ { inside = 0 }
		!inside { print }
		/^<!-- options: begin/ {
			inside = 1
			while ((getline line < table) > 0)
				print line
		}
	' "$page" >"$scratch/new"
	compare "$page"
else
	echo "$page: the marks options: begin and options: end are missing"
	bad=1
fi
exit $bad
