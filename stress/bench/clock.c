/* SPDX-License-Identifier: MIT */
/*
 * The clock that waits are measured with, and the busy loop that stands for work.
 *
 * Waits are timed with the time-stamp counter if the kernel itself keeps time by it, so that it is known to be steady and
 * the same on all CPUs; otherwise with clock_gettime(). Which one and what a reading costs is part of the report.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define CALIBRATION_NS 20000000u
#define TRIES 400

struct clock_info clock_info = { .ns_per_tick = 1, .ns_per_turn = 1 };

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_slow_ticks(void)
{
	return clock_ns();
}

/* One function for all peers, at one address: a loop's speed depends on where it lies. */
__attribute__((__noinline__, __aligned__(CACHE_LINE))) void burn(uint64_t turns)
{
	for (; turns > 0; turns--)
		__asm__ volatile("");
}

static bool kernel_uses_tsc(void)
{
#if defined(__x86_64__) || defined(__i386__)
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
	char name[32] = "";
	bool tsc;

	if (f == NULL)
		return false;
	tsc = fgets(name, sizeof(name), f) != NULL && strcmp(name, "tsc\n") == 0;
	fclose(f);
	return tsc;
#else
	return false;
#endif
}

static double measure_tick(void)
{
	const uint64_t from = clock_ns(), from_ticks = ticks();
	uint64_t to;

	do
		to = clock_ns();
	while (to - from < CALIBRATION_NS);
	return (double)(to - from) / (double)(ticks() - from_ticks);
}

/* The least of many tries is the one that nobody interrupted. */
static double measure_reading(void)
{
	double best = 1e9;

	for (unsigned try = 0; try < TRIES; try++) {
		const uint64_t from = clock_ns();

		for (unsigned i = 0; i < 1000; i++)
			keep((void *)(uintptr_t)ticks());
		best = best < (double)(clock_ns() - from) / 1000 ? best : (double)(clock_ns() - from) / 1000;
	}
	return best;
}

static double measure_turn(void)
{
	const uint64_t turns = 500000;
	double best = 1e9;

	for (unsigned try = 0; try < TRIES; try++) {
		const uint64_t from = clock_ns();
		double each;

		burn(turns);
		each = (double)(clock_ns() - from) / (double)turns;
		best = each < best ? each : best;
	}
	return best;
}

void clock_calibrate(void)
{
	clock_info.tsc = kernel_uses_tsc();
	clock_info.ns_per_tick = clock_info.tsc ? measure_tick() : 1;
	clock_info.cost_ns = measure_reading();
	clock_info.ns_per_turn = measure_turn();
}
