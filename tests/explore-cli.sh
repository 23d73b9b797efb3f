#!/bin/sh
# SPDX-License-Identifier: MIT
#
# weft-explore as its manual says: options, exit status, what it prints, JSON, jobs, repeated failures.
set -u
LC_ALL=C
export LC_ALL
explore=$top_builddir/stress/weft-explore
dir=explore-cli.$$
out=$dir/out
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 99
failed=0

test -x "$explore" || exit 77
"$explore" --list >$dir/list
test $? -ne 77 || exit 77

complain()
{
	echo "$1"
	test $# -lt 2 || head -n 20 "$2"
	failed=1
}

# expect STATUS WORDS...: weft-explore WORDS exits with STATUS and leaves what it printed in $out
expect()
{
	status=$1
	shift
	"$explore" "$@" >$out 2>&1
	got=$?
	test $got -eq "$status" || complain "weft-explore $*: exit status $got instead of $status" $out
}

# says PATTERN: the last one printed this; silent PATTERN: it did not
says()
{
	grep -q -e "$1" $out || complain "nothing like '$1' in:" $out
}
silent()
{
	! grep -q -e "$1" $out || complain "'$1' is in:" $out
}

expect 0 --help
says '--schedules'
expect 0 --gaps
says 'load buffering'
expect 0 --list 'lock-*'
says '^lock-2x1$'
silent '^sem-'

# Called wrongly.
for words in --no-such-option no-such-scenario '--schedules=0' '--schedules=many' '--schedules=-1' '--seed=x' \
	'--seconds=0' '--seconds=soon' '--strategy=best' '--strategy=pct:0' '--strategy=random:3' '--strategy=pct:' \
	'--weak-memory=maybe' '--faults=eintr,gremlins' '--faults=' '--jobs=0' '--trace=all' '--schedule=1.2' \
	'--schedule=1.2>9'; do
	expect 2 "$words"
	silent schedules,
done
expect 2 lock-2x1 no-such-scenario
silent ' ok '

# What is asked for runs, and is summed up.
expect 0 --schedules 300 lock-2x1 'sem-publish-?'
says '^lock-2x1  *ok  *300 schedules .* [1-9][0-9]* states'
says '^sem-publish-3  *ok  *300 schedules'
says '^0 failures in 900 schedules of 3 scenarios'
says '^0 failures in 300 schedules: fewer than 1 %'
silent '^lock-3x1'
expect 0 --schedules 300 --quiet lock-2x1
silent '^lock-2x1'
expect 0 --seconds 0.2 --progress lock-2x1
says '^lock-2x1  *ok'
expect 0 --strategy search:1 lock-2x1
says ' complete'
expect 0 --schedules 50 --weak-memory=off --faults=off --plain --no-races lock-3x1
expect 0 --schedules 50 -w -f lock-3x1
expect 0 --schedules 50 --faults=eintr,timeout --strategy sticky:3 --first-seed 7 lock-timed-2
expect 0 --schedule '' lock-2x1
expect 0 --schedule '0.2>1' lock-2x1
says ' 1 schedules'

# Failures: a scenario that is there to fail.
expect 1 --schedules 100000 --trace 1000 known-glibc25847
says '^FAIL known-glibc25847: '
says '^failed: known-glibc25847$'
says '^1 failure in '
sed -n 's/^FAIL [^ ]*: //p' $out >$dir/message
cp $out $dir/first
# The line that repeats it, and the shorter one, as a user would paste them; the trace is the same each time.
for which in repeat shorter; do
	sed -n "s/^$which: //p" $dir/first >$dir/line
	test -s $dir/line || continue
	for again in 1 2 3; do
		sh -c "$(cat $dir/line) --trace 1000" >$dir/again.$again 2>&1
		test $? -eq 1 || complain "$which: $(cat $dir/line) does not fail" $dir/again.$again
		grep -q "^FAIL known-glibc25847: $(sed 's/:.*//' $dir/message)" $dir/again.$again ||
			complain "$which: another failure" $dir/again.$again
		sed -n '/^   step/,/^known/p' $dir/again.$again | grep -v '^known' >$dir/trace.$again
		cmp -s $dir/trace.$again $dir/trace.1 || complain "$which: another trace" $dir/again.$again
	done
done
sed -n '/^   step/,/^known/p' $dir/first | grep -v '^known' | cmp -s - $dir/trace.1 ||
	complain 'the trace that is shown is not the one of the shorter schedule' $dir/first
grep -q 'scenario-glibc25847.c:[0-9]' $dir/first || complain 'no line of the source in the trace' $dir/first
# Long traces are cut in the middle; where addr2line is missing there are functions.
expect 1 --schedules 100000 --no-minimise --trace 12 known-glibc25847
says '^    \.\.\. [0-9]* more'
test "$(grep -c '^ *[0-9][0-9]* T[0-9-]' $out)" -eq 12 || complain 'not 12 steps' $out
program=$explore
case $program in /*) ;; *) program=$PWD/$program ;; esac
mkdir $dir/empty
PATH=$dir/empty "$program" --schedules 100000 known-glibc25847 >$out 2>&1
says '+0x[0-9a-f]'

expect 1 --schedules 200 --keep-going known-history-queue-twice
says '^known-history-queue-twice  *FAIL  *200 schedules .* 200 failed'
says '^  history  *200, seed 1 the first'

# However many processes there are: the same schedules, the same finding.
for jobs in 1 2 5; do
	"$explore" --json --schedules 5000 --jobs $jobs 'lock-2*' 'rlock-*' known-glibc25847 known-history-register-late \
		>$dir/jobs 2>$out || test $? -eq 1 || complain "--jobs $jobs" $out
	sed 's/"seconds": [0-9.e-]*//; s/"steps": [0-9]*//; s/"states": [0-9]*//' $dir/jobs >$dir/jobs.$jobs
	"$explore" --json --schedules 3000 --jobs $jobs --keep-going --no-minimise known-glibc25847 >$dir/counts
	sed 's/"seconds": [0-9.e-]*//' $dir/counts >$dir/counts.$jobs
	cmp -s $dir/jobs.1 $dir/jobs.$jobs || complain "--jobs $jobs is not --jobs 1:" $dir/jobs.$jobs
	cmp -s $dir/counts.1 $dir/counts.$jobs || complain "--jobs $jobs counts otherwise:" $dir/counts.$jobs
done

# JSON is JSON, and nothing else; the last object sums up.
if python3 -c 'import json' 2>/dev/null; then
	for file in $dir/jobs $dir/counts; do
		while read -r line; do
			printf '%s\n' "$line" | python3 -m json.tool >/dev/null 2>$out ||
				complain "no JSON: $line" $out
		done <$file
	done
fi
test "$(grep -c '^{"type": "finding", .*"repeat": .*"trace": ' $dir/jobs)" -ge 1 || complain 'no finding' $dir/jobs
tail -n 1 $dir/jobs | grep -q '^{"type": "summary", "scenarios": ' || complain 'no summary' $dir/jobs

# An interrupt: the summary comes, as does what was found.
for jobs in 1 2; do
	# A shell has what it does not wait for ignore the signal.
	rm -f $dir/progress
	env --default-signal=INT "$explore" --seconds 12 --jobs $jobs --progress lock-2x1 lock-3x1 >$out 2>$dir/progress &
	pid=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do
		test ! -s $dir/progress || break
		sleep 1
	done
	grep -q '^lock-2x1: [0-9]* schedules, [0-9]*/s, [0-9]* states, 0 findings' $dir/progress ||
		complain "no progress" $dir/progress
	kill -INT $pid
	wait $pid
	status=$?
	test $status -eq 0 || complain "an interrupt ends it with $status" $out
	says '^lock-2x1  *ok '
	says '^interrupted after 1 of 2 scenarios'
	says '^0 failures in [0-9]* schedules of 1 scenario'
done

exit $failed
