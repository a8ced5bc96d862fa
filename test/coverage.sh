#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Lines of each folder that the tests reached, after a build with --coverage.
#
#   sh test/coverage.sh BUILD SOURCE...
#
# A process that ends by _exit() or a signal writes no counts, so what only
# such processes run is counted as not reached.
set -eu

build=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$PWD

cd "$scratch"
for source in "$@"; do
	object=$root/$build/obj/${source%.c}.gcda
	[ ! -e "$object" ] || gcov -n -o "$object" "$root/$source" 2>/dev/null |
		awk -v want="$source" -v root="$root/" -F"'" '
			/^File/ { file = $2; sub(root, "", file) }
			/^Lines executed/ && file == want {
				sub(/^Lines executed:/, "")
				split($0, part, "% of ")
				print want, part[1], part[2]
				file = ""
			}'
done | awk '
	{
		folder = $1
		sub(/\/[^\/]*$/, "", folder)
		printf "  %-32s %6.1f %% of %5d\n", $1, $2, $3
		reached[folder] += $2 * $3 / 100
		lines[folder] += $3
		all_reached += $2 * $3 / 100
		all_lines += $3
	}
	END {
		for (folder in lines)
			printf "%-34s %6.1f %% of %5d\n", folder,
			    100 * reached[folder] / lines[folder], lines[folder]
		if (all_lines)
			printf "%-34s %6.1f %% of %5d\n", "all",
			    100 * all_reached / all_lines, all_lines
	}'
