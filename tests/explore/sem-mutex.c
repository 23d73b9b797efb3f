/* SPDX-License-Identifier: MIT */
/*
 * sem-mutex.c - a semaphore as a lock, that is released also by who has not got it.
 * expect: sem-mutex-broken race
 */
#include <weft.h>
#include <weft/explore.h>

struct shared {
	struct weft_sem lock;
	int value;
};

static void *begin(void)
{
	struct shared *const shared = weft_explore_alloc(sizeof(*shared), "shared");

	weft_sem_init(&shared->lock, 1);
	return shared;
}

static void broken(void *state, unsigned number)
{
	struct shared *const shared = state;

	(void)number;
	if (weft_sem_acquire_for(&shared->lock, WEFT_MSEC(10)) == 0)
		shared->value++;
	weft_sem_release(&shared->lock);
}

static void fixed(void *state, unsigned number)
{
	struct shared *const shared = state;

	(void)number;
	if (weft_sem_acquire_for(&shared->lock, WEFT_MSEC(10)) == 0) {
		shared->value++;
		weft_sem_release(&shared->lock);
	}
}

static void end(void *state)
{
	weft_explore_check(weft_sem_value(&((struct shared *)state)->lock) == 1);
}

const struct weft_explore_scenario scenarios[] = {
	{ .name = "sem-mutex-broken", .threads = 4, .begin = begin, .thread = broken },
	{ .name = "sem-mutex-fixed", .threads = 4, .begin = begin, .thread = fixed, .end = end },
	{ .name = NULL },
};
