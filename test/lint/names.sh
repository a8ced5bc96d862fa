#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Names: ph_ is the SDK's, file names are unique, the top level is closed.
set -eu
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

# Note what arrives on stdin, if anything, below a headline.
report() {
	lines=$(cat)
	[ -z "$lines" ] || printf '%s:\n%s\n' "$1" "$lines" >>"$problems"
}

sources=$(find server worker cache -name '*.[ch]' ! -path 'worker/sdk/*' | sort)

# A definition has its name at the start of a line.
# shellcheck disable=SC2086 # no blanks in these names
grep -nE '^(ph_[a-z0-9_]+\(|#[[:space:]]*define PH_)|^(struct|enum|union) ph_[a-z_]+ \{' \
	$sources | grep -vE '^worker/[a-z_]+\.h:.*struct ph_(app|call|value) \{' |
	grep -vE '^worker/[a-z_]+\.c:[0-9]+:struct ph_(app|call|value) \{' |
	report "ph_ and PH_ are defined in worker/sdk only" || true

# Code below the worker does not know the SDK at all.
# shellcheck disable=SC2046,SC2086
grep -nE '(^|[^A-Za-z0-9_/"])(ph|PH)_[A-Za-z]' \
	$(echo "$sources" | grep -v '^worker/') |
	grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)' |
	report "ph_ and PH_ belong to the SDK and the worker" || true

# One x.c and one x.h in one folder are one name.
echo "$sources" | sed 's/\.[ch]$//' | sort -u | awk -F/ '
	$NF != "options" && $NF in folder { print folder[$NF], $0 }
	{ folder[$NF] = $0 }
' | report "these files have the same name"

git ls-files 2>/dev/null | sed 's|/.*|/|' | sort -u |
	grep -vxE '\..*|Makefile|README\.md|LICENSE|(server|worker|cache|conf|www|test|docs)/' |
	report "not foreseen at the top level" || true

cat "$problems"
[ ! -s "$problems" ]
