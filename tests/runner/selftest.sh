#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The plain runner tells what became of each test: one line for each that failed, the counts alone on the last line, and
# an exit status.
set -u

program=${top_builddir:-.}/tests/runner/selftest
if test -n "${CROSS-}"; then
	echo "built for another machine"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

expect()	# WHAT COMMAND...
{
	what=$1
	shift
	"$@" || { echo "selftest.sh: $what"; failed=1; }
}

"$program" --limit=2 >"$work/out" 2>"$work/err"
status=$?
cat "$work/out"
expect "it fails" test "$status" = 1
expect "the last line has the counts alone" test "$(tail -n 1 "$work/out")" = "1 passed, 11 failed"
expect "what was skipped is counted apart" grep -qx "1 skipped" "$work/out"
for name in check_fails comparison_fails text_differs result_differs errno_is_touched thread_fails child_fails crashes \
		hangs hangs_with_child exits; do
	expect "a line for $name" test "$(grep -c "^FAIL selftest/$name " "$work/out")" = 1
done
expect "nothing else is called failed" test "$(grep -c '^FAIL' "$work/out")" = 11
# A sanitizer catches the signal and exits instead.
test -n "${SANITIZER_FLAGS-}" || expect "the signal is named" grep -q "^FAIL selftest/crashes .*signal 11" "$work/out"
expect "a hang is told from a crash" grep -q "^FAIL selftest/hangs .*not done after 2 s" "$work/out"
expect "both values are printed" grep -q "2 < 1: 2 and 1" "$work/err"

"$program" '*/passes' >"$work/out"
expect "one that passes is a success" test "$?" = 0
expect "and is all that was picked" test "$(cat "$work/out")" = "1 passed, 0 failed"
"$program" --no-fork '*/check_fails' >"$work/out" 2>"$work/err"
expect "without a fork a failure is one, too" test "$?" = 1
"$program" 'no/such' >"$work/out"
expect "no test at all is no success" test "$?" = 1
expect "--list lists" test "$("$program" --list | wc -l)" = 13
expect "--list takes a filter" test "$("$program" --list '*hangs*' | wc -l)" = 2
exit $failed
