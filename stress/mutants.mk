# SPDX-License-Identifier: MIT

#: Mutants
#:   make check-mutants       the library with one bug each, some 170 times: which gate finds it, after how long, and
#:                            the line to repeat that; fails if one that must be found is not. MUTANTS='3 lock-unfair'
#:                            picks some; doc/mutants.md
#:

# The list names them all; those of other directories are there for others too.
mutant_diffs = \
	stress/mutants/barrier-abort-untold.diff \
	stress/mutants/barrier-action-failed.diff \
	stress/mutants/barrier-asleep-split.diff \
	stress/mutants/barrier-destroy-unchecked.diff \
	stress/mutants/barrier-error-locked.diff \
	stress/mutants/barrier-impatient.diff \
	stress/mutants/barrier-leave-relaxed.diff \
	stress/mutants/barrier-leave-split.diff \
	stress/mutants/barrier-leaver-silent.diff \
	stress/mutants/barrier-look-relaxed.diff \
	stress/mutants/barrier-newest-kept.diff \
	stress/mutants/barrier-next-late.diff \
	stress/mutants/barrier-no-parties.diff \
	stress/mutants/barrier-reset-broken.diff \
	stress/mutants/barrier-round-same.diff \
	stress/mutants/barrier-seal-relaxed.diff \
	stress/mutants/barrier-shared-newcomers.diff \
	stress/mutants/barrier-shared-uncounted.diff \
	stress/mutants/barrier-shared-wakes-one.diff \
	stress/mutants/barrier-timeout-wins.diff \
	stress/mutants/barrier-unbroken.diff \
	stress/mutants/barrier-unlock-late.diff \
	stress/mutants/cond-asleep-early.diff \
	stress/mutants/cond-asleep-split.diff \
	stress/mutants/cond-cancelled-ghost.diff \
	stress/mutants/cond-lock-looked-up.diff \
	stress/mutants/cond-newest-kept.diff \
	stress/mutants/cond-newest-turned.diff \
	stress/mutants/cond-notify-count.diff \
	stress/mutants/cond-notify-unheld.diff \
	stress/mutants/cond-one-too-few.diff \
	stress/mutants/cond-pred-restarted.diff \
	stress/mutants/cond-pred-unasked.diff \
	stress/mutants/cond-stranger.diff \
	stress/mutants/cond-timeout-notified.diff \
	stress/mutants/cond-uncounted.diff \
	stress/mutants/cond-unmarked.diff \
	stress/mutants/cond-wait-unheld.diff \
	stress/mutants/cond-wake-first.diff \
	stress/mutants/cond-woken-split.diff \
	stress/mutants/control-in-two-steps.diff \
	stress/mutants/control-returns-early.diff \
	stress/mutants/control-stronger.diff \
	stress/mutants/control-wakes-one-more.diff \
	stress/mutants/control-yields.diff \
	stress/mutants/describe-cut.diff \
	stress/mutants/describe-overrun.diff \
	stress/mutants/event-announce-split.diff \
	stress/mutants/event-clear-unseeing.diff \
	stress/mutants/event-clear-wipes.diff \
	stress/mutants/event-destroy-unasked.diff \
	stress/mutants/event-round-narrow.diff \
	stress/mutants/event-second-set-silent.diff \
	stress/mutants/event-set-split.diff \
	stress/mutants/event-spin-relaxed.diff \
	stress/mutants/event-timeout-unlooked.diff \
	stress/mutants/event-token-first.diff \
	stress/mutants/event-unannounced.diff \
	stress/mutants/event-waiters-kept.diff \
	stress/mutants/event-wakes-always.diff \
	stress/mutants/event-woken-relaxed.diff \
	stress/mutants/futex-efault-fatal.diff \
	stress/mutants/futex-eintr-timeout-2.diff \
	stress/mutants/futex-eintr-timeout.diff \
	stress/mutants/futex-not-normal.diff \
	stress/mutants/futex-other-token-shared.diff \
	stress/mutants/futex-second-woken.diff \
	stress/mutants/futex-wake-negative.diff \
	stress/mutants/lock-asleep-again-unmarked.diff \
	stress/mutants/lock-awake-claimed-asleep.diff \
	stress/mutants/lock-destroy-unchecked.diff \
	stress/mutants/lock-many-held.diff \
	stress/mutants/lock-many-twice.diff \
	stress/mutants/lock-many-unordered.diff \
	stress/mutants/lock-other-value.diff \
	stress/mutants/lock-overtakes-unbounded.diff \
	stress/mutants/lock-release-slow-relaxed.diff \
	stress/mutants/lock-release-split.diff \
	stress/mutants/lock-release-unchecked.diff \
	stress/mutants/lock-shared-private.diff \
	stress/mutants/lock-sleep-unmarked.diff \
	stress/mutants/lock-take-slow-relaxed.diff \
	stress/mutants/lock-take-split.diff \
	stress/mutants/lock-take-woken-relaxed.diff \
	stress/mutants/lock-timeout-first.diff \
	stress/mutants/lock-try-marked.diff \
	stress/mutants/lock-try-relaxed.diff \
	stress/mutants/lock-try-sleeps.diff \
	stress/mutants/lock-unfair.diff \
	stress/mutants/lock-wakes-all.diff \
	stress/mutants/misuse-in-force.diff \
	stress/mutants/misuse-publish-relaxed.diff \
	stress/mutants/misuse-read-relaxed.diff \
	stress/mutants/rlock-nobody.diff \
	stress/mutants/rlock-overflow.diff \
	stress/mutants/rlock-owner-early.diff \
	stress/mutants/rlock-slow-release-frees.diff \
	stress/mutants/rlock-take-relaxed.diff \
	stress/mutants/rlock-timeout-owner.diff \
	stress/mutants/self-fork-kept.diff \
	stress/mutants/self-serial-split.diff \
	stress/mutants/self-thread-id.diff \
	stress/mutants/sem-acquire-zero.diff \
	stress/mutants/sem-bound-short.diff \
	stress/mutants/sem-destroy-unchecked.diff \
	stress/mutants/sem-expected-read.diff \
	stress/mutants/sem-give-up-split.diff \
	stress/mutants/sem-grant-relaxed.diff \
	stress/mutants/sem-grants-all.diff \
	stress/mutants/sem-init-unchecked.diff \
	stress/mutants/sem-one-grant.diff \
	stress/mutants/sem-over-bound.diff \
	stress/mutants/sem-register-split.diff \
	stress/mutants/sem-release-slow-relaxed.diff \
	stress/mutants/sem-take-relaxed.diff \
	stress/mutants/sem-take-slow-relaxed.diff \
	stress/mutants/sem-taken-relaxed.diff \
	stress/mutants/sem-timeout-unlooked.diff \
	stress/mutants/sem-try-registers.diff \
	stress/mutants/sem-waiters-split.diff \
	stress/mutants/sem-wake-first.diff \
	stress/mutants/spin-endless.diff \
	stress/mutants/sys-clock-realtime.diff \
	stress/mutants/sys-errno.diff \
	stress/mutants/sys-private-swapped.diff \
	stress/mutants/sys-realtime-2.diff \
	stress/mutants/sys-realtime.diff \
	stress/mutants/time-overflow.diff \
	stress/mutants/time-relative.diff \
	stress/mutants/time-sleep-ends.diff \
	stress/mutants/time-zero-forever.diff \
	stress/mutants/wait-look-late.diff \
	stress/mutants/wait-look-relaxed.diff \
	stress/mutants/wait-restarted.diff \
	stress/mutants/wait-slice-timeout.diff \
	stress/mutants/wait-token-alone.diff \
	stress/mutants/wait-token-cleared.diff \
	stress/mutants/wait-token-errno.diff \
	stress/mutants/wait-token-mark-split.diff \
	stress/mutants/wait-token-relaxed.diff \
	stress/mutants/wait-token-reread.diff \
	stress/mutants/with-kept.diff

dist_noinst_SCRIPTS += stress/mutants/run.sh
EXTRA_DIST += stress/mutants/list $(mutant_diffs)

.PHONY: check-mutants clean-mutants
check-mutants:
	CC='$(CC)' TSAN_CC='$(TSAN_CC)' OBJCOPY='$(OBJCOPY)' \
		$(SHELL) $(srcdir)/stress/mutants/run.sh $(srcdir) mutants $(MUTANTS)

dist_check_SCRIPTS += tests/mutants.sh

# As for the explorer, which these need.
if !CROSS_COMPILING
if !SANITIZE
TESTS += tests/mutants.sh
endif
endif

mostlyclean-local: clean-mutants
clean-mutants:
	rm -rf mutants
