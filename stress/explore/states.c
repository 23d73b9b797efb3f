/* SPDX-License-Identifier: MIT */
/*
 * states.c - how many different states a scenario's schedules have been in, about.
 *
 * A thread is where it is by what it has done and read; so a state is the sum of hashes of that, one for each thread,
 * and two schedules that differ only in the order of steps that do not concern each other go through the same ones.
 *
 * HyperLogLog (Flajolet and others, 2007): a register keeps the longest run of zeros among the hashes that fall to
 * it, so 4096 bytes count any number to within 2 %, and the counts of several processes can be put together.
 */
#include <string.h>

#include "run.h"

uint8_t states_registers[STATES_REGISTERS];

void states_begin(void)
{
	memset(states_registers, 0, sizeof(states_registers));
}

void states_merge(const uint8_t registers[STATES_REGISTERS])
{
	for (unsigned i = 0; i < STATES_REGISTERS; i++)
		if (states_registers[i] < registers[i])
			states_registers[i] = registers[i];
}

/* The natural logarithm, for a ratio from 1 up; without the mathematics library. */
static double log_of_ratio(double ratio)
{
	const double ln2 = 0.69314718055994531;
	double whole = 0, sum = 0, term, square;

	while (ratio > 1.5) {
		ratio /= 2;
		whole++;
	}
	term = (ratio - 1) / (ratio + 1);
	square = term * term;
	for (unsigned i = 1; i < 32; i += 2) {
		sum += term / i;
		term *= square;
	}
	return whole * ln2 + 2 * sum;
}

uint64_t states_estimate(void)
{
	const double m = STATES_REGISTERS;
	double sum = 0, estimate;
	unsigned empty = 0;

	for (unsigned i = 0; i < STATES_REGISTERS; i++) {
		sum += 1 / (double)(UINT64_C(1) << states_registers[i]);
		empty += states_registers[i] == 0;
	}
	estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	if (estimate <= 2.5 * m && empty > 0)
		estimate = m * log_of_ratio(m / empty);
	return (uint64_t)(estimate + 0.5);
}
