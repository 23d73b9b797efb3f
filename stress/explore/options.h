/* SPDX-License-Identifier: MIT */
/*
 * options.h - what the command line asked for, and the plan that a seed gets by it. For the command's files: a
 * schedule knows its plan alone.
 */
#ifndef EXPLORE_OPTIONS_H
#define EXPLORE_OPTIONS_H

#include "run.h"

enum { JOBS_MAX = 256 };

struct options {
	const char *program;
	const char *patterns[32];
	unsigned n_patterns;
	bool portfolio; /* otherwise: */
	enum strategy strategy;
	unsigned depth;
	struct schedule given;
	bool one_seed, check_replay, no_sleep_sets;
	uint64_t first_seed, schedules;
	double seconds;	 /* 0: no limit */
	unsigned faults; /* which kinds, one bit each */
	bool weak, races, plain;
	bool list, gaps, keep_going, hashes, json, progress, quiet, strict_marks, lint, minimise;
	unsigned trace;
	unsigned jobs; /* at most JOBS_MAX; 1 where only one can do it */
};

extern struct options options;

/* options.c */
void options_parse(int argc, char **argv); /* exits where they are wrong */

/* plan.c */
bool plan_strategy(const char *text); /* into options; false: there is no such strategy */
bool plan_faults(const char *list);   /* the same */
struct plan plan_of(uint64_t seed);

/* The options that repeat it: by @found if that is not NULL, otherwise by the seed. */
void plan_repeat(const struct plan *plan, uint64_t seed, const struct schedule *found, char *text, size_t size);

#endif
