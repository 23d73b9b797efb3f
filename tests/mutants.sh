#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The mutants all apply, and the explorer finds a few of them, one for each kind of failure, but not a control. (All of
# them, in all gates, take minutes: make check-mutants.)
set -u
test -z "${WEFT_CHECK_QUICK:-}" || exit 77
dir=mutants-check.$$
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 1
run=$top_srcdir/stress/mutants/run.sh

CC=$CC sh "$run" --applies "$top_srcdir" $dir || exit 1
CC=$CC sh "$run" --gates explore "$top_srcdir" $dir 1 31 44 54 216 C2 >$dir/out 2>&1
status=$?
test $status -eq 0 || cat $dir/out
exit $status
