/* SPDX-License-Identifier: MIT */
/*
 * main.c - weft-explore: run scenarios under many schedules, and tell how to repeat one that fails.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

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

/* The third ends the process: a schedule may hang, and a terminal may send one twice. */
static void on_interrupt(int number)
{
	if (++interrupted > 2) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

static unsigned for_each_wanted(const struct weft_explore_scenario *const tables[],
				void (*fn)(const struct weft_explore_scenario *scenario))
{
	unsigned n = 0;

	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct weft_explore_scenario *each = tables[i]; each->name != NULL; each++)
			if (is_wanted(each->name)) {
				n++;
				fn(each);
			}
	return n;
}

static void print_name(const struct weft_explore_scenario *scenario)
{
	printf("%s\n", scenario->name);
}

static void none(const struct weft_explore_scenario *scenario)
{
	(void)scenario;
}

static struct outcome *outcomes;
static struct summary summary;

static void explore(const struct weft_explore_scenario *scenario)
{
	struct outcome *const outcome = &outcomes[summary.ran];

	if (interrupted)
		return;
	outcome->scenario = scenario;
	session_explore(outcome);
	summary.ran++;
	summary.failed += outcome->failed;
	summary.missed += outcome->missed;
	summary.schedules += get(&outcome->tally.schedules);
	summary.failures += get(&outcome->tally.failures);
	if (!outcome->failed && !outcome->tally.complete &&
	    (summary.least == 0 || get(&outcome->tally.schedules) < summary.least))
		summary.least = get(&outcome->tally.schedules);
	if (!options.hashes)
		(options.json ? json_outcome : lines_outcome)(outcome);
}

int weft_explore_main(int argc, char **argv, const struct weft_explore_scenario *const tables[])
{
	const struct sigaction interrupt = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };
	const double start = seconds_now();
	struct sigaction before;

	options_parse(argc, argv);
	if (options.gaps) {
		print_gaps();
		return 0;
	}
	if (mistakes_in(tables))
		return 2;
	for (unsigned i = 0; i < options.n_patterns; i++)
		if (!any_matches(options.patterns[i], tables)) {
			fprintf(stderr, "%s: no scenario is called '%s'; see --list\n", options.program,
				options.patterns[i]);
			return 2;
		}
	if (options.list) {
		for_each_wanted(tables, print_name);
		return 0;
	}
	summary.wanted = for_each_wanted(tables, none);
	summary.outcomes = outcomes = calloc(summary.wanted, sizeof(*outcomes));
	if (outcomes == NULL && summary.wanted > 0)
		abort();
	fiber_setup();
	crash_setup();
	hang_setup();
	run.linting = options.lint;
	sigaction(SIGINT, NULL, &before);
	if (before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &interrupt, NULL);
	for_each_wanted(tables, explore);
	summary.seconds = seconds_now() - start;
	if (!options.hashes)
		(options.json ? json_summary : lines_summary)(&summary);
	if (options.lint)
		lint_print(options.json ? stderr : stdout);
	return summary.failed > 0 || (options.strict_marks && summary.missed > 0);
}
