/* SPDX-License-Identifier: MIT */
/*
 * search.c - all schedules, depth first: the path of decisions from the root, each with what has been tried.
 */
#include "run.h"

enum { PATH_MAX_LENGTH = 20000 };

static struct {
	struct {
		uint8_t taken, of;
	} path[PATH_MAX_LENGTH];
	unsigned length, at;
	unsigned preemptions;
} search;

void search_begin(void)
{
	search.length = 0;
}

void search_schedule(void)
{
	search.at = 0;
	search.preemptions = run.plan.depth;
}

bool search_next(void)
{
	while (search.length > 0 && search.path[search.length - 1].taken + 1 >= search.path[search.length - 1].of)
		search.length--;
	if (search.length == 0)
		return false;
	search.path[search.length - 1].taken++;
	return true;
}

static unsigned decide(unsigned n)
{
	if (n < 2)
		return 0;
	if (search.at == search.length) {
		if (search.length == PATH_MAX_LENGTH)
			weft_explore_fail("limit", "path too long to search");
		search.path[search.length].taken = 0;
		search.path[search.length++].of = (uint8_t)n;
	}
	return search.path[search.at++].taken;
}

/* What happens rarely costs as much as a preemption. */
unsigned search_choose(enum choice kind, unsigned n, unsigned rarely)
{
	unsigned taken;

	(void)kind;
	if (rarely == 1)
		return decide(n);
	if (rarely == 0 || search.preemptions == 0)
		return 0;
	taken = decide(n);
	search.preemptions -= taken != 0;
	return taken;
}

/* The one that runs goes on; another, or a time-out while somebody could run, costs a preemption. */
unsigned search_pick(uint32_t ready, uint32_t expiring, unsigned usual)
{
	unsigned choices[2 * FIBERS], n = 0, free_choices, taken;
	const bool goes_on = ready >> run.self & 1;

	(void)usual;
	if (goes_on)
		choices[n++] = run.self;
	for (unsigned i = 0; i < FIBERS; i++)
		if (ready >> i & 1 && i != run.self && (!goes_on || search.preemptions > 0))
			choices[n++] = i;
	free_choices = goes_on ? 1 : n;
	for (unsigned i = 0; i < FIBERS; i++)
		if (expiring >> i & 1 && (n == 0 || free_choices == 0 || search.preemptions > 0))
			choices[n++] = i;
	taken = decide(n);
	if (free_choices > 0 && taken >= free_choices)
		search.preemptions--;
	return choices[taken];
}
