#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The search sees everything: as many schedules as can be counted by hand, the same outcomes with sleep sets as
# without, and all of what is small enough among the library's scenarios. Schedules are the same when they are written
# down and read again, and all strategies make the same ones when they are run again.
set -u
test -z "${WEFT_CHECK_QUICK:-}" || exit 77
explore=$top_builddir/stress/weft-explore
dir=explore-search.$$
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 1
failed=0

complain()
{
	echo "$1"
	test $# -lt 2 || head -n 80 "$2"
	failed=1
}

test -x "$explore" || exit 77
"$explore" --list >$dir/list
test $? -ne 77 || exit 77

# counts OPTIONS: reads SCENARIO NUMBER
counts()
{
	while read -r scenario number; do
		"$explore" --strategy search $1 "$scenario" >$dir/out 2>&1 ||
			complain "$scenario fails when it is searched${1:+, $1}:" $dir/out
		awk -v scenario="$scenario" -v number="$number" '
			$1 == scenario && $3 == number && / complete( |$)/ { found = 1 }
			END { exit !found }' $dir/out ||
			complain "$scenario has $number schedules${1:+, $1}, but:" $dir/out
	done
}

# A step is what a thread does up to its next point, and there is one before the first point: m operations are m + 1
# steps. n threads with m steps each have (nm)! / m!^n orders.
counts --no-sleep-sets <<'END'
search-alone-2x1 6
search-alone-2x2 20
search-alone-2x3 70
search-alone-3x1 90
search-alone-3x2 1680
search-together-2x1 6
search-together-2x2 20
search-together-2x3 70
search-together-3x1 90
search-together-3x2 1680
search-together-4x1 2520
search-looks-2x3 70
search-once-together-2x3 70
search-once-together-3x3 34650
search-two-ways-2 16
END
# Only the order of the operations at one word counts, unless all of them only look.
counts '' <<'END'
search-alone-2x1 1
search-alone-2x2 1
search-alone-2x3 1
search-alone-3x1 1
search-alone-3x2 1
search-together-2x1 2
search-together-2x2 6
search-together-2x3 20
search-together-3x1 6
search-together-3x2 90
search-together-4x1 24
search-looks-2x3 1
search-once-together-2x3 2
search-once-together-3x3 6
search-two-ways-2 5
END

# outcomes SCENARIO OPTIONS: what all threads did and got, each schedule's in one hash
outcomes()
{
	"$explore" --strategy search --hashes "$@" >$dir/out || complain "$* fails when it is searched" $dir/out
	awk '!seen[$3]++ { print $3 }' $dir/out | sort
}

for weak in off on; do
	for scenario in search-by-lot-2x3 lock-2x1 lock-free-held; do
		outcomes $scenario --weak-memory=$weak >$dir/with
		outcomes $scenario --weak-memory=$weak --no-sleep-sets >$dir/without
		test -s $dir/with && cmp -s $dir/with $dir/without ||
			complain "$scenario, weak memory $weak: sleep sets lose outcomes"
	done
done

# Of the library's scenarios, those that are seen to the end in a few seconds, whatever loads return; and others where
# they return the newest.
searched='lock-2x1 lock-free-held rlock-left-1 sem-free-2 sem-publish-2 event-2 event-set-clear-2 event-answer-2'
complete()
{
	weak=$1
	shift
	for scenario in "$@"; do
		"$explore" --strategy search --weak-memory=$weak "$scenario" >$dir/out 2>&1
		test $? -eq 0 && grep -q " complete" $dir/out ||
			complain "$scenario, weak memory $weak, is not searched to the end:" $dir/out
	done
}
complete on $searched
complete off $searched event-3 sem-one-for-each-3 sem-free-3 barrier-freed-2

# Written down, printed, read and run again.
for strategy in random sticky:3 pct:5 starve; do
	"$explore" --quiet --check-replay --strategy $strategy --schedules 25 >$dir/out 2>&1 ||
		complain "$strategy: not the same schedules when they are written down" $dir/out
done

# A schedule is a function of scenario, strategy and seed; not of the compiler.
hashes()
{
	for strategy in random sticky:3 pct:5 starve search:1; do
		"$1" --strategy $strategy --schedules 1000 --hashes lock-3x2 sem-publish-3 event-timed-3 cond-with-timed-3 \
			barrier-timed-3 || complain "$1: $strategy fails"
	done
}

hashes "$explore" >$dir/hashes
test "$(wc -l <$dir/hashes)" -ge 20000 || complain 'not all schedules ran' $dir/hashes
hashes "$explore" | cmp -s - $dir/hashes || complain 'the second time they are other schedules'
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	if CC=$compiler WARNINGS=-w sh "$top_srcdir/stress/explore/build.sh" "$top_srcdir" $dir/objects \
		$dir/weft-explore >$dir/out 2>&1; then
		hashes $dir/weft-explore | cmp -s - $dir/hashes || complain "built by $compiler they are other schedules"
	else
		complain "$compiler does not build it" $dir/out
	fi
	rm -rf $dir/objects $dir/weft-explore
done

exit $failed
