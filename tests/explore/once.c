/* SPDX-License-Identifier: MIT */
/*
 * once.c - a table that the first who needs it makes, looked at without the lock first.
 * expect: once-broken race
 */
#include <stdatomic.h>
#include <weft.h>
#include <weft/explore.h>

struct table {
	int entries[4];
};

static struct weft_lock lock;
static struct table *_Atomic made;

static struct table *table(memory_order look)
{
	struct table *found = atomic_load_explicit(&made, look);

	if (found != NULL)
		return found;
	weft_guard(&lock);
	found = atomic_load_explicit(&made, memory_order_relaxed);
	if (found == NULL) {
		found = weft_explore_alloc(sizeof(*found), "table");
		for (int i = 0; i < 4; i++)
			found->entries[i] = i;
		atomic_store_explicit(&made, found, memory_order_release);
	}
	return found;
}

static void *begin(void)
{
	return NULL;
}

static void broken(void *state, unsigned number)
{
	(void)state, (void)number;
	weft_explore_check(table(memory_order_relaxed)->entries[3] == 3);
}

static void fixed(void *state, unsigned number)
{
	(void)state, (void)number;
	weft_explore_check(table(memory_order_acquire)->entries[3] == 3);
}

const struct weft_explore_scenario scenarios[] = {
	{ .name = "once-broken", .threads = 2, .begin = begin, .thread = broken },
	{ .name = "once-fixed", .threads = 3, .begin = begin, .thread = fixed },
	{ .name = NULL },
};
