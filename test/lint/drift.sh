#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Files that are made from the tables of settings are what the program gives.
#
#   sh test/lint/drift.sh [-w] PROGRAM      -w writes them
#
# conf/pronghorn.conf, conf/pronghorn.bash and docs/man are made whole; in
# docs/CONFIGURATION.md and docs/OPERATIONS.md it is what lies between marks.
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

# PAGE NAME: what lies between the marks of that name is $scratch/table.
compare_table() {
	if ! grep -q "^<!-- $2: begin" "$1" || ! grep -q "^<!-- $2: end" "$1"; then
		echo "$1: the marks $2: begin and $2: end are missing"
		bad=1
		return
	fi
	awk -v table="$scratch/table" -v name="$2" '
		$0 ~ "^<!-- " name ": end" { inside = 0 }
		!inside { print }
		$0 ~ "^<!-- " name ": begin" {
			inside = 1
			while ((getline line < table) > 0)
				print line
		}
	' "$1" >"$scratch/new"
	compare "$1"
}

"$program" --print-options=md >"$scratch/table"
compare_table docs/CONFIGURATION.md options
"$program" --print-options=metrics >"$scratch/table"
compare_table docs/OPERATIONS.md metrics
exit $bad
