#!/bin/sh
# SPDX-License-Identifier: MIT
#
# weft-stress as its manual says: options, exit status, what it prints.
set -u
stress=$top_builddir/stress/weft-stress
out=stress-cli.$$
trap 'rm -f $out' EXIT
failed=0

# expect STATUS WORDS...: weft-stress WORDS exits with STATUS and leaves what it printed in $out
expect()
{
	status=$1
	shift
	"$stress" "$@" >$out 2>&1
	got=$?
	test $got -eq "$status" && return
	echo "weft-stress $*: exit status $got instead of $status"
	cat $out
	failed=1
}

# says PATTERN: the last one printed this
says()
{
	grep -q -e "$1" $out && return
	echo "nothing like '$1' in:"
	cat $out
	failed=1
}

expect 0 --help
says '--seconds'
expect 0 --list
for object in lock rlock event cond sem barrier once latch; do
	says "^$object  *[a-z]"
done

# Called wrongly.
expect 2
expect 2 mutex
expect 2 lock --threads 1
expect 2 lock --seconds soon
expect 2 lock --case nothing
expect 2 --no-such-option
expect 2 --busted --twins /nonexistent

# All cases of all objects, if only for a moment.
expect 0 all --seconds 0.5 --threads 4 --seed 7 --signals
for object in lock rlock event cond sem barrier once latch; do
	says "^$object *ok .*ops"
done
says 'seed 0x7'

expect 0 lock sem --seconds 0 --timeouts 0 --threads 3
says '^sem *ok'
if grep -q '^event' $out; then
	echo 'an object that was not asked for has run'
	failed=1
fi
expect 0 event --case waves --seconds 0 --round 5

# The bound on waits is looked at.
expect 1 lock --case starve --seconds 2 --bound 0.001
says '^FAILED lock/starve: starved: '

"$stress" barrier --seconds 0 --threads 4 --json >$out 2>&1
case $? in
0)
	says '"object": *"barrier"'
	says '"ok": *true'
	;;
2) says 'without json-c' ;;
*)
	echo '--json failed'
	cat $out
	failed=1
	;;
esac

exit $failed
