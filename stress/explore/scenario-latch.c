/* SPDX-License-Identifier: MIT */
/*
 * scenario-latch.c - waits end when the count is zero, in their own round and with all that the round did; counts are
 * exact; the latch may be freed under the hands of the last to count down.
 */
#include <errno.h>

#include <weft/event.h>
#include <weft/latch.h>

#include <weft_sys.h>

#include "scenarios.h"

struct work {
	struct weft_latch latch;
	struct weft_event cancel;
	unsigned payload[5]; /* plain: each worker's, ordered by the latch alone */
};

enum { DOWN, ZEROS, CANCELS, LEFT, PHASE }; /* counters */

static const char *const marks_timed[] = { "timed out", "in time", NULL };
static const char *const marks_rounds[] = { "slept in each round", NULL };

static void *begin_at(int (*init)(struct weft_latch *, unsigned), unsigned count)
{
	struct work *const work = weft_explore_alloc(sizeof(*work), "latch");

	weft_explore_check(init(&work->latch, count) == 0);
	return work;
}

static void *begin_0(void)
{
	return begin_at(weft_latch_init, 0);
}

static void *begin_1(void)
{
	return begin_at(weft_latch_init, 1);
}

static void *begin_2(void)
{
	return begin_at(weft_latch_init, 2);
}

static void *begin_2_shared(void)
{
	return begin_at(weft_latch_init_shared, 2);
}

static void *begin_1_old(void)
{
	weft_sys_refuse_wait2();
	return begin_1();
}

static void end(void *state)
{
	struct work *const work = state;

	weft_explore_check(weft_latch_count(&work->latch) == 0);
	weft_explore_check(weft_latch_wait_for(&work->latch, 0) == 0);
	weft_explore_check(weft_latch_destroy(&work->latch) == 0);
}

static void down(struct work *work, unsigned number)
{
	work->payload[number] = 1;
	weft_explore_count(DOWN, 1);
	weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
}

static void check_all_down(struct work *work, unsigned n)
{
	weft_explore_check(weft_explore_count(DOWN, 0) >= n);
	for (unsigned i = 0; i < n; i++)
		weft_explore_check(work->payload[i] == 1);
}

/* Threads 0 and 1 count down, the others wait. */
static void two_workers(void *state, unsigned number)
{
	struct work *const work = state;

	if (number < 2) {
		down(work, number);
		return;
	}
	weft_explore_check(weft_latch_wait(&work->latch) == 0);
	check_all_down(work, 2);
}

/* The two also wait for each other. */
static void meet(void *state, unsigned number)
{
	struct work *const work = state;

	down(work, number);
	weft_explore_check(weft_latch_wait(&work->latch) == 0);
	check_all_down(work, 2);
}

/* The end of a round and the next one at once: who slept goes all the same. */
static void reopened(void *state, unsigned number)
{
	struct work *const work = state;

	if (number > 0) {
		weft_explore_check(weft_latch_wait(&work->latch) == 0);
		weft_explore_check(work->payload[0] == 1);
		return;
	}
	while (!weft_explore_sleeps(1) || !weft_explore_sleeps(2))
		weft_explore_yield();
	work->payload[0] = 1;
	weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
	weft_explore_check(weft_latch_count_up(&work->latch, 1) == 0);
}

static void end_reopened(void *state)
{
	struct work *const work = state;

	weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
	end(state);
}

/*
 * Round after round, by two or three threads at once, with waiters that come as they come. Each wait must see a zero.
 * With a tag of two bits, three can be so far behind with their last steps that a waiter has to stand back.
 */
static void storm(void *state, unsigned number)
{
	struct work *const work = state;

	for (int i = 0; i < 3; i++) {
		if (number < (weft_explore_threads() + 1) / 2 && number < 3) {
			weft_explore_check(weft_latch_count_up(&work->latch, 1) == 0);
			weft_explore_step();
			weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
		} else {
			weft_explore_check(weft_latch_wait(&work->latch) == 0);
		}
	}
}

/* One thread makes the rounds, the next when all sleep. Five rounds: more than a tag of two bits can count. */
static void rounds(void *state, unsigned number)
{
	struct work *const work = state;

	for (unsigned i = 0; i < 5; i++) {
		if (number > 0) {
			while (weft_explore_count_ordered(PHASE, 0) <= i)
				weft_explore_yield();
			weft_explore_check(weft_latch_wait(&work->latch) == 0);
			weft_explore_check(work->payload[i] == 1);
			continue;
		}
		weft_explore_check(weft_latch_count_up(&work->latch, 1) == 0);
		weft_explore_count_ordered(PHASE, 1);
		while (!weft_explore_sleeps(1) || !weft_explore_sleeps(2))
			weft_explore_yield();
		work->payload[i] = 1;
		weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
		while (weft_explore_sleeps(1) || weft_explore_sleeps(2))
			weft_explore_yield();
	}
	weft_explore_reached("slept in each round");
}

/* -ETIMEDOUT only if the count had not come to zero before the call; a wait that times out takes nothing with it. */
static void timed(void *state, unsigned number)
{
	struct work *const work = state;
	const bool was_zero = number > 0 && weft_explore_count(ZEROS, 0) > 0;
	int rc;

	if (number == 0) {
		work->payload[0] = 1;
		weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
		weft_explore_count(ZEROS, 1);
		return;
	}
	if (number == 1)
		rc = weft_latch_wait_for(&work->latch, weft_explore_choose(2) * 2000);
	else
		rc = weft_latch_wait_until(&work->latch, weft_explore_choose(2) ? 3000 : WEFT_FOREVER, NULL);
	if (rc == 0) {
		weft_explore_reached("in time");
		weft_explore_check(work->payload[0] == 1);
	} else {
		weft_explore_reached("timed out");
		weft_explore_check(rc == -ETIMEDOUT && (weft_explore_weak() || !was_zero));
	}
}

static void cancelled(void *state, unsigned number)
{
	struct work *const work = state;
	int rc;

	if (number == 0) {
		weft_explore_count(CANCELS, 1);
		weft_event_set(&work->cancel);
		if (weft_explore_choose(2))
			weft_event_clear(&work->cancel);
		down(work, 0);
	} else {
		rc = weft_latch_wait_until(&work->latch, WEFT_FOREVER, &work->cancel);
		weft_explore_check(rc == 0 || (rc == -ECANCELED && weft_explore_count(CANCELS, 0) > 0));
		if (rc == 0)
			check_all_down(work, 1);
	}
}

/* The token alone ends the wait. */
static void cancelled_only(void *state, unsigned number)
{
	struct work *const work = state;

	if (number == 0) {
		while (!weft_explore_sleeps(1))
			weft_explore_yield();
		weft_event_set(&work->cancel);
	} else {
		weft_explore_check(weft_latch_wait_until(&work->latch, WEFT_FOREVER, &work->cancel) == -ECANCELED);
	}
}

static void end_cancelled(void *state)
{
	struct work *const work = state;

	weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
	end(state);
}

/* The last of those that wait frees it. */
static void free_after_wait(void *state, unsigned number)
{
	struct work *const work = state;

	if (number == 0) {
		down(work, 0);
		return;
	}
	weft_explore_check(weft_latch_wait(&work->latch) == 0);
	check_all_down(work, 1);
	if (weft_explore_count_ordered(LEFT, 1) + 2 == weft_explore_threads())
		weft_explore_free(work);
}

/*
 * The same where the thread that slept has gone for lack of time: the one that comes late and finds zero, and frees it
 * then, must not be too early for the count_down.
 */
static void free_after_look(void *state, unsigned number)
{
	struct work *const work = state;

	if (number == 0) {
		down(work, 0);
		return;
	}
	if (number == 1) {
		(void)!weft_latch_wait_for(&work->latch, 3000);
		weft_explore_count_ordered(LEFT, 1);
		return;
	}
	while (weft_explore_count_ordered(LEFT, 0) == 0)
		weft_explore_yield();
	while (weft_latch_wait_for(&work->latch, weft_explore_choose(2) * 3000) != 0)
		weft_explore_yield();
	weft_explore_free(work);
}

/* Below zero and beyond the highest: refused, and nothing happens; also while others count. */
static void bounds(void *state, unsigned number)
{
	struct work *const work = state;

	if (number == 0) {
		weft_explore_check(weft_latch_count_down(&work->latch, 3) == -EINVAL);
		weft_explore_check(weft_latch_count_up(&work->latch, WEFT_LATCH_MAX) == -EOVERFLOW);
		weft_explore_check(weft_latch_count_down(&work->latch, 0) == -EINVAL);
		weft_explore_check(weft_latch_count_up(&work->latch, 0) == -EINVAL);
		weft_explore_check(weft_latch_init(&work->latch, WEFT_LATCH_MAX + 1) == -EINVAL);
	} else {
		weft_explore_check(weft_latch_count_down(&work->latch, 1) == 0);
	}
}

static void end_bounds(void *state)
{
	char text[16];

	weft_explore_check(weft_latch_describe(&((struct work *)state)->latch, text, sizeof(text)) == 7);
	weft_explore_check(weft_latch_count_down(&((struct work *)state)->latch, 1) == 0);
	end(state);
}

static void busy(void *state, unsigned number)
{
	struct work *const work = state;

	if (number == 1) {
		weft_explore_check(weft_latch_wait(&work->latch) == 0);
		return;
	}
	while (!weft_explore_sleeps(1))
		weft_explore_yield();
	weft_explore_check(weft_latch_destroy(&work->latch) == -EBUSY || weft_explore_weak()); /* a stale look */
	down(work, 0);
}

const struct weft_explore_scenario explore_latch[] = {
	{ .name = "latch-3", .threads = 3, .begin = begin_2, .thread = two_workers, .end = end },
	{ .name = "latch-4", .threads = 4, .begin = begin_2, .thread = two_workers, .end = end },
	{ .name = "latch-shared-4", .threads = 4, .begin = begin_2_shared, .thread = two_workers, .end = end },
	{ .name = "latch-meet-2", .threads = 2, .begin = begin_2, .thread = meet, .end = end },
	{ .name = "latch-reopened-3", .threads = 3, .begin = begin_1, .thread = reopened, .end = end_reopened },
	{ .name = "latch-storm-3", .threads = 3, .begin = begin_0, .thread = storm, .end = end },
	{ .name = "latch-storm-5", .threads = 5, .begin = begin_0, .thread = storm, .end = end },
	{ .name = "latch-storm-6", .threads = 6, .begin = begin_0, .thread = storm, .end = end },
	{ .name = "latch-rounds-3",
	  .threads = 3,
	  .begin = begin_0,
	  .thread = rounds,
	  .end = end,
	  .marks = marks_rounds },
	{ .name = "latch-timed-3",
	  .threads = 3,
	  .begin = begin_1,
	  .thread = timed,
	  .end = end,
	  .marks = marks_timed },
	{ .name = "latch-cancelled-3", .threads = 3, .begin = begin_1, .thread = cancelled, .end = end },
	{ .name = "latch-cancelled-old-3", .threads = 3, .begin = begin_1_old, .thread = cancelled, .end = end },
	{ .name = "latch-cancelled-only-2",
	  .threads = 2,
	  .begin = begin_1,
	  .thread = cancelled_only,
	  .end = end_cancelled },
	{ .name = "latch-free-2", .threads = 2, .begin = begin_1, .thread = free_after_wait },
	{ .name = "latch-free-3", .threads = 3, .begin = begin_1, .thread = free_after_wait },
	{ .name = "latch-free-look-3", .threads = 3, .begin = begin_1, .thread = free_after_look },
	{ .name = "latch-bounds-2", .threads = 2, .begin = begin_2, .thread = bounds, .end = end_bounds },
	{ .name = "latch-busy-2", .threads = 2, .begin = begin_1, .thread = busy, .end = end },
	{ 0 },
};
