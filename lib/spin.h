/* SPDX-License-Identifier: MIT */
/*
 * spin.h - the one spin policy: who may spin, how long, on what grounds. Layer 2; owns all spin constants.
 *
 * Spinning pays only while the thread that one waits for can be running, so it asks for grounds: the CPU on which the other side was
 * last seen. Not known, or the caller's own: no spin, sleep. On one CPU nobody ever spins in vain, then.
 * The bound is a little less than what a sleep and a wake-up across CPUs cost, so a spin that fails costs at
 * most as much again (the ski-rental argument).
 *
 * All constants may be set from the command line; 0 turns a spin off.
 */
#ifndef WEFT_LIB_SPIN_H
#define WEFT_LIB_SPIN_H

#include <weft_sys.h>

#include "time.h"

/* For a hand-off (semaphore, condition, barrier): ns. */
#ifndef WEFT_SPIN_HANDOFF_NS
#define WEFT_SPIN_HANDOFF_NS 30000
#endif
/* For a lock: turns, each a look at the word and WEFT_SPIN_LOCK_PAUSES pauses. */
#ifndef WEFT_SPIN_LOCK_TURNS
#define WEFT_SPIN_LOCK_TURNS 100
#endif

/* Where the other side runs, as kept in an object: the CPU's number + 1, 0 if nobody knows. */
static inline uint32_t weft__spin_here(void)
{
	return weft_sys_cpu() + 1;
}

struct weft__spin {
	int64_t deadline_ns;	/* 0: do not */
	bool yield;		/* let others have this CPU at each turn: who is waited for may need it */
	unsigned turns;
};

/* A spin for something that was last done on CPU @there (weft__spin_here()'s form). */
static inline struct weft__spin weft__spin_for(uint32_t there)
{
	struct weft__spin spin = { 0, false, 0 };

	if (WEFT_SPIN_HANDOFF_NS > 0 && there != 0 && there != weft__spin_here())
		spin.deadline_ns = weft_now() + WEFT_SPIN_HANDOFF_NS;
	return spin;
}

/* A spin for several threads, of which any may need this CPU. */
static inline struct weft__spin weft__spin_among_many(int64_t deadline_ns)
{
	struct weft__spin spin = { 0, true, 0 };

	if (WEFT_SPIN_HANDOFF_NS > 0 && deadline_ns > 0)
		spin.deadline_ns = weft_now() + WEFT_SPIN_HANDOFF_NS;
	return spin;
}

/* One turn. Return: false: enough, sleep. While pausing, the clock is read on every 16th turn only. */
static inline bool weft__spin_turn(struct weft__spin *spin)
{
	if (spin->deadline_ns == 0)
		return false;
	if (spin->yield)
		weft_sys_yield();
	else
		weft_sys_pause();
	return (!spin->yield && ++spin->turns % 16 != 0) || weft_now() < spin->deadline_ns;
}

#endif
