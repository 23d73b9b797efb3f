/* SPDX-License-Identifier: MIT */
/*
 * scenarios.c - weft-explore for the library's own objects.
 */
#include "scenarios.h"

int main(int argc, char **argv)
{
	static const struct weft_explore_scenario *const tables[] = {
		explore_lock,	    explore_rlock,
		explore_sem,	    explore_event,
		explore_cond,	    explore_barrier,
		explore_once,	    explore_latch,
		explore_any,	    explore_rest,
		explore_edges,	    explore_linear,
		explore_wrap,	    explore_history,
		explore_glibc25847, explore_faults,
		explore_signal,	    explore_death,
		explore_threads,    explore_wakes,
		explore_search,	    explore_prompt,
		explore_litmus,	    explore_heap,
		explore_hang,	    NULL,
	};

	return weft_explore_main(argc, argv, tables);
}
