#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fails when a file includes a header from a layer above its own.
#
# Layers, lowest first: worker/sdk, server/base, cache, worker, server. The SDK
# includes the C library and itself; example apps include only the SDK. A
# header x_int.h belongs to its folder.
set -eu
cd "${1:-.}"

find server worker cache docs -name '*.[ch]' -o -name '*.def' | sort |
while IFS= read -r file; do
	sed -n "s|^[[:space:]]*#[[:space:]]*include[[:space:]]*\([\"<][^\">]*\).*|$file \1|p" \
		"$file"
done | awk '
	function layer(path) {
		if (path ~ /^docs\//)          return 0
		if (path ~ /^worker\/sdk\//)   return 0
		if (path ~ /^pronghorn\//)     return 0
		if (path ~ /^server\/base\//)  return 1
		if (path ~ /^cache\//)         return 2
		if (path ~ /^worker\//)        return 3
		if (path ~ /^server\//)        return 4
		return 9
	}
	function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
	function wrong(what) { print $1 ": " what; bad = 1 }
	{
		own = substr($2, 1, 1) == "\""
		header = substr($2, 2)
		from = layer($1)
		sdk = header ~ /^pronghorn\//
	}
	own && !sdk && layer(header) > from { wrong("may not include " header) }
	own && sdk { wrong("include <" header ">, as apps do") }
	own && header ~ /_int\.h$/ && folder($1) != folder(header) {
		wrong(header " is private to its folder")
	}
	sdk && from != 0 && from < 3 { wrong("may not include the SDK") }
	!own && !sdk && $1 ~ /^worker\/sdk\// &&
	    header !~ /^(std(def|int|bool)\.h|initializer_list|exception)$/ {
		wrong("the SDK may not include <" header ">")
	}
	!own && !sdk && header ~ /\// && layer(header) != 9 {
		wrong("write \"" header "\", it is ours")
	}
	!own && from == 1 && header ~ /^(event|event2\/|sqlite3|cjson\/|openssl\/|zlib)/ {
		wrong("server/base uses libc only, not <" header ">")
	}
	!own && header ~ /^sqlite3/ && from > 2 && !allowed($1) {
		wrong("SQL stays inside cache/")
	}
	function allowed(path) {
		# Databases that an app declares, and the version it runs with.
		return path ~ /^worker\/data/ || path == "server/version.c"
	}
	END { exit bad }
'
