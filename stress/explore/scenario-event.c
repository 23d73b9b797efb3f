/* SPDX-License-Identifier: MIT */
/*
 * scenario-event.c - a set ends every wait that had begun; tokens do; time-outs tell the truth.
 */
#include <weft/event.h>

#include "explore.h"

struct gate {
	struct weft_event event;
	struct weft_event cancel;
	unsigned payload;
};

enum { SETS_BEGUN, SETS_DONE, CANCELS_DONE, CLEARS_DONE }; /* counters */

static void *begin(void)
{
	return explore_alloc(sizeof(struct gate), "event");
}

static void *begin_shared(void)
{
	struct gate *const gate = begin();

	weft_event_init_shared(&gate->event);
	weft_event_init_shared(&gate->cancel);
	return gate;
}

static void end(void *state)
{
	struct gate *const gate = state;

	explore_check(weft_event_destroy(&gate->event) == 0 && weft_event_destroy(&gate->cancel) == 0);
}

static void set(struct gate *gate)
{
	explore_count(SETS_BEGUN, 1);
	weft_event_set(&gate->event);
	explore_count(SETS_DONE, 1);
}

static void open_once(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		gate->payload = 1;
		set(gate);
	} else {
		explore_check(weft_event_wait(&gate->event) == 0);
		explore_check(gate->payload == 1 && weft_event_is_set(&gate->event));
	}
}

/* All others sleep; set and clear at once. */
static void set_and_clear(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		while (!explore_sleeps(1) || (explore_threads() > 2 && !explore_sleeps(2)))
			explore_yield();
		gate->payload = 1;
		set(gate);
		weft_event_clear(&gate->event);
	} else {
		explore_check(weft_event_wait(&gate->event) == 0);
		explore_check(gate->payload == 1);
	}
}

/* Three rounds of set and clear, the next when all sleep again. */
static void rounds(void *state, unsigned number)
{
	struct gate *const gate = state;

	for (int i = 0; i < 3; i++)
		if (number > 0) {
			while (explore_count_ordered(CLEARS_DONE, 0) < (unsigned)i)
				explore_yield();
			explore_check(weft_event_wait(&gate->event) == 0);
		} else {
			while (!explore_sleeps(1) || !explore_sleeps(2))
				explore_yield();
			set(gate);
			weft_event_clear(&gate->event);
			explore_count_ordered(CLEARS_DONE, 1);
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
		explore_check(weft_event_wait(&gate->event) == 0);
	} else {
		rc = weft_event_wait_for(&gate->event, number == 1 ? 3000 : explore_choose(2) * 2000);
		if (rc == 0)
			explore_check(gate->payload == 1);
		else
			explore_check(rc == -ETIMEDOUT && (explore_weak() || explore_count(SETS_DONE, 0) == 0));
	}
}

static void cancelled(void *state, unsigned number)
{
	struct gate *const gate = state;
	int rc;

	if (number == 0) {
		weft_event_set(&gate->cancel);
		if (explore_choose(2))
			weft_event_clear(&gate->cancel);
		else
			explore_count(CANCELS_DONE, 1);
		set(gate);
	} else if (number == 1) {
		explore_check(weft_event_wait(&gate->event) == 0);
	} else {
		rc = weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel);
		explore_check(rc == 0 || rc == -ECANCELED);
	}
}

static void cancelled_only(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0) {
		while (!explore_sleeps(1) || (explore_threads() > 2 && !explore_sleeps(2)))
			explore_yield();
		gate->payload = 1;
		weft_event_set(&gate->cancel);
		weft_event_clear(&gate->cancel);
	} else {
		explore_check(weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel) == -ECANCELED);
		explore_check(gate->payload == 1);
	}
}

/* The token may be set before, while or after the wait begins, and stays set. */
static void cancel_stays(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number == 0)
		weft_event_set(&gate->cancel);
	else
		explore_check(weft_event_wait_until(&gate->event, WEFT_FOREVER, &gate->cancel) == -ECANCELED);
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
	explore_check(rc == -ECANCELED || rc == -ETIMEDOUT || (number == 2 && rc == 0));
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
		explore_free(gate);
	}
}

/* Two set at once. */
static void two_set(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number < 2)
		set(gate);
	else
		explore_check(weft_event_wait(&gate->event) == 0);
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
		explore_check(weft_event_wait(&gate->event) == 0);
	}
}

const struct explore_scenario explore_event[] = {
	{ "event-2", 2, 15, begin, open_once, end, 0 },
	{ "event-3", 3, 25, begin, open_once, end, 0 },
	{ "event-4", 4, 35, begin, open_once, end, 0 },
	{ "event-shared-3", 3, 25, begin_shared, open_once, end, 0 },
	{ "event-set-clear-2", 2, 25, begin, set_and_clear, end, 0 },
	{ "event-set-clear-3", 3, 35, begin, set_and_clear, end, 0 },
	{ "event-rounds-3", 3, 80, begin, rounds, end, 0 },
	{ "event-timed-3", 3, 30, begin, timed, end, 0 },
	{ "event-timed-4", 4, 40, begin, timed, end, 0 },
	{ "event-cancelled-3", 3, 30, begin, cancelled, end, 0 },
	{ "event-cancelled-4", 4, 40, begin, cancelled, end, 0 },
	{ "event-cancelled-only-2", 2, 30, begin, cancelled_only, end, 0 },
	{ "event-cancelled-only-3", 3, 40, begin, cancelled_only, end, 0 },
	{ "event-cancel-stays-3", 3, 30, begin, cancel_stays, end, 0 },
	{ "event-timed-cancel-3", 3, 40, begin, timed_cancel, end, 0 },
	{ "event-free-2", 2, 15, begin, free_at_once, NULL, 0 },
	{ "event-two-set-4", 4, 35, begin, two_set, end, 0 },
	{ "event-set-clear-race-3", 3, 40, begin, set_clear_race, end, 0 },
	{ 0 },
};
