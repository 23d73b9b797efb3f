/* SPDX-License-Identifier: MIT */
/*
 * scenario-barrier.c - rounds that all members see end alike, and barriers that are freed by the first who returns.
 */
#include <weft/barrier.h>
#include <weft/event.h>

#include "explore.h"

enum { ROUNDS = 3, PARTIES_MAX = 4 };

enum { COMPLETED, BROKEN_OUT, FREED }; /* counters */

struct meeting {
	struct weft_barrier barrier;
	struct weft_event cancel;
	unsigned values[ROUNDS][PARTIES_MAX]; /* written before a round, read by all after it */
	unsigned indices[ROUNDS][PARTIES_MAX];
	unsigned actions;
	int action_result;
};

static void *begin_with(int (*init)(struct weft_barrier *, unsigned), unsigned parties)
{
	struct meeting *const meeting = explore_alloc(sizeof(*meeting), "barrier");

	explore_check(init(&meeting->barrier, parties) == 0);
	return meeting;
}

static void *begin_2(void)
{
	return begin_with(weft_barrier_init, 2);
}

static void *begin_3(void)
{
	return begin_with(weft_barrier_init, 3);
}

static void *begin_shared_2(void)
{
	return begin_with(weft_barrier_init_shared, 2);
}

static void *begin_shared_3(void)
{
	return begin_with(weft_barrier_init_shared, 3);
}

static void end(void *state)
{
	struct meeting *const meeting = state;

	explore_check(weft_barrier_n_waiting(&meeting->barrier) == 0);
	explore_check(weft_barrier_destroy(&meeting->barrier) == 0);
	weft_barrier_reset(&meeting->barrier);
	explore_check(!weft_barrier_broken(&meeting->barrier));
}

static void rounds_of(struct meeting *meeting, unsigned number, unsigned n)
{
	const unsigned parties = explore_threads();

	for (unsigned round = 0; round < n; round++) {
		int index;

		meeting->values[round][number] = round + 1;
		index = weft_barrier_wait(&meeting->barrier);
		explore_check(index >= 0 && (unsigned)index < parties);
		for (unsigned i = 0; i < parties; i++)
			explore_check(meeting->values[round][i] == round + 1);
		explore_check(explore_count(8 + round * PARTIES_MAX + (unsigned)index, 1) == 0);
	}
}

static void rounds_1(void *state, unsigned number)
{
	rounds_of(state, number, 1);
}

static void rounds_2(void *state, unsigned number)
{
	rounds_of(state, number, 2);
}

static void rounds_3(void *state, unsigned number)
{
	rounds_of(state, number, 3);
}

static int act(void *arg)
{
	struct meeting *const meeting = arg;

	meeting->actions++;
	explore_step();
	return meeting->action_result;
}

static void *begin_action(void)
{
	struct meeting *const meeting = begin_3();

	weft_barrier_set_action(&meeting->barrier, act, meeting);
	return meeting;
}

static void *begin_bad_action(void)
{
	struct meeting *const meeting = begin_action();

	meeting->action_result = -EIO;
	return meeting;
}

static void with_action(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	(void)number;
	explore_check(weft_barrier_wait(&meeting->barrier) >= 0);
	explore_check(meeting->actions == 1);
}

static void with_bad_action(void *state, unsigned number)
{
	struct meeting *const meeting = state;
	int rc;

	(void)number;
	rc = weft_barrier_wait_for(&meeting->barrier, number == 0 ? 4000 : WEFT_FOREVER);
	explore_check(rc == -EIO || rc == -EPIPE || (number == 0 && rc == -ETIMEDOUT));
	explore_check(weft_barrier_broken(&meeting->barrier));
}

/* A round that ended is complete for all of its members or for none. */
static void count_outcome(int rc)
{
	explore_check(rc >= 0 || rc == -EPIPE || rc == -ETIMEDOUT || rc == -ECANCELED);
	explore_count(rc >= 0 ? COMPLETED : BROKEN_OUT, 1);
	explore_check(explore_count(COMPLETED, 0) == 0 || explore_count(BROKEN_OUT, 0) == 0);
}

static void timed(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	count_outcome(weft_barrier_wait_for(&meeting->barrier, number == 0 ? WEFT_FOREVER : 3000));
}

static void all_timed(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	(void)number;
	count_outcome(weft_barrier_wait_for(&meeting->barrier, 3000));
}

static void polling(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	count_outcome(weft_barrier_wait_for(&meeting->barrier, number == 0 ? 0 : 3000));
}

static void cancelled(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	if (number == 0) {
		weft_event_set(&meeting->cancel);
		return;
	}
	count_outcome(weft_barrier_wait_until(&meeting->barrier, number == 1 ? WEFT_FOREVER : 1000000000 + 8000,
					      &meeting->cancel));
}

static void aborted(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	if (number == 0) {
		weft_barrier_abort(&meeting->barrier);
		explore_check(weft_barrier_broken(&meeting->barrier));
	} else {
		count_outcome(weft_barrier_wait_for(&meeting->barrier, number == 1 ? WEFT_FOREVER : 5000));
	}
}

/* Each goes on until it has been through once; a reset meanwhile sends those away who wait. */
static void reset(void *state, unsigned number)
{
	struct meeting *const meeting = state;
	int rc;

	if (number == 0) {
		weft_barrier_reset(&meeting->barrier);
		if (explore_choose(2))
			weft_barrier_reset(&meeting->barrier);
		return;
	}
	do {
		rc = weft_barrier_wait(&meeting->barrier);
		explore_check(rc >= 0 || rc == -EPIPE);
	} while (rc < 0);
	explore_check(explore_count(8 + (unsigned)rc, 1) == 0);
}

/* With a bounded wait where a reset is being drained. */
static void drained(void *state, unsigned number)
{
	struct meeting *const meeting = state;
	int rc;

	if (number == 0) {
		weft_barrier_reset(&meeting->barrier);
		return;
	}
	for (int i = 0; i < 2; i++) {
		rc = weft_barrier_wait_for(&meeting->barrier, 3000 + 2000 * i);
		explore_check(rc >= 0 || rc == -EPIPE || rc == -ETIMEDOUT);
	}
}

/* The first that returns from the round frees it, while others are still inside. */
static void free_first(struct meeting *meeting, int rc)
{
	if (rc >= 0 && explore_count(FREED, 1) == 0)
		explore_free(meeting);
}

static void freed(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	(void)number;
	free_first(meeting, weft_barrier_wait(&meeting->barrier));
}

static void freed_timed(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	free_first(meeting, weft_barrier_wait_for(&meeting->barrier, number == 0 ? WEFT_FOREVER : 3000));
}

/* Whoever comes back first from the second round frees it, the first round's stragglers notwithstanding. */
static void freed_second(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	(void)number;
	if (weft_barrier_wait(&meeting->barrier) >= 0)
		free_first(meeting, weft_barrier_wait(&meeting->barrier));
}

const struct explore_scenario explore_barrier[] = {
	{ "barrier-2x3", 2, 80, begin_2, rounds_3, end, 0 },
	{ "barrier-3x1", 3, 60, begin_3, rounds_1, end, 0 },
	{ "barrier-3x2", 3, 110, begin_3, rounds_2, end, 0 },
	{ "barrier-3x3", 3, 150, begin_3, rounds_3, end, 0 },
	{ "barrier-action-3", 3, 60, begin_action, with_action, end, 0 },
	{ "barrier-bad-action-3", 3, 70, begin_bad_action, with_bad_action, end, 0 },
	{ "barrier-timed-2", 2, 50, begin_2, timed, end, 0 },
	{ "barrier-timed-3", 3, 80, begin_3, timed, end, 0 },
	{ "barrier-all-timed-2", 2, 50, begin_2, all_timed, end, 0 },
	{ "barrier-all-timed-3", 3, 80, begin_3, all_timed, end, 0 },
	{ "barrier-polling-2", 2, 50, begin_2, polling, end, 0 },
	{ "barrier-polling-3", 3, 80, begin_3, polling, end, 0 },
	{ "barrier-cancelled-3", 3, 60, begin_2, cancelled, end, 0 },
	{ "barrier-cancelled-4", 4, 100, begin_3, cancelled, end, 0 },
	{ "barrier-aborted-3", 3, 60, begin_2, aborted, end, 0 },
	{ "barrier-aborted-4", 4, 90, begin_3, aborted, end, 0 },
	{ "barrier-reset-3", 3, 80, begin_2, reset, end, 0 },
	{ "barrier-reset-4", 4, 120, begin_3, reset, end, 0 },
	{ "barrier-drained-3", 3, 90, begin_2, drained, end, 0 },
	{ "barrier-freed-2", 2, 30, begin_2, freed, NULL, 0 },
	{ "barrier-freed-3", 3, 60, begin_3, freed, NULL, 0 },
	{ "barrier-freed-timed-2", 2, 50, begin_2, freed_timed, NULL, 0 },
	{ "barrier-freed-timed-3", 3, 80, begin_3, freed_timed, NULL, 0 },
	{ "barrier-freed-second-2", 2, 60, begin_2, freed_second, NULL, 0 },
	{ "barrier-freed-second-3", 3, 110, begin_3, freed_second, NULL, 0 },
	{ "barrier-shared-2x3", 2, 80, begin_shared_2, rounds_3, end, 0 },
	{ "barrier-shared-3x2", 3, 110, begin_shared_3, rounds_2, end, 0 },
	{ "barrier-shared-timed-2", 2, 50, begin_shared_2, timed, end, 0 },
	{ "barrier-shared-timed-3", 3, 80, begin_shared_3, timed, end, 0 },
	{ "barrier-shared-all-timed-3", 3, 80, begin_shared_3, all_timed, end, 0 },
	{ "barrier-shared-polling-3", 3, 80, begin_shared_3, polling, end, 0 },
	{ "barrier-shared-cancelled-4", 4, 100, begin_shared_3, cancelled, end, 0 },
	{ "barrier-shared-aborted-4", 4, 90, begin_shared_3, aborted, end, 0 },
	{ "barrier-shared-reset-3", 3, 80, begin_shared_2, reset, end, 0 },
	{ "barrier-shared-reset-4", 4, 120, begin_shared_3, reset, end, 0 },
	{ "barrier-shared-drained-3", 3, 90, begin_shared_2, drained, end, 0 },
	{ "barrier-shared-drained-4", 4, 120, begin_shared_3, drained, end, 0 },
	{ 0 },
};
