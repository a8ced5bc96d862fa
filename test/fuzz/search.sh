#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Let libFuzzer search for inputs that break a property.
#
#   sh test/fuzz/search.sh FOLDER SECONDS TARGET...
#
# FOLDER holds the programs TARGET_fuzz and gets the inputs that reach new
# code, in FOLDER/found/TARGET. An input that breaks something is written to
# regression/TARGET beside this script: commit it with the fix.
set -eu

folder=$1
seconds=$2
shift 2
here=$(dirname "$0")
# Undefined behaviour is a finding like any other.
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
passed=0
failed=0

for target in "$@"; do
	echo "---- $target, $seconds s"
	kept=$here/regression/$target
	mkdir -p "$folder/found/$target" "$here/corpus/$target" "$kept"
	set -- -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
		-verbosity=0 -artifact_prefix="$kept/"
	[ ! -e "$here/$target.dict" ] || set -- "$@" -dict="$here/$target.dict"
	if "$folder/${target}_fuzz" "$@" "$folder/found/$target" \
	    "$here/corpus/$target" "$kept"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
