# SPDX-License-Identifier: MIT

#: Schedules
#:   stress/weft-explore      every primitive under schedules that no machine would run into; weft-explore(1),
#:                            doc/explore.md; "stress/weft-explore 'sem-*'"
#:   stress/explore/libweft-explore.a
#:                            the same for programs of one's own; pkg-config weft-explore, doc/examples/explore
#:   make explore-soak        ten million schedules for each object (SOAK=N), all processors, some minutes
#:   make explore-coverage    name the code of the library that no scenario runs
#:

explore_runtime = \
	stress/explore/crash.c \
	stress/explore/exported \
	stress/explore/faults.c \
	stress/explore/fiber.c \
	stress/explore/footprint.c \
	stress/explore/footprint.h \
	stress/explore/foreign.c \
	stress/explore/heap.c \
	stress/explore/hang.c \
	stress/explore/history.c \
	stress/explore/jobs.c \
	stress/explore/json.c \
	stress/explore/libc.c \
	stress/explore/lines.c \
	stress/explore/lint.c \
	stress/explore/main.c \
	stress/explore/marks.c \
	stress/explore/memory.c \
	stress/explore/minimise.c \
	stress/explore/mistakes.c \
	stress/explore/options.c \
	stress/explore/options.h \
	stress/explore/plan.c \
	stress/explore/posix.c \
	stress/explore/places.c \
	stress/explore/places.h \
	stress/explore/replay.c \
	stress/explore/report.c \
	stress/explore/run.h \
	stress/explore/sched.c \
	stress/explore/schedule.c \
	stress/explore/search.c \
	stress/explore/session.c \
	stress/explore/session.h \
	stress/explore/shadow.c \
	stress/explore/shadow.h \
	stress/explore/states.c \
	stress/explore/statics.c \
	stress/explore/strategy.c \
	stress/explore/sys.c \
	stress/explore/sys/weft_sys.h \
	stress/explore/table.c \
	stress/explore/table.h \
	stress/explore/threads.c \
	stress/explore/trace.c \
	stress/explore/trace.h \
	stress/explore/tsan.c

explore_scenarios = \
	stress/explore/scenario-any.c \
	stress/explore/scenario-barrier.c \
	stress/explore/scenario-cond.c \
	stress/explore/scenario-death.c \
	stress/explore/scenario-edges.c \
	stress/explore/scenario-event.c \
	stress/explore/scenario-faults.c \
	stress/explore/scenario-glibc25847.c \
	stress/explore/scenario-hang.c \
	stress/explore/scenario-heap.c \
	stress/explore/scenario-history.c \
	stress/explore/scenario-linear.c \
	stress/explore/scenario-latch.c \
	stress/explore/scenario-litmus.c \
	stress/explore/scenario-lock.c \
	stress/explore/scenario-once.c \
	stress/explore/scenario-prompt.c \
	stress/explore/scenario-rest.c \
	stress/explore/scenario-search.c \
	stress/explore/scenario-sem.c \
	stress/explore/scenario-wrap.c \
	stress/explore/scenario-signal.c \
	stress/explore/scenario-threads.c \
	stress/explore/scenario-wakes.c \
	stress/explore/scenarios.c \
	stress/explore/scenarios.h

explore_diffs = stress/explore/latch-gate-ignored.diff stress/explore/sem-wait-settled.diff
explore_coverage = stress/explore/coverage/record.c stress/explore/coverage/unreached

dist_noinst_SCRIPTS += stress/explore/build.sh
EXTRA_DIST += $(explore_runtime) $(explore_scenarios) $(explore_diffs) $(explore_coverage)

# Library and scenarios are compiled in their own way, and without the user's CFLAGS; the script says how.
stress/weft-explore: $(explore_runtime) $(explore_scenarios) stress/explore/build.sh \
		$(lib_libweft_la_SOURCES) $(noinst_HEADERS) $(include_HEADERS) $(pkginclude_HEADERS)
	$(AM_V_GEN)CC='$(CC)' OBJCOPY='$(OBJCOPY)' AR='$(AR)' WARNINGS='$(WEFT_WARNINGS)' EXPLORE_VERSION='$(PACKAGE_VERSION)' \
		$(SHELL) $(srcdir)/stress/explore/build.sh $(srcdir) stress/explore $@

# Made on the way.
stress/explore/libweft-explore.a: stress/weft-explore
	@if test -f $@; then touch $@; else rm -f stress/weft-explore; $(MAKE) $(AM_MAKEFLAGS) stress/weft-explore; fi

CLEANFILES += stress/weft-explore stress/explore/libweft-explore.a stress/explore/program-*.[do] stress/explore/runtime-*.o stress/explore/try.*

# --schedules is for each scenario: as many as make SOAK of the object.
SOAK = 10000000
.PHONY: explore-soak
explore-soak: stress/weft-explore
	@for object in lock rlock event cond sem barrier once latch; do \
		n=`stress/weft-explore --list "$$object-*" | wc -l`; \
		n=`expr \( $(SOAK) + $$n - 1 \) / $$n`; \
		echo "weft-explore --quiet --jobs `getconf _NPROCESSORS_ONLN` --schedules $$n '$$object-*'"; \
		stress/weft-explore --quiet --jobs `getconf _NPROCESSORS_ONLN` --schedules $$n "$$object-*" || exit 1; \
	done

.PHONY: explore-coverage
explore-coverage:
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/stress/explore/coverage/coverage.sh

# The same schedules there, and no scenario fails.
.PHONY: check-aarch64-explore
check-aarch64: check-aarch64-explore
check-aarch64-explore: stress/weft-explore
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/stress/explore/machines.sh $(AARCH64_HOST) $(AARCH64_RUN)

explore_tests = \
	stress/explore/check.sh \
	stress/explore/search.sh \
	stress/explore/coverage/coverage.sh \
	stress/explore/faults.sh \
	stress/explore/futex.sh \
	stress/explore/known.sh \
	stress/explore/litmus.sh \
	stress/explore/machines.sh \
	tests/explore-cli.sh \
	tests/explore-users.sh

dist_check_SCRIPTS += $(explore_tests)
EXTRA_DIST += \
	tests/explore/class.cc \
	tests/explore/mailbox.c \
	tests/explore/main.c \
	tests/explore/once.c \
	tests/explore/phases.c \
	tests/explore/sem-mutex.c \
	tests/explore/wait-if.c
dist_man_MANS += doc/man/weft-explore.1

# The program of a cross build does not run here, and under a sanitizer the explorer would find the sanitizer.
if EXPLORE
bin_SCRIPTS += stress/weft-explore
explorelibdir = $(libdir)
explorelib_DATA = stress/explore/libweft-explore.a
TESTS += $(explore_tests)
endif
