#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Whatever code the library has is run by some scenario: every block of every line, but for those in the list
# "unreached", each of which has a reason. A line there that is run, or that is gone, is an error, too.
#
#	coverage.sh		needs top_srcdir, top_builddir; CC and OBJCOPY as build.sh, OBJDUMP, ADDR2LINE
#
# The library is compiled anew, without optimisation, so that a block belongs to one line; what the headers define
# counts as run if any copy of it is. Its counters are narrow, for what is done where they are at their ends.
set -u
here=$top_srcdir/stress/explore
schedules=${EXPLORE_SCHEDULES:-500}
dir=explore-coverage.$$
trap 'rm -rf $dir' EXIT
mkdir $dir || exit 1
failed=0

EXPLORE_CONSTANTS=narrow EXPLORE_CFLAGS='-O0 -gdwarf-4 -fsanitize-coverage=trace-pc' \
	EXPLORE_MORE=$here/coverage/record.c WARNINGS=-w \
	sh "$here/build.sh" "$top_srcdir" $dir/objects $dir/weft-explore >$dir/out 2>&1 || { cat $dir/out; exit 1; }
$dir/weft-explore --list >/dev/null 2>&1
test $? -ne 77 || exit 77
EXPLORE_COVERAGE=$dir/run $dir/weft-explore --jobs 1 --schedules "$schedules" >$dir/out 2>&1 ||
	{ cat $dir/out; exit 1; }

# Blocks: where the call is, where it returns to, the function, and by the first of these the place.
${OBJDUMP:-objdump} -d --no-show-raw-insn $dir/weft-explore | awk '
	/^[0-9a-f]+ <.*>:$/ { fn = $1; next }
	/^ *[0-9a-f]+:/ {
		sub(":", "", $1)
		if (call != "")
			print call, $1, fn
		call = $0 ~ /<__sanitizer_cov_trace_pc>/ && $2 ~ /^(call|bl)/ ? $1 : ""
	}' >$dir/calls
cut -d ' ' -f 1 $dir/calls | ${ADDR2LINE:-addr2line} -e $dir/weft-explore | sed 's/ .*//' >$dir/places
cut -d ' ' -f 2,3 $dir/calls | paste -d ' ' - $dir/places >$dir/blocks

# The n-th block of a line in one function is the same as in another copy of that line.
awk 'NR == FNR { run[$1] = 1; next }
	{
		key = $3 " " ++n[$2 " " $3]
		known[key] = $3
		if ($1 in run)
			reached[key] = 1
	}
	END {
		for (key in known)
			if (!(key in reached))
				missed[known[key]] = 1
		for (place in missed)
			print place
	}' $dir/run $dir/blocks | sed -n 's,^.*/\(\(lib\|include/weft\)/[^/]*\)$,\1,p' | sort -t: -k1,1 -k2,2n >$dir/missed

while IFS=: read -r file line; do
	printf '%s\t%s\t%s\n' "$file" "$line" "$(sed -n "${line}{s/^[[:space:]]*//;p;}" "$top_srcdir/$file")"
done <$dir/missed >$dir/missed.text

sed '/^#/d' "$here/coverage/unreached" >$dir/reasons
awk -F '\t' '
	FILENAME == ARGV[1] { reason[$1 "\t" $2] = $3; next }
	($1 "\t" $3) in reason { used[$1 "\t" $3] = 1; next }
	{ print $1 ":" $2 ": never run: " $3; failed = 1 }
	END {
		for (entry in reason)
			if (!(entry in used)) {
				print "run now, or gone: " entry
				failed = 1
			}
		exit failed
	}' $dir/reasons $dir/missed.text || failed=1
echo "$(awk '{ print $3 }' $dir/blocks | grep -c -E '/(lib|include/weft)/[^/]*$') blocks, $(wc -l <$dir/missed) lines with one" \
	"that was not run"
exit $failed
