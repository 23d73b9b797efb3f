/* SPDX-License-Identifier: MIT */
/*
 * strategy.c - the strategies that pick by chance: who runs at each step.
 *
 * random	any that is ready; one time in EXPIRES_ONE_IN a sleeper's time is up.
 * sticky:N	the same, but the thread that runs goes on, except for one time in N.
 * pct:D	Burckhardt and others, ASPLOS 2010: each thread has a priority, by lot; the highest that is ready runs. At
 *		D - 1 steps, by lot among the k that the scenario takes, the thread that runs gets the priority which belongs
 *		to that change, below all that threads began with. With n threads a bug that needs D steps in an order is
 *		found by one schedule in n * k^(D-1) at least, as long as nobody spins. A thread that pauses or yields does
 *		not run at the next step if another can, and one time in so many gets a priority below all others, for good:
 *		by lot for each schedule in 1, 4 or 16. If it is always, those who spin for some turns before they
 *		sleep are soon below the rest in whatever order they came, and that of the lots is lost: of the library's
 *		broken twins those whose locks spin then took ten to a hundred times as many schedules. If it is never, loops
 *		that wait take very long, and bugs for which somebody must stay away for long, as glibc's 25847, are not
 *		found. A time-out has its thread's priority, or comes last, by lot at each sleep.
 * starve	random, but one thread, by lot, does not run while others can, for a while.
 */
#include <string.h>

#include "run.h"

enum { EXPIRES_ONE_IN = 8, STARVED_ONE_IN = 64, CHANGES = 16 };

static struct {
	/* PCT */
	int64_t priorities[FIBERS], lowest;
	unsigned drops_one_in;
	uint32_t eager; /* sleepers whose time-out has the thread's priority */
	unsigned changes[CHANGES], n_changes, next_change;
	uint32_t ready, expiring; /* at the last pick, */
	unsigned best;		  /* which was this; HOST: to be seen */
	/* starvation */
	unsigned victim, until;
} now;

static unsigned nth_of(uint32_t mask, unsigned n)
{
	while (n-- > 0)
		mask &= mask - 1;
	return (unsigned)__builtin_ctz(mask);
}

/* No machine's instruction for it is sure to be there; and this is twice the speed of a call. */
static unsigned count_of(uint32_t mask)
{
	static const uint64_t counts = UINT64_C(0x4332322132212110); /* of four bits each */

	return (unsigned)((counts >> (mask % 16 * 4)) % 16 + (counts >> (mask / 16 % 16 * 4)) % 16);
}

_Static_assert(FIBERS <= 8, "count_of() looks at eight");

static unsigned any_of(uint32_t mask)
{
	if ((mask & (mask - 1)) == 0)
		return (unsigned)__builtin_ctz(mask);
	return nth_of(mask, below(count_of(mask)));
}

static unsigned pick_random(uint32_t ready, uint32_t expiring)
{
	if (expiring != 0 && (ready == 0 || below(EXPIRES_ONE_IN) == 0))
		return any_of(expiring);
	if (run.plan.strategy == STRATEGY_STICKY && ready >> run.self & 1 && below(run.plan.depth) != 0)
		return run.self;
	return any_of(ready);
}

static unsigned pick_starving(uint32_t ready, uint32_t expiring)
{
	const uint32_t others = ready & ~(UINT32_C(1) << now.victim);

	if (others == 0 || run.steps > now.until || below(STARVED_ONE_IN) == 0)
		return pick_random(ready, expiring);
	return pick_random(others, expiring);
}

static void change_priorities(void)
{
	now.next_change = UINT32_MAX;
	for (unsigned i = 0; i < now.n_changes; i++)
		if (now.changes[i] == run.steps)
			now.priorities[run.self] = i;
		else if (now.changes[i] > run.steps && now.changes[i] < now.next_change)
			now.next_change = now.changes[i];
	now.best = HOST;
}

static unsigned highest(uint32_t mask)
{
	unsigned best = (unsigned)__builtin_ctz(mask);

	for (mask &= mask - 1; mask != 0; mask &= mask - 1) {
		const unsigned each = (unsigned)__builtin_ctz(mask);

		if (now.priorities[each] > now.priorities[best])
			best = each;
	}
	return best;
}

static unsigned pick_by_priority(uint32_t ready, uint32_t expiring)
{
	if (run.steps >= now.next_change)
		change_priorities();
	if (now.best == HOST || now.ready != ready || now.expiring != expiring) {
		const uint32_t first = ready | (expiring & now.eager);

		now.ready = ready;
		now.expiring = expiring;
		now.best = highest(first != 0 ? first : expiring);
	}
	return now.best;
}

unsigned strategy_pick(uint32_t ready, uint32_t expiring)
{
	switch (run.plan.strategy) {
	case STRATEGY_PCT:
		return pick_by_priority(ready, expiring);
	case STRATEGY_STARVE:
		return pick_starving(ready, expiring);
	default:
		return pick_random(ready, expiring);
	}
}

void strategy_yielded(void)
{
	if (run.plan.strategy != STRATEGY_PCT || (now.drops_one_in > 1 && below(now.drops_one_in) != 0))
		return;
	now.priorities[run.self] = --now.lowest;
	now.best = HOST;
}

void strategy_sleeps(void)
{
	const uint32_t bit = UINT32_C(1) << run.self;

	if (run.plan.strategy != STRATEGY_PCT || !(run.expiring & bit))
		return;
	now.eager = below(2) ? now.eager | bit : now.eager & ~bit;
	now.best = HOST;
}

/* Threads that are started later have a place among the first ones too. */
static void set_priorities(void)
{
	static const unsigned drops[] = { 1, 1, 4, 16 };
	unsigned order[FIBERS];

	for (unsigned i = 1; i < FIBERS; i++) {
		const unsigned j = 1 + below(i);

		order[i] = i;
		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned i = 1; i < FIBERS; i++)
		now.priorities[order[i]] = CHANGES + i;
	now.drops_one_in = drops[below(sizeof(drops) / sizeof(*drops))];
	now.n_changes = run.plan.depth - 1 < CHANGES ? run.plan.depth - 1 : CHANGES;
	for (unsigned i = 0; i < now.n_changes; i++)
		now.changes[i] = 1 + below(run.usual_steps);
}

void strategy_begin(void)
{
	memset(&now, 0, sizeof(now));
	now.best = HOST;
	if (run.plan.strategy == STRATEGY_PCT)
		set_priorities();
	if (run.plan.strategy == STRATEGY_STARVE) {
		now.victim = 1 + below(run.n_fibers - 1);
		now.until = run.usual_steps / 4 + below(2 * run.usual_steps);
	}
}
