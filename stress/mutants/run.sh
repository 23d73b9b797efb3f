#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The mutants: weft with one small bug each. Does each die in a gate that the unmutated source passes?
#
#	run.sh [--json] [--gates LIST] SRCDIR DIR [NUMBER|NAME...]	all, or these; objects and results go to DIR
#	run.sh --applies SRCDIR DIR			only whether each diff applies
#
# The gates are the project's own checks, with the same settings for all: first the source as it is goes through every
# one of them, and so do the controls, which are changes that do no harm and must not be reported. A mutant goes from
# gate to gate, the quick ones first, until one kills it. doc/mutants.md has more; the list is stress/mutants/list.
#
# Exit status: 0: the score is as it must be; 1: it is not, a control was reported or a diff no longer applies; 77: the
# explorer cannot be built here.
#
# Inside, this script calls itself for what runs in parallel:
#	run.sh --build FLAVOUR | --pass GATE | --mutant NUMBER
set -u

# ---- settings, the same for mutants, controls and the source as it is ----

few=100				# schedules of each scenario, those of the object alone
many=2000			# the same, when these have shown nothing
all=200				# schedules of every scenario
test_limit=60			# seconds until a unit test hangs
stress_options='--seconds 2 --deadline 3 --threads 8 --timeouts 30 --seed 1'

gates=${gates:-explore narrow asleep unit stress tsan asan}

CC=${CC:-cc} TSAN_CC=${TSAN_CC:-}
common='-std=c11 -O1 -g -w -D_GNU_SOURCE -pthread'
export CC TSAN_CC WARNINGS=-w
export TSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1

die()
{
	echo "mutants: $*" >&2
	exit 1
}

# ---- compilers ----

has_sanitizer()
{
	echo 'int main(void) { return 0; }' >"$dir/try.c"
	$1 -fsanitize="$2" -o "$dir/try" "$dir/try.c" >/dev/null 2>&1
}

# sanitizing_compiler SANITIZER: nothing if there is none. gcc 12 hoists a look out of wait loops under thread.
sanitizing_compiler()
{
	for cc in ${TSAN_CC:+"$TSAN_CC"} clang "$CC"; do
		if has_sanitizer "$cc" "$1"; then
			echo "$cc -fsanitize=$1"
			break
		fi
	done
}

compiler_of()
{
	case $1 in
	plain) echo "$CC" ;;
	*) cat "$dir/$1/cc" ;;
	esac
}

# compile FLAVOUR TREE SOURCE OBJECT
compile()
{
	$(compiler_of "$1") $common -DWEFT_PLAIN_RUNNER -I"$2/include" -iquote "$2/lib" -I"$2/lib/sys" -c "$3" -o "$4"
}

# ---- the parts that all share: DIR/FLAVOUR ----

# stress/explore/build.sh has them: spins that end soon, with counters of two bits, and no spins at all.
constants_of()
{
	case $1 in
	explore) echo small ;;
	*) echo "$1" ;;
	esac
}

build()
{
	rm -rf "${dir:?}/$1"
	mkdir -p "$dir/$1"
	case $1 in
	explore | narrow | asleep)
		EXPLORE_CONSTANTS=$(constants_of "$1") \
			sh "$srcdir/stress/explore/build.sh" "$srcdir" "$dir/$1" "$dir/$1/weft-explore"
		return
		;;
	tsan) sanitizing_compiler thread >"$dir/$1/cc" ;;
	asan) sanitizing_compiler address,undefined >"$dir/$1/cc" ;;
	esac
	test -n "$(compiler_of "$1")" || return 0
	for source in "$srcdir"/lib/*.c "$srcdir"/tests/*.c "$srcdir"/tests/runner/runner.c; do
		compile "$1" "$srcdir" "$source" "$dir/$1/$(part "$source").o" || return
	done
	test "$1" = plain || return 0
	for source in "$srcdir"/stress/stress/*.c; do
		compile "$1" "$srcdir" "$source" "$dir/$1/$(part "$source").o" || return
	done
}

# lib-lock, tests-lock, stress-lock
part()
{
	echo "$(basename "$(dirname "$1")")-$(basename "$1" .c)"
}

# link FLAVOUR tests|stress TREE PROGRAM: what is changed in TREE is compiled anew
link()
{
	objects=
	flavour=$1 from=$3 made=$4
	case $2 in
	tests) set -- "$from"/lib/*.c "$srcdir"/tests/*.c "$srcdir"/tests/runner/runner.c ;;
	*) set -- "$from"/lib/*.c "$srcdir"/stress/stress/*.c ;;
	esac
	for source in "$@"; do
		name=$(part "$source")
		compiled=$dir/$flavour/$name.o
		case "$touched $name" in
		*' include/'* | *' lib/'*'.h '*lib-* | *" lib/${name#lib-}.c "*lib-*)
			compiled=$from/$flavour-$name.o
			test -f "$compiled" || compile "$flavour" "$from" "$source" "$compiled" || return
			;;
		esac
		objects="$objects $compiled"
	done
	$(compiler_of "$flavour") $common -o "$made" $objects
}

# ---- gates: each is left with 0 if all went well; else $detector, $cost and $repeat say what was found ----


# explored PROGRAM SCHEDULES PATTERN...
explored()
{
	program=$1 schedules=$2
	shift 2
	timeout -k 5 120 "$program" --schedules "$schedules" "$@" >"$tree/out" 2>&1
	status=$?
	ran=$((ran + $(awk '/^FAIL / { failed = 1 } / schedules / { for (i = 2; i <= NF; i++) if ($i == "schedules") n += $(i - 1)
		if (failed) exit } END { print n + 0 }' "$tree/out")))
	test $status -ne 0 || return 0
	cost="$ran schedules"
	detector=$(sed -n 's/^FAIL [^:]*: \([^:]*\).*/\1/p' "$tree/out" | head -n 1)
	repeat=$(sed -n 's/^repeat: [^ ]*weft-explore /weft-explore /p' "$tree/out" | head -n 1)
	test -n "$detector" || detector="ended with $status"
	return 1
}

gate_explore()
{
	changed_explorer explore || return
	ran=0
	set -f
	for step in "$few $patterns" ${patterns:+"$many $patterns"} "$all"; do
		explored "$tree/weft-explore" $step || { set +f; return 1; }
	done
	set +f
}

# With other constants; what is left by now is of the object, if of any.
explored_as()
{
	changed_explorer "$1" || return
	ran=0
	set -f
	explored "$tree/weft-explore" "$all" $patterns
	status=$?
	set +f
	return $status
}

gate_narrow()
{
	explored_as narrow
}

gate_asleep()
{
	explored_as asleep
}

changed_explorer()
{
	EXPLORE_CONSTANTS=$(constants_of "$1") sh "$srcdir/stress/explore/build.sh" "$srcdir" "$dir/$1" \
		"$tree/weft-explore" "$tree" >"$tree/out" 2>&1 && return
	detector='does not compile' cost=- repeat=-
	return 1
}

# tested FLAVOUR: the unit tests of $globs
tested()
{
	flavour=$1 start=$(date +%s)
	if ! link "$flavour" tests "$tree" "$tree/unit-$flavour" >"$tree/out" 2>&1; then
		detector='does not compile' cost=- repeat=-
		return 1
	fi
	set -f
	set -- $globs
	set +f
	for glob in "$@"; do
		timeout -k 5 240 "$tree/unit-$flavour" --jobs "$test_jobs" --limit "$test_limit" "$glob" \
			>"$tree/out" 2>&1 && continue
		cost="$(($(date +%s) - start)) s"
		detector=$(sed -n '/ThreadSanitizer/s/.*ThreadSanitizer: \([a-z -]*\).*/\1/p
			/AddressSanitizer/s/.*AddressSanitizer: \([a-z -]*\).*/\1/p
			/runtime error/s/.*\(runtime error\).*/\1/p' "$tree/out" | head -n 1)
		repeat=$(sed -n 's/^FAIL  *\([^ :]*\).*/unit-plain \1/p' "$tree/out" | head -n 1)
		test -n "$detector" || detector=test
		return 1
	done
}

gate_unit()
{
	tested plain
}

# The object's own tests; where it has none, all.
gate_tsan()
{
	test -z "$(compiler_of tsan)" || globs=${globs% \*} tested tsan
}

gate_asan()
{
	test -z "$(compiler_of asan)" || globs=${globs% \*} tested asan
}

gate_stress()
{
	start=$(date +%s)
	if ! link plain stress "$tree" "$tree/weft-stress" >"$tree/out" 2>&1; then
		detector='does not compile' cost=- repeat=-
		return 1
	fi
	for each in $tortures; do
		timeout -k 5 60 "$tree/weft-stress" $each $stress_options >"$tree/out" 2>&1 && continue
		cost="$(($(date +%s) - start)) s"
		detector=$(sed -n 's/^FAILED [^:]*: \([a-z]*\).*/\1/p' "$tree/out" | head -n 1)
		repeat=$(sed -n 's/^repeat with: //p' "$tree/out" | head -n 1)
		return 1
	done
}

# What of the gates is for an object: its scenarios, unit tests and tortures first.
aim_at()
{
	patterns= globs='*' tortures=
	case $1 in
	lock) patterns='lock-* rlock-* wakes-*' globs="lock* cond/* *" tortures='lock rlock cond' ;;
	rlock) patterns='rlock-* cond-*' globs="rlock/* *" tortures=rlock ;;
	event) patterns='event-* prompt-*' globs="event/* *" tortures=event ;;
	cond) patterns='cond-*' globs="cond/* *" tortures=cond ;;
	sem) patterns='sem-* wakes-*' globs="sem/* *" tortures=sem ;;
	barrier) patterns='barrier-*' globs="barrier/* *" tortures=barrier ;;
	wait) patterns='*cancel* prompt-*' globs="cancel/* *" tortures=event ;;
	misuse | with | describe) patterns="$1-*" globs="$1/* *" ;;
	time) patterns='time-*' globs='time/* syscalls/* *' tortures='lock event sem' ;;
	*) globs='syscalls/* time/* *' tortures='lock event sem' ;;
	esac
}

# ---- one mutant, in DIR/tree-NUMBER ----

# mutate DIFF: the library in $tree, changed, and $touched, the changed files with a space around each
mutate()
{
	mkdir -p "$tree/lib"
	cp -R "$srcdir"/lib/*.[ch] "$srcdir/lib/sys" "$tree/lib"
	cp -R "$srcdir/include" "$tree"
	chmod -R u+w "$tree"
	touched=" $(sed -n 's,^+++ b/\([^	]*\).*,\1,p' "$1" | tr '\n' ' ')"
	patch --batch --silent --fuzz=0 --no-backup-if-mismatch -p1 -d "$tree" <"$1" >"$tree/out" 2>&1
}

diff_of()
{
	case $1 in
	*/*) echo "$srcdir/stress/$1.diff" ;;
	*) echo "$srcdir/stress/mutants/$1.diff" ;;
	esac
}

# A line of the list, without blanks at its ends: number, class, object, diff, what.
entry()
{
	awk -v wanted="$1" '/^[^#\t]/ && $1 == wanted { print; exit }' "$list"
}

result()
{
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$number" "$class" "$object" "$diff" "$1" "$2" "$3" "$4" "$5" \
		>"$dir/result-$number"
}

mutant()
{
	entry "$1" >"$dir/entry-$1"
	read -r number class object diff what <"$dir/entry-$1"
	tree=$dir/tree-$number
	rm -rf "$tree" "$dir/entry-$1"
	file=$(diff_of "$diff")
	aim_at "$object"
	if ! mutate "$file"; then
		result broken - 'does not apply' - -
		cat "$tree/out" >&2
		return
	fi
	for gate in $gates; do
		case $touched$gate in
		' lib/sys/weft_sys.h 'explore | ' lib/sys/weft_sys.h 'narrow | ' lib/sys/weft_sys.h 'asleep)
			continue ;; # the explorer has one of its own
		esac
		detector= cost= repeat=
		gate_$gate && continue
		if test "$detector" = 'does not compile'; then
			result broken - "$detector" - -
			cat "$tree/out" >&2
		elif test "$class" = -; then
			cp "$tree/out" "$dir/output-$number"
			result reported "$gate" "$detector" "$cost" "$repeat"
		else
			cp "$tree/out" "$dir/output-$number"
			result killed "$gate" "$detector" "$cost" "$repeat"
		fi
		rm -rf "$tree"
		return
	done
	case $class in
	-) result silent - - - - ;;
	*) result survived - - - - ;;
	esac
	rm -rf "$tree"
}

# The source as it is, in one gate; what a mutant of any object can come to.
pass()
{
	tree=$dir/pass-$1 touched=' '
	rm -rf "$tree"
	mkdir -p "$tree/lib"
	cp -R "$srcdir"/lib/*.[ch] "$srcdir/lib/sys" "$tree/lib"
	cp -R "$srcdir/include" "$tree"
	aim_at none
	case $1 in
	explore) all=$many ;;
	stress) tortures='lock rlock event cond sem barrier' ;;
	esac
	if gate_$1; then
		rm -rf "$tree"
	else
		echo "the source as it is does not pass the gate $1: $detector; $repeat" >&2
		cat "$tree/out" >&2
		touch "$dir/unsound"
	fi
}

# ---- everything ----

# Each result beside its line of the list, in the order of the list.
results_in_order()
{
	for number in $numbers; do
		cat "$dir/result-$number" 2>/dev/null || entry "$number" |
			awk -v OFS='\t' '{ print $1, $2, $3, $4, "broken", "-", "no result", "-", "-" }'
	done
}

table()
{
	awk -F '\t' '
		function cut(text, n) { return length(text) > n ? substr(text, 1, n - 1) "~" : text }
		FNR == NR { if ($0 ~ /^[^#\t]/) { split($0, word, /[ ]+/); what[word[1]] = $0
				sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +/, "", what[word[1]]); last = word[1] }
			else if ($0 ~ /^\t/) { sub(/^\t+/, ""); why[last] = why[last] " " $0 }
			next }
		FNR == 1 { printf "%-5s %-5s %-8s %-26s %-8s %-18s %-16s %s\n", "", "class", "object", "mutant", "gate",
			"found", "after", "to repeat" }
		{ n = $4; sub(/.*\//, "", n)
		  printf "%-5s %-5s %-8s %-26s %-8s %-18s %-16s %s\n", $1, $2, $3, cut(n, 26),
			$5 == "killed" || $5 == "reported" ? $6 : $5, $7, $8, $9
		  printf "      %s\n", what[$1]
		  if ($5 == "survived") printf "      survives:%s\n", why[$1] == "" ? " not explained" : why[$1] }
	' "$list" -
}

score()
{
	awk -F '\t' '
		$2 == "-" { controls++; reported += $5 != "silent"; next }
		{ n[$2]++; all++; dead = $5 == "killed"; killed[$2] += dead; gone += dead; by[$6] += dead }
		$5 == "broken" { broken++ }
		END {
			for (i = 1; i <= 3; i++) {
				class = substr("ABC", i, 1)
				if (n[class]) printf "class %s: %d of %d killed\n", class, killed[class], n[class]
			}
			if (all) printf "in all: %d of %d killed (%.1f %%)\n", gone, all, 100 * gone / all
			printf "by gate:"
			split("explore narrow asleep unit stress tsan asan", gate, " ")
			for (i = 1; i <= 7; i++) printf " %s %d", gate[i], by[gate[i]]
			printf "\ncontrols: %d of %d reported\n", reported, controls
			if (broken) printf "%d no longer apply or compile\n", broken
			exit !(killed["A"] == n["A"] && gone >= 0.9 * all && !reported && !broken)
		}'
}

as_json()
{
	awk -F '\t' '
		function quote(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }
		{ printf "{\"number\": %s, \"class\": %s, \"object\": %s, \"mutant\": %s, \"result\": %s, \"gate\": %s, ",
			quote($1), quote($2), quote($3), quote($4), quote($5), quote($6)
		  printf "\"found\": %s, \"after\": %s, \"repeat\": %s}\n", quote($7), quote($8), quote($9) }'
}

# in_parallel MODE ARGUMENT...
in_parallel()
{
	mode=$1
	shift
	test $# -gt 0 || return 0
	printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh "$0" "$mode" "$srcdir" "$dir"
}

# Whether each diff applies, and is named once.
applies()
{
	awk '/^[^#\t]/ { print $1, $4 }' "$list" >"$dir/named"
	(cd "$srcdir/stress/mutants" && ls -- *.diff) | while read -r file; do
		test "$(awk -v name="${file%.diff}" '$2 == name' "$dir/named" | wc -l)" -eq 1 ||
			echo "the list names $file more than once, or not"
	done >"$dir/wrong"
	awk '{ print $1 }' "$dir/named" | sort | uniq -d | sed 's/^/number twice: /' >>"$dir/wrong"
	while read -r number diff; do
		tree=$dir/tree-$number
		rm -rf "$tree"
		mutate "$(diff_of "$diff")" || { echo "$diff does not apply:"; cat "$tree/out"; } >>"$dir/wrong"
		rm -rf "$tree"
	done <"$dir/named"
	cat "$dir/wrong"
	test ! -s "$dir/wrong"
}

main()
{
	if test $# -gt 0; then
		numbers=$(for each in "$@"; do
			awk -v wanted="$each" '/^[^#\t]/ { name = $4; sub(".*/", "", name)
				if ($1 == wanted || name == wanted) { print $1; found = 1 } }
				END { exit !found }' "$list" || echo "mutants: no such mutant: $each" >&2
		done)
	else
		numbers=$(awk '/^[^#\t]/ { print $1 }' "$list")
	fi
	test -n "$numbers" || exit 1
	rm -rf "$dir"/tree-* "$dir"/pass-* "$dir"/result-* "$dir"/output-* "$dir/unsound"
	start=$(date +%s)
	in_parallel --build $(printf '%s\n' $gates | sed 's/^unit$\|^stress$/plain/' | sort -u) ||
		die 'the shared parts do not compile'
	if test -x "$dir/explore/weft-explore" && ! "$dir/explore/weft-explore" --list >/dev/null 2>&1; then
		"$dir/explore/weft-explore"
		exit 77
	fi
	in_parallel --pass $gates
	test ! -f "$dir/unsound" || die 'nothing can be said of mutants'
	# Those that take longest first: the controls go through every gate.
	in_parallel --mutant $(for n in $numbers; do case $n in C*) echo "$n" ;; esac; done) \
		$(for n in $numbers; do case $n in C*) ;; *) echo "$n" ;; esac; done)
	results_in_order >"$dir/results"
	results_in_order | table >"$dir/mutants.txt"
	score <"$dir/results" >>"$dir/mutants.txt"
	status=$?
	echo "$(($(date +%s) - start)) s" >>"$dir/mutants.txt"
	if test -n "$json"; then
		as_json <"$dir/results"
	else
		cat "$dir/mutants.txt"
	fi
	exit $status
}

# One more than there are processors: some mutants hang, and are only waited for.
jobs=${JOBS:-$(($(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1))}
test_jobs=2
json= mode=
while test $# -gt 0; do
	case $1 in
	--json) json=yes ;;
	--gates) gates=$2 && shift ;;
	--*) mode=$1 ;;
	*) break ;;
	esac
	shift
done
test $# -ge 2 || die 'run.sh [--json] [--gates LIST] SRCDIR DIR [NUMBER|NAME...]'
export gates
srcdir=$(cd "$1" && pwd) || exit
mkdir -p "$2" || exit
dir=$(cd "$2" && pwd)
list=$srcdir/stress/mutants/list
shift 2
case $mode in
'') main "$@" ;;
--applies) applies ;;
--build) build "$1" ;;
--pass) pass "$1" ;;
--mutant) mutant "$1" ;;
*) die "unknown: $mode" ;;
esac
