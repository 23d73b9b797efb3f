/* SPDX-License-Identifier: MIT */
/*
 * scenario-signal.c - a signal that comes while a thread is in a blocking call does not end it, whatever the handler
 * does; and what a handler may call, it may call in the middle of anything: event set and clear, semaphore release.
 */
#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/lock.h>
#include <weft/rlock.h>
#include <weft/sem.h>
#include <weft/time.h>

#include "scenarios.h"

enum { RELEASED, ACQUIRED, HANDLED, HANDLED_BY = 8 }; /* counters */

enum { WHILE_NS = 6000 };

struct all {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event, other;
	struct weft_sem sem;
	struct weft_cond cond;
	struct weft_barrier barrier;
	unsigned inside;
	bool open; /* protected by rlock */
};

static void *begin(void)
{
	struct all *const all = weft_explore_alloc(sizeof(*all), "all");

	weft_cond_init_rlock(&all->cond, &all->rlock);
	weft_barrier_init(&all->barrier, 3);
	return all;
}

static void counted(unsigned number)
{
	weft_explore_count(HANDLED, 1);
	weft_explore_count(HANDLED_BY + number, 1);
}

static void does_nothing(void *state, unsigned number)
{
	(void)state;
	counted(number);
}

static void sets(void *state, unsigned number)
{
	struct all *const all = state;

	weft_event_set(&all->event);
	counted(number);
}

static void sets_and_clears(void *state, unsigned number)
{
	struct all *const all = state;

	weft_event_set(&all->event);
	if (weft_explore_choose(2))
		weft_event_clear(&all->event);
	counted(number);
}

static void releases(void *state, unsigned number)
{
	struct all *const all = state;

	weft_explore_count(RELEASED, 1);
	weft_explore_check(weft_sem_release(&all->sem) == 0);
	counted(number);
}

/* ---- time-outs that a signal neither brings forward nor forgets ---- */

static bool timed_out(int rc, int64_t deadline)
{
	weft_explore_check(rc == 0 || rc == -ETIMEDOUT);
	weft_explore_check(rc == 0 || weft_now() >= deadline);
	return rc != 0;
}

static void in_section(struct all *all)
{
	weft_explore_check(all->inside++ == 0);
	weft_explore_step();
	all->inside--;
}

static void lock(void *state, unsigned number)
{
	struct all *const all = state;
	const int64_t deadline = weft_now() + WHILE_NS;

	if (number > 0)
		weft_explore_check(weft_lock_acquire(&all->lock) == 0);
	else if (timed_out(weft_lock_acquire_until(&all->lock, deadline, NULL), deadline))
		return;
	in_section(all);
	weft_explore_check(weft_lock_release(&all->lock) == 0);
}

static void end_lock(void *state)
{
	struct all *const all = state;

	weft_explore_check(!weft_lock_locked(&all->lock));
}

static void rlock(void *state, unsigned number)
{
	struct all *const all = state;
	const int64_t deadline = weft_now() + WHILE_NS;

	if (number > 0)
		weft_explore_check(weft_rlock_acquire(&all->rlock) == 0);
	else if (timed_out(weft_rlock_acquire_until(&all->rlock, deadline, NULL), deadline))
		return;
	weft_explore_check(weft_rlock_acquire(&all->rlock) == 0);
	in_section(all);
	weft_explore_check(weft_rlock_depth(&all->rlock) == 2);
	weft_explore_check(weft_rlock_release(&all->rlock) == 0);
	weft_explore_check(weft_rlock_release(&all->rlock) == 0);
}

static void end_rlock(void *state)
{
	struct all *const all = state;

	weft_explore_check(!weft_rlock_locked(&all->rlock));
}

/* ---- a token that the handler sets ---- */

/* 1 holds the lock for good; 0 and 2 leave by their handler's token, or by the one of 1 in the end. */
static void token(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	if (number == 1) {
		weft_explore_check(weft_rlock_acquire(&all->rlock) == 0);
		weft_explore_step();
		weft_explore_step();
		weft_event_set(&all->event);
		return;
	}
	rc = weft_rlock_acquire_until(&all->rlock, WEFT_FOREVER, &all->event);
	weft_explore_check(rc == 0 || rc == -ECANCELED);
	if (rc == 0)
		weft_explore_check(weft_rlock_release(&all->rlock) == 0);
}

/* ---- event ---- */

/* 1 waits as long as it takes, 0 for a while; nobody clears: once it is set in a thread, its wait must say so. */
static void event(void *state, unsigned number)
{
	struct all *const all = state;
	const int64_t deadline = weft_now() + WHILE_NS;
	bool handled;
	int rc;

	switch (number) {
	case 0:
		rc = weft_event_wait_until(&all->event, deadline, NULL);
		handled = weft_explore_count(HANDLED_BY, 0) > 0; /* no step since */
		weft_explore_check(!timed_out(rc, deadline) || !handled);
		break;
	case 1:
		weft_explore_check(weft_event_wait(&all->event) == 0);
		break;
	default:
		weft_event_set(&all->event);
	}
}

/* The handler comes in the middle of set and clear; a set in the end is what counts. */
static void set_and_clear(void *state, unsigned number)
{
	struct all *const all = state;

	if (number == 0) {
		weft_explore_check(weft_event_wait(&all->other) == 0);
		return;
	}
	weft_event_set(&all->event);
	weft_event_clear(&all->event);
	if (number == 1)
		weft_event_set(&all->other);
}

/* ---- sem ---- */

static void took(void)
{
	const unsigned before = weft_explore_count(ACQUIRED, 1);

	weft_explore_check(before < weft_explore_count(RELEASED, 0));
}

static void sem(void *state, unsigned number)
{
	struct all *const all = state;
	const int64_t deadline = weft_now() + WHILE_NS;

	switch (number) {
	case 0:
		if (!timed_out(weft_sem_acquire_until(&all->sem, deadline, NULL), deadline))
			took();
		break;
	case 1:
		weft_explore_check(weft_sem_acquire(&all->sem) == 0);
		took();
		break;
	default:
		weft_explore_count(RELEASED, 2);
		weft_explore_check(weft_sem_release_n(&all->sem, 2) == 0);
	}
}

static void end_sem(void *state)
{
	struct all *const all = state;

	weft_explore_check(weft_sem_value(&all->sem) ==
			   weft_explore_count(RELEASED, 0) - weft_explore_count(ACQUIRED, 0));
	weft_explore_check(weft_sem_destroy(&all->sem) == 0);
}

/* ---- cond: who is woken by a signal alone was not notified ---- */

static void cond(void *state, unsigned number)
{
	struct all *const all = state;
	const int64_t deadline = weft_now() + WHILE_NS;
	int rc;

	weft_explore_check(weft_cond_acquire(&all->cond) == 0);
	switch (number) {
	case 0:
		rc = weft_cond_wait_until(&all->cond, deadline, NULL);
		weft_explore_check(timed_out(rc, deadline) || all->open);
		break;
	case 1:
		if (!all->open) {
			weft_explore_check(weft_cond_wait(&all->cond) == 0);
			weft_explore_check(all->open);
		}
		break;
	default:
		all->open = true;
		weft_explore_check(weft_cond_notify_all(&all->cond) >= 0);
	}
	weft_explore_check(weft_rlock_depth(&all->rlock) == 1);
	weft_explore_check(weft_cond_release(&all->cond) == 0);
}

/* ---- barrier ---- */

static void barrier(void *state, unsigned number)
{
	struct all *const all = state;
	int index;

	(void)number;
	for (unsigned round = 0; round < 2; round++) {
		index = weft_barrier_wait(&all->barrier);
		weft_explore_check(index >= 0 && index < 3);
		weft_explore_check(weft_explore_count(16 + 4 * round + (unsigned)index, 1) == 0);
	}
}

/* ---- sleep ---- */

static void naps(void *state, unsigned number)
{
	const int64_t deadline = weft_now() + WHILE_NS;

	(void)state;
	if (number == 0)
		weft_sleep_for(WHILE_NS);
	else
		weft_explore_check(weft_sleep_until(deadline, NULL) == 0);
	weft_explore_check(weft_now() >= deadline);
}

#define SIGNAL(text, n, k, function, does, last)                                                                     \
	{                                                                                                            \
		.name = "signal-" text, .threads = n, .steps = k, .begin = begin, .thread = function,                \
		.handler = does, .end = last                                                                         \
	}

const struct weft_explore_scenario explore_signal[] = {
	SIGNAL("lock-3", 3, 60, lock, does_nothing, end_lock),
	SIGNAL("lock-set-3", 3, 70, lock, sets, end_lock),
	SIGNAL("rlock-3", 3, 80, rlock, does_nothing, end_rlock),
	SIGNAL("token-3", 3, 60, token, sets, NULL),
	SIGNAL("event-3", 3, 40, event, sets, NULL),
	SIGNAL("event-clear-3", 3, 50, set_and_clear, sets_and_clears, NULL),
	SIGNAL("sem-3", 3, 40, sem, releases, end_sem),
	SIGNAL("sem-nothing-3", 3, 40, sem, does_nothing, end_sem),
	SIGNAL("cond-3", 3, 80, cond, does_nothing, end_rlock),
	SIGNAL("cond-set-3", 3, 80, cond, sets, end_rlock),
	SIGNAL("barrier-3", 3, 90, barrier, does_nothing, NULL),
	SIGNAL("barrier-set-3", 3, 90, barrier, sets, NULL),
	SIGNAL("sleep-2", 2, 20, naps, does_nothing, NULL),
	{ 0 },
};
