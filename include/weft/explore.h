/* SPDX-License-Identifier: MIT */
/**
 * weft/explore.h - run a small multi-threaded test under every schedule that matters, and replay the one that fails.
 *
 * A scenario is a small program of two to seven threads: one function that sets it up, one that each thread runs, and
 * one that checks the end. The explorer runs it over and over, each time with another interleaving, other results of
 * waits that may end in several ways, and other values where the C11 memory model allows a stale one. All of that is
 * a function of scenario, strategy and seed, so that whatever fails can be run again, step by step.
 *
 * Compile the code under test and the scenarios with -fsanitize=thread, and link with -lweft-explore in place of
 * -lweft: pkg-config --cflags --libs weft-explore. Nothing here is part of libweft. doc/explore.md has a session from
 * start to end.
 *
 * Unless a comment says otherwise, functions are called by a scenario's threads, from begin, thread, end or handler.
 */
#ifndef WEFT_EXPLORE_H
#define WEFT_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	WEFT_EXPLORE_THREADS_MAX = 7, /* in one schedule, with those that weft_explore_start() adds */

	/* Flags of a scenario. */
	WEFT_EXPLORE_MAY_STALL = 1,   /* threads may be left asleep: no deadlock */
	WEFT_EXPLORE_MAY_DIE = 2,     /* a thread may stop for ever at any step, as if its process had been killed */
	WEFT_EXPLORE_ALLOC_FAILS = 4, /* allocation may fail */
	WEFT_EXPLORE_START_FAILS = 8, /* starting a thread may fail */
	WEFT_EXPLORE_NO_LEAKS = 16,   /* memory that is not freed after end is a failure */
};

/**
 * struct weft_explore_scenario - a small program.
 * @name: for the command line; letters, digits and hyphens.
 * @threads: how many threads run @thread at once, at most WEFT_EXPLORE_THREADS_MAX.
 * @steps: about how many steps a schedule takes; the PCT strategy spreads its switches over so many. 0: found by the
 *         first schedules of a run.
 * @begin: sets up, before the threads; what it returns is @state below.
 * @thread: run by each thread, @number 0 to @threads - 1.
 * @end: after all threads have returned or died; not called where threads are left asleep. May be NULL.
 * @flags: WEFT_EXPLORE_...
 * @handler: run as a signal handler in a thread, at any step of its; a wait that it interrupts returns. May be NULL.
 * @marks: names of weft_explore_reached(), ended by NULL; a run that does not meet them all says so. May be NULL.
 */
struct weft_explore_scenario {
	const char *name;
	unsigned threads;
	unsigned steps;
	void *(*begin)(void);
	void (*thread)(void *state, unsigned number);
	void (*end)(void *state);
	unsigned flags;
	void (*handler)(void *state, unsigned number);
	const char *const *marks;
};

/**
 * weft_explore_main() - the whole command, weft-explore(1), for these scenarios. For main(), once.
 * @tables: arrays of scenarios, each ended by one without name; the list is ended by NULL.
 *
 * Return: for exit: 0 nothing failed, 1 a scenario failed, 2 wrong arguments.
 */
int weft_explore_main(int argc, char **argv, const struct weft_explore_scenario *const tables[]);

/* ---- memory ---- */

/**
 * weft_explore_alloc() - zeroed memory that is watched: any touch after weft_explore_free() is a failure.
 * @name: for traces; a constant.
 *
 * Freed by itself after the schedule; never fails. malloc(), calloc(), realloc() and free() are watched in the same way.
 */
void *weft_explore_alloc(size_t size, const char *name);
void weft_explore_free(void *memory);

/* ---- choices and steps ---- */

/** weft_explore_choose() - a choice below @n, made by the strategy. */
unsigned weft_explore_choose(unsigned n);

/** weft_explore_step() - a point at which any other thread may run. */
void weft_explore_step(void);

/** weft_explore_yield() - the same in a loop that waits for others: the caller does not go on while they can. */
void weft_explore_yield(void);

/** weft_explore_pass_time() - let virtual time pass. */
void weft_explore_pass_time(int64_t ns);

/* ---- threads beyond the scenario's own ---- */

/**
 * weft_explore_start() - one more thread.
 *
 * Return: its number, from the scenario's threads upwards; -EAGAIN: WEFT_EXPLORE_THREADS_MAX are there, or failed on
 * purpose (WEFT_EXPLORE_START_FAILS).
 */
int weft_explore_start(void (*fn)(void *arg), void *arg);

/** weft_explore_join() - wait until the thread with that number has returned. At most one joins it. */
void weft_explore_join(unsigned number);

/** weft_explore_self() - the calling thread's number; -1 in begin and end. */
int weft_explore_self(void);

/** weft_explore_threads() - how many threads there are. */
unsigned weft_explore_threads(void);

/** weft_explore_sleeps() - whether a thread sleeps in the kernel, so that what it is about to do is settled. */
bool weft_explore_sleeps(unsigned number);

/** weft_explore_slept() - how often a thread has asked the kernel to let it sleep, whether or not it then slept. */
unsigned weft_explore_slept(unsigned number);

/** weft_explore_died() - whether a thread was stopped for ever (WEFT_EXPLORE_MAY_DIE). */
bool weft_explore_died(unsigned number);

/* ---- what is checked ---- */

/**
 * weft_explore_fail() - the schedule fails; does not return.
 * @kind: one word or two: schedules that fail with the same are one finding.
 */
__attribute__((__noreturn__, __format__(__printf__, 2, 3))) void weft_explore_fail(const char *kind,
										     const char *format, ...);

#define weft_explore_check(condition)                                                                                \
	((condition) ? (void)0 : weft_explore_fail("check", "%s:%d: %s", __FILE__, __LINE__, #condition))

/** weft_explore_weak() - whether loads may be stale, so that what another thread did last need not be seen. */
bool weft_explore_weak(void);

/** weft_explore_reached() - count a mark over all schedules. @name: a constant. */
void weft_explore_reached(const char *name);

/**
 * weft_explore_count() - one of 32 counters outside the program's memory: no step, no order, no race.
 *
 * Return: what it was before @n was added; 0 at first.
 */
unsigned weft_explore_count(unsigned counter, unsigned n);

/** weft_explore_count_ordered() - the same as an acquire-release read-modify-write: orders those who use it. */
unsigned weft_explore_count_ordered(unsigned counter, unsigned n);

/* ---- histories: was there an order of the calls in which each has the result that it had? ---- */

enum { WEFT_EXPLORE_CALLS_MAX = 12, WEFT_EXPLORE_MODEL_MAX = 64 };

/**
 * struct weft_explore_call - a call that a thread made: what, with what, and what came back.
 * @pending: it never returned; @result is then 0.
 */
struct weft_explore_call {
	int op;
	int64_t arg;
	int64_t result;
	unsigned thread;
	bool pending;
};

/**
 * struct weft_explore_model - the sequential object that calls are held against.
 * @size: of its state, in bytes, at most WEFT_EXPLORE_MODEL_MAX; starts as zeros. Compared byte by byte.
 * @apply: whether @call could happen now with the result that it had; changes @state if so. A function of its
 *         arguments, which calls nothing of this header.
 */
struct weft_explore_model {
	size_t size;
	bool (*apply)(void *state, const struct weft_explore_call *call);
};

/**
 * weft_explore_called() - a call begins: @op and @arg are the model's.
 * weft_explore_returned() - the calling thread's last call that began has returned @result.
 * weft_explore_linearizable() - for end: fail unless the calls can be put in an order that keeps what really was
 * before what, and in which @model allows each. Calls that never returned may have happened or not. Where loads may
 * be stale, "before" is what happens before in the memory model's sense.
 *
 * Wing and Gong's search with the memory of visited states by Lowe; at most WEFT_EXPLORE_CALLS_MAX calls.
 */
void weft_explore_called(int op, int64_t arg);
void weft_explore_returned(int64_t result);
void weft_explore_linearizable(const struct weft_explore_model *model);

#ifdef __cplusplus
}
#endif

#endif
