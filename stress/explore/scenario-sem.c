/* SPDX-License-Identifier: MIT */
/*
 * scenario-sem.c - permits are conserved, nobody sleeps while there are some, and a semaphore may be freed once they
 * are had.
 */
#include <weft/event.h>
#include <weft/sem.h>

#include "explore.h"

struct pool {
	struct weft_sem sem;
	struct weft_event cancel;
	unsigned payload;
};

enum { RELEASED, ACQUIRED, INSIDE, EXTRA }; /* counters */

static void *begin_with(int (*init)(struct weft_sem *, unsigned), unsigned value)
{
	struct pool *const pool = explore_alloc(sizeof(*pool), "sem");

	explore_check(init(&pool->sem, value) == 0);
	explore_count(RELEASED, value);
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

	explore_check(weft_sem_value(&pool->sem) == explore_count(RELEASED, 0) - explore_count(ACQUIRED, 0));
	explore_check(weft_sem_destroy(&pool->sem) == 0);
}

static void give(struct pool *pool, unsigned n)
{
	explore_count(RELEASED, n);
	explore_check(weft_sem_release_n(&pool->sem, n) == 0);
}

static void took(void)
{
	const unsigned before = explore_count(ACQUIRED, 1);

	explore_check(before < explore_count(RELEASED, 0));
}

static void take(struct pool *pool)
{
	explore_check(weft_sem_acquire(&pool->sem) == 0);
	took();
}

/* A permit that came to one who does not need it goes back. */
static void take_and_return(struct pool *pool, int rc)
{
	if (rc != 0)
		return;
	took();
	explore_step();
	explore_count(RELEASED, 1);
	explore_check(weft_sem_release(&pool->sem) == 0);
}

/* Thread 0 gives as many, at once, as there are others. */
static void one_for_each(void *state, unsigned number)
{
	if (number == 0)
		give(state, explore_count(EXTRA, 0));
	else
		take(state);
}

static void *begin_2_others(void)
{
	explore_count(EXTRA, 2);
	return begin();
}

static void *begin_3_others(void)
{
	explore_count(EXTRA, 3);
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
		explore_check(rc == 0 || rc == -ECANCELED);
		explore_count(INSIDE, 1);
		take_and_return(pool, rc);
		break;
	default:
		if (explore_choose(2)) {
			weft_event_set(&pool->cancel);
		} else {
			while (!explore_sleeps(2) && explore_count(INSIDE, 0) == 0)
				explore_yield();
			weft_event_set(&pool->cancel);
			weft_event_clear(&pool->cancel);
		}
		if (explore_choose(2))
			take_and_return(pool, weft_sem_try_acquire(&pool->sem));
	}
}

/* As many tokens as waits: cancel alone must end them, without a permit. */
static void cancelled_only(void *state, unsigned number)
{
	struct pool *const pool = state;

	if (number == 0) {
		while (!explore_sleeps(1) || !explore_sleeps(2))
			explore_yield();
		weft_event_set(&pool->cancel);
		weft_event_clear(&pool->cancel);
	} else {
		explore_check(weft_sem_acquire_until(&pool->sem, WEFT_FOREVER, &pool->cancel) == -ECANCELED);
	}
}

static void guarded(struct pool *pool, unsigned bound)
{
	take(pool);
	explore_check(explore_count(INSIDE, 1) < bound);
	explore_step();
	explore_count(INSIDE, -1u);
	explore_count(RELEASED, 1);
	explore_check(weft_sem_release(&pool->sem) == 0);
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
		rc = weft_sem_release_n(&pool->sem, 1 + explore_choose(2));
		explore_check(rc == 0 || rc == -EOVERFLOW);
		explore_check(weft_sem_value(&pool->sem) <= 2);
	}
}

static void end_over_bound(void *state)
{
	struct pool *const pool = state;

	explore_check(weft_sem_value(&pool->sem) <= 2);
	while (weft_sem_value(&pool->sem) < 2)
		explore_check(weft_sem_release(&pool->sem) == 0);
	explore_check(weft_sem_release(&pool->sem) == -EOVERFLOW);
	explore_check(weft_sem_destroy(&pool->sem) == 0);
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
	for (unsigned i = 0; i < explore_count(EXTRA, 0); i++)
		weft_sem_acquire(&pool->sem);
	explore_check(pool->payload == 1);
	explore_free(pool);
}

static void *begin_1_other(void)
{
	explore_count(EXTRA, 1);
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
	for (unsigned i = 0; i < explore_count(EXTRA, 0); i++)
		while (weft_sem_acquire_for(&pool->sem, 3000) != 0)
			explore_yield();
	explore_free(pool);
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
	if (explore_count_ordered(ACQUIRED, 1) == 1)
		explore_free(pool);
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
	explore_check(pool->payload == number);
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
		explore_check(pool->payload == 1);
	} else if (weft_sem_acquire_for(&pool->sem, 3000) == 0) {
		took();
		explore_check(pool->payload == 1);
		give(pool, 1);
	}
}

const struct explore_scenario explore_sem[] = {
	{ "sem-one-for-each-3", 3, 40, begin_2_others, one_for_each, end, 0 },
	{ "sem-one-for-each-4", 4, 60, begin_3_others, one_for_each, end, 0 },
	{ "sem-one-by-one-4", 4, 90, begin, one_by_one, end, 0 },
	{ "sem-shared-4", 4, 90, begin_shared, one_by_one, end, 0 },
	{ "sem-two-and-timed-4", 4, 80, begin, two_and_timed, end, 0 },
	{ "sem-two-and-timed-5", 5, 110, begin, two_and_timed, end, 0 },
	{ "sem-timed-3", 3, 50, begin, timed_alone, end, 0 },
	{ "sem-timed-4", 4, 70, begin, timed_alone, end, 0 },
	{ "sem-cancelled-4", 4, 60, begin, cancelled, end, 0 },
	{ "sem-cancelled-only-3", 3, 40, begin, cancelled_only, end, 0 },
	{ "sem-guarded-1-3", 3, 100, begin_bounded_1, guarded_1, end, 0 },
	{ "sem-guarded-2-4", 4, 120, begin_bounded_2, guarded_2, end, 0 },
	{ "sem-over-bound-3", 3, 50, begin_bounded_2, over_bound, end_over_bound, 0 },
	{ "sem-free-2", 2, 25, begin_1_other, free_after_all, NULL, 0 },
	{ "sem-free-3", 3, 40, begin_2_others, free_after_all, NULL, 0 },
	{ "sem-free-timed-2", 2, 40, begin_1_other, free_after_timed, NULL, 0 },
	{ "sem-free-timed-3", 3, 60, begin_2_others, free_after_timed, NULL, 0 },
	{ "sem-free-second-3", 3, 30, begin, free_by_second, NULL, 0 },
	{ "sem-publish-2", 2, 30, begin, publish, end, 0 },
	{ "sem-publish-3", 3, 50, begin, publish_two, end, 0 },
	{ 0 },
};
