/* SPDX-License-Identifier: MIT */
/*
 * scenarios.h - the tables of weft's own scenarios, each ended by one without name. A new object adds its file
 * scenario-OBJECT.c and one line here and in scenarios.c.
 */
#ifndef EXPLORE_SCENARIOS_H
#define EXPLORE_SCENARIOS_H

#include <weft/explore.h>

typedef const struct weft_explore_scenario explore_table[];

extern explore_table explore_lock;
extern explore_table explore_rlock;
extern explore_table explore_sem;
extern explore_table explore_event;
extern explore_table explore_cond;
extern explore_table explore_barrier;
extern explore_table explore_any;
extern explore_table explore_once;
extern explore_table explore_latch;
extern explore_table explore_rest;
extern explore_table explore_edges;
extern explore_table explore_linear;
extern explore_table explore_wrap;
extern explore_table explore_history;
extern explore_table explore_glibc25847;
extern explore_table explore_faults;
extern explore_table explore_signal;
extern explore_table explore_death;
extern explore_table explore_threads;
extern explore_table explore_wakes;
extern explore_table explore_search;
extern explore_table explore_prompt;
extern explore_table explore_litmus;
extern explore_table explore_heap;
extern explore_table explore_hang;

#endif
