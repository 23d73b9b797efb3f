#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every public function has a manual page that names it, no page names what is not there, and mandoc finds nothing.
set -u
LC_ALL=C
export LC_ALL

top=${top_srcdir:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failed=0

# Functions and macros for users: no weft__, WEFT__, no slow halves, no include guards, nothing of base.h.
public()
{
	for header in "$top"/include/weft/*.h; do
		[ "${header##*/}" = base.h ] || cat "$header"
	done |
	sed -n 's/^WEFT_API .*[ *]\(weft_[a-z0-9_]*\)(.*/\1/p
		s/^#define \(weft_[a-z0-9_]*\)(.*/\1/p
		s/^#define \(WEFT_[A-Z0-9_]*\)\([ (].*\)/\1/p' |
	grep -v -e '^weft__' -e '^WEFT__' -e '_slow$' | sort -u
}

# explore.h is of another library, whose functions have no WEFT_API.
explored()
{
	sed -n 's/^[a-z_].*[ *]\(weft_explore_[a-z_]*\)(.*/\1/p' "$top/include/weft/explore.h"
}

# names PAGE: those in its NAME section.
names()
{
	sed -n '/^\.Sh NAME/,/^\.Sh LIBRARY/s/^\.Nm \([A-Za-z0-9_]*\).*/\1/p' "$1"
}

{ public; explored; } | sort -u >"$work/public"
for page in "$top"/doc/man/*.3; do
	names "$page"
done | sort >"$work/named"

uniq -d "$work/named" >"$work/twice"
sort -u -o "$work/named" "$work/named"
comm -23 "$work/public" "$work/named" >"$work/undocumented"
comm -13 "$work/public" "$work/named" >"$work/unknown"
for what in undocumented unknown twice; do
	if [ -s "$work/$what" ]; then
		echo "FAIL: $what:" $(cat "$work/$what")
		failed=1
	fi
done
[ -s "$work/public" ] || { echo "FAIL: no public names found"; failed=1; }

# What the synopsis declares is what the page is about.
for page in "$top"/doc/man/*.3; do
	names "$page" | grep '^weft_' | sort >"$work/named"
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.\(F[no]\|Ic\) \(weft_[a-z0-9_]*\).*/\2/p' "$page" |
		sort >"$work/declared"
	diff "$work/named" "$work/declared" || { echo "FAIL: ${page##*/}: NAME and SYNOPSIS differ"; failed=1; }
done

# weft(7) shows the example of the README, without its two lines of title.
sed -n '/^\.Bd/,/^\.Ed/{/^\./d;s/\\e/\\/g;p}' "$top/doc/man/weft.7" >"$work/shown"
tail -n +3 "$top/doc/examples/hello.c" | diff - "$work/shown" || { echo "FAIL: weft.7: not doc/examples/hello.c"; failed=1; }

[ $failed -eq 0 ] || exit 1
if [ -z "${MANDOC-}" ]; then
	echo "SKIP: mandoc is not installed; names were checked, the language was not"
	exit 77
fi
"$MANDOC" -T lint -W warning "$top"/doc/man/*.[137] || { echo "FAIL: mandoc has warnings"; exit 1; }
