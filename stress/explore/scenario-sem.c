/* SPDX-License-Identifier: MIT */
/*
 * scenario-sem.c - permits are conserved, nobody sleeps while there are some, and a semaphore may be freed once they
 * are had.
 */
#include <weft/event.h>
#include <weft/sem.h>

#include <weft_sys.h>

#include "scenarios.h"

struct pool {
	struct weft_sem sem;
	struct weft_event cancel;
	unsigned payload;
};

enum { RELEASED, ACQUIRED, INSIDE, EXTRA }; /* counters */

static void *begin_with(int (*init)(struct weft_sem *, unsigned), unsigned value)
{
	struct pool *const pool = weft_explore_alloc(sizeof(*pool), "sem");

	weft_explore_check(init(&pool->sem, value) == 0);
	weft_explore_count(RELEASED, value);
	return pool;
}

static void *begin(void)
{
	return begin_with(weft_sem_init, 0);
}

static void *begin_shared(void)
{
	return begin_with(weft_sem_init_shared, 0);
}

static void *begin_old(void)
{
	weft_sys_refuse_wait2();
	return begin();
}

static void *begin_bounded_1(void)
{
	return begin_with(weft_sem_init_bounded, 1);
}

static void *begin_bounded_2(void)
{
	return begin_with(weft_sem_init_bounded, 2);
}

static void end(void *state)
{
	struct pool *const pool = state;

	weft_explore_check(weft_sem_value(&pool->sem) ==
			   weft_explore_count(RELEASED, 0) - weft_explore_count(ACQUIRED, 0));
	weft_explore_check(weft_sem_destroy(&pool->sem) == 0);
}

static void give(struct pool *pool, unsigned n)
{
	weft_explore_count(RELEASED, n);
	weft_explore_check(weft_sem_release_n(&pool->sem, n) == 0);
}

static void took(void)
{
	const unsigned before = weft_explore_count(ACQUIRED, 1);

	weft_explore_check(before < weft_explore_count(RELEASED, 0));
}

static void take(struct pool *pool)
{
	weft_explore_check(weft_sem_acquire(&pool->sem) == 0);
	took();
}

/* A permit that came to one who does not need it goes back. */
static void take_and_return(struct pool *pool, int rc)
{
	if (rc != 0)
		return;
	took();
	weft_explore_step();
	weft_explore_count(RELEASED, 1);
	weft_explore_check(weft_sem_release(&pool->sem) == 0);
}

/* Thread 0 gives as many, at once, as there are others. */
static void one_for_each(void *state, unsigned number)
{
	if (number == 0)
		give(state, weft_explore_count(EXTRA, 0));
	else
		take(state);
}

static void *begin_2_others(void)
{
	weft_explore_count(EXTRA, 2);
	return begin();
}

static void *begin_3_others(void)
{
	weft_explore_count(EXTRA, 3);
	return begin();
}

static void one_by_one(void *state, unsigned number)
{
	if (number < 2) {
		give(state, 1);
		give(state, 1);
	} else {
		take(state);
		take(state);
	}
}

static void two_and_timed(void *state, unsigned number)
{
	struct pool *const pool = state;

	switch (number) {
	case 0:
		give(pool, 2);
		break;
	case 1:
	case 2:
		take(pool);
		break;
	default:
		take_and_return(pool, weft_sem_acquire_for(&pool->sem, 4000));
		take_and_return(pool, weft_sem_acquire_for(&pool->sem, 4000));
	}
}

static void timed_alone(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		give(pool, 1);
		give(pool, 2);
	} else if (weft_sem_acquire_for(&pool->sem, 4000) == 0) {
		took();
	}
}

/* Waits without time. */
static void looks(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		give(pool, 2);
		give(pool, 1);
	} else if (number == 1) {
		take(pool);
	} else {
		take_and_return(pool, weft_sem_acquire_for(&pool->sem, 0));
		take_and_return(pool, weft_sem_acquire_until(&pool->sem, -1, NULL));
		take_and_return(pool, weft_sem_acquire_until(&pool->sem, 0, &pool->cancel));
	}
}

static void cancelled(void *state, unsigned number)
{
	struct pool *const pool = state;
	int rc;

	switch (number) {
	case 0:
		give(pool, 1);
		break;
	case 1:
		take(pool);
		break;
	case 2:
		rc = weft_sem_acquire_until(&pool->sem, WEFT_FOREVER, &pool->cancel);
		weft_explore_check(rc == 0 || rc == -ECANCELED);
		weft_explore_count(INSIDE, 1);
		take_and_return(pool, rc);
		break;
	default:
		if (weft_explore_choose(2)) {
			weft_event_set(&pool->cancel);
		} else {
			while (!weft_explore_sleeps(2) && weft_explore_count(INSIDE, 0) == 0)
				weft_explore_yield();
			weft_event_set(&pool->cancel);
			weft_event_clear(&pool->cancel);
		}
		if (weft_explore_choose(2))
			take_and_return(pool, weft_sem_try_acquire(&pool->sem));
	}
}

/* As many tokens as waits: cancel alone must end them, without a permit. */
static void cancelled_only(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		while (!weft_explore_sleeps(1) || !weft_explore_sleeps(2))
			weft_explore_yield();
		weft_event_set(&pool->cancel);
		weft_event_clear(&pool->cancel);
	} else {
		weft_explore_check(weft_sem_acquire_until(&pool->sem, WEFT_FOREVER, &pool->cancel) == -ECANCELED);
	}
}

static void guarded(struct pool *pool, unsigned bound)
{
	take(pool);
	weft_explore_check(weft_explore_count(INSIDE, 1) < bound);
	weft_explore_step();
	weft_explore_count(INSIDE, -1u);
	weft_explore_count(RELEASED, 1);
	weft_explore_check(weft_sem_release(&pool->sem) == 0);
}

static void guarded_1(void *state, unsigned number)
{
	(void)number;
	guarded(state, 1);
	guarded(state, 1);
}

static void guarded_2(void *state, unsigned number)
{
	(void)number;
	guarded(state, 2);
	guarded(state, 2);
}

/* More released than taken: what is over the bound is refused, and only that. */
static void over_bound(void *state, unsigned number)
{
	struct pool *const pool = state;
	int rc;

	for (int i = 0; i < 2; i++) {
		if (number == 0 && weft_sem_try_acquire(&pool->sem) == 0)
			took();
		rc = weft_sem_release_n(&pool->sem, 1 + weft_explore_choose(2));
		weft_explore_check(rc == 0 || rc == -EOVERFLOW);
		weft_explore_check(weft_sem_value(&pool->sem) <= 2);
	}
}

static void end_over_bound(void *state)
{
	struct pool *const pool = state;

	weft_explore_check(weft_sem_value(&pool->sem) <= 2);
	while (weft_sem_value(&pool->sem) < 2)
		weft_explore_check(weft_sem_release(&pool->sem) == 0);
	weft_explore_check(weft_sem_release(&pool->sem) == -EOVERFLOW);
	weft_explore_check(weft_sem_destroy(&pool->sem) == 0);
}

/* Thread 0 frees it once it has all permits. */
static void free_after_all(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number > 0) {
		if (number == 1)
			pool->payload = 1;
		weft_sem_release(&pool->sem);
		return;
	}
	for (unsigned i = 0; i < weft_explore_count(EXTRA, 0); i++)
		weft_sem_acquire(&pool->sem);
	weft_explore_check(pool->payload == 1);
	weft_explore_free(pool);
}

static void *begin_1_other(void)
{
	weft_explore_count(EXTRA, 1);
	return begin();
}

/* The same by waits that may end before. */
static void free_after_timed(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number > 0) {
		weft_sem_release(&pool->sem);
		return;
	}
	for (unsigned i = 0; i < weft_explore_count(EXTRA, 0); i++)
		while (weft_sem_acquire_for(&pool->sem, 3000) != 0)
			weft_explore_yield();
	weft_explore_free(pool);
}

/* Two take one each; whoever is second frees it. */
static void free_by_second(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		weft_sem_release_n(&pool->sem, 2);
		return;
	}
	weft_sem_acquire(&pool->sem);
	if (weft_explore_count_ordered(ACQUIRED, 1) == 1)
		weft_explore_free(pool);
}

/* What was written before a release is seen by who took its permit. */
static void publish(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		pool->payload = 1;
		give(pool, 1);
		return;
	}
	take(pool);
	weft_explore_check(pool->payload == number);
	pool->payload = number + 1;
	give(pool, 1);
}

static void publish_two(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		pool->payload = 1;
		give(pool, 1);
	} else if (number == 1) {
		take(pool);
		weft_explore_check(pool->payload == 1);
	} else if (weft_sem_acquire_for(&pool->sem, 3000) == 0) {
		took();
		weft_explore_check(pool->payload == 1);
		give(pool, 1);
	}
}

const struct weft_explore_scenario explore_sem[] = {
	{ .name = "sem-one-for-each-3",
	  .threads = 3,
	  .steps = 40,
	  .begin = begin_2_others,
	  .thread = one_for_each,
	  .end = end },
	{ .name = "sem-one-for-each-4",
	  .threads = 4,
	  .steps = 60,
	  .begin = begin_3_others,
	  .thread = one_for_each,
	  .end = end },
	{ .name = "sem-one-by-one-4", .threads = 4, .steps = 90, .begin = begin, .thread = one_by_one, .end = end },
	{ .name = "sem-shared-4",
	  .threads = 4,
	  .steps = 90,
	  .begin = begin_shared,
	  .thread = one_by_one,
	  .end = end },
	{ .name = "sem-two-and-timed-4",
	  .threads = 4,
	  .steps = 80,
	  .begin = begin,
	  .thread = two_and_timed,
	  .end = end },
	{ .name = "sem-two-and-timed-5",
	  .threads = 5,
	  .steps = 110,
	  .begin = begin,
	  .thread = two_and_timed,
	  .end = end },
	{ .name = "sem-timed-3", .threads = 3, .steps = 50, .begin = begin, .thread = timed_alone, .end = end },
	{ .name = "sem-timed-4", .threads = 4, .steps = 70, .begin = begin, .thread = timed_alone, .end = end },
	{ .name = "sem-looks-4", .threads = 4, .steps = 60, .begin = begin, .thread = looks, .end = end },
	{ .name = "sem-cancelled-4", .threads = 4, .steps = 60, .begin = begin, .thread = cancelled, .end = end },
	{ .name = "sem-cancelled-only-3",
	  .threads = 3,
	  .steps = 40,
	  .begin = begin,
	  .thread = cancelled_only,
	  .end = end },
	{ .name = "sem-cancelled-old-4",
	  .threads = 4,
	  .steps = 80,
	  .begin = begin_old,
	  .thread = cancelled,
	  .end = end },
	{ .name = "sem-cancelled-only-old-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin_old,
	  .thread = cancelled_only,
	  .end = end },
	{ .name = "sem-guarded-1-3",
	  .threads = 3,
	  .steps = 100,
	  .begin = begin_bounded_1,
	  .thread = guarded_1,
	  .end = end },
	{ .name = "sem-guarded-2-4",
	  .threads = 4,
	  .steps = 120,
	  .begin = begin_bounded_2,
	  .thread = guarded_2,
	  .end = end },
	{ .name = "sem-over-bound-3",
	  .threads = 3,
	  .steps = 50,
	  .begin = begin_bounded_2,
	  .thread = over_bound,
	  .end = end_over_bound },
	{ .name = "sem-free-2", .threads = 2, .steps = 25, .begin = begin_1_other, .thread = free_after_all },
	{ .name = "sem-free-3", .threads = 3, .steps = 40, .begin = begin_2_others, .thread = free_after_all },
	{ .name = "sem-free-timed-2", .threads = 2, .steps = 40, .begin = begin_1_other, .thread = free_after_timed },
	{ .name = "sem-free-timed-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin_2_others,
	  .thread = free_after_timed },
	{ .name = "sem-free-second-3", .threads = 3, .steps = 30, .begin = begin, .thread = free_by_second },
	{ .name = "sem-publish-2", .threads = 2, .steps = 30, .begin = begin, .thread = publish, .end = end },
	{ .name = "sem-publish-3", .threads = 3, .steps = 50, .begin = begin, .thread = publish_two, .end = end },
	{ 0 },
};
