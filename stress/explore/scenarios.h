/* SPDX-License-Identifier: MIT */
/*
 * scenarios.h - the tables of weft's own scenarios, each ended by one without name. A new object adds its file
 * scenario-OBJECT.c and one line here and in scenarios.c.
 */
#ifndef EXPLORE_SCENARIOS_H
#define EXPLORE_SCENARIOS_H

#include <weft/explore.h>

extern const struct weft_explore_scenario explore_lock[], explore_rlock[], explore_sem[], explore_event[],
	explore_cond[], explore_barrier[], explore_edges[], explore_history[], explore_rest[], explore_glibc25847[],
	explore_faults[], explore_signal[], explore_death[], explore_threads[], explore_wakes[], explore_search[];

#endif
