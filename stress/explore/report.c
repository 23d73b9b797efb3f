/* SPDX-License-Identifier: MIT */
/*
 * report.c - the trace of a schedule, and what is told of a failure.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

enum { TRACE_MAX = 20000, MARKS = 64 };

static struct step trace[TRACE_MAX];
static unsigned n_trace;

static struct {
	const char *name;
	uint64_t n;
} marks[MARKS];

static const char *const op_names[] = {
	[OP_NONE] = "start",	  [OP_LOAD] = "load",	    [OP_STORE] = "store",   [OP_RMW] = "rmw",
	[OP_CAS] = "cas",	  [OP_FENCE] = "fence",	    [OP_WAIT] = "wait",	    [OP_WAKE] = "wake",
	[OP_REQUEUE] = "requeue", [OP_CLOCK] = "clock",	    [OP_CPU] = "cpu",	    [OP_PAUSE] = "pause",
	[OP_YIELD] = "yield",	  [OP_STEP] = "step",	    [OP_READ] = "read",	    [OP_WRITE] = "write",
	[OP_FREE] = "free",	  [OP_RETURNED] = "waited", [OP_CALLED] = "called", [OP_ANSWERED] = "answer",
	[OP_END] = "end",
};

static const char *const order_names[] = { "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst" };

void trace_begin(void)
{
	n_trace = 0;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

void trace_step(const struct step *step)
{
	run.hash = mix(mix(run.hash, (uint64_t)step->op << 8 | step->fiber),
		       step->op < OP_READ ? (uint64_t)step->result : 0);
	if (run.tracing && n_trace < TRACE_MAX)
		trace[n_trace++] = *step;
}

/* file:line of @pc, by addr2line. */
static void print_place(const void *pc)
{
	char command[128], line[512], *slash;
	FILE *pipe;

	if (pc == NULL)
		return;
	snprintf(command, sizeof(command), "addr2line -i -e /proc/%d/exe %p 2>/dev/null", (int)getpid(),
		 (const void *)((const char *)pc - 1));
	pipe = popen(command, "r");
	if (pipe == NULL)
		return;
	while (fgets(line, sizeof(line), pipe) != NULL) {
		line[strcspn(line, "\n ")] = '\0';
		slash = strrchr(line, '/');
		printf(" %s", slash != NULL ? slash + 1 : line);
	}
	pclose(pipe);
}

static void print_step(const struct step *step)
{
	char name[64];

	printf("T%d %-7s %-14s", (int)step->fiber - 1, op_names[step->op],
	       memory_name(step->address, name, sizeof(name)));
	switch (step->op) {
	case OP_LOAD:
		printf(" %llx %s", (unsigned long long)step->before, order_names[step->order]);
		break;
	case OP_STORE:
	case OP_RMW:
	case OP_CAS:
		printf(" %llx -> %llx %s", (unsigned long long)step->before, (unsigned long long)step->after,
		       order_names[step->order]);
		if (step->op == OP_CAS && !step->result)
			printf(" failed");
		break;
	case OP_WAIT:
		printf(" for %llx%s", (unsigned long long)step->before, step->result == INT_MAX ? "" : " (not)");
		if (step->result != INT_MAX)
			printf(" = %lld", (long long)step->result);
		break;
	case OP_WAKE:
		printf(" %llu woke %lld", (unsigned long long)step->before, (long long)step->result);
		break;
	case OP_CALLED:
		printf(" %lld (%lld)", (long long)step->before, (long long)step->after);
		break;
	case OP_RETURNED:
	case OP_REQUEUE:
	case OP_ANSWERED:
		printf(" = %lld", (long long)step->result);
		break;
	default:
		break;
	}
	if (step->stale > 0)
		printf(" [%d stores old]", step->stale);
	print_place(step->pc);
	printf("\n");
}

void trace_print(unsigned n)
{
	for (unsigned i = n_trace > n ? n_trace - n : 0; i < n_trace; i++) {
		printf("  %4u ", i);
		print_step(&trace[i]);
	}
}

void report_fibers(void)
{
	static const char *const names[] = { "unused", "ready", "asleep", "joining", "done" };

	for (unsigned i = 1; i < run.n_fibers; i++) {
		printf("  %s%s: ", names[run.fibers[i].state], run.fibers[i].timed ? " (timed)" : "");
		run.fibers[i].last.fiber = i;
		print_step(&run.fibers[i].last);
	}
}

void weft_explore_reached(const char *name)
{
	for (unsigned i = 0; i < MARKS; i++) {
		if (marks[i].name == NULL)
			marks[i].name = name;
		if (marks[i].name == name) {
			marks[i].n++;
			return;
		}
	}
}

void reached_print(void)
{
	for (unsigned i = 0; i < MARKS && marks[i].name != NULL; i++) {
		printf("  reached %-40s %llu\n", marks[i].name, (unsigned long long)marks[i].n);
		marks[i].name = NULL;
		marks[i].n = 0;
	}
}
