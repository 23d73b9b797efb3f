/* SPDX-License-Identifier: MIT */
/*
 * phases.c - each thread writes its own cell, then reads its neighbour's, round after round; with one barrier in a
 * round the next round's write meets the read of this one.
 * expect: phases-broken race
 */
#include <weft.h>
#include <weft/explore.h>

enum { THREADS = 3, ROUNDS = 2 };

struct ring {
	struct weft_barrier barrier;
	int cells[THREADS];
};

static void *begin(void)
{
	struct ring *const ring = weft_explore_alloc(sizeof(*ring), "ring");

	weft_barrier_init(&ring->barrier, THREADS);
	return ring;
}

static void run(struct ring *ring, unsigned number, bool twice)
{
	for (int round = 1; round <= ROUNDS; round++) {
		ring->cells[number] = round;
		weft_barrier_wait(&ring->barrier);
		weft_explore_check(ring->cells[(number + 1) % THREADS] == round);
		if (twice)
			weft_barrier_wait(&ring->barrier);
	}
}

static void broken(void *state, unsigned number)
{
	run(state, number, false);
}

static void fixed(void *state, unsigned number)
{
	run(state, number, true);
}

const struct weft_explore_scenario scenarios[] = {
	{ .name = "phases-broken", .threads = THREADS, .begin = begin, .thread = broken },
	{ .name = "phases-fixed", .threads = THREADS, .begin = begin, .thread = fixed },
	{ .name = NULL },
};
