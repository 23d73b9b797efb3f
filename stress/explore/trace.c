/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the record of a schedule that is run again to be shown.
 *
 * A schedule that runs only to be explored costs its hash and nothing more. While run.tracing is set each step is
 * kept, with the calls that led to it: the compiler tells where functions are entered and left. So are plain
 * accesses, for the earlier half of a race, which is known when the later one happens.
 */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

enum { RECORDS = 20000, ACCESSES = 4096, DEPTH = 256 };

static struct {
	unsigned depth; /* may be more than there is room for */
	const void *pc[DEPTH];
} stacks[FIBERS];

static struct access *accesses;
static struct trace trace;
const struct trace *const the_trace = &trace;

static void *room(void *memory, size_t n, size_t size)
{
	if (memory == NULL)
		memory = calloc(n, size);
	if (memory == NULL)
		abort();
	return memory;
}

void trace_begin(void)
{
	trace.n_records = trace.n_accesses = 0;
	trace.race.found = false;
	for (unsigned i = 0; i < FIBERS; i++)
		stacks[i].depth = 0;
	if (!run.tracing)
		return;
	trace.records = room(trace.records, RECORDS, sizeof(*trace.records));
	accesses = room(accesses, ACCESSES, sizeof(*accesses));
}

struct calls trace_calls_of(unsigned fiber)
{
	struct calls calls = { 0 };

	for (unsigned i = stacks[fiber].depth; i-- > 0 && calls.n < CALLS;)
		if (i < DEPTH)
			calls.pc[calls.n++] = stacks[fiber].pc[i];
	return calls;
}

void trace_keep(const struct step *step)
{
	if (trace.n_records == RECORDS)
		return;
	trace.records[trace.n_records++] = (struct record){
		.step = *step,
		.calls = trace_calls_of(step->fiber),
		.deviations = run.record != NULL ? run.record->n : 0,
		.woken = run.fibers[step->fiber].woken >= 0,
	};
}

void trace_call(const void *pc)
{
	const unsigned depth = stacks[run.self].depth++;

	if (depth < DEPTH)
		stacks[run.self].pc[depth] = pc;
}

void trace_return(void)
{
	if (stacks[run.self].depth > 0)
		stacks[run.self].depth--;
}

void trace_access(const void *address, size_t size, bool write, const void *pc)
{
	accesses[trace.n_accesses++ % ACCESSES] = (struct access){
		.address = address,
		.size = size,
		.pc = pc,
		.calls = trace_calls_of(run.self),
		.fiber = run.self,
		.after = trace.n_records,
		.write = write,
	};
}

void trace_race(const void *address, size_t size, bool write, bool atomic, unsigned other, bool other_write,
		bool other_atomic)
{
	if (run.tracing)
		trace.race = (struct race){ true, address, size, other, write, atomic, other_write, other_atomic };
}

static bool overlap(const void *a, size_t a_size, const void *b, size_t b_size)
{
	return (uintptr_t)a < (uintptr_t)b + b_size && (uintptr_t)b < (uintptr_t)a + a_size;
}

const struct access *trace_last_access(const void *address, size_t size, unsigned fiber, bool write)
{
	for (unsigned i = trace.n_accesses; i-- > 0 && trace.n_accesses - i <= ACCESSES;) {
		const struct access *const each = &accesses[i % ACCESSES];

		if (each->fiber == fiber && each->write == write && overlap(each->address, each->size, address, size))
			return each;
	}
	return NULL;
}
