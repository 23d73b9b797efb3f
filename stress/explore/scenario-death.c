/* SPDX-License-Identifier: MIT */
/*
 * scenario-death.c - one thread stops for ever, anywhere. What it held stays held; the others are told no success that
 * is none, and whoever waits for a while, or with a token, gets away.
 *
 * Where an object has a lock inside that calls take as long as it takes, a death within it may keep the others for
 * good: those scenarios may stall.
 */
#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/lock.h>
#include <weft/rlock.h>
#include <weft/sem.h>

#include "scenarios.h"

enum { ACQUIRED, INSIDE }; /* counters */

enum { WHILE_NS = 5000, THREADS = 3 };

struct all {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event, cancel;
	struct weft_sem sem;
	struct weft_cond cond;
	struct weft_barrier barrier;
	unsigned items; /* protected by rlock */
};

static void *begin_with(bool shared)
{
	struct all *const all = weft_explore_alloc(sizeof(*all), "all");

	if (shared) {
		weft_lock_init_shared(&all->lock);
		weft_rlock_init_shared(&all->rlock);
		weft_event_init_shared(&all->event);
		weft_sem_init_shared(&all->sem, 1);
		weft_barrier_init_shared(&all->barrier, THREADS);
	} else {
		weft_sem_init(&all->sem, 1);
		weft_barrier_init(&all->barrier, THREADS);
	}
	weft_cond_init_rlock(&all->cond, &all->rlock);
	return all;
}

static void *begin(void)
{
	return begin_with(false);
}

static void *begin_shared(void)
{
	return begin_with(true);
}

static bool anybody_died(void)
{
	for (unsigned i = 0; i < weft_explore_threads(); i++)
		if (weft_explore_died(i))
			return true;
	return false;
}

static void in_section(void)
{
	weft_explore_check(weft_explore_count(INSIDE, 1) == 0);
	weft_explore_step();
	weft_explore_count(INSIDE, -1u);
}

/* ---- lock, rlock ---- */

static void lock(void *state, unsigned number)
{
	struct all *const all = state;

	(void)number;
	for (int i = 0; i < 2; i++) {
		const int rc = weft_lock_acquire_for(&all->lock, WHILE_NS);

		weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
		if (rc != 0)
			continue;
		in_section();
		weft_explore_check(weft_lock_release(&all->lock) == 0);
	}
}

static void end_lock(void *state)
{
	struct all *const all = state;
	const bool locked = weft_lock_locked(&all->lock);

	weft_explore_check(anybody_died() || !locked);
	weft_explore_check(locked || weft_explore_count(INSIDE, 0) == 0);
	weft_explore_check(weft_lock_acquire_for(&all->lock, WHILE_NS) == (locked ? -ETIMEDOUT : 0));
}

static void rlock(void *state, unsigned number)
{
	struct all *const all = state;

	(void)number;
	for (int i = 0; i < 2; i++) {
		const int rc = weft_rlock_acquire_for(&all->rlock, WHILE_NS);

		weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
		weft_explore_check((rc == 0) == weft_rlock_owned(&all->rlock));
		if (rc != 0) {
			weft_explore_check(weft_rlock_release(&all->rlock) == -EPERM);
			continue;
		}
		in_section();
		weft_explore_check(weft_rlock_release(&all->rlock) == 0);
	}
}

static void end_rlock(void *state)
{
	struct all *const all = state;

	weft_explore_check(anybody_died() || !weft_rlock_locked(&all->rlock));
	weft_explore_check(!weft_rlock_owned(&all->rlock));
}

/* 3 and 4 set the token: if one dies before, the other does. */
static void token(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	if (number >= 3) {
		weft_event_set(&all->cancel);
		return;
	}
	rc = weft_lock_acquire_until(&all->lock, WEFT_FOREVER, &all->cancel);
	weft_explore_check(rc == 0 || rc == -ECANCELED);
	if (rc != 0)
		return;
	in_section();
	weft_explore_check(weft_lock_release(&all->lock) == 0);
}

/* ---- event ---- */

static void event(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	if (number == 0) {
		weft_event_set(&all->event);
		return;
	}
	rc = weft_event_wait_for(&all->event, WHILE_NS);
	weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
	weft_explore_check(rc != 0 || weft_event_is_set(&all->event));
}

static void end_event(void *state)
{
	struct all *const all = state;

	weft_explore_check(weft_explore_died(0) || weft_event_is_set(&all->event));
}

/* ---- sem: a permit that a dead thread has is gone, and none comes into being ---- */

static void sem(void *state, unsigned number)
{
	struct all *const all = state;
	const int rc = weft_sem_acquire_for(&all->sem, WHILE_NS);

	(void)number;
	weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
	if (rc == 0)
		weft_explore_check(weft_explore_count(ACQUIRED, 1) == 0);
}

static void end_sem(void *state)
{
	struct all *const all = state;
	const unsigned value = weft_sem_value(&all->sem);

	weft_explore_check(value + weft_explore_count(ACQUIRED, 0) <= 1);
	weft_explore_check(value + weft_explore_count(ACQUIRED, 0) == 1 || anybody_died());
}

/* One that dies between the two steps of a release (T6 in lib/sem.c) keeps the others, who are promised the grant. */
static void sem_released(void *state, unsigned number)
{
	struct all *const all = state;

	(void)number;
	for (int i = 0; i < 2; i++) {
		const int rc = weft_sem_acquire_for(&all->sem, WHILE_NS);

		weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
		if (rc != 0)
			continue;
		in_section();
		weft_explore_check(weft_sem_release(&all->sem) == 0);
	}
}

/* ---- cond ---- */

static void cond(void *state, unsigned number)
{
	struct all *const all = state;
	int rc = weft_cond_acquire_for(&all->cond, WHILE_NS);

	if (rc != 0)
		return;
	if (number == 0) {
		all->items++;
		weft_explore_check(weft_cond_notify(&all->cond, 1) >= 0);
	} else {
		const unsigned before = all->items;

		rc = before > 0 ? 0 : weft_cond_wait_for(&all->cond, WHILE_NS);
		weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
		weft_explore_check(weft_rlock_owned(&all->rlock));
		weft_explore_check(rc != 0 || all->items > 0);
	}
	in_section();
	weft_explore_check(weft_cond_release(&all->cond) == 0);
}

/* ---- barrier: a round that one has not come to is not completed ---- */

static void barrier(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	(void)number;
	weft_explore_count(INSIDE, 1);
	rc = weft_barrier_wait_for(&all->barrier, WHILE_NS);
	weft_explore_check(rc == -EPIPE || rc == -ETIMEDOUT || (rc >= 0 && rc < THREADS));
	weft_explore_check(rc < 0 || weft_explore_count(INSIDE, 0) == THREADS);
	weft_explore_check(rc < 0 || weft_explore_count(8 + (unsigned)rc, 1) == 0);
}

#define DEATH(text, n, k, first, function, last, more)                                                               \
	{                                                                                                            \
		.name = "death-" text, .threads = n, .steps = k, .begin = first, .thread = function, .end = last,    \
		.flags = WEFT_EXPLORE_MAY_DIE | (more)                                                               \
	}

const struct weft_explore_scenario explore_death[] = {
	DEATH("lock-3", 3, 60, begin, lock, end_lock, 0),
	DEATH("lock-shared-3", 3, 60, begin_shared, lock, end_lock, 0),
	DEATH("rlock-3", 3, 60, begin, rlock, end_rlock, 0),
	DEATH("rlock-shared-3", 3, 60, begin_shared, rlock, end_rlock, 0),
	DEATH("token-5", 5, 80, begin, token, NULL, 0),
	DEATH("event-3", 3, 30, begin, event, end_event, 0),
	DEATH("event-shared-3", 3, 30, begin_shared, event, end_event, 0),
	DEATH("sem-3", 3, 60, begin, sem, end_sem, 0),
	DEATH("sem-shared-3", 3, 60, begin_shared, sem, end_sem, 0),
	{ .name = "known-death-sem-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin_shared,
	  .thread = sem_released,
	  .flags = WEFT_EXPLORE_MAY_DIE },
	DEATH("cond-3", 3, 80, begin, cond, NULL, WEFT_EXPLORE_MAY_STALL),
	DEATH("barrier-3", 3, 50, begin, barrier, NULL, WEFT_EXPLORE_MAY_STALL),
	DEATH("barrier-shared-3", 3, 50, begin_shared, barrier, NULL, WEFT_EXPLORE_MAY_STALL),
	{ 0 },
};
