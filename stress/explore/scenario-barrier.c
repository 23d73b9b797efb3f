/* SPDX-License-Identifier: MIT */
/*
 * scenario-barrier.c - rounds that all members see end alike, and barriers that are freed by the first who returns.
 */
#include <weft/barrier.h>
#include <weft/event.h>

#include <weft_sys.h>

#include "scenarios.h"

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
	struct meeting *const meeting = weft_explore_alloc(sizeof(*meeting), "barrier");

	weft_explore_check(init(&meeting->barrier, parties) == 0);
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

static void *begin_old_2(void)
{
	weft_sys_refuse_wait2();
	return begin_2();
}

static void *begin_old_shared_2(void)
{
	weft_sys_refuse_wait2();
	return begin_shared_2();
}

static void *begin_shared_3(void)
{
	return begin_with(weft_barrier_init_shared, 3);
}

static void end(void *state)
{
	struct meeting *const meeting = state;

	weft_explore_check(weft_barrier_n_waiting(&meeting->barrier) == 0);
	weft_explore_check(weft_barrier_destroy(&meeting->barrier) == 0);
	weft_barrier_reset(&meeting->barrier);
	weft_explore_check(!weft_barrier_broken(&meeting->barrier));
}

static void rounds_of(struct meeting *meeting, unsigned number, unsigned n)
{
	const unsigned parties = weft_explore_threads();

	for (unsigned round = 0; round < n; round++) {
		int index;

		meeting->values[round][number] = round + 1;
		index = weft_barrier_wait(&meeting->barrier);
		weft_explore_check(index >= 0 && (unsigned)index < parties);
		for (unsigned i = 0; i < parties; i++)
			weft_explore_check(meeting->values[round][i] == round + 1);
		weft_explore_check(weft_explore_count(8 + round * PARTIES_MAX + (unsigned)index, 1) == 0);
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
	weft_explore_step();
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
	weft_explore_check(weft_barrier_wait(&meeting->barrier) >= 0);
	weft_explore_check(meeting->actions == 1);
}

static void with_bad_action(void *state, unsigned number)
{
	struct meeting *const meeting = state;
	int rc;

	(void)number;
	rc = weft_barrier_wait_for(&meeting->barrier, number == 0 ? 4000 : WEFT_FOREVER);
	weft_explore_check(rc == -EIO || rc == -EPIPE || (number == 0 && rc == -ETIMEDOUT));
	weft_explore_check(weft_barrier_broken(&meeting->barrier));
}

/* A round that ended is complete for all of its members or for none. */
static void count_outcome(int rc)
{
	weft_explore_check(rc >= 0 || rc == -EPIPE || rc == -ETIMEDOUT || rc == -ECANCELED);
	weft_explore_count(rc >= 0 ? COMPLETED : BROKEN_OUT, 1);
	weft_explore_check(weft_explore_count(COMPLETED, 0) == 0 || weft_explore_count(BROKEN_OUT, 0) == 0);
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
		weft_explore_check(weft_barrier_broken(&meeting->barrier));
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
		if (weft_explore_choose(2))
			weft_barrier_reset(&meeting->barrier);
		return;
	}
	do {
		rc = weft_barrier_wait(&meeting->barrier);
		weft_explore_check(rc >= 0 || rc == -EPIPE);
	} while (rc < 0);
	weft_explore_check(weft_explore_count(8 + (unsigned)rc, 1) == 0);
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
		weft_explore_check(rc >= 0 || rc == -EPIPE || rc == -ETIMEDOUT);
	}
}

/* The first that returns from the round frees it, while others are still inside. */
static void free_first(struct meeting *meeting, int rc)
{
	if (rc >= 0 && weft_explore_count(FREED, 1) == 0)
		weft_explore_free(meeting);
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

/* The same in a round that is broken up when all of its members are in it; thread 0 is none of them. */
static void freed_broken(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	if (number > 0) {
		weft_explore_check(weft_barrier_wait(&meeting->barrier) == -EPIPE);
		if (weft_explore_count(FREED, 1) == 0)
			weft_explore_free(meeting);
		return;
	}
	while (weft_barrier_n_waiting(&meeting->barrier) < 2)
		weft_explore_yield();
	if (weft_explore_choose(2))
		weft_barrier_abort(&meeting->barrier);
	else
		weft_barrier_reset(&meeting->barrier);
}

/* A shared one goes when all of this process have returned. */
static void freed_by_last(void *state, unsigned number)
{
	struct meeting *const meeting = state;
	const int rc = weft_barrier_wait_for(&meeting->barrier, number == 0 ? WEFT_FOREVER : 3000);

	(void)rc;
	if (weft_explore_count_ordered(FREED, 1) == weft_explore_threads() - 1)
		weft_explore_free(meeting);
}

/* Whoever comes back first from the second round frees it, the first round's stragglers notwithstanding. */
static void freed_second(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	(void)number;
	if (weft_barrier_wait(&meeting->barrier) >= 0)
		free_first(meeting, weft_barrier_wait(&meeting->barrier));
}

const struct weft_explore_scenario explore_barrier[] = {
	{ .name = "barrier-2x3", .threads = 2, .steps = 80, .begin = begin_2, .thread = rounds_3, .end = end },
	{ .name = "barrier-3x1", .threads = 3, .steps = 60, .begin = begin_3, .thread = rounds_1, .end = end },
	{ .name = "barrier-3x2", .threads = 3, .steps = 110, .begin = begin_3, .thread = rounds_2, .end = end },
	{ .name = "barrier-3x3", .threads = 3, .steps = 150, .begin = begin_3, .thread = rounds_3, .end = end },
	{ .name = "barrier-action-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin_action,
	  .thread = with_action,
	  .end = end },
	{ .name = "barrier-bad-action-3",
	  .threads = 3,
	  .steps = 70,
	  .begin = begin_bad_action,
	  .thread = with_bad_action,
	  .end = end },
	{ .name = "barrier-timed-2", .threads = 2, .steps = 50, .begin = begin_2, .thread = timed, .end = end },
	{ .name = "barrier-timed-3", .threads = 3, .steps = 80, .begin = begin_3, .thread = timed, .end = end },
	{ .name = "barrier-all-timed-2",
	  .threads = 2,
	  .steps = 50,
	  .begin = begin_2,
	  .thread = all_timed,
	  .end = end },
	{ .name = "barrier-all-timed-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_3,
	  .thread = all_timed,
	  .end = end },
	{ .name = "barrier-polling-2", .threads = 2, .steps = 50, .begin = begin_2, .thread = polling, .end = end },
	{ .name = "barrier-polling-3", .threads = 3, .steps = 80, .begin = begin_3, .thread = polling, .end = end },
	{ .name = "barrier-cancelled-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin_2,
	  .thread = cancelled,
	  .end = end },
	{ .name = "barrier-cancelled-4",
	  .threads = 4,
	  .steps = 100,
	  .begin = begin_3,
	  .thread = cancelled,
	  .end = end },
	{ .name = "barrier-cancelled-old-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_old_2,
	  .thread = cancelled,
	  .end = end },
	{ .name = "barrier-cancelled-old-shared-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_old_shared_2,
	  .thread = cancelled,
	  .end = end },
	{ .name = "barrier-aborted-3", .threads = 3, .steps = 60, .begin = begin_2, .thread = aborted, .end = end },
	{ .name = "barrier-aborted-4", .threads = 4, .steps = 90, .begin = begin_3, .thread = aborted, .end = end },
	{ .name = "barrier-reset-3", .threads = 3, .steps = 80, .begin = begin_2, .thread = reset, .end = end },
	{ .name = "barrier-reset-4", .threads = 4, .steps = 120, .begin = begin_3, .thread = reset, .end = end },
	{ .name = "barrier-drained-3", .threads = 3, .steps = 90, .begin = begin_2, .thread = drained, .end = end },
	{ .name = "barrier-freed-2", .threads = 2, .steps = 30, .begin = begin_2, .thread = freed },
	{ .name = "barrier-freed-3", .threads = 3, .steps = 60, .begin = begin_3, .thread = freed },
	{ .name = "barrier-freed-timed-2", .threads = 2, .steps = 50, .begin = begin_2, .thread = freed_timed },
	{ .name = "barrier-freed-timed-3", .threads = 3, .steps = 80, .begin = begin_3, .thread = freed_timed },
	{ .name = "barrier-freed-broken-3", .threads = 3, .begin = begin_3, .thread = freed_broken },
	{ .name = "barrier-shared-freed-2", .threads = 2, .begin = begin_shared_2, .thread = freed_by_last },
	{ .name = "barrier-shared-freed-3", .threads = 3, .begin = begin_shared_3, .thread = freed_by_last },
	{ .name = "barrier-freed-second-2", .threads = 2, .steps = 60, .begin = begin_2, .thread = freed_second },
	{ .name = "barrier-freed-second-3", .threads = 3, .steps = 110, .begin = begin_3, .thread = freed_second },
	{ .name = "barrier-shared-2x3",
	  .threads = 2,
	  .steps = 80,
	  .begin = begin_shared_2,
	  .thread = rounds_3,
	  .end = end },
	{ .name = "barrier-shared-3x2",
	  .threads = 3,
	  .steps = 110,
	  .begin = begin_shared_3,
	  .thread = rounds_2,
	  .end = end },
	{ .name = "barrier-shared-timed-2",
	  .threads = 2,
	  .steps = 50,
	  .begin = begin_shared_2,
	  .thread = timed,
	  .end = end },
	{ .name = "barrier-shared-timed-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_shared_3,
	  .thread = timed,
	  .end = end },
	{ .name = "barrier-shared-all-timed-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_shared_3,
	  .thread = all_timed,
	  .end = end },
	{ .name = "barrier-shared-polling-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_shared_3,
	  .thread = polling,
	  .end = end },
	{ .name = "barrier-shared-cancelled-4",
	  .threads = 4,
	  .steps = 100,
	  .begin = begin_shared_3,
	  .thread = cancelled,
	  .end = end },
	{ .name = "barrier-shared-aborted-4",
	  .threads = 4,
	  .steps = 90,
	  .begin = begin_shared_3,
	  .thread = aborted,
	  .end = end },
	{ .name = "barrier-shared-reset-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin_shared_2,
	  .thread = reset,
	  .end = end },
	{ .name = "barrier-shared-reset-4",
	  .threads = 4,
	  .steps = 120,
	  .begin = begin_shared_3,
	  .thread = reset,
	  .end = end },
	{ .name = "barrier-shared-drained-3",
	  .threads = 3,
	  .steps = 90,
	  .begin = begin_shared_2,
	  .thread = drained,
	  .end = end },
	{ .name = "barrier-shared-drained-4",
	  .threads = 4,
	  .steps = 120,
	  .begin = begin_shared_3,
	  .thread = drained,
	  .end = end },
	{ 0 },
};
