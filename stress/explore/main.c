/* SPDX-License-Identifier: MIT */
/*
 * main.c - weft-explore: run scenarios under many schedules, and tell how to repeat one that fails.
 */
#include <argp.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

static struct {
	const char *patterns[32];
	unsigned n_patterns;
	const char *strategy;
	uint64_t first_seed, runs;
	double seconds;
	bool one_seed, weak, no_races, no_faults, plain, list, keep_going, hashes;
	unsigned trace;
} options = { .strategy = "mix", .runs = 20000, .trace = 40, .first_seed = 1 };

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t hash_of(uint64_t seed)
{
	seed = (seed ^ seed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return seed ^ seed >> 32;
}

/* Most of what matters is found by PCT and by random walks that switch seldom or often. */
static void mixed_plan(struct plan *plan, uint64_t seed)
{
	const uint64_t h = hash_of(seed + 77);

	switch (h % 10) {
	case 0:
	case 1:
		plan->strategy = STRATEGY_RANDOM;
		break;
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
		plan->depth = 2 + (unsigned)(h >> 8) % 6;
	}
	plan->faults = !options.no_faults && (h >> 16) % 3 == 0 ? 6 : 0;
	plan->stale = options.weak && (h >> 20) % 4 != 0 ? 2 + (h >> 24) % 4 : 0;
	plan->moves = (h >> 28) % 2 ? 6 : 0;
	plan->any_order = !options.no_faults && (h >> 32) % 8 == 0;
}

static struct plan plan_for(uint64_t seed)
{
	struct plan plan = { .races = !options.no_races, .plain_points = options.plain };
	const char *const colon = strchr(options.strategy, ':');

	if (strcmp(options.strategy, "mix") == 0) {
		mixed_plan(&plan, seed);
		return plan;
	}
	plan.depth = colon != NULL ? (unsigned)atoi(colon + 1) : 3;
	if (plan.depth < 1 || plan.depth > 16)
		plan.depth = 3;
	plan.faults = options.no_faults ? 0 : 6;
	plan.stale = options.weak ? 3 : 0;
	if (strncmp(options.strategy, "pct", 3) == 0)
		plan.strategy = STRATEGY_PCT;
	else if (strncmp(options.strategy, "sticky", 6) == 0)
		plan.strategy = STRATEGY_STICKY;
	else if (strcmp(options.strategy, "starve") == 0)
		plan.strategy = STRATEGY_STARVE;
	else if (strncmp(options.strategy, "search", 6) == 0)
		plan.strategy = STRATEGY_SEARCH;
	else
		plan.strategy = STRATEGY_RANDOM;
	if (plan.strategy == STRATEGY_SEARCH)
		plan.depth = colon != NULL ? (unsigned)atoi(colon + 1) : 2;
	return plan;
}

static void run_once(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed)
{
	schedule_begin(scenario, plan, seed);
	memory_begin();
	trace_begin();
	run.active = true;
	fiber_switch(0);
	run.active = false;
}

static void report(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed)
{
	memory_end();
	if (plan->strategy != STRATEGY_SEARCH) {
		run.tracing = true;
		run_once(scenario, plan, seed);
		run.tracing = false;
	}
	printf("FAIL %s: %s\n", scenario->name, run.failure);
	printf("repeat: weft-explore %s --strategy %s --seed %llu%s%s%s\n", scenario->name, options.strategy,
	       (unsigned long long)seed, options.weak ? " --weak" : "", options.no_faults ? " --no-faults" : "",
	       options.plain ? " --plain" : "");
	trace_print(options.trace);
	printf(" threads, with the step that each is at:\n");
	report_fibers();
	printf(" objects:\n");
	memory_print_objects();
}

/* Return: whether all went well. */
static bool explore(const struct weft_explore_scenario *scenario)
{
	const double start = seconds_now();
	const bool search = strncmp(options.strategy, "search", 6) == 0;
	uint64_t n = 0, steps = 0, failures = 0;
	double taken;
	bool complete = false;

	search_begin();
	while (n < options.runs &&
	       !(options.seconds > 0 && n % 256 == 0 && seconds_now() - start > options.seconds)) {
		const uint64_t seed = options.first_seed + n++;
		const struct plan plan = plan_for(seed);

		run.tracing = search; /* a path cannot be run again */
		run_once(scenario, &plan, seed);
		steps += run.steps;
		if (options.hashes)
			printf("%s %llu %016llx\n", scenario->name, (unsigned long long)seed,
			       (unsigned long long)run.hash);
		if (run.failed && failures++ == 0)
			report(scenario, &plan, seed);
		memory_end();
		if (failures > 0 && !options.keep_going)
			break;
		if (search && !search_next()) {
			complete = true;
			break;
		}
	}
	taken = seconds_now() - start;
	if (!options.hashes)
		printf("%-28s %s %9llu schedules %6.1f steps %8.0f/s%s", scenario->name, failures ? "FAIL" : "ok  ",
		       (unsigned long long)n, (double)steps / (double)n, (double)n / taken,
		       complete ? " complete" : "");
	if (failures > 0 && options.keep_going)
		printf(" %llu failed", (unsigned long long)failures);
	if (!options.hashes)
		printf("\n");
	reached_print();
	fflush(stdout);
	return failures == 0;
}

static bool is_wanted(const char *name)
{
	for (unsigned i = 0; i < options.n_patterns; i++)
		if (fnmatch(options.patterns[i], name, 0) == 0)
			return true;
	return options.n_patterns == 0;
}

enum { NO_RACES = 1000, NO_FAULTS, PLAIN, LIST, KEEP_GOING, HASHES };

static const struct argp_option option_table[] = {
	{ "strategy", 's', "NAME", 0, "mix, random, sticky:N, pct:DEPTH, starve, search:PREEMPTIONS", 0 },
	{ "seed", 'S', "N", 0, "Run this seed alone", 0 },
	{ "first-seed", 'f', "N", 0, "Begin with this seed", 0 },
	{ "runs", 'n', "N", 0, "How many schedules for each scenario", 0 },
	{ "seconds", 't', "N", 0, "At most so long for each", 0 },
	{ "weak", 'w', NULL, 0, "Stale reads, as far as the memory model allows them", 0 },
	{ "no-races", NO_RACES, NULL, 0, "Do not look for data races", 0 },
	{ "no-faults", NO_FAULTS, NULL, 0, "No early returns of waits, wake-ups in order", 0 },
	{ "plain", PLAIN, NULL, 0, "Let others run before plain accesses too", 0 },
	{ "trace", 'T', "N", 0, "How many steps of a failure to show", 0 },
	{ "keep-going", KEEP_GOING, NULL, 0, "Count failures instead of ending with the first", 0 },
	{ "hashes", HASHES, NULL, 0, "Print a hash of each schedule", 0 },
	{ "list", LIST, NULL, 0, "Name the scenarios", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		options.strategy = arg;
		break;
	case 'S':
		options.first_seed = strtoull(arg, NULL, 0);
		options.runs = 1;
		break;
	case 'f':
		options.first_seed = strtoull(arg, NULL, 0);
		break;
	case 'n':
		options.runs = strtoull(arg, NULL, 0);
		break;
	case 't':
		options.seconds = atof(arg);
		options.runs = UINT64_MAX;
		break;
	case 'w':
		options.weak = true;
		break;
	case 'T':
		options.trace = (unsigned)atoi(arg);
		break;
	case NO_RACES:
		options.no_races = true;
		break;
	case NO_FAULTS:
		options.no_faults = true;
		break;
	case PLAIN:
		options.plain = true;
		break;
	case LIST:
		options.list = true;
		break;
	case KEEP_GOING:
		options.keep_going = true;
		break;
	case HASHES:
		options.hashes = true;
		break;
	case ARGP_KEY_ARG:
		if (options.n_patterns == sizeof(options.patterns) / sizeof(*options.patterns))
			argp_usage(state);
		options.patterns[options.n_patterns++] = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int weft_explore_main(int argc, char **argv, const struct weft_explore_scenario *const tables[])
{
	static const struct argp argp = {
		option_table, parse, "[SCENARIO...]", "Run small programs under many schedules.", NULL, NULL, NULL
	};
	bool ok = true;
	unsigned n = 0;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	fiber_setup();
	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct weft_explore_scenario *each = tables[i]; each->name != NULL; each++) {
			if (!is_wanted(each->name))
				continue;
			n++;
			if (options.list)
				printf("%s\n", each->name);
			else
				ok &= explore(each);
		}
	if (n == 0) {
		fprintf(stderr, "weft-explore: no such scenario\n");
		return 2;
	}
	return ok ? 0 : 1;
}
