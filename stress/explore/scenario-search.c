/* SPDX-License-Identifier: MIT */
/*
 * scenario-search.c - programs whose schedules can be counted by hand; search.sh has the numbers.
 *
 * m steps of n threads each can be put in an order in (nm)! / m!^n ways. A thread has one more choice than it has
 * points: what comes before its first one, and after its last.
 */
#include <stdatomic.h>

#include "scenarios.h"

struct words {
	_Atomic unsigned words[4], shared;
	unsigned plain;
};

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct words), "words");
}

/* Each its own word. */
static void alone_1(void *state, unsigned number)
{
	struct words *const words = state;

	atomic_store_explicit(&words->words[number], 1, memory_order_relaxed);
}

static void alone_2(void *state, unsigned number)
{
	alone_1(state, number);
	alone_1(state, number);
}

static void alone_3(void *state, unsigned number)
{
	alone_2(state, number);
	alone_1(state, number);
}

/* All the same word. */
static void together_1(void *state, unsigned number)
{
	struct words *const words = state;

	(void)number;
	atomic_fetch_add_explicit(&words->shared, 1, memory_order_relaxed);
}

static void together_2(void *state, unsigned number)
{
	together_1(state, number);
	together_1(state, number);
}

static void together_3(void *state, unsigned number)
{
	together_2(state, number);
	together_1(state, number);
}

/* All look at the same word. */
static void looks_3(void *state, unsigned number)
{
	struct words *const words = state;

	(void)number;
	for (int i = 0; i < 3; i++)
		(void)atomic_load_explicit(&words->shared, memory_order_relaxed);
}

/* One step of each is at the same word, between two of its own. */
static void once_together_3(void *state, unsigned number)
{
	alone_1(state, number);
	together_1(state, number);
	alone_1(state, number);
}

/* Thread 0 has two ways, of one and of two steps. */
static void two_ways(void *state, unsigned number)
{
	together_1(state, number);
	if (number == 0 && weft_explore_choose(2) == 1)
		together_1(state, number);
}

#define PROGRAM(title, n, fn)                                                                                        \
	{                                                                                                            \
		.name = "search-" title, .threads = n, .steps = 12, .begin = begin, .thread = fn                     \
	}

const struct weft_explore_scenario explore_search[] = {
	PROGRAM("alone-2x1", 2, alone_1),
	PROGRAM("alone-2x2", 2, alone_2),
	PROGRAM("alone-2x3", 2, alone_3),
	PROGRAM("alone-3x1", 3, alone_1),
	PROGRAM("alone-3x2", 3, alone_2),
	PROGRAM("together-2x1", 2, together_1),
	PROGRAM("together-2x2", 2, together_2),
	PROGRAM("together-2x3", 2, together_3),
	PROGRAM("together-3x1", 3, together_1),
	PROGRAM("together-3x2", 3, together_2),
	PROGRAM("together-4x1", 4, together_1),
	PROGRAM("looks-2x3", 2, looks_3),
	PROGRAM("once-together-2x3", 2, once_together_3),
	PROGRAM("once-together-3x3", 3, once_together_3),
	PROGRAM("two-ways-2", 2, two_ways),
	{ 0 },
};
