#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run test programs written with cmocka, all of them, and add up.
#
#   sh test/programs.sh NAME PROGRAM...
#
# T           only programs whose path contains this
# RUN_UNDER   command to run each program under
# SLOW        factor on the time a program may take, 1 unless given
# AT_ONCE     how many run side by side, 1 unless given: some measure time
#
# A program fails when a test fails, when it dies, takes too long or runs no
# test. The last line is `NAME: N passed, N failed`.
set -eu

SECONDS_EACH=420

# Sum of N over the lines of cmocka that say `[  WORD  ] N test(s)`.
count() {
	sed -n "s/^\[ *$1 *\] \([0-9][0-9]*\) test(s).*/\1/p" "$2" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

# Run one program and show what it said, then a line `= PASSED FAILED PROGRAM`
# in the file of results. All of it is written at once, as others run beside.
run_program() {
	output=$(mktemp)
	status=0
	# shellcheck disable=SC2086 # RUN_UNDER is a command with arguments
	timeout -k 5 $((SECONDS_EACH * ${SLOW:-1})) ${RUN_UNDER-} "$1" \
		>"$output" 2>&1 </dev/null || status=$?
	good=$(count PASSED "$output")
	wrong=$(count FAILED "$output")
	why=
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		why="took too long"
	elif [ "$status" -ne 0 ] && [ "$wrong" -eq 0 ]; then
		why="exit status $status"
	elif [ "$status" -eq 0 ] && [ "$((good + wrong))" -eq 0 ]; then
		why="ran no test"
	fi
	if [ -n "$why" ]; then
		echo "$1: $why" >>"$output"
		wrong=$((wrong + 1))
	fi
	printf -- '---- %s\n%s\n' "$1" "$(cat "$output")"
	rm -f "$output"
	echo "= $good $wrong $1" >>"$2"
}

if [ "$1" = --one ]; then
	run_program "$3" "$2"
	exit 0
fi

name=$1
shift
results=$(mktemp)
trap 'rm -f "$results"' EXIT
for program in "$@"; do
	case $program in
	*"${T-}"*) printf '%s\n' "$program" ;;
	esac
done | xargs -r -n 1 -P "${AT_ONCE:-1}" sh "$0" --one "$results"

awk -v name="$name" '
$1 == "=" { passed += $2; failed += $3; if ($3 > 0) print "failed: " $4 }
END {
	if (passed + failed == 0) print name ": nothing to run here"
	printf "%s: %d passed, %d failed\n", name, passed, failed
	exit failed > 0
}' "$results"
