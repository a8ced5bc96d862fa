#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What every text file keeps to: licence line and head comment, white space,
# comment style, no download addresses, no paths of somebody's machine.
set -eu
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

# Note what arrives on stdin, if anything, below a headline.
report() {
	lines=$(cat)
	[ -z "$lines" ] || printf '%s:\n%s\n' "$1" "$lines" >>"$problems"
}

files=$({ git ls-files -co --exclude-standard 2>/dev/null ||
	find . -path ./.git -prune -o -type f -print | sed 's|^\./||'; } |
	grep -vE '^test/fuzz/(corpus|regression)/|\.(ico|png|jpg|gif|gz|tgz|pdf|woff2?)$' |
	while read -r file; do [ ! -f "$file" ] || echo "$file"; done | sort)
c_files=$(echo "$files" | grep -E '\.[ch]$')

# shellcheck disable=SC2086 # no blanks in these names
for file in $(echo "$files" | grep -E '\.([ch]|def|mjs|js|sh)$'); do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$file"
done | report "no SPDX line at the start"

for file in $c_files; do
	awk '
		NR == 1 && !/^\/\* SPDX-License-Identifier: MIT \*\/$/ { exit 1 }
		NR > 1 && /^\/\*/ { found = 1; exit }
		NR > 1 && /^[a-z{]/ { exit 1 }
		END { exit !found }
	' "$file" || echo "$file"
done | report "first line not the licence, or no head comment before the code"

# shellcheck disable=SC2046,SC2086
grep -nE '^[^"]*[[:space:];{})]//[^"]*$|^//' $c_files |
	report "comments are /* */" || true
# shellcheck disable=SC2046,SC2086
grep -nE '^#[[:space:]]*define _(GNU|POSIX_C|XOPEN|DEFAULT)_SOURCE' $c_files |
	report "feature macros come from the Makefile" || true
# shellcheck disable=SC2046,SC2086
grep -nE 'T''ODO|F''IXME|(^|[^X])X''XX([^X]|$)' $files |
	report "finish it or open an issue" || true

# shellcheck disable=SC2046,SC2086
grep -nE '[[:blank:]]+$' $files | grep -vE '\.patch:' |
	report "white space at the end of a line" || true
# shellcheck disable=SC2046,SC2086
grep -nE "$(printf '\r')\$" $files | report "carriage returns" || true
for file in $files; do
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || echo "$file"
done | report "no newline at the end"

# Where packages come from is each machine's own matter.
# shellcheck disable=SC2046,SC2086
grep -nEi 'https?://[^/ "]*(registry|mirror|artifact|proxy|npm''js|debian\.org|pypi)' \
	$files | report "addresses of package registries" || true
# shellcheck disable=SC2046,SC2086
grep -nE '"resolved":' $(echo "$files" | grep 'package-lock\.json$') /dev/null |
	report "a lock file with addresses" || true
# shellcheck disable=SC2046,SC2086
grep -nE '(^|[^A-Za-z0-9_.>})])/(root|work|Users|home/[a-z]+)/' $files |
	grep -v '^test/lint/text\.sh:' | report "paths of one machine" || true
cat "$problems"
[ ! -s "$problems" ]
