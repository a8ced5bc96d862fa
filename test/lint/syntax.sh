#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Scripts parse: sh, bash and JavaScript.
set -eu
bad=0

for file in $(find . -name node_modules -prune -o -path './build*' -prune -o \
    -path ./.git -prune -o -name '*.sh' -print | sort); do
	sh -n "$file" || bad=1
done
for file in .ci/run conf/pronghorn.bash; do
	[ ! -e "$file" ] || bash -n "$file" || bad=1
done
for file in $(find www test docs -name node_modules -prune -o \
    \( -name '*.mjs' -o -name '*.js' \) -print | sort); do
	node --check "$file" || bad=1
done
exit $bad
