/* SPDX-License-Identifier: MIT */
/*
 * session.h - a run of the command: what each scenario came to, and how it is told. For the command's files.
 */
#ifndef EXPLORE_SESSION_H
#define EXPLORE_SESSION_H

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "options.h"

enum { MARKS = 64, FINDINGS = 32, KIND_SIZE = 40, SEEDS_AT_A_TIME = 64 };

struct mark {
	const char *name;
	uint64_t n;
};

/* Failures of one kind: what comes before the colon. */
struct finding {
	char kind[KIND_SIZE];
	uint64_t offset; /* of the lowest seed, from the first */
	uint64_t count;
	bool died; /* with the process that ran it */
};

/* What one process made of a scenario. In memory that the processes share; each writes its own, others may look. */
struct tally {
	_Atomic uint64_t schedules, steps, failures;
	_Atomic uint64_t offset; /* of the seed that runs */
	bool complete;		 /* a search has seen all */
	unsigned n_findings;
	struct finding findings[FINDINGS];
	struct mark marks[MARKS];
	uint8_t states[STATES_REGISTERS];
};

/* What the processes that work at a scenario agree on. */
struct work {
	_Atomic uint64_t next; /* so many times SEEDS_AT_A_TIME are taken */
	_Atomic uint64_t last; /* no seed beyond this offset; lower with each failure, unless all are counted */
	_Atomic bool stop;     /* at once: the time is up, or the user wants no more */
	double start, end;     /* seconds of the monotonic clock */
};

struct outcome {
	const struct weft_explore_scenario *scenario;
	struct tally tally;
	double seconds;
	uint64_t states;
	bool failed, missed; /* missed: marks that were not reached */
};

/* A failure, run again. */
struct found {
	uint64_t seed;
	unsigned steps;
	const char *message;
	char *repeat, *shorter, *trace; /* shorter: a command too, or NULL */
};

struct summary {
	unsigned wanted, ran, failed, missed;
	uint64_t schedules, failures;
	uint64_t least; /* schedules of any that ran without a failure; 0: none was sampled */
	double seconds;
	const struct outcome *outcomes; /* of those that ran */
};

/* What processes share are counts, which order nothing. */
#define get(object) atomic_load_explicit(object, memory_order_relaxed)
#define set(object, value) atomic_store_explicit(object, value, memory_order_relaxed)

extern volatile sig_atomic_t interrupted;
extern struct schedule searched; /* the search's last */

double seconds_now(void);

/* session.c */
void session_explore(struct outcome *outcome);
void session_run(const struct weft_explore_scenario *scenario, struct work *work, struct tally *tally);
struct finding *tally_finding(struct tally *tally, const char *kind, uint64_t offset);
void tally_merge(struct tally *into, const struct tally *from);

/* replay.c */
void replay_check(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed);

/* jobs.c */
void jobs_explore(struct outcome *outcome, const struct work *work);

/* marks.c */
void marks_begin(void);
void marks_take(struct mark into[MARKS]); /* adds what was reached since marks_begin() */
void marks_merge(struct mark into[MARKS], const struct mark from[MARKS]);
uint64_t mark_count(const struct mark marks[MARKS], const char *name);

/* lines.c: for people */
void lines_progress(const struct weft_explore_scenario *scenario, const struct work *work, const struct tally *tally);
void lines_progress_end(void);
void lines_finding(const struct weft_explore_scenario *scenario, const struct found *found);
void lines_outcome(const struct outcome *outcome);
void lines_summary(const struct summary *summary);

/* json.c: for programs, one object a line */
void json_finding(const struct weft_explore_scenario *scenario, const struct found *found);
void json_outcome(const struct outcome *outcome);
void json_summary(const struct summary *summary);

/* report.c */
void report_failure(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan);
void report_death(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan,
		  const char *message);

#endif
