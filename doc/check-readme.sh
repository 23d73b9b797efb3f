#!/bin/sh
# SPDX-License-Identifier: MIT
#
# README's program is an example, byte for byte, and the files that the texts point to are there.
set -u

top=${top_srcdir:-.}
failed=0

sed -n '/^```c$/,/^```$/{/^```/d;p}' "$top/README.md" | diff -u "$top/doc/examples/hello.c" - || {
	echo "FAIL: README's program is not doc/examples/hello.c"
	failed=1
}
for text in README.md doc/design.md doc/perf.md; do
	for file in $(grep -o '][(][^)#]*[)]' "$top/$text" | sed 's/^](//; s/)$//; /:\/\//d'); do
		[ -e "$top/$(dirname $text)/$file" ] || { echo "FAIL: $text points to $file, which is not there"; failed=1; }
	done
done
[ $failed -eq 0 ]
