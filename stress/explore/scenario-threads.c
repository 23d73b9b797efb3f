/* SPDX-License-Identifier: MIT */
/*
 * scenario-threads.c - a test of the explorer: threads that others start and join, and what that orders.
 */
#include <errno.h>
#include <pthread.h>

#include "scenarios.h"

struct pieces {
	unsigned data[WEFT_EXPLORE_THREADS_MAX];
	int started[2];
};

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct pieces), "pieces");
}

static void fill(void *arg)
{
	unsigned *const piece = arg;

	(*piece)++;
	weft_explore_step();
	(*piece)++;
}

/* Each starts one, which goes on with what it wrote; and goes on itself with what that wrote. */
static void start_one(void *state, unsigned number)
{
	struct pieces *const pieces = state;
	int other;

	pieces->data[number] = 1;
	other = weft_explore_start(fill, &pieces->data[number]);
	if (other < 0) {
		weft_explore_check(other == -EAGAIN);
		pieces->data[number] = 3;
		return;
	}
	weft_explore_check(other >= 2 && (unsigned)other < weft_explore_threads());
	weft_explore_join((unsigned)other);
	weft_explore_check(pieces->data[number] == 3);
}

static void end(void *state)
{
	struct pieces *const pieces = state;

	weft_explore_check(pieces->data[0] == 3 && pieces->data[1] == 3);
	weft_explore_check(weft_explore_self() == -1);
}

/* Not joined: those have returned before end. */
static void start_only(void *state, unsigned number)
{
	struct pieces *const pieces = state;

	pieces->data[number] = 1;
	weft_explore_check(weft_explore_start(fill, &pieces->data[number]) >= 2);
}

/* As many as there can be. */
static void start_many(void *state, unsigned number)
{
	struct pieces *const pieces = state;

	for (unsigned i = 1; i < WEFT_EXPLORE_THREADS_MAX; i++)
		weft_explore_check(weft_explore_start(fill, &pieces->data[i]) == (int)i);
	weft_explore_check(weft_explore_start(fill, &pieces->data[number]) == -EAGAIN);
	for (unsigned i = 1; i < WEFT_EXPLORE_THREADS_MAX; i++) {
		weft_explore_join(i);
		weft_explore_check(pieces->data[i] == 2);
	}
}

static void *begin_started(void)
{
	struct pieces *const pieces = begin();

	pieces->started[0] = weft_explore_start(fill, &pieces->data[0]);
	weft_explore_join((unsigned)pieces->started[0]);
	weft_explore_check(pieces->data[0] == 2);
	pieces->started[1] = weft_explore_start(fill, &pieces->data[1]);
	return pieces;
}

static void join_in_turn(void *state, unsigned number)
{
	struct pieces *const pieces = state;

	weft_explore_check(weft_explore_self() == (int)number);
	if (number == 0)
		weft_explore_join((unsigned)pieces->started[1]);
}

static void end_starting(void *state)
{
	struct pieces *const pieces = state;
	const int last = weft_explore_start(fill, &pieces->data[1]);

	weft_explore_check(last == 4);
	weft_explore_join((unsigned)last);
	weft_explore_check(pieces->data[1] == 4);
	weft_explore_check(weft_explore_start(fill, &pieces->data[2]) == 5);
}

/* ---- the same by pthreads ---- */

static void *fill_and_return(void *arg)
{
	fill(arg);
	return arg;
}

static void *fill_and_exit(void *arg)
{
	fill(arg);
	pthread_exit(arg);
}

static void posix(void *state, unsigned number)
{
	struct pieces *const pieces = state;
	unsigned *const piece = &pieces->data[number];
	const pthread_t me = pthread_self();
	pthread_t other;
	void *result;
	int rc;

	*piece = 1;
	rc = pthread_create(&other, NULL, number == 0 ? fill_and_return : fill_and_exit, piece);
	if (rc != 0) {
		weft_explore_check(rc == EAGAIN);
		*piece = 3;
		return;
	}
	weft_explore_check(!pthread_equal(me, other) && pthread_equal(me, pthread_self()));
	weft_explore_check(pthread_join(other, &result) == 0);
	weft_explore_check(result == piece && *piece == 3);
}

static void detached(void *state, unsigned number)
{
	struct pieces *const pieces = state;
	pthread_t other;

	pieces->data[number] = 1;
	weft_explore_check(pthread_create(&other, NULL, fill_and_return, &pieces->data[number]) == 0);
	weft_explore_check(pthread_detach(other) == 0);
}

/* Looks without joining: a race. */
static void not_joined(void *state, unsigned number)
{
	struct pieces *const pieces = state;

	weft_explore_check(weft_explore_start(fill, &pieces->data[number]) >= 1);
	pieces->data[number]++;
}

const struct weft_explore_scenario explore_threads[] = {
	{ .name = "threads-2", .threads = 2, .steps = 20, .begin = begin, .thread = start_one, .end = end },
	{ .name = "threads-refused-2",
	  .threads = 2,
	  .steps = 20,
	  .begin = begin,
	  .thread = start_one,
	  .end = end,
	  .flags = WEFT_EXPLORE_START_FAILS },
	{ .name = "threads-not-joined-2",
	  .threads = 2,
	  .steps = 20,
	  .begin = begin,
	  .thread = start_only,
	  .end = end },
	{ .name = "threads-posix-2",
	  .threads = 2,
	  .steps = 20,
	  .begin = begin,
	  .thread = posix,
	  .end = end,
	  .flags = WEFT_EXPLORE_START_FAILS },
	{ .name = "threads-detached-2", .threads = 2, .steps = 20, .begin = begin, .thread = detached, .end = end },
	{ .name = "threads-many", .threads = 1, .steps = 40, .begin = begin, .thread = start_many },
	{ .name = "threads-begin-end",
	  .threads = 2,
	  .steps = 20,
	  .begin = begin_started,
	  .thread = join_in_turn,
	  .end = end_starting },
	{ .name = "known-threads-race", .threads = 1, .steps = 10, .begin = begin, .thread = not_joined },
	{ 0 },
};
