/* SPDX-License-Identifier: MIT */
/*
 * scenario-wakes.c - not many more threads are woken than can go on. To wake all would be correct, and slow; one too
 * many is no fault, as each wait must bear an end for no reason.
 *
 * One thread acts while the others sleep, and counts who still does, with no step in between; another that was woken
 * may have acted too, and counts for one more.
 */
#include <weft/cond.h>
#include <weft/lock.h>
#include <weft/sem.h>

#include "scenarios.h"

enum { ACTED }; /* a counter */
enum { TOO_MANY = 1 };

struct all {
	struct weft_lock lock;
	struct weft_sem sem;
	struct weft_cond cond;
	unsigned waiting; /* protected by lock */
};

static void *begin(void)
{
	struct all *const all = weft_explore_alloc(sizeof(*all), "all");

	weft_cond_init_lock(&all->cond, &all->lock);
	return all;
}

static unsigned asleep(void)
{
	unsigned n = 0;

	for (unsigned i = 1; i < weft_explore_threads(); i++)
		n += weft_explore_sleeps(i);
	return n;
}

static void check_asleep(unsigned before)
{
	weft_explore_check(asleep() + weft_explore_count(ACTED, 0) + TOO_MANY >= before);
}

static void release(struct all *all)
{
	weft_explore_count(ACTED, 1);
	weft_explore_check(weft_lock_release(&all->lock) == 0);
}

static void *begin_locked(void)
{
	struct all *const all = begin();

	weft_explore_check(weft_lock_acquire(&all->lock) == 0);
	return all;
}

static void lock(void *state, unsigned number)
{
	struct all *const all = state;
	unsigned before;

	if (number > 0) {
		weft_explore_check(weft_lock_acquire(&all->lock) == 0);
		release(all);
		return;
	}
	while (asleep() + 1 < weft_explore_threads() && weft_explore_choose(8) != 0)
		weft_explore_yield();
	before = asleep();
	release(all);
	check_asleep(before);
}

static void sem(void *state, unsigned number)
{
	struct all *const all = state;
	unsigned before;

	if (number > 0) {
		weft_explore_check(weft_sem_acquire(&all->sem) == 0);
		return;
	}
	for (unsigned i = 1; i < weft_explore_threads(); i++) {
		for (unsigned turns = weft_explore_choose(4); turns > 0; turns--)
			weft_explore_yield();
		weft_explore_count(ACTED, 1);
		before = asleep() + weft_explore_count(ACTED, 0) - 1;
		weft_explore_check(weft_sem_release(&all->sem) == 0);
		check_asleep(before);
	}
}

const struct weft_explore_scenario explore_wakes[] = {
	{ .name = "wakes-lock-4", .threads = 4, .steps = 60, .begin = begin_locked, .thread = lock },
	{ .name = "wakes-sem-4", .threads = 4, .steps = 60, .begin = begin, .thread = sem },
	{ 0 },
};
