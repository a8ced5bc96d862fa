#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the *.test.mjs files below some folders with node's test runner.
#
#   sh test/node_tests.sh NAME FOLDER...
#
# T         only files whose path contains this
# AT_ONCE   how many of those run side by side that may, 2 unless given
#
# One file after the other, as they start servers and measure. Before them, side
# by side, those that say BESIDE in the comment that they begin with: nothing in
# them is a matter of time, and they mostly wait.
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
	sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$tap" | tail -n 1
}

# Run one file, and write a line `= PASSED FAILED SKIPPED FILE` to the results.
run_file() {
	tap=$(mktemp) status=0
	echo "-- $1"
	node --test \
		--test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination="$tap" \
		"$1" </dev/null || status=$?
	passed=$(total pass)
	failed=$(($(total fail) + $(total cancelled)))
	skipped=$(($(total skipped) + $(total todo)))
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		echo "$1: node ended with status $status"
		failed=1
	fi
	rm -f "$tap"
	echo "= ${passed:-0} $failed $skipped $1" >>"$2"
}

# With others beside it: what it says is shown in one piece at its end.
if [ "$1" = --one ]; then
	output=$(mktemp)
	run_file "$3" "$2" >"$output" 2>&1
	cat "$output"
	rm -f "$output"
	exit 0
fi

name=$1
shift
files=$(find "$@" -name node_modules -prune -o -name '*.test.mjs' -print \
	2>/dev/null | sort | grep -F -e "${T-}" || true)
if [ -z "$files" ]; then
	echo "$name: nothing to run here"
	echo "$name: 0 passed, 0 failed"
	exit 0
fi

results=$(mktemp)
trap 'rm -f "$results"' EXIT
beside='' alone=''
for file in $files; do
	if sed '/^import/q' "$file" | grep -q '^ \* BESIDE '; then
		beside="$beside $file"
	else
		alone="$alone $file"
	fi
done

# shellcheck disable=SC2086 # they are words
printf '%s\n' $beside |
	xargs -r -n 1 -P "${AT_ONCE:-2}" sh "$0" --one "$results"
for file in $alone; do
	run_file "$file" "$results"
done

again=$(awk '$3 > 0 { print $5 }' "$results")
if [ "$(echo "$again" | wc -w)" -le "$SECOND_TRIES" ]; then
	for file in $again; do
		echo "-- $file failed, second try"
		grep -v " $file\$" "$results" >"$results.new" || true
		mv "$results.new" "$results"
		run_file "$file" "$results"
		! tail -n 1 "$results" | grep -q '^= [0-9]* 0 ' ||
			echo "$name: $file passed at the second try only"
	done
fi

awk -v name="$name" '
$1 == "=" { passed += $2; failed += $3; skipped += $4 }
$1 == "=" && $3 > 0 { print "failed: " $5 }
END {
	printf "%s: %d passed, %d failed, %d skipped\n", name, passed, failed,
	    skipped
	exit failed > 0
}' "$results"
