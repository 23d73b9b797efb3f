#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each fault comes where it is asked for, and only there: the scenarios known-fault-KIND fail with --faults=KIND and
# pass with all others. And a program that crashes is a finding that repeats.
set -u
explore=$top_builddir/stress/weft-explore
dir=explore-faults.$$
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 1
failed=0
kinds='spurious eintr eagain timeout order cas alloc start death signal move'

complain()
{
	echo "$1"
	head -n 40 "$2"
	failed=1
}

test -x "$explore" || exit 77
"$explore" --list 'known*' >$dir/list
test $? -ne 77 || exit 77

for kind in $kinds; do
	others=$(echo " $kinds " | sed "s/ $kind / /; s/^ *//; s/ *\$//; s/ /,/g")
	for scenario in $(grep -x -e "known-fault-$kind" -e "known-fault-$kind-[a-z]*" $dir/list); do
		"$explore" --faults=$kind --schedules 2000 $scenario >$dir/out 2>&1
		test $? -eq 1 && grep -q "^FAIL $scenario: $kind" $dir/out ||
			complain "$scenario does not come to its fault:" $dir/out
		for faults in off "$others"; do
			"$explore" --faults="$faults" --schedules 2000 $scenario >$dir/out 2>&1 ||
				complain "$scenario comes to a fault that is not allowed, with --faults=$faults:" $dir/out
		done
		sed -i "/^$scenario\$/d" $dir/list
	done
done
grep '^known-fault' $dir/list >$dir/rest && complain 'no kind of fault belongs to:' $dir/rest

for crash in null:null stack:full assert:assert abort:abort; do
	"$explore" known-crash-${crash%:*} >$dir/out 2>&1
	test $? -eq 1 && grep -q "^FAIL .*${crash#*:}" $dir/out || complain "known-crash-${crash%:*}:" $dir/out
done
exit $failed
