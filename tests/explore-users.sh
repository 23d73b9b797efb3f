#!/bin/sh
# SPDX-License-Identifier: MIT
#
# libweft-explore the way a user meets it: the project in doc/examples/explore is built by its own Makefile, explored,
# what is found is repeated, made shorter, repaired and explored again; programs of the usual mistakes are found out;
# and whoever builds or calls it wrongly is told so.
#
#	explore-users.sh			against the build tree
#	explore-users.sh FLAGS LIBS		with what pkg-config says of the installed package
#
# From the environment: top_srcdir, top_builddir, CC, CXX (empty: no C++).
set -u

: "${CC:=cc}" "${CXX=}" "${MAKE:=make}"
top=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
flags=${1:--I$top/include -fsanitize=thread}
libs=${2:--L$build/stress/explore -lweft-explore}
if [ $# -eq 0 ] && [ ! -e "$build/stress/explore/libweft-explore.a" ]; then
	echo 'libweft-explore was not built'
	exit 77
fi
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cp -R "$top/doc/examples/explore/." "$work"
cp "$top/tests/explore"/* "$work"
chmod -R u+w "$work"
cd "$work" || exit 99
failed=0

fail()	# WHAT [FILE]
{
	echo "FAIL: $1"
	[ $# -lt 2 ] || head -n 60 "$2"
	failed=1
}

compile()	# COMPILER ARGUMENTS...
{
	# shellcheck disable=SC2086 # lists of words
	"$@" -g $flags -Wall -Wextra -Werror
}

# run STATUS COMMAND...: its output is in out.
run()
{
	status=$1
	shift
	timeout -k 5 60 "$@" >out 2>&1
	got=$?
	[ $got -eq "$status" ] || fail "$* ended with $got, not $status:" out
}

says()	# PATTERN...: each in a line of out
{
	for pattern; do
		grep -q -e "$pattern" out || fail "no line has '$pattern':" out
	done
}

# repeats WHICH: the command that out has behind "repeat:" or "shorter:" fails in the same way.
repeats()
{
	grep '^FAIL' out | head -n 1 >first
	line=$(sed -n "s/^$1: //p" out | head -n 1)
	[ -n "$line" ] || { fail "there is nothing to $1:" out; return; }
	eval "run_again 1 $line"
	grep '^FAIL' again | cmp -s - first || fail "'$line' does not fail as before:" again
}

run_again()
{
	cp out before
	run "$@"
	mv out again
	mv before out
}

# ---- the example: found, repeated, repaired, clean ----

make_example()
{
	$MAKE -s CC="$CC" EXPLORE_CFLAGS="$flags -Wall -Wextra -Werror" EXPLORE_LIBS="$libs" >out 2>&1 ||
		fail 'the example does not compile:' out
}

make_example
run 1 ./buffer-test
says '^one-each  *ok ' '^FAIL two-for-two: stuck' '^FAIL in-order: stuck' ' buffer\.c:[0-9]* buffer_put' \
	'T0 sleeps, .*buffer_put' 'T[12] sleeps, .*buffer_get' '^failed: two-for-two, in-order$'
repeats repeat
repeats shorter
run 1 ./buffer-test --quiet --json two-for-two
says '"type": "finding", "scenario": "two-for-two", "kind": "stuck"'
patch -s -p1 <buffer-fix.diff || fail 'buffer-fix.diff does not apply'
make_example
run 0 ./buffer-test
says '^0 failures in 60000 schedules of 3 scenarios'
run 0 ./buffer-test --strategy search:2 one-each
says 'one-each  *ok .* complete'

run 1 ./order
says '^FAIL transfers: stuck' 'T0 sleeps, .*:16 transfer' 'T1 sleeps, .*:16 transfer'
repeats repeat
run 1 ./race
says '^FAIL hits: race' 'write by T0.*race\.c:21' 'read by T1.*race\.c:23'
repeats shorter
run 1 ./freed --keep-going
says '^FAIL request: use after free' '^  race ' '^  use after free '

# ---- usual mistakes with weft's objects: what is broken is found, what is repaired is not ----

# explores SOURCE COMPILER LEVEL LINK: as the line "expect: SCENARIO KIND" in it says.
explores()
{
	# shellcheck disable=SC2046,SC2086
	if ! compile "$2" "$3" ${4:+-fPIE} -c "$1" -o it.o >out 2>&1 ||
			! "$2" ${4-} -o it it.o main.o $libs >out 2>&1; then
		fail "$2 $3: $1 does not compile:" out
		return
	fi
	set -- "$1" $(sed -n 's/^.*expect: //p' "$1")
	run 1 ./it "$2"
	says "^FAIL $2: $3"
	repeats repeat
	run 0 ./it '*-fixed'
}

compile "$CC" -c main.c || fail 'main.c does not compile'
for source in once.c wait-if.c sem-mutex.c phases.c mailbox.c; do
	explores $source "$CC" -O1 ''
done
for level in -O0 -O2; do
	explores mailbox.c "$CC" $level -pie
done
for compiler in gcc clang; do
	! command -v $compiler >out || [ "$compiler" = "$CC" ] || explores once.c $compiler -O1 ''
done
[ -z "$CXX" ] || explores class.cc "$CXX" -O1 ''

# ---- mistakes with the explorer ----

cat >wrong.c <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/explore.h>

/* Names that the explorer has for itself. */
int run, choose, point, self, report_fibers, options, search;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct weft_event never;
static int x;

static void *begin(void)
{
	return &x;
}

static void thread(void *state, unsigned number)
{
	(void)state, (void)number;
}

static void mutexes(void *state, unsigned number)
{
	(void)state, (void)number;
	pthread_mutex_lock(&mutex);
	weft_explore_step();
	pthread_mutex_unlock(&mutex);
}

static void barriers(void *state, unsigned number)
{
	static pthread_barrier_t barrier;

	(void)state, (void)number;
	pthread_barrier_wait(&barrier);
}

static void chance(void *state, unsigned number)
{
	(void)state, (void)number;
	weft_explore_step();
	weft_explore_check(rand() % 64 != 1);
}

int main(int argc, char **argv)
{
	static struct weft_explore_scenario scenarios[] = {
		{ .name = "one", .threads = 2, .begin = begin, .thread = thread },
		{ .name = "mutexes", .threads = 2, .begin = begin, .thread = mutexes },
		{ .name = "chance", .threads = 2, .begin = begin, .thread = chance },
		{ .name = "barriers", .threads = 2, .begin = begin, .thread = barriers },
		{ .name = NULL },
	};
	const struct weft_explore_scenario *tables[] = { scenarios, NULL };
	const char *const wrong = getenv("WRONG") != NULL ? getenv("WRONG") : "";

	if (strcmp(wrong, "eight") == 0)
		scenarios[0].threads = 8;
	if (strcmp(wrong, "none") == 0)
		scenarios[0].threads = 0;
	if (strcmp(wrong, "thread") == 0)
		scenarios[0].thread = NULL;
	if (strcmp(wrong, "begin") == 0)
		scenarios[0].begin = NULL;
	if (strcmp(wrong, "name") == 0)
		scenarios[0].name = "a b";
	if (strcmp(wrong, "twice") == 0)
		scenarios[0].name = scenarios[1].name;
	if (strcmp(wrong, "flags") == 0)
		scenarios[0].flags = 1 << 20;
	if (strcmp(wrong, "empty") == 0)
		scenarios[0].name = NULL;
	if (strcmp(wrong, "outside") == 0)
		weft_explore_alloc(1, "x");
	if (strcmp(wrong, "wait") == 0)
		weft_event_wait(&never);
	return weft_explore_main(argc, argv, tables);
}
END
cp wrong.c plain.c
# shellcheck disable=SC2086
compile "$CC" -c wrong.c && "$CC" -o wrong wrong.o $libs || fail 'wrong.c does not compile'
run 0 ./wrong one
for wrong in 'eight 7' 'none .threads' 'thread .thread' 'begin .begin' 'name name' 'twice same.name' 'flags .flags' \
		'empty no.scenario'; do
	run 2 env "WRONG=${wrong% *}" ./wrong
	says "^weft-explore: .*${wrong#* }"
done
for wrong in 'outside weft_explore_alloc' 'wait has.to.wait'; do
	run 134 env "WRONG=${wrong% *}" ./wrong
	says "^weft-explore: .*${wrong#* }.*no schedule"
done
run 2 ./wrong 'no-such-*'
says 'no-such-'
run 1 ./wrong mutexes
says '^FAIL mutexes: pthread_mutex_lock: .*weft_lock'
run 1 ./wrong chance
says '^FAIL chance: check: .* not the same when run again'
run 1 ./wrong barriers
says '^FAIL barriers: pthread_barrier_wait: .*weft_barrier'

flags_there=$flags
flags=$(echo "$flags" | sed 's/-fsanitize=thread//')
# shellcheck disable=SC2086
compile "$CC" -c plain.c && "$CC" -o plain plain.o $libs || fail 'without the flag it does not link'
flags=$flags_there
run 2 ./plain
says 'no file of this program was compiled with -fsanitize=thread'
# Where there is no such library it cannot be linked with.
# shellcheck disable=SC2086
if "$CC" -fsanitize=thread -o both wrong.o $libs 2>out; then
	run 2 ./both
	says 'linked with -fsanitize=thread'
elif ! grep -q 'cannot find\|No such file' out; then
	fail 'linked with -fsanitize=thread:' out
fi
exit $failed
