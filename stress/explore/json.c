/* SPDX-License-Identifier: MIT */
/*
 * json.c - results for programs: one flat object a line, on standard output, and nothing else there.
 *
 * Numbers are whole or have a point; there is no list and no object in an object. "type" says which of them it is.
 */
#include <stdio.h>
#include <string.h>

#include "session.h"

static const char *separator = "";

static void open_object(const char *type)
{
	printf("{\"type\": \"%s\"", type);
	separator = ", ";
}

static void close_object(void)
{
	printf("}\n");
	fflush(stdout);
}

/* What is no ASCII text is written as one code for each byte: messages are ours, file names may be anything. */
static void put_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c == '\n')
			printf("\\n");
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void string(const char *name, const char *value)
{
	printf("%s\"%s\": ", separator, name);
	put_string(value);
}

static void number(const char *name, uint64_t value)
{
	printf("%s\"%s\": %llu", separator, name, (unsigned long long)value);
}

static void fraction(const char *name, double value)
{
	printf("%s\"%s\": %.9g", separator, name, value);
}

static void truth(const char *name, bool value)
{
	printf("%s\"%s\": %s", separator, name, value ? "true" : "false");
}

void json_finding(const struct weft_explore_scenario *scenario, const struct found *found)
{
	char kind[KIND_SIZE];

	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(found->message, ":"), found->message);
	open_object("finding");
	string("scenario", scenario->name);
	string("kind", kind);
	string("message", found->message);
	number("seed", found->seed);
	string("repeat", found->repeat);
	if (found->shorter != NULL)
		string("shorter", found->shorter);
	string("trace", found->trace);
	close_object();
}

static void mark_object(const char *scenario, const char *name, uint64_t count)
{
	open_object("mark");
	string("scenario", scenario);
	string("name", name);
	number("count", count);
	close_object();
}

void json_outcome(const struct outcome *outcome)
{
	const struct tally *const tally = &outcome->tally;
	const char *const *const wanted = outcome->scenario->marks;

	open_object("scenario");
	string("name", outcome->scenario->name);
	truth("ok", !outcome->failed);
	number("schedules", get(&tally->schedules));
	number("failures", get(&tally->failures));
	number("steps", get(&tally->steps));
	number("states", outcome->states);
	fraction("seconds", outcome->seconds);
	truth("complete", tally->complete);
	truth("marks_missed", outcome->missed);
	close_object();
	for (unsigned i = 0; i < tally->n_findings && options.keep_going; i++) {
		open_object("count");
		string("scenario", outcome->scenario->name);
		string("kind", tally->findings[i].kind);
		number("count", tally->findings[i].count);
		number("seed", options.first_seed + tally->findings[i].offset);
		close_object();
	}
	for (unsigned i = 0; i < MARKS && tally->marks[i].name != NULL; i++)
		mark_object(outcome->scenario->name, tally->marks[i].name, tally->marks[i].n);
	for (unsigned i = 0; wanted != NULL && wanted[i] != NULL; i++)
		if (mark_count(tally->marks, wanted[i]) == 0)
			mark_object(outcome->scenario->name, wanted[i], 0);
}

void json_summary(const struct summary *summary)
{
	open_object("summary");
	number("scenarios", summary->ran);
	number("wanted", summary->wanted);
	number("failed", summary->failed);
	number("schedules", summary->schedules);
	number("failures", summary->failures);
	fraction("seconds", summary->seconds);
	number("least_schedules", summary->least);
	if (summary->least > 0)
		fraction("failing_share_below", 3.0 / (double)summary->least);
	close_object();
}
