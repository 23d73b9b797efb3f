/* SPDX-License-Identifier: MIT */
/*
 * report.c - what is told of a failure.
 *
 * The schedule is run again by its seed, made shorter, and run once more as a record of each step. From that comes
 * the table of steps; then what the kind of failure asks for: who sleeps where and who wrote there last, the two
 * accesses of a race, who freed what is touched; then where each thread is, and the objects.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "places.h"
#include "session.h"
#include "trace.h"

static const char *const op_names[] = {
	[OP_NONE] = "-",	  [OP_LOAD] = "load",	[OP_STORE] = "store",	  [OP_RMW] = "rmw",
	[OP_CAS] = "cas",	  [OP_FENCE] = "fence", [OP_WAIT] = "wait",	  [OP_WAKE] = "wake",
	[OP_REQUEUE] = "requeue", [OP_CLOCK] = "clock", [OP_CPU] = "cpu",	  [OP_PAUSE] = "pause",
	[OP_YIELD] = "yield",	  [OP_AWAIT] = "yield", [OP_STEP] = "step",	  [OP_READ] = "read",
	[OP_WRITE] = "write",	  [OP_FREE] = "free",	[OP_RETURNED] = "waited", [OP_CALLED] = "called",
	[OP_ANSWERED] = "answer", [OP_START] = "start", [OP_JOIN] = "join",	  [OP_SIGNAL] = "signal",
	[OP_HANDLED] = "handled", [OP_DEATH] = "dies",	[OP_END] = "end",	  [OP_ALLOC] = "alloc",
};

static const char *const order_names[] = { "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst" };

enum { TEXT = 160 };

/* ---- words for threads, values, addresses, places ---- */

/* Appends. */
__attribute__((__format__(__printf__, 2, 3))) static void say(char text[TEXT], const char *format, ...)
{
	const size_t length = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, TEXT - length, format, args);
	va_end(args);
}

static const char *thread_name(unsigned fiber)
{
	static char names[4][8];
	static unsigned turn;
	char *const name = names[turn++ % 4];

	snprintf(name, sizeof(names[0]), fiber == 0 ? "T-" : "T%u", fiber - 1);
	return name;
}

static void say_address(char text[TEXT], const void *address)
{
	char name[64];

	memory_name(address, name, sizeof(name));
	if (strncmp(name, "0x", 2) == 0 || strncmp(name, "static+", 7) == 0)
		places_variable(address, name, sizeof(name));
	if (strlen(name) > 2 && strcmp(name + strlen(name) - 2, "+0") == 0)
		name[strlen(name) - 2] = '\0';
	say(text, "%s", name);
}

/* An address of an object by its name, small numbers as people count, the rest in hexadecimal. */
static void say_value(char text[TEXT], uint64_t value)
{
	char name[64];

	memory_name((const void *)(uintptr_t)value, name, sizeof(name));
	if (value < 1000) {
		say(text, "%" PRIu64, value);
	} else if (name[0] != '0' && name[0] != '-') {
		say(text, "&");
		say_address(text, (const void *)(uintptr_t)value);
	} else {
		say(text, "0x%" PRIx64, value);
	}
}

/* The file is left out where it is that of @before. */
static void say_one_place(char text[TEXT], const struct place *place, const struct place *before)
{
	const bool same = before != NULL && before->file != NULL && place->file != NULL &&
			  strcmp(before->file, place->file) == 0;

	if (before != NULL)
		say(text, " > ");
	if (place->file == NULL)
		say(text, "%s", place->function != NULL ? place->function : "?");
	else if (place->line == 0) /* code that stands for several places */
		say(text, "%s %s", place->file, place->function != NULL ? place->function : "");
	else
		say(text, "%s:%u%s%s", same ? "" : place->file, place->line, place->function != NULL ? " " : "",
		    place->function != NULL ? place->function : "");
}

/* What weft does everything through: a place there says nothing. */
static bool is_door(const struct place *place)
{
	static const char *const doors[] = {
		"atomic.h", "futex.c", "futex.h", "spin.h", "time.c", "wait.c", "wait.h"
	};

	for (unsigned i = 0; i < sizeof(doors) / sizeof(*doors) && place->file != NULL; i++)
		if (strcmp(place->file, doors[i]) == 0)
			return true;
	return false;
}

enum { FRAMES = 32 };

/* All of them, those that the compiler has put into one another too; the innermost first. Return: how many. */
static unsigned frames_of(const struct place *frames[FRAMES], const void *pc, const struct calls *calls)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= calls->n; i++) {
		const struct places *const places = places_of(i == 0 ? pc : calls->pc[i - 1]);

		for (unsigned j = 0; places != NULL && j < places->n && n < FRAMES; j++)
			frames[n++] = &places->at[j];
	}
	return n;
}

/*
 * The user's places first, as that is where to look: the innermost, with where it was called from; then the one in
 * weft that it led to.
 */
static void say_place(char text[TEXT], const void *pc, const struct calls *calls)
{
	const struct place *frames[FRAMES], *told[3] = { NULL }, *before = NULL;
	const unsigned n = frames_of(frames, pc, calls);

	for (unsigned i = 0; i < n; i++) {
		if (frames[i]->owner == OWNER_USER && told[1] == NULL)
			told[1] = frames[i];
		else if (frames[i]->owner == OWNER_USER && told[0] == NULL)
			told[0] = frames[i];
		else if (frames[i]->owner == OWNER_WEFT && told[1] == NULL && told[2] == NULL && !is_door(frames[i]))
			told[2] = frames[i];
	}
	if (told[1] == NULL && told[2] == NULL && n > 0)
		told[2] = frames[0];
	for (unsigned i = 0; i < 3; i++)
		if (told[i] != NULL) {
			say_one_place(text, told[i], before);
			before = told[i];
		}
}

/* ---- which store a load came from ---- */

static bool is_store(const struct step *step)
{
	return step->op == OP_STORE || step->op == OP_RMW || (step->op == OP_CAS && step->result);
}

/* Return: the record, or n_records: it was there from the start, or came with a plain access. */
static unsigned store_before(unsigned at, const void *address, unsigned stale)
{
	while (at-- > 0)
		if (is_store(&the_trace->records[at].step) && the_trace->records[at].step.address == address &&
		    stale-- == 0)
			return at;
	return the_trace->n_records;
}

static void say_source(char text[TEXT], unsigned at)
{
	const struct step *const step = &the_trace->records[at].step;
	const unsigned from = store_before(at, step->address, (unsigned)step->stale);

	if (from < the_trace->n_records && the_trace->records[from].step.after == step->before)
		say(text, "%s #%u", thread_name(the_trace->records[from].step.fiber), from);
	if (step->stale > 0)
		say(text, "%s%d store%s old", *text != '\0' ? ", " : "", step->stale, step->stale == 1 ? "" : "s");
}

/* ---- one step as a row ---- */

enum column { THREAD, WHAT, WHERE, ORDER, VALUES, FROM, PLACE, COLUMNS };

struct row {
	unsigned number;
	char of[COLUMNS][TEXT];
	char before[2][TEXT]; /* lines: what was decided about who runs */
};

static void say_result(char text[TEXT], int64_t result)
{
	static const struct {
		int64_t number;
		const char *name;
	} names[] = { { -4, "EINTR" }, { -11, "EAGAIN" }, { -110, "ETIMEDOUT" }, { -12, "ENOMEM" } };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].number == result) {
			say(text, "-%s", names[i].name);
			return;
		}
	say(text, "%" PRId64, result);
}

static void say_values(char text[TEXT], const struct record *record)
{
	const struct step *const step = &record->step;

	switch (step->op) {
	case OP_LOAD:
		say_value(text, step->before);
		break;
	case OP_STORE:
	case OP_RMW:
	case OP_CAS:
		say_value(text, step->before);
		if (step->op == OP_CAS && !step->result) {
			say(text, ", fails");
			break;
		}
		say(text, " -> ");
		say_value(text, step->after);
		break;
	case OP_WAIT:
		say(text, "while ");
		say_value(text, step->before);
		if (step->result == INT_MAX) {
			say(text, ": sleeps");
			break;
		}
		say(text, ": ");
		say_result(text, step->result);
		break;
	case OP_WAKE:
		if (step->before >= INT_MAX)
			say(text, "all: ");
		else
			say(text, "up to %" PRIu64 ": ", step->before);
		say(text, "%" PRId64 " woken", step->result);
		break;
	case OP_RETURNED:
		if (record->woken)
			say(text, "woken");
		else if (step->result == 0)
			say(text, "0 without a wake");
		else
			say_result(text, step->result);
		break;
	case OP_START:
	case OP_JOIN:
		if (step->result >= 0)
			say(text, "%s", thread_name((unsigned)step->result + 1));
		else
			say_result(text, step->result);
		break;
	case OP_CLOCK:
		say(text, "%" PRId64 " ns", step->result);
		break;
	case OP_CALLED:
		say(text, "%" PRIu64 " (%" PRId64 ")", step->before, (int64_t)step->after);
		break;
	case OP_REQUEUE:
	case OP_ANSWERED:
		say_result(text, step->result);
		break;
	default:
		break;
	}
}

static struct schedule recorded;

/* Whether a thread that ran before the record at @at could have gone on: it neither slept nor gave way nor ended. */
static bool could_go_on(unsigned fiber, unsigned at)
{
	const struct record *const records = the_trace->records;
	enum op next = fiber == 0 ? OP_YIELD : run.fibers[fiber].last.op;
	unsigned before = at, after = at;

	while (before > 0 && records[before - 1].step.fiber != fiber)
		before--;
	if (before > 0 && records[before - 1].step.op == OP_WAIT && records[before - 1].step.result == INT_MAX)
		return false;
	while (after < the_trace->n_records && records[after].step.fiber != fiber)
		after++;
	if (after < the_trace->n_records)
		next = records[after].step.op;
	else if (run.fibers[fiber].state >= FIBER_DONE)
		return false;
	return next != OP_PAUSE && next != OP_YIELD && next != OP_AWAIT;
}

/* A deviation as it is written, and what it means. */
static void say_choice(char text[TEXT], const struct deviation *each, unsigned at)
{
	static struct schedule one;
	char written[64];

	one.n = 1;
	one.of[0] = *each;
	schedule_print(&one, written, sizeof(written));
	if (each->kind != CHOICE_RUN)
		say(text, "  [%s]", written);
	else if (each->value >= EXPIRES)
		say(text, "%s's time is up  [%s]", thread_name(each->value - EXPIRES), written);
	else if (could_go_on(each->fiber, at))
		say(text, "%s is preempted  [%s]", thread_name(each->fiber), written);
	else
		say(text, "%s is next  [%s]", thread_name(each->value), written);
}

static void fill_row(struct row *row, unsigned at)
{
	const struct record *const record = &the_trace->records[at];
	const struct step *const step = &record->step;
	unsigned n = 0;

	row->number = at;
	say(row->of[THREAD], "%s", thread_name(step->fiber));
	say(row->of[WHAT], "%s", op_names[step->op]);
	if (step->address != NULL)
		say_address(row->of[WHERE], step->address);
	if (step->op >= OP_LOAD && step->op <= OP_FENCE)
		say(row->of[ORDER], "%s", order_names[step->order]);
	say_values(row->of[VALUES], record);
	if (step->op == OP_LOAD || step->op == OP_RMW || step->op == OP_CAS)
		say_source(row->of[FROM], at);
	say_place(row->of[PLACE], step->pc, &record->calls);
	for (unsigned i = at > 0 ? record[-1].deviations : 0; i < record->deviations; i++)
		if (recorded.of[i].kind != CHOICE_RUN)
			say_choice(row->of[PLACE], &recorded.of[i], at);
		else if (n < 2)
			say_choice(row->before[n++], &recorded.of[i], at);
}

/* ---- the table ---- */

static const char *const titles[COLUMNS] = {
	[WHAT] = "does", [WHERE] = "at", [ORDER] = "order", [VALUES] = "value", [FROM] = "from", [PLACE] = "where",
};

static void measure(unsigned widths[COLUMNS], const struct row *rows, unsigned n)
{
	static const unsigned most[COLUMNS] = { 4, 8, 32, 8, 40, 32, 0 };

	for (enum column i = 0; i < PLACE; i++) {
		widths[i] = 0;
		for (unsigned j = 0; j < n; j++)
			if (strlen(rows[j].of[i]) > widths[i])
				widths[i] = (unsigned)strlen(rows[j].of[i]);
		if (titles[i] != NULL && widths[i] > 0 && widths[i] < strlen(titles[i]))
			widths[i] = (unsigned)strlen(titles[i]);
		if (widths[i] > most[i])
			widths[i] = most[i];
	}
}

static void put_row(FILE *out, const unsigned widths[COLUMNS], const struct row *row)
{
	for (unsigned i = 0; i < 2 && row->before[i][0] != '\0'; i++)
		fprintf(out, "        -- %s\n", row->before[i]);
	fprintf(out, "  %5u", row->number);
	for (enum column i = 0; i < PLACE; i++)
		if (widths[i] > 0)
			fprintf(out, " %-*s", (int)widths[i], row->of[i]);
	fprintf(out, "  %s\n", row->of[PLACE]);
}

static void put_titles(FILE *out, const unsigned widths[COLUMNS])
{
	fprintf(out, "   step");
	for (enum column i = 0; i < PLACE; i++)
		if (widths[i] > 0)
			fprintf(out, " %-*s", (int)widths[i], titles[i] != NULL ? titles[i] : "");
	fprintf(out, "  %s\n", titles[PLACE]);
}

/* Without the middle where it is long: a first quarter, then what led to the end. */
static unsigned shown_from(unsigned i)
{
	const unsigned all = the_trace->n_records, most = options.trace;

	return all <= most || i < most / 4 ? i : i + all - most;
}

static void print_table(FILE *out)
{
	const unsigned all = the_trace->n_records, n = all < options.trace ? all : options.trace;
	struct row *const rows = calloc(n + 1, sizeof(*rows));
	unsigned widths[COLUMNS];

	if (rows == NULL)
		abort();
	for (unsigned i = 0; i < n; i++)
		fill_row(&rows[i], shown_from(i));
	measure(widths, rows, n);
	if (n > 0)
		put_titles(out, widths);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0 && rows[i].number != rows[i - 1].number + 1)
			fprintf(out, "    ... %u more; --trace %u shows all\n",
				rows[i].number - rows[i - 1].number - 1, all);
		put_row(out, widths, &rows[i]);
	}
	free(rows);
}

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
	print_table(out);
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
