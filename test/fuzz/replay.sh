#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run fuzz targets on every input that is kept, without searching new ones.
#
#   sh test/fuzz/replay.sh PROGRAM...
#
# build/fuzz/x_replay gets the files of corpus/x and regression/x beside this
# script, and there has to be a regression: what has gone wrong in others, or
# here. A program with another name makes its own inputs.
#
# T   only programs whose path contains this
set -eu

here=$(dirname "$0")
passed=0
failed=0

for program in "$@"; do
	case $program in
	*"${T-}"*) ;;
	*) continue ;;
	esac
	target=$(basename "$program")
	set --
	case $target in
	*_replay)
		target=${target%_replay}
		for file in "$here/corpus/$target"/* \
		    "$here/regression/$target"/*; do
			[ ! -f "$file" ] || set -- "$@" "$file"
		done
		if [ -z "$(ls "$here/regression/$target" 2>/dev/null)" ]; then
			echo "$program: nothing in regression/$target"
			failed=$((failed + 1))
			continue
		fi
		;;
	esac
	if timeout -k 5 300 "$program" "$@" </dev/null; then
		passed=$((passed + 1))
	else
		echo "$program: failed with status $?"
		failed=$((failed + 1))
	fi
done

[ $((passed + failed)) -ne 0 ] || echo "replay: nothing to run here"
echo "replay: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
