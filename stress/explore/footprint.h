/* SPDX-License-Identifier: MIT */
/*
 * footprint.h - what a step touched, so that the search knows which steps commute.
 *
 * Whatever a step reads or writes that another fiber's step might too is touched: memory, and what the explorer has
 * of its own. Who adds a thing that threads share adds its touch, or the search loses schedules. Memory counts by
 * four bytes. Two steps commute if neither touched what the other wrote. A fiber's stack can be left by any step of
 * its own, so a touch of another fiber's stack commutes with none of them. Of what does not fit, everything is taken
 * to be touched.
 *
 * While nothing is searched a touch costs one comparison.
 */
#ifndef EXPLORE_FOOTPRINT_H
#define EXPLORE_FOOTPRINT_H

#include "run.h"

enum { TOUCHED_MAX = 32 };

struct footprint {
	uint8_t n;
	bool all;
	uint16_t stacks; /* of other fibers */
	uint64_t touched[TOUCHED_MAX];
};

void footprint_clear(struct footprint *of);
void footprint_all(struct footprint *of);
void footprint_join(struct footprint *into, const struct footprint *from);
bool footprint_commutes(const struct footprint *a, unsigned of_a, const struct footprint *b, unsigned of_b);

#endif
