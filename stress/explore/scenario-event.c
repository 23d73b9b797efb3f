/* SPDX-License-Identifier: MIT */
/*
 * scenario-event.c - a set ends every wait that had begun; tokens do; time-outs tell the truth.
 */
#include <weft/event.h>

#include <weft_sys.h>

#include "scenarios.h"

struct gate {
	struct weft_event event;
	struct weft_event cancel;
	unsigned payload;
};

enum { SETS_BEGUN, SETS_DONE, CANCELS_DONE, CLEARS_DONE }; /* counters */

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct gate), "event");
}

static void *begin_shared(void)
{
	struct gate *const gate = begin();

	weft_event_init_shared(&gate->event);
	weft_event_init_shared(&gate->cancel);
	return gate;
}

static void *begin_old(void)
{
	weft_sys_refuse_wait2();
	return begin();
}

static void end(void *state)
{
	struct gate *const gate = state;

	weft_explore_check(weft_event_destroy(&gate->event) == 0 && weft_event_destroy(&gate->cancel) == 0);
}

static void set(struct gate *gate)
{
	weft_explore_count(SETS_BEGUN, 1);
	weft_event_set(&gate->event);
	weft_explore_count(SETS_DONE, 1);
}

static void open_once(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		gate->payload = 1;
		set(gate);
	} else {
		weft_explore_check(weft_event_wait(&gate->event) == 0);
		weft_explore_check(gate->payload == 1 && weft_event_is_set(&gate->event));
	}
}

/* All others sleep; set and clear at once. */
static void set_and_clear(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		while (!weft_explore_sleeps(1) || (weft_explore_threads() > 2 && !weft_explore_sleeps(2)))
			weft_explore_yield();
		gate->payload = 1;
		set(gate);
		weft_event_clear(&gate->event);
	} else {
		weft_explore_check(weft_event_wait(&gate->event) == 0);
		weft_explore_check(gate->payload == 1);
	}
}

/* Three rounds of set and clear, the next when all sleep again. */
static void rounds(void *state, unsigned number)
{
	struct gate *const gate = state;

	for (int i = 0; i < 3; i++)
		if (number > 0) {
			while (weft_explore_count_ordered(CLEARS_DONE, 0) < (unsigned)i)
				weft_explore_yield();
			weft_explore_check(weft_event_wait(&gate->event) == 0);
		} else {
			while (!weft_explore_sleeps(1) || !weft_explore_sleeps(2))
				weft_explore_yield();
			set(gate);
			weft_event_clear(&gate->event);
			weft_explore_count_ordered(CLEARS_DONE, 1);
		}
}

/* A look that may not wait, and waits for a while: -ETIMEDOUT only if no set had been done. */
static void timed(void *state, unsigned number)
{
	struct gate *const gate = state;
	int rc;

	if (number == 0) {
		gate->payload = 1;
		set(gate);
	} else if (number == 3) {
		weft_explore_check(weft_event_wait(&gate->event) == 0);
	} else {
		rc = weft_event_wait_for(&gate->event, number == 1 ? 3000 : weft_explore_choose(2) * 2000);
		if (rc == 0)
			weft_explore_check(gate->payload == 1);
		else
			weft_explore_check(rc == -ETIMEDOUT &&
					   (weft_explore_weak() || weft_explore_count(SETS_DONE, 0) == 0));
	}
}

static void cancelled(void *state, unsigned number)
{
	struct gate *const gate = state;
	int rc;

	if (number == 0) {
		weft_event_set(&gate->cancel);
		if (weft_explore_choose(2))
			weft_event_clear(&gate->cancel);
		else
			weft_explore_count(CANCELS_DONE, 1);
		set(gate);
	} else if (number == 1) {
		weft_explore_check(weft_event_wait(&gate->event) == 0);
	} else {
		rc = weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel);
		weft_explore_check(rc == 0 || rc == -ECANCELED);
	}
}

static void cancelled_only(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		while (!weft_explore_sleeps(1) || (weft_explore_threads() > 2 && !weft_explore_sleeps(2)))
			weft_explore_yield();
		gate->payload = 1;
		weft_event_set(&gate->cancel);
		weft_event_clear(&gate->cancel);
	} else {
		weft_explore_check(weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel) == -ECANCELED);
		weft_explore_check(gate->payload == 1);
	}
}

/* The token may be set before, while or after the wait begins, and stays set. */
static void cancel_stays(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0)
		weft_event_set(&gate->cancel);
	else
		weft_explore_check(weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel) == -ECANCELED);
}

static void timed_cancel(void *state, unsigned number)
{
	struct gate *const gate = state;
	int rc;

	if (number == 0) {
		weft_event_set(&gate->cancel);
		return;
	}
	rc = weft_event_wait_until(&gate->event, 1000000000 + 8000, &gate->cancel);
	weft_explore_check(rc == -ECANCELED || rc == -ETIMEDOUT || (number == 2 && rc == 0));
	if (number == 1)
		set(gate);
	else
		(void)!weft_event_wait_for(&gate->event, 3000);
}

static void free_at_once(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		weft_event_set(&gate->event);
	} else {
		weft_event_wait(&gate->event);
		weft_explore_free(gate);
	}
}

/* The same by waits that may end before, by looks, and of a token. */
static void free_any(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		weft_event_set(&gate->event);
		return;
	}
	switch (weft_explore_choose(4)) {
	case 0:
		while (weft_event_wait_for(&gate->event, 3000) != 0)
			weft_explore_yield();
		break;
	case 1:
		while (!weft_event_is_set(&gate->event))
			weft_explore_yield();
		break;
	case 2:
		weft_explore_check(weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel) == 0);
		break;
	default:
		weft_explore_check(weft_event_wait_until(&gate->cancel, WEFT_FOREVER, &gate->event) == -ECANCELED);
	}
	weft_explore_free(gate);
}

/* It goes when all who waited have returned, whoever set it last. */
static void free_after_all(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		weft_event_set(&gate->event);
		return;
	}
	if (number == 1)
		weft_explore_check(weft_event_wait(&gate->event) == 0);
	else
		while (weft_event_wait_for(&gate->event, 3000) != 0)
			weft_explore_yield();
	if (weft_explore_count_ordered(SETS_DONE, 1) == weft_explore_threads() - 2)
		weft_explore_free(gate);
}

/* Two set at once. */
static void two_set(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number < 2)
		set(gate);
	else
		weft_explore_check(weft_event_wait(&gate->event) == 0);
}

static void set_clear_race(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		set(gate);
		weft_event_clear(&gate->event);
		set(gate);
	} else if (number == 1) {
		(void)!weft_event_wait_for(&gate->event, 3000);
		weft_event_clear(&gate->event);
		set(gate);
	} else {
		weft_explore_check(weft_event_wait(&gate->event) == 0);
	}
}

const struct weft_explore_scenario explore_event[] = {
	{ .name = "event-2", .threads = 2, .steps = 15, .begin = begin, .thread = open_once, .end = end },
	{ .name = "event-3", .threads = 3, .steps = 25, .begin = begin, .thread = open_once, .end = end },
	{ .name = "event-4", .threads = 4, .steps = 35, .begin = begin, .thread = open_once, .end = end },
	{ .name = "event-shared-3",
	  .threads = 3,
	  .steps = 25,
	  .begin = begin_shared,
	  .thread = open_once,
	  .end = end },
	{ .name = "event-set-clear-2",
	  .threads = 2,
	  .steps = 25,
	  .begin = begin,
	  .thread = set_and_clear,
	  .end = end },
	{ .name = "event-set-clear-3",
	  .threads = 3,
	  .steps = 35,
	  .begin = begin,
	  .thread = set_and_clear,
	  .end = end },
	{ .name = "event-rounds-3", .threads = 3, .steps = 80, .begin = begin, .thread = rounds, .end = end },
	{ .name = "event-timed-3", .threads = 3, .steps = 30, .begin = begin, .thread = timed, .end = end },
	{ .name = "event-timed-4", .threads = 4, .steps = 40, .begin = begin, .thread = timed, .end = end },
	{ .name = "event-cancelled-3", .threads = 3, .steps = 30, .begin = begin, .thread = cancelled, .end = end },
	{ .name = "event-cancelled-4", .threads = 4, .steps = 40, .begin = begin, .thread = cancelled, .end = end },
	{ .name = "event-cancelled-only-2",
	  .threads = 2,
	  .steps = 30,
	  .begin = begin,
	  .thread = cancelled_only,
	  .end = end },
	{ .name = "event-cancelled-only-3",
	  .threads = 3,
	  .steps = 40,
	  .begin = begin,
	  .thread = cancelled_only,
	  .end = end },
	{ .name = "event-cancel-stays-3",
	  .threads = 3,
	  .steps = 30,
	  .begin = begin,
	  .thread = cancel_stays,
	  .end = end },
	{ .name = "event-timed-cancel-3",
	  .threads = 3,
	  .steps = 40,
	  .begin = begin,
	  .thread = timed_cancel,
	  .end = end },
	{ .name = "event-cancelled-old-3",
	  .threads = 3,
	  .steps = 50,
	  .begin = begin_old,
	  .thread = cancelled,
	  .end = end },
	{ .name = "event-cancelled-only-old-3",
	  .threads = 3,
	  .steps = 50,
	  .begin = begin_old,
	  .thread = cancelled_only,
	  .end = end },
	{ .name = "event-timed-cancel-old-3",
	  .threads = 3,
	  .steps = 50,
	  .begin = begin_old,
	  .thread = timed_cancel,
	  .end = end },
	{ .name = "event-free-2", .threads = 2, .steps = 15, .begin = begin, .thread = free_at_once },
	{ .name = "event-free-any-2", .threads = 2, .begin = begin, .thread = free_any },
	{ .name = "event-free-any-shared-2", .threads = 2, .begin = begin_shared, .thread = free_any },
	{ .name = "event-free-3", .threads = 3, .begin = begin, .thread = free_after_all },
	{ .name = "event-free-4", .threads = 4, .begin = begin, .thread = free_after_all },
	{ .name = "event-two-set-4", .threads = 4, .steps = 35, .begin = begin, .thread = two_set, .end = end },
	{ .name = "event-set-clear-race-3",
	  .threads = 3,
	  .steps = 40,
	  .begin = begin,
	  .thread = set_clear_race,
	  .end = end },
	{ 0 },
};
