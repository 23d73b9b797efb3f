#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The memory model: each litmus-... program of stress/explore/scenario-litmus.c has all the outcomes that C11 allows,
# but for the gaps that the file lists, and no other. Once by a complete search, once by chance. Without stale loads
# the weak outcomes are not there, and the same run fails: it can.
set -u
explore=$top_builddir/stress/weft-explore
out=explore-litmus.$$
trap 'rm -f $out' EXIT
failed=0

complain()
{
	echo "$1"
	head -n 80 $out
	failed=1
}

test -x "$explore" || exit 77
"$explore" --list 'litmus-*' >$out
test $? -ne 77 || exit 77
programs=$(wc -l <$out)
test "$programs" -ge 50 || complain 'some programs are missing:'

"$explore" --strict-marks --strategy search 'litmus-*' >$out 2>&1 ||
	complain 'a search has found what C11 forbids, or not all that it allows:'
test "$(grep -c '^litmus-.* complete' $out)" -eq "$programs" || complain 'not every search was complete:'
"$explore" --strict-marks --schedules 10000 'litmus-*' >$out 2>&1 ||
	complain 'by chance came what C11 forbids, or not all that it allows:'
"$explore" --strict-marks --schedules 10000 --weak-memory=off litmus-mp-relaxed >$out 2>&1 &&
	complain 'stale loads are there that were not asked for:'
exit $failed
