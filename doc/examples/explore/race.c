/* SPDX-License-Identifier: MIT */
/*
 * race.c - hits are counted under a lock and read without: a data race.
 */
#include <weft.h>
#include <weft/explore.h>

static struct weft_lock lock;
static unsigned hits;

static void *begin(void)
{
	return NULL; /* static data is put back before each schedule */
}

static void thread(void *state, unsigned number)
{
	(void)state;
	if (number == 0) {
		weft_guard(&lock);
		hits++;
	} else {
		weft_explore_check(hits <= 1);
	}
}

int main(int argc, char **argv)
{
	static const struct weft_explore_scenario scenarios[] = {
		{ .name = "hits", .threads = 2, .begin = begin, .thread = thread },
		{ .name = NULL },
	};
	static const struct weft_explore_scenario *const tables[] = { scenarios, NULL };

	return weft_explore_main(argc, argv, tables);
}
