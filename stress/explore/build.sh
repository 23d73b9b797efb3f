#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build libweft-explore.a, and weft-explore from it.
#
#	build.sh SRCDIR OBJECTS PROGRAM			from the library in SRCDIR; archive and objects go to OBJECTS
#	build.sh SRCDIR OBJECTS PROGRAM CHANGED		from the library in CHANGED, with what OBJECTS has of the rest
#	build.sh --obstacle DIRECTORY			say why it cannot be done here, if it cannot; tried in DIRECTORY
#
# Library and scenarios are compiled with -fsanitize=thread, so that every access to memory becomes a call. The calls
# are answered by the explorer, which is compiled without, and not by the sanitizer's library, which is not linked.
# Where the compiler or the machine cannot do that, PROGRAM is a script that says so and exits with 77.
#
# The archive has one object, in which only the names of stress/explore/exported are global: what the explorer calls its
# own functions is nothing to the user's program. The compiler's entry points are weak there: a program that is linked
# with the sanitizer's library too is to say so (mistakes.c), and not the linker in a hundred lines. The code does for
# position-independent programs and others.
#
# EXPLORE_CONSTANTS: which of the sets of constants below: small (as it comes), with which spinning ends soon; narrow,
# the same with counters of two bits; asleep, without spinning; or other -DWEFT_...
# EXPLORE_VERSION: what --version says. EXPLORE_CFLAGS: more flags for library and scenarios. EXPLORE_MORE: one more
# source for the program, compiled as the explorer's. EXPLORE_RUNTIME: flags for the explorer's own files.
set -eu

if test "$1" = --obstacle; then
	objects=$2
else
	srcdir=$(cd "$1" && pwd) objects=$2 program=$3 changed=${4:+$(cd "$4" && pwd)}
	explore=$srcdir/stress/explore
fi
CC=${CC:-cc}
OBJCOPY=${OBJCOPY:-objcopy}
AR=${AR:-ar}
constants='-DWEFT_SPIN_LOCK_TURNS=2 -DWEFT_SPIN_LOCK_RESERVE=1 -DWEFT_LOCK_OVERTAKES=1 -DWEFT_LOCK_YIELDS=1
	-DWEFT_SPIN_HANDOFF_NS=2000 -DWEFT_SPIN_PAUSES=1 -DWEFT_SPIN_YIELDS=1'
narrow='-DWEFT_EVENT_ROUND_BITS=2 -DWEFT_LOCK_OVERTAKES_BITS=2 -DWEFT_BARRIER_ROUND_BITS=2 -DWEFT_LATCH_TAG_BITS=2'
case ${EXPLORE_CONSTANTS:-small} in
small) ;;
narrow) constants="$constants $narrow" ;;
asleep) constants='-DWEFT_SPIN_LOCK_TURNS=0 -DWEFT_LOCK_OVERTAKES=1 -DWEFT_LOCK_YIELDS=0
	-DWEFT_SPIN_HANDOFF_NS=0 -DWEFT_SPIN_YIELDS=0' ;;
*) constants=$EXPLORE_CONSTANTS ;;
esac
common="-std=c11 -g -gdwarf-4 -fPIE -D_GNU_SOURCE ${WARNINGS:-}"
new=

# DWARF 4, of which every addr2line finds what clang has put into one another.
# Files are named as if the source were in /weft: reports do not depend on where it is, and know what is weft's.
# A compiler that writes the code of memset() itself, as gcc does, does not announce what that touches: it is to call it.
# lib/sys is not in the path of includes: the explorer's weft_sys.h takes the place of the one that is there.
compile_program()
{
	tree=$1 source=$2 object=$3
	$CC $common -O1 ${EXPLORE_CFLAGS:-} -fsanitize=thread \
		-fno-builtin-memcpy -fno-builtin-memmove -fno-builtin-memset \
		-ffile-prefix-map="$srcdir=/weft" -ffile-prefix-map="$tree=/weft" $constants \
		-I"$explore/sys" -I"$explore" -I"$tree/include" -iquote "$tree/lib" \
		-MMD -MF "${object%.o}.d" -c "$source" -o "$object"
}

# What the compiler marks as its own: an initialisation for each file that it has instrumented, which the user's must
# have and the library's do not count.
compile_library()
{
	compile_program "$@"
	$OBJCOPY --redefine-sym __tsan_init=explore_library_init "$3"
}

# Word-sized access to memory of any type. memcpy() and the like are the program's, which are watched, libc.c; those of
# the explorer are not, be they written or made by the compiler.
compile_runtime()
{
	$CC $common -O2 ${EXPLORE_RUNTIME:-} -fno-strict-aliasing -ffile-prefix-map="$srcdir=/weft" \
		${EXPLORE_VERSION:+-DWEFT_EXPLORE_VERSION="\"$EXPLORE_VERSION\""} \
		-I"$explore/sys" -I"$explore" -I"$srcdir/include" -c "$1" -o "$2"
	case $1 in
	*/libc.c) return ;;
	*/heap.c) ;;
	*) $OBJCOPY --redefine-sym malloc=__libc_malloc --redefine-sym calloc=__libc_calloc \
		--redefine-sym realloc=__libc_realloc --redefine-sym free=__libc_free "$2" ;;
	esac
	$OBJCOPY --redefine-sym memcpy=explore_memcpy --redefine-sym memmove=explore_memmove \
		--redefine-sym memset=explore_memset "$2"
}

make_archive()
{
	$CC -r -nostdlib -o "$objects/weft-explore.o" "$@"
	$OBJCOPY --wildcard --keep-global-symbols="$explore/exported" --weaken-symbol='__tsan_*' \
		"$objects/weft-explore.o"
	rm -f "$objects/libweft-explore.a"
	$AR cr "$objects/libweft-explore.a" "$objects/weft-explore.o"
	rm -f "$objects/weft-explore.o"
}

link_all()
{
	$CC -o "$program.new" "$@" && mv "$program.new" "$program"
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

if test "$1" = --obstacle; then
	obstacle
	exit
fi

# Whether the object that was made of the library as it is comes from a header that is another in $changed.
depends_on_changed()
{
	for header in $headers; do
		grep -qF "$header" "$1" && return
	done
	return 1
}

if test -n "$changed"; then
	headers=
	for header in $(cd "$changed" && echo include/*.h include/weft/*.h lib/*.h); do
		cmp -s "$changed/$header" "$srcdir/$header" || headers="$headers /$header"
	done
	set -- "$objects"/runtime-*.o
	for source in "$changed"/lib/*.c "$explore"/scenario*.c; do
		name=$(basename "$source" .c)
		object=$objects/program-$name.o
		case $source in "$changed"/*) old=$srcdir/lib/$name.c ;; *) old=$source ;; esac
		if ! cmp -s "$source" "$old" || depends_on_changed "$objects/program-$name.d"; then
			object=$program-$name.o
			case $source in
			"$changed"/*) compile_library "$changed" "$source" "$object" ;;
			*) compile_program "$changed" "$source" "$object" ;;
			esac
			new="$new $object"
		fi
		set -- "$@" "$object"
	done
	link_all "$@"
	for object in $new; do
		rm -f "$object" "${object%.o}.d"
	done
	exit
fi

mkdir -p "$objects" "$(dirname "$program")"
rm -f "$program" "$objects"/program-*.[do] "$objects"/runtime-*.o
reason=$(obstacle)
if test -n "$reason"; then
	printf '#!/bin/sh\necho "weft-explore was not built: %s" >&2\nexit 77\n' "$reason" >"$program"
	chmod +x "$program"
	exit
fi
set --
for source in "$explore"/*.c; do
	name=$(basename "$source" .c)
	case $name in
	scenario*) ;;
	*)
		object=$objects/runtime-$name.o
		compile_runtime "$source" "$object"
		set -- "$@" "$object"
		;;
	esac
done
for source in "$srcdir"/lib/*.c; do
	object=$objects/program-$(basename "$source" .c).o
	compile_library "$srcdir" "$source" "$object"
	set -- "$@" "$object"
done
make_archive "$@"
set --
for source in "$explore"/scenario*.c; do
	object=$objects/program-$(basename "$source" .c).o
	compile_program "$srcdir" "$source" "$object"
	set -- "$@" "$object"
done
if test -n "${EXPLORE_MORE:-}"; then
	compile_runtime "$EXPLORE_MORE" "$objects/more.o"
	set -- "$@" "$objects/more.o"
fi
link_all "$@" "$objects/libweft-explore.a"
