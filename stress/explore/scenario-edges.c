/* SPDX-License-Identifier: MIT */
/*
 * scenario-edges.c - promises at the edges of the objects: what a refused try sees of its token, what clear sees, who
 * owns what after its owner has ended, what a misuse hook sees.
 */
#include <errno.h>
#include <stdatomic.h>
#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/lock.h>
#include <weft/rlock.h>
#include <weft/sem.h>
#include <weft/watch.h>

#include "scenarios.h"

/* ---- a call that may not wait, and is refused since its token is set, sees what came before the set ---- */

struct refused {
	struct weft_event cancel, event;
	struct weft_lock lock;
	struct weft_sem sem;
	unsigned payload;
};

static void *begin_refused(void)
{
	struct refused *const refused = weft_explore_alloc(sizeof(*refused), "refused");

	weft_lock_acquire(&refused->lock);
	return refused;
}

static int try_with_token(struct refused *refused)
{
	switch (weft_explore_choose(4)) {
	case 0:
		return weft_event_wait_until(&refused->event, 0, &refused->cancel);
	case 1:
		return weft_lock_acquire_until(&refused->lock, 0, &refused->cancel);
	case 2:
		return weft_sem_acquire_until(&refused->sem, -1, &refused->cancel);
	default:
		return weft_sleep_until(0, &refused->cancel);
	}
}

static void refuse(void *state, unsigned number)
{
	struct refused *const refused = state;

	if (number == 0) {
		refused->payload = 1;
		weft_event_set(&refused->cancel);
		return;
	}
	for (int i = 0; i < 3; i++)
		if (try_with_token(refused) == -ECANCELED) {
			weft_explore_check(refused->payload == 1);
			weft_explore_reached("refused by the token");
		}
}

/* ---- clear: as what it takes back ---- */

struct counted {
	struct weft_event event;
	_Atomic unsigned items;
	unsigned done;
};

static void *begin_counted(void)
{
	return weft_explore_alloc(sizeof(struct counted), "event");
}

/* The consumer clears, looks, and waits: a set that the clear took back is one that the look sees. */
static void count_items(void *state, unsigned number)
{
	struct counted *const counted = state;

	if (number == 0) {
		for (int i = 0; i < 2; i++) {
			atomic_fetch_add_explicit(&counted->items, 1, memory_order_relaxed);
			weft_event_set(&counted->event);
		}
		return;
	}
	while (atomic_load_explicit(&counted->items, memory_order_relaxed) < 2) {
		weft_event_clear(&counted->event);
		if (atomic_load_explicit(&counted->items, memory_order_relaxed) < 2)
			weft_explore_check(weft_event_wait(&counted->event) == 0);
	}
}

/* Who has set it and finds it clear sees what was done before the clear. */
static void answer(void *state, unsigned number)
{
	struct counted *const counted = state;

	if (number == 0) {
		weft_event_set(&counted->event);
		while (weft_event_is_set(&counted->event))
			weft_explore_yield();
		weft_explore_check(counted->done == 1);
	} else {
		weft_explore_check(weft_event_wait(&counted->event) == 0);
		counted->done = 1;
		weft_event_clear(&counted->event);
	}
}

/* Sets and clears in a row let a waiter go that has not looked meanwhile. */
static void several_sets(void *state, unsigned number)
{
	struct counted *const counted = state;

	if (number != 0) {
		weft_explore_check(weft_event_wait(&counted->event) == 0);
		return;
	}
	while (!weft_explore_sleeps(1))
		weft_explore_yield();
	for (int i = 0; i < 2; i++) {
		weft_event_set(&counted->event);
		weft_event_clear(&counted->event);
	}
}

/* ---- an rlock whose owner has ended is nobody's, whatever numbers the next threads get ---- */

static void *begin_left(void)
{
	return weft_explore_alloc(sizeof(struct weft_rlock), "rlock");
}

static void take_and_end(void *rlock)
{
	weft_explore_check(weft_rlock_acquire(rlock) == 0);
}

static void look_at_left(void *rlock)
{
	weft_explore_check(!weft_rlock_owned(rlock) && weft_rlock_depth(rlock) == 0);
	weft_explore_check(weft_rlock_try_acquire(rlock) == -EAGAIN);
	weft_explore_check(weft_rlock_release(rlock) == -EPERM);
	weft_explore_check(weft_rlock_locked(rlock));
}

static void leave_it(void *state, unsigned number)
{
	(void)number;
	weft_explore_join((unsigned)weft_explore_start(take_and_end, state));
	weft_explore_join((unsigned)weft_explore_start(look_at_left, state));
	look_at_left(state);
}

/* ---- a misuse hook is called with its own argument, and sees what was done before it was set ---- */

struct told {
	char hook;
	unsigned payload;
};

struct hooks {
	struct weft_lock free;
	struct told first[2], second[2];
};

static void hook_first(const void *object, const char *call, int error, void *arg)
{
	const struct told *const told = arg;

	(void)object, (void)call;
	weft_explore_check(error == -EPERM && told->hook == 'f' && told->payload == 1);
}

static void hook_second(const void *object, const char *call, int error, void *arg)
{
	const struct told *const told = arg;

	(void)object, (void)call;
	weft_explore_check(error == -EPERM && told->hook == 's' && told->payload == 1);
}

static void *begin_hooks(void)
{
	return weft_explore_alloc(sizeof(struct hooks), "hooks");
}

static void set_hook(struct told *told, char which)
{
	told->hook = which;
	told->payload = 1;
	weft_set_misuse_hook(which == 'f' ? hook_first : hook_second, told);
}

static void tell(void *state, unsigned number)
{
	struct hooks *const hooks = state;

	if (number == 0) {
		/* Two and two: each place in the library that holds a hook gets one of each. */
		for (int i = 0; i < 2; i++)
			set_hook(&hooks->first[i], 'f');
		for (int i = 0; i < 2; i++)
			set_hook(&hooks->second[i], 's');
		return;
	}
	for (int i = 0; i < 2; i++)
		weft_explore_check(weft_lock_release(&hooks->free) == -EPERM);
}

static void end_hooks(void *state)
{
	(void)state;
	weft_set_misuse_hook(NULL, NULL);
}

const struct weft_explore_scenario explore_edges[] = {
	{ .name = "event-cancel-refused-2", .threads = 2, .steps = 20, .begin = begin_refused, .thread = refuse },
	{ .name = "event-count-2", .threads = 2, .steps = 20, .begin = begin_counted, .thread = count_items },
	{ .name = "event-answer-2", .threads = 2, .steps = 20, .begin = begin_counted, .thread = answer },
	{ .name = "event-several-2", .threads = 2, .steps = 25, .begin = begin_counted, .thread = several_sets },
	{ .name = "rlock-left-1", .threads = 1, .steps = 20, .begin = begin_left, .thread = leave_it },
	{ .name = "misuse-hook-2",
	  .threads = 2,
	  .steps = 50,
	  .begin = begin_hooks,
	  .thread = tell,
	  .end = end_hooks },
	{ .name = "misuse-hook-3",
	  .threads = 3,
	  .steps = 70,
	  .begin = begin_hooks,
	  .thread = tell,
	  .end = end_hooks },
	{ 0 },
};
