/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what was recorded of a schedule that is run again to be shown.
 */
#ifndef EXPLORE_TRACE_H
#define EXPLORE_TRACE_H

#include "run.h"

enum { CALLS = 8 };

/* Where calls that have not returned were made, the innermost first. */
struct calls {
	unsigned n;
	const void *pc[CALLS];
};

struct record {
	struct step step;
	struct calls calls;
	unsigned deviations; /* written down so far; those since the record before belong to this step */
	bool woken;	     /* of a wait that has returned: by a wake */
};

/* A plain access, which is no step of its own. */
struct access {
	const void *address;
	size_t size;
	const void *pc;
	struct calls calls;
	unsigned fiber;
	unsigned after; /* so many steps */
	bool write;
};

/* The two accesses of a race; the other thread's came first. */
struct race {
	bool found;
	const void *address;
	size_t size;
	unsigned other;
	bool write, atomic, other_write, other_atomic;
};

struct trace {
	unsigned n_records, n_accesses; /* of accesses, only the last ACCESSES are there */
	struct record *records;
	struct race race;
};

extern const struct trace *const the_trace;

const struct access *trace_last_access(const void *address, size_t size, unsigned fiber, bool write);
struct calls trace_calls_of(unsigned fiber); /* now */

#endif
