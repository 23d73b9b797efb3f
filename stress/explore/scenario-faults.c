/* SPDX-License-Identifier: MIT */
/*
 * scenario-faults.c - a test of the explorer: each kind of fault, and each kind of crash, in a program that fails if
 * it comes, and only then. known.sh sees that all of them come, faults.sh that none comes uncalled.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <weft/base.h>
#include <weft_sys.h>

#include "scenarios.h"

struct words {
	weft_atomic32_t word;
	_Atomic unsigned done;
};

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct words), "words");
}

static void step(void *state, unsigned number)
{
	(void)state, (void)number;
	weft_explore_step();
	weft_explore_step();
}

/* ---- waits that nobody wakes ---- */

static void fails_if(int result, int is, const char *kind)
{
	if (result == is)
		weft_explore_fail(kind, "a wait returned %d", result);
}

static void spurious(void *state, unsigned number)
{
	struct words *const words = state;

	(void)number;
	fails_if(weft_sys_futex_wait(&words->word, 0, NULL, false), 0, "spurious");
}

static void eintr(void *state, unsigned number)
{
	struct words *const words = state;

	(void)number;
	fails_if(weft_sys_futex_wait(&words->word, 0, NULL, false), -EINTR, "eintr");
}

static void eagain(void *state, unsigned number)
{
	struct words *const words = state;

	(void)number;
	fails_if(weft_sys_futex_wait(&words->word, 0, NULL, false), -EAGAIN, "eagain");
}

/* Time runs out although another thread could run. */
static void timeout(void *state, unsigned number)
{
	static const struct timespec deadline = { 1000, 0 };
	struct words *const words = state;

	if (number == 0) {
		if (weft_sys_futex_wait(&words->word, 0, &deadline, false) == -ETIMEDOUT &&
		    weft_explore_count(0, 0) == 0)
			weft_explore_fail("timeout", "early");
		return;
	}
	weft_explore_step();
	weft_explore_count(0, 1);
}

/* A wake takes the second of two sleepers. */
static void order(void *state, unsigned number)
{
	struct words *const words = state;

	if (number == 1)
		while (!weft_explore_sleeps(0) && weft_explore_count(0, 0) == 0)
			weft_explore_yield();
	if (number < 2) {
		weft_sys_futex_wait(&words->word, 0, NULL, false);
		weft_explore_count(0, 1);
		return;
	}
	while (!weft_explore_sleeps(1))
		if (weft_explore_count(0, 0) > 0)
			return;
		else
			weft_explore_yield();
	if (weft_sys_futex_wake(&words->word, 1, false) == 1 && !weft_explore_sleeps(1) && weft_explore_sleeps(0))
		weft_explore_fail("order", "the younger one was woken");
}

/* ---- what a call may refuse ---- */

#ifndef __clang__ /* which does not tell a weak one from a strong one */

static void cas(void *state, unsigned number)
{
	struct words *const words = state;
	unsigned expected = 0;

	(void)number;
	if (!atomic_compare_exchange_weak_explicit(&words->done, &expected, 1, memory_order_relaxed,
						   memory_order_relaxed))
		weft_explore_fail("cas", "failed with %u", expected);
}

#endif

static void nothing(void *arg)
{
	(void)arg;
}

static void started(void *state, unsigned number)
{
	const int other = weft_explore_start(nothing, state);

	(void)number;
	if (other == -EAGAIN)
		weft_explore_fail("start", "refused");
	weft_explore_join((unsigned)other);
}

static void moved(void *state, unsigned number)
{
	const unsigned cpu = weft_sys_cpu();

	(void)state, (void)number;
	if (weft_sys_cpu() != cpu)
		weft_explore_fail("move", "from processor %u", cpu);
}

/* ---- what befalls a thread ---- */

static void end_of_life(void *state)
{
	(void)state;
	if (weft_explore_died(0) || weft_explore_died(1))
		weft_explore_fail("death", "of a thread");
}

static void handler(void *state, unsigned number)
{
	struct words *const words = state;

	weft_explore_check(weft_explore_self() == (int)number);
	atomic_store_explicit(&words->done, 1, memory_order_relaxed);
}

static void end_of_signal(void *state)
{
	struct words *const words = state;

	if (atomic_load_explicit(&words->done, memory_order_relaxed))
		weft_explore_fail("signal", "was handled");
}

/* The kernel never makes a timed wait again. */
static void interrupted(void *state, unsigned number)
{
	static const struct timespec deadline = { 1000, 0 };
	struct words *const words = state;

	(void)number;
	if (weft_sys_futex_wait(&words->word, 0, &deadline, false) == -EINTR &&
	    atomic_load_explicit(&words->done, memory_order_relaxed))
		weft_explore_fail("signal", "interrupted a wait");
}

/* ---- crashes ---- */

static void *begin_null(void)
{
	return NULL;
}

static void null(void *state, unsigned number)
{
	struct words *const words = state;

	(void)number;
	atomic_store_explicit(&words->done, 1, memory_order_relaxed);
}

static unsigned deeper(volatile char *above, unsigned levels)
{
	volatile char frame[1000];

	frame[0] = *above;
	return levels == 0 ? 0 : deeper(frame, levels - 1) + (unsigned)frame[0];
}

static void overflow(void *state, unsigned number)
{
	volatile char frame = 0;

	(void)state, (void)number;
	deeper(&frame, 1000);
}

static void asserted(void *state, unsigned number)
{
	(void)number;
	assert(state == NULL);
}

static void aborted(void *state, unsigned number)
{
	(void)state, (void)number;
	abort();
}

#define FAULT(text, n, function, ...)                                                                                \
	{                                                                                                            \
		.name = "known-fault-" text, .threads = n, .steps = 10, .begin = begin, .thread = function,          \
		__VA_ARGS__                                                                                          \
	}
#define CRASH(text, first, function)                                                                                 \
	{                                                                                                            \
		.name = "known-crash-" text, .threads = 2, .steps = 10, .begin = first, .thread = function           \
	}

const struct weft_explore_scenario explore_faults[] = {
	FAULT("spurious", 1, spurious, .flags = WEFT_EXPLORE_MAY_STALL),
	FAULT("eintr", 1, eintr, .flags = WEFT_EXPLORE_MAY_STALL),
	FAULT("eagain", 1, eagain, .flags = WEFT_EXPLORE_MAY_STALL),
	FAULT("timeout", 2, timeout, .end = NULL),
	FAULT("order", 3, order, .flags = WEFT_EXPLORE_MAY_STALL),
#ifndef __clang__
	FAULT("cas", 1, cas, .end = NULL),
#endif
	FAULT("start", 1, started, .flags = WEFT_EXPLORE_START_FAILS),
	FAULT("move", 1, moved, .end = NULL),
	FAULT("death", 2, step, .flags = WEFT_EXPLORE_MAY_DIE, .end = end_of_life),
	FAULT("signal", 2, step, .handler = handler, .end = end_of_signal),
	FAULT("signal-wait", 1, interrupted, .handler = handler),
	CRASH("null", begin_null, null),
	CRASH("stack", begin, overflow),
	CRASH("assert", begin, asserted),
	CRASH("abort", begin, aborted),
	{ 0 },
};
