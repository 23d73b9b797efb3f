#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build weft-explore.
#
#	build.sh SRCDIR OBJECTS PROGRAM			from the library in SRCDIR; objects go to OBJECTS
#	build.sh SRCDIR OBJECTS PROGRAM CHANGED		from the library in CHANGED, with what OBJECTS has of the rest
#
# Library and scenarios are compiled with -fsanitize=thread, so that every access to memory becomes a call. The calls
# are answered by the explorer, which is compiled without, and not by the sanitizer's library, which is not linked.
# Where the compiler or the machine cannot do that, PROGRAM is a script that says so and exits with 77.
#
# EXPLORE_CONSTANTS: which of the sets of constants below: small (as it comes), with which spinning ends soon; narrow,
# the same with counters of two bits; asleep, without spinning; or other -DWEFT_...
# EXPLORE_VERSION: what --version says. EXPLORE_CFLAGS: more flags for library and scenarios. EXPLORE_MORE: one more source for the explorer.
# EXPLORE_RUNTIME: flags for the explorer's own files.
set -eu

srcdir=$(cd "$1" && pwd) objects=$2 program=$3 changed=${4:+$(cd "$4" && pwd)}
CC=${CC:-cc}
OBJCOPY=${OBJCOPY:-objcopy}
explore=$srcdir/stress/explore
constants='-DWEFT_SPIN_LOCK_TURNS=2 -DWEFT_SPIN_LOCK_RESERVE=1 -DWEFT_LOCK_OVERTAKES=1 -DWEFT_LOCK_YIELDS=1
	-DWEFT_SPIN_HANDOFF_NS=2000 -DWEFT_SPIN_PAUSES=1 -DWEFT_SPIN_YIELDS=1'
narrow='-DWEFT_EVENT_ROUND_BITS=2 -DWEFT_LOCK_OVERTAKES_BITS=2 -DWEFT_BARRIER_ROUND_BITS=2'
case ${EXPLORE_CONSTANTS:-small} in
small) ;;
narrow) constants="$constants $narrow" ;;
asleep) constants='-DWEFT_SPIN_LOCK_TURNS=0 -DWEFT_LOCK_OVERTAKES=1 -DWEFT_LOCK_YIELDS=0
	-DWEFT_SPIN_HANDOFF_NS=0 -DWEFT_SPIN_YIELDS=0' ;;
*) constants=$EXPLORE_CONSTANTS ;;
esac
common="-std=c11 -g -D_GNU_SOURCE ${WARNINGS:-}"
new=

# Files are named as if the source were in /weft: reports do not depend on where it is, and know what is weft's.
# lib/sys is not in the path of includes: the explorer's weft_sys.h takes the place of the one that is there.
compile_program()
{
	tree=$1 source=$2 object=$3
	$CC $common -O1 ${EXPLORE_CFLAGS:-} -fsanitize=thread \
		-ffile-prefix-map="$srcdir=/weft" -ffile-prefix-map="$tree=/weft" $constants -I"$explore/sys" -I"$explore" -I"$tree/include" \
		-iquote "$tree/lib" -c "$source" -o "$object"
	$OBJCOPY --redefine-sym memcpy=explore_memcpy --redefine-sym memmove=explore_memmove \
		--redefine-sym memset=explore_memset "$object"
}

# Word-sized access to memory of any type, and no calls to itself by a memset() that the compiler has made of a loop.
compile_runtime()
{
	$CC $common -O2 ${EXPLORE_RUNTIME:-} -fno-strict-aliasing -ffile-prefix-map="$srcdir=/weft" \
		${EXPLORE_VERSION:+-DWEFT_EXPLORE_VERSION="\"$EXPLORE_VERSION\""} \
		-I"$explore/sys" -I"$explore" -I"$srcdir/include" -c "$1" -o "$2"
}

link_all()
{
	$CC -no-pie -o "$program.new" "$@" && mv "$program.new" "$program"
}

# Why it cannot be built, if it cannot.
obstacle()
{
	cat >"$objects/try.c" <<-'END'
		extern _Atomic unsigned word;
		unsigned look(void);
		unsigned look(void) { return word; }
	END
	if ! $CC -std=c11 -fsanitize=thread -c "$objects/try.c" -o "$objects/try.o" 2>/dev/null; then
		echo "$CC has no -fsanitize=thread"
	elif ! $OBJCOPY --redefine-sym memcpy=explore_memcpy "$objects/try.o" 2>/dev/null; then
		echo "$OBJCOPY does not rename symbols"
	fi
	rm -f "$objects/try.c" "$objects/try.o"
}

if test -n "$changed"; then
	all=$(diff -rq "$srcdir/include" "$changed/include" || :)
	for header in "$changed"/lib/*.h; do
		cmp -s "$header" "$srcdir/lib/${header##*/}" || all=yes
	done
	set -- "$objects"/runtime-*.o
	for source in "$changed"/lib/*.c "$explore"/scenario*.c; do
		name=$(basename "$source" .c)
		object=$objects/program-$name.o
		case $source in "$changed"/*) old=$srcdir/lib/$name.c ;; *) old=$source ;; esac
		if test -n "$all" || ! cmp -s "$source" "$old"; then
			object=$program-$name.o
			compile_program "$changed" "$source" "$object"
			new="$new $object"
		fi
		set -- "$@" "$object"
	done
	link_all "$@"
	rm -f $new
	exit
fi

mkdir -p "$objects" "$(dirname "$program")"
rm -f "$program" "$objects"/program-*.o "$objects"/runtime-*.o
reason=$(obstacle)
if test -n "$reason"; then
	printf '#!/bin/sh\necho "weft-explore was not built: %s" >&2\nexit 77\n' "$reason" >"$program"
	chmod +x "$program"
	exit
fi
set --
for source in "$explore"/*.c ${EXPLORE_MORE:-}; do
	name=$(basename "$source" .c)
	case $name in
	scenario*)
		object=$objects/program-$name.o
		compile_program "$srcdir" "$source" "$object"
		;;
	*)
		object=$objects/runtime-$name.o
		compile_runtime "$source" "$object"
		;;
	esac
	set -- "$@" "$object"
done
for source in "$srcdir"/lib/*.c; do
	object=$objects/program-$(basename "$source" .c).o
	compile_program "$srcdir" "$source" "$object"
	set -- "$@" "$object"
done
link_all "$@"
