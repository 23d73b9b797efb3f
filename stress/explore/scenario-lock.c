/* SPDX-License-Identifier: MIT */
/*
 * scenario-lock.c - exclusion, progress and lifetime of locks and rlocks.
 *
 * Locks may be left marked when all is done (advice that nobody comes for any more), but must be free, and work.
 */
#include <weft/event.h>
#include <weft/lock.h>
#include <weft/rlock.h>

#include <weft_sys.h>

#include "scenarios.h"

struct section {
	struct weft_lock lock;
	struct weft_event cancel;
	unsigned inside, entered; /* protected by lock */
	_Atomic unsigned left;	  /* threads that have not finished */
};

static void enter(struct section *section)
{
	weft_explore_check(section->inside++ == 0);
	section->entered++;
	weft_explore_step();
	weft_explore_check(--section->inside == 0);
}

static void pass(struct section *section)
{
	weft_lock_acquire(&section->lock);
	enter(section);
	weft_explore_check(weft_lock_release(&section->lock) == 0);
}

static void pass_if(struct section *section, int rc)
{
	if (rc != 0)
		return;
	enter(section);
	weft_explore_check(weft_lock_release(&section->lock) == 0);
}

static void *begin(void)
{
	struct section *const section = weft_explore_alloc(sizeof(*section), "lock");

	atomic_store_explicit(&section->left, 4, memory_order_relaxed);
	return section;
}

static void *begin_shared(void)
{
	struct section *const section = begin();

	weft_lock_init_shared(&section->lock);
	return section;
}

static void *begin_old(void)
{
	weft_sys_refuse_wait2();
	return begin();
}

static void end(void *state)
{
	struct section *const section = state;

	weft_explore_check(!weft_lock_locked(&section->lock));
	weft_explore_check(weft_lock_try_acquire(&section->lock) == 0);
	weft_explore_check(weft_lock_release(&section->lock) == 0);
	weft_explore_check(weft_lock_release(&section->lock) == -EPERM);
	pass(section);
	weft_explore_check(!weft_lock_locked(&section->lock));
}

static void once(void *state, unsigned number)
{
	(void)number;
	pass(state);
}

static void twice(void *state, unsigned number)
{
	(void)number;
	pass(state);
	pass(state);
}

static void thrice(void *state, unsigned number)
{
	twice(state, number);
	pass(state);
}

/* Thread 0 waits as long as it takes, the others for a while. */
static void one_patient(void *state, unsigned number)
{
	struct section *const section = state;

	for (int i = 0; i < 2; i++)
		if (number == 0)
			pass(section);
		else
			pass_if(section, weft_lock_acquire_for(&section->lock, 5000));
}

/* Two that wait as long as it takes, and those who may give up in between. */
static void two_patient(void *state, unsigned number)
{
	struct section *const section = state;

	if (number < 2) {
		pass(section);
		pass(section);
	} else {
		pass_if(section, weft_lock_acquire_for(&section->lock, 5000));
	}
}

static void with_tries(void *state, unsigned number)
{
	struct section *const section = state;

	if (number < 2) {
		pass(section);
		pass(section);
		return;
	}
	for (int i = 0; i < 3; i++)
		pass_if(section, weft_lock_try_acquire(&section->lock));
}

/* The same by waits without time, which must have what is free. */
static void with_looks(void *state, unsigned number)
{
	struct section *const section = state;

	if (number < 2) {
		pass(section);
		pass(section);
		return;
	}
	pass_if(section, weft_lock_acquire_for(&section->lock, 0));
	pass_if(section, weft_lock_acquire_until(&section->lock, -1, NULL));
	pass_if(section, weft_lock_acquire_until(&section->lock, 0, &section->cancel));
}

/* 0 and 1 pass; 2 waits with a token, which 3, or 0 in the end, sets. */
static void with_cancel(void *state, unsigned number)
{
	struct section *const section = state;

	if (number == 2) {
		pass_if(section, weft_lock_acquire_until(&section->lock, WEFT_FOREVER, &section->cancel));
		return;
	}
	pass(section);
	if (number == 0)
		weft_event_set(&section->cancel);
	pass(section);
}

/* The lock is held while the token is set: the wait must end by it or by the release, and both may come at once. */
static void cancel_or_release(void *state, unsigned number)
{
	struct section *const section = state;

	switch (number) {
	case 0:
		weft_lock_acquire(&section->lock);
		weft_explore_step();
		weft_event_set(&section->cancel);
		weft_explore_step();
		weft_lock_release(&section->lock);
		break;
	case 1:
		pass_if(section, weft_lock_acquire_until(&section->lock, WEFT_FOREVER, &section->cancel));
		break;
	default:
		pass(section);
	}
}

static void timed_cancel(void *state, unsigned number)
{
	struct section *const section = state;

	switch (number) {
	case 0:
		pass(section);
		pass(section);
		break;
	case 1:
		pass_if(section, weft_lock_acquire_until(&section->lock, 1000040000, &section->cancel));
		pass_if(section, weft_lock_acquire_until(&section->lock, 1000080000, &section->cancel));
		break;
	case 2:
		pass_if(section, weft_lock_acquire_for(&section->lock, 20000));
		weft_event_set(&section->cancel);
		break;
	default:
		pass(section);
	}
}

/* A time-out must not take a wake-up along: with the lock free in the end, an untimed waiter must get it. */
static void timeouts_around(void *state, unsigned number)
{
	struct section *const section = state;

	switch (number) {
	case 0:
		weft_lock_acquire(&section->lock);
		weft_explore_step();
		weft_lock_release(&section->lock);
		break;
	case 1:
		pass(section);
		break;
	default:
		pass_if(section, weft_lock_acquire_for(&section->lock, 5000));
	}
}

/* Each takes it once and says inside that it is through; the last one frees the lock right after its release. */
static void free_after(void *state, unsigned number)
{
	struct section *const section = state;
	bool last;

	(void)number;
	weft_lock_acquire(&section->lock);
	last = ++section->entered == 3;
	weft_explore_step();
	weft_lock_release(&section->lock);
	if (last)
		weft_explore_free(section);
}

/* The same with one that waits for a while; it counts itself out under the lock, or leaves it to the rest. */
static void free_held(void *state, unsigned number)
{
	struct section *const section = state;

	if (number == 0) {
		weft_lock_acquire(&section->lock); /* second, or alone */
		if (section->entered == 1) {
			weft_explore_free(section);
			return;
		}
		section->entered = 1;
		weft_lock_release(&section->lock);
	} else {
		weft_lock_acquire(&section->lock);
		if (section->entered == 1) {
			weft_explore_free(section);
			return;
		}
		section->entered = 1;
		weft_lock_release(&section->lock);
	}
}

static void *begin_held(void)
{
	struct section *const section = begin();

	weft_lock_acquire(&section->lock);
	return section;
}

/* Thread 0 releases for the one that began; the others come meanwhile. */
static void released_by_another(void *state, unsigned number)
{
	struct section *const section = state;

	if (number == 0)
		weft_lock_release(&section->lock);
	else
		pass(section);
}

/* Some take it and go on at once for several rounds, one is slow to come: none may stay out for ever. */
static void many_rounds(void *state, unsigned number)
{
	struct section *const section = state;

	for (unsigned i = 0; i < (number == 0 ? 1 : 5); i++)
		pass(section);
}

/*
 * Once a thread that was woken too late has barred newcomers, only the owner of AWAKE may come before those who have
 * slept, and whoever had the lock already: LOCK-14.
 */
static void fairly(void *state, unsigned number)
{
	enum { STARVING = 1 << 4 }; /* lib/lock.c */
	struct section *const section = state;

	for (unsigned i = 0; i < 4; i++) {
		const unsigned slept = weft_explore_slept(number);

		weft_lock_acquire(&section->lock);
		if (weft_explore_slept(number) != slept ||
		    !(atomic_load_explicit(&section->lock.word, memory_order_relaxed) & STARVING))
			section->entered = 0;
		else
			weft_explore_check(++section->entered <= 2);
		weft_explore_step();
		weft_lock_release(&section->lock);
	}
}

/* Each passes once, by waits of all kinds, and the last one through frees the lock. */
static void free_after_any(void *state, unsigned number)
{
	struct section *const section = state;
	bool last;

	if (number == 0)
		weft_lock_acquire(&section->lock);
	else if (number == 1)
		while (weft_lock_acquire_for(&section->lock, 3000) != 0)
			weft_explore_yield();
	else if (weft_explore_choose(2))
		weft_explore_check(weft_lock_acquire_until(&section->lock, WEFT_FOREVER, &section->cancel) == 0);
	else
		while (weft_lock_try_acquire(&section->lock) != 0)
			weft_explore_yield();
	last = ++section->entered == 3;
	weft_lock_release(&section->lock);
	if (last)
		weft_explore_free(section);
}

struct pair {
	struct weft_lock locks[2];
	struct weft_lock *order[2][2];
	unsigned inside;
};

static void *begin_pair(void)
{
	struct pair *const pair = weft_explore_alloc(sizeof(*pair), "pair");

	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 2; j++)
			pair->order[i][j] = &pair->locks[i ^ j];
	return pair;
}

static void *begin_pair_shared(void)
{
	struct pair *const pair = begin_pair();

	weft_lock_init_shared(&pair->locks[0]);
	weft_lock_init_shared(&pair->locks[1]);
	return pair;
}

static void acquire_many(void *state, unsigned number)
{
	struct pair *const pair = state;

	weft_explore_check(weft_lock_acquire_many(pair->order[number % 2], 2) == 0);
	weft_explore_check(pair->inside++ == 0);
	weft_explore_step();
	pair->inside--;
	weft_lock_release(&pair->locks[0]);
	weft_lock_release(&pair->locks[1]);
}

static void end_pair(void *state)
{
	struct pair *const pair = state;

	weft_explore_check(!weft_lock_locked(&pair->locks[0]) && !weft_lock_locked(&pair->locks[1]));
}

const struct weft_explore_scenario explore_lock[] = {
	{ .name = "lock-2x1", .threads = 2, .steps = 20, .begin = begin, .thread = once, .end = end },
	{ .name = "lock-2x2", .threads = 2, .steps = 40, .begin = begin, .thread = twice, .end = end },
	{ .name = "lock-2x3", .threads = 2, .steps = 60, .begin = begin, .thread = thrice, .end = end },
	{ .name = "lock-3x1", .threads = 3, .steps = 45, .begin = begin, .thread = once, .end = end },
	{ .name = "lock-3x2", .threads = 3, .steps = 90, .begin = begin, .thread = twice, .end = end },
	{ .name = "lock-3x3", .threads = 3, .steps = 130, .begin = begin, .thread = thrice, .end = end },
	{ .name = "lock-4x1", .threads = 4, .steps = 80, .begin = begin, .thread = once, .end = end },
	{ .name = "lock-4x2", .threads = 4, .steps = 150, .begin = begin, .thread = twice, .end = end },
	{ .name = "lock-4x3", .threads = 4, .steps = 220, .begin = begin, .thread = thrice, .end = end },
	{ .name = "lock-5x2", .threads = 5, .steps = 200, .begin = begin, .thread = twice, .end = end },
	{ .name = "lock-shared-3x2", .threads = 3, .steps = 90, .begin = begin_shared, .thread = twice, .end = end },
	{ .name = "lock-timed-2", .threads = 2, .steps = 60, .begin = begin, .thread = one_patient, .end = end },
	{ .name = "lock-timed-3", .threads = 3, .steps = 90, .begin = begin, .thread = one_patient, .end = end },
	{ .name = "lock-timed-4", .threads = 4, .steps = 120, .begin = begin, .thread = two_patient, .end = end },
	{ .name = "lock-timed-5", .threads = 5, .steps = 150, .begin = begin, .thread = two_patient, .end = end },
	{ .name = "lock-timeouts-around-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin,
	  .thread = timeouts_around,
	  .end = end },
	{ .name = "lock-timeouts-around-4",
	  .threads = 4,
	  .steps = 80,
	  .begin = begin,
	  .thread = timeouts_around,
	  .end = end },
	{ .name = "lock-timeouts-around-5",
	  .threads = 5,
	  .steps = 100,
	  .begin = begin,
	  .thread = timeouts_around,
	  .end = end },
	{ .name = "lock-tries-3", .threads = 3, .steps = 80, .begin = begin, .thread = with_tries, .end = end },
	{ .name = "lock-tries-4", .threads = 4, .steps = 100, .begin = begin, .thread = with_tries, .end = end },
	{ .name = "lock-looks-3", .threads = 3, .steps = 80, .begin = begin, .thread = with_looks, .end = end },
	{ .name = "lock-cancel-3", .threads = 3, .steps = 100, .begin = begin, .thread = with_cancel, .end = end },
	{ .name = "lock-cancel-4", .threads = 4, .steps = 120, .begin = begin, .thread = with_cancel, .end = end },
	{ .name = "lock-cancel-or-release-3",
	  .threads = 3,
	  .steps = 70,
	  .begin = begin,
	  .thread = cancel_or_release,
	  .end = end },
	{ .name = "lock-cancel-or-release-4",
	  .threads = 4,
	  .steps = 90,
	  .begin = begin,
	  .thread = cancel_or_release,
	  .end = end },
	{ .name = "lock-timed-cancel-4",
	  .threads = 4,
	  .steps = 120,
	  .begin = begin,
	  .thread = timed_cancel,
	  .end = end },
	{ .name = "lock-cancel-old-3",
	  .threads = 3,
	  .steps = 120,
	  .begin = begin_old,
	  .thread = with_cancel,
	  .end = end },
	{ .name = "lock-free-after", .threads = 3, .steps = 50, .begin = begin, .thread = free_after },
	{ .name = "lock-free-any-3", .threads = 3, .steps = 60, .begin = begin, .thread = free_after_any },
	{ .name = "lock-fair-3", .threads = 3, .begin = begin, .thread = fairly, .end = end },
	{ .name = "lock-fair-4", .threads = 4, .begin = begin, .thread = fairly, .end = end },
	{ .name = "lock-free-held", .threads = 2, .steps = 30, .begin = begin, .thread = free_held },
	{ .name = "lock-by-another-3",
	  .threads = 3,
	  .steps = 60,
	  .begin = begin_held,
	  .thread = released_by_another,
	  .end = end },
	{ .name = "lock-by-another-4",
	  .threads = 4,
	  .steps = 80,
	  .begin = begin_held,
	  .thread = released_by_another,
	  .end = end },
	{ .name = "lock-rounds-3", .threads = 3, .steps = 160, .begin = begin, .thread = many_rounds, .end = end },
	{ .name = "lock-rounds-4", .threads = 4, .steps = 240, .begin = begin, .thread = many_rounds, .end = end },
	{ .name = "lock-many-3",
	  .threads = 3,
	  .steps = 90,
	  .begin = begin_pair,
	  .thread = acquire_many,
	  .end = end_pair },
	{ .name = "lock-many-shared-3",
	  .threads = 3,
	  .steps = 120,
	  .begin = begin_pair_shared,
	  .thread = acquire_many,
	  .end = end_pair },
	{ 0 },
};

/* ---- rlock ---- */

struct nest {
	struct weft_rlock rlock;
	unsigned inside;
	unsigned depth;
};

static void *begin_nest(void)
{
	return weft_explore_alloc(sizeof(struct nest), "rlock");
}

static void *begin_nest_shared(void)
{
	struct nest *const nest = begin_nest();

	weft_rlock_init_shared(&nest->rlock);
	return nest;
}

static void nested(struct nest *nest)
{
	weft_explore_check(weft_rlock_owned(&nest->rlock) && weft_rlock_depth(&nest->rlock) == 1);
	weft_explore_check(nest->inside++ == 0);
	weft_explore_check(weft_rlock_acquire(&nest->rlock) == 0);
	weft_explore_check(weft_rlock_try_acquire(&nest->rlock) == 0);
	weft_explore_check(weft_rlock_depth(&nest->rlock) == 3);
	weft_explore_check(weft_rlock_release(&nest->rlock) == 0);
	weft_explore_check(weft_rlock_release(&nest->rlock) == 0);
	weft_explore_step();
	weft_explore_check(--nest->inside == 0);
	weft_explore_check(weft_rlock_release(&nest->rlock) == 0);
	weft_explore_check(!weft_rlock_owned(&nest->rlock) && weft_rlock_depth(&nest->rlock) == 0);
}

static void nest(void *state, unsigned number)
{
	struct nest *const nest = state;

	for (int i = 0; i < 2; i++) {
		if (number == 2) {
			if (weft_rlock_acquire_for(&nest->rlock, 5000) != 0) {
				weft_explore_check(weft_rlock_release(&nest->rlock) == -EPERM);
				continue;
			}
		} else {
			weft_explore_check(weft_rlock_acquire(&nest->rlock) == 0);
		}
		nested(nest);
	}
}

static void end_nest(void *state)
{
	struct nest *const nest = state;

	weft_explore_check(!weft_rlock_locked(&nest->rlock));
	weft_explore_check(weft_rlock_release(&nest->rlock) == -EPERM);
	weft_explore_check(weft_rlock_acquire(&nest->rlock) == 0);
	weft_explore_check(weft_rlock_release(&nest->rlock) == 0);
}

static void free_nest(void *state, unsigned number)
{
	struct nest *const nest = state;
	bool last;

	if (number == 2)
		while (weft_rlock_acquire_for(&nest->rlock, 3000) != 0)
			weft_explore_yield();
	else
		weft_rlock_acquire(&nest->rlock);
	weft_rlock_acquire(&nest->rlock);
	last = ++nest->depth == weft_explore_threads();
	weft_rlock_release(&nest->rlock);
	weft_rlock_release(&nest->rlock);
	if (last)
		weft_explore_free(nest);
}

const struct weft_explore_scenario explore_rlock[] = {
	{ .name = "rlock-2", .threads = 2, .steps = 120, .begin = begin_nest, .thread = nest, .end = end_nest },
	{ .name = "rlock-3", .threads = 3, .steps = 180, .begin = begin_nest, .thread = nest, .end = end_nest },
	{ .name = "rlock-free-3", .threads = 3, .begin = begin_nest, .thread = free_nest },
	{ .name = "rlock-free-shared-3", .threads = 3, .begin = begin_nest_shared, .thread = free_nest },
	{ .name = "rlock-shared-3",
	  .threads = 3,
	  .steps = 180,
	  .begin = begin_nest_shared,
	  .thread = nest,
	  .end = end_nest },
	{ 0 },
};
