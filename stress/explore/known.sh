#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What is there to be found, is found: every scenario named known-... fails within a minute, and does the same each
# time that its line is repeated. The first is glibc's bug 25847; see stress/explore/scenario-glibc25847.c.
set -u
test -z "${WEFT_CHECK_QUICK:-}" || exit 77
explore=$top_builddir/stress/weft-explore
dir=explore-known.$$
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 1
failed=0

complain()
{
	echo "$1"
	head -n 80 "$2"
	failed=1
}

test -x "$explore" || exit 77
"$explore" --list 'known*' >$dir/list
test $? -ne 77 || exit 77
grep -q -x known-glibc25847 $dir/list || exit 1

while read -r scenario; do
	if "$explore" --seconds 60 "$scenario" >$dir/out 2>&1 || ! grep -q '^FAIL' $dir/out; then
		complain "$scenario was not found:" $dir/out
		continue
	fi
	grep '^FAIL' $dir/out >$dir/first
	set -- $(sed -n 's/^repeat: [^ ]* //p' $dir/out)
	for again in 1 2 3; do
		"$explore" "$@" >$dir/again 2>&1
		test $? -eq 1 && grep '^FAIL' $dir/again | cmp -s - $dir/first ||
			complain "$*: time $again is not as the first:" $dir/again
	done
	grep "^$scenario " $dir/out
done <$dir/list
exit $failed
