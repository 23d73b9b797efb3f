/* SPDX-License-Identifier: MIT */
/*
 * minimise.c - a shorter schedule that fails in the same way.
 */
#include "run.h"

bool minimise(const struct weft_explore_scenario *scenario, const struct plan *plan, struct schedule *schedule)
{
	struct plan given = *plan;

	given.strategy = STRATEGY_GIVEN;
	given.given = schedule;
	run_schedule(scenario, &given, 0);
	memory_end();
	return run.failed;
}
