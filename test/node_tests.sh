#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the *.test.mjs files below some folders with node's test runner, one file
# at a time, as they start servers and measure.
#
#   sh test/node_tests.sh NAME FOLDER...
#
# T   only files whose path contains this
#
# The last line is `NAME: N passed, N failed, N skipped`.
set -eu

name=$1
shift
files=$(find "$@" -name node_modules -prune -o -name '*.test.mjs' -print \
	2>/dev/null | sort | grep -F -e "${T-}" || true)
if [ -z "$files" ]; then
	echo "$name: nothing to run here"
	echo "$name: 0 passed, 0 failed"
	exit 0
fi

one_at_a_time=
if node --help | grep -q -e --test-concurrency; then
	one_at_a_time=--test-concurrency=1
fi

tap=$(mktemp)
trap 'rm -f "$tap"' EXIT
status=0
# shellcheck disable=SC2086 # the names have no blanks
node --test $one_at_a_time \
	--test-reporter=spec --test-reporter-destination=stdout \
	--test-reporter=tap --test-reporter-destination="$tap" \
	$files </dev/null || status=$?

# The totals are the last comments of the TAP output.
total() {
	sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$tap" | tail -n 1
}

passed=$(total pass)
failed=$(($(total fail) + $(total cancelled)))
skipped=$(($(total skipped) + $(total todo)))
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
	echo "$name: node ended with status $status"
	failed=1
fi
echo "$name: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
