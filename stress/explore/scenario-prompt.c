/* SPDX-License-Identifier: MIT */
/*
 * scenario-prompt.c - waits end when they should: not asleep any more once they may go, with what they were granted
 * before their token counts, not later than their deadline says, also if signals come again and again.
 *
 * A wait with a deadline ends in any case, so that a wake-up which it misses leaves nobody asleep for ever. Hence the
 * looks at who sleeps: thread 0 waits until thread 1 does, lets it go, and finds it awake.
 */
#include <errno.h>
#include <stdatomic.h>
#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/lock.h>
#include <weft/sem.h>

#include "scenarios.h"

enum { WAITS = 6 };
enum { RETURNED, ASLEEP, INDEXES }; /* counters; the last for two */

static const int64_t far_ns = INT64_C(5000000000);

struct all {
	struct weft_event event, cancel;
	struct weft_lock lock;
	struct weft_sem sem;
	struct weft_cond cond;
	struct weft_barrier barrier;
	unsigned kind;
	bool ready; /* protected by cond */
	_Atomic int64_t end_ns;
};

static void *begin_kind(unsigned kind)
{
	struct all *const all = weft_explore_alloc(sizeof(*all), "all");

	all->kind = kind;
	weft_explore_check(weft_barrier_init(&all->barrier, 2) == 0);
	weft_lock_acquire(&all->lock);
	return all;
}

static void *begin(void)
{
	return begin_kind(weft_explore_choose(WAITS - 1));
}

static void *begin_any(void)
{
	return begin_kind(weft_explore_choose(WAITS));
}

static int wait_until(struct all *all, int64_t deadline_ns, struct weft_event *cancel)
{
	int rc;

	switch (all->kind) {
	case 0:
		return weft_event_wait_until(&all->event, deadline_ns, cancel);
	case 1:
		return weft_lock_acquire_until(&all->lock, deadline_ns, cancel);
	case 2:
		return weft_sem_acquire_until(&all->sem, deadline_ns, cancel);
	case 3:
		weft_cond_acquire(&all->cond);
		all->ready = true;
		rc = weft_cond_wait_until(&all->cond, deadline_ns, cancel);
		weft_cond_release(&all->cond);
		return rc;
	case 4:
		return weft_barrier_wait_until(&all->barrier, deadline_ns, cancel);
	default:
		return weft_sleep_until(deadline_ns, cancel);
	}
}

static int wait_for(struct all *all, int64_t timeout_ns)
{
	int rc;

	switch (all->kind) {
	case 0:
		return weft_event_wait_for(&all->event, timeout_ns);
	case 1:
		return weft_lock_acquire_for(&all->lock, timeout_ns);
	case 2:
		return weft_sem_acquire_for(&all->sem, timeout_ns);
	case 3:
		weft_cond_acquire(&all->cond);
		rc = weft_cond_wait_for(&all->cond, timeout_ns);
		weft_cond_release(&all->cond);
		return rc;
	case 4:
		return weft_barrier_wait_for(&all->barrier, timeout_ns);
	default:
		weft_sleep_for(timeout_ns);
		return -ETIMEDOUT;
	}
}

/* Let thread 1 go. Return: whether that can be said: the condition's waiter is there. */
static bool let_go(struct all *all)
{
	bool there = true;

	switch (all->kind) {
	case 0:
		weft_event_set(&all->event);
		break;
	case 1:
		weft_lock_release(&all->lock);
		break;
	case 2:
		weft_sem_release(&all->sem);
		break;
	case 3:
		weft_cond_acquire(&all->cond);
		there = all->ready;
		weft_cond_notify(&all->cond, 1);
		weft_cond_release(&all->cond);
		break;
	default:
		weft_barrier_wait(&all->barrier);
	}
	return there;
}

static void until_it_sleeps(void)
{
	while (!weft_explore_sleeps(1) && weft_explore_count(RETURNED, 0) == 0)
		weft_explore_yield();
}

/* The grant wakes it. */
static void granted(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	if (number == 1) {
		rc = wait_until(all, far_ns, NULL);
		weft_explore_count(RETURNED, 1);
		weft_explore_check(rc >= 0 || rc == -ETIMEDOUT || rc == -EPIPE);
		return;
	}
	until_it_sleeps();
	let_go(all);
	weft_explore_check(!weft_explore_sleeps(1));
}

/* The token wakes it. */
static void cancelled(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	if (number == 1) {
		rc = wait_until(all, far_ns, &all->cancel);
		weft_explore_count(RETURNED, 1);
		weft_explore_check(rc == -ECANCELED || rc == -ETIMEDOUT || (rc == 0 && all->kind == 5));
		return;
	}
	until_it_sleeps();
	weft_event_set(&all->cancel);
	weft_explore_check(!weft_explore_sleeps(1));
}

/* What was granted before the token was set comes first. */
static void granted_first(void *state, unsigned number)
{
	struct all *const all = state;

	if (number == 1) {
		weft_explore_check(wait_until(all, WEFT_FOREVER, &all->cancel) >= 0);
		weft_explore_count(RETURNED, 1);
		return;
	}
	while (!let_go(all))
		weft_explore_yield();
	weft_event_set(&all->cancel);
}

/* ---- signals that take much of the time: the wait's end is not put off ---- */

/* Two signals end 800 us late at the most; a time-out that starts anew after one is 900 us late at least. */
enum { SPAN_NS = 1000000, SIGNAL_NS = 900000, LATE_NS = 860000 };

/* No other thread runs between the look at the clock and what follows. */
static void take_time_before(int64_t end_ns)
{
	if (weft_now() < end_ns)
		weft_explore_pass_time(SIGNAL_NS);
}

static void take_time(void *state, unsigned number)
{
	struct all *const all = state;

	if (number == 0 && weft_explore_count(ASLEEP, 0) > 0)
		take_time_before(atomic_load_explicit(&all->end_ns, memory_order_relaxed));
}

static void storm(void *state, unsigned number)
{
	struct all *const all = state;
	int64_t late;
	int rc;

	if (number == 1) { /* says that the wait has its deadline, so that signals may take time */
		while (!weft_explore_sleeps(0) && weft_explore_count(RETURNED, 0) == 0)
			weft_explore_yield();
		weft_explore_count(ASLEEP, 1);
		return;
	}
	atomic_store_explicit(&all->end_ns, weft_now() + SPAN_NS, memory_order_relaxed);
	rc = wait_for(all, SPAN_NS);
	weft_explore_count(RETURNED, 1);
	weft_explore_check(rc == -ETIMEDOUT);
	late = weft_now() - atomic_load_explicit(&all->end_ns, memory_order_relaxed);
	weft_explore_check(late >= 0 && late < LATE_NS);
}

/* ---- deadlines at the edges of what a timespec can say ---- */

static void at_edges(void *state, unsigned number)
{
	static const int64_t deadlines[] = { INT64_C(2000000000), INT64_C(2999999999), INT64_C(3000000001), far_ns };
	struct all *const all = state;
	int rc;

	(void)number;
	for (unsigned i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
		rc = wait_until(all, deadlines[i], i % 2 ? &all->cancel : NULL);
		weft_explore_check(rc == -ETIMEDOUT || (rc == 0 && all->kind == 5) || (rc == -EPIPE && i > 0));
		weft_explore_check(weft_now() >= deadlines[i] || rc == -EPIPE);
	}
}

/* ---- a condition's predicate: asked once more when time is up; notifications do not put that off ---- */

static int is_ready(void *state)
{
	const struct all *const all = state;

	return all->ready;
}

static void late_predicate(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	weft_cond_acquire(&all->cond);
	if (number == 0) {
		all->ready = true;
	} else {
		rc = weft_cond_wait_pred_for(&all->cond, is_ready, all, 3000);
		weft_explore_check(rc == (all->ready ? 1 : -ETIMEDOUT));
	}
	weft_cond_release(&all->cond);
}

static void notified_in_vain(void *state, unsigned number)
{
	struct all *const all = state;
	int64_t late;

	weft_cond_acquire(&all->cond);
	if (number == 1) {
		atomic_store_explicit(&all->end_ns, weft_now() + SPAN_NS, memory_order_relaxed);
		weft_explore_check(weft_cond_wait_pred_for(&all->cond, is_ready, all, SPAN_NS) == -ETIMEDOUT);
		late = weft_now() - atomic_load_explicit(&all->end_ns, memory_order_relaxed);
		weft_explore_check(late >= 0 && late < LATE_NS);
		atomic_store_explicit(&all->end_ns, 0, memory_order_relaxed);
		weft_cond_release(&all->cond);
		return;
	}
	for (int i = 0; i < 3; i++) {
		take_time_before(atomic_load_explicit(&all->end_ns, memory_order_relaxed));
		weft_cond_notify(&all->cond, 1);
		weft_cond_release(&all->cond);
		weft_explore_yield();
		weft_cond_acquire(&all->cond);
	}
	weft_cond_release(&all->cond);
}

/* ---- a barrier that was reset works for all who come after ---- */

static void *begin_barrier(void)
{
	return begin_kind(4);
}

static void *begin_shared_barrier(void)
{
	struct all *const all = begin_kind(4);

	weft_explore_check(weft_barrier_init_shared(&all->barrier, 2) == 0);
	return all;
}

/* Thread 1 may be a member when thread 0 resets, and then comes again; the round after that is completed. */
static void again_after_reset(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	if (number == 0) {
		weft_barrier_reset(&all->barrier);
		rc = weft_barrier_wait(&all->barrier);
	} else {
		rc = weft_barrier_wait(&all->barrier);
		if (rc == -EPIPE)
			rc = weft_barrier_wait(&all->barrier);
	}
	weft_explore_check(rc == 0 || rc == 1);
	weft_explore_check(weft_explore_count(INDEXES + (unsigned)rc, 1) == 0);
}

/* The same with a second reset before the members of the first have gone, and one that will not wait for long. */
static void reset_twice(void *state, unsigned number)
{
	struct all *const all = state;
	int rc;

	switch (number) {
	case 0:
		weft_barrier_reset(&all->barrier);
		weft_barrier_reset(&all->barrier);
		rc = weft_barrier_wait_for(&all->barrier, 5000);
		break;
	default:
		rc = weft_barrier_wait(&all->barrier);
	}
	weft_explore_check(rc == 0 || rc == 1 || rc == -EPIPE || (number == 0 && rc == -ETIMEDOUT));
	if (rc >= 0)
		weft_explore_check(weft_explore_count(INDEXES + (unsigned)rc, 1) == 0);
}

static void end_reset(void *state)
{
	(void)state;
	weft_explore_check(weft_explore_count(INDEXES, 0) == weft_explore_count(INDEXES + 1, 0));
}

const struct weft_explore_scenario explore_prompt[] = {
	{ .name = "prompt-granted-2", .threads = 2, .steps = 40, .begin = begin, .thread = granted },
	{ .name = "prompt-cancelled-2", .threads = 2, .steps = 40, .begin = begin_any, .thread = cancelled },
	{ .name = "prompt-granted-first-2", .threads = 2, .steps = 40, .begin = begin, .thread = granted_first },
	{ .name = "time-storm-2",
	  .threads = 2,
	  .steps = 25,
	  .begin = begin_any,
	  .thread = storm,
	  .handler = take_time },
	{ .name = "time-edges-1", .threads = 1, .steps = 40, .begin = begin_any, .thread = at_edges },
	{ .name = "cond-pred-late-2", .threads = 2, .steps = 40, .begin = begin, .thread = late_predicate },
	{ .name = "cond-pred-in-vain-2", .threads = 2, .steps = 80, .begin = begin, .thread = notified_in_vain },
	{ .name = "barrier-again-2", .threads = 2, .steps = 40, .begin = begin_barrier, .thread = again_after_reset },
	{ .name = "barrier-shared-again-2",
	  .threads = 2,
	  .steps = 60,
	  .begin = begin_shared_barrier,
	  .thread = again_after_reset },
	{ .name = "barrier-shared-reset-twice-3",
	  .threads = 3,
	  .steps = 90,
	  .begin = begin_shared_barrier,
	  .thread = reset_twice,
	  .flags = WEFT_EXPLORE_MAY_STALL,
	  .end = end_reset },
	{ 0 },
};
