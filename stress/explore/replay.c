/* SPDX-License-Identifier: MIT */
/*
 * replay.c - a check of the explorer's own: a schedule that was written down, printed and read again is the same one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

void replay_check(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed)
{
	static struct schedule written, read, again;
	static char text[20 * DEVIATIONS_MAX], failure[sizeof(run.failure)];
	struct plan given = *plan;
	const bool held = marks_hold(true);
	uint64_t hash;
	bool failed;

	run.record = &written;
	run_schedule(scenario, plan, seed);
	memory_end();
	hash = run.hash;
	failed = run.failed;
	memcpy(failure, run.failure, sizeof(failure));
	schedule_print(&written, text, sizeof(text));
	given.strategy = STRATEGY_GIVEN;
	given.given = &read;
	run.record = &again;
	if (!schedule_parse(&read, text))
		read.n = 0;
	run_schedule(scenario, &given, 0);
	memory_end();
	run.record = NULL;
	marks_hold(held);
	if (hash == run.hash && failed == run.failed && (!failed || strcmp(failure, run.failure) == 0) &&
	    written.n == again.n && memcmp(written.of, again.of, written.n * sizeof(*written.of)) == 0)
		return;
	fprintf(stderr, "%s: seed %llu is another schedule when it is written down: %s\n", scenario->name,
		(unsigned long long)seed, text);
	exit(1);
}
