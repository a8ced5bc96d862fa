#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the *.test.mjs files below some folders with node's test runner.
#
#   sh test/node_tests.sh NAME FOLDER...
#
# T        only files whose path contains this
# AT_ONCE  how many files run side by side, 1 unless given: they start servers,
#          and some measure time. Those that have a comment line beginning with
#          "Runs alone" come first, one after the other.
#
# A file that fails is tried once more when all others have ended, unless
# more than $SECOND_TRIES files failed: what a busy machine spoiled passes
# then, and the log names it; what is broken fails twice.
#
# The last line is `NAME: N passed, N failed, N skipped`.
set -eu

SECOND_TRIES=4

# The totals of a file are the last comments of its TAP output.
total() {
	sum=$(sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$2" | tail -n 1)
	echo "${sum:-0}"
}

# Run one file and show what it said, then a line
# `= PASSED FAILED SKIPPED FILE` in the file of results. All of it is written
# at once, as others run beside.
run_file() {
	tap=$(mktemp) output=$(mktemp) status=0
	node --test \
		--test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination="$tap" \
		"$1" >"$output" 2>&1 </dev/null || status=$?
	passed=$(total pass "$tap")
	failed=$(($(total fail "$tap") + $(total cancelled "$tap")))
	skipped=$(($(total skipped "$tap") + $(total todo "$tap")))
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		echo "node ended with status $status" >>"$output"
		failed=1
	fi
	printf -- '-- %s\n%s\n' "$1" "$(cat "$output")"
	rm -f "$tap" "$output"
	echo "= $passed $failed $skipped $1" >>"$2"
}

if [ "$1" = --one ]; then
	run_file "$3" "$2"
	exit 0
fi

name=$1
shift
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Run the files that stdin names, so many at once.
run_files() {
	xargs -r -n 1 -P "$1" sh "$0" --one "$results"
}

failed_files() {
	awk '$1 == "=" && $3 > 0 { print $5 }' "$results"
}

files=$(find "$@" -name node_modules -prune -o -name '*.test.mjs' -print \
	2>/dev/null | sort | grep -F -e "${T-}" || true)
if [ -z "$files" ]; then
	echo "$name: nothing to run here"
	echo "$name: 0 passed, 0 failed"
	exit 0
fi

alone=$(printf '%s\n' "$files" | xargs grep -l '^[/ ]\* Runs alone' || true)
printf '%s\n' "$alone" | run_files 1
printf '%s\n' "$files" | grep -v -x -F -e "${alone:-none}" |
	run_files "${AT_ONCE:-1}"

again=$(failed_files)
if [ -n "$again" ] && [ "$(echo "$again" | wc -l)" -le "$SECOND_TRIES" ]; then
	kept=$(awk '$1 == "=" && $3 == 0' "$results")
	printf '%s\n' "$kept" >"$results"
	for file in $again; do
		echo "-- $file failed, second try"
		echo "$file" | run_files 1
		failed_files | grep -q -x -F -e "$file" ||
			echo "$name: $file passed at the second try only"
	done
fi

awk -v name="$name" '
$1 == "=" { passed += $2; failed += $3; skipped += $4 }
END {
	printf "%s: %d passed, %d failed, %d skipped\n", name, passed, failed,
		skipped
	exit failed > 0
}' "$results"
