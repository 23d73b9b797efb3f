/* SPDX-License-Identifier: MIT */
/*
 * report.c - what is told of a failure.
 *
 * The schedule is run again by its seed, made shorter, and run once more as a record of each step. First comes
 * the table of steps (table.c); then what the kind of failure asks for: who sleeps where and who wrote there last,
 * the two accesses of a race, who freed what is touched; then where each thread is, and the objects.
 */
#include <stdlib.h>
#include <string.h>

#include "places.h"
#include "session.h"
#include "table.h"
#include "trace.h"

/* ---- what the failure was ---- */

static bool is_on_stack_of(const void *address, unsigned number)
{
	unsigned fiber;

	return fiber_stack_of(address, &fiber) && fiber == number;
}

static unsigned last_wait(unsigned fiber)
{
	unsigned at = the_trace->n_records;

	while (at > 0 &&
	       (the_trace->records[at - 1].step.fiber != fiber || the_trace->records[at - 1].step.op != OP_WAIT))
		at--;
	return at;
}

/*
 * Who wrote there last, but for the sleeper itself, which only notes that it waits: that may be who has what is
 * waited for. What was on its stack before it waited was something else.
 */
static void print_writer(FILE *out, const void *word, unsigned sleeper)
{
	const struct record *const records = the_trace->records;
	unsigned at = the_trace->n_records;
	char text[TEXT] = "";

	do
		at = store_before(at < the_trace->n_records ? at : the_trace->n_records, word, 0);
	while (at < the_trace->n_records && records[at].step.fiber == sleeper);
	if (at == the_trace->n_records || (is_on_stack_of(word, sleeper) && at < last_wait(sleeper)))
		return;
	say_value(text, records[at].step.before);
	say(text, " -> ");
	say_value(text, records[at].step.after);
	say(text, " by %s, step %u: ", thread_name(records[at].step.fiber), at);
	say_place(text, records[at].step.pc, &records[at].calls);
	fprintf(out, "      last written by another: %s\n", text);
}

static void print_sleeper(FILE *out, unsigned number)
{
	const struct fiber *const fiber = &run.fibers[number];

	for (unsigned i = 0; i < fiber->n_words && fiber->state == FIBER_ASLEEP; i++) {
		char text[TEXT] = "";

		if (!fiber->queued[i])
			continue;
		say_address(text, fiber->words[i]);
		if (i == 0) {
			say(text, " while that is ");
			say_value(text, fiber->last.before);
			say(text, "; it is ");
		} else {
			say(text, ", which is ");
		}
		say_value(text, *(const uint32_t *)fiber->words[i]);
		if (i == 0 && *(const uint32_t *)fiber->words[i] != fiber->last.before)
			say(text, " now, and nobody woke it");
		fprintf(out, "      sleeps at %s\n", text);
		print_writer(out, fiber->words[i], number);
	}
}

static void print_fibers(FILE *out)
{
	static const char *const names[] = {
		[FIBER_UNUSED] = "has not run",		[FIBER_READY] = "can run",     [FIBER_ASLEEP] = "sleeps",
		[FIBER_JOINING] = "waits for a thread", [FIBER_DONE] = "has returned", [FIBER_DEAD] = "is dead",
	};

	for (unsigned i = 1; i < run.n_fibers; i++) {
		const struct fiber *const fiber = &run.fibers[i];
		const struct calls calls = trace_calls_of(i);
		char text[TEXT] = "";

		say(text, "%s %s%s", thread_name(i), i == run.failed_in ? "fails" : names[fiber->state],
		    fiber->state == FIBER_ASLEEP && fiber->timed ? " with a time-out" : "");
		if (fiber->state != FIBER_DONE && fiber->state != FIBER_DEAD && fiber->last.op != OP_NONE) {
			say(text, ", in its %s: ", op_names[fiber->last.op]);
			say_place(text, fiber->last.pc, &calls);
		}
		fprintf(out, "  %s\n", text);
		print_sleeper(out, i);
	}
}

static void print_access(FILE *out, const char *when, unsigned fiber, bool write, bool atomic, const void *pc,
			 const struct calls *calls, unsigned after)
{
	char text[TEXT] = "";

	if (pc != NULL)
		say_place(text, pc, calls);
	fprintf(out, "  %s: %s%s by %s, after step %d: %s\n", when, atomic ? "atomic " : "", write ? "write" : "read",
		thread_name(fiber), (int)after - 1, text);
}

static void print_race_half(FILE *out, const char *when, unsigned fiber, bool write, bool atomic)
{
	const struct race *const race = &the_trace->race;
	const struct access *access;

	if (!atomic) {
		access = trace_last_access(race->address, race->size, fiber, write);
		if (access != NULL)
			print_access(out, when, fiber, write, atomic, access->pc, &access->calls, access->after);
		return;
	}
	for (unsigned i = the_trace->n_records; i-- > 0;) {
		const struct record *const each = &the_trace->records[i];

		if (each->step.fiber == fiber && is_store(&each->step) == write &&
		    (uintptr_t)each->step.address - ((uintptr_t)race->address & ~(uintptr_t)7) < 8) {
			print_access(out, when, fiber, write, atomic, each->step.pc, &each->calls, i);
			return;
		}
	}
	const struct calls calls = trace_calls_of(fiber);

	print_access(out, when, fiber, write, atomic, run.fibers[fiber].last.pc, &calls, the_trace->n_records);
}

static void print_race(FILE *out)
{
	const struct race *const race = &the_trace->race;
	char text[TEXT] = "";

	if (!race->found)
		return;
	say_address(text, race->address);
	fprintf(out, " race at %s: nothing orders\n", text);
	print_race_half(out, "earlier", race->other, race->other_write, race->other_atomic);
	print_race_half(out, "later  ", run.failed_in, race->write, race->atomic);
}

/* Who freed the object of the touch that failed. */
static void print_freer(FILE *out)
{
	const void *const address = run.fibers[run.failed_in].last.address;
	unsigned best = the_trace->n_records;
	char text[TEXT] = "";

	for (unsigned i = the_trace->n_records; i-- > 0;) {
		const struct step *const each = &the_trace->records[i].step;

		if (each->op == OP_FREE && each->address <= address &&
		    (best == the_trace->n_records || each->address > the_trace->records[best].step.address))
			best = i;
	}
	if (best == the_trace->n_records)
		return;
	say_place(text, the_trace->records[best].step.pc, &the_trace->records[best].calls);
	fprintf(out, " freed by %s, step %u: %s\n", thread_name(the_trace->records[best].step.fiber), best, text);
}

static void print_failing(FILE *out)
{
	const void *pc = run.failed_at;
	char text[TEXT] = "";
	struct calls calls;

	if (run.failed_in == HOST || the_trace->race.found)
		return;
	if (places_of(pc) != NULL && places_of(pc)->at[0].owner == OWNER_EXPLORER)
		pc = run.fibers[run.failed_in].last.pc;
	calls = trace_calls_of(run.failed_in);
	say_place(text, pc, &calls);
	fprintf(out, " failed in %s: %s\n", thread_name(run.failed_in), text);
	if (strncmp(run.failure, "use after free", 14) == 0)
		print_freer(out);
}

/* ---- the places of all that is shown, found at once ---- */

static struct {
	const void **of;
	size_t n, room;
} pcs;

static void want(const void *pc)
{
	if (pcs.n == pcs.room) {
		pcs.room = 2 * pcs.room + 64;
		pcs.of = realloc(pcs.of, pcs.room * sizeof(*pcs.of));
		if (pcs.of == NULL)
			abort();
	}
	pcs.of[pcs.n++] = pc;
}

static void want_calls(const void *pc, const struct calls *calls)
{
	want(pc);
	for (unsigned i = 0; i < calls->n; i++)
		want(calls->pc[i]);
}

static void find_places(void)
{
	pcs.n = 0;
	want(run.failed_at);
	for (unsigned i = 0; i < the_trace->n_records; i++)
		want_calls(the_trace->records[i].step.pc, &the_trace->records[i].calls);
	for (unsigned i = 0; i < run.n_fibers; i++) {
		const struct calls calls = trace_calls_of(i);

		want_calls(run.fibers[i].last.pc, &calls);
	}
	for (unsigned i = 0; i < 4; i++) {
		const struct race *const race = &the_trace->race;
		const struct access *const access =
			race->found ? trace_last_access(race->address, race->size,
							i % 2 ? race->other : run.failed_in, i / 2)
				    : NULL;

		if (access != NULL)
			want_calls(access->pc, &access->calls);
	}
	places_find(pcs.of, pcs.n);
}

/* ---- a failure ---- */

static struct schedule recorded;

static void run_again(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed)
{
	const bool held = marks_hold(true);

	run.record = &recorded;
	run.tracing = true;
	run_schedule(scenario, plan, seed);
	run.tracing = false;
	run.record = NULL;
	marks_hold(held);
}

/* The text is the caller's to free. */
static char *describe(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *const out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	find_places();
	table_print(out, &recorded);
	print_failing(out);
	print_race(out);
	fprintf(out, " threads:\n");
	print_fibers(out);
	fprintf(out, " objects:\n");
	memory_print_objects(out);
	fclose(out);
	return text;
}

static char *command(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed,
		     const struct schedule *schedule)
{
	static char how[20 * DEVIATIONS_MAX];
	char *text = NULL;
	size_t size = 0;
	FILE *const out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	plan_repeat(plan, seed, schedule, how, sizeof(how));
	fprintf(out, "%s %s %s", options.program, scenario->name, how);
	fclose(out);
	return text;
}

static void tell(const struct weft_explore_scenario *scenario, const struct found *found)
{
	(options.json ? json_finding : lines_finding)(scenario, found);
}

/* By the seed, or by what a search or the user has written down; as short as it can be made. */
void report_failure(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan)
{
	static struct schedule first, shorter;
	struct found found = { .seed = seed, .steps = run.steps };
	const bool by_seed = plan->strategy != STRATEGY_SEARCH && plan->strategy != STRATEGY_GIVEN;
	struct plan given = *plan;
	const uint64_t hash = run.hash;
	const bool compare = options.jobs == 1; /* or it was another process's */
	static char message[sizeof(run.failure) + 128];
	bool same;

	snprintf(message, sizeof(message), "%s", compare ? run.failure : "failure");
	memory_end();
	given.strategy = STRATEGY_GIVEN;
	given.given = plan->strategy == STRATEGY_SEARCH ? &searched : plan->given;
	run_again(scenario, by_seed ? plan : &given, seed);
	same = run.failed && (!compare || run.hash == hash);
	first = recorded;
	found.repeat = command(scenario, plan, seed, by_seed ? NULL : given.given);
	shorter = first;
	/* A hang takes its time, and a shorter schedule takes as long. */
	if (options.minimise && !first.cut && same && strncmp(run.failure, "hang:", 5) != 0) {
		memory_end();
		if (minimise(scenario, &given, &shorter) && shorter.n < first.n) {
			memory_end();
			given.given = &shorter;
			run_again(scenario, &given, seed);
			found.shorter = command(scenario, &given, seed, &shorter);
		} else {
			run_again(scenario, by_seed ? plan : &given, seed);
		}
	}
	if (!same)
		snprintf(message + strlen(message), sizeof(message) - strlen(message),
			 " (but not the same when run again: what is not the seed's? rand(), a file, an address)");
	found.message = same ? run.failure : message;
	found.trace = describe();
	memory_end();
	tell(scenario, &found);
	free(found.repeat);
	free(found.shorter);
	free(found.trace);
}

/* A process that is gone left no trace. */
void report_death(const struct weft_explore_scenario *scenario, uint64_t seed, const struct plan *plan,
		  const char *message)
{
	char nothing[] = "";
	struct found found = { .seed = seed, .message = message, .trace = nothing };

	found.repeat = command(scenario, plan, seed, NULL);
	tell(scenario, &found);
	free(found.repeat);
}
