#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the stages of `make test`, all of them, whatever fails.
#
#   sh test/stages.sh STAGE...
#
# One after the other, as some measure time. Only the stage `fault` computes
# without measuring: it runs beside the others, nice, on what they leave of
# the processor while they wait, and is shown when they have ended.
set -u

: "${MAKE:=make}"
failed='' fault_pid='' fault_log=''

# The group is the stage with all it started; no job control, no group.
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
	[ -z "$fault_pid" ] || kill -- "-$fault_pid" 2>/dev/null
	[ -z "$fault_log" ] || rm -f "$fault_log"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

case "$# $*" in
1\ *) ;;
*" fault"*)
	fault_log=$(mktemp)
	set -m
	SLOW=$((4 * ${SLOW:-1})) nice -n 19 "$MAKE" fault \
		>"$fault_log" 2>&1 </dev/null &
	fault_pid=$!
	set +m
	;;
esac

for stage in "$@"; do
	[ "$stage" != fault ] || [ -z "$fault_pid" ] || continue
	echo "==== $stage"
	"$MAKE" "$stage" || failed="$failed $stage"
done

if [ -n "$fault_pid" ]; then
	echo "==== fault"
	wait "$fault_pid" || failed="$failed fault"
	fault_pid=
	cat "$fault_log"
fi
[ -z "$failed" ] || echo "failed:$failed"
[ -z "$failed" ]
