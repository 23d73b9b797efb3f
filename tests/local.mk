# SPDX-License-Identifier: MIT
#
#: Unit tests
#:   tests/unit               with Criterion, where configure found it; tests/unit --help
#:   tests/unit-plain         the same tests without; a name or glob picks some: tests/unit-plain 'lock/*'
#:   tests/headers.sh         the public headers as C11 to C++20, with every compiler that is here
#:

unit_sources = \
	tests/barrier.c \
	tests/baselock.c \
	tests/baselock.h \
	tests/cancel.c \
	tests/cond.c \
	tests/describe.c \
	tests/event.c \
	tests/fork.c \
	tests/latch.c \
	tests/lifetime.c \
	tests/lock.c \
	tests/misuse.c \
	tests/once.c \
	tests/rlock.c \
	tests/sem.c \
	tests/shared.c \
	tests/sizes.c \
	tests/steps.c \
	tests/support.c \
	tests/support.h \
	tests/syscalls.c \
	tests/test.h \
	tests/time.c \
	tests/with.c

check_PROGRAMS += tests/unit-plain
TESTS += tests/unit-plain
tests_unit_plain_SOURCES = $(unit_sources) tests/runner/runner.c
tests_unit_plain_CPPFLAGS = $(AM_CPPFLAGS) -DWEFT_PLAIN_RUNNER
tests_unit_plain_LDADD = lib/libweft.la

if HAVE_CRITERION
check_PROGRAMS += tests/unit
TESTS += tests/unit
tests_unit_SOURCES = $(unit_sources)
tests_unit_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
tests_unit_LDADD = lib/libweft.la $(CRITERION_LIBS)
endif

# The plain runner on tests that end in every way a test can.
check_PROGRAMS += tests/runner/selftest
tests_runner_selftest_SOURCES = tests/runner/selftest.c tests/runner/runner.c tests/support.c tests/support.h tests/test.h
tests_runner_selftest_CPPFLAGS = $(AM_CPPFLAGS) -DWEFT_PLAIN_RUNNER
dist_check_SCRIPTS += tests/runner/selftest.sh
TESTS += tests/runner/selftest.sh

dist_check_SCRIPTS += tests/headers.sh
TESTS += tests/headers.sh
EXTRA_DIST += tests/headers/use.c
AM_TESTS_ENVIRONMENT += SANITIZER_FLAGS='$(SANITIZER_FLAGS)'; export SANITIZER_FLAGS;

# An emulated processor is ten times slower.
if CROSS_COMPILING
AM_TESTS_ENVIRONMENT += CROSS=yes WEFT_TEST_SLOW=yes; export CROSS WEFT_TEST_SLOW;
endif
