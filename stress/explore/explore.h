/* SPDX-License-Identifier: MIT */
/*
 * explore.h - what a scenario sees of the explorer.
 *
 * A scenario is a small program of a few threads. The explorer runs it over and over, each time with another
 * interleaving, other results of waits that may end in several ways, and other values where the memory model allows a
 * stale one. All of that is a function of the scenario, the strategy and the seed.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct explore_scenario {
	const char *name;
	unsigned threads;     /* at most EXPLORE_THREADS_MAX */
	unsigned steps;	      /* a usual number of steps, for PCT */
	void *(*begin)(void); /* before the threads; what it returns is given to all below */
	void (*thread)(void *state, unsigned number);
	void (*end)(void *state); /* after all threads; may be NULL */
	unsigned flags;		  /* EXPLORE_... */
};

enum {
	EXPLORE_THREADS_MAX = 7,
	EXPLORE_MAY_STALL = 1, /* a deadlock is no failure: the scenario leaves threads asleep on purpose */
};

/* Zeroed memory that is watched: any touch after explore_free() is a failure. Gone by itself after the schedule. */
void *explore_alloc(size_t size, const char *name);
void explore_free(void *memory);

/* A seeded choice below @n. */
unsigned explore_choose(unsigned n);

/* A point at which any other thread may run. */
void explore_step(void);

/* The same; the caller waits for the others, and does not go on while they can. */
void explore_yield(void);

/* Virtual time: let it pass. */
void explore_pass_time(int64_t ns);

/* A counter outside the program's memory: no step, no order, no race. Adds @n, returns what it was; 0 at first. */
unsigned explore_count(unsigned counter, unsigned n);
/* The same, as a read-modify-write that is acquire and release would order it. */
unsigned explore_count_ordered(unsigned counter, unsigned n);

/* Whether loads may be stale, so that what another thread did last need not be seen. */
bool explore_weak(void);

/* Whether a thread sleeps in the kernel (in which case what it is about to do is settled). */
bool explore_sleeps(unsigned thread);

unsigned explore_threads(void);

/* A must-be-reached mark: counted over all schedules. @name is a constant. */
void explore_reached(const char *name);

_Noreturn void explore_fail(const char *kind, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

#define explore_check(condition)                                                                                     \
	((condition) ? (void)0 : explore_fail("check", "%s:%d: %s", __FILE__, __LINE__, #condition))

/* The tables of scenarios, each ended by one without name. */
extern const struct explore_scenario explore_lock[], explore_rlock[], explore_sem[], explore_event[], explore_cond[],
	explore_barrier[];

#endif
