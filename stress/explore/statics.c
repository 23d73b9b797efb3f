/* SPDX-License-Identifier: MIT */
/*
 * statics.c - the program's static data, put back after each schedule.
 *
 * Of what instrumented code writes there, the first write of a schedule to each four bytes is noted with what was
 * there before. What is written otherwise, by functions of the C library that libc.c does not have, stays.
 */
#include <string.h>

#include "shadow.h"

static size_t n_saved;

void statics_save(void *address, size_t size)
{
	const size_t first = (size_t)((char *)address - shadow.statics) / 4;
	const size_t end = (size_t)((char *)address - shadow.statics) + size;

	for (size_t i = first; i * 4 < end && i * 4 < shadow.statics_size; i++) {
		struct unit *const unit = &shadow.static_units[i];
		struct saved *const saved = &shadow.saved[n_saved];

		if (unit->saved == run.generation)
			continue;
		unit->saved = run.generation;
		saved->word = (uint32_t)i;
		memcpy(&saved->old, shadow.statics + i * 4, 4);
		n_saved++;
	}
}

void statics_restore(void)
{
	while (n_saved > 0) {
		const struct saved *const saved = &shadow.saved[--n_saved];

		memcpy(shadow.statics + (size_t)saved->word * 4, &saved->old, 4);
	}
}
