/* SPDX-License-Identifier: MIT */
/*
 * The clock that waits are measured with, and the busy loop that stands for work.
 *
 * Waits are timed with the time-stamp counter if the kernel itself keeps time by it, so that it is known to be steady
 * and the same on all CPUs; otherwise with clock_gettime(). Which one and what a reading costs is part of the report.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define TICK_NS 20000000u		/* how long each is measured */
#define READING_NS 20000000u
#define TURN_NS 300000000u

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
	while (to - from < TICK_NS);
	return (double)(to - from) / (double)(ticks() - from_ticks);
}

static void read_clock(uint64_t n)
{
	for (; n > 0; n--)
		keep((void *)(uintptr_t)ticks());
}

/* The least of many tries: the one that nothing slowed down. A neighbour on the same core can do so for long. */
static double least(void (*what)(uint64_t n), uint64_t n, uint64_t length_ns)
{
	const uint64_t begin = clock_ns();
	uint64_t from = begin, to, best = UINT64_MAX;

	while (from - begin < length_ns) {
		what(n);
		to = clock_ns();
		best = to - from < best ? to - from : best;
		from = to;
	}
	return (double)best / (double)n;
}

void clock_calibrate(void)
{
	clock_info.tsc = kernel_uses_tsc();
	clock_info.ns_per_tick = clock_info.tsc ? measure_tick() : 1;
	clock_info.cost_ns = least(read_clock, 1000, READING_NS);
	clock_info.ns_per_turn = least(burn, 100000, TURN_NS);
}
