/* SPDX-License-Identifier: MIT */
/*
 * main.c - weft-explore: run scenarios under many schedules, and tell how to repeat one that fails.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options.h"

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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
	char repeat[256];

	memory_end();
	if (plan->strategy != STRATEGY_SEARCH) {
		run.tracing = true;
		run_once(scenario, plan, seed);
		run.tracing = false;
	}
	plan_repeat(plan, seed, repeat, sizeof(repeat));
	printf("FAIL %s: %s\n", scenario->name, run.failure);
	printf("repeat: %s %s %s\n", options.program, scenario->name, repeat);
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
	const bool search = !options.portfolio && options.strategy == STRATEGY_SEARCH;
	uint64_t n = 0, steps = 0, failures = 0;
	double taken;
	bool complete = false;

	search_begin();
	states_begin();
	while (n < options.schedules &&
	       !(options.seconds > 0 && n % 256 == 0 && seconds_now() - start > options.seconds)) {
		const uint64_t seed = options.first_seed + n++;
		const struct plan plan = plan_of(search ? 1 : seed);

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
	if (!options.hashes && states_estimate() > 0)
		printf(" %llu states", (unsigned long long)states_estimate());
	if (failures > 0 && options.keep_going)
		printf(" %llu failed", (unsigned long long)failures);
	if (!options.hashes)
		printf("\n");
	reached_print();
	fflush(stdout);
	return failures == 0;
}

/* Scenarios known-... are there to fail: they run only where a pattern asks for such. */
static bool is_wanted(const char *name)
{
	const bool fails = strncmp(name, "known-", 6) == 0;

	for (unsigned i = 0; i < options.n_patterns; i++)
		if (fnmatch(options.patterns[i], name, 0) == 0 &&
		    (!fails || strncmp(options.patterns[i], "known", 5) == 0))
			return true;
	return options.n_patterns == 0 && !fails;
}

static bool any_matches(const char *pattern, const struct weft_explore_scenario *const tables[])
{
	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct weft_explore_scenario *each = tables[i]; each->name != NULL; each++)
			if (fnmatch(pattern, each->name, 0) == 0)
				return true;
	return false;
}

static void print_gaps(void)
{
	puts("What no schedule shows:\n"
	     "- load buffering: a load that returns a store which comes later in the schedule;\n"
	     "- orders of the stores to one word other than that in which they ran;\n"
	     "- other threads between two plain accesses, unless --plain is given (races are found without);\n"
	     "- more than is written in the scenarios: so many threads, so many calls.\n"
	     "Faults are those that the kernel and C11 allow: a wait that ends early or late, a wake of any sleeper,\n"
	     "a weak compare-exchange that fails, no memory, no thread, a thread that dies, a signal, another CPU;\n"
	     "memory, threads, deaths and signals only in scenarios that allow for them.");
}

int weft_explore_main(int argc, char **argv, const struct weft_explore_scenario *const tables[])
{
	bool ok = true;

	options_parse(argc, argv);
	if (options.gaps) {
		print_gaps();
		return 0;
	}
	for (unsigned i = 0; i < options.n_patterns; i++)
		if (!any_matches(options.patterns[i], tables)) {
			fprintf(stderr, "%s: no scenario is called '%s'; see --list\n", options.program,
				options.patterns[i]);
			return 2;
		}
	fiber_setup();
	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct weft_explore_scenario *each = tables[i]; each->name != NULL; each++) {
			if (!is_wanted(each->name))
				continue;
			if (options.list)
				printf("%s\n", each->name);
			else
				ok &= explore(each);
		}
	return ok ? 0 : 1;
}
