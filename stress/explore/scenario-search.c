/* SPDX-License-Identifier: MIT */
/*
 * scenario-search.c - programs whose schedules can be counted by hand; search.sh has the numbers.
 *
 * m steps of n threads each can be put in an order in (nm)! / m!^n ways. A thread has one more choice than it has
 * points: what comes before its first one, and after its last.
 */
#include <stdatomic.h>
#include <weft/event.h>

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

/* ---- programs by lot, to hold the search with sleep sets against the one without ---- */

enum { PROGRAMS = 48 };

struct lot {
	_Atomic unsigned words[2], number;
	struct weft_event event;
	unsigned program;
};

static void *begin_lot(void)
{
	struct lot *const lot = weft_explore_alloc(sizeof(*lot), "lot");

	lot->program = weft_explore_choose(PROGRAMS);
	atomic_store_explicit(&lot->number, lot->program, memory_order_relaxed);
	(void)atomic_load_explicit(&lot->number, memory_order_relaxed); /* what it got is in the trace */
	return lot;
}

static void tell(struct lot *lot, unsigned value)
{
	_Atomic unsigned own = value;

	(void)lot;
	__asm__ volatile(""
			 :
			 : "r"(&own)
			 : "memory"); /* or clang takes it for nobody else's, and does not announce it */
	/* The same; clang makes a store of an exchange whose result nobody uses. */
	weft_explore_check(atomic_exchange_explicit(&own, 0, memory_order_relaxed) == value);
}

static void do_one(struct lot *lot, unsigned h)
{
	_Atomic unsigned *const word = &lot->words[h & 1];
	unsigned expected = h >> 1 & 1;

	switch (h >> 2 & 15) {
	case 0:
		(void)atomic_load_explicit(word, memory_order_acquire);
		break;
	case 1:
		(void)atomic_load_explicit(word, memory_order_seq_cst);
		break;
	case 2:
	case 3:
		atomic_store_explicit(word, 1, memory_order_release);
		break;
	case 4:
		atomic_store_explicit(word, 2, memory_order_seq_cst);
		break;
	case 5:
		(void)atomic_fetch_add_explicit(word, 1, memory_order_acq_rel);
		break;
	case 6:
		(void)atomic_compare_exchange_strong_explicit(word, &expected, 3, memory_order_acq_rel,
							      memory_order_relaxed);
		break;
	case 7:
		tell(lot, weft_explore_count(0, 1));
		break;
	case 8:
		tell(lot, weft_explore_count_ordered(1, 1));
		break;
	case 9:
		tell(lot, (unsigned)weft_event_wait_for(&lot->event, 3000));
		break;
	case 10:
		weft_event_set(&lot->event);
		break;
	case 11:
		weft_explore_yield();
		break;
	case 12:
		weft_explore_pass_time(2000);
		break;
	case 13:
		tell(lot, weft_explore_sleeps(h >> 1 & 1));
		break;
	case 14:
		weft_explore_free(weft_explore_alloc(8, "short"));
		break;
	default:
		tell(lot, weft_explore_choose(2));
	}
}

static void by_lot(struct lot *lot, unsigned number, unsigned n)
{
	uint64_t h = (lot->program * 8 + number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (unsigned i = 0; i < n; i++, h = (h ^ h >> 31) * UINT64_C(0xbf58476d1ce4e5b9))
		do_one(lot, (unsigned)(h >> 40));
}

static void by_lot_2(void *state, unsigned number)
{
	by_lot(state, number, 2);
}

static void by_lot_3(void *state, unsigned number)
{
	by_lot(state, number, 3);
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
	{ .name = "search-by-lot-2x3", .threads = 2, .steps = 20, .begin = begin_lot, .thread = by_lot_3 },
	{ .name = "search-by-lot-3x2", .threads = 3, .steps = 20, .begin = begin_lot, .thread = by_lot_2 },
	{ 0 },
};
