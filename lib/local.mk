# SPDX-License-Identifier: MIT

include_HEADERS = include/weft.h
pkginclude_HEADERS = \
	include/weft/barrier.h \
	include/weft/base.h \
	include/weft/cond.h \
	include/weft/event.h \
	include/weft/explore.h \
	include/weft/latch.h \
	include/weft/lock.h \
	include/weft/once.h \
	include/weft/rlock.h \
	include/weft/sem.h \
	include/weft/time.h \
	include/weft/watch.h \
	include/weft/with.h

lib_LTLIBRARIES += lib/libweft.la

lib_libweft_la_SOURCES = \
	lib/barrier.c \
	lib/bug.c \
	lib/cond.c \
	lib/describe.c \
	lib/event.c \
	lib/exported.c \
	lib/futex.c \
	lib/latch.c \
	lib/lock.c \
	lib/once.c \
	lib/rlock.c \
	lib/self.c \
	lib/sem.c \
	lib/time.c \
	lib/wait.c

noinst_HEADERS += \
	lib/atomic.h \
	lib/bug.h \
	lib/describe.h \
	lib/event.h \
	lib/futex.h \
	lib/lock.h \
	lib/rlock.h \
	lib/self.h \
	lib/spin.h \
	lib/time.h \
	lib/wait.h \
	lib/sys/weft_sys.h

lib_libweft_la_CPPFLAGS = $(AM_CPPFLAGS) $(WEFT_PRIVATE_CPPFLAGS)
lib_libweft_la_CFLAGS = $(AM_CFLAGS) $(WEFT_LIB_CFLAGS)
lib_libweft_la_LDFLAGS = -pthread $(SANITIZER_FLAGS) -version-info $(WEFT_LT_VERSION) $(WEFT_LIB_LDFLAGS)
EXTRA_lib_libweft_la_DEPENDENCIES = lib/weft.map
EXTRA_DIST += lib/weft.map

if HAVE_VERSION_SCRIPT
lib_libweft_la_LDFLAGS += -Wl,--version-script=$(srcdir)/lib/weft.map
endif

# Map, headers and library must name the same symbols.
dist_check_SCRIPTS += tests/check-map.sh
TESTS += tests/check-map.sh
