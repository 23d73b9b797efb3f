#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build broken twins: weft-stress with the library's real source in it, but for one small diff.
#
#	build.sh SRCDIR DIR			all of them, and DIR/list
#	build.sh SRCDIR DIR sound|sound-race	the sound ones, and the objects that the others share
#	build.sh SRCDIR DIR NAME		DIR/twin-NAME from SRCDIR/stress/busted/NAME.diff
#
# A diff that does not apply exactly is an error: a twin must be what its description says. Twins whose bug only a
# race detector can see are built with ThreadSanitizer, by TSAN_CC or clang or CC, whichever comes first and has it;
# where none has it, they are left out of DIR/list.
set -eu

srcdir=$(cd "$1" && pwd)
mkdir -p "$2"
dir=$(cd "$2" && pwd)
name=${3:-all}
list=$srcdir/stress/busted/list
CC=${CC:-cc}
common='-std=c11 -O1 -g -D_GNU_SOURCE -pthread'

die()
{
	echo "twin $name: $*" >&2
	exit 1
}

has_tsan()
{
	echo 'int main(void) { return 0; }' >"$dir/try.c"
	$1 -fsanitize=thread -o "$dir/try" "$dir/try.c" >/dev/null 2>&1
}

tsan_compiler()
{
	for cc in ${TSAN_CC:+"$TSAN_CC"} clang "$CC" gcc; do
		if has_tsan "$cc"; then
			echo "$cc -fsanitize=thread"
			break
		fi
	done
	rm -f "$dir/try" "$dir/try.c"
}

# sound FLAVOUR COMPILER: everything, each part kept
build_sound()
{
	objects=$dir/objects-$1
	rm -rf "$objects"
	mkdir -p "$objects/lib" "$objects/tool"
	(cd "$objects/lib" && $2 $common -I"$srcdir/include" -iquote "$srcdir/lib" -I"$srcdir/lib/sys" \
		-c "$srcdir"/lib/*.c)
	(cd "$objects/tool" && $2 $common -I"$srcdir/include" -c "$srcdir"/stress/stress/*.c)
	$2 $common -o "$dir/twin-$name" "$objects"/lib/*.o "$objects"/tool/*.o
	echo "$2" >"$objects/cc"
}

# A broken one: what the diff touches is compiled anew, in one go. Where it touches a header, that is the library, and
# the torture of the object in question.
build_broken()
{
	patched=$dir/$name.src
	diff=$srcdir/stress/busted/$name.diff
	object=$(awk -v name="$name" '$1 == name { print $2 }' "$list")
	test -n "$object" || die "$list does not name it"
	case $(awk -v name="$name" '$1 == name { print $4 }' "$list") in
	race) objects=$dir/objects-race ;;
	*) objects=$dir/objects-plain ;;
	esac
	rm -rf "$patched" "$dir/twin-$name"
	mkdir -p "$patched/lib"
	cp -R "$srcdir"/lib/*.[ch] "$srcdir/lib/sys" "$patched/lib"
	cp -R "$srcdir/include" "$patched"
	chmod -R u+w "$patched"
	patch --batch --silent --fuzz=0 --no-backup-if-mismatch -p1 -d "$patched" <"$diff" >&2 ||
		die "$diff no longer applies; the library has moved on, and the diff must follow"

	touched=" $(sed -n 's,^+++ b/,,p' "$diff" | tr '\n' ' ')"
	set --
	for source in "$patched"/lib/*.c "$srcdir"/stress/stress/*.c; do
		base=$(basename "$source" .c)
		case $source in
		"$patched"/*) made=$objects/lib/$base.o which="lib/$base.c" ;;
		*) made=$objects/tool/$base.o which="tool/$base.c" ;;
		esac
		case $touched,$which in
		*.h\ *,lib/* | *" include/"*,"tool/$object.c" | *" $which "*) set -- "$@" "$source" ;;
		*) set -- "$@" "$made" ;;
		esac
	done
	$(cat "$objects/cc") $common -I"$patched/include" -iquote "$patched/lib" -I"$patched/lib/sys" \
		-o "$dir/twin-$name" "$@" || die 'it does not compile'
	rm -rf "$patched"
}

build_all()
{
	jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
	plain='$0 !~ /^#/ && $4 != "race" { print $1 }'
	any='$0 !~ /^#/ { print $1 }'
	rm -rf "$dir/list" "$dir"/twin-* "$dir"/objects-*
	if test -n "$(tsan_compiler)"; then
		select=$any sound='sound sound-race'
	else
		echo 'no compiler here has -fsanitize=thread: the twins that need it are left out' >&2
		select=$plain sound=sound
	fi
	export CC TSAN_CC
	printf '%s\n' $sound | xargs -P "$jobs" -n 1 sh "$0" "$srcdir" "$dir"
	awk "$select" "$list" | xargs -P "$jobs" -n 1 sh "$0" "$srcdir" "$dir"
	rm -rf "$dir"/objects-*
	awk "$select" "$list" >"$dir/built"
	awk 'NR == FNR { built[$1] = 1; next } /^#/ || $1 in built' "$dir/built" "$list" >"$dir/list"
	rm -f "$dir/built"
}

TSAN_CC=${TSAN_CC:-}
case $name in
all) build_all ;;
sound) build_sound plain "$CC" ;;
sound-race) build_sound race "$(tsan_compiler)" ;;
*) build_broken ;;
esac
