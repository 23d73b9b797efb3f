# SPDX-License-Identifier: MIT

#: Stress
#:   stress/weft-stress       torture: "stress/weft-stress all"; weft-stress(1)
#:   make twins               the library with one bug in each, for weft-stress --busted
#:   make check-busted        run these; each must be caught
#:
bin_PROGRAMS += stress/weft-stress

stress_weft_stress_SOURCES = \
	stress/stress/barrier.c \
	stress/stress/busted.c \
	stress/stress/cond.c \
	stress/stress/event.c \
	stress/stress/heap.c \
	stress/stress/latch.c \
	stress/stress/lock.c \
	stress/stress/main.c \
	stress/stress/once.c \
	stress/stress/probe.c \
	stress/stress/report.c \
	stress/stress/rlock.c \
	stress/stress/run.c \
	stress/stress/section.c \
	stress/stress/sem.c \
	stress/stress/single.c \
	stress/stress/stress.h \
	stress/stress/worker.c

twinsdir = $(pkglibexecdir)/twins

stress_weft_stress_CPPFLAGS = $(AM_CPPFLAGS) -DSTRESS_TWINS_DIR='"$(twinsdir)"'
stress_weft_stress_CFLAGS = $(AM_CFLAGS) $(JSON_C_CFLAGS)
stress_weft_stress_LDADD = lib/libweft.la $(JSON_C_LIBS)

dist_man_MANS += doc/man/weft-stress.1

# ---- the broken twins: for check and install only, in stress/twins, without the user's CFLAGS ----

twin_diffs = \
	stress/busted/barrier-break-untold.diff \
	stress/busted/barrier-count-late.diff \
	stress/busted/barrier-index-twice.diff \
	stress/busted/barrier-one-asleep.diff \
	stress/busted/barrier-one-early.diff \
	stress/busted/barrier-publish-relaxed.diff \
	stress/busted/barrier-unsealed.diff \
	stress/busted/cond-depth-lost.diff \
	stress/busted/cond-ghost.diff \
	stress/busted/cond-late-queue.diff \
	stress/busted/cond-lifo.diff \
	stress/busted/cond-not-retaken.diff \
	stress/busted/cond-one-too-many.diff \
	stress/busted/cond-token-lost.diff \
	stress/busted/cond-wake-dropped.diff \
	stress/busted/event-look-relaxed.diff \
	stress/busted/event-round-ignored.diff \
	stress/busted/event-set-relaxed.diff \
	stress/busted/event-token-unmarked.diff \
	stress/busted/event-wake-dropped.diff \
	stress/busted/event-wake-first.diff \
	stress/busted/event-wakes-one.diff \
	stress/busted/latch-below-zero.diff \
	stress/busted/latch-down-relaxed.diff \
	stress/busted/latch-round-ignored.diff \
	stress/busted/latch-wake-dropped.diff \
	stress/busted/latch-wakes-one.diff \
	stress/busted/lock-acquire-relaxed.diff \
	stress/busted/lock-awake-kept.diff \
	stress/busted/lock-contended-lost.diff \
	stress/busted/lock-eagain-owned.diff \
	stress/busted/lock-release-relaxed.diff \
	stress/busted/lock-timeout-owned.diff \
	stress/busted/lock-touched-after.diff \
	stress/busted/lock-wake-dropped.diff \
	stress/busted/once-done-early.diff \
	stress/busted/once-done-relaxed.diff \
	stress/busted/once-failure-done.diff \
	stress/busted/once-failure-silent.diff \
	stress/busted/once-look-relaxed.diff \
	stress/busted/once-waiters-lost.diff \
	stress/busted/once-wakes-one.diff \
	stress/busted/rlock-inner-frees.diff \
	stress/busted/rlock-owner-kept.diff \
	stress/busted/rlock-owner-late.diff \
	stress/busted/rlock-release-relaxed.diff \
	stress/busted/rlock-stranger.diff \
	stress/busted/sem-bound-split.diff \
	stress/busted/sem-grant-lost.diff \
	stress/busted/sem-release-relaxed.diff \
	stress/busted/sem-touched-after.diff \
	stress/busted/sem-two-for-one.diff \
	stress/busted/sem-wakes-one.diff

twin_sources = $(twin_diffs) stress/busted/list stress/busted/build.sh \
	$(lib_libweft_la_SOURCES) $(include_HEADERS) $(pkginclude_HEADERS) $(stress_weft_stress_SOURCES)

dist_noinst_SCRIPTS += stress/busted/build.sh
EXTRA_DIST += stress/busted/list $(twin_diffs)

stress/twins/list: $(twin_sources)
	$(AM_V_GEN)CC='$(CC)' TSAN_CC='$(TSAN_CC)' $(SHELL) $(srcdir)/stress/busted/build.sh $(srcdir) stress/twins

.PHONY: twins check-busted install-twins
twins: stress/twins/list
check-busted: stress/weft-stress stress/twins/list
	stress/weft-stress --busted --twins stress/twins

mostlyclean-local:
	rm -rf stress/twins

dist_check_SCRIPTS += tests/stress-cli.sh tests/stress-twins.sh

# A cross compiler's programs run in an emulator, which these scripts know nothing of.
if !CROSS_COMPILING
TESTS += tests/stress-cli.sh
if !SANITIZE
check_DATA = stress/twins/list
TESTS += tests/stress-twins.sh
endif

install-exec-local: install-twins
install-twins: stress/twins/list
	$(MKDIR_P) '$(DESTDIR)$(twinsdir)'
	$(INSTALL_PROGRAM) stress/twins/twin-* '$(DESTDIR)$(twinsdir)'
	$(INSTALL_DATA) stress/twins/list '$(DESTDIR)$(twinsdir)'

uninstall-local:
	rm -rf '$(DESTDIR)$(twinsdir)'
endif
