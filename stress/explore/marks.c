/* SPDX-License-Identifier: MIT */
/*
 * marks.c - how often scenarios went by places that must be reached.
 *
 * A name is a constant, so its address stands for it where it is met again; two constants may say the same, and are
 * one mark where counts are put together.
 */
#include <string.h>

#include "session.h"

static struct mark met[MARKS];
static bool held;

void weft_explore_reached(const char *name)
{
	IN_SCHEDULE();
	for (unsigned i = 0; i < MARKS && !held; i++) {
		if (met[i].name == NULL)
			met[i].name = name;
		if (met[i].name == name) {
			met[i].n++;
			return;
		}
	}
}

void marks_begin(void)
{
	memset(met, 0, sizeof(met));
}

bool marks_hold(bool hold)
{
	const bool was = held;

	held = hold;
	return was;
}

void marks_merge(struct mark into[MARKS], const struct mark from[MARKS])
{
	for (unsigned i = 0; i < MARKS && from[i].name != NULL; i++)
		for (unsigned j = 0; j < MARKS; j++) {
			if (into[j].name == NULL)
				into[j].name = from[i].name;
			if (strcmp(into[j].name, from[i].name) == 0) {
				into[j].n += from[i].n;
				break;
			}
		}
}

void marks_take(struct mark into[MARKS])
{
	marks_merge(into, met);
	marks_begin();
}

uint64_t mark_count(const struct mark marks[MARKS], const char *name)
{
	for (unsigned i = 0; i < MARKS && marks[i].name != NULL; i++)
		if (strcmp(marks[i].name, name) == 0)
			return marks[i].n;
	return 0;
}
