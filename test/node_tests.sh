#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the *.test.mjs files below some folders with node's test runner, one file
# after the other, as they start servers and measure.
#
#   sh test/node_tests.sh NAME FOLDER...
#
# T   only files whose path contains this
#
# A file that fails is tried once more when all others have ended, unless
# more than $SECOND_TRIES files failed: what a busy machine spoiled passes
# then, and the log names it; what is broken fails twice.
#
# The last line is `NAME: N passed, N failed, N skipped`.
set -eu

SECOND_TRIES=4

name=$1
shift
files=$(find "$@" -name node_modules -prune -o -name '*.test.mjs' -print \
	2>/dev/null | sort | grep -F -e "${T-}" || true)
if [ -z "$files" ]; then
	echo "$name: nothing to run here"
	echo "$name: 0 passed, 0 failed"
	exit 0
fi

tap=$(mktemp)
trap 'rm -f "$tap"' EXIT
all_passed=0 all_failed=0 all_skipped=0

# The totals of a file are the last comments of its TAP output.
total() {
	sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$tap" | tail -n 1
}

# Run one file: passed, failed and skipped are of this run.
run_file() {
	status=0
	node --test \
		--test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination="$tap" \
		"$1" </dev/null || status=$?
	passed=$(total pass)
	failed=$(($(total fail) + $(total cancelled)))
	skipped=$(($(total skipped) + $(total todo)))
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		echo "$name: node ended with status $status"
		failed=1
	fi
}

count() {
	all_passed=$((all_passed + ${passed:-0}))
	all_failed=$((all_failed + failed))
	all_skipped=$((all_skipped + skipped))
}

again='' again_count=0 again_failed=0 again_passed=0 again_skipped=0
for file in $files; do
	echo "-- $file"
	run_file "$file"
	if [ "$failed" -eq 0 ]; then
		count
		continue
	fi
	again="$again $file"
	again_count=$((again_count + 1))
	again_failed=$((again_failed + failed))
	again_passed=$((again_passed + ${passed:-0}))
	again_skipped=$((again_skipped + skipped))
done

if [ "$again_count" -gt "$SECOND_TRIES" ]; then
	passed=$again_passed failed=$again_failed skipped=$again_skipped
	count
else
	for file in $again; do
		echo "-- $file failed, second try"
		run_file "$file"
		count
		[ "$failed" -gt 0 ] ||
			echo "$name: $file passed at the second try only"
	done
fi
echo "$name: $all_passed passed, $all_failed failed, $all_skipped skipped"
[ "$all_failed" -eq 0 ]
