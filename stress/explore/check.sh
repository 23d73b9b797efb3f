#!/bin/sh
# SPDX-License-Identifier: MIT
#
# No schedule of a fixed set makes a scenario fail; the same seeds make the same schedules, whichever compiler built the
# explorer; and in libraries with one bug each it finds that, and a report can be repeated. Each scenario has a number
# of schedules and not a time, so that a slow machine sees as much as a fast one.
#
#	check.sh NAME...	looks for the bugs of stress/busted/NAME.diff instead; needs top_srcdir, top_builddir
set -u
test -z "${WEFT_CHECK_QUICK:-}" || exit 77
explore=$top_builddir/stress/weft-explore
objects=$top_builddir/stress/explore
busted=$top_srcdir/stress/busted
runs=1000
dir=explore-check.$$
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

# finds NAME DIFF SCENARIOS WORD [OPTION...]: a library with this bug fails in one of them, in a way that WORD is in
finds()
{
	bug=$1 scenarios=$3 word=$4
	mkdir -p $dir/$1/lib
	cp "$top_srcdir"/lib/*.[ch] $dir/$1/lib
	cp -R "$top_srcdir/include" $dir/$1
	chmod -R u+w $dir/$1
	if ! patch --batch --silent --fuzz=0 --no-backup-if-mismatch -p1 -d $dir/$1 <"$2" >$dir/out 2>&1; then
		complain "$2 no longer applies; the library has moved on, and the diff must follow" $dir/out
		return
	fi
	if ! WARNINGS=-w sh "$top_srcdir/stress/explore/build.sh" "$top_srcdir" "$objects" $dir/weft-explore $dir/$1 \
		>$dir/out 2>&1; then
		complain "$1 does not compile:" $dir/out
		return
	fi
	shift 4
	$dir/weft-explore --schedules $runs "$@" "$scenarios" >$dir/out 2>&1
	test $? -eq 1 && grep -q "^FAIL .*$word" $dir/out || complain "$bug was not found:" $dir/out

	# The line is for a shell: a schedule is one word of it.
	eval "set -- $(sed -n 's/^repeat: [^ ]* //p' $dir/out | head -n 1)"
	grep '^FAIL' $dir/out | head -n 1 >$dir/first
	$dir/weft-explore "$@" >$dir/again 2>&1
	test $? -eq 1 && grep '^FAIL' $dir/again | cmp -s - $dir/first ||
		complain "$bug: what is to repeat the failure does not:" $dir/again
	rm -rf "${dir:?}/$bug" $dir/weft-explore
}

for bug in "$@"; do
	finds "$bug" "$busted/$bug.diff" '*' ''
done
test $# -eq 0 || exit $failed

# Everything, with stale loads and faults and without either; counters of two bits; no spinning.
run_all()
{
	what=$1 program=$2
	shift 2
	if ! "$program" "$@" >$dir/out 2>&1; then
		sed -n '/^FAIL/,$p' $dir/out >$dir/failed
		complain "the library fails in a scenario, $what:" $dir/failed
	fi
	grep ' ok ' $dir/out | awk '{ print $1 }' | cmp -s - $dir/list || complain "not every scenario ran, $what:" $dir/out
}

run_all 'as it comes' "$explore" --schedules $((runs / 2))
for weak in off on; do
	for faults in off on; do
		run_all "weak memory $weak, faults $faults" "$explore" --weak-memory=$weak --faults=$faults \
			--first-seed 100000 --schedules $((runs / 5))
	done
done
for constants in narrow asleep; do
	if EXPLORE_CONSTANTS=$constants WARNINGS=-w sh "$top_srcdir/stress/explore/build.sh" "$top_srcdir" \
		$dir/$constants $dir/$constants/weft-explore >$dir/out 2>&1; then
		run_all "constants $constants" $dir/$constants/weft-explore --schedules $((runs / 4))
	else
		complain "constants $constants: the explorer does not build:" $dir/out
	fi
done
# With two bits, four sets in a row are as none: were they missed by nobody, the counters would not be narrow.
$dir/narrow/weft-explore known-event-lost-2 >$dir/out 2>&1
test $? -eq 1 && grep -q '^FAIL .*stuck' $dir/out || complain 'counters of two bits do not wrap:' $dir/out
"$explore" --plain --schedules $((runs / 4)) 'lock-?x?' 'rlock-*' 'cond-fifo-*' 'barrier-freed-*' 'sem-publish-*' \
	'event-rounds-*' >$dir/out 2>&1 || complain 'the library fails with plain accesses as steps:' $dir/out

# A schedule is a function of scenario, strategy and seed: the second time, alone, and with another compiler.
first=$(od -An -N4 -t u4 /dev/urandom | tr -d ' ')
case $($CC --version 2>/dev/null) in *clang*) other=gcc ;; *) other=clang ;; esac
if ! command -v $other >/dev/null; then
	echo "no $other: hashes are not compared"
	other=
elif ! CC=$other WARNINGS=-w sh "$top_srcdir/stress/explore/build.sh" "$top_srcdir" $dir/other $dir/other/weft-explore \
	>$dir/out 2>&1 || ! $dir/other/weft-explore --list >/dev/null 2>&1; then
	complain "$other: the explorer does not build:" $dir/out
	other=
fi
same()
{
	"$explore" "$@" --hashes >$dir/hashes.1
	for program in "$explore" ${other:+$dir/other/weft-explore}; do
		"$program" "$@" --hashes >$dir/hashes.2
		cmp -s $dir/hashes.1 $dir/hashes.2 || complain "$program: other schedules: $*"
	done
	test -s $dir/hashes.1 || complain "no schedules: $*"
}
same --first-seed "$first" --schedules 1000 lock-3x2 rlock-2 sem-publish-3 event-rounds-3 cond-with-timed-4 \
	barrier-freed-3 cond-linear-4
for strategy in portfolio random sticky:3 pct:5 starve; do
	same --strategy $strategy --schedules 40
	for scenario in lock-3x2 rlock-2 sem-publish-3 event-rounds-3 cond-fifo-3 barrier-freed-3; do
		"$explore" --strategy $strategy --seed 33 --hashes $scenario >$dir/hash
		test -s $dir/hash && grep -q -x -f $dir/hash $dir/hashes.1 ||
			complain "$strategy: seed 33 of $scenario alone is not what it was among others" $dir/hash
	done
done
test "$(awk '{ print $3 }' $dir/hashes.1 | sort -u | wc -l)" -gt $(($(wc -l <$dir/list) * 10)) ||
	complain 'most schedules are the same'

# What a search finds has no seed: it is repeated as it was written down.
finds lock-wake-dropped "$busted/lock-wake-dropped.diff" lock-2x1 stuck --strategy search
# Bugs that were once in the real one: see T4 in lib/sem.c. Others are the business of stress/mutants.
finds sem-wait-settled "$top_srcdir/stress/explore/sem-wait-settled.diff" 'sem-*' stuck
# A latch that looks open before the last to count down is through with it.
finds latch-gate-ignored "$top_srcdir/stress/explore/latch-gate-ignored.diff" 'latch-*' ''
finds once-done-relaxed "$busted/once-done-relaxed.diff" 'once-*' race
finds latch-round-ignored "$busted/latch-round-ignored.diff" 'latch-*' stuck

exit $failed
