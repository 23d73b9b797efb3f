#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks an installed weft the way a user meets it: programs outside the tree, built as C and as C++ with what
# pkg-config says, with and without optimisation, against the shared and the static library; the tools; the man pages.
#
#   installed.sh DESTDIR BINDIR LIBDIR INCLUDEDIR MANDIR "TOOLS" "MANUALS"
#
# CC, CXX (empty: no C++), CFLAGS and PKG_CONFIG are taken from the environment.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
destdir=$1 bindir=$2 libdir=$3 includedir=$4 mandir=$5 tools=$6 manuals=$7
: "${CC:=cc}" "${CFLAGS=}" "${PKG_CONFIG:=pkg-config}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
	echo "installed.sh: $*" >&2
	exit 1
}

export PKG_CONFIG_LIBDIR="$destdir$libdir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$destdir"
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
unset PKG_CONFIG_PATH
export LD_LIBRARY_PATH="$destdir$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

cat >"$work/x.c" <<'END'
#include <weft.h>
#include <pthread.h>
#include <stdio.h>

static struct weft_lock lock = WEFT_LOCK_INIT;
static struct weft_rlock rlock = WEFT_RLOCK_INIT;
static struct weft_event ready = WEFT_EVENT_INIT;
static struct weft_cond changed = WEFT_COND_INIT;
static struct weft_sem permits = WEFT_SEM_INIT(1);
static struct weft_barrier meeting = WEFT_BARRIER_INIT(2);
static int counter, done;

static int is_done(void *arg)
{
	return *(int *)arg;
}

static void *thread(void *arg)
{
	(void)arg;
	weft_event_wait(&ready);
	for (int i = 0; i < 1000; i++) {
		weft_with(&lock)
			counter++;
	}
	weft_barrier_wait(&meeting);
	weft_cond_acquire(&changed);
	done = 1;
	weft_cond_notify_all(&changed);
	weft_cond_release(&changed);
	return NULL;
}

int main(void)
{
	char text[64];
	pthread_t t;

	if (pthread_create(&t, NULL, thread, NULL) != 0)
		return 1;
	weft_event_set(&ready);
	for (int i = 0; i < 1000; i++) {
		weft_guard(&lock);
		weft_with(&rlock) weft_with(&rlock) weft_with(&permits)
			counter++;
	}
	weft_barrier_wait(&meeting);
	weft_cond_acquire(&changed);
	if (weft_cond_wait_pred_for(&changed, is_done, &done, WEFT_SEC(60)) != 1)
		return 1;
	weft_cond_release(&changed);
	pthread_join(t, NULL);
	weft_describe(&permits, text, sizeof(text));
	printf("%d %s\n", counter, text);
	return weft_lock_try_acquire(&lock) != 0;
}
END
cp "$work/x.c" "$work/x.cc"

try()	# NAME COMPILER ARGUMENTS...
{
	name=$1
	shift
	"$@" -o "$work/$name" || fail "does not compile: $*"
	said=$("$work/$name") || fail "$name ended with $?: $*"
	[ "$said" = "2000 value=1" ] || fail "$name printed '$said': $*"
}

cd "$work"
flags=$($PKG_CONFIG --cflags --libs weft) || fail "pkg-config does not know weft"
version=$($PKG_CONFIG --modversion weft)
strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
# shellcheck disable=SC2086 # lists of words
for level in -O0 -O2; do
	try "c$level" $CC $CFLAGS -std=c11 $strict $level x.c $flags
	[ -z "${CXX-}" ] || try "cxx$level" $CXX $CFLAGS -std=c++11 $strict $level x.cc $flags
done

if [ -e "$destdir$libdir/libweft.so" ]; then
	readelf -d "$work/c-O0" | grep -q 'NEEDED.*\[libweft\.so\.0\]' || fail "the program does not ask for libweft.so.0"
fi
if [ -e "$destdir$libdir/libweft.a" ]; then
	# shellcheck disable=SC2046,SC2086
	try static $CC $CFLAGS -std=c11 $strict x.c -pthread $($PKG_CONFIG --cflags weft) \
		"$destdir$libdir/libweft.a"
fi
[ ! -e "$destdir$includedir/weft/sys" ] || fail "a private header was installed"

if [ -e "$destdir$libdir/libweft-explore.a" ]; then
	top_srcdir=$source sh "$source/tests/explore-users.sh" "$($PKG_CONFIG --cflags weft-explore)" \
		"$($PKG_CONFIG --libs weft-explore)" || fail "libweft-explore does not do as installed"
fi

for tool in $tools; do
	tool=${tool##*/}
	[ -x "$destdir$bindir/$tool" ] || fail "$tool was not installed"
	ended=0
	"$destdir$bindir/$tool" --help >"$work/help" || ended=$?
	[ $ended -ne 77 ] || continue # it says itself why it was not built
	[ $ended -eq 0 ] || fail "$tool --help ended with $ended"
	grep -q "$tool" "$work/help" || fail "$tool --help does not name itself"
	"$destdir$bindir/$tool" --version >"$work/help" || fail "$tool --version ended with $?"
	grep -qF "$version" "$work/help" || fail "$tool --version does not say $version"
done
for page in $manuals; do
	section=${page##*.}
	[ -s "$destdir$mandir/man$section/${page##*/}" ] || fail "${page##*/} was not installed"
done
echo "installed.sh: weft $version in $destdir$libdir: programs build and run, tools and manuals are in place"
