#!/bin/sh
# SPDX-License-Identifier: MIT
# Every line of weft-bench once, as short as can be: no peer hangs or breaks, and the report names them all.
set -eu

bench=$top_builddir/stress/weft-bench
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

fail () {
	echo "smoke: $*" >&2
	exit 1
}

expect () {
	want=$1
	shift
	got=0
	"$bench" "$@" >"$out/text" 2>"$out/errors" || got=$?
	test "$got" -eq "$want" || { cat "$out/text" "$out/errors" >&2; fail "status $got, not $want: $*"; }
}

expect 0 --list
cp "$out/text" "$out/names"
grep -q '^contended/32/1000/200/split$' "$out/names" || fail "a line is missing from --list"

expect 0 --rounds=1 --ms=2
while read -r name; do
	grep -q "^$name " "$out/text" || fail "$name is missing from the table"
done <"$out/names"
! grep -q 'bounds were not measured' "$out/text" || fail "a bound was not measured"

# What is asked for is run, and nothing else.
expect 0 --rounds=2 --ms=2 --placement=one --peers=weft -f sem -f 'barrier/?/one'
grep -q '^pingpong/sem/one ' "$out/text" || fail "--filter lost a line"
grep -q '^barrier/8/one ' "$out/text" || fail "a pattern matches nothing"
! grep -q '^barrier/32/one \|^[a-z].*/free \|^[a-z].*/split ' "$out/text" || fail "--filter left a line"

# Bounds that were not measured are not missed.
expect 0 --check --rounds=1 --ms=2 -f size

expect 2 --placement=nowhere
expect 2 --rounds=0
expect 2 --peers=nobody
expect 2 -f no/such/line

if "$bench" --json=- --rounds=1 --ms=2 -f pair/lock >"$out/json" 2>/dev/null; then
	grep -q '"name": *"pair/lock"' "$out/json" || fail "JSON without the line"
	expect 3 --json=/nowhere/at/all --rounds=1 --ms=2 -f pair/lock
fi
