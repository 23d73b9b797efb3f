/* SPDX-License-Identifier: MIT */
/*
 * report.c - the trace of a schedule, and what is told of a failure.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

enum { TRACE_MAX = 20000 };

static struct step steps[TRACE_MAX];
static unsigned n_steps;

static const char *const op_names[] = {
	[OP_NONE] = "start",	  [OP_LOAD] = "load",	    [OP_STORE] = "store",   [OP_RMW] = "rmw",
	[OP_CAS] = "cas",	  [OP_FENCE] = "fence",	    [OP_WAIT] = "wait",	    [OP_WAKE] = "wake",
	[OP_REQUEUE] = "requeue", [OP_CLOCK] = "clock",	    [OP_CPU] = "cpu",	    [OP_PAUSE] = "pause",
	[OP_YIELD] = "yield",	  [OP_STEP] = "step",	    [OP_READ] = "read",	    [OP_WRITE] = "write",
	[OP_FREE] = "free",	  [OP_RETURNED] = "waited", [OP_CALLED] = "called", [OP_ANSWERED] = "answer",
	[OP_START] = "start",	  [OP_JOIN] = "join",	    [OP_SIGNAL] = "signal", [OP_HANDLED] = "handled",
	[OP_DEATH] = "dies",	  [OP_END] = "end",
};

static const char *const order_names[] = { "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst" };

void trace_begin(void)
{
	n_steps = 0;
}

void trace_keep(const struct step *step)
{
	if (n_steps < TRACE_MAX)
		steps[n_steps++] = *step;
}

/* file:line of @pc, by addr2line. */
static void print_place(FILE *out, const void *pc)
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
		fprintf(out, " %s", slash != NULL ? slash + 1 : line);
	}
	pclose(pipe);
}

static void print_step(FILE *out, const struct step *step)
{
	char name[64];

	fprintf(out, "T%d %-7s %-14s", (int)step->fiber - 1, op_names[step->op],
		memory_name(step->address, name, sizeof(name)));
	switch (step->op) {
	case OP_LOAD:
		fprintf(out, " %llx %s", (unsigned long long)step->before, order_names[step->order]);
		break;
	case OP_STORE:
	case OP_RMW:
	case OP_CAS:
		fprintf(out, " %llx -> %llx %s", (unsigned long long)step->before, (unsigned long long)step->after,
			order_names[step->order]);
		if (step->op == OP_CAS && !step->result)
			fprintf(out, " failed");
		break;
	case OP_WAIT:
		fprintf(out, " for %llx%s", (unsigned long long)step->before,
			step->result == INT_MAX ? "" : " (not)");
		if (step->result != INT_MAX)
			fprintf(out, " = %lld", (long long)step->result);
		break;
	case OP_WAKE:
		fprintf(out, " %llu woke %lld", (unsigned long long)step->before, (long long)step->result);
		break;
	case OP_CALLED:
		fprintf(out, " %lld (%lld)", (long long)step->before, (long long)step->after);
		break;
	case OP_RETURNED:
	case OP_REQUEUE:
	case OP_ANSWERED:
		fprintf(out, " = %lld", (long long)step->result);
		break;
	default:
		break;
	}
	if (step->stale > 0)
		fprintf(out, " [%d stores old]", step->stale);
	print_place(out, step->pc);
	fprintf(out, "\n");
}

static void print_trace(FILE *out, unsigned n)
{
	for (unsigned i = n_steps > n ? n_steps - n : 0; i < n_steps; i++) {
		fprintf(out, "  %4u ", i);
		print_step(out, &steps[i]);
	}
}

static void print_fibers(FILE *out)
{
	static const char *const names[] = { "unused", "ready", "asleep", "joining", "done", "dead" };

	for (unsigned i = 1; i < run.n_fibers; i++) {
		fprintf(out, "  %s%s: ", names[run.fibers[i].state], run.fibers[i].timed ? " (timed)" : "");
		run.fibers[i].last.fiber = i;
		print_step(out, &run.fibers[i].last);
	}
}

static void tell(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan,
		 const char *message, const char *trace)
{
	static char how[20 * DEVIATIONS_MAX], repeat[sizeof(how) + 256];
	const struct found found = { .seed = seed, .message = message, .repeat = repeat, .trace = trace };

	plan_repeat(plan, seed, plan->strategy == STRATEGY_GIVEN ? plan->given : NULL, how, sizeof(how));
	snprintf(repeat, sizeof(repeat), "%s %s %s", options.program, scenario->name, how);
	(options.json ? json_finding : lines_finding)(scenario, &found);
}

/* Runs the seed again, or what the search wrote down. */
void report_failure(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan)
{
	struct plan again = *plan;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	memory_end();
	if (plan->strategy == STRATEGY_SEARCH) {
		again.strategy = STRATEGY_GIVEN;
		again.given = &searched;
	}
	run.record = NULL;
	marks_hold(true);
	run.tracing = true;
	run_schedule(scenario, &again, seed);
	run.tracing = false;
	marks_hold(false);
	out = open_memstream(&text, &size);
	if (out == NULL)
		abort();
	print_trace(out, options.trace);
	fprintf(out, " threads, with the step that each is at:\n");
	print_fibers(out);
	fprintf(out, " objects:\n");
	memory_print_objects(out);
	fclose(out);
	memory_end();
	tell(scenario, seed, &again, run.failure, text);
	free(text);
}

void report_death(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan,
		  const char *message)
{
	tell(scenario, seed, plan, message, "");
}
