/* SPDX-License-Identifier: MIT */
/*
 * schedule.c - a schedule written down: what it does other than the default one (sched.c), and its text.
 *
 *	schedule  = deviation *((" " / ",") deviation)
 *	deviation = thread "." step ["/" nth] what
 *	what      = ">" thread		instead of going on, that thread runs
 *		  / ">" thread "t"	the same, and its time is up: it was asleep
 *		  / "~" number		the load returns a store so many stores older than the newest
 *		  / "?" number		weft_explore_choose() returns this
 *		  / "@" number		the wake takes not the oldest sleeper, but that one in the order of age
 *		  / "!" fault		one of the names of --faults happens
 *	thread    = its number, or "-": the one that runs begin and end
 *
 * A step is one of the thread's own, counted from 1, with its falling asleep and its end (0: before the first). It
 * stands for the choice before the step where the choice is who runs, in the step otherwise. "/nth" is for the second
 * (/1), third... choice of the same kind in a step. So "1.12>2 2.5~1 0.7!eintr" is: thread 1 comes to its 12th step
 * and thread 2 runs instead; 2's load in its 5th step returns the last store but one; 0's wait is interrupted.
 *
 * A deviation that cannot be, as its step never comes, its thread cannot run, or the number is too large, is left out
 * or made smaller.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { NONE = DEVIATIONS_MAX };

/* Of each fiber: its deviations that are not behind it, by step. */
static struct {
	const struct deviation *of;
	uint16_t first[FIBERS], next[DEVIATIONS_MAX];
} given;

void schedule_record(struct schedule *schedule, enum choice kind, unsigned fiber, unsigned nth, uint32_t value)
{
	if (schedule->n == DEVIATIONS_MAX) {
		schedule->cut = true;
		return;
	}
	schedule->of[schedule->n++] = (struct deviation){
		.step = run.fibers[fiber].own_steps,
		.value = value,
		.nth = (uint16_t)nth,
		.fiber = (uint8_t)fiber,
		.kind = (uint8_t)kind,
	};
}

/* Deviations of one fiber are in the order of its steps nearly always: as recorded. */
void schedule_replay(const struct schedule *schedule)
{
	given.of = schedule->of;
	for (unsigned i = 0; i < FIBERS; i++)
		given.first[i] = NONE;
	for (unsigned i = schedule->n; i-- > 0;) {
		const struct deviation *const each = &schedule->of[i];
		uint16_t *at = &given.first[each->fiber];

		while (*at != NONE && schedule->of[*at].step < each->step)
			at = &given.next[*at];
		given.next[i] = *at;
		*at = (uint16_t)i;
	}
}

bool schedule_given(enum choice kind, unsigned fiber, unsigned nth, uint32_t *value)
{
	const uint32_t step = run.fibers[fiber].own_steps;
	uint16_t *const first = &given.first[fiber];

	while (*first != NONE && given.of[*first].step < step)
		*first = given.next[*first];
	for (unsigned i = *first; i != NONE && given.of[i].step == step; i = given.next[i])
		if (given.of[i].kind == kind && given.of[i].nth == nth) {
			*value = given.of[i].value;
			return true;
		}
	return false;
}

/* ---- text ---- */

static int print_thread(char *text, size_t size, unsigned fiber)
{
	return fiber == 0 ? snprintf(text, size, "-") : snprintf(text, size, "%u", fiber - 1);
}

static int print_what(char *text, size_t size, const struct deviation *each)
{
	char thread[16];

	switch (each->kind) {
	case CHOICE_RUN:
		print_thread(thread, sizeof(thread), each->value % EXPIRES);
		return snprintf(text, size, ">%s%s", thread, each->value >= EXPIRES ? "t" : "");
	case CHOICE_STALE:
		return snprintf(text, size, "~%u", each->value);
	case CHOICE_SCENARIO:
		return snprintf(text, size, "?%u", each->value);
	case CHOICE_FAULT + FAULT_ORDER:
		return snprintf(text, size, "@%u", each->value);
	default:
		return snprintf(text, size, "!%s", fault_names[each->kind - CHOICE_FAULT]);
	}
}

/* Return: its length; nothing is written where it is longer than @size. */
static size_t print_one(char *text, size_t size, const struct deviation *each)
{
	char whole[64], *at = whole;

	at += print_thread(at, 16, each->fiber);
	at += snprintf(at, 16, ".%u", each->step);
	if (each->nth > 0)
		at += snprintf(at, 16, "/%u", each->nth);
	at += print_what(at, 16, each);
	if ((size_t)(at - whole) < size)
		memcpy(text, whole, (size_t)(at - whole) + 1);
	return (size_t)(at - whole);
}

size_t schedule_print(const struct schedule *schedule, char *text, size_t size)
{
	size_t length = 0;

	if (size > 0)
		*text = '\0';
	for (unsigned i = 0; i < schedule->n; i++) {
		if (i > 0 && length + 1 < size)
			memcpy(text + length, " ", 2);
		length += i > 0;
		length += print_one(text + length, length < size ? size - length : 0, &schedule->of[i]);
	}
	return length;
}

static bool parse_number(const char **at, uint32_t *number)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**at))
		return false;
	value = strtoul(*at, &end, 10);
	*number = (uint32_t)value;
	*at = end;
	return value <= UINT32_MAX;
}

static bool parse_thread(const char **at, uint32_t *fiber)
{
	if (**at == '-') {
		++*at;
		*fiber = 0;
		return true;
	}
	return parse_number(at, fiber) && ++*fiber<FIBERS && * fiber> 0;
}

static bool parse_fault(const char **at, struct deviation *each)
{
	const size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyz");

	each->value = 1;
	for (unsigned i = 0; i < FAULT_KINDS; i++)
		if (strlen(fault_names[i]) == length && strncmp(fault_names[i], *at, length) == 0) {
			each->kind = (uint8_t)(CHOICE_FAULT + i);
			*at += length;
			return true;
		}
	return false;
}

static bool parse_what(const char **at, struct deviation *each)
{
	switch (*(*at)++) {
	case '>':
		each->kind = CHOICE_RUN;
		if (!parse_thread(at, &each->value))
			return false;
		if (**at == 't') {
			++*at;
			each->value += EXPIRES;
		}
		return true;
	case '~':
		each->kind = CHOICE_STALE;
		return parse_number(at, &each->value);
	case '?':
		each->kind = CHOICE_SCENARIO;
		return parse_number(at, &each->value);
	case '@':
		each->kind = CHOICE_FAULT + FAULT_ORDER;
		return parse_number(at, &each->value);
	case '!':
		return parse_fault(at, each);
	default:
		return false;
	}
}

static bool parse_one(const char **at, struct deviation *each)
{
	uint32_t fiber, nth = 0;

	memset(each, 0, sizeof(*each));
	if (!parse_thread(at, &fiber) || *(*at)++ != '.' || !parse_number(at, &each->step))
		return false;
	if (**at == '/') {
		++*at;
		if (!parse_number(at, &nth) || nth > UINT16_MAX)
			return false;
	}
	each->fiber = (uint8_t)fiber;
	each->nth = (uint16_t)nth;
	return parse_what(at, each);
}

bool schedule_parse(struct schedule *schedule, const char *text)
{
	schedule->n = 0;
	schedule->cut = false;
	for (;;) {
		text += strspn(text, " ,\t\n");
		if (*text == '\0')
			return true;
		if (schedule->n == DEVIATIONS_MAX || !parse_one(&text, &schedule->of[schedule->n++]) ||
		    strchr(" ,\t\n", *text) == NULL) /* which finds the end too */
			return false;
	}
}
