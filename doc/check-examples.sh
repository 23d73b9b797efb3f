#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run every example of the build tree and compare what it prints with doc/examples/NAME.out, word for word, or line by
# line with the extended regular expressions in NAME.re.
#
# make check puts the program that runs foreign binaries into LOG_COMPILER, if there is one.
set -u

examples=${top_srcdir:-.}/doc/examples
programs=${top_builddir:-.}/doc/examples
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
	echo "FAIL: $*"
	failed=$((failed + 1))
}

# matches OUTPUT PATTERNS: as many lines, each as its pattern says.
matches()
{
	awk -v patterns="$2" '
		{ if ((getline pattern <patterns) <= 0 || $0 !~ "^" pattern "$") { print "line " NR ": " $0; bad = 1 } }
		END { if ((getline pattern <patterns) > 0) { print "missing: " pattern; bad = 1 } exit bad }' "$1"
}

for source in "$examples"/*.c; do
	name=$(basename "$source" .c)
	# shellcheck disable=SC2086 # a command with arguments
	timeout 120 ${LOG_COMPILER-} "$programs/$name" >"$work/$name" 2>"$work/errors"
	status=$?
	[ $status -eq 0 ] || fail "$name: exit status $status"
	[ ! -s "$work/errors" ] || { fail "$name: writes to stderr"; cat "$work/errors"; }
	if [ -f "$examples/$name.re" ]; then
		matches "$work/$name" "$examples/$name.re" || fail "$name: output differs from $name.re"
	else
		diff -u "$examples/$name.out" "$work/$name" || fail "$name: output differs from $name.out"
	fi
done
[ $failed -eq 0 ]
