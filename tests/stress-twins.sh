#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The broken twins are all there, weft-stress catches some of each kind, and says when it does not. (All of them take a
# minute and more: make check-busted.)
set -u
stress=$top_builddir/stress/weft-stress
twins=$top_builddir/stress/twins
busted=$top_srcdir/stress/busted
out=stress-twins.$$
trap 'rm -rf $out $out.d' EXIT
failed=0

complain()
{
	echo "$@"
	test ! -f $out || cat $out
	failed=1
}

# The list and the diffs are about the same twins, and each object has three at least.
grep -v '^#' "$busted/list" | awk '{ print $1 }' | sort >$out
(cd "$busted" && ls -- *.diff) | sed 's/\.diff$//' | sort | cmp - $out || complain 'the list and the diffs differ'
for object in lock rlock event cond sem barrier; do
	n=$(awk -v object=$object '$2 == object' "$busted/list" | wc -l)
	test "$n" -ge 3 || complain "$object has $n broken twins"
done
grep -v '^#' "$twins/list" | while read -r name rest; do
	test -x "$twins/twin-$name" || echo "$name"
done >$out
test ! -s $out || complain 'twins that were not built:'

# A hang is told in full.
"$twins/twin-sem-wakes-one" sem --case waves --timeouts 0 --seconds 10 --deadline 1 >$out 2>&1
test $? -eq 1 || complain 'a semaphore that leaves sleepers behind passes'
for what in '^FAILED sem/waves: hang' '  sem at .*: [0-9a-f]\{8\} ' 'permits released' \
	'  thread [0-9]*: [0-9]* calls done; sem acquire, on .* for [0-9.]* s' \
	'^repeat with: weft-stress sem --case waves --seed 0x'; do
	grep -q -e "$what" $out || complain "no '$what' in the report of a hang:"
done

# Caught: by a check, and by the race detector where there is one. The sound library passes beside them.
for twin in cond-lifo event-set-relaxed; do
	grep -q "^$twin " "$twins/list" || continue
	"$stress" --busted --twins "$twins" --twin $twin >$out 2>&1 || complain "$twin was not caught"
	grep -q '^1 of 1 broken twins caught, 1 of 1 sound runs passed' $out || complain "no summary after $twin"
done

# Not caught: a twin with nothing wrong. Caught, but so is the sound one: it is the test that is broken.
mkdir $out.d
echo 'fine rlock lib/rlock.c hang nothing is wrong with it' >$out.d/list
cp "$twins/twin-sound" $out.d/twin-fine
cp "$twins/twin-sound" $out.d/twin-sound
"$stress" --busted --twins $out.d >$out 2>&1
test $? -eq 1 || complain '--busted passes though a twin was not caught'
cp "$twins/twin-rlock-stranger" $out.d/twin-fine
cp "$twins/twin-rlock-stranger" $out.d/twin-sound
"$stress" --busted --twins $out.d >$out 2>&1
test $? -eq 1 || complain '--busted passes though the sound library does not'

exit $failed
