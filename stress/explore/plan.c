/* SPDX-License-Identifier: MIT */
/*
 * plan.c - a seed's plan: strategy, depth, how often loads are stale and waits end early.
 *
 * All of it is a function of the seed and the options. Only strategy and depth depend on whether the portfolio picks
 * them or the command line names them; so a seed of the portfolio is repeated by naming what it picked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const char *const strategy_names[] = {
	[STRATEGY_RANDOM] = "random", [STRATEGY_STICKY] = "sticky", [STRATEGY_PCT] = "pct",
	[STRATEGY_STARVE] = "starve", [STRATEGY_SEARCH] = "search",
};

/* The number behind the colon: whether there may be one, and what it is without. */
static const struct {
	unsigned least, most, usual;
} depths[] = {
	[STRATEGY_RANDOM] = { 0, 0, 0 },
	[STRATEGY_STICKY] = { 1, 1000, 4 },
	[STRATEGY_PCT] = { 1, 16, 3 },
	[STRATEGY_STARVE] = { 0, 0, 0 },
	[STRATEGY_SEARCH] = { 0, 100, SEARCH_UNBOUNDED },
};

enum { STRATEGIES = sizeof(strategy_names) / sizeof(*strategy_names) };

const char *const fault_names[] = {
	[FAULT_SPURIOUS] = "spurious", [FAULT_EINTR] = "eintr", [FAULT_EAGAIN] = "eagain",
	[FAULT_TIMEOUT] = "timeout",   [FAULT_ORDER] = "order", [FAULT_CAS] = "cas",
	[FAULT_ALLOC] = "alloc",       [FAULT_START] = "start", [FAULT_DEATH] = "death",
	[FAULT_SIGNAL] = "signal",     [FAULT_MOVE] = "move",
};

static bool set_depth(enum strategy strategy, const char *number)
{
	char *end;
	unsigned long depth;

	options.strategy = strategy;
	options.depth = depths[strategy].usual;
	if (number == NULL)
		return true;
	depth = strtoul(number, &end, 10);
	options.depth = (unsigned)depth;
	return *number >= '0' && *number <= '9' && *end == '\0' && depths[strategy].most > 0 &&
	       depth >= depths[strategy].least && depth <= depths[strategy].most;
}

bool plan_strategy(const char *text)
{
	const char *const colon = strchr(text, ':');
	const size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);

	options.portfolio = strcmp(text, "portfolio") == 0;
	for (unsigned i = 0; i < STRATEGIES && !options.portfolio; i++)
		if (strlen(strategy_names[i]) == length && strncmp(text, strategy_names[i], length) == 0)
			return set_depth(i, colon != NULL ? colon + 1 : NULL);
	return options.portfolio;
}

bool plan_faults(const char *list)
{
	size_t length;

	options.faults = 0;
	if (strcmp(list, "on") == 0)
		options.faults = FAULTS_ALL;
	if (strcmp(list, "on") == 0 || strcmp(list, "off") == 0)
		return true;
	for (;; list += length + 1) {
		const unsigned before = options.faults;

		length = strcspn(list, ",");
		for (unsigned i = 0; i < FAULT_KINDS; i++)
			if (strlen(fault_names[i]) == length && strncmp(list, fault_names[i], length) == 0)
				options.faults |= 1u << i;
		if (options.faults == before)
			return false;
		if (list[length] == '\0')
			return true;
	}
}

static uint64_t hash_of(uint64_t seed)
{
	seed = (seed ^ seed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return seed ^ seed >> 32;
}

/* Four in ten by walks that switch seldom or often, four by PCT, one uniform, one that starves a thread. */
static void pick_strategy(struct plan *plan, uint64_t h)
{
	switch (h % 10) {
	case 0:
		plan->strategy = STRATEGY_RANDOM;
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		plan->strategy = STRATEGY_STICKY;
		plan->depth = 2u << (h >> 8) % 4;
		break;
	case 5:
		plan->strategy = STRATEGY_STARVE;
		break;
	default:
		plan->strategy = STRATEGY_PCT;
		plan->depth = 2 + (unsigned)(h >> 8) % 7;
	}
}

/* Whatever may be is looked at; how often it would be by chance is of no matter. */
static struct plan search_plan(struct plan plan)
{
	plan.stale = plan.weak;
	plan.faults = plan.moves = 1;
	plan.any_order = plan.kinds & 1u << FAULT_ORDER;
	plan.no_sleep_sets = options.no_sleep_sets;
	return plan;
}

struct plan plan_of(uint64_t seed)
{
	const uint64_t h = hash_of(seed + 77);
	const bool search = !options.portfolio && options.strategy == STRATEGY_SEARCH;
	struct plan plan = { .strategy = options.strategy,
			     .depth = options.depth,
			     .races = options.races,
			     .plain_points = options.plain,
			     .kinds = options.faults };

	plan.weak = options.weak;
	plan.given = &options.given;
	if (!options.portfolio && options.strategy == STRATEGY_GIVEN)
		plan.stale = options.weak;
	if (options.portfolio)
		pick_strategy(&plan, h);
	if (search)
		return search_plan(plan);
	if ((h >> 16) % 3 == 0)
		plan.faults = 6;
	if (options.weak && (h >> 20) % 4 != 0)
		plan.stale = 2 + (h >> 24) % 4;
	if (options.faults & 1u << FAULT_MOVE && (h >> 28) % 2)
		plan.moves = 6;
	plan.any_order = options.faults & 1u << FAULT_ORDER && (h >> 32) % 8 == 0;
	if (!(options.faults & FAULTS_OF_WAITS))
		plan.faults = 0;
	return plan;
}

static void add(char *text, size_t size, const char *more)
{
	snprintf(text + strlen(text), size - strlen(text), "%s", more);
}

static void add_strategy(const struct plan *plan, uint64_t seed, char *text, size_t size)
{
	snprintf(text, size, "--strategy %s", strategy_names[plan->strategy]);
	if (depths[plan->strategy].most > 0)
		snprintf(text + strlen(text), size - strlen(text), ":%u", plan->depth);
	snprintf(text + strlen(text), size - strlen(text), " --seed %llu", (unsigned long long)seed);
}

static void add_schedule(const struct schedule *found, char *text, size_t size)
{
	snprintf(text, size, "--schedule '");
	schedule_print(found, text + strlen(text), size - strlen(text));
	add(text, size, "'");
}

void plan_repeat(const struct plan *plan, uint64_t seed, const struct schedule *found, char *text, size_t size)
{
	if (found != NULL)
		add_schedule(found, text, size);
	else
		add_strategy(plan, seed, text, size);
	if (!options.weak)
		add(text, size, " --weak-memory=off");
	if (options.faults == 0)
		add(text, size, " --faults=off");
	else if (options.faults != FAULTS_ALL)
		for (unsigned i = 0, n = 0; i < FAULT_KINDS; i++)
			if (options.faults & 1u << i) {
				add(text, size, n++ == 0 ? " --faults=" : ",");
				add(text, size, fault_names[i]);
			}
	if (options.plain)
		add(text, size, " --plain");
	if (!options.races)
		add(text, size, " --no-races");
}
