#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Futexes that are wrong are noticed: with each of --broken-futex's kinds a scenario of the real library fails. Not so
# with one that wakes all sleepers, which hides bugs: a lock that forgets who else waits passes with it, and fails
# with the right one; and that only needs the scenarios that count wakes.
set -u
test -z "${WEFT_CHECK_QUICK:-}" || exit 77
explore=$top_builddir/stress/weft-explore
objects=$top_builddir/stress/explore
bug=$top_srcdir/stress/busted/lock-contended-lost.diff
dir=explore-futex.$$
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 1
failed=0

complain()
{
	echo "$1"
	head -n 40 "$2"
	failed=1
}

test -x "$explore" || exit 77
"$explore" --list >$dir/list
test $? -ne 77 || exit 77

for broken in lose-wake no-compare wake-wrong no-barrier; do
	"$explore" --broken-futex=$broken --quiet --no-minimise --trace 0 --schedules 8000 \
		'lock-*' 'sem-*' 'event-*' 'barrier-*' >$dir/out 2>&1
	test $? -eq 1 && grep -q '^FAIL' $dir/out || complain "nobody notices the futex with $broken:" $dir/out
done

"$explore" --broken-futex=wake-all --quiet --no-minimise --schedules 2000 'wakes-*' >$dir/out 2>&1
test $? -eq 1 && grep -q '^FAIL wakes-lock' $dir/out || complain 'nobody notices that all are woken:' $dir/out

mkdir $dir/tree $dir/tree/lib
cp "$top_srcdir"/lib/*.[ch] $dir/tree/lib
cp -R "$top_srcdir/include" $dir/tree
chmod -R u+w $dir/tree
patch --batch --silent --fuzz=0 --no-backup-if-mismatch -p1 -d $dir/tree <"$bug" >$dir/out 2>&1 &&
	WARNINGS=-w sh "$top_srcdir/stress/explore/build.sh" "$top_srcdir" "$objects" $dir/weft-explore $dir/tree \
		>>$dir/out 2>&1 || complain 'cannot build a broken lock:' $dir/out
$dir/weft-explore --quiet --no-minimise --schedules 2000 'lock-3x*' 'lock-4x*' >$dir/out 2>&1
test $? -eq 1 && grep -q '^FAIL.*stuck' $dir/out || complain 'the broken lock is not noticed:' $dir/out
$dir/weft-explore --broken-futex=wake-all --quiet --schedules 2000 'lock-3x*' 'lock-4x*' >$dir/out 2>&1 ||
	complain 'to wake all does not hide the broken lock; is it another one now?' $dir/out
exit $failed
