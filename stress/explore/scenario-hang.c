/* SPDX-License-Identifier: MIT */
/*
 * scenario-hang.c - a test of the explorer: a thread that loops without a step.
 */
#include "scenarios.h"

static void *begin(void)
{
	return weft_explore_alloc(sizeof(unsigned), "number");
}

static void thread(void *state, unsigned number)
{
	unsigned *const at = state;
	unsigned odd = 1;

	weft_explore_step();
	while (number == 1 && odd % 2 == 1)
		__asm__ volatile("" : "+r"(odd)); /* the compiler need not know that it stays */
	*at = odd;
	weft_explore_step();
}

const struct weft_explore_scenario explore_hang[] = {
	{ .name = "known-hang", .threads = 2, .steps = 10, .begin = begin, .thread = thread },
	{ 0 },
};
