#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cppcheck over what we ship; it does not know that cmocka's assertions end a
# test, so tests would only give false alarms.
#
# Left out: pages of the guide that include an example, for it cannot follow the
# names they redefine; the example itself is checked where it stands.
# __extension__ is nothing to it: before { .create = create } it takes that for
# an assignment. Suppressed: in the SDK it cannot know that the host copies what
# it is given.
set -eu

list=$(mktemp)
trap 'rm -f "$list"' EXIT
find server worker cache docs -name '*.c' \
	-exec grep -L '^#include "docs/examples/' {} + | sort >"$list"
cppcheck --quiet --std=c11 --language=c -j "$(nproc)" \
	--enable=warning,performance,portability --inline-suppr \
	--error-exitcode=1 \
	--suppress='returnDanglingLifetime:worker/sdk/pronghorn/*' \
	--suppress=missingInclude --suppress=unmatchedSuppression \
	--template='{file}:{line}: {severity}: {message} [{id}]' \
	-D_GNU_SOURCE -D__cppcheck__ -D__extension__= \
	-I. -Iworker/sdk --file-list="$list"
