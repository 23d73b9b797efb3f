#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every public header alone, and tests/headers/use.c, compile without a warning as C11, C17, C++11, C++17 and C++20, with
# the compilers of the build and with gcc and clang where they are; use.c links, runs and has no copy of weft in it.
#
# From the environment: top_srcdir, top_builddir, CC, CXX (empty: no C++), SANITIZER_FLAGS, NM, CROSS (not empty: do not run).
set -eu

src=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-$src/build}
: "${CC=cc}" "${CXX=}" "${SANITIZER_FLAGS=}" "${CROSS=}" "${NM:=nm}"
library=$build/lib/.libs/libweft.a
test -e "$library" || library=$build/lib/.libs/libweft.so
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
compiled=0

complain()
{
	echo "headers.sh: $*"
	failed=1
}

has_standard()	# COMPILER LANGUAGE STANDARD
{
	echo 'int x;' >"$work/empty.c"
	$1 -x "$2" -std="$3" -fsyntax-only "$work/empty.c" 2>/dev/null
}

# All headers at once would hide what one of them forgets to include; so each is a file of its own, after nothing.
check_headers()	# COMPILER LANGUAGE STANDARD
{
	files=
	for header in weft.h $(cd "$src/include" && echo weft/*.h); do
		file=$work/$(echo "$header" | tr / _).c
		printf '#include <%s>\nint main(void) { return 0; }\n' "$header" >"$file"
		files="$files $file"
	done
	# shellcheck disable=SC2086
	$1 -x "$2" -std="$3" $warnings -I"$src/include" -fsyntax-only $files ||
		complain "$1 -std=$3: a header does not compile alone"
	compiled=$((compiled + 1))
}

check_program()	# COMPILER LANGUAGE STANDARD OPTIMISATION LINK
{
	# shellcheck disable=SC2086
	if ! $1 -x "$2" -std="$3" "$4" $warnings $SANITIZER_FLAGS -I"$src/include" -c "$src/tests/headers/use.c" \
			-o "$work/use.o"; then
		complain "$1 -std=$3 $4: use.c does not compile"
		return
	fi
	$NM -g --defined-only "$work/use.o" >"$work/symbols"
	if grep 'weft_' "$work/symbols"; then
		complain "$1 -std=$3 $4: these are emitted into the user's object"
	fi
	test "$5" = yes || return 0
	# shellcheck disable=SC2086
	if ! $1 $SANITIZER_FLAGS "$work/use.o" "$library" -pthread -o "$work/use"; then
		complain "$1 -std=$3 $4: use.c does not link"
	elif test -z "$CROSS"; then
		LD_LIBRARY_PATH="$build/lib/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$work/use" ||
			complain "$1 -std=$3 $4: use.c fails"
	fi
}

check_all()	# LANGUAGE LINK COMPILER STANDARD...
{
	language=$1 link=$2 compiler=$3
	shift 3
	for standard; do
		has_standard "$compiler" "$language" "$standard" || continue
		check_headers "$compiler" "$language" "$standard"
		check_program "$compiler" "$language" "$standard" -O0 "$link"
		check_program "$compiler" "$language" "$standard" -O2 "$link"
	done
}

# Other compilers may not link with a sanitizer's or another machine's library; there they only compile.
own=yes
others=yes
test -e "$library" || own=no others=no
test -z "$SANITIZER_FLAGS$CROSS" || others=no

check_all c "$own" "$CC" c11 c17
test -z "$CXX" || check_all c++ "$own" "$CXX" c++11 c++17 c++20
if test -z "$SANITIZER_FLAGS$CROSS"; then
	for compiler in gcc clang; do
		test "$compiler" = "$CC" || ! command -v $compiler >"$work/which" || check_all c $others $compiler c11 c17
	done
	for compiler in g++ clang++; do
		test "$compiler" = "$CXX" || ! command -v $compiler >"$work/which" ||
			check_all c++ $others $compiler c++11 c++17 c++20
	done
fi
test "$compiled" -gt 0 || complain "no compiler was found"
test "$failed" -ne 0 || echo "headers.sh: $compiled pairs of compiler and language"
exit $failed
