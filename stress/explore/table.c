/* SPDX-License-Identifier: MIT */
/*
 * table.c - the steps of a schedule in words.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "places.h"
#include "table.h"

const char *const op_names[] = {
	[OP_NONE] = "-",	  [OP_LOAD] = "load",	[OP_STORE] = "store",	  [OP_RMW] = "rmw",
	[OP_CAS] = "cas",	  [OP_FENCE] = "fence", [OP_WAIT] = "wait",	  [OP_WAKE] = "wake",
	[OP_REQUEUE] = "requeue", [OP_CLOCK] = "clock", [OP_CPU] = "cpu",	  [OP_PAUSE] = "pause",
	[OP_YIELD] = "yield",	  [OP_AWAIT] = "yield", [OP_STEP] = "step",	  [OP_READ] = "read",
	[OP_WRITE] = "write",	  [OP_FREE] = "free",	[OP_RETURNED] = "waited", [OP_CALLED] = "called",
	[OP_ANSWERED] = "answer", [OP_START] = "start", [OP_JOIN] = "join",	  [OP_SIGNAL] = "signal",
	[OP_HANDLED] = "handled", [OP_DEATH] = "dies",	[OP_END] = "end",	  [OP_ALLOC] = "alloc",
};

static const char *const order_names[] = { "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst" };

/* ---- words for threads, values, addresses, places ---- */

void say(char text[TEXT], const char *format, ...)
{
	const size_t length = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, TEXT - length, format, args);
	va_end(args);
}

const char *thread_name(unsigned fiber)
{
	static char names[4][8];
	static unsigned turn;
	char *const name = names[turn++ % 4];

	snprintf(name, sizeof(names[0]), fiber == 0 ? "T-" : "T%u", fiber - 1);
	return name;
}

void say_address(char text[TEXT], const void *address)
{
	char name[64];

	memory_name(address, name, sizeof(name));
	if (strncmp(name, "0x", 2) == 0 || strncmp(name, "static+", 7) == 0)
		places_variable(address, name, sizeof(name));
	if (strlen(name) > 2 && strcmp(name + strlen(name) - 2, "+0") == 0)
		name[strlen(name) - 2] = '\0';
	say(text, "%s", name);
}

void say_value(char text[TEXT], uint64_t value)
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

void say_place(char text[TEXT], const void *pc, const struct calls *calls)
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

bool is_store(const struct step *step)
{
	return step->op == OP_STORE || step->op == OP_RMW || (step->op == OP_CAS && step->result);
}

unsigned store_before(unsigned at, const void *address, unsigned stale)
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

static void fill_row(struct row *row, unsigned at, const struct schedule *schedule)
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
		if (schedule->of[i].kind != CHOICE_RUN)
			say_choice(row->of[PLACE], &schedule->of[i], at);
		else if (n < 2)
			say_choice(row->before[n++], &schedule->of[i], at);
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

void table_print(FILE *out, const struct schedule *schedule)
{
	const unsigned all = the_trace->n_records, n = all < options.trace ? all : options.trace;
	struct row *const rows = calloc(n + 1, sizeof(*rows));
	unsigned widths[COLUMNS];

	if (rows == NULL)
		abort();
	for (unsigned i = 0; i < n; i++)
		fill_row(&rows[i], shown_from(i), schedule);
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
