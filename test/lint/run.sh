#!/bin/sh
# SPDX-License-Identifier: MIT
#
# All checks of the sources, or those whose names are given.
#
#   sh test/lint/run.sh [CHECK...]
#
# A check prints what is wrong and exits non-zero; exit status 77 means that
# it could not be made here. The last line is `lint: N passed, N failed`.
set -u

SKIPPED=77
build=${BUILD:-build}
make=${MAKE:-make}
all="layers sizes names text syntax format headers sdk drift cppcheck tidy"
passed=0
failed=0
skipped=0

run_check() {
	case $1 in
	sdk) node www/generate.mjs --check "$build/www" ;;
	drift) sh test/lint/drift.sh "$build/pronghorn" ;;
	tidy) "$make" -k -s tidy BUILD="$build" ;;
	*) sh "test/lint/$1.sh" ;;
	esac
}

# shellcheck disable=SC2086 # names are words
[ $# -gt 0 ] || set -- $all
for check in "$@"; do
	start=$(date +%s)
	output=$(run_check "$check" 2>&1)
	status=$?
	took=$(($(date +%s) - start))
	if [ $status -eq 0 ]; then
		passed=$((passed + 1))
		word=ok
	elif [ $status -eq $SKIPPED ]; then
		skipped=$((skipped + 1))
		word=skipped
	else
		failed=$((failed + 1))
		word=FAILED
	fi
	printf '%-8s %-10s %3d s\n' "$word" "$check" $took
	[ $status -eq 0 ] || printf '%s\n' "$output" | sed 's/^/    /'
done
echo "lint: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
