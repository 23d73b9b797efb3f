/* SPDX-License-Identifier: MIT */
/*
 * scenario-once.c - an initialiser succeeds once, runs alone, is waited for, and is seen by all that it was done for.
 */
#include <errno.h>

#include <weft/once.h>

#include "scenarios.h"

struct house {
	struct weft_once once, other;
	unsigned built; /* plain: ordered by the once alone */
	unsigned attempts;
};

enum { INSIDE, DONE, FAILURES, ERRORS, LEFT }; /* counters */

static const char *const marks_fails[] = { "a second try", NULL };

static void *begin(void)
{
	struct house *const house = weft_explore_alloc(sizeof(*house), "once");

	weft_once_init(&house->once);
	return house;
}

static void enter(struct house *house)
{
	weft_explore_check(weft_explore_count(INSIDE, 1) == 0);
	house->attempts++;
	weft_explore_step();
}

static int build(void *arg)
{
	struct house *const house = arg;

	enter(house);
	weft_explore_check(house->built == 0);
	house->built = 1;
	weft_explore_count(INSIDE, -1u);
	weft_explore_check(weft_explore_count(DONE, 1) == 0);
	return 7; /* whatever is not negative */
}

/* The first FAILURES tries fail. */
static int build_with_luck(void *arg)
{
	struct house *const house = arg;

	if (weft_explore_count(FAILURES, 0) == 0) {
		if (house->attempts > 0)
			weft_explore_reached("a second try");
		return build(house);
	}
	enter(house);
	weft_explore_count(FAILURES, -1u);
	weft_explore_count(INSIDE, -1u);
	return -EIO;
}

static int build_unneeded(void *arg)
{
	(void)arg;
	weft_explore_fail("check", "it was done");
}

static void check_built(struct house *house)
{
	weft_explore_check(weft_once_done(&house->once) && house->built == 1);
	weft_explore_check(weft_once_call(&house->once, build_unneeded, house) == 0);
}

static void end(void *state)
{
	struct house *const house = state;

	check_built(house);
	weft_explore_check(weft_explore_count(DONE, 0) == 1 && weft_explore_count(INSIDE, 0) == 0);
	weft_explore_check(weft_once_destroy(&house->once) == 0);
}

static void call(void *state, unsigned number)
{
	struct house *const house = state;

	(void)number;
	weft_explore_check(weft_once_call(&house->once, build, house) == 0);
	check_built(house);
}

/* Who finds it done has everything, though it did not call. */
static void call_or_look(void *state, unsigned number)
{
	struct house *const house = state;

	if (number == 0)
		call(state, number);
	else if (weft_once_done(&house->once))
		check_built(house);
}

static void *begin_failing(void)
{
	weft_explore_count(FAILURES, 1 + weft_explore_choose(2));
	weft_explore_count(ERRORS, weft_explore_count(FAILURES, 0));
	return begin();
}

/* Each calls until it is done: as many errors as failures. */
static void call_failing(void *state, unsigned number)
{
	struct house *const house = state;
	int rc;

	(void)number;
	while ((rc = weft_once_call(&house->once, build_with_luck, house)) != 0)
		weft_explore_check(rc == -EIO && weft_explore_count(ERRORS, -1u) > 0);
	check_built(house);
}

static void end_failing(void *state)
{
	weft_explore_check(weft_explore_count(ERRORS, 0) == 0);
	end(state);
}

/* All fail: each caller runs its own, one after the other, and none sleeps on. */
static int fail(void *arg)
{
	enter(arg);
	weft_explore_count(INSIDE, -1u);
	return -EIO;
}

static void call_in_vain(void *state, unsigned number)
{
	struct house *const house = state;

	(void)number;
	weft_explore_check(weft_once_call(&house->once, fail, house) == -EIO);
}

static void end_in_vain(void *state)
{
	struct house *const house = state;

	weft_explore_check(!weft_once_done(&house->once) && weft_once_destroy(&house->once) == 0);
	weft_explore_check(house->attempts == 3);
	call(state, 0);
}

/* From inside: another once is fine, its own is not. */
static int build_inner(void *arg)
{
	struct house *const house = arg;

	weft_explore_check(weft_once_call(&house->once, build_unneeded, house) == -EDEADLK);
	weft_explore_check(weft_once_call(&house->other, build_unneeded, house) == -EDEADLK);
	weft_explore_check(weft_once_destroy(&house->other) == -EBUSY);
	return 0;
}

static int build_outer(void *arg)
{
	struct house *const house = arg;

	weft_explore_check(weft_once_call(&house->once, build_unneeded, house) == -EDEADLK);
	weft_explore_check(weft_once_call(&house->other, build_inner, house) == 0);
	weft_explore_check(weft_once_call(&house->once, build_unneeded, house) == -EDEADLK);
	return build(house);
}

static void call_nested(void *state, unsigned number)
{
	struct house *const house = state;

	(void)number;
	weft_explore_check(weft_once_call(&house->once, build_outer, house) == 0);
	check_built(house);
}

/* The last caller to return frees it, while the one that ran the initialiser may still be waking others. */
static void call_and_free(void *state, unsigned number)
{
	struct house *const house = state;

	call(state, number);
	if (weft_explore_count_ordered(LEFT, 1) + 1 == weft_explore_threads())
		weft_explore_free(house);
}

static void describe(void *state, unsigned number)
{
	struct house *const house = state;
	char text[16];

	if (number > 0)
		call(state, number);
	else
		weft_explore_check(weft_once_describe(&house->once, text, sizeof(text)) <= 8);
}

const struct weft_explore_scenario explore_once[] = {
	{ .name = "once-2", .threads = 2, .begin = begin, .thread = call, .end = end },
	{ .name = "once-3", .threads = 3, .begin = begin, .thread = call, .end = end },
	{ .name = "once-4", .threads = 4, .begin = begin, .thread = call, .end = end },
	{ .name = "once-looks-3", .threads = 3, .begin = begin, .thread = call_or_look, .end = end },
	{ .name = "once-fails-2",
	  .threads = 2,
	  .begin = begin_failing,
	  .thread = call_failing,
	  .end = end_failing,
	  .marks = marks_fails },
	{ .name = "once-fails-4", .threads = 4, .begin = begin_failing, .thread = call_failing, .end = end_failing },
	{ .name = "once-in-vain-3", .threads = 3, .begin = begin, .thread = call_in_vain, .end = end_in_vain },
	{ .name = "once-nested-2", .threads = 2, .begin = begin, .thread = call_nested, .end = end },
	{ .name = "once-free-2", .threads = 2, .begin = begin, .thread = call_and_free },
	{ .name = "once-free-3", .threads = 3, .begin = begin, .thread = call_and_free },
	{ .name = "once-described-3", .threads = 3, .begin = begin, .thread = describe, .end = end },
	{ 0 },
};
