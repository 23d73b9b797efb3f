/* SPDX-License-Identifier: MIT */
/*
 * scenario-wrap.c - counters at the ends of their range. Those of rounds start just below it; in the build with
 * narrow counters (build.sh) they come round several times.
 */
#include <weft/barrier.h>
#include <weft/event.h>
#include <weft/sem.h>

#include "event.h"
#include "scenarios.h"

enum { DONE, INSIDE }; /* counters */

/* ---- event, and token: a wait lasts through fewer sets than there are rounds ---- */

struct gate {
	struct weft_event event, never;
};

static void *begin_gate(void)
{
	struct gate *const gate = weft_explore_alloc(sizeof(*gate), "gate");

	atomic_store_explicit(&gate->event.word, EVENT_ROUND_MASK, memory_order_relaxed);
	return gate;
}

/* The event, or the token of a wait for one that is never set. */
static void wait(struct gate *gate, bool as_token)
{
	if (as_token)
		weft_explore_check(weft_event_wait_until(&gate->never, WEFT_FOREVER, &gate->event) == -ECANCELED);
	else
		weft_explore_check(weft_event_wait(&gate->event) == 0);
}

static void set_often(struct gate *gate, unsigned n)
{
	while (n-- > 0) {
		weft_event_set(&gate->event);
		weft_event_clear(&gate->event);
	}
}

static void rounds(void *state, unsigned number)
{
	const unsigned waiters = weft_explore_threads() - 1;

	for (unsigned round = 1; round <= 4; round++) {
		if (number == 0) {
			for (unsigned i = 1; i <= waiters; i++)
				while (!weft_explore_sleeps(i))
					weft_explore_yield();
			set_often(state, 1 + weft_explore_choose(3));
		} else {
			wait(state, number == 2);
		}
		weft_explore_count_ordered(DONE, 1);
		while (weft_explore_count_ordered(DONE, 0) < round * (waiters + 1))
			weft_explore_yield();
	}
}

/* As many sets as there are rounds, in the narrow build, may be missed by who does not run; not the one after. */
static void missed(void *state, unsigned number)
{
	struct gate *const gate = state;

	if (number > 0) {
		wait(gate, number == 2);
		return;
	}
	for (unsigned i = 1; i < weft_explore_threads(); i++)
		while (!weft_explore_sleeps(i))
			weft_explore_yield();
	set_often(gate, 4);
	weft_event_set(&gate->event);
}

#if WEFT_EVENT_ROUND_BITS == 2
static void lost(void *state, unsigned number)
{
	if (number > 0) {
		wait(state, false);
		return;
	}
	while (!weft_explore_sleeps(1))
		weft_explore_yield();
	set_often(state, 4);
}
#endif

/* ---- barrier: rounds of shared ones ---- */

struct meeting {
	struct weft_barrier barrier;
	unsigned rounds[3];
};

static void *begin_meeting(void)
{
	struct meeting *const meeting = weft_explore_alloc(sizeof(*meeting), "barrier");

	weft_explore_check(weft_barrier_init_shared(&meeting->barrier, 2) == 0);
#ifndef WEFT_BARRIER_ROUND_BITS
	atomic_store_explicit(&meeting->barrier.waiters.round, UINT32_MAX << 2, memory_order_relaxed);
#endif
	return meeting;
}

static void meet(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	for (unsigned round = 0; round < 6; round++) {
		meeting->rounds[number] = round + 1;
		weft_explore_check(weft_barrier_wait(&meeting->barrier) >= 0);
		weft_explore_check(meeting->rounds[!number] >= round + 1);
		weft_explore_check(weft_barrier_wait(&meeting->barrier) >= 0);
	}
}

/* Three threads, of which two at a time make a round: three rounds, so that none comes again. */
static void meet_any(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	(void)number;
	while (weft_explore_count(INSIDE, 1) < 6) {
		const int index = weft_barrier_wait(&meeting->barrier);

		weft_explore_check(index == 0 || index == 1);
		weft_explore_check(weft_explore_count(8 + (unsigned)index, 1) < 3);
	}
}

/* Rounds that are broken and reset count, too. */
static void meet_and_reset(void *state, unsigned number)
{
	struct meeting *const meeting = state;

	for (unsigned i = 0; i < 6; i++)
		if (number == 0) {
			weft_barrier_reset(&meeting->barrier);
			(void)!weft_barrier_wait_for(&meeting->barrier, 3000);
		} else {
			const int rc = weft_barrier_wait_for(&meeting->barrier, 3000);

			weft_explore_check(rc >= 0 || rc == -EPIPE || rc == -ETIMEDOUT);
		}
}

/* ---- semaphore: the most permits ---- */

static void *begin_full(void)
{
	struct weft_sem *const sem = weft_explore_alloc(sizeof(*sem), "sem");

	weft_explore_check(weft_sem_init(sem, WEFT_SEM_MAX - 1) == 0);
	return sem;
}

/* Of the releases of one, those that are over are refused, and nothing else comes of them. */
static void overflow(void *state, unsigned number)
{
	int rc = weft_sem_release(state);

	weft_explore_check(rc == 0 || rc == -EOVERFLOW);
	weft_explore_count(DONE, rc == 0);
	rc = weft_sem_release_n(state, 2 + number);
	weft_explore_check(rc == -EOVERFLOW);
	if (number == 0) {
		weft_explore_check(weft_sem_acquire(state) == 0);
		weft_explore_count(INSIDE, 1);
	}
}

static void end_full(void *state)
{
	weft_explore_check(weft_sem_value(state) ==
			   WEFT_SEM_MAX - 1 + weft_explore_count(DONE, 0) - weft_explore_count(INSIDE, 0));
	weft_explore_check(weft_sem_destroy(state) == 0);
}

/* ---- lock: more have overtaken than can be counted ---- */

static void *begin_overtaken(void)
{
	struct weft_lock *const lock = weft_explore_alloc(sizeof(*lock), "lock");

#ifdef WEFT_LOCK_OVERTAKES_BITS
	weft_lock_init(lock);
#else
	atomic_store_explicit(&lock->word, (UINT32_MAX - 1) << 16 | 2,
			      memory_order_relaxed); /* CONTENDED, by one who left */
#endif
	return lock;
}

static void overtake(void *state, unsigned number)
{
	for (unsigned i = 0; i < (number == 0 ? 1 : 4); i++) {
		weft_lock_acquire(state);
		weft_explore_check(weft_explore_count(INSIDE, 1) == 0);
		weft_explore_step();
		weft_explore_count(INSIDE, -1u);
		weft_explore_check(weft_lock_release(state) == 0);
	}
}

static void end_overtaken(void *state)
{
	weft_explore_check(weft_lock_try_acquire(state) == 0 && weft_lock_release(state) == 0);
	weft_explore_check(!weft_lock_locked(state));
}

const struct weft_explore_scenario explore_wrap[] = {
	{ .name = "event-wrap-2", .threads = 2, .begin = begin_gate, .thread = rounds },
	{ .name = "event-wrap-3", .threads = 3, .begin = begin_gate, .thread = rounds },
	{ .name = "event-missed-2", .threads = 2, .begin = begin_gate, .thread = missed },
	{ .name = "event-missed-3", .threads = 3, .begin = begin_gate, .thread = missed },
#if WEFT_EVENT_ROUND_BITS == 2
	{ .name = "known-event-lost-2", .threads = 2, .begin = begin_gate, .thread = lost },
#endif
	{ .name = "barrier-wrap-2", .threads = 2, .begin = begin_meeting, .thread = meet },
	{ .name = "barrier-wrap-any-3", .threads = 3, .begin = begin_meeting, .thread = meet_any },
	{ .name = "barrier-wrap-reset-2", .threads = 2, .begin = begin_meeting, .thread = meet_and_reset },
	{ .name = "sem-overflow-3", .threads = 3, .begin = begin_full, .thread = overflow, .end = end_full },
	{ .name = "lock-overtaken-3",
	  .threads = 3,
	  .begin = begin_overtaken,
	  .thread = overtake,
	  .end = end_overtaken },
	{ 0 },
};
