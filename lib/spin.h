/* SPDX-License-Identifier: MIT */
/*
 * spin.h - the one spin policy: who may wait awake, how, how long, on what grounds. Layer 2; owns all spin
 * constants.
 *
 * Waiting awake pays only while the thread that one waits for can run, so it asks for grounds: the CPU on which
 * the other side was last seen, which objects note on their slow paths.
 *	Not known: sleep at once.
 *	Another CPU: look again and again, with pauses, for a little less than a sleep and a wake-up across CPUs
 *	cost; a spin that fails then costs at most as much again (the ski-rental argument). Every few looks let
 *	others have the CPU, if there are any: with more threads than CPUs one of them may be the one that all
 *	wait for. The caller's own CPU: the other side needs this CPU, so let it have it. A bounded number of
 *	yields; if all is well the first one does it, and neither side goes through a sleep and a wake-up. Never
 *	a busy wait: on one CPU that is ruin.
 *
 * An event has no room for a CPU, so a thread that waits for one goes by its own luck: while such spins end
 * well it goes on, else it tries one in WEFT_SPIN_RETRY.
 *
 * All constants may be set from the command line; 0 turns a spin off.
 */
#ifndef WEFT_LIB_SPIN_H
#define WEFT_LIB_SPIN_H

#include <weft_sys.h>

#include "self.h"
#include "time.h"

/* For a hand-off (semaphore, condition, barrier): ns. */
#ifndef WEFT_SPIN_HANDOFF_NS
#define WEFT_SPIN_HANDOFF_NS 30000
#endif
/* How many pauses between two yields, and looks at the clock. */
#ifndef WEFT_SPIN_PAUSES
#define WEFT_SPIN_PAUSES 32
#endif
/* Without grounds: one in so many waits, until one ends well. */
#ifndef WEFT_SPIN_RETRY
#define WEFT_SPIN_RETRY 16
#endif
/* For a hand-off on one CPU: yields. */
#ifndef WEFT_SPIN_YIELDS
#define WEFT_SPIN_YIELDS 2
#endif
/* For a lock: turns, each a look at the word and a pause. */
#ifndef WEFT_SPIN_LOCK_TURNS
#define WEFT_SPIN_LOCK_TURNS 250
#endif
/* After how many of them the next release is claimed. */
#ifndef WEFT_SPIN_LOCK_RESERVE
#define WEFT_SPIN_LOCK_RESERVE 50
#endif

/* Where the other side runs, as kept in an object: the CPU's number + 1, 0 if nobody knows. */
static inline uint32_t weft__spin_here(void)
{
	return weft_sys_cpu() + 1;
}

struct weft__spin {
	int64_t deadline_ns; /* of pauses; 0: none */
	unsigned yields;     /* that are left */
	unsigned turns;
};

/* A spin for something that was last done on CPU @there (weft__spin_here()'s form). */
static inline struct weft__spin weft__spin_for(uint32_t there)
{
	struct weft__spin spin = { 0, 0, 0 };

	if (there == 0)
		return spin;
	if (there == weft__spin_here())
		spin.yields = WEFT_SPIN_YIELDS;
	else if (WEFT_SPIN_HANDOFF_NS > 0)
		spin.deadline_ns = weft_now() + WEFT_SPIN_HANDOFF_NS;
	return spin;
}

/* A spin for several threads, of which any may need this CPU: it yields at each turn. */
static inline struct weft__spin weft__spin_among_many(void)
{
	struct weft__spin spin = { 0, 0, 0 };

	if (WEFT_SPIN_YIELDS > 0 && WEFT_SPIN_HANDOFF_NS > 0) {
		spin.deadline_ns = weft_now() + WEFT_SPIN_HANDOFF_NS;
		spin.yields = UINT32_MAX;
	}
	return spin;
}

/*
 * A spin by luck. The count in weft__self_luck: at 0, the last one ended well; else how many waits, since the
 * last that did not, went without one.
 */
static inline struct weft__spin weft__spin_by_luck(void)
{
	struct weft__spin spin = { 0, 0, 0 };

	if (weft__self_luck != 0 && ++weft__self_luck <= WEFT_SPIN_RETRY)
		return spin;
	if (WEFT_SPIN_HANDOFF_NS > 0) {
		spin.deadline_ns = weft_now() + WEFT_SPIN_HANDOFF_NS;
		spin.yields = WEFT_SPIN_YIELDS;
	}
	return spin;
}

/* How it ended; only for a spin that took place. */
static inline void weft__spin_was_lucky(const struct weft__spin *spin, bool lucky)
{
	if (spin->deadline_ns != 0)
		weft__self_luck = lucky ? 0 : 1;
}

/* One turn. Return: false: enough, sleep. */
static inline bool weft__spin_turn(struct weft__spin *spin)
{
	if (spin->deadline_ns != 0 && spin->yields == 0 && ++spin->turns % WEFT_SPIN_PAUSES != 0) {
		weft_sys_pause();
		return true;
	}
	if (spin->deadline_ns == 0 && spin->yields == 0)
		return false;
	spin->yields -= spin->yields > 0;
	weft_sys_yield();
	return spin->deadline_ns == 0 || weft_now() < spin->deadline_ns;
}

#endif
