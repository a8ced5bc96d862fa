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
#
# A program fails when a test fails, when it dies, takes too long or runs no
# test. The last line is `NAME: N passed, N failed`.
set -eu

SECONDS_EACH=420

name=$1
shift
output=$(mktemp)
trap 'rm -f "$output"' EXIT
passed=0
failed=0
bad=

# Sum of N over the lines of cmocka that say `[  WORD  ] N test(s)`.
count() {
	sed -n "s/^\[ *$1 *\] \([0-9][0-9]*\) test(s).*/\1/p" "$output" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

for program in "$@"; do
	case $program in
	*"${T-}"*) ;;
	*) continue ;;
	esac
	status=0
	# shellcheck disable=SC2086 # RUN_UNDER is a command with arguments
	timeout -k 5 $((SECONDS_EACH * ${SLOW:-1})) ${RUN_UNDER-} "$program" \
		>"$output" 2>&1 </dev/null || status=$?
	good=$(count PASSED)
	wrong=$(count FAILED)
	why=
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		why="took too long"
	elif [ "$status" -ne 0 ] && [ "$wrong" -eq 0 ]; then
		why="exit status $status"
	elif [ "$status" -eq 0 ] && [ "$((good + wrong))" -eq 0 ]; then
		why="ran no test"
	fi
	echo "---- $program"
	cat "$output"
	if [ -n "$why" ]; then
		echo "$program: $why"
		wrong=$((wrong + 1))
	fi
	[ "$wrong" -eq 0 ] || bad="$bad $program"
	passed=$((passed + good))
	failed=$((failed + wrong))
done

# shellcheck disable=SC2086 # one word per program
[ -z "$bad" ] || printf 'failed: %s\n' $bad
[ $((passed + failed)) -ne 0 ] || echo "$name: nothing to run here"
echo "$name: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
