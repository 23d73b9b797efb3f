#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fails unless the public headers, the symbol map and the built libraries agree:
#   the map is sorted and lists exactly what the headers declare with WEFT_API;
#   the shared library exports exactly that, each symbol with the map's version;
#   the static library defines all of it and nothing global outside weft_.
#
# With --print it only lists what the headers declare, in the map's form.
set -eu

src=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-$src/build}
map=$src/lib/weft.map
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LC_ALL=C
export LC_ALL

# One declaration to a line, and of those that are WEFT_API the name: what stands before the first bracket, or last.
# With WEFT__EMIT the inline functions are WEFT_API too: the library holds the copy that a call not inlined goes to.
declared()
{
	printf '#include <weft.h>\n' | ${CC:-cc} -E -P -std=c11 -DWEFT__EMIT -I"$src/include" - |
	tr '\n\t' '  ' | sed 's/[;{}]/\n/g' |
	sed -n '/__attribute__((__visibility__("default")))/{
		s/__attribute__((__visibility__("default")))//
		s/__attribute__((__[a-z_]*__\(("[a-z-]*")\)\{0,1\}))//g
		/(/!s/^.*[^a-z0-9_]\(weft_[a-z0-9_]*\) *$/\1/
		/(/s/^[^(]*[^a-z0-9_(]\(weft_[a-z0-9_]*\) *(.*/\1/
		p
	}' | sort -u
}

# The names in the map that come before "local:".
mapped()
{
	sed -n '/local:/q; s/^[[:space:]]*\(weft_[a-z0-9_]*\);$/\1/p' "$map"
}

agree()	# WHAT EXPECTED FOUND
{
	diff -u "$2" "$3" >"$work/diff" && return
	echo "$1:"
	sed -n '3,$s/^[-+]/&/p' "$work/diff"
	failed=1
}

# What a sanitizer adds.
sanitizers='^__[atu][bs]*an_\|^__sanitizer\|^__odr_asan\|^__start_\|^__stop_'

failed=0
declared >"$work/declared"
test -s "$work/declared" || { echo "no declaration found in include/weft.h"; exit 1; }
if [ "${1-}" = --print ]; then
	sed 's/.*/	&;/' "$work/declared"
	exit
fi

mapped >"$work/mapped"
sort -u "$work/mapped" >"$work/sorted"
agree "lib/weft.map is not sorted (+: where it is)" "$work/sorted" "$work/mapped"
agree "headers (-) and lib/weft.map (+) differ" "$work/declared" "$work/sorted"

so=$build/lib/.libs/libweft.so
if [ -e "$so" ]; then
	node=$(sed -n 's/^\(WEFT_[0-9]*\)[ {].*/\1/p' "$map" | tail -n 1)
	${NM:-nm} -D --defined-only "$so" | sed -n 's/^[0-9a-f]* [A-Za-z] //p' | grep -vx "$node" |
		grep -v "$sanitizers" | sort >"$work/exported"
	sed "s/\$/@@$node/" "$work/sorted" >"$work/versioned"
	agree "lib/weft.map (-) and what $so exports (+) differ" "$work/versioned" "$work/exported"
fi

a=$build/lib/.libs/libweft.a
if [ -e "$a" ]; then
	${NM:-nm} -g --defined-only "$a" 2>/dev/null | sed -n 's/^[0-9a-f]* [A-Za-z] //p' | sort -u >"$work/static"
	grep '^weft_' "$work/static" | grep -Fxf "$work/declared" >"$work/static.public" || :
	agree "headers (-) and what $a defines (+) differ" "$work/declared" "$work/static.public"
	if grep -v "^weft_\|^DW\.ref\|$sanitizers" "$work/static"; then
		echo "$a: these global names do not begin with weft_"
		failed=1
	fi
fi
exit $failed
