# SPDX-License-Identifier: MIT

weft_man3 = \
	doc/man/weft_barrier.3 \
	doc/man/weft_cond.3 \
	doc/man/weft_event.3 \
	doc/man/weft_explore.3 \
	doc/man/weft_latch.3 \
	doc/man/weft_lock.3 \
	doc/man/weft_once.3 \
	doc/man/weft_rlock.3 \
	doc/man/weft_sem.3 \
	doc/man/weft_time.3 \
	doc/man/weft_watch.3 \
	doc/man/weft_with.3

dist_man_MANS += doc/man/weft.7 $(weft_man3)

notesdir = $(docdir)
dist_notes_DATA = doc/design.md doc/explore.md doc/mutants.md doc/perf.md

# ---- every name of a page's NAME section is a page: one line that refers to the page ----

weft_man_names = $(SED) -n '/^\.Sh NAME/,/^\.Sh LIBRARY/s/^\.Nm \([A-Za-z0-9_]*\).*/\1/p'

install-data-hook:
	@umask 022; for page in $(weft_man3); do \
		base=`basename $$page`; \
		for name in `$(weft_man_names) $(srcdir)/$$page`; do \
			test "$$name.3" = "$$base" || \
				echo ".so man3/$$base" >"$(DESTDIR)$(man3dir)/$$name.3" || exit 1; \
		done; \
	done

uninstall-hook:
	@for page in $(weft_man3); do \
		for name in `$(weft_man_names) $(srcdir)/$$page`; do \
			rm -f "$(DESTDIR)$(man3dir)/$$name.3"; \
		done; \
	done

# ---- examples: installed as sources, built and run by make check ----

weft_examples = \
	doc/examples/barrier \
	doc/examples/cancel \
	doc/examples/cond \
	doc/examples/contended \
	doc/examples/counter \
	doc/examples/deadlock \
	doc/examples/event \
	doc/examples/hello \
	doc/examples/rlock \
	doc/examples/sem \
	doc/examples/shared

check_PROGRAMS += $(weft_examples)
doc_examples_barrier_LDADD = lib/libweft.la
doc_examples_cancel_LDADD = lib/libweft.la
doc_examples_cond_LDADD = lib/libweft.la
doc_examples_contended_LDADD = lib/libweft.la
doc_examples_counter_LDADD = lib/libweft.la
doc_examples_deadlock_LDADD = lib/libweft.la
doc_examples_event_LDADD = lib/libweft.la
doc_examples_hello_LDADD = lib/libweft.la
doc_examples_rlock_LDADD = lib/libweft.la
doc_examples_sem_LDADD = lib/libweft.la
doc_examples_shared_LDADD = lib/libweft.la

# What each must print: word for word, or a regular expression for each line.
weft_examples_expected = \
	doc/examples/barrier.out \
	doc/examples/cancel.out \
	doc/examples/cond.out \
	doc/examples/contended.re \
	doc/examples/counter.out \
	doc/examples/deadlock.out \
	doc/examples/event.out \
	doc/examples/hello.out \
	doc/examples/rlock.out \
	doc/examples/sem.out \
	doc/examples/shared.out
EXTRA_DIST += $(weft_examples_expected)

examplesdir = $(docdir)/examples
dist_examples_DATA = $(weft_examples:=.c)

# A project of its own: tests/explore-users.sh builds and runs it.
exploreexamplesdir = $(examplesdir)/explore
dist_exploreexamples_DATA = \
	doc/examples/explore/Makefile \
	doc/examples/explore/buffer-fix.diff \
	doc/examples/explore/buffer-test.c \
	doc/examples/explore/buffer.c \
	doc/examples/explore/buffer.h \
	doc/examples/explore/freed.c \
	doc/examples/explore/order.c \
	doc/examples/explore/race.c

# ---- tests ----

dist_check_SCRIPTS += doc/check-examples.sh doc/check-man.sh doc/check-readme.sh
TESTS += doc/check-examples.sh doc/check-man.sh doc/check-readme.sh
