#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build broken twins: weft-stress with the library's real source in it, but for one small diff.
#
#	build.sh SRCDIR DIR sound|sound-race		the sound twin, and objects that the others share
#	build.sh SRCDIR DIR NAME [race]			DIR/twin-NAME from SRCDIR/stress/busted/NAME.diff
#
# A diff that does not apply exactly is an error: a twin must be what its description says. Twins whose bug only a race
# detector can see are built with ThreadSanitizer, by TSAN_CC or clang or CC, whichever comes first and has it.
set -eu

srcdir=$1 dir=$2 name=$3
CC=${CC:-cc}
common='-std=c11 -O1 -g -D_GNU_SOURCE -pthread'
patched=$dir/$name.src
says=$dir/$name.says

die()
{
	echo "twin $name: $*" >&2
	rm -rf "$patched" "$dir/twin-$name" "$says"
	exit 1
}

has_tsan()
{
	echo 'int main(void) { return 0; }' >"$dir/try.c"
	$1 -fsanitize=thread -o "$dir/try" "$dir/try.c" >/dev/null 2>&1
}

choose_compiler()
{
	for cc in ${TSAN_CC:+"$TSAN_CC"} clang "$CC" gcc; do
		if has_tsan "$cc"; then
			echo "$cc -fsanitize=thread"
			rm -f "$dir/try" "$dir/try.c"
			return
		fi
	done
	die 'no compiler here has -fsanitize=thread'
}

flavour=plain
case $name,${4:-} in
sound-race, | *,race) flavour=race ;;
esac
mkdir -p "$dir"
objects=$dir/objects-$flavour

# ---- the sound twin: everything, each part kept ----

case $name in
sound | sound-race)
	rm -rf "$objects"
	mkdir -p "$objects/lib" "$objects/tool"
	case $flavour in
	race) choose_compiler >"$objects/cc" ;;
	*) echo "$CC" >"$objects/cc" ;;
	esac
	srcdir=$(cd "$srcdir" && pwd)
	to=$(cd "$dir" && pwd)/twin-$name
	cc=$(cat "$objects/cc")
	(cd "$objects/lib" && $cc $common -I"$srcdir/include" -iquote "$srcdir/lib" -I"$srcdir/lib/sys" -c "$srcdir"/lib/*.c)
	(cd "$objects/tool" && $cc $common -I"$srcdir/include" -c "$srcdir"/stress/stress/*.c)
	$cc $common -o "$to" "$objects"/lib/*.o "$objects"/tool/*.o
	exit
	;;
esac

# ---- a broken one: what the diff touches is compiled anew ----

diff=$srcdir/stress/busted/$name.diff
rm -rf "$patched"
mkdir -p "$patched/lib" "$patched/include"
cp -R "$srcdir"/lib/*.[ch] "$srcdir/lib/sys" "$patched/lib"
cp -R "$srcdir"/include/* "$patched/include"
chmod -R u+w "$patched"
patch --batch --silent --fuzz=0 --no-backup-if-mismatch -p1 -d "$patched" <"$diff" >"$says" 2>&1 ||
	{ cat "$says" >&2; die "$diff no longer applies; the library has moved on, and the diff must follow"; }

touched=$(sed -n 's,^+++ b/,,p' "$diff")
cc=$(cat "$objects/cc")
set --
for source in "$patched"/lib/*.c; do
	base=$(basename "$source" .c)
	case " "$(echo $touched)" " in
	*" include/"* | *" lib/$base.c "* | *".h "*) set -- "$@" "$source" ;;
	*) set -- "$@" "$objects/lib/$base.o" ;;
	esac
done
case $touched in
*include/*) set -- "$@" "$srcdir"/stress/stress/*.c ;;
*) set -- "$@" "$objects"/tool/*.o ;;
esac
$cc $common -I"$patched/include" -iquote "$patched/lib" -I"$patched/lib/sys" -o "$dir/twin-$name" "$@" ||
	die 'it does not compile'
rm -rf "$patched" "$says"
