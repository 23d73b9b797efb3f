#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Schedules do not depend on the machine, nor on how fibers are switched.
#
#	machines.sh			a build with swapcontext() goes through the same schedules as the native one
#	machines.sh HOST RUN...		so does a cross build for HOST, whose programs RUN runs; all scenarios pass there
set -u
test -z "${WEFT_CHECK_QUICK:-}" || exit 77
explore=$top_builddir/stress/weft-explore
dir=explore-machines.$$
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
"$explore" --list >/dev/null
test $? -ne 77 || exit 77

if test $# -gt 0; then
	CC=$1-gcc OBJCOPY=$1-objcopy AR=$1-ar
	export CC OBJCOPY AR
	shift
else
	EXPLORE_RUNTIME=-DEXPLORE_UCONTEXT
	export EXPLORE_RUNTIME
fi
if ! sh "$top_srcdir/stress/explore/build.sh" "$top_srcdir" $dir/objects $dir/weft-explore >$dir/out 2>&1; then
	complain 'does not build:' $dir/out
	exit 1
fi

"$@" $dir/weft-explore --schedules 50 >$dir/out 2>&1 || complain 'a scenario fails:' $dir/out
"$explore" --schedules 20 --hashes '*' 'known*' >$dir/native 2>$dir/out
"$@" $dir/weft-explore --schedules 20 --hashes '*' 'known*' >$dir/other 2>>$dir/out
test -s $dir/native || complain 'no hashes:' $dir/out
diff $dir/native $dir/other >$dir/diff || complain 'schedules differ:' $dir/diff
exit $failed
